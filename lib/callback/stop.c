/* SPDX-License-Identifier: MIT */
#include "callback/stop.h"

#include "storage/save.h"
#include "storage/store.h"
#include "storage/system.h"

/* Of a disk that is shared and slow. It only makes the first save, if it is the last one, come earlier. */
static const double GUESSED_BYTES_PER_SECOND = 1e8;
static const double GUESSED_FLUSH_SECONDS = 1;

/* -------------------------------------------------------------------- begin, end */

h5ckpt_status stop_check_options(const struct h5ckpt_callback_options *options, struct error *error)
{
    return options->save_before_preemption ? notice_check_options(&options->preemption, error) : H5CKPT_OK;
}

/* The store's events, on their way to the program; perhaps in a thread of the store's. */
static void hear(void *context, const struct h5ckpt_event *event)
{
    struct stop *stop = context;

    if (event->kind == H5CKPT_EVENT_DURABLE)
        recent_note(&stop->saves, (int64_t)(event->seconds * 1e9));
    if (stop->event != NULL)
        stop->event(stop->event_context, event);
}

void stop_init(struct stop *stop, struct h5ckpt_callback_options *options)
{
    const struct h5ckpt_background *background = &options->store.background;

    if (!options->save_before_preemption)
        return;
    stop->enabled = true;
    stop->notice.options = options->preemption;
    stop->saves_are_slowed = options->store.save_mode != H5CKPT_SAVE_SYNCHRONOUS &&
                             (background->bytes_per_second != 0 || background->nice != 0);
    stop->event = options->store.event;
    stop->event_context = options->store.event_context;
    options->store.event = hear;
    options->store.event_context = stop;
}

void stop_free(struct stop *stop)
{
    stop_end(stop);
    error_clear(&stop->told);
}

/* Before the restore: a signal that comes meanwhile counts, and room for the last save is made beforehand. */
h5ckpt_status stop_watch(struct stop *stop, h5ckpt_store *store, struct error *error)
{
    struct h5ckpt_space space;

    if (!stop->enabled)
        return H5CKPT_OK;
    if (h5ckpt_space(store, &space) == H5CKPT_OK) /* else the restore says why */
        stop->save_seconds_guessed = GUESSED_FLUSH_SECONDS + (double)space.slot_bytes / GUESSED_BYTES_PER_SECOND;
    return notice_begin(&stop->notice, store, error);
}

void stop_begin(struct stop *stop, const struct h5ckpt_progress *at)
{
    stop->last = *at;
    stop_leave(stop, false);
}

void stop_end(struct stop *stop)
{
    if (stop->enabled)
        notice_end(&stop->notice);
}

/* --------------------------------------------------------------------------- ask */

static void note_step(struct stop *stop, const struct h5ckpt_progress *at)
{
    const int64_t ns = stop->notice.looked.monotonic_ns - stop->hook_left_ns;
    const bool turn = at->epoch != stop->last.epoch || (stop->last.batch == 0 && at->batch != 0);

    recent_note(turn ? &stop->turns : &stop->steps, ns);
    stop->last = *at;
}

static struct preempt_facts facts_of(const struct stop *stop, const h5ckpt_store *store)
{
    const double step = recent_longest_seconds(&stop->steps);
    const double turn = recent_longest_seconds(&stop->turns);
    const double save = recent_longest_seconds(&stop->saves);
    const int one_is_under_way = store->land != NULL;

    return (struct preempt_facts){
        .noticed = stop->notice.given,
        .notice_age = stop->notice.given ? notice_age_seconds(&stop->notice) : 0,
        .grace = stop->notice.options.grace_seconds,
        .saved = stop->saved,
        .left = notice_left_seconds(&stop->notice),
        .step_longest = step > turn ? step : turn,
        .save_longest = (1 + one_is_under_way) * (save > 0 ? save : stop->save_seconds_guessed),
        .save_shortest = stop->saves_are_slowed ? 0 : recent_shortest_seconds(&stop->saves),
    };
}

static void announce_grace(struct stop *stop, h5ckpt_store *store)
{
    if (stop->announced)
        return;
    stop->announced = true;
    event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_PREEMPTION},
               "notice was given by %s: training goes on for about %.0f s, is saved now and once more before they end",
               stop->notice.by, preempt_left_seconds(&stop->facts));
}

enum preempt_order stop_ask(struct stop *stop, h5ckpt_store *store, const struct h5ckpt_progress *at, bool due)
{
    enum preempt_order order;

    if (!stop->enabled || stop->told.status != H5CKPT_OK)
        return PREEMPT_GO_ON;
    notice_look(&stop->notice, store);
    note_step(stop, at);
    stop->facts = facts_of(stop, store);
    if (due) /* by so much later comes the next hook */
        stop->facts.step_longest += stop->facts.save_longest;
    order = preempt_decide(&stop->facts);
    if (order == PREEMPT_SAVE)
        announce_grace(stop, store);
    return order;
}

/* -------------------------------------------------------------------------- obey */

static const char *reason(const struct stop *stop)
{
    return stop->notice.given ? stop->notice.by : "the deadline";
}

/*
 * What had become of a save in flight was told by an event, and is added to what is told now; it does not prevent this
 * one.
 */
static h5ckpt_status save_durably(h5ckpt_store *store, const struct h5ckpt_progress *at, struct error *before)
{
    h5ckpt_status status = save_land(store);

    if (status < 0)
        error_move(before, &store->error);
    status = h5ckpt_save(store, at);
    return status >= 0 ? h5ckpt_wait(store) : status;
}

static h5ckpt_status save_and_stop(struct stop *stop, h5ckpt_store *store, const struct h5ckpt_progress *at)
{
    char place[PROGRESS_TEXT_BYTES];
    struct error before = ERROR_NONE;
    h5ckpt_status status = save_durably(store, at, &before);

    if (status < 0) { /* a file in which a write failed is given up: the second attempt goes to another one */
        error_clear(&before);
        status = save_durably(store, at, &before);
    }
    if (status == H5CKPT_OK)
        error_set(&stop->told, H5CKPT_STOP, "%s: end training now; %s is saved in '%s'", reason(stop),
                  progress_text(at, place), store->directory.path);
    else
        error_set(&stop->told, H5CKPT_E_STOP_UNSAVED,
                  "%s: end training now, although %s could not be saved (%s): ", reason(stop), progress_text(at, place),
                  h5ckpt_status_name(status));
    if (status < 0)
        error_append(&stop->told, "%s", error_message(&store->error));
    if (before.status < 0)
        error_append(&stop->told, "; the save before had failed: %s", error_message(&before));
    error_clear(&before);
    return stop->told.status;
}

static void say_what_is_safe(struct error *error, const h5ckpt_store *store)
{
    char place[PROGRESS_TEXT_BYTES];

    if (store->base == PLAN_NO_BASE)
        error_append(error, "; nothing has been saved yet");
    else
        error_append(error, "; the state before (%s) is still there", progress_text(&store->progress, place));
}

/* A save in flight was begun earlier, and ends sooner than a new one would. */
static h5ckpt_status stop_unsaved(struct stop *stop, h5ckpt_store *store, const struct h5ckpt_progress *at)
{
    char place[PROGRESS_TEXT_BYTES];

    save_land(store);
    error_set(
        &stop->told, H5CKPT_E_STOP_UNSAVED,
        "%s: end training now; no save of %s was begun: %.1f s are left, and no save so far took less than %.1f s",
        reason(stop), progress_text(at, place), preempt_left_seconds(&stop->facts), stop->facts.save_shortest);
    say_what_is_safe(&stop->told, store);
    return H5CKPT_E_STOP_UNSAVED;
}

/* Nothing may be saved yet. Short of the state that is to be compared, or at it, nothing is lost by that. */
static h5ckpt_status stop_checking(struct stop *stop, h5ckpt_store *store, const struct check *check,
                                   const struct h5ckpt_progress *at)
{
    const bool lost = check_place(check, at) == CHECK_BEYOND;

    error_set(
        &stop->told, lost ? H5CKPT_E_STOP_UNSAVED : H5CKPT_STOP,
        "%s: end training now; check_resume has not come to its end, so nothing was saved; the states in '%s' are as "
        "they were%s",
        reason(stop), store->directory.path, lost ? ", and older than this one" : "");
    return stop->told.status;
}

h5ckpt_status stop_obey(struct stop *stop, enum preempt_order order, h5ckpt_store *store, const struct check *check,
                        const struct h5ckpt_progress *at, struct error *error)
{
    struct error left = ERROR_NONE;

    if (check->pending)
        stop_checking(stop, store, check, at);
    else if (order == PREEMPT_STOP_UNSAVED)
        stop_unsaved(stop, store, at);
    else
        save_and_stop(stop, store, at);
    if (notice_consume(&stop->notice, store, &left) < 0)
        error_append(&stop->told, "; the next run will stop at once: %s", error_message(&left));
    error_clear(&left);
    event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_PREEMPTION, .status = stop->told.status}, "%s",
               error_message(&stop->told));
    return stop_repeat(stop, error);
}

/* ---------------------------------------------------------------- failed saves */

static h5ckpt_status give_up(struct stop *stop, h5ckpt_store *store, const struct h5ckpt_progress *at,
                             const struct error *last, struct error *error)
{
    char place[PROGRESS_TEXT_BYTES];
    const bool one = store->failed_saves == 1;

    error_set(&stop->told, H5CKPT_E_SAVES_FAILED,
              "%u save%s failed (failed_saves_max): end training now; %s is not saved", store->failed_saves,
              one ? " has" : "s in a row have", progress_text(at, place));
    if (last->status < 0)
        error_append(&stop->told, ". The last one: %s", error_message(last));
    else
        say_what_is_safe(&stop->told, store);
    event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_GIVEN_UP, .status = stop->told.status}, "%s",
               error_message(&stop->told));
    return stop_repeat(stop, error);
}

/* One that is in flight may still turn out well: it is waited for. */
h5ckpt_status stop_if_hopeless(struct stop *stop, h5ckpt_store *store, unsigned failed_saves_max,
                               const struct h5ckpt_progress *at, h5ckpt_status status, struct error *error)
{
    struct error last = ERROR_NONE;

    if (failed_saves_max == 0 || store->failed_saves < failed_saves_max)
        return status;
    error_move(&last, &store->error);
    if (store->land != NULL && save_land(store) < 0)
        error_move(&last, &store->error);
    if (store->failed_saves >= failed_saves_max)
        status = give_up(stop, store, at, &last, error);
    else
        error_move(&store->error, &last);
    error_clear(&last);
    return status;
}

void stop_leave(struct stop *stop, bool saved)
{
    if (!stop->enabled)
        return;
    stop->saved |= saved && stop->notice.given;
    stop->hook_left_ns = system_calls->monotonic_time_ns();
}

h5ckpt_status stop_repeat(const struct stop *stop, struct error *error)
{
    if (stop->told.status == H5CKPT_OK)
        return H5CKPT_OK;
    return error_set(error, stop->told.status, "%s", error_message(&stop->told));
}
