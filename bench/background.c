/* SPDX-License-Identifier: MIT */
#include "background.h"

#include <errno.h>
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failure.h"

enum { FLIGHT_ON, FLIGHT_DURABLE, FLIGHT_FAILED };

enum { SECONDS_MAX = 600 };

/* ------------------------------------------------------------------------ life */

/* From a thread of h5ckpt. */
static void on_event(void *context, const struct h5ckpt_event *event)
{
    struct background *background = context;

    if (event->kind == H5CKPT_EVENT_DURABLE) {
        background->durable_time = stopwatch_now();
        atomic_store(&background->flight, FLIGHT_DURABLE);
    } else if (event->kind == H5CKPT_EVENT_SAVE_FAILED) {
        atomic_store(&background->flight, FLIGHT_FAILED);
    }
}

void background_open(struct background *background, const char *directory, const struct workload_memory *memory,
                     const struct workload *workload, const struct h5ckpt_options *options)
{
    struct h5ckpt_options watched = *options;

    watched.event = on_event;
    watched.event_context = background;
    background->memory = *memory;
    subject_open_by(&background->subject, directory, workload, &watched);
    subject_save(&background->subject, options->slots);
}

void background_close(struct background *background)
{
    subject_close(&background->subject);
}

/* ---------------------------------------------------------------------- flight */

static void prepare(struct background *background)
{
    workload_memory_mend(background->memory);
    background->subject.saved = workload_renew(background->subject.workload);
    atomic_store(&background->flight, FLIGHT_ON);
}

static bool is_in_flight(struct background *background)
{
    return atomic_load(&background->flight) == FLIGHT_ON;
}

/* Its end is told by an event; a failure is returned by the wait that follows. */
static void compute_until_landed(struct background *background)
{
    const double begin = stopwatch_now();

    while (is_in_flight(background)) {
        step_compute(0);
        if (stopwatch_now() - begin > SECONDS_MAX)
            fail("h5ckpt_save: no event has told the end of a save for %d seconds", SECONDS_MAX);
    }
}

struct sample background_stall(struct background *background, double window_seconds)
{
    struct subject *subject = &background->subject;
    double seconds;

    prepare(background);
    seconds = -stopwatch_now();
    subject_begin_save(subject);
    seconds += stopwatch_now();
    step_compute(window_seconds);
    seconds -= stopwatch_now();
    subject_fence(subject);
    seconds += stopwatch_now();
    subject_wait(subject);
    return (struct sample){.value = seconds, .cpu_seconds = NAN};
}

struct sample background_latency_waiting(struct background *background)
{
    struct stopwatch watch;

    prepare(background);
    watch = stopwatch_start();
    subject_begin_save(&background->subject);
    subject_wait(&background->subject);
    return stopwatch_read(&watch);
}

struct sample background_latency_computing(struct background *background)
{
    struct subject *subject = &background->subject;
    double begin;

    prepare(background);
    begin = stopwatch_now();
    subject_begin_save(subject);
    step_compute(STEP_SECONDS);
    subject_fence(subject);
    compute_until_landed(background);
    subject_wait(subject);
    return (struct sample){.value = background->durable_time - begin, .cpu_seconds = NAN};
}

/* ----------------------------------------------------------------------- steps */

struct sample background_step_beside(struct background *background, const struct step *step)
{
    struct subject *subject = &background->subject;
    double seconds;
    int count = 1;

    prepare(background);
    subject_begin_save(subject);
    if (step->kind == STEP_ALL_OVER)
        subject_fence(subject);
    seconds = step_run(step, subject->workload);
    subject_fence(subject);
    while (is_in_flight(background)) {
        const double more = step_run(step, subject->workload);
        if (!is_in_flight(background)) /* it landed meanwhile */
            break;
        seconds += more;
        count++;
    }
    subject_wait(subject);
    return (struct sample){.value = seconds / count, .cpu_seconds = NAN};
}

struct sample background_step_alone(struct background *background, const struct step *step)
{
    prepare(background);
    return (struct sample){.value = step_run_some(step, background->subject.workload), .cpu_seconds = NAN};
}

/* ------------------------------------------------------------------------- fork */

struct sample background_fork(struct background *background)
{
    double seconds;
    pid_t pid;

    prepare(background);
    seconds = -stopwatch_now();
    pid = fork();
    seconds += stopwatch_now();
    if (pid == 0)
        _exit(0);
    if (pid < 0)
        fail_system("cannot make a process");
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return (struct sample){.value = seconds, .cpu_seconds = NAN};
}

/* ------------------------------------------------------------------------ check */

void background_check(struct background *background)
{
    struct subject *subject = &background->subject;

    prepare(background);
    subject_begin_save(subject);
    subject_fence(subject);
    workload_renew(subject->workload);
    subject_wait(subject);
    if (h5ckpt_restore(subject->store, NULL, NULL) != H5CKPT_OK)
        fail("h5ckpt_restore: %s", h5ckpt_message(subject->store));
    if (!workload_holds(subject->workload, subject->saved))
        fail("h5ckpt_save: what was saved is not what memory was when the program went on");
}
