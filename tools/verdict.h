/* SPDX-License-Identifier: MIT */
/*
 * verdict: the exit status, decided from what the library answered. Pure: no I/O, so that the test walks every
 * combination.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include <stddef.h>

#include <h5ckpt.h>

enum verdict {
    VERDICT_SOUND = 0,         /* every state present is intact; committed, where only records were read */
    VERDICT_DAMAGED = 1,       /* something is damaged or gone, but a state can be restored */
    VERDICT_LOST = 2,          /* there was a checkpoint, and nothing can be restored */
    VERDICT_NO_CHECKPOINT = 3, /* nothing was saved there, or there is no such directory */
    VERDICT_UNKNOWN = 4,       /* it cannot be told now */
    VERDICT_USAGE = 64,        /* the call is wrong: EX_USAGE, which argp exits with */
};

/* For help texts. */
#define VERDICT_DOC                                                                                                   \
    "Exit status: 0 sound, 1 damaged but restorable, 2 lost, 3 no checkpoint, 4 cannot be told now, 64 wrong usage. " \
    "h5ckpt(1) tells more."

/*
 * A reserved or absent slot, one being written and one whose save was interrupted are no damage. `beside`: what is
 * known beyond the report, of milestones, or of a state that passed as committed and could not list its variables; at
 * worst VERDICT_DAMAGED or _UNKNOWN.
 */
enum verdict verdict(h5ckpt_status status, const struct h5ckpt_report *report, enum verdict beside);

/*
 * Of a directory whose slots, and all beside them, have the verdict `all`: where milestones of ours are all that is
 * there, theirs.
 */
enum verdict verdict_of_directory(enum verdict all, enum verdict milestones, size_t milestone_count);

/* Of a milestone. What is not ours does not count. */
enum verdict verdict_of_milestone(enum h5ckpt_slot_state state);

#endif
