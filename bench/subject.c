/* SPDX-License-Identifier: MIT */
#include "subject.h"

#include <stdio.h>
#include <stdlib.h>

#include "failure.h"
#include "memory.h"
#include "scratch.h"

enum { NAME_BYTES = 32, PIECE_ELEMENTS = WORKLOAD_PIECE_BYTES / WORKLOAD_ELEMENT_BYTES };

/* A failed call ends the program. */
static void check(const struct subject *subject, h5ckpt_status status, const char *function)
{
    if (status < 0)
        fail("%s: %s", function, h5ckpt_message(subject->store));
}

/* ----------------------------------------------------------------------- life */

static void name_array(char room[NAME_BYTES], size_t array)
{
    snprintf(room, NAME_BYTES, "array%zu", array);
}

/* A failed h5ckpt_add() is told by h5ckpt_open(). */
static void add_arrays(struct subject *subject)
{
    char name[NAME_BYTES];

    subject->state = memory_check(h5ckpt_state_new());
    for (size_t i = 0; i < subject->workload->array_count; i++) {
        const struct workload_array *array = &subject->workload->arrays[i];
        const uint64_t shape[] = {array->byte_count / WORKLOAD_ELEMENT_BYTES};

        name_array(name, i);
        h5ckpt_add(subject->state, name, H5CKPT_FLOAT32, 1, shape, array->bytes);
    }
}

static void open_store(struct subject *subject)
{
    check(subject, h5ckpt_open(&subject->store, subject->directory, subject->state, &subject->options), "h5ckpt_open");
}

static void forget(struct subject *subject)
{
    h5ckpt_close(subject->store);
    h5ckpt_state_free(subject->state);
}

void subject_open(struct subject *subject, const char *directory, const struct workload *workload, unsigned slots)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.slots = slots;
    subject_open_by(subject, directory, workload, &options);
}

void subject_open_by(struct subject *subject, const char *directory, const struct workload *workload,
                     const struct h5ckpt_options *options)
{
    *subject = (struct subject){.workload = workload, .options = *options};
    subject->directory = scratch_path(directory);
    add_arrays(subject);
    open_store(subject);
}

void subject_close(struct subject *subject)
{
    forget(subject);
    scratch_remove(subject->directory);
    free(subject->directory);
}

void subject_reopen(struct subject *subject)
{
    h5ckpt_close(subject->store);
    open_store(subject);
}

/* ---------------------------------------------------------------------- saving */

void subject_begin_save(struct subject *subject)
{
    check(subject, h5ckpt_save(subject->store, NULL), "h5ckpt_save");
}

void subject_fence(struct subject *subject)
{
    check(subject, h5ckpt_fence(subject->store), "h5ckpt_fence");
}

void subject_wait(struct subject *subject)
{
    check(subject, h5ckpt_wait(subject->store), "h5ckpt_wait");
}

static struct sample save_new_content(struct subject *subject)
{
    struct stopwatch watch;

    subject->saved = workload_renew(subject->workload);
    watch = stopwatch_start();
    subject_begin_save(subject);
    return stopwatch_read(&watch);
}

void subject_save(struct subject *subject, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        save_new_content(subject);
        subject_wait(subject);
    }
}

/* Runs of pieces, as long as they come; the last piece may be shorter, which h5ckpt knows. */
static void promise_array(struct subject *subject, struct workload_change change, size_t array)
{
    const size_t byte_count = subject->workload->arrays[array].byte_count;
    const size_t piece_count = (byte_count + WORKLOAD_PIECE_BYTES - 1) / WORKLOAD_PIECE_BYTES;
    char name[NAME_BYTES];

    name_array(name, array);
    for (size_t begin = 0, end; begin < piece_count; begin = end + 1) {
        for (end = begin; end < piece_count && !workload_was_changed(change, array, end); end++)
            ;
        if (end > begin)
            check(subject,
                  h5ckpt_unchanged(subject->store, name, begin * PIECE_ELEMENTS, (end - begin) * PIECE_ELEMENTS),
                  "h5ckpt_unchanged");
    }
}

void subject_promise(struct subject *subject, struct workload_change change)
{
    for (size_t i = 0; i < subject->workload->array_count; i++)
        promise_array(subject, change, i);
}

static struct sample run_save(void *context)
{
    return save_new_content(context);
}

static struct sample run_first_save(void *context)
{
    struct subject *subject = context;

    forget(subject);
    scratch_remove(subject->directory);
    scratch_settle();
    add_arrays(subject);
    open_store(subject);
    return save_new_content(subject);
}

static struct sample run_open(void *context)
{
    struct subject *subject = context;
    struct h5ckpt_space space;
    struct stopwatch watch;

    forget(subject);
    watch = stopwatch_start();
    add_arrays(subject);
    open_store(subject);
    check(subject, h5ckpt_space(subject->store, &space), "h5ckpt_space");
    return stopwatch_read(&watch);
}

/* ----------------------------------------------------------------- taking part */

static size_t add(struct subject *subject, struct measure *measure, const char *name, const char *what,
                  uint64_t byte_count, measure_run_function *run)
{
    char settings[128];

    snprintf(settings, sizeof settings, "%s; %u %s", what, subject->options.slots,
             subject->options.slots == 1 ? "slot" : "slots");
    return measure_add(measure, name, settings, byte_count, run, subject);
}

size_t subject_add_save(struct subject *subject, struct measure *measure, const char *name)
{
    return add(subject, measure, name, "every block new, checksummed, flushed", subject->workload->byte_count,
               run_save);
}

size_t subject_add_first_save(struct subject *subject, struct measure *measure, const char *name)
{
    return add(subject, measure, name, "into a directory that was not there", subject->workload->byte_count,
               run_first_save);
}

size_t subject_add_open(struct subject *subject, struct measure *measure, const char *name)
{
    return add(subject, measure, name, "h5ckpt_add of each array, h5ckpt_open, h5ckpt_space", 0, run_open);
}
