/* SPDX-License-Identifier: MIT */
/*
 * event: tells the host's logger, if there is one, what happens (P10).
 */
#ifndef H5CKPT_EVENT_H
#define H5CKPT_EVENT_H

#include "storage/record.h"

struct event_sink {
    void (*tell)(void *context, const struct h5ckpt_event *event); /* the program's; NULL: nobody listens */
    void *context;
    const char *backup_dir;
};

struct event {
    enum h5ckpt_event_kind kind;
    h5ckpt_status status;
    const char *file;            /* NULL: none */
    const struct record *record; /* of the state that it is about; NULL: none */
    double seconds;
};

/* How much a person should care. Pure. */
enum h5ckpt_level event_level(enum h5ckpt_event_kind kind, h5ckpt_status status);

void event_tell(const struct event_sink *sink, struct event event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
