/* SPDX-License-Identifier: MIT */
/*
 * The callback adapter as a training loop meets it: the acceptance cases of its issue, by number; then a crash at every
 * moment of every kind of run. Case 15 is in test_hooks.c, case 16 in test_keras_faults.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callback/run.h"
#include "support/assert_h5ckpt.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/form.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { POINT_COUNT_MAX = 1024, TIMEOUT_SECONDS = 240 };

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

static void begin_anew(void)
{
    fixture_clear_backup();
    run_forget();
}

static void assert_stored(uint64_t epoch, uint64_t batch)
{
    struct h5ckpt_progress position;

    assert_status(run_stored(&options, &position), H5CKPT_OK);
    assert_position(position, epoch, batch);
}

static void assert_nothing_stored(void)
{
    struct h5ckpt_progress position;

    assert_status(run_stored(&options, &position), H5CKPT_NO_CHECKPOINT);
}

/* Resumes there, ends, and is as if nothing had happened. */
static void assert_resumes(uint64_t epoch, uint64_t batch)
{
    struct run_life life = run_to_end(&options);

    assert_status_message(life.new_status, H5CKPT_OK, life.message);
    assert_status_message(life.begin_status, H5CKPT_OK, life.message);
    assert_position(life.next, epoch, batch);
    assert_as_undisturbed(life, &options);
}

/* What `life` did: every epoch from `first` on, whole (but the first from `first_batch`), in order, once. */
static void assert_did_epochs(int life, uint64_t first, uint64_t first_batch)
{
    uint64_t epoch = first;
    uint64_t batch = first_batch;
    size_t count;
    const struct run_unit *unit = run_units(&count);

    for (size_t i = 0; i < count; i++) {
        if (unit[i].life != (unsigned)life)
            continue;
        ck_assert_uint_eq(unit[i].epoch, epoch);
        if (unit[i].kind == RUN_BATCH)
            ck_assert_uint_eq(unit[i].batch, batch++);
        if (unit[i].kind == RUN_EPOCH_BEGIN)
            ck_assert_uint_eq(batch, 0);
        if (unit[i].kind == RUN_EPOCH_END) {
            epoch++;
            batch = 0;
        }
    }
    ck_assert_uint_eq(epoch, options.epochs);
}

/* -------------------------------------------------------- the numbered cases */

/* 1; Keras runs 17 batches where two were done */
START_TEST(a_run_that_saves_every_batch_and_crashes_within_an_epoch_runs_15_batches_in_all)
{
    options.callback.save_freq = 1;
    run_until_moment(&options, RUN_BATCH_TOLD, 0, (uint64_t)_i);
    assert_stored(0, (uint64_t)_i + 1);
    assert_resumes(0, (uint64_t)_i + 1);
    ck_assert_uint_eq(run_count(RUN_BATCH, RUN_ALL_LIVES), 15);
    assert_did_epochs(1, 0, (uint64_t)_i + 1);
}
END_TEST

/* 2 */
START_TEST(a_crash_after_the_second_epochs_save_resumes_at_epoch_2_with_15_batches_in_all)
{
    run_until_moment(&options, RUN_EPOCH_TOLD, 1, 0);
    assert_stored(2, 0);
    assert_resumes(2, 0);
    ck_assert_uint_eq(run_count(RUN_BATCH, RUN_ALL_LIVES), 15);
    ck_assert_uint_eq(run_count(RUN_EPOCH_END, RUN_ALL_LIVES), 5);
}
END_TEST

/* 3 */
START_TEST(a_current_slot_overwritten_by_0_resumes_from_the_previous_one)
{
    run_until_moment(&options, RUN_EPOCH_TOLD, 1, 0);
    file_replace(run_slot(&options, H5CKPT_CURRENT), "0", 1);
    struct run_life life = run_to_end(&options);
    assert_status_message(life.begin_status, H5CKPT_FELL_BACK, life.message);
    ck_assert_str_ne(life.message, "");
    assert_position(life.next, 1, 0);
    assert_as_undisturbed(life, &options);
    ck_assert_uint_eq(run_count(RUN_BATCH, 1), 12); /* epoch 1 is done again */
}
END_TEST

static void make_foreign_files(void)
{
    ck_assert_int_eq(mkdir(fixture_backup, 0700), 0);
    file_replace(in_backup("notes.txt"), "mine", 4);
    file_replace(in_backup("slot-a.h5.mine"), "mine too", 8);
    ck_assert_int_eq(mkdir(in_backup("models"), 0700), 0);
    file_replace(in_backup("models/best.h5"), "best", 4);
    ck_assert_int_eq(symlink("notes.txt", in_backup("link")), 0);
}

static void assert_foreign_files_are_there(void)
{
    ck_assert(file_holds(in_backup("notes.txt"), "mine"));
    ck_assert(file_holds(in_backup("slot-a.h5.mine"), "mine too"));
    ck_assert(file_holds(in_backup("models/best.h5"), "best"));
    ck_assert(file_exists(in_backup("link")));
}

/* 4 */
START_TEST(a_finished_run_leaves_nothing_of_ours_and_everything_that_is_not)
{
    make_foreign_files();
    options.callback.save_freq = _i == 0 ? H5CKPT_EVERY_EPOCH : 2;
    struct run_life life = run_to_end(&options);
    assert_status(life.end_status, H5CKPT_OK);
    assert_as_undisturbed(life, &options);
    assert_foreign_files_are_there();
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 4);
}
END_TEST

/* 4 */
START_TEST(a_finished_run_without_delete_checkpoint_keeps_it_beside_foreign_files)
{
    make_foreign_files();
    options.callback.delete_checkpoint = false;
    struct run_life life = run_to_end(&options);
    assert_status(life.end_status, H5CKPT_OK);
    assert_as_undisturbed(life, &options);
    assert_stored(5, 0);
    assert_foreign_files_are_there();
    ck_assert(file_exists(in_backup("slot-a.h5")));
    ck_assert(file_exists(in_backup("slot-b.h5")));
}
END_TEST

/* 5 */
START_TEST(crashes_at_the_ends_of_epochs_5_and_12_repeat_and_skip_none)
{
    options.epochs = 20;
    run_until_moment(&options, RUN_EPOCH_TOLD, 5, 0);
    run_until_moment(&options, RUN_EPOCH_TOLD, 12, 0);
    assert_resumes(13, 0);
    size_t count;
    const struct run_unit *unit = run_units(&count);
    uint64_t epoch = 0;
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(unit[i].epoch, epoch);
        epoch += unit[i].kind == RUN_EPOCH_END;
    }
    ck_assert_uint_eq(epoch, 20);
    ck_assert_uint_eq(run_count(RUN_BATCH, RUN_ALL_LIVES), 60);
}
END_TEST

/* 6 */
START_TEST(every_7_batches_are_counted_across_epochs_of_5)
{
    static const struct h5ckpt_progress EXPECTED[] = {{1, 2, 7}, {2, 4, 14}, {4, 1, 21}, {5, 3, 28}, {6, 5, 35}};

    options.epochs = 8;
    options.batches = 5;
    options.callback.save_freq = 7;
    assert_as_undisturbed(run_to_end(&options), &options);
    size_t count;
    const struct h5ckpt_progress *saved = run_saves(&count);
    ck_assert_uint_eq(count, COUNT(EXPECTED));
    ck_assert_mem_eq(saved, EXPECTED, sizeof EXPECTED);
}
END_TEST

/* 6 */
START_TEST(every_7_batches_are_counted_across_restarts)
{
    static const uint64_t CRASH[][2] = {{1, 3}, {2, 4}, {3, 0}, {4, 2}, {6, 1}};
    uint64_t step = 0;

    options.epochs = 8;
    options.batches = 5;
    options.callback.save_freq = 7;
    for (unsigned i = 0; i < COUNT(CRASH); i++)
        run_until_moment(&options, RUN_BATCH_TOLD, CRASH[i][0], CRASH[i][1]);
    assert_as_undisturbed(run_to_end(&options), &options);
    size_t count;
    const struct h5ckpt_progress *saved = run_saves(&count);
    ck_assert_uint_eq(count, 5);
    for (size_t i = 0; i < count; i++) {
        step += 7;
        ck_assert_uint_eq(saved[i].step, step);
        ck_assert_uint_eq(saved[i].epoch * 5 + saved[i].batch, step);
    }
}
END_TEST

static const enum run_moment BATCH_MOMENTS[] = {RUN_BATCH_DONE, RUN_BATCH_TOLD};

/* 6 */
START_TEST(a_crash_at_batch_3_of_the_first_7_starts_afresh)
{
    options.batches = 5;
    options.callback.save_freq = 7;
    run_until_moment(&options, BATCH_MOMENTS[_i], 0, 2);
    assert_nothing_stored();
    struct run_life life = run_to_end(&options);
    assert_status(life.begin_status, H5CKPT_NO_CHECKPOINT);
    assert_position(life.next, 0, 0);
    assert_as_undisturbed(life, &options);
    ck_assert_uint_eq(run_count(RUN_BATCH, RUN_ALL_LIVES), 3 + 25);
}
END_TEST

/* 6 */
START_TEST(a_crash_at_batch_8_resumes_at_1_2_after_the_seventh)
{
    options.batches = 5;
    options.callback.save_freq = 7;
    run_until_moment(&options, BATCH_MOMENTS[_i], 1, 2);
    assert_stored(1, 2);
    assert_resumes(1, 2);
    ck_assert_uint_eq(run_count(RUN_BATCH, RUN_ALL_LIVES), 26); /* the eighth twice */
    assert_did_epochs(1, 1, 2);
}
END_TEST

/* 7 */
START_TEST(a_save_at_an_epochs_last_batch_resumes_with_no_batch_and_one_epoch_end)
{
    options.batches = 5;
    options.callback.save_freq = 5;
    run_until_moment(&options, RUN_BATCH_TOLD, 0, 4);
    assert_stored(0, 5);
    assert_resumes(0, 5);
    size_t count;
    const struct run_unit *unit = run_units(&count);
    size_t i = 0;
    while (unit[i].life == 0)
        i++;
    ck_assert_int_eq(unit[i].kind, RUN_EPOCH_END);
    ck_assert_uint_eq(unit[i].epoch, 0);
    ck_assert_int_eq(unit[i + 1].kind, RUN_EPOCH_BEGIN);
    ck_assert_uint_eq(unit[i + 1].epoch, 1);
    ck_assert_uint_eq(run_count(RUN_BATCH, RUN_ALL_LIVES), 25);
    ck_assert_uint_eq(run_count(RUN_EPOCH_END, RUN_ALL_LIVES), 5);
}
END_TEST

/* 7: the epoch's end that follows the save is work that a later crash loses, and no more */
START_TEST(a_crash_after_the_epochs_end_that_follows_such_a_save_runs_that_end_again_and_no_batch)
{
    options.batches = 5;
    options.callback.save_freq = 5;
    run_until_moment(&options, _i == 0 ? RUN_EPOCH_DONE : RUN_EPOCH_TOLD, 0, 0);
    assert_resumes(0, 5);
    ck_assert_uint_eq(run_count(RUN_BATCH, RUN_ALL_LIVES), 25);
    ck_assert_uint_eq(run_count(RUN_EPOCH_END, 1), 5);
}
END_TEST

static const int64_t DIVISORS_OF_35[] = {1, 5, 7, 35};

/* 8 */
START_TEST(a_crash_at_batch_35_of_5_batch_epochs_resumes_at_6_5)
{
    options.epochs = 9;
    options.batches = 5;
    options.callback.save_freq = DIVISORS_OF_35[_i];
    run_until_moment(&options, RUN_BATCH_TOLD, 6, 4);
    assert_stored(6, 5);
    assert_resumes(6, 5);
    ck_assert_uint_eq(run_count(RUN_BATCH, RUN_ALL_LIVES), 45);
    ck_assert_uint_eq(run_count(RUN_EPOCH_END, RUN_ALL_LIVES), 9);
}
END_TEST

/* 9 */
START_TEST(a_second_crash_during_a_resumed_epoch_keeps_true_epoch_numbers)
{
    options.batches = 5;
    options.callback.save_freq = _i;
    run_until_moment(&options, RUN_BATCH_TOLD, 2, 1);
    struct h5ckpt_progress first;
    assert_status(run_stored(&options, &first), H5CKPT_OK);
    ck_assert_uint_eq(first.step, 12u / (unsigned)_i * (unsigned)_i);
    struct run_life second = run_until_moment(&options, RUN_BATCH_TOLD, 2, 3);
    assert_position(second.next, first.epoch, first.batch);
    ck_assert_uint_eq(first.epoch * 5 + first.batch, first.step);
    struct h5ckpt_progress next;
    assert_status(run_stored(&options, &next), H5CKPT_OK);
    ck_assert_uint_eq(next.step, 14u / (unsigned)_i * (unsigned)_i);
    ck_assert_uint_eq(next.epoch * 5 + next.batch, next.step);
    assert_resumes(next.epoch, next.batch);
}
END_TEST

/* 9 */
START_TEST(a_second_crash_in_an_epoch_resumed_by_epochs_resumes_there_again)
{
    run_until_moment(&options, RUN_BATCH_TOLD, 3, 1);
    struct run_life second = run_until_moment(&options, RUN_BATCH_TOLD, 3, 2);
    assert_position(second.next, 3, 0);
    assert_resumes(3, 0);
    ck_assert_uint_eq(run_count(RUN_BATCH, RUN_ALL_LIVES), 15 + 2 + 3);
}
END_TEST

/* 10: the example that Keras documents */
START_TEST(a_run_interrupted_at_the_beginning_of_epoch_4_of_10_runs_6_more)
{
    options.epochs = 10;
    run_until_moment(&options, RUN_EPOCH_BEGUN, 4, 0);
    assert_resumes(4, 0);
    ck_assert_uint_eq(run_count(RUN_EPOCH_END, 1), 6);
    ck_assert_uint_eq(run_count(RUN_BATCH, RUN_ALL_LIVES), 30);
    assert_did_epochs(1, 4, 0);
}
END_TEST

static void check_untouched(void *context, struct run_point point)
{
    (void)context;
    if (point.moment == RUN_TRAIN_BEGUN)
        snapshot_before();
    assert_unchanged();
    ck_assert_int_eq(faults_seen(), 0);
}

/* 11 */
START_TEST(with_save_freq_never_the_hooks_write_nothing)
{
    options.callback.save_freq = H5CKPT_NEVER;
    options.callback.save_before_preemption = true; /* else nothing would ever be saved: an error */
    options.callback.delete_checkpoint = _i != 0;
    options.visit = check_untouched;
    faults_set((struct faults){.calls = FAULT_WRITE | FAULT_RENAME | FAULT_ALLOCATE | FAULT_REMOVE,
                               .name = "slot"}); /* fails nothing, counts */
    struct run_life life = run_here(&options);
    assert_status(life.begin_status, H5CKPT_NO_CHECKPOINT);
    assert_as_undisturbed(life, &options);
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 0);
}
END_TEST

/* 11 */
START_TEST(with_save_freq_never_an_earlier_checkpoint_is_restored_and_nothing_is_written)
{
    run_until_moment(&options, RUN_EPOCH_TOLD, 2, 0);
    options.callback.save_freq = H5CKPT_NEVER;
    options.callback.save_before_preemption = true; /* else nothing would ever be saved: an error */
    options.callback.delete_checkpoint = false;
    options.visit = check_untouched;
    faults_set((struct faults){.calls = FAULT_WRITE | FAULT_RENAME | FAULT_ALLOCATE | FAULT_REMOVE, .name = "slot"});
    struct run_life life = run_here(&options);
    assert_status(life.begin_status, H5CKPT_OK);
    assert_position(life.next, 3, 0);
    ck_assert_uint_eq(run_count(RUN_EPOCH_END, 1), 2);
    assert_stored(3, 0);
}
END_TEST

/* 12 */
START_TEST(only_a_run_that_is_done_deletes_the_checkpoint_and_only_where_asked)
{
    const enum h5ckpt_reason reason = (enum h5ckpt_reason)(_i % 5);
    const bool done = reason == H5CKPT_FINISHED || reason == H5CKPT_STOPPED_EARLY;

    options.callback.delete_checkpoint = _i / 5 == 0;
    options.end_after_epochs = 3;
    options.end_reason = reason;
    struct run_life life = run_to_end(&options);
    assert_status_message(life.end_status, H5CKPT_OK, life.message);
    if (done && options.callback.delete_checkpoint)
        ck_assert_uint_eq(directory_entry_count(fixture_backup), 0);
    else
        assert_stored(3, 0);
}
END_TEST

/* 12 */
START_TEST(a_run_that_ended_before_it_was_done_is_resumed)
{
    options.end_after_epochs = 3;
    options.end_reason = (enum h5ckpt_reason)_i;
    ck_assert(run_to_end(&options).ended);
    options.end_after_epochs = 0;
    assert_resumes(3, 0);
}
END_TEST

/* 13 */
START_TEST(a_variable_freed_and_allocated_anew_between_epochs_resumes_right)
{
    enum { VALUE_COUNT = 1000 };
    uint64_t *kept[4]; /* so that no address comes back */
    void *values = kept[0] = calloc(VALUE_COUNT, sizeof **kept);
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_callback *callback;
    struct h5ckpt_progress next;

    h5ckpt_add_indirect(state, "values", H5CKPT_UINT64, 1, (const uint64_t[]){VALUE_COUNT}, &values);
    assert_status(h5ckpt_callback_new(&callback, state, &options.callback), H5CKPT_OK);
    assert_status(h5ckpt_on_train_begin(callback, &next, NULL), H5CKPT_NO_CHECKPOINT);
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
        memset(kept[epoch], 0xee, VALUE_COUNT * sizeof **kept); /* the old address must not be read again */
        values = kept[epoch + 1] = malloc(VALUE_COUNT * sizeof **kept);
        for (uint64_t i = 0; i < VALUE_COUNT; i++)
            kept[epoch + 1][i] = epoch << 32 | i;
        h5ckpt_on_epoch_begin(callback, epoch);
        assert_status(h5ckpt_on_epoch_end(callback, epoch), H5CKPT_OK);
    }
    h5ckpt_callback_free(callback);
    for (unsigned i = 0; i < 4; i++)
        memset(kept[i], 0xdd, VALUE_COUNT * sizeof **kept);
    assert_status(h5ckpt_callback_new(&callback, state, &options.callback), H5CKPT_OK);
    values = kept[1]; /* moved after it was registered, once more */
    assert_status(h5ckpt_on_train_begin(callback, &next, NULL), H5CKPT_OK);
    assert_position(next, 3, 0);
    for (uint64_t i = 0; i < VALUE_COUNT; i++)
        ck_assert_uint_eq(kept[1][i], UINT64_C(2) << 32 | i);
    for (uint64_t i = 0; i < VALUE_COUNT; i++)
        ck_assert_uint_eq(kept[3][i], UINT64_C(0xdddddddddddddddd));
    h5ckpt_callback_free(callback);
    h5ckpt_state_free(state);
    for (unsigned i = 0; i < 4; i++)
        free(kept[i]);
}
END_TEST

/* 13: the run's own data order moves in every epoch */
START_TEST(a_crash_in_any_epoch_resumes_with_the_order_of_the_data_right)
{
    options.callback.save_freq = 1;
    run_until_moment(&options, RUN_BATCH_TOLD, (uint64_t)_i, 1);
    assert_resumes((uint64_t)_i, 2);
    ck_assert_uint_eq(run_count(RUN_EPOCH_BEGIN, RUN_ALL_LIVES), 5); /* no order was drawn again */
}
END_TEST

/* ------------------------------------------- 14, and a crash at every moment */

static uint64_t ragged(uint64_t epoch)
{
    static const uint64_t BATCHES[] = {4, 1, 0, 3, 2, 0, 5};

    return BATCHES[epoch % COUNT(BATCHES)];
}

static struct run_options plain(void)
{
    return options;
}

static struct run_options in_single_mode(void)
{
    options.callback.double_checkpoint = false;
    return options;
}

static struct run_options by_hooks(void)
{
    options.calls = RUN_BY_HOOKS;
    return options;
}

static struct run_options two_at_once(void)
{
    options.steps_per_execution = 2;
    options.batches = 5;
    options.epochs = 3;
    return options;
}

static struct run_options four_at_once(void)
{
    options.steps_per_execution = 4;
    options.batches = 6;
    options.epochs = 3;
    return options;
}

static struct run_options all_at_once(void)
{
    options.steps_per_execution = 1000;
    return options;
}

static struct run_options of_unknown_length(void)
{
    options.batches_unknown = true;
    return options;
}

static struct run_options of_unknown_length_two_at_once(void)
{
    options.batches_unknown = true;
    options.steps_per_execution = 2;
    return options;
}

static struct run_options of_different_lengths(void)
{
    options.epochs = 7;
    options.batches_of = ragged;
    return options;
}

static struct run_options of_different_lengths_three_at_once(void)
{
    options.epochs = 7;
    options.batches_of = ragged;
    options.steps_per_execution = 3;
    return options;
}

static struct run_options of_one_epoch(void)
{
    options.epochs = 1;
    options.batches = 9;
    return options;
}

static struct run_options of_one_batch(void)
{
    options.epochs = 1;
    options.batches = 1;
    return options;
}

static struct run_options (*const SHAPES[])(void) = {
    plain,
    in_single_mode,
    by_hooks,
    two_at_once,
    four_at_once,
    all_at_once,
    of_unknown_length,
    of_unknown_length_two_at_once,
    of_different_lengths,
    of_different_lengths_three_at_once,
    of_one_epoch,
    of_one_batch,
};

static const int64_t FREQS[] = {H5CKPT_EVERY_EPOCH, H5CKPT_NEVER, 1, 2, 3, 5, 7};

enum { WORLD_COUNT = COUNT(SHAPES) * COUNT(FREQS) };

static struct run_point point[POINT_COUNT_MAX];

static void enter_world(int number)
{
    options = SHAPES[(size_t)number / COUNT(FREQS)]();
    options.callback.save_freq = FREQS[(size_t)number % COUNT(FREQS)];
    options.callback.save_before_preemption = options.callback.save_freq == H5CKPT_NEVER;
}

/* What was last saved when a run has come by points 0 … last, and the batches done by then; counted one by one. */
static struct h5ckpt_progress saved_by(size_t last, uint64_t *done)
{
    const uint64_t save_freq = (uint64_t)options.callback.save_freq;
    struct h5ckpt_progress at = {0};
    struct h5ckpt_progress saved = {0};

    *done = 0;
    for (size_t i = 0; i <= last; i++) {
        bool due = false;
        if (point[i].moment == RUN_BATCH_DONE)
            *done += point[i].batch + 1 - at.batch;
        while (point[i].moment == RUN_BATCH_TOLD && at.batch <= point[i].batch) {
            at.batch++;
            due |= ++at.step % save_freq == 0;
        }
        if (point[i].moment == RUN_EPOCH_TOLD) {
            at.epoch++;
            at.batch = 0;
            due = options.callback.save_freq == H5CKPT_EVERY_EPOCH;
        }
        if (due)
            saved = at;
    }
    return saved;
}

static void assert_began_at(const struct run_life *life, const struct h5ckpt_progress *expected)
{
    const bool afresh = expected->epoch == 0 && expected->batch == 0;

    assert_status_message(life->begin_status, afresh ? H5CKPT_NO_CHECKPOINT : H5CKPT_OK, life->message);
    assert_position(life->next, expected->epoch, expected->batch);
    ck_assert_uint_eq(life->next.step, expected->step);
}

/* In the full form every moment is tried; which ones differs from world to world. */
static size_t moment_stride(void)
{
    return (size_t)form_count(20, 5, 1);
}

/* 14, and in general */
START_TEST(a_crash_at_any_moment_of_any_kind_of_run_resumes_at_the_last_save_and_ends_the_same)
{
    enter_world(_i);
    const size_t count = run_undisturbed_points(&options, point, POINT_COUNT_MAX);
    const uint64_t batches = run_undisturbed_batches(&options);

    for (size_t i = (size_t)_i % moment_stride(); i < count; i += moment_stride()) {
        uint64_t done;
        const struct h5ckpt_progress saved = saved_by(i, &done);
        begin_anew();
        run_until(&options, point[i]);
        struct run_life life = run_to_end(&options);
        assert_began_at(&life, &saved);
        assert_as_undisturbed(life, &options);
        ck_assert_uint_eq(run_count(RUN_BATCH, RUN_ALL_LIVES), batches + done - saved.step);
        ck_assert_uint_eq(run_count(RUN_BATCH, 1), batches - saved.step);
    }
}
END_TEST

/* 14 */
START_TEST(crashes_at_any_two_moments_resume_twice_and_end_the_same)
{
    enter_world(_i);
    const size_t count = run_undisturbed_points(&options, point, POINT_COUNT_MAX);
    uint64_t done;

    for (size_t i = (size_t)_i % 5; i < count; i += 11)
        for (size_t j = i + 1; j < count; j += 7 * moment_stride()) {
            const struct h5ckpt_progress first = saved_by(i, &done);
            const struct h5ckpt_progress second = saved_by(j, &done);
            begin_anew();
            run_until(&options, point[i]);
            struct run_life life = run_until(&options, point[j]);
            assert_began_at(&life, &first);
            life = run_to_end(&options);
            assert_began_at(&life, &second);
            assert_as_undisturbed(life, &options);
        }
}
END_TEST

/* 14 */
START_TEST(saves_come_at_every_multiple_and_nowhere_else)
{
    enter_world(_i);
    const size_t count = run_undisturbed_points(&options, point, POINT_COUNT_MAX);
    struct h5ckpt_progress last = {0};
    size_t expected = 0;
    size_t save_count;
    uint64_t done;

    assert_as_undisturbed(run_to_end(&options), &options);
    const struct h5ckpt_progress *saved = run_saves(&save_count);
    for (size_t i = 0; i < count; i++) {
        const struct h5ckpt_progress now = saved_by(i, &done);
        if (memcmp(&now, &last, sizeof now) == 0)
            continue;
        ck_assert_uint_lt(expected, save_count);
        ck_assert_mem_eq(&saved[expected++], &now, sizeof now);
        last = now;
    }
    ck_assert_uint_eq(expected, save_count);
}
END_TEST

/* 14 */
START_TEST(a_run_that_is_complete_already_runs_nothing)
{
    options.callback.save_freq = _i == 0 ? H5CKPT_EVERY_EPOCH : 1;
    options.callback.delete_checkpoint = false;
    ck_assert(run_to_end(&options).ended);
    struct run_life life = run_to_end(&options);
    assert_status(life.begin_status, H5CKPT_OK);
    assert_position(life.next, _i == 0 ? 5 : 4, _i == 0 ? 0 : 3);
    assert_as_undisturbed(life, &options);
    ck_assert_uint_eq(run_count(RUN_BATCH, 1), 0);
    ck_assert_uint_eq(run_count(RUN_EPOCH_END, 1), _i == 0 ? 0 : 1); /* by batches, the last epoch's end is due */
}
END_TEST

/* 14 */
START_TEST(a_run_killed_before_its_end_was_told_runs_nothing_and_deletes)
{
    run_until_moment(&options, RUN_TRAIN_DONE, 0, 0);
    assert_resumes(5, 0);
    ck_assert_uint_eq(run_count(RUN_BATCH, 1), 0);
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 0);
}
END_TEST

/* 14 */
START_TEST(a_complete_run_that_is_given_more_epochs_goes_on)
{
    options.callback.delete_checkpoint = false;
    ck_assert(run_to_end(&options).ended);
    options.epochs = 8;
    assert_resumes(5, 0);
    ck_assert_uint_eq(run_count(RUN_BATCH, 1), 9);
}
END_TEST

/* 14 */
START_TEST(a_run_of_no_epochs_ends_at_once)
{
    options.epochs = 0;
    struct run_life life = run_to_end(&options);
    assert_status(life.end_status, H5CKPT_OK);
    assert_as_undisturbed(life, &options);
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 0);
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

static void add_numbered(Suite *suite)
{
    TCase *tests = new_case(suite, "numbered");

    tcase_add_loop_test(tests, a_run_that_saves_every_batch_and_crashes_within_an_epoch_runs_15_batches_in_all, 0, 3);
    tcase_add_test(tests, a_crash_after_the_second_epochs_save_resumes_at_epoch_2_with_15_batches_in_all);
    tcase_add_test(tests, a_current_slot_overwritten_by_0_resumes_from_the_previous_one);
    tcase_add_loop_test(tests, a_finished_run_leaves_nothing_of_ours_and_everything_that_is_not, 0, 2);
    tcase_add_test(tests, a_finished_run_without_delete_checkpoint_keeps_it_beside_foreign_files);
    tcase_add_test(tests, crashes_at_the_ends_of_epochs_5_and_12_repeat_and_skip_none);
    tcase_add_test(tests, every_7_batches_are_counted_across_epochs_of_5);
    tcase_add_test(tests, every_7_batches_are_counted_across_restarts);
    tcase_add_loop_test(tests, a_crash_at_batch_3_of_the_first_7_starts_afresh, 0, COUNT(BATCH_MOMENTS));
    tcase_add_loop_test(tests, a_crash_at_batch_8_resumes_at_1_2_after_the_seventh, 0, COUNT(BATCH_MOMENTS));
    tcase_add_test(tests, a_save_at_an_epochs_last_batch_resumes_with_no_batch_and_one_epoch_end);
    tcase_add_loop_test(tests, a_crash_after_the_epochs_end_that_follows_such_a_save_runs_that_end_again_and_no_batch,
                        0, 2);
    tcase_add_loop_test(tests, a_crash_at_batch_35_of_5_batch_epochs_resumes_at_6_5, 0, COUNT(DIVISORS_OF_35));
    tcase_add_loop_test(tests, a_second_crash_during_a_resumed_epoch_keeps_true_epoch_numbers, 1, 12);
    tcase_add_test(tests, a_second_crash_in_an_epoch_resumed_by_epochs_resumes_there_again);
    tcase_add_test(tests, a_run_interrupted_at_the_beginning_of_epoch_4_of_10_runs_6_more);
    tcase_add_loop_test(tests, with_save_freq_never_the_hooks_write_nothing, 0, 2);
    tcase_add_test(tests, with_save_freq_never_an_earlier_checkpoint_is_restored_and_nothing_is_written);
    tcase_add_loop_test(tests, only_a_run_that_is_done_deletes_the_checkpoint_and_only_where_asked, 0, 10);
    tcase_add_loop_test(tests, a_run_that_ended_before_it_was_done_is_resumed, H5CKPT_FAILED, H5CKPT_NAN_STOP + 1);
    tcase_add_test(tests, a_variable_freed_and_allocated_anew_between_epochs_resumes_right);
    tcase_add_loop_test(tests, a_crash_in_any_epoch_resumes_with_the_order_of_the_data_right, 0, 5);
}

static void add_everywhere(Suite *suite)
{
    TCase *tests = new_case(suite, "everywhere");

    tcase_add_loop_test(tests, a_crash_at_any_moment_of_any_kind_of_run_resumes_at_the_last_save_and_ends_the_same, 0,
                        WORLD_COUNT);
    tcase_add_loop_test(tests, crashes_at_any_two_moments_resume_twice_and_end_the_same, 0, WORLD_COUNT);
    tcase_add_loop_test(tests, saves_come_at_every_multiple_and_nowhere_else, 0, WORLD_COUNT);
    tcase_add_loop_test(tests, a_run_that_is_complete_already_runs_nothing, 0, 2);
    tcase_add_test(tests, a_run_killed_before_its_end_was_told_runs_nothing_and_deletes);
    tcase_add_test(tests, a_complete_run_that_is_given_more_epochs_goes_on);
    tcase_add_test(tests, a_run_of_no_epochs_ends_at_once);
}

int main(void)
{
    Suite *suite = suite_create("callback");

    add_numbered(suite);
    add_everywhere(suite);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
