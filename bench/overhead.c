/* SPDX-License-Identifier: MIT */
/*
 * overhead: the memory that a save or a restore takes beyond the state, as its largest resident set (VmHWM) tells. Each turn
 * is a process of its own: what was once resident counts to the end of one.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "failure.h"
#include "process.h"
#include "scratch.h"
#include "subject.h"

enum { SLOTS = 2, SAVES = 3 }; /* the first save, and one more into each slot */

/* What a process does that holds the arrays. */
struct deed {
    const struct settings *settings;
    const char *directory;
    bool anew; /* into a directory that is not there */
    void (*work)(struct subject *subject);
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

/* ------------------------------------------------------------------ processes */

/* What the deed takes beyond the arrays, from h5ckpt_state_new() on. */
static double measure_deed(const struct deed *deed)
{
    const struct settings *settings = deed->settings;
    struct workload_memory memory = workload_memory_make(workload_span(settings->byte_count, settings->array_count));
    struct workload workload = workload_cut(memory, settings->byte_count, settings->array_count, settings->unaligned);
    struct subject subject;
    double before;

    workload_renew(&workload);
    before = resident_bytes_max();
    subject_open(&subject, deed->directory, &workload, SLOTS);
    deed->work(&subject);
    return resident_bytes_max() - before;
}

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

    if (deed->anew) {
        char *path = scratch_path(deed->directory);
        scratch_remove(path);
        free(path);
    }
    return (struct sample){.value = run_process(deed), .cpu_seconds = NAN};
}

static struct sample run_state(void *context)
{
    const struct settings *settings = context;

    return (struct sample){.value = (double)settings->byte_count, .cpu_seconds = NAN};
}

/* ---------------------------------------------------------------------- deeds */

static void save(struct subject *subject)
{
    subject_save(subject, SAVES);
}

static void restore_in(struct subject *subject, enum h5ckpt_memory memory)
{
    struct h5ckpt_restore_options options = h5ckpt_restore_options_default();

    options.memory = memory;
    if (h5ckpt_restore(subject->store, &options, NULL) != H5CKPT_OK)
        fail("h5ckpt_restore: %s", h5ckpt_message(subject->store));
}

static void restore_verify_first(struct subject *subject)
{
    restore_in(subject, H5CKPT_VERIFY_FIRST);
}

static void restore_staged(struct subject *subject)
{
    restore_in(subject, H5CKPT_STAGED);
}

/* ----------------------------------------------------------------- taking part */

void command_overhead(const struct settings *settings, struct report *report)
{
    struct settings state = *settings;
    struct deed saving = {settings, "saved", true, save};
    struct deed preparing = {settings, "restored", false, save};
    struct deed verifying_first = {settings, "restored", false, restore_verify_first};
    struct deed staging = {settings, "restored", false, restore_staged};
    struct measure measure;

    run_process(&preparing);
    report_make_measure(report, &measure);
    measure.unit = MEASURE_BYTES;
    measure.warm_up_count = 0;
    const size_t bytes = measure_add(&measure, "state", "the arrays themselves", 0, run_state, &state);
    const size_t saves =
        measure_add(&measure, "extra, save", "open, first save, a later one into each slot", 0, run, &saving);
    const size_t verify_first =
        measure_add(&measure, "extra, restore, verify first", "open, restore", 0, run, &verifying_first);
    const size_t staged = measure_add(&measure, "extra, restore, staged", "open, restore", 0, run, &staging);
    measure_compare(&measure, saves, bytes, 1);
    measure_compare(&measure, verify_first, bytes, 1);
    measure_compare(&measure, staged, bytes, 1);
    measure_run(&measure);
    report_add(report, &measure);
}
