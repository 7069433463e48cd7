/* SPDX-License-Identifier: MIT */
/*
 * internal: what process.c (the running process), oracle.c (what must hold) and explore.c (the crashes) share.
 */
#ifndef H5CKPT_TEST_CRASH_INTERNAL_H
#define H5CKPT_TEST_CRASH_INTERNAL_H

#include "crash/crash.h"
#include "crash/expectation.h"

enum {
    DEPTH_MAX = 2, /* crashes during the recovery of a crash during the recovery of a crash */
};

struct crash {
    const char *name;
    unsigned variant;
    const struct crash_way *way;
    const struct crash_effort *effort;
    struct seen *seen;
    struct crash_totals *totals;
    uint64_t random; /* of the sampling */

    /* The process that runs: of the scenario, or in an image. */
    struct simfs *fs;
    h5ckpt_store *store;
    h5ckpt_callback *callback; /* whose it is; NULL: the process uses none */
    enum model_schema schema;
    unsigned slots;
    uint64_t last_number;
    uint64_t last_saved;   /* and durable */
    uint64_t last_asked;   /* h5ckpt_save() was called for it, by this process; 0: for none */
    uint64_t held;         /* saved or restored last, by this process; 0: none */
    uint64_t kept;         /* as the milestone that is gone back to */
    uint64_t last_begun;   /* its bytes are on their way, or were */
    uint64_t failed_count; /* saves */
    bool skip_if_busy;
    bool forgets_fence;
    bool tried;         /* the last save of the scenario's may have failed */
    bool killed;        /* the process: what its threads still do is not seen by anyone */
    bool broken;        /* the scenario itself went wrong: it does nothing more */
    bool beside_writer; /* (6) */
    bool reads_only;    /* such a store has no history */
    bool logs;          /* a row with each state … */
    bool may_be_full;   /* … of which the last ones need not be saved */
    uint64_t last_row;  /* the number of the state that was logged last, or restored */
    uint64_t row_before[MODEL_NUMBER_MAX + 1];
    bool not_open; /* crash_try_begin() failed: nothing more until the next process */
    enum model_schema schema_of[MODEL_NUMBER_MAX + 1];

    /* What is being tried, for messages. */
    struct {
        unsigned depth;
        const struct simfs *log[DEPTH_MAX + 1];
        size_t op_index[DEPTH_MAX + 1];
        char operation[128];
        char what[256];
    } now;

    struct level {
        struct crash *crash;
        const struct expectation *expected;
        struct states states; /* that a crash can leave … */
        struct simfs *live;   /* … and the process that recovers from one, when it is crashed again */
    } level[DEPTH_MAX + 1];
};

/* process.c: `condition` must hold in a scenario, or it does nothing more. */
void must(struct crash *crash, bool condition, const char *call);
void forget_restores(void);
h5ckpt_status restore_somehow(h5ckpt_store *store,
                              const struct h5ckpt_restore_options *options); /* in every mode by turns */
/* What is known of a process is forgotten; the options of its store. */
struct h5ckpt_options begin_process(struct crash *crash, enum h5ckpt_mode mode, enum model_schema schema);
h5ckpt_status open_store(struct crash *crash, enum h5ckpt_mode mode, enum model_schema schema);
void close_store(struct crash *crash);
h5ckpt_status save_state(struct crash *crash, uint64_t number);
h5ckpt_status wait_for_save(struct crash *crash, h5ckpt_status saved);

/* rows.c: the program logs a row for a state; it goes on from a state; are the rows in memory those of a state? */
void rows_log(struct crash *crash, uint64_t number);
void rows_restored(struct crash *crash, uint64_t number);
bool rows_are(const struct crash *crash, uint64_t number);

/* oracle.c */
enum { NOT_RESTORED = -1 };

enum violation_kind { VIOLATION_LOSS, VIOLATION_OTHER };

void violation(struct crash *crash, const struct expectation *expected, enum violation_kind kind, const char *format,
               ...) __attribute__((format(printf, 4, 5)));

/* For messages: an operation; NULL: the end of a log. */
void describe_operation(const struct simfs_op *op, char *text, size_t byte_count);

/*
 * Open and restore, with the schema of the newest state or that of an older one that may be given back; judge the
 * answer, and leave the store open. The number of the state, 0 if there is none; NOT_RESTORED after a violation.
 */
int open_and_restore(struct crash *crash, const struct expectation *expected, enum h5ckpt_mode mode);

/* What holds of the directory: after a writer opened it; where there is no checkpoint; after a save. */
void check_names(struct crash *crash, const struct expectation *expected);
void check_no_slots(struct crash *crash, const struct expectation *expected);
void check_slot_count(struct crash *crash, const struct expectation *expected);

/* A reader restores: alone; while another process holds the lock. */
void check_beside(struct crash *crash, const struct expectation *expected);
void check_beside_writer(struct crash *crash, const struct expectation *expected);

#endif
