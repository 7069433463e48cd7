/* SPDX-License-Identifier: MIT */
/*
 * list_settings: the settings that a slot was saved with, and their values, whose blocks are verified as they are read.
 */
#include <stdlib.h>

#include "recovery/examine.h"
#include "recovery/list.h"
#include "recovery/staging.h"
#include "state/value.h"

struct values {
    struct staging staging;
    unsigned char **bytes;          /* by index entry; NULL: none, or no setting */
    struct transfer_target *target; /* ascending by offset */
    size_t target_count;
};

static bool is_setting(const struct schema_entry *entry)
{
    return schema_setting_name(entry->name) != NULL;
}

static void values_free(struct values *values)
{
    staging_free(&values->staging);
    free(values->bytes);
    free(values->target);
    *values = (struct values){0};
}

static int compare_offsets(const void *a, const void *b)
{
    const struct transfer_target *first = a;
    const struct transfer_target *second = b;

    return (first->offset > second->offset) - (first->offset < second->offset);
}

static h5ckpt_status aim(struct values *values, const struct index *index, struct error *error)
{
    h5ckpt_status status;

    values->bytes = calloc(index->entry_count + 1, sizeof *values->bytes);
    values->target = calloc(index->entry_count + 1, sizeof *values->target);
    if (values->bytes == NULL || values->target == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory to list %zu variables", index->entry_count);
    for (size_t i = 0; i < index->entry_count; i++)
        if (is_setting(&index->entry[i]))
            staging_plan(&values->staging, index->entry[i].byte_count);
    status = staging_make(&values->staging, error);
    for (size_t i = 0; i < index->entry_count && status == H5CKPT_OK; i++) {
        const uint64_t byte_count = index->entry[i].byte_count;
        if (!is_setting(&index->entry[i]) || byte_count == 0)
            continue;
        values->bytes[i] = staging_take(&values->staging, byte_count);
        values->target[values->target_count++] =
            (struct transfer_target){index->offset[i], byte_count, values->bytes[i]};
    }
    qsort(values->target, values->target_count, sizeof *values->target, compare_offsets);
    return status;
}

static h5ckpt_status read_once(h5ckpt_store *store, unsigned slot_number, struct index *index, struct values *values)
{
    struct slot_reader reader;
    struct transfer_plan plan;
    bool ignored;
    h5ckpt_status status = examine_open(store, slot_number, FILE_READ, &reader, index, &store->error);

    if (status != H5CKPT_OK)
        return status;
    status = aim(values, index, &store->error);
    plan = (struct transfer_plan){.target = values->target, .target_count = values->target_count};
    if (status == H5CKPT_OK && plan.target_count != 0)
        status =
            transfer_load(&reader.file, &reader.record, reader.table, &plan, &ignored, &store->buffer, &store->error);
    slot_reader_close(&reader);
    if (status < 0) {
        values_free(values);
        index_free(index);
    }
    return status;
}

static h5ckpt_status read_settings(h5ckpt_store *store, unsigned slot_number, struct index *index,
                                   struct values *values)
{
    h5ckpt_status status = read_once(store, slot_number, index, values);

    if (status == H5CKPT_E_IO)
        status = read_once(store, slot_number, index, values); /* it must persist (P7) */
    if (status == H5CKPT_E_IO)
        status = store->error.status = H5CKPT_E_DAMAGED;
    return examine_conclude_read(store, slot_number, status);
}

static void visit_setting(const struct schema_entry *entry, const unsigned char *bytes,
                          void (*visit)(void *context, const struct h5ckpt_stored_setting *setting), void *context)
{
    char type_name[ELEMENT_TEXT_BYTES];
    char text[VALUES_TEXT_BYTES];

    element_text(&entry->element, type_name);
    values_text(entry, bytes, text);
    visit(context, &(struct h5ckpt_stored_setting){.name = schema_setting_name(entry->name),
                                                   .type_name = type_name,
                                                   .rank = (int)entry->rank,
                                                   .shape = entry->shape,
                                                   .byte_count = entry->byte_count,
                                                   .bytes = bytes,
                                                   .text = text});
}

h5ckpt_status h5ckpt_list_settings(h5ckpt_store *store, unsigned slot_number,
                                   void (*visit)(void *context, const struct h5ckpt_stored_setting *setting),
                                   void *context)
{
    struct index index = INDEX_NONE;
    struct values values = {0};
    h5ckpt_status status;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = list_enter(store, "h5ckpt_list_settings", slot_number, visit != NULL);
    if (status == H5CKPT_OK)
        status = list_refuse_stateless(store, slot_number);
    if (status == H5CKPT_OK)
        status = read_settings(store, slot_number, &index, &values);
    for (size_t i = 0; status == H5CKPT_OK && i < index.entry_count; i++)
        if (is_setting(&index.entry[i]))
            visit_setting(&index.entry[i], values.bytes[i], visit, context);
    values_free(&values);
    index_free(&index);
    return status;
}
