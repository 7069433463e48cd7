/* SPDX-License-Identifier: MIT */
/*
 * structure: builds, in memory, the HDF5 file that names and describes the variables, without their content: HDF5
 * never meets a disk.
 */
#ifndef H5CKPT_STRUCTURE_H
#define H5CKPT_STRUCTURE_H

#include "error.h"
#include "state/schema.h"
#include "storage/hdf5/runs.h"

struct structure {
    uint64_t end;              /* where HDF5's part of the file ends (its end-of-file address) */
    uint64_t *variable_offset; /* by schema index, absolute in the file; 0 for variables without bytes */
    size_t variable_count;
    struct run *run; /* HDF5's own bytes, owned: ascending, not overlapping each other or any variable */
    size_t run_count;
};

#define STRUCTURE_NONE ((struct structure){0})

/*
 * Lay out `schema` as an HDF5 file that starts with a user block of FORMAT_USER_BLOCK_BYTES (left to the caller).
 * Contiguous datasets, allocated early, variables of FORMAT_ALIGN_THRESHOLD_BYTES and more at multiples of
 * FORMAT_ALIGN_BYTES; groups made as the names need them. The same schema gives the same bytes. Bytes that belong
 * neither to a run nor to a variable mean nothing.
 * H5CKPT_E_HDF5, H5CKPT_E_MEMORY. Leaves HDF5's global state (error printing, plugins) as it was.
 */
h5ckpt_status structure_build(struct structure *structure, const struct schema *schema, struct error *error);

/*
 * The view: an HDF5 file after a user block, with external links /current and /previous to the root groups of
 * the slot files named (NULL: no such link). One run or several in `structure`; no variables.
 */
h5ckpt_status structure_build_view(struct structure *structure, const char *current, const char *previous,
                                   struct error *error);

void structure_free(struct structure *structure); /* STRUCTURE_NONE is allowed */

#endif
