/* SPDX-License-Identifier: MIT */
#include "stopwatch.h"

#include <sys/resource.h>
#include <time.h>

static double wall_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + 1e-6 * (double)time.tv_usec;
}

static double cpu_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

/* The wall clock is read nearest to what is measured. */
struct stopwatch stopwatch_start(void)
{
    struct stopwatch watch;

    watch.cpu_seconds = cpu_seconds();
    watch.wall_seconds = wall_seconds();
    return watch;
}

struct sample stopwatch_read(const struct stopwatch *watch)
{
    struct sample sample;

    sample.value = wall_seconds() - watch->wall_seconds;
    sample.cpu_seconds = cpu_seconds() - watch->cpu_seconds;
    return sample;
}
