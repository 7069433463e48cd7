/* SPDX-License-Identifier: MIT */
#include "storage/tell.h"

#include <inttypes.h>

#include "storage/target.h"

void tell_begun(const h5ckpt_store *store, const struct record *record, unsigned slot_number)
{
    char text[PROGRESS_TEXT_BYTES];

    event_tell(&store->events,
               (struct event){.kind = H5CKPT_EVENT_SAVE_BEGUN, .file = slot_name(slot_number), .record = record},
               "saving to '%s/%s': sequence %" PRIu64 ", %s", store->directory.path, slot_name(slot_number),
               record->sequence, progress_text(&record->progress, text));
}

void tell_durable(const h5ckpt_store *store, const struct record *record, unsigned slot_number, uint64_t save_ns)
{
    const char *name = slot_name(slot_number);
    const double seconds = (double)save_ns / 1e9;
    char text[PROGRESS_TEXT_BYTES];

    event_tell(&store->events,
               (struct event){.kind = H5CKPT_EVENT_DURABLE, .file = name, .record = record, .seconds = seconds},
               "saved '%s/%s': sequence %" PRIu64 ", %s, %" PRIu64 " bytes in %.1f ms", store->directory.path, name,
               record->sequence, progress_text(&record->progress, text), record->file_bytes, seconds * 1e3);
}

/*
 * What the person at 3 a.m. asks next. Not after a refusal, which says enough, nor where the directory is no longer
 * ours.
 */
static void say_what_is_safe(const h5ckpt_store *store, struct error *error)
{
    const h5ckpt_status status = error->status;
    const struct record *base = store->base == PLAN_NO_BASE ? NULL : &store->survey.slot[store->base].record;
    char text[PROGRESS_TEXT_BYTES];

    if (status != H5CKPT_E_NO_SPACE && status != H5CKPT_E_IO && status != H5CKPT_E_SYSTEM &&
        status != H5CKPT_E_PERMISSION && status != H5CKPT_E_MEMORY && status != H5CKPT_E_HDF5 &&
        status != H5CKPT_E_CALLBACK)
        return;
    if (base == NULL && store->lock.phase == LOCK_EMPTY)
        error_append(error, "; nothing has been saved yet");
    if (base != NULL && !store->base_suspect && target_is_base_there(store))
        error_append(error, "; the state before (%s, sequence %" PRIu64 ", %s) is still there",
                     slot_name((unsigned)store->base), base->sequence, progress_text(&base->progress, text));
}

void tell_failure(const h5ckpt_store *store, struct error *error)
{
    say_what_is_safe(store, error);
    event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_SAVE_FAILED, .status = error->status},
               "not saved: %s", error_message(error));
}
