/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "callback/cost.h"
#include "support/suite.h"

enum { SAVE_COUNT = 60, ALL_SEEDS = 20 };

static struct cost cost;
static int64_t now_ns;

static void setup(void)
{
    cost = COST_NONE;
    now_ns = 1000;
}

static void save(int64_t call_ns)
{
    cost_add_save(&cost, call_ns, false);
}

/* From hook to hook, with a stall in between; then time goes by that is nobody's. */
static void do_batches(uint64_t count, int64_t ns, int64_t stall_ns, bool beside_save)
{
    cost_begin_batch(&cost, now_ns, beside_save);
    now_ns += ns;
    cost_end_batch(&cost, now_ns, stall_ns, count);
    now_ns += 12345;
}

static void do_usual_batches(int64_t ns)
{
    for (int i = 0; i < COST_KEPT; i++)
        do_batches(1, ns, 0, false);
}

static uint64_t draw(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

/* ---------------------------------------------------------------------- saves */

START_TEST(before_the_first_save_nothing_is_known_and_nothing_charged)
{
    do_usual_batches(100);
    cost_add_stall(&cost, 50);
    ck_assert_int_eq(cost_typical_ns(&cost), COST_UNKNOWN);
    ck_assert_int_eq(cost_last_ns(&cost), 0);
    ck_assert_int_eq(cost_charged_ns(&cost), 0);
    ck_assert_int_eq(cost_after_call_ns(&cost), 0);
}
END_TEST

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static int64_t sorted_median(const int64_t *values, size_t count)
{
    int64_t sorted[COST_KEPT];

    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, compare);
    return sorted[count / 2];
}

/* _i: seed; every other one draws from few values, of which many are equal */
START_TEST(the_typical_cost_is_the_median_of_the_last_nine)
{
    uint64_t seed = (uint64_t)_i;
    int64_t drawn[SAVE_COUNT];

    for (size_t i = 0; i < SAVE_COUNT; i++) {
        const size_t first = i + 1 < COST_KEPT ? 0 : i + 1 - COST_KEPT;
        drawn[i] = (int64_t)(draw(&seed) % (_i % 2 == 0 ? 1000000 : 3));
        save(drawn[i]);
        ck_assert_int_eq(cost_typical_ns(&cost), sorted_median(drawn + first, i + 1 - first));
    }
}
END_TEST

START_TEST(a_stall_after_the_call_is_part_of_the_save_before_it)
{
    save(100);
    cost_add_stall(&cost, 30);
    cost_add_stall(&cost, 5);
    ck_assert_int_eq(cost_last_ns(&cost), 135);
    ck_assert_int_eq(cost_after_call_ns(&cost), 35);
    ck_assert_int_eq(cost_typical_ns(&cost), 135);
    save(1);
    ck_assert_int_eq(cost_last_ns(&cost), 1);
    ck_assert_int_eq(cost_after_call_ns(&cost), 0);
    ck_assert_int_eq(cost_typical_ns(&cost), 135); /* of 1 and 135 */
}
END_TEST

START_TEST(a_save_that_failed_is_charged_and_tells_nothing_of_others)
{
    for (int i = 0; i < 5; i++)
        save(100);
    for (int i = 0; i < COST_KEPT; i++) {
        cost_add_save(&cost, 3, true);
        ck_assert_int_eq(cost_typical_ns(&cost), 100);
        ck_assert_int_eq(cost_charged_ns(&cost), 3);
    }
}
END_TEST

START_TEST(a_first_save_that_failed_is_charged_in_full_and_no_cost_is_known)
{
    cost_add_save(&cost, 700, true);
    ck_assert_int_eq(cost_typical_ns(&cost), COST_UNKNOWN);
    ck_assert_int_eq(cost_charged_ns(&cost), 700);
}
END_TEST

START_TEST(one_save_is_charged_at_most_four_times_the_typical_cost)
{
    for (int i = 0; i < 5; i++)
        save(100);
    save(399);
    ck_assert_int_eq(cost_charged_ns(&cost), 399);
    save(401);
    ck_assert_int_eq(cost_charged_ns(&cost), 400);
    ck_assert_int_eq(cost_last_ns(&cost), 401);
    save(INT64_MAX / 2);
    ck_assert_int_eq(cost_charged_ns(&cost), 400);
}
END_TEST

START_TEST(the_first_save_is_charged_in_full)
{
    save(123456789);
    ck_assert_int_eq(cost_charged_ns(&cost), 123456789);
}
END_TEST

START_TEST(one_save_out_of_nine_does_not_move_the_typical_cost)
{
    for (int i = 0; i < 30; i++) {
        save(i % 9 == 0 ? 1000000 : 100);
        if (i >= 2)
            ck_assert_int_eq(cost_typical_ns(&cost), 100);
    }
}
END_TEST

/* -------------------------------------------------------------------- batches */

START_TEST(batches_beside_a_save_cost_what_they_take_longer_than_others)
{
    do_usual_batches(100);
    save(10);
    do_batches(1, 130, 0, true);
    ck_assert_int_eq(cost_last_ns(&cost), 10 + 30);
    do_batches(1, 150, 0, true);
    ck_assert_int_eq(cost_last_ns(&cost), 10 + 30 + 50);
    do_batches(1, 1000, 0, false); /* not beside it */
    ck_assert_int_eq(cost_last_ns(&cost), 10 + 30 + 50);
    ck_assert_int_eq(cost_after_call_ns(&cost), 30 + 50);
}
END_TEST

START_TEST(batches_beside_a_save_that_take_no_longer_cost_nothing)
{
    do_usual_batches(100);
    save(10);
    for (int i = 0; i < 20; i++)
        do_batches(1, 60, 0, true);
    ck_assert_int_eq(cost_last_ns(&cost), 10);
}
END_TEST

START_TEST(batches_that_vary_beside_a_save_are_taken_together)
{
    do_usual_batches(100);
    save(10);
    for (int i = 0; i < 20; i++)
        do_batches(1, i % 2 == 0 ? 50 : 150, 0, true);
    ck_assert_int_eq(cost_last_ns(&cost), 10);
}
END_TEST

START_TEST(a_stall_within_a_batch_is_counted_once)
{
    do_usual_batches(100);
    do_batches(1, 100 + 40, 40, false); /* nor does it make a batch longer */
    save(10);
    cost_add_stall(&cost, 25);
    do_batches(1, 100 + 25, 25, true);
    ck_assert_int_eq(cost_last_ns(&cost), 10 + 25);
    cost_add_stall(&cost, 500);
    do_batches(1, 0, 500, true); /* whatever the clock says */
    ck_assert_int_eq(cost_last_ns(&cost), 10 + 25 + 500);
}
END_TEST

START_TEST(several_batches_at_once_are_as_many)
{
    for (int i = 0; i < COST_KEPT; i++)
        do_batches(4, 400, 0, false);
    save(10);
    do_batches(10, 1007, 0, true);
    ck_assert_int_eq(cost_last_ns(&cost), 10 + 7);
    do_batches(1, 100, 0, true);
    ck_assert_int_eq(cost_last_ns(&cost), 10 + 7);
}
END_TEST

START_TEST(one_long_batch_out_of_nine_does_not_move_the_usual_one)
{
    for (int i = 0; i < 30; i++)
        do_batches(1, i % 9 == 0 ? 1000000 : 100, 0, false);
    save(10);
    do_batches(1, 120, 0, true);
    ck_assert_int_eq(cost_last_ns(&cost), 10 + 20);
}
END_TEST

START_TEST(what_is_usual_may_be_learnt_after_the_batches_beside_the_save)
{
    save(10);
    do_batches(1, 160, 0, true);
    ck_assert_int_eq(cost_last_ns(&cost), 10); /* nobody knows */
    do_batches(1, 100, 0, false);
    ck_assert_int_eq(cost_last_ns(&cost), 10 + 60);
}
END_TEST

START_TEST(work_between_epochs_is_no_batch)
{
    do_usual_batches(100);
    save(10);
    cost_begin_batch(&cost, now_ns, true);
    cost_leave_batch(&cost);
    now_ns += 1000000;
    cost_end_batch(&cost, now_ns, 0, 1);
    ck_assert_int_eq(cost_last_ns(&cost), 10);
}
END_TEST

START_TEST(no_count_of_batches_overflows)
{
    do_batches(UINT64_MAX, 100, 0, false);
    save(10);
    do_batches(UINT64_MAX, 100, 0, true);
    do_batches(UINT64_MAX, INT64_MAX / 2, 0, true);
    ck_assert_int_ge(cost_last_ns(&cost), 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cost");
    TCase *tests = tcase_create("cost");

    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, before_the_first_save_nothing_is_known_and_nothing_charged);
    tcase_add_loop_test(tests, the_typical_cost_is_the_median_of_the_last_nine, 0, ALL_SEEDS);
    tcase_add_test(tests, a_stall_after_the_call_is_part_of_the_save_before_it);
    tcase_add_test(tests, a_save_that_failed_is_charged_and_tells_nothing_of_others);
    tcase_add_test(tests, a_first_save_that_failed_is_charged_in_full_and_no_cost_is_known);
    tcase_add_test(tests, one_save_is_charged_at_most_four_times_the_typical_cost);
    tcase_add_test(tests, the_first_save_is_charged_in_full);
    tcase_add_test(tests, one_save_out_of_nine_does_not_move_the_typical_cost);
    tcase_add_test(tests, batches_beside_a_save_cost_what_they_take_longer_than_others);
    tcase_add_test(tests, batches_beside_a_save_that_take_no_longer_cost_nothing);
    tcase_add_test(tests, batches_that_vary_beside_a_save_are_taken_together);
    tcase_add_test(tests, a_stall_within_a_batch_is_counted_once);
    tcase_add_test(tests, several_batches_at_once_are_as_many);
    tcase_add_test(tests, one_long_batch_out_of_nine_does_not_move_the_usual_one);
    tcase_add_test(tests, what_is_usual_may_be_learnt_after_the_batches_beside_the_save);
    tcase_add_test(tests, work_between_epochs_is_no_batch);
    tcase_add_test(tests, no_count_of_batches_overflows);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
