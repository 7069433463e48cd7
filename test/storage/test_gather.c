/* SPDX-License-Identifier: MIT */
/*
 * From the program's memory to chunks: both ways give the same bytes and checksums, and only blocks that differ are to
 * be written.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "storage/gather.h"
#include "support/suite.h"

enum { ELEMENTS = 200001, ODD_BYTES = 77777 };

static double large[ELEMENTS];
static unsigned char odd[ODD_BYTES];
static h5ckpt_state *state;
static struct layout layout;
static const unsigned char *source[2 + LAYOUT_PROGRESS_COUNT];
static uint64_t progress[LAYOUT_PROGRESS_COUNT];
static struct checksum *table;
static struct checksum *other_table;
static unsigned char *bytes;
static unsigned char *other_bytes;
static uint64_t block_count;

static void setup(void)
{
    struct error error = ERROR_NONE;

    for (size_t i = 0; i < ELEMENTS; i++)
        large[i] = (double)i * 0.5;
    for (size_t i = 0; i < ODD_BYTES; i++)
        odd[i] = (unsigned char)(i * 7);
    state = h5ckpt_state_new();
    h5ckpt_add(state, "large", H5CKPT_FLOAT64, 1, (const uint64_t[]){ELEMENTS}, large);
    h5ckpt_add(state, "odd", H5CKPT_UINT8, 1, (const uint64_t[]){ODD_BYTES}, odd);
    ck_assert_int_eq(layout_build(&layout, state, &error), H5CKPT_OK);
    source[0] = (const unsigned char *)large;
    source[1] = odd;
    for (size_t i = 0; i < LAYOUT_PROGRESS_COUNT; i++)
        source[2 + i] = (const unsigned char *)&progress[i];
    block_count = record_block_count(&layout.geometry);
    table = calloc((size_t)block_count, sizeof *table);
    other_table = calloc((size_t)block_count, sizeof *other_table);
    bytes = aligned_alloc(FORMAT_ALIGN_BYTES, (size_t)layout.geometry.file_bytes);
    other_bytes = aligned_alloc(FORMAT_ALIGN_BYTES, (size_t)layout.geometry.file_bytes);
}

static void teardown(void)
{
    free(table);
    free(other_table);
    free(bytes);
    free(other_bytes);
    layout_free(&layout);
    h5ckpt_state_free(state);
}

static struct gather gather_into(struct checksum *into, bool every_byte)
{
    return (struct gather){.layout = &layout, .source = source, .table = into, .every_byte = every_byte};
}

/* How many blocks are to be written. */
static unsigned gather_chunks(const struct gather *gather, enum gather_way way, unsigned char *to)
{
    const struct walk_division division = walk_divide(&layout.geometry);
    unsigned count = 0;

    for (uint64_t index = 0; index < division.chunk_count; index++) {
        struct walk_chunk chunk = walk_chunk_at(&layout.geometry, &division, index);
        chunk.bytes = to + (chunk.offset - FORMAT_USER_BLOCK_BYTES);
        count += (unsigned)__builtin_popcountll(gather_chunk(gather, &chunk, way));
    }
    return count;
}

START_TEST(every_way_gives_the_same_bytes_and_checksums)
{
    const struct gather first = gather_into(table, true);
    const struct gather second = gather_into(other_table, true);
    const size_t byte_count = (size_t)(layout.geometry.table_offset - FORMAT_USER_BLOCK_BYTES);

    ck_assert_uint_eq(gather_chunks(&first, GATHER_TO_WRITE, bytes), block_count);
    ck_assert_uint_eq(gather_chunks(&second, GATHER_TO_KEEP, other_bytes), block_count);
    ck_assert_mem_eq(bytes, other_bytes, byte_count);
    ck_assert_mem_eq(table, other_table, (size_t)block_count * sizeof *table);
    memset(other_bytes, 0xff, byte_count);
    gather_all(&second, other_bytes);
    ck_assert_mem_eq(bytes, other_bytes, byte_count);
    for (uint64_t block = 0; block < block_count; block++) {
        const struct checksum now = gather_checksum(&first, block);
        ck_assert(checksum_equal(&now, &table[block]));
    }
}
END_TEST

/* _i: way */
START_TEST(only_blocks_that_differ_are_to_be_written)
{
    const struct gather every = gather_into(table, true);
    const struct gather changed = gather_into(table, false);

    gather_chunks(&every, GATHER_TO_WRITE, bytes);
    ck_assert_uint_eq(gather_chunks(&changed, (enum gather_way)_i, other_bytes), 0);
    large[ELEMENTS / 2] += 1;
    ck_assert_uint_eq(gather_chunks(&changed, (enum gather_way)_i, other_bytes), 1);
    ck_assert_uint_eq(gather_chunks(&changed, (enum gather_way)_i, other_bytes), 0); /* the table has followed */
    progress[0]++;
    odd[ODD_BYTES - 1] ^= 1;
    ck_assert_uint_ge(gather_chunks(&changed, (enum gather_way)_i, other_bytes), 1);
    ck_assert_uint_eq(gather_chunks(&every, (enum gather_way)_i, other_bytes), block_count);
}
END_TEST

/* Many small writes take longer than one: neighbours that are the same go along. */
START_TEST(a_chunk_of_which_much_has_changed_is_written_as_one)
{
    const struct gather every = gather_into(table, true);
    const struct gather changed = gather_into(table, false);
    const size_t per_block = FORMAT_BLOCK_BYTES / sizeof *large;

    gather_chunks(&every, GATHER_TO_WRITE, bytes);
    for (size_t i = 1; i < 9; i += 2) /* four blocks of the first chunk's sixteen */
        large[i * per_block] += 1;
    ck_assert_uint_eq(gather_chunks(&changed, GATHER_TO_WRITE, other_bytes), 4);
    for (size_t i = 1; i < 15; i += 2) /* seven */
        large[i * per_block] += 1;
    const unsigned written = gather_chunks(&changed, GATHER_TO_WRITE, other_bytes);
    ck_assert_uint_ge(written, 14);
    ck_assert_uint_le(written, 16);
}
END_TEST

/* A promise counts where the base and the slot have the same block; elsewhere it is read. */
START_TEST(promises_spare_reading_only_where_both_tables_agree)
{
    struct gather gather = gather_into(table, true);
    unsigned char *unchanged = malloc((size_t)block_count / 8 + 1);

    memset(unchanged, 0xff, (size_t)block_count / 8 + 1);
    gather_chunks(&gather, GATHER_TO_WRITE, bytes);
    memcpy(other_table, table, (size_t)block_count * sizeof *table);
    gather.every_byte = false;
    gather.unchanged = unchanged;
    gather.known = other_table;
    large[0] += 1; /* although it was promised: it is not read */
    ck_assert_uint_eq(gather_chunks(&gather, GATHER_TO_WRITE, bytes), 0);
    for (uint64_t block = 0; block < block_count; block++)
        other_table[block].byte[0] ^= 1; /* the base has other blocks than the slot */
    ck_assert_uint_ge(gather_chunks(&gather, GATHER_TO_WRITE, bytes), 1);
    gather.every_byte = true;
    ck_assert_uint_eq(gather_chunks(&gather, GATHER_TO_WRITE, bytes), block_count);
    free(unchanged);
}
END_TEST

START_TEST(runs_are_the_blocks_next_to_each_other)
{
    uint64_t blocks = UINT64_C(1) << 63 | UINT64_C(1) << 62 | 0x0e | 0x100;
    static const unsigned RUN[][2] = {{1, 3}, {8, 1}, {62, 2}};
    unsigned first;
    unsigned count;

    for (unsigned i = 0; i < 3; i++) {
        ck_assert(gather_next_run(&blocks, &first, &count));
        ck_assert_uint_eq(first, RUN[i][0]);
        ck_assert_uint_eq(count, RUN[i][1]);
    }
    ck_assert(!gather_next_run(&blocks, &first, &count));
    blocks = UINT64_MAX;
    ck_assert(gather_next_run(&blocks, &first, &count));
    ck_assert_uint_eq(count, 64);
    ck_assert_uint_eq(blocks, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gather");
    TCase *tcase = tcase_create("gather");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, every_way_gives_the_same_bytes_and_checksums);
    tcase_add_loop_test(tcase, only_blocks_that_differ_are_to_be_written, GATHER_TO_WRITE, GATHER_TO_KEEP + 1);
    tcase_add_test(tcase, a_chunk_of_which_much_has_changed_is_written_as_one);
    tcase_add_test(tcase, promises_spare_reading_only_where_both_tables_agree);
    tcase_add_test(tcase, runs_are_the_blocks_next_to_each_other);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
