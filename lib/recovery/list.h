/* SPDX-License-Identifier: MIT */
/*
 * list: what calls that visit the content of a slot begin with.
 */
#ifndef H5CKPT_LIST_H
#define H5CKPT_LIST_H

#include "storage/store.h"

/* H5CKPT_E_ARGUMENT: there is nothing to call, or no such slot. */
h5ckpt_status list_enter(h5ckpt_store *store, const char *call, unsigned slot_number, bool can_visit);

/* H5CKPT_OK if the slot holds a state, though it may be damaged; else why it holds none. */
h5ckpt_status list_refuse_stateless(h5ckpt_store *store, unsigned slot_number);

#endif
