/* SPDX-License-Identifier: MIT */
/*
 * h5ckpt_roll_back(): a milestone becomes the newest state, whatever is left of the slots, and whatever fails
 * meanwhile.
 */
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

#define BEST "milestone-best.h5"

static struct standard standard;

static void setup(void)
{
    fixture_setup();
    faults_clear();
    standard_make(&standard);
}

static void teardown(void)
{
    faults_clear();
    standard_free(&standard);
    fixture_teardown();
}

static void save(h5ckpt_store *store, uint64_t number)
{
    assert_status_message(standard_save(store, &standard, number), H5CKPT_OK, h5ckpt_message(store));
}

static h5ckpt_store *open_and_restore(unsigned slots)
{
    h5ckpt_store *store = standard_open_slots(&standard, slots);

    ck_assert_msg(h5ckpt_restore(store, NULL, NULL) >= 0, "%s", h5ckpt_message(store));
    return store;
}

/* States 1 to 6, of which 2 is a milestone. */
static void make_history(unsigned slots)
{
    h5ckpt_store *store = open_and_restore(slots);

    for (uint64_t number = 1; number <= 6; number++) {
        save(store, number);
        if (number == 2)
            assert_status_message(h5ckpt_keep(store, "best"), H5CKPT_OK, h5ckpt_message(store));
    }
    h5ckpt_close(store);
}

static void roll_back(h5ckpt_store *store)
{
    assert_status_message(h5ckpt_roll_back(store, "best"), H5CKPT_OK, h5ckpt_message(store));
}

static void count(void *context, const struct h5ckpt_milestone *milestone)
{
    unsigned *intact = context;

    *intact += milestone->state == H5CKPT_SLOT_INTACT;
}

static unsigned intact_milestones(void)
{
    h5ckpt_store *reader = standard_open_reader(&standard);
    unsigned intact = 0;

    assert_status(h5ckpt_list_milestones(reader, H5CKPT_DEVICE, count, &intact), H5CKPT_OK);
    h5ckpt_close(reader);
    return intact;
}

/* _i: slots */
START_TEST(the_milestone_is_what_the_next_restore_gives_and_the_milestone_stays)
{
    make_history((unsigned)_i);
    h5ckpt_store *store = standard_open_slots(&standard, (unsigned)_i);

    roll_back(store);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 2);
    ck_assert_uint_eq(intact_milestones(), 1);
    ck_assert_uint_eq(intact_count(), _i < 2 ? 2 : (unsigned)_i); /* with that which was newest */
}
END_TEST

/* _i: does the same handle go on? */
START_TEST(with_one_slot_the_state_that_was_newest_stays_until_the_next_is_durable)
{
    make_history(1);
    h5ckpt_store *store = open_and_restore(1);

    roll_back(store);
    ck_assert_uint_eq(file_exists(in_backup("slot-a.h5")) + file_exists(in_backup("slot-b.h5")), 2);
    (void)slot_of_epoch(6);
    if (_i == 0) {
        h5ckpt_close(store);
        store = standard_open_slots(&standard, 1);
    }
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    ck_assert(standard_is(&standard, 2));
    save(store, 3);
    ck_assert_uint_eq(file_exists(in_backup("slot-a.h5")) + file_exists(in_backup("slot-b.h5")), 1);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 3);
    ck_assert_uint_eq(intact_milestones(), 1);
}
END_TEST

START_TEST(the_same_handle_goes_on_from_it_after_a_restore)
{
    make_history(2);
    h5ckpt_store *store = open_and_restore(2);

    roll_back(store);
    ck_assert(standard_is(&standard, 6)); /* memory is untouched */
    assert_status(standard_save(store, &standard, 9), H5CKPT_E_NOT_RESTORED);
    standard_spoil(&standard);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    ck_assert(standard_is(&standard, 2));
    for (uint64_t number = 3; number <= 7; number++)
        save(store, number);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 7);
    assert_restores_previous(H5CKPT_OK, 6);
}
END_TEST

START_TEST(the_state_that_was_newest_is_spared_and_on_a_branch_that_was_left)
{
    struct h5ckpt_report report;

    make_history(2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    roll_back(store);
    assert_status(h5ckpt_inspect(store, NULL, &report), H5CKPT_OK);
    ck_assert_uint_eq(report.sequence, 7);
    ck_assert_uint_eq(report.progress.epoch, 2);
    const struct h5ckpt_slot_report *other = &report.slot[1 - report.restored];
    ck_assert_uint_eq(other->progress.epoch, 6);
    ck_assert_int_eq(other->role, H5CKPT_ROLE_ABANDONED);
    /* It can be had back; but the newest state does not come from it, and that is said. */
    assert_status(h5ckpt_restore(store, &(struct h5ckpt_restore_options){.which = H5CKPT_PREVIOUS}, NULL),
                  H5CKPT_FELL_BACK);
    ck_assert(standard_is(&standard, 6));
    assert_mentions(h5ckpt_message(store), "on a branch that the program had rolled back from");
    h5ckpt_close(store);
}
END_TEST

START_TEST(after_it_the_rolled_back_state_can_be_kept)
{
    make_history(2);
    h5ckpt_store *store = standard_open(&standard, NULL);

    roll_back(store);
    assert_status(h5ckpt_keep(store, "again"), H5CKPT_OK);
    h5ckpt_close(store);
    ck_assert_uint_eq(intact_milestones(), 2);
}
END_TEST

START_TEST(it_can_be_done_again_and_again)
{
    make_history(2);
    for (unsigned round = 0; round < 3; round++) {
        h5ckpt_store *store = standard_open(&standard, NULL);
        roll_back(store);
        roll_back(store);
        h5ckpt_close(store);
        assert_restores(H5CKPT_OK, 2);
        standard_history(2, 10 + round, 11 + round);
        assert_restores(H5CKPT_OK, 11 + round);
    }
}
END_TEST

/* ------------------------------------------------------------------ nothing else left */

START_TEST(where_all_slots_are_lost_the_message_names_the_milestone_and_it_helps)
{
    make_history(2);
    if (_i == 0) {
        file_remove(in_backup("slot-a.h5"));
        file_remove(in_backup("slot-b.h5"));
    } else {
        file_flip_bit(in_backup("slot-a.h5"), 8 * 20000);
        file_flip_bit(in_backup("slot-b.h5"), 8 * 20000);
    }
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_LOST);
    assert_mentions(h5ckpt_message(store), "h5ckpt_roll_back() or `h5ckpt roll-back': 'best' (sequence 2, epoch 2");
    assert_status(standard_save(store, &standard, 9), H5CKPT_E_NOT_RESTORED);
    roll_back(store);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    ck_assert(standard_is(&standard, 2));
    save(store, 8);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 8);
    ck_assert_uint_eq(intact_count(), 2);
}
END_TEST

/* "m1" … "m10", of which the newest but one is damaged. */
START_TEST(of_many_milestones_the_newest_whole_ones_are_named_and_the_others_counted)
{
    enum { KEPT = 10 };
    h5ckpt_store *store = open_and_restore(2);
    char name[16];

    for (int i = 1; i <= KEPT; i++) {
        save(store, (uint64_t)i);
        snprintf(name, sizeof name, "m%d", i);
        assert_status_message(h5ckpt_keep(store, name), H5CKPT_OK, h5ckpt_message(store));
    }
    h5ckpt_close(store);
    file_flip_bit(in_backup("milestone-m9.h5"), 8 * 20); /* its record */
    file_remove(in_backup("slot-a.h5"));
    file_remove(in_backup("slot-b.h5"));
    store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_LOST);
    assert_mentions(h5ckpt_message(store), ": 'm10' (sequence 10, epoch 10");
    assert_mentions(h5ckpt_message(store), ", 'm8' (sequence 8, epoch 8");
    assert_mentions(h5ckpt_message(store), ", 'm2' (sequence 2, epoch 2");
    assert_mentions(h5ckpt_message(store), " and 1 more");
    ck_assert_ptr_null(strstr(h5ckpt_message(store), "'m9'"));
    ck_assert_ptr_null(strstr(h5ckpt_message(store), "'m1'"));
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_reader_is_told_of_the_milestones_too)
{
    make_history(2);
    file_remove(in_backup("slot-a.h5"));
    file_remove(in_backup("slot-b.h5"));
    h5ckpt_store *reader = standard_open_reader(&standard);
    assert_status(h5ckpt_restore(reader, NULL, NULL), H5CKPT_E_LOST);
    assert_mentions(h5ckpt_message(reader), "'best' (sequence 2, epoch 2");
    h5ckpt_close(reader);
}
END_TEST

START_TEST(after_a_deletion_a_milestone_begins_a_checkpoint_again)
{
    make_history(2);
    h5ckpt_store *store = open_and_restore(2);
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    h5ckpt_close(store);
    store = open_and_restore(2);
    roll_back(store);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 2);
    standard_history(2, 3, 5);
    assert_restores_previous(H5CKPT_OK, 4);
}
END_TEST

/* ---------------------------------------------------------------------- damage, faults */

START_TEST(a_damaged_milestone_is_named_by_variable_and_nothing_is_rolled_back)
{
    char before[SNAPSHOT_BYTES];
    char after[SNAPSHOT_BYTES];

    make_history(2);
    file_flip_bit(in_backup(BEST), 8 * 20000);
    h5ckpt_store *store = open_and_restore(2);
    directory_snapshot(fixture_backup, before);
    assert_status(h5ckpt_roll_back(store, "best"), H5CKPT_E_DAMAGED);
    assert_mentions(h5ckpt_message(store), BEST);
    assert_mentions(h5ckpt_message(store), "with bytes of 'weights'");
    directory_snapshot(fixture_backup, after);
    ck_assert_str_eq(before, after);
    save(store, 7); /* the handle goes on */
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 7);
}
END_TEST

/* In every eighth byte of record and table, from _i on, and in some of the blocks' bytes. */
START_TEST(no_flipped_bit_of_a_milestone_is_ever_rolled_back_to)
{
    make_history(2);
    const uint64_t size = file_bytes(in_backup(BEST));
    h5ckpt_store *store = open_and_restore(2);

    for (uint64_t byte = (uint64_t)_i; byte < size; byte += byte < 512 || byte + 4096 >= size ? 8 : 4099) {
        const uint64_t bit = byte * 8 + byte % 8;
        file_flip_bit(in_backup(BEST), bit);
        const h5ckpt_status status = h5ckpt_roll_back(store, "best");
        if (byte < 512 || byte >= 4096)
            ck_assert_msg(status < 0, "bit %ju", (uintmax_t)bit);
        file_flip_bit(in_backup(BEST), bit);
        ck_assert_msg(h5ckpt_restore(store, NULL, NULL) == H5CKPT_OK, "%s", h5ckpt_message(store));
        ck_assert(standard_is(&standard, status < 0 ? 6 : 2));
        if (status == H5CKPT_OK)
            save(store, 6);
    }
    h5ckpt_close(store);
}
END_TEST

/* _i: the call that fails. What a restore gives is the state before or the milestone's, and the handle can go on. */
static void roll_back_with_a_fault(int error, long first)
{
    make_history(2);
    h5ckpt_store *store = open_and_restore(2);

    faults_set((struct faults){.calls = FAULT_OPEN | FAULT_READ | FAULT_WRITE | FAULT_ALLOCATE | FAULT_FLUSH |
                                        FAULT_RENAME | FAULT_REMOVE | FAULT_LINK,
                               .first = first,
                               .count = 1,
                               .error = error});
    const h5ckpt_status status = h5ckpt_roll_back(store, "best");
    faults_clear();
    ck_assert(!file_exists(in_backup("slot-a.h5.new")) && !file_exists(in_backup("slot-b.h5.new")));
    ck_assert_uint_ge(intact_count(), 2);
    ck_assert_uint_eq(intact_milestones(), 1);
    const h5ckpt_status saved = standard_save(store, &standard, 7);
    ck_assert(saved == H5CKPT_OK || saved == H5CKPT_E_NOT_RESTORED);
    ck_assert(status < 0 || saved == H5CKPT_E_NOT_RESTORED);
    standard_spoil(&standard);
    assert_status_message(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK, h5ckpt_message(store));
    if (status == H5CKPT_OK)
        ck_assert(standard_is(&standard, 2));
    else if (saved == H5CKPT_OK)
        ck_assert(standard_is(&standard, 7));
    else
        ck_assert(standard_is(&standard, 2) || standard_is(&standard, 6));
    save(store, 8);
    save(store, 9);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 9);
    assert_restores_previous(H5CKPT_OK, 8);
}

START_TEST(a_failing_call_leaves_the_state_before_or_the_milestones)
{
    roll_back_with_a_fault(EIO, _i);
}
END_TEST

START_TEST(a_full_disk_leaves_the_state_before_or_the_milestones)
{
    roll_back_with_a_fault(ENOSPC, _i);
}
END_TEST

static void take_over(void *context)
{
    (void)context;
    file_replace(in_backup("lock"), "another writer's", 16);
}

START_TEST(after_the_copy_the_directory_must_still_be_ours)
{
    make_history(2);
    h5ckpt_store *store = open_and_restore(2);

    faults_set((struct faults){.calls = FAULT_FLUSH, .name = "slot-a.h5.new", .count = 1, .before = take_over});
    assert_status(h5ckpt_roll_back(store, "best"), H5CKPT_E_BUSY);
    ck_assert(faults_hit());
    faults_clear();
    h5ckpt_close(store);
    file_remove(in_backup("lock"));
    file_remove(in_backup("slot-a.h5.new"));
    assert_restores(H5CKPT_OK, 6);
    assert_restores_previous(H5CKPT_OK, 5);
}
END_TEST

static void remove_new(void *context)
{
    (void)context;
    unlink(in_backup("slot-a.h5.new"));
}

START_TEST(a_new_file_that_vanishes_is_a_failure)
{
    make_history(2);
    h5ckpt_store *store = open_and_restore(2);

    faults_set(
        (struct faults){.calls = FAULT_OPEN, .name = "slot-a.h5.new", .count = FAULTS_FOR_EVER, .before = remove_new});
    assert_status(h5ckpt_roll_back(store, "best"), H5CKPT_E_DAMAGED);
    assert_mentions(h5ckpt_message(store), "has vanished");
    faults_clear();
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 6);
}
END_TEST

static void kill_here(void *context)
{
    (void)context;
    _exit(7);
}

/* _i: the call at which the process is killed */
START_TEST(killed_anywhere_the_state_before_or_the_milestones_is_restored)
{
    make_history(2);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        h5ckpt_store *store = standard_open(&standard, NULL);
        faults_set((struct faults){.calls = FAULT_WRITE | FAULT_ALLOCATE | FAULT_FLUSH | FAULT_RENAME | FAULT_REMOVE,
                                   .first = _i,
                                   .count = 1,
                                   .before = kill_here});
        _exit(h5ckpt_roll_back(store, "best") == H5CKPT_OK ? 0 : 1);
    }
    int wait_status;
    ck_assert_int_eq(waitpid(child, &wait_status, 0), child);
    ck_assert(WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 1);
    h5ckpt_store *store = open_and_restore(2);
    ck_assert(standard_is(&standard, 2) || (WEXITSTATUS(wait_status) == 7 && standard_is(&standard, 6)));
    save(store, 8);
    save(store, 9);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 9);
    ck_assert_uint_eq(intact_milestones(), 1);
}
END_TEST

START_TEST(a_foreign_slot_forbids_it)
{
    make_history(2);
    file_remove(in_backup("slot-a.h5"));
    h5ckpt_store *store = standard_open(&standard, NULL);
    file_flip_bit(in_backup("slot-b.h5"), 8 * 80); /* of the directory's id */
    file_seal_sector(in_backup("slot-b.h5"), 0);
    assert_status(h5ckpt_roll_back(store, "best"), H5CKPT_E_FOREIGN);
    h5ckpt_close(store);
    ck_assert(!file_exists(in_backup("slot-a.h5")));
}
END_TEST

START_TEST(a_child_process_rolls_nothing_back_with_its_parents_store)
{
    char before[SNAPSHOT_BYTES];
    char after[SNAPSHOT_BYTES];
    int status;

    make_history(2);
    h5ckpt_store *store = open_and_restore(2);
    directory_snapshot(fixture_backup, before);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(h5ckpt_roll_back(store, "best") == H5CKPT_E_ARGUMENT ? 0 : 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    directory_snapshot(fixture_backup, after);
    ck_assert_str_eq(before, after);
    h5ckpt_close(store);
}
END_TEST

START_TEST(of_what_is_no_milestone_nothing_is_rolled_back)
{
    char before[SNAPSHOT_BYTES];
    char after[SNAPSHOT_BYTES];

    make_history(2);
    h5ckpt_store *store = open_and_restore(2);
    directory_snapshot(fixture_backup, before);
    assert_status(h5ckpt_roll_back(store, "worst"), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), "there is no milestone 'worst'");
    directory_snapshot(fixture_backup, after);
    ck_assert_str_eq(before, after);
    save(store, 7);
    h5ckpt_close(store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("roll-back");
    TCase *tcase = tcase_create("roll-back");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, the_milestone_is_what_the_next_restore_gives_and_the_milestone_stays, 1, 4);
    tcase_add_loop_test(tcase, with_one_slot_the_state_that_was_newest_stays_until_the_next_is_durable, 0, 2);
    tcase_add_test(tcase, the_same_handle_goes_on_from_it_after_a_restore);
    tcase_add_test(tcase, the_state_that_was_newest_is_spared_and_on_a_branch_that_was_left);
    tcase_add_test(tcase, after_it_the_rolled_back_state_can_be_kept);
    tcase_add_test(tcase, it_can_be_done_again_and_again);
    tcase_add_loop_test(tcase, where_all_slots_are_lost_the_message_names_the_milestone_and_it_helps, 0, 2);
    tcase_add_test(tcase, of_many_milestones_the_newest_whole_ones_are_named_and_the_others_counted);
    tcase_add_test(tcase, a_reader_is_told_of_the_milestones_too);
    tcase_add_test(tcase, after_a_deletion_a_milestone_begins_a_checkpoint_again);
    tcase_add_test(tcase, a_damaged_milestone_is_named_by_variable_and_nothing_is_rolled_back);
    tcase_add_loop_test(tcase, no_flipped_bit_of_a_milestone_is_ever_rolled_back_to, 0, 8);
    tcase_add_loop_test(tcase, a_failing_call_leaves_the_state_before_or_the_milestones, 0, 40);
    tcase_add_loop_test(tcase, a_full_disk_leaves_the_state_before_or_the_milestones, 0, 40);
    tcase_add_test(tcase, after_the_copy_the_directory_must_still_be_ours);
    tcase_add_test(tcase, a_new_file_that_vanishes_is_a_failure);
    tcase_add_loop_test(tcase, killed_anywhere_the_state_before_or_the_milestones_is_restored, 0, 24);
    tcase_add_test(tcase, a_foreign_slot_forbids_it);
    tcase_add_test(tcase, a_child_process_rolls_nothing_back_with_its_parents_store);
    tcase_add_test(tcase, of_what_is_no_milestone_nothing_is_rolled_back);
    suite_add_tcase(suite, tcase);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
