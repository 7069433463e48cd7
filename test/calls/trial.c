/* SPDX-License-Identifier: MIT */
#include "calls/trial.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash/seen.h"
#include "recovery/choose.h"
#include "storage/store.h"

enum { SEED = 11, UNITS_MAX = 8192, SHOWN_MAX = 40 };

struct trial {
    const struct scenario *scenario;
    unsigned variant;
    const struct fault *fault;
    struct simfs *fs;
    struct descriptors descriptors;
    h5ckpt_store *store;
    bool open; /* it opened, and its checkpoint was not deleted */
    bool acting;
    bool deletes;                                                 /* a deletion was tried */
    enum { MAY_SAVE, MAY_BE_REFUSED, MUST_RESTORE } must_restore; /* before it may save */
    bool memory_changed;
    bool logs;
    bool history_full; /* not all rows need be there */
    struct h5ckpt_options options;
    enum model_schema schema;
    uint64_t base; /* the number last saved or restored; 0: none */
    struct known known;
    const char *phase;
    struct violations *violations;
};

struct beginning {
    struct trial trial; /* as it was after `before` */
    struct simfs *image;
};

static bool reads_past_cache;
static bool history_grows;
static size_t strike_count; /* of the last trial's act */

bool __wrap_choose_past_cache(uint64_t file_bytes);

bool __wrap_choose_past_cache(uint64_t file_bytes)
{
    (void)file_bytes;
    return reads_past_cache;
}

uint64_t __real_history_capacity_for(uint64_t row_count);
uint64_t __wrap_history_capacity_for(uint64_t row_count);

uint64_t __wrap_history_capacity_for(uint64_t row_count)
{
    uint64_t capacity = 2;

    while (capacity < row_count)
        capacity *= 2;
    return history_grows ? capacity : __real_history_capacity_for(row_count);
}

/* ------------------------------------------------------------------- violations */

static void describe_fault(const struct trial *trial, char *text, size_t byte_count)
{
    const struct fault *fault = trial->fault;

    if (fault == NULL) {
        snprintf(text, byte_count, "nothing fails");
        return;
    }
    int length = snprintf(text, byte_count, "call %zu %s, errno %d; struck:", fault->at, manner_name(fault->manner),
                          fault->error);
    for (size_t i = 0; i < injector_strike_count() && i < 6 && (size_t)length < byte_count; i++) {
        const struct strike *strike = injector_strike(i);
        length += snprintf(text + length, byte_count - (size_t)length, " %s '%s' (%d)", call_name(strike->call),
                           strike->name, strike->error);
    }
}

static void violation(struct trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void violation(struct trial *trial, const char *format, ...)
{
    char text[TRIAL_TEXT_BYTES];
    char fault[TRIAL_TEXT_BYTES / 2];
    va_list arguments;
    int length;

    describe_fault(trial, fault, sizeof fault);
    length = snprintf(text, sizeof text, "%s, variant %u, %s; %s: ", trial->scenario->name, trial->variant, fault,
                      trial->phase);
    va_start(arguments, format);
    if (length < (int)sizeof text)
        vsnprintf(text + length, sizeof text - (size_t)length, format, arguments);
    va_end(arguments);
    if (trial->violations->count++ == 0)
        memcpy(trial->violations->first, text, sizeof text);
    if (getenv("H5CKPT_CALLS_LOG") != NULL && trial->violations->count <= SHOWN_MAX)
        fprintf(stderr, "%s\n", text);
}

/* ------------------------------------------------------------------- numbers */

static uint64_t bit(uint64_t number)
{
    return UINT64_C(1) << number;
}

static uint64_t newest(uint64_t set)
{
    uint64_t number = 0;

    for (uint64_t i = 1; i <= TRIAL_NUMBER_MAX; i++)
        if (set & bit(i))
            number = i;
    return number;
}

static void hear(void *context, const struct h5ckpt_event *event)
{
    struct trial *trial = context;

    if (event->kind == H5CKPT_EVENT_SAVE_BEGUN)
        trial->known.permitted |= bit(event->progress.step);
    if (event->kind == H5CKPT_EVENT_DURABLE) {
        trial->known.permitted = bit(event->progress.step);
        trial->known.none = false;
        trial->base = event->progress.step;
    }
}

/* --------------------------------------------------------------------- judging */

/* (1) */
static bool message_says_why(const char *message, h5ckpt_status status)
{
    bool of_errno = false;

    if (status == H5CKPT_OK)
        return true; /* what it says then is news: of a fall-back, of settings */
    if (message[0] == '\0')
        return false;
    for (size_t i = 0; i < injector_strike_count() && i < STRIKES_MAX; i++) {
        const struct strike *strike = injector_strike(i);
        if (!manner_has_errno(strike->manner) || strike->error == NO_ERRNO)
            continue;
        if (strstr(message, strerror(strike->error)) != NULL)
            return true;
        of_errno |= (expected_of_errno(strike->error) & status_bit(status)) != 0;
    }
    return !of_errno || strstr(message, TRIAL_DIRECTORY) != NULL || strstr(message, "random") != NULL ||
           strstr(message, "slot-") != NULL;
}

static void judge(struct trial *trial, enum operation operation, h5ckpt_status status, h5ckpt_status normal)
{
    struct strike strike[STRIKES_MAX];
    size_t count = trial->acting ? injector_strike_count() : 0;

    if (count > STRIKES_MAX)
        count = STRIKES_MAX;
    for (size_t i = 0; i < count; i++)
        strike[i] = *injector_strike(i);
    const statuses expected = expected_statuses(operation, normal, strike, count);
    if ((expected & status_bit(status)) == 0)
        violation(trial, "%s gave %s, not %s%s: %s", operation_name(operation), h5ckpt_status_name(status),
                  h5ckpt_status_name(normal), count == 0 ? "" : " nor what the fault permits",
                  h5ckpt_message(trial->store));
    else if (!message_says_why(h5ckpt_message(trial->store), status))
        violation(trial, "%s gave %s, but the message does not say why: '%s'", operation_name(operation),
                  h5ckpt_status_name(status), h5ckpt_message(trial->store));
}

/* (3) */
static void check_nothing_written(struct trial *trial, size_t op_count, enum operation operation)
{
    for (size_t i = op_count; i < simfs_op_count(trial->fs); i++) {
        const enum simfs_op_kind kind = simfs_op_at(trial->fs, i)->kind;
        if (kind != SIMFS_WRITE_BACK && kind != SIMFS_FLUSH && kind != SIMFS_FLUSH_FAILED)
            violation(trial, "%s changed something: %s", operation_name(operation), simfs_op_name(kind));
    }
}

/* ------------------------------------------------------------------- open, close */

struct h5ckpt_options *trial_options(struct trial *trial)
{
    return &trial->options;
}

void trial_set_schema(struct trial *trial, enum model_schema schema)
{
    trial->schema = schema;
}

struct simfs *trial_simfs(struct trial *trial)
{
    return trial->fs;
}

static bool struck_so_far(const struct trial *trial)
{
    return trial->acting && injector_strike_count() != 0;
}

static h5ckpt_status open_store(struct trial *trial, enum h5ckpt_mode mode)
{
    struct h5ckpt_options options = trial->options;

    options.mode = mode;
    options.event = hear;
    options.event_context = trial;
    const h5ckpt_status status = h5ckpt_open(&trial->store, TRIAL_DIRECTORY, model_state(trial->schema), &options);
    trial->open = status == H5CKPT_OK;
    trial->must_restore = !trial->known.none                                    ? MUST_RESTORE
                          : trial->known.permitted != 0 || struck_so_far(trial) ? MAY_BE_REFUSED
                                                                                : MAY_SAVE;
    trial->deletes = trial->memory_changed = false;
    trial->base = 0;
    return status;
}

/* Who cannot tell whether the lock being made is still its own does not remove it: the next one does. */
static bool is_about_new_lock(const struct strike *strike)
{
    return (strike->call == CALL_STATUS || strike->call == CALL_STATUS_AT) && strcmp(strike->name, "lock.new") == 0;
}

void trial_open(struct trial *trial)
{
    const uint64_t fingerprint = simfs_fingerprint(trial->fs);
    const h5ckpt_status status = open_store(trial, H5CKPT_READ_WRITE);

    judge(trial, (trial->scenario->directory & NO_LOCK) != 0 ? OPERATION_ADOPT : OPERATION_OPEN, status, H5CKPT_OK);
    if (status < 0 && (trial->scenario->directory & NOTHING_TO_TIDY) != 0 && trial->fault != NULL &&
        trial->fault->manner == MANNER_ONCE && !is_about_new_lock(injector_strike(0)) &&
        simfs_fingerprint(trial->fs) != fingerprint)
        violation(trial, "an open that failed left the directory changed");
}

void trial_open_reader(struct trial *trial)
{
    const size_t op_count = simfs_op_count(trial->fs);

    judge(trial, OPERATION_OPEN_READER, open_store(trial, H5CKPT_READ_ONLY), H5CKPT_OK);
    check_nothing_written(trial, op_count, OPERATION_OPEN_READER);
}

void trial_close(struct trial *trial)
{
    h5ckpt_close(trial->store);
    trial->store = NULL;
    trial->open = false;
    if (descriptors_open_count(&trial->descriptors) != 0) /* (7) */
        violation(trial, "%u descriptors are still open", descriptors_open_count(&trial->descriptors));
    if (trial->descriptors.misused_count != 0)
        violation(trial, "%u times a descriptor was used that was not open", trial->descriptors.misused_count);
    trial->descriptors.misused_count = 0;
}

void trial_kill(struct trial *trial)
{
    simfs_kill(trial->fs);
    memset(&trial->descriptors, 0, sizeof trial->descriptors);
    h5ckpt_close(trial->store);
    memset(&trial->descriptors, 0, sizeof trial->descriptors);
    trial->store = NULL;
    trial->open = false;
    simfs_restart(trial->fs);
}

/* --------------------------------------------------------------------- restore */

static bool row_is(const struct history *history, uint64_t row, uint64_t number)
{
    return history->position[2][row] == number && history->value[0][row] == (double)number;
}

static bool history_is(const struct trial *trial, uint64_t number)
{
    const struct history *history = &trial->store->history;

    if (!trial->logs || trial->history_full || trial->store->options.mode == H5CKPT_READ_ONLY)
        return true;
    return history->row_count > 0 && row_is(history, history->row_count - 1, number);
}

/* (2), (4) */
static void judge_restored(struct trial *trial, h5ckpt_status status, uint64_t permitted)
{
    const struct h5ckpt_progress at = h5ckpt_progress(trial->store);
    const uint64_t number = at.step;

    if (number == 0 || number > TRIAL_NUMBER_MAX || !model_is_progress(&at, number))
        violation(trial, "restored as no state: number %" PRIu64, number);
    else if (!model_is(trial->schema, number) || trial->known.schema_of[number] != trial->schema)
        violation(trial, "restored a mixture as state %" PRIu64, number);
    else if (!history_is(trial, number))
        violation(trial, "restored state %" PRIu64 " with another's history", number);
    else if ((permitted & bit(number)) == 0 && !(trial->acting && status == H5CKPT_FELL_BACK))
        violation(trial, "restored state %" PRIu64 " (%s), which is none of %" PRIx64, number,
                  h5ckpt_status_name(status), permitted);
    else {
        trial->base = number;
        trial->must_restore = MAY_SAVE;
    }
}

static void judge_not_restored(struct trial *trial, h5ckpt_status status)
{
    if (status != H5CKPT_E_MEMORY_CHANGED && !model_is_spoilt(trial->schema))
        violation(trial, "%s, but memory was touched", h5ckpt_status_name(status));
    if (status == H5CKPT_NO_CHECKPOINT && trial->known.none)
        trial->must_restore = MAY_SAVE;
    if (status == H5CKPT_NO_CHECKPOINT && !trial->known.none && !trial->acting)
        violation(trial, "there is a checkpoint, but the restore says that there is none");
}

static bool is_restored(h5ckpt_status status)
{
    return status == H5CKPT_OK || status == H5CKPT_FELL_BACK;
}

/* What was begun may be there or not; and damaged slots, as `before` leaves them, are fallen back from. */
static h5ckpt_status normal_of_restore(const struct trial *trial, h5ckpt_status status)
{
    if ((status == H5CKPT_FELL_BACK && trial->known.doubt) || (status == H5CKPT_NO_CHECKPOINT && trial->known.none))
        return status;
    return trial->known.permitted == 0 ? H5CKPT_NO_CHECKPOINT : H5CKPT_OK;
}

/* Is it one slot that cannot be read, for good, while there is another, and the state of the number before in it? */
static bool is_slot_lost(const struct trial *trial, const struct h5ckpt_restore_options *options)
{
    const size_t count = injector_strike_count();

    if (!trial->acting || trial->fault->manner != MANNER_SAME_FILE || trial->fault->error != EIO ||
        trial->options.slots == 1 || options->which != H5CKPT_CURRENT || trial->known.doubt ||
        trial->known.milestone != 0 || count == 0)
        return false;
    for (size_t i = 0; i < count && i < STRIKES_MAX; i++)
        if (strncmp(injector_strike(i)->name, "slot-", 5) != 0)
            return false;
    return true;
}

/* P7, as far as it does not go without saying: then the state before is given back. */
static void judge_fall_back(struct trial *trial, h5ckpt_status status)
{
    const uint64_t number = h5ckpt_progress(trial->store).step;

    if (!is_restored(status))
        violation(trial, "%s, although only one slot cannot be read: %s", h5ckpt_status_name(status),
                  h5ckpt_message(trial->store));
    else if (number != newest(trial->known.permitted) - (status == H5CKPT_FELL_BACK))
        violation(trial, "%s to state %" PRIu64, h5ckpt_status_name(status), number);
}

void trial_restore(struct trial *trial, const struct h5ckpt_restore_options *options)
{
    const struct h5ckpt_restore_options defaults = h5ckpt_restore_options_default();
    const size_t op_count = simfs_op_count(trial->fs);
    enum operation operation = OPERATION_RESTORE;
    uint64_t permitted = trial->known.permitted;

    if (!trial->open)
        return;
    if (options == NULL)
        options = &defaults;
    if (options->memory == H5CKPT_STAGED)
        operation = OPERATION_RESTORE_STAGED;
    else if (trial->schema == MODEL_BIG)
        operation = OPERATION_RESTORE_IN_PIECES;
    if (options->which == H5CKPT_PREVIOUS)
        permitted = bit(newest(permitted) - 1);
    model_spoil(trial->schema);
    const h5ckpt_status status = h5ckpt_restore(trial->store, options, NULL);
    judge(trial, operation, status, normal_of_restore(trial, status));
    check_nothing_written(trial, op_count, operation);
    if (is_slot_lost(trial, options))
        judge_fall_back(trial, status);
    trial->memory_changed = status == H5CKPT_E_MEMORY_CHANGED || (trial->memory_changed && !is_restored(status));
    if (is_restored(status) && options->match == H5CKPT_EXACT)
        judge_restored(trial, status, permitted);
    else if (is_restored(status))
        trial->must_restore = MAY_SAVE;
    else
        judge_not_restored(trial, status);
    if (is_restored(status) && options->which == H5CKPT_PREVIOUS)
        trial->known.permitted |= permitted;
}

void trial_compare(struct trial *trial)
{
    const size_t op_count = simfs_op_count(trial->fs);

    if (!trial->open || trial->base == 0)
        return;
    model_set(trial->schema, trial->base);
    judge(trial, OPERATION_COMPARE, h5ckpt_compare(trial->store, H5CKPT_CURRENT), H5CKPT_OK);
    check_nothing_written(trial, op_count, OPERATION_COMPARE);
    if (!model_is(trial->schema, trial->base))
        violation(trial, "a comparison changed memory");
}

/* -------------------------------------------------------------------- inspection */

void trial_inspect(struct trial *trial, enum h5ckpt_depth depth)
{
    const struct h5ckpt_inspect_options options = {.depth = depth};
    const size_t op_count = simfs_op_count(trial->fs);
    struct h5ckpt_report report;

    if (!trial->open)
        return;
    const h5ckpt_status status = h5ckpt_inspect(trial->store, &options, &report);
    judge(trial, OPERATION_INSPECT, status, normal_of_restore(trial, status));
    check_nothing_written(trial, op_count, OPERATION_INSPECT);
    if (status == H5CKPT_OK && (trial->known.permitted & bit(report.progress.step)) == 0)
        violation(trial, "the report is of state %" PRIu64, report.progress.step);
}

/* The slot of the newest state, by its name: states alternate. */
static unsigned newest_slot(struct trial *trial)
{
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++)
        if (trial->store->survey.slot[i].record.progress.step == newest(trial->known.permitted))
            return i;
    return 0;
}

static void count_visit(void *context)
{
    unsigned *count = context;

    ++*count;
}

static void visit_variable(void *context, const struct h5ckpt_stored *variable)
{
    (void)variable;
    count_visit(context);
}

static void visit_setting(void *context, const struct h5ckpt_stored_setting *setting)
{
    (void)setting;
    count_visit(context);
}

static void visit_damage(void *context, const struct h5ckpt_damage *damage)
{
    (void)damage;
    count_visit(context);
}

static void visit_history(void *context, const struct h5ckpt_history *history)
{
    *(unsigned *)context += history->row_count == 0 || history->step[history->row_count - 1] == 0 ? 0 : 1;
}

static void judge_list(struct trial *trial, h5ckpt_status status, const unsigned *count)
{
    judge(trial, OPERATION_LIST, status, H5CKPT_OK);
    if (status == H5CKPT_OK && *count == 0)
        violation(trial, "nothing was listed");
}

void trial_list_variables(struct trial *trial)
{
    unsigned count = 0;

    if (trial->open)
        judge_list(trial, h5ckpt_list_variables(trial->store, newest_slot(trial), visit_variable, &count), &count);
}

void trial_list_damage(struct trial *trial)
{
    unsigned count = 0;

    if (trial->open)
        judge_list(trial, h5ckpt_list_damage(trial->store, 0, visit_damage, &count), &count);
}

void trial_list_settings(struct trial *trial)
{
    unsigned count = 0;

    if (trial->open)
        judge_list(trial, h5ckpt_list_settings(trial->store, newest_slot(trial), visit_setting, &count), &count);
}

void trial_read_history(struct trial *trial)
{
    unsigned count = 0;

    if (trial->open)
        judge_list(trial, h5ckpt_read_history(trial->store, newest_slot(trial), visit_history, &count), &count);
}

struct milestones_seen {
    struct trial *trial;
    unsigned count;
};

static void visit_milestone(void *context, const struct h5ckpt_milestone *milestone)
{
    struct milestones_seen *seen = context;
    struct trial *trial = seen->trial;

    seen->count++;
    if (trial->acting) /* what cannot be read is said to be so */
        return;
    if (strcmp(milestone->name, TRIAL_MILESTONE) != 0 || milestone->state != H5CKPT_SLOT_INTACT)
        violation(trial, "milestone '%s' is %s: %s", milestone->name, h5ckpt_slot_state_name(milestone->state),
                  milestone->reason);
    else if ((trial->known.milestone & bit(milestone->progress.step)) == 0)
        violation(trial, "the milestone is state %" PRIu64, milestone->progress.step);
}

void trial_list_milestones(struct trial *trial)
{
    const size_t op_count = simfs_op_count(trial->fs);
    struct milestones_seen seen = {trial, 0};

    if (!trial->open)
        return;
    judge(trial, OPERATION_LIST_MILESTONES,
          h5ckpt_list_milestones(trial->store, H5CKPT_ALL_BYTES, visit_milestone, &seen), H5CKPT_OK);
    check_nothing_written(trial, op_count, OPERATION_LIST_MILESTONES);
    if (!trial->acting && seen.count == 0 && !trial->known.no_milestone)
        violation(trial, "the milestone is gone");
}

/* -------------------------------------------------------------------------- save */

static void log_row(struct trial *trial, uint64_t number)
{
    const struct h5ckpt_progress at = model_progress(number);
    struct error error = ERROR_NONE;

    if (!trial->logs)
        return;
    history_log(&trial->store->history, "loss", (double)number, &error);
    history_end_row(&trial->store->history, &at);
    error_clear(&error);
}

void trial_log(struct trial *trial)
{
    trial->logs = true;
}

void trial_log_and_grow(struct trial *trial)
{
    trial->logs = history_grows = true;
}

void trial_past_cache(struct trial *trial)
{
    (void)trial;
    reads_past_cache = true;
}

static h5ckpt_status normal_of_save(const struct trial *trial, h5ckpt_status status)
{
    if (trial->memory_changed)
        return H5CKPT_E_MEMORY_CHANGED;
    if (trial->must_restore == MAY_BE_REFUSED && status == H5CKPT_E_NOT_RESTORED)
        return status;
    if (trial->history_full && status == H5CKPT_HISTORY_FULL) /* room is not looked for with every save */
        return status;
    return trial->must_restore == MUST_RESTORE ? H5CKPT_E_NOT_RESTORED : H5CKPT_OK;
}

void trial_begin_save(struct trial *trial)
{
    const uint64_t number = ++trial->known.last_number;
    const struct h5ckpt_progress at = model_progress(number);

    if (!trial->open)
        return;
    if (number > TRIAL_NUMBER_MAX) {
        violation(trial, "too many states");
        return;
    }
    trial->known.schema_of[number] = trial->schema;
    if (trial->options.save_mode == H5CKPT_SAVE_FENCED)
        trial_fence(trial); /* before the variables change */
    model_set(trial->schema, number);
    log_row(trial, number);
    const h5ckpt_status status = h5ckpt_save(trial->store, &at);
    judge(trial, OPERATION_SAVE, status, normal_of_save(trial, status));
    trial->history_full |= trial->acting && status == H5CKPT_HISTORY_FULL;
}

void trial_wait(struct trial *trial)
{
    if (trial->open)
        judge(trial, OPERATION_WAIT, h5ckpt_wait(trial->store), H5CKPT_OK);
}

void trial_fence(struct trial *trial)
{
    const h5ckpt_status status = trial->open ? h5ckpt_fence(trial->store) : H5CKPT_OK;

    if (status != H5CKPT_OK)
        violation(trial, "the fence gave %s: %s", h5ckpt_status_name(status), h5ckpt_message(trial->store));
}

void trial_save(struct trial *trial)
{
    trial_begin_save(trial);
    if (trial->options.save_mode != H5CKPT_SAVE_SYNCHRONOUS)
        trial_wait(trial);
}

void trial_start_over(struct trial *trial)
{
    if (!trial->open)
        return;
    const h5ckpt_status status = h5ckpt_start_over(trial->store);
    judge(trial, OPERATION_START_OVER, status, normal_of_restore(trial, status));
    if (status >= 0)
        trial->must_restore = MAY_SAVE;
    if (status >= 0)
        trial->memory_changed = false;
}

void trial_space(struct trial *trial)
{
    struct h5ckpt_space space;

    if (trial->open)
        judge(trial, OPERATION_SPACE, h5ckpt_space(trial->store, &space), H5CKPT_OK);
}

void trial_reserve(struct trial *trial)
{
    if (trial->open)
        judge(trial, OPERATION_RESERVE, h5ckpt_reserve(trial->store), H5CKPT_OK);
}

/* --------------------------------------------------------------- milestones, deletion */

void trial_keep(struct trial *trial)
{
    if (!trial->open || trial->base == 0)
        return;
    trial->known.milestone |= bit(trial->base);
    const h5ckpt_status status = h5ckpt_keep(trial->store, TRIAL_MILESTONE);
    judge(trial, OPERATION_KEEP, status, H5CKPT_OK);
    if (status == H5CKPT_OK) {
        trial->known.milestone = bit(trial->base);
        trial->known.no_milestone = false;
    }
}

void trial_forget(struct trial *trial)
{
    if (!trial->open)
        return;
    trial->known.no_milestone = true;
    const h5ckpt_status status = h5ckpt_remove_milestone(trial->store, TRIAL_MILESTONE);
    judge(trial, OPERATION_FORGET, status, H5CKPT_OK);
    if (status == H5CKPT_OK)
        trial->known.milestone = 0;
}

void trial_roll_back(struct trial *trial)
{
    if (!trial->open)
        return;
    trial->known.permitted |= trial->known.milestone;
    const h5ckpt_status status = h5ckpt_roll_back(trial->store, TRIAL_MILESTONE);
    judge(trial, OPERATION_ROLL_BACK, status, H5CKPT_OK);
    if (trial->must_restore == MAY_SAVE)
        trial->must_restore = MAY_BE_REFUSED;
    if (status == H5CKPT_OK) {
        trial->must_restore = MUST_RESTORE;
        trial->known.permitted = trial->known.milestone;
        trial->known.none = false;
    }
}

void trial_delete(struct trial *trial)
{
    if (!trial->open)
        return;
    trial->known.none = true;
    trial->deletes = true;
    const h5ckpt_status status = h5ckpt_delete(trial->store);
    judge(trial, OPERATION_DELETE, status, H5CKPT_OK);
    if (status == H5CKPT_OK) {
        trial->known.permitted = 0;
        trial->open = false;
    }
}

void trial_cut_deletion_short(struct trial *trial)
{
    const struct simfs_fault fault = {
        .call = SIMFS_CALL_REMOVE, .name_prefix = "slot-", .fail_count = UINT_MAX, .error = EIO};

    simfs_set_fault(trial->fs, &fault);
    if (h5ckpt_delete(trial->store) != H5CKPT_E_IO)
        violation(trial, "the deletion was not cut short");
    simfs_set_fault(trial->fs, NULL);
    trial->known.none = true;
    trial->known.permitted = 0;
    trial_kill(trial);
}

void trial_damage(struct trial *trial, const char *name, uint64_t offset, uint64_t fallback)
{
    char path[2 * SIMFS_NAME_BYTES];

    snprintf(path, sizeof path, TRIAL_DIRECTORY "/%s", name);
    simfs_damage(trial->fs, path, offset, 1);
    trial->known.permitted = bit(fallback);
    trial->known.doubt = true;
}

/* --------------------------------------------------------------------- afterwards */

/* Another handle, with what is known and nothing of what the one before did. */
static struct trial another(const struct trial *trial, struct simfs *fs)
{
    struct trial fresh = *trial;

    fresh.fs = fs;
    memset(&fresh.descriptors, 0, sizeof fresh.descriptors);
    fresh.store = NULL;
    fresh.open = fresh.acting = false;
    return fresh;
}

/* The program as it was when the state was saved that is there. */
static void restore_as_saved(struct trial *trial, bool (*open)(struct trial *trial))
{
    static const enum model_schema SCHEMA[] = {MODEL_SMALL, MODEL_EXTENDED, MODEL_DRIFTING, MODEL_BIG};
    struct h5ckpt_restore_options options = h5ckpt_restore_options_default();
    h5ckpt_status status = H5CKPT_E_SCHEMA;

    for (size_t i = 0; i < sizeof SCHEMA / sizeof *SCHEMA && status == H5CKPT_E_SCHEMA; i++) {
        uint64_t of_schema = 0;
        for (uint64_t number = 1; number <= TRIAL_NUMBER_MAX; number++)
            if (trial->known.schema_of[number] == SCHEMA[i])
                of_schema |= bit(number);
        if ((trial->known.permitted & of_schema) == 0 && !(trial->known.permitted == 0 && SCHEMA[i] == trial->schema))
            continue;
        if (trial->store != NULL)
            trial_close(trial);
        trial_set_schema(trial, SCHEMA[i]);
        if (!open(trial))
            return;
        model_spoil(trial->schema);
        options.memory = (enum h5ckpt_memory)(seen_mix(trial->known.permitted + i) % 3);
        status = h5ckpt_restore(trial->store, &options, NULL);
    }
    if (is_restored(status))
        judge_restored(trial, status, trial->known.permitted);
    else
        judge_not_restored(trial, status);
    if (status == H5CKPT_FELL_BACK && !trial->known.doubt)
        violation(trial, "a state is called a fall-back: %s", h5ckpt_message(trial->store));
    if (!is_restored(status) && (status != H5CKPT_NO_CHECKPOINT || !trial->known.none))
        violation(trial, "restore: %s: %s", h5ckpt_status_name(status), h5ckpt_message(trial->store));
}

static bool open_to_read(struct trial *trial)
{
    trial_open_reader(trial);
    return trial->open;
}

static bool open_to_write(struct trial *trial)
{
    trial_open(trial);
    return trial->open;
}

/* (4) */
static void check_with_reader(const struct trial *trial, struct simfs *fs, const char *phase)
{
    struct trial reader = another(trial, fs);

    reader.phase = phase;
    injector_use(fs, &reader.descriptors);
    restore_as_saved(&reader, open_to_read);
    trial_list_milestones(&reader);
    trial_close(&reader);
}

static void check_after_power_cut(const struct trial *trial, enum simfs_survivors survivors, uint64_t choice)
{
    static struct simfs_unit unit[UNITS_MAX];
    static unsigned version[UNITS_MAX];
    static struct simfs *image;
    struct trial after = *trial;
    const size_t count = simfs_units_in_flight(trial->fs, unit, UNITS_MAX);

    if (image == NULL)
        image = simfs_new(SEED);
    if (count > UNITS_MAX) {
        violation(&after, "too much is in flight for a power cut");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        version[i] = survivors == SIMFS_SURVIVE_NONE ? 0 : unit[i].version_count - 1;
        if (survivors == SIMFS_SURVIVE_SOME)
            version[i] = (unsigned)(seen_mix(choice + i) % unit[i].version_count);
    }
    simfs_image_after_power_cut(image, trial->fs, unit, version, count);
    after.known.doubt = true;
    check_with_reader(&after, image, "after a power cut");
}

static void check_states(struct trial *trial, uint64_t choice, const char *phase)
{
    check_with_reader(trial, trial->fs, phase);
    check_after_power_cut(trial, (enum simfs_survivors)(choice % 3), choice);
    injector_use(trial->fs, &trial->descriptors);
}

/* (6) */
static void check_names(struct trial *trial)
{
    static const char *const KNOWN[] = {"lock",        "checkpoint.h5", "slot-a.h5",
                                        "slot-b.h5",   "slot-c.h5",     "milestone-" TRIAL_MILESTONE ".h5",
                                        TRIAL_STRANGER};
    const char *name;

    for (size_t i = 0; (name = simfs_name_at(trial->fs, TRIAL_DIRECTORY, i)) != NULL; i++) {
        bool known = false;
        for (size_t j = 0; j < sizeof KNOWN / sizeof *KNOWN; j++)
            known |= strcmp(name, KNOWN[j]) == 0;
        if (!known)
            violation(trial, "'%s' was left in the directory", name);
    }
}

/* Was a file of such a name said not to be there? */
static bool was_said_absent(const char *prefix)
{
    for (size_t i = 0; i < injector_strike_count() && i < STRIKES_MAX; i++)
        if (injector_strike(i)->call == CALL_OPEN && injector_strike(i)->error == ENOENT &&
            strncmp(injector_strike(i)->name, prefix, strlen(prefix)) == 0)
            return true;
    return false;
}

/* (5); a slot that was said not to be there is not cleared away */
static void check_intact_count(struct trial *trial)
{
    const struct h5ckpt_inspect_options options = {.depth = H5CKPT_ALL_BYTES};
    struct h5ckpt_report report;
    unsigned count = 0;

    const h5ckpt_status status = h5ckpt_inspect(trial->store, &options, &report);
    if (status != H5CKPT_OK)
        violation(trial, "inspect: %s: %s", h5ckpt_status_name(status), h5ckpt_message(trial->store));
    for (unsigned i = 0; i < report.slot_count; i++)
        count += report.slot[i].state == H5CKPT_SLOT_INTACT;
    if (count < trial->options.slots || (count > trial->options.slots && !was_said_absent("slot-")))
        violation(trial, "%u states are intact, not %u", count, trial->options.slots);
}

static void save_all_slots(struct trial *trial)
{
    for (unsigned i = 0; i < trial->options.slots && trial->open; i++)
        trial_save(trial);
    trial->known.doubt = false;
}

static bool is_there(const struct trial *trial, const char *wanted)
{
    const char *name;

    for (size_t i = 0; (name = simfs_name_at(trial->fs, TRIAL_DIRECTORY, i)) != NULL; i++)
        if (strcmp(name, wanted) == 0)
            return true;
    return false;
}

/* All but to know that it is durable may have been done already: then the lock is no longer ours, or anybody's. */
static void delete_again(struct trial *trial)
{
    const h5ckpt_status status = h5ckpt_delete(trial->store);

    judge(trial, OPERATION_DELETE, status,
          status == H5CKPT_E_BUSY && !is_there(trial, "lock") ? H5CKPT_E_BUSY : H5CKPT_OK);
    trial->known.permitted = 0;
}

/* What is asked for again is done now. */
static void go_on(struct trial *trial)
{
    const bool reads_only = trial->open && trial->store->options.mode == H5CKPT_READ_ONLY;

    trial->phase = "with the fault gone";
    if (trial->open && trial->deletes) {
        delete_again(trial);
    } else if (trial->open) {
        h5ckpt_wait(trial->store); /* what was in flight may have failed */
        if (trial->must_restore == MAY_BE_REFUSED && !reads_only)
            trial_save(trial);
        if (trial->must_restore != MAY_SAVE || reads_only || trial->memory_changed) {
            const struct h5ckpt_restore_options options = {.match = H5CKPT_INTERSECTION};
            trial_restore(trial,
                          trial->known.schema_of[newest(trial->known.permitted)] == trial->schema ? NULL : &options);
        }
        if (!reads_only) {
            save_all_slots(trial);
            check_intact_count(trial);
        }
    }
    trial_close(trial);
}

/* (6) */
static void begin_again(struct trial *trial, uint64_t choice)
{
    trial->phase = "with another handle";
    restore_as_saved(trial, open_to_write);
    if (trial->open) {
        check_names(trial);
        save_all_slots(trial);
        check_intact_count(trial);
        trial_list_milestones(trial);
    }
    trial_close(trial);
    check_names(trial);
    check_after_power_cut(trial, (enum simfs_survivors)(choice / 3 % 3), choice);
    injector_use(trial->fs, &trial->descriptors);
}

/* ------------------------------------------------------------------------ trials */

static void reset(struct trial *trial, const struct scenario *scenario, unsigned variant, struct violations *violations)
{
    *trial = (struct trial){.scenario = scenario,
                            .variant = variant,
                            .options = h5ckpt_options_default(),
                            .schema = MODEL_SMALL,
                            .known = {.none = true, .no_milestone = true},
                            .violations = violations};
    system_calls = &injector_calls;
    reads_past_cache = history_grows = false;
    injector_refuse_links(NULL);
}

struct beginning *trial_begin(const struct scenario *scenario, unsigned variant, struct violations *violations)
{
    struct beginning *beginning = zeroed_or_abort(1, sizeof *beginning);
    struct trial *trial = &beginning->trial;

    reset(trial, scenario, variant, violations);
    trial->phase = "before";
    trial->fs = simfs_new(SEED + variant);
    injector_use(trial->fs, &trial->descriptors);
    if (scenario->before != NULL)
        scenario->before(trial, variant);
    if (trial->store != NULL)
        trial_close(trial);
    beginning->image = simfs_new(SEED);
    return beginning;
}

void trial_end(struct beginning *beginning)
{
    simfs_free(beginning->image);
    simfs_free(beginning->trial.fs);
    free(beginning);
}

static struct trial start(struct beginning *beginning)
{
    struct trial trial = another(&beginning->trial, beginning->image);

    simfs_image_after_kill(beginning->image, beginning->trial.fs);
    return trial;
}

static void act(struct trial *trial, const struct fault *fault)
{
    if (trial->scenario->prepare != NULL)
        trial->scenario->prepare(trial, trial->variant);
    trial->fault = fault;
    trial->acting = fault != NULL;
    trial->phase = "in the act";
    injector_arm(fault);
    trial->scenario->act(trial, trial->variant);
    injector_rest();
    trial->acting = false;
    strike_count = injector_strike_count();
}

size_t trial_count_calls(struct beginning *beginning)
{
    struct trial trial = start(beginning);

    trial.phase = "prepared";
    injector_use(trial.fs, &trial.descriptors);
    act(&trial, NULL);
    const size_t count = injector_call_count();
    trial_close(&trial);
    return count < NOTED_MAX ? count : NOTED_MAX;
}

static void note_doubt(struct trial *trial)
{
    for (size_t i = 0; i < strike_count && i < STRIKES_MAX; i++)
        trial->known.doubt |= expected_doubt_afterwards(injector_strike(i), 1);
}

void trial_run(struct beginning *beginning, const struct fault *fault, uint64_t choice)
{
    struct trial trial = start(beginning);

    trial.phase = "prepared";
    injector_use(trial.fs, &trial.descriptors);
    act(&trial, fault);
    note_doubt(&trial);
    check_states(&trial, choice, "beside the handle");
    go_on(&trial);
    begin_again(&trial, choice);
}

bool trial_struck(void)
{
    return strike_count != 0;
}
