/* SPDX-License-Identifier: MIT */
/*
 * show: which states the view leads to, and when it is brought up to date. Nothing depends on it, and its failure fails
 * no call.
 */
#ifndef H5CKPT_SHOW_H
#define H5CKPT_SHOW_H

#include "storage/store.h"

/*
 * Let the view lead to slot `current` and to the newest other state, but never to slot `overwritten` (VIEW_NO_SLOT:
 * none is).
 */
void show_states(h5ckpt_store *store, int current, int overwritten);

/* To the newest states, whatever the base is. */
void show_newest(h5ckpt_store *store);

/* After a save, at most once a second … */
void show_saved(h5ckpt_store *store);

/* … and what that left out, when the second is over. Costs next to nothing where nothing was. */
void show_late(h5ckpt_store *store);

/*
 * The view must not lead to a slot that is about to be overwritten. Where saves follow each other so fast that the
 * base's turn comes within a second, too, it leads nowhere until it is next shown.
 */
void show_without(h5ckpt_store *store, unsigned overwritten);

#endif
