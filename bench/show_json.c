/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "memory.h"
#include "show.h"

/* NULL, for which there was no memory, passes through json_pack() and ends the program in show_json(). */
static json_t *number(double value)
{
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *numbers(const double *values, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, memory_check(number(values[i])));
    return array;
}

/* Adds the values and what they come to; nulls for none. */
static json_t *with_values(json_t *object, const char *key, const double *values, size_t count)
{
    const struct summary summary = values == NULL ? (struct summary){NAN, NAN, NAN} : summary_of(values, count);
    json_t *more = json_pack("{s:o, s:o, s:o, s:o}", key, values == NULL ? json_null() : numbers(values, count), "min",
                             number(summary.min), "median", number(summary.median), "max", number(summary.max));

    memory_check(object);
    memory_check(more);
    json_object_update(object, more);
    json_decref(more);
    return object;
}

static json_t *contender_of(const struct measure *measure, const struct contender *contender)
{
    json_t *object =
        json_pack("{s:s, s:s, s:s?, s:I, s:o, s:o}", "name", contender->name, "settings", contender->settings,
                  "skipped", contender->skipped, "bytes", (json_int_t)contender->byte_count, "bytes_per_second",
                  number(measure_rate(measure, contender)), "cpu_seconds",
                  contender->skipped == NULL ? numbers(contender->cpu_seconds, measure->repeat_count) : json_null());

    return with_values(object, "values", contender->values, measure->repeat_count);
}

static json_t *ratio_of(const struct measure *measure, const struct ratio *ratio)
{
    char name[REPORT_NAME_BYTES];
    json_t *object = json_pack("{s:s, s:s, s:s, s:f, s:s?, s:o}", "name", report_ratio_name(measure, ratio, name), "of",
                               measure->contenders[ratio->of].name, "to", measure->contenders[ratio->to].name, "scale",
                               ratio->scale, "series", ratio->series, "x", number(ratio->x));

    return with_values(object, "values", ratio->values, measure->repeat_count);
}

static json_t *measure_of(const struct measure *measure)
{
    json_t *contenders = memory_check(json_array());
    json_t *ratios = memory_check(json_array());

    for (size_t i = 0; i < measure->contender_count; i++)
        json_array_append_new(contenders, contender_of(measure, &measure->contenders[i]));
    for (size_t i = 0; i < measure->ratio_count; i++)
        json_array_append_new(ratios, ratio_of(measure, &measure->ratios[i]));
    return json_pack("{s:s, s:s, s:s?, s:i, s:i, s:o, s:o}", "title", measure->title, "unit",
                     measure->unit == MEASURE_SECONDS ? "seconds" : "bytes", "axis", measure->axis, "repeat",
                     (int)measure->repeat_count, "runs_each", (int)measure->runs_each, "contenders", contenders,
                     "ratios", ratios);
}

static json_t *machine_of(const struct machine *machine)
{
    return json_pack("{s:i, s:I, s:s, s:s, s:s, s:s}", "cores", (int)machine->core_count, "memory_bytes",
                     (json_int_t)machine->memory_bytes, "kernel", machine->kernel, "file_system", machine->file_system,
                     "hdf5", machine->hdf5, "h5ckpt", machine->h5ckpt);
}

static json_t *settings_of(const struct settings *settings)
{
    return json_pack("{s:I, s:I, s:i, s:b}", "bytes", (json_int_t)settings->byte_count, "arrays",
                     (json_int_t)settings->array_count, "repeat", (int)settings->repeat_count, "unaligned",
                     settings->unaligned);
}

void show_json(const struct report *report)
{
    json_t *measures = memory_check(json_array());
    json_t *object;

    for (size_t i = 0; i < report->measure_count; i++)
        json_array_append_new(measures, memory_check(measure_of(&report->measures[i])));
    object = memory_check(json_pack("{s:s, s:o, s:o, s:o}", "command", report->command, "machine",
                                    memory_check(machine_of(&report->machine)), "settings",
                                    memory_check(settings_of(report->settings)), "measures", measures));
    if (json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) < 0)
        memory_exhausted();
    putchar('\n');
    json_decref(object);
}
