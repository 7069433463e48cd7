/* SPDX-License-Identifier: MIT */
/*
 * whole: what one slot holds: the program's variables and, behind them, h5ckpt's own: the columns of the history. To
 * everything below it is one state; the columns are reached by get and put functions.
 */
#ifndef H5CKPT_STATE_WHOLE_H
#define H5CKPT_STATE_WHOLE_H

#include "state/history.h"
#include "state/state.h"

struct whole_column { /* what its get and put functions are given */
    struct history *history;
    size_t column;
};

struct whole {
    struct h5ckpt_state state; /* of the program's variables it has all but the names and shapes, which are borrowed */
    size_t program_count;      /* of its variables, the first ones */
    struct whole_column *column;
    char *names;                /* of the columns, one after another */
    struct history_shape shape; /* theirs, … */
    uint64_t capacity[1];       /* … as an array's shape */
};

#define WHOLE_NONE ((struct whole){0})

/*
 * Put them together, the history as its shape says. `history` must stay where it is, `program` and a copy of its
 * variables too. The result must not be moved. H5CKPT_E_MEMORY.
 */
h5ckpt_status whole_make(struct whole *whole, const h5ckpt_state *program, struct history *history,
                         struct error *error);

/* Would whole_make() make the same again? */
bool whole_is_of(const struct whole *whole, const h5ckpt_state *program, const struct history *history);

void whole_free(struct whole *whole); /* WHOLE_NONE is allowed */

#endif
