/* SPDX-License-Identifier: MIT */
/*
 * live_line: one line of a terminal on standard output, written anew in place. Nothing of the terminal is changed by
 * that: what is left behind is the last text, and the cursor below it.
 */
#ifndef LIVE_LINE_H
#define LIVE_LINE_H

#include <stddef.h>

struct live_line {
    size_t drawn_columns; /* on the terminal now; 0: nothing */
};

/* ASCII; what does not fit is cut. */
void live_line_draw(struct live_line *line, const char *text);

/* It stays as it is. */
void live_line_end(struct live_line *line);

#endif
