/* SPDX-License-Identifier: MIT */
/*
 * survey: what a whole backup directory holds: its slots in the light of the lock's phase and note, and of what the
 * slots say of each other (docs/format.md 3). Reads only.
 */
#ifndef H5CKPT_SURVEY_H
#define H5CKPT_SURVEY_H

#include "storage/lock.h"
#include "storage/plan.h"
#include "storage/slot.h"

struct survey {
    struct slot slot[FORMAT_SLOT_COUNT_MAX];
    bool writer_alive; /* another process holds the lock */
    bool lock_damaged; /* there is one, and it does not say whose the slots are */
    struct lock_note note;
    bool same_boot; /* the note was written since the machine started */
};

/*
 * Examine every slot. `lock` is what lock_take() or lock_peek() found; unidentified if there is none.
 * H5CKPT_OK: there is, or was, a checkpoint. H5CKPT_NO_CHECKPOINT: nothing was saved yet, or all was deleted.
 * H5CKPT_E_FOREIGN: slots under our names that no lock or record makes ours.
 */
h5ckpt_status survey_directory(struct survey *survey, const struct directory *directory, const struct lock *lock,
                               bool writer_alive, const char *boot_id, struct error *error);

/* A slot turned out not to hold what it should: tell a save in progress or cut short from damage. */
void survey_explain(const struct survey *survey, struct slot *slot);

/*
 * Without a lock that says whose it is: the one directory id that all slots under our names carry, and the phase:
 * LOCK_EMPTY where they are all void, and the lock's note (all zero without a lock), which has a checksum of its own,
 * knows of no acknowledged state. H5CKPT_OK; H5CKPT_NO_CHECKPOINT if there are no slots; H5CKPT_E_FOREIGN if any file
 * under our names is not a readable slot, or disagrees.
 */
h5ckpt_status survey_agreed_id(const struct directory *directory, const struct lock_note *note,
                               unsigned char directory_id[FORMAT_ID_BYTES], enum lock_phase *phase,
                               struct error *error);

#endif
