/* SPDX-License-Identifier: MIT */
/*
 * overhead: the memory that a save or a restore takes beyond the state, as its largest resident set (VmHWM) tells. Each
 * turn is a process of its own: what was once resident counts to the end of one.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "failure.h"
#include "process.h"
#include "scratch.h"
#include "subject.h"

enum {
    SLOTS = 2,
    SAVES = 3, /* the first one, and one more into each slot */
    QUARTER = 4,
};

#define SLACK_BYTES (UINT64_C(32) << 20) /* that a limit on copies may be exceeded by, for all else */

/* What a process does that holds the arrays. */
struct deed_kind {
    const char *name;
    const char *mode_name; /* in the interface */
    bool restores;         /* else it saves, into a directory that is not there */
    enum h5ckpt_memory restore_memory;
    enum h5ckpt_save_mode save_mode;
    unsigned copies_of_state; /* what copies may take: all of the state divided by this; 0: no limit */
};

static const struct deed_kind KIND[] = {
    {"save", "H5CKPT_SAVE_SYNCHRONOUS", .save_mode = H5CKPT_SAVE_SYNCHRONOUS},
    {"save, staged", "H5CKPT_SAVE_STAGED", .save_mode = H5CKPT_SAVE_STAGED},
    {"save, staged, a quarter", "H5CKPT_SAVE_STAGED", .save_mode = H5CKPT_SAVE_STAGED, .copies_of_state = QUARTER},
    {"save, fenced", "H5CKPT_SAVE_FENCED", .save_mode = H5CKPT_SAVE_FENCED},
    {"save, fenced, a quarter", "H5CKPT_SAVE_FENCED", .save_mode = H5CKPT_SAVE_FENCED, .copies_of_state = QUARTER},
    {"save, forked", "H5CKPT_SAVE_FORKED, without the child's copies of pages that change",
     .save_mode = H5CKPT_SAVE_FORKED},
    {"restore, verify first", "H5CKPT_VERIFY_FIRST", .restores = true, .restore_memory = H5CKPT_VERIFY_FIRST},
    {"restore, staged", "H5CKPT_STAGED", .restores = true, .restore_memory = H5CKPT_STAGED},
    {"restore, blockwise", "H5CKPT_BLOCKWISE", .restores = true, .restore_memory = H5CKPT_BLOCKWISE},
};

enum { KIND_COUNT = sizeof KIND / sizeof *KIND };

/* A contender. */
struct deed {
    const struct deed_kind *kind;
    const struct settings *settings;
    const char *directory;
};

/* --------------------------------------------------------------------- memory */

/* "VmHWM:	  123456 kB" of proc(5) */
static double resident_bytes_max(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    double kib = NAN;

    while (file != NULL && isnan(kib) && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "VmHWM: %lf", &kib) != 1)
            kib = NAN;
    if (isnan(kib))
        fail("/proc/self/status does not tell the largest resident set");
    fclose(file);
    return 1024 * kib;
}

/* ---------------------------------------------------------------------- deeds */

static struct h5ckpt_options options_of(const struct deed *deed)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.slots = SLOTS;
    options.save_mode = deed->kind->save_mode;
    if (deed->kind->copies_of_state > 0)
        options.background.memory_bytes = deed->settings->byte_count / deed->kind->copies_of_state;
    return options;
}

/* A program that changes its memory as soon as it may. */
static void save(struct subject *subject)
{
    for (int i = 0; i < SAVES; i++) {
        workload_renew(subject->workload);
        subject_begin_save(subject);
        subject_fence(subject);
    }
    subject_wait(subject);
}

static void restore(struct subject *subject, enum h5ckpt_memory memory)
{
    struct h5ckpt_restore_options options = h5ckpt_restore_options_default();

    options.memory = memory;
    if (h5ckpt_restore(subject->store, &options, NULL) != H5CKPT_OK)
        fail("h5ckpt_restore: %s", h5ckpt_message(subject->store));
}

/* What the deed takes beyond the arrays, from h5ckpt_state_new() on. */
static double measure_deed(const struct deed *deed)
{
    const struct settings *settings = deed->settings;
    const struct h5ckpt_options options = options_of(deed);
    struct workload_memory memory = workload_memory_make(workload_span(settings->byte_count, settings->array_count));
    struct workload workload = workload_cut(memory, settings->byte_count, settings->array_count, settings->unaligned);
    struct subject subject;
    double before;

    workload_renew(&workload);
    before = resident_bytes_max();
    subject_open_by(&subject, deed->directory, &workload, &options);
    if (deed->kind->restores)
        restore(&subject, deed->kind->restore_memory);
    else
        save(&subject);
    return resident_bytes_max() - before;
}

/* ------------------------------------------------------------------ processes */

static void live(void *context, int socket)
{
    const double bytes = measure_deed(context);

    process_tell(socket, &bytes, sizeof bytes);
}

static double run_process(struct deed *deed)
{
    struct process process;
    double bytes;

    process_start(&process, live, deed);
    if (!process_hear(process.socket, &bytes, sizeof bytes))
        fail("the process whose memory was to be measured failed");
    process_end(&process);
    return bytes;
}

static struct sample run(void *context)
{
    struct deed *deed = context;

    if (!deed->kind->restores) {
        char *path = scratch_path(deed->directory);
        scratch_remove(path);
        free(path);
    }
    return (struct sample){.value = run_process(deed), .cpu_seconds = NAN};
}

/* ----------------------------------------------------------------- taking part */

/* A number of bytes, which it always takes. */
static struct sample run_constant(void *context)
{
    const double *bytes = context;

    return (struct sample){.value = *bytes, .cpu_seconds = NAN};
}

static size_t add(struct measure *measure, struct deed *deed)
{
    const struct deed_kind *kind = deed->kind;
    char name[64];
    char settings[128];

    snprintf(name, sizeof name, "extra, %s", kind->name);
    snprintf(settings, sizeof settings, "%s%s: open, %s", kind->mode_name,
             kind->copies_of_state > 0 ? ", copies of a quarter of the state" : "",
             kind->restores ? "restore" : "first save, a later one into each slot");
    return measure_add(measure, name, settings, 0, run, deed);
}

void command_overhead(const struct settings *settings, struct report *report)
{
    double state_bytes = (double)settings->byte_count;
    double allowed_bytes = state_bytes / QUARTER + SLACK_BYTES;
    struct deed leaving = {&KIND[0], settings, "restored"}; /* a state for those that restore */
    struct deed deeds[KIND_COUNT];
    struct measure measure;

    run_process(&leaving);
    report_make_measure(report, &measure);
    measure.unit = MEASURE_BYTES;
    measure.warm_up_count = 0;
    const size_t bytes = measure_add(&measure, "state", "the arrays themselves", 0, run_constant, &state_bytes);
    const size_t allowed = measure_add(&measure, "a quarter + 32 MiB", "where copies are limited to a quarter", 0,
                                       run_constant, &allowed_bytes);
    for (int i = 0; i < KIND_COUNT; i++) {
        deeds[i] = (struct deed){&KIND[i], settings, KIND[i].restores ? "restored" : "saved"};
        const size_t extra = add(&measure, &deeds[i]);
        measure_compare(&measure, extra, bytes, 1);
        if (KIND[i].copies_of_state > 0)
            measure_compare(&measure, extra, allowed, 1);
    }
    measure_run(&measure);
    report_add(report, &measure);
}
