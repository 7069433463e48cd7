/* SPDX-License-Identifier: MIT */
#include "copy.h"

#include <stdio.h>
#include <string.h>

#include "parallel.h"

static void copy_share(void *context, unsigned thread)
{
    const struct copy *copy = context;
    const size_t begin = copy->byte_count / copy->thread_count * thread;
    const size_t end =
        thread + 1 == copy->thread_count ? copy->byte_count : copy->byte_count / copy->thread_count * (thread + 1);

    memcpy(copy->to + begin, copy->from + begin, end - begin);
}

static struct sample run(void *context)
{
    struct copy *copy = context;
    struct parallel parallel;
    struct stopwatch watch;

    if (copy->thread_count == 1) {
        watch = stopwatch_start();
        copy_share(copy, 0);
        return stopwatch_read(&watch);
    }
    parallel_make(&parallel, copy->thread_count, copy_share, copy);
    watch = stopwatch_start();
    parallel_go(&parallel);
    return stopwatch_read(&watch);
}

size_t copy_add(struct copy *copy, struct measure *measure)
{
    char name[32];

    snprintf(name, sizeof name, "memcpy, %u %s", copy->thread_count, copy->thread_count == 1 ? "thread" : "threads");
    return measure_add(measure, name, "into memory touched before", copy->byte_count, run, copy);
}
