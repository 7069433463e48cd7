/* SPDX-License-Identifier: MIT */
/*
 * snapshot: the program's memory as it is now, on its way to a slot, by a few writers. The program may be there
 * meanwhile:
 *
 *   writers:     read a chunk, write it; or write a chunk that was kept
 *   the program: snapshot_read_all() before its memory changes: whatever nobody has read yet is copied, by it and by
 *                the writers, as far as there are cells to keep it in
 *
 * A synchronous save is the case where the program stays away until all is written; a staged one that where it comes at
 * once.
 */
#ifndef H5CKPT_SNAPSHOT_H
#define H5CKPT_SNAPSHOT_H

#include <pthread.h>

#include "storage/buffer.h"
#include "storage/file.h"
#include "storage/gather.h"
#include "storage/pace.h"

/* A chunk's room in memory. */
struct snapshot_cell {
    size_t next; /* in one of two lists: free cells, cells to be written */
    uint64_t chunk;
    uint64_t blocks; /* of the chunk, that are to be written */
};

/* Cells are made once and used again by every save. */
struct snapshot_cells {
    struct buffer memory;
    struct snapshot_cell *cell;
    size_t count;
    size_t chunk_bytes; /* of each */
};

enum snapshot_touch {
    SNAPSHOT_TOUCH, /* each page now: a fresh one costs more than what is copied there */
    SNAPSHOT_TOUCH_LATER,
};

/* Cells for a slot of that geometry, in at most `byte_count` bytes. H5CKPT_E_MEMORY. */
h5ckpt_status snapshot_reserve_cells(struct snapshot_cells *cells, const struct record *geometry, uint64_t byte_count,
                                     enum snapshot_touch touch, struct error *error);
uint64_t snapshot_cells_bytes(const struct record *geometry, uint64_t byte_count); /* what they take */
void snapshot_free_cells(struct snapshot_cells *cells);

struct snapshot {
    struct gather gather;
    const struct file *file;
    const struct buffer *buffer; /* a chunk's room for each writer: walk_reserve() */
    struct snapshot_cells *cells;
    struct pace pace;
    struct walk_division division;

    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t moved; /* any of it has changed */
    uint64_t next_chunk;  /* the first that nobody has taken on */
    unsigned reading;     /* chunks that are being read from the program's memory */
    size_t free_cell;
    size_t first_kept;
    size_t last_kept;
    bool copying;         /* the program waits for its memory: keep chunks where there are cells */
    bool hurried;         /* somebody waits: no pace is kept */
    bool all_read;        /* what the program's memory is no longer matters */
    const char *given_up; /* why what has been read must not count; NULL: it may; static */
    uint64_t written;     /* bytes */
    struct error error;
};

/* `gather`, `file`, `buffer`, `cells` and `pace` have been set. snapshot_end() when nobody is there any more. */
void snapshot_begin(struct snapshot *snapshot);
void snapshot_end(struct snapshot *snapshot);

/*
 * The writers' work: returns when all is written and was read in time, or cannot be. The system's errors;
 * H5CKPT_E_ARGUMENT if it was given up. Has the file refused a write?
 */
h5ckpt_status snapshot_write(struct snapshot *snapshot, bool *write_failed, struct error *error);

/*
 * The program's: returns when its memory is not read any more; false: not all has been, as a write failed. Then either
 * says that what was read is good, …
 */
bool snapshot_read_all(struct snapshot *snapshot);
void snapshot_confirm(struct snapshot *snapshot);

/* … or not, and why; also at any other time. */
void snapshot_give_up(struct snapshot *snapshot, const char *why);

/* Somebody is going to wait for the writers. */
void snapshot_hurry(struct snapshot *snapshot);

#endif
