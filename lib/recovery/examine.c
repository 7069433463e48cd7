/* SPDX-License-Identifier: MIT */
#include "recovery/examine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SURVEY_ATTEMPTS_MAX = 8 };

struct choose_witness examine_witness(const h5ckpt_store *store)
{
    const struct survey *survey = &store->survey;

    return (struct choose_witness){.acknowledged = survey->note.acknowledged,
                                   .nothing_newer = survey->same_boot && survey->note.acknowledged != 0,
                                   .nothing_at_all = store->lock.identified && store->lock.phase == LOCK_EMPTY};
}

static bool beside_writer(const h5ckpt_store *store)
{
    return store->options.mode == H5CKPT_READ_ONLY;
}

static bool same_lock(const struct lock *a, const struct lock *b)
{
    return a->identified == b->identified && a->phase == b->phase && a->note.activity == b->note.activity &&
           a->note.slot == b->note.slot && a->note.sequence == b->note.sequence &&
           a->note.process_id == b->note.process_id &&
           memcmp(a->directory_id, b->directory_id, sizeof a->directory_id) == 0;
}

/* Is there anything that a save between two looks might explain? */
static bool looks_wrong(const struct survey *survey)
{
    bool any_state = false;
    bool any_wrong = false;

    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) {
        const enum h5ckpt_slot_state state = survey->slot[i].state;
        any_state |= plan_holds_state(state);
        any_wrong |= state == H5CKPT_SLOT_DAMAGED || state == H5CKPT_SLOT_MISSING;
    }
    return any_wrong || !any_state;
}

/* Has the writer begun or finished a save since the survey? Then what looked like damage may be its work. */
static h5ckpt_status has_moved(h5ckpt_store *store, bool *moved)
{
    struct lock lock;
    bool alive;
    h5ckpt_status status = lock_peek(&lock, &store->directory, &alive, &store->error);

    if (status < 0)
        return status;
    *moved = !same_lock(&lock, &store->lock);
    return H5CKPT_OK;
}

static h5ckpt_status overtaken(h5ckpt_store *store)
{
    return error_set(&store->error, H5CKPT_E_OVERTAKEN,
                     "the writer of '%s' saved while its states were read: try again", store->directory.path);
}

h5ckpt_status examine_confirm(h5ckpt_store *store)
{
    bool moved = false;
    h5ckpt_status status = beside_writer(store) ? has_moved(store, &moved) : H5CKPT_OK;

    return moved ? overtaken(store) : status;
}

h5ckpt_status examine_begin(h5ckpt_store *store)
{
    h5ckpt_status status = H5CKPT_OK;
    bool moved = true;

    store->flushed_slots = 0;
    for (int attempt = 0; attempt < SURVEY_ATTEMPTS_MAX && moved; attempt++) {
        moved = false;
        status = store_survey(store);
        if (status == H5CKPT_NO_CHECKPOINT && store->error.status != H5CKPT_NO_CHECKPOINT)
            error_set(&store->error, H5CKPT_NO_CHECKPOINT,
                      "there is no checkpoint in '%s': nothing was saved yet, or it was deleted when its work was done",
                      store->directory.path);
        if (status == H5CKPT_OK && beside_writer(store) && looks_wrong(&store->survey))
            status = has_moved(store, &moved);
        if (status < 0)
            return status;
    }
    return moved ? overtaken(store) : status;
}

h5ckpt_status examine_reject(h5ckpt_store *store, unsigned slot_number, struct error *why)
{
    bool moved = beside_writer(store) && why->status == H5CKPT_E_OVERTAKEN; /* renamed, but not noted yet */
    h5ckpt_status status = beside_writer(store) && !moved ? has_moved(store, &moved) : H5CKPT_OK;

    if (status == H5CKPT_OK && moved)
        status = overtaken(store);
    if (status == H5CKPT_OK)
        store_reject_slot(store, slot_number, why);
    error_clear(why);
    return status;
}

/* A failure only means that the slot is not known to be durable: the first save then looks for itself. */
static void flush(h5ckpt_store *store, unsigned slot_number)
{
    struct error ignored = ERROR_NONE;

    if (store_flush_slot(store, slot_number, &ignored) == H5CKPT_OK)
        store->flushed_slots |= 1u << slot_number;
    error_clear(&ignored);
}

enum file_access examine_access(h5ckpt_store *store, unsigned slot_number)
{
    const struct slot *slot = &store->survey.slot[slot_number];

    if (slot->state == H5CKPT_SLOT_INTACT)
        return slot->from_device ? FILE_READ_PAST_CACHE : FILE_READ;
    if (!choose_past_cache(slot->file_bytes) || !slot_is_readable_past_cache(&store->directory, slot->name))
        return FILE_READ;
    if (!beside_writer(store))
        flush(store, slot_number);
    return FILE_READ_PAST_CACHE;
}

void examine_note_intact(h5ckpt_store *store, unsigned slot_number, enum file_access access)
{
    store->survey.slot[slot_number].state = H5CKPT_SLOT_INTACT;
    store->survey.slot[slot_number].from_device = access == FILE_READ_PAST_CACHE;
}

/* Read every byte of a committed slot; it becomes intact, or is rejected. */
static h5ckpt_status verify(h5ckpt_store *store, unsigned slot_number, enum file_access access,
                            const struct transfer_watch *watch)
{
    struct slot *slot = &store->survey.slot[slot_number];
    struct error why = ERROR_NONE;
    h5ckpt_status status;

    status = slot_verify(&store->directory, slot->name, &slot->record, access, watch, &store->buffer, &why);
    slot->from_device = access == FILE_READ_PAST_CACHE && status == H5CKPT_E_DAMAGED;
    if (status == H5CKPT_OK)
        examine_note_intact(store, slot_number, access);
    else if (status == H5CKPT_E_DAMAGED || status == H5CKPT_E_OVERTAKEN)
        return examine_reject(store, slot_number, &why);
    else
        error_move(&store->error, &why);
    return status;
}

/*
 * Past the cache only an intact slot is believed: after a flush that failed in another process the device may hold an
 * older state, or none, where the cache holds what a restore on another file system would give back.
 */
static h5ckpt_status verify_for_restore(h5ckpt_store *store, unsigned slot_number)
{
    const struct slot *slot = &store->survey.slot[slot_number];
    struct error ignored = ERROR_NONE;
    h5ckpt_status status;

    if (examine_access(store, slot_number) == FILE_READ_PAST_CACHE) {
        status = slot_verify(&store->directory, slot->name, &slot->record, FILE_READ_PAST_CACHE, NULL, &store->buffer,
                             &ignored);
        error_clear(&ignored);
        if (status == H5CKPT_OK) {
            examine_note_intact(store, slot_number, FILE_READ_PAST_CACHE);
            return H5CKPT_OK;
        }
        status = examine_confirm(store);
        if (status < 0)
            return status;
    }
    return verify(store, slot_number, FILE_READ, NULL);
}

struct progress { /* over all slots */
    const struct h5ckpt_inspect_options *options;
    uint64_t bytes_told;
    uint64_t bytes_before; /* in the slots that are done */
    uint64_t bytes_total;
};

static uint64_t bytes_to_verify(const struct slot *slot)
{
    return slot->state == H5CKPT_SLOT_COMMITTED ? slot->record.table_offset - FORMAT_USER_BLOCK_BYTES : 0;
}

static void tell_progress(void *context, uint64_t bytes_done)
{
    struct progress *progress = context;

    if (progress->bytes_before + bytes_done <= progress->bytes_told)
        return; /* a slot is read a second time after a passing error */
    progress->bytes_told = progress->bytes_before + bytes_done;
    progress->options->progress(progress->options->progress_context, progress->bytes_told, progress->bytes_total);
}

static h5ckpt_status verify_watched(h5ckpt_store *store, unsigned slot_number, struct progress *progress)
{
    const struct slot *slot = &store->survey.slot[slot_number];
    const bool device =
        progress->options->depth == H5CKPT_DEVICE && slot_is_readable_past_cache(&store->directory, slot->name);
    const struct transfer_watch watch = {
        .damaged = store->damaged[slot_number] = calloc(1, transfer_damaged_byte_count(&slot->record)),
        .advance = progress->options->progress == NULL ? NULL : tell_progress,
        .context = progress,
    };

    if (watch.damaged == NULL)
        return error_set(&store->error, H5CKPT_E_MEMORY, "no memory to note the damaged blocks of '%s/%s'",
                         store->directory.path, slot->name);
    return verify(store, slot_number, device ? FILE_READ_PAST_CACHE : FILE_READ, &watch);
}

h5ckpt_status examine_all(h5ckpt_store *store, const struct h5ckpt_inspect_options *options)
{
    struct progress progress = {.options = options};
    h5ckpt_status status = H5CKPT_OK;

    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++)
        progress.bytes_total += bytes_to_verify(&store->survey.slot[i]);
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX && status == H5CKPT_OK; i++) {
        const uint64_t byte_count = bytes_to_verify(&store->survey.slot[i]);
        if (byte_count == 0)
            continue;
        status = verify_watched(store, i, &progress);
        progress.bytes_before += byte_count;
    }
    return status;
}

static void list_slots(h5ckpt_store *store, unsigned but)
{
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) {
        const struct slot *slot = &store->survey.slot[i];
        if (i != but && slot->reason[0] != '\0')
            error_append(&store->error, "; %s is %s: %s", slot->name, h5ckpt_slot_state_name(slot->state),
                         slot->reason);
    }
}

/* What may still be gone back to. */
static void list_milestones(h5ckpt_store *store)
{
    enum { NAMED_MAX = 8 };
    const unsigned char *directory_id = store->lock.identified ? store->lock.directory_id : NULL;
    struct error ignored = ERROR_NONE;
    struct milestones found;
    char text[PROGRESS_TEXT_BYTES];
    size_t whole = 0;

    if (milestones_read(&found, &store->directory, directory_id, &ignored) == H5CKPT_OK)
        for (size_t i = found.count; i-- > 0;) { /* the newest first */
            const struct milestone *milestone = &found.milestone[i];
            if (!plan_holds_state(milestone->slot.state) || ++whole > NAMED_MAX)
                continue;
            error_append(&store->error, "%s'%s' (sequence %" PRIu64 ", %s)",
                         whole == 1
                             ? "; there are milestones to go back to by h5ckpt_roll_back() or `h5ckpt roll-back': "
                             : ", ",
                         milestone->name, milestone->slot.record.sequence,
                         progress_text(&milestone->slot.record.progress, text));
        }
    if (whole > NAMED_MAX)
        error_append(&store->error, " and %zu more", whole - NAMED_MAX);
    milestones_free(&found);
    error_clear(&ignored);
}

static uint64_t newest_readable(const h5ckpt_store *store)
{
    uint64_t newest = 0;

    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++)
        if (store->survey.slot[i].record_readable && store->survey.slot[i].record.sequence > newest)
            newest = store->survey.slot[i].record.sequence;
    return newest;
}

static h5ckpt_status say_fell_back(h5ckpt_store *store, const struct plan_slot *plan, unsigned chosen)
{
    const struct slot *slot = &store->survey.slot[chosen];
    const uint64_t acknowledged = store->survey.note.acknowledged;
    char text[PROGRESS_TEXT_BYTES];
    const bool newest = newest_readable(store) <= slot->record.sequence && acknowledged <= slot->record.sequence;

    error_set(&store->error, H5CKPT_FELL_BACK, "%s %s in '%s' (sequence %" PRIu64 ", %s)",
              newest ? "a newer state may have been lost; gave back" : "fell back to", slot->name,
              store->directory.path, slot->record.sequence, progress_text(&slot->record.progress, text));
    if (acknowledged > slot->record.sequence)
        error_append(&store->error, "; sequence %" PRIu64 " had been saved", acknowledged);
    if (plan_is_abandoned(plan, FORMAT_SLOT_COUNT_MAX, chosen))
        error_append(&store->error, "; it is on a branch that the program had rolled back from");
    if (choose_is_duplicate(plan, FORMAT_SLOT_COUNT_MAX, chosen))
        error_append(&store->error, "; another slot has the same sequence, so one was copied over the other");
    list_slots(store, chosen);
    return H5CKPT_FELL_BACK;
}

static h5ckpt_status say_refused(h5ckpt_store *store, struct choice choice)
{
    const struct slot *slot = choice.slot == CHOOSE_NONE ? NULL : &store->survey.slot[choice.slot];

    switch (choice.status) {
    case H5CKPT_NO_CHECKPOINT:
        return error_set(&store->error, choice.status, "there is no %s in '%s' yet",
                         examine_witness(store).nothing_at_all ? "checkpoint" : "previous state",
                         store->directory.path);
    case H5CKPT_E_LOST:
        error_set(&store->error, choice.status,
                  "a checkpoint was saved in '%s', but no state of it can be read; nothing was "
                  "changed. Restore the directory from a backup, or move it away to start afresh",
                  store->directory.path);
        list_milestones(store);
        list_slots(store, FORMAT_SLOT_COUNT_MAX);
        return choice.status;
    case H5CKPT_E_OVERTAKEN:
        return error_set(&store->error, choice.status,
                         "'%s': the writer is filling %s, and no other state can be read: try "
                         "again",
                         store->directory.path, slot->name);
    default:
        slot_say(slot, &store->directory, slot->state == H5CKPT_SLOT_UNREADABLE ? slot->status : choice.status,
                 &store->error);
        error_append(&store->error, "; nothing was rolled back");
        return store->error.status;
    }
}

/* What is said to be wrong must still be so: beside a writer it may be its work. */
static h5ckpt_status conclude(h5ckpt_store *store, const struct plan_slot *plan, struct choice choice)
{
    h5ckpt_status status;

    if (choice.status == H5CKPT_OK)
        return H5CKPT_OK;
    status = examine_confirm(store);
    if (status < 0)
        return status;
    return choice.status == H5CKPT_FELL_BACK ? say_fell_back(store, plan, (unsigned)choice.slot)
                                             : say_refused(store, choice);
}

/* Is a state newer than that of `chosen` among those that could not be handed over? The note need not know of it. */
static bool passed_over_newer(const h5ckpt_store *store, unsigned passed_over, unsigned chosen)
{
    const struct slot *slot = store->survey.slot;

    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++)
        if (passed_over & 1u << i && slot[i].record.sequence > slot[chosen].record.sequence)
            return true;
    return false;
}

h5ckpt_status examine_next(h5ckpt_store *store, enum h5ckpt_which which, enum h5ckpt_depth depth, unsigned passed_over,
                           unsigned *slot_number)
{
    for (;;) { /* every turn ends, or takes one slot out of the running */
        struct plan_slot plan[FORMAT_SLOT_COUNT_MAX];
        store_plan_slots(store, plan);
        for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++)
            if (passed_over & 1u << i)
                plan[i].state = H5CKPT_SLOT_DAMAGED; /* for this choice only */
        struct choice choice = choose_slot(plan, FORMAT_SLOT_COUNT_MAX, which, examine_witness(store));
        if (choice.status == H5CKPT_OK && passed_over_newer(store, passed_over, (unsigned)choice.slot))
            choice.status = H5CKPT_FELL_BACK;
        const bool chosen = choice.status == H5CKPT_OK || choice.status == H5CKPT_FELL_BACK;
        if (chosen)
            *slot_number = (unsigned)choice.slot;
        if (!chosen || depth == H5CKPT_RECORDS || store->survey.slot[choice.slot].state == H5CKPT_SLOT_INTACT)
            return conclude(store, plan, choice);
        h5ckpt_status status = verify_for_restore(store, *slot_number);
        if (status < 0)
            return status;
    }
}

void examine_where(const h5ckpt_store *store, unsigned slot_number, char where[EXAMINE_WHERE_BYTES])
{
    const struct slot *slot = &store->survey.slot[slot_number];

    snprintf(where, EXAMINE_WHERE_BYTES, "'%s/%s' (sequence %" PRIu64 ")", store->directory.path, slot->name,
             slot->record.sequence);
}

h5ckpt_status examine_open(const h5ckpt_store *store, unsigned slot_number, enum file_access access,
                           struct slot_reader *reader, struct index *index, struct error *error)
{
    const struct slot *slot = &store->survey.slot[slot_number];
    char where[EXAMINE_WHERE_BYTES];
    h5ckpt_status status;

    *index = INDEX_NONE;
    status = slot_reader_open(reader, &store->directory, slot->name, access, error);
    if (status != H5CKPT_OK)
        return status;
    if (!slot_reader_holds(reader, &slot->record)) {
        examine_where(store, slot_number, where);
        status = error_set(error, H5CKPT_E_OVERTAKEN, "%s was overwritten while it was read", where);
    }
    if (status == H5CKPT_OK)
        status = slot_reader_index(reader, index, error);
    if (status < 0)
        slot_reader_close(reader);
    return status;
}

/* A slot that a writer had just begun to fill can look committed. */
static bool is_being_written(const h5ckpt_store *store, unsigned slot_number)
{
    struct slot slot = store->survey.slot[slot_number];

    slot.state = H5CKPT_SLOT_DAMAGED;
    survey_explain(&store->survey, &slot);
    return slot.state == H5CKPT_SLOT_WRITING;
}

h5ckpt_status examine_conclude_read(h5ckpt_store *store, unsigned slot_number, h5ckpt_status status)
{
    struct error kept = ERROR_NONE;
    h5ckpt_status asked;
    bool moved;

    if (status == H5CKPT_NO_CHECKPOINT) /* its file was there */
        return store->error.status = H5CKPT_E_OVERTAKEN;
    if (!beside_writer(store) || status != H5CKPT_E_DAMAGED)
        return status;
    error_move(&kept, &store->error);
    asked = has_moved(store, &moved);
    if (asked == H5CKPT_OK && (moved || is_being_written(store, slot_number)))
        status = overtaken(store);
    else if (asked == H5CKPT_OK)
        error_move(&store->error, &kept);
    else
        status = asked;
    error_clear(&kept);
    return status;
}
