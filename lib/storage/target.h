/* SPDX-License-Identifier: MIT */
/*
 * target: which slot the next save writes, in which manner, and what its record will say (plan.h decides, this looks).
 */
#ifndef H5CKPT_TARGET_H
#define H5CKPT_TARGET_H

#include "storage/store.h"

struct target {
    unsigned slot;
    enum plan_manner manner;
    struct entry entry; /* the slot's file as it was when this was planned */
    bool first;         /* of the directory */
    bool awaited;       /* what comes of it is known before the call returns, which tells it */
};

/*
 * Looks at the slot's file as it is now, and makes the base durable where it must be. The system's errors,
 * H5CKPT_E_FOREIGN, H5CKPT_E_VERSION.
 */
h5ckpt_status target_plan(h5ckpt_store *store, struct target *target);

/* Is the base there, and known durable, made so if need be (rule (b))? */
bool target_is_base_durable(h5ckpt_store *store);

/* Whose a record is, and its place among the states: it follows on sequence `base_sequence`. */
void target_stamp(const h5ckpt_store *store, unsigned slot_number, uint64_t base_sequence, struct record *record);

/* The record of a state saved there, complete but for the table's digest. */
struct record target_record(const h5ckpt_store *store, unsigned slot_number, const struct h5ckpt_progress *progress);

/* Nobody but us removes slots, but if somebody did, the base must not be relied on. */
bool target_is_base_there(const h5ckpt_store *store);

#endif
