/* SPDX-License-Identifier: MIT */
/*
 * signal: handlers that count and do nothing else, for as long as somebody watches.
 *
 *   (1) A handler is put back only if ours is still the installed one.
 *   (2) An ignored signal stays ignored; an earlier handler is called as if ours were not there.
 *   (3) Where there was none, the default action is not taken while the process that watches lives by it: a child that
 *       the program forked, and that inherits the handler, ends by SIGTERM as ever.
 */
#ifndef H5CKPT_CALLBACK_SIGNAL_H
#define H5CKPT_CALLBACK_SIGNAL_H

#include <sys/types.h>

#include "error.h"

enum { SIGNAL_WATCH_MAX = 8 };

struct signal_watch {
    pid_t process; /* that watches; 0: nobody does */
    struct {
        int number; /* 0: none */
        unsigned count_before;
    } signal[SIGNAL_WATCH_MAX];
};

/* Can this signal be a notice? H5CKPT_E_ARGUMENT: it cannot be caught, tells of a fault, or does not exist. */
h5ckpt_status signal_check(int number, struct error *error);

/*
 * Install handlers for these, up to the first 0; all of them or none. Watchers may be many; the last one to end puts
 * back.
 */
h5ckpt_status signal_watch_begin(struct signal_watch *watch, const int number[SIGNAL_WATCH_MAX], struct error *error);
void signal_watch_end(struct signal_watch *watch);

/* One that has come since this watch began; 0: none has. */
int signal_watch_caught(const struct signal_watch *watch);

/* "SIGTERM"; "a signal" for one that no batch system sends. Static. */
const char *signal_name(int number);

#endif
