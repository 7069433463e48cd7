/* SPDX-License-Identifier: MIT */
/*
 * logs: the history of the state that a restore would give, copied once; text, CSV, JSON and pictures only show it.
 */
#ifndef LOGS_H
#define LOGS_H

#include <h5ckpt.h>

#include "verdict.h"

struct logs {
    const char *directory; /* as it was named; not ours */
    h5ckpt_status status;
    char *message;        /* the library's, of `status` */
    enum verdict verdict; /* of the checkpoint; VERDICT_USAGE: a log was asked for that is not there */
    struct h5ckpt_report report;
    size_t row_count;
    uint64_t *epoch, *batch, *step; /* by row */
    size_t log_count;
    char **name;
    double **value; /* value[log][row] */
};

/*
 * Read the logs with these names, or all; rows that have a value of none of them are left out. Never fails: what goes
 * wrong is part of what is found. Free it with logs_free().
 */
struct logs logs_read(const char *directory, const char *const *wanted, size_t wanted_count);
void logs_free(struct logs *logs);

/* Is there a history that can be shown? */
bool logs_are_known(const struct logs *logs);

/* All on standard output. */
void logs_as_table(const struct logs *logs);
void logs_as_csv(const struct logs *logs);
void logs_as_json(const struct logs *logs);

/*
 * By gnuplot, each log below the other: as an SVG image in the file `path`; small, in characters, on standard output.
 * False: complained why not.
 */
bool logs_draw_svg(const struct logs *logs, const char *path);
bool logs_draw_text(const struct logs *logs);

#endif
