/* SPDX-License-Identifier: MIT */
/*
 * keeper: what the hooks keep as milestones, and which of these they remove again.
 */
#ifndef H5CKPT_KEEPER_H
#define H5CKPT_KEEPER_H

#include "storage/store.h"

h5ckpt_status keeper_check_options(const struct h5ckpt_callback_options *options, struct error *error);

struct keeper_wish { /* as what a state is to be kept */
    bool epoch;      /* by the number of its epochs */
    bool best;
};

/* Is the state at this position, whose rows are in the history already, to be kept? `best` is that of the log that is monitored. Pure. */
struct keeper_wish keeper_wish(const struct h5ckpt_milestones *options, const struct h5ckpt_best *best,
                               const struct h5ckpt_progress *at);

/* A state that is to be kept is about to be saved: no save in flight may have it skipped. */
void keeper_prepare(h5ckpt_store *store);

/*
 * The hook that is running has, or has not, saved position `at`: if it has, that state becomes milestone `name`. H5CKPT_SKIPPED: it has
 * not; else as h5ckpt_keep().
 */
h5ckpt_status keeper_keep(h5ckpt_store *store, const struct h5ckpt_progress *at, const char *name);

/* As that, by all the names that are wished for, and the first failure; and then the oldest of those that have an epoch's are removed. */
h5ckpt_status keeper_keep_as_wished(const struct h5ckpt_milestones *options, struct keeper_wish wish,
                                    h5ckpt_store *store, const struct h5ckpt_progress *at);

#endif
