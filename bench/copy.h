/* SPDX-License-Identifier: MIT */
/*
 * copy: memcpy, the yardstick for what happens in memory, into memory that was touched before.
 */
#ifndef COPY_H
#define COPY_H

#include <stddef.h>

#include "measure.h"

struct copy {
    const unsigned char *from;
    unsigned char *to;
    size_t byte_count;
    unsigned thread_count;
};

/* Let it take part, as "memcpy, 2 threads". */
size_t copy_add(struct copy *copy, struct measure *measure);

#endif
