/* SPDX-License-Identifier: MIT */
#include "checksum.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY /* the size of its state */
#include <xxhash.h>
#ifdef H5CKPT_XXH_DISPATCH
#include <immintrin.h>
#include <xxh_x86dispatch.h> /* the same functions, by the widest vectors that this processor has: twice as fast */
#endif

static_assert(sizeof(XXH3_state_t) <= sizeof(struct checksum_stream), "its state has room");
static_assert(alignof(XXH3_state_t) <= alignof(struct checksum_stream), "and lies where it must");

/*
 * libxxhash's functions for wider vectors return with the upper halves of the registers in use. The caller's SSE
 * instructions would from then on be several times slower (Intel 64 and IA-32 Optimization Reference Manual, "Mixing
 * AVX code with SSE code"): a program's step, long after its save.
 */
#ifdef H5CKPT_XXH_DISPATCH
__attribute__((target("avx"))) static void clear_upper_halves(void)
{
    _mm256_zeroupper();
}

static void leave_registers_as_found(void)
{
    if (__builtin_cpu_supports("avx"))
        clear_upper_halves();
}
#else
static void leave_registers_as_found(void)
{
}
#endif

static struct checksum canonical(XXH128_hash_t hash)
{
    XXH128_canonical_t digest;
    struct checksum checksum;

    XXH128_canonicalFromHash(&digest, hash);
    memcpy(checksum.byte, digest.digest, sizeof checksum.byte);
    return checksum;
}

struct checksum checksum_of(const void *bytes, size_t byte_count)
{
    const XXH128_hash_t hash = XXH3_128bits(bytes, byte_count);

    leave_registers_as_found();
    return canonical(hash);
}

void checksum_begin(struct checksum_stream *stream)
{
    XXH3_128bits_reset((XXH3_state_t *)stream->state);
}

void checksum_update(struct checksum_stream *stream, const void *bytes, size_t byte_count)
{
    XXH3_128bits_update((XXH3_state_t *)stream->state, bytes, byte_count);
    leave_registers_as_found();
}

struct checksum checksum_end(const struct checksum_stream *stream)
{
    return canonical(XXH3_128bits_digest((const XXH3_state_t *)stream->state));
}

bool checksum_equal(const struct checksum *a, const struct checksum *b)
{
    return memcmp(a->byte, b->byte, sizeof a->byte) == 0;
}

void checksum_text(const struct checksum *checksum, char text[CHECKSUM_TEXT_BYTES])
{
    for (size_t i = 0; i < CHECKSUM_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", checksum->byte[i]);
}
