/* SPDX-License-Identifier: MIT */
/*
 * test_layout: what the blocks of a slot file hold, against an image put together otherwise: from HDF5's own bytes,
 * the variables and the index, each written at its place into zeros.
 */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "storage/index.h"
#include "storage/layout.h"
#include "support/assert_h5ckpt.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { BLOCK_BYTES = 65536, VARIABLE_MAX = 64, USER_BLOCK = 4096 };

static h5ckpt_state *state;
static struct layout layout;
static struct error error;
static void *memory[VARIABLE_MAX]; /* of each variable, owned here */
static size_t memory_count;
static uint64_t progress[LAYOUT_PROGRESS_COUNT];
static const unsigned char *source[VARIABLE_MAX + LAYOUT_PROGRESS_COUNT];
static unsigned char *image; /* from 4096 to the table */

static void setup(void)
{
    state = h5ckpt_state_new();
    ck_assert_ptr_nonnull(state);
    layout = LAYOUT_NONE;
    error = ERROR_NONE;
    memory_count = 0;
    image = NULL;
}

static void teardown(void)
{
    layout_free(&layout);
    h5ckpt_state_free(state);
    error_clear(&error);
    for (size_t i = 0; i < memory_count; i++)
        free(memory[i]);
    free(image);
}

/* Register a variable whose bytes are noise, never 0, and different in every variable. */
static unsigned char *add(const char *name, h5ckpt_type type, int rank, const uint64_t *shape)
{
    size_t byte_count = H5CKPT_TYPE_BYTES(type);
    unsigned char *bytes;

    for (int i = 0; i < rank; i++)
        byte_count *= (size_t)shape[i];
    bytes = malloc(byte_count + 1);
    ck_assert(bytes != NULL && memory_count < VARIABLE_MAX);
    for (size_t i = 0; i < byte_count; i++)
        bytes[i] = (unsigned char)(1 + (i * 7 + memory_count * 31 + i / 255) % 255);
    memory[memory_count++] = bytes;
    assert_status_message(h5ckpt_add(state, name, type, rank, shape, bytes), H5CKPT_OK, h5ckpt_state_message(state));
    return bytes;
}

static unsigned char *add_array(const char *name, h5ckpt_type type, uint64_t extent)
{
    return add(name, type, 1, (const uint64_t[]){extent});
}

static void build(void)
{
    assert_status_message(layout_build(&layout, state, &error), H5CKPT_OK, error_message(&error));
    ck_assert_uint_eq(layout.entry_count, state->variable_count + LAYOUT_PROGRESS_COUNT);
    for (size_t i = 0; i < LAYOUT_PROGRESS_COUNT; i++) {
        progress[i] = UINT64_C(0x0101010101010101) * (i + 1);
        source[state->variable_count + i] = (const unsigned char *)&progress[i];
    }
    for (size_t i = 0; i < memory_count; i++)
        source[i] = memory[i];
}

static unsigned char *at(uint64_t offset)
{
    ck_assert_uint_ge(offset, USER_BLOCK);
    ck_assert_uint_le(offset, layout.geometry.table_offset);
    return image + (offset - USER_BLOCK);
}

/* x87 long doubles, the only elements with padding: ten bytes of value, the rest is to be zero. */
static size_t value_bytes(const struct schema_entry *entry)
{
    return LDBL_MANT_DIG == 64 && entry->element.class == ELEMENT_LONG_DOUBLE ? 10 : entry->element.byte_count;
}

/* The whole of what blocks cover, without layout's extents. */
static void assemble(void)
{
    const struct record *geometry = &layout.geometry;
    unsigned char *index = NULL;
    size_t index_bytes;

    free(image);
    image = calloc(1, geometry->table_offset - USER_BLOCK + 1);
    ck_assert_ptr_nonnull(image);
    for (size_t i = 0; i < layout.structure.run_count; i++)
        memcpy(at(layout.structure.run[i].offset), layout.structure.run[i].bytes, layout.structure.run[i].byte_count);
    for (size_t i = 0; i < layout.entry_count; i++) {
        const struct schema_entry *entry = &layout.entry[i];
        const size_t element_bytes = entry->element.byte_count;

        for (uint64_t e = 0; e < entry->byte_count / element_bytes; e++)
            memcpy(at(layout.structure.variable_offset[i] + e * element_bytes), source[i] + e * element_bytes,
                   value_bytes(entry));
    }
    assert_status(index_encode(&(struct schema){layout.entry, layout.entry_count}, layout.structure.variable_offset,
                               &index, &index_bytes, &error),
                  H5CKPT_OK);
    ck_assert_uint_eq(geometry->index_bytes, index_bytes);
    memcpy(at(geometry->index_offset), index, index_bytes);
    free(index);
}

/* Does any byte of the block belong to a variable? */
static bool holds_variable(uint64_t begin, uint64_t end)
{
    for (size_t i = 0; i < layout.entry_count; i++) {
        const uint64_t offset = layout.structure.variable_offset[i];

        if (layout.entry[i].byte_count != 0 && offset < end && offset + layout.entry[i].byte_count > begin)
            return true;
    }
    return false;
}

/* Every block, gathered into memory of exactly its length, is its part of the image, and says whether it varies. */
static void assert_gathered(uint64_t block_bytes)
{
    const uint64_t covered = layout.geometry.table_offset - USER_BLOCK;
    const uint64_t usual = layout.geometry.block_bytes;
    uint64_t begin = 0;

    layout.geometry.block_bytes = block_bytes;
    for (uint64_t block = 0; begin < covered; block++, begin += block_bytes) {
        const size_t length = (size_t)(covered - begin < block_bytes ? covered - begin : block_bytes);
        unsigned char *bytes = malloc(length);

        ck_assert_ptr_nonnull(bytes);
        memset(bytes, 0xcd, length);
        const bool varies = layout_gather(&layout, source, block, bytes);
        ck_assert_msg(memcmp(bytes, image + begin, length) == 0, "block %d of %d bytes differs", (int)block,
                      (int)block_bytes);
        ck_assert_int_eq(varies, holds_variable(USER_BLOCK + begin, USER_BLOCK + begin + length));
        ck_assert_int_eq(layout_block_varies(&layout, block), varies);
        free(bytes);
    }
    layout.geometry.block_bytes = usual;
}

static void assert_all_gathered(void)
{
    build();
    assemble();
    for (uint64_t block_bytes = FORMAT_BLOCK_BYTES_MIN; block_bytes <= 1 << 20; block_bytes *= 2)
        assert_gathered(block_bytes);
}

/* ---------------------------------------------------------------- the states */

static void add_nothing(void)
{
}

static void add_scalars(void)
{
    add("f", H5CKPT_FLOAT32, 0, NULL);
    add("deep/er/d", H5CKPT_FLOAT64, 0, NULL);
    add("b", H5CKPT_INT8, 0, NULL);
}

static void add_empties(void)
{
    add_array("none", H5CKPT_FLOAT64, 0);
    add("flat", H5CKPT_INT8, 3, (const uint64_t[]){5, 0, 7});
}

static void add_a_bit_of_all(void)
{
    static const h5ckpt_type types[] = {
        H5CKPT_INT8,   H5CKPT_INT16,     H5CKPT_INT32,      H5CKPT_INT64,      H5CKPT_UINT8,     H5CKPT_UINT16,
        H5CKPT_UINT32, H5CKPT_UINT64,    H5CKPT_FLOAT16,    H5CKPT_FLOAT32,    H5CKPT_FLOAT64,   H5CKPT_LONG_DOUBLE,
        H5CKPT_BOOL,   H5CKPT_COMPLEX64, H5CKPT_COMPLEX128, H5CKPT_OPAQUE(13), H5CKPT_STRING(5),
    };
    char name[32];

    for (size_t i = 0; i < COUNT(types); i++) {
        snprintf(name, sizeof name, "group%zu/v%zu", i % 3, i);
        add_array(name, types[i], 1 + 37 * i);
    }
    add_array("empty", H5CKPT_FLOAT32, 0);
    add("scalar", H5CKPT_LONG_DOUBLE, 0, NULL);
}

static void add_many_blocks(void)
{
    add_array("small", H5CKPT_INT8, 3);
    add_array("straddling", H5CKPT_FLOAT64, 100003);
    add_array("after", H5CKPT_INT16, 5);
}

static void add_around_the_alignment(void)
{
    add_array("a", H5CKPT_INT8, 65535);
    add_array("b", H5CKPT_INT8, 65536);
    add_array("c", H5CKPT_INT8, 65537);
    add_array("d", H5CKPT_INT8, 1);
    add_array("e", H5CKPT_INT8, 131072);
}

static void add_long_doubles(void)
{
    add_array("odd", H5CKPT_INT8, 5);
    add_array("l", H5CKPT_LONG_DOUBLE, 9001);
    add("s", H5CKPT_LONG_DOUBLE, 0, NULL);
    add_array("small", H5CKPT_LONG_DOUBLE, 300);
}

static void add_a_large_element(void)
{
    add_array("huge", H5CKPT_OPAQUE(200001), 3);
    add_array("string", H5CKPT_STRING(70001), 2);
}

static void (*const STATES[])(void) = {
    add_nothing,      add_scalars,         add_empties, add_a_bit_of_all, add_many_blocks, add_around_the_alignment,
    add_long_doubles, add_a_large_element,
};

START_TEST(the_blocks_hold_every_byte_at_its_place)
{
    STATES[_i]();
    assert_all_gathered();
}
END_TEST

START_TEST(the_geometry_keeps_the_rules_of_the_record)
{
    STATES[_i]();
    build();
    struct record record = layout.geometry;
    record.sequence = 1;
    assert_status_message(record_check(&record, record.file_bytes, &error), H5CKPT_OK, error_message(&error));
}
END_TEST

START_TEST(the_parts_of_the_file_follow_each_other_as_the_format_says)
{
    STATES[_i]();
    build();
    const struct record *geometry = &layout.geometry;
    const uint64_t covered = geometry->table_offset - 4096;

    ck_assert_uint_eq(geometry->block_bytes, BLOCK_BYTES);
    ck_assert_uint_eq(geometry->index_offset, (layout.structure.end + 7) / 8 * 8);
    ck_assert_uint_eq(geometry->table_offset, (geometry->index_offset + geometry->index_bytes + 4095) / 4096 * 4096);
    ck_assert_uint_eq(geometry->table_bytes, (covered + BLOCK_BYTES - 1) / BLOCK_BYTES * 16);
    ck_assert_uint_eq(geometry->file_bytes, (geometry->table_offset + geometry->table_bytes + 4095) / 4096 * 4096);
}
END_TEST

START_TEST(every_other_field_of_the_record_is_left_zero)
{
    STATES[_i]();
    build();
    struct record record = layout.geometry;

    record.file_bytes = record.block_bytes = record.index_offset = record.index_bytes = 0;
    record.table_offset = record.table_bytes = 0;
    memset(&record.schema_digest, 0, sizeof record.schema_digest);
    memset(&record.structure_digest, 0, sizeof record.structure_digest);
    memset(&record.index_digest, 0, sizeof record.index_digest);
    ck_assert_mem_eq(&record, &(struct record){0}, offsetof(struct record, kind) + sizeof record.kind);
    ck_assert_uint_eq(record.sequence, 0);
    ck_assert_uint_eq(record.base_sequence, 0);
    ck_assert_uint_eq(record.features_required, 0);
    ck_assert_uint_eq(record.features_optional, 0);
    ck_assert_uint_eq(record.slot_count, 0);
    ck_assert_uint_eq(record.twins, 0);
}
END_TEST

START_TEST(extents_ascend_and_do_not_overlap)
{
    STATES[_i]();
    build();
    ck_assert_uint_ge(layout.extent[0].offset, USER_BLOCK);
    for (size_t i = 0; i < layout.extent_count; i++) {
        const uint64_t end = layout.extent[i].offset + layout.extent[i].byte_count;

        ck_assert_uint_gt(layout.extent[i].byte_count, 0);
        ck_assert_uint_le(end,
                          i + 1 < layout.extent_count ? layout.extent[i + 1].offset : layout.geometry.table_offset);
    }
}
END_TEST

START_TEST(every_variable_with_bytes_has_one_extent)
{
    size_t with_bytes = 0;

    STATES[_i]();
    build();
    for (size_t e = 0; e < layout.entry_count; e++) {
        size_t found = 0;

        with_bytes += layout.entry[e].byte_count != 0;
        for (size_t i = 0; i < layout.extent_count; i++)
            found += layout.extent[i].bytes == NULL && layout.extent[i].entry_index == e &&
                     layout.extent[i].byte_count == layout.entry[e].byte_count &&
                     layout.extent[i].offset == layout.structure.variable_offset[e];
        ck_assert_uint_eq(found, layout.entry[e].byte_count != 0);
    }
    ck_assert_uint_eq(layout.extent_count, with_bytes + layout.structure.run_count + 1);
}
END_TEST

START_TEST(large_variables_begin_at_a_multiple_of_4096)
{
    STATES[_i]();
    build();
    for (size_t i = 0; i < layout.entry_count; i++)
        if (layout.entry[i].byte_count >= 65536)
            ck_assert_uint_eq(layout.structure.variable_offset[i] % 4096, 0);
}
END_TEST

START_TEST(the_index_that_the_blocks_hold_decodes_to_the_entries)
{
    struct index index;

    STATES[_i]();
    build();
    assemble();
    assert_status_message(index_decode(&index, at(layout.geometry.index_offset), layout.geometry.index_bytes,
                                       layout.geometry.index_offset, &error),
                          H5CKPT_OK, error_message(&error));
    ck_assert_uint_eq(index.entry_count, layout.entry_count);
    for (size_t i = 0; i < index.entry_count; i++) {
        ck_assert(schema_entry_equal(&index.entry[i], &layout.entry[i]));
        ck_assert_uint_eq(index.offset[i], layout.entry[i].byte_count == 0 ? 0 : layout.structure.variable_offset[i]);
    }
    index_free(&index);
}
END_TEST

START_TEST(the_same_state_gives_the_same_layout)
{
    struct layout again;

    STATES[_i]();
    build();
    assert_status(layout_build(&again, state, &error), H5CKPT_OK);
    ck_assert(checksum_equal(&layout.geometry.structure_digest, &again.geometry.structure_digest));
    ck_assert(checksum_equal(&layout.geometry.schema_digest, &again.geometry.schema_digest));
    ck_assert(checksum_equal(&layout.geometry.index_digest, &again.geometry.index_digest));
    ck_assert_uint_eq(layout.geometry.file_bytes, again.geometry.file_bytes);
    layout_free(&again);
}
END_TEST

/* ------------------------------------------------------------------- digests */

static void put_u64(unsigned char *to, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        to[i] = (unsigned char)(value >> (8 * i));
}

START_TEST(the_structure_digest_is_that_of_the_format)
{
    STATES[_i]();
    build();
    const size_t run_count = layout.structure.run_count;
    unsigned char *bytes = calloc(run_count + 1, 32);

    for (size_t i = 0; i < run_count; i++) {
        const struct layout_extent run = {layout.structure.run[i].offset, layout.structure.run[i].byte_count,
                                          layout.structure.run[i].bytes, 0};

        put_u64(bytes + 32 * i, run.offset);
        put_u64(bytes + 32 * i + 8, run.byte_count);
        memcpy(bytes + 32 * i + 16, checksum_of(run.bytes, run.byte_count).byte, 16);
    }
    memcpy(bytes + 32 * run_count, checksum_of(layout.index, layout.index_bytes).byte, 16);
    struct checksum expected = checksum_of(bytes, 32 * run_count + 16);
    free(bytes);
    ck_assert(checksum_equal(&layout.geometry.structure_digest, &expected));
}
END_TEST

START_TEST(the_index_digest_is_that_of_the_index_in_the_blocks)
{
    STATES[_i]();
    build();
    assemble();
    struct checksum expected = checksum_of(at(layout.geometry.index_offset), layout.geometry.index_bytes);
    ck_assert(checksum_equal(&layout.geometry.index_digest, &expected));
}
END_TEST

START_TEST(the_schema_digest_is_that_of_the_index_without_offsets)
{
    STATES[_i]();
    build();
    unsigned char *index = malloc(layout.index_bytes);
    size_t entry_at = 16;

    memcpy(index, layout.index, layout.index_bytes);
    for (size_t i = 0; i < layout.entry_count; i++) {
        const size_t name_length = strlen(layout.entry[i].name);

        put_u64(index + entry_at, 0);
        entry_at += 32 + 8 * layout.entry[i].rank + (name_length + 7) / 8 * 8;
    }
    ck_assert_uint_eq(entry_at, layout.index_bytes);
    struct checksum expected = checksum_of(index, layout.index_bytes);
    free(index);
    ck_assert(checksum_equal(&layout.geometry.schema_digest, &expected));
}
END_TEST

/* ------------------------------------------------------------- single facts */

START_TEST(freeing_no_layout_is_allowed)
{
    layout_free(&layout);
    layout_free(&layout);
}
END_TEST

START_TEST(the_progress_comes_last)
{
    add_scalars();
    build();
    ck_assert_str_eq(layout.entry[3].name, "progress/epoch");
    ck_assert_str_eq(layout.entry[4].name, "progress/batch");
    ck_assert_str_eq(layout.entry[5].name, "progress/step");
}
END_TEST

START_TEST(without_variables_the_progress_alone_varies)
{
    build();
    ck_assert_uint_eq(layout.entry_count, 3);
    ck_assert(layout_block_varies(&layout, 0));
}
END_TEST

START_TEST(the_progress_is_gathered)
{
    static unsigned char bytes[BLOCK_BYTES];

    build();
    layout_gather(&layout, source, 0, bytes);
    for (size_t i = 0; i < 3; i++)
        ck_assert_mem_eq(bytes + layout.structure.variable_offset[i] - USER_BLOCK, &progress[i], 8);
}
END_TEST

START_TEST(a_variable_straddles_blocks_of_its_own_only)
{
    uint64_t varying = 0;

    add_array("v", H5CKPT_INT8, 10 * BLOCK_BYTES);
    build();
    ck_assert_uint_ge(record_block_count(&layout.geometry), 10);
    for (uint64_t block = 0; block < record_block_count(&layout.geometry); block++)
        varying += layout_block_varies(&layout, block);
    ck_assert_uint_ge(varying, 10);
    ck_assert_uint_le(varying, 12);
}
END_TEST

START_TEST(a_block_of_metadata_only_does_not_vary)
{
    enum { MANY = 3000 };
    static const float value = 1;
    uint64_t constant = 0;
    char name[32];

    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "layer%d/weights", i);
        assert_status(h5ckpt_add(state, name, H5CKPT_FLOAT32, 0, NULL, (void *)(uintptr_t)&value), H5CKPT_OK);
    }
    assert_status_message(layout_build(&layout, state, &error), H5CKPT_OK, error_message(&error));
    for (uint64_t block = 0; block < record_block_count(&layout.geometry); block++)
        constant += !layout_block_varies(&layout, block);
    ck_assert_uint_gt(constant, 0);
}
END_TEST

START_TEST(constant_blocks_are_the_same_whatever_the_variables_hold)
{
    static unsigned char before[BLOCK_BYTES], after[BLOCK_BYTES];

    add_many_blocks();
    build();
    for (uint64_t block = 0; block < record_block_count(&layout.geometry); block++) {
        const size_t length = record_block_length(&layout.geometry, block);

        layout_gather(&layout, source, block, before);
        for (size_t i = 0; i < memory_count; i++)
            memset(memory[i], 0x77 + (int)block, state->entry[i].byte_count);
        const bool varies = layout_gather(&layout, source, block, after);
        ck_assert_int_eq(memcmp(before, after, length) != 0, varies);
    }
}
END_TEST

START_TEST(gathering_changes_no_variable)
{
    static unsigned char bytes[BLOCK_BYTES];
    unsigned char copy[16 * 300];

    memcpy(copy, add_array("l", H5CKPT_LONG_DOUBLE, 16 * 300 / sizeof(long double)), sizeof copy);
    build();
    for (uint64_t block = 0; block < record_block_count(&layout.geometry); block++)
        layout_gather(&layout, source, block, bytes);
    ck_assert_mem_eq(memory[0], copy, sizeof copy);
}
END_TEST

/* Fill with numbers and, where there is padding, with garbage in it. */
static void fill_long_doubles(unsigned char *bytes, size_t count)
{
    memset(bytes, 0xa5, count * sizeof(long double));
    for (size_t i = 0; i < count; i++) {
        const long double value = (long double)(i + 1) / 3;

        memcpy(bytes + i * sizeof value, &value, LDBL_MANT_DIG == 64 ? 10 : sizeof value);
    }
}

/*
 * `_i` bytes before the long doubles move them over the edges of blocks: some offset makes an element straddle one.
 */
START_TEST(a_long_double_over_an_edge_keeps_its_value_and_loses_its_garbage)
{
    enum { EDGE_BYTES = 4096, LONG_DOUBLES = 1000 };
    unsigned char *bytes;

    add_array("before", H5CKPT_INT8, 1 + (uint64_t)_i);
    bytes = add_array("l", H5CKPT_LONG_DOUBLE, LONG_DOUBLES);
    fill_long_doubles(bytes, LONG_DOUBLES);
    build();
    assemble();
    assert_gathered(EDGE_BYTES);
    for (size_t i = 0; i < LONG_DOUBLES; i++) {
        const unsigned char *stored = at(layout.structure.variable_offset[1] + i * sizeof(long double));
        long double value = 0;

        memcpy(&value, stored, sizeof value);
        ck_assert(value == (long double)(i + 1) / 3);
        for (size_t b = LDBL_MANT_DIG == 64 ? 10 : sizeof value; b < sizeof value; b++)
            ck_assert_uint_eq(stored[b], 0);
    }
}
END_TEST

START_TEST(some_long_double_did_straddle_an_edge)
{
    bool straddles = false;

    for (uint64_t before = 1; before <= 16; before++) {
        teardown();
        setup();
        add_array("before", H5CKPT_INT8, before);
        add_array("l", H5CKPT_LONG_DOUBLE, 1000);
        build();
        straddles |= layout.structure.variable_offset[1] % sizeof(long double) != 0;
    }
    ck_assert(straddles);
}
END_TEST

/* The edges of blocks that no HDF5 file has: variables at every offset of a layout made by hand. */
START_TEST(an_element_cut_anywhere_by_an_edge_is_cleared_of_garbage)
{
    unsigned char raw[64 * sizeof(long double)];
    unsigned char expected[8192], bytes[4096];
    struct schema_entry entry = {.name = "state/l", .byte_count = sizeof raw};
    struct layout_extent extent = {.byte_count = sizeof raw};
    struct layout by_hand = {.entry = &entry, .entry_count = 1, .extent = &extent, .extent_count = 1};
    const unsigned char *sources[] = {raw};

    assert_status(element_of_type(&entry.element, H5CKPT_LONG_DOUBLE, &error), H5CKPT_OK);
    fill_long_doubles(raw, 64);
    by_hand.geometry.block_bytes = 4096;
    by_hand.geometry.table_offset = USER_BLOCK + 8192;
    for (uint64_t offset = 4096 - sizeof raw - 1; offset <= 4097; offset++) {
        extent.offset = USER_BLOCK + offset;
        memset(expected, 0, sizeof expected);
        for (size_t i = 0; i < 64; i++)
            memcpy(expected + offset + i * sizeof(long double), raw + i * sizeof(long double), value_bytes(&entry));
        for (uint64_t block = 0; block < 2; block++) {
            memset(bytes, 0xcd, sizeof bytes);
            layout_gather(&by_hand, sources, block, bytes);
            ck_assert_msg(memcmp(bytes, expected + 4096 * block, 4096) == 0, "offset %d, block %d", (int)offset,
                          (int)block);
        }
    }
}
END_TEST

START_TEST(a_variable_makes_only_the_blocks_vary_in_which_it_has_bytes)
{
    static const unsigned char value[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    unsigned char bytes[4096];
    struct schema_entry entry = {.name = "state/v", .byte_count = sizeof value};
    struct layout_extent extent = {.byte_count = sizeof value};
    struct layout by_hand = {.entry = &entry, .entry_count = 1, .extent = &extent, .extent_count = 1};
    const unsigned char *sources[] = {value};

    assert_status(element_of_type(&entry.element, H5CKPT_INT64, &error), H5CKPT_OK);
    by_hand.geometry.block_bytes = 4096;
    by_hand.geometry.table_offset = USER_BLOCK + 3 * 4096;
    for (uint64_t offset = 4096 - 9; offset <= 2 * 4096 + 1; offset++) {
        extent.offset = USER_BLOCK + offset;
        for (uint64_t block = 0; block < 3; block++) {
            const bool varies = offset < 4096 * (block + 1) && offset + sizeof value > 4096 * block;

            ck_assert_int_eq(layout_block_varies(&by_hand, block), varies);
            ck_assert_int_eq(layout_gather(&by_hand, sources, block, bytes), varies);
        }
    }
}
END_TEST

START_TEST(another_name_type_shape_or_order_gives_another_schema_digest)
{
    struct checksum digest[5];

    for (unsigned i = 0; i < 5; i++) {
        teardown();
        setup();
        add_array(i == 1 ? "y" : "x", i == 2 ? H5CKPT_INT32 : H5CKPT_FLOAT32, i == 3 ? 3 : 4);
        add_array(i == 4 ? "a" : "z", H5CKPT_INT8, 2);
        build();
        digest[i] = layout.geometry.schema_digest;
        for (unsigned before = 0; before < i; before++)
            ck_assert(!checksum_equal(&digest[before], &digest[i]));
    }
}
END_TEST

static Suite *layout_suite(void)
{
    Suite *suite = suite_create("layout");
    TCase *states = tcase_create("states");
    TCase *single = tcase_create("single facts");

    tcase_set_timeout(states, 120);
    tcase_add_checked_fixture(states, setup, teardown);
    tcase_add_loop_test(states, the_blocks_hold_every_byte_at_its_place, 0, COUNT(STATES));
    tcase_add_loop_test(states, the_geometry_keeps_the_rules_of_the_record, 0, COUNT(STATES));
    tcase_add_loop_test(states, the_parts_of_the_file_follow_each_other_as_the_format_says, 0, COUNT(STATES));
    tcase_add_loop_test(states, every_other_field_of_the_record_is_left_zero, 0, COUNT(STATES));
    tcase_add_loop_test(states, extents_ascend_and_do_not_overlap, 0, COUNT(STATES));
    tcase_add_loop_test(states, every_variable_with_bytes_has_one_extent, 0, COUNT(STATES));
    tcase_add_loop_test(states, large_variables_begin_at_a_multiple_of_4096, 0, COUNT(STATES));
    tcase_add_loop_test(states, the_index_that_the_blocks_hold_decodes_to_the_entries, 0, COUNT(STATES));
    tcase_add_loop_test(states, the_same_state_gives_the_same_layout, 0, COUNT(STATES));
    tcase_add_loop_test(states, the_structure_digest_is_that_of_the_format, 0, COUNT(STATES));
    tcase_add_loop_test(states, the_index_digest_is_that_of_the_index_in_the_blocks, 0, COUNT(STATES));
    tcase_add_loop_test(states, the_schema_digest_is_that_of_the_index_without_offsets, 0, COUNT(STATES));
    suite_add_tcase(suite, states);

    tcase_set_timeout(single, 120);
    tcase_add_checked_fixture(single, setup, teardown);
    tcase_add_test(single, freeing_no_layout_is_allowed);
    tcase_add_test(single, the_progress_comes_last);
    tcase_add_test(single, without_variables_the_progress_alone_varies);
    tcase_add_test(single, the_progress_is_gathered);
    tcase_add_test(single, a_variable_straddles_blocks_of_its_own_only);
    tcase_add_test(single, a_block_of_metadata_only_does_not_vary);
    tcase_add_test(single, constant_blocks_are_the_same_whatever_the_variables_hold);
    tcase_add_test(single, gathering_changes_no_variable);
    tcase_add_loop_test(single, a_long_double_over_an_edge_keeps_its_value_and_loses_its_garbage, 0, 16);
    tcase_add_test(single, some_long_double_did_straddle_an_edge);
    tcase_add_test(single, an_element_cut_anywhere_by_an_edge_is_cleared_of_garbage);
    tcase_add_test(single, a_variable_makes_only_the_blocks_vary_in_which_it_has_bytes);
    tcase_add_test(single, another_name_type_shape_or_order_gives_another_schema_digest);
    suite_add_tcase(suite, single);
    return suite;
}

int main(void)
{
    return suite_run(layout_suite());
}
