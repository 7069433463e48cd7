/* SPDX-License-Identifier: MIT */
/*
 * keeper: what the hooks keep as milestones, and which of these they remove again.
 */
#ifndef H5CKPT_KEEPER_H
#define H5CKPT_KEEPER_H

#include "storage/store.h"

h5ckpt_status keeper_check_options(const struct h5ckpt_callback_options *options, struct error *error);

struct keeper {
    struct h5ckpt_milestones options;
    const char *monitor; /* borrowed; NULL: no log is monitored */
    enum h5ckpt_better better;
    struct h5ckpt_best to_beat; /* what is kept as the best; where nothing is, the best that ever was */
};

struct keeper_wish { /* as what a state is to be kept */
    bool epoch;      /* by the number of its epochs */
    bool best;
    double value; /* of the log that is monitored */
};

struct keeper keeper_of(const struct h5ckpt_callback_options *options, const char *monitor);

/*
 * Training begins at a position that was restored: what is there to beat? And what was to be kept when a life was cut
 * short between its save and that is kept now, if it can be: a failure is told to the event function only. The system's
 * errors of a "best" that cannot be read.
 */
h5ckpt_status keeper_begin(struct keeper *keeper, h5ckpt_store *store, const struct h5ckpt_progress *at);

/* Is the state at this position, whose rows are in the history already, to be kept? Pure. */
struct keeper_wish keeper_wish(const struct keeper *keeper, const struct history *history,
                               const struct h5ckpt_progress *at);

/* A state that is to be kept is about to be saved: no save in flight may have it skipped. */
void keeper_prepare(h5ckpt_store *store);

/*
 * The hook that is running has, or has not, saved position `at`: if it has, that state is kept by all the names that
 * are wished for, and the oldest of those that have an epoch's are removed. The first failure; H5CKPT_SKIPPED: it has
 * not; else as h5ckpt_keep().
 */
h5ckpt_status keeper_keep(struct keeper *keeper, struct keeper_wish wish, h5ckpt_store *store,
                          const struct h5ckpt_progress *at);

#endif
