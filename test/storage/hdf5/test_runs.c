/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "storage/hdf5/runs.h"
#include "support/assert_h5ckpt.h"
#include "support/suite.h"

enum {
    BEGIN = FORMAT_USER_BLOCK_BYTES,
    MEBIBYTE = 1 << 20,
};

static struct image *image;
static struct error error;
static struct runs runs;
static struct schema_entry entry[4];
static uint64_t offset[4];
static struct schema schema;

static void begin(void)
{
    image = image_new();
    ck_assert_ptr_nonnull(image);
    error = ERROR_NONE;
    runs = RUNS_NONE;
    schema = (struct schema){entry, 0};
}

static void end(void)
{
    runs_free(&runs);
    error_clear(&error);
    image_release(image);
}

static void add_variable(const char *name, uint64_t at, uint64_t byte_count)
{
    entry[schema.entry_count] = (struct schema_entry){.name = name, .byte_count = byte_count};
    offset[schema.entry_count++] = at;
}

static void write_bytes(uint64_t at, size_t byte_count)
{
    unsigned char *bytes = malloc(byte_count);

    memset(bytes, 0x5a, byte_count);
    image_write(image, at, bytes, byte_count);
    free(bytes);
}

static void take(size_t expected_count)
{
    runs_free(&runs);
    assert_status_message(runs_take(&runs, image, &schema, offset, &error), H5CKPT_OK, error_message(&error));
    ck_assert_uint_eq(runs.run_count, expected_count);
}

static void assert_run(size_t i, uint64_t from, uint64_t to)
{
    ck_assert_uint_eq(runs.run[i].offset, from);
    ck_assert_uint_eq(runs.run[i].byte_count, to - from);
}

static void assert_zeros(const unsigned char *bytes, size_t byte_count)
{
    for (size_t i = 0; i < byte_count; i++)
        if (bytes[i] != 0)
            ck_abort_msg("byte %zu is %d", i, bytes[i]);
}

static void assert_refused(const char *text)
{
    assert_status(runs_take(&runs, image, &schema, offset, &error), H5CKPT_E_HDF5);
    assert_mentions(error_message(&error), text);
    ck_assert_ptr_null(runs.run);
    error_clear(&error);
}

/* ---------------------------------------------------------------------- runs */

START_TEST(a_variable_amid_what_was_written_parts_two_runs)
{
    add_variable("state/x", BEGIN + 200, 800);
    write_bytes(BEGIN, 100);
    write_bytes(BEGIN + 1000, 50); /* to the image this is one piece: its page knows where writing began and ended */
    take(2);
    assert_run(0, BEGIN, BEGIN + 200);
    assert_run(1, BEGIN + 1000, BEGIN + 1050);
}
END_TEST

START_TEST(a_hole_of_a_mebibyte_belongs_to_its_run_and_reads_as_zeros)
{
    write_bytes(BEGIN, 100);
    write_bytes(BEGIN + 100 + MEBIBYTE, 50);
    take(1);
    assert_run(0, BEGIN, BEGIN + 150 + MEBIBYTE);
    assert_zeros(runs.run[0].bytes + 100, MEBIBYTE);
}
END_TEST

START_TEST(a_larger_hole_parts_two_runs)
{
    write_bytes(BEGIN, 100);
    write_bytes(BEGIN + 101 + MEBIBYTE, 50);
    take(2);
    assert_run(1, BEGIN + 101 + MEBIBYTE, BEGIN + 151 + MEBIBYTE);
}
END_TEST

START_TEST(a_variable_in_a_hole_parts_two_runs)
{
    add_variable("state/large", 2 * IMAGE_PAGE_BYTES, 3 * IMAGE_PAGE_BYTES);
    add_variable("state/empty", 0, 0);
    write_bytes(BEGIN, 100);
    write_bytes(6 * IMAGE_PAGE_BYTES, 50);
    take(2);
    assert_run(0, BEGIN, BEGIN + 100);
    assert_run(1, 6 * IMAGE_PAGE_BYTES, 6 * IMAGE_PAGE_BYTES + 50);
}
END_TEST

START_TEST(variables_need_not_come_in_the_order_of_their_places)
{
    add_variable("state/behind", BEGIN + 300, 100);
    add_variable("state/before", BEGIN + 100, 100);
    write_bytes(BEGIN, 100);
    write_bytes(BEGIN + 400, 100);
    take(3);
    assert_run(0, BEGIN, BEGIN + 100);
    assert_run(1, BEGIN + 200, BEGIN + 300);
    assert_run(2, BEGIN + 400, BEGIN + 500);
}
END_TEST

START_TEST(a_variable_over_another_is_an_error)
{
    write_bytes(BEGIN, 1000);
    add_variable("state/x", BEGIN + 1000, 100);
    add_variable("state/over", BEGIN + 1099, 100);
    image_truncate(image, BEGIN + 2000);
    assert_refused("HDF5 put variable 'state/over'");
}
END_TEST

START_TEST(a_variable_in_the_user_block_is_an_error)
{
    write_bytes(BEGIN, 1000);
    add_variable("state/x", BEGIN - 1, 100);
    assert_refused("HDF5 put variable 'state/x'");
}
END_TEST

START_TEST(a_variable_beyond_the_end_of_the_file_is_an_error)
{
    write_bytes(BEGIN, 1000);
    add_variable("state/x", BEGIN + 1000, 100);
    image_truncate(image, BEGIN + 1099);
    assert_refused("HDF5 put variable 'state/x'");
    image_truncate(image, BEGIN + 1100);
    take(1);
}
END_TEST

START_TEST(bytes_written_into_a_variable_are_an_error)
{
    const uint64_t into[] = {BEGIN + 100, BEGIN + 150, BEGIN + 199};

    add_variable("state/x", BEGIN + 100, 100);
    write_bytes(BEGIN, 100);
    write_bytes(BEGIN + 200, 100);
    take(2);
    runs_free(&runs);
    write_bytes(into[_i], 1);
    write_bytes(IMAGE_PAGE_BYTES + BEGIN, 1); /* a page that is not looked at any more */
    assert_refused("HDF5 wrote its own bytes into variable 'state/x'");
}
END_TEST

/* --------------------------------------------------------------------- image */

START_TEST(between_two_pages_an_image_reads_zeros)
{
    unsigned char bytes[IMAGE_PAGE_BYTES];

    write_bytes(0, 1);
    write_bytes(2 * IMAGE_PAGE_BYTES, 1);
    memset(bytes, 1, sizeof bytes);
    image_read(image, IMAGE_PAGE_BYTES, bytes, sizeof bytes);
    assert_zeros(bytes, sizeof bytes);
}
END_TEST

START_TEST(a_page_may_be_written_before_the_ones_that_are_there)
{
    unsigned char byte = 0;

    write_bytes(2 * IMAGE_PAGE_BYTES, 1);
    write_bytes(0, 1);
    ck_assert_uint_eq(image->page_count, 2);
    image_read(image, 2 * IMAGE_PAGE_BYTES, &byte, 1);
    ck_assert_uint_eq(byte, 0x5a);
}
END_TEST

START_TEST(what_lay_behind_a_new_end_is_no_run_and_reads_as_zeros)
{
    unsigned char bytes[100];

    write_bytes(BEGIN, 300);
    write_bytes(BEGIN + IMAGE_PAGE_BYTES, 300);
    image_truncate(image, BEGIN + 200);
    ck_assert_uint_eq(image->end, BEGIN + 200);
    ck_assert_uint_eq(image->page_count, 1);
    take(1);
    assert_run(0, BEGIN, BEGIN + 200);
    image_read(image, BEGIN + 200, bytes, sizeof bytes);
    assert_zeros(bytes, sizeof bytes);
}
END_TEST

START_TEST(an_end_before_all_that_was_written_leaves_no_run)
{
    write_bytes(BEGIN + 300, 100);
    image_truncate(image, BEGIN + 200);
    take(0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("runs");
    TCase *tests = tcase_create("runs");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, a_variable_amid_what_was_written_parts_two_runs);
    tcase_add_test(tests, a_hole_of_a_mebibyte_belongs_to_its_run_and_reads_as_zeros);
    tcase_add_test(tests, a_larger_hole_parts_two_runs);
    tcase_add_test(tests, a_variable_in_a_hole_parts_two_runs);
    tcase_add_test(tests, variables_need_not_come_in_the_order_of_their_places);
    tcase_add_test(tests, a_variable_over_another_is_an_error);
    tcase_add_test(tests, a_variable_in_the_user_block_is_an_error);
    tcase_add_test(tests, a_variable_beyond_the_end_of_the_file_is_an_error);
    tcase_add_loop_test(tests, bytes_written_into_a_variable_are_an_error, 0, 3);
    tcase_add_test(tests, between_two_pages_an_image_reads_zeros);
    tcase_add_test(tests, a_page_may_be_written_before_the_ones_that_are_there);
    tcase_add_test(tests, what_lay_behind_a_new_end_is_no_run_and_reads_as_zeros);
    tcase_add_test(tests, an_end_before_all_that_was_written_leaves_no_run);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
