/* SPDX-License-Identifier: MIT */
/*
 * workload: the arrays that are saved. Incompressible bytes, the same in every run of the program, in memory that has
 * been touched before anything is timed.
 */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WORKLOAD_ELEMENT_BYTES = sizeof(float),
    WORKLOAD_ARRAY_BYTES_MIN = sizeof(uint64_t),
    WORKLOAD_PIECE_BYTES = 64 * 1024, /* of an array, the last one shorter: what h5ckpt skips or writes as a whole */
};

struct workload_array {
    unsigned char *bytes;
    size_t byte_count; /* a multiple of WORKLOAD_ELEMENT_BYTES, at least WORKLOAD_ARRAY_BYTES_MIN */
};

/* Whole pages that were written to. */
struct workload_memory {
    unsigned char *bytes;
    size_t byte_count;
    bool huge; /* of huge pages, as far as there are any */
};

struct workload {
    struct workload_array *arrays;
    size_t array_count;
    uint64_t byte_count; /* of all arrays */
};

enum workload_pages {
    WORKLOAD_PAGES_ANY,   /* as the system is set up */
    WORKLOAD_PAGES_SMALL, /* of 4 KiB */
    WORKLOAD_PAGES_HUGE,  /* of 2 MiB, where the system has any */
};

/* At least so much, filled. Ends the program where there is none. */
struct workload_memory workload_memory_make(size_t byte_count);
struct workload_memory workload_memory_make_of(size_t byte_count, enum workload_pages pages);
void workload_memory_free(struct workload_memory *memory);

/* Gather small pages into huge ones again, where the memory was made of those. Older systems cannot. */
void workload_memory_mend(struct workload_memory memory);

/* How much of it lies in huge pages, from 0 to 1. */
double workload_memory_huge_share(struct workload_memory memory);

/* How much memory a workload takes. */
size_t workload_span(uint64_t byte_count, size_t array_count);

/*
 * Cut memory into arrays of about the same size: of at least a page at page boundaries, smaller ones at cache lines;
 * `unaligned`: eight bytes behind them. The same memory may be cut in several ways; it stays the caller's.
 */
struct workload workload_cut(struct workload_memory memory, uint64_t byte_count, size_t array_count, bool unaligned);

/* Free the list of arrays. */
void workload_free(struct workload *workload);

/*
 * Give every array new content, in every page of it, and return that content's number, which never comes twice. Every
 * 64 KiB differ from before.
 */
uint64_t workload_renew(const struct workload *workload);

/* Is that the content? Looks at what workload_renew() changes. */
bool workload_holds(const struct workload *workload, uint64_t number);

/* A change of some pieces. */
struct workload_change {
    uint64_t number; /* never comes twice */
    double share;    /* of all pieces, from 0 to 1 */
};

/* Change about that share of all pieces, anywhere, in one element each. */
struct workload_change workload_change(const struct workload *workload, double share);

/* Was piece `piece` of array `array` among them? */
bool workload_was_changed(struct workload_change change, size_t array, size_t piece);

/* Write `count` words, each to another place that may be anywhere in the arrays. */
void workload_scribble(const struct workload *workload, size_t count);

#endif
