/* SPDX-License-Identifier: MIT */
/*
 * timing: when the hooks save. It reads the clock, knows what saves have cost (cost), and asks the schedule.
 */
#ifndef H5CKPT_TIMING_H
#define H5CKPT_TIMING_H

#include "callback/cost.h"
#include "callback/schedule.h"
#include "storage/store.h"

struct timing {
    struct schedule schedule;
    struct schedule_past past; /* but for what `cost` knows */
    struct cost cost;
    bool skip_if_busy;
    int64_t stall_seen_ns; /* of the store's stalls, what `cost` knows */
    int64_t now_ns; /* when the hook was called, or had saved: the clock is not asked for each of its questions */
};

/* All zeros but what the options ask for; they may be bad: schedule_check(). */
struct timing timing_of(const struct h5ckpt_callback_options *options);

void timing_begin_training(struct timing *timing);

/* A hook is called: so many batches are finished, or an epoch. */
void timing_end_batches(struct timing *timing, const h5ckpt_store *store, uint64_t count);
void timing_end_epoch(struct timing *timing, const h5ckpt_store *store);

/* A hook returns, and the next batch begins. */
void timing_begin_batch(struct timing *timing, const h5ckpt_store *store);

/* Is a save due? `counted`: the counters ask for one now. */
bool timing_is_due(struct timing *timing, const h5ckpt_store *store, bool counted);

/*
 * A save, with notes of what it cost. `asked`: somebody asks for it now; else, where the schedule does not either, it
 * makes up for one that failed.
 */
h5ckpt_status timing_save(struct timing *timing, h5ckpt_store *store, const struct h5ckpt_progress *at, bool asked);

/* The counters asked for one, and there was none: it stays due. */
void timing_postpone(struct timing *timing);

#endif
