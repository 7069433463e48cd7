/* SPDX-License-Identifier: MIT */
/*
 * background: one store whose saves go on while the program computes: how long they hold it up, how long they take, and
 * how much slower it computes meanwhile. Every function but the first and the last measures one save of new content,
 * and returns when that is durable.
 */
#ifndef BACKGROUND_H
#define BACKGROUND_H

#include <stdatomic.h>
#include <stdbool.h>

#include "step.h"
#include "stopwatch.h"
#include "subject.h"

struct background {
    struct subject subject;
    struct workload_memory memory; /* of its workload */
    atomic_int flight;             /* of the save begun last: background.c */
    double durable_time;           /* its, by stopwatch_now(), once it is durable */
};

/* Open `directory` by these options, but for the event function, and make the rotation complete. It must not move. */
void background_open(struct background *background, const char *directory, const struct workload_memory *memory,
                     const struct workload *workload, const struct h5ckpt_options *options);

/* The time in h5ckpt_save() and in h5ckpt_fence(), between which the program computes for so many seconds. */
struct sample background_stall(struct background *background, double window_seconds);

/* The time from the call of h5ckpt_save() until the state is durable, and the program does nothing but wait. */
struct sample background_latency_waiting(struct background *background);

/* Likewise, while it computes on one core; it calls h5ckpt_fence() after the time of one step. */
struct sample background_latency_computing(struct background *background);

/*
 * The mean of the steps that a save is in flight through. The program calls h5ckpt_fence() before a step that writes to
 * the arrays, else behind the first.
 */
struct sample background_step_beside(struct background *background, const struct step *step);

/* The mean of some steps with no save in flight. */
struct sample background_step_alone(struct background *background, const struct step *step);

/* What fork(2) alone takes here. */
struct sample background_fork(struct background *background);

/*
 * End the program unless a save gives back what memory was when h5ckpt_fence() returned, though it is changed at once.
 */
void background_check(struct background *background);

void background_close(struct background *background);

#endif
