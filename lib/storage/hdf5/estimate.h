/* SPDX-License-Identifier: MIT */
/*
 * estimate: how many bytes a schema will take in an HDF5 file, before HDF5 makes it. Pure arithmetic, no HDF5.
 */
#ifndef H5CKPT_ESTIMATE_H
#define H5CKPT_ESTIMATE_H

#include "error.h"
#include "state/schema.h"

struct estimate {
    uint64_t metadata_bytes; /* HDF5's own; up to a fifth too large */
    uint64_t small_bytes;    /* of all variables below FORMAT_ALIGN_THRESHOLD_BYTES; exact */
};

/*
 * Too few metadata_bytes cost another run of metadata, too many a gap in the file; neither harms. Slots are
 * overwritten in place only while their layout is the same: a new rule here gives every state a new layout.
 * H5CKPT_E_MEMORY.
 */
h5ckpt_status estimate_schema(struct estimate *estimate, const struct schema *schema, struct error *error);

/* Any other name has to be marked as UTF-8, and turns its group into one of a newer and larger form. */
bool estimate_name_is_ascii(const char *name);

#endif
