/* SPDX-License-Identifier: MIT */
#include "state/value.h"

#include <assert.h>
#include <ctype.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NUMBER_TEXT_BYTES = 64,
    NEAR_BYTES = 24, /* of a string, before what it is shown for */
};

/* 1, 2, 4 or 8 bytes as this machine holds them. */
static uint64_t unsigned_of(const void *bytes, size_t byte_count)
{
    uint16_t of_16;
    uint32_t of_32;
    uint64_t of_64;

    switch (byte_count) {
    case 1:
        return *(const unsigned char *)bytes;
    case 2:
        memcpy(&of_16, bytes, sizeof of_16);
        return of_16;
    case 4:
        memcpy(&of_32, bytes, sizeof of_32);
        return of_32;
    default:
        memcpy(&of_64, bytes, sizeof of_64);
        return of_64;
    }
}

/* Two's complement, whose sign is carried on to the left. */
static int64_t signed_of(const void *bytes, size_t byte_count)
{
    const uint64_t sign = UINT64_C(1) << (8 * byte_count - 1);

    return (int64_t)((unsigned_of(bytes, byte_count) ^ sign) - sign);
}

/* IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction. */
static float half(uint16_t bits)
{
    const int exponent = bits >> 10 & 0x1f;
    const int fraction = bits & 0x3ff;
    float magnitude;

    if (exponent == 0x1f)
        magnitude = fraction == 0 ? INFINITY : NAN;
    else if (exponent == 0)
        magnitude = ldexpf((float)fraction, -24);
    else
        magnitude = ldexpf((float)(fraction | 0x400), exponent - 25);
    return bits >> 15 ? -magnitude : magnitude;
}

/*
 * Whatever is no digit, sign or exponent of a finite number is the point. No call that asks for the locale is safe
 * beside one that sets it.
 */
void value_point(char *text)
{
    char *point = text + strspn(text, "+-0123456789");

    if (!isdigit((unsigned char)text[strspn(text, "+-")]) || *point == '\0' || *point == 'e')
        return;
    memmove(point + 1, point + strcspn(point, "0123456789"), strlen(point + strcspn(point, "0123456789")) + 1);
    *point = '.';
}

static void float_text(float number, char text[NUMBER_TEXT_BYTES])
{
    for (int digits = 1; digits <= FLT_DECIMAL_DIG; digits++) {
        snprintf(text, NUMBER_TEXT_BYTES, "%.*g", digits, (double)number);
        if (strtof(text, NULL) == number)
            return;
    }
}

static void double_text(double number, char text[NUMBER_TEXT_BYTES])
{
    for (int digits = 1; digits <= DBL_DECIMAL_DIG; digits++) {
        snprintf(text, NUMBER_TEXT_BYTES, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            return;
    }
}

static void long_double_text(long double number, char text[NUMBER_TEXT_BYTES])
{
    for (int digits = 1; digits <= LDBL_DECIMAL_DIG; digits++) {
        snprintf(text, NUMBER_TEXT_BYTES, "%.*Lg", digits, number);
        if (strtold(text, NULL) == number)
            return;
    }
}

static void floating_text(const void *bytes, size_t byte_count, char text[NUMBER_TEXT_BYTES])
{
    float single;
    double number;

    switch (byte_count) {
    case 2:
        float_text(half((uint16_t)unsigned_of(bytes, 2)), text);
        break;
    case 4:
        memcpy(&single, bytes, sizeof single);
        float_text(single, text);
        break;
    default:
        memcpy(&number, bytes, sizeof number);
        double_text(number, text);
        break;
    }
    value_point(text);
}

static void complex_text(const unsigned char *bytes, size_t byte_count, char text[VALUE_TEXT_BYTES])
{
    char real[NUMBER_TEXT_BYTES];
    char imaginary[NUMBER_TEXT_BYTES];

    floating_text(bytes, byte_count / 2, real);
    floating_text(bytes + byte_count / 2, byte_count / 2, imaginary);
    snprintf(text, VALUE_TEXT_BYTES, "%s%s%si", real, imaginary[0] == '-' ? "" : "+", imaginary);
}

size_t value_string_length(const struct element *element, const void *bytes)
{
    return strnlen(bytes, element->byte_count);
}

/* More of the string than its text has room for makes no difference. */
static void safe_text(const char *string, size_t length, char safe[NAME_TEXT_BYTES])
{
    const size_t shown = length < NAME_TEXT_BYTES ? length : NAME_TEXT_BYTES;
    char part[NAME_TEXT_BYTES + 1];

    memcpy(part, string, shown);
    part[shown] = '\0';
    name_text(part, safe);
}

static void string_text(const struct element *element, const void *bytes, char text[VALUE_TEXT_BYTES])
{
    char safe[NAME_TEXT_BYTES];

    safe_text(bytes, value_string_length(element, bytes), safe);
    snprintf(text, VALUE_TEXT_BYTES, "'%s'", safe);
}

void value_string_near(const struct element *element, const void *bytes, size_t at, char text[VALUE_NEAR_BYTES])
{
    const char *string = bytes;
    size_t from = at < NEAR_BYTES ? 0 : at - NEAR_BYTES;
    char safe[NAME_TEXT_BYTES];

    while (from < at && (string[from] & 0xc0) == 0x80) /* the rest of a character */
        from++;
    safe_text(string + from, value_string_length(element, bytes) - from, safe);
    snprintf(text, VALUE_NEAR_BYTES, "'%s%s'", from == 0 ? "" : "…", safe);
}

bool value_is_showable(const struct element *element)
{
    return element->class != ELEMENT_OPAQUE && element_is_this_machines(element);
}

void value_text(const struct element *element, const void *bytes, char text[VALUE_TEXT_BYTES])
{
    char number[NUMBER_TEXT_BYTES] = "";
    long double extended;

    assert(value_is_showable(element));
    switch (element->class) {
    case ELEMENT_INT:
        snprintf(number, sizeof number, "%" PRId64, signed_of(bytes, element->byte_count));
        break;
    case ELEMENT_UINT:
        snprintf(number, sizeof number, "%" PRIu64, unsigned_of(bytes, element->byte_count));
        break;
    case ELEMENT_FLOAT:
        floating_text(bytes, element->byte_count, number);
        break;
    case ELEMENT_LONG_DOUBLE:
        memcpy(&extended, bytes, sizeof extended);
        long_double_text(extended, number);
        value_point(number);
        break;
    case ELEMENT_BOOL:
        strcpy(number, unsigned_of(bytes, element->byte_count) == 0 ? "false" : "true");
        break;
    case ELEMENT_COMPLEX:
        complex_text(bytes, element->byte_count, text);
        return;
    case ELEMENT_STRING:
        string_text(element, bytes, text);
        return;
    case ELEMENT_OPAQUE:
        break;
    }
    strcpy(text, number);
}

void values_text(const struct schema_entry *entry, const void *bytes, char text[VALUES_TEXT_BYTES])
{
    static const char CUT[] = ", …]";
    const uint64_t stride = entry->element.byte_count;
    size_t length = 1;

    text[0] = '\0';
    if (!value_is_showable(&entry->element))
        return;
    if (entry->rank == 0) {
        value_text(&entry->element, bytes, text);
        return;
    }
    strcpy(text, "[");
    for (uint64_t i = 0; i < entry->byte_count / stride; i++) {
        char value[VALUE_TEXT_BYTES];
        value_text(&entry->element, (const unsigned char *)bytes + i * stride, value);
        if (length + strlen(value) + sizeof ", " + sizeof CUT > VALUES_TEXT_BYTES) {
            strcpy(text + length, CUT);
            return;
        }
        length += (size_t)sprintf(text + length, "%s%s", i == 0 ? "" : ", ", value);
    }
    strcpy(text + length, "]");
}
