/* SPDX-License-Identifier: MIT */
/*
 * convert: arrays of numbers from one element type to another, by HDF5's rules, in memory.
 */
#ifndef H5CKPT_CONVERT_H
#define H5CKPT_CONVERT_H

#include "error.h"
#include "state/schema.h"

/*
 * Are both numbers of the same kind: integers, floating-point including long double, complex? Only then can one be
 * converted to the other. Pure.
 */
bool convert_is_possible(const struct element *from, const struct element *to);

/*
 * Convert `element_count` elements in place; `bytes` has room for that many of the larger type. Long double padding
 * comes out as zeros. Only where convert_is_possible(). H5CKPT_E_HDF5, H5CKPT_E_MEMORY.
 */
h5ckpt_status convert_elements(void *bytes, size_t element_count, const struct element *from, const struct element *to,
                               struct error *error);

#endif
