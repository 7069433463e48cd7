/* SPDX-License-Identifier: MIT */
/*
 * trace_me DIR MARKERS: saves and restores for strace.sh to watch. After each call that it makes a line is written to
 * file MARKERS, unbuffered, so that the trace shows where the call ended: "saved N", "restore N begins",
 * "restore N ends". "begin 0" and "end 0" enclose all, "damage 0 begins" and "damage 0 ends" what h5ckpt does not do.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h5ckpt.h"

enum { SAVE_COUNT = 5, WEIGHT_COUNT = 30000 };

static double weights[WEIGHT_COUNT];
static int markers; /* file descriptor */
static h5ckpt_state *state;

static void mark(const char *what, int number, const char *how)
{
    char line[64];
    int length = snprintf(line, sizeof line, "%s %d%s\n", what, number, how);

    if (write(markers, line, (size_t)length) != length)
        exit(EXIT_FAILURE);
}

static void expect(h5ckpt_status actual, h5ckpt_status expected, const h5ckpt_store *store)
{
    if (actual == expected)
        return;
    fprintf(stderr, "trace_me: %s: %s\n", h5ckpt_status_name(actual), h5ckpt_message(store));
    exit(EXIT_FAILURE);
}

static h5ckpt_store *open_store(const char *directory, enum h5ckpt_mode mode)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *store;

    options.mode = mode;
    expect(h5ckpt_open(&store, directory, state, &options), H5CKPT_OK, store);
    return store;
}

static void save(h5ckpt_store *store, int number)
{
    const struct h5ckpt_progress at = {.epoch = (uint64_t)number};

    for (int i = 0; i < WEIGHT_COUNT; i++)
        weights[i] = i + 0.001 * number;
    expect(h5ckpt_save(store, &at), H5CKPT_OK, store);
    mark("saved", number, "");
}

static void restore(h5ckpt_store *store, int number, const struct h5ckpt_restore_options *options,
                    h5ckpt_status expected)
{
    mark("restore", number, " begins");
    h5ckpt_status status = h5ckpt_restore(store, options, NULL);
    mark("restore", number, " ends");
    expect(status, expected, store);
}

/* One byte of the slot that was written last. */
static void damage(const char *directory, const char *slot)
{
    char path[4096];
    unsigned char byte;

    mark("damage", 0, " begins");
    snprintf(path, sizeof path, "%s/%s", directory, slot);
    int descriptor = open(path, O_RDWR);
    if (pread(descriptor, &byte, 1, 8192) != 1 || (byte ^= 1, pwrite(descriptor, &byte, 1, 8192)) != 1)
        exit(EXIT_FAILURE);
    close(descriptor);
    mark("damage", 0, " ends");
}

int main(int argc, char **argv)
{
    struct h5ckpt_restore_options staged = h5ckpt_restore_options_default();
    h5ckpt_store *store;
    int number = 0;

    if (argc != 3) {
        fputs("usage: trace_me DIR MARKERS\n", stderr);
        return EXIT_FAILURE;
    }
    markers = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0600);
    mark("begin", 0, "");
    state = h5ckpt_state_new();
    h5ckpt_add(state, "weights", H5CKPT_FLOAT64, 1, (const uint64_t[]){WEIGHT_COUNT}, weights);
    staged.memory = H5CKPT_STAGED;

    store = open_store(argv[1], H5CKPT_READ_WRITE);
    restore(store, 1, NULL, H5CKPT_NO_CHECKPOINT);
    while (number < SAVE_COUNT)
        save(store, ++number);
    h5ckpt_close(store);

    store = open_store(argv[1], H5CKPT_READ_WRITE); /* another life */
    restore(store, 2, NULL, H5CKPT_OK);
    save(store, ++number); /* the base was saved by another handle */
    restore(store, 3, &staged, H5CKPT_OK);
    h5ckpt_close(store);

    store = open_store(argv[1], H5CKPT_READ_ONLY);
    restore(store, 4, NULL, H5CKPT_OK);
    h5ckpt_close(store);

    damage(argv[1], "slot-b.h5"); /* of save 6 */
    store = open_store(argv[1], H5CKPT_READ_WRITE);
    restore(store, 5, NULL, H5CKPT_FELL_BACK);
    save(store, ++number);
    h5ckpt_close(store);
    mark("end", 0, "");
    h5ckpt_state_free(state);
    return EXIT_SUCCESS;
}
