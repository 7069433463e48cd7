/* SPDX-License-Identifier: MIT */
/*
 * The proof by crash states (crash.h), and that it can fail: the same scenarios with a rule of the protocol switched
 * off, or on a file system that lies, must show lost states.
 *
 * Full form: every variant of every scenario and every way to save, at least a million states; short form: at least
 * fifty thousand of a few variants. With H5CKPT_CRASH_LOG set, the first violation is printed with the log of
 * operations that led to it; with H5CKPT_CRASH_SCENARIO only that scenario is tried.
 *
 * Linked with -Wl,--wrap=plan_target,--wrap=plan_manner,--wrap=choose_past_cache,--wrap=history_capacity_for.
 */
#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "crash/scenario.h"
#include "storage/plan.h"
#include "support/form.h"
#include "support/suite.h"

enum {
    TIMEOUT_SECONDS = 3600,
};

/* ------------------------------------------------------------------- sabotage */

static enum {
    RULES_KEPT,
    RULE_A_OFF, /* the base is what a save overwrites */
    RULE_B_OFF, /* the base is taken for durable */
    RULE_D_OFF, /* slots with another hard link are overwritten */
} rules;

unsigned __real_plan_target(const struct plan_slot *slot, unsigned slot_count, unsigned rotation, int base);
unsigned __wrap_plan_target(const struct plan_slot *slot, unsigned slot_count, unsigned rotation, int base);
enum plan_manner __real_plan_manner(const struct plan_slot *target, bool base_durable);
enum plan_manner __wrap_plan_manner(const struct plan_slot *target, bool base_durable);

unsigned __wrap_plan_target(const struct plan_slot *slot, unsigned slot_count, unsigned rotation, int base)
{
    if (rules == RULE_A_OFF && base != PLAN_NO_BASE)
        return (unsigned)base;
    return __real_plan_target(slot, slot_count, rotation, base);
}

enum plan_manner __wrap_plan_manner(const struct plan_slot *target, bool base_durable)
{
    struct plan_slot taken_for = *target;

    taken_for.overwritable |= rules == RULE_D_OFF;
    return __real_plan_manner(&taken_for, rules == RULE_B_OFF || base_durable);
}

/* --------------------------------------------------------------------- totals */

struct shared {
    struct crash_totals all;
    size_t scenario_count;
};

/* With the processes in which libcheck runs the tests. */
static struct shared *shared;

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void explore_ways(const struct scenario *scenario, unsigned variant, unsigned ways,
                         const struct crash_effort *effort, unsigned lies, const char *lie_prefix, struct seen *seen,
                         struct crash_totals *totals)
{
    for (unsigned way = 0; way < WAY_COUNT; way++)
        if ((ways >> way & 1) != 0 && totals->violation_count < effort->violation_count_max &&
            totals->lost_count < effort->lost_count_max)
            crash_explore(scenario->name, scenario->run, variant, &WAYS[way], effort, lies, lie_prefix, seen, totals);
}

/* Bits: all ways to save in the full form, else one, and where variants are few also the synchronous one. */
static unsigned ways_to_try(const struct scenario *scenario, unsigned variant)
{
    const unsigned all = scenario->ways != 0 ? scenario->ways : (1u << WAY_COUNT) - 1;
    uint64_t drawn = seen_mix(variant + 100 * (uint64_t)(scenario - SCENARIOS));

    if (form_now() == FORM_FULL)
        return all;
    while ((all >> drawn % WAY_COUNT & 1) == 0)
        drawn = seen_mix(drawn);
    return 1u << drawn % WAY_COUNT | (scenario->size == SCENARIO_SMALL ? 1 : 0);
}

/* In the short form one of each scenario; which one differs from scenario to scenario. */
static unsigned variant_interval(const struct scenario *scenario)
{
    const unsigned wanted = (unsigned)form_count(1, 1, UINT_MAX);

    return scenario->variant_count <= wanted ? 1 : scenario->variant_count / wanted;
}

static struct crash_totals explore_variants(const struct scenario *scenario, const struct crash_effort *effort)
{
    const unsigned interval = variant_interval(scenario);
    const unsigned first = (unsigned)(scenario - SCENARIOS) % interval;
    struct crash_totals totals = {0};
    struct seen *seen = seen_new();

    for (unsigned variant = first; variant < scenario->variant_count; variant += interval)
        explore_ways(scenario, variant, ways_to_try(scenario, variant), effort, 0, NULL, seen, &totals);
    seen_free(seen);
    return totals;
}

/* ------------------------------------------------------------------- the proof */

static struct crash_effort effort_for(const struct scenario *scenario)
{
    struct crash_effort effort = crash_effort_default();

    if (scenario->size == SCENARIO_MANY_VARIANTS) {
        effort.nested_kill_interval *= 16;
        effort.nested_interval *= 16;
    }
    if (scenario->size == SCENARIO_BIG) {
        effort.states.combination_count_max /= 16;
        effort.states.single_count_max /= 64;
        effort.states.group_choice_count_max /= 4;
        effort.states.random_count /= 8;
        effort.states.cut_count_max /= 32;
        effort.nested_kill_interval *= 16;
        effort.nested_interval *= 16;
    }
    return effort;
}

START_TEST(a_crash_at_any_operation_leaves_the_acknowledged_state_or_a_newer_one)
{
    const struct scenario *scenario = &SCENARIOS[_i];
    const char *only = getenv("H5CKPT_CRASH_SCENARIO");
    const struct crash_effort effort = effort_for(scenario);
    const double begin = seconds_now();

    if (only != NULL && strcmp(only, scenario->name) != 0)
        return;
    const struct crash_totals totals = explore_variants(scenario, &effort);

    printf("%s: %zu states, %zu of them after a second crash (%.1f s)\n", scenario->name, totals.state_count,
           totals.nested_state_count, seconds_now() - begin);
    fflush(stdout);
    shared->all.state_count += totals.state_count;
    shared->all.nested_state_count += totals.nested_state_count;
    shared->scenario_count++;
    ck_assert_msg(totals.violation_count == 0, "%zu violations, the first: %s", totals.violation_count,
                  totals.first_violation);
}
END_TEST

START_TEST(as_many_states_were_tried_as_the_form_promises)
{
    const uint64_t least = form_count(0, 50000, 1000000);

    printf("in all: %zu states, %zu of them after a second crash\n", shared->all.state_count,
           shared->all.nested_state_count);
    if (shared->scenario_count == SCENARIO_COUNT) /* and not only those that somebody chose */
        ck_assert_uint_ge(shared->all.state_count, least);
}
END_TEST

/* ------------------------------------------------------------ it is able to fail */

static void assert_a_state_is_lost(const char *scenario_name, unsigned lies, const char *lie_prefix)
{
    const struct scenario *scenario = scenario_named(scenario_name);
    struct crash_effort effort = crash_effort_default();
    struct crash_totals totals = {0};
    struct seen *seen = seen_new();

    effort.nested_kill_interval = 1;
    ck_assert_ptr_nonnull(scenario);
    effort.violation_count_max = SIZE_MAX;
    effort.lost_count_max = 1;
    for (unsigned variant = 0; variant < scenario->variant_count; variant++)
        explore_ways(scenario, variant, 1, &effort, lies, lie_prefix, seen, &totals);
    seen_free(seen);
    printf("sabotaged, %zu states: %s\n", totals.state_count, totals.first_loss);
    fflush(stdout);
    ck_assert_uint_ge(totals.lost_count, 1);
}

START_TEST(states_are_lost_where_the_base_is_overwritten)
{
    rules = RULE_A_OFF;
    assert_a_state_is_lost("first saves", 0, NULL);
}
END_TEST

START_TEST(states_are_lost_where_the_base_is_taken_for_durable)
{
    rules = RULE_B_OFF;
    assert_a_state_is_lost("failed flush, then restart", 0, NULL);
}
END_TEST

START_TEST(states_are_lost_where_the_base_is_verified_in_the_cache_only)
{
    assert_a_state_is_lost("failed flush, then restart", SIMFS_LIE_DIRECT_READS_SEE_CACHE, NULL);
}
END_TEST

/* Where a restore made the base durable, the save does not look for itself. */
START_TEST(states_are_lost_where_a_restore_verifies_in_the_cache_only)
{
    assert_a_state_is_lost("failed flush, restart, restore past the cache", SIMFS_LIE_DIRECT_READS_SEE_CACHE, NULL);
}
END_TEST

START_TEST(states_are_lost_where_slots_are_not_flushed)
{
    assert_a_state_is_lost("first saves", SIMFS_LIE_FILE_FLUSHES, "slot-");
}
END_TEST

START_TEST(states_are_lost_where_the_directory_is_not_flushed)
{
    assert_a_state_is_lost("first saves", SIMFS_LIE_DIRECTORY_FLUSHES, NULL);
}
END_TEST

START_TEST(milestones_are_lost_where_a_slot_with_another_link_is_overwritten)
{
    rules = RULE_D_OFF;
    assert_a_state_is_lost("keep and save", 0, NULL);
}
END_TEST

START_TEST(milestones_are_lost_where_copies_are_not_flushed)
{
    assert_a_state_is_lost("keep and save, without links", SIMFS_LIE_FILE_FLUSHES, "milestone");
}
END_TEST

START_TEST(states_are_lost_in_a_deletion_where_the_lock_is_not_flushed)
{
    assert_a_state_is_lost("deletion and a new run", SIMFS_LIE_FILE_FLUSHES, "lock");
}
END_TEST

static void keep_rules(void)
{
    rules = RULES_KEPT;
}

int main(void)
{
    Suite *suite = suite_create("crash states");
    TCase *proof = tcase_create("proof"), *total = tcase_create("total"), *sabotage = tcase_create("sabotage");

    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return EXIT_FAILURE;
    tcase_set_timeout(proof, TIMEOUT_SECONDS);
    tcase_add_loop_test(proof, a_crash_at_any_operation_leaves_the_acknowledged_state_or_a_newer_one, 0,
                        (int)SCENARIO_COUNT);
    tcase_add_test(total, as_many_states_were_tried_as_the_form_promises);
    tcase_set_timeout(sabotage, TIMEOUT_SECONDS);
    tcase_add_checked_fixture(sabotage, keep_rules, keep_rules);
    tcase_add_test(sabotage, states_are_lost_where_the_base_is_overwritten);
    tcase_add_test(sabotage, states_are_lost_where_the_base_is_taken_for_durable);
    tcase_add_test(sabotage, states_are_lost_where_the_base_is_verified_in_the_cache_only);
    tcase_add_test(sabotage, states_are_lost_where_a_restore_verifies_in_the_cache_only);
    tcase_add_test(sabotage, states_are_lost_where_slots_are_not_flushed);
    tcase_add_test(sabotage, states_are_lost_where_the_directory_is_not_flushed);
    tcase_add_test(sabotage, milestones_are_lost_where_a_slot_with_another_link_is_overwritten);
    tcase_add_test(sabotage, milestones_are_lost_where_copies_are_not_flushed);
    tcase_add_test(sabotage, states_are_lost_in_a_deletion_where_the_lock_is_not_flushed);
    suite_add_tcase(suite, proof);
    suite_add_tcase(suite, total);
    suite_add_tcase(suite, sabotage);
    return suite_run(suite);
}
