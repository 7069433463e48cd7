/* SPDX-License-Identifier: MIT */
#include "storage/copy.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/*
 * A store that goes past the caches spares reading the line that it is about to overwrite: a third of a copy's traffic
 * (Intel 64 and IA-32 Optimization Reference Manual, "Non-temporal stores").
 */
void copy_past_caches(void *to, const void *from, size_t byte_count)
{
#ifdef __SSE2__
    __m128i *target = to;
    const __m128i *source = from;

    for (size_t i = 0; i < byte_count / sizeof *target; i += 4) {
        const __m128i a = _mm_load_si128(source + i);
        const __m128i b = _mm_load_si128(source + i + 1);
        const __m128i c = _mm_load_si128(source + i + 2);
        const __m128i d = _mm_load_si128(source + i + 3);
        _mm_stream_si128(target + i, a);
        _mm_stream_si128(target + i + 1, b);
        _mm_stream_si128(target + i + 2, c);
        _mm_stream_si128(target + i + 3, d);
    }
#else
    memcpy(to, from, byte_count);
#endif
}

void copy_finish(void)
{
#ifdef __SSE2__
    _mm_sfence();
#endif
}
