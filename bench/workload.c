/* SPDX-License-Identifier: MIT */
#include "workload.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
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

/* A system without huge pages refuses this, and has small ones anyway. */
static void advise(struct workload_memory memory, enum workload_pages pages)
{
    if (pages != WORKLOAD_PAGES_ANY)
        madvise(memory.bytes, memory.byte_count, pages == WORKLOAD_PAGES_HUGE ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

struct workload_memory workload_memory_make(size_t byte_count)
{
    return workload_memory_make_of(byte_count, WORKLOAD_PAGES_ANY);
}

struct workload_memory workload_memory_make_of(size_t byte_count, enum workload_pages pages)
{
    struct workload_memory memory = {
        .byte_count = round_up(byte_count, PAGE_BYTES),
        .huge = pages == WORKLOAD_PAGES_HUGE,
    };
    void *bytes = mmap(NULL, memory.byte_count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (bytes == MAP_FAILED)
        fail_system("no memory for %zu bytes", byte_count);
    memory.bytes = bytes;
    advise(memory, pages);
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

void workload_memory_mend(struct workload_memory memory)
{
    enum { COLLAPSE = 25 }; /* MADV_COLLAPSE, since Linux 6.1 */

    if (memory.huge)
        madvise(memory.bytes, memory.byte_count, COLLAPSE);
}

/*
 * The first line of a mapping in proc(5)'s smaps, "7f00c0000000-7f0100000000 rw-p …"? Is it, in part at least, that
 * memory?
 */
static bool begins_mapping(const char *line, struct workload_memory memory, bool *inside)
{
    const uintptr_t first = (uintptr_t)memory.bytes;
    uintptr_t begin;
    uintptr_t end;

    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &begin, &end) != 2)
        return false;
    *inside = begin < first + memory.byte_count && end > first;
    return true;
}

double workload_memory_huge_share(struct workload_memory memory)
{
    FILE *mappings = fopen("/proc/self/smaps", "re");
    bool inside = false;
    double huge_kib = 0;
    double kib;
    char line[512];

    while (mappings != NULL && fgets(line, sizeof line, mappings) != NULL)
        if (!begins_mapping(line, memory, &inside) && inside && sscanf(line, "AnonHugePages: %lf", &kib) == 1)
            huge_kib += kib;
    if (mappings != NULL)
        fclose(mappings);
    return 1024 * huge_kib / (double)memory.byte_count;
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

static uint64_t next_number(void)
{
    static uint64_t number;

    return ++number;
}

uint64_t workload_renew(const struct workload *workload)
{
    const uint64_t number = next_number();

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

/* ---------------------------------------------------------------------- changes */

/* The word that change `number` has for a piece: its upper half decides, and it is written. */
static uint64_t change_at(uint64_t number, size_t array, size_t piece)
{
    return scramble(scramble(scramble(~number) + array) + piece);
}

bool workload_was_changed(struct workload_change change, size_t array, size_t piece)
{
    return (double)(change_at(change.number, array, piece) >> 32) < change.share * 0x1p32;
}

struct workload_change workload_change(const struct workload *workload, double share)
{
    const struct workload_change change = {next_number(), share};

    for (size_t i = 0; i < workload->array_count; i++) {
        const struct workload_array *array = &workload->arrays[i];
        for (size_t piece = 0; piece * WORKLOAD_PIECE_BYTES < array->byte_count; piece++) {
            const uint64_t word = change_at(change.number, i, piece);
            if (workload_was_changed(change, i, piece))
                memcpy(array->bytes + piece * WORKLOAD_PIECE_BYTES, &word, WORKLOAD_ELEMENT_BYTES);
        }
    }
    return change;
}

void workload_scribble(const struct workload *workload, size_t count)
{
    static uint64_t word;

    for (size_t i = 0; i < count; i++) {
        word = scramble(word + i);
        const struct workload_array *array = &workload->arrays[word % workload->array_count];
        const size_t place = (word >> 32) % (array->byte_count / WORD_BYTES);
        memcpy(array->bytes + place * WORD_BYTES, &word, sizeof word);
    }
}
