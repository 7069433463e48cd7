/* SPDX-License-Identifier: MIT */
/*
 * slot_bytes: the bytes of a slot, a milestone or a lock, to be changed: where its parts are, and how their checksums
 * are made right again, as docs/format.md has it. Trusts nothing that the bytes say.
 */
#ifndef H5CKPT_TEST_SLOT_BYTES_H
#define H5CKPT_TEST_SLOT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SLOT_BYTES_MAX = 1 << 16 };

struct slot_bytes {
    size_t byte_count;
    unsigned char bytes[SLOT_BYTES_MAX];
};

enum slot_part { PART_RECORD, PART_STRUCTURE, PART_INDEX, PART_TABLE, PART_COUNT };

/* Where a part begins and how long it is, as the record says; false: not within the file. */
bool slot_bytes_part(const struct slot_bytes *slot, enum slot_part part, size_t *offset, size_t *byte_count);

/* Which checksums are made right; bits. Each covers those before it. */
enum slot_mend {
    MEND_INDEX = 1,
    MEND_BLOCKS = 2,
    MEND_TABLE = 4,
    MEND_RECORD = 8,
    MEND_LENGTHS = 16, /* of table and file, in the record */
};

void slot_bytes_mend(struct slot_bytes *slot, unsigned mend);

/* A lock's two sectors. */
void lock_bytes_mend(struct slot_bytes *lock);

#endif
