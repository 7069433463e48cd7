/* SPDX-License-Identifier: MIT */
#include "glance.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

static void note_milestone(void *context, const struct h5ckpt_milestone *milestone)
{
    bool *any = context;

    *any |= milestone->state != H5CKPT_SLOT_FOREIGN;
}

struct glance glance_at(const char *directory)
{
    struct glance glance = {.report.restored = -1};
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_state *state = memory_check(h5ckpt_state_new());
    h5ckpt_store *store;

    options.mode = H5CKPT_READ_ONLY;
    glance.status = h5ckpt_open(&store, directory, state, &options);
    if (glance.status == H5CKPT_OK)
        glance.status = h5ckpt_inspect(store, NULL, &glance.report);
    glance.message = memory_check(strdup(h5ckpt_message(store)));
    if (glance.status == H5CKPT_NO_CHECKPOINT)
        h5ckpt_list_milestones(store, H5CKPT_RECORDS, note_milestone, &glance.only_milestones);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
    return glance;
}

void glance_free(struct glance *glance)
{
    free(glance->message);
    glance->message = NULL;
}

const struct h5ckpt_slot_report *glance_restorable(const struct glance *glance)
{
    return glance->report.restored < 0 ? NULL : &glance->report.slot[glance->report.restored];
}

uint64_t glance_newest_sequence(const struct glance *glance)
{
    uint64_t newest = 0;

    for (unsigned i = 0; i < glance->report.slot_count; i++)
        if (glance->report.slot[i].sequence > newest)
            newest = glance->report.slot[i].sequence;
    return newest;
}
