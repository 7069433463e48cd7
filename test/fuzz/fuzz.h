/* SPDX-License-Identifier: MIT */
/*
 * fuzz: what the fuzz targets share. A target gets bytes (LLVMFuzzerTestOneInput), does with the library what they say,
 * and aborts where something does not hold that must. libFuzzer invents the bytes where the compiler has it; elsewhere
 * replay.c brings those in the tree.
 */
#ifndef H5CKPT_TEST_FUZZ_H
#define H5CKPT_TEST_FUZZ_H

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libFuzzer's names. Before the first input; for each of them, 0. */
int LLVMFuzzerInitialize(int *argument_count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

/* What must hold, or this input is a finding; the rest says what was wrong. */
#define fuzz_must(condition, ...)                                                   \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s: ", __FILE__, __LINE__, #condition); \
            fprintf(stderr, __VA_ARGS__);                                           \
            fputc('\n', stderr);                                                    \
            abort();                                                                \
        }                                                                           \
    } while (0)

/* What is left of an input; behind its end come zeros. */
struct input {
    const uint8_t *bytes;
    size_t byte_count;
};

static inline uint64_t input_take(struct input *input, size_t byte_count)
{
    uint64_t value = 0;

    for (size_t i = 0; i < byte_count && input->byte_count > 0; i++) {
        value |= (uint64_t)*input->bytes++ << 8 * i;
        input->byte_count--;
    }
    return value;
}

#endif
