/* SPDX-License-Identifier: MIT */
/*
 * crash: the proof by crash states. A scenario runs the library on the model file system of support/simfs.h and says
 * what it saved; then every state that a crash can leave at any operation of it is made, opened and restored.
 *
 * The oracle, for each state (docs/format.md, promises P1 to P3, P5, P6):
 *
 *   (1) A restore yields the state acknowledged last, or a newer one that had begun, and every byte of it, its history
 *       too; after the program rolled back, also the state that it rolled back to. A state is acknowledged by
 *       H5CKPT_EVENT_DURABLE, without which neither h5ckpt_save() (synchronous) nor h5ckpt_wait() may return H5CKPT_OK.
 *   (2) H5CKPT_NO_CHECKPOINT only if nothing was acknowledged yet, or deletion had begun; the variables are untouched.
 *   (3) H5CKPT_E_LOST only if the scenario itself damaged every state; then, beside the writer that starts over,
 *       H5CKPT_E_OVERTAKEN. No other error.
 *   (4) H5CKPT_FELL_BACK only after a power cut, damage or a failed save: a kill alone harms no state.
 *   (5) Nothing but our files is in the directory, and none of them is a leftover once a writer has opened it.
 *   (6) A reader restores by the same rules, also beside the living writer, and changes nothing.
 *   (7) The number of intact states is what P1 says.
 *   (8) The next save succeeds, and (1) to (7) hold again for crashes during this recovery and save.
 *   (9) The milestone is there and whole, and the one acknowledged last or one that was about to take its place.
 *
 * Where saves go on in the background, threads take turns at random (schedule.h); and of the writes that may be on
 * their way at once, a kill leaves any.
 *
 * (1) to (5) are checked for every state, (6) beside the writer for every kill, (8) for every kill between two system
 * calls; (6) to (8) for a sample of the others. A state is what a reader of the directory can see, with what may be
 * answered; equal ones are tried and counted once per scenario.
 */
#ifndef H5CKPT_TEST_CRASH_H
#define H5CKPT_TEST_CRASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crash/model.h"
#include "crash/seen.h"
#include "crash/states.h"
#include "h5ckpt.h"
#include "support/simfs.h"

#define CRASH_DIRECTORY "runs/backup" /* neither directory is there at first */
#define CRASH_MILESTONE "best"

/* How much is tried of what is too much to be tried whole. */
struct crash_effort {
    struct states_effort states;
    size_t nested_kill_interval; /* of kills between two calls, one in so many is crashed again … */
    size_t nested_interval;      /* … and of all states; 0: none */
    size_t violation_count_max;  /* then no more is tried … */
    size_t lost_count_max;       /* … or then */
};

struct crash_effort crash_effort_default(void);

struct crash_totals {
    size_t state_count;        /* different ones */
    size_t nested_state_count; /* of these, after a second crash */
    size_t violation_count;
    size_t lost_count; /* of these: nothing, or an older state than permitted, was given back */
    char first_violation[1024];
    char first_loss[1024];
};

/* How the scenario's programs save. After each save they overwrite their memory (fenced: after the fence). */
struct crash_way {
    const char *name;
    enum h5ckpt_save_mode mode;
    bool in_flight;        /* they do not wait for a save, but go on with the next one, or end */
    bool no_threads;       /* the system gives none, so that every save is synchronous */
    bool promises;         /* they say truthfully what has not changed: h5ckpt_unchanged() */
    uint64_t memory_bytes; /* of copies on their way */
};

/* A running scenario. */
struct crash;

/* Run it once and try every crash. Adds to `totals`; states already tried under `seen` are not tried again. */
typedef void crash_scenario(struct crash *crash, unsigned variant);
void crash_explore(const char *name, crash_scenario *scenario, unsigned variant, const struct crash_way *way,
                   const struct crash_effort *effort, unsigned lies, const char *lie_prefix, struct seen *seen,
                   struct crash_totals *totals);

/* ------------------------------------------------- what a scenario may do */

/* A process begins and opens the directory. This and what follows must succeed: a failure is a violation, and the
 * scenario does nothing more. */
void crash_begin(struct crash *crash, unsigned slots, enum model_schema schema);

/* As that, but may fail; then what follows does nothing until the process is killed. */
void crash_try_begin(struct crash *crash, unsigned slots, enum model_schema schema);

/* From now on restores read every slot past the page cache, as they otherwise do large ones only. */
void crash_restore_past_cache(void);

/* It restores, with this answer. Returns the state's number; 0: there is none. */
uint64_t crash_restore(struct crash *crash, h5ckpt_status expected, const struct h5ckpt_restore_options *options);

/* As that, where the state may be any that is permitted, by falling back or not, or none. */
uint64_t crash_restore_whatever(struct crash *crash);

/* It restores the previous state on purpose. */
uint64_t crash_roll_back(struct crash *crash);

/* It leaves behind what is there. */
void crash_start_over(struct crash *crash);

/* It makes the slots beforehand, which acknowledges nothing; or tries to. */
void crash_reserve(struct crash *crash);
void crash_try_reserve(struct crash *crash);

/* It saves the next state; the one before may still be in flight. */
void crash_save(struct crash *crash);

/* As that, but may fail, and so may the one before. */
void crash_try_save(struct crash *crash);

/* As that, but in mode fenced the memory changes without a fence: the save is never to be taken for a state. */
void crash_save_and_forget_fence(struct crash *crash);

/* From now on it logs a row with each state; and the disk may be too full for all of them. */
void crash_log(struct crash *crash);
void crash_log_on_full_disk(struct crash *crash);

/* From the next crash_begin() on, a save while one is in flight is skipped. */
void crash_skip_if_busy(struct crash *crash);

/* It waits for the save in flight, which may have failed. */
void crash_wait(struct crash *crash);

/* It deletes the checkpoint. */
void crash_delete(struct crash *crash);

/*
 * It keeps the state last saved, perhaps still in flight, or restored; it removes the milestone; it makes it the newest
 * state.
 */
void crash_keep(struct crash *crash);
void crash_forget(struct crash *crash);
void crash_go_back(struct crash *crash);

/* As these, but may fail. */
void crash_try_keep(struct crash *crash);
void crash_try_forget(struct crash *crash);
void crash_try_go_back(struct crash *crash);

/* It closes the store and ends; or it is killed, when no save is in flight, or whatever is. */
void crash_end(struct crash *crash);
void crash_kill(struct crash *crash);
void crash_kill_in_flight(struct crash *crash);

/*
 * How a process trains by the callback's hooks, in epochs of MODEL_EPOCH_BATCHES batches; state i is that after i
 * batches in all.
 */
struct crash_training {
    unsigned slots; /* 1, 2 */
    enum model_schema schema;
    int64_t save_freq;    /* also H5CKPT_NEVER: by itself it saves nothing */
    uint64_t batch_count; /* in all: then the job is taken away, or training has finished */
    bool finishes;
    bool in_validation; /* of the epoch that these batches end */
    bool killed;        /* as soon as it is told to stop */
};

/* It restores, trains, and ends. */
void crash_train(struct crash *crash, const struct crash_training *training);

/* The file system, for faults. */
struct simfs *crash_simfs(struct crash *crash);

/*
 * The file's name, "runs/backup/slot-a.h5", that holds the newest (0) or an older (1, 2) state; NULL if there is none.
 */
const char *crash_slot_path(struct crash *crash, unsigned older);

/* Damage bytes of a file; `fallback` is the state that a restore gives back now, 0 if none is left. */
void crash_damage(struct crash *crash, const char *path, uint64_t offset, size_t byte_count, uint64_t fallback);

/* Someone removes all slots, durably. */
void crash_remove_all_slots(struct crash *crash);

/* The number of the state saved last. */
uint64_t crash_last_saved(const struct crash *crash);

#endif
