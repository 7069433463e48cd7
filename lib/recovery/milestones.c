/* SPDX-License-Identifier: MIT */
/*
 * milestones: what is kept under a name, for people and programs.
 */
#include <string.h>

#include "recovery/examine.h"

/* Every byte, as a slot's are read by an inspection. */
static h5ckpt_status verify(h5ckpt_store *store, struct milestone *milestone, enum h5ckpt_depth depth)
{
    struct slot *slot = &milestone->slot;
    const bool device = depth == H5CKPT_DEVICE && slot_is_readable_past_cache(&store->directory, slot->name);
    struct error why = ERROR_NONE;
    h5ckpt_status status = slot_verify(&store->directory, slot->name, &slot->record,
                                       device ? FILE_READ_PAST_CACHE : FILE_READ, NULL, &store->buffer, &why);

    slot->from_device = device && (status == H5CKPT_OK || status == H5CKPT_E_DAMAGED);
    if (status == H5CKPT_OK)
        slot->state = H5CKPT_SLOT_INTACT;
    if (status == H5CKPT_E_DAMAGED || status == H5CKPT_E_OVERTAKEN) {
        slot->state = H5CKPT_SLOT_DAMAGED;
        slot_set_reason(slot, &store->directory, error_message(&why));
    }
    if (status < 0 && slot->state != H5CKPT_SLOT_DAMAGED) {
        error_move(&store->error, &why);
        return status;
    }
    error_clear(&why);
    return H5CKPT_OK;
}

/* Beside a writer the milestone may have been replaced or removed since it was looked at. */
static h5ckpt_status verify_or_look_again(h5ckpt_store *store, struct milestone *milestone, enum h5ckpt_depth depth,
                                          const unsigned char *directory_id)
{
    char name[sizeof milestone->name];
    h5ckpt_status status = verify(store, milestone, depth);

    if (status < 0 || milestone->slot.state == H5CKPT_SLOT_INTACT || store->options.mode == H5CKPT_READ_WRITE)
        return status;
    memcpy(name, milestone->name, sizeof name);
    milestone_examine(milestone, &store->directory, name, directory_id);
    return plan_holds_state(milestone->slot.state) ? verify(store, milestone, depth) : H5CKPT_OK;
}

static void show(const struct milestone *milestone,
                 void (*visit)(void *context, const struct h5ckpt_milestone *milestone), void *context)
{
    const struct slot *slot = &milestone->slot;

    if (slot->state == H5CKPT_SLOT_ABSENT)
        return;
    visit(context, &(struct h5ckpt_milestone){
                       .name = milestone->name,
                       .state = slot->state,
                       .sequence = slot->record_readable ? slot->record.sequence : 0,
                       .progress = slot->record_readable ? slot->record.progress : (struct h5ckpt_progress){0},
                       .wall_time_ns = slot->record_readable ? slot->record.wall_time_ns : 0,
                       .file_bytes = slot->file_bytes,
                       .from_device = slot->from_device,
                       .reason = slot->reason,
                   });
}

static h5ckpt_status list(h5ckpt_store *store, const struct lock *lock, enum h5ckpt_depth depth,
                          void (*visit)(void *context, const struct h5ckpt_milestone *milestone), void *context)
{
    const unsigned char *directory_id = lock->identified ? lock->directory_id : NULL;
    struct milestones found;
    h5ckpt_status status = milestones_read(&found, &store->directory, directory_id, &store->error);

    for (size_t i = 0; i < found.count && status == H5CKPT_OK; i++) {
        if (depth != H5CKPT_RECORDS && plan_holds_state(found.milestone[i].slot.state))
            status = verify_or_look_again(store, &found.milestone[i], depth, directory_id);
        if (status == H5CKPT_OK)
            show(&found.milestone[i], visit, context);
    }
    milestones_free(&found);
    return status;
}

h5ckpt_status h5ckpt_list_milestones(h5ckpt_store *store, enum h5ckpt_depth depth,
                                     void (*visit)(void *context, const struct h5ckpt_milestone *milestone),
                                     void *context)
{
    h5ckpt_status status;
    struct lock lock; /* as it is now, and not as it was when the store's survey was made */
    bool writer_alive;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = store_enter(store, "h5ckpt_list_milestones");
    if (status == H5CKPT_OK && (visit == NULL || (unsigned)depth > H5CKPT_DEVICE))
        status = error_set(&store->error, H5CKPT_E_ARGUMENT, "h5ckpt_list_milestones: %s",
                           visit == NULL ? "the function to call is NULL" : "no such depth");
    lock = store->lock;
    if (status == H5CKPT_OK && store->options.mode == H5CKPT_READ_ONLY)
        status = store_peek(store, &lock, &writer_alive);
    if (status < 0)
        return status;
    error_clear(&store->error); /* without a lock, there may be milestones all the same */
    return store->directory.descriptor < 0 ? H5CKPT_OK : list(store, &lock, depth, visit, context);
}
