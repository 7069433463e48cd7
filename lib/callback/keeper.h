/* SPDX-License-Identifier: MIT */
/*
 * keeper: what the hooks keep as milestones, and which of these they remove again.
 */
#ifndef H5CKPT_KEEPER_H
#define H5CKPT_KEEPER_H

#include "storage/store.h"

h5ckpt_status keeper_check_options(const struct h5ckpt_milestones *options, struct error *error);

/* Is the state at the end of an epoch, when `epoch` epochs are finished, to be kept? Pure. */
bool keeper_is_due(const struct h5ckpt_milestones *options, uint64_t epoch);

/* A state that is to be kept is about to be saved: no save in flight may have it skipped. */
void keeper_prepare(h5ckpt_store *store);

/*
 * The hook that is running has, or has not, saved position `at`: if it has, that state becomes milestone `name`. H5CKPT_SKIPPED: it has
 * not; else as h5ckpt_keep().
 */
h5ckpt_status keeper_keep(h5ckpt_store *store, const struct h5ckpt_progress *at, const char *name);

/* As that, by the number of its epochs; and then the oldest of those kept so are removed. */
h5ckpt_status keeper_keep_epoch(const struct h5ckpt_milestones *options, h5ckpt_store *store,
                                const struct h5ckpt_progress *at);

#endif
