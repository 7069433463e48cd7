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
    UNIT_COUNT_MAX = 1 << 14,
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

    simfs_image_after_kill(level->live, level->image);
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
    explore(crash, depth + 1, level->image, level->live, *expected);
}

/* Were there so many violations that more tell nothing new? */
static bool enough(const struct crash *crash)
{
    return crash->totals->violation_count >= crash->effort->violation_count_max ||
           crash->totals->lost_count >= crash->effort->lost_count_max;
}

enum crash_kind { KILL_BETWEEN_CALLS = 1, KILL_INSIDE_A_WRITE, POWER_CUT };

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

/* Try the state in level[depth].image. */
static void try_state(struct crash *crash, unsigned depth, struct expectation expected, enum crash_kind kind)
{
    struct level *level = &crash->level[depth];
    const uint64_t key =
        seen_mix(simfs_fingerprint(level->image) ^ seen_mix(expectation_digest(&expected)) ^ (kind == POWER_CUT));

    if (enough(crash) || !seen_is_new(crash->seen, key))
        return;
    crash->totals->state_count++;
    crash->totals->nested_state_count += depth > 0;
    crash->now.depth = depth;
    crash->slots = expected.slots;
    simfs_use(crash->fs = level->image);
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

/* Of all operations so far. */
static void try_kill(struct crash *crash, unsigned depth, const struct simfs *replica,
                     const struct expectation *expected)
{
    struct simfs *image = crash->level[depth].image;

    simfs_image_after_kill(image, replica);
    snprintf(crash->now.what, sizeof crash->now.what, "kill");
    try_state(crash, depth, *expected, KILL_BETWEEN_CALLS);
    if (!expected->flush_failed)
        return; /* where the cache is clean, it holds what the device does */
    for (int some = 0; some <= 1; some++) {
        simfs_image_after_kill(image, replica);
        simfs_evict(image, some ? SIMFS_SURVIVE_SOME : SIMFS_SURVIVE_NONE);
        snprintf(crash->now.what, sizeof crash->now.what, "kill, and %s clean pages were evicted",
                 some ? "some" : "all");
        try_state(crash, depth, *expected, KILL_BETWEEN_CALLS);
    }
}

/* Inside a write, at sectors: all, or so many of them at random. */
static void try_cuts(struct crash *crash, unsigned depth, const struct simfs *replica, const struct simfs_op *op,
                     const struct expectation *expected)
{
    const size_t cut_count = (op->byte_count - 1) / SIMFS_SECTOR_BYTES;
    const size_t tried_count = cut_count < crash->effort->cut_count_max ? cut_count : crash->effort->cut_count_max;

    for (size_t i = 0; i < tried_count; i++) {
        size_t cut = tried_count == cut_count ? i : draw(crash, cut_count);
        simfs_image_after_kill(crash->level[depth].image, replica);
        simfs_replay_part(crash->level[depth].image, op, (cut + 1) * SIMFS_SECTOR_BYTES);
        snprintf(crash->now.what, sizeof crash->now.what, "kill inside it, after %zu sectors", cut + 1);
        try_state(crash, depth, *expected, KILL_INSIDE_A_WRITE);
    }
}

/* "Sizes, names and sectors in flight": the version of each, the newest as '*'. */
static void describe_power_cut(struct crash *crash, const struct simfs_unit *unit, const unsigned *version,
                               size_t unit_count)
{
    size_t length = (size_t)snprintf(crash->now.what, sizeof crash->now.what, "power cut");
    uint64_t inode = 0;

    for (size_t i = 0; i < unit_count && length + 24 < sizeof crash->now.what; i++) {
        if (unit[i].inode != inode)
            length += (size_t)snprintf(crash->now.what + length, sizeof crash->now.what - length,
                                       "; inode %" PRIu64 ": ", unit[i].inode);
        inode = unit[i].inode;
        crash->now.what[length++] = version[i] + 1 == unit[i].version_count ? '*' : (char)('0' + version[i] % 10);
        crash->now.what[length] = '\0';
    }
}

static void try_power_cut(struct crash *crash, unsigned depth, const struct simfs *replica, size_t unit_count,
                          const struct expectation *expected)
{
    struct level *level = &crash->level[depth];
    struct expectation after = *expected;

    simfs_image_after_power_cut(level->image, replica, level->unit, level->version, unit_count);
    expect_power_cut(&after);
    describe_power_cut(crash, level->unit, level->version, unit_count);
    try_state(crash, depth, after, POWER_CUT);
}

static void choose_all(struct level *level, size_t unit_count, bool newest)
{
    for (size_t i = 0; i < unit_count; i++)
        level->version[i] = newest ? level->unit[i].version_count - 1 : 0;
}

/* The combinations of all versions, or SIZE_MAX if they are more than `count_max`. */
static size_t combination_count(const struct level *level, size_t unit_count, size_t count_max)
{
    size_t count = 1;

    for (size_t i = 0; i < unit_count; i++) {
        count *= level->unit[i].version_count;
        if (count > count_max)
            return SIZE_MAX;
    }
    return count;
}

static void try_combinations(struct crash *crash, unsigned depth, const struct simfs *replica, size_t unit_count,
                             const struct expectation *expected)
{
    struct level *level = &crash->level[depth];
    size_t i = 0;

    choose_all(level, unit_count, false);
    do {
        try_power_cut(crash, depth, replica, unit_count, expected);
        for (i = 0; i < unit_count && ++level->version[i] == level->unit[i].version_count; i++)
            level->version[i] = 0;
    } while (i < unit_count);
}

/* Each unit alone, the others all durable or all newest. */
static void try_singles(struct crash *crash, unsigned depth, const struct simfs *replica, size_t unit_count,
                        const struct expectation *expected)
{
    struct level *level = &crash->level[depth];
    const size_t count_max = crash->effort->single_count_max;
    const size_t tried_count = unit_count < count_max ? unit_count : count_max;

    for (int newest = 0; newest <= 1; newest++) {
        choose_all(level, unit_count, newest);
        try_power_cut(crash, depth, replica, unit_count, expected);
        for (size_t i = 0; i < tried_count; i++) {
            size_t at = tried_count == unit_count ? i : draw(crash, unit_count);
            unsigned others = level->version[at];
            for (unsigned version = 0; version < level->unit[at].version_count; version++) {
                level->version[at] = version;
                if (version != others)
                    try_power_cut(crash, depth, replica, unit_count, expected);
            }
            level->version[at] = others;
        }
    }
}

/* All of a file or none, each name, in all combinations or some. */
static void try_groups(struct crash *crash, unsigned depth, const struct simfs *replica, size_t unit_count,
                       const struct expectation *expected)
{
    struct level *level = &crash->level[depth];
    size_t group_count = 0;

    for (size_t i = 0; i < unit_count; i++)
        group_count +=
            i == 0 || level->unit[i].kind != SIMFS_UNIT_SECTOR || level->unit[i - 1].inode != level->unit[i].inode;
    const size_t choice_count_max = crash->effort->group_choice_count_max;
    const bool all = group_count < 32 && UINT64_C(1) << group_count <= choice_count_max;
    for (uint64_t choice = 0; choice < (all ? UINT64_C(1) << group_count : choice_count_max); choice++) {
        uint64_t bits = all ? choice : draw(crash, UINT64_MAX);
        size_t group = 0;
        for (size_t i = 0; i < unit_count; i++) {
            group +=
                i > 0 && (level->unit[i].kind != SIMFS_UNIT_SECTOR || level->unit[i - 1].inode != level->unit[i].inode);
            level->version[i] = (bits >> group % 64 & 1) != 0 ? level->unit[i].version_count - 1 : 0;
        }
        try_power_cut(crash, depth, replica, unit_count, expected);
    }
}

/* Random versions: half of what is in flight durable, or nearly all, or hardly any. */
static void try_random(struct crash *crash, unsigned depth, const struct simfs *replica, size_t unit_count,
                       const struct expectation *expected)
{
    struct level *level = &crash->level[depth];

    for (size_t n = 0; n < crash->effort->random_count; n++) {
        const uint64_t eighths = (uint64_t[]){4, 1, 7}[n % 3];
        for (size_t i = 0; i < unit_count; i++)
            level->version[i] =
                draw(crash, 8) >= eighths ? 0 : 1 + (unsigned)draw(crash, level->unit[i].version_count - 1);
        try_power_cut(crash, depth, replica, unit_count, expected);
    }
}

static void try_power_cuts(struct crash *crash, unsigned depth, const struct simfs *replica,
                           const struct expectation *expected)
{
    struct level *level = &crash->level[depth];
    size_t unit_count = simfs_units_in_flight(replica, level->unit, UNIT_COUNT_MAX);

    if (unit_count > UNIT_COUNT_MAX) {
        fputs("crash: too much in flight\n", stderr);
        abort();
    }
    if (combination_count(level, unit_count, crash->effort->combination_count_max) != SIZE_MAX) {
        try_combinations(crash, depth, replica, unit_count, expected);
        return;
    }
    try_singles(crash, depth, replica, unit_count, expected);
    try_groups(crash, depth, replica, unit_count, expected);
    try_random(crash, depth, replica, unit_count, expected);
}

static struct crash_effort less_effort(const struct crash_effort *effort)
{
    struct crash_effort less = *effort;

    less.combination_count_max /= 32;
    less.single_count_max /= 64;
    less.group_choice_count_max /= 16;
    less.random_count /= 16;
    less.cut_count_max /= 64;
    return less;
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
    const struct crash_effort *const effort = crash->effort;
    const struct crash_effort less = less_effort(effort);
    const struct simfs_op **order = order_of(crash, log);

    crash->effort = depth == 0 ? effort : &less;
    crash->now.log[depth] = log;
    for (size_t i = 0; i <= simfs_op_count(log) && !enough(crash); i++) {
        const struct simfs_op *op = order[i];
        if (op == NULL || op->kind != SIMFS_MARK || (i > 0 && order[i - 1]->kind != SIMFS_MARK)) {
            crash->now.op_index[depth] = i;
            describe_operation(op, crash->now.operation, sizeof crash->now.operation);
            try_kill(crash, depth, replica, &expected);
            try_power_cuts(crash, depth, replica, &expected);
        }
        if (op == NULL)
            break;
        if (op->kind == SIMFS_WRITE)
            try_cuts(crash, depth, replica, op, &expected);
        expect_after(&expected, op);
        simfs_replay(replica, op);
    }
    free(order);
    crash->now.op_index[depth] = 0;
    crash->effort = effort;
}

/* --------------------------------------------------------------------- program */

struct crash_effort crash_effort_default(void)
{
    return (struct crash_effort){
        .combination_count_max = form_count(8, 64, 256),
        .single_count_max = form_count(2, 32, 128),
        .group_choice_count_max = form_count(4, 16, 64),
        .random_count = form_count(2, 8, 32),
        .cut_count_max = form_count(2, 32, 128),
        .nested_kill_interval = form_count(64, 16, 1),
        .nested_interval = form_count(64, 4096, 128),
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
        crash->level[depth].image = simfs_new(SEED);
        crash->level[depth].live = simfs_new(SEED);
        crash->level[depth].unit = zeroed_or_abort(UNIT_COUNT_MAX, sizeof(struct simfs_unit));
        crash->level[depth].version = zeroed_or_abort(UNIT_COUNT_MAX, sizeof(unsigned));
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
        simfs_free(crash->level[depth].image);
        simfs_free(crash->level[depth].live);
        free(crash->level[depth].unit);
        free(crash->level[depth].version);
    }
    simfs_free(replica);
    simfs_free(live);
    free(crash);
    schedule_end();
    simfs_before_change(NULL);
    system_calls = before;
}
