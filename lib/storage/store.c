/* SPDX-License-Identifier: MIT */
#include "storage/store.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

#include "storage/system.h"

const char *h5ckpt_message(const h5ckpt_store *store)
{
    return store == NULL ? "out of memory" : error_message(&store->error);
}

struct h5ckpt_progress h5ckpt_progress(const h5ckpt_store *store)
{
    return store == NULL ? (struct h5ckpt_progress){0} : store->progress;
}

h5ckpt_status store_enter_in_flight(h5ckpt_store *store, const char *call)
{
    error_clear(&store->error);
    if (!store->open)
        return error_set(&store->error, H5CKPT_E_ARGUMENT,
                         "%s: the store is not open (it failed to open, or its checkpoint was deleted)", call);
    if (store->process_id != system_calls->process_id())
        return error_set(&store->error, H5CKPT_E_ARGUMENT,
                         "%s: the store belongs to process %" PRIu64
                         ", which opened it; a child process must open its own",
                         call, store->process_id);
    return H5CKPT_OK;
}

h5ckpt_status store_enter(h5ckpt_store *store, const char *call)
{
    h5ckpt_status status = store_enter_in_flight(store, call);

    if (status == H5CKPT_OK && store->land != NULL)
        store->land(store);
    return status;
}

h5ckpt_status store_check_state(h5ckpt_store *store)
{
    const struct error *first = &store->state->first_error;

    if (first->status == H5CKPT_OK)
        return H5CKPT_OK;
    return error_set(&store->error, first->status, "%s", error_message(first));
}

h5ckpt_status store_refuse_untouchable(h5ckpt_store *store)
{
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) {
        const struct slot *slot = &store->survey.slot[i];
        if (slot->state == H5CKPT_SLOT_FOREIGN)
            return slot_say(slot, &store->directory, H5CKPT_E_FOREIGN, &store->error);
        if (slot->state == H5CKPT_SLOT_NEWER_VERSION)
            return slot_say(slot, &store->directory, H5CKPT_E_VERSION, &store->error);
    }
    return H5CKPT_OK;
}

void store_reject_slot(h5ckpt_store *store, unsigned slot_number, const struct error *why)
{
    const bool is_base = (int)slot_number == store->base;
    struct slot *slot = &store->survey.slot[slot_number];

    slot->state = H5CKPT_SLOT_DAMAGED;
    slot_set_reason(slot, &store->directory, error_message(why));
    if (!is_base || store->options.mode == H5CKPT_READ_ONLY) /* a writer's base was whole, whatever was noted once */
        survey_explain(&store->survey, slot);
    if (is_base) {
        store->base_durable = false; /* the next save must not count on it */
        store->base_suspect = true;
    }
    if (slot->state == H5CKPT_SLOT_DAMAGED || slot->state == H5CKPT_SLOT_INTERRUPTED_OR_DAMAGED)
        event_tell(
            &store->events,
            (struct event){
                .kind = H5CKPT_EVENT_SLOT_REJECTED, .status = why->status, .file = slot->name, .record = &slot->record},
            "not what was saved: %s", error_message(why));
}

h5ckpt_status store_verify_slot(h5ckpt_store *store, unsigned slot_number)
{
    struct slot *slot = &store->survey.slot[slot_number];
    h5ckpt_status status;

    if (slot->state != H5CKPT_SLOT_COMMITTED)
        return H5CKPT_OK;
    status = slot_verify(&store->directory, slot->name, &slot->record, FILE_READ, NULL, &store->buffer, &store->error);
    if (status < 0 && status != H5CKPT_E_DAMAGED && status != H5CKPT_E_OVERTAKEN)
        return status;
    if (status == H5CKPT_OK)
        slot->state = H5CKPT_SLOT_INTACT;
    else
        store_reject_slot(store, slot_number, &store->error);
    return H5CKPT_OK;
}

h5ckpt_status store_flush_slot(const h5ckpt_store *store, unsigned slot_number, struct error *error)
{
    struct file file = FILE_NONE;
    h5ckpt_status status;

    status = file_open(&file, &store->directory, slot_name(slot_number), FILE_READ, error);
    if (status == H5CKPT_OK)
        status = file_flush(&file, error);
    file_close(&file);
    return status == H5CKPT_OK ? directory_flush(&store->directory, error) : status;
}

h5ckpt_status store_make_durable(h5ckpt_store *store, unsigned slot_number, struct error *error)
{
    const struct slot *slot = &store->survey.slot[slot_number];
    h5ckpt_status status = store_flush_slot(store, slot_number, error);

    if (status == H5CKPT_OK)
        status = slot_verify(&store->directory, slot->name, &slot->record, FILE_READ_PAST_CACHE, NULL, &store->buffer,
                             error);
    return status;
}

void store_forget_damage(h5ckpt_store *store)
{
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) {
        free(store->damaged[i]);
        store->damaged[i] = NULL;
    }
}

h5ckpt_status store_peek(h5ckpt_store *store, struct lock *lock, bool *writer_alive)
{
    h5ckpt_status status;

    *lock = LOCK_NONE;
    directory_forget_if_removed(&store->directory);
    if (store->directory.descriptor < 0) {
        status = directory_open(&store->directory, store->directory.path, false, 0, &store->error);
        if (status != H5CKPT_OK)
            return status;
    }
    return lock_peek(lock, &store->directory, writer_alive, &store->error);
}

void store_know_sequence(h5ckpt_store *store, uint64_t sequence)
{
    if (sequence > store->highest_sequence)
        store->highest_sequence = sequence;
}

/* Of what the last look saw: at the next, a record may not be readable. Another directory's count for nothing. */
static void know_sequences(h5ckpt_store *store)
{
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) {
        const struct slot *slot = &store->survey.slot[i];
        if (slot->record_readable && slot->state != H5CKPT_SLOT_FOREIGN)
            store_know_sequence(store, slot->record.sequence);
    }
}

h5ckpt_status store_survey(h5ckpt_store *store)
{
    h5ckpt_status status;
    bool writer_alive = false;

    store_forget_damage(store);
    know_sequences(store);
    if (store->options.mode == H5CKPT_READ_WRITE)
        return survey_directory(&store->survey, &store->directory, &store->lock, false, store->boot_id, &store->error);
    store->survey = (struct survey){0}; /* of what is not found, nothing old is told */
    status = store_peek(store, &store->lock, &writer_alive);
    if (status < 0 || store->directory.descriptor < 0)
        return status;
    error_clear(&store->error); /* without a lock there may be slots all the same */
    return survey_directory(&store->survey, &store->directory, &store->lock, writer_alive, store->boot_id,
                            &store->error);
}

h5ckpt_status store_put_in_use(h5ckpt_store *store, struct error *error)
{
    h5ckpt_status status = H5CKPT_OK;

    if (store->lock.phase != LOCK_IN_USE || store->lock.phase_uncertain)
        status = lock_set_phase(&store->lock, LOCK_IN_USE, error);
    if (status == H5CKPT_OK)
        store->directory.made_from = 0; /* no longer ours alone to take away */
    return status;
}

void store_set_base(h5ckpt_store *store, unsigned slot_number)
{
    store->base = (int)slot_number;
    store->base_sequence = store->survey.slot[slot_number].record.sequence;
    store->base_durable =
        (store->memo[slot_number].ours && store->memo[slot_number].record.sequence == store->base_sequence) ||
        (store->flushed_slots & 1u << slot_number && store->survey.slot[slot_number].from_device); /* rule (b) */
    store->base_suspect = false;
    store->hints_hold = false;
    store->may_save = true;
}

void store_distrust_names(h5ckpt_store *store)
{
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++)
        store->memo[i].given_up = true;
}

void store_note_outcome(h5ckpt_store *store, bool durable)
{
    store->save_failed = !durable;
    if (durable)
        store->failed_saves = 0;
    else if (!store->saved_again && store->failed_saves < UINT_MAX)
        store->failed_saves++;
}

void store_plan_slots(const h5ckpt_store *store, struct plan_slot slot[FORMAT_SLOT_COUNT_MAX])
{
    const struct record *geometry = &store->layout.geometry;

    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) {
        const struct slot *known = &store->survey.slot[i];
        const bool reserved = known->state == H5CKPT_SLOT_RESERVED;
        slot[i] = (struct plan_slot){
            .state = known->state,
            .committed = known->committed,
            .record_readable = known->record_readable,
            .sequence = known->record.sequence,
            .base_sequence = known->record.base_sequence,
            .overwritable = known->overwritable,
            .same_structure =
                known->record_readable && known->file_bytes == geometry->file_bytes &&
                (reserved || checksum_equal(&known->record.structure_digest, &geometry->structure_digest)),
            .given_up = store->memo[i].given_up,
        };
    }
}
