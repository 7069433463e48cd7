/* SPDX-License-Identifier: MIT */
/*
 * stop: a training that has to end before it is done. About to be taken away: it asks who has given notice (notice),
 * decides (preempt), saves for the last time, and tells the loop to end. Or too many saves in a row have failed: it
 * tells the loop to end.
 *
 *   (1) H5CKPT_STOP is said only of a state that is durable.
 *   (2) Once the loop has been told to end, nothing is saved any more, and nothing deleted.
 */
#ifndef H5CKPT_STOP_H
#define H5CKPT_STOP_H

#include "callback/check.h"
#include "callback/notice.h"
#include "callback/preempt.h"
#include "callback/recent.h"

struct stop {
    bool enabled; /* to ask who has given notice */
    struct notice notice;
    bool saved;     /* since the notice */
    bool announced; /* the grace period, to the program's logger */
    struct recent saves, steps;
    struct recent turns;         /* steps that an epoch ends or begins with: rarer, and longer */
    double save_seconds_guessed; /* until a save was measured */
    bool saves_are_slowed;       /* in the background, on purpose: how long the last one takes, nobody knows */
    int64_t hook_left_ns;        /* when the last hook returned */
    struct h5ckpt_progress last; /* where that was */
    struct preempt_facts facts;  /* as of the last time it was asked */
    struct error told;           /* what the loop was told, from then on; OK: nothing */
    void (*event)(void *context, const struct h5ckpt_event *event); /* the program's */
    void *event_context;
};

h5ckpt_status stop_check_options(const struct h5ckpt_callback_options *options, struct error *error);

/* Of a new callback whose options are good, before its store is opened: it listens to what the store tells. */
void stop_init(struct stop *stop, struct h5ckpt_callback_options *options);
void stop_free(struct stop *stop);

/* Training begins, and the restore is about to; it has begun, at `at`; it has ended, or could not begin. */
h5ckpt_status stop_watch(struct stop *stop, h5ckpt_store *store, struct error *error);
void stop_begin(struct stop *stop, const struct h5ckpt_progress *at);
void stop_end(struct stop *stop);

/* What is to be done in this hook? (`due`: it will save anyway.) PREEMPT_SAVE is a save like any other, … */
enum preempt_order stop_ask(struct stop *stop, h5ckpt_store *store, const struct h5ckpt_progress *at, bool due);

/* … and these two are done here. H5CKPT_STOP, H5CKPT_E_STOP_UNSAVED. */
h5ckpt_status stop_obey(struct stop *stop, enum preempt_order order, h5ckpt_store *store, const struct check *check,
                        const struct h5ckpt_progress *at, struct error *error);

/*
 * No more than so many saves in a row shall fail (0: as many as will). The status that the hook would have returned,
 * whose message is the store's; or H5CKPT_E_SAVES_FAILED.
 */
h5ckpt_status stop_if_hopeless(struct stop *stop, h5ckpt_store *store, unsigned failed_saves_max,
                               const struct h5ckpt_progress *at, h5ckpt_status status, struct error *error);

/* The hook is about to return; `saved`: and has saved, or begun to. */
void stop_leave(struct stop *stop, bool saved);

/* Has the loop been told to end? Then it is told again. Else H5CKPT_OK. */
h5ckpt_status stop_repeat(const struct stop *stop, struct error *error);

#endif
