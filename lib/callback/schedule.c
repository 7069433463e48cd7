/* SPDX-License-Identifier: MIT */
#include "callback/schedule.h"

#include "h5ckpt.h"

static const int64_t BATCHES_MAX = INT64_C(1) << 53; /* what a double still counts exactly; more is a mistake */

static bool is_batch_count(int64_t save_freq)
{
    return save_freq > 0 && save_freq <= BATCHES_MAX;
}

bool schedule_is_valid(int64_t save_freq)
{
    return save_freq == H5CKPT_EVERY_EPOCH || save_freq == H5CKPT_NEVER || is_batch_count(save_freq);
}

bool schedule_is_due_at_batch(int64_t save_freq, uint64_t before, uint64_t after)
{
    return is_batch_count(save_freq) && after / (uint64_t)save_freq > before / (uint64_t)save_freq;
}

bool schedule_is_due_at_epoch(int64_t save_freq)
{
    return save_freq == H5CKPT_EVERY_EPOCH;
}
