/* SPDX-License-Identifier: MIT */
/*
 * peer_hdf5: plain HDF5, used from C: a new file aside, a dataset for each array, close, fsync, rename, fsync of the
 * directory.
 */
#ifndef PEER_HDF5_H
#define PEER_HDF5_H

#include "measure.h"
#include "workload.h"

enum peer_hdf5_layout {
    PEER_HDF5_CONTIGUOUS,
    PEER_HDF5_CHUNKED, /* with HDF5's own checksums, which only chunks can have */
};

struct peer_hdf5 {
    enum peer_hdf5_layout layout;
    const struct workload *workload;
    char *path;       /* the state saved last */
    char *path_aside; /* where the next one is written */
};

void peer_hdf5_make(struct peer_hdf5 *peer, enum peer_hdf5_layout layout, const struct workload *workload);
void peer_hdf5_free(struct peer_hdf5 *peer);

/* Let it take part. */
size_t peer_hdf5_add(struct peer_hdf5 *peer, struct measure *measure);

#endif
