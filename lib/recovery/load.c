/* SPDX-License-Identifier: MIT */
#include "recovery/load.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "storage/hdf5/convert.h"

enum { STAGING_ALIGN_BYTES = 16 }; /* enough for any element */

struct item { /* one variable on its way */
    const struct schema_entry *stored;
    const struct schema_entry *registered;
    const struct variable *variable;
    void *memory;           /* the program's; NULL for a put function */
    unsigned char *staging; /* NULL: straight into memory */
};

struct load {
    struct item *item;
    size_t item_count;
    struct transfer_target *target; /* ascending by offset */
    size_t target_count;
    unsigned char *staging;
    bool all_staged;
};

static bool is_converted(const struct item *item)
{
    return !element_equal(&item->stored->element, &item->registered->element);
}

/* A staged variable needs room for the larger of what is stored and what it becomes. */
static uint64_t staging_bytes(const struct item *item)
{
    uint64_t byte_count = item->stored->byte_count > item->registered->byte_count ? item->stored->byte_count
                                                                                  : item->registered->byte_count;
    return bytes_round_up(byte_count, STAGING_ALIGN_BYTES);
}

static bool is_staged(const struct item *item, enum h5ckpt_memory memory)
{
    return memory == H5CKPT_STAGED || item->variable->source == VARIABLE_ACCESS || is_converted(item);
}

static h5ckpt_status allocate_staging(struct load *load, enum h5ckpt_memory memory, struct error *error)
{
    uint64_t byte_count = 0;
    unsigned char *next;

    load->all_staged = true;
    for (size_t i = 0; i < load->item_count; i++) {
        if (is_staged(&load->item[i], memory))
            byte_count += staging_bytes(&load->item[i]);
        else
            load->all_staged = false;
    }
    load->staging = byte_count < PTRDIFF_MAX ? malloc((size_t)byte_count + 1) : NULL;
    if (load->staging == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory to stage %" PRIu64 " bytes; memory is untouched",
                         byte_count);
    next = load->staging;
    for (size_t i = 0; i < load->item_count; i++) {
        if (!is_staged(&load->item[i], memory))
            continue;
        load->item[i].staging = next;
        next += staging_bytes(&load->item[i]);
    }
    return H5CKPT_OK;
}

static int compare_targets(const void *a, const void *b)
{
    const struct transfer_target *first = a;
    const struct transfer_target *second = b;

    return (first->offset > second->offset) - (first->offset < second->offset);
}

static int compare_places(const void *a, const void *b)
{
    const uintptr_t first = (uintptr_t)((const struct transfer_target *)a)->bytes;
    const uintptr_t second = (uintptr_t)((const struct transfer_target *)b)->bytes;

    return (first > second) - (first < second);
}

/* A program may register one array under two names. Leaves the targets as they were. */
static bool targets_overlap(struct load *load)
{
    bool overlap = false;

    qsort(load->target, load->target_count, sizeof *load->target, compare_places);
    for (size_t i = 1; i < load->target_count; i++)
        overlap |=
            (uintptr_t)load->target[i].bytes - (uintptr_t)load->target[i - 1].bytes < load->target[i - 1].byte_count;
    qsort(load->target, load->target_count, sizeof *load->target, compare_targets);
    return overlap;
}

static h5ckpt_status plan_load(struct load *load, const h5ckpt_state *state, const struct index *index,
                               const struct match *match, enum h5ckpt_memory memory, struct error *error)
{
    h5ckpt_status status = H5CKPT_OK;

    load->item = calloc(match->pair_count + 1, sizeof *load->item);
    load->target = calloc(match->pair_count + 1, sizeof *load->target);
    if (load->item == NULL || load->target == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory to load %zu variables", match->pair_count);
    load->item_count = match->pair_count;
    for (size_t i = 0; i < load->item_count && status == H5CKPT_OK; i++) {
        struct item *item = &load->item[i];
        const struct match_pair *pair = &match->pair[i];
        item->stored = &index->entry[pair->entry];
        item->registered = &state->entry[pair->variable];
        item->variable = &state->variable[pair->variable];
        status = state_memory(state, pair->variable, &item->memory, error);
    }
    if (status == H5CKPT_OK)
        status = allocate_staging(load, memory, error);
    for (size_t i = 0; i < load->item_count && status == H5CKPT_OK; i++) {
        struct item *item = &load->item[i];
        if (item->stored->byte_count == 0)
            continue;
        load->target[load->target_count++] =
            (struct transfer_target){index->offset[match->pair[i].entry], item->stored->byte_count,
                                     item->staging != NULL ? item->staging : item->memory};
    }
    qsort(load->target, load->target_count, sizeof *load->target, compare_targets);
    return status;
}

static h5ckpt_status convert_staged(const struct load *load, struct error *error)
{
    h5ckpt_status status = H5CKPT_OK;

    for (size_t i = 0; i < load->item_count && status == H5CKPT_OK; i++) {
        const struct item *item = &load->item[i];
        if (item->staging == NULL || !is_converted(item) || item->stored->byte_count == 0)
            continue;
        status = convert_elements(item->staging, item->stored->byte_count / item->stored->element.byte_count,
                                  &item->stored->element, &item->registered->element, error);
    }
    return status;
}

/* Put functions first: they can fail, copying cannot. */
static h5ckpt_status deliver_staged(const struct load *load, bool *changed, struct error *error)
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
    for (size_t i = 0; i < load->item_count; i++) {
        const struct item *item = &load->item[i];
        if (item->staging == NULL || item->variable->source == VARIABLE_ACCESS || item->registered->byte_count == 0)
            continue;
        *changed = true;
        memcpy(item->memory, item->staging, item->registered->byte_count);
    }
    return H5CKPT_OK;
}

h5ckpt_status load_variables(const h5ckpt_state *state, const struct slot_reader *reader, const struct index *index,
                             const struct match *match, enum h5ckpt_memory memory, bool *changed, struct buffer *buffer,
                             struct error *error)
{
    struct load load = {0};
    bool handed_over = false;
    h5ckpt_status status;

    status = plan_load(&load, state, index, match, memory, error);
    if (status == H5CKPT_OK)
        status = transfer_load(&reader->file, &reader->record, reader->table, load.target, load.target_count,
                               targets_overlap(&load), &handed_over, buffer, error);
    *changed |= handed_over && !load.all_staged;
    if (status == H5CKPT_OK)
        status = convert_staged(&load, error);
    if (status == H5CKPT_OK)
        status = deliver_staged(&load, changed, error);
    free(load.item);
    free(load.target);
    free(load.staging);
    return status;
}
