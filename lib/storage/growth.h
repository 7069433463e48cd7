/* SPDX-License-Identifier: MIT */
/*
 * growth: the room that slots have for the history. When it is used up it is doubled, and a new name makes it wider:
 * then slots have another structure, and a save needs a new file. Where the space for that cannot be had, what fits is
 * saved.
 */
#ifndef H5CKPT_GROWTH_H
#define H5CKPT_GROWTH_H

#include "storage/store.h"

/* Before a save: let the room be what the history takes, unless that was in vain a short while ago. */
void growth_plan(h5ckpt_store *store);

/*
 * With a history, is it unknown yet whether there is room for a state like this in the slot that a save is planned for?
 * Asked when its layout is made.
 */
bool growth_is_under_way(const h5ckpt_store *store, unsigned target);

/*
 * There was no room: let it be what one of the slots has, for that one is overwritten in place; or nothing, where no
 * slot holds a state. Is there something that was not tried yet (`tried`: a bit for each; at first 0)?
 */
bool growth_go_back(h5ckpt_store *store, unsigned *tried);

/*
 * It was saved, but not all of it, because of `why` or, H5CKPT_OK, because of what had happened a short while ago.
 * Returns, with the message, H5CKPT_HISTORY_FULL.
 */
h5ckpt_status growth_say_full(h5ckpt_store *store, const struct error *why);

#endif
