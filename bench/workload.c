/* SPDX-License-Identifier: MIT */
#include "workload.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "failure.h"
#include "memory.h"

enum { PAGE_BYTES = 4096, CACHE_LINE_BYTES = 64, SKEW_BYTES = 8, WORD_BYTES = sizeof(uint64_t) };

static uint64_t round_up(uint64_t number, uint64_t multiple)
{
    return (number + multiple - 1) / multiple * multiple;
}

/* Splitmix64 (Steele, Lea, Flood 2014; Vigna's constants): any two inputs that differ look unrelated. */
static uint64_t scramble(uint64_t number)
{
    number += UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

/* --------------------------------------------------------------------- memory */

struct workload_memory workload_memory_make(size_t byte_count)
{
    struct workload_memory memory = {.byte_count = round_up(byte_count, PAGE_BYTES)};
    void *bytes = mmap(NULL, memory.byte_count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (bytes == MAP_FAILED)
        fail_system("no memory for %zu bytes", byte_count);
    memory.bytes = bytes;
    for (size_t offset = 0; offset < memory.byte_count; offset += sizeof(uint64_t)) {
        const uint64_t word = scramble(offset);
        memcpy(memory.bytes + offset, &word, sizeof word);
    }
    return memory;
}

void workload_memory_free(struct workload_memory *memory)
{
    munmap(memory->bytes, memory->byte_count);
    *memory = (struct workload_memory){0};
}

/* --------------------------------------------------------------------- arrays */

/* Where the arrays lie: the first `longer_count` have a word more than the others. */
struct cut {
    size_t word_count;
    size_t longer_count;
    size_t stride;
};

static struct cut cut(uint64_t byte_count, size_t array_count)
{
    const uint64_t word_count = byte_count / WORD_BYTES;
    struct cut cut;

    assert(array_count > 0 && word_count >= array_count);
    cut.word_count = word_count / array_count;
    cut.longer_count = word_count % array_count;
    const size_t longest = (cut.word_count + (cut.longer_count > 0)) * WORD_BYTES;
    cut.stride = round_up(longest, longest >= PAGE_BYTES ? PAGE_BYTES : CACHE_LINE_BYTES);
    return cut;
}

size_t workload_span(uint64_t byte_count, size_t array_count)
{
    const struct cut c = cut(byte_count, array_count);

    return round_up((array_count - 1) * c.stride + (c.word_count + 1) * WORD_BYTES + SKEW_BYTES, PAGE_BYTES);
}

struct workload workload_cut(struct workload_memory memory, uint64_t byte_count, size_t array_count, bool unaligned)
{
    const struct cut c = cut(byte_count, array_count);
    struct workload workload = {
        .arrays = memory_check(calloc(array_count, sizeof *workload.arrays)),
        .array_count = array_count,
        .byte_count = byte_count / WORD_BYTES * WORD_BYTES,
    };

    assert(memory.byte_count >= workload_span(byte_count, array_count));
    for (size_t i = 0; i < array_count; i++)
        workload.arrays[i] = (struct workload_array){
            .bytes = memory.bytes + i * c.stride + (unaligned ? SKEW_BYTES : 0),
            .byte_count = (c.word_count + (i < c.longer_count)) * WORD_BYTES,
        };
    return workload;
}

void workload_free(struct workload *workload)
{
    free(workload->arrays);
    *workload = (struct workload){0};
}

/* -------------------------------------------------------------------- content */

/* The word of content `number` at `offset` of an array. */
static uint64_t word_at(uint64_t number, size_t array, size_t offset)
{
    return scramble(scramble(scramble(number) + array) + offset);
}

uint64_t workload_renew(const struct workload *workload)
{
    static uint64_t number;

    number++;
    for (size_t i = 0; i < workload->array_count; i++) {
        const struct workload_array *array = &workload->arrays[i];
        for (size_t offset = 0; offset + WORD_BYTES <= array->byte_count; offset += PAGE_BYTES) {
            const uint64_t word = word_at(number, i, offset);
            memcpy(array->bytes + offset, &word, sizeof word);
        }
    }
    return number;
}

bool workload_holds(const struct workload *workload, uint64_t number)
{
    for (size_t i = 0; i < workload->array_count; i++) {
        const struct workload_array *array = &workload->arrays[i];
        for (size_t offset = 0; offset + WORD_BYTES <= array->byte_count; offset += PAGE_BYTES) {
            const uint64_t word = word_at(number, i, offset);
            if (memcmp(array->bytes + offset, &word, sizeof word) != 0)
                return false;
        }
    }
    return true;
}
