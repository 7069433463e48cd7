/* SPDX-License-Identifier: MIT */
#include "storage/plan.h"

#include <assert.h>

bool plan_holds_state(enum h5ckpt_slot_state state)
{
    return state == H5CKPT_SLOT_COMMITTED || state == H5CKPT_SLOT_INTACT;
}

bool plan_is_abandoned(const struct plan_slot *slot, unsigned slot_count, unsigned which)
{
    for (unsigned i = 0; i < slot_count; i++)
        if (slot[i].record_readable && slot[i].base_sequence < slot[which].sequence &&
            slot[which].sequence < slot[i].sequence)
            return true;
    return false;
}

uint64_t plan_sequence(const struct plan_slot *slot, unsigned slot_count, uint64_t noted_sequence)
{
    uint64_t highest = noted_sequence;

    for (unsigned i = 0; i < slot_count; i++)
        if (slot[i].record_readable && slot[i].sequence > highest)
            highest = slot[i].sequence;
    return highest + 1;
}

/*
 * How much is lost by overwriting the slot: the lower, the better a target. A state newer than the base is abandoned by
 * the very record that is about to be written.
 */
static unsigned worth(const struct plan_slot *slot, unsigned slot_count, unsigned which, int base)
{
    if (!plan_holds_state(slot[which].state))
        return 0;
    if (base != PLAN_NO_BASE && slot[which].sequence > slot[base].sequence)
        return 1;
    return plan_is_abandoned(slot, slot_count, which) ? 1 : 2;
}

static bool is_better_target(const struct plan_slot *slot, unsigned slot_count, unsigned which, unsigned than, int base)
{
    const unsigned worth_of_which = worth(slot, slot_count, which, base);
    const unsigned worth_of_than = worth(slot, slot_count, than, base);

    if (worth_of_which != worth_of_than)
        return worth_of_which < worth_of_than;
    return worth_of_which > 0 && slot[which].sequence < slot[than].sequence;
}

unsigned plan_target(const struct plan_slot *slot, unsigned slot_count, unsigned rotation, int base)
{
    int best = -1;

    if (rotation < 2)
        rotation = 2; /* one state is kept, but never overwritten before the next is durable */
    assert(rotation <= slot_count);
    for (unsigned i = 0; i < rotation; i++) {
        if ((int)i == base)
            continue;                                                                /* (a) */
        if (best < 0 || is_better_target(slot, slot_count, i, (unsigned)best, base)) /* (g) */
            best = (int)i;
    }
    return (unsigned)best;
}

enum plan_manner plan_manner(const struct plan_slot *target, bool base_durable)
{
    const bool sound = target->state == H5CKPT_SLOT_RESERVED || target->state == H5CKPT_SLOT_COMMITTED ||
                       target->state == H5CKPT_SLOT_INTACT || target->state == H5CKPT_SLOT_INTERRUPTED;

    if (!base_durable)
        return PLAN_NEW_FILE; /* (b) */
    if (!sound || !target->overwritable || !target->same_structure)
        return PLAN_NEW_FILE; /* (d) */
    if (target->given_up)
        return PLAN_NEW_FILE; /* (e) */
    return PLAN_IN_PLACE;
}
