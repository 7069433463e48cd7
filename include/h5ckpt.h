/* SPDX-License-Identifier: MIT */
/**
 * @file h5ckpt.h
 * h5ckpt: checkpoints that survive kill, damage and power cuts, in HDF5 files.
 *
 * What it promises
 * ----------------
 * - From the first successful save until you delete it, at least one complete, intact state is on
 *   disk at every instant; with `slots = 2` (double checkpoint, the default) two after every save.
 * - When h5ckpt_save() returns H5CKPT_OK, that state or a newer one is what a restore yields, after
 *   `kill -9` and after a power cut.
 * - A restore yields exactly one saved generation, bit for bit, every byte of it verified before it
 *   reaches your memory, or an error. It writes nothing.
 * - "There is no checkpoint yet" (H5CKPT_NO_CHECKPOINT) and "there was one and none is readable"
 *   (H5CKPT_E_LOST) are different answers.
 * - Damage falls back to the previous state; a passing condition (no memory, no permission, too many
 *   open files…) is reported as itself and rolls nothing back.
 * - One writer per directory. Only files that h5ckpt made are ever changed or removed.
 * - The library never prints, exits or aborts, and leaves no signal handler or HDF5 setting changed (with
 *   `save_before_preemption` it has handlers from h5ckpt_on_train_begin() to h5ckpt_on_train_end()).
 *
 * What it does not promise
 * ------------------------
 * Lying disks; all slots lost at once; a whole slot silently replaced by its own older, valid content;
 * forged checksums (XXH3 finds accidents, not attackers); copies made with `cp` or `rsync` during a save.
 *
 * Fifteen lines
 * -------------
 * @code
 *     float weights[256][64];
 *     h5ckpt_state *state = h5ckpt_state_new();
 *     h5ckpt_add(state, "weights", H5CKPT_FLOAT32, 2, (const uint64_t[]){256, 64}, weights);
 *
 *     h5ckpt_store *store;
 *     if (h5ckpt_open(&store, "backup", state, NULL) < 0 || h5ckpt_restore(store, NULL, NULL) < 0)
 *         die(h5ckpt_message(store));
 *     fprintf(stderr, "%s\n", h5ckpt_message(store));    // "" or: no checkpoint yet; fell back, and why
 *     struct h5ckpt_progress at = h5ckpt_progress(store);
 *     while (at.epoch < 10) {
 *         train_one_epoch(weights);
 *         at.epoch++;
 *         if (h5ckpt_save(store, &at) < 0)
 *             warn(h5ckpt_message(store));              // the previous checkpoint is still there
 *     }
 *     // your result is safe? then h5ckpt_delete(store): without it the next start goes on from here
 *     h5ckpt_close(store);
 *     h5ckpt_state_free(state);
 * @endcode
 *
 * Threads, fork, ownership
 * ------------------------
 * Handles are independent; one handle must not be used by two threads at once. HDF5 is called only inside calls that
 * save, or that take in a save in the background: h5ckpt_open(), h5ckpt_save(), h5ckpt_space(), h5ckpt_reserve(),
 * h5ckpt_roll_back(), h5ckpt_close(), a converting h5ckpt_restore() and, in a background mode, any other call on the
 * store; never by a thread of h5ckpt. A program whose other threads use a libhdf5 built without thread safety must not
 * do so during these calls.
 *
 * A save, restore or inspection of more than a few megabytes uses up to three threads of its own for as long as the
 * call lasts; a save in the background one more, or up to four child processes, until it is durable. The threads block
 * all signals but those of faults (SIGSEGV…) and call no function of yours but the event function; nothing of them is
 * left when no save is in flight. A call that uses them cannot be cancelled (pthread_cancel()) meanwhile.
 *
 * A store belongs to the process that opened it: in a child made by fork() every call but h5ckpt_close() fails with
 * H5CKPT_E_ARGUMENT (and the child keeps the directory locked until it closes the store, executes another program or
 * ends). Do not fork while another thread is inside a call; while a save is in flight you may. Before exec(), close the
 * store: what is in flight would be lost.
 *
 * You own every array that you register and every struct that you pass; h5ckpt keeps copies of names
 * and shapes. Sizes are bytes, positions count from 0.
 */
#ifndef H5CKPT_H
#define H5CKPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define H5CKPT_API __attribute__((visibility("default")))
#else
#define H5CKPT_API
#endif

#define H5CKPT_VERSION_MAJOR 0
#define H5CKPT_VERSION_MINOR 1
#define H5CKPT_VERSION_PATCH 0

/* ------------------------------------------------------------------ status */

/** What a call answers: 0 success, positive news, negative failure. h5ckpt_message() says more. */
typedef enum h5ckpt_status {
    H5CKPT_OK = 0,
    H5CKPT_FELL_BACK = 1,     /**< restored, but not the newest state that was expected: see the report */
    H5CKPT_NO_CHECKPOINT = 2, /**< nothing has been saved here yet; registered memory is untouched */
    H5CKPT_LIVES_AGREE = 3,   /**< a hook's: the interval that was run again gave the stored bytes (check_resume) */
    H5CKPT_SKIPPED = 4,       /**< nothing was saved: the save before is still in flight (skip_if_busy) */
    H5CKPT_STOP = 5,         /**< a hook's: the job is about to be taken away, the state is durable: end the loop now */
    H5CKPT_HISTORY_FULL = 6, /**< saved, but without some rows or logs of the history: no space for them */

    H5CKPT_E_ARGUMENT = -1,        /**< the call itself is wrong: NULL, a bad name, a wrong order of calls */
    H5CKPT_E_BUSY = -2,            /**< another handle or process is the writer of this directory */
    H5CKPT_E_NO_SPACE = -3,        /**< disk or quota full; the current state is as before */
    H5CKPT_E_PERMISSION = -4,      /**< the system refuses access (EACCES, EPERM, EROFS) */
    H5CKPT_E_MEMORY = -5,          /**< out of memory */
    H5CKPT_E_SYSTEM = -6,          /**< a system call failed for another, perhaps passing, reason */
    H5CKPT_E_IO = -7,              /**< the device failed to read or write (EIO) */
    H5CKPT_E_DAMAGED = -8,         /**< a slot's bytes are not those that were saved */
    H5CKPT_E_LOST = -9,            /**< there was a checkpoint and no state of it is readable */
    H5CKPT_E_SCHEMA = -10,         /**< stored and registered variables differ; all differences are listed */
    H5CKPT_E_VERSION = -11,        /**< written by a newer h5ckpt; nothing rolled back, nothing written */
    H5CKPT_E_FOREIGN = -12,        /**< files under our names that are not this directory's; untouched */
    H5CKPT_E_NOT_RESTORED = -13,   /**< there is a checkpoint: restore it, or call h5ckpt_start_over() */
    H5CKPT_E_MEMORY_CHANGED = -14, /**< a restore failed after registered memory had begun to change */
    H5CKPT_E_CALLBACK = -15,       /**< a get function of yours failed; nothing on disk was touched */
    H5CKPT_E_OVERTAKEN = -16,      /**< the writer replaced the state while it was read: try again */
    H5CKPT_E_HDF5 = -17,           /**< libhdf5 failed to build a structure in memory */
    H5CKPT_E_DIFFERS = -18,        /**< memory is not what is stored; every variable that differs is listed */
    H5CKPT_E_NOT_FINITE = -19,     /**< h5ckpt_require_finite(): a NaN or an infinity; nothing on disk was touched */
    H5CKPT_E_STOP_UNSAVED = -20,   /**< a hook's: as H5CKPT_STOP, but the newest work could not be saved */
    H5CKPT_E_SETTINGS = -21,       /**< the state was saved with other settings; all changes are listed */
    H5CKPT_E_SAVES_FAILED = -22,   /**< a hook's: too many saves have failed (failed_saves_max): end the loop now */
} h5ckpt_status;

/** A status' name, such as "H5CKPT_E_BUSY". Never NULL; static. */
H5CKPT_API const char *h5ckpt_status_name(h5ckpt_status status);

/* ------------------------------------------------------------------- state */

/**
 * An element type: its class in the high byte, its size in bytes below. Values are stored as the
 * machine holds them, under the HDF5 type that says so, so any HDF5 reader sees true numbers.
 */
typedef uint32_t h5ckpt_type;

enum {
    H5CKPT_INT8 = 0x01000001,
    H5CKPT_INT16 = 0x01000002,
    H5CKPT_INT32 = 0x01000004,
    H5CKPT_INT64 = 0x01000008,
    H5CKPT_UINT8 = 0x02000001,
    H5CKPT_UINT16 = 0x02000002,
    H5CKPT_UINT32 = 0x02000004,
    H5CKPT_UINT64 = 0x02000008,
    H5CKPT_FLOAT16 = 0x03000002, /**< IEEE 754 binary16, two bytes */
    H5CKPT_FLOAT32 = 0x03000004,
    H5CKPT_FLOAT64 = 0x03000008,
    H5CKPT_LONG_DOUBLE = 0x04000000 | (int)sizeof(long double), /**< padding bytes are stored as zeros */
    H5CKPT_BOOL = 0x05000000 | (int)sizeof(bool), /**< an enumeration FALSE, TRUE in the file, as h5py's */
    H5CKPT_COMPLEX64 = 0x06000008,                /**< `float _Complex`; a compound {r, i} in the file, as h5py's */
    H5CKPT_COMPLEX128 = 0x06000010,               /**< `double _Complex` */
};
/** @p type of elements of @p bytes bytes, or 0, which h5ckpt_add() refuses, where that size is impossible. */
#define H5CKPT_SIZED_(type, bytes) ((h5ckpt_type)((uint64_t)(bytes) <= 0xffffff ? (type) | (uint32_t)(bytes) : 0))
/**
 * Opaque elements of @p bytes bytes each (1 … 16,777,215): structs without pointers (which lead nowhere after a
 * restart), RNG states. Padding is stored, and compared by h5ckpt_compare(), as it is.
 */
#define H5CKPT_OPAQUE(bytes) H5CKPT_SIZED_(0x07000000u, bytes)
/** Fixed-length UTF-8 strings of @p bytes bytes each, padded with NUL: `char names[3][16]` is 3 of 16. */
#define H5CKPT_STRING(bytes) H5CKPT_SIZED_(0x08000000u, bytes)
/** Bytes of one element of @p type. */
#define H5CKPT_TYPE_BYTES(type) ((size_t)(0xffffffu & (type)))

/** The named variables of a program: what a checkpoint consists of. Opaque. */
typedef struct h5ckpt_state h5ckpt_state;

/** An empty state, or NULL when out of memory. Free it with h5ckpt_state_free(). */
H5CKPT_API h5ckpt_state *h5ckpt_state_new(void);

/** Free a state; NULL is allowed. Stores opened with it must have been closed. */
H5CKPT_API void h5ckpt_state_free(h5ckpt_state *state);

/**
 * Register @p bytes at @p memory under @p name.
 *
 * The name is the variable's path below /state in the file: "weights", "optimizer/adam/m". It is
 * UTF-8, of at most 1023 bytes; each part between slashes is not empty, "." or "..". No name may
 * equal another or be a group of another ("a" and "a/b").
 *
 * @param rank      number of dimensions, 0 (a scalar) … 32.
 * @param shape     @p rank extents in elements, slowest first; 0 is allowed. May be NULL for rank 0.
 * @param memory    row-major elements; must stay valid and unmoved as long as stores use the state.
 *                  May be NULL only for an array without elements.
 * A type of the C language has the type of its size: `int` is H5CKPT_INT32, `size_t` H5CKPT_UINT64 where it has 8
 * bytes. A shape is fixed: see docs/guide.md for arrays that grow.
 *
 * @return H5CKPT_OK; H5CKPT_E_ARGUMENT, H5CKPT_E_MEMORY. The first failure is kept by the state and returned, with its
 *         message, by h5ckpt_open() and by every save and restore: ten adds need one check. A NULL state is refused
 *         here and by h5ckpt_open(). A store that is already open takes a variable added later from its next save or
 *         restore on.
 */
H5CKPT_API h5ckpt_status h5ckpt_add(h5ckpt_state *state, const char *name, h5ckpt_type type, int rank,
                                    const uint64_t *shape, void *memory);

/**
 * As h5ckpt_add(), for memory whose address changes: freed and allocated anew, or two buffers that swap. Pass the
 * address of your pointer, cast: `(void *const *)&grid`; it is looked up at each save and restore. `*memory` may be
 * NULL only for an array without elements.
 */
H5CKPT_API h5ckpt_status h5ckpt_add_indirect(h5ckpt_state *state, const char *name, h5ckpt_type type, int rank,
                                             const uint64_t *shape, void *const *memory);

/**
 * Access to memory that h5ckpt cannot reach by a pointer: strided, on a device, static to a file.
 * Both return 0 on success; any other value is a failure and named in the message.
 */
struct h5ckpt_access {
    /**
     * Copy the whole variable, @p byte_count bytes row-major, into @p bytes, which is aligned as malloc()'s. Called in
     * a save before anything on disk is touched.
     */
    int (*get)(void *context, void *bytes, size_t byte_count);
    /** Take the whole variable from @p bytes, aligned likewise. Called in a restore, after the bytes were verified. */
    int (*put)(void *context, const void *bytes, size_t byte_count);
    void *context; /**< handed to both; must stay valid as long as stores use the state */
};

/** As h5ckpt_add(), by functions. @p access is copied; both functions must be given. */
H5CKPT_API h5ckpt_status h5ckpt_add_access(h5ckpt_state *state, const char *name, h5ckpt_type type, int rank,
                                           const uint64_t *shape, const struct h5ckpt_access *access);

/**
 * From now on save no state in which variable @p name holds a NaN or an infinity: h5ckpt_save() returns
 * H5CKPT_E_NOT_FINITE, names the variable and its first such element, and touches nothing on disk. NULL: every variable
 * of floating-point or complex numbers that has been added by now.
 *
 * Each save then reads those variables once more, in the caller's thread and before it returns, in every save mode.
 *
 * @return H5CKPT_OK; H5CKPT_E_ARGUMENT (no such variable; its type has no such values; a NULL state). A failure is kept
 *         as one of h5ckpt_add() is.
 */
H5CKPT_API h5ckpt_status h5ckpt_require_finite(h5ckpt_state *state, const char *name);

/**
 * Register a setting that the results depend on and that does not change while the program runs: a learning rate, a
 * seed, the name of a data set. It is stored with every state, under /settings/@p name, for any HDF5 reader; and
 * h5ckpt_restore() compares it: a state that was saved with another value is refused, or accepted (`settings` of struct
 * h5ckpt_restore_options), every change by its name.
 *
 * As h5ckpt_add(), but @p value is copied now and never written to. Names are apart from those of variables. A setting
 * is not restored, and none of the variables that h5ckpt_unchanged(), h5ckpt_require_finite(), h5ckpt_compare(),
 * h5ckpt_list_variables() and the restore options speak of. A string is what comes before its first NUL: for one that
 * may become longer, register one size with room, or a change of its value is a change of the file's structure as well
 * (the next saves go to new files).
 *
 * @return as h5ckpt_add().
 */
H5CKPT_API h5ckpt_status h5ckpt_add_setting(h5ckpt_state *state, const char *name, h5ckpt_type type, int rank,
                                            const uint64_t *shape, const void *value);

/** What went wrong first while variables were added; "" if nothing did. Valid until the state is freed. NULL is
 * allowed. */
H5CKPT_API const char *h5ckpt_state_message(const h5ckpt_state *state);

/* ------------------------------------------------------------------- store */

/** An open backup directory. Opaque. */
typedef struct h5ckpt_store h5ckpt_store;

/** Where the program is: counts of finished work, so also the position of the next unit. */
struct h5ckpt_progress {
    uint64_t epoch; /**< epochs finished */
    uint64_t batch; /**< batches finished in the epoch that is running */
    uint64_t step;  /**< batches finished in all; a program without epochs counts in this one alone */
};

enum h5ckpt_mode {
    H5CKPT_READ_WRITE = 0, /**< the one writer; the directory is made if missing, its parents included */
    H5CKPT_READ_ONLY = 1,  /**< an evaluator or a tool: takes no lock, writes nothing, may run beside a writer */
};

enum h5ckpt_event_kind {
    H5CKPT_EVENT_SAVE_BEGUN,       /**< every get function has answered; the slot's first byte is about to be written */
    H5CKPT_EVENT_DURABLE,          /**< the state is on the device: h5ckpt_save() is about to return H5CKPT_OK */
    H5CKPT_EVENT_SAVE_FAILED,      /**< the state before is still current */
    H5CKPT_EVENT_RESTORED,         /**< memory holds the newest state (or, where asked for, the previous one) */
    H5CKPT_EVENT_FELL_BACK,        /**< memory holds an older state than was expected */
    H5CKPT_EVENT_RESTORE_FAILED,   /**< H5CKPT_NO_CHECKPOINT is none, and no event */
    H5CKPT_EVENT_SETTINGS_CHANGED, /**< a state was restored that was saved with other settings, or without any */
    H5CKPT_EVENT_SLOT_REJECTED,    /**< a slot looked whole, and its bytes are not those that were saved */
    H5CKPT_EVENT_SLOT_REMOVED,     /**< one that the rotation no longer needs */
    H5CKPT_EVENT_KEPT,             /**< a state has become a milestone, or could not (an error) */
    H5CKPT_EVENT_FORGOTTEN,        /**< a milestone has been removed, as asked */
    H5CKPT_EVENT_ROLLED_BACK,      /**< a milestone's state is the newest one again */
    H5CKPT_EVENT_LEFTOVER_REMOVED, /**< a file that a save or a deletion cut short had left behind */
    H5CKPT_EVENT_LOCK_REPAIRED,    /**< the lock file was missing or damaged; the slots say whose they are */
    H5CKPT_EVENT_VIEW_FAILED,      /**< checkpoint.h5 could not be written; no state depends on it */
    H5CKPT_EVENT_CHECKED,          /**< check_resume: what came of it */
    H5CKPT_EVENT_HOOK_REFUSED,     /**< a hook out of order, or with a number that is not due: it did nothing;
                                        the first log that is refused */
    H5CKPT_EVENT_PREEMPTION,       /**< notice was given that the job will be taken away, and what is done about it */
    H5CKPT_EVENT_GIVEN_UP,         /**< failed_saves_max: the loop was told to end */
    H5CKPT_EVENT_HISTORY,          /**< rows or logs of the history are not in the state that was saved, or restored;
                                        an epoch has ended, and the monitored log has no value yet (once in a life) */
    H5CKPT_EVENT_DELETED,          /**< the checkpoint is gone, as asked; or a deletion cut short was finished */
};

enum h5ckpt_level {
    H5CKPT_LEVEL_INFO,
    H5CKPT_LEVEL_WARNING, /**< something is not as it should be, and was dealt with */
    H5CKPT_LEVEL_ERROR,   /**< the call that is running will fail */
};

/** Something that happened; valid during the call of the event function. */
struct h5ckpt_event {
    enum h5ckpt_event_kind kind;
    enum h5ckpt_level level;
    h5ckpt_status status;
    const char *backup_dir;
    const char *file;                /**< "slot-a.h5"; "" if it is about none */
    uint64_t sequence;               /**< of the state it is about; 0 if about none */
    struct h5ckpt_progress progress; /**< likewise */
    double seconds;                  /**< what it took, for H5CKPT_EVENT_DURABLE, _RESTORED and _FELL_BACK; else 0 */
    const char *message;             /**< all of it in a sentence, for a log */
};

/** When h5ckpt_save() returns. docs/guide.md says which suits whom. */
enum h5ckpt_save_mode {
    H5CKPT_SAVE_SYNCHRONOUS = 0, /**< when the state is durable */
    H5CKPT_SAVE_STAGED = 1,      /**< when it has been copied; the copy is made durable in the background */
    H5CKPT_SAVE_FENCED = 2, /**< at once; the program calls h5ckpt_fence() before it next changes registered memory:
                                      generators, orders and sums, too */
    H5CKPT_SAVE_FORKED = 3, /**< when a copy-on-write child has been made, which reads and writes the memory as
                                      it was */
};

/** How saves go on in the background (all modes but H5CKPT_SAVE_SYNCHRONOUS). */
struct h5ckpt_background {
    bool skip_if_busy; /**< a save while one is in flight is H5CKPT_SKIPPED; default false: it waits for that one */
    /**
     * Copies (staged, fenced) take at most this much; default UINT64_MAX: as much as the state. What does not fit is
     * written before the memory may change. Kept until the store is closed.
     */
    uint64_t memory_bytes;
    /** Write no faster; default 0: as fast as the device. Nobody who waits is held up by it. */
    uint64_t bytes_per_second;
    int nice; /**< of the threads or the child in the background: 0 (default: as the caller) … 19 */
    /**
     * Run them on this processor only (a real-time thread of the program must not keep it busy: who waits for a save
     * waits for them); default -1: on any that the caller may use, but not the one on which h5ckpt_save() was called,
     * where there is another.
     */
    int cpu;
    /**
     * Fenced, for debugging: h5ckpt_fence() reads all memory once more and fails, with the names of the variables, if
     * any has changed since the save; default false.
     */
    bool detect_changes;
};

struct h5ckpt_options {
    enum h5ckpt_mode mode;  /**< default H5CKPT_READ_WRITE */
    unsigned slots;         /**< states kept: 1, 2 (default: double checkpoint) or 3; may change between runs */
    unsigned file_mode;     /**< permission bits of new files, default 0600; a new directory adds x where r is */
    unsigned rewrite_every; /**< unchanged bytes are written anew at the latest every this many saves
                                 into a slot; default 16, 1 rewrites always, at most 1,000,000 */
    enum h5ckpt_save_mode save_mode;     /**< default H5CKPT_SAVE_SYNCHRONOUS */
    struct h5ckpt_background background; /**< of the other modes */
    /**
     * Told of what happens, for the host's logger; default NULL. Called by the thread, and within the call, that it
     * happens in (of a save in the background, H5CKPT_EVENT_DURABLE and _SAVE_FAILED come from a thread of h5ckpt, one
     * at a time, at any moment until h5ckpt_wait(), or another call that waits for that save, has returned); must not
     * call h5ckpt with this store, nor leave by longjmp(), nor start threads or processes from such a thread, which has
     * all signals blocked and keeps to the background's processors and niceness. It decides nothing.
     */
    void (*event)(void *context, const struct h5ckpt_event *event);
    void *event_context;
};

/** The defaults named above. */
H5CKPT_API struct h5ckpt_options h5ckpt_options_default(void);

/**
 * Open @p backup_dir for the variables of @p state.
 *
 * Reads the slots' records and, as the writer, holds the directory's lock until h5ckpt_close(), removes the leftovers
 * of a crashed run, and makes checkpoint.h5 lead to the newest states; no slot is written. Restores nothing. The state
 * is borrowed, not owned.
 *
 * @param[out] store  always set, except to NULL when out of memory or when @p store's own arguments are
 *                    unusable: also after a failure, so that h5ckpt_message() can say why. Close it.
 * @param options     NULL for the defaults.
 * @return H5CKPT_OK; H5CKPT_E_ARGUMENT (empty or over-long directory, bad options, a failed h5ckpt_add()),
 *         H5CKPT_E_BUSY, H5CKPT_E_FOREIGN, H5CKPT_E_VERSION, H5CKPT_E_PERMISSION, H5CKPT_E_NO_SPACE,
 *         H5CKPT_E_MEMORY, H5CKPT_E_SYSTEM, H5CKPT_E_IO. A failed open changes nothing on disk.
 */
H5CKPT_API h5ckpt_status h5ckpt_open(h5ckpt_store **store, const char *backup_dir, h5ckpt_state *state,
                                     const struct h5ckpt_options *options);

/**
 * Close a store and give up the directory's lock. NULL is allowed. The checkpoint stays; a directory in
 * which nothing was ever saved is left as h5ckpt_open() found it.
 */
H5CKPT_API void h5ckpt_close(h5ckpt_store *store);

/**
 * Why the last call on this store failed, fell back or found no checkpoint, or what it found out: a sentence for a
 * person, "" after any other call. Several lines only for H5CKPT_E_SCHEMA, H5CKPT_E_DIFFERS, H5CKPT_E_SETTINGS and
 * settings that were accepted (one per difference). Never NULL; valid until the next call on the store. NULL is allowed
 * (out of memory).
 */
H5CKPT_API const char *h5ckpt_message(const h5ckpt_store *store);

/**
 * Save every registered variable as the new current state.
 *
 * Blocks until the bytes are durable (flushed to the device). The state saved last, or restored, is not touched: on
 * failure it is still current and the handle stays usable; call again at the next opportunity. Registered memory is
 * read, never changed, and must not change during the call. Blocks of which this handle knows that they are on the
 * device already are not written again (`rewrite_every`).
 *
 * In a background mode it returns earlier (enum h5ckpt_save_mode), and H5CKPT_OK means that the save is in flight. From
 * then on (fenced: from h5ckpt_fence() on) what the program does to its memory is never in the saved state. The state
 * is durable when H5CKPT_EVENT_DURABLE says so or h5ckpt_wait() returns H5CKPT_OK. One save is in flight at a time: the
 * next waits, or is skipped. If it fails, the next h5ckpt_save() returns its failure, with a message that says so, and
 * all the same saves anew; or h5ckpt_wait() returns it. Every other call on the store, h5ckpt_close() too, is a fence
 * and waits for it first, but for h5ckpt_unchanged(), h5ckpt_message(), h5ckpt_progress() and a skipped save. Get
 * functions are called before h5ckpt_save() returns; arrays must not be freed while they may be read. Where the system
 * gives no thread, the save is synchronous.
 *
 * @param progress  kept with the state; NULL for zeros.
 * The history that came with the state that was restored (h5ckpt_log()) is saved with the variables.
 *
 * @return H5CKPT_OK; H5CKPT_HISTORY_FULL (saved, but for some of the history; in a background mode, in flight);
 *         H5CKPT_SKIPPED; H5CKPT_E_ARGUMENT also (fenced) if h5ckpt_fence() was not called since the last save, whose
 *         state is then given up, as nobody knows what memory was when it was read; H5CKPT_E_NOT_RESTORED (a checkpoint
 *         exists and was not restored by this handle; a warm start of some variables counts as a restore),
 *         H5CKPT_E_MEMORY_CHANGED (the last restore failed half-way), H5CKPT_E_ARGUMENT (a NULL array, a read-only
 *         store, another process' handle), H5CKPT_E_CALLBACK, H5CKPT_E_NOT_FINITE, H5CKPT_E_NO_SPACE, H5CKPT_E_IO,
 *         H5CKPT_E_PERMISSION, H5CKPT_E_MEMORY, H5CKPT_E_SYSTEM, H5CKPT_E_BUSY (the directory was taken over, or a slot
 *         changed by somebody else meanwhile; another run has saved there, as can be where the file system's locks do
 *         not work), H5CKPT_E_FOREIGN, H5CKPT_E_VERSION, H5CKPT_E_HDF5.
 */
H5CKPT_API h5ckpt_status h5ckpt_save(h5ckpt_store *store, const struct h5ckpt_progress *progress);

/**
 * Wait until no save is in flight. A fence, too (H5CKPT_SAVE_FENCED).
 *
 * @return H5CKPT_OK: the last save is durable, or none was begun since its result was returned; else what
 *         h5ckpt_save() would have returned.
 */
H5CKPT_API h5ckpt_status h5ckpt_wait(h5ckpt_store *store);

/**
 * Before any registered memory changes (H5CKPT_SAVE_FENCED): returns when all of it has been read or copied, whichever
 * is sooner. Does nothing where that has been done, where no save is in flight, and in the other modes. Where the next
 * h5ckpt_save(), or the next h5ckpt_on_train_batch_end(), comes without a fence, the save before is never committed.
 * Any other call that waits for the save in flight is a fence, h5ckpt_close() too; but after one was forgotten only
 * this one and h5ckpt_wait() are, from then on.
 *
 * @return H5CKPT_OK; H5CKPT_E_ARGUMENT (another process' handle; or `detect_changes` found that memory has changed
 *         already: the state is given up, the one before is still current, and nothing more is returned for it).
 */
H5CKPT_API h5ckpt_status h5ckpt_fence(h5ckpt_store *store);

/**
 * Promise that elements @p first to @p first + @p count - 1 (row-major; cut at the end, so 0, UINT64_MAX: all) of
 * variable
 * @p name have not changed since the last h5ckpt_save() of this store: the next one then need not even read them, as
 * far as whole blocks of 64 KiB go and this handle knows what is on the device. A false promise saves a mixture that no
 * checksum notices. For the next save only.
 *
 * @return H5CKPT_OK; H5CKPT_E_ARGUMENT (no such variable, another process' handle).
 */
H5CKPT_API h5ckpt_status h5ckpt_unchanged(h5ckpt_store *store, const char *name, uint64_t first, uint64_t count);

/**
 * The progress of the state last saved or restored by this handle, or found by a comparison to be in memory
 * (check_resume: whatever the verdict), as the last call on it knew: never of one that is not durable; zeros before
 * that, and for NULL.
 */
H5CKPT_API struct h5ckpt_progress h5ckpt_progress(const h5ckpt_store *store);

/**
 * Allow saving although there is a checkpoint that was not restored. The states on disk stay until saves
 * replace them one by one; the newest intact one is spared by the next save. After H5CKPT_E_MEMORY_CHANGED the program
 * vouches for its memory by this call.
 *
 * @return H5CKPT_OK; H5CKPT_E_ARGUMENT (read-only), H5CKPT_E_FOREIGN, H5CKPT_E_VERSION; as h5ckpt_inspect().
 */
H5CKPT_API h5ckpt_status h5ckpt_start_over(h5ckpt_store *store);

/**
 * Delete the checkpoint: all slots, the view and the lock, and nothing else. Where there are milestones, they stay, and
 * the lock with them; the directory then holds no checkpoint, as before the first save. A deletion cut short is
 * finished by the next open. The store can only be closed afterwards.
 *
 * @return H5CKPT_OK; H5CKPT_E_ARGUMENT (read-only), H5CKPT_E_BUSY, H5CKPT_E_FOREIGN, H5CKPT_E_VERSION,
 *         H5CKPT_E_PERMISSION, H5CKPT_E_NO_SPACE (of a quota, for what the deletion itself notes), H5CKPT_E_MEMORY,
 *         H5CKPT_E_IO, H5CKPT_E_SYSTEM.
 */
H5CKPT_API h5ckpt_status h5ckpt_delete(h5ckpt_store *store);

/** What the registered variables will take, and what there is. */
struct h5ckpt_space {
    uint64_t variable_bytes;         /**< the bytes of all registered variables and settings */
    uint64_t slot_bytes;             /**< one slot file */
    uint64_t disk_bytes_needed;      /**< still to be allocated by the next saves, at most (all slots, one spare
                                          where the next save needs a new file) */
    uint64_t disk_bytes_available;   /**< free in the directory's file system for this user */
    uint64_t memory_bytes_needed;    /**< working memory of a save or restore beyond the variables themselves */
    uint64_t memory_bytes_available; /**< of the machine, as far as the system tells; UINT64_MAX if it does not */
};

/**
 * How much disk and memory will this state take, and is it there? Builds the file structure in memory
 * (milliseconds; about 2 s for 100,000 variables), which the next save then finds ready.
 *
 * @return H5CKPT_OK (also when it does not fit: compare the fields); H5CKPT_E_ARGUMENT, H5CKPT_E_HDF5,
 *         H5CKPT_E_MEMORY, H5CKPT_E_PERMISSION, H5CKPT_E_IO, H5CKPT_E_SYSTEM.
 */
H5CKPT_API h5ckpt_status h5ckpt_space(h5ckpt_store *store, struct h5ckpt_space *space);

/**
 * Make the slots now, and write them once, instead of with the first save: a disk that is too small is found at
 * start-up, and the first save takes no longer than the others. Call it when h5ckpt_restore() found no checkpoint. Does
 * nothing where there are slots, or were, and with one slot. If nothing is saved after it, h5ckpt_close() takes them
 * away again. Room for a history is not made: no log is known yet.
 *
 * @return H5CKPT_OK; as h5ckpt_save() otherwise, with nothing left behind.
 */
H5CKPT_API h5ckpt_status h5ckpt_reserve(h5ckpt_store *store);

/* ----------------------------------------------------------------- restore */

enum h5ckpt_which {
    H5CKPT_CURRENT = 0,  /**< the newest intact state */
    H5CKPT_PREVIOUS = 1, /**< the state before the newest one: roll back on purpose. H5CKPT_NO_CHECKPOINT if there
                              is none yet, H5CKPT_E_LOST if there was one and it is not readable; H5CKPT_FELL_BACK
                              where what is left may not be that one: after damage, or one that was rolled back past */
};

enum h5ckpt_match {
    H5CKPT_EXACT = 0,        /**< stored and registered variables must be the same */
    H5CKPT_INTERSECTION = 1, /**< warm start: only variables on both sides; a common one must still fit */
};

enum h5ckpt_convert {
    H5CKPT_SAME_TYPE = 0, /**< a type or byte order that differs is H5CKPT_E_SCHEMA */
    H5CKPT_CONVERT = 1,   /**< numbers of the same kind (integer, floating-point, complex) are converted by HDF5's
                               rules: byte order, width, signedness; out-of-range integers are clipped */
};

enum h5ckpt_memory {
    H5CKPT_VERIFY_FIRST = 0, /**< the whole slot is verified, then read into place, each block verified again */
    H5CKPT_STAGED = 1,       /**< everything is read and verified in memory of ours first: registered arrays are
                                  untouched unless the restore succeeds */
    /**
     * The slot is read once, each block verified and handed over at once: the fastest. If a block is damaged, memory
     * has begun to change: the state before is restored over it, or H5CKPT_E_MEMORY_CHANGED. For a start-up, where
     * memory holds nothing yet.
     */
    H5CKPT_BLOCKWISE = 2,
};

/**
 * A state that was saved with other settings (h5ckpt_add_setting()): a value, type or shape that differs, one that is
 * new, one that is no longer there.
 */
enum h5ckpt_settings {
    /**
     * It is H5CKPT_E_SETTINGS, whose message has a line for every change. But where one side has no settings at all
     * nothing is refused: a state that was saved before the program had any is restored as if they were accepted; and a
     * program without any does not ask.
     */
    H5CKPT_SETTINGS_REFUSE = 0,
    /**
     * It is restored all the same, and saved with the new ones from then on. The changes are in the message, and told
     * to the event function.
     */
    H5CKPT_SETTINGS_ACCEPT = 1,
};

/** A stored variable that the program now calls otherwise. */
struct h5ckpt_rename {
    const char *stored;     /**< its name in the file */
    const char *registered; /**< its name in the program */
};

struct h5ckpt_restore_options {
    enum h5ckpt_which which;
    enum h5ckpt_match match;
    enum h5ckpt_convert convert;
    enum h5ckpt_memory memory;
    enum h5ckpt_settings settings;
    const struct h5ckpt_rename *renames; /**< applied before matching; NULL for none */
    size_t rename_count;
    /** Restore only registered variables for which this is true (weights without optimizer); NULL for all. */
    bool (*select)(void *context, const char *registered_name);
    void *select_context;
};

/** All zeros: current, exact, same type, verify first, the same settings. */
H5CKPT_API struct h5ckpt_restore_options h5ckpt_restore_options_default(void);

enum { H5CKPT_SLOT_COUNT_MAX = 3, H5CKPT_REASON_BYTES = 512, H5CKPT_ID_TEXT_BYTES = 33 };

enum h5ckpt_slot_state {
    H5CKPT_SLOT_ABSENT = 0,
    H5CKPT_SLOT_RESERVED,               /**< space set aside; no state was saved here yet */
    H5CKPT_SLOT_COMMITTED,              /**< record and table hold together; blocks not read */
    H5CKPT_SLOT_INTACT,                 /**< every byte verified */
    H5CKPT_SLOT_WRITING,                /**< a save by a living writer is in progress */
    H5CKPT_SLOT_INTERRUPTED,            /**< a save ended before it was complete; no damage */
    H5CKPT_SLOT_INTERRUPTED_OR_DAMAGED, /**< as that, but the machine was restarted since: cannot be told apart */
    H5CKPT_SLOT_DAMAGED,
    H5CKPT_SLOT_MISSING, /**< absent, although another slot's record expects it */
    H5CKPT_SLOT_FOREIGN, /**< another directory's slot, or a stranger's file */
    H5CKPT_SLOT_NEWER_VERSION,
    H5CKPT_SLOT_UNREADABLE, /**< a passing condition: no permission, no memory… */
};

/** A slot state's name for people, such as "interrupted". Never NULL; static. */
H5CKPT_API const char *h5ckpt_slot_state_name(enum h5ckpt_slot_state state);

enum h5ckpt_role {
    H5CKPT_ROLE_NONE = 0,  /**< it holds no state that could be given back */
    H5CKPT_ROLE_CURRENT,   /**< what a restore gives */
    H5CKPT_ROLE_PREVIOUS,  /**< the state before that */
    H5CKPT_ROLE_OLDER,     /**< before that one, with three slots */
    H5CKPT_ROLE_ABANDONED, /**< on a branch that the program rolled back from */
};

/** A role's name for people, such as "current"; "" for none. Never NULL; static. */
H5CKPT_API const char *h5ckpt_role_name(enum h5ckpt_role role);

struct h5ckpt_slot_report {
    char name[16]; /**< file name, "slot-a.h5" */
    enum h5ckpt_slot_state state;
    uint64_t sequence; /**< 0 if its record cannot be read */
    struct h5ckpt_progress progress;
    int64_t wall_time_ns;              /**< when it was saved, since 1970 UTC */
    char run_id[H5CKPT_ID_TEXT_BYTES]; /**< by which handle, so in which life: 32 hexadecimal digits; "" if not known */
    uint64_t file_bytes;
    enum h5ckpt_role role;
    bool from_device; /**< every byte was read past the page cache (H5CKPT_DEVICE, large slots that were restored) */
    char reason[H5CKPT_REASON_BYTES]; /**< what is wrong, by variable and block; "" if nothing is */
};

/** Which of two values of a log is the better one. */
enum h5ckpt_better {
    H5CKPT_SMALLER_IS_BETTER = 0, /**< a loss */
    H5CKPT_LARGER_IS_BETTER = 1,  /**< an accuracy */
};

/** The best value of a log so far: what early stopping goes by. */
struct h5ckpt_best {
    bool known; /**< there is one: a value that is no NaN */
    double value;
    struct h5ckpt_progress at; /**< of its row; the first one, where several are equal */
    uint64_t rows_since; /**< how often the log has had a value (NaN, too) since then: the patience that is used up */
};

/**
 * What saving costs the program, as the directory's last writer noted it with its last successful save. The note is
 * never flushed, and nothing but curiosity should depend on it: where it is lost, all of this is 0.
 */
struct h5ckpt_account {
    uint64_t sequence;      /**< of that save; 0: nothing is known */
    double save_seconds;    /**< that it took until it was durable */
    uint64_t bytes_written; /**< by it; blocks that had not changed were not written */
    double stall_seconds;   /**< that saves, fences and waits had held the program up by then (synchronous; in the
                                 background, when that save began) … */
    double open_seconds;    /**< … in the time since the program had opened the directory */
};

struct h5ckpt_report {
    int restored;      /**< index into slot[] exactly if the call gave H5CKPT_OK or H5CKPT_FELL_BACK
                            (the slot that a restore would give, for h5ckpt_inspect()); else -1 */
    uint64_t sequence; /**< of the restored state */
    struct h5ckpt_progress progress;
    /**
     * Of the directory: the same in every life from its first save on, until it is deleted; 32 hexadecimal digits, ""
     * if not known. (Which life saved a state is told by its slot's run_id.)
     */
    char directory_id[H5CKPT_ID_TEXT_BYTES];
    double age_seconds; /**< by the wall clock; negative if that was set back */
    bool fell_back;
    uint64_t sequences_lost; /**< saves newer than the restored one that are known to have existed */
    size_t variable_count;   /**< variables restored */
    uint64_t history_rows;   /**< of the history that came with them (h5ckpt_log()); 0 for a read-only store */
    struct h5ckpt_best best; /**< of h5ckpt_on_train_begin(): of the log that is its option `monitor` */
    bool writer_alive;       /**< another process holds the directory (only a read-only store can see that) */
    bool lock_damaged;       /**< the lock file does not say whose the slots are; they agree among themselves, but the
                                  next writer may refuse the directory */
    struct h5ckpt_account account; /**< what saving costs */
    unsigned slot_count;           /**< 0: no slot was looked at (a directory of a newer version, or not ours) */
    struct h5ckpt_slot_report slot[H5CKPT_SLOT_COUNT_MAX];
};

/**
 * Give back the newest intact state (or, by option, the previous one).
 *
 * Verifies, compares settings, names, types and shapes, then copies into registered memory. If the newest state is
 * damaged it falls back to the previous one, returns H5CKPT_FELL_BACK and says so. Writes nothing (a writer's has the
 * system flush a large slot before it is read: if that fails, no more than the next save takes note). The state given
 * back becomes the one that saves spare. Call it when everything is initialized: it overwrites; and again as often as
 * needed, also with other options. The history (h5ckpt_log()) comes with every state, whatever the options; a slot's
 * that cannot be understood is left out, which the event function is told (H5CKPT_EVENT_HISTORY). After rolling back
 * (H5CKPT_PREVIOUS) newer states stay on disk until the next save; a crash before that save yields the newest again.
 *
 * @param options  NULL for the defaults.
 * @param report   filled in every case but H5CKPT_E_ARGUMENT; may be NULL.
 * @return H5CKPT_OK, H5CKPT_FELL_BACK; H5CKPT_NO_CHECKPOINT (memory untouched: start afresh); H5CKPT_E_LOST,
 *         H5CKPT_E_SCHEMA, H5CKPT_E_SETTINGS, H5CKPT_E_VERSION, H5CKPT_E_FOREIGN, H5CKPT_E_PERMISSION, H5CKPT_E_MEMORY,
 *         H5CKPT_E_SYSTEM, H5CKPT_E_OVERTAKEN, H5CKPT_E_ARGUMENT, H5CKPT_E_HDF5 (memory untouched);
 *         H5CKPT_E_MEMORY_CHANGED (a read or a put function failed, or with H5CKPT_BLOCKWISE a block was damaged, after
 *         memory had begun to change and no other state could be given back: memory holds no state, and saving is
 *         refused until a restore succeeds).
 */
H5CKPT_API h5ckpt_status h5ckpt_restore(h5ckpt_store *store, const struct h5ckpt_restore_options *options,
                                        struct h5ckpt_report *report);

/**
 * Is registered memory, bit for bit, a state of the checkpoint? Writes nothing and changes no memory; needs as much
 * memory again as the variables take. With H5CKPT_PREVIOUS, where the newest state is lost, that is the newest one
 * left. The history is not compared: what the same work logs may differ (how long it took).
 *
 * @return H5CKPT_OK: it is. With H5CKPT_CURRENT that state is then the one that saves spare, as if it had been
 *         restored. H5CKPT_E_DIFFERS: the message has a line for every variable that differs, with its first element
 *         that does. With H5CKPT_CURRENT, and if the handle may save at all, saves spare that state from then on: after
 *         going back to the previous one to compare, the program may go on and lose nothing. H5CKPT_NO_CHECKPOINT;
 *         H5CKPT_E_DAMAGED (the state asked for cannot be read, or what is left may not be it); H5CKPT_E_CALLBACK (a
 *         get function failed); as h5ckpt_restore().
 */
H5CKPT_API h5ckpt_status h5ckpt_compare(h5ckpt_store *store, enum h5ckpt_which which);

/* -------------------------------------------------------------- milestones */

/*
 * States kept under a name, outside the rotation: no save replaces them and h5ckpt_delete() leaves them. A milestone's
 * name has 1 to H5CKPT_MILESTONE_NAME_BYTES_MAX letters, digits, '.', '_' and '-', the first no '.'; its file,
 * milestone-NAME.h5, is one as a slot's.
 */
enum { H5CKPT_MILESTONE_NAME_BYTES_MAX = 64 };

/**
 * Keep the state that this handle last saved or restored (after h5ckpt_start_over(): the newest intact one; after
 * h5ckpt_roll_back(): that one; after h5ckpt_compare() with H5CKPT_CURRENT has told a handle that may save that memory
 * differs: the current one, which saves spare since then) as milestone @p name, in the place of an older one of that
 * name. Waits for the save in flight.
 *
 * It is durable on return. At every instant, crashes included, the name leads to the older milestone or to the new one,
 * whole. Where the file system has hard links this takes a flush of the directory (and the freeing of a file that it
 * replaces), and no space until the next save into the same slot, which makes a new file; elsewhere, and where the
 * state cannot be told to be durable, its file is copied, every byte verified.
 *
 * @return H5CKPT_OK; what h5ckpt_wait() would have returned, if a save in the background has failed; H5CKPT_E_ARGUMENT
 *         (a bad name; nothing saved or restored yet; a read-only store), H5CKPT_E_NO_SPACE (also where the next saves
 *         would find none), H5CKPT_E_FOREIGN (another file under that name; untouched), H5CKPT_E_VERSION,
 *         H5CKPT_E_DAMAGED (the state itself: its record, or any byte where it is copied; the next save makes a new
 *         file beside the state before), H5CKPT_E_BUSY (somebody else changed the lock, or put another state into the
 *         slot), H5CKPT_E_PERMISSION, H5CKPT_E_MEMORY, H5CKPT_E_IO, H5CKPT_E_SYSTEM. After a failure the older
 *         milestone is there (if flushing the directory failed, it or the new one), and saving goes on.
 */
H5CKPT_API h5ckpt_status h5ckpt_keep(h5ckpt_store *store, const char *name);

/**
 * Remove milestone @p name, durably. Only a file that its record shows to be ours is removed.
 *
 * @return H5CKPT_OK; H5CKPT_E_ARGUMENT (a bad name; no such milestone; a read-only store), H5CKPT_E_FOREIGN (not ours,
 *         or so damaged that this cannot be told; untouched), H5CKPT_E_VERSION, H5CKPT_E_BUSY, H5CKPT_E_NO_SPACE,
 *         H5CKPT_E_PERMISSION, H5CKPT_E_MEMORY, H5CKPT_E_IO, H5CKPT_E_SYSTEM.
 */
H5CKPT_API h5ckpt_status h5ckpt_remove_milestone(h5ckpt_store *store, const char *name);

/**
 * Make the state of milestone @p name the newest one, durably: from the return on, h5ckpt_restore() gives it. Works
 * also where no slot can be read (H5CKPT_E_LOST), and after h5ckpt_delete().
 *
 * Its file is copied into a slot, every byte verified. The state that a restore would have given until then is not
 * touched: it is on a branch that the program left, and replaced by the saves that follow. Registered memory is not
 * changed, and need not be that of the milestone: saving is refused until it was restored. The milestone stays.
 *
 * @return H5CKPT_OK; H5CKPT_E_ARGUMENT (a bad name; no such milestone; a read-only store), H5CKPT_E_DAMAGED (the
 *         milestone; the message names variables and block), H5CKPT_E_FOREIGN, H5CKPT_E_VERSION, H5CKPT_E_OVERTAKEN (it
 *         was replaced while it was copied: try again), H5CKPT_E_NO_SPACE, H5CKPT_E_BUSY, H5CKPT_E_PERMISSION,
 *         H5CKPT_E_MEMORY, H5CKPT_E_IO, H5CKPT_E_SYSTEM: a restore gives what it would have given; where the message
 *         says so, already the milestone's state.
 */
H5CKPT_API h5ckpt_status h5ckpt_roll_back(h5ckpt_store *store, const char *name);

/* ---------------------------------------------------------------- callback */

/**
 * The adapter for training and time-stepping loops, with the semantics of Keras' BackupAndRestore: it opens a store of
 * its own, restores when training begins, saves in its hooks and deletes when training has finished. Opaque.
 *
 * @code
 *     struct h5ckpt_callback_options options = h5ckpt_callback_options_default();
 *     options.backup_dir = "backup";
 *     h5ckpt_callback *callback;
 *     struct h5ckpt_progress next;                       // the next unit of work
 *     if (h5ckpt_callback_new(&callback, state, &options) < 0 || h5ckpt_on_train_begin(callback, &next, NULL) < 0)
 *         die(h5ckpt_callback_message(callback));
 *     for (uint64_t epoch = next.epoch; epoch < epochs; epoch++, next.batch = 0) {
 *         check(h5ckpt_on_epoch_begin(callback, epoch));
 *         if (next.batch == 0)                           // else it was done before the state was saved
 *             shuffle(order);
 *         for (uint64_t batch = next.batch; batch < batches; batch++) {
 *             train(order, batch);
 *             check(h5ckpt_on_train_batch_end(callback, batch));
 *         }
 *         check(h5ckpt_on_epoch_end(callback, epoch));
 *     }
 *     write_result();                                    // before the checkpoint is deleted
 *     check(h5ckpt_on_train_end(callback, H5CKPT_FINISHED));
 *     h5ckpt_callback_free(callback);
 *
 *     void check(h5ckpt_status status)                   // negative: nothing was saved, and why; training may go on
 *     {
 *         if (status < 0)
 *             fprintf(stderr, "%s\n", h5ckpt_callback_message(callback));
 *     }
 * @endcode
 *
 * The hooks come in this order: train begin; for each epoch: epoch begin, batch ends, epoch end; train end. A hook out
 * of order, or with a number that is not due, is H5CKPT_E_ARGUMENT, does nothing, and is told to the event function.
 * Epochs count from 0; batches count from 0 within each epoch (`progress.step` counts across epochs). Training may end
 * within an epoch, but for H5CKPT_FINISHED. A loop without epochs calls h5ckpt_step() instead of what is between train
 * begin and train end.
 *
 * With `failed_saves_max` they may say H5CKPT_E_SAVES_FAILED: leave the loop, call h5ckpt_on_train_end() with
 * H5CKPT_FAILED. What was saved last is still there. With `save_before_preemption` the hooks may also say H5CKPT_STOP
 * (saved, durable, in every save mode) or H5CKPT_E_STOP_UNSAVED (not saved; the message says why, and what is still
 * there). Then leave the loop, call h5ckpt_on_train_end() with H5CKPT_PREEMPTED and exit with H5CKPT_EXIT_PREEMPTED. A
 * loop that goes on all the same is told any of these again by every hook; nothing more is saved, and nothing deleted:
 * the next life goes on from the last save. Threads, fork and ownership are as for a store.
 */
typedef struct h5ckpt_callback h5ckpt_callback;

#define H5CKPT_EVERY_EPOCH INT64_MAX       /**< save_freq: at each epoch's end */
#define H5CKPT_NEVER       (INT64_MAX - 1) /**< save_freq: no count makes the hooks save; something else must */

#define H5CKPT_STOP_FILE      "stop" /**< in the backup directory */
#define H5CKPT_EXIT_PREEMPTED 75 /**< EX_TEMPFAIL of sysexits.h, "try again": what a preempted program may exit with */

/**
 * How the callback learns that the job is about to be taken away (`save_before_preemption`). It is looked for in
 * h5ckpt_on_train_batch_end(), h5ckpt_step(), h5ckpt_on_test_batch_end() and h5ckpt_on_epoch_end(); whoever says so
 * first.
 */
struct h5ckpt_preemption {
    /**
     * Signals that count, up to the first 0; default {SIGTERM}. From h5ckpt_on_train_begin() on their handler sets a
     * flag and nothing else; h5ckpt_on_train_end(), a failed beginning, or h5ckpt_callback_free() put back what was
     * there, unless another handler has been installed meanwhile. One that the program ignores stays ignored; an
     * earlier handler is called as well; the default action is not taken, but in children that the program forks.
     */
    int signals[8];
    /**
     * When the job ends, in seconds since 1970 (the clock on the wall); INFINITY: never. Default 0: the environment's
     * SLURM_JOB_END_TIME, if there is one. The last save comes early enough by the times that saves and steps have
     * taken. One that has passed when training begins is ignored.
     */
    double deadline;
    /** Likewise, asked in each of these hooks; default NULL. INFINITY: unknown. */
    double (*seconds_left)(void *context);
    bool (*should_stop)(void *context); /**< asked in each of these hooks; default NULL */
    void *context;                      /**< handed to both; they must not call h5ckpt with this callback */
    /**
     * A file named "stop" in the backup directory (looked for once a second; removed when it is obeyed); default true.
     */
    bool stop_file;
    double grace_seconds; /**< how long training may go on after a notice: it is saved at once, and again before
                                  that time ends; default 0: it stops at once */
};

/**
 * States that the hooks keep as milestones (h5ckpt_keep()), which no save replaces and on_train_end() does not delete.
 */
struct h5ckpt_milestones {
    /**
     * At the end of every so many epochs, counted over all lives: save then, due or not, durably in every save mode,
     * and keep the state as "epoch-N", N epochs being finished; default 0: never.
     */
    uint64_t every_epochs;
    unsigned keep_last; /**< of those, only so many that were saved last; default 0: all */
    /**
     * Where a hook ends a row in which the log `monitor` (h5ckpt_log()) is better than in the state that is kept as
     * "best", of an earlier life or training, too (where there is none: better than ever before): save then, likewise,
     * and keep the state as "best" in its place; default false.
     */
    bool best;
};

/**
 * When to save: by save_freq, save_seconds and failure_seconds; due if any of them asks, done if save_share allows.
 * What is due and not allowed, and what failed, is done at the first end of a batch or an epoch at which it can be (of
 * the state as it is then). A try that failed is not repeated before the program has had as much time for itself as
 * that took, unless a save is due anyway. What is left undone when training ends is not saved. Seconds are those of
 * CLOCK_MONOTONIC: a clock that is set back or forward, or a machine that is suspended, makes nothing due.
 */
struct h5ckpt_callback_options {
    const char *backup_dir; /**< no default; copied */
    int64_t save_freq;      /**< H5CKPT_EVERY_EPOCH (default), H5CKPT_NEVER, or every so many batches (> 0),
                                                counted across epochs and restarts */
    double save_seconds;    /**< also so many seconds after the last save, or after training began; default 0: never */
    double failure_seconds; /**< also as often as loses least time if the program is interrupted every so many seconds
                                 on average (the mean time between failures): by what the last saves have cost
                                 (Young, Daly); the first one at once; default 0: not by this */
    double save_share;      /**< never so often that saving takes more than this share of run time (0.01: one percent).
                                 It takes the time that the program waits for it, and by which batches beside a save
                                 take longer than others; one save counts at most four times what is usual. The first
                                 one of a process is always allowed. With H5CKPT_NEVER and nothing else: as often as
                                 this allows. Less than 1; default 0: no limit */
    /**
     * End the loop (H5CKPT_E_SAVES_FAILED) when so many saves that were due have failed in a row, for whatever reason;
     * what is tried again between them does not count, but if it succeeds, the count begins anew. Default 0: never,
     * training goes on without a newer checkpoint.
     */
    unsigned failed_saves_max;
    bool double_checkpoint;      /**< keep the previous state beside the current one; default true */
    bool delete_checkpoint;      /**< delete it when training has finished; default true */
    bool save_before_preemption; /**< save once more and end the loop (H5CKPT_STOP) when the job is about to be taken
                                      away; default false */
    struct h5ckpt_preemption preemption; /**< how that becomes known */
    const char *monitor; /**< the log (h5ckpt_log()) of whose best value the report tells; copied; default NULL: none */
    enum h5ckpt_better monitor_better; /**< default H5CKPT_SMALLER_IS_BETTER */
    bool check_resume; /**< find what you forgot to register: resume from the *previous* state, run the interval
                                      up to the current one again, and compare; default false. See
                                      h5ckpt_on_train_begin(). Needs double_checkpoint and the default restore. Not for
                                      every day: each start does that work again before anything is saved */
    struct h5ckpt_milestones milestones;
    struct h5ckpt_options store; /**< everything else about the directory; its `slots` is set by double_checkpoint */
    /** How on_train_begin restores; the default is exact. What it points to must stay valid until then. */
    struct h5ckpt_restore_options restore;
};

/** The defaults named above. */
H5CKPT_API struct h5ckpt_callback_options h5ckpt_callback_options_default(void);

/**
 * Make a callback and open its directory as the writer. The state is borrowed and must outlive the callback.
 *
 * @param[out] callback  as h5ckpt_open(): set also after a failure, for the message; free it.
 * @return H5CKPT_OK; H5CKPT_E_ARGUMENT (save_freq 0, negative or beyond 2^53, or H5CKPT_NEVER with nothing else that
 *         saves; seconds or a share that are negative, infinite or no number; a share of 1 or more; a `monitor` that no
 *         log can be called; milestones.best without one; milestones.keep_last without every_epochs; a NULL directory;
 *         check_resume with what it cannot be had with; a signal that cannot be watched, a time that is none); as
 *         h5ckpt_open().
 */
H5CKPT_API h5ckpt_status h5ckpt_callback_new(h5ckpt_callback **callback, h5ckpt_state *state,
                                             const struct h5ckpt_callback_options *options);

/** Free a callback and close its store. NULL is allowed. The checkpoint stays unless on_train_end() deleted it. */
H5CKPT_API void h5ckpt_callback_free(h5ckpt_callback *callback);

/** As h5ckpt_message(), of the last hook. */
H5CKPT_API const char *h5ckpt_callback_message(const h5ckpt_callback *callback);

/**
 * The callback's own store, to ask for space, to inspect, reserve, fence, wait, promise (h5ckpt_unchanged()), or keep
 * and remove milestones; not to be closed, saved to, restored from or rolled back.
 */
H5CKPT_API h5ckpt_store *h5ckpt_callback_store(h5ckpt_callback *callback);

/**
 * Restore what there is, and say where to go on.
 *
 * A state saved at an epoch's end gives (epoch + 1, 0). A state saved within an epoch gives the batch after the last
 * finished one; saved in the hook of an epoch's last batch it gives (epoch, batches): no batch is due, but the epoch's
 * end is.
 *
 * With `check_resume`, and where there are two states, it restores the previous one. Nothing is saved while the program
 * does the work between the two once more. The hook that reaches the current state's position compares every variable
 * with it, and returns H5CKPT_LIVES_AGREE, or H5CKPT_E_DIFFERS with every variable that differs: something that they
 * depend on is not registered, or the computation is not reproducible. Either way the run goes on from there, and the
 * stored states are as they were. A training that finishes without having come to that position differs as well:
 * on_train_end() says so and deletes nothing. Where no hook is called at that very position, the next one says so with
 * H5CKPT_E_ARGUMENT; its work counts all the same.
 *
 * @param[out] next  with `step`, the batches finished in all; zeros where nothing was saved yet; untouched after a
 * failure.
 * @param report     may be NULL.
 * @return H5CKPT_OK, H5CKPT_FELL_BACK, H5CKPT_NO_CHECKPOINT (start afresh); as h5ckpt_restore(); H5CKPT_E_SYSTEM (no
 *         handler could be installed, `save_before_preemption` only).
 */
H5CKPT_API h5ckpt_status h5ckpt_on_train_begin(h5ckpt_callback *callback, struct h5ckpt_progress *next,
                                               struct h5ckpt_report *report);

/** Epoch @p epoch begins, or goes on after a restart. H5CKPT_OK, H5CKPT_E_ARGUMENT. */
H5CKPT_API h5ckpt_status h5ckpt_on_epoch_begin(h5ckpt_callback *callback, uint64_t epoch);

/** Batch @p batch begins. H5CKPT_OK, H5CKPT_E_ARGUMENT. Calling it is optional. */
H5CKPT_API h5ckpt_status h5ckpt_on_train_batch_begin(h5ckpt_callback *callback, uint64_t batch);

/**
 * Batch @p batch of the epoch, and every batch before it, is finished: a program that does several at once calls it
 * once, with the last. Saves if that is due (struct h5ckpt_callback_options).
 *
 * @return H5CKPT_OK; H5CKPT_STOP, H5CKPT_E_STOP_UNSAVED (save_before_preemption only); H5CKPT_E_SAVES_FAILED
 *         (failed_saves_max only); H5CKPT_LIVES_AGREE, H5CKPT_E_DIFFERS, or as h5ckpt_compare() (check_resume only);
 *         H5CKPT_E_ARGUMENT; as h5ckpt_save(): training may go on, the checkpoint before is still there, and the next
 *         end of a batch or an epoch at which it can be done (struct h5ckpt_callback_options) tries again, and returns
 *         what comes of it; as h5ckpt_keep() (`milestones.best`): saved, but not kept. H5CKPT_HISTORY_FULL: saved.
 *         H5CKPT_SKIPPED is not tried again until a save is next due.
 */
H5CKPT_API h5ckpt_status h5ckpt_on_train_batch_end(h5ckpt_callback *callback, uint64_t batch);

/**
 * Batch @p batch of a validation within the epoch is finished. Calling it is optional; without it, a validation is one
 * long step for `save_before_preemption`. What is saved here is the position of the last training batch: the epoch's
 * end is still to be run.
 *
 * @return H5CKPT_OK, H5CKPT_E_ARGUMENT; H5CKPT_STOP, H5CKPT_E_STOP_UNSAVED, H5CKPT_E_SAVES_FAILED; as h5ckpt_save() (a
 *         save at the beginning of a grace period).
 */
H5CKPT_API h5ckpt_status h5ckpt_on_test_batch_end(h5ckpt_callback *callback, uint64_t batch);

/**
 * Epoch @p epoch, its validation and the program's own work at its end included, is finished. Saves if due; keeps a
 * milestone if that is due (`milestones`).
 *
 * @return as h5ckpt_on_train_batch_end(); as h5ckpt_keep(), h5ckpt_remove_milestone(): the state was saved, but not
 *         kept, or older ones were not removed. A milestone that failed is not tried again.
 */
H5CKPT_API h5ckpt_status h5ckpt_on_epoch_end(h5ckpt_callback *callback, uint64_t epoch);

/**
 * Step @p step, and every step before it, of a loop without epochs is finished: the one call that a time-stepping code
 * makes between h5ckpt_on_train_begin(), whose `next.step` is the step to go on with, and h5ckpt_on_train_end(). Steps
 * count from 0; a step is a batch to save_freq. Not to be mixed with the hooks of epochs.
 *
 * @return as h5ckpt_on_train_batch_end(); H5CKPT_E_ARGUMENT also where only epochs would save (save_freq
 *         H5CKPT_EVERY_EPOCH, the default, without save_seconds and failure_seconds).
 */
H5CKPT_API h5ckpt_status h5ckpt_step(h5ckpt_callback *callback, uint64_t step);

/** Why training ends. Only the first two mean that the checkpoint has done its duty. */
enum h5ckpt_reason {
    H5CKPT_FINISHED = 0,      /**< make your result durable first: this call may delete what a restart would need */
    H5CKPT_STOPPED_EARLY = 1, /**< by the program's own rule: it is done */
    H5CKPT_FAILED = 2,        /**< an error */
    H5CKPT_PREEMPTED = 3,     /**< it will be started again; nothing is saved by this call */
    H5CKPT_NAN_STOP = 4,      /**< the numbers went bad */
};

/**
 * Training ends. Deletes the checkpoint if it finished and `delete_checkpoint` is set: ours and nothing else. Any other
 * reason keeps what was saved last. Once a hook has said H5CKPT_STOP, H5CKPT_E_STOP_UNSAVED or H5CKPT_E_SAVES_FAILED,
 * every reason keeps it: where the work was done indeed, the next life finds nothing left to do, and deletes.
 *
 * @return H5CKPT_OK; H5CKPT_STOP (kept for that reason); H5CKPT_E_DIFFERS (check_resume: it ended before the current
 *         state was reached); H5CKPT_E_ARGUMENT; as h5ckpt_delete(); where nothing is deleted, as h5ckpt_wait().
 */
H5CKPT_API h5ckpt_status h5ckpt_on_train_end(h5ckpt_callback *callback, enum h5ckpt_reason reason);

/**
 * Log a value: a loss, an accuracy, a norm. Called before the hook of the work that it is about. The next
 * h5ckpt_on_train_batch_end(), h5ckpt_step() or h5ckpt_on_epoch_end() makes one row of all that was logged since the
 * last row, with the position after that work; a log that had no value since has none in that row. Nothing logged: no
 * row. Of two values for one row the last counts.
 *
 * The rows are part of the state: saved with it, and given back with it. After a restart they end at the position from
 * which it goes on, and the work that is done again logs its rows again: none is missing, none is there twice. Any HDF5
 * reader finds them below /history, as docs/format.md says. They are kept for as long as the checkpoint is; so keep a
 * copy where it is deleted at the end.
 *
 * Room for 1024 rows is reserved, and doubled when it is used up; then, and for a new name, each slot is once written
 * as a new file. Where the space for that cannot be had, saves go on without what does not fit, and say
 * H5CKPT_HISTORY_FULL. To know that, a save in the background is waited for where it is the first of such a structure
 * in its slot.
 *
 * @param name  as a variable's (h5ckpt_add()), at most 1024 different ones; not "count", "epoch", "batch", "step", nor
 *              below one of these.
 * @return H5CKPT_OK; H5CKPT_E_ARGUMENT (the name; not between h5ckpt_on_train_begin() and h5ckpt_on_train_end()),
 *         H5CKPT_E_MEMORY: this value is not kept, nothing else is lost. The first failure is told to the event
 *         function, too.
 */
H5CKPT_API h5ckpt_status h5ckpt_log(h5ckpt_callback *callback, const char *name, double value);

/**
 * The best value of a log, of the rows so far: those of earlier lives, too, so early stopping goes on where it was. For
 * a log that there is not (yet), `known` is false.
 *
 * @return H5CKPT_OK, H5CKPT_E_ARGUMENT.
 */
H5CKPT_API h5ckpt_status h5ckpt_history_best(h5ckpt_callback *callback, const char *name, enum h5ckpt_better better,
                                             struct h5ckpt_best *best);

/** A history (h5ckpt_log()), as columns. What it points to is h5ckpt's. */
struct h5ckpt_history {
    uint64_t row_count;
    size_t log_count;
    const char *const *name;    /**< of the logs, in the order in which they were first logged; UTF-8 */
    const double *const *value; /**< value[log][row]; NaN where h5ckpt_was_logged() is false */
    const uint64_t *epoch;      /**< [row]: the position after the work that the row is about */
    const uint64_t *batch;
    const uint64_t *step;
};

/** Was this value of a history logged? Else it is the NaN that fills rows for which its log had no value. */
H5CKPT_API bool h5ckpt_was_logged(double value);

/**
 * All rows so far, as they are in memory; valid until the next h5ckpt_log(), hook or h5ckpt_callback_free().
 *
 * @return H5CKPT_OK, H5CKPT_E_ARGUMENT.
 */
H5CKPT_API h5ckpt_status h5ckpt_history(h5ckpt_callback *callback, struct h5ckpt_history *history);

/** The hooks as one struct, for a framework's list of callbacks; call each with `self`. */
struct h5ckpt_hooks {
    void *self;
    h5ckpt_status (*on_train_begin)(void *self, struct h5ckpt_progress *next);
    h5ckpt_status (*on_epoch_begin)(void *self, uint64_t epoch);
    h5ckpt_status (*on_train_batch_begin)(void *self, uint64_t batch);
    h5ckpt_status (*on_train_batch_end)(void *self, uint64_t batch);
    h5ckpt_status (*on_test_batch_end)(void *self, uint64_t batch);
    h5ckpt_status (*on_epoch_end)(void *self, uint64_t epoch);
    h5ckpt_status (*on_train_end)(void *self, enum h5ckpt_reason reason);
    h5ckpt_status (*log)(void *self, const char *name, double value);
};

/** @p callback as a struct of hooks; valid as long as the callback. */
H5CKPT_API struct h5ckpt_hooks h5ckpt_callback_hooks(h5ckpt_callback *callback);

/* -------------------------------------------------------------- inspection */

enum h5ckpt_depth {
    H5CKPT_RECORDS = 0,   /**< read records and tables only: H5CKPT_SLOT_COMMITTED, not intact */
    H5CKPT_ALL_BYTES = 1, /**< read and verify every byte of every slot */
    H5CKPT_DEVICE = 2,    /**< as that, past the page cache: what the device holds, where the file system can tell
                               (the slot's `from_device`) */
};

struct h5ckpt_inspect_options {
    enum h5ckpt_depth depth; /**< default H5CKPT_RECORDS */
    /**
     * Told now and then, and at each slot's end, how many bytes of how many have been read, of all slots; default NULL.
     * Beside a writer it may begin anew. Called by the thread that inspects. Must not call h5ckpt with this store.
     */
    void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_total);
    void *progress_context;
};

/** The defaults named above. */
H5CKPT_API struct h5ckpt_inspect_options h5ckpt_inspect_options_default(void);

/**
 * Look at every slot and say what is there, without restoring.
 *
 * @param options  NULL for the defaults.
 * @return H5CKPT_OK (a state is there), H5CKPT_FELL_BACK (a restore would fall back), H5CKPT_NO_CHECKPOINT,
 *         H5CKPT_E_LOST; as h5ckpt_restore() otherwise.
 */
H5CKPT_API h5ckpt_status h5ckpt_inspect(h5ckpt_store *store, const struct h5ckpt_inspect_options *options,
                                        struct h5ckpt_report *report);

/** A variable as a slot holds it; valid during the visit. */
struct h5ckpt_stored {
    const char *name;      /**< the program's; UTF-8 without control characters */
    const char *type_name; /**< "float32", "big-endian int16", "string of 12 bytes" */
    int rank;
    const uint64_t *shape;
    uint64_t byte_count;
    uint64_t offset; /**< in the file; 0 for a variable without bytes */
};

/**
 * Visit the variables stored in a slot, in the order in which they were registered. Reads the slot's record and index
 * only.
 *
 * @param slot   its index in the report of the last restore or inspection; without one, as h5ckpt_open() found it.
 * @param visit  must not call h5ckpt with this store.
 * @return H5CKPT_OK; H5CKPT_NO_CHECKPOINT (no state is there); H5CKPT_E_DAMAGED, H5CKPT_E_FOREIGN, H5CKPT_E_VERSION;
 *         H5CKPT_E_OVERTAKEN (another process has written another state there since that report); H5CKPT_E_ARGUMENT (no
 *         such slot), H5CKPT_E_MEMORY, H5CKPT_E_PERMISSION, H5CKPT_E_SYSTEM, H5CKPT_E_IO.
 */
H5CKPT_API h5ckpt_status h5ckpt_list_variables(h5ckpt_store *store, unsigned slot,
                                               void (*visit)(void *context, const struct h5ckpt_stored *variable),
                                               void *context);

/** A setting as a slot holds it; valid during the visit. */
struct h5ckpt_stored_setting {
    const char *name;      /**< the program's; UTF-8 without control characters */
    const char *type_name; /**< as of a variable */
    int rank;
    const uint64_t *shape;
    uint64_t byte_count;
    const void *bytes; /**< the value, verified, as the machine that saved it held it; NULL without bytes */
    /** 0.1, true, 'adam', [64, 128, 10]: cut with "…" when long; "" if it is opaque or another machine's. */
    const char *text;
};

/**
 * Visit the settings stored in a slot, and their values, in the order in which they were registered. Reads and verifies
 * the blocks that hold them.
 *
 * @return as h5ckpt_list_variables(); H5CKPT_E_DAMAGED also if one of these blocks is: then nothing was visited.
 */
H5CKPT_API h5ckpt_status h5ckpt_list_settings(h5ckpt_store *store, unsigned slot,
                                              void (*visit)(void *context, const struct h5ckpt_stored_setting *setting),
                                              void *context);

/** Damaged blocks next to each other, and what lies in them; valid during the visit. */
struct h5ckpt_damage {
    uint64_t first_block; /**< blocks count from 0 … */
    uint64_t block_count;
    uint64_t offset; /**< … and begin here in the file */
    uint64_t byte_count;
    bool names_known;         /**< false: the index is damaged as well */
    size_t name_count;        /**< 0 with known names: only settings, h5ckpt's and HDF5's own bytes, or padding */
    const char *const *names; /**< of every variable with bytes there */
};

/**
 * Visit the damaged blocks that the last h5ckpt_inspect() with H5CKPT_ALL_BYTES or H5CKPT_DEVICE found in a slot: none
 * if it is intact, or so damaged (its record or block table) that blocks could not be told. Any restore, comparison or
 * save forgets them.
 *
 * @return as h5ckpt_list_variables(), but H5CKPT_OK where no state is there.
 */
H5CKPT_API h5ckpt_status h5ckpt_list_damage(h5ckpt_store *store, unsigned slot,
                                            void (*visit)(void *context, const struct h5ckpt_damage *damage),
                                            void *context);

/**
 * Read the history that is stored in a slot; every byte of it is verified.
 *
 * @param slot   as for h5ckpt_list_variables().
 * @param visit  called once, with what is valid until it returns; no rows if there is no history. Must not call h5ckpt
 *               with this store.
 * @return as h5ckpt_list_variables(); H5CKPT_E_DAMAGED also where the slot holds something else in a history's place.
 */
H5CKPT_API h5ckpt_status h5ckpt_read_history(h5ckpt_store *store, unsigned slot,
                                             void (*visit)(void *context, const struct h5ckpt_history *history),
                                             void *context);

/** A milestone; valid during the visit. */
struct h5ckpt_milestone {
    const char *name;
    /** Committed or intact; else what is wrong. Foreign: a file under such a name that is not ours. */
    enum h5ckpt_slot_state state;
    uint64_t sequence; /**< 0 if its record cannot be read */
    struct h5ckpt_progress progress;
    int64_t wall_time_ns; /**< when the state was saved, since 1970 UTC */
    uint64_t file_bytes;
    bool from_device;   /**< every byte was read past the page cache (H5CKPT_DEVICE) */
    const char *reason; /**< what is wrong, by variable and block; "" if nothing is */
};

/**
 * Visit the milestones, the oldest state first. Of no milestone, or no directory, nothing is visited.
 *
 * @param depth  as for h5ckpt_inspect().
 * @param visit  must not call h5ckpt with this store.
 * @return H5CKPT_OK; H5CKPT_E_ARGUMENT, H5CKPT_E_MEMORY, H5CKPT_E_PERMISSION, H5CKPT_E_IO, H5CKPT_E_SYSTEM,
 *         H5CKPT_E_VERSION, H5CKPT_E_FOREIGN (the lock is something else), H5CKPT_E_OVERTAKEN (it was replaced while it
 *         was read: try again).
 */
H5CKPT_API h5ckpt_status h5ckpt_list_milestones(h5ckpt_store *store, enum h5ckpt_depth depth,
                                                void (*visit)(void *context, const struct h5ckpt_milestone *milestone),
                                                void *context);

#ifdef __cplusplus
}
#endif

#endif
