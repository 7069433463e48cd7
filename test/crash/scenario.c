/* SPDX-License-Identifier: MIT */
#include "crash/scenario.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The calls that the scenarios make fail in turn. */
static const enum simfs_call FALLIBLE[] = {SIMFS_CALL_WRITE,    SIMFS_CALL_FLUSH, SIMFS_CALL_RENAME, SIMFS_CALL_REMOVE,
                                           SIMFS_CALL_ALLOCATE, SIMFS_CALL_LINK,  SIMFS_CALL_OPEN};

static void save_times(struct crash *crash, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        crash_save(crash);
}

/* One process: opens, saves, closes. */
static void run_first_process(struct crash *crash, unsigned slots, unsigned save_count)
{
    crash_begin(crash, slots, MODEL_SMALL);
    crash_restore(crash, H5CKPT_NO_CHECKPOINT, NULL);
    save_times(crash, save_count);
    crash_end(crash);
}

/* A later one, that finds a state. */
static void begin_and_restore(struct crash *crash, unsigned slots)
{
    crash_begin(crash, slots, MODEL_SMALL);
    crash_restore(crash, H5CKPT_OK, NULL);
}

static void run_later_process(struct crash *crash, unsigned slots, unsigned save_count)
{
    begin_and_restore(crash, slots);
    save_times(crash, save_count);
    crash_end(crash);
}

/* ------------------------------------------------------------------- saving */

static void first_saves(struct crash *crash, unsigned variant)
{
    run_first_process(crash, variant + 1, 5);
}

/* Slots made beforehand; by a process that is killed before it saves, too. */
static void reserved_slots(struct crash *crash, unsigned variant)
{
    const unsigned slots = 1 + variant % 3;

    crash_begin(crash, slots, MODEL_SMALL);
    crash_reserve(crash);
    if (variant >= 3) {
        crash_kill(crash);
        crash_begin(crash, slots, MODEL_SMALL);
        crash_restore(crash, H5CKPT_NO_CHECKPOINT, NULL);
        crash_reserve(crash);
    }
    save_times(crash, 4);
    crash_end(crash);
    run_later_process(crash, slots, 2);
}

static void a_process_that_saves_nothing(struct crash *crash, unsigned variant)
{
    run_first_process(crash, variant + 1, 0);
    run_first_process(crash, variant + 1, 1);
    run_later_process(crash, variant + 1, 0);
}

static void restarts_after_kills(struct crash *crash, unsigned variant)
{
    const unsigned slots = variant + 1;

    crash_begin(crash, slots, MODEL_SMALL);
    save_times(crash, 1);
    crash_kill(crash);
    for (unsigned process = 0; process < 3; process++) {
        begin_and_restore(crash, slots);
        save_times(crash, process);
        crash_kill(crash);
    }
    run_later_process(crash, slots, 1);
}

static void restarts_past_the_cache(struct crash *crash, unsigned variant)
{
    crash_restore_past_cache();
    if (variant >= 3)
        simfs_set_direct(crash_simfs(crash), SIMFS_DIRECT_READS_ONLY);
    restarts_after_kills(crash, variant % 3);
}

static void written_through_the_page_cache(struct crash *crash, unsigned variant)
{
    simfs_set_direct(crash_simfs(crash), SIMFS_DIRECT_READS_ONLY);
    restarts_after_kills(crash, variant);
}

static void no_direct_io(struct crash *crash, unsigned variant)
{
    simfs_set_direct(crash_simfs(crash), SIMFS_DIRECT_NO);
    run_first_process(crash, variant + 1, 2);
    run_later_process(crash, variant + 1, 2);
    run_later_process(crash, variant + 1, 1);
}

static void several_blocks(struct crash *crash, unsigned variant)
{
    crash_begin(crash, variant + 1, MODEL_BIG);
    save_times(crash, 4);
    crash_kill(crash);
    crash_begin(crash, variant + 1, MODEL_BIG);
    crash_restore(crash, H5CKPT_OK, NULL);
    save_times(crash, 3);
    crash_end(crash);
}

/* Blocks are left out where the slot has them already; they change, and change back. */
static void blocks_that_stay(struct crash *crash, unsigned variant)
{
    crash_begin(crash, variant + 1, MODEL_DRIFTING);
    save_times(crash, 8);
    crash_kill(crash);
    crash_begin(crash, variant + 1, MODEL_DRIFTING);
    crash_restore(crash, H5CKPT_OK, NULL);
    save_times(crash, 5);
    crash_end(crash);
}

static enum model_schema schema_by(unsigned variant)
{
    return (enum model_schema[]){MODEL_SMALL, MODEL_DRIFTING, MODEL_BIG}[variant % 3];
}

/* Killed while a save is on its way, again and again. */
static void kills_in_flight(struct crash *crash, unsigned variant)
{
    const enum model_schema schema = schema_by(variant);
    const unsigned slots = 1 + variant / 3 % 3;

    crash_begin(crash, slots, schema);
    save_times(crash, 3);
    crash_wait(crash);
    for (unsigned process = 0; process < 4; process++) {
        crash_try_save(crash);
        crash_kill_in_flight(crash);
        crash_begin(crash, slots, schema);
        crash_restore(crash, H5CKPT_OK, NULL);
        save_times(crash, process);
        crash_wait(crash);
    }
    crash_end(crash);
}

/* Of what is skipped, nothing is on disk that a later promise could be about. */
static void skipped_saves(struct crash *crash, unsigned variant)
{
    crash_skip_if_busy(crash);
    crash_begin(crash, 1 + variant % 3, MODEL_DRIFTING);
    save_times(crash, 10);
    crash_wait(crash);
    save_times(crash, 6);
    crash_end(crash);
}

/* A save that failed before it touched anything; promises are about it, not about what is on disk. */
static void refused_saves(struct crash *crash, unsigned variant)
{
    crash_begin(crash, 1 + variant % 3, MODEL_DRIFTING);
    save_times(crash, 4);
    for (unsigned i = 0; i < 4; i++) {
        model_set_device(MODEL_DEVICE_FAILS);
        for (unsigned refused = 0; refused <= i % 2; refused++)
            crash_try_save(crash);
        model_set_device(MODEL_DEVICE_WORKS);
        save_times(crash, 2);
    }
    crash_end(crash);
}

/* The memory changed while a save may have been reading it. */
static void forgotten_fences(struct crash *crash, unsigned variant)
{
    const enum model_schema schema = schema_by(variant);
    const unsigned slots = 1 + variant / 3 % 3;

    crash_begin(crash, slots, schema);
    crash_save_and_forget_fence(crash);
    save_times(crash, 3);
    crash_wait(crash);
    crash_save_and_forget_fence(crash);
    crash_save_and_forget_fence(crash);
    save_times(crash, 2);
    crash_save_and_forget_fence(crash);
    crash_kill_in_flight(crash);
    crash_begin(crash, slots, schema);
    crash_restore(crash, H5CKPT_OK, NULL);
    save_times(crash, 1);
    crash_end(crash);
}

/* The program goes back to the state before, saves, and does that again: the slots' blocks are of several branches. */
static void rollback_of_blocks(struct crash *crash, unsigned variant)
{
    crash_begin(crash, 2 + variant, MODEL_DRIFTING);
    save_times(crash, 4);
    for (unsigned branch = 0; branch < 3; branch++) {
        crash_roll_back(crash);
        save_times(crash, 1 + branch);
    }
    crash_end(crash);
}

/* The base is a state that an earlier process saved, and what this one has saved since is to be replaced. */
static void rollback_to_a_state_of_another_process(struct crash *crash, unsigned variant)
{
    const unsigned slots = 2 + variant % 2;

    simfs_set_direct(crash_simfs(crash), (enum simfs_direct)(variant / 2));
    crash_begin(crash, slots, MODEL_DRIFTING);
    save_times(crash, 5);
    crash_kill(crash);
    crash_begin(crash, slots, MODEL_DRIFTING);
    crash_restore(crash, H5CKPT_OK, NULL);
    save_times(crash, 1);
    crash_roll_back(crash);
    save_times(crash, 3);
    crash_roll_back(crash);
    save_times(crash, 2);
    crash_end(crash);
}

/*
 * The job is taken away, again and again: within an epoch, after its last batch, in the validation behind it; and what
 * has been told to stop may be killed before it has ended. Then it finishes.
 */
static void preemptions(struct crash *crash, unsigned variant)
{
    struct crash_training training = {
        .slots = 1 + variant % 2,
        .schema = variant / 2 % 2 == 0 ? MODEL_SMALL : MODEL_DRIFTING,
        .save_freq = variant / 4 % 2 == 0 ? H5CKPT_NEVER : 3,
    };
    static const unsigned char BATCHES[] = {2, 5, 10, 10, 13};

    for (size_t i = 0; i < COUNT(BATCHES); i++) {
        training.batch_count = BATCHES[i];
        training.in_validation = i == 3;
        training.killed = i % 2 == variant / 8 % 2;
        crash_train(crash, &training);
    }
    training = (struct crash_training){.slots = training.slots,
                                       .schema = training.schema,
                                       .save_freq = training.save_freq,
                                       .batch_count = 20,
                                       .finishes = true};
    crash_train(crash, &training);
}

/* -------------------------------------------------------------- damage and choice */

enum { PLACE_RECORD = 40, PLACE_STATE = 5000, PLACE_COUNT = 2 };

static void fallback_then_save(struct crash *crash, unsigned variant)
{
    static const uint64_t place[PLACE_COUNT] = {PLACE_RECORD, PLACE_STATE};
    const unsigned slots = 2 + variant / PLACE_COUNT;

    run_first_process(crash, slots, 4);
    crash_begin(crash, slots, MODEL_SMALL);
    crash_damage(crash, crash_slot_path(crash, 0), place[variant % PLACE_COUNT], 1, crash_last_saved(crash) - 1);
    crash_kill(crash);
    crash_begin(crash, slots, MODEL_SMALL);
    crash_restore(crash, H5CKPT_FELL_BACK, NULL);
    save_times(crash, 2);
    crash_end(crash);
    run_later_process(crash, slots, 1);
}

static void all_damaged_then_start_over(struct crash *crash, unsigned variant)
{
    const unsigned slots = 2 + variant;

    run_first_process(crash, slots, slots + 1);
    crash_begin(crash, slots, MODEL_SMALL);
    for (unsigned older = 0; older < slots; older++)
        crash_damage(crash, crash_slot_path(crash, older), PLACE_STATE, 1,
                     older + 1 == slots ? 0 : crash_last_saved(crash) - 1 - older);
    crash_kill(crash);
    crash_begin(crash, slots, MODEL_SMALL);
    crash_restore(crash, H5CKPT_E_LOST, NULL);
    crash_start_over(crash);
    save_times(crash, 2);
    crash_end(crash);
    run_later_process(crash, slots, 1);
}

static void all_removed_then_start_over(struct crash *crash, unsigned variant)
{
    const unsigned slots = 1 + variant;

    run_first_process(crash, slots, slots + 1);
    crash_remove_all_slots(crash);
    crash_begin(crash, slots, MODEL_SMALL);
    crash_restore(crash, H5CKPT_E_LOST, NULL);
    crash_start_over(crash);
    save_times(crash, 2);
    crash_end(crash);
    run_later_process(crash, slots, 1);
}

/* What is damaged is not the newest: nothing is lost, and the next save must not count it as a state. */
static void older_damaged_then_save(struct crash *crash, unsigned variant)
{
    const unsigned slots = variant == 0 ? 2 : 3;
    const unsigned older = variant == 2 ? 2 : 1;

    run_first_process(crash, slots, slots + 1);
    crash_begin(crash, slots, MODEL_SMALL);
    crash_damage(crash, crash_slot_path(crash, older), PLACE_STATE, 1, crash_last_saved(crash));
    crash_kill(crash);
    begin_and_restore(crash, slots);
    save_times(crash, 2);
    crash_kill(crash);
    run_later_process(crash, slots, 1);
}

static void rollback_then_save(struct crash *crash, unsigned variant)
{
    const unsigned slots = 2 + variant % 2;

    crash_begin(crash, slots, MODEL_SMALL);
    save_times(crash, 4);
    if (variant >= 2) { /* by another process */
        crash_kill(crash);
        crash_begin(crash, slots, MODEL_SMALL);
    }
    crash_roll_back(crash);
    save_times(crash, 3);
    crash_roll_back(crash);
    crash_kill(crash);
    begin_and_restore(crash, slots);
    save_times(crash, 1);
    crash_end(crash);
}

static void start_over_and_save(struct crash *crash, unsigned variant)
{
    run_first_process(crash, variant + 1, 3);
    crash_begin(crash, variant + 1, MODEL_SMALL);
    crash_start_over(crash);
    save_times(crash, 3);
    crash_kill(crash);
    run_later_process(crash, variant + 1, 1);
}

/* ------------------------------------------------------------------- milestones */

static void keep_and_save(struct crash *crash, unsigned variant)
{
    const unsigned slots = 1 + variant;

    crash_begin(crash, slots, MODEL_SMALL);
    save_times(crash, 2);
    crash_keep(crash);
    save_times(crash, 2);
    crash_keep(crash);
    crash_keep(crash);
    crash_save(crash);
    crash_keep(crash);
    crash_kill(crash);
    begin_and_restore(crash, slots);
    save_times(crash, 2);
    crash_kill(crash);
    begin_and_restore(crash, slots);
    crash_keep(crash);
    save_times(crash, 2);
    crash_forget(crash);
    save_times(crash, 2);
    crash_end(crash);
}

static const struct simfs_fault NO_LINKS = {
    .call = SIMFS_CALL_LINK, .name_prefix = "milestone", .fail_count = UINT_MAX, .error = EPERM};

static void keep_without_links(struct crash *crash, unsigned variant)
{
    simfs_set_fault(crash_simfs(crash), &NO_LINKS);
    keep_and_save(crash, variant);
}

/* A restored state cannot be told to be durable then. */
static void keep_without_direct_io(struct crash *crash, unsigned variant)
{
    simfs_set_direct(crash_simfs(crash), SIMFS_DIRECT_NO);
    keep_and_save(crash, variant);
}

static void keep_among_blocks(struct crash *crash, unsigned variant)
{
    crash_begin(crash, 1 + variant, MODEL_DRIFTING);
    save_times(crash, 3);
    crash_keep(crash);
    save_times(crash, 3);
    crash_keep(crash);
    crash_save(crash);
    crash_go_back(crash);
    crash_kill(crash);
    crash_begin(crash, 1 + variant, MODEL_DRIFTING);
    crash_restore(crash, H5CKPT_OK, NULL);
    save_times(crash, 2);
    crash_end(crash);
}

static void deletion_beside_a_milestone(struct crash *crash, unsigned variant)
{
    const unsigned slots = 1 + variant % 3;

    crash_begin(crash, slots, MODEL_SMALL);
    save_times(crash, 3);
    crash_keep(crash);
    crash_save(crash);
    crash_delete(crash);
    crash_end(crash);
    run_first_process(crash, slots, variant < 3 ? 2 : 0);
    crash_begin(crash, slots, MODEL_SMALL);
    crash_go_back(crash);
    crash_restore(crash, H5CKPT_OK, NULL);
    save_times(crash, 2);
    crash_end(crash);
}

static void back_to_the_milestone(struct crash *crash, unsigned variant)
{
    const unsigned slots = 1 + variant % 3;

    crash_begin(crash, slots, MODEL_SMALL);
    save_times(crash, 2);
    crash_keep(crash);
    save_times(crash, 3);
    if (variant >= 3) { /* by another process */
        crash_kill(crash);
        crash_begin(crash, slots, MODEL_SMALL);
    }
    crash_go_back(crash);
    crash_restore(crash, H5CKPT_OK, NULL);
    save_times(crash, 3);
    crash_go_back(crash);
    crash_kill(crash);
    begin_and_restore(crash, slots);
    save_times(crash, 2);
    crash_end(crash);
}

static void all_lost_then_back_to_the_milestone(struct crash *crash, unsigned variant)
{
    const unsigned slots = 1 + variant % 3;

    crash_begin(crash, slots, MODEL_SMALL);
    crash_save(crash);
    crash_keep(crash);
    save_times(crash, slots + 1);
    crash_end(crash);
    crash_remove_all_slots(crash);
    crash_begin(crash, slots, MODEL_SMALL);
    crash_restore(crash, H5CKPT_E_LOST, NULL);
    crash_go_back(crash);
    crash_restore(crash, H5CKPT_OK, NULL);
    save_times(crash, 2);
    crash_kill(crash);
    run_later_process(crash, slots, 1);
}

/* What the next process restores and keeps may be in the page cache only. */
static void failed_flush_then_keep(struct crash *crash, unsigned variant)
{
    const unsigned slots = 1 + variant / 3 % 3;
    const struct simfs_fault fault = {
        .call = SIMFS_CALL_FLUSH, .name_prefix = "slot-", .fail_count = 1, .error = EIO, .survivors = variant % 3};

    simfs_set_direct(crash_simfs(crash), variant < 9 ? SIMFS_DIRECT_YES : SIMFS_DIRECT_READS_ONLY);
    crash_begin(crash, slots, MODEL_SMALL);
    save_times(crash, 3);
    simfs_set_fault(crash_simfs(crash), &fault);
    crash_try_save(crash);
    crash_kill(crash);
    simfs_set_fault(crash_simfs(crash), NULL);
    crash_begin(crash, slots, MODEL_SMALL);
    crash_restore_whatever(crash);
    crash_keep(crash);
    save_times(crash, 2);
    crash_kill(crash);
    run_later_process(crash, slots, 1);
}

/*
 * A call of a kind fails while a state is kept, gone back to, or forgotten; then the program goes on, or another does.
 */
static void one_call_fails_about_milestones(struct crash *crash, unsigned variant)
{
    const struct simfs_fault fault = {.call = FALLIBLE[variant % COUNT(FALLIBLE)],
                                      .skip_count = variant / COUNT(FALLIBLE) / 2,
                                      .fail_count = 1,
                                      .error = EIO,
                                      .survivors = SIMFS_SURVIVE_SOME};
    const bool killed = variant / COUNT(FALLIBLE) % 2;

    crash_begin(crash, 2, MODEL_SMALL);
    save_times(crash, 2);
    crash_keep(crash);
    save_times(crash, 3);
    crash_wait(crash);
    simfs_set_fault(crash_simfs(crash), &fault);
    crash_try_keep(crash);
    crash_try_save(crash);
    crash_try_go_back(crash);
    crash_restore_whatever(crash);
    crash_try_save(crash);
    crash_try_forget(crash);
    crash_try_save(crash);
    simfs_set_fault(crash_simfs(crash), NULL);
    if (killed) {
        crash_kill(crash);
        crash_begin(crash, 2, MODEL_SMALL);
    }
    crash_restore_whatever(crash);
    save_times(crash, 2);
    crash_end(crash);
}

/* ----------------------------------------------------------------- other shapes */

static void schema_change(struct crash *crash, unsigned variant)
{
    struct h5ckpt_restore_options common = h5ckpt_restore_options_default();
    const unsigned slots = variant + 1;

    common.match = H5CKPT_INTERSECTION;
    run_first_process(crash, slots, 3);
    crash_begin(crash, slots, MODEL_EXTENDED);
    crash_restore(crash, H5CKPT_OK, &common);
    save_times(crash, 4);
    crash_kill(crash);
    crash_begin(crash, slots, MODEL_EXTENDED);
    crash_restore(crash, H5CKPT_OK, NULL);
    save_times(crash, 1);
    crash_end(crash);
}

/* Room for two rows, then four, eight; and another log comes with the fourth. */
static void history_grows(struct crash *crash, unsigned variant)
{
    const unsigned slots = 1 + variant % 3;
    const enum model_schema schema = variant / 3 == 0 ? MODEL_SMALL : MODEL_DRIFTING;

    crash_log(crash);
    crash_begin(crash, slots, schema);
    crash_restore(crash, H5CKPT_NO_CHECKPOINT, NULL);
    save_times(crash, 6);
    crash_kill(crash);
    crash_begin(crash, slots, schema);
    crash_restore(crash, H5CKPT_OK, NULL);
    save_times(crash, 4);
    if (slots > 1) {
        crash_roll_back(crash);
        save_times(crash, 2);
    }
    crash_end(crash);
}

/* The disk is full when it is to grow, or when the second slot is; and has room again later. */
static void history_finds_no_room(struct crash *crash, unsigned variant)
{
    const unsigned slots = 2 + variant % 2;
    const struct simfs_fault fault = {.call = SIMFS_CALL_ALLOCATE,
                                      .name_prefix = "slot-",
                                      .skip_count = slots + variant / 2,
                                      .fail_count = variant / 2 == 2 ? 1 : 100,
                                      .error = ENOSPC};

    crash_log_on_full_disk(crash);
    simfs_set_fault(crash_simfs(crash), &fault);
    crash_begin(crash, slots, MODEL_SMALL);
    crash_restore(crash, H5CKPT_NO_CHECKPOINT, NULL);
    save_times(crash, 6);
    crash_kill(crash);
    begin_and_restore(crash, slots);
    save_times(crash, 2);
    simfs_set_fault(crash_simfs(crash), NULL);
    save_times(crash, 4);
    crash_end(crash);
}

static void other_number_of_slots(struct crash *crash, unsigned variant)
{
    static const unsigned char change[][2] = {{1, 2}, {2, 1}, {2, 3}, {3, 2}, {1, 3}, {3, 1}};

    run_first_process(crash, change[variant][0], 4);
    begin_and_restore(crash, change[variant][1]);
    save_times(crash, 3);
    crash_kill(crash);
    run_later_process(crash, change[variant][0], 2);
}

static void deletion_and_a_new_run(struct crash *crash, unsigned variant)
{
    crash_begin(crash, variant + 1, MODEL_SMALL);
    save_times(crash, 3);
    crash_delete(crash);
    crash_end(crash);
    run_first_process(crash, variant + 1, 2);
    begin_and_restore(crash, variant + 1);
    crash_delete(crash);
    crash_end(crash);
}

/* ------------------------------------------------------------------ failing calls */

/*
 * A flush of a slot fails, and the device has none, some or all of the bytes; the process is killed, the next one finds
 * everything in the cache, and its flushes succeed. Without rule (b) it would overwrite the only durable state.
 */
static void failed_flush_then_restart(struct crash *crash, unsigned variant)
{
    const unsigned slots = 1 + variant / 3 % 3;
    const unsigned evicted = variant / 9 % 3; /* 0: not; 1: before, 2: after the restore */
    const bool through_cache = variant / 27;
    struct simfs_fault fault = {
        .call = SIMFS_CALL_FLUSH, .name_prefix = "slot-", .fail_count = 1, .error = EIO, .survivors = variant % 3};

    simfs_set_direct(crash_simfs(crash), through_cache ? SIMFS_DIRECT_READS_ONLY : SIMFS_DIRECT_YES);
    crash_begin(crash, slots, MODEL_SMALL);
    save_times(crash, 3);
    simfs_set_fault(crash_simfs(crash), &fault);
    crash_try_save(crash);
    crash_kill(crash);
    simfs_set_fault(crash_simfs(crash), NULL);
    if (evicted == 1)
        simfs_evict(crash_simfs(crash), SIMFS_SURVIVE_NONE);
    crash_begin(crash, slots, MODEL_SMALL);
    crash_restore_whatever(crash);
    if (evicted == 2)
        simfs_evict(crash_simfs(crash), SIMFS_SURVIVE_SOME);
    save_times(crash, 3);
    crash_kill(crash);
    run_later_process(crash, slots, 1);
}

/* The same, but that it is the restore that flushes and reads the device, and the save relies on it. */
static void failed_flush_then_restart_past_the_cache(struct crash *crash, unsigned variant)
{
    crash_restore_past_cache();
    failed_flush_then_restart(crash, variant);
}

static void failed_flush_then_save(struct crash *crash, unsigned variant)
{
    const unsigned slots = 1 + variant / 3 % 3;
    struct simfs_fault fault = {
        .call = SIMFS_CALL_FLUSH, .name_prefix = "slot-", .fail_count = 1, .error = EIO, .survivors = variant % 3};

    crash_begin(crash, slots, MODEL_SMALL);
    save_times(crash, 3);
    simfs_set_fault(crash_simfs(crash), &fault);
    crash_try_save(crash);
    save_times(crash, 3);
    crash_end(crash);
    run_later_process(crash, slots, 1);
}

static void disk_full_in_a_save(struct crash *crash, unsigned variant)
{
    const unsigned slots = 1 + variant % 3;
    struct simfs_fault fault = {.call = variant / 3 % 2 == 0 ? SIMFS_CALL_WRITE : SIMFS_CALL_ALLOCATE,
                                .name_prefix = "slot-",
                                .skip_count = variant / 6,
                                .fail_count = 1,
                                .error = ENOSPC,
                                .bytes_done = 1536};

    crash_begin(crash, slots, MODEL_SMALL);
    save_times(crash, 2);
    crash_kill(crash);
    begin_and_restore(crash, slots);
    simfs_set_fault(crash_simfs(crash), &fault);
    crash_try_save(crash);
    crash_try_save(crash);
    simfs_set_fault(crash_simfs(crash), NULL);
    save_times(crash, 1);
    crash_kill(crash);
    run_later_process(crash, slots, 1);
}

static void save_with_a_fault(struct crash *crash, const struct simfs_fault *fault)
{
    crash_begin(crash, 2, MODEL_DRIFTING);
    save_times(crash, 4);
    crash_wait(crash);
    simfs_set_fault(crash_simfs(crash), fault);
    for (unsigned i = 0; i < 4; i++)
        crash_try_save(crash);
    simfs_set_fault(crash_simfs(crash), NULL);
    save_times(crash, 4);
    crash_end(crash);
}

/*
 * What one failed save did or did not write, the next ones must neither leave out nor take for there. A call of a kind
 * fails once, or until someone has waited for a failure.
 */
static void one_call_fails_among_blocks(struct crash *crash, unsigned variant)
{
    static const enum simfs_call call[] = {SIMFS_CALL_WRITE, SIMFS_CALL_FLUSH, SIMFS_CALL_RENAME, SIMFS_CALL_ALLOCATE};
    struct simfs_fault fault = {.call = call[variant % COUNT(call)],
                                .name_prefix = "slot-",
                                .skip_count = variant / COUNT(call) % 6,
                                .fail_count = 1 + variant / COUNT(call) / 6,
                                .error = variant % 2 == 0 ? ENOSPC : EIO,
                                .bytes_done = 70000,
                                .survivors = SIMFS_SURVIVE_SOME};

    save_with_a_fault(crash, &fault);
}

/* There is no child, or it is killed at one of its writes. */
static void a_child_fails(struct crash *crash, unsigned variant)
{
    const struct simfs_fault fault = {.call = variant % 2 == 0 ? SIMFS_CALL_CHILD_WRITE : SIMFS_CALL_RUN_CHILD,
                                      .skip_count = variant / 2 % 4,
                                      .fail_count = 1 + variant / 8,
                                      .error = EAGAIN};

    save_with_a_fault(crash, &fault);
}

/* Each call of a kind fails in turn; a failed process goes on, and then another does. */
static void one_call_fails(struct crash *crash, unsigned variant)
{
    struct simfs_fault fault = {.call = FALLIBLE[variant % COUNT(FALLIBLE)],
                                .skip_count = variant / COUNT(FALLIBLE),
                                .fail_count = 1,
                                .error = EIO,
                                .survivors = SIMFS_SURVIVE_SOME};

    simfs_set_fault(crash_simfs(crash), &fault);
    crash_try_begin(crash, 2, MODEL_SMALL);
    for (unsigned i = 0; i < 3; i++)
        crash_try_save(crash);
    crash_kill(crash);
    crash_try_begin(crash, 2, MODEL_SMALL);
    crash_restore_whatever(crash);
    for (unsigned i = 0; i < 2; i++)
        crash_try_save(crash);
    simfs_set_fault(crash_simfs(crash), NULL);
    crash_kill(crash);
    crash_begin(crash, 2, MODEL_SMALL);
    crash_restore_whatever(crash);
    save_times(crash, 1);
    crash_end(crash);
}

/* Each call of a kind fails in turn, or all of them from it on, while slots are made beforehand: what stays of them? */
static void reserving_fails(struct crash *crash, unsigned variant)
{
    const unsigned at = variant / COUNT(FALLIBLE);
    struct simfs_fault fault = {.call = FALLIBLE[variant % COUNT(FALLIBLE)],
                                .skip_count = at % 4,
                                .fail_count = at < 4 ? 1 : UINT_MAX,
                                .error = EIO,
                                .survivors = SIMFS_SURVIVE_SOME};

    crash_begin(crash, 2, MODEL_SMALL);
    simfs_set_fault(crash_simfs(crash), &fault);
    crash_try_reserve(crash);
    simfs_set_fault(crash_simfs(crash), NULL);
    save_times(crash, 3);
    crash_end(crash);
    run_later_process(crash, 2, 1);
}

static void one_call_fails_past_the_cache(struct crash *crash, unsigned variant)
{
    crash_restore_past_cache();
    one_call_fails(crash, variant);
}

/* ------------------------------------------------------------------------ list */

enum way {
    WAY_SYNCHRONOUS,
    WAY_STAGED,
    WAY_FENCED,
    WAY_FORKED,
    WAY_SYNCHRONOUS_PROMISES,
    WAY_STAGED_SHORT,
    WAY_FENCED_SHORT,
    WAY_FORKED_WAITING,
    WAY_FENCED_ALONE,
    SHORT_OF_MEMORY = 1 << 20, /* one chunk */
};

enum ways {
    IN_FLIGHT = 1 << WAY_STAGED | 1 << WAY_FENCED | 1 << WAY_FORKED,
    FENCED = 1 << WAY_FENCED | 1 << WAY_FENCED_SHORT,
    FORKED = 1 << WAY_FORKED | 1 << WAY_FORKED_WAITING,
};

const struct crash_way WAYS[] = {
    [WAY_SYNCHRONOUS] = {"synchronous", H5CKPT_SAVE_SYNCHRONOUS, .memory_bytes = UINT64_MAX},
    [WAY_STAGED] = {"staged, in flight", H5CKPT_SAVE_STAGED, .in_flight = true, .promises = true,
                    .memory_bytes = UINT64_MAX},
    [WAY_FENCED] = {"fenced, in flight", H5CKPT_SAVE_FENCED, .in_flight = true, .promises = true,
                    .memory_bytes = UINT64_MAX},
    [WAY_FORKED] = {"forked, in flight", H5CKPT_SAVE_FORKED, .in_flight = true, .promises = true,
                    .memory_bytes = UINT64_MAX},
    [WAY_SYNCHRONOUS_PROMISES] = {"synchronous, promises", H5CKPT_SAVE_SYNCHRONOUS, .promises = true,
                                  .memory_bytes = UINT64_MAX},
    [WAY_STAGED_SHORT] = {"staged, little memory", H5CKPT_SAVE_STAGED, .memory_bytes = SHORT_OF_MEMORY},
    [WAY_FENCED_SHORT] = {"fenced, no memory", H5CKPT_SAVE_FENCED, .memory_bytes = 0},
    [WAY_FORKED_WAITING] = {"forked", H5CKPT_SAVE_FORKED, .memory_bytes = UINT64_MAX},
    [WAY_FENCED_ALONE] = {"fenced, no threads", H5CKPT_SAVE_FENCED, .in_flight = true, .no_threads = true,
                          .promises = true, .memory_bytes = UINT64_MAX},
};

const size_t WAY_COUNT = COUNT(WAYS);

const struct scenario SCENARIOS[] = {
    {"first saves", first_saves, 3, SCENARIO_SMALL, 0},
    {"reserved slots", reserved_slots, 6, SCENARIO_SMALL, 0},
    {"a process that saves nothing", a_process_that_saves_nothing, 3, SCENARIO_SMALL, 0},
    {"restarts after kills", restarts_after_kills, 3, SCENARIO_SMALL, 0},
    {"restarts, restores past the cache", restarts_past_the_cache, 6, SCENARIO_SMALL, 0},
    {"written through the page cache", written_through_the_page_cache, 3, SCENARIO_SMALL, 0},
    {"no direct input and output", no_direct_io, 3, SCENARIO_SMALL, 0},
    {"several blocks", several_blocks, 3, SCENARIO_BIG, 0},
    {"blocks that stay", blocks_that_stay, 3, SCENARIO_BIG, 0},
    {"kills in flight", kills_in_flight, 9, SCENARIO_BIG, 0},
    {"skipped saves", skipped_saves, 6, SCENARIO_BIG, IN_FLIGHT},
    {"refused saves", refused_saves, 9, SCENARIO_BIG, 0},
    {"forgotten fences", forgotten_fences, 9, SCENARIO_BIG, FENCED},
    {"rollback of blocks", rollback_of_blocks, 2, SCENARIO_BIG, 0},
    {"rollback to a state of another process", rollback_to_a_state_of_another_process, 6, SCENARIO_BIG, 0},
    {"preemptions", preemptions, 16, SCENARIO_BIG, 0},
    {"fallback, then save", fallback_then_save, 2 * PLACE_COUNT, SCENARIO_SMALL, 0},
    {"all damaged, then start over", all_damaged_then_start_over, 2, SCENARIO_SMALL, 0},
    {"all removed, then start over", all_removed_then_start_over, 3, SCENARIO_SMALL, 0},
    {"an older state damaged, then save", older_damaged_then_save, 3, SCENARIO_SMALL, 0},
    {"rollback, then save", rollback_then_save, 4, SCENARIO_SMALL, 0},
    {"start over and save", start_over_and_save, 3, SCENARIO_SMALL, 0},
    {"keep and save", keep_and_save, 3, SCENARIO_SMALL, 0},
    {"keep and save, without links", keep_without_links, 3, SCENARIO_SMALL, 0},
    {"keep and save, without direct input and output", keep_without_direct_io, 3, SCENARIO_SMALL, 0},
    {"keep among blocks", keep_among_blocks, 3, SCENARIO_BIG, 0},
    {"deletion beside a milestone", deletion_beside_a_milestone, 6, SCENARIO_SMALL, 0},
    {"back to the milestone", back_to_the_milestone, 6, SCENARIO_SMALL, 0},
    {"all lost, then back to the milestone", all_lost_then_back_to_the_milestone, 3, SCENARIO_SMALL, 0},
    {"failed flush, restart, keep", failed_flush_then_keep, 18, SCENARIO_SMALL, 0},
    {"one call fails about milestones", one_call_fails_about_milestones, 7 * 2 * 8, SCENARIO_MANY_VARIANTS, 0},
    {"schema change", schema_change, 3, SCENARIO_SMALL, 0},
    {"history grows", history_grows, 6, SCENARIO_BIG, 0},
    {"history finds no room", history_finds_no_room, 6, SCENARIO_MANY_VARIANTS, 0},
    {"other number of slots", other_number_of_slots, 6, SCENARIO_SMALL, 0},
    {"deletion and a new run", deletion_and_a_new_run, 3, SCENARIO_SMALL, 0},
    {"failed flush, then restart", failed_flush_then_restart, 54, SCENARIO_MANY_VARIANTS, 0},
    {"failed flush, restart, restore past the cache", failed_flush_then_restart_past_the_cache, 54,
     SCENARIO_MANY_VARIANTS, 0},
    {"failed flush, then save", failed_flush_then_save, 9, SCENARIO_SMALL, 0},
    {"disk full in a save", disk_full_in_a_save, 12, SCENARIO_MANY_VARIANTS, 0},
    {"one call fails among blocks", one_call_fails_among_blocks, 4 * 6 * 2, SCENARIO_BIG, 0},
    {"a child fails", a_child_fails, 2 * 4 * 2, SCENARIO_BIG, FORKED},
    {"one call fails", one_call_fails, 7 * 14, SCENARIO_MANY_VARIANTS, 0},
    {"reserving fails", reserving_fails, 7 * 8, SCENARIO_MANY_VARIANTS, 0},
    {"one call fails, restore past the cache", one_call_fails_past_the_cache, 7 * 16, SCENARIO_MANY_VARIANTS, 0},
};

const size_t SCENARIO_COUNT = COUNT(SCENARIOS);

const struct scenario *scenario_named(const char *name)
{
    for (size_t i = 0; i < COUNT(SCENARIOS); i++)
        if (strcmp(SCENARIOS[i].name, name) == 0)
            return &SCENARIOS[i];
    return NULL;
}
