/* SPDX-License-Identifier: MIT */
/*
 * run_place: where the program's work stands, as far as the directory's records tell.
 */
#ifndef RUN_PLACE_H
#define RUN_PLACE_H

#include <h5ckpt.h>

#include "run_decide.h"

struct run_place {
    bool known;        /* the rest is; nothing that stays as it is, such as damage, is a reason why it should not be */
    bool held;         /* a writer has the directory */
    bool nothing;      /* there is no checkpoint: none was saved, or it was deleted */
    uint64_t sequence; /* of the newest save whose record can be read; 0: there is none */
    bool restorable;   /* there is a state to go on from; the rest is about it */
    uint64_t restorable_sequence;
    struct h5ckpt_progress progress;
    int64_t saved_wall_ns;
    uint64_t saves_lost; /* newer ones that cannot be given back */
};

struct run_place run_place_now(const char *directory);

/* Was there a checkpoint, and is there none any more? False where that cannot be told. */
bool run_place_was_deleted(const struct run_place *before, const struct run_place *after);

/*
 * Can be told how many saves there were from the one to the other? Not of a life that has deleted its checkpoint. And
 * how many; else 0.
 */
bool run_place_counts_saves(const struct run_place *before, const struct run_place *after, enum run_end end);
uint64_t run_place_save_count(const struct run_place *before, const struct run_place *after);

/*
 * Did the work get on? A newer state of the same place is none: a program that saves when it starts and then fails
 * makes one in each life. One that tells no places (all of them are 0) gets on by saving.
 */
enum run_progress run_place_progress(const struct run_place *before, const struct run_place *after);

#endif
