/* SPDX-License-Identifier: MIT */
/*
 * scenario: what a program does with h5ckpt when memory is short: one call of the public interface, or a few, what
 * comes before it while there is memory, and what the directory must hold afterwards.
 */
#ifndef TEST_SCENARIO_H
#define TEST_SCENARIO_H

#include <stddef.h>

#include "support/fixture.h"

enum { OTHER_COUNT = 64, NEXT = 9, GONE_ON = 10 }; /* NEXT: the state that is saved while memory is short */

/* The program. */
struct world {
    struct standard standard; /* with settings, and an array of several megabytes where the scenario says so */
    h5ckpt_state *other;      /* another one of its states */
    double other_weights[160][256];
    int64_t other_number[OTHER_COUNT];
    h5ckpt_store *store;
    h5ckpt_callback *callback;
    struct h5ckpt_report report;
    uint64_t batch; /* the next one */
    uint64_t epoch;
    bool is_to_stop;
    bool is_saving; /* already, when the act begins: it may even be over */
    bool has_no_epochs;
    const char *message;            /* of the call that was made last */
    _Atomic unsigned durable_count; /* states that the event function was told of */
    unsigned visit_count;
};

enum about {                           /* bits */
             ABOUT_LARGE = 1,          /* threads take part */
             ABOUT_OTHER_SETTINGS = 2, /* than those that were saved */
             ABOUT_READING = 4,        /* memory is no state before it, and untouched where it fails */
             ABOUT_SAVING = 8,         /* succeeds if and only if a state was told to be durable */
             ABOUT_WHAT_CAN_WAIT = 16, /* can do without some of what it allocates: docs/decisions.md */
             ABOUT_ENDING = 32,        /* closes what is open; cannot fail */
             ABOUT_GOING_ON = 64,      /* afterwards the handle restores and saves */
             ABOUT_KEEPING_TOO =
                 128,              /* saves and keeps: the one may succeed without the other, and is not tried again */
             ABOUT_STOPPING = 256, /* its answer is final */
};

struct expectation { /* of the directory */
    uint64_t state;  /* that a restore gives; 0: no checkpoint */
    unsigned milestones;
};

struct scenario {
    const char *name;
    unsigned about;
    unsigned lived; /* states that an earlier life has saved */
    unsigned slots;
    enum h5ckpt_save_mode save_mode;
    void (*prepare)(struct world *world, const struct scenario *scenario); /* NULL: nothing to do */
    h5ckpt_status (*act)(struct world *world);                             /* may be called again after a failure */
    h5ckpt_status success;
    h5ckpt_status failure; /* 0: H5CKPT_E_MEMORY */
    struct expectation before, after;
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

/* The directory, and the program up to where memory becomes short. */
void world_begin(struct world *world, const struct scenario *scenario);

/* Everything is closed and freed. */
void world_end(struct world *world);

bool world_is(const struct world *world, unsigned about, uint64_t number);
bool world_is_spoilt(const struct world *world, unsigned about);

/* The handle, whose directory holds state `number`, restores that and saves GONE_ON. */
bool world_goes_on(struct world *world, const struct scenario *scenario, uint64_t number);

/* What a process finds that starts now: that state, and so many milestones. */
bool world_finds(const struct scenario *scenario, uint64_t number, unsigned milestones_min, unsigned milestones_max);

#endif
