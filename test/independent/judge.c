/* SPDX-License-Identifier: MIT */
/*
 * judge DIR: the library's answer about directories that the other end of the pipe makes up, thousands in one process.
 *
 * A question, on standard input: files to put into DIR, which otherwise stays as the last question left it, then what
 * else is asked.
 *     u32 number of files; each: u8 length of its name, the name, u8 kind, u32 length of its content, the content
 *         kinds: 0 remove it; 1 a file; 2 a file that has another name, too; 3 a symbolic link
 *     u8  bits: 1 a writer holds the lock; 2 tell of the variables and the history, too
 * The answer, on standard output: a line of fields with tabs between them; fields are as answer() writes them.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h5ckpt.h"

enum kind { KIND_ABSENT, KIND_FILE, KIND_LINKED, KIND_SYMBOLIC_LINK };

enum { ASK_WRITER_ALIVE = 1, ASK_CONTENT = 2, NAME_BYTES = 256, CONTENT_BYTES_MAX = 64 << 20 };

static const char OTHER_NAME[] = "../linked"; /* beside the directory */

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "judge: %s failed\n", what);
    exit(EXIT_FAILURE);
}

/* --------------------------------------------------------------------- questions */

static void take(void *bytes, size_t byte_count)
{
    must(fread(bytes, 1, byte_count, stdin) == byte_count, "reading a question");
}

static uint32_t take_u32(void)
{
    uint32_t number;

    take(&number, sizeof number);
    return number;
}

static void put_content(const char *name, const void *bytes, size_t byte_count)
{
    int descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);

    must(descriptor >= 0 && write(descriptor, bytes, byte_count) == (ssize_t)byte_count, "writing a file");
    close(descriptor);
}

static void put_file(void)
{
    static unsigned char content[CONTENT_BYTES_MAX];
    char name[NAME_BYTES] = "";
    unsigned char length;
    unsigned char kind;
    uint32_t byte_count;

    take(&length, sizeof length);
    take(name, length);
    take(&kind, sizeof kind);
    byte_count = take_u32();
    must(byte_count <= sizeof content, "a file that large");
    take(content, byte_count);
    unlink(name);
    if (kind == KIND_FILE || kind == KIND_LINKED)
        put_content(name, content, byte_count);
    if (kind == KIND_LINKED) {
        unlink(OTHER_NAME);
        must(link(name, OTHER_NAME) == 0, "making a link");
    }
    if (kind == KIND_SYMBOLIC_LINK)
        must(symlink("/dev/null", name) == 0, "making a symbolic link");
}

/* As a writer in another process would: an open-file-description lock of another opening excludes as well. */
static int hold_lock(void)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int descriptor = open("lock", O_RDWR);

    if (descriptor >= 0)
        must(fcntl(descriptor, F_OFD_SETLK, &whole) == 0, "holding the lock");
    return descriptor;
}

/* ----------------------------------------------------------------------- answers */

static void tell_damage(void *context, const struct h5ckpt_damage *damage)
{
    (void)context;
    for (uint64_t i = 0; i < damage->block_count; i++)
        printf(" %" PRIu64, damage->first_block + i);
}

static void tell_slot(h5ckpt_store *store, const struct h5ckpt_report *report, unsigned i)
{
    const struct h5ckpt_slot_report *slot = &report->slot[i];

    if (slot->name[0] == '\0') {
        printf("\t?"); /* not looked at */
        return;
    }
    printf("\t%s, %" PRIu64 ",", h5ckpt_slot_state_name(slot->state), slot->sequence);
    h5ckpt_list_damage(store, i, tell_damage, NULL);
}

static void tell_milestone(void *context, const struct h5ckpt_milestone *milestone)
{
    (void)context;
    printf("%s: %s; ", milestone->name, h5ckpt_slot_state_name(milestone->state));
}

static void tell_shape(int rank, const uint64_t *shape)
{
    for (int i = 0; i < rank; i++)
        printf("%s%" PRIu64, i == 0 ? "" : ", ", shape[i]);
}

static void tell_variable(void *context, const struct h5ckpt_stored *variable)
{
    (void)context;
    printf("%s: %s [", variable->name, variable->type_name);
    tell_shape(variable->rank, variable->shape);
    printf("] %" PRIu64 " at %" PRIu64 "; ", variable->byte_count, variable->offset);
}

static void tell_setting(void *context, const struct h5ckpt_stored_setting *setting)
{
    const unsigned char *bytes = setting->bytes;

    (void)context;
    printf("%s: %s [", setting->name, setting->type_name);
    tell_shape(setting->rank, setting->shape);
    printf("] ");
    for (uint64_t i = 0; i < setting->byte_count; i++)
        printf("%02x", bytes[i]);
    printf("; ");
}

static void tell_history(void *context, const struct h5ckpt_history *history)
{
    (void)context;
    for (uint64_t row = 0; row < history->row_count; row++)
        printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "; ", history->epoch[row], history->batch[row], history->step[row]);
    for (size_t log = 0; log < history->log_count; log++) {
        printf("%s:", history->name[log]);
        for (uint64_t row = 0; row < history->row_count; row++) {
            uint64_t bits;
            memcpy(&bits, &history->value[log][row], sizeof bits);
            printf(" %" PRIx64, bits);
        }
        printf("; ");
    }
}

static void tell_content(h5ckpt_store *store, unsigned slot)
{
    printf("\t");
    if (h5ckpt_list_variables(store, slot, tell_variable, NULL) != H5CKPT_OK)
        printf("none");
    printf("\t");
    if (h5ckpt_list_settings(store, slot, tell_setting, NULL) != H5CKPT_OK)
        printf("none");
    printf("\t");
    if (h5ckpt_read_history(store, slot, tell_history, NULL) != H5CKPT_OK)
        printf("none");
}

/* The restore of a program that has no variables: which slot it gives is all that is asked. */
static void tell_restored(h5ckpt_store *store, enum h5ckpt_which which)
{
    struct h5ckpt_restore_options options = h5ckpt_restore_options_default();
    struct h5ckpt_report report;

    options.which = which;
    options.match = H5CKPT_INTERSECTION;
    options.settings = H5CKPT_SETTINGS_ACCEPT;
    const h5ckpt_status status = h5ckpt_restore(store, &options, &report);
    printf("\t%s\t%d", h5ckpt_status_name(status), report.restored);
}

static void answer(h5ckpt_state *state, unsigned ask)
{
    struct h5ckpt_inspect_options every_byte = h5ckpt_inspect_options_default();
    struct h5ckpt_options read_only = h5ckpt_options_default();
    struct h5ckpt_report report = {.restored = -1};
    h5ckpt_store *store;

    every_byte.depth = H5CKPT_ALL_BYTES;
    read_only.mode = H5CKPT_READ_ONLY;
    must(h5ckpt_open(&store, ".", state, &read_only) == H5CKPT_OK, "h5ckpt_open()");
    printf("%s", h5ckpt_status_name(h5ckpt_inspect(store, &every_byte, &report)));
    printf("\t%d\t%s", report.restored, report.directory_id);
    for (unsigned i = 0; i < H5CKPT_SLOT_COUNT_MAX; i++)
        tell_slot(store, &report, i);
    printf("\t");
    if (h5ckpt_list_milestones(store, H5CKPT_ALL_BYTES, tell_milestone, NULL) != H5CKPT_OK)
        printf("?");
    if (ask & ASK_CONTENT && report.restored >= 0)
        tell_content(store, (unsigned)report.restored);
    tell_restored(store, H5CKPT_CURRENT);
    tell_restored(store, H5CKPT_PREVIOUS);
    printf("\n");
    h5ckpt_close(store);
}

int main(int argc, char **argv)
{
    h5ckpt_state *state = h5ckpt_state_new();
    int next;

    must(argc == 2 && chdir(argv[1]) == 0, "going to the directory");
    while ((next = getchar()) != EOF) {
        unsigned char ask;
        ungetc(next, stdin);
        for (uint32_t left = take_u32(); left > 0; left--)
            put_file();
        take(&ask, sizeof ask);
        int descriptor = ask & ASK_WRITER_ALIVE ? hold_lock() : -1;
        answer(state, ask);
        fflush(stdout);
        if (descriptor >= 0)
            close(descriptor);
    }
    unlink(OTHER_NAME);
    h5ckpt_state_free(state);
    return EXIT_SUCCESS;
}
