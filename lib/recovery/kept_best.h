/* SPDX-License-Identifier: MIT */
/*
 * kept_best: how good the state is that a milestone holds, by its own history: what a better one has to beat, whatever
 * has become of the checkpoint since.
 */
#ifndef H5CKPT_KEPT_BEST_H
#define H5CKPT_KEPT_BEST_H

#include "storage/store.h"

/*
 * The value of a log at the state that is milestone `name`; where it has none there, the best before it. Not known:
 * there is no such milestone, or its history, verified as it is read, is damaged, unreadable or without such a log.
 * Passing errors are returned; else `error` stays as it was.
 */
h5ckpt_status kept_best(h5ckpt_store *store, const char *name, const char *log, enum h5ckpt_better better,
                        struct h5ckpt_best *best, struct error *error);

#endif
