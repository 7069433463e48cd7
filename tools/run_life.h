/* SPDX-License-Identifier: MIT */
/*
 * run_life: one life of the program: started, sent the signals that we are sent, awaited.
 *
 * It stays in our process group, so the terminal is its own as it would be without us: Ctrl-C reaches both, Ctrl-Z
 * stops both. Where it leaves that group by itself, the keys are passed on to it.
 */
#ifndef RUN_LIFE_H
#define RUN_LIFE_H

#include <sys/types.h>

#include "run_decide.h"
#include "signals.h"

struct run_life {
    enum run_end end;
    int status;      /* as a shell tells it: the exit status, or 128 and the signal */
    int died_of;     /* that signal; 0: it exited */
    int start_errno; /* why it could not be executed or started; 0: it was */
    enum run_asked asked;
    int asked_by; /* the first signal to that effect; 0: none */
    int64_t begun_ns;
    int64_t ended_ns;
    int64_t ended_wall_ns; /* since 1970 */
};

/* The signals that are ours to take: those that are passed on, and SIGCHLD. Ends with 0. */
extern const int RUN_LIFE_SIGNALS[];

/* Does this one ask whoever gets it to end? */
bool run_life_asks_for_end(int number);

/* Returns when it is over. It is killed `kill_after_ns` after it was first asked to end; SIGNALS_NO_END: never. */
struct run_life run_life(char **arguments, const struct signals *signals, int64_t kill_after_ns);

#endif
