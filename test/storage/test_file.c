/* SPDX-License-Identifier: MIT */
/*
 * What the system does only in part, or breaks off, is gone on with; what is in a file's or directory's place is not
 * taken for it.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/directory.h"
#include "storage/file.h"
#include "storage/system.h"
#include "support/assert_h5ckpt.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/suite.h"

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

/* ------------------------------------------------------------------ directories */

static const struct entry ENTRY = {
    .kind = ENTRY_FILE, .device = 1, .inode = 2, .link_count = 1, .byte_count = 3, .modified_ns = 4, .changed_ns = 5};

START_TEST(entries_are_of_equal_content_only_if_all_that_tells_it_is_equal)
{
    struct entry other[] = {ENTRY, ENTRY, ENTRY, ENTRY, ENTRY};

    other[0].kind = ENTRY_OTHER;
    other[1].device++;
    other[2].inode++;
    other[3].byte_count++;
    other[4].modified_ns++;
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        ck_assert_msg(!entry_equal_content(&ENTRY, &other[i]), "%zu", i);
    other[0] = ENTRY;
    other[0].link_count++;
    ck_assert(entry_equal_content(&ENTRY, &other[0]));
    ck_assert(!entry_equal(&ENTRY, &other[0]));
}
END_TEST

START_TEST(a_directory_whose_parent_has_gone_cannot_be_made_durable)
{
    struct directory made = DIRECTORY_NONE;
    char parent[PATH_BYTES], elsewhere[PATH_BYTES], path[PATH_BYTES];

    snprintf(parent, sizeof parent, "%s", in_backup("parent"));
    snprintf(elsewhere, sizeof elsewhere, "%s", in_backup("elsewhere"));
    snprintf(path, sizeof path, "%s", in_backup("parent/made"));
    assert_status(directory_open(&made, path, true, 0700, &error), H5CKPT_OK);
    ck_assert_int_eq(rename(parent, elsewhere), 0);
    assert_status(directory_flush_path(&made, &error), H5CKPT_E_SYSTEM);
    assert_mentions(error_message(&error), "has vanished");
    ck_assert_int_eq(rename(elsewhere, parent), 0);
    error_clear(&error);
    assert_status(directory_flush_path(&made, &error), H5CKPT_OK);
    directory_close(&made);
    ck_assert(!file_exists(parent));
}
END_TEST

START_TEST(a_directory_that_vanishes_while_it_is_made_is_an_error_and_leaves_nothing)
{
    struct directory made = DIRECTORY_NONE;
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "%s", in_backup("parent/made"));
    faults_set((struct faults){.calls = FAULT_OPEN, .name = path, .first = 1, .count = 1, .error = ENOENT});
    assert_status(directory_open(&made, path, true, 0700, &error), H5CKPT_E_SYSTEM);
    ck_assert(faults_hit());
    assert_mentions(error_message(&error), path);
    ck_assert(!file_exists(in_backup("parent")));
}
END_TEST

static int look_on_another_device(int at, const char *name, struct stat *status)
{
    const int result = system_kernel.status_at(at, name, status);

    status->st_dev++;
    return result;
}

START_TEST(a_directory_of_another_file_system_in_its_place_is_not_removed)
{
    struct directory made = DIRECTORY_NONE;
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "%s", in_backup("made"));
    assert_status(directory_open(&made, path, true, 0700, &error), H5CKPT_OK);
    partial = system_kernel;
    partial.status_at = look_on_another_device;
    system_calls = &partial;
    directory_close(&made);
    ck_assert(file_exists(path));
    ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file");
    TCase *parts = tcase_create("parts");

    tcase_add_checked_fixture(parts, setup, teardown);
    tcase_add_test(parts, a_write_that_the_system_cuts_short_or_interrupts_is_gone_on_with);
    tcase_add_test(parts, a_read_that_the_system_cuts_short_or_interrupts_is_gone_on_with);
    tcase_add_test(parts, a_file_that_ends_before_what_is_read_is_damaged);
    suite_add_tcase(suite, parts);
    TCase *directories = tcase_create("directories");
    tcase_add_checked_fixture(directories, setup, teardown);
    tcase_add_test(directories, entries_are_of_equal_content_only_if_all_that_tells_it_is_equal);
    tcase_add_test(directories, a_directory_whose_parent_has_gone_cannot_be_made_durable);
    tcase_add_test(directories, a_directory_that_vanishes_while_it_is_made_is_an_error_and_leaves_nothing);
    tcase_add_test(directories, a_directory_of_another_file_system_in_its_place_is_not_removed);
    suite_add_tcase(suite, directories);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
