/* SPDX-License-Identifier: MIT */
/*
 * space: how much disk and memory the registered variables will take, asked beforehand.
 */
#include "storage/store.h"
#include "storage/system.h"

/* As it is now: keeping a milestone gives a slot's file another name, and removing one takes that away. */
static h5ckpt_status look_at_links(h5ckpt_store *store)
{
    h5ckpt_status status = H5CKPT_OK;

    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX && status == H5CKPT_OK; i++) {
        struct entry entry;
        status = directory_look(&store->directory, slot_name(i), &entry, &store->error);
        store->survey.slot[i].overwritable = entry.kind == ENTRY_FILE && entry.link_count == 1;
    }
    return status;
}

/*
 * A slot of the rotation that is not there yet takes its bytes, and so does one whose file stays under another name;
 * one of another length takes the difference; and replacing one takes a spare beside it for a while.
 */
static uint64_t disk_needed(const h5ckpt_store *store, uint64_t slot_bytes)
{
    const unsigned slots = store->options.slots < 2 ? 2 : store->options.slots; /* one state, and the next beside it */
    struct plan_slot plan[FORMAT_SLOT_COUNT_MAX];
    bool spare = false;
    uint64_t needed = 0;

    store_plan_slots(store, plan);
    for (unsigned i = 0; i < slots; i++) {
        const bool missing = plan[i].state == H5CKPT_SLOT_ABSENT || plan[i].state == H5CKPT_SLOT_MISSING;
        const bool stays = !missing && !plan[i].overwritable;
        const uint64_t taken = missing || stays ? 0 : store->survey.slot[i].file_bytes;
        needed += taken < slot_bytes ? slot_bytes - taken : 0;
        spare |= !missing && !stays &&
                 ((int)i == store->base ? !plan[i].same_structure
                                        : plan_manner(&plan[i], store->base_durable) == PLAN_NEW_FILE);
    }
    return needed + (spare ? slot_bytes : 0);
}

h5ckpt_status h5ckpt_space(h5ckpt_store *store, struct h5ckpt_space *space)
{
    h5ckpt_status status;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = store_enter(store, "h5ckpt_space");
    if (status == H5CKPT_OK && space == NULL)
        status = error_set(&store->error, H5CKPT_E_ARGUMENT, "h5ckpt_space: the struct to fill is NULL");
    if (status == H5CKPT_OK && store->directory.descriptor < 0)
        status = error_set(&store->error, H5CKPT_E_ARGUMENT, "there is no directory '%s' to ask about",
                           store->directory.path);
    if (status == H5CKPT_OK)
        status = store_prepare(store);
    if (status == H5CKPT_OK)
        status = look_at_links(store);
    if (status < 0)
        return status;
    const struct record *geometry = &store->layout.geometry;
    *space = (struct h5ckpt_space){
        .variable_bytes = store->state->byte_count,
        .slot_bytes = geometry->file_bytes,
        .disk_bytes_needed = disk_needed(store, geometry->file_bytes),
        .memory_bytes_needed = store->buffer.byte_count + store_copies_bytes(store) + store->source.copy_byte_count +
                               (FORMAT_SLOT_COUNT_MAX + 1) * geometry->table_bytes + 2 * store->layout.index_bytes,
        .memory_bytes_available = system_calls->memory_available(),
    };
    for (size_t i = 0; i < store->layout.structure.run_count; i++)
        space->memory_bytes_needed += store->layout.structure.run[i].byte_count;
    return directory_available(&store->directory, &space->disk_bytes_available, &store->error);
}
