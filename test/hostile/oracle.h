/* SPDX-License-Identifier: MIT */
/*
 * oracle: everything that reads a backup directory, called on one that somebody has forged, and its answers compared
 * with what the bytes say. Nothing is to crash, to hang, to ask for much memory; a success is to give what is stored, a
 * failure to leave memory alone.
 */
#ifndef TEST_HOSTILE_ORACLE_H
#define TEST_HOSTILE_ORACLE_H

#include "hostile/judge.h"
#include "hostile/program.h"

enum oracle_answer { ORACLE_RESTORED, ORACLE_FELL_BACK, ORACLE_REFUSED, ORACLE_ANSWER_COUNT };

struct oracle {
    const struct specimen *specimen[PROGRAM_FILE_COUNT]; /* what lies in the directory */
    unsigned char directory_id[FORMAT_ID_BYTES];
    bool lock_is_as_written;
    uint64_t number; /* of the case: chooses among options */
    void (*fail)(const char *what, const char *message);
};

/* As a reader: restores in several ways, inspects, lists, compares. What the default restore gave. */
enum oracle_answer oracle_read(const struct oracle *oracle);

/* As the writer: restores, saves, and restores what was saved. */
void oracle_write(const struct oracle *oracle);

/* Goes back to the milestone; goes on with training. */
void oracle_roll_back(const struct oracle *oracle);
void oracle_train(const struct oracle *oracle);

#endif
