/* SPDX-License-Identifier: MIT */
#include "callback/timing.h"

#include "storage/save.h"
#include "storage/system.h"

struct timing timing_of(const struct h5ckpt_callback_options *options)
{
    return (struct timing){
        .schedule = {.save_freq = options->save_freq,
                     .save_seconds = options->save_seconds,
                     .failure_seconds = options->failure_seconds,
                     .save_share = options->save_share},
        .skip_if_busy = options->store.background.skip_if_busy,
    };
}

void timing_begin_training(struct timing *timing)
{
    timing->past.since_ns = timing->past.asked_ns = system_calls->monotonic_time_ns();
}

static int64_t take_new_stall(struct timing *timing, const h5ckpt_store *store)
{
    const int64_t stall_ns = store->stall_ns - timing->stall_seen_ns;

    timing->stall_seen_ns = store->stall_ns;
    return stall_ns;
}

/* What the program has spent in fences meanwhile is the last save's. */
void timing_end_batches(struct timing *timing, const h5ckpt_store *store, uint64_t count)
{
    const int64_t stall_ns = take_new_stall(timing, store);

    timing->now_ns = system_calls->monotonic_time_ns();
    cost_add_stall(&timing->cost, stall_ns);
    cost_end_batch(&timing->cost, timing->now_ns, stall_ns, count);
}

void timing_end_epoch(struct timing *timing, const h5ckpt_store *store)
{
    timing->now_ns = system_calls->monotonic_time_ns();
    cost_add_stall(&timing->cost, take_new_stall(timing, store));
    cost_leave_batch(&timing->cost);
}

/* What the hook has spent in taking in a save was that one's. */
void timing_begin_batch(struct timing *timing, const h5ckpt_store *store)
{
    const int64_t stall_ns = take_new_stall(timing, store);

    if (stall_ns > 0)
        timing->now_ns = system_calls->monotonic_time_ns();
    cost_add_stall(&timing->cost, stall_ns);
    cost_begin_batch(&timing->cost, timing->now_ns, save_in_flight(store));
}

/* What only the clock asks for can wait where a save in flight would have it skipped. */
bool timing_is_due(struct timing *timing, const h5ckpt_store *store, bool counted)
{
    struct schedule_past *past = &timing->past;

    if (timing->skip_if_busy && !counted && save_in_flight(store))
        return false;
    past->pending |= store->save_failed && store->failure.status == H5CKPT_OK; /* told first, then tried again */
    past->after_call_ns = cost_after_call_ns(&timing->cost);
    past->charged_ns = cost_charged_ns(&timing->cost);
    past->failed_ns = store->save_failed ? cost_last_ns(&timing->cost) : 0;
    past->typical_ns = cost_typical_ns(&timing->cost);
    return schedule_is_due(&timing->schedule, past, counted, timing->now_ns);
}

h5ckpt_status timing_save(struct timing *timing, h5ckpt_store *store, const struct h5ckpt_progress *at, bool asked)
{
    const bool repeats =
        !asked && store->save_failed && !schedule_asks(&timing->schedule, &timing->past, false, timing->now_ns);
    h5ckpt_status status = repeats ? save_again(store, at) : h5ckpt_save(store, at);

    if (status == H5CKPT_SKIPPED)
        return status;
    cost_add_save(&timing->cost, take_new_stall(timing, store), store->save_failed);
    timing->past.pending = store->save_failed;
    timing->past.tried = true;
    timing->past.since_ns = timing->now_ns = system_calls->monotonic_time_ns();
    if (!repeats || !store->save_failed)
        timing->past.asked_ns = timing->now_ns;
    return status;
}

void timing_postpone(struct timing *timing)
{
    timing->past.pending = true;
}
