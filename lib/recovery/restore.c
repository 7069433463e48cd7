/* SPDX-License-Identifier: MIT */
/*
 * restore: give back the newest intact state: examine, compare settings, match, load; fall back where the bytes fail
 * (P3, P4, P7).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "recovery/bring.h"
#include "recovery/examine.h"
#include "recovery/load.h"
#include "recovery/report.h"
#include "recovery/settings.h"
#include "storage/system.h"

enum { RESTORE_ATTEMPTS_MAX = 16 }; /* how often a writer may overtake a reader before we say so */

struct h5ckpt_restore_options h5ckpt_restore_options_default(void)
{
    return (struct h5ckpt_restore_options){.which = H5CKPT_CURRENT};
}

static h5ckpt_status check_options(const struct h5ckpt_restore_options *options, struct error *error)
{
    if ((unsigned)options->which > H5CKPT_PREVIOUS || (unsigned)options->match > H5CKPT_INTERSECTION ||
        (unsigned)options->convert > H5CKPT_CONVERT || (unsigned)options->memory > H5CKPT_BLOCKWISE ||
        (unsigned)options->settings > H5CKPT_SETTINGS_ACCEPT)
        return error_set(error, H5CKPT_E_ARGUMENT,
                         "restore options: a value that names nothing (start from "
                         "h5ckpt_restore_options_default())");
    if (options->rename_count != 0 && options->renames == NULL)
        return error_set(error, H5CKPT_E_ARGUMENT, "restore options: %zu renames, but the list is NULL",
                         options->rename_count);
    return H5CKPT_OK;
}

struct restore { /* one call of h5ckpt_restore() */
    h5ckpt_store *store;
    const struct h5ckpt_restore_options *options;
    bool changed;         /* registered memory may no longer be what it was … */
    bool *touched;        /* … by variable: whatever is loaded next must overwrite these */
    unsigned passed_over; /* slots, as bits, that are intact but could not be handed over … */
    struct error cause;   /* … and why the first of them could not */
    unsigned slot_number;
    size_t variable_count;
    struct settings settings; /* those of the slot looked at last, beside the program's */
};

/* Would loading `match` overwrite everything that a failed attempt may have left behind (P3)? */
static bool covers_touched(const struct restore *restore, const struct match *match)
{
    size_t touched = 0;
    size_t covered = 0;

    for (size_t i = 0; i < restore->store->state->variable_count; i++)
        touched += restore->touched[i];
    for (size_t i = 0; i < match->pair_count; i++)
        covered += restore->touched[match->pair[i].variable];
    return covered == touched;
}

static void tell_left_out(const h5ckpt_store *store, const char *where, const struct error *why)
{
    event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_HISTORY, .status = why->status},
               "%s is restored without its history, which begins anew: %s", where, error_message(why));
}

/* All of it is there: the history of that state is the store's now. */
static void take_history(h5ckpt_store *store, struct bring *bring, const char *where)
{
    bring_check(bring);
    if (bring->left_out.status < 0)
        tell_left_out(store, where, &bring->left_out);
    history_move(&store->history, &bring->history);
    store->history_wait = 0;
}

/* Who may not write has no use for a history that the next save goes on with. */
static h5ckpt_status load_with_history(struct restore *restore, const struct slot_reader *reader,
                                       const struct index *index, const struct match *match, const char *where,
                                       struct load_result *result, struct error *error)
{
    h5ckpt_store *store = restore->store;
    const enum h5ckpt_memory memory = restore->options->memory;
    struct bring bring;
    h5ckpt_status status;

    if (store->options.mode == H5CKPT_READ_ONLY)
        return load_variables(store->state, reader, index, match, memory, result, &store->buffer, error);
    status = bring_plan(&bring, store->state, match, index, reader->record.file_bytes, error);
    if (status < 0)
        return status;
    status = load_variables(&bring.whole.state, reader, index, &bring.match, memory, result, &store->buffer, error);
    if (status == H5CKPT_OK)
        take_history(store, &bring, where);
    bring_free(&bring);
    return status;
}

/* Load what matches; if that fails half-way, remember what it may have touched. */
static h5ckpt_status load_matched(struct restore *restore, const struct slot_reader *reader, const struct index *index,
                                  const struct match *match, const char *where, struct load_result *result,
                                  struct error *error)
{
    h5ckpt_status status;

    *result = (struct load_result){0};
    if (!covers_touched(restore, match))
        return error_set(error, H5CKPT_E_MEMORY_CHANGED, "%s lacks variables that had begun to change already", where);
    status = load_with_history(restore, reader, index, match, where, result, error);
    for (size_t i = 0; result->changed && i < match->pair_count; i++)
        restore->touched[match->pair[i].variable] = true;
    restore->changed |= result->changed;
    restore->variable_count = match->pair_count;
    return status;
}

/* Of another slot memory may have begun to change before. */
static h5ckpt_status refuse_settings(const struct restore *restore, const char *where, struct error *error)
{
    error_set(error, H5CKPT_E_SETTINGS,
              "the settings are not those that %s was saved with; %s untouched. Set them back, go on with "
              "the new ones by H5CKPT_SETTINGS_ACCEPT (restore options: settings), or use another directory:",
              where, restore->changed ? "the checkpoint is" : "memory and checkpoint are");
    error_append(error, "%s", error_message(&restore->settings.changes));
    return H5CKPT_E_SETTINGS;
}

/* Do names, types and shapes fit? And the settings, which may be why they do not. */
static h5ckpt_status match_slot(struct restore *restore, const struct slot_reader *reader, const struct index *index,
                                const char *where, struct match *match, struct error *error)
{
    h5ckpt_store *store = restore->store;
    struct settings *settings = &restore->settings;
    h5ckpt_status status = settings_compare(settings, store->state, reader, index, &store->buffer, error);

    if (status == H5CKPT_OK)
        status = match_variables(match, store->state, index, restore->options, where, error);
    if (status == H5CKPT_E_SCHEMA && settings->verdict != SETTINGS_SAME)
        error_append(error, "\nIts settings differ, too:%s", error_message(&settings->changes));
    if (status == H5CKPT_OK && settings->verdict == SETTINGS_CHANGED &&
        restore->options->settings == H5CKPT_SETTINGS_REFUSE)
        status = refuse_settings(restore, where, error);
    return status;
}

/*
 * Load one slot, which is then intact. H5CKPT_E_SCHEMA, H5CKPT_E_SETTINGS and H5CKPT_E_ARGUMENT are final, with memory
 * untouched.
 */
static h5ckpt_status load_slot(struct restore *restore, struct error *error)
{
    h5ckpt_store *store = restore->store;
    const enum file_access access = examine_access(store, restore->slot_number);
    struct load_result result = {0};
    struct slot_reader reader;
    struct index index;
    struct match match = MATCH_NONE;
    char where[EXAMINE_WHERE_BYTES];
    h5ckpt_status status;

    status = examine_open(store, restore->slot_number, access, &reader, &index, error);
    if (status != H5CKPT_OK)
        return status;
    examine_where(store, restore->slot_number, where);
    status = match_slot(restore, &reader, &index, where, &match, error);
    if (status == H5CKPT_OK)
        status = load_matched(restore, &reader, &index, &match, where, &result, error);
    if (result.verified)
        examine_note_intact(store, restore->slot_number, access);
    match_free(&match);
    index_free(&index);
    slot_reader_close(&reader);
    return status;
}

/*
 * An EIO must persist after reopening (P7). And before memory that must not stay as it is (P4) gets an older state: is
 * the system still short of what it was short of?
 */
static bool may_have_passed(const struct restore *restore, h5ckpt_status loaded)
{
    const bool passing = loaded == H5CKPT_E_SYSTEM || loaded == H5CKPT_E_MEMORY || loaded == H5CKPT_E_PERMISSION;

    return loaded == H5CKPT_E_IO || (passing && restore->changed);
}

/* Is a failed load the slot's own fault? */
static bool is_slot_at_fault(h5ckpt_status status)
{
    return status == H5CKPT_E_DAMAGED || status == H5CKPT_E_OVERTAKEN || status == H5CKPT_E_IO ||
           status == H5CKPT_NO_CHECKPOINT;
}

/* The slot is intact, but memory must not stay as it is now (P4): try another one, without calling this one damaged. */
static void pass_over(struct restore *restore, struct error *why)
{
    h5ckpt_store *store = restore->store;

    restore->passed_over |= 1u << restore->slot_number;
    slot_set_reason(&store->survey.slot[restore->slot_number], &store->directory, error_message(why));
    if (restore->cause.status == H5CKPT_OK)
        error_move(&restore->cause, why);
    error_clear(why);
}

/*
 * Was a load that failed the first look at the slot's bytes, so that verifying them may tell something else? EINVAL:
 * the file system let it be opened past the cache, and then refused to read.
 */
static bool is_doubtful(const struct restore *restore, const struct error *why)
{
    const struct slot *slot = &restore->store->survey.slot[restore->slot_number];

    return slot->state != H5CKPT_SLOT_INTACT &&
           (is_slot_at_fault(why->status) || why->status == H5CKPT_E_SCHEMA || why->status == H5CKPT_E_SETTINGS ||
            why->system_errno == EINVAL || restore->changed);
}

/* Nothing is given back, for the reason in `why`; that it would have been an older state is worth knowing as well. */
static h5ckpt_status give_up(h5ckpt_store *store, bool fell_back, struct error *why)
{
    if (fell_back && (why->status == H5CKPT_E_SCHEMA || why->status == H5CKPT_E_SETTINGS))
        error_append(why, "\nIt is not the newest state: %s", error_message(&store->error));
    error_move(&store->error, why);
    return store->error.status;
}

static h5ckpt_status restore_once(struct restore *restore)
{
    h5ckpt_store *store = restore->store;
    enum h5ckpt_depth depth = restore->options->memory == H5CKPT_VERIFY_FIRST ? H5CKPT_ALL_BYTES : H5CKPT_RECORDS;
    struct error error = ERROR_NONE;
    h5ckpt_status status;
    h5ckpt_status loaded;

    restore->passed_over = 0; /* what was passed over in an earlier attempt may hold another state by now */
    status = examine_begin(store);
    if (status != H5CKPT_OK)
        return status;
    for (;;) { /* every turn ends, verifies from then on, or takes one slot out of the running */
        status = examine_next(store, restore->options->which, depth, restore->passed_over, &restore->slot_number);
        if (status != H5CKPT_OK && status != H5CKPT_FELL_BACK)
            return status;
        loaded = load_slot(restore, &error);
        if (depth == H5CKPT_ALL_BYTES && may_have_passed(restore, loaded))
            loaded = load_slot(restore, &error);
        if (loaded == H5CKPT_OK) {
            error_clear(&error);
            return status;
        }
        if (is_doubtful(restore, &error)) {
            depth = H5CKPT_ALL_BYTES;
            error_clear(&error);
            status = examine_confirm(store);
            if (status != H5CKPT_OK)
                return status;
        } else if (is_slot_at_fault(loaded)) {
            status = examine_reject(store, restore->slot_number, &error);
            if (status < 0)
                return status;
        } else if (restore->changed) {
            pass_over(restore, &error);
        } else {
            return give_up(store, status == H5CKPT_FELL_BACK, &error);
        }
    }
}

/* Memory had begun to change and no state could be given back. */
static h5ckpt_status say_memory_changed(struct restore *restore)
{
    h5ckpt_store *store = restore->store;
    struct error reason = ERROR_NONE;

    /* That nothing is left to give back is not why: intact states were passed over. */
    error_move(&reason, restore->cause.status < 0 ? &restore->cause : &store->error);
    error_set(&store->error, H5CKPT_E_MEMORY_CHANGED,
              "the restore failed after the variables had begun to change: they hold no "
              "state, and saving is refused until a restore succeeds. The checkpoint on disk is as it was. Cause: ");
    error_append(&store->error, "%s", error_message(&reason));
    error_clear(&reason);
    store->memory_changed = true;
    return H5CKPT_E_MEMORY_CHANGED;
}

static h5ckpt_status restore(struct restore *restore)
{
    h5ckpt_store *store = restore->store;
    h5ckpt_status status = H5CKPT_E_OVERTAKEN;

    restore->touched = calloc(store->state->variable_count + 1, sizeof *restore->touched);
    if (restore->touched == NULL)
        return error_set(&store->error, H5CKPT_E_MEMORY, "no memory to restore %zu variables; memory is untouched",
                         store->state->variable_count);
    for (int attempt = 0; attempt < RESTORE_ATTEMPTS_MAX && status == H5CKPT_E_OVERTAKEN; attempt++)
        status = restore_once(restore);
    free(restore->touched);
    if (status == H5CKPT_OK || status == H5CKPT_FELL_BACK) {
        store_set_base(store, restore->slot_number);
        store->progress = store->survey.slot[restore->slot_number].record.progress;
        store->memory_changed = false;
        if (status == H5CKPT_OK)
            error_clear(&store->error);
    } else if (restore->changed) {
        status = say_memory_changed(restore);
    } else if (status == H5CKPT_NO_CHECKPOINT && restore->options->which == H5CKPT_CURRENT) {
        store->may_save = true;
    }
    return status;
}

static void tell(const struct restore *restore, h5ckpt_status status, int64_t begun_ns)
{
    const h5ckpt_store *store = restore->store;
    const struct slot *slot = &store->survey.slot[restore->slot_number];
    struct event event = {
        .kind = status == H5CKPT_OK ? H5CKPT_EVENT_RESTORED : H5CKPT_EVENT_FELL_BACK,
        .status = status,
        .file = slot->name,
        .record = &slot->record,
        .seconds = (double)(system_calls->monotonic_time_ns() - begun_ns) / 1e9,
    };
    char text[PROGRESS_TEXT_BYTES];

    if (status < 0)
        event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_RESTORE_FAILED, .status = status},
                   "not restored: %s", error_message(&store->error));
    else if (status == H5CKPT_FELL_BACK)
        event_tell(&store->events, event, "%s", error_message(&store->error));
    else if (status == H5CKPT_OK)
        event_tell(&store->events, event, "restored '%s/%s': sequence %" PRIu64 ", %s, in %.1f ms",
                   store->directory.path, slot->name, slot->record.sequence,
                   progress_text(&slot->record.progress, text), event.seconds * 1e3);
}

/* The news of a restore that took place all the same: also the message of the call, after what that says already. */
static void tell_settings(const struct restore *restore, h5ckpt_status status)
{
    h5ckpt_store *store = restore->store;
    const struct slot *slot = &store->survey.slot[restore->slot_number];
    const bool unknown = restore->settings.verdict == SETTINGS_UNKNOWN;
    struct error news = ERROR_NONE;

    if (restore->settings.verdict == SETTINGS_SAME)
        return;
    error_set(&news, status, "'%s/%s' (sequence %" PRIu64 ") was saved %s:", store->directory.path, slot->name,
              slot->record.sequence,
              unknown ? "by a program without settings, and goes on with these"
                      : "with other settings, and goes on with the new ones");
    error_append(&news, "%s", error_message(&restore->settings.changes));
    event_tell(
        &store->events,
        (struct event){
            .kind = H5CKPT_EVENT_SETTINGS_CHANGED, .status = status, .file = slot->name, .record = &slot->record},
        "%s", error_message(&news));
    error_append(&store->error, "%s%s", error_message(&store->error)[0] == '\0' ? "" : "\n", error_message(&news));
    error_clear(&news);
}

h5ckpt_status h5ckpt_restore(h5ckpt_store *store, const struct h5ckpt_restore_options *options,
                             struct h5ckpt_report *report)
{
    const struct h5ckpt_restore_options defaults = h5ckpt_restore_options_default();
    const int64_t begun_ns = system_calls->monotonic_time_ns();
    struct restore call = {.store = store, .options = options == NULL ? &defaults : options};
    h5ckpt_status status;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = store_enter(store, "h5ckpt_restore");
    if (status == H5CKPT_OK)
        status = check_options(call.options, &store->error);
    if (status == H5CKPT_OK)
        status = store_check_state(store);
    if (status < 0)
        return status;
    status = restore(&call);
    error_clear(&call.cause);
    tell(&call, status, begun_ns);
    const bool restored = status == H5CKPT_OK || status == H5CKPT_FELL_BACK;
    if (restored)
        tell_settings(&call, status);
    settings_free(&call.settings);
    if (report != NULL)
        report_fill(report, store, status, restored ? (int)call.slot_number : REPORT_NO_SLOT,
                    restored ? call.variable_count : 0);
    if (report != NULL && restored)
        report->history_rows = store->history.row_count;
    return status;
}
