/* SPDX-License-Identifier: MIT */
/*
 * settings: are the program's settings those that a slot was saved with? What differs, by name.
 */
#ifndef H5CKPT_SETTINGS_H
#define H5CKPT_SETTINGS_H

#include "state/state.h"
#include "storage/slot.h"

enum settings_verdict {
    SETTINGS_SAME,    /* also where the program has none: then it does not ask */
    SETTINGS_UNKNOWN, /* the slot was saved by a program without any: all are new */
    SETTINGS_CHANGED,
};

struct settings {
    enum settings_verdict verdict;
    struct error changes; /* a line for each, beginning with a line break */
};

#define SETTINGS_NONE ((struct settings){0})

/*
 * Compare the registered settings with those of the open slot, whose blocks are verified as they are read; nothing else
 * is touched. H5CKPT_OK, whatever the verdict; H5CKPT_E_DAMAGED, H5CKPT_E_MEMORY, or the system's errors.
 */
h5ckpt_status settings_compare(struct settings *settings, const h5ckpt_state *state, const struct slot_reader *reader,
                               const struct index *index, struct buffer *buffer, struct error *error);

void settings_free(struct settings *settings); /* SETTINGS_NONE is allowed */

#endif
