/* SPDX-License-Identifier: MIT */
#include "storage/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "storage/system.h"
#include "storage/team.h"
#include "storage/thread.h"

#define NO_CELL SIZE_MAX

/* -------------------------------------------------------------------- cells */

struct touch {
    unsigned char *bytes;
    size_t part_bytes;
};

static void touch_part(void *context, unsigned member)
{
    const struct touch *touch = context;

    memset(touch->bytes + member * touch->part_bytes, 0, touch->part_bytes);
}

static void touch_pages(const struct buffer *memory)
{
    enum { MEMBERS = 4 };
    struct touch touch = {memory->bytes, memory->byte_count / MEMBERS}; /* no rest: a multiple of 4096 */

    team_run(MEMBERS, touch_part, &touch);
}

uint64_t snapshot_cells_bytes(const struct record *geometry, uint64_t byte_count)
{
    const struct walk_division division = walk_divide(geometry);
    const uint64_t affordable = byte_count / division.chunk_bytes;

    return (affordable < division.chunk_count ? affordable : division.chunk_count) * division.chunk_bytes;
}

h5ckpt_status snapshot_reserve_cells(struct snapshot_cells *cells, const struct record *geometry, uint64_t byte_count,
                                     enum snapshot_touch touch, struct error *error)
{
    const struct walk_division division = walk_divide(geometry);
    const size_t count = (size_t)(snapshot_cells_bytes(geometry, byte_count) / division.chunk_bytes);
    h5ckpt_status status;

    if (cells->count == count && cells->chunk_bytes == division.chunk_bytes)
        return H5CKPT_OK;
    snapshot_free_cells(cells);
    if (count == 0)
        return H5CKPT_OK;
    status = buffer_reserve(&cells->memory, count * division.chunk_bytes, error);
    if (status < 0)
        return status;
    cells->cell = calloc(count, sizeof *cells->cell);
    if (cells->cell == NULL) {
        snapshot_free_cells(cells);
        return error_set(error, H5CKPT_E_MEMORY, "no memory for %zu chunks on their way to a slot", count);
    }
    cells->count = count;
    cells->chunk_bytes = division.chunk_bytes;
    if (touch == SNAPSHOT_TOUCH)
        touch_pages(&cells->memory);
    return H5CKPT_OK;
}

void snapshot_free_cells(struct snapshot_cells *cells)
{
    buffer_free(&cells->memory);
    free(cells->cell);
    *cells = (struct snapshot_cells){0};
}

/* With the lock held. */
static void free_cell(struct snapshot *snapshot, size_t cell)
{
    snapshot->cells->cell[cell].next = snapshot->free_cell;
    snapshot->free_cell = cell;
}

static size_t take_free_cell(struct snapshot *snapshot)
{
    const size_t cell = snapshot->free_cell;

    snapshot->free_cell = snapshot->cells->cell[cell].next;
    return cell;
}

static void queue_cell(struct snapshot *snapshot, size_t cell)
{
    snapshot->cells->cell[cell].next = NO_CELL;
    if (snapshot->first_kept == NO_CELL)
        snapshot->first_kept = cell;
    else
        snapshot->cells->cell[snapshot->last_kept].next = cell;
    snapshot->last_kept = cell;
}

static size_t take_kept_cell(struct snapshot *snapshot)
{
    const size_t cell = snapshot->first_kept;

    snapshot->first_kept = snapshot->cells->cell[cell].next;
    return cell;
}

static unsigned char *cell_bytes(const struct snapshot *snapshot, size_t cell)
{
    return snapshot->cells->memory.bytes + cell * snapshot->division.chunk_bytes;
}

/* --------------------------------------------------------------------- life */

void snapshot_begin(struct snapshot *snapshot)
{
    pthread_condattr_t monotonic;

    snapshot->division = walk_divide(&snapshot->gather.layout->geometry);
    pthread_mutex_init(&snapshot->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&snapshot->moved, &monotonic);
    pthread_condattr_destroy(&monotonic);
    snapshot->next_chunk = 0;
    snapshot->reading = 0;
    snapshot->free_cell = snapshot->first_kept = NO_CELL;
    for (size_t cell = snapshot->cells->count; cell-- > 0;)
        free_cell(snapshot, cell); /* the lowest first: their pages have been used before */
    snapshot->copying = snapshot->hurried = snapshot->all_read = false;
    snapshot->given_up = NULL;
    snapshot->written = 0;
    snapshot->error = ERROR_NONE;
}

void snapshot_end(struct snapshot *snapshot)
{
    pthread_cond_destroy(&snapshot->moved);
    pthread_mutex_destroy(&snapshot->lock);
    error_clear(&snapshot->error);
}

/* --------------------------------------------------------------------- work */

enum step { STEP_END, STEP_WAIT, STEP_READ_AND_WRITE, STEP_READ_AND_KEEP, STEP_WRITE_KEPT };

/* With the lock held: what is to be done next, by a writer or by the program. */
static enum step next_step(const struct snapshot *snapshot, bool writer)
{
    const bool unread = snapshot->next_chunk < snapshot->division.chunk_count;

    if (snapshot->error.status < 0 || snapshot->given_up != NULL)
        return writer || snapshot->reading == 0 ? STEP_END : STEP_WAIT; /* what is still being read must not be freed */
    if (unread && snapshot->copying && snapshot->free_cell != NO_CELL)
        return STEP_READ_AND_KEEP;
    if (unread && writer)
        return STEP_READ_AND_WRITE;
    if (writer && snapshot->first_kept != NO_CELL)
        return STEP_WRITE_KEPT;
    return unread || snapshot->reading != 0 ? STEP_WAIT : STEP_END;
}

/* Read a chunk from the program's memory: the lock is held, but not meanwhile. */
static struct walk_chunk read_chunk(struct snapshot *snapshot, unsigned char *bytes, enum gather_way way,
                                    uint64_t *number, uint64_t *blocks)
{
    *number = snapshot->next_chunk++;
    snapshot->reading++;
    pthread_mutex_unlock(&snapshot->lock);
    struct walk_chunk chunk = walk_chunk_at(&snapshot->gather.layout->geometry, &snapshot->division, *number);
    chunk.bytes = bytes;
    *blocks = gather_chunk(&snapshot->gather, &chunk, way);
    pthread_mutex_lock(&snapshot->lock);
    snapshot->reading--;
    return chunk;
}

/* With the lock held. */
static void keep_pace(struct snapshot *snapshot, size_t byte_count)
{
    const int64_t due_ns = pace_due_ns(&snapshot->pace, snapshot->written);
    const struct timespec due = {.tv_sec = due_ns / 1000000000, .tv_nsec = due_ns % 1000000000};

    snapshot->written += byte_count;
    while (snapshot->pace.bytes_per_second != 0 && !snapshot->hurried && !snapshot->copying &&
           snapshot->given_up == NULL && snapshot->error.status == H5CKPT_OK &&
           system_calls->monotonic_time_ns() < due_ns)
        pthread_cond_timedwait(&snapshot->moved, &snapshot->lock, &due);
}

/* The lock is held, but not while bytes are written. */
static void write_blocks(struct snapshot *snapshot, const struct walk_chunk *chunk, uint64_t blocks)
{
    const struct record *geometry = &snapshot->gather.layout->geometry;
    struct error error = ERROR_NONE;
    unsigned first;
    unsigned count;

    keep_pace(snapshot, (size_t)__builtin_popcountll(blocks) * FORMAT_BLOCK_BYTES);
    pthread_mutex_unlock(&snapshot->lock);
    while (error.status == H5CKPT_OK && gather_next_run(&blocks, &first, &count)) {
        const struct walk_chunk run = walk_run_of(chunk, geometry, first, count);
        file_write(snapshot->file, run.bytes, run.byte_count, run.offset, &error);
    }
    pthread_mutex_lock(&snapshot->lock);
    if (error.status < 0 && snapshot->error.status == H5CKPT_OK)
        error_move(&snapshot->error, &error);
    error_clear(&error);
}

static void read_and_write(struct snapshot *snapshot, unsigned char *bytes)
{
    uint64_t number;
    uint64_t blocks;
    const struct walk_chunk chunk = read_chunk(snapshot, bytes, GATHER_TO_WRITE, &number, &blocks);

    pthread_cond_broadcast(&snapshot->moved); /* it has been read: the program may be waiting for just that */
    if (blocks != 0)
        write_blocks(snapshot, &chunk, blocks);
}

static void read_and_keep(struct snapshot *snapshot)
{
    const size_t cell = take_free_cell(snapshot);
    struct snapshot_cell *kept = &snapshot->cells->cell[cell];

    read_chunk(snapshot, cell_bytes(snapshot, cell), GATHER_TO_KEEP, &kept->chunk, &kept->blocks);
    if (kept->blocks != 0)
        queue_cell(snapshot, cell);
    else
        free_cell(snapshot, cell);
}

static void write_kept(struct snapshot *snapshot)
{
    const size_t cell = take_kept_cell(snapshot);
    const struct snapshot_cell *kept = &snapshot->cells->cell[cell];
    struct walk_chunk chunk = walk_chunk_at(&snapshot->gather.layout->geometry, &snapshot->division, kept->chunk);

    chunk.bytes = cell_bytes(snapshot, cell);
    write_blocks(snapshot, &chunk, kept->blocks);
    free_cell(snapshot, cell);
}

/* `bytes`: a chunk's room; NULL: the program's own thread, which does not write. */
static void work(struct snapshot *snapshot, unsigned char *bytes)
{
    enum step step;

    pthread_mutex_lock(&snapshot->lock);
    while ((step = next_step(snapshot, bytes != NULL)) != STEP_END) {
        if (step == STEP_READ_AND_WRITE)
            read_and_write(snapshot, bytes);
        else if (step == STEP_READ_AND_KEEP)
            read_and_keep(snapshot);
        else if (step == STEP_WRITE_KEPT)
            write_kept(snapshot);
        else
            pthread_cond_wait(&snapshot->moved, &snapshot->lock);
        if (step != STEP_WAIT)
            pthread_cond_broadcast(&snapshot->moved);
    }
    pthread_mutex_unlock(&snapshot->lock);
}

static void write_as_member(void *context, unsigned member)
{
    struct snapshot *snapshot = context;

    work(snapshot, snapshot->buffer->bytes + member * snapshot->division.chunk_bytes);
}

h5ckpt_status snapshot_write(struct snapshot *snapshot, bool *write_failed, struct error *error)
{
    h5ckpt_status status = H5CKPT_OK;

    team_run(snapshot->division.member_count, write_as_member, snapshot);
    pthread_mutex_lock(&snapshot->lock);
    while (!snapshot->all_read && snapshot->given_up == NULL && snapshot->error.status == H5CKPT_OK)
        pthread_cond_wait(&snapshot->moved, &snapshot->lock);
    *write_failed = snapshot->error.status < 0;
    if (snapshot->error.status < 0) {
        status = snapshot->error.status;
        error_move(error, &snapshot->error);
        snapshot->error.status = status; /* for the program, which may still be about to wait */
    } else if (snapshot->given_up != NULL) {
        status = error_set(error, H5CKPT_E_ARGUMENT, "the save was given up: %s", snapshot->given_up);
    }
    pthread_mutex_unlock(&snapshot->lock);
    return status;
}

/* -------------------------------------------------------------- the program */

static void set(struct snapshot *snapshot, bool *what, bool value)
{
    pthread_mutex_lock(&snapshot->lock);
    *what = value;
    pthread_cond_broadcast(&snapshot->moved);
    pthread_mutex_unlock(&snapshot->lock);
}

bool snapshot_read_all(struct snapshot *snapshot)
{
    const int cancel = thread_hold_cancel();
    bool all_read;

    set(snapshot, &snapshot->copying, true);
    work(snapshot, NULL);
    pthread_mutex_lock(&snapshot->lock);
    snapshot->copying = false;
    all_read = snapshot->next_chunk == snapshot->division.chunk_count && snapshot->error.status == H5CKPT_OK;
    pthread_cond_broadcast(&snapshot->moved);
    pthread_mutex_unlock(&snapshot->lock);
    thread_release_cancel(cancel);
    return all_read;
}

void snapshot_confirm(struct snapshot *snapshot)
{
    set(snapshot, &snapshot->all_read, true);
}

void snapshot_give_up(struct snapshot *snapshot, const char *why)
{
    pthread_mutex_lock(&snapshot->lock);
    snapshot->given_up = why;
    pthread_cond_broadcast(&snapshot->moved);
    pthread_mutex_unlock(&snapshot->lock);
}

void snapshot_hurry(struct snapshot *snapshot)
{
    set(snapshot, &snapshot->hurried, true);
}
