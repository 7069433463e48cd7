/* SPDX-License-Identifier: MIT */
/*
 * seen: the states that were tried, as a set of numbers.
 */
#ifndef H5CKPT_TEST_SEEN_H
#define H5CKPT_TEST_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seen;

struct seen *seen_new(void);
void seen_free(struct seen *seen);

/* Note a state; false if it was noted before. */
bool seen_is_new(struct seen *seen, uint64_t key);

/* A number's bits, well shuffled. */
uint64_t seen_mix(uint64_t value);

/* Memory, or the end of the program. */
void *zeroed_or_abort(size_t count, size_t byte_count);

#endif
