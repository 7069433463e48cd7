/* SPDX-License-Identifier: MIT */
/*
 * structure: the one room that calls HDF5 (with driver, its file driver). Builds, in memory, the HDF5 file that
 * names and describes the variables, without their content: HDF5 never meets a disk.
 */
#ifndef H5CKPT_STRUCTURE_H
#define H5CKPT_STRUCTURE_H

#include "error.h"
#include "state/schema.h"

struct structure_run { /* bytes of HDF5's own (metadata), at their place in the file */
    uint64_t offset;
    size_t byte_count;
    unsigned char *bytes; /* owned by the structure */
};

struct structure {
    uint64_t end;              /* where HDF5's part of the file ends (its end-of-file address) */
    uint64_t *variable_offset; /* by schema index, absolute in the file; 0 for variables without bytes */
    size_t variable_count;
    struct structure_run *run; /* ascending, not overlapping each other or any variable */
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

/*
 * Can elements of type `from` be converted to `to` (both numbers of the same kind: integers, floating-point incl.
 * long double, complex)? Pure.
 */
bool structure_can_convert(const struct element *from, const struct element *to);

/*
 * Convert `element_count` elements in place by HDF5's rules; `bytes` has room for that many of the larger type.
 * Long double padding comes out as zeros. Only where structure_can_convert(). H5CKPT_E_HDF5, H5CKPT_E_MEMORY.
 */
h5ckpt_status structure_convert(void *bytes, size_t element_count, const struct element *from, const struct element *to,
                                struct error *error);

void structure_free(struct structure *structure); /* STRUCTURE_NONE is allowed */

#endif
