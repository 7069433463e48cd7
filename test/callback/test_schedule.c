/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>

#include "callback/schedule.h"
#include "h5ckpt.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { FREQ_MAX = 24, BATCH_MAX = 80 };

#define TWO_TO_53 INT64_C(9007199254740992)

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
                ck_assert_msg(schedule_is_due_at_batch(save_freq, before, after) ==
                                  (multiples_between(save_freq, before, after) > 0),
                              "every %d, from %d to %d", (int)save_freq, (int)before, (int)after);
}
END_TEST

START_TEST(batches_told_one_by_one_make_every_multiple_due_once)
{
    for (int64_t save_freq = 1; save_freq <= FREQ_MAX; save_freq++) {
        unsigned due_count = 0;
        for (uint64_t batch = 0; batch < BATCH_MAX; batch++)
            due_count += schedule_is_due_at_batch(save_freq, batch, batch + 1);
        ck_assert_uint_eq(due_count, multiples_between(save_freq, 0, BATCH_MAX));
    }
}
END_TEST

START_TEST(no_batch_finished_makes_no_save_due)
{
    for (int64_t save_freq = 1; save_freq <= FREQ_MAX; save_freq++)
        for (uint64_t at = 0; at <= BATCH_MAX; at++)
            ck_assert(!schedule_is_due_at_batch(save_freq, at, at));
}
END_TEST

START_TEST(large_counts_are_counted_exactly)
{
    const uint64_t most = (uint64_t)TWO_TO_53;

    ck_assert(!schedule_is_due_at_batch(TWO_TO_53, 0, most - 1));
    ck_assert(schedule_is_due_at_batch(TWO_TO_53, most - 1, most));
    ck_assert(!schedule_is_due_at_batch(TWO_TO_53, most, 2 * most - 1));
    ck_assert(schedule_is_due_at_batch(1, UINT64_MAX - 1, UINT64_MAX));
    ck_assert(schedule_is_due_at_batch(5, UINT64_MAX - 1, UINT64_MAX)); /* 2^64 - 1 is a multiple of 5 */
    ck_assert(!schedule_is_due_at_batch(2, UINT64_MAX - 1, UINT64_MAX));
}
END_TEST

static const int64_t NO_BATCHES[] = {H5CKPT_EVERY_EPOCH, H5CKPT_NEVER};

START_TEST(without_a_number_of_batches_no_batch_makes_a_save_due)
{
    for (uint64_t before = 0; before <= BATCH_MAX; before++)
        for (uint64_t after = before; after <= BATCH_MAX; after++)
            ck_assert(!schedule_is_due_at_batch(NO_BATCHES[_i], before, after));
    ck_assert(!schedule_is_due_at_batch(NO_BATCHES[_i], 0, UINT64_MAX));
}
END_TEST

START_TEST(an_epochs_end_makes_a_save_due_by_epoch_only)
{
    ck_assert(schedule_is_due_at_epoch(H5CKPT_EVERY_EPOCH));
    ck_assert(!schedule_is_due_at_epoch(H5CKPT_NEVER));
    for (int64_t save_freq = 1; save_freq <= FREQ_MAX; save_freq++)
        ck_assert(!schedule_is_due_at_epoch(save_freq));
    ck_assert(!schedule_is_due_at_epoch(TWO_TO_53));
}
END_TEST

START_TEST(numbers_of_batches_from_1_to_2_to_the_53_are_valid)
{
    for (int64_t save_freq = 1; save_freq <= FREQ_MAX; save_freq++)
        ck_assert(schedule_is_valid(save_freq));
    ck_assert(schedule_is_valid(TWO_TO_53 - 1));
    ck_assert(schedule_is_valid(TWO_TO_53));
}
END_TEST

START_TEST(every_epoch_and_never_are_valid)
{
    ck_assert(schedule_is_valid(H5CKPT_EVERY_EPOCH));
    ck_assert(schedule_is_valid(H5CKPT_NEVER));
}
END_TEST

static const int64_t NONSENSE[] = {0, -1, -7, INT64_MIN, INT64_MIN + 1, INT32_MIN, TWO_TO_53 + 1, H5CKPT_NEVER - 1};

START_TEST(zero_negative_and_huge_numbers_are_not_valid)
{
    ck_assert(!schedule_is_valid(NONSENSE[_i]));
}
END_TEST

START_TEST(what_is_not_valid_is_never_due)
{
    ck_assert(!schedule_is_due_at_epoch(NONSENSE[_i]));
    for (uint64_t after = 0; after <= BATCH_MAX; after++)
        ck_assert(!schedule_is_due_at_batch(NONSENSE[_i], 0, after));
    ck_assert(!schedule_is_due_at_batch(NONSENSE[_i], 0, UINT64_MAX));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schedule");
    TCase *tests = tcase_create("schedule");
    SRunner *runner = srunner_create(suite);
    int failed_count;

    tcase_add_test(tests, a_save_is_due_exactly_if_a_multiple_of_save_freq_was_passed);
    tcase_add_test(tests, batches_told_one_by_one_make_every_multiple_due_once);
    tcase_add_test(tests, no_batch_finished_makes_no_save_due);
    tcase_add_test(tests, large_counts_are_counted_exactly);
    tcase_add_loop_test(tests, without_a_number_of_batches_no_batch_makes_a_save_due, 0, COUNT(NO_BATCHES));
    tcase_add_test(tests, an_epochs_end_makes_a_save_due_by_epoch_only);
    tcase_add_test(tests, numbers_of_batches_from_1_to_2_to_the_53_are_valid);
    tcase_add_test(tests, every_epoch_and_never_are_valid);
    tcase_add_loop_test(tests, zero_negative_and_huge_numbers_are_not_valid, 0, COUNT(NONSENSE));
    tcase_add_loop_test(tests, what_is_not_valid_is_never_due, 0, COUNT(NONSENSE));
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed_count = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed_count == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
