/* SPDX-License-Identifier: MIT */
#include "storage/history_entries.h"

#include <inttypes.h>
#include <string.h>

#include "format.h"

static const char PREFIX[] = FORMAT_HISTORY_GROUP "/";

/* NULL: the entry is of no history. */
static const char *column_name(const struct schema_entry *entry)
{
    return strncmp(entry->name, PREFIX, sizeof PREFIX - 1) == 0 ? entry->name + sizeof PREFIX - 1 : NULL;
}

struct reading {
    bool has_own[HISTORY_FIRST_LOG];
    uint64_t capacity;
    uint64_t byte_count;
    size_t column_count;
};

static h5ckpt_status refuse(const struct schema_entry *entry, const char *what, struct error *error)
{
    char text[NAME_TEXT_BYTES];

    name_text(entry->name, text);
    return error_set(error, H5CKPT_E_DAMAGED, "its history is none that this version knows: '/%s' %s", text, what);
}

/* Either byte order: a slot may have been written by another machine. */
static bool is_of(const struct schema_entry *entry, enum element_class class)
{
    return entry->element.class == class && entry->element.byte_count == sizeof(uint64_t);
}

static h5ckpt_status check_entry(const struct schema_entry *entry, enum history_column column, struct reading *reading,
                                 struct error *error)
{
    if (!is_of(entry, column == HISTORY_FIRST_LOG ? ELEMENT_FLOAT : ELEMENT_UINT))
        return refuse(entry, "is of another type", error);
    if (entry->rank != (column == HISTORY_COUNT ? 0 : 1))
        return refuse(entry, "is of another shape", error);
    if (column != HISTORY_COUNT && reading->capacity == 0)
        reading->capacity = entry->shape[0];
    if (column != HISTORY_COUNT && (entry->shape[0] == 0 || entry->shape[0] != reading->capacity))
        return refuse(entry, "has room for another number of rows than the others", error);
    if (column != HISTORY_FIRST_LOG && reading->has_own[column])
        return refuse(entry, "is there twice", error);
    if (column != HISTORY_FIRST_LOG)
        reading->has_own[column] = true;
    return H5CKPT_OK;
}

static h5ckpt_status read_entry(struct history *history, const struct schema_entry *entry, const char *name,
                                uint64_t file_bytes, struct reading *reading, struct error *error)
{
    const enum history_column column = history_own_column(name);
    struct error reason = ERROR_NONE;
    h5ckpt_status status = check_entry(entry, column, reading, error);

    if (status < 0)
        return status;
    reading->column_count++;
    reading->byte_count += entry->byte_count; /* each lies within the file, so the sum does not overflow before this */
    if (reading->byte_count > file_bytes)
        return refuse(entry, "and the others are larger than the slot", error);
    if (column != HISTORY_FIRST_LOG)
        return H5CKPT_OK;
    for (size_t i = 0; i < history->log_count; i++)
        if (strcmp(history->name[i], name) == 0)
            return refuse(entry, "is there twice", error);
    status = history_add_log(history, name, &reason);
    if (status == H5CKPT_E_ARGUMENT)
        status = refuse(entry, error_message(&reason), error);
    else if (status < 0)
        error_move(error, &reason);
    error_clear(&reason);
    return status;
}

h5ckpt_status history_entries_shape(struct history *history, const struct index *index, uint64_t file_bytes,
                                    struct error *error)
{
    struct reading reading = {0};
    h5ckpt_status status = H5CKPT_OK;

    *history = HISTORY_NONE;
    for (size_t i = 0; i < index->entry_count && status == H5CKPT_OK; i++) {
        const char *name = column_name(&index->entry[i]);
        if (name != NULL)
            status = read_entry(history, &index->entry[i], name, file_bytes, &reading, error);
    }
    if (status == H5CKPT_OK && reading.column_count != 0 &&
        reading.column_count != HISTORY_FIRST_LOG + history->log_count)
        status = error_set(error, H5CKPT_E_DAMAGED,
                           "its history is none that this version knows: its count, or a column of positions, is not "
                           "there");
    if (status == H5CKPT_OK)
        status = history_reserve(history, reading.capacity, error);
    if (status < 0)
        history_free(history);
    else
        history->shape = (struct history_shape){reading.capacity, history->log_count};
    return status;
}

size_t history_entries_find(const struct history *history, size_t column, const struct index *index)
{
    const char *wanted = history_column_name(history, column);
    size_t found = 0;

    for (size_t i = 0; i < index->entry_count; i++) {
        const char *name = column_name(&index->entry[i]);
        if (name != NULL && strcmp(name, wanted) == 0)
            found = i;
    }
    return found;
}
