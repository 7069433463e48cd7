/* SPDX-License-Identifier: MIT */
/*
 * gnuplot: pictures are drawn by gnuplot, which need not be there.
 */
#ifndef GNUPLOT_H
#define GNUPLOT_H

#include "child.h"

/* For messages where gnuplot_start() gives ENOENT. */
#define GNUPLOT_MISSING "gnuplot is not there (Debian: gnuplot-nox)"

/* As child_start(): gnuplot reads what it shall do from `to`. */
int gnuplot_start(struct child *gnuplot, int output);

/* A text, in single quotes, within which gnuplot changes nothing but doubled ones. */
void gnuplot_put_string(FILE *to, const char *text);

#endif
