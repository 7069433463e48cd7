/* SPDX-License-Identifier: MIT */
/*
 * schedule: when a save is due. Pure: counters in, yes or no out, so that tests enumerate it.
 */
#ifndef H5CKPT_SCHEDULE_H
#define H5CKPT_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

/* Is `save_freq` one of the values that h5ckpt.h allows? */
bool schedule_is_valid(int64_t save_freq);

/* Is a save due when the batches finished in all have gone from `before` to `after`? */
bool schedule_is_due_at_batch(int64_t save_freq, uint64_t before, uint64_t after);

/* Is a save due at an epoch's end? */
bool schedule_is_due_at_epoch(int64_t save_freq);

#endif
