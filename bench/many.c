/* SPDX-License-Identifier: MIT */
/*
 * many: very many small variables against the same bytes as one array, and against the device.
 */
#include <stdio.h>

#include "commands.h"
#include "restoration.h"
#include "stage.h"
#include "subject.h"
#include "yardstick.h"

enum { SLOTS = 2 };

/* The same memory, registered in one way. */
struct side {
    char noun[48]; /* "100000 variables" */
    struct workload workload;
    struct subject later;
    struct subject restarted; /* its store is opened anew at every turn */
    struct restoration restoration;
};

struct contest {
    struct stage stage;
    struct yardstick device;
    struct side many;
    struct side one;
};

static void prepare_side(struct contest *contest, struct side *side, const char *prefix, size_t array_count,
                         const struct settings *settings)
{
    char name[32];

    snprintf(side->noun, sizeof side->noun, "%zu %s", array_count, array_count == 1 ? "variable" : "variables");
    side->workload = workload_cut(contest->stage.memory, settings->byte_count, array_count, settings->unaligned);
    snprintf(name, sizeof name, "%s-later", prefix);
    subject_open(&side->later, name, &side->workload, SLOTS);
    subject_save(&side->later, SLOTS); /* the rotation is complete */
    snprintf(name, sizeof name, "%s-restarted", prefix);
    subject_open(&side->restarted, name, &side->workload, SLOTS);
    subject_save(&side->restarted, 1); /* from now on it always holds a state */
    side->restoration = (struct restoration){&side->restarted, H5CKPT_VERIFY_FIRST, CACHE_COLD};
}

static void finish_side(struct side *side)
{
    subject_close(&side->restarted);
    subject_close(&side->later);
    workload_free(&side->workload);
}

static void prepare(struct contest *contest, const struct settings *settings)
{
    const struct stage *stage = &contest->stage;

    stage_make(&contest->stage, settings);
    yardstick_make_write(&contest->device, &stage->file, &stage->memory, settings->byte_count);
    prepare_side(contest, &contest->many, "many", settings->array_count, settings);
    prepare_side(contest, &contest->one, "one", 1, settings);
}

static void finish(struct contest *contest)
{
    finish_side(&contest->many);
    finish_side(&contest->one);
    yardstick_free(&contest->device);
    stage_free(&contest->stage);
}

enum deed { DEED_SAVE, DEED_FIRST_SAVE, DEED_RESTORE, DEED_OPEN };

enum { DEED_COUNT = DEED_OPEN + 1 };

static size_t add(struct measure *measure, struct side *side, enum deed deed)
{
    static const char *const VERB[DEED_COUNT] = {"save", "first save", "restore", "register, open, lay out"};
    char name[96];

    snprintf(name, sizeof name, "%s, %s", VERB[deed], side->noun);
    switch (deed) {
    case DEED_SAVE:
        return subject_add_save(&side->later, measure, name);
    case DEED_FIRST_SAVE:
        return subject_add_first_save(&side->restarted, measure, name);
    case DEED_RESTORE:
        return restoration_add(&side->restoration, measure, name);
    case DEED_OPEN:
        break;
    }
    return subject_add_open(&side->restarted, measure, name);
}

static void compete(struct contest *contest, struct measure *measure)
{
    const size_t device = yardstick_add(&contest->device, measure, "device write");

    for (int i = 0; i < DEED_COUNT; i++) {
        const enum deed deed = (enum deed)i;
        const size_t many = add(measure, &contest->many, deed);
        const size_t one = add(measure, &contest->one, deed);
        measure_compare(measure, many, one, 1);
        if (deed == DEED_SAVE)
            measure_compare(measure, many, device, 1);
    }
}

void command_many(const struct settings *settings, struct report *report)
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
