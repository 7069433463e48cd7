/* SPDX-License-Identifier: MIT */
/*
 * load: the bytes of one intact slot into the program's variables, under P4.
 */
#ifndef H5CKPT_LOAD_H
#define H5CKPT_LOAD_H

#include "recovery/match.h"
#include "storage/slot.h"

/*
 * Copy the matched variables from the open slot, every block verified again as it is read. *changed tells whether any
 * registered memory may have changed. H5CKPT_E_DAMAGED (the slot changed after it was verified), H5CKPT_E_CALLBACK (a put function
 * failed), H5CKPT_E_ARGUMENT (a NULL array), H5CKPT_E_MEMORY, H5CKPT_E_HDF5, or the system's errors.
 */
h5ckpt_status load_variables(const h5ckpt_state *state, const struct slot_reader *reader, const struct index *index,
                             const struct match *match, enum h5ckpt_memory memory, bool *changed, struct buffer *buffer,
                             struct error *error);

#endif
