/* SPDX-License-Identifier: MIT */
/*
 * buffer: memory between a file and the program, aligned for any kind of descriptor; reused, so that a save allocates
 * nothing.
 */
#ifndef H5CKPT_BUFFER_H
#define H5CKPT_BUFFER_H

#include "error.h"

struct buffer {
    unsigned char *bytes;
    size_t byte_count;
};

#define BUFFER_NONE ((struct buffer){0})

/* Have at least `byte_count` bytes; what it held is gone. H5CKPT_E_MEMORY. */
h5ckpt_status buffer_reserve(struct buffer *buffer, size_t byte_count, struct error *error);

/*
 * `byte_count` bytes to be given to free(), aligned as those of a buffer; NULL: there are none. Large ones lie in huge
 * pages where the system has them.
 */
void *buffer_allocate(size_t byte_count);

void buffer_free(struct buffer *buffer); /* BUFFER_NONE is allowed */

#endif
