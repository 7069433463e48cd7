/* SPDX-License-Identifier: MIT */
/*
 * states: the states in which a crash can leave a file system, one after the other. A test walks the log of what was
 * done, replays each operation on a replica, and asks before each what the next process may find.
 */
#ifndef H5CKPT_TEST_STATES_H
#define H5CKPT_TEST_STATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/simfs.h"

/* How much is made of what is too much to be made whole. */
struct states_effort {
    size_t combination_count_max;  /* all combinations of what is in flight, up to so many … */
    size_t single_count_max;       /* … else each one alone missing, and alone present, up to so many … */
    size_t group_choice_count_max; /* … all or nothing of each file, each name, in so many combinations … */
    size_t random_count;           /* … and so many random choices */
    size_t cut_count_max;          /* places at which one write is cut by a kill */
};

enum crash_kind { KILL_BETWEEN_CALLS = 1, KILL_INSIDE_A_WRITE, POWER_CUT };

struct states {
    struct states_effort effort;
    uint64_t *random;    /* of the sampling */
    struct simfs *image; /* the state, while `found` looks at it; it may change it */
    char what[256];      /* … and how it came to be, for messages */
    void (*found)(void *context, enum crash_kind kind);
    void *context;
    struct simfs_unit *unit; /* what is in flight … */
    unsigned *version;       /* … and what becomes of it */
};

void states_begin(struct states *states, uint64_t seed);
void states_end(struct states *states);

/* The process is killed before the next operation. Have cache and device ever come to differ where both are clean? */
enum states_cache { STATES_CACHE_IS_DEVICE, STATES_CACHE_MAY_DIFFER };
void states_of_kill(struct states *states, const struct simfs *replica, enum states_cache cache);

/* It is killed inside a write, the next operation: after any whole number of sectors, all or so many at random. */
void states_of_cuts(struct states *states, const struct simfs *replica, const struct simfs_op *write);

/* The power goes before the next operation. */
void states_of_power_cuts(struct states *states, const struct simfs *replica);

#endif
