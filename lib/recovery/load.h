/* SPDX-License-Identifier: MIT */
/*
 * load: the bytes of one intact slot into the program's variables, under P4.
 */
#ifndef H5CKPT_LOAD_H
#define H5CKPT_LOAD_H

#include "recovery/match.h"
#include "storage/slot.h"

struct load_result {
    bool changed;  /* registered memory may have; also set before, it stays so */
    bool verified; /* every byte of the slot was read and is as it was saved */
};

/*
 * Copy the matched variables from the open slot, every block verified as it is read. But for H5CKPT_VERIFY_FIRST it
 * reads every block, wanted or not, so that the slot need not have been verified before. H5CKPT_E_DAMAGED,
 * H5CKPT_E_CALLBACK (a put function failed), H5CKPT_E_ARGUMENT (a NULL array), H5CKPT_E_MEMORY, H5CKPT_E_HDF5, or the
 * system's errors.
 */
h5ckpt_status load_variables(const h5ckpt_state *state, const struct slot_reader *reader, const struct index *index,
                             const struct match *match, enum h5ckpt_memory memory, struct load_result *result,
                             struct buffer *buffer, struct error *error);

#endif
