/* SPDX-License-Identifier: MIT */
/*
 * duplicate: a state's file copied into a new one, every block verified against its checksum on the way.
 */
#ifndef H5CKPT_DUPLICATE_H
#define H5CKPT_DUPLICATE_H

#include "storage/slot_write.h"

struct duplicate {
    const char *from;
    const struct record *expected; /* of `from`, as it was looked at */
    const char *to;                /* a leftover of that name is removed */
    struct record record;          /* of the copy; its geometry and digests are those of `from` */
    mode_t file_mode;
};

/*
 * Make the copy; its bytes are durable on return, its name is not. On failure there is no file `to`. H5CKPT_E_DAMAGED
 * (a block is not what was saved), H5CKPT_E_OVERTAKEN (`from` holds another state by now), H5CKPT_E_MEMORY, or the
 * system's errors.
 */
h5ckpt_status duplicate_file(const struct duplicate *duplicate, const struct directory *directory,
                             struct buffer *buffer, struct error *error);

#endif
