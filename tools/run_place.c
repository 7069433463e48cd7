/* SPDX-License-Identifier: MIT */
#include "run_place.h"

#include "glance.h"

/* What does not pass: as long as that is there, no life gets on. */
static bool is_told(h5ckpt_status status)
{
    return status == H5CKPT_OK || status == H5CKPT_FELL_BACK || status == H5CKPT_NO_CHECKPOINT ||
           status == H5CKPT_E_LOST || status == H5CKPT_E_FOREIGN || status == H5CKPT_E_VERSION;
}

struct run_place run_place_now(const char *directory)
{
    struct glance glance = glance_at(directory);
    const struct h5ckpt_slot_report *slot = glance_restorable(&glance);
    struct run_place place = {
        .known = is_told(glance.status),
        .held = glance.report.writer_alive,
        .nothing = glance.status == H5CKPT_NO_CHECKPOINT,
        .sequence = glance_newest_sequence(&glance),
        .restorable = slot != NULL,
    };

    if (slot != NULL) {
        place.restorable_sequence = slot->sequence;
        place.progress = slot->progress;
        place.saved_wall_ns = slot->wall_time_ns;
        place.saves_lost = glance.report.sequences_lost;
    }
    glance_free(&glance);
    return place;
}

bool run_place_was_deleted(const struct run_place *before, const struct run_place *after)
{
    return before->known && !before->nothing && after->nothing;
}

bool run_place_counts_saves(const struct run_place *before, const struct run_place *after, enum run_end end)
{
    return before->known && after->known && !(end == RUN_FINISHED && after->nothing);
}

uint64_t run_place_save_count(const struct run_place *before, const struct run_place *after)
{
    return before->known && after->known && after->sequence > before->sequence ? after->sequence - before->sequence : 0;
}

static bool is_same(const struct h5ckpt_progress *a, const struct h5ckpt_progress *b)
{
    return a->epoch == b->epoch && a->batch == b->batch && a->step == b->step;
}

enum run_progress run_place_progress(const struct run_place *before, const struct run_place *after)
{
    static const struct h5ckpt_progress UNTOLD = {0};

    if (!before->known || !after->known)
        return RUN_PROGRESS_UNKNOWN;
    if (!after->restorable || before->sequence == after->sequence)
        return RUN_IDLE;
    return before->restorable && is_same(&before->progress, &after->progress) && !is_same(&after->progress, &UNTOLD)
               ? RUN_IDLE
               : RUN_PROGRESSED;
}
