/* SPDX-License-Identifier: MIT */
#include "parallel.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>

#include "failure.h"

/* Twice through the gate: once to be there, once to begin. */
static void *begin(void *argument)
{
    struct parallel *parallel = argument;
    const unsigned thread = atomic_fetch_add(&parallel->next_thread, 1);

    pthread_barrier_wait(&parallel->gate);
    pthread_barrier_wait(&parallel->gate);
    parallel->work(parallel->context, thread);
    return NULL;
}

/* Signals are the main thread's: scratch.c stops it while the directory is removed. */
static int make_thread(struct parallel *parallel, unsigned i)
{
    sigset_t all;
    sigset_t before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&parallel->threads[i], NULL, begin, parallel);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

void parallel_make(struct parallel *parallel, unsigned thread_count, void (*work)(void *context, unsigned thread),
                   void *context)
{
    assert(thread_count > 0 && thread_count <= PARALLEL_THREADS_MAX);
    parallel->thread_count = thread_count;
    parallel->work = work;
    parallel->context = context;
    atomic_init(&parallel->next_thread, 0);
    errno = pthread_barrier_init(&parallel->gate, NULL, thread_count + 1);
    if (errno != 0)
        fail_system("cannot make a barrier");
    for (unsigned i = 0; i < thread_count; i++) {
        errno = make_thread(parallel, i);
        if (errno != 0)
            fail_system("cannot make a thread");
    }
    pthread_barrier_wait(&parallel->gate);
}

void parallel_go(struct parallel *parallel)
{
    pthread_barrier_wait(&parallel->gate);
    for (unsigned i = 0; i < parallel->thread_count; i++)
        pthread_join(parallel->threads[i], NULL);
    pthread_barrier_destroy(&parallel->gate);
}
