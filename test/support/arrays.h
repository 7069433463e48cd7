/* SPDX-License-Identifier: MIT */
/*
 * arrays: a state of a few arrays of any size, each in pages of its own, whose content follows from a number. Every
 * function asserts that it succeeds.
 */
#ifndef TEST_ARRAYS_H
#define TEST_ARRAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "h5ckpt.h"

enum { ARRAYS_COUNT_MAX = 6, ARRAYS_PAGE_BYTES = 4096 };

struct arrays {
    h5ckpt_state *state;
    unsigned count;
    struct {
        const char *name; /* "alpha", "beta", "gamma", "delta", "epsilon", "zeta" */
        unsigned char *bytes;
        size_t byte_count;
        size_t element_bytes; /* 8 (float64) where that divides byte_count, else 1 */
    } item[ARRAYS_COUNT_MAX];
};

/* `byte_count` ends with a 0. */
void arrays_make(struct arrays *arrays, const size_t *byte_count);
void arrays_free(struct arrays *arrays);

/* Another state of the same names and sizes, with memory of its own, as another process would have it. */
void arrays_make_like(struct arrays *arrays, const struct arrays *other);

void arrays_fill(struct arrays *arrays, uint64_t number);
void arrays_spoil(struct arrays *arrays); /* no state at all */
bool arrays_are(const struct arrays *arrays, uint64_t number);
void arrays_copy(struct arrays *to, const struct arrays *from);
bool arrays_equal(const struct arrays *a, const struct arrays *b);
size_t arrays_byte_count(const struct arrays *arrays);

/* May the arrays' memory be touched at all? */
void arrays_forbid(struct arrays *arrays);
void arrays_allow(struct arrays *arrays);

/* What a reader beside the writer, or after it, restores into `arrays`: the status, and which state's progress. */
h5ckpt_status arrays_restore(struct arrays *arrays, enum h5ckpt_which which, struct h5ckpt_progress *progress);

#endif
