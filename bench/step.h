/* SPDX-License-Identifier: MIT */
/*
 * step: what a program does between saves, on one core: steps that take 50 ms when nothing else is going on.
 */
#ifndef STEP_H
#define STEP_H

#include <stddef.h>

#include "workload.h"

enum step_kind {
    STEP_IN_CACHE, /* arithmetic on a few kilobytes */
    STEP_ALL_OVER, /* writes to random places of all arrays */
};

enum { STEP_KIND_COUNT = STEP_ALL_OVER + 1 };

#define STEP_SECONDS 0.05

struct step {
    enum step_kind kind;
    size_t slice_count; /* how much work it is */
};

/* "in cache", "all over memory" */
const char *step_name(enum step_kind kind);

/* Find out how much work 50 ms are. */
struct step step_make(enum step_kind kind, const struct workload *workload);

/* Do one, and return the seconds that it took. Of the workload, only a step all over memory needs anything. */
double step_run(const struct step *step, const struct workload *workload);

/* Do some, as many as a save takes, and return the mean. */
double step_run_some(const struct step *step, const struct workload *workload);

/* Do arithmetic in cache for so many seconds, or for some ten microseconds if those are less. */
void step_compute(double seconds);

#endif
