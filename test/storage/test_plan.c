/* SPDX-License-Identifier: MIT */
/*
 * test_plan: every combination of what can be known of three slots, against the rules of docs/format.md 5, said once
 * more, naively.
 */
#include <stdio.h>

#include "storage/plan.h"
#include "support/assert_h5ckpt.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { SLOTS = 3, STATE_COUNT = H5CKPT_SLOT_UNREADABLE + 1, SEQUENCE_COUNT = 4, BASE_COUNT = 3 };

static const uint64_t BASE_SEQUENCE[BASE_COUNT] = {0, 1, 2};

/* -------------------------------------------------------------------- oracle */

static bool is_intact(const struct plan_slot *slot)
{
    return slot->state == H5CKPT_SLOT_INTACT || slot->state == H5CKPT_SLOT_COMMITTED;
}

/* "strictly between the base sequence and the sequence of some readable record" */
static bool lies_on_abandoned_branch(const struct plan_slot slot[SLOTS], unsigned which)
{
    bool abandoned = false;

    for (unsigned other = 0; other < SLOTS; other++)
        if (slot[other].record_readable)
            abandoned |=
                slot[which].sequence > slot[other].base_sequence && slot[which].sequence < slot[other].sequence;
    return abandoned;
}

/* "the record about to be written counts": its base is `base`, its sequence above all. */
static bool will_be_abandoned(const struct plan_slot slot[SLOTS], int base, unsigned which)
{
    if (base != PLAN_NO_BASE && slot[which].sequence > slot[base].sequence)
        return true;
    return lies_on_abandoned_branch(slot, which);
}

/*
 * (a), (g): may a save go to `target`? "Among the rotation's slots other than the base: first one without an intact
 * state, then one on an abandoned branch, then the oldest." Where several are alike, any of them may be taken, but of
 * states the oldest.
 */
static bool may_be_target(const struct plan_slot slot[SLOTS], unsigned rotation, int base, unsigned target)
{
    const unsigned candidates = rotation == 1 ? 2 : rotation;
    bool some_without = false;
    bool some_abandoned = false;

    if (target >= candidates || (int)target == base)
        return false;
    for (unsigned i = 0; i < candidates; i++) {
        some_without |= (int)i != base && !is_intact(&slot[i]);
        some_abandoned |= (int)i != base && is_intact(&slot[i]) && will_be_abandoned(slot, base, i);
    }
    if (some_without)
        return !is_intact(&slot[target]);
    if (some_abandoned && !will_be_abandoned(slot, base, target))
        return false;
    for (unsigned i = 0; i < candidates; i++)
        if ((int)i != base && will_be_abandoned(slot, base, i) == some_abandoned &&
            slot[i].sequence < slot[target].sequence)
            return false;
    return true;
}

static uint64_t expected_sequence(const struct plan_slot slot[SLOTS], uint64_t noted)
{
    for (uint64_t highest = SEQUENCE_COUNT;; highest--) {
        if (noted == highest || highest == 0)
            return highest + 1;
        for (unsigned i = 0; i < SLOTS; i++)
            if (slot[i].record_readable && slot[i].sequence == highest)
                return highest + 1;
    }
}

/* --------------------------------------------------------------- enumeration */

enum { RECORDS_PER_SLOT = 2 * SEQUENCE_COUNT * BASE_COUNT, CASES_PER_SLOT = RECORDS_PER_SLOT * STATE_COUNT };

static struct plan_slot slot_of(unsigned number)
{
    return (struct plan_slot){
        .record_readable = number % 2 != 0,
        .sequence = number / 2 % SEQUENCE_COUNT + 1,
        .base_sequence = BASE_SEQUENCE[number / 2 / SEQUENCE_COUNT % BASE_COUNT],
        .state = (enum h5ckpt_slot_state)(number / RECORDS_PER_SLOT),
    };
}

/* All records of all slots, where the first slot is in state `_i`; the states of the others as well. */
START_TEST(the_target_keeps_rules_a_and_g)
{
    unsigned long case_count = 0;
    struct plan_slot slot[SLOTS];

    for (unsigned a = 0; a < RECORDS_PER_SLOT; a++)
        for (unsigned b = 0; b < CASES_PER_SLOT; b++)
            for (unsigned c = 0; c < CASES_PER_SLOT; c++) {
                slot[0] = slot_of(a + RECORDS_PER_SLOT * (unsigned)_i);
                slot[1] = slot_of(b);
                slot[2] = slot_of(c);
                for (unsigned rotation = 1; rotation <= SLOTS; rotation++)
                    for (int base = PLAN_NO_BASE; base < SLOTS; base++) {
                        const unsigned target = plan_target(slot, SLOTS, rotation, base);

                        case_count++;
                        if (!may_be_target(slot, rotation, base, target))
                            ck_abort_msg("slots %u %u %u, rotation %u, base %d: %u",
                                         a + RECORDS_PER_SLOT * (unsigned)_i, b, c, rotation, base, target);
                    }
            }
    printf("plan_target: %lu cases\n", case_count);
    ck_assert_uint_eq(case_count, 1ul * RECORDS_PER_SLOT * CASES_PER_SLOT * CASES_PER_SLOT * 3 * 4);
}
END_TEST

START_TEST(a_state_is_abandoned_exactly_where_the_format_says)
{
    unsigned long case_count = 0;
    unsigned long abandoned_count = 0;
    struct plan_slot slot[SLOTS];

    for (unsigned a = 0; a < RECORDS_PER_SLOT; a++)
        for (unsigned b = 0; b < RECORDS_PER_SLOT; b++)
            for (unsigned c = 0; c < RECORDS_PER_SLOT; c++) {
                slot[0] = slot_of(a);
                slot[1] = slot_of(b);
                slot[2] = slot_of(c);
                for (unsigned which = 0; which < SLOTS; which++) {
                    case_count++;
                    abandoned_count += plan_is_abandoned(slot, SLOTS, which);
                    ck_assert_int_eq(plan_is_abandoned(slot, SLOTS, which), lies_on_abandoned_branch(slot, which));
                }
            }
    printf("plan_is_abandoned: %lu cases, %lu abandoned\n", case_count, abandoned_count);
    ck_assert_uint_gt(abandoned_count, 0);
    ck_assert_uint_lt(abandoned_count, case_count);
}
END_TEST

START_TEST(the_sequence_is_one_above_the_highest_readable_or_noted)
{
    unsigned long case_count = 0;
    struct plan_slot slot[SLOTS];

    for (unsigned a = 0; a < RECORDS_PER_SLOT; a++)
        for (unsigned b = 0; b < RECORDS_PER_SLOT; b++)
            for (unsigned c = 0; c < RECORDS_PER_SLOT; c++)
                for (uint64_t noted = 0; noted <= SEQUENCE_COUNT; noted++) {
                    slot[0] = slot_of(a + RECORDS_PER_SLOT * (a % STATE_COUNT));
                    slot[1] = slot_of(b + RECORDS_PER_SLOT * (b % STATE_COUNT));
                    slot[2] = slot_of(c + RECORDS_PER_SLOT * (c % STATE_COUNT));
                    case_count++;
                    ck_assert_uint_eq(plan_sequence(slot, SLOTS, noted), expected_sequence(slot, noted));
                }
    printf("plan_sequence: %lu cases\n", case_count);
}
END_TEST

START_TEST(a_save_in_place_keeps_rules_b_d_and_e)
{
    unsigned in_place_count = 0;

    for (unsigned bits = 0; bits < 1u << 5; bits++) {
        const bool base_durable = bits & 16;
        const struct plan_slot target = {
            .state = (enum h5ckpt_slot_state)_i,
            .record_readable = bits & 8,
            .overwritable = bits & 4,
            .same_structure = bits & 2,
            .given_up = bits & 1,
        };
        const bool absent = _i == H5CKPT_SLOT_ABSENT || _i == H5CKPT_SLOT_MISSING;
        const bool damaged = _i == H5CKPT_SLOT_DAMAGED || _i == H5CKPT_SLOT_INTERRUPTED_OR_DAMAGED;
        const bool unknown = _i == H5CKPT_SLOT_UNREADABLE || _i == H5CKPT_SLOT_WRITING;
        const bool not_ours = _i == H5CKPT_SLOT_FOREIGN || _i == H5CKPT_SLOT_NEWER_VERSION;
        bool allowed = true;

        allowed &= base_durable;                                 /* (b) */
        allowed &= !absent && !damaged && !unknown && !not_ours; /* (d), P9 */
        allowed &= target.overwritable && target.same_structure; /* (d) */
        allowed &= !target.given_up;                             /* (e) */
        in_place_count += allowed;
        ck_assert_int_eq(plan_manner(&target, base_durable), allowed ? PLAN_IN_PLACE : PLAN_NEW_FILE);
    }
    const bool may_ever = _i == H5CKPT_SLOT_RESERVED || _i == H5CKPT_SLOT_COMMITTED || _i == H5CKPT_SLOT_INTACT ||
                          _i == H5CKPT_SLOT_INTERRUPTED;
    ck_assert_uint_eq(in_place_count, may_ever ? 2 : 0);
}
END_TEST

START_TEST(only_committed_and_intact_slots_hold_a_state)
{
    ck_assert_int_eq(plan_holds_state((enum h5ckpt_slot_state)_i),
                     _i == H5CKPT_SLOT_COMMITTED || _i == H5CKPT_SLOT_INTACT);
}
END_TEST

/* --------------------------------------------------------------- single facts */

static const struct plan_slot ABSENT = {.state = H5CKPT_SLOT_ABSENT};

static struct plan_slot state(uint64_t sequence, uint64_t base_sequence)
{
    return (struct plan_slot){
        .state = H5CKPT_SLOT_INTACT,
        .record_readable = true,
        .sequence = sequence,
        .base_sequence = base_sequence,
        .overwritable = true,
        .same_structure = true,
    };
}

static struct plan_slot damaged(uint64_t sequence, uint64_t base_sequence)
{
    struct plan_slot slot = state(sequence, base_sequence);

    slot.state = H5CKPT_SLOT_DAMAGED;
    return slot;
}

START_TEST(the_first_save_goes_to_slot_a)
{
    ck_assert_uint_eq(plan_target((const struct plan_slot[]){ABSENT, ABSENT, ABSENT}, 3, 2, PLAN_NO_BASE), 0);
}
END_TEST

START_TEST(the_first_save_has_sequence_1)
{
    ck_assert_uint_eq(plan_sequence((const struct plan_slot[]){ABSENT, ABSENT, ABSENT}, 3, 0), 1);
}
END_TEST

START_TEST(double_checkpoint_alternates)
{
    struct plan_slot slot[SLOTS] = {ABSENT, ABSENT, ABSENT};
    int base = PLAN_NO_BASE;

    for (uint64_t save = 1; save <= 10; save++) {
        const unsigned target = plan_target(slot, SLOTS, 2, base);

        ck_assert_uint_eq(target, (save + 1) % 2);
        slot[target] = state(plan_sequence(slot, SLOTS, 0), save - 1);
        ck_assert_uint_eq(slot[target].sequence, save);
        base = (int)target;
    }
}
END_TEST

START_TEST(single_mode_alternates_between_two_names)
{
    ck_assert_uint_eq(plan_target((const struct plan_slot[]){state(1, 0), ABSENT, ABSENT}, 3, 1, 0), 1);
    ck_assert_uint_eq(plan_target((const struct plan_slot[]){ABSENT, state(2, 1), ABSENT}, 3, 1, 1), 0);
}
END_TEST

START_TEST(three_slots_are_used_in_turn)
{
    struct plan_slot slot[SLOTS] = {ABSENT, ABSENT, ABSENT};
    int base = PLAN_NO_BASE;

    for (uint64_t save = 1; save <= 12; save++) {
        const unsigned target = plan_target(slot, SLOTS, 3, base);

        ck_assert_uint_eq(target, (save - 1) % 3);
        slot[target] = state(save, save - 1);
        base = (int)target;
    }
}
END_TEST

START_TEST(a_damaged_newest_slot_is_overwritten_before_an_older_state)
{
    ck_assert_uint_eq(plan_target((const struct plan_slot[]){state(4, 3), damaged(6, 5), state(5, 4)}, 3, 3, 2), 1);
}
END_TEST

START_TEST(an_abandoned_state_is_overwritten_before_an_older_one_of_the_branch)
{
    /* 7 was saved on 4: 6 is abandoned, 4 is not. */
    ck_assert_uint_eq(plan_target((const struct plan_slot[]){state(4, 3), state(6, 5), state(7, 4)}, 3, 3, 2), 1);
}
END_TEST

START_TEST(after_rolling_back_the_newest_state_is_the_target)
{
    ck_assert_uint_eq(plan_target((const struct plan_slot[]){state(5, 4), state(6, 5), ABSENT}, 3, 2, 0), 1);
}
END_TEST

START_TEST(a_state_newer_than_the_base_is_overwritten_before_an_older_one)
{
    /* Rolled back from 6 to 5: what was rolled back goes first, 4 may still be needed. */
    ck_assert_uint_eq(plan_target((const struct plan_slot[]){state(4, 3), state(6, 5), state(5, 4)}, 3, 3, 2), 1);
}
END_TEST

START_TEST(a_base_beyond_the_rotation_leaves_the_whole_rotation)
{
    ck_assert_uint_eq(plan_target((const struct plan_slot[]){state(5, 4), state(4, 3), state(6, 5)}, 3, 2, 2), 1);
}
END_TEST

START_TEST(a_damaged_record_counts_for_the_sequence)
{
    ck_assert_uint_eq(plan_sequence((const struct plan_slot[]){state(5, 4), damaged(9, 5), ABSENT}, 3, 0), 10);
}
END_TEST

START_TEST(a_record_that_cannot_be_read_does_not_count)
{
    struct plan_slot unreadable = damaged(9, 5);

    unreadable.record_readable = false;
    ck_assert_uint_eq(plan_sequence((const struct plan_slot[]){state(5, 4), unreadable, ABSENT}, 3, 0), 6);
}
END_TEST

START_TEST(a_noted_sequence_is_not_used_again)
{
    ck_assert_uint_eq(plan_sequence((const struct plan_slot[]){state(5, 4), state(4, 3), ABSENT}, 3, 6), 7);
}
END_TEST

START_TEST(a_slot_beyond_the_rotation_counts_for_the_sequence)
{
    ck_assert_uint_eq(plan_sequence((const struct plan_slot[]){state(5, 4), state(4, 3), state(8, 7)}, 3, 0), 9);
}
END_TEST

START_TEST(the_base_itself_is_not_abandoned)
{
    ck_assert(!plan_is_abandoned((const struct plan_slot[]){state(4, 3), state(7, 4), ABSENT}, 3, 0));
}
END_TEST

START_TEST(a_state_newer_than_the_base_and_older_than_its_record_is_abandoned)
{
    ck_assert(plan_is_abandoned((const struct plan_slot[]){state(5, 4), state(7, 4), ABSENT}, 3, 0));
}
END_TEST

START_TEST(a_damaged_record_still_tells_what_was_abandoned)
{
    ck_assert(plan_is_abandoned((const struct plan_slot[]){state(5, 4), damaged(7, 4), ABSENT}, 3, 0));
}
END_TEST

START_TEST(a_state_is_not_abandoned_by_its_own_record)
{
    ck_assert(!plan_is_abandoned((const struct plan_slot[]){state(5, 0), ABSENT, ABSENT}, 3, 0));
}
END_TEST

static Suite *plan_suite(void)
{
    Suite *suite = suite_create("plan");
    TCase *all = tcase_create("all combinations");
    TCase *single = tcase_create("single facts");

    tcase_set_timeout(all, 300);
    tcase_add_loop_test(all, the_target_keeps_rules_a_and_g, 0, STATE_COUNT);
    tcase_add_test(all, a_state_is_abandoned_exactly_where_the_format_says);
    tcase_add_test(all, the_sequence_is_one_above_the_highest_readable_or_noted);
    tcase_add_loop_test(all, a_save_in_place_keeps_rules_b_d_and_e, 0, STATE_COUNT);
    tcase_add_loop_test(all, only_committed_and_intact_slots_hold_a_state, 0, STATE_COUNT + 1);
    suite_add_tcase(suite, all);

    tcase_set_timeout(single, 60);
    tcase_add_test(single, the_first_save_goes_to_slot_a);
    tcase_add_test(single, the_first_save_has_sequence_1);
    tcase_add_test(single, double_checkpoint_alternates);
    tcase_add_test(single, single_mode_alternates_between_two_names);
    tcase_add_test(single, three_slots_are_used_in_turn);
    tcase_add_test(single, a_damaged_newest_slot_is_overwritten_before_an_older_state);
    tcase_add_test(single, an_abandoned_state_is_overwritten_before_an_older_one_of_the_branch);
    tcase_add_test(single, after_rolling_back_the_newest_state_is_the_target);
    tcase_add_test(single, a_state_newer_than_the_base_is_overwritten_before_an_older_one);
    tcase_add_test(single, a_base_beyond_the_rotation_leaves_the_whole_rotation);
    tcase_add_test(single, a_damaged_record_counts_for_the_sequence);
    tcase_add_test(single, a_record_that_cannot_be_read_does_not_count);
    tcase_add_test(single, a_noted_sequence_is_not_used_again);
    tcase_add_test(single, a_slot_beyond_the_rotation_counts_for_the_sequence);
    tcase_add_test(single, the_base_itself_is_not_abandoned);
    tcase_add_test(single, a_state_newer_than_the_base_and_older_than_its_record_is_abandoned);
    tcase_add_test(single, a_damaged_record_still_tells_what_was_abandoned);
    tcase_add_test(single, a_state_is_not_abandoned_by_its_own_record);
    suite_add_tcase(suite, single);
    return suite;
}

int main(void)
{
    return suite_run(plan_suite());
}
