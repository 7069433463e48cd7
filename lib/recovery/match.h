/* SPDX-License-Identifier: MIT */
/*
 * match: which stored variable goes to which registered one, or every difference that forbids it. Settings are none of
 * them. Pure but for the program's select function.
 */
#ifndef H5CKPT_MATCH_H
#define H5CKPT_MATCH_H

#include "state/state.h"
#include "storage/index.h"

struct match_pair {
    size_t variable; /* in the state */
    size_t entry;    /* in the index */
};

struct match {
    struct match_pair *pair;
    size_t pair_count;
};

#define MATCH_NONE ((struct match){0})

/*
 * H5CKPT_E_SCHEMA lists every difference, one a line; H5CKPT_E_ARGUMENT (a rename of a variable that is not
 * registered); H5CKPT_E_MEMORY. `where` names directory and slot for the message.
 */
h5ckpt_status match_variables(struct match *match, const h5ckpt_state *state, const struct index *index,
                              const struct h5ckpt_restore_options *options, const char *where, struct error *error);

void match_free(struct match *match);

#endif
