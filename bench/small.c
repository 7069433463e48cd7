/* SPDX-License-Identifier: MIT */
/*
 * small: a state so small that only the number of flushes counts, against writing and flushing the same bytes once.
 * Each repetition is the median of many turns.
 */
#include "commands.h"
#include "peers.h"
#include "stage.h"
#include "subject.h"
#include "yardstick.h"

enum { SLOTS = 2, RUNS_EACH = 40 };

struct contest {
    struct stage stage;
    struct yardstick_file cached_file;
    struct yardstick direct;
    struct yardstick cached;
    struct subject later;
    struct peers peers;
};

static void prepare(struct contest *contest, const struct settings *settings)
{
    const struct stage *stage = &contest->stage;
    const size_t byte_count = settings->byte_count;

    stage_make(&contest->stage, settings);
    yardstick_file_make(&contest->cached_file, "cached", &stage->memory, byte_count, YARDSTICK_THROUGH_CACHE);
    yardstick_make_single_write(&contest->direct, &stage->file, &stage->memory, byte_count);
    yardstick_make_single_write(&contest->cached, &contest->cached_file, &stage->memory, byte_count);
    subject_open(&contest->later, "later", &stage->workload, SLOTS);
    subject_save(&contest->later, SLOTS); /* the rotation is complete */
    peers_start(&contest->peers, &stage->workload, settings->python);
}

static void finish(struct contest *contest)
{
    peers_stop(&contest->peers);
    subject_close(&contest->later);
    yardstick_free(&contest->cached);
    yardstick_free(&contest->direct);
    yardstick_file_free(&contest->cached_file);
    stage_free(&contest->stage);
}

void command_small(const struct settings *settings, struct report *report)
{
    struct contest contest;
    struct measure measure;

    prepare(&contest, settings);
    report_make_measure(report, &measure);
    measure.runs_each = RUNS_EACH;
    const size_t direct = yardstick_add(&contest.direct, &measure, "one device write");
    const size_t cached = yardstick_add(&contest.cached, &measure, "one cached write");
    const size_t save = subject_add_save(&contest.later, &measure, "save");
    measure_compare(&measure, save, direct, 1);
    measure_compare(&measure, save, cached, 1);
    peers_add(&contest.peers, &measure, save);
    measure_run(&measure);
    finish(&contest);
    report_add(report, &measure);
}
