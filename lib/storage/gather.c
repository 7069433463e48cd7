/* SPDX-License-Identifier: MIT */
#include "storage/gather.h"

#include <assert.h>
#include <limits.h>
#include <stdalign.h>

#include "storage/copy.h"

enum { PIECE_BYTES = 4096 }; /* stays in the nearest cache between being copied, checksummed and copied on */

static_assert(FORMAT_BLOCK_BYTES % PIECE_BYTES == 0 && PIECE_BYTES % COPY_ALIGN_BYTES == 0, "pieces fill blocks");

/*
 * The checksum is of the copy: what the program's memory is a moment later must not matter. `bytes` NULL: it alone is
 * wanted.
 */
static struct checksum gather_in_pieces(const struct gather *gather, uint64_t block, unsigned char *bytes)
{
    const struct record *geometry = &gather->layout->geometry;
    const uint64_t begin = record_block_offset(geometry, block);
    const size_t length = record_block_length(geometry, block);
    alignas(PIECE_BYTES) unsigned char piece[PIECE_BYTES];
    struct checksum_stream stream;

    checksum_begin(&stream);
    for (size_t at = 0; at < length; at += PIECE_BYTES) {
        layout_gather_piece(gather->layout, gather->source, begin + at, PIECE_BYTES, piece);
        checksum_update(&stream, piece, PIECE_BYTES);
        if (bytes != NULL)
            copy_past_caches(bytes + at, piece, PIECE_BYTES);
    }
    return checksum_end(&stream);
}

static struct checksum gather_at_once(const struct gather *gather, uint64_t block, unsigned char *bytes)
{
    layout_gather(gather->layout, gather->source, block, bytes);
    return checksum_of(bytes, record_block_length(&gather->layout->geometry, block));
}

/* Does the file hold the block's bytes, without a look at the program's memory? */
static bool is_known_to_be_there(const struct gather *gather, uint64_t block)
{
    if (gather->every_byte)
        return false;
    if (!layout_block_varies(gather->layout, block))
        return true;
    return gather->unchanged != NULL && gather->unchanged[block / CHAR_BIT] >> block % CHAR_BIT & 1 &&
           checksum_equal(&gather->known[block], &gather->table[block]);
}

enum fate {
    FATE_NOT_READ, /* it is there, and its bytes were not needed to tell */
    FATE_THE_SAME, /* it is there */
    FATE_TO_WRITE,
};

static enum fate gather_block(const struct gather *gather, uint64_t block, enum gather_way way, unsigned char *bytes)
{
    struct checksum checksum;

    if (is_known_to_be_there(gather, block))
        return FATE_NOT_READ;
    checksum = way == GATHER_TO_KEEP ? gather_in_pieces(gather, block, bytes) : gather_at_once(gather, block, bytes);
    if (!gather->every_byte && checksum_equal(&checksum, &gather->table[block]))
        return FATE_THE_SAME;
    gather->table[block] = checksum;
    return FATE_TO_WRITE;
}

/* Of many scattered blocks a device takes longer than of the whole chunk: measured, docs/decisions.md. */
static bool is_scattered(uint64_t to_write, uint64_t block_count)
{
    return (uint64_t)__builtin_popcountll(to_write) * 8 >= block_count * 3;
}

uint64_t gather_chunk(const struct gather *gather, const struct walk_chunk *chunk, enum gather_way way)
{
    const struct record *geometry = &gather->layout->geometry;
    uint64_t to_write = 0;
    uint64_t read = 0;

    assert(chunk->block_count <= 64);
    for (unsigned i = 0; i < chunk->block_count; i++) {
        const uint64_t block = chunk->first_block + i;
        unsigned char *bytes = chunk->bytes + (record_block_offset(geometry, block) - chunk->offset);
        const enum fate fate = gather_block(gather, block, way, bytes);
        to_write |= (uint64_t)(fate == FATE_TO_WRITE) << i;
        read |= (uint64_t)(fate != FATE_NOT_READ) << i;
    }
    if (way == GATHER_TO_KEEP)
        copy_finish();
    return is_scattered(to_write, chunk->block_count) ? read : to_write;
}

bool gather_next_run(uint64_t *blocks, unsigned *first, unsigned *count)
{
    if (*blocks == 0)
        return false;
    *first = (unsigned)__builtin_ctzll(*blocks);
    for (*count = 0; *first + *count < 64 && *blocks >> (*first + *count) & 1; ++*count)
        *blocks &= ~(UINT64_C(1) << (*first + *count));
    return true;
}

void gather_all(const struct gather *gather, unsigned char *bytes)
{
    const struct record *geometry = &gather->layout->geometry;

    for (uint64_t block = 0; block < record_block_count(geometry); block++)
        gather->table[block] = gather_at_once(
            gather, block, bytes + (record_block_offset(geometry, block) - record_block_offset(geometry, 0)));
}

struct checksum gather_checksum(const struct gather *gather, uint64_t block)
{
    return gather_in_pieces(gather, block, NULL);
}
