/* SPDX-License-Identifier: MIT */
/*
 * list: the variables that a slot holds, and those that lie in its damaged blocks.
 */
#include "recovery/list.h"

#include <stdlib.h>

#include "recovery/examine.h"

/* As the slot was reported: what is wrong with it is said again. */
h5ckpt_status list_refuse_stateless(h5ckpt_store *store, unsigned slot_number)
{
    const struct slot *slot = &store->survey.slot[slot_number];

    switch (slot->state) {
    case H5CKPT_SLOT_FOREIGN:
        return slot_say(slot, &store->directory, H5CKPT_E_FOREIGN, &store->error);
    case H5CKPT_SLOT_NEWER_VERSION:
        return slot_say(slot, &store->directory, H5CKPT_E_VERSION, &store->error);
    case H5CKPT_SLOT_UNREADABLE:
        return slot_say(slot, &store->directory, slot->status, &store->error);
    default:
        break;
    }
    if (slot->record_readable && slot->record.kind == RECORD_STATE)
        return H5CKPT_OK; /* its variables may be known although the state is damaged */
    if (slot->state == H5CKPT_SLOT_ABSENT || slot->state == H5CKPT_SLOT_RESERVED)
        return error_set(&store->error, H5CKPT_NO_CHECKPOINT, "'%s/%s' holds no state", store->directory.path,
                         slot->name);
    return error_set(&store->error, H5CKPT_E_DAMAGED, "'%s/%s' is %s: %s", store->directory.path, slot->name,
                     h5ckpt_slot_state_name(slot->state), slot->reason);
}

static h5ckpt_status read_index(h5ckpt_store *store, unsigned slot_number, struct index *index)
{
    struct slot_reader reader;
    h5ckpt_status status = examine_open(store, slot_number, FILE_READ, &reader, index, &store->error);

    if (status == H5CKPT_E_IO)
        status = examine_open(store, slot_number, FILE_READ, &reader, index, &store->error); /* it must persist (P7) */
    if (status == H5CKPT_E_IO)
        status = store->error.status = H5CKPT_E_DAMAGED;
    if (status == H5CKPT_OK)
        slot_reader_close(&reader);
    return examine_conclude_read(store, slot_number, status);
}

h5ckpt_status list_enter(h5ckpt_store *store, const char *call, unsigned slot_number, bool can_visit)
{
    h5ckpt_status status = store_enter(store, call);

    if (status == H5CKPT_OK && !can_visit)
        status = error_set(&store->error, H5CKPT_E_ARGUMENT, "%s: the function to call is NULL", call);
    if (status == H5CKPT_OK && (slot_number >= FORMAT_SLOT_COUNT_MAX || store->survey.slot[slot_number].name == NULL))
        status = error_set(&store->error, H5CKPT_E_ARGUMENT,
                           "%s: there is no slot %u in the report of a restore or inspection", call, slot_number);
    return status;
}

h5ckpt_status h5ckpt_list_variables(h5ckpt_store *store, unsigned slot_number,
                                    void (*visit)(void *context, const struct h5ckpt_stored *variable), void *context)
{
    struct index index = INDEX_NONE;
    h5ckpt_status status;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = list_enter(store, "h5ckpt_list_variables", slot_number, visit != NULL);
    if (status < 0)
        return status;
    status = list_refuse_stateless(store, slot_number);
    if (status == H5CKPT_OK)
        status = read_index(store, slot_number, &index);
    for (size_t i = 0; status == H5CKPT_OK && i < index.entry_count; i++) {
        const struct schema_entry *entry = &index.entry[i];
        const char *name = schema_program_name(entry->name);
        char type_name[ELEMENT_TEXT_BYTES];
        if (name == NULL)
            continue;
        element_text(&entry->element, type_name);
        visit(context, &(struct h5ckpt_stored){.name = name,
                                               .type_name = type_name,
                                               .rank = (int)entry->rank,
                                               .shape = entry->shape,
                                               .byte_count = entry->byte_count,
                                               .offset = index.offset[i]});
    }
    index_free(&index);
    return status;
}

/* ------------------------------------------------------------------- damage */

/* The next run of damaged blocks from `block` on; its length 0 if there is none. */
static uint64_t next_run(const unsigned char *damaged, uint64_t block_count, uint64_t *block)
{
    uint64_t end;

    while (*block < block_count && !transfer_is_damaged(damaged, *block))
        ++*block;
    for (end = *block; end < block_count && transfer_is_damaged(damaged, end); end++)
        ;
    return end - *block;
}

static size_t names_between(const struct index *index, uint64_t begin, uint64_t end, const char **name)
{
    size_t count = 0;

    for (size_t i = 0; i < index->entry_count; i++) {
        name[count] = schema_program_name(index->entry[i].name);
        count += name[count] != NULL && index_has_bytes_between(index, i, begin, end);
    }
    return count;
}

static struct h5ckpt_damage damage_of(const struct record *record, uint64_t first_block, uint64_t block_count)
{
    const uint64_t last_block = first_block + block_count - 1;
    struct h5ckpt_damage damage = {.first_block = first_block, .block_count = block_count};

    damage.offset = record_block_offset(record, first_block);
    damage.byte_count =
        record_block_offset(record, last_block) + record_block_length(record, last_block) - damage.offset;
    return damage;
}

h5ckpt_status h5ckpt_list_damage(h5ckpt_store *store, unsigned slot_number,
                                 void (*visit)(void *context, const struct h5ckpt_damage *damage), void *context)
{
    struct index index = INDEX_NONE;
    const char **name = NULL;
    h5ckpt_status status;
    uint64_t run;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = list_enter(store, "h5ckpt_list_damage", slot_number, visit != NULL);
    const struct slot *slot = status < 0 ? NULL : &store->survey.slot[slot_number];
    const unsigned char *damaged = status < 0 ? NULL : store->damaged[slot_number];
    if (damaged == NULL || slot->state == H5CKPT_SLOT_INTACT)
        return status;
    status = read_index(store, slot_number, &index);
    const bool names_known = status == H5CKPT_OK;
    if (names_known)
        name = malloc((index.entry_count + 1) * sizeof *name);
    if (names_known && name == NULL)
        status = error_set(&store->error, H5CKPT_E_MEMORY, "no memory to name %zu variables", index.entry_count);
    if (status == H5CKPT_E_DAMAGED) { /* nobody can tell the names */
        status = H5CKPT_OK;
        error_clear(&store->error);
    }
    for (uint64_t block = 0;
         status == H5CKPT_OK && (run = next_run(damaged, record_block_count(&slot->record), &block)) != 0;
         block += run) {
        struct h5ckpt_damage damage = damage_of(&slot->record, block, run);
        damage.names_known = names_known;
        damage.names = name;
        if (names_known)
            damage.name_count = names_between(&index, damage.offset, damage.offset + damage.byte_count, name);
        visit(context, &damage);
    }
    free(name);
    index_free(&index);
    return status;
}
