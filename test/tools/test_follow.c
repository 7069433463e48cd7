/* SPDX-License-Identifier: MIT */
/*
 * What is new about a directory that is looked at again and again.
 */
#include <check.h>

#include "follow.h"
#include "support/suite.h"

static struct follow follow;

static void begin(void)
{
    follow = (struct follow){0};
}

static unsigned see(enum sight_kind kind, bool writer, uint64_t sequence, int64_t saved_ns)
{
    const struct sight sight = {.kind = kind, .writer = writer, .sequence = sequence, .saved_ns = saved_ns};

    return follow_see(&follow, &sight);
}

static unsigned see_two(uint64_t sequence, int64_t saved_ns, uint64_t previous_sequence, int64_t previous_saved_ns)
{
    const struct sight sight = {.kind = SIGHT_STATE,
                                .writer = true,
                                .sequence = sequence,
                                .saved_ns = saved_ns,
                                .previous_sequence = previous_sequence,
                                .previous_saved_ns = previous_saved_ns};

    return follow_see(&follow, &sight);
}

/* -------------------------------------------------------------------------- news */

START_TEST(the_first_sight_is_news)
{
    ck_assert_uint_eq(see(SIGHT_NOTHING, false, 0, 0), NEWS_FIRST);
    begin();
    ck_assert_uint_eq(see(SIGHT_STATE, true, 3, 30), NEWS_FIRST | NEWS_SAVED);
}
END_TEST

START_TEST(the_same_again_is_none)
{
    for (int kind = SIGHT_NOTHING; kind <= SIGHT_UNTOLD; kind++) {
        begin();
        see((enum sight_kind)kind, true, 3, 30);
        ck_assert_uint_eq(see((enum sight_kind)kind, true, 3, 30), NEWS_NONE);
    }
}
END_TEST

START_TEST(another_state_is_news_be_it_older)
{
    see(SIGHT_STATE, true, 3, 30);
    ck_assert_uint_eq(see(SIGHT_STATE, true, 4, 40), NEWS_SAVED);
    ck_assert_uint_eq(see(SIGHT_STATE, true, 3, 30), NEWS_SAVED);
    ck_assert_uint_eq(see(SIGHT_STATE, true, 3, 31), NEWS_SAVED); /* of another checkpoint in the same place */
}
END_TEST

START_TEST(a_writer_that_comes_or_goes_is_news)
{
    see(SIGHT_STATE, true, 3, 30);
    ck_assert_uint_eq(see(SIGHT_STATE, false, 3, 30), NEWS_WRITER);
    ck_assert_uint_eq(see(SIGHT_STATE, true, 3, 30), NEWS_WRITER);
}
END_TEST

START_TEST(what_cannot_be_told_says_nothing_of_writer_and_state)
{
    see(SIGHT_STATE, true, 3, 30);
    ck_assert_uint_eq(see(SIGHT_UNTOLD, false, 0, 0), NEWS_KIND);
    ck_assert_uint_eq(see(SIGHT_STATE, true, 3, 30), NEWS_KIND);
    ck_assert(follow.writer);
}
END_TEST

START_TEST(nothing_after_a_state_is_a_deletion)
{
    see(SIGHT_STATE, true, 3, 30);
    ck_assert_uint_eq(see(SIGHT_NOTHING, true, 0, 0), NEWS_KIND | NEWS_DELETED);
    ck_assert_uint_eq(see(SIGHT_NOTHING, true, 0, 0), NEWS_NONE);
}
END_TEST

START_TEST(so_it_is_whatever_was_seen_between)
{
    see(SIGHT_STATE, true, 3, 30);
    see(SIGHT_UNTOLD, false, 0, 0);
    ck_assert(see(SIGHT_NOTHING, true, 0, 0) & NEWS_DELETED);
    begin();
    see(SIGHT_LOST, false, 0, 0);
    ck_assert(see(SIGHT_NOTHING, false, 0, 0) & NEWS_DELETED);
}
END_TEST

START_TEST(nothing_from_the_beginning_is_no_deletion)
{
    see(SIGHT_NOTHING, false, 0, 0);
    see(SIGHT_UNTOLD, false, 0, 0);
    ck_assert_uint_eq(see(SIGHT_NOTHING, true, 0, 0) & NEWS_DELETED, NEWS_NONE);
}
END_TEST

static unsigned see_unnoted(bool writer, uint64_t sequence)
{
    const struct sight sight = {
        .kind = SIGHT_STATE, .writer = writer, .sequence = sequence, .saved_ns = 1, .unnoted = true};

    return follow_see(&follow, &sight);
}

START_TEST(a_state_whose_cost_is_not_yet_noted_is_told_when_it_is)
{
    see(SIGHT_NOTHING, true, 0, 0);
    ck_assert_uint_eq(see_unnoted(true, 3), NEWS_NONE);
    ck_assert_uint_eq(see(SIGHT_STATE, true, 3, 1), NEWS_SAVED | NEWS_KIND);
}
END_TEST

START_TEST(one_whose_cost_is_never_noted_is_told_the_second_time)
{
    see(SIGHT_NOTHING, true, 0, 0);
    ck_assert_uint_eq(see_unnoted(true, 3), NEWS_NONE);
    ck_assert_uint_eq(see_unnoted(true, 3), NEWS_SAVED | NEWS_KIND);
    ck_assert_uint_eq(see_unnoted(true, 3), NEWS_NONE);
}
END_TEST

START_TEST(without_a_writer_nobody_is_going_to_note_it)
{
    see(SIGHT_NOTHING, false, 0, 0);
    ck_assert_uint_eq(see_unnoted(false, 3), NEWS_SAVED | NEWS_KIND);
}
END_TEST

START_TEST(the_first_sight_is_told_as_it_is)
{
    ck_assert_uint_eq(see_unnoted(true, 3), NEWS_FIRST | NEWS_SAVED);
}
END_TEST

/* ---------------------------------------------------------------------- expected */

START_TEST(the_next_save_is_expected_when_as_much_time_has_passed_again)
{
    see_two(4, 40, 3, 30);
    ck_assert_int_eq(follow_next_ns(&follow), 50);
}
END_TEST

START_TEST(where_only_one_state_is_seen_at_a_time_those_before_tell)
{
    see(SIGHT_STATE, true, 3, 30);
    ck_assert_int_eq(follow_next_ns(&follow), 0);
    see(SIGHT_STATE, true, 4, 42);
    ck_assert_int_eq(follow_next_ns(&follow), 54);
    see(SIGHT_STATE, true, 4, 42);
    ck_assert_int_eq(follow_next_ns(&follow), 54);
}
END_TEST

START_TEST(saves_that_passed_unseen_count)
{
    see(SIGHT_STATE, true, 3, 30);
    see(SIGHT_STATE, true, 7, 70);
    ck_assert_int_eq(follow_next_ns(&follow), 80);
}
END_TEST

START_TEST(without_a_writer_none_is_expected)
{
    see_two(4, 40, 3, 30);
    see(SIGHT_STATE, false, 4, 40);
    ck_assert_int_eq(follow_next_ns(&follow), 0);
}
END_TEST

START_TEST(a_clock_that_was_set_back_tells_nothing)
{
    see_two(4, 20, 3, 30);
    ck_assert_int_eq(follow_next_ns(&follow), 0);
}
END_TEST

START_TEST(times_too_far_apart_to_be_counted_tell_nothing)
{
    see_two(3, 30, 2, INT64_MIN);
    ck_assert_int_eq(follow_next_ns(&follow), 0);
    see_two(5, INT64_MAX, 4, 30);
    ck_assert_int_eq(follow_next_ns(&follow), 0);
}
END_TEST

START_TEST(after_a_deletion_everything_begins_anew)
{
    see_two(4, 40, 3, 30);
    see(SIGHT_NOTHING, true, 0, 0);
    ck_assert_int_eq(follow_next_ns(&follow), 0);
    see(SIGHT_STATE, true, 1, 100);
    ck_assert_int_eq(follow_next_ns(&follow), 0);
}
END_TEST

START_TEST(so_it_does_where_the_deletion_was_not_seen)
{
    see_two(4, 40, 3, 30);
    see(SIGHT_STATE, true, 1, 100);
    ck_assert_int_eq(follow_next_ns(&follow), 0);
}
END_TEST

START_TEST(a_checkpoint_that_was_deleted_before_anybody_looked_is_told)
{
    for (int writer = 0; writer < 2; writer++) {
        const struct sight sight = {.kind = SIGHT_NOTHING, .writer = writer != 0, .leavings = true};
        struct follow fresh = {0};

        ck_assert_uint_eq(follow_see(&fresh, &sight), writer ? NEWS_FIRST : NEWS_FIRST | NEWS_DELETED);
    }
}
END_TEST

static Suite *follow_suite(void)
{
    Suite *suite = suite_create("follow");
    TCase *news = tcase_create("news");
    TCase *expected = tcase_create("expected");

    tcase_add_checked_fixture(news, begin, NULL);
    tcase_add_test(news, the_first_sight_is_news);
    tcase_add_test(news, the_same_again_is_none);
    tcase_add_test(news, another_state_is_news_be_it_older);
    tcase_add_test(news, a_writer_that_comes_or_goes_is_news);
    tcase_add_test(news, what_cannot_be_told_says_nothing_of_writer_and_state);
    tcase_add_test(news, nothing_after_a_state_is_a_deletion);
    tcase_add_test(news, so_it_is_whatever_was_seen_between);
    tcase_add_test(news, nothing_from_the_beginning_is_no_deletion);
    tcase_add_test(news, a_state_whose_cost_is_not_yet_noted_is_told_when_it_is);
    tcase_add_test(news, one_whose_cost_is_never_noted_is_told_the_second_time);
    tcase_add_test(news, without_a_writer_nobody_is_going_to_note_it);
    tcase_add_test(news, the_first_sight_is_told_as_it_is);
    suite_add_tcase(suite, news);
    tcase_add_checked_fixture(expected, begin, NULL);
    tcase_add_test(expected, the_next_save_is_expected_when_as_much_time_has_passed_again);
    tcase_add_test(expected, where_only_one_state_is_seen_at_a_time_those_before_tell);
    tcase_add_test(expected, saves_that_passed_unseen_count);
    tcase_add_test(expected, without_a_writer_none_is_expected);
    tcase_add_test(expected, a_clock_that_was_set_back_tells_nothing);
    tcase_add_test(expected, times_too_far_apart_to_be_counted_tell_nothing);
    tcase_add_test(expected, after_a_deletion_everything_begins_anew);
    tcase_add_test(expected, so_it_does_where_the_deletion_was_not_seen);
    tcase_add_test(expected, a_checkpoint_that_was_deleted_before_anybody_looked_is_told);
    suite_add_tcase(suite, expected);
    return suite;
}

int main(void)
{
    return suite_run(follow_suite());
}
