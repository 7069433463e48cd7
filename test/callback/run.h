/* SPDX-License-Identifier: MIT */
/*
 * run: a tiny training program that lives several lives.
 *
 * Its state is a few variables (weights, an optimizer's moments, a random generator, counters, the order of the data,
 * which is freed and allocated anew as every epoch begins). What each unit of work makes of them depends on everything
 * done before and on the number that the loop gave it: a unit repeated, skipped, out of order or misnumbered changes
 * the digest of the state for good.
 *
 * A life is a process of its own. A crash is a SIGKILL. What every life did is in memory shared with the test.
 */
#ifndef TEST_RUN_H
#define TEST_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "h5ckpt.h"

/* Where a life can be killed or looked at, in the order in which a loop comes by. */
enum run_moment {
    RUN_AT_NO_TIME,
    RUN_TRAIN_BEGUN, /* on_train_begin has answered */
    RUN_EPOCH_BEGUN, /* and its own work at the beginning is done */
    RUN_BATCH_DONE,  /* its work is done, its hook was not called yet */
    RUN_BATCH_TOLD,  /* its hook has returned */
    RUN_TEST_TOLD,   /* a validation batch's hook has returned; not come by, only stopped at */
    RUN_EPOCH_DONE,  /* the program's work at its end is done, its hook was not called yet */
    RUN_EPOCH_TOLD,
    RUN_TRAIN_DONE, /* on_train_end was not called yet */
};

struct run_point {
    enum run_moment moment;
    uint64_t epoch;
    uint64_t batch; /* of the batch moments; the last one of several done at once */
};

enum run_calls { RUN_BY_FUNCTIONS, RUN_BY_HOOKS, RUN_WITHOUT_CALLBACK };

struct run_options {
    uint64_t epochs;
    uint64_t batches;                       /* in every epoch, or … */
    uint64_t (*batches_of)(uint64_t epoch); /* … by this function, or … */
    bool batches_unknown;                   /* … until the data, as many as the state has chosen, are used up */
    uint64_t steps_per_execution;           /* batches done before their hook is called */
    uint64_t end_after_epochs;              /* end then, with `end_reason`; 0: after all epochs, finished */
    enum h5ckpt_reason end_reason;
    uint64_t moment_count; /* the optimizer's */
    enum run_calls calls;
    struct h5ckpt_callback_options callback;
    void (*visit)(void *context, struct run_point point); /* called at every moment; may be NULL */
    void *context;
};

/* 5 epochs of 3 batches; the callback's defaults, in the fixture's backup directory. */
struct run_options run_options_default(void);

enum run_unit_kind { RUN_EPOCH_BEGIN, RUN_BATCH, RUN_EPOCH_END };

struct run_unit {
    enum run_unit_kind kind;
    unsigned life;
    uint64_t epoch;
    uint64_t batch;
};

struct run_life {
    bool ended;                 /* it came to its own end */
    h5ckpt_status new_status;   /* of h5ckpt_callback_new() */
    h5ckpt_status begin_status; /* of on_train_begin */
    h5ckpt_status end_status;   /* of on_train_end */
    h5ckpt_status stop_status;  /* by which a hook told it to stop, and it did; H5CKPT_OK: none */
    struct run_point stopped;   /* where */
    struct h5ckpt_progress next;
    unsigned failure_count; /* hooks in between that failed */
    h5ckpt_status failure;  /* the first of them */
    char message[1024];     /* what it said; of the beginning, if nothing failed */
    uint64_t digest;        /* of the state at the end */
};

/* Of each test: forget all lives. */
void run_setup(void);
void run_teardown(void);
void run_forget(void);

/* One life, to its end or to `point`; asserts that it came there. */
struct run_life run_to_end(const struct run_options *options);
struct run_life run_until(const struct run_options *options, struct run_point point);
struct run_life run_until_moment(const struct run_options *options, enum run_moment moment, uint64_t epoch,
                                 uint64_t batch);

/* One life that may be killed by something else, such as `visit`. */
struct run_life run_anyhow(const struct run_options *options);

/* One life in this process, to its end. */
struct run_life run_here(const struct run_options *options);

/* What a life that nothing disturbs, and that never heard of a callback, does. Not among the lives. */
uint64_t run_undisturbed_digest(const struct run_options *options);
uint64_t run_undisturbed_batches(const struct run_options *options);

/* Every point it comes by, but the first; returns how many. */
size_t run_undisturbed_points(const struct run_options *options, struct run_point *point, size_t count_max);

/* Work that was really done, by all lives so far or by one (counted from 0). */
enum { RUN_ALL_LIVES = -1 };
uint64_t run_count(enum run_unit_kind kind, int life);
const struct run_unit *run_units(size_t *count);

/* The positions that were saved, by all lives, oldest first. */
const struct h5ckpt_progress *run_saves(size_t *count);

/* The position of the newest state on disk; its status by h5ckpt_inspect(), every byte read. */
h5ckpt_status run_stored(const struct run_options *options, struct h5ckpt_progress *position);

/* Paths of the slots on disk that hold the newest intact state and the one before it; asserts that they are there. */
const char *run_slot(const struct run_options *options, enum h5ckpt_which which);

/* `life` ended without any failure, and its digest is that of a run never disturbed. */
#define assert_as_undisturbed(life, options)                                                                   \
    do {                                                                                                       \
        struct run_life life_ = (life);                                                                        \
        ck_assert_msg(life_.ended, "it did not end: %s", life_.message);                                       \
        ck_assert_msg(life_.failure_count == 0, "%u hooks failed, the first with %s: %s", life_.failure_count, \
                      h5ckpt_status_name(life_.failure), life_.message);                                       \
        ck_assert_msg(life_.digest == run_undisturbed_digest(options), "the final digest is another");         \
    } while (0)

#define assert_position(position, expected_epoch, expected_batch)                                                    \
    do {                                                                                                             \
        struct h5ckpt_progress position_ = (position);                                                               \
        uint64_t epoch_ = (expected_epoch);                                                                          \
        uint64_t batch_ = (expected_batch);                                                                          \
        ck_assert_msg(position_.epoch == epoch_ && position_.batch == batch_, "position (%ju, %ju), not (%ju, %ju)", \
                      (uintmax_t)position_.epoch, (uintmax_t)position_.batch, (uintmax_t)epoch_, (uintmax_t)batch_); \
    } while (0)

#endif
