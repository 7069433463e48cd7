/* SPDX-License-Identifier: MIT */
#include "recovery/report.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "recovery/choose.h"
#include "storage/system.h"

static_assert((int)H5CKPT_SLOT_COUNT_MAX == (int)FORMAT_SLOT_COUNT_MAX, "the API shows every slot of the format");

static_assert((int)H5CKPT_ID_TEXT_BYTES == 2 * (int)FORMAT_ID_BYTES + 1, "the API has room for an id in hexadecimal");

static void id_text(const unsigned char id[FORMAT_ID_BYTES], char text[H5CKPT_ID_TEXT_BYTES])
{
    for (unsigned i = 0; i < FORMAT_ID_BYTES; i++)
        snprintf(text + 2 * (size_t)i, 3, "%02x", id[i]);
}

static bool holds_state(const struct slot *slot)
{
    return slot->record_readable && slot->record.kind == RECORD_STATE;
}

static struct h5ckpt_slot_report slot_report(const struct slot *slot, enum h5ckpt_role role)
{
    struct h5ckpt_slot_report report = {
        .state = slot->state, .file_bytes = slot->file_bytes, .role = role, .from_device = slot->from_device};

    snprintf(report.name, sizeof report.name, "%s", slot->name);
    snprintf(report.reason, sizeof report.reason, "%s", slot->reason);
    if (holds_state(slot)) {
        id_text(slot->record.run_id, report.run_id);
        report.sequence = slot->record.sequence;
        report.progress = slot->record.progress;
        report.wall_time_ns = slot->record.wall_time_ns;
    }
    return report;
}

/* Without a lock that says it, the slots do: they agree, or there is a foreign one. */
static void tell_directory_id(struct h5ckpt_report *report, const h5ckpt_store *store)
{
    if (store->lock.identified) {
        id_text(store->lock.directory_id, report->directory_id);
        return;
    }
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) {
        const struct slot *slot = &store->survey.slot[i];
        if (holds_state(slot) && slot->state != H5CKPT_SLOT_FOREIGN)
            id_text(slot->record.directory_id, report->directory_id);
    }
}

/* Saves newer than the restored one: acknowledged, or with a record that can still be read though the state cannot. */
static uint64_t count_lost(const struct survey *survey, uint64_t restored_sequence)
{
    uint64_t newest = survey->note.acknowledged > restored_sequence ? survey->note.acknowledged : restored_sequence;

    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) {
        const struct slot *slot = &survey->slot[i];
        const bool lost = slot->state == H5CKPT_SLOT_DAMAGED || slot->state == H5CKPT_SLOT_INTERRUPTED_OR_DAMAGED;
        if (lost && slot->record_readable && slot->record.sequence > newest)
            newest = slot->record.sequence;
    }
    return newest - restored_sequence;
}

static struct h5ckpt_account account_report(const struct lock_account *account)
{
    return (struct h5ckpt_account){
        .sequence = account->sequence,
        .save_seconds = (double)account->save_ns / 1e9,
        .bytes_written = account->bytes_written,
        .stall_seconds = (double)account->stall_ns / 1e9,
        .open_seconds = (double)account->open_ns / 1e9,
    };
}

void report_fill(struct h5ckpt_report *report, const h5ckpt_store *store, h5ckpt_status status, int restored,
                 size_t variable_count)
{
    struct plan_slot plan[FORMAT_SLOT_COUNT_MAX];
    enum h5ckpt_role role[FORMAT_SLOT_COUNT_MAX];

    *report = (struct h5ckpt_report){
        .restored = restored,
        .fell_back = status == H5CKPT_FELL_BACK,
        .variable_count = variable_count,
        .writer_alive = store->survey.writer_alive,
        .lock_damaged = store->survey.lock_damaged,
        .account = account_report(&store->survey.note.account),
        .slot_count = store->survey.slot[0].name == NULL ? 0 : FORMAT_SLOT_COUNT_MAX, /* all are looked at, or none */
    };
    tell_directory_id(report, store);
    store_plan_slots(store, plan);
    choose_roles(plan, FORMAT_SLOT_COUNT_MAX, role);
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++)
        if (store->survey.slot[i].name != NULL)
            report->slot[i] = slot_report(&store->survey.slot[i], role[i]);
    if (restored == REPORT_NO_SLOT)
        return;
    const struct record *record = &store->survey.slot[restored].record;
    report->sequence = record->sequence;
    report->progress = record->progress;
    report->age_seconds = ((double)system_calls->wall_time_ns() - (double)record->wall_time_ns) / 1e9; /* of any two */
    report->sequences_lost = count_lost(&store->survey, record->sequence);
}

const char *h5ckpt_slot_state_name(enum h5ckpt_slot_state state)
{
    switch (state) {
    case H5CKPT_SLOT_ABSENT:
        return "absent";
    case H5CKPT_SLOT_RESERVED:
        return "reserved";
    case H5CKPT_SLOT_COMMITTED:
        return "committed";
    case H5CKPT_SLOT_INTACT:
        return "intact";
    case H5CKPT_SLOT_WRITING:
        return "being written";
    case H5CKPT_SLOT_INTERRUPTED:
        return "interrupted";
    case H5CKPT_SLOT_INTERRUPTED_OR_DAMAGED:
        return "interrupted or damaged";
    case H5CKPT_SLOT_DAMAGED:
        return "damaged";
    case H5CKPT_SLOT_MISSING:
        return "missing";
    case H5CKPT_SLOT_FOREIGN:
        return "foreign";
    case H5CKPT_SLOT_NEWER_VERSION:
        return "of a newer version";
    case H5CKPT_SLOT_UNREADABLE:
        return "unreadable for now";
    }
    return "unknown";
}

const char *h5ckpt_role_name(enum h5ckpt_role role)
{
    switch (role) {
    case H5CKPT_ROLE_NONE:
        return "";
    case H5CKPT_ROLE_CURRENT:
        return "current";
    case H5CKPT_ROLE_PREVIOUS:
        return "previous";
    case H5CKPT_ROLE_OLDER:
        return "older";
    case H5CKPT_ROLE_ABANDONED:
        return "abandoned";
    }
    return "unknown";
}
