/* SPDX-License-Identifier: MIT */
/*
 * Restores that read past the page cache, or only once: on the model of page cache and device (support/simfs.h), where
 * a test knows which of the two was read. Linked with -Wl,--wrap=choose_past_cache.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h5ckpt.h"
#include "recovery/choose.h"
#include "support/assert_h5ckpt.h"
#include "support/simfs.h"
#include "support/suite.h"

#define DIRECTORY "backup"

/* More than two chunks of the walk, so that memory has begun to change when the last one is read. */
enum { WEIGHT_COUNT = 600000, SEED = 7, SMALL_COUNT = 3 };

static struct simfs *fs;
static h5ckpt_state *state;
static h5ckpt_store *store;
static float weights[WEIGHT_COUNT];
static double small[SMALL_COUNT];
static int32_t put_value;
static unsigned put_calls;

static const enum h5ckpt_memory MEMORY[] = {H5CKPT_VERIFY_FIRST, H5CKPT_STAGED, H5CKPT_BLOCKWISE};

enum { MEMORY_COUNT = sizeof MEMORY / sizeof *MEMORY, BLOCKWISE = 2 };

/* ------------------------------------------------------------ which way is read */

static bool past_cache;

bool __wrap_choose_past_cache(uint64_t file_bytes);

bool __wrap_choose_past_cache(uint64_t file_bytes)
{
    (void)file_bytes;
    return past_cache;
}

enum { DESCRIPTOR_MAX = 2000 };

/* Opens O_DIRECT and takes the first page, then refuses, as some file systems do. */
static struct system_calls refusing;
static bool is_direct[DESCRIPTOR_MAX];

static int open_noting_direct(int directory, const char *name, int flags, mode_t mode)
{
    const int descriptor = simfs_calls.open_at(directory, name, flags, mode);

    if (descriptor >= 0 && descriptor < DESCRIPTOR_MAX)
        is_direct[descriptor] = (flags & O_DIRECT) != 0;
    return descriptor;
}

static ssize_t refuse_direct_reads(int descriptor, void *bytes, size_t byte_count, off_t offset)
{
    if (descriptor < DESCRIPTOR_MAX && is_direct[descriptor] && offset != 0) {
        errno = EINVAL;
        return -1;
    }
    return simfs_calls.read_at(descriptor, bytes, byte_count, offset);
}

static void refuse_reads_past_the_cache(void)
{
    refusing = simfs_calls;
    refusing.open_at = open_noting_direct;
    refusing.read_at = refuse_direct_reads;
    system_calls = &refusing;
}

/* --------------------------------------------------------------- the program */

static int put(void *context, const void *bytes, size_t byte_count)
{
    memcpy(context, bytes, byte_count);
    put_calls++;
    return 0;
}

static int get(void *context, void *bytes, size_t byte_count)
{
    memcpy(bytes, context, byte_count);
    return 0;
}

static void fill(int number)
{
    for (int i = 0; i < WEIGHT_COUNT; i++)
        weights[i] = (float)(number * 1000 + i % 997);
    for (int i = 0; i < SMALL_COUNT; i++)
        small[i] = number + i;
    put_value = number;
}

/* The number of the state that memory holds; -1: none, or a mixture. */
static int held(void)
{
    const int number = put_value;

    for (int i = 0; i < WEIGHT_COUNT; i++)
        if (weights[i] != (float)(number * 1000 + i % 997))
            return -1;
    for (int i = 0; i < SMALL_COUNT; i++)
        if (small[i] != number + i)
            return -1;
    return number;
}

static h5ckpt_state *make_state(void)
{
    const struct h5ckpt_access access = {get, put, &put_value};
    h5ckpt_state *made = h5ckpt_state_new();

    h5ckpt_add(made, "small", H5CKPT_FLOAT64, 1, (const uint64_t[]){SMALL_COUNT}, small);
    h5ckpt_add(made, "weights", H5CKPT_FLOAT32, 1, (const uint64_t[]){WEIGHT_COUNT}, weights);
    assert_status(h5ckpt_add_access(made, "put", H5CKPT_INT32, 0, NULL, &access), H5CKPT_OK);
    return made;
}

static void setup(void)
{
    system_calls = &simfs_calls;
    fs = simfs_new(SEED);
    simfs_use(fs);
    past_cache = true;
    put_calls = 0;
    state = make_state();
}

static void teardown(void)
{
    h5ckpt_close(store);
    store = NULL;
    h5ckpt_state_free(state);
    simfs_free(fs);
    system_calls = &system_kernel;
}

static void open_store(enum h5ckpt_mode mode, unsigned slots)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.mode = mode;
    options.slots = slots;
    assert_status_message(h5ckpt_open(&store, DIRECTORY, state, &options), H5CKPT_OK, h5ckpt_message(store));
}

static h5ckpt_status save(int number)
{
    fill(number);
    return h5ckpt_save(store, &(struct h5ckpt_progress){.step = (uint64_t)number});
}

static void end_process(void)
{
    simfs_kill(fs);
    h5ckpt_close(store);
    store = NULL;
    simfs_restart(fs);
}

/*
 * A process saves states 1 … last, by turns into slot-a.h5 and slot-b.h5, and is killed; nothing of them is in the
 * cache.
 */
static void history(unsigned slots, int last)
{
    open_store(H5CKPT_READ_WRITE, slots);
    for (int number = 1; number <= last; number++)
        assert_status_message(save(number), H5CKPT_OK, h5ckpt_message(store));
    end_process();
    simfs_evict(fs, SIMFS_SURVIVE_NONE);
    fill(99);
}

static h5ckpt_status restore(enum h5ckpt_memory memory, struct h5ckpt_report *report)
{
    struct h5ckpt_restore_options options = h5ckpt_restore_options_default();

    options.memory = memory;
    return h5ckpt_restore(store, &options, report);
}

static const char *slot_path(const char *name)
{
    static char path[64];

    snprintf(path, sizeof path, DIRECTORY "/%s", name);
    return path;
}

static uint64_t slot_bytes(const char *name)
{
    struct stat status;
    const int descriptor = simfs_calls.open_at(AT_FDCWD, slot_path(name), O_RDONLY, 0);

    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(simfs_calls.status(descriptor, &status), 0);
    simfs_calls.close(descriptor);
    return (uint64_t)status.st_size;
}

/* Operations of a kind since operation `since`, on names that begin so. */
static size_t op_count(size_t since, enum simfs_op_kind kind, const char *prefix)
{
    size_t count = 0;

    for (size_t i = since; i < simfs_op_count(fs); i++) {
        const struct simfs_op *op = simfs_op_at(fs, i);
        const char *name = kind == SIMFS_RENAME ? op->to : op->name;
        count += op->kind == kind && strncmp(name, prefix, strlen(prefix)) == 0;
    }
    return count;
}

/* ----------------------------------------------------------- the base is durable */

static void make_unreadable(const char *name)
{
    static struct simfs_fault fault;

    fault = (struct simfs_fault){.call = SIMFS_CALL_READ, .name_prefix = name, .fail_count = 1000000, .error = EIO};
    simfs_set_fault(fs, &fault);
}

START_TEST(after_a_restore_past_the_cache_the_next_save_is_in_place_and_reads_nothing_of_the_base)
{
    history(2, 4);
    open_store(H5CKPT_READ_WRITE, 2);
    assert_status(restore(MEMORY[_i], NULL), H5CKPT_OK);
    make_unreadable("slot-b.h5"); /* the base */
    const size_t before = simfs_op_count(fs);
    assert_status_message(save(5), H5CKPT_OK, h5ckpt_message(store));
    ck_assert_uint_eq(op_count(before, SIMFS_RENAME, "slot-"), 0);
}
END_TEST

/* _i: how it is restored, and whether it is the file's or the directory's flush that fails */
START_TEST(a_flush_that_fails_in_a_restore_fails_nothing_but_the_base_is_not_durable_then)
{
    const struct simfs_fault fault = {.call = SIMFS_CALL_FLUSH,
                                      .skip_count = (unsigned)_i / MEMORY_COUNT,
                                      .fail_count = 1,
                                      .error = EIO,
                                      .survivors = SIMFS_SURVIVE_ALL};

    history(2, 4);
    open_store(H5CKPT_READ_WRITE, 2);
    simfs_set_fault(fs, &fault);
    assert_status_message(restore(MEMORY[_i % MEMORY_COUNT], NULL), H5CKPT_OK, h5ckpt_message(store));
    ck_assert_int_eq(held(), 4);
    make_unreadable("slot-b.h5");
    const size_t before = simfs_op_count(fs);
    assert_status_message(save(5), H5CKPT_OK, h5ckpt_message(store));
    ck_assert_uint_eq(op_count(before, SIMFS_RENAME, "slot-"), 1); /* it looked for itself, and could not */
}
END_TEST

START_TEST(what_was_read_through_the_cache_is_not_known_to_be_durable)
{
    past_cache = false;
    history(2, 4);
    open_store(H5CKPT_READ_WRITE, 2);
    assert_status(restore(MEMORY[_i], NULL), H5CKPT_OK);
    make_unreadable("slot-b.h5");
    const size_t before = simfs_op_count(fs);
    assert_status(save(5), H5CKPT_OK);
    ck_assert_uint_eq(op_count(before, SIMFS_RENAME, "slot-"), 1);
}
END_TEST

START_TEST(a_restore_writes_nothing_and_a_readers_does_not_even_flush)
{
    history(2, 4);
    open_store(_i < MEMORY_COUNT ? H5CKPT_READ_ONLY : H5CKPT_READ_WRITE, 2);
    const size_t before = simfs_op_count(fs);
    assert_status(restore(MEMORY[_i % MEMORY_COUNT], NULL), H5CKPT_OK);
    ck_assert_int_eq(held(), 4);
    for (size_t i = before; i < simfs_op_count(fs); i++) {
        const enum simfs_op_kind kind = simfs_op_at(fs, i)->kind;
        ck_assert_msg(kind == SIMFS_FLUSH && _i >= MEMORY_COUNT, "%s", simfs_op_name(kind));
    }
}
END_TEST

START_TEST(a_reader_changes_nothing_from_its_opening_to_its_close)
{
    struct h5ckpt_report report;

    history(2, 4);
    const size_t before = simfs_op_count(fs);
    open_store(H5CKPT_READ_ONLY, 2);
    assert_status(restore(MEMORY[_i], NULL), H5CKPT_OK);
    assert_status(h5ckpt_inspect(store, NULL, &report), H5CKPT_OK);
    h5ckpt_close(store);
    store = NULL;
    ck_assert_uint_eq(simfs_op_count(fs), before);
}
END_TEST

/* ------------------------------------------------------------ what can be had */

START_TEST(the_report_says_whether_the_device_was_read)
{
    struct h5ckpt_report report;

    past_cache = _i / MEMORY_COUNT;
    history(2, 4);
    open_store(H5CKPT_READ_ONLY, 2);
    assert_status(restore(MEMORY[_i % MEMORY_COUNT], &report), H5CKPT_OK);
    ck_assert_int_eq(report.slot[report.restored].from_device, past_cache);
    ck_assert_int_eq(report.slot[report.restored].state, H5CKPT_SLOT_INTACT);
}
END_TEST

START_TEST(a_file_system_without_reads_past_the_cache_restores_the_same)
{
    struct h5ckpt_report report;

    simfs_set_direct(fs, SIMFS_DIRECT_NO);
    history(2, 4);
    open_store(H5CKPT_READ_WRITE, 2);
    assert_status(restore(MEMORY[_i], &report), H5CKPT_OK);
    ck_assert_int_eq(held(), 4);
    ck_assert(!report.slot[report.restored].from_device);
    assert_status(save(5), H5CKPT_OK);
}
END_TEST

START_TEST(a_file_system_that_refuses_after_the_first_page_restores_the_same)
{
    struct h5ckpt_report report;

    history(2, 4);
    refuse_reads_past_the_cache();
    open_store(H5CKPT_READ_WRITE, 2);
    assert_status_message(restore(MEMORY[_i], &report), H5CKPT_OK, h5ckpt_message(store));
    ck_assert_int_eq(held(), 4);
    ck_assert(!report.slot[report.restored].from_device);
    ck_assert_str_eq(report.slot[report.restored].reason, "");
}
END_TEST

/*
 * A flush failed in an earlier process: the cache has the state whole, the device has not. As if only the cache could
 * be read.
 */
START_TEST(what_only_the_cache_holds_is_given_back_and_not_relied_on)
{
    const struct simfs_fault fault = {.call = SIMFS_CALL_FLUSH,
                                      .name_prefix = "slot-",
                                      .fail_count = 1,
                                      .error = EIO,
                                      .survivors = SIMFS_SURVIVE_NONE};

    simfs_set_direct(fs, SIMFS_DIRECT_READS_ONLY);
    open_store(H5CKPT_READ_WRITE, 2);
    for (int number = 1; number <= 3; number++)
        assert_status(save(number), H5CKPT_OK);
    simfs_set_fault(fs, &fault);
    assert_status(save(4), H5CKPT_E_IO);
    end_process();
    simfs_set_fault(fs, NULL);
    fill(99);
    past_cache = _i / MEMORY_COUNT;
    open_store(H5CKPT_READ_ONLY, 2);
    assert_status_message(restore(MEMORY[_i % MEMORY_COUNT], NULL), H5CKPT_OK, h5ckpt_message(store));
    ck_assert_int_eq(held(), 4);
    h5ckpt_close(store);
    fill(99);
    open_store(H5CKPT_READ_WRITE, 2);
    assert_status_message(restore(MEMORY[_i % MEMORY_COUNT], NULL), H5CKPT_OK, h5ckpt_message(store));
    ck_assert_int_eq(held(), 4);
    const size_t before = simfs_op_count(fs);
    assert_status(save(5), H5CKPT_OK);
    ck_assert_uint_eq(op_count(before, SIMFS_RENAME, "slot-"), 1);
}
END_TEST

/* ---------------------------------------------------------- damage, read only once */

enum harm { FIRST_BLOCK, LAST_BLOCK, TRUNCATED, UNREADABLE, HARM_COUNT };

static void harm(const char *name, enum harm harm)
{
    const uint64_t byte_count = slot_bytes(name);
    int descriptor;

    switch (harm) {
    case FIRST_BLOCK:
        simfs_damage(fs, slot_path(name), 5000, 1);
        break;
    case LAST_BLOCK: /* before the table, which takes one page */
        simfs_damage(fs, slot_path(name), byte_count - 4097, 1);
        break;
    case TRUNCATED:
        descriptor = simfs_calls.open_at(AT_FDCWD, slot_path(name), O_RDWR, 0);
        ck_assert_int_eq(simfs_calls.truncate(descriptor, (off_t)byte_count / 2), 0);
        simfs_calls.close(descriptor);
        break;
    case UNREADABLE:
    default:
        make_unreadable(name);
        break;
    }
}

/* _i: harm, how it is restored, past the cache or not */
START_TEST(a_harmed_newest_slot_falls_back_whatever_memory_has_begun_to_be)
{
    struct h5ckpt_report report;

    past_cache = _i / HARM_COUNT / MEMORY_COUNT;
    history(2, 4);
    open_store(H5CKPT_READ_WRITE, 2);
    harm("slot-b.h5", (enum harm)(_i % HARM_COUNT));
    assert_status_message(restore(MEMORY[_i / HARM_COUNT % MEMORY_COUNT], &report), H5CKPT_FELL_BACK,
                          h5ckpt_message(store));
    ck_assert_int_eq(held(), 3);
    ck_assert_uint_eq(put_calls, 1);
    ck_assert_int_eq(report.slot[1].state, H5CKPT_SLOT_DAMAGED);
    ck_assert_int_eq(report.slot[0].state, H5CKPT_SLOT_INTACT);
    assert_status_message(save(5), H5CKPT_OK, h5ckpt_message(store));
}
END_TEST

/* Is it a writer's work? That can only be told if its lock can be read. */
START_TEST(a_readers_damage_is_not_believed_where_the_lock_cannot_be_read)
{
    struct simfs_fault fault = {.call = SIMFS_CALL_READ, .name_prefix = "lock", .fail_count = 1, .error = EACCES};
    h5ckpt_status status = H5CKPT_E_PERMISSION;

    history(2, 4);
    open_store(H5CKPT_READ_ONLY, 2);
    harm("slot-b.h5", FIRST_BLOCK);
    for (; status == H5CKPT_E_PERMISSION; fault.skip_count++) {
        simfs_set_fault(fs, &fault);
        status = restore(H5CKPT_VERIFY_FIRST, NULL);
        ck_assert_int_eq(held(), status < 0 ? 99 : 3);
    }
    assert_status_message(status, H5CKPT_FELL_BACK, h5ckpt_message(store));
    ck_assert_uint_gt(fault.skip_count, 2); /* it was asked for more than once */
}
END_TEST

START_TEST(damage_that_is_found_blockwise_is_named_as_fully_as_any)
{
    struct h5ckpt_report report;

    history(2, 4);
    open_store(H5CKPT_READ_ONLY, 2);
    harm("slot-b.h5", FIRST_BLOCK);
    simfs_damage(fs, slot_path("slot-b.h5"), 1 << 20, 1);
    assert_status(restore(MEMORY[_i], &report), H5CKPT_FELL_BACK);
    assert_mentions(report.slot[1].reason, "2 of");
    assert_mentions(report.slot[1].reason, "first is block 0");
}
END_TEST

START_TEST(with_nothing_to_fall_back_to_only_blockwise_leaves_memory_changed)
{
    past_cache = _i / MEMORY_COUNT;
    history(2, 4);
    open_store(H5CKPT_READ_WRITE, 2);
    harm("slot-a.h5", LAST_BLOCK);
    harm("slot-b.h5", LAST_BLOCK);
    if (_i % MEMORY_COUNT == BLOCKWISE) {
        assert_status(restore(MEMORY[BLOCKWISE], NULL), H5CKPT_E_MEMORY_CHANGED);
        assert_mentions(h5ckpt_message(store), "block");
        ck_assert_int_eq(held(), -1);
        assert_status(h5ckpt_save(store, NULL), H5CKPT_E_MEMORY_CHANGED);
    } else {
        assert_status(restore(MEMORY[_i % MEMORY_COUNT], NULL), H5CKPT_E_LOST);
        ck_assert_int_eq(held(), 99);
    }
    ck_assert_uint_eq(put_calls, 0);
    harm("slot-b.h5", LAST_BLOCK); /* the same bits: back */
    assert_status(restore(MEMORY[_i % MEMORY_COUNT], NULL), H5CKPT_OK);
    ck_assert_int_eq(held(), 4);
    assert_status(save(5), H5CKPT_OK);
}
END_TEST

START_TEST(an_older_state_that_lacks_what_has_changed_is_not_mixed_with_it)
{
    const struct h5ckpt_restore_options common = {.match = H5CKPT_INTERSECTION, .memory = H5CKPT_BLOCKWISE};
    static float late[1 << 18];

    history(2, 1);
    h5ckpt_add(state, "late", H5CKPT_FLOAT32, 1, (const uint64_t[]){1 << 18}, late);
    open_store(H5CKPT_READ_WRITE, 2);
    assert_status(h5ckpt_restore(store, &common, NULL), H5CKPT_OK);
    assert_status(save(2), H5CKPT_OK);
    harm("slot-b.h5", LAST_BLOCK);
    assert_status(h5ckpt_restore(store, &common, NULL), H5CKPT_E_MEMORY_CHANGED);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_MEMORY_CHANGED);
}
END_TEST

/* As if it had been verified first: only then its variables count. */
START_TEST(a_newest_slot_of_other_variables_is_a_mismatch_if_it_is_whole_and_else_falls_back)
{
    const struct h5ckpt_restore_options common = {.match = H5CKPT_INTERSECTION};
    static float late[4];

    history(2, 1);
    h5ckpt_add(state, "late", H5CKPT_FLOAT32, 1, (const uint64_t[]){4}, late);
    open_store(H5CKPT_READ_WRITE, 2);
    assert_status(h5ckpt_restore(store, &common, NULL), H5CKPT_OK);
    assert_status(save(2), H5CKPT_OK);
    end_process();
    h5ckpt_state_free(state);
    state = make_state();
    fill(99);
    open_store(H5CKPT_READ_WRITE, 2);
    assert_status(restore(MEMORY[_i], NULL), H5CKPT_E_SCHEMA);
    ck_assert_int_eq(held(), 99);
    harm("slot-b.h5", LAST_BLOCK);
    assert_status(restore(MEMORY[_i], NULL), H5CKPT_FELL_BACK);
    ck_assert_int_eq(held(), 1);
}
END_TEST

/* At whichever read. */
START_TEST(an_eio_that_passes_is_no_damage)
{
    enum { READS = 40 };

    history(2, 2);
    open_store(H5CKPT_READ_ONLY, 2);
    for (unsigned read = 0; read < READS; read++) {
        const struct simfs_fault fault = {
            .call = SIMFS_CALL_READ, .name_prefix = "slot-", .skip_count = read, .fail_count = 1, .error = EIO};
        fill(99);
        simfs_set_fault(fs, &fault);
        assert_status_message(restore(MEMORY[_i], NULL), H5CKPT_OK, h5ckpt_message(store));
        ck_assert_int_eq(held(), 2);
    }
    simfs_set_fault(fs, NULL);
}
END_TEST

/* Before that it is reported as itself; from then on the slot is tried once more (P7). */
START_TEST(a_passing_error_that_passes_rolls_nothing_back_though_memory_has_begun_to_change)
{
    enum { READS_MAX = 40 }; /* a restore makes fewer */
    struct simfs_fault fault = {.call = SIMFS_CALL_READ, .name_prefix = "slot-", .fail_count = 1, .error = EAGAIN};

    past_cache = false;
    history(2, 4);
    open_store(H5CKPT_READ_WRITE, 2);
    for (; fault.skip_count < READS_MAX; fault.skip_count++) {
        simfs_set_fault(fs, &fault);
        fill(99);
        const h5ckpt_status status = restore(MEMORY[_i], NULL);
        const int number = held();
        simfs_set_fault(fs, NULL);
        ck_assert_msg(status == (number == 4 ? H5CKPT_OK : H5CKPT_E_SYSTEM), "read %u: %s: %s", fault.skip_count,
                      h5ckpt_status_name(status), h5ckpt_message(store));
        ck_assert(number == 4 || number == 99);
        ck_assert(number == 4 || fault.skip_count + 1 < READS_MAX);
    }
}
END_TEST

/* --------------------------------------------------------------------- main */

int main(void)
{
    Suite *suite = suite_create("past the cache");
    TCase *durable = tcase_create("durable"), *reading = tcase_create("reading"), *damage = tcase_create("damage");

    tcase_add_loop_test(durable, after_a_restore_past_the_cache_the_next_save_is_in_place_and_reads_nothing_of_the_base,
                        0, MEMORY_COUNT);
    tcase_add_loop_test(durable, a_flush_that_fails_in_a_restore_fails_nothing_but_the_base_is_not_durable_then, 0,
                        2 * MEMORY_COUNT);
    tcase_add_loop_test(durable, what_was_read_through_the_cache_is_not_known_to_be_durable, 0, MEMORY_COUNT);
    tcase_add_loop_test(durable, a_restore_writes_nothing_and_a_readers_does_not_even_flush, 0, 2 * MEMORY_COUNT);
    tcase_add_loop_test(durable, a_reader_changes_nothing_from_its_opening_to_its_close, 0, MEMORY_COUNT);
    tcase_add_loop_test(reading, the_report_says_whether_the_device_was_read, 0, 2 * MEMORY_COUNT);
    tcase_add_loop_test(reading, a_file_system_without_reads_past_the_cache_restores_the_same, 0, MEMORY_COUNT);
    tcase_add_loop_test(reading, a_file_system_that_refuses_after_the_first_page_restores_the_same, 0, MEMORY_COUNT);
    tcase_add_loop_test(reading, what_only_the_cache_holds_is_given_back_and_not_relied_on, 0, 2 * MEMORY_COUNT);
    tcase_add_loop_test(damage, a_harmed_newest_slot_falls_back_whatever_memory_has_begun_to_be, 0,
                        2 * MEMORY_COUNT * HARM_COUNT);
    tcase_add_test(damage, a_readers_damage_is_not_believed_where_the_lock_cannot_be_read);
    tcase_add_loop_test(damage, damage_that_is_found_blockwise_is_named_as_fully_as_any, 0, MEMORY_COUNT);
    tcase_add_loop_test(damage, with_nothing_to_fall_back_to_only_blockwise_leaves_memory_changed, 0, 2 * MEMORY_COUNT);
    tcase_add_test(damage, an_older_state_that_lacks_what_has_changed_is_not_mixed_with_it);
    tcase_add_loop_test(damage, a_newest_slot_of_other_variables_is_a_mismatch_if_it_is_whole_and_else_falls_back, 0,
                        MEMORY_COUNT);
    tcase_add_loop_test(damage, an_eio_that_passes_is_no_damage, 0, MEMORY_COUNT);
    tcase_add_loop_test(damage, a_passing_error_that_passes_rolls_nothing_back_though_memory_has_begun_to_change, 0,
                        MEMORY_COUNT);
    for (TCase **tcase = (TCase *[]){durable, reading, damage, NULL}; *tcase != NULL; tcase++) {
        tcase_add_checked_fixture(*tcase, setup, teardown);
        tcase_set_timeout(*tcase, 120);
        suite_add_tcase(suite, *tcase);
    }
    return suite_run(suite);
}
