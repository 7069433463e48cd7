/* SPDX-License-Identifier: MIT */
/*
 * thread: one of our own. It blocks all signals but those of faults: handlers are the program's business.
 */
#ifndef H5CKPT_THREAD_H
#define H5CKPT_THREAD_H

#include <pthread.h>
#include <stdbool.h>

struct thread {
    pthread_t id;
    void (*work)(void *context);
    void *context;
};

/*
 * Run `work(context)` in a new thread; false where the system gives none. The struct must stay where it is until it is
 * joined.
 */
bool thread_start(struct thread *thread, void (*work)(void *context), void *context);

void thread_join(struct thread *thread);

/* While a thread of ours works on the caller's stack or handle, pthread_cancel() must not take the caller away. */
int thread_hold_cancel(void);
void thread_release_cancel(int before);

#endif
