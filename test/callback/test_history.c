/* SPDX-License-Identifier: MIT */
/*
 * What a training loop logs: rows that go on over restarts, wherever a life ends; in slots of every capacity; on a disk
 * that has no room for more.
 *
 * A life is a callback. One that is freed without an end leaves what a kill leaves, but for files half written, which
 * test/crash looks at.
 */
#include <errno.h>
#include <hdf5.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
#include "state/state.h"
#include "storage/store.h"
#include "support/assert_h5ckpt.h"
#include "support/fail_malloc.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { MODE_COUNT = H5CKPT_SAVE_FORKED + 1, WEIGHT_COUNT = 40000 /* several blocks */ };

/* ------------------------------------------------------------------- the program */

struct program {
    uint64_t epochs;
    uint64_t batches;
    uint64_t dies_after; /* so many batches in all; UINT64_MAX: does not */
    uint64_t patience;   /* 0: no early stopping */
    void (*log)(h5ckpt_callback *callback, const struct program *program);
    struct h5ckpt_callback_options options;
};

static struct program program;
static double weights[WEIGHT_COUNT];
static struct h5ckpt_progress done; /* what the loop has finished */
static h5ckpt_state *state;
static h5ckpt_callback *callback;
static struct h5ckpt_report report;
static bool in_epoch;
static h5ckpt_status last_save; /* what the last hook that is no OK said */
static char last_message[2048];
static unsigned told_full;
static unsigned told_refused;
static _Atomic unsigned told_failed;

static void hear(void *context, const struct h5ckpt_event *event)
{
    (void)context;
    if (event->kind == H5CKPT_EVENT_SAVE_FAILED)
        told_failed++;
    if (event->kind == H5CKPT_EVENT_HISTORY) /* others come from threads */
        told_full++;
    if (event->kind == H5CKPT_EVENT_HOOK_REFUSED)
        told_refused++;
}

static double loss_now(void)
{
    return weights[0] / 1024 + weights[WEIGHT_COUNT - 1];
}

/* A log of every batch, one that comes late, and one of every epoch. */
static void log_some(h5ckpt_callback *to, const struct program *of)
{
    assert_status(h5ckpt_log(to, "loss", loss_now()), H5CKPT_OK);
    if (done.step >= 5 && done.step % 2 == 0)
        assert_status(h5ckpt_log(to, "late", -loss_now()), H5CKPT_OK);
    if (done.batch + 1 == of->batches)
        assert_status(h5ckpt_log(to, "val/größe", (double)done.epoch), H5CKPT_OK);
}

static void change_weights(void)
{
    for (size_t i = 0; i < WEIGHT_COUNT; i += WEIGHT_COUNT - 1)
        weights[i] = weights[i] * 0.75 + (double)(done.step % 7) + (double)i;
}

static void heed(h5ckpt_status status)
{
    if (status != H5CKPT_OK) {
        last_save = status;
        snprintf(last_message, sizeof last_message, "%s", h5ckpt_callback_message(callback));
    }
}

static void setup(void)
{
    faults_clear();
    fixture_setup();
    program = (struct program){.epochs = 4,
                               .batches = 5,
                               .dies_after = UINT64_MAX,
                               .log = log_some,
                               .options = h5ckpt_callback_options_default()};
    program.options.backup_dir = fixture_backup;
    program.options.save_freq = 3;
    program.options.store.event = hear;
    state = h5ckpt_state_new();
    h5ckpt_add(state, "weights", H5CKPT_FLOAT64, 1, (const uint64_t[]){WEIGHT_COUNT}, weights);
    told_full = told_refused = 0;
    told_failed = 0;
    last_save = H5CKPT_OK;
}

static void die(void)
{
    h5ckpt_callback_free(callback);
    callback = NULL;
}

static void teardown(void)
{
    faults_clear();
    die();
    h5ckpt_state_free(state);
    fixture_teardown();
}

static void begin(void)
{
    memset(weights, 0, sizeof weights);
    assert_status_message(h5ckpt_callback_new(&callback, state, &program.options), H5CKPT_OK,
                          h5ckpt_callback_message(callback));
    in_epoch = false;
    h5ckpt_status status = h5ckpt_on_train_begin(callback, &done, &report);
    ck_assert_msg(status >= 0, "%s", h5ckpt_callback_message(callback));
}

static void fence(void)
{
    assert_status(h5ckpt_fence(h5ckpt_callback_store(callback)), H5CKPT_OK);
}

static void do_batch(void)
{
    fence();
    change_weights();
    program.log(callback, &program);
    heed(h5ckpt_on_train_batch_end(callback, done.batch));
    done.batch++;
    done.step++;
}

static bool is_out_of_patience(void)
{
    struct h5ckpt_best best;

    assert_status(h5ckpt_history_best(callback, "val_loss", H5CKPT_SMALLER_IS_BETTER, &best), H5CKPT_OK);
    return program.patience != 0 && best.known && best.rows_since >= program.patience;
}

/* Train on to the end of the work, or of this life: then the callback is still there. */
static void train(void)
{
    while (done.epoch < program.epochs && done.step < program.dies_after && !is_out_of_patience()) {
        if (!in_epoch)
            heed(h5ckpt_on_epoch_begin(callback, done.epoch));
        in_epoch = true;
        while (done.batch < program.batches) {
            if (done.step >= program.dies_after)
                return;
            do_batch();
        }
        heed(h5ckpt_on_epoch_end(callback, done.epoch));
        in_epoch = false;
        done.epoch++;
        done.batch = 0;
    }
}

static void live(void)
{
    begin();
    train();
    h5ckpt_wait(h5ckpt_callback_store(callback));
}

/* --------------------------------------------------------------- a history, kept */

struct kept {
    size_t log_count;
    uint64_t row_count;
    char name[8][32];
    double *value[8];
    uint64_t *position[3];
};

static void *copy_of(const void *bytes, size_t byte_count)
{
    void *copy = malloc(byte_count + 1);

    ck_assert_ptr_nonnull(copy);
    return byte_count == 0 ? copy : memcpy(copy, bytes, byte_count);
}

static void keep(void *context, const struct h5ckpt_history *history)
{
    struct kept *kept = context;
    const uint64_t *const position[] = {history->epoch, history->batch, history->step};
    const size_t byte_count = (size_t)history->row_count * 8;

    *kept = (struct kept){.log_count = history->log_count, .row_count = history->row_count};
    ck_assert_uint_le(history->log_count, COUNT(kept->name));
    for (size_t i = 0; i < history->log_count; i++) {
        snprintf(kept->name[i], sizeof kept->name[i], "%s", history->name[i]);
        kept->value[i] = copy_of(history->value[i], byte_count);
    }
    for (size_t i = 0; i < 3; i++)
        kept->position[i] = copy_of(position[i], byte_count);
}

static void forget(struct kept *kept)
{
    for (size_t i = 0; i < COUNT(kept->value); i++)
        free(kept->value[i]);
    for (size_t i = 0; i < 3; i++)
        free(kept->position[i]);
    *kept = (struct kept){0};
}

static struct kept kept_now(void)
{
    struct h5ckpt_history history;
    struct kept kept;

    assert_status(h5ckpt_history(callback, &history), H5CKPT_OK);
    keep(&kept, &history);
    return kept;
}

/* What the restorable slot of the backup directory holds, to a store that only reads. */
static struct kept kept_on_disk(void)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_state *nothing = h5ckpt_state_new();
    struct h5ckpt_report found;
    h5ckpt_store *store;
    struct kept kept;

    options.mode = H5CKPT_READ_ONLY;
    assert_status(h5ckpt_open(&store, fixture_backup, nothing, &options), H5CKPT_OK);
    ck_assert_int_ge(h5ckpt_inspect(store, NULL, &found), 0);
    ck_assert_int_ge(found.restored, 0);
    assert_status_message(h5ckpt_read_history(store, (unsigned)found.restored, keep, &kept), H5CKPT_OK,
                          h5ckpt_message(store));
    h5ckpt_close(store);
    h5ckpt_state_free(nothing);
    return kept;
}

static void assert_same_rows(const struct kept *a, const struct kept *b, uint64_t row_count)
{
    const size_t byte_count = (size_t)row_count * 8;

    ck_assert_uint_eq(a->log_count, b->log_count);
    for (size_t i = 0; i < a->log_count; i++) {
        ck_assert_str_eq(a->name[i], b->name[i]);
        ck_assert_msg(memcmp(a->value[i], b->value[i], byte_count) == 0, "log '%s' has other values", a->name[i]);
    }
    for (size_t i = 0; i < 3; i++)
        ck_assert_msg(memcmp(a->position[i], b->position[i], byte_count) == 0, "rows have other positions (%zu)", i);
}

static void assert_same(const struct kept *a, const struct kept *b)
{
    ck_assert_uint_eq(a->row_count, b->row_count);
    assert_same_rows(a, b, a->row_count);
}

/* By a run that nothing disturbs. */
static struct kept undisturbed(void)
{
    const uint64_t dies_after = program.dies_after;
    struct kept kept;

    program.dies_after = UINT64_MAX;
    live();
    kept = kept_now();
    die();
    fixture_clear_backup();
    program.dies_after = dies_after;
    told_full = 0;
    last_save = H5CKPT_OK;
    return kept;
}

/* The run that has been disturbed has that very history in the end. */
static void assert_ends_with(struct kept *expected)
{
    struct kept kept = kept_now();

    assert_same(&kept, expected);
    forget(&kept);
    forget(expected);
}

/* ---------------------------------------------------------------------- restarts */

static const int64_t FREQ[] = {1, 3, 5, H5CKPT_EVERY_EPOCH};

enum { DEATHS = 20 };

/* _i: how saves are done, after how many batches a life ends, and how often it saves */
START_TEST(a_restart_leaves_no_gap_and_no_repeat)
{
    struct kept expected;

    program.options.store.save_mode = (enum h5ckpt_save_mode)(_i % MODE_COUNT);
    program.dies_after = 1 + (uint64_t)_i / MODE_COUNT;
    program.options.save_freq = FREQ[(_i + _i / MODE_COUNT) % (int)COUNT(FREQ)];
    expected = undisturbed();
    live();
    die();
    program.dies_after = program.dies_after * 3 / 2 + 1; /* and once more */
    live();
    die();
    program.dies_after = UINT64_MAX;
    live();
    ck_assert_uint_eq(last_save, H5CKPT_OK);
    assert_ends_with(&expected);
}
END_TEST

START_TEST(what_is_stored_is_what_was_logged_up_to_the_save)
{
    struct kept now;
    struct kept stored;

    program.options.save_freq = 1;
    live();
    now = kept_now();
    stored = kept_on_disk(); /* beside the writer */
    ck_assert_uint_eq(now.row_count, 20);
    ck_assert_uint_eq(now.log_count, 3);
    assert_same(&now, &stored);
    forget(&now);
    forget(&stored);
}
END_TEST

START_TEST(the_report_tells_how_many_rows_came_with_the_state)
{
    program.dies_after = 7;
    live();
    ck_assert_uint_eq(report.history_rows, 0);
    die();
    begin();
    ck_assert_uint_eq(report.history_rows, 6); /* saved after every third */
    ck_assert(!report.best.known);
}
END_TEST

START_TEST(a_loop_without_epochs_logs_likewise)
{
    struct kept kept;

    begin();
    for (uint64_t step = 0; step < 10; step++) {
        assert_status(h5ckpt_log(callback, "residual", 1.0 / (double)(step + 1)), H5CKPT_OK);
        assert_status(h5ckpt_step(callback, step), H5CKPT_OK);
    }
    die();
    begin();
    for (uint64_t step = done.step; step < 12; step++) {
        h5ckpt_log(callback, "residual", 1.0 / (double)(step + 1));
        h5ckpt_step(callback, step);
    }
    kept = kept_now();
    ck_assert_uint_eq(kept.row_count, 12);
    for (uint64_t i = 0; i < 12; i++)
        ck_assert(kept.position[2][i] == i + 1 && kept.position[0][i] == 0 &&
                  kept.value[0][i] == 1.0 / (double)(i + 1));
    forget(&kept);
}
END_TEST

/* A validation is part of its epoch. */
START_TEST(what_is_logged_in_a_validation_is_in_the_row_of_its_epoch)
{
    struct h5ckpt_history history;

    begin();
    h5ckpt_on_epoch_begin(callback, 0);
    assert_status(h5ckpt_on_train_batch_end(callback, 0), H5CKPT_OK);
    h5ckpt_log(callback, "val_loss", 3);
    assert_status(h5ckpt_on_test_batch_end(callback, 0), H5CKPT_OK);
    h5ckpt_log(callback, "val_loss", 2);
    assert_status(h5ckpt_on_test_batch_end(callback, 1), H5CKPT_OK);
    h5ckpt_history(callback, &history);
    ck_assert_uint_eq(history.row_count, 0);
    assert_status(h5ckpt_on_epoch_end(callback, 0), H5CKPT_OK);
    h5ckpt_history(callback, &history);
    ck_assert_uint_eq(history.row_count, 1);
    ck_assert_double_eq(history.value[0][0], 2);
    ck_assert_uint_eq(history.epoch[0], 1);
    ck_assert_uint_eq(history.batch[0], 0);
    ck_assert_uint_eq(history.step[0], 1);
}
END_TEST

START_TEST(frameworks_log_by_the_struct_of_hooks)
{
    struct h5ckpt_hooks hooks;
    struct h5ckpt_history history;

    begin();
    hooks = h5ckpt_callback_hooks(callback);
    hooks.on_epoch_begin(hooks.self, 0);
    assert_status(hooks.log(hooks.self, "loss", 4), H5CKPT_OK);
    hooks.on_train_batch_end(hooks.self, 0);
    h5ckpt_history(callback, &history);
    ck_assert_uint_eq(history.row_count, 1);
}
END_TEST

/* ---------------------------------------------------------------- early stopping */

/* Best in epoch 3; that is known as the third row of that log, among rows of others. */
static void log_validation(h5ckpt_callback *to, const struct program *of)
{
    static const double VAL_LOSS[] = {5, 4, 3, 6, 3, 7, NAN, 8, 9, 10};

    h5ckpt_log(to, "loss", loss_now());
    if (done.batch + 1 == of->batches)
        h5ckpt_log(to, "val_loss", VAL_LOSS[done.epoch]);
}

/* _i: after how many batches a life ends */
START_TEST(early_stopping_does_not_start_over)
{
    program.log = log_validation;
    program.epochs = 10;
    program.patience = 4; /* used up with epochs 3, 4, 5, 6 */
    program.options.save_freq = 2;
    program.options.monitor = "val_loss";
    program.dies_after = (uint64_t)_i;
    live();
    die();
    program.dies_after = UINT64_MAX;
    live();
    ck_assert_uint_eq(done.epoch, 7);
    assert_status(h5ckpt_on_train_end(callback, H5CKPT_STOPPED_EARLY), H5CKPT_OK);
}
END_TEST

/* A slip in its name would go unnoticed, for nothing is ever the best. _i: do the lives say the name as they log it? */
START_TEST(a_monitored_log_that_no_epoch_has_is_told_once_in_a_life)
{
    const char *const MONITOR[] = {"val_los", "val_loss"};

    program.log = log_validation;
    program.epochs = 4;
    program.options.monitor = MONITOR[_i];
    program.options.save_freq = H5CKPT_EVERY_EPOCH;
    program.dies_after = 10;
    live();
    ck_assert_uint_eq(told_full, _i == 0 ? 1 : 0);
    die();
    program.dies_after = UINT64_MAX;
    live();
    ck_assert_uint_eq(told_full, _i == 0 ? 2 : 0);
}
END_TEST

START_TEST(the_report_tells_the_best_value_of_the_monitored_log_and_since_when)
{
    char monitor[] = "val_loss";

    program.log = log_validation;
    program.epochs = 10;
    program.options.save_freq = H5CKPT_EVERY_EPOCH;
    program.options.monitor = monitor;
    program.dies_after = 26; /* five epochs and a batch */
    live();
    ck_assert(!report.best.known);
    die();
    memset(monitor, 'x', sizeof monitor - 1); /* it was copied */
    memcpy(monitor, "val_loss", sizeof monitor);
    begin();
    ck_assert(report.best.known);
    ck_assert_double_eq(report.best.value, 3);
    ck_assert_uint_eq(report.best.at.step, 15);
    ck_assert_uint_eq(report.best.rows_since, 2);
    die();
    program.options.monitor_better = H5CKPT_LARGER_IS_BETTER;
    begin();
    ck_assert_double_eq(report.best.value, 6);
    ck_assert_uint_eq(report.best.rows_since, 1);
}
END_TEST

START_TEST(a_question_for_the_best_that_is_none_is_refused)
{
    struct h5ckpt_best best;

    begin();
    assert_status(h5ckpt_history_best(callback, NULL, H5CKPT_SMALLER_IS_BETTER, &best), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_history_best(callback, "x", (enum h5ckpt_better)2, &best), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_history_best(callback, "x", H5CKPT_SMALLER_IS_BETTER, NULL), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_history_best(NULL, "x", H5CKPT_SMALLER_IS_BETTER, &best), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_history(callback, NULL), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_history(NULL, NULL), H5CKPT_E_ARGUMENT);
    die();
    program.options.monitor_better = (enum h5ckpt_better)7;
    assert_status(h5ckpt_callback_new(&callback, state, &program.options), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_history_best(callback, "x", H5CKPT_SMALLER_IS_BETTER, &best), H5CKPT_E_ARGUMENT);
}
END_TEST

/* ------------------------------------------------------------------------- names */

START_TEST(a_bad_name_is_refused_each_time_told_once_and_loses_nothing)
{
    begin();
    h5ckpt_on_epoch_begin(callback, 0);
    for (uint64_t batch = 0; batch < 4; batch++) {
        assert_status(h5ckpt_log(callback, "loss", (double)batch), H5CKPT_OK);
        assert_status(h5ckpt_log(callback, "l\xffss", 1), H5CKPT_E_ARGUMENT);
        assert_mentions(h5ckpt_callback_message(callback), "log 'l\\xffss': the name is not valid UTF-8");
        assert_status(h5ckpt_log(callback, NULL, 1), H5CKPT_E_ARGUMENT);
        assert_status(h5ckpt_on_train_batch_end(callback, batch), H5CKPT_OK);
    }
    ck_assert_uint_eq(told_refused, 1);
    die();
    begin();
    ck_assert_uint_eq(report.history_rows, 3);
}
END_TEST

START_TEST(outside_of_training_nothing_is_logged)
{
    assert_status(h5ckpt_log(NULL, "loss", 1), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_callback_new(&callback, state, &program.options), H5CKPT_OK);
    assert_status(h5ckpt_log(callback, "loss", 1), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_callback_message(callback), "before training has begun");
    assert_status(h5ckpt_on_train_begin(callback, &done, NULL), H5CKPT_NO_CHECKPOINT);
    assert_status(h5ckpt_log(callback, "loss", 1), H5CKPT_OK);
    assert_status(h5ckpt_on_train_end(callback, H5CKPT_PREEMPTED), H5CKPT_OK);
    assert_status(h5ckpt_log(callback, "loss", 1), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_callback_message(callback), "after training has ended");
}
END_TEST

/* Another one in every epoch, and none twice. */
static void log_changing_names(h5ckpt_callback *to, const struct program *of)
{
    static const char *const NAME[] = {"a", "b", "c/d", "e"};

    (void)of;
    h5ckpt_log(to, NAME[done.epoch], loss_now());
}

/* _i: after how many batches a life ends */
START_TEST(names_may_change_from_epoch_to_epoch)
{
    struct kept expected;

    program.log = log_changing_names;
    program.options.save_freq = 1;
    program.dies_after = (uint64_t)_i;
    expected = undisturbed();
    ck_assert_uint_eq(expected.log_count, 4);
    live();
    die();
    program.dies_after = UINT64_MAX;
    live();
    ck_assert_uint_eq(last_save, H5CKPT_OK);
    assert_ends_with(&expected);
}
END_TEST

/* ------------------------------------------------------------------------ growth */

static void log_loss(h5ckpt_callback *to, const struct program *of)
{
    (void)of;
    h5ckpt_log(to, "loss", loss_now());
}

/* Epochs of rows enough to come near to the first capacity, and beyond. */
static void choose_long_program(void)
{
    program.log = log_loss;
    program.batches = FORMAT_HISTORY_CAPACITY_FIRST - 10;
    program.epochs = 2;
    program.options.save_freq = FORMAT_HISTORY_CAPACITY_FIRST / 4;
}

static uint64_t capacity_now(void)
{
    return h5ckpt_callback_store(callback)->history.shape.capacity;
}

/* _i: the mode */
START_TEST(room_that_is_used_up_is_doubled)
{
    struct kept expected;

    choose_long_program();
    program.options.store.save_mode = (enum h5ckpt_save_mode)_i;
    expected = undisturbed();
    for (program.dies_after = 900; program.dies_after < 2100; program.dies_after += 150) {
        live();
        ck_assert_uint_eq(last_save, H5CKPT_OK);
        die();
    }
    program.dies_after = UINT64_MAX;
    live();
    ck_assert_uint_eq(capacity_now(), 2 * FORMAT_HISTORY_CAPACITY_FIRST);
    assert_ends_with(&expected);
}
END_TEST

START_TEST(falling_back_to_a_slot_of_less_room_gives_its_rows_and_goes_on)
{
    struct kept expected;
    char newest[PATH_BYTES];

    choose_long_program();
    expected = undisturbed();
    program.dies_after = 1280; /* the first save of more than 1024 rows */
    live();
    ck_assert_uint_eq(capacity_now(), 2 * FORMAT_HISTORY_CAPACITY_FIRST);
    die();
    snprintf(newest, sizeof newest, "%s", in_backup(slot_of_epoch(1)));
    file_flip_bit(newest, 8 * 9000);
    program.dies_after = UINT64_MAX;
    begin();
    ck_assert_uint_eq(report.history_rows, 1024);
    ck_assert_uint_eq(capacity_now(), FORMAT_HISTORY_CAPACITY_FIRST);
    train();
    assert_ends_with(&expected);
}
END_TEST

/* ---------------------------------------------------------------- no room for it */

/* The disk has no room for new files, nor for more in those that there are. */
static void fill_disk(void)
{
    h5ckpt_wait(h5ckpt_callback_store(callback)); /* its thread uses the calls that are replaced */
    faults_set((struct faults){.calls = FAULT_ALLOCATE, .name = "slot-", .count = FAULTS_FOR_EVER, .error = ENOSPC});
}

static void empty_disk(void)
{
    h5ckpt_wait(h5ckpt_callback_store(callback));
    faults_clear();
}

/* _i: the mode */
START_TEST(where_there_is_no_room_for_more_rows_the_state_is_saved_without_them)
{
    struct kept stored;
    struct kept now;

    choose_long_program();
    program.options.store.save_mode = (enum h5ckpt_save_mode)_i;
    program.options.failed_saves_max = 1; /* of which this is none */
    program.dies_after = 1024;
    live();
    fill_disk();
    program.dies_after = 1280;
    train();
    ck_assert_int_eq(last_save, H5CKPT_HISTORY_FULL);
    assert_mentions(last_message, "1280 rows");
    assert_mentions(last_message, "the first 1024 rows");
    assert_mentions(last_message, "No space left");
    ck_assert_uint_eq(told_full, 1);
    assert_status(h5ckpt_wait(h5ckpt_callback_store(callback)), H5CKPT_OK);
    ck_assert_uint_eq(h5ckpt_progress(h5ckpt_callback_store(callback)).step, 1280);
    now = kept_now();
    stored = kept_on_disk();
    ck_assert_uint_eq(now.row_count, 1280); /* kept */
    ck_assert_uint_eq(stored.row_count, 1024);
    assert_same_rows(&now, &stored, 1024);
    forget(&now);
    forget(&stored);
}
END_TEST

/* _i: the mode */
START_TEST(room_is_looked_for_again_now_and_then_and_nothing_was_lost)
{
    struct kept stored;
    struct kept now;
    unsigned full = 0;

    choose_long_program();
    program.options.store.save_mode = (enum h5ckpt_save_mode)_i;
    program.options.save_freq = 16;
    program.dies_after = 1024;
    live();
    fill_disk();
    for (unsigned save = 0; save < 40; save++) {
        last_save = H5CKPT_OK;
        program.dies_after += 16;
        train();
        full += last_save == H5CKPT_HISTORY_FULL;
    }
    ck_assert_uint_eq(full, 40);
    ck_assert_uint_eq(told_full, 3); /* at first, and after each 16 saves */
    empty_disk();
    program.dies_after += 20 * 16;
    train();
    last_save = H5CKPT_OK;
    program.dies_after += 16;
    train();
    ck_assert_int_eq(last_save, H5CKPT_OK);
    h5ckpt_wait(h5ckpt_callback_store(callback));
    now = kept_now();
    stored = kept_on_disk();
    assert_same(&now, &stored);
    forget(&now);
    forget(&stored);
}
END_TEST

/*
 * The first slot has found its room; there is none for the other one, which is still as it was. _i: the mode, in the
 * next life or not
 */
START_TEST(where_only_one_slot_has_found_more_room_the_other_one_is_saved_without)
{
    choose_long_program();
    program.options.store.save_mode = (enum h5ckpt_save_mode)(_i % MODE_COUNT);
    program.dies_after = 1280;
    live();
    ck_assert_int_eq(last_save, H5CKPT_OK);
    if (_i / MODE_COUNT == 1) {
        die();
        begin();
    }
    fill_disk();
    program.dies_after = 1536;
    train();
    ck_assert_int_eq(last_save, H5CKPT_HISTORY_FULL);
    assert_status(h5ckpt_wait(h5ckpt_callback_store(callback)), H5CKPT_OK);
    ck_assert_uint_eq(h5ckpt_progress(h5ckpt_callback_store(callback)).step, 1536);
    empty_disk();
    die();
    begin();
    ck_assert_uint_eq(done.step, 1536);
    ck_assert_uint_eq(report.history_rows, 1024);
}
END_TEST

/* The first slot's is the smaller one. */
START_TEST(of_the_room_that_slots_have_the_larger_one_is_tried_first)
{
    choose_long_program();
    program.epochs = 3;
    program.options.save_freq = 320;
    program.dies_after = 1280;
    live();
    die();
    program.options.save_freq = 2300; /* more rows than either has room for */
    begin();
    ck_assert_uint_eq(capacity_now(), 2 * FORMAT_HISTORY_CAPACITY_FIRST);
    fill_disk();
    program.dies_after = 2300;
    train();
    ck_assert_int_eq(last_save, H5CKPT_HISTORY_FULL);
    empty_disk();
    die();
    begin();
    ck_assert_uint_eq(done.step, 2300);
    ck_assert_uint_eq(report.history_rows, FORMAT_HISTORY_CAPACITY_FIRST);
}
END_TEST

static void log_from_two_epochs_on(h5ckpt_callback *to, const struct program *of)
{
    (void)of;
    if (done.epoch >= 1)
        h5ckpt_log(to, "first", loss_now());
    if (done.epoch >= 2)
        h5ckpt_log(to, "second", loss_now());
}

/* _i: after which epoch the disk is full: before the first log, or the second */
START_TEST(where_there_is_no_room_for_a_new_log_the_state_is_saved_without_it)
{
    struct kept stored;

    program.log = log_from_two_epochs_on;
    program.options.save_freq = 1;
    program.dies_after = 5 * (1 + (uint64_t)_i);
    live();
    fill_disk();
    program.dies_after += 3;
    train();
    ck_assert_int_eq(last_save, H5CKPT_HISTORY_FULL);
    ck_assert_uint_eq(h5ckpt_progress(h5ckpt_callback_store(callback)).step, program.dies_after);
    stored = kept_on_disk();
    ck_assert_uint_eq(stored.log_count, (size_t)_i);
    ck_assert_uint_eq(stored.row_count, _i == 0 ? 0 : 5 + 3);
    forget(&stored);
}
END_TEST

/* Slots that were made beforehand were made without a history. */
START_TEST(a_first_save_into_reserved_slots_needs_no_room_for_the_history)
{
    struct kept stored;

    begin();
    assert_status(h5ckpt_reserve(h5ckpt_callback_store(callback)), H5CKPT_OK);
    fill_disk();
    program.dies_after = 7;
    train();
    ck_assert_int_eq(last_save, H5CKPT_HISTORY_FULL);
    ck_assert_uint_eq(h5ckpt_progress(h5ckpt_callback_store(callback)).step, 6);
    stored = kept_on_disk();
    ck_assert_uint_eq(stored.row_count, 0);
    forget(&stored);
    empty_disk();
    program.dies_after = UINT64_MAX;
    program.epochs = 14; /* 20 saves later */
    train();
    stored = kept_on_disk();
    ck_assert_uint_eq(stored.row_count, 69);
    forget(&stored);
}
END_TEST

enum { WITHOUT_STATE, WITH_RESERVED_SLOTS, WITH_STATE, BEGINNINGS };

/* What is to be grown: nothing yet; slots without a history; a state without one. */
static void begin_without_history(int beginning)
{
    program.options.save_freq = 1;
    program.epochs = 10;
    program.log = beginning == WITH_STATE ? log_from_two_epochs_on : log_loss;
    program.dies_after = beginning == WITH_STATE ? program.batches : 0;
    live();
    if (beginning == WITH_RESERVED_SLOTS)
        assert_status(h5ckpt_reserve(h5ckpt_callback_store(callback)), H5CKPT_OK);
}

/* There is room for files like those that there are, and who wants more finds out when it is written. */
static void narrow_disk(int error)
{
    struct h5ckpt_space space;

    h5ckpt_wait(h5ckpt_callback_store(callback));
    assert_status(h5ckpt_space(h5ckpt_callback_store(callback), &space), H5CKPT_OK);
    faults_set((struct faults){.calls = FAULT_WRITE,
                               .name = "slot-",
                               .count = FAULTS_FOR_EVER,
                               .error = error,
                               .room = space.slot_bytes,
                               .no_time_passes = true});
}

/* All of a small state is written in the background; of others the structure is before. */
static void choose_small_state(void)
{
    h5ckpt_state_free(state);
    state = h5ckpt_state_new();
    h5ckpt_add(state, "weights", H5CKPT_FLOAT64, 1, (const uint64_t[]){64}, weights);
}

/* _i: the mode; what there is; one slot or two; a large state or a small one */
START_TEST(where_want_of_room_shows_only_when_it_is_written_every_state_is_saved)
{
    const int beginning = _i / MODE_COUNT % BEGINNINGS;

    program.options.store.save_mode = (enum h5ckpt_save_mode)(_i % MODE_COUNT);
    program.options.double_checkpoint = _i / MODE_COUNT / BEGINNINGS % 2 == 1;
    if (_i / MODE_COUNT / BEGINNINGS / 2 == 1)
        choose_small_state();
    begin_without_history(beginning);
    narrow_disk(ENOSPC);
    for (unsigned save = 0; save < 20; save++) { /* room is looked for again meanwhile */
        last_save = H5CKPT_OK;
        program.dies_after++;
        train();
        ck_assert_msg(last_save == H5CKPT_HISTORY_FULL, "save %u: %s", save, last_message);
        if (save == 0)
            assert_mentions(last_message, "No space left");
        ck_assert_ptr_null(strstr(last_message, "still there"));
    }
    assert_status(h5ckpt_wait(h5ckpt_callback_store(callback)), H5CKPT_OK);
    ck_assert_uint_eq(h5ckpt_progress(h5ckpt_callback_store(callback)).step, program.dies_after);
    ck_assert_uint_eq(told_failed, 0);
    ck_assert_uint_eq(told_full, 2);
    empty_disk();
    die();
    begin();
    ck_assert_uint_eq(done.step, program.dies_after);
}
END_TEST

/* _i: the mode */
START_TEST(a_save_that_is_waited_for_and_fails_says_so_once)
{
    const char *said;

    program.options.store.save_mode = (enum h5ckpt_save_mode)_i;
    choose_small_state();
    begin_without_history(WITH_STATE);
    narrow_disk(EIO);
    program.dies_after++;
    train();
    ck_assert_int_eq(last_save, H5CKPT_E_IO);
    assert_status(h5ckpt_wait(h5ckpt_callback_store(callback)), H5CKPT_OK);
    ck_assert_uint_eq(told_failed, 1);
    said = strstr(last_message, "is still there");
    ck_assert_msg(said != NULL && strstr(said + 1, "is still there") == NULL, "%s", last_message);
}
END_TEST

/* ------------------------------------------------------------ libhdf5, which fails */

static unsigned hdf5_failures_left;

hid_t __real_H5Fcreate(const char *name, unsigned flags, hid_t creation, hid_t access);
hid_t __wrap_H5Fcreate(const char *name, unsigned flags, hid_t creation, hid_t access);

hid_t __wrap_H5Fcreate(const char *name, unsigned flags, hid_t creation, hid_t access)
{
    if (hdf5_failures_left == 0)
        return __real_H5Fcreate(name, flags, creation, access);
    hdf5_failures_left--;
    return H5I_INVALID_HID;
}

START_TEST(a_structure_that_hdf5_does_not_make_for_more_history_costs_the_history_only)
{
    begin_without_history(WITH_STATE);
    hdf5_failures_left = 1;
    program.dies_after++;
    train();
    ck_assert_int_eq(last_save, H5CKPT_HISTORY_FULL);
    ck_assert_uint_eq(h5ckpt_progress(h5ckpt_callback_store(callback)).step, program.dies_after);
}
END_TEST

START_TEST(a_structure_that_hdf5_does_not_make_at_all_leaves_the_state_before)
{
    begin_without_history(WITH_STATE);
    const uint64_t saved = done.step;
    hdf5_failures_left = 100;
    program.dies_after++;
    train();
    hdf5_failures_left = 0;
    ck_assert_int_eq(last_save, H5CKPT_E_HDF5);
    assert_mentions(last_message, "is still there");
    ck_assert_uint_eq(h5ckpt_progress(h5ckpt_callback_store(callback)).step, saved);
    die();
    begin();
    ck_assert_uint_eq(done.step, saved);
}
END_TEST

/* --------------------------------------------------- memory that changes too early */

static bool changes_as_soon_as_saved;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);

/* The library makes its threads here: what was saved was read, or is about to be. */
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    if (changes_as_soon_as_saved)
        weights[0] += 1;
    return __real_pthread_create(thread, attributes, run, argument);
}

static void choose_to_detect_changes(void)
{
    program.options.store.save_mode = H5CKPT_SAVE_FENCED;
    program.options.store.background.detect_changes = true;
}

/* The first save with a history makes room for it: what comes of it is known at once. */
START_TEST(a_change_while_room_is_made_for_the_history_is_found_by_the_save)
{
    choose_to_detect_changes();
    begin_without_history(WITH_STATE);
    changes_as_soon_as_saved = true;
    program.dies_after++;
    train();
    changes_as_soon_as_saved = false;
    ck_assert_int_eq(last_save, H5CKPT_E_ARGUMENT);
    assert_mentions(last_message, "memory changed");
    assert_mentions(last_message, "'weights'");
    assert_status(h5ckpt_wait(h5ckpt_callback_store(callback)), H5CKPT_OK);
    last_save = H5CKPT_OK;
    program.dies_after++;
    train();
    ck_assert_int_eq(last_save, H5CKPT_OK);
}
END_TEST

START_TEST(a_state_that_changed_is_not_kept_as_a_milestone)
{
    choose_to_detect_changes();
    program.options.milestones.every_epochs = 1;
    program.dies_after = 2 * program.batches - 1;
    live();
    do_batch();
    changes_as_soon_as_saved = true;
    heed(h5ckpt_on_epoch_end(callback, done.epoch));
    changes_as_soon_as_saved = false;
    ck_assert_int_eq(last_save, H5CKPT_E_ARGUMENT);
    assert_mentions(last_message, "memory changed");
    ck_assert(file_exists(in_backup("milestone-epoch-1.h5")));
    ck_assert(!file_exists(in_backup("milestone-epoch-2.h5")));
}
END_TEST

/* What is not there is not there for want of room for the history. */
START_TEST(a_disk_too_full_for_the_state_itself_is_said_as_ever)
{
    begin();
    faults_set((struct faults){
        .calls = FAULT_ALLOCATE, .name = "slot-", .count = FAULTS_FOR_EVER, .error = ENOSPC, .no_time_passes = true});
    program.dies_after = 3;
    train();
    ck_assert_int_eq(last_save, H5CKPT_E_NO_SPACE);
    ck_assert_uint_eq(told_full, 0);
    empty_disk();
    program.dies_after = 6;
    last_save = H5CKPT_OK;
    train();
    ck_assert_int_eq(last_save, H5CKPT_OK);
    die();
    begin();
    ck_assert_uint_eq(report.history_rows, 6);
}
END_TEST

static bool stop(void *context)
{
    (void)context;
    return done.step >= 1300;
}

START_TEST(the_last_save_before_preemption_counts_although_the_history_is_full)
{
    choose_long_program();
    program.options.save_before_preemption = true;
    program.options.preemption.should_stop = stop;
    program.dies_after = 1024;
    live();
    fill_disk();
    program.dies_after = 1301;
    train();
    ck_assert_int_eq(last_save, H5CKPT_STOP);
    empty_disk();
    die();
    begin();
    ck_assert_uint_eq(done.step, 1301);
}
END_TEST

/*
 * _i: the allocation that fails of the row that needs more room, and its save; further ones are HDF5's, which does not
 * survive that
 */
START_TEST(where_memory_is_short_when_it_grows_no_save_fails_and_no_row_is_lost)
{
    struct kept now;

    h5ckpt_status logged;
    h5ckpt_status saved;

    choose_long_program();
    program.epochs = 5;
    program.options.save_freq = 205; /* the fifth save is of row 1025 */
    program.dies_after = 1024;
    live();
    malloc_fail_in = 1 + _i;
    logged = h5ckpt_log(callback, "loss", 1);
    saved = h5ckpt_on_train_batch_end(callback, done.batch);
    malloc_fail_in = 0;
    done.batch++;
    done.step++;
    ck_assert_msg(logged == H5CKPT_OK || logged == H5CKPT_E_MEMORY, "%s", h5ckpt_status_name(logged));
    ck_assert_msg(saved == H5CKPT_OK || saved == H5CKPT_HISTORY_FULL, "%s", h5ckpt_callback_message(callback));
    program.dies_after = 22 * 205; /* room is looked for again */
    train();
    now = kept_now();
    ck_assert_uint_ge(now.row_count, 22 * 205 - 1); /* the one whose log said so */
    forget(&now);
    die();
    begin();
    ck_assert_uint_ge(report.history_rows, 22 * 205 - 1);
}
END_TEST

/* ------------------------------------------------------------------- other restores */

static h5ckpt_store *open_plainly(h5ckpt_state *of)
{
    h5ckpt_store *store;

    assert_status_message(h5ckpt_open(&store, fixture_backup, of, NULL), H5CKPT_OK, h5ckpt_message(store));
    return store;
}

START_TEST(a_program_without_a_callback_keeps_the_history)
{
    struct kept before;
    struct kept after;
    h5ckpt_store *store;
    struct h5ckpt_report found;

    program.options.save_freq = 1;
    live();
    die();
    before = kept_on_disk();
    store = open_plainly(state);
    assert_status(h5ckpt_restore(store, NULL, &found), H5CKPT_OK);
    ck_assert_uint_eq(found.history_rows, 20);
    assert_status(h5ckpt_save(store, &found.progress), H5CKPT_OK);
    assert_status(h5ckpt_save(store, &found.progress), H5CKPT_OK);
    h5ckpt_close(store);
    after = kept_on_disk();
    assert_same(&before, &after);
    forget(&before);
    forget(&after);
}
END_TEST

static bool select_weights(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "weights") == 0;
}

/* _i: how memory is treated; and by intersection or selection */
START_TEST(the_history_comes_with_a_warm_start_in_every_mode)
{
    double more[3] = {0};

    live();
    die();
    h5ckpt_add(state, "more", H5CKPT_FLOAT64, 1, (const uint64_t[]){3}, more);
    if (_i / 3 == 0)
        program.options.restore.match = H5CKPT_INTERSECTION;
    else
        program.options.restore.select = select_weights;
    program.options.restore.memory = (enum h5ckpt_memory)(_i % 3);
    begin();
    ck_assert_uint_eq(report.history_rows, 18);
    ck_assert_uint_eq(report.variable_count, 1);
}
END_TEST

/* Five saves; the previous state is that of the fourth. */
START_TEST(the_previous_state_comes_with_its_own_history)
{
    program.dies_after = 15;
    live();
    die();
    program.options.restore.which = H5CKPT_PREVIOUS;
    begin();
    ck_assert_uint_eq(report.history_rows, 12);
    ck_assert_uint_eq(done.step, 12);
}
END_TEST

START_TEST(a_restore_that_fails_leaves_the_history_as_it_was)
{
    h5ckpt_store *store;
    double more[3];

    live();
    die();
    store = open_plainly(state);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    h5ckpt_add(state, "more", H5CKPT_FLOAT64, 1, (const uint64_t[]){3}, more);
    store->history.row_count = 5; /* so that it can be told from what is stored */
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_SCHEMA);
    ck_assert_uint_eq(store->history.row_count, 5);
    h5ckpt_close(store);
}
END_TEST

/* _i: a read of the slot that fails half-way */
START_TEST(a_restore_that_fails_half_way_mixes_no_histories)
{
    h5ckpt_store *store;
    h5ckpt_status status;

    live();
    die();
    store = open_plainly(state);
    faults_set(
        (struct faults){.calls = FAULT_READ, .name = "slot-", .first = _i, .count = FAULTS_FOR_EVER, .error = ENOMEM});
    status = h5ckpt_restore(store, NULL, NULL);
    faults_clear();
    ck_assert_uint_eq(store->history.row_count, status == H5CKPT_OK ? 18 : 0);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    ck_assert_uint_eq(store->history.row_count, 18);
    h5ckpt_close(store);
}
END_TEST

/* What one life took to do something, another takes otherwise. */
static void log_time(h5ckpt_callback *to, const struct program *of)
{
    static double time;

    (void)of;
    h5ckpt_log(to, "seconds", time++);
}

START_TEST(two_lives_are_not_compared_by_what_they_log_and_log_nothing_twice)
{
    struct kept now;

    program.log = log_time;
    program.dies_after = 7;
    live();
    die();
    program.options.check_resume = true;
    program.dies_after = UINT64_MAX;
    begin();
    ck_assert_uint_eq(done.step, 3);
    train();
    ck_assert_int_eq(last_save, H5CKPT_LIVES_AGREE);
    now = kept_now();
    ck_assert_uint_eq(now.row_count, 20);
    for (uint64_t i = 0; i < 20; i++)
        ck_assert_uint_eq(now.position[2][i], i + 1);
    forget(&now);
}
END_TEST

/* ---------------------------------------------------------------------- nonsense */

struct column {
    const char *name; /* in the file */
    h5ckpt_type type;
    int rank;
    uint64_t rows;
};

struct nonsense {
    const char *said;
    uint64_t count;
    struct column column[6];
};

#define POSITIONS                                                                   \
    {"history/count", H5CKPT_UINT64, 0, 0}, {"history/epoch", H5CKPT_UINT64, 1, 8}, \
        {"history/batch", H5CKPT_UINT64, 1, 8},                                     \
    {                                                                               \
        "history/step", H5CKPT_UINT64, 1, 8                                         \
    }

static const struct nonsense NONSENSE[] = {
    {"claims 9 rows, but has room for 8 only", 9, {POSITIONS, {"history/loss", H5CKPT_FLOAT64, 1, 8}}},
    {"claims 18446744073709551615 rows", UINT64_MAX, {POSITIONS, {"history/loss", H5CKPT_FLOAT64, 1, 8}}},
    {"'/history/loss' is of another type", 1, {POSITIONS, {"history/loss", H5CKPT_FLOAT32, 1, 8}}},
    {"'/history/loss' is of another shape", 1, {POSITIONS, {"history/loss", H5CKPT_FLOAT64, 0, 0}}},
    {"another number of rows", 1, {POSITIONS, {"history/loss", H5CKPT_FLOAT64, 1, 9}}},
    {"a column of positions, is not there", 1, {{"history/loss", H5CKPT_FLOAT64, 1, 8}}},
    {"'/history/count' is of another shape", 1, {{"history/count", H5CKPT_UINT64, 1, 1}}},
    {"'/history/epoch' is of another type", 1, {{"history/epoch", H5CKPT_INT64, 1, 8}}},
    {"'/history/count/x' log 'count/x'", 1, {{"history/count/x", H5CKPT_FLOAT64, 1, 8}}},
    {"another number of rows", 1, {{"history/epoch", H5CKPT_UINT64, 1, 0}}},
};

/* A slot of good checksums that holds this. The names are changed behind the library's back. */
static void save_nonsense(const struct nonsense *nonsense)
{
    static uint64_t zeros[16];
    h5ckpt_state *other = h5ckpt_state_new();
    h5ckpt_store *store;
    char *own[COUNT(nonsense->column)] = {NULL};
    uint64_t count = nonsense->count;

    h5ckpt_add(other, "weights", H5CKPT_FLOAT64, 1, (const uint64_t[]){WEIGHT_COUNT}, weights);
    for (size_t i = 0; i < COUNT(nonsense->column) && nonsense->column[i].name != NULL; i++) {
        const struct column *column = &nonsense->column[i];
        assert_status(h5ckpt_add(other, column->name, column->type, column->rank, &column->rows,
                                 column->rank == 0 ? (void *)&count : (void *)zeros),
                      H5CKPT_OK);
        own[i] = (char *)other->entry[1 + i].name;
        other->entry[1 + i].name = own[i] + strlen("state/");
    }
    store = open_plainly(other);
    assert_status_message(h5ckpt_save(store, &(struct h5ckpt_progress){1, 0, 5}), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
    for (size_t i = 0; i < COUNT(own) && own[i] != NULL; i++)
        other->entry[1 + i].name = own[i];
    h5ckpt_state_free(other);
}

START_TEST(what_is_no_history_is_left_out_told_and_the_state_given_back)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *store;
    struct kept kept;

    save_nonsense(&NONSENSE[_i]);
    options.mode = H5CKPT_READ_ONLY;
    assert_status(h5ckpt_open(&store, fixture_backup, state, &options), H5CKPT_OK);
    assert_status(h5ckpt_read_history(store, 0, keep, &kept), H5CKPT_E_DAMAGED);
    assert_mentions(h5ckpt_message(store), NONSENSE[_i].said);
    assert_mentions(h5ckpt_message(store), "slot-a.h5");
    h5ckpt_close(store);
    begin();
    ck_assert_uint_eq(done.step, 5);
    ck_assert_uint_eq(report.history_rows, 0);
    ck_assert_uint_eq(told_full, 1);
    train(); /* and its logs begin anew */
    ck_assert_int_eq(last_save, H5CKPT_OK);
}
END_TEST

START_TEST(a_slot_that_is_none_has_no_history)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *store;
    struct kept kept;

    assert_status(h5ckpt_read_history(NULL, 0, keep, &kept), H5CKPT_E_ARGUMENT);
    program.log = log_from_two_epochs_on;
    program.dies_after = 3; /* without any log: one state */
    live();
    options.mode = H5CKPT_READ_ONLY;
    assert_status(h5ckpt_open(&store, fixture_backup, state, &options), H5CKPT_OK);
    assert_status(h5ckpt_read_history(store, 0, NULL, NULL), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_read_history(store, 3, keep, &kept), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_read_history(store, 1, keep, &kept), H5CKPT_NO_CHECKPOINT);
    assert_status(h5ckpt_read_history(store, 0, keep, &kept), H5CKPT_OK);
    ck_assert_uint_eq(kept.row_count, 0);
    ck_assert_uint_eq(kept.log_count, 0);
    forget(&kept);
    h5ckpt_close(store);
}
END_TEST

START_TEST(damage_to_a_history_is_found_when_it_is_read)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *store;
    struct kept kept;

    program.dies_after = 3;
    live();
    die();
    options.mode = H5CKPT_READ_ONLY;
    for (uint64_t byte = 4096 + 3; byte < file_bytes(in_backup("slot-a.h5")) - 8192; byte += 65536)
        file_flip_bit(in_backup("slot-a.h5"), 8 * byte);
    assert_status(h5ckpt_open(&store, fixture_backup, state, &options), H5CKPT_OK);
    assert_status(h5ckpt_read_history(store, 0, keep, &kept), H5CKPT_E_DAMAGED);
    assert_mentions(h5ckpt_message(store), "checksum");
    h5ckpt_close(store);
}
END_TEST

/* _i: for ever? */
START_TEST(only_an_eio_that_persists_keeps_a_history_from_being_read)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *store;
    struct kept kept;
    bool hit = true;

    program.dies_after = 3;
    live();
    die();
    options.mode = H5CKPT_READ_ONLY;
    assert_status(h5ckpt_open(&store, fixture_backup, state, &options), H5CKPT_OK);
    for (long call = 0; hit; call++) {
        faults_set((struct faults){
            .calls = FAULT_READ, .name = "slot-a.h5", .first = call, .count = _i ? FAULTS_FOR_EVER : 1, .error = EIO});
        const h5ckpt_status status = h5ckpt_read_history(store, 0, keep, &kept);
        hit = faults_hit();
        faults_clear();
        ck_assert_msg(status == (hit && _i ? H5CKPT_E_DAMAGED : H5CKPT_OK), "call %ld: %s", call,
                      h5ckpt_message(store));
        if (status == H5CKPT_OK) {
            ck_assert_uint_eq(kept.row_count, 3);
            forget(&kept);
        }
        ck_assert_int_lt(call, 200);
    }
    h5ckpt_close(store);
}
END_TEST

/* ------------------------------------------------------------------------- scale */

/* Counted, for libcheck writes to a pipe at every assertion. */
static uint64_t log_up_to(uint64_t step)
{
    uint64_t wrong = 0;

    begin();
    for (uint64_t i = done.step; i < step; i++) {
        wrong += h5ckpt_log(callback, "loss", (double)i) != H5CKPT_OK;
        wrong += h5ckpt_step(callback, i) != H5CKPT_OK;
    }
    return wrong;
}

START_TEST(a_million_rows_go_on_after_a_restart)
{
    enum { ROWS = 1000000 };
    struct h5ckpt_history history;
    uint64_t wrong;

    program.options.save_freq = ROWS / 2;
    wrong = log_up_to(ROWS / 2);
    die();
    wrong += log_up_to(ROWS);
    die();
    wrong += log_up_to(ROWS + 1);
    assert_status(h5ckpt_history(callback, &history), H5CKPT_OK);
    ck_assert_uint_eq(report.history_rows, ROWS);
    ck_assert_uint_eq(history.row_count, ROWS + 1);
    for (uint64_t i = 0; i < ROWS + 1; i++)
        wrong += history.value[0][i] != (double)i || history.step[i] != i + 1;
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("history of a training");
    TCase *restarts = tcase_create("restarts"), *best = tcase_create("best"), *names = tcase_create("names"),
          *growth = tcase_create("growth"), *full = tcase_create("full"), *others = tcase_create("other restores"),
          *nonsense = tcase_create("nonsense");
    TCase *all[] = {restarts, best, names, growth, full, others, nonsense};

    for (size_t i = 0; i < COUNT(all); i++) {
        tcase_add_checked_fixture(all[i], setup, teardown);
        tcase_set_timeout(all[i], 120);
        suite_add_tcase(suite, all[i]);
    }
    tcase_add_loop_test(restarts, a_restart_leaves_no_gap_and_no_repeat, 0, MODE_COUNT * DEATHS);
    tcase_add_test(restarts, what_is_stored_is_what_was_logged_up_to_the_save);
    tcase_add_test(restarts, the_report_tells_how_many_rows_came_with_the_state);
    tcase_add_test(restarts, a_loop_without_epochs_logs_likewise);
    tcase_add_test(restarts, what_is_logged_in_a_validation_is_in_the_row_of_its_epoch);
    tcase_add_test(restarts, frameworks_log_by_the_struct_of_hooks);
    tcase_add_test(restarts, a_million_rows_go_on_after_a_restart);
    tcase_add_loop_test(best, early_stopping_does_not_start_over, 1, 36);
    tcase_add_loop_test(best, a_monitored_log_that_no_epoch_has_is_told_once_in_a_life, 0, 2);
    tcase_add_test(best, the_report_tells_the_best_value_of_the_monitored_log_and_since_when);
    tcase_add_test(best, a_question_for_the_best_that_is_none_is_refused);
    tcase_add_test(names, a_bad_name_is_refused_each_time_told_once_and_loses_nothing);
    tcase_add_test(names, outside_of_training_nothing_is_logged);
    tcase_add_loop_test(names, names_may_change_from_epoch_to_epoch, 0, 20);
    tcase_add_loop_test(growth, room_that_is_used_up_is_doubled, 0, MODE_COUNT);
    tcase_add_test(growth, falling_back_to_a_slot_of_less_room_gives_its_rows_and_goes_on);
    tcase_add_loop_test(full, where_there_is_no_room_for_more_rows_the_state_is_saved_without_them, 0, MODE_COUNT);
    tcase_add_loop_test(full, room_is_looked_for_again_now_and_then_and_nothing_was_lost, 0, MODE_COUNT);
    tcase_add_loop_test(full, where_only_one_slot_has_found_more_room_the_other_one_is_saved_without, 0,
                        2 * MODE_COUNT);
    tcase_add_test(full, of_the_room_that_slots_have_the_larger_one_is_tried_first);
    tcase_add_loop_test(full, where_there_is_no_room_for_a_new_log_the_state_is_saved_without_it, 0, 2);
    tcase_add_test(full, a_first_save_into_reserved_slots_needs_no_room_for_the_history);
    tcase_add_loop_test(full, where_want_of_room_shows_only_when_it_is_written_every_state_is_saved, 0,
                        2 * 2 * BEGINNINGS * MODE_COUNT);
    tcase_add_test(full, a_change_while_room_is_made_for_the_history_is_found_by_the_save);
    tcase_add_test(full, a_state_that_changed_is_not_kept_as_a_milestone);
    tcase_add_test(full, a_structure_that_hdf5_does_not_make_for_more_history_costs_the_history_only);
    tcase_add_test(full, a_structure_that_hdf5_does_not_make_at_all_leaves_the_state_before);
    tcase_add_loop_test(full, a_save_that_is_waited_for_and_fails_says_so_once, 0, MODE_COUNT);
    tcase_add_test(full, a_disk_too_full_for_the_state_itself_is_said_as_ever);
    tcase_add_test(full, the_last_save_before_preemption_counts_although_the_history_is_full);
    if (malloc_is_ours())
        tcase_add_loop_test(full, where_memory_is_short_when_it_grows_no_save_fails_and_no_row_is_lost, 0, 10);
    tcase_add_test(others, a_program_without_a_callback_keeps_the_history);
    tcase_add_loop_test(others, the_history_comes_with_a_warm_start_in_every_mode, 0, 6);
    tcase_add_test(others, the_previous_state_comes_with_its_own_history);
    tcase_add_test(others, a_restore_that_fails_leaves_the_history_as_it_was);
    tcase_add_loop_test(others, a_restore_that_fails_half_way_mixes_no_histories, 0, 20);
    tcase_add_test(others, two_lives_are_not_compared_by_what_they_log_and_log_nothing_twice);
    tcase_add_loop_test(nonsense, what_is_no_history_is_left_out_told_and_the_state_given_back, 0,
                        (int)COUNT(NONSENSE));
    tcase_add_test(nonsense, a_slot_that_is_none_has_no_history);
    tcase_add_loop_test(nonsense, only_an_eio_that_persists_keeps_a_history_from_being_read, 0, 2);
    tcase_add_test(nonsense, damage_to_a_history_is_found_when_it_is_read);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
