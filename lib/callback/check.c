/* SPDX-License-Identifier: MIT */
#include "callback/check.h"

#include "recovery/compare.h"

enum check_place check_place(const struct check *check, const struct h5ckpt_progress *at)
{
    const struct h5ckpt_progress *goal = &check->goal;

    if (at->epoch == goal->epoch && at->batch == goal->batch)
        return CHECK_AT_GOAL;
    return at->epoch < goal->epoch || (at->epoch == goal->epoch && at->batch < goal->batch) ? CHECK_BEFORE
                                                                                            : CHECK_BEYOND;
}

/* Both are needed: the previous state to begin from, the current one to be reached by the same work. */
static bool have_these_settings(h5ckpt_store *store, unsigned previous, unsigned current)
{
    bool refused;

    return compare_settings(store, previous, &refused) == H5CKPT_OK && !refused &&
           compare_settings(store, current, &refused) == H5CKPT_OK && !refused;
}

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
        return check_place(check, &check->start) == CHECK_BEFORE &&
               have_these_settings(store, i, (unsigned)report.restored);
    }
    return false;
}

h5ckpt_status check_begin(struct check *check, h5ckpt_store *store, struct h5ckpt_report *report)
{
    const struct h5ckpt_restore_options previous = {.which = H5CKPT_PREVIOUS};
    h5ckpt_status status;

    *check = (struct check){0};
    check->pending = find_goal(check, store);
    if (check->pending && h5ckpt_restore(store, &previous, report) == H5CKPT_OK)
        return H5CKPT_OK;
    check->pending = false;
    status = h5ckpt_restore(store, NULL, report);
    if (status >= 0 && status != H5CKPT_NO_CHECKPOINT)
        event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_CHECKED},
                   "the resume from '%s' is not checked: that takes two intact states of the same settings, with work "
                   "between them",
                   store->directory.path);
    return status;
}

static h5ckpt_status say_beyond(const struct check *check, h5ckpt_store *store)
{
    char goal[PROGRESS_TEXT_BYTES];

    return error_set(&store->error, H5CKPT_E_ARGUMENT,
                     "check_resume: no hook was called at %s, where the current state in '%s' was saved, so it could "
                     "not be compared: let the hooks come in the same portions as then",
                     progress_text(&check->goal, goal), store->directory.path);
}

h5ckpt_status check_refuse_end(const struct check *check, h5ckpt_store *store, const struct h5ckpt_progress *at)
{
    char goal[PROGRESS_TEXT_BYTES];
    char end[PROGRESS_TEXT_BYTES];

    error_set(&store->error, H5CKPT_E_DIFFERS,
              "two lives differ: training ended at %s, but an earlier life saved at %s: something that ends it is not "
              "registered, or less work was asked for. Nothing was deleted from '%s'",
              progress_text(at, end), progress_text(&check->goal, goal), store->directory.path);
    event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_CHECKED, .status = H5CKPT_E_DIFFERS}, "%s",
               error_message(&store->error));
    return H5CKPT_E_DIFFERS;
}

static h5ckpt_status say_agree(const struct check *check, h5ckpt_store *store)
{
    char start[PROGRESS_TEXT_BYTES];
    char goal[PROGRESS_TEXT_BYTES];

    return error_set(&store->error, H5CKPT_LIVES_AGREE,
                     "two lives agree: from %s to %s again, and every variable is as it was saved in '%s'",
                     progress_text(&check->start, start), progress_text(&check->goal, goal), store->directory.path);
}

static h5ckpt_status say_differ(const struct check *check, struct error *differences, h5ckpt_store *store)
{
    char start[PROGRESS_TEXT_BYTES];
    char goal[PROGRESS_TEXT_BYTES];

    error_set(
        &store->error, H5CKPT_E_DIFFERS,
        "two lives differ: the same work, from %s to %s, gave other variables. Something that they depend on is not "
        "registered, or the computation is not reproducible%s: ",
        progress_text(&check->start, start), progress_text(&check->goal, goal),
        store->options.save_mode == H5CKPT_SAVE_FENCED
            ? ", or h5ckpt_fence() came after it had changed (detect_changes)"
            : "");
    error_append(&store->error, "%s", error_message(differences));
    return H5CKPT_E_DIFFERS;
}

/* Without this, the next save would take the current state, which was not restored, for a branch that was left. */
static h5ckpt_status spare_current(struct check *check, h5ckpt_store *store)
{
    struct error verdict = ERROR_NONE;
    h5ckpt_status status;

    error_move(&verdict, &store->error);
    status = h5ckpt_start_over(store);
    check->pending = status != H5CKPT_OK;
    if (verdict.status < 0) /* it comes first */
        error_move(&store->error, &verdict);
    error_clear(&verdict);
    return store->error.status;
}

static h5ckpt_status compare_lives(struct check *check, h5ckpt_store *store)
{
    struct error differences = ERROR_NONE;
    unsigned slot_number;
    h5ckpt_status status = store_enter(store, "check_resume");

    if (status == H5CKPT_OK)
        status = compare_state(store, H5CKPT_CURRENT, &slot_number);
    if (status != H5CKPT_OK && status != H5CKPT_E_DIFFERS)
        return spare_current(check, store);
    store_set_base(store, slot_number);
    store->progress = store->survey.slot[slot_number].record.progress;
    check->pending = false;
    if (status == H5CKPT_OK)
        return say_agree(check, store);
    error_move(&differences, &store->error);
    say_differ(check, &differences, store);
    error_clear(&differences);
    return H5CKPT_E_DIFFERS;
}

h5ckpt_status check_finish(struct check *check, h5ckpt_store *store, const struct h5ckpt_progress *at)
{
    h5ckpt_status status;

    if (check->told) {
        error_clear(&store->error);
        return spare_current(check, store);
    }
    if (check_place(check, at) == CHECK_AT_GOAL) {
        status = compare_lives(check, store);
    } else {
        say_beyond(check, store);
        status = spare_current(check, store);
    }
    check->told = true;
    event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_CHECKED, .status = status}, "%s",
               error_message(&store->error));
    return status;
}
