/* SPDX-License-Identifier: MIT */
/*
 * store: an open backup directory: who may write, which state is the base, and the order of one save.
 *
 * Invariants (docs/format.md 5 and 6 are the protocol):
 *
 *   (1) No byte of the base's slot is written, removed or renamed over.
 *   (2) A slot is overwritten in place only while the base is known durable.
 *   (3) `base` moves only after a successful flush of the new state.
 *   (4) A file in which a write or flush of ours failed is never written again: given_up.
 *
 *   CLOSED -> OPEN       h5ckpt_open(); a failed open leaves a handle that only keeps the message
 *   OPEN   -> MAY_SAVE   nothing was saved yet, h5ckpt_restore(), h5ckpt_start_over()
 *   any    -> CLOSED     h5ckpt_delete(), h5ckpt_close()
 */
#ifndef H5CKPT_STORE_H
#define H5CKPT_STORE_H

#include "state/whole.h"
#include "storage/event.h"
#include "storage/snapshot.h"
#include "storage/source.h"
#include "storage/survey.h"
#include "storage/view.h"

enum { STORE_PLACES_COUNT = 4 };

struct store_memo { /* what this handle knows of a slot's file because it wrote it */
    bool ours;      /* `record` and `table` are what it wrote and flushed there */
    bool given_up;  /* (4) */
    bool spoilt;    /* a save of this handle failed in it: what it holds is no state */
    unsigned saves_since_every_byte;
    struct entry left; /* the file as this handle left it */
    struct record record;
    struct checksum *table; /* one per block, zeros to the file's end */
    size_t table_bytes;
};

struct h5ckpt_store {
    bool open;
    bool may_save;
    bool memory_changed; /* a restore failed half-way: saving would save a mixture */
    uint64_t process_id; /* a handle belongs to the process that opened it */
    struct h5ckpt_options options;
    struct event_sink events;
    const h5ckpt_state *state; /* borrowed */
    struct directory directory;
    struct lock lock;
    unsigned char run_id[FORMAT_ID_BYTES];
    char boot_id[SYSTEM_BOOT_ID_BYTES]; /* asked once: a restore opens nothing outside the directory */

    struct survey survey;                          /* kept true by the saves of this handle */
    unsigned char *damaged[FORMAT_SLOT_COUNT_MAX]; /* a bit per block, from the last look at every byte; NULL: none */
    struct store_memo memo[FORMAT_SLOT_COUNT_MAX];
    int base;               /* slot number; PLAN_NO_BASE */
    uint64_t base_sequence; /* 0 without a base */
    bool base_durable;
    unsigned flushed_slots;    /* as bits: since the last look at the directory, and before they were verified */
    uint64_t highest_sequence; /* in any record of a milestone, or of a slot at an earlier look; rule (f) */
    bool base_suspect;         /* its bytes were found to be others than those that were saved */
    struct h5ckpt_progress progress;

    struct history history; /* what the program logs, from the base on */
    unsigned history_wait;  /* saves for which no more room is tried to be had for it */
    struct whole whole;     /* state and history as they were at the last look … */
    struct layout layout;   /* … and its layout; no entries: none yet */
    struct source source;
    struct buffer buffer;
    struct snapshot_cells cells;
    unsigned char
        *unchanged;         /* two times a bit per block: what h5ckpt_unchanged() promised; as of the save in flight */
    size_t unchanged_bytes; /* of each */
    bool hints_hold;        /* promises are about the base: every save since then has succeeded */
    bool past_cache_tried;  /* a slot has been written past the page cache */
    bool fence_forgotten;   /* and none was asked for since: only one that is asked for counts */
    struct checksum places_checked[STORE_PLACES_COUNT]; /* where variables were when a child was found to see them */
    struct view view;
    int64_t view_shown_ns; /* when a save last brought it up to date; monotonic, 0: never … */
    bool view_behind;      /* … and one has not since, because that was so recent */
    struct error error;

    struct flight *flight; /* room for a save in flight */
    /*
     * Set while there is one: until it returns, nothing above but `error` and the promises is the caller's. (A pointer,
     * because who made the flight stands above this module.)
     */
    void (*land)(h5ckpt_store *store);
    struct file *slot_file; /* that it writes; NULL: none */
    struct error failure;   /* of it; not yet returned */
    bool save_failed;       /* the last save, in flight or not; all the same whether that was returned */
    bool saved_again;       /* the last save was only to make up for one that had failed */
    unsigned failed_saves;  /* in a row, up to the last one of which it is known, without those */
    int64_t stall_ns;       /* that saves, fences and waits have held the program up, all in all */
    int64_t opened_ns;      /* monotonic */
};

/*
 * Every public call begins so: an open handle, in its own process. H5CKPT_E_ARGUMENT. Clears the message, and waits for
 * a save in flight …
 */
h5ckpt_status store_enter(h5ckpt_store *store, const char *call);

/* … or does not. */
h5ckpt_status store_enter_in_flight(h5ckpt_store *store, const char *call);

void store_forget_damage(h5ckpt_store *store);

/*
 * Every variable that the program added must be there: its first failure to add one, also after the store was opened.
 */
h5ckpt_status store_check_state(h5ckpt_store *store);

/* Look at the directory anew, as the writer or beside one. Statuses as survey_directory() and lock_peek(). */
h5ckpt_status store_survey(h5ckpt_store *store);

/* A state has this sequence: no later one of this handle has. */
void store_know_sequence(h5ckpt_store *store, uint64_t sequence);

/*
 * As a reader: find the directory, which may have been made or removed since, and read its lock; the store's own stays
 * with its survey. H5CKPT_NO_CHECKPOINT: there is no directory (its descriptor tells), or no lock; the system's errors.
 */
h5ckpt_status store_peek(h5ckpt_store *store, struct lock *lock, bool *writer_alive);

/* A state is durable, and about to be acknowledged: from the first one on "no slot" means loss. */
h5ckpt_status store_put_in_use(h5ckpt_store *store, struct error *error);

/* A state was restored: it becomes the base that saves spare. */
void store_set_base(h5ckpt_store *store, unsigned slot_number);

/* A save has come to its end. */
void store_note_outcome(h5ckpt_store *store, bool durable);

/* After a change of names whose flush failed, no slot is written in place. */
void store_distrust_names(h5ckpt_store *store);

/* Bring layout and working memory up to the registered variables. */
h5ckpt_status store_prepare(h5ckpt_store *store);

/* And the room for copies of all of them, where the save mode makes some; how much that takes. */
h5ckpt_status store_prepare_copies(h5ckpt_store *store);
uint64_t store_copies_bytes(const h5ckpt_store *store);

/* Nothing is written to a directory with a slot that is foreign or newer: H5CKPT_E_FOREIGN, H5CKPT_E_VERSION. */
h5ckpt_status store_refuse_untouchable(h5ckpt_store *store);

/* A slot looked whole, but is not, for the reason in `why`: it counts as damaged, or as what a save left behind. */
void store_reject_slot(h5ckpt_store *store, unsigned slot_number, const struct error *why);

/* Read every byte of a slot that looks whole: it becomes intact, or is rejected. The system's errors. */
h5ckpt_status store_verify_slot(h5ckpt_store *store, unsigned slot_number);

/* fsync a slot, and the names: what another process wrote may be in the page cache alone. The system's errors. */
h5ckpt_status store_flush_slot(const h5ckpt_store *store, unsigned slot_number, struct error *error);

/*
 * Rule (b): flushed by us, and then verified past the page cache, for a flush that failed before is not told again.
 * H5CKPT_OK: the state is on the device. H5CKPT_E_DAMAGED, H5CKPT_E_OVERTAKEN, the system's errors.
 */
h5ckpt_status store_make_durable(h5ckpt_store *store, unsigned slot_number, struct error *error);

/* Files being filled that only the holder of a lock makes. */
enum { STORE_LEFTOVER_COUNT = FORMAT_SLOT_COUNT_MAX + 2 };
const char *store_leftover_name(unsigned i);

/*
 * Remove leftovers; and slots (the previous ones first, the current one last), leftovers and view, durably. Ours,
 * because we hold the lock.
 */
h5ckpt_status store_remove_leftovers(h5ckpt_store *store);
h5ckpt_status store_remove_leftover(h5ckpt_store *store, const char *name);
h5ckpt_status store_remove_files(h5ckpt_store *store);

/* What plan.h needs to know of each slot. */
void store_plan_slots(const h5ckpt_store *store, struct plan_slot slot[FORMAT_SLOT_COUNT_MAX]);

#endif
