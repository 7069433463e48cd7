/* SPDX-License-Identifier: MIT */
/*
 * history: the command `h5ckpt history'.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <argp.h>

#include "verdict.h"

struct history_request {
    const char *directory;
    enum { HISTORY_TABLE, HISTORY_CSV, HISTORY_JSON, HISTORY_DRAWING } form;
    const char *plot; /* a file; NULL */
    const char **logs;
    size_t log_count; /* 0: all */
};

/* Its input is a struct history_request, zero at first. */
extern const struct argp HISTORY_ARGP;

enum verdict history_run(struct history_request *request);

#endif
