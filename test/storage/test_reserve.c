/* SPDX-License-Identifier: MIT */
/* h5ckpt_reserve(): slots made beforehand are used by the first saves, and leave nothing behind if there are none. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/assert_h5ckpt.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/suite.h"

static const char *const SLOT_NAME[] = {"slot-a.h5", "slot-b.h5", "slot-c.h5"};
static struct standard standard;

static void setup(void)
{
    fixture_setup();
    faults_clear();
    standard_make(&standard);
}

static void teardown(void)
{
    standard_free(&standard);
    faults_clear();
    fixture_teardown();
}

/* _i: slots */
START_TEST(the_first_saves_go_into_the_reserved_slots)
{
    h5ckpt_store *store = standard_open_slots(&standard, (unsigned)_i);
    ino_t made[3];

    assert_status(h5ckpt_reserve(store), H5CKPT_OK);
    for (int i = 0; i < _i; i++) {
        made[i] = file_inode(in_backup(SLOT_NAME[i]));
        ck_assert_uint_ge(file_disk_bytes(in_backup(SLOT_NAME[i])), file_bytes(in_backup(SLOT_NAME[i])));
    }
    for (uint64_t number = 1; number <= (uint64_t)_i; number++)
        assert_status(standard_save(store, &standard, number), H5CKPT_OK);
    for (int i = 0; i < _i; i++)
        ck_assert_uint_eq(file_inode(in_backup(SLOT_NAME[i])), made[i]);
    ck_assert_uint_eq(intact_count(), (unsigned)_i);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, (uint64_t)_i);
}
END_TEST

START_TEST(reserved_slots_are_no_checkpoint)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_status(h5ckpt_reserve(store), H5CKPT_OK);
    h5ckpt_store *reader = standard_open_reader(&standard);
    assert_status(h5ckpt_restore(reader, NULL, NULL), H5CKPT_NO_CHECKPOINT);
    h5ckpt_close(reader);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_NO_CHECKPOINT);
    h5ckpt_close(store);
}
END_TEST

START_TEST(nothing_is_left_of_them_where_nothing_was_saved)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_status(h5ckpt_reserve(store), H5CKPT_OK);
    h5ckpt_close(store);
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

START_TEST(nothing_is_left_of_them_where_the_first_saves_were_given_up)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.save_mode = H5CKPT_SAVE_FENCED;
    h5ckpt_store *store = standard_open(&standard, &options);
    assert_status(h5ckpt_reserve(store), H5CKPT_OK);
    assert_status(standard_save(store, &standard, 1), H5CKPT_OK); /* and no fence */
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_ARGUMENT);
    h5ckpt_close(store);
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

/*
 * A person has to look after such a directory: it is not to be filled up. _i: the state is of another directory; of
 * this very one, as its id says.
 */
START_TEST(what_was_put_in_a_reserved_slots_place_is_not_removed)
{
    enum { AT_DIRECTORY_ID = 80, ID_BYTES = 16 };
    static unsigned char slot[1 << 20];
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_status(standard_save(store, &standard, 1), H5CKPT_OK);
    h5ckpt_close(store);
    const uint64_t byte_count = file_bytes(in_backup("slot-a.h5"));
    ck_assert_uint_le(byte_count, sizeof slot);
    file_read_bytes(in_backup("slot-a.h5"), slot, byte_count, 0);
    fixture_clear_backup();

    store = standard_open(&standard, NULL);
    assert_status(h5ckpt_reserve(store), H5CKPT_OK);
    if (_i == 1)
        file_read_bytes(in_backup("slot-b.h5"), slot + AT_DIRECTORY_ID, ID_BYTES, AT_DIRECTORY_ID);
    file_replace(in_backup("slot-b.h5"), slot, byte_count);
    file_seal_sector(in_backup("slot-b.h5"), 0);
    h5ckpt_close(store);
    ck_assert(file_exists(in_backup("slot-b.h5")));
    ck_assert_uint_eq(file_bytes(in_backup("slot-b.h5")), byte_count);
    ck_assert(!file_exists(in_backup("slot-a.h5")));
}
END_TEST

/*
 * Whatever fails from some call on. The directory was not flushed since the slot got its name. _i: it is made once more
 * when that is asked for.
 */
START_TEST(a_reserved_slot_that_could_not_be_given_back_takes_no_state)
{
    unsigned left = 0;

    for (long call = 0;; call++) {
        h5ckpt_store *store = standard_open(&standard, NULL);
        faults_set((struct faults){.calls = FAULT_ALLOCATE | FAULT_WRITE | FAULT_RENAME | FAULT_REMOVE,
                                   .name = "slot-",
                                   .first = call,
                                   .count = FAULTS_FOR_EVER,
                                   .error = EIO});
        const h5ckpt_status status = h5ckpt_reserve(store);
        faults_clear();
        const bool stayed = status < 0 && file_exists(in_backup("slot-a.h5"));
        const ino_t reserved = stayed ? file_inode(in_backup("slot-a.h5")) : 0;
        if (_i == 1) {
            assert_status_message(h5ckpt_reserve(store), H5CKPT_OK, h5ckpt_message(store));
            ck_assert(file_exists(in_backup("slot-a.h5")) && file_exists(in_backup("slot-b.h5")));
        }
        assert_status_message(standard_save(store, &standard, 1), H5CKPT_OK, h5ckpt_message(store));
        ck_assert(file_exists(in_backup("slot-b.h5")));
        ck_assert(!stayed || file_inode(in_backup("slot-a.h5")) != reserved);
        left += stayed;
        h5ckpt_close(store);
        assert_restores(H5CKPT_OK, 1);
        fixture_clear_backup();
        if (status == H5CKPT_OK)
            break;
    }
    ck_assert_uint_gt(left, 0);
}
END_TEST

/* The names were to be flushed together: which of them are on the device, nobody knows. */
START_TEST(a_slot_reserved_by_a_first_save_whose_names_were_not_flushed_takes_no_state)
{
    unsigned tried = 0;

    for (long flush = 0;; flush++) {
        h5ckpt_store *store = standard_open(&standard, NULL);
        faults_set((struct faults){.calls = FAULT_FLUSH, .first = flush, .count = 1, .error = EIO});
        const h5ckpt_status status = standard_save(store, &standard, 1);
        faults_clear();
        const bool stayed = status < 0 && file_exists(in_backup("slot-b.h5"));
        const ino_t reserved = stayed ? file_inode(in_backup("slot-b.h5")) : 0;
        for (uint64_t number = 2; number <= 3; number++)
            assert_status_message(standard_save(store, &standard, number), H5CKPT_OK, h5ckpt_message(store));
        ck_assert(!stayed || file_inode(in_backup("slot-b.h5")) != reserved);
        tried += stayed;
        h5ckpt_close(store);
        assert_restores(H5CKPT_OK, 3);
        fixture_clear_backup();
        if (status == H5CKPT_OK)
            break;
    }
    ck_assert_uint_gt(tried, 0);
}
END_TEST

START_TEST(where_states_were_lost_nothing_is_reserved)
{
    standard_history(2, 1, 2);
    ck_assert_int_eq(unlink(in_backup("slot-a.h5")), 0);
    ck_assert_int_eq(unlink(in_backup("slot-b.h5")), 0);
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_status(h5ckpt_reserve(store), H5CKPT_OK);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_LOST);
    h5ckpt_close(store);
    ck_assert(!file_exists(in_backup("slot-a.h5")));
    ck_assert(!file_exists(in_backup("slot-b.h5")));
}
END_TEST

/* A process opens the directory, perhaps reserves, and dies. */
static void open_and_die(bool reserves)
{
    const pid_t child = fork();
    int wait_status;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        h5ckpt_store *store = standard_open(&standard, NULL);
        _exit(!reserves || h5ckpt_reserve(store) == H5CKPT_OK ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &wait_status, 0), child);
    ck_assert_int_eq(wait_status, 0);
}

START_TEST(the_next_open_removes_those_of_a_process_that_died)
{
    open_and_die(true);
    ck_assert(file_exists(in_backup("slot-a.h5")));
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_NO_CHECKPOINT);
    ck_assert(!file_exists(in_backup("slot-a.h5")));
    assert_status(standard_save(store, &standard, 1), H5CKPT_OK);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 1);
}
END_TEST

static void assert_no_checkpoint(void)
{
    h5ckpt_store *reader = standard_open_reader(&standard);

    assert_status(h5ckpt_restore(reader, NULL, NULL), H5CKPT_NO_CHECKPOINT);
    h5ckpt_close(reader);
}

/* _i: the lock is damaged, or gone */
START_TEST(they_are_no_lost_checkpoint_whoever_makes_their_lock_anew_and_dies)
{
    open_and_die(true);
    if (_i == 0)
        file_flip_bit(in_backup("lock"), 8 * 30);
    else
        ck_assert_int_eq(unlink(in_backup("lock")), 0);
    assert_no_checkpoint();
    open_and_die(false);
    assert_no_checkpoint();
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(standard_save(store, &standard, 1), H5CKPT_OK);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 1);
}
END_TEST

START_TEST(where_a_save_was_acknowledged_they_are_what_is_left_of_a_lost_one)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_status(standard_save(store, &standard, 1), H5CKPT_OK);
    h5ckpt_close(store);
    ck_assert(file_exists(in_backup("slot-b.h5")));
    file_remove(in_backup("slot-a.h5"));
    file_flip_bit(in_backup("lock"), 8 * 30);
    for (int opened = 0; opened < 2; opened++) {
        h5ckpt_store *reader = standard_open_reader(&standard);
        assert_status(h5ckpt_restore(reader, NULL, NULL), H5CKPT_E_LOST);
        h5ckpt_close(reader);
        open_and_die(false);
    }
}
END_TEST

/* _i: the slot */
START_TEST(a_reserved_slot_is_flushed_before_it_gets_its_name)
{
    static const char *const NEW_NAME[] = {"slot-a.h5.new", "slot-b.h5.new"};
    h5ckpt_store *store = standard_open(&standard, NULL);

    faults_set((struct faults){.calls = FAULT_FLUSH, .name = NEW_NAME[_i], .count = FAULTS_FOR_EVER, .error = EIO});
    assert_status(h5ckpt_reserve(store), H5CKPT_E_IO);
    ck_assert(!file_exists(in_backup(SLOT_NAME[_i])));
    faults_clear();
    h5ckpt_close(store);
}
END_TEST

/* _i: the matching call that fails */
START_TEST(without_space_it_fails_and_leaves_nothing)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    faults_set((struct faults){.calls = FAULT_WRITE | FAULT_ALLOCATE | FAULT_FLUSH | FAULT_RENAME,
                               .name = "slot-",
                               .first = _i,
                               .count = 1,
                               .error = ENOSPC});
    const h5ckpt_status status = h5ckpt_reserve(store);
    if (faults_hit()) {
        assert_status(status, H5CKPT_E_NO_SPACE);
        ck_assert(!file_exists(in_backup("slot-a.h5")) && !file_exists(in_backup("slot-b.h5")));
        ck_assert(!file_exists(in_backup("slot-a.h5.new")) && !file_exists(in_backup("slot-b.h5.new")));
    } else {
        ck_assert_int_ge(_i, 8); /* four calls for each slot */
    }
    faults_clear();
    assert_status(standard_save(store, &standard, 1), H5CKPT_OK);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 1);
}
END_TEST

/* What the first save, in place, had written when the power was cut: the record, but not all of the blocks. */
static void tear_first_save(h5ckpt_store *store, const char *to)
{
    faults_set((struct faults){.calls = FAULT_FLUSH, .name = "slot-", .count = 1, .error = EIO});
    assert_status(standard_save(store, &standard, 1), H5CKPT_E_IO);
    faults_clear();
    directory_copy(fixture_backup, to);
    h5ckpt_close(store);
    ck_assert(!file_exists(fixture_backup));
    ck_assert_int_eq(rename(to, fixture_backup), 0);
    file_flip_bit(in_backup("slot-a.h5"), UINT64_C(8) * 70000);
}

/* _i: is it a reader that finds it? */
START_TEST(a_first_save_that_a_power_cut_has_torn_is_no_checkpoint_and_none_that_is_lost)
{
    char copy[PATH_BYTES];
    h5ckpt_store *store = standard_open(&standard, NULL);

    snprintf(copy, sizeof copy, "%.400s/copy", fixture_directory);
    assert_status(h5ckpt_reserve(store), H5CKPT_OK);
    tear_first_save(store, copy);
    store = _i == 0 ? standard_open(&standard, NULL) : standard_open_reader(&standard);
    assert_status_message(h5ckpt_restore(store, NULL, NULL), H5CKPT_NO_CHECKPOINT, h5ckpt_message(store));
    assert_mentions(h5ckpt_message(store), "there is no checkpoint");
    if (_i == 0)
        assert_status_message(standard_save(store, &standard, 2), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
    if (_i == 0)
        assert_restores(H5CKPT_OK, 2);
}
END_TEST

static void remove_file_being_made(void *context)
{
    (void)context;
    if (file_exists(in_backup("slot-a.h5.new")))
        file_remove(in_backup("slot-a.h5.new"));
}

START_TEST(a_file_that_vanishes_while_it_is_made_is_a_failure)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    faults_set((struct faults){.calls = FAULT_DIRECT, .name = "slot-a", .count = 1, .before = remove_file_being_made});
    const h5ckpt_status status = h5ckpt_reserve(store);
    ck_assert(faults_hit());
    faults_clear();
    assert_status(status, H5CKPT_E_BUSY);
    assert_mentions(h5ckpt_message(store), "has vanished");
    assert_status(h5ckpt_reserve(store), H5CKPT_OK);
    h5ckpt_close(store);
}
END_TEST

START_TEST(where_there_are_slots_it_does_nothing)
{
    static char before[SNAPSHOT_BYTES];
    static char after[SNAPSHOT_BYTES];

    standard_history(2, 1, 3);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    directory_snapshot(fixture_backup, before);
    assert_status(h5ckpt_reserve(store), H5CKPT_OK);
    directory_snapshot(fixture_backup, after);
    ck_assert_str_eq(before, after);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_store_that_only_reads_reserves_nothing)
{
    standard_history(2, 1, 1);
    h5ckpt_store *reader = standard_open_reader(&standard);
    assert_status(h5ckpt_reserve(reader), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_reserve(NULL), H5CKPT_E_ARGUMENT);
    h5ckpt_close(reader);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reserve");
    TCase *tcase = tcase_create("reserve");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, the_first_saves_go_into_the_reserved_slots, 2, 4);
    tcase_add_test(tcase, reserved_slots_are_no_checkpoint);
    tcase_add_loop_test(tcase, what_was_put_in_a_reserved_slots_place_is_not_removed, 0, 2);
    tcase_add_loop_test(tcase, a_reserved_slot_that_could_not_be_given_back_takes_no_state, 0, 2);
    tcase_add_test(tcase, a_slot_reserved_by_a_first_save_whose_names_were_not_flushed_takes_no_state);
    tcase_add_test(tcase, where_states_were_lost_nothing_is_reserved);
    tcase_add_test(tcase, nothing_is_left_of_them_where_the_first_saves_were_given_up);
    tcase_add_test(tcase, nothing_is_left_of_them_where_nothing_was_saved);
    tcase_add_test(tcase, the_next_open_removes_those_of_a_process_that_died);
    tcase_add_loop_test(tcase, they_are_no_lost_checkpoint_whoever_makes_their_lock_anew_and_dies, 0, 2);
    tcase_add_test(tcase, where_a_save_was_acknowledged_they_are_what_is_left_of_a_lost_one);
    tcase_add_loop_test(tcase, a_reserved_slot_is_flushed_before_it_gets_its_name, 0, 2);
    tcase_add_loop_test(tcase, without_space_it_fails_and_leaves_nothing, 0, 12);
    tcase_add_loop_test(tcase, a_first_save_that_a_power_cut_has_torn_is_no_checkpoint_and_none_that_is_lost, 0, 2);
    tcase_add_test(tcase, a_file_that_vanishes_while_it_is_made_is_a_failure);
    tcase_add_test(tcase, where_there_are_slots_it_does_nothing);
    tcase_add_test(tcase, a_store_that_only_reads_reserves_nothing);
    suite_add_tcase(suite, tcase);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
