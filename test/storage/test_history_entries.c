/* SPDX-License-Identifier: MIT */
/* A history among the entries of an index that nothing has looked at before. */
#include <check.h>

#include "format.h"
#include "storage/history_entries.h"
#include "support/assert_h5ckpt.h"
#include "support/fail_malloc.h"
#include "support/suite.h"

enum { ROWS = 8, FILE_BYTES = 65536, ENTRY_COUNT = 6 };

#define HISTORY(name) FORMAT_HISTORY_GROUP "/" name

static const uint64_t SHAPE[] = {ROWS};
static const struct element COUNT_ELEMENT = {.class = ELEMENT_UINT, .byte_count = 8};
static const struct element LOG_ELEMENT = {.class = ELEMENT_FLOAT, .byte_count = 8};

static struct history history;
static struct error error;

static void setup(void)
{
    history = HISTORY_NONE;
    error = ERROR_NONE;
}

static void teardown(void)
{
    history_free(&history);
    error_clear(&error);
}

/* The three positions and two logs of a history, with this name for the second. */
static h5ckpt_status read_shape(const char *second_log, uint64_t file_bytes)
{
    struct schema_entry entry[ENTRY_COUNT] = {
        {HISTORY("count"), COUNT_ELEMENT, 0, NULL, 8},         {HISTORY("epoch"), COUNT_ELEMENT, 1, SHAPE, 8 * ROWS},
        {HISTORY("batch"), COUNT_ELEMENT, 1, SHAPE, 8 * ROWS}, {HISTORY("step"), COUNT_ELEMENT, 1, SHAPE, 8 * ROWS},
        {HISTORY("loss"), LOG_ELEMENT, 1, SHAPE, 8 * ROWS},    {second_log, LOG_ELEMENT, 1, SHAPE, 8 * ROWS},
    };
    const struct index index = {.entry = entry, .entry_count = ENTRY_COUNT};

    return history_entries_shape(&history, &index, file_bytes, &error);
}

static void assert_is_none(void)
{
    ck_assert_uint_eq(history.log_count, 0);
    ck_assert_uint_eq(history.shape.capacity, 0);
}

START_TEST(a_history_has_the_names_and_the_room_that_its_entries_say)
{
    assert_status_message(read_shape(HISTORY("accuracy"), FILE_BYTES), H5CKPT_OK, error_message(&error));
    ck_assert_uint_eq(history.shape.capacity, ROWS);
    ck_assert_uint_eq(history.shape.log_count, 2);
    ck_assert_str_eq(history.name[1], "accuracy");
}
END_TEST

START_TEST(a_log_that_is_there_twice_is_damage)
{
    assert_status(read_shape(HISTORY("loss"), FILE_BYTES), H5CKPT_E_DAMAGED);
    assert_mentions(error_message(&error), "is there twice");
    assert_is_none();
}
END_TEST

START_TEST(a_history_that_is_larger_than_its_file_is_damage)
{
    assert_status(read_shape(HISTORY("accuracy"), 5 * 8 * ROWS), H5CKPT_E_DAMAGED);
    assert_mentions(error_message(&error), "larger than the slot");
    assert_is_none();
}
END_TEST

START_TEST(a_history_for_which_there_is_no_memory_is_not_called_damaged)
{
    if (!malloc_is_ours())
        return;
    for (long which = 1;; which++) {
        malloc_fail_in = which;
        const h5ckpt_status status = read_shape(HISTORY("accuracy"), FILE_BYTES);
        const bool failed = malloc_fail_in == 0;
        malloc_fail_in = 0;
        if (!failed) {
            assert_status(status, H5CKPT_OK);
            ck_assert_int_gt(which, 2);
            return;
        }
        assert_status(status, H5CKPT_E_MEMORY);
        ck_assert_str_ne(error_message(&error), "");
        assert_is_none();
        error_clear(&error);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("history entries");
    TCase *tcase = tcase_create("history entries");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_history_has_the_names_and_the_room_that_its_entries_say);
    tcase_add_test(tcase, a_log_that_is_there_twice_is_damage);
    tcase_add_test(tcase, a_history_that_is_larger_than_its_file_is_damage);
    tcase_add_test(tcase, a_history_for_which_there_is_no_memory_is_not_called_damaged);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
