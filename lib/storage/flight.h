/* SPDX-License-Identifier: MIT */
/*
 * flight: one save, from the moment when its slot is known until the store knows what came of it. In the caller's
 * thread or, where the mode says so, in one of its own:
 *
 *   flight_begin()  caller      note, file open; memory gathered, a writer or a child started
 *   (run)           either      blocks, table, record, flush, acknowledged, told
 *   store->land()   caller      a fence; waits for that; the new state is the base, or the slot is given up
 *
 * While it is under way the store is the flight's (store.h, `land`).
 */
#ifndef H5CKPT_FLIGHT_H
#define H5CKPT_FLIGHT_H

#include "storage/target.h"

/*
 * Begin a save of what the store's source has collected. H5CKPT_OK: it is done, or under way (store->land). Failures
 * are in store->error and have not been told.
 */
h5ckpt_status flight_begin(h5ckpt_store *store, const struct target *target, const struct h5ckpt_progress *progress,
                           int64_t begun_ns);

/* The rest is for a save under way. Has it got to its end, so that landing takes no time? */
bool flight_is_over(const h5ckpt_store *store);

/*
 * The program's memory is about to change: return when it is not needed any more. H5CKPT_E_ARGUMENT: it has changed
 * already, which landing need not tell again.
 */
h5ckpt_status flight_fence(h5ckpt_store *store);
bool flight_is_fenced(const h5ckpt_store *store);

/* It was not fenced, and memory must be taken to have changed: it is never committed. */
void flight_give_up(h5ckpt_store *store);

#endif
