/* SPDX-License-Identifier: MIT */
#include "recovery/check.h"

#include <inttypes.h>

#include "storage/store.h"

/* Not asked of a state that is damaged, nor of one without another before it: then there is nothing to run again. */
static bool find_goal(struct check *check, h5ckpt_store *store)
{
    const struct h5ckpt_inspect_options every_byte = {.depth = H5CKPT_ALL_BYTES};
    struct h5ckpt_report report;

    if (h5ckpt_inspect(store, &every_byte, &report) != H5CKPT_OK)
        return false;
    for (unsigned i = 0; i < report.slot_count; i++) {
        if (report.slot[i].role != H5CKPT_ROLE_PREVIOUS)
            continue;
        check->start = report.slot[i].progress;
        check->goal = report.progress;
        return true;
    }
    return false;
}

h5ckpt_status check_begin(struct check *check, h5ckpt_store *store, struct h5ckpt_report *report)
{
    const struct h5ckpt_restore_options previous = {.which = H5CKPT_PREVIOUS};
    h5ckpt_status status;

    *check = (struct check){.pending = find_goal(check, store)};
    if (check->pending && h5ckpt_restore(store, &previous, report) == H5CKPT_OK)
        return H5CKPT_OK;
    check->pending = false;
    status = h5ckpt_restore(store, NULL, report);
    if (status >= 0 && status != H5CKPT_NO_CHECKPOINT)
        event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_CHECKED},
                   "the resume from '%s' is not checked: that takes two intact states", store->directory.path);
    return status;
}

enum check_place check_place(const struct check *check, const struct h5ckpt_progress *at)
{
    const struct h5ckpt_progress *goal = &check->goal;

    if (at->epoch == goal->epoch && at->batch == goal->batch)
        return CHECK_AT_GOAL;
    return at->epoch < goal->epoch || (at->epoch == goal->epoch && at->batch < goal->batch) ? CHECK_BEFORE
                                                                                            : CHECK_BEYOND;
}

static h5ckpt_status say_beyond(const struct check *check, h5ckpt_store *store)
{
    return error_set(&store->error, H5CKPT_E_ARGUMENT,
                     "check_resume: no hook was called at epoch %" PRIu64 ", batch %" PRIu64
                     ", where the current state in '%s' was saved, so it could not be compared",
                     check->goal.epoch, check->goal.batch, store->directory.path);
}

static h5ckpt_status say_agree(const struct check *check, h5ckpt_store *store)
{
    return error_set(&store->error, H5CKPT_LIVES_AGREE,
                     "two lives agree: from epoch %" PRIu64 ", batch %" PRIu64 " to epoch %" PRIu64 ", batch %" PRIu64
                     " again, and every variable is as it was saved in '%s'",
                     check->start.epoch, check->start.batch, check->goal.epoch, check->goal.batch,
                     store->directory.path);
}

static h5ckpt_status say_differ(const struct check *check, struct error *differences, h5ckpt_store *store)
{
    error_set(&store->error, H5CKPT_E_DIFFERS,
              "two lives differ: the same work, from epoch %" PRIu64 ", batch %" PRIu64 " to epoch %" PRIu64
              ", batch %" PRIu64 ", gave other variables. Something that they depend on is not registered, or the "
              "computation is not reproducible: ",
              check->start.epoch, check->start.batch, check->goal.epoch, check->goal.batch);
    error_append(&store->error, "%s", error_message(differences));
    return H5CKPT_E_DIFFERS;
}

/* The current state was not restored: without this, the next save would take it for a branch that was left. */
static h5ckpt_status spare_current(struct check *check, h5ckpt_store *store)
{
    struct error kept = ERROR_NONE;
    h5ckpt_status status;

    error_move(&kept, &store->error);
    status = h5ckpt_start_over(store);
    check->pending = status != H5CKPT_OK;
    if (status == H5CKPT_OK)
        error_move(&store->error, &kept);
    error_clear(&kept);
    return status;
}

h5ckpt_status check_finish(struct check *check, h5ckpt_store *store, const struct h5ckpt_progress *at)
{
    struct error differences = ERROR_NONE;
    h5ckpt_status failed = H5CKPT_OK;
    h5ckpt_status status;

    if (check_place(check, at) == CHECK_BEYOND)
        status = say_beyond(check, store);
    else
        status = h5ckpt_compare(store, H5CKPT_CURRENT);
    if (status == H5CKPT_OK) {
        check->pending = false;
        status = say_agree(check, store);
    } else {
        if (status == H5CKPT_E_DIFFERS) {
            error_move(&differences, &store->error);
            say_differ(check, &differences, store);
            error_clear(&differences);
        }
        failed = spare_current(check, store);
    }
    status = failed < 0 ? failed : status;
    event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_CHECKED, .status = status}, "%s",
               error_message(&store->error));
    return status;
}
