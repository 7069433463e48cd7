/* SPDX-License-Identifier: MIT */
#include "logs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum { LOOKS_MAX = 4 }; /* how often a writer may replace what was found before it could be read */

struct visit {
    struct logs *logs;
    const char *const *wanted;
    size_t wanted_count;
};

static void *room_for(size_t count, size_t element_bytes)
{
    return memory_check(calloc(count + 1, element_bytes));
}

/* --------------------------------------------------------------------- copies */

static const char *missing(const struct visit *visit, const struct h5ckpt_history *history)
{
    for (size_t i = 0; i < visit->wanted_count; i++) {
        bool found = false;
        for (size_t log = 0; log < history->log_count; log++)
            found |= strcmp(history->name[log], visit->wanted[i]) == 0;
        if (!found)
            return visit->wanted[i];
    }
    return NULL;
}

static bool is_wanted(const struct visit *visit, const char *name)
{
    for (size_t i = 0; i < visit->wanted_count; i++)
        if (strcmp(visit->wanted[i], name) == 0)
            return true;
    return visit->wanted_count == 0;
}

/* Which of the history's logs; returns how many. */
static size_t choose_logs(const struct visit *visit, const struct h5ckpt_history *history, size_t *chosen)
{
    size_t count = 0;

    for (size_t log = 0; log < history->log_count; log++)
        if (is_wanted(visit, history->name[log]))
            chosen[count++] = log;
    return count;
}

static bool has_value(const struct h5ckpt_history *history, const size_t *chosen, size_t count, uint64_t row)
{
    for (size_t i = 0; i < count; i++)
        if (h5ckpt_was_logged(history->value[chosen[i]][row]))
            return true;
    return false;
}

static void copy_row(struct logs *logs, const struct h5ckpt_history *history, const size_t *chosen, uint64_t row)
{
    const size_t to = logs->row_count++;

    logs->epoch[to] = history->epoch[row];
    logs->batch[to] = history->batch[row];
    logs->step[to] = history->step[row];
    for (size_t i = 0; i < logs->log_count; i++)
        logs->value[i][to] = history->value[chosen[i]][row];
}

static void keep(void *context, const struct h5ckpt_history *history)
{
    const struct visit *visit = context;
    struct logs *logs = visit->logs;
    size_t *chosen = room_for(history->log_count, sizeof *chosen);

    logs->log_count = choose_logs(visit, history, chosen);
    logs->name = room_for(logs->log_count, sizeof *logs->name);
    logs->value = room_for(logs->log_count, sizeof *logs->value);
    logs->epoch = room_for(history->row_count, sizeof *logs->epoch);
    logs->batch = room_for(history->row_count, sizeof *logs->batch);
    logs->step = room_for(history->row_count, sizeof *logs->step);
    for (size_t i = 0; i < logs->log_count; i++) {
        logs->name[i] = memory_check(strdup(history->name[chosen[i]]));
        logs->value[i] = room_for(history->row_count, sizeof **logs->value);
    }
    for (uint64_t row = 0; row < history->row_count; row++)
        if (has_value(history, chosen, logs->log_count, row))
            copy_row(logs, history, chosen, row);
    free(chosen);
    const char *name = missing(visit, history);
    if (name == NULL)
        return;
    free(logs->message);
    if (asprintf(&logs->message, "there is no log '%s'", name) < 0)
        memory_exhausted();
    logs->verdict = VERDICT_USAGE;
}

/* -------------------------------------------------------------------- looking */

/* Keep the library's message, which lasts only until its next call. */
static void note(struct logs *logs, h5ckpt_status status, const h5ckpt_store *store)
{
    free(logs->message);
    logs->status = status;
    logs->message = memory_check(strdup(h5ckpt_message(store)));
    logs->verdict = verdict(status, &logs->report, false);
}

/*
 * Of a slot whose record is good, some blocks may not be: then all of it is read, to find the one that a restore would
 * give.
 */
static h5ckpt_status look_once(struct logs *logs, h5ckpt_store *store, struct visit *visit, enum h5ckpt_depth depth)
{
    const struct h5ckpt_inspect_options options = {.depth = depth};
    h5ckpt_status status = h5ckpt_inspect(store, &options, &logs->report);

    note(logs, status, store);
    if (logs->report.restored < 0)
        return status;
    status = h5ckpt_read_history(store, (unsigned)logs->report.restored, keep, visit);
    if (status == H5CKPT_E_DAMAGED && depth == H5CKPT_RECORDS)
        return look_once(logs, store, visit, H5CKPT_ALL_BYTES);
    if (status < 0)
        note(logs, status, store);
    return status;
}

struct logs logs_read(const char *directory, const char *const *wanted, size_t wanted_count)
{
    struct logs logs = {.directory = directory, .report.restored = -1};
    struct visit visit = {&logs, wanted, wanted_count};
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_state *state = memory_check(h5ckpt_state_new());
    h5ckpt_store *store;
    h5ckpt_status status;

    options.mode = H5CKPT_READ_ONLY;
    status = h5ckpt_open(&store, directory, state, &options);
    note(&logs, status, store);
    if (status == H5CKPT_OK)
        status = H5CKPT_E_OVERTAKEN;
    for (int i = 0; i < LOOKS_MAX && status == H5CKPT_E_OVERTAKEN; i++)
        status = look_once(&logs, store, &visit, H5CKPT_RECORDS);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
    return logs;
}

bool logs_are_known(const struct logs *logs)
{
    return logs->name != NULL && logs->verdict != VERDICT_USAGE;
}

void logs_free(struct logs *logs)
{
    for (size_t i = 0; i < logs->log_count; i++) {
        free(logs->name[i]);
        free(logs->value[i]);
    }
    free(logs->name);
    free(logs->value);
    free(logs->epoch);
    free(logs->batch);
    free(logs->step);
    free(logs->message);
}
