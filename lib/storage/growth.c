/* SPDX-License-Identifier: MIT */
#include "storage/growth.h"

#include <inttypes.h>
#include <string.h>

#include "storage/history_entries.h"

enum { WAIT_SAVES = 16 }; /* each attempt in vain has the next saves write every byte */

void growth_plan(h5ckpt_store *store)
{
    struct history *history = &store->history;

    if (history_fits(history)) {
        store->history_wait = 0;
        return;
    }
    if (store->history_wait > 0) {
        store->history_wait--;
        return;
    }
    if (history->row_count > history->shape.capacity)
        history->shape.capacity = history_capacity_for(history->row_count);
    history->shape.log_count = history->log_count;
}

/* With one slot the target is never there: then what counts is that this handle has once found the room for it. */
static bool has_been_written(const h5ckpt_store *store, unsigned slot_number)
{
    const struct store_memo *memo = &store->memo[slot_number];

    return !memo->spoilt && checksum_equal(&memo->record.structure_digest, &store->layout.geometry.structure_digest);
}

bool growth_is_under_way(const h5ckpt_store *store, unsigned target)
{
    struct plan_slot slot[FORMAT_SLOT_COUNT_MAX];

    if (store->history.shape.capacity == 0 && history_fits(&store->history))
        return false;
    store_plan_slots(store, slot);
    /* A slot that is only reserved may have no space yet: not every file system can promise it. */
    return plan_holds_state(slot[target].state) ? !slot[target].same_structure : !has_been_written(store, target);
}

/* ----------------------------------------------------------------------- go back */

/* What a state's slot has: only if its logs are the first ones of those that there are. */
static bool shape_of_state(const h5ckpt_store *store, unsigned slot_number, struct history_shape *shape)
{
    struct slot_reader reader = SLOT_READER_NONE;
    struct history stored = HISTORY_NONE;
    struct index index = INDEX_NONE;
    struct error ignored = ERROR_NONE;
    bool usable = false;

    if (slot_reader_open(&reader, &store->directory, slot_name(slot_number), FILE_READ, &ignored) == H5CKPT_OK &&
        reader.record.kind == RECORD_STATE && slot_reader_index(&reader, &index, &ignored) == H5CKPT_OK)
        usable = history_entries_shape(&stored, &index, reader.record.file_bytes, &ignored) == H5CKPT_OK;
    usable = usable && stored.log_count <= store->history.log_count;
    for (size_t i = 0; usable && i < stored.log_count; i++)
        usable = strcmp(stored.name[i], store->history.name[i]) == 0;
    *shape = stored.shape;
    history_free(&stored);
    index_free(&index);
    slot_reader_close(&reader);
    error_clear(&ignored);
    return usable;
}

enum { NO_HISTORY = FORMAT_SLOT_COUNT_MAX, CANDIDATE_COUNT };

static bool holds_any_state(const h5ckpt_store *store)
{
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++)
        if (plan_holds_state(store->survey.slot[i].state))
            return true;
    return false;
}

/* A slot's; one that was reserved may have been so before there was a history. */
static bool shape_of_candidate(const h5ckpt_store *store, unsigned candidate, struct history_shape *shape)
{
    enum h5ckpt_slot_state state;

    *shape = (struct history_shape){0};
    if (candidate == NO_HISTORY)
        return !holds_any_state(store);
    state = store->survey.slot[candidate].state;
    return state == H5CKPT_SLOT_RESERVED || (plan_holds_state(state) && shape_of_state(store, candidate, shape));
}

static bool same_shape(const struct history_shape *a, const struct history_shape *b)
{
    return a->capacity == b->capacity && a->log_count == b->log_count;
}

static bool is_larger(const struct history_shape *a, const struct history_shape *b)
{
    return a->capacity != b->capacity ? a->capacity > b->capacity : a->log_count > b->log_count;
}

bool growth_go_back(h5ckpt_store *store, unsigned *tried)
{
    struct history_shape best = {0};
    int found = -1;

    for (unsigned i = 0; i < CANDIDATE_COUNT; i++) {
        struct history_shape shape;
        if (*tried & 1u << i || !shape_of_candidate(store, i, &shape) || same_shape(&shape, &store->history.shape) ||
            (found >= 0 && !is_larger(&shape, &best)))
            continue;
        best = shape;
        found = (int)i;
    }
    if (found < 0)
        return false;
    *tried |= 1u << found;
    store->history.shape = best;
    if (store->history_wait == 0)
        store->history_wait = WAIT_SAVES;
    return true;
}

/* -------------------------------------------------------------------------- tell */

h5ckpt_status growth_say_full(h5ckpt_store *store, const struct error *why)
{
    const struct history *history = &store->history;
    const struct history_shape *shape = &history->shape;
    const uint64_t rows = history->row_count < shape->capacity ? history->row_count : shape->capacity;

    error_set(&store->error, H5CKPT_HISTORY_FULL,
              "saved in '%s', but of the history's %" PRIu64 " rows and %zu logs only the first %" PRIu64
              " rows and %zu logs: there is no room for more. They are kept in memory, and room is looked for again "
              "with one of the next %u saves",
              store->directory.path, history->row_count, history->log_count, rows, shape->log_count,
              store->history_wait + 1);
    if (why->status < 0)
        error_append(&store->error, ". Cause: %s", error_message(why));
    if (store->history_wait == WAIT_SAVES) /* not with every save */
        event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_HISTORY, .status = H5CKPT_HISTORY_FULL}, "%s",
                   error_message(&store->error));
    return H5CKPT_HISTORY_FULL;
}
