/* SPDX-License-Identifier: MIT */
/*
 * plan: where a save goes and how, decided from what is known of the slots (docs/format.md 5). Pure: no I/O, so
 * that the tests walk every combination.
 */
#ifndef H5CKPT_PLAN_H
#define H5CKPT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "h5ckpt.h"

enum { PLAN_NO_BASE = -1 };

struct plan_slot {
    enum h5ckpt_slot_state state;
    bool committed; /* it held together until its blocks were read: one that looks so counts as a twin, read or not */
    bool record_readable;
    uint64_t sequence; /* these two from the record, if readable */
    uint64_t base_sequence;
    bool overwritable;   /* regular file, one link */
    bool same_structure; /* length and structure digest are those of the save */
    bool given_up;       /* a save or flush of this handle failed in this file, or its name may be on no device */
};

enum plan_manner {
    PLAN_IN_PLACE,
    PLAN_NEW_FILE,
};

/* Does the slot hold a state that a restore might give back? */
bool plan_holds_state(enum h5ckpt_slot_state state);

/* Did the program roll back past this slot's state? */
bool plan_is_abandoned(const struct plan_slot *slot, unsigned slot_count, unsigned which);

/* Rule (f): 1 + the highest sequence in any readable record, or in the lock's note. */
uint64_t plan_sequence(const struct plan_slot *slot, unsigned slot_count, uint64_t noted_sequence);

/*
 * Rules (a) and (g): the slot to write, among the first `rotation` slots, never `base`. With one slot the rotation is
 * two.
 */
unsigned plan_target(const struct plan_slot *slot, unsigned slot_count, unsigned rotation, int base);

/* Rules (b), (d), (e), for the target. */
enum plan_manner plan_manner(const struct plan_slot *target, bool base_durable);

#endif
