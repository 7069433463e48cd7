/* SPDX-License-Identifier: MIT */
#include "recovery/compare.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "recovery/examine.h"
#include "recovery/load.h"
#include "recovery/settings.h"
#include "recovery/staging.h"

enum { COMPARE_ATTEMPTS_MAX = 16 }; /* how often a writer may overtake a reader before we say so */

/* ------------------------------------------------------------------- shadow */

struct shadow {
    h5ckpt_state state; /* the registered variables, with memory of our own; entries borrowed */
    struct staging staging;
    unsigned char *got; /* room for what any one get function delivers */
};

/* Of a setting nothing: it is compared when it is restored, and cannot change. */
static uint64_t compared_bytes(const struct schema_entry *entry)
{
    return schema_program_name(entry->name) == NULL ? 0 : entry->byte_count;
}

static void shadow_free(struct shadow *shadow)
{
    free(shadow->state.variable);
    staging_free(&shadow->staging);
}

static h5ckpt_status shadow_make(struct shadow *shadow, const h5ckpt_state *state, struct error *error)
{
    uint64_t got_bytes_max = 0;
    h5ckpt_status status;

    *shadow = (struct shadow){.state = {.entry = state->entry, .variable_count = state->variable_count}};
    shadow->state.variable = calloc(state->variable_count + 1, sizeof *shadow->state.variable);
    if (shadow->state.variable == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory to compare %zu variables", state->variable_count);
    for (size_t i = 0; i < state->variable_count; i++) {
        staging_plan(&shadow->staging, compared_bytes(&state->entry[i]));
        if (state->variable[i].source == VARIABLE_ACCESS && state->entry[i].byte_count > got_bytes_max)
            got_bytes_max = state->entry[i].byte_count;
    }
    staging_plan(&shadow->staging, got_bytes_max);
    status = staging_make(&shadow->staging, error);
    if (status < 0)
        return status;
    for (size_t i = 0; i < state->variable_count; i++)
        shadow->state.variable[i] = (struct variable){
            .source = VARIABLE_POINTER, .memory = staging_take(&shadow->staging, compared_bytes(&state->entry[i]))};
    shadow->got = staging_take(&shadow->staging, got_bytes_max);
    return H5CKPT_OK;
}

/* ------------------------------------------------------------------ compare */

struct difference {
    uint64_t element_count; /* that differ */
    uint64_t first;
};

/* Padding is no value: it is not compared. */
static struct difference compare_elements(const struct schema_entry *entry, const unsigned char *a,
                                          const unsigned char *b)
{
    const size_t stride = entry->element.byte_count;
    const size_t value_bytes = element_value_byte_count(&entry->element);
    struct difference difference = {0};

    for (uint64_t i = 0; i < entry->byte_count / stride; i++) {
        if (memcmp(a + i * stride, b + i * stride, value_bytes) == 0)
            continue;
        if (difference.element_count++ == 0)
            difference.first = i;
    }
    return difference;
}

/* The registered bytes, wherever they are. */
static h5ckpt_status registered_bytes(const h5ckpt_state *state, size_t i, unsigned char *got,
                                      const unsigned char **bytes, struct error *error)
{
    const struct variable *variable = &state->variable[i];
    void *memory = got;
    h5ckpt_status status = H5CKPT_OK;
    int failed;

    if (variable->source != VARIABLE_ACCESS) {
        status = state_memory(state, i, &memory, error);
    } else if (state->entry[i].byte_count != 0) {
        failed = variable->access.get(variable->access.context, got, state->entry[i].byte_count);
        if (failed)
            status = error_set(error, H5CKPT_E_CALLBACK, "variable '%s': its get function failed with %d",
                               schema_program_name(state->entry[i].name), failed);
    }
    *bytes = memory;
    return status;
}

/* A line for every variable that differs; H5CKPT_E_DIFFERS if there is one. */
static h5ckpt_status compare_variables(const h5ckpt_state *state, const struct shadow *shadow, const char *where,
                                       struct error *error)
{
    struct error differences = ERROR_NONE;

    for (size_t i = 0; i < state->variable_count; i++) {
        const struct schema_entry *entry = &state->entry[i];
        const unsigned char *bytes;
        char first[SHAPE_TEXT_BYTES];
        h5ckpt_status status = registered_bytes(state, i, shadow->got, &bytes, error);
        if (status < 0) {
            error_clear(&differences);
            return status;
        }
        if (compared_bytes(entry) == 0)
            continue;
        struct difference difference = compare_elements(entry, bytes, shadow->state.variable[i].memory);
        if (difference.element_count == 0)
            continue;
        if (differences.status == H5CKPT_OK)
            error_set(&differences, H5CKPT_E_DIFFERS, "the variables are not those of %s:", where);
        error_append(&differences, "\n  '%s'", schema_program_name(entry->name));
        if (entry->rank == 0)
            continue;
        index_text(entry, difference.first, first);
        error_append(&differences, ": %" PRIu64 " of %" PRIu64 " elements, the first is %s", difference.element_count,
                     entry->byte_count / entry->element.byte_count, first);
    }
    error_move(error, &differences);
    return error->status;
}

static h5ckpt_status load_shadow(h5ckpt_store *store, unsigned slot_number, struct shadow *shadow, const char *where,
                                 struct error *error)
{
    const struct h5ckpt_restore_options exact = h5ckpt_restore_options_default();
    struct match match = MATCH_NONE;
    struct slot_reader reader;
    struct index index;
    struct load_result ignored = {0};
    h5ckpt_status status;

    status = examine_open(store, slot_number, examine_access(store, slot_number), &reader, &index, error);
    if (status != H5CKPT_OK)
        return status;
    status = match_variables(&match, store->state, &index, &exact, where, error);
    if (status == H5CKPT_OK)
        status = load_variables(&shadow->state, &reader, &index, &match, H5CKPT_VERIFY_FIRST, &ignored, &store->buffer,
                                error);
    match_free(&match);
    index_free(&index);
    slot_reader_close(&reader);
    return status;
}

static h5ckpt_status compare_slot(h5ckpt_store *store, unsigned slot_number)
{
    struct shadow shadow;
    char where[EXAMINE_WHERE_BYTES];
    h5ckpt_status status = shadow_make(&shadow, store->state, &store->error);

    examine_where(store, slot_number, where);
    if (status == H5CKPT_OK)
        status = load_shadow(store, slot_number, &shadow, where, &store->error);
    if (status == H5CKPT_E_IO)
        status = load_shadow(store, slot_number, &shadow, where, &store->error); /* it must persist (P7) */
    if (status == H5CKPT_E_IO)
        status = store->error.status = H5CKPT_E_DAMAGED;
    status = examine_conclude_read(store, slot_number, status);
    if (status == H5CKPT_OK)
        status = compare_variables(store->state, &shadow, where, &store->error);
    shadow_free(&shadow);
    return status;
}

static h5ckpt_status refuse_other_state(h5ckpt_store *store, enum h5ckpt_which which)
{
    struct error why = ERROR_NONE;

    error_move(&why, &store->error);
    error_set(&store->error, H5CKPT_E_DAMAGED, "the %s state in '%s' cannot be compared, for a restore would say: ",
              which == H5CKPT_CURRENT ? "current" : "previous", store->directory.path);
    error_append(&store->error, "%s", error_message(&why));
    error_clear(&why);
    return H5CKPT_E_DAMAGED;
}

/* Where the newest state is lost, the previous one is the newest that is left. */
static bool is_newest_left(const h5ckpt_store *store, unsigned slot_number)
{
    struct plan_slot plan[FORMAT_SLOT_COUNT_MAX];
    enum h5ckpt_role role[FORMAT_SLOT_COUNT_MAX];

    store_plan_slots(store, plan);
    choose_roles(plan, FORMAT_SLOT_COUNT_MAX, role);
    return role[slot_number] == H5CKPT_ROLE_CURRENT;
}

static h5ckpt_status compare_once(h5ckpt_store *store, enum h5ckpt_which which, unsigned *slot_number)
{
    h5ckpt_status status = examine_begin(store);

    if (status == H5CKPT_OK)
        status = examine_next(store, which, H5CKPT_ALL_BYTES, 0, slot_number);
    if (status == H5CKPT_FELL_BACK && (which == H5CKPT_CURRENT || !is_newest_left(store, *slot_number)))
        return refuse_other_state(store, which); /* what is left is not what was asked for */
    return status == H5CKPT_OK || status == H5CKPT_FELL_BACK ? compare_slot(store, *slot_number) : status;
}

h5ckpt_status compare_state(h5ckpt_store *store, enum h5ckpt_which which, unsigned *slot_number)
{
    h5ckpt_status status = store_check_state(store);

    if (status < 0)
        return status;
    status = H5CKPT_E_OVERTAKEN;
    for (int attempt = 0; attempt < COMPARE_ATTEMPTS_MAX && status == H5CKPT_E_OVERTAKEN; attempt++)
        status = compare_once(store, which, slot_number);
    return status;
}

h5ckpt_status compare_settings(h5ckpt_store *store, unsigned slot_number, bool *refused)
{
    struct settings settings = SETTINGS_NONE;
    struct slot_reader reader;
    struct index index;
    h5ckpt_status status;

    status = examine_open(store, slot_number, examine_access(store, slot_number), &reader, &index, &store->error);
    if (status != H5CKPT_OK)
        return status;
    status = settings_compare(&settings, store->state, &reader, &index, &store->buffer, &store->error);
    *refused = settings.verdict == SETTINGS_CHANGED;
    settings_free(&settings);
    index_free(&index);
    slot_reader_close(&reader);
    return status;
}

h5ckpt_status h5ckpt_compare(h5ckpt_store *store, enum h5ckpt_which which)
{
    unsigned slot_number;
    h5ckpt_status status;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = store_enter(store, "h5ckpt_compare");
    if (status == H5CKPT_OK && (unsigned)which > H5CKPT_PREVIOUS)
        status = error_set(&store->error, H5CKPT_E_ARGUMENT, "h5ckpt_compare: %d is not one of enum h5ckpt_which",
                           (int)which);
    if (status == H5CKPT_OK)
        status = compare_state(store, which, &slot_number);
    if (which == H5CKPT_CURRENT && (status == H5CKPT_OK || (status == H5CKPT_E_DIFFERS && store->may_save)))
        store_set_base(store, slot_number); /* newer than any other: to spare it loses nothing */
    if (status == H5CKPT_OK && which == H5CKPT_CURRENT) {
        store->memory_changed = false;
        store->progress = store->survey.slot[slot_number].record.progress;
    }
    if (status == H5CKPT_OK)
        error_clear(&store->error);
    return status;
}
