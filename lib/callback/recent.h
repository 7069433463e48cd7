/* SPDX-License-Identifier: MIT */
/*
 * recent: the last few durations of something that happens again and again. One thread at a time may note, another may
 * ask.
 */
#ifndef H5CKPT_RECENT_H
#define H5CKPT_RECENT_H

#include <stdatomic.h>
#include <stdint.h>

enum { RECENT_COUNT = 32 };

struct recent {
    _Atomic int64_t ns[RECENT_COUNT];
    _Atomic unsigned noted; /* in all */
};

/* Negative ones (a clock that a test moves) count as 0. */
void recent_note(struct recent *recent, int64_t ns);

/* Of those that are kept, in seconds; 0 if there is none. */
double recent_longest_seconds(const struct recent *recent);
double recent_shortest_seconds(const struct recent *recent);

#endif
