/* SPDX-License-Identifier: MIT */
#include "storage/show.h"

#include "storage/system.h"

enum { VIEW_INTERVAL_NS = 1000000000 };

/* The view fails no call. */
static void write_view(h5ckpt_store *store, int current, int previous)
{
    struct error why = ERROR_NONE;
    h5ckpt_status status = view_write(&store->view, &store->directory, store->lock.directory_id, current, previous,
                                      store->options.file_mode, &why);

    if (status < 0)
        event_tell(&store->events,
                   (struct event){.kind = H5CKPT_EVENT_VIEW_FAILED, .status = status, .file = FORMAT_VIEW_NAME},
                   "%s is not up to date (no state depends on it): %s", FORMAT_VIEW_NAME, error_message(&why));
    error_clear(&why);
}

void show_states(h5ckpt_store *store, int current, int overwritten)
{
    int previous = VIEW_NO_SLOT;

    if (current == VIEW_NO_SLOT)
        return;
    for (int i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) {
        const struct slot *slot = &store->survey.slot[i];
        if (i == current || i == overwritten || !plan_holds_state(slot->state))
            continue;
        if (previous == VIEW_NO_SLOT || slot->record.sequence > store->survey.slot[previous].record.sequence)
            previous = i;
    }
    write_view(store, current, previous);
}

void show_newest(h5ckpt_store *store)
{
    int newest = VIEW_NO_SLOT;

    for (int i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) {
        const struct slot *slot = &store->survey.slot[i];
        if (plan_holds_state(slot->state) &&
            (newest == VIEW_NO_SLOT || slot->record.sequence > store->survey.slot[newest].record.sequence))
            newest = i;
    }
    show_states(store, newest, VIEW_NO_SLOT);
}

static bool is_recent(const h5ckpt_store *store)
{
    return system_calls->monotonic_time_ns() - store->view_shown_ns < VIEW_INTERVAL_NS;
}

void show_saved(h5ckpt_store *store)
{
    store->view_behind = is_recent(store);
    if (store->view_behind)
        return;
    show_states(store, store->base, VIEW_NO_SLOT);
    store->view_shown_ns = system_calls->monotonic_time_ns();
}

void show_late(h5ckpt_store *store)
{
    if (store->view_behind && store->land == NULL)
        show_saved(store);
}

void show_without(h5ckpt_store *store, unsigned overwritten)
{
    if (store->view.current != (int)overwritten)
        return;
    if (is_recent(store) || store->base == PLAN_NO_BASE)
        write_view(store, VIEW_NO_SLOT, VIEW_NO_SLOT);
    else
        show_states(store, store->base, (int)overwritten);
}
