/* SPDX-License-Identifier: MIT */
/*
 * yardstick: what the device does with the same number of bytes, past the page cache, into blocks that were written
 * before, with as many requests under way as help. Nothing that ends with a flush can be expected to be faster.
 */
#ifndef YARDSTICK_H
#define YARDSTICK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "measure.h"
#include "parallel.h"
#include "workload.h"

/* A file that was written in full and flushed. */
struct yardstick_file {
    int descriptor;
    bool direct; /* opened with O_DIRECT */
    size_t byte_count;
};

enum yardstick_cache { YARDSTICK_PAST_CACHE, YARDSTICK_THROUGH_CACHE };

/*
 * Make it, below the scratch directory, with `byte_count` bytes of `memory`, in whole pages. Where the file system has
 * no O_DIRECT the settings of those who use it say so.
 */
void yardstick_file_make(struct yardstick_file *file, const char *name, const struct workload_memory *memory,
                         size_t byte_count, enum yardstick_cache cache);
void yardstick_file_free(struct yardstick_file *file);

enum yardstick_direction { YARDSTICK_WRITE, YARDSTICK_READ };

struct yardstick_queue {
    unsigned thread_count; /* requests under way at once */
    size_t piece_bytes;    /* of a request */
};

struct yardstick {
    const struct yardstick_file *file;
    enum yardstick_direction direction;
    struct yardstick_queue queue;
    struct workload_memory memory; /* what is written; for reading, our own, room for a piece of each thread */
    size_t byte_count;
    atomic_size_t next_piece;
};

/*
 * Write `byte_count` bytes of `memory`, in whole pages, by the queue that a short trial finds best: 1, 2 or 4 threads,
 * 256 KiB, 1 or 4 MiB.
 */
void yardstick_make_write(struct yardstick *yardstick, const struct yardstick_file *file,
                          const struct workload_memory *memory, size_t byte_count);

/* Write it all by one call. */
void yardstick_make_single_write(struct yardstick *yardstick, const struct yardstick_file *file,
                                 const struct workload_memory *memory, size_t byte_count);

/* Read the whole file, by the queue that is found best. */
void yardstick_make_read(struct yardstick *yardstick, const struct yardstick_file *file);
void yardstick_free(struct yardstick *yardstick);

/* Let it take part as `name`. */
size_t yardstick_add(struct yardstick *yardstick, struct measure *measure, const char *name);

#endif
