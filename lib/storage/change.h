/* SPDX-License-Identifier: MIT */
/*
 * change: has the program's memory changed since a save began? For those who forget a fence.
 */
#ifndef H5CKPT_CHANGE_H
#define H5CKPT_CHANGE_H

#include "storage/gather.h"

/* The checksums of all blocks as memory is now, to be freed; NULL: out of memory. */
struct checksum *change_note(const struct gather *gather);

/*
 * H5CKPT_OK: all blocks are, and were when they were gathered, as in `before`. H5CKPT_E_ARGUMENT names variables with
 * bytes in blocks that are or were not.
 */
h5ckpt_status change_check(const struct gather *gather, const struct checksum *before, struct error *error);

#endif
