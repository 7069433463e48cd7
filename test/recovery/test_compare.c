/* SPDX-License-Identifier: MIT */
/*
 * Is registered memory, bit for bit, a stored state? And what follows from a yes, a no, and a failure to tell.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format.h"
#include "state/state.h"
#include "support/assert_h5ckpt.h"
#include "support/fail_malloc.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { CALLS_MAX = 400 };

static const char *const SLOT_NAME[] = {FORMAT_SLOT_A, FORMAT_SLOT_B, FORMAT_SLOT_C};
static const struct h5ckpt_restore_options PREVIOUS = {.which = H5CKPT_PREVIOUS};

static struct standard standard;
static struct standard writer_standard; /* of a second store */
static char before[SNAPSHOT_BYTES];
static char after[SNAPSHOT_BYTES];

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

#define assert_compares(store, which, expected) \
    assert_status_message(h5ckpt_compare(store, which), expected, h5ckpt_message(store))

static void flip_newest(void)
{
    file_flip_bit(in_backup(slot_of_epoch(4)), 8 * 100000);
}

/* ------------------------------------------------------------------- equality */

START_TEST(what_was_just_saved_is_the_stored_state)
{
    h5ckpt_store *store = standard_open_slots(&standard, 1 + (unsigned)_i);
    for (uint64_t number = 1; number <= 5; number++) {
        assert_status(standard_save(store, &standard, number), H5CKPT_OK);
        assert_compares(store, H5CKPT_CURRENT, H5CKPT_OK);
        ck_assert_str_eq(h5ckpt_message(store), "");
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(what_was_just_restored_is_the_stored_state)
{
    standard_history(3, 1, 4);
    h5ckpt_store *store = standard_open_slots(&standard, 3);
    assert_status(h5ckpt_restore(store, _i == 0 ? NULL : &PREVIOUS, NULL), H5CKPT_OK);
    assert_compares(store, (enum h5ckpt_which)_i, H5CKPT_OK);
    assert_compares(store, (enum h5ckpt_which)(1 - _i), H5CKPT_E_DIFFERS);
    h5ckpt_close(store);
}
END_TEST

START_TEST(memory_that_was_filled_without_a_restore_is_compared_as_well)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4);
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_OK);
    standard_fill(&standard, 3);
    assert_compares(store, H5CKPT_PREVIOUS, H5CKPT_OK);
    h5ckpt_close(store);
}
END_TEST

enum { ELEMENTS = 3, ELEMENT_BYTES_MAX = 40 };

static const h5ckpt_type TYPE[] = {
    H5CKPT_INT8,      H5CKPT_INT16,       H5CKPT_INT32,     H5CKPT_INT64,      H5CKPT_UINT8,
    H5CKPT_UINT16,    H5CKPT_UINT32,      H5CKPT_UINT64,    H5CKPT_FLOAT16,    H5CKPT_FLOAT32,
    H5CKPT_FLOAT64,   H5CKPT_LONG_DOUBLE, H5CKPT_BOOL,      H5CKPT_COMPLEX64,  H5CKPT_COMPLEX128,
    H5CKPT_OPAQUE(1), H5CKPT_OPAQUE(37),  H5CKPT_STRING(1), H5CKPT_STRING(13),
};

static unsigned char elements[ELEMENTS * ELEMENT_BYTES_MAX];

/* How the memory of the one variable is reached. */
enum { BY_POINTER, BY_POINTER_TO_POINTER, BY_FUNCTIONS, WAYS };

static unsigned char *moved;
static int get_fails;
static unsigned get_count;
static unsigned put_count;

static int get_elements(void *context, void *bytes, size_t byte_count)
{
    get_count++;
    memcpy(bytes, context, byte_count);
    return get_fails;
}

static int put_elements(void *context, const void *bytes, size_t byte_count)
{
    put_count++;
    memcpy(context, bytes, byte_count);
    return 0;
}

static h5ckpt_store *open_elements(h5ckpt_state **state, h5ckpt_type type, int way)
{
    const struct h5ckpt_access access = {get_elements, put_elements, elements};
    const uint64_t shape[] = {ELEMENTS};
    h5ckpt_store *store;

    *state = h5ckpt_state_new();
    moved = elements;
    get_fails = 0;
    get_count = put_count = 0;
    if (way == BY_POINTER)
        h5ckpt_add(*state, "x", type, 1, shape, elements);
    else if (way == BY_POINTER_TO_POINTER)
        h5ckpt_add_indirect(*state, "x", type, 1, shape, (void *const *)&moved);
    else
        h5ckpt_add_access(*state, "x", type, 1, shape, &access);
    assert_status_message(h5ckpt_open(&store, fixture_backup, *state, NULL), H5CKPT_OK, h5ckpt_message(store));
    return store;
}

static void close_elements(h5ckpt_store *store, h5ckpt_state *state)
{
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}

static bool is_padding(h5ckpt_type type, size_t byte)
{
    return type == H5CKPT_LONG_DOUBLE && LDBL_MANT_DIG == 64 && byte % sizeof(long double) >= 10;
}

/* _i: type */
START_TEST(every_bit_of_every_type_is_compared_but_for_padding)
{
    const h5ckpt_type type = TYPE[_i];
    const size_t byte_count = ELEMENTS * H5CKPT_TYPE_BYTES(type);
    h5ckpt_state *state;

    for (size_t i = 0; i < byte_count; i++)
        elements[i] = (unsigned char)(i * 73 + 11);
    h5ckpt_store *store = open_elements(&state, type, BY_POINTER);
    assert_status_message(h5ckpt_save(store, NULL), H5CKPT_OK, h5ckpt_message(store));
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_OK);
    for (size_t bit = 0; bit < 8 * byte_count; bit++) {
        elements[bit / 8] ^= (unsigned char)(1u << bit % 8);
        h5ckpt_status status = h5ckpt_compare(store, H5CKPT_CURRENT);
        ck_assert_msg(status == (is_padding(type, bit / 8) ? H5CKPT_OK : H5CKPT_E_DIFFERS), "bit %zu: %s", bit,
                      h5ckpt_status_name(status));
        elements[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    close_elements(store, state);
}
END_TEST

/* _i: type, way */
START_TEST(memory_is_compared_however_it_is_reached)
{
    const h5ckpt_type type = TYPE[_i / WAYS];
    unsigned char elsewhere[sizeof elements];
    h5ckpt_state *state;

    for (size_t i = 0; i < sizeof elements; i++)
        elements[i] = (unsigned char)(i * 29 + 3);
    h5ckpt_store *store = open_elements(&state, type, _i % WAYS);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    memcpy(elsewhere, elements, sizeof elements);
    if (_i % WAYS == BY_POINTER_TO_POINTER) {
        memset(elements, 0, sizeof elements);
        moved = elsewhere;
    }
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_OK);
    (_i % WAYS == BY_POINTER_TO_POINTER ? elsewhere : elements)[0] ^= 1;
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_DIFFERS);
    ck_assert_uint_eq(put_count, 0);
    close_elements(store, state);
}
END_TEST

START_TEST(not_a_number_is_compared_by_its_bits)
{
    const uint64_t bits[ELEMENTS] = {UINT64_C(0x7ff8000000000001), UINT64_C(0xfff0000000abcdef),
                                     UINT64_C(0x7ff8000000000000)};
    h5ckpt_state *state;

    memcpy(elements, bits, sizeof bits);
    h5ckpt_store *store = open_elements(&state, H5CKPT_FLOAT64, BY_POINTER);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_OK);
    elements[0] ^= 3; /* another one, as good as that */
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_DIFFERS);
    close_elements(store, state);
}
END_TEST

START_TEST(minus_zero_is_not_zero)
{
    const double plus[ELEMENTS] = {0.0, 0.0, 1.0};
    const double minus[ELEMENTS] = {0.0, -0.0, 1.0};
    h5ckpt_state *state;

    memcpy(elements, plus, sizeof plus);
    h5ckpt_store *store = open_elements(&state, H5CKPT_FLOAT64, BY_POINTER);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    memcpy(elements, minus, sizeof minus);
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_DIFFERS);
    assert_mentions(h5ckpt_message(store), "\n  'x': 1 of 3 ");
    assert_mentions(h5ckpt_message(store), "[1]");
    close_elements(store, state);
}
END_TEST

static int get_nothing(void *context, void *bytes, size_t byte_count)
{
    (void)context, (void)bytes;
    ck_assert_uint_eq(byte_count, 0);
    return 0;
}

static int put_nothing(void *context, const void *bytes, size_t byte_count)
{
    (void)context, (void)bytes;
    ck_assert_uint_eq(byte_count, 0);
    return 0;
}

START_TEST(variables_without_bytes_never_differ)
{
    const struct h5ckpt_access access = {get_nothing, put_nothing, NULL};
    const uint64_t shape[] = {3, 0, 2};
    static void *nowhere;
    int8_t value = 1;
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    h5ckpt_add(state, "pointer", H5CKPT_FLOAT64, 3, shape, NULL);
    h5ckpt_add_indirect(state, "indirect", H5CKPT_OPAQUE(7), 3, shape, &nowhere);
    h5ckpt_add_access(state, "access", H5CKPT_COMPLEX64, 3, shape, &access);
    h5ckpt_add(state, "value", H5CKPT_INT8, 0, NULL, &value);
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_OK);
    value = 2;
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_DIFFERS);
    assert_mentions(h5ckpt_message(store), "'value'");
    close_elements(store, state);
}
END_TEST

START_TEST(a_state_without_variables_is_equal)
{
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_OK);
    close_elements(store, state);
}
END_TEST

/* ---------------------------------------------------------------- differences */

/* Every variable of the standard state with a byte of it; `moved` is allocated anew. */
static struct {
    const char *name;
    size_t offset;
} const IN_STANDARD[] = {
    {"weights", offsetof(struct standard, weights) + 4 * (159 * 256 + 255)},
    {"layer/bias", offsetof(struct standard, bias) + 2 * sizeof(double)},
    {"step", offsetof(struct standard, step)},
    {"generator", offsetof(struct standard, generator) + 39},
    {"label", offsetof(struct standard, label) + 31},
    {"flag", offsetof(struct standard, flag)},
    {"device", offsetof(struct standard, device) + 6 * sizeof(int32_t)},
};

static unsigned line_count(const char *message)
{
    unsigned count = 1;

    for (; *message != '\0'; message++)
        count += *message == '\n';
    return count;
}

/* The line of the message that is about this variable; "" if there is none. */
static const char *line_of(const char *message, const char *name)
{
    static char line[512];
    char begin[64];

    snprintf(begin, sizeof begin, "\n  '%s'", name);
    const char *found = strstr(message, begin);
    snprintf(line, sizeof line, "%.*s", found == NULL ? 0 : (int)strcspn(found + 1, "\n"),
             found == NULL ? "" : found + 1);
    return line;
}

static bool has_line_of(const char *message, const char *name)
{
    return line_of(message, name)[0] != '\0';
}

/* So many elements of all differ, the first of them at these coordinates. */
static void assert_line(const char *message, const char *name, unsigned different, unsigned all, const char *first)
{
    char counts[64];

    snprintf(counts, sizeof counts, " %u of %u ", different, all);
    assert_mentions(line_of(message, name), counts);
    assert_mentions(line_of(message, name), first);
}

/* _i: which variables differ, as bits */
START_TEST(exactly_the_variables_that_differ_are_listed)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    for (unsigned set = 1; set < 1u << COUNT(IN_STANDARD); set++) {
        unsigned different = 0;
        standard_fill(&standard, 4);
        for (unsigned i = 0; i < COUNT(IN_STANDARD); i++)
            if (set >> i & 1)
                ((unsigned char *)&standard)[IN_STANDARD[i].offset] ^= 1;
        assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_DIFFERS);
        for (unsigned i = 0; i < COUNT(IN_STANDARD); i++) {
            ck_assert_msg(has_line_of(h5ckpt_message(store), IN_STANDARD[i].name) == (set >> i & 1), "set %x: %s", set,
                          h5ckpt_message(store));
            different += set >> i & 1;
        }
        ck_assert_uint_eq(line_count(h5ckpt_message(store)), 1 + different);
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(an_indirect_variable_that_differs_is_listed)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4);
    standard.moved[7]++;
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_DIFFERS);
    assert_line(h5ckpt_message(store), "moved", 1, 33, "[7]");
    h5ckpt_close(store);
}
END_TEST

START_TEST(the_state_that_memory_was_compared_with_is_named)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_compares(store, (enum h5ckpt_which)_i, H5CKPT_E_DIFFERS);
    assert_mentions(h5ckpt_message(store), slot_of_epoch(_i == H5CKPT_CURRENT ? 4 : 3));
    assert_mentions(h5ckpt_message(store), _i == H5CKPT_CURRENT ? "sequence 4" : "sequence 3");
    h5ckpt_close(store);
}
END_TEST

enum { D0 = 3, D1 = 4, D2 = 5 };

/* The first element that differs, in row-major order, and how many do. */
START_TEST(the_first_element_that_differs_is_named_by_its_coordinates)
{
    static int16_t values[D0][D1][D2];
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    h5ckpt_add(state, "group/values", H5CKPT_INT16, 3, (const uint64_t[]){D0, D1, D2}, values);
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    for (unsigned first = 0; first < D0 * D1 * D2; first++) {
        for (unsigned last = first; last < D0 * D1 * D2; last += 7) {
            char coordinates[64];
            const bool one = first == last;
            (&values[0][0][0])[first] = 256; /* its low byte is as it was */
            (&values[0][0][0])[last] = 256;
            assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_DIFFERS);
            snprintf(coordinates, sizeof coordinates, "[%u, %u, %u]", first / (D1 * D2), first / D2 % D1, first % D2);
            assert_line(h5ckpt_message(store), "group/values", one ? 1 : 2, D0 * D1 * D2, coordinates);
            memset(values, 0, sizeof values);
        }
    }
    close_elements(store, state);
}
END_TEST

START_TEST(a_scalar_that_differs_is_listed)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4);
    standard.step++;
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_DIFFERS);
    ck_assert(has_line_of(h5ckpt_message(store), "step"));
    ck_assert_uint_eq(line_count(h5ckpt_message(store)), 2);
    h5ckpt_close(store);
}
END_TEST

START_TEST(all_elements_that_differ_are_counted)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4);
    for (unsigned i = 0; i < 160; i++)
        for (unsigned j = 0; j < 256; j++)
            standard.weights[i][j] += 1.0f + standard.weights[i][j];
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_DIFFERS);
    assert_line(h5ckpt_message(store), "weights", 40960, 40960, "[0, 0]");
    h5ckpt_close(store);
}
END_TEST

/* On both sides of every boundary of a block, in the file and in memory. */
START_TEST(an_element_at_a_blocks_boundary_is_compared)
{
    float *weight = &standard.weights[0][0];
    const unsigned count = sizeof standard.weights / sizeof *weight;

    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4);
    for (unsigned element = 0; element < count; element += element % 1024 == 0 ? 1023 : 1) {
        char coordinates[64];
        weight[element] = -1.0f;
        assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_DIFFERS);
        snprintf(coordinates, sizeof coordinates, "[%u, %u]", element / 256, element % 256);
        assert_line(h5ckpt_message(store), "weights", 1, 40960, coordinates);
        standard_fill(&standard, 4);
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_thousand_variables_that_differ_are_all_listed)
{
    enum { MANY = 1000 };
    static int32_t values[MANY];
    char name[32];
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "value %u", i);
        h5ckpt_add(state, name, H5CKPT_INT32, 0, NULL, &values[i]);
    }
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    for (unsigned i = 0; i < MANY; i++)
        values[i] = (int32_t)i + 1;
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_DIFFERS);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "value %u", i);
        ck_assert(has_line_of(h5ckpt_message(store), name));
    }
    ck_assert_uint_eq(line_count(h5ckpt_message(store)), 1 + MANY);
    close_elements(store, state);
}
END_TEST

/* ------------------------------------------------------------- what is touched */

static struct standard kept_standard;

/* After it, memory is as it was, byte for byte, and so is the directory. */
static h5ckpt_status compare_untouched(h5ckpt_store *store, enum h5ckpt_which which)
{
    static uint16_t kept_moved[33];

    kept_standard = standard;
    memcpy(kept_moved, standard.moved, sizeof kept_moved);
    directory_snapshot(fixture_backup, before);
    h5ckpt_status status = h5ckpt_compare(store, which);
    directory_snapshot(fixture_backup, after);
    ck_assert_str_eq(after, before);
    ck_assert_mem_eq(&standard, &kept_standard, sizeof standard);
    ck_assert_mem_eq(standard.moved, kept_moved, sizeof kept_moved);
    return status;
}

static void change_nothing(void)
{
}

static void change_memory(void)
{
    standard.bias[1] = 1e9;
}

static void fail_get(void)
{
    standard.get_fails = 7;
}

static void flip_previous(void)
{
    file_flip_bit(in_backup(slot_of_epoch(3)), 8 * 100000);
}

static void flip_both(void)
{
    flip_newest();
    flip_previous();
}

/* What goes wrong after state 4 was restored, the two asked for, and the answers. */
static const struct outcome {
    void (*happens)(void);
    enum h5ckpt_which which;
    h5ckpt_status status;
} OUTCOME[] = {
    {change_nothing, H5CKPT_CURRENT, H5CKPT_OK},       {change_nothing, H5CKPT_PREVIOUS, H5CKPT_E_DIFFERS},
    {change_memory, H5CKPT_CURRENT, H5CKPT_E_DIFFERS}, {change_memory, H5CKPT_PREVIOUS, H5CKPT_E_DIFFERS},
    {fail_get, H5CKPT_CURRENT, H5CKPT_E_CALLBACK},     {fail_get, H5CKPT_PREVIOUS, H5CKPT_E_CALLBACK},
    {flip_newest, H5CKPT_CURRENT, H5CKPT_E_DAMAGED},   {flip_previous, H5CKPT_CURRENT, H5CKPT_OK},
    {flip_previous, H5CKPT_PREVIOUS, H5CKPT_E_LOST},   {flip_both, H5CKPT_CURRENT, H5CKPT_E_LOST},
    {flip_both, H5CKPT_PREVIOUS, H5CKPT_E_LOST},
};

START_TEST(memory_and_disk_are_as_they_were_whatever_the_answer)
{
    const struct outcome *outcome = &OUTCOME[_i];

    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    outcome->happens();
    assert_status_message(compare_untouched(store, outcome->which), outcome->status, h5ckpt_message(store));
    ck_assert_int_eq(h5ckpt_message(store)[0] == '\0', outcome->status == H5CKPT_OK);
    h5ckpt_close(store);
}
END_TEST

/* Who went back to the previous state to compare has not left the current one: the save below takes the place of 3. */
START_TEST(memory_that_differs_from_the_current_state_spares_it_all_the_same)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, &PREVIOUS, NULL), H5CKPT_OK);
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_DIFFERS);
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 3);
    assert_status(standard_save(store, &standard, 5), H5CKPT_OK);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 5);
    assert_restores_previous(H5CKPT_OK, 4);
}
END_TEST

/* _i: the current state was restored before. A question about the previous one is no way back. */
START_TEST(memory_that_is_the_previous_state_leaves_everything_as_it_was)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    if (_i == 1)
        assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    const uint64_t epoch = h5ckpt_progress(store).epoch;
    standard_fill(&standard, 3);
    assert_compares(store, H5CKPT_PREVIOUS, H5CKPT_OK);
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, epoch);
    assert_status(standard_save(store, &standard, 5), _i == 1 ? H5CKPT_OK : H5CKPT_E_NOT_RESTORED);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, _i == 1 ? 5 : 4);
    assert_restores_previous(H5CKPT_OK, _i == 1 ? 4 : 3);
}
END_TEST

START_TEST(memory_that_is_the_current_state_makes_that_the_one_to_spare)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    if (_i == 1)
        assert_status(h5ckpt_restore(store, &PREVIOUS, NULL), H5CKPT_OK);
    standard_fill(&standard, 4);
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_OK);
    assert_status(standard_save(store, &standard, 5), H5CKPT_OK);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 5);
    assert_restores_previous(H5CKPT_OK, 4);
}
END_TEST

START_TEST(memory_that_is_the_state_may_be_saved_without_a_restore)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_NOT_RESTORED);
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_OK);
    assert_status_message(h5ckpt_save(store, NULL), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
}
END_TEST

START_TEST(memory_that_was_not_found_to_be_a_state_may_not_be_saved)
{
    const struct outcome *outcome = &OUTCOME[_i];

    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4);
    outcome->happens();
    assert_compares(store, outcome->which, outcome->status);
    standard.get_fails = 0;
    assert_status(h5ckpt_save(store, NULL), outcome->status == H5CKPT_OK ? H5CKPT_OK : H5CKPT_E_NOT_RESTORED);
    h5ckpt_close(store);
}
END_TEST

START_TEST(the_progress_is_that_of_the_current_state_once_memory_is_that)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 3);
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_DIFFERS);
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 0);
    standard_fill(&standard, 4);
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_OK);
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 4);
    ck_assert_uint_eq(h5ckpt_progress(store).batch, standard_progress(4).batch);
    ck_assert_uint_eq(h5ckpt_progress(store).step, standard_progress(4).step);
    h5ckpt_close(store);
}
END_TEST

/* A restore has failed half-way: memory is a mixture until it is found to be a state. */
START_TEST(memory_that_is_a_state_after_all_may_be_saved_again)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard.put_fails = 1;
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_MEMORY_CHANGED);
    standard.put_fails = 0;
    standard_spoil(&standard);
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_DIFFERS);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_MEMORY_CHANGED);
    standard_fill(&standard, 4);
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_OK);
    assert_status(standard_save(store, &standard, 5), H5CKPT_OK);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 5);
    assert_restores_previous(H5CKPT_OK, 4);
}
END_TEST

START_TEST(the_answer_is_the_same_however_often_it_is_asked)
{
    standard_history(3, 1, 4);
    h5ckpt_store *store = standard_open_slots(&standard, 3);
    standard_fill(&standard, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_DIFFERS);
        assert_compares(store, H5CKPT_PREVIOUS, H5CKPT_OK);
    }
    h5ckpt_close(store);
}
END_TEST

/* -------------------------------------------------------------------- refusals */

static void assert_schema(h5ckpt_state *state, const char *name)
{
    h5ckpt_store *store;

    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    directory_snapshot(fixture_backup, before);
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_SCHEMA);
    assert_mentions(h5ckpt_message(store), name);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_NOT_RESTORED);
    directory_snapshot(fixture_backup, after);
    ck_assert_str_eq(after, before);
    close_elements(store, state);
}

static h5ckpt_state *state_of_two(h5ckpt_type type, uint64_t extent)
{
    h5ckpt_state *state = h5ckpt_state_new();

    h5ckpt_add(state, "x", type, 1, &extent, elements);
    h5ckpt_add(state, "y", H5CKPT_INT8, 0, NULL, elements);
    return state;
}

static void save_two(void)
{
    h5ckpt_state *state = state_of_two(H5CKPT_INT32, 3);
    h5ckpt_store *store;

    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    close_elements(store, state);
}

START_TEST(another_type_is_no_difference_but_another_schema)
{
    save_two();
    assert_schema(state_of_two(_i == 0 ? H5CKPT_UINT32 : H5CKPT_FLOAT32, 3), "'x'");
}
END_TEST

START_TEST(another_shape_is_another_schema)
{
    save_two();
    assert_schema(state_of_two(H5CKPT_INT32, 2), "'x'");
}
END_TEST

START_TEST(a_variable_that_is_not_stored_is_another_schema)
{
    h5ckpt_state *state = state_of_two(H5CKPT_INT32, 3);

    save_two();
    h5ckpt_add(state, "z", H5CKPT_INT8, 0, NULL, elements);
    assert_schema(state, "'z'");
}
END_TEST

START_TEST(a_variable_that_is_not_registered_is_another_schema)
{
    h5ckpt_state *state = h5ckpt_state_new();

    save_two();
    h5ckpt_add(state, "y", H5CKPT_INT8, 0, NULL, elements);
    assert_schema(state, "'x'");
}
END_TEST

START_TEST(the_other_byte_order_is_another_schema)
{
    h5ckpt_state *state = state_of_two(H5CKPT_INT32, 3);

    save_two();
    state->entry[0].element.order =
        state->entry[0].element.order == ELEMENT_ORDER_LITTLE ? ELEMENT_ORDER_BIG : ELEMENT_ORDER_LITTLE;
    assert_schema(state, "'x'");
}
END_TEST

START_TEST(a_variable_added_to_an_open_store_is_another_schema_until_it_is_saved)
{
    int32_t late = 5;

    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    assert_status(h5ckpt_add(standard.state, "late", H5CKPT_INT32, 0, NULL, &late), H5CKPT_OK);
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_SCHEMA);
    assert_mentions(h5ckpt_message(store), "'late'");
    assert_status(standard_save(store, &standard, 5), H5CKPT_OK);
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_OK);
    h5ckpt_close(store);
}
END_TEST

START_TEST(no_get_function_is_called_for_another_schema)
{
    const struct h5ckpt_access access = {get_elements, put_elements, elements};
    h5ckpt_state *state = state_of_two(H5CKPT_FLOAT32, 3);

    save_two();
    get_count = put_count = 0;
    h5ckpt_add_access(state, "z", H5CKPT_INT8, 0, NULL, &access);
    assert_schema(state, "'x'");
    ck_assert_uint_eq(get_count, 0);
    ck_assert_uint_eq(put_count, 0);
}
END_TEST

START_TEST(a_get_function_that_fails_is_named_with_what_it_returned)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4);
    if (_i == 1)
        standard.step++; /* a difference before it was met */
    standard.get_fails = -12345;
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_CALLBACK);
    assert_mentions(h5ckpt_message(store), "device");
    assert_mentions(h5ckpt_message(store), "-12345");
    standard.get_fails = 0;
    assert_compares(store, H5CKPT_CURRENT, _i == 1 ? H5CKPT_E_DIFFERS : H5CKPT_OK);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_pointer_that_became_null_is_refused_by_name)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4);
    uint16_t *kept = standard.moved;
    standard.moved = NULL;
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), "'moved'");
    standard.moved = kept;
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_OK);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_state_that_names_nothing_is_refused)
{
    static const int NONSENSE[] = {-1, H5CKPT_PREVIOUS + 1, 1000000};

    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4);
    assert_compares(store, (enum h5ckpt_which)NONSENSE[_i], H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), "h5ckpt_compare");
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_NOT_RESTORED);
    h5ckpt_close(store);
}
END_TEST

START_TEST(with_a_variable_that_was_refused_nothing_is_compared)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4);
    assert_status(h5ckpt_add(standard.state, "no\nname", H5CKPT_INT32, 0, NULL, &standard.step), H5CKPT_E_ARGUMENT);
    assert_status(compare_untouched(store, H5CKPT_CURRENT), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), "name");
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_NOT_RESTORED);
    h5ckpt_close(store);
}
END_TEST

START_TEST(comparing_needs_a_store)
{
    assert_status(h5ckpt_compare(NULL, H5CKPT_CURRENT), H5CKPT_E_ARGUMENT);
}
END_TEST

START_TEST(a_child_process_cannot_compare_with_its_parents_store)
{
    int status;

    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(h5ckpt_compare(store, H5CKPT_CURRENT) == H5CKPT_E_ARGUMENT ? 0 : 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_OK);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_store_whose_checkpoint_was_deleted_compares_nothing)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_E_ARGUMENT);
    h5ckpt_close(store);
}
END_TEST

/* _i: which; a writer, a reader, and a reader without a directory */
START_TEST(before_the_first_save_there_is_no_state_to_compare_with)
{
    h5ckpt_store *store = _i / 2 == 0 ? standard_open(&standard, NULL) : standard_open_reader(&standard);
    assert_compares(store, (enum h5ckpt_which)(_i % 2), H5CKPT_NO_CHECKPOINT);
    ck_assert_str_ne(h5ckpt_message(store), "");
    if (_i / 2 == 0)
        assert_status(standard_save(store, &standard, 1), H5CKPT_OK);
    h5ckpt_close(store);
}
END_TEST

START_TEST(after_the_first_save_there_is_no_previous_state_to_compare_with)
{
    standard_history(2, 1, 1);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 1);
    assert_compares(store, H5CKPT_PREVIOUS, H5CKPT_NO_CHECKPOINT);
    assert_compares(store, H5CKPT_CURRENT, H5CKPT_OK);
    h5ckpt_close(store);
}
END_TEST

/* ---------------------------------------------------------------------- damage */

static void flip_a_bit_of_a_block(const char *path)
{
    file_flip_bit(path, 8 * 70000);
}

static void flip_a_bit_of_the_record(const char *path)
{
    file_flip_bit(path, 8 * 100);
}

static void flip_a_bit_of_the_table(const char *path)
{
    file_flip_bit(path, 8 * (file_bytes(path) - 4096));
}

static void cut_in_half(const char *path)
{
    file_cut(path, file_bytes(path) / 2);
}

static void replace_by_garbage(const char *path)
{
    file_replace(path, "garbage", 7);
}

static void (*const DAMAGE[])(const char *path) = {flip_a_bit_of_a_block,   flip_a_bit_of_the_record,
                                                   flip_a_bit_of_the_table, cut_in_half,
                                                   replace_by_garbage,      file_remove};

/* _i: damage; memory is the state that was damaged, or the one before it, which is still there */
START_TEST(a_current_state_that_cannot_be_read_is_damaged_even_if_memory_is_the_one_before)
{
    const char *name;

    standard_history(2, 1, 4);
    name = slot_of_epoch(4);
    DAMAGE[_i / 2](in_backup(name));
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4 - (uint64_t)_i % 2);
    assert_status_message(compare_untouched(store, H5CKPT_CURRENT), H5CKPT_E_DAMAGED, h5ckpt_message(store));
    assert_mentions(h5ckpt_message(store), name);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_NOT_RESTORED);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_previous_state_is_compared_whatever_became_of_the_current_one)
{
    standard_history(2, 1, 4);
    DAMAGE[_i](in_backup(slot_of_epoch(4)));
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 3);
    assert_status_message(compare_untouched(store, H5CKPT_PREVIOUS), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_current_state_is_compared_whatever_became_of_the_previous_one)
{
    standard_history(2, 1, 4);
    DAMAGE[_i](in_backup(slot_of_epoch(3)));
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4);
    assert_status_message(compare_untouched(store, H5CKPT_CURRENT), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_previous_state_that_cannot_be_read_is_lost)
{
    standard_history(2, 1, 4);
    DAMAGE[_i](in_backup(slot_of_epoch(3)));
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4);
    assert_status_message(compare_untouched(store, H5CKPT_PREVIOUS), H5CKPT_E_LOST, h5ckpt_message(store));
    h5ckpt_close(store);
}
END_TEST

/* _i: damage; memory is the state that was damaged, or the older one. With three slots there is one. */
START_TEST(a_previous_state_that_cannot_be_read_is_damaged_even_if_memory_is_an_older_one)
{
    standard_history(3, 1, 4);
    DAMAGE[_i / 2](in_backup(slot_of_epoch(3)));
    h5ckpt_store *store = standard_open_slots(&standard, 3);
    standard_fill(&standard, 3 - (uint64_t)_i % 2);
    assert_status_message(compare_untouched(store, H5CKPT_PREVIOUS), H5CKPT_E_DAMAGED, h5ckpt_message(store));
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_NOT_RESTORED);
    h5ckpt_close(store);
}
END_TEST

START_TEST(where_no_state_can_be_read_all_are_lost)
{
    standard_history(2, 1, 4);
    for (unsigned i = 0; i < 2; i++)
        DAMAGE[_i / 2](in_backup(SLOT_NAME[i]));
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4);
    assert_compares(store, (enum h5ckpt_which)(_i % 2), H5CKPT_E_LOST);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_NOT_RESTORED);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_version_yet_to_come_is_not_compared)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    const char *parent = getenv("H5CKPT_GOLDEN");
    char directory[4096];
    h5ckpt_store *store;

    ck_assert_msg(parent != NULL, "H5CKPT_GOLDEN names the parent of the golden directories");
    snprintf(directory, sizeof directory, "%s/v1-newer", parent);
    options.mode = H5CKPT_READ_ONLY;
    assert_status(h5ckpt_open(&store, directory, standard.state, &options), H5CKPT_OK);
    assert_compares(store, (enum h5ckpt_which)_i, H5CKPT_E_VERSION);
    ck_assert_str_ne(h5ckpt_message(store), "");
    h5ckpt_close(store);
}
END_TEST

START_TEST(beside_a_foreign_slot_nothing_is_compared)
{
    unsigned char *bytes;

    standard_history(2, 1, 4);
    const size_t byte_count = (size_t)file_bytes(in_backup(slot_of_epoch(4)));
    bytes = malloc(byte_count);
    ck_assert_ptr_nonnull(bytes);
    file_read_bytes(in_backup(slot_of_epoch(4)), bytes, byte_count, 0);
    fixture_clear_backup();
    standard_history(2, 1, 4);
    file_replace(in_backup(slot_of_epoch(3)), bytes, byte_count);
    free(bytes);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4);
    assert_compares(store, (enum h5ckpt_which)_i, H5CKPT_E_FOREIGN);
    h5ckpt_close(store);
}
END_TEST

/* -------------------------------------------------------------- passing errors */

static const struct passing {
    int error;
    h5ckpt_status status;
} PASSING[] = {{EACCES, H5CKPT_E_PERMISSION}, {EMFILE, H5CKPT_E_SYSTEM}, {ENOMEM, H5CKPT_E_MEMORY}};

/* _i: error; passing or there to stay */
START_TEST(a_passing_error_at_any_call_is_reported_as_itself_and_moves_nothing)
{
    const struct passing *passing = &PASSING[_i / 2];
    bool hit = true;

    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4);
    for (long call = 0; hit; call++) {
        faults_set((struct faults){.calls = FAULT_OPEN | FAULT_READ,
                                   .name = "slot",
                                   .first = call,
                                   .count = _i % 2 == 0 ? 1 : FAULTS_FOR_EVER,
                                   .error = passing->error});
        h5ckpt_status status = compare_untouched(store, H5CKPT_CURRENT);
        hit = faults_hit();
        faults_clear();
        ck_assert_int_lt(call, CALLS_MAX);
        ck_assert_msg(status == (hit ? passing->status : H5CKPT_OK), "call %ld: %s: %s", call,
                      h5ckpt_status_name(status), h5ckpt_message(store));
        if (hit)
            assert_status(h5ckpt_save(store, NULL), H5CKPT_E_NOT_RESTORED);
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(an_eio_that_does_not_persist_is_no_damage)
{
    bool hit = true;

    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4);
    for (long call = 0; hit; call++) {
        faults_set(
            (struct faults){.calls = FAULT_OPEN | FAULT_READ, .name = "slot", .first = call, .count = 1, .error = EIO});
        h5ckpt_status status = h5ckpt_compare(store, H5CKPT_CURRENT);
        hit = faults_hit();
        faults_clear();
        ck_assert_int_lt(call, CALLS_MAX);
        ck_assert_msg(status == H5CKPT_OK, "call %ld: %s: %s", call, h5ckpt_status_name(status), h5ckpt_message(store));
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(an_eio_that_persists_is_damage)
{
    bool hit = true;

    standard_history(2, 1, 4);
    const char *newest = slot_of_epoch(4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    standard_fill(&standard, 4);
    for (long call = 0; hit; call++) {
        faults_set((struct faults){
            .calls = FAULT_READ, .name = newest, .first = call, .count = FAULTS_FOR_EVER, .error = EIO});
        h5ckpt_status status = h5ckpt_compare(store, H5CKPT_CURRENT);
        hit = faults_hit();
        faults_clear();
        ck_assert_int_lt(call, CALLS_MAX);
        ck_assert_msg(status == (hit ? H5CKPT_E_DAMAGED : H5CKPT_OK), "call %ld: %s: %s", call,
                      h5ckpt_status_name(status), h5ckpt_message(store));
    }
    h5ckpt_close(store);
}
END_TEST

/* Every kind of access, by functions that allocate nothing. */
static h5ckpt_store *open_sparing_memory(h5ckpt_state **state)
{
    static int32_t late[100];
    h5ckpt_store *store = open_elements(state, H5CKPT_INT32, BY_FUNCTIONS);

    h5ckpt_add_indirect(*state, "indirect", H5CKPT_INT16, 1, (const uint64_t[]){ELEMENTS}, (void *const *)&moved);
    h5ckpt_add(*state, "pointer", H5CKPT_INT32, 1, (const uint64_t[]){COUNT(late)}, late);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    return store;
}

START_TEST(comparing_without_memory_says_so_and_leaves_the_store_usable)
{
    bool failed = true;
    h5ckpt_state *state;
    h5ckpt_store *store = open_sparing_memory(&state);

    assert_compares(store, H5CKPT_CURRENT, H5CKPT_OK);
    const long live_count = malloc_live_count;
    for (long which = 1; failed; which++) {
        malloc_fail_in = which;
        h5ckpt_status status = h5ckpt_compare(store, H5CKPT_CURRENT);
        failed = malloc_fail_in == 0;
        malloc_fail_in = 0;
        ck_assert_msg(status == (failed ? H5CKPT_E_MEMORY : H5CKPT_OK), "allocation %ld: %s: %s", which,
                      h5ckpt_status_name(status), h5ckpt_message(store));
        assert_compares(store, H5CKPT_CURRENT, H5CKPT_OK);
        ck_assert_int_eq(malloc_live_count, live_count);
    }
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    close_elements(store, state);
}
END_TEST

START_TEST(memory_that_differs_is_never_called_equal_for_want_of_memory)
{
    bool failed = true;
    h5ckpt_state *state;
    h5ckpt_store *store = open_sparing_memory(&state);

    elements[0] ^= 1;
    for (long which = 1; failed; which++) {
        malloc_fail_in = which;
        h5ckpt_status status = h5ckpt_compare(store, H5CKPT_CURRENT);
        failed = malloc_fail_in == 0;
        malloc_fail_in = 0;
        ck_assert_msg(status == H5CKPT_E_DIFFERS || (failed && status == H5CKPT_E_MEMORY), "allocation %ld: %s", which,
                      h5ckpt_status_name(status));
    }
    close_elements(store, state);
}
END_TEST

/* -------------------------------------------------------------- beside a writer */

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

START_TEST(a_reader_compares_beside_the_writer)
{
    struct beside beside = begin_beside(2, 4);
    h5ckpt_store *reader = standard_open_reader(&standard);
    standard_fill(&standard, 4);
    assert_status_message(compare_untouched(reader, H5CKPT_CURRENT), H5CKPT_OK, h5ckpt_message(reader));
    save_beside(&beside);
    assert_status_message(compare_untouched(reader, H5CKPT_CURRENT), H5CKPT_E_DIFFERS, h5ckpt_message(reader));
    assert_status_message(compare_untouched(reader, H5CKPT_PREVIOUS), H5CKPT_OK, h5ckpt_message(reader));
    h5ckpt_close(reader);
    h5ckpt_close(beside.store);
}
END_TEST

START_TEST(a_reader_that_compared_may_still_not_save)
{
    struct beside beside = begin_beside(2, 4);
    h5ckpt_store *reader = standard_open_reader(&standard);
    standard_fill(&standard, 4);
    assert_compares(reader, H5CKPT_CURRENT, H5CKPT_OK);
    assert_status(h5ckpt_save(reader, NULL), H5CKPT_E_ARGUMENT);
    h5ckpt_close(reader);
    h5ckpt_close(beside.store);
}
END_TEST

static unsigned saves_at_once;

static void save_some_beside(void *context)
{
    for (unsigned i = 0; i < saves_at_once; i++)
        save_beside(context);
}

/* _i: slots; saves at that instant. Memory is the state that was current when the comparison began. */
START_TEST(saves_at_any_instant_of_a_comparison_beside_them_are_no_damage)
{
    struct beside beside = begin_beside(1 + (unsigned)_i % 3, 4);
    h5ckpt_store *reader = standard_open_reader(&standard);
    bool hit = true;

    saves_at_once = 1 + (unsigned)_i / 3;
    for (long call = 0; hit; call++) {
        standard_fill(&standard, beside.number);
        faults_set((struct faults){.calls = FAULT_OPEN | FAULT_READ,
                                   .first = call,
                                   .count = 1,
                                   .before = save_some_beside,
                                   .context = &beside});
        h5ckpt_status status = h5ckpt_compare(reader, H5CKPT_CURRENT);
        hit = faults_hit();
        faults_clear();
        ck_assert_int_lt(call, CALLS_MAX);
        ck_assert_msg(status == H5CKPT_OK || (hit && status == H5CKPT_E_DIFFERS), "call %ld: %s: %s", call,
                      h5ckpt_status_name(status), h5ckpt_message(reader));
    }
    h5ckpt_close(reader);
    h5ckpt_close(beside.store);
}
END_TEST

START_TEST(a_writer_that_is_always_faster_overtakes_and_damages_nothing)
{
    struct beside beside = begin_beside(1 + (unsigned)_i, 4);
    h5ckpt_store *reader = standard_open_reader(&standard);

    saves_at_once = 1 + (unsigned)_i;
    faults_set((struct faults){
        .calls = FAULT_OPEN | FAULT_READ, .count = 200, .before = save_some_beside, .context = &beside});
    h5ckpt_status status = h5ckpt_compare(reader, H5CKPT_CURRENT);
    faults_clear();
    ck_assert_msg(status == H5CKPT_E_DIFFERS || status == H5CKPT_E_OVERTAKEN, "%s: %s", h5ckpt_status_name(status),
                  h5ckpt_message(reader));
    standard_fill(&standard, beside.number);
    assert_compares(reader, H5CKPT_CURRENT, H5CKPT_OK);
    h5ckpt_close(reader);
    h5ckpt_close(beside.store);
}
END_TEST

/* ------------------------------------------------------------------------ main */

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    return tcase;
}

static void add_equality(Suite *suite)
{
    TCase *tcase = add_case(suite, "equality");

    tcase_add_loop_test(tcase, what_was_just_saved_is_the_stored_state, 0, 3);
    tcase_add_loop_test(tcase, what_was_just_restored_is_the_stored_state, 0, 2);
    tcase_add_test(tcase, memory_that_was_filled_without_a_restore_is_compared_as_well);
    tcase_add_loop_test(tcase, every_bit_of_every_type_is_compared_but_for_padding, 0, COUNT(TYPE));
    tcase_add_loop_test(tcase, memory_is_compared_however_it_is_reached, 0, COUNT(TYPE) * WAYS);
    tcase_add_test(tcase, not_a_number_is_compared_by_its_bits);
    tcase_add_test(tcase, minus_zero_is_not_zero);
    tcase_add_test(tcase, variables_without_bytes_never_differ);
    tcase_add_test(tcase, a_state_without_variables_is_equal);
}

static void add_differences(Suite *suite)
{
    TCase *tcase = add_case(suite, "differences");

    tcase_add_test(tcase, exactly_the_variables_that_differ_are_listed);
    tcase_add_test(tcase, an_indirect_variable_that_differs_is_listed);
    tcase_add_loop_test(tcase, the_state_that_memory_was_compared_with_is_named, 0, 2);
    tcase_add_test(tcase, the_first_element_that_differs_is_named_by_its_coordinates);
    tcase_add_test(tcase, a_scalar_that_differs_is_listed);
    tcase_add_test(tcase, all_elements_that_differ_are_counted);
    tcase_add_test(tcase, an_element_at_a_blocks_boundary_is_compared);
    tcase_add_test(tcase, a_thousand_variables_that_differ_are_all_listed);
}

static void add_touched(Suite *suite)
{
    TCase *tcase = add_case(suite, "what is touched");

    tcase_add_loop_test(tcase, memory_and_disk_are_as_they_were_whatever_the_answer, 0, COUNT(OUTCOME));
    tcase_add_test(tcase, memory_that_differs_from_the_current_state_spares_it_all_the_same);
    tcase_add_loop_test(tcase, memory_that_is_the_previous_state_leaves_everything_as_it_was, 0, 2);
    tcase_add_loop_test(tcase, memory_that_is_the_current_state_makes_that_the_one_to_spare, 0, 2);
    tcase_add_test(tcase, memory_that_is_the_state_may_be_saved_without_a_restore);
    tcase_add_loop_test(tcase, memory_that_was_not_found_to_be_a_state_may_not_be_saved, 0, COUNT(OUTCOME));
    tcase_add_test(tcase, the_progress_is_that_of_the_current_state_once_memory_is_that);
    tcase_add_test(tcase, memory_that_is_a_state_after_all_may_be_saved_again);
    tcase_add_test(tcase, the_answer_is_the_same_however_often_it_is_asked);
}

static void add_refusals(Suite *suite)
{
    TCase *tcase = add_case(suite, "refusals");

    tcase_add_loop_test(tcase, another_type_is_no_difference_but_another_schema, 0, 2);
    tcase_add_test(tcase, another_shape_is_another_schema);
    tcase_add_test(tcase, a_variable_that_is_not_stored_is_another_schema);
    tcase_add_test(tcase, a_variable_that_is_not_registered_is_another_schema);
    tcase_add_test(tcase, the_other_byte_order_is_another_schema);
    tcase_add_test(tcase, a_variable_added_to_an_open_store_is_another_schema_until_it_is_saved);
    tcase_add_test(tcase, no_get_function_is_called_for_another_schema);
    tcase_add_loop_test(tcase, a_get_function_that_fails_is_named_with_what_it_returned, 0, 2);
    tcase_add_test(tcase, a_pointer_that_became_null_is_refused_by_name);
    tcase_add_loop_test(tcase, a_state_that_names_nothing_is_refused, 0, 3);
    tcase_add_test(tcase, comparing_needs_a_store);
    tcase_add_test(tcase, with_a_variable_that_was_refused_nothing_is_compared);
    tcase_add_test(tcase, a_child_process_cannot_compare_with_its_parents_store);
    tcase_add_test(tcase, a_store_whose_checkpoint_was_deleted_compares_nothing);
    tcase_add_loop_test(tcase, before_the_first_save_there_is_no_state_to_compare_with, 0, 4);
    tcase_add_test(tcase, after_the_first_save_there_is_no_previous_state_to_compare_with);
}

static void add_damage(Suite *suite)
{
    TCase *tcase = add_case(suite, "damage");

    tcase_add_loop_test(tcase, a_current_state_that_cannot_be_read_is_damaged_even_if_memory_is_the_one_before, 0,
                        2 * COUNT(DAMAGE));
    tcase_add_loop_test(tcase, a_previous_state_is_compared_whatever_became_of_the_current_one, 0, COUNT(DAMAGE));
    tcase_add_loop_test(tcase, a_current_state_is_compared_whatever_became_of_the_previous_one, 0, COUNT(DAMAGE));
    tcase_add_loop_test(tcase, a_previous_state_that_cannot_be_read_is_lost, 0, COUNT(DAMAGE));
    tcase_add_loop_test(tcase, a_previous_state_that_cannot_be_read_is_damaged_even_if_memory_is_an_older_one, 0,
                        2 * COUNT(DAMAGE));
    tcase_add_loop_test(tcase, where_no_state_can_be_read_all_are_lost, 0, 2 * COUNT(DAMAGE));
    tcase_add_loop_test(tcase, a_version_yet_to_come_is_not_compared, 0, 2);
    tcase_add_loop_test(tcase, beside_a_foreign_slot_nothing_is_compared, 0, 2);
}

static void add_passing(Suite *suite)
{
    TCase *tcase = add_case(suite, "passing errors");

    tcase_add_loop_test(tcase, a_passing_error_at_any_call_is_reported_as_itself_and_moves_nothing, 0,
                        2 * COUNT(PASSING));
    tcase_add_test(tcase, an_eio_that_does_not_persist_is_no_damage);
    tcase_add_test(tcase, an_eio_that_persists_is_damage);
    if (!malloc_is_ours())
        return;
    tcase_add_test(tcase, comparing_without_memory_says_so_and_leaves_the_store_usable);
    tcase_add_test(tcase, memory_that_differs_is_never_called_equal_for_want_of_memory);
}

static void add_beside(Suite *suite)
{
    TCase *tcase = add_case(suite, "beside a writer");

    tcase_add_test(tcase, a_reader_compares_beside_the_writer);
    tcase_add_test(tcase, a_reader_that_compared_may_still_not_save);
    tcase_add_loop_test(tcase, saves_at_any_instant_of_a_comparison_beside_them_are_no_damage, 0, 9);
    tcase_add_loop_test(tcase, a_writer_that_is_always_faster_overtakes_and_damages_nothing, 0, 3);
}

int main(void)
{
    Suite *suite = suite_create("compare");

    signal(SIGPIPE, SIG_IGN);
    add_equality(suite);
    add_differences(suite);
    add_touched(suite);
    add_refusals(suite);
    add_damage(suite);
    add_passing(suite);
    add_beside(suite);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
