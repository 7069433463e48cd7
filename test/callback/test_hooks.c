/* SPDX-License-Identifier: MIT */
/*
 * The hooks one by one: options, every hook in every phase, wrong numbers, refusals and their messages, failures.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "callback/run.h"
#include "support/assert_h5ckpt.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { TIMEOUT_SECONDS = 60 };

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

/* -------------------------------------------------------------- one callback */

enum { VALUE_COUNT = 64 };

static struct { /* a callback on a small state, moved by hand */
    h5ckpt_state *state;
    uint64_t value[VALUE_COUNT];
    h5ckpt_callback *callback;
    struct h5ckpt_progress next;
} hand;

static void hand_setup(void)
{
    setup();
    hand.state = h5ckpt_state_new();
    hand.callback = NULL;
    hand.next = (struct h5ckpt_progress){77, 77, 77};
    for (unsigned i = 0; i < VALUE_COUNT; i++)
        hand.value[i] = i * UINT64_C(1000003);
    h5ckpt_add(hand.state, "value", H5CKPT_UINT64, 1, (const uint64_t[]){VALUE_COUNT}, hand.value);
}

static void hand_teardown(void)
{
    h5ckpt_callback_free(hand.callback);
    h5ckpt_state_free(hand.state);
    teardown();
}

#define assert_hook(call, expected) assert_status_message(call, expected, h5ckpt_callback_message(hand.callback))

/* Refused as a wrong call, with a message that has `text`. */
#define assert_refused(call, text)                                     \
    do {                                                               \
        assert_hook(call, H5CKPT_E_ARGUMENT);                          \
        assert_mentions(h5ckpt_callback_message(hand.callback), text); \
    } while (0)

static h5ckpt_status hand_new(void)
{
    return h5ckpt_callback_new(&hand.callback, hand.state, &options.callback);
}

static h5ckpt_status hand_begin(void)
{
    return h5ckpt_on_train_begin(hand.callback, &hand.next, NULL);
}

static void hand_free(void)
{
    h5ckpt_callback_free(hand.callback);
    hand.callback = NULL;
}

static void do_whole_epoch(uint64_t epoch)
{
    hand.value[epoch % VALUE_COUNT] += epoch;
    assert_hook(h5ckpt_on_epoch_begin(hand.callback, epoch), H5CKPT_OK);
    for (uint64_t batch = 0; batch < 3; batch++)
        assert_hook(h5ckpt_on_train_batch_end(hand.callback, batch), H5CKPT_OK);
    assert_hook(h5ckpt_on_epoch_end(hand.callback, epoch), H5CKPT_OK);
}

START_TEST(the_defaults_are_those_of_the_header)
{
    const struct h5ckpt_callback_options defaults = h5ckpt_callback_options_default();
    const struct h5ckpt_options store = h5ckpt_options_default();
    const struct h5ckpt_restore_options restore = h5ckpt_restore_options_default();

    ck_assert_ptr_null(defaults.backup_dir);
    ck_assert_int_eq(defaults.save_freq, H5CKPT_EVERY_EPOCH);
    ck_assert(defaults.double_checkpoint);
    ck_assert(defaults.delete_checkpoint);
    ck_assert_int_eq(defaults.store.mode, store.mode);
    ck_assert_uint_eq(defaults.store.file_mode, store.file_mode);
    ck_assert_uint_eq(defaults.store.rewrite_every, store.rewrite_every);
    ck_assert_int_eq(defaults.restore.which, restore.which);
    ck_assert_int_eq(defaults.restore.match, restore.match);
    ck_assert_int_eq(defaults.restore.memory, restore.memory);
}
END_TEST

static unsigned slots_there(void)
{
    unsigned count = 0;

    count += file_exists(in_backup("slot-a.h5"));
    count += file_exists(in_backup("slot-b.h5"));
    count += file_exists(in_backup("slot-c.h5"));
    return count;
}

START_TEST(double_checkpoint_keeps_two_states_and_single_one_whatever_the_store_options_say)
{
    options.callback.double_checkpoint = _i % 2 == 0;
    options.callback.store.slots = (unsigned)_i / 2;
    assert_hook(hand_new(), H5CKPT_OK);
    assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
    for (uint64_t epoch = 0; epoch < 4; epoch++) {
        do_whole_epoch(epoch);
        ck_assert_uint_eq(slots_there(), _i % 2 == 0 ? 2 : 1);
    }
}
END_TEST

START_TEST(the_directorys_name_and_the_options_are_copied)
{
    char name[PATH_BYTES];

    snprintf(name, sizeof name, "%s", fixture_backup);
    options.callback.backup_dir = name;
    options.callback.save_freq = 2;
    assert_hook(hand_new(), H5CKPT_OK);
    memset(name, 'x', sizeof name - 1);
    memset(&options.callback, 0x55, sizeof options.callback);
    assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
    do_whole_epoch(0);
    options = run_options_default();
    hand_free();
    assert_hook(hand_new(), H5CKPT_OK);
    assert_hook(hand_begin(), H5CKPT_OK);
    assert_position(hand.next, 0, 2);
}
END_TEST

START_TEST(store_options_are_heeded)
{
    options.callback.store.file_mode = 0640;
    assert_hook(hand_new(), H5CKPT_OK);
    assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
    do_whole_epoch(0);
    ck_assert_uint_eq(file_permissions(in_backup("slot-a.h5")), 0640);
}
END_TEST

START_TEST(restore_options_are_heeded)
{
    uint64_t more = 5;

    assert_hook(hand_new(), H5CKPT_OK);
    assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
    do_whole_epoch(0);
    hand_free();
    h5ckpt_add(hand.state, "more", H5CKPT_UINT64, 0, NULL, &more);
    options.callback.restore.match = H5CKPT_INTERSECTION;
    memset(hand.value, 0, sizeof hand.value);
    assert_hook(hand_new(), H5CKPT_OK);
    assert_hook(hand_begin(), H5CKPT_OK);
    assert_position(hand.next, 1, 0);
    ck_assert_uint_eq(hand.value[1], 1000003);
    ck_assert_uint_eq(more, 5);
}
END_TEST

START_TEST(the_report_says_what_was_restored)
{
    struct h5ckpt_report report;

    assert_hook(hand_new(), H5CKPT_OK);
    assert_hook(h5ckpt_on_train_begin(hand.callback, &hand.next, &report), H5CKPT_NO_CHECKPOINT);
    ck_assert_int_eq(report.restored, -1);
    do_whole_epoch(0);
    do_whole_epoch(1);
    hand_free();
    file_replace(run_slot(&options, H5CKPT_CURRENT), "0", 1);
    assert_hook(hand_new(), H5CKPT_OK);
    assert_hook(h5ckpt_on_train_begin(hand.callback, &hand.next, &report), H5CKPT_FELL_BACK);
    ck_assert_int_ge(report.restored, 0);
    ck_assert(report.fell_back);
    ck_assert_uint_eq(report.sequences_lost, 1);
    ck_assert_uint_eq(report.variable_count, 1);
    ck_assert_mem_eq(&report.progress, &hand.next, sizeof hand.next);
    assert_position(hand.next, 1, 0);
    ck_assert_uint_eq(hand.next.step, 3);
}
END_TEST

START_TEST(the_store_of_a_callback_can_be_asked)
{
    struct h5ckpt_space space;
    struct h5ckpt_report report;

    assert_hook(hand_new(), H5CKPT_OK);
    assert_status(h5ckpt_space(h5ckpt_callback_store(hand.callback), &space), H5CKPT_OK);
    ck_assert_uint_eq(space.variable_bytes, sizeof hand.value);
    assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
    do_whole_epoch(0);
    assert_status(h5ckpt_inspect(h5ckpt_callback_store(hand.callback),
                                 &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report),
                  H5CKPT_OK);
    assert_position(report.progress, 1, 0);
    do_whole_epoch(1); /* asking has disturbed nothing */
    assert_position(h5ckpt_progress(h5ckpt_callback_store(hand.callback)), 2, 0);
}
END_TEST

START_TEST(a_callback_that_is_freed_before_training_began_leaves_the_directory_as_it_was)
{
    assert_hook(hand_new(), H5CKPT_OK);
    hand_free();
    ck_assert(!file_exists(fixture_backup));
    run_until_moment(&options, RUN_EPOCH_TOLD, 1, 0);
    hand_free();
    h5ckpt_callback *callback;
    h5ckpt_callback_new(&callback, hand.state, &options.callback);
    h5ckpt_callback_free(callback);
    assert_stored(2, 0);
}
END_TEST

/* --------------------------------------------------- every hook in every phase */

enum phase { UNMADE, NEW, BETWEEN, WITHIN, ENDED_KEPT, ENDED_DELETED, PHASE_COUNT };

static h5ckpt_status call_train_begin(const struct h5ckpt_hooks *hooks)
{
    return hooks->on_train_begin(hooks->self, &hand.next);
}

static h5ckpt_status call_epoch_begin(const struct h5ckpt_hooks *hooks)
{
    return hooks->on_epoch_begin(hooks->self, 1);
}

static h5ckpt_status call_batch_begin(const struct h5ckpt_hooks *hooks)
{
    return hooks->on_train_batch_begin(hooks->self, 1);
}

static h5ckpt_status call_batch_end(const struct h5ckpt_hooks *hooks)
{
    return hooks->on_train_batch_end(hooks->self, 1);
}

static h5ckpt_status call_test_batch_end(const struct h5ckpt_hooks *hooks)
{
    return hooks->on_test_batch_end(hooks->self, 0);
}

static h5ckpt_status call_epoch_end(const struct h5ckpt_hooks *hooks)
{
    return hooks->on_epoch_end(hooks->self, 1);
}

static h5ckpt_status call_train_end_finished(const struct h5ckpt_hooks *hooks)
{
    return hooks->on_train_end(hooks->self, H5CKPT_FINISHED);
}

static h5ckpt_status call_train_end_stopped_early(const struct h5ckpt_hooks *hooks)
{
    return hooks->on_train_end(hooks->self, H5CKPT_STOPPED_EARLY);
}

static h5ckpt_status call_train_end_failed(const struct h5ckpt_hooks *hooks)
{
    return hooks->on_train_end(hooks->self, H5CKPT_FAILED);
}

static h5ckpt_status call_train_end_preempted(const struct h5ckpt_hooks *hooks)
{
    return hooks->on_train_end(hooks->self, H5CKPT_PREEMPTED);
}

static h5ckpt_status call_train_end_nan(const struct h5ckpt_hooks *hooks)
{
    return hooks->on_train_end(hooks->self, H5CKPT_NAN_STOP);
}

/* In each phase, after epoch 0 and, within epoch 1, its batch 0: is the hook allowed? */
static const struct {
    const char *name;
    h5ckpt_status (*call)(const struct h5ckpt_hooks *hooks);
    bool allowed[PHASE_COUNT];
} HOOK[] = {
    {"on_train_begin", call_train_begin, {[NEW] = true}},
    {"on_epoch_begin", call_epoch_begin, {[BETWEEN] = true}},
    {"on_train_batch_begin", call_batch_begin, {[WITHIN] = true}},
    {"on_train_batch_end", call_batch_end, {[WITHIN] = true}},
    {"on_test_batch_end", call_test_batch_end, {[WITHIN] = true}},
    {"on_epoch_end", call_epoch_end, {[WITHIN] = true}},
    {"on_train_end", call_train_end_finished, {[BETWEEN] = true}},
    {"on_train_end", call_train_end_stopped_early, {[BETWEEN] = true, [WITHIN] = true}},
    {"on_train_end", call_train_end_failed, {[BETWEEN] = true, [WITHIN] = true}},
    {"on_train_end", call_train_end_preempted, {[BETWEEN] = true, [WITHIN] = true}},
    {"on_train_end", call_train_end_nan, {[BETWEEN] = true, [WITHIN] = true}},
};

static const char *const WHEN[PHASE_COUNT] = {
    [UNMADE] = "could not be made",
    [NEW] = "before training has begun",
    [BETWEEN] = "between epochs",
    [WITHIN] = "within an epoch",
    [ENDED_KEPT] = "after training has ended",
    [ENDED_DELETED] = "after training has ended",
};

/* Epoch 0 is done (a checkpoint says so), and perhaps more. */
static void enter_phase(enum phase phase)
{
    options.callback.delete_checkpoint = phase == ENDED_DELETED;
    assert_hook(hand_new(), H5CKPT_OK);
    assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
    do_whole_epoch(0);
    if (phase == UNMADE || phase == NEW) {
        hand_free();
        options.callback.save_freq = phase == UNMADE ? 0 : 1;
        assert_hook(hand_new(), phase == UNMADE ? H5CKPT_E_ARGUMENT : H5CKPT_OK);
    } else if (phase == WITHIN) {
        assert_hook(h5ckpt_on_epoch_begin(hand.callback, 1), H5CKPT_OK);
        assert_hook(h5ckpt_on_train_batch_end(hand.callback, 0), H5CKPT_OK);
    } else if (phase != BETWEEN) {
        assert_hook(h5ckpt_on_train_end(hand.callback, H5CKPT_FINISHED), H5CKPT_OK);
    }
}

/* What is due in a phase is still due, from there to the end. */
static void assert_goes_on_from(enum phase phase)
{
    if (phase == UNMADE || phase == ENDED_KEPT || phase == ENDED_DELETED)
        return;
    if (phase == NEW) {
        assert_hook(hand_begin(), H5CKPT_OK);
        assert_position(hand.next, 1, 0);
    }
    if (phase != WITHIN)
        assert_hook(h5ckpt_on_epoch_begin(hand.callback, 1), H5CKPT_OK);
    if (phase != WITHIN)
        assert_hook(h5ckpt_on_train_batch_end(hand.callback, 0), H5CKPT_OK);
    assert_hook(h5ckpt_on_train_batch_begin(hand.callback, 1), H5CKPT_OK);
    assert_hook(h5ckpt_on_train_batch_end(hand.callback, 1), H5CKPT_OK);
    assert_hook(h5ckpt_on_epoch_end(hand.callback, 1), H5CKPT_OK);
    assert_hook(h5ckpt_on_train_end(hand.callback, H5CKPT_FINISHED), H5CKPT_OK);
}

START_TEST(a_hook_in_any_phase_is_allowed_as_the_table_says_or_refused_and_changes_nothing)
{
    const enum phase phase = (enum phase)((size_t)_i / COUNT(HOOK));
    const size_t hook = (size_t)_i % COUNT(HOOK);
    uint64_t values[VALUE_COUNT];

    enter_phase(phase);
    const struct h5ckpt_hooks hooks = h5ckpt_callback_hooks(hand.callback);
    const struct h5ckpt_progress progress = h5ckpt_progress(h5ckpt_callback_store(hand.callback));
    hand.next = (struct h5ckpt_progress){77, 77, 77};
    memcpy(values, hand.value, sizeof values);
    snapshot_before();
    if (HOOK[hook].allowed[phase]) {
        assert_hook(HOOK[hook].call(&hooks), H5CKPT_OK);
        ck_assert_str_eq(h5ckpt_callback_message(hand.callback), "");
        return;
    }
    assert_refused(HOOK[hook].call(&hooks), HOOK[hook].name);
    assert_mentions(h5ckpt_callback_message(hand.callback), WHEN[phase]);
    assert_position(hand.next, 77, 77);
    ck_assert_mem_eq(values, hand.value, sizeof values);
    const struct h5ckpt_progress now = h5ckpt_progress(h5ckpt_callback_store(hand.callback));
    ck_assert_mem_eq(&now, &progress, sizeof now);
    assert_unchanged();
    assert_goes_on_from(phase);
}
END_TEST

START_TEST(a_message_is_that_of_the_last_hook)
{
    assert_hook(hand_new(), H5CKPT_OK);
    ck_assert_str_eq(h5ckpt_callback_message(hand.callback), "");
    assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
    ck_assert_str_ne(h5ckpt_callback_message(hand.callback), "");
    assert_hook(h5ckpt_on_epoch_begin(hand.callback, 0), H5CKPT_OK); /* calls no store */
    ck_assert_str_eq(h5ckpt_callback_message(hand.callback), "");
    assert_refused(h5ckpt_on_epoch_begin(hand.callback, 0), "on_epoch_begin");
    assert_hook(h5ckpt_on_train_batch_end(hand.callback, 0), H5CKPT_OK);
    ck_assert_str_eq(h5ckpt_callback_message(hand.callback), "");
}
END_TEST

START_TEST(the_message_of_a_failed_save_is_gone_after_a_hook_that_succeeds_without_a_save)
{
    assert_hook(hand_new(), H5CKPT_OK);
    assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
    assert_hook(h5ckpt_on_epoch_begin(hand.callback, 0), H5CKPT_OK);
    faults_set((struct faults){.calls = FAULT_WRITE, .name = "slot", .count = FAULTS_FOR_EVER, .error = EIO});
    assert_hook(h5ckpt_on_epoch_end(hand.callback, 0), H5CKPT_E_IO);
    ck_assert_str_ne(h5ckpt_callback_message(hand.callback), "");
    assert_hook(h5ckpt_on_epoch_begin(hand.callback, 1), H5CKPT_OK);
    ck_assert_str_eq(h5ckpt_callback_message(hand.callback), "");
}
END_TEST

/* ------------------------------------------------------------- wrong numbers */

static void enter_epoch_1_batch_2(void)
{
    assert_hook(hand_new(), H5CKPT_OK);
    assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
    do_whole_epoch(0);
    assert_hook(h5ckpt_on_epoch_begin(hand.callback, 1), H5CKPT_OK);
    assert_hook(h5ckpt_on_train_batch_end(hand.callback, 1), H5CKPT_OK);
}

START_TEST(a_batch_that_is_not_due_is_refused_and_the_due_one_is_named)
{
    static const uint64_t BEGUN[] = {0, 1, 3, UINT64_MAX};
    static const uint64_t ENDED[] = {0, 1, UINT64_MAX};

    options.callback.save_freq = 1;
    enter_epoch_1_batch_2();
    snapshot_before();
    for (unsigned i = 0; i < COUNT(BEGUN); i++)
        assert_refused(h5ckpt_on_train_batch_begin(hand.callback, BEGUN[i]), "2 is due");
    for (unsigned i = 0; i < COUNT(ENDED); i++)
        assert_refused(h5ckpt_on_train_batch_end(hand.callback, ENDED[i]), "2 is due");
    assert_unchanged();
    assert_hook(h5ckpt_on_train_batch_end(hand.callback, 2), H5CKPT_OK);
    assert_position(h5ckpt_progress(h5ckpt_callback_store(hand.callback)), 1, 3);
    ck_assert_uint_eq(h5ckpt_progress(h5ckpt_callback_store(hand.callback)).step, 6);
}
END_TEST

START_TEST(an_epoch_that_is_not_due_is_refused_and_the_due_one_is_named)
{
    static const uint64_t WRONG[] = {0, 2, UINT64_MAX};

    enter_epoch_1_batch_2();
    snapshot_before();
    for (unsigned i = 0; i < COUNT(WRONG); i++)
        assert_refused(h5ckpt_on_epoch_end(hand.callback, WRONG[i]), "1 is due");
    assert_unchanged();
    assert_hook(h5ckpt_on_epoch_end(hand.callback, 1), H5CKPT_OK);
    snapshot_before();
    assert_refused(h5ckpt_on_epoch_begin(hand.callback, 0), "2 is due");
    assert_refused(h5ckpt_on_epoch_begin(hand.callback, 1), "2 is due");
    assert_refused(h5ckpt_on_epoch_begin(hand.callback, 3), "2 is due");
    assert_unchanged();
    assert_position(h5ckpt_progress(h5ckpt_callback_store(hand.callback)), 2, 0);
    assert_hook(h5ckpt_on_epoch_begin(hand.callback, 2), H5CKPT_OK);
}
END_TEST

START_TEST(a_loop_that_ignores_where_to_go_on_is_refused_and_told_so)
{
    enter_epoch_1_batch_2();
    hand_free();
    assert_hook(hand_new(), H5CKPT_OK);
    assert_hook(hand_begin(), H5CKPT_OK);
    assert_refused(h5ckpt_on_epoch_begin(hand.callback, 0), "go on where on_train_begin said");
}
END_TEST

START_TEST(any_number_of_a_test_batch_is_taken_and_moves_nothing)
{
    enter_epoch_1_batch_2();
    snapshot_before();
    assert_hook(h5ckpt_on_test_batch_end(hand.callback, 0), H5CKPT_OK);
    assert_hook(h5ckpt_on_test_batch_end(hand.callback, 0), H5CKPT_OK);
    assert_hook(h5ckpt_on_test_batch_end(hand.callback, UINT64_MAX), H5CKPT_OK);
    assert_unchanged();
    assert_hook(h5ckpt_on_train_batch_begin(hand.callback, 2), H5CKPT_OK);
}
END_TEST

START_TEST(what_is_no_reason_is_refused_and_ends_nothing)
{
    static const int NO_REASON[] = {-1, 5, 1000, INT32_MIN};

    assert_hook(hand_new(), H5CKPT_OK);
    assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
    do_whole_epoch(0);
    snapshot_before();
    for (unsigned i = 0; i < COUNT(NO_REASON); i++)
        assert_refused(h5ckpt_on_train_end(hand.callback, (enum h5ckpt_reason)NO_REASON[i]), "is no reason");
    assert_unchanged();
    assert_hook(h5ckpt_on_train_end(hand.callback, H5CKPT_FINISHED), H5CKPT_OK);
}
END_TEST

/* ------------------------------------------------------- refusals of options: 15 */

static void no_batches(void)
{
    options.callback.save_freq = 0;
}

static void negative_batches(void)
{
    options.callback.save_freq = -7;
}

static void most_negative_batches(void)
{
    options.callback.save_freq = INT64_MIN;
}

static void too_many_batches(void)
{
    options.callback.save_freq = (INT64_C(1) << 53) + 1;
}

static void almost_never(void)
{
    options.callback.save_freq = H5CKPT_NEVER - 1;
}

static void never_at_all(void)
{
    options.callback.save_freq = H5CKPT_NEVER;
}

static void no_directory(void)
{
    options.callback.backup_dir = NULL;
}

static void empty_directory(void)
{
    options.callback.backup_dir = "";
}

static void only_reading(void)
{
    options.callback.store.mode = H5CKPT_READ_ONLY;
}

static void mode_of_no_kind(void)
{
    options.callback.store.mode = (enum h5ckpt_mode)9;
}

static void store_of_zeros(void)
{
    options.callback.store = (struct h5ckpt_options){0};
}

static const struct {
    void (*spoil)(void);
    const char *text;
} BAD_OPTIONS[] = {
    {no_batches, "save_freq is 0"},
    {negative_batches, "save_freq is -7"},
    {most_negative_batches, "save_freq is -9223372036854775808"},
    {too_many_batches, "save_freq is 9007199254740993"},
    {almost_never, "save_freq"},
    {never_at_all, "save_freq"},
    {no_directory, "backup_dir is NULL"},
    {empty_directory, "director"},
    {only_reading, "read-only"},
    {mode_of_no_kind, "mode"},
    {store_of_zeros, "options"},
};

START_TEST(bad_options_are_refused_with_a_message_and_leave_no_trace)
{
    BAD_OPTIONS[_i].spoil();
    assert_refused(hand_new(), BAD_OPTIONS[_i].text);
    ck_assert_ptr_nonnull(hand.callback);
    ck_assert(!file_exists(fixture_backup));
    assert_refused(hand_begin(), "on_train_begin");
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

START_TEST(a_mode_that_is_none_is_not_called_read_only)
{
    options.callback.store.mode = (enum h5ckpt_mode)9;
    assert_status(hand_new(), H5CKPT_E_ARGUMENT);
    ck_assert_ptr_null(strstr(h5ckpt_callback_message(hand.callback), "read-only"));
}
END_TEST

START_TEST(bad_restore_options_are_refused_when_training_begins)
{
    options.callback.restore.match = (enum h5ckpt_match)9;
    assert_hook(hand_new(), H5CKPT_OK);
    assert_refused(hand_begin(), "restore options");
    assert_position(hand.next, 77, 77);
}
END_TEST

START_TEST(a_failed_add_is_told_by_the_new_callback)
{
    h5ckpt_add(hand.state, "value", H5CKPT_UINT64, 0, NULL, hand.value);
    assert_refused(hand_new(), "value");
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

START_TEST(a_second_callback_on_a_directory_is_refused_and_changes_no_byte)
{
    h5ckpt_callback *second;

    enter_epoch_1_batch_2();
    snapshot_before();
    assert_status(h5ckpt_callback_new(&second, hand.state, &options.callback), H5CKPT_E_BUSY);
    assert_mentions(h5ckpt_callback_message(second), fixture_backup);
    assert_status(h5ckpt_on_train_begin(second, &hand.next, NULL), H5CKPT_E_ARGUMENT);
    h5ckpt_callback_free(second);
    assert_unchanged();
    struct run_life life = run_to_end(&options); /* from another process too */
    assert_status(life.new_status, H5CKPT_E_BUSY);
    assert_mentions(life.message, fixture_backup);
    assert_unchanged();
    assert_hook(h5ckpt_on_epoch_end(hand.callback, 1), H5CKPT_OK);
}
END_TEST

START_TEST(a_directory_is_free_again_when_its_callback_is_freed_or_has_deleted_it)
{
    options.callback.delete_checkpoint = _i != 0;
    enter_epoch_1_batch_2();
    assert_hook(h5ckpt_on_train_end(hand.callback, H5CKPT_STOPPED_EARLY), H5CKPT_OK);
    h5ckpt_callback *ended = hand.callback;
    if (_i == 0)
        h5ckpt_callback_free(ended);
    assert_hook(hand_new(), H5CKPT_OK);
    assert_hook(hand_begin(), _i == 0 ? H5CKPT_OK : H5CKPT_NO_CHECKPOINT);
    if (_i != 0)
        h5ckpt_callback_free(ended);
}
END_TEST

/* --------------------------------------------------------------------- NULL */

START_TEST(null_is_refused_everywhere_and_nothing_falls)
{
    ck_assert_int_eq(h5ckpt_callback_new(NULL, hand.state, &options.callback), H5CKPT_E_ARGUMENT);
    h5ckpt_callback_free(NULL);
    ck_assert_ptr_nonnull(h5ckpt_callback_message(NULL));
    ck_assert_str_ne(h5ckpt_callback_message(NULL), "");
    ck_assert_ptr_null(h5ckpt_callback_store(NULL));
    ck_assert_int_eq(h5ckpt_on_train_begin(NULL, &hand.next, NULL), H5CKPT_E_ARGUMENT);
    ck_assert_int_eq(h5ckpt_on_epoch_begin(NULL, 0), H5CKPT_E_ARGUMENT);
    ck_assert_int_eq(h5ckpt_on_train_batch_begin(NULL, 0), H5CKPT_E_ARGUMENT);
    ck_assert_int_eq(h5ckpt_on_train_batch_end(NULL, 0), H5CKPT_E_ARGUMENT);
    ck_assert_int_eq(h5ckpt_on_test_batch_end(NULL, 0), H5CKPT_E_ARGUMENT);
    ck_assert_int_eq(h5ckpt_on_epoch_end(NULL, 0), H5CKPT_E_ARGUMENT);
    ck_assert_int_eq(h5ckpt_step(NULL, 0), H5CKPT_E_ARGUMENT);
    ck_assert_int_eq(h5ckpt_on_train_end(NULL, H5CKPT_FINISHED), H5CKPT_E_ARGUMENT);
    assert_position(hand.next, 77, 77);
}
END_TEST

START_TEST(the_hooks_of_no_callback_refuse)
{
    const struct h5ckpt_hooks hooks = h5ckpt_callback_hooks(NULL);

    for (unsigned i = 0; i < COUNT(HOOK); i++)
        ck_assert_int_eq(HOOK[i].call(&hooks), H5CKPT_E_ARGUMENT);
}
END_TEST

START_TEST(no_state_is_refused)
{
    assert_refused(h5ckpt_callback_new(&hand.callback, NULL, &options.callback), "state is NULL");
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

START_TEST(no_options_are_refused)
{
    assert_refused(h5ckpt_callback_new(&hand.callback, hand.state, NULL), "backup_dir");
}
END_TEST

START_TEST(no_place_for_the_position_is_refused_and_training_can_still_begin)
{
    assert_hook(hand_new(), H5CKPT_OK);
    assert_refused(h5ckpt_on_train_begin(hand.callback, NULL, NULL), "NULL");
    assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
    assert_position(hand.next, 0, 0);
}
END_TEST

/* --------------------------------------------------------- failures in hooks */

START_TEST(a_save_that_fails_is_seen_and_tried_again_by_the_next_batch)
{
    options.callback.save_freq = 2;
    assert_hook(hand_new(), H5CKPT_OK);
    assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
    assert_hook(h5ckpt_on_epoch_begin(hand.callback, 0), H5CKPT_OK);
    assert_hook(h5ckpt_on_train_batch_end(hand.callback, 1), H5CKPT_OK);
    faults_set((struct faults){
        .calls = FAULT_WRITE, .name = "slot", .count = FAULTS_FOR_EVER, .error = ENOSPC, .no_time_passes = true});
    assert_hook(h5ckpt_on_train_batch_end(hand.callback, 3), H5CKPT_E_NO_SPACE);
    ck_assert_str_ne(h5ckpt_callback_message(hand.callback), "");
    faults_clear();
    assert_position(h5ckpt_progress(h5ckpt_callback_store(hand.callback)), 0, 2);
    assert_hook(h5ckpt_on_train_batch_end(hand.callback, 4), H5CKPT_OK); /* tried again */
    assert_position(h5ckpt_progress(h5ckpt_callback_store(hand.callback)), 0, 5);
    assert_hook(h5ckpt_on_train_batch_end(hand.callback, 5), H5CKPT_OK);
    assert_position(h5ckpt_progress(h5ckpt_callback_store(hand.callback)), 0, 6);
    assert_hook(h5ckpt_on_train_batch_end(hand.callback, 6), H5CKPT_OK); /* not due, so not saved */
    assert_position(h5ckpt_progress(h5ckpt_callback_store(hand.callback)), 0, 6);
}
END_TEST

START_TEST(an_epochs_save_that_fails_ends_that_epoch_all_the_same)
{
    assert_hook(hand_new(), H5CKPT_OK);
    assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
    do_whole_epoch(0);
    assert_hook(h5ckpt_on_epoch_begin(hand.callback, 1), H5CKPT_OK);
    faults_set((struct faults){.calls = FAULT_FLUSH, .name = "slot", .count = FAULTS_FOR_EVER, .error = EIO});
    assert_hook(h5ckpt_on_epoch_end(hand.callback, 1), H5CKPT_E_IO);
    faults_clear();
    assert_refused(h5ckpt_on_epoch_end(hand.callback, 1), "on_epoch_end");
    assert_position(h5ckpt_progress(h5ckpt_callback_store(hand.callback)), 1, 0);
    do_whole_epoch(2);
    assert_position(h5ckpt_progress(h5ckpt_callback_store(hand.callback)), 3, 0);
}
END_TEST

START_TEST(a_beginning_that_fails_leaves_the_position_alone_and_can_be_repeated)
{
    assert_hook(hand_new(), H5CKPT_OK);
    assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
    do_whole_epoch(0);
    hand_free();
    hand.next = (struct h5ckpt_progress){77, 77, 77};
    assert_hook(hand_new(), H5CKPT_OK);
    faults_set((struct faults){.calls = FAULT_OPEN, .name = "slot", .count = FAULTS_FOR_EVER, .error = EACCES});
    assert_hook(hand_begin(), H5CKPT_E_PERMISSION);
    ck_assert_str_ne(h5ckpt_callback_message(hand.callback), "");
    assert_position(hand.next, 77, 77);
    assert_refused(h5ckpt_on_epoch_begin(hand.callback, 0), "before training has begun");
    faults_clear();
    assert_hook(hand_begin(), H5CKPT_OK);
    assert_position(hand.next, 1, 0);
}
END_TEST

START_TEST(a_deletion_that_fails_is_seen_and_can_be_repeated)
{
    assert_hook(hand_new(), H5CKPT_OK);
    assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
    do_whole_epoch(0);
    faults_set((struct faults){.calls = FAULT_REMOVE, .first = _i, .count = FAULTS_FOR_EVER, .error = EACCES});
    assert_hook(h5ckpt_on_train_end(hand.callback, H5CKPT_FINISHED), H5CKPT_E_PERMISSION);
    ck_assert_str_ne(h5ckpt_callback_message(hand.callback), "");
    faults_clear();
    assert_hook(h5ckpt_on_train_end(hand.callback, H5CKPT_FINISHED), H5CKPT_OK);
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 0);
}
END_TEST

START_TEST(what_is_saved_after_a_deletion_that_failed_is_there)
{
    assert_hook(hand_new(), H5CKPT_OK);
    assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
    do_whole_epoch(0);
    faults_set((struct faults){.calls = FAULT_REMOVE, .first = 1, .count = FAULTS_FOR_EVER, .error = EACCES});
    assert_hook(h5ckpt_on_train_end(hand.callback, H5CKPT_FINISHED), H5CKPT_E_PERMISSION);
    faults_clear();
    h5ckpt_status begun = h5ckpt_on_epoch_begin(hand.callback, 1);
    h5ckpt_status saved = begun == H5CKPT_OK ? h5ckpt_on_epoch_end(hand.callback, 1) : H5CKPT_OK;
    hand_free();
    if (begun != H5CKPT_OK || saved != H5CKPT_OK)
        return;                         /* refused: nothing was promised */
    assert_hook(hand_new(), H5CKPT_OK); /* else what it acknowledged must be there */
    assert_hook(hand_begin(), H5CKPT_OK);
    assert_position(hand.next, 2, 0);
}
END_TEST

START_TEST(a_run_that_goes_back_on_purpose_where_there_is_one_state_only_can_save)
{
    assert_hook(hand_new(), H5CKPT_OK);
    assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
    do_whole_epoch(0);
    hand_free();
    options.callback.restore.which = H5CKPT_PREVIOUS;
    assert_hook(hand_new(), H5CKPT_OK);
    h5ckpt_status status = hand_begin();
    if (status < 0)
        return;                                /* as good */
    assert_hook(status, H5CKPT_NO_CHECKPOINT); /* "start afresh" … */
    do_whole_epoch(0);                         /* … which must then be possible */
}
END_TEST

/* A child made by fork() may do nothing but free. */
START_TEST(every_hook_in_a_child_process_is_refused)
{
    int status;

    enter_phase(_i == 0 ? NEW : _i == 1 ? BETWEEN : WITHIN);
    const enum phase phase = _i == 0 ? NEW : _i == 1 ? BETWEEN : WITHIN;
    snapshot_before();
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const struct h5ckpt_hooks hooks = h5ckpt_callback_hooks(hand.callback);
        int not_refused = 0;
        for (int i = 0; i < (int)COUNT(HOOK) && not_refused == 0; i++)
            if (HOOK[i].allowed[phase] && HOOK[i].call(&hooks) != H5CKPT_E_ARGUMENT)
                not_refused = i + 1;
        h5ckpt_callback_free(hand.callback);
        _exit(not_refused);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    assert_unchanged();
    assert_goes_on_from(phase);
    ck_assert_msg(WEXITSTATUS(status) == 0, "%s was not refused in a child process",
                  HOOK[WEXITSTATUS(status) - 1].name);
}
END_TEST

/* ----------------------------------------------------------------------- main */

static TCase *new_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, hand_setup, hand_teardown);
    tcase_set_timeout(tests, TIMEOUT_SECONDS);
    suite_add_tcase(suite, tests);
    return tests;
}

static void add_options(Suite *suite)
{
    TCase *tests = new_case(suite, "options");

    tcase_add_test(tests, the_defaults_are_those_of_the_header);
    tcase_add_loop_test(tests, double_checkpoint_keeps_two_states_and_single_one_whatever_the_store_options_say, 0, 8);
    tcase_add_test(tests, the_directorys_name_and_the_options_are_copied);
    tcase_add_test(tests, store_options_are_heeded);
    tcase_add_test(tests, restore_options_are_heeded);
    tcase_add_test(tests, the_report_says_what_was_restored);
    tcase_add_test(tests, the_store_of_a_callback_can_be_asked);
    tcase_add_test(tests, a_callback_that_is_freed_before_training_began_leaves_the_directory_as_it_was);
}

static void add_order(Suite *suite)
{
    TCase *tests = new_case(suite, "order");

    tcase_add_loop_test(tests, a_hook_in_any_phase_is_allowed_as_the_table_says_or_refused_and_changes_nothing, 0,
                        PHASE_COUNT * COUNT(HOOK));
    tcase_add_test(tests, a_message_is_that_of_the_last_hook);
    tcase_add_test(tests, the_message_of_a_failed_save_is_gone_after_a_hook_that_succeeds_without_a_save);
    tcase_add_test(tests, a_batch_that_is_not_due_is_refused_and_the_due_one_is_named);
    tcase_add_test(tests, an_epoch_that_is_not_due_is_refused_and_the_due_one_is_named);
    tcase_add_test(tests, a_loop_that_ignores_where_to_go_on_is_refused_and_told_so);
    tcase_add_test(tests, any_number_of_a_test_batch_is_taken_and_moves_nothing);
    tcase_add_test(tests, what_is_no_reason_is_refused_and_ends_nothing);
    tcase_add_loop_test(tests, every_hook_in_a_child_process_is_refused, 0, 3);
}

static void add_refusals(Suite *suite)
{
    TCase *tests = new_case(suite, "refusals");

    tcase_add_loop_test(tests, bad_options_are_refused_with_a_message_and_leave_no_trace, 0, COUNT(BAD_OPTIONS));
    tcase_add_test(tests, a_mode_that_is_none_is_not_called_read_only);
    tcase_add_test(tests, bad_restore_options_are_refused_when_training_begins);
    tcase_add_test(tests, a_failed_add_is_told_by_the_new_callback);
    tcase_add_test(tests, a_second_callback_on_a_directory_is_refused_and_changes_no_byte);
    tcase_add_loop_test(tests, a_directory_is_free_again_when_its_callback_is_freed_or_has_deleted_it, 0, 2);
    tcase_add_test(tests, null_is_refused_everywhere_and_nothing_falls);
    tcase_add_test(tests, the_hooks_of_no_callback_refuse);
    tcase_add_test(tests, no_state_is_refused);
    tcase_add_test(tests, no_options_are_refused);
    tcase_add_test(tests, no_place_for_the_position_is_refused_and_training_can_still_begin);
}

static void add_failures(Suite *suite)
{
    TCase *tests = new_case(suite, "failures");

    tcase_add_test(tests, a_save_that_fails_is_seen_and_tried_again_by_the_next_batch);
    tcase_add_test(tests, an_epochs_save_that_fails_ends_that_epoch_all_the_same);
    tcase_add_test(tests, a_beginning_that_fails_leaves_the_position_alone_and_can_be_repeated);
    tcase_add_loop_test(tests, a_deletion_that_fails_is_seen_and_can_be_repeated, 0, 4);
    tcase_add_test(tests, what_is_saved_after_a_deletion_that_failed_is_there);
    tcase_add_test(tests, a_run_that_goes_back_on_purpose_where_there_is_one_state_only_can_save);
}

int main(void)
{
    Suite *suite = suite_create("hooks");

    add_options(suite);
    add_order(suite);
    add_refusals(suite);
    add_failures(suite);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
