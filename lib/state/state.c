/* SPDX-License-Identifier: MIT */
/*
 * state.c: the variables that a program registers, and its settings, which are variables of their own group whose bytes
 * belong to the state.
 *
 * (1) entry[i] and variable[i], i < variable_count, are complete and pass schema_check_path() and
 *     schema_byte_count(); they are never changed or removed.
 * (2) path_tree holds the path of every variable and of every group above one, once; none is both. So where a
 *     group is missing, nothing below it is there either.
 * (3) An add that fails changes nothing of the above; it may leave a first_error and spare capacity.
 */
#include "state/state.h"

#include <assert.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "state/finite.h"

enum {
    CAPACITY_FIRST = 16,
    PATH_BYTES = sizeof FORMAT_SETTINGS_GROUP "/" + FORMAT_NAME_BYTES_MAX, /* of the longest group */
};

static const char *noun_of(const char *path)
{
    return schema_setting_name(path) != NULL ? "setting" : "variable";
}

static const char *name_of(const char *path)
{
    const char *setting = schema_setting_name(path);

    return setting != NULL ? setting : schema_program_name(path);
}

__attribute__((format(printf, 4, 5))) static h5ckpt_status refuse(struct error *error, h5ckpt_status status,
                                                                  const char *path, const char *format, ...)
{
    char text[NAME_TEXT_BYTES];
    char reason[ERROR_MESSAGE_BYTES - NAME_TEXT_BYTES - sizeof "variable '': "];
    va_list arguments;

    name_text(name_of(path), text);
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return error_set(error, status, "%s '%s': %s", noun_of(path), text, reason);
}

/* --------------------------------------------------------------------- paths */

/* A node of path_tree. */
struct path {
    const char *name;  /* of the variable that brought it, borrowed from its entry */
    size_t byte_count; /* the path is the name's beginning: all of it, or a group above it */
    size_t index;      /* of that variable */
};

static bool path_is_group(const struct path *path)
{
    return path->name[path->byte_count] == '/';
}

static int path_compare(const void *a_pointer, const void *b_pointer)
{
    const struct path *a = a_pointer;
    const struct path *b = b_pointer;

    if (a->byte_count != b->byte_count)
        return a->byte_count < b->byte_count ? -1 : 1;
    return memcmp(a->name, b->name, a->byte_count);
}

/*
 * The paths in "state/a/b" are "state", "state/a", "state/a/b": the length of the first, and of the one after another.
 */
static size_t path_first(const char *name)
{
    return strcspn(name, "/");
}

static size_t path_next(const char *name, size_t byte_count)
{
    return byte_count + 1 + strcspn(name + byte_count + 1, "/");
}

static struct path *path_find(const struct h5ckpt_state *state, const struct path *path)
{
    struct path **found = tfind(path, &state->path_tree, path_compare);

    return found == NULL ? NULL : *found;
}

static h5ckpt_status path_add(struct h5ckpt_state *state, struct path path)
{
    struct path *added = malloc(sizeof *added);

    if (added == NULL)
        return H5CKPT_E_MEMORY;
    *added = path;
    if (tsearch(added, &state->path_tree, path_compare) == NULL) {
        free(added);
        return H5CKPT_E_MEMORY;
    }
    return H5CKPT_OK;
}

static void path_remove(struct h5ckpt_state *state, struct path path)
{
    struct path *found = path_find(state, &path);

    if (found != NULL)
        tdelete(found, &state->path_tree, path_compare);
    free(found);
}

bool state_find(const struct h5ckpt_state *state, const char *name, size_t *variable_index)
{
    char path[PATH_BYTES];
    const struct path *found;

    if (strlen(name) > FORMAT_NAME_BYTES_MAX)
        return false;
    snprintf(path, sizeof path, "%s/%s", FORMAT_STATE_GROUP, name);
    found = path_find(state, &(struct path){.name = path, .byte_count = strlen(path)});
    if (found == NULL || path_is_group(found))
        return false;
    *variable_index = found->index;
    return true;
}

/* Two variables want one path, as variable and variable or as variable and group. */
static h5ckpt_status refuse_collision(const struct path *wanted, const struct path *found, struct error *error)
{
    const char *noun = noun_of(found->name);
    char text[NAME_TEXT_BYTES];

    name_text(name_of(found->name), text);
    if (path_is_group(wanted))
        return refuse(error, H5CKPT_E_ARGUMENT, wanted->name, "'%s' is a %s, so it cannot be a group", text, noun);
    if (path_is_group(found))
        return refuse(error, H5CKPT_E_ARGUMENT, wanted->name, "the name is a group, that of %s '%s'", noun, text);
    return refuse(error, H5CKPT_E_ARGUMENT, wanted->name, "there is a %s of this name already", noun);
}

/* Add what is missing of the paths in `name`, or nothing. `name` must live as long as the state. */
static h5ckpt_status paths_add(struct h5ckpt_state *state, const char *name, struct error *error)
{
    struct path path = {.name = name, .byte_count = path_first(name), .index = state->variable_count};
    struct path *found;
    size_t first_added;

    while ((found = path_find(state, &path)) != NULL) {
        if (!path_is_group(&path) || !path_is_group(found))
            return refuse_collision(&path, found, error);
        path.byte_count = path_next(name, path.byte_count);
    }
    first_added = path.byte_count; /* and from here on none is there: (2) */
    while (path_add(state, path) == H5CKPT_OK) {
        if (!path_is_group(&path))
            return H5CKPT_OK;
        path.byte_count = path_next(name, path.byte_count);
    }
    for (size_t failed = path.byte_count; first_added < failed; first_added = path_next(name, first_added))
        path_remove(state, (struct path){.name = name, .byte_count = first_added});
    return refuse(error, H5CKPT_E_MEMORY, name, "out of memory");
}

/* ------------------------------------------------------------------- entries */

static void entry_free(struct schema_entry *entry)
{
    free((void *)entry->name);
    free((void *)entry->shape);
    *entry = (struct schema_entry){0};
}

static h5ckpt_status make_path(char path[PATH_BYTES], const char *group, const char *name, struct error *error)
{
    const char *noun = strcmp(group, FORMAT_SETTINGS_GROUP) == 0 ? "setting" : "variable";

    if (name == NULL)
        return error_set(error, H5CKPT_E_ARGUMENT, "a %s was added without a name (NULL)", noun);
    if (schema_check_name(noun, name, error) < 0)
        return error->status;
    snprintf(path, PATH_BYTES, "%s/%s", group, name);
    return H5CKPT_OK;
}

/* Check what the program said of a variable. The entry borrows path and shape. */
static h5ckpt_status entry_describe(struct schema_entry *entry, const char *path, h5ckpt_type type, int rank,
                                    const uint64_t *shape, struct error *error)
{
    struct error reason = ERROR_NONE;

    if (rank < 0)
        return refuse(error, H5CKPT_E_ARGUMENT, path, "the rank is %d, at least 0 is needed", rank);
    *entry = (struct schema_entry){.name = path, .rank = (unsigned)rank, .shape = shape};
    if (element_of_type(&entry->element, type, &reason) < 0 ||
        schema_byte_count(&entry->byte_count, &entry->element, entry->rank, shape, &reason) < 0) {
        refuse(error, reason.status, path, "%s", error_message(&reason));
        error_clear(&reason);
        return error->status;
    }
    if (entry->byte_count > PTRDIFF_MAX)
        return refuse(error, H5CKPT_E_ARGUMENT, path, "it is larger than this machine's memory can be");
    return H5CKPT_OK;
}

/* Become a copy of `from` that owns its name and its shape. */
static h5ckpt_status entry_copy(struct schema_entry *entry, const struct schema_entry *from, struct error *error)
{
    char *name = strdup(from->name);
    uint64_t *shape = from->rank == 0 ? NULL : malloc(from->rank * sizeof *shape);

    *entry = *from;
    entry->name = name;
    entry->shape = shape;
    if (name == NULL || (shape == NULL && from->rank > 0)) {
        entry_free(entry);
        return refuse(error, H5CKPT_E_MEMORY, from->name, "out of memory");
    }
    if (from->rank > 0)
        memcpy(shape, from->shape, from->rank * sizeof *shape);
    return H5CKPT_OK;
}

static h5ckpt_status variable_check(const struct variable *variable, const struct schema_entry *entry,
                                    struct error *error)
{
    switch (variable->source) {
    case VARIABLE_POINTER:
        if (variable->memory == NULL && entry->byte_count > 0)
            return refuse(error, H5CKPT_E_ARGUMENT, entry->name, "its memory is NULL");
        break;
    case VARIABLE_INDIRECT:
        if (variable->indirect == NULL)
            return refuse(error, H5CKPT_E_ARGUMENT, entry->name, "the address of its pointer is NULL");
        break;
    case VARIABLE_ACCESS:
        if (variable->access.get == NULL || variable->access.put == NULL)
            return refuse(error, H5CKPT_E_ARGUMENT, entry->name, "a get and a put function are both needed");
        break;
    case VARIABLE_SETTING:
        if (variable->memory == NULL && entry->byte_count > 0)
            return refuse(error, H5CKPT_E_ARGUMENT, entry->name, "its value is NULL");
        break;
    }
    return H5CKPT_OK;
}

/* What a program left behind a string's end is no part of its value. */
static void pad_strings(const struct schema_entry *entry, char *bytes)
{
    const size_t byte_count = entry->element.byte_count;

    for (uint64_t i = 0; i < entry->byte_count / byte_count; i++, bytes += byte_count) {
        const size_t length = strnlen(bytes, byte_count);
        memset(bytes + length, 0, byte_count - length);
    }
}

/* Become a copy of `from`; of a setting, one that owns its value. */
static h5ckpt_status variable_copy(struct variable *variable, const struct variable *from,
                                   const struct schema_entry *entry, struct error *error)
{
    void *value = NULL;

    if (from->source == VARIABLE_SETTING && entry->byte_count > 0) {
        value = malloc(entry->byte_count);
        if (value == NULL)
            return refuse(error, H5CKPT_E_MEMORY, entry->name, "out of memory");
        memcpy(value, from->memory, entry->byte_count);
        if (entry->element.class == ELEMENT_STRING)
            pad_strings(entry, value);
    }
    *variable = *from;
    if (from->source == VARIABLE_SETTING)
        variable->memory = value;
    return H5CKPT_OK;
}

static void variable_free(struct variable *variable)
{
    if (variable->source == VARIABLE_SETTING)
        free(variable->memory);
}

/* --------------------------------------------------------------------- state */

static h5ckpt_status state_check_limits(const struct h5ckpt_state *state, const struct schema_entry *entry,
                                        struct error *error)
{
    if (state->variable_count >= FORMAT_VARIABLE_COUNT_MAX)
        return refuse(error, H5CKPT_E_ARGUMENT, entry->name, "there are %zu variables already, the most possible",
                      state->variable_count);
    if (entry->byte_count > FORMAT_FILE_BYTES_MAX - state->byte_count)
        return refuse(error, H5CKPT_E_ARGUMENT, entry->name, "with it, all variables are too large for one file");
    return H5CKPT_OK;
}

/* Have room for one more variable. */
static h5ckpt_status state_reserve(struct h5ckpt_state *state, const char *path, struct error *error)
{
    size_t capacity = state->variable_capacity == 0 ? CAPACITY_FIRST : 2 * state->variable_capacity;
    struct schema_entry *entry;
    struct variable *variable;

    if (state->variable_count < state->variable_capacity)
        return H5CKPT_OK;
    entry = realloc(state->entry, capacity * sizeof *entry);
    if (entry == NULL)
        return refuse(error, H5CKPT_E_MEMORY, path, "out of memory");
    state->entry = entry;
    variable = realloc(state->variable, capacity * sizeof *variable);
    if (variable == NULL)
        return refuse(error, H5CKPT_E_MEMORY, path, "out of memory");
    state->variable = variable;
    state->variable_capacity = capacity;
    return H5CKPT_OK;
}

static h5ckpt_status state_keep_first_error(struct h5ckpt_state *state, struct error *error)
{
    h5ckpt_status status = error->status;

    if (status < 0 && state->first_error.status == H5CKPT_OK)
        error_move(&state->first_error, error);
    error_clear(error);
    return status;
}

static h5ckpt_status state_add(struct h5ckpt_state *state, const char *group, const char *name, h5ckpt_type type,
                               int rank, const uint64_t *shape, const struct variable *variable)
{
    struct error error = ERROR_NONE;
    char path[PATH_BYTES];
    struct schema_entry wanted;
    struct schema_entry entry = {0};
    struct variable added = {0};

    if (state == NULL)
        return H5CKPT_E_ARGUMENT;
    if (make_path(path, group, name, &error) < 0)
        goto out;
    if (entry_describe(&wanted, path, type, rank, shape, &error) < 0)
        goto out;
    if (variable_check(variable, &wanted, &error) < 0)
        goto out;
    if (state_check_limits(state, &wanted, &error) < 0)
        goto out;
    if (state_reserve(state, path, &error) < 0)
        goto out;
    if (variable_copy(&added, variable, &wanted, &error) < 0)
        goto out;
    if (entry_copy(&entry, &wanted, &error) < 0)
        goto out;
    if (paths_add(state, entry.name, &error) < 0)
        goto out;
    state->entry[state->variable_count] = entry; /* nothing fails from here on: (3) */
    state->variable[state->variable_count] = added;
    state->variable_count++;
    state->byte_count += entry.byte_count;
    entry = (struct schema_entry){0};
    added = (struct variable){0};
out:
    entry_free(&entry);
    variable_free(&added);
    return state_keep_first_error(state, &error);
}

h5ckpt_state *h5ckpt_state_new(void)
{
    return calloc(1, sizeof(struct h5ckpt_state));
}

void h5ckpt_state_free(h5ckpt_state *state)
{
    if (state == NULL)
        return;
    tdestroy(state->path_tree, free); /* its nodes borrow the names */
    for (size_t i = 0; i < state->variable_count; i++) {
        entry_free(&state->entry[i]);
        variable_free(&state->variable[i]);
    }
    free(state->entry);
    free(state->variable);
    error_clear(&state->first_error);
    free(state);
}

h5ckpt_status h5ckpt_add(h5ckpt_state *state, const char *name, h5ckpt_type type, int rank, const uint64_t *shape,
                         void *memory)
{
    struct variable variable = {.source = VARIABLE_POINTER, .memory = memory};

    return state_add(state, FORMAT_STATE_GROUP, name, type, rank, shape, &variable);
}

h5ckpt_status h5ckpt_add_indirect(h5ckpt_state *state, const char *name, h5ckpt_type type, int rank,
                                  const uint64_t *shape, void *const *memory)
{
    struct variable variable = {.source = VARIABLE_INDIRECT, .indirect = memory};

    return state_add(state, FORMAT_STATE_GROUP, name, type, rank, shape, &variable);
}

h5ckpt_status h5ckpt_add_access(h5ckpt_state *state, const char *name, h5ckpt_type type, int rank,
                                const uint64_t *shape, const struct h5ckpt_access *access)
{
    struct variable variable = {.source = VARIABLE_ACCESS};

    if (access != NULL)
        variable.access = *access;
    return state_add(state, FORMAT_STATE_GROUP, name, type, rank, shape, &variable);
}

h5ckpt_status h5ckpt_add_setting(h5ckpt_state *state, const char *name, h5ckpt_type type, int rank,
                                 const uint64_t *shape, const void *value)
{
    struct variable variable = {.source = VARIABLE_SETTING, .memory = (void *)value}; /* read only: it is copied */

    return state_add(state, FORMAT_SETTINGS_GROUP, name, type, rank, shape, &variable);
}

/* ----------------------------------------------------------- what must be finite */

static h5ckpt_status require_finite(struct h5ckpt_state *state, const char *name, struct error *error)
{
    char text[NAME_TEXT_BYTES];
    size_t index;

    if (!state_find(state, name, &index)) {
        name_text(name, text);
        return error_set(error, H5CKPT_E_ARGUMENT,
                         "variable '%s' shall always be finite, but none of this name was added", text);
    }
    if (!finite_applies_to(&state->entry[index].element)) {
        element_text(&state->entry[index].element, text);
        return refuse(error, H5CKPT_E_ARGUMENT, state->entry[index].name,
                      "it shall always be finite, but is of type %s, not of numbers that can be anything else", text);
    }
    state->variable[index].must_be_finite = true;
    return H5CKPT_OK;
}

h5ckpt_status h5ckpt_require_finite(h5ckpt_state *state, const char *name)
{
    struct error error = ERROR_NONE;

    if (state == NULL)
        return H5CKPT_E_ARGUMENT;
    if (name != NULL)
        require_finite(state, name, &error);
    for (size_t i = 0; name == NULL && i < state->variable_count; i++)
        state->variable[i].must_be_finite =
            schema_program_name(state->entry[i].name) != NULL && finite_applies_to(&state->entry[i].element);
    return state_keep_first_error(state, &error);
}

const char *h5ckpt_state_message(const h5ckpt_state *state)
{
    return state == NULL ? "the state is NULL" : error_message(&state->first_error);
}

h5ckpt_status state_memory(const h5ckpt_state *state, size_t variable_index, void **memory, struct error *error)
{
    assert(variable_index < state->variable_count);
    const struct schema_entry *entry = &state->entry[variable_index];
    const struct variable *variable = &state->variable[variable_index];

    *memory = NULL;
    if (entry->byte_count == 0)
        return H5CKPT_OK;
    switch (variable->source) {
    case VARIABLE_POINTER:
    case VARIABLE_SETTING:
        *memory = variable->memory;
        break;
    case VARIABLE_INDIRECT:
        *memory = *variable->indirect;
        if (*memory == NULL)
            return refuse(error, H5CKPT_E_ARGUMENT, entry->name, "the program's pointer to it is NULL");
        break;
    case VARIABLE_ACCESS:
        break;
    }
    return H5CKPT_OK;
}
