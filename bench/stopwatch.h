/* SPDX-License-Identifier: MIT */
/*
 * stopwatch: what one run took, by the monotonic clock and by the processors.
 */
#ifndef STOPWATCH_H
#define STOPWATCH_H

struct sample {
    double value;       /* wall seconds; or bytes, where a measure says so */
    double cpu_seconds; /* user and system, of all threads and ended children; NAN where it does not apply */
};

struct stopwatch {
    double wall_seconds;
    double cpu_seconds;
};

/* Seconds of the monotonic clock. */
double stopwatch_now(void);

struct stopwatch stopwatch_start(void);

/* What went by since it was started. What the kernel's own threads did is in the wall seconds only. */
struct sample stopwatch_read(const struct stopwatch *watch);

#endif
