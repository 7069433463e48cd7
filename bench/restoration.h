/* SPDX-License-Identifier: MIT */
/*
 * restoration: h5ckpt_restore() of what a subject saved, by a store that was just opened, into arrays that hold
 * something else. That they hold what was saved is checked after the clock has stopped.
 */
#ifndef RESTORATION_H
#define RESTORATION_H

#include "cache.h"
#include "subject.h"

struct restoration {
    struct subject *subject; /* with a state saved */
    enum h5ckpt_memory memory;
    enum cache_state cache; /* of the directory's files, before the restore */
};

/* "verify first", "staged", "blockwise" */
const char *restoration_memory_name(enum h5ckpt_memory memory);

/* Let it take part. */
size_t restoration_add(struct restoration *restoration, struct measure *measure, const char *name);

#endif
