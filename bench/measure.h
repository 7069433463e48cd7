/* SPDX-License-Identifier: MIT */
/*
 * measure: contenders that take turns, A B C, B C A, C A B …, so that a machine that is slow for a while is slow for
 * all of them, and the ratios between what they took.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "statistic.h"
#include "stopwatch.h"

enum measure_unit { MEASURE_SECONDS, MEASURE_BYTES };

/* Does whatever has to precede it, untimed, then the thing itself. A run that fails ends the program. */
typedef struct sample measure_run_function(void *context);

struct contender {
    char *name;
    char *settings;      /* how it is set up; "" if its name says it all */
    char *skipped;       /* why it does not take part; NULL if it does */
    uint64_t byte_count; /* of the arrays, that a run deals with */
    measure_run_function *run;
    void *context;       /* not ours */
    double *values;      /* as many as there are repetitions */
    double *cpu_seconds; /* likewise */
};

/* values[i] of one contender by `scale` times values[i] of another. */
struct ratio {
    size_t of;
    size_t to;
    double scale;
    double x;           /* where it lies on the measure's axis, if that has one */
    const char *series; /* likewise, the curve that it belongs to; static */
    double *values;     /* as many as there are repetitions; NULL if one of the two was skipped */
};

struct measure {
    char *title;
    enum measure_unit unit;
    const char *axis;       /* what the ratios are plotted along; NULL: each is for itself; static */
    bool axis_linear;       /* else it counts in powers */
    unsigned warm_up_count; /* rounds before those that count */
    unsigned repeat_count;
    unsigned runs_each; /* turns in a repetition; the median of a contender's runs is its value */
    struct contender *contenders;
    size_t contender_count;
    struct ratio *ratios;
    size_t ratio_count;
};

/* In seconds, one round of warming up, one run in each repetition. */
void measure_make(struct measure *measure, const char *title, unsigned repeat_count);
void measure_free(struct measure *measure);

/* Both copy the strings and return the contender's number. */
size_t measure_add(struct measure *measure, const char *name, const char *settings, uint64_t byte_count,
                   measure_run_function *run, void *context);
size_t measure_add_skipped(struct measure *measure, const char *name, const char *reason);

/*
 * Ask for the ratio of contender `of` to `scale` times contender `to`; for a measure with an axis, at `x` of a curve.
 */
void measure_compare(struct measure *measure, size_t of, size_t to, double scale);
void measure_compare_at(struct measure *measure, size_t of, size_t to, double scale, const char *series, double x);

/* Let them run, and form the ratios. Tells a terminal how far it has come. */
void measure_run(struct measure *measure);

/* The contender's rate in bytes a second, by its median; NAN without one. */
double measure_rate(const struct measure *measure, const struct contender *contender);

#endif
