/* SPDX-License-Identifier: MIT */
#include "crash/expectation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crash/model.h"
#include "crash/seen.h"

const char *const MARK_NAME[] = {
    [MARK_BEGIN] = "--- begin, slots",
    [MARK_SAVING] = "--- saving",
    [MARK_SAVED] = "--- saved",
    [MARK_FAILED] = "--- save failed",
    [MARK_DAMAGING] = "--- damaging",
    [MARK_DAMAGED] = "--- damaged",
    [MARK_ROLLED_BACK] = "--- rolled back",
    [MARK_DELETING] = "--- deleting",
    [MARK_DELETED] = "--- deleted",
    [MARK_KEEPING] = "--- keeping",
    [MARK_KEPT] = "--- kept",
    [MARK_FORGETTING] = "--- forgetting",
    [MARK_FORGOTTEN] = "--- forgotten",
    [MARK_GOING_BACK] = "--- going back",
    [MARK_WENT_BACK] = "--- went back",
};

static bool is_in(const uint64_t set[4], uint64_t number)
{
    return (set[number / 64] >> number % 64 & 1) != 0;
}

static void add_to(uint64_t set[4], uint64_t number)
{
    set[number / 64] |= UINT64_C(1) << number % 64;
}

bool permits(const struct expectation *expected, uint64_t number)
{
    return is_in(expected->permitted, number);
}

bool permits_milestone(const struct expectation *expected, uint64_t number)
{
    return is_in(expected->milestone, number);
}

static void permit(struct expectation *expected, uint64_t number)
{
    add_to(expected->permitted, number);
}

static void forget_milestones(struct expectation *expected)
{
    memset(expected->milestone, 0, sizeof expected->milestone);
    expected->no_milestone = false;
}

static void forbid_all(struct expectation *expected)
{
    memset(expected->permitted, 0, sizeof expected->permitted);
    expected->none_permitted = expected->lost_permitted = false;
}

unsigned intact_count_min(const struct expectation *expected)
{
    unsigned held = expected->acknowledged_in_a_row;

    if (held > expected->slots)
        held = expected->slots;
    if (expected->save_begun && held == expected->slots && held > 1)
        held--; /* the one that is being replaced */
    return held;
}

static void expect_begin(struct expectation *expected, unsigned slots)
{
    expected->acknowledged_in_a_row = intact_count_min(expected);
    expected->save_begun = expected->deleting = false;
    expected->slots = slots;
}

/* One intact state less; with no `fallback`, none is left. */
static void expect_damage(struct expectation *expected, uint64_t fallback)
{
    unsigned held = expected->acknowledged_in_a_row;

    if (held > expected->slots)
        held = expected->slots;
    expected->acknowledged_in_a_row = fallback == 0 || held == 0 ? 0 : held - 1;
}

static void expect_after_mark(struct expectation *expected, const struct simfs_op *mark)
{
    switch ((enum mark)mark->mark) {
    case MARK_BEGIN:
        expect_begin(expected, (unsigned)mark->value);
        break;
    case MARK_SAVING:
        expected->save_begun = true;
        permit(expected, mark->value);
        break;
    case MARK_SAVED:
        forbid_all(expected);
        permit(expected, mark->value);
        expected->none_permitted = expected->deleting; /* which waits for it */
        expected->fall_back_permitted = false;
        expected->save_begun = true; /* the row before this save, less what it replaced … */
        expected->acknowledged_in_a_row = expected->deleting ? 0 : intact_count_min(expected) + 1;
        expected->save_begun = false; /* … and itself */
        break;
    case MARK_FAILED:
        expected->acknowledged_in_a_row = intact_count_min(expected);
        expected->save_begun = false;
        expected->fall_back_permitted = true;
        break;
    case MARK_ROLLED_BACK:
        permit(expected, mark->value);
        break;
    case MARK_DAMAGING:
        expect_damage(expected, mark->value);
        expected->fall_back_permitted = true;
        expected->lost_permitted = mark->value == 0;
        if (mark->value != 0)
            permit(expected, mark->value);
        break;
    case MARK_DAMAGED:
        forbid_all(expected);
        expected->lost_permitted = mark->value == 0;
        if (mark->value != 0)
            permit(expected, mark->value);
        expected->fall_back_permitted = true;
        break;
    case MARK_DELETING:
        expected->none_permitted = expected->deleting = true;
        expected->acknowledged_in_a_row = 0;
        break;
    case MARK_DELETED:
        forbid_all(expected);
        expected->none_permitted = true;
        expected->deleting = false;
        expected->acknowledged_in_a_row = 0;
        break;
    case MARK_KEPT:
        forget_milestones(expected);
        add_to(expected->milestone, mark->value);
        break;
    case MARK_KEEPING:
        add_to(expected->milestone, mark->value);
        break;
    case MARK_FORGOTTEN:
        forget_milestones(expected);
        expected->no_milestone = true;
        break;
    case MARK_FORGETTING:
        expected->no_milestone = true;
        break;
    case MARK_GOING_BACK:
        permit(expected, mark->value);
        break;
    case MARK_WENT_BACK:
        forbid_all(expected);
        permit(expected, mark->value);
        expected->fall_back_permitted = false;
        if (expected->acknowledged_in_a_row == 0)
            expected->acknowledged_in_a_row = 1;
        break;
    }
}

void expect_after(struct expectation *expected, const struct simfs_op *op)
{
    if (op->kind == SIMFS_MARK)
        expect_after_mark(expected, op);
    if (op->kind != SIMFS_FLUSH_FAILED)
        return;
    expected->flush_failed = true;
    expected->fall_back_permitted = true;
    expected->acknowledged_in_a_row = 0; /* what the cache holds may be on no device: count anew */
}

uint64_t expectation_digest(const struct expectation *expected)
{
    uint64_t digest = seen_mix(expected->slots * 16 + expected->acknowledged_in_a_row);

    for (size_t i = 0; i < sizeof expected->permitted / sizeof *expected->permitted; i++)
        digest = seen_mix(seen_mix(digest ^ expected->permitted[i]) ^ expected->milestone[i]);
    return seen_mix(digest ^ ((uint64_t)expected->no_milestone << 5 | (uint64_t)expected->deleting << 4 |
                              (uint64_t)expected->none_permitted << 3 | (uint64_t)expected->lost_permitted << 2 |
                              (uint64_t)expected->fall_back_permitted << 1 | expected->save_begun));
}

struct expectation expectation_of_nothing(void)
{
    return (struct expectation){.none_permitted = true, .no_milestone = true, .slots = 1};
}

void expect_power_cut(struct expectation *expected)
{
    expected->fall_back_permitted = true;
}

void list_permitted(const struct expectation *expected, char *text, size_t byte_count)
{
    size_t length = 0;

    *text = '\0';
    for (uint64_t number = 1; number <= MODEL_NUMBER_MAX && length + 32 < byte_count; number++)
        if (permits(expected, number))
            length += (size_t)snprintf(text + length, byte_count - length, "%" PRIu64 " ", number);
    snprintf(text + length, byte_count - length, "%s%s%s", expected->none_permitted ? "none " : "",
             expected->lost_permitted ? "lost " : "", expected->fall_back_permitted ? "(fall-back)" : "");
}
