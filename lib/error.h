/* SPDX-License-Identifier: MIT */
/*
 * error: a status with its sentence. The message is written where the fact is known and only forwarded
 * from there on; the public handle shows it unchanged.
 */
#ifndef H5CKPT_ERROR_H
#define H5CKPT_ERROR_H

#include <stdarg.h>
#include <stddef.h>

#include "h5ckpt.h"

enum { ERROR_MESSAGE_BYTES = 1024 };

struct error {
    h5ckpt_status status;
    int system_errno;                  /* of the system call that failed; 0 if none did */
    char message[ERROR_MESSAGE_BYTES]; /* cut, with "…", when longer */
    char *list;                        /* a message of any length (all differences), or NULL; owned */
    size_t list_length;
    size_t list_capacity;
};

#define ERROR_NONE ((struct error){0})

/* Set status and message; returns the status, so that callers can `return error_set(…)`. */
h5ckpt_status error_set(struct error *error, h5ckpt_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set(), for a failed system call: the status follows from the errno, whose text is appended. */
h5ckpt_status error_set_errno(struct error *error, int system_errno, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Append a line to the message, whatever its length (falls back to cutting when out of memory). */
void error_append(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The whole message; "" if there is none. */
const char *error_message(const struct error *error);

/* The status that a failed system call's errno stands for. Pure. */
h5ckpt_status error_status_of_errno(int system_errno);

/* Move `from` over `to`, freeing what was there; `from` is empty afterwards. */
void error_move(struct error *to, struct error *from);

/* Free the list and become ERROR_NONE. */
void error_clear(struct error *error);

#endif
