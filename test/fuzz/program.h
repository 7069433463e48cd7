/* SPDX-License-Identifier: MIT */
/*
 * program: what fuzz_calls saves. Each variable's content follows from the number of a state, so that what is restored
 * is known bit for bit; which variables are registered is the input's choice.
 */
#ifndef H5CKPT_TEST_FUZZ_PROGRAM_H
#define H5CKPT_TEST_FUZZ_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "h5ckpt.h"

enum { PROGRAM_VARIABLE_COUNT = 6, PROGRAM_MASK_ALL = (1 << PROGRAM_VARIABLE_COUNT) - 1 };

struct program {
    h5ckpt_state *state;
    unsigned mask;  /* of the variables that are registered */
    bool get_fails; /* the functions of the variable that has such */
    bool put_fails;
};

/* A state with these variables (bits), and one setting of this value. */
void program_make(struct program *program, unsigned mask, double setting);
void program_add(struct program *program, unsigned variable); /* unless it is there */
void program_free(struct program *program);

/* Memory becomes state `number`; or no state at all. */
void program_fill(uint64_t number);
void program_spoil(void);

/* Are these variables those of the state; untouched since program_spoil()? */
bool program_is(unsigned mask, uint64_t number);
bool program_is_spoilt(unsigned mask);

/* Promise what never changes. */
void program_promise(const struct program *program, h5ckpt_store *store);

#endif
