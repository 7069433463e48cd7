/* SPDX-License-Identifier: MIT */
#include "storage/layout.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "storage/index.h"

static h5ckpt_status collect_entries(struct layout *layout, const h5ckpt_state *state, struct error *error)
{
    static const char *const PROGRESS_NAME[LAYOUT_PROGRESS_COUNT] = {
        FORMAT_PROGRESS_GROUP "/epoch",
        FORMAT_PROGRESS_GROUP "/batch",
        FORMAT_PROGRESS_GROUP "/step",
    };
    struct element counter = {0};

    element_of_type(&counter, H5CKPT_UINT64, error); /* it is one */
    layout->entry_count = state->variable_count + LAYOUT_PROGRESS_COUNT;
    layout->entry = calloc(layout->entry_count, sizeof *layout->entry);
    if (layout->entry == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory to lay out %zu variables", layout->entry_count);
    if (state->variable_count != 0)
        memcpy(layout->entry, state->entry, state->variable_count * sizeof *layout->entry);
    for (size_t i = 0; i < LAYOUT_PROGRESS_COUNT; i++)
        layout->entry[state->variable_count + i] =
            (struct schema_entry){.name = PROGRESS_NAME[i], .element = counter, .byte_count = sizeof(uint64_t)};
    return H5CKPT_OK;
}

static int compare_extents(const void *a, const void *b)
{
    const struct layout_extent *first = a;
    const struct layout_extent *second = b;

    return (first->offset > second->offset) - (first->offset < second->offset);
}

static h5ckpt_status collect_extents(struct layout *layout, struct error *error)
{
    const struct structure *structure = &layout->structure;
    struct layout_extent *to;

    layout->extent = calloc(layout->entry_count + structure->run_count + 1, sizeof *layout->extent);
    if (layout->extent == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory to lay out %zu variables", layout->entry_count);
    to = layout->extent;
    for (size_t i = 0; i < structure->run_count; i++)
        *to++ =
            (struct layout_extent){structure->run[i].offset, structure->run[i].byte_count, structure->run[i].bytes, 0};
    for (size_t i = 0; i < layout->entry_count; i++)
        if (layout->entry[i].byte_count != 0)
            *to++ = (struct layout_extent){structure->variable_offset[i], layout->entry[i].byte_count, NULL, i};
    *to++ = (struct layout_extent){layout->geometry.index_offset, layout->index_bytes, layout->index, 0};
    layout->extent_count = (size_t)(to - layout->extent);
    qsort(layout->extent, layout->extent_count, sizeof *layout->extent, compare_extents);
    for (size_t i = 1; i < layout->extent_count; i++)
        assert(layout->extent[i - 1].offset + layout->extent[i - 1].byte_count <= layout->extent[i].offset);
    return H5CKPT_OK;
}

/* docs/format.md 2.1, "structure digest". */
static h5ckpt_status structure_digest(struct layout *layout, struct error *error)
{
    enum { RUN_BYTES = 16 + CHECKSUM_BYTES };
    const struct structure *structure = &layout->structure;
    size_t byte_count = structure->run_count * RUN_BYTES + CHECKSUM_BYTES;
    unsigned char *bytes = malloc(byte_count);
    unsigned char *to = bytes;
    struct checksum checksum;

    if (bytes == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory for a digest of %zu bytes", byte_count);
    for (size_t i = 0; i < structure->run_count; i++, to += RUN_BYTES) {
        checksum = checksum_of(structure->run[i].bytes, structure->run[i].byte_count);
        bytes_put_u64(to, structure->run[i].offset);
        bytes_put_u64(to + 8, structure->run[i].byte_count);
        memcpy(to + 16, checksum.byte, CHECKSUM_BYTES);
    }
    memcpy(to, layout->geometry.index_digest.byte, CHECKSUM_BYTES);
    layout->geometry.structure_digest = checksum_of(bytes, byte_count);
    free(bytes);
    return H5CKPT_OK;
}

static h5ckpt_status describe(struct layout *layout, struct error *error)
{
    const struct schema schema = {layout->entry, layout->entry_count};
    struct record *geometry = &layout->geometry;
    unsigned char *bytes = NULL;
    size_t byte_count;
    h5ckpt_status status;

    status = index_encode(&schema, NULL, &bytes, &byte_count, error);
    if (status < 0)
        return status;
    geometry->schema_digest = checksum_of(bytes, byte_count);
    free(bytes);
    status = index_encode(&schema, layout->structure.variable_offset, &layout->index, &layout->index_bytes, error);
    if (status < 0)
        return status;
    geometry->index_digest = checksum_of(layout->index, layout->index_bytes);
    geometry->block_bytes = FORMAT_BLOCK_BYTES;
    geometry->index_offset = bytes_round_up(layout->structure.end, 8);
    geometry->index_bytes = layout->index_bytes;
    geometry->table_offset = bytes_round_up(geometry->index_offset + geometry->index_bytes, FORMAT_ALIGN_BYTES);
    geometry->table_bytes = record_block_count(geometry) * CHECKSUM_BYTES;
    geometry->file_bytes = bytes_round_up(geometry->table_offset + geometry->table_bytes, FORMAT_ALIGN_BYTES);
    return structure_digest(layout, error);
}

h5ckpt_status layout_build(struct layout *layout, const h5ckpt_state *state, struct error *error)
{
    h5ckpt_status status;

    *layout = LAYOUT_NONE;
    status = collect_entries(layout, state, error);
    if (status < 0)
        goto out;
    status = structure_build(&layout->structure, &(struct schema){layout->entry, layout->entry_count}, error);
    if (status < 0)
        goto out;
    status = describe(layout, error);
    if (status < 0)
        goto out;
    status = collect_extents(layout, error);
out:
    if (status < 0)
        layout_free(layout);
    return status;
}

void layout_free(struct layout *layout)
{
    free(layout->entry);
    structure_free(&layout->structure);
    free(layout->index);
    free(layout->extent);
    *layout = LAYOUT_NONE;
}

/* Index of the first extent that ends after `offset`. */
static size_t first_extent_after(const struct layout *layout, uint64_t offset)
{
    size_t low = 0;
    size_t high = layout->extent_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (layout->extent[middle].offset + layout->extent[middle].byte_count > offset)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Zero what is padding in `byte_count` bytes that begin `start` bytes into the variable. */
static void clear_padding(const struct element *element, unsigned char *bytes, uint64_t start, size_t byte_count)
{
    uint32_t value_bytes = element_value_byte_count(element);

    if (value_bytes == element->byte_count)
        return;
    for (size_t i = 0; i < byte_count; i++)
        if ((start + i) % element->byte_count >= value_bytes)
            bytes[i] = 0;
}

bool layout_gather_piece(const struct layout *layout, const unsigned char *const *source, uint64_t offset,
                         size_t byte_count, unsigned char *bytes)
{
    const uint64_t begin = offset;
    const uint64_t end = offset + byte_count;
    uint64_t filled = begin;
    bool varies = false;

    for (size_t i = first_extent_after(layout, begin); i < layout->extent_count; i++) {
        const struct layout_extent *extent = &layout->extent[i];
        if (extent->offset >= end)
            break;
        uint64_t from = extent->offset > begin ? extent->offset : begin;
        uint64_t to = extent->offset + extent->byte_count < end ? extent->offset + extent->byte_count : end;
        uint64_t start = from - extent->offset;
        unsigned char *target = bytes + (from - begin);
        memset(bytes + (filled - begin), 0, from - filled);
        memcpy(target, (extent->bytes != NULL ? extent->bytes : source[extent->entry_index]) + start, to - from);
        if (extent->bytes == NULL) {
            clear_padding(&layout->entry[extent->entry_index].element, target, start, to - from);
            varies = true;
        }
        filled = to;
    }
    memset(bytes + (filled - begin), 0, end - filled);
    return varies;
}

bool layout_gather(const struct layout *layout, const unsigned char *const *source, uint64_t block_index,
                   unsigned char *bytes)
{
    return layout_gather_piece(layout, source, record_block_offset(&layout->geometry, block_index),
                               record_block_length(&layout->geometry, block_index), bytes);
}

bool layout_block_varies(const struct layout *layout, uint64_t block_index)
{
    const uint64_t begin = record_block_offset(&layout->geometry, block_index);
    const uint64_t end = begin + record_block_length(&layout->geometry, block_index);

    for (size_t i = first_extent_after(layout, begin); i < layout->extent_count; i++) {
        if (layout->extent[i].offset >= end)
            break;
        if (layout->extent[i].bytes == NULL)
            return true;
    }
    return false;
}
