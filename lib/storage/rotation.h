/* SPDX-License-Identifier: MIT */
/*
 * rotation: the set of slots around a save: made before the first one, relied on while one is overwritten, and rid of
 * what is beyond it afterwards.
 */
#ifndef H5CKPT_ROTATION_H
#define H5CKPT_ROTATION_H

#include "storage/slot_write.h"
#include "storage/store.h"

/* Is there no slot at all yet, and more than one to make? */
bool rotation_is_unmade(const h5ckpt_store *store);

/*
 * A directory's first save takes the space of all its slots, so that a disk that fills up later fails no save: make
 * every slot of the rotation but `target`. After a failure call rotation_give_back().
 */
h5ckpt_status rotation_reserve(h5ckpt_store *store, unsigned target, enum slot_fill fill);

/* Take away again what rotation_reserve() made. What cannot be removed takes no state, and is made once more. */
void rotation_give_back(h5ckpt_store *store);

/* A directory's first save has failed: if not even its file was made, nothing is left behind. */
void rotation_end_failed_first_save(h5ckpt_store *store, unsigned target);

/* Take away slots made beforehand (h5ckpt_reserve()), into which nothing was saved, or not to its end. */
void rotation_remove_unsaved(h5ckpt_store *store);

/*
 * Verify the slots that a save is going to rely on beside the base, so that one that merely looks good does not count
 * as a state that is kept. Only the system's errors are errors.
 */
h5ckpt_status rotation_verify_survivors(h5ckpt_store *store);

/* Something was put in a slot's place since it was last looked at: H5CKPT_E_FOREIGN, H5CKPT_E_VERSION. */
h5ckpt_status rotation_refuse_newcomer(h5ckpt_store *store, unsigned slot_number);

/* Remove slots beyond the rotation (in single mode: every slot but the base's) that newer states supersede. */
void rotation_remove_surplus(h5ckpt_store *store);

#endif
