/* SPDX-License-Identifier: MIT */
/*
 * report: what a subcommand measured. show_text, show_json and show_plot only show it.
 */
#ifndef REPORT_H
#define REPORT_H

#include "machine.h"
#include "measure.h"
#include "settings.h"

struct report {
    const char *command;
    const struct settings *settings;
    struct machine machine;
    struct measure *measures;
    size_t measure_count;
};

/* A measure whose title is what the settings ask for: "1.0 GiB in 64 arrays, aligned". */
void report_make_measure(const struct report *report, struct measure *measure);

/* Take a measure that was run over. */
void report_add(struct report *report, const struct measure *measure);

/* All of it, for one table among several: "what a save holds a program up, 1.0 GiB in 64 arrays, aligned". */
void report_measure(struct report *report, const char *what, void (*compete)(void *contest, struct measure *measure),
                    void *contest);
void report_free(struct report *report);

enum { REPORT_NAME_BYTES = 160 };

/* "device write", "(8 * save, 1.0 GiB)". Returns `room`. */
const char *report_yardstick_name(const struct measure *measure, const struct ratio *ratio,
                                  char room[REPORT_NAME_BYTES]);

/* "save / device write", "save, 8.0 GiB / (8 * save, 1.0 GiB)". Returns `room`. */
const char *report_ratio_name(const struct measure *measure, const struct ratio *ratio, char room[REPORT_NAME_BYTES]);

#endif
