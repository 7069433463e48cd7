/* SPDX-License-Identifier: MIT */
/*
 * slot: one slot file. What it is (examine), whether every byte is as saved (verify), reading it (open).
 */
#ifndef H5CKPT_SLOT_H
#define H5CKPT_SLOT_H

#include "storage/index.h"
#include "storage/layout.h"
#include "storage/transfer.h"

/* What is known of a slot. */
struct slot {
    unsigned number;
    const char *name; /* "slot-a.h5"; static, but for a milestone's */
    enum h5ckpt_slot_state state;
    h5ckpt_status status; /* H5CKPT_SLOT_UNREADABLE: why */
    bool committed;       /* record and table hold together, whatever its blocks then proved to be */
    bool record_readable;
    struct record record; /* if readable */
    uint64_t file_bytes;
    bool overwritable; /* a regular file with one link */
    bool from_device;  /* verified past the page cache */
    char reason[H5CKPT_REASON_BYTES];
};

const char *slot_name(unsigned number);
const char *slot_new_name(unsigned number); /* while it is being filled */

/*
 * Look at slot `number`: record, length, table. `directory_id` NULL: any. Never fails: what is wrong becomes the
 * slot's state and reason. A state that holds together is COMMITTED, not INTACT.
 */
void slot_examine(struct slot *slot, const struct directory *directory, unsigned number,
                  const unsigned char *directory_id);

/* As that, a state's file under any name, which must outlive `slot`; its number is 0. */
void slot_examine_file(struct slot *slot, const struct directory *directory, const char *name,
                       const unsigned char *directory_id);

/*
 * Can it not be told just now whose it is (no memory, too many open files)? What must not be read never can: no such
 * case.
 */
bool slot_is_untold(const struct slot *slot);

/* Keep `message` as the slot's reason, without the directory's path and the slot's name in front. */
void slot_set_reason(struct slot *slot, const struct directory *directory, const char *message);

/* The reason as a sentence of its own, with both. Returns `status`. */
h5ckpt_status slot_say(const struct slot *slot, const struct directory *directory, h5ckpt_status status,
                       struct error *error);

/* An open, committed slot: everything needed to read it. */
struct slot_reader {
    struct file file;
    struct record record;
    struct checksum *table;
};

#define SLOT_READER_NONE ((struct slot_reader){.file = FILE_NONE})

/* H5CKPT_E_DAMAGED, H5CKPT_E_VERSION, or the system's errors; H5CKPT_NO_CHECKPOINT if there is no such file. */
h5ckpt_status slot_reader_open(struct slot_reader *reader, const struct directory *directory, const char *name,
                               enum file_access access, struct error *error);
void slot_reader_close(struct slot_reader *reader);

/* Is it the state that `record` was read of before? */
bool slot_reader_holds(const struct slot_reader *reader, const struct record *record);

/* The index, checked against the record's digest of it. H5CKPT_E_DAMAGED, H5CKPT_E_MEMORY, or the system's errors. */
h5ckpt_status slot_reader_index(const struct slot_reader *reader, struct index *index, struct error *error);

/*
 * Read and check every byte of the slot's state, from the device if `access` says so; an EIO must persist after
 * reopening. H5CKPT_OK: intact. H5CKPT_E_DAMAGED names variables and block; H5CKPT_E_OVERTAKEN: the slot no longer
 * holds `record`; the system's errors. `watch` may be NULL.
 */
h5ckpt_status slot_verify(const struct directory *directory, const char *name, const struct record *record,
                          enum file_access access, const struct transfer_watch *watch, struct buffer *buffer,
                          struct error *error);

/* Can the slot be read from the device, past the page cache? */
bool slot_is_readable_past_cache(const struct directory *directory, const char *name);

#endif
