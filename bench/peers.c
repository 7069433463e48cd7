/* SPDX-License-Identifier: MIT */
#include "peers.h"

static const enum peer_hdf5_layout LAYOUT[PEERS_HDF5_COUNT] = {PEER_HDF5_CONTIGUOUS, PEER_HDF5_CHUNKED};
static const char *const PROGRAM[PEERS_PROGRAM_COUNT] = {"h5py", "torch.save"};

void peers_start(struct peers *peers, const struct workload *workload, const char *python)
{
    for (int i = 0; i < PEERS_HDF5_COUNT; i++)
        peer_hdf5_make(&peers->hdf5[i], LAYOUT[i], workload);
    for (int i = 0; i < PEERS_PROGRAM_COUNT; i++)
        peer_program_start(&peers->programs[i], PROGRAM[i], python, workload);
}

void peers_stop(struct peers *peers)
{
    for (int i = 0; i < PEERS_HDF5_COUNT; i++)
        peer_hdf5_free(&peers->hdf5[i]);
    for (int i = 0; i < PEERS_PROGRAM_COUNT; i++)
        peer_program_stop(&peers->programs[i]);
}

void peers_add(struct peers *peers, struct measure *measure, size_t subject)
{
    for (int i = 0; i < PEERS_HDF5_COUNT; i++)
        measure_compare(measure, subject, peer_hdf5_add(&peers->hdf5[i], measure), 1);
    for (int i = 0; i < PEERS_PROGRAM_COUNT; i++)
        measure_compare(measure, subject, peer_program_add(&peers->programs[i], measure), 1);
}
