/* SPDX-License-Identifier: MIT */
/*
 * callback: the hooks that a training loop calls (docs/guide.md).
 *
 * (1) `at` counts finished work only: a hook moves it first and saves it then.
 * (2) A hook that is not due changes nothing.
 * (3) What stop.h says of a loop that was told to end.
 * (4) A row of the history is ended by the hook that counts its work, with the position after that.
 *
 *   NEW      -> TRAINING   on_train_begin()
 *   TRAINING -> IN_EPOCH   on_epoch_begin()
 *   IN_EPOCH -> TRAINING   on_epoch_end()
 *   TRAINING -> STEPPING   h5ckpt_step(), unless there were epochs
 *   any      -> ENDED      on_train_end()
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "callback/check.h"
#include "callback/keeper.h"
#include "callback/stop.h"
#include "callback/timing.h"
#include "error.h"
#include "h5ckpt.h"
#include "storage/save.h"
#include "storage/show.h"
#include "storage/store.h"
#include "storage/system.h"

enum phase { NEW, TRAINING, IN_EPOCH, STEPPING, ENDED };

struct h5ckpt_callback {
    enum phase phase;
    struct h5ckpt_callback_options options;
    struct h5ckpt_progress at;
    bool has_epochs; /* one was begun */
    struct timing timing;
    struct check check;
    struct keeper keeper;
    struct stop stop;
    char *monitor; /* the options' */
    /* One is enough for a logger: a program logs the same in every batch, and none in every epoch. */
    bool log_refusal_told;
    bool log_missing_told;
    h5ckpt_store *store;
    uint64_t process_id; /* as for a store: a child's hooks do nothing */
    bool store_asked;    /* by the last hook: the message is the store's */
    struct error error;  /* of a hook that was not due */
};

struct h5ckpt_callback_options h5ckpt_callback_options_default(void)
{
    return (struct h5ckpt_callback_options){
        .save_freq = H5CKPT_EVERY_EPOCH,
        .double_checkpoint = true,
        .delete_checkpoint = true,
        .preemption = {.signals = {SIGTERM}, .stop_file = true},
        .store = h5ckpt_options_default(),
        .restore = h5ckpt_restore_options_default(),
    };
}

static bool is_default_restore(const struct h5ckpt_restore_options *restore)
{
    return restore->which == H5CKPT_CURRENT && restore->match == H5CKPT_EXACT && restore->convert == H5CKPT_SAME_TYPE &&
           restore->memory == H5CKPT_VERIFY_FIRST && restore->rename_count == 0 && restore->select == NULL &&
           restore->settings == H5CKPT_SETTINGS_REFUSE;
}

static h5ckpt_status check_options(const struct h5ckpt_callback_options *options, struct error *error)
{
    const struct timing timing = timing_of(options);

    if (options->backup_dir == NULL)
        return error_set(error, H5CKPT_E_ARGUMENT, "callback options: backup_dir is NULL");
    if (options->store.mode == H5CKPT_READ_ONLY)
        return error_set(error, H5CKPT_E_ARGUMENT,
                         "callback options: a callback must be able to write, but its store is read-only");
    if ((unsigned)options->monitor_better > H5CKPT_LARGER_IS_BETTER)
        return error_set(error, H5CKPT_E_ARGUMENT, "callback options: %d is not one of enum h5ckpt_better",
                         (int)options->monitor_better);
    if (options->monitor != NULL && history_check_name(options->monitor, error) < 0)
        return H5CKPT_E_ARGUMENT;
    if (options->check_resume && !options->double_checkpoint)
        return error_set(error, H5CKPT_E_ARGUMENT,
                         "callback options: check_resume compares two states, but double_checkpoint is off");
    if (options->check_resume && !is_default_restore(&options->restore))
        return error_set(error, H5CKPT_E_ARGUMENT, "callback options: check_resume needs the default restore options");
    if (schedule_check(&timing.schedule, error) < 0)
        return error->status;
    if (!schedule_ever_saves(&timing.schedule) && !options->save_before_preemption &&
        options->milestones.every_epochs == 0 && !options->milestones.best)
        return error_set(error, H5CKPT_E_ARGUMENT,
                         "callback options: save_freq is H5CKPT_NEVER, and none of save_before_preemption, milestones, "
                         "save_seconds, failure_seconds and save_share is set: nothing would ever be saved");
    if (keeper_check_options(options, error) < 0)
        return error->status;
    return stop_check_options(options, error);
}

h5ckpt_status h5ckpt_callback_new(h5ckpt_callback **callback_out, h5ckpt_state *state,
                                  const struct h5ckpt_callback_options *options)
{
    h5ckpt_callback *callback;
    h5ckpt_status status;

    if (callback_out == NULL)
        return H5CKPT_E_ARGUMENT;
    *callback_out = callback = calloc(1, sizeof *callback);
    if (callback == NULL)
        return H5CKPT_E_MEMORY;
    callback->phase = ENDED;
    callback->process_id = system_calls->process_id();
    if (options == NULL)
        return error_set(&callback->error, H5CKPT_E_ARGUMENT,
                         "callback options are NULL: at least backup_dir must be given");
    callback->options = *options;
    status = check_options(options, &callback->error);
    if (status < 0)
        return status;
    callback->monitor = options->monitor == NULL ? NULL : strdup(options->monitor);
    if (options->monitor != NULL && callback->monitor == NULL)
        return error_set(&callback->error, H5CKPT_E_MEMORY, "no memory for the name of the log to monitor");
    callback->options.monitor = NULL; /* the caller's */
    callback->keeper = keeper_of(options, callback->monitor);
    callback->timing = timing_of(options);
    callback->options.store.slots = options->double_checkpoint ? 2 : 1;
    stop_init(&callback->stop, &callback->options);
    callback->store_asked = true;
    status = h5ckpt_open(&callback->store, options->backup_dir, state, &callback->options.store);
    callback->options.backup_dir = NULL; /* the caller's; only the store still needs it, and has its own */
    if (status >= 0)
        callback->phase = NEW;
    return status;
}

void h5ckpt_callback_free(h5ckpt_callback *callback)
{
    if (callback == NULL)
        return;
    h5ckpt_close(callback->store);
    stop_free(&callback->stop);
    error_clear(&callback->error);
    free(callback->monitor);
    free(callback);
}

const char *h5ckpt_callback_message(const h5ckpt_callback *callback)
{
    if (callback == NULL)
        return h5ckpt_message(NULL);
    return callback->store_asked ? h5ckpt_message(callback->store) : error_message(&callback->error);
}

h5ckpt_store *h5ckpt_callback_store(h5ckpt_callback *callback)
{
    return callback == NULL ? NULL : callback->store;
}

/* ---------------------------------------------------------------------- hooks */

static const char *const WHEN[] = {
    [NEW] = "before training has begun",
    [TRAINING] = "between epochs",
    [IN_EPOCH] = "within an epoch",
    [STEPPING] = "in a loop without epochs (of h5ckpt_step())",
    [ENDED] = "after training has ended (or although the callback could not be made)",
};

/* A program that ignores what the hooks answer would train for days without a checkpoint: its logger is told, too. */
static h5ckpt_status tell_refused(h5ckpt_callback *callback)
{
    if (callback->store != NULL)
        event_tell(&callback->store->events,
                   (struct event){.kind = H5CKPT_EVENT_HOOK_REFUSED, .status = H5CKPT_E_ARGUMENT}, "%s",
                   error_message(&callback->error));
    return H5CKPT_E_ARGUMENT;
}

static h5ckpt_status refuse_phase(h5ckpt_callback *callback, const char *hook, enum phase due)
{
    error_set(&callback->error, H5CKPT_E_ARGUMENT, "%s was called %s; it is due %s", hook, WHEN[callback->phase],
              WHEN[due]);
    return tell_refused(callback);
}

/* Every hook begins so: (2). */
static h5ckpt_status enter(h5ckpt_callback *callback, const char *hook)
{
    if (callback == NULL)
        return H5CKPT_E_ARGUMENT;
    error_clear(&callback->error);
    callback->store_asked = false;
    if (callback->process_id == system_calls->process_id())
        return H5CKPT_OK;
    return error_set(&callback->error, H5CKPT_E_ARGUMENT,
                     "%s: the callback belongs to process %" PRIu64
                     ", which made it; a child process must make its own",
                     hook, callback->process_id);
}

static h5ckpt_status enter_in(h5ckpt_callback *callback, enum phase due, const char *hook)
{
    h5ckpt_status status = enter(callback, hook);

    return status == H5CKPT_OK && callback->phase != due ? refuse_phase(callback, hook, due) : status;
}

/*
 * The store's answer is the hook's, and its message too; so is the failure of a save that had been in flight. `asked`:
 * the counters ask for a save, or something else but the clock does; `due`: it is done now.
 */
static h5ckpt_status save_if_due(h5ckpt_callback *callback, bool asked, bool due)
{
    h5ckpt_status status;

    if (callback->check.pending) {
        if (!callback->check.told && check_place(&callback->check, &callback->at) == CHECK_BEFORE)
            return H5CKPT_OK;
        callback->store_asked = true;
        status = check_finish(&callback->check, callback->store, &callback->at);
        if (status != H5CKPT_OK)
            return status;
    }
    if (asked && !due)
        timing_postpone(&callback->timing);
    status =
        due ? timing_save(&callback->timing, callback->store, &callback->at, asked) : save_failure(callback->store);
    callback->store_asked = due || status < 0;
    return status;
}

static h5ckpt_status follow(h5ckpt_callback *callback, enum preempt_order order, bool asked, bool due)
{
    h5ckpt_status status;

    if (callback->stop.told.status != H5CKPT_OK)
        return stop_repeat(&callback->stop, &callback->error); /* (3) */
    if (order == PREEMPT_SAVE_AND_STOP || order == PREEMPT_STOP_UNSAVED)
        return stop_obey(&callback->stop, order, callback->store, &callback->check, &callback->at, &callback->error);
    asked |= order == PREEMPT_SAVE;
    due |= order == PREEMPT_SAVE;
    status = save_if_due(callback, asked, due);
    status = stop_if_hopeless(&callback->stop, callback->store, callback->options.failed_saves_max, &callback->at,
                              status, &callback->error);
    callback->store_asked &= status != H5CKPT_E_SAVES_FAILED;
    stop_leave(&callback->stop,
               due && (status == H5CKPT_OK || status == H5CKPT_HISTORY_FULL) && !callback->check.pending);
    return status;
}

/* The hook's answer is `status` so far: a failure of the save comes before one to keep what was saved. */
static h5ckpt_status keep(h5ckpt_callback *callback, struct keeper_wish wish, h5ckpt_status status)
{
    struct error told = ERROR_NONE;
    h5ckpt_status kept;

    error_move(&told, &callback->store->error);
    kept = keeper_keep(&callback->keeper, wish, callback->store, &callback->at);
    if (kept < 0 && (status == H5CKPT_OK || status == H5CKPT_HISTORY_FULL)) {
        callback->store_asked = true;
        status = kept;
    } else {
        error_move(&callback->store->error, &told);
    }
    error_clear(&told);
    return status;
}

/* (4) */
static struct keeper_wish end_row(h5ckpt_callback *callback)
{
    struct history *history = &callback->store->history;

    history_end_row(history, &callback->at);
    return keeper_wish(&callback->keeper, history, &callback->at);
}

/* Work is finished: save if that is due, or is to be kept, or if the job is about to be taken away. */
static h5ckpt_status finish_work(h5ckpt_callback *callback, bool counted, struct keeper_wish wish)
{
    const bool keeps = wish.epoch || wish.best;
    const bool due = timing_is_due(&callback->timing, callback->store, counted) || keeps;
    h5ckpt_status status;

    if (keeps)
        keeper_prepare(callback->store);
    status = follow(callback, stop_ask(&callback->stop, callback->store, &callback->at, due), counted || keeps, due);
    show_late(callback->store);
    return keeps ? keep(callback, wish, status) : status;
}

/* (1) */
static h5ckpt_status finish_batches(h5ckpt_callback *callback, uint64_t count)
{
    const uint64_t before = callback->at.step;
    struct keeper_wish wish;
    h5ckpt_status status;

    timing_end_batches(&callback->timing, callback->store, count);
    callback->at.batch += count;
    callback->at.step += count;
    wish = end_row(callback);
    save_notice_change(callback->store);
    status = finish_work(callback, schedule_counts_batch(&callback->timing.schedule, before, callback->at.step), wish);
    timing_begin_batch(&callback->timing, callback->store);
    return status;
}

/* Nothing that the position counts; but a validation may take longer than the job has. */
static h5ckpt_status finish_test(h5ckpt_callback *callback)
{
    const enum preempt_order order = stop_ask(&callback->stop, callback->store, &callback->at, false);

    if (order != PREEMPT_GO_ON)
        return follow(callback, order, false, false);
    stop_leave(&callback->stop, false);
    return stop_repeat(&callback->stop, &callback->error);
}

static h5ckpt_status refuse_number(h5ckpt_callback *callback, const char *hook, uint64_t number, uint64_t due)
{
    error_set(&callback->error, H5CKPT_E_ARGUMENT,
              "%s was called with %" PRIu64 "; %" PRIu64 " is due (after a restart, go on where on_train_begin said)",
              hook, number, due);
    return tell_refused(callback);
}

/* There is no state before the newest one. That is a fresh start only if there is no newest one either. */
static h5ckpt_status refuse_lone_state(h5ckpt_callback *callback)
{
    struct h5ckpt_report report;
    h5ckpt_status status = h5ckpt_inspect(callback->store, NULL, &report);

    if (status != H5CKPT_OK && status != H5CKPT_FELL_BACK)
        return status;
    callback->store_asked = false;
    return error_set(&callback->error, H5CKPT_E_ARGUMENT,
                     "callback options: restore.which is H5CKPT_PREVIOUS, but %s holds the only state",
                     report.slot[report.restored].name);
}

static h5ckpt_status restore(h5ckpt_callback *callback, struct h5ckpt_report *report)
{
    h5ckpt_status status;

    callback->store_asked = true;
    if (callback->options.check_resume)
        status = check_begin(&callback->check, callback->store, report);
    else
        status = h5ckpt_restore(callback->store, &callback->options.restore, report);
    if (status == H5CKPT_NO_CHECKPOINT && callback->options.restore.which == H5CKPT_PREVIOUS)
        status = refuse_lone_state(callback);
    return status;
}

h5ckpt_status h5ckpt_on_train_begin(h5ckpt_callback *callback, struct h5ckpt_progress *next,
                                    struct h5ckpt_report *report)
{
    h5ckpt_status status = enter_in(callback, NEW, "on_train_begin");
    h5ckpt_status begun = H5CKPT_OK;

    if (status < 0)
        return status;
    if (next == NULL)
        return error_set(&callback->error, H5CKPT_E_ARGUMENT, "on_train_begin: the position to fill is NULL");
    status = stop_watch(&callback->stop, callback->store, &callback->error);
    if (status < 0)
        return status;
    status = restore(callback, report);
    callback->at = h5ckpt_progress(callback->store);
    if (status >= 0)
        begun = keeper_begin(&callback->keeper, callback->store, &callback->at);
    if (begun < 0)
        status = begun;
    if (status < 0) {
        stop_end(&callback->stop);
        return status;
    }
    callback->phase = TRAINING;
    if (report != NULL && callback->monitor != NULL)
        report->best = history_best(&callback->store->history, callback->monitor, callback->options.monitor_better);
    stop_begin(&callback->stop, &callback->at);
    timing_begin_training(&callback->timing);
    *next = callback->at;
    return status;
}

h5ckpt_status h5ckpt_on_epoch_begin(h5ckpt_callback *callback, uint64_t epoch)
{
    h5ckpt_status status = enter_in(callback, TRAINING, "on_epoch_begin");

    if (status < 0)
        return status;
    if (epoch != callback->at.epoch)
        return refuse_number(callback, "on_epoch_begin", epoch, callback->at.epoch);
    callback->phase = IN_EPOCH;
    callback->has_epochs = true;
    return stop_repeat(&callback->stop, &callback->error);
}

h5ckpt_status h5ckpt_on_train_batch_begin(h5ckpt_callback *callback, uint64_t batch)
{
    h5ckpt_status status = enter_in(callback, IN_EPOCH, "on_train_batch_begin");

    if (status == H5CKPT_OK && batch != callback->at.batch)
        status = refuse_number(callback, "on_train_batch_begin", batch, callback->at.batch);
    return status < 0 ? status : stop_repeat(&callback->stop, &callback->error);
}

h5ckpt_status h5ckpt_on_train_batch_end(h5ckpt_callback *callback, uint64_t batch)
{
    h5ckpt_status status = enter_in(callback, IN_EPOCH, "on_train_batch_end");

    if (status < 0)
        return status;
    if (batch < callback->at.batch || batch == UINT64_MAX)
        return refuse_number(callback, "on_train_batch_end", batch, callback->at.batch);
    return finish_batches(callback, batch + 1 - callback->at.batch);
}

static h5ckpt_status enter_step(h5ckpt_callback *callback)
{
    h5ckpt_status status = enter(callback, "h5ckpt_step");

    if (status < 0)
        return status;
    if (callback->phase != STEPPING && (callback->phase != TRAINING || callback->has_epochs))
        return refuse_phase(callback, "h5ckpt_step", STEPPING);
    if (callback->options.milestones.every_epochs != 0) {
        error_set(&callback->error, H5CKPT_E_ARGUMENT,
                  "h5ckpt_step: there are no epochs, so milestones.every_epochs would never keep a state; keep it by "
                  "h5ckpt_keep()");
        return tell_refused(callback);
    }
    if (schedule_works_without_epochs(&callback->timing.schedule))
        return H5CKPT_OK;
    error_set(
        &callback->error, H5CKPT_E_ARGUMENT,
        "h5ckpt_step: there are no epochs, so save_freq H5CKPT_EVERY_EPOCH would never save; set save_freq to a number "
        "of steps, or to H5CKPT_NEVER with save_seconds, failure_seconds or save_share");
    return tell_refused(callback);
}

h5ckpt_status h5ckpt_step(h5ckpt_callback *callback, uint64_t step)
{
    h5ckpt_status status = enter_step(callback);

    if (status < 0)
        return status;
    if (step < callback->at.step || step == UINT64_MAX)
        return refuse_number(callback, "h5ckpt_step", step, callback->at.step);
    callback->phase = STEPPING;
    return finish_batches(callback, step + 1 - callback->at.step);
}

h5ckpt_status h5ckpt_on_test_batch_end(h5ckpt_callback *callback, uint64_t batch)
{
    h5ckpt_status status = enter_in(callback, IN_EPOCH, "on_test_batch_end");

    (void)batch;
    return status < 0 ? status : finish_test(callback);
}

/* A slip in its name would go unnoticed: no state would be the best, and training never stop early. */
static void tell_missing_log(h5ckpt_callback *callback)
{
    if (callback->monitor == NULL || callback->log_missing_told ||
        history_best(&callback->store->history, callback->monitor, callback->options.monitor_better).known)
        return;
    callback->log_missing_told = true;
    event_tell(
        &callback->store->events, (struct event){.kind = H5CKPT_EVENT_HISTORY},
        "an epoch has ended, and '%s', the monitored log, has no number yet in the history of '%s': no state can "
        "be the best, and no value to stop early by (is that its name?)",
        callback->monitor, callback->store->directory.path);
}

h5ckpt_status h5ckpt_on_epoch_end(h5ckpt_callback *callback, uint64_t epoch)
{
    h5ckpt_status status = enter_in(callback, IN_EPOCH, "on_epoch_end");
    struct keeper_wish wish;

    if (status < 0)
        return status;
    if (epoch != callback->at.epoch)
        return refuse_number(callback, "on_epoch_end", epoch, callback->at.epoch);
    callback->at.epoch++; /* (1) */
    callback->at.batch = 0;
    callback->phase = TRAINING;
    wish = end_row(callback);
    tell_missing_log(callback);
    timing_end_epoch(&callback->timing, callback->store);
    return finish_work(callback, schedule_counts_epoch(&callback->timing.schedule), wish);
}

/* Nobody can tell a loop that was ended by the stop from one that came to its end with it. The next life can. */
static h5ckpt_status keep_after_stop(h5ckpt_callback *callback, h5ckpt_status status)
{
    if (status < 0)
        return status;
    callback->store_asked = false;
    return error_set(
        &callback->error, H5CKPT_STOP,
        "on_train_end: training had been told to stop, so its checkpoint is kept: if it is at its end, the "
        "next start finds nothing left to do and deletes it");
}

h5ckpt_status h5ckpt_on_train_end(h5ckpt_callback *callback, enum h5ckpt_reason reason)
{
    const bool done = reason == H5CKPT_FINISHED || reason == H5CKPT_STOPPED_EARLY;
    h5ckpt_status status = enter(callback, "on_train_end");

    if (status < 0)
        return status;
    if ((unsigned)reason > H5CKPT_NAN_STOP)
        return error_set(&callback->error, H5CKPT_E_ARGUMENT, "on_train_end: %d is no reason", (int)reason);
    /* It may end anywhere, but to have finished is to have finished the epoch, where there are epochs. */
    if (callback->phase != TRAINING && callback->phase != STEPPING &&
        (callback->phase != IN_EPOCH || reason == H5CKPT_FINISHED))
        return refuse_phase(callback, "on_train_end", TRAINING);
    callback->store_asked = true;
    status = save_land(callback->store);
    if (done && callback->stop.told.status != H5CKPT_OK)
        status = keep_after_stop(callback, status); /* (3) */
    else if (done && callback->check.pending && !callback->check.told)
        status = check_refuse_end(&callback->check, callback->store, &callback->at);
    else if (done && callback->options.delete_checkpoint)
        status = h5ckpt_delete(callback->store);
    if (status < 0)
        return status;
    callback->phase = ENDED;
    stop_end(&callback->stop);
    return status;
}

/* ----------------------------------------------------------------------- logs */

static bool is_training(const h5ckpt_callback *callback)
{
    return callback->phase == TRAINING || callback->phase == IN_EPOCH || callback->phase == STEPPING;
}

static h5ckpt_status log_value(h5ckpt_callback *callback, const char *name, double value)
{
    if (!is_training(callback))
        return error_set(&callback->error, H5CKPT_E_ARGUMENT, "h5ckpt_log was called %s", WHEN[callback->phase]);
    return history_log(&callback->store->history, name, value, &callback->error);
}

h5ckpt_status h5ckpt_log(h5ckpt_callback *callback, const char *name, double value)
{
    h5ckpt_status status = enter(callback, "h5ckpt_log");

    if (status < 0)
        return status;
    status = log_value(callback, name, value);
    if (status < 0 && !callback->log_refusal_told && callback->store != NULL) {
        callback->log_refusal_told = true;
        event_tell(&callback->store->events, (struct event){.kind = H5CKPT_EVENT_HOOK_REFUSED, .status = status},
                   "not logged: %s", error_message(&callback->error));
    }
    return status;
}

static h5ckpt_status enter_history(h5ckpt_callback *callback, const char *call, const void *to_fill)
{
    h5ckpt_status status = enter(callback, call);

    if (status == H5CKPT_OK && to_fill == NULL)
        status = error_set(&callback->error, H5CKPT_E_ARGUMENT, "%s: the struct to fill is NULL", call);
    if (status == H5CKPT_OK && callback->store == NULL)
        status = error_set(&callback->error, H5CKPT_E_ARGUMENT, "%s: the callback could not be made", call);
    return status;
}

h5ckpt_status h5ckpt_history_best(h5ckpt_callback *callback, const char *name, enum h5ckpt_better better,
                                  struct h5ckpt_best *best)
{
    h5ckpt_status status = enter_history(callback, "h5ckpt_history_best", best);

    if (status < 0)
        return status;
    if (name == NULL || (unsigned)better > H5CKPT_LARGER_IS_BETTER)
        return error_set(&callback->error, H5CKPT_E_ARGUMENT,
                         "h5ckpt_history_best: the name is NULL, or %d is not one of enum h5ckpt_better", (int)better);
    *best = history_best(&callback->store->history, name, better);
    return H5CKPT_OK;
}

h5ckpt_status h5ckpt_history(h5ckpt_callback *callback, struct h5ckpt_history *history)
{
    h5ckpt_status status = enter_history(callback, "h5ckpt_history", history);

    if (status == H5CKPT_OK)
        *history = history_show(&callback->store->history);
    return status;
}

/* ------------------------------------------------------------ struct of hooks */

static h5ckpt_status hook_log(void *self, const char *name, double value)
{
    return h5ckpt_log(self, name, value);
}

static h5ckpt_status hook_train_begin(void *self, struct h5ckpt_progress *next)
{
    return h5ckpt_on_train_begin(self, next, NULL);
}

static h5ckpt_status hook_epoch_begin(void *self, uint64_t epoch)
{
    return h5ckpt_on_epoch_begin(self, epoch);
}

static h5ckpt_status hook_train_batch_begin(void *self, uint64_t batch)
{
    return h5ckpt_on_train_batch_begin(self, batch);
}

static h5ckpt_status hook_train_batch_end(void *self, uint64_t batch)
{
    return h5ckpt_on_train_batch_end(self, batch);
}

static h5ckpt_status hook_test_batch_end(void *self, uint64_t batch)
{
    return h5ckpt_on_test_batch_end(self, batch);
}

static h5ckpt_status hook_epoch_end(void *self, uint64_t epoch)
{
    return h5ckpt_on_epoch_end(self, epoch);
}

static h5ckpt_status hook_train_end(void *self, enum h5ckpt_reason reason)
{
    return h5ckpt_on_train_end(self, reason);
}

struct h5ckpt_hooks h5ckpt_callback_hooks(h5ckpt_callback *callback)
{
    return (struct h5ckpt_hooks){
        .self = callback,
        .on_train_begin = hook_train_begin,
        .on_epoch_begin = hook_epoch_begin,
        .on_train_batch_begin = hook_train_batch_begin,
        .on_train_batch_end = hook_train_batch_end,
        .on_test_batch_end = hook_test_batch_end,
        .on_epoch_end = hook_epoch_end,
        .on_train_end = hook_train_end,
        .log = hook_log,
    };
}
