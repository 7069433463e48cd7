/* SPDX-License-Identifier: MIT */
/*
 * memory: for a command that can do nothing sensible without it. Where there is none, these say so and end the process
 * with VERDICT_UNKNOWN.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>

/* Is it there? Else the end. For memory that others allocate: memory_check(strdup(text)). */
void *memory_check(void *memory);

/* Room for one more element in an array that was only ever grown by this; NULL is the array of none. */
void *memory_for_one_more(void *array, size_t count, size_t element_bytes);

_Noreturn void memory_exhausted(void);

#endif
