/* SPDX-License-Identifier: MIT */
/*
 * history: what a program logs (named doubles), row by row, in memory. A row has the position after the work that it is
 * about, and of each log the value, or the mark of none.
 *
 * As columns it is stored beside the program's variables: the number of rows, their positions, then each log. There its
 * capacity is fixed, and what lies behind the last row is zeros and marks.
 */
#ifndef H5CKPT_STATE_HISTORY_H
#define H5CKPT_STATE_HISTORY_H

#include "state/schema.h"

enum history_column { HISTORY_COUNT, HISTORY_EPOCH, HISTORY_BATCH, HISTORY_STEP, HISTORY_FIRST_LOG };

enum { HISTORY_POSITION_COUNT = HISTORY_FIRST_LOG - HISTORY_EPOCH };

/* How much of it is stored. */
struct history_shape {
    uint64_t capacity; /* rows; 0: there are no columns yet */
    size_t log_count;  /* the first ones */
};

struct history {
    char **name;    /* of the logs, in the order in which they came */
    double **value; /* value[log][row]; at [row_count] what was logged since the last row */
    size_t log_count;
    size_t log_next;                            /* where a name is looked for first: after the one before */
    uint64_t *position[HISTORY_POSITION_COUNT]; /* epoch, batch, step; by row */
    uint64_t row_count;
    uint64_t row_room;
    bool row_begun;             /* something was logged since the last row */
    struct history_shape shape; /* of what the next save stores */
};

#define HISTORY_NONE ((struct history){0})

/*
 * Note a value for the row that the next history_end_row() ends; the last one counts. H5CKPT_E_ARGUMENT (a name that
 * the format does not allow, one of the columns' own, or one too many), H5CKPT_E_MEMORY; then it is as it was.
 */
h5ckpt_status history_log(struct history *history, const char *name, double value, struct error *error);

/* End the row, if anything was logged for it. Cannot fail. */
void history_end_row(struct history *history, const struct h5ckpt_progress *at);

/* Room for logs and rows that are about to be put into it. Statuses as history_log(). */
h5ckpt_status history_add_log(struct history *history, const char *name, struct error *error);
h5ckpt_status history_reserve(struct history *history, uint64_t row_count, struct error *error);

/* The best value of a log, NaN aside; the first one where several are equal. */
struct h5ckpt_best history_best(const struct history *history, const char *name, enum h5ckpt_better better);

/* The value of a log in the last row, if that was ended at this position. false: it was not, or has none. */
bool history_value_at(const struct history *history, const char *name, const struct h5ckpt_progress *at, double *value);

/* May a log be called so, as far as its name alone tells? Statuses as history_log(). */
h5ckpt_status history_check_name(const char *name, struct error *error);

/* As it is shown; borrowed, until anything is logged or put into it. */
struct h5ckpt_history history_show(const struct history *history);

/* Rows that a state of so many takes: the first capacity, doubled as often as needed. */
uint64_t history_capacity_for(uint64_t row_count);

/* Does its shape hold all of it? */
bool history_fits(const struct history *history);

/* ----------------------------------------------------------------------- columns */

/* As many as the shape has; which are of doubles, which of positions; and a name, relative to /history. */
size_t history_column_count(const struct history *history);
bool history_column_is_log(size_t column);
const char *history_column_name(const struct history *history, size_t column);

/* Which of the columns that are no logs is called so; HISTORY_FIRST_LOG: none. */
enum history_column history_own_column(const char *name);

uint64_t history_column_bytes(const struct history *history, size_t column);

/* A column as it is stored. */
void history_get_column(const struct history *history, size_t column, void *bytes);

/* Take a stored column; room for as many rows as its shape has was reserved. */
void history_put_column(struct history *history, size_t column, const void *bytes);

/* After all columns were put: are there no more rows than room? Then it may be used. H5CKPT_E_DAMAGED. */
h5ckpt_status history_check(struct history *history, struct error *error);

/* Move `from` over `to`, freeing what was there; `from` is empty afterwards. */
void history_move(struct history *to, struct history *from);

void history_free(struct history *history); /* HISTORY_NONE is allowed */

#endif
