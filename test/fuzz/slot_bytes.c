/* SPDX-License-Identifier: MIT */
#include "fuzz/slot_bytes.h"

#include <string.h>

#include "bytes.h"
#include "checksum.h"

enum { /* docs/format.md 2.1 */
       SECTOR_BYTES = 512,
       USER_BLOCK_BYTES = 4096,
       AT_FILE_BYTES = 120,
       AT_BLOCK_BYTES = 128,
       AT_INDEX_OFFSET = 136,
       AT_INDEX_BYTES = 144,
       AT_TABLE_OFFSET = 152,
       AT_TABLE_BYTES = 160,
       AT_TABLE_DIGEST = 200,
       AT_INDEX_DIGEST = 216,
       AT_CHECKSUM = 496,
};

static void put_checksum(struct slot_bytes *slot, size_t at, size_t offset, size_t byte_count)
{
    const struct checksum checksum = checksum_of(slot->bytes + offset, byte_count);

    memcpy(slot->bytes + at, checksum.byte, CHECKSUM_BYTES);
}

static bool lies_within(const struct slot_bytes *slot, uint64_t offset, uint64_t byte_count)
{
    return offset <= slot->byte_count && byte_count <= slot->byte_count - offset;
}

bool slot_bytes_part(const struct slot_bytes *slot, enum slot_part part, size_t *offset, size_t *byte_count)
{
    const uint64_t index = bytes_get_u64(slot->bytes + AT_INDEX_OFFSET);
    const uint64_t table = bytes_get_u64(slot->bytes + AT_TABLE_OFFSET);
    uint64_t begin = 0;
    uint64_t length = SECTOR_BYTES;

    if (part == PART_STRUCTURE) {
        begin = USER_BLOCK_BYTES;
        length = index - begin; /* wraps where the index begins before; then it is not within the file */
    } else if (part == PART_INDEX) {
        begin = index;
        length = bytes_get_u64(slot->bytes + AT_INDEX_BYTES);
    } else if (part == PART_TABLE) {
        begin = table;
        length = slot->byte_count - begin;
    }
    *offset = (size_t)begin;
    *byte_count = (size_t)length;
    return length > 0 && lies_within(slot, begin, length);
}

static void mend_blocks(struct slot_bytes *slot, unsigned mend)
{
    const uint64_t block_bytes = bytes_get_u64(slot->bytes + AT_BLOCK_BYTES);
    const uint64_t end = bytes_get_u64(slot->bytes + AT_TABLE_OFFSET);
    uint64_t count = 0;

    if (block_bytes < USER_BLOCK_BYTES || end > slot->byte_count)
        return;
    for (uint64_t begin = USER_BLOCK_BYTES; begin < end; begin += block_bytes, count++) {
        const uint64_t length = end - begin < block_bytes ? end - begin : block_bytes;
        if (mend & MEND_BLOCKS && lies_within(slot, end, (count + 1) * CHECKSUM_BYTES))
            put_checksum(slot, (size_t)(end + count * CHECKSUM_BYTES), (size_t)begin, (size_t)length);
        if (block_bytes > slot->byte_count) { /* one block; the next would begin beyond all numbers */
            count++;
            break;
        }
    }
    if (mend & MEND_LENGTHS) {
        bytes_put_u64(slot->bytes + AT_TABLE_BYTES, count * CHECKSUM_BYTES);
        bytes_put_u64(slot->bytes + AT_FILE_BYTES, slot->byte_count);
    }
}

void slot_bytes_mend(struct slot_bytes *slot, unsigned mend)
{
    size_t offset;
    size_t byte_count;

    if (slot->byte_count < SECTOR_BYTES)
        return;
    if (mend & MEND_INDEX && slot_bytes_part(slot, PART_INDEX, &offset, &byte_count))
        put_checksum(slot, AT_INDEX_DIGEST, offset, byte_count);
    mend_blocks(slot, mend);
    if (mend & MEND_TABLE && slot_bytes_part(slot, PART_TABLE, &offset, &byte_count))
        put_checksum(slot, AT_TABLE_DIGEST, offset, byte_count);
    if (mend & MEND_RECORD)
        put_checksum(slot, AT_CHECKSUM, 0, AT_CHECKSUM);
}

void lock_bytes_mend(struct slot_bytes *lock)
{
    for (size_t sector = 0; sector < 2 && lies_within(lock, sector * SECTOR_BYTES, SECTOR_BYTES); sector++)
        put_checksum(lock, sector * SECTOR_BYTES + AT_CHECKSUM, sector * SECTOR_BYTES, AT_CHECKSUM);
}
