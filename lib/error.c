/* SPDX-License-Identifier: MIT */
#include "error.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char CUT[] = "…";

/* Into the first `room` bytes of the message. */
static void message_format(struct error *error, size_t room, const char *format, va_list arguments)
{
    int length = vsnprintf(error->message, room, format, arguments);

    if (length >= (int)room)
        memcpy(error->message + room - sizeof CUT, CUT, sizeof CUT);
}

h5ckpt_status error_set(struct error *error, h5ckpt_status status, const char *format, ...)
{
    va_list arguments;

    assert(error != NULL);
    error_clear(error);
    error->status = status;
    va_start(arguments, format);
    message_format(error, sizeof error->message, format, arguments);
    va_end(arguments);
    return status;
}

h5ckpt_status error_set_errno(struct error *error, int system_errno, const char *format, ...)
{
    char reason[128] = "";
    va_list arguments;
    size_t length;

    assert(error != NULL);
    error_clear(error);
    error->status = error_status_of_errno(system_errno);
    error->system_errno = system_errno;
    va_start(arguments, format);
    message_format(error, sizeof error->message - sizeof reason, format, arguments); /* the reason always fits */
    va_end(arguments);
    length = strlen(error->message);
    const char *text = strerror_r(system_errno, reason, sizeof reason); /* GNU: returns the text */
    snprintf(error->message + length, sizeof error->message - length, ": %s", text);
    return error->status;
}

/* Room for `added` more bytes and a NUL in the list, which takes over the message at first. */
static bool list_reserve(struct error *error, size_t added)
{
    const size_t length = error->list == NULL ? strlen(error->message) : error->list_length;
    size_t capacity = error->list_capacity == 0 ? 2 * sizeof error->message : error->list_capacity;

    while (capacity < length + added + 1)
        capacity *= 2;
    if (error->list != NULL && capacity == error->list_capacity)
        return true;
    char *list = realloc(error->list, capacity);
    if (list == NULL)
        return false;
    if (error->list == NULL)
        memcpy(list, error->message, length + 1);
    error->list = list;
    error->list_length = length;
    error->list_capacity = capacity;
    return true;
}

void error_append(struct error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int added = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (added < 0)
        return;
    va_start(arguments, format);
    if (list_reserve(error, (size_t)added)) {
        vsnprintf(error->list + error->list_length, (size_t)added + 1, format, arguments);
        error->list_length += (size_t)added;
    } else if (error->list == NULL) { /* out of memory: as much as fits */
        size_t length = strlen(error->message);
        vsnprintf(error->message + length, sizeof error->message - length, format, arguments);
    }
    va_end(arguments);
}

const char *error_message(const struct error *error)
{
    return error->list != NULL ? error->list : error->message;
}

h5ckpt_status error_status_of_errno(int system_errno)
{
    switch (system_errno) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return H5CKPT_E_NO_SPACE;
    case EACCES:
    case EPERM:
    case EROFS:
        return H5CKPT_E_PERMISSION;
    case ENOMEM:
        return H5CKPT_E_MEMORY;
    case EIO:
        return H5CKPT_E_IO;
    default:
        return H5CKPT_E_SYSTEM;
    }
}

void error_move(struct error *to, struct error *from)
{
    free(to->list);
    *to = *from;
    *from = ERROR_NONE;
}

void error_clear(struct error *error)
{
    free(error->list);
    *error = ERROR_NONE;
}

const char *h5ckpt_status_name(h5ckpt_status status)
{
#define NAME(status) \
    case status:     \
        return #status
    switch (status) {
        NAME(H5CKPT_OK);
        NAME(H5CKPT_FELL_BACK);
        NAME(H5CKPT_NO_CHECKPOINT);
        NAME(H5CKPT_LIVES_AGREE);
        NAME(H5CKPT_SKIPPED);
        NAME(H5CKPT_STOP);
        NAME(H5CKPT_HISTORY_FULL);
        NAME(H5CKPT_E_ARGUMENT);
        NAME(H5CKPT_E_BUSY);
        NAME(H5CKPT_E_NO_SPACE);
        NAME(H5CKPT_E_PERMISSION);
        NAME(H5CKPT_E_MEMORY);
        NAME(H5CKPT_E_SYSTEM);
        NAME(H5CKPT_E_IO);
        NAME(H5CKPT_E_DAMAGED);
        NAME(H5CKPT_E_LOST);
        NAME(H5CKPT_E_SCHEMA);
        NAME(H5CKPT_E_VERSION);
        NAME(H5CKPT_E_FOREIGN);
        NAME(H5CKPT_E_NOT_RESTORED);
        NAME(H5CKPT_E_MEMORY_CHANGED);
        NAME(H5CKPT_E_CALLBACK);
        NAME(H5CKPT_E_OVERTAKEN);
        NAME(H5CKPT_E_HDF5);
        NAME(H5CKPT_E_DIFFERS);
        NAME(H5CKPT_E_NOT_FINITE);
        NAME(H5CKPT_E_STOP_UNSAVED);
        NAME(H5CKPT_E_SETTINGS);
        NAME(H5CKPT_E_SAVES_FAILED);
    }
#undef NAME
    return "unknown h5ckpt_status";
}
