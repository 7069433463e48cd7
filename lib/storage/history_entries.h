/* SPDX-License-Identifier: MIT */
/*
 * history_entries: the columns of a history among the entries of a slot's index.
 */
#ifndef H5CKPT_HISTORY_ENTRIES_H
#define H5CKPT_HISTORY_ENTRIES_H

#include "state/history.h"
#include "storage/index.h"

/*
 * Make `history` one of the shape and names that the index tells, with room for what is stored. None: HISTORY_NONE.
 * H5CKPT_E_DAMAGED: what is called a history there is none (docs/format.md 2.5), or would take more than the slot's
 * `file_bytes`; H5CKPT_E_MEMORY. Then it is HISTORY_NONE.
 */
h5ckpt_status history_entries_shape(struct history *history, const struct index *index, uint64_t file_bytes,
                                    struct error *error);

/* Where its column is in the index that it was made from. */
size_t history_entries_find(const struct history *history, size_t column, const struct index *index);

#endif
