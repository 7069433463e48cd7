/* SPDX-License-Identifier: MIT */
#include "step.h"

#include "stopwatch.h"

enum {
    NUMBERS = 2048, /* 16 KiB, which a first-level cache holds */
    PASSES = 32,
    SCRIBBLES = 64,
    TRIALS = 5,
    SOME = 6,
};

const char *step_name(enum step_kind kind)
{
    return kind == STEP_IN_CACHE ? "in cache" : "all over memory";
}

/* Some ten microseconds of an iteration that goes nowhere; volatile, that it is not left out. */
static void compute_slice(void)
{
    static double numbers[NUMBERS];
    static volatile double result;

    for (int pass = 0; pass < PASSES; pass++)
        for (int i = 0; i < NUMBERS; i++)
            numbers[i] = 0.75 * numbers[i] + (double)i;
    result = numbers[NUMBERS - 1];
    (void)result;
}

double step_run(const struct step *step, const struct workload *workload)
{
    const double begin = stopwatch_now();

    for (size_t i = 0; i < step->slice_count; i++)
        if (step->kind == STEP_IN_CACHE)
            compute_slice();
        else
            workload_scribble(workload, SCRIBBLES);
    return stopwatch_now() - begin;
}

double step_run_some(const struct step *step, const struct workload *workload)
{
    double seconds = 0;

    for (int i = 0; i < SOME; i++)
        seconds += step_run(step, workload);
    return seconds / SOME;
}

/* The least of a few trials: what it takes when nothing else is going on. */
static double try(const struct step *step, const struct workload *workload)
{
    double least = step_run(step, workload);

    for (int i = 1; i < TRIALS; i++) {
        const double seconds = step_run(step, workload);
        least = seconds < least ? seconds : least;
    }
    return least;
}

struct step step_make(enum step_kind kind, const struct workload *workload)
{
    struct step step = {kind, 1};
    double seconds;

    while ((seconds = try(&step, workload)) < STEP_SECONDS / 2)
        step.slice_count *= 2;
    step.slice_count = (size_t)((double)step.slice_count * STEP_SECONDS / seconds);
    return step;
}

void step_compute(double seconds)
{
    const double end = stopwatch_now() + seconds;

    do
        compute_slice();
    while (stopwatch_now() < end);
}
