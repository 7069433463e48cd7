/* SPDX-License-Identifier: MIT */
#include "checksum.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY /* the size of its state */
#include <xxhash.h>
#ifdef H5CKPT_XXH_DISPATCH
#include <xxh_x86dispatch.h> /* the same functions, by the widest vectors that this processor has: twice as fast */
#endif

static_assert(sizeof(XXH3_state_t) <= sizeof(struct checksum_stream), "its state has room");
static_assert(alignof(XXH3_state_t) <= alignof(struct checksum_stream), "and lies where it must");

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
    return canonical(XXH3_128bits(bytes, byte_count));
}

void checksum_begin(struct checksum_stream *stream)
{
    XXH3_128bits_reset((XXH3_state_t *)stream->state);
}

void checksum_update(struct checksum_stream *stream, const void *bytes, size_t byte_count)
{
    XXH3_128bits_update((XXH3_state_t *)stream->state, bytes, byte_count);
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
