/* SPDX-License-Identifier: MIT */
#include "calls/scenario.h"

#include <fcntl.h>
#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* -------------------------------------------------------------------- what was before */

static void set_slots(struct trial *trial, unsigned slots)
{
    trial_options(trial)->slots = slots;
}

static void save_times(struct trial *trial, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        trial_save(trial);
}

static void saved_times(struct trial *trial, unsigned slots, unsigned count)
{
    set_slots(trial, slots);
    trial_open(trial);
    save_times(trial, count);
    trial_close(trial);
}

/* 1, 2 and 3 slots, all of them full. */
static void saved(struct trial *trial, unsigned variant)
{
    saved_times(trial, 1 + variant % 3, 4);
}

static void saved_in_two(struct trial *trial, unsigned variant)
{
    (void)variant;
    saved_times(trial, 2, 3);
}

static void slots_only(struct trial *trial, unsigned variant)
{
    set_slots(trial, 1 + variant % 3);
}

/* On file systems that can be passed by the page cache, for reading only, or not at all. */
static void saved_directly(struct trial *trial, unsigned variant)
{
    simfs_set_direct(trial_simfs(trial), (enum simfs_direct)(variant / 3 % 3));
    saved(trial, variant);
}

static void saved_in_blocks(struct trial *trial, unsigned variant)
{
    trial_set_schema(trial, variant / 3 % 2 == 0 ? MODEL_DRIFTING : MODEL_BIG);
    saved(trial, variant);
}

static void kept(struct trial *trial, unsigned slots)
{
    set_slots(trial, slots);
    trial_open(trial);
    save_times(trial, 2);
    trial_keep(trial);
    save_times(trial, 3);
    trial_close(trial);
}

static void kept_and_saved(struct trial *trial, unsigned variant)
{
    kept(trial, 1 + variant % 3);
}

static void kept_where_links_may_be_refused(struct trial *trial, unsigned variant)
{
    if (variant / 3 % 3 == 1)
        injector_refuse_links("milestone");
    if (variant / 3 % 3 == 2)
        simfs_set_direct(trial_simfs(trial), SIMFS_DIRECT_NO);
    kept(trial, 1 + variant % 3);
}

static void logged_and_growing(struct trial *trial, unsigned variant)
{
    trial_log_and_grow(trial);
    saved(trial, variant);
}

static void logged(struct trial *trial, unsigned variant)
{
    trial_log(trial);
    saved(trial, variant);
}

/* ------------------------------------------------------------------- what is at hand */

static void open_it(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_open(trial);
}

static void open_reader(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_open_reader(trial);
}

static void open_and_restore(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_open(trial);
    trial_restore(trial, NULL);
}

static void restored_and_saved(struct trial *trial, unsigned variant)
{
    open_and_restore(trial, variant);
    save_times(trial, trial_options(trial)->slots);
}

static void open_and_inspect(struct trial *trial, unsigned variant)
{
    open_it(trial, variant);
    trial_inspect(trial, H5CKPT_ALL_BYTES);
}

/* ----------------------------------------------------------------------- open, close */

static void open_and_close(struct trial *trial, unsigned variant)
{
    open_it(trial, variant);
    trial_close(trial);
}

static void close_it(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_close(trial);
}

static void change_directory(struct trial *trial, void (*change)(int directory))
{
    (void)trial;
    const int directory = simfs_calls.open_at(AT_FDCWD, TRIAL_DIRECTORY, O_RDONLY | O_DIRECTORY, 0);

    change(directory);
    simfs_calls.flush(directory);
    simfs_calls.close(directory);
}

static void leave_files(int directory)
{
    static const char *const NAME[] = {"slot-a.h5.new", "slot-b.h5.new", "checkpoint.h5.new", "milestone.h5.new"};

    for (size_t i = 0; i < COUNT(NAME); i++) {
        const int descriptor = simfs_calls.open_at(directory, NAME[i], O_RDWR | O_CREAT, 0600);
        simfs_calls.allocate(descriptor, 0, 8192);
        simfs_calls.close(descriptor);
    }
    simfs_calls.link_at(directory, "lock", "lock.new");
}

static void saved_with_leftovers(struct trial *trial, unsigned variant)
{
    saved(trial, variant);
    change_directory(trial, leave_files);
}

static void copy_lock(int directory)
{
    simfs_calls.link_at(directory, "lock", TRIAL_STRANGER);
}

static void saved_and_lock_copied(struct trial *trial, unsigned variant)
{
    saved(trial, variant);
    change_directory(trial, copy_lock);
}

static void remove_lock(int directory)
{
    simfs_calls.remove_at(directory, "lock");
}

static void saved_and_lock_removed(struct trial *trial, unsigned variant)
{
    saved(trial, variant);
    change_directory(trial, remove_lock);
}

static void saved_and_lock_damaged(struct trial *trial, unsigned variant)
{
    saved(trial, variant);
    simfs_damage(trial_simfs(trial), TRIAL_DIRECTORY "/lock", 100, 1);
}

static void deletion_cut_short(struct trial *trial, unsigned variant)
{
    const unsigned slots = 1 + variant % 3;

    if (variant < 3) {
        saved(trial, variant);
    } else {
        kept(trial, slots);
    }
    trial_open(trial);
    trial_cut_deletion_short(trial);
}

static void killed_while_open(struct trial *trial, unsigned variant)
{
    slots_only(trial, variant);
    trial_open(trial);
    trial_reserve(trial);
    trial_kill(trial);
}

/* ------------------------------------------------------------------------------- save */

static void save_once(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_save(trial);
}

static void save_thrice(struct trial *trial, unsigned variant)
{
    (void)variant;
    save_times(trial, 3);
}

static void reserve_and_save(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_reserve(trial);
    trial_save(trial);
}

static void reserve_it(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_reserve(trial);
}

static void restore_for_more_slots(struct trial *trial, unsigned variant)
{
    set_slots(trial, variant % 3 == 2 ? 1 : 2 + variant % 3);
    open_and_restore(trial, variant);
}

static void restore_another_structure(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_set_schema(trial, MODEL_EXTENDED);
    trial_open(trial);
    trial_restore(trial, &(struct h5ckpt_restore_options){.match = H5CKPT_INTERSECTION});
}

static void start_over(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_start_over(trial);
}

static void start_over_and_save(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_start_over(trial);
    trial_save(trial);
}

static void ask_for_space(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_space(trial);
}

/* In each of the modes, where it has something of its own: small states are written whole by all but fenced. */
static void saved_in_background(struct trial *trial, unsigned variant)
{
    trial_options(trial)->save_mode = (enum h5ckpt_save_mode)(H5CKPT_SAVE_STAGED + variant % 3);
    trial_set_schema(trial, variant / 3 % 2 == 0 ? MODEL_DRIFTING : MODEL_SMALL);
    saved_times(trial, 1 + variant / 6 % 2, 3);
}

/* Two of them: of the first, what went wrong is told by the second, or when that is waited for. */
static void save_twice_in_flight(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_begin_save(trial);
    trial_begin_save(trial);
    trial_wait(trial);
    trial_wait(trial);
}

/* ---------------------------------------------------------------------------- restore */

static void restore_by_variant(struct trial *trial, unsigned variant)
{
    trial_restore(trial, &(struct h5ckpt_restore_options){.memory = (enum h5ckpt_memory)(variant / 3 % 3)});
}

/* In two chunks (MODEL_BIG) memory has begun to change when the last one is read. */
static void restore_blocks_by_variant(struct trial *trial, unsigned variant)
{
    trial_restore(trial, &(struct h5ckpt_restore_options){.memory = (enum h5ckpt_memory)(variant / 6 % 3)});
}

static void restore_previous(struct trial *trial, unsigned variant)
{
    trial_restore(trial, &(struct h5ckpt_restore_options){.which = H5CKPT_PREVIOUS,
                                                          .memory = (enum h5ckpt_memory)(variant / 3 % 3)});
}

static void saved_past_cache(struct trial *trial, unsigned variant)
{
    trial_past_cache(trial);
    if (variant % 2 == 1)
        trial_set_schema(trial, MODEL_BIG);
    saved_in_two(trial, variant);
}

static void restore_past_cache(struct trial *trial, unsigned variant)
{
    trial_restore(trial, &(struct h5ckpt_restore_options){.memory = (enum h5ckpt_memory)(variant / 2 % 3)});
}

static void newest_damaged(struct trial *trial, unsigned variant)
{
    static const uint64_t PLACE[] = {40, 5000};

    saved_in_two(trial, variant);
    trial_damage(trial, "slot-a.h5", PLACE[variant % 2], 2); /* state 3 is in the slot of state 1 */
}

static void newest_damaged_in_blocks(struct trial *trial, unsigned variant)
{
    newest_damaged(trial, variant + 1);
}

static void open_read_and_restore(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_open_reader(trial);
    trial_restore(trial, NULL);
    trial_close(trial);
}

static void compare(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_compare(trial);
}

/* ------------------------------------------------------------------------- inspection */

static void inspect(struct trial *trial, unsigned variant)
{
    trial_inspect(trial, (enum h5ckpt_depth)(variant % 3));
}

static void list_variables(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_list_variables(trial);
}

static void list_damage(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_list_damage(trial);
}

static void list_settings(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_list_settings(trial);
}

static void read_history(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_read_history(trial);
}

static void list_milestones(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_list_milestones(trial);
}

/* ------------------------------------------------------------------ milestones, deletion */

static void keep(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_keep(trial);
}

static void keep_and_save(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_keep(trial);
    trial_save(trial);
}

static void forget(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_forget(trial);
}

static void roll_back(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_roll_back(trial);
}

static void delete_it(struct trial *trial, unsigned variant)
{
    (void)variant;
    trial_delete(trial);
}

static void deleted_beside_milestone(struct trial *trial, unsigned variant)
{
    kept_and_saved(trial, variant);
    trial_open(trial);
    trial_delete(trial);
    trial_close(trial);
}

/* -------------------------------------------------------------------------- whole lives */

static void live(struct trial *trial, unsigned variant)
{
    open_and_restore(trial, variant);
    save_times(trial, 2);
    trial_keep(trial);
    trial_inspect(trial, H5CKPT_ALL_BYTES);
    trial_save(trial);
    trial_roll_back(trial);
    trial_restore(trial, NULL);
    trial_save(trial);
    trial_forget(trial);
    trial_close(trial);
}

static void live_and_delete(struct trial *trial, unsigned variant)
{
    open_and_restore(trial, variant);
    save_times(trial, 2);
    trial_delete(trial);
    trial_close(trial);
}

const struct scenario SCENARIOS[] = {
    {"open where nothing is", slots_only, NULL, open_it, 1, NOTHING_TO_TIDY | NO_LOCK},
    {"open where nothing is, and close", slots_only, NULL, open_and_close, 1, NOTHING_TO_TIDY | NO_LOCK},
    {"open", saved, NULL, open_it, 3, NOTHING_TO_TIDY},
    {"open and close", saved, NULL, open_and_close, 1, NOTHING_TO_TIDY},
    {"open to read", saved, NULL, open_reader, 3, NOTHING_TO_TIDY | ONLY_READ},
    {"open among leftovers", saved_with_leftovers, NULL, open_it, 3, 0},
    {"open where the lock has another name", saved_and_lock_copied, NULL, open_it, 2, 0},
    {"open where the lock is gone", saved_and_lock_removed, NULL, open_it, 3, NO_LOCK},
    {"open where the lock is damaged", saved_and_lock_damaged, NULL, open_it, 3, NO_LOCK},
    {"open where a deletion was cut short", deletion_cut_short, NULL, open_it, 6, 0},
    {"open where nothing was saved", killed_while_open, NULL, open_it, 3, 0},
    {"open beside a milestone after a deletion", deleted_beside_milestone, NULL, open_it, 1, NOTHING_TO_TIDY},
    {"close", saved, restored_and_saved, close_it, 3, 0},
    {"close where nothing was saved", slots_only, open_it, close_it, 1, 0},
    {"first save", slots_only, open_it, save_once, 3, 0},
    {"reserve, then first save", slots_only, open_it, reserve_and_save, 3, 0},
    {"reserve", slots_only, open_it, reserve_it, 3, 0},
    {"save in place", saved_directly, restored_and_saved, save_once, 9, 0},
    {"save after a restart", saved_directly, open_and_restore, save_once, 9, 0},
    {"save several blocks", saved_in_blocks, restored_and_saved, save_once, 6, 0},
    {"save several blocks after a restart", saved_in_blocks, open_and_restore, save_once, 6, 0},
    {"save another structure", saved, restore_another_structure, save_thrice, 3, 0},
    {"save with another number of slots", saved, restore_for_more_slots, save_thrice, 3, 0},
    {"save with a history", logged, restored_and_saved, save_once, 3, 0},
    {"save with a history that grows", logged_and_growing, open_and_restore, save_thrice, 3, 0},
    {"save in the background", saved_in_background, restored_and_saved, save_once, 12, 0},
    {"saves in flight", saved_in_background, restored_and_saved, save_twice_in_flight, 12, 0},
    {"save beside a milestone", kept_and_saved, open_and_restore, save_thrice, 3, 0},
    {"start over", saved, open_it, start_over, 3, ONLY_READ},
    {"start over and save", saved, open_it, start_over_and_save, 3, 0},
    {"ask for space", saved, open_it, ask_for_space, 1, ONLY_READ},
    {"restore", saved, open_it, restore_by_variant, 9, ONLY_READ},
    {"restore several blocks", saved_in_blocks, open_it, restore_blocks_by_variant, 18, ONLY_READ},
    {"restore as a reader", saved, open_reader, restore_by_variant, 9, ONLY_READ},
    {"restore the previous state", saved_in_two, open_it, restore_previous, 9, ONLY_READ},
    {"restore past the cache", saved_past_cache, open_it, restore_past_cache, 6, ONLY_READ},
    {"restore past damage", newest_damaged, open_it, restore_by_variant, 9, ONLY_READ},
    {"restore where nothing was saved", slots_only, open_it, restore_by_variant, 1, ONLY_READ},
    {"restore where all was deleted", deletion_cut_short, open_reader, restore_by_variant, 1,
     0}, /* a lock that is not there deletes nothing */
    {"open, restore and close as a reader", saved_in_two, NULL, open_read_and_restore, 1, ONLY_READ},
    {"restore with a history", logged, open_it, restore_by_variant, 9, ONLY_READ},
    {"compare", saved, open_and_restore, compare, 2, 0},
    {"inspect", saved, open_it, inspect, 3, ONLY_READ},
    {"inspect as a reader", saved, open_reader, inspect, 3, ONLY_READ},
    {"inspect damage", newest_damaged, open_it, inspect, 3, ONLY_READ},
    {"list variables", saved, open_and_inspect, list_variables, 1, ONLY_READ},
    {"list damage", newest_damaged_in_blocks, open_and_inspect, list_damage, 1, ONLY_READ},
    {"list settings", saved, open_and_inspect, list_settings, 1, ONLY_READ},
    {"read the history", logged, open_and_inspect, read_history, 2, ONLY_READ},
    {"list milestones", kept_and_saved, open_it, list_milestones, 1, ONLY_READ},
    {"list milestones as a reader", kept_and_saved, open_reader, list_milestones, 1, ONLY_READ},
    {"keep", kept_where_links_may_be_refused, restored_and_saved, keep, 9, 0},
    {"keep after a restart", kept_where_links_may_be_refused, open_and_restore, keep, 9, 0},
    {"keep and save", saved, restored_and_saved, keep_and_save, 3, 0},
    {"remove a milestone", kept_and_saved, open_it, forget, 1, 0},
    {"roll back", kept_and_saved, open_and_restore, roll_back, 3, 0},
    {"roll back after a deletion", deleted_beside_milestone, open_it, roll_back, 3, 0},
    {"delete", saved, restored_and_saved, delete_it, 3, 0},
    {"delete what was not restored", saved, open_it, delete_it, 3, 0},
    {"delete beside a milestone", kept_and_saved, restored_and_saved, delete_it, 3, 0},
    {"a life", kept_and_saved, NULL, live, 3, 0},
    {"the last life", kept_and_saved, NULL, live_and_delete, 3, 0},
};

const size_t SCENARIO_COUNT = COUNT(SCENARIOS);
