/* SPDX-License-Identifier: MIT */
/*
 * show: a report for people, for programs and for documents.
 */
#ifndef SHOW_H
#define SHOW_H

#include "report.h"

/* Tables on standard output. */
void show_text(const struct report *report);

/*
 * One JSON document on standard output: command, machine, settings, and measures, each with its contenders (name,
 * settings, skipped: null or the reason, values: one per repetition in `unit`, cpu_seconds, min, median, max) and
 * ratios (name, of, to: names, scale, x: null or the place on `axis`, values, min, median, max; null where one of the
 * two was skipped).
 */
void show_json(const struct report *report);

/* Can plots be made here? Else ends the program. To be asked before anything is measured. */
void show_plot_check(void);

/* The ratios as an SVG image, by gnuplot. */
void show_plot(const struct report *report, const char *path);

#endif
