/* SPDX-License-Identifier: MIT */
/*
 * test_no_locks: where locks do not work. A file system that says so is refused. One that gives a lock to whoever asks
 * lets two writers in, and then the note in the lock file, which carries the id of the run that wrote it, is all that
 * tells. What is left of the promises, as long as each sees what the other has written:
 *
 *   (1) A writer that finds the note of another run writes and removes nothing any more: H5CKPT_E_BUSY. So of two that
 *       are open the one that saves first goes on, and the other is told at its next call.
 *   (2) A save that another writer's save met on the way is not acknowledged.
 *   (3) Whatever is restored is one whole state of one run. Two saves at the same instant may tear the slot that both
 *       write, but not the base of both: what is given back then is older, and said to be (H5CKPT_FELL_BACK), here
 *       where two meet once. Where writers meet like that over and over all may be lost, and that is said, too
 *       (H5CKPT_E_LOST).
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>

#include "storage/system.h"
#include "support/assert_h5ckpt.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/suite.h"

enum { CALLS_MAX = 200, MET = 77, MODES = H5CKPT_SAVE_FORKED + 1 };

static struct standard first;  /* the one that was there before … */
static struct standard second; /* … and the other */

/* ------------------------------------------------------------------------- locks */

static int lock_error; /* 0: given to whoever asks */

static int lock_badly(int descriptor, int command, struct flock *range)
{
    (void)descriptor;
    errno = lock_error;
    if (command == F_OFD_GETLK)
        range->l_type = F_UNLCK;
    return lock_error == 0 ? 0 : -1;
}

/* On top of whatever faults there are. */
static void break_locks(void)
{
    static struct system_calls calls;

    calls = *system_calls;
    calls.lock = lock_badly;
    system_calls = &calls;
}

static void setup(void)
{
    fixture_setup();
    standard_make(&first);
    standard_make(&second);
    lock_error = 0;
    faults_clear();
    break_locks();
}

static void teardown(void)
{
    standard_free(&first);
    standard_free(&second);
    fixture_teardown();
}

static h5ckpt_store *open_mode(struct standard *standard, int mode)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.save_mode = (enum h5ckpt_save_mode)mode;
    return standard_open(standard, &options);
}

static h5ckpt_status save(h5ckpt_store *store, struct standard *standard, uint64_t number)
{
    const h5ckpt_status status = standard_save(store, standard, number);

    return status == H5CKPT_OK ? h5ckpt_wait(store) : status;
}

#define assert_save(store, standard, number) \
    assert_status_message(save(store, standard, number), H5CKPT_OK, h5ckpt_message(store))

static h5ckpt_store *restore_mode(struct standard *standard, int mode, uint64_t number)
{
    h5ckpt_store *store = open_mode(standard, mode);

    assert_status_message(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK, h5ckpt_message(store));
    ck_assert(standard_is(standard, number));
    return store;
}

/* ------------------------------------------------------------------ one after the other */

/* No call of its changes a byte. */
static void assert_is_told(h5ckpt_store *store, struct standard *standard)
{
    snapshot_before();
    assert_status(save(store, standard, 9), H5CKPT_E_BUSY);
    assert_mentions(h5ckpt_message(store), "locks do not work");
    assert_status(h5ckpt_keep(store, "best"), H5CKPT_E_BUSY);
    assert_status(h5ckpt_remove_milestone(store, "kept"), H5CKPT_E_BUSY);
    assert_status(h5ckpt_roll_back(store, "kept"), H5CKPT_E_BUSY);
    assert_status(h5ckpt_delete(store), H5CKPT_E_BUSY);
    assert_status(save(store, standard, 10), H5CKPT_E_BUSY);
    h5ckpt_close(store);
    assert_unchanged();
}

/* _i: save mode. It was there first, and the other has saved since. */
START_TEST(a_writer_that_finds_the_note_of_another_run_changes_nothing_any_more)
{
    h5ckpt_store *old = open_mode(&first, _i);

    assert_save(old, &first, 1);
    assert_status(h5ckpt_keep(old, "kept"), H5CKPT_OK);
    assert_save(old, &first, 2);
    h5ckpt_store *new = restore_mode(&second, _i, 2);
    assert_save(new, &second, 3);
    assert_is_told(old, &first);
    assert_save(new, &second, 4);
    assert_save(new, &second, 5);
    h5ckpt_close(new);
    assert_restores(H5CKPT_OK, 5);
    assert_restores_previous(H5CKPT_OK, 4);
}
END_TEST

/* _i: save mode. It came later, and the other has saved since. */
START_TEST(a_writer_that_was_saved_past_since_it_opened_changes_nothing)
{
    h5ckpt_store *old = open_mode(&first, _i);

    assert_save(old, &first, 1);
    assert_status(h5ckpt_keep(old, "kept"), H5CKPT_OK);
    assert_save(old, &first, 2);
    h5ckpt_store *new = restore_mode(&second, _i, 2);
    assert_save(old, &first, 3);
    assert_is_told(new, &second);
    assert_save(old, &first, 4);
    h5ckpt_close(old);
    assert_restores(H5CKPT_OK, 4);
}
END_TEST

/* Both found an empty directory. */
START_TEST(of_two_writers_of_a_new_directory_the_one_that_saves_first_goes_on)
{
    h5ckpt_store *old = open_mode(&first, _i);
    h5ckpt_store *new = open_mode(&second, _i);

    assert_save(new, &second, 1);
    snapshot_before();
    assert_status(h5ckpt_reserve(old), H5CKPT_E_BUSY);
    assert_status(save(old, &first, 1), H5CKPT_E_BUSY);
    h5ckpt_close(old);
    assert_unchanged();
    assert_save(new, &second, 2);
    h5ckpt_close(new);
    assert_restores(H5CKPT_OK, 2);
}
END_TEST

START_TEST(a_writer_that_was_told_may_open_the_directory_again)
{
    h5ckpt_store *old = open_mode(&first, _i);

    assert_save(old, &first, 1);
    h5ckpt_store *new = restore_mode(&second, _i, 1);
    assert_save(new, &second, 2);
    h5ckpt_close(new);
    assert_status(save(old, &first, 2), H5CKPT_E_BUSY);
    h5ckpt_close(old);
    old = restore_mode(&first, _i, 2);
    assert_save(old, &first, 3);
    h5ckpt_close(old);
    assert_restores(H5CKPT_OK, 3);
}
END_TEST

/* ------------------------------------------------------------------- at the same instant */

static uint64_t met_number; /* that the other saved; 0: it could not … */
static bool met_mine;       /* … upon the state that is being saved */

/* Another run, which opens, restores and saves. `context` is the number of the state that is being saved. */
static void another_saves(void *context)
{
    const uint64_t *number = context;
    h5ckpt_store *store = NULL;

    standard_spoil(&second);
    h5ckpt_status status = h5ckpt_open(&store, fixture_backup, second.state, NULL);
    if (status == H5CKPT_OK)
        status = h5ckpt_restore(store, NULL, NULL);
    met_mine = status >= 0 && standard_is(&second, *number);
    if (status >= 0)
        status = standard_save(store, &second, MET);
    met_number = status == H5CKPT_OK ? MET : 0;
    h5ckpt_close(store);
}

/* A save of state `number` before whose call number `call` another run saves. False: there is no such call. */
static bool save_and_meet(h5ckpt_store *store, uint64_t number, long call, h5ckpt_status *status)
{
    faults_set((struct faults){.calls = FAULT_WRITE | FAULT_FLUSH | FAULT_RENAME,
                               .first = call,
                               .count = 1,
                               .before = another_saves,
                               .context = &number});
    break_locks();
    *status = standard_save(store, &first, number);
    const bool met = faults_hit();
    faults_clear();
    break_locks();
    return met;
}

/*
 * What the next life finds: one whole state, of this save, of the other run's, or (where that is said) the one before.
 */
static void assert_one_of(uint64_t mine, bool acknowledged, uint64_t older, long call)
{
    h5ckpt_store *reader = standard_open_reader(&second);

    standard_spoil(&second);
    const h5ckpt_status status = h5ckpt_restore(reader, NULL, NULL);
    const bool is_mine = standard_is(&second, mine);
    const bool is_other = met_number != 0 && standard_is(&second, met_number);
    const bool is_older = older != 0 && standard_is(&second, older);
    ck_assert_msg(status == H5CKPT_OK || status == H5CKPT_FELL_BACK || (status == H5CKPT_NO_CHECKPOINT && older == 0),
                  "call %ld: %s: %s", call, h5ckpt_status_name(status), h5ckpt_message(reader));
    ck_assert_msg(status == H5CKPT_NO_CHECKPOINT || is_mine || is_other || is_older, "call %ld: a mixture", call);
    const bool met = met_number != 0;
    ck_assert_msg(!acknowledged || !met || met_mine, "call %ld: both saves were acknowledged", call);
    ck_assert_msg(!met || is_other || status == H5CKPT_FELL_BACK, "call %ld: a state is lost, and nobody says so",
                  call);
    ck_assert_msg(!acknowledged || is_mine || met, "call %ld: an acknowledged state is lost", call);
    h5ckpt_close(reader);
}

/* _i: states saved before. */
START_TEST(of_two_saves_that_meet_one_is_not_acknowledged_and_what_is_lost_is_said)
{
    for (long call = 0;; call++) {
        h5ckpt_status status;
        fixture_clear_backup();
        met_number = 0;
        met_mine = false;
        h5ckpt_store *store = open_mode(&first, H5CKPT_SAVE_SYNCHRONOUS);
        for (uint64_t number = 1; number <= (uint64_t)_i; number++)
            assert_save(store, &first, number);
        const bool met = save_and_meet(store, (uint64_t)_i + 1, call, &status);
        h5ckpt_close(store);
        if (!met) {
            printf("after %d states another run saved before each of %ld calls\n", _i, call);
            break;
        }
        ck_assert_int_lt(call, CALLS_MAX);
        assert_one_of((uint64_t)_i + 1, status == H5CKPT_OK, (uint64_t)_i, call);
    }
}
END_TEST

/* ------------------------------------------------------------------------- no locks at all */

static const int NO_LOCKS[] = {ENOLCK, ENOSYS, EOPNOTSUPP, EINVAL};

START_TEST(a_file_system_that_has_no_locks_is_refused_and_left_as_it_was)
{
    h5ckpt_store *store;

    lock_error = NO_LOCKS[_i];
    assert_status(h5ckpt_open(&store, fixture_backup, first.state, NULL), H5CKPT_E_SYSTEM);
    assert_mentions(h5ckpt_message(store), "cannot lock");
    h5ckpt_close(store);
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

START_TEST(a_checkpoint_where_locks_no_longer_work_is_reported_and_unchanged)
{
    struct h5ckpt_options reader = h5ckpt_options_default();
    h5ckpt_store *store;

    standard_history(2, 1, 3);
    snapshot_before();
    lock_error = NO_LOCKS[_i];
    assert_status(h5ckpt_open(&store, fixture_backup, first.state, NULL), H5CKPT_E_SYSTEM);
    h5ckpt_close(store);
    reader.mode = H5CKPT_READ_ONLY;
    assert_status(h5ckpt_open(&store, fixture_backup, first.state, &reader), H5CKPT_E_SYSTEM);
    h5ckpt_close(store);
    assert_unchanged();
    lock_error = 0;
    assert_restores(H5CKPT_OK, 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("no locks");
    TCase *tcase = tcase_create("no locks");
    const int errors = sizeof NO_LOCKS / sizeof NO_LOCKS[0];

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_writer_that_finds_the_note_of_another_run_changes_nothing_any_more, 0, MODES);
    tcase_add_loop_test(tcase, a_writer_that_was_saved_past_since_it_opened_changes_nothing, 0, MODES);
    tcase_add_loop_test(tcase, of_two_writers_of_a_new_directory_the_one_that_saves_first_goes_on, 0, MODES);
    tcase_add_loop_test(tcase, a_writer_that_was_told_may_open_the_directory_again, 0, MODES);
    tcase_add_loop_test(tcase, of_two_saves_that_meet_one_is_not_acknowledged_and_what_is_lost_is_said, 0, 5);
    tcase_add_loop_test(tcase, a_file_system_that_has_no_locks_is_refused_and_left_as_it_was, 0, errors);
    tcase_add_loop_test(tcase, a_checkpoint_where_locks_no_longer_work_is_reported_and_unchanged, 0, errors);
    suite_add_tcase(suite, tcase);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
