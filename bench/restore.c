/* SPDX-License-Identifier: MIT */
/*
 * restore: h5ckpt_restore() in each of its manners, from the device against the device, and from the page cache against
 * memcpy.
 */
#include "commands.h"
#include "copy.h"
#include "restoration.h"
#include "stage.h"
#include "subject.h"
#include "yardstick.h"
#include <stdio.h>

enum { SLOTS = 1, COPY_COUNT = 2 };

static const enum h5ckpt_memory MEMORY[] = {H5CKPT_VERIFY_FIRST, H5CKPT_STAGED, H5CKPT_BLOCKWISE};

enum { MEMORY_COUNT = sizeof MEMORY / sizeof *MEMORY };

struct contest {
    struct stage stage;
    struct workload_memory copy_memory;
    struct yardstick device;
    struct copy copies[COPY_COUNT];
    struct subject saved;
    struct restoration cold[MEMORY_COUNT];
    struct restoration warm[MEMORY_COUNT];
};

static void prepare(struct contest *contest, const struct settings *settings)
{
    const size_t byte_count = settings->byte_count;

    stage_make(&contest->stage, settings);
    contest->copy_memory = workload_memory_make(byte_count);
    yardstick_make_read(&contest->device, &contest->stage.file);
    for (unsigned i = 0; i < COPY_COUNT; i++)
        contest->copies[i] = (struct copy){contest->stage.memory.bytes, contest->copy_memory.bytes, byte_count, i + 1};
    subject_open(&contest->saved, "saved", &contest->stage.workload, SLOTS);
    subject_save(&contest->saved, 1);
    for (int i = 0; i < MEMORY_COUNT; i++) {
        contest->cold[i] = (struct restoration){&contest->saved, MEMORY[i], CACHE_COLD};
        contest->warm[i] = (struct restoration){&contest->saved, MEMORY[i], CACHE_WARM};
    }
}

static void finish(struct contest *contest)
{
    subject_close(&contest->saved);
    yardstick_free(&contest->device);
    workload_memory_free(&contest->copy_memory);
    stage_free(&contest->stage);
}

static size_t add(struct measure *measure, struct restoration *restoration, const char *from)
{
    char name[64];

    snprintf(name, sizeof name, "restore from %s, %s", from, restoration_memory_name(restoration->memory));
    return restoration_add(restoration, measure, name);
}

static void compete(struct contest *contest, struct measure *measure)
{
    const size_t device = yardstick_add(&contest->device, measure, "device read");
    size_t copies[COPY_COUNT];

    for (int i = 0; i < COPY_COUNT; i++)
        copies[i] = copy_add(&contest->copies[i], measure);
    for (int i = 0; i < MEMORY_COUNT; i++)
        measure_compare(measure, add(measure, &contest->cold[i], "device"), device, 1);
    for (int i = 0; i < MEMORY_COUNT; i++) {
        const size_t warm = add(measure, &contest->warm[i], "cache");
        for (int j = 0; j < COPY_COUNT; j++)
            measure_compare(measure, warm, copies[j], 1);
    }
}

void command_restore(const struct settings *settings, struct report *report)
{
    struct contest contest;
    struct measure measure;

    prepare(&contest, settings);
    report_make_measure(report, &measure);
    compete(&contest, &measure);
    measure_run(&measure);
    finish(&contest);
    report_add(report, &measure);
}
