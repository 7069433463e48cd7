/* SPDX-License-Identifier: MIT */
/*
 * change: has the program's memory changed since it was gathered? For those who forget a fence.
 */
#ifndef H5CKPT_CHANGE_H
#define H5CKPT_CHANGE_H

#include "storage/gather.h"

/* H5CKPT_OK: no byte has. H5CKPT_E_ARGUMENT names variables with bytes in blocks that have. */
h5ckpt_status change_check(const struct gather *gather, struct error *error);

#endif
