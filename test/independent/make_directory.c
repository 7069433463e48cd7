/* SPDX-License-Identifier: MIT */
/*
 * make_directory DIR SLOTS NUMBERS ACTION…: a small backup directory; it goes on from what is there.
 *
 * The state has two variables, one of NUMBERS doubles. ACTION: "save"; "keep:NAME", the base as a milestone;
 * "back:NAME", to that milestone; "delete".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h5ckpt.h"

enum { NUMBERS_MAX = 1 << 16 };

static double number[NUMBERS_MAX];
static uint8_t byte[3];

static h5ckpt_status save(h5ckpt_store *store)
{
    struct h5ckpt_progress at = h5ckpt_progress(store);

    at.epoch++;
    for (int i = 0; i < NUMBERS_MAX; i++)
        number[i] = (double)at.epoch + 1.0 / (i + 1);
    memset(byte, (int)at.epoch, sizeof byte);
    return h5ckpt_save(store, &at);
}

static h5ckpt_status roll_back(h5ckpt_store *store, const char *milestone)
{
    h5ckpt_status status = h5ckpt_roll_back(store, milestone);

    return status < 0 ? status : h5ckpt_restore(store, NULL, NULL);
}

static h5ckpt_status act(h5ckpt_store *store, const char *action)
{
    if (strcmp(action, "save") == 0)
        return save(store);
    if (strncmp(action, "keep:", 5) == 0)
        return h5ckpt_keep(store, action + 5);
    if (strncmp(action, "back:", 5) == 0)
        return roll_back(store, action + 5);
    return strcmp(action, "delete") == 0 ? h5ckpt_delete(store) : H5CKPT_E_ARGUMENT;
}

int main(int argc, char **argv)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;
    h5ckpt_status status;

    if (argc < 4)
        return EXIT_FAILURE;
    options.slots = (unsigned)strtoul(argv[2], NULL, 10);
    const uint64_t count = strtoull(argv[3], NULL, 10);
    h5ckpt_add(state, "numbers", H5CKPT_FLOAT64, 1, &count, number);
    h5ckpt_add(state, "deep/bytes", H5CKPT_UINT8, 1, (const uint64_t[]){sizeof byte}, byte);
    status = h5ckpt_open(&store, argv[1], state, &options);
    if (status == H5CKPT_OK)
        status = h5ckpt_restore(store, NULL, NULL);
    for (int i = 4; i < argc && status >= 0; i++)
        status = act(store, argv[i]);
    if (status < 0)
        fprintf(stderr, "make_directory: %s\n", h5ckpt_message(store));
    h5ckpt_close(store);
    h5ckpt_state_free(state);
    return status < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
