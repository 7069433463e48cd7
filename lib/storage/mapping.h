/* SPDX-License-Identifier: MIT */
/*
 * mapping: does a copy-on-write child see what this process sees at an address? Not where memory is shared with others
 * (it would go on changing), where the program asked that a child gets zeros (MADV_WIPEONFORK) or nothing
 * (MADV_DONTFORK). The kernel tells in /proc/self/smaps. Allocates nothing: a child may ask, too.
 */
#ifndef H5CKPT_MAPPING_H
#define H5CKPT_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mapping {
    uintptr_t begin;
    uintptr_t end;
    bool shared;
    bool wiped;  /* "wf" */
    bool absent; /* "dc" */
};

/* Take in one line of smaps. Returns whether `mapping` is complete: its flags come last. Pure. */
bool mapping_read_line(struct mapping *mapping, const char *line);

/* Why a child would not see the memory in `mapping` as it is; NULL: it does. Pure. */
const char *mapping_refusal(const struct mapping *mapping);

/* Go through all mappings until `visit` is false. Returns 0, or the errno for which they cannot be told. */
int mapping_visit_all(bool (*visit)(void *context, const struct mapping *mapping), void *context);

#endif
