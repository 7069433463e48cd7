/* SPDX-License-Identifier: MIT */
/*
 * run_options: the command line of `h5ckpt run'.
 */
#ifndef RUN_OPTIONS_H
#define RUN_OPTIONS_H

#include <stdint.h>

struct run_options {
    const char *directory;
    char **arguments;     /* the program and its own, up to NULL */
    uint64_t restart_max; /* UINT64_MAX: any number */
    uint64_t idle_max;
    int64_t backoff_ns; /* the first, and the longest */
    int64_t backoff_max_ns;
    int64_t kill_after_ns; /* SIGNALS_NO_END: never */
    const char *journal;   /* NULL: none */
};

/* What is wrong with it is said, and ends the process with VERDICT_USAGE. */
struct run_options run_options_parse(int argc, char **argv);

#endif
