/* SPDX-License-Identifier: MIT */
/*
 * save: h5ckpt_save() into slots that are there, and the first one, against the device and against what people use
 * today.
 */
#include "commands.h"
#include "peers.h"
#include "stage.h"
#include "subject.h"
#include "yardstick.h"

enum { SLOTS = 2 };

struct contest {
    struct stage stage;
    struct yardstick device;
    struct subject later;
    struct subject first;
    struct peers peers;
};

static void prepare(struct contest *contest, const struct settings *settings)
{
    const size_t byte_count = settings->byte_count;

    stage_make(&contest->stage, settings);
    yardstick_make_write(&contest->device, &contest->stage.file, &contest->stage.memory, byte_count);
    subject_open(&contest->later, "later", &contest->stage.workload, SLOTS);
    subject_save(&contest->later, SLOTS); /* the rotation is complete */
    subject_open(&contest->first, "first", &contest->stage.workload, SLOTS);
    peers_start(&contest->peers, &contest->stage.workload, settings->python);
}

static void finish(struct contest *contest)
{
    peers_stop(&contest->peers);
    subject_close(&contest->first);
    subject_close(&contest->later);
    yardstick_free(&contest->device);
    stage_free(&contest->stage);
}

void command_save(const struct settings *settings, struct report *report)
{
    struct contest contest;
    struct measure measure;

    prepare(&contest, settings);
    report_make_measure(report, &measure);
    const size_t device = yardstick_add(&contest.device, &measure, "device write");
    const size_t later = subject_add_save(&contest.later, &measure, "save");
    const size_t first = subject_add_first_save(&contest.first, &measure, "first save");
    measure_compare(&measure, later, device, 1);
    measure_compare(&measure, first, device, 1);
    measure_compare(&measure, first, later, 1);
    peers_add(&contest.peers, &measure, later);
    measure_run(&measure);
    finish(&contest);
    report_add(report, &measure);
}
