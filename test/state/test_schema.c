/* SPDX-License-Identifier: MIT */
#include <complex.h>
#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "format.h"
#include "state/schema.h"
#include "support/assert_h5ckpt.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const uint16_t ONE = 1;
static struct error error;

static enum element_order machine_order(void)
{
    return *(const unsigned char *)&ONE == 1 ? ELEMENT_ORDER_LITTLE : ELEMENT_ORDER_BIG;
}

static enum element_order other_order(void)
{
    return machine_order() == ELEMENT_ORDER_LITTLE ? ELEMENT_ORDER_BIG : ELEMENT_ORDER_LITTLE;
}

static void setup(void)
{
    error = ERROR_NONE;
}

static void teardown(void)
{
    error_clear(&error);
}

/* ------------------------------------------------------------- element types */

static const struct {
    h5ckpt_type type;
    enum element_class class;
    uint32_t byte_count;
    bool has_order;
    const char *text;
} TYPES[] = {
    {H5CKPT_INT8, ELEMENT_INT, 1, false, "int8"},
    {H5CKPT_INT16, ELEMENT_INT, 2, true, "int16"},
    {H5CKPT_INT32, ELEMENT_INT, 4, true, "int32"},
    {H5CKPT_INT64, ELEMENT_INT, 8, true, "int64"},
    {H5CKPT_UINT8, ELEMENT_UINT, 1, false, "uint8"},
    {H5CKPT_UINT16, ELEMENT_UINT, 2, true, "uint16"},
    {H5CKPT_UINT32, ELEMENT_UINT, 4, true, "uint32"},
    {H5CKPT_UINT64, ELEMENT_UINT, 8, true, "uint64"},
    {H5CKPT_FLOAT16, ELEMENT_FLOAT, 2, true, "float16"},
    {H5CKPT_FLOAT32, ELEMENT_FLOAT, sizeof(float), true, "float32"},
    {H5CKPT_FLOAT64, ELEMENT_FLOAT, sizeof(double), true, "float64"},
    {H5CKPT_LONG_DOUBLE, ELEMENT_LONG_DOUBLE, sizeof(long double), true, "long double ("},
    {H5CKPT_BOOL, ELEMENT_BOOL, sizeof(bool), sizeof(bool) > 1, "bool of "},
    {H5CKPT_COMPLEX64, ELEMENT_COMPLEX, sizeof(float _Complex), true, "complex64"},
    {H5CKPT_COMPLEX128, ELEMENT_COMPLEX, sizeof(double _Complex), true, "complex128"},
    {H5CKPT_OPAQUE(1), ELEMENT_OPAQUE, 1, false, "opaque of 1 byte"},
    {H5CKPT_OPAQUE(24), ELEMENT_OPAQUE, 24, false, "opaque of 24 bytes"},
    {H5CKPT_OPAQUE(16777215), ELEMENT_OPAQUE, 16777215, false, "opaque of 16777215 bytes"},
    {H5CKPT_STRING(1), ELEMENT_STRING, 1, false, "string of 1 byte"},
    {H5CKPT_STRING(12), ELEMENT_STRING, 12, false, "string of 12 bytes"},
    {H5CKPT_STRING(16777215), ELEMENT_STRING, 16777215, false, "string of 16777215 bytes"},
};

START_TEST(every_type_has_its_class_size_and_byte_order)
{
    struct element element;

    assert_status_message(element_of_type(&element, TYPES[_i].type, &error), H5CKPT_OK, error.message);
    ck_assert_int_eq(element.class, TYPES[_i].class);
    ck_assert_uint_eq(element.byte_count, TYPES[_i].byte_count);
    ck_assert_int_eq(element.order, TYPES[_i].has_order ? machine_order() : ELEMENT_ORDER_NONE);
}
END_TEST

START_TEST(every_type_gives_an_element_that_the_format_knows)
{
    struct element element;

    assert_status(element_of_type(&element, TYPES[_i].type, &error), H5CKPT_OK);
    ck_assert(element_is_known(&element));
}
END_TEST

START_TEST(every_type_is_called_by_its_name)
{
    struct element element;
    char text[ELEMENT_TEXT_BYTES];

    assert_status(element_of_type(&element, TYPES[_i].type, &error), H5CKPT_OK);
    element_text(&element, text);
    if (element.class == ELEMENT_LONG_DOUBLE || element.class == ELEMENT_BOOL)
        ck_assert_int_eq(strncmp(text, TYPES[_i].text, strlen(TYPES[_i].text)), 0);
    else
        ck_assert_str_eq(text, TYPES[_i].text);
}
END_TEST

START_TEST(only_a_long_double_has_a_format)
{
    struct element element;

    assert_status(element_of_type(&element, TYPES[_i].type, &error), H5CKPT_OK);
    ck_assert_int_eq(element.format != ELEMENT_FORMAT_NONE, TYPES[_i].type == H5CKPT_LONG_DOUBLE);
}
END_TEST

START_TEST(the_format_of_a_long_double_is_the_machines)
{
    static const struct {
        int mantissa_bits;
        enum element_format format;
    } formats[] = {
        {53, ELEMENT_FORMAT_BINARY64},
        {64, ELEMENT_FORMAT_X87_EXTENDED},
        {106, ELEMENT_FORMAT_DOUBLE_DOUBLE},
        {113, ELEMENT_FORMAT_BINARY128},
    };
    struct element element;

    assert_status(element_of_type(&element, H5CKPT_LONG_DOUBLE, &error), H5CKPT_OK);
    for (size_t i = 0; i < COUNT(formats); i++)
        ck_assert_int_eq(element.format == formats[i].format, LDBL_MANT_DIG == formats[i].mantissa_bits);
}
END_TEST

static const h5ckpt_type NO_TYPES[] = {
    0,          0x00000004, 0x00ffffff, 0x01000000, 0x01000003, 0x01000005, 0x01000010, 0x01000101,
    0x02000000, 0x02000006, 0x02000010, 0x03000000, 0x03000001, 0x03000003, 0x03000010, 0x04000000,
    0x04000001, 0x0400000a, 0x04000020, 0x05000000, 0x05000003, 0x05000008, 0x06000000, 0x06000004,
    0x06000020, 0x07000000, 0x08000000, 0x09000001, 0x10000001, 0x81000004, 0xff000004, 0xffffffff,
};

START_TEST(a_number_that_names_no_type_is_refused_by_its_digits)
{
    struct element element;
    char digits[16];

    assert_status(element_of_type(&element, NO_TYPES[_i], &error), H5CKPT_E_ARGUMENT);
    snprintf(digits, sizeof digits, "0x%08" PRIx32, NO_TYPES[_i]);
    assert_mentions(error_message(&error), digits);
    assert_mentions(error_message(&error), "is not an element type");
}
END_TEST

START_TEST(a_refused_type_leaves_the_element_as_it_was)
{
    struct element element = {ELEMENT_STRING, ELEMENT_ORDER_NONE, ELEMENT_FORMAT_NONE, 77};
    const struct element before = element;

    assert_status(element_of_type(&element, 0x01000003, &error), H5CKPT_E_ARGUMENT);
    ck_assert(element_equal(&element, &before));
}
END_TEST

/* ------------------------------------------------------ elements from a file */

static const struct element LE_KNOWN[] = {
    {ELEMENT_INT, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 2},
    {ELEMENT_INT, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 4},
    {ELEMENT_INT, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 8},
    {ELEMENT_UINT, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 2},
    {ELEMENT_UINT, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 4},
    {ELEMENT_UINT, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 8},
    {ELEMENT_FLOAT, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 2},
    {ELEMENT_FLOAT, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 4},
    {ELEMENT_FLOAT, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 8},
    {ELEMENT_LONG_DOUBLE, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_BINARY64, 8},
    {ELEMENT_LONG_DOUBLE, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_X87_EXTENDED, 12},
    {ELEMENT_LONG_DOUBLE, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_X87_EXTENDED, 16},
    {ELEMENT_LONG_DOUBLE, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_BINARY128, 16},
    {ELEMENT_LONG_DOUBLE, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_DOUBLE_DOUBLE, 16},
    {ELEMENT_BOOL, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 2},
    {ELEMENT_BOOL, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 4},
    {ELEMENT_BOOL, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 8},
    {ELEMENT_COMPLEX, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 8},
    {ELEMENT_COMPLEX, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 16},
};

/* What docs/format.md allows, said once more and otherwise than in schema.c. */
static bool is_expected_to_be_known(struct element element)
{
    bool is_byte = element.class == ELEMENT_INT || element.class == ELEMENT_UINT || element.class == ELEMENT_BOOL;
    bool is_bytes = element.class == ELEMENT_OPAQUE || element.class == ELEMENT_STRING;

    if ((is_byte && element.byte_count == 1) || is_bytes)
        return element.order == ELEMENT_ORDER_NONE && element.format == ELEMENT_FORMAT_NONE && element.byte_count > 0 &&
               element.byte_count < 1 << 24;
    if (element.order == ELEMENT_ORDER_BIG && element.format != ELEMENT_FORMAT_X87_EXTENDED)
        element.order = ELEMENT_ORDER_LITTLE;
    for (size_t i = 0; i < COUNT(LE_KNOWN); i++)
        if (element_equal(&element, &LE_KNOWN[i]))
            return true;
    return false;
}

START_TEST(an_element_from_a_file_is_known_only_if_the_format_has_it)
{
    static const uint32_t large[] = {255,     256,     257,        65536,      0xfffffe,  0xffffff,
                                     1 << 24, 1 << 25, 0x7fffffff, 0x80000000, 0xffffffff};

    for (unsigned order = 0; order <= 4; order++)
        for (unsigned format = 0; format <= 6; format++)
            for (uint32_t size = 0; size < 40 + COUNT(large); size++) {
                struct element element = {(enum element_class)_i, (enum element_order)order,
                                          (enum element_format)format, size < 40 ? size : large[size - 40]};

                ck_assert_msg(element_is_known(&element) == is_expected_to_be_known(element),
                              "class %d, order %u, format %u, %" PRIu32 " bytes", _i, order, format,
                              element.byte_count);
            }
}
END_TEST

START_TEST(an_element_with_any_field_beyond_its_enumeration_is_unknown)
{
    const struct element known = {ELEMENT_INT, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 4};
    struct element element[] = {known, known, known};

    element[0].class = (enum element_class)0xffffffffu;
    element[1].order = (enum element_order)0xffffffffu;
    element[2].format = (enum element_format)0xffffffffu;
    ck_assert(element_is_known(&known));
    for (size_t i = 0; i < COUNT(element); i++)
        ck_assert(!element_is_known(&element[i]));
}
END_TEST

START_TEST(elements_are_equal_only_in_every_field)
{
    const struct element element = {ELEMENT_INT, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 4};
    struct element other[] = {element, element, element, element, element};

    other[1].class = ELEMENT_UINT;
    other[2].order = ELEMENT_ORDER_BIG;
    other[3].format = ELEMENT_FORMAT_BINARY64;
    other[4].byte_count = 8;
    for (size_t i = 0; i < COUNT(other); i++)
        ck_assert_int_eq(element_equal(&element, &other[i]), i == 0);
}
END_TEST

START_TEST(only_x87_elements_have_padding)
{
    for (size_t i = 0; i < COUNT(LE_KNOWN); i++)
        ck_assert_uint_eq(element_value_byte_count(&LE_KNOWN[i]),
                          LE_KNOWN[i].format == ELEMENT_FORMAT_X87_EXTENDED ? 10 : LE_KNOWN[i].byte_count);
}
END_TEST

START_TEST(a_long_doubles_value_lies_in_its_value_bytes)
{
    union {
        long double value;
        unsigned char byte[sizeof(long double)];
    } of = {.value = 1.0L / 3}, copy;
    struct element element;

    assert_status(element_of_type(&element, H5CKPT_LONG_DOUBLE, &error), H5CKPT_OK);
    memset(&copy, 0, sizeof copy);
    memcpy(copy.byte, of.byte, element_value_byte_count(&element));
    ck_assert(copy.value == 1.0L / 3);
    copy.byte[element_value_byte_count(&element) - 1] ^= 0x40;
    ck_assert(copy.value != 1.0L / 3);
}
END_TEST

START_TEST(an_element_of_the_other_byte_order_is_called_so)
{
    const char *expected = other_order() == ELEMENT_ORDER_BIG ? "big-endian int16" : "little-endian int16";
    const struct element element = {ELEMENT_INT, other_order(), ELEMENT_FORMAT_NONE, 2};
    char text[ELEMENT_TEXT_BYTES];

    element_text(&element, text);
    ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(known_elements_that_differ_are_called_differently)
{
    char text[2][ELEMENT_TEXT_BYTES];

    for (size_t i = 0; i < COUNT(LE_KNOWN); i++)
        for (size_t j = 0; j < i; j++) {
            element_text(&LE_KNOWN[i], text[0]);
            element_text(&LE_KNOWN[j], text[1]);
            ck_assert_str_ne(text[0], text[1]);
        }
}
END_TEST

START_TEST(the_longest_element_text_is_whole)
{
    const struct element element = {ELEMENT_LONG_DOUBLE, other_order(), ELEMENT_FORMAT_DOUBLE_DOUBLE, 16};
    char text[ELEMENT_TEXT_BYTES];

    element_text(&element, text);
    assert_mentions(text, "endian long double (double-double, 16 bytes)");
}
END_TEST

START_TEST(an_unknown_element_is_called_unknown)
{
    const struct element element = {(enum element_class)4294967295u, ELEMENT_ORDER_NONE, ELEMENT_FORMAT_NONE,
                                    4294967295u};
    char text[ELEMENT_TEXT_BYTES];

    element_text(&element, text);
    ck_assert_str_eq(text, "unknown type (class 4294967295, 4294967295 bytes)");
}
END_TEST

/* ------------------------------------------------------------------- shapes */

static const struct {
    unsigned rank;
    uint64_t shape[4];
    uint32_t element_byte_count;
    uint64_t byte_count;
} SIZES[] = {
    {0, {0}, 4, 4},
    {0, {0}, 0xffffff, 0xffffff},
    {1, {7}, 4, 28},
    {2, {256, 64}, 4, 65536},
    {3, {2, 3, 5}, 16, 480},
    {1, {0}, 8, 0},
    {3, {4, 0, 4}, 8, 0},
    {1, {UINT64_C(1) << 60}, 1, UINT64_C(1) << 60},
    {1, {UINT64_C(1) << 57}, 8, UINT64_C(1) << 60},
    {2, {UINT64_C(1) << 30, UINT64_C(1) << 30}, 1, UINT64_C(1) << 60},
    {3, {0, UINT64_C(1) << 40, UINT64_C(1) << 40}, 8, 0},
    {3, {UINT64_C(1) << 40, UINT64_C(1) << 40, 0}, 8, 0},
};

START_TEST(a_variables_bytes_are_its_extents_times_its_elements)
{
    struct element element = {.class = ELEMENT_OPAQUE, .byte_count = SIZES[_i].element_byte_count};
    uint64_t byte_count = 99;

    assert_status_message(schema_byte_count(&byte_count, &element, SIZES[_i].rank, SIZES[_i].shape, &error), H5CKPT_OK,
                          error.message);
    ck_assert_uint_eq(byte_count, SIZES[_i].byte_count);
}
END_TEST

static const struct {
    unsigned rank;
    uint64_t shape[4];
    uint32_t element_byte_count;
    const char *said;
} BAD_SIZES[] = {
    {1, {(UINT64_C(1) << 60) + 1}, 1, "extent 0 of its shape is 1152921504606846977"},
    {1, {(UINT64_C(1) << 57) + 1}, 8, "[144115188075855873] elements of 8 bytes are too large"},
    {1, {UINT64_C(1) << 60}, 2, "too large"},
    {1, {UINT64_C(1) << 60}, 16, "too large"}, /* 2^64, which is 0 */
    {2, {UINT64_C(1) << 32, UINT64_C(1) << 32}, 1, "too large"},
    {2, {UINT64_C(1) << 32, (UINT64_C(1) << 32) + 1}, 1, "too large"}, /* 2^64 + 2^32, which is small */
    {4, {UINT64_C(1) << 32, UINT64_C(1) << 32, 2, 3}, 1, "too large"},
    {1, {UINT64_MAX}, 1, "extent 0"},
    {2, {0, UINT64_MAX}, 1, "extent 1 of its shape is 18446744073709551615"},
    {2, {UINT64_MAX, 0}, 1, "extent 0"},
};

START_TEST(a_shape_that_overflows_is_refused)
{
    struct element element = {.class = ELEMENT_OPAQUE, .byte_count = BAD_SIZES[_i].element_byte_count};
    uint64_t byte_count = 99;

    assert_status(schema_byte_count(&byte_count, &element, BAD_SIZES[_i].rank, BAD_SIZES[_i].shape, &error),
                  H5CKPT_E_ARGUMENT);
    assert_mentions(error_message(&error), BAD_SIZES[_i].said);
    ck_assert_uint_eq(byte_count, 99);
}
END_TEST

START_TEST(rank_32_is_the_highest)
{
    struct element element = {.class = ELEMENT_OPAQUE, .byte_count = 3};
    uint64_t shape[33];
    uint64_t byte_count = 0;

    for (size_t i = 0; i < COUNT(shape); i++)
        shape[i] = i < 2 ? 10 : 1;
    assert_status(schema_byte_count(&byte_count, &element, 32, shape, &error), H5CKPT_OK);
    ck_assert_uint_eq(byte_count, 300);
    assert_status(schema_byte_count(&byte_count, &element, 33, shape, &error), H5CKPT_E_ARGUMENT);
    assert_mentions(error_message(&error), "the rank is 33, at most 32 is possible");
    assert_status(schema_byte_count(&byte_count, &element, UINT32_MAX, shape, &error), H5CKPT_E_ARGUMENT);
}
END_TEST

START_TEST(a_missing_shape_is_refused_unless_the_rank_is_0)
{
    struct element element = {.class = ELEMENT_OPAQUE, .byte_count = 3};
    uint64_t byte_count = 0;

    assert_status(schema_byte_count(&byte_count, &element, 0, NULL, &error), H5CKPT_OK);
    ck_assert_uint_eq(byte_count, 3);
    assert_status(schema_byte_count(&byte_count, &element, 1, NULL, &error), H5CKPT_E_ARGUMENT);
    assert_mentions(error_message(&error), "the shape is NULL");
}
END_TEST

START_TEST(a_shape_is_told_as_its_extents)
{
    char text[SHAPE_TEXT_BYTES];

    shape_text(0, NULL, text);
    ck_assert_str_eq(text, "scalar");
    shape_text(1, (const uint64_t[]){0}, text);
    ck_assert_str_eq(text, "[0]");
    shape_text(2, (const uint64_t[]){256, 64}, text);
    ck_assert_str_eq(text, "[256, 64]");
    shape_text(1, (const uint64_t[]){UINT64_MAX}, text);
    ck_assert_str_eq(text, "[18446744073709551615]");
}
END_TEST

START_TEST(a_long_shape_is_cut_and_says_so)
{
    uint64_t shape[32];
    char text[SHAPE_TEXT_BYTES];

    for (size_t i = 0; i < COUNT(shape); i++)
        shape[i] = UINT64_MAX;
    shape_text(32, shape, text);
    ck_assert_uint_lt(strlen(text), SHAPE_TEXT_BYTES);
    ck_assert_str_eq(text + strlen(text) - strlen("5, …]"), "5, …]");
}
END_TEST

START_TEST(a_shape_of_any_length_fits_its_text)
{
    uint64_t shape[200];
    char text[SHAPE_TEXT_BYTES + 1];

    for (unsigned rank = 1; rank <= COUNT(shape); rank++) {
        for (size_t i = 0; i < rank; i++)
            shape[i] = i + 8; /* one digit, then two, then three: every remainder comes up */
        memset(text, '#', sizeof text);
        shape_text(rank, shape, text);
        ck_assert_uint_lt(strnlen(text, sizeof text), SHAPE_TEXT_BYTES);
        ck_assert_int_eq(text[SHAPE_TEXT_BYTES], '#');
        ck_assert_int_eq(text[strlen(text) - 1], ']');
    }
}
END_TEST

/* -------------------------------------------------------------------- names */

static const char *const NAMES[] = {
    "w",
    "weights",
    "optimizer/adam/m",
    "a/b/c/d/e/f/g/h/i",
    "...",
    ".a",
    "a.",
    "..a",
    "a..",
    "a/.../b",
    " ",
    "a b",
    "state/a",
    "größe",
    "権重/層",
    "𝛼",
    "\"'\\",
    "a:b",
    "\xc2\x80",
    "\xdf\xbf",
    "\xe0\xa0\x80",
    "%s%n",
    "-",
    "~",
    "\xed\x9f\xbf",
    "\xee\x80\x80",
    "\xef\xbf\xbf",
    "\xf0\x90\x80\x80",
    "\xf4\x8f\xbf\xbf",
};

START_TEST(a_path_of_utf8_parts_is_a_name)
{
    assert_status_message(schema_check_name("variable", NAMES[_i], &error), H5CKPT_OK, error.message);
}
END_TEST

static const struct {
    const char *name;
    const char *said;
} BAD_NAMES[] = {
    {"", "variable '': the name is empty"},
    {"/", "variable '/': the name has an empty part"},
    {"/a", "variable '/a': the name has an empty part"},
    {"a/", "variable 'a/': the name has an empty part"},
    {"a//b", "variable 'a//b': the name has an empty part"},
    {".", "variable '.': the name has a part '.'"},
    {"./a", "variable './a': the name has a part '.'"},
    {"a/.", "variable 'a/.': the name has a part '.'"},
    {"a/./b", "variable 'a/./b': the name has a part '.'"},
    {"..", "variable '..': the name has a part '..'"},
    {"../a", "variable '../a': the name has a part '..'"},
    {"a/..", "variable 'a/..': the name has a part '..'"},
    {"a/../b", "variable 'a/../b': the name has a part '..'"},
    {"a\nb", "variable 'a\\x0ab': the name has a control character"},
    {"\x1b[2J", "variable '\\x1b[2J': the name has a control character"},
    {"\x7f", "variable '\\x7f': the name has a control character"},
    {"\x80", "variable '\\x80': the name is not valid UTF-8"}, /* continues nothing */
    {"a\xff", "variable 'a\\xff': the name is not valid UTF-8"},
    {"\xfe", "variable '\\xfe': the name is not valid UTF-8"},
    {"\xc3", "variable '\\xc3': the name is not valid UTF-8"}, /* cut short */
    {"\xc3/", "variable '\\xc3/': the name is not valid UTF-8"},
    {"\xe2\x82", "variable '\\xe2\\x82': the name is not valid UTF-8"},
    {"\xf0\x9d\x9b", "variable '\\xf0\\x9d\\x9b': the name is not valid UTF-8"},
    {"\xc0\xaf", "variable '\\xc0\\xaf': the name is not valid UTF-8"}, /* overlong '/' */
    {"\xc1\xbf", "variable '\\xc1\\xbf': the name is not valid UTF-8"},
    {"\xe0\x80\xaf", "variable '\\xe0\\x80\\xaf': the name is not valid UTF-8"},
    {"\xe0\x9f\xbf", "variable '\\xe0\\x9f\\xbf': the name is not valid UTF-8"},
    {"\xf0\x8f\xbf\xbf", "variable '\\xf0\\x8f\\xbf\\xbf': the name is not valid UTF-8"},
    {"\xed\xa0\x80", "variable '\\xed\\xa0\\x80': the name is not valid UTF-8"}, /* surrogates */
    {"\xed\xbf\xbf", "variable '\\xed\\xbf\\xbf': the name is not valid UTF-8"},
    {"\xf4\x90\x80\x80", "variable '\\xf4\\x90\\x80\\x80': the name is not valid UTF-8"}, /* > U+10FFFF */
    {"\xf5\x80\x80\x80", "variable '\\xf5\\x80\\x80\\x80': the name is not valid UTF-8"},
    {"\xf8\x88\x80\x80\x80", "variable '\\xf8\\x88\\x80\\x80\\x80': the name is not valid UTF-8"},
};

START_TEST(a_bad_name_is_refused_with_the_name_and_the_reason)
{
    assert_status(schema_check_name("variable", BAD_NAMES[_i].name, &error), H5CKPT_E_ARGUMENT);
    ck_assert_str_eq(error_message(&error), BAD_NAMES[_i].said);
}
END_TEST

START_TEST(every_control_character_is_refused)
{
    for (char byte = 1; byte < 0x7f; byte++) {
        char name[] = {'a', byte, 'b', '\0'};

        assert_status(schema_check_name("variable", name, &error), byte < 0x20 ? H5CKPT_E_ARGUMENT : H5CKPT_OK);
    }
}
END_TEST

/* Encode `code` in `byte_count` bytes of UTF-8's scheme, whether it should be or not. */
static void encode(char text[8], uint32_t code, unsigned byte_count)
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

    text[byte_count] = '\0';
    for (unsigned i = byte_count - 1; i > 0; i--, code >>= 6)
        text[i] = (char)(0x80 | (code & 0x3f));
    text[0] = (char)(byte_count == 1 ? code : lead[byte_count] | code);
}

START_TEST(every_code_point_is_a_name_in_its_shortest_form_only)
{
    static const uint32_t first[] = {0, 0x20, 0x80, 0x800, 0x10000, 0x110000};
    char name[8];

    for (uint32_t code = 0; code < 1 << 21; code++)
        for (unsigned byte_count = 2; byte_count <= 4; byte_count++) {
            bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
            bool is_shortest = code >= first[byte_count] && code < first[byte_count + 1];
            h5ckpt_status expected = is_shortest && !is_surrogate ? H5CKPT_OK : H5CKPT_E_ARGUMENT;

            if ((byte_count == 2 && code >= 1 << 11) || (byte_count == 3 && code >= 1 << 16))
                continue;
            encode(name, code, byte_count);
            if (schema_check_name("variable", name, &error) != expected)
                ck_abort_msg("U+%04" PRIX32 " in %u bytes should give %s", code, byte_count,
                             h5ckpt_status_name(expected));
        }
}
END_TEST

static char *name_of_length(size_t byte_count)
{
    char *name = malloc(byte_count + 1);

    ck_assert_ptr_nonnull(name);
    memset(name, 'n', byte_count);
    name[byte_count] = '\0';
    return name;
}

START_TEST(a_name_has_at_most_1023_bytes)
{
    char *name = name_of_length(1024);

    assert_status(schema_check_name("variable", name + 1, &error), H5CKPT_OK);
    assert_status(schema_check_name("variable", name, &error), H5CKPT_E_ARGUMENT);
    assert_mentions(error_message(&error), "the name is longer than 1023 bytes");
    free(name);
}
END_TEST

START_TEST(a_name_of_a_megabyte_is_refused_by_a_short_message)
{
    char *name = name_of_length(1 << 20);

    assert_status(schema_check_name("variable", name, &error), H5CKPT_E_ARGUMENT);
    assert_mentions(error_message(&error), "variable 'nnn");
    assert_mentions(error_message(&error), "…': the name is longer than 1023 bytes");
    free(name);
}
END_TEST

START_TEST(a_name_of_any_length_and_content_fits_its_text)
{
    static const char *const unit[] = {"n", "\xff", "\xc3\xb6", "\xf0\x9d\x9b\xbc", "\n", "a\xff"};
    char text[NAME_TEXT_BYTES + 1];
    char name[1024];

    for (size_t byte_count = 1; byte_count < 600; byte_count++) {
        const char *repeated = unit[_i];

        for (size_t i = 0; i < byte_count; i++)
            name[i] = repeated[i % strlen(repeated)];
        name[byte_count] = '\0';
        memset(text, '#', sizeof text);
        name_text(name, text);
        ck_assert_int_eq(text[NAME_TEXT_BYTES], '#');
        ck_assert_uint_lt(strlen(text), NAME_TEXT_BYTES);
        assert_status_message(schema_check_name("variable", text, &error), H5CKPT_OK,
                              error.message); /* printable UTF-8 */
    }
}
END_TEST

START_TEST(a_name_is_shown_as_it_is)
{
    char text[NAME_TEXT_BYTES];

    name_text(NAMES[_i], text);
    ck_assert_str_eq(text, NAMES[_i]);
}
END_TEST

static const struct {
    const char *path;
    const char *said; /* NULL: it is allowed */
} PATHS[] = {
    {"state/weights", NULL},
    {"state/state", NULL},
    {"progress/epoch", NULL},
    {"settings/optimizer/learning_rate", NULL},
    {"history/loss/train", NULL},
    {"", "variable '': the path is not below /state, /settings, /progress or /history"},
    {"weights", "the path is not below"},
    {"state", "the path is not below"},
    {"states/a", "the path is not below"},
    {"settings", "the path is not below"},
    {"setting/a", "the path is not below"},
    {"stat/a", "the path is not below"},
    {"/state/a", "the path is not below"},
    {"other/a", "the path is not below"},
    {"state/", "variable 'state/': the name is empty"},
    {"state//a", "variable 'state//a': the name has an empty part"},
    {"state/../a", "variable 'state/../a': the name has a part '..'"},
    {"state/\xff", "variable 'state/\\xff': the name is not valid UTF-8"},
};

START_TEST(a_path_from_a_file_is_a_group_of_ours_and_a_name)
{
    h5ckpt_status status = schema_check_path(PATHS[_i].path, &error);

    assert_status_message(status, PATHS[_i].said == NULL ? H5CKPT_OK : H5CKPT_E_ARGUMENT, error.message);
    if (PATHS[_i].said != NULL)
        assert_mentions(error_message(&error), PATHS[_i].said);
}
END_TEST

START_TEST(the_longest_name_is_allowed_below_its_group)
{
    char path[sizeof "progress/" + 1024];
    char *name = name_of_length(1024);

    snprintf(path, sizeof path, "progress/%s", name + 1);
    assert_status_message(schema_check_path(path, &error), H5CKPT_OK, error.message);
    snprintf(path, sizeof path, "progress/%s", name);
    assert_status(schema_check_path(path, &error), H5CKPT_E_ARGUMENT);
    free(name);
}
END_TEST

/* ------------------------------------------------------------------ entries */

START_TEST(entries_are_equal_in_name_element_rank_and_shape)
{
    const struct element element = {ELEMENT_INT, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 4};
    const struct schema_entry entry = {"state/a", element, 2, (const uint64_t[]){3, 4}, 48};
    struct schema_entry other[] = {entry, entry, entry, entry, entry, entry};
    char name[] = "state/a";

    other[0].name = name;
    other[0].shape = (const uint64_t[]){3, 4};
    other[1].name = "state/b";
    other[2].element.order = ELEMENT_ORDER_BIG;
    other[3].rank = 1;
    other[4].shape = (const uint64_t[]){4, 3};
    other[5].shape = (const uint64_t[]){3, 5};
    for (size_t i = 0; i < COUNT(other); i++) {
        ck_assert_int_eq(schema_entry_equal(&entry, &other[i]), i == 0);
        ck_assert_int_eq(schema_entry_equal(&other[i], &entry), i == 0);
    }
}
END_TEST

START_TEST(scalar_entries_are_equal_without_a_shape)
{
    const struct element element = {ELEMENT_INT, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 4};
    const struct schema_entry a = {"state/a", element, 0, NULL, 4};
    const struct schema_entry b = {"state/a", element, 0, (const uint64_t[]){9}, 4};

    ck_assert(schema_entry_equal(&a, &b));
}
END_TEST

static Suite *schema_suite(void)
{
    Suite *suite = suite_create("schema");
    TCase *elements = tcase_create("elements");
    TCase *shapes = tcase_create("shapes");
    TCase *names = tcase_create("names");

    tcase_add_checked_fixture(elements, setup, teardown);
    tcase_add_loop_test(elements, every_type_has_its_class_size_and_byte_order, 0, COUNT(TYPES));
    tcase_add_loop_test(elements, every_type_gives_an_element_that_the_format_knows, 0, COUNT(TYPES));
    tcase_add_loop_test(elements, every_type_is_called_by_its_name, 0, COUNT(TYPES));
    tcase_add_loop_test(elements, only_a_long_double_has_a_format, 0, COUNT(TYPES));
    tcase_add_test(elements, the_format_of_a_long_double_is_the_machines);
    tcase_add_loop_test(elements, a_number_that_names_no_type_is_refused_by_its_digits, 0, COUNT(NO_TYPES));
    tcase_add_test(elements, a_refused_type_leaves_the_element_as_it_was);
    tcase_add_loop_test(elements, an_element_from_a_file_is_known_only_if_the_format_has_it, 0, 12);
    tcase_add_test(elements, an_element_with_any_field_beyond_its_enumeration_is_unknown);
    tcase_add_test(elements, elements_are_equal_only_in_every_field);
    tcase_add_test(elements, only_x87_elements_have_padding);
    tcase_add_test(elements, a_long_doubles_value_lies_in_its_value_bytes);
    tcase_add_test(elements, an_element_of_the_other_byte_order_is_called_so);
    tcase_add_test(elements, known_elements_that_differ_are_called_differently);
    tcase_add_test(elements, the_longest_element_text_is_whole);
    tcase_add_test(elements, an_unknown_element_is_called_unknown);
    suite_add_tcase(suite, elements);

    tcase_add_checked_fixture(shapes, setup, teardown);
    tcase_add_loop_test(shapes, a_variables_bytes_are_its_extents_times_its_elements, 0, COUNT(SIZES));
    tcase_add_loop_test(shapes, a_shape_that_overflows_is_refused, 0, COUNT(BAD_SIZES));
    tcase_add_test(shapes, rank_32_is_the_highest);
    tcase_add_test(shapes, a_missing_shape_is_refused_unless_the_rank_is_0);
    tcase_add_test(shapes, a_shape_is_told_as_its_extents);
    tcase_add_test(shapes, a_long_shape_is_cut_and_says_so);
    tcase_add_test(shapes, a_shape_of_any_length_fits_its_text);
    suite_add_tcase(suite, shapes);

    tcase_add_checked_fixture(names, setup, teardown);
    tcase_add_loop_test(names, a_path_of_utf8_parts_is_a_name, 0, COUNT(NAMES));
    tcase_add_loop_test(names, a_bad_name_is_refused_with_the_name_and_the_reason, 0, COUNT(BAD_NAMES));
    tcase_add_test(names, every_control_character_is_refused);
    tcase_add_test(names, every_code_point_is_a_name_in_its_shortest_form_only);
    tcase_add_test(names, a_name_has_at_most_1023_bytes);
    tcase_add_test(names, a_name_of_a_megabyte_is_refused_by_a_short_message);
    tcase_add_loop_test(names, a_name_of_any_length_and_content_fits_its_text, 0, 6);
    tcase_add_loop_test(names, a_name_is_shown_as_it_is, 0, COUNT(NAMES));
    tcase_add_loop_test(names, a_path_from_a_file_is_a_group_of_ours_and_a_name, 0, COUNT(PATHS));
    tcase_add_test(names, the_longest_name_is_allowed_below_its_group);
    tcase_add_test(names, entries_are_equal_in_name_element_rank_and_shape);
    tcase_add_test(names, scalar_entries_are_equal_without_a_shape);
    suite_add_tcase(suite, names);
    return suite;
}

int main(void)
{
    return suite_run(schema_suite());
}
