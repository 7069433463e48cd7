/* SPDX-License-Identifier: MIT */
/*
 * gather: from the program's memory to a chunk of the file: its bytes, their checksums, and which blocks have to be
 * written at all. No I/O, and no memory but the caller's.
 */
#ifndef H5CKPT_GATHER_H
#define H5CKPT_GATHER_H

#include "storage/layout.h"
#include "storage/walk.h"

struct gather {
    const struct layout *layout;
    const unsigned char *const *source; /* by schema index */
    struct checksum *table;             /* in: what is known to be in the file; out: what will be */
    bool every_byte;                    /* nothing is: write all */
    const unsigned char *unchanged;     /* a bit per block: its bytes are those of … ; NULL: none */
    const struct checksum *known;       /* … this table */
};

enum gather_way {
    GATHER_TO_WRITE, /* the chunk is written next, by this processor */
    GATHER_TO_KEEP,  /* it is written later */
};

/*
 * Fill the chunk's bytes, as far as they are to be written. Returns these blocks: bit i is block first_block + i. If
 * they are many, their neighbours that are the same may be among them.
 */
uint64_t gather_chunk(const struct gather *gather, const struct walk_chunk *chunk, enum gather_way way);

/* The next run of neighbours in `blocks`, which are taken out; false: there is none. */
bool gather_next_run(uint64_t *blocks, unsigned *first, unsigned *count);

/* All blocks into `bytes`, as they lie in the file. */
void gather_all(const struct gather *gather, unsigned char *bytes);

/* The checksum of block `block`, as the program's memory is now. */
struct checksum gather_checksum(const struct gather *gather, uint64_t block);

#endif
