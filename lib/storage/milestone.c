/* SPDX-License-Identifier: MIT */
#include "storage/milestone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------ names */

static bool is_name(const char *name, size_t length)
{
    static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    return length > 0 && length <= FORMAT_MILESTONE_NAME_BYTES_MAX && name[0] != '.' && strspn(name, ALLOWED) >= length;
}

h5ckpt_status milestone_check_name(const char *name, struct error *error)
{
    if (name != NULL && is_name(name, strlen(name)))
        return H5CKPT_OK;
    return error_set(
        error, H5CKPT_E_ARGUMENT,
        "a milestone's name is %s; 1 to %d letters, digits, '.', '_' and '-' are possible, the first no '.'",
        name == NULL    ? "NULL"
        : *name == '\0' ? "empty"
                        : "not one that a file can have everywhere",
        FORMAT_MILESTONE_NAME_BYTES_MAX);
}

bool milestone_name_of_file(const char *file_name, char name[FORMAT_MILESTONE_NAME_BYTES_MAX + 1])
{
    const size_t prefix = sizeof FORMAT_MILESTONE_PREFIX - 1;
    const size_t suffix = sizeof FORMAT_MILESTONE_SUFFIX - 1;
    const size_t length = strlen(file_name);

    if (length <= prefix + suffix || strncmp(file_name, FORMAT_MILESTONE_PREFIX, prefix) != 0 ||
        strcmp(file_name + length - suffix, FORMAT_MILESTONE_SUFFIX) != 0 ||
        !is_name(file_name + prefix, length - prefix - suffix))
        return false;
    memcpy(name, file_name + prefix, length - prefix - suffix);
    name[length - prefix - suffix] = '\0';
    return true;
}

/* ---------------------------------------------------------------------- one file */

/* What is no regular file was never made by us, whatever a slot's place would make of it. */
static void disown_other(struct milestone *milestone, const struct directory *directory)
{
    struct error error = ERROR_NONE;
    struct entry entry;

    if (milestone->slot.state != H5CKPT_SLOT_DAMAGED ||
        directory_look(directory, milestone->file_name, &entry, &error) < 0 || entry.kind != ENTRY_OTHER) {
        error_clear(&error);
        return;
    }
    milestone->slot.state = H5CKPT_SLOT_FOREIGN;
    slot_set_reason(&milestone->slot, directory, "is not a regular file: not ours, left alone");
}

void milestone_examine(struct milestone *milestone, const struct directory *directory, const char *name,
                       const unsigned char *directory_id)
{
    snprintf(milestone->name, sizeof milestone->name, "%s", name);
    snprintf(milestone->file_name, sizeof milestone->file_name, FORMAT_MILESTONE_PREFIX "%s" FORMAT_MILESTONE_SUFFIX,
             milestone->name);
    slot_examine_file(&milestone->slot, directory, milestone->file_name, directory_id);
    disown_other(milestone, directory);
}

bool milestone_is_ours(const struct milestone *milestone)
{
    return milestone->slot.record_readable && milestone->slot.state != H5CKPT_SLOT_FOREIGN &&
           milestone->slot.state != H5CKPT_SLOT_NEWER_VERSION;
}

h5ckpt_status milestone_refuse(const struct milestone *milestone, const struct directory *directory,
                               struct error *error)
{
    const struct slot *slot = &milestone->slot;

    switch (slot->state) {
    case H5CKPT_SLOT_COMMITTED:
    case H5CKPT_SLOT_INTACT:
        return H5CKPT_OK;
    case H5CKPT_SLOT_ABSENT:
        return error_set(error, H5CKPT_E_ARGUMENT, "there is no milestone '%s' in '%s'", milestone->name,
                         directory->path);
    case H5CKPT_SLOT_FOREIGN:
        return slot_say(slot, directory, H5CKPT_E_FOREIGN, error);
    case H5CKPT_SLOT_NEWER_VERSION:
        return slot_say(slot, directory, H5CKPT_E_VERSION, error);
    case H5CKPT_SLOT_UNREADABLE:
        return slot_say(slot, directory, slot->status, error);
    case H5CKPT_SLOT_RESERVED:
        return error_set(error, H5CKPT_E_DAMAGED, "'%s/%s' holds no state", directory->path, slot->name);
    default:
        return slot_say(slot, directory, H5CKPT_E_DAMAGED, error);
    }
}

/* --------------------------------------------------------------------- all of them */

struct names {
    char (*name)[FORMAT_MILESTONE_NAME_BYTES_MAX + 1];
    size_t count;
    size_t capacity;
    bool exhausted; /* no memory */
};

static void take_name(void *context, const char *file_name)
{
    struct names *names = context;
    char name[sizeof *names->name];

    if (!milestone_name_of_file(file_name, name))
        return;
    if (names->count == names->capacity) {
        const size_t capacity = names->capacity == 0 ? 16 : 2 * names->capacity;
        void *larger = realloc(names->name, capacity * sizeof *names->name);
        if (larger == NULL) {
            names->exhausted = true;
            return;
        }
        names->name = larger;
        names->capacity = capacity;
    }
    memcpy(names->name[names->count++], name, sizeof name);
}

static int compare(const void *a, const void *b)
{
    const struct milestone *one = a;
    const struct milestone *other = b;

    if (one->slot.record.sequence != other->slot.record.sequence)
        return one->slot.record.sequence < other->slot.record.sequence ? -1 : 1;
    return strcmp(one->name, other->name);
}

/* One that has vanished since its name was read is left out: beside a writer it may. */
static void examine_names(struct milestones *found, const struct names *names, const struct directory *directory,
                          const unsigned char *directory_id)
{
    for (size_t i = 0; i < names->count; i++) {
        struct milestone *milestone = &found->milestone[found->count];
        milestone_examine(milestone, directory, names->name[i], directory_id);
        found->count += milestone->slot.state != H5CKPT_SLOT_ABSENT;
    }
    qsort(found->milestone, found->count, sizeof *found->milestone, compare);
    for (size_t i = 0; i < found->count; i++)
        found->milestone[i].slot.name = found->milestone[i].file_name; /* it was moved */
}

h5ckpt_status milestones_read(struct milestones *found, const struct directory *directory,
                              const unsigned char *directory_id, struct error *error)
{
    struct names names = {0};
    h5ckpt_status status;

    *found = MILESTONES_NONE;
    status = directory_list(directory, take_name, &names, error);
    if (status == H5CKPT_OK && !names.exhausted)
        found->milestone = calloc(names.count + 1, sizeof *found->milestone);
    if (status == H5CKPT_OK && found->milestone == NULL)
        status = error_set(error, H5CKPT_E_MEMORY, "no memory to list the milestones in '%s'", directory->path);
    if (status == H5CKPT_OK)
        examine_names(found, &names, directory, directory_id);
    free(names.name);
    return status;
}

void milestones_free(struct milestones *found)
{
    free(found->milestone);
    *found = MILESTONES_NONE;
}

bool milestones_any(const struct milestones *found)
{
    for (size_t i = 0; i < found->count; i++)
        if (found->milestone[i].slot.state != H5CKPT_SLOT_FOREIGN)
            return true;
    return false;
}

uint64_t milestones_sequence(const struct milestones *found)
{
    uint64_t highest = 0;

    for (size_t i = 0; i < found->count; i++) {
        const struct slot *slot = &found->milestone[i].slot;
        if (slot->record_readable && slot->state != H5CKPT_SLOT_FOREIGN && slot->record.sequence > highest)
            highest = slot->record.sequence;
    }
    return highest;
}

h5ckpt_status milestones_agreed_id(const struct milestones *found, const struct directory *directory,
                                   unsigned char directory_id[FORMAT_ID_BYTES], struct error *error)
{
    const struct milestone *agreed = NULL;

    for (size_t i = 0; i < found->count; i++) {
        const struct milestone *milestone = &found->milestone[i];
        const enum h5ckpt_slot_state state = milestone->slot.state;
        if (state == H5CKPT_SLOT_UNREADABLE || state == H5CKPT_SLOT_NEWER_VERSION)
            return milestone_refuse(milestone, directory, error);
        if (!milestone_is_ours(milestone))
            continue;
        if (agreed != NULL &&
            memcmp(agreed->slot.record.directory_id, milestone->slot.record.directory_id, FORMAT_ID_BYTES) != 0)
            return error_set(
                error, H5CKPT_E_FOREIGN,
                "'%s' has no lock file, and '%s' and '%s' belong to different backup directories: nothing was "
                "touched; use another directory, or move one of them away",
                directory->path, agreed->file_name, milestone->file_name);
        agreed = milestone;
    }
    if (agreed == NULL)
        return H5CKPT_NO_CHECKPOINT;
    memcpy(directory_id, agreed->slot.record.directory_id, FORMAT_ID_BYTES);
    return H5CKPT_OK;
}
