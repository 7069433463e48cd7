/* SPDX-License-Identifier: MIT */
/*
 * staging: memory of ours for the bytes of many variables, on their way to the program or to be compared with it.
 */
#ifndef H5CKPT_STAGING_H
#define H5CKPT_STAGING_H

#include "error.h"

struct staging {
    unsigned char *bytes;
    uint64_t byte_count;
    uint64_t taken_bytes;
};

#define STAGING_NONE ((struct staging){0})

/* First plan every piece, then make the memory, then take the same pieces in the same order. */
void staging_plan(struct staging *staging, uint64_t byte_count);
h5ckpt_status staging_make(struct staging *staging, struct error *error);  /* H5CKPT_E_MEMORY */
unsigned char *staging_take(struct staging *staging, uint64_t byte_count); /* aligned for any element */

void staging_free(struct staging *staging); /* STAGING_NONE is allowed */

struct staging_copy {
    void *to;
    const void *from;
    size_t byte_count;
};

enum staging_order {
    STAGING_ANY_ORDER,
    STAGING_ASCENDING, /* one after the other: places overlap, and the last one wins */
};

/* Do all copies, by a team where they are large. */
void staging_deliver(const struct staging_copy *copy, size_t copy_count, enum staging_order order);

#endif
