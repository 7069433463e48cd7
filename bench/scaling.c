/* SPDX-License-Identifier: MIT */
/*
 * scaling: saves of states from 1 MiB up, each against the device and against what one of 1 GiB lets expect; and of one
 * state in more and more variables.
 */
#include <stdio.h>

#include "commands.h"
#include "stage.h"
#include "subject.h"
#include "text.h"
#include "yardstick.h"

enum {
    SLOTS = 2,
    SIZES_MAX = 32,
    SIZE_FACTOR = 4,
    COUNTS_MAX = 6, /* 1 … 100,000 variables */
    COUNT_FACTOR = 10,
    VARIABLE_BYTES_MIN = 64,
};

static const uint64_t MIB = UINT64_C(1) << 20;
static const uint64_t GIB = UINT64_C(1) << 30;

/* ---------------------------------------------------------------------- sizes */

/* 1 MiB, 4 MiB … and the largest, whatever it is. */
static size_t list_sizes(uint64_t sizes[SIZES_MAX], uint64_t largest)
{
    size_t count = 0;

    for (uint64_t size = MIB; size < largest && count + 1 < SIZES_MAX; size *= SIZE_FACTOR)
        sizes[count++] = size;
    sizes[count++] = largest;
    return count;
}

/* Against which growth is measured: 1 GiB, or the largest. */
static size_t reference_of(const uint64_t *sizes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (sizes[i] == GIB)
            return i;
    return count - 1;
}

struct size {
    struct workload workload;
    struct yardstick device;
    struct subject subject;
    size_t device_number; /* as a contender */
    size_t save_number;
};

/* All sizes are the beginning of the same memory and file. */
struct sizes_contest {
    struct stage stage; /* of the largest */
    uint64_t byte_counts[SIZES_MAX];
    struct size sizes[SIZES_MAX];
    size_t count;
};

static void prepare_size(struct sizes_contest *contest, size_t i, const struct settings *settings)
{
    struct size *size = &contest->sizes[i];
    const size_t byte_count = contest->byte_counts[i];
    char name[32];

    snprintf(name, sizeof name, "size%zu", i);
    size->workload = workload_cut(contest->stage.memory, byte_count, settings->array_count, settings->unaligned);
    yardstick_make_write(&size->device, &contest->stage.file, &contest->stage.memory, byte_count);
    subject_open(&size->subject, name, &size->workload, SLOTS);
    subject_save(&size->subject, SLOTS); /* the rotation is complete */
}

static void prepare_sizes(struct sizes_contest *contest, const struct settings *settings)
{
    contest->count = list_sizes(contest->byte_counts, settings->byte_count);
    stage_make(&contest->stage, settings);
    for (size_t i = 0; i < contest->count; i++)
        prepare_size(contest, i, settings);
}

static void finish_sizes(struct sizes_contest *contest)
{
    for (size_t i = 0; i < contest->count; i++) {
        subject_close(&contest->sizes[i].subject);
        yardstick_free(&contest->sizes[i].device);
        workload_free(&contest->sizes[i].workload);
    }
    stage_free(&contest->stage);
}

static void add_size(struct size *size, struct measure *measure)
{
    char bytes[TEXT_BYTES];
    char name[96];

    text_size(bytes, size->workload.byte_count);
    snprintf(name, sizeof name, "device write, %s", bytes);
    size->device_number = yardstick_add(&size->device, measure, name);
    snprintf(name, sizeof name, "save, %s", bytes);
    size->save_number = subject_add_save(&size->subject, measure, name);
}

static void compare_sizes(const struct sizes_contest *contest, struct measure *measure)
{
    const size_t reference = reference_of(contest->byte_counts, contest->count);
    const size_t reference_number = contest->sizes[reference].save_number;

    for (size_t i = 0; i < contest->count; i++) {
        const struct size *size = &contest->sizes[i];
        measure_compare_at(measure, size->save_number, size->device_number, 1, "save / device write",
                           (double)contest->byte_counts[i] / (double)MIB);
    }
    for (size_t i = 0; i < contest->count; i++) {
        const double scale = (double)contest->byte_counts[i] / (double)contest->byte_counts[reference];
        if (i != reference)
            measure_compare_at(measure, contest->sizes[i].save_number, reference_number, scale,
                               reference + 1 == contest->count ? "save / its share of the largest"
                                                               : "save / its share or multiple of one of 1 GiB",
                               (double)contest->byte_counts[i] / (double)MIB);
    }
}

static void measure_sizes(const struct settings *settings, struct report *report)
{
    struct sizes_contest contest;
    struct measure measure;
    char bytes[TEXT_BYTES];
    char title[128];

    prepare_sizes(&contest, settings);
    snprintf(title, sizeof title, "up to %s in %zu arrays, %s", text_size(bytes, settings->byte_count),
             settings->array_count, settings->unaligned ? "unaligned" : "aligned");
    measure_make(&measure, title, settings->repeat_count);
    measure.axis = "MiB";
    for (size_t i = 0; i < contest.count; i++)
        add_size(&contest.sizes[i], &measure);
    compare_sizes(&contest, &measure);
    measure_run(&measure);
    finish_sizes(&contest);
    report_add(report, &measure);
}

/* --------------------------------------------------------------------- counts */

struct counts_contest {
    struct workload_memory memory;
    struct workload workloads[COUNTS_MAX];
    struct subject subjects[COUNTS_MAX];
    size_t variable_counts[COUNTS_MAX];
    size_t count;
};

/* 1, 10, 100 … as long as variables are not smaller than those of `many`. */
static size_t list_counts(size_t counts[COUNTS_MAX], uint64_t byte_count)
{
    size_t count = 0;

    for (size_t variables = 1; count < COUNTS_MAX && byte_count / variables >= VARIABLE_BYTES_MIN;
         variables *= COUNT_FACTOR)
        counts[count++] = variables;
    return count;
}

static void prepare_counts(struct counts_contest *contest, uint64_t byte_count, const struct settings *settings)
{
    size_t span = 0;
    char name[32];

    contest->count = list_counts(contest->variable_counts, byte_count);
    for (size_t i = 0; i < contest->count; i++) {
        const size_t wanted = workload_span(byte_count, contest->variable_counts[i]);
        span = wanted > span ? wanted : span;
    }
    contest->memory = workload_memory_make(span);
    for (size_t i = 0; i < contest->count; i++) {
        snprintf(name, sizeof name, "count%zu", i);
        contest->workloads[i] =
            workload_cut(contest->memory, byte_count, contest->variable_counts[i], settings->unaligned);
        subject_open(&contest->subjects[i], name, &contest->workloads[i], SLOTS);
        subject_save(&contest->subjects[i], SLOTS); /* the rotation is complete */
    }
}

static void finish_counts(struct counts_contest *contest)
{
    for (size_t i = 0; i < contest->count; i++) {
        subject_close(&contest->subjects[i]);
        workload_free(&contest->workloads[i]);
    }
    workload_memory_free(&contest->memory);
}

static void compete_counts(struct counts_contest *contest, struct measure *measure)
{
    char name[64];

    for (size_t i = 0; i < contest->count; i++) {
        const size_t variables = contest->variable_counts[i];
        snprintf(name, sizeof name, "save, %zu %s", variables, variables == 1 ? "variable" : "variables");
        const size_t number = subject_add_save(&contest->subjects[i], measure, name);
        if (i > 0)
            measure_compare_at(measure, number, 0, 1, "save / save of one variable", (double)variables);
    }
}

static void measure_counts(const struct settings *settings, struct report *report)
{
    const uint64_t byte_count = settings->byte_count < 64 * MIB ? settings->byte_count : 64 * MIB;
    struct counts_contest contest;
    struct measure measure;
    char bytes[TEXT_BYTES];
    char title[128];

    prepare_counts(&contest, byte_count, settings);
    snprintf(title, sizeof title, "%s in more and more variables, %s", text_size(bytes, byte_count),
             settings->unaligned ? "unaligned" : "aligned");
    measure_make(&measure, title, settings->repeat_count);
    measure.axis = "variables";
    compete_counts(&contest, &measure);
    measure_run(&measure);
    finish_counts(&contest);
    report_add(report, &measure);
}

void command_scaling(const struct settings *settings, struct report *report)
{
    measure_sizes(settings, report);
    measure_counts(settings, report);
}
