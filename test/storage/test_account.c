/* SPDX-License-Identifier: MIT */
/*
 * What saving costs, as a reader beside the writer is told. The clock is the test's: it moves on when a slot is
 * flushed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "storage/system.h"
#include "support/assert_h5ckpt.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/gate.h"
#include "support/suite.h"

/* As in test_background.c. */
#if defined(__SANITIZE_THREAD__)
#define FORKED_RUNS 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FORKED_RUNS 0
#endif
#endif
#ifndef FORKED_RUNS
#define FORKED_RUNS 1
#endif

#define SECOND INT64_C(1000000000)

enum { MODE_COUNT = 4, FLUSH_SECONDS = 3, NOTE_OFFSET = 512 };

static const enum h5ckpt_save_mode MODE[MODE_COUNT] = {H5CKPT_SAVE_SYNCHRONOUS, H5CKPT_SAVE_STAGED, H5CKPT_SAVE_FENCED,
                                                       H5CKPT_SAVE_FORKED};

static struct standard standard;
static struct standard reader_standard;
static _Atomic int64_t clock_ns;
static struct system_calls clocked;
static int (*flush_data)(int descriptor);

static int64_t read_clock(void)
{
    return clock_ns;
}

static int flush_slowly(int descriptor)
{
    clock_ns += FLUSH_SECONDS * SECOND;
    return flush_data(descriptor);
}

static void setup(void)
{
    gate_setup();
    fixture_setup();
    standard_make(&standard);
    standard_make(&reader_standard);
    clocked = *system_calls;
    flush_data = clocked.flush_data;
    clocked.flush_data = flush_slowly;
    clocked.monotonic_time_ns = read_clock;
    system_calls = &clocked;
    clock_ns = 1000 * SECOND;
}

static void teardown(void)
{
    standard_free(&standard);
    standard_free(&reader_standard);
    fixture_teardown();
    gate_teardown();
}

static struct h5ckpt_account account(void)
{
    h5ckpt_store *reader = standard_open_reader(&reader_standard);
    struct h5ckpt_report report;

    ck_assert_int_ge(h5ckpt_inspect(reader, NULL, &report), 0);
    h5ckpt_close(reader);
    return report.account;
}

static h5ckpt_store *open_mode(enum h5ckpt_save_mode mode)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.save_mode = mode;
    return standard_open(&standard, &options);
}

static void assert_account(uint64_t sequence, double save_seconds, double stall_seconds, double open_seconds)
{
    const struct h5ckpt_account found = account();

    ck_assert_uint_eq(found.sequence, sequence);
    ck_assert_double_eq(found.save_seconds, save_seconds);
    ck_assert_double_eq(found.stall_seconds, stall_seconds);
    ck_assert_double_eq(found.open_seconds, open_seconds);
}

/* ------------------------------------------------------------------------- facts */

START_TEST(before_the_first_save_nothing_is_known)
{
    h5ckpt_store *store = standard_open(&standard, NULL);
    const struct h5ckpt_account found = account();

    ck_assert_uint_eq(found.sequence, 0);
    ck_assert_double_eq(found.save_seconds, 0);
    h5ckpt_close(store);
}
END_TEST

/* What the save took by the clock. */
static double timed_save(h5ckpt_store *store, uint64_t number)
{
    const int64_t begun_ns = clock_ns;

    assert_status(standard_save(store, &standard, number), H5CKPT_OK);
    return (double)(clock_ns - begun_ns) / (double)SECOND;
}

START_TEST(a_save_tells_what_it_took_and_all_have_cost)
{
    const int64_t opened_ns = clock_ns;
    h5ckpt_store *store = standard_open(&standard, NULL);
    double stall_seconds = 0;
    double save_seconds = 0;

    for (uint64_t number = 1; number <= 4; number++) {
        clock_ns += 10 * SECOND; /* the program's own */
        save_seconds = timed_save(store, number);
        stall_seconds += save_seconds;
        assert_account(number, save_seconds, stall_seconds, (double)(clock_ns - opened_ns) / (double)SECOND);
    }
    ck_assert_double_eq(save_seconds, FLUSH_SECONDS);
    h5ckpt_close(store);
}
END_TEST

/* In the background only what was known when the save began counts as held up. */
START_TEST(a_save_in_the_background_does_not_count_as_held_up)
{
    const enum h5ckpt_save_mode mode = MODE[_i];

    if (mode == H5CKPT_SAVE_FORKED && !FORKED_RUNS)
        return;
    standard_history(2, 1, 2); /* the slots are there */
    h5ckpt_store *store = open_mode(mode);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    assert_status(standard_save(store, &standard, 3), H5CKPT_OK);
    assert_status(h5ckpt_wait(store), H5CKPT_OK);
    const struct h5ckpt_account found = account();
    ck_assert_uint_eq(found.sequence, 3);
    ck_assert_double_ge(found.save_seconds, FLUSH_SECONDS);
    if (mode == H5CKPT_SAVE_SYNCHRONOUS)
        ck_assert_double_eq(found.stall_seconds, found.save_seconds);
    else
        ck_assert_double_eq(found.stall_seconds, 0);
    h5ckpt_close(store);
}
END_TEST

START_TEST(bytes_that_were_not_written_do_not_count)
{
    const enum h5ckpt_save_mode mode = MODE[_i];

    if (mode == H5CKPT_SAVE_FORKED && !FORKED_RUNS)
        return;
    h5ckpt_store *store = open_mode(mode);
    for (uint64_t number = 1; number <= 2; number++) { /* every byte of both slots */
        assert_status(standard_save(store, &standard, number), H5CKPT_OK);
        assert_status(h5ckpt_wait(store), H5CKPT_OK);
        ck_assert_uint_eq(account().bytes_written,
                          file_bytes(in_backup(slot_of_epoch(standard_progress(number).epoch))));
    }
    gate_forget();
    assert_status(standard_save(store, &standard, 1), H5CKPT_OK); /* what that slot holds already */
    assert_status(h5ckpt_wait(store), H5CKPT_OK);
    const uint64_t written = gate_written_bytes("slot-");
    ck_assert_uint_lt(account().bytes_written, file_bytes(in_backup("slot-a.h5")));
    ck_assert_uint_ge(account().bytes_written, written);
    ck_assert_uint_le(account().bytes_written, written + FORMAT_BLOCK_BYTES); /* the last block is shorter */
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_small_state_is_written_whole)
{
    static double number;
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    h5ckpt_add(state, "number", H5CKPT_FLOAT64, 0, NULL, &number);
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    ck_assert_uint_eq(account().bytes_written, file_bytes(in_backup("slot-a.h5")));
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

static struct h5ckpt_account seen;

static void look(void *context)
{
    (void)context;
    seen = account();
}

START_TEST(while_the_next_save_is_in_progress_the_last_one_is_told)
{
    standard_history(2, 1, 2);
    const struct h5ckpt_account before = account();
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    faults_set((struct faults){.calls = FAULT_WRITE, .name = "slot-", .count = 1, .before = look});
    assert_status(standard_save(store, &standard, 3), H5CKPT_OK);
    ck_assert(faults_hit());
    faults_clear();
    ck_assert_uint_eq(seen.sequence, 2);
    ck_assert_mem_eq(&seen, &before, sizeof seen);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_save_that_failed_leaves_the_account_of_the_one_before)
{
    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    faults_set((struct faults){.calls = FAULT_FLUSH, .name = "slot-", .count = FAULTS_FOR_EVER, .error = EIO});
    ck_assert_int_lt(standard_save(store, &standard, 3), 0);
    faults_clear();
    ck_assert_uint_eq(account().sequence, 2);
    h5ckpt_close(store);
}
END_TEST

START_TEST(it_outlives_the_writer)
{
    standard_history(2, 1, 2);
    const struct h5ckpt_account found = account();
    ck_assert_uint_eq(found.sequence, 2);
    ck_assert_double_gt(found.save_seconds, 0);
    ck_assert_double_ge(found.open_seconds, found.stall_seconds);
}
END_TEST

START_TEST(a_note_that_cannot_be_believed_tells_nothing)
{
    standard_history(2, 1, 2);
    file_flip_bit(in_backup("lock"), 8 * (NOTE_OFFSET + 80));
    ck_assert_uint_eq(account().sequence, 0);
}
END_TEST

START_TEST(a_note_without_an_account_tells_nothing)
{
    static const char nothing[40];

    standard_history(2, 1, 2);
    file_write_bytes(in_backup("lock"), nothing, sizeof nothing, NOTE_OFFSET + 72);
    file_seal_sector(in_backup("lock"), NOTE_OFFSET);
    ck_assert_uint_eq(account().sequence, 0);
    assert_restores(H5CKPT_OK, 2);
}
END_TEST

static Suite *account_suite(void)
{
    Suite *suite = suite_create("account");
    TCase *facts = tcase_create("facts");

    tcase_set_timeout(facts, 60);
    tcase_add_checked_fixture(facts, setup, teardown);
    tcase_add_test(facts, before_the_first_save_nothing_is_known);
    tcase_add_test(facts, a_save_tells_what_it_took_and_all_have_cost);
    tcase_add_loop_test(facts, a_save_in_the_background_does_not_count_as_held_up, 0, MODE_COUNT);
    tcase_add_loop_test(facts, bytes_that_were_not_written_do_not_count, 0, MODE_COUNT);
    tcase_add_test(facts, a_small_state_is_written_whole);
    tcase_add_test(facts, while_the_next_save_is_in_progress_the_last_one_is_told);
    tcase_add_test(facts, a_save_that_failed_leaves_the_account_of_the_one_before);
    tcase_add_test(facts, it_outlives_the_writer);
    tcase_add_test(facts, a_note_that_cannot_be_believed_tells_nothing);
    tcase_add_test(facts, a_note_without_an_account_tells_nothing);
    suite_add_tcase(suite, facts);
    return suite;
}

int main(void)
{
    fixture_begin();
    const int status = suite_run(account_suite());
    fixture_end();
    return status;
}
