/* SPDX-License-Identifier: MIT */
#include "storage/event.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
enum h5ckpt_level event_level(enum h5ckpt_event_kind kind, h5ckpt_status status)
{
    switch (kind) {
    case H5CKPT_EVENT_SAVE_FAILED:
    case H5CKPT_EVENT_HOOK_REFUSED:
    case H5CKPT_EVENT_GIVEN_UP:
    case H5CKPT_EVENT_RESTORE_FAILED:
        return H5CKPT_LEVEL_ERROR;
    case H5CKPT_EVENT_FELL_BACK:
    case H5CKPT_EVENT_SLOT_REJECTED:
    case H5CKPT_EVENT_LOCK_REPAIRED:
    case H5CKPT_EVENT_VIEW_FAILED:
    case H5CKPT_EVENT_SETTINGS_CHANGED:
    case H5CKPT_EVENT_HISTORY:
        return H5CKPT_LEVEL_WARNING;
    case H5CKPT_EVENT_PREEMPTION:
        return status < 0 ? H5CKPT_LEVEL_ERROR : H5CKPT_LEVEL_WARNING;
    case H5CKPT_EVENT_CHECKED:
    case H5CKPT_EVENT_KEPT:
        return status < 0 ? H5CKPT_LEVEL_ERROR : H5CKPT_LEVEL_INFO;
    case H5CKPT_EVENT_SAVE_BEGUN:
    case H5CKPT_EVENT_DURABLE:
    case H5CKPT_EVENT_RESTORED:
    case H5CKPT_EVENT_SLOT_REMOVED:
    case H5CKPT_EVENT_LEFTOVER_REMOVED:
    case H5CKPT_EVENT_FORGOTTEN:
    case H5CKPT_EVENT_ROLLED_BACK:
    case H5CKPT_EVENT_DELETED:
        break;
    }
    return H5CKPT_LEVEL_INFO;
}

void event_tell(const struct event_sink *sink, struct event event, const char *format, ...)
{
    const struct h5ckpt_progress nowhere = {0};
    char room[ERROR_MESSAGE_BYTES]; /* enough, but for lists of differences */
    char *whole = NULL;
    va_list arguments;
    int length;

    if (sink->tell == NULL)
        return;
    va_start(arguments, format);
    length = vsnprintf(room, sizeof room, format, arguments);
    va_end(arguments);
    va_start(arguments, format);
    if (length >= (int)sizeof room && vasprintf(&whole, format, arguments) < 0)
        whole = NULL; /* out of memory: what fits must do */
    va_end(arguments);
    struct h5ckpt_event told = {
        .kind = event.kind,
        .level = event_level(event.kind, event.status),
        .status = event.status,
        .backup_dir = sink->backup_dir,
        .file = event.file == NULL ? "" : event.file,
        .sequence = event.record == NULL ? 0 : event.record->sequence,
        .progress = event.record == NULL ? nowhere : event.record->progress,
        .seconds = event.seconds,
        .message = whole != NULL ? whole : room,
    };
    sink->tell(sink->context, &told);
    free(whole);
}
