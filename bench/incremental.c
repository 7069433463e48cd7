/* SPDX-License-Identifier: MIT */
/*
 * incremental: saves of which only a part has changed since the save before, with and without telling h5ckpt what has
 * not, against saves that write everything, and against what people use.
 */
#include <stdio.h>

#include "commands.h"
#include "failure.h"
#include "peers.h"
#include "scratch.h"
#include "stage.h"
#include "subject.h"

enum { SLOTS = 2, ALWAYS = 1 };

static const double SHARE[] = {0, 0.01, 0.1, 0.5, 1};

enum { SHARE_COUNT = sizeof SHARE / sizeof *SHARE, USUAL = 1 };

enum manner { UNHINTED, HINTED, MANNER_COUNT };

/* A contender: saves of the one store, each of which finds that share changed. */
struct portion {
    struct subject *subject;
    double share;
    enum manner manner;
};

struct contest {
    struct stage stage;
    struct subject full;
    struct subject skipping;
    struct portion portions[MANNER_COUNT][SHARE_COUNT];
    struct peers peers;
};

/* ------------------------------------------------------------------------ turns */

static struct sample save_change(const struct portion *portion)
{
    const struct workload_change change = workload_change(portion->subject->workload, portion->share);
    const struct stopwatch watch = stopwatch_start();

    if (portion->manner == HINTED)
        subject_promise(portion->subject, change);
    subject_begin_save(portion->subject);
    return stopwatch_read(&watch);
}

/*
 * All contenders share the arrays, and what others have changed has to be saved first: once into each slot, with this
 * share changed each time, so that slots differ from memory as they always would. Then nobody has changed anything that
 * a promise does not know.
 */
static void catch_up(const struct portion *portion)
{
    const struct portion unhinted = {portion->subject, portion->share, UNHINTED};

    for (int i = 0; i < SLOTS; i++)
        save_change(&unhinted);
    scratch_settle();
}

static struct sample run(void *context)
{
    catch_up(context);
    return save_change(context);
}

static size_t add(struct measure *measure, struct portion *portion)
{
    const bool hinted = portion->manner == HINTED;
    char name[64];
    char settings[192];

    snprintf(name, sizeof name, "save, %g %% changed%s", 100 * portion->share, hinted ? ", told" : "");
    snprintf(
        settings, sizeof settings,
        "one element changed in so many blocks of 64 KiB, anywhere, before each save%s; %u slots; rewrite_every %u",
        hinted ? "; h5ckpt_unchanged of all others, which is timed as well" : "", SLOTS,
        portion->subject->options.rewrite_every);
    return measure_add(measure, name, settings, portion->subject->workload->byte_count, run, portion);
}

/* ---------------------------------------------------------------------- tables */

static void prepare(struct contest *contest, const struct settings *settings)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    stage_make(&contest->stage, settings);
    options.slots = SLOTS;
    subject_open_by(&contest->skipping, "skipping", &contest->stage.workload, &options);
    options.rewrite_every = ALWAYS;
    subject_open_by(&contest->full, "full", &contest->stage.workload, &options);
    subject_save(&contest->full, SLOTS); /* the rotation is complete */
    for (int i = 0; i < MANNER_COUNT; i++)
        for (int j = 0; j < SHARE_COUNT; j++)
            contest->portions[i][j] = (struct portion){&contest->skipping, SHARE[j], (enum manner)i};
    peers_start(&contest->peers, &contest->stage.workload, settings->python);
}

/* What was skipped must be there all the same. */
static void check(struct contest *contest)
{
    struct portion *portion = &contest->portions[HINTED][USUAL];

    run(portion);
    if (h5ckpt_compare(portion->subject->store, H5CKPT_CURRENT) != H5CKPT_OK)
        fail("h5ckpt_compare: %s", h5ckpt_message(portion->subject->store));
}

static void finish(struct contest *contest)
{
    check(contest);
    peers_stop(&contest->peers);
    subject_close(&contest->skipping);
    subject_close(&contest->full);
    stage_free(&contest->stage);
}

static void compete_by_share(void *argument, struct measure *measure)
{
    static const char *const SERIES[MANNER_COUNT] = {"save / full save", "save, told what has not changed / full save"};
    struct contest *contest = argument;
    const size_t full = subject_add_save(&contest->full, measure, "full save");

    measure->axis = "blocks changed since the save before, %";
    measure->axis_linear = true;
    for (int i = 0; i < MANNER_COUNT; i++)
        for (int j = 0; j < SHARE_COUNT; j++) {
            const size_t part = add(measure, &contest->portions[i][j]);
            measure_compare_at(measure, part, full, 1, SERIES[i], 100 * SHARE[j]);
        }
}

static void compete_with_peers(void *argument, struct measure *measure)
{
    struct contest *contest = argument;
    const size_t full = subject_add_save(&contest->full, measure, "full save");
    const size_t part = add(measure, &contest->portions[UNHINTED][USUAL]);
    const size_t told = add(measure, &contest->portions[HINTED][USUAL]);

    measure_compare(measure, part, full, 1);
    measure_compare(measure, told, full, 1);
    peers_add(&contest->peers, measure, part);
}

void command_incremental(const struct settings *settings, struct report *report)
{
    struct contest contest;

    prepare(&contest, settings);
    report_measure(report, "by the share that has changed", compete_by_share, &contest);
    report_measure(report, "against what people use", compete_with_peers, &contest);
    finish(&contest);
}
