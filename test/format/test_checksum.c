/* SPDX-License-Identifier: MIT */
/* The format's checksum: published digests, the same in pieces, and a processor that is left as it was found. */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "checksum.h"
#include "support/suite.h"

enum { BYTE_COUNT = 1 << 16 };

static void assert_text(struct checksum checksum, const char *expected)
{
    char text[CHECKSUM_TEXT_BYTES];

    checksum_text(&checksum, text);
    ck_assert_str_eq(text, expected);
}

static unsigned char bytes[BYTE_COUNT];

static void fill_bytes(void)
{
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * i >> 3);
}

START_TEST(digests_are_those_that_xxhsum_prints)
{
    assert_text(checksum_of("", 0), "99aa06d3014798d86001c324468d497f");
    assert_text(checksum_of("h5ckpt", 6), "ad32494eccb92a3aa701093d531f210a");
    assert_text(checksum_of(bytes, sizeof bytes), "b1011a726eadac3456f490d29636498c");
}
END_TEST

START_TEST(bytes_that_come_in_pieces_have_the_same_digest)
{
    struct checksum_stream stream;
    const struct checksum whole = checksum_of(bytes, sizeof bytes);

    for (size_t piece = 1; piece < sizeof bytes; piece += 1 + piece * 3) {
        checksum_begin(&stream);
        for (size_t done = 0; done < sizeof bytes; done += piece)
            checksum_update(&stream, bytes + done, done + piece < sizeof bytes ? piece : sizeof bytes - done);
        const struct checksum in_pieces = checksum_end(&stream);
        ck_assert(checksum_equal(&in_pieces, &whole));
    }
}
END_TEST

#ifdef __x86_64__
enum { UPPER_HALVES = 1 << 2 | 1 << 6 }; /* of the registers that SSE uses: those of AVX, and of AVX-512 */

/* XGETBV, register 1: which registers are not in their initial state (Intel 64 and IA-32 manual, volume 1, 13.6). */
static uint32_t registers_in_use(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1));
    return low & UPPER_HALVES;
}

static bool tells_registers_in_use(void)
{
    unsigned a, b, c, d;
    const bool has_xsave = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_OSXSAVE) != 0 && (c & bit_AVX) != 0;

    return has_xsave && __get_cpuid_count(0xd, 1, &a, &b, &c, &d) != 0 && (a & 1 << 2) != 0;
}

static void use_upper_halves(void)
{
    __asm__ volatile("vpcmpeqd %%xmm0, %%xmm0, %%xmm0\n\tvinsertf128 $1, %%xmm0, %%ymm0, %%ymm0" ::: "xmm0");
}

static void clear_upper_halves(void)
{
    __asm__ volatile("vzeroupper" ::: "memory");
}

/* Upper halves in use make every later SSE instruction of the thread slower: a program's step, long after its save. */
START_TEST(no_upper_half_of_a_register_is_left_in_use)
{
    struct checksum_stream stream;
    uint32_t after_sum, after_update, after_end;

    if (!tells_registers_in_use())
        return;
    use_upper_halves();
    ck_assert_uint_ne(registers_in_use(), 0);

    clear_upper_halves();
    checksum_of(bytes, sizeof bytes);
    after_sum = registers_in_use();
    checksum_begin(&stream);
    checksum_update(&stream, bytes, sizeof bytes);
    after_update = registers_in_use();
    checksum_end(&stream);
    after_end = registers_in_use();
    ck_assert_uint_eq(after_sum, 0);
    ck_assert_uint_eq(after_update, 0);
    ck_assert_uint_eq(after_end, 0);
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("checksum");
    TCase *tcase = tcase_create("checksum");

    tcase_add_checked_fixture(tcase, fill_bytes, NULL);
    tcase_add_test(tcase, digests_are_those_that_xxhsum_prints);
    tcase_add_test(tcase, bytes_that_come_in_pieces_have_the_same_digest);
#ifdef __x86_64__
    tcase_add_test(tcase, no_upper_half_of_a_register_is_left_in_use);
#endif
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
