/* SPDX-License-Identifier: MIT */
/*
 * datatype: what an element type is called in HDF5. docs/format.md lists the pairs; bool and complex are h5py's.
 */
#ifndef H5CKPT_DATATYPE_H
#define H5CKPT_DATATYPE_H

#include <hdf5.h>

#include "state/schema.h"

/* The HDF5 datatype of an element that the format knows, to be closed by the caller; negative if HDF5 fails. */
hid_t datatype_of_element(const struct element *element);

#endif
