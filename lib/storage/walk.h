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
