/* SPDX-License-Identifier: MIT */
#include "storage/transfer.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

h5ckpt_status transfer_buffer_reserve(struct transfer_buffer *buffer, size_t byte_count, struct error *error)
{
    void *bytes;

    if (buffer->byte_count >= byte_count)
        return H5CKPT_OK;
    if (posix_memalign(&bytes, FORMAT_ALIGN_BYTES, byte_count) != 0)
        return error_set(error, H5CKPT_E_MEMORY, "no memory for a block of %zu bytes", byte_count);
    free(buffer->bytes);
    *buffer = (struct transfer_buffer){bytes, byte_count};
    return H5CKPT_OK;
}

void transfer_buffer_free(struct transfer_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = TRANSFER_BUFFER_NONE;
}

h5ckpt_status transfer_write(const struct file *file, const struct layout *layout, const unsigned char *const *source,
                             bool every_byte, struct checksum *table, struct transfer_buffer *buffer,
                             struct error *error)
{
    const struct record *geometry = &layout->geometry;
    const uint64_t block_count = record_block_count(geometry);

    for (uint64_t block = 0; block < block_count; block++) {
        const size_t length = record_block_length(geometry, block);
        if (!every_byte && !layout_block_varies(layout, block))
            continue;
        layout_gather(layout, source, block, buffer->bytes);
        table[block] = checksum_of(buffer->bytes, length);
        h5ckpt_status status = file_write(file, buffer->bytes, length, record_block_offset(geometry, block), error);
        if (status < 0)
            return status;
    }
    return H5CKPT_OK;
}

/* Read block `block` into the buffer and compare; *actual is what its bytes give. */
static h5ckpt_status read_block(const struct file *file, const struct record *record, const struct checksum *table,
                                uint64_t block, struct checksum *actual, bool *matches, struct transfer_buffer *buffer,
                                struct error *error)
{
    const size_t length = record_block_length(record, block);
    h5ckpt_status status;

    status = transfer_buffer_reserve(buffer, length, error);
    if (status < 0)
        return status;
    status = file_read(file, buffer->bytes, length, record_block_offset(record, block), error);
    if (status < 0)
        return status;
    *actual = checksum_of(buffer->bytes, length);
    *matches = checksum_equal(actual, &table[block]);
    return H5CKPT_OK;
}

size_t transfer_damaged_byte_count(const struct record *record)
{
    return (size_t)(record_block_count(record) / CHAR_BIT + 1);
}

bool transfer_is_damaged(const unsigned char *damaged, uint64_t block)
{
    return damaged[block / CHAR_BIT] >> block % CHAR_BIT & 1;
}

static void count_damage(struct transfer_damage *damage, uint64_t block, const struct checksum *stored,
                         const struct checksum *actual)
{
    if (damage->block_count++ > 0)
        return;
    damage->first_block = block;
    damage->stored = *stored;
    damage->actual = *actual;
}

h5ckpt_status transfer_verify(const struct file *file, const struct record *record, const struct checksum *table,
                              struct transfer_damage *damage, const struct transfer_watch *watch,
                              struct transfer_buffer *buffer, struct error *error)
{
    const uint64_t block_count = record_block_count(record);
    h5ckpt_status unreadable = H5CKPT_OK;
    struct checksum actual;
    bool matches;

    *damage = (struct transfer_damage){0};
    for (uint64_t block = 0; block < block_count; block++) {
        h5ckpt_status status = read_block(file, record, table, block, &actual, &matches, buffer, error);
        if (status < 0 && (watch == NULL || status != H5CKPT_E_IO))
            return status;
        if (status == H5CKPT_OK && !matches)
            count_damage(damage, block, &table[block], &actual);
        if (status < 0)
            unreadable = status;
        if (watch == NULL)
            continue;
        if (status < 0 || !matches)
            watch->damaged[block / CHAR_BIT] |= (unsigned char)(1u << block % CHAR_BIT);
        if (watch->advance != NULL)
            watch->advance(watch->context, record_block_offset(record, block) + record_block_length(record, block) -
                                               FORMAT_USER_BLOCK_BYTES);
    }
    return unreadable;
}

static void scatter(const struct transfer_target *target, uint64_t begin, uint64_t end, const unsigned char *bytes)
{
    uint64_t from = target->offset > begin ? target->offset : begin;
    uint64_t to = target->offset + target->byte_count < end ? target->offset + target->byte_count : end;

    if (from < to)
        memcpy(target->bytes + (from - target->offset), bytes + (from - begin), to - from);
}

h5ckpt_status transfer_load(const struct file *file, const struct record *record, const struct checksum *table,
                            const struct transfer_target *target, size_t target_count, bool *handed_over,
                            struct transfer_buffer *buffer, struct error *error)
{
    const uint64_t block_count = record_block_count(record);
    struct checksum actual;
    size_t first = 0;
    bool matches;

    *handed_over = false;
    for (uint64_t block = 0; block < block_count; block++) {
        const uint64_t begin = record_block_offset(record, block);
        const uint64_t end = begin + record_block_length(record, block);
        while (first < target_count && target[first].offset + target[first].byte_count <= begin)
            first++;
        if (first == target_count)
            break;
        if (target[first].offset >= end)
            continue;
        h5ckpt_status status = read_block(file, record, table, block, &actual, &matches, buffer, error);
        if (status < 0)
            return status;
        if (!matches)
            return error_set(error, H5CKPT_E_DAMAGED,
                             "'%s/%s': block %" PRIu64 " changed between verifying and reading", file->directory->path,
                             file->name, block);
        for (size_t i = first; i < target_count && target[i].offset < end; i++)
            scatter(&target[i], begin, end, buffer->bytes);
        *handed_over = true;
    }
    return H5CKPT_OK;
}
