/* SPDX-License-Identifier: MIT */
#include "callback/cost.h"

/* -------------------------------------------------------------------- medians */

static void keep(struct cost_samples *samples, int64_t ns)
{
    samples->ns[samples->next] = ns;
    samples->next = (samples->next + 1) % COST_KEPT;
    samples->count += samples->count < COST_KEPT;
}

/* Of an even number the larger one in the middle: rather too much than too little is taken for usual. */
static int64_t median(const struct cost_samples *samples)
{
    for (unsigned i = 0; i < samples->count; i++) {
        unsigned below = 0;
        unsigned equal = 0;
        for (unsigned j = 0; j < samples->count; j++) {
            below += samples->ns[j] < samples->ns[i];
            equal += samples->ns[j] == samples->ns[i];
        }
        if (below <= samples->count / 2 && samples->count / 2 < below + equal)
            return samples->ns[i];
    }
    return COST_UNKNOWN;
}

/* -------------------------------------------------------------------- batches */

void cost_begin_batch(struct cost *cost, int64_t now_ns, bool beside_save)
{
    cost->in_batch = true;
    cost->batch_begun_ns = now_ns;
    cost->batch_beside = beside_save;
}

void cost_end_batch(struct cost *cost, int64_t now_ns, int64_t stall_ns, uint64_t batch_count)
{
    const int64_t rest_ns = now_ns - cost->batch_begun_ns - stall_ns;
    const int64_t batches_ns = rest_ns > 0 ? rest_ns : 0;

    if (!cost->in_batch || batch_count == 0)
        return;
    cost->in_batch = false;
    if (cost->batch_beside) {
        cost->beside_ns += batches_ns;
        cost->beside_count += batch_count;
    } else {
        keep(&cost->batches, (int64_t)((uint64_t)batches_ns / batch_count));
    }
}

void cost_leave_batch(struct cost *cost)
{
    cost->in_batch = false;
}

/*
 * All batches beside the last save together: the odd one that takes long for reasons of its own is made good by others.
 */
static int64_t slowdown_ns(const struct cost *cost)
{
    double more_ns;

    if (cost->beside_count == 0 || cost->batches.count == 0)
        return 0;
    more_ns = (double)cost->beside_ns - (double)median(&cost->batches) * (double)cost->beside_count;
    return more_ns > 0 ? (int64_t)more_ns : 0;
}

/* ---------------------------------------------------------------------- saves */

void cost_add_save(struct cost *cost, int64_t call_ns, bool failed)
{
    if (cost->begun && !cost->failed)
        keep(&cost->saves, cost_last_ns(cost));
    cost->begun = true;
    cost->failed = failed;
    cost->call_ns = call_ns;
    cost->stall_ns = 0;
    cost->beside_ns = 0;
    cost->beside_count = 0;
}

void cost_add_stall(struct cost *cost, int64_t stall_ns)
{
    cost->stall_ns += stall_ns;
}

int64_t cost_after_call_ns(const struct cost *cost)
{
    return cost->begun ? cost->stall_ns + slowdown_ns(cost) : 0;
}

int64_t cost_last_ns(const struct cost *cost)
{
    return cost->begun ? cost->call_ns + cost_after_call_ns(cost) : 0;
}

int64_t cost_typical_ns(const struct cost *cost)
{
    struct cost_samples samples = cost->saves;

    if (cost->begun && !cost->failed)
        keep(&samples, cost_last_ns(cost));
    return median(&samples);
}

int64_t cost_charged_ns(const struct cost *cost)
{
    const int64_t last_ns = cost_last_ns(cost);
    const int64_t typical_ns = cost_typical_ns(cost);

    return typical_ns == COST_UNKNOWN || last_ns / COST_CHARGED_MAX < typical_ns ? last_ns
                                                                                 : COST_CHARGED_MAX * typical_ns;
}
