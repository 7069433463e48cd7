/* SPDX-License-Identifier: MIT */
#include "recovery/load.h"

#include <stdlib.h>

#include "recovery/staging.h"
#include "storage/hdf5/convert.h"

struct item { /* one variable on its way */
    const struct schema_entry *stored;
    const struct schema_entry *registered;
    const struct variable *variable;
    uint64_t offset;        /* in the file */
    void *memory;           /* the program's; NULL for a put function */
    unsigned char *staging; /* NULL: straight into memory */
};

struct load {
    struct item *item;
    size_t item_count;
    bool overlap; /* arrays do, in the program's memory */
    bool all_staged;
    struct staging staging;
    struct transfer_target *target; /* ascending by offset */
    size_t target_count;
    struct staging_copy *copy; /* room for one each: once put functions were called nothing may fail any more */
};

static bool is_converted(const struct item *item)
{
    return !element_equal(&item->stored->element, &item->registered->element);
}

static bool is_staged(const struct item *item, enum h5ckpt_memory memory)
{
    return memory == H5CKPT_STAGED || item->variable->source == VARIABLE_ACCESS || is_converted(item);
}

/* Room for the larger of what is stored and what it becomes. */
static uint64_t staging_bytes(const struct item *item)
{
    return item->stored->byte_count > item->registered->byte_count ? item->stored->byte_count
                                                                   : item->registered->byte_count;
}

/* --------------------------------------------------------------------- plan */

static h5ckpt_status make_items(struct load *load, const h5ckpt_state *state, const struct index *index,
                                const struct match *match, struct error *error)
{
    h5ckpt_status status = H5CKPT_OK;

    load->item = calloc(match->pair_count + 1, sizeof *load->item);
    load->target = calloc(match->pair_count + 1, sizeof *load->target);
    load->copy = calloc(match->pair_count + 1, sizeof *load->copy);
    if (load->item == NULL || load->target == NULL || load->copy == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory to load %zu variables", match->pair_count);
    load->item_count = match->pair_count;
    for (size_t i = 0; i < load->item_count && status == H5CKPT_OK; i++) {
        struct item *item = &load->item[i];
        const struct match_pair *pair = &match->pair[i];
        item->stored = &index->entry[pair->entry];
        item->registered = &state->entry[pair->variable];
        item->variable = &state->variable[pair->variable];
        item->offset = index->offset[pair->entry];
        status = state_memory(state, pair->variable, &item->memory, error);
    }
    return status;
}

static h5ckpt_status make_staging(struct load *load, enum h5ckpt_memory memory, struct error *error)
{
    h5ckpt_status status;

    load->all_staged = true;
    for (size_t i = 0; i < load->item_count; i++) {
        if (is_staged(&load->item[i], memory))
            staging_plan(&load->staging, staging_bytes(&load->item[i]));
        else
            load->all_staged = false;
    }
    status = staging_make(&load->staging, error);
    for (size_t i = 0; i < load->item_count && status == H5CKPT_OK; i++)
        if (is_staged(&load->item[i], memory))
            load->item[i].staging = staging_take(&load->staging, staging_bytes(&load->item[i]));
    return status;
}

static int compare_places(const void *a, const void *b)
{
    const uintptr_t first = (uintptr_t)((const struct transfer_target *)a)->bytes;
    const uintptr_t second = (uintptr_t)((const struct transfer_target *)b)->bytes;

    return (first > second) - (first < second);
}

/* A program may register one array under two names. */
static bool places_overlap(struct transfer_target *place, size_t place_count)
{
    qsort(place, place_count, sizeof *place, compare_places);
    for (size_t i = 1; i < place_count; i++)
        if ((uintptr_t)place[i].bytes - (uintptr_t)place[i - 1].bytes < place[i - 1].byte_count)
            return true;
    return false;
}

static void find_overlap(struct load *load)
{
    size_t place_count = 0;

    for (size_t i = 0; i < load->item_count; i++)
        if (load->item[i].memory != NULL)
            load->target[place_count++] =
                (struct transfer_target){0, load->item[i].registered->byte_count, load->item[i].memory};
    load->overlap = places_overlap(load->target, place_count);
}

static int compare_offsets(const void *a, const void *b)
{
    const struct transfer_target *first = a;
    const struct transfer_target *second = b;

    return (first->offset > second->offset) - (first->offset < second->offset);
}

static void aim(struct load *load)
{
    for (size_t i = 0; i < load->item_count; i++) {
        const struct item *item = &load->item[i];
        if (item->stored->byte_count != 0)
            load->target[load->target_count++] = (struct transfer_target){
                item->offset, item->stored->byte_count, item->staging != NULL ? item->staging : item->memory};
    }
    qsort(load->target, load->target_count, sizeof *load->target, compare_offsets);
}

static h5ckpt_status plan_load(struct load *load, const h5ckpt_state *state, const struct index *index,
                               const struct match *match, enum h5ckpt_memory memory, struct error *error)
{
    h5ckpt_status status = make_items(load, state, index, match, error);

    if (status == H5CKPT_OK)
        status = make_staging(load, memory, error);
    if (status < 0)
        return status;
    find_overlap(load);
    aim(load);
    return H5CKPT_OK;
}

/* ------------------------------------------------------------------ deliver */

static h5ckpt_status convert_staged(const struct load *load, struct error *error)
{
    h5ckpt_status status = H5CKPT_OK;

    for (size_t i = 0; i < load->item_count && status == H5CKPT_OK; i++) {
        const struct item *item = &load->item[i];
        if (is_converted(item) && item->stored->byte_count != 0)
            status = convert_elements(item->staging, item->stored->byte_count / item->stored->element.byte_count,
                                      &item->stored->element, &item->registered->element, error);
    }
    return status;
}

static h5ckpt_status call_put_functions(const struct load *load, bool *changed, struct error *error)
{
    for (size_t i = 0; i < load->item_count; i++) {
        const struct item *item = &load->item[i];
        if (item->variable->source != VARIABLE_ACCESS)
            continue;
        *changed = true;
        int failed =
            item->variable->access.put(item->variable->access.context, item->staging, item->registered->byte_count);
        if (failed)
            return error_set(error, H5CKPT_E_CALLBACK, "variable '%s': its put function failed with %d",
                             schema_program_name(item->registered->name), failed);
    }
    return H5CKPT_OK;
}

static void copy_staged(const struct load *load, bool *changed)
{
    size_t copy_count = 0;

    for (size_t i = 0; i < load->item_count; i++) {
        const struct item *item = &load->item[i];
        if (item->staging != NULL && item->memory != NULL)
            load->copy[copy_count++] = (struct staging_copy){item->memory, item->staging, item->registered->byte_count};
    }
    *changed |= copy_count != 0;
    staging_deliver(load->copy, copy_count, load->overlap ? STAGING_ASCENDING : STAGING_ANY_ORDER);
}

/* Put functions first: they can fail, copying cannot. */
static h5ckpt_status deliver_staged(const struct load *load, bool *changed, struct error *error)
{
    h5ckpt_status status = call_put_functions(load, changed, error);

    if (status == H5CKPT_OK)
        copy_staged(load, changed);
    return status;
}

/* --------------------------------------------------------------------- load */

static h5ckpt_status read_all(const struct load *load, const struct slot_reader *reader, enum h5ckpt_memory memory,
                              struct load_result *result, struct buffer *buffer, struct error *error)
{
    const struct transfer_plan plan = {
        .target = load->target,
        .target_count = load->target_count,
        .overlap = load->overlap && !load->all_staged,
        .every_block = memory != H5CKPT_VERIFY_FIRST,
    };
    bool handed_over = false;
    h5ckpt_status status =
        transfer_load(&reader->file, &reader->record, reader->table, &plan, &handed_over, buffer, error);

    result->changed |= handed_over && !load->all_staged;
    result->verified = status == H5CKPT_OK && plan.every_block;
    return status;
}

h5ckpt_status load_variables(const h5ckpt_state *state, const struct slot_reader *reader, const struct index *index,
                             const struct match *match, enum h5ckpt_memory memory, struct load_result *result,
                             struct buffer *buffer, struct error *error)
{
    struct load load = {0};
    h5ckpt_status status = plan_load(&load, state, index, match, memory, error);

    if (status == H5CKPT_OK)
        status = read_all(&load, reader, memory, result, buffer, error);
    if (status == H5CKPT_OK)
        status = convert_staged(&load, error);
    if (status == H5CKPT_OK)
        status = deliver_staged(&load, &result->changed, error);
    free(load.item);
    free(load.target);
    free(load.copy);
    staging_free(&load.staging);
    return status;
}
