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
    size_t chunk_bytes;
    uint64_t blocks_per_chunk;
    uint64_t chunk_count;
    _Atomic uint64_t next_chunk;
    _Atomic bool failed;
    struct error error[MEMBERS_MAX];
};

static struct walk plan_walk(const struct record *geometry)
{
    const uint64_t block_count = record_block_count(geometry);
    struct walk walk = {.geometry = geometry, .blocks_per_chunk = 1};

    if (geometry->block_bytes < CHUNK_BYTES)
        walk.blocks_per_chunk = CHUNK_BYTES / geometry->block_bytes;
    if (walk.blocks_per_chunk > block_count)
        walk.blocks_per_chunk = block_count;
    walk.chunk_bytes = (size_t)(walk.blocks_per_chunk * geometry->block_bytes);
    if (walk.chunk_bytes > geometry->table_offset - FORMAT_USER_BLOCK_BYTES) /* a lone block may be shorter */
        walk.chunk_bytes = (size_t)(geometry->table_offset - FORMAT_USER_BLOCK_BYTES);
    walk.chunk_count = block_count / walk.blocks_per_chunk + (block_count % walk.blocks_per_chunk != 0);
    return walk;
}

/* Large blocks, which another version may have written, are read one by one: memory stays within bounds. */
static unsigned member_count(const struct walk *walk)
{
    if (walk->chunk_bytes > CHUNK_BYTES || walk->chunk_count < CHUNKS_PER_MEMBER)
        return 1;
    if (walk->chunk_count >= (uint64_t)MEMBERS_MAX * CHUNKS_PER_MEMBER)
        return MEMBERS_MAX;
    return (unsigned)(walk->chunk_count / CHUNKS_PER_MEMBER);
}

h5ckpt_status walk_reserve(struct buffer *buffer, const struct record *geometry, struct error *error)
{
    const struct walk walk = plan_walk(geometry);

    return buffer_reserve(buffer, walk.chunk_bytes * member_count(&walk), error);
}

static struct walk_chunk chunk_at(const struct walk *walk, uint64_t index, unsigned member)
{
    const uint64_t block_count = record_block_count(walk->geometry);
    struct walk_chunk chunk = {
        .first_block = index * walk->blocks_per_chunk,
        .block_count = walk->blocks_per_chunk,
        .bytes = walk->buffer->bytes + member * walk->chunk_bytes,
        .in_caller = member == 0,
    };

    if (chunk.block_count > block_count - chunk.first_block)
        chunk.block_count = block_count - chunk.first_block;
    const uint64_t last_block = chunk.first_block + chunk.block_count - 1;
    chunk.offset = record_block_offset(walk->geometry, chunk.first_block);
    chunk.byte_count = (size_t)(record_block_offset(walk->geometry, last_block) - chunk.offset) +
                       record_block_length(walk->geometry, last_block);
    return chunk;
}

static void walk_as_member(void *context, unsigned member)
{
    struct walk *walk = context;

    while (!atomic_load(&walk->failed)) {
        const uint64_t index = atomic_fetch_add(&walk->next_chunk, 1);
        if (index >= walk->chunk_count)
            return;
        const struct walk_chunk chunk = chunk_at(walk, index, member);
        if (walk->visit(walk->context, &chunk, &walk->error[member]) < 0)
            atomic_store(&walk->failed, true);
    }
}

h5ckpt_status walk_chunks(const struct record *geometry, const struct buffer *buffer, enum walk_order order,
                          walk_visit *visit, void *context, struct error *error)
{
    struct walk walk = plan_walk(geometry);
    const unsigned members = order == WALK_ASCENDING ? 1 : member_count(&walk);
    h5ckpt_status status = H5CKPT_OK;

    assert(buffer->byte_count >= walk.chunk_bytes * members);
    walk.buffer = buffer;
    walk.visit = visit;
    walk.context = context;
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
