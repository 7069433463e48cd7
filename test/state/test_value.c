/* SPDX-License-Identifier: MIT */
/*
 * Elements as text: of each type, at its limits, and never more than there is room for.
 */
#include <check.h>
#include <float.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/value.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static char text[VALUE_TEXT_BYTES + 1];

static struct element element_of(h5ckpt_type type)
{
    struct error error = ERROR_NONE;
    struct element element;

    ck_assert_int_eq(element_of_type(&element, type, &error), H5CKPT_OK);
    return element;
}

static const char *text_of(h5ckpt_type type, const void *bytes)
{
    const struct element element = element_of(type);

    ck_assert(value_is_showable(&element));
    memset(text, '#', sizeof text);
    value_text(&element, bytes, text);
    ck_assert_int_eq(text[VALUE_TEXT_BYTES], '#');
    return text;
}

#define assert_text(expected, type, ...) ck_assert_str_eq(text_of(type, (const void *)(__VA_ARGS__)), expected)

START_TEST(integers_are_decimal_to_their_limits)
{
    assert_text("-128", H5CKPT_INT8, (int8_t[]){INT8_MIN});
    assert_text("127", H5CKPT_INT8, (int8_t[]){INT8_MAX});
    assert_text("-32768", H5CKPT_INT16, (int16_t[]){INT16_MIN});
    assert_text("-1", H5CKPT_INT32, (int32_t[]){-1});
    assert_text("2147483647", H5CKPT_INT32, (int32_t[]){INT32_MAX});
    assert_text("-9223372036854775808", H5CKPT_INT64, (int64_t[]){INT64_MIN});
    assert_text("9223372036854775807", H5CKPT_INT64, (int64_t[]){INT64_MAX});
    assert_text("255", H5CKPT_UINT8, (uint8_t[]){UINT8_MAX});
    assert_text("65535", H5CKPT_UINT16, (uint16_t[]){UINT16_MAX});
    assert_text("4294967295", H5CKPT_UINT32, (uint32_t[]){UINT32_MAX});
    assert_text("18446744073709551615", H5CKPT_UINT64, (uint64_t[]){UINT64_MAX});
}
END_TEST

START_TEST(floating_point_numbers_have_the_fewest_digits_that_tell_them)
{
    assert_text("0.1", H5CKPT_FLOAT32, (float[]){0.1f});
    assert_text("0.1", H5CKPT_FLOAT64, (double[]){0.1});
    assert_text("0.30000000000000004", H5CKPT_FLOAT64, (double[]){0.1 + 0.2});
    assert_text("16777217", H5CKPT_FLOAT64, (double[]){16777217});
    assert_text("-0", H5CKPT_FLOAT64, (double[]){-0.0});
    assert_text("inf", H5CKPT_FLOAT32, (float[]){INFINITY});
    assert_text("-inf", H5CKPT_FLOAT64, (double[]){-INFINITY});
    ck_assert_ptr_nonnull(strstr(text_of(H5CKPT_FLOAT64, (double[]){NAN}), "nan"));
    assert_text("5e-324", H5CKPT_FLOAT64, (double[]){DBL_TRUE_MIN});
    assert_text("0.1", H5CKPT_LONG_DOUBLE, (long double[]){0.1L});
    assert_text("0.5+2i", H5CKPT_COMPLEX64, (float[]){0.5f, 2});
    assert_text("-0.5-2i", H5CKPT_COMPLEX128, (double[]){-0.5, -2});
}
END_TEST

/* As %g writes them in locales of all kinds, and in the C locale. */
static const char *const WRITTEN[][2] = {
    {"0,1", "0.1"},
    {"-0,5", "-0.5"},
    {"1,5e-07", "1.5e-07"},
    {"0\xd9\xab"
     "25",
     "0.25"},
    {"0.1", "0.1"},
    {"12", "12"},
    {"1e+20", "1e+20"},
    {"-0", "-0"},
    {"inf", "inf"},
    {"-inf", "-inf"},
    {"nan", "nan"},
    {"-nan", "-nan"},
    {"", ""},
};

START_TEST(the_point_of_a_number_is_a_point_whatever_the_locale)
{
    char number[32];

    strcpy(number, WRITTEN[_i][0]);
    value_point(number);
    ck_assert_str_eq(number, WRITTEN[_i][1]);
}
END_TEST

/* Where there is such a locale. */
START_TEST(numbers_are_shown_alike_in_every_locale)
{
    static const char *const LOCALES[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "ps_AF.UTF-8"};

    for (size_t i = 0; i < COUNT(LOCALES); i++) {
        setlocale(LC_ALL, LOCALES[i]);
        assert_text("0.1", H5CKPT_FLOAT64, (double[]){0.1});
        assert_text("1.5e-07", H5CKPT_FLOAT32, (float[]){1.5e-7f});
        assert_text("0.1", H5CKPT_LONG_DOUBLE, (long double[]){0.1L});
        assert_text("-0.5-2.5i", H5CKPT_COMPLEX128, (double[]){-0.5, -2.5});
    }
    setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(every_float_that_is_read_back_is_the_same)
{
    for (uint64_t bits = 1; bits < UINT32_MAX; bits += 104729) {
        const uint32_t pattern = (uint32_t)bits;
        float number;

        memcpy(&number, &pattern, sizeof number);
        if (isfinite(number))
            ck_assert(strtof(text_of(H5CKPT_FLOAT32, &number), NULL) == number);
    }
}
END_TEST

/* The number that the bits stand for, by the standard's own words. */
static double half_of(unsigned bits)
{
    const double sign = bits & 0x8000 ? -1 : 1;
    const int exponent = (int)(bits >> 10 & 0x1f);
    const double fraction = (double)(bits & 0x3ff) / 1024;

    return sign * (exponent == 0 ? ldexp(fraction, -14) : ldexp(1 + fraction, exponent - 15));
}

START_TEST(every_half_is_the_number_that_its_bits_stand_for)
{
    for (unsigned bits = 0; bits <= UINT16_MAX; bits++)
        if ((bits & 0x7c00) != 0x7c00)
            ck_assert(strtod(text_of(H5CKPT_FLOAT16, (uint16_t[]){(uint16_t)bits}), NULL) ==
                          (double)(float)half_of(bits) ||
                      fabs(strtod(text, NULL) - half_of(bits)) <= fabs(half_of(bits)) * FLT_EPSILON);
    assert_text("inf", H5CKPT_FLOAT16, (uint16_t[]){0x7c00});
    assert_text("-inf", H5CKPT_FLOAT16, (uint16_t[]){0xfc00});
    ck_assert_ptr_nonnull(strstr(text_of(H5CKPT_FLOAT16, (uint16_t[]){0x7c01}), "nan"));
    assert_text("1", H5CKPT_FLOAT16, (uint16_t[]){0x3c00});
}
END_TEST

START_TEST(booleans_are_words)
{
    assert_text("true", H5CKPT_BOOL, (bool[]){true});
    assert_text("false", H5CKPT_BOOL, (bool[]){false});
}
END_TEST

START_TEST(strings_end_at_their_padding_and_are_safe_to_show)
{
    static char large[1 << 16];

    assert_text("'adam'", H5CKPT_STRING(8), "adam\0\0\0");
    assert_text("'adam'", H5CKPT_STRING(4), "adam");
    assert_text("''", H5CKPT_STRING(4), "\0\0\0");
    assert_text("'größe'", H5CKPT_STRING(7), "größe");
    assert_text("'\\x1b[2J'", H5CKPT_STRING(4), "\x1b[2J");
    assert_text("'\\xff'", H5CKPT_STRING(1), "\xff");
    for (size_t byte_count = 1; byte_count < 600; byte_count++) {
        memset(large, _i, byte_count);
        text_of(H5CKPT_STRING(byte_count), large);
        ck_assert_uint_lt(strlen(text), VALUE_TEXT_BYTES);
        ck_assert_int_eq(text[strlen(text) - 1], '\'');
    }
    memset(large, 'x', sizeof large);
    ck_assert_ptr_nonnull(strstr(text_of(H5CKPT_STRING(sizeof large), large), "xxx…'"));
}
END_TEST

START_TEST(of_a_long_string_the_part_around_a_byte_is_shown_and_no_character_is_torn)
{
    char string[600] = "";
    char near[VALUE_NEAR_BYTES + 1];
    const struct element element = element_of(H5CKPT_STRING(sizeof string));

    for (int i = 0; i < 250; i++)
        strcat(string, i % 2 == 0 ? "ä" : "\x1b");
    for (size_t at = 0; at <= strlen(string); at++) {
        memset(near, '#', sizeof near);
        value_string_near(&element, string, at, near);
        ck_assert_int_eq(near[VALUE_NEAR_BYTES], '#');
        ck_assert_int_eq(strncmp(near, at < 25 ? "'ä" : "'…", 3), 0);
        ck_assert_int_eq(near[strlen(near) - 1], '\'');
        if (at < 370 && (string[at] & 0xc0) != 0x80)
            ck_assert_ptr_null(strstr(near, "\\xc3"));
        ck_assert_ptr_null(strstr(near, "'…\\xa4"));
    }
}
END_TEST

static const char *texts_of(h5ckpt_type type, unsigned rank, const uint64_t *shape, const void *bytes)
{
    static char texts[VALUES_TEXT_BYTES + 1];
    struct schema_entry entry = {.name = "settings/it", .element = element_of(type), .rank = rank, .shape = shape};
    struct error error = ERROR_NONE;

    ck_assert_int_eq(schema_byte_count(&entry.byte_count, &entry.element, rank, shape, &error), H5CKPT_OK);
    memset(texts, '#', sizeof texts);
    values_text(&entry, bytes, texts);
    ck_assert_int_eq(texts[VALUES_TEXT_BYTES], '#');
    return texts;
}

START_TEST(an_array_is_a_list_that_is_cut_when_long)
{
    static const int64_t NUMBERS[1000] = {64, -128, 10, INT64_MIN};
    static char strings[9][300];

    ck_assert_str_eq(texts_of(H5CKPT_INT64, 0, NULL, NUMBERS), "64");
    ck_assert_str_eq(texts_of(H5CKPT_INT64, 1, (uint64_t[]){3}, NUMBERS), "[64, -128, 10]");
    ck_assert_str_eq(texts_of(H5CKPT_INT64, 2, (uint64_t[]){2, 2}, NUMBERS), "[64, -128, 10, -9223372036854775808]");
    ck_assert_str_eq(texts_of(H5CKPT_INT64, 2, (uint64_t[]){2, 0}, NULL), "[]");
    ck_assert_str_eq(texts_of(H5CKPT_OPAQUE(8), 1, (uint64_t[]){3}, NUMBERS), "");
    for (uint64_t count = 1; count <= 1000; count++) {
        const char *text_of_all = texts_of(H5CKPT_INT64, 1, &count, NUMBERS);
        ck_assert_uint_lt(strlen(text_of_all), VALUES_TEXT_BYTES);
        ck_assert_int_eq(text_of_all[strlen(text_of_all) - 1], ']');
    }
    ck_assert_ptr_nonnull(strstr(texts_of(H5CKPT_INT64, 1, (uint64_t[]){1000}, NUMBERS), ", 0, …]"));
    memset(strings, 'x', sizeof strings);
    for (uint64_t count = 1; count <= 9; count++)
        ck_assert_uint_lt(strlen(texts_of(H5CKPT_STRING(300), 1, &count, strings)), VALUES_TEXT_BYTES);
}
END_TEST

START_TEST(what_is_no_number_boolean_or_string_of_this_machine_is_not_shown)
{
    const struct element opaque = element_of(H5CKPT_OPAQUE(8));
    struct element foreign = element_of(H5CKPT_INT32);

    ck_assert(!value_is_showable(&opaque));
    foreign.order = foreign.order == ELEMENT_ORDER_LITTLE ? ELEMENT_ORDER_BIG : ELEMENT_ORDER_LITTLE;
    ck_assert(!value_is_showable(&foreign));
    foreign = element_of(H5CKPT_LONG_DOUBLE);
    foreign.format =
        foreign.format == ELEMENT_FORMAT_DOUBLE_DOUBLE ? ELEMENT_FORMAT_BINARY128 : ELEMENT_FORMAT_DOUBLE_DOUBLE;
    ck_assert(!value_is_showable(&foreign));
}
END_TEST

int main(void)
{
    static const char BYTES[] = {'x', '\x1b', '\xff', '\xc3'};
    Suite *suite = suite_create("value");
    TCase *tests = tcase_create("value");

    tcase_add_test(tests, integers_are_decimal_to_their_limits);
    tcase_add_test(tests, floating_point_numbers_have_the_fewest_digits_that_tell_them);
    tcase_add_loop_test(tests, the_point_of_a_number_is_a_point_whatever_the_locale, 0, COUNT(WRITTEN));
    tcase_add_test(tests, numbers_are_shown_alike_in_every_locale);
    tcase_add_test(tests, of_a_long_string_the_part_around_a_byte_is_shown_and_no_character_is_torn);
    tcase_add_test(tests, every_float_that_is_read_back_is_the_same);
    tcase_add_test(tests, every_half_is_the_number_that_its_bits_stand_for);
    tcase_add_test(tests, booleans_are_words);
    for (size_t i = 0; i < COUNT(BYTES); i++)
        tcase_add_loop_test(tests, strings_end_at_their_padding_and_are_safe_to_show, BYTES[i], BYTES[i] + 1);
    tcase_add_test(tests, an_array_is_a_list_that_is_cut_when_long);
    tcase_add_test(tests, what_is_no_number_boolean_or_string_of_this_machine_is_not_shown);
    suite_add_tcase(suite, tests);

    return suite_run(suite);
}
