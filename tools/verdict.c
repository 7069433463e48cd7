/* SPDX-License-Identifier: MIT */
#include "verdict.h"

static enum verdict of_slot(enum h5ckpt_slot_state state)
{
    switch (state) {
    case H5CKPT_SLOT_ABSENT:
    case H5CKPT_SLOT_RESERVED:
    case H5CKPT_SLOT_COMMITTED:
    case H5CKPT_SLOT_INTACT:
    case H5CKPT_SLOT_WRITING:
    case H5CKPT_SLOT_INTERRUPTED:
        return VERDICT_SOUND;
    case H5CKPT_SLOT_INTERRUPTED_OR_DAMAGED:
    case H5CKPT_SLOT_DAMAGED:
    case H5CKPT_SLOT_MISSING:
        return VERDICT_DAMAGED;
    case H5CKPT_SLOT_FOREIGN:
    case H5CKPT_SLOT_NEWER_VERSION:
    case H5CKPT_SLOT_UNREADABLE:
        return VERDICT_UNKNOWN;
    }
    return VERDICT_UNKNOWN; /* a state that a later library knows */
}

/* Of a checkpoint from which something can be restored: as bad as its worst slot. */
static enum verdict of_slots(const struct h5ckpt_report *report)
{
    enum verdict worst = VERDICT_SOUND;

    for (unsigned i = 0; i < report->slot_count; i++) {
        const enum verdict slot = of_slot(report->slot[i].state);
        if (slot > worst)
            worst = slot;
    }
    return worst;
}

enum verdict verdict_of_milestone(enum h5ckpt_slot_state state)
{
    return state == H5CKPT_SLOT_FOREIGN ? VERDICT_SOUND : of_slot(state);
}

enum verdict verdict_of_directory(enum verdict all, enum verdict milestones, size_t milestone_count)
{
    return all == VERDICT_NO_CHECKPOINT && milestone_count > 0 ? milestones : all;
}

enum verdict verdict(h5ckpt_status status, const struct h5ckpt_report *report, enum verdict beside)
{
    enum verdict worst;

    switch (status) {
    case H5CKPT_OK:
    case H5CKPT_FELL_BACK:
        worst = of_slots(report);
        if (worst == VERDICT_SOUND && (status == H5CKPT_FELL_BACK || report->lock_damaged))
            worst = VERDICT_DAMAGED;
        return beside > worst ? beside : worst;
    case H5CKPT_NO_CHECKPOINT:
        return VERDICT_NO_CHECKPOINT;
    case H5CKPT_E_LOST:
        return VERDICT_LOST;
    case H5CKPT_E_ARGUMENT: /* what was named can be no directory */
        return VERDICT_USAGE;
    default:
        return VERDICT_UNKNOWN;
    }
}
