/* SPDX-License-Identifier: MIT */
#include "recovery/choose.h"

enum { PAST_CACHE_BYTES_MIN = 16 << 20 }; /* enough for a whole team to read; measured: docs/decisions.md */

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

static bool is_damaged(const struct plan_slot *slot)
{
    return slot->state == H5CKPT_SLOT_DAMAGED || slot->state == H5CKPT_SLOT_INTERRUPTED_OR_DAMAGED;
}

/* May a slot that gives nothing back have held a state newer than that of `chosen`? */
static bool may_hide_a_newer(const struct plan_slot *slot, unsigned slot_count, unsigned chosen)
{
    for (unsigned i = 0; i < slot_count; i++) {
        if (slot[i].state == H5CKPT_SLOT_MISSING)
            return true;
        if (is_damaged(&slot[i]) && (!slot[i].record_readable || slot[i].sequence >= slot[chosen].sequence))
            return true;
    }
    return false;
}

/* Whether its blocks were read, which a restore leaves, must not matter. */
static bool is_committed(const struct plan_slot *slot)
{
    return slot->committed || plan_holds_state(slot->state);
}

bool choose_is_duplicate(const struct plan_slot *slot, unsigned slot_count, unsigned which)
{
    for (unsigned i = 0; i < slot_count; i++)
        if (i != which && is_committed(&slot[i]) && is_committed(&slot[which]) &&
            slot[i].sequence == slot[which].sequence)
            return true;
    return false;
}

static bool fell_back(const struct plan_slot *slot, unsigned slot_count, unsigned chosen, struct choose_witness witness)
{
    if (slot[chosen].sequence < witness.acknowledged)
        return true;
    if (!witness.nothing_newer && may_hide_a_newer(slot, slot_count, chosen))
        return true;
    return plan_is_abandoned(slot, slot_count, chosen) || choose_is_duplicate(slot, slot_count, chosen);
}

/* Is there a slot whose state is gone, so that "none yet" would be a lie? */
static bool anything_lost(const struct plan_slot *slot, unsigned slot_count)
{
    for (unsigned i = 0; i < slot_count; i++)
        if (slot[i].state != H5CKPT_SLOT_ABSENT && slot[i].state != H5CKPT_SLOT_RESERVED &&
            !plan_holds_state(slot[i].state))
            return true;
    return false;
}

/* Is a state newer than that of `newest`, the newest one left, known to have existed? */
static bool is_newest_lost(const struct plan_slot *slot, unsigned slot_count, int newest, struct choose_witness witness)
{
    for (unsigned i = 0; i < slot_count; i++)
        if (is_damaged(&slot[i]) && slot[i].record_readable && slot[i].sequence > slot[newest].sequence)
            return true;
    return slot[newest].sequence < witness.acknowledged;
}

static struct choice none_left(const struct plan_slot *slot, unsigned slot_count, struct choose_witness witness)
{
    const int writing = first_in_state(slot, slot_count, H5CKPT_SLOT_WRITING);

    if (witness.nothing_at_all)
        return (struct choice){H5CKPT_NO_CHECKPOINT, CHOOSE_NONE};
    return (struct choice){writing != CHOOSE_NONE ? H5CKPT_E_OVERTAKEN : H5CKPT_E_LOST, writing};
}

static struct choice choose_current(const struct plan_slot *slot, unsigned slot_count, struct choose_witness witness)
{
    const int chosen = newest(slot, slot_count, CHOOSE_NONE);

    if (chosen == CHOOSE_NONE)
        return none_left(slot, slot_count, witness);
    return (struct choice){fell_back(slot, slot_count, (unsigned)chosen, witness) ? H5CKPT_FELL_BACK : H5CKPT_OK,
                           chosen};
}

/* Beside the newest, `chosen` is left: was there another between the two, or is it none that led to the newest? */
static bool is_not_the_one_before(const struct plan_slot *slot, unsigned slot_count, unsigned chosen)
{
    return may_hide_a_newer(slot, slot_count, chosen) || plan_is_abandoned(slot, slot_count, chosen) ||
           choose_is_duplicate(slot, slot_count, chosen);
}

static struct choice choose_previous(const struct plan_slot *slot, unsigned slot_count, struct choose_witness witness)
{
    const int current = newest(slot, slot_count, CHOOSE_NONE);
    int chosen;

    if (current == CHOOSE_NONE)
        return none_left(slot, slot_count, witness);
    if (is_newest_lost(slot, slot_count, current, witness))
        return (struct choice){H5CKPT_FELL_BACK, current};
    chosen = newest(slot, slot_count, current);
    if (chosen != CHOOSE_NONE)
        return (struct choice){is_not_the_one_before(slot, slot_count, (unsigned)chosen) ? H5CKPT_FELL_BACK : H5CKPT_OK,
                               chosen};
    if (!anything_lost(slot, slot_count))
        return (struct choice){H5CKPT_NO_CHECKPOINT, CHOOSE_NONE};
    return none_left(slot, slot_count, witness);
}

struct choice choose_slot(const struct plan_slot *slot, unsigned slot_count, enum h5ckpt_which which,
                          struct choose_witness witness)
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
    return which == H5CKPT_PREVIOUS ? choose_previous(slot, slot_count, witness)
                                    : choose_current(slot, slot_count, witness);
}

void choose_roles(const struct plan_slot *slot, unsigned slot_count, enum h5ckpt_role *role)
{
    const int current = newest(slot, slot_count, CHOOSE_NONE);
    const int previous = newest(slot, slot_count, current);

    for (unsigned i = 0; i < slot_count; i++) {
        if (!plan_holds_state(slot[i].state))
            role[i] = H5CKPT_ROLE_NONE;
        else if ((int)i == current)
            role[i] = H5CKPT_ROLE_CURRENT;
        else if (plan_is_abandoned(slot, slot_count, i))
            role[i] = H5CKPT_ROLE_ABANDONED;
        else
            role[i] = (int)i == previous ? H5CKPT_ROLE_PREVIOUS : H5CKPT_ROLE_OLDER;
    }
}

bool choose_past_cache(uint64_t file_bytes)
{
    return file_bytes >= PAST_CACHE_BYTES_MIN;
}
