/* SPDX-License-Identifier: MIT */
/*
 * progress_bar: how far a long read has come, on standard error, if that is a terminal; nothing otherwise.
 */
#ifndef PROGRESS_BAR_H
#define PROGRESS_BAR_H

#include <stddef.h>
#include <stdint.h>

struct progress_bar {
    size_t drawn_columns; /* on the terminal now */
    int64_t drawn_at_ns;  /* by the monotonic clock */
};

/* A function for h5ckpt_inspect_options; `bar` is a struct progress_bar, zero at first. */
void progress_bar_show(void *bar, uint64_t bytes_done, uint64_t bytes_total);

/* Leave the terminal as it was. */
void progress_bar_erase(struct progress_bar *bar);

#endif
