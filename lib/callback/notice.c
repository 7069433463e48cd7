/* SPDX-License-Identifier: MIT */
#include "callback/notice.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "storage/store.h"
#include "storage/system.h"

static const int64_t FILE_LOOK_NS = 1000000000; /* no more often: on a file system of many nodes a look is a message */

static struct notice_moment moment_now(void)
{
    return (struct notice_moment){system_calls->monotonic_time_ns(), system_calls->wall_time_ns()};
}

h5ckpt_status notice_check_options(const struct h5ckpt_preemption *options, struct error *error)
{
    h5ckpt_status status = H5CKPT_OK;

    for (int i = 0; i < SIGNAL_WATCH_MAX && options->signals[i] != 0 && status == H5CKPT_OK; i++)
        status = signal_check(options->signals[i], error);
    if (status < 0)
        return status;
    if (!(options->deadline >= 0)) /* NaN, too */
        return error_set(error, H5CKPT_E_ARGUMENT,
                         "callback options: preemption.deadline is %g; it must be seconds since 1970, 0 or INFINITY",
                         options->deadline);
    if (!(options->grace_seconds >= 0) || isinf(options->grace_seconds))
        return error_set(error, H5CKPT_E_ARGUMENT,
                         "callback options: preemption.grace_seconds is %g; it must be 0 or more, and finite",
                         options->grace_seconds);
    return H5CKPT_OK;
}

/* ---------------------------------------------------------------------- deadline */

/* The batch system's, where the environment has one; INFINITY. */
static double deadline_of_environment(void)
{
    const char *text = getenv("SLURM_JOB_END_TIME");
    char *rest;
    double deadline;

    if (text == NULL || *text == '\0')
        return (double)INFINITY;
    deadline = strtod(text, &rest);
    return *rest == '\0' && deadline > 0 ? deadline : (double)INFINITY;
}

static void settle_deadline(struct notice *notice, h5ckpt_store *store)
{
    const double now = (double)system_calls->wall_time_ns() / 1e9;

    notice->deadline = notice->options.deadline != 0 ? notice->options.deadline : deadline_of_environment();
    if (notice->deadline > now)
        return;
    /* Obeyed, it would end every life after one batch. */
    event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_PREEMPTION},
               "the deadline of this job passed %.0f s before training began: it is ignored", now - notice->deadline);
    notice->deadline = (double)INFINITY;
}

double notice_left_seconds(const struct notice *notice)
{
    double left = notice->deadline - (double)notice->looked.wall_ns / 1e9;

    if (notice->options.seconds_left != NULL) {
        const double told = notice->options.seconds_left(notice->options.context);
        if (told < left) /* NaN is not */
            left = told;
    }
    return left;
}

/* ----------------------------------------------------------------------- sources */

static bool file_says_so(struct notice *notice, h5ckpt_store *store)
{
    struct error ignored = ERROR_NONE;
    struct entry entry = {0};

    if (!notice->options.stop_file)
        return false;
    if (notice->file_looked_for && notice->looked.monotonic_ns - notice->file_looked_ns < FILE_LOOK_NS)
        return false;
    notice->file_looked_for = true;
    notice->file_looked_ns = notice->looked.monotonic_ns;
    if (directory_look(&store->directory, H5CKPT_STOP_FILE, &entry, &ignored) < 0)
        entry.kind = ENTRY_ABSENT; /* a directory that cannot be read fails saves, which say so */
    error_clear(&ignored);
    if (entry.kind == ENTRY_OTHER && !notice->file_refused) {
        notice->file_refused = true;
        event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_PREEMPTION, .file = H5CKPT_STOP_FILE},
                   "'%s/%s' is no file: it is not taken for a stop file", store->directory.path, H5CKPT_STOP_FILE);
    }
    return entry.kind == ENTRY_FILE;
}

static bool signal_says_so(struct notice *notice)
{
    const int number = signal_watch_caught(&notice->watch);

    if (number != 0)
        snprintf(notice->by, sizeof notice->by, "%s (%d)", signal_name(number), number);
    return number != 0;
}

static bool anybody_says_so(struct notice *notice, h5ckpt_store *store)
{
    if (signal_says_so(notice))
        return true;
    if (file_says_so(notice, store)) {
        snprintf(notice->by, sizeof notice->by, "the stop file");
        return true;
    }
    if (notice->options.should_stop != NULL && notice->options.should_stop(notice->options.context)) {
        snprintf(notice->by, sizeof notice->by, "the program's should_stop()");
        return true;
    }
    return false;
}

/* ---------------------------------------------------------------- begin, look, end */

h5ckpt_status notice_begin(struct notice *notice, h5ckpt_store *store, struct error *error)
{
    h5ckpt_status status = signal_watch_begin(&notice->watch, notice->options.signals, error);

    if (status < 0)
        return status;
    settle_deadline(notice, store);
    notice->looked = moment_now();
    return H5CKPT_OK;
}

void notice_end(struct notice *notice)
{
    if (!notice->given && signal_says_so(notice)) {
        notice->given = true;
        notice->given_at = notice->looked;
    }
    signal_watch_end(&notice->watch);
}

void notice_look(struct notice *notice, h5ckpt_store *store)
{
    const struct notice_moment before = notice->looked;

    notice->looked = moment_now();
    if (!notice->given && anybody_says_so(notice, store)) {
        notice->given = true;
        notice->given_at = before;
    }
}

double notice_age_seconds(const struct notice *notice)
{
    const int64_t monotonic_ns = notice->looked.monotonic_ns - notice->given_at.monotonic_ns;
    const int64_t wall_ns = notice->looked.wall_ns - notice->given_at.wall_ns;

    return (double)(monotonic_ns > wall_ns ? monotonic_ns : wall_ns) / 1e9;
}

h5ckpt_status notice_consume(const struct notice *notice, h5ckpt_store *store, struct error *error)
{
    return notice->options.stop_file ? directory_remove(&store->directory, H5CKPT_STOP_FILE, error) : H5CKPT_OK;
}
