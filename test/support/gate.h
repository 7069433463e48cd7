/* SPDX-License-Identifier: MIT */
/*
 * gate: the system calls of saves that go on in the background, in whatever thread or process they are made: counted,
 * held up until the test lets them go, or failing. All that it knows lies in memory that child processes share, and it
 * uses no descriptor, so that a child may close what it likes.
 *
 * It stands in front of the calls that faults_clear() leaves in force: nobody waits for the device.
 */
#ifndef TEST_GATE_H
#define TEST_GATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum gate_call { /* bits */
                 GATE_OPEN = 1,
                 GATE_WRITE = 2,
                 GATE_FLUSH = 4,
                 GATE_RENAME = 8,
                 GATE_ALLOCATE = 16,
                 GATE_LINK = 32,
};

enum { GATE_FOR_EVER = 1000000000 };

/* Of each test: nothing is held, nothing fails, nothing was counted. */
void gate_setup(void);
void gate_teardown(void);

/*
 * From now on these calls on files whose name begins so (NULL: on all, the directory too) wait until gate_open(). A
 * gate that nobody opens for half a minute opens by itself, and gate_open() fails.
 */
void gate_shut(unsigned calls, const char *name);
void gate_open(void);

/* Wait until a call is held; asserts that one comes. Which process and thread make it? */
void gate_await(void);
pid_t gate_held_process(void);
pid_t gate_held_thread(void);
unsigned gate_held_count(void); /* so far, without waiting */

/* Matching call number `first`, counted from 0 from now on, and `count` in all fail with `error`. */
void gate_fail(unsigned calls, const char *name, long first, long count, int error);
void gate_fail_no_more(void);
bool gate_failed(void); /* has any, since gate_fail()? */

/* Of files whose name begins so, since gate_forget() or the beginning. */
void gate_forget(void);
uint64_t gate_written_bytes(const char *name);
uint64_t gate_flush_count(const char *name); /* flushes that succeeded */

#endif
