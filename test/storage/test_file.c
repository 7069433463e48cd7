/* SPDX-License-Identifier: MIT */
/* What the system does only in part, or breaks off, is gone on with. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/directory.h"
#include "storage/file.h"
#include "storage/system.h"
#include "support/assert_h5ckpt.h"
#include "support/faults.h"
#include "support/fixture.h"

enum { BYTE_COUNT = 1000, PART_BYTES = 7 };

static struct system_calls partial; /* takes and gives a few bytes at once, and is interrupted before each */
static unsigned call_count;
static struct directory directory;
static struct file file;
static struct error error;
static unsigned char bytes[BYTE_COUNT];

static size_t part_of(size_t byte_count)
{
    return byte_count < PART_BYTES ? byte_count : PART_BYTES;
}

static bool is_interrupted(void)
{
    errno = EINTR;
    return ++call_count % 2 == 1;
}

static ssize_t write_part(int descriptor, const void *from, size_t byte_count, off_t offset)
{
    return is_interrupted() ? -1 : system_kernel.write_at(descriptor, from, part_of(byte_count), offset);
}

static ssize_t read_part(int descriptor, void *to, size_t byte_count, off_t offset)
{
    return is_interrupted() ? -1 : system_kernel.read_at(descriptor, to, part_of(byte_count), offset);
}

static void setup(void)
{
    fixture_setup();
    faults_clear();
    directory = DIRECTORY_NONE;
    error = ERROR_NONE;
    for (size_t i = 0; i < BYTE_COUNT; i++)
        bytes[i] = (unsigned char)(i * 37 + 11);
    ck_assert_int_eq(directory_open(&directory, fixture_backup, true, 0700, &error), H5CKPT_OK);
    ck_assert_int_eq(file_create(&file, &directory, "file", 0600, &error), H5CKPT_OK);
    partial = system_kernel;
    partial.write_at = write_part;
    partial.read_at = read_part;
}

static void teardown(void)
{
    faults_clear();
    file_close(&file);
    directory_close(&directory);
    error_clear(&error);
    fixture_teardown();
}

START_TEST(a_write_that_the_system_cuts_short_or_interrupts_is_gone_on_with)
{
    unsigned char found[BYTE_COUNT] = {0};

    system_calls = &partial;
    ck_assert_int_eq(file_write(&file, bytes, sizeof bytes, 3, &error), H5CKPT_OK);
    file_read_bytes(in_backup("file"), found, sizeof found, 3);
    ck_assert_mem_eq(found, bytes, sizeof bytes);
    ck_assert_uint_eq(file_bytes(in_backup("file")), sizeof bytes + 3);
}
END_TEST

START_TEST(a_read_that_the_system_cuts_short_or_interrupts_is_gone_on_with)
{
    unsigned char found[BYTE_COUNT] = {0};

    ck_assert_int_eq(file_write(&file, bytes, sizeof bytes, 3, &error), H5CKPT_OK);
    system_calls = &partial;
    ck_assert_int_eq(file_read(&file, found, sizeof found, 3, &error), H5CKPT_OK);
    ck_assert_mem_eq(found, bytes, sizeof bytes);
}
END_TEST

START_TEST(a_file_that_ends_before_what_is_read_is_damaged)
{
    unsigned char found[BYTE_COUNT];

    ck_assert_int_eq(file_write(&file, bytes, sizeof bytes - 1, 0, &error), H5CKPT_OK);
    ck_assert_int_eq(file_read(&file, found, sizeof found, 0, &error), H5CKPT_E_DAMAGED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file");
    SRunner *runner = srunner_create(suite);
    TCase *parts = tcase_create("parts");
    int failed_count;

    tcase_add_checked_fixture(parts, setup, teardown);
    tcase_add_test(parts, a_write_that_the_system_cuts_short_or_interrupts_is_gone_on_with);
    tcase_add_test(parts, a_read_that_the_system_cuts_short_or_interrupts_is_gone_on_with);
    tcase_add_test(parts, a_file_that_ends_before_what_is_read_is_damaged);
    suite_add_tcase(suite, parts);
    fixture_begin();
    srunner_run_all(runner, CK_ENV);
    fixture_end();
    failed_count = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed_count == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
