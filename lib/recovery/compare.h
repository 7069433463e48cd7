/* SPDX-License-Identifier: MIT */
/*
 * compare: is registered memory, bit for bit, a stored state? The state is loaded into a shadow of the registered one.
 */
#ifndef H5CKPT_COMPARE_H
#define H5CKPT_COMPARE_H

#include "storage/store.h"

/*
 * Compare with the state that h5ckpt_restore() would give. H5CKPT_OK or H5CKPT_E_DIFFERS, after which `*slot_number`
 * holds it, intact; else as h5ckpt_compare(). The base stays.
 */
h5ckpt_status compare_state(h5ckpt_store *store, enum h5ckpt_which which, unsigned *slot_number);

/*
 * Would a restore of that slot, in which the last look found a state, refuse the registered settings? H5CKPT_OK,
 * whatever the answer; else as h5ckpt_restore(), with the store's message.
 */
h5ckpt_status compare_settings(h5ckpt_store *store, unsigned slot_number, bool *refused);

#endif
