/* SPDX-License-Identifier: MIT */
/*
 * When the hooks save, by a clock of the test's own: work, saves and fences take as long as it says. And loops without
 * epochs.
 */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/save.h"
#include "storage/system.h"
#include "storage/view.h"
#include "support/assert_h5ckpt.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/gate.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define SECOND  1000000000.0
#define YEAR_NS INT64_C(31556952000000000)

enum { VALUE_COUNT = 64, TIMEOUT_SECONDS = 60, NONE = -1 };

/* ---------------------------------------------------------------------- clock */

static struct system_calls with_clock;
static _Atomic int64_t now_ns;
static _Atomic int64_t tick_ns; /* that each look at it takes */

static int64_t read_clock(void)
{
    return atomic_fetch_add(&now_ns, tick_ns);
}

/* A clock on the wall that somebody sets a year on or back at each look. */
static int64_t read_wall_clock(void)
{
    static _Atomic unsigned looks;

    return INT64_C(1700000000000000000) + (atomic_fetch_add(&looks, 1) % 2 == 0 ? YEAR_NS : -YEAR_NS);
}

static void let_pass(double seconds)
{
    atomic_fetch_add(&now_ns, (int64_t)(seconds * SECOND));
}

/* In front of the calls in force. */
static void use_clock(void)
{
    with_clock = *system_calls;
    with_clock.monotonic_time_ns = read_clock;
    with_clock.wall_time_ns = read_wall_clock;
    system_calls = &with_clock;
}

static void let_writes_fail(long count)
{
    faults_set((struct faults){.calls = FAULT_WRITE, .name = "slot", .count = count, .error = EIO});
    use_clock();
}

static void let_writes_succeed(void)
{
    faults_clear();
    use_clock();
}

/* ------------------------------------------------------------------- callback */

static struct {
    h5ckpt_state *state;
    h5ckpt_callback *callback;
    struct h5ckpt_callback_options options;
    struct h5ckpt_progress next;
    uint64_t value[VALUE_COUNT];
    double save_seconds; /* what a save takes, in its get function */
    unsigned save_count;
    bool get_fails;
} run;

static int get_value(void *context, void *bytes, size_t byte_count)
{
    (void)context;
    let_pass(run.save_seconds);
    run.save_count++;
    memcpy(bytes, run.value, byte_count);
    return run.get_fails ? 1 : 0;
}

static int put_value(void *context, const void *bytes, size_t byte_count)
{
    (void)context;
    memcpy(run.value, bytes, byte_count);
    return 0;
}

static void setup(void)
{
    const struct h5ckpt_access access = {get_value, put_value, NULL};

    faults_clear();
    fixture_setup();
    memset(&run, 0, sizeof run);
    now_ns = INT64_C(7777777777777);
    tick_ns = 0;
    use_clock();
    run.state = h5ckpt_state_new();
    run.options = h5ckpt_callback_options_default();
    run.options.backup_dir = fixture_backup;
    run.options.save_freq = H5CKPT_NEVER;
    h5ckpt_add_access(run.state, "value", H5CKPT_UINT64, 1, (const uint64_t[]){VALUE_COUNT}, &access);
}

static void teardown(void)
{
    h5ckpt_callback_free(run.callback);
    h5ckpt_state_free(run.state);
    faults_clear();
    fixture_teardown();
}

#define assert_hook(call, expected) assert_status_message(call, expected, h5ckpt_callback_message(run.callback))

#define assert_refused(call, text)                                    \
    do {                                                              \
        assert_hook(call, H5CKPT_E_ARGUMENT);                         \
        assert_mentions(h5ckpt_callback_message(run.callback), text); \
    } while (0)

static h5ckpt_store *store(void)
{
    return h5ckpt_callback_store(run.callback);
}

static void begin(void)
{
    h5ckpt_status status;

    assert_hook(h5ckpt_callback_new(&run.callback, run.state, &run.options), H5CKPT_OK);
    status = h5ckpt_on_train_begin(run.callback, &run.next, NULL);
    ck_assert_msg(status == H5CKPT_OK || status == H5CKPT_NO_CHECKPOINT, "%s", h5ckpt_callback_message(run.callback));
}

static void begin_again(void)
{
    h5ckpt_callback_free(run.callback);
    begin();
}

/* A step of so many seconds. */
static h5ckpt_status step(uint64_t number, double seconds)
{
    let_pass(seconds);
    run.value[number % VALUE_COUNT] += number + 1;
    return h5ckpt_step(run.callback, number);
}

/* Does steps until one saves, and returns its number; NONE if none before `end` does. */
static int steps_to_save(uint64_t first, uint64_t end, double seconds)
{
    const unsigned before = run.save_count;

    for (uint64_t number = first; number < end; number++) {
        assert_hook(step(number, seconds), H5CKPT_OK);
        if (run.save_count == before)
            continue;
        ck_assert_uint_eq(h5ckpt_progress(store()).step, number + 1);
        return (int)number;
    }
    return NONE;
}

/* ------------------------------------------------------------------- by seconds */

START_TEST(by_seconds_a_save_comes_at_the_first_step_so_long_after_training_began_or_the_last_save)
{
    run.options.save_seconds = 60;
    begin();
    ck_assert_int_eq(steps_to_save(0, 100, 7), 8); /* 63 s */
    ck_assert_int_eq(steps_to_save(9, 100, 7), 17);
    ck_assert_int_eq(steps_to_save(18, 100, 59.9), 19);
    ck_assert_int_eq(steps_to_save(20, 100, 1000), 20);
}
END_TEST

START_TEST(the_time_of_a_save_is_not_that_since_it)
{
    run.options.save_seconds = 60;
    run.save_seconds = 50;
    begin();
    ck_assert_int_eq(steps_to_save(0, 100, 20), 2);
    ck_assert_int_eq(steps_to_save(3, 100, 20), 5);
}
END_TEST

START_TEST(time_before_training_began_does_not_count)
{
    run.options.save_seconds = 60;
    assert_hook(h5ckpt_callback_new(&run.callback, run.state, &run.options), H5CKPT_OK);
    let_pass(1000);
    assert_hook(h5ckpt_on_train_begin(run.callback, &run.next, NULL), H5CKPT_NO_CHECKPOINT);
    ck_assert_int_eq(steps_to_save(0, 100, 20), 2);
}
END_TEST

START_TEST(seconds_and_a_number_of_batches_both_make_saves_due)
{
    run.options.save_seconds = 60;
    run.options.save_freq = 10;
    begin();
    ck_assert_int_eq(steps_to_save(0, 100, 1), 9);
    ck_assert_int_eq(steps_to_save(10, 100, 20), 12);
    ck_assert_int_eq(steps_to_save(13, 100, 1), 19);
}
END_TEST

static void begin_epoch(uint64_t epoch)
{
    assert_hook(h5ckpt_on_epoch_begin(run.callback, epoch), H5CKPT_OK);
}

static bool saves_at_batch(uint64_t batch, double seconds)
{
    const unsigned before = run.save_count;

    let_pass(seconds);
    assert_hook(h5ckpt_on_train_batch_end(run.callback, batch), H5CKPT_OK);
    return run.save_count != before;
}

static bool saves_at_epoch(uint64_t epoch, double seconds)
{
    const unsigned before = run.save_count;

    let_pass(seconds);
    assert_hook(h5ckpt_on_epoch_end(run.callback, epoch), H5CKPT_OK);
    return run.save_count != before;
}

START_TEST(by_seconds_the_end_of_an_epoch_saves_as_well)
{
    run.options.save_seconds = 60;
    begin();
    begin_epoch(0);
    ck_assert(!saves_at_batch(0, 30));
    ck_assert(saves_at_epoch(0, 40));
    ck_assert_uint_eq(h5ckpt_progress(store()).epoch, 1);
    begin_epoch(1);
    ck_assert(!saves_at_batch(0, 50));
    ck_assert(saves_at_batch(1, 11));
    ck_assert(!saves_at_epoch(1, 50));
}
END_TEST

START_TEST(by_seconds_epochs_save_as_ever)
{
    run.options.save_seconds = 60;
    run.options.save_freq = H5CKPT_EVERY_EPOCH;
    begin();
    begin_epoch(0);
    ck_assert(!saves_at_batch(0, 1));
    ck_assert(saves_at_epoch(0, 1));
    begin_epoch(1);
    ck_assert(!saves_at_batch(0, 58));
    ck_assert(saves_at_batch(1, 3));
    ck_assert(saves_at_epoch(1, 1));
}
END_TEST

/* --------------------------------------------------------- by time between failures */

START_TEST(by_failures_the_first_save_comes_at_once_and_the_others_by_what_it_cost)
{
    run.options.failure_seconds = 1000;
    run.save_seconds = 2;
    begin();
    ck_assert_int_eq(steps_to_save(0, 1000, 1), 0);
    ck_assert_int_eq(steps_to_save(1, 1000, 1), 62); /* Daly: 61.9 s; Young: 63.2 s */
    run.save_seconds = 8;                            /* the median is 8 as soon as half of them are */
    ck_assert_int_eq(steps_to_save(63, 1000, 1), 124);
    ck_assert_int_eq(steps_to_save(125, 1000, 1), 186);
    ck_assert_int_eq(steps_to_save(187, 1000, 1), 308); /* 121.2 s */
}
END_TEST

/* -------------------------------------------------------------------- by share */

START_TEST(the_share_alone_saves_as_often_as_it_allows)
{
    run.options.save_share = 0.01;
    run.save_seconds = 2;
    begin();
    ck_assert_int_eq(steps_to_save(0, 1000, 1.01), 0);
    ck_assert_int_eq(steps_to_save(1, 1000, 1.01), 197); /* 198 s */
    run.save_seconds = 1;
    ck_assert_int_eq(steps_to_save(198, 1000, 1.01), 394); /* by the cost of the last one, which was … */
    ck_assert_int_eq(steps_to_save(395, 1000, 1.01), 493); /* … 1 s there: 99 s */
}
END_TEST

static const struct {
    int64_t save_freq;
    double save_seconds;
    double failure_seconds;
} SCHEDULE[] = {{1, 0, 0}, {H5CKPT_NEVER, 1e-3, 0}, {H5CKPT_NEVER, 0, 1e-3}, {1, 1e-3, 1e-3}};

START_TEST(the_share_limits_everything)
{
    run.options.save_freq = SCHEDULE[_i].save_freq;
    run.options.save_seconds = SCHEDULE[_i].save_seconds;
    run.options.failure_seconds = SCHEDULE[_i].failure_seconds;
    run.options.save_share = 0.1;
    run.save_seconds = 2;
    begin();
    ck_assert_int_eq(steps_to_save(0, 100, 1.01), 0);
    ck_assert_int_eq(steps_to_save(1, 100, 1.01), 18); /* 18 s */
    ck_assert_int_eq(steps_to_save(19, 100, 1.01), 36);
}
END_TEST

START_TEST(what_is_due_and_not_allowed_is_done_at_the_first_step_at_which_it_is)
{
    run.options.save_freq = 10;
    run.options.save_share = 0.01;
    run.save_seconds = 2;
    begin();
    ck_assert_int_eq(steps_to_save(0, 1000, 1.01), 9);
    ck_assert_int_eq(steps_to_save(10, 1000, 1.01), 206);   /* 10 to 200 were due */
    ck_assert_int_eq(steps_to_save(207, 1000, 100.1), 209); /* and that one is due again by the count */
    ck_assert_int_eq(steps_to_save(210, 1000, 200), 219);   /* nothing is pending */
}
END_TEST

START_TEST(an_epochs_save_that_was_not_allowed_is_done_within_the_next)
{
    run.options.save_freq = H5CKPT_EVERY_EPOCH;
    run.options.save_share = 0.01;
    run.save_seconds = 1;
    begin();
    begin_epoch(0);
    ck_assert(!saves_at_batch(0, 10));
    ck_assert(saves_at_epoch(0, 10));
    begin_epoch(1);
    ck_assert(!saves_at_batch(0, 200)); /* allowed, not due */
    ck_assert(saves_at_epoch(1, 10));
    begin_epoch(2);
    ck_assert(!saves_at_batch(0, 10));
    ck_assert(!saves_at_epoch(2, 10)); /* due, not allowed */
    begin_epoch(3);
    ck_assert(!saves_at_batch(0, 70));
    ck_assert(saves_at_batch(1, 10));
    ck_assert_uint_eq(h5ckpt_progress(store()).epoch, 3);
    ck_assert_uint_eq(h5ckpt_progress(store()).batch, 2);
    ck_assert(!saves_at_batch(2, 200));
}
END_TEST

START_TEST(without_a_share_nothing_limits_saves)
{
    run.options.save_freq = 1;
    run.save_seconds = 1000;
    begin();
    for (uint64_t i = 0; i < 10; i++)
        ck_assert_int_eq(steps_to_save(i, i + 1, 1), (int)i);
}
END_TEST

START_TEST(a_fence_of_the_programs_own_is_part_of_the_cost)
{
    run.options.save_share = 0.01;
    run.save_seconds = 2;
    begin();
    ck_assert_int_eq(steps_to_save(0, 1000, 1.01), 0);
    tick_ns = (int64_t)SECOND; /* from its beginning to its end */
    assert_status(h5ckpt_fence(store()), H5CKPT_OK);
    tick_ns = 0;
    ck_assert_int_eq(steps_to_save(1, 1000, 1.01), 294); /* 297 s, of which the last tick was one */
}
END_TEST

START_TEST(the_first_save_of_a_process_is_allowed_at_once)
{
    run.options.save_share = 0.01;
    run.save_seconds = 2;
    begin();
    ck_assert_int_eq(steps_to_save(0, 1000, 1), 0);
    begin_again();
    ck_assert_uint_eq(run.next.step, 1);
    ck_assert_int_eq(steps_to_save(1, 1000, 1), 1);
}
END_TEST

START_TEST(one_save_that_takes_a_thousand_times_as_long_is_charged_four_times_the_usual_cost)
{
    uint64_t number = 0;

    run.options.save_share = 0.5;
    run.save_seconds = 1;
    begin();
    for (int i = 0; i < 9; i++)
        number = (uint64_t)steps_to_save(number, 1000, 0.6) + 1;
    run.save_seconds = 1000;
    number = (uint64_t)steps_to_save(number, 1000, 0.6) + 1;
    ck_assert_int_eq(steps_to_save(number, 1000, 0.6), (int)number + 6); /* 4 s */
}
END_TEST

static double draw_threefold(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return 1 + 2 * ldexp((double)(*seed >> 11), -53);
}

/* _i: seed. Steps and saves vary threefold. */
START_TEST(a_budget_of_one_percent_is_kept_and_used)
{
    uint64_t seed = (uint64_t)_i;
    double saving = 0;
    double working = 0;

    run.options.save_share = 0.01;
    begin();
    for (uint64_t number = 0; number < 20000; number++) {
        const double seconds = draw_threefold(&seed);
        const unsigned before = run.save_count;
        run.save_seconds = 2 * draw_threefold(&seed);
        assert_hook(step(number, seconds), H5CKPT_OK);
        working += seconds;
        saving += run.save_count == before ? 0 : run.save_seconds;
    }
    const double share = saving / (saving + working);
    ck_assert_msg(share <= 1.1 * 0.01 && share >= 0.9 * 0.01, "a share of %g", share);
}
END_TEST

/* ------------------------------------------------------------------- not by wall */

START_TEST(a_wall_clock_that_is_set_makes_nothing_due)
{
    run.options.save_seconds = 60;
    begin();
    ck_assert_int_eq(steps_to_save(0, 1000, 0), NONE);
    ck_assert_int_eq(steps_to_save(1000, 2000, 20), 1002);
}
END_TEST

/* -------------------------------------------------------------------- failures */

START_TEST(a_save_that_failed_is_tried_at_every_step_until_one_succeeds)
{
    run.options.save_freq = 10;
    begin();
    ck_assert_int_eq(steps_to_save(0, 100, 1), 9);
    run.get_fails = true;
    for (uint64_t number = 10; number < 19; number++)
        assert_hook(step(number, 1), H5CKPT_OK);
    for (uint64_t number = 19; number < 24; number++)
        assert_hook(step(number, 1), H5CKPT_E_CALLBACK);
    ck_assert_uint_eq(h5ckpt_progress(store()).step, 10);
    run.get_fails = false;
    ck_assert_int_eq(steps_to_save(24, 100, 1), 24);
    ck_assert_int_eq(steps_to_save(25, 100, 1), 29); /* nothing is pending */
}
END_TEST

START_TEST(an_epochs_save_that_failed_is_tried_again_at_the_next_batch)
{
    run.options.save_freq = H5CKPT_EVERY_EPOCH;
    begin();
    begin_epoch(0);
    let_writes_fail(FAULTS_FOR_EVER);
    assert_hook(h5ckpt_on_epoch_end(run.callback, 0), H5CKPT_E_IO);
    begin_epoch(1);
    assert_hook(h5ckpt_on_train_batch_end(run.callback, 0), H5CKPT_E_IO);
    let_writes_succeed();
    ck_assert(saves_at_batch(1, 1));
    ck_assert_uint_eq(h5ckpt_progress(store()).batch, 2);
    ck_assert(!saves_at_batch(2, 1));
}
END_TEST

START_TEST(by_seconds_a_save_that_failed_is_tried_at_the_next_step)
{
    run.options.save_seconds = 60;
    begin();
    run.get_fails = true;
    assert_hook(step(0, 61), H5CKPT_E_CALLBACK);
    assert_hook(step(1, 1), H5CKPT_E_CALLBACK);
    run.get_fails = false;
    ck_assert_int_eq(steps_to_save(2, 100, 1), 2);
    ck_assert_int_eq(steps_to_save(3, 100, 1), 62);
}
END_TEST

START_TEST(a_save_that_failed_is_tried_again_when_the_share_allows)
{
    run.options.save_freq = 1;
    run.options.save_share = 0.1;
    run.save_seconds = 2;
    begin();
    run.get_fails = true;
    assert_hook(step(0, 1.01), H5CKPT_E_CALLBACK);
    for (uint64_t number = 1; number < 18; number++)
        assert_hook(step(number, 1.01), H5CKPT_OK);
    ck_assert_uint_eq(run.save_count, 1);
    assert_hook(step(18, 1.01), H5CKPT_E_CALLBACK); /* 18 s */
    ck_assert_uint_eq(run.save_count, 2);
}
END_TEST

START_TEST(a_try_that_took_long_to_fail_is_repeated_when_the_program_has_had_as_much_time)
{
    run.options.save_freq = 100;
    run.save_seconds = 20;
    begin();
    run.get_fails = true;
    assert_hook(h5ckpt_step(run.callback, 99), H5CKPT_E_CALLBACK);
    for (uint64_t number = 100; number < 119; number++)
        assert_hook(step(number, 1.01), H5CKPT_OK); /* 19 s */
    ck_assert_uint_eq(run.save_count, 1);
    assert_hook(step(119, 1.01), H5CKPT_E_CALLBACK);
    run.get_fails = false;
    ck_assert_int_eq(steps_to_save(120, 200, 1.01), 139);
}
END_TEST

START_TEST(what_is_due_anyway_waits_for_no_try_that_failed)
{
    run.options.save_freq = 10;
    run.save_seconds = 1000;
    begin();
    run.get_fails = true;
    assert_hook(h5ckpt_step(run.callback, 9), H5CKPT_E_CALLBACK);
    run.get_fails = false;
    ck_assert_int_eq(steps_to_save(10, 100, 1), 19);
}
END_TEST

/* Step 9 is saved; the save of step 19, in flight, fails. */
static void fail_in_flight(void)
{
    run.options.save_freq = 10;
    run.options.store.save_mode = H5CKPT_SAVE_STAGED;
    begin();
    assert_hook(h5ckpt_step(run.callback, 9), H5CKPT_OK);
    assert_status(h5ckpt_wait(store()), H5CKPT_OK);
    let_writes_fail(1);
    assert_hook(h5ckpt_step(run.callback, 19), H5CKPT_OK);
    while (save_in_flight(store()))
        sched_yield(); /* it always gets to its end */
    ck_assert_uint_eq(run.save_count, 2);
}

/* The last save, the third one, was that of `number`, and nothing is pending. */
static void assert_saved_again_at(uint64_t number)
{
    ck_assert_uint_eq(run.save_count, 3);
    assert_status(h5ckpt_wait(store()), H5CKPT_OK);
    ck_assert_uint_eq(h5ckpt_progress(store()).step, number + 1);
    assert_hook(step(number + 1, 1), H5CKPT_OK);
    ck_assert_uint_eq(run.save_count, 3);
}

START_TEST(a_save_in_flight_that_failed_is_returned_by_the_next_hook_and_tried_by_the_one_after_it)
{
    fail_in_flight();
    assert_hook(step(20, 1), H5CKPT_E_IO);
    ck_assert_uint_eq(run.save_count, 2);
    assert_hook(step(21, 1), H5CKPT_OK);
    assert_saved_again_at(21);
}
END_TEST

START_TEST(a_save_in_flight_whose_failure_the_program_has_heard_of_is_tried_by_the_next_hook)
{
    fail_in_flight();
    assert_status(h5ckpt_wait(store()), H5CKPT_E_IO);
    assert_hook(step(20, 1), H5CKPT_OK);
    assert_saved_again_at(20);
}
END_TEST

START_TEST(a_failure_that_the_next_due_save_returns_makes_no_other_one_due)
{
    fail_in_flight();
    assert_hook(h5ckpt_step(run.callback, 29), H5CKPT_E_IO);
    assert_mentions(h5ckpt_callback_message(run.callback), "save before");
    assert_saved_again_at(29);
}
END_TEST

/* ------------------------------------------------------------------------ view */

static int slot_in_view(void)
{
    const h5ckpt_store *store = h5ckpt_callback_store(run.callback);
    struct view view = VIEW_NONE;

    view_read(&view, &store->directory, store->lock.directory_id);
    return view.current;
}

/* Who looks at checkpoint.h5 hours after a burst of saves does not find its first state, or nothing. */
START_TEST(a_hook_that_saves_nothing_brings_the_view_up_to_date_after_a_second)
{
    run.options.save_freq = 4;
    use_clock();
    begin();
    for (uint64_t number = 0; number < 12; number++) /* saved at 3, 7, 11 */
        assert_hook(step(number, 0.1), H5CKPT_OK);
    ck_assert_int_ne(slot_in_view(), h5ckpt_callback_store(run.callback)->base);
    assert_hook(step(12, 0.1), H5CKPT_OK);
    ck_assert_int_ne(slot_in_view(), h5ckpt_callback_store(run.callback)->base);
    assert_hook(step(13, 1), H5CKPT_OK);
    ck_assert_int_eq(slot_in_view(), h5ckpt_callback_store(run.callback)->base);
}
END_TEST

/* ----------------------------------------------------------- failed_saves_max */

static double weight; /* that must be finite */
static unsigned told_to_end;
static char told_text[1024];

static void hear(void *context, const struct h5ckpt_event *event)
{
    (void)context;
    if (event->kind != H5CKPT_EVENT_GIVEN_UP)
        return;
    told_to_end++;
    ck_assert_int_eq(event->level, H5CKPT_LEVEL_ERROR);
    snprintf(told_text, sizeof told_text, "%s", event->message);
}

static void let_get_fail(void)
{
    run.get_fails = true;
}

static void let_disk_be_full(void)
{
    faults_set((struct faults){.calls = FAULT_WRITE, .name = "slot", .count = FAULTS_FOR_EVER, .error = ENOSPC});
    use_clock();
}

static void let_device_fail(void)
{
    let_writes_fail(FAULTS_FOR_EVER);
}

static void let_flush_fail(void)
{
    faults_set((struct faults){.calls = FAULT_FLUSH, .name = "slot", .count = FAULTS_FOR_EVER, .error = EIO});
    use_clock();
}

static void let_training_go_bad(void)
{
    weight = NAN;
}

static const struct {
    void (*begin)(void);
    h5ckpt_status status;
} FAILURE[] = {
    {let_get_fail, H5CKPT_E_CALLBACK},          {let_disk_be_full, H5CKPT_E_NO_SPACE}, {let_device_fail, H5CKPT_E_IO},
    {let_training_go_bad, H5CKPT_E_NOT_FINITE}, {let_flush_fail, H5CKPT_E_IO},
};

static void set_limit(unsigned failed_saves_max)
{
    weight = 1;
    told_to_end = 0;
    h5ckpt_add(run.state, "weight", H5CKPT_FLOAT64, 0, NULL, &weight);
    h5ckpt_require_finite(run.state, "weight");
    run.options.save_freq = run.options.save_freq == H5CKPT_NEVER ? 1 : run.options.save_freq;
    run.options.failed_saves_max = failed_saves_max;
    run.options.store.event = hear;
}

/* Every hook repeats it, nothing more is saved, nothing deleted; and the next life goes on from `saved`. */
static void assert_told_to_end(uint64_t number, uint64_t saved)
{
    char message[1024];
    const unsigned before = run.save_count;

    snprintf(message, sizeof message, "%s", h5ckpt_callback_message(run.callback));
    ck_assert_uint_eq(told_to_end, 1);
    ck_assert_str_eq(message, told_text);
    run.get_fails = false;
    weight = 1;
    let_writes_succeed();
    for (uint64_t i = 1; i <= 3; i++) {
        assert_hook(step(number + i, 1), H5CKPT_E_SAVES_FAILED);
        ck_assert_str_eq(h5ckpt_callback_message(run.callback), message);
    }
    ck_assert_uint_eq(run.save_count, before);
    ck_assert_uint_eq(told_to_end, 1);
    assert_hook(h5ckpt_on_train_end(run.callback, H5CKPT_FINISHED), H5CKPT_STOP);
    assert_mentions(h5ckpt_callback_message(run.callback), "kept");
    begin_again();
    ck_assert_uint_eq(run.next.step, saved);
}

START_TEST(as_many_failures_in_a_row_as_are_allowed_end_the_loop_whatever_they_are)
{
    set_limit(3);
    begin();
    assert_hook(step(0, 1), H5CKPT_OK);
    FAILURE[_i].begin();
    assert_hook(step(1, 1), FAILURE[_i].status);
    assert_hook(step(2, 1), FAILURE[_i].status);
    assert_hook(step(3, 1), H5CKPT_E_SAVES_FAILED);
    assert_mentions(h5ckpt_callback_message(run.callback),
                    "3 saves in a row have failed (failed_saves_max): end training now");
    assert_mentions(h5ckpt_callback_message(run.callback), ". The last one: ");
    if (FAILURE[_i].begin == let_flush_fail)
        return; /* what is on disk may be newer than what was reported */
    assert_told_to_end(3, 1);
}
END_TEST

START_TEST(a_limit_of_1_ends_the_loop_by_its_first_failure)
{
    set_limit(1);
    begin();
    assert_hook(step(0, 1), H5CKPT_OK);
    let_disk_be_full();
    assert_hook(step(1, 1), H5CKPT_E_SAVES_FAILED);
    assert_mentions(h5ckpt_callback_message(run.callback), "1 save has failed");
    assert_mentions(h5ckpt_callback_message(run.callback), "is still there");
    assert_told_to_end(1, 1);
}
END_TEST

START_TEST(a_first_save_that_fails_says_that_nothing_is_saved)
{
    set_limit(1);
    begin();
    let_disk_be_full();
    assert_hook(step(0, 1), H5CKPT_E_SAVES_FAILED);
    assert_mentions(h5ckpt_callback_message(run.callback), "nothing has been saved yet");
    assert_told_to_end(0, 0);
}
END_TEST

START_TEST(a_save_that_succeeds_between_failures_makes_them_none_in_a_row)
{
    set_limit(3);
    begin();
    for (uint64_t number = 0; number < 30; number++) {
        run.get_fails = number % 3 != 0;
        assert_hook(step(number, 1), run.get_fails ? H5CKPT_E_CALLBACK : H5CKPT_OK);
    }
    run.get_fails = true;
    assert_hook(step(30, 1), H5CKPT_E_SAVES_FAILED); /* after two */
    assert_told_to_end(30, 28);
}
END_TEST

static void set_time(double seconds)
{
    run.options.save_seconds = seconds;
}

static void set_batches(double batches)
{
    run.options.save_freq = (int64_t)batches;
}

/*
 * A disk that was full for a moment ends no job of a week. _i: due by batches, or by the clock, which goes by a second
 * a step
 */
START_TEST(what_is_tried_again_between_two_saves_that_are_due_is_no_failure_more)
{
    (_i == 0 ? set_batches : set_time)(10);
    set_limit(3);
    if (_i == 1)
        run.options.save_freq = H5CKPT_NEVER;
    begin();
    run.get_fails = true;
    for (uint64_t number = 0; number < 29; number++)
        assert_hook(step(number, 1), number < 9 ? H5CKPT_OK : H5CKPT_E_CALLBACK);
    assert_hook(step(29, 1), H5CKPT_E_SAVES_FAILED);
    assert_mentions(h5ckpt_callback_message(run.callback), "3 saves in a row have failed");
    assert_told_to_end(29, 0);
}
END_TEST

START_TEST(a_try_that_succeeds_between_makes_failures_none_in_a_row)
{
    set_batches(10);
    set_limit(2);
    begin();
    for (uint64_t number = 0; number < 100; number++) { /* due at 9, 19 …; tried again until 13, 23 … */
        const bool tried = number >= 9 && (number + 1) % 10 <= 4;
        run.get_fails = number % 10 != 3;
        assert_hook(step(number, 1), tried && run.get_fails ? H5CKPT_E_CALLBACK : H5CKPT_OK);
    }
}
END_TEST

START_TEST(by_default_no_number_of_failures_ends_the_loop)
{
    set_limit(0);
    begin();
    ck_assert_uint_eq(h5ckpt_callback_options_default().failed_saves_max, 0);
    run.get_fails = true;
    for (uint64_t number = 0; number < 300; number++)
        assert_hook(step(number, 1), H5CKPT_E_CALLBACK);
    run.get_fails = false;
    assert_hook(step(300, 1), H5CKPT_OK);
    ck_assert_uint_eq(told_to_end, 0);
}
END_TEST

START_TEST(the_hooks_of_epochs_tell_it_as_well)
{
    run.options.save_freq = H5CKPT_EVERY_EPOCH;
    set_limit(2);
    begin();
    begin_epoch(0);
    let_disk_be_full();
    assert_hook(h5ckpt_on_train_batch_end(run.callback, 0), H5CKPT_OK);
    assert_hook(h5ckpt_on_epoch_end(run.callback, 0), H5CKPT_E_NO_SPACE);
    begin_epoch(1);
    assert_hook(h5ckpt_on_train_batch_end(run.callback, 0), H5CKPT_E_NO_SPACE);
    assert_hook(h5ckpt_on_epoch_end(run.callback, 1), H5CKPT_E_SAVES_FAILED);
    let_writes_succeed();
    assert_hook(h5ckpt_on_epoch_begin(run.callback, 2), H5CKPT_E_SAVES_FAILED);
    assert_hook(h5ckpt_on_train_batch_begin(run.callback, 0), H5CKPT_E_SAVES_FAILED);
    assert_hook(h5ckpt_on_train_batch_end(run.callback, 0), H5CKPT_E_SAVES_FAILED);
    assert_hook(h5ckpt_on_test_batch_end(run.callback, 0), H5CKPT_E_SAVES_FAILED);
    assert_hook(h5ckpt_on_epoch_end(run.callback, 2), H5CKPT_E_SAVES_FAILED);
    assert_hook(h5ckpt_on_train_end(run.callback, H5CKPT_FAILED), H5CKPT_OK);
    ck_assert_uint_eq(told_to_end, 1);
}
END_TEST

START_TEST(a_failure_in_flight_counts_when_it_is_known_and_not_if_the_next_save_is_durable)
{
    set_limit(1);
    fail_in_flight();
    assert_hook(h5ckpt_step(run.callback, 29), H5CKPT_E_IO); /* returns it, saves, and that save counts */
    assert_saved_again_at(29);
    ck_assert_uint_eq(told_to_end, 0);
}
END_TEST

START_TEST(a_failure_in_flight_that_a_hook_returns_ends_the_loop)
{
    set_limit(1);
    fail_in_flight();
    assert_hook(step(20, 1), H5CKPT_E_SAVES_FAILED);
    assert_mentions(h5ckpt_callback_message(run.callback), "Input/output error");
    assert_told_to_end(20, 10);
}
END_TEST

START_TEST(a_failure_in_flight_that_the_program_has_heard_of_ends_the_loop_unless_the_next_try_succeeds)
{
    set_limit(1);
    fail_in_flight();
    assert_status(h5ckpt_wait(store()), H5CKPT_E_IO);
    if (_i == 0) {
        assert_hook(step(20, 1), H5CKPT_OK);
        assert_saved_again_at(20);
        return;
    }
    let_writes_fail(FAULTS_FOR_EVER);
    assert_hook(step(20, 1), H5CKPT_E_SAVES_FAILED);
    assert_told_to_end(20, 10);
}
END_TEST

/* A save in flight that a gate keeps there. */
static void begin_a_long_flight(void)
{
    gate_setup();
    use_clock();
    run.options.store.save_mode = H5CKPT_SAVE_STAGED;
    run.options.store.background.skip_if_busy = true;
    begin();
    assert_hook(step(0, 100), H5CKPT_OK);
    assert_status(h5ckpt_wait(store()), H5CKPT_OK);
    gate_shut(GATE_WRITE, "slot");
    assert_hook(step(1, 100), H5CKPT_OK);
    ck_assert_uint_eq(run.save_count, 2);
}

START_TEST(a_save_that_was_skipped_is_not_tried_again_until_one_is_due)
{
    run.options.save_freq = 10;
    run.options.save_seconds = 99;
    begin_a_long_flight();
    assert_hook(step(9, 50), H5CKPT_SKIPPED);
    gate_open();
    assert_status(h5ckpt_wait(store()), H5CKPT_OK);
    assert_hook(step(10, 40), H5CKPT_OK);
    ck_assert_uint_eq(run.save_count, 2);
    assert_hook(step(11, 10), H5CKPT_OK); /* 100 s after the last save; what was skipped is none */
    ck_assert_uint_eq(run.save_count, 3);
    assert_status(h5ckpt_wait(store()), H5CKPT_OK); /* nobody is at the gate */
    gate_teardown();
}
END_TEST

START_TEST(what_only_the_clock_asks_for_waits_for_a_save_in_flight_and_is_not_skipped)
{
    run.options.save_seconds = 60;
    begin_a_long_flight();
    assert_hook(step(2, 100), H5CKPT_OK);
    assert_hook(step(3, 100), H5CKPT_OK);
    ck_assert_uint_eq(run.save_count, 2);
    gate_open();
    assert_status(h5ckpt_wait(store()), H5CKPT_OK);
    assert_hook(step(4, 1), H5CKPT_OK);
    ck_assert_uint_eq(run.save_count, 3);
    assert_status(h5ckpt_wait(store()), H5CKPT_OK); /* nobody is at the gate */
    gate_teardown();
}
END_TEST

/* ------------------------------------------------------- loops without epochs */

static h5ckpt_status hook_status(h5ckpt_status status, const char *text)
{
    if (status == H5CKPT_E_ARGUMENT)
        assert_mentions(h5ckpt_callback_message(run.callback), text);
    return status;
}

START_TEST(steps_are_numbered_by_progress_step_and_resume_there)
{
    run.options.save_freq = 4;
    begin();
    ck_assert_uint_eq(run.next.step, 0);
    for (uint64_t number = 0; number < 6; number++)
        assert_hook(step(number, 1), H5CKPT_OK);
    const struct h5ckpt_progress saved = h5ckpt_progress(store());
    ck_assert_uint_eq(saved.epoch, 0);
    ck_assert_uint_eq(saved.batch, 4);
    ck_assert_uint_eq(saved.step, 4);
    begin_again();
    ck_assert_uint_eq(run.next.step, 4);
    ck_assert_int_eq(steps_to_save(4, 100, 1), 7);
}
END_TEST

START_TEST(several_steps_at_once_are_told_by_the_last)
{
    run.options.save_freq = 10;
    begin();
    assert_hook(h5ckpt_step(run.callback, 8), H5CKPT_OK);
    ck_assert_uint_eq(run.save_count, 0);
    assert_hook(h5ckpt_step(run.callback, 25), H5CKPT_OK);
    ck_assert_uint_eq(h5ckpt_progress(store()).step, 26);
    ck_assert_uint_eq(h5ckpt_progress(store()).batch, 26);
    assert_hook(h5ckpt_step(run.callback, 28), H5CKPT_OK);
    ck_assert_uint_eq(run.save_count, 1);
}
END_TEST

START_TEST(a_step_that_is_not_due_is_refused_and_the_due_one_named)
{
    run.options.save_freq = 1;
    begin();
    for (uint64_t number = 0; number < 5; number++)
        assert_hook(step(number, 1), H5CKPT_OK);
    assert_refused(h5ckpt_step(run.callback, 4), "5 is due");
    assert_refused(h5ckpt_step(run.callback, 0), "5 is due");
    assert_refused(h5ckpt_step(run.callback, UINT64_MAX), "5 is due");
    ck_assert_uint_eq(run.save_count, 5);
    assert_hook(h5ckpt_step(run.callback, 5), H5CKPT_OK);
}
END_TEST

START_TEST(steps_that_nothing_would_save_are_refused_and_told_what_to_set)
{
    run.options.save_freq = H5CKPT_EVERY_EPOCH;
    run.options.save_share = 0.01; /* a limit, no schedule */
    begin();
    assert_refused(h5ckpt_step(run.callback, 0), "no epochs");
    assert_refused(h5ckpt_step(run.callback, 0), "save_freq");
    assert_refused(h5ckpt_step(run.callback, 0), "save_seconds");
    begin_epoch(0); /* nothing has happened */
    ck_assert(saves_at_epoch(0, 1));
}
END_TEST

START_TEST(steps_that_are_saved_by_time_need_no_number)
{
    run.options.save_freq = H5CKPT_EVERY_EPOCH;
    run.options.save_seconds = _i == 0 ? 60 : 0;
    run.options.failure_seconds = _i == 0 ? 0 : 60;
    begin();
    ck_assert_int_eq(steps_to_save(0, 100, 30), _i == 0 ? 1 : 0);
}
END_TEST

START_TEST(steps_that_nothing_saves_on_purpose_are_taken)
{
    run.options.save_before_preemption = true;
    begin();
    ck_assert_int_eq(steps_to_save(0, 100, 1000), NONE);
}
END_TEST

START_TEST(after_a_step_the_hooks_of_epochs_are_refused)
{
    static const char WITHOUT[] = "in a loop without epochs";

    run.options.save_freq = 10;
    begin();
    assert_hook(step(0, 1), H5CKPT_OK);
    ck_assert_int_eq(hook_status(h5ckpt_on_epoch_begin(run.callback, 0), WITHOUT), H5CKPT_E_ARGUMENT);
    ck_assert_int_eq(hook_status(h5ckpt_on_train_batch_begin(run.callback, 1), WITHOUT), H5CKPT_E_ARGUMENT);
    ck_assert_int_eq(hook_status(h5ckpt_on_train_batch_end(run.callback, 1), WITHOUT), H5CKPT_E_ARGUMENT);
    ck_assert_int_eq(hook_status(h5ckpt_on_test_batch_end(run.callback, 1), WITHOUT), H5CKPT_E_ARGUMENT);
    ck_assert_int_eq(hook_status(h5ckpt_on_epoch_end(run.callback, 0), WITHOUT), H5CKPT_E_ARGUMENT);
    ck_assert_int_eq(hook_status(h5ckpt_on_train_begin(run.callback, &run.next, NULL), WITHOUT), H5CKPT_E_ARGUMENT);
    assert_hook(step(1, 1), H5CKPT_OK);
}
END_TEST

START_TEST(where_there_are_epochs_a_step_is_refused)
{
    run.options.save_freq = 10;
    assert_hook(h5ckpt_callback_new(&run.callback, run.state, &run.options), H5CKPT_OK);
    assert_refused(h5ckpt_step(run.callback, 0), "before training has begun");
    assert_hook(h5ckpt_on_train_begin(run.callback, &run.next, NULL), H5CKPT_NO_CHECKPOINT);
    begin_epoch(0);
    assert_refused(h5ckpt_step(run.callback, 0), "within an epoch");
    ck_assert(!saves_at_batch(0, 1));
    ck_assert(!saves_at_epoch(0, 1));
    assert_refused(h5ckpt_step(run.callback, 1), "between epochs");
    assert_hook(h5ckpt_on_train_end(run.callback, H5CKPT_FINISHED), H5CKPT_OK);
    assert_refused(h5ckpt_step(run.callback, 1), "after training has ended");
}
END_TEST

/* _i: reason */
START_TEST(a_loop_without_epochs_ends_for_every_reason)
{
    const bool done = _i == H5CKPT_FINISHED || _i == H5CKPT_STOPPED_EARLY;

    run.options.save_freq = 1;
    begin();
    assert_hook(step(0, 1), H5CKPT_OK);
    assert_hook(h5ckpt_on_train_end(run.callback, (enum h5ckpt_reason)_i), H5CKPT_OK);
    ck_assert(file_exists(in_backup("slot-a.h5")) == !done);
    assert_refused(h5ckpt_step(run.callback, 1), "after training has ended");
}
END_TEST

/* _i: whether something is forgotten */
START_TEST(a_resume_of_a_loop_without_epochs_can_be_checked)
{
    run.options.save_freq = 5;
    begin();
    ck_assert_int_eq(steps_to_save(0, 100, 1), 4);
    ck_assert_int_eq(steps_to_save(5, 100, 1), 9);
    run.options.check_resume = true;
    begin_again();
    ck_assert_uint_eq(run.next.step, 5);
    run.value[0] += (uint64_t)_i;
    for (uint64_t number = 5; number < 9; number++)
        assert_hook(step(number, 1), H5CKPT_OK);
    assert_hook(step(9, 1), _i == 0 ? H5CKPT_LIVES_AGREE : H5CKPT_E_DIFFERS);
    ck_assert_int_eq(steps_to_save(10, 100, 1), 14);
}
END_TEST

/* -------------------------------------------------------------------- options */

START_TEST(by_default_nothing_is_saved_by_time_and_nothing_limited)
{
    const struct h5ckpt_callback_options defaults = h5ckpt_callback_options_default();

    ck_assert(defaults.save_seconds == 0 && defaults.failure_seconds == 0 && defaults.save_share == 0);
}
END_TEST

static const struct {
    double save_seconds;
    double failure_seconds;
    double save_share;
    const char *text;
} BAD_OPTIONS[] = {
    {-1, 0, 0, "save_seconds is -1"},    {NAN, 0, 0, "save_seconds is"}, {0, INFINITY, 0, "failure_seconds is inf"},
    {0, -7, 0, "failure_seconds is -7"}, {0, 0, 1, "save_share is 1"},   {0, 0, -0.5, "save_share is -0.5"},
    {0, 0, NAN, "save_share is"},
};

START_TEST(times_and_shares_that_make_no_sense_are_refused_and_leave_no_trace)
{
    run.options.save_seconds = BAD_OPTIONS[_i].save_seconds;
    run.options.failure_seconds = BAD_OPTIONS[_i].failure_seconds;
    run.options.save_share = BAD_OPTIONS[_i].save_share;
    assert_refused(h5ckpt_callback_new(&run.callback, run.state, &run.options), BAD_OPTIONS[_i].text);
    ck_assert(!file_exists(fixture_backup));
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

static void add_time(Suite *suite)
{
    TCase *tests = new_case(suite, "time");

    tcase_add_test(tests, by_seconds_a_save_comes_at_the_first_step_so_long_after_training_began_or_the_last_save);
    tcase_add_test(tests, the_time_of_a_save_is_not_that_since_it);
    tcase_add_test(tests, time_before_training_began_does_not_count);
    tcase_add_test(tests, seconds_and_a_number_of_batches_both_make_saves_due);
    tcase_add_test(tests, by_seconds_the_end_of_an_epoch_saves_as_well);
    tcase_add_test(tests, by_seconds_epochs_save_as_ever);
    tcase_add_test(tests, by_failures_the_first_save_comes_at_once_and_the_others_by_what_it_cost);
    tcase_add_test(tests, a_wall_clock_that_is_set_makes_nothing_due);
}

static void add_share(Suite *suite)
{
    TCase *tests = new_case(suite, "share");

    tcase_add_test(tests, the_share_alone_saves_as_often_as_it_allows);
    tcase_add_loop_test(tests, the_share_limits_everything, 0, COUNT(SCHEDULE));
    tcase_add_test(tests, what_is_due_and_not_allowed_is_done_at_the_first_step_at_which_it_is);
    tcase_add_test(tests, an_epochs_save_that_was_not_allowed_is_done_within_the_next);
    tcase_add_test(tests, without_a_share_nothing_limits_saves);
    tcase_add_test(tests, a_fence_of_the_programs_own_is_part_of_the_cost);
    tcase_add_test(tests, the_first_save_of_a_process_is_allowed_at_once);
    tcase_add_test(tests, one_save_that_takes_a_thousand_times_as_long_is_charged_four_times_the_usual_cost);
    tcase_add_loop_test(tests, a_budget_of_one_percent_is_kept_and_used, 0, 5);
}

static void add_failures(Suite *suite)
{
    TCase *tests = new_case(suite, "failures");

    tcase_add_test(tests, a_save_that_failed_is_tried_at_every_step_until_one_succeeds);
    tcase_add_test(tests, an_epochs_save_that_failed_is_tried_again_at_the_next_batch);
    tcase_add_test(tests, by_seconds_a_save_that_failed_is_tried_at_the_next_step);
    tcase_add_test(tests, a_save_that_failed_is_tried_again_when_the_share_allows);
    tcase_add_test(tests, a_try_that_took_long_to_fail_is_repeated_when_the_program_has_had_as_much_time);
    tcase_add_test(tests, what_is_due_anyway_waits_for_no_try_that_failed);
    tcase_add_test(tests, a_save_in_flight_that_failed_is_returned_by_the_next_hook_and_tried_by_the_one_after_it);
    tcase_add_test(tests, a_save_in_flight_whose_failure_the_program_has_heard_of_is_tried_by_the_next_hook);
    tcase_add_test(tests, a_failure_that_the_next_due_save_returns_makes_no_other_one_due);
    tcase_add_test(tests, a_save_that_was_skipped_is_not_tried_again_until_one_is_due);
    tcase_add_test(tests, what_only_the_clock_asks_for_waits_for_a_save_in_flight_and_is_not_skipped);
}

static void add_limit(Suite *suite)
{
    TCase *tests = new_case(suite, "failed_saves_max");

    tcase_add_loop_test(tests, as_many_failures_in_a_row_as_are_allowed_end_the_loop_whatever_they_are, 0,
                        COUNT(FAILURE));
    tcase_add_test(tests, a_limit_of_1_ends_the_loop_by_its_first_failure);
    tcase_add_test(tests, a_first_save_that_fails_says_that_nothing_is_saved);
    tcase_add_test(tests, a_save_that_succeeds_between_failures_makes_them_none_in_a_row);
    tcase_add_loop_test(tests, what_is_tried_again_between_two_saves_that_are_due_is_no_failure_more, 0, 2);
    tcase_add_test(tests, a_try_that_succeeds_between_makes_failures_none_in_a_row);
    tcase_add_test(tests, by_default_no_number_of_failures_ends_the_loop);
    tcase_add_test(tests, the_hooks_of_epochs_tell_it_as_well);
    tcase_add_test(tests, a_failure_in_flight_counts_when_it_is_known_and_not_if_the_next_save_is_durable);
    tcase_add_test(tests, a_failure_in_flight_that_a_hook_returns_ends_the_loop);
    tcase_add_loop_test(
        tests, a_failure_in_flight_that_the_program_has_heard_of_ends_the_loop_unless_the_next_try_succeeds, 0, 2);
}

static void add_steps(Suite *suite)
{
    TCase *tests = new_case(suite, "steps");

    tcase_add_test(tests, steps_are_numbered_by_progress_step_and_resume_there);
    tcase_add_test(tests, several_steps_at_once_are_told_by_the_last);
    tcase_add_test(tests, a_step_that_is_not_due_is_refused_and_the_due_one_named);
    tcase_add_test(tests, steps_that_nothing_would_save_are_refused_and_told_what_to_set);
    tcase_add_loop_test(tests, steps_that_are_saved_by_time_need_no_number, 0, 2);
    tcase_add_test(tests, steps_that_nothing_saves_on_purpose_are_taken);
    tcase_add_test(tests, after_a_step_the_hooks_of_epochs_are_refused);
    tcase_add_test(tests, where_there_are_epochs_a_step_is_refused);
    tcase_add_test(tests, a_hook_that_saves_nothing_brings_the_view_up_to_date_after_a_second);
    tcase_add_loop_test(tests, a_loop_without_epochs_ends_for_every_reason, H5CKPT_FINISHED, H5CKPT_NAN_STOP + 1);
    tcase_add_loop_test(tests, a_resume_of_a_loop_without_epochs_can_be_checked, 0, 2);
}

static void add_options(Suite *suite)
{
    TCase *tests = new_case(suite, "options");

    tcase_add_test(tests, by_default_nothing_is_saved_by_time_and_nothing_limited);
    tcase_add_loop_test(tests, times_and_shares_that_make_no_sense_are_refused_and_leave_no_trace, 0,
                        COUNT(BAD_OPTIONS));
}

int main(void)
{
    Suite *suite = suite_create("when");

    add_time(suite);
    add_share(suite);
    add_failures(suite);
    add_limit(suite);
    add_steps(suite);
    add_options(suite);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
