/* SPDX-License-Identifier: MIT */
/*
 * subject: h5ckpt itself on a workload, through its public interface. A call of it that fails ends the program.
 */
#ifndef SUBJECT_H
#define SUBJECT_H

#include <h5ckpt.h>

#include "measure.h"
#include "workload.h"

struct subject {
    char *directory; /* its own */
    const struct workload *workload;
    struct h5ckpt_options options;
    h5ckpt_state *state;
    h5ckpt_store *store;
    uint64_t saved; /* the number of the content saved last */
};

/* Register the workload's arrays and open a store in `directory`, a name below the scratch directory. */
void subject_open(struct subject *subject, const char *directory, const struct workload *workload, unsigned slots);

/* Likewise, by these options. */
void subject_open_by(struct subject *subject, const char *directory, const struct workload *workload,
                     const struct h5ckpt_options *options);

/* Close the store and remove its directory. */
void subject_close(struct subject *subject);

/* As a program that starts again: close the store and open it, for the same arrays. */
void subject_reopen(struct subject *subject);

/* Save new content `count` times, untimed; each save is durable before the next begins. */
void subject_save(struct subject *subject, unsigned count);

/* Promise by h5ckpt_unchanged() that since the last save nothing has changed but this. */
void subject_promise(struct subject *subject, struct workload_change change);

/* Each is the function of the interface. */
void subject_begin_save(struct subject *subject);
void subject_fence(struct subject *subject);
void subject_wait(struct subject *subject);

/* Let take part: a save of new content … */
size_t subject_add_save(struct subject *subject, struct measure *measure, const char *name);
/* … the first save of a directory, which is removed and opened anew before the clock starts … */
size_t subject_add_first_save(struct subject *subject, struct measure *measure, const char *name);
/* … and registering all arrays, opening a directory that holds a state, and the first layout (h5ckpt_space()). */
size_t subject_add_open(struct subject *subject, struct measure *measure, const char *name);

#endif
