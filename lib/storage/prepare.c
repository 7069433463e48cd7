/* SPDX-License-Identifier: MIT */
/*
 * prepare: layout and working memory for the variables that are registered now, and the history; made once, so that no
 * save allocates.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "storage/slot_write.h"
#include "storage/store.h"

static void forget_layout(h5ckpt_store *store)
{
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++)
        store->memo[i].ours = false; /* what was written there had another structure */
    free(store->unchanged);
    store->unchanged = NULL;
    store->hints_hold = false;
    source_free(&store->source);
    layout_free(&store->layout);
    whole_free(&store->whole);
}

/* Tables to the file's end, so that no save allocates. */
static h5ckpt_status reserve_tables(h5ckpt_store *store)
{
    const struct record *geometry = &store->layout.geometry;
    const size_t byte_count = (size_t)(geometry->file_bytes - geometry->table_offset);

    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) {
        struct store_memo *memo = &store->memo[i];
        void *table;
        free(memo->table);
        memo->table = NULL;
        if (posix_memalign(&table, FORMAT_ALIGN_BYTES, byte_count) != 0)
            return error_set(&store->error, H5CKPT_E_MEMORY, "no memory for a block table of %zu bytes", byte_count);
        memo->table = memset(table, 0, byte_count);
        memo->table_bytes = byte_count;
    }
    return H5CKPT_OK;
}

/* A bit per block, twice: what the program promises now, and what it had promised when the save in flight began. */
static h5ckpt_status reserve_hints(h5ckpt_store *store)
{
    const size_t byte_count = (size_t)(record_block_count(&store->layout.geometry) / CHAR_BIT + 1);

    store->unchanged = calloc(2, byte_count);
    store->unchanged_bytes = byte_count;
    if (store->unchanged == NULL)
        return error_set(&store->error, H5CKPT_E_MEMORY, "no memory to note what has not changed");
    return H5CKPT_OK;
}

static h5ckpt_status reserve_buffer(h5ckpt_store *store)
{
    const struct record *geometry = &store->layout.geometry;

    if (slot_write_is_whole(geometry))
        return buffer_reserve(&store->buffer, (size_t)geometry->file_bytes, &store->error);
    return walk_reserve(&store->buffer, geometry, &store->error);
}

h5ckpt_status store_prepare(h5ckpt_store *store)
{
    h5ckpt_status status = store_check_state(store);

    if (status < 0 || whole_is_of(&store->whole, store->state, &store->history))
        return status;
    forget_layout(store);
    status = whole_make(&store->whole, store->state, &store->history, &store->error);
    if (status == H5CKPT_OK)
        status = layout_build(&store->layout, &store->whole.state, &store->error);
    if (status == H5CKPT_OK)
        status = source_reserve(&store->source, &store->layout, &store->whole.state, &store->error);
    if (status == H5CKPT_OK)
        status = reserve_tables(store);
    if (status == H5CKPT_OK)
        status = reserve_hints(store);
    if (status == H5CKPT_OK)
        status = reserve_buffer(store);
    if (status < 0)
        forget_layout(store);
    return status;
}

/* Pages are touched now where each save is going to use them. */
h5ckpt_status store_prepare_copies(h5ckpt_store *store)
{
    const struct record *geometry = &store->layout.geometry;
    const uint64_t cap = store->options.background.memory_bytes;
    struct error ignored = ERROR_NONE;
    h5ckpt_status status = H5CKPT_OK;

    if (store->options.save_mode == H5CKPT_SAVE_STAGED && !slot_write_is_whole(geometry))
        status = snapshot_reserve_cells(&store->cells, geometry, cap, SNAPSHOT_TOUCH, &store->error);
    if (store->options.save_mode == H5CKPT_SAVE_FENCED)
        snapshot_reserve_cells(&store->cells, geometry, cap, SNAPSHOT_TOUCH_LATER,
                               &ignored); /* a fence can wait instead */
    error_clear(&ignored);
    return status;
}

uint64_t store_copies_bytes(const h5ckpt_store *store)
{
    const struct record *geometry = &store->layout.geometry;
    const bool copies = store->options.save_mode == H5CKPT_SAVE_FENCED ||
                        (store->options.save_mode == H5CKPT_SAVE_STAGED && !slot_write_is_whole(geometry));

    return copies ? snapshot_cells_bytes(geometry, store->options.background.memory_bytes) : 0;
}
