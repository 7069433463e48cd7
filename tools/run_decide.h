/* SPDX-License-Identifier: MIT */
/*
 * run_decide: what becomes of a program after one of its lives: is it started again, when, and with which status does
 * it all end? Pure: no I/O, so that the test walks every combination.
 *
 * (1) What could not be executed, or has finished, is not started again.
 * (2) Nor is what was asked to end from outside, or has stopped because the job's time ends: whoever asked starts it
 *     again if he wants to.
 * (3) Nor is there ever a second writer beside one that is still there.
 * (4) Nor is work whose checkpoint was deleted: it is done, however the life ended, and would begin anew.
 * (5) Two lives in a row (or so many as were allowed) that got no further are the last: the next one would fare no
 *     better.
 */
#ifndef RUN_DECIDE_H
#define RUN_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

enum run_end {
    RUN_FINISHED = 0, /* exit status 0 */
    RUN_PREEMPTED,    /* H5CKPT_EXIT_PREEMPTED: it has saved, and wants to be started again */
    RUN_CRASHED,      /* another status, or a signal */
    RUN_NOT_EXECUTED, /* there is no such program, or it is none */
    RUN_NOT_STARTED,  /* the system gave no process */
};

enum { RUN_END_COUNT = RUN_NOT_STARTED + 1 };

enum run_asked {
    RUN_NOT_ASKED = 0,
    RUN_NOTICED,   /* a signal of which only the program knows what it means was passed on */
    RUN_ASKED_END, /* a signal that asks for the end was passed on; or one of the others killed it */
};

enum { RUN_ASKED_COUNT = RUN_ASKED_END + 1 };

enum run_progress {
    RUN_IDLE = 0,
    RUN_PROGRESSED,
    RUN_PROGRESS_UNKNOWN, /* the directory could not be looked at: neither counts */
};

enum { RUN_PROGRESS_COUNT = RUN_PROGRESS_UNKNOWN + 1 };

/* A life that is over, and those before it. */
struct run_past {
    enum run_end end;
    enum run_asked asked;
    bool held;       /* somebody still writes to the directory */
    bool time_is_up; /* run_time_is_up() */
    bool deleted;    /* there was a checkpoint when the life began, and there is none now */
    enum run_progress progress;
    uint64_t idle_before;   /* lives in a row, before this one, that made no progress … */
    uint64_t idle_max;      /* … and how many there may be, this one included; at least 1 */
    uint64_t restart_count; /* so far */
    uint64_t restart_max;
};

enum run_verdict {
    RUN_RESTART = 0,
    RUN_STOP_FINISHED,
    RUN_STOP_DELETED,
    RUN_STOP_ASKED,
    RUN_STOP_TIME,
    RUN_STOP_NOT_EXECUTED,
    RUN_STOP_HELD,
    RUN_STOP_IDLE,
    RUN_STOP_RESTARTS,
};

enum { RUN_VERDICT_COUNT = RUN_STOP_RESTARTS + 1 };

/*
 * Is the end of the job (`end_time`: seconds since 1970, as a batch system writes them; NULL: unknown) past, or so near
 * that a life begun after a wait of `backoff_ns` would have less than a minute? It would ignore a deadline that has
 * passed, and train on until it is killed.
 */
bool run_time_is_up(const char *end_time, int64_t now_wall_ns, int64_t backoff_ns);

enum run_verdict run_decide(const struct run_past *past);

/* How many lives in a row have made no progress now. */
uint64_t run_idle_count(const struct run_past *past);

/*
 * How long to wait before the next life: `first_ns` after one that made progress, twice as long after each further one
 * that did not, at most `max_ns`.
 */
int64_t run_backoff_ns(uint64_t idle_count, int64_t first_ns, int64_t max_ns);

/*
 * The command's exit status: the last life's, as a shell tells it; RUN_EXIT_FAILED where a writer is still there, and
 * where the life's would say that all is well, or, to a batch system, that starting the same again helps
 * (H5CKPT_EXIT_PREEMPTED).
 */
enum {
    RUN_EXIT_FAILED = 125,
    RUN_EXIT_NOT_EXECUTABLE = 126,
    RUN_EXIT_NOT_FOUND = 127
}; /* as of env, nice and timeout */
int run_exit_status(enum run_verdict verdict, int life_status);

#endif
