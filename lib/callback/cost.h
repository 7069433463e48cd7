/* SPDX-License-Identifier: MIT */
/*
 * cost: what saves cost the program, of its own time. Pure: clock readings in, nanoseconds out.
 *
 * (1) A save costs the stalls of the program's thread (in h5ckpt_save(), h5ckpt_fence(), h5ckpt_wait()), and what
 *     batches beside it, while it is in flight, take longer than batches usually do. How long it is in flight is no
 *     cost.
 * (2) Medians say what is usual, so that what happens once (slots are made, a disk is busy, a batch reads a file) moves
 *     neither the typical cost nor the usual batch.
 * (3) One save is charged at most COST_CHARGED_MAX times the typical cost.
 *
 * The last save goes on costing until the next one begins.
 */
#ifndef H5CKPT_COST_H
#define H5CKPT_COST_H

#include <stdbool.h>
#include <stdint.h>

enum { COST_KEPT = 9, COST_CHARGED_MAX = 4 };

#define COST_UNKNOWN INT64_C(-1)

struct cost_samples { /* the last few */
    int64_t ns[COST_KEPT];
    unsigned next;
    unsigned count;
};

struct cost {
    struct cost_samples saves;   /* all but the last one, and but those that failed */
    struct cost_samples batches; /* one batch each, of those without a save in flight */
    bool begun;                  /* there is a last save; the rest is about it */
    bool failed;
    int64_t call_ns;        /* stall of the call that began it */
    int64_t stall_ns;       /* after that call */
    int64_t beside_ns;      /* time of batches beside it … */
    uint64_t beside_count;  /* … and how many they were */
    bool in_batch;          /* a batch is being done, since … */
    int64_t batch_begun_ns; /* … the hook before has returned, … */
    bool batch_beside;      /* … when a save was in flight */
};

/* All zeros: nothing is known. */
#define COST_NONE ((struct cost){0})

/*
 * A call that saves held the program up for so long. It failed: that tells nothing of what saves cost, but is charged.
 */
void cost_add_save(struct cost *cost, int64_t call_ns, bool failed);

/* So has another call on account of the last save. */
void cost_add_stall(struct cost *cost, int64_t stall_ns);

/*
 * A batch hook returns; the next one is called, after `batch_count` batches, of whose time `stall_ns` was spent in
 * stalls. Or what is going on is no batch, but the work between epochs.
 */
void cost_begin_batch(struct cost *cost, int64_t now_ns, bool beside_save);
void cost_end_batch(struct cost *cost, int64_t now_ns, int64_t stall_ns, uint64_t batch_count);
void cost_leave_batch(struct cost *cost);

/* What a save costs: the median of the last ones; COST_UNKNOWN before there was any. */
int64_t cost_typical_ns(const struct cost *cost);

/*
 * What the last save has cost so far; of that, what came after the call that began it; and what it is charged, by (3).
 * 0 before there was any.
 */
int64_t cost_last_ns(const struct cost *cost);
int64_t cost_after_call_ns(const struct cost *cost);
int64_t cost_charged_ns(const struct cost *cost);

#endif
