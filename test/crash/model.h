/* SPDX-License-Identifier: MIT */
/*
 * model: the program whose state is saved. Every variable's content follows from the number of the state, so that a
 * restored state is known bit for bit by its number, which is its progress' step.
 */
#ifndef H5CKPT_TEST_MODEL_H
#define H5CKPT_TEST_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "h5ckpt.h"

enum model_schema {
    MODEL_SMALL,    /* one block, some KiB */
    MODEL_EXTENDED, /* as that, with a variable more */
    MODEL_BIG,      /* several blocks, most of which never change; two chunks */
    MODEL_DRIFTING, /* several blocks, of which some change from one state to the next, and change back */
    MODEL_SCHEMA_COUNT,
};

enum { MODEL_NUMBER_MAX = 255 };

/* The registered variables; made once, never freed. */
h5ckpt_state *model_state(enum model_schema schema);

/* From here on, the get function of the one variable that has such fails, or no longer does. */
enum model_device { MODEL_DEVICE_WORKS, MODEL_DEVICE_FAILS };
void model_set_device(enum model_device device);

/* Fill the variables as state `number` has them. */
void model_set(enum model_schema schema, uint64_t number);

/* Say which elements two states have in common: of the variable that has such blocks, all runs of them. */
typedef void model_common(void *context, const char *name, uint64_t first, uint64_t count);
void model_compare(enum model_schema schema, uint64_t one, uint64_t other, model_common *say, void *context);

/* Fill the variables with what no state has. */
void model_spoil(enum model_schema schema);

/* Is every byte as model_set(), or model_spoil(), left it? */
bool model_is(enum model_schema schema, uint64_t number);
bool model_is_spoilt(enum model_schema schema);

/* The progress that belongs to a state: … */
enum { MODEL_EPOCH_BATCHES = 10 };
struct h5ckpt_progress model_progress(uint64_t number);

/* … that one, or the end of an epoch of which not all has been done. */
bool model_is_progress(const struct h5ckpt_progress *progress, uint64_t number);

#endif
