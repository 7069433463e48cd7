/* SPDX-License-Identifier: MIT */
/*
 * save: what the callback needs beside the public calls.
 */
#ifndef H5CKPT_SAVE_H
#define H5CKPT_SAVE_H

#include "storage/store.h"

/* Work was finished. Has a save in the background failed, of which the program was not told yet? Without waiting for one; but one that
 * was not fenced before that work fails by it. */
h5ckpt_status save_failure(h5ckpt_store *store);

#endif
