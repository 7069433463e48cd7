/* SPDX-License-Identifier: MIT */
#include "callback/schedule.h"

#include <inttypes.h>
#include <math.h>

#include "h5ckpt.h"

#define NS_PER_SECOND 1e9

static const int64_t BATCHES_MAX = INT64_C(1) << 53; /* what a double still counts exactly; more is a mistake */

/* -------------------------------------------------------------------- options */

static bool is_batch_count(int64_t save_freq)
{
    return save_freq > 0 && save_freq <= BATCHES_MAX;
}

static h5ckpt_status check_seconds(const char *field, double seconds, struct error *error)
{
    if (isfinite(seconds) && seconds >= 0)
        return H5CKPT_OK;
    return error_set(error, H5CKPT_E_ARGUMENT,
                     "callback options: %s is %g; it must be a number of seconds, or 0 for none", field, seconds);
}

h5ckpt_status schedule_check(const struct schedule *schedule, struct error *error)
{
    const int64_t save_freq = schedule->save_freq;
    const double save_share = schedule->save_share;
    h5ckpt_status status;

    if (save_freq != H5CKPT_EVERY_EPOCH && save_freq != H5CKPT_NEVER && !is_batch_count(save_freq))
        return error_set(error, H5CKPT_E_ARGUMENT,
                         "callback options: save_freq is %" PRId64 "; it must be H5CKPT_EVERY_EPOCH, "
                         "H5CKPT_NEVER or a number of batches from 1 to 2^53",
                         save_freq);
    status = check_seconds("save_seconds", schedule->save_seconds, error);
    if (status == H5CKPT_OK)
        status = check_seconds("failure_seconds", schedule->failure_seconds, error);
    if (status < 0)
        return status;
    if (!(save_share >= 0 && save_share < 1)) /* nor a NAN */
        return error_set(
            error, H5CKPT_E_ARGUMENT,
            "callback options: save_share is %g; it must be a share of run time, such as 0.01, or 0 for no "
            "limit",
            save_share);
    return H5CKPT_OK;
}

/* ------------------------------------------------------------------- counters */

bool schedule_counts_batch(const struct schedule *schedule, uint64_t before, uint64_t after)
{
    const int64_t save_freq = schedule->save_freq;

    return is_batch_count(save_freq) && after / (uint64_t)save_freq > before / (uint64_t)save_freq;
}

bool schedule_counts_epoch(const struct schedule *schedule)
{
    return schedule->save_freq == H5CKPT_EVERY_EPOCH;
}

bool schedule_ever_saves(const struct schedule *schedule)
{
    return schedule->save_freq != H5CKPT_NEVER || schedule->save_seconds > 0 || schedule->failure_seconds > 0 ||
           schedule->save_share > 0;
}

bool schedule_works_without_epochs(const struct schedule *schedule)
{
    return schedule->save_freq != H5CKPT_EVERY_EPOCH || schedule->save_seconds > 0 || schedule->failure_seconds > 0;
}

/* ---------------------------------------------------------------------- clock */

/*
 * J. T. Daly, A higher order estimate of the optimum checkpoint interval for restart dumps, Future Generation Computer
 * Systems 22(3), 2006, equation 37. Its first term is J. W. Young, A first order approximation to the optimum
 * checkpoint interval, Communications of the ACM 17(9), 1974.
 */
double schedule_best_interval(double cost_seconds, double failure_seconds)
{
    const double ratio = cost_seconds / (2 * failure_seconds);

    if (cost_seconds >= 2 * failure_seconds)
        return failure_seconds;
    return sqrt(2 * cost_seconds * failure_seconds) * (1 + sqrt(ratio) / 3 + ratio / 9) - cost_seconds;
}

static bool asks_the_clock(const struct schedule *schedule, const struct schedule_past *past, int64_t now_ns)
{
    const double seconds = (double)(now_ns - past->asked_ns) / NS_PER_SECOND;

    if (schedule->save_seconds > 0 && seconds >= schedule->save_seconds)
        return true;
    if (schedule->failure_seconds <= 0)
        return false;
    return past->typical_ns < 0 ||
           seconds >= schedule_best_interval((double)past->typical_ns / NS_PER_SECOND, schedule->failure_seconds);
}

/* Nothing else was asked for but a limit: whatever it allows. */
static bool asks_whenever_allowed(const struct schedule *schedule)
{
    return schedule->save_share > 0 && schedule->save_freq == H5CKPT_NEVER && schedule->save_seconds <= 0 &&
           schedule->failure_seconds <= 0;
}

/* The program's own, since the last save. */
static double own_seconds(const struct schedule_past *past, int64_t now_ns)
{
    return (double)(now_ns - past->since_ns - past->after_call_ns) / NS_PER_SECOND;
}

/* What takes long to fail would otherwise take all of the time. */
static bool asks_again(const struct schedule_past *past, int64_t now_ns)
{
    return past->pending && own_seconds(past, now_ns) >= (double)past->failed_ns / NS_PER_SECOND;
}

/* A cost of c is a share s of a run time of c / s, of which c (1 - s) / s is the program's own. */
bool schedule_is_allowed(const struct schedule *schedule, const struct schedule_past *past, int64_t now_ns)
{
    const double share = schedule->save_share;

    if (share <= 0 || !past->tried)
        return true;
    return own_seconds(past, now_ns) >= (double)past->charged_ns / NS_PER_SECOND * (1 - share) / share;
}

bool schedule_asks(const struct schedule *schedule, const struct schedule_past *past, bool counted, int64_t now_ns)
{
    return counted || asks_the_clock(schedule, past, now_ns) || asks_whenever_allowed(schedule);
}

bool schedule_is_due(const struct schedule *schedule, const struct schedule_past *past, bool counted, int64_t now_ns)
{
    const bool asked = schedule_asks(schedule, past, counted, now_ns) || asks_again(past, now_ns);

    return asked && schedule_is_allowed(schedule, past, now_ns);
}
