/* SPDX-License-Identifier: MIT */
/* Becoming the writer while other processes do, and where a call fails on the way. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format.h"
#include "storage/system.h"
#include "support/assert_h5ckpt.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/suite.h"

enum { AT_PHASE = 12, CALLS_MAX = 100 };

static struct standard standard;
static struct system_calls calls;

/* What is done before lock number `at` is taken, and with which errno that then fails. */
static struct {
    unsigned at;
    void (*before)(void);
    int error;
    unsigned seen;
} on_lock;

static int others; /* descriptor of another process' */

static int lock_disturbed(int descriptor, int command, struct flock *range)
{
    if (command != F_OFD_SETLK || on_lock.seen++ != on_lock.at)
        return system_kernel.lock(descriptor, command, range);
    if (on_lock.before != NULL)
        on_lock.before();
    errno = on_lock.error;
    return on_lock.error != 0 ? -1 : system_kernel.lock(descriptor, command, range);
}

static void disturb_lock(unsigned at, void (*before)(void), int error)
{
    on_lock.at = at;
    on_lock.before = before;
    on_lock.error = error;
    on_lock.seen = 0;
    calls = *system_calls;
    calls.lock = lock_disturbed;
    system_calls = &calls;
}

static void setup(void)
{
    others = -1;
    fixture_setup();
    faults_clear();
    standard_make(&standard);
}

static void teardown(void)
{
    if (others >= 0)
        close(others);
    faults_clear();
    standard_free(&standard);
    fixture_teardown();
}

static h5ckpt_store *try_open(h5ckpt_status expected)
{
    h5ckpt_store *store;

    assert_status_message(h5ckpt_open(&store, fixture_backup, standard.state, NULL), expected, h5ckpt_message(store));
    return store;
}

static void save_and_close(h5ckpt_store *store)
{
    assert_status_message(standard_save(store, &standard, 7), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 7);
}

/* As another process does. */
static void lock_as_another(const char *name)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    others = open(in_backup(name), O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(others, 0);
    ck_assert_int_eq(fcntl(others, F_OFD_SETLK, &whole), 0);
}

/* ------------------------------------------------------------------- other openers */

static void delete_all(void)
{
    static const char *const NAME[] = {"slot-a.h5", "slot-b.h5", "checkpoint.h5", "lock"};

    for (unsigned i = 0; i < sizeof NAME / sizeof *NAME; i++)
        file_remove(in_backup(NAME[i]));
}

START_TEST(a_checkpoint_that_is_deleted_while_its_lock_is_waited_for_is_begun_anew)
{
    standard_history(2, 1, 3);
    disturb_lock(0, delete_all, 0);
    h5ckpt_store *store = try_open(H5CKPT_OK);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_NO_CHECKPOINT);
    ck_assert(file_exists(in_backup("lock")));
    save_and_close(store);
}
END_TEST

START_TEST(a_writer_whose_note_cannot_be_read_is_a_writer_all_the_same)
{
    h5ckpt_store *store = try_open(H5CKPT_OK);

    assert_status(standard_save(store, &standard, 1), H5CKPT_OK);
    faults_set((struct faults){.calls = FAULT_READ, .name = "lock", .count = FAULTS_FOR_EVER, .error = EIO});
    h5ckpt_store *second = try_open(H5CKPT_E_BUSY);
    ck_assert(faults_hit());
    assert_mentions(h5ckpt_message(second), "has a writer already; nothing was changed");
    faults_clear();
    h5ckpt_close(second);
    save_and_close(store);
}
END_TEST

START_TEST(a_lock_that_another_process_makes_meanwhile_is_taken_when_that_has_gone)
{
    faults_set((struct faults){.calls = FAULT_LINK, .name = "lock", .count = 1, .error = EEXIST});
    h5ckpt_store *store = try_open(H5CKPT_OK);
    ck_assert(faults_hit());
    faults_clear();
    ck_assert(!file_exists(in_backup("lock.new")));
    save_and_close(store);
}
END_TEST

static int look_on_another_device(int directory, const char *name, struct stat *status)
{
    const int result = system_kernel.status_at(directory, name, status);

    status->st_dev += strcmp(name, "lock") == 0;
    return result;
}

START_TEST(a_lock_of_another_file_system_is_not_the_one_that_is_held)
{
    standard_history(2, 1, 3);
    h5ckpt_store *store = try_open(H5CKPT_OK);

    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    snapshot_before();
    calls = *system_calls;
    calls.status_at = look_on_another_device;
    system_calls = &calls;
    assert_status(standard_save(store, &standard, 4), H5CKPT_E_BUSY);
    assert_unchanged();
    h5ckpt_close(store);
}
END_TEST

/* --------------------------------------------------------------- a lock with two names */

static char linked[2 * PATH_BYTES];

static void link_lock(void)
{
    snprintf(linked, sizeof linked, "%s-copy-of-the-lock", fixture_backup);
    ck_assert_int_eq(link(in_backup("lock"), linked), 0);
}

static void assert_linked_is(const unsigned char held[FORMAT_LOCK_BYTES])
{
    unsigned char holds[FORMAT_LOCK_BYTES];

    file_read_bytes(linked, holds, sizeof holds, 0);
    ck_assert_mem_eq(holds, held, sizeof holds);
}

/* _i: the lock is sound, or damaged and about to be repaired */
START_TEST(a_lock_that_cannot_be_detached_from_its_other_name_is_not_written)
{
    unsigned char held[FORMAT_LOCK_BYTES];
    long call = 0;

    standard_history(2, 1, 3);
    if (_i == 1)
        file_flip_bit(in_backup("lock"), 100);
    link_lock();
    file_read_bytes(linked, held, sizeof held, 0);
    for (bool hit = true; hit; call++) {
        ck_assert_int_lt(call, CALLS_MAX);
        file_replace(in_backup("lock.new"), "", 0); /* a leftover, which is in the way */
        faults_set((struct faults){.calls = FAULT_REMOVE | FAULT_CREATE | FAULT_WRITE | FAULT_RENAME,
                                   .name = "lock",
                                   .first = call,
                                   .count = 1,
                                   .error = EIO});
        h5ckpt_store *store;
        const h5ckpt_status status = h5ckpt_open(&store, fixture_backup, standard.state, NULL);
        hit = faults_hit();
        faults_clear();
        assert_status_message(status, hit ? H5CKPT_E_IO : H5CKPT_OK, h5ckpt_message(store));
        h5ckpt_close(store);
        ck_assert(call == 0 || !file_exists(in_backup("lock.new")));
        assert_linked_is(held);
        if (hit && file_inode(linked) != file_inode(in_backup("lock"))) { /* it was detached before the failure */
            file_remove(in_backup("lock"));
            ck_assert_int_eq(link(linked, in_backup("lock")), 0);
        }
    }
    ck_assert_int_gt(call, 4);
    assert_restores(H5CKPT_OK, 3);
    file_remove(linked);
}
END_TEST

static void lock_new_as_another(void)
{
    lock_as_another("lock.new");
}

START_TEST(a_new_lock_that_another_process_holds_is_made_once_more)
{
    unsigned char held[FORMAT_LOCK_BYTES];

    standard_history(2, 1, 3);
    link_lock();
    file_read_bytes(linked, held, sizeof held, 0);
    disturb_lock(1, lock_new_as_another, 0);
    h5ckpt_store *store = try_open(H5CKPT_OK);
    ck_assert_int_ge(others, 0);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    save_and_close(store);
    assert_linked_is(held);
    file_remove(linked);
}
END_TEST

START_TEST(where_a_new_lock_cannot_be_locked_the_one_with_two_names_stays)
{
    standard_history(2, 1, 3);
    link_lock();
    disturb_lock(1, NULL, EIO);
    h5ckpt_close(try_open(H5CKPT_E_IO));
    faults_clear();
    ck_assert(!file_exists(in_backup("lock.new")));
    ck_assert_uint_eq(file_inode(linked), file_inode(in_backup("lock")));
    assert_restores(H5CKPT_OK, 3);
    file_remove(linked);
}
END_TEST

/* ------------------------------------------------------------------- a lock.new */

static void leave_new_lock(size_t byte_count)
{
    static const unsigned char ZEROS[2 * FORMAT_LOCK_BYTES];

    ck_assert_int_eq(mkdir(fixture_backup, 0700), 0);
    file_replace(in_backup("lock.new"), ZEROS, byte_count);
}

static void remove_new_lock(void *context)
{
    (void)context;
    file_remove(in_backup("lock.new"));
}

START_TEST(a_new_lock_that_another_process_clears_away_is_no_obstacle)
{
    leave_new_lock(10);
    faults_set(
        (struct faults){.calls = FAULT_OPEN, .name = "lock.new", .first = 1, .count = 1, .before = remove_new_lock});
    h5ckpt_store *store = try_open(H5CKPT_OK);
    ck_assert(faults_hit());
    faults_clear();
    save_and_close(store);
}
END_TEST

static void begin_as_another(void)
{
    file_remove(in_backup("lock.new"));
    file_replace(in_backup("lock.new"), "", 0);
    lock_as_another("lock.new");
}

START_TEST(a_new_lock_that_another_process_puts_in_a_leftovers_place_is_not_removed)
{
    leave_new_lock(10);
    disturb_lock(0, begin_as_another, 0);
    h5ckpt_store *store = try_open(H5CKPT_E_BUSY);
    assert_mentions(h5ckpt_message(store), "becoming the writer");
    h5ckpt_close(store);
    ck_assert(file_exists(in_backup("lock.new")));
    ck_assert(!file_exists(in_backup("lock")));
}
END_TEST

START_TEST(a_new_lock_of_zeros_that_is_too_long_is_a_strangers)
{
    leave_new_lock(FORMAT_LOCK_BYTES + 1);
    snapshot_before();
    h5ckpt_store *store = try_open(H5CKPT_E_FOREIGN);
    assert_mentions(h5ckpt_message(store), "lock.new");
    h5ckpt_close(store);
    assert_unchanged();
}
END_TEST

static int look_at_no_new_lock(int directory, const char *name, struct stat *status)
{
    errno = EIO;
    return on_lock.seen != 0 && strcmp(name, "lock.new") == 0 ? -1 : system_kernel.status_at(directory, name, status);
}

START_TEST(a_lock_that_can_be_neither_taken_nor_looked_at_fails_for_the_first_reason)
{
    disturb_lock(0, NULL, ENOLCK);
    calls.status_at = look_at_no_new_lock;
    h5ckpt_store *store = try_open(H5CKPT_E_SYSTEM);
    assert_mentions(h5ckpt_message(store), strerror(ENOLCK));
    h5ckpt_close(store);
    faults_clear();
    save_and_close(try_open(H5CKPT_OK));
}
END_TEST

/* ------------------------------------------------------------------- what an open asks for */

static unsigned random_left;

static int give_few_random_bytes(void *bytes, size_t byte_count)
{
    return random_left-- == 0 ? -1 : system_kernel.random_bytes(bytes, byte_count);
}

/* _i: which of the two ids: the run's, the directory's */
START_TEST(without_random_bytes_no_directory_is_begun)
{
    random_left = (unsigned)_i;
    calls = *system_calls;
    calls.random_bytes = give_few_random_bytes;
    system_calls = &calls;
    h5ckpt_store *store = try_open(H5CKPT_E_SYSTEM);
    assert_mentions(h5ckpt_message(store), "random");
    h5ckpt_close(store);
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

static int read_no_names(int directory, void (*take)(void *context, const char *name), void *context)
{
    (void)directory, (void)take, (void)context;
    errno = EIO;
    return -1;
}

START_TEST(where_milestones_cannot_be_looked_for_no_directory_is_begun)
{
    calls = *system_calls;
    calls.read_names = read_no_names;
    system_calls = &calls;
    h5ckpt_close(try_open(H5CKPT_E_IO));
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

static void cut_lock(void *context)
{
    (void)context;
    file_cut(in_backup("lock"), 100);
}

START_TEST(a_reader_opens_although_the_lock_becomes_shorter_while_it_is_read)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *reader;

    standard_history(2, 1, 3);
    options.mode = H5CKPT_READ_ONLY;
    faults_set((struct faults){.calls = FAULT_READ, .name = "lock", .count = 1, .before = cut_lock});
    assert_status(h5ckpt_open(&reader, fixture_backup, standard.state, &options), H5CKPT_OK);
    ck_assert(faults_hit());
    faults_clear();
    assert_status(h5ckpt_restore(reader, NULL, NULL), H5CKPT_OK);
    ck_assert(standard_is(&standard, 3));
    h5ckpt_close(reader);
}
END_TEST

/* As one that saves notes it, since before the machine was restarted. */
static void note_save(const char *run_id)
{
    enum { AT_ACTIVITY = 512, AT_BOOT_ID = 536, AT_RUN_ID = 624, SAVING = 1 };

    file_write_bytes(in_backup("lock"), &(const uint32_t){SAVING}, 4, AT_ACTIVITY);
    file_write_bytes(in_backup("lock"), "another boot", 12, AT_BOOT_ID);
    file_write_bytes(in_backup("lock"), run_id, strlen(run_id), AT_RUN_ID);
    file_seal_sector(in_backup("lock"), AT_ACTIVITY);
}

static void note_save_of_another(void *context)
{
    (void)context;
    note_save("another run");
}

/* Where locks do not work. */
START_TEST(a_writer_that_notes_a_save_while_the_directory_is_opened_is_not_disturbed)
{
    static unsigned char note[512];

    standard_history(2, 1, 3);
    note_save("one run");
    faults_set((struct faults){.calls = FAULT_READ, .name = "slot-", .count = 1, .before = note_save_of_another});
    h5ckpt_store *store = try_open(H5CKPT_E_BUSY);
    ck_assert(faults_hit());
    h5ckpt_close(store);
    faults_clear();
    file_read_bytes(in_backup("lock"), note, sizeof note, 512);
    ck_assert_mem_eq(note + 112, "another run", 11);
}
END_TEST

/* As after a power cut before the lock said so. */
static void forget_first_save(void)
{
    file_write_bytes(in_backup("lock"), &(unsigned char){0}, 1, AT_PHASE);
    file_seal_sector(in_backup("lock"), 0);
}

START_TEST(a_first_save_whose_bytes_cannot_be_read_for_the_moment_is_not_taken_for_none)
{
    long call = 0;
    bool failed = false;

    standard_history(2, 1, 1);
    for (bool hit = true; hit; call++) {
        ck_assert_int_lt(call, CALLS_MAX);
        forget_first_save();
        faults_set((struct faults){.calls = FAULT_OPEN, .name = "slot-", .first = call, .count = 1, .error = EMFILE});
        h5ckpt_store *store;
        const h5ckpt_status status = h5ckpt_open(&store, fixture_backup, standard.state, NULL);
        hit = faults_hit();
        faults_clear();
        ck_assert(status == H5CKPT_OK || (hit && status == H5CKPT_E_SYSTEM));
        failed |= status < 0;
        h5ckpt_close(store);
        assert_restores(H5CKPT_OK, 1);
    }
    ck_assert(failed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lock");
    TCase *tcase = tcase_create("lock");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_checkpoint_that_is_deleted_while_its_lock_is_waited_for_is_begun_anew);
    tcase_add_test(tcase, a_writer_whose_note_cannot_be_read_is_a_writer_all_the_same);
    tcase_add_test(tcase, a_lock_that_another_process_makes_meanwhile_is_taken_when_that_has_gone);
    tcase_add_test(tcase, a_lock_of_another_file_system_is_not_the_one_that_is_held);
    tcase_add_loop_test(tcase, a_lock_that_cannot_be_detached_from_its_other_name_is_not_written, 0, 2);
    tcase_add_test(tcase, a_new_lock_that_another_process_holds_is_made_once_more);
    tcase_add_test(tcase, where_a_new_lock_cannot_be_locked_the_one_with_two_names_stays);
    tcase_add_test(tcase, a_new_lock_that_another_process_clears_away_is_no_obstacle);
    tcase_add_test(tcase, a_new_lock_that_another_process_puts_in_a_leftovers_place_is_not_removed);
    tcase_add_test(tcase, a_new_lock_of_zeros_that_is_too_long_is_a_strangers);
    tcase_add_test(tcase, a_lock_that_can_be_neither_taken_nor_looked_at_fails_for_the_first_reason);
    tcase_add_loop_test(tcase, without_random_bytes_no_directory_is_begun, 0, 2);
    tcase_add_test(tcase, where_milestones_cannot_be_looked_for_no_directory_is_begun);
    tcase_add_test(tcase, a_reader_opens_although_the_lock_becomes_shorter_while_it_is_read);
    tcase_add_test(tcase, a_writer_that_notes_a_save_while_the_directory_is_opened_is_not_disturbed);
    tcase_add_test(tcase, a_first_save_whose_bytes_cannot_be_read_for_the_moment_is_not_taken_for_none);
    suite_add_tcase(suite, tcase);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
