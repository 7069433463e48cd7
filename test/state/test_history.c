/* SPDX-License-Identifier: MIT */
/* The history in memory: rows, names, the best value, and columns as they are stored. */
#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "state/history.h"
#include "support/assert_h5ckpt.h"
#include "support/fail_malloc.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

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

static void log_value(const char *name, double value)
{
    assert_status_message(history_log(&history, name, value, &error), H5CKPT_OK, error_message(&error));
}

static void end_row(uint64_t step)
{
    history_end_row(&history, &(struct h5ckpt_progress){step / 10, step % 10, step});
}

/* A row for each value; the log has none where it is said so by INFINITY. */
static void log_rows(const char *name, const double *value, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        log_value("every row", 0);
        if (value[i] != INFINITY)
            log_value(name, value[i]);
        end_row(i + 1);
    }
}

static double value_at(const char *name, uint64_t row)
{
    const struct h5ckpt_history shown = history_show(&history);

    ck_assert_uint_lt(row, shown.row_count);
    for (size_t i = 0; i < shown.log_count; i++)
        if (strcmp(shown.name[i], name) == 0)
            return shown.value[i][row];
    ck_abort_msg("there is no log '%s'", name);
    return 0;
}

#define assert_not_logged(value)               \
    do {                                       \
        const double value_ = (value);         \
        ck_assert(isnan(value_));              \
        ck_assert(!h5ckpt_was_logged(value_)); \
    } while (0)

/* --------------------------------------------------------------------------- rows */

START_TEST(a_row_has_what_was_logged_and_the_position_after_its_work)
{
    log_value("loss", 0.5);
    log_value("norm", 7);
    end_row(12);
    ck_assert_uint_eq(history.row_count, 1);
    ck_assert_double_eq(value_at("loss", 0), 0.5);
    ck_assert_double_eq(value_at("norm", 0), 7);
    ck_assert_uint_eq(history.position[0][0], 1);
    ck_assert_uint_eq(history.position[1][0], 2);
    ck_assert_uint_eq(history.position[2][0], 12);
}
END_TEST

START_TEST(where_nothing_was_logged_there_is_no_row)
{
    end_row(1);
    log_value("loss", 1);
    end_row(2);
    end_row(3);
    ck_assert_uint_eq(history.row_count, 1);
    ck_assert_uint_eq(history.position[2][0], 2);
}
END_TEST

START_TEST(of_two_values_for_a_row_the_last_one_counts)
{
    log_value("loss", 1);
    log_value("loss", 2);
    end_row(1);
    ck_assert_double_eq(value_at("loss", 0), 2);
}
END_TEST

/* A name that comes late, one that is left out, and one that comes back. */
START_TEST(a_log_without_a_value_is_marked_in_every_such_row)
{
    log_value("a", 1);
    end_row(1);
    log_value("b", 2);
    end_row(2);
    log_value("b", 4);
    log_value("a", 3);
    end_row(3);
    assert_not_logged(value_at("b", 0));
    assert_not_logged(value_at("a", 1));
    ck_assert_double_eq(value_at("a", 2), 3);
    ck_assert_double_eq(value_at("b", 2), 4);
}
END_TEST

START_TEST(no_value_that_is_logged_is_taken_for_none)
{
    const uint64_t none = FORMAT_HISTORY_NOT_LOGGED;
    const double value[] = {NAN, -NAN, INFINITY, -INFINITY, 0.0, -0.0, 5e-324};
    double mark;

    memcpy(&mark, &none, sizeof mark);
    log_value("loss", mark); /* somebody read it in another row */
    end_row(0);
    ck_assert(h5ckpt_was_logged(value_at("loss", 0)));
    for (size_t i = 0; i < COUNT(value); i++) {
        log_value("loss", value[i]);
        end_row(i + 1);
        ck_assert(h5ckpt_was_logged(value_at("loss", i + 1)));
        ck_assert(isnan(value[i]) == isnan(value_at("loss", i + 1)));
        ck_assert(isnan(value[i]) || value[i] == value_at("loss", i + 1));
    }
}
END_TEST

/* Counted, for libcheck writes to a pipe at every assertion. */
START_TEST(a_million_rows_are_kept)
{
    enum { ROWS = 1000000 };
    uint64_t wrong = 0;

    for (uint64_t i = 0; i < ROWS; i++) {
        wrong += history_log(&history, "loss", (double)i, &error) != H5CKPT_OK;
        if (i % 1000 == 0)
            wrong += history_log(&history, "val/loss", -(double)i, &error) != H5CKPT_OK;
        end_row(i + 1);
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(history.row_count, ROWS);
    for (uint64_t i = 0; i < ROWS; i++)
        wrong += history.value[0][i] != (double)i || history.position[2][i] != i + 1 ||
                 h5ckpt_was_logged(history.value[1][i]) != (i % 1000 == 0);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_double_eq(history_best(&history, "val/loss", H5CKPT_SMALLER_IS_BETTER).value, -999000.0);
}
END_TEST

/* -------------------------------------------------------------------------- names */

struct bad_name {
    const char *name;
    const char *said;
};

static const struct bad_name BAD_NAME[] = {
    {NULL, "has no name"},
    {"", "the name is empty"},
    {"l\xff", "log 'l\\xff': the name is not valid UTF-8"},
    {"l\xc3", "not valid UTF-8"},
    {"a\nb", "control character"},
    {"a//b", "an empty part"},
    {"/a", "an empty part"},
    {"..", "a part '..'"},
    {"count", "h5ckpt's own"},
    {"epoch", "h5ckpt's own"},
    {"batch", "h5ckpt's own"},
    {"step", "h5ckpt's own"},
    {"epoch/loss", "h5ckpt's own"},
    {"loss/train", "'loss' is a log, so it cannot be a group"},
    {"val", "the name is a group, that of log 'val/acc'"},
};

START_TEST(a_bad_name_is_refused_by_what_is_wrong_with_it_and_loses_nothing)
{
    log_value("loss", 1);
    log_value("val/acc", 2);
    assert_status(history_log(&history, BAD_NAME[_i].name, 3, &error), H5CKPT_E_ARGUMENT);
    assert_mentions(error_message(&error), BAD_NAME[_i].said);
    end_row(1);
    ck_assert_uint_eq(history.log_count, 2);
    ck_assert_double_eq(value_at("loss", 0), 1);
    ck_assert_double_eq(value_at("val/acc", 0), 2);
}
END_TEST

START_TEST(a_name_of_1024_bytes_is_refused)
{
    char name[FORMAT_NAME_BYTES_MAX + 2];

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_status(history_log(&history, name, 1, &error), H5CKPT_E_ARGUMENT);
    assert_mentions(error_message(&error), "longer than 1023 bytes");
    log_value(name + 1, 1);
}
END_TEST

START_TEST(names_may_be_any_utf8_and_begin_like_others)
{
    static const char *const NAME[] = {"Größe", "損失", "loss", "loss2", "counts", "val/loss", "val/loss2", "a b"};

    for (size_t i = 0; i < COUNT(NAME); i++)
        log_value(NAME[i], (double)i);
    end_row(1);
    for (size_t i = 0; i < COUNT(NAME); i++)
        ck_assert_double_eq(value_at(NAME[i], 0), (double)i);
}
END_TEST

START_TEST(a_name_that_holds_the_epoch_is_refused_before_it_fills_the_memory)
{
    char name[32];

    for (int i = 0; i < FORMAT_HISTORY_LOG_COUNT_MAX; i++) {
        snprintf(name, sizeof name, "loss of epoch %d", i);
        log_value(name, i);
        end_row((uint64_t)i);
    }
    assert_status(history_log(&history, "one more", 0, &error), H5CKPT_E_ARGUMENT);
    assert_mentions(error_message(&error), "a name must not hold what changes");
    log_value(name, 5); /* a known one may still be logged */
    end_row(5000);
    ck_assert_double_eq(value_at(name, FORMAT_HISTORY_LOG_COUNT_MAX), 5);
}
END_TEST

/* --------------------------------------------------------------------------- best */

START_TEST(of_a_log_that_is_not_there_no_best_is_known)
{
    ck_assert(!history_best(&history, "loss", H5CKPT_SMALLER_IS_BETTER).known);
    log_value("loss", 1);
    ck_assert(!history_best(&history, "loss", H5CKPT_SMALLER_IS_BETTER).known); /* its row has not ended */
    end_row(1);
    ck_assert(!history_best(&history, "los", H5CKPT_SMALLER_IS_BETTER).known);
}
END_TEST

START_TEST(the_first_of_the_best_values_counts_and_since_then_only_rows_with_a_value)
{
    const double loss[] = {3, INFINITY, 1, 2, INFINITY, 1, 5};
    struct h5ckpt_best best;

    log_rows("loss", loss, COUNT(loss));
    best = history_best(&history, "loss", H5CKPT_SMALLER_IS_BETTER);
    ck_assert(best.known);
    ck_assert_double_eq(best.value, 1);
    ck_assert_uint_eq(best.at.step, 3);
    ck_assert_uint_eq(best.rows_since, 3);
    best = history_best(&history, "loss", H5CKPT_LARGER_IS_BETTER);
    ck_assert_double_eq(best.value, 5);
    ck_assert_uint_eq(best.at.step, 7);
    ck_assert_uint_eq(best.rows_since, 0);
}
END_TEST

/* Training that has gone bad uses up its patience. */
START_TEST(a_nan_is_never_the_best_value_but_counts_as_one_since_then)
{
    const double loss[] = {NAN, 2, NAN, NAN};
    struct h5ckpt_best best;

    log_rows("loss", loss, COUNT(loss));
    best = history_best(&history, "loss", H5CKPT_SMALLER_IS_BETTER);
    ck_assert_double_eq(best.value, 2);
    ck_assert_uint_eq(best.at.step, 2);
    ck_assert_uint_eq(best.rows_since, 2);
    ck_assert(!history_best(&(struct history){0}, "loss", H5CKPT_SMALLER_IS_BETTER).known);
}
END_TEST

START_TEST(infinities_are_values)
{
    log_value("loss", INFINITY);
    end_row(1);
    ck_assert(history_best(&history, "loss", H5CKPT_SMALLER_IS_BETTER).known);
    log_value("loss", 1);
    end_row(2);
    ck_assert_uint_eq(history_best(&history, "loss", H5CKPT_SMALLER_IS_BETTER).at.step, 2);
    ck_assert_uint_eq(history_best(&history, "loss", H5CKPT_LARGER_IS_BETTER).at.step, 1);
}
END_TEST

/* ------------------------------------------------------------------------ columns */

START_TEST(the_capacity_is_doubled_when_it_is_used_up)
{
    static const uint64_t ROWS[][2] = {{0, 1024},    {1, 1024},    {1024, 1024},      {1025, 2048},
                                       {2048, 2048}, {2049, 4096}, {1000000, 1 << 20}};

    for (size_t i = 0; i < COUNT(ROWS); i++)
        ck_assert_uint_eq(history_capacity_for(ROWS[i][0]), ROWS[i][1]);
}
END_TEST

START_TEST(it_fits_where_its_shape_holds_every_row_and_every_log)
{
    log_value("a", 1);
    ck_assert(history_fits(&history)); /* there is no row yet */
    end_row(1);
    ck_assert(!history_fits(&history));
    history.shape = (struct history_shape){1, 1};
    ck_assert(history_fits(&history));
    history.shape.log_count = 0;
    ck_assert(!history_fits(&history));
    history.shape.log_count = 1;
    log_value("a", 1);
    end_row(2);
    ck_assert(!history_fits(&history));
}
END_TEST

/* Every column of `history` into another one of that shape. */
static void copy_by_columns(struct history *copy)
{
    *copy = HISTORY_NONE;
    for (size_t i = 0; i < history.shape.log_count; i++)
        assert_status(history_add_log(copy, history.name[i], &error), H5CKPT_OK);
    assert_status(history_reserve(copy, history.shape.capacity, &error), H5CKPT_OK);
    copy->shape = history.shape;
    for (size_t i = 0; i < history_column_count(&history); i++) {
        void *bytes = malloc(history_column_bytes(&history, i));
        history_get_column(&history, i, bytes);
        history_put_column(copy, i, bytes);
        free(bytes);
    }
}

/* _i: so many rows of capacity 4 */
START_TEST(what_columns_are_stored_comes_back_as_it_was_cut_where_it_does_not_fit)
{
    const uint64_t expected = _i < 4 ? (uint64_t)_i : 4;
    struct history copy;

    log_value("a", NAN);
    log_value("b", NAN);
    for (uint64_t row = 0; row < (uint64_t)_i; row++) {
        log_value(row % 2 ? "a" : "b", (double)row);
        end_row(row + 100);
    }
    history.shape = (struct history_shape){4, 2};
    copy_by_columns(&copy);
    assert_status(history_check(&copy, &error), H5CKPT_OK);
    ck_assert_uint_eq(copy.row_count, expected);
    for (uint64_t row = 0; row < expected; row++) {
        ck_assert_uint_eq(copy.position[2][row], row + 100);
        ck_assert_mem_eq(&copy.value[0][row], &history.value[0][row], sizeof(double));
        ck_assert_mem_eq(&copy.value[1][row], &history.value[1][row], sizeof(double));
    }
    for (uint64_t row = expected; row < 4; row++)
        assert_not_logged(copy.value[0][row]);
    history_free(&copy);
}
END_TEST

START_TEST(a_count_beyond_the_room_is_refused_whatever_it_is)
{
    static const uint64_t CLAIM[] = {5, 1024, UINT64_MAX, UINT64_C(1) << 63};
    uint64_t claim = CLAIM[_i];
    struct history copy;

    log_value("a", 1);
    end_row(1);
    history.shape = (struct history_shape){4, 1};
    copy_by_columns(&copy);
    history_put_column(&copy, HISTORY_COUNT, &claim);
    assert_status(history_check(&copy, &error), H5CKPT_E_DAMAGED);
    assert_mentions(error_message(&error), "has room for 4 only");
    history_free(&copy);
}
END_TEST

START_TEST(what_lies_behind_the_last_stored_row_is_in_no_later_row)
{
    struct history copy;
    uint64_t fewer = 1;

    for (uint64_t row = 0; row < 3; row++) {
        log_value("a", 7);
        log_value("b", 8);
        end_row(row);
    }
    history.shape = (struct history_shape){4, 2};
    copy_by_columns(&copy);
    history_put_column(&copy, HISTORY_COUNT, &fewer);
    assert_status(history_check(&copy, &error), H5CKPT_OK);
    assert_status(history_log(&copy, "a", 1, &error), H5CKPT_OK);
    history_end_row(&copy, &(struct h5ckpt_progress){0});
    assert_not_logged(copy.value[1][1]);
    history_free(&copy);
}
END_TEST

/* ------------------------------------------------------------------------- memory */

/* _i: the allocation that fails */
START_TEST(where_memory_is_short_a_value_is_refused_and_nothing_else_is_lost)
{
    h5ckpt_status status;

    for (uint64_t row = 0; row < 64; row++) { /* the next one needs more room */
        log_value("a", (double)row);
        end_row(row);
    }
    malloc_fail_in = _i + 1;
    status = history_log(&history, "b", 1, &error);
    malloc_fail_in = 0;
    if (status != H5CKPT_OK) {
        assert_status(status, H5CKPT_E_MEMORY);
        assert_mentions(error_message(&error), "64 rows of 1 logs");
        ck_assert_uint_eq(history.log_count, 1);
    }
    log_value("b", 1);
    end_row(64);
    for (uint64_t row = 0; row < 64; row++)
        ck_assert_double_eq(value_at("a", row), (double)row);
    assert_not_logged(value_at("b", 63));
    assert_not_logged(value_at("a", 64));
    ck_assert_double_eq(value_at("b", 64), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("history");
    TCase *tcase = tcase_create("history");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_row_has_what_was_logged_and_the_position_after_its_work);
    tcase_add_test(tcase, where_nothing_was_logged_there_is_no_row);
    tcase_add_test(tcase, of_two_values_for_a_row_the_last_one_counts);
    tcase_add_test(tcase, a_log_without_a_value_is_marked_in_every_such_row);
    tcase_add_test(tcase, no_value_that_is_logged_is_taken_for_none);
    tcase_add_test(tcase, a_million_rows_are_kept);
    tcase_add_loop_test(tcase, a_bad_name_is_refused_by_what_is_wrong_with_it_and_loses_nothing, 0, COUNT(BAD_NAME));
    tcase_add_test(tcase, a_name_of_1024_bytes_is_refused);
    tcase_add_test(tcase, names_may_be_any_utf8_and_begin_like_others);
    tcase_add_test(tcase, a_name_that_holds_the_epoch_is_refused_before_it_fills_the_memory);
    tcase_add_test(tcase, of_a_log_that_is_not_there_no_best_is_known);
    tcase_add_test(tcase, the_first_of_the_best_values_counts_and_since_then_only_rows_with_a_value);
    tcase_add_test(tcase, a_nan_is_never_the_best_value_but_counts_as_one_since_then);
    tcase_add_test(tcase, infinities_are_values);
    tcase_add_test(tcase, the_capacity_is_doubled_when_it_is_used_up);
    tcase_add_test(tcase, it_fits_where_its_shape_holds_every_row_and_every_log);
    tcase_add_loop_test(tcase, what_columns_are_stored_comes_back_as_it_was_cut_where_it_does_not_fit, 0, 7);
    tcase_add_loop_test(tcase, a_count_beyond_the_room_is_refused_whatever_it_is, 0, 4);
    tcase_add_test(tcase, what_lies_behind_the_last_stored_row_is_in_no_later_row);
    if (malloc_is_ours())
        tcase_add_loop_test(tcase, where_memory_is_short_a_value_is_refused_and_nothing_else_is_lost, 0, 10);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
