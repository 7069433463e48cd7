/* SPDX-License-Identifier: MIT */
#include "callback/recent.h"

void recent_note(struct recent *recent, int64_t ns)
{
    const unsigned noted = atomic_load(&recent->noted);

    atomic_store(&recent->ns[noted % RECENT_COUNT], ns > 0 ? ns : 0);
    atomic_store(&recent->noted, noted + 1);
}

static unsigned count(const struct recent *recent)
{
    const unsigned noted = atomic_load(&recent->noted);

    return noted < RECENT_COUNT ? noted : RECENT_COUNT;
}

double recent_longest_seconds(const struct recent *recent)
{
    int64_t longest = 0;

    for (unsigned i = 0; i < count(recent); i++)
        if (atomic_load(&recent->ns[i]) > longest)
            longest = atomic_load(&recent->ns[i]);
    return (double)longest / 1e9;
}

double recent_shortest_seconds(const struct recent *recent)
{
    int64_t shortest = INT64_MAX;

    for (unsigned i = 0; i < count(recent); i++)
        if (atomic_load(&recent->ns[i]) < shortest)
            shortest = atomic_load(&recent->ns[i]);
    return shortest == INT64_MAX ? 0 : (double)shortest / 1e9;
}
