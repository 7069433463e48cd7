/* SPDX-License-Identifier: MIT */
#include "recovery/choose.h"

/* The newest state, those of an abandoned branch last; `but` is left out. */
static int newest(const struct plan_slot *slot, unsigned slot_count, int but)
{
    int best = CHOOSE_NONE;

    for (unsigned i = 0; i < slot_count; i++) {
        if ((int)i == but || !plan_holds_state(slot[i].state))
            continue;
        const bool abandoned = plan_is_abandoned(slot, slot_count, i);
        const bool best_abandoned = best != CHOOSE_NONE && plan_is_abandoned(slot, slot_count, (unsigned)best);
        if (best == CHOOSE_NONE || (best_abandoned && !abandoned) ||
            (best_abandoned == abandoned && slot[i].sequence > slot[best].sequence))
            best = (int)i;
    }
    return best;
}

static int first_in_state(const struct plan_slot *slot, unsigned slot_count, enum h5ckpt_slot_state state)
{
    for (unsigned i = 0; i < slot_count; i++)
        if (slot[i].state == state)
            return (int)i;
    return CHOOSE_NONE;
}

/* May slot `which`, which gives back nothing, have held a state newer than `sequence`? */
static bool may_have_been_newer(const struct plan_slot *slot, unsigned which, uint64_t sequence)
{
    switch (slot[which].state) {
    case H5CKPT_SLOT_MISSING:
        return true;
    case H5CKPT_SLOT_DAMAGED:
    case H5CKPT_SLOT_INTERRUPTED_OR_DAMAGED:
        return !slot[which].record_readable || slot[which].sequence > sequence;
    default:
        return false;
    }
}

bool choose_is_duplicate(const struct plan_slot *slot, unsigned slot_count, unsigned which)
{
    for (unsigned i = 0; i < slot_count; i++)
        if (i != which && plan_holds_state(slot[i].state) && plan_holds_state(slot[which].state) &&
            slot[i].sequence == slot[which].sequence)
            return true;
    return false;
}

static bool fell_back(const struct plan_slot *slot, unsigned slot_count, unsigned chosen)
{
    for (unsigned i = 0; i < slot_count; i++)
        if (i != chosen && may_have_been_newer(slot, i, slot[chosen].sequence))
            return true;
    return plan_is_abandoned(slot, slot_count, chosen) || choose_is_duplicate(slot, slot_count, chosen);
}

/* Is there a slot whose state is gone, so that "none" would be a lie? */
static bool anything_lost(const struct plan_slot *slot, unsigned slot_count)
{
    for (unsigned i = 0; i < slot_count; i++)
        if (slot[i].state != H5CKPT_SLOT_ABSENT && slot[i].state != H5CKPT_SLOT_RESERVED &&
            !plan_holds_state(slot[i].state))
            return true;
    return false;
}

struct choice choose_slot(const struct plan_slot *slot, unsigned slot_count, enum h5ckpt_which which)
{
    static const struct {
        enum h5ckpt_slot_state state;
        h5ckpt_status status;
    } REFUSED[] = {
        {H5CKPT_SLOT_NEWER_VERSION, H5CKPT_E_VERSION},
        {H5CKPT_SLOT_FOREIGN, H5CKPT_E_FOREIGN},
        {H5CKPT_SLOT_UNREADABLE, H5CKPT_E_SYSTEM},
    };

    for (unsigned i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
        int found = first_in_state(slot, slot_count, REFUSED[i].state);
        if (found != CHOOSE_NONE)
            return (struct choice){REFUSED[i].status, found};
    }
    int chosen = newest(slot, slot_count, CHOOSE_NONE);
    if (chosen != CHOOSE_NONE && which == H5CKPT_PREVIOUS) {
        chosen = newest(slot, slot_count, chosen);
        if (chosen == CHOOSE_NONE && !anything_lost(slot, slot_count))
            return (struct choice){H5CKPT_NO_CHECKPOINT, CHOOSE_NONE};
        return (struct choice){chosen == CHOOSE_NONE ? H5CKPT_E_LOST : H5CKPT_OK, chosen};
    }
    if (chosen != CHOOSE_NONE)
        return (struct choice){fell_back(slot, slot_count, (unsigned)chosen) ? H5CKPT_FELL_BACK : H5CKPT_OK, chosen};
    int writing = first_in_state(slot, slot_count, H5CKPT_SLOT_WRITING);
    return (struct choice){writing != CHOOSE_NONE ? H5CKPT_E_OVERTAKEN : H5CKPT_E_LOST, writing};
}
