/* SPDX-License-Identifier: MIT */
/*
 * async: saves that go on in the background: for how long the program stands still, by how much its steps are slower
 * meanwhile, and when the state is durable; in each save mode, against memcpy, synchronous saves and what people use.
 */
#include <math.h>
#include <stdio.h>

#include "commands.h"
#include "copy.h"
#include "host.h"
#include "peers.h"
#include "statistic.h"

enum { SYNCHRONOUS, STAGED, STAGED_CAPPED, FENCED, FORKED, FORKED_HUGE, HOST_COUNT };

static const struct host_kind KIND[HOST_COUNT] = {
    {"synchronous", "H5CKPT_SAVE_SYNCHRONOUS", H5CKPT_SAVE_SYNCHRONOUS, WORKLOAD_PAGES_SMALL, 0},
    {"staged", "H5CKPT_SAVE_STAGED", H5CKPT_SAVE_STAGED, WORKLOAD_PAGES_SMALL, 0},
    {"staged, a quarter", "H5CKPT_SAVE_STAGED, copies of a quarter of the state", H5CKPT_SAVE_STAGED,
     WORKLOAD_PAGES_SMALL, 4},
    {"fenced", "H5CKPT_SAVE_FENCED", H5CKPT_SAVE_FENCED, WORKLOAD_PAGES_SMALL, 0},
    {"forked", "H5CKPT_SAVE_FORKED", H5CKPT_SAVE_FORKED, WORKLOAD_PAGES_SMALL, 0},
    {"forked, huge pages", "H5CKPT_SAVE_FORKED", H5CKPT_SAVE_FORKED, WORKLOAD_PAGES_HUGE, 0},
};

static const int BACKGROUND[] = {STAGED, FENCED, FORKED, FORKED_HUGE};

/* Before h5ckpt_fence(), by the time that a synchronous save takes; the last is certainly enough to read everything. */
static const double WINDOW[] = {0, 0.25, 0.5, 0.75, 1, 1.5, 2};

enum {
    BACKGROUND_COUNT = sizeof BACKGROUND / sizeof *BACKGROUND,
    WINDOW_COUNT = sizeof WINDOW / sizeof *WINDOW,
    COPY_COUNT = 2,
    TRIAL_COUNT = 3,
    STEP_RUNS = 5,
    NAME_BYTES = 96,
};

struct contest {
    struct host hosts[HOST_COUNT]; /* started before there is anything else */
    struct workload_memory memory;
    struct workload_memory copy_memory;
    struct workload workload;
    struct copy copies[COPY_COUNT];
    struct peers peers;
    struct step steps[STEP_KIND_COUNT];
    double save_seconds; /* of a synchronous save */
};

static double find_save_seconds(const struct host *host)
{
    const struct host_order order = {.deed = HOST_WAIT};
    double seconds[TRIAL_COUNT];

    for (int i = 0; i < TRIAL_COUNT; i++)
        seconds[i] = host_do(host, &order).value;
    return summary_of(seconds, TRIAL_COUNT).median;
}

static void prepare(struct contest *contest, const struct settings *settings)
{
    const size_t byte_count = settings->byte_count;

    for (int i = 0; i < HOST_COUNT; i++)
        host_start(&contest->hosts[i], &KIND[i], settings);
    contest->save_seconds = find_save_seconds(&contest->hosts[SYNCHRONOUS]);
    contest->memory = workload_memory_make_of(workload_span(byte_count, settings->array_count), WORKLOAD_PAGES_SMALL);
    contest->copy_memory = workload_memory_make_of(byte_count, WORKLOAD_PAGES_SMALL);
    contest->workload = workload_cut(contest->memory, byte_count, settings->array_count, settings->unaligned);
    for (int i = 0; i < STEP_KIND_COUNT; i++)
        contest->steps[i] = step_make((enum step_kind)i, &contest->workload);
    for (unsigned i = 0; i < COPY_COUNT; i++)
        contest->copies[i] = (struct copy){contest->memory.bytes, contest->copy_memory.bytes, byte_count, i + 1};
    peers_start(&contest->peers, &contest->workload, settings->python);
}

/* Every host is asked whether what it saved is right. */
static void finish(struct contest *contest)
{
    const struct host_order order = {.deed = HOST_CHECK};

    peers_stop(&contest->peers);
    workload_free(&contest->workload);
    workload_memory_free(&contest->copy_memory);
    workload_memory_free(&contest->memory);
    for (int i = 0; i < HOST_COUNT; i++) {
        host_do(&contest->hosts[i], &order);
        host_end(&contest->hosts[i]);
    }
}

/* ----------------------------------------------------------------------- stalls */

static size_t add_stall(struct contest *contest, struct measure *measure, int host, double window, const char *suffix)
{
    const struct host_order order = {.deed = HOST_STALL, .window_seconds = window * contest->save_seconds};
    char name[NAME_BYTES];

    snprintf(name, sizeof name, "stall, %s%s", KIND[host].name, suffix);
    return host_add(&contest->hosts[host], measure, name, &order);
}

static size_t add_fork(struct contest *contest, struct measure *measure, int host, const char *name)
{
    const struct host_order order = {.deed = HOST_FORK};

    return host_add(&contest->hosts[host], measure, name, &order);
}

static void compete_in_stalls(void *argument, struct measure *measure)
{
    struct contest *contest = argument;
    const double longest = WINDOW[WINDOW_COUNT - 1];
    const size_t copy = copy_add(&contest->copies[0], measure);
    const size_t copy_by_two = copy_add(&contest->copies[1], measure);
    const size_t synchronous = add_stall(contest, measure, SYNCHRONOUS, 0, "");
    const size_t staged = add_stall(contest, measure, STAGED, 0, "");

    measure_compare(measure, copy_by_two, copy, 1);
    measure_compare(measure, synchronous, copy, 1);
    measure_compare(measure, staged, copy, 1);
    measure_compare(measure, add_stall(contest, measure, STAGED_CAPPED, 0, ""), copy, 1);
    measure_compare(measure, add_stall(contest, measure, FENCED, 0, ", no window"), copy, 1);
    measure_compare(measure, add_stall(contest, measure, FENCED, longest, ", long window"), copy, 1);
    measure_compare(measure, add_stall(contest, measure, FORKED, 0, ""), copy, 1);
    measure_compare(measure, add_fork(contest, measure, FORKED, "fork alone"), copy, 1);
    measure_compare(measure, add_stall(contest, measure, FORKED_HUGE, 0, ""), copy, 1);
    measure_compare(measure, add_fork(contest, measure, FORKED_HUGE, "fork alone, huge pages"), copy, 1);
    peers_add(&contest->peers, measure, staged);
}

static void compete_in_windows(void *argument, struct measure *measure)
{
    struct contest *contest = argument;
    const size_t copy = copy_add(&contest->copies[0], measure);
    char suffix[32];

    measure->axis = "window between h5ckpt_save and h5ckpt_fence / synchronous save";
    measure->axis_linear = true;
    for (int i = 0; i < WINDOW_COUNT; i++) {
        snprintf(suffix, sizeof suffix, ", window %g", WINDOW[i]);
        const size_t fenced = add_stall(contest, measure, FENCED, WINDOW[i], suffix);
        measure_compare_at(measure, fenced, copy, 1, "stall of a fenced save / memcpy, 1 thread", WINDOW[i]);
    }
}

/* ------------------------------------------------------------------------ steps */

static size_t add_step(struct host *host, struct measure *measure, enum host_deed deed, const struct step *step)
{
    const struct host_order order = {.deed = deed, .step = *step};
    char name[NAME_BYTES];

    snprintf(name, sizeof name, "step %s, %s, %s", step_name(step->kind), host->kind->name,
             deed == HOST_STEP_ALONE ? "alone" : "beside a save");
    return host_add(host, measure, name, &order);
}

static struct sample run_step(void *context)
{
    return (struct sample){.value = step_run_some(context, NULL), .cpu_seconds = NAN};
}

/*
 * In cache, the step of a program that never saves, ours, is the same work. A few percent are looked for: many turns.
 */
static void compete_in_cached_steps(void *argument, struct measure *measure)
{
    struct contest *contest = argument;
    struct step *in_cache = &contest->steps[STEP_IN_CACHE];
    const size_t never = measure_add(measure, "step in cache, never saving",
                                     "50 ms on one core, of a program that never saves", 0, run_step, in_cache);

    measure->runs_each = STEP_RUNS;
    for (int i = 0; i < BACKGROUND_COUNT; i++) {
        struct host *host = &contest->hosts[BACKGROUND[i]];
        measure_compare(measure, add_step(host, measure, HOST_STEP_BESIDE, in_cache), never, 1);
    }
}

/* All over memory, it depends on where the host's arrays lie. */
static void compete_in_steps_all_over(void *argument, struct measure *measure)
{
    struct contest *contest = argument;
    struct step *all_over = &contest->steps[STEP_ALL_OVER];

    for (int i = 0; i < BACKGROUND_COUNT; i++) {
        struct host *host = &contest->hosts[BACKGROUND[i]];
        const size_t alone = add_step(host, measure, HOST_STEP_ALONE, all_over);
        measure_compare(measure, add_step(host, measure, HOST_STEP_BESIDE, all_over), alone, 1);
    }
}

/* --------------------------------------------------------------------- durability */

static size_t add_latency(struct host *host, struct measure *measure, enum host_deed deed)
{
    const struct host_order order = {.deed = deed};
    char name[NAME_BYTES];

    snprintf(name, sizeof name, "durable, %s, %s", host->kind->name, deed == HOST_WAIT ? "waiting" : "computing");
    return host_add(host, measure, name, &order);
}

static void compete_in_latency(void *argument, struct measure *measure)
{
    struct contest *contest = argument;
    static const enum host_deed DEED[] = {HOST_WAIT, HOST_COMPUTE};
    const size_t synchronous = add_latency(&contest->hosts[SYNCHRONOUS], measure, HOST_WAIT);

    for (size_t i = 0; i < sizeof DEED / sizeof *DEED; i++)
        for (int j = 0; j < BACKGROUND_COUNT; j++) {
            const size_t durable = add_latency(&contest->hosts[BACKGROUND[j]], measure, DEED[i]);
            measure_compare(measure, durable, synchronous, 1);
        }
}

/* ------------------------------------------------------------------------ tables */

void command_async(const struct settings *settings, struct report *report)
{
    struct contest contest;

    prepare(&contest, settings);
    report_measure(report, "what a save holds a program up", compete_in_stalls, &contest);
    report_measure(report, "what the window before the fence is worth", compete_in_windows, &contest);
    report_measure(report, "what a step in cache is slower by", compete_in_cached_steps, &contest);
    report_measure(report, "what a step all over memory is slower by", compete_in_steps_all_over, &contest);
    report_measure(report, "until a state is durable", compete_in_latency, &contest);
    finish(&contest);
}
