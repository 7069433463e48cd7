/* SPDX-License-Identifier: MIT */
/*
 * peers: what people use today, each set up as its users would so that the same bytes are as durable and as safe:
 * written aside, flushed, renamed over the state before, and the directory flushed. Of several ways a peer is given the
 * fastest.
 */
#ifndef PEERS_H
#define PEERS_H

#include "measure.h"
#include "peer_hdf5.h"
#include "peer_program.h"
#include "workload.h"

enum { PEERS_HDF5_COUNT = 2, PEERS_PROGRAM_COUNT = 2 };

struct peers {
    struct peer_hdf5 hdf5[PEERS_HDF5_COUNT];
    struct peer_program programs[PEERS_PROGRAM_COUNT];
};

/* Start those that are programs, in the interpreter `python`; they make their arrays now. */
void peers_start(struct peers *peers, const struct workload *workload, const char *python);
void peers_stop(struct peers *peers);

/* Let them take part, and compare contender `subject` with each. */
void peers_add(struct peers *peers, struct measure *measure, size_t subject);

#endif
