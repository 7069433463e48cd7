/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a supervised program: every end of a life beside everything that may be known of it and of those
 * before.
 */
#include <check.h>
#include <h5ckpt.h>
#include <stdlib.h>

#include "run_decide.h"
#include "support/suite.h"

/* ------------------------------------------------------------------ what is enumerated */

enum { IDLE_BEFORE_COUNT = 4, IDLE_MAX_COUNT = 3, RESTART_COUNT = 3, RESTART_MAX_COUNT = 3 };

enum {
    COMBINATION_COUNT = RUN_END_COUNT * RUN_ASKED_COUNT * RUN_PROGRESS_COUNT * 2 * 2 * 2 * IDLE_BEFORE_COUNT *
                        IDLE_MAX_COUNT * RESTART_COUNT * RESTART_MAX_COUNT
};

static int take(int *number, int count)
{
    const int value = *number % count;

    *number /= count;
    return value;
}

static struct run_past combination(int number)
{
    return (struct run_past){
        .end = (enum run_end)take(&number, RUN_END_COUNT),
        .asked = (enum run_asked)take(&number, RUN_ASKED_COUNT),
        .held = take(&number, 2) != 0,
        .time_is_up = take(&number, 2) != 0,
        .deleted = take(&number, 2) != 0,
        .progress = (enum run_progress)take(&number, RUN_PROGRESS_COUNT),
        .idle_before = (uint64_t)take(&number, IDLE_BEFORE_COUNT),
        .idle_max = 1 + (uint64_t)take(&number, IDLE_MAX_COUNT),
        .restart_count = (uint64_t)take(&number, RESTART_COUNT),
        .restart_max = (uint64_t)take(&number, RESTART_MAX_COUNT),
    };
}

static bool is_asked_end(const struct run_past *past)
{
    return past->asked == RUN_ASKED_END || (past->asked == RUN_NOTICED && past->end == RUN_PREEMPTED);
}

/* However it ended. */
static bool is_done(const struct run_past *past)
{
    return past->deleted && !past->held;
}

static bool is_at_end_of_time(const struct run_past *past)
{
    return past->end == RUN_PREEMPTED && past->time_is_up;
}

static bool wants_restart(const struct run_past *past)
{
    return past->end == RUN_PREEMPTED || past->end == RUN_CRASHED || past->end == RUN_NOT_STARTED;
}

/* ------------------------------------------------------------------------- the facts */

START_TEST(what_cannot_be_executed_is_not_started_again)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct run_past past = combination(number);

        if (past.end != RUN_NOT_EXECUTED)
            continue;
        ck_assert_int_eq(run_decide(&past), RUN_STOP_NOT_EXECUTED);
    }
}
END_TEST

START_TEST(what_has_finished_is_not_started_again)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct run_past past = combination(number);

        if (past.end != RUN_FINISHED || (past.held && !is_asked_end(&past)))
            continue;
        ck_assert_int_eq(run_decide(&past), RUN_STOP_FINISHED);
    }
}
END_TEST

START_TEST(what_ended_well_but_still_writes_has_not_finished)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct run_past past = combination(number);

        if (past.end != RUN_FINISHED || !past.held || is_asked_end(&past))
            continue;
        ck_assert_int_eq(run_decide(&past), RUN_STOP_HELD);
    }
}
END_TEST

START_TEST(work_whose_checkpoint_was_deleted_does_not_begin_anew)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct run_past past = combination(number);

        if (!wants_restart(&past) || !past.deleted)
            continue;
        if (past.held)
            ck_assert_int_ne(run_decide(&past), RUN_RESTART);
        else
            ck_assert_int_eq(run_decide(&past), RUN_STOP_DELETED);
    }
}
END_TEST

START_TEST(whoever_asked_for_the_end_gets_it)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct run_past past = combination(number);

        if (!wants_restart(&past) || !is_asked_end(&past) || is_done(&past))
            continue;
        ck_assert_int_eq(run_decide(&past), RUN_STOP_ASKED);
    }
}
END_TEST

START_TEST(what_has_stopped_for_the_end_of_the_jobs_time_is_not_started_again)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct run_past past = combination(number);

        if (!is_at_end_of_time(&past) || is_done(&past) || is_asked_end(&past))
            continue;
        ck_assert_int_eq(run_decide(&past), RUN_STOP_TIME);
    }
}
END_TEST

START_TEST(a_crash_is_started_again_whatever_the_time)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        struct run_past past = combination(number);

        if (past.end == RUN_PREEMPTED)
            continue;
        const enum run_verdict verdict = run_decide(&past);
        past.time_is_up = !past.time_is_up;
        ck_assert_int_eq(run_decide(&past), verdict);
    }
}
END_TEST

START_TEST(time_is_up_when_no_minute_would_be_left)
{
    static const int64_t S = 1000000000;

    ck_assert(!run_time_is_up("1000", 939 * S, 0));
    ck_assert(run_time_is_up("1000", 941 * S, 0));
    ck_assert(!run_time_is_up("1000", 929 * S, 10 * S));
    ck_assert(run_time_is_up("1000", 931 * S, 10 * S));
    ck_assert(run_time_is_up("1000", 2000 * S, 0));
    ck_assert(run_time_is_up("1000", 0, INT64_MAX));
}
END_TEST

START_TEST(a_time_that_is_none_is_never_up)
{
    static const char *const NONE[] = {NULL, "", "0", "-5", "soon", "12:30", "1000x", "nan"};

    for (size_t i = 0; i < sizeof NONE / sizeof *NONE; i++)
        ck_assert(!run_time_is_up(NONE[i], INT64_MAX, INT64_MAX));
}
END_TEST

START_TEST(a_notice_that_was_not_obeyed_asks_for_nothing)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct run_past past = combination(number);

        if (past.asked != RUN_NOTICED || past.end == RUN_PREEMPTED)
            continue;

        struct run_past without = past;

        without.asked = RUN_NOT_ASKED;
        ck_assert_int_eq(run_decide(&past), run_decide(&without));
    }
}
END_TEST

START_TEST(nothing_is_started_beside_a_writer)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct run_past past = combination(number);

        if (!past.held)
            continue;
        ck_assert_int_ne(run_decide(&past), RUN_RESTART);
    }
}
END_TEST

START_TEST(a_crash_and_a_preemption_are_started_again_while_that_helps)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct run_past past = combination(number);

        if (!(wants_restart(&past) && !is_done(&past) && !is_asked_end(&past) && !is_at_end_of_time(&past) &&
              !past.held && past.restart_count < past.restart_max &&
              (past.progress != RUN_IDLE || past.idle_before + 1 < past.idle_max)))
            continue;
        ck_assert_int_eq(run_decide(&past), RUN_RESTART);
    }
}
END_TEST

START_TEST(too_many_lives_without_a_save_are_the_last)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct run_past past = combination(number);

        if (!(wants_restart(&past) && !is_done(&past) && !is_asked_end(&past) && !is_at_end_of_time(&past) &&
              !past.held && past.progress == RUN_IDLE && past.idle_before + 1 >= past.idle_max))
            continue;
        ck_assert_int_eq(run_decide(&past), RUN_STOP_IDLE);
    }
}
END_TEST

START_TEST(a_save_makes_up_for_any_number_of_lives_without_one)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct run_past past = combination(number);

        if (past.progress != RUN_PROGRESSED)
            continue;

        ck_assert_int_ne(run_decide(&past), RUN_STOP_IDLE);
        ck_assert_uint_eq(run_idle_count(&past), 0);
    }
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct run_past past = combination(number);

        if (past.progress != RUN_IDLE)
            continue;
        ck_assert_uint_eq(run_idle_count(&past), past.idle_before + 1);
    }
}
END_TEST

START_TEST(what_is_not_known_neither_counts_nor_makes_up)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct run_past past = combination(number);

        if (past.progress != RUN_PROGRESS_UNKNOWN)
            continue;
        ck_assert_uint_eq(run_idle_count(&past), past.idle_before);
        ck_assert_int_ne(run_decide(&past), RUN_STOP_IDLE);
    }
}
END_TEST

START_TEST(no_more_restarts_than_allowed)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct run_past past = combination(number);

        if (past.restart_count < past.restart_max)
            continue;
        ck_assert_int_ne(run_decide(&past), RUN_RESTART);
    }
}
END_TEST

START_TEST(the_wait_doubles_with_each_life_without_a_save_up_to_its_limit)
{
    ck_assert_int_eq(run_backoff_ns(0, 10, 55), 10);
    ck_assert_int_eq(run_backoff_ns(1, 10, 55), 20);
    ck_assert_int_eq(run_backoff_ns(2, 10, 55), 40);
    ck_assert_int_eq(run_backoff_ns(3, 10, 55), 55);
    ck_assert_int_eq(run_backoff_ns(UINT64_MAX, 10, 55), 55);
    ck_assert_int_eq(run_backoff_ns(0, 100, 55), 55);
}
END_TEST

START_TEST(the_wait_overflows_nowhere_and_may_be_none)
{
    ck_assert_int_eq(run_backoff_ns(UINT64_MAX, 1, INT64_MAX), INT64_MAX);
    ck_assert_int_eq(run_backoff_ns(UINT64_MAX, 0, INT64_MAX), 0);
    ck_assert_int_eq(run_backoff_ns(UINT64_MAX, 5, 0), 0);
}
END_TEST

START_TEST(the_exit_status_is_the_last_lifes)
{
    for (int verdict = 0; verdict < RUN_VERDICT_COUNT; verdict++)
        for (int status = 1; status < 256; status++)
            if (verdict != RUN_STOP_HELD && status != H5CKPT_EXIT_PREEMPTED)
                ck_assert_int_eq(run_exit_status((enum run_verdict)verdict, status), status);
}
END_TEST

START_TEST(a_writer_that_is_still_there_is_told_whatever_the_life_ended_with)
{
    for (int status = 0; status < 256; status++)
        ck_assert_int_eq(run_exit_status(RUN_STOP_HELD, status), RUN_EXIT_FAILED);
}
END_TEST

START_TEST(a_batch_system_is_told_to_start_it_again_only_where_that_helps)
{
    for (int verdict = 0; verdict < RUN_VERDICT_COUNT; verdict++)
        ck_assert_int_eq(run_exit_status((enum run_verdict)verdict, H5CKPT_EXIT_PREEMPTED),
                         verdict == RUN_STOP_ASKED || verdict == RUN_STOP_TIME ? H5CKPT_EXIT_PREEMPTED
                                                                               : RUN_EXIT_FAILED);
}
END_TEST

START_TEST(nothing_but_the_end_of_the_work_is_success)
{
    for (int verdict = 0; verdict < RUN_VERDICT_COUNT; verdict++)
        ck_assert_int_eq(run_exit_status((enum run_verdict)verdict, 0),
                         verdict == RUN_STOP_FINISHED ? 0 : RUN_EXIT_FAILED);
}
END_TEST

static Suite *run_decide_suite(void)
{
    Suite *suite = suite_create("run_decide");
    TCase *facts = tcase_create("facts");

    tcase_add_test(facts, what_cannot_be_executed_is_not_started_again);
    tcase_add_test(facts, what_has_finished_is_not_started_again);
    tcase_add_test(facts, what_ended_well_but_still_writes_has_not_finished);
    tcase_add_test(facts, work_whose_checkpoint_was_deleted_does_not_begin_anew);
    tcase_add_test(facts, whoever_asked_for_the_end_gets_it);
    tcase_add_test(facts, what_has_stopped_for_the_end_of_the_jobs_time_is_not_started_again);
    tcase_add_test(facts, a_crash_is_started_again_whatever_the_time);
    tcase_add_test(facts, time_is_up_when_no_minute_would_be_left);
    tcase_add_test(facts, a_time_that_is_none_is_never_up);
    tcase_add_test(facts, a_notice_that_was_not_obeyed_asks_for_nothing);
    tcase_add_test(facts, nothing_is_started_beside_a_writer);
    tcase_add_test(facts, a_crash_and_a_preemption_are_started_again_while_that_helps);
    tcase_add_test(facts, too_many_lives_without_a_save_are_the_last);
    tcase_add_test(facts, a_save_makes_up_for_any_number_of_lives_without_one);
    tcase_add_test(facts, what_is_not_known_neither_counts_nor_makes_up);
    tcase_add_test(facts, no_more_restarts_than_allowed);
    tcase_add_test(facts, the_wait_doubles_with_each_life_without_a_save_up_to_its_limit);
    tcase_add_test(facts, the_wait_overflows_nowhere_and_may_be_none);
    tcase_add_test(facts, the_exit_status_is_the_last_lifes);
    tcase_add_test(facts, a_writer_that_is_still_there_is_told_whatever_the_life_ended_with);
    tcase_add_test(facts, a_batch_system_is_told_to_start_it_again_only_where_that_helps);
    tcase_add_test(facts, nothing_but_the_end_of_the_work_is_success);
    suite_add_tcase(suite, facts);
    return suite;
}

int main(void)
{
    return suite_run(run_decide_suite());
}
