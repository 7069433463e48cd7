/* SPDX-License-Identifier: MIT */
#include "crash/seen.h"

#include <stdio.h>
#include <stdlib.h>

struct seen {
    uint64_t *key;   /* open addressing; 0: free */
    size_t capacity; /* a power of two */
    size_t count;
};

void *zeroed_or_abort(size_t count, size_t byte_count)
{
    void *memory = calloc(count, byte_count);

    if (memory == NULL) {
        fputs("crash: out of memory\n", stderr);
        abort();
    }
    return memory;
}

struct seen *seen_new(void)
{
    struct seen *seen = zeroed_or_abort(1, sizeof *seen);

    seen->capacity = 1 << 14;
    seen->key = zeroed_or_abort(seen->capacity, sizeof *seen->key);
    return seen;
}

void seen_free(struct seen *seen)
{
    free(seen->key);
    free(seen);
}

static bool insert(struct seen *seen, uint64_t key)
{
    size_t at = key & (seen->capacity - 1);

    for (; seen->key[at] != 0; at = (at + 1) & (seen->capacity - 1))
        if (seen->key[at] == key)
            return false;
    seen->key[at] = key;
    seen->count++;
    return true;
}

bool seen_is_new(struct seen *seen, uint64_t key)
{
    if (2 * seen->count >= seen->capacity) {
        struct seen larger = {.capacity = 2 * seen->capacity};
        larger.key = zeroed_or_abort(larger.capacity, sizeof *larger.key);
        for (size_t i = 0; i < seen->capacity; i++)
            if (seen->key[i] != 0)
                insert(&larger, seen->key[i]);
        free(seen->key);
        *seen = larger;
    }
    return insert(seen, key == 0 ? 1 : key);
}

uint64_t seen_mix(uint64_t value)
{
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}
