/* SPDX-License-Identifier: MIT */
/*
 * bring: the history of the slot that is read, beside the program's variables. It is loaded with them, into memory of
 * its own, and becomes the store's only when all of it is there: a restore that fails leaves the history as it was.
 */
#ifndef H5CKPT_BRING_H
#define H5CKPT_BRING_H

#include "recovery/load.h"
#include "recovery/match.h"
#include "state/whole.h"

struct bring {
    struct history history; /* of the slot's shape */
    struct whole whole;     /* what is loaded: the program's variables, then that history … */
    struct match match;     /* … and from where */
    struct error left_out;  /* why the slot's history is not among it; H5CKPT_OK: it is, or there is none */
};

/*
 * Plan to load what `match` says of `program`, and the history that `index` tells of. One that cannot be understood is
 * left out: that is no reason not to give the state back. Must not be moved. H5CKPT_E_MEMORY.
 */
h5ckpt_status bring_plan(struct bring *bring, const h5ckpt_state *program, const struct match *match,
                         const struct index *index, uint64_t file_bytes, struct error *error);

/*
 * Plan, load and look at the history alone: blocks with bytes of it are verified as they are read, the others are not
 * read. H5CKPT_E_MEMORY; as load_variables().
 */
h5ckpt_status bring_history(struct bring *bring, const struct slot_reader *reader, const struct index *index,
                            struct buffer *buffer, struct error *error);

/* It has been loaded: look at the history before it is used, and leave it out if it is none. */
void bring_check(struct bring *bring);

void bring_free(struct bring *bring);

#endif
