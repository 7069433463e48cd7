/* SPDX-License-Identifier: MIT */
/*
 * budget: is a share of run time kept? A program whose steps and saves vary threefold at random, and that saves as
 * often as one percent of its time allows, against one percent of that time.
 *
 * A run is measured from the end of one save to the end of another: as many pauses as saves.
 */
#include <h5ckpt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "failure.h"
#include "memory.h"
#include "scratch.h"
#include "stage.h"
#include "step.h"

#define SHARE            0.01
#define RUN_SECONDS      5.0
#define STEP_SECONDS_MIN 0.001
#define SAVE_SECONDS_MIN 0.002 /* without what the device takes */

enum { FIRST_SAVES = 3 }; /* that make the slots */

struct program {
    struct stage stage;
    char *directory;
    h5ckpt_state *state;
    h5ckpt_callback *callback;
    uint64_t random; /* the generator; registered, as it should be */
    uint64_t step;   /* the next one */
    uint64_t save_count;
};

static void check(const struct program *program, h5ckpt_status status, const char *function)
{
    if (status < 0)
        fail("%s: %s", function, h5ckpt_callback_message(program->callback));
}

/* From `least` to three times as much. */
static double draw_threefold(struct program *program, double least)
{
    program->random = program->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return least * (1 + 2 * ldexp((double)(program->random >> 11), -53));
}

/* -------------------------------------------------------------------- program */

static int get_random(void *context, void *bytes, size_t byte_count)
{
    struct program *program = context;

    step_compute(draw_threefold(program, SAVE_SECONDS_MIN));
    memcpy(bytes, &program->random, byte_count);
    program->save_count++;
    return 0;
}

static int put_random(void *context, const void *bytes, size_t byte_count)
{
    struct program *program = context;

    memcpy(&program->random, bytes, byte_count);
    return 0;
}

/* Do steps until one saves; returns the seconds that it was held up. */
static double run_to_save(struct program *program)
{
    const uint64_t save_count = program->save_count;
    double held_up;

    do {
        step_compute(draw_threefold(program, STEP_SECONDS_MIN));
        workload_renew(&program->stage.workload);
        const double begin = stopwatch_now();
        check(program, h5ckpt_step(program->callback, program->step++), "h5ckpt_step");
        held_up = stopwatch_now() - begin;
    } while (program->save_count == save_count);
    return held_up;
}

static void register_all(struct program *program)
{
    const struct h5ckpt_access access = {get_random, put_random, program};

    program->state = memory_check(h5ckpt_state_new());
    h5ckpt_add_access(program->state, "random", H5CKPT_UINT64, 0, NULL, &access);
    for (size_t i = 0; i < program->stage.workload.array_count; i++) {
        const struct workload_array *array = &program->stage.workload.arrays[i];
        const uint64_t shape[] = {array->byte_count / WORKLOAD_ELEMENT_BYTES};
        char name[32];
        snprintf(name, sizeof name, "array%zu", i);
        h5ckpt_add(program->state, name, H5CKPT_FLOAT32, 1, shape, array->bytes);
    }
}

static void make(struct program *program, const struct settings *settings)
{
    struct h5ckpt_callback_options options = h5ckpt_callback_options_default();
    struct h5ckpt_progress next;

    *program = (struct program){.random = 1};
    stage_make(&program->stage, settings);
    program->directory = scratch_path("budget");
    register_all(program);
    options.backup_dir = program->directory;
    options.save_freq = H5CKPT_NEVER;
    options.save_share = SHARE;
    check(program, h5ckpt_callback_new(&program->callback, program->state, &options), "h5ckpt_callback_new");
    check(program, h5ckpt_on_train_begin(program->callback, &next, NULL), "h5ckpt_on_train_begin");
    for (int i = 0; i < FIRST_SAVES; i++)
        run_to_save(program);
}

static void finish(struct program *program)
{
    h5ckpt_callback_free(program->callback);
    h5ckpt_state_free(program->state);
    scratch_remove(program->directory);
    free(program->directory);
    stage_free(&program->stage);
}

/* ----------------------------------------------------------------- taking part */

/* Of RUN_SECONDS, so many were spent in saving. */
static struct sample run_program(void *context)
{
    struct program *program = context;
    double held_up = 0;
    double seconds = 0;

    run_to_save(program);
    const double begin = stopwatch_now();
    while (seconds < RUN_SECONDS) {
        held_up += run_to_save(program);
        seconds = stopwatch_now() - begin;
    }
    return (struct sample){.value = held_up / seconds * RUN_SECONDS, .cpu_seconds = NAN};
}

static struct sample run_constant(void *context)
{
    (void)context;
    return (struct sample){.value = SHARE * RUN_SECONDS, .cpu_seconds = NAN};
}

void command_budget(const struct settings *settings, struct report *report)
{
    struct program program;
    struct measure measure;

    make(&program, settings);
    report_make_measure(report, &measure);
    measure.warm_up_count = 0;
    const size_t allowed = measure_add(&measure, "1 % of the run", "of 5 s", 0, run_constant, NULL);
    const size_t saving =
        measure_add(&measure, "saving", "save_share 0.01; steps of 1 to 3 ms, saves of 2 to 6 ms and the device", 0,
                    run_program, &program);
    measure_compare(&measure, saving, allowed, 1);
    measure_run(&measure);
    finish(&program);
    report_add(report, &measure);
}
