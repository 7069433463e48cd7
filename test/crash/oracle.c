/* SPDX-License-Identifier: MIT */
/*
 * oracle.c: what must hold in every state; the numbers are those of crash.h.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash/internal.h"

/* -------------------------------------------------------------------- messages */

void describe_operation(const struct simfs_op *op, char *text, size_t byte_count)
{
    if (op == NULL)
        snprintf(text, byte_count, "the end");
    else if (op->kind == SIMFS_MARK)
        snprintf(text, byte_count, "%s %" PRIu64, MARK_NAME[op->mark], op->value);
    else
        snprintf(text, byte_count, "%s '%s'%s%s (inode %" PRIu64 ", %zu bytes at %" PRIu64 ")", simfs_op_name(op->kind),
                 op->name, *op->to == '\0' ? "" : " to ", op->to, op->inode, op->byte_count, op->offset);
}

static void print_log(const struct simfs *log)
{
    char text[192];

    for (size_t i = 0; i < simfs_op_count(log); i++) {
        describe_operation(simfs_op_at(log, i), text, sizeof text);
        fprintf(stderr, "  %3zu %s\n", i, text);
    }
}

static void describe_violation(const struct crash *crash, const struct expectation *expected, const char *fact,
                               char *text, size_t byte_count)
{
    char permitted[160] = "";

    if (expected != NULL)
        list_permitted(expected, permitted, sizeof permitted);
    snprintf(text, byte_count,
             "%s, %s, variant %u: %s; permitted: %s. Depth %u, before operation %zu (then %zu, %zu), %s; %s",
             crash->name, crash->way->name, crash->variant, fact, permitted, crash->now.depth, crash->now.op_index[0],
             crash->now.op_index[1], crash->now.op_index[2], crash->now.operation, crash->now.what);
}

void violation(struct crash *crash, const struct expectation *expected, enum violation_kind kind, const char *format,
               ...)
{
    struct crash_totals *totals = crash->totals;
    char fact[384];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(fact, sizeof fact, format, arguments);
    va_end(arguments);
    if (kind == VIOLATION_LOSS && totals->lost_count++ == 0)
        describe_violation(crash, expected, fact, totals->first_loss, sizeof totals->first_loss);
    if (totals->violation_count++ > 0)
        return;
    describe_violation(crash, expected, fact, totals->first_violation, sizeof totals->first_violation);
    for (unsigned depth = 0; getenv("H5CKPT_CRASH_LOG") != NULL && depth <= crash->now.depth; depth++) {
        fprintf(stderr, "log at depth %u:\n", depth);
        print_log(crash->now.log[depth]);
    }
}

/* ---------------------------------------------------------------------- judging */

static bool permits_schema(const struct crash *crash, const struct expectation *expected, enum model_schema schema)
{
    for (uint64_t number = 1; number <= MODEL_NUMBER_MAX; number++)
        if (permits(expected, number) && crash->schema_of[number] == schema)
            return true;
    return false;
}

/* Judge what a restore answered. Returns the number of the state, 0 for none; NOT_RESTORED if there was a violation. */
static int judge(struct crash *crash, const struct expectation *expected, h5ckpt_status status)
{
    const struct h5ckpt_progress progress = h5ckpt_progress(crash->store);
    const uint64_t number = progress.step;

    if (status == H5CKPT_NO_CHECKPOINT || status == H5CKPT_E_LOST) {
        if (!(status == H5CKPT_NO_CHECKPOINT ? expected->none_permitted : expected->lost_permitted))
            violation(crash, expected, VIOLATION_LOSS, "%s: %s", h5ckpt_status_name(status),
                      h5ckpt_message(crash->store));
        else if (!model_is_spoilt(crash->schema))
            violation(crash, expected, VIOLATION_OTHER, "%s, but memory was touched", h5ckpt_status_name(status));
        else
            return 0;
        return NOT_RESTORED;
    }
    if (status == H5CKPT_E_OVERTAKEN && crash->beside_writer && expected->lost_permitted)
        return NOT_RESTORED; /* what is left is being replaced just now */
    if (status != H5CKPT_OK && status != H5CKPT_FELL_BACK)
        violation(crash, expected, VIOLATION_OTHER, "%s: %s", h5ckpt_status_name(status), h5ckpt_message(crash->store));
    else if (number == 0 || number > MODEL_NUMBER_MAX || !permits(expected, number))
        violation(crash, expected, VIOLATION_LOSS, "state %" PRIu64 " was restored", number);
    else if (!model_is(crash->schema, number) || crash->schema_of[number] != crash->schema)
        violation(crash, expected, VIOLATION_OTHER, "a mixture was restored, as state %" PRIu64, number);
    else if (!crash->reads_only && !rows_are(crash, number))
        violation(crash, expected, VIOLATION_OTHER, "state %" PRIu64 " was restored with another's history", number);
    else if (!model_is_progress(&progress, number))
        violation(crash, expected, VIOLATION_OTHER, "state %" PRIu64 " was restored with another's progress", number);
    else if (status == H5CKPT_FELL_BACK && !expected->fall_back_permitted)
        violation(crash, expected, VIOLATION_OTHER, "state %" PRIu64 " was called a fall-back: %s", number,
                  h5ckpt_message(crash->store));
    else
        return (int)number;
    return NOT_RESTORED;
}

/* (9) */
struct milestones_seen {
    struct crash *crash;
    const struct expectation *expected;
    unsigned count;
};

static void judge_milestone(void *context, const struct h5ckpt_milestone *milestone)
{
    struct milestones_seen *seen = context;
    const uint64_t number = milestone->progress.step;

    seen->count++;
    if (strcmp(milestone->name, CRASH_MILESTONE) != 0)
        violation(seen->crash, seen->expected, VIOLATION_OTHER, "there is a milestone '%s'", milestone->name);
    else if (milestone->state != H5CKPT_SLOT_INTACT)
        violation(seen->crash, seen->expected, VIOLATION_LOSS, "the milestone is %s: %s",
                  h5ckpt_slot_state_name(milestone->state), milestone->reason);
    else if (number > MODEL_NUMBER_MAX || !permits_milestone(seen->expected, number))
        violation(seen->crash, seen->expected, VIOLATION_LOSS, "the milestone is state %" PRIu64, number);
}

static void check_milestones(struct crash *crash, const struct expectation *expected)
{
    struct milestones_seen seen = {crash, expected, 0};
    const h5ckpt_status status = h5ckpt_list_milestones(crash->store, H5CKPT_ALL_BYTES, judge_milestone, &seen);

    if (status != H5CKPT_OK)
        violation(crash, expected, VIOLATION_OTHER, "milestones: %s: %s", h5ckpt_status_name(status),
                  h5ckpt_message(crash->store));
    else if (seen.count == 0 && !expected->no_milestone)
        violation(crash, expected, VIOLATION_LOSS, "the milestone is gone");
}

int open_and_restore(struct crash *crash, const struct expectation *expected, enum h5ckpt_mode mode)
{
    h5ckpt_status status = H5CKPT_E_SCHEMA;
    int number;

    for (int schema = MODEL_SCHEMA_COUNT - 1; schema >= 0 && status == H5CKPT_E_SCHEMA; schema--) {
        if (!permits_schema(crash, expected, (enum model_schema)schema) &&
            (schema != MODEL_SMALL || crash->store != NULL))
            continue;
        close_store(crash);
        status = open_store(crash, mode, (enum model_schema)schema);
        if (status != H5CKPT_OK) {
            violation(crash, expected, VIOLATION_OTHER, "open: %s: %s", h5ckpt_status_name(status),
                      h5ckpt_message(crash->store));
            return NOT_RESTORED;
        }
        model_spoil(crash->schema);
        status = restore_somehow(crash->store, NULL);
        if (status == H5CKPT_E_SCHEMA && !model_is_spoilt(crash->schema)) {
            violation(crash, expected, VIOLATION_OTHER, "variables do not fit, but memory was touched");
            return NOT_RESTORED;
        }
    }
    crash->reads_only = mode == H5CKPT_READ_ONLY;
    rows_restored(crash, h5ckpt_progress(crash->store).step);
    number = judge(crash, expected, status);
    check_milestones(crash, expected);
    return number;
}

/* (5): our names only; with a writer at work or gone, none that is being filled. */
void check_names(struct crash *crash, const struct expectation *expected)
{
    static const char *const KNOWN[] = {"lock",      "checkpoint.h5", "slot-a.h5",
                                        "slot-b.h5", "slot-c.h5",     "milestone-" CRASH_MILESTONE ".h5"};
    const char *name;

    for (size_t i = 0; (name = simfs_name_at(crash->fs, CRASH_DIRECTORY, i)) != NULL; i++) {
        bool known = false;
        for (size_t j = 0; j < sizeof KNOWN / sizeof *KNOWN; j++)
            known |= strcmp(name, KNOWN[j]) == 0;
        if (!known)
            violation(crash, expected, VIOLATION_OTHER, "'%s' was left in the directory", name);
    }
}

/* (5), where there is no checkpoint: what a first save that never succeeded left behind is gone. */
void check_no_slots(struct crash *crash, const struct expectation *expected)
{
    const char *name;

    for (size_t i = 0; (name = simfs_name_at(crash->fs, CRASH_DIRECTORY, i)) != NULL; i++)
        if (strncmp(name, "slot-", 5) == 0)
            violation(crash, expected, VIOLATION_OTHER, "there is no checkpoint, but '%s'", name);
}

/* (5), after a save: as many slots as the mode has. */
void check_slot_count(struct crash *crash, const struct expectation *expected)
{
    const char *name;
    unsigned count = 0;

    for (size_t i = 0; (name = simfs_name_at(crash->fs, CRASH_DIRECTORY, i)) != NULL; i++)
        count += strncmp(name, "slot-", 5) == 0;
    if (count > crash->slots)
        violation(crash, expected, VIOLATION_OTHER, "%u slots after a save with slots = %u", count, crash->slots);
}

/* (7) */
static void check_intact_count(struct crash *crash, const struct expectation *expected)
{
    struct h5ckpt_report report;
    unsigned count = 0;

    if (intact_count_min(expected) == 0 ||
        h5ckpt_inspect(crash->store, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report) < 0)
        return;
    for (unsigned i = 0; i < report.slot_count; i++)
        count += report.slot[i].state == H5CKPT_SLOT_INTACT;
    if (count < intact_count_min(expected))
        violation(crash, expected, VIOLATION_OTHER, "%u states are intact, not %u", count, intact_count_min(expected));
}

/* (6) and (7) */
void check_beside(struct crash *crash, const struct expectation *expected)
{
    const size_t op_count = simfs_op_count(crash->fs);

    if (open_and_restore(crash, expected, H5CKPT_READ_ONLY) != NOT_RESTORED)
        check_intact_count(crash, expected);
    close_store(crash);
    for (size_t i = op_count; i < simfs_op_count(crash->fs); i++)
        if (simfs_op_at(crash->fs, i)->kind != SIMFS_WRITE_BACK) /* which the kernel does when it likes */
            violation(crash, expected, VIOLATION_OTHER, "a reader changed something: %s",
                      simfs_op_name(simfs_op_at(crash->fs, i)->kind));
}

/* (6), as if the writer were still alive. */
void check_beside_writer(struct crash *crash, const struct expectation *expected)
{
    crash->beside_writer = true;
    simfs_set_held(crash->fs, CRASH_DIRECTORY "/lock", SIMFS_HELD);
    check_beside(crash, expected);
    simfs_set_held(crash->fs, CRASH_DIRECTORY "/lock", SIMFS_NOT_HELD);
    crash->beside_writer = false;
}
