/* SPDX-License-Identifier: MIT */
#include "storage/thread.h"

#include <signal.h>
#include <stddef.h>

/* These are the program's to handle wherever its memory is touched. */
static const int FAULTS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};

static void *begin(void *argument)
{
    const struct thread *thread = argument;

    thread->work(thread->context);
    return NULL;
}

bool thread_start(struct thread *thread, void (*work)(void *context), void *context)
{
    sigset_t others;
    sigset_t before;

    thread->work = work;
    thread->context = context;
    sigfillset(&others);
    for (size_t i = 0; i < sizeof FAULTS / sizeof *FAULTS; i++)
        sigdelset(&others, FAULTS[i]);
    pthread_sigmask(SIG_BLOCK, &others, &before); /* inherited by what is made now */
    const bool started = pthread_create(&thread->id, NULL, begin, thread) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

void thread_join(struct thread *thread)
{
    const int cancel = thread_hold_cancel();

    pthread_join(thread->id, NULL);
    thread_release_cancel(cancel);
}

int thread_hold_cancel(void)
{
    int before;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

void thread_release_cancel(int before)
{
    pthread_setcancelstate(before, NULL);
}
