/* SPDX-License-Identifier: MIT */
/*
 * watch_show: what `h5ckpt watch' sees, in its three forms: a live line for a terminal; a line for each news; a JSON
 * object for each.
 */
#ifndef WATCH_SHOW_H
#define WATCH_SHOW_H

#include "follow.h"
#include "glance.h"

struct watched {
    const char *directory;
    struct glance glance;
    struct follow follow; /* which has seen it */
    unsigned news;
};

/* What saves cost, if it was noted of the very state that is seen; else NULL. */
const struct h5ckpt_account *watch_account(const struct glance *glance);

/* The first is without control characters and ASCII. Free it. */
char *watch_live_text(const struct watched *watched);
void watch_print_lines(const struct watched *watched);
void watch_print_json(const struct watched *watched);

#endif
