/* SPDX-License-Identifier: MIT */
/*
 * follow: what is new about a directory that is looked at again and again. Pure: sights in, news out, so that the test
 * shows it any sequence of them.
 */
#ifndef FOLLOW_H
#define FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

enum sight_kind {
    SIGHT_NOTHING = 0, /* no directory, or nothing saved in it */
    SIGHT_STATE,
    SIGHT_LOST,   /* there was a state */
    SIGHT_UNTOLD, /* it could not be told this time: the rest says nothing */
};

struct sight {
    enum sight_kind kind;
    bool writer;
    bool leavings;              /* nothing, but for what a checkpoint that was deleted leaves */
    uint64_t sequence;          /* of the state … */
    int64_t saved_ns;           /* … and when it was saved, since 1970; 0 without one */
    uint64_t previous_sequence; /* of the state before it; 0: it is not there */
    int64_t previous_saved_ns;
    bool unnoted; /* what it cost is not known */
};

enum news { /* bits */
            NEWS_NONE = 0,
            NEWS_FIRST = 1,    /* nothing was seen before */
            NEWS_SAVED = 2,    /* another state is there */
            NEWS_WRITER = 4,   /* a writer came or went */
            NEWS_KIND = 8,     /* it is of another kind than last time */
            NEWS_DELETED = 16, /* there was a state, if only before anybody looked, and now there is nothing */
};

struct follow {
    bool any;
    bool state_seen; /* since the last deletion */
    struct sight last;
    uint64_t sequence; /* of the last state seen, … */
    int64_t saved_ns;
    bool writer;         /* … and the last that could be told of a writer */
    uint64_t held_back;  /* sequence of a state that was seen once, without its cost; 0: none */
    int64_t interval_ns; /* between saves, by the last two known; 0: unknown */
};

/*
 * All zeros: nothing was seen yet. Returns bits of enum news. What a save has cost is noted a moment after its state
 * can be read: such a state of a living writer is news only when it is seen for the second time.
 */
unsigned follow_see(struct follow *follow, const struct sight *sight);

/* When the next save is expected, since 1970; 0: that cannot be told. */
int64_t follow_next_ns(const struct follow *follow);

#endif
