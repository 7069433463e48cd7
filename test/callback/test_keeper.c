/* SPDX-License-Identifier: MIT */
/*
 * The callback's milestones: kept at the end of every so many epochs, over all lives, and the oldest of them removed.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "callback/run.h"
#include "recovery/kept_best.h"
#include "storage/system.h"
#include "support/assert_h5ckpt.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/suite.h"

enum { TIMEOUT_SECONDS = 120 };

static struct run_options options;

static void setup(void)
{
    faults_clear();
    fixture_setup();
    run_setup();
    options = run_options_default();
    options.callback.milestones.every_epochs = 2;
}

static void teardown(void)
{
    faults_clear();
    run_teardown();
    fixture_teardown();
}

struct found {
    char text[512]; /* "name epoch.batch;…", the oldest first */
};

static void note(void *context, const struct h5ckpt_milestone *milestone)
{
    struct found *found = context;
    const size_t length = strlen(found->text);

    snprintf(found->text + length, sizeof found->text - length, "%s %s%d.%d;", milestone->name,
             milestone->state == H5CKPT_SLOT_INTACT ? "" : "not intact ", (int)milestone->progress.epoch,
             (int)milestone->progress.batch);
}

/* In the backup directory, as somebody beside the run finds them; every byte read. */
static struct found find(void)
{
    h5ckpt_state *nothing = h5ckpt_state_new();
    struct h5ckpt_options read_only = h5ckpt_options_default();
    struct found found = {""};
    h5ckpt_store *store;

    read_only.mode = H5CKPT_READ_ONLY;
    assert_status(h5ckpt_open(&store, fixture_backup, nothing, &read_only), H5CKPT_OK);
    assert_status(h5ckpt_list_milestones(store, H5CKPT_ALL_BYTES, note, &found), H5CKPT_OK);
    h5ckpt_close(store);
    h5ckpt_state_free(nothing);
    return found;
}

#define assert_milestones(expected) ck_assert_str_eq(find().text, (expected))

static void delete_checkpoint(void)
{
    h5ckpt_state *nothing = h5ckpt_state_new();
    h5ckpt_store *store;

    assert_status(h5ckpt_open(&store, fixture_backup, nothing, NULL), H5CKPT_OK);
    assert_status_message(h5ckpt_delete(store), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
    h5ckpt_state_free(nothing);
}

static void roll_back(const char *name)
{
    h5ckpt_state *nothing = h5ckpt_state_new();
    h5ckpt_store *store;

    assert_status(h5ckpt_open(&store, fixture_backup, nothing, NULL), H5CKPT_OK);
    assert_status_message(h5ckpt_roll_back(store, name), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
    h5ckpt_state_free(nothing);
}

/* -------------------------------------------------------------------------- when */

/* _i: index of a save mode of a loop that calls no fence */
static const enum h5ckpt_save_mode MODE[] = {H5CKPT_SAVE_SYNCHRONOUS, H5CKPT_SAVE_STAGED, H5CKPT_SAVE_FORKED};

enum { MODE_COUNT = sizeof MODE / sizeof *MODE };

START_TEST(every_second_epoch_is_kept_and_outlives_the_checkpoint)
{
    options.callback.store.save_mode = MODE[_i];
    assert_as_undisturbed(run_to_end(&options), &options);
    assert_milestones("epoch-2 2.0;epoch-4 4.0;");
    ck_assert(!file_exists(in_backup("slot-a.h5")) && !file_exists(in_backup("slot-b.h5")));
    ck_assert(file_exists(in_backup("lock")));
}
END_TEST

START_TEST(a_milestone_is_saved_though_nothing_else_is_due)
{
    size_t count;

    options.callback.save_freq = H5CKPT_NEVER;
    assert_as_undisturbed(run_to_end(&options), &options);
    assert_milestones("epoch-2 2.0;epoch-4 4.0;");
    run_saves(&count);
    ck_assert_uint_eq(count, 2);
}
END_TEST

START_TEST(the_last_so_many_are_kept)
{
    options.callback.milestones.every_epochs = 1;
    options.callback.milestones.keep_last = (unsigned)_i;
    assert_as_undisturbed(run_to_end(&options), &options);
    assert_milestones(_i == 1   ? "epoch-5 5.0;"
                      : _i == 2 ? "epoch-4 4.0;epoch-5 5.0;"
                                : "epoch-3 3.0;epoch-4 4.0;epoch-5 5.0;");
}
END_TEST

/* A milestone of a branch that was left is older than what is kept now, whatever its number says. */
START_TEST(the_last_ones_are_those_saved_last)
{
    options.callback.milestones.keep_last = 2;
    options.callback.delete_checkpoint = false;
    run_to_end(&options);
    assert_milestones("epoch-2 2.0;epoch-4 4.0;");
    roll_back("epoch-2");
    options.callback.milestones.every_epochs = 3;
    assert_as_undisturbed(run_to_end(&options), &options);
    assert_milestones("epoch-4 4.0;epoch-3 3.0;");
}
END_TEST

START_TEST(only_milestones_that_the_callback_named_are_removed)
{
    options.callback.milestones.every_epochs = 1;
    options.callback.milestones.keep_last = 1;
    options.callback.delete_checkpoint = false;
    options.end_after_epochs = 1;
    options.end_reason = H5CKPT_FAILED;
    run_to_end(&options);
    h5ckpt_state *nothing = h5ckpt_state_new();
    h5ckpt_store *store;
    assert_status(h5ckpt_open(&store, fixture_backup, nothing, NULL), H5CKPT_OK);
    assert_status(h5ckpt_start_over(store), H5CKPT_OK); /* then its base is the newest state */
    assert_status(h5ckpt_keep(store, "best"), H5CKPT_OK);
    assert_status(h5ckpt_keep(store, "epoch-"), H5CKPT_OK);
    assert_status(h5ckpt_keep(store, "epoch-1a"), H5CKPT_OK);
    h5ckpt_close(store);
    h5ckpt_state_free(nothing);
    file_replace(in_backup("milestone-epoch-0.h5"), "my own", 6);
    options.end_after_epochs = 0;
    assert_as_undisturbed(run_to_end(&options), &options);
    ck_assert(file_holds(in_backup("milestone-epoch-0.h5"), "my own"));
    assert_milestones("epoch-0 not intact 0.0;best 1.0;epoch- 1.0;epoch-1a 1.0;epoch-5 5.0;");
}
END_TEST

/* ------------------------------------------------------------------ lives, branches */

/* _i: the moment of the crash, in epoch 1, whose end is kept */
START_TEST(epochs_are_counted_over_all_lives)
{
    static const enum run_moment MOMENT[] = {RUN_BATCH_TOLD, RUN_EPOCH_DONE, RUN_EPOCH_TOLD};

    run_until_moment(&options, MOMENT[_i], 1, 0);
    assert_as_undisturbed(run_to_end(&options), &options);
    assert_milestones("epoch-2 2.0;epoch-4 4.0;");
}
END_TEST

START_TEST(a_run_rolled_back_to_a_milestone_ends_as_one_that_nobody_disturbed)
{
    run_until_moment(&options, RUN_BATCH_TOLD, 4, 1);
    roll_back("epoch-2");
    const struct run_life life = run_to_end(&options);
    assert_position(life.next, 2, 0);
    assert_as_undisturbed(life, &options);
}
END_TEST

START_TEST(a_finished_run_is_gone_back_to_by_a_milestone)
{
    run_to_end(&options);
    roll_back("epoch-4");
    const struct run_life life = run_to_end(&options);
    assert_position(life.next, 4, 0);
    assert_as_undisturbed(life, &options);
}
END_TEST

/* -------------------------------------------------------------------- what may fail */

static int refuse_link(int directory, const char *from, const char *to)
{
    if (strncmp(to, "milestone", 9) != 0)
        return system_kernel.link_at(directory, from, to);
    errno = EIO;
    return -1;
}

START_TEST(a_milestone_that_cannot_be_kept_is_the_hooks_failure_and_training_goes_on)
{
    static struct system_calls calls;

    calls = *system_calls;
    calls.link_at = refuse_link;
    system_calls = &calls;
    const struct run_life life = run_here(&options);
    ck_assert(life.ended);
    ck_assert_uint_eq(life.failure_count, 2);
    assert_status(life.failure, H5CKPT_E_IO);
    assert_mentions(life.message, "milestone");
    ck_assert_uint_eq(life.digest, run_undisturbed_digest(&options));
    faults_clear();
    assert_milestones("");
}
END_TEST

START_TEST(where_the_save_fails_no_older_state_is_kept_in_its_stead)
{
    options.callback.store.save_mode = MODE[_i];
    options.callback.delete_checkpoint = false;
    options.callback.milestones.every_epochs = 3;
    run_until_moment(&options, RUN_EPOCH_TOLD, 1, 0);
    faults_set((struct faults){.calls = FAULT_WRITE, .name = "slot-", .count = FAULTS_FOR_EVER, .error = EIO});
    const struct run_life life = run_here(&options);
    ck_assert(life.ended && faults_hit());
    assert_status(life.failure, H5CKPT_E_IO);
    faults_clear();
    assert_milestones("");
}
END_TEST

/*
 * What the hook itself has saved needs no fence: the program's memory cannot change within it. _i: what the last batch
 * has saved does, and is given up.
 */
START_TEST(a_fenced_save_is_kept_within_its_hook)
{
    struct h5ckpt_callback_options fenced = options.callback;
    h5ckpt_state *state = h5ckpt_state_new();
    static uint64_t value[40000]; /* more than is copied at once */
    h5ckpt_callback *callback;
    struct h5ckpt_progress next;

    h5ckpt_add(state, "value", H5CKPT_UINT64, 1, (const uint64_t[]){40000}, value);
    fenced.store.save_mode = H5CKPT_SAVE_FENCED;
    fenced.save_freq = _i == 0 ? H5CKPT_NEVER : 1;
    fenced.milestones = (struct h5ckpt_milestones){.every_epochs = 1, .keep_last = 2};
    assert_status(h5ckpt_callback_new(&callback, state, &fenced), H5CKPT_OK);
    assert_status(h5ckpt_on_train_begin(callback, &next, NULL), H5CKPT_NO_CHECKPOINT);
    for (uint64_t epoch = 0; epoch < 4; epoch++) {
        assert_status(h5ckpt_on_epoch_begin(callback, epoch), H5CKPT_OK);
        value[epoch] = epoch;
        assert_status(h5ckpt_on_train_batch_end(callback, 0), H5CKPT_OK);
        assert_status_message(h5ckpt_on_epoch_end(callback, epoch), _i == 0 ? H5CKPT_OK : H5CKPT_E_ARGUMENT,
                              h5ckpt_callback_message(callback));
        ck_assert(_i == 0 || strstr(h5ckpt_callback_message(callback), "h5ckpt_fence() was not called") != NULL);
    }
    assert_milestones("epoch-3 3.0;epoch-4 4.0;");
    h5ckpt_callback_free(callback);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(a_save_in_flight_does_not_have_the_milestones_skipped)
{
    options.callback.store.save_mode = H5CKPT_SAVE_STAGED;
    options.callback.store.background.skip_if_busy = true;
    options.callback.save_freq = 1;
    const struct run_life life = run_to_end(&options);
    ck_assert(life.ended && life.failure_count == 0);
    assert_milestones("epoch-2 2.0;epoch-4 4.0;");
}
END_TEST

static bool epoch_done;

static void note_epoch_done(void *context, struct run_point point)
{
    (void)context;
    epoch_done |= point.moment == RUN_EPOCH_DONE;
}

static bool is_epoch_done(void *context)
{
    (void)context;
    return epoch_done;
}

START_TEST(told_to_stop_at_the_epochs_end_it_is_kept_all_the_same)
{
    options.callback.save_before_preemption = true;
    options.callback.milestones.every_epochs = 1;
    options.callback.save_freq = 1;
    run_until_moment(&options, RUN_BATCH_TOLD, 0, 2); /* what is left of epoch 0 is its end */
    options.callback.save_freq = H5CKPT_NEVER;
    options.steps_per_execution = 3;
    options.callback.preemption.should_stop = is_epoch_done;
    options.visit = note_epoch_done;
    epoch_done = false;
    const struct run_life life = run_anyhow(&options);
    ck_assert(life.stop_status == H5CKPT_STOP);
    ck_assert_int_eq(life.stopped.moment, RUN_EPOCH_TOLD);
    assert_milestones("epoch-1 1.0;");
}
END_TEST

/* ---------------------------------------------------------------------------- best */

static struct h5ckpt_callback_options best_options(void)
{
    struct h5ckpt_callback_options best = options.callback;

    best.save_freq = H5CKPT_NEVER;
    best.delete_checkpoint = false;
    best.monitor = "loss";
    best.milestones = (struct h5ckpt_milestones){.best = true};
    return best;
}

/* A life of epochs with these losses; the counters are all that it has. How many of their ends failed? */
static unsigned live_with_losses(const struct h5ckpt_callback_options *best, const double *loss, uint64_t count)
{
    h5ckpt_state *state = h5ckpt_state_new();
    uint64_t value = 0;
    unsigned failure_count = 0;
    h5ckpt_callback *callback;
    struct h5ckpt_progress next;

    h5ckpt_add(state, "value", H5CKPT_UINT64, 0, NULL, &value);
    assert_status(h5ckpt_callback_new(&callback, state, best), H5CKPT_OK);
    ck_assert_int_ge(h5ckpt_on_train_begin(callback, &next, NULL), 0);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t epoch = next.epoch + i;
        assert_status(h5ckpt_on_epoch_begin(callback, epoch), H5CKPT_OK);
        value = epoch;
        assert_status(h5ckpt_on_train_batch_end(callback, 0), H5CKPT_OK);
        assert_status(h5ckpt_log(callback, "other", -loss[i]), H5CKPT_OK);
        assert_status(h5ckpt_log(callback, "loss", loss[i]), H5CKPT_OK);
        failure_count += h5ckpt_on_epoch_end(callback, epoch) < 0;
    }
    h5ckpt_callback_free(callback);
    h5ckpt_state_free(state);
    return failure_count;
}

/* _i: index of a save mode */
START_TEST(the_best_state_so_far_is_kept_and_no_later_one_that_is_as_good)
{
    struct h5ckpt_callback_options best = best_options();

    best.store.save_mode = MODE[_i];
    ck_assert_uint_eq(live_with_losses(&best, (const double[]){NAN, 3, 5, 2, 2, NAN, 4}, 7), 0);
    assert_milestones("best 4.0;");
}
END_TEST

START_TEST(the_larger_value_may_be_the_better_one)
{
    struct h5ckpt_callback_options best = best_options();

    best.monitor_better = H5CKPT_LARGER_IS_BETTER;
    ck_assert_uint_eq(live_with_losses(&best, (const double[]){3, 5, 2}, 3), 0);
    assert_milestones("best 2.0;");
}
END_TEST

START_TEST(a_life_does_not_take_its_own_best_for_the_best_of_all)
{
    struct h5ckpt_callback_options best = best_options();

    best.save_freq = H5CKPT_EVERY_EPOCH;
    ck_assert_uint_eq(live_with_losses(&best, (const double[]){3, 2}, 2), 0);
    ck_assert_uint_eq(live_with_losses(&best, (const double[]){5, 4, 3}, 3), 0);
    assert_milestones("best 2.0;");
    ck_assert_uint_eq(live_with_losses(&best, (const double[]){1, 4}, 2), 0);
    assert_milestones("best 6.0;");
}
END_TEST

/* The best there was could not be kept: what is kept counts for what it is itself, in this life and in the next. */
START_TEST(what_could_not_be_kept_need_not_be_beaten)
{
    struct h5ckpt_callback_options best = best_options();

    faults_set((struct faults){.calls = FAULT_LINK, .name = "milestone", .first = 1, .count = 1, .error = EIO});
    ck_assert_uint_eq(live_with_losses(&best, (const double[]){3, 1, 2}, 3), 1);
    ck_assert(faults_hit());
    faults_clear();
    assert_milestones("best 3.0;");
    ck_assert_uint_eq(live_with_losses(&best, (const double[]){1.5}, 1), 0);
    assert_milestones("best 4.0;");
}
END_TEST

/* A device that cannot read it is no reason not to train. */
START_TEST(a_best_that_cannot_be_read_holds_up_nobody)
{
    struct h5ckpt_callback_options best = best_options();

    best.save_freq = H5CKPT_EVERY_EPOCH;
    ck_assert_uint_eq(live_with_losses(&best, (const double[]){3, 1, 2}, 3), 0);
    assert_milestones("best 2.0;");
    faults_set(
        (struct faults){.calls = FAULT_READ, .name = "milestone", .first = 2, .count = FAULTS_FOR_EVER, .error = EIO});
    ck_assert_uint_eq(live_with_losses(&best, (const double[]){2}, 1), 0);
    ck_assert(faults_hit());
    faults_clear();
    assert_milestones("best 2.0;");
}
END_TEST

/* ---------------------------------------------------- how good the one is that is kept */

static h5ckpt_store *open_with(h5ckpt_state **state, uint64_t *value)
{
    h5ckpt_store *store;

    *state = h5ckpt_state_new();
    h5ckpt_add(*state, "value", H5CKPT_UINT64, 0, NULL, value);
    assert_status(h5ckpt_open(&store, fixture_backup, *state, NULL), H5CKPT_OK);
    ck_assert_int_ge(h5ckpt_restore(store, NULL, NULL), 0);
    return store;
}

/* Losses 3, 1 and NaN: "best" is the second state, "last" the third. */
static h5ckpt_store *keep_best_and_last(h5ckpt_state **state, uint64_t *value)
{
    struct h5ckpt_callback_options best = best_options();

    best.save_freq = H5CKPT_EVERY_EPOCH;
    ck_assert_uint_eq(live_with_losses(&best, (const double[]){3, 1, NAN}, 3), 0);
    h5ckpt_store *store = open_with(state, value);
    assert_status_message(h5ckpt_keep(store, "last"), H5CKPT_OK, h5ckpt_message(store));
    return store;
}

static h5ckpt_status ask(h5ckpt_store *store, const char *name, const char *log, struct h5ckpt_best *best)
{
    struct error error = ERROR_NONE;
    const h5ckpt_status status = kept_best(store, name, log, H5CKPT_SMALLER_IS_BETTER, best, &error);

    ck_assert_int_eq(error.status, status < 0 ? status : H5CKPT_OK);
    error_clear(&error);
    return status;
}

START_TEST(a_milestone_is_as_good_as_its_own_row_and_else_as_the_best_one_before)
{
    h5ckpt_state *state;
    uint64_t value;
    h5ckpt_store *store = keep_best_and_last(&state, &value);
    struct h5ckpt_best best;

    assert_status(ask(store, "best", "loss", &best), H5CKPT_OK);
    ck_assert(best.known && best.value == 1 && best.at.epoch == 2);
    assert_status(ask(store, "best", "other", &best), H5CKPT_OK);
    ck_assert(best.known && best.value == -1 && best.at.epoch == 2); /* though -3 was better */
    assert_status(ask(store, "last", "loss", &best), H5CKPT_OK);
    ck_assert(best.known && best.value == 1 && best.at.epoch == 2); /* its own is NaN */
    assert_status(ask(store, "best", "no such log", &best), H5CKPT_OK);
    ck_assert(!best.known);
    assert_status(ask(store, "no-such-milestone", "loss", &best), H5CKPT_OK);
    ck_assert(!best.known);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

static void remove_best(void *context)
{
    (void)context;
    file_remove(in_backup("milestone-best.h5"));
}

/* _i: what is wrong at any call */
START_TEST(a_kept_state_that_is_unreadable_damaged_or_gone_need_not_be_beaten)
{
    static const struct faults FAULT[] = {{.count = 1, .error = EIO},
                                          {.count = FAULTS_FOR_EVER, .error = EIO},
                                          {.count = 1, .error = EACCES},
                                          {.count = 1, .before = remove_best}};
    struct faults faults = FAULT[_i];
    struct h5ckpt_best best;
    bool hit = true;

    faults.calls = FAULT_OPEN | FAULT_READ;
    faults.name = "milestone-best";
    for (; hit; faults.first++) {
        h5ckpt_state *state;
        uint64_t value;
        h5ckpt_store *store = keep_best_and_last(&state, &value);
        faults_set(faults);
        const h5ckpt_status status = ask(store, "best", "loss", &best);
        hit = faults_hit();
        faults_clear();
        ck_assert_msg(status == H5CKPT_OK || (FAULT[_i].error == EACCES && hit && status == H5CKPT_E_PERMISSION),
                      "call %ld: %s", faults.first, h5ckpt_status_name(status));
        if (!hit || (FAULT[_i].error == EIO && FAULT[_i].count == 1)) /* it must persist */
            ck_assert(best.known && best.value == 1);
        if (hit && FAULT[_i].error != 0 && FAULT[_i].count != 1)
            ck_assert(!best.known);
        h5ckpt_close(store);
        h5ckpt_state_free(state);
        fixture_clear_backup();
        ck_assert_int_lt(faults.first, 100);
    }
    ck_assert_int_gt(faults.first, 4);
}
END_TEST

START_TEST(a_kept_state_with_a_damaged_history_need_not_be_beaten)
{
    h5ckpt_state *state;
    uint64_t value;
    struct h5ckpt_best best;
    h5ckpt_store *store = keep_best_and_last(&state, &value);
    const char *path = in_backup("milestone-best.h5");

    for (uint64_t byte = 4096 + 3; byte < file_bytes(path) - 8192; byte += 65536)
        file_flip_bit(path, 8 * byte);
    assert_status(ask(store, "best", "loss", &best), H5CKPT_OK);
    ck_assert(!best.known);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

/* _i: damaged, or unreadable at one call */
START_TEST(a_best_that_cannot_be_read_does_not_hide_that_the_restore_fell_back)
{
    struct h5ckpt_callback_options best = best_options();
    h5ckpt_state *state = h5ckpt_state_new();
    struct h5ckpt_progress next;
    h5ckpt_callback *callback;
    uint64_t value;

    best.save_freq = H5CKPT_EVERY_EPOCH;
    ck_assert_uint_eq(live_with_losses(&best, (const double[]){3, 1, 2, 2, 2}, 5), 0);
    file_flip_bit(in_backup(slot_of_epoch(5)), 8 * 100); /* its record */
    if (_i == 0)
        file_flip_bit(in_backup("milestone-best.h5"), 8 * 5000);
    h5ckpt_add(state, "value", H5CKPT_UINT64, 0, NULL, &value);
    assert_status(h5ckpt_callback_new(&callback, state, &best), H5CKPT_OK);
    if (_i > 0)
        faults_set(
            (struct faults){.calls = FAULT_READ, .name = "milestone-best", .first = _i - 1, .count = 1, .error = EIO});
    assert_status(h5ckpt_on_train_begin(callback, &next, NULL), H5CKPT_FELL_BACK);
    faults_clear();
    ck_assert_uint_eq(next.epoch, 4);
    assert_mentions(h5ckpt_callback_message(callback), "fell back to");
    h5ckpt_callback_free(callback);
    h5ckpt_state_free(state);
}
END_TEST

/* The checkpoint is gone, with its history; what was kept tells how good it is. */
START_TEST(after_a_finished_run_a_worse_one_does_not_replace_the_best)
{
    struct h5ckpt_callback_options best = best_options();

    ck_assert_uint_eq(live_with_losses(&best, (const double[]){3, 0.5, 2}, 3), 0);
    delete_checkpoint();
    ck_assert_uint_eq(live_with_losses(&best, (const double[]){9, 0.5}, 2), 0);
    assert_milestones("best 2.0;");
    ck_assert_uint_eq(live_with_losses(&best, (const double[]){0.25}, 1), 0);
    assert_milestones("best 1.0;");
}
END_TEST

START_TEST(after_a_roll_back_only_what_beats_the_best_replaces_it)
{
    struct h5ckpt_callback_options best = best_options();

    best.milestones.every_epochs = 2;
    ck_assert_uint_eq(live_with_losses(&best, (const double[]){3, 2, 0.5, 2}, 4), 0);
    assert_milestones("epoch-2 2.0;best 3.0;epoch-4 4.0;");
    roll_back("epoch-2");
    ck_assert_uint_eq(live_with_losses(&best, (const double[]){1.9}, 1), 0);
    assert_milestones("epoch-2 2.0;best 3.0;epoch-4 4.0;");
    ck_assert_uint_eq(live_with_losses(&best, (const double[]){0.25}, 1), 0);
    assert_milestones("epoch-2 2.0;epoch-4 4.0;best 3.0;");
}
END_TEST

static void die_when_durable(void *context, const struct h5ckpt_event *event)
{
    (void)context;
    if (event->kind == H5CKPT_EVENT_DURABLE && event->progress.epoch == 4)
        _exit(EXIT_SUCCESS);
}

/* The state is there, and not kept yet: the life that goes on from it keeps it. */
START_TEST(what_a_life_had_no_time_to_keep_the_next_one_keeps)
{
    struct h5ckpt_callback_options best = best_options();
    int status;

    best.milestones.every_epochs = 2;
    fflush(NULL);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        best.store.event = die_when_durable;
        live_with_losses(&best, (const double[]){3, 2, 5, 1}, 4);
        _exit(EXIT_FAILURE);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
    assert_milestones("best 2.0;epoch-2 2.0;");
    ck_assert_uint_eq(live_with_losses(&best, NULL, 0), 0);
    assert_milestones("epoch-2 2.0;best 4.0;epoch-4 4.0;");
}
END_TEST

START_TEST(one_state_may_be_kept_by_both_names)
{
    struct h5ckpt_callback_options best = best_options();

    best.milestones = (struct h5ckpt_milestones){.every_epochs = 2, .keep_last = 1, .best = true};
    ck_assert_uint_eq(live_with_losses(&best, (const double[]){4, 3, 2, 1}, 4), 0);
    assert_milestones("best 4.0;epoch-4 4.0;");
}
END_TEST

/* A row that a batch ends, in a loop without epochs; steps without the log keep nothing. */
START_TEST(a_step_may_have_the_best_value)
{
    const struct h5ckpt_callback_options best = best_options();
    h5ckpt_state *state = h5ckpt_state_new();
    uint64_t value = 0;
    h5ckpt_callback *callback;
    struct h5ckpt_progress next;

    h5ckpt_add(state, "value", H5CKPT_UINT64, 0, NULL, &value);
    assert_status(h5ckpt_callback_new(&callback, state, &best), H5CKPT_OK);
    assert_status(h5ckpt_on_train_begin(callback, &next, NULL), H5CKPT_NO_CHECKPOINT);
    for (value = 0; value < 30; value++) {
        if (value % 10 == 9)
            assert_status(h5ckpt_log(callback, "loss", value == 19 ? 1 : 2), H5CKPT_OK);
        assert_status_message(h5ckpt_step(callback, value), H5CKPT_OK, h5ckpt_callback_message(callback));
    }
    h5ckpt_callback_free(callback);
    h5ckpt_state_free(state);
    assert_milestones("best 0.20;");
}
END_TEST

/* ------------------------------------------------------------------------- options */

START_TEST(options_that_would_keep_nothing_are_refused)
{
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_callback *callback;
    struct h5ckpt_progress next;

    options.callback.milestones = (struct h5ckpt_milestones){.keep_last = 3};
    assert_status(h5ckpt_callback_new(&callback, state, &options.callback), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_callback_message(callback), "every_epochs is 0");
    h5ckpt_callback_free(callback);
    options.callback.milestones = (struct h5ckpt_milestones){.best = true};
    assert_status(h5ckpt_callback_new(&callback, state, &options.callback), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_callback_message(callback), "monitor names no log");
    h5ckpt_callback_free(callback);
    options.callback.monitor = "epoch";
    assert_status(h5ckpt_callback_new(&callback, state, &options.callback), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_callback_message(callback), "column of h5ckpt's own");
    h5ckpt_callback_free(callback);
    options.callback.monitor = NULL;
    options.callback.milestones = (struct h5ckpt_milestones){.every_epochs = 3};
    options.callback.save_freq = 5;
    assert_status(h5ckpt_callback_new(&callback, state, &options.callback), H5CKPT_OK);
    assert_status(h5ckpt_on_train_begin(callback, &next, NULL), H5CKPT_NO_CHECKPOINT);
    assert_status(h5ckpt_step(callback, 0), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_callback_message(callback), "milestones.every_epochs");
    h5ckpt_callback_free(callback);
    h5ckpt_state_free(state);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keeper");
    TCase *tcase = tcase_create("keeper");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_loop_test(tcase, every_second_epoch_is_kept_and_outlives_the_checkpoint, 0, MODE_COUNT);
    tcase_add_test(tcase, a_milestone_is_saved_though_nothing_else_is_due);
    tcase_add_loop_test(tcase, the_last_so_many_are_kept, 1, 4);
    tcase_add_test(tcase, the_last_ones_are_those_saved_last);
    tcase_add_test(tcase, only_milestones_that_the_callback_named_are_removed);
    tcase_add_loop_test(tcase, epochs_are_counted_over_all_lives, 0, 3);
    tcase_add_test(tcase, a_run_rolled_back_to_a_milestone_ends_as_one_that_nobody_disturbed);
    tcase_add_test(tcase, a_finished_run_is_gone_back_to_by_a_milestone);
    tcase_add_test(tcase, a_milestone_that_cannot_be_kept_is_the_hooks_failure_and_training_goes_on);
    tcase_add_loop_test(tcase, where_the_save_fails_no_older_state_is_kept_in_its_stead, 0, MODE_COUNT);
    tcase_add_loop_test(tcase, a_fenced_save_is_kept_within_its_hook, 0, 2);
    tcase_add_test(tcase, a_save_in_flight_does_not_have_the_milestones_skipped);
    tcase_add_test(tcase, told_to_stop_at_the_epochs_end_it_is_kept_all_the_same);
    tcase_add_loop_test(tcase, the_best_state_so_far_is_kept_and_no_later_one_that_is_as_good, 0, MODE_COUNT);
    tcase_add_test(tcase, the_larger_value_may_be_the_better_one);
    tcase_add_test(tcase, a_life_does_not_take_its_own_best_for_the_best_of_all);
    tcase_add_test(tcase, what_could_not_be_kept_need_not_be_beaten);
    tcase_add_loop_test(tcase, a_best_that_cannot_be_read_does_not_hide_that_the_restore_fell_back, 0, 9);
    tcase_add_test(tcase, a_milestone_is_as_good_as_its_own_row_and_else_as_the_best_one_before);
    tcase_add_loop_test(tcase, a_kept_state_that_is_unreadable_damaged_or_gone_need_not_be_beaten, 0, 4);
    tcase_add_test(tcase, a_kept_state_with_a_damaged_history_need_not_be_beaten);
    tcase_add_test(tcase, a_best_that_cannot_be_read_holds_up_nobody);
    tcase_add_test(tcase, after_a_finished_run_a_worse_one_does_not_replace_the_best);
    tcase_add_test(tcase, after_a_roll_back_only_what_beats_the_best_replaces_it);
    tcase_add_test(tcase, what_a_life_had_no_time_to_keep_the_next_one_keeps);
    tcase_add_test(tcase, one_state_may_be_kept_by_both_names);
    tcase_add_test(tcase, a_step_may_have_the_best_value);
    tcase_add_test(tcase, options_that_would_keep_nothing_are_refused);
    suite_add_tcase(suite, tcase);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
