/* SPDX-License-Identifier: MIT */
/*
 * engine: a way to keep a program's state, behind the seam of lib/storage/system.h: the library, and the usual designs
 * that it is to be better than. The suite tries all of them by the same kills, power cuts and damage, so that it is
 * seen to tell them apart.
 */
#ifndef H5CKPT_TEST_ENGINE_H
#define H5CKPT_TEST_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum answer {
    ANSWER_NONE,  /* there is no checkpoint yet */
    ANSWER_STATE, /* here is the newest one */
    ANSWER_OLDER, /* here is what is left: there was, or may have been, a newer one */
    ANSWER_ERROR,
};

struct engine {
    const char *name;
    bool (*save)(const unsigned char *state,
                 size_t byte_count); /* when it returns, the program takes the state for safe */
    enum answer (*restore)(unsigned char *state, size_t byte_count); /* in a process of its own */
    void (*end)(void); /* of the process that saved, killed or not; NULL: nothing is left in memory */

    /* What damage hits: the file that was saved last, and its pieces, which the design writes or checks as one. */
    const char *(*newest_file)(void);
    size_t first_piece;
    size_t piece_bytes;
};

/* One file, whose content is overwritten and flushed. */
extern const struct engine IN_PLACE;

/* The file is copied to a backup, then written anew; nothing is flushed. */
extern const struct engine BACKUP;

/* One file with two groups, overwritten by turns, and a head that says which is current; flushed once at the end. */
extern const struct engine TWO_GROUPS;

/* A new file is written, flushed and renamed, and the directory flushed. There is no checksum. */
extern const struct engine RENAMED;

/* As that, with HDF5's Fletcher32 behind each chunk. */
extern const struct engine FLETCHER32;

/* h5ckpt. */
extern const struct engine LIBRARY;

#endif
