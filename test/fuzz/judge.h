/* SPDX-License-Identifier: MIT */
/*
 * judge: what a restore, and the list of milestones, may answer after the calls and misfortunes so far. The rules are
 * those of the crash states (crash/expectation.h); what is added here is damage at any place, and milestones under
 * several names.
 *
 *   (1) H5CKPT_OK gives the state acknowledged last or a newer one that had begun; a state that the program went back
 *       to, once a save upon it had begun.
 *   (2) H5CKPT_FELL_BACK gives one of these; only after damage, or where the device fails to read, an older one.
 *   (3) H5CKPT_NO_CHECKPOINT only if nothing was acknowledged, or deletion had begun; H5CKPT_E_LOST only if as many
 *       states were damaged as there were at least.
 *   (4) Every byte is that of the one state; where nothing is given back, memory is untouched.
 *   (5) A milestone is whole, and the one kept last under its name or one that was about to take its place.
 */
#ifndef H5CKPT_TEST_FUZZ_JUDGE_H
#define H5CKPT_TEST_FUZZ_JUDGE_H

#include "crash/expectation.h"
#include "fuzz/program.h"
#include "support/simfs.h"

#define JUDGE_DIRECTORY "backup"

enum { JUDGE_NUMBER_MAX = 250, JUDGE_MILESTONE_COUNT = 2 };

struct judge {
    struct expectation expected;
    bool begun[JUDGE_NUMBER_MAX + 1];        /* a save of this state */
    unsigned mask_of[JUDGE_NUMBER_MAX + 1];  /* its variables … */
    bool mask_differs[JUDGE_NUMBER_MAX + 1]; /* … which were others when it was saved before */
    bool damaged; /* since the last acknowledged save, outside of the lock: older states may come */
    bool ever_damaged;
    bool deleted_in_part; /* since the last acknowledged save a deletion has begun */
    bool went_back;       /* to a milestone, since the last acknowledged save: an abandoned branch was left behind */
    bool lock_damaged;    /* since a writer last opened the directory */
    unsigned lock_damage_count; /* ever: an open that can do without mends nothing */
    struct judged_milestone {
        bool is[JUDGE_NUMBER_MAX + 1]; /* which states it may be */
        bool may_be_absent;
        bool may_be_damaged;
    } milestone[JUDGE_MILESTONE_COUNT];
};

extern struct judge judge;
extern const char *const JUDGE_MILESTONE[JUDGE_MILESTONE_COUNT];

void judge_begin(void);

/* Something happened; `value` as enum mark has it. */
void judge_mark(enum mark mark, uint64_t value);

/* Bytes of a file of this name are about to be damaged. */
void judge_damage(const char *name);

/* May the directory be taken for a stranger's? A lock that is damaged in one place is known again, and by the slots. */
bool judge_permits_foreign(void);

/* What is asked of one call. */
struct judged_restore {
    h5ckpt_status status;
    const h5ckpt_store *store;
    const struct program *program;
    struct h5ckpt_restore_options options;
    struct h5ckpt_report report;
    bool beside_writer; /* who may be saving */
    bool system_fails;  /* calls of the system did, or may */
    bool device_fails;  /* … with EIO */
};

/* The number of the state that was given back; 0: none. */
uint64_t judge_restore(const struct judged_restore *restore);

/* What a store finds that nothing disturbs: milestones, the number of intact states, names in the directory. */
void judge_milestones(h5ckpt_store *store);
void judge_intact_count(h5ckpt_store *store);
void judge_names(const struct simfs *fs);

#endif
