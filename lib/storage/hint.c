/* SPDX-License-Identifier: MIT */
/*
 * hint: what the program promises not to have changed (h5ckpt_unchanged()). A promise counts for the blocks that it
 * covers from end to end; the few at its edges are read and compared as ever.
 */
#include <limits.h>

#include "storage/store.h"

static uint64_t block_of(const struct record *geometry, uint64_t offset)
{
    return (offset - FORMAT_USER_BLOCK_BYTES) / geometry->block_bytes;
}

/* The blocks that lie within `begin` … `end` of the file. */
static void note_unchanged(h5ckpt_store *store, uint64_t begin, uint64_t end)
{
    const struct record *geometry = &store->layout.geometry;
    const uint64_t first = block_of(geometry, begin + geometry->block_bytes - 1);

    for (uint64_t block = first; record_block_offset(geometry, block) + geometry->block_bytes <= end; block++)
        store->unchanged[block / CHAR_BIT] |= (unsigned char)(1u << block % CHAR_BIT);
}

h5ckpt_status h5ckpt_unchanged(h5ckpt_store *store, const char *name, uint64_t first, uint64_t count)
{
    h5ckpt_status status;
    size_t index;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = store_enter_in_flight(store, "h5ckpt_unchanged");
    if (status < 0)
        return status;
    if (name == NULL || !state_find(store->state, name, &index))
        return error_set(&store->error, H5CKPT_E_ARGUMENT, "h5ckpt_unchanged: there is no variable '%s'",
                         name == NULL ? "(NULL)" : name);
    if (store->unchanged == NULL || index >= store->whole.program_count)
        return H5CKPT_OK; /* nothing has been saved yet that it could be like */
    const struct schema_entry *entry = &store->state->entry[index];
    const uint64_t elements = entry->byte_count / entry->element.byte_count;
    if (first >= elements)
        return H5CKPT_OK;
    const uint64_t begin = store->layout.structure.variable_offset[index] + first * entry->element.byte_count;
    const uint64_t bytes = (count < elements - first ? count : elements - first) * entry->element.byte_count;
    note_unchanged(store, begin, begin + bytes);
    return H5CKPT_OK;
}
