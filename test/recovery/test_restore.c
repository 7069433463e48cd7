/* SPDX-License-Identifier: MIT */
/*
 * Restoring through the public API: damage, loss, mismatch, passing errors, a writer beside, a writer killed.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format.h"
#include "recovery/examine.h"
#include "state/state.h"
#include "storage/system.h"
#include "support/assert_h5ckpt.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { CALLS_MAX = 400, SLOT_BYTES_MAX = 1 << 19 };

static struct standard standard;
static struct standard writer_standard; /* of a second store */

static const char *const SLOT_NAME[] = {FORMAT_SLOT_A, FORMAT_SLOT_B, FORMAT_SLOT_C};

static void setup(void)
{
    faults_clear();
    fixture_setup();
    standard_make(&standard);
    standard_make(&writer_standard);
    standard_spoil(&standard);
}

static void teardown(void)
{
    faults_clear();
    standard_free(&standard);
    standard_free(&writer_standard);
    fixture_teardown();
}

static const struct h5ckpt_restore_options *options_of(enum h5ckpt_which which, enum h5ckpt_memory memory)
{
    static struct h5ckpt_restore_options options;

    options = h5ckpt_restore_options_default();
    options.which = which;
    options.memory = memory;
    return &options;
}

static const enum h5ckpt_memory MEMORY[] = {H5CKPT_VERIFY_FIRST, H5CKPT_STAGED, H5CKPT_BLOCKWISE};

enum { MEMORY_COUNT = COUNT(MEMORY) };

/* ------------------------------------------------------- one slot is damaged */

START_TEST(a_flipped_bit_anywhere_in_the_newest_slot_falls_back_or_is_harmless)
{
    standard_history(2, 1, 4);
    const char *path = in_backup(slot_of_epoch(4));
    const uint64_t bits = file_bytes(path) * 8;
    h5ckpt_store *store = standard_open_reader(&standard);

    for (uint64_t bit = (uint64_t)_i; bit < bits; bit += bit < 4096 ? 5 : bit < 32768 ? 501 : 1009) {
        const bool unread = bit / 8 >= 512 && bit / 8 < FORMAT_USER_BLOCK_BYTES;
        standard_spoil(&standard);
        file_flip_bit(path, bit);
        h5ckpt_status status = h5ckpt_restore(store, options_of(H5CKPT_CURRENT, MEMORY[_i]), NULL);
        file_flip_bit(path, bit);
        ck_assert_msg(status == (unread ? H5CKPT_OK : H5CKPT_FELL_BACK), "bit %d: %s: %s", (int)bit,
                      h5ckpt_status_name(status), h5ckpt_message(store));
        ck_assert_msg(standard_is(&standard, unread ? 4 : 3), "bit %d", (int)bit);
    }
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 4); /* every bit is back: else this showed little */
}
END_TEST

START_TEST(a_flipped_bit_in_the_previous_slot_does_not_touch_the_newest)
{
    standard_history(2, 1, 4);
    const char *path = in_backup(slot_of_epoch(3));
    const uint64_t bits = file_bytes(path) * 8;
    h5ckpt_store *store = standard_open_reader(&standard);

    for (uint64_t bit = 3; bit < bits; bit += bit < 4096 ? 101 : 20011) {
        standard_spoil(&standard);
        file_flip_bit(path, bit);
        h5ckpt_status status = h5ckpt_restore(store, NULL, NULL);
        file_flip_bit(path, bit);
        ck_assert_msg(status == H5CKPT_OK || (status == H5CKPT_FELL_BACK && bit < 4096), "bit %d: %s", (int)bit,
                      h5ckpt_status_name(status)); /* a record that cannot be read may have been a newer one */
        ck_assert(standard_is(&standard, 4));
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_newest_slot_of_any_other_length_falls_back)
{
    static unsigned char bytes[SLOT_BYTES_MAX];

    standard_history(2, 1, 4);
    const char *path = in_backup(slot_of_epoch(4));
    const uint64_t byte_count = file_bytes(path);
    ck_assert_uint_lt(byte_count, SLOT_BYTES_MAX);
    file_read_bytes(path, bytes, byte_count, 0);
    h5ckpt_store *store = standard_open_reader(&standard);
    for (uint64_t length = 0; length <= byte_count + 4096;
         length += length < 600 || length + 20 > byte_count ? 1 : 509) {
        if (length == byte_count)
            continue;
        file_write_bytes(path, bytes, byte_count, 0);
        file_cut(path, length);
        standard_spoil(&standard);
        h5ckpt_status status = h5ckpt_restore(store, NULL, NULL);
        ck_assert_msg(status == H5CKPT_FELL_BACK, "length %d: %s", (int)length, h5ckpt_status_name(status));
        ck_assert(standard_is(&standard, 3));
        if (length > byte_count + 40)
            length += 501;
    }
    h5ckpt_close(store);
}
END_TEST

static void replace_by_nothing(const char *path)
{
    file_replace(path, "", 0);
}

static void replace_by_0(const char *path)
{
    file_replace(path, "0", 1);
}

static void replace_by_zeros(const char *path)
{
    static char zeros[SLOT_BYTES_MAX];

    file_replace(path, zeros, (size_t)file_bytes(path));
}

static void replace_by_directory(const char *path)
{
    file_remove(path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

/* To a whole copy of the slot: it would be intact if it were followed. */
static void replace_by_symbolic_link(const char *path)
{
    char target[2 * PATH_BYTES];

    snprintf(target, sizeof target, "%s/moved", fixture_directory);
    ck_assert_int_eq(rename(path, target), 0);
    ck_assert_int_eq(symlink(target, path), 0);
}

static void replace_by_dangling_link(const char *path)
{
    file_remove(path);
    ck_assert_int_eq(symlink("nowhere", path), 0);
}

static void replace_by_fifo(const char *path)
{
    file_remove(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void flip_a_bit_of_the_record(const char *path)
{
    file_flip_bit(path, 8 * 100);
}

static void flip_a_bit_of_a_block(const char *path)
{
    file_flip_bit(path, 8 * 70000);
}

static void flip_a_bit_of_the_table(const char *path)
{
    file_flip_bit(path, 8 * (file_bytes(path) - 4096));
}

static void cut_in_half(const char *path)
{
    file_cut(path, file_bytes(path) / 2);
}

static void (*const DAMAGE[])(const char *path) = {
    replace_by_nothing,
    replace_by_0,
    replace_by_zeros,
    replace_by_directory,
    replace_by_symbolic_link,
    replace_by_dangling_link,
    replace_by_fifo,
    flip_a_bit_of_the_record,
    flip_a_bit_of_a_block,
    flip_a_bit_of_the_table,
    cut_in_half,
    file_remove,
};

START_TEST(a_damaged_newest_slot_falls_back_and_is_named)
{
    struct h5ckpt_report report;
    const char *name;

    standard_history(2, 1, 4);
    name = slot_of_epoch(4);
    DAMAGE[_i](in_backup(name));
    h5ckpt_store *store = standard_open(&standard, NULL);
    snapshot_before();
    assert_status_message(h5ckpt_restore(store, NULL, &report), H5CKPT_FELL_BACK, h5ckpt_message(store));
    assert_unchanged(); /* a restore writes nothing */
    ck_assert(standard_is(&standard, 3));
    assert_mentions(h5ckpt_message(store), name);
    ck_assert(report.fell_back);
    ck_assert_uint_eq(report.progress.epoch, 3);
    const struct h5ckpt_slot_report *bad = &report.slot[1 - report.restored];
    ck_assert_str_eq(bad->name, name);
    ck_assert_str_ne(bad->reason, "");
    ck_assert_int_eq(bad->state, DAMAGE[_i] == file_remove ? H5CKPT_SLOT_MISSING : H5CKPT_SLOT_DAMAGED);
    h5ckpt_close(store);
}
END_TEST

START_TEST(after_falling_back_saves_go_on_and_spare_the_restored_state)
{
    standard_history(2, 1, 4);
    DAMAGE[_i](in_backup(slot_of_epoch(4)));
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_FELL_BACK);
    h5ckpt_status status = standard_save(store, &standard, 10);
    if (DAMAGE[_i] == replace_by_directory) { /* not a file of ours to remove */
        assert_status(status, H5CKPT_E_FOREIGN);
        h5ckpt_close(store);
        assert_restores(H5CKPT_FELL_BACK, 3);
        return;
    }
    assert_status_message(status, H5CKPT_OK, h5ckpt_message(store));
    ck_assert_uint_eq(intact_count(), 2);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 10);
    assert_restores_previous(H5CKPT_OK, 3);
}
END_TEST

START_TEST(a_symbolic_link_in_a_slots_place_is_replaced_and_its_target_untouched)
{
    char target[2 * PATH_BYTES];

    standard_history(2, 1, 4);
    snprintf(target, sizeof target, "%s/victim", fixture_directory);
    file_replace(target, "victim", 6);
    const char *path = in_backup(slot_of_epoch(4));
    file_remove(path);
    ck_assert_int_eq(symlink(target, path), 0);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_FELL_BACK);
    for (uint64_t number = 5; number <= 8; number++)
        assert_status(standard_save(store, &standard, number), H5CKPT_OK);
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    h5ckpt_close(store);
    ck_assert(file_holds(target, "victim"));
}
END_TEST

START_TEST(a_hard_link_to_the_newest_slot_is_no_damage)
{
    char other[2 * PATH_BYTES];

    standard_history(2, 1, 4);
    snprintf(other, sizeof other, "%s/kept", fixture_directory);
    ck_assert_int_eq(link(in_backup(slot_of_epoch(4)), other), 0);
    assert_restores(H5CKPT_OK, 4);
}
END_TEST

START_TEST(damage_names_variable_and_block)
{
    standard_history(2, 1, 4);
    file_flip_bit(in_backup(slot_of_epoch(4)), 8 * 100000); /* inside `weights` */
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_FELL_BACK);
    assert_mentions(h5ckpt_message(store), "weights");
    assert_mentions(h5ckpt_message(store), "block 1");
    h5ckpt_close(store);
}
END_TEST

START_TEST(the_reason_names_variable_and_block_however_long_the_directorys_path_is)
{
    char path[3 * PATH_BYTES];
    char slot[sizeof path + 16];
    struct h5ckpt_report report;
    h5ckpt_store *store;

    snprintf(path, sizeof path, "%s/%0200d/%0200d/%0200d", fixture_directory, 1, 2, 3);
    assert_status_message(h5ckpt_open(&store, path, standard.state, NULL), H5CKPT_OK, h5ckpt_message(store));
    for (uint64_t number = 1; number <= 2; number++)
        assert_status(standard_save(store, &standard, number), H5CKPT_OK);
    snprintf(slot, sizeof slot, "%s/slot-b.h5", path);
    file_flip_bit(slot, 8 * 100000); /* inside `weights` */
    assert_status(h5ckpt_restore(store, NULL, &report), H5CKPT_FELL_BACK);
    ck_assert_int_eq(report.slot[1].state, H5CKPT_SLOT_DAMAGED);
    assert_mentions(report.slot[1].reason, "weights");
    assert_mentions(report.slot[1].reason, "block 1");
    h5ckpt_close(store);
}
END_TEST

/* ---------------------------------------------------------- loss and absence */

START_TEST(all_slots_damaged_is_a_loss_that_changes_nothing)
{
    standard_history(2, 1, 4);
    for (unsigned i = 0; i < 2; i++)
        DAMAGE[_i](in_backup(SLOT_NAME[i]));
    if (DAMAGE[_i] == replace_by_symbolic_link)
        return; /* the second took the first one's place */
    h5ckpt_store *store = standard_open(&standard, NULL);
    snapshot_before();
    assert_status_message(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_LOST, h5ckpt_message(store));
    ck_assert_str_ne(h5ckpt_message(store), "");
    ck_assert(standard_is_spoilt(&standard));
    assert_status(standard_save(store, &standard, 5), H5CKPT_E_NOT_RESTORED);
    assert_unchanged();
    h5ckpt_close(store);
    assert_unchanged();
}
END_TEST

START_TEST(different_damage_to_both_slots_is_a_loss)
{
    standard_history(2, 1, 4);
    DAMAGE[_i](in_backup(SLOT_NAME[0]));
    DAMAGE[(_i + 5) % (int)COUNT(DAMAGE)](in_backup(SLOT_NAME[1]));
    h5ckpt_store *store = standard_open_reader(&standard);
    snapshot_before();
    assert_status_message(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_LOST, h5ckpt_message(store));
    ck_assert(standard_is_spoilt(&standard));
    assert_status_message(h5ckpt_restore(store, options_of(H5CKPT_PREVIOUS, H5CKPT_STAGED), NULL), H5CKPT_E_LOST,
                          h5ckpt_message(store));
    h5ckpt_close(store);
    assert_unchanged();
}
END_TEST

START_TEST(a_directory_that_is_in_use_without_a_slot_is_a_loss)
{
    standard_history(1 + (unsigned)_i, 1, 4);
    for (unsigned i = 0; i < COUNT(SLOT_NAME); i++)
        if (file_exists(in_backup(SLOT_NAME[i])))
            file_remove(in_backup(SLOT_NAME[i]));
    assert_restores(H5CKPT_E_LOST, 0);
    assert_restores(H5CKPT_E_LOST, 0); /* and stays one */
}
END_TEST

START_TEST(a_lost_newest_slot_is_noticed_without_the_locks_note)
{
    static const unsigned char ZEROS[512];
    const unsigned slots = (unsigned)_i;

    standard_history(slots, 1, slots);
    file_write_bytes(in_backup("lock"), ZEROS, sizeof ZEROS, 512); /* never flushed, and then a power cut */
    file_remove(in_backup(slot_of_epoch(slots)));
    assert_restores(H5CKPT_FELL_BACK, slots - 1);
}
END_TEST

START_TEST(a_fresh_directory_has_no_checkpoint)
{
    assert_restores(H5CKPT_NO_CHECKPOINT, 0);
    ck_assert_int_eq(mkdir(fixture_backup, 0700), 0);
    assert_restores(H5CKPT_NO_CHECKPOINT, 0);
    assert_restores_previous(H5CKPT_NO_CHECKPOINT, 0);
}
END_TEST

START_TEST(two_slots_with_one_sequence_are_reported)
{
    static unsigned char bytes[SLOT_BYTES_MAX];
    const uint64_t copied = 4 - (uint64_t)_i;

    standard_history(2, 1, 4);
    char from[32];
    char to[32];
    snprintf(from, sizeof from, "%s", slot_of_epoch(copied));
    snprintf(to, sizeof to, "%s", slot_of_epoch(_i == 0 ? 3 : 4));
    size_t byte_count = (size_t)file_bytes(in_backup(from));
    file_read_bytes(in_backup(from), bytes, byte_count, 0);
    file_replace(in_backup(to), bytes, byte_count);
    assert_restores(H5CKPT_FELL_BACK, copied);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_FELL_BACK);
    assert_mentions(h5ckpt_message(store), "sequence");
    h5ckpt_close(store);
}
END_TEST

/* ------------------------------------------------------------------- schema */

START_TEST(a_mismatch_lists_every_difference_and_touches_no_memory)
{
    static float a[6] = {1};
    static double b[3] = {2};
    static int16_t c = 3;
    static int8_t d[2] = {4, 5};
    h5ckpt_state *stored = h5ckpt_state_new();
    h5ckpt_state *registered = h5ckpt_state_new();
    h5ckpt_store *store;

    h5ckpt_add(stored, "a", H5CKPT_FLOAT32, 2, (const uint64_t[]){2, 3}, a);
    h5ckpt_add(stored, "b", H5CKPT_FLOAT64, 1, (const uint64_t[]){3}, b);
    h5ckpt_add(stored, "gone", H5CKPT_INT16, 0, NULL, &c);
    h5ckpt_add(stored, "same", H5CKPT_INT8, 1, (const uint64_t[]){2}, d);
    assert_status(h5ckpt_open(&store, fixture_backup, stored, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    h5ckpt_close(store);
    h5ckpt_add(registered, "a", H5CKPT_FLOAT32, 2, (const uint64_t[]){3, 2}, a);
    h5ckpt_add(registered, "b", H5CKPT_INT64, 1, (const uint64_t[]){3}, b);
    h5ckpt_add(registered, "new", H5CKPT_INT16, 0, NULL, &c);
    h5ckpt_add(registered, "same", H5CKPT_INT8, 1, (const uint64_t[]){2}, d);
    assert_status(h5ckpt_open(&store, fixture_backup, registered, NULL), H5CKPT_OK);
    d[0] = 77;
    assert_status(h5ckpt_restore(store, options_of(H5CKPT_CURRENT, MEMORY[_i]), NULL), H5CKPT_E_SCHEMA);
    assert_mentions(h5ckpt_message(store), "'a'");
    assert_mentions(h5ckpt_message(store), "[2, 3]");
    assert_mentions(h5ckpt_message(store), "[3, 2]");
    assert_mentions(h5ckpt_message(store), "'b'");
    assert_mentions(h5ckpt_message(store), "float64");
    assert_mentions(h5ckpt_message(store), "int64");
    assert_mentions(h5ckpt_message(store), "'gone'");
    assert_mentions(h5ckpt_message(store), "'new'");
    ck_assert_ptr_null(strstr(h5ckpt_message(store), "'same'"));
    ck_assert_int_eq(d[0], 77);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_NOT_RESTORED);
    h5ckpt_close(store);
    h5ckpt_state_free(stored);
    h5ckpt_state_free(registered);
}
END_TEST

static struct h5ckpt_state *one_variable(const char *name, h5ckpt_type type, uint64_t count, void *memory)
{
    h5ckpt_state *state = h5ckpt_state_new();

    assert_status(h5ckpt_add(state, name, type, 1, &count, memory), H5CKPT_OK);
    return state;
}

/* Save one variable as it is described here. */
static void save_one(const char *name, h5ckpt_type type, uint64_t count, void *memory, enum element_order order)
{
    h5ckpt_state *state = one_variable(name, type, count, memory);
    h5ckpt_store *store;

    if (order != ELEMENT_ORDER_NONE)
        state->entry[0].element.order = order; /* as if a machine of that order had saved it */
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status_message(h5ckpt_save(store, NULL), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}

static h5ckpt_status restore_one(const char *name, h5ckpt_type type, uint64_t count, void *memory,
                                 const struct h5ckpt_restore_options *options)
{
    h5ckpt_state *state = one_variable(name, type, count, memory);
    h5ckpt_store *store;

    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    h5ckpt_status status = h5ckpt_restore(store, options, NULL);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
    return status;
}

static const struct h5ckpt_restore_options CONVERT = {.convert = H5CKPT_CONVERT};
static const struct h5ckpt_restore_options CONVERT_STAGED = {.convert = H5CKPT_CONVERT, .memory = H5CKPT_STAGED};

START_TEST(float64_becomes_float32_where_asked)
{
    double stored[4] = {1.5, -2.25, 1e300, 0.1};
    float values[4] = {9, 9, 9, 9};

    save_one("x", H5CKPT_FLOAT64, 4, stored, ELEMENT_ORDER_NONE);
    assert_status(restore_one("x", H5CKPT_FLOAT32, 4, values, NULL), H5CKPT_E_SCHEMA);
    ck_assert_float_eq(values[0], 9);
    assert_status(restore_one("x", H5CKPT_FLOAT32, 4, values, _i == 0 ? &CONVERT : &CONVERT_STAGED), H5CKPT_OK);
    ck_assert_float_eq(values[0], 1.5f);
    ck_assert_float_eq(values[1], -2.25f);
    ck_assert(isinf(values[2]));
    ck_assert_float_eq(values[3], 0.1f);
}
END_TEST

START_TEST(int16_becomes_int64_where_asked)
{
    int16_t stored[3] = {-32768, -1, 32767};
    int64_t values[3] = {0};

    save_one("x", H5CKPT_INT16, 3, stored, ELEMENT_ORDER_NONE);
    assert_status(restore_one("x", H5CKPT_INT64, 3, values, NULL), H5CKPT_E_SCHEMA);
    assert_status(restore_one("x", H5CKPT_INT64, 3, values, _i == 0 ? &CONVERT : &CONVERT_STAGED), H5CKPT_OK);
    ck_assert_int_eq(values[0], -32768);
    ck_assert_int_eq(values[1], -1);
    ck_assert_int_eq(values[2], 32767);
}
END_TEST

START_TEST(integers_out_of_range_are_clipped)
{
    int64_t stored[4] = {300, -300, 5, -1};
    int8_t narrow[4] = {0};
    uint8_t unsigned_[4] = {9, 9, 9, 9};

    save_one("x", H5CKPT_INT64, 4, stored, ELEMENT_ORDER_NONE);
    assert_status(restore_one("x", H5CKPT_INT8, 4, narrow, &CONVERT), H5CKPT_OK);
    ck_assert_mem_eq(narrow, ((int8_t[]){127, -128, 5, -1}), 4);
    assert_status(restore_one("x", H5CKPT_UINT8, 4, unsigned_, &CONVERT), H5CKPT_OK);
    ck_assert_mem_eq(unsigned_, ((uint8_t[]){255, 0, 5, 0}), 4);
}
END_TEST

START_TEST(numbers_of_another_kind_are_never_converted)
{
    int32_t stored[2] = {1, 2};
    unsigned char memory[64] = {0};
    static const h5ckpt_type OTHER[] = {H5CKPT_FLOAT32, H5CKPT_FLOAT64, H5CKPT_OPAQUE(4), H5CKPT_STRING(4),
                                        H5CKPT_COMPLEX64};

    save_one("x", H5CKPT_INT32, 2, stored, ELEMENT_ORDER_NONE);
    for (unsigned i = 0; i < COUNT(OTHER); i++)
        assert_status(restore_one("x", OTHER[i], 2, memory, &CONVERT), H5CKPT_E_SCHEMA);
    ck_assert_int_eq(memory[0], 0);
}
END_TEST

START_TEST(complex64_becomes_complex128_where_asked)
{
    float stored[4] = {1.5f, -2, 3, 0.25f};
    double values[4] = {0};

    save_one("x", H5CKPT_COMPLEX64, 2, stored, ELEMENT_ORDER_NONE);
    assert_status(restore_one("x", H5CKPT_COMPLEX128, 2, values, &CONVERT), H5CKPT_OK);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_double_eq(values[i], stored[i]);
}
END_TEST

START_TEST(numbers_of_the_other_byte_order_are_converted_where_asked_and_never_misread)
{
    int32_t stored[3] = {__builtin_bswap32(1), __builtin_bswap32(0x01020304), __builtin_bswap32((uint32_t)-7)};
    int32_t values[3] = {9, 9, 9};

    save_one("x", H5CKPT_INT32, 3, stored, ELEMENT_ORDER_BIG);
    assert_status(restore_one("x", H5CKPT_INT32, 3, values, NULL), H5CKPT_E_SCHEMA);
    ck_assert_int_eq(values[0], 9);
    assert_status(restore_one("x", H5CKPT_INT32, 3, values, _i == 0 ? &CONVERT : &CONVERT_STAGED), H5CKPT_OK);
    ck_assert_int_eq(values[0], 1);
    ck_assert_int_eq(values[1], 0x01020304);
    ck_assert_int_eq(values[2], -7);
}
END_TEST

START_TEST(floats_of_the_other_byte_order_are_converted_where_asked)
{
    double value = -1234.5;
    uint64_t bits;
    float narrow = 0;
    double restored = 0;

    memcpy(&bits, &value, sizeof bits);
    bits = __builtin_bswap64(bits);
    save_one("x", H5CKPT_FLOAT64, 1, &bits, ELEMENT_ORDER_BIG);
    assert_status(restore_one("x", H5CKPT_FLOAT64, 1, &restored, &CONVERT), H5CKPT_OK);
    ck_assert_double_eq(restored, value);
    assert_status(restore_one("x", H5CKPT_FLOAT32, 1, &narrow, &CONVERT), H5CKPT_OK);
    ck_assert_float_eq(narrow, -1234.5f);
}
END_TEST

START_TEST(no_elements_are_converted_to_none)
{
    float none[1] = {9};

    save_one("x", H5CKPT_FLOAT64, 0, (double[1]){0}, ELEMENT_ORDER_NONE);
    assert_status(restore_one("x", H5CKPT_FLOAT32, 0, none, NULL), H5CKPT_E_SCHEMA);
    assert_status(restore_one("x", H5CKPT_FLOAT32, 0, none, _i == 0 ? &CONVERT : &CONVERT_STAGED), H5CKPT_OK);
    ck_assert_float_eq(none[0], 9);
}
END_TEST

/* _i: how it is restored */
START_TEST(one_array_under_two_names_is_restored)
{
    const uint64_t shape[] = {1000};
    static double values[1000];
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    assert_status(h5ckpt_add(state, "a", H5CKPT_FLOAT64, 1, shape, values), H5CKPT_OK);
    assert_status(h5ckpt_add(state, "b", H5CKPT_FLOAT64, 1, shape, values), H5CKPT_OK);
    for (size_t i = 0; i < COUNT(values); i++)
        values[i] = (double)i;
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    memset(values, 0, sizeof values);
    assert_status(h5ckpt_restore(store, options_of(H5CKPT_CURRENT, MEMORY[_i]), NULL), H5CKPT_OK);
    for (size_t i = 0; i < COUNT(values); i++)
        ck_assert_double_eq(values[i], (double)i);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

/* _i: how it would be restored */
START_TEST(a_pointer_that_became_null_is_named_and_no_memory_touched)
{
    uint16_t *const moved = standard.moved;

    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard.moved = NULL;
    assert_status(h5ckpt_restore(store, options_of(H5CKPT_CURRENT, MEMORY[_i]), NULL), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), "'moved'");
    standard.moved = moved;
    ck_assert(standard_is_spoilt(&standard));
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    ck_assert(standard_is(&standard, 2));
    h5ckpt_close(store);
}
END_TEST

START_TEST(an_intersection_restores_only_what_both_sides_have)
{
    static float only_here = 7;
    struct h5ckpt_restore_options options = {.match = H5CKPT_INTERSECTION};
    struct h5ckpt_report report;
    int64_t step = 0;
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    standard_history(2, 1, 4);
    h5ckpt_add(state, "step", H5CKPT_INT64, 0, NULL, &step);
    h5ckpt_add(state, "only here", H5CKPT_FLOAT32, 0, NULL, &only_here);
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    options.memory = MEMORY[_i];
    assert_status(h5ckpt_restore(store, &options, &report), H5CKPT_OK);
    ck_assert_uint_eq(report.variable_count, 1);
    standard_fill(&standard, 4);
    ck_assert_int_eq(step, standard.step);
    ck_assert_float_eq(only_here, 7);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(an_intersection_still_refuses_a_common_variable_that_does_not_fit)
{
    const struct h5ckpt_restore_options options = {.match = H5CKPT_INTERSECTION};
    int32_t value = 5;

    standard_history(2, 1, 4);
    assert_status(restore_one("step", H5CKPT_INT32, 1, &value, &options), H5CKPT_E_SCHEMA);
    ck_assert_int_eq(value, 5);
}
END_TEST

START_TEST(renamed_variables_are_found)
{
    const struct h5ckpt_rename rename = {"old/name", "new/name"};
    const struct h5ckpt_restore_options options = {.renames = &rename, .rename_count = 1};
    int32_t stored[2] = {11, 12};
    int32_t values[2] = {0};

    save_one("old/name", H5CKPT_INT32, 2, stored, ELEMENT_ORDER_NONE);
    assert_status(restore_one("new/name", H5CKPT_INT32, 2, values, NULL), H5CKPT_E_SCHEMA);
    assert_status(restore_one("new/name", H5CKPT_INT32, 2, values, &options), H5CKPT_OK);
    ck_assert_mem_eq(values, stored, sizeof stored);
}
END_TEST

START_TEST(two_variables_may_swap_their_names)
{
    const struct h5ckpt_rename renames[] = {{"a", "b"}, {"b", "a"}};
    const struct h5ckpt_restore_options options = {.renames = renames, .rename_count = 2};
    int32_t a = 1;
    int32_t b = 2;
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    h5ckpt_add(state, "a", H5CKPT_INT32, 0, NULL, &a);
    h5ckpt_add(state, "b", H5CKPT_INT32, 0, NULL, &b);
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    assert_status_message(h5ckpt_restore(store, &options, NULL), H5CKPT_OK, h5ckpt_message(store));
    ck_assert_int_eq(a, 2);
    ck_assert_int_eq(b, 1);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(a_stored_variable_that_was_renamed_is_not_given_to_a_namesake_too)
{
    const struct h5ckpt_rename rename = {"a", "b"};
    struct h5ckpt_restore_options options = {.renames = &rename, .rename_count = 1, .match = H5CKPT_EXACT};
    int32_t a = 7;
    int32_t b = 8;
    int32_t stored = 5;
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    save_one("a", H5CKPT_INT32, 1, &stored, ELEMENT_ORDER_NONE);
    h5ckpt_add(state, "a", H5CKPT_INT32, 1, (const uint64_t[]){1}, &a);
    h5ckpt_add(state, "b", H5CKPT_INT32, 1, (const uint64_t[]){1}, &b);
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_restore(store, &options, NULL), H5CKPT_E_SCHEMA);
    assert_mentions(h5ckpt_message(store), "'a'");
    options.match = H5CKPT_INTERSECTION;
    assert_status_message(h5ckpt_restore(store, &options, NULL), H5CKPT_OK, h5ckpt_message(store));
    ck_assert_int_eq(a, 7);
    ck_assert_int_eq(b, 5);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

static bool select_weights(void *context, const char *name)
{
    ck_assert_ptr_eq(context, &standard);
    return strcmp(name, "weights") == 0 || strcmp(name, "layer/bias") == 0;
}

START_TEST(a_subset_leaves_the_other_variables_alone)
{
    const struct h5ckpt_restore_options options = {.select = select_weights, .select_context = &standard};
    struct h5ckpt_report report;

    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 50);
    assert_status(h5ckpt_restore(store, &options, &report), H5CKPT_OK);
    ck_assert_uint_eq(report.variable_count, 2);
    standard_fill(&writer_standard, 4);
    ck_assert_mem_eq(standard.weights, writer_standard.weights, sizeof standard.weights);
    ck_assert_mem_eq(standard.bias, writer_standard.bias, sizeof standard.bias);
    standard_fill(&writer_standard, 50);
    ck_assert_int_eq(standard.step, writer_standard.step);
    ck_assert_mem_eq(standard.device, writer_standard.device, sizeof standard.device);
    h5ckpt_close(store);
}
END_TEST

START_TEST(restore_options_that_name_nothing_are_refused)
{
    struct h5ckpt_restore_options bad[] = {{0}, {0}, {0}, {0}, {0}, {0}};
    const struct h5ckpt_rename unknown = {"step", "no such variable"};

    bad[0].which = (enum h5ckpt_which)2;
    bad[1].match = (enum h5ckpt_match)2;
    bad[2].convert = (enum h5ckpt_convert)2;
    bad[3].memory = (enum h5ckpt_memory)3;
    bad[4].rename_count = 1;
    bad[5].rename_count = 1;
    bad[5].renames = &unknown;
    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    for (unsigned i = 0; i < COUNT(bad); i++) {
        assert_status(h5ckpt_restore(store, &bad[i], NULL), H5CKPT_E_ARGUMENT);
        ck_assert_str_ne(h5ckpt_message(store), "");
        ck_assert(standard_is_spoilt(&standard));
    }
    h5ckpt_close(store);
}
END_TEST

/* ------------------------------------------------------------ put functions */

START_TEST(a_put_function_that_always_fails_leaves_memory_changed_until_a_restore_succeeds)
{
    struct h5ckpt_report report;

    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard.put_fails = 23;
    snapshot_before();
    assert_status(h5ckpt_restore(store, options_of(H5CKPT_CURRENT, MEMORY[_i]), &report), H5CKPT_E_MEMORY_CHANGED);
    assert_mentions(h5ckpt_message(store), "device");
    assert_mentions(h5ckpt_message(store), "23");
    ck_assert_int_eq(report.restored, -1);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_MEMORY_CHANGED);
    assert_unchanged();
    standard.put_fails = 0;
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    ck_assert(standard_is(&standard, 4));
    assert_status(standard_save(store, &standard, 5), H5CKPT_OK);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 5);
}
END_TEST

enum { PUT_COUNT = 3 };

static int put_calls;
static int put_fails_at;
static int32_t put_value[PUT_COUNT];

static int put_counted(void *context, const void *bytes, size_t byte_count)
{
    if (put_calls++ == put_fails_at)
        return -1;
    memcpy(context, bytes, byte_count);
    return 0;
}

static int get_calls;
static int get_fails_at = -1;

static int get_counted(void *context, void *bytes, size_t byte_count)
{
    if (get_calls++ == get_fails_at)
        return -1;
    memcpy(bytes, context, byte_count);
    return 0;
}

static h5ckpt_state *state_of_puts(int32_t *plain)
{
    h5ckpt_state *state = h5ckpt_state_new();
    char name[16];

    for (unsigned i = 0; i < PUT_COUNT; i++) {
        const struct h5ckpt_access access = {get_counted, put_counted, &put_value[i]};
        snprintf(name, sizeof name, "put %u", i);
        assert_status(h5ckpt_add_access(state, name, H5CKPT_INT32, 0, NULL, &access), H5CKPT_OK);
    }
    assert_status(h5ckpt_add(state, "plain", H5CKPT_INT32, 0, NULL, plain), H5CKPT_OK);
    return state;
}

START_TEST(a_get_function_that_fails_at_any_variable_is_named_and_nothing_is_touched)
{
    char name[16];
    int32_t plain = 5;
    h5ckpt_state *state = state_of_puts(&plain);
    h5ckpt_store *store;

    put_fails_at = -1;
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    for (unsigned i = 0; i < 2; i++)
        assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    snapshot_before();
    get_calls = 0;
    get_fails_at = _i;
    snprintf(name, sizeof name, "put %d", _i);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_CALLBACK);
    assert_mentions(h5ckpt_message(store), name);
    assert_unchanged();
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(a_put_function_that_fails_once_falls_back_to_the_whole_previous_state)
{
    int32_t plain = 0;
    h5ckpt_state *state = state_of_puts(&plain);
    h5ckpt_store *store;

    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    for (int32_t number = 1; number <= 2; number++) {
        put_value[0] = put_value[1] = put_value[2] = plain = number;
        assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    }
    put_value[0] = put_value[1] = put_value[2] = plain = 9;
    put_fails_at = _i / MEMORY_COUNT;
    put_calls = 0;
    assert_status(h5ckpt_restore(store, options_of(H5CKPT_CURRENT, MEMORY[_i % MEMORY_COUNT]), NULL), H5CKPT_FELL_BACK);
    for (unsigned i = 0; i < PUT_COUNT; i++)
        ck_assert_int_eq(put_value[i], 1);
    ck_assert_int_eq(plain, 1);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(a_newer_state_that_was_not_acknowledged_is_not_passed_over_without_a_word)
{
    struct h5ckpt_report report;
    int32_t plain = 0;
    h5ckpt_state *state = state_of_puts(&plain);
    h5ckpt_store *store;

    faults_set((struct faults){0}); /* none yet, but from now on files are known by name */
    put_fails_at = -1;
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    for (unsigned i = 0; i < 2; i++)
        assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    /*
     * The third is durable, but the note that acknowledges it cannot be written: the first write to the lock begins it.
     */
    faults_set((struct faults){.calls = FAULT_WRITE, .name = "lock", .first = 1, .count = 1, .error = EIO});
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_IO);
    faults_clear();
    put_calls = 0;
    put_fails_at = 0;
    assert_status(h5ckpt_restore(store, NULL, &report), H5CKPT_FELL_BACK);
    ck_assert_uint_eq(report.sequence, 2);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(an_older_state_that_was_passed_over_makes_the_newest_no_fall_back)
{
    unsigned chosen;

    standard_history(3, 1, 3);
    h5ckpt_store *store = standard_open_slots(&standard, 3);
    const unsigned newest = (unsigned)(slot_of_epoch(3)[strlen("slot-")] - 'a');
    const unsigned older = (unsigned)(slot_of_epoch(2)[strlen("slot-")] - 'a');
    assert_status(examine_begin(store), H5CKPT_OK);
    assert_status(examine_next(store, H5CKPT_CURRENT, H5CKPT_RECORDS, 1u << older, &chosen), H5CKPT_OK);
    ck_assert_uint_eq(chosen, newest);
    assert_status(examine_next(store, H5CKPT_CURRENT, H5CKPT_RECORDS, 1u << newest, &chosen), H5CKPT_FELL_BACK);
    ck_assert_uint_eq(chosen, older);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_slot_that_was_passed_over_because_a_put_function_failed_is_called_intact)
{
    struct h5ckpt_report report;
    int32_t plain = 0;
    h5ckpt_state *state = state_of_puts(&plain);
    h5ckpt_store *store;

    put_fails_at = -1;
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    for (unsigned i = 0; i < 2; i++)
        assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    put_calls = 0;
    put_fails_at = _i / MEMORY_COUNT;
    assert_status(h5ckpt_restore(store, options_of(H5CKPT_CURRENT, MEMORY[_i % MEMORY_COUNT]), &report),
                  H5CKPT_FELL_BACK);
    ck_assert(report.fell_back);
    ck_assert_uint_eq(report.sequence, 1);
    const struct h5ckpt_slot_report *newest = &report.slot[1 - report.restored];
    ck_assert_msg(newest->state == H5CKPT_SLOT_INTACT, "it is %s: %s", h5ckpt_slot_state_name(newest->state),
                  newest->reason);
    assert_mentions(newest->reason, "put");
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(an_older_state_without_a_variable_that_has_begun_to_change_is_not_mixed_with_it)
{
    const struct h5ckpt_restore_options options = {.match = H5CKPT_INTERSECTION, .memory = MEMORY[_i % MEMORY_COUNT]};
    int32_t plain = 1;
    int32_t late = 2;
    h5ckpt_state *state = state_of_puts(&plain);
    h5ckpt_store *store;

    put_fails_at = -1;
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    assert_status(h5ckpt_add(state, "late", H5CKPT_INT32, 0, NULL, &late), H5CKPT_OK);
    put_value[0] = put_value[1] = put_value[2] = plain = 2;
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    put_value[0] = put_value[1] = put_value[2] = plain = late = 9;
    put_calls = 0;
    put_fails_at = _i / MEMORY_COUNT;
    assert_status(h5ckpt_restore(store, &options, NULL), H5CKPT_E_MEMORY_CHANGED);
    ck_assert_str_ne(h5ckpt_message(store), "");
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_MEMORY_CHANGED);
    assert_status(h5ckpt_restore(store, &options, NULL), H5CKPT_OK);
    for (unsigned i = 0; i < PUT_COUNT; i++)
        ck_assert_int_eq(put_value[i], 2);
    ck_assert_int_eq(plain, 2);
    ck_assert_int_eq(late, 2);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

/* ------------------------------------------------------------ passing errors */

static const struct passing {
    int error;
    h5ckpt_status status;
} PASSING[] = {
    {EACCES, H5CKPT_E_PERMISSION}, {EPERM, H5CKPT_E_PERMISSION}, {EMFILE, H5CKPT_E_SYSTEM},
    {ENFILE, H5CKPT_E_SYSTEM},     {ENOMEM, H5CKPT_E_MEMORY},    {EAGAIN, H5CKPT_E_SYSTEM},
    {EBUSY, H5CKPT_E_SYSTEM},      {ENOLCK, H5CKPT_E_SYSTEM},    {ESTALE, H5CKPT_E_SYSTEM},
    {ETIMEDOUT, H5CKPT_E_SYSTEM},  {EOVERFLOW, H5CKPT_E_SYSTEM},
};

/* _i: error, and writer or reader */
START_TEST(a_passing_error_at_any_call_is_reported_as_itself_and_the_next_restore_works)
{
    const struct passing *passing = &PASSING[_i / 2];

    standard_history(2, 1, 4);
    h5ckpt_store *store = _i % 2 == 0 ? standard_open(&standard, NULL) : standard_open_reader(&standard);
    snapshot_before();
    for (long call = 0;; call++) {
        standard_spoil(&standard);
        faults_set((struct faults){
            .calls = FAULT_OPEN | FAULT_READ, .name = "slot", .first = call, .count = 1, .error = passing->error});
        h5ckpt_status status = h5ckpt_restore(store, options_of(H5CKPT_CURRENT, H5CKPT_STAGED), NULL);
        bool hit = faults_hit();
        faults_clear();
        if (!hit)
            break;
        ck_assert_int_lt(call, CALLS_MAX);
        ck_assert_msg(status == passing->status, "call %ld: %s: %s", call, h5ckpt_status_name(status),
                      h5ckpt_message(store));
        assert_mentions(h5ckpt_message(store), strerror(passing->error));
        ck_assert(standard_is_spoilt(&standard));
        assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
        ck_assert(standard_is(&standard, 4));
    }
    assert_unchanged();
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_passing_error_that_stays_rolls_nothing_back_before_memory_changes)
{
    const struct passing *passing = &PASSING[_i];
    bool changed = false;

    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    for (long call = 0;; call++) {
        standard_spoil(&standard);
        faults_set((struct faults){.calls = FAULT_OPEN | FAULT_READ,
                                   .name = "slot",
                                   .first = call,
                                   .count = FAULTS_FOR_EVER,
                                   .error = passing->error});
        h5ckpt_status status = h5ckpt_restore(store, NULL, NULL);
        bool hit = faults_hit();
        faults_clear();
        if (!hit)
            break;
        ck_assert_int_lt(call, CALLS_MAX);
        changed |= status == H5CKPT_E_MEMORY_CHANGED;
        ck_assert_msg(status == (changed ? H5CKPT_E_MEMORY_CHANGED : passing->status), "call %ld: %s: %s", call,
                      h5ckpt_status_name(status), h5ckpt_message(store));
        ck_assert_int_eq(standard_is_spoilt(&standard), !changed);
        assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
        ck_assert(standard_is(&standard, 4));
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(an_interrupted_call_is_gone_on_with)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);

    for (long call = 0; call < 40; call++) {
        standard_spoil(&standard);
        faults_set((struct faults){.calls = FAULT_READ, .first = call, .count = 3, .error = EINTR});
        h5ckpt_status status = h5ckpt_restore(store, NULL, NULL);
        faults_clear();
        assert_status(status, H5CKPT_OK);
        ck_assert(standard_is(&standard, 4));
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_read_that_is_interrupted_for_ever_ends)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);

    standard_spoil(&standard);
    faults_set((struct faults){.calls = FAULT_READ, .count = FAULTS_FOR_EVER, .error = EINTR});
    const h5ckpt_status status = h5ckpt_restore(store, NULL, NULL);
    faults_clear();
    assert_status(status, H5CKPT_E_SYSTEM);
    assert_mentions(h5ckpt_message(store), strerror(EINTR));
    ck_assert(standard_is_spoilt(&standard));
    h5ckpt_close(store);
}
END_TEST

START_TEST(an_eio_that_does_not_persist_is_no_damage)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);

    for (long call = 0;; call++) {
        standard_spoil(&standard);
        faults_set(
            (struct faults){.calls = FAULT_OPEN | FAULT_READ, .name = "slot", .first = call, .count = 1, .error = EIO});
        h5ckpt_status status = h5ckpt_restore(store, options_of(H5CKPT_CURRENT, MEMORY[_i]), NULL);
        bool hit = faults_hit();
        faults_clear();
        if (!hit)
            break;
        ck_assert_int_lt(call, CALLS_MAX);
        ck_assert_msg(status == H5CKPT_OK, "call %ld: %s: %s", call, h5ckpt_status_name(status), h5ckpt_message(store));
        ck_assert(standard_is(&standard, 4));
    }
    h5ckpt_close(store);
}
END_TEST

static char rotting[PATH_MAX]; /* a slot … */

static void rot(void *context) /* … of which a bit of a variable turns, once */
{
    (void)context;
    file_flip_bit(rotting, 8 * 70000);
}

/* _i: how it is restored. Whichever read it comes before, also one after every byte was verified: P4. */
START_TEST(a_bit_that_turns_while_a_state_is_restored_never_gets_into_memory)
{
    const struct h5ckpt_restore_options options = {.memory = (enum h5ckpt_memory)_i};
    bool hit = true;
    long call;

    standard_history(2, 1, 2);
    snprintf(rotting, sizeof rotting, "%s", in_backup(slot_of_epoch(2)));
    for (call = 0; hit; call++) {
        h5ckpt_store *store = standard_open(&standard, NULL);
        standard_fill(&standard, 99);
        faults_set((struct faults){.calls = FAULT_READ, .name = "slot", .first = call, .count = 1, .before = rot});
        const h5ckpt_status status = h5ckpt_restore(store, &options, NULL);
        hit = faults_hit();
        faults_clear();
        ck_assert_msg(status == H5CKPT_OK || status == H5CKPT_FELL_BACK, "before read %ld: %s", call,
                      h5ckpt_message(store));
        ck_assert(standard_is(&standard, status == H5CKPT_OK ? 2 : 1));
        h5ckpt_close(store);
        if (hit)
            rot(NULL); /* back */
    }
    ck_assert_int_gt(call, 4);
}
END_TEST

START_TEST(an_eio_that_persists_falls_back)
{
    standard_history(2, 1, 4);
    const char *newest = slot_of_epoch(4);
    h5ckpt_store *store = standard_open(&standard, NULL);

    for (long call = 0;; call++) {
        standard_spoil(&standard);
        faults_set((struct faults){
            .calls = FAULT_READ, .name = newest, .first = call, .count = FAULTS_FOR_EVER, .error = EIO});
        h5ckpt_status status = h5ckpt_restore(store, options_of(H5CKPT_CURRENT, MEMORY[_i]), NULL);
        bool hit = faults_hit();
        faults_clear();
        if (!hit)
            break;
        ck_assert_int_lt(call, CALLS_MAX);
        ck_assert_msg(status == H5CKPT_FELL_BACK, "call %ld: %s: %s", call, h5ckpt_status_name(status),
                      h5ckpt_message(store));
        ck_assert(standard_is(&standard, 3));
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(an_eio_that_persists_in_every_slot_is_a_loss)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);

    faults_set((struct faults){.calls = FAULT_READ, .name = "slot", .count = FAULTS_FOR_EVER, .error = EIO});
    h5ckpt_status status = h5ckpt_restore(store, NULL, NULL);
    faults_clear();
    assert_status(status, H5CKPT_E_LOST);
    ck_assert(standard_is_spoilt(&standard));
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    h5ckpt_close(store);
}
END_TEST

/* ------------------------------------------- a writer in the same instant */

struct beside {
    h5ckpt_store *store;
    uint64_t number; /* of the state saved last */
};

static void save_beside(void *context)
{
    struct beside *beside = context;

    assert_status_message(standard_save(beside->store, &writer_standard, ++beside->number), H5CKPT_OK,
                          h5ckpt_message(beside->store));
}

static struct beside begin_beside(unsigned slots, uint64_t saved)
{
    struct beside beside = {standard_open_slots(&writer_standard, slots), 0};

    while (beside.number < saved)
        save_beside(&beside);
    return beside;
}

/* _i: slots 1 … 3, verify first or staged; with one slot every save goes to a new file */
START_TEST(one_save_at_any_instant_of_a_restore_beside_it_is_no_damage)
{
    const enum h5ckpt_memory memory = MEMORY[_i / 3];
    struct beside beside = begin_beside(1 + (unsigned)_i % 3, 4);
    h5ckpt_store *reader = standard_open_reader(&standard);
    bool hit = true;

    for (long call = 0; hit; call++) {
        const uint64_t earliest = beside.number;
        standard_spoil(&standard);
        faults_set((struct faults){
            .calls = FAULT_OPEN | FAULT_READ, .first = call, .count = 1, .before = save_beside, .context = &beside});
        h5ckpt_status status = h5ckpt_restore(reader, options_of(H5CKPT_CURRENT, memory), NULL);
        hit = faults_hit();
        faults_clear();
        ck_assert_int_lt(call, CALLS_MAX);
        ck_assert_msg(status == H5CKPT_OK, "call %ld: %s: %s", call, h5ckpt_status_name(status),
                      h5ckpt_message(reader));
        ck_assert(standard_is(&standard, earliest) || standard_is(&standard, beside.number));
    }
    h5ckpt_close(reader);
    h5ckpt_close(beside.store);
}
END_TEST

START_TEST(two_saves_at_any_instant_of_a_restore_beside_them_are_no_damage)
{
    struct beside beside = begin_beside(1 + (unsigned)_i, 4);
    h5ckpt_store *reader = standard_open_reader(&standard);
    bool hit = true;

    for (long call = 0; hit; call++) {
        const uint64_t earliest = beside.number;
        standard_spoil(&standard);
        faults_set((struct faults){
            .calls = FAULT_OPEN | FAULT_READ, .first = call, .count = 2, .before = save_beside, .context = &beside});
        h5ckpt_status status = h5ckpt_restore(reader, NULL, NULL);
        hit = faults_hit();
        faults_clear();
        ck_assert_int_lt(call, CALLS_MAX);
        ck_assert_msg(status == H5CKPT_OK, "call %ld: %s: %s", call, h5ckpt_status_name(status),
                      h5ckpt_message(reader));
        bool is_whole = false;
        for (uint64_t number = earliest; number <= beside.number; number++)
            is_whole |= standard_is(&standard, number);
        ck_assert_msg(is_whole, "call %ld", call);
    }
    h5ckpt_close(reader);
    h5ckpt_close(beside.store);
}
END_TEST

START_TEST(a_restore_that_gave_a_state_although_it_was_overtaken_has_no_message)
{
    struct beside beside = begin_beside(2, 4);
    h5ckpt_store *reader = standard_open_reader(&standard);
    bool hit = true;

    for (long call = 0; hit; call++) {
        faults_set((struct faults){
            .calls = FAULT_OPEN | FAULT_READ, .first = call, .count = 2, .before = save_beside, .context = &beside});
        h5ckpt_status status = h5ckpt_restore(reader, NULL, NULL);
        hit = faults_hit();
        faults_clear();
        if (status == H5CKPT_OK)
            ck_assert_str_eq(h5ckpt_message(reader), "");
    }
    h5ckpt_close(reader);
    h5ckpt_close(beside.store);
}
END_TEST

static void save_twice_beside(void *context)
{
    save_beside(context);
    save_beside(context);
}

/* Saves before every call of the reader: it may be told to try again, but not that anything is damaged. */
START_TEST(a_writer_that_is_always_faster_overtakes_and_damages_nothing)
{
    enum { FAST_CALLS = 300 }; /* the reader gives up before, or is let through then */
    struct beside beside = begin_beside(1 + (unsigned)_i / 3, 4);
    h5ckpt_store *reader = standard_open_reader(&standard);
    struct h5ckpt_report report;

    faults_set((struct faults){.calls = _i % 3 == 0 ? FAULT_OPEN : FAULT_OPEN | FAULT_READ,
                               .count = FAST_CALLS,
                               .before = _i % 3 == 2 ? save_twice_beside : save_beside,
                               .context = &beside});
    h5ckpt_status status = h5ckpt_restore(reader, options_of(H5CKPT_CURRENT, H5CKPT_STAGED), &report);
    faults_clear();
    ck_assert_msg(status == H5CKPT_OK || status == H5CKPT_E_OVERTAKEN, "%s: %s", h5ckpt_status_name(status),
                  h5ckpt_message(reader));
    if (status != H5CKPT_OK)
        ck_assert(standard_is_spoilt(&standard));
    assert_status_message(h5ckpt_restore(reader, NULL, NULL), H5CKPT_OK, h5ckpt_message(reader));
    ck_assert(standard_is(&standard, beside.number));
    h5ckpt_close(reader);
    h5ckpt_close(beside.store);
}
END_TEST

START_TEST(an_inspection_beside_a_save_sees_no_damage)
{
    const enum h5ckpt_depth depth = _i / 3 == 0 ? H5CKPT_RECORDS : H5CKPT_ALL_BYTES;
    struct beside beside = begin_beside(1 + (unsigned)_i % 3, 4);
    h5ckpt_store *reader = standard_open_reader(&standard);
    struct h5ckpt_report report;
    bool hit = true;

    for (long call = 0; hit; call++) {
        faults_set((struct faults){
            .calls = FAULT_OPEN | FAULT_READ, .first = call, .count = 1, .before = save_beside, .context = &beside});
        h5ckpt_status status = h5ckpt_inspect(reader, &(struct h5ckpt_inspect_options){.depth = depth}, &report);
        hit = faults_hit();
        faults_clear();
        ck_assert_msg(status == H5CKPT_OK, "call %ld: %s: %s", call, h5ckpt_status_name(status),
                      h5ckpt_message(reader));
        for (unsigned i = 0; i < report.slot_count; i++)
            ck_assert_msg(report.slot[i].state != H5CKPT_SLOT_DAMAGED && report.slot[i].state != H5CKPT_SLOT_MISSING,
                          "call %ld: %s is %s: %s", call, report.slot[i].name,
                          h5ckpt_slot_state_name(report.slot[i].state), report.slot[i].reason);
    }
    h5ckpt_close(reader);
    h5ckpt_close(beside.store);
}
END_TEST

static long removals_left;

static int remove_so_many(int directory, const char *name)
{
    if (removals_left-- > 0)
        return system_kernel.remove_at(directory, name);
    errno = EIO;
    return -1;
}

/* A deletion that has come as far as `removals_left` files. */
static void delete_beside(void *context)
{
    static struct system_calls calls;
    struct beside *beside = context;
    const struct system_calls *usual = system_calls;

    calls = *usual;
    calls.remove_at = remove_so_many;
    system_calls = &calls;
    h5ckpt_delete(beside->store);
    system_calls = usual;
}

/* _i: files removed, up to both slots, the view and the lock */
START_TEST(a_deletion_at_any_instant_of_a_restore_beside_it_is_no_loss)
{
    bool hit = true;

    for (long call = 0; hit; call++) {
        fixture_clear_backup();
        struct beside beside = begin_beside(2, 4);
        h5ckpt_store *reader = standard_open_reader(&standard);
        standard_spoil(&standard);
        removals_left = _i;
        faults_set((struct faults){
            .calls = FAULT_OPEN | FAULT_READ, .first = call, .count = 1, .before = delete_beside, .context = &beside});
        h5ckpt_status status = h5ckpt_restore(reader, options_of(H5CKPT_CURRENT, H5CKPT_STAGED), NULL);
        hit = faults_hit();
        faults_clear();
        ck_assert_int_lt(call, CALLS_MAX);
        ck_assert_msg(status == H5CKPT_OK || (hit && status == H5CKPT_NO_CHECKPOINT), "call %ld: %s: %s", call,
                      h5ckpt_status_name(status), h5ckpt_message(reader));
        ck_assert(status == H5CKPT_OK ? standard_is(&standard, 4) : standard_is_spoilt(&standard));
        h5ckpt_close(reader);
        h5ckpt_close(beside.store);
    }
}
END_TEST

static int flush_no_directory(int descriptor)
{
    struct stat status;

    if (fstat(descriptor, &status) == 0 && !S_ISDIR(status.st_mode))
        return 0;
    errno = EIO;
    return -1;
}

/* A save that has come as far as its new file's name: nothing notes it yet. */
static void save_until_renamed(void *context)
{
    static struct system_calls calls;
    struct beside *beside = context;
    const struct system_calls *usual = system_calls;

    calls = *usual;
    calls.flush = flush_no_directory;
    system_calls = &calls;
    assert_status(standard_save(beside->store, &writer_standard, ++beside->number), H5CKPT_E_IO);
    system_calls = usual;
    slot_of_epoch(beside->number);
}

/* A new handle on states 2 and 3, which saves into a new file unless it can flush the directory first. */
static struct beside begin_beside_anew(void)
{
    fixture_clear_backup();
    standard_history(2, 1, 3);
    struct beside beside = {standard_open(&writer_standard, NULL), 3};
    assert_status(h5ckpt_restore(beside.store, NULL, NULL), H5CKPT_OK);
    return beside;
}

START_TEST(the_previous_state_is_not_called_lost_while_a_new_file_takes_its_place)
{
    bool hit = true;

    for (long call = 0; hit; call++) {
        struct beside beside = begin_beside_anew();
        h5ckpt_store *reader = standard_open_reader(&standard);
        standard_spoil(&standard);
        faults_set((struct faults){.calls = FAULT_OPEN | FAULT_READ,
                                   .first = call,
                                   .count = 1,
                                   .before = save_until_renamed,
                                   .context = &beside});
        h5ckpt_status status = h5ckpt_restore(reader, options_of(H5CKPT_PREVIOUS, MEMORY[_i]), NULL);
        hit = faults_hit();
        faults_clear();
        ck_assert_int_lt(call, CALLS_MAX);
        ck_assert_msg(status == H5CKPT_OK, "call %ld: %s: %s", call, h5ckpt_status_name(status),
                      h5ckpt_message(reader));
        ck_assert(standard_is(&standard, 2) || standard_is(&standard, 3));
        h5ckpt_close(reader);
        h5ckpt_close(beside.store);
    }
}
END_TEST

START_TEST(an_inspection_of_all_bytes_sees_no_damage_while_a_new_file_takes_a_slots_place)
{
    struct h5ckpt_report report;
    bool hit = true;

    for (long call = 0; hit; call++) {
        struct beside beside = begin_beside_anew();
        h5ckpt_store *reader = standard_open_reader(&standard);
        faults_set((struct faults){.calls = FAULT_OPEN | FAULT_READ,
                                   .first = call,
                                   .count = 1,
                                   .before = save_until_renamed,
                                   .context = &beside});
        h5ckpt_status status =
            h5ckpt_inspect(reader, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report);
        hit = faults_hit();
        faults_clear();
        ck_assert_int_lt(call, CALLS_MAX);
        ck_assert_msg(status == H5CKPT_OK, "call %ld: %s: %s", call, h5ckpt_status_name(status),
                      h5ckpt_message(reader));
        for (unsigned i = 0; i < 2; i++)
            ck_assert_msg(report.slot[i].state == H5CKPT_SLOT_INTACT, "call %ld: %s is %s: %s", call,
                          report.slot[i].name, h5ckpt_slot_state_name(report.slot[i].state), report.slot[i].reason);
        h5ckpt_close(reader);
        h5ckpt_close(beside.store);
    }
}
END_TEST

START_TEST(a_slot_whose_save_failed_is_called_interrupted_while_its_writer_lives)
{
    struct h5ckpt_report report;
    unsigned interrupted = 0;
    bool hit = true;

    for (long call = 0; hit; call++) {
        fixture_clear_backup();
        struct beside beside = begin_beside(2, 4);
        faults_set((struct faults){.calls = FAULT_WRITE, .name = "slot", .first = call, .count = 1, .error = EIO});
        standard_save(beside.store, &writer_standard, 5);
        hit = faults_hit();
        faults_clear();
        h5ckpt_store *reader = standard_open_reader(&standard);
        assert_status(h5ckpt_inspect(reader, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report),
                      H5CKPT_OK);
        for (unsigned i = 0; i < 2; i++) {
            interrupted += report.slot[i].state == H5CKPT_SLOT_INTERRUPTED;
            ck_assert_msg(report.slot[i].state == H5CKPT_SLOT_INTACT || report.slot[i].state == H5CKPT_SLOT_INTERRUPTED,
                          "call %ld: %s is %s", call, report.slot[i].name,
                          h5ckpt_slot_state_name(report.slot[i].state));
        }
        h5ckpt_close(reader);
        h5ckpt_close(beside.store);
    }
    ck_assert_uint_gt(interrupted, 0);
}
END_TEST

/* ------------------------------------------------ a writer in another process */

struct child_event { /* from the child: before a step of a save, or after a save */
    uint64_t saved;  /* the last state acknowledged */
    bool step;
    bool failed;
};

struct child {
    pid_t process;
    int events; /* read end */
    int goes;   /* write end: a byte lets the child take its step */
    struct child_event last;
};

struct child_side {
    int events;
    int goes; /* -1: it does not wait */
    uint64_t saved;
};

static void report_step(void *context)
{
    struct child_side *side = context;
    const struct child_event event = {side->saved, true, false};
    char go;

    if (write(side->events, &event, sizeof event) != sizeof event || (side->goes >= 0 && read(side->goes, &go, 1) != 1))
        _exit(3);
}

static void child_main(struct child_side side, unsigned slots, uint64_t first, uint64_t last)
{
    const unsigned calls = FAULT_WRITE | FAULT_FLUSH | FAULT_RENAME | FAULT_CREATE | FAULT_REMOVE | FAULT_LINK;
    struct h5ckpt_options options = h5ckpt_options_default();
    struct child_event event = {0};
    h5ckpt_store *store;

    options.slots = slots;
    faults_set((struct faults){.calls = calls, .count = FAULTS_FOR_EVER, .before = report_step, .context = &side});
    event.failed = h5ckpt_open(&store, fixture_backup, writer_standard.state, &options) != H5CKPT_OK ||
                   h5ckpt_restore(store, NULL, NULL) < 0;
    for (uint64_t number = first; number <= last && !event.failed; number++) {
        event.failed = standard_save(store, &writer_standard, number) != H5CKPT_OK;
        event.saved = side.saved = number;
        if (write(side.events, &event, sizeof event) != sizeof event)
            _exit(3);
    }
    h5ckpt_close(store);
    _exit(event.failed ? 2 : 0);
}

static struct child child_start(unsigned slots, uint64_t first, uint64_t last, bool waits)
{
    struct child child = {0};
    int events[2];
    int goes[2];

    ck_assert_int_eq(pipe(events), 0);
    ck_assert_int_eq(pipe(goes), 0);
    child.process = fork();
    ck_assert_int_ge(child.process, 0);
    if (child.process == 0) {
        close(events[0]);
        close(goes[1]);
        child_main((struct child_side){events[1], waits ? goes[0] : -1, first - 1}, slots, first, last);
    }
    close(events[1]);
    close(goes[0]);
    child.events = events[0];
    child.goes = goes[1];
    child.last.saved = first - 1;
    return child;
}

/* The next event; false when the child has ended. */
static bool child_next(struct child *child)
{
    struct child_event event;

    if (read(child->events, &event, sizeof event) != sizeof event)
        return false;
    ck_assert(!event.failed);
    child->last = event;
    return true;
}

static void child_go(const struct child *child)
{
    if (child->last.step)
        ck_assert_int_eq(write(child->goes, "g", 1), 1);
}

static int child_end(const struct child *child, bool kill_it)
{
    int status;

    if (kill_it)
        ck_assert_int_eq(kill(child->process, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child->process, &status, 0), child->process);
    close(child->events);
    close(child->goes);
    return status;
}

/* Memory is state `saved`, or the one after it, whose save was on its way. */
static void assert_last_or_next(uint64_t saved, h5ckpt_status status, const char *message, const char *where, long step)
{
    if (saved == 0 && status == H5CKPT_NO_CHECKPOINT) {
        ck_assert(standard_is_spoilt(&standard));
        return;
    }
    ck_assert_msg(status == H5CKPT_OK, "%s, step %ld after state %d: %s: %s", where, step, (int)saved,
                  h5ckpt_status_name(status), message);
    ck_assert_msg((saved != 0 && standard_is(&standard, saved)) || standard_is(&standard, saved + 1),
                  "%s, step %ld: memory is neither state %d nor the next", where, step, (int)saved);
}

/* _i: slots; a new directory, or one with states and a new handle */
START_TEST(a_restore_at_every_step_of_a_save_gives_the_last_state_or_the_next)
{
    const unsigned slots = 1 + (unsigned)_i % 3;
    const uint64_t first = _i / 3 == 0 ? 1 : 4;

    if (first > 1)
        standard_history(slots, 1, first - 1);
    h5ckpt_store *reader = standard_open_reader(&standard);
    struct child child = child_start(slots, first, first + 4, true);
    for (long step = 0; child_next(&child); step++) {
        standard_spoil(&standard);
        h5ckpt_status status = h5ckpt_restore(reader, NULL, NULL);
        assert_last_or_next(child.last.saved, status, h5ckpt_message(reader), "beside", step);
        child_go(&child);
    }
    ck_assert_int_eq(child_end(&child, false), 0);
    h5ckpt_close(reader);
}
END_TEST

START_TEST(a_slot_is_called_being_written_while_it_is_and_never_damaged)
{
    const unsigned slots = 2 + (unsigned)_i % 2;
    const enum h5ckpt_depth depth = _i / 2 == 0 ? H5CKPT_RECORDS : H5CKPT_ALL_BYTES;
    struct h5ckpt_report report;
    unsigned writing = 0;

    h5ckpt_store *reader = standard_open_reader(&standard);
    struct child child = child_start(slots, 1, 6, true);
    for (long step = 0; child_next(&child); step++) {
        h5ckpt_inspect(reader, &(struct h5ckpt_inspect_options){.depth = depth}, &report);
        for (unsigned i = 0; i < report.slot_count; i++) {
            const enum h5ckpt_slot_state state = report.slot[i].state;
            writing += state == H5CKPT_SLOT_WRITING;
            ck_assert_msg(state == H5CKPT_SLOT_ABSENT || state == H5CKPT_SLOT_RESERVED ||
                              state == H5CKPT_SLOT_COMMITTED || state == H5CKPT_SLOT_INTACT ||
                              state == H5CKPT_SLOT_WRITING,
                          "step %ld: %s is %s: %s", step, report.slot[i].name, h5ckpt_slot_state_name(state),
                          report.slot[i].reason);
        }
        child_go(&child);
    }
    ck_assert_int_eq(child_end(&child, false), 0);
    ck_assert_uint_gt(writing, 0);
    h5ckpt_close(reader);
}
END_TEST

START_TEST(the_previous_state_is_not_called_lost_while_it_is_overwritten)
{
    standard_history(2, 1, 4);
    h5ckpt_store *reader = standard_open_reader(&standard);
    struct child child = child_start(2, 5, 7, true);
    for (long step = 0; child_next(&child); step++) {
        standard_spoil(&standard);
        h5ckpt_status status = h5ckpt_restore(reader, options_of(H5CKPT_PREVIOUS, H5CKPT_STAGED), NULL);
        ck_assert_msg(status == H5CKPT_OK || status == H5CKPT_E_OVERTAKEN, "step %ld: %s: %s", step,
                      h5ckpt_status_name(status), h5ckpt_message(reader));
        child_go(&child);
    }
    ck_assert_int_eq(child_end(&child, false), 0);
    h5ckpt_close(reader);
}
END_TEST

START_TEST(restores_beside_a_busy_writer_are_whole_generations)
{
    enum { SAVES = 80 };
    unsigned restored = 0;
    unsigned overtaken = 0;

    h5ckpt_store *reader = standard_open_reader(&standard);
    struct child child = child_start(1 + (unsigned)_i, 1, SAVES, false);
    uint64_t saved = 0;
    bool running = true;
    while (running) {
        for (unsigned i = 0; running && i < 13; i++) /* so many steps of the child to a restore here */
            running = child_next(&child);
        saved = child.last.saved; /* at least: the child runs ahead of its pipe */
        standard_spoil(&standard);
        h5ckpt_status status = h5ckpt_restore(reader, NULL, NULL);
        overtaken += status == H5CKPT_E_OVERTAKEN;
        if (status == H5CKPT_E_OVERTAKEN || status == H5CKPT_E_MEMORY_CHANGED ||
            (saved == 0 && status == H5CKPT_NO_CHECKPOINT))
            continue;
        ck_assert_msg(status == H5CKPT_OK, "%s: %s", h5ckpt_status_name(status), h5ckpt_message(reader));
        const uint64_t number = h5ckpt_progress(reader).epoch;
        ck_assert_msg(standard_is(&standard, number), "a mixture that calls itself %d", (int)number);
        ck_assert_uint_ge(number, saved);
        restored++;
    }
    ck_assert_int_eq(child_end(&child, false), 0);
    ck_assert_uint_gt(restored, overtaken);
    assert_status(h5ckpt_restore(reader, NULL, NULL), H5CKPT_OK);
    ck_assert(standard_is(&standard, SAVES));
    h5ckpt_close(reader);
}
END_TEST

/* ------------------------------------------------------------ a writer killed */

/* What every kill must leave; counts slots that are torn. */
static unsigned examine_the_killed(unsigned slots, uint64_t saved, long step)
{
    struct h5ckpt_report report;
    unsigned interrupted = 0;

    h5ckpt_store *store = standard_open_reader(&standard);
    h5ckpt_inspect(store, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report);
    h5ckpt_close(store);
    for (unsigned i = 0; i < report.slot_count; i++) {
        interrupted += report.slot[i].state == H5CKPT_SLOT_INTERRUPTED;
        ck_assert_msg(report.slot[i].state < H5CKPT_SLOT_INTERRUPTED_OR_DAMAGED &&
                          report.slot[i].state != H5CKPT_SLOT_WRITING,
                      "killed at step %ld: %s is %s: %s", step, report.slot[i].name,
                      h5ckpt_slot_state_name(report.slot[i].state), report.slot[i].reason);
    }
    standard_spoil(&standard);
    store = standard_open_slots(&standard, slots);
    h5ckpt_status status = h5ckpt_restore(store, NULL, &report);
    assert_last_or_next(saved, status, h5ckpt_message(store), "killed", step);
    ck_assert(!report.fell_back);
    ck_assert_uint_eq(report.sequences_lost, 0);
    if (step % 2 == 0) { /* ends here */
        h5ckpt_close(store);
        return interrupted;
    }
    for (uint64_t number = 50; number < 52; number++)
        assert_status_message(standard_save(store, &standard, number), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
    ck_assert_uint_ge(intact_count(), slots < 2 ? slots : 2);
    assert_restores(H5CKPT_OK, 51);
    return interrupted;
}

START_TEST(a_writer_killed_before_any_step_loses_nothing_acknowledged)
{
    const unsigned slots = 1 + (unsigned)_i % 3;
    const uint64_t first = _i / 3 == 0 ? 1 : 4;
    unsigned interrupted = 0;

    for (long kill_at = 0;; kill_at++) {
        fixture_clear_backup();
        if (first > 1)
            standard_history(slots, 1, first - 1);
        struct child child = child_start(slots, first, first + slots, true);
        bool alive = true;
        for (long step = 0; alive && step <= kill_at; step++) {
            alive = child_next(&child);
            if (alive && step < kill_at)
                child_go(&child);
        }
        child_end(&child, alive);
        interrupted += examine_the_killed(slots, child.last.saved, kill_at);
        if (!alive)
            break;
        ck_assert_int_lt(kill_at, CALLS_MAX);
    }
    if (slots > 1) /* with one slot every save is a new file: nothing is ever torn */
        ck_assert_uint_gt(interrupted, 0);
}
END_TEST

START_TEST(a_writer_killed_at_a_random_moment_loses_nothing_acknowledged)
{
    unsigned random = 12345;

    for (unsigned round = 0; round < 6; round++) {
        fixture_clear_backup();
        struct child child = child_start(1 + (unsigned)_i, 1, 1000, false);
        random = random * 1103515245 + 12345;
        for (unsigned step = 0; step < (random >> 16) % 200; step++)
            ck_assert(child_next(&child));
        child_end(&child, true);
        struct h5ckpt_report report;
        standard_spoil(&standard);
        h5ckpt_store *store = standard_open(&standard, NULL);
        h5ckpt_status status = h5ckpt_restore(store, NULL, &report);
        if (status == H5CKPT_NO_CHECKPOINT) {
            ck_assert_uint_eq(child.last.saved, 0);
        } else {
            assert_status_message(status, H5CKPT_OK, h5ckpt_message(store));
            ck_assert_uint_ge(report.progress.epoch, child.last.saved);
            ck_assert(standard_is(&standard, report.progress.epoch));
        }
        h5ckpt_close(store);
    }
}
END_TEST

START_TEST(an_interrupted_slot_under_another_boot_may_be_damaged)
{
    struct h5ckpt_report report;
    bool torn = false;

    standard_history(2, 1, 4);
    for (long kill_at = 0; !torn; kill_at++) {
        struct child child = child_start(2, 5, 8, true);
        for (long step = 0; step <= kill_at; step++) {
            ck_assert(child_next(&child));
            if (step < kill_at)
                child_go(&child);
        }
        child_end(&child, true);
        h5ckpt_store *reader = standard_open_reader(&standard);
        h5ckpt_inspect(reader, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report);
        h5ckpt_close(reader);
        for (unsigned i = 0; i < report.slot_count; i++)
            torn |= report.slot[i].state == H5CKPT_SLOT_INTERRUPTED;
        if (!torn) {
            fixture_clear_backup();
            standard_history(2, 1, 4);
        }
    }
    file_write_bytes(in_backup("lock"), "another boot", 12, 536);
    file_seal_sector(in_backup("lock"), 512);
    h5ckpt_store *reader = standard_open_reader(&standard);
    h5ckpt_inspect(reader, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report);
    h5ckpt_close(reader);
    unsigned unsure = 0;
    for (unsigned i = 0; i < report.slot_count; i++) {
        ck_assert_int_ne(report.slot[i].state, H5CKPT_SLOT_INTERRUPTED);
        unsure += report.slot[i].state == H5CKPT_SLOT_INTERRUPTED_OR_DAMAGED;
    }
    ck_assert_uint_eq(unsure, 1);
}
END_TEST

/* A power cut left the note of a save's beginning, not that of its end; later the slot was damaged. */
START_TEST(damage_beside_a_writer_that_has_not_saved_is_not_taken_for_its_work)
{
    standard_history(2, 1, 4);
    const char *newest = slot_of_epoch(standard_progress(4).epoch);
    const uint32_t saving[] = {1, strcmp(newest, "slot-a.h5") == 0 ? 0 : 1};
    file_write_bytes(in_backup("lock"), saving, sizeof saving, 512);
    file_write_bytes(in_backup("lock"), "another boot", 12, 536);
    file_write_bytes(in_backup("lock"), &(const uint64_t){3}, 8, 576);
    file_seal_sector(in_backup("lock"), 512);
    file_flip_bit(in_backup(newest), 8 * 4200);

    h5ckpt_store *store = standard_open(&standard, NULL);
    h5ckpt_store *reader = standard_open_reader(&standard);
    assert_status(h5ckpt_restore(reader, NULL, NULL), H5CKPT_FELL_BACK);
    ck_assert(standard_is(&standard, 3));
    h5ckpt_close(reader);
    h5ckpt_close(store);
}
END_TEST

/* Then it is right that the save's state was not acknowledged; and where locks do not work, that save may go on. */
START_TEST(under_the_same_boot_the_note_of_anothers_save_is_left_to_it)
{
    static unsigned char before[512], after[512];

    standard_history(2, 1, 4);
    file_write_bytes(in_backup("lock"), &(const uint32_t){1}, 4, 512);
    file_seal_sector(in_backup("lock"), 512);
    file_read_bytes(in_backup("lock"), before, sizeof before, 512);
    h5ckpt_store *store = standard_open(&standard, NULL);
    file_read_bytes(in_backup("lock"), after, sizeof after, 512);
    ck_assert_mem_eq(after, before, sizeof before);
    h5ckpt_close(store);
}
END_TEST

/* ------------------------------------------------------------------ reports */

START_TEST(the_report_says_what_was_restored)
{
    struct h5ckpt_report report;

    standard_history(2, 1, 5);
    h5ckpt_store *store = standard_open(&standard, NULL);
    memset(&report, 0xee, sizeof report);
    assert_status(h5ckpt_restore(store, NULL, &report), H5CKPT_OK);
    ck_assert_int_ge(report.restored, 0);
    ck_assert_str_eq(report.slot[report.restored].name, slot_of_epoch(5));
    ck_assert_uint_eq(report.sequence, 5);
    ck_assert_uint_eq(report.progress.epoch, 5);
    ck_assert_uint_eq(report.progress.step, 500);
    ck_assert(!report.fell_back);
    ck_assert_uint_eq(report.sequences_lost, 0);
    ck_assert_uint_eq(report.variable_count, STANDARD_VARIABLE_COUNT);
    ck_assert_uint_eq(report.slot_count, H5CKPT_SLOT_COUNT_MAX);
    ck_assert_double_ge(report.age_seconds, 0);
    ck_assert_double_lt(report.age_seconds, 3600);
    ck_assert_int_eq(report.slot[report.restored].state, H5CKPT_SLOT_INTACT);
    ck_assert_int_eq(report.slot[1 - report.restored].state, H5CKPT_SLOT_COMMITTED);
    ck_assert_uint_eq(report.slot[1 - report.restored].sequence, 4);
    ck_assert_int_eq(report.slot[2].state, H5CKPT_SLOT_ABSENT);
    ck_assert_uint_eq(report.slot[report.restored].file_bytes, file_bytes(in_backup(slot_of_epoch(5))));
    h5ckpt_close(store);
}
END_TEST

START_TEST(the_report_of_a_fallback_counts_what_was_lost)
{
    struct h5ckpt_report report;

    standard_history(2, 1, 5);
    flip_a_bit_of_a_block(in_backup(slot_of_epoch(5)));
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, &report), H5CKPT_FELL_BACK);
    ck_assert(report.fell_back);
    ck_assert_uint_eq(report.sequence, 4);
    ck_assert_uint_eq(report.sequences_lost, 1);
    h5ckpt_close(store);
}
END_TEST

static int64_t wall_clock_set_back(void)
{
    return 1000;
}

START_TEST(the_age_is_negative_if_the_clock_was_set_back)
{
    static struct system_calls calls;
    struct h5ckpt_report report;

    standard_history(2, 1, 2);
    calls = *system_calls;
    calls.wall_time_ns = wall_clock_set_back;
    system_calls = &calls;
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, &report), H5CKPT_OK);
    ck_assert_double_lt(report.age_seconds, 0);
    h5ckpt_close(store);
}
END_TEST

START_TEST(the_report_of_a_failure_names_no_restored_slot)
{
    struct h5ckpt_report report;

    standard_history(2, 1, 3);
    for (unsigned i = 0; i < 2; i++)
        flip_a_bit_of_a_block(in_backup(SLOT_NAME[i]));
    h5ckpt_store *store = standard_open(&standard, NULL);
    memset(&report, 0xee, sizeof report);
    assert_status(h5ckpt_restore(store, NULL, &report), H5CKPT_E_LOST);
    ck_assert_int_eq(report.restored, -1);
    ck_assert_uint_eq(report.variable_count, 0);
    ck_assert_int_eq(report.slot[0].state, H5CKPT_SLOT_DAMAGED);
    ck_assert_int_eq(report.slot[1].state, H5CKPT_SLOT_DAMAGED);
    h5ckpt_close(store);
}
END_TEST

START_TEST(an_inspection_of_records_sees_committed_slots_and_one_of_all_bytes_intact_ones)
{
    struct h5ckpt_report report;

    standard_history(2, 1, 3);
    h5ckpt_store *store = standard_open(&standard, NULL);
    snapshot_before();
    assert_status(h5ckpt_inspect(store, NULL, &report), H5CKPT_OK);
    ck_assert_int_eq(report.slot[0].state, H5CKPT_SLOT_COMMITTED);
    ck_assert_int_eq(report.slot[1].state, H5CKPT_SLOT_COMMITTED);
    ck_assert_int_eq(report.slot[2].state, H5CKPT_SLOT_ABSENT);
    assert_status(h5ckpt_inspect(store, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report),
                  H5CKPT_OK);
    ck_assert_int_eq(report.slot[0].state, H5CKPT_SLOT_INTACT);
    ck_assert_int_eq(report.slot[1].state, H5CKPT_SLOT_INTACT);
    ck_assert_uint_eq(report.sequence, 3);
    ck_assert(standard_is_spoilt(&standard));
    assert_unchanged();
    h5ckpt_close(store);
}
END_TEST

START_TEST(only_an_inspection_of_all_bytes_finds_a_damaged_block)
{
    struct h5ckpt_report report;

    standard_history(2, 1, 3);
    flip_a_bit_of_a_block(in_backup(slot_of_epoch(3)));
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_inspect(store, NULL, &report), H5CKPT_OK);
    assert_status(h5ckpt_inspect(store, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report),
                  H5CKPT_FELL_BACK);
    ck_assert_uint_eq(report.progress.epoch, 2);
    ck_assert_str_ne(h5ckpt_message(store), "");
    h5ckpt_close(store);
}
END_TEST

START_TEST(an_inspection_says_why_a_restore_would_fall_back)
{
    struct h5ckpt_report report;
    const enum h5ckpt_depth depth = _i == 0 ? H5CKPT_RECORDS : H5CKPT_ALL_BYTES;

    standard_history(2, 1, 3);
    const char *name = slot_of_epoch(3);
    flip_a_bit_of_the_record(in_backup(name));
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_inspect(store, &(struct h5ckpt_inspect_options){.depth = depth}, &report), H5CKPT_FELL_BACK);
    assert_mentions(h5ckpt_message(store), name);
    h5ckpt_close(store);
}
END_TEST

START_TEST(an_inspection_tells_absence_from_loss)
{
    struct h5ckpt_report report;
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_status(h5ckpt_inspect(store, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report),
                  H5CKPT_NO_CHECKPOINT);
    ck_assert_int_eq(report.restored, -1);
    ck_assert_str_ne(h5ckpt_message(store), "");
    h5ckpt_close(store);
    standard_history(2, 1, 3);
    for (unsigned i = 0; i < 2; i++)
        flip_a_bit_of_the_record(in_backup(SLOT_NAME[i]));
    store = standard_open(&standard, NULL);
    assert_status(h5ckpt_inspect(store, NULL, &report), H5CKPT_E_LOST);
    ck_assert_int_eq(report.restored, -1);
    h5ckpt_close(store);
}
END_TEST

START_TEST(every_slot_state_has_a_name_of_its_own)
{
    for (int a = H5CKPT_SLOT_ABSENT; a <= H5CKPT_SLOT_UNREADABLE; a++)
        for (int b = H5CKPT_SLOT_ABSENT; b < a; b++)
            ck_assert_str_ne(h5ckpt_slot_state_name((enum h5ckpt_slot_state)a),
                             h5ckpt_slot_state_name((enum h5ckpt_slot_state)b));
    ck_assert_str_eq(h5ckpt_slot_state_name(H5CKPT_SLOT_INTERRUPTED), "interrupted");
    ck_assert_ptr_nonnull(h5ckpt_slot_state_name((enum h5ckpt_slot_state)99));
}
END_TEST

/* --------------------------------------------------------------------- main */

static void add_case(Suite *suite, TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
}

static void add_damage(Suite *suite)
{
    TCase *tcase = tcase_create("damage");

    tcase_add_loop_test(tcase, a_flipped_bit_anywhere_in_the_newest_slot_falls_back_or_is_harmless, 0, MEMORY_COUNT);
    tcase_add_test(tcase, a_flipped_bit_in_the_previous_slot_does_not_touch_the_newest);
    tcase_add_test(tcase, a_newest_slot_of_any_other_length_falls_back);
    tcase_add_loop_test(tcase, a_damaged_newest_slot_falls_back_and_is_named, 0, COUNT(DAMAGE));
    tcase_add_loop_test(tcase, after_falling_back_saves_go_on_and_spare_the_restored_state, 0, COUNT(DAMAGE));
    tcase_add_test(tcase, a_symbolic_link_in_a_slots_place_is_replaced_and_its_target_untouched);
    tcase_add_test(tcase, a_hard_link_to_the_newest_slot_is_no_damage);
    tcase_add_test(tcase, damage_names_variable_and_block);
    tcase_add_test(tcase, the_reason_names_variable_and_block_however_long_the_directorys_path_is);
    tcase_add_loop_test(tcase, all_slots_damaged_is_a_loss_that_changes_nothing, 0, COUNT(DAMAGE));
    tcase_add_loop_test(tcase, different_damage_to_both_slots_is_a_loss, 0, COUNT(DAMAGE));
    tcase_add_loop_test(tcase, a_directory_that_is_in_use_without_a_slot_is_a_loss, 0, 3);
    tcase_add_loop_test(tcase, a_lost_newest_slot_is_noticed_without_the_locks_note, 2, 4);
    tcase_add_test(tcase, a_fresh_directory_has_no_checkpoint);
    tcase_add_loop_test(tcase, two_slots_with_one_sequence_are_reported, 0, 2);
    add_case(suite, tcase);
}

static void add_schema(Suite *suite)
{
    TCase *tcase = tcase_create("schema");

    tcase_add_loop_test(tcase, a_mismatch_lists_every_difference_and_touches_no_memory, 0, MEMORY_COUNT);
    tcase_add_loop_test(tcase, float64_becomes_float32_where_asked, 0, 2);
    tcase_add_loop_test(tcase, int16_becomes_int64_where_asked, 0, 2);
    tcase_add_test(tcase, integers_out_of_range_are_clipped);
    tcase_add_test(tcase, numbers_of_another_kind_are_never_converted);
    tcase_add_test(tcase, complex64_becomes_complex128_where_asked);
    tcase_add_loop_test(tcase, numbers_of_the_other_byte_order_are_converted_where_asked_and_never_misread, 0, 2);
    tcase_add_loop_test(tcase, no_elements_are_converted_to_none, 0, 2);
    tcase_add_loop_test(tcase, one_array_under_two_names_is_restored, 0, MEMORY_COUNT);
    tcase_add_loop_test(tcase, a_pointer_that_became_null_is_named_and_no_memory_touched, 0, MEMORY_COUNT);
    tcase_add_test(tcase, floats_of_the_other_byte_order_are_converted_where_asked);
    tcase_add_loop_test(tcase, an_intersection_restores_only_what_both_sides_have, 0, MEMORY_COUNT);
    tcase_add_test(tcase, an_intersection_still_refuses_a_common_variable_that_does_not_fit);
    tcase_add_test(tcase, renamed_variables_are_found);
    tcase_add_test(tcase, two_variables_may_swap_their_names);
    tcase_add_test(tcase, a_stored_variable_that_was_renamed_is_not_given_to_a_namesake_too);
    tcase_add_test(tcase, a_subset_leaves_the_other_variables_alone);
    tcase_add_test(tcase, restore_options_that_name_nothing_are_refused);
    tcase_add_loop_test(tcase, a_put_function_that_always_fails_leaves_memory_changed_until_a_restore_succeeds, 0,
                        MEMORY_COUNT);
    tcase_add_loop_test(tcase, a_get_function_that_fails_at_any_variable_is_named_and_nothing_is_touched, 0, PUT_COUNT);
    tcase_add_loop_test(tcase, a_put_function_that_fails_once_falls_back_to_the_whole_previous_state, 0,
                        MEMORY_COUNT * PUT_COUNT);
    tcase_add_test(tcase, an_older_state_that_was_passed_over_makes_the_newest_no_fall_back);
    tcase_add_test(tcase, a_newer_state_that_was_not_acknowledged_is_not_passed_over_without_a_word);
    tcase_add_loop_test(tcase, a_slot_that_was_passed_over_because_a_put_function_failed_is_called_intact, 0,
                        MEMORY_COUNT * PUT_COUNT);
    tcase_add_loop_test(tcase, an_older_state_without_a_variable_that_has_begun_to_change_is_not_mixed_with_it, 0,
                        MEMORY_COUNT * PUT_COUNT);
    add_case(suite, tcase);
}

static void add_passing(Suite *suite)
{
    TCase *tcase = tcase_create("passing errors");

    tcase_add_loop_test(tcase, a_passing_error_at_any_call_is_reported_as_itself_and_the_next_restore_works, 0,
                        2 * COUNT(PASSING));
    tcase_add_loop_test(tcase, a_passing_error_that_stays_rolls_nothing_back_before_memory_changes, 0, COUNT(PASSING));
    tcase_add_test(tcase, an_interrupted_call_is_gone_on_with);
    tcase_add_test(tcase, a_read_that_is_interrupted_for_ever_ends);
    tcase_add_loop_test(tcase, an_eio_that_does_not_persist_is_no_damage, 0, MEMORY_COUNT);
    tcase_add_loop_test(tcase, a_bit_that_turns_while_a_state_is_restored_never_gets_into_memory, 0, MEMORY_COUNT);
    tcase_add_loop_test(tcase, an_eio_that_persists_falls_back, 0, MEMORY_COUNT);
    tcase_add_test(tcase, an_eio_that_persists_in_every_slot_is_a_loss);
    add_case(suite, tcase);
}

static void add_beside(Suite *suite)
{
    TCase *tcase = tcase_create("beside a writer");

    tcase_add_loop_test(tcase, one_save_at_any_instant_of_a_restore_beside_it_is_no_damage, 0, 3 * MEMORY_COUNT);
    tcase_add_loop_test(tcase, two_saves_at_any_instant_of_a_restore_beside_them_are_no_damage, 0, 3);
    tcase_add_test(tcase, a_restore_that_gave_a_state_although_it_was_overtaken_has_no_message);
    tcase_add_loop_test(tcase, a_writer_that_is_always_faster_overtakes_and_damages_nothing, 0, 9);
    tcase_add_loop_test(tcase, an_inspection_beside_a_save_sees_no_damage, 0, 6);
    tcase_add_loop_test(tcase, a_deletion_at_any_instant_of_a_restore_beside_it_is_no_loss, 0, 5);
    tcase_add_loop_test(tcase, the_previous_state_is_not_called_lost_while_a_new_file_takes_its_place, 0, MEMORY_COUNT);
    tcase_add_test(tcase, an_inspection_of_all_bytes_sees_no_damage_while_a_new_file_takes_a_slots_place);
    tcase_add_test(tcase, a_slot_whose_save_failed_is_called_interrupted_while_its_writer_lives);
    tcase_add_loop_test(tcase, a_restore_at_every_step_of_a_save_gives_the_last_state_or_the_next, 0, 6);
    tcase_add_loop_test(tcase, a_slot_is_called_being_written_while_it_is_and_never_damaged, 0, 4);
    tcase_add_test(tcase, the_previous_state_is_not_called_lost_while_it_is_overwritten);
    tcase_add_loop_test(tcase, restores_beside_a_busy_writer_are_whole_generations, 0, 3);
    add_case(suite, tcase);
}

static void add_killed(Suite *suite)
{
    TCase *tcase = tcase_create("a writer killed");

    tcase_add_loop_test(tcase, a_writer_killed_before_any_step_loses_nothing_acknowledged, 0, 6);
    tcase_add_loop_test(tcase, a_writer_killed_at_a_random_moment_loses_nothing_acknowledged, 0, 3);
    tcase_add_test(tcase, an_interrupted_slot_under_another_boot_may_be_damaged);
    tcase_add_test(tcase, damage_beside_a_writer_that_has_not_saved_is_not_taken_for_its_work);
    tcase_add_test(tcase, under_the_same_boot_the_note_of_anothers_save_is_left_to_it);
    add_case(suite, tcase);
}

static void add_reports(Suite *suite)
{
    TCase *tcase = tcase_create("reports");

    tcase_add_test(tcase, the_report_says_what_was_restored);
    tcase_add_test(tcase, the_report_of_a_fallback_counts_what_was_lost);
    tcase_add_test(tcase, the_age_is_negative_if_the_clock_was_set_back);
    tcase_add_test(tcase, the_report_of_a_failure_names_no_restored_slot);
    tcase_add_test(tcase, an_inspection_of_records_sees_committed_slots_and_one_of_all_bytes_intact_ones);
    tcase_add_test(tcase, only_an_inspection_of_all_bytes_finds_a_damaged_block);
    tcase_add_loop_test(tcase, an_inspection_says_why_a_restore_would_fall_back, 0, 2);
    tcase_add_test(tcase, an_inspection_tells_absence_from_loss);
    tcase_add_test(tcase, every_slot_state_has_a_name_of_its_own);
    add_case(suite, tcase);
}

int main(void)
{
    Suite *suite = suite_create("restore");

    signal(SIGPIPE, SIG_IGN);
    add_damage(suite);
    add_schema(suite);
    add_passing(suite);
    add_beside(suite);
    add_killed(suite);
    add_reports(suite);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
