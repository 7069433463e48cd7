/* SPDX-License-Identifier: MIT */
/*
 * parallel: threads that are there before the clock starts.
 */
#ifndef PARALLEL_H
#define PARALLEL_H

#include <pthread.h>
#include <stdatomic.h>

enum { PARALLEL_THREADS_MAX = 4 };

struct parallel {
    pthread_t threads[PARALLEL_THREADS_MAX];
    unsigned thread_count;
    pthread_barrier_t gate;
    void (*work)(void *context, unsigned thread);
    void *context;
    atomic_uint next_thread; /* to take its number */
};

/* Make threads 0 … thread_count - 1, which wait until parallel_go(). Ends the program where they cannot be had. */
void parallel_make(struct parallel *parallel, unsigned thread_count, void (*work)(void *context, unsigned thread),
                   void *context);

/* Let them work, and wait until all have finished. */
void parallel_go(struct parallel *parallel);

#endif
