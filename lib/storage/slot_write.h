/* SPDX-License-Identifier: MIT */
/*
 * slot_write: one save into one slot file, in the order of docs/format.md 6: open, content, commit. Either in place, or
 * into a new file that takes the slot's name when it is flushed.
 */
#ifndef H5CKPT_SLOT_WRITE_H
#define H5CKPT_SLOT_WRITE_H

#include "storage/slot.h"

struct slot_write {
    unsigned number;
    bool in_place;
    bool whole;             /* content, table and record are written by one call */
    struct record record;   /* complete but for the table digest */
    struct checksum *table; /* one per block, zeros to the file's end; complete when it is committed */
    bool tried;             /* writes past the page cache are known to work here */
    struct entry expected;  /* in place: the file must still be as it was when the save was planned */
    mode_t file_mode;

    struct file file;
    bool touched;      /* the slot is no longer what it was */
    struct entry left; /* the file after the flush; changed_ns 0: unknown */
};

/* Is it best to write the whole file by one call? A device takes as long for each as for a hundred kilobytes. */
bool slot_write_is_whole(const struct record *geometry);

/*
 * Open or make the file. Past the page cache where that can be: the device is faster so, and what the program reads of
 * its own data stays cached. H5CKPT_E_BUSY: somebody else has changed it.
 */
h5ckpt_status slot_write_begin(struct slot_write *write, const struct directory *directory, struct error *error);

/* A small file's: `bytes` is all of it, with room for the table and the record, which this completes. */
h5ckpt_status slot_write_whole(struct slot_write *write, unsigned char *bytes, struct error *error);

/* A large one's, when every block has been written. `bytes`: room for the record, aligned. */
h5ckpt_status slot_write_table(struct slot_write *write, unsigned char *bytes, struct error *error);

/* Flush; give it its name. */
h5ckpt_status slot_write_commit(struct slot_write *write, struct error *error);

/* It failed, or was not to be: close the file, and take a new one away. */
void slot_write_abandon(struct slot_write *write, const struct directory *directory);

enum slot_fill {
    SLOT_ALLOCATED, /* its space is taken */
    SLOT_WRITTEN,   /* and has been written once: blocks that never were take longer the first time */
};

/* Make a slot that holds no state yet: void record, durable but for its name. */
h5ckpt_status slot_reserve(const struct directory *directory, unsigned number, const struct record *record,
                           enum slot_fill fill, mode_t file_mode, struct buffer *buffer, struct error *error);

#endif
