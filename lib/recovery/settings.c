/* SPDX-License-Identifier: MIT */
#include "recovery/settings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "recovery/staging.h"
#include "state/value.h"

struct setting { /* of both sides, or of one: then the other's entry is NULL */
    const struct schema_entry *stored;
    const struct schema_entry *registered;
    uint64_t offset;          /* in the file */
    const unsigned char *now; /* the registered value */
    const unsigned char *was; /* the stored one; NULL: nobody needs to know it */
};

struct comparison {
    struct setting *setting; /* in the order of their names */
    size_t setting_count;
    size_t stored_count;
    struct staging staging;         /* of stored values */
    struct transfer_target *target; /* where they go; ascending by offset */
    size_t target_count;
};

/* --------------------------------------------------------------------- pairs */

static const char *name_of(const struct setting *setting)
{
    return schema_setting_name((setting->registered != NULL ? setting->registered : setting->stored)->name);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(name_of(a), name_of(b));
}

/* Of one name the registered one comes first. */
static int compare_sides(const void *a, const void *b)
{
    const struct setting *first = a;
    const struct setting *second = b;
    const int order = compare_names(a, b);

    return order != 0 ? order : (first->registered == NULL) - (second->registered == NULL);
}

/* A program without settings pays nothing. */
static bool has_settings(const h5ckpt_state *state)
{
    for (size_t i = 0; i < state->variable_count; i++)
        if (schema_setting_name(state->entry[i].name) != NULL)
            return true;
    return false;
}

static void collect(struct comparison *comparison, const h5ckpt_state *state, const struct index *index)
{
    struct setting *to = comparison->setting;

    for (size_t i = 0; i < state->variable_count; i++)
        if (schema_setting_name(state->entry[i].name) != NULL)
            *to++ = (struct setting){.registered = &state->entry[i], .now = state->variable[i].memory};
    for (size_t i = 0; i < index->entry_count; i++)
        if (schema_setting_name(index->entry[i].name) != NULL)
            to[comparison->stored_count++] = (struct setting){.stored = &index->entry[i], .offset = index->offset[i]};
    comparison->setting_count = (size_t)(to - comparison->setting) + comparison->stored_count;
}

/* Two of one name, which now stand next to each other, the stored one behind, become one. */
static void merge(struct comparison *comparison)
{
    size_t kept = 0;

    for (size_t i = 0; i < comparison->setting_count; i++) {
        const struct setting *next = &comparison->setting[i];
        struct setting *last = kept == 0 ? NULL : &comparison->setting[kept - 1];
        if (last == NULL || compare_names(last, next) != 0) {
            comparison->setting[kept++] = *next;
            continue;
        }
        last->stored = next->stored;
        last->offset = next->offset;
    }
    comparison->setting_count = kept;
}

static h5ckpt_status pair_up(struct comparison *comparison, const h5ckpt_state *state, const struct index *index,
                             struct error *error)
{
    const size_t count_max = state->variable_count + index->entry_count + 1;

    comparison->setting = calloc(count_max, sizeof *comparison->setting);
    comparison->target = calloc(count_max, sizeof *comparison->target);
    if (comparison->setting == NULL || comparison->target == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory to compare settings");
    collect(comparison, state, index);
    qsort(comparison->setting, comparison->setting_count, sizeof *comparison->setting, compare_sides);
    merge(comparison);
    return H5CKPT_OK;
}

/* --------------------------------------------------------------------- values */

static bool is_scalar_string(const struct schema_entry *entry)
{
    return entry->rank == 0 && entry->element.class == ELEMENT_STRING;
}

/* A string is its text, whatever the room for it. */
static bool are_comparable(const struct schema_entry *a, const struct schema_entry *b)
{
    if (is_scalar_string(a) && is_scalar_string(b))
        return true;
    return element_equal(&a->element, &b->element) && a->rank == b->rank &&
           (a->rank == 0 || memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) == 0);
}

static bool is_shown(const struct schema_entry *entry)
{
    return entry->rank == 0 && value_is_showable(&entry->element);
}

/* What is of no registered type is read only if it can be shown. */
static bool is_wanted(const struct setting *setting)
{
    if (setting->stored == NULL || setting->stored->byte_count == 0)
        return false;
    return setting->registered == NULL ? is_shown(setting->stored)
                                       : are_comparable(setting->stored, setting->registered);
}

static int compare_offsets(const void *a, const void *b)
{
    const struct transfer_target *first = a;
    const struct transfer_target *second = b;

    return (first->offset > second->offset) - (first->offset < second->offset);
}

static h5ckpt_status aim(struct comparison *comparison, struct error *error)
{
    h5ckpt_status status;

    for (size_t i = 0; i < comparison->setting_count; i++)
        if (is_wanted(&comparison->setting[i]))
            staging_plan(&comparison->staging, comparison->setting[i].stored->byte_count);
    status = staging_make(&comparison->staging, error);
    for (size_t i = 0; i < comparison->setting_count && status == H5CKPT_OK; i++) {
        struct setting *setting = &comparison->setting[i];
        if (!is_wanted(setting))
            continue;
        unsigned char *bytes = staging_take(&comparison->staging, setting->stored->byte_count);
        setting->was = bytes;
        comparison->target[comparison->target_count++] =
            (struct transfer_target){setting->offset, setting->stored->byte_count, bytes};
    }
    qsort(comparison->target, comparison->target_count, sizeof *comparison->target, compare_offsets);
    return status;
}

static h5ckpt_status read_values(const struct comparison *comparison, const struct slot_reader *reader,
                                 struct buffer *buffer, struct error *error)
{
    const struct transfer_plan plan = {.target = comparison->target, .target_count = comparison->target_count};
    bool ignored;

    if (plan.target_count == 0)
        return H5CKPT_OK;
    return transfer_load(&reader->file, &reader->record, reader->table, &plan, &ignored, buffer, error);
}

/* ---------------------------------------------------------------- differences */

/* Padding is no value. */
static bool elements_differ(const struct setting *setting, uint64_t i)
{
    const struct element *element = &setting->registered->element;
    const unsigned char *now = setting->now + i * element->byte_count;
    const unsigned char *was = setting->was + i * setting->stored->element.byte_count;

    if (element->class == ELEMENT_STRING) {
        const size_t length = value_string_length(element, now);
        return length != value_string_length(&setting->stored->element, was) || memcmp(now, was, length) != 0;
    }
    return memcmp(now, was, element_value_byte_count(element)) != 0;
}

static void begin_line(struct settings *settings, const struct setting *setting)
{
    char text[NAME_TEXT_BYTES];

    name_text(name_of(setting), text);
    error_append(&settings->changes, "\n  '%s': ", text);
}

/* Strings that begin alike: where they no longer do. */
static void say_strings(struct settings *settings, const struct element *was_element, const unsigned char *was,
                        const struct element *now_element, const unsigned char *now)
{
    const size_t was_length = value_string_length(was_element, was);
    const size_t now_length = value_string_length(now_element, now);
    char was_text[VALUE_NEAR_BYTES];
    char now_text[VALUE_NEAR_BYTES];
    size_t at = 0;

    while (at < was_length && at < now_length && was[at] == now[at])
        at++;
    value_string_near(was_element, was, at, was_text);
    value_string_near(now_element, now, at, now_text);
    error_append(&settings->changes, "stored %s, now %s (they differ from byte %zu on, counted from 0)", was_text,
                 now_text, at);
}

static void say_values(struct settings *settings, const struct setting *setting, uint64_t i)
{
    const struct element *was = &setting->stored->element;
    const struct element *now = &setting->registered->element;
    char was_text[VALUE_TEXT_BYTES];
    char now_text[VALUE_TEXT_BYTES];

    if (!value_is_showable(now)) {
        error_append(&settings->changes, "changed");
        return;
    }
    value_text(was, setting->was + i * was->byte_count, was_text);
    value_text(now, setting->now + i * now->byte_count, now_text);
    if (now->class == ELEMENT_STRING && strcmp(was_text, now_text) == 0) /* both are cut before they differ */
        say_strings(settings, was, setting->was + i * was->byte_count, now, setting->now + i * now->byte_count);
    else
        error_append(&settings->changes, "stored %s, now %s", was_text, now_text);
}

static void say_elements(struct settings *settings, const struct setting *setting, uint64_t changed_count,
                         uint64_t first)
{
    const struct schema_entry *entry = setting->registered;
    char at[SHAPE_TEXT_BYTES];

    if (entry->rank > 0) {
        index_text(entry, first, at);
        error_append(&settings->changes,
                     "%" PRIu64 " of %" PRIu64 " elements changed, the first is %s: ", changed_count,
                     entry->byte_count / entry->element.byte_count, at);
    }
    say_values(settings, setting, first);
}

static bool compare_values(struct settings *settings, const struct setting *setting)
{
    const struct schema_entry *entry = setting->registered;
    uint64_t changed_count = 0;
    uint64_t first = 0;

    for (uint64_t i = 0; i < entry->byte_count / entry->element.byte_count; i++)
        if (elements_differ(setting, i) && changed_count++ == 0)
            first = i;
    if (changed_count == 0)
        return false;
    begin_line(settings, setting);
    say_elements(settings, setting, changed_count, first);
    return true;
}

static bool say_type_or_shape(struct settings *settings, const struct setting *setting)
{
    const struct schema_entry *stored = setting->stored;
    const struct schema_entry *registered = setting->registered;
    char was[SHAPE_TEXT_BYTES];
    char now[SHAPE_TEXT_BYTES];

    begin_line(settings, setting);
    if (element_equal(&stored->element, &registered->element)) {
        shape_text(stored->rank, stored->shape, was);
        shape_text(registered->rank, registered->shape, now);
        error_append(&settings->changes, "stored with shape %s, now %s", was, now);
    } else {
        element_text(&stored->element, was);
        element_text(&registered->element, now);
        error_append(&settings->changes, "stored as %s, now %s", was, now);
    }
    return true;
}

/* One that only one side has. */
static bool say_lone(struct settings *settings, const char *what, const struct setting *setting,
                     const struct schema_entry *entry, const unsigned char *value)
{
    char text[VALUE_TEXT_BYTES];

    begin_line(settings, setting);
    error_append(&settings->changes, "%s", what);
    if (is_shown(entry)) {
        value_text(&entry->element, value, text);
        error_append(&settings->changes, " (%s)", text);
    }
    return true;
}

static bool say_difference(struct settings *settings, const struct setting *setting)
{
    if (setting->stored == NULL)
        return say_lone(settings, "new", setting, setting->registered, setting->now);
    if (setting->registered == NULL)
        return say_lone(settings, "no longer there", setting, setting->stored, setting->was);
    if (!are_comparable(setting->stored, setting->registered))
        return say_type_or_shape(settings, setting);
    return compare_values(settings, setting);
}

static void say_differences(struct settings *settings, const struct comparison *comparison)
{
    bool any = false;

    for (size_t i = 0; i < comparison->setting_count; i++)
        any |= say_difference(settings, &comparison->setting[i]);
    if (any)
        settings->verdict = comparison->stored_count == 0 ? SETTINGS_UNKNOWN : SETTINGS_CHANGED;
}

h5ckpt_status settings_compare(struct settings *settings, const h5ckpt_state *state, const struct slot_reader *reader,
                               const struct index *index, struct buffer *buffer, struct error *error)
{
    struct comparison comparison = {0};
    h5ckpt_status status;

    settings_free(settings);
    if (!has_settings(state))
        return H5CKPT_OK;
    status = pair_up(&comparison, state, index, error);
    if (status == H5CKPT_OK)
        status = aim(&comparison, error);
    if (status == H5CKPT_OK)
        status = read_values(&comparison, reader, buffer, error);
    if (status == H5CKPT_OK)
        say_differences(settings, &comparison);
    free(comparison.setting);
    free(comparison.target);
    staging_free(&comparison.staging);
    return status;
}

void settings_free(struct settings *settings)
{
    error_clear(&settings->changes);
    *settings = SETTINGS_NONE;
}
