/* SPDX-License-Identifier: MIT */
/* When the next write is due at a given rate. */
#include <check.h>

#include "storage/pace.h"
#include "support/suite.h"

START_TEST(without_a_limit_everything_is_due_at_once)
{
    const struct pace pace = {.begun_ns = 42};

    ck_assert_int_eq(pace_due_ns(&pace, 0), 42);
    ck_assert_int_eq(pace_due_ns(&pace, UINT64_MAX), 42);
}
END_TEST

START_TEST(at_a_rate_bytes_are_due_in_proportion)
{
    const struct pace pace = {.bytes_per_second = 1 << 20, .begun_ns = 5};

    ck_assert_int_eq(pace_due_ns(&pace, 0), 5);
    ck_assert_int_eq(pace_due_ns(&pace, 1 << 19), 5 + 500000000);
    ck_assert_int_eq(pace_due_ns(&pace, UINT64_C(60) << 20), 5 + INT64_C(60000000000));
}
END_TEST

START_TEST(what_is_beyond_the_clock_is_never_due)
{
    const struct pace slow = {.bytes_per_second = 1, .begun_ns = INT64_MAX - 1000};

    ck_assert_int_eq(pace_due_ns(&slow, 0), INT64_MAX - 1000);
    ck_assert_int_eq(pace_due_ns(&slow, 1), INT64_MAX);
    ck_assert_int_eq(pace_due_ns(&(struct pace){.bytes_per_second = 1}, UINT64_MAX), INT64_MAX);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pace");
    TCase *tcase = tcase_create("pace");

    tcase_add_test(tcase, without_a_limit_everything_is_due_at_once);
    tcase_add_test(tcase, at_a_rate_bytes_are_due_in_proportion);
    tcase_add_test(tcase, what_is_beyond_the_clock_is_never_due);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
