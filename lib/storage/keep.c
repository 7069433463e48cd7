/* SPDX-License-Identifier: MIT */
/*
 * keep: a state becomes a milestone, which the rotation never touches, or ceases to be one (docs/format.md 6).
 *
 * (1) At every instant the name leads to the older milestone or to the new one, both whole.
 * (2) Only what is known durable is called a milestone.
 * (3) After a change of names that may not be durable, no slot is written in place: a power cut may bring back a name
 *     that leads to its file.
 */
#include <errno.h>
#include <inttypes.h>

#include "storage/duplicate.h"
#include "storage/milestone.h"
#include "storage/save.h"
#include "storage/store.h"
#include "storage/target.h"

/* (3) */
static h5ckpt_status flush_names(h5ckpt_store *store)
{
    h5ckpt_status status = directory_flush(&store->directory, &store->error);

    if (status < 0)
        store_distrust_names(store);
    return status;
}

static h5ckpt_status enter_writer(h5ckpt_store *store, const char *name)
{
    if (store->options.mode != H5CKPT_READ_WRITE)
        return error_set(&store->error, H5CKPT_E_ARGUMENT, "the store of '%s' is read-only", store->directory.path);
    h5ckpt_status status = milestone_check_name(name, &store->error);
    return status == H5CKPT_OK ? lock_check(&store->lock, &store->error) : status;
}

/* Under the name there may be nothing, or what we made. */
static h5ckpt_status refuse_strangers(h5ckpt_store *store, const struct milestone *milestone)
{
    h5ckpt_status status = milestone_refuse(milestone, &store->directory, &store->error);

    if (status == H5CKPT_OK || milestone->slot.state == H5CKPT_SLOT_ABSENT || milestone_is_ours(milestone)) {
        error_clear(&store->error);
        return H5CKPT_OK;
    }
    if (status == H5CKPT_E_DAMAGED)
        return error_set(&store->error, H5CKPT_E_FOREIGN,
                         "'%s/%s' cannot be told to be ours (%s): move it away; nothing was changed",
                         store->directory.path, milestone->file_name, milestone->slot.reason);
    return status;
}

/* ------------------------------------------------------------------------- keep */

/* May a copy help where this errno says that there can be no link? */
static bool is_link_refused(int system_errno)
{
    return system_errno == EPERM || system_errno == EOPNOTSUPP || system_errno == ENOSYS || system_errno == EMLINK ||
           system_errno == EXDEV || system_errno == EINVAL;
}

/*
 * Until the next save into the base's slot, which finds a second link and makes a new file, the milestone takes no
 * space. But then it does, and not to be able to keep a state is better than not to be able to save one. What the older
 * milestone has is free by then, and where a file is copied only after that.
 */
static h5ckpt_status check_space(h5ckpt_store *store, const struct slot *base, uint64_t freed)
{
    uint64_t available;
    h5ckpt_status status = directory_available(&store->directory, &available, &store->error);

    if (status == H5CKPT_OK && available < base->file_bytes && base->file_bytes - available > freed)
        status = error_set(&store->error, H5CKPT_E_NO_SPACE,
                           "'%s' has %" PRIu64 " bytes left, and %" PRIu64
                           " bytes are needed to keep a state: nothing was kept; saving goes on as before",
                           store->directory.path, available, base->file_bytes);
    return status;
}

static h5ckpt_status link_base(h5ckpt_store *store, const struct slot *base, const struct slot *replaced)
{
    struct slot_reader reader;
    h5ckpt_status status = check_space(store, base, replaced->overwritable ? replaced->file_bytes : 0);

    if (status == H5CKPT_OK)
        status = directory_link(&store->directory, base->name, FORMAT_MILESTONE_NEW, &store->error);
    if (status < 0)
        return status;
    /* What was linked is looked at, not what had the name before. */
    status = slot_reader_open(&reader, &store->directory, FORMAT_MILESTONE_NEW, FILE_READ, &store->error);
    if (status == H5CKPT_NO_CHECKPOINT)
        return error_set(&store->error, H5CKPT_E_DAMAGED, "'%s/%s' has vanished", store->directory.path,
                         FORMAT_MILESTONE_NEW);
    if (status == H5CKPT_OK && !slot_reader_holds(&reader, &base->record))
        status = error_set(&store->error, H5CKPT_E_OVERTAKEN, "'%s/%s' no longer holds sequence %" PRIu64,
                           store->directory.path, base->name, base->record.sequence);
    slot_reader_close(&reader);
    return status;
}

static h5ckpt_status copy_base(h5ckpt_store *store, const struct slot *base)
{
    const struct duplicate duplicate = {.from = base->name,
                                        .expected = &base->record,
                                        .to = FORMAT_MILESTONE_NEW,
                                        .record = base->record,
                                        .file_mode = store->options.file_mode};
    const h5ckpt_status status = check_space(store, base, 0);

    if (status < 0)
        return status;
    return duplicate_file(&duplicate, &store->directory, &store->buffer, &store->error);
}

/* (2): a link is as durable as the base is; what cannot be told to be so is copied, which verifies it. */
static h5ckpt_status make_new(h5ckpt_store *store, const struct slot *base, const struct slot *replaced)
{
    h5ckpt_status status = directory_remove(&store->directory, FORMAT_MILESTONE_NEW, &store->error);

    if (status < 0)
        return status;
    if (!target_is_base_durable(store))
        return copy_base(store, base);
    status = link_base(store, base, replaced);
    if (status == H5CKPT_OK || !is_link_refused(store->error.system_errno))
        return status;
    error_clear(&store->error);
    return copy_base(store, base);
}

/*
 * What was linked or copied is not what was saved: a look at the slot itself tells why, and no save counts on it
 * unseen.
 */
static h5ckpt_status judge_base(h5ckpt_store *store, const struct slot *base, h5ckpt_status status)
{
    struct error why = ERROR_NONE;

    if (status != H5CKPT_E_DAMAGED && status != H5CKPT_E_OVERTAKEN && status != H5CKPT_E_IO)
        return status;
    store->base_durable = false;
    if (slot_verify(&store->directory, base->name, &base->record, FILE_READ, NULL, &store->buffer, &why) ==
        H5CKPT_E_DAMAGED) {
        store_reject_slot(store, base->number, &why);
        error_move(&store->error, &why);
    } else if (why.status == H5CKPT_E_OVERTAKEN || status == H5CKPT_E_OVERTAKEN) {
        store->base_suspect = true;
        error_set(&store->error, H5CKPT_E_BUSY,
                  "'%s/%s' no longer holds sequence %" PRIu64
                  ", which this handle saved or restored: somebody else has changed it; nothing was kept",
                  store->directory.path, base->name, base->record.sequence);
    }
    error_clear(&why);
    return store->error.status;
}

/* rename(2) does nothing with two names of one file. */
static h5ckpt_status is_kept_already(h5ckpt_store *store, const struct slot *base, const struct milestone *milestone,
                                     bool *kept)
{
    struct entry slot;
    struct entry named;
    h5ckpt_status status = directory_look(&store->directory, base->name, &slot, &store->error);

    if (status == H5CKPT_OK)
        status = directory_look(&store->directory, milestone->file_name, &named, &store->error);
    *kept = status == H5CKPT_OK && slot.kind == ENTRY_FILE && named.kind == ENTRY_FILE && slot.inode == named.inode &&
            slot.device == named.device && base->record.sequence == milestone->slot.record.sequence &&
            target_is_base_durable(store);
    return status;
}

/* (1) */
static h5ckpt_status put_in_place(h5ckpt_store *store, const struct slot *base, const struct milestone *milestone)
{
    struct error ignored = ERROR_NONE;
    bool kept;
    h5ckpt_status status = is_kept_already(store, base, milestone, &kept);

    if (status < 0 || kept)
        return status;
    status = judge_base(store, base, make_new(store, base, &milestone->slot));
    if (lock_check(&store->lock, &ignored) < 0) { /* a copy takes a while; nothing there is ours to remove any more */
        error_move(&store->error, &ignored);
        return store->error.status;
    }
    if (status == H5CKPT_OK)
        status = directory_rename(&store->directory, FORMAT_MILESTONE_NEW, milestone->file_name, &store->error);
    if (status < 0)
        directory_remove(&store->directory, FORMAT_MILESTONE_NEW, &ignored); /* if it stays, the next open removes it */
    error_clear(&ignored);
    return status;
}

static h5ckpt_status keep(h5ckpt_store *store, const char *name)
{
    struct milestone milestone;
    char text[PROGRESS_TEXT_BYTES];
    h5ckpt_status status = enter_writer(store, name);

    if (status < 0)
        return status;
    if (store->base == PLAN_NO_BASE)
        return error_set(&store->error, H5CKPT_E_ARGUMENT,
                         "h5ckpt_keep: this handle has neither saved nor restored a state in '%s' yet",
                         store->directory.path);
    const struct slot *base = &store->survey.slot[store->base];
    milestone_examine(&milestone, &store->directory, name, store->lock.directory_id);
    status = refuse_strangers(store, &milestone);
    if (status == H5CKPT_OK)
        status = put_in_place(store, base, &milestone);
    if (status == H5CKPT_OK)
        status = flush_names(store);
    if (status < 0)
        return status;
    store_know_sequence(store, base->record.sequence);
    event_tell(&store->events,
               (struct event){.kind = H5CKPT_EVENT_KEPT, .file = milestone.file_name, .record = &base->record},
               "kept '%s/%s': sequence %" PRIu64 ", %s", store->directory.path, milestone.file_name,
               base->record.sequence, progress_text(&base->record.progress, text));
    return H5CKPT_OK;
}

h5ckpt_status h5ckpt_keep(h5ckpt_store *store, const char *name)
{
    h5ckpt_status status;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = store_enter_in_flight(store, "h5ckpt_keep");
    if (status == H5CKPT_OK)
        status = save_land(store); /* the state that is meant may be the one that failed */
    if (status == H5CKPT_OK)
        status = keep(store, name);
    if (status < 0)
        event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_KEPT, .status = status},
                   "no milestone was kept: %s", error_message(&store->error));
    return status;
}

/* ----------------------------------------------------------------------- remove */

h5ckpt_status h5ckpt_remove_milestone(h5ckpt_store *store, const char *name)
{
    struct milestone milestone;
    h5ckpt_status status;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = store_enter(store, "h5ckpt_remove_milestone");
    if (status == H5CKPT_OK)
        status = enter_writer(store, name);
    if (status < 0)
        return status;
    milestone_examine(&milestone, &store->directory, name, store->lock.directory_id);
    if (milestone.slot.state == H5CKPT_SLOT_ABSENT)
        return milestone_refuse(&milestone, &store->directory, &store->error);
    status = refuse_strangers(store, &milestone);
    if (status == H5CKPT_OK)
        status = directory_remove(&store->directory, milestone.file_name, &store->error);
    if (status == H5CKPT_OK)
        status = flush_names(store);
    if (status == H5CKPT_OK)
        event_tell(&store->events,
                   (struct event){
                       .kind = H5CKPT_EVENT_FORGOTTEN, .file = milestone.file_name, .record = &milestone.slot.record},
                   "removed '%s/%s', as asked", store->directory.path, milestone.file_name);
    return status;
}
