/* SPDX-License-Identifier: MIT */
/*
 * expectation: what a restore may answer at a point of a scenario, from the marks in its log: (1) to (4), (7) of
 * crash.h.
 */
#ifndef H5CKPT_TEST_EXPECTATION_H
#define H5CKPT_TEST_EXPECTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/simfs.h"

enum mark {
    MARK_BEGIN,  /* value: slots, a process opens the directory */
    MARK_SAVING, /* from here on: the number of a state */
    MARK_SAVED,
    MARK_FAILED,
    MARK_ROLLED_BACK,
    MARK_DAMAGING, /* of the state that a restore gives back then; 0: none is left */
    MARK_DAMAGED,
    MARK_DELETING,
    MARK_DELETED,
    MARK_KEEPING, /* as the milestone: the number of a state */
    MARK_KEPT,
    MARK_FORGETTING, /* the milestone */
    MARK_FORGOTTEN,
    MARK_GOING_BACK, /* to the milestone: the number of its state */
    MARK_WENT_BACK,
};

extern const char *const MARK_NAME[];

/* What a restore may answer; changed by the marks in the log. */
struct expectation {
    uint64_t permitted[4];    /* bit i: the state with number i, see model.h */
    uint64_t milestone[4];    /* likewise, of the milestone */
    bool no_milestone;        /* there need not be one */
    bool none_permitted;      /* H5CKPT_NO_CHECKPOINT */
    bool lost_permitted;      /* H5CKPT_E_LOST */
    bool fall_back_permitted; /* H5CKPT_FELL_BACK instead of H5CKPT_OK */
    unsigned slots;           /* of the process that runs */
    unsigned acknowledged_in_a_row;
    bool save_begun;
    bool deleting;
    bool flush_failed; /* cache and device may differ where both are clean */
};

/* Of a directory that does not exist yet. */
struct expectation expectation_of_nothing(void);

/* Take an operation of the log into account. */
void expect_after(struct expectation *expected, const struct simfs_op *op);

/* The power goes. */
void expect_power_cut(struct expectation *expected);

bool permits(const struct expectation *expected, uint64_t number);
bool permits_milestone(const struct expectation *expected, uint64_t number);

/* How many intact states there are at least (P1). */
unsigned intact_count_min(const struct expectation *expected);

/* A number that is equal for equal expectations. */
uint64_t expectation_digest(const struct expectation *expected);

/* "3 4 none": for messages. */
void list_permitted(const struct expectation *expected, char *text, size_t byte_count);

#endif
