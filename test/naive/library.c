/* SPDX-License-Identifier: MIT */
/* The library as one of the engines. */
#include <string.h>

#include "format.h"
#include "h5ckpt.h"
#include "naive/engine.h"

#define DIRECTORY "backup"

static h5ckpt_store *store; /* of the process that saves */
static h5ckpt_state *state;
static unsigned newest_slot;
static unsigned char memory[1 << 18];

/* The program's one variable. */
static h5ckpt_store *open_store(enum h5ckpt_mode mode, size_t byte_count)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *opened;

    if (byte_count > sizeof memory)
        return NULL;
    options.mode = mode;
    state = h5ckpt_state_new();
    h5ckpt_add(state, "state", H5CKPT_UINT8, 1, (const uint64_t[]){byte_count}, memory);
    h5ckpt_open(&opened, DIRECTORY, state, &options);
    return opened;
}

static void end_process(void)
{
    h5ckpt_close(store);
    h5ckpt_state_free(state);
    store = NULL;
    state = NULL;
}

static bool save(const unsigned char *bytes, size_t byte_count)
{
    if (store == NULL) {
        store = open_store(H5CKPT_READ_WRITE, byte_count);
        h5ckpt_restore(store, NULL, NULL);
    }
    memcpy(memory, bytes, byte_count);
    return h5ckpt_save(store, NULL) == H5CKPT_OK;
}

static enum answer restore(unsigned char *bytes, size_t byte_count)
{
    struct h5ckpt_report report = {0};

    store = open_store(H5CKPT_READ_WRITE, byte_count);
    const h5ckpt_status status = h5ckpt_restore(store, NULL, &report);
    end_process();
    memcpy(bytes, memory, byte_count);
    if (status == H5CKPT_OK || status == H5CKPT_FELL_BACK)
        newest_slot = (unsigned)report.restored;
    switch (status) {
    case H5CKPT_OK:
        return ANSWER_STATE;
    case H5CKPT_FELL_BACK:
        return ANSWER_OLDER;
    case H5CKPT_NO_CHECKPOINT:
        return ANSWER_NONE;
    default:
        return ANSWER_ERROR;
    }
}

static const char *newest_file(void)
{
    static const char *const PATH[] = {DIRECTORY "/" FORMAT_SLOT_A, DIRECTORY "/" FORMAT_SLOT_B};

    return PATH[newest_slot];
}

const struct engine LIBRARY = {.name = "h5ckpt",
                               .save = save,
                               .restore = restore,
                               .end = end_process,
                               .newest_file = newest_file,
                               .first_piece = FORMAT_USER_BLOCK_BYTES,
                               .piece_bytes = FORMAT_BLOCK_BYTES};
