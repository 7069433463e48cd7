/* SPDX-License-Identifier: MIT */
/*
 * schedule: when a save is due. Pure: clock readings and counters in, yes or no out, so that tests enumerate it.
 *
 * (1) A save is due if anything asks for it: the counters, the clock, or what was due before and is not saved yet.
 * (2) It is done where it is also allowed: save_share limits all of them.
 * (3) A try that failed is not repeated before the program has had as much time for itself as it took; what is due by
 *     itself by then, by the counters or the clock, is not kept back.
 *
 * Times are those of the monotonic clock: neither a clock that is set nor a machine that is suspended makes a save due.
 */
#ifndef H5CKPT_SCHEDULE_H
#define H5CKPT_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

/* What the program asks for: the fields of struct h5ckpt_callback_options. */
struct schedule {
    int64_t save_freq;
    double save_seconds;    /* 0: not by time */
    double failure_seconds; /* 0: not by this */
    double save_share;      /* 0: no limit */
};

/* What has happened so far. */
struct schedule_past {
    bool pending;     /* what was due is not saved: it was not allowed, or it failed */
    bool tried;       /* to save, in this process: the rest is about the last time … */
    int64_t since_ns; /* … that is, when that call returned; else when training began */
    int64_t asked_ns; /* likewise of the last one that was due by itself, or succeeded: from there the clock counts */
    int64_t after_call_ns; /* what it has cost the program since */
    int64_t charged_ns;    /* what it has cost in all, without what is beyond the usual */
    int64_t failed_ns;     /* likewise in all, if it failed; else 0 */
    int64_t typical_ns;    /* what saves cost; negative: unknown */
};

/* H5CKPT_E_ARGUMENT: a field that has a value that h5ckpt.h does not allow. */
h5ckpt_status schedule_check(const struct schedule *schedule, struct error *error);

/* Do the counters ask for a save when the batches finished in all have gone from `before` to `after`? */
bool schedule_counts_batch(const struct schedule *schedule, uint64_t before, uint64_t after);

/* At an epoch's end? */
bool schedule_counts_epoch(const struct schedule *schedule);

/* Does anything ever ask for one? */
bool schedule_ever_saves(const struct schedule *schedule);

/* Does anything ask for one in a loop without epochs? */
bool schedule_works_without_epochs(const struct schedule *schedule);

/* (1) and (2); `counted`: the counters ask now. … */
bool schedule_is_due(const struct schedule *schedule, const struct schedule_past *past, bool counted, int64_t now_ns);

/* … And by itself, not only because what was due before is not saved yet? */
bool schedule_asks(const struct schedule *schedule, const struct schedule_past *past, bool counted, int64_t now_ns);
bool schedule_is_allowed(const struct schedule *schedule, const struct schedule_past *past, int64_t now_ns);

/* The time between saves that loses least, where a save costs `cost_seconds` and the program is interrupted every
 * `failure_seconds` on average. */
double schedule_best_interval(double cost_seconds, double failure_seconds);

#endif
