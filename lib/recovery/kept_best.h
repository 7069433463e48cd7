/* SPDX-License-Identifier: MIT */
/*
 * kept_best: how good the state is that a milestone holds, by its own history: what a better one has to beat, whatever has become of the
 * checkpoint since.
 */
#ifndef H5CKPT_KEPT_BEST_H
#define H5CKPT_KEPT_BEST_H

#include "storage/store.h"

/*
 * The best value of a log in the history of milestone `name`. Not known: there is no such milestone, or its history, verified as it is
 * read, is damaged or has no such log. H5CKPT_E_MEMORY, or the system's errors.
 */
h5ckpt_status kept_best(h5ckpt_store *store, const char *name, const char *log, enum h5ckpt_better better,
                        struct h5ckpt_best *best, struct error *error);

#endif
