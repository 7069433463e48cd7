/* SPDX-License-Identifier: MIT */
/*
 * runs: which bytes of a file in memory are HDF5's own (its metadata), and must be written beside the variables.
 * Pure, no HDF5.
 */
#ifndef H5CKPT_RUNS_H
#define H5CKPT_RUNS_H

#include "error.h"
#include "state/schema.h"
#include "storage/hdf5/image.h"

struct run {
    uint64_t offset; /* in the file */
    size_t byte_count;
    unsigned char *bytes; /* owned */
};

struct runs {
    struct run *run; /* ascending, not overlapping each other or any variable */
    size_t run_count;
};

#define RUNS_NONE ((struct runs){0})

/*
 * Take from `image` all that was written outside of the variables of `schema`, which lie at `variable_offset`. The
 * places of variables are not believed: H5CKPT_E_HDF5 if they overlap, leave the file or hold anything but zeros.
 * H5CKPT_E_MEMORY. On failure `runs` is RUNS_NONE.
 */
h5ckpt_status runs_take(struct runs *runs, const struct image *image, const struct schema *schema,
                        const uint64_t *variable_offset, struct error *error);

void runs_free(struct runs *runs); /* RUNS_NONE is allowed */

#endif
