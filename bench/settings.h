/* SPDX-License-Identifier: MIT */
/*
 * settings: what the command line asked for.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct settings {
    const char *directory; /* in which the scratch directory is made */
    uint64_t byte_count;
    size_t array_count;
    unsigned repeat_count;
    bool unaligned;
    bool json;
    const char *plot;   /* a file's path, or NULL */
    const char *python; /* the interpreter that runs peers.py */
};

#endif
