/* SPDX-License-Identifier: MIT */
/*
 * What a child of a forked save would see of memory, and what is said where that, or the child itself, is not to be
 * had.
 */
#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "format.h"
#include "storage/child.h"
#include "support/assert_h5ckpt.h"
#include "support/suite.h"

enum { PAGE_BYTES = 4096 };

static struct error error;
static unsigned char *shared_page;

static void setup(void)
{
    error = ERROR_NONE;
    shared_page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared_page, MAP_FAILED);
}

static void teardown(void)
{
    error_clear(&error);
    system_calls = &system_kernel;
    munmap(shared_page, PAGE_BYTES);
}

static h5ckpt_status check_variable(const char *name, uint64_t byte_count)
{
    struct schema_entry entry = {.name = name, .byte_count = byte_count};
    const struct layout layout = {.entry = &entry, .entry_count = 1};

    return child_check_memory(&layout, (const unsigned char *const[]){shared_page + 8}, &error);
}

START_TEST(memory_that_a_child_would_share_is_refused_by_the_programs_name_for_it)
{
    assert_status(check_variable(FORMAT_STATE_GROUP "/weights", 16), H5CKPT_E_ARGUMENT);
    assert_mentions(error_message(&error), "'weights'");
    assert_mentions(error_message(&error), "MAP_SHARED");
}
END_TEST

START_TEST(memory_of_the_librarys_own_is_refused_by_its_name_in_the_file)
{
    assert_status(check_variable(FORMAT_PROGRESS_GROUP "/epoch", 8), H5CKPT_E_ARGUMENT);
    assert_mentions(error_message(&error), "'" FORMAT_PROGRESS_GROUP "/epoch'");
}
END_TEST

START_TEST(a_variable_without_elements_may_be_anywhere)
{
    assert_status(check_variable(FORMAT_STATE_GROUP "/nothing", 0), H5CKPT_OK);
}
END_TEST

static int refuse(bool (*take)(void *context, const char *bytes, size_t byte_count), void *context)
{
    (void)take;
    (void)context;
    return ENOENT;
}

START_TEST(where_the_system_does_not_tell_what_a_child_would_see_no_child_is_made)
{
    struct system_calls calls = system_kernel;

    calls.read_mappings = refuse;
    system_calls = &calls;
    assert_status(check_variable(FORMAT_STATE_GROUP "/nothing", 0), H5CKPT_E_SYSTEM);
    assert_mentions(error_message(&error), "/proc/self/smaps");
    assert_mentions(error_message(&error), strerror(ENOENT));
}
END_TEST

static int64_t run_no_child(const struct system_child *child)
{
    (void)child;
    ck_abort_msg("a child was made");
}

START_TEST(a_table_for_which_there_is_no_memory_is_an_error_and_no_child_is_made)
{
    const struct layout layout = {.geometry = {.block_bytes = FORMAT_BLOCK_BYTES,
                                               .table_offset = UINT64_C(1) << 61,
                                               .file_bytes = UINT64_C(1) << 62}};
    const struct file file = FILE_NONE;
    struct child child = {.gather = {.layout = &layout}, .file = &file, .lock = &file};
    struct system_calls calls = system_kernel;

    calls.run_child = run_no_child;
    system_calls = &calls;
    assert_status(child_start(&child, &error), H5CKPT_E_MEMORY);
    assert_mentions(error_message(&error), "no memory for a block table");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("child");
    TCase *tcase = tcase_create("child");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, memory_that_a_child_would_share_is_refused_by_the_programs_name_for_it);
    tcase_add_test(tcase, memory_of_the_librarys_own_is_refused_by_its_name_in_the_file);
    tcase_add_test(tcase, a_variable_without_elements_may_be_anywhere);
    tcase_add_test(tcase, where_the_system_does_not_tell_what_a_child_would_see_no_child_is_made);
    tcase_add_test(tcase, a_table_for_which_there_is_no_memory_is_an_error_and_no_child_is_made);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
