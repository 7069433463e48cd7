/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>

#include "verdict.h"

void memory_exhausted(void)
{
    fputs("h5ckpt: out of memory\n", stderr); /* not by text_complain(), which allocates */
    exit(VERDICT_UNKNOWN);
}

void *memory_check(void *memory)
{
    if (memory == NULL)
        memory_exhausted();
    return memory;
}

void *memory_for_one_more(void *array, size_t count, size_t element_bytes)
{
    if ((count & (count - 1)) != 0) /* the capacity is the next power of two */
        return array;
    return memory_check(reallocarray(array, count == 0 ? 1 : 2 * count, element_bytes));
}
