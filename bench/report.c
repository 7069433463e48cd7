/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>

#include "memory.h"
#include "text.h"

static void make_measure(const struct report *report, struct measure *measure, const char *what, const char *separator)
{
    const struct settings *settings = report->settings;
    char size[TEXT_BYTES];
    char title[128];

    snprintf(title, sizeof title, "%s%s%s in %zu %s, %s", what, separator, text_size(size, settings->byte_count),
             settings->array_count, settings->array_count == 1 ? "array" : "arrays",
             settings->unaligned ? "unaligned" : "aligned");
    measure_make(measure, title, settings->repeat_count);
}

void report_make_measure(const struct report *report, struct measure *measure)
{
    make_measure(report, measure, "", "");
}

void report_add(struct report *report, const struct measure *measure)
{
    report->measures = memory_for_one_more(report->measures, report->measure_count, sizeof *report->measures);
    report->measures[report->measure_count++] = *measure;
}

void report_measure(struct report *report, const char *what, void (*compete)(void *contest, struct measure *measure),
                    void *contest)
{
    struct measure measure;

    make_measure(report, &measure, what, ", ");
    compete(contest, &measure);
    measure_run(&measure);
    report_add(report, &measure);
}

void report_free(struct report *report)
{
    for (size_t i = 0; i < report->measure_count; i++)
        measure_free(&report->measures[i]);
    free(report->measures);
}

const char *report_yardstick_name(const struct measure *measure, const struct ratio *ratio,
                                  char room[REPORT_NAME_BYTES])
{
    const char *name = measure->contenders[ratio->to].name;

    if (ratio->scale == 1)
        snprintf(room, REPORT_NAME_BYTES, "%s", name);
    else
        snprintf(room, REPORT_NAME_BYTES, "(%.4g * %s)", ratio->scale, name);
    return room;
}

const char *report_ratio_name(const struct measure *measure, const struct ratio *ratio, char room[REPORT_NAME_BYTES])
{
    char yardstick[REPORT_NAME_BYTES];

    report_yardstick_name(measure, ratio, yardstick);
    snprintf(room, REPORT_NAME_BYTES, "%.70s / %.80s", measure->contenders[ratio->of].name, yardstick);
    return room;
}
