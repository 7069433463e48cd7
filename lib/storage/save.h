/* SPDX-License-Identifier: MIT */
/*
 * save: what the callback needs beside the public calls.
 */
#ifndef H5CKPT_SAVE_H
#define H5CKPT_SAVE_H

#include "storage/store.h"

/* h5ckpt_save() that only makes up for one that has failed: if it fails too, that is no failure more. */
h5ckpt_status save_again(h5ckpt_store *store, const struct h5ckpt_progress *at);

/* Memory has changed. A save in flight that was not fenced fails by it. */
void save_notice_change(h5ckpt_store *store);

/*
 * As h5ckpt_wait(), for the hooks: no fence that the program asked for. After one was forgotten, a save that has none
 * fails.
 */
h5ckpt_status save_land(h5ckpt_store *store);

/* As that, of a save that the very hook which is running has begun: memory is what it was then. */
h5ckpt_status save_land_own(h5ckpt_store *store);

/* A save in flight that was fenced comes to its end; its failure is still to be returned. */
void save_settle(h5ckpt_store *store);

/* Is one in flight that has not got to its end? */
bool save_in_flight(const h5ckpt_store *store);

/* Has a save in the background failed, of which the program was not told yet? Without waiting for one. */
h5ckpt_status save_failure(h5ckpt_store *store);

#endif
