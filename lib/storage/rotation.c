/* SPDX-License-Identifier: MIT */
#include "storage/rotation.h"

#include <string.h>

#include "storage/show.h"

/* What is in the slot's place now: since it was last looked at, another directory's slot may have been put there. */
static struct slot look_again(const h5ckpt_store *store, unsigned which)
{
    struct slot now;

    slot_examine(&now, &store->directory, which, store->lock.directory_id);
    return now;
}

static bool is_newcomer(const struct slot *now)
{
    return now->state == H5CKPT_SLOT_FOREIGN || now->state == H5CKPT_SLOT_NEWER_VERSION || slot_is_untold(now);
}

h5ckpt_status rotation_refuse_newcomer(h5ckpt_store *store, unsigned which)
{
    const struct slot now = look_again(store, which);

    if (!is_newcomer(&now))
        return H5CKPT_OK;
    return slot_say(&now, &store->directory,
                    now.state == H5CKPT_SLOT_FOREIGN         ? H5CKPT_E_FOREIGN
                    : now.state == H5CKPT_SLOT_NEWER_VERSION ? H5CKPT_E_VERSION
                                                             : now.status,
                    &store->error);
}

/*
 * Does this save rely on a slot other than the base? With three slots two states are always kept; and slots beyond the
 * rotation are removed once it holds enough states.
 */
static bool relies_on_others(const h5ckpt_store *store)
{
    bool surplus = false;

    for (unsigned i = store->options.slots; i < FORMAT_SLOT_COUNT_MAX; i++)
        surplus |= plan_holds_state(store->survey.slot[i].state);
    return store->options.slots > 2 || (store->options.slots == 2 && surplus);
}

/* A slot that merely looks good must not count as a state that is kept. */
h5ckpt_status rotation_verify_survivors(h5ckpt_store *store)
{
    for (unsigned i = 0; relies_on_others(store) && i < store->options.slots; i++) {
        const h5ckpt_status status = store_verify_slot(store, i);
        if (status < 0)
            return status;
    }
    return H5CKPT_OK;
}

/* One that was reserved and could not be given back counts for none: it is made once more. */
static bool is_made(const h5ckpt_store *store, unsigned i)
{
    const enum h5ckpt_slot_state state = store->survey.slot[i].state;

    return state != H5CKPT_SLOT_ABSENT && !(state == H5CKPT_SLOT_RESERVED && store->memo[i].given_up);
}

bool rotation_is_unmade(const h5ckpt_store *store)
{
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++)
        if (is_made(store, i))
            return false;
    return store->options.slots > 1;
}

/* Or did somebody put another file there, be it a state of this very directory? */
static bool is_as_we_made_it(const h5ckpt_store *store, unsigned i)
{
    const struct slot now = look_again(store, i);

    if (store->survey.slot[i].state == H5CKPT_SLOT_RESERVED)
        return now.state == H5CKPT_SLOT_RESERVED;
    return !is_newcomer(&now);
}

static void remove_what_we_made(h5ckpt_store *store, unsigned i)
{
    struct error ignored = ERROR_NONE;

    if (is_as_we_made_it(store, i) && directory_remove(&store->directory, slot_name(i), &ignored) == H5CKPT_OK)
        store->survey.slot[i] = (struct slot){.number = i, .name = slot_name(i)};
    error_clear(&ignored);
}

void rotation_remove_unsaved(h5ckpt_store *store)
{
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++)
        if (store->survey.slot[i].state == H5CKPT_SLOT_RESERVED || store->memo[i].spoilt)
            remove_what_we_made(store, i);
}

void rotation_give_back(h5ckpt_store *store)
{
    struct error ignored = ERROR_NONE;
    const bool ours = lock_check(&store->lock, &ignored) == H5CKPT_OK;

    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) {
        if (ours)
            directory_remove(&store->directory, slot_new_name(i), &ignored);
        if (ours && store->survey.slot[i].state == H5CKPT_SLOT_RESERVED)
            remove_what_we_made(store, i);
        /* Its name may be in the page cache only: no state goes there that is then called durable. */
        store->memo[i].given_up |= store->survey.slot[i].state == H5CKPT_SLOT_RESERVED;
    }
    error_clear(&ignored);
}

void rotation_end_failed_first_save(h5ckpt_store *store, unsigned target)
{
    if (store->survey.slot[target].state == H5CKPT_SLOT_ABSENT)
        rotation_give_back(store);
    else
        store_distrust_names(store); /* the others' were to be flushed with this one's */
}

h5ckpt_status rotation_reserve(h5ckpt_store *store, unsigned target, enum slot_fill fill)
{
    h5ckpt_status status = H5CKPT_OK;
    struct record record = {
        .kind = RECORD_VOID,
        .slot_count = store->options.slots,
        .file_bytes = store->layout.geometry.file_bytes,
        .block_bytes = FORMAT_BLOCK_BYTES,
    };

    memcpy(record.directory_id, store->lock.directory_id, FORMAT_ID_BYTES);
    memcpy(record.run_id, store->run_id, FORMAT_ID_BYTES);
    for (unsigned i = 0; i < store->options.slots && status == H5CKPT_OK; i++) {
        struct slot *slot = &store->survey.slot[i];
        if (i == target || is_made(store, i))
            continue;
        status = rotation_refuse_newcomer(store, i);
        if (status == H5CKPT_OK)
            status = slot_reserve(&store->directory, i, &record, fill, store->options.file_mode, &store->buffer,
                                  &store->error);
        if (status < 0)
            continue;
        *slot = (struct slot){.number = i,
                              .name = slot_name(i),
                              .state = H5CKPT_SLOT_RESERVED,
                              .record = record,
                              .record_readable = true,
                              .file_bytes = record.file_bytes,
                              .overwritable = true};
        store->memo[i].given_up = false;
    }
    return status;
}

/* Does the rotation hold as many states as it should, all newer than that of slot `which`, which is not part of it? */
static bool is_superseded(const h5ckpt_store *store, unsigned which)
{
    const struct slot *slot = store->survey.slot;
    const uint64_t sequence = plan_holds_state(slot[which].state) ? slot[which].record.sequence : 0;
    unsigned newer = 0;

    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) {
        const bool kept = store->options.slots == 1 ? (int)i == store->base : i < store->options.slots;
        newer += kept && slot[i].state == H5CKPT_SLOT_INTACT && slot[i].record.sequence > sequence;
    }
    return newer >= store->options.slots;
}

/* Slots beyond the rotation: in single mode every slot but the base's. */
void rotation_remove_surplus(h5ckpt_store *store)
{
    struct error ignored = ERROR_NONE;

    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) {
        const bool surplus = store->options.slots == 1 ? (int)i != store->base : i >= store->options.slots;
        if (!surplus || store->survey.slot[i].state == H5CKPT_SLOT_ABSENT || !is_superseded(store, i))
            continue;
        const struct slot now = look_again(store, i);
        if (is_newcomer(&now))
            continue; /* not ours to remove: the next restore will say so */
        if (store->view.current == (int)i)
            show_states(store, store->base, (int)i); /* never leads to a file that is gone */
        if (directory_remove(&store->directory, slot_name(i), &ignored) == H5CKPT_OK) {
            event_tell(&store->events,
                       (struct event){.kind = H5CKPT_EVENT_SLOT_REMOVED,
                                      .file = slot_name(i),
                                      .record = &store->survey.slot[i].record},
                       "removed '%s/%s', which the rotation no longer needs", store->directory.path, slot_name(i));
            store->survey.slot[i] = (struct slot){.number = i, .name = slot_name(i)};
            store->memo[i].ours = false;
            store->memo[i].given_up = store->memo[i].spoilt = false;
        }
    }
    error_clear(&ignored);
}
