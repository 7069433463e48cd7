/* SPDX-License-Identifier: MIT */
/*
 * specimen: a slot file as bytes in memory, for tests that change it and then make its checksums right again, as nobody
 * but a forger would: what was changed so reaches the code that parses it. Offsets are those of docs/format.md.
 */
#ifndef TEST_HOSTILE_SPECIMEN_H
#define TEST_HOSTILE_SPECIMEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SPECIMEN_BYTES_MAX = 1 << 20,
    SPECIMEN_ENTRIES_MAX = 1 << 13,
    RECORD_AT_VERSION = 8,
    RECORD_AT_KIND = 12,
    RECORD_AT_SEQUENCE = 16,
    RECORD_AT_BASE_SEQUENCE = 24,
    RECORD_AT_FEATURES_REQUIRED = 32,
    RECORD_AT_EPOCH = 48,
    RECORD_AT_BATCH = 56,
    RECORD_AT_STEP = 64,
    RECORD_AT_WALL_TIME = 72,
    RECORD_AT_DIRECTORY_ID = 80,
    RECORD_AT_SLOT_COUNT = 112,
    RECORD_AT_TWINS = 116,
    RECORD_AT_FILE_BYTES = 120,
    RECORD_AT_BLOCK_BYTES = 128,
    RECORD_AT_INDEX_OFFSET = 136,
    RECORD_AT_INDEX_BYTES = 144,
    RECORD_AT_TABLE_OFFSET = 152,
    RECORD_AT_TABLE_BYTES = 160,
    RECORD_AT_SCHEMA_DIGEST = 168,
    RECORD_AT_STRUCTURE_DIGEST = 184,
    RECORD_AT_TABLE_DIGEST = 200,
    RECORD_AT_INDEX_DIGEST = 216,
    RECORD_AT_CHECKSUM = 496,
    INDEX_AT_COUNT = 8,
    INDEX_HEADER_BYTES = 16,
    ENTRY_AT_OFFSET = 0,
    ENTRY_AT_BYTE_COUNT = 8,
    ENTRY_AT_ELEMENT_BYTES = 16,
    ENTRY_AT_CLASS = 20,
    ENTRY_AT_ORDER = 21,
    ENTRY_AT_LONG_DOUBLE = 22,
    ENTRY_AT_RANK = 23,
    ENTRY_AT_NAME_LENGTH = 24,
    ENTRY_HEAD_BYTES = 32,
};

struct specimen {
    size_t byte_count;
    unsigned char bytes[SPECIMEN_BYTES_MAX];
};

/* The files must be there and small enough; else the program ends. */
void specimen_read(struct specimen *specimen, const char *path);
void specimen_write(const struct specimen *specimen, const char *path); /* in place */
bool specimen_is_on_disk(const struct specimen *specimen, const char *path);

uint64_t specimen_get(const struct specimen *specimen, size_t at, unsigned byte_count);
void specimen_put(struct specimen *specimen, size_t at, unsigned byte_count, uint64_t value);

/* Where the index's entries begin, as far as they lie within it and are whole; at most SPECIMEN_ENTRIES_MAX. */
size_t specimen_entries(const struct specimen *specimen, size_t at[SPECIMEN_ENTRIES_MAX]);
size_t entry_name_at(const struct specimen *specimen, size_t entry_at);
size_t entry_byte_count(const struct specimen *specimen, size_t entry_at);

/* Put `index` behind what is before the present one, then a table of blocks of `block_bytes`; the record says so. */
void specimen_compose(struct specimen *specimen, const unsigned char *index, size_t index_bytes, uint64_t block_bytes);

/*
 * Make every digest and checksum right, as far as the record's numbers lead to bytes that are there: index, schema,
 * blocks, table, record. The structure's digest stays: it says what the saving program's HDF5 part was.
 */
void specimen_seal(struct specimen *specimen);
void specimen_seal_record(struct specimen *specimen); /* its checksum only */
void specimen_seal_lock(struct specimen *specimen);   /* of a lock: those of its identity and its note */

#endif
