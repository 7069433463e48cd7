/* SPDX-License-Identifier: MIT */
/*
 * finding: everything that was found out about a directory, collected once; text and JSON only show it.
 */
#ifndef FINDING_H
#define FINDING_H

#include <h5ckpt.h>

#include "verdict.h"

/* Copies of what the library's visits showed, strings and arrays included. */
struct finding_slot {
    h5ckpt_status counted; /* H5CKPT_OK: `variable_count` is known */
    size_t variable_count;
    char *uncounted; /* why it is not; NULL if it is */
    struct h5ckpt_damage *damage;
    size_t damage_count;
};

struct finding {
    const char *directory; /* as it was named; not ours */
    enum h5ckpt_depth depth;
    h5ckpt_status status;
    char *message; /* the library's, of `status` */
    enum verdict verdict;
    struct h5ckpt_report report;
    struct finding_slot slot[H5CKPT_SLOT_COUNT_MAX];
    struct h5ckpt_stored *variables; /* of the state that a restore would give, if asked for */
    size_t variable_count;
    struct h5ckpt_stored_setting *settings; /* likewise, without `bytes` */
    size_t setting_count;
    struct h5ckpt_milestone *milestones; /* the oldest state first */
    size_t milestone_count;
};

struct finding_request {
    const char *directory;
    enum h5ckpt_depth depth;
    bool variables; /* those of the state that a restore would give */
    bool settings;  /* likewise */
    void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_total);
    void *progress_context;
};

/* Look. Never fails: what goes wrong is part of what is found. Free it with finding_free(). */
struct finding finding_make(const struct finding_request *request);
void finding_free(struct finding *finding);

/* Is there anything to show of the slot? */
bool finding_is_present(const struct finding *finding, unsigned slot);

/* Was the slot read, byte for byte? */
bool finding_was_read(const struct finding *finding, unsigned slot);

/* What is wrong with the slot, also if only its variables could not be counted; "" if nothing is. */
const char *finding_reason(const struct finding *finding, unsigned slot);

/* The slot that a restore would give, or NULL. */
const struct h5ckpt_slot_report *finding_restorable(const struct finding *finding);

#endif
