/* SPDX-License-Identifier: MIT */
#include "storage/survey.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void survey_explain(const struct survey *survey, struct slot *slot)
{
    const struct lock_note *note = &survey->note;

    if (slot->state != H5CKPT_SLOT_DAMAGED || !slot->overwritable || note->activity == LOCK_IDLE ||
        note->slot != slot->number)
        return;
    if (survey->writer_alive && note->activity == LOCK_SAVING)
        slot->state = H5CKPT_SLOT_WRITING;
    else if (survey->same_boot)
        slot->state = H5CKPT_SLOT_INTERRUPTED;
    else
        slot->state = H5CKPT_SLOT_INTERRUPTED_OR_DAMAGED;
    if (slot->state != H5CKPT_SLOT_INTERRUPTED_OR_DAMAGED) /* what the bytes look like says nothing */
        snprintf(slot->reason, sizeof slot->reason, "the save of sequence %" PRIu64 " %s", note->sequence,
                 slot->state == H5CKPT_SLOT_WRITING ? "is under way"
                                                    : "did not get to its end; it was not acknowledged");
}

/*
 * The newest state's record says which slots there were when it was committed: those of its rotation, all made by the
 * directory's first save, and those that held a state. One that is absent now is a loss.
 */
static void mark_missing(struct survey *survey)
{
    const struct slot *newest = NULL;

    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) {
        const struct slot *slot = &survey->slot[i];
        if (slot->state == H5CKPT_SLOT_COMMITTED && (newest == NULL || slot->record.sequence > newest->record.sequence))
            newest = slot;
    }
    for (unsigned i = 0; newest != NULL && i < FORMAT_SLOT_COUNT_MAX; i++) {
        struct slot *slot = &survey->slot[i];
        const bool in_rotation = newest->record.slot_count > 1 && i < newest->record.slot_count;
        if (slot->state != H5CKPT_SLOT_ABSENT || (!in_rotation && (newest->record.twins & 1u << i) == 0))
            continue;
        slot->state = H5CKPT_SLOT_MISSING;
        snprintf(slot->reason, sizeof slot->reason, "%s is gone, although %s (sequence %" PRIu64 ") expects it",
                 slot->name, newest->name, newest->record.sequence);
    }
}

static bool is_present(const struct slot *slot)
{
    return slot->state != H5CKPT_SLOT_ABSENT;
}

/*
 * Does the slot say that there is, or was, a checkpoint? While nothing was acknowledged, only if it may hold a state.
 */
static bool is_evidence(const struct slot *slot, enum lock_phase phase)
{
    if (phase != LOCK_EMPTY)
        return is_present(slot) && slot->state != H5CKPT_SLOT_RESERVED;
    return plan_holds_state(slot->state) || slot->state == H5CKPT_SLOT_FOREIGN ||
           slot->state == H5CKPT_SLOT_NEWER_VERSION || slot->state == H5CKPT_SLOT_UNREADABLE;
}

h5ckpt_status survey_agreed_id(const struct directory *directory, const struct lock_note *note,
                               unsigned char directory_id[FORMAT_ID_BYTES], enum lock_phase *phase, struct error *error)
{
    const char *first = NULL; /* whose id it is */
    struct slot slot;

    *phase = note->acknowledged != 0 ? LOCK_IN_USE : LOCK_EMPTY;
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) { /* whatever the others are */
        slot_examine(&slot, directory, i, NULL);
        if (slot.state == H5CKPT_SLOT_NEWER_VERSION)
            return slot_say(&slot, directory, H5CKPT_E_VERSION, error);
    }
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) {
        slot_examine(&slot, directory, i, first != NULL ? directory_id : NULL);
        if (!is_present(&slot))
            continue;
        if (slot.state == H5CKPT_SLOT_UNREADABLE)
            return slot_say(&slot, directory, slot.status, error);
        if (slot.state == H5CKPT_SLOT_FOREIGN)
            return error_set(
                error, H5CKPT_E_FOREIGN,
                "'%s' has no lock file, and %s and %s are of two different directories: nothing was touched; "
                "move away the one that does not belong here",
                directory->path, first, slot.name);
        if (!slot.record_readable)
            return error_set(error, H5CKPT_E_FOREIGN,
                             "'%s' has no lock file, and %s cannot be told to be ours (%s): "
                             "nothing was touched; use another directory, or move the file away",
                             directory->path, slot.name, slot.reason);
        memcpy(directory_id, slot.record.directory_id, FORMAT_ID_BYTES);
        first = slot.name;
        if (slot.state != H5CKPT_SLOT_RESERVED)
            *phase = LOCK_IN_USE;
    }
    return first != NULL ? H5CKPT_OK : H5CKPT_NO_CHECKPOINT;
}

h5ckpt_status survey_directory(struct survey *survey, const struct directory *directory, const struct lock *lock,
                               bool writer_alive, const char *boot_id, struct error *error)
{
    unsigned char agreed_id[FORMAT_ID_BYTES];
    const unsigned char *directory_id = lock->directory_id;
    enum lock_phase phase = lock->phase;
    h5ckpt_status status;

    *survey = (struct survey){
        .writer_alive = writer_alive, .lock_damaged = lock->found && !lock->identified, .note = lock->note};
    survey->same_boot = boot_id[0] != '\0' && strcmp(boot_id, lock->note.boot_id) == 0;
    if (!lock->identified) {
        status = survey_agreed_id(directory, &lock->note, agreed_id, &phase, error);
        if (status == H5CKPT_NO_CHECKPOINT && lock->found)
            status = error_set(error, H5CKPT_E_FOREIGN, "'%s/%s' is not ours, or damaged beyond repair",
                               directory->path, FORMAT_LOCK_NAME);
        if (status < 0)
            return status;
        directory_id = agreed_id;
    }
    bool something = phase == LOCK_IN_USE;
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) {
        struct slot *slot = &survey->slot[i];
        slot_examine(slot, directory, i, directory_id);
        survey_explain(survey, slot);
        something |= is_evidence(slot, phase);
    }
    mark_missing(survey);
    if (phase == LOCK_DELETING)
        return H5CKPT_NO_CHECKPOINT;
    return something ? H5CKPT_OK : H5CKPT_NO_CHECKPOINT;
}
