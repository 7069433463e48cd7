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

/* How much is lost by overwriting the slot: the lower, the better a target. */
static unsigned worth(const struct plan_slot *slot, unsigned slot_count, unsigned which)
{
    if (!plan_holds_state(slot[which].state))
        return 0;
    return plan_is_abandoned(slot, slot_count, which) ? 1 : 2;
}

unsigned plan_target(const struct plan_slot *slot, unsigned slot_count, unsigned rotation, int base)
{
    int best = -1;

    if (rotation < 2)
        rotation = 2; /* one state is kept, but never overwritten before the next is durable */
    assert(rotation <= slot_count);
    for (unsigned i = 0; i < rotation; i++) {
        if ((int)i == base)
            continue; /* (a) */
        if (best < 0 || worth(slot, slot_count, i) < worth(slot, slot_count, (unsigned)best) ||
            (worth(slot, slot_count, i) == worth(slot, slot_count, (unsigned)best) && worth(slot, slot_count, i) > 0 &&
             slot[i].sequence < slot[best].sequence))
            best = (int)i; /* (g) */
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
