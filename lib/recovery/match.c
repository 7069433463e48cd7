/* SPDX-License-Identifier: MIT */
#include "recovery/match.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "storage/hdf5/convert.h"

/* The stored state variables by name. */
struct directory_of_names {
    const struct schema_entry **entry; /* sorted */
    bool *taken;                       /* by index into the slot's index */
    size_t entry_count;
};

static int compare_names(const void *a, const void *b)
{
    const struct schema_entry *const *first = a;
    const struct schema_entry *const *second = b;

    return strcmp((*first)->name, (*second)->name);
}

static int compare_with_name(const void *name, const void *entry)
{
    const struct schema_entry *const *candidate = entry;

    return strcmp(name, (*candidate)->name);
}

static h5ckpt_status collect_names(struct directory_of_names *names, const struct index *index, struct error *error)
{
    names->entry = calloc(index->entry_count + 1, sizeof *names->entry);
    names->taken = calloc(index->entry_count + 1, sizeof *names->taken);
    if (names->entry == NULL || names->taken == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory to compare %zu variables", index->entry_count);
    for (size_t i = 0; i < index->entry_count; i++)
        if (schema_program_name(index->entry[i].name) != NULL)
            names->entry[names->entry_count++] = &index->entry[i];
    qsort(names->entry, names->entry_count, sizeof *names->entry, compare_names);
    return H5CKPT_OK;
}

/* What a registered variable (without "state/") is called in the file; NULL if another one has taken that name over. */
static const char *stored_name(const struct h5ckpt_restore_options *options, const char *registered)
{
    for (size_t i = 0; i < options->rename_count; i++)
        if (strcmp(options->renames[i].registered, registered) == 0)
            return options->renames[i].stored;
    for (size_t i = 0; i < options->rename_count; i++)
        if (strcmp(options->renames[i].stored, registered) == 0)
            return NULL;
    return registered;
}

static const struct schema_entry *find(const struct directory_of_names *names, const char *name)
{
    char path[sizeof FORMAT_STATE_GROUP "/" + FORMAT_NAME_BYTES_MAX];
    const struct schema_entry **found;

    if (name == NULL || strlen(name) > FORMAT_NAME_BYTES_MAX)
        return NULL;
    snprintf(path, sizeof path, "%s/%s", FORMAT_STATE_GROUP, name);
    found = bsearch(path, names->entry, names->entry_count, sizeof *names->entry, compare_with_name);
    return found == NULL ? NULL : *found;
}

static bool fits(const struct element *stored, const struct element *registered, enum h5ckpt_convert convert)
{
    return element_equal(stored, registered) || (convert == H5CKPT_CONVERT && convert_is_possible(stored, registered));
}

static bool same_shape(const struct schema_entry *a, const struct schema_entry *b)
{
    return a->rank == b->rank && (a->rank == 0 || memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) == 0);
}

/* Begin the line of a difference: the first one also begins the list. */
static void begin_difference(struct error *error, const char *where, const char *name)
{
    char text[NAME_TEXT_BYTES];

    if (error->status != H5CKPT_E_SCHEMA)
        error_set(error, H5CKPT_E_SCHEMA,
                  "%s does not hold the registered variables; memory and checkpoint are untouched. Register them as "
                  "they were "
                  "saved, restore what there is with H5CKPT_INTERSECTION, or use another directory:",
                  where);
    name_text(name, text);
    error_append(error, "\n  '%s': ", text);
}

static void compare(const struct schema_entry *stored, const struct schema_entry *registered, const char *name,
                    enum h5ckpt_convert convert, const char *where, struct error *error)
{
    char stored_text[SHAPE_TEXT_BYTES];
    char registered_text[SHAPE_TEXT_BYTES];

    if (!fits(&stored->element, &registered->element, convert)) {
        element_text(&stored->element, stored_text);
        element_text(&registered->element, registered_text);
        begin_difference(error, where, name);
        error_append(error, "stored as %s, registered as %s", stored_text, registered_text);
    }
    if (!same_shape(stored, registered)) {
        shape_text(stored->rank, stored->shape, stored_text);
        shape_text(registered->rank, registered->shape, registered_text);
        begin_difference(error, where, name);
        error_append(error, "stored with shape %s, registered with %s", stored_text, registered_text);
    }
}

static bool is_called(const struct schema_entry *entry, const char *name)
{
    const char *program_name = schema_program_name(entry->name);

    return program_name != NULL && strcmp(program_name, name) == 0;
}

static h5ckpt_status check_renames(const h5ckpt_state *state, const struct h5ckpt_restore_options *options,
                                   struct error *error)
{
    for (size_t i = 0; i < options->rename_count; i++) {
        const struct h5ckpt_rename *rename = &options->renames[i];
        bool found = false;
        if (rename->stored == NULL || rename->registered == NULL)
            return error_set(error, H5CKPT_E_ARGUMENT, "rename %zu: a name is NULL", i);
        for (size_t v = 0; v < state->variable_count && !found; v++)
            found = is_called(&state->entry[v], rename->registered);
        if (!found)
            return error_set(error, H5CKPT_E_ARGUMENT, "rename '%s' to '%s': no variable is registered under that name",
                             rename->stored, rename->registered);
    }
    return H5CKPT_OK;
}

static void pair_up(struct match *match, const h5ckpt_state *state, const struct index *index,
                    struct directory_of_names *names, const struct h5ckpt_restore_options *options, const char *where,
                    struct error *error)
{
    for (size_t v = 0; v < state->variable_count; v++) {
        const char *name = schema_program_name(state->entry[v].name);
        if (name == NULL || (options->select != NULL && !options->select(options->select_context, name)))
            continue;
        const struct schema_entry *stored = find(names, stored_name(options, name));
        if (stored == NULL) {
            if (options->match == H5CKPT_EXACT) {
                begin_difference(error, where, name);
                error_append(error, "registered, but not stored");
            }
            continue;
        }
        compare(stored, &state->entry[v], name, options->convert, where, error);
        names->taken[stored - index->entry] = true;
        match->pair[match->pair_count++] = (struct match_pair){v, (size_t)(stored - index->entry)};
    }
}

static bool has_variables(const h5ckpt_state *state)
{
    for (size_t v = 0; v < state->variable_count; v++)
        if (schema_program_name(state->entry[v].name) != NULL)
            return true;
    return false;
}

static void say_unclaimed(const struct directory_of_names *names, const struct index *index, const char *where,
                          struct error *error)
{
    for (size_t i = 0; i < names->entry_count; i++) {
        if (names->taken[names->entry[i] - index->entry])
            continue;
        begin_difference(error, where, schema_program_name(names->entry[i]->name));
        error_append(error, "stored, but not registered");
    }
}

h5ckpt_status match_variables(struct match *match, const h5ckpt_state *state, const struct index *index,
                              const struct h5ckpt_restore_options *options, const char *where, struct error *error)
{
    struct directory_of_names names = {0};
    h5ckpt_status status;

    *match = MATCH_NONE;
    error_clear(error);
    status = check_renames(state, options, error);
    if (status < 0)
        goto out;
    status = collect_names(&names, index, error);
    if (status < 0)
        goto out;
    match->pair = calloc(state->variable_count + 1, sizeof *match->pair);
    if (match->pair == NULL) {
        status = error_set(error, H5CKPT_E_MEMORY, "no memory to compare %zu variables", state->variable_count);
        goto out;
    }
    pair_up(match, state, index, &names, options, where, error);
    if (options->match == H5CKPT_EXACT && options->select == NULL)
        say_unclaimed(&names, index, where, error);
    status = error->status;

    if (status == H5CKPT_OK && match->pair_count == 0 && has_variables(state))
        status = error_set(error, H5CKPT_E_SCHEMA, "%s and the %s variables have none in common", where,
                           options->select != NULL ? "selected" : "registered");
out:
    free(names.entry);
    free(names.taken);
    if (status < 0)
        match_free(match);
    return status;
}

void match_free(struct match *match)
{
    free(match->pair);
    *match = MATCH_NONE;
}
