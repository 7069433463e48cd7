/* SPDX-License-Identifier: MIT */
#include "yardstick.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "failure.h"
#include "scratch.h"
#include "text.h"

enum {
    PAGE_BYTES = 4096,
    KIB = 1024,
    MIB = 1024 * KIB,
    PREWRITE_BYTES = 4 * MIB,
    TRIAL_BYTES_MAX = 256 * MIB,
    TRIAL_COUNT = 3,
};

static size_t whole_pages(size_t byte_count)
{
    return (byte_count + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

/* ----------------------------------------------------------------------- file */

static void write_at(int descriptor, const unsigned char *bytes, size_t byte_count, size_t offset)
{
    for (size_t done = 0; done < byte_count;) {
        const ssize_t written = pwrite(descriptor, bytes + done, byte_count - done, (off_t)(offset + done));
        if (written <= 0)
            fail_system("device write: cannot write");
        done += (size_t)written;
    }
}

static void read_at(int descriptor, unsigned char *bytes, size_t byte_count, size_t offset)
{
    for (size_t done = 0; done < byte_count;) {
        const ssize_t got = pread(descriptor, bytes + done, byte_count - done, (off_t)(offset + done));
        if (got <= 0)
            fail_system("device read: cannot read");
        done += (size_t)got;
    }
}

/* Blocks that were never written cost more: every later write finds them allocated and written. */
static void prewrite(const char *path, const unsigned char *bytes, size_t byte_count)
{
    const int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (descriptor < 0)
        fail_system("cannot make '%s'", path);
    errno = posix_fallocate(descriptor, 0, (off_t)byte_count);
    if (errno != 0)
        fail_system("no space for %zu bytes in '%s'", byte_count, path);
    for (size_t offset = 0; offset < byte_count; offset += PREWRITE_BYTES) {
        const size_t left = byte_count - offset;
        write_at(descriptor, bytes + offset, left < PREWRITE_BYTES ? left : PREWRITE_BYTES, offset);
    }
    if (fsync(descriptor) < 0)
        fail_system("cannot flush '%s'", path);
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
    close(descriptor);
}

void yardstick_file_make(struct yardstick_file *file, const char *name, const struct workload_memory *memory,
                         size_t byte_count, enum yardstick_cache cache)
{
    char *path = scratch_path(name);

    file->byte_count = whole_pages(byte_count);
    prewrite(path, memory->bytes, file->byte_count);
    file->direct = cache == YARDSTICK_PAST_CACHE;
    file->descriptor = open(path, O_RDWR | O_CLOEXEC | (file->direct ? O_DIRECT : 0));
    if (file->descriptor < 0 && errno == EINVAL) {
        file->direct = false;
        file->descriptor = open(path, O_RDWR | O_CLOEXEC);
    }
    if (file->descriptor < 0)
        fail_system("cannot open '%s'", path);
    free(path);
}

void yardstick_file_free(struct yardstick_file *file)
{
    close(file->descriptor);
}

/* ----------------------------------------------------------------------- runs */

/* A thread's share: piece after piece, until there is none left. */
static void move_pieces(void *context, unsigned thread)
{
    struct yardstick *yardstick = context;
    const struct yardstick_queue *queue = &yardstick->queue;
    const int descriptor = yardstick->file->descriptor;

    for (;;) {
        const size_t offset = atomic_fetch_add(&yardstick->next_piece, 1) * queue->piece_bytes;
        if (offset >= yardstick->byte_count)
            return;
        const size_t left = yardstick->byte_count - offset;
        const size_t length = left < queue->piece_bytes ? left : queue->piece_bytes;
        if (yardstick->direction == YARDSTICK_WRITE)
            write_at(descriptor, yardstick->memory.bytes + offset, length, offset);
        else
            read_at(descriptor, yardstick->memory.bytes + thread * queue->piece_bytes, length, offset);
    }
}

static void flush(const struct yardstick *yardstick)
{
    if (yardstick->direction == YARDSTICK_WRITE && fdatasync(yardstick->file->descriptor) < 0)
        fail_system("device write: cannot flush");
}

static struct sample run(void *context)
{
    struct yardstick *yardstick = context;
    const bool alone = yardstick->queue.thread_count == 1;
    struct parallel parallel;
    struct stopwatch watch;

    atomic_store(&yardstick->next_piece, 0);
    if (yardstick->direction == YARDSTICK_READ)
        posix_fadvise(yardstick->file->descriptor, 0, 0, POSIX_FADV_DONTNEED);
    if (!alone)
        parallel_make(&parallel, yardstick->queue.thread_count, move_pieces, yardstick);
    watch = stopwatch_start();
    if (alone)
        move_pieces(yardstick, 0);
    else
        parallel_go(&parallel);
    flush(yardstick);
    return stopwatch_read(&watch);
}

/* ---------------------------------------------------------------------- queue */

static const struct yardstick_queue QUEUE[] = {
    {1, 256 * KIB}, {2, 256 * KIB}, {4, 256 * KIB}, {1, 1 * MIB}, {2, 1 * MIB},
    {4, 1 * MIB},   {1, 4 * MIB},   {2, 4 * MIB},   {4, 4 * MIB},
};

enum { QUEUE_COUNT = sizeof QUEUE / sizeof *QUEUE, PIECE_BYTES_MIN = 256 * KIB, PIECE_BYTES_MAX = 4 * MIB };

/* Has every thread something to do, and is there no smaller piece that does the same? */
static bool is_of_use(const struct yardstick_queue *queue, size_t byte_count)
{
    if (queue->thread_count == 1)
        return queue->piece_bytes <= byte_count || queue->piece_bytes == PIECE_BYTES_MIN;
    return (queue->thread_count - 1) * queue->piece_bytes < byte_count;
}

/* The queue whose best trial is best; they take turns, as everything here. */
static void find_queue(struct yardstick *yardstick)
{
    const size_t byte_count = yardstick->byte_count;
    double best_seconds = INFINITY;
    struct yardstick_queue best = QUEUE[0];

    if (byte_count > TRIAL_BYTES_MAX)
        yardstick->byte_count = TRIAL_BYTES_MAX;
    for (int trial = 0; trial < TRIAL_COUNT * QUEUE_COUNT; trial++) {
        yardstick->queue = QUEUE[trial % QUEUE_COUNT];
        if (!is_of_use(&yardstick->queue, yardstick->byte_count))
            continue;
        const double seconds = run(yardstick).value;
        if (seconds < best_seconds) {
            best_seconds = seconds;
            best = yardstick->queue;
        }
    }
    yardstick->queue = best;
    yardstick->byte_count = byte_count;
}

void yardstick_make_write(struct yardstick *yardstick, const struct yardstick_file *file,
                          const struct workload_memory *memory, size_t byte_count)
{
    yardstick_make_single_write(yardstick, file, memory, byte_count);
    find_queue(yardstick);
}

void yardstick_make_single_write(struct yardstick *yardstick, const struct yardstick_file *file,
                                 const struct workload_memory *memory, size_t byte_count)
{
    *yardstick = (struct yardstick){.file = file, .direction = YARDSTICK_WRITE, .memory = *memory};
    yardstick->byte_count = whole_pages(byte_count);
    yardstick->queue = (struct yardstick_queue){1, yardstick->byte_count};
}

void yardstick_make_read(struct yardstick *yardstick, const struct yardstick_file *file)
{
    *yardstick = (struct yardstick){.file = file, .direction = YARDSTICK_READ, .byte_count = file->byte_count};
    yardstick->memory = workload_memory_make(PARALLEL_THREADS_MAX * PIECE_BYTES_MAX);
    find_queue(yardstick);
}

void yardstick_free(struct yardstick *yardstick)
{
    if (yardstick->direction == YARDSTICK_READ)
        workload_memory_free(&yardstick->memory);
}

size_t yardstick_add(struct yardstick *yardstick, struct measure *measure, const char *name)
{
    const bool writes = yardstick->direction == YARDSTICK_WRITE;
    char piece[TEXT_BYTES];
    char settings[160];

    snprintf(settings, sizeof settings, "%s %s, %u %s at once, %s each%s", writes ? "pwrite" : "pread",
             yardstick->file->direct ? "with O_DIRECT" : "through the page cache", yardstick->queue.thread_count,
             yardstick->queue.thread_count == 1 ? "request" : "requests",
             text_size(piece, yardstick->queue.piece_bytes), writes ? ", then fdatasync; file written before" : "");
    return measure_add(measure, name, settings, yardstick->byte_count, run, yardstick);
}
