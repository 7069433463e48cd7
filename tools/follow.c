/* SPDX-License-Identifier: MIT */
#include "follow.h"

/*
 * Per save: some may have passed unseen. Not known if the clock on the wall was set back, or the program began anew. A
 * file can say any time, centuries ago or ahead.
 */
static int64_t interval_ns(uint64_t earlier, int64_t earlier_ns, uint64_t later, int64_t later_ns)
{
    int64_t passed_ns;

    if (earlier == 0 || later <= earlier || later_ns <= earlier_ns ||
        __builtin_sub_overflow(later_ns, earlier_ns, &passed_ns))
        return 0;
    return passed_ns / (int64_t)(later - earlier);
}

static void learn_interval(struct follow *follow, const struct sight *sight)
{
    const int64_t told_ns =
        interval_ns(sight->previous_sequence, sight->previous_saved_ns, sight->sequence, sight->saved_ns);
    const int64_t seen_ns = interval_ns(follow->sequence, follow->saved_ns, sight->sequence, sight->saved_ns);

    if (told_ns != 0)
        follow->interval_ns = told_ns; /* while the next one is being written, only … */
    else if (seen_ns != 0)
        follow->interval_ns = seen_ns; /* … what was seen before can tell */
    else if (sight->sequence < follow->sequence)
        follow->interval_ns = 0;
}

static unsigned see_state(struct follow *follow, const struct sight *sight)
{
    const bool other = sight->sequence != follow->sequence || sight->saved_ns != follow->saved_ns;

    learn_interval(follow, sight);
    follow->sequence = sight->sequence;
    follow->saved_ns = sight->saved_ns;
    follow->state_seen = true;
    return other ? NEWS_SAVED : NEWS_NONE;
}

static unsigned see_nothing(struct follow *follow, const struct sight *sight)
{
    const bool deleted = follow->state_seen || (sight->leavings && !sight->writer);

    follow->state_seen = false;
    follow->sequence = 0;
    follow->saved_ns = 0;
    follow->interval_ns = 0;
    return deleted ? NEWS_DELETED : NEWS_NONE;
}

static bool is_to_be_held_back(const struct follow *follow, const struct sight *sight)
{
    return follow->any && sight->kind == SIGHT_STATE && sight->writer && sight->unnoted &&
           sight->sequence != follow->sequence && sight->sequence != follow->held_back;
}

unsigned follow_see(struct follow *follow, const struct sight *sight)
{
    unsigned news = follow->any ? NEWS_NONE : NEWS_FIRST;

    if (is_to_be_held_back(follow, sight)) {
        follow->held_back = sight->sequence;
        return NEWS_NONE;
    }
    if (follow->any && sight->kind != follow->last.kind)
        news |= NEWS_KIND;
    if (sight->kind == SIGHT_STATE)
        news |= see_state(follow, sight);
    if (sight->kind == SIGHT_NOTHING)
        news |= see_nothing(follow, sight);
    if (sight->kind == SIGHT_LOST)
        follow->state_seen = true;
    if (sight->kind != SIGHT_UNTOLD) {
        if (follow->any && sight->writer != follow->writer)
            news |= NEWS_WRITER;
        follow->writer = sight->writer;
    }
    follow->last = *sight;
    follow->any = true;
    return news;
}

int64_t follow_next_ns(const struct follow *follow)
{
    int64_t next_ns;

    if (!follow->writer || follow->interval_ns == 0 || follow->last.kind != SIGHT_STATE ||
        __builtin_add_overflow(follow->saved_ns, follow->interval_ns, &next_ns))
        return 0;
    return next_ns;
}
