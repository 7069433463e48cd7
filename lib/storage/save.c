/* SPDX-License-Identifier: MIT */
/*
 * save: the public calls that save, and the order of one save up to the point where its slot is written
 * (docs/format.md 6). Invariants (1) to (4) are store.h's.
 */
#include <inttypes.h>

#include "storage/flight.h"
#include "storage/growth.h"
#include "storage/rotation.h"
#include "storage/save.h"
#include "storage/system.h"
#include "storage/tell.h"

static h5ckpt_status check_may_save(h5ckpt_store *store)
{
    const char *path = store->directory.path;
    h5ckpt_status status;

    if (store->options.mode != H5CKPT_READ_WRITE)
        return error_set(&store->error, H5CKPT_E_ARGUMENT, "the store of '%s' is read-only", path);
    if (store->memory_changed)
        return error_set(&store->error, H5CKPT_E_MEMORY_CHANGED,
                         "the last restore from '%s' failed half-way, so the "
                         "variables hold no state worth saving; restore first. The checkpoint is untouched",
                         path);
    status = store_refuse_untouchable(store);
    if (status < 0)
        return status;
    if (!store->may_save)
        return error_set(&store->error, H5CKPT_E_NOT_RESTORED,
                         "'%s' holds a checkpoint that was not restored: call "
                         "h5ckpt_restore() first, or h5ckpt_start_over() to leave it behind",
                         path);
    return H5CKPT_OK;
}

static h5ckpt_status save(h5ckpt_store *store, const struct h5ckpt_progress *at, int64_t begun_ns,
                          struct target *target)
{
    h5ckpt_status status;

    store_forget_damage(store);
    status = check_may_save(store);
    if (status == H5CKPT_OK)
        status = store_prepare(store);
    if (status == H5CKPT_OK)
        status = store_prepare_copies(store);
    if (status == H5CKPT_OK)
        status = source_collect(&store->source, &store->whole.state, at, &store->error);
    if (status == H5CKPT_OK)
        status = source_check_finite(&store->source, store->state, &store->error);
    if (status == H5CKPT_OK)
        status = lock_check(&store->lock, &store->error);
    if (status == H5CKPT_OK)
        status = lock_detach(&store->lock, store->options.file_mode, &store->error);
    if (status == H5CKPT_OK)
        status = target_plan(store, target);
    if (status < 0)
        return status;
    target->first = rotation_is_unmade(store);
    target->awaited = growth_is_under_way(store, target->slot);
    if (target->first)
        status = rotation_reserve(store, target->slot, SLOT_ALLOCATED);
    if (status == H5CKPT_OK)
        status = flight_begin(store, target, at, begun_ns);
    if (target->first && status < 0)
        rotation_end_failed_first_save(store, target->slot);
    return status;
}

/* ---------------------------------------------------------------------- failures */

/* Return the failure of a save that had been in flight, if there is one. */
static h5ckpt_status return_failure(h5ckpt_store *store)
{
    const h5ckpt_status status = store->failure.status;

    if (status < 0)
        error_move(&store->error, &store->failure);
    return status;
}

/* As that, by the save after it, which has turned out well itself. */
static h5ckpt_status return_failure_before(h5ckpt_store *store)
{
    const h5ckpt_status status = store->failure.status;

    if (status == H5CKPT_OK)
        return H5CKPT_OK;
    error_set(&store->error, status, "the save before this one failed; this one %s. ",
              store->land == NULL ? "is durable" : "is under way");
    error_append(&store->error, "%s", error_message(&store->failure));
    error_clear(&store->failure);
    return status;
}

/* Where the history has grown, what comes of a save in the background must be known at once. */
static h5ckpt_status save_and_settle(h5ckpt_store *store, const struct h5ckpt_progress *at, int64_t begun_ns)
{
    const unsigned failed_saves = store->failed_saves;
    struct error before = ERROR_NONE;
    struct target target;
    h5ckpt_status status = save(store, at, begun_ns, &target);

    if (status < 0 || store->land == NULL || !target.awaited)
        return status;
    error_move(&before, &store->failure);
    status = flight_fence(store);
    store->land(store);
    store->failed_saves = failed_saves; /* it is counted when all has been tried */
    if (status == H5CKPT_OK)
        status = return_failure(store);
    error_move(&store->failure, &before);
    return status;
}

/* HDF5 fails where it finds no memory for a structure. */
static bool is_want_of_room(h5ckpt_status status)
{
    return status == H5CKPT_E_NO_SPACE || status == H5CKPT_E_MEMORY || status == H5CKPT_E_HDF5;
}

/* As much of the history as there is room for. */
static h5ckpt_status save_with_history(h5ckpt_store *store, const struct h5ckpt_progress *at, int64_t begun_ns)
{
    struct error why = ERROR_NONE;
    unsigned tried = 0;
    h5ckpt_status status;

    growth_plan(store);
    status = save_and_settle(store, at, begun_ns);
    while (is_want_of_room(status) && growth_go_back(store, &tried)) {
        if (why.status == H5CKPT_OK)
            error_move(&why, &store->error);
        status = save_and_settle(store, at, begun_ns);
    }
    if (status == H5CKPT_OK && !history_fits(&store->history))
        status = growth_say_full(store, &why);
    if (status < 0)
        store->history_wait = 0;
    error_clear(&why);
    return status;
}

/* Since `begun_ns` the program has been held up. */
static h5ckpt_status count_stall(h5ckpt_store *store, int64_t begun_ns, h5ckpt_status status)
{
    store->stall_ns += system_calls->monotonic_time_ns() - begun_ns;
    return status;
}

static void land(h5ckpt_store *store)
{
    const int64_t begun_ns = system_calls->monotonic_time_ns();

    store->land(store);
    count_stall(store, begun_ns, H5CKPT_OK);
}

void save_notice_change(h5ckpt_store *store)
{
    if (store->land == NULL || flight_is_fenced(store))
        return;
    flight_give_up(store);
    land(store);
}

h5ckpt_status save_failure(h5ckpt_store *store)
{
    if (store->land != NULL && flight_is_over(store))
        land(store);
    return return_failure(store);
}

h5ckpt_status save_land(h5ckpt_store *store)
{
    if (store->land != NULL)
        land(store);
    return return_failure(store);
}

h5ckpt_status save_land_own(h5ckpt_store *store)
{
    h5ckpt_status status = H5CKPT_OK;

    if (store->land != NULL) {
        status = flight_fence(store);
        land(store);
    }
    return status < 0 ? status : return_failure(store);
}

void save_settle(h5ckpt_store *store)
{
    if (store->land != NULL && flight_is_fenced(store))
        land(store);
}

bool save_in_flight(const h5ckpt_store *store)
{
    return store->land != NULL && !flight_is_over(store);
}

/* ---------------------------------------------------------------------- public */

static h5ckpt_status save_anew(h5ckpt_store *store, const struct h5ckpt_progress *at, int64_t begun_ns, bool again)
{
    h5ckpt_status status = store_enter_in_flight(store, "h5ckpt_save");

    if (status < 0)
        return status;
    if (store->land != NULL && !flight_is_fenced(store)) {
        flight_give_up(store);
    } else if (store->options.background.skip_if_busy && save_in_flight(store)) {
        store->hints_hold = false; /* likewise below */
        return H5CKPT_SKIPPED;
    }
    if (store->land != NULL)
        store->land(store);
    store->saved_again = again;
    status = save_with_history(store, at, begun_ns);
    store->save_failed = false; /* as far as is known */
    if (status < 0 || store->land == NULL)
        store_note_outcome(store, status >= 0);
    if (status >= 0)
        return return_failure_before(store) < 0 ? store->error.status : status; /* whichever is worse */
    store->hints_hold = false; /* what is promised next counts from this call */
    tell_failure(store, &store->error);
    if (store->failure.status < 0)
        error_append(&store->error, "; the save before had failed, too: %s", error_message(&store->failure));
    error_clear(&store->failure);
    return status;
}

h5ckpt_status h5ckpt_save(h5ckpt_store *store, const struct h5ckpt_progress *progress)
{
    const struct h5ckpt_progress at = progress == NULL ? (struct h5ckpt_progress){0} : *progress;
    const int64_t begun_ns = system_calls->monotonic_time_ns();

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    return count_stall(store, begun_ns, save_anew(store, &at, begun_ns, false));
}

h5ckpt_status save_again(h5ckpt_store *store, const struct h5ckpt_progress *at)
{
    const int64_t begun_ns = system_calls->monotonic_time_ns();

    return count_stall(store, begun_ns, save_anew(store, at, begun_ns, true));
}

h5ckpt_status h5ckpt_wait(h5ckpt_store *store)
{
    const int64_t begun_ns = system_calls->monotonic_time_ns();
    h5ckpt_status status;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = store_enter_in_flight(store, "h5ckpt_wait");
    if (status == H5CKPT_OK)
        store->fence_forgotten = false;
    if (status == H5CKPT_OK && store->land != NULL) {
        status = flight_fence(store);
        store->land(store);
    }
    return count_stall(store, begun_ns, status < 0 ? status : return_failure(store));
}

h5ckpt_status h5ckpt_fence(h5ckpt_store *store)
{
    const int64_t begun_ns = system_calls->monotonic_time_ns();
    h5ckpt_status status;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = store_enter_in_flight(store, "h5ckpt_fence");
    if (status == H5CKPT_OK)
        store->fence_forgotten = false;
    if (status == H5CKPT_OK && store->land != NULL)
        status = flight_fence(store);
    return count_stall(store, begun_ns, status);
}
