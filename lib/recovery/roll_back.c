/* SPDX-License-Identifier: MIT */
/*
 * roll_back: a milestone becomes the newest state of the rotation, durably (docs/format.md 6). Its file is copied,
 * verified, into a new one, which takes a slot's name by one rename: what that slot held is there until then, and the
 * state that a restore would have given until then stays beside it.
 */
#include <inttypes.h>

#include "recovery/examine.h"
#include "storage/duplicate.h"
#include "storage/show.h"
#include "storage/target.h"

struct roll_back { /* one call of h5ckpt_roll_back() */
    h5ckpt_store *store;
    struct milestone milestone;
    int spared; /* the slot that a restore would give; PLAN_NO_BASE: there is none */
    unsigned target;
    struct record record;
    bool renamed; /* the target is no longer what it was */
};

/* That no slot can be read, or none is there, is no reason not to: a milestone is just what helps then. */
static h5ckpt_status look(struct roll_back *call)
{
    h5ckpt_store *store = call->store;
    unsigned number;
    h5ckpt_status status = examine_begin(store);

    call->spared = PLAN_NO_BASE;
    if (store_refuse_untouchable(store) < 0)
        return store->error.status;
    if (status == H5CKPT_OK)
        status = examine_next(store, H5CKPT_CURRENT, H5CKPT_ALL_BYTES, 0, &number);
    if (status == H5CKPT_OK || status == H5CKPT_FELL_BACK)
        call->spared = (int)number;
    else if (status != H5CKPT_NO_CHECKPOINT && status != H5CKPT_E_LOST)
        return status;
    error_clear(&store->error);
    return H5CKPT_OK;
}

static void plan(struct roll_back *call)
{
    h5ckpt_store *store = call->store;
    const struct record *kept = &call->milestone.slot.record;
    struct plan_slot slot[FORMAT_SLOT_COUNT_MAX];

    store_plan_slots(store, slot);
    call->target = plan_target(slot, FORMAT_SLOT_COUNT_MAX, store->options.slots, call->spared);
    call->record = *kept; /* its wall time, too: that of the state */
    target_stamp(store, call->target, kept->sequence, &call->record);
}

/* From here on the slot holds the milestone's state, or still its own: only a look tells. */
static h5ckpt_status put_in_place(struct roll_back *call)
{
    h5ckpt_store *store = call->store;
    h5ckpt_status status =
        directory_rename(&store->directory, slot_new_name(call->target), slot_name(call->target), &store->error);

    if (status < 0)
        return status;
    call->renamed = true;
    status = directory_flush(&store->directory, &store->error);
    if (status == H5CKPT_OK)
        status = store_put_in_use(store, &store->error);
    if (status == H5CKPT_OK)
        status = lock_note_roll_back(&store->lock, call->target, call->record.sequence, store->boot_id, &store->error);
    return status;
}

static h5ckpt_status copy_milestone(struct roll_back *call)
{
    h5ckpt_store *store = call->store;
    const struct duplicate duplicate = {.from = call->milestone.file_name,
                                        .expected = &call->milestone.slot.record,
                                        .to = slot_new_name(call->target),
                                        .record = call->record,
                                        .file_mode = store->options.file_mode};
    h5ckpt_status status = record_check(&call->record, call->record.file_bytes, &store->error); /* as readers will */

    if (status == H5CKPT_OK)
        status = duplicate_file(&duplicate, &store->directory, &store->buffer, &store->error);
    if (status == H5CKPT_OK) /* a copy takes a while; else nothing there is ours to rename or remove any more */
        status = lock_check(&store->lock, &store->error);
    if (status < 0)
        return status;
    show_without(store, call->target);
    status = put_in_place(call);
    if (!call->renamed) {
        struct error ignored = ERROR_NONE;
        directory_remove(&store->directory, slot_new_name(call->target), &ignored); /* else the next open removes it */
        error_clear(&ignored);
    }
    return status;
}

/* Memory is not that of any state in the rotation's future: it must be restored before it is saved again. */
static void leave_base(h5ckpt_store *store)
{
    store->base = PLAN_NO_BASE;
    store->base_sequence = 0;
    store->base_durable = store->base_suspect = false;
    store->hints_hold = false;
    store->may_save = false;
}

static void remember(struct roll_back *call)
{
    h5ckpt_store *store = call->store;
    struct store_memo *memo = &store->memo[call->target];
    struct slot *slot = &store->survey.slot[call->target];

    leave_base(store);
    memo->ours = memo->given_up = memo->spoilt = false;
    slot_examine(slot, &store->directory, call->target, store->lock.directory_id);
    if (slot->state != H5CKPT_SLOT_COMMITTED)
        return;                       /* somebody was faster: the next restore will say so */
    slot->state = H5CKPT_SLOT_INTACT; /* every block has been verified on its way there */
    store->base = (int)call->target;
    store->base_sequence = slot->record.sequence;
    store->base_durable = true;
    show_states(store, store->base, VIEW_NO_SLOT);
    error_clear(&store->error); /* of what was found wrong on the way, and did not matter */
}

/* Nobody can tell whether the new name, or its acknowledgement, is durable. */
static void distrust(struct roll_back *call)
{
    h5ckpt_store *store = call->store;

    leave_base(store);
    store->memo[call->target].ours = false;
    store->memo[call->target].given_up = true;
    error_append(&store->error, "; a restore gives the state before, or already that of milestone '%s'",
                 call->milestone.name);
}

static h5ckpt_status roll_back(struct roll_back *call, const char *name)
{
    h5ckpt_store *store = call->store;
    h5ckpt_status status = look(call);

    if (status == H5CKPT_OK)
        status = lock_check(&store->lock, &store->error);
    if (status < 0)
        return status;
    milestone_examine(&call->milestone, &store->directory, name, store->lock.directory_id);
    status = milestone_refuse(&call->milestone, &store->directory, &store->error);
    if (status == H5CKPT_OK)
        status = lock_detach(&store->lock, store->options.file_mode, &store->error);
    if (status < 0)
        return status;
    plan(call);
    status = copy_milestone(call);
    if (status == H5CKPT_OK)
        remember(call);
    else if (call->renamed)
        distrust(call);
    return status;
}

h5ckpt_status h5ckpt_roll_back(h5ckpt_store *store, const char *name)
{
    struct roll_back call = {.store = store};
    char text[PROGRESS_TEXT_BYTES];
    h5ckpt_status status;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = store_enter(store, "h5ckpt_roll_back");
    if (status == H5CKPT_OK && store->options.mode != H5CKPT_READ_WRITE)
        status = error_set(&store->error, H5CKPT_E_ARGUMENT, "the store of '%s' is read-only", store->directory.path);
    if (status == H5CKPT_OK)
        status = milestone_check_name(name, &store->error);
    if (status == H5CKPT_OK)
        status = roll_back(&call, name);
    if (status == H5CKPT_OK)
        event_tell(
            &store->events,
            (struct event){.kind = H5CKPT_EVENT_ROLLED_BACK, .file = slot_name(call.target), .record = &call.record},
            "rolled back to milestone '%s': '%s/%s' has its state as sequence %" PRIu64 ", %s", name,
            store->directory.path, slot_name(call.target), call.record.sequence,
            progress_text(&call.record.progress, text));
    return status;
}
