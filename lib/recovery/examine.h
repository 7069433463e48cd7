/* SPDX-License-Identifier: MIT */
/*
 * examine: from a directory to the slot that would be given back: survey, choose, verify, and again where the chosen
 * one proves bad.
 */
#ifndef H5CKPT_EXAMINE_H
#define H5CKPT_EXAMINE_H

#include <limits.h>

#include "recovery/choose.h"
#include "storage/milestone.h"
#include "storage/store.h"

/* What the lock's note tells of the last save. */
struct choose_witness examine_witness(const h5ckpt_store *store);

/*
 * Look at the directory anew. H5CKPT_OK; H5CKPT_NO_CHECKPOINT; H5CKPT_E_FOREIGN, H5CKPT_E_VERSION, or the system's
 * errors, with the message set.
 */
h5ckpt_status examine_begin(h5ckpt_store *store);

/*
 * Verify every committed slot, wanted or not, and keep which blocks are damaged. Beside a writer H5CKPT_E_OVERTAKEN:
 * begin again. H5CKPT_E_MEMORY, or the system's errors.
 */
h5ckpt_status examine_all(h5ckpt_store *store, const struct h5ckpt_inspect_options *options);

/*
 * The slot to give back: intact, or, with H5CKPT_RECORDS, as good as its record looks; not one whose bit is set
 * in `passed_over`. H5CKPT_OK, H5CKPT_FELL_BACK; H5CKPT_NO_CHECKPOINT (no previous state yet);
 * H5CKPT_E_LOST, H5CKPT_E_FOREIGN, H5CKPT_E_VERSION; H5CKPT_E_OVERTAKEN (beside a writer: begin again); or the system's
 * errors. The message is set for all but H5CKPT_OK.
 */
h5ckpt_status examine_next(h5ckpt_store *store, enum h5ckpt_which which, enum h5ckpt_depth depth, unsigned passed_over,
                           unsigned *slot_number);

/*
 * Is what has been read since examine_begin() no writer's work? H5CKPT_OK; H5CKPT_E_OVERTAKEN (begin again); or why
 * that cannot be told.
 */
h5ckpt_status examine_confirm(h5ckpt_store *store);

/*
 * How to read the slot: as it was verified. If it was not: past the page cache where that pays and can be; and the
 * writer flushes it first, so that a base that is then verified is known durable (rule (b)).
 */
enum file_access examine_access(h5ckpt_store *store, unsigned slot_number);

/* Every byte of the slot was read in that way, and is as it was saved. */
void examine_note_intact(h5ckpt_store *store, unsigned slot_number, enum file_access access);

/*
 * Open the very state that the last look found in the slot, with its index. On failure nothing is left to close.
 * H5CKPT_NO_CHECKPOINT (the file has vanished); H5CKPT_E_OVERTAKEN (it holds another state); H5CKPT_E_DAMAGED, or the
 * system's errors.
 */
h5ckpt_status examine_open(const h5ckpt_store *store, unsigned slot_number, enum file_access access,
                           struct slot_reader *reader, struct index *index, struct error *error);

/*
 * A read of that state, outside examine_next(), ended with `status` and the store's message. What looks like damage,
 * but is a writer's work, is H5CKPT_E_OVERTAKEN: begin again. Else `status`, or why that cannot be told.
 */
h5ckpt_status examine_conclude_read(h5ckpt_store *store, unsigned slot_number, h5ckpt_status status);

/* For messages: "'dir/slot-a.h5' (sequence 7)". */
enum { EXAMINE_WHERE_BYTES = PATH_MAX + 64 };
void examine_where(const h5ckpt_store *store, unsigned slot_number, char where[EXAMINE_WHERE_BYTES]);

/*
 * Slot `slot_number` gave something else than it should, for the reason in `why` (emptied). Beside a writer that was
 * faster: H5CKPT_E_OVERTAKEN. Otherwise H5CKPT_OK: the slot counts as damaged, ask examine_next() again.
 */
h5ckpt_status examine_reject(h5ckpt_store *store, unsigned slot_number, struct error *why);

#endif
