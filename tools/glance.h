/* SPDX-License-Identifier: MIT */
/*
 * glance: what the records of a directory tell, for those who look again and again. Changes nothing.
 */
#ifndef GLANCE_H
#define GLANCE_H

#include <h5ckpt.h>

struct glance {
    h5ckpt_status status;
    char *message; /* the library's, of `status` */
    struct h5ckpt_report report;
    bool only_milestones; /* no checkpoint, but what one that was deleted leaves */
};

/* Look. Never fails: what goes wrong is part of what is seen. Free it with glance_free(). */
struct glance glance_at(const char *directory);
void glance_free(struct glance *glance);

/* The state that a restore would give, as far as records tell, or NULL. */
const struct h5ckpt_slot_report *glance_restorable(const struct glance *glance);

/* The highest sequence of any record that can be read; 0 if none can. */
uint64_t glance_newest_sequence(const struct glance *glance);

#endif
