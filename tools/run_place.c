/* SPDX-License-Identifier: MIT */
#include "run_place.h"

#include "glance.h"

static bool is_told(h5ckpt_status status)
{
    return status == H5CKPT_OK || status == H5CKPT_FELL_BACK || status == H5CKPT_NO_CHECKPOINT ||
           status == H5CKPT_E_LOST;
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

bool run_place_differs(const struct run_place *before, const struct run_place *after)
{
    return before->known && after->known && before->sequence != after->sequence;
}
