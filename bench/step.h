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
    const struct workload *workload;
    size_t slice_count; /* of work so small that a clock may be read between any two */
};

/* "in cache", "all over memory" */
const char *step_name(enum step_kind kind);

/* Find out how much work 50 ms are. */
struct step step_make(enum step_kind kind, const struct workload *workload);

/* Do one, and return the seconds that it took. */
double step_run(const struct step *step);

/* Do arithmetic in cache for so many seconds, or for some ten microseconds if those are less. */
void step_compute(double seconds);

#endif
