/* SPDX-License-Identifier: MIT */
/*
 * statistic: what repetitions come to. Pure.
 */
#ifndef STATISTIC_H
#define STATISTIC_H

#include <stddef.h>

struct summary {
    double min;
    double median;
    double max;
};

/* Of at least one value; all NAN if any value is. */
struct summary summary_of(const double *values, size_t count);

/*
 * of[i] / (scale * to[i]): each repetition is compared with its own yardstick, so that what disturbs both cancels out.
 */
void ratios_of(double *ratios, const double *of, const double *to, double scale, size_t count);

/* Who takes the turn at `place` of round `round` among `count`: everyone once, and each round begins with the next. */
size_t turn_of(size_t round, size_t place, size_t count);

#endif
