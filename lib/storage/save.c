/* SPDX-License-Identifier: MIT */
/*
 * save: one save, in the order of docs/format.md 6. Invariants (1) to (4) are store.h's.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "storage/rotation.h"
#include "storage/system.h"

enum { VIEW_INTERVAL_NS = 1000000000 };

/* ------------------------------------------------------------------- prepare */

static void forget_layout(h5ckpt_store *store)
{
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++)
        store->memo[i].ours = false; /* what was written there had another structure */
    source_free(&store->source);
    layout_free(&store->layout);
}

/* Tables to the file's end, so that no save allocates. */
static h5ckpt_status reserve_tables(h5ckpt_store *store)
{
    const struct record *geometry = &store->layout.geometry;
    const size_t byte_count = (size_t)(geometry->file_bytes - geometry->table_offset);

    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) {
        struct store_memo *memo = &store->memo[i];
        void *table;
        free(memo->table);
        memo->table = NULL;
        if (posix_memalign(&table, FORMAT_ALIGN_BYTES, byte_count) != 0)
            return error_set(&store->error, H5CKPT_E_MEMORY, "no memory for a block table of %zu bytes", byte_count);
        memo->table = memset(table, 0, byte_count);
        memo->table_bytes = byte_count;
    }
    return H5CKPT_OK;
}

h5ckpt_status store_prepare(h5ckpt_store *store)
{
    h5ckpt_status status = store_check_state(store);

    if (status < 0 || store->layout.entry_count == store->state->variable_count + LAYOUT_PROGRESS_COUNT)
        return status;
    forget_layout(store);
    status = layout_build(&store->layout, store->state, &store->error);
    if (status == H5CKPT_OK)
        status = source_reserve(&store->source, &store->layout, store->state, &store->error);
    if (status == H5CKPT_OK)
        status = reserve_tables(store);
    if (status == H5CKPT_OK)
        status = slot_save_reserve(&store->buffer, &store->layout.geometry, &store->error);
    if (status < 0)
        forget_layout(store);
    return status;
}

static h5ckpt_status check_may_save(h5ckpt_store *store)
{
    const char *path = store->directory.path;
    h5ckpt_status status;

    if (store->options.mode != H5CKPT_READ_WRITE)
        return error_set(&store->error, H5CKPT_E_ARGUMENT, "the store of '%s' is read-only", path);
    if (store->memory_changed)
        return error_set(&store->error, H5CKPT_E_MEMORY_CHANGED,
                         "the last restore from '%s' failed half-way, so the "
                         "variables hold no state worth saving; restore first. The checkpoint is untouched",
                         path);
    status = store_refuse_untouchable(store);
    if (status < 0)
        return status;
    if (!store->may_save)
        return error_set(&store->error, H5CKPT_E_NOT_RESTORED,
                         "'%s' holds a checkpoint that was not restored: call "
                         "h5ckpt_restore() first, or h5ckpt_start_over() to leave it behind",
                         path);
    return H5CKPT_OK;
}

/* ---------------------------------------------------------------------- plan */

void store_plan_slots(const h5ckpt_store *store, struct plan_slot slot[FORMAT_SLOT_COUNT_MAX])
{
    const struct record *geometry = &store->layout.geometry;

    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) {
        const struct slot *known = &store->survey.slot[i];
        const bool reserved = known->state == H5CKPT_SLOT_RESERVED;
        slot[i] = (struct plan_slot){
            .state = known->state,
            .record_readable = known->record_readable,
            .sequence = known->record.sequence,
            .base_sequence = known->record.base_sequence,
            .overwritable = known->overwritable,
            .same_structure =
                known->record_readable && known->file_bytes == geometry->file_bytes &&
                (reserved || checksum_equal(&known->record.structure_digest, &geometry->structure_digest)),
            .given_up = store->memo[i].given_up,
        };
    }
}

/* Nobody but us removes slots, but if somebody did, the base must not be relied on. */
static bool is_base_there(const h5ckpt_store *store)
{
    const struct slot *base = &store->survey.slot[store->base];
    struct error ignored = ERROR_NONE;
    struct entry entry;
    const bool there = directory_look(&store->directory, base->name, &entry, &ignored) == H5CKPT_OK &&
                       entry.kind == ENTRY_FILE && entry.byte_count == base->record.file_bytes;

    error_clear(&ignored);
    return there;
}

/* Rule (b): fsynced by us, and then verified past the page cache. A "no" only means that a new file is needed. */
static bool make_base_durable(h5ckpt_store *store)
{
    const struct slot *base = &store->survey.slot[store->base];
    struct error ignored = ERROR_NONE;
    struct file file = FILE_NONE;
    h5ckpt_status status;

    status = file_open(&file, &store->directory, base->name, FILE_READ, &ignored);
    if (status == H5CKPT_OK)
        status = file_flush(&file, &ignored);
    file_close(&file);
    if (status == H5CKPT_OK)
        status = directory_flush(&store->directory, &ignored);
    if (status == H5CKPT_OK)
        status = slot_verify(&store->directory, base->number, &base->record, FILE_READ_PAST_CACHE, NULL, &store->buffer,
                             &ignored);
    store->base_suspect |= status == H5CKPT_E_DAMAGED || status == H5CKPT_E_OVERTAKEN;
    error_clear(&ignored);
    return status == H5CKPT_OK;
}

/* Rule (c): bytes are skipped only where nobody else has touched the file since this handle wrote it. */
static bool is_as_left(const h5ckpt_store *store, unsigned slot_number, const struct entry *now)
{
    const struct store_memo *memo = &store->memo[slot_number];

    return memo->ours && memo->left.changed_ns != 0 && entry_equal(now, &memo->left);
}

static h5ckpt_status plan_save(h5ckpt_store *store, unsigned *target, enum plan_manner *manner, struct entry *entry)
{
    struct plan_slot slot[FORMAT_SLOT_COUNT_MAX];
    struct slot *known;
    h5ckpt_status status;

    status = rotation_verify_survivors(store);
    if (status < 0)
        return status;
    store_plan_slots(store, slot);
    *target = plan_target(slot, FORMAT_SLOT_COUNT_MAX, store->options.slots, store->base);
    known = &store->survey.slot[*target];
    status = directory_look(&store->directory, known->name, entry, &store->error); /* as it is now: links, length */
    if (status < 0)
        return status;
    if (!is_as_left(store, *target, entry)) {
        store->memo[*target].ours = false;
        status = rotation_refuse_newcomer(store, *target);
    }
    if (status < 0)
        return status;
    known->overwritable = entry->kind == ENTRY_FILE && entry->link_count == 1;
    known->file_bytes = entry->byte_count;
    store_plan_slots(store, slot);
    *manner = plan_manner(&slot[*target], true);
    if (*manner == PLAN_IN_PLACE && store->base != PLAN_NO_BASE) {
        store->base_durable = is_base_there(store) && (store->base_durable || make_base_durable(store));
        *manner = plan_manner(&slot[*target], store->base_durable);
    }
    return H5CKPT_OK;
}

/* --------------------------------------------------------------------- write */

/* How many slots of the rotation there are once `target` is written: as many are expected to be there later. */
static unsigned made_count(const h5ckpt_store *store, unsigned target)
{
    unsigned count = 1;

    for (unsigned i = 0; i < store->options.slots && store->options.slots > 1; i++)
        if (i == target ||
            (store->survey.slot[i].state != H5CKPT_SLOT_ABSENT && store->survey.slot[i].state != H5CKPT_SLOT_MISSING))
            count = i + 1;
    return count;
}

static struct record new_record(const h5ckpt_store *store, unsigned target, const struct h5ckpt_progress *progress)
{
    const uint64_t noted = store->lock.note.sequence;
    const uint64_t known = noted > store->base_sequence ? noted : store->base_sequence;
    struct plan_slot slot[FORMAT_SLOT_COUNT_MAX];
    struct record record = store->layout.geometry;

    store_plan_slots(store, slot);
    record.kind = RECORD_STATE;
    record.sequence = plan_sequence(slot, FORMAT_SLOT_COUNT_MAX, known);
    record.base_sequence = store->base_sequence;
    record.progress = *progress;
    record.wall_time_ns = system_calls->wall_time_ns();
    memcpy(record.directory_id, store->lock.directory_id, FORMAT_ID_BYTES);
    memcpy(record.run_id, store->run_id, FORMAT_ID_BYTES);
    record.slot_count = made_count(store, target);
    for (unsigned i = 0; i < store->options.slots && store->options.slots > 1; i++)
        if (i != target && plan_holds_state(slot[i].state))
            record.twins |= 1u << i;
    return record;
}

static h5ckpt_status write_in_place(h5ckpt_store *store, struct slot_save *save)
{
    const struct store_memo *memo = &store->memo[save->number];

    save->every_byte = !memo->ours || memo->saves_since_every_byte + 1 >= store->options.rewrite_every; /* (c) */
    return slot_save_in_place(save, &store->directory, &store->error);
}

/* (4): a save into a slot failed: its file is never written again, and whatever it holds is no state. */
static void give_up(h5ckpt_store *store, const struct slot_save *save)
{
    struct slot *slot = &store->survey.slot[save->number];
    struct error ignored = ERROR_NONE;

    if (store->lock.note.activity == LOCK_SAVING)
        lock_note_failure(&store->lock, &ignored);
    error_clear(&ignored);
    store->memo[save->number].ours = false;
    store->memo[save->number].given_up = true;
    slot->state = H5CKPT_SLOT_INTERRUPTED;
    slot->record = save->record; /* it may have reached the disk: its sequence is not to be used again */
    slot->record_readable = true;
}

static void remember(h5ckpt_store *store, const struct slot_save *save)
{
    struct store_memo *memo = &store->memo[save->number];
    struct slot *slot = &store->survey.slot[save->number];

    memo->saves_since_every_byte = save->every_byte ? 0 : memo->saves_since_every_byte + 1;
    memo->ours = true;
    memo->left = save->left;
    memo->given_up = false;
    memo->record = save->record;
    slot->state = H5CKPT_SLOT_INTACT;
    slot->record = save->record;
    slot->record_readable = true;
    slot->overwritable = true;
    slot->file_bytes = save->record.file_bytes;
    slot->reason[0] = '\0';
    store->base = (int)save->number; /* (3) */
    store->base_sequence = save->record.sequence;
    store->base_durable = true;
    store->base_suspect = false;
    store->progress = save->record.progress;
}

/*
 * The state is durable. Before it is reported: from the first one on "no slot" means loss, and whoever finds an older state
 * later shall know that there was this one.
 */
static h5ckpt_status acknowledge(h5ckpt_store *store, const struct slot_save *save)
{
    h5ckpt_status status = H5CKPT_OK;

    if (store->lock.phase != LOCK_IN_USE || store->lock.phase_uncertain)
        status = lock_set_phase(&store->lock, LOCK_IN_USE, &store->error);
    if (status == H5CKPT_OK)
        store->directory.made_from = 0; /* no longer ours alone to take away */
    if (status == H5CKPT_OK)
        status = lock_note_success(&store->lock, save->number, save->record.sequence, store->boot_id, &store->error);
    return status;
}

static h5ckpt_status write_target(h5ckpt_store *store, unsigned target, enum plan_manner manner,
                                  const struct entry *entry, const struct h5ckpt_progress *progress)
{
    struct slot_save save = {
        .number = target,
        .layout = &store->layout,
        .source = store->source.bytes,
        .record = new_record(store, target, progress),
        .table = store->memo[target].table,
        .expected = manner == PLAN_IN_PLACE ? *entry : (struct entry){.kind = ENTRY_ABSENT},
        .file_mode = store->options.file_mode,
        .buffer = &store->buffer,
    };
    char text[PROGRESS_TEXT_BYTES];
    bool renamed = false;
    h5ckpt_status status;

    status = record_check(&save.record, save.record.file_bytes, &store->error); /* as every reader will */
    if (status < 0)
        return status;
    event_tell(&store->events,
               (struct event){.kind = H5CKPT_EVENT_SAVE_BEGUN, .file = slot_name(target), .record = &save.record},
               "saving to '%s/%s': sequence %" PRIu64 ", %s", store->directory.path, slot_name(target),
               save.record.sequence, progress_text(progress, text));
    if (store->view.current == (int)target)
        store_write_view(store, store->base, (int)target); /* shows nothing that is about to be overwritten */
    if (manner == PLAN_IN_PLACE) {
        status = lock_note_begin(&store->lock, target, save.record.sequence, store->base_sequence, store->boot_id,
                                 &store->error);
        if (status < 0)
            return status; /* the slot is untouched */
        status = write_in_place(store, &save);
    } else {
        status = slot_save_new(&save, &store->directory, &renamed, &store->error);
    }
    if (status == H5CKPT_OK)
        status = acknowledge(store, &save);
    if (status == H5CKPT_OK)
        remember(store, &save);
    else if (manner == PLAN_IN_PLACE || renamed)
        give_up(store, &save);
    return status;
}

/* ---------------------------------------------------------------------- save */

static h5ckpt_status save(h5ckpt_store *store, const struct h5ckpt_progress *at)
{
    enum plan_manner manner = PLAN_NEW_FILE;
    unsigned target = 0;
    struct entry entry = {0};
    h5ckpt_status status;

    store_forget_damage(store);
    status = check_may_save(store);
    if (status == H5CKPT_OK)
        status = store_prepare(store);
    if (status == H5CKPT_OK)
        status = source_collect(&store->source, store->state, at, &store->error);
    if (status == H5CKPT_OK)
        status = lock_check(&store->lock, &store->error);
    if (status == H5CKPT_OK)
        status = lock_detach(&store->lock, store->options.file_mode, &store->error);
    if (status == H5CKPT_OK)
        status = plan_save(store, &target, &manner, &entry);
    if (status < 0)
        return status;
    const bool first = rotation_is_unmade(store);
    if (first)
        status = rotation_reserve(store, target);
    if (status == H5CKPT_OK)
        status = write_target(store, target, manner, &entry, at);
    if (first && store->survey.slot[target].state == H5CKPT_SLOT_ABSENT) /* not even its file was made */
        rotation_give_back(store);
    return status;
}

/* What may fail without failing the save. */
static void tidy(h5ckpt_store *store)
{
    rotation_remove_surplus(store);
    if (system_calls->monotonic_time_ns() - store->view_shown_ns >= VIEW_INTERVAL_NS) {
        store_write_view(store, store->base, VIEW_NO_SLOT);
        store->view_shown_ns = system_calls->monotonic_time_ns();
    }
    error_clear(&store->error); /* of what was found wrong on the way, and did not matter */
}

static void tell_durable(const h5ckpt_store *store, int64_t begun_ns)
{
    const struct slot *slot = &store->survey.slot[store->base];
    const double seconds = (double)(system_calls->monotonic_time_ns() - begun_ns) / 1e9;
    char text[PROGRESS_TEXT_BYTES];

    event_tell(
        &store->events,
        (struct event){.kind = H5CKPT_EVENT_DURABLE, .file = slot->name, .record = &slot->record, .seconds = seconds},
        "saved '%s/%s': sequence %" PRIu64 ", %s, %" PRIu64 " bytes in %.1f ms", store->directory.path, slot->name,
        slot->record.sequence, progress_text(&slot->record.progress, text), slot->record.file_bytes, seconds * 1e3);
}

/* What the person at 3 a.m. asks next. Not after a refusal, which says enough, nor where the directory is no longer ours. */
static void say_what_is_safe(h5ckpt_store *store, h5ckpt_status status)
{
    const struct record *base = store->base == PLAN_NO_BASE ? NULL : &store->survey.slot[store->base].record;
    char text[PROGRESS_TEXT_BYTES];

    if (status != H5CKPT_E_NO_SPACE && status != H5CKPT_E_IO && status != H5CKPT_E_SYSTEM &&
        status != H5CKPT_E_PERMISSION && status != H5CKPT_E_MEMORY && status != H5CKPT_E_HDF5 &&
        status != H5CKPT_E_CALLBACK)
        return;
    if (base == NULL && store->lock.phase == LOCK_EMPTY)
        error_append(&store->error, "; nothing has been saved yet");
    if (base != NULL && !store->base_suspect && is_base_there(store))
        error_append(&store->error, "; the state before (%s, sequence %" PRIu64 ", %s) is still there",
                     slot_name((unsigned)store->base), base->sequence, progress_text(&base->progress, text));
}

h5ckpt_status h5ckpt_save(h5ckpt_store *store, const struct h5ckpt_progress *progress)
{
    const struct h5ckpt_progress at = progress == NULL ? (struct h5ckpt_progress){0} : *progress;
    const int64_t begun_ns = system_calls->monotonic_time_ns();
    h5ckpt_status status;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = store_enter(store, "h5ckpt_save");
    if (status < 0)
        return status;
    status = save(store, &at);
    if (status < 0) {
        say_what_is_safe(store, status);
        event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_SAVE_FAILED, .status = status}, "not saved: %s",
                   error_message(&store->error));
        return status;
    }
    tell_durable(store, begun_ns);
    tidy(store);
    return H5CKPT_OK;
}

void store_set_base(h5ckpt_store *store, unsigned slot_number)
{
    store->base = (int)slot_number;
    store->base_sequence = store->survey.slot[slot_number].record.sequence;
    store->base_durable =
        (store->memo[slot_number].ours && store->memo[slot_number].record.sequence == store->base_sequence) ||
        (store->flushed_slots & 1u << slot_number && store->survey.slot[slot_number].from_device); /* rule (b) */
    store->base_suspect = false;
    store->may_save = true;
}
