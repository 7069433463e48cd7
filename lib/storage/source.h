/* SPDX-License-Identifier: MIT */
/*
 * source: where the bytes of one save are, by schema index: in the program's memory, or in a copy that its get
 * functions filled. Everything that can fail before a slot is touched fails here (P5).
 */
#ifndef H5CKPT_SOURCE_H
#define H5CKPT_SOURCE_H

#include "state/state.h"
#include "storage/layout.h"

struct source {
    const unsigned char **bytes; /* by schema index */
    unsigned char *copy;         /* of the variables that get functions deliver */
    uint64_t copy_byte_count;
    uint64_t progress[LAYOUT_PROGRESS_COUNT];
};

#define SOURCE_NONE ((struct source){0})

/* Memory for the variables of `layout`; once per schema. H5CKPT_E_MEMORY. */
h5ckpt_status source_reserve(struct source *source, const struct layout *layout, const h5ckpt_state *state,
                             struct error *error);

/* Look up every pointer and call every get function. H5CKPT_E_ARGUMENT, H5CKPT_E_CALLBACK, naming the variable. */
h5ckpt_status source_collect(struct source *source, const h5ckpt_state *state, const struct h5ckpt_progress *progress,
                             struct error *error);

/* Is what was collected finite where the program wants that? H5CKPT_E_NOT_FINITE, naming variable and element. */
h5ckpt_status source_check_finite(const struct source *source, const h5ckpt_state *state, struct error *error);

void source_free(struct source *source);

#endif
