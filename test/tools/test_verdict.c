/* SPDX-License-Identifier: MIT */
/*
 * The exit status, for every status of the library beside every combination of slots.
 */
#include <check.h>
#include <stdlib.h>

#include <h5ckpt.h>

#include "support/suite.h"
#include "verdict.h"

/* ------------------------------------------------------------------ what is enumerated */

enum { STATE_COUNT = H5CKPT_SLOT_UNREADABLE + 1, SLOT_COUNT = H5CKPT_SLOT_COUNT_MAX };

static const h5ckpt_status ANSWERED[] = {H5CKPT_OK, H5CKPT_FELL_BACK};

static const h5ckpt_status NOT_TOLD[] = {
    H5CKPT_E_BUSY,      H5CKPT_E_NO_SPACE,  H5CKPT_E_PERMISSION,   H5CKPT_E_MEMORY,         H5CKPT_E_SYSTEM,
    H5CKPT_E_IO,        H5CKPT_E_DAMAGED,   H5CKPT_E_SCHEMA,       H5CKPT_E_VERSION,        H5CKPT_E_FOREIGN,
    H5CKPT_E_HDF5,      H5CKPT_E_DIFFERS,   H5CKPT_E_NOT_RESTORED, H5CKPT_E_MEMORY_CHANGED, H5CKPT_E_CALLBACK,
    H5CKPT_LIVES_AGREE, H5CKPT_E_OVERTAKEN, H5CKPT_STOP,           H5CKPT_E_STOP_UNSAVED,   H5CKPT_HISTORY_FULL,
};

enum { NOT_TOLD_COUNT = sizeof NOT_TOLD / sizeof *NOT_TOLD };

static bool is_damage(enum h5ckpt_slot_state state)
{
    return state == H5CKPT_SLOT_DAMAGED || state == H5CKPT_SLOT_MISSING || state == H5CKPT_SLOT_INTERRUPTED_OR_DAMAGED;
}

static bool is_unknown(enum h5ckpt_slot_state state)
{
    return state == H5CKPT_SLOT_FOREIGN || state == H5CKPT_SLOT_NEWER_VERSION || state == H5CKPT_SLOT_UNREADABLE;
}

/* Combination `number` of the states of three slots. */
static struct h5ckpt_report combination(int number)
{
    struct h5ckpt_report report = {.slot_count = SLOT_COUNT};

    for (int i = 0; i < SLOT_COUNT; i++, number /= STATE_COUNT)
        report.slot[i].state = (enum h5ckpt_slot_state)(number % STATE_COUNT);
    return report;
}

enum { COMBINATION_COUNT = STATE_COUNT * STATE_COUNT * STATE_COUNT };

static bool any(const struct h5ckpt_report *report, bool (*is)(enum h5ckpt_slot_state state))
{
    for (unsigned i = 0; i < report->slot_count; i++)
        if (is(report->slot[i].state))
            return true;
    return false;
}

/* ------------------------------------------------------------------------- the facts */

START_TEST(slots_of_which_none_is_wrong_are_sound)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct h5ckpt_report report = combination(number);

        if (any(&report, is_damage) || any(&report, is_unknown))
            continue;
        ck_assert_int_eq(verdict(H5CKPT_OK, &report, VERDICT_SOUND), VERDICT_SOUND);
    }
}
END_TEST

START_TEST(a_fall_back_is_damage_whatever_the_slots_look_like)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct h5ckpt_report report = combination(number);

        if (any(&report, is_unknown))
            continue;
        ck_assert_int_eq(verdict(H5CKPT_FELL_BACK, &report, VERDICT_SOUND), VERDICT_DAMAGED);
    }
}
END_TEST

START_TEST(a_slot_that_is_damaged_or_gone_is_damage_though_the_newest_state_is_intact)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct h5ckpt_report report = combination(number);

        if (!any(&report, is_damage) || any(&report, is_unknown))
            continue;
        ck_assert_int_eq(verdict(H5CKPT_OK, &report, VERDICT_SOUND), VERDICT_DAMAGED);
    }
}
END_TEST

START_TEST(a_damaged_lock_is_damage)
{
    struct h5ckpt_report report = {.lock_damaged = true};

    ck_assert_int_eq(verdict(H5CKPT_OK, &report, VERDICT_SOUND), VERDICT_DAMAGED);
}
END_TEST

START_TEST(damage_beside_the_slots_is_damage)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct h5ckpt_report report = combination(number);

        if (any(&report, is_unknown))
            continue;
        for (size_t i = 0; i < sizeof ANSWERED / sizeof *ANSWERED; i++)
            ck_assert_int_eq(verdict(ANSWERED[i], &report, VERDICT_DAMAGED), VERDICT_DAMAGED);
    }
}
END_TEST

START_TEST(a_milestone_counts_as_a_slot_does_unless_it_is_a_strangers)
{
    const struct h5ckpt_report report = {0};

    ck_assert_int_eq(verdict_of_milestone(H5CKPT_SLOT_COMMITTED), VERDICT_SOUND);
    ck_assert_int_eq(verdict_of_milestone(H5CKPT_SLOT_INTACT), VERDICT_SOUND);
    ck_assert_int_eq(verdict_of_milestone(H5CKPT_SLOT_FOREIGN), VERDICT_SOUND);
    ck_assert_int_eq(verdict_of_milestone(H5CKPT_SLOT_DAMAGED), VERDICT_DAMAGED);
    ck_assert_int_eq(verdict_of_milestone(H5CKPT_SLOT_NEWER_VERSION), VERDICT_UNKNOWN);
    ck_assert_int_eq(verdict_of_milestone(H5CKPT_SLOT_UNREADABLE), VERDICT_UNKNOWN);
    ck_assert_int_eq(verdict(H5CKPT_OK, &report, VERDICT_UNKNOWN), VERDICT_UNKNOWN);
}
END_TEST

START_TEST(milestones_decide_where_there_is_nothing_but_them)
{
    static const enum verdict ALL[] = {VERDICT_SOUND,         VERDICT_DAMAGED, VERDICT_LOST,
                                       VERDICT_NO_CHECKPOINT, VERDICT_UNKNOWN, VERDICT_USAGE};
    static const enum verdict MILESTONES[] = {VERDICT_SOUND, VERDICT_DAMAGED, VERDICT_UNKNOWN};

    for (size_t i = 0; i < sizeof ALL / sizeof *ALL; i++)
        for (size_t j = 0; j < sizeof MILESTONES / sizeof *MILESTONES; j++) {
            ck_assert_int_eq(verdict_of_directory(ALL[i], MILESTONES[j], 0), ALL[i]);
            ck_assert_int_eq(verdict_of_directory(ALL[i], MILESTONES[j], 2),
                             ALL[i] == VERDICT_NO_CHECKPOINT ? MILESTONES[j] : ALL[i]);
        }
}
END_TEST

START_TEST(a_slot_of_which_nothing_can_be_told_is_not_called_damaged)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct h5ckpt_report report = combination(number);

        if (!any(&report, is_unknown))
            continue;
        for (size_t i = 0; i < sizeof ANSWERED / sizeof *ANSWERED; i++)
            ck_assert_int_eq(verdict(ANSWERED[i], &report, VERDICT_SOUND), VERDICT_UNKNOWN);
    }
}
END_TEST

START_TEST(without_an_answer_the_slots_change_nothing)
{
    for (int number = 0; number < COMBINATION_COUNT; number++) {
        const struct h5ckpt_report report = combination(number);

        for (enum verdict beside = VERDICT_SOUND; beside <= VERDICT_DAMAGED; beside++) {
            ck_assert_int_eq(verdict(H5CKPT_NO_CHECKPOINT, &report, beside), VERDICT_NO_CHECKPOINT);
            ck_assert_int_eq(verdict(H5CKPT_E_LOST, &report, beside), VERDICT_LOST);
            ck_assert_int_eq(verdict(H5CKPT_E_ARGUMENT, &report, beside), VERDICT_USAGE);
            for (int i = 0; i < NOT_TOLD_COUNT; i++)
                ck_assert_int_eq(verdict(NOT_TOLD[i], &report, beside), VERDICT_UNKNOWN);
        }
    }
}
END_TEST

START_TEST(a_status_of_a_later_library_cannot_be_told)
{
    const struct h5ckpt_report report = combination(0);

    ck_assert_int_eq(verdict((h5ckpt_status)-100, &report, VERDICT_SOUND), VERDICT_UNKNOWN);
    ck_assert_int_eq(verdict((h5ckpt_status)100, &report, VERDICT_SOUND), VERDICT_UNKNOWN);
}
END_TEST

START_TEST(a_slot_state_of_a_later_library_cannot_be_told)
{
    struct h5ckpt_report report = combination(0);

    report.slot[1].state = (enum h5ckpt_slot_state)STATE_COUNT;
    ck_assert_int_eq(verdict(H5CKPT_OK, &report, VERDICT_SOUND), VERDICT_UNKNOWN);
}
END_TEST

/* Scripts know the numbers. */
START_TEST(the_numbers_are_those_of_the_manual)
{
    ck_assert_int_eq(VERDICT_SOUND, 0);
    ck_assert_int_eq(VERDICT_DAMAGED, 1);
    ck_assert_int_eq(VERDICT_LOST, 2);
    ck_assert_int_eq(VERDICT_NO_CHECKPOINT, 3);
    ck_assert_int_eq(VERDICT_UNKNOWN, 4);
    ck_assert_int_eq(VERDICT_USAGE, 64);
}
END_TEST

static Suite *verdict_suite(void)
{
    Suite *suite = suite_create("verdict");
    TCase *facts = tcase_create("facts");

    tcase_add_test(facts, slots_of_which_none_is_wrong_are_sound);
    tcase_add_test(facts, a_fall_back_is_damage_whatever_the_slots_look_like);
    tcase_add_test(facts, a_slot_that_is_damaged_or_gone_is_damage_though_the_newest_state_is_intact);
    tcase_add_test(facts, a_damaged_lock_is_damage);
    tcase_add_test(facts, damage_beside_the_slots_is_damage);
    tcase_add_test(facts, a_milestone_counts_as_a_slot_does_unless_it_is_a_strangers);
    tcase_add_test(facts, milestones_decide_where_there_is_nothing_but_them);
    tcase_add_test(facts, a_slot_of_which_nothing_can_be_told_is_not_called_damaged);
    tcase_add_test(facts, without_an_answer_the_slots_change_nothing);
    tcase_add_test(facts, a_status_of_a_later_library_cannot_be_told);
    tcase_add_test(facts, a_slot_state_of_a_later_library_cannot_be_told);
    tcase_add_test(facts, the_numbers_are_those_of_the_manual);
    suite_add_tcase(suite, facts);
    return suite;
}

int main(void)
{
    return suite_run(verdict_suite());
}
