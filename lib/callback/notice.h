/* SPDX-License-Identifier: MIT */
/*
 * notice: has anybody said that the job will be taken away, and when does its time end? Signals, a stop file, a
 * function of the program's, a deadline.
 *
 * The deadline is a time of day and is held against the clock on the wall at every look, so that a clock that is set,
 * and a machine that is suspended, are followed. How long ago the notice came, either clock may know better: the longer
 * time counts.
 */
#ifndef H5CKPT_NOTICE_H
#define H5CKPT_NOTICE_H

#include "callback/signal.h"
#include "h5ckpt.h"

enum { NOTICE_BY_BYTES = 64 };

struct notice_moment {
    int64_t monotonic_ns;
    int64_t wall_ns;
};

struct notice {
    struct h5ckpt_preemption options;
    struct signal_watch watch;
    double deadline;             /* seconds since 1970; INFINITY: none */
    struct notice_moment looked; /* last */
    bool given;
    struct notice_moment given_at;      /* at the earliest: the look before the one that found it */
    char by[NOTICE_BY_BYTES];           /* by whom, in a few words */
    bool file_looked_for, file_refused; /* so far; a directory of that name, once */
    int64_t file_looked_ns;
};

/* Which of the options cannot be meant? H5CKPT_E_ARGUMENT. */
h5ckpt_status notice_check_options(const struct h5ckpt_preemption *options, struct error *error);

/* From now on signals count. What was given before (a first beginning failed) still is. */
h5ckpt_status notice_begin(struct notice *notice, h5ckpt_store *store, struct error *error);

/* Handlers are put back. Allowed at any time. */
void notice_end(struct notice *notice);

/* At every hook that could act on it. */
void notice_look(struct notice *notice, h5ckpt_store *store);

/* As of that look. */
double notice_age_seconds(const struct notice *notice);

/* To the deadline; INFINITY: there is none. Asks the program. */
double notice_left_seconds(const struct notice *notice);

/* It was obeyed: a stop file goes, so that the next run does not stop at once. */
h5ckpt_status notice_consume(const struct notice *notice, h5ckpt_store *store, struct error *error);

#endif
