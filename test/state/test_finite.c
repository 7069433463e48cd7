/* SPDX-License-Identifier: MIT */
/* Variables that must be finite: what is found where, and that a save of anything else touches nothing. */
#include <check.h>
#include <complex.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "state/finite.h"
#include "support/assert_h5ckpt.h"
#include "support/fixture.h"
#include "support/suite.h"

enum { COUNT = 2500 }; /* two batches and a part of one */

/* ---------------------------------------------------------------------- pure */

static struct schema_entry entry_of(h5ckpt_type type, const uint64_t *shape)
{
    struct schema_entry entry = {.name = "state/x", .rank = 1, .shape = shape};
    struct error error = ERROR_NONE;

    ck_assert_int_eq(element_of_type(&entry.element, type, &error), H5CKPT_OK);
    ck_assert_int_eq(schema_byte_count(&entry.byte_count, &entry.element, 1, shape, &error), H5CKPT_OK);
    return entry;
}

struct bits {
    h5ckpt_type type;
    uint64_t bits;
    const char *value; /* NULL: finite */
};

/* The edges of each format: least and largest numbers, zeros, and the first of each kind that is no number. */
static const struct bits BITS[] = {
    {H5CKPT_FLOAT16, 0x0000, NULL},
    {H5CKPT_FLOAT16, 0x8000, NULL},
    {H5CKPT_FLOAT16, 0x0001, NULL},
    {H5CKPT_FLOAT16, 0x7bff, NULL},
    {H5CKPT_FLOAT16, 0xfbff, NULL},
    {H5CKPT_FLOAT16, 0x7c00, "inf"},
    {H5CKPT_FLOAT16, 0xfc00, "-inf"},
    {H5CKPT_FLOAT16, 0x7c01, "nan"},
    {H5CKPT_FLOAT16, 0xfe00, "nan"},
    {H5CKPT_FLOAT32, 0x00000000, NULL},
    {H5CKPT_FLOAT32, 0x80000001, NULL},
    {H5CKPT_FLOAT32, 0x7f7fffff, NULL},
    {H5CKPT_FLOAT32, 0xff7fffff, NULL},
    {H5CKPT_FLOAT32, 0x7f800000, "inf"},
    {H5CKPT_FLOAT32, 0xff800000, "-inf"},
    {H5CKPT_FLOAT32, 0x7f800001, "nan"},
    {H5CKPT_FLOAT32, 0xffc00000, "nan"},
    {H5CKPT_FLOAT64, 0x0000000000000000, NULL},
    {H5CKPT_FLOAT64, 0x7fefffffffffffff, NULL},
    {H5CKPT_FLOAT64, 0xffefffffffffffff, NULL},
    {H5CKPT_FLOAT64, 0x7ff0000000000000, "inf"},
    {H5CKPT_FLOAT64, 0xfff0000000000000, "-inf"},
    {H5CKPT_FLOAT64, 0x7ff0000000000001, "nan"},
    {H5CKPT_FLOAT64, 0xfff8000000000000, "nan"},
};

static void put_bits(unsigned char *at, h5ckpt_type type, uint64_t bits)
{
    const uint16_t two = (uint16_t)bits;
    const uint32_t four = (uint32_t)bits;

    if (H5CKPT_TYPE_BYTES(type) == 2)
        memcpy(at, &two, 2);
    else if (H5CKPT_TYPE_BYTES(type) == 4)
        memcpy(at, &four, 4);
    else
        memcpy(at, &bits, 8);
}

/* _i: of BITS. At every place of an array that is not aligned. */
START_TEST(every_kind_of_number_is_told_wherever_it_is)
{
    static unsigned char room[COUNT * 8 + 1];
    const struct bits *bits = &BITS[_i];
    const uint64_t shape[] = {COUNT};
    const struct schema_entry entry = entry_of(bits->type, shape);
    size_t wrong = 0;

    for (uint64_t i = 0; i < COUNT; i++) {
        unsigned char *at = room + 1 + i * entry.element.byte_count;
        struct finite_exception exception = {UINT64_MAX, "none"};
        put_bits(at, bits->type, bits->bits);
        const bool found = finite_find_exception(&entry, room + 1, &exception);
        wrong += found != (bits->value != NULL);
        wrong += found && (exception.element != i || strcmp(exception.value, bits->value) != 0);
        put_bits(at, bits->type, 0);
    }
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

START_TEST(both_parts_of_a_complex_number_count)
{
    double complex numbers[3] = {0};
    const uint64_t shape[] = {3};
    const struct schema_entry entry = entry_of(H5CKPT_COMPLEX128, shape);
    struct finite_exception exception;

    ck_assert(!finite_find_exception(&entry, numbers, &exception));
    ((double *)numbers)[3] = -INFINITY;
    ck_assert(finite_find_exception(&entry, numbers, &exception));
    ck_assert_uint_eq(exception.element, 1);
    ck_assert_str_eq(exception.value, "-inf");
    ((double *)numbers)[2] = NAN;
    ck_assert(finite_find_exception(&entry, numbers, &exception));
    ck_assert_uint_eq(exception.element, 1);
    ck_assert_str_eq(exception.value, "nan");
}
END_TEST

START_TEST(a_long_double_is_asked_of_the_machine)
{
    long double numbers[3] = {LDBL_MAX, -LDBL_MIN, 0};
    const uint64_t shape[] = {3};
    const struct schema_entry entry = entry_of(H5CKPT_LONG_DOUBLE, shape);
    struct finite_exception exception;

    ck_assert(!finite_find_exception(&entry, numbers, &exception));
    numbers[2] = -(long double)INFINITY;
    ck_assert(finite_find_exception(&entry, numbers, &exception));
    ck_assert_uint_eq(exception.element, 2);
    ck_assert_str_eq(exception.value, "-inf");
    numbers[1] = (long double)NAN;
    ck_assert(finite_find_exception(&entry, numbers, &exception));
    ck_assert_uint_eq(exception.element, 1);
    ck_assert_str_eq(exception.value, "nan");
}
END_TEST

/* --------------------------------------------------------------------- saves */

static struct standard standard;

static void setup(void)
{
    fixture_setup();
    standard_make(&standard);
}

static void teardown(void)
{
    standard_free(&standard);
    fixture_teardown();
}

/* _i: save mode */
START_TEST(a_save_of_anything_else_names_it_and_leaves_what_was_saved)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.save_mode = (enum h5ckpt_save_mode)_i;
    ck_assert_int_eq(h5ckpt_require_finite(standard.state, "weights"), H5CKPT_OK);
    h5ckpt_store *store = standard_open(&standard, &options);
    assert_status(standard_save(store, &standard, 1), H5CKPT_OK);
    assert_status(h5ckpt_wait(store), H5CKPT_OK);

    standard_fill(&standard, 2);
    standard.weights[12][7] = NAN;
    const struct h5ckpt_progress progress = standard_progress(2);
    assert_status(h5ckpt_save(store, &progress), H5CKPT_E_NOT_FINITE);
    ck_assert_ptr_nonnull(strstr(h5ckpt_message(store), "'weights'"));
    ck_assert_ptr_nonnull(strstr(h5ckpt_message(store), "[12, 7] is nan"));
    h5ckpt_store *reader = standard_open_reader(&standard);
    assert_status(h5ckpt_restore(reader, NULL, NULL), H5CKPT_OK);
    ck_assert(standard_is(&standard, 1));
    h5ckpt_close(reader);

    assert_status(standard_save(store, &standard, 3), H5CKPT_OK);
    assert_status(h5ckpt_wait(store), H5CKPT_OK);
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 3);
}
END_TEST

START_TEST(what_was_not_chosen_may_be_anything)
{
    ck_assert_int_eq(h5ckpt_require_finite(standard.state, "layer/bias"), H5CKPT_OK);
    h5ckpt_store *store = standard_open(&standard, NULL);

    standard_fill(&standard, 1);
    standard.weights[0][0] = INFINITY;
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    h5ckpt_close(store);
}
END_TEST

START_TEST(all_floating_point_variables_can_be_chosen_at_once)
{
    ck_assert_int_eq(h5ckpt_require_finite(standard.state, NULL), H5CKPT_OK);
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_status(standard_save(store, &standard, 1), H5CKPT_OK);
    standard.bias[4] = -INFINITY;
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_NOT_FINITE);
    ck_assert_ptr_nonnull(strstr(h5ckpt_message(store), "'layer/bias' is not finite: [4] is -inf"));
    h5ckpt_close(store);
    assert_restores(H5CKPT_OK, 1);
}
END_TEST

START_TEST(an_array_without_elements_is_finite)
{
    h5ckpt_add(standard.state, "none", H5CKPT_FLOAT64, 1, (const uint64_t[]){0}, NULL);
    ck_assert_int_eq(h5ckpt_require_finite(standard.state, "none"), H5CKPT_OK);
    h5ckpt_store *store = standard_open(&standard, NULL);

    assert_status_message(standard_save(store, &standard, 1), H5CKPT_OK, h5ckpt_message(store));
    standard_spoil(&standard);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    ck_assert(standard_is(&standard, 1));
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_first_save_that_is_refused_leaves_nothing)
{
    ck_assert_int_eq(h5ckpt_require_finite(standard.state, "weights"), H5CKPT_OK);
    h5ckpt_store *store = standard_open(&standard, NULL);

    standard_fill(&standard, 1);
    standard.weights[159][255] = -INFINITY;
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_NOT_FINITE);
    ck_assert(!file_exists(in_backup("slot-a.h5")));
    h5ckpt_close(store);
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

START_TEST(what_cannot_be_anything_else_is_refused_by_name)
{
    ck_assert_int_eq(h5ckpt_require_finite(NULL, "weights"), H5CKPT_E_ARGUMENT);
    ck_assert_int_eq(h5ckpt_require_finite(standard.state, "step"), H5CKPT_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(h5ckpt_state_message(standard.state), "'step'"));
    ck_assert_ptr_nonnull(strstr(h5ckpt_state_message(standard.state), "int64"));
}
END_TEST

START_TEST(a_name_that_nobody_added_is_refused)
{
    ck_assert_int_eq(h5ckpt_require_finite(standard.state, "wieghts"), H5CKPT_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(h5ckpt_state_message(standard.state), "'wieghts'"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("finite");
    TCase *pure = tcase_create("pure");
    TCase *saves = tcase_create("saves");

    tcase_add_loop_test(pure, every_kind_of_number_is_told_wherever_it_is, 0, sizeof BITS / sizeof *BITS);
    tcase_add_test(pure, both_parts_of_a_complex_number_count);
    tcase_add_test(pure, a_long_double_is_asked_of_the_machine);
    suite_add_tcase(suite, pure);

    tcase_add_checked_fixture(saves, setup, teardown);
    tcase_add_loop_test(saves, a_save_of_anything_else_names_it_and_leaves_what_was_saved, 0, H5CKPT_SAVE_FORKED + 1);
    tcase_add_test(saves, what_was_not_chosen_may_be_anything);
    tcase_add_test(saves, all_floating_point_variables_can_be_chosen_at_once);
    tcase_add_test(saves, an_array_without_elements_is_finite);
    tcase_add_test(saves, a_first_save_that_is_refused_leaves_nothing);
    tcase_add_test(saves, what_cannot_be_anything_else_is_refused_by_name);
    tcase_add_test(saves, a_name_that_nobody_added_is_refused);
    suite_add_tcase(suite, saves);

    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
