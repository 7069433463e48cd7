/* SPDX-License-Identifier: MIT */
/*
 * pace: writing no faster than a given rate. Pure.
 */
#ifndef H5CKPT_PACE_H
#define H5CKPT_PACE_H

#include <stdint.h>

struct pace {
    uint64_t bytes_per_second; /* 0: as fast as can be */
    int64_t begun_ns;
};

/* When, on the clock that `begun_ns` was read from, `bytes_done` bytes may have been written; INT64_MAX: never. */
int64_t pace_due_ns(const struct pace *pace, uint64_t bytes_done);

#endif
