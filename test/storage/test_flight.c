/* SPDX-License-Identifier: MIT */
/* What becomes of a save that does not get to its end, in each mode; and of the next one. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "storage/store.h"
#include "support/arrays.h"
#include "support/assert_h5ckpt.h"
#include "support/fail_malloc.h"
#include "support/fixture.h"
#include "support/gate.h"
#include "support/suite.h"

enum { MODE_COUNT = 4, MIB = 1 << 20 };

static const enum h5ckpt_save_mode MODE[MODE_COUNT] = {H5CKPT_SAVE_SYNCHRONOUS, H5CKPT_SAVE_STAGED, H5CKPT_SAVE_FENCED,
                                                       H5CKPT_SAVE_FORKED};
static const size_t LARGE[] = {2 * MIB, MIB + 8, 24, 0}; /* several chunks */

static struct arrays arrays;
static struct arrays twin;

static void setup(void)
{
    gate_setup();
    fixture_setup();
    arrays_make(&arrays, LARGE);
    arrays_make_like(&twin, &arrays);
}

static void teardown(void)
{
    arrays_free(&arrays);
    arrays_free(&twin);
    fixture_teardown();
    gate_teardown();
}

static h5ckpt_store *open_in(enum h5ckpt_save_mode mode, bool skip_if_busy)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *store;

    options.save_mode = mode;
    options.background.skip_if_busy = skip_if_busy;
    assert_status(h5ckpt_open(&store, fixture_backup, arrays.state, &options), H5CKPT_OK);
    return store;
}

static h5ckpt_status save_and_wait(h5ckpt_store *store, uint64_t number)
{
    arrays_fill(&arrays, number);
    h5ckpt_status status = h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = number});
    return status < 0 ? status : h5ckpt_wait(store);
}

/* Or one that is newer. */
static void assert_stored_since(uint64_t oldest)
{
    struct h5ckpt_progress progress;

    ck_assert_int_ge(arrays_restore(&twin, H5CKPT_CURRENT, &progress), 0);
    ck_assert_uint_ge(progress.epoch, oldest);
    ck_assert(arrays_are(&twin, progress.epoch));
}

static void assert_stored(uint64_t number)
{
    struct h5ckpt_progress progress;

    ck_assert_int_ge(arrays_restore(&twin, H5CKPT_CURRENT, &progress), 0);
    ck_assert_uint_eq(progress.epoch, number);
    ck_assert(arrays_are(&twin, number));
}

static const unsigned FAILING[] = {GATE_WRITE, GATE_FLUSH};

/* _i: mode and call. A file in which a write or flush failed is never written again (docs/format.md 5, rule (e)). */
START_TEST(after_a_failure_in_place_the_next_save_makes_a_new_file)
{
    h5ckpt_store *store = open_in(MODE[_i % MODE_COUNT], false);

    for (uint64_t number = 1; number <= 4; number++)
        assert_status(save_and_wait(store, number), H5CKPT_OK);
    char victim[4096];
    snprintf(victim, sizeof victim, "%s", in_backup(slot_of_epoch(3)));
    const ino_t torn = file_inode(victim);
    gate_fail(FAILING[_i / MODE_COUNT], "slot-", FAILING[_i / MODE_COUNT] == GATE_WRITE ? 1 : 0, 1, EIO);
    assert_status(save_and_wait(store, 5), H5CKPT_E_IO);
    ck_assert(gate_failed());
    gate_fail_no_more();
    assert_stored_since(4);
    assert_status(save_and_wait(store, 6), H5CKPT_OK);
    ck_assert_uint_ne(file_inode(victim), torn);
    assert_stored(6);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_forgotten_fence_does_not_hide_behind_skipped_saves)
{
    h5ckpt_store *store = open_in(H5CKPT_SAVE_FENCED, true);

    assert_status(save_and_wait(store, 1), H5CKPT_OK);
    arrays_fill(&arrays, 2);
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 2}), H5CKPT_OK);
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 3}), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), "fence");
    assert_status(h5ckpt_wait(store), H5CKPT_OK); /* of the third */
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 3);
    h5ckpt_close(store);
}
END_TEST

/* _i: mode */
START_TEST(a_first_save_that_fails_leaves_nothing)
{
    h5ckpt_store *store = open_in(MODE[_i], false);

    gate_fail(GATE_WRITE, "slot-a", 1, GATE_FOR_EVER, ENOSPC);
    assert_status(save_and_wait(store, 1), H5CKPT_E_NO_SPACE);
    gate_fail_no_more();
    ck_assert(!file_exists(in_backup("slot-a.h5")) && !file_exists(in_backup("slot-a.h5.new")));
    ck_assert(!file_exists(in_backup("slot-b.h5")) && !file_exists(in_backup("slot-b.h5.new")));
    assert_status(save_and_wait(store, 2), H5CKPT_OK);
    assert_stored(2);
    h5ckpt_close(store);
}
END_TEST

/* _i: mode */
START_TEST(a_state_is_not_durable_in_a_directory_that_is_gone)
{
    const int mode = _i + 1;
    h5ckpt_store *store = open_in(MODE[mode], false);

    for (uint64_t number = 1; number <= 2; number++)
        assert_status(save_and_wait(store, number), H5CKPT_OK);
    arrays_fill(&arrays, 3);
    gate_shut(GATE_WRITE, "slot-");
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 3}), H5CKPT_OK);
    fixture_clear_backup();
    gate_open();
    ck_assert_int_lt(h5ckpt_wait(store), 0);
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 2);
    h5ckpt_close(store);
}
END_TEST

static ssize_t (*write_really)(int descriptor, const void *bytes, size_t byte_count, off_t offset);

static ssize_t refuse_direct_write(int descriptor, const void *bytes, size_t byte_count, off_t offset)
{
    if (fcntl(descriptor, F_GETFL) & O_NOATIME) { /* stands for O_DIRECT, which the seam has taken away */
        errno = EINVAL;
        return -1;
    }
    return write_really(descriptor, bytes, byte_count, offset);
}

static int (*open_really)(int directory, const char *name, int flags, mode_t mode);

static int open_marked(int directory, const char *name, int flags, mode_t mode)
{
    return open_really(directory, name, flags & O_DIRECT ? flags | O_NOATIME : flags, mode);
}

/* A small state is written as a whole; a file system's refusal of direct writes is found out by each way for itself. */
START_TEST(a_state_that_grows_finds_out_anew_what_the_file_system_refuses)
{
    struct system_calls refusing = *system_calls;
    static unsigned char small[24];
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    write_really = refusing.write_at;
    open_really = refusing.open_at;
    refusing.write_at = refuse_direct_write;
    refusing.open_at = open_marked;
    system_calls = &refusing;
    h5ckpt_add(state, "small", H5CKPT_UINT8, 1, (const uint64_t[]){sizeof small}, small);
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    h5ckpt_add(state, "large", H5CKPT_UINT8, 1, (const uint64_t[]){arrays.item[0].byte_count}, arrays.item[0].bytes);
    for (unsigned i = 0; i < 3; i++)
        assert_status_message(h5ckpt_save(store, NULL), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

/* Asking what a save will take must not take it. */
START_TEST(asking_for_space_makes_no_room_for_copies)
{
    h5ckpt_store *store = open_in(H5CKPT_SAVE_STAGED, false);
    struct h5ckpt_space space;

    assert_status(h5ckpt_space(store, &space), H5CKPT_OK);
    ck_assert_uint_ge(space.memory_bytes_needed, arrays_byte_count(&arrays));
    ck_assert_uint_eq(store->cells.count, 0);
    h5ckpt_close(store);
}
END_TEST

/* ------------------------------------------------------------------ memory is short */

/* _i: the allocation that fails */
START_TEST(cells_for_which_there_is_no_memory_are_none)
{
    const struct record geometry = {.block_bytes = FORMAT_BLOCK_BYTES,
                                    .table_offset = FORMAT_USER_BLOCK_BYTES + 4 * MIB};
    struct snapshot_cells cells = {0};
    struct error error = ERROR_NONE;

    if (!malloc_is_ours())
        return;
    malloc_fail_in = 1 + _i;
    assert_status(snapshot_reserve_cells(&cells, &geometry, UINT64_MAX, SNAPSHOT_TOUCH_LATER, &error), H5CKPT_E_MEMORY);
    ck_assert_int_eq(malloc_fail_in, 0);
    ck_assert_str_ne(error_message(&error), "");
    ck_assert_uint_eq(cells.count, 0);
    error_clear(&error);
    assert_status(snapshot_reserve_cells(&cells, &geometry, UINT64_MAX, SNAPSHOT_TOUCH_LATER, &error), H5CKPT_OK);
    ck_assert_uint_eq(cells.count, 4);
    snapshot_free_cells(&cells);
}
END_TEST

START_TEST(where_there_is_no_memory_to_look_for_changes_the_save_says_so)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *store;

    if (!malloc_is_ours())
        return;
    options.save_mode = H5CKPT_SAVE_FENCED;
    options.background.detect_changes = true;
    assert_status(h5ckpt_open(&store, fixture_backup, arrays.state, &options), H5CKPT_OK);
    for (uint64_t number = 1; number <= 4; number++)
        assert_status(save_and_wait(store, number), H5CKPT_OK);
    malloc_fail_in = 1; /* in place: no other is made before it */
    assert_status(save_and_wait(store, 5), H5CKPT_E_MEMORY);
    assert_mentions(h5ckpt_message(store), "no memory to look for changes");
    ck_assert_int_eq(malloc_fail_in, 0);
    assert_stored(4);
    assert_status(save_and_wait(store, 6), H5CKPT_OK);
    assert_stored(6);
    h5ckpt_close(store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flight");
    TCase *tcase = tcase_create("flight");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, after_a_failure_in_place_the_next_save_makes_a_new_file, 0, 2 * MODE_COUNT);
    tcase_add_test(tcase, a_forgotten_fence_does_not_hide_behind_skipped_saves);
    tcase_add_loop_test(tcase, a_first_save_that_fails_leaves_nothing, 0, MODE_COUNT);
    tcase_add_loop_test(tcase, a_state_is_not_durable_in_a_directory_that_is_gone, 0, MODE_COUNT - 1);
    tcase_add_test(tcase, a_state_that_grows_finds_out_anew_what_the_file_system_refuses);
    tcase_add_test(tcase, asking_for_space_makes_no_room_for_copies);
    tcase_add_loop_test(tcase, cells_for_which_there_is_no_memory_are_none, 0, 2);
    tcase_add_test(tcase, where_there_is_no_memory_to_look_for_changes_the_save_says_so);
    suite_add_tcase(suite, tcase);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
