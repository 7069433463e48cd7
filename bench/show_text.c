/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "show.h"
#include "table.h"
#include "text.h"

static const char NOTHING[] = "-";

/* Seconds or bytes. */
static const char *value_text(char room[TEXT_BYTES], const struct measure *measure, double value)
{
    if (measure->unit == MEASURE_BYTES) {
        const bool negative = value < 0; /* a resident set is told by estimate */
        text_size(room + negative, (uint64_t)fabs(value));
        if (negative)
            room[0] = '-';
    } else if (value >= 1) {
        snprintf(room, TEXT_BYTES, "%.3f s", value);
    } else {
        snprintf(room, TEXT_BYTES, "%.3f ms", 1e3 * value);
    }
    return room;
}

static const char *number_text(char room[TEXT_BYTES], const char *format, double number)
    __attribute__((format(printf, 2, 0)));

static const char *number_text(char room[TEXT_BYTES], const char *format, double number)
{
    if (isnan(number))
        return NOTHING;
    snprintf(room, TEXT_BYTES, format, number);
    return room;
}

/* ------------------------------------------------------------------- contenders */

enum { TIMES_COLUMNS = 6, RATIO_COLUMNS = 4 };

/* NAN for so few bytes that it says nothing of a GiB. */
static double cpu_per_gib(const struct measure *measure, const struct contender *contender)
{
    const double gib = (double)contender->byte_count / (double)(UINT64_C(1) << 30);

    if (contender->byte_count < UINT64_C(1) << 20)
        return NAN;
    return summary_of(contender->cpu_seconds, measure->repeat_count).median / gib;
}

static void add_contender(struct table *table, const struct measure *measure, const struct contender *contender)
{
    const struct summary summary = summary_of(contender->values, measure->repeat_count);
    char room[TIMES_COLUMNS][TEXT_BYTES];
    const char *const cells[TIMES_COLUMNS] = {
        contender->name,
        value_text(room[1], measure, summary.min),
        value_text(room[2], measure, summary.median),
        value_text(room[3], measure, summary.max),
        number_text(room[4], "%.0f", 1e-6 * measure_rate(measure, contender)),
        number_text(room[5], "%.3f", cpu_per_gib(measure, contender)),
    };

    table_add_row(table, cells, measure->unit == MEASURE_SECONDS ? TIMES_COLUMNS : TIMES_COLUMNS - 2);
}

static void print_contenders(const struct measure *measure)
{
    struct table table = table_make();

    table_add_column(&table, measure->unit == MEASURE_SECONDS ? "WHAT TOOK" : "WHAT TAKES", false);
    table_add_column(&table, "MIN", true);
    table_add_column(&table, "MEDIAN", true);
    table_add_column(&table, "MAX", true);
    if (measure->unit == MEASURE_SECONDS) {
        table_add_column(&table, "MB/S", true);
        table_add_column(&table, "CPU S/GIB", true);
    }
    for (size_t i = 0; i < measure->contender_count; i++)
        if (measure->contenders[i].skipped == NULL)
            add_contender(&table, measure, &measure->contenders[i]);
    table_print(&table);
    table_free(&table);
}

static void print_settings(const struct measure *measure)
{
    for (size_t i = 0; i < measure->contender_count; i++) {
        const struct contender *contender = &measure->contenders[i];
        if (contender->skipped != NULL)
            text_line(stdout, "  %s: skipped: %s", contender->name, contender->skipped);
        else if (contender->settings[0] != '\0')
            text_line(stdout, "  %s: %s", contender->name, contender->settings);
    }
}

/* ----------------------------------------------------------------------- ratios */

static void print_ratios(const struct measure *measure)
{
    struct table table = table_make();
    char name[REPORT_NAME_BYTES];
    char room[RATIO_COLUMNS][TEXT_BYTES];

    table_add_column(&table, "RATIO", false);
    table_add_column(&table, "MIN", true);
    table_add_column(&table, "MEDIAN", true);
    table_add_column(&table, "MAX", true);
    for (size_t i = 0; i < measure->ratio_count; i++) {
        const struct ratio *ratio = &measure->ratios[i];
        if (ratio->values == NULL)
            continue;
        const struct summary summary = summary_of(ratio->values, measure->repeat_count);
        const char *const cells[RATIO_COLUMNS] = {
            report_ratio_name(measure, ratio, name),
            number_text(room[1], "%.3f", summary.min),
            number_text(room[2], "%.3f", summary.median),
            number_text(room[3], "%.3f", summary.max),
        };
        table_add_row(&table, cells, RATIO_COLUMNS);
    }
    table_print(&table);
    table_free(&table);
}

static void print_method(const struct measure *measure)
{
    if (measure->runs_each == 1)
        text_line(stdout, "%u repetitions, in turns; a ratio is formed in each.", measure->repeat_count);
    else
        text_line(stdout, "%u repetitions of %u turns each, whose medians count; a ratio is formed in each repetition.",
                  measure->repeat_count, measure->runs_each);
}

static void print_measure(const struct measure *measure, const char *command)
{
    putchar('\n');
    text_line(stdout, "%s: %s", command, measure->title);
    print_method(measure);
    putchar('\n');
    print_contenders(measure);
    putchar('\n');
    print_ratios(measure);
    putchar('\n');
    print_settings(measure);
}

void show_text(const struct report *report)
{
    const struct machine *machine = &report->machine;
    char memory[TEXT_BYTES];

    text_line(stdout, "%u cores, %s of memory, %s; %s; HDF5 %s, h5ckpt %s", machine->core_count,
              text_size(memory, machine->memory_bytes), machine->kernel, machine->file_system, machine->hdf5,
              machine->h5ckpt);
    for (size_t i = 0; i < report->measure_count; i++)
        print_measure(&report->measures[i], report->command);
}
