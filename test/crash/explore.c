/* SPDX-License-Identifier: MIT */
/*
 * explore.c: walks the log of a scenario. `replica` is the file system as it was before the operation that comes next;
 * of it, images are made, tried and dropped.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash/internal.h"
#include "crash/schedule.h"
#include "crash/seen.h"
#include "support/form.h"

enum {
    NESTED_NUMBER = 240, /* of the state saved after a crash at depth 0 */
    SEED = 20,
};

static uint64_t draw(struct crash *crash, uint64_t bound)
{
    crash->random = seen_mix(crash->random);
    return crash->random % bound;
}

/* ------------------------------------------------------------------- one state */

static void explore(struct crash *crash, unsigned depth, struct simfs *replica, const struct simfs *log,
                    struct expectation expected);

/* (8): recover in `live`, a copy of the state, save, and crash that. */
static void check_nested(struct crash *crash, unsigned depth, struct expectation *expected)
{
    struct level *level = &crash->level[depth];
    const uint64_t number = NESTED_NUMBER + depth;
    const bool lost_permitted = expected->lost_permitted;
    h5ckpt_status status = H5CKPT_OK;
    int restored;

    simfs_image_after_kill(level->live, level->states.image);
    simfs_use(crash->fs = level->live);
    simfs_mark(level->live, MARK_BEGIN, crash->slots);
    restored = open_and_restore(crash, expected, H5CKPT_READ_WRITE);
    if (restored == 0 && lost_permitted)
        status = h5ckpt_start_over(crash->store);
    if (restored != NOT_RESTORED && status == H5CKPT_OK)
        status = wait_for_save(crash, save_state(crash, number));
    if (status == H5CKPT_HISTORY_FULL && crash->may_be_full)
        status = H5CKPT_OK;
    if (status != H5CKPT_OK)
        violation(crash, expected, VIOLATION_OTHER, "the next save: %s: %s", h5ckpt_status_name(status),
                  h5ckpt_message(crash->store));
    else if (restored != NOT_RESTORED)
        check_slot_count(crash, expected);
    close_store(crash);
    simfs_kill(level->live);
    check_names(crash, expected);
    explore(crash, depth + 1, level->states.image, level->live, *expected);
}

/* Were there so many violations that more tell nothing new? */
static bool enough(const struct crash *crash)
{
    return crash->totals->violation_count >= crash->effort->violation_count_max ||
           crash->totals->lost_count >= crash->effort->lost_count_max;
}

/* Is this a state to crash again? By default every one of a kill between two calls, and a sample of the others. */
static bool is_nested(const struct crash *crash, unsigned depth, enum crash_kind kind, uint64_t key)
{
    const size_t interval = crash->effort->nested_interval;

    if (depth == DEPTH_MAX || interval == 0)
        return false;
    if (depth == 0 && kind == KILL_BETWEEN_CALLS)
        return key % crash->effort->nested_kill_interval == 0;
    return key % (depth == 0 ? interval : interval * 16) == 0;
}

/* Try the state in level[depth].states.image. */
static void try_state(struct crash *crash, unsigned depth, struct expectation expected, enum crash_kind kind)
{
    struct level *level = &crash->level[depth];
    const uint64_t key = seen_mix(simfs_fingerprint(level->states.image) ^ seen_mix(expectation_digest(&expected)) ^
                                  (kind == POWER_CUT));

    if (enough(crash) || !seen_is_new(crash->seen, key))
        return;
    crash->totals->state_count++;
    crash->totals->nested_state_count += depth > 0;
    crash->now.depth = depth;
    crash->slots = expected.slots;
    simfs_use(crash->fs = level->states.image);
    if (seen_mix(key) % 8 == 0)
        check_beside(crash, &expected);
    if (kind == KILL_BETWEEN_CALLS || kind == KILL_INSIDE_A_WRITE)
        check_beside_writer(crash, &expected);
    if (is_nested(crash, depth, kind, seen_mix(key) / 8)) {
        check_nested(crash, depth, &expected);
        return;
    }
    if (open_and_restore(crash, &expected, H5CKPT_READ_WRITE) == 0 && !expected.lost_permitted)
        check_no_slots(crash, &expected);
    close_store(crash);
    check_names(crash, &expected);
}

/* ----------------------------------------------------------------- the crashes */

/* What one crash can leave; the level says of which process, and what must hold. */
static void found_state(void *context, enum crash_kind kind)
{
    const struct level *level = context;
    struct crash *crash = level->crash;
    struct expectation expected = *level->expected;

    if (kind == POWER_CUT)
        expect_power_cut(&expected);
    snprintf(crash->now.what, sizeof crash->now.what, "%s", level->states.what);
    try_state(crash, (unsigned)(level - crash->level), expected, kind);
}

/* Of the crash of a recovery less is tried, of that recovery's recovery less still. */
static struct states_effort effort_at(const struct crash *crash, unsigned depth)
{
    struct states_effort effort = crash->effort->states;

    for (unsigned i = 0; i < depth; i++) {
        effort.combination_count_max /= 32;
        effort.single_count_max /= 64;
        effort.group_choice_count_max /= 16;
        effort.random_count /= 16;
        effort.cut_count_max /= 64;
    }
    return effort;
}

/* Two writes to a slot that a team may have on their way at once: no record, and none of the other's bytes. */
static bool may_change_places(const struct simfs_op *one, const struct simfs_op *other)
{
    return one->kind == SIMFS_WRITE && other->kind == SIMFS_WRITE && one->inode == other->inode && one->offset > 0 &&
           other->offset > 0 &&
           (one->offset + one->byte_count <= other->offset || other->offset + other->byte_count <= one->offset);
}

/* The operations of a log, in an order in which they could have been made just as well. */
static const struct simfs_op **order_of(struct crash *crash, const struct simfs *log)
{
    const size_t count = simfs_op_count(log);
    const struct simfs_op **order = zeroed_or_abort(count + 1, sizeof *order);

    for (size_t i = 0; i < count; i++) {
        order[i] = simfs_op_at(log, i);
        for (size_t j = i; j > 0 && may_change_places(order[j - 1], order[j]) && draw(crash, 2) == 0; j--) {
            const struct simfs_op *later = order[j - 1];
            order[j - 1] = order[j];
            order[j] = later;
        }
    }
    return order;
}

/* Crash before every operation of `log`, inside every write, and at the end. Changes `replica`. */
static void explore(struct crash *crash, unsigned depth, struct simfs *replica, const struct simfs *log,
                    struct expectation expected)
{
    const struct simfs_op **order = order_of(crash, log);
    struct level *level = &crash->level[depth];
    struct states *states = &level->states;

    states->effort = effort_at(crash, depth);
    level->expected = &expected;
    crash->now.log[depth] = log;
    for (size_t i = 0; i <= simfs_op_count(log) && !enough(crash); i++) {
        const struct simfs_op *op = order[i];
        if (op == NULL || op->kind != SIMFS_MARK || (i > 0 && order[i - 1]->kind != SIMFS_MARK)) {
            crash->now.op_index[depth] = i;
            describe_operation(op, crash->now.operation, sizeof crash->now.operation);
            states_of_kill(states, replica, expected.flush_failed ? STATES_CACHE_MAY_DIFFER : STATES_CACHE_IS_DEVICE);
            states_of_power_cuts(states, replica);
        }
        if (op == NULL)
            break;
        if (op->kind == SIMFS_WRITE)
            states_of_cuts(states, replica, op);
        expect_after(&expected, op);
        simfs_replay(replica, op);
    }
    free(order);
    crash->now.op_index[depth] = 0;
}

/* --------------------------------------------------------------------- program */

struct crash_effort crash_effort_default(void)
{
    return (struct crash_effort){
        .states.combination_count_max = form_count(2, 64, 256),
        .states.single_count_max = form_count(1, 32, 128),
        .states.group_choice_count_max = form_count(1, 16, 64),
        .states.random_count = form_count(1, 8, 32),
        .states.cut_count_max = form_count(1, 32, 128),
        .nested_kill_interval = form_count(512, 16, 1),
        .nested_interval = form_count(4096, 4096, 128),
        .violation_count_max = 100,
        .lost_count_max = SIZE_MAX,
    };
}

void crash_explore(const char *name, crash_scenario *scenario, unsigned variant, const struct crash_way *way,
                   const struct crash_effort *effort, unsigned lies, const char *lie_prefix, struct seen *seen,
                   struct crash_totals *totals)
{
    struct crash *crash = zeroed_or_abort(1, sizeof *crash);
    struct simfs *live = simfs_new(SEED), *replica = simfs_new(SEED);
    const struct system_calls *before = system_calls;

    system_calls = &simfs_calls;
    simfs_before_change(schedule_yield);
    schedule_begin(SEED + variant, way->no_threads ? SCHEDULE_NO_THREADS : SCHEDULE_THREADS);
    *crash =
        (struct crash){.name = name, .variant = variant, .way = way, .effort = effort, .seen = seen, .totals = totals};
    for (unsigned depth = 0; depth <= DEPTH_MAX; depth++) {
        struct level *level = &crash->level[depth];
        *level = (struct level){.crash = crash, .live = simfs_new(SEED)};
        level->states = (struct states){.random = &crash->random, .found = found_state, .context = level};
        states_begin(&level->states, SEED);
    }
    simfs_set_lies(live, lies, lie_prefix);
    simfs_set_lies(replica, lies, lie_prefix);
    simfs_use(crash->fs = live);
    forget_restores();
    scenario(crash, variant);
    crash->killed = true;
    simfs_kill(live);
    close_store(crash);
    simfs_set_fault(live, NULL);
    explore(crash, 0, replica, live, expectation_of_nothing());

    for (unsigned depth = 0; depth <= DEPTH_MAX; depth++) {
        states_end(&crash->level[depth].states);
        simfs_free(crash->level[depth].live);
    }
    simfs_free(replica);
    simfs_free(live);
    free(crash);
    schedule_end();
    simfs_before_change(NULL);
    system_calls = before;
}
