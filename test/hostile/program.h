/* SPDX-License-Identifier: MIT */
/*
 * program: a little training program with a variable of every kind, settings and a history, and the directory that it
 * has left: two slots, the lock, the view and a milestone.
 */
#ifndef TEST_HOSTILE_PROGRAM_H
#define TEST_HOSTILE_PROGRAM_H

#include <complex.h>

#include "h5ckpt.h"
#include "hostile/specimen.h"

enum program_file { SLOT_A, SLOT_B, LOCK, VIEW, MILESTONE, PROGRAM_FILE_COUNT };

enum { PROGRAM_VARIABLE_COUNT = 8, PROGRAM_SAVES = 4 };

#define MILESTONE_NAME "kept"

extern const char *const PROGRAM_FILE[PROGRAM_FILE_COUNT];

struct program {
    double weights[3][5];
    int32_t counts[7];
    char label[24];
    bool flag[3];
    float _Complex wave[2];
    unsigned char generator[40];
    uint16_t shuffled[11];
    double empty[1]; /* registered without elements */
};

struct program_variable {
    const char *path; /* in a slot */
    const void *bytes;
    size_t byte_count;
};

extern struct program program; /* registered */
extern h5ckpt_state *program_state;
extern char program_directory[256]; /* of the backup */

/* Register; in a temporary directory, or one that is named, train: PROGRAM_SAVES saves, a milestone of the second. */
void program_register(const char *directory);
void program_train(void);
void program_begin(void);
void program_end(void);

void program_fill(int generation);
void program_spoil(void);
bool program_equals(const struct program *other);
bool program_is_spoilt(void);

const struct program_variable *program_variables(void); /* PROGRAM_VARIABLE_COUNT of them */

const char *program_path(enum program_file file);

/* Whatever was written, removed or added. */
void program_repair(const struct specimen pristine[PROGRAM_FILE_COUNT]);

/* Is there any file that h5ckpt never makes? Its name, or NULL. */
const char *program_strange_file(void);

#endif
