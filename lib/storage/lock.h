/* SPDX-License-Identifier: MIT */
/*
 * lock: the file that says whose directory this is, in which phase, who writes, and which slot is being written
 * (docs/format.md 3).
 *
 *   (absent) -> EMPTY      lock_make()
 *   EMPTY    -> IN_USE     lock_set_phase(), durable before the first save succeeds
 *   IN_USE   -> DELETING   lock_set_phase(), durable before the first file is removed
 *   DELETING -> (absent)   lock_remove()
 *   DELETING -> EMPTY      lock_set_phase(), when the next writer has finished the deletion
 */
#ifndef H5CKPT_LOCK_H
#define H5CKPT_LOCK_H

#include "format.h"
#include "storage/file.h"
#include "storage/system.h"

enum lock_phase { /* on disk */
                  LOCK_EMPTY = 0,
                  LOCK_IN_USE = 1,
                  LOCK_DELETING = 2,
};

enum lock_activity { /* on disk */
                     LOCK_IDLE = 0,
                     LOCK_SAVING = 1,
                     LOCK_GAVE_UP = 2, /* a save failed: the slot is unfinished, but nobody writes */
};

/*
 * On disk: what saving has cost, as of the last save that was reported as a success; of the handle that made it. Times
 * in ns.
 */
struct lock_account {
    uint64_t sequence;      /* of that save; 0: nothing is known */
    uint64_t save_ns;       /* that it took until it was durable */
    uint64_t bytes_written; /* to its slot */
    uint64_t stall_ns;      /* that saves have held the program up, in all, … */
    uint64_t open_ns;       /* … since the handle was opened, so long before */
};

struct lock_note { /* on disk: a save in progress, or the last one */
    enum lock_activity activity;
    unsigned slot;
    uint64_t sequence;
    uint64_t acknowledged; /* sequence of the last save that was reported as a success */
    uint64_t process_id;
    char boot_id[SYSTEM_BOOT_ID_BYTES];
    struct lock_account account;
    unsigned char run_id[FORMAT_ID_BYTES]; /* of the handle that wrote it; zeros: not known */
};

struct lock {
    struct file file;     /* open while we hold it */
    bool found;           /* there is a file of that name */
    bool identified;      /* phase and directory id are known */
    bool phase_uncertain; /* another process wrote it, or writing it failed: the device may say otherwise */
    bool made;            /* by this handle */
    bool removed;         /* by this handle, though perhaps not yet on the device */
    bool repairable;      /* not identified, but made by us as far as can be seen */
    enum lock_phase phase;
    unsigned char directory_id[FORMAT_ID_BYTES];
    unsigned char run_id[FORMAT_ID_BYTES]; /* of the handle that holds it, which sets it */
    struct lock_note note;                 /* as last read or written; all zero if there is none or it cannot be read */
};

#define LOCK_NONE ((struct lock){.file = FILE_NONE})

/*
 * Take the writer's lock. A file with another hard link is replaced by one of the same content, of `mode`. H5CKPT_OK;
 * H5CKPT_NO_CHECKPOINT (there is no lock file); H5CKPT_E_BUSY; H5CKPT_E_VERSION; the system's errors.
 * `lock->identified` is false if the file is not, or no longer, a lock file of ours.
 */
h5ckpt_status lock_take(struct lock *lock, const struct directory *directory, mode_t mode, struct error *error);

/*
 * Make the lock file and hold it. H5CKPT_E_OVERTAKEN if another process was faster: take again. H5CKPT_E_FOREIGN if
 * a stranger's file is in the way.
 */
h5ckpt_status lock_make(struct lock *lock, const struct directory *directory, enum lock_phase phase,
                        const unsigned char directory_id[FORMAT_ID_BYTES], mode_t mode, struct error *error);

/* Read it without taking it; *held tells whether a living writer holds it. Statuses as lock_take(), without BUSY. */
h5ckpt_status lock_peek(struct lock *lock, const struct directory *directory, bool *held, struct error *error);

/*
 * Is the file that we hold still the one under its name, and its note what we read or wrote there? H5CKPT_E_BUSY if
 * not: a file system whose locks do not work lets several handles hold it.
 */
h5ckpt_status lock_check(const struct lock *lock, struct error *error);

/* Has somebody made a hard link of the file that we hold? Then one of the same content, of `mode`, takes its place. */
h5ckpt_status lock_detach(struct lock *lock, mode_t mode, struct error *error);

/* Write phase and directory id, durably. */
h5ckpt_status lock_set_phase(struct lock *lock, enum lock_phase phase, struct error *error);

/*
 * Note that a save into `slot` begins, upon which a crash leads back to `base_sequence`; that it failed; or that it is
 * about to be reported as a success. Never flushed: docs/format.md 3. H5CKPT_E_BUSY as lock_check(), and nothing is
 * written.
 */
h5ckpt_status lock_note_begin(struct lock *lock, unsigned slot, uint64_t sequence, uint64_t base_sequence,
                              const char *boot_id, struct error *error);
h5ckpt_status lock_note_failure(struct lock *lock, struct error *error);
h5ckpt_status lock_note_success(struct lock *lock, unsigned slot, const struct lock_account *account,
                                const char *boot_id, struct error *error);

/* As a success, of a milestone that was rolled back to: what saving has cost is as it was. */
h5ckpt_status lock_note_roll_back(struct lock *lock, unsigned slot, uint64_t sequence, const char *boot_id,
                                  struct error *error);

/* Remove the file that we hold, durably. After its flush has failed, it may be asked for again. */
h5ckpt_status lock_remove(struct lock *lock, struct error *error);

void lock_release(struct lock *lock);

#endif
