/* SPDX-License-Identifier: MIT */
/*
 * Saves that write only what differs, and hints that spare the reading too: whatever is left out, a restore gives the
 * bytes that memory held.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "format.h"
#include "support/arrays.h"
#include "support/assert_h5ckpt.h"
#include "support/fixture.h"
#include "support/gate.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

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

enum { MODE_COUNT = 4, MIB = 1 << 20, ALPHA_BYTES = MIB, BLOCK = FORMAT_BLOCK_BYTES };

static const enum h5ckpt_save_mode MODE[MODE_COUNT] = {H5CKPT_SAVE_SYNCHRONOUS, H5CKPT_SAVE_STAGED, H5CKPT_SAVE_FENCED,
                                                       H5CKPT_SAVE_FORKED};

static const size_t USUAL[] = {ALPHA_BYTES, MIB + 8, 100003, 24, 0};

/*
 * What a save may write beyond the blocks that changed: record, tables, HDF5's and h5ckpt's own blocks, a block that
 * begins or ends in a variable's neighbour, and a gap or two that is not worth leaving out.
 */
enum { SURPLUS_BYTES = 4 * BLOCK };

#define begin_mode(i)                                   \
    do {                                                \
        mode = MODE[(i) % MODE_COUNT];                  \
        if (mode == H5CKPT_SAVE_FORKED && !FORKED_RUNS) \
            return;                                     \
    } while (0)

static enum h5ckpt_save_mode mode;
static struct arrays arrays;   /* the program's memory */
static struct arrays model;    /* as it was when it was last saved … */
static struct arrays previous; /* … and before that */
static struct arrays twin;     /* of somebody else who restores */
static uint64_t epoch;

static void setup(void)
{
    gate_setup();
    fixture_setup();
    epoch = 0;
}

static void teardown(void)
{
    arrays_free(&arrays);
    arrays_free(&model);
    arrays_free(&previous);
    arrays_free(&twin);
    fixture_teardown();
    gate_teardown();
}

static void make(const size_t *byte_count)
{
    arrays_make(&arrays, byte_count);
    arrays_make_like(&model, &arrays);
    arrays_make_like(&previous, &arrays);
    arrays_make_like(&twin, &arrays);
    arrays_fill(&arrays, 1);
}

static struct h5ckpt_options options_of_mode(void)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.save_mode = mode;
    return options;
}

static h5ckpt_store *open_with(const struct h5ckpt_options *options)
{
    h5ckpt_store *store;

    assert_status_message(h5ckpt_open(&store, fixture_backup, arrays.state, options), H5CKPT_OK, h5ckpt_message(store));
    return store;
}

/* What becomes of a save of memory as it is, in the end. */
static h5ckpt_status try_save(h5ckpt_store *store)
{
    h5ckpt_status status = h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = ++epoch});

    if (status == H5CKPT_OK)
        status = h5ckpt_wait(store);
    return status;
}

/* Save it; how many bytes of slots were written? */
static uint64_t save(h5ckpt_store *store)
{
    gate_forget();
    assert_status_message(try_save(store), H5CKPT_OK, h5ckpt_message(store));
    arrays_copy(&previous, &model);
    arrays_copy(&model, &arrays);
    return gate_written_bytes("slot");
}

/* So that every slot holds this content. */
static h5ckpt_store *open_and_save_all(const struct h5ckpt_options *options)
{
    h5ckpt_store *store = open_with(options);

    for (unsigned i = 0; i < options->slots; i++)
        save(store);
    return store;
}

static h5ckpt_store *open_mode_and_save_all(void)
{
    const struct h5ckpt_options options = options_of_mode();

    return open_and_save_all(&options);
}

static void assert_stored_is(enum h5ckpt_which which, const struct arrays *expected, uint64_t expected_epoch)
{
    struct h5ckpt_progress progress;
    h5ckpt_status status = arrays_restore(&twin, which, &progress);

    ck_assert_msg(status == H5CKPT_OK || status == H5CKPT_FELL_BACK, "%s", h5ckpt_status_name(status));
    ck_assert_uint_eq(progress.epoch, expected_epoch);
    ck_assert_msg(arrays_equal(&twin, expected), "what is stored as state %ju are not its bytes",
                  (uintmax_t)expected_epoch);
}

/* What was saved last is what somebody else restores. */
static void assert_stored(void)
{
    assert_stored_is(H5CKPT_CURRENT, &model, epoch);
}

static bool is_all(const unsigned char *bytes, size_t byte_count, unsigned char value)
{
    return bytes[0] == value && memcmp(bytes, bytes + 1, byte_count - 1) == 0;
}

static void flip(unsigned item, size_t at)
{
    arrays.item[item].bytes[at] ^= 0x10;
}

static void assert_unchanged_all(h5ckpt_store *store)
{
    for (unsigned i = 0; i < arrays.count; i++)
        assert_status(h5ckpt_unchanged(store, arrays.item[i].name, 0, UINT64_MAX), H5CKPT_OK);
}

/* --------------------------------------------------------------- what is written */

static const struct place {
    unsigned item;
    size_t at;
} PLACE[] = {{0, 0}, {0, BLOCK - 1}, {0, BLOCK}, {0, MIB / 2 + 17}, {0, ALPHA_BYTES - 1},
             {1, 0}, {1, MIB + 7},   {2, 0},     {2, 50000},        {2, 100002},
             {3, 0}, {3, 23}};

/* _i: mode */
START_TEST(one_changed_byte_costs_a_few_blocks)
{
    begin_mode(_i);
    make(USUAL);
    struct h5ckpt_options options = options_of_mode();
    options.rewrite_every = 1000;
    h5ckpt_store *store = open_and_save_all(&options);
    for (const struct place *place = PLACE; place < PLACE + COUNT(PLACE); place++) {
        flip(place->item, place->at);
        for (unsigned slot = 0; slot < 2; slot++) { /* neither of them has it yet */
            const uint64_t written = save(store);
            ck_assert_uint_gt(written, 0);
            ck_assert_uint_le(written, BLOCK + SURPLUS_BYTES);
            assert_stored();
        }
    }
    assert_stored_is(H5CKPT_PREVIOUS, &previous, epoch - 1);
    h5ckpt_close(store);
}
END_TEST

/* _i: mode */
START_TEST(as_much_is_written_as_has_changed)
{
    begin_mode(_i);
    make(USUAL);
    h5ckpt_store *store = open_mode_and_save_all();
    for (unsigned count = 1; count <= 8; count *= 2) {
        save(store);
        save(store); /* both slots have it all */
        for (size_t i = 0; i < count; i++)
            flip(0, (2 * i + 1) * BLOCK + 5);
        const uint64_t written = save(store);
        ck_assert_uint_ge(written, (uint64_t)count * BLOCK);
        ck_assert_uint_le(written, (uint64_t)3 * count * BLOCK + SURPLUS_BYTES);
        assert_stored();
    }
    h5ckpt_close(store);
}
END_TEST

/* _i: mode. A block that changed back is that of the slot, not of the save before. */
START_TEST(what_changed_while_the_other_slot_was_written_is_written_too)
{
    begin_mode(_i);
    make(USUAL);
    struct h5ckpt_options options = options_of_mode();
    options.slots = 2 + (unsigned)_i / MODE_COUNT;
    h5ckpt_store *store = open_and_save_all(&options);
    for (size_t round = 0; round < 12; round++) {
        flip(0, (round * 7 % 15) * BLOCK + round); /* in this round only */
        if (round % 3 == 2)
            flip(0, ((round - 1) * 7 % 15) * BLOCK + round - 1); /* as it was before the last one */
        flip(3, round);
        ck_assert_uint_le(save(store), 5 * BLOCK + SURPLUS_BYTES);
        assert_stored();
        assert_stored_is(H5CKPT_PREVIOUS, &previous, epoch - 1);
    }
    h5ckpt_close(store);
}
END_TEST

/* _i: mode */
START_TEST(a_state_in_which_nothing_changed_is_saved_by_few_bytes)
{
    begin_mode(_i);
    make(USUAL);
    h5ckpt_store *store = open_mode_and_save_all();
    for (unsigned round = 0; round < 6; round++) {
        const uint64_t written = save(store);
        ck_assert_uint_gt(written, 0);
        ck_assert_uint_le(written, SURPLUS_BYTES);
        assert_stored();
        assert_stored_is(H5CKPT_PREVIOUS, &previous, epoch - 1);
    }
    h5ckpt_close(store);
}
END_TEST

/* _i: mode */
START_TEST(everything_is_written_into_a_slot_for_the_first_time)
{
    begin_mode(_i);
    make(USUAL);
    for (unsigned life = 0; life < 2; life++) { /* by each handle */
        const struct h5ckpt_options options = options_of_mode();
        h5ckpt_store *store = open_with(&options);
        ck_assert_int_ge(h5ckpt_restore(store, NULL, NULL), 0);
        for (unsigned slot = 0; slot < 2; slot++) {
            ck_assert_uint_ge(save(store), arrays_byte_count(&arrays));
            assert_stored();
        }
        ck_assert_uint_le(save(store), SURPLUS_BYTES);
        h5ckpt_close(store);
        assert_stored();
    }
}
END_TEST

/* _i: mode */
START_TEST(everything_is_written_always_where_that_was_asked_for)
{
    begin_mode(_i);
    make(USUAL);
    struct h5ckpt_options options = options_of_mode();
    options.rewrite_every = 1;
    h5ckpt_store *store = open_and_save_all(&options);
    for (unsigned round = 0; round < 4; round++) {
        if (round >= 2)
            assert_unchanged_all(store); /* that does not spare the writing */
        ck_assert_uint_ge(save(store), arrays_byte_count(&arrays));
        assert_stored();
    }
    h5ckpt_close(store);
}
END_TEST

/* _i: mode, how often */
START_TEST(everything_is_written_anew_as_often_as_was_asked_for)
{
    enum { SAVES = 36 };
    static uint64_t written[SAVES];
    const unsigned every = (const unsigned[]){2, 3, 16}[_i / MODE_COUNT];
    unsigned few = 0;

    begin_mode(_i);
    if (every == 16 && mode != H5CKPT_SAVE_SYNCHRONOUS)
        return; /* long, and no other matter than the others */
    make(USUAL);
    struct h5ckpt_options options = options_of_mode();
    if (every != 16) /* the default */
        options.rewrite_every = every;
    h5ckpt_store *store = open_with(&options);
    const unsigned save_count = every == 16 ? SAVES : SAVES / 2;
    for (unsigned i = 0; i < save_count; i++) {
        written[i] = save(store);
        few += written[i] < arrays_byte_count(&arrays) / 2;
    }
    for (unsigned i = 0; i + 2 * every <= save_count; i++) {
        uint64_t sum = 0; /* into one slot */
        for (unsigned j = 0; j < every; j++)
            sum += written[i + 2 * j];
        ck_assert_uint_ge(sum, arrays_byte_count(&arrays));
    }
    ck_assert_uint_ge(few, save_count / every / 2);
    assert_stored();
    h5ckpt_close(store);
}
END_TEST

/* ------------------------------------------------------------------ somebody else */

enum touch { TOUCH_TIMES, TOUCH_MODE, TOUCH_LINK, TOUCH_LINK_KEPT, TOUCH_BYTES, TOUCH_REPLACE, TOUCH_COUNT };

/* Until the file system's clock has moved on. */
static void touch(const char *path, enum touch how)
{
    const ino_t inode = file_inode(path);
    struct stat was, is;

    ck_assert_int_eq(stat(path, &was), 0);
    do {
        switch (how) {
        case TOUCH_TIMES:
            ck_assert_int_eq(utimensat(AT_FDCWD, path, (const struct timespec[]){was.st_atim, was.st_mtim}, 0), 0);
            break;
        case TOUCH_MODE:
            ck_assert_int_eq(chmod(path, was.st_mode), 0);
            break;
        case TOUCH_LINK:
        case TOUCH_LINK_KEPT:
            unlink(in_backup("kept"));
            ck_assert_int_eq(link(path, in_backup("kept")), 0);
            if (how == TOUCH_LINK)
                file_remove(in_backup("kept"));
            break;
        case TOUCH_BYTES:
            file_flip_bit(path, 8 * (FORMAT_USER_BLOCK_BYTES + MIB));
            break;
        default:
            ck_assert_int_eq(rename(path, in_backup("kept")), 0);
            ck_assert_int_eq(system(NULL), 1);
            char command[4 * PATH_BYTES];
            snprintf(command, sizeof command, "cp -p '%s' '%s'", in_backup("kept"), path);
            ck_assert_int_eq(system(command), 0);
            ck_assert_uint_ne(file_inode(path), inode);
            file_remove(in_backup("kept"));
        }
        ck_assert_int_eq(stat(path, &is), 0);
    } while (is.st_ctim.tv_sec == was.st_ctim.tv_sec && is.st_ctim.tv_nsec == was.st_ctim.tv_nsec);
}

/* _i: mode, whether everything is said to be unchanged */
START_TEST(a_slot_that_somebody_else_has_touched_is_written_whole)
{
    begin_mode(_i);
    make(USUAL);
    struct h5ckpt_options options = options_of_mode();
    options.rewrite_every = 1000;
    h5ckpt_store *store = open_and_save_all(&options);
    for (int how = 0; how < TOUCH_COUNT; how++) {
        touch(in_backup(slot_of_epoch(epoch - 1)), (enum touch)how);
        if (_i / MODE_COUNT == 1)
            assert_unchanged_all(store);
        ck_assert_uint_ge(save(store), arrays_byte_count(&arrays));
        assert_stored();
        for (unsigned i = 0; i < 2; i++) { /* and is known again */
            ck_assert_uint_le(save(store), SURPLUS_BYTES);
            assert_stored();
        }
        unlink(in_backup("kept"));
    }
    h5ckpt_close(store);
}
END_TEST

static const struct failure {
    enum gate_call call;
    long first;
    int error;
} FAILURE[] = {{GATE_WRITE, 0, EIO}, {GATE_WRITE, 1, ENOSPC}, {GATE_FLUSH, 0, EIO}};

/* _i: mode, whether everything is said to be unchanged */
START_TEST(after_a_failed_save_its_slot_is_written_whole)
{
    begin_mode(_i);
    make(USUAL);
    struct h5ckpt_options options = options_of_mode();
    options.rewrite_every = 1000;
    h5ckpt_store *store = open_and_save_all(&options);
    for (const struct failure *failure = FAILURE; failure < FAILURE + COUNT(FAILURE); failure++) {
        flip(0, MIB / 2);
        gate_fail(failure->call, "slot", failure->first, GATE_FOR_EVER, failure->error);
        ck_assert_int_lt(try_save(store), 0);
        ck_assert(gate_failed());
        gate_fail_no_more();
        if (failure->call != GATE_FLUSH) /* else the cache has all of it */
            assert_stored_is(H5CKPT_CURRENT, &model, epoch - 1);
        if (_i / MODE_COUNT == 1)
            assert_unchanged_all(store);
        ck_assert_uint_ge(save(store), arrays_byte_count(&arrays));
        assert_stored();
        for (unsigned i = 0; i < 3; i++) { /* the other slot, and this one, which is known again */
            ck_assert_uint_le(save(store), BLOCK + SURPLUS_BYTES);
            assert_stored();
        }
    }
    h5ckpt_close(store);
}
END_TEST

/* -------------------------------------------------------------------------- hints */

/* Whoever reads what lies between the first and the last block of these bytes dies. */
static void forbid(unsigned item, size_t first, size_t byte_count, int protection)
{
    const size_t begin = (first + 2 * BLOCK - 1) / BLOCK * BLOCK, end = (first + byte_count - BLOCK) / BLOCK * BLOCK;

    ck_assert_uint_lt(begin, end);
    ck_assert_int_eq(mprotect(arrays.item[item].bytes + begin, end - begin, protection), 0);
}

/* _i: mode, slots */
START_TEST(what_is_said_to_be_unchanged_is_not_read)
{
    begin_mode(_i);
    make(USUAL);
    struct h5ckpt_options options = options_of_mode();
    options.slots = 2 + (unsigned)_i / MODE_COUNT;
    h5ckpt_store *store = open_and_save_all(&options);
    for (unsigned round = 0; round < 4; round++) {
        flip(3, round);
        arrays_copy(&previous, &model);
        arrays_copy(&model, &arrays);
        assert_status(h5ckpt_unchanged(store, "alpha", 0, UINT64_MAX), H5CKPT_OK);
        forbid(0, 0, arrays.item[0].byte_count, PROT_NONE);
        gate_forget();
        assert_status_message(try_save(store), H5CKPT_OK, h5ckpt_message(store));
        ck_assert_uint_le(gate_written_bytes("slot"), SURPLUS_BYTES);
        forbid(0, 0, arrays.item[0].byte_count, PROT_READ | PROT_WRITE);
        assert_stored();
        assert_stored_is(H5CKPT_PREVIOUS, &previous, epoch - 1);
    }
    h5ckpt_close(store);
}
END_TEST

/* _i: mode */
START_TEST(a_range_that_is_said_to_be_unchanged_is_not_read)
{
    const size_t first = MIB / 4 + 4104, byte_count = MIB / 2 + 4000; /* not of whole blocks */

    begin_mode(_i);
    make(USUAL);
    h5ckpt_store *store = open_mode_and_save_all();
    for (unsigned round = 0; round < 4; round++) {
        flip(0, first - 1);
        flip(0, first + byte_count);
        flip(1, 1000 * round);
        arrays_copy(&model, &arrays);
        assert_status(h5ckpt_unchanged(store, "alpha", first / 8, byte_count / 16), H5CKPT_OK);
        assert_status(h5ckpt_unchanged(store, "alpha", first / 8 + byte_count / 16, byte_count / 16), H5CKPT_OK);
        forbid(0, first, byte_count / 2, PROT_NONE); /* each for itself */
        forbid(0, first + byte_count / 2, byte_count / 2, PROT_NONE);
        assert_status_message(try_save(store), H5CKPT_OK, h5ckpt_message(store));
        forbid(0, first, byte_count / 2, PROT_READ | PROT_WRITE);
        forbid(0, first + byte_count / 2, byte_count / 2, PROT_READ | PROT_WRITE);
        assert_stored();
    }
    h5ckpt_close(store);
}
END_TEST

/* _i: mode, slots. It is unchanged since the last save; but the slot that is written now holds an older state. */
START_TEST(what_is_unchanged_but_not_yet_in_the_slot_is_written)
{
    begin_mode(_i);
    make(USUAL);
    struct h5ckpt_options options = options_of_mode();
    options.slots = 1 + (unsigned)_i / MODE_COUNT;
    h5ckpt_store *store = open_and_save_all(&options);
    for (size_t round = 0; round < 8; round++) {
        if (round % 2 == 0)
            for (size_t i = 0; i < 9; i++)
                flip(i % 2 == 0 ? 0 : 1, (i + round) * BLOCK + 9);
        else
            assert_unchanged_all(store);
        save(store);
        assert_stored();
        if (options.slots > 1)
            assert_stored_is(H5CKPT_PREVIOUS, &previous, epoch - 1);
    }
    h5ckpt_close(store);
}
END_TEST

/* _i: mode */
START_TEST(a_hint_is_for_the_next_save_only)
{
    begin_mode(_i);
    make(USUAL);
    h5ckpt_store *store = open_mode_and_save_all();
    for (size_t round = 0; round < 6; round++) {
        assert_unchanged_all(store);
        save(store);
        assert_stored();
        flip(0, (2 * round + 1) * BLOCK);
        flip(1, (2 * round + 3) * BLOCK);
        flip(2, 7);
        for (unsigned slot = 0; slot < 2; slot++) {
            save(store);
            assert_stored();
        }
    }
    h5ckpt_close(store);
}
END_TEST

/* _i: mode */
START_TEST(hints_before_the_first_save_are_ignored)
{
    begin_mode(_i);
    make(USUAL);
    const struct h5ckpt_options options = options_of_mode();
    for (uint64_t life = 0; life < 2; life++) {
        h5ckpt_store *store = open_with(&options);
        ck_assert_int_ge(h5ckpt_restore(store, NULL, NULL), 0);
        arrays_fill(&arrays, 10 + life);
        for (unsigned slot = 0; slot < 2; slot++) {
            assert_unchanged_all(store);
            ck_assert_uint_ge(save(store), arrays_byte_count(&arrays));
            assert_stored();
        }
        h5ckpt_close(store);
    }
}
END_TEST

/* _i: mode, failure. True: nothing has changed since the save that failed. */
START_TEST(a_hint_after_a_failed_save_leaves_nothing_of_that_out)
{
    const struct failure *failure = &FAILURE[_i / MODE_COUNT];

    begin_mode(_i);
    make(USUAL);
    h5ckpt_store *store = open_mode_and_save_all();
    for (size_t i = 0; i < ALPHA_BYTES / BLOCK; i += 3)
        flip(0, i * BLOCK + 3);
    gate_fail(failure->call, "slot", failure->first, GATE_FOR_EVER, failure->error);
    ck_assert_int_lt(try_save(store), 0);
    gate_fail_no_more();
    for (unsigned slot = 0; slot < 3; slot++) {
        assert_unchanged_all(store);
        save(store);
        assert_stored();
    }
    h5ckpt_close(store);
}
END_TEST

/* _i: mode, failure. The hint was for the save that failed. */
START_TEST(a_hint_for_a_save_that_failed_is_spent)
{
    const struct failure *failure = &FAILURE[_i / MODE_COUNT];

    begin_mode(_i);
    make(USUAL);
    h5ckpt_store *store = open_mode_and_save_all();
    assert_unchanged_all(store);
    gate_fail(failure->call, "slot", failure->first, GATE_FOR_EVER, failure->error);
    ck_assert_int_lt(try_save(store), 0);
    gate_fail_no_more();
    for (unsigned slot = 0; slot < 3; slot++) {
        flip(0, MIB / 2 + slot * BLOCK);
        flip(1, MIB / 2 + slot * BLOCK);
        save(store);
        assert_stored();
    }
    h5ckpt_close(store);
}
END_TEST

static int fails; /* what the get function returns */

static int get_bytes(void *context, void *bytes, size_t byte_count)
{
    memcpy(bytes, context, byte_count);
    return fails;
}

static int put_bytes(void *context, const void *bytes, size_t byte_count)
{
    memcpy(context, bytes, byte_count);
    return 0;
}

/* _i: mode. A save that fails before it has looked at anything is a save as well. */
START_TEST(a_hint_after_a_save_that_a_get_function_failed_leaves_nothing_out)
{
    static unsigned char device[300000], kept[sizeof device];
    const struct h5ckpt_access access = {.get = get_bytes, .put = put_bytes, .context = device};

    begin_mode(_i);
    fails = 0;
    make(USUAL);
    h5ckpt_add_access(arrays.state, "device", H5CKPT_UINT8, 1, (const uint64_t[]){sizeof device}, &access);
    h5ckpt_store *store = open_mode_and_save_all();
    for (size_t i = 0; i < ALPHA_BYTES / BLOCK; i += 3)
        flip(0, i * BLOCK + 3);
    memset(device, 5, sizeof device);
    fails = 1;
    assert_status(try_save(store), H5CKPT_E_CALLBACK);
    fails = 0;
    for (unsigned slot = 0; slot < 3; slot++) {
        assert_unchanged_all(store);
        assert_status(h5ckpt_unchanged(store, "device", 0, UINT64_MAX), H5CKPT_OK);
        save(store);
        memcpy(kept, device, sizeof kept);
        memset(device, 0xee, sizeof device);
        arrays_spoil(&arrays);
        assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
        ck_assert(arrays_equal(&arrays, &model));
        ck_assert_mem_eq(device, kept, sizeof kept);
    }
    h5ckpt_close(store);
}
END_TEST

/* _i: mode. The hint was for the save that failed. */
START_TEST(a_hint_for_a_save_that_a_get_function_failed_is_spent)
{
    static unsigned char device[300000];
    const struct h5ckpt_access access = {.get = get_bytes, .put = put_bytes, .context = device};

    begin_mode(_i);
    fails = 0;
    make(USUAL);
    h5ckpt_add_access(arrays.state, "device", H5CKPT_UINT8, 1, (const uint64_t[]){sizeof device}, &access);
    h5ckpt_store *store = open_mode_and_save_all();
    assert_unchanged_all(store);
    fails = 1;
    assert_status(try_save(store), H5CKPT_E_CALLBACK);
    fails = 0;
    for (size_t i = 0; i < ALPHA_BYTES / BLOCK; i += 3)
        flip(0, i * BLOCK + 3);
    save(store);
    arrays_spoil(&arrays);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    ck_assert(arrays_equal(&arrays, &model));
    h5ckpt_close(store);
}
END_TEST

/* A save of memory as it is that stays in flight, for years if nobody waits; afterwards memory may change. */
static h5ckpt_store *open_and_keep_in_flight(void)
{
    struct h5ckpt_options options = options_of_mode();

    options.background.skip_if_busy = true;
    options.background.bytes_per_second = 1;
    h5ckpt_store *store = open_and_save_all(&options);
    for (size_t i = 0; i < ALPHA_BYTES / BLOCK; i += 3) {
        flip(0, i * BLOCK + 3);
        flip(1, i * BLOCK + 3);
    }
    gate_shut(GATE_WRITE, "slot"); /* a fence that is under way lifts the limit */
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = ++epoch}), H5CKPT_OK);
    assert_status(h5ckpt_fence(store), H5CKPT_OK);
    gate_open();
    return store;
}

/* _i: background mode. True: nothing has changed since the last call, which was skipped. */
START_TEST(a_hint_after_a_save_that_was_skipped_leaves_nothing_out)
{
    begin_mode(1 + _i);
    make(USUAL);
    h5ckpt_store *store = open_and_keep_in_flight();
    for (size_t i = 1; i < ALPHA_BYTES / BLOCK; i += 3)
        flip(0, i * BLOCK + 3);
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 99}), H5CKPT_SKIPPED);
    for (unsigned slot = 0; slot < 3; slot++) {
        assert_unchanged_all(store);
        assert_status(h5ckpt_wait(store), H5CKPT_OK);
        save(store);
        assert_stored();
    }
    h5ckpt_close(store);
}
END_TEST

/* _i: background mode */
START_TEST(a_hint_for_a_save_that_was_skipped_is_spent)
{
    begin_mode(1 + _i);
    make(USUAL);
    h5ckpt_store *store = open_and_keep_in_flight();
    assert_unchanged_all(store); /* may wait, and then nothing is skipped */
    const h5ckpt_status status = h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 99});
    ck_assert(status == H5CKPT_OK || status == H5CKPT_SKIPPED);
    assert_status(h5ckpt_wait(store), H5CKPT_OK);
    for (unsigned slot = 0; slot < 3; slot++) {
        flip(0, MIB / 2 + slot * BLOCK);
        flip(1, MIB / 2 + slot * BLOCK);
        save(store);
        assert_stored();
    }
    h5ckpt_close(store);
}
END_TEST

/* _i: mode, which state is restored, whether the hint comes before */
START_TEST(a_restore_makes_hints_harmless)
{
    const bool before = _i / MODE_COUNT / 2 == 1;
    struct h5ckpt_restore_options options = h5ckpt_restore_options_default();

    begin_mode(_i);
    make(USUAL);
    options.which = _i / MODE_COUNT % 2 == 0 ? H5CKPT_CURRENT : H5CKPT_PREVIOUS;
    h5ckpt_store *store = open_mode_and_save_all();
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < ALPHA_BYTES / BLOCK; i += 3)
            flip(0, i * BLOCK + round);
        save(store);
        if (before)
            assert_unchanged_all(store);
        arrays_copy(&twin, options.which == H5CKPT_CURRENT ? &model : &previous);
        if (!before)
            arrays_spoil(&arrays); /* and then it is as it was again */
        assert_status(h5ckpt_restore(store, &options, NULL), H5CKPT_OK);
        ck_assert(arrays_equal(&arrays, &twin));
        if (!before && options.which == H5CKPT_CURRENT)
            assert_unchanged_all(store);
        save(store);
        assert_stored();
    }
    h5ckpt_close(store);
}
END_TEST

/* Elements, not bytes, and no more of them than were named: everything else changes. */
START_TEST(nothing_outside_the_range_of_a_hint_is_left_out)
{
    uint64_t random = 42;

    begin_mode(_i);
    make(USUAL);
    h5ckpt_store *store = open_mode_and_save_all();
    for (unsigned round = 0; round < 10; round++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const unsigned item = round % 3;
        const size_t element_bytes = arrays.item[item].element_bytes;
        const size_t element_count = arrays.item[item].byte_count / element_bytes;
        const size_t first = (size_t)(random >> 33) % element_count;
        const size_t count = round % 5 == 0 ? element_count : (size_t)(random >> 20) % element_count;
        const size_t end = count > element_count - first ? element_count : first + count;
        for (size_t at = 0; at < arrays.item[item].byte_count; at++)
            if (at < first * element_bytes || at >= end * element_bytes)
                arrays.item[item].bytes[at]++;
        assert_status(h5ckpt_unchanged(store, arrays.item[item].name, first, count), H5CKPT_OK);
        save(store);
        assert_stored();
    }
    h5ckpt_close(store);
}
END_TEST

static const struct range {
    uint64_t first, count;
    size_t begin, end; /* bytes of "alpha" that it promises */
} RANGE[] = {
    {0, 0, 0, 0},
    {ALPHA_BYTES / 8, 1, 0, 0},
    {UINT64_MAX, UINT64_MAX, 0, 0},
    {UINT64_MAX, 1, 0, 0},
    {(UINT64_MAX >> 3) + 1, 8192, 0, 0}, /* times 8 it is 0 */
    {MIB, 8192, 0, 0},
    {65536, UINT64_MAX - 1, MIB / 2, ALPHA_BYTES},
    {65536, UINT64_MAX - 65535, MIB / 2, ALPHA_BYTES},
    {65536, (UINT64_MAX >> 3) + 2, MIB / 2, ALPHA_BYTES},
};

/* _i: range */
START_TEST(a_range_that_goes_beyond_the_end_promises_what_is_there)
{
    const struct range *range = &RANGE[_i];

    mode = H5CKPT_SAVE_SYNCHRONOUS;
    make(USUAL);
    h5ckpt_store *store = open_mode_and_save_all();
    for (size_t at = 0; at < ALPHA_BYTES; at++)
        if (at < range->begin || at >= range->end)
            arrays.item[0].bytes[at]++;
    assert_status(h5ckpt_unchanged(store, "alpha", range->first, range->count), H5CKPT_OK);
    if (range->end > range->begin)
        forbid(0, range->begin, range->end - range->begin, PROT_NONE);
    assert_status(try_save(store), H5CKPT_OK);
    if (range->end > range->begin)
        forbid(0, range->begin, range->end - range->begin, PROT_READ | PROT_WRITE);
    arrays_copy(&model, &arrays);
    assert_stored();
    h5ckpt_close(store);
}
END_TEST

/* _i: mode */
START_TEST(a_hint_of_an_unknown_variable_is_refused_and_promises_nothing)
{
    static const char *const NAME[] = {"omega", "alph", "alpha/", "/alpha", "alphabet", "", "ALPHA"};

    begin_mode(_i);
    make(USUAL);
    h5ckpt_store *store = open_mode_and_save_all();
    arrays_fill(&arrays, 2);
    for (unsigned i = 0; i < COUNT(NAME); i++) {
        assert_status(h5ckpt_unchanged(store, NAME[i], 0, UINT64_MAX), H5CKPT_E_ARGUMENT);
        assert_mentions(h5ckpt_message(store), NAME[i]);
    }
    assert_status(h5ckpt_unchanged(store, NULL, 0, UINT64_MAX), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_unchanged(NULL, "alpha", 0, UINT64_MAX), H5CKPT_E_ARGUMENT);
    save(store);
    assert_stored();
    h5ckpt_close(store);
}
END_TEST

/* _i: mode */
START_TEST(a_hint_survives_a_variable_that_is_added)
{
    static double late[20000];

    begin_mode(_i);
    make(USUAL);
    h5ckpt_store *store = open_mode_and_save_all();
    for (unsigned round = 0; round < 2; round++) {
        if (round == 0)
            assert_unchanged_all(store);
        for (size_t i = 0; i < COUNT(late); i++)
            late[i] = (double)i + round;
        if (round == 0)
            h5ckpt_add(arrays.state, "late", H5CKPT_FLOAT64, 1, (const uint64_t[]){COUNT(late)}, late);
        else
            assert_unchanged_all(store);
        assert_status_message(try_save(store), H5CKPT_OK, h5ckpt_message(store));
        memset(late, 0, sizeof late);
        arrays_copy(&model, &arrays);
        arrays_spoil(&arrays);
        assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
        ck_assert(arrays_equal(&arrays, &model));
        unsigned wrong = 0; /* an assertion each takes long */
        for (size_t i = 0; i < COUNT(late); i++)
            wrong += late[i] != (double)i + round;
        ck_assert_uint_eq(wrong, 0);
    }
    h5ckpt_close(store);
}
END_TEST

/* _i: mode. Nothing has been saved yet that it could be like. */
START_TEST(a_hint_of_a_variable_that_was_never_saved_promises_nothing)
{
    static double late[20000];

    begin_mode(_i);
    make(USUAL);
    h5ckpt_store *store = open_mode_and_save_all();
    for (size_t i = 0; i < COUNT(late); i++)
        late[i] = (double)i;
    h5ckpt_add(arrays.state, "late", H5CKPT_FLOAT64, 1, (const uint64_t[]){COUNT(late)}, late);
    assert_status(h5ckpt_unchanged(store, "late", 0, UINT64_MAX), H5CKPT_OK);
    assert_status_message(try_save(store), H5CKPT_OK, h5ckpt_message(store));
    memset(late, 0, sizeof late);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    unsigned wrong = 0;
    for (size_t i = 0; i < COUNT(late); i++)
        wrong += late[i] != (double)i;
    ck_assert_uint_eq(wrong, 0);
    h5ckpt_close(store);
}
END_TEST

/* Another address with the same content: the promise is about the variable. */
START_TEST(a_hint_for_memory_that_moved_is_right)
{
    enum { BYTES = MIB };
    unsigned char *memory = malloc(BYTES);
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    begin_mode(_i);
    const struct h5ckpt_options options = options_of_mode();
    h5ckpt_add_indirect(state, "moved", H5CKPT_UINT8, 1, (const uint64_t[]){BYTES}, (void *const *)&memory);
    assert_status(h5ckpt_open(&store, fixture_backup, state, &options), H5CKPT_OK);
    memset(memory, 7, BYTES);
    for (unsigned round = 0; round < 5; round++) {
        unsigned char *moved = malloc(BYTES);
        ck_assert_ptr_nonnull(moved);
        memcpy(moved, memory, BYTES);
        free(memory);
        memory = moved;
        assert_status(h5ckpt_unchanged(store, "moved", 0, UINT64_MAX), H5CKPT_OK);
        assert_status(try_save(store), H5CKPT_OK);
    }
    memset(memory, 0, BYTES);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    ck_assert(is_all(memory, BYTES, 7));
    h5ckpt_close(store);
    h5ckpt_state_free(state);
    free(memory);
}
END_TEST

START_TEST(a_hint_by_another_process_is_refused)
{
    mode = H5CKPT_SAVE_SYNCHRONOUS;
    make(USUAL);
    h5ckpt_store *store = open_mode_and_save_all();
    int status;
    pid_t process = fork();
    if (process == 0)
        _exit(h5ckpt_unchanged(store, "alpha", 0, 1) == H5CKPT_E_ARGUMENT ? 0 : 1);
    ck_assert_int_eq(waitpid(process, &status, 0), process);
    ck_assert_int_eq(status, 0);
    h5ckpt_close(store);
}
END_TEST

/* ------------------------------------------------------------------------- at random */

enum { KEPT_COUNT = 8, ROUND_COUNT = 50 };

static const size_t RANDOM_BYTES[] = {9 * BLOCK + 4096, 5 * BLOCK + 16, 70001, 24, 0};

static uint64_t random_state;
static struct arrays kept[KEPT_COUNT]; /* what was saved, by epoch */
static struct arrays at_last_call;     /* memory as it was at the last call of h5ckpt_save() */
static _Atomic uint64_t durable_epoch; /* as the events say */
static _Atomic uint64_t failed_count;  /* likewise */

static uint64_t draw(uint64_t count)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 11) % count;
}

static bool one_in(uint64_t count)
{
    return draw(count) == 0;
}

static void note_event(void *context, const struct h5ckpt_event *event)
{
    (void)context;
    if (event->kind == H5CKPT_EVENT_DURABLE) {
        ck_assert_uint_gt(event->progress.epoch, durable_epoch);
        durable_epoch = event->progress.epoch;
    }
    failed_count += event->kind == H5CKPT_EVENT_SAVE_FAILED;
}

/* A few bytes, a run of them, or a whole array. */
static void change_at_random(void)
{
    for (uint64_t times = draw(4); times > 0; times--) {
        const unsigned item = (unsigned)draw(arrays.count);
        const size_t byte_count = arrays.item[item].byte_count, first = (size_t)draw(byte_count);
        size_t count = one_in(3) ? (size_t)draw(3 * BLOCK) + 1 : one_in(10) ? byte_count : 1;
        const unsigned char by = (unsigned char)(1 + draw(255));
        for (size_t at = first; at < byte_count && count > 0; at++, count--)
            arrays.item[item].bytes[at] ^= by;
    }
}

/* True ones only. */
static void hint_at_random(h5ckpt_store *store)
{
    for (uint64_t times = draw(5); times > 0; times--) {
        const unsigned item = (unsigned)draw(arrays.count);
        const size_t element_bytes = arrays.item[item].element_bytes;
        const size_t element_count = arrays.item[item].byte_count / element_bytes;
        const size_t first = one_in(2) ? 0 : (size_t)draw(element_count);
        const size_t count = one_in(2) ? element_count - first : (size_t)draw(element_count - first + 1);
        if (memcmp(arrays.item[item].bytes + first * element_bytes,
                   at_last_call.item[item].bytes + first * element_bytes, count * element_bytes) == 0)
            assert_status(h5ckpt_unchanged(store, arrays.item[item].name, first, count), H5CKPT_OK);
    }
}

static bool is_pending; /* a save is in flight that nothing makes fail */

static h5ckpt_store *open_at_random(void)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    do
        mode = MODE[draw(MODE_COUNT)];
    while (mode == H5CKPT_SAVE_FORKED && !FORKED_RUNS);
    options.save_mode = mode;
    options.slots = 1 + (unsigned)draw(3);
    options.rewrite_every = (const unsigned[]){1, 3, 16, 1000}[draw(4)];
    options.background.skip_if_busy = one_in(3);
    options.background.memory_bytes = (const uint64_t[]){0, 100000, 500000, UINT64_MAX}[draw(4)];
    options.background.bytes_per_second = one_in(4) ? 1 : 0;
    options.background.detect_changes = one_in(3);
    options.event = note_event;
    h5ckpt_store *store = open_with(&options);
    const h5ckpt_status status = h5ckpt_restore(store, NULL, NULL);
    ck_assert_msg(status >= 0, "%s", h5ckpt_message(store));
    ck_assert(status == H5CKPT_NO_CHECKPOINT ||
              arrays_equal(&arrays, &kept[h5ckpt_progress(store).epoch % KEPT_COUNT]));
    return store;
}

/* Somebody else finds the last durable state, or a later one that was begun: whole in any case. */
static void assert_whole_state_stored(void)
{
    const uint64_t durable = durable_epoch;
    struct h5ckpt_progress progress;
    h5ckpt_status status = H5CKPT_E_OVERTAKEN;

    for (unsigned attempt = 0; attempt < 20 && status == H5CKPT_E_OVERTAKEN; attempt++)
        status = arrays_restore(&twin, H5CKPT_CURRENT, &progress);
    if (durable == 0 && status == H5CKPT_NO_CHECKPOINT)
        return;
    ck_assert_msg(status == H5CKPT_OK || status == H5CKPT_FELL_BACK, "%s", h5ckpt_status_name(status));
    ck_assert_uint_ge(progress.epoch, durable);
    ck_assert_uint_le(progress.epoch, epoch);
    ck_assert_uint_lt(epoch - progress.epoch, KEPT_COUNT);
    ck_assert_msg(arrays_equal(&twin, &kept[progress.epoch % KEPT_COUNT]), "what is stored as state %ju is another",
                  (uintmax_t)progress.epoch);
}

/* One save, which may fail; memory changes at once. */
static void save_at_random(h5ckpt_store *store)
{
    const uint64_t failed_before = failed_count;
    const bool may_fail = one_in(5);
    h5ckpt_status waited = H5CKPT_OK;

    if (may_fail) {
        static const unsigned CALLS[] = {GATE_WRITE, GATE_FLUSH, GATE_RENAME, GATE_WRITE | GATE_FLUSH | GATE_ALLOCATE};
        gate_fail(CALLS[draw(COUNT(CALLS))], one_in(2) ? "slot" : NULL, (long)draw(8), 1, one_in(2) ? EIO : ENOSPC);
    } else {
        gate_fail(0, NULL, 0, 0, 0);
    }
    arrays_copy(&kept[++epoch % KEPT_COUNT], &arrays);
    arrays_copy(&at_last_call, &arrays);
    const h5ckpt_status status = h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = epoch});
    assert_status_message(h5ckpt_fence(store), H5CKPT_OK, h5ckpt_message(store));
    if (status == H5CKPT_SKIPPED)
        epoch--;
    change_at_random();
    const bool waits = status < 0 || may_fail || one_in(2);
    is_pending = !waits;
    if (waits) {
        waited = h5ckpt_wait(store);
        gate_fail_no_more();
        ck_assert_uint_eq(h5ckpt_progress(store).epoch, durable_epoch);
    }
    ck_assert_msg((status >= 0 && waited == H5CKPT_OK) || gate_failed(), "%s, %s: %s", h5ckpt_status_name(status),
                  h5ckpt_status_name(waited), h5ckpt_message(store));
    if (waits && status >= 0 && waited == H5CKPT_OK)
        ck_assert_uint_eq(durable_epoch, epoch);
    if (waits)
        ck_assert_uint_eq(failed_count - failed_before, (status < 0) + (waited < 0));
}

/* _i: seed */
START_TEST(whatever_is_left_out_at_random_a_restore_gives_what_was_saved)
{
    random_state = UINT64_C(0x123456789abcdef) * (uint64_t)(_i + 1);
    durable_epoch = 0;
    failed_count = 0;
    is_pending = false;
    make(RANDOM_BYTES);
    for (unsigned i = 0; i < KEPT_COUNT; i++)
        arrays_make_like(&kept[i], &arrays);
    arrays_make_like(&at_last_call, &arrays);
    arrays_copy(&at_last_call, &arrays);
    h5ckpt_store *store = open_at_random();
    for (unsigned round = 0; round < ROUND_COUNT; round++) {
        if (one_in(8)) {
            gate_fail_no_more();
            h5ckpt_close(store);
            if (is_pending)
                ck_assert_uint_eq(durable_epoch, epoch);
            store = open_at_random();
        }
        if (one_in(12) && durable_epoch != 0) {
            gate_fail_no_more();
            ck_assert_int_ge(h5ckpt_restore(store, NULL, NULL), 0);
            ck_assert(arrays_equal(&arrays, &kept[h5ckpt_progress(store).epoch % KEPT_COUNT]));
        }
        if (one_in(10)) {
            ck_assert_int_eq(h5ckpt_wait(store), H5CKPT_OK);
            if (file_exists(in_backup(FORMAT_SLOT_A)))
                touch(in_backup(FORMAT_SLOT_A), TOUCH_TIMES);
        }
        change_at_random();
        hint_at_random(store);
        save_at_random(store);
        assert_whole_state_stored();
        if (epoch != durable_epoch && one_in(2)) {
            h5ckpt_wait(store);
            assert_whole_state_stored();
        }
        while (epoch - durable_epoch >= KEPT_COUNT - 2) /* bound what must be kept */
            save_at_random(store);
    }
    gate_fail_no_more();
    h5ckpt_close(store);
    assert_whole_state_stored();
    ck_assert_uint_gt(durable_epoch, ROUND_COUNT / 2);
    for (unsigned i = 0; i < KEPT_COUNT; i++)
        arrays_free(&kept[i]);
    arrays_free(&at_last_call);
}
END_TEST

/* --------------------------------------------------------------------------- main */

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *test_case = tcase_create(name);

    tcase_add_unchecked_fixture(test_case, fixture_begin, fixture_end);
    tcase_add_checked_fixture(test_case, setup, teardown);
    tcase_set_timeout(test_case, 120);
    suite_add_tcase(suite, test_case);
    return test_case;
}

int main(void)
{
    enum { FAILURES = MODE_COUNT * (int)COUNT(FAILURE) };
    Suite *suite = suite_create("incremental");
    TCase *test_case;

    test_case = add_case(suite, "what is written");
    tcase_add_loop_test(test_case, one_changed_byte_costs_a_few_blocks, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, as_much_is_written_as_has_changed, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, what_changed_while_the_other_slot_was_written_is_written_too, 0, MODE_COUNT * 2);
    tcase_add_loop_test(test_case, a_state_in_which_nothing_changed_is_saved_by_few_bytes, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, everything_is_written_into_a_slot_for_the_first_time, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, everything_is_written_always_where_that_was_asked_for, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, everything_is_written_anew_as_often_as_was_asked_for, 0, MODE_COUNT * 3);

    test_case = add_case(suite, "somebody else");
    tcase_add_loop_test(test_case, a_slot_that_somebody_else_has_touched_is_written_whole, 0, MODE_COUNT * 2);
    tcase_add_loop_test(test_case, after_a_failed_save_its_slot_is_written_whole, 0, MODE_COUNT * 2);

    test_case = add_case(suite, "hints");
    tcase_add_loop_test(test_case, what_is_said_to_be_unchanged_is_not_read, 0, MODE_COUNT * 2);
    tcase_add_loop_test(test_case, a_range_that_is_said_to_be_unchanged_is_not_read, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, what_is_unchanged_but_not_yet_in_the_slot_is_written, 0, MODE_COUNT * 3);
    tcase_add_loop_test(test_case, a_hint_is_for_the_next_save_only, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, hints_before_the_first_save_are_ignored, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, a_hint_after_a_failed_save_leaves_nothing_of_that_out, 0, FAILURES);
    tcase_add_loop_test(test_case, a_hint_for_a_save_that_failed_is_spent, 0, FAILURES);
    tcase_add_loop_test(test_case, a_hint_after_a_save_that_a_get_function_failed_leaves_nothing_out, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, a_hint_for_a_save_that_a_get_function_failed_is_spent, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, a_hint_after_a_save_that_was_skipped_leaves_nothing_out, 0, MODE_COUNT - 1);
    tcase_add_loop_test(test_case, a_hint_for_a_save_that_was_skipped_is_spent, 0, MODE_COUNT - 1);
    tcase_add_loop_test(test_case, a_restore_makes_hints_harmless, 0, MODE_COUNT * 4);
    tcase_add_loop_test(test_case, nothing_outside_the_range_of_a_hint_is_left_out, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, a_range_that_goes_beyond_the_end_promises_what_is_there, 0, (int)COUNT(RANGE));
    tcase_add_loop_test(test_case, a_hint_of_an_unknown_variable_is_refused_and_promises_nothing, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, a_hint_survives_a_variable_that_is_added, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, a_hint_of_a_variable_that_was_never_saved_promises_nothing, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, a_hint_for_memory_that_moved_is_right, 0, MODE_COUNT);
    tcase_add_test(test_case, a_hint_by_another_process_is_refused);

    test_case = add_case(suite, "at random");
    tcase_add_loop_test(test_case, whatever_is_left_out_at_random_a_restore_gives_what_was_saved, 0, 4);

    return suite_run(suite);
}
