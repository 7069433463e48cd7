/* SPDX-License-Identifier: MIT */
#include "stopwatch.h"

#include <sys/resource.h>
#include <time.h>

double stopwatch_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + 1e-6 * (double)time.tv_usec;
}

static double cpu_seconds_of(int who)
{
    struct rusage usage;

    getrusage(who, &usage);
    return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

static double cpu_seconds(void)
{
    return cpu_seconds_of(RUSAGE_SELF) + cpu_seconds_of(RUSAGE_CHILDREN);
}

/* The wall clock is read nearest to what is measured. */
struct stopwatch stopwatch_start(void)
{
    struct stopwatch watch;

    watch.cpu_seconds = cpu_seconds();
    watch.wall_seconds = stopwatch_now();
    return watch;
}

struct sample stopwatch_read(const struct stopwatch *watch)
{
    struct sample sample;

    sample.value = stopwatch_now() - watch->wall_seconds;
    sample.cpu_seconds = cpu_seconds() - watch->cpu_seconds;
    return sample;
}
