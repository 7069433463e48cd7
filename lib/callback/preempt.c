/* SPDX-License-Identifier: MIT */
#include "callback/preempt.h"

#include <math.h>

/* A device that others use at the same moment, as all jobs of a machine that is about to go down do, takes longer. */
static const double SAVE_MARGIN = 2.0;

double preempt_left_seconds(const struct preempt_facts *facts)
{
    const double grace_left = facts->noticed && facts->grace > 0 ? facts->grace - facts->notice_age : (double)INFINITY;

    return facts->left < grace_left ? facts->left : grace_left;
}

enum preempt_order preempt_decide(const struct preempt_facts *facts)
{
    const double left = preempt_left_seconds(facts);
    const bool at_once = facts->noticed && facts->grace <= 0;

    if (!at_once && left >= facts->step_longest + SAVE_MARGIN * facts->save_longest)
        return facts->noticed && !facts->saved ? PREEMPT_SAVE : PREEMPT_GO_ON;
    /* Once the end has passed and nobody has come, nobody knows how much is left: then a save is worth trying. */
    if (left > 0 && left < facts->save_shortest)
        return PREEMPT_STOP_UNSAVED;
    return PREEMPT_SAVE_AND_STOP;
}
