/* SPDX-License-Identifier: MIT */
#include "fuzz/judge.h"

#include <string.h>

#include "fuzz/fuzz.h"

struct judge judge;

const char *const JUDGE_MILESTONE[JUDGE_MILESTONE_COUNT] = {"best", "epoch-1"};

void judge_begin(void)
{
    judge = (struct judge){.expected = expectation_of_nothing()};
    for (unsigned i = 0; i < JUDGE_MILESTONE_COUNT; i++)
        judge.milestone[i].may_be_absent = true;
}

void judge_mark(enum mark mark, uint64_t value)
{
    expect_after(&judge.expected, &(struct simfs_op){.kind = SIMFS_MARK, .mark = (int)mark, .value = value});
    if (mark == MARK_SAVING)
        judge.begun[value] = true;
    if (mark == MARK_SAVED)
        judge.damaged = judge.went_back = judge.deleted_in_part = false;
    judge.deleted_in_part |= mark == MARK_DELETING;
    judge.went_back |= mark == MARK_GOING_BACK;
}

/* A milestone may share its file with a slot. */
void judge_damage(const char *name)
{
    struct expectation *expected = &judge.expected;
    const unsigned intact = intact_count_min(expected);

    if (strncmp(name, "lock", 4) == 0) { /* what is left of the making of one is not known again, without its magic */
        judge.lock_damaged = true;
        judge.lock_damage_count += strcmp(name, "lock") == 0 ? 1 : 2;
        return;
    }
    if (strncmp(name, "checkpoint", 10) == 0 || (strncmp(name, "slot-", 5) == 0 && strstr(name, ".new") != NULL))
        return; /* but milestone.h5.new may be a slot's file */
    judge.damaged = judge.ever_damaged = true;
    for (unsigned i = 0; i < JUDGE_MILESTONE_COUNT; i++)
        judge.milestone[i].may_be_damaged = true;
    expected->acknowledged_in_a_row = intact == 0 ? 0 : intact - 1;
    expected->save_begun = false;
    expected->lost_permitted |= expected->acknowledged_in_a_row == 0;
}

bool judge_permits_foreign(void)
{
    return judge.lock_damage_count > 1 ||
           (judge.lock_damage_count == 1 && (judge.ever_damaged || judge.expected.none_permitted));
}

/* --------------------------------------------------------------------- restores */

static const char *why(const struct judged_restore *restore)
{
    static char text[512];
    char permitted[160];

    list_permitted(&judge.expected, permitted, sizeof permitted);
    snprintf(text, sizeof text, "permitted: %s%s%s; %s: %.200s", permitted, judge.damaged ? " (damage)" : "",
             judge.lock_damaged ? " (of the lock, too)" : "", h5ckpt_status_name(restore->status),
             h5ckpt_message(restore->store));
    return text;
}

/*
 * A damaged lock may say no more that all of it is being deleted: what a power cut has left of that is then found, also
 * by later processes, and when one of them has mended the lock.
 */
static bool half_deleted_may_come(void)
{
    return judge.deleted_in_part && judge.lock_damage_count > 0;
}

static bool older_may_come(const struct judged_restore *restore)
{
    return judge.damaged || restore->device_fails || restore->program->put_fails ||
           (judge.lock_damaged && judge.expected.deleting);
}

/* Nothing was given back. */
static void judge_refusal(const struct judged_restore *restore)
{
    const bool previous = restore->options.which == H5CKPT_PREVIOUS;
    bool permitted = restore->system_fails && restore->status < 0;

    switch (restore->status) {
    case H5CKPT_NO_CHECKPOINT:
        permitted = judge.expected.none_permitted || previous;
        break;
    case H5CKPT_E_LOST:
        permitted |= judge.expected.lost_permitted || previous || judge.lock_damaged || half_deleted_may_come() ||
                     restore->device_fails;
        break;
    case H5CKPT_E_MEMORY_CHANGED:
        permitted |= restore->program->put_fails ||
                     (restore->options.memory == H5CKPT_BLOCKWISE && (judge.damaged || judge.ever_damaged));
        break;
    case H5CKPT_E_SCHEMA:
    case H5CKPT_E_SETTINGS:
        permitted = true;
        break;
    case H5CKPT_E_FOREIGN:
        permitted |= judge_permits_foreign();
        break;
    case H5CKPT_E_OVERTAKEN:
        permitted |= restore->beside_writer;
        break;
    default:
        break;
    }
    fuzz_must(permitted, "%s", why(restore));
    fuzz_must(restore->status == H5CKPT_E_MEMORY_CHANGED || program_is_spoilt(restore->program->mask),
              "memory was touched; %s", why(restore));
}

/* (4) */
static void judge_bytes(const struct judged_restore *restore, uint64_t number)
{
    const unsigned mask = restore->program->mask;
    const bool all = restore->options.match == H5CKPT_EXACT;

    if (!all && judge.mask_differs[number])
        return;
    fuzz_must(!all || judge.mask_differs[number] || judge.mask_of[number] == mask, "other variables than were saved");
    fuzz_must(program_is(all ? mask : mask & judge.mask_of[number], number), "a mixture, as state %" PRIu64 "; %s",
              number, why(restore));
    fuzz_must(all || program_is_spoilt(mask & ~judge.mask_of[number]), "variables that were not saved; %s",
              why(restore));
}

static bool is_the_only_one_permitted(uint64_t number)
{
    for (uint64_t other = 1; other <= JUDGE_NUMBER_MAX; other++)
        if (other != number && permits(&judge.expected, other))
            return false;
    return permits(&judge.expected, number);
}

/* No state is there twice, but for a milestone's, and for work that damage made to be done again. */
static void judge_previous(const struct judged_restore *restore, uint64_t number)
{
    fuzz_must(restore->status == H5CKPT_FELL_BACK || judge.ever_damaged || judge.went_back || restore->system_fails ||
                  !is_the_only_one_permitted(number),
              "state %" PRIu64 ", the newest, was given for the one before it; %s", number, why(restore));
    judge.expected.fall_back_permitted |=
        judge.went_back; /* as long as the record is readable that left this state behind */
}

uint64_t judge_restore(const struct judged_restore *restore)
{
    const h5ckpt_status status = restore->status;
    const uint64_t number = h5ckpt_progress(restore->store).step;

    if (status != H5CKPT_OK && status != H5CKPT_FELL_BACK) {
        judge_refusal(restore);
        return 0;
    }
    fuzz_must(number > 0 && number <= JUDGE_NUMBER_MAX && judge.begun[number], "state %" PRIu64 " never was; %s",
              number, why(restore));
    judge_bytes(restore, number);
    if (restore->options.which == H5CKPT_PREVIOUS) {
        judge_previous(restore, number);
        return number;
    }
    fuzz_must(permits(&judge.expected, number) || (status == H5CKPT_FELL_BACK && older_may_come(restore)) ||
                  half_deleted_may_come(),
              "state %" PRIu64 "; %s", number, why(restore));
    fuzz_must(status == H5CKPT_OK || judge.expected.fall_back_permitted || judge.ever_damaged || judge.lock_damaged ||
                  restore->system_fails || restore->program->put_fails,
              "state %" PRIu64 " was called a fall-back; %s", number, why(restore));
    return number;
}

/* ------------------------------------------------------------------ what is there */

/* (5) */
static void judge_milestone(void *context, const struct h5ckpt_milestone *milestone)
{
    bool *seen = context;
    unsigned i = 0;

    while (i < JUDGE_MILESTONE_COUNT && strcmp(milestone->name, JUDGE_MILESTONE[i]) != 0)
        i++;
    fuzz_must(i < JUDGE_MILESTONE_COUNT, "there is a milestone '%s'", milestone->name);
    seen[i] = true;
    if (judge.milestone[i].may_be_damaged)
        return;
    fuzz_must(milestone->state == H5CKPT_SLOT_INTACT, "milestone '%s' is %s: %s", milestone->name,
              h5ckpt_slot_state_name(milestone->state), milestone->reason);
    fuzz_must(milestone->progress.step <= JUDGE_NUMBER_MAX && judge.milestone[i].is[milestone->progress.step],
              "milestone '%s' is state %" PRIu64, milestone->name, milestone->progress.step);
}

void judge_milestones(h5ckpt_store *store)
{
    bool seen[JUDGE_MILESTONE_COUNT] = {false};
    const h5ckpt_status status = h5ckpt_list_milestones(store, H5CKPT_ALL_BYTES, judge_milestone, seen);

    fuzz_must(status == H5CKPT_OK, "milestones: %s: %s", h5ckpt_status_name(status), h5ckpt_message(store));
    for (unsigned i = 0; i < JUDGE_MILESTONE_COUNT; i++)
        fuzz_must(seen[i] || judge.milestone[i].may_be_absent, "milestone '%s' is gone", JUDGE_MILESTONE[i]);
}

void judge_intact_count(h5ckpt_store *store)
{
    struct h5ckpt_report report;
    unsigned count = 0;

    if (judge.ever_damaged || judge.lock_damaged ||
        h5ckpt_inspect(store, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report) < 0)
        return;
    for (unsigned i = 0; i < report.slot_count; i++)
        count += report.slot[i].state == H5CKPT_SLOT_INTACT;
    fuzz_must(count >= intact_count_min(&judge.expected), "%u states are intact, not %u", count,
              intact_count_min(&judge.expected));
}

void judge_names(const struct simfs *fs)
{
    static const char *const KNOWN[] = {"lock",      "checkpoint.h5",     "slot-a.h5",           "slot-b.h5",
                                        "slot-c.h5", "milestone-best.h5", "milestone-epoch-1.h5"};
    const char *name;

    for (size_t i = 0; (name = simfs_name_at(fs, JUDGE_DIRECTORY, i)) != NULL; i++) {
        bool known = false;
        for (size_t j = 0; j < sizeof KNOWN / sizeof *KNOWN; j++)
            known |= strcmp(name, KNOWN[j]) == 0;
        fuzz_must(known, "'%s' was left in the directory", name);
    }
}
