/* SPDX-License-Identifier: MIT */
/*
 * copy: memory that will next be read by a device, not by this processor.
 */
#ifndef H5CKPT_COPY_H
#define H5CKPT_COPY_H

#include <stddef.h>

enum { COPY_ALIGN_BYTES = 64 };

/* As memcpy(), past the processor's caches where it can; both places and the size are multiples of COPY_ALIGN_BYTES. */
void copy_past_caches(void *to, const void *from, size_t byte_count);

/* After such copies and before another thread or a device is told of them. */
void copy_finish(void);

#endif
