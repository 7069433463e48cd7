/* SPDX-License-Identifier: MIT */
#include "storage/target.h"

#include <string.h>

#include "storage/rotation.h"
#include "storage/system.h"

bool target_is_base_there(const h5ckpt_store *store)
{
    const struct slot *base = &store->survey.slot[store->base];
    struct error ignored = ERROR_NONE;
    struct entry entry;
    const bool there = directory_look(&store->directory, base->name, &entry, &ignored) == H5CKPT_OK &&
                       entry.kind == ENTRY_FILE && entry.byte_count == base->record.file_bytes;

    error_clear(&ignored);
    return there;
}

/* Rule (b). A "no" only means that a new file is needed. */
static bool make_base_durable(h5ckpt_store *store)
{
    struct error ignored = ERROR_NONE;
    const h5ckpt_status status = store_make_durable(store, (unsigned)store->base, &ignored);

    store->base_suspect |= status == H5CKPT_E_DAMAGED || status == H5CKPT_E_OVERTAKEN;
    error_clear(&ignored);
    return status == H5CKPT_OK;
}

bool target_is_base_durable(h5ckpt_store *store)
{
    store->base_durable = target_is_base_there(store) && (store->base_durable || make_base_durable(store));
    return store->base_durable;
}

/*
 * What a new file replaces may be all that is durable beside it: then the base is to be the second state that is kept.
 */
static void flush_spared(const h5ckpt_store *store)
{
    struct error ignored = ERROR_NONE;

    if (store->base != PLAN_NO_BASE && !store->base_durable && store->options.slots > 1)
        store_flush_slot(store, (unsigned)store->base, &ignored);
    error_clear(&ignored);
}

/* Rule (c): bytes are skipped only where nobody else has touched the file since this handle wrote it. */
static bool is_as_left(const h5ckpt_store *store, unsigned slot_number, const struct entry *now)
{
    const struct store_memo *memo = &store->memo[slot_number];

    return memo->ours && memo->left.changed_ns != 0 && entry_equal(now, &memo->left);
}

h5ckpt_status target_plan(h5ckpt_store *store, struct target *target)
{
    struct plan_slot slot[FORMAT_SLOT_COUNT_MAX];
    struct slot *known;
    h5ckpt_status status;

    status = rotation_verify_survivors(store);
    if (status < 0)
        return status;
    store_plan_slots(store, slot);
    target->slot = plan_target(slot, FORMAT_SLOT_COUNT_MAX, store->options.slots, store->base);
    known = &store->survey.slot[target->slot];
    status = directory_look(&store->directory, known->name, &target->entry, &store->error); /* now: links, length */
    if (status < 0)
        return status;
    if (!is_as_left(store, target->slot, &target->entry)) {
        store->memo[target->slot].ours = false;
        status = rotation_refuse_newcomer(store, target->slot);
    }
    if (status < 0)
        return status;
    known->overwritable = target->entry.kind == ENTRY_FILE && target->entry.link_count == 1;
    known->file_bytes = target->entry.byte_count;
    store_plan_slots(store, slot);
    target->manner = plan_manner(&slot[target->slot], true);
    if (target->manner == PLAN_IN_PLACE && store->base != PLAN_NO_BASE)
        target->manner = plan_manner(&slot[target->slot], target_is_base_durable(store));
    else if (target->manner == PLAN_NEW_FILE)
        flush_spared(store);
    return H5CKPT_OK;
}

/* How many slots of the rotation there are once `target` is written: as many are expected to be there later. */
static unsigned made_count(const h5ckpt_store *store, unsigned target)
{
    unsigned count = 1;

    for (unsigned i = 0; i < store->options.slots && store->options.slots > 1; i++)
        if (i == target ||
            (store->survey.slot[i].state != H5CKPT_SLOT_ABSENT && store->survey.slot[i].state != H5CKPT_SLOT_MISSING))
            count = i + 1;
    return count;
}

void target_stamp(const h5ckpt_store *store, unsigned slot_number, uint64_t base_sequence, struct record *record)
{
    uint64_t known = store->lock.note.sequence; /* rule (f) */
    struct plan_slot slot[FORMAT_SLOT_COUNT_MAX];

    if (base_sequence > known)
        known = base_sequence;
    if (store->highest_sequence > known)
        known = store->highest_sequence;
    store_plan_slots(store, slot);
    record->sequence = plan_sequence(slot, FORMAT_SLOT_COUNT_MAX, known);
    record->base_sequence = base_sequence;
    memcpy(record->directory_id, store->lock.directory_id, FORMAT_ID_BYTES);
    memcpy(record->run_id, store->run_id, FORMAT_ID_BYTES);
    record->slot_count = made_count(store, slot_number);
    record->twins = 0;
    for (unsigned i = 0; i < store->options.slots && store->options.slots > 1; i++)
        if (i != slot_number && plan_holds_state(slot[i].state))
            record->twins |= 1u << i;
}

struct record target_record(const h5ckpt_store *store, unsigned slot_number, const struct h5ckpt_progress *progress)
{
    struct record record = store->layout.geometry;

    record.kind = RECORD_STATE;
    record.progress = *progress;
    record.wall_time_ns = system_calls->wall_time_ns();
    target_stamp(store, slot_number, store->base_sequence, &record);
    return record;
}
