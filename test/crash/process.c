/* SPDX-License-Identifier: MIT */
/*
 * process.c: the running process, which does what the scenario says and marks it in the log.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crash/internal.h"
#include "crash/schedule.h"
#include "recovery/choose.h"

void must(struct crash *crash, bool condition, const char *call)
{
    if (condition || crash->broken)
        return;
    crash->broken = true;
    violation(crash, NULL, VIOLATION_OTHER, "the scenario itself failed at %s: %s", call, h5ckpt_message(crash->store));
}

/* ------------------------------------------------------------------- restoring */

static bool restores_past_cache;
static unsigned restore_count;

bool __wrap_choose_past_cache(uint64_t file_bytes);

bool __wrap_choose_past_cache(uint64_t file_bytes)
{
    (void)file_bytes;
    return restores_past_cache;
}

void crash_restore_past_cache(void)
{
    restores_past_cache = true;
}

void forget_restores(void)
{
    restores_past_cache = false;
    restore_count = 0;
}

h5ckpt_status restore_somehow(h5ckpt_store *store, const struct h5ckpt_restore_options *options)
{
    static const enum h5ckpt_memory MEMORY[] = {H5CKPT_VERIFY_FIRST, H5CKPT_STAGED, H5CKPT_BLOCKWISE};
    struct h5ckpt_restore_options chosen = options == NULL ? h5ckpt_restore_options_default() : *options;

    chosen.memory = MEMORY[restore_count++ % (sizeof MEMORY / sizeof *MEMORY)];
    return h5ckpt_restore(store, &chosen, NULL);
}

/* ----------------------------------------------------------------- the process */

/* In whichever thread it happens: what is durable is acknowledged from this moment on. */
static void hear(void *context, const struct h5ckpt_event *event)
{
    struct crash *crash = context;

    if (crash->killed)
        return;
    if (event->kind == H5CKPT_EVENT_SAVE_BEGUN) {
        simfs_mark(crash->fs, MARK_SAVING, event->progress.step);
        crash->last_begun = event->progress.step;
    }
    if (event->kind == H5CKPT_EVENT_DURABLE) {
        simfs_mark(crash->fs, MARK_SAVED, event->progress.step);
        crash->last_saved = event->progress.step;
    }
    if (event->kind == H5CKPT_EVENT_SAVE_FAILED) {
        simfs_mark(crash->fs, MARK_FAILED, crash->last_asked);
        crash->failed_count++;
    }
}

struct h5ckpt_options begin_process(struct crash *crash, enum h5ckpt_mode mode, enum model_schema schema)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.mode = mode;
    options.slots = crash->slots;
    options.rewrite_every = schema == MODEL_BIG ? 3 : options.rewrite_every;
    options.save_mode = crash->way->mode;
    options.background.memory_bytes = crash->way->memory_bytes;
    options.background.skip_if_busy = crash->skip_if_busy;
    options.event = hear;
    options.event_context = crash;
    crash->schema = schema;
    crash->last_asked = crash->held = 0;
    rows_restored(crash, 0);
    crash->killed = false;
    return options;
}

h5ckpt_status open_store(struct crash *crash, enum h5ckpt_mode mode, enum model_schema schema)
{
    const struct h5ckpt_options options = begin_process(crash, mode, schema);

    return h5ckpt_open(&crash->store, CRASH_DIRECTORY, model_state(schema), &options);
}

void close_store(struct crash *crash)
{
    if (crash->callback != NULL)
        h5ckpt_callback_free(crash->callback); /* whose the store is */
    else
        h5ckpt_close(crash->store);
    crash->callback = NULL;
    crash->store = NULL;
}

void crash_begin(struct crash *crash, unsigned slots, enum model_schema schema)
{
    if (crash->broken)
        return;
    crash->slots = slots;
    simfs_mark(crash->fs, MARK_BEGIN, slots);
    must(crash, open_store(crash, H5CKPT_READ_WRITE, schema) == H5CKPT_OK, "open");
}

void crash_try_begin(struct crash *crash, unsigned slots, enum model_schema schema)
{
    if (crash->broken)
        return;
    crash->slots = slots;
    simfs_mark(crash->fs, MARK_BEGIN, slots);
    crash->not_open = open_store(crash, H5CKPT_READ_WRITE, schema) != H5CKPT_OK;
}

/* The number of the state that a restore with this status gave back. */
static uint64_t restored_number(struct crash *crash, h5ckpt_status status)
{
    uint64_t number;

    if (crash->broken || status < 0 || status == H5CKPT_NO_CHECKPOINT)
        return 0;
    number = h5ckpt_progress(crash->store).step;
    crash->held = number;
    must(crash, number <= MODEL_NUMBER_MAX && model_is(crash->schema_of[number], number), "restore, of other bytes");
    must(crash, rows_are(crash, number), "restore, of another history");
    rows_restored(crash, number);
    return number;
}

uint64_t crash_restore(struct crash *crash, h5ckpt_status expected, const struct h5ckpt_restore_options *options)
{
    h5ckpt_status status;

    if (crash->broken || crash->not_open)
        return 0;
    model_spoil(crash->schema);
    status = restore_somehow(crash->store, options);
    must(crash, status == expected, "restore");
    return restored_number(crash, status);
}

uint64_t crash_restore_whatever(struct crash *crash)
{
    h5ckpt_status status;

    if (crash->broken || crash->not_open)
        return 0;
    model_spoil(crash->schema);
    status = restore_somehow(crash->store, NULL);
    return restored_number(crash, status);
}

void crash_start_over(struct crash *crash)
{
    if (!crash->broken)
        must(crash, h5ckpt_start_over(crash->store) == H5CKPT_OK, "start over");
}

static void promise(void *context, const char *name, uint64_t first, uint64_t count)
{
    struct crash *crash = context;

    must(crash, h5ckpt_unchanged(crash->store, name, first, count) == H5CKPT_OK, "unchanged");
}

uint64_t crash_roll_back(struct crash *crash)
{
    struct h5ckpt_restore_options options = h5ckpt_restore_options_default();
    uint64_t number;

    options.which = H5CKPT_PREVIOUS;
    if (!crash->broken && crash->way->promises && crash->last_asked != 0)
        model_compare(crash->schema, crash->last_asked, crash->last_asked, promise, crash); /* then memory changes */
    number = crash_restore(crash, H5CKPT_OK, &options);
    if (!crash->broken)
        simfs_mark(crash->fs, MARK_ROLLED_BACK, number);
    return number;
}

/* Call h5ckpt_save(), and overwrite the memory as soon as that is allowed. */
h5ckpt_status save_state(struct crash *crash, uint64_t number)
{
    enum { TURNS_MAX = 12 };
    const struct h5ckpt_progress progress = model_progress(number);
    h5ckpt_status status;

    crash->schema_of[number] = crash->schema;
    model_set(crash->schema, number);
    if (crash->way->promises && crash->last_asked != 0)
        model_compare(crash->schema, crash->last_asked, number, promise, crash);
    crash->last_asked = crash->held = number;
    rows_log(crash, number);
    status = h5ckpt_save(crash->store, &progress);
    if (crash->way->mode == H5CKPT_SAVE_SYNCHRONOUS)
        must(crash, status != H5CKPT_OK || crash->last_saved == number, "save, which was not said to be durable");
    if (crash->way->mode == H5CKPT_SAVE_FENCED && !crash->forgets_fence) {
        schedule_let_run((unsigned)schedule_draw(TURNS_MAX));
        must(crash, h5ckpt_fence(crash->store) == H5CKPT_OK, "fence");
    }
    model_spoil(crash->schema);
    schedule_let_run((unsigned)schedule_draw(TURNS_MAX));
    return status;
}

/* What comes of the save that h5ckpt_save() answered so: a failure may be that of the save before. */
h5ckpt_status wait_for_save(struct crash *crash, h5ckpt_status saved)
{
    h5ckpt_status status;
    bool durable;

    if (crash->way->mode == H5CKPT_SAVE_SYNCHRONOUS || saved == H5CKPT_SKIPPED)
        return saved;
    status = h5ckpt_wait(crash->store);
    durable = crash->last_saved == crash->last_asked;
    must(crash, !durable || status == H5CKPT_OK, "wait, though the state is durable");
    must(crash, durable || status < 0 || saved < 0, "wait, though the state is not durable");
    return durable || status < 0 ? status : saved;
}

static h5ckpt_status save_next(struct crash *crash)
{
    const h5ckpt_status status = save_state(crash, ++crash->last_number);

    return crash->way->in_flight ? status : wait_for_save(crash, status);
}

void crash_try_save(struct crash *crash)
{
    if (crash->broken || crash->not_open)
        return;
    save_next(crash);
    crash->tried = true;
}

void crash_reserve(struct crash *crash)
{
    if (!crash->broken && !crash->not_open)
        must(crash, h5ckpt_reserve(crash->store) == H5CKPT_OK, "reserve");
}

void crash_try_reserve(struct crash *crash)
{
    if (!crash->broken && !crash->not_open)
        h5ckpt_reserve(crash->store);
}

void crash_save(struct crash *crash)
{
    h5ckpt_status status;

    if (crash->broken || crash->not_open)
        return;
    status = save_next(crash);
    if (status < 0 && crash->way->in_flight && crash->tried && crash->last_begun == crash->last_asked)
        status = H5CKPT_OK; /* it was the one before that failed */
    if (status == H5CKPT_HISTORY_FULL && crash->may_be_full)
        status = H5CKPT_OK;
    must(crash, status == H5CKPT_OK || (status == H5CKPT_SKIPPED && crash->skip_if_busy), "save");
    crash->tried = false;
}

void crash_save_and_forget_fence(struct crash *crash)
{
    if (crash->broken || crash->not_open)
        return;
    crash->forgets_fence = true;
    save_state(crash, ++crash->last_number);
    crash->forgets_fence = false;
    crash->tried = true;
}

void crash_log(struct crash *crash)
{
    crash->logs = true;
}

void crash_log_on_full_disk(struct crash *crash)
{
    crash->logs = crash->may_be_full = true;
}

void crash_skip_if_busy(struct crash *crash)
{
    crash->skip_if_busy = true;
}

void crash_wait(struct crash *crash)
{
    if (!crash->broken && !crash->not_open)
        h5ckpt_wait(crash->store);
}

void crash_delete(struct crash *crash)
{
    if (crash->broken)
        return;
    simfs_mark(crash->fs, MARK_DELETING, 0);
    must(crash, h5ckpt_delete(crash->store) == H5CKPT_OK, "delete");
    simfs_mark(crash->fs, MARK_DELETED, 0);
}

static h5ckpt_status keep(struct crash *crash, uint64_t number)
{
    simfs_mark(crash->fs, MARK_KEEPING, number);
    const h5ckpt_status status = h5ckpt_keep(crash->store, CRASH_MILESTONE);
    if (status == H5CKPT_OK)
        simfs_mark(crash->fs, MARK_KEPT, number);
    return status;
}

void crash_keep(struct crash *crash)
{
    if (!crash->broken && !crash->not_open)
        must(crash, keep(crash, crash->held) == H5CKPT_OK, "keep");
}

/* After a save that failed it is the state before that is kept. */
void crash_try_keep(struct crash *crash)
{
    crash_wait(crash);
    if (!crash->broken && !crash->not_open && h5ckpt_progress(crash->store).step != 0)
        keep(crash, h5ckpt_progress(crash->store).step);
}

static h5ckpt_status forget(struct crash *crash)
{
    simfs_mark(crash->fs, MARK_FORGETTING, 0);
    const h5ckpt_status status = h5ckpt_remove_milestone(crash->store, CRASH_MILESTONE);
    if (status == H5CKPT_OK)
        simfs_mark(crash->fs, MARK_FORGOTTEN, 0);
    return status;
}

void crash_forget(struct crash *crash)
{
    if (!crash->broken)
        must(crash, forget(crash) == H5CKPT_OK, "remove the milestone");
}

void crash_try_forget(struct crash *crash)
{
    if (!crash->broken && !crash->not_open)
        forget(crash);
}

static void note_number(void *context, const struct h5ckpt_milestone *milestone)
{
    uint64_t *number = context;

    *number = milestone->progress.step;
}

/* After a keep that failed, the milestone is the older one or the new one. */
static void look_at_milestone(struct crash *crash)
{
    crash->kept = 0;
    h5ckpt_list_milestones(crash->store, H5CKPT_RECORDS, note_number, &crash->kept);
}

static h5ckpt_status go_back(struct crash *crash)
{
    look_at_milestone(crash);
    simfs_mark(crash->fs, MARK_GOING_BACK, crash->kept);
    const h5ckpt_status status = h5ckpt_roll_back(crash->store, CRASH_MILESTONE);
    if (status == H5CKPT_OK)
        simfs_mark(crash->fs, MARK_WENT_BACK, crash->kept);
    return status;
}

void crash_go_back(struct crash *crash)
{
    if (!crash->broken)
        must(crash, go_back(crash) == H5CKPT_OK, "go back to the milestone");
}

void crash_try_go_back(struct crash *crash)
{
    crash_wait(crash);
    if (!crash->broken && !crash->not_open)
        go_back(crash);
}

static void end_process(struct crash *crash)
{
    crash->killed = true;
    simfs_kill(crash->fs);
    close_store(crash);
    simfs_restart(crash->fs);
    crash->not_open = false;
}

void crash_end(struct crash *crash)
{
    if (!crash->broken)
        close_store(crash);
    end_process(crash);
}

void crash_kill(struct crash *crash)
{
    crash_wait(crash);
    end_process(crash);
}

void crash_kill_in_flight(struct crash *crash)
{
    end_process(crash);
}

struct simfs *crash_simfs(struct crash *crash)
{
    return crash->fs;
}

const char *crash_slot_path(struct crash *crash, unsigned older)
{
    static char path[64];
    struct h5ckpt_report report;
    bool taken[H5CKPT_SLOT_COUNT_MAX] = {false};
    int found = -1;

    if (crash->broken || h5ckpt_inspect(crash->store, NULL, &report) < 0)
        return NULL;
    for (unsigned rank = 0; rank <= older; rank++) {
        found = -1;
        for (int i = 0; i < (int)report.slot_count; i++)
            if (!taken[i] && report.slot[i].sequence > 0 &&
                (found < 0 || report.slot[i].sequence > report.slot[found].sequence))
                found = i;
        if (found < 0)
            return NULL;
        taken[found] = true;
    }
    snprintf(path, sizeof path, CRASH_DIRECTORY "/%s", report.slot[found].name);
    return path;
}

void crash_damage(struct crash *crash, const char *path, uint64_t offset, size_t byte_count, uint64_t fallback)
{
    must(crash, path != NULL, "damage: there is no such slot");
    if (crash->broken)
        return;
    simfs_mark(crash->fs, MARK_DAMAGING, fallback);
    simfs_damage(crash->fs, path, offset, byte_count);
    simfs_mark(crash->fs, MARK_DAMAGED, fallback);
}

void crash_remove_all_slots(struct crash *crash)
{
    const char *name;
    int directory;

    if (crash->broken)
        return;
    for (uint64_t number = 1; number <= crash->last_saved; number++)
        simfs_mark(crash->fs, MARK_DAMAGING, number); /* any of them may be the last to go */
    simfs_mark(crash->fs, MARK_DAMAGING, 0);
    directory = simfs_calls.open_at(AT_FDCWD, CRASH_DIRECTORY, O_RDONLY | O_DIRECTORY, 0);
    for (size_t i = 0; (name = simfs_name_at(crash->fs, CRASH_DIRECTORY, i)) != NULL;) {
        char copy[SIMFS_NAME_BYTES];
        snprintf(copy, sizeof copy, "%s", name);
        if (strncmp(copy, "slot-", 5) == 0)
            simfs_calls.remove_at(directory, copy);
        else
            i++;
    }
    simfs_calls.flush(directory);
    simfs_calls.close(directory);
    simfs_mark(crash->fs, MARK_DAMAGED, 0);
}

uint64_t crash_last_saved(const struct crash *crash)
{
    return crash->last_saved;
}
