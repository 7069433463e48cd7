/* SPDX-License-Identifier: MIT */
#include "statistic.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

static int compare(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;

    return (a > b) - (a < b);
}

struct summary summary_of(const double *values, size_t count)
{
    struct summary summary;
    double *sorted;

    assert(count > 0);
    for (size_t i = 0; i < count; i++)
        if (isnan(values[i]))
            return (struct summary){NAN, NAN, NAN};
    sorted = memory_check(malloc(count * sizeof *sorted));
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare);
    summary.min = sorted[0];
    summary.median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
    summary.max = sorted[count - 1];
    free(sorted);
    return summary;
}

void ratios_of(double *ratios, const double *of, const double *to, double scale, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ratios[i] = of[i] / (scale * to[i]);
}

size_t turn_of(size_t round, size_t place, size_t count)
{
    return (round + place) % count;
}
