/* SPDX-License-Identifier: MIT */
/*
 * peer_program: a peer in Python. peers.py makes arrays of the same sizes once; then it saves them each time it is told
 * to, and answers what that took by its own clock: neither its start nor the pipe is part of it.
 */
#ifndef PEER_PROGRAM_H
#define PEER_PROGRAM_H

#include "child.h"
#include "measure.h"
#include "workload.h"

struct peer_program {
    const char *name; /* "h5py", "torch.save"; static */
    struct child child;
    char *answer; /* its first: how it is set up, or why it cannot take part */
    bool running;
    uint64_t byte_count;
};

/* Start it. That it cannot be had is no failure. */
void peer_program_start(struct peer_program *peer, const char *name, const char *python,
                        const struct workload *workload);
void peer_program_stop(struct peer_program *peer);

/* Let it take part, or be skipped. */
size_t peer_program_add(struct peer_program *peer, struct measure *measure);

#endif
