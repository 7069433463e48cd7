/* SPDX-License-Identifier: MIT */
#include "storage/change.h"

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
        if (extent->bytes == NULL && extent->offset < end && extent->offset + extent->byte_count > begin)
            note_variable(changes, extent->entry_index);
    }
}

h5ckpt_status change_check(const struct gather *gather, struct error *error)
{
    struct changes changes = {.layout = gather->layout};

    for (uint64_t block = 0; block < record_block_count(&gather->layout->geometry); block++)
        if (layout_block_varies(gather->layout, block) && !gather_is_as_noted(gather, block))
            note_block(&changes, block);
    if (changes.count == 0)
        return H5CKPT_OK;
    error_set(error, H5CKPT_E_ARGUMENT,
              "memory changed between h5ckpt_save() and h5ckpt_fence(): the state is given up, the one before is still "
              "current. Changed blocks hold bytes of ");
    for (size_t i = 0; i < changes.count && i < NAMED_MAX; i++) {
        const char *path = gather->layout->entry[changes.named[i]].name;
        const char *name = schema_program_name(path);
        error_append(error, "%s'%s'", i == 0 ? "" : ", ", name != NULL ? name : path);
    }
    if (changes.count > NAMED_MAX)
        error_append(error, " and others");
    return H5CKPT_E_ARGUMENT;
}
