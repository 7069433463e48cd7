/* SPDX-License-Identifier: MIT */
/*
 * The store through the public API: round trips, rotation, who may write where, whose files, deletion, disk full.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format.h"
#include "storage/store.h"
#include "storage/system.h"
#include "support/assert_h5ckpt.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define assert_save(store, number) \
    assert_status_message(standard_save(store, &standard, number), H5CKPT_OK, h5ckpt_message(store))

enum { NOBODY = 65534, CALLS_MAX = 400 };

static struct standard standard; /* registered and filled by each test as it likes */
static char before[SNAPSHOT_BYTES];
static char after[SNAPSHOT_BYTES];

static const char *const SLOT_NAME[] = {FORMAT_SLOT_A, FORMAT_SLOT_B, FORMAT_SLOT_C};

static void setup(void)
{
    faults_clear();
    fixture_setup();
    standard_make(&standard);
}

static void teardown(void)
{
    faults_clear();
    standard_free(&standard);
    fixture_teardown();
}

/* Open the default way, whatever comes of it. */
static h5ckpt_store *try_open(h5ckpt_status expected)
{
    h5ckpt_store *store;

    assert_status_message(h5ckpt_open(&store, fixture_backup, standard.state, NULL), expected, h5ckpt_message(store));
    ck_assert_int_eq(h5ckpt_message(store)[0] == '\0', expected == H5CKPT_OK);
    return store;
}

static h5ckpt_store *open_and_restore(unsigned slots, uint64_t number)
{
    h5ckpt_store *store = standard_open_slots(&standard, slots);

    assert_status_message(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK, h5ckpt_message(store));
    ck_assert(standard_is(&standard, number));
    return store;
}

/* Status of `child` in a process of its own. */
static int in_child(int (*child)(void *context), void *context)
{
    int status;
    pid_t process = fork();

    ck_assert_int_ge(process, 0);
    if (process == 0)
        _exit(child(context));
    ck_assert_int_eq(waitpid(process, &status, 0), process);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* -------------------------------------------------------------- round trips */

static const struct element_case {
    const char *name;
    h5ckpt_type type;
    size_t value_bytes; /* without padding; 0: all of them */
} ELEMENT[] = {
    {"int8", H5CKPT_INT8, 0},
    {"int16", H5CKPT_INT16, 0},
    {"int32", H5CKPT_INT32, 0},
    {"int64", H5CKPT_INT64, 0},
    {"uint8", H5CKPT_UINT8, 0},
    {"uint16", H5CKPT_UINT16, 0},
    {"uint32", H5CKPT_UINT32, 0},
    {"uint64", H5CKPT_UINT64, 0},
    {"float16", H5CKPT_FLOAT16, 0},
    {"float32", H5CKPT_FLOAT32, 0},
    {"float64", H5CKPT_FLOAT64, 0},
    {"long double", H5CKPT_LONG_DOUBLE, __LDBL_MANT_DIG__ == 64 ? 10 : sizeof(long double)},
    {"bool", H5CKPT_BOOL, 0},
    {"complex64", H5CKPT_COMPLEX64, 0},
    {"complex128", H5CKPT_COMPLEX128, 0},
    {"opaque of 1", H5CKPT_OPAQUE(1), 0},
    {"opaque of 2500", H5CKPT_OPAQUE(2500), 0},
    {"string of 1", H5CKPT_STRING(1), 0},
    {"string of 33", H5CKPT_STRING(33), 0},
};

START_TEST(every_element_type_comes_back_bit_for_bit)
{
    enum { ELEMENTS = 7 };
    const struct element_case *element = &ELEMENT[_i];
    const size_t element_bytes = H5CKPT_TYPE_BYTES(element->type);
    const size_t byte_count = ELEMENTS * element_bytes;
    const size_t value_bytes = element->value_bytes == 0 ? element_bytes : element->value_bytes;
    unsigned char *memory = calloc(1, byte_count);
    unsigned char *expected = calloc(1, byte_count);
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    for (size_t i = 0; i < byte_count; i++) {
        if (element->type == H5CKPT_BOOL)
            expected[i] = i & 1;
        else if (i % element_bytes < value_bytes)
            expected[i] = (unsigned char)(0xf7 - 13 * i);
    }
    memcpy(memory, expected, byte_count);
    for (size_t i = 0; i < byte_count; i++)
        if (i % element_bytes >= value_bytes)
            memory[i] = 0xcc; /* padding */
    assert_status(h5ckpt_add(state, "x", element->type, 1, (const uint64_t[]){ELEMENTS}, memory), H5CKPT_OK);
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    memset(memory, 0x11, byte_count);
    assert_status_message(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK, h5ckpt_message(store));
    ck_assert_msg(memcmp(memory, expected, byte_count) == 0, "%s", element->name);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
    free(memory);
    free(expected);
}
END_TEST

START_TEST(scalars_and_arrays_of_32_dimensions_come_back)
{
    uint64_t shape[32];
    double scalar = 1.25;
    int8_t deep[4] = {1, 2, 3, 4};
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    for (unsigned i = 0; i < 32; i++)
        shape[i] = i == 5 || i == 31 ? 2 : 1;
    assert_status(h5ckpt_add(state, "scalar", H5CKPT_FLOAT64, 0, NULL, &scalar), H5CKPT_OK);
    assert_status(h5ckpt_add(state, "deep", H5CKPT_INT8, 32, shape, deep), H5CKPT_OK);
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    scalar = 0;
    memset(deep, 0, sizeof deep);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    ck_assert_double_eq(scalar, 1.25);
    ck_assert_mem_eq(deep, ((int8_t[]){1, 2, 3, 4}), sizeof deep);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(arrays_without_elements_are_saved_beside_others)
{
    void *nothing = NULL;
    int32_t value = 42;
    struct h5ckpt_report report;
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    assert_status(h5ckpt_add(state, "empty", H5CKPT_FLOAT64, 2, (const uint64_t[]){3, 0}, NULL), H5CKPT_OK);
    assert_status(h5ckpt_add(state, "value", H5CKPT_INT32, 0, NULL, &value), H5CKPT_OK);
    assert_status(h5ckpt_add_indirect(state, "later", H5CKPT_INT8, 1, (const uint64_t[]){0}, &nothing), H5CKPT_OK);
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    value = 0;
    assert_status(h5ckpt_restore(store, NULL, &report), H5CKPT_OK);
    ck_assert_int_eq(value, 42);
    ck_assert_uint_eq(report.variable_count, 3);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(only_arrays_without_elements_are_a_state_too)
{
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    assert_status(h5ckpt_add(state, "empty", H5CKPT_FLOAT64, 1, (const uint64_t[]){0}, NULL), H5CKPT_OK);
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.step = 5}), H5CKPT_OK);
    h5ckpt_close(store);
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    ck_assert_uint_eq(h5ckpt_progress(store).step, 5);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

/* What a program prints to a stream that was closed goes to whoever has its descriptor by then. */
START_TEST(no_file_of_ours_takes_the_place_of_a_closed_stream)
{
    int kept[STDERR_FILENO + 1];
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    for (int stream = 0; stream <= STDERR_FILENO; stream++) {
        kept[stream] = fcntl(stream, F_DUPFD_CLOEXEC, 10);
        close(stream);
    }
    const h5ckpt_status opened = h5ckpt_open(&store, fixture_backup, state, NULL);
    const h5ckpt_status saved = h5ckpt_save(store, NULL);
    const int lock = store->lock.file.descriptor;
    const int directory = store->directory.descriptor;
    for (int stream = 0; stream <= STDERR_FILENO; stream++) {
        ck_assert_int_eq(fcntl(stream, F_GETFD), -1);
        ck_assert_int_eq(dup2(kept[stream], stream), stream);
        close(kept[stream]);
    }
    assert_status(opened, H5CKPT_OK);
    assert_status(saved, H5CKPT_OK);
    ck_assert_int_gt(lock, STDERR_FILENO);
    ck_assert_int_gt(directory, STDERR_FILENO);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(a_state_without_variables_keeps_its_progress)
{
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    for (uint64_t number = 1; number <= 3; number++)
        assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){number, 2, UINT64_MAX}), H5CKPT_OK);
    h5ckpt_close(store);
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status_message(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK, h5ckpt_message(store));
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 3);
    ck_assert_uint_eq(h5ckpt_progress(store).batch, 2);
    ck_assert_uint_eq(h5ckpt_progress(store).step, UINT64_MAX);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(memory_that_moves_between_saves_is_found_by_its_pointer)
{
    const uint16_t *first;
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_save(store, 1);
    first = standard.moved;
    assert_save(store, 2);
    ck_assert_ptr_ne(standard.moved, first); /* else this shows nothing */
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 2);
    assert_restores_previous(H5CKPT_OK, 1);
}
END_TEST

START_TEST(a_null_array_with_elements_is_refused_by_name_before_anything_is_written)
{
    standard_history(2, 1, 2);
    h5ckpt_store *store = open_and_restore(2, 2);
    void *kept = standard.moved;

    snapshot_before();
    standard.moved = NULL;
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), "moved");
    standard.moved = kept;
    assert_unchanged();
    assert_save(store, 3);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 3);
}
END_TEST

START_TEST(a_failing_get_function_leaves_every_byte_as_it_was)
{
    standard_history(2, 1, 2);
    h5ckpt_store *store = open_and_restore(2, 2);

    snapshot_before();
    standard.get_fails = 17;
    assert_status(standard_save(store, &standard, 3), H5CKPT_E_CALLBACK);
    assert_mentions(h5ckpt_message(store), "device");
    assert_mentions(h5ckpt_message(store), "17");
    assert_unchanged();
    standard.get_fails = 0;
    assert_save(store, 4);
    ck_assert_str_eq(h5ckpt_message(store), "");
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 4);
    assert_restores_previous(H5CKPT_OK, 2);
}
END_TEST

START_TEST(a_failing_get_function_in_the_first_save_leaves_nothing)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    standard.get_fails = 1;
    assert_status(standard_save(store, &standard, 1), H5CKPT_E_CALLBACK);
    h5ckpt_close(store);
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

static int get_if_aligned(void *context, void *bytes, size_t byte_count)
{
    (void)context;
    memset(bytes, 0, byte_count);
    return (uintptr_t)bytes % alignof(max_align_t) == 0 ? 0 : 1;
}

static int put_nowhere(void *context, const void *bytes, size_t byte_count)
{
    (void)context, (void)bytes, (void)byte_count;
    return 0;
}

/* They were put one behind the other, and a history's columns behind them: its doubles, too. Found by fuzz_calls. */
START_TEST(what_a_get_function_fills_is_aligned_for_any_type)
{
    const struct h5ckpt_access access = {get_if_aligned, put_nowhere, NULL};
    const h5ckpt_type type[] = {H5CKPT_UINT8, H5CKPT_LONG_DOUBLE, H5CKPT_UINT16, H5CKPT_FLOAT64};
    const char *const name[] = {"a", "b", "c", "d"};

    for (size_t i = 0; i < sizeof type / sizeof *type; i++)
        h5ckpt_add_access(standard.state, name[i], type[i], 1, (const uint64_t[]){3}, &access);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status_message(standard_save(store, &standard, 1), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
}
END_TEST

START_TEST(progress_is_zero_before_the_first_save_and_then_what_was_saved)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    ck_assert_uint_eq(h5ckpt_progress(store).step, 0);
    assert_save(store, 5);
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 5);
    ck_assert_uint_eq(h5ckpt_progress(store).batch, standard_progress(5).batch);
    ck_assert_uint_eq(h5ckpt_progress(store).step, standard_progress(5).step);
    standard.get_fails = 1;
    assert_status(standard_save(store, &standard, 6), H5CKPT_E_CALLBACK);
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 5); /* of the state last saved */
    h5ckpt_close(store);
}
END_TEST

START_TEST(the_kernels_own_calls_do_the_same)
{
    system_calls = &system_kernel; /* flushes and reads past the cache, which the other tests do without */
    standard_history(2, 1, 4);
    standard_history(3, 5, 7);
    assert_restores(H5CKPT_OK, 7);
    assert_restores_previous(H5CKPT_OK, 6);
}
END_TEST

START_TEST(a_save_without_progress_stores_zeros)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_save(store, 1);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 0);
    ck_assert_uint_eq(h5ckpt_progress(store).step, 0);
    h5ckpt_close(store);
}
END_TEST

/* ----------------------------------------------------------------- rotation */

START_TEST(the_number_of_intact_states_grows_to_the_number_of_slots)
{
    const unsigned slots = (unsigned)_i;
    h5ckpt_store *store = standard_open_slots(&standard, slots);

    for (uint64_t number = 1; number <= 8; number++) {
        assert_save(store, number);
        ck_assert_uint_eq(intact_count(), number < slots ? number : slots);
        slot_of_epoch(number);
        if (number >= 2 && slots >= 2)
            slot_of_epoch(number - 1);
        if (number >= 3 && slots >= 3)
            slot_of_epoch(number - 2);
    }
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 8);
    if (slots > 1)
        assert_restores_previous(H5CKPT_OK, 7);
    else
        assert_restores_previous(H5CKPT_NO_CHECKPOINT, 0);
}
END_TEST

START_TEST(there_is_no_previous_state_after_one_save)
{
    standard_history(2, 1, 1);
    assert_restores_previous(H5CKPT_NO_CHECKPOINT, 0);
    assert_restores(H5CKPT_OK, 1);
}
END_TEST

/* _i: from slots, to slots, and how many saves before */
START_TEST(switching_the_number_of_slots_keeps_the_promised_states)
{
    const unsigned from = 1 + (unsigned)_i / 3 % 3;
    const unsigned to = 1 + (unsigned)_i % 3;
    const uint64_t saved = 1 + (uint64_t)_i / 9;
    unsigned held = saved < from ? (unsigned)saved : from;

    standard_history(from, 1, saved);
    h5ckpt_store *store = open_and_restore(to, saved);
    for (uint64_t number = saved + 1; number <= saved + 5; number++) {
        assert_save(store, number);
        held = held + 1 > to ? to : held + 1;
        unsigned intact = intact_count();
        ck_assert_msg(intact >= held, "from %u to %u slots, save %d: %u intact, not %u", from, to, (int)number, intact,
                      held);
        slot_of_epoch(number);
    }
    ck_assert_uint_eq(intact_count(), to);
    for (unsigned i = 0; to > 1 && i < COUNT(SLOT_NAME); i++)
        ck_assert_int_eq(file_exists(in_backup(SLOT_NAME[i])), i < to);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, saved + 5);
    if (to > 1)
        assert_restores_previous(H5CKPT_OK, saved + 4);
}
END_TEST

START_TEST(after_a_switch_of_slots_the_previous_state_is_the_one_before_the_newest)
{
    const uint64_t saved = 3 + (uint64_t)_i; /* the newest of three slots is each of them once */

    standard_history(3, 1, saved);
    h5ckpt_store *store = open_and_restore(2, saved);
    assert_save(store, saved + 1);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, saved + 1);
    assert_restores_previous(H5CKPT_OK, saved);
}
END_TEST

START_TEST(a_damaged_slot_does_not_count_when_surplus_slots_are_removed)
{
    standard_history(3, 1, 3); /* a 1, b 2, c 3 */
    file_flip_bit(in_backup(slot_of_epoch(2)), 8 * 70000);
    h5ckpt_store *store = open_and_restore(2, 3);
    assert_save(store, 4);
    ck_assert_uint_ge(intact_count(), 2);
    h5ckpt_close(store);
}
END_TEST

START_TEST(with_three_slots_two_are_intact_during_every_save)
{
    standard_history(3, 1, 4);
    h5ckpt_store *store = open_and_restore(3, 4);

    assert_save(store, 5); /* from now on the base needs no flush of its own */
    for (uint64_t number = 6; number <= 9; number++) {
        faults_set((struct faults){.calls = FAULT_FLUSH, .name = "slot", .count = 1, .error = EIO});
        assert_status(standard_save(store, &standard, number), H5CKPT_E_IO);
        ck_assert(faults_hit());
        faults_clear();
        ck_assert_uint_ge(intact_count(), 2);
        assert_save(store, number);
        ck_assert_uint_eq(intact_count(), 3);
    }
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 9);
}
END_TEST

START_TEST(the_first_save_after_a_restore_spares_the_restored_slot)
{
    const unsigned slots = 2 + (unsigned)_i % 2;

    standard_history(slots, 1, 2 + (uint64_t)_i / 2);
    uint64_t newest = 2 + (uint64_t)_i / 2;
    char base[32];
    unsigned char was[4096];
    unsigned char is[sizeof was];
    snprintf(base, sizeof base, "%s", slot_of_epoch(newest));
    ino_t inode = file_inode(in_backup(base));
    file_read_bytes(in_backup(base), was, sizeof was, 0);
    h5ckpt_store *store = open_and_restore(slots, newest);
    assert_save(store, newest + 1);
    h5ckpt_close(store);
    file_read_bytes(in_backup(base), is, sizeof is, 0);
    ck_assert_mem_eq(is, was, sizeof was);
    ck_assert_uint_eq(file_inode(in_backup(base)), inode);
    ck_assert_str_ne(slot_of_epoch(newest + 1), base);
    assert_restores_previous(H5CKPT_OK, newest);
}
END_TEST

/* --------------------------------------------------------- restore or start over */

START_TEST(saving_is_refused_until_the_checkpoint_is_restored)
{
    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);

    snapshot_before();
    assert_status(standard_save(store, &standard, 9), H5CKPT_E_NOT_RESTORED);
    assert_mentions(h5ckpt_message(store), "h5ckpt_restore");
    assert_unchanged();
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    assert_save(store, 3);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 3);
}
END_TEST

START_TEST(starting_over_allows_saving_and_spares_the_newest_intact_state)
{
    standard_history(2, 1, 2 + (uint64_t)_i);
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_status(h5ckpt_start_over(store), H5CKPT_OK);
    ck_assert_str_eq(h5ckpt_message(store), "");
    assert_save(store, 50);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 50);
    assert_restores_previous(H5CKPT_OK, 2 + (uint64_t)_i);
}
END_TEST

START_TEST(starting_over_spares_the_older_state_where_the_newest_is_damaged)
{
    standard_history(2, 1, 4);
    file_flip_bit(in_backup(slot_of_epoch(4)), 8 * 70000);
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_status(h5ckpt_start_over(store), H5CKPT_OK);
    assert_save(store, 50);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 50);
    assert_restores_previous(H5CKPT_OK, 3);
}
END_TEST

START_TEST(starting_over_where_all_is_lost_makes_saving_possible)
{
    standard_history(2, 1, 4);
    for (unsigned i = 0; i < 2; i++)
        file_cut(in_backup(SLOT_NAME[i]), 100);
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_status(standard_save(store, &standard, 5), H5CKPT_E_NOT_RESTORED);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_LOST);
    assert_status(standard_save(store, &standard, 5), H5CKPT_E_NOT_RESTORED);
    assert_status(h5ckpt_start_over(store), H5CKPT_OK);
    assert_save(store, 5);
    assert_save(store, 6);
    ck_assert_uint_eq(intact_count(), 2);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 6);
}
END_TEST

START_TEST(starting_over_in_an_empty_directory_changes_nothing)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_status(h5ckpt_start_over(store), H5CKPT_OK);
    h5ckpt_close(store);
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

START_TEST(a_sequence_is_never_used_twice)
{
    struct h5ckpt_report report;

    standard_history(2, 1, 5);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_start_over(store), H5CKPT_OK);
    assert_save(store, 1);
    assert_status(h5ckpt_restore(store, NULL, &report), H5CKPT_OK);
    ck_assert_uint_eq(report.sequence, 6);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_sequence_goes_on_from_a_restored_slot_that_can_no_longer_be_read)
{
    struct h5ckpt_report report;

    standard_history(2, 1, 3);
    file_remove(in_backup("lock")); /* with its note of the last sequence */
    h5ckpt_store *store = open_and_restore(2, 3);
    file_flip_bit(in_backup(slot_of_epoch(3)), 8 * 100);
    h5ckpt_inspect(store, NULL, &report);
    assert_save(store, 4);
    assert_status(h5ckpt_inspect(store, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report),
                  H5CKPT_OK);
    ck_assert_uint_gt(report.sequence, 3);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 4);
}
END_TEST

static const struct h5ckpt_restore_options PREVIOUS = {.which = H5CKPT_PREVIOUS};

/* Else the state that was left would come back: its sequence would be as high as that of the new one. */
START_TEST(a_sequence_goes_on_from_a_newer_slot_that_cannot_be_read_for_the_moment)
{
    static const int ERROR[] = {EIO, ESTALE};
    struct h5ckpt_report report;

    standard_history(3, 1, 3);
    file_remove(in_backup("lock")); /* with its note of the last sequence */
    h5ckpt_store *store = open_and_restore(3, 3);
    assert_status(h5ckpt_restore(store, &PREVIOUS, NULL), H5CKPT_OK);
    faults_set((struct faults){.calls = FAULT_READ, .name = "slot-", .count = FAULTS_FOR_EVER, .error = ERROR[_i]});
    h5ckpt_inspect(store, NULL, &report);
    ck_assert(faults_hit());
    faults_clear();
    assert_save(store, 4);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 4);
}
END_TEST

/* It was put there by mistake, and is moved away. */
START_TEST(another_directorys_sequence_is_not_gone_on_from)
{
    struct h5ckpt_report report;
    unsigned char bytes[1 << 18];

    standard_history(2, 1, 3);
    const size_t byte_count = (size_t)file_bytes(in_backup("slot-a.h5"));
    ck_assert_uint_le(byte_count, sizeof bytes);
    file_read_bytes(in_backup("slot-a.h5"), bytes, byte_count, 0);
    file_replace(in_backup("slot-c.h5"), bytes, byte_count);
    file_write_bytes(in_backup("slot-c.h5"), (unsigned char[]){0, 0, 1}, 3, 16); /* its sequence: 65536 */
    file_write_bytes(in_backup("slot-c.h5"), (unsigned char[]){1, 2, 3, 4}, 4, 80);
    file_seal_sector(in_backup("slot-c.h5"), 0);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_FOREIGN);
    file_remove(in_backup("slot-c.h5"));
    assert_status_message(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK, h5ckpt_message(store));
    assert_save(store, 4);
    assert_status(h5ckpt_inspect(store, NULL, &report), H5CKPT_OK);
    ck_assert_uint_eq(report.sequence, 4);
    h5ckpt_close(store);
}
END_TEST

/* ----------------------------------------------------------------- rollback */

START_TEST(after_a_rollback_without_a_save_the_newest_comes_back)
{
    standard_history(2, 1, 4);
    assert_restores_previous(H5CKPT_OK, 3);
    assert_restores(H5CKPT_OK, 4);
}
END_TEST

/* The state before the newest one is gone, and what took its place is none that a program would ask for. */
START_TEST(the_previous_of_two_slots_with_one_sequence_is_reported)
{
    const bool newest = _i == 0;
    unsigned char bytes[1 << 18];
    char from[PATH_BYTES];

    standard_history(2, 1, 4);
    snprintf(from, sizeof from, "%s", in_backup(slot_of_epoch(newest ? 4 : 3)));
    const size_t byte_count = (size_t)file_bytes(from);
    ck_assert_uint_le(byte_count, sizeof bytes);
    file_read_bytes(from, bytes, byte_count, 0);
    file_write_bytes(in_backup(slot_of_epoch(newest ? 3 : 4)), bytes, byte_count, 0);
    assert_restores(H5CKPT_FELL_BACK, newest ? 4 : 3);
    assert_restores_previous(H5CKPT_FELL_BACK, newest ? 4 : 3);
}
END_TEST

START_TEST(a_rollback_and_a_save_give_the_new_branch)
{
    const unsigned slots = 2 + (unsigned)_i;

    standard_history(slots, 1, 5);
    h5ckpt_store *store = standard_open_slots(&standard, slots);
    assert_status(h5ckpt_restore(store, &PREVIOUS, NULL), H5CKPT_OK);
    ck_assert(standard_is(&standard, 4));
    assert_save(store, 60);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 60);
    assert_restores_previous(H5CKPT_OK, 4); /* not 5, which the program rolled back past */
}
END_TEST

START_TEST(a_state_rolled_back_past_is_the_first_to_be_replaced)
{
    char rolled_back[32];

    standard_history(3, 1, 5);
    h5ckpt_store *store = standard_open_slots(&standard, 3);
    assert_status(h5ckpt_restore(store, &PREVIOUS, NULL), H5CKPT_OK);
    snprintf(rolled_back, sizeof rolled_back, "%s", slot_of_epoch(5));
    assert_save(store, 60);
    ck_assert_str_eq(slot_of_epoch(60), rolled_back);
    slot_of_epoch(3);
    slot_of_epoch(4);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_state_rolled_back_past_is_called_abandoned)
{
    struct h5ckpt_report report;
    unsigned abandoned = 0;

    standard_history(3, 1, 5);
    file_flip_bit(in_backup(slot_of_epoch(5)), 8 * 70000);
    file_flip_bit(in_backup(slot_of_epoch(4)), 8 * 70000);
    h5ckpt_store *store = standard_open_slots(&standard, 3);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_FELL_BACK);
    ck_assert(standard_is(&standard, 3));
    assert_save(store, 60); /* replaces the older of the two; the other is mended */
    file_flip_bit(in_backup(slot_of_epoch(5)), 8 * 70000);
    h5ckpt_inspect(store, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report);
    for (unsigned i = 0; i < report.slot_count; i++)
        if (report.slot[i].role == H5CKPT_ROLE_ABANDONED) {
            ck_assert(report.slot[i].progress.epoch == 4 || report.slot[i].progress.epoch == 5);
            abandoned++;
        }
    ck_assert_uint_eq(abandoned, 1);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_rollback_in_the_same_life_spares_the_state_rolled_back_to)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    for (uint64_t number = 1; number <= 4; number++)
        assert_save(store, number);
    assert_status(h5ckpt_restore(store, &PREVIOUS, NULL), H5CKPT_OK);
    ck_assert(standard_is(&standard, 3));
    assert_save(store, 70);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 70);
    assert_restores_previous(H5CKPT_OK, 3);
}
END_TEST

/* ------------------------------------------------------------ schema changes */

static int32_t extra[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

static h5ckpt_status add_extra(void)
{
    return h5ckpt_add(standard.state, "extra", H5CKPT_INT32, 1, (const uint64_t[]){9}, extra);
}

START_TEST(a_variable_added_in_the_next_life_is_saved_after_a_warm_start)
{
    const struct h5ckpt_restore_options intersection = {.match = H5CKPT_INTERSECTION};

    standard_history(2, 1, 4);
    assert_status(add_extra(), H5CKPT_OK);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_SCHEMA);
    assert_mentions(h5ckpt_message(store), "extra");
    assert_status(h5ckpt_restore(store, &intersection, NULL), H5CKPT_OK);
    ck_assert(standard_is(&standard, 4));
    for (uint64_t number = 5; number <= 8; number++) {
        extra[0] = (int32_t)number;
        assert_save(store, number);
        ck_assert_uint_eq(intact_count(), 2);
    }
    memset(extra, 0, sizeof extra);
    standard_spoil(&standard);
    assert_status(h5ckpt_restore(store, &PREVIOUS, NULL), H5CKPT_OK);
    ck_assert(standard_is(&standard, 7));
    ck_assert_int_eq(extra[0], 7);
    ck_assert_int_eq(extra[8], 9);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_variable_added_while_the_store_is_open_is_saved_from_then_on)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    for (uint64_t number = 1; number <= (uint64_t)_i; number++)
        assert_save(store, number);
    assert_status(add_extra(), H5CKPT_OK);
    for (uint64_t number = 11; number <= 14; number++) {
        extra[0] = (int32_t)number;
        assert_save(store, number);
    }
    ck_assert_uint_eq(intact_count(), 2);
    h5ckpt_close(store);
    extra[0] = 0;
    store = open_and_restore(2, 14);
    ck_assert_int_eq(extra[0], 14);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_schema_change_keeps_the_state_before_it)
{
    const struct h5ckpt_restore_options intersection = {.match = H5CKPT_INTERSECTION};

    standard_history(2, 1, 4);
    assert_status(add_extra(), H5CKPT_OK);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, &intersection, NULL), H5CKPT_OK);
    assert_save(store, 5);
    h5ckpt_close(store);
    assert_restores_previous(H5CKPT_OK, 4); /* by a program without `extra` */
}
END_TEST

/* So many variables that HDF5's metadata, which no save changes, fills blocks of its own. */
static h5ckpt_state *make_many(double *value, unsigned count)
{
    h5ckpt_state *state = h5ckpt_state_new();

    for (unsigned i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "v%u", i);
        h5ckpt_add(state, name, H5CKPT_FLOAT64, 0, NULL, &value[i]);
    }
    return state;
}

/* Many variables, then a few of them: the files of before are too long. */
START_TEST(a_state_that_has_become_smaller_is_given_back)
{
    enum { MANY = 1000, FEW = 10, SAVES = 3 };
    const struct h5ckpt_restore_options intersection = {.match = H5CKPT_INTERSECTION};
    static double value[MANY];
    h5ckpt_store *store;

    for (int life = 0; life < 2; life++) {
        h5ckpt_state *state = make_many(value, life == 0 ? MANY : FEW);
        assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
        assert_status(h5ckpt_restore(store, &intersection, NULL), life == 0 ? H5CKPT_NO_CHECKPOINT : H5CKPT_OK);
        for (int save = 0; save < SAVES; save++) {
            const double saved = value[0] = 10 * life + save;
            assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
            value[0] = -1;
            assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
            ck_assert_double_eq(value[0], saved);
        }
        h5ckpt_close(store);
        h5ckpt_state_free(state);
    }
}
END_TEST

START_TEST(unchanged_bytes_are_written_anew_every_so_many_saves)
{
    enum { MANY = 1000, SAVES = 20 };
    static double value[MANY];
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_state *state = make_many(value, MANY);
    h5ckpt_store *store;
    uint64_t every_byte = 0;

    options.rewrite_every = (unsigned)_i;
    faults_set((struct faults){0});
    assert_status(h5ckpt_open(&store, fixture_backup, state, &options), H5CKPT_OK);
    for (uint64_t number = 0; number < SAVES; number++) {
        faults_set((struct faults){0}); /* counts from zero */
        value[MANY - 1] = (double)number;
        assert_save(store, number);
        uint64_t written = faults_written_bytes(SLOT_NAME[number % 2]);
        if (number < 2)
            every_byte = file_bytes(in_backup(SLOT_NAME[number]));
        if (number / 2 % options.rewrite_every == 0)
            ck_assert(written == every_byte || (number < 2 && written == every_byte + 4096)); /* and a write tried */
        else
            ck_assert_uint_lt(written, every_byte);
    }
    h5ckpt_close(store);
    faults_clear();
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    ck_assert(value[MANY - 1] == SAVES - 1);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

/* --------------------------------------------------------------- a failed save */

static void limit_file_size(rlim_t byte_count)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = byte_count;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/*
 * _i: the program blocks the signal itself. Were SIGXFSZ delivered, then or when it is unblocked, this process would
 * end.
 */
START_TEST(a_file_size_limit_fails_a_save_and_ends_no_program)
{
    sigset_t size_signal;
    h5ckpt_store *store = standard_open(&standard, NULL);

    sigemptyset(&size_signal);
    sigaddset(&size_signal, SIGXFSZ);
    if (_i)
        sigprocmask(SIG_BLOCK, &size_signal, NULL);
    limit_file_size(32768); /* enough for the lock */
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_NO_SPACE);
    assert_mentions(h5ckpt_message(store), "nothing has been saved yet");
    limit_file_size(RLIM_INFINITY);
    sigprocmask(SIG_UNBLOCK, &size_signal, NULL);
    assert_save(store, 1);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 1);
}
END_TEST

START_TEST(a_signal_of_the_programs_own_is_not_taken_away)
{
    sigset_t pending;
    sigset_t size_signal;
    h5ckpt_store *store = standard_open(&standard, NULL);

    sigemptyset(&size_signal);
    sigaddset(&size_signal, SIGXFSZ);
    sigprocmask(SIG_BLOCK, &size_signal, NULL);
    raise(SIGXFSZ);
    limit_file_size(32768);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_NO_SPACE);
    limit_file_size(RLIM_INFINITY);
    sigpending(&pending);
    ck_assert(sigismember(&pending, SIGXFSZ));
    h5ckpt_close(store);
}
END_TEST

static struct faults no_space(void)
{
    return (struct faults){
        .calls = FAULT_WRITE | FAULT_ALLOCATE, .name = "slot-", .count = FAULTS_FOR_EVER, .error = ENOSPC};
}

/* Some file systems take O_DIRECT and then refuse the write. */
START_TEST(a_write_that_is_refused_past_the_page_cache_goes_through_it)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    faults_set((struct faults){.calls = FAULT_WRITE, .name = "slot-", .count = 1, .error = EINVAL});
    assert_save(store, 5);
    ck_assert(faults_hit());
    faults_clear();
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 5);
}
END_TEST

/* ---------------------------------------------------- a slot changed meanwhile */

static const char STRANGER[] = "a stranger's";
static const char *victim; /* a slot of this directory … */

static void intrude(void *context) /* … in whose place something else is put */
{
    char from[PATH_MAX];

    (void)context;
    snprintf(from, sizeof from, "%s", in_backup("intruder"));
    ck_assert_int_eq(rename(from, in_backup(victim)), 0);
}

/* _i: the file system has no way past the page cache */
START_TEST(what_took_a_slots_place_while_a_save_was_prepared_is_not_written)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    assert_save(store, 5);
    assert_save(store, 6); /* both slots are as this handle left them */
    victim = slot_of_epoch(5);
    file_replace(in_backup("intruder"), STRANGER, strlen(STRANGER));
    faults_set((struct faults){.calls = _i ? FAULT_DIRECT : FAULT_OPEN,
                               .name = victim,
                               .count = 1,
                               .error = _i ? EINVAL : 0,
                               .before = intrude});
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_BUSY);
    ck_assert(faults_hit());
    faults_clear();
    ck_assert(file_holds(in_backup(victim), STRANGER));
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 6);
}
END_TEST

/* The victim's own bytes but one, which no save changes. */
static void prepare_a_damaged_twin(void)
{
    const size_t byte_count = file_bytes(in_backup(victim));
    unsigned char *bytes = malloc(byte_count);

    ck_assert_ptr_nonnull(bytes);
    file_read_bytes(in_backup(victim), bytes, byte_count, 0);
    bytes[FORMAT_USER_BLOCK_BYTES + FORMAT_BLOCK_BYTES] ^= 1;
    file_replace(in_backup("intruder"), bytes, byte_count);
    free(bytes);
}

START_TEST(what_took_a_slots_place_before_its_save_was_acknowledged_is_overwritten_whole)
{
    enum { MANY = 1000 };
    static double value[MANY];
    h5ckpt_state *state = make_many(value, MANY);
    struct h5ckpt_report report;
    h5ckpt_store *store;

    faults_set((struct faults){0}); /* which knows the lock by its name from now on */
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    for (uint64_t epoch = 1; epoch <= 4; epoch++)
        assert_save(store, epoch);
    victim = slot_of_epoch(3);
    prepare_a_damaged_twin();
    faults_set((struct faults){.calls = FAULT_WRITE, .name = "lock", .first = 1, .count = 1, .before = intrude});
    assert_save(store, 5); /* into the victim, which is replaced when all of it has been flushed */
    ck_assert(faults_hit());
    faults_clear();
    assert_save(store, 6);
    assert_save(store, 7); /* into the victim */
    assert_status(h5ckpt_inspect(store, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report),
                  H5CKPT_OK);
    ck_assert_uint_eq(report.progress.epoch, 7);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

/* ----------------------------------------------------------- when the view is made */

static int64_t clock_ns;

static int64_t read_clock(void)
{
    return clock_ns;
}

static struct view view_now(const h5ckpt_store *store)
{
    struct view view = VIEW_NONE;

    view_read(&view, &store->directory, store->lock.directory_id);
    return view;
}

START_TEST(the_view_is_brought_up_to_date_at_most_once_a_second)
{
    struct system_calls with_clock = *system_calls;

    clock_ns = 5000000000;
    with_clock.monotonic_time_ns = read_clock;
    system_calls = &with_clock;
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_save(store, 1);
    const int first = view_now(store).current;
    assert_save(store, 2); /* within the second: the other slot is current, and not shown */
    ck_assert_int_eq(view_now(store).current, first);
    clock_ns += 1000000000;
    assert_save(store, 3); /* into the slot that was shown */
    ck_assert_int_eq(view_now(store).current, first);
    ck_assert_int_eq(view_now(store).previous, 1 - first);
    h5ckpt_close(store);
    faults_clear();
}
END_TEST

static h5ckpt_store *looked_at;
static struct view seen;

static void look_at_view(void *context)
{
    (void)context;
    seen = view_now(looked_at);
}

/* _i: seconds between the saves. With none, the slot shown instead would be overwritten within the second, too. */
START_TEST(a_slot_that_is_being_overwritten_is_not_shown_if_it_was_current)
{
    struct system_calls with_clock = *system_calls;

    clock_ns = 5000000000;
    with_clock.monotonic_time_ns = read_clock;
    looked_at = standard_open(&standard, NULL);
    system_calls = &with_clock;
    assert_save(looked_at, 1); /* and shown */
    assert_save(looked_at, 2);
    victim = slot_of_epoch(1); /* written next */
    seen = VIEW_NONE;
    faults_set((struct faults){.calls = FAULT_WRITE, .name = victim, .count = 1, .before = look_at_view});
    clock_ns += (int64_t)_i * 1000000000;
    with_clock = *system_calls;
    with_clock.monotonic_time_ns = read_clock;
    system_calls = &with_clock;
    assert_save(looked_at, 3);
    ck_assert(faults_hit());
    faults_clear();
    if (_i == 0)
        ck_assert_int_eq(seen.current, VIEW_NO_SLOT);
    else
        ck_assert_str_eq(SLOT_NAME[seen.current], slot_of_epoch(2));
    ck_assert_int_eq(seen.previous, VIEW_NO_SLOT);
    h5ckpt_close(looked_at);
}
END_TEST

START_TEST(a_failed_save_names_the_state_that_is_still_there)
{
    standard_history(2, 1, 4);
    const char *current = slot_of_epoch(4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    faults_set(no_space());
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_NO_SPACE);
    assert_mentions(h5ckpt_message(store), "is still there");
    assert_mentions(h5ckpt_message(store), current);
    faults_clear();
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_failed_save_does_not_say_that_a_removed_state_is_still_there)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    file_remove(in_backup(slot_of_epoch(4)));
    faults_set(no_space());
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_NO_SPACE);
    ck_assert_ptr_null(strstr(h5ckpt_message(store), "still there"));
    ck_assert_ptr_null(strstr(h5ckpt_message(store), "nothing has been saved"));
    faults_clear();
    h5ckpt_close(store);
}
END_TEST

/* ----------------------------------------------------------------- deletion */

static void make_strangers(void)
{
    static const char *const NAME[] = {"notes.txt",    "slot-d.h5",    "slot-a.h5.bak",   "SLOT-A.H5", "lock.old",
                                       "milestone.h5", "slot-a.h5new", "checkpoint.hdf5", ".hidden"};

    for (unsigned i = 0; i < COUNT(NAME); i++)
        file_replace(in_backup(NAME[i]), NAME[i], strlen(NAME[i]));
    ck_assert_int_eq(mkdir(in_backup("folder"), 0700), 0);
    file_replace(in_backup("folder/slot-a.h5"), "mine", 4);
    ck_assert_int_eq(symlink("notes.txt", in_backup("link")), 0);
}

START_TEST(deleting_removes_the_checkpoint_and_nothing_else)
{
    ck_assert_int_eq(mkdir(fixture_backup, 0700), 0);
    make_strangers();
    snapshot_before();
    standard_history(1 + (unsigned)_i, 1, 5);
    h5ckpt_store *store = standard_open_slots(&standard, 1 + (unsigned)_i);
    assert_status_message(h5ckpt_delete(store), H5CKPT_OK, h5ckpt_message(store));
    assert_status(standard_save(store, &standard, 6), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_delete(store), H5CKPT_E_ARGUMENT);
    h5ckpt_close(store);
    assert_unchanged();
    ck_assert(file_holds(in_backup("folder/slot-a.h5"), "mine"));
    assert_restores(H5CKPT_NO_CHECKPOINT, 0);
}
END_TEST

START_TEST(deleting_spares_a_users_own_checkpoint_h5)
{
    ck_assert_int_eq(mkdir(fixture_backup, 0700), 0);
    file_replace(in_backup("checkpoint.h5"), "weights of mine", 15);
    standard_history(2, 1, 3);
    ck_assert(file_holds(in_backup("checkpoint.h5"), "weights of mine"));
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    h5ckpt_close(store);
    ck_assert(file_holds(in_backup("checkpoint.h5"), "weights of mine"));
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 1);
}
END_TEST

START_TEST(a_users_own_hdf5_file_whose_user_block_is_zeros_is_no_torn_view)
{
    static unsigned char bytes[4096];

    memcpy(bytes + 512, "\211HDF\r\n\032\n", 8); /* as h5py makes it with userblock_size=512 */
    ck_assert_int_eq(mkdir(fixture_backup, 0700), 0);
    file_replace(in_backup("checkpoint.h5"), bytes, sizeof bytes);
    snapshot_before();
    standard_history(2, 1, 3);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    h5ckpt_close(store);
    assert_unchanged();
}
END_TEST

START_TEST(a_deletion_cut_short_anywhere_is_finished_by_the_next_open)
{
    for (long call = 0;; call++) {
        standard_history(2, 1, 3);
        h5ckpt_store *store = open_and_restore(2, 3);
        faults_set((struct faults){.calls = FAULT_REMOVE, .first = call, .count = FAULTS_FOR_EVER, .error = EIO});
        h5ckpt_status status = h5ckpt_delete(store);
        bool hit = faults_hit();
        h5ckpt_close(store);
        faults_clear();
        ck_assert_int_eq(status == H5CKPT_OK, !hit);
        if (!hit)
            break;
        ck_assert_int_lt(call, CALLS_MAX);
        standard_spoil(&standard);
        store = standard_open(&standard, NULL);
        ck_assert(!file_exists(in_backup("slot-a.h5")));
        ck_assert(!file_exists(in_backup("slot-b.h5")));
        assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_NO_CHECKPOINT);
        ck_assert(standard_is_spoilt(&standard));
        h5ckpt_close(store);
        ck_assert_uint_eq(directory_entry_count(fixture_backup), 0);
        fixture_clear_backup();
    }
}
END_TEST

START_TEST(a_deletion_cut_short_reads_as_no_checkpoint_before_it_is_finished)
{
    standard_history(2, 1, 3);
    h5ckpt_store *store = open_and_restore(2, 3);

    faults_set((struct faults){.calls = FAULT_REMOVE, .count = FAULTS_FOR_EVER, .error = EIO});
    assert_status(h5ckpt_delete(store), H5CKPT_E_IO);
    h5ckpt_close(store);
    faults_clear();
    ck_assert(file_exists(in_backup("slot-a.h5")));
    snapshot_before();
    store = standard_open_reader(&standard);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_NO_CHECKPOINT);
    h5ckpt_close(store);
    assert_unchanged();
}
END_TEST

START_TEST(a_deletion_that_fails_before_its_first_step_loses_nothing)
{
    standard_history(2, 1, 3);
    h5ckpt_store *store = open_and_restore(2, 3);

    faults_set((struct faults){.calls = FAULT_WRITE, .count = FAULTS_FOR_EVER, .error = EIO});
    assert_status(h5ckpt_delete(store), H5CKPT_E_IO);
    faults_clear();
    assert_save(store, 4);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 4);
}
END_TEST

START_TEST(a_deletion_that_failed_anywhere_is_done_when_it_is_asked_for_again)
{
    for (long call = 0;; call++) {
        standard_history(2, 1, 3);
        h5ckpt_store *store = open_and_restore(2, 3);
        faults_set((struct faults){
            .calls = FAULT_REMOVE | FAULT_WRITE | FAULT_FLUSH, .first = call, .count = 1, .error = EIO});
        const h5ckpt_status status = h5ckpt_delete(store);
        const bool hit = faults_hit();
        faults_clear();
        if (status < 0)
            assert_status_message(h5ckpt_delete(store), H5CKPT_OK, h5ckpt_message(store));
        h5ckpt_close(store);
        ck_assert_uint_eq(directory_entry_count(fixture_backup), 0);
        fixture_clear_backup();
        if (!hit)
            break;
        ck_assert_int_lt(call, CALLS_MAX);
    }
}
END_TEST

START_TEST(a_deletion_removes_the_newest_state_last)
{
    standard_history(2, 1, 3);
    const char *older = slot_of_epoch(standard_progress(2).epoch);
    const char *newest = slot_of_epoch(standard_progress(3).epoch);
    h5ckpt_store *store = open_and_restore(2, 3);

    faults_set((struct faults){.calls = FAULT_REMOVE, .name = older, .count = FAULTS_FOR_EVER, .error = EIO});
    assert_status(h5ckpt_delete(store), H5CKPT_E_IO);
    faults_clear();
    ck_assert(file_exists(in_backup(newest)));
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_save_after_a_deletion_that_failed_anywhere_is_not_deleted)
{
    unsigned kept = 0;

    for (long call = 0;; call++) {
        uint64_t saved = 0;
        standard_history(2, 1, 3);
        h5ckpt_store *store = open_and_restore(2, 3);
        faults_set((struct faults){.calls = FAULT_WRITE | FAULT_FLUSH, .first = call, .count = 1, .error = EIO});
        h5ckpt_delete(store);
        bool hit = faults_hit();
        faults_clear();
        for (uint64_t number = 4; hit && number <= 5; number++)
            if (standard_save(store, &standard, number) == H5CKPT_OK)
                saved = number;
        h5ckpt_close(store);
        if (!hit)
            break;
        ck_assert_int_lt(call, CALLS_MAX);
        if (saved != 0)
            assert_restores(H5CKPT_OK, saved);
        kept += saved != 0;
        fixture_clear_backup();
    }
    ck_assert_uint_gt(kept, 1); /* the lock's write and its flush, at least */
}
END_TEST

static const char *const LEFTOVER[] = {"slot-a.h5.new", "slot-b.h5.new", "slot-c.h5.new", "checkpoint.h5.new",
                                       "lock.new"};

START_TEST(deleting_removes_leftovers_of_failed_saves_too)
{
    standard_history(2, 1, 3);
    h5ckpt_store *store = standard_open(&standard, NULL);

    for (unsigned i = 0; i < COUNT(LEFTOVER); i++)
        file_replace(in_backup(LEFTOVER[i]), "torn", 4);
    assert_status_message(h5ckpt_delete(store), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 0);
}
END_TEST

/* _i: its removal fails, or is not known to be durable. Without the lock nobody would know whose it is. */
START_TEST(an_unused_lock_stays_as_long_as_a_leftover_may)
{
    h5ckpt_store *store = standard_open(&standard, NULL);
    struct faults faults = {.calls = FAULT_FLUSH, .count = FAULTS_FOR_EVER, .error = EIO};

    file_replace(in_backup("slot-a.h5.new"), "torn", 4); /* of a first save that was killed */
    if (_i == 0)
        faults =
            (struct faults){.calls = FAULT_REMOVE, .name = "slot-a.h5.new", .count = FAULTS_FOR_EVER, .error = EIO};
    faults_set(faults);
    h5ckpt_close(store);
    ck_assert(faults_hit());
    faults_clear();
    ck_assert(file_exists(in_backup("lock")));
    h5ckpt_close(standard_open(&standard, NULL));
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 0);
}
END_TEST

START_TEST(a_directory_is_used_again_after_its_checkpoint_was_deleted)
{
    standard_history(2, 1, 3);
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    h5ckpt_close(store);
    standard_history(2, 11, 12);
    assert_restores(H5CKPT_OK, 12);
}
END_TEST

/* ------------------------------------------------------------- whose files */

START_TEST(files_that_are_not_ours_survive_everything)
{
    ck_assert_int_eq(mkdir(fixture_backup, 0700), 0);
    make_strangers();
    snapshot_before();
    standard_history(3, 1, 5);
    standard_history(1, 6, 7);
    standard_history(2, 8, 9);
    file_flip_bit(in_backup(slot_of_epoch(9)), 8 * 70000);
    assert_restores(H5CKPT_FELL_BACK, 8);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    h5ckpt_close(store);
    assert_unchanged();
    ck_assert(file_holds(in_backup("folder/slot-a.h5"), "mine"));
}
END_TEST

static const char *const OUR_NAME[] = {"lock",          "slot-a.h5",     "slot-b.h5",
                                       "slot-c.h5",     "lock.new",      "slot-a.h5.new",
                                       "slot-b.h5.new", "slot-c.h5.new", "checkpoint.h5.new"};

START_TEST(a_strangers_file_under_a_name_of_ours_is_refused_and_untouched_before_first_use)
{
    ck_assert_int_eq(mkdir(fixture_backup, 0700), 0);
    file_replace(in_backup(OUR_NAME[_i]), "this is mine", 12);
    snapshot_before();
    h5ckpt_store *store;
    h5ckpt_status status = h5ckpt_open(&store, fixture_backup, standard.state, NULL);
    if (status == H5CKPT_OK)
        status = standard_save(store, &standard, 1);
    if (strcmp(OUR_NAME[_i], "checkpoint.h5.new") != 0) { /* only the view needs that name, and nobody needs the view */
        assert_status_message(status, H5CKPT_E_FOREIGN, OUR_NAME[_i]);
        assert_mentions(h5ckpt_message(store), OUR_NAME[_i]);
    }
    h5ckpt_close(store);
    ck_assert_msg(file_holds(in_backup(OUR_NAME[_i]), "this is mine"), "%s was changed or removed", OUR_NAME[_i]);
    if (status == H5CKPT_E_FOREIGN)
        assert_unchanged();
}
END_TEST

START_TEST(an_empty_file_called_lock_is_not_removed)
{
    ck_assert_int_eq(mkdir(fixture_backup, 0700), 0);
    file_replace(in_backup("lock"), "", 0);
    snapshot_before();
    h5ckpt_close(try_open(H5CKPT_E_FOREIGN));
    assert_unchanged();
}
END_TEST

START_TEST(a_directory_called_lock_is_refused_and_untouched)
{
    ck_assert_int_eq(mkdir(fixture_backup, 0700), 0);
    ck_assert_int_eq(mkdir(in_backup("lock"), 0700), 0);
    snapshot_before();
    h5ckpt_close(try_open(H5CKPT_E_FOREIGN));
    assert_unchanged();
}
END_TEST

START_TEST(a_symbolic_link_called_lock_is_not_followed)
{
    char target[2 * PATH_BYTES];

    snprintf(target, sizeof target, "%s/target", fixture_directory);
    file_replace(target, "victim", 6);
    ck_assert_int_eq(mkdir(fixture_backup, 0700), 0);
    ck_assert_int_eq(symlink("../target", in_backup("lock")), 0);
    snapshot_before();
    h5ckpt_close(try_open(H5CKPT_E_FOREIGN));
    assert_unchanged();
    ck_assert(file_holds(target, "victim"));
}
END_TEST

START_TEST(leftovers_of_a_crashed_save_are_removed_at_open)
{
    standard_history(2, 1, 3);
    unsigned count = directory_entry_count(fixture_backup);
    for (unsigned i = 0; i < COUNT(LEFTOVER); i++)
        file_replace(in_backup(LEFTOVER[i]), "torn", 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    for (unsigned i = 0; i < COUNT(LEFTOVER); i++)
        ck_assert_msg(!file_exists(in_backup(LEFTOVER[i])), "%s is still there", LEFTOVER[i]);
    h5ckpt_close(store);
    ck_assert_uint_eq(directory_entry_count(fixture_backup), count);
    assert_restores(H5CKPT_OK, 3);
}
END_TEST

START_TEST(a_lock_cut_short_while_it_was_made_is_no_obstacle)
{
    char zeros[FORMAT_LOCK_BYTES] = {0};

    ck_assert_int_eq(mkdir(fixture_backup, 0700), 0);
    file_replace(in_backup("lock.new"), zeros, (size_t)_i);
    standard_history(2, 1, 2);
    ck_assert(!file_exists(in_backup("lock.new")));
    assert_restores(H5CKPT_OK, 2);
}
END_TEST

static char other_directory[2 * PATH_BYTES];

/* A checkpoint of its own, in another directory. */
static void make_other_directory(void)
{
    standard_history(2, 1, 4);
    snprintf(other_directory, sizeof other_directory, "%s/other", fixture_directory);
    ck_assert_int_eq(rename(fixture_backup, other_directory), 0);
}

/* Copy the other directory's first slot to this name in the backup directory. */
static void put_foreign_slot(const char *name)
{
    char path[sizeof other_directory + 16];
    unsigned char *bytes = malloc(1 << 20);

    snprintf(path, sizeof path, "%s/slot-a.h5", other_directory);
    size_t byte_count = (size_t)file_bytes(path);
    ck_assert_uint_lt(byte_count, 1 << 20);
    file_read_bytes(path, bytes, byte_count, 0);
    file_replace(in_backup(name), bytes, byte_count);
    free(bytes);
}

START_TEST(a_slot_of_another_directory_is_foreign_and_nothing_is_written)
{
    const char *copied = SLOT_NAME[_i];

    make_other_directory();
    standard_history(2, 11, 14);
    put_foreign_slot(copied);
    snapshot_before();
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_spoil(&standard);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_FOREIGN);
    assert_mentions(h5ckpt_message(store), copied);
    ck_assert(standard_is_spoilt(&standard));
    assert_status(standard_save(store, &standard, 20), H5CKPT_E_FOREIGN);
    assert_status(h5ckpt_start_over(store), H5CKPT_E_FOREIGN);
    assert_status(h5ckpt_delete(store), H5CKPT_E_FOREIGN);
    h5ckpt_close(store);
    assert_unchanged();
}
END_TEST

START_TEST(a_foreign_slot_that_comes_while_the_store_is_open_is_not_written_over)
{
    make_other_directory();
    standard_history(2, 11, 14);
    h5ckpt_store *store = open_and_restore(2, 14);
    put_foreign_slot(slot_of_epoch(13)); /* where the next save would go */
    snapshot_before();
    assert_status(standard_save(store, &standard, 15), H5CKPT_E_FOREIGN);
    ck_assert_str_ne(h5ckpt_message(store), "");
    assert_unchanged();
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_slot_of_a_newer_version_that_comes_while_the_store_is_open_is_not_written_over)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = open_and_restore(2, 4);
    const char *newer = slot_of_epoch(3); /* where the next save would go */
    file_write_bytes(in_backup(newer), &(unsigned char){FORMAT_VERSION + 1}, 1, 8);
    file_seal_sector(in_backup(newer), 0);
    snapshot_before();
    assert_status(standard_save(store, &standard, 5), H5CKPT_E_VERSION);
    assert_mentions(h5ckpt_message(store), newer);
    assert_unchanged();
    h5ckpt_close(store);
}
END_TEST

/* An older state of the directory's own, put back into the slot that this handle has saved a newer one in. */
START_TEST(a_restored_state_that_this_handle_did_not_put_there_is_not_taken_for_durable)
{
    static unsigned char older[1 << 20];
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_save(store, 1);
    const char *name = slot_of_epoch(1);
    const uint64_t byte_count = file_bytes(in_backup(name));
    ck_assert_uint_le(byte_count, sizeof older);
    file_read_bytes(in_backup(name), older, byte_count, 0);
    assert_save(store, 2);
    assert_save(store, 3);
    ck_assert_str_eq(slot_of_epoch(3), name);
    file_write_bytes(in_backup(name), older, byte_count, 0);
    file_flip_bit(in_backup(slot_of_epoch(2)), 8 * 20000);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_FELL_BACK);
    ck_assert(standard_is(&standard, 1));
    ck_assert(!store->base_durable);
    assert_save(store, 4);
    ck_assert_str_ne(slot_of_epoch(4), name);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 4);
}
END_TEST

START_TEST(a_foreign_slot_that_comes_while_the_store_is_open_survives_its_deletion)
{
    make_other_directory();
    standard_history(2, 11, 14);
    h5ckpt_store *store = open_and_restore(2, 14);
    put_foreign_slot("slot-c.h5");
    snapshot_before();
    assert_status(h5ckpt_delete(store), H5CKPT_E_FOREIGN);
    assert_mentions(h5ckpt_message(store), "slot-c.h5");
    assert_unchanged();
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_foreign_slot_that_comes_before_the_first_save_is_not_replaced_by_reserved_space)
{
    make_other_directory();
    h5ckpt_store *store = standard_open(&standard, NULL);
    put_foreign_slot("slot-b.h5");
    snapshot_before();
    assert_status(standard_save(store, &standard, 1), H5CKPT_E_FOREIGN);
    assert_unchanged();
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_foreign_slot_that_takes_a_surplus_slots_place_is_not_removed)
{
    make_other_directory();
    standard_history(3, 11, 16);
    h5ckpt_store *store = open_and_restore(2, 16);
    put_foreign_slot("slot-c.h5");
    const ino_t inode = file_inode(in_backup("slot-c.h5"));
    for (uint64_t number = 17; number <= 20; number++)
        standard_save(store, &standard, number);
    h5ckpt_close(store);
    ck_assert(file_exists(in_backup("slot-c.h5")));
    ck_assert_uint_eq(file_inode(in_backup("slot-c.h5")), inode);
}
END_TEST

static int open_and_die(void *context)
{
    h5ckpt_store *store;

    (void)context;
    return -(int)h5ckpt_open(&store, fixture_backup, standard.state, NULL);
}

/* What a program leaves that is killed before its first save: a directory that is ours, and nothing in it. */
static void leave_an_empty_lock(void)
{
    ck_assert_int_eq(in_child(open_and_die, NULL), 0);
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 1);
}

START_TEST(a_foreign_slot_that_was_moved_away_is_forgotten)
{
    make_other_directory();
    leave_an_empty_lock();
    put_foreign_slot("slot-a.h5");
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_FOREIGN);
    file_remove(in_backup("slot-a.h5"));
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_NO_CHECKPOINT);
    assert_save(store, 1);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 1);
}
END_TEST

START_TEST(a_slot_cut_short_before_the_first_save_succeeded_is_no_checkpoint)
{
    leave_an_empty_lock();
    file_replace(in_backup("slot-a.h5"), "torn", 4);
    h5ckpt_store *reader = standard_open_reader(&standard);
    assert_status_message(h5ckpt_restore(reader, NULL, NULL), H5CKPT_NO_CHECKPOINT, h5ckpt_message(reader));
    h5ckpt_close(reader);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status_message(h5ckpt_restore(store, NULL, NULL), H5CKPT_NO_CHECKPOINT, h5ckpt_message(store));
    assert_save(store, 1);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 1);
}
END_TEST

START_TEST(a_slot_of_a_newer_version_is_reported_and_nothing_is_written)
{
    const char *newer = SLOT_NAME[_i];

    standard_history(2, 1, 4);
    file_write_bytes(in_backup(newer), &(unsigned char){FORMAT_VERSION + 1}, 1, 8);
    file_seal_sector(in_backup(newer), 0);
    snapshot_before();
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_spoil(&standard);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_VERSION);
    ck_assert(standard_is_spoilt(&standard));
    assert_status(standard_save(store, &standard, 20), H5CKPT_E_VERSION);
    assert_status(h5ckpt_start_over(store), H5CKPT_E_VERSION);
    assert_status(h5ckpt_delete(store), H5CKPT_E_VERSION);
    h5ckpt_close(store);
    assert_unchanged();
}
END_TEST

/* Believed, it would be the highest, and there is none after it. Found by fuzz_slot. */
START_TEST(an_impossible_sequence_under_a_right_checksum_does_not_end_all_saving)
{
    standard_history(2, 1, 4);
    const char *name = slot_of_epoch(3 + (uint64_t)_i);
    file_write_bytes(in_backup(name), &(unsigned char){0x80}, 1, 16 + 7);
    file_seal_sector(in_backup(name), 0);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), _i == 0 ? H5CKPT_OK : H5CKPT_FELL_BACK);
    assert_status_message(standard_save(store, &standard, 20), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 20);
}
END_TEST

START_TEST(a_slot_with_an_unknown_required_feature_is_of_a_newer_version)
{
    standard_history(2, 1, 4);
    file_write_bytes(in_backup("slot-b.h5"), &(unsigned char){0x80}, 1, 32 + 7);
    file_seal_sector(in_backup("slot-b.h5"), 0);
    snapshot_before();
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_VERSION);
    h5ckpt_close(store);
    assert_unchanged();
}
END_TEST

START_TEST(a_slot_with_an_unknown_optional_feature_is_restored)
{
    standard_history(2, 1, 4);
    const char *name = slot_of_epoch(4);
    file_write_bytes(in_backup(name), &(unsigned char){0x80}, 1, 40 + 7);
    file_seal_sector(in_backup(name), 0);
    assert_restores(H5CKPT_OK, 4);
}
END_TEST

START_TEST(a_lock_of_a_newer_version_is_reported_and_nothing_is_written)
{
    standard_history(2, 1, 4);
    file_write_bytes(in_backup("lock"), &(unsigned char){FORMAT_VERSION + 1}, 1, 8);
    file_seal_sector(in_backup("lock"), 0);
    snapshot_before();
    h5ckpt_close(try_open(H5CKPT_E_VERSION));
    assert_unchanged();
}
END_TEST

START_TEST(slots_without_their_lock_are_ours_again_if_they_agree)
{
    standard_history(2, 1, 4);
    file_remove(in_backup("lock"));
    assert_restores(H5CKPT_OK, 4);
    ck_assert(file_exists(in_backup("lock")));
    standard_history(2, 5, 6);
    assert_restores(H5CKPT_OK, 6);
    assert_restores_previous(H5CKPT_OK, 5);
}
END_TEST

START_TEST(a_reader_restores_slots_without_their_lock_and_writes_none)
{
    standard_history(2, 1, 4);
    file_remove(in_backup("lock"));
    snapshot_before();
    h5ckpt_store *store = standard_open_reader(&standard);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    ck_assert(standard_is(&standard, 4));
    ck_assert_str_eq(h5ckpt_message(store), ""); /* it is not a failure */
    h5ckpt_close(store);
    assert_unchanged();
}
END_TEST

START_TEST(slots_without_their_lock_that_disagree_are_foreign)
{
    standard_history(2, 1, 4);
    file_remove(in_backup("lock"));
    file_write_bytes(in_backup("slot-b.h5"), "another id", 10, 80);
    file_seal_sector(in_backup("slot-b.h5"), 0);
    snapshot_before();
    h5ckpt_store *store = try_open(H5CKPT_E_FOREIGN);
    assert_mentions(h5ckpt_message(store),
                    "slot-a.h5 and slot-b.h5 are of two different directories"); /* which of them is wrong? */
    h5ckpt_close(store);
    assert_unchanged();
}
END_TEST

/* It was the first of them in the order of their names that decided. */
START_TEST(without_a_lock_a_slot_of_a_newer_version_outweighs_one_that_is_nobodys)
{
    static const char *const NAME[] = {"slot-a.h5", "slot-b.h5"};

    standard_history(2, 1, 4);
    file_remove(in_backup("lock"));
    file_write_bytes(in_backup(NAME[_i]), &(unsigned char){FORMAT_VERSION + 1}, 1, 8);
    file_seal_sector(in_backup(NAME[_i]), 0);
    file_cut(in_backup(NAME[1 - _i]), 0);
    snapshot_before();
    h5ckpt_close(try_open(H5CKPT_E_VERSION));
    assert_unchanged();
}
END_TEST

/* It was taken for version 1. */
START_TEST(a_lock_of_a_version_that_never_was_is_damaged)
{
    standard_history(2, 1, 4);
    file_write_bytes(in_backup("lock"), (unsigned char[4]){0}, 4, 8);
    file_seal_sector(in_backup("lock"), 0);
    h5ckpt_store *reader = standard_open_reader(&standard);
    struct h5ckpt_report report;
    assert_status(h5ckpt_restore(reader, NULL, &report), H5CKPT_OK);
    ck_assert(report.lock_damaged);
    h5ckpt_close(reader);
}
END_TEST

/* It has a checksum of its own. */
START_TEST(the_note_of_a_damaged_lock_still_tells)
{
    standard_history(2, 1, 4);
    file_write_bytes(in_backup("lock"), &(unsigned char){3}, 1, 12);
    file_seal_sector(in_backup("lock"), 0);
    file_remove(in_backup("slot-a.h5")); /* the older one: without the note it may have been newer */
    h5ckpt_store *reader = standard_open_reader(&standard);
    assert_status(h5ckpt_restore(reader, NULL, NULL), H5CKPT_OK);
    h5ckpt_close(reader);
}
END_TEST

/* A length of 0 in it was taken to mean that there is none. */
START_TEST(a_sealed_record_is_readable_whatever_length_it_claims)
{
    struct h5ckpt_report report;

    standard_history(2, 1, 4);
    file_write_bytes(in_backup("slot-a.h5"), (unsigned char[8]){0}, 8, 120);
    file_seal_sector(in_backup("slot-a.h5"), 0);
    h5ckpt_store *reader = standard_open_reader(&standard);
    assert_status(h5ckpt_inspect(reader, NULL, &report), H5CKPT_OK);
    ck_assert_int_eq(report.slot[0].state, H5CKPT_SLOT_DAMAGED);
    ck_assert_uint_eq(report.slot[0].sequence, 3);
    h5ckpt_close(reader);
}
END_TEST

START_TEST(a_damaged_lock_is_repaired_if_the_slots_agree)
{
    standard_history(2, 1, 4);
    file_flip_bit(in_backup("lock"), (uint64_t)_i);
    assert_restores(H5CKPT_OK, 4);
    standard_history(2, 5, 6);
    assert_restores(H5CKPT_OK, 6);
}
END_TEST

START_TEST(a_truncated_lock_is_repaired_if_the_slots_agree)
{
    standard_history(2, 1, 4);
    file_cut(in_backup("lock"), (uint64_t)_i);
    assert_restores(H5CKPT_OK, 4);
    standard_history(2, 5, 6);
    assert_restores(H5CKPT_OK, 6);
}
END_TEST

START_TEST(a_slot_that_was_never_made_is_not_missed_after_a_switch_from_one_to_three)
{
    const unsigned char nothing[512] = {0};

    standard_history(1, 1, 2);
    standard_history(3, 3, 3);
    file_write_bytes(in_backup("lock"), nothing, sizeof nothing, 512); /* no note: as after a restart of the machine */
    assert_restores(H5CKPT_OK, 3);
}
END_TEST

START_TEST(a_damaged_lock_is_repaired_without_writing_through_a_hard_link)
{
    unsigned char held[512];
    unsigned char holds[512];
    char copy[PATH_MAX];

    standard_history(2, 1, 2);
    file_flip_bit(in_backup("lock"), 100);
    snprintf(copy, sizeof copy, "%s-copy-of-the-lock", fixture_backup);
    ck_assert_int_eq(link(in_backup("lock"), copy), 0);
    file_read_bytes(copy, held, sizeof held, 0);
    standard_history(2, 3, 3);
    file_read_bytes(copy, holds, sizeof holds, 0);
    ck_assert_mem_eq(held, holds, sizeof held);
    assert_restores(H5CKPT_OK, 3);
}
END_TEST

START_TEST(a_reader_follows_a_directory_that_was_removed_and_made_again)
{
    struct h5ckpt_options read_only = h5ckpt_options_default();

    read_only.mode = H5CKPT_READ_ONLY;
    h5ckpt_store *writer = standard_open(&standard, NULL);
    h5ckpt_store *reader = standard_open(&standard, &read_only);
    h5ckpt_close(writer); /* nothing was saved: the directory goes */
    assert_status(h5ckpt_restore(reader, NULL, NULL), H5CKPT_NO_CHECKPOINT);
    standard_history(2, 1, 1);
    assert_status_message(h5ckpt_restore(reader, NULL, NULL), H5CKPT_OK, h5ckpt_message(reader));
    h5ckpt_close(reader);
}
END_TEST

START_TEST(a_lock_that_might_be_anybodys_is_not_written_even_if_the_slots_agree)
{
    static const char *const CONTENT[] = {"", "1234\n", "\x89H5LOC"};

    standard_history(2, 1, 4);
    file_replace(in_backup("lock"), CONTENT[_i], strlen(CONTENT[_i]));
    snapshot_before();
    h5ckpt_close(try_open(H5CKPT_E_FOREIGN));
    assert_unchanged();
}
END_TEST

START_TEST(a_damaged_lock_beside_damaged_slots_is_foreign_and_untouched)
{
    standard_history(2, 1, 4);
    file_flip_bit(in_backup("lock"), 77);
    file_cut(in_backup("slot-a.h5"), 0);
    snapshot_before();
    h5ckpt_close(try_open(H5CKPT_E_FOREIGN));
    assert_unchanged();
}
END_TEST

START_TEST(a_damaged_lock_without_slots_is_foreign_to_the_writer_and_to_a_reader)
{
    standard_history(2, 1, 2);
    file_flip_bit(in_backup("lock"), 77);
    file_remove(in_backup("slot-a.h5"));
    file_remove(in_backup("slot-b.h5"));
    h5ckpt_close(try_open(H5CKPT_E_FOREIGN));
    h5ckpt_store *reader = standard_open_reader(&standard);
    assert_status(h5ckpt_restore(reader, NULL, NULL), H5CKPT_E_FOREIGN);
    assert_mentions(h5ckpt_message(reader), "lock");
    h5ckpt_close(reader);
}
END_TEST

START_TEST(a_damaged_note_in_the_lock_says_nothing)
{
    standard_history(2, 1, 4);
    file_flip_bit(in_backup("lock"), 8 * 520);
    assert_restores(H5CKPT_OK, 4);
}
END_TEST

START_TEST(a_note_of_a_sequence_that_no_slot_may_have_says_nothing)
{
    standard_history(2, 1, 3);
    file_write_bytes(in_backup("lock"), (unsigned char[]){255, 255, 255, 255, 255, 255, 255, 255}, 8, 512 + 8);
    file_seal_sector(in_backup("lock"), 512);
    h5ckpt_store *store = open_and_restore(2, 3);
    assert_save(store, 4);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 4);
}
END_TEST

START_TEST(a_lost_newest_slot_is_noticed)
{
    const uint64_t saved = 2 + (uint64_t)_i;

    standard_history(2, 1, saved);
    file_remove(in_backup(slot_of_epoch(saved)));
    assert_restores(H5CKPT_FELL_BACK, saved - 1);
}
END_TEST

START_TEST(a_lost_older_slot_is_called_missing)
{
    const uint64_t saved = 2 + (uint64_t)_i;
    struct h5ckpt_report report;

    standard_history(2, 1, saved);
    file_remove(in_backup(slot_of_epoch(saved - 1)));
    h5ckpt_store *store = standard_open(&standard, NULL);
    ck_assert_int_ge(h5ckpt_restore(store, NULL, &report), 0);
    ck_assert(standard_is(&standard, saved));
    ck_assert_int_eq(report.slot[1 - report.restored].state, H5CKPT_SLOT_MISSING);
    ck_assert_str_ne(report.slot[1 - report.restored].reason, "");
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_hard_linked_slot_is_never_written_through)
{
    char backup_copy[2 * PATH_BYTES];
    char target[32];

    standard_history(2, 1, 4);
    snprintf(target, sizeof target, "%s", slot_of_epoch(3)); /* where the next save goes */
    snprintf(backup_copy, sizeof backup_copy, "%s/kept", fixture_directory);
    h5ckpt_store *store = open_and_restore(2, 4);
    ck_assert_int_eq(link(in_backup(target), backup_copy), 0);
    unsigned char *was = malloc(1 << 20);
    unsigned char *is = malloc(1 << 20);
    size_t byte_count = (size_t)file_bytes(backup_copy);
    file_read_bytes(backup_copy, was, byte_count, 0);
    assert_save(store, 5);
    assert_save(store, 6);
    assert_save(store, 7);
    file_read_bytes(backup_copy, is, byte_count, 0);
    ck_assert_uint_eq(file_bytes(backup_copy), byte_count);
    ck_assert(memcmp(is, was, byte_count) == 0);
    ck_assert_str_eq(slot_of_epoch(5 + 2), target);
    h5ckpt_close(store);
    free(was);
    free(is);
    assert_restores(H5CKPT_OK, 7);
}
END_TEST

static void copy_with_hard_links(const char *to)
{
    static const char *const NAME[] = {"lock", "slot-a.h5", "slot-b.h5", "checkpoint.h5"};
    char path[3 * PATH_BYTES];

    ck_assert_uint_eq(directory_entry_count(fixture_backup), COUNT(NAME));
    ck_assert_int_eq(mkdir(to, 0700), 0);
    for (unsigned i = 0; i < COUNT(NAME); i++) {
        snprintf(path, sizeof path, "%s/%s", to, NAME[i]);
        ck_assert_int_eq(link(in_backup(NAME[i]), path), 0);
    }
}

/* _i: delete, or save */
START_TEST(a_copy_of_hard_links_keeps_every_byte)
{
    char copy[2 * PATH_BYTES];

    standard_history(2, 1, 3);
    snprintf(copy, sizeof copy, "%s/copy", fixture_directory);
    copy_with_hard_links(copy);
    directory_snapshot(copy, before);
    h5ckpt_store *store = open_and_restore(2, 3);
    if (_i == 0)
        assert_status_message(h5ckpt_delete(store), H5CKPT_OK, h5ckpt_message(store));
    for (uint64_t number = 4; _i != 0 && number <= 6; number++)
        assert_save(store, number);
    h5ckpt_close(store);
    directory_snapshot(copy, after);
    ck_assert_str_eq(after, before);
    fixture_clear_backup();
    ck_assert_int_eq(rename(copy, fixture_backup), 0);
    assert_restores(H5CKPT_OK, 3);
    assert_restores_previous(H5CKPT_OK, 2);
}
END_TEST

static void fill_with_zeros(const char *path)
{
    const uint64_t byte_count = file_bytes(path);

    file_cut(path, 0);
    file_cut(path, byte_count);
}

static bool begins_with_zeros(const char *path)
{
    unsigned char head[64];

    file_read_bytes(path, head, sizeof head, 0);
    return memcmp(head, (unsigned char[sizeof head]){0}, sizeof head) == 0;
}

START_TEST(a_view_that_a_power_cut_made_zeros_is_made_anew)
{
    standard_history(2, 1, 3);
    fill_with_zeros(in_backup("checkpoint.h5"));
    h5ckpt_store *store = standard_open(&standard, NULL);
    ck_assert(!begins_with_zeros(in_backup("checkpoint.h5")));
    fill_with_zeros(in_backup("checkpoint.h5"));
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    assert_save(store, 4);
    h5ckpt_close(store);
    ck_assert(!begins_with_zeros(in_backup("checkpoint.h5")));
}
END_TEST

START_TEST(a_view_that_a_power_cut_made_zeros_is_deleted_with_the_checkpoint)
{
    standard_history(2, 1, 3);
    h5ckpt_store *store = standard_open(&standard, NULL);

    fill_with_zeros(in_backup("checkpoint.h5"));
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    h5ckpt_close(store);
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 0);
}
END_TEST

/* _i: bytes */
START_TEST(a_view_that_a_power_cut_made_short_is_made_anew)
{
    standard_history(2, 1, 3);
    file_cut(in_backup("checkpoint.h5"), 0);
    file_cut(in_backup("checkpoint.h5"), (uint64_t)_i);
    h5ckpt_store *store = standard_open(&standard, NULL);
    ck_assert_uint_gt(file_bytes(in_backup("checkpoint.h5")), 4096);
    h5ckpt_close(store);
}
END_TEST

/* _i: delete, or save */
START_TEST(a_copy_of_hard_links_made_while_the_store_is_open_keeps_every_byte)
{
    char copy[2 * PATH_BYTES];

    standard_history(2, 1, 3);
    snprintf(copy, sizeof copy, "%s/copy", fixture_directory);
    h5ckpt_store *store = open_and_restore(2, 3);
    copy_with_hard_links(copy);
    directory_snapshot(copy, before);
    if (_i == 0)
        assert_status_message(h5ckpt_delete(store), H5CKPT_OK, h5ckpt_message(store));
    for (uint64_t number = 4; _i != 0 && number <= 6; number++)
        assert_save(store, number);
    h5ckpt_close(store);
    directory_snapshot(copy, after);
    ck_assert_str_eq(after, before);
    fixture_clear_backup();
    ck_assert_int_eq(rename(copy, fixture_backup), 0);
    assert_restores(H5CKPT_OK, 3);
}
END_TEST

START_TEST(the_backup_directory_itself_may_be_a_symbolic_link)
{
    char target[2 * PATH_BYTES];

    snprintf(target, sizeof target, "%s/elsewhere", fixture_directory);
    ck_assert_int_eq(mkdir(target, 0700), 0);
    ck_assert_int_eq(symlink("elsewhere", fixture_backup), 0);
    standard_history(2, 1, 3);
    assert_restores(H5CKPT_OK, 3);
    ck_assert_uint_gt(directory_entry_count(target), 2);
    ck_assert_int_eq(unlink(fixture_backup), 0);
}
END_TEST

/* ----------------------------------------------- created and given back */

START_TEST(opening_and_closing_without_a_save_leaves_nothing)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    ck_assert(file_exists(fixture_backup));
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_NO_CHECKPOINT);
    h5ckpt_close(store);
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

START_TEST(opening_and_closing_without_a_save_keeps_a_directory_that_was_there)
{
    ck_assert_int_eq(mkdir(fixture_backup, 0750), 0);
    h5ckpt_close(standard_open(&standard, NULL));
    ck_assert(file_exists(fixture_backup));
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 0);
    ck_assert_uint_eq(file_permissions(fixture_backup), 0750);
}
END_TEST

START_TEST(a_nested_directory_is_made)
{
    char nested[2 * PATH_BYTES];
    h5ckpt_store *store;

    snprintf(nested, sizeof nested, "%s/a/b//c/", fixture_backup);
    assert_status_message(h5ckpt_open(&store, nested, standard.state, NULL), H5CKPT_OK, h5ckpt_message(store));
    assert_save(store, 1);
    h5ckpt_close(store);
    ck_assert_uint_gt(directory_entry_count(nested), 2);
    snprintf(nested, sizeof nested, "%s/a", fixture_backup);
    ck_assert_uint_eq(file_permissions(nested), 0700);
}
END_TEST

START_TEST(a_nested_directory_in_which_nothing_was_saved_is_left_as_it_was_found)
{
    char nested[2 * PATH_BYTES];
    h5ckpt_store *store;

    snprintf(nested, sizeof nested, "%s/a/b", fixture_backup);
    assert_status(h5ckpt_open(&store, nested, standard.state, NULL), H5CKPT_OK);
    h5ckpt_close(store);
    ck_assert(!file_exists(nested));
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

START_TEST(a_directory_of_the_same_relative_name_elsewhere_is_not_removed_at_close)
{
    char elsewhere[2 * PATH_BYTES];
    char namesake[sizeof elsewhere + 16];
    int began = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    h5ckpt_store *store;

    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", fixture_directory);
    snprintf(namesake, sizeof namesake, "%s/backup", elsewhere);
    ck_assert_int_eq(mkdir(elsewhere, 0700), 0);
    ck_assert_int_eq(mkdir(namesake, 0700), 0);
    ck_assert_int_eq(chdir(fixture_directory), 0);
    assert_status_message(h5ckpt_open(&store, "backup", standard.state, NULL), H5CKPT_OK, h5ckpt_message(store));
    if (_i != 0)
        assert_save(store, 1);
    ck_assert_int_eq(chdir(elsewhere), 0);
    h5ckpt_close(store);
    ck_assert_int_eq(fchdir(began), 0);
    close(began);
    ck_assert(file_exists(namesake));
}
END_TEST

START_TEST(files_are_made_for_their_owner_only_unless_told_otherwise)
{
    static const char *const NAME[] = {"lock", "slot-a.h5", "slot-b.h5", "checkpoint.h5"};
    struct h5ckpt_options options = h5ckpt_options_default();

    umask(0);
    if (_i != 0)
        options.file_mode = 0640;
    h5ckpt_store *store = standard_open(&standard, &options);
    for (uint64_t number = 1; number <= 3; number++)
        assert_save(store, number);
    h5ckpt_close(store);
    for (unsigned i = 0; i < COUNT(NAME); i++)
        ck_assert_uint_eq(file_permissions(in_backup(NAME[i])), options.file_mode);
    ck_assert_uint_eq(file_permissions(fixture_backup), _i == 0 ? 0700 : 0750);
}
END_TEST

START_TEST(a_failed_open_of_a_new_directory_leaves_none)
{
    for (long call = 0;; call++) {
        faults_set((struct faults){.calls = FAULT_WRITE | FAULT_FLUSH | FAULT_LINK | FAULT_CREATE,
                                   .first = call,
                                   .count = FAULTS_FOR_EVER,
                                   .error = ENOSPC});
        h5ckpt_store *store;
        h5ckpt_status status = h5ckpt_open(&store, fixture_backup, standard.state, NULL);
        bool hit = faults_hit();
        h5ckpt_close(store);
        faults_clear();
        if (!hit)
            break;
        assert_status(status, H5CKPT_E_NO_SPACE);
        ck_assert_msg(!file_exists(fixture_backup), "call %ld failed and the directory is there", call);
    }
}
END_TEST

/* --------------------------------------------------------------- one writer */

START_TEST(a_second_writer_in_the_same_process_is_refused_and_changes_nothing)
{
    standard_history(2, 1, 3);
    h5ckpt_store *store = open_and_restore(2, 3);

    snapshot_before();
    h5ckpt_store *second = try_open(H5CKPT_E_BUSY);
    assert_status(h5ckpt_restore(second, NULL, NULL), H5CKPT_E_ARGUMENT);
    h5ckpt_close(second);
    assert_unchanged();
    assert_save(store, 4);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 4);
}
END_TEST

START_TEST(a_second_writer_is_refused_before_the_first_save_too)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    snapshot_before();
    h5ckpt_close(try_open(H5CKPT_E_BUSY));
    assert_unchanged();
    assert_save(store, 1);
    h5ckpt_close(store);
}
END_TEST

static int open_status_in_child(void *context)
{
    h5ckpt_store *store;
    h5ckpt_status status;

    (void)context;
    status = h5ckpt_open(&store, fixture_backup, standard.state, NULL);
    h5ckpt_close(store);
    return -(int)status;
}

START_TEST(a_writer_in_another_process_is_refused_and_changes_nothing)
{
    standard_history(2, 1, 3);
    h5ckpt_store *store = open_and_restore(2, 3);

    snapshot_before();
    ck_assert_int_eq(in_child(open_status_in_child, NULL), -H5CKPT_E_BUSY);
    assert_unchanged();
    assert_save(store, 4);
    h5ckpt_close(store);
    ck_assert_int_eq(in_child(open_status_in_child, NULL), 0);
}
END_TEST

/* The parent's store in a child: every call fails, nothing changes; closing is harmless. */
static int use_inherited_store(void *context)
{
    h5ckpt_store *store = context;
    struct h5ckpt_report report;
    struct h5ckpt_space space;

    if (h5ckpt_save(store, NULL) != H5CKPT_E_ARGUMENT || h5ckpt_restore(store, NULL, NULL) != H5CKPT_E_ARGUMENT ||
        h5ckpt_delete(store) != H5CKPT_E_ARGUMENT || h5ckpt_start_over(store) != H5CKPT_E_ARGUMENT ||
        h5ckpt_space(store, &space) != H5CKPT_E_ARGUMENT || h5ckpt_inspect(store, NULL, &report) != H5CKPT_E_ARGUMENT)
        return 1;
    if (strstr(h5ckpt_message(store), "process") == NULL)
        return 2;
    h5ckpt_close(store);
    return 0;
}

START_TEST(a_child_process_cannot_use_the_store_and_closes_it_without_harm)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    if (_i != 0) { /* else a fresh directory, whose lock the child must not remove */
        assert_save(store, 1);
        assert_save(store, 2);
    }
    snapshot_before();
    ck_assert_int_eq(in_child(use_inherited_store, store), 0);
    assert_unchanged();
    h5ckpt_close(try_open(H5CKPT_E_BUSY)); /* the parent's lock still holds */
    assert_save(store, 3);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 3);
}
END_TEST

START_TEST(a_writer_whose_lock_was_removed_writes_no_more)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_save(store, 1);
    assert_save(store, 2);
    file_remove(in_backup("lock"));
    snapshot_before();
    assert_status(standard_save(store, &standard, 3), H5CKPT_E_BUSY);
    assert_unchanged();
    assert_status(h5ckpt_delete(store), H5CKPT_E_BUSY);
    assert_unchanged();
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 2);
}
END_TEST

START_TEST(a_writer_that_was_replaced_changes_nothing_when_it_closes)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    for (uint64_t number = 1; number <= 3; number++)
        assert_save(store, number);
    file_remove(in_backup("lock"));
    h5ckpt_store *second = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(second, NULL, NULL), H5CKPT_OK);
    assert_save(second, 4);
    h5ckpt_close(second);
    snapshot_before();
    h5ckpt_close(store);
    assert_unchanged();
}
END_TEST

START_TEST(a_reader_takes_no_lock_and_may_not_write)
{
    standard_history(2, 1, 3);
    h5ckpt_store *reader = standard_open_reader(&standard);

    snapshot_before();
    assert_status(h5ckpt_restore(reader, NULL, NULL), H5CKPT_OK);
    assert_status(standard_save(reader, &standard, 4), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_start_over(reader), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_delete(reader), H5CKPT_E_ARGUMENT);
    assert_unchanged();
    h5ckpt_store *store = open_and_restore(2, 3);
    assert_save(store, 4);
    h5ckpt_close(store);
    h5ckpt_close(reader);
}
END_TEST

START_TEST(a_reader_of_a_missing_directory_makes_none_and_sees_it_once_it_is_there)
{
    h5ckpt_store *reader = standard_open_reader(&standard);

    assert_status(h5ckpt_restore(reader, NULL, NULL), H5CKPT_NO_CHECKPOINT);
    ck_assert(!file_exists(fixture_backup));
    standard_history(2, 1, 1);
    assert_status(h5ckpt_restore(reader, NULL, NULL), H5CKPT_OK);
    ck_assert(standard_is(&standard, 1));
    h5ckpt_close(reader);
}
END_TEST

/* ----------------------------------------------------- faults while saving */

START_TEST(a_first_save_without_space_leaves_nothing_whichever_call_fails)
{
    const unsigned slots = 1 + (unsigned)_i;

    for (long call = 0;; call++) {
        h5ckpt_store *store = standard_open_slots(&standard, slots);
        faults_set((struct faults){.calls = FAULT_WRITE | FAULT_ALLOCATE | FAULT_CREATE,
                                   .name = "slot",
                                   .first = call,
                                   .count = FAULTS_FOR_EVER,
                                   .error = ENOSPC});
        h5ckpt_status status = standard_save(store, &standard, 1);
        bool hit = faults_hit();
        faults_clear();
        if (!hit) {
            h5ckpt_close(store);
            break;
        }
        ck_assert_int_lt(call, CALLS_MAX);
        assert_status(status, H5CKPT_E_NO_SPACE);
        ck_assert_msg(directory_entry_count(fixture_backup) == 1, "call %ld failed and more than the lock is left",
                      call);
        h5ckpt_close(store);
        ck_assert_msg(!file_exists(fixture_backup), "call %ld failed and the directory is left", call);
    }
    ck_assert_uint_eq(intact_count(), 1);
}
END_TEST

/* Rule (d): a new file. That it cannot be made is not that it has vanished. */
START_TEST(a_new_file_that_cannot_be_made_fails_for_the_reason_that_the_system_gave)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    faults_set((struct faults){.calls = FAULT_CREATE, .name = "slot-a", .count = 1, .error = EMFILE});
    assert_status(standard_save(store, &standard, 1), H5CKPT_E_SYSTEM);
    ck_assert(faults_hit());
    faults_clear();
    assert_mentions(h5ckpt_message(store), strerror(EMFILE));
    assert_save(store, 2);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_leftover_that_cannot_be_removed_is_not_written_through)
{
    standard_history(1, 1, 1);
    h5ckpt_store *store = open_and_restore(1, 1);

    file_replace(in_backup("slot-b.h5.new"), "theirs", 6);
    ck_assert_int_eq(link(in_backup("slot-b.h5.new"), in_backup("theirs")), 0);
    faults_set(
        (struct faults){.calls = FAULT_REMOVE, .name = "slot-b.h5.new", .count = FAULTS_FOR_EVER, .error = EBUSY});
    assert_status(standard_save(store, &standard, 2), H5CKPT_E_SYSTEM);
    ck_assert(faults_hit());
    faults_clear();
    ck_assert(file_holds(in_backup("theirs"), "theirs"));
    assert_save(store, 3);
    ck_assert(file_holds(in_backup("theirs"), "theirs"));
    h5ckpt_close(store);
}
END_TEST

static void put_directory_there(void *context)
{
    (void)context;
    file_remove(in_backup(FORMAT_SLOT_A));
    ck_assert_int_eq(mkdir(in_backup(FORMAT_SLOT_A), 0700), 0);
}

START_TEST(a_slot_that_somebody_replaces_just_before_it_is_written_is_reported_as_such)
{
    standard_history(2, 1, 2);
    h5ckpt_store *store = open_and_restore(2, 2);

    assert_save(store, 3);
    assert_save(store, 4);
    ck_assert_str_eq(slot_of_epoch(3), FORMAT_SLOT_A);
    faults_set(
        (struct faults){.calls = FAULT_DIRECT, .name = FORMAT_SLOT_A, .count = 1, .before = put_directory_there});
    assert_status(standard_save(store, &standard, 5), H5CKPT_E_BUSY);
    ck_assert(faults_hit());
    faults_clear();
    ck_assert_int_eq(rmdir(in_backup(FORMAT_SLOT_A)), 0);
    assert_save(store, 6);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_write_that_is_interrupted_for_ever_ends)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    faults_set((struct faults){.calls = FAULT_WRITE, .name = "slot-", .count = FAULTS_FOR_EVER, .error = EINTR});
    assert_status(standard_save(store, &standard, 1), H5CKPT_E_SYSTEM);
    faults_clear();
    assert_mentions(h5ckpt_message(store), strerror(EINTR));
    assert_save(store, 2);
    h5ckpt_close(store);
}
END_TEST

/* The third flush of a directory is that of the one in which the backup directory has just been made. */
START_TEST(a_directory_whose_own_name_cannot_be_made_durable_is_not_used)
{
    faults_set(
        (struct faults){.calls = FAULT_FLUSH, .name = fixture_directory, .first = 2, .count = 1, .error = EROFS});
    h5ckpt_store *store = try_open(H5CKPT_E_PERMISSION);
    ck_assert(faults_hit());
    faults_clear();
    h5ckpt_close(store);
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

START_TEST(a_first_save_that_failed_is_made_up_for_by_the_next)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    faults_set((struct faults){.calls = FAULT_ALLOCATE, .name = "slot", .first = _i, .count = 1, .error = ENOSPC});
    assert_status(standard_save(store, &standard, 1), H5CKPT_E_NO_SPACE);
    faults_clear();
    assert_save(store, 2);
    assert_save(store, 3);
    ck_assert_uint_eq(intact_count(), 2);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 3);
    assert_restores_previous(H5CKPT_OK, 2);
}
END_TEST

START_TEST(a_first_save_on_a_full_disk_leaves_nothing)
{
    enum { TMPFS_BYTES_TOO_FEW = 256 * 1024 }; /* one slot, not two */
    char options[64];

    ck_assert_int_eq(mkdir(fixture_backup, 0700), 0);
    snprintf(options, sizeof options, "size=%d", TMPFS_BYTES_TOO_FEW);
    if (mount("none", fixture_backup, "tmpfs", 0, options) != 0)
        return; /* not root, or a container that may not: the calls that fail are tested above */
    h5ckpt_store *store = standard_open(&standard, NULL);
    h5ckpt_status status = standard_save(store, &standard, 1);
    unsigned left = directory_entry_count(fixture_backup);
    h5ckpt_close(store);
    unsigned left_closed = directory_entry_count(fixture_backup);
    umount2(fixture_backup, MNT_DETACH);
    assert_status(status, H5CKPT_E_NO_SPACE);
    ck_assert_uint_eq(left, 1);
    ck_assert_uint_eq(left_closed, 0);
}
END_TEST

START_TEST(a_disk_that_fills_up_later_fails_no_save)
{
    char options[64];
    char filler[2 * PATH_BYTES];
    char page[4096] = {1};

    ck_assert_int_eq(mkdir(fixture_backup, 0700), 0);
    snprintf(options, sizeof options, "size=%d", 1024 * 1024);
    if (mount("none", fixture_backup, "tmpfs", 0, options) != 0)
        return;
    h5ckpt_store *store = standard_open(&standard, NULL);
    h5ckpt_status first = standard_save(store, &standard, 1);
    snprintf(filler, sizeof filler, "%s/filler", fixture_backup);
    int descriptor = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(descriptor, page, sizeof page) > 0)
        ;
    close(descriptor);
    h5ckpt_status later = H5CKPT_OK;
    for (uint64_t number = 2; number <= 6 && later == H5CKPT_OK; number++)
        later = standard_save(store, &standard, number);
    h5ckpt_close(store);
    unsigned intact = intact_count();
    umount2(fixture_backup, MNT_DETACH);
    assert_status(first, H5CKPT_OK);
    assert_status(later, H5CKPT_OK);
    ck_assert_uint_eq(intact, 2);
}
END_TEST

static const struct later_fault {
    unsigned calls;
    int error;
    h5ckpt_status status;
} LATER_FAULT[] = {
    {FAULT_WRITE | FAULT_ALLOCATE | FAULT_CREATE, ENOSPC, H5CKPT_E_NO_SPACE},
    {FAULT_WRITE | FAULT_FLUSH, EIO, H5CKPT_E_IO},
    {FAULT_OPEN | FAULT_RENAME, EACCES, H5CKPT_E_PERMISSION},
    {FAULT_OPEN | FAULT_RENAME | FAULT_WRITE | FAULT_FLUSH | FAULT_READ | FAULT_ALLOCATE, ENOMEM, H5CKPT_E_MEMORY},
};

/*
 * A later save fails at call `call`, once or from there on: the state before it is still current, the handle goes on.
 * Calls that only serve the view or rule (b) may fail without failing the save.
 */
static bool fail_later_save(unsigned slots, bool fresh_handle, const struct later_fault *fault, long call, bool once)
{
    h5ckpt_store *store;

    fixture_clear_backup();
    standard_history(slots, 1, 3);
    store = open_and_restore(slots, 3);
    if (!fresh_handle)
        assert_save(store, 4);
    const uint64_t kept = fresh_handle ? 3 : 4;
    faults_set((struct faults){
        .calls = fault->calls, .first = call, .count = once ? 1 : FAULTS_FOR_EVER, .error = fault->error});
    h5ckpt_status status = standard_save(store, &standard, 5);
    bool hit = faults_hit();
    faults_clear();
    ck_assert_msg(status == fault->status || (status == H5CKPT_OK && (once || !hit || call > 0)), "call %ld: %s: %s",
                  call, h5ckpt_status_name(status), h5ckpt_message(store));
    ck_assert_int_eq(status == H5CKPT_OK, h5ckpt_message(store)[0] == '\0');
    ck_assert_uint_ge(intact_count(), slots == 1 ? 1 : slots - 1);
    if (status != H5CKPT_OK)
        ck_assert_uint_eq(h5ckpt_progress(store).epoch, kept);
    if (call % 2 == 0) { /* goes on */
        assert_save(store, 6);
        ck_assert_uint_eq(intact_count(), slots);
        h5ckpt_close(store);
        assert_restores(H5CKPT_OK, 6);
        if (slots > 1)
            assert_restores_previous(H5CKPT_OK, status == H5CKPT_OK ? 5 : kept);
    } else { /* ends here */
        h5ckpt_close(store);
        standard_spoil(&standard);
        store = standard_open(&standard, NULL);
        assert_status_message(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK, h5ckpt_message(store));
        ck_assert(standard_is(&standard, 5) || (status != H5CKPT_OK && standard_is(&standard, kept)));
        h5ckpt_close(store);
    }
    return hit;
}

START_TEST(a_later_save_that_fails_at_any_call_leaves_the_current_state)
{
    const struct later_fault *fault = &LATER_FAULT[_i % 4];
    const unsigned slots = 1 + (unsigned)_i / 4 % 3;
    const bool fresh_handle = _i / 12 != 0;

    for (unsigned once = 0; once < 2; once++) {
        long call = 0;
        while (fail_later_save(slots, fresh_handle, fault, call, once != 0))
            ck_assert_int_lt(++call, CALLS_MAX);
        ck_assert_int_gt(call, 0);
    }
}
END_TEST

START_TEST(after_a_failed_flush_the_next_save_goes_to_a_new_file)
{
    char target[32];

    standard_history(2, 1, 4);
    snprintf(target, sizeof target, "%s", slot_of_epoch(3));
    h5ckpt_store *store = open_and_restore(2, 4);
    ino_t inode = file_inode(in_backup(target));
    faults_set((struct faults){.calls = FAULT_FLUSH, .name = target, .count = 1, .error = EIO});
    assert_status(standard_save(store, &standard, 5), H5CKPT_E_IO);
    ck_assert(faults_hit());
    faults_clear();
    ck_assert_uint_eq(file_inode(in_backup(target)), inode); /* it was written in place: else this shows nothing */
    assert_save(store, 6);
    ck_assert_str_eq(slot_of_epoch(6), target);
    ck_assert_uint_ne(file_inode(in_backup(target)), inode);
    inode = file_inode(in_backup(target));
    assert_save(store, 7);
    assert_save(store, 8);
    ck_assert_uint_eq(file_inode(in_backup(target)), inode); /* and in place again from then on */
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 8);
}
END_TEST

START_TEST(a_slot_whose_flush_failed_counts_as_no_state_though_it_looks_intact)
{
    struct h5ckpt_report report;
    char target[32];

    h5ckpt_store *store = standard_open_slots(&standard, 3);
    for (uint64_t number = 1; number <= 6; number++)
        assert_save(store, number);
    snprintf(target, sizeof target, "%s", slot_of_epoch(4));
    faults_set((struct faults){.calls = FAULT_FLUSH, .name = target, .count = 1, .error = EIO});
    assert_status(standard_save(store, &standard, 7), H5CKPT_E_IO);
    faults_clear();
    if (_i != 0)
        h5ckpt_inspect(store, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES},
                       &report); /* which finds every byte of it in the page cache */
    assert_save(store, 8);
    ck_assert_str_eq(slot_of_epoch(8), target);
    slot_of_epoch(5);
    slot_of_epoch(6);
    h5ckpt_close(store);
}
END_TEST

START_TEST(where_the_base_cannot_be_read_past_the_cache_the_save_goes_to_a_new_file)
{
    char target[32];

    standard_history(2, 1, 4);
    snprintf(target, sizeof target, "%s", slot_of_epoch(3));
    h5ckpt_store *store = open_and_restore(2, 4);
    ino_t inode = file_inode(in_backup(target));
    faults_set((struct faults){.calls = FAULT_DIRECT, .name = "slot", .count = FAULTS_FOR_EVER, .error = EINVAL});
    assert_save(store, 5);
    ck_assert(faults_hit());
    faults_clear();
    ck_assert_uint_ne(file_inode(in_backup(target)), inode);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 5);
}
END_TEST

START_TEST(a_damaged_slot_is_replaced_by_a_new_file)
{
    char target[32];

    standard_history(2, 1, 4);
    snprintf(target, sizeof target, "%s", slot_of_epoch(3));
    if (_i == 0)
        file_cut(in_backup(target), 5000);
    else
        file_flip_bit(in_backup(target), 8 * 100);
    ino_t inode = file_inode(in_backup(target));
    h5ckpt_store *store = standard_open(&standard, NULL);
    ck_assert_int_ge(h5ckpt_restore(store, NULL, NULL), 0);
    ck_assert(standard_is(&standard, 4));
    assert_save(store, 5);
    ck_assert_uint_ne(file_inode(in_backup(target)), inode);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 5);
}
END_TEST

START_TEST(a_failing_view_fails_no_save)
{
    h5ckpt_store *store = standard_open(&standard, NULL);

    faults_set((struct faults){
        .calls = FAULT_CREATE | FAULT_RENAME, .name = "checkpoint", .count = FAULTS_FOR_EVER, .error = ENOSPC});
    for (uint64_t number = 1; number <= 4; number++)
        assert_save(store, number);
    faults_clear();
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 4);
}
END_TEST

/* _i: the first save of two slots, which reserves the other one; or a later one of a single slot */
START_TEST(a_leftover_of_a_failed_save_that_could_not_be_removed_is_no_obstacle_to_the_next)
{
    const unsigned slots = 2 - (unsigned)_i;
    h5ckpt_store *store = standard_open_slots(&standard, slots);

    if (slots == 1)
        assert_save(store, 1);
    faults_set((struct faults){
        .calls = FAULT_WRITE | FAULT_REMOVE, .name = "slot-b.h5.new", .count = FAULTS_FOR_EVER, .error = ENOSPC});
    assert_status(standard_save(store, &standard, 2), H5CKPT_E_NO_SPACE);
    faults_clear();
    ck_assert(file_exists(in_backup("slot-b.h5.new"))); /* else this shows nothing */
    assert_save(store, 3);
    ck_assert(!file_exists(in_backup("slot-b.h5.new")));
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 3);
}
END_TEST

/* -------------------------------------------------------------------- space */

START_TEST(the_space_needed_is_the_disk_that_the_slots_take)
{
    const unsigned slots = 1 + (unsigned)_i;
    struct h5ckpt_space space;
    uint64_t taken = 0;
    h5ckpt_store *store = standard_open_slots(&standard, slots);

    assert_status(h5ckpt_space(store, &space), H5CKPT_OK);
    for (uint64_t number = 1; number <= 4; number++)
        assert_save(store, number);
    for (unsigned i = 0; i < COUNT(SLOT_NAME); i++) {
        if (!file_exists(in_backup(SLOT_NAME[i])))
            continue;
        ck_assert_uint_eq(file_bytes(in_backup(SLOT_NAME[i])), space.slot_bytes);
        taken += file_disk_bytes(in_backup(SLOT_NAME[i]));
    }
    if (slots == 1)
        taken += space.slot_bytes; /* of the next one, before it takes the place of the last */
    ck_assert_uint_eq(space.disk_bytes_needed, taken);
    ck_assert_uint_gt(space.slot_bytes, space.variable_bytes);
    ck_assert_uint_gt(space.disk_bytes_available, 0);
    ck_assert_uint_gt(space.memory_bytes_needed, 0);
    ck_assert_uint_lt(space.memory_bytes_needed, 8 << 20);
    assert_status(h5ckpt_space(store, &space), H5CKPT_OK);
    if (slots > 1)
        ck_assert_uint_eq(space.disk_bytes_needed, 0); /* all is there */
    h5ckpt_close(store);
}
END_TEST

/* What slots, and files that are to become slots, take; the greatest so far goes into `context`. */
static void measure_slots(void *context)
{
    uint64_t *greatest = context;
    uint64_t taken = 0;

    for (unsigned i = 0; i < COUNT(SLOT_NAME); i++) {
        char new_name[32];
        snprintf(new_name, sizeof new_name, "%s.new", SLOT_NAME[i]);
        if (file_exists(in_backup(SLOT_NAME[i])))
            taken += file_disk_bytes(in_backup(SLOT_NAME[i]));
        if (file_exists(in_backup(new_name)))
            taken += file_disk_bytes(in_backup(new_name));
    }
    *greatest = taken > *greatest ? taken : *greatest;
}

/* _i: slots, and how many saves before */
START_TEST(the_space_needed_after_a_variable_was_added_is_what_the_next_saves_take)
{
    static double added[40000];
    const unsigned slots = 1 + (unsigned)_i % 3;
    struct h5ckpt_space space;
    uint64_t taken = 0;
    uint64_t greatest = 0;
    h5ckpt_store *store = standard_open_slots(&standard, slots);

    for (uint64_t number = 1; number <= 1 + (uint64_t)_i / 3; number++)
        assert_save(store, number);
    measure_slots(&taken);
    assert_status(h5ckpt_add(standard.state, "added", H5CKPT_FLOAT64, 1, (const uint64_t[]){40000}, added), H5CKPT_OK);
    assert_status(h5ckpt_space(store, &space), H5CKPT_OK);
    faults_set((struct faults){.calls = FAULT_RENAME,
                               .name = "slot",
                               .count = FAULTS_FOR_EVER,
                               .before = measure_slots,
                               .context = &greatest});
    for (uint64_t number = 10; number <= 14; number++)
        assert_save(store, number);
    faults_clear();
    measure_slots(&greatest);
    ck_assert_uint_gt(greatest, taken);
    ck_assert_uint_ge(space.disk_bytes_needed, greatest - taken);
    h5ckpt_close(store);
}
END_TEST

START_TEST(the_variable_bytes_are_the_sum_of_all_arrays)
{
    struct h5ckpt_space space;
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_status(h5ckpt_space(store, &space), H5CKPT_OK);
    ck_assert_uint_eq(space.variable_bytes, sizeof standard.weights + sizeof standard.bias + sizeof standard.step +
                                                sizeof standard.generator + sizeof standard.label +
                                                sizeof standard.flag + 33 * 2 + sizeof standard.device);
    h5ckpt_close(store);
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

START_TEST(asking_for_space_writes_nothing)
{
    struct h5ckpt_space space;

    standard_history(2, 1, 3);
    h5ckpt_store *reader = standard_open_reader(&standard);
    snapshot_before();
    assert_status(h5ckpt_space(reader, &space), H5CKPT_OK);
    assert_unchanged();
    h5ckpt_close(reader);
}
END_TEST

START_TEST(the_space_of_a_slot_that_is_missing_is_needed_again)
{
    struct h5ckpt_space space;

    standard_history(2, 1, 4);
    file_remove(in_backup(slot_of_epoch(3)));
    h5ckpt_store *store = standard_open(&standard, NULL);
    ck_assert_int_ge(h5ckpt_restore(store, NULL, NULL), 0);
    assert_status(h5ckpt_space(store, &space), H5CKPT_OK);
    ck_assert_uint_eq(space.disk_bytes_needed, space.slot_bytes);
    h5ckpt_close(store);
}
END_TEST

static int look_at_no_slot(int directory, const char *name, struct stat *status)
{
    errno = EIO;
    return strncmp(name, "slot-", 5) == 0 ? -1 : system_kernel.status_at(directory, name, status);
}

START_TEST(the_space_of_slots_that_cannot_be_looked_at_is_not_told)
{
    struct system_calls calls = *system_calls;
    struct h5ckpt_space space;

    standard_history(2, 1, 2);
    h5ckpt_store *store = open_and_restore(2, 2);
    calls.status_at = look_at_no_slot;
    system_calls = &calls;
    assert_status(h5ckpt_space(store, &space), H5CKPT_E_IO);
    faults_clear();
    h5ckpt_close(store);
}
END_TEST

START_TEST(of_a_directory_that_is_not_there_no_space_is_told)
{
    struct h5ckpt_space space;
    h5ckpt_store *reader = standard_open_reader(&standard);

    assert_status(h5ckpt_space(reader, &space), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(reader), "there is no directory");
    h5ckpt_close(reader);
}
END_TEST

/* ---------------------------------------------------------------- arguments */

static void assert_open_refused(const char *path, const struct h5ckpt_options *options, h5ckpt_status expected)
{
    h5ckpt_store *store = NULL;

    assert_status_message(h5ckpt_open(&store, path, standard.state, options), expected, h5ckpt_message(store));
    ck_assert_ptr_nonnull(store);
    ck_assert_str_ne(h5ckpt_message(store), "");
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_ARGUMENT);
    h5ckpt_close(store);
    ck_assert(!file_exists(fixture_backup));
}

START_TEST(a_null_or_empty_directory_name_is_refused)
{
    assert_open_refused(NULL, NULL, H5CKPT_E_ARGUMENT);
    assert_open_refused("", NULL, H5CKPT_E_ARGUMENT);
}
END_TEST

START_TEST(an_over_long_directory_name_is_refused)
{
    static char path[3 * PATH_MAX];

    memset(path, 'x', sizeof path - 1);
    assert_open_refused(path, NULL, H5CKPT_E_ARGUMENT);
    snprintf(path, sizeof path, "%s/%0300d", fixture_directory, 0);
    assert_open_refused(path, NULL, H5CKPT_E_ARGUMENT);
}
END_TEST

START_TEST(an_over_long_part_below_a_missing_directory_leaves_nothing)
{
    char path[2 * PATH_BYTES];

    snprintf(path, sizeof path, "%s/%0300d", fixture_backup, 0);
    assert_open_refused(path, NULL, H5CKPT_E_ARGUMENT);
}
END_TEST

START_TEST(a_file_is_no_backup_directory)
{
    char path[2 * PATH_BYTES];
    char below[2 * PATH_BYTES + 16];

    snprintf(path, sizeof path, "%s/file", fixture_directory);
    snprintf(below, sizeof below, "%s/sub", path);
    file_replace(path, "mine", 4);
    assert_open_refused(path, NULL, H5CKPT_E_ARGUMENT);
    assert_open_refused(below, NULL, H5CKPT_E_ARGUMENT);
    ck_assert(file_holds(path, "mine"));
}
END_TEST

START_TEST(bad_options_are_refused)
{
    const struct h5ckpt_options good = h5ckpt_options_default();
    struct h5ckpt_options bad[] = {good, good, good, good, good, good, good, good, good, {0}};

    bad[0].mode = (enum h5ckpt_mode)7;
    bad[1].slots = 0;
    bad[2].slots = 4;
    bad[3].slots = UINT_MAX;
    bad[4].file_mode = 0;
    bad[5].file_mode = 0400;
    bad[6].file_mode = 0700;
    bad[7].rewrite_every = 0;
    bad[8].rewrite_every = 1000001;
    for (unsigned i = 0; i < COUNT(bad); i++)
        assert_open_refused(fixture_backup, &bad[i], H5CKPT_E_ARGUMENT);
}
END_TEST

START_TEST(the_defaults_are_those_that_the_header_names)
{
    const struct h5ckpt_options options = h5ckpt_options_default();

    ck_assert_int_eq(options.mode, H5CKPT_READ_WRITE);
    ck_assert_uint_eq(options.slots, 2);
    ck_assert_uint_eq(options.file_mode, 0600);
    ck_assert_uint_eq(options.rewrite_every, 16);
}
END_TEST

START_TEST(a_state_with_a_failed_add_is_refused_with_its_message)
{
    assert_status(h5ckpt_add(standard.state, "a//b", H5CKPT_INT8, 0, NULL, extra), H5CKPT_E_ARGUMENT);
    h5ckpt_store *store = try_open(H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), h5ckpt_state_message(standard.state));
    h5ckpt_close(store);
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

START_TEST(a_failed_add_is_said_by_whatever_is_asked_next)
{
    struct h5ckpt_space space;
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_status(h5ckpt_add(standard.state, "a//b", H5CKPT_INT8, 0, NULL, extra), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_space(store, &space), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), h5ckpt_state_message(standard.state));
    assert_status(h5ckpt_reserve(store), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), h5ckpt_state_message(standard.state));
    h5ckpt_close(store);
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

START_TEST(failed_saves_are_counted_no_further_than_can_be)
{
    struct h5ckpt_store store = {.failed_saves = UINT_MAX - 1};

    for (unsigned i = 0; i < 3; i++)
        store_note_outcome(&store, false);
    ck_assert_uint_eq(store.failed_saves, UINT_MAX);
    store_note_outcome(&store, true);
    ck_assert_uint_eq(store.failed_saves, 0);
}
END_TEST

START_TEST(every_function_bears_null)
{
    struct h5ckpt_report report;
    struct h5ckpt_space space;
    h5ckpt_store *store = NULL;

    assert_status(h5ckpt_open(NULL, fixture_backup, standard.state, NULL), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_open(&store, fixture_backup, NULL, NULL), H5CKPT_E_ARGUMENT);
    h5ckpt_close(store);
    h5ckpt_close(NULL);
    ck_assert_str_ne(h5ckpt_message(NULL), "");
    ck_assert_uint_eq(h5ckpt_progress(NULL).step, 0);
    assert_status(h5ckpt_save(NULL, NULL), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_start_over(NULL), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_delete(NULL), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_space(NULL, &space), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_restore(NULL, NULL, &report), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_inspect(NULL, NULL, &report), H5CKPT_E_ARGUMENT);
    ck_assert_ptr_nonnull(h5ckpt_state_message(NULL));
    assert_status(h5ckpt_add(NULL, "x", H5CKPT_INT8, 0, NULL, extra), H5CKPT_E_ARGUMENT);
    store = standard_open(&standard, NULL);
    assert_status(h5ckpt_space(store, NULL), H5CKPT_E_ARGUMENT);
    ck_assert_str_ne(h5ckpt_message(store), "");
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    assert_status(h5ckpt_inspect(store, NULL, NULL), H5CKPT_E_ARGUMENT);
    ck_assert_str_ne(h5ckpt_message(store), "");
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    h5ckpt_close(store);
}
END_TEST

/* ------------------------------------------------- permissions (root only) */

static h5ckpt_status open_as_nobody(h5ckpt_store **store, const struct h5ckpt_options *options)
{
    ck_assert_int_eq(seteuid(NOBODY), 0);
    h5ckpt_status status = h5ckpt_open(store, fixture_backup, standard.state, options);
    return status;
}

static void be_root_again(void)
{
    ck_assert_int_eq(seteuid(0), 0);
}

START_TEST(a_directory_that_may_not_be_written_is_a_matter_of_permission)
{
    h5ckpt_store *store;

    ck_assert_int_eq(mkdir(fixture_backup, 0755), 0);
    h5ckpt_status status = open_as_nobody(&store, NULL);
    be_root_again();
    assert_status_message(status, H5CKPT_E_PERMISSION, h5ckpt_message(store));
    ck_assert_str_ne(h5ckpt_message(store), "");
    h5ckpt_close(store);
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 0);
}
END_TEST

START_TEST(a_directory_that_may_not_be_made_is_a_matter_of_permission)
{
    h5ckpt_store *store;
    h5ckpt_status status = open_as_nobody(&store, NULL);

    be_root_again();
    assert_status_message(status, H5CKPT_E_PERMISSION, h5ckpt_message(store));
    h5ckpt_close(store);
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

START_TEST(a_checkpoint_of_another_user_is_a_matter_of_permission)
{
    struct h5ckpt_options reader = h5ckpt_options_default();
    h5ckpt_store *store;

    standard_history(2, 1, 3);
    ck_assert_int_eq(chmod(fixture_backup, 0755), 0);
    snapshot_before();
    reader.mode = H5CKPT_READ_ONLY;
    h5ckpt_status status = open_as_nobody(&store, _i == 0 ? NULL : &reader);
    be_root_again();
    assert_status_message(status, H5CKPT_E_PERMISSION, h5ckpt_message(store));
    h5ckpt_close(store);
    assert_unchanged();
    assert_restores(H5CKPT_OK, 3);
}
END_TEST

START_TEST(a_slot_that_may_not_be_read_rolls_nothing_back)
{
    struct h5ckpt_options reader = h5ckpt_options_default();
    h5ckpt_store *store;

    standard_history(2, 1, 3);
    ck_assert_int_eq(chmod(fixture_backup, 0755), 0);
    ck_assert_int_eq(chmod(in_backup("lock"), 0644), 0);
    ck_assert_int_eq(chmod(in_backup(slot_of_epoch(2)), 0644), 0);
    standard_spoil(&standard);
    reader.mode = H5CKPT_READ_ONLY;
    h5ckpt_status opened = open_as_nobody(&store, &reader);
    h5ckpt_status restored = h5ckpt_restore(store, NULL, NULL);
    be_root_again();
    assert_status(opened, H5CKPT_OK);
    assert_status_message(restored, H5CKPT_E_PERMISSION, h5ckpt_message(store));
    ck_assert(standard_is_spoilt(&standard));
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK); /* as root */
    ck_assert(standard_is(&standard, 3));
    h5ckpt_close(store);
}
END_TEST

/* --------------------------------------------------------------------- main */

static void add_case(Suite *suite, TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
}

static void add_round_trips(Suite *suite)
{
    TCase *tcase = tcase_create("round trips");

    tcase_add_loop_test(tcase, every_element_type_comes_back_bit_for_bit, 0, COUNT(ELEMENT));
    tcase_add_test(tcase, scalars_and_arrays_of_32_dimensions_come_back);
    tcase_add_test(tcase, arrays_without_elements_are_saved_beside_others);
    tcase_add_test(tcase, only_arrays_without_elements_are_a_state_too);
    tcase_add_test(tcase, no_file_of_ours_takes_the_place_of_a_closed_stream);
    tcase_add_test(tcase, a_state_without_variables_keeps_its_progress);
    tcase_add_test(tcase, memory_that_moves_between_saves_is_found_by_its_pointer);
    tcase_add_test(tcase, a_null_array_with_elements_is_refused_by_name_before_anything_is_written);
    tcase_add_test(tcase, a_failing_get_function_leaves_every_byte_as_it_was);
    tcase_add_test(tcase, a_failing_get_function_in_the_first_save_leaves_nothing);
    tcase_add_test(tcase, what_a_get_function_fills_is_aligned_for_any_type);
    tcase_add_test(tcase, progress_is_zero_before_the_first_save_and_then_what_was_saved);
    tcase_add_test(tcase, a_save_without_progress_stores_zeros);
    tcase_add_test(tcase, the_kernels_own_calls_do_the_same);
    add_case(suite, tcase);
}

static void add_rotation(Suite *suite)
{
    TCase *tcase = tcase_create("rotation");

    tcase_add_loop_test(tcase, the_number_of_intact_states_grows_to_the_number_of_slots, 1, 4);
    tcase_add_test(tcase, there_is_no_previous_state_after_one_save);
    tcase_add_loop_test(tcase, switching_the_number_of_slots_keeps_the_promised_states, 0, 9 * 6);
    tcase_add_loop_test(tcase, after_a_switch_of_slots_the_previous_state_is_the_one_before_the_newest, 0, 3);
    tcase_add_test(tcase, a_damaged_slot_does_not_count_when_surplus_slots_are_removed);
    tcase_add_test(tcase, with_three_slots_two_are_intact_during_every_save);
    tcase_add_loop_test(tcase, the_first_save_after_a_restore_spares_the_restored_slot, 0, 6);
    tcase_add_test(tcase, saving_is_refused_until_the_checkpoint_is_restored);
    tcase_add_loop_test(tcase, starting_over_allows_saving_and_spares_the_newest_intact_state, 0, 3);
    tcase_add_test(tcase, starting_over_spares_the_older_state_where_the_newest_is_damaged);
    tcase_add_test(tcase, starting_over_where_all_is_lost_makes_saving_possible);
    tcase_add_test(tcase, starting_over_in_an_empty_directory_changes_nothing);
    tcase_add_test(tcase, a_sequence_is_never_used_twice);
    tcase_add_test(tcase, a_sequence_goes_on_from_a_restored_slot_that_can_no_longer_be_read);
    tcase_add_loop_test(tcase, a_sequence_goes_on_from_a_newer_slot_that_cannot_be_read_for_the_moment, 0, 2);
    tcase_add_test(tcase, another_directorys_sequence_is_not_gone_on_from);
    tcase_add_test(tcase, after_a_rollback_without_a_save_the_newest_comes_back);
    tcase_add_loop_test(tcase, the_previous_of_two_slots_with_one_sequence_is_reported, 0, 2);
    tcase_add_loop_test(tcase, a_rollback_and_a_save_give_the_new_branch, 0, 2);
    tcase_add_test(tcase, a_state_rolled_back_past_is_called_abandoned);
    tcase_add_test(tcase, a_state_rolled_back_past_is_the_first_to_be_replaced);
    tcase_add_test(tcase, a_rollback_in_the_same_life_spares_the_state_rolled_back_to);
    tcase_add_test(tcase, a_variable_added_in_the_next_life_is_saved_after_a_warm_start);
    tcase_add_loop_test(tcase, a_variable_added_while_the_store_is_open_is_saved_from_then_on, 0, 4);
    tcase_add_test(tcase, a_schema_change_keeps_the_state_before_it);
    tcase_add_test(tcase, a_state_that_has_become_smaller_is_given_back);
    tcase_add_loop_test(tcase, unchanged_bytes_are_written_anew_every_so_many_saves, 1, 5);
    tcase_add_loop_test(tcase, a_file_size_limit_fails_a_save_and_ends_no_program, 0, 2);
    tcase_add_test(tcase, a_signal_of_the_programs_own_is_not_taken_away);
    tcase_add_test(tcase, a_write_that_is_refused_past_the_page_cache_goes_through_it);
    tcase_add_loop_test(tcase, what_took_a_slots_place_while_a_save_was_prepared_is_not_written, 0, 2);
    tcase_add_test(tcase, what_took_a_slots_place_before_its_save_was_acknowledged_is_overwritten_whole);
    tcase_add_test(tcase, the_view_is_brought_up_to_date_at_most_once_a_second);
    tcase_add_loop_test(tcase, a_slot_that_is_being_overwritten_is_not_shown_if_it_was_current, 0, 2);
    tcase_add_test(tcase, a_failed_save_names_the_state_that_is_still_there);
    tcase_add_test(tcase, a_failed_save_does_not_say_that_a_removed_state_is_still_there);
    add_case(suite, tcase);
}

static void add_deletion(Suite *suite)
{
    TCase *tcase = tcase_create("deletion");

    tcase_add_loop_test(tcase, deleting_removes_the_checkpoint_and_nothing_else, 0, 3);
    tcase_add_test(tcase, deleting_spares_a_users_own_checkpoint_h5);
    tcase_add_test(tcase, a_users_own_hdf5_file_whose_user_block_is_zeros_is_no_torn_view);
    tcase_add_test(tcase, a_deletion_cut_short_anywhere_is_finished_by_the_next_open);
    tcase_add_test(tcase, a_deletion_cut_short_reads_as_no_checkpoint_before_it_is_finished);
    tcase_add_test(tcase, a_deletion_that_fails_before_its_first_step_loses_nothing);
    tcase_add_test(tcase, a_deletion_that_failed_anywhere_is_done_when_it_is_asked_for_again);
    tcase_add_test(tcase, a_deletion_removes_the_newest_state_last);
    tcase_add_test(tcase, a_save_after_a_deletion_that_failed_anywhere_is_not_deleted);
    tcase_add_test(tcase, deleting_removes_leftovers_of_failed_saves_too);
    tcase_add_loop_test(tcase, an_unused_lock_stays_as_long_as_a_leftover_may, 0, 2);
    tcase_add_test(tcase, a_directory_is_used_again_after_its_checkpoint_was_deleted);
    add_case(suite, tcase);
}

static void add_whose(Suite *suite)
{
    TCase *tcase = tcase_create("whose files");

    tcase_add_test(tcase, files_that_are_not_ours_survive_everything);
    tcase_add_loop_test(tcase, a_strangers_file_under_a_name_of_ours_is_refused_and_untouched_before_first_use, 0,
                        COUNT(OUR_NAME));
    tcase_add_test(tcase, an_empty_file_called_lock_is_not_removed);
    tcase_add_test(tcase, a_directory_called_lock_is_refused_and_untouched);
    tcase_add_test(tcase, a_symbolic_link_called_lock_is_not_followed);
    tcase_add_test(tcase, leftovers_of_a_crashed_save_are_removed_at_open);
    tcase_add_loop_test(tcase, a_lock_cut_short_while_it_was_made_is_no_obstacle, 0, 1);
    tcase_add_loop_test(tcase, a_lock_cut_short_while_it_was_made_is_no_obstacle, 512, 513);
    tcase_add_loop_test(tcase, a_lock_cut_short_while_it_was_made_is_no_obstacle, 4096, 4097);
    tcase_add_loop_test(tcase, a_slot_of_another_directory_is_foreign_and_nothing_is_written, 0, 3);
    tcase_add_test(tcase, a_foreign_slot_that_comes_while_the_store_is_open_is_not_written_over);
    tcase_add_test(tcase, a_slot_of_a_newer_version_that_comes_while_the_store_is_open_is_not_written_over);
    tcase_add_test(tcase, a_restored_state_that_this_handle_did_not_put_there_is_not_taken_for_durable);
    tcase_add_test(tcase, a_foreign_slot_that_comes_while_the_store_is_open_survives_its_deletion);
    tcase_add_test(tcase, a_foreign_slot_that_comes_before_the_first_save_is_not_replaced_by_reserved_space);
    tcase_add_test(tcase, a_foreign_slot_that_takes_a_surplus_slots_place_is_not_removed);
    tcase_add_test(tcase, a_foreign_slot_that_was_moved_away_is_forgotten);
    tcase_add_test(tcase, a_slot_cut_short_before_the_first_save_succeeded_is_no_checkpoint);
    tcase_add_loop_test(tcase, a_slot_of_a_newer_version_is_reported_and_nothing_is_written, 0, 2);
    tcase_add_test(tcase, a_slot_with_an_unknown_required_feature_is_of_a_newer_version);
    tcase_add_test(tcase, a_slot_with_an_unknown_optional_feature_is_restored);
    tcase_add_loop_test(tcase, an_impossible_sequence_under_a_right_checksum_does_not_end_all_saving, 0, 2);
    tcase_add_test(tcase, a_lock_of_a_newer_version_is_reported_and_nothing_is_written);
    tcase_add_test(tcase, slots_without_their_lock_are_ours_again_if_they_agree);
    tcase_add_test(tcase, a_reader_restores_slots_without_their_lock_and_writes_none);
    tcase_add_test(tcase, slots_without_their_lock_that_disagree_are_foreign);
    tcase_add_loop_test(tcase, without_a_lock_a_slot_of_a_newer_version_outweighs_one_that_is_nobodys, 0, 2);
    tcase_add_test(tcase, a_lock_of_a_version_that_never_was_is_damaged);
    tcase_add_test(tcase, the_note_of_a_damaged_lock_still_tells);
    tcase_add_test(tcase, a_sealed_record_is_readable_whatever_length_it_claims);
    tcase_add_loop_test(tcase, a_damaged_lock_is_repaired_if_the_slots_agree, 0, 256);
    tcase_add_test(tcase, a_slot_that_was_never_made_is_not_missed_after_a_switch_from_one_to_three);
    tcase_add_test(tcase, a_damaged_lock_is_repaired_without_writing_through_a_hard_link);
    tcase_add_test(tcase, a_reader_follows_a_directory_that_was_removed_and_made_again);
    tcase_add_loop_test(tcase, a_lock_that_might_be_anybodys_is_not_written_even_if_the_slots_agree, 0, 3);
    tcase_add_loop_test(tcase, a_truncated_lock_is_repaired_if_the_slots_agree, 8, 25);
    tcase_add_test(tcase, a_damaged_lock_beside_damaged_slots_is_foreign_and_untouched);
    tcase_add_test(tcase, a_damaged_lock_without_slots_is_foreign_to_the_writer_and_to_a_reader);
    tcase_add_test(tcase, a_damaged_note_in_the_lock_says_nothing);
    tcase_add_test(tcase, a_note_of_a_sequence_that_no_slot_may_have_says_nothing);
    tcase_add_loop_test(tcase, a_lost_newest_slot_is_noticed, 0, 4);
    tcase_add_loop_test(tcase, a_lost_older_slot_is_called_missing, 0, 4);
    tcase_add_test(tcase, a_hard_linked_slot_is_never_written_through);
    tcase_add_loop_test(tcase, a_copy_of_hard_links_keeps_every_byte, 0, 2);
    tcase_add_test(tcase, a_view_that_a_power_cut_made_zeros_is_made_anew);
    tcase_add_test(tcase, a_view_that_a_power_cut_made_zeros_is_deleted_with_the_checkpoint);
    tcase_add_loop_test(tcase, a_view_that_a_power_cut_made_short_is_made_anew, 0, 1);
    tcase_add_loop_test(tcase, a_view_that_a_power_cut_made_short_is_made_anew, 32, 33);
    tcase_add_loop_test(tcase, a_copy_of_hard_links_made_while_the_store_is_open_keeps_every_byte, 0, 2);
    tcase_add_test(tcase, the_backup_directory_itself_may_be_a_symbolic_link);
    add_case(suite, tcase);
}

static void add_making(Suite *suite)
{
    TCase *tcase = tcase_create("made and given back");

    tcase_add_test(tcase, opening_and_closing_without_a_save_leaves_nothing);
    tcase_add_test(tcase, opening_and_closing_without_a_save_keeps_a_directory_that_was_there);
    tcase_add_test(tcase, a_nested_directory_is_made);
    tcase_add_test(tcase, a_nested_directory_in_which_nothing_was_saved_is_left_as_it_was_found);
    tcase_add_loop_test(tcase, a_directory_of_the_same_relative_name_elsewhere_is_not_removed_at_close, 0, 2);
    tcase_add_loop_test(tcase, files_are_made_for_their_owner_only_unless_told_otherwise, 0, 2);
    tcase_add_test(tcase, a_failed_open_of_a_new_directory_leaves_none);
    add_case(suite, tcase);
}

static void add_one_writer(Suite *suite)
{
    TCase *tcase = tcase_create("one writer");

    tcase_add_test(tcase, a_second_writer_in_the_same_process_is_refused_and_changes_nothing);
    tcase_add_test(tcase, a_second_writer_is_refused_before_the_first_save_too);
    tcase_add_test(tcase, a_writer_in_another_process_is_refused_and_changes_nothing);
    tcase_add_loop_test(tcase, a_child_process_cannot_use_the_store_and_closes_it_without_harm, 0, 2);
    tcase_add_test(tcase, a_writer_whose_lock_was_removed_writes_no_more);
    tcase_add_test(tcase, a_writer_that_was_replaced_changes_nothing_when_it_closes);
    tcase_add_test(tcase, a_reader_takes_no_lock_and_may_not_write);
    tcase_add_test(tcase, a_reader_of_a_missing_directory_makes_none_and_sees_it_once_it_is_there);
    add_case(suite, tcase);
}

static void add_faults(Suite *suite)
{
    TCase *tcase = tcase_create("faults");

    tcase_add_loop_test(tcase, a_first_save_without_space_leaves_nothing_whichever_call_fails, 0, 3);
    tcase_add_loop_test(tcase, a_first_save_that_failed_is_made_up_for_by_the_next, 0, 2);
    tcase_add_test(tcase, a_new_file_that_cannot_be_made_fails_for_the_reason_that_the_system_gave);
    tcase_add_test(tcase, a_leftover_that_cannot_be_removed_is_not_written_through);
    tcase_add_test(tcase, a_slot_that_somebody_replaces_just_before_it_is_written_is_reported_as_such);
    tcase_add_test(tcase, a_write_that_is_interrupted_for_ever_ends);
    tcase_add_test(tcase, a_directory_whose_own_name_cannot_be_made_durable_is_not_used);
    tcase_add_test(tcase, a_first_save_on_a_full_disk_leaves_nothing);
    tcase_add_test(tcase, a_disk_that_fills_up_later_fails_no_save);
    tcase_add_loop_test(tcase, a_later_save_that_fails_at_any_call_leaves_the_current_state, 0, 24);
    tcase_add_test(tcase, after_a_failed_flush_the_next_save_goes_to_a_new_file);
    tcase_add_loop_test(tcase, a_slot_whose_flush_failed_counts_as_no_state_though_it_looks_intact, 0, 2);
    tcase_add_test(tcase, where_the_base_cannot_be_read_past_the_cache_the_save_goes_to_a_new_file);
    tcase_add_loop_test(tcase, a_damaged_slot_is_replaced_by_a_new_file, 0, 2);
    tcase_add_test(tcase, a_failing_view_fails_no_save);
    tcase_add_loop_test(tcase, a_leftover_of_a_failed_save_that_could_not_be_removed_is_no_obstacle_to_the_next, 0, 2);
    add_case(suite, tcase);
}

static void add_arguments(Suite *suite)
{
    TCase *tcase = tcase_create("space and arguments");

    tcase_add_loop_test(tcase, the_space_needed_is_the_disk_that_the_slots_take, 0, 3);
    tcase_add_loop_test(tcase, the_space_needed_after_a_variable_was_added_is_what_the_next_saves_take, 0, 9);
    tcase_add_test(tcase, the_variable_bytes_are_the_sum_of_all_arrays);
    tcase_add_test(tcase, asking_for_space_writes_nothing);
    tcase_add_test(tcase, the_space_of_a_slot_that_is_missing_is_needed_again);
    tcase_add_test(tcase, the_space_of_slots_that_cannot_be_looked_at_is_not_told);
    tcase_add_test(tcase, of_a_directory_that_is_not_there_no_space_is_told);
    tcase_add_test(tcase, a_null_or_empty_directory_name_is_refused);
    tcase_add_test(tcase, an_over_long_directory_name_is_refused);
    tcase_add_test(tcase, an_over_long_part_below_a_missing_directory_leaves_nothing);
    tcase_add_test(tcase, a_file_is_no_backup_directory);
    tcase_add_test(tcase, bad_options_are_refused);
    tcase_add_test(tcase, the_defaults_are_those_that_the_header_names);
    tcase_add_test(tcase, a_state_with_a_failed_add_is_refused_with_its_message);
    tcase_add_test(tcase, a_failed_add_is_said_by_whatever_is_asked_next);
    tcase_add_test(tcase, failed_saves_are_counted_no_further_than_can_be);
    tcase_add_test(tcase, every_function_bears_null);
    if (geteuid() == 0) { /* only root can become someone who may not */
        tcase_add_test(tcase, a_directory_that_may_not_be_written_is_a_matter_of_permission);
        tcase_add_test(tcase, a_directory_that_may_not_be_made_is_a_matter_of_permission);
        tcase_add_loop_test(tcase, a_checkpoint_of_another_user_is_a_matter_of_permission, 0, 2);
        tcase_add_test(tcase, a_slot_that_may_not_be_read_rolls_nothing_back);
    } else {
        puts("not root: the tests of permissions are left out");
    }
    add_case(suite, tcase);
}

int main(void)
{
    Suite *suite = suite_create("store");

    add_round_trips(suite);
    add_rotation(suite);
    add_deletion(suite);
    add_whose(suite);
    add_making(suite);
    add_one_writer(suite);
    add_faults(suite);
    add_arguments(suite);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
