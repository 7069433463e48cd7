/* SPDX-License-Identifier: MIT */
#include "state/whole.h"

#include <stdlib.h>
#include <string.h>

#include "format.h"

static const char PREFIX[] = FORMAT_HISTORY_GROUP "/";

/* ----------------------------------------------------------------- get and put */

static int get_column(void *context, void *bytes, size_t byte_count)
{
    const struct whole_column *column = context;

    (void)byte_count;
    history_get_column(column->history, column->column, bytes);
    return 0;
}

static int put_column(void *context, const void *bytes, size_t byte_count)
{
    const struct whole_column *column = context;

    (void)byte_count;
    history_put_column(column->history, column->column, bytes);
    return 0;
}

/* -------------------------------------------------------------------------- make */

static size_t names_bytes(const struct history *history)
{
    size_t byte_count = 0;

    for (size_t i = 0; i < history_column_count(history); i++)
        byte_count += sizeof PREFIX + strlen(history_column_name(history, i));
    return byte_count;
}

static void add_column(struct whole *whole, struct history *history, size_t column, char *name)
{
    struct h5ckpt_state *state = &whole->state;
    struct schema_entry *entry = &state->entry[state->variable_count];
    struct error never = ERROR_NONE;

    *entry = (struct schema_entry){.name = name, .byte_count = history_column_bytes(history, column)};
    element_of_type(&entry->element, history_column_is_log(column) ? H5CKPT_FLOAT64 : H5CKPT_UINT64, &never);
    if (column != HISTORY_COUNT) {
        entry->rank = 1;
        entry->shape = whole->capacity;
    }
    whole->column[column] = (struct whole_column){history, column};
    state->variable[state->variable_count] =
        (struct variable){.source = VARIABLE_ACCESS, .access = {get_column, put_column, &whole->column[column]}};
    state->variable_count++;
    state->byte_count += entry->byte_count;
}

static h5ckpt_status reserve(struct whole *whole, const h5ckpt_state *program, const struct history *history,
                             struct error *error)
{
    const size_t column_count = history_column_count(history);
    const size_t count = program->variable_count + column_count;

    *whole = (struct whole){
        .state = {.entry = calloc(count + 1, sizeof *whole->state.entry),
                  .variable = calloc(count + 1, sizeof *whole->state.variable),
                  .variable_capacity = count},
        .column = calloc(column_count + 1, sizeof *whole->column),
        .names = malloc(names_bytes(history) + 1),
    };
    if (whole->state.entry != NULL && whole->state.variable != NULL && whole->column != NULL && whole->names != NULL)
        return H5CKPT_OK;
    whole_free(whole);
    return error_set(error, H5CKPT_E_MEMORY, "no memory to put together %zu variables", count);
}

h5ckpt_status whole_make(struct whole *whole, const h5ckpt_state *program, struct history *history, struct error *error)
{
    h5ckpt_status status = reserve(whole, program, history, error);
    char *name = whole->names;

    if (status < 0)
        return status;
    if (program->variable_count != 0) {
        memcpy(whole->state.entry, program->entry, program->variable_count * sizeof *program->entry);
        memcpy(whole->state.variable, program->variable, program->variable_count * sizeof *program->variable);
    }
    whole->state.variable_count = whole->program_count = program->variable_count;
    whole->state.byte_count = program->byte_count;
    whole->shape = history->shape;
    whole->capacity[0] = history->shape.capacity;
    for (size_t i = 0; i < history_column_count(history); i++) {
        char *end = stpcpy(stpcpy(name, PREFIX), history_column_name(history, i)) + 1;
        add_column(whole, history, i, name);
        name = end;
    }
    return H5CKPT_OK;
}

bool whole_is_of(const struct whole *whole, const h5ckpt_state *program, const struct history *history)
{
    if (whole->state.entry == NULL || whole->program_count != program->variable_count ||
        whole->shape.capacity != history->shape.capacity || whole->shape.log_count != history->shape.log_count)
        return false;
    for (size_t i = HISTORY_FIRST_LOG; i < history_column_count(history); i++)
        if (strcmp(whole->state.entry[whole->program_count + i].name + sizeof PREFIX - 1,
                   history_column_name(history, i)) != 0)
            return false;
    return true;
}

void whole_free(struct whole *whole)
{
    free(whole->state.entry);
    free(whole->state.variable);
    free(whole->column);
    free(whole->names);
    *whole = WHOLE_NONE;
}
