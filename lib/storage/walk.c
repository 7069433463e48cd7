/* SPDX-License-Identifier: MIT */
#include "storage/walk.h"

#include <assert.h>
#include <stdatomic.h>

#include "storage/team.h"

enum {
    CHUNK_BYTES = 1 << 20, /* what one system call moves; measured: docs/decisions.md */
    MEMBERS_MAX = 4,       /* as many writes as a device has use for at once */
    CHUNKS_PER_MEMBER = 4, /* fewer are done sooner than a thread is made */
};

static_assert((int)MEMBERS_MAX <= (int)TEAM_SIZE_MAX, "a team can have as many members");

struct walk {
    const struct record *geometry;
    const struct buffer *buffer;
    walk_visit *visit;
    void *context;
    struct walk_division division;
    _Atomic uint64_t next_chunk;
    _Atomic bool failed;
    struct error error[MEMBERS_MAX];
};

/* Large blocks, which another version may have written, are read one by one: memory stays within bounds. */
static unsigned member_count(const struct walk_division *division)
{
    if (division->chunk_bytes > CHUNK_BYTES || division->chunk_count < CHUNKS_PER_MEMBER)
        return 1;
    if (division->chunk_count >= (uint64_t)MEMBERS_MAX * CHUNKS_PER_MEMBER)
        return MEMBERS_MAX;
    return (unsigned)(division->chunk_count / CHUNKS_PER_MEMBER);
}

struct walk_division walk_divide(const struct record *geometry)
{
    const uint64_t block_count = record_block_count(geometry);
    struct walk_division division = {.blocks_per_chunk = 1};

    if (geometry->block_bytes < CHUNK_BYTES)
        division.blocks_per_chunk = CHUNK_BYTES / geometry->block_bytes;
    if (division.blocks_per_chunk > block_count)
        division.blocks_per_chunk = block_count;
    division.chunk_bytes = (size_t)(division.blocks_per_chunk * geometry->block_bytes);
    if (division.chunk_bytes > geometry->table_offset - FORMAT_USER_BLOCK_BYTES) /* a lone block may be shorter */
        division.chunk_bytes = (size_t)(geometry->table_offset - FORMAT_USER_BLOCK_BYTES);
    division.chunk_count = block_count / division.blocks_per_chunk + (block_count % division.blocks_per_chunk != 0);
    division.member_count = member_count(&division);
    return division;
}

h5ckpt_status walk_reserve(struct buffer *buffer, const struct record *geometry, struct error *error)
{
    const struct walk_division division = walk_divide(geometry);

    return buffer_reserve(buffer, division.chunk_bytes * division.member_count, error);
}

/* `count` blocks from `first` on. */
static struct walk_chunk blocks_from(const struct record *geometry, uint64_t first, uint64_t count)
{
    const uint64_t last = first + count - 1;
    const uint64_t begin = record_block_offset(geometry, first);
    const uint64_t end = record_block_offset(geometry, last) + record_block_length(geometry, last);

    return (struct walk_chunk){
        .first_block = first, .block_count = count, .offset = begin, .byte_count = (size_t)(end - begin)};
}

struct walk_chunk walk_chunk_at(const struct record *geometry, const struct walk_division *division, uint64_t index)
{
    const uint64_t first = index * division->blocks_per_chunk;
    const uint64_t left = record_block_count(geometry) - first;

    return blocks_from(geometry, first, left < division->blocks_per_chunk ? left : division->blocks_per_chunk);
}

struct walk_chunk walk_run_of(const struct walk_chunk *chunk, const struct record *geometry, unsigned first,
                              unsigned count)
{
    struct walk_chunk run = blocks_from(geometry, chunk->first_block + first, count);

    run.bytes = chunk->bytes + (run.offset - chunk->offset);
    return run;
}

static void walk_as_member(void *context, unsigned member)
{
    struct walk *walk = context;

    while (!atomic_load(&walk->failed)) {
        const uint64_t index = atomic_fetch_add(&walk->next_chunk, 1);
        if (index >= walk->division.chunk_count)
            return;
        struct walk_chunk chunk = walk_chunk_at(walk->geometry, &walk->division, index);
        chunk.bytes = walk->buffer->bytes + member * walk->division.chunk_bytes;
        chunk.in_caller = member == 0;
        if (walk->visit(walk->context, &chunk, &walk->error[member]) < 0)
            atomic_store(&walk->failed, true);
    }
}

h5ckpt_status walk_chunks(const struct record *geometry, const struct buffer *buffer, enum walk_order order,
                          walk_visit *visit, void *context, struct error *error)
{
    struct walk walk = {
        .geometry = geometry, .buffer = buffer, .visit = visit, .context = context, .division = walk_divide(geometry)};
    const unsigned members = order == WALK_ASCENDING ? 1 : walk.division.member_count;
    h5ckpt_status status = H5CKPT_OK;

    assert(buffer->byte_count >= walk.division.chunk_bytes * members);
    team_run(members, walk_as_member, &walk);
    for (unsigned i = 0; i < members; i++) {
        if (status == H5CKPT_OK && walk.error[i].status < 0) {
            status = walk.error[i].status;
            error_move(error, &walk.error[i]);
        }
        error_clear(&walk.error[i]);
    }
    return status;
}
