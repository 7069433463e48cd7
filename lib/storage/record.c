/* SPDX-License-Identifier: MIT */
#include "storage/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"

static const unsigned char RECORD_MAGIC[8] = {0x89, 'H', '5', 'C', 'K', 'P', 'T', '\n'};

enum { /* offsets: docs/format.md 2.1 */
       AT_MAGIC = 0,
       AT_VERSION = 8,
       AT_KIND = 12,
       AT_SEQUENCE = 16,
       AT_BASE_SEQUENCE = 24,
       AT_FEATURES_REQUIRED = 32,
       AT_FEATURES_OPTIONAL = 40,
       AT_EPOCH = 48,
       AT_BATCH = 56,
       AT_STEP = 64,
       AT_WALL_TIME = 72,
       AT_DIRECTORY_ID = 80,
       AT_RUN_ID = 96,
       AT_SLOT_COUNT = 112,
       AT_TWINS = 116,
       AT_FILE_BYTES = 120,
       AT_BLOCK_BYTES = 128,
       AT_INDEX_OFFSET = 136,
       AT_INDEX_BYTES = 144,
       AT_TABLE_OFFSET = 152,
       AT_TABLE_BYTES = 160,
       AT_SCHEMA_DIGEST = 168,
       AT_STRUCTURE_DIGEST = 184,
       AT_TABLE_DIGEST = 200,
       AT_INDEX_DIGEST = 216,
       AT_CHECKSUM = 496,
};

static const uint64_t FEATURES_KNOWN = 0;

void record_encode(const struct record *record, unsigned char bytes[FORMAT_RECORD_BYTES])
{
    memset(bytes, 0, FORMAT_RECORD_BYTES);
    memcpy(bytes + AT_MAGIC, RECORD_MAGIC, sizeof RECORD_MAGIC);
    bytes_put_u32(bytes + AT_VERSION, FORMAT_VERSION);
    bytes_put_u32(bytes + AT_KIND, record->kind);
    bytes_put_u64(bytes + AT_SEQUENCE, record->sequence);
    bytes_put_u64(bytes + AT_BASE_SEQUENCE, record->base_sequence);
    bytes_put_u64(bytes + AT_FEATURES_REQUIRED, record->features_required);
    bytes_put_u64(bytes + AT_FEATURES_OPTIONAL, record->features_optional);
    bytes_put_u64(bytes + AT_EPOCH, record->progress.epoch);
    bytes_put_u64(bytes + AT_BATCH, record->progress.batch);
    bytes_put_u64(bytes + AT_STEP, record->progress.step);
    bytes_put_u64(bytes + AT_WALL_TIME, (uint64_t)record->wall_time_ns);
    memcpy(bytes + AT_DIRECTORY_ID, record->directory_id, FORMAT_ID_BYTES);
    memcpy(bytes + AT_RUN_ID, record->run_id, FORMAT_ID_BYTES);
    bytes_put_u32(bytes + AT_SLOT_COUNT, record->slot_count);
    bytes_put_u32(bytes + AT_TWINS, record->twins);
    bytes_put_u64(bytes + AT_FILE_BYTES, record->file_bytes);
    bytes_put_u64(bytes + AT_BLOCK_BYTES, record->block_bytes);
    bytes_put_u64(bytes + AT_INDEX_OFFSET, record->index_offset);
    bytes_put_u64(bytes + AT_INDEX_BYTES, record->index_bytes);
    bytes_put_u64(bytes + AT_TABLE_OFFSET, record->table_offset);
    bytes_put_u64(bytes + AT_TABLE_BYTES, record->table_bytes);
    memcpy(bytes + AT_SCHEMA_DIGEST, record->schema_digest.byte, CHECKSUM_BYTES);
    memcpy(bytes + AT_STRUCTURE_DIGEST, record->structure_digest.byte, CHECKSUM_BYTES);
    memcpy(bytes + AT_TABLE_DIGEST, record->table_digest.byte, CHECKSUM_BYTES);
    memcpy(bytes + AT_INDEX_DIGEST, record->index_digest.byte, CHECKSUM_BYTES);
    struct checksum checksum = checksum_of(bytes, AT_CHECKSUM);
    memcpy(bytes + AT_CHECKSUM, checksum.byte, CHECKSUM_BYTES);
}

static void record_from_bytes(struct record *record, const unsigned char *bytes)
{
    *record = (struct record){
        .readable = true,
        .kind = bytes_get_u32(bytes + AT_KIND),
        .sequence = bytes_get_u64(bytes + AT_SEQUENCE),
        .base_sequence = bytes_get_u64(bytes + AT_BASE_SEQUENCE),
        .features_required = bytes_get_u64(bytes + AT_FEATURES_REQUIRED),
        .features_optional = bytes_get_u64(bytes + AT_FEATURES_OPTIONAL),
        .progress.epoch = bytes_get_u64(bytes + AT_EPOCH),
        .progress.batch = bytes_get_u64(bytes + AT_BATCH),
        .progress.step = bytes_get_u64(bytes + AT_STEP),
        .wall_time_ns = (int64_t)bytes_get_u64(bytes + AT_WALL_TIME),
        .slot_count = bytes_get_u32(bytes + AT_SLOT_COUNT),
        .twins = bytes_get_u32(bytes + AT_TWINS),
        .file_bytes = bytes_get_u64(bytes + AT_FILE_BYTES),
        .block_bytes = bytes_get_u64(bytes + AT_BLOCK_BYTES),
        .index_offset = bytes_get_u64(bytes + AT_INDEX_OFFSET),
        .index_bytes = bytes_get_u64(bytes + AT_INDEX_BYTES),
        .table_offset = bytes_get_u64(bytes + AT_TABLE_OFFSET),
        .table_bytes = bytes_get_u64(bytes + AT_TABLE_BYTES),
    };
    memcpy(record->directory_id, bytes + AT_DIRECTORY_ID, FORMAT_ID_BYTES);
    memcpy(record->run_id, bytes + AT_RUN_ID, FORMAT_ID_BYTES);
    memcpy(record->schema_digest.byte, bytes + AT_SCHEMA_DIGEST, CHECKSUM_BYTES);
    memcpy(record->structure_digest.byte, bytes + AT_STRUCTURE_DIGEST, CHECKSUM_BYTES);
    memcpy(record->table_digest.byte, bytes + AT_TABLE_DIGEST, CHECKSUM_BYTES);
    memcpy(record->index_digest.byte, bytes + AT_INDEX_DIGEST, CHECKSUM_BYTES);
}

h5ckpt_status record_decode(struct record *record, const unsigned char bytes[FORMAT_RECORD_BYTES], struct error *error)
{
    char stored_text[CHECKSUM_TEXT_BYTES];
    char actual_text[CHECKSUM_TEXT_BYTES];
    struct checksum stored;
    struct checksum actual;

    *record = (struct record){0};
    if (memcmp(bytes + AT_MAGIC, RECORD_MAGIC, sizeof RECORD_MAGIC) != 0)
        return error_set(error, H5CKPT_E_DAMAGED, "it does not begin with a commit record");
    memcpy(stored.byte, bytes + AT_CHECKSUM, CHECKSUM_BYTES);
    actual = checksum_of(bytes, AT_CHECKSUM);
    if (!checksum_equal(&stored, &actual)) {
        checksum_text(&stored, stored_text);
        checksum_text(&actual, actual_text);
        return error_set(error, H5CKPT_E_DAMAGED, "commit record: stored checksum %s, bytes give %s", stored_text,
                         actual_text);
    }
    uint32_t version = bytes_get_u32(bytes + AT_VERSION);
    if (version == 0)
        return error_set(error, H5CKPT_E_DAMAGED, "commit record: there is no format version 0");
    if (version > FORMAT_VERSION)
        return error_set(error, H5CKPT_E_VERSION, "format version %" PRIu32 "; this h5ckpt reads up to %d", version,
                         FORMAT_VERSION);
    /* Believed, it would leave no sequence for the next save. */
    if (bytes_get_u64(bytes + AT_SEQUENCE) > FORMAT_SEQUENCE_MAX)
        return error_set(error, H5CKPT_E_DAMAGED, "commit record: impossible sequence %" PRIu64,
                         bytes_get_u64(bytes + AT_SEQUENCE));
    record_from_bytes(record, bytes);
    if (record->features_required & ~FEATURES_KNOWN)
        return error_set(error, H5CKPT_E_VERSION, "requires features %#" PRIx64 " that this h5ckpt does not know",
                         record->features_required & ~FEATURES_KNOWN);
    if (record->kind != RECORD_VOID && record->kind != RECORD_STATE)
        return error_set(error, H5CKPT_E_DAMAGED, "commit record: kind %u is neither void nor state", record->kind);
    return H5CKPT_OK;
}

static bool is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

h5ckpt_status record_check(const struct record *record, uint64_t file_bytes, struct error *error)
{
    const struct record *r = record;

    if (r->file_bytes != file_bytes)
        return error_set(error, H5CKPT_E_DAMAGED, "the file has %" PRIu64 " bytes, its record says %" PRIu64,
                         file_bytes, r->file_bytes);
    if (r->sequence <= r->base_sequence || r->sequence > FORMAT_SEQUENCE_MAX)
        return error_set(error, H5CKPT_E_DAMAGED, "commit record: sequence %" PRIu64 " on base %" PRIu64, r->sequence,
                         r->base_sequence);
    if (!is_power_of_two(r->block_bytes) || r->block_bytes < FORMAT_BLOCK_BYTES_MIN ||
        r->block_bytes > FORMAT_BLOCK_BYTES_MAX)
        return error_set(error, H5CKPT_E_DAMAGED, "commit record: impossible block size %" PRIu64, r->block_bytes);
    /* Bounded one by one, in ascending order, so that no sum below can overflow. */
    if (file_bytes > FORMAT_FILE_BYTES_MAX || file_bytes % FORMAT_ALIGN_BYTES != 0 ||
        r->table_offset % FORMAT_ALIGN_BYTES != 0 || r->table_offset <= FORMAT_USER_BLOCK_BYTES ||
        r->table_offset >= file_bytes || r->table_bytes > file_bytes ||
        r->table_bytes != record_block_count(r) * CHECKSUM_BYTES ||
        bytes_round_up(r->table_offset + r->table_bytes, FORMAT_ALIGN_BYTES) != file_bytes)
        return error_set(error, H5CKPT_E_DAMAGED,
                         "commit record: a block table of %" PRIu64 " bytes at %" PRIu64
                         " does not fit a file of %" PRIu64,
                         r->table_bytes, r->table_offset, file_bytes);
    if (r->index_offset % 8 != 0 || r->index_offset <= FORMAT_USER_BLOCK_BYTES || r->index_offset > r->table_offset ||
        r->index_bytes > r->table_offset - r->index_offset)
        return error_set(error, H5CKPT_E_DAMAGED,
                         "commit record: a variable index of %" PRIu64 " bytes at %" PRIu64
                         " does not fit before the table at %" PRIu64,
                         r->index_bytes, r->index_offset, r->table_offset);
    return H5CKPT_OK;
}

const char *progress_text(const struct h5ckpt_progress *progress, char text[PROGRESS_TEXT_BYTES])
{
    if (progress->epoch == 0 && progress->batch == 0 && progress->step != 0)
        snprintf(text, PROGRESS_TEXT_BYTES, "step %" PRIu64, progress->step);
    else
        snprintf(text, PROGRESS_TEXT_BYTES, "epoch %" PRIu64 ", batch %" PRIu64, progress->epoch, progress->batch);
    return text;
}

uint64_t record_block_count(const struct record *record)
{
    uint64_t covered = record->table_offset - FORMAT_USER_BLOCK_BYTES;

    return covered / record->block_bytes + (covered % record->block_bytes != 0);
}

uint64_t record_block_offset(const struct record *record, uint64_t block_index)
{
    return FORMAT_USER_BLOCK_BYTES + block_index * record->block_bytes;
}

size_t record_block_length(const struct record *record, uint64_t block_index)
{
    uint64_t left = record->table_offset - record_block_offset(record, block_index);

    return (size_t)(left < record->block_bytes ? left : record->block_bytes);
}
