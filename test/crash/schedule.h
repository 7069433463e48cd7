/* SPDX-License-Identifier: MIT */
/*
 * schedule: the library's threads take turns, drawn at random from a seed: a run repeats exactly, and the recorder sees
 * their writes in any order that they can have.
 *
 * One thread runs at a time. It hands over before each change of the file system, where it waits for another thread,
 * and where the program calls schedule_let_run(). Linked with -Wl,--wrap= of thread_start, thread_join,
 * pthread_cond_wait and pthread_cond_timedwait.
 */
#ifndef H5CKPT_TEST_SCHEDULE_H
#define H5CKPT_TEST_SCHEDULE_H

#include <stdint.h>

/* From here on, threads take turns; the caller is the program. Until then, and afterwards, they are as ever. */
enum schedule_threads { SCHEDULE_THREADS, SCHEDULE_NO_THREADS /* the system gives none */ };
void schedule_begin(uint64_t seed, enum schedule_threads threads);
void schedule_end(void); /* all others must have been joined */

/* The running thread hands over, perhaps. */
void schedule_yield(void);

/* The program is busy with something else: the others take up to so many turns. */
void schedule_let_run(unsigned turn_count);

/* A random number below `bound`, from the same seed. */
uint64_t schedule_draw(uint64_t bound);

#endif
