/* SPDX-License-Identifier: MIT */
/*
 * run_tell: what a supervised program's lives came to: as they pass, on standard error, and, if wanted, as a JSON
 * object each in a journal; all of them in a table at the end. Standard output is the program's.
 */
#ifndef RUN_TELL_H
#define RUN_TELL_H

#include "run_life.h"
#include "run_place.h"

enum { RUN_TELL_LIVES_MAX = 100 }; /* in the table: the last ones */

struct run_record {
    uint64_t number; /* from 1 */
    struct run_place before;
    struct run_life life;
    struct run_place after;
    enum run_verdict verdict;
    uint64_t idle_count; /* lives in a row, this one included, that made no progress */
    int64_t backoff_ns;
};

struct run_tell {
    const char *directory;
    char **arguments;
    int journal; /* descriptor; -1: none */
    struct run_record last[RUN_TELL_LIVES_MAX];
    uint64_t count;
};

/* Open the journal to append to it. False: it cannot be, which has been said. */
bool run_tell_open_journal(struct run_tell *tell, const char *path);

void run_tell_begin(const struct run_tell *tell, uint64_t number, const struct run_place *before);

/* The life is over, and what comes of it is decided. */
void run_tell_end(struct run_tell *tell, const struct run_record *record);

/* A writer still has the directory: it is waited for. */
void run_tell_held(const struct run_tell *tell);

/* A signal came while no program was there to take it. */
void run_tell_signal(int number, bool ends);

/* No life is to follow: why, and what is safe; and the table. `asked_by`: the signal that ended a wait; 0: none. */
void run_tell_verdict(const struct run_tell *tell, enum run_verdict verdict, int asked_by,
                      const struct run_place *place);
void run_tell_summary(const struct run_tell *tell);

#endif
