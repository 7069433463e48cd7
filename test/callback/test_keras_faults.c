/* SPDX-License-Identifier: MIT */
/*
 * The faults found in the callback that ours follows, by the numbers of their list; each test shows that ours is
 * without. docs/guide.md has a table of them.
 *
 * Of 17, the history has tests of its own (test_history.c), and the state of other callbacks is a variable like others.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callback/run.h"
#include "support/assert_h5ckpt.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum {
    TIMEOUT_SECONDS = 240,
    PAGE = 4096,
    SLOT_BYTES_MAX = 1 << 17,
    DAMAGE_STEP = 1021,
    CALL_COUNT_MAX = 400,
    ANY_CALL =
        FAULT_OPEN | FAULT_READ | FAULT_WRITE | FAULT_FLUSH | FAULT_ALLOCATE | FAULT_LINK | FAULT_RENAME | FAULT_REMOVE,
};

static struct run_options options;

static void setup(void)
{
    faults_clear();
    fixture_setup();
    run_setup();
    options = run_options_default();
}

static void teardown(void)
{
    faults_clear();
    run_teardown();
    fixture_teardown();
}

static void assert_stored(uint64_t epoch, uint64_t batch)
{
    struct h5ckpt_progress position;

    assert_status(run_stored(&options, &position), H5CKPT_OK);
    assert_position(position, epoch, batch);
}

static void assert_resumes(h5ckpt_status status, uint64_t epoch, uint64_t batch)
{
    struct run_life life = run_to_end(&options);

    assert_status_message(life.new_status, H5CKPT_OK, life.message);
    assert_status_message(life.begin_status, status, life.message);
    assert_position(life.next, epoch, batch);
    assert_as_undisturbed(life, &options);
}

/* It did not begin: why? */
static h5ckpt_status why_not(const struct run_life *life)
{
    ck_assert(!life->ended);
    ck_assert_str_ne(life->message, "");
    return life->new_status < 0 ? life->new_status : life->begin_status;
}

/* Two epochs are saved, and the run was killed. */
static void save_two_epochs(void)
{
    fixture_clear_backup();
    run_forget();
    run_until_moment(&options, RUN_EPOCH_TOLD, 1, 0);
}

/* ------------------------------------------------------------------- damage */

static void flip_bit(const char *path, uint64_t offset)
{
    file_flip_bit(path, offset * 8 + offset % 8);
}

static void zero_page(const char *path, uint64_t offset)
{
    static const unsigned char zeros[PAGE];

    file_write_bytes(path, zeros, PAGE, offset / PAGE * PAGE);
}

static void tear(const char *path, uint64_t offset)
{
    file_cut(path, offset);
}

static void (*const DAMAGE[])(const char *path, uint64_t offset) = {flip_bit, zero_page, tear};

/* Is this part of the file all zeros, or not looked at by anybody, so that there is nothing to damage? */
static bool is_spared(const char *path, uint64_t offset)
{
    unsigned char bytes[PAGE];

    if (offset >= 512 && offset < PAGE)
        return true; /* the user block behind the record */
    file_read_bytes(path, bytes, sizeof bytes, offset / PAGE * PAGE);
    for (unsigned i = 0; i < sizeof bytes; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* 1: there, damage inside the weights raises something for which nobody falls back */
START_TEST(fault_1_damage_of_any_kind_anywhere_in_the_newest_state_falls_back)
{
    save_two_epochs();
    const uint64_t byte_count = file_bytes(run_slot(&options, H5CKPT_CURRENT));

    for (uint64_t offset = 0; offset < byte_count; offset += DAMAGE_STEP) {
        save_two_epochs();
        const char *path = run_slot(&options, H5CKPT_CURRENT);
        if (DAMAGE[_i] != tear && is_spared(path, offset))
            continue;
        DAMAGE[_i](path, offset);
        assert_resumes(H5CKPT_FELL_BACK, 1, 0);
    }
}
END_TEST

/* 2: there, a flipped bit or a zeroed page loads without a word */
START_TEST(fault_2_a_flipped_bit_or_zeroed_page_is_said_and_never_loaded)
{
    save_two_epochs();
    const uint64_t byte_count = file_bytes(run_slot(&options, H5CKPT_CURRENT));

    for (uint64_t offset = PAGE; offset < byte_count; offset += DAMAGE_STEP) {
        save_two_epochs();
        const char *current = run_slot(&options, H5CKPT_CURRENT);
        const char *previous = run_slot(&options, H5CKPT_PREVIOUS);
        if (is_spared(current, offset))
            continue;
        DAMAGE[_i](current, offset);
        DAMAGE[_i](previous, offset);
        struct run_life life = run_to_end(&options);
        assert_status(why_not(&life), H5CKPT_E_LOST);
        assert_mentions(life.message, "slot-");
        assert_position(life.next, 99, 99); /* untouched */
        ck_assert_uint_eq(run_count(RUN_BATCH, 1), 0);
    }
}
END_TEST

static const char *const OUR_FILES[] = {"lock", "checkpoint.h5", "slot-a.h5", "slot-b.h5"};
static const char *const TORN[] = {"", "{", "{\"epoch\": 4, \"ba", "0"};

/* 3: there, a torn or empty JSON file stops every start beside good weights */
START_TEST(fault_3_no_single_file_torn_emptied_or_overwritten_stops_a_start)
{
    const char *name = OUR_FILES[(size_t)_i / (COUNT(TORN) + 1)];
    const size_t kind = (size_t)_i % (COUNT(TORN) + 1);

    if (strcmp(name, "lock") == 0 && kind < COUNT(TORN))
        return; /* the next test's */
    save_two_epochs();
    const char *path = in_backup(name);
    const bool newest = strcmp(path, run_slot(&options, H5CKPT_CURRENT)) == 0;
    ck_assert(file_exists(path));
    if (kind < COUNT(TORN))
        file_replace(path, TORN[kind], strlen(TORN[kind]));
    else
        file_cut(path, file_bytes(path) / 2);
    assert_resumes(newest ? H5CKPT_FELL_BACK : H5CKPT_OK, newest ? 1 : 2, 0);
}
END_TEST

/* 3: what no longer looks like our lock may be a stranger's, and is not overwritten; the message says what to do */
START_TEST(fault_3_a_lock_that_another_file_has_replaced_harms_no_state_and_is_moved_away_as_the_message_says)
{
    save_two_epochs();
    file_replace(in_backup("lock"), TORN[_i], strlen(TORN[_i]));
    snapshot_before();
    struct run_life life = run_to_end(&options);
    assert_status(why_not(&life), H5CKPT_E_FOREIGN);
    assert_mentions(life.message, in_backup("lock"));
    assert_mentions(life.message, "move the file away");
    assert_unchanged();
    file_remove(in_backup("lock"));
    assert_resumes(H5CKPT_OK, 2, 0);
}
END_TEST

/* 8: there, a run goes on at epoch 4 with fresh weights */
START_TEST(fault_8_without_any_weights_a_run_does_not_begin_and_says_what_is_lost)
{
    save_two_epochs();
    file_remove(in_backup("slot-a.h5"));
    file_remove(in_backup("slot-b.h5"));
    for (unsigned i = 0; i < 2; i++) { /* nor does it the next time */
        struct run_life life = run_to_end(&options);
        assert_status(why_not(&life), H5CKPT_E_LOST);
        assert_position(life.next, 99, 99);
        ck_assert_uint_eq(run_count(RUN_BATCH, 1), 0);
        ck_assert(!file_exists(in_backup("slot-a.h5")));
        ck_assert(!file_exists(in_backup("slot-b.h5")));
    }
}
END_TEST

START_TEST(fault_8_without_the_newest_weights_the_counters_are_those_of_the_previous_ones)
{
    save_two_epochs();
    file_remove(run_slot(&options, H5CKPT_CURRENT));
    assert_resumes(H5CKPT_FELL_BACK, 1, 0);
}
END_TEST

/* ----------------------------------------------------------- passing errors */

static const int PASSING[] = {EACCES, EBUSY, EMFILE, ENOMEM, ENOLCK, ESTALE, ETIMEDOUT, EAGAIN};

/* 4: there, a passing error of a lock overwrites the good newer copy with the older */
START_TEST(fault_4_a_passing_error_rolls_nothing_back_and_changes_nothing)
{
    static const unsigned CALLS[] = {FAULT_OPEN, FAULT_READ};

    save_two_epochs();
    snapshot_before();
    for (unsigned i = 0; i < COUNT(CALLS); i++) {
        faults_set((struct faults){.calls = CALLS[i], .name = "slot", .count = FAULTS_FOR_EVER, .error = PASSING[_i]});
        struct run_life life = run_to_end(&options);
        faults_clear();
        const h5ckpt_status status = why_not(&life);
        ck_assert_msg(status == H5CKPT_E_PERMISSION || status == H5CKPT_E_SYSTEM || status == H5CKPT_E_MEMORY ||
                          status == H5CKPT_E_BUSY,
                      "%s: %s", h5ckpt_status_name(status), life.message);
        ck_assert_uint_eq(run_count(RUN_BATCH, (int)i + 1), 0);
        assert_unchanged();
    }
    assert_resumes(H5CKPT_OK, 2, 0);
}
END_TEST

/* 4 */
START_TEST(fault_4_a_held_lock_is_told_and_nothing_is_rolled_back)
{
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_callback *holder;

    save_two_epochs();
    assert_status(h5ckpt_callback_new(&holder, state, &options.callback), H5CKPT_OK);
    snapshot_before();
    struct run_life life = run_to_end(&options);
    assert_status(why_not(&life), H5CKPT_E_BUSY);
    assert_unchanged();
    h5ckpt_callback_free(holder);
    h5ckpt_state_free(state);
    assert_resumes(H5CKPT_OK, 2, 0);
}
END_TEST

/* -------------------------------------------------- saves that fail or are cut */

static struct {
    struct faults faults;
    struct run_point from; /* the faults are there from then on … */
    struct run_point to;   /* … until the process is killed */
} trouble;

static bool is_point(struct run_point a, struct run_point b)
{
    return a.moment == b.moment && a.epoch == b.epoch && a.batch == b.batch;
}

static void make_trouble(void *context, struct run_point point)
{
    (void)context;
    if (is_point(point, trouble.from))
        faults_set(trouble.faults);
    if (is_point(point, trouble.to))
        kill(getpid(), SIGKILL);
}

static const struct {
    unsigned call;
    int error;
} SAVE_FAILURE[] = {
    {FAULT_WRITE, ENOSPC}, {FAULT_WRITE, EIO},   {FAULT_FLUSH, EIO},
    {FAULT_FLUSH, ENOSPC}, {FAULT_OPEN, EACCES}, {FAULT_OPEN, EMFILE},
};

/* 5: there, a failed save is copied over the good backup by the next one */
START_TEST(fault_5_a_save_that_fails_again_and_again_leaves_the_state_before_as_it_was)
{
    struct h5ckpt_progress stored;

    options.callback.double_checkpoint = _i % 2 == 0;
    trouble.faults = (struct faults){.calls = SAVE_FAILURE[_i / 2].call,
                                     .name = "slot",
                                     .count = FAULTS_FOR_EVER,
                                     .error = SAVE_FAILURE[_i / 2].error,
                                     .no_time_passes = true};
    trouble.from = (struct run_point){RUN_EPOCH_DONE, 2, 0};
    trouble.to = (struct run_point){RUN_EPOCH_TOLD, 3, 0};
    options.visit = make_trouble;
    struct run_life life = run_anyhow(&options);
    options.visit = NULL;
    ck_assert_uint_eq(life.failure_count,
                      1 + 3 + 1); /* tried at each batch of the next epoch and at its end; and each was seen */
    ck_assert_str_ne(life.message, "");
    slot_of_epoch(2); /* is there */
    assert_status(run_stored(&options, &stored), H5CKPT_OK);
    const bool complete = SAVE_FAILURE[_i / 2].call == FAULT_FLUSH && stored.epoch == 3; /* all written, not flushed */
    assert_position(stored, complete ? 3 : 2, 0);
    assert_resumes(H5CKPT_OK, stored.epoch, 0);
}
END_TEST

/* 5 */
START_TEST(fault_5_after_failed_saves_the_next_good_one_counts)
{
    options.callback.double_checkpoint = _i % 2 == 0;
    trouble.faults = (struct faults){
        .calls = SAVE_FAILURE[_i / 2].call, .name = "slot", .count = 1, .error = SAVE_FAILURE[_i / 2].error};
    trouble.from = (struct run_point){RUN_EPOCH_DONE, 2, 0};
    trouble.to = (struct run_point){RUN_EPOCH_TOLD, 3, 0};
    options.visit = make_trouble;
    run_anyhow(&options);
    options.visit = NULL;
    assert_stored(4, 0);
    assert_resumes(H5CKPT_OK, 4, 0);
}
END_TEST

/* 6: there, nothing is ever flushed */
START_TEST(fault_6_no_hook_says_ok_for_a_save_that_could_not_be_flushed)
{
    options.callback.save_freq = _i == 0 ? H5CKPT_EVERY_EPOCH : 1;
    trouble.faults = (struct faults){
        .calls = FAULT_FLUSH, .name = "slot", .count = FAULTS_FOR_EVER, .error = EIO, .no_time_passes = true};
    trouble.from = (struct run_point){RUN_TRAIN_BEGUN, 0, 0};
    trouble.to = (struct run_point){RUN_TRAIN_DONE, 0, 0};
    options.visit = make_trouble;
    struct run_life life = run_anyhow(&options);
    ck_assert_uint_eq(life.failure_count, _i == 0 ? 1 + 4 * (3 + 1) : 15 + 5); /* tried at every end */
    ck_assert_int_eq(life.failure, H5CKPT_E_IO);
}
END_TEST

static void kill_here(void *context)
{
    (void)context;
    kill(getpid(), SIGKILL);
}

/* Kill a run before the n-th system call of a save: of the first, or of one that overwrites. False if it has fewer. */
static bool kill_in_save(unsigned save, long call)
{
    static const struct run_point FROM[] = {{RUN_BATCH_DONE, 0, 1}, {RUN_BATCH_DONE, 2, 1}};
    static const struct run_point TO[] = {{RUN_BATCH_TOLD, 0, 1}, {RUN_BATCH_TOLD, 2, 1}};

    fixture_clear_backup();
    run_forget();
    trouble.faults = (struct faults){.calls = ANY_CALL, .first = call, .count = 1, .before = kill_here};
    trouble.from = FROM[save];
    trouble.to = TO[save];
    options.visit = make_trouble;
    run_anyhow(&options);
    options.visit = NULL;
    size_t count;
    run_saves(&count);
    return count < (save == 0 ? 1 : 4); /* the save did not come to its end: so it was cut */
}

/* Every 2 batches: the first save is (0, 2); one that overwrites is the fourth, (2, 2), and the third was (1, 3). */
static void enter_cut(int number)
{
    options.callback.save_freq = 2;
    options.callback.double_checkpoint = number / 2 == 0;
}

/* 6: there, a save is not atomic */
START_TEST(fault_6_a_save_cut_short_anywhere_leaves_the_old_or_the_new_state_whole)
{
    const unsigned save = (unsigned)_i % 2;
    struct h5ckpt_progress position;
    long call = 0;

    enter_cut(_i);
    while (kill_in_save(save, call)) {
        const h5ckpt_status status = run_stored(&options, &position);
        if (save == 0 && status == H5CKPT_NO_CHECKPOINT) {
            call++;
            continue;
        }
        assert_status(status, H5CKPT_OK);
        ck_assert_msg((position.epoch == 1 && position.batch == 3 && save == 1) ||
                          (position.epoch == 2 * save && position.batch == 2),
                      "call %ld: (%d, %d)", call, (int)position.epoch, (int)position.batch);
        ck_assert_int_lt(++call, CALL_COUNT_MAX);
    }
    ck_assert_int_ge(call, 5);
}
END_TEST

/* 7: there, a kill between weights and counters replays an epoch on newer weights */
START_TEST(fault_7_killed_anywhere_in_a_save_weights_and_counters_belong_together)
{
    const unsigned save = (unsigned)_i % 2;
    long call = 0;

    enter_cut(_i);
    while (kill_in_save(save, call)) {
        struct run_life life = run_to_end(&options);
        assert_status_message(life.new_status, H5CKPT_OK, life.message);
        ck_assert_msg(life.begin_status == H5CKPT_OK || (save == 0 && life.begin_status == H5CKPT_NO_CHECKPOINT),
                      "call %ld: %s: %s", call, h5ckpt_status_name(life.begin_status), life.message);
        assert_as_undisturbed(life, &options);
        ck_assert_int_lt(++call, CALL_COUNT_MAX);
    }
    ck_assert_int_ge(call, 5);
}
END_TEST

/* ---------------------------------------------------------- counters, epochs */

/* 9: there, the epoch counter restarts at 0 after a resume, and a second crash stores that */
START_TEST(fault_9_a_second_crash_after_a_resume_stores_true_epoch_numbers)
{
    options.epochs = 9;
    options.callback.save_freq = _i == 0 ? H5CKPT_EVERY_EPOCH : 3;
    run_until_moment(&options, RUN_BATCH_TOLD, 4, 2);
    struct run_life second = run_until_moment(&options, RUN_BATCH_TOLD, 6, 2);
    assert_position(second.next, 4, _i == 0 ? 0 : 3);
    assert_stored(6, _i == 0 ? 0 : 3);
    assert_resumes(H5CKPT_OK, 6, _i == 0 ? 0 : 3);
}
END_TEST

/* 10: there, a finished epoch is replayed */
START_TEST(fault_10_saving_as_often_as_an_epoch_has_batches_replays_no_epoch)
{
    options.callback.save_freq = 3;
    for (uint64_t epoch = 0; epoch < 4; epoch++) {
        run_until_moment(&options, RUN_BATCH_TOLD, epoch, 2);
        assert_stored(epoch, 3);
    }
    assert_resumes(H5CKPT_OK, 3, 3);
    ck_assert_uint_eq(run_count(RUN_BATCH, RUN_ALL_LIVES), 15);
    ck_assert_uint_eq(run_count(RUN_EPOCH_END, RUN_ALL_LIVES), 5);
}
END_TEST

static const int64_t NO_FREQ[] = {false, 0, -1, -100, INT64_MIN};

/* 11: there, each of these saves every batch */
START_TEST(fault_11_a_save_freq_of_false_0_or_less_is_refused_and_saves_nothing)
{
    options.callback.save_freq = NO_FREQ[_i];
    struct run_life life = run_to_end(&options);
    assert_status(why_not(&life), H5CKPT_E_ARGUMENT);
    assert_mentions(life.message, "save_freq");
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

/* 11 */
START_TEST(fault_11_never_is_a_value_of_its_own_and_saves_nothing)
{
    options.callback.save_freq = H5CKPT_NEVER;
    options.callback.save_before_preemption = true;
    assert_as_undisturbed(run_to_end(&options), &options);
    size_t count;
    run_saves(&count);
    ck_assert_uint_eq(count, 0);
}
END_TEST

/* 12: there, each call counts as one batch */
START_TEST(fault_12_a_hook_that_covers_several_batches_counts_them_all)
{
    static const struct h5ckpt_progress EXPECTED[] = {{0, 4, 4}, {1, 2, 6}, {2, 2, 10}, {2, 4, 12}, {3, 4, 16}};

    options.epochs = 4;
    options.batches = 4;
    options.steps_per_execution = 2;
    options.callback.save_freq = 3;
    assert_as_undisturbed(run_to_end(&options), &options);
    size_t count;
    const struct h5ckpt_progress *saved = run_saves(&count);
    ck_assert_uint_eq(count, COUNT(EXPECTED));
    ck_assert_mem_eq(saved, EXPECTED, sizeof EXPECTED);
}
END_TEST

/* 13: there, a second training in the process skips the epochs that the first one had skipped */
START_TEST(fault_13_a_later_run_in_the_same_process_begins_at_its_own_beginning)
{
    run_until_moment(&options, RUN_EPOCH_TOLD, 3, 0);
    struct run_life resumed = run_here(&options);
    assert_position(resumed.next, 4, 0);
    assert_as_undisturbed(resumed, &options);
    struct run_life later = run_here(&options);
    assert_status(later.begin_status, H5CKPT_NO_CHECKPOINT);
    assert_position(later.next, 0, 0);
    assert_as_undisturbed(later, &options);
    ck_assert_uint_eq(run_count(RUN_BATCH, 2), 15);
}
END_TEST

/* 13 */
START_TEST(fault_13_a_run_in_another_directory_begins_at_its_own_beginning)
{
    char other[PATH_BYTES + 8];

    run_until_moment(&options, RUN_EPOCH_TOLD, 3, 0);
    options.callback.delete_checkpoint = false;
    assert_position(run_here(&options).next, 4, 0);
    snprintf(other, sizeof other, "%s-other", fixture_backup);
    options.callback.backup_dir = other;
    struct run_life life = run_here(&options);
    assert_position(life.next, 0, 0);
    assert_as_undisturbed(life, &options);
}
END_TEST

/* --------------------------------------------------------------- the end of it */

/* 14: there, the whole directory is removed */
START_TEST(fault_14_deleting_removes_ours_and_nothing_else)
{
    static const char *const THEIRS[] = {
        "model.weights.h5", "training_metadata.json", "checkpoint.h5.bak", "slot-a.h5.bkp", "lockfile", ".hidden"};

    ck_assert_int_eq(mkdir(fixture_backup, 0700), 0);
    ck_assert_int_eq(mkdir(in_backup("logs"), 0700), 0);
    file_replace(in_backup("logs/run.txt"), "log", 3);
    for (unsigned i = 0; i < COUNT(THEIRS); i++)
        file_replace(in_backup(THEIRS[i]), THEIRS[i], strlen(THEIRS[i]));
    snapshot_before();
    options.callback.save_freq = 2;
    run_until_moment(&options, RUN_BATCH_TOLD, 2, 1);
    assert_resumes(H5CKPT_OK, 2, 2);
    assert_unchanged(); /* as it was before the first life */
    ck_assert(file_holds(in_backup("logs/run.txt"), "log"));
}
END_TEST

/* 15: there, it deletes the backup */
START_TEST(fault_15_a_stop_because_of_a_nan_keeps_the_checkpoint)
{
    options.end_after_epochs = 3;
    options.end_reason = H5CKPT_NAN_STOP;
    struct run_life life = run_to_end(&options);
    assert_status(life.end_status, H5CKPT_OK);
    assert_stored(3, 0);
    options.end_after_epochs = 0;
    assert_resumes(H5CKPT_OK, 3, 0);
}
END_TEST

/* ------------------------------------------------------------- what is restored */

/* 16: there, it is skipped with a warning */
START_TEST(fault_16_an_optimizer_that_does_not_match_is_an_error_that_names_it)
{
    save_two_epochs();
    options.moment_count++;
    run_to_end(&options); /* brings the view up to date, as every open does */
    snapshot_before();
    struct run_life life = run_to_end(&options);
    assert_status(why_not(&life), H5CKPT_E_SCHEMA);
    assert_mentions(life.message, "optimizer/moments");
    assert_position(life.next, 99, 99);
    ck_assert_uint_eq(run_count(RUN_BATCH, 2), 0);
    assert_unchanged();
    options.moment_count--;
    assert_resumes(H5CKPT_OK, 2, 0);
}
END_TEST

static void change(void *bytes, size_t byte_count)
{
    memset(bytes, 0x5a, byte_count);
}

/* 16 */
START_TEST(fault_16_what_does_match_is_not_loaded_either)
{
    double weights[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    double moments[8] = {9, 8, 7, 6, 5, 4, 3, 2};
    double changed[8];
    struct h5ckpt_progress next = {0};

    for (unsigned life = 0; life < 2; life++) {
        h5ckpt_state *state = h5ckpt_state_new();
        h5ckpt_callback *callback;
        h5ckpt_add(state, "weights", H5CKPT_FLOAT64, 1, (const uint64_t[]){8}, weights);
        h5ckpt_add(state, life == 0 ? "adam/m" : "sgd/velocity", H5CKPT_FLOAT64, 1, (const uint64_t[]){8}, moments);
        assert_status(h5ckpt_callback_new(&callback, state, &options.callback), H5CKPT_OK);
        if (life == 0) {
            assert_status(h5ckpt_on_train_begin(callback, &next, NULL), H5CKPT_NO_CHECKPOINT);
            assert_status(h5ckpt_on_epoch_begin(callback, 0), H5CKPT_OK);
            assert_status(h5ckpt_on_epoch_end(callback, 0), H5CKPT_OK);
        } else {
            change(weights, sizeof weights);
            change(moments, sizeof moments);
            change(changed, sizeof changed);
            assert_status(h5ckpt_on_train_begin(callback, &next, NULL), H5CKPT_E_SCHEMA);
            assert_mentions(h5ckpt_callback_message(callback), "adam/m");
            assert_mentions(h5ckpt_callback_message(callback), "sgd/velocity");
            ck_assert_mem_eq(weights, changed, sizeof changed);
            ck_assert_mem_eq(moments, changed, sizeof changed);
        }
        h5ckpt_callback_free(callback);
        h5ckpt_state_free(state);
    }
}
END_TEST

/* 17: there, neither is saved */
START_TEST(fault_17_random_generator_and_position_in_the_data_are_those_of_the_saved_batch)
{
    options.callback.save_freq = 1;
    run_until_moment(&options, RUN_BATCH_TOLD, (uint64_t)_i / 3, (uint64_t)_i % 3);
    assert_resumes(H5CKPT_OK, (uint64_t)_i / 3, (uint64_t)_i % 3 + 1);
    ck_assert_uint_eq(run_count(RUN_EPOCH_BEGIN, RUN_ALL_LIVES), 5); /* the data were shuffled once an epoch */
    ck_assert_uint_eq(run_count(RUN_BATCH, RUN_ALL_LIVES), 15);
}
END_TEST

/* ------------------------------------------------------------- tf.keras 2.x */

START_TEST(tf_keras_fault_an_unknown_number_of_batches_does_not_fail_at_a_resume)
{
    options.batches_unknown = true;
    options.callback.save_freq = 1;
    run_until_moment(&options, RUN_BATCH_TOLD, (uint64_t)_i, 0);
    assert_resumes(H5CKPT_OK, (uint64_t)_i, 1);
    ck_assert_uint_eq(run_count(RUN_BATCH, RUN_ALL_LIVES), run_undisturbed_batches(&options));
}
END_TEST

START_TEST(tf_keras_fault_a_resume_within_an_epoch_does_not_take_the_data_from_their_beginning)
{
    size_t count;
    size_t i = 0;

    options.batches = 6;
    options.callback.save_freq = 4;
    run_until_moment(&options, RUN_BATCH_TOLD, 1, 3);
    assert_resumes(H5CKPT_OK, 1, 2);
    const struct run_unit *unit = run_units(&count);
    while (unit[i].life == 0)
        i++;
    ck_assert_int_eq(unit[i].kind, RUN_BATCH);
    ck_assert_uint_eq(unit[i].epoch, 1);
    ck_assert_uint_eq(unit[i].batch, 2);
}
END_TEST

static struct run_point notice; /* when it is given */

static void give_notice(void *context, struct run_point point)
{
    (void)context;
    if (is_point(point, notice))
        raise(SIGTERM);
}

/* The life that is told, up to the hook that says so. */
static struct run_life live_until_notice(void)
{
    struct run_life life;

    signal(SIGTERM, SIG_DFL); /* libcheck has a handler of its own */
    options.callback.save_before_preemption = true;
    options.visit = give_notice;
    life = run_to_end(&options);
    options.visit = NULL;
    assert_status_message(life.stop_status, H5CKPT_STOP, life.message);
    return life;
}

/* There, whether the last step is saved or lost depends on who is faster. */
START_TEST(tf_keras_fault_a_notice_on_the_last_step_loses_nothing_and_nothing_is_done_twice)
{
    options.callback.save_freq = _i == 0 ? H5CKPT_EVERY_EPOCH : _i == 1 ? 1 : H5CKPT_NEVER;
    notice = (struct run_point){RUN_BATCH_DONE, 4, 2};
    ck_assert(is_point(live_until_notice().stopped, (struct run_point){RUN_BATCH_TOLD, 4, 2}));
    assert_stored(4, 3);
    assert_resumes(H5CKPT_OK, 4, 3); /* the epoch's end is what is left */
    ck_assert_uint_eq(run_count(RUN_BATCH, 1), 0);
    ck_assert_uint_eq(run_count(RUN_EPOCH_END, RUN_ALL_LIVES), 5);
}
END_TEST

/* There, no batch hook looks when saving by epoch: the whole epoch would have to fit into the notice. */
START_TEST(tf_keras_fault_batch_hooks_see_a_notice_when_saving_by_epoch)
{
    notice = (struct run_point){RUN_BATCH_DONE, 1, 0};
    ck_assert(is_point(live_until_notice().stopped, (struct run_point){RUN_BATCH_TOLD, 1, 0}));
    assert_stored(1, 1);
    assert_resumes(H5CKPT_OK, 1, 1);
    ck_assert_uint_eq(run_count(RUN_BATCH, RUN_ALL_LIVES), 15);
}
END_TEST

/* ----------------------------------------------------------------------- main */

static TCase *new_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, TIMEOUT_SECONDS);
    suite_add_tcase(suite, tests);
    return tests;
}

static void add_damage(Suite *suite)
{
    TCase *tests = new_case(suite, "damage");

    tcase_add_loop_test(tests, fault_1_damage_of_any_kind_anywhere_in_the_newest_state_falls_back, 0, COUNT(DAMAGE));
    tcase_add_loop_test(tests, fault_2_a_flipped_bit_or_zeroed_page_is_said_and_never_loaded, 0, 2);
    tcase_add_loop_test(tests, fault_3_no_single_file_torn_emptied_or_overwritten_stops_a_start, 0,
                        COUNT(OUR_FILES) * (COUNT(TORN) + 1));
    tcase_add_loop_test(
        tests, fault_3_a_lock_that_another_file_has_replaced_harms_no_state_and_is_moved_away_as_the_message_says, 0,
        COUNT(TORN));
    tcase_add_loop_test(tests, fault_4_a_passing_error_rolls_nothing_back_and_changes_nothing, 0, COUNT(PASSING));
    tcase_add_test(tests, fault_4_a_held_lock_is_told_and_nothing_is_rolled_back);
    tcase_add_test(tests, fault_8_without_any_weights_a_run_does_not_begin_and_says_what_is_lost);
    tcase_add_test(tests, fault_8_without_the_newest_weights_the_counters_are_those_of_the_previous_ones);
}

static void add_saves(Suite *suite)
{
    TCase *tests = new_case(suite, "saves");

    tcase_add_loop_test(tests, fault_5_a_save_that_fails_again_and_again_leaves_the_state_before_as_it_was, 0,
                        2 * COUNT(SAVE_FAILURE));
    tcase_add_loop_test(tests, fault_5_after_failed_saves_the_next_good_one_counts, 0, 2 * COUNT(SAVE_FAILURE));
    tcase_add_loop_test(tests, fault_6_no_hook_says_ok_for_a_save_that_could_not_be_flushed, 0, 2);
    tcase_add_loop_test(tests, fault_6_a_save_cut_short_anywhere_leaves_the_old_or_the_new_state_whole, 0, 4);
    tcase_add_loop_test(tests, fault_7_killed_anywhere_in_a_save_weights_and_counters_belong_together, 0, 4);
}

static void add_counters(Suite *suite)
{
    TCase *tests = new_case(suite, "counters");

    tcase_add_loop_test(tests, fault_9_a_second_crash_after_a_resume_stores_true_epoch_numbers, 0, 2);
    tcase_add_test(tests, fault_10_saving_as_often_as_an_epoch_has_batches_replays_no_epoch);
    tcase_add_loop_test(tests, fault_11_a_save_freq_of_false_0_or_less_is_refused_and_saves_nothing, 0, COUNT(NO_FREQ));
    tcase_add_test(tests, fault_11_never_is_a_value_of_its_own_and_saves_nothing);
    tcase_add_test(tests, fault_12_a_hook_that_covers_several_batches_counts_them_all);
    tcase_add_test(tests, fault_13_a_later_run_in_the_same_process_begins_at_its_own_beginning);
    tcase_add_test(tests, fault_13_a_run_in_another_directory_begins_at_its_own_beginning);
}

static void add_rest(Suite *suite)
{
    TCase *tests = new_case(suite, "rest");

    tcase_add_test(tests, fault_14_deleting_removes_ours_and_nothing_else);
    tcase_add_test(tests, fault_15_a_stop_because_of_a_nan_keeps_the_checkpoint);
    tcase_add_test(tests, fault_16_an_optimizer_that_does_not_match_is_an_error_that_names_it);
    tcase_add_test(tests, fault_16_what_does_match_is_not_loaded_either);
    tcase_add_loop_test(tests, fault_17_random_generator_and_position_in_the_data_are_those_of_the_saved_batch, 0, 15);
    tcase_add_loop_test(tests, tf_keras_fault_an_unknown_number_of_batches_does_not_fail_at_a_resume, 0, 5);
    tcase_add_test(tests, tf_keras_fault_a_resume_within_an_epoch_does_not_take_the_data_from_their_beginning);
    tcase_add_loop_test(tests, tf_keras_fault_a_notice_on_the_last_step_loses_nothing_and_nothing_is_done_twice, 0, 3);
    tcase_add_test(tests, tf_keras_fault_batch_hooks_see_a_notice_when_saving_by_epoch);
}

int main(void)
{
    Suite *suite = suite_create("keras faults");

    add_damage(suite);
    add_saves(suite);
    add_counters(suite);
    add_rest(suite);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
