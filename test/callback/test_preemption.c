/* SPDX-License-Identifier: MIT */
/*
 * Save before preemption as a training loop meets it: signals at every moment, deadlines by clocks that the test moves,
 * stop files, grace periods; and handlers that are as before after every way out.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "callback/run.h"
#include "storage/system.h"
#include "support/assert_h5ckpt.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/gate.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { TIMEOUT_SECONDS = 120, POINT_COUNT_MAX = 256, VALUE_COUNT = 64 };

static const int64_t SECOND = 1000000000;

static struct run_options options;

/* -------------------------------------------------------------------------- clocks */

static struct {
    int64_t monotonic_ns;
    int64_t wall_ns;
} clocks;
static struct system_calls clocked;

static int64_t monotonic_time(void)
{
    return clocks.monotonic_ns;
}

static int64_t wall_time(void)
{
    return clocks.wall_ns;
}

/* Over the calls in force: after faults_set() and faults_clear() again. */
static void keep_clocks(void)
{
    clocked = *system_calls;
    clocked.monotonic_time_ns = monotonic_time;
    clocked.wall_time_ns = wall_time;
    system_calls = &clocked;
}

static void use_clocks(void)
{
    clocks.monotonic_ns = 5 * SECOND;
    clocks.wall_ns = 1700000000 * SECOND;
    keep_clocks();
}

static void pass(double seconds)
{
    clocks.monotonic_ns += (int64_t)(seconds * 1e9);
    clocks.wall_ns += (int64_t)(seconds * 1e9);
}

static double wall_in(double seconds)
{
    return (double)clocks.wall_ns / 1e9 + seconds;
}

/* ------------------------------------------------------------------------ by hand */

static struct { /* a callback on a small state, moved by hand */
    h5ckpt_state *state;
    uint64_t value[VALUE_COUNT];
    h5ckpt_callback *callback;
    struct h5ckpt_progress next;
    uint64_t batch;
    double save_seconds;   /* that a save takes, by the test's clocks */
    void (*in_save)(void); /* called in it; may be NULL */
    unsigned begun_count;  /* saves */
    unsigned durable_count;
    unsigned told_count; /* events about preemption */
    enum h5ckpt_level told_level;
    char told[512];
} hand;

static void hear(void *context, const struct h5ckpt_event *event)
{
    ck_assert_ptr_eq(context, &hand);
    hand.durable_count += event->kind == H5CKPT_EVENT_DURABLE;
    if (event->kind == H5CKPT_EVENT_SAVE_BEGUN) {
        hand.begun_count++;
        pass(hand.save_seconds);
        if (hand.in_save != NULL)
            hand.in_save();
    }
    if (event->kind == H5CKPT_EVENT_PREEMPTION) {
        hand.told_count++;
        hand.told_level = event->level;
        snprintf(hand.told, sizeof hand.told, "%s", event->message);
    }
}

static void setup(void)
{
    faults_clear();
    fixture_setup();
    run_setup();
    unsetenv("SLURM_JOB_END_TIME");
    signal(SIGTERM, SIG_DFL); /* libcheck has handlers of its own */
    signal(SIGINT, SIG_DFL);
    options = run_options_default();
    options.callback.save_before_preemption = true;
    memset(&hand, 0, sizeof hand);
    hand.state = h5ckpt_state_new();
    h5ckpt_add(hand.state, "value", H5CKPT_UINT64, 1, (const uint64_t[]){VALUE_COUNT}, hand.value);
}

static void teardown(void)
{
    h5ckpt_callback_free(hand.callback);
    h5ckpt_state_free(hand.state);
    faults_clear();
    run_teardown();
    fixture_teardown();
}

#define assert_hook(call, expected) assert_status_message(call, expected, h5ckpt_callback_message(hand.callback))

static void hand_new(void)
{
    options.callback.store.event = hear;
    options.callback.store.event_context = &hand;
    assert_hook(h5ckpt_callback_new(&hand.callback, hand.state, &options.callback), H5CKPT_OK);
}

static h5ckpt_status hand_begin(void)
{
    h5ckpt_status status = h5ckpt_on_train_begin(hand.callback, &hand.next, NULL);

    hand.batch = hand.next.batch;
    return status;
}

/* Into the first epoch. */
static void hand_start(void)
{
    hand_new();
    assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
    assert_hook(h5ckpt_on_epoch_begin(hand.callback, 0), H5CKPT_OK);
}

static h5ckpt_status do_batch(double seconds)
{
    pass(seconds);
    hand.value[hand.batch % VALUE_COUNT] += hand.batch;
    return h5ckpt_on_train_batch_end(hand.callback, hand.batch++);
}

static void hand_end(void)
{
    assert_hook(h5ckpt_on_train_end(hand.callback, H5CKPT_PREEMPTED), H5CKPT_OK);
}

static void hand_free(void)
{
    h5ckpt_callback_free(hand.callback);
    hand.callback = NULL;
}

/* What a new life finds. */
static void assert_stored(uint64_t epoch, uint64_t batch)
{
    uint64_t value[VALUE_COUNT];

    memcpy(value, hand.value, sizeof value);
    hand_free();
    hand_new();
    assert_hook(hand_begin(), H5CKPT_OK);
    assert_position(hand.next, epoch, batch);
    ck_assert_mem_eq(value, hand.value, sizeof value);
}

/* Batches of so many seconds until the loop is told to stop; returns how many. */
static unsigned do_batches_until_told(double seconds, unsigned count_max, h5ckpt_status expected)
{
    unsigned count = 0;
    h5ckpt_status status;

    do {
        status = do_batch(seconds);
        ck_assert_uint_le(++count, count_max);
    } while (status == H5CKPT_OK);
    assert_hook(status, expected);
    return count;
}

/* ------------------------------------------------------------------------ signals */

static struct run_point signal_at;

static void raise_there(void *context, struct run_point point)
{
    (void)context;
    if (point.moment == signal_at.moment && point.epoch == signal_at.epoch && point.batch == signal_at.batch)
        ck_assert_int_eq(raise(SIGTERM), 0);
}

static const struct {
    int64_t save_freq;
    enum h5ckpt_save_mode mode;
} WAYS[] = {{H5CKPT_NEVER, H5CKPT_SAVE_SYNCHRONOUS},
            {H5CKPT_EVERY_EPOCH, H5CKPT_SAVE_SYNCHRONOUS},
            {1, H5CKPT_SAVE_STAGED},
            {2, H5CKPT_SAVE_SYNCHRONOUS},
            {H5CKPT_NEVER, H5CKPT_SAVE_STAGED},
            {1, H5CKPT_SAVE_FORKED}};

/* The position that the hook at which it stopped had reached. */
static struct h5ckpt_progress position_at(struct run_point point)
{
    if (point.moment == RUN_EPOCH_TOLD)
        return (struct h5ckpt_progress){.epoch = point.epoch + 1};
    return (struct h5ckpt_progress){.epoch = point.epoch,
                                    .batch = point.moment == RUN_BATCH_TOLD ? point.batch + 1 : options.batches};
}

/* One more than were finished when it came; none where a hook of finished work is due at once. */
static uint64_t most_batches(struct run_point point)
{
    const bool in_batches = point.moment == RUN_BATCH_DONE || point.moment == RUN_BATCH_TOLD;
    const bool epoch_done = point.moment == RUN_EPOCH_DONE || point.moment == RUN_EPOCH_TOLD;
    const bool hook_is_due = point.moment == RUN_BATCH_DONE || point.moment == RUN_EPOCH_DONE;

    return point.epoch * options.batches +
           (in_batches   ? point.batch + 1
            : epoch_done ? options.batches
                         : 0) +
           !hook_is_due;
}

START_TEST(a_signal_at_any_moment_stops_at_the_next_hook_and_the_next_life_goes_on_there)
{
    static struct run_point point[POINT_COUNT_MAX];
    const size_t count = run_undisturbed_points(&options, point, COUNT(point));

    options.visit = raise_there;
    options.callback.save_freq = WAYS[_i].save_freq;
    options.callback.store.save_mode = WAYS[_i].mode;
    for (size_t i = 0; i < count; i++) {
        signal_at = point[i];
        if (signal_at.moment == RUN_TRAIN_DONE || (signal_at.moment == RUN_EPOCH_TOLD && signal_at.epoch == 4))
            continue; /* no hook is left */
        fixture_clear_backup();
        run_forget();
        struct run_life first = run_to_end(&options);
        assert_status_message(first.stop_status, H5CKPT_STOP, first.message);
        ck_assert_uint_eq(first.failure_count, 0);
        const struct h5ckpt_progress stopped = position_at(first.stopped);
        ck_assert_uint_le(run_count(RUN_BATCH, 0), most_batches(signal_at));
        options.visit = NULL;
        struct run_life second = run_to_end(&options);
        options.visit = raise_there;
        assert_position(second.next, stopped.epoch, stopped.batch);
        assert_as_undisturbed(second, &options);
        ck_assert_uint_eq(run_count(RUN_BATCH, RUN_ALL_LIVES), 15);
        ck_assert_uint_eq(run_count(RUN_EPOCH_END, RUN_ALL_LIVES), 5);
    }
}
END_TEST

START_TEST(a_signal_before_the_first_batch_is_answered_by_its_end)
{
    options.callback.save_freq = H5CKPT_NEVER;
    hand_new();
    assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
    raise(SIGTERM);
    assert_hook(h5ckpt_on_epoch_begin(hand.callback, 0), H5CKPT_OK);
    assert_hook(do_batch(0), H5CKPT_STOP);
    assert_mentions(h5ckpt_callback_message(hand.callback), "SIGTERM");
    assert_stored(0, 1);
}
END_TEST

START_TEST(a_validation_batch_saves_with_the_epochs_end_still_to_be_run)
{
    options.callback.save_freq = H5CKPT_NEVER;
    hand_start();
    for (int i = 0; i < 3; i++)
        assert_hook(do_batch(0), H5CKPT_OK);
    assert_hook(h5ckpt_on_test_batch_end(hand.callback, 0), H5CKPT_OK);
    ck_assert_uint_eq(hand.begun_count, 0);
    raise(SIGTERM);
    assert_hook(h5ckpt_on_test_batch_end(hand.callback, 1), H5CKPT_STOP);
    assert_stored(0, 3);
}
END_TEST

START_TEST(an_epochs_end_saves_the_position_of_the_next_epoch)
{
    options.callback.save_freq = H5CKPT_NEVER;
    hand_start();
    assert_hook(do_batch(0), H5CKPT_OK);
    raise(SIGTERM);
    assert_hook(h5ckpt_on_epoch_end(hand.callback, 0), H5CKPT_STOP);
    assert_stored(1, 0);
}
END_TEST

START_TEST(every_later_hook_says_stop_again_and_saves_nothing)
{
    options.callback.save_freq = 1;
    hand_start();
    raise(SIGTERM);
    assert_hook(do_batch(0), H5CKPT_STOP);
    ck_assert_uint_eq(hand.begun_count, 1);
    raise(SIGTERM);
    assert_hook(h5ckpt_on_train_batch_begin(hand.callback, 1), H5CKPT_STOP);
    assert_hook(do_batch(0), H5CKPT_STOP);
    assert_mentions(h5ckpt_callback_message(hand.callback), "batch 1 is saved");
    assert_hook(h5ckpt_on_test_batch_end(hand.callback, 0), H5CKPT_STOP);
    assert_hook(h5ckpt_on_epoch_end(hand.callback, 0), H5CKPT_STOP);
    assert_hook(h5ckpt_on_epoch_begin(hand.callback, 1), H5CKPT_STOP);
    ck_assert_uint_eq(hand.begun_count, 1);
    ck_assert_uint_eq(hand.told_count, 1);
}
END_TEST

/* A framework that ends every training as finished would delete what it shall go on from. */
START_TEST(after_a_stop_no_reason_deletes_the_checkpoint)
{
    hand_start();
    assert_hook(do_batch(0), H5CKPT_OK);
    raise(SIGTERM);
    assert_hook(h5ckpt_on_epoch_end(hand.callback, 0), H5CKPT_STOP);
    assert_hook(h5ckpt_on_train_end(hand.callback, _i == 0 ? H5CKPT_FINISHED : H5CKPT_STOPPED_EARLY), H5CKPT_STOP);
    assert_stored(1, 0);
    assert_hook(h5ckpt_on_train_end(hand.callback, H5CKPT_FINISHED), H5CKPT_OK);
    ck_assert(!file_exists(in_backup("slot-a.h5")));
}
END_TEST

static void raise_once(void *context)
{
    *(int *)context += 1;
    raise(SIGTERM);
}

START_TEST(a_signal_during_the_restore_stops_after_the_first_batch)
{
    int raised = 0;

    hand_start();
    assert_hook(h5ckpt_on_epoch_end(hand.callback, 0), H5CKPT_OK);
    hand_free();
    hand_new();
    faults_set(
        (struct faults){.calls = FAULT_READ, .name = "slot", .count = 1, .before = raise_once, .context = &raised});
    assert_hook(hand_begin(), H5CKPT_OK);
    ck_assert_int_eq(raised, 1);
    assert_hook(h5ckpt_on_epoch_begin(hand.callback, 1), H5CKPT_OK);
    assert_hook(do_batch(0), H5CKPT_STOP);
    assert_stored(1, 1);
}
END_TEST

START_TEST(a_signal_during_a_beginning_that_failed_counts_for_the_next_one)
{
    int raised = 0;

    hand_start();
    assert_hook(h5ckpt_on_epoch_end(hand.callback, 0), H5CKPT_OK);
    hand_free();
    hand_new();
    faults_set((struct faults){.calls = FAULT_READ,
                               .name = "slot",
                               .count = FAULTS_FOR_EVER,
                               .error = EACCES,
                               .before = raise_once,
                               .context = &raised});
    ck_assert_int_lt(hand_begin(), 0);
    ck_assert_int_gt(raised, 0);
    faults_clear();
    assert_hook(hand_begin(), H5CKPT_OK);
    assert_hook(h5ckpt_on_epoch_begin(hand.callback, 1), H5CKPT_OK);
    assert_hook(do_batch(0), H5CKPT_STOP);
}
END_TEST

static void raise_twice(void)
{
    raise(SIGTERM);
    raise(SIGTERM);
}

START_TEST(signals_during_a_save_stop_at_the_next_hook)
{
    options.callback.save_freq = 1;
    hand.in_save = raise_twice;
    hand_start();
    assert_hook(do_batch(0), H5CKPT_OK);
    assert_hook(do_batch(0), H5CKPT_STOP); /* in whose save two more come */
    ck_assert_uint_eq(hand.begun_count, 2);
    hand.in_save = NULL;
    assert_stored(0, 2);
}
END_TEST

START_TEST(a_signal_that_is_not_chosen_is_not_watched)
{
    struct sigaction before, during;

    sigaction(SIGUSR1, NULL, &before);
    hand_start();
    sigaction(SIGUSR1, NULL, &during);
    ck_assert(before.sa_handler == during.sa_handler);
    sigaction(SIGTERM, NULL, &during);
    ck_assert(during.sa_handler != SIG_DFL);
}
END_TEST

static const int CHOSEN[] = {SIGTERM, SIGUSR1, SIGINT, SIGXCPU};

START_TEST(each_chosen_signal_stops)
{
    for (unsigned i = 0; i < COUNT(CHOSEN); i++)
        options.callback.preemption.signals[i] = CHOSEN[i];
    hand_start();
    assert_hook(do_batch(0), H5CKPT_OK);
    raise(CHOSEN[_i]);
    assert_hook(do_batch(0), H5CKPT_STOP);
}
END_TEST

START_TEST(without_the_option_no_handler_is_installed_and_no_hook_stops)
{
    struct sigaction during;

    options.callback.save_before_preemption = false;
    options.callback.preemption.deadline = 1;
    hand_start();
    sigaction(SIGTERM, NULL, &during);
    ck_assert(during.sa_handler == SIG_DFL);
    file_replace(in_backup("stop"), "", 0);
    assert_hook(do_batch(0), H5CKPT_OK);
    ck_assert(file_exists(in_backup("stop")));
}
END_TEST

/* --------------------------------------------------------------- handlers as before */

static volatile sig_atomic_t plain_count;
static volatile sig_atomic_t informed_value;

static void plain(int number)
{
    plain_count += number == SIGTERM;
}

static void informed(int number, siginfo_t *information, void *machine)
{
    (void)machine;
    if (number == SIGTERM)
        informed_value += information->si_value.sival_int;
}

static struct sigaction action_of(int kind)
{
    struct sigaction action = {.sa_flags = kind == 3 ? SA_SIGINFO | SA_RESTART : kind == 2 ? SA_NODEFER : 0};

    sigemptyset(&action.sa_mask);
    if (kind > 0)
        sigaddset(&action.sa_mask, SIGUSR2);
    if (kind == 3)
        action.sa_sigaction = informed;
    else
        action.sa_handler = kind == 0 ? SIG_DFL : kind == 1 ? SIG_IGN : plain;
    return action;
}

static void assert_same_action(const struct sigaction *a, const struct sigaction *b)
{
    ck_assert(a->sa_handler == b->sa_handler);
    ck_assert_int_eq(a->sa_flags & ~0x04000000, b->sa_flags & ~0x04000000); /* SA_RESTORER is the C library's */
    ck_assert_int_eq(sigismember(&a->sa_mask, SIGUSR2), sigismember(&b->sa_mask, SIGUSR2));
}

enum { KIND_COUNT = 4, WAY_OUT_COUNT = 6 };

static void leave_by(int way)
{
    if (way == 0) {
        assert_hook(h5ckpt_on_train_end(hand.callback, H5CKPT_PREEMPTED), H5CKPT_OK);
    } else if (way == 1) {
        assert_hook(h5ckpt_on_train_end(hand.callback, H5CKPT_STOPPED_EARLY), H5CKPT_OK);
    } else if (way == 2) { /* told to stop */
        file_replace(in_backup("stop"), "", 0);
        assert_hook(do_batch(0), H5CKPT_STOP);
        hand_end();
    } else if (way == 3) { /* the end fails, and only the free is left */
        assert_hook(do_batch(0), H5CKPT_OK);
        faults_set((struct faults){.calls = FAULT_REMOVE, .count = FAULTS_FOR_EVER, .error = EIO});
        assert_hook(h5ckpt_on_train_end(hand.callback, H5CKPT_STOPPED_EARLY), H5CKPT_E_IO);
        faults_clear();
    }
    hand_free();
}

START_TEST(after_every_way_out_the_handler_is_as_before)
{
    const struct sigaction first = action_of(_i % KIND_COUNT);
    const int way = _i / KIND_COUNT;
    struct sigaction before, after;

    options.callback.save_freq = 1;
    sigaction(SIGTERM, &first, NULL);
    sigaction(SIGTERM, NULL, &before);
    if (way == 5) { /* a beginning that fails */
        hand_start();
        assert_hook(do_batch(0), H5CKPT_OK);
        hand_free();
        hand_new();
        faults_set((struct faults){.calls = FAULT_READ, .name = "slot", .count = FAULTS_FOR_EVER, .error = EACCES});
        ck_assert_int_lt(hand_begin(), 0);
        sigaction(SIGTERM, NULL, &after);
        assert_same_action(&before, &after);
        faults_clear();
        assert_hook(hand_begin(), H5CKPT_OK);
        hand_free();
    } else {
        hand_start();
        leave_by(way);
    }
    sigaction(SIGTERM, NULL, &after);
    assert_same_action(&before, &after);
}
END_TEST

START_TEST(an_ignored_signal_stays_ignored)
{
    struct sigaction during;

    signal(SIGTERM, SIG_IGN);
    hand_start();
    sigaction(SIGTERM, NULL, &during);
    ck_assert(during.sa_handler == SIG_IGN);
    raise(SIGTERM);
    assert_hook(do_batch(0), H5CKPT_OK);
}
END_TEST

START_TEST(an_earlier_handler_is_called_as_if_it_were_alone)
{
    const struct sigaction first = action_of(2 + _i);

    plain_count = informed_value = 0;
    sigaction(SIGTERM, &first, NULL);
    hand_start();
    ck_assert_int_eq(sigqueue(getpid(), SIGTERM, (union sigval){.sival_int = 42}), 0);
    ck_assert_int_eq(_i == 0 ? plain_count : informed_value, _i == 0 ? 1 : 42);
    assert_hook(do_batch(0), H5CKPT_STOP);
}
END_TEST

START_TEST(a_handler_installed_meanwhile_stays)
{
    const struct sigaction other = action_of(2);
    struct sigaction after;

    hand_start();
    sigaction(SIGTERM, &other, NULL);
    hand_free();
    sigaction(SIGTERM, NULL, &after);
    assert_same_action(&other, &after);
}
END_TEST

static struct sigaction ours;

static void over_ours(int number, siginfo_t *information, void *machine)
{
    plain_count++;
    ours.sa_sigaction(number, information, machine);
}

START_TEST(a_handler_over_ours_that_calls_ours_is_called_once_by_the_next_one_of_ours)
{
    struct sigaction other = {.sa_flags = SA_SIGINFO, .sa_sigaction = over_ours};

    hand_start();
    sigaction(SIGTERM, &other, &ours);
    raise(SIGTERM);
    assert_hook(do_batch(0), H5CKPT_STOP);
    hand_free();
    raise(SIGTERM); /* ours is called, though it watches no more, and does not end the process */
    hand_new();
    assert_hook(hand_begin(), H5CKPT_OK);
    plain_count = 0;
    raise(SIGTERM);
    ck_assert_int_eq(plain_count, 1);
    assert_hook(h5ckpt_on_epoch_begin(hand.callback, 0), H5CKPT_OK);
    assert_hook(do_batch(0), H5CKPT_STOP);
}
END_TEST

START_TEST(a_handler_that_is_replaced_at_every_training_is_refused_before_it_fails)
{
    const struct sigaction other = action_of(2);
    h5ckpt_status status = H5CKPT_NO_CHECKPOINT;

    for (int i = 0; i < 4; i++) {
        hand_new();
        assert_hook(hand_begin(), H5CKPT_NO_CHECKPOINT);
        sigaction(SIGTERM, &other, NULL);
        hand_free();
    }
    hand_new();
    status = hand_begin();
    assert_hook(status, H5CKPT_E_SYSTEM);
    assert_mentions(h5ckpt_callback_message(hand.callback), "SIGTERM");
}
END_TEST

START_TEST(two_callbacks_are_both_told_and_the_last_one_puts_back)
{
    struct h5ckpt_callback_options second = options.callback;
    h5ckpt_callback *other;
    struct h5ckpt_progress next;
    struct sigaction after;
    char directory[PATH_BYTES + 8];

    snprintf(directory, sizeof directory, "%s-2", fixture_backup);
    second.backup_dir = directory;
    hand_start();
    assert_status(h5ckpt_callback_new(&other, hand.state, &second), H5CKPT_OK);
    assert_status(h5ckpt_on_train_begin(other, &next, NULL), H5CKPT_NO_CHECKPOINT);
    assert_status(h5ckpt_on_epoch_begin(other, 0), H5CKPT_OK);
    raise(SIGTERM);
    assert_hook(do_batch(0), H5CKPT_STOP);
    hand_free();
    sigaction(SIGTERM, NULL, &after);
    ck_assert(after.sa_handler != SIG_DFL);
    assert_status(h5ckpt_on_train_batch_end(other, 0), H5CKPT_STOP);
    h5ckpt_callback_free(other);
    sigaction(SIGTERM, NULL, &after);
    ck_assert(after.sa_handler == SIG_DFL);
}
END_TEST

/* _i: 0 as it was forked; 1 after it freed the parent's callback; 2 after it ended one of its own */
START_TEST(a_child_of_the_program_ends_by_the_signal_as_ever)
{
    int status;

    hand_start();
    const pid_t child = fork();
    if (child == 0) {
        struct h5ckpt_callback_options own = options.callback;
        char directory[PATH_BYTES + 8];
        if (_i == 1)
            hand_free();
        if (_i == 2) {
            snprintf(directory, sizeof directory, "%s-2", fixture_backup);
            own.backup_dir = directory;
            if (h5ckpt_callback_new(&hand.callback, hand.state, &own) < 0 || hand_begin() < 0)
                _exit(1);
            raise(SIGTERM);
            hand_free();
        }
        raise(SIGTERM);
        _exit(2);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "it ended with wait status %d", status);
    assert_hook(do_batch(0), H5CKPT_OK);
}
END_TEST

static const struct {
    int number;
    const char *text;
} NO_NOTICE[] = {{SIGKILL, "caught"}, {SIGSTOP, "caught"}, {-1, "caught"}, {4096, "caught"},
                 {SIGSEGV, "fault"},  {SIGABRT, "fault"},  {32, "caught"}};

START_TEST(a_signal_that_can_be_no_notice_is_refused)
{
    options.callback.preemption.signals[0] = NO_NOTICE[_i].number;
    assert_hook(h5ckpt_callback_new(&hand.callback, hand.state, &options.callback), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_callback_message(hand.callback), NO_NOTICE[_i].text);
}
END_TEST

START_TEST(times_that_are_none_are_refused)
{
    static const double NONE[] = {-1, -INFINITY, NAN};

    if (_i < 3)
        options.callback.preemption.deadline = NONE[_i];
    else
        options.callback.preemption.grace_seconds = _i < 6 ? NONE[_i - 3] : (double)INFINITY;
    assert_hook(h5ckpt_callback_new(&hand.callback, hand.state, &options.callback), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_callback_message(hand.callback), "preemption.");
}
END_TEST

/* ----------------------------------------------------------------------- deadlines */

/* With steps of 10 s and saves of 3 s: time is left after the last one, but not for another step and two saves. */
static void assert_stops_in_time(double seconds, h5ckpt_status expected)
{
    const double end = wall_in(seconds);

    do_batches_until_told(10, 1000, expected);
    ck_assert_double_ge(end - wall_in(0), 3);
    ck_assert_double_le(end - wall_in(0), 10 + 2 * 3);
}

static void start_with_clocks(void)
{
    use_clocks();
    options.callback.save_freq = 4;
    hand.save_seconds = 3;
}

/* _i: given; from the environment; by a function; the earlier one of two */
static double end_of_job;

static double seconds_left(void *context)
{
    ck_assert_ptr_eq(context, &end_of_job);
    return end_of_job - wall_in(0);
}

START_TEST(the_last_save_comes_just_before_the_deadline)
{
    char text[32];

    start_with_clocks();
    end_of_job = wall_in(1000);
    snprintf(text, sizeof text, "%.0f", end_of_job);
    if (_i == 0)
        options.callback.preemption.deadline = end_of_job;
    if (_i == 1)
        setenv("SLURM_JOB_END_TIME", text, 1);
    if (_i >= 2) {
        options.callback.preemption.seconds_left = seconds_left;
        options.callback.preemption.context = &end_of_job;
    }
    if (_i == 3)
        options.callback.preemption.deadline = wall_in(5000);
    hand_start();
    assert_stops_in_time(1000, H5CKPT_STOP);
    assert_mentions(h5ckpt_callback_message(hand.callback), "the deadline");
    assert_stored(0, hand.batch);
}
END_TEST

static double never(void *context)
{
    (void)context;
    return NAN;
}

static const char *const NO_DEADLINE[] = {"", "soon", "0", "-5", "1700000900x", "nan"};

START_TEST(a_deadline_that_is_none_stops_nothing)
{
    start_with_clocks();
    setenv("SLURM_JOB_END_TIME", NO_DEADLINE[_i], 1);
    options.callback.preemption.seconds_left = never;
    hand_start();
    for (int i = 0; i < 200; i++)
        assert_hook(do_batch(10), H5CKPT_OK);
}
END_TEST

START_TEST(a_deadline_of_the_programs_goes_before_the_environments)
{
    start_with_clocks();
    setenv("SLURM_JOB_END_TIME", "1700000100", 1);
    options.callback.preemption.deadline = (double)INFINITY;
    hand_start();
    for (int i = 0; i < 200; i++)
        assert_hook(do_batch(10), H5CKPT_OK);
}
END_TEST

START_TEST(a_deadline_that_passed_before_training_began_is_told_and_ignored)
{
    start_with_clocks();
    options.callback.preemption.deadline = wall_in(-1);
    hand_start();
    ck_assert_uint_eq(hand.told_count, 1);
    assert_mentions(hand.told, "ignored");
    for (int i = 0; i < 20; i++)
        assert_hook(do_batch(10), H5CKPT_OK);
}
END_TEST

/* _i: set forward by 500 s; back; the machine was suspended for 500 s */
START_TEST(a_clock_that_was_set_and_a_suspended_machine_are_followed)
{
    const double moved = _i == 1 ? -500 : 500;

    start_with_clocks();
    options.callback.preemption.deadline = wall_in(1000);
    hand_start();
    for (int i = 0; i < 10; i++)
        assert_hook(do_batch(10), H5CKPT_OK);
    const double left = options.callback.preemption.deadline - wall_in(0) - moved;
    clocks.wall_ns += (int64_t)(moved * 1e9);
    assert_stops_in_time(left, H5CKPT_STOP);
}
END_TEST

START_TEST(a_step_that_ran_past_the_deadline_is_saved_all_the_same)
{
    start_with_clocks();
    options.callback.preemption.deadline = wall_in(100);
    hand_start();
    assert_hook(do_batch(10), H5CKPT_OK);
    assert_hook(do_batch(200), H5CKPT_STOP);
    assert_stored(0, 2);
}
END_TEST

START_TEST(a_save_that_cannot_fit_is_not_begun_and_the_state_before_is_named)
{
    start_with_clocks();
    options.callback.preemption.deadline = wall_in(100);
    hand_start();
    for (int i = 0; i < 4; i++)
        assert_hook(do_batch(1), H5CKPT_OK);
    ck_assert_uint_eq(hand.begun_count, 1);
    assert_hook(do_batch(100 - 7 - 2), H5CKPT_E_STOP_UNSAVED); /* 2 s are left, a save takes 3 */
    assert_mentions(h5ckpt_callback_message(hand.callback), "epoch 0, batch 4");
    assert_mentions(h5ckpt_callback_message(hand.callback), "2.0 s");
    ck_assert_uint_eq(hand.begun_count, 1);
    ck_assert_int_eq(hand.told_level, H5CKPT_LEVEL_ERROR);
    assert_hook(do_batch(0), H5CKPT_E_STOP_UNSAVED);
    hand_end();
    hand_free();
    hand_new();
    assert_hook(hand_begin(), H5CKPT_OK);
    assert_position(hand.next, 0, 4);
}
END_TEST

START_TEST(a_validation_that_may_not_end_in_time_stops_at_its_batch)
{
    start_with_clocks();
    options.callback.save_freq = H5CKPT_NEVER;
    options.callback.preemption.deadline = wall_in(100);
    hand_start();
    assert_hook(do_batch(10), H5CKPT_OK);
    for (unsigned i = 0; i < 7; i++) {
        pass(10);
        assert_hook(h5ckpt_on_test_batch_end(hand.callback, i), H5CKPT_OK);
    }
    pass(10);
    assert_hook(h5ckpt_on_test_batch_end(hand.callback, 8), H5CKPT_STOP);
    assert_stored(0, 1);
}
END_TEST

/* -------------------------------------------------------------- files and functions */

START_TEST(a_stop_file_stops_and_is_gone_for_the_next_run)
{
    use_clocks();
    hand_start();
    assert_hook(do_batch(10), H5CKPT_OK);
    file_replace(in_backup("stop"), "please", 6);
    assert_hook(do_batch(10), H5CKPT_STOP);
    assert_mentions(h5ckpt_callback_message(hand.callback), "stop file");
    ck_assert(!file_exists(in_backup("stop")));
    assert_stored(0, 2);
}
END_TEST

START_TEST(a_stop_file_is_looked_for_once_a_second)
{
    use_clocks();
    hand_start();
    assert_hook(do_batch(10), H5CKPT_OK);
    file_replace(in_backup("stop"), "", 0);
    assert_hook(do_batch(0.5), H5CKPT_OK);
    assert_hook(do_batch(0.5), H5CKPT_STOP);
}
END_TEST

START_TEST(a_stop_file_is_not_looked_for_where_that_is_not_wanted)
{
    use_clocks();
    options.callback.preemption.stop_file = false;
    hand_start();
    file_replace(in_backup("stop"), "", 0);
    assert_hook(do_batch(10), H5CKPT_OK);
    ck_assert(file_exists(in_backup("stop")));
}
END_TEST

/* _i: a directory, a symbolic link, a named pipe */
START_TEST(what_is_no_file_is_told_once_and_not_obeyed)
{
    use_clocks();
    hand_start();
    ck_assert_int_eq(_i == 0   ? mkdir(in_backup("stop"), 0700)
                     : _i == 1 ? symlink("slot-a.h5", in_backup("stop"))
                               : mkfifo(in_backup("stop"), 0600),
                     0);
    for (int i = 0; i < 5; i++)
        assert_hook(do_batch(10), H5CKPT_OK);
    ck_assert_uint_eq(hand.told_count, 1);
    ck_assert_int_eq(hand.told_level, H5CKPT_LEVEL_WARNING);
    raise(SIGTERM);
    assert_hook(do_batch(10), H5CKPT_STOP);
    struct stat status;
    ck_assert_int_eq(lstat(in_backup("stop"), &status), 0);
}
END_TEST

START_TEST(a_stop_file_that_cannot_be_removed_is_spoken_of)
{
    hand_start();
    file_replace(in_backup("stop"), "", 0);
    faults_set((struct faults){.calls = FAULT_REMOVE, .name = "stop", .count = FAULTS_FOR_EVER, .error = EIO});
    assert_hook(do_batch(0), H5CKPT_STOP);
    assert_mentions(h5ckpt_callback_message(hand.callback), "the next run will stop at once");
}
END_TEST

static bool say(void *context)
{
    return *(bool *)context;
}

START_TEST(a_function_of_the_programs_stops)
{
    bool answer = false;

    options.callback.preemption.should_stop = say;
    options.callback.preemption.context = &answer;
    hand_start();
    assert_hook(do_batch(0), H5CKPT_OK);
    answer = true;
    assert_hook(do_batch(0), H5CKPT_STOP);
    assert_mentions(h5ckpt_callback_message(hand.callback), "should_stop");
}
END_TEST

/* -------------------------------------------------------------------- grace period */

START_TEST(in_a_grace_period_it_saves_at_once_trains_on_and_saves_just_before_its_end)
{
    start_with_clocks();
    options.callback.save_freq = H5CKPT_NEVER;
    options.callback.preemption.grace_seconds = 100;
    hand_start();
    assert_hook(do_batch(10), H5CKPT_OK);
    raise(SIGTERM); /* at 10 s; the notice may be as old as that step */
    assert_hook(do_batch(10), H5CKPT_OK);
    ck_assert_uint_eq(hand.begun_count, 1);
    ck_assert_uint_eq(hand.told_count, 1);
    assert_mentions(hand.told, "SIGTERM");
    const double saved = wall_in(0);
    unsigned more = do_batches_until_told(10, 20, H5CKPT_STOP);
    ck_assert_uint_eq(hand.begun_count, 2);
    ck_assert_uint_ge(more, 5);
    ck_assert_double_le(wall_in(0) - saved, 100 - 10 - 3);
    assert_stored(0, hand.batch);
}
END_TEST

START_TEST(a_grace_period_too_short_for_a_step_stops_at_once)
{
    start_with_clocks();
    options.callback.preemption.grace_seconds = 12;
    hand_start();
    assert_hook(do_batch(10), H5CKPT_OK);
    raise(SIGTERM);
    assert_hook(do_batch(10), H5CKPT_STOP);
    ck_assert_uint_eq(hand.begun_count, 1);
}
END_TEST

/* _i: set forward; back; suspended */
START_TEST(a_clock_that_was_set_never_prolongs_a_grace_period)
{
    start_with_clocks();
    options.callback.save_freq = H5CKPT_NEVER;
    options.callback.preemption.grace_seconds = 100;
    hand_start();
    raise(SIGTERM);
    assert_hook(do_batch(10), H5CKPT_OK);
    const int64_t noticed = clocks.monotonic_ns;
    clocks.wall_ns += (_i == 1 ? -5000 : 5000) * SECOND;
    do_batches_until_told(10, 20, H5CKPT_STOP);
    ck_assert_int_le(clocks.monotonic_ns - noticed, _i == 1 ? 90 * SECOND : 13 * SECOND);
}
END_TEST

START_TEST(a_first_save_that_fails_in_a_grace_period_is_tried_again_by_the_next_hook)
{
    start_with_clocks();
    options.callback.save_freq = H5CKPT_NEVER;
    options.callback.preemption.grace_seconds = 100;
    hand_start();
    assert_hook(do_batch(1), H5CKPT_OK);
    raise(SIGTERM);
    faults_set((struct faults){.calls = FAULT_WRITE, .name = "slot", .count = FAULTS_FOR_EVER, .error = ENOSPC});
    keep_clocks();
    assert_hook(do_batch(1), H5CKPT_E_NO_SPACE);
    faults_clear();
    keep_clocks();
    assert_hook(do_batch(1), H5CKPT_OK);
    ck_assert_uint_eq(hand.durable_count, 1);
}
END_TEST

/* ------------------------------------------------------------------ saves that fail */

START_TEST(a_last_save_that_fails_once_is_made_anew)
{
    hand_start();
    raise(SIGTERM);
    faults_set((struct faults){.calls = FAULT_WRITE, .name = "slot", .count = 1, .error = EIO});
    assert_hook(do_batch(0), H5CKPT_STOP);
    ck_assert(faults_hit());
    faults_clear();
    assert_stored(0, 1);
}
END_TEST

START_TEST(a_last_save_that_fails_for_good_stops_all_the_same_and_says_what_is_safe)
{
    options.callback.save_freq = 2;
    hand_start();
    assert_hook(do_batch(0), H5CKPT_OK);
    assert_hook(do_batch(0), H5CKPT_OK);
    raise(SIGTERM);
    faults_set((struct faults){.calls = FAULT_WRITE, .name = "slot", .count = FAULTS_FOR_EVER, .error = ENOSPC});
    assert_hook(do_batch(0), H5CKPT_E_STOP_UNSAVED);
    assert_mentions(h5ckpt_callback_message(hand.callback), "H5CKPT_E_NO_SPACE");
    assert_mentions(h5ckpt_callback_message(hand.callback), "epoch 0, batch 2");
    assert_mentions(h5ckpt_callback_message(hand.callback), "is still there");
    faults_clear();
    hand_end();
    hand_free();
    hand_new();
    assert_hook(hand_begin(), H5CKPT_OK);
    assert_position(hand.next, 0, 2);
}
END_TEST

/* _i: staged, fenced; with skip_if_busy or without */
START_TEST(in_the_background_the_last_save_is_durable_before_the_hook_returns)
{
    options.callback.save_freq = 1;
    options.callback.store.save_mode = _i % 2 == 0 ? H5CKPT_SAVE_STAGED : H5CKPT_SAVE_FENCED;
    options.callback.store.background.skip_if_busy = _i / 2 == 1;
    hand_start();
    for (int i = 0; i < 20; i++) {
        const h5ckpt_status status = do_batch(0);
        ck_assert(status == H5CKPT_OK || status == H5CKPT_SKIPPED);
        assert_status(h5ckpt_fence(h5ckpt_callback_store(hand.callback)), H5CKPT_OK);
    }
    raise(SIGTERM);
    assert_hook(do_batch(0), H5CKPT_STOP);
    const struct h5ckpt_progress saved = h5ckpt_progress(h5ckpt_callback_store(hand.callback));
    assert_position(saved, 0, 21);
    assert_stored(0, 21);
}
END_TEST

START_TEST(a_save_in_flight_that_fails_does_not_prevent_the_last_one)
{
    options.callback.save_freq = 2;
    options.callback.store.save_mode = H5CKPT_SAVE_STAGED;
    hand_start();
    for (int i = 0; i < 3; i++)
        assert_hook(do_batch(0), H5CKPT_OK);
    assert_status(h5ckpt_wait(h5ckpt_callback_store(hand.callback)), H5CKPT_OK);
    faults_set((struct faults){.calls = FAULT_WRITE, .name = "slot", .count = 1, .error = EIO});
    assert_hook(do_batch(0), H5CKPT_OK);
    raise(SIGTERM);
    assert_hook(do_batch(0), H5CKPT_STOP);
    ck_assert(faults_hit());
    assert_mentions(h5ckpt_callback_message(hand.callback), "the save before had failed");
    faults_clear();
    assert_stored(0, 5);
}
END_TEST

/* A batch system sends its signal to every process of the job. _i: to the child as well; or it is killed */
START_TEST(with_a_child_in_flight_the_last_save_is_durable_before_the_hook_returns)
{
    static unsigned char ballast[1 << 20]; /* small states are copied, not forked for */

    h5ckpt_add(hand.state, "ballast", H5CKPT_UINT8, 1, (const uint64_t[]){sizeof ballast}, ballast);
    options.callback.save_freq = 2;
    options.callback.store.save_mode = H5CKPT_SAVE_FORKED;
    gate_setup();
    hand_start();
    for (int i = 0; i < 5; i++)
        assert_hook(do_batch(0), H5CKPT_OK);
    assert_status(h5ckpt_wait(h5ckpt_callback_store(hand.callback)), H5CKPT_OK);
    gate_shut(GATE_WRITE, "slot");
    assert_hook(do_batch(0), H5CKPT_OK);
    gate_await();
    ck_assert_int_ne(gate_held_process(), getpid());
    ck_assert_int_eq(kill(gate_held_process(), _i == 0 ? SIGTERM : SIGKILL), 0);
    raise(SIGTERM);
    gate_open();
    assert_hook(do_batch(0), H5CKPT_STOP);
    ck_assert(_i == 0 || strstr(h5ckpt_callback_message(hand.callback), "the save before had failed") != NULL);
    gate_teardown();
    assert_stored(0, 7);
}
END_TEST

/* ---------------------------------------------------------------------- check_resume */

START_TEST(a_check_that_is_not_over_saves_nothing_and_stops)
{
    static char before[SNAPSHOT_BYTES], after[SNAPSHOT_BYTES];

    options.callback.save_freq = 3;
    hand_start();
    for (int i = 0; i < 6; i++)
        assert_hook(do_batch(0), H5CKPT_OK);
    hand_free();
    memset(hand.value, 0, sizeof hand.value);
    options.callback.check_resume = true;
    hand_new();
    assert_hook(hand_begin(), H5CKPT_OK);
    assert_position(hand.next, 0, 3);
    assert_hook(h5ckpt_on_epoch_begin(hand.callback, 0), H5CKPT_OK);
    raise(SIGTERM);
    directory_snapshot(fixture_backup, before);
    assert_hook(do_batch(0), H5CKPT_STOP);
    assert_mentions(h5ckpt_callback_message(hand.callback), "check_resume");
    assert_hook(h5ckpt_on_train_end(hand.callback, H5CKPT_PREEMPTED), H5CKPT_OK);
    directory_snapshot(fixture_backup, after);
    ck_assert_str_eq(after, before);
}
END_TEST

/* ------------------------------------------------------------------------- threads */

static _Atomic bool threads_end;

static void *send_signals(void *main_thread)
{
    const struct timespec pause = {.tv_nsec = 200000};

    while (!atomic_load(&threads_end)) {
        raise(SIGUSR1); /* in this thread */
        pthread_kill(*(pthread_t *)main_thread, SIGUSR1);
        kill(getpid(), SIGUSR1); /* in any that does not block it: never in one of the library's */
        nanosleep(&pause, NULL);
    }
    return NULL;
}

START_TEST(signals_in_all_threads_while_saves_are_in_flight_stop_it_once)
{
    const pthread_t self = pthread_self();
    pthread_t thread[3];
    struct sigaction after;

    options.callback.preemption.signals[0] = SIGUSR1;
    options.callback.preemption.grace_seconds = 0.2;
    options.callback.save_freq = 1;
    options.callback.store.save_mode = H5CKPT_SAVE_STAGED;
    hand_start();
    atomic_store(&threads_end, false);
    for (unsigned i = 0; i < COUNT(thread); i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, send_signals, (void *)&self), 0);
    do_batches_until_told(0, 100000, H5CKPT_STOP);
    atomic_store(&threads_end, true);
    for (unsigned i = 0; i < COUNT(thread); i++)
        pthread_join(thread[i], NULL);
    const uint64_t batch = hand.batch;
    hand_end();
    sigaction(SIGUSR1, NULL, &after);
    ck_assert(after.sa_handler == SIG_DFL);
    options.callback.preemption.signals[0] = SIGTERM;
    assert_stored(0, batch);
}
END_TEST

static TCase *new_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, TIMEOUT_SECONDS);
    suite_add_tcase(suite, tests);
    return tests;
}

static void add_signals(TCase *tests)
{
    tcase_add_loop_test(tests, a_signal_at_any_moment_stops_at_the_next_hook_and_the_next_life_goes_on_there, 0,
                        COUNT(WAYS));
    tcase_add_test(tests, a_signal_before_the_first_batch_is_answered_by_its_end);
    tcase_add_test(tests, a_validation_batch_saves_with_the_epochs_end_still_to_be_run);
    tcase_add_test(tests, an_epochs_end_saves_the_position_of_the_next_epoch);
    tcase_add_test(tests, every_later_hook_says_stop_again_and_saves_nothing);
    tcase_add_loop_test(tests, after_a_stop_no_reason_deletes_the_checkpoint, 0, 2);
    tcase_add_test(tests, a_signal_during_the_restore_stops_after_the_first_batch);
    tcase_add_test(tests, a_signal_during_a_beginning_that_failed_counts_for_the_next_one);
    tcase_add_test(tests, signals_during_a_save_stop_at_the_next_hook);
    tcase_add_test(tests, a_signal_that_is_not_chosen_is_not_watched);
    tcase_add_loop_test(tests, each_chosen_signal_stops, 0, COUNT(CHOSEN));
    tcase_add_test(tests, without_the_option_no_handler_is_installed_and_no_hook_stops);
    tcase_add_test(tests, signals_in_all_threads_while_saves_are_in_flight_stop_it_once);
}

static void add_handlers(TCase *tests)
{
    tcase_add_loop_test(tests, after_every_way_out_the_handler_is_as_before, 0, KIND_COUNT * WAY_OUT_COUNT);
    tcase_add_test(tests, an_ignored_signal_stays_ignored);
    tcase_add_loop_test(tests, an_earlier_handler_is_called_as_if_it_were_alone, 0, 2);
    tcase_add_test(tests, a_handler_installed_meanwhile_stays);
    tcase_add_test(tests, a_handler_over_ours_that_calls_ours_is_called_once_by_the_next_one_of_ours);
    tcase_add_test(tests, a_handler_that_is_replaced_at_every_training_is_refused_before_it_fails);
    tcase_add_test(tests, two_callbacks_are_both_told_and_the_last_one_puts_back);
    tcase_add_loop_test(tests, a_child_of_the_program_ends_by_the_signal_as_ever, 0, 3);
    tcase_add_loop_test(tests, a_signal_that_can_be_no_notice_is_refused, 0, COUNT(NO_NOTICE));
    tcase_add_loop_test(tests, times_that_are_none_are_refused, 0, 7);
}

static void add_deadlines(TCase *tests)
{
    tcase_add_loop_test(tests, the_last_save_comes_just_before_the_deadline, 0, 4);
    tcase_add_loop_test(tests, a_deadline_that_is_none_stops_nothing, 0, COUNT(NO_DEADLINE));
    tcase_add_test(tests, a_deadline_of_the_programs_goes_before_the_environments);
    tcase_add_test(tests, a_deadline_that_passed_before_training_began_is_told_and_ignored);
    tcase_add_loop_test(tests, a_clock_that_was_set_and_a_suspended_machine_are_followed, 0, 3);
    tcase_add_test(tests, a_step_that_ran_past_the_deadline_is_saved_all_the_same);
    tcase_add_test(tests, a_save_that_cannot_fit_is_not_begun_and_the_state_before_is_named);
    tcase_add_test(tests, a_validation_that_may_not_end_in_time_stops_at_its_batch);
    tcase_add_test(tests, in_a_grace_period_it_saves_at_once_trains_on_and_saves_just_before_its_end);
    tcase_add_test(tests, a_grace_period_too_short_for_a_step_stops_at_once);
    tcase_add_loop_test(tests, a_clock_that_was_set_never_prolongs_a_grace_period, 0, 3);
    tcase_add_test(tests, a_first_save_that_fails_in_a_grace_period_is_tried_again_by_the_next_hook);
}

static void add_others(TCase *tests)
{
    tcase_add_test(tests, a_stop_file_stops_and_is_gone_for_the_next_run);
    tcase_add_test(tests, a_stop_file_is_looked_for_once_a_second);
    tcase_add_test(tests, a_stop_file_is_not_looked_for_where_that_is_not_wanted);
    tcase_add_loop_test(tests, what_is_no_file_is_told_once_and_not_obeyed, 0, 3);
    tcase_add_test(tests, a_stop_file_that_cannot_be_removed_is_spoken_of);
    tcase_add_test(tests, a_function_of_the_programs_stops);
    tcase_add_test(tests, a_last_save_that_fails_once_is_made_anew);
    tcase_add_test(tests, a_last_save_that_fails_for_good_stops_all_the_same_and_says_what_is_safe);
    tcase_add_loop_test(tests, in_the_background_the_last_save_is_durable_before_the_hook_returns, 0, 4);
    tcase_add_loop_test(tests, with_a_child_in_flight_the_last_save_is_durable_before_the_hook_returns, 0, 2);
    tcase_add_test(tests, a_save_in_flight_that_fails_does_not_prevent_the_last_one);
    tcase_add_test(tests, a_check_that_is_not_over_saves_nothing_and_stops);
}

int main(void)
{
    Suite *suite = suite_create("preemption");

    add_signals(new_case(suite, "signals"));
    add_handlers(new_case(suite, "handlers"));
    add_deadlines(new_case(suite, "deadlines"));
    add_others(new_case(suite, "others"));
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
