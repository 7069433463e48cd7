/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <math.h>
#include <string.h>

#include "callback/schedule.h"
#include "h5ckpt.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { FREQ_MAX = 24, BATCH_MAX = 80 };

#define TWO_TO_53 INT64_C(9007199254740992)

static bool counts_batch(int64_t save_freq, uint64_t before, uint64_t after)
{
    return schedule_counts_batch(&(struct schedule){.save_freq = save_freq}, before, after);
}

static bool counts_epoch(int64_t save_freq)
{
    return schedule_counts_epoch(&(struct schedule){.save_freq = save_freq});
}

static bool is_allowed_value(const struct schedule *schedule, const char *field)
{
    struct error error = ERROR_NONE;

    if (schedule_check(schedule, &error) == H5CKPT_OK)
        return true;
    ck_assert_int_eq(error.status, H5CKPT_E_ARGUMENT);
    ck_assert_msg(strstr(error_message(&error), field) != NULL, "no '%s' in: %s", field, error_message(&error));
    return false;
}

static bool is_valid(int64_t save_freq)
{
    return is_allowed_value(&(struct schedule){.save_freq = save_freq}, "save_freq");
}

/* What is due in a run of so many batches: counted one by one. */
static unsigned multiples_between(int64_t save_freq, uint64_t before, uint64_t after)
{
    unsigned count = 0;

    for (uint64_t batch = before + 1; batch <= after; batch++)
        count += batch % (uint64_t)save_freq == 0;
    return count;
}

START_TEST(a_save_is_due_exactly_if_a_multiple_of_save_freq_was_passed)
{
    for (int64_t save_freq = 1; save_freq <= FREQ_MAX; save_freq++)
        for (uint64_t before = 0; before <= BATCH_MAX; before++)
            for (uint64_t after = before; after <= BATCH_MAX; after++)
                ck_assert_msg(counts_batch(save_freq, before, after) ==
                                  (multiples_between(save_freq, before, after) > 0),
                              "every %d, from %d to %d", (int)save_freq, (int)before, (int)after);
}
END_TEST

START_TEST(batches_told_one_by_one_make_every_multiple_due_once)
{
    for (int64_t save_freq = 1; save_freq <= FREQ_MAX; save_freq++) {
        unsigned due_count = 0;
        for (uint64_t batch = 0; batch < BATCH_MAX; batch++)
            due_count += counts_batch(save_freq, batch, batch + 1);
        ck_assert_uint_eq(due_count, multiples_between(save_freq, 0, BATCH_MAX));
    }
}
END_TEST

START_TEST(no_batch_finished_makes_no_save_due)
{
    for (int64_t save_freq = 1; save_freq <= FREQ_MAX; save_freq++)
        for (uint64_t at = 0; at <= BATCH_MAX; at++)
            ck_assert(!counts_batch(save_freq, at, at));
}
END_TEST

START_TEST(large_counts_are_counted_exactly)
{
    const uint64_t most = (uint64_t)TWO_TO_53;

    ck_assert(!counts_batch(TWO_TO_53, 0, most - 1));
    ck_assert(counts_batch(TWO_TO_53, most - 1, most));
    ck_assert(!counts_batch(TWO_TO_53, most, 2 * most - 1));
    ck_assert(counts_batch(1, UINT64_MAX - 1, UINT64_MAX));
    ck_assert(counts_batch(5, UINT64_MAX - 1, UINT64_MAX)); /* 2^64 - 1 is a multiple of 5 */
    ck_assert(!counts_batch(2, UINT64_MAX - 1, UINT64_MAX));
}
END_TEST

static const int64_t NO_BATCHES[] = {H5CKPT_EVERY_EPOCH, H5CKPT_NEVER};

START_TEST(without_a_number_of_batches_no_batch_makes_a_save_due)
{
    for (uint64_t before = 0; before <= BATCH_MAX; before++)
        for (uint64_t after = before; after <= BATCH_MAX; after++)
            ck_assert(!counts_batch(NO_BATCHES[_i], before, after));
    ck_assert(!counts_batch(NO_BATCHES[_i], 0, UINT64_MAX));
}
END_TEST

START_TEST(an_epochs_end_makes_a_save_due_by_epoch_only)
{
    ck_assert(counts_epoch(H5CKPT_EVERY_EPOCH));
    ck_assert(!counts_epoch(H5CKPT_NEVER));
    for (int64_t save_freq = 1; save_freq <= FREQ_MAX; save_freq++)
        ck_assert(!counts_epoch(save_freq));
    ck_assert(!counts_epoch(TWO_TO_53));
}
END_TEST

START_TEST(numbers_of_batches_from_1_to_2_to_the_53_are_valid)
{
    for (int64_t save_freq = 1; save_freq <= FREQ_MAX; save_freq++)
        ck_assert(is_valid(save_freq));
    ck_assert(is_valid(TWO_TO_53 - 1));
    ck_assert(is_valid(TWO_TO_53));
}
END_TEST

START_TEST(never_and_nothing_else_never_saves)
{
    ck_assert(!schedule_ever_saves(&(struct schedule){.save_freq = H5CKPT_NEVER}));
    ck_assert(schedule_ever_saves(&(struct schedule){.save_freq = H5CKPT_EVERY_EPOCH}));
    ck_assert(schedule_ever_saves(&(struct schedule){.save_freq = 7}));
    ck_assert(schedule_ever_saves(&(struct schedule){.save_freq = H5CKPT_NEVER, .save_seconds = 1}));
    ck_assert(schedule_ever_saves(&(struct schedule){.save_freq = H5CKPT_NEVER, .failure_seconds = 1}));
    ck_assert(schedule_ever_saves(&(struct schedule){.save_freq = H5CKPT_NEVER, .save_share = 0.01}));
}
END_TEST

START_TEST(every_epoch_and_never_are_valid)
{
    ck_assert(is_valid(H5CKPT_EVERY_EPOCH));
    ck_assert(is_valid(H5CKPT_NEVER));
}
END_TEST

static const int64_t NONSENSE[] = {0, -1, -7, INT64_MIN, INT64_MIN + 1, INT32_MIN, TWO_TO_53 + 1, H5CKPT_NEVER - 1};

START_TEST(zero_negative_and_huge_numbers_are_not_valid)
{
    ck_assert(!is_valid(NONSENSE[_i]));
}
END_TEST

START_TEST(what_is_not_valid_is_never_due)
{
    ck_assert(!counts_epoch(NONSENSE[_i]));
    for (uint64_t after = 0; after <= BATCH_MAX; after++)
        ck_assert(!counts_batch(NONSENSE[_i], 0, after));
    ck_assert(!counts_batch(NONSENSE[_i], 0, UINT64_MAX));
}
END_TEST

/* --------------------------------------------------------------------- values */

static const double SECONDS[] = {0, -0.0, 1e-300, 0.5, 3600, 1e300};
static const double NO_SECONDS[] = {-1e-300, -1, -INFINITY, INFINITY, NAN};
static const double SHARES[] = {0, -0.0, 1e-300, 0.01, 0.5, 0.999999};
static const double NO_SHARES[] = {-1e-300, -0.01, 1, 1.5, -INFINITY, INFINITY, NAN};

START_TEST(seconds_and_shares_that_make_sense_are_valid)
{
    for (unsigned i = 0; i < COUNT(SECONDS); i++) {
        ck_assert(is_allowed_value(&(struct schedule){.save_freq = 1, .save_seconds = SECONDS[i]}, ""));
        ck_assert(is_allowed_value(&(struct schedule){.save_freq = 1, .failure_seconds = SECONDS[i]}, ""));
    }
    for (unsigned i = 0; i < COUNT(SHARES); i++)
        ck_assert(is_allowed_value(&(struct schedule){.save_freq = 1, .save_share = SHARES[i]}, ""));
}
END_TEST

START_TEST(seconds_that_make_no_sense_are_refused_by_their_name)
{
    const struct schedule save = {.save_freq = 1, .save_seconds = NO_SECONDS[_i]};
    const struct schedule failure = {.save_freq = 1, .failure_seconds = NO_SECONDS[_i]};

    ck_assert(!is_allowed_value(&save, "save_seconds is"));
    ck_assert(!is_allowed_value(&failure, "failure_seconds is"));
}
END_TEST

START_TEST(shares_that_make_no_sense_are_refused_by_their_name)
{
    ck_assert(!is_allowed_value(&(struct schedule){.save_freq = 1, .save_share = NO_SHARES[_i]}, "save_share is"));
}
END_TEST

START_TEST(the_value_that_is_refused_is_told)
{
    struct error error = ERROR_NONE;

    schedule_check(&(struct schedule){.save_freq = 1, .save_seconds = -2.5}, &error);
    ck_assert_ptr_nonnull(strstr(error_message(&error), "-2.5"));
}
END_TEST

/* ------------------------------------------------------------------ Young, Daly */

/* Daly's model: what a run takes, as a multiple of its work, if it is saved after every `interval` seconds of it. */
static double run_time(double interval, double cost, double failure)
{
    return expm1((interval + cost) / failure) * failure / interval;
}

/* _i: the cost is 2^-_i of the time between failures */
START_TEST(the_interval_between_saves_is_within_a_thousandth_of_the_best)
{
    const double failure = 50000;
    const double cost = ldexp(failure, -_i);
    const double chosen = run_time(schedule_best_interval(cost, failure), cost, failure);
    double least = INFINITY;

    for (double interval = cost / 100; interval < 10 * failure; interval *= 1.01)
        least = fmin(least, run_time(interval, cost, failure));
    ck_assert_msg(chosen <= 1.001 * least, "%g, but there is %g", chosen, least);
}
END_TEST

START_TEST(the_interval_is_the_published_one)
{
    /* sqrt(2 * 1 * 86400) (1 + sqrt(1 / 172800) / 3 + 1 / (9 * 172800)) - 1 */
    ck_assert_double_eq_tol(schedule_best_interval(1, 86400), 415.0258, 1e-3);
    ck_assert_double_eq_tol(schedule_best_interval(60, 86400), 3180.0, 1); /* Young: 3220 */
    ck_assert_double_eq(schedule_best_interval(0, 86400), 0);
}
END_TEST

START_TEST(a_save_that_costs_more_than_two_failures_comes_once_a_failure)
{
    ck_assert_double_eq(schedule_best_interval(20, 10), 10);
    ck_assert_double_eq(schedule_best_interval(1e9, 10), 10);
    ck_assert_double_eq_tol(schedule_best_interval(20 - 1e-9, 10), 20 * (1 + 1.0 / 3 + 1.0 / 9) - 20, 1e-6);
}
END_TEST

/* ------------------------------------------------------------------------- due */

#define SECOND INT64_C(1000000000)

static const int64_t FREQ[] = {H5CKPT_EVERY_EPOCH, H5CKPT_NEVER, 7};
static const double SAVE_SECONDS[] = {0, 100};
static const double FAILURE_SECONDS[] = {0, 5000}; /* with a cost of 1 s, an interval of 99.3 s; of 4 s, 197.3 s */
static const double SAVE_SHARE[] = {0, 0.01, 0.5};
static const int64_t TYPICAL_SECONDS[] = {-1, 1, 4};
static const int64_t CHARGED_SECONDS[] = {0, 1, 4};
static const int64_t AFTER_CALL_SECONDS[] = {0, 3};
static const int64_t FAILED_SECONDS[] = {0, 4, 99}; /* the last try, of such a cost in all */
static const int64_t ASKED_SECONDS[] = {0, 50};     /* the last one that was due by itself, before the last try */
static const int64_t ELAPSED_SECONDS[] = {0, 1, 2, 3, 4, 6, 8, 98, 101, 104, 196, 198, 395, 401, 1000000};

/* The rules of the header in whole seconds, case by case; no case lies on a boundary but those that are meant to. */
static bool expected(const struct schedule *schedule, const struct schedule_past *past, bool counted, int64_t elapsed)
{
    const int64_t own = elapsed - past->after_call_ns / SECOND;
    const int64_t charged = past->charged_ns / SECOND;
    const int64_t interval = past->typical_ns < 0 ? 0 : past->typical_ns == SECOND ? 100 : 198;
    const bool only_share = schedule->save_freq == H5CKPT_NEVER && schedule->save_seconds == 0 &&
                            schedule->failure_seconds == 0 && schedule->save_share != 0;
    const int64_t since_asked = elapsed + (past->since_ns - past->asked_ns) / SECOND;
    const bool again = past->pending && own >= past->failed_ns / SECOND;
    const bool by_itself = counted || only_share || (schedule->save_seconds == 100 && since_asked >= 100) ||
                           (schedule->failure_seconds == 5000 && since_asked >= interval);
    const bool asked = by_itself || again;

    ck_assert(schedule_asks(schedule, past, counted, past->since_ns + elapsed * SECOND) == by_itself);

    if (!past->tried || schedule->save_share == 0)
        return asked;
    return asked && own >= (schedule->save_share == 0.5 ? charged : 99 * charged);
}

static void check_times(const struct schedule *schedule, struct schedule_past past, bool counted)
{
    for (unsigned i = 0; i < COUNT(ELAPSED_SECONDS); i++) {
        const int64_t elapsed = ELAPSED_SECONDS[i];
        ck_assert_msg(
            schedule_is_due(schedule, &past, counted, past.since_ns + elapsed * SECOND) ==
                expected(schedule, &past, counted, elapsed),
            "save_freq %jd, save_seconds %g, failure_seconds %g, save_share %g, counted %d, pending %d, tried %d, "
            "typical %jd, charged %jd, after the call %jd, failed %jd, elapsed %jd",
            (intmax_t)schedule->save_freq, schedule->save_seconds, schedule->failure_seconds, schedule->save_share,
            counted, past.pending, past.tried, (intmax_t)(past.typical_ns / SECOND),
            (intmax_t)(past.charged_ns / SECOND), (intmax_t)(past.after_call_ns / SECOND),
            (intmax_t)(past.failed_ns / SECOND), (intmax_t)elapsed);
    }
}

static void check_pasts(const struct schedule *schedule)
{
    for (unsigned bits = 0; bits < 8; bits++)
        for (unsigned i = 0; i < COUNT(TYPICAL_SECONDS); i++)
            for (unsigned j = 0; j < COUNT(CHARGED_SECONDS); j++)
                for (unsigned k = 0; k < COUNT(AFTER_CALL_SECONDS) * COUNT(FAILED_SECONDS) * COUNT(ASKED_SECONDS); k++)
                    check_times(
                        schedule,
                        (struct schedule_past){
                            .pending = bits & 1,
                            .tried = bits & 2,
                            .since_ns = 17 * SECOND + 3,
                            .asked_ns = (17 - ASKED_SECONDS[k % COUNT(ASKED_SECONDS)]) * SECOND + 3,
                            .after_call_ns =
                                AFTER_CALL_SECONDS[k / COUNT(ASKED_SECONDS) % COUNT(AFTER_CALL_SECONDS)] * SECOND,
                            .failed_ns = FAILED_SECONDS[k / COUNT(ASKED_SECONDS) / COUNT(AFTER_CALL_SECONDS)] * SECOND,
                            .charged_ns = CHARGED_SECONDS[j] * SECOND,
                            .typical_ns = TYPICAL_SECONDS[i] * SECOND,
                        },
                        bits & 4);
}

START_TEST(a_save_is_due_if_anything_asks_and_the_share_allows_in_every_combination)
{
    for (unsigned i = 0; i < COUNT(SAVE_SECONDS); i++)
        for (unsigned j = 0; j < COUNT(FAILURE_SECONDS); j++)
            for (unsigned k = 0; k < COUNT(SAVE_SHARE); k++)
                check_pasts(&(struct schedule){FREQ[_i], SAVE_SECONDS[i], FAILURE_SECONDS[j], SAVE_SHARE[k]});
}
END_TEST

START_TEST(a_loop_without_epochs_needs_something_other_than_epochs)
{
    for (unsigned i = 0; i < COUNT(FREQ); i++)
        for (unsigned j = 0; j < COUNT(SAVE_SECONDS); j++)
            for (unsigned k = 0; k < COUNT(FAILURE_SECONDS); k++)
                for (unsigned l = 0; l < COUNT(SAVE_SHARE); l++) {
                    const struct schedule schedule = {FREQ[i], SAVE_SECONDS[j], FAILURE_SECONDS[k], SAVE_SHARE[l]};
                    ck_assert(schedule_works_without_epochs(&schedule) == (i > 0 || j > 0 || k > 0));
                }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schedule");
    TCase *tests = tcase_create("schedule");

    tcase_add_test(tests, a_save_is_due_exactly_if_a_multiple_of_save_freq_was_passed);
    tcase_add_test(tests, batches_told_one_by_one_make_every_multiple_due_once);
    tcase_add_test(tests, no_batch_finished_makes_no_save_due);
    tcase_add_test(tests, large_counts_are_counted_exactly);
    tcase_add_loop_test(tests, without_a_number_of_batches_no_batch_makes_a_save_due, 0, COUNT(NO_BATCHES));
    tcase_add_test(tests, an_epochs_end_makes_a_save_due_by_epoch_only);
    tcase_add_test(tests, numbers_of_batches_from_1_to_2_to_the_53_are_valid);
    tcase_add_test(tests, every_epoch_and_never_are_valid);
    tcase_add_test(tests, never_and_nothing_else_never_saves);
    tcase_add_loop_test(tests, zero_negative_and_huge_numbers_are_not_valid, 0, COUNT(NONSENSE));
    tcase_add_loop_test(tests, what_is_not_valid_is_never_due, 0, COUNT(NONSENSE));
    tcase_add_test(tests, seconds_and_shares_that_make_sense_are_valid);
    tcase_add_loop_test(tests, seconds_that_make_no_sense_are_refused_by_their_name, 0, COUNT(NO_SECONDS));
    tcase_add_loop_test(tests, shares_that_make_no_sense_are_refused_by_their_name, 0, COUNT(NO_SHARES));
    tcase_add_test(tests, the_value_that_is_refused_is_told);
    tcase_add_loop_test(tests, the_interval_between_saves_is_within_a_thousandth_of_the_best, 0, 20);
    tcase_add_test(tests, the_interval_is_the_published_one);
    tcase_add_test(tests, a_save_that_costs_more_than_two_failures_comes_once_a_failure);
    tcase_add_loop_test(tests, a_save_is_due_if_anything_asks_and_the_share_allows_in_every_combination, 0,
                        COUNT(FREQ));
    tcase_add_test(tests, a_loop_without_epochs_needs_something_other_than_epochs);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
