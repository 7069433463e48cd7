/* SPDX-License-Identifier: MIT */
/*
 * bytes: little-endian integers in byte arrays, and rounding; what every codec of the format needs.
 */
#ifndef H5CKPT_BYTES_H
#define H5CKPT_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline void bytes_put_u16(unsigned char *to, uint16_t value)
{
    value = htole16(value);
    memcpy(to, &value, sizeof value);
}

static inline void bytes_put_u32(unsigned char *to, uint32_t value)
{
    value = htole32(value);
    memcpy(to, &value, sizeof value);
}

static inline void bytes_put_u64(unsigned char *to, uint64_t value)
{
    value = htole64(value);
    memcpy(to, &value, sizeof value);
}

static inline uint16_t bytes_get_u16(const unsigned char *from)
{
    uint16_t value;

    memcpy(&value, from, sizeof value);
    return le16toh(value);
}

static inline uint32_t bytes_get_u32(const unsigned char *from)
{
    uint32_t value;

    memcpy(&value, from, sizeof value);
    return le32toh(value);
}

static inline uint64_t bytes_get_u64(const unsigned char *from)
{
    uint64_t value;

    memcpy(&value, from, sizeof value);
    return le64toh(value);
}

/* `multiple` is a power of two; `value` is far from overflow (FORMAT_FILE_BYTES_MAX). */
static inline uint64_t bytes_round_down(uint64_t value, uint64_t multiple)
{
    return value & ~(multiple - 1);
}

static inline uint64_t bytes_round_up(uint64_t value, uint64_t multiple)
{
    return bytes_round_down(value + multiple - 1, multiple);
}

#endif
