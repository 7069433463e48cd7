/* SPDX-License-Identifier: MIT */
/*
 * scenario: what programs do with a checkpoint, for crash.h to crash.
 */
#ifndef H5CKPT_TEST_SCENARIO_H
#define H5CKPT_TEST_SCENARIO_H

#include "crash/crash.h"

/* The last two are tried less thoroughly, each. */
enum scenario_size { SCENARIO_SMALL, SCENARIO_MANY_VARIANTS, SCENARIO_BIG /* several blocks */ };

struct scenario {
    const char *name;
    crash_scenario *run;
    unsigned variant_count;
    enum scenario_size size;
    unsigned ways; /* a bit for each of WAYS in which it is something of its own; 0: all */
};

extern const struct scenario SCENARIOS[];
extern const size_t SCENARIO_COUNT;

/* The first is synchronous, and what each scenario is tried with at least. */
extern const struct crash_way WAYS[];
extern const size_t WAY_COUNT;

/* The one with that name; NULL if there is none. */
const struct scenario *scenario_named(const char *name);

#endif
