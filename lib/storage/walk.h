/* SPDX-License-Identifier: MIT */
/*
 * walk: over all blocks of a slot's state, a chunk of neighbours at a time, by a team where there are enough of them.
 */
#ifndef H5CKPT_WALK_H
#define H5CKPT_WALK_H

#include "storage/buffer.h"
#include "storage/record.h"

/* Some blocks, and room for their bytes. */
struct walk_chunk {
    uint64_t first_block;
    uint64_t block_count;
    uint64_t offset; /* of the first, in the file */
    size_t byte_count;
    unsigned char *bytes;
    bool in_caller; /* the thread is the caller's own */
};

/* How a slot's blocks are divided into chunks. Pure. */
struct walk_division {
    size_t chunk_bytes; /* of the largest */
    uint64_t blocks_per_chunk;
    uint64_t chunk_count;
    unsigned member_count; /* threads that are worth while */
};

struct walk_division walk_divide(const struct record *geometry);

/* The chunk of that number, its bytes yet to be given. Pure. */
struct walk_chunk walk_chunk_at(const struct record *geometry, const struct walk_division *division, uint64_t index);

/* `count` neighbouring blocks of a chunk, as a chunk of their own. Pure. */
struct walk_chunk walk_run_of(const struct walk_chunk *chunk, const struct record *geometry, unsigned first,
                              unsigned count);

/* What is done with a chunk. It may run in several threads at once. */
typedef h5ckpt_status walk_visit(void *context, const struct walk_chunk *chunk, struct error *error);

/* Room for a walk over `geometry`. H5CKPT_E_MEMORY. */
h5ckpt_status walk_reserve(struct buffer *buffer, const struct record *geometry, struct error *error);

enum walk_order {
    WALK_ANY_ORDER,
    WALK_ASCENDING, /* one after the other, in the caller's thread */
};

/*
 * Call `visit` once for every chunk; after a failure not necessarily for all. Gives H5CKPT_OK, or one of the
 * failures. The buffer must have been reserved.
 */
h5ckpt_status walk_chunks(const struct record *geometry, const struct buffer *buffer, enum walk_order order,
                          walk_visit *visit, void *context, struct error *error);

#endif
