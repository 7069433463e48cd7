/* SPDX-License-Identifier: MIT */
#include "checksum.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

struct checksum checksum_of(const void *bytes, size_t byte_count)
{
    XXH128_canonical_t canonical;
    struct checksum checksum;

    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, byte_count));
    memcpy(checksum.byte, canonical.digest, sizeof checksum.byte);
    return checksum;
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
