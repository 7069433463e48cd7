/* SPDX-License-Identifier: MIT */
/*
 * trial: one scenario with one fault. The scenario begins from a directory made before, does what it says with the
 * fault in force, and is judged:
 *
 *   (1) Each call answers as expectation.h says, and its message says why.
 *   (2) A restore that fails leaves memory untouched, or says H5CKPT_E_MEMORY_CHANGED; one that succeeds gives one
 *       state, bit for bit.
 *   (3) What only reads writes nothing. An open that fails leaves the directory as it was, where there was nothing to
 *       tidy up.
 *   (4) A fresh reader restores the state acknowledged last or a newer one: beside the handle, and after power cuts.
 *   (5) With the fault gone the handle is usable: a save succeeds, after a restore where that is the documented
 *       refusal; or the handle did not open, or deletes, and then another one does. The slots then hold as many states
 *       as they should.
 *   (6) A fresh writer does likewise, and the directory then holds nothing but what belongs there. (4) holds again.
 *   (7) No descriptor is left open, used after it was closed, or closed twice.
 */
#ifndef H5CKPT_TEST_CALLS_TRIAL_H
#define H5CKPT_TEST_CALLS_TRIAL_H

#include "calls/expectation.h"
#include "calls/injector.h"
#include "crash/model.h"

#define TRIAL_DIRECTORY "runs/backup" /* neither directory is there at first */
#define TRIAL_MILESTONE "best"
#define TRIAL_STRANGER  "lock-copy" /* may be there, too */

enum { TRIAL_NUMBER_MAX = 60, TRIAL_TEXT_BYTES = 1024 };

struct trial;

enum {
    NOTHING_TO_TIDY = 1, /* of (3) */
    NO_LOCK = 2,         /* nothing says whose the slots are */
    ONLY_READ = 4,       /* by what is tried */
};

struct scenario {
    const char *name;
    /* Runs once, with nothing failing: what there is before. */
    void (*before)(struct trial *trial, unsigned variant);
    /* Runs before each trial, with nothing failing … */
    void (*prepare)(struct trial *trial, unsigned variant);
    /* … then this, with the fault. */
    void (*act)(struct trial *trial, unsigned variant);
    unsigned variant_count;
    unsigned directory; /* bits of what is true of it */
};

struct violations {
    size_t count;
    char first[TRIAL_TEXT_BYTES];
};

/* What is known of the directory: sets of numbers of states, as bits. */
struct known {
    uint64_t permitted; /* what a restore may give … */
    bool none;          /* … or nothing */
    uint64_t milestone; /* what the milestone may be … */
    bool no_milestone;  /* … or not there */
    bool doubt;         /* a state may be called a fall-back */
    enum model_schema schema_of[TRIAL_NUMBER_MAX + 1];
    uint64_t last_number; /* of all that were tried to be saved */
};

/* The directory that `before` leaves; used for all trials of this scenario and variant. */
struct beginning;
struct beginning *trial_begin(const struct scenario *scenario, unsigned variant, struct violations *violations);
void trial_end(struct beginning *beginning);

/* How many calls `act` makes where nothing fails; which ones is the injector's to say until the next trial. */
size_t trial_count_calls(struct beginning *beginning);

/* One trial; `choice` decides what is left to chance, such as what a power cut leaves. */
void trial_run(struct beginning *beginning, const struct fault *fault, uint64_t choice);

/* Has the fault happened in the last trial at all? */
bool trial_struck(void);

/* ----------------------------------------------------- what a scenario may do */

/* Of handles that are opened from now on. */
struct h5ckpt_options *trial_options(struct trial *trial);
void trial_set_schema(struct trial *trial, enum model_schema schema);

/* Each does nothing where the handle is not open. */
void trial_open(struct trial *trial);
void trial_open_reader(struct trial *trial);
void trial_restore(struct trial *trial, const struct h5ckpt_restore_options *options);
void trial_compare(struct trial *trial);
void trial_inspect(struct trial *trial, enum h5ckpt_depth depth);
void trial_list_variables(struct trial *trial);
void trial_list_damage(struct trial *trial); /* of the first slot */
void trial_list_settings(struct trial *trial);
void trial_read_history(struct trial *trial);
void trial_list_milestones(struct trial *trial);
void trial_save(struct trial *trial); /* and waits, where it is in the background */
void trial_begin_save(struct trial *trial);
void trial_fence(struct trial *trial);
void trial_wait(struct trial *trial);
void trial_start_over(struct trial *trial);
void trial_space(struct trial *trial);
void trial_reserve(struct trial *trial);
void trial_keep(struct trial *trial);
void trial_forget(struct trial *trial);
void trial_roll_back(struct trial *trial);
void trial_delete(struct trial *trial);
void trial_close(struct trial *trial);

/* It begins to delete, and is killed when all is decided and nothing removed yet. */
void trial_cut_deletion_short(struct trial *trial);

/* The process is killed. */
void trial_kill(struct trial *trial);

/* From now on every state has a row of history; for which there is room enough, or for two rows at first, then four… */
void trial_log(struct trial *trial);
void trial_log_and_grow(struct trial *trial);

/* From now on restores read past the page cache. */
void trial_past_cache(struct trial *trial);

struct simfs *trial_simfs(struct trial *trial);

/* Damage a file; `fallback` is what a restore gives now. */
void trial_damage(struct trial *trial, const char *name, uint64_t offset, uint64_t fallback);

#endif
