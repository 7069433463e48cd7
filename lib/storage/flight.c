/* SPDX-License-Identifier: MIT */
#include "storage/flight.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "storage/change.h"
#include "storage/child.h"
#include "storage/rotation.h"
#include "storage/show.h"
#include "storage/slot_write.h"
#include "storage/system.h"
#include "storage/tell.h"
#include "storage/thread.h"

enum content {                   /* how the blocks get to the file */
               CONTENT_WHOLE,    /* with all the rest, from a copy: small states */
               CONTENT_SNAPSHOT, /* by writers in this process */
               CONTENT_CHILD,
};

struct flight {
    h5ckpt_store *store;
    enum content content;
    bool here;       /* in the caller's thread, to its end */
    bool fenced;     /* the program's memory is not needed any more */
    bool returned;   /* its failure, by the fence */
    bool unwritable; /* a write or flush has failed: store.h, (4) */
    bool every_byte;
    bool first;              /* of the directory */
    bool awaited;            /* target.h */
    struct checksum *before; /* of each block when the save began, where changes are looked for; NULL */
    struct slot_write write;
    struct snapshot snapshot;
    struct child child;
    struct thread thread;
    int64_t begun_ns;
    int64_t stall_before_ns;       /* the program's, when it began */
    struct system_manners manners; /* of the background */
    _Atomic bool over;
    struct error error;
};

/* ------------------------------------------------------------------------- run */

/* To the slot; of the blocks, whole ones. */
static uint64_t bytes_written(const struct flight *flight)
{
    const struct record *record = &flight->write.record;
    const uint64_t around = FORMAT_USER_BLOCK_BYTES + record->file_bytes - record->table_offset;
    uint64_t blocks = record->file_bytes;

    if (flight->content == CONTENT_SNAPSHOT)
        blocks = flight->snapshot.written;
    if (flight->content == CONTENT_CHILD)
        blocks = child_bytes_written(&flight->child);
    return blocks + around < record->file_bytes ? blocks + around : record->file_bytes;
}

/* What the program is still being held up for is known only where that is the whole save. */
static struct lock_account account_of(const struct flight *flight)
{
    const int64_t now_ns = system_calls->monotonic_time_ns();
    const int64_t stall_ns = flight->stall_before_ns + (flight->here ? now_ns - flight->begun_ns : 0);

    return (struct lock_account){
        .sequence = flight->write.record.sequence,
        .save_ns = (uint64_t)(now_ns - flight->begun_ns),
        .bytes_written = bytes_written(flight),
        .stall_ns = (uint64_t)stall_ns,
        .open_ns = (uint64_t)(now_ns - flight->store->opened_ns),
    };
}

/* The state is durable. Whoever finds an older one later shall know that there was this one. */
static h5ckpt_status acknowledge(const struct flight *flight, struct lock_account *account, struct error *error)
{
    h5ckpt_store *store = flight->store;
    h5ckpt_status status = store_put_in_use(store, error);

    *account = account_of(flight);
    if (status == H5CKPT_OK)
        status = lock_note_success(&store->lock, flight->write.number, account, store->boot_id, error);
    return status;
}

static h5ckpt_status write_content(struct flight *flight)
{
    unsigned char *bytes = flight->store->buffer.bytes;
    h5ckpt_status status;

    flight->write.touched |= flight->write.in_place;
    if (flight->content == CONTENT_WHOLE) {
        status = slot_write_whole(&flight->write, bytes, &flight->error);
        flight->unwritable = status < 0;
        return status;
    }
    if (flight->content == CONTENT_CHILD)
        status = child_await(&flight->child, &flight->unwritable, &flight->error);
    else
        status = snapshot_write(&flight->snapshot, &flight->unwritable, &flight->error);
    if (status == H5CKPT_OK) {
        status = slot_write_table(&flight->write, bytes, &flight->error);
        flight->unwritable = status < 0;
    }
    return status;
}

/*
 * Is the directory still ours? Where a save takes a while, somebody may have removed the lock and another writer begun:
 * then nothing there is ours to rename or remove any more. A small state's save in place has looked just now.
 */
static h5ckpt_status check_ours(const struct flight *flight, struct error *error)
{
    const bool just_now = flight->here && flight->content == CONTENT_WHOLE && flight->write.in_place;

    return just_now ? H5CKPT_OK : lock_check(&flight->store->lock, error);
}

static bool is_ours(const struct flight *flight)
{
    struct error ignored = ERROR_NONE;
    const h5ckpt_status status = check_ours(flight, &ignored);

    error_clear(&ignored);
    return status == H5CKPT_OK;
}

/* Leave nothing half-done: the note says so, and a new file goes. */
static void clean_up(struct flight *flight)
{
    h5ckpt_store *store = flight->store;
    struct error ignored = ERROR_NONE;

    if (is_ours(flight))
        slot_write_abandon(&flight->write, &store->directory);
    else
        file_close(&flight->write.file);
    if (store->lock.note.activity == LOCK_SAVING)
        lock_note_failure(&store->lock, &ignored);
    error_clear(&ignored);
}

static void run(struct flight *flight)
{
    struct lock_account account = {0};
    h5ckpt_status status = write_content(flight);

    if (status == H5CKPT_OK)
        status = check_ours(flight, &flight->error);
    if (status == H5CKPT_OK) {
        status = slot_write_commit(&flight->write, &flight->error);
        if (status == H5CKPT_OK)
            status = acknowledge(flight, &account, &flight->error);
        flight->unwritable = status < 0;
    }
    if (status == H5CKPT_OK)
        tell_durable(flight->store, &flight->write.record, flight->write.number, account.save_ns);
    else
        clean_up(flight);
}

static void run_in_background(void *context)
{
    struct flight *flight = context;

    system_calls->stand_back(&flight->manners); /* the members of its team inherit it */
    run(flight);
    if (flight->error.status < 0 && !flight->awaited)
        tell_failure(flight->store, &flight->error);
    atomic_store(&flight->over, true);
}

/* ------------------------------------------------------------------------ land */

/* A save into a slot failed: whatever it holds is no state. */
static void void_slot(h5ckpt_store *store, const struct slot_write *write)
{
    struct slot *slot = &store->survey.slot[write->number];

    store->memo[write->number].spoilt = true;
    slot->state = H5CKPT_SLOT_INTERRUPTED;
    slot->record = write->record; /* it may have reached the disk: its sequence is not to be used again */
    slot->record_readable = true;
}

static void remember(h5ckpt_store *store, const struct flight *flight)
{
    const struct slot_write *write = &flight->write;
    struct store_memo *memo = &store->memo[write->number];
    struct slot *slot = &store->survey.slot[write->number];

    memo->saves_since_every_byte = flight->every_byte ? 0 : memo->saves_since_every_byte + 1;
    memo->ours = true;
    memo->left = write->left;
    memo->given_up = memo->spoilt = false;
    memo->record = write->record;
    slot->number = write->number;
    slot->name = slot_name(write->number);
    slot->state = H5CKPT_SLOT_INTACT;
    slot->record = write->record;
    slot->record_readable = true;
    slot->overwritable = true;
    slot->file_bytes = write->record.file_bytes;
    slot->reason[0] = '\0';
    store->base = (int)write->number; /* store.h, (3) */
    store->base_sequence = write->record.sequence;
    store->base_durable = true;
    store->base_suspect = false;
    store->progress = write->record.progress;
    store->past_cache_tried |= write->tried;
}

/* What may fail without failing the save. */
static void tidy(h5ckpt_store *store)
{
    rotation_remove_surplus(store);
    show_saved(store);
    error_clear(&store->error); /* of what was found wrong on the way, and did not matter */
}

/* It has got to its end: the store learns what came of it. */
static h5ckpt_status conclude(struct flight *flight)
{
    h5ckpt_store *store = flight->store;

    if (flight->content == CONTENT_SNAPSHOT)
        snapshot_end(&flight->snapshot);
    if (flight->content == CONTENT_CHILD)
        child_end(&flight->child);
    free(flight->before);
    flight->before = NULL;
    if (flight->error.status == H5CKPT_OK) {
        remember(store, flight);
        if (is_ours(flight))
            tidy(store);
        return H5CKPT_OK;
    }
    store->hints_hold = false;
    store->memo[flight->write.number].ours = false; /* what was gathered did not get there */
    if (flight->write.touched)
        void_slot(store, &flight->write);
    store->memo[flight->write.number].given_up |= flight->write.touched && flight->unwritable;
    if (flight->first)
        rotation_end_failed_first_save(store, flight->write.number);
    return flight->error.status;
}

static void hurry(struct flight *flight)
{
    if (flight->content == CONTENT_SNAPSHOT)
        snapshot_hurry(&flight->snapshot);
    if (flight->content == CONTENT_CHILD)
        child_hurry(&flight->child);
}

/* The program's memory is about to change, or may be. H5CKPT_E_ARGUMENT: it has changed already. */
static h5ckpt_status fence(struct flight *flight, struct error *error)
{
    h5ckpt_status status = H5CKPT_OK;

    if (flight->fenced)
        return H5CKPT_OK;
    flight->fenced = true;
    if (snapshot_read_all(&flight->snapshot) && flight->before != NULL)
        status = change_check(&flight->snapshot.gather, flight->before, error);
    if (status == H5CKPT_OK)
        snapshot_confirm(&flight->snapshot);
    else
        snapshot_give_up(&flight->snapshot, "memory had changed before h5ckpt_fence() was called");
    return status;
}

/* store->land. A failure is kept for the call that is asked for it. */
static void land(h5ckpt_store *store)
{
    struct flight *flight = store->flight;
    struct error changed = ERROR_NONE;
    const int cancel = thread_hold_cancel(); /* nor what the store learns, half of which is worse than nothing */

    if (!flight->fenced && store->fence_forgotten)
        flight_give_up(store);
    fence(flight, &changed);
    hurry(flight);
    thread_join(&flight->thread);
    store->land = NULL;
    store->slot_file = NULL;
    store_note_outcome(store, conclude(flight) == H5CKPT_OK);
    if (store->save_failed && !flight->returned)
        error_move(&store->failure, changed.status < 0 ? &changed : &flight->error);
    error_clear(&changed);
    error_clear(&flight->error);
    thread_release_cancel(cancel);
}

/* ----------------------------------------------------------------------- begin */

static struct gather new_gather(const struct flight *flight)
{
    const h5ckpt_store *store = flight->store;
    const struct store_memo *base = store->base == PLAN_NO_BASE ? NULL : &store->memo[store->base];
    struct gather gather = {
        .layout = &store->layout,
        .source = store->source.bytes,
        .table = flight->write.table,
        .every_byte = flight->every_byte,
    };

    if (store->hints_hold && base != NULL && base->ours && base->record.sequence == store->base_sequence) {
        gather.unchanged = store->unchanged + store->unchanged_bytes;
        gather.known = base->table;
    }
    return gather;
}

/* Promises count for one save: those that come while it is under way are about the next one. */
static void take_promises(h5ckpt_store *store)
{
    memcpy(store->unchanged + store->unchanged_bytes, store->unchanged, store->unchanged_bytes);
    memset(store->unchanged, 0, store->unchanged_bytes);
}

static h5ckpt_status begin_snapshot(struct flight *flight, const struct gather *gather, const struct pace *pace,
                                    struct error *error)
{
    h5ckpt_store *store = flight->store;

    if (!flight->fenced && store->options.background.detect_changes) {
        flight->before = change_note(gather);
        if (flight->before == NULL)
            return error_set(error, H5CKPT_E_MEMORY, "no memory to look for changes");
    }
    flight->content = CONTENT_SNAPSHOT;
    flight->snapshot.gather = *gather;
    flight->snapshot.file = &flight->write.file;
    flight->snapshot.buffer = &store->buffer;
    flight->snapshot.cells = &store->cells;
    flight->snapshot.pace = *pace;
    snapshot_begin(&flight->snapshot);
    return H5CKPT_OK;
}

/* Where the system is short of processes just now, the save is synchronous: as where there is no thread. */
static h5ckpt_status begin_child(struct flight *flight, const struct gather *gather, const struct pace *pace,
                                 struct error *error)
{
    h5ckpt_store *store = flight->store;
    h5ckpt_status status;

    flight->child = (struct child){.gather = *gather,
                                   .file = &flight->write.file,
                                   .lock = &store->lock.file,
                                   .buffer = &store->buffer,
                                   .pace = *pace,
                                   .manners = flight->manners};
    status = child_start(&flight->child, error);
    if (status < 0 && (error->system_errno == EAGAIN || error->system_errno == ENOMEM)) {
        error_clear(error);
        flight->here = true;
        return begin_snapshot(flight, gather, pace, error);
    }
    return status;
}

static h5ckpt_status begin_content(struct flight *flight, struct error *error)
{
    h5ckpt_store *store = flight->store;
    const struct gather gather = new_gather(flight);
    const struct pace pace = {flight->here ? 0 : store->options.background.bytes_per_second, flight->begun_ns};

    if (flight->content == CONTENT_CHILD)
        return begin_child(flight, &gather, &pace, error);
    if (flight->content == CONTENT_SNAPSHOT)
        return begin_snapshot(flight, &gather, &pace, error);
    gather_all(&gather, store->buffer.bytes + FORMAT_USER_BLOCK_BYTES);
    return H5CKPT_OK;
}

static h5ckpt_status open_slot(struct flight *flight, struct error *error)
{
    h5ckpt_store *store = flight->store;
    const struct slot_write *write = &flight->write;
    h5ckpt_status status = H5CKPT_OK;

    show_without(store, write->number);
    if (write->in_place)
        status = lock_note_begin(&store->lock, write->number, write->record.sequence, store->base_sequence,
                                 store->boot_id, error);
    return status == H5CKPT_OK ? slot_write_begin(&flight->write, &store->directory, error) : status;
}

/* Of a small state nothing is faster than a copy; but a forgotten fence is to be noticed there as well. */
static enum content choose_content(enum h5ckpt_save_mode mode, const struct record *geometry)
{
    if (mode != H5CKPT_SAVE_FENCED && slot_write_is_whole(geometry))
        return CONTENT_WHOLE;
    return mode == H5CKPT_SAVE_FORKED ? CONTENT_CHILD : CONTENT_SNAPSHOT;
}

static void plan_flight(struct flight *flight, h5ckpt_store *store, const struct target *target,
                        const struct h5ckpt_progress *progress, int64_t begun_ns)
{
    const struct store_memo *memo = &store->memo[target->slot];
    const enum content content = choose_content(store->options.save_mode, &store->layout.geometry);
    const bool in_place = target->manner == PLAN_IN_PLACE;

    *flight = (struct flight){
        .store = store,
        .content = content,
        .here = store->options.save_mode == H5CKPT_SAVE_SYNCHRONOUS,
        .first = target->first,
        .awaited = target->awaited,
        .fenced = store->options.save_mode != H5CKPT_SAVE_FENCED,
        /* Rule (c): bytes are left out only where this handle has written them, and not for ever. */
        .every_byte = content == CONTENT_WHOLE || !in_place || !memo->ours ||
                      memo->saves_since_every_byte + 1 >= store->options.rewrite_every,
        .begun_ns = begun_ns,
        .stall_before_ns = store->stall_ns,
        /* The program goes on where it is: a writer that woke up there would preempt it. */
        .manners = {store->options.background.nice, store->options.background.cpu, system_calls->current_cpu()},
        .write = {.number = target->slot,
                  .in_place = in_place,
                  .whole = content == CONTENT_WHOLE,
                  .record = target_record(store, target->slot, progress),
                  .table = memo->table,
                  .tried = store->past_cache_tried,
                  .expected = target->entry,
                  .file_mode = store->options.file_mode,
                  .file = FILE_NONE},
    };
}

/*
 * Before anything is touched, unless the memory is that of one of the last times (buffers that swap); and in every
 * child, at its leisure.
 */
static h5ckpt_status check_memory(h5ckpt_store *store)
{
    const size_t byte_count = store->layout.entry_count * sizeof *store->source.bytes;
    const struct checksum places = checksum_of(store->source.bytes, byte_count);
    h5ckpt_status status = H5CKPT_OK;

    if (store->options.save_mode != H5CKPT_SAVE_FORKED)
        return H5CKPT_OK;
    for (unsigned i = 0; i < STORE_PLACES_COUNT; i++)
        if (checksum_equal(&places, &store->places_checked[i]))
            return H5CKPT_OK;
    status = child_check_memory(&store->layout, store->source.bytes, &store->error);
    if (status == H5CKPT_OK) {
        memmove(store->places_checked + 1, store->places_checked,
                (STORE_PLACES_COUNT - 1) * sizeof *store->places_checked);
        store->places_checked[0] = places;
    }
    return status;
}

/* The program's memory stays as it is meanwhile. */
static h5ckpt_status run_here(struct flight *flight)
{
    h5ckpt_status status;

    if (flight->content == CONTENT_SNAPSHOT)
        snapshot_confirm(&flight->snapshot);
    hurry(flight);
    run(flight);
    status = conclude(flight);
    if (status < 0)
        error_move(&flight->store->error, &flight->error);
    return status;
}

static h5ckpt_status run_there(struct flight *flight)
{
    h5ckpt_store *store = flight->store;

    if (!thread_start(&flight->thread, run_in_background, flight))
        return run_here(flight);
    store->land = land;
    store->slot_file = &flight->write.file;
    if (store->options.save_mode == H5CKPT_SAVE_STAGED && flight->content == CONTENT_SNAPSHOT) {
        snapshot_read_all(&flight->snapshot);
        snapshot_confirm(&flight->snapshot);
    }
    return H5CKPT_OK;
}

h5ckpt_status flight_begin(h5ckpt_store *store, const struct target *target, const struct h5ckpt_progress *progress,
                           int64_t begun_ns)
{
    struct flight *flight = store->flight != NULL ? store->flight : calloc(1, sizeof *flight);
    h5ckpt_status status;

    if (flight == NULL)
        return error_set(&store->error, H5CKPT_E_MEMORY, "no memory for a save");
    store->flight = flight;
    plan_flight(flight, store, target, progress, begun_ns);
    status = record_check(&flight->write.record, flight->write.record.file_bytes, &store->error); /* as readers will */
    if (status == H5CKPT_OK)
        status = check_memory(store);
    if (status < 0)
        return status;
    tell_begun(store, &flight->write.record, flight->write.number);
    take_promises(store);
    status = open_slot(flight, &flight->error);
    flight->unwritable = status < 0;
    if (status == H5CKPT_OK)
        status = begin_content(flight, &flight->error);
    store->hints_hold = true;
    if (status == H5CKPT_OK)
        return flight->here ? run_here(flight) : run_there(flight);
    clean_up(flight);
    flight->content = CONTENT_WHOLE; /* nothing of another one has begun */
    conclude(flight);
    error_move(&store->error, &flight->error);
    return status;
}

/* ------------------------------------------------------------------- under way */

bool flight_is_over(const h5ckpt_store *store)
{
    return atomic_load(&store->flight->over);
}

h5ckpt_status flight_fence(h5ckpt_store *store)
{
    h5ckpt_status status = fence(store->flight, &store->error);

    store->flight->returned |= status < 0;
    return status;
}

bool flight_is_fenced(const h5ckpt_store *store)
{
    return store->flight->fenced;
}

void flight_give_up(h5ckpt_store *store)
{
    struct flight *flight = store->flight;

    flight->fenced = true;
    store->fence_forgotten = true;
    snapshot_give_up(&flight->snapshot,
                     "h5ckpt_fence() was not called after it, so nobody knows what memory was when it was "
                     "read; the state before is still current");
}
