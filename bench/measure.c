/* SPDX-License-Identifier: MIT */
#include "measure.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "scratch.h"

void measure_make(struct measure *measure, const char *title, unsigned repeat_count)
{
    *measure = (struct measure){
        .title = memory_check(strdup(title)),
        .warm_up_count = 1,
        .repeat_count = repeat_count,
        .runs_each = 1,
    };
}

void measure_free(struct measure *measure)
{
    for (size_t i = 0; i < measure->contender_count; i++) {
        const struct contender *contender = &measure->contenders[i];
        free(contender->name);
        free(contender->settings);
        free(contender->skipped);
        free(contender->values);
        free(contender->cpu_seconds);
    }
    for (size_t i = 0; i < measure->ratio_count; i++)
        free(measure->ratios[i].values);
    free(measure->contenders);
    free(measure->ratios);
    free(measure->title);
}

/* --------------------------------------------------------------- who and what */

static size_t add(struct measure *measure, const struct contender *contender)
{
    measure->contenders =
        memory_for_one_more(measure->contenders, measure->contender_count, sizeof *measure->contenders);
    measure->contenders[measure->contender_count] = *contender;
    return measure->contender_count++;
}

size_t measure_add(struct measure *measure, const char *name, const char *settings, uint64_t byte_count,
                   measure_run_function *run, void *context)
{
    const struct contender contender = {
        .name = memory_check(strdup(name)),
        .settings = memory_check(strdup(settings)),
        .byte_count = byte_count,
        .run = run,
        .context = context,
        .values = memory_check(calloc(measure->repeat_count, sizeof(double))),
        .cpu_seconds = memory_check(calloc(measure->repeat_count, sizeof(double))),
    };

    return add(measure, &contender);
}

size_t measure_add_skipped(struct measure *measure, const char *name, const char *reason)
{
    const struct contender contender = {
        .name = memory_check(strdup(name)),
        .settings = memory_check(strdup("")),
        .skipped = memory_check(strdup(reason)),
    };

    return add(measure, &contender);
}

void measure_compare_at(struct measure *measure, size_t of, size_t to, double scale, const char *series, double x)
{
    assert(of < measure->contender_count && to < measure->contender_count);
    measure->ratios = memory_for_one_more(measure->ratios, measure->ratio_count, sizeof *measure->ratios);
    measure->ratios[measure->ratio_count++] =
        (struct ratio){.of = of, .to = to, .scale = scale, .series = series, .x = x};
}

void measure_compare(struct measure *measure, size_t of, size_t to, double scale)
{
    measure_compare_at(measure, of, to, scale, NULL, NAN);
}

/* --------------------------------------------------------------------- turns */

/* One line on a terminal, replaced by the next. */
static void tell(const struct measure *measure, const char *phase, unsigned done, unsigned count, const char *name)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\x1b[K%s: %s %u of %u: %s", measure->title, phase, done, count, name);
}

static void tell_no_more(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\x1b[K", stderr);
}

/* What the runs of one repetition gave: [contender][run]. */
struct runs {
    double *values;
    double *cpu_seconds;
};

/* Everyone's turns of one repetition. */
static void take_turns(const struct measure *measure, size_t first_round, struct runs *runs, const char *phase,
                       unsigned number, unsigned count)
{
    for (unsigned run = 0; run < measure->runs_each; run++) {
        for (size_t place = 0; place < measure->contender_count; place++) {
            const size_t i = turn_of(first_round + run, place, measure->contender_count);
            const struct contender *contender = &measure->contenders[i];
            struct sample sample;

            if (contender->skipped != NULL)
                continue;
            if (run == 0)
                tell(measure, phase, number, count, contender->name);
            scratch_settle(); /* what the one before has left to write is not for the next to pay */
            sample = contender->run(contender->context);
            runs->values[i * measure->runs_each + run] = sample.value;
            runs->cpu_seconds[i * measure->runs_each + run] = sample.cpu_seconds;
        }
    }
}

static void keep(struct measure *measure, unsigned repetition, const struct runs *runs)
{
    for (size_t i = 0; i < measure->contender_count; i++) {
        struct contender *contender = &measure->contenders[i];
        const size_t first = i * measure->runs_each;

        if (contender->skipped != NULL)
            continue;
        contender->values[repetition] = summary_of(runs->values + first, measure->runs_each).median;
        contender->cpu_seconds[repetition] = summary_of(runs->cpu_seconds + first, measure->runs_each).median;
    }
}

static void form_ratios(struct measure *measure)
{
    for (size_t i = 0; i < measure->ratio_count; i++) {
        struct ratio *ratio = &measure->ratios[i];
        const struct contender *of = &measure->contenders[ratio->of];
        const struct contender *to = &measure->contenders[ratio->to];

        if (of->skipped != NULL || to->skipped != NULL)
            continue;
        ratio->values = memory_check(calloc(measure->repeat_count, sizeof(double)));
        ratios_of(ratio->values, of->values, to->values, ratio->scale, measure->repeat_count);
    }
}

void measure_run(struct measure *measure)
{
    const size_t run_count = measure->contender_count * measure->runs_each;
    struct runs runs = {
        .values = memory_check(calloc(run_count, sizeof(double))),
        .cpu_seconds = memory_check(calloc(run_count, sizeof(double))),
    };

    for (unsigned i = 0; i < measure->warm_up_count; i++)
        take_turns(measure, i, &runs, "warming up", i + 1, measure->warm_up_count);
    for (unsigned i = 0; i < measure->repeat_count; i++) {
        take_turns(measure, i, &runs, "repetition", i + 1, measure->repeat_count);
        keep(measure, i, &runs);
    }
    tell_no_more();
    free(runs.values);
    free(runs.cpu_seconds);
    form_ratios(measure);
}

double measure_rate(const struct measure *measure, const struct contender *contender)
{
    if (contender->skipped != NULL || contender->byte_count == 0 || measure->unit != MEASURE_SECONDS)
        return NAN;
    return (double)contender->byte_count / summary_of(contender->values, measure->repeat_count).median;
}
