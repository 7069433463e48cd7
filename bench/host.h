/* SPDX-License-Identifier: MIT */
/*
 * host: a program that uses h5ckpt in one save mode, in a process of its own: its memory is the state and what h5ckpt
 * takes, so that forks, page tables and caches are what a user's are. It is idle but for its turns.
 */
#ifndef HOST_H
#define HOST_H

#include <h5ckpt.h>

#include "measure.h"
#include "process.h"
#include "settings.h"
#include "step.h"
#include "workload.h"

struct host_kind {
    const char *name;      /* "staged"; static */
    const char *mode_name; /* "H5CKPT_SAVE_STAGED"; static */
    enum h5ckpt_save_mode mode;
    enum workload_pages pages; /* of its arrays */
    unsigned copies_of_state;  /* what copies may take: all of the state divided by this; 0: no limit */
};

/* What it does in a turn: see background.h. */
enum host_deed { HOST_STALL, HOST_WAIT, HOST_COMPUTE, HOST_STEP_ALONE, HOST_STEP_BESIDE, HOST_FORK, HOST_CHECK };

struct host_order {
    enum host_deed deed;
    double window_seconds; /* HOST_STALL */
    struct step step;      /* HOST_STEP_ALONE, HOST_STEP_BESIDE */
};

struct host;

/* A contender. */
struct host_task {
    const struct host *host;
    struct host_order order;
};

enum { HOST_TASKS_MAX = 32 };

struct host {
    const struct host_kind *kind;
    const struct settings *settings;
    struct process process;
    double huge_share; /* of its arrays' memory, in huge pages */
    struct host_task tasks[HOST_TASKS_MAX];
    size_t task_count;
};

/* Start it, while this process has little memory and one thread, and wait until it has saved. It must not move. */
void host_start(struct host *host, const struct host_kind *kind, const struct settings *settings);
void host_end(struct host *host);

/* Do that now. A host that fails ends us as well. */
struct sample host_do(const struct host *host, const struct host_order *order);

/* Let it take part with that. */
size_t host_add(struct host *host, struct measure *measure, const char *name, const struct host_order *order);

#endif
