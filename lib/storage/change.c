/* SPDX-License-Identifier: MIT */
#include "storage/change.h"

#include <stdlib.h>

enum { NAMED_MAX = 8 };

struct changes {
    const struct layout *layout;
    size_t named[NAMED_MAX]; /* entry indices */
    size_t count;            /* more than NAMED_MAX: too many to name */
};

static void note_variable(struct changes *changes, size_t entry_index)
{
    for (size_t i = 0; i < changes->count && i < NAMED_MAX; i++)
        if (changes->named[i] == entry_index)
            return;
    if (changes->count < NAMED_MAX)
        changes->named[changes->count] = entry_index;
    changes->count++;
}

static void note_block(struct changes *changes, uint64_t block)
{
    const struct layout *layout = changes->layout;
    const uint64_t begin = record_block_offset(&layout->geometry, block);
    const uint64_t end = begin + record_block_length(&layout->geometry, block);

    for (size_t i = 0; i < layout->extent_count; i++) {
        const struct layout_extent *extent = &layout->extent[i];
        if (extent->bytes == NULL && extent->offset < end && extent->offset + extent->byte_count > begin &&
            schema_program_name(layout->entry[extent->entry_index].name) != NULL)
            note_variable(changes, extent->entry_index);
    }
}

struct checksum *change_note(const struct gather *gather)
{
    const uint64_t block_count = record_block_count(&gather->layout->geometry);
    struct checksum *before = calloc((size_t)block_count, sizeof *before);

    for (uint64_t block = 0; before != NULL && block < block_count; block++)
        if (layout_block_varies(gather->layout, block))
            before[block] = gather_checksum(gather, block);
    return before;
}

static bool has_changed(const struct gather *gather, const struct checksum *before, uint64_t block)
{
    const struct checksum now = gather_checksum(gather, block);

    return !checksum_equal(&now, &before[block]) || !checksum_equal(&gather->table[block], &before[block]);
}

h5ckpt_status change_check(const struct gather *gather, const struct checksum *before, struct error *error)
{
    struct changes changes = {.layout = gather->layout};
    uint64_t changed = 0;

    for (uint64_t block = 0; block < record_block_count(&gather->layout->geometry); block++) {
        if (!layout_block_varies(gather->layout, block) || !has_changed(gather, before, block))
            continue;
        note_block(&changes, block);
        changed++;
    }
    if (changed == 0)
        return H5CKPT_OK;
    error_set(error, H5CKPT_E_ARGUMENT,
              "memory changed between h5ckpt_save() and h5ckpt_fence(): the state is given up, the one before is still "
              "current. Changed blocks hold bytes of ");
    for (size_t i = 0; i < changes.count && i < NAMED_MAX; i++)
        error_append(error, "%s'%s'", i == 0 ? "" : ", ",
                     schema_program_name(gather->layout->entry[changes.named[i]].name));
    if (changes.count > NAMED_MAX)
        error_append(error, " and others");
    return H5CKPT_E_ARGUMENT;
}
