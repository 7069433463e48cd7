/* SPDX-License-Identifier: MIT */
/*
 * record: a slot's commit record (docs/format.md 2.1) as a struct, its 512 bytes, and the rules that both must keep.
 * Pure: no I/O.
 */
#ifndef H5CKPT_RECORD_H
#define H5CKPT_RECORD_H

#include "checksum.h"
#include "error.h"
#include "format.h"

enum record_kind { /* on disk */
                   RECORD_VOID = 0,
                   RECORD_STATE = 1,
};

struct record {
    bool readable; /* magic, checksum and version are right: the rest is what was written, whatever it says */
    enum record_kind kind;
    uint64_t sequence;
    uint64_t base_sequence;
    uint64_t features_required;
    uint64_t features_optional;
    struct h5ckpt_progress progress;
    int64_t wall_time_ns;
    unsigned char directory_id[FORMAT_ID_BYTES];
    unsigned char run_id[FORMAT_ID_BYTES];
    uint32_t slot_count;
    uint32_t twins;
    uint64_t file_bytes;
    uint64_t block_bytes;
    uint64_t index_offset;
    uint64_t index_bytes;
    uint64_t table_offset;
    uint64_t table_bytes;
    struct checksum schema_digest;
    struct checksum structure_digest;
    struct checksum table_digest;
    struct checksum index_digest;
};

void record_encode(const struct record *record, unsigned char bytes[FORMAT_RECORD_BYTES]);

/*
 * H5CKPT_E_DAMAGED (not a record, not as it was written, or of no kind), H5CKPT_E_VERSION (newer, or of unknown
 * features).
 */
h5ckpt_status record_decode(struct record *record, const unsigned char bytes[FORMAT_RECORD_BYTES], struct error *error);

/* The geometry of a state's record, for a file of `file_bytes` (rule 3 of "valid if and only if"). H5CKPT_E_DAMAGED. */
h5ckpt_status record_check(const struct record *record, uint64_t file_bytes, struct error *error);

enum { PROGRESS_TEXT_BYTES = 64 };

/* For messages: "epoch 3, batch 7", or "step 150" of a program that has no epochs. */
const char *progress_text(const struct h5ckpt_progress *progress, char text[PROGRESS_TEXT_BYTES]);

uint64_t record_block_count(const struct record *record);

/* Where block `block_index` begins and how long it is. */
uint64_t record_block_offset(const struct record *record, uint64_t block_index);
size_t record_block_length(const struct record *record, uint64_t block_index);

#endif
