/* SPDX-License-Identifier: MIT */
/*
 * history.c: rows and logs in memory.
 *
 * (1) Every log and every position has room for row_room rows; a cell that nothing was put into holds the mark.
 * (2) Rows below row_count never change.
 * (3) What fails changes nothing but spare room.
 */
#include "state/history.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

enum { ROWS_FIRST = 64 };

static const char *const OWN_COLUMN[HISTORY_FIRST_LOG] = {
    [HISTORY_COUNT] = "count", [HISTORY_EPOCH] = "epoch", [HISTORY_BATCH] = "batch", [HISTORY_STEP] = "step"};

/* ------------------------------------------------------------------------- cells */

static double not_logged(void)
{
    const uint64_t bits = FORMAT_HISTORY_NOT_LOGGED;
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

bool h5ckpt_was_logged(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits != FORMAT_HISTORY_NOT_LOGGED;
}

static void mark(double *value, uint64_t begin, uint64_t end)
{
    const double none = not_logged();

    for (uint64_t i = begin; i < end; i++)
        value[i] = none;
}

/* ------------------------------------------------------------------------- names */

__attribute__((format(printf, 3, 4))) static h5ckpt_status refuse(struct error *error, const char *name,
                                                                  const char *format, ...)
{
    char text[NAME_TEXT_BYTES];
    char reason[ERROR_MESSAGE_BYTES - NAME_TEXT_BYTES - sizeof "log '': "];
    va_list arguments;

    name_text(name, text);
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return error_set(error, H5CKPT_E_ARGUMENT, "log '%s': %s", text, reason);
}

static bool is_below(const char *name, const char *group)
{
    const size_t byte_count = strlen(group);

    return strncmp(name, group, byte_count) == 0 && name[byte_count] == '/';
}

h5ckpt_status history_check_name(const char *name, struct error *error)
{
    const char *fault = schema_name_fault(name);

    if (fault != NULL)
        return refuse(error, name, "%s", fault);
    for (size_t i = 0; i < HISTORY_FIRST_LOG; i++)
        if (strcmp(name, OWN_COLUMN[i]) == 0 || is_below(name, OWN_COLUMN[i]))
            return refuse(error, name, "'%s' is a column of h5ckpt's own in every history", OWN_COLUMN[i]);
    return H5CKPT_OK;
}

static h5ckpt_status check_new_name(const struct history *history, const char *name, struct error *error)
{
    char text[NAME_TEXT_BYTES];
    h5ckpt_status status = history_check_name(name, error);

    if (status < 0)
        return status;
    for (size_t i = 0; i < history->log_count; i++) {
        name_text(history->name[i], text);
        if (is_below(name, history->name[i]))
            return refuse(error, name, "'%s' is a log, so it cannot be a group", text);
        if (is_below(history->name[i], name))
            return refuse(error, name, "the name is a group, that of log '%s'", text);
    }
    if (history->log_count >= FORMAT_HISTORY_LOG_COUNT_MAX)
        return refuse(error, name,
                      "there are %d logs already, the most possible: a name must not hold what changes, such as the "
                      "number of the epoch",
                      FORMAT_HISTORY_LOG_COUNT_MAX);
    return H5CKPT_OK;
}

/* A program logs the same names again and again in the same order: the first look finds it. */
static bool find(const struct history *history, const char *name, size_t *log)
{
    for (size_t i = 0; i < history->log_count; i++) {
        *log = (history->log_next + i) % history->log_count;
        if (strcmp(history->name[*log], name) == 0)
            return true;
    }
    return false;
}

/* -------------------------------------------------------------------------- room */

static h5ckpt_status say_no_memory(const struct history *history, struct error *error)
{
    return error_set(error, H5CKPT_E_MEMORY,
                     "no memory for more history than its %" PRIu64 " rows of %zu logs: what is logged now is not kept",
                     history->row_count, history->log_count);
}

/* realloc() of `*array`, which stays as it is where that fails. */
static bool resize(void *array_pointer, uint64_t count, size_t element_bytes)
{
    void **array = array_pointer;
    void *resized = reallocarray(*array, (size_t)count, element_bytes);

    if (resized == NULL)
        return false;
    *array = resized;
    return true;
}

h5ckpt_status history_reserve(struct history *history, uint64_t row_count, struct error *error)
{
    uint64_t room = history->row_room == 0 ? ROWS_FIRST : history->row_room;

    if (row_count <= history->row_room)
        return H5CKPT_OK;
    while (room < row_count)
        room *= 2;
    for (size_t i = 0; i < HISTORY_POSITION_COUNT; i++)
        if (!resize(&history->position[i], room, sizeof **history->position))
            return say_no_memory(history, error);
    for (size_t i = 0; i < history->log_count; i++) {
        if (!resize(&history->value[i], room, sizeof **history->value))
            return say_no_memory(history, error);
        mark(history->value[i], history->row_room, room);
    }
    history->row_room = room;
    return H5CKPT_OK;
}

h5ckpt_status history_add_log(struct history *history, const char *name, struct error *error)
{
    const size_t count = history->log_count + 1;
    double *value = NULL;
    char *copy = NULL;

    if (check_new_name(history, name, error) < 0)
        return error->status;
    if (resize(&history->name, count, sizeof *history->name) &&
        resize(&history->value, count, sizeof *history->value)) {
        copy = strdup(name);
        value = reallocarray(NULL, (size_t)history->row_room + 1, sizeof *value);
    }
    if (copy == NULL || value == NULL) {
        free(copy);
        free(value);
        return say_no_memory(history, error);
    }
    mark(value, 0, history->row_room);
    history->name[history->log_count] = copy;
    history->value[history->log_count] = value;
    history->log_count = count;
    return H5CKPT_OK;
}

/* -------------------------------------------------------------------------- rows */

h5ckpt_status history_log(struct history *history, const char *name, double value, struct error *error)
{
    size_t log = history->log_count;

    if (name == NULL)
        return error_set(error, H5CKPT_E_ARGUMENT, "a log has no name (NULL)");
    if (history_reserve(history, history->row_count + 1, error) < 0)
        return error->status;
    if (!find(history, name, &log)) {
        if (history_add_log(history, name, error) < 0)
            return error->status;
        log = history->log_count - 1;
    }
    history->value[log][history->row_count] = isnan(value) ? (double)NAN : value; /* never the mark */
    history->log_next = log + 1;
    history->row_begun = true;
    return H5CKPT_OK;
}

void history_end_row(struct history *history, const struct h5ckpt_progress *at)
{
    if (!history->row_begun)
        return;
    history->position[0][history->row_count] = at->epoch;
    history->position[1][history->row_count] = at->batch;
    history->position[2][history->row_count] = at->step;
    history->row_count++;
    history->row_begun = false;
}

static struct h5ckpt_progress position_of(const struct history *history, uint64_t row)
{
    return (struct h5ckpt_progress){history->position[0][row], history->position[1][row], history->position[2][row]};
}

struct h5ckpt_best history_best(const struct history *history, const char *name, enum h5ckpt_better better)
{
    struct h5ckpt_best best = {0};
    size_t log;

    if (!find(history, name, &log))
        return best;
    for (uint64_t row = 0; row < history->row_count; row++) {
        const double value = history->value[log][row];
        const bool is_better = better == H5CKPT_LARGER_IS_BETTER ? value > best.value : value < best.value;
        if (!h5ckpt_was_logged(value))
            continue;
        best.rows_since++;
        if (!isnan(value) && (!best.known || is_better))
            best = (struct h5ckpt_best){.known = true, .value = value, .at = position_of(history, row)};
    }
    return best;
}

bool history_value_at(const struct history *history, const char *name, const struct h5ckpt_progress *at, double *value)
{
    const uint64_t last = history->row_count - 1;
    struct h5ckpt_progress position;
    size_t log;

    if (history->row_count == 0 || !find(history, name, &log))
        return false;
    position = position_of(history, last);
    *value = history->value[log][last];
    return position.epoch == at->epoch && position.batch == at->batch && position.step == at->step &&
           h5ckpt_was_logged(*value);
}

struct h5ckpt_history history_show(const struct history *history)
{
    return (struct h5ckpt_history){
        .row_count = history->row_count,
        .log_count = history->log_count,
        .name = (const char *const *)history->name,
        .value = (const double *const *)history->value,
        .epoch = history->position[0],
        .batch = history->position[1],
        .step = history->position[2],
    };
}

/* ------------------------------------------------------------------------- shape */

uint64_t history_capacity_for(uint64_t row_count)
{
    uint64_t capacity = FORMAT_HISTORY_CAPACITY_FIRST;

    while (capacity < row_count)
        capacity *= 2;
    return capacity;
}

bool history_fits(const struct history *history)
{
    return history->row_count == 0 ||
           (history->row_count <= history->shape.capacity && history->log_count == history->shape.log_count);
}

/* ----------------------------------------------------------------------- columns */

size_t history_column_count(const struct history *history)
{
    return history->shape.capacity == 0 ? 0 : HISTORY_FIRST_LOG + history->shape.log_count;
}

bool history_column_is_log(size_t column)
{
    return column >= HISTORY_FIRST_LOG;
}

const char *history_column_name(const struct history *history, size_t column)
{
    return history_column_is_log(column) ? history->name[column - HISTORY_FIRST_LOG] : OWN_COLUMN[column];
}

enum history_column history_own_column(const char *name)
{
    enum history_column column = HISTORY_COUNT;

    while (column < HISTORY_FIRST_LOG && strcmp(name, OWN_COLUMN[column]) != 0)
        column++;
    return column;
}

uint64_t history_column_bytes(const struct history *history, size_t column)
{
    return (column == HISTORY_COUNT ? 1 : history->shape.capacity) * sizeof(uint64_t);
}

void history_get_column(const struct history *history, size_t column, void *bytes)
{
    const uint64_t capacity = history->shape.capacity;
    const uint64_t rows = history->row_count < capacity ? history->row_count : capacity;

    if (column == HISTORY_COUNT) {
        memcpy(bytes, &rows, sizeof rows);
    } else if (history_column_is_log(column)) {
        memcpy(bytes, history->value[column - HISTORY_FIRST_LOG], (size_t)rows * sizeof(double));
        mark(bytes, rows, capacity);
    } else {
        memcpy(bytes, history->position[column - HISTORY_EPOCH], (size_t)rows * sizeof(uint64_t));
        memset((uint64_t *)bytes + rows, 0, (size_t)(capacity - rows) * sizeof(uint64_t));
    }
}

void history_put_column(struct history *history, size_t column, const void *bytes)
{
    const size_t byte_count = (size_t)history_column_bytes(history, column);

    assert(column == HISTORY_COUNT || history->row_room >= history->shape.capacity);
    if (column == HISTORY_COUNT)
        memcpy(&history->row_count, bytes, byte_count);
    else if (history_column_is_log(column))
        memcpy(history->value[column - HISTORY_FIRST_LOG], bytes, byte_count);
    else
        memcpy(history->position[column - HISTORY_EPOCH], bytes, byte_count);
}

h5ckpt_status history_check(struct history *history, struct error *error)
{
    if (history->row_count > history->shape.capacity)
        return error_set(error, H5CKPT_E_DAMAGED,
                         "its history claims %" PRIu64 " rows, but has room for %" PRIu64 " only", history->row_count,
                         history->shape.capacity);
    for (size_t i = 0; i < history->log_count; i++) /* (1), whatever lay there */
        mark(history->value[i], history->row_count, history->shape.capacity);
    return H5CKPT_OK;
}

void history_move(struct history *to, struct history *from)
{
    history_free(to);
    *to = *from;
    *from = HISTORY_NONE;
}

void history_free(struct history *history)
{
    for (size_t i = 0; i < history->log_count; i++) {
        free(history->name[i]);
        free(history->value[i]);
    }
    for (size_t i = 0; i < HISTORY_POSITION_COUNT; i++)
        free(history->position[i]);
    free(history->name);
    free(history->value);
    *history = HISTORY_NONE;
}
