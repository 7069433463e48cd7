/* SPDX-License-Identifier: MIT */
/*
 * check: do two lives agree? A new life that goes on from the previous state must reach the bytes that the life before
 * it saved as the current one; else something that they depend on is not registered.
 */
#ifndef H5CKPT_CHECK_H
#define H5CKPT_CHECK_H

#include "h5ckpt.h"

struct check {
    bool pending;                /* nothing may be saved until check_finish() has made the current state the base … */
    bool told;                   /* … which is all that is left to do: the verdict has been told */
    struct h5ckpt_progress goal; /* where the current state was saved */
    struct h5ckpt_progress start; /* where the previous one was */
};

/*
 * Restore the previous state, and set the goal. Where there are not two intact ones of the program's settings, restore
 * as h5ckpt_restore() does.
 */
h5ckpt_status check_begin(struct check *check, h5ckpt_store *store, struct h5ckpt_report *report);

/* Training has finished, but never came to the goal: H5CKPT_E_DIFFERS. */
h5ckpt_status check_refuse_end(const struct check *check, h5ckpt_store *store, const struct h5ckpt_progress *at);

enum check_place { CHECK_BEFORE, CHECK_AT_GOAL, CHECK_BEYOND };

/* Where `at` is, seen from the goal. Pure. */
enum check_place check_place(const struct check *check, const struct h5ckpt_progress *at);

/*
 * At the goal, or beyond it: compare if that is possible, and let the current state be the one that saves spare.
 * H5CKPT_LIVES_AGREE, H5CKPT_E_DIFFERS, H5CKPT_E_ARGUMENT (the goal was jumped over), or as h5ckpt_compare(); the
 * message is the store's. Still pending if the current state could not be made the base: to be tried again at the next
 * opportunity, which gives H5CKPT_OK once it could.
 */
h5ckpt_status check_finish(struct check *check, h5ckpt_store *store, const struct h5ckpt_progress *at);

#endif
