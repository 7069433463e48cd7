/* SPDX-License-Identifier: MIT */
/*
 * delete: taking a checkpoint away, in an order in which every crash leaves it whole or gone (docs/format.md 6).
 */
#include "storage/milestone.h"
#include "storage/store.h"

const char *store_leftover_name(unsigned i)
{
    static const char *const OTHER[STORE_LEFTOVER_COUNT - FORMAT_SLOT_COUNT_MAX] = {FORMAT_VIEW_NAME FORMAT_NEW_SUFFIX,
                                                                                    FORMAT_MILESTONE_NEW};

    return i < FORMAT_SLOT_COUNT_MAX ? slot_new_name(i) : OTHER[i - FORMAT_SLOT_COUNT_MAX];
}

h5ckpt_status store_remove_leftover(h5ckpt_store *store, const char *name)
{
    struct entry entry;
    h5ckpt_status status = directory_look(&store->directory, name, &entry, &store->error);

    if (status < 0 || entry.kind != ENTRY_FILE)
        return status;
    status = directory_remove(&store->directory, name, &store->error);
    if (status == H5CKPT_OK)
        event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_LEFTOVER_REMOVED, .file = name},
                   "removed '%s/%s', which a save that was cut short had left behind", store->directory.path, name);
    return status;
}

h5ckpt_status store_remove_leftovers(h5ckpt_store *store)
{
    h5ckpt_status status = store_remove_leftover(store, FORMAT_LOCK_NAME FORMAT_NEW_SUFFIX);

    for (unsigned i = 0; i < STORE_LEFTOVER_COUNT && status == H5CKPT_OK; i++)
        status = store_remove_leftover(store, store_leftover_name(i));
    return status;
}

h5ckpt_status store_remove_files(h5ckpt_store *store)
{
    struct directory *directory = &store->directory;
    h5ckpt_status status = H5CKPT_OK;

    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX && status == H5CKPT_OK; i++)
        if ((int)i != store->base) /* the previous ones first, the current one last */
            status = directory_remove(directory, slot_name(i), &store->error);
    if (status == H5CKPT_OK && store->base != PLAN_NO_BASE)
        status = directory_remove(directory, slot_name((unsigned)store->base), &store->error);
    if (status == H5CKPT_OK)
        status = store_remove_leftovers(store);
    if (status == H5CKPT_OK)
        status = view_remove(directory, store->lock.directory_id, &store->error);
    return status == H5CKPT_OK ? directory_flush(directory, &store->error) : status;
}

/* Is there a file under a milestone's name that may be ours? */
static h5ckpt_status look_for_milestones(h5ckpt_store *store, bool *any)
{
    struct milestones found;
    h5ckpt_status status = milestones_read(&found, &store->directory, store->lock.directory_id, &store->error);

    *any = milestones_any(&found);
    milestones_free(&found);
    return status;
}

/* Milestones stay, and with them the lock that says whose they are. */
static h5ckpt_status remove_lock(h5ckpt_store *store, bool milestones)
{
    return milestones ? lock_set_phase(&store->lock, LOCK_EMPTY, &store->error)
                      : lock_remove(&store->lock, &store->error);
}

static h5ckpt_status refuse_untold(h5ckpt_store *store)
{
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++)
        if (slot_is_untold(&store->survey.slot[i]))
            return slot_say(&store->survey.slot[i], &store->directory, store->survey.slot[i].status, &store->error);
    return H5CKPT_OK;
}

static h5ckpt_status remove_all(h5ckpt_store *store, bool *milestones)
{
    h5ckpt_status status = store_survey(store); /* what came since it was opened is not ours to remove */

    if (status >= 0)
        status = store_refuse_untouchable(store);
    if (status == H5CKPT_OK)
        status = refuse_untold(store);
    if (status == H5CKPT_OK)
        status = look_for_milestones(store, milestones);
    if (status == H5CKPT_OK)
        status = lock_check(&store->lock, &store->error);
    if (status == H5CKPT_OK)
        status = lock_detach(&store->lock, store->options.file_mode, &store->error);
    if (status == H5CKPT_OK)
        status = lock_set_phase(&store->lock, LOCK_DELETING, &store->error);
    if (status == H5CKPT_OK)
        status = store_remove_files(store);
    return status == H5CKPT_OK ? remove_lock(store, *milestones) : status;
}

h5ckpt_status h5ckpt_delete(h5ckpt_store *store)
{
    bool milestones = false;
    h5ckpt_status status;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = store_enter(store, "h5ckpt_delete");
    if (status < 0)
        return status;
    if (store->options.mode != H5CKPT_READ_WRITE)
        return error_set(&store->error, H5CKPT_E_ARGUMENT, "the store of '%s' is read-only", store->directory.path);
    /*
     * Asked once more after all but the last flush succeeded: nothing is ours there any more, least of all what another
     * writer began.
     */
    status = store->lock.removed ? lock_remove(&store->lock, &store->error) : remove_all(store, &milestones);
    if (status < 0)
        return status;
    event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_DELETED}, "deleted the checkpoint in '%s'%s",
               store->directory.path, milestones ? "; its milestones stay" : "");
    lock_release(&store->lock);
    store->directory.made_from = 0; /* it stays, as it does when the deletion is another process' than the first save */
    directory_close(&store->directory);
    store->open = false;
    return H5CKPT_OK;
}
