/* SPDX-License-Identifier: MIT */
/*
 * transfer: blocks from a slot file to memory, checked against the table before a byte goes anywhere (P4).
 */
#ifndef H5CKPT_TRANSFER_H
#define H5CKPT_TRANSFER_H

#include "storage/buffer.h"
#include "storage/file.h"
#include "storage/record.h"
#include "storage/walk.h"

struct transfer_damage {
    uint64_t block_count; /* damaged blocks in all */
    uint64_t first_block;
    struct checksum stored; /* of the first */
    struct checksum actual;
};

/* Somebody who wants to know more of a verification than its verdict. */
struct transfer_watch {
    unsigned char *damaged; /* a bit per block, to be set where a block is damaged or cannot be read */
    void (*advance)(void *context, uint64_t bytes_done); /* told now and then, and at the end; NULL: nobody */
    void *context;
};

size_t transfer_damaged_byte_count(const struct record *record); /* of the bits in `damaged` */
bool transfer_is_damaged(const unsigned char *damaged, uint64_t block);

/*
 * Read every block; damage is no error but counted. Errors are the system's. A block that cannot be read ends it,
 * unless it is watched (NULL: it is not): then it ends, with H5CKPT_E_IO, when every block has been tried.
 */
h5ckpt_status transfer_verify(const struct file *file, const struct record *record, const struct checksum *table,
                              struct transfer_damage *damage, const struct transfer_watch *watch, struct buffer *buffer,
                              struct error *error);

/* Read a chunk's blocks, each of which must match its checksum: H5CKPT_E_DAMAGED names the first that does not. */
h5ckpt_status transfer_read(const struct file *file, const struct record *record, const struct checksum *table,
                            const struct walk_chunk *chunk, struct error *error);

/* Where `byte_count` bytes at `offset` in the file go. */
struct transfer_target {
    uint64_t offset;
    uint64_t byte_count;
    unsigned char *bytes;
};

/* What is wanted of a slot. */
struct transfer_plan {
    const struct transfer_target *target; /* ascending by offset */
    size_t target_count;
    bool overlap;     /* targets do, in memory: the last one in the file wins */
    bool every_block; /* verify blocks that nothing is wanted of as well */
};

/*
 * Fill the targets, each block verified before a byte of it is handed over. H5CKPT_E_DAMAGED names a block that does
 * not match its checksum; *handed_over tells whether any byte was before that.
 */
h5ckpt_status transfer_load(const struct file *file, const struct record *record, const struct checksum *table,
                            const struct transfer_plan *plan, bool *handed_over, struct buffer *buffer,
                            struct error *error);

#endif
