/* SPDX-License-Identifier: MIT */
#include "storage/source.h"

#include <inttypes.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>

#include "bytes.h"
#include "state/finite.h"

/* What a variable takes in the copy: get functions may use the memory that they fill as an array of their type. */
static uint64_t copy_bytes(const struct schema_entry *entry)
{
    return bytes_round_up(entry->byte_count, alignof(max_align_t));
}

h5ckpt_status source_reserve(struct source *source, const struct layout *layout, const h5ckpt_state *state,
                             struct error *error)
{
    source_free(source);
    for (size_t i = 0; i < state->variable_count; i++)
        if (state->variable[i].source == VARIABLE_ACCESS)
            source->copy_byte_count += copy_bytes(&state->entry[i]);
    source->bytes = calloc(layout->entry_count, sizeof *source->bytes);
    source->copy = malloc(source->copy_byte_count + 1);
    if (source->bytes != NULL && source->copy != NULL)
        return H5CKPT_OK;
    error_set(error, H5CKPT_E_MEMORY, "no memory for %" PRIu64 " bytes of variables with get functions",
              source->copy_byte_count);
    source_free(source);
    return H5CKPT_E_MEMORY;
}

static h5ckpt_status call_get(const h5ckpt_state *state, size_t index, unsigned char *copy, struct error *error)
{
    const struct h5ckpt_access *access = &state->variable[index].access;
    int failed = access->get(access->context, copy, state->entry[index].byte_count);

    if (!failed)
        return H5CKPT_OK;
    return error_set(error, H5CKPT_E_CALLBACK, "variable '%s': its get function failed with %d; nothing was written",
                     schema_program_name(state->entry[index].name), failed);
}

h5ckpt_status source_collect(struct source *source, const h5ckpt_state *state, const struct h5ckpt_progress *progress,
                             struct error *error)
{
    unsigned char *copy = source->copy;

    for (size_t i = 0; i < state->variable_count; i++) {
        h5ckpt_status status;
        void *memory = copy;
        if (state->variable[i].source == VARIABLE_ACCESS) {
            status = call_get(state, i, copy, error);
            copy += copy_bytes(&state->entry[i]);
        } else {
            status = state_memory(state, i, &memory, error);
        }
        if (status < 0)
            return status;
        source->bytes[i] = memory;
    }
    source->progress[0] = progress->epoch;
    source->progress[1] = progress->batch;
    source->progress[2] = progress->step;
    for (size_t i = 0; i < LAYOUT_PROGRESS_COUNT; i++)
        source->bytes[state->variable_count + i] = (const unsigned char *)&source->progress[i];
    return H5CKPT_OK;
}

static h5ckpt_status say_not_finite(const struct schema_entry *entry, const struct finite_exception *exception,
                                    struct error *error)
{
    char name[NAME_TEXT_BYTES];
    char at[SHAPE_TEXT_BYTES] = "";

    name_text(schema_program_name(entry->name), name);
    if (entry->rank > 0)
        index_text(entry, exception->element, at);
    return error_set(error, H5CKPT_E_NOT_FINITE,
                     "variable '%s' is not finite: %s%s%s; nothing was written, the state saved before stays", name, at,
                     entry->rank > 0 ? " is " : "", exception->value);
}

h5ckpt_status source_check_finite(const struct source *source, const h5ckpt_state *state, struct error *error)
{
    struct finite_exception exception;

    for (size_t i = 0; i < state->variable_count; i++)
        if (state->variable[i].must_be_finite && state->entry[i].byte_count != 0 &&
            finite_find_exception(&state->entry[i], source->bytes[i], &exception))
            return say_not_finite(&state->entry[i], &exception, error);
    return H5CKPT_OK;
}

void source_free(struct source *source)
{
    free(source->bytes);
    free(source->copy);
    *source = SOURCE_NONE;
}
