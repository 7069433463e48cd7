/* SPDX-License-Identifier: MIT */
/*
 * Milestones: kept under a name, listed, removed; no save and no deletion touches them, and no stranger's file is
 * touched.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/system.h"
#include "support/assert_h5ckpt.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/suite.h"

#define BEST "milestone-best.h5"
#define NEW  "milestone.h5.new"

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

static h5ckpt_store *open_and_restore(unsigned slots)
{
    h5ckpt_store *store = standard_open_slots(&standard, slots);

    ck_assert_msg(h5ckpt_restore(store, NULL, NULL) >= 0, "%s", h5ckpt_message(store));
    return store;
}

static void save(h5ckpt_store *store, uint64_t number)
{
    assert_status_message(standard_save(store, &standard, number), H5CKPT_OK, h5ckpt_message(store));
}

static void keep(h5ckpt_store *store, const char *name)
{
    assert_status_message(h5ckpt_keep(store, name), H5CKPT_OK, h5ckpt_message(store));
}

/* ------------------------------------------------------------------------ listing */

struct listed {
    unsigned count;
    char text[1024]; /* "name state epoch;…" */
};

static void take(void *context, const struct h5ckpt_milestone *milestone)
{
    struct listed *listed = context;
    const size_t length = strlen(listed->text);

    listed->count++;
    snprintf(listed->text + length, sizeof listed->text - length, "%s %s %d;", milestone->name,
             h5ckpt_slot_state_name(milestone->state), (int)milestone->progress.epoch);
}

/* As the writer, or read-only beside it, finds them; every byte read. */
static struct listed list(h5ckpt_store *store)
{
    struct listed listed = {0};

    assert_status_message(h5ckpt_list_milestones(store, H5CKPT_ALL_BYTES, take, &listed), H5CKPT_OK,
                          h5ckpt_message(store));
    return listed;
}

static struct listed list_read_only(void)
{
    h5ckpt_store *reader = standard_open_reader(&standard);
    const struct listed listed = list(reader);

    h5ckpt_close(reader);
    return listed;
}

#define assert_milestones(expected) ck_assert_str_eq(list_read_only().text, (expected))

/* That the milestone is whole, and what it holds, is for a directory of its own to say, in which it is a slot. */
static void assert_holds(const char *name, uint64_t number)
{
    char other[PATH_BYTES];
    char path[2 * PATH_BYTES];
    h5ckpt_store *store;

    snprintf(other, sizeof other, "%s", fixture_backup);
    snprintf(other + strlen(other), sizeof other - strlen(other), "-%d", (int)number);
    ck_assert_int_eq(mkdir(other, 0700), 0);
    snprintf(path, sizeof path, "%s/slot-a.h5", other);
    ck_assert_int_eq(link(in_backup(name), path), 0);
    struct h5ckpt_options options = h5ckpt_options_default();
    options.mode = H5CKPT_READ_ONLY;
    assert_status(h5ckpt_open(&store, other, standard.state, &options), H5CKPT_OK);
    standard_spoil(&standard);
    ck_assert_msg(h5ckpt_restore(store, NULL, NULL) >= 0, "%s", h5ckpt_message(store));
    ck_assert(standard_is(&standard, number));
    h5ckpt_close(store);
    file_remove(path);
    ck_assert_int_eq(rmdir(other), 0);
}

/* ------------------------------------------------------------------------ keeping */

/* _i: slots */
START_TEST(a_milestone_outlives_the_saves_after_it)
{
    h5ckpt_store *store = open_and_restore((unsigned)_i);

    save(store, 1);
    keep(store, "best");
    for (uint64_t number = 2; number <= 6; number++) {
        save(store, number);
        ck_assert_uint_eq(intact_count(), number < (uint64_t)_i ? number : (unsigned)_i);
    }
    h5ckpt_close(store);
    assert_milestones("best intact 1;");
    assert_holds(BEST, 1);
    assert_restores(H5CKPT_OK, 6);
}
END_TEST

START_TEST(keeping_again_replaces_the_older_one)
{
    h5ckpt_store *store = open_and_restore(2);

    for (uint64_t number = 1; number <= 5; number++) {
        save(store, number);
        keep(store, "best");
        assert_holds(BEST, number);
    }
    h5ckpt_close(store);
    assert_milestones("best intact 5;");
    assert_restores(H5CKPT_OK, 5);
}
END_TEST

START_TEST(one_state_can_have_many_names_and_be_kept_twice)
{
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    keep(store, "a");
    keep(store, "a");
    ck_assert(!file_exists(in_backup(NEW))); /* rename(2) does nothing with two names of one file */
    keep(store, "b");
    save(store, 2);
    save(store, 3);
    keep(store, "Z_9.x-");
    h5ckpt_close(store);
    assert_milestones("a intact 1;b intact 1;Z_9.x- intact 3;");
}
END_TEST

START_TEST(keeping_writes_no_state_again_and_the_next_save_into_the_slot_makes_a_new_file)
{
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    save(store, 2);
    const ino_t kept = file_inode(in_backup(slot_of_epoch(2)));
    faults_set((struct faults){0});
    keep(store, "best");
    ck_assert_uint_eq(faults_written_bytes(""), 0);
    ck_assert_uint_eq(file_inode(in_backup(BEST)), kept);
    save(store, 3);
    save(store, 4);
    ck_assert_uint_ne(file_inode(in_backup(slot_of_epoch(4))), kept);
    const ino_t made = file_inode(in_backup(slot_of_epoch(4)));
    save(store, 5);
    save(store, 6);
    ck_assert_uint_eq(file_inode(in_backup(slot_of_epoch(6))), made); /* and then in place again */
    h5ckpt_close(store);
    assert_holds(BEST, 2);
}
END_TEST

START_TEST(a_restored_state_is_kept)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = open_and_restore(2);

    keep(store, "best");
    save(store, 5);
    save(store, 6);
    save(store, 7);
    h5ckpt_close(store);
    assert_milestones("best intact 4;");
}
END_TEST

/* Where the restored state cannot be told to be durable: no reads past the page cache. */
START_TEST(a_restored_state_that_may_not_be_durable_is_copied)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = open_and_restore(2);

    faults_set((struct faults){.calls = FAULT_DIRECT, .count = FAULTS_FOR_EVER, .error = EINVAL});
    keep(store, "best");
    ck_assert_uint_ne(file_inode(in_backup(BEST)), file_inode(in_backup(slot_of_epoch(4))));
    faults_clear();
    h5ckpt_close(store);
    assert_milestones("best intact 4;");
    assert_holds(BEST, 4);
}
END_TEST

/* A link to it under that name, of an earlier life, is not enough. */
START_TEST(a_restored_state_that_may_not_be_durable_is_copied_although_it_has_been_kept)
{
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    keep(store, "best");
    h5ckpt_close(store);
    ck_assert_uint_eq(file_inode(in_backup(BEST)), file_inode(in_backup(slot_of_epoch(1))));
    store = open_and_restore(2);
    faults_set((struct faults){.calls = FAULT_DIRECT, .count = FAULTS_FOR_EVER, .error = EINVAL});
    keep(store, "best");
    faults_clear();
    ck_assert_uint_ne(file_inode(in_backup(BEST)), file_inode(in_backup(slot_of_epoch(1))));
    h5ckpt_close(store);
    assert_holds(BEST, 1);
}
END_TEST

START_TEST(without_hard_links_the_state_is_copied)
{
    static const int REFUSED[] = {EPERM, EOPNOTSUPP, ENOSYS, EMLINK, EXDEV, EINVAL};
    h5ckpt_store *store = open_and_restore(2);

    faults_set((struct faults){.calls = FAULT_LINK, .count = FAULTS_FOR_EVER, .error = REFUSED[_i]});
    for (uint64_t number = 1; number <= 4; number++) {
        save(store, number);
        keep(store, "best");
        keep(store, "best");
        assert_holds(BEST, number);
    }
    ck_assert(faults_hit());
    ck_assert_uint_eq(file_permissions(in_backup(BEST)), 0600);
    h5ckpt_close(store);
    assert_milestones("best intact 4;");
}
END_TEST

START_TEST(a_copy_of_damaged_bytes_is_refused_and_the_older_milestone_stays)
{
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    keep(store, "best");
    save(store, 2);
    file_flip_bit(in_backup(slot_of_epoch(2)), 8 * 20000);
    faults_set((struct faults){.calls = FAULT_LINK, .count = FAULTS_FOR_EVER, .error = EPERM});
    assert_status(h5ckpt_keep(store, "best"), H5CKPT_E_DAMAGED);
    assert_mentions(h5ckpt_message(store), "'weights'");
    ck_assert(!file_exists(in_backup(NEW)));
    faults_clear();
    h5ckpt_close(store);
    assert_milestones("best intact 1;");
}
END_TEST

static void kill_here(void *context)
{
    (void)context;
    _exit(7);
}

/* _i: linked, copied; the record, a block. What is left when the next save is killed is the state before. */
START_TEST(a_base_found_damaged_is_told_so_and_the_next_save_spares_the_state_before)
{
    const bool copied = _i > 0;
    const pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        h5ckpt_store *store = standard_open_slots(&standard, 2);
        if (standard_save(store, &standard, 1) < 0 || standard_save(store, &standard, 2) < 0)
            _exit(1);
        file_flip_bit(in_backup(slot_of_epoch(2)), 8 * (_i < 2 ? 100 : 20000));
        if (copied)
            faults_set((struct faults){.calls = FAULT_LINK, .count = FAULTS_FOR_EVER, .error = EPERM});
        if (h5ckpt_keep(store, "best") != H5CKPT_E_DAMAGED || strstr(h5ckpt_message(store), "slot-") == NULL)
            _exit(2);
        faults_set((struct faults){.calls = FAULT_FLUSH, .name = "slot-", .count = 1, .before = kill_here});
        standard_save(store, &standard, 3);
        _exit(3);
    }
    int wait_status;
    ck_assert_int_eq(waitpid(child, &wait_status, 0), child);
    ck_assert(WIFEXITED(wait_status));
    ck_assert_int_eq(WEXITSTATUS(wait_status), 7);
    ck_assert(!file_exists(in_backup(BEST)));
    assert_restores(H5CKPT_FELL_BACK, 1);
}
END_TEST

START_TEST(after_a_damaged_base_saves_go_on_in_a_new_file)
{
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    save(store, 2);
    file_flip_bit(in_backup(slot_of_epoch(2)), 8 * 100);
    const ino_t before = file_inode(in_backup(slot_of_epoch(1)));
    assert_status(h5ckpt_keep(store, "best"), H5CKPT_E_DAMAGED);
    save(store, 3);
    ck_assert_uint_ne(file_inode(in_backup(slot_of_epoch(3))), before);
    keep(store, "best");
    save(store, 4);
    h5ckpt_close(store);
    assert_milestones("best intact 3;");
    assert_restores(H5CKPT_OK, 4);
    assert_restores_previous(H5CKPT_OK, 3);
}
END_TEST

static int refuse_link(int directory, const char *from, const char *to)
{
    (void)directory, (void)from, (void)to;
    errno = EPERM;
    return -1;
}

static void refuse_links(void)
{
    static struct system_calls calls;

    calls = *system_calls;
    calls.link_at = refuse_link;
    system_calls = &calls;
}

static void remove_new(void *context)
{
    (void)context;
    unlink(in_backup(NEW));
}

/* _i: linked, copied */
START_TEST(a_new_file_that_vanishes_is_a_failure_and_the_older_milestone_stays)
{
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    keep(store, "best");
    save(store, 2);
    save(store, 3);
    faults_set((struct faults){.calls = FAULT_OPEN, .name = NEW, .count = FAULTS_FOR_EVER, .before = remove_new});
    if (_i > 0)
        refuse_links();
    assert_status(h5ckpt_keep(store, "best"), H5CKPT_E_DAMAGED);
    assert_mentions(h5ckpt_message(store), "has vanished");
    faults_clear();
    save(store, 4);
    keep(store, "other");
    h5ckpt_close(store);
    assert_milestones("best intact 1;other intact 4;");
}
END_TEST

static void take_over(void *context)
{
    (void)context;
    file_replace(in_backup("lock"), "another writer's", 16);
}

START_TEST(after_a_copy_the_directory_must_still_be_ours)
{
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    keep(store, "best");
    save(store, 2);
    faults_set((struct faults){.calls = FAULT_FLUSH, .name = NEW, .count = 1, .before = take_over});
    refuse_links();
    assert_status(h5ckpt_keep(store, "best"), H5CKPT_E_BUSY);
    ck_assert(faults_hit());
    faults_clear();
    ck_assert(file_exists(in_backup(NEW))); /* it may be another writer's by now */
    assert_holds(BEST, 1);
    h5ckpt_close(store);
}
END_TEST

START_TEST(nothing_saved_or_restored_is_nothing_to_keep)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_status(h5ckpt_keep(store, "best"), H5CKPT_E_ARGUMENT);
    h5ckpt_close(store);
    standard_history(2, 1, 2);
    store = standard_open(&standard, NULL);
    assert_status(h5ckpt_keep(store, "best"), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), "neither saved nor restored");
    h5ckpt_close(store);
    assert_milestones("");
}
END_TEST

/* _i: save mode */
START_TEST(a_state_in_flight_is_waited_for)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.save_mode = (enum h5ckpt_save_mode)_i;
    h5ckpt_store *store = standard_open(&standard, &options);
    save(store, 1);
    keep(store, "best");
    save(store, 2);
    assert_status(h5ckpt_wait(store), H5CKPT_OK);
    h5ckpt_close(store);
    assert_milestones("best intact 1;");
}
END_TEST

START_TEST(where_the_state_in_flight_fails_none_is_kept_in_its_stead)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.save_mode = H5CKPT_SAVE_STAGED;
    h5ckpt_store *store = standard_open(&standard, &options);
    save(store, 1);
    assert_status(h5ckpt_wait(store), H5CKPT_OK);
    faults_set((struct faults){.calls = FAULT_FLUSH, .name = "slot-", .count = FAULTS_FOR_EVER, .error = EIO});
    save(store, 2);
    assert_status(h5ckpt_keep(store, "best"), H5CKPT_E_IO);
    faults_clear();
    h5ckpt_close(store);
    assert_milestones("");
}
END_TEST

/* _i: the matching call that fails */
START_TEST(a_failure_leaves_the_older_milestone_or_the_new_one)
{
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    save(store, 2);
    keep(store, "best");
    save(store, 3);
    faults_set(
        (struct faults){.calls = FAULT_OPEN | FAULT_READ | FAULT_FLUSH | FAULT_RENAME | FAULT_LINK | FAULT_REMOVE,
                        .first = _i,
                        .count = 1,
                        .error = EIO});
    const h5ckpt_status status = h5ckpt_keep(store, "best");
    const bool hit = faults_hit();
    faults_clear();
    ck_assert(!file_exists(in_backup(NEW)));
    if (status == H5CKPT_OK)
        assert_milestones("best intact 3;");
    else
        ck_assert(hit && strncmp(list_read_only().text, "best intact", 11) == 0);
    for (uint64_t number = 4; number <= 7; number++)
        save(store, number);
    assert_holds(BEST, strcmp(list_read_only().text, "best intact 3;") == 0 ? 3 : 2);
    keep(store, "best");
    h5ckpt_close(store);
    assert_milestones("best intact 7;");
    assert_restores(H5CKPT_OK, 7);
}
END_TEST

START_TEST(after_names_that_may_not_be_durable_no_slot_is_written_in_place)
{
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    save(store, 2);
    keep(store, "best");
    save(store, 3);
    const ino_t kept = file_inode(in_backup(BEST));
    faults_set((struct faults){.calls = FAULT_FLUSH, .count = 1, .error = EIO});
    assert_status(h5ckpt_remove_milestone(store, "best"), H5CKPT_E_IO);
    ck_assert(faults_hit());
    faults_clear();
    ck_assert_uint_eq(file_inode(in_backup(slot_of_epoch(2))), kept);
    save(store, 4); /* a power cut may bring the name back: its file must still be that of state 2 */
    ck_assert_uint_ne(file_inode(in_backup(slot_of_epoch(4))), kept);
    h5ckpt_close(store);
}
END_TEST

/* _i: the call of a copy that finds no space */
START_TEST(a_full_disk_fails_the_copy_and_leaves_nothing)
{
    h5ckpt_store *store = open_and_restore(2);
    char before[SNAPSHOT_BYTES];
    char after[SNAPSHOT_BYTES];

    save(store, 1);
    save(store, 2);
    keep(store, "best");
    save(store, 3);
    directory_snapshot(fixture_backup, before);
    faults_set((struct faults){.calls = FAULT_WRITE | FAULT_ALLOCATE | FAULT_CREATE,
                               .name = "milestone",
                               .first = _i,
                               .count = 1,
                               .error = ENOSPC});
    refuse_links();
    const h5ckpt_status status = h5ckpt_keep(store, "other");
    const bool hit = faults_hit();
    faults_clear();
    directory_snapshot(fixture_backup, after);
    ck_assert_int_eq(status, hit ? H5CKPT_E_NO_SPACE : H5CKPT_OK);
    ck_assert(hit ? strcmp(before, after) == 0 : file_exists(in_backup("milestone-other.h5")));
    save(store, 4);
    h5ckpt_close(store);
    assert_milestones(hit ? "best intact 2;" : "best intact 2;other intact 3;");
}
END_TEST

static int have_little_space(int descriptor, struct statvfs *volume)
{
    const int result = system_kernel.volume(descriptor, volume);

    volume->f_bavail = 1;
    return result;
}

/* The link would take no space, but the next save into the slot would find none. */
START_TEST(on_a_disk_that_is_full_already_nothing_is_kept_and_saves_go_on)
{
    static struct system_calls calls;
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    save(store, 2);
    calls = *system_calls;
    calls.volume = have_little_space;
    system_calls = &calls;
    assert_status(h5ckpt_keep(store, "best"), H5CKPT_E_NO_SPACE);
    assert_mentions(h5ckpt_message(store), "nothing was kept");
    faults_clear();
    save(store, 3);
    h5ckpt_close(store);
    assert_milestones("");
}
END_TEST

/* _i: the older milestone's file is its alone, has another name, or the new one must be copied */
START_TEST(on_a_full_disk_a_milestone_takes_the_space_of_the_one_that_it_replaces)
{
    static struct system_calls calls;
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    keep(store, "best");
    if (_i == 1)
        keep(store, "other");
    save(store, 2);
    save(store, 3);
    if (_i == 2)
        refuse_links();
    calls = *system_calls;
    calls.volume = have_little_space;
    system_calls = &calls;
    assert_status(h5ckpt_keep(store, "new"), H5CKPT_E_NO_SPACE);
    assert_status(h5ckpt_keep(store, "best"), _i == 0 ? H5CKPT_OK : H5CKPT_E_NO_SPACE);
    faults_clear();
    save(store, 4);
    save(store, 5);
    h5ckpt_close(store);
    assert_milestones(_i == 0 ? "best intact 3;" : _i == 1 ? "best intact 1;other intact 1;" : "best intact 1;");
}
END_TEST

START_TEST(the_space_that_a_milestone_will_take_is_told)
{
    struct h5ckpt_space space;
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    save(store, 2);
    assert_status(h5ckpt_space(store, &space), H5CKPT_OK);
    ck_assert_uint_eq(space.disk_bytes_needed, 0);
    keep(store, "best");
    assert_status(h5ckpt_space(store, &space), H5CKPT_OK);
    ck_assert_uint_eq(space.disk_bytes_needed, space.slot_bytes);
    save(store, 3);
    save(store, 4); /* takes it */
    assert_status(h5ckpt_space(store, &space), H5CKPT_OK);
    ck_assert_uint_eq(space.disk_bytes_needed, 0);
    keep(store, "best");
    assert_status(h5ckpt_remove_milestone(store, "best"), H5CKPT_OK);
    assert_status(h5ckpt_space(store, &space), H5CKPT_OK);
    ck_assert_uint_eq(space.disk_bytes_needed, 0);
    h5ckpt_close(store);
}
END_TEST

static void visit_variable(void *context, const struct h5ckpt_stored *stored)
{
    (void)context, (void)stored;
}

/* Milestones are listed, and then a slot is read in which a save is under way since the reader looked at it. */
static void read_slot_a(void *context)
{
    h5ckpt_store *reader = context;

    file_flip_bit(in_backup("slot-a.h5"), 8 * 100);
    (void)list(reader);
    assert_status(h5ckpt_list_variables(reader, 0, visit_variable, NULL), H5CKPT_E_OVERTAKEN);
}

START_TEST(a_list_beside_a_writer_does_not_make_its_save_look_like_damage)
{
    struct h5ckpt_report report;
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    save(store, 2);
    h5ckpt_store *reader = standard_open_reader(&standard);
    assert_status(h5ckpt_inspect(reader, NULL, &report), H5CKPT_OK);
    faults_set((struct faults){
        .calls = FAULT_WRITE, .name = "slot-a.h5", .count = 1, .before = read_slot_a, .context = reader});
    save(store, 3);
    ck_assert(faults_hit());
    faults_clear();
    h5ckpt_close(reader);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 3);
}
END_TEST

static h5ckpt_store *keep_two_and_open_reader(h5ckpt_store **writer)
{
    *writer = open_and_restore(2);
    save(*writer, 1);
    keep(*writer, "best");
    keep(*writer, "other");
    return standard_open_reader(&standard);
}

/* _i: depth */
START_TEST(a_milestone_that_cannot_be_read_for_now_ends_the_list_with_the_reason)
{
    h5ckpt_store *writer;
    h5ckpt_store *reader = keep_two_and_open_reader(&writer);
    struct listed listed;
    bool hit = true;

    for (long call = 0; hit; call++) {
        listed = (struct listed){0};
        faults_set((struct faults){
            .calls = FAULT_OPEN | FAULT_READ, .name = "milestone", .first = call, .count = 1, .error = EACCES});
        const h5ckpt_status status = h5ckpt_list_milestones(reader, (enum h5ckpt_depth)_i, take, &listed);
        hit = faults_hit();
        const bool of_record = strstr(listed.text, "unreadable") != NULL;
        const bool whole = strcmp(listed.text, "best intact 1;other intact 1;") == 0; /* then not from the device */
        ck_assert_msg(status == (of_record || whole ? H5CKPT_OK : H5CKPT_E_PERMISSION), "call %ld: %s: %s", call,
                      h5ckpt_message(reader), listed.text);
        ck_assert(whole || hit);
        ck_assert_int_lt(call, 200);
    }
    faults_clear();
    h5ckpt_close(reader);
    h5ckpt_close(writer);
}
END_TEST

static void replace_best(void *writer)
{
    save(writer, 2);
    save(writer, 3); /* into another slot: what was read so far is no longer there */
    keep(writer, "best");
}

static void remove_best(void *writer)
{
    assert_status(h5ckpt_remove_milestone(writer, "best"), H5CKPT_OK);
}

/* _i: which of them */
START_TEST(a_milestone_replaced_or_removed_at_any_instant_of_a_list_is_no_damage)
{
    static void (*const DO[])(void *) = {replace_best, remove_best};
    bool hit = true;

    for (long call = 0; hit; call++) {
        h5ckpt_store *writer;
        h5ckpt_store *reader = keep_two_and_open_reader(&writer);
        struct listed listed = {0};
        faults_set((struct faults){.calls = FAULT_OPEN | FAULT_READ,
                                   .name = BEST,
                                   .first = call,
                                   .count = 1,
                                   .before = DO[_i],
                                   .context = writer});
        assert_status_message(h5ckpt_list_milestones(reader, H5CKPT_ALL_BYTES, take, &listed), H5CKPT_OK,
                              h5ckpt_message(reader));
        hit = faults_hit();
        faults_clear();
        ck_assert_msg(strstr(listed.text, "other intact 1;") != NULL && strstr(listed.text, "damaged") == NULL,
                      "call %ld: %s", call, listed.text);
        if (!hit || _i == 0)
            ck_assert_msg(strstr(listed.text, "best intact") != NULL, "call %ld: %s", call, listed.text);
        h5ckpt_close(reader);
        h5ckpt_close(writer);
        fixture_clear_backup();
    }
}
END_TEST

/* _i: depth */
START_TEST(a_writer_lists_a_damaged_milestone_as_damaged)
{
    struct listed listed = {0};
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    keep(store, "best");
    file_flip_bit(in_backup(BEST), 8 * 20000);
    assert_status(h5ckpt_list_milestones(store, (enum h5ckpt_depth)_i, take, &listed), H5CKPT_OK);
    ck_assert_str_eq(listed.text, "best damaged 1;");
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_child_process_lists_nothing_of_its_parents_store)
{
    struct listed listed = {0};
    int status;
    h5ckpt_store *writer;
    h5ckpt_store *reader = keep_two_and_open_reader(&writer);
    const pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(h5ckpt_list_milestones(reader, H5CKPT_RECORDS, take, &listed) == H5CKPT_E_ARGUMENT && listed.count == 0
                  ? 0
                  : 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    h5ckpt_close(reader);
    h5ckpt_close(writer);
}
END_TEST

/* -------------------------------------------------------------------------- names */

START_TEST(a_name_that_no_file_should_have_is_refused)
{
    static const char *const NAME[] = {"",
                                       ".",
                                       "..",
                                       ".x",
                                       "a/b",
                                       "../x",
                                       "a b",
                                       "a\n",
                                       "\xc3\xa4",
                                       "a*",
                                       "a\\b",
                                       "\x1b[1m",
                                       "a:b",
                                       "x\x7f",
                                       "/",
                                       "'",
                                       "%s",
                                       "~",
                                       "0123456789012345678901234567890123456789012345678901234567890123x"};
    h5ckpt_store *store = open_and_restore(2);
    char before[SNAPSHOT_BYTES];
    char after[SNAPSHOT_BYTES];

    save(store, 1);
    directory_snapshot(fixture_directory, before);
    for (size_t i = 0; i < sizeof NAME / sizeof *NAME; i++) {
        assert_status(h5ckpt_keep(store, NAME[i]), H5CKPT_E_ARGUMENT);
        assert_mentions(h5ckpt_message(store), "letters, digits");
        assert_status(h5ckpt_remove_milestone(store, NAME[i]), H5CKPT_E_ARGUMENT);
        assert_status(h5ckpt_roll_back(store, NAME[i]), H5CKPT_E_ARGUMENT);
    }
    assert_status(h5ckpt_keep(store, NULL), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_remove_milestone(store, NULL), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_roll_back(store, NULL), H5CKPT_E_ARGUMENT);
    directory_snapshot(fixture_directory, after);
    ck_assert_str_eq(before, after);
    keep(store, "0123456789012345678901234567890123456789012345678901234567890123");
    h5ckpt_close(store);
    ck_assert_uint_eq(list_read_only().count, 1);
}
END_TEST

START_TEST(without_a_store_or_as_a_reader_nothing_is_kept_or_removed)
{
    standard_history(2, 1, 2);
    h5ckpt_store *reader = standard_open_reader(&standard);

    assert_status(h5ckpt_restore(reader, NULL, NULL), H5CKPT_OK);
    assert_status(h5ckpt_keep(reader, "best"), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_remove_milestone(reader, "best"), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_roll_back(reader, "best"), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(reader), "read-only");
    assert_status(h5ckpt_list_milestones(reader, H5CKPT_RECORDS, NULL, NULL), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_list_milestones(reader, (enum h5ckpt_depth)7, take, NULL), H5CKPT_E_ARGUMENT);
    h5ckpt_close(reader);
    assert_status(h5ckpt_keep(NULL, "best"), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_remove_milestone(NULL, "best"), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_roll_back(NULL, "best"), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_list_milestones(NULL, H5CKPT_RECORDS, take, NULL), H5CKPT_E_ARGUMENT);
}
END_TEST

/* ------------------------------------------------------------------ what is not ours */

enum stranger {
    STRANGER_TEXT,
    STRANGER_EMPTY,
    STRANGER_DIRECTORY,
    STRANGER_FIFO,
    STRANGER_LINK,
    STRANGER_SLOT,
    STRANGERS
};

static void put_stranger(enum stranger stranger)
{
    const char *path = in_backup(BEST);

    switch (stranger) {
    case STRANGER_TEXT:
        file_replace(path, "my own", 6);
        break;
    case STRANGER_EMPTY:
        file_replace(path, "", 0);
        break;
    case STRANGER_DIRECTORY:
        ck_assert_int_eq(mkdir(path, 0700), 0);
        break;
    case STRANGER_FIFO:
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        break;
    case STRANGER_LINK:
        ck_assert_int_eq(symlink("slot-a.h5", path), 0);
        break;
    default: { /* another directory's */
        char mine[PATH_BYTES];
        snprintf(mine, sizeof mine, "%s", fixture_backup);
        snprintf(fixture_backup, sizeof fixture_backup, "%.*s-2", PATH_BYTES - 8, mine);
        standard_history(2, 7, 8);
        const char *slot = slot_of_epoch(8);
        char from[2 * PATH_BYTES];
        snprintf(from, sizeof from, "%s/%s", fixture_backup, slot);
        strcpy(fixture_backup, mine);
        ck_assert_int_eq(link(from, in_backup(BEST)), 0);
    }
    }
}

/* _i: what is there */
START_TEST(a_strangers_file_under_the_name_is_listed_and_never_touched)
{
    h5ckpt_store *store = open_and_restore(2);
    char before[SNAPSHOT_BYTES];
    char after[SNAPSHOT_BYTES];

    save(store, 1);
    put_stranger((enum stranger)_i);
    directory_snapshot(fixture_backup, before);
    assert_status(h5ckpt_keep(store, "best"), H5CKPT_E_FOREIGN);
    assert_mentions(h5ckpt_message(store), BEST);
    assert_status(h5ckpt_remove_milestone(store, "best"), H5CKPT_E_FOREIGN);
    ck_assert(h5ckpt_roll_back(store, "best") == H5CKPT_E_FOREIGN ||
              (_i <= STRANGER_EMPTY && h5ckpt_roll_back(store, "best") == H5CKPT_E_DAMAGED));
    ck_assert_uint_eq(list(store).count, 1);
    directory_snapshot(fixture_backup, after);
    ck_assert_str_eq(before, after);
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    h5ckpt_close(store);
    ck_assert(file_exists(in_backup(BEST)));
    store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_NO_CHECKPOINT);
    save(store, 1);
    h5ckpt_close(store);
    ck_assert(file_exists(in_backup(BEST)));
}
END_TEST

/* _i: what is there */
START_TEST(beside_a_strangers_file_alone_an_unused_store_leaves_nothing)
{
    char before[SNAPSHOT_BYTES];
    char after[SNAPSHOT_BYTES];

    ck_assert_int_eq(mkdir(fixture_backup, 0700), 0);
    put_stranger((enum stranger)_i);
    directory_snapshot(fixture_backup, before);
    h5ckpt_store *store = open_and_restore(2);
    ck_assert(file_exists(in_backup("lock")));
    h5ckpt_close(store);
    directory_snapshot(fixture_backup, after);
    ck_assert_str_eq(before, after);
}
END_TEST

START_TEST(names_that_are_no_milestones_are_not_listed)
{
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    file_replace(in_backup("milestone-.h5"), "x", 1);
    file_replace(in_backup("milestone-a b.h5"), "x", 1);
    file_replace(in_backup("milestone-best.h5.new"), "x", 1);
    file_replace(in_backup("milestone-best.hdf5"), "x", 1);
    file_replace(in_backup("milestone.h5"), "x", 1);
    file_replace(in_backup("Milestone-best.h5"), "x", 1);
    h5ckpt_close(store);
    assert_milestones("");
    store = open_and_restore(2);
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    h5ckpt_close(store);
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 6);
}
END_TEST

START_TEST(a_damaged_milestone_is_named_and_may_be_replaced_or_removed)
{
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    keep(store, "best");
    keep(store, "other");
    save(store, 2);
    save(store, 3);
    file_flip_bit(in_backup(BEST), 8 * 20000); /* "other" is the same file */
    h5ckpt_close(store);
    assert_milestones("best damaged 1;other damaged 1;");
    store = open_and_restore(2);
    keep(store, "best");
    assert_status(h5ckpt_remove_milestone(store, "other"), H5CKPT_OK);
    h5ckpt_close(store);
    assert_milestones("best intact 3;");
}
END_TEST

START_TEST(a_milestone_whose_record_is_damaged_cannot_be_told_to_be_ours)
{
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    keep(store, "best");
    save(store, 2);
    save(store, 3);
    file_flip_bit(in_backup(BEST), 8 * 17);
    assert_status(h5ckpt_keep(store, "best"), H5CKPT_E_FOREIGN);
    assert_mentions(h5ckpt_message(store), "move it away");
    assert_status(h5ckpt_remove_milestone(store, "best"), H5CKPT_E_FOREIGN);
    assert_status(h5ckpt_roll_back(store, "best"), H5CKPT_E_DAMAGED);
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    h5ckpt_close(store);
    ck_assert(file_exists(in_backup(BEST)) && file_exists(in_backup("lock")));
}
END_TEST

START_TEST(a_milestone_of_a_newer_version_is_untouched)
{
    h5ckpt_store *store = open_and_restore(2);
    const unsigned char version = 2;

    save(store, 1);
    keep(store, "best");
    save(store, 2);
    save(store, 3);
    file_write_bytes(in_backup(BEST), &version, 1, 8);
    file_seal_sector(in_backup(BEST), 0);
    assert_status(h5ckpt_keep(store, "best"), H5CKPT_E_VERSION);
    assert_status(h5ckpt_remove_milestone(store, "best"), H5CKPT_E_VERSION);
    assert_status(h5ckpt_roll_back(store, "best"), H5CKPT_E_VERSION);
    save(store, 4);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 4);
}
END_TEST

/* ----------------------------------------------------------------------- removing */

START_TEST(a_removed_milestone_is_gone_and_the_slots_are_as_they_were)
{
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    save(store, 2);
    keep(store, "best");
    assert_status(h5ckpt_remove_milestone(store, "best"), H5CKPT_OK);
    assert_status(h5ckpt_remove_milestone(store, "best"), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), "there is no milestone 'best'");
    ck_assert_uint_eq(intact_count(), 2);
    save(store, 3);
    h5ckpt_close(store);
    assert_milestones("");
    assert_restores(H5CKPT_OK, 3);
}
END_TEST

/* ----------------------------------------------------------------------- deleting */

START_TEST(a_deletion_leaves_milestones_and_the_lock_that_says_whose_they_are)
{
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    keep(store, "best");
    save(store, 2);
    save(store, 3);
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    h5ckpt_close(store);
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 2);
    assert_milestones("best intact 1;");
    assert_restores(H5CKPT_NO_CHECKPOINT, 0); /* and its store, closed, leaves the lock, too */
    ck_assert(file_exists(in_backup("lock")));
    standard_history(2, 4, 5);
    assert_milestones("best intact 1;");
    assert_restores(H5CKPT_OK, 5);
}
END_TEST

START_TEST(when_the_last_milestone_has_gone_the_lock_goes_too)
{
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    keep(store, "best");
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    h5ckpt_close(store);
    store = standard_open(&standard, NULL);
    assert_status(h5ckpt_remove_milestone(store, "best"), H5CKPT_OK);
    h5ckpt_close(store);
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 0);
}
END_TEST

/* _i: the call at which the process is killed */
START_TEST(a_deletion_cut_short_leaves_the_milestone)
{
    const pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        h5ckpt_store *store = standard_open_slots(&standard, 2);
        for (uint64_t number = 1; number <= 3; number++)
            if (standard_save(store, &standard, number) < 0 || (number == 1 && h5ckpt_keep(store, "best") < 0))
                _exit(1);
        faults_set((struct faults){
            .calls = FAULT_REMOVE | FAULT_WRITE | FAULT_FLUSH, .first = _i, .count = 1, .before = kill_here});
        _exit(h5ckpt_delete(store) == H5CKPT_OK ? 0 : 1);
    }
    int wait_status;
    ck_assert_int_eq(waitpid(child, &wait_status, 0), child);
    ck_assert(WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 1);
    h5ckpt_store *store = standard_open(&standard, NULL);
    const h5ckpt_status status = h5ckpt_restore(store, NULL, NULL);
    ck_assert(status == H5CKPT_NO_CHECKPOINT || (status == H5CKPT_OK && standard_is(&standard, 3)));
    ck_assert_str_eq(list(store).text, "best intact 1;");
    save(store, 4);
    h5ckpt_close(store);
    assert_milestones("best intact 1;");
    assert_restores(H5CKPT_OK, 4);
}
END_TEST

START_TEST(milestones_alone_say_whose_they_are_when_the_lock_is_gone)
{
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    keep(store, "best");
    keep(store, "first");
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    h5ckpt_close(store);
    file_remove(in_backup("lock"));
    assert_milestones("best intact 1;first intact 1;");
    standard_history(2, 2, 3); /* makes a lock anew */
    store = open_and_restore(2);
    assert_status_message(h5ckpt_roll_back(store, "best"), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 1);
}
END_TEST

/* _i: errno. A new id would disown it for ever. */
START_TEST(without_a_lock_a_milestone_that_cannot_be_read_for_the_moment_is_reported)
{
    static const struct {
        int error;
        h5ckpt_status expected;
    } CASE[] = {{EACCES, H5CKPT_E_PERMISSION}, {EMFILE, H5CKPT_E_SYSTEM}, {ENOMEM, H5CKPT_E_MEMORY}};
    char before[SNAPSHOT_BYTES];
    char after[SNAPSHOT_BYTES];
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    keep(store, "best");
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    h5ckpt_close(store);
    file_remove(in_backup("lock"));
    directory_snapshot(fixture_backup, before);
    faults_set((struct faults){.calls = FAULT_OPEN, .name = BEST, .count = FAULTS_FOR_EVER, .error = CASE[_i].error});
    assert_status(h5ckpt_open(&store, fixture_backup, standard.state, NULL), CASE[_i].expected);
    assert_mentions(h5ckpt_message(store), BEST);
    h5ckpt_close(store);
    faults_clear();
    directory_snapshot(fixture_backup, after);
    ck_assert_str_eq(before, after);
    store = open_and_restore(2);
    assert_status_message(h5ckpt_roll_back(store, "best"), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
}
END_TEST

START_TEST(without_a_lock_milestones_of_two_directories_are_foreign)
{
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    keep(store, "mine");
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    h5ckpt_close(store);
    put_stranger(STRANGER_SLOT);
    file_remove(in_backup("lock"));
    assert_status(h5ckpt_open(&store, fixture_backup, standard.state, NULL), H5CKPT_E_FOREIGN);
    assert_mentions(h5ckpt_message(store), "'milestone-mine.h5'");
    h5ckpt_close(store);
    ck_assert(!file_exists(in_backup("lock")));
}
END_TEST

/* ---------------------------------------------------------------------- sequences */

START_TEST(sequences_go_on_from_a_milestone_where_slots_and_note_are_gone)
{
    struct h5ckpt_report report;
    h5ckpt_store *store = open_and_restore(2);

    for (uint64_t number = 1; number <= 9; number++)
        save(store, number);
    keep(store, "best");
    h5ckpt_close(store);
    file_remove(in_backup("slot-a.h5"));
    file_remove(in_backup("slot-b.h5"));
    file_remove(in_backup("lock"));
    store = open_and_restore(2);
    save(store, 1);
    assert_status(h5ckpt_inspect(store, NULL, &report), H5CKPT_OK);
    ck_assert_uint_eq(report.sequence, 10);
    h5ckpt_close(store);
    assert_milestones("best intact 9;");
}
END_TEST

/* -------------------------------------------------------------------------- events */

static char told[1024]; /* "kind level sequence file;" */

static void hear(void *context, const struct h5ckpt_event *event)
{
    const size_t length = strlen(told);

    (void)context;
    if (event->kind == H5CKPT_EVENT_KEPT || event->kind == H5CKPT_EVENT_FORGOTTEN ||
        event->kind == H5CKPT_EVENT_ROLLED_BACK)
        snprintf(told + length, sizeof told - length, "%s %d %d %s;",
                 event->kind == H5CKPT_EVENT_KEPT        ? "kept"
                 : event->kind == H5CKPT_EVENT_FORGOTTEN ? "forgotten"
                                                         : "rolled back",
                 (int)event->level, (int)event->sequence, event->file);
}

START_TEST(the_logger_is_told)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    told[0] = '\0';
    options.event = hear;
    h5ckpt_store *store = standard_open(&standard, &options);
    save(store, 1);
    keep(store, "best");
    assert_status(h5ckpt_keep(store, "a b"), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_roll_back(store, "best"), H5CKPT_OK);
    assert_status(h5ckpt_remove_milestone(store, "best"), H5CKPT_OK);
    h5ckpt_close(store);
    ck_assert_str_eq(told,
                     "kept 0 1 milestone-best.h5;kept 2 0 ;rolled back 0 2 slot-b.h5;forgotten 0 1 milestone-best.h5;");
}
END_TEST

/* ------------------------------------------------------------------------- crashes */

START_TEST(what_a_crash_left_of_a_milestone_is_removed_and_the_slot_is_written_in_place_again)
{
    standard_history(2, 1, 3);
    const ino_t slot = file_inode(in_backup(slot_of_epoch(2)));
    ck_assert_int_eq(link(in_backup(slot_of_epoch(2)), in_backup(NEW)), 0);
    standard_history(2, 4, 4);
    ck_assert(!file_exists(in_backup(NEW)));
    ck_assert_uint_eq(file_inode(in_backup(slot_of_epoch(4))), slot);
}
END_TEST

START_TEST(a_slot_that_somebody_replaced_is_not_kept)
{
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    save(store, 2);
    ck_assert_int_eq(rename(in_backup(slot_of_epoch(1)), in_backup(slot_of_epoch(2))), 0);
    assert_status(h5ckpt_keep(store, "best"), H5CKPT_E_BUSY);
    ck_assert(!file_exists(in_backup(NEW)) && !file_exists(in_backup(BEST)));
    h5ckpt_close(store);
}
END_TEST

enum successor { OTHER_STATE, RESERVED_SLOT, NOTHING, SUCCESSOR_COUNT };

static void put_in_place_of(const char *slot, enum successor successor)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "%s", in_backup(slot));
    if (successor == NOTHING)
        file_remove(path);
    else
        ck_assert_int_eq(rename(in_backup(successor == OTHER_STATE ? slot_of_epoch(1) : "slot-c.h5"), path), 0);
}

/* _i: linked, copied; by what */
START_TEST(what_took_the_place_of_the_base_is_not_kept_and_the_older_milestone_stays)
{
    const bool copied = _i / SUCCESSOR_COUNT == 1;
    const enum successor successor = (enum successor)(_i % SUCCESSOR_COUNT);
    h5ckpt_store *store = standard_open_slots(&standard, 3);

    assert_status(h5ckpt_reserve(store), H5CKPT_OK);
    save(store, 1);
    keep(store, "best");
    save(store, 2);
    put_in_place_of(slot_of_epoch(2), successor);
    if (copied)
        refuse_links();
    assert_status_message(h5ckpt_keep(store, "best"), successor == NOTHING ? H5CKPT_E_DAMAGED : H5CKPT_E_BUSY,
                          h5ckpt_message(store));
    assert_mentions(h5ckpt_message(store), successor == NOTHING ? "has vanished" : "no longer holds");
    faults_clear();
    ck_assert(!file_exists(in_backup(NEW)));
    h5ckpt_close(store);
    assert_milestones("best intact 1;");
}
END_TEST

static void put_older_state_in_place_of_new(void *context)
{
    char older[PATH_BYTES];

    (void)context;
    snprintf(older, sizeof older, "%s", in_backup(slot_of_epoch(1)));
    ck_assert_int_eq(unlink(in_backup(NEW)), 0);
    ck_assert_int_eq(link(older, in_backup(NEW)), 0);
}

START_TEST(a_new_file_that_somebody_replaces_is_not_kept_and_the_older_milestone_stays)
{
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    keep(store, "best");
    save(store, 2);
    faults_set(
        (struct faults){.calls = FAULT_OPEN, .name = NEW, .count = 1, .before = put_older_state_in_place_of_new});
    assert_status(h5ckpt_keep(store, "best"), H5CKPT_E_BUSY);
    ck_assert(faults_hit());
    faults_clear();
    ck_assert(!file_exists(in_backup(NEW)));
    h5ckpt_close(store);
    assert_milestones("best intact 1;");
    assert_restores(H5CKPT_OK, 2);
}
END_TEST

/* A milestone's file is the slot's, too: it is no longer what was kept. */
START_TEST(a_base_that_somebody_wrote_over_is_not_kept_already)
{
    h5ckpt_store *store = open_and_restore(2);
    static unsigned char bytes[1 << 20];

    save(store, 1);
    save(store, 2);
    keep(store, "best");
    const uint64_t byte_count = file_bytes(in_backup(BEST));
    ck_assert_uint_le(byte_count, sizeof bytes);
    file_read_bytes(in_backup(slot_of_epoch(1)), bytes, byte_count, 0);
    file_write_bytes(in_backup(BEST), bytes, byte_count, 0);
    assert_status(h5ckpt_keep(store, "best"), H5CKPT_E_BUSY);
    assert_mentions(h5ckpt_message(store), "no longer holds");
    ck_assert(!file_exists(in_backup(NEW)));
    h5ckpt_close(store);
}
END_TEST

static int look_at_no_slot(int directory, const char *name, struct stat *status)
{
    errno = EIO;
    return strncmp(name, "slot-", 5) == 0 ? -1 : system_kernel.status_at(directory, name, status);
}

START_TEST(a_base_that_cannot_be_looked_at_is_an_error_and_the_older_milestone_stays)
{
    h5ckpt_store *store = open_and_restore(2);
    struct system_calls calls;

    save(store, 1);
    keep(store, "best");
    save(store, 2);
    calls = *system_calls;
    calls.status_at = look_at_no_slot;
    system_calls = &calls;
    assert_status(h5ckpt_keep(store, "best"), H5CKPT_E_IO);
    faults_clear();
    ck_assert(!file_exists(in_backup(NEW)));
    h5ckpt_close(store);
    assert_milestones("best intact 1;");
}
END_TEST

START_TEST(any_number_of_milestones_is_listed)
{
    enum { MANY = 40 };
    h5ckpt_store *store = open_and_restore(2);

    save(store, 1);
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%d", i);
        keep(store, name);
    }
    ck_assert_uint_eq(list(store).count, MANY);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_store_that_is_not_open_removes_nothing)
{
    struct h5ckpt_options bad = h5ckpt_options_default();
    h5ckpt_store *store;

    bad.slots = 17;
    assert_status(h5ckpt_open(&store, fixture_backup, standard.state, &bad), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_remove_milestone(store, "best"), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), "not open");
    assert_status(h5ckpt_reserve(store), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), "not open");
    h5ckpt_close(store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keep");
    TCase *tcase = tcase_create("keep");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_milestone_outlives_the_saves_after_it, 1, 4);
    tcase_add_test(tcase, keeping_again_replaces_the_older_one);
    tcase_add_test(tcase, one_state_can_have_many_names_and_be_kept_twice);
    tcase_add_test(tcase, keeping_writes_no_state_again_and_the_next_save_into_the_slot_makes_a_new_file);
    tcase_add_test(tcase, a_restored_state_is_kept);
    tcase_add_test(tcase, a_restored_state_that_may_not_be_durable_is_copied);
    tcase_add_test(tcase, a_restored_state_that_may_not_be_durable_is_copied_although_it_has_been_kept);
    tcase_add_loop_test(tcase, without_hard_links_the_state_is_copied, 0, 6);
    tcase_add_test(tcase, a_copy_of_damaged_bytes_is_refused_and_the_older_milestone_stays);
    tcase_add_loop_test(tcase, a_base_found_damaged_is_told_so_and_the_next_save_spares_the_state_before, 0, 3);
    tcase_add_test(tcase, after_a_damaged_base_saves_go_on_in_a_new_file);
    tcase_add_loop_test(tcase, a_new_file_that_vanishes_is_a_failure_and_the_older_milestone_stays, 0, 2);
    tcase_add_test(tcase, after_a_copy_the_directory_must_still_be_ours);
    tcase_add_test(tcase, nothing_saved_or_restored_is_nothing_to_keep);
    tcase_add_loop_test(tcase, a_state_in_flight_is_waited_for, H5CKPT_SAVE_SYNCHRONOUS, H5CKPT_SAVE_FORKED + 1);
    tcase_add_test(tcase, where_the_state_in_flight_fails_none_is_kept_in_its_stead);
    tcase_add_loop_test(tcase, a_failure_leaves_the_older_milestone_or_the_new_one, 0, 16);
    tcase_add_test(tcase, after_names_that_may_not_be_durable_no_slot_is_written_in_place);
    tcase_add_loop_test(tcase, a_full_disk_fails_the_copy_and_leaves_nothing, 0, 8);
    tcase_add_test(tcase, on_a_disk_that_is_full_already_nothing_is_kept_and_saves_go_on);
    tcase_add_loop_test(tcase, on_a_full_disk_a_milestone_takes_the_space_of_the_one_that_it_replaces, 0, 3);
    tcase_add_test(tcase, the_space_that_a_milestone_will_take_is_told);
    tcase_add_test(tcase, a_list_beside_a_writer_does_not_make_its_save_look_like_damage);
    tcase_add_loop_test(tcase, a_milestone_that_cannot_be_read_for_now_ends_the_list_with_the_reason, H5CKPT_ALL_BYTES,
                        H5CKPT_DEVICE + 1);
    tcase_add_loop_test(tcase, a_milestone_replaced_or_removed_at_any_instant_of_a_list_is_no_damage, 0, 2);
    tcase_add_loop_test(tcase, a_writer_lists_a_damaged_milestone_as_damaged, H5CKPT_ALL_BYTES, H5CKPT_DEVICE + 1);
    tcase_add_test(tcase, a_child_process_lists_nothing_of_its_parents_store);
    tcase_add_test(tcase, a_name_that_no_file_should_have_is_refused);
    tcase_add_test(tcase, without_a_store_or_as_a_reader_nothing_is_kept_or_removed);
    tcase_add_loop_test(tcase, a_strangers_file_under_the_name_is_listed_and_never_touched, 0, STRANGERS);
    tcase_add_loop_test(tcase, beside_a_strangers_file_alone_an_unused_store_leaves_nothing, 0, STRANGER_SLOT);
    tcase_add_test(tcase, names_that_are_no_milestones_are_not_listed);
    tcase_add_test(tcase, a_damaged_milestone_is_named_and_may_be_replaced_or_removed);
    tcase_add_test(tcase, a_milestone_whose_record_is_damaged_cannot_be_told_to_be_ours);
    tcase_add_test(tcase, a_milestone_of_a_newer_version_is_untouched);
    tcase_add_test(tcase, a_removed_milestone_is_gone_and_the_slots_are_as_they_were);
    tcase_add_test(tcase, a_deletion_leaves_milestones_and_the_lock_that_says_whose_they_are);
    tcase_add_test(tcase, when_the_last_milestone_has_gone_the_lock_goes_too);
    tcase_add_loop_test(tcase, a_deletion_cut_short_leaves_the_milestone, 0, 16);
    tcase_add_test(tcase, milestones_alone_say_whose_they_are_when_the_lock_is_gone);
    tcase_add_loop_test(tcase, without_a_lock_a_milestone_that_cannot_be_read_for_the_moment_is_reported, 0, 3);
    tcase_add_test(tcase, without_a_lock_milestones_of_two_directories_are_foreign);
    tcase_add_test(tcase, sequences_go_on_from_a_milestone_where_slots_and_note_are_gone);
    tcase_add_test(tcase, the_logger_is_told);
    tcase_add_test(tcase, what_a_crash_left_of_a_milestone_is_removed_and_the_slot_is_written_in_place_again);
    tcase_add_test(tcase, a_slot_that_somebody_replaced_is_not_kept);
    tcase_add_loop_test(tcase, what_took_the_place_of_the_base_is_not_kept_and_the_older_milestone_stays, 0,
                        2 * SUCCESSOR_COUNT);
    tcase_add_test(tcase, a_new_file_that_somebody_replaces_is_not_kept_and_the_older_milestone_stays);
    tcase_add_test(tcase, a_base_that_somebody_wrote_over_is_not_kept_already);
    tcase_add_test(tcase, a_base_that_cannot_be_looked_at_is_an_error_and_the_older_milestone_stays);
    tcase_add_test(tcase, any_number_of_milestones_is_listed);
    tcase_add_test(tcase, a_store_that_is_not_open_removes_nothing);
    suite_add_tcase(suite, tcase);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
