/* SPDX-License-Identifier: MIT */
#include "state/finite.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/*
 * A number is not finite where all bits of its exponent are set (IEEE 754-2019, 3.4); it is NaN where any bit below is.
 */
struct interchange {
    uint32_t byte_count;
    uint64_t exponent;
    uint64_t fraction;
};

static const struct interchange INTERCHANGE[] = {
    {2, 0x7c00, 0x03ff},
    {4, 0x7f800000, 0x007fffff},
    {8, 0x7ff0000000000000, 0x000fffffffffffff},
};

enum { BATCH = 1024 };

/* Looked at in batches, which compilers turn into vector instructions: what is asked of every number must be cheap. */
#define DEFINE_FIND(type)                                                                  \
    static uint64_t find_##type(const unsigned char *bytes, uint64_t count, type exponent) \
    {                                                                                      \
        for (uint64_t begin = 0; begin < count; begin += BATCH) {                          \
            const uint64_t end = count - begin < BATCH ? count : begin + BATCH;            \
            type found = 0;                                                                \
            for (uint64_t i = begin; i < end; i++) {                                       \
                type bits;                                                                 \
                memcpy(&bits, bytes + i * sizeof bits, sizeof bits);                       \
                found |= (type)((bits & exponent) == exponent);                            \
            }                                                                              \
            for (uint64_t i = begin; found && i < end; i++) {                              \
                type bits;                                                                 \
                memcpy(&bits, bytes + i * sizeof bits, sizeof bits);                       \
                if ((bits & exponent) == exponent)                                         \
                    return i;                                                              \
            }                                                                              \
        }                                                                                  \
        return count;                                                                      \
    }

DEFINE_FIND(uint16_t)
DEFINE_FIND(uint32_t)
DEFINE_FIND(uint64_t)

static uint64_t find(const struct interchange *format, const unsigned char *bytes, uint64_t count)
{
    switch (format->byte_count) {
    case 2:
        return find_uint16_t(bytes, count, (uint16_t)format->exponent);
    case 4:
        return find_uint32_t(bytes, count, (uint32_t)format->exponent);
    default:
        return find_uint64_t(bytes, count, format->exponent);
    }
}

static const char *value_name(bool nan, bool negative)
{
    if (nan)
        return "nan";
    return negative ? "-inf" : "inf";
}

/* The machine's byte order, as the program's memory has it. */
static uint64_t bits_at(const struct interchange *format, const unsigned char *bytes, uint64_t index)
{
    const unsigned char *at = bytes + index * format->byte_count;
    uint64_t bits = 0;

    for (uint32_t i = 0; i < format->byte_count; i++) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        bits |= (uint64_t)at[i] << 8 * i;
#else
        bits = bits << 8 | at[i];
#endif
    }
    return bits;
}

static bool find_long_double(const unsigned char *bytes, uint64_t count, struct finite_exception *exception)
{
    for (uint64_t i = 0; i < count; i++) {
        long double number;
        memcpy(&number, bytes + i * sizeof number, sizeof number);
        if (isfinite(number))
            continue;
        *exception = (struct finite_exception){i, value_name(isnan(number), signbit(number))};
        return true;
    }
    return false;
}

bool finite_applies_to(const struct element *element)
{
    return element->class == ELEMENT_FLOAT || element->class == ELEMENT_LONG_DOUBLE ||
           element->class == ELEMENT_COMPLEX;
}

bool finite_find_exception(const struct schema_entry *entry, const void *bytes, struct finite_exception *exception)
{
    const unsigned parts = entry->element.class == ELEMENT_COMPLEX ? 2 : 1;
    const uint64_t count = entry->byte_count / entry->element.byte_count * parts;
    const struct interchange *format = INTERCHANGE;

    assert(finite_applies_to(&entry->element));
    if (entry->element.class == ELEMENT_LONG_DOUBLE)
        return find_long_double(bytes, count, exception);
    while (format->byte_count * parts != entry->element.byte_count)
        format++;
    const uint64_t found = find(format, bytes, count);
    if (found == count)
        return false;
    const uint64_t bits = bits_at(format, bytes, found);
    *exception =
        (struct finite_exception){found / parts, value_name((bits & format->fraction) != 0,
                                                            (bits & ~(format->exponent | format->fraction)) != 0)};
    return true;
}
