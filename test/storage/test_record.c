/* SPDX-License-Identifier: MIT */
/*
 * test_record: the commit record against the table in docs/format.md 2.1. Every offset and constant is said once more
 * here, by hand: a codec that moves a field must fail.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/record.h"
#include "support/assert_h5ckpt.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { RECORD_BYTES = 512, CHECKSUM_AT = 496, GAP_AT = 232, GAP_BYTES = 264 };

static struct error error;
static unsigned char bytes[RECORD_BYTES];

static void setup(void)
{
    error = ERROR_NONE;
    memset(bytes, 0xee, sizeof bytes);
}

static void teardown(void)
{
    error_clear(&error);
}

/* A file with two blocks of 65,536 bytes and one of 4096: the table, 48 bytes of it, begins at 139,264. */
static struct record sample(void)
{
    struct record record = {
        .kind = RECORD_STATE,
        .sequence = UINT64_C(0x1112131415161718),
        .base_sequence = UINT64_C(0x0122232425262728),
        .features_optional = UINT64_C(0x4142434445464748),
        .progress.epoch = UINT64_C(0x5152535455565758),
        .progress.batch = UINT64_C(0x6162636465666768),
        .progress.step = UINT64_C(0x7172737475767778),
        .wall_time_ns = -2,
        .slot_count = 0x03020103,
        .twins = 0x81828384,
        .file_bytes = 143360,
        .block_bytes = 65536,
        .index_offset = 136000,
        .index_bytes = 3000,
        .table_offset = 139264,
        .table_bytes = 48,
    };

    for (unsigned i = 0; i < 16; i++) {
        record.directory_id[i] = (unsigned char)(0xa0 + i);
        record.run_id[i] = (unsigned char)(0xb0 + i);
        record.schema_digest.byte[i] = (unsigned char)(0xc0 + i);
        record.structure_digest.byte[i] = (unsigned char)(0xd0 + i);
        record.table_digest.byte[i] = (unsigned char)(0xe0 + i);
        record.index_digest.byte[i] = (unsigned char)(0xf0 + i);
    }
    return record;
}

static void seal(void)
{
    struct checksum checksum = checksum_of(bytes, CHECKSUM_AT);

    memcpy(bytes + CHECKSUM_AT, checksum.byte, sizeof checksum.byte);
}

/* Overwrite `byte_count` bytes of the sample's encoding with a little-endian number, under a right checksum. */
static void encode_with(size_t at, size_t byte_count, uint64_t value)
{
    struct record record = sample();

    record_encode(&record, bytes);
    for (size_t i = 0; i < byte_count; i++)
        bytes[at + i] = (unsigned char)(value >> (8 * i));
    seal();
}

static bool same_record(const struct record *a, const struct record *b)
{
    return a->kind == b->kind && a->sequence == b->sequence && a->base_sequence == b->base_sequence &&
           a->features_required == b->features_required && a->features_optional == b->features_optional &&
           a->progress.epoch == b->progress.epoch && a->progress.batch == b->progress.batch &&
           a->progress.step == b->progress.step && a->wall_time_ns == b->wall_time_ns &&
           memcmp(a->directory_id, b->directory_id, 16) == 0 && memcmp(a->run_id, b->run_id, 16) == 0 &&
           a->slot_count == b->slot_count && a->twins == b->twins && a->file_bytes == b->file_bytes &&
           a->block_bytes == b->block_bytes && a->index_offset == b->index_offset && a->index_bytes == b->index_bytes &&
           a->table_offset == b->table_offset && a->table_bytes == b->table_bytes &&
           memcmp(a->schema_digest.byte, b->schema_digest.byte, 16) == 0 &&
           memcmp(a->structure_digest.byte, b->structure_digest.byte, 16) == 0 &&
           memcmp(a->table_digest.byte, b->table_digest.byte, 16) == 0 &&
           memcmp(a->index_digest.byte, b->index_digest.byte, 16) == 0;
}

/* ------------------------------------------------------------------ byte map */

static const struct {
    size_t at;
    size_t byte_count;
    const char *field;
    unsigned char bytes[16];
} BYTE_MAP[] = {
    {0, 8, "magic", {0x89, 0x48, 0x35, 0x43, 0x4b, 0x50, 0x54, 0x0a}},
    {8, 4, "format version", {1, 0, 0, 0}},
    {12, 4, "kind", {1, 0, 0, 0}},
    {16, 8, "sequence", {0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11}},
    {24, 8, "base sequence", {0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x01}},
    {32, 8, "features required", {0}},
    {40, 8, "features optional", {0x48, 0x47, 0x46, 0x45, 0x44, 0x43, 0x42, 0x41}},
    {48, 8, "epoch", {0x58, 0x57, 0x56, 0x55, 0x54, 0x53, 0x52, 0x51}},
    {56, 8, "batch", {0x68, 0x67, 0x66, 0x65, 0x64, 0x63, 0x62, 0x61}},
    {64, 8, "step", {0x78, 0x77, 0x76, 0x75, 0x74, 0x73, 0x72, 0x71}},
    {72, 8, "wall time", {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
    {80,
     16,
     "directory id",
     {0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf}},
    {96,
     16,
     "run id",
     {0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xbb, 0xbc, 0xbd, 0xbe, 0xbf}},
    {112, 4, "slot count", {3, 1, 2, 3}},
    {116, 4, "twins", {0x84, 0x83, 0x82, 0x81}},
    {120, 8, "file length", {0x00, 0x30, 0x02, 0, 0, 0, 0, 0}},
    {128, 8, "block size", {0x00, 0x00, 0x01, 0, 0, 0, 0, 0}},
    {136, 8, "index offset", {0x40, 0x13, 0x02, 0, 0, 0, 0, 0}},
    {144, 8, "index length", {0xb8, 0x0b, 0, 0, 0, 0, 0, 0}},
    {152, 8, "table offset", {0x00, 0x20, 0x02, 0, 0, 0, 0, 0}},
    {160, 8, "table length", {0x30, 0, 0, 0, 0, 0, 0, 0}},
    {168,
     16,
     "schema digest",
     {0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf}},
    {184,
     16,
     "structure digest",
     {0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf}},
    {200,
     16,
     "table digest",
     {0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xeb, 0xec, 0xed, 0xee, 0xef}},
    {216,
     16,
     "index digest",
     {0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff}},
};

START_TEST(every_field_lies_where_the_format_says)
{
    struct record record = sample();

    record_encode(&record, bytes);
    ck_assert_msg(memcmp(bytes + BYTE_MAP[_i].at, BYTE_MAP[_i].bytes, BYTE_MAP[_i].byte_count) == 0, "%s is not at %zu",
                  BYTE_MAP[_i].field, BYTE_MAP[_i].at);
}
END_TEST

START_TEST(a_required_feature_is_written_at_32)
{
    static const unsigned char expected[8] = {0x38, 0x37, 0x36, 0x35, 0x34, 0x33, 0x32, 0x31};
    struct record record = sample();

    record.features_required = UINT64_C(0x3132333435363738);
    record_encode(&record, bytes);
    ck_assert_mem_eq(bytes + 32, expected, sizeof expected);
}
END_TEST

START_TEST(the_fields_of_the_map_and_the_gap_fill_the_record)
{
    size_t at = 0;

    for (size_t i = 0; i < COUNT(BYTE_MAP); i++) {
        ck_assert_uint_eq(BYTE_MAP[i].at, at);
        at += BYTE_MAP[i].byte_count;
    }
    ck_assert_uint_eq(at, GAP_AT);
    ck_assert_uint_eq(at + GAP_BYTES, CHECKSUM_AT);
    ck_assert_uint_eq(CHECKSUM_AT + 16, FORMAT_RECORD_BYTES);
}
END_TEST

START_TEST(the_gap_before_the_checksum_is_zero)
{
    static const unsigned char zeros[GAP_BYTES];
    struct record record = sample();

    record_encode(&record, bytes);
    ck_assert_mem_eq(bytes + GAP_AT, zeros, GAP_BYTES);
}
END_TEST

START_TEST(the_checksum_covers_the_496_bytes_before_it)
{
    struct record record = sample();
    struct checksum checksum;

    record_encode(&record, bytes);
    checksum = checksum_of(bytes, CHECKSUM_AT);
    ck_assert_mem_eq(bytes + CHECKSUM_AT, checksum.byte, 16);
}
END_TEST

START_TEST(the_checksum_is_xxh3_128_in_canonical_order)
{
    /* XXH128 of no bytes with seed 0, as `xxhsum -H2` prints it. */
    static const unsigned char expected[16] = {0x99, 0xaa, 0x06, 0xd3, 0x01, 0x47, 0x98, 0xd8,
                                               0x60, 0x01, 0xc3, 0x24, 0x46, 0x8d, 0x49, 0x7f};
    struct checksum checksum = checksum_of("", 0);

    ck_assert_mem_eq(checksum.byte, expected, sizeof expected);
}
END_TEST

START_TEST(a_void_record_is_zero_where_the_format_says)
{
    static const unsigned char zeros[CHECKSUM_AT - 136];
    struct record record = {.kind = RECORD_VOID, .slot_count = 2, .file_bytes = 143360, .block_bytes = 65536};

    memset(record.directory_id, 0xaa, sizeof record.directory_id);
    record_encode(&record, bytes);
    ck_assert_mem_eq(bytes + 12, zeros, 4);
    ck_assert_mem_eq(bytes + 16, zeros, 72 - 16);
    ck_assert_mem_eq(bytes + 136, zeros, sizeof zeros);
}
END_TEST

/* ---------------------------------------------------------------- round trip */

START_TEST(a_record_comes_back_as_it_was)
{
    struct record record = sample();
    struct record decoded;

    record_encode(&record, bytes);
    assert_status_message(record_decode(&decoded, bytes, &error), H5CKPT_OK, error_message(&error));
    ck_assert(same_record(&record, &decoded));
}
END_TEST

START_TEST(a_void_record_comes_back_as_it_was)
{
    struct record record = {.kind = RECORD_VOID, .slot_count = 2, .file_bytes = 143360, .block_bytes = 65536};
    struct record decoded;

    record_encode(&record, bytes);
    assert_status_message(record_decode(&decoded, bytes, &error), H5CKPT_OK, error_message(&error));
    ck_assert(same_record(&record, &decoded));
}
END_TEST

START_TEST(extreme_numbers_come_back_as_they_were)
{
    struct record record = sample();
    struct record decoded;

    record.sequence = FORMAT_SEQUENCE_MAX; /* the only one that is looked at */
    record.base_sequence = record.progress.epoch = record.progress.batch = UINT64_MAX;
    record.progress.step = record.file_bytes = record.block_bytes = record.index_offset = UINT64_C(1) << 63;
    record.index_bytes = record.table_offset = record.table_bytes = UINT64_MAX;
    record.wall_time_ns = INT64_MIN;
    record.slot_count = record.twins = UINT32_MAX;
    record_encode(&record, bytes);
    assert_status_message(record_decode(&decoded, bytes, &error), H5CKPT_OK, error_message(&error));
    ck_assert(same_record(&record, &decoded));
}
END_TEST

START_TEST(the_same_record_gives_the_same_bytes)
{
    struct record record = sample();
    unsigned char again[RECORD_BYTES];

    record_encode(&record, bytes);
    memset(again, 0x11, sizeof again);
    record_encode(&record, again);
    ck_assert_mem_eq(bytes, again, sizeof again);
}
END_TEST

/* -------------------------------------------------------------------- damage */

START_TEST(any_flipped_bit_is_damage)
{
    struct record record = sample();
    struct record decoded;

    record_encode(&record, bytes);
    for (unsigned bit = 0; bit < 8 * RECORD_BYTES; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_status_message(record_decode(&decoded, bytes, &error), H5CKPT_E_DAMAGED, error_message(&error));
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        error_clear(&error);
    }
}
END_TEST

START_TEST(any_two_flipped_bits_of_one_byte_and_its_neighbour_are_damage)
{
    struct record record = sample();
    struct record decoded;

    record_encode(&record, bytes);
    for (unsigned at = 0; at + 1 < RECORD_BYTES; at++)
        for (unsigned pair = 0; pair < 64; pair++) {
            bytes[at] ^= (unsigned char)(1 << pair % 8);
            bytes[at + 1] ^= (unsigned char)(1 << pair / 8);
            assert_status(record_decode(&decoded, bytes, &error), H5CKPT_E_DAMAGED);
            bytes[at] ^= (unsigned char)(1 << pair % 8);
            bytes[at + 1] ^= (unsigned char)(1 << pair / 8);
            error_clear(&error);
        }
}
END_TEST

START_TEST(a_damaged_record_names_both_checksums)
{
    struct record record = sample();
    struct record decoded;
    struct checksum actual;
    char text[CHECKSUM_TEXT_BYTES];

    record_encode(&record, bytes);
    bytes[100] ^= 1;
    assert_status(record_decode(&decoded, bytes, &error), H5CKPT_E_DAMAGED);
    actual = checksum_of(bytes, CHECKSUM_AT);
    checksum_text(&actual, text);
    assert_mentions(error_message(&error), text);
    memcpy(actual.byte, bytes + CHECKSUM_AT, 16);
    checksum_text(&actual, text);
    assert_mentions(error_message(&error), text);
}
END_TEST

START_TEST(a_sector_of_one_byte_value_is_damage)
{
    struct record decoded;

    memset(bytes, _i, sizeof bytes);
    assert_status(record_decode(&decoded, bytes, &error), H5CKPT_E_DAMAGED);
}
END_TEST

START_TEST(another_magic_is_damage_even_under_a_right_checksum)
{
    struct record decoded;

    encode_with((size_t)_i, 1, 0x00);
    assert_status(record_decode(&decoded, bytes, &error), H5CKPT_E_DAMAGED);
}
END_TEST

START_TEST(a_refused_record_decodes_to_no_state)
{
    struct record record = sample();
    struct record decoded = sample();

    record_encode(&record, bytes);
    bytes[500] ^= 1;
    assert_status(record_decode(&decoded, bytes, &error), H5CKPT_E_DAMAGED);
    ck_assert_uint_eq(decoded.sequence, 0);
    ck_assert_uint_eq(decoded.file_bytes, 0);
}
END_TEST

START_TEST(a_kind_that_the_format_does_not_have_is_damage)
{
    static const uint32_t kinds[] = {2, 3, 256, 0x01000000, 0x80000000, UINT32_MAX};
    struct record decoded;

    encode_with(12, 4, kinds[_i]);
    assert_status(record_decode(&decoded, bytes, &error), H5CKPT_E_DAMAGED);
    assert_mentions(error_message(&error), "kind");
}
END_TEST

START_TEST(a_sequence_that_leaves_none_for_the_next_save_is_damage)
{
    static const uint64_t sequences[] = {FORMAT_SEQUENCE_MAX + 1, UINT64_MAX};
    struct record record = sample();
    struct record decoded = sample();

    record.sequence = sequences[_i];
    record_encode(&record, bytes);
    assert_status(record_decode(&decoded, bytes, &error), H5CKPT_E_DAMAGED);
    assert_mentions(error_message(&error), "sequence");
    ck_assert_uint_eq(decoded.file_bytes, 0);
}
END_TEST

/* ------------------------------------------------------------------ versions */

START_TEST(a_newer_version_is_told_from_damage)
{
    static const uint32_t versions[] = {2, 3, 255, 256, 0x01000001, 0x80000000, 0x80000001, UINT32_MAX};
    struct record decoded;

    encode_with(8, 4, versions[_i]);
    assert_status(record_decode(&decoded, bytes, &error), H5CKPT_E_VERSION);
}
END_TEST

START_TEST(a_newer_version_may_mean_anything_by_the_rest)
{
    struct record decoded;

    encode_with(8, 4, 2);
    memset(bytes + 12, 0xff, CHECKSUM_AT - 12);
    seal();
    assert_status(record_decode(&decoded, bytes, &error), H5CKPT_E_VERSION);
}
END_TEST

START_TEST(a_newer_version_with_a_wrong_checksum_is_damage)
{
    struct record decoded;

    encode_with(8, 4, 2);
    bytes[511] ^= 0x10;
    assert_status(record_decode(&decoded, bytes, &error), H5CKPT_E_DAMAGED);
}
END_TEST

START_TEST(a_newer_version_is_named_in_the_message)
{
    struct record decoded;

    encode_with(8, 4, 77);
    assert_status(record_decode(&decoded, bytes, &error), H5CKPT_E_VERSION);
    assert_mentions(error_message(&error), "77");
}
END_TEST

START_TEST(version_0_was_never_written_and_is_refused)
{
    struct record decoded;

    encode_with(8, 4, 0);
    assert_status(record_decode(&decoded, bytes, &error), H5CKPT_E_DAMAGED);
}
END_TEST

START_TEST(every_unknown_required_feature_is_a_newer_version)
{
    struct record decoded;

    encode_with(32, 8, UINT64_C(1) << _i);
    assert_status(record_decode(&decoded, bytes, &error), H5CKPT_E_VERSION);
}
END_TEST

START_TEST(an_unknown_required_feature_is_told_whatever_the_kind_is)
{
    struct record decoded;

    encode_with(32, 8, 1);
    bytes[12] = 9;
    seal();
    assert_status(record_decode(&decoded, bytes, &error), H5CKPT_E_VERSION);
}
END_TEST

START_TEST(every_optional_feature_is_ignored)
{
    struct record decoded;

    encode_with(40, 8, UINT64_C(1) << _i);
    assert_status_message(record_decode(&decoded, bytes, &error), H5CKPT_OK, error_message(&error));
    ck_assert_uint_eq(decoded.features_optional, UINT64_C(1) << _i);
    assert_status(record_check(&decoded, 143360, &error), H5CKPT_OK);
}
END_TEST

START_TEST(what_the_gap_holds_is_ignored)
{
    struct record record = sample();
    struct record decoded;

    record_encode(&record, bytes);
    memset(bytes + GAP_AT, 0x5a, GAP_BYTES);
    seal();
    assert_status_message(record_decode(&decoded, bytes, &error), H5CKPT_OK, error_message(&error));
    ck_assert(same_record(&record, &decoded));
}
END_TEST

/* ------------------------------------------------------------------ geometry */

START_TEST(the_sample_keeps_every_rule_of_the_geometry)
{
    struct record record = sample();

    assert_status_message(record_check(&record, 143360, &error), H5CKPT_OK, error_message(&error));
}
END_TEST

#define FIELD(name) #name, offsetof(struct record, name)

/* One value changed in the sample breaks the rule named. */
static const struct {
    const char *field;
    size_t at;
    uint64_t value;
    const char *rule;
} BROKEN[] = {
    {FIELD(sequence), 0, "a state has a sequence"},
    {FIELD(sequence), UINT64_C(0x0122232425262728), "a sequence is above its base"},
    {FIELD(sequence), UINT64_C(0x0122232425262727), "a sequence is above its base"},
    {FIELD(base_sequence), UINT64_MAX, "a sequence is above its base"},
    {FIELD(file_bytes), 143359, "the file has the recorded length"},
    {FIELD(file_bytes), 143361, "the file has the recorded length"},
    {FIELD(file_bytes), 147456, "the file has the recorded length"},
    {FIELD(file_bytes), 0, "the file has the recorded length"},
    {FIELD(file_bytes), UINT64_C(1) << 63, "the file has the recorded length"},
    {FIELD(file_bytes), UINT64_MAX, "the file has the recorded length"},
    {FIELD(block_bytes), 0, "4096 ... 2^30"},
    {FIELD(block_bytes), 1, "4096 ... 2^30"},
    {FIELD(block_bytes), 2048, "4096 ... 2^30"},
    {FIELD(block_bytes), 65535, "a power of two"},
    {FIELD(block_bytes), 65537, "a power of two"},
    {FIELD(block_bytes), 69632, "a power of two"},
    {FIELD(block_bytes), 32768, "16 bytes of table for each block"},
    {FIELD(block_bytes), 131072, "16 bytes of table for each block"},
    {FIELD(block_bytes), UINT64_C(1) << 30, "16 bytes of table for each block"},
    {FIELD(block_bytes), UINT64_C(1) << 31, "4096 ... 2^30"},
    {FIELD(block_bytes), UINT64_C(1) << 32, "4096 ... 2^30"},
    {FIELD(block_bytes), UINT64_C(1) << 62, "4096 ... 2^30"},
    {FIELD(block_bytes), UINT64_C(1) << 63, "4096 ... 2^30"},
    {FIELD(block_bytes), UINT64_MAX, "4096 ... 2^30"},
    {FIELD(index_offset), 0, "after the user block (0: a feature that is not known)"},
    {FIELD(index_offset), 8, "after the user block"},
    {FIELD(index_offset), 4088, "after the user block"},
    {FIELD(index_offset), 136001, "8-aligned"},
    {FIELD(index_offset), 136004, "8-aligned"},
    {FIELD(index_offset), 135999, "8-aligned"},
    {FIELD(index_offset), 136272, "ends before the table"},
    {FIELD(index_offset), 139264, "ends before the table"},
    {FIELD(index_offset), 139272, "ascending"},
    {FIELD(index_offset), 143360, "ascending"},
    {FIELD(index_offset), UINT64_C(1) << 63, "within the file"},
    {FIELD(index_offset), UINT64_MAX - 7, "within the file"},
    {FIELD(index_offset), UINT64_MAX, "8-aligned"},
    {FIELD(index_bytes), 3265, "ends before the table"},
    {FIELD(index_bytes), 139264, "ends before the table"},
    {FIELD(index_bytes), UINT64_C(1) << 63, "ends before the table"},
    {FIELD(index_bytes), UINT64_MAX - 136000 + 1, "ends before the table"},
    {FIELD(index_bytes), UINT64_MAX, "ends before the table"},
    {FIELD(table_offset), 0, "after the user block"},
    {FIELD(table_offset), 4096, "after the user block"},
    {FIELD(table_offset), 135168, "after the index"},
    {FIELD(table_offset), 139265, "4096-aligned"},
    {FIELD(table_offset), 139272, "4096-aligned"},
    {FIELD(table_offset), 139776, "4096-aligned"},
    {FIELD(table_offset), 143360, "within the file"},
    {FIELD(table_offset), 147456, "within the file"},
    {FIELD(table_offset), UINT64_C(1) << 62, "within the file"},
    {FIELD(table_offset), UINT64_C(1) << 63, "within the file"},
    {FIELD(table_offset), UINT64_MAX - 4095, "within the file"},
    {FIELD(table_offset), UINT64_MAX, "4096-aligned"},
    {FIELD(table_bytes), 0, "16 bytes for each block"},
    {FIELD(table_bytes), 32, "16 bytes for each block"},
    {FIELD(table_bytes), 47, "16 bytes for each block"},
    {FIELD(table_bytes), 49, "16 bytes for each block"},
    {FIELD(table_bytes), 64, "16 bytes for each block"},
    {FIELD(table_bytes), 4096, "16 bytes for each block"},
    {FIELD(table_bytes), 4144, "16 bytes for each block"},
    {FIELD(table_bytes), UINT64_C(1) << 63, "16 bytes for each block"},
    {FIELD(table_bytes), UINT64_MAX - 15, "16 bytes for each block"},
    {FIELD(table_bytes), UINT64_MAX, "16 bytes for each block"},
};

START_TEST(a_record_that_breaks_a_rule_of_the_geometry_is_damage)
{
    struct record record = sample();

    memcpy((char *)&record + BROKEN[_i].at, &BROKEN[_i].value, sizeof BROKEN[_i].value);
    ck_assert_msg(record_check(&record, 143360, &error) == H5CKPT_E_DAMAGED, "%s = %llu passed (%s)", BROKEN[_i].field,
                  (unsigned long long)BROKEN[_i].value, BROKEN[_i].rule);
    ck_assert_str_ne(error_message(&error), "");
}
END_TEST

/* Lengths on which record and file system agree and which are still impossible. */
static const uint64_t IMPOSSIBLE_LENGTHS[] = {
    0,
    1,
    512,
    4096,
    8192,
    139264,
    143359,
    143361,
    143872,
    147456,
    UINT64_C(1) << 61,
    UINT64_C(1) << 62,
    (UINT64_C(1) << 62) + 4096,
    UINT64_C(1) << 63,
    UINT64_MAX - 4095,
    UINT64_MAX,
};

START_TEST(a_length_that_does_not_end_after_the_table_is_damage)
{
    struct record record = sample();

    record.file_bytes = IMPOSSIBLE_LENGTHS[_i];
    assert_status(record_check(&record, IMPOSSIBLE_LENGTHS[_i], &error), H5CKPT_E_DAMAGED);
}
END_TEST

START_TEST(a_file_whose_length_is_not_the_recorded_one_is_named_with_both)
{
    struct record record = sample();

    assert_status(record_check(&record, 139264, &error), H5CKPT_E_DAMAGED);
    assert_mentions(error_message(&error), "139264");
    assert_mentions(error_message(&error), "143360");
}
END_TEST

/* The least and the most that the rules allow. */
static const struct {
    uint64_t file_bytes, block_bytes, index_offset, index_bytes, table_offset, table_bytes;
} ALLOWED[] = {
    {12288, 4096, 4104, 16, 8192, 16},
    {12288, 4096, 8176, 16, 8192, 16},
    {12288, UINT64_C(1) << 30, 4104, 4088, 8192, 16},
    {4096 + 256 * 4096 + 4096, 4096, 4104, 16, 4096 + 256 * 4096, 4096},
    {4096 + 257 * 4096 + 8192, 4096, 4104, 16, 4096 + 257 * 4096, 4112},
    {4096 + 256 * 4096 + 4096, 8192, 4104, 16, 4096 + 256 * 4096, 2048},
};

START_TEST(a_record_at_the_edge_of_a_rule_passes)
{
    struct record record = sample();

    record.file_bytes = ALLOWED[_i].file_bytes;
    record.block_bytes = ALLOWED[_i].block_bytes;
    record.index_offset = ALLOWED[_i].index_offset;
    record.index_bytes = ALLOWED[_i].index_bytes;
    record.table_offset = ALLOWED[_i].table_offset;
    record.table_bytes = ALLOWED[_i].table_bytes;
    assert_status_message(record_check(&record, record.file_bytes, &error), H5CKPT_OK, error_message(&error));
}
END_TEST

/* Geometries that hold but for the length, 2^62 at most. */
START_TEST(a_file_longer_than_2_to_the_62_is_damage)
{
    static const uint64_t table_offsets[] = {
        UINT64_C(1) << 62,
        (UINT64_C(1) << 62) - 4096,
        UINT64_C(1) << 63,
        UINT64_MAX - (UINT64_C(1) << 40) + 1,
        (UINT64_C(1) << 62) - (UINT64_C(1) << 40),
    };
    struct record record = sample();

    record.block_bytes = 1 << 30;
    record.table_offset = table_offsets[_i];
    record.table_bytes = 16 * record_block_count(&record);
    record.file_bytes = (record.table_offset + record.table_bytes + 4095) / 4096 * 4096;
    const bool fits = record.file_bytes <= UINT64_C(1) << 62;
    ck_assert_int_eq(fits, _i == 4);
    assert_status(record_check(&record, record.file_bytes, &error), fits ? H5CKPT_OK : H5CKPT_E_DAMAGED);
}
END_TEST

START_TEST(a_sequence_one_above_its_base_passes)
{
    struct record record = sample();

    record.sequence = FORMAT_SEQUENCE_MAX;
    record.base_sequence = FORMAT_SEQUENCE_MAX - 1;
    assert_status_message(record_check(&record, 143360, &error), H5CKPT_OK, error_message(&error));
    record.sequence++;
    assert_status(record_check(&record, 143360, &error), H5CKPT_E_DAMAGED);
}
END_TEST

/* Does `length` bytes at `offset` end by `limit`? */
static bool ends_by(uint64_t offset, uint64_t length, uint64_t limit)
{
    uint64_t end;

    return !__builtin_add_overflow(offset, length, &end) && end <= limit;
}

/* Rule 3 of docs/format.md 2.4, once more, in arithmetic that notices an overflow. */
static bool geometry_holds(const struct record *r)
{
    uint64_t block_count, table_end;

    if (r->block_bytes < 4096 || r->block_bytes > 1 << 30 || (r->block_bytes & (r->block_bytes - 1)) != 0)
        return false;
    if (r->table_offset % 4096 != 0 || r->table_offset <= 4096 || r->file_bytes % 4096 != 0 ||
        r->file_bytes > UINT64_C(1) << 62)
        return false;
    block_count = (r->table_offset - 4096) / r->block_bytes;
    if (block_count * r->block_bytes != r->table_offset - 4096)
        block_count++;
    if (r->table_bytes / 16 != block_count || r->table_bytes % 16 != 0 ||
        !ends_by(r->table_offset, r->table_bytes, r->file_bytes))
        return false;
    table_end = r->table_offset + r->table_bytes;
    if (r->file_bytes - table_end >= 4096)
        return false;
    return r->index_offset % 8 == 0 && r->index_offset > 4096 &&
           ends_by(r->index_offset, r->index_bytes, r->table_offset) && r->sequence > r->base_sequence;
}

/* Extreme values in every geometry field at once, against the rules said otherwise. */
START_TEST(no_combination_of_extreme_values_overflows)
{
    static const uint64_t extremes[] = {
        0,
        16,
        48,
        4104,
        8192,
        12288,
        139264,
        UINT64_C(1) << 62,
        (UINT64_C(1) << 62) - 4096,
        UINT64_C(1) << 63,
        UINT64_MAX - 4095,
        UINT64_MAX - 7,
        UINT64_MAX,
    };
    const size_t n = COUNT(extremes);
    size_t case_count = 0, passed_count = 0;

    for (size_t i = 0; i < n * n * n * n * n; i++) {
        struct record record = sample();

        record.file_bytes = extremes[i % n];
        record.table_offset = extremes[i / n % n];
        record.table_bytes = extremes[i / n / n % n];
        record.index_offset = extremes[i / n / n / n % n];
        record.index_bytes = extremes[i / n / n / n / n];
        for (unsigned b = 0; b < 3; b++) {
            record.block_bytes = (const uint64_t[]){4096, 65536, 1 << 30}[b];
            const bool holds = geometry_holds(&record);

            ck_assert_int_eq(record_check(&record, record.file_bytes, &error), holds ? H5CKPT_OK : H5CKPT_E_DAMAGED);
            error_clear(&error);
            passed_count += holds;
            case_count++;
        }
    }
    printf("record_check: %zu geometries, %zu of them hold\n", case_count, passed_count);
    ck_assert_uint_gt(passed_count, 0);
}
END_TEST

/* -------------------------------------------------------------------- blocks */

START_TEST(blocks_cover_from_the_user_block_to_the_table)
{
    struct record record = sample();

    ck_assert_uint_eq(record_block_count(&record), 3);
    ck_assert_uint_eq(record_block_offset(&record, 0), 4096);
    ck_assert_uint_eq(record_block_offset(&record, 2), 135168);
    ck_assert_uint_eq(record_block_length(&record, 0), 65536);
    ck_assert_uint_eq(record_block_length(&record, 1), 65536);
}
END_TEST

START_TEST(the_last_block_ends_at_the_table)
{
    struct record record = sample();

    ck_assert_uint_eq(record_block_length(&record, 2), 4096);
}
END_TEST

START_TEST(a_last_block_that_fits_is_whole)
{
    struct record record = sample();

    record.table_offset = 4096 + 2 * 65536;
    ck_assert_uint_eq(record_block_count(&record), 2);
    ck_assert_uint_eq(record_block_length(&record, 1), 65536);
}
END_TEST

START_TEST(one_block_larger_than_the_file_covers_all_of_it)
{
    struct record record = sample();

    record.block_bytes = 1 << 30;
    ck_assert_uint_eq(record_block_count(&record), 1);
    ck_assert_uint_eq(record_block_length(&record, 0), 135168);
}
END_TEST

START_TEST(blocks_of_the_largest_file_can_be_counted)
{
    struct record record = sample();

    record.block_bytes = 4096;
    record.table_offset = UINT64_C(1) << 62;
    ck_assert_uint_eq(record_block_count(&record), (UINT64_C(1) << 50) - 1);
    ck_assert_uint_eq(record_block_offset(&record, (UINT64_C(1) << 50) - 2), (UINT64_C(1) << 62) - 4096);
    ck_assert_uint_eq(record_block_length(&record, (UINT64_C(1) << 50) - 2), 4096);
}
END_TEST

static Suite *record_suite(void)
{
    Suite *suite = suite_create("record");
    TCase *map = tcase_create("byte map");
    TCase *damage = tcase_create("damage");
    TCase *versions = tcase_create("versions");
    TCase *geometry = tcase_create("geometry");

    tcase_set_timeout(map, 60);
    tcase_add_checked_fixture(map, setup, teardown);
    tcase_add_loop_test(map, every_field_lies_where_the_format_says, 0, COUNT(BYTE_MAP));
    tcase_add_test(map, a_required_feature_is_written_at_32);
    tcase_add_test(map, the_fields_of_the_map_and_the_gap_fill_the_record);
    tcase_add_test(map, the_gap_before_the_checksum_is_zero);
    tcase_add_test(map, the_checksum_covers_the_496_bytes_before_it);
    tcase_add_test(map, the_checksum_is_xxh3_128_in_canonical_order);
    tcase_add_test(map, a_void_record_is_zero_where_the_format_says);
    tcase_add_test(map, a_record_comes_back_as_it_was);
    tcase_add_test(map, a_void_record_comes_back_as_it_was);
    tcase_add_test(map, extreme_numbers_come_back_as_they_were);
    tcase_add_test(map, the_same_record_gives_the_same_bytes);
    suite_add_tcase(suite, map);

    tcase_set_timeout(damage, 120);
    tcase_add_checked_fixture(damage, setup, teardown);
    tcase_add_test(damage, any_flipped_bit_is_damage);
    tcase_add_test(damage, any_two_flipped_bits_of_one_byte_and_its_neighbour_are_damage);
    tcase_add_test(damage, a_damaged_record_names_both_checksums);
    tcase_add_loop_test(damage, a_sector_of_one_byte_value_is_damage, 0, 256);
    tcase_add_loop_test(damage, another_magic_is_damage_even_under_a_right_checksum, 0, 8);
    tcase_add_test(damage, a_refused_record_decodes_to_no_state);
    tcase_add_loop_test(damage, a_kind_that_the_format_does_not_have_is_damage, 0, 6);
    tcase_add_loop_test(damage, a_sequence_that_leaves_none_for_the_next_save_is_damage, 0, 2);
    suite_add_tcase(suite, damage);

    tcase_set_timeout(versions, 60);
    tcase_add_checked_fixture(versions, setup, teardown);
    tcase_add_loop_test(versions, a_newer_version_is_told_from_damage, 0, 8);
    tcase_add_test(versions, a_newer_version_may_mean_anything_by_the_rest);
    tcase_add_test(versions, a_newer_version_with_a_wrong_checksum_is_damage);
    tcase_add_test(versions, a_newer_version_is_named_in_the_message);
    tcase_add_test(versions, version_0_was_never_written_and_is_refused);
    tcase_add_loop_test(versions, every_unknown_required_feature_is_a_newer_version, 0, 64);
    tcase_add_test(versions, an_unknown_required_feature_is_told_whatever_the_kind_is);
    tcase_add_loop_test(versions, every_optional_feature_is_ignored, 0, 64);
    tcase_add_test(versions, what_the_gap_holds_is_ignored);
    suite_add_tcase(suite, versions);

    tcase_set_timeout(geometry, 300);
    tcase_add_checked_fixture(geometry, setup, teardown);
    tcase_add_test(geometry, the_sample_keeps_every_rule_of_the_geometry);
    tcase_add_loop_test(geometry, a_record_that_breaks_a_rule_of_the_geometry_is_damage, 0, COUNT(BROKEN));
    tcase_add_loop_test(geometry, a_length_that_does_not_end_after_the_table_is_damage, 0, COUNT(IMPOSSIBLE_LENGTHS));
    tcase_add_test(geometry, a_file_whose_length_is_not_the_recorded_one_is_named_with_both);
    tcase_add_loop_test(geometry, a_record_at_the_edge_of_a_rule_passes, 0, COUNT(ALLOWED));
    tcase_add_loop_test(geometry, a_file_longer_than_2_to_the_62_is_damage, 0, 5);
    tcase_add_test(geometry, a_sequence_one_above_its_base_passes);
    tcase_add_test(geometry, no_combination_of_extreme_values_overflows);
    tcase_add_test(geometry, blocks_cover_from_the_user_block_to_the_table);
    tcase_add_test(geometry, the_last_block_ends_at_the_table);
    tcase_add_test(geometry, a_last_block_that_fits_is_whole);
    tcase_add_test(geometry, one_block_larger_than_the_file_covers_all_of_it);
    tcase_add_test(geometry, blocks_of_the_largest_file_can_be_counted);
    suite_add_tcase(suite, geometry);
    return suite;
}

int main(void)
{
    return suite_run(record_suite());
}
