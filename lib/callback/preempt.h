/* SPDX-License-Identifier: MIT */
/*
 * preempt: what to do when the job may be taken away. Pure: times in, an order out, so that tests enumerate it.
 */
#ifndef H5CKPT_PREEMPT_H
#define H5CKPT_PREEMPT_H

#include <stdbool.h>

struct preempt_facts {
    bool noticed;         /* somebody has said that the job will be taken away … */
    double notice_age;    /* … so many seconds ago */
    double grace;         /* train on so long after that; 0: not at all */
    bool saved;           /* since the notice */
    double left;          /* until the deadline; INFINITY: there is none; negative: it has passed, and we live */
    double step_longest;  /* from one hook to the next */
    double save_longest;  /* until durable */
    double save_shortest; /* no save took less; 0: unknown */
};

enum preempt_order {
    PREEMPT_GO_ON,
    PREEMPT_SAVE,          /* and go on */
    PREEMPT_SAVE_AND_STOP, /* the last save, durable */
    PREEMPT_STOP_UNSAVED,  /* the time left cannot hold a save */
};

/* What is left of the deadline and the grace period, whichever ends sooner; INFINITY: neither is under way. */
double preempt_left_seconds(const struct preempt_facts *facts);

enum preempt_order preempt_decide(const struct preempt_facts *facts);

#endif
