/* SPDX-License-Identifier: MIT */
/*
 * When the last save is due, for every combination of times; and the durations that it is reckoned by.
 */
#include <check.h>
#include <math.h>

#include "callback/preempt.h"
#include "callback/recent.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const double LEFT[] = {-100, -0.5, 0, 0.5, 1, 2, 3, 5, 8, 9, 20, 39, 41, 100, INFINITY};
static const double AGE[] = {0, 1, 4, 9, 20, 50};
static const double GRACE[] = {0, 5, 10, 60};
static const double TIME[] = {0, 1, 3, 10}; /* of a step, of a save */

static struct preempt_facts facts;

/* Every combination; the shortest save is the longest, a third of it, or unknown. */
#define for_every_case()                                                                                    \
    for (unsigned l_ = 0; l_ < COUNT(LEFT); l_++)                                                           \
        for (unsigned a_ = 0; a_ < COUNT(AGE); a_++)                                                        \
            for (unsigned g_ = 0; g_ < COUNT(GRACE); g_++)                                                  \
                for (unsigned t_ = 0; t_ < COUNT(TIME); t_++)                                               \
                    for (unsigned s_ = 0; s_ < COUNT(TIME); s_++)                                           \
                        for (unsigned b_ = 0; b_ < 12; b_++)                                                \
                            if ((facts = (struct preempt_facts){.noticed = (b_ & 1) != 0,                   \
                                                                .saved = (b_ & 2) != 0,                     \
                                                                .notice_age = AGE[a_],                      \
                                                                .grace = GRACE[g_],                         \
                                                                .left = LEFT[l_],                           \
                                                                .step_longest = TIME[t_],                   \
                                                                .save_longest = TIME[s_],                   \
                                                                .save_shortest = TIME[s_] * (b_ / 4) / 2}), \
                                true)

START_TEST(a_notice_without_grace_always_stops)
{
    for_every_case() if (facts.noticed && facts.grace == 0)
        ck_assert_int_ge(preempt_decide(&facts), PREEMPT_SAVE_AND_STOP);
}
END_TEST

START_TEST(without_notice_and_deadline_training_goes_on)
{
    for_every_case() if (!facts.noticed && isinf(facts.left)) ck_assert_int_eq(preempt_decide(&facts), PREEMPT_GO_ON);
}
END_TEST

START_TEST(training_goes_on_only_if_a_step_and_a_save_fit_into_the_time_left)
{
    for_every_case() if (preempt_decide(&facts) <= PREEMPT_SAVE)
        ck_assert(preempt_left_seconds(&facts) >= facts.step_longest + facts.save_longest);
}
END_TEST

START_TEST(training_stops_early_only_if_a_step_and_two_saves_do_not_fit)
{
    for_every_case() if (preempt_decide(&facts) >= PREEMPT_SAVE_AND_STOP && !(facts.noticed && facts.grace == 0))
        ck_assert(preempt_left_seconds(&facts) < facts.step_longest + 2 * facts.save_longest);
}
END_TEST

START_TEST(no_save_is_begun_that_is_known_not_to_fit)
{
    for_every_case()
    {
        const double left = preempt_left_seconds(&facts);
        const bool hopeless = left > 0 && left < facts.save_shortest;
        if (preempt_decide(&facts) >= PREEMPT_SAVE_AND_STOP)
            ck_assert_int_eq(preempt_decide(&facts), hopeless ? PREEMPT_STOP_UNSAVED : PREEMPT_SAVE_AND_STOP);
    }
}
END_TEST

START_TEST(after_an_end_that_passed_unpunished_a_save_is_tried)
{
    for_every_case() if (facts.left < 0) ck_assert_int_eq(preempt_decide(&facts), PREEMPT_SAVE_AND_STOP);
}
END_TEST

START_TEST(a_grace_period_begins_with_one_save)
{
    for_every_case() if (preempt_decide(&facts) <= PREEMPT_SAVE)
        ck_assert_int_eq(preempt_decide(&facts) == PREEMPT_SAVE, facts.noticed && !facts.saved);
}
END_TEST

START_TEST(the_end_that_comes_first_counts)
{
    const struct preempt_facts by_grace = {.noticed = true, .notice_age = 20, .grace = 60, .left = 100};
    const struct preempt_facts by_deadline = {.noticed = true, .notice_age = 20, .grace = 60, .left = 30};
    const struct preempt_facts no_notice = {.notice_age = 20, .grace = 60, .left = 100};

    ck_assert_double_eq(preempt_left_seconds(&by_grace), 40);
    ck_assert_double_eq(preempt_left_seconds(&by_deadline), 30);
    ck_assert_double_eq(preempt_left_seconds(&no_notice), 100);
}
END_TEST

/* ---------------------------------------------------------------------- durations */

START_TEST(of_no_durations_the_longest_and_the_shortest_are_0)
{
    struct recent recent = {0};

    ck_assert_double_eq(recent_longest_seconds(&recent), 0);
    ck_assert_double_eq(recent_shortest_seconds(&recent), 0);
}
END_TEST

START_TEST(an_outlier_is_forgotten_after_as_many_others_as_are_kept)
{
    struct recent recent = {0};

    recent_note(&recent, 3600000000000);
    for (unsigned i = 0; i < RECENT_COUNT; i++) {
        ck_assert_double_eq(recent_longest_seconds(&recent), 3600);
        recent_note(&recent, 2000000000 + 1000000000 * (int64_t)(i % 2));
    }
    ck_assert_double_eq(recent_longest_seconds(&recent), 3);
    ck_assert_double_eq(recent_shortest_seconds(&recent), 2);
}
END_TEST

START_TEST(a_clock_that_went_back_gives_0)
{
    struct recent recent = {0};

    recent_note(&recent, -5);
    ck_assert_double_eq(recent_longest_seconds(&recent), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("preempt");
    TCase *tests = tcase_create("preempt");

    tcase_add_test(tests, a_notice_without_grace_always_stops);
    tcase_add_test(tests, without_notice_and_deadline_training_goes_on);
    tcase_add_test(tests, training_goes_on_only_if_a_step_and_a_save_fit_into_the_time_left);
    tcase_add_test(tests, training_stops_early_only_if_a_step_and_two_saves_do_not_fit);
    tcase_add_test(tests, no_save_is_begun_that_is_known_not_to_fit);
    tcase_add_test(tests, after_an_end_that_passed_unpunished_a_save_is_tried);
    tcase_add_test(tests, a_grace_period_begins_with_one_save);
    tcase_add_test(tests, the_end_that_comes_first_counts);
    tcase_add_test(tests, of_no_durations_the_longest_and_the_shortest_are_0);
    tcase_add_test(tests, an_outlier_is_forgotten_after_as_many_others_as_are_kept);
    tcase_add_test(tests, a_clock_that_went_back_gives_0);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
