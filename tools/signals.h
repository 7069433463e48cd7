/* SPDX-License-Identifier: MIT */
/*
 * signals: blocked, and taken one at a time by the one who waits for them. No handler is installed, so none can be left
 * behind, and none can come between a look and a wait.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define SIGNALS_NO_END INT64_MAX

struct signals {
    sigset_t taken;
    sigset_t mask_before;
    struct sigaction child_before; /* of SIGCHLD */
    struct sigaction pipe_before;  /* of SIGPIPE */
};

/*
 * Take these, up to the first 0, but for those that are ignored: whoever started us (nohup, say) wants that. SIGCHLD
 * comes even if it was ignored.
 */
void signals_take(struct signals *signals, const int *numbers);

/* From now on output into a closed pipe fails, and is no end. */
void signals_survive_pipe(struct signals *signals);

/* Mask and dispositions as before: in a child, before it becomes another program. */
void signals_give_back(const struct signals *signals);

/* As if it had not been taken; also where whoever started us had blocked it. */
_Noreturn void signals_die_of(int number);

/*
 * Wait for the next one, until `end_ns` on the monotonic clock. Its number, or 0: that is now. `from_keyboard`: the
 * terminal has sent it, to the whole foreground process group. May be NULL.
 */
int signals_wait(const struct signals *signals, int64_t end_ns, bool *from_keyboard);

/* Of that clock. */
int64_t signals_clock_ns(void);

/* "SIGTERM"; "signal 40". In `room`. */
enum { SIGNALS_NAME_BYTES = 32 };
const char *signals_name(char room[SIGNALS_NAME_BYTES], int number);

#endif
