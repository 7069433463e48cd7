/* SPDX-License-Identifier: MIT */
/*
 * machine: where the figures come from.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdint.h>

enum { MACHINE_TEXT_BYTES = 96 };

struct machine {
    unsigned core_count; /* that we may use */
    uint64_t memory_bytes;
    char kernel[MACHINE_TEXT_BYTES];      /* "Linux 6.1.0 x86_64" */
    char file_system[MACHINE_TEXT_BYTES]; /* "ext4 on /dev/vda" */
    char hdf5[MACHINE_TEXT_BYTES];
    char h5ckpt[MACHINE_TEXT_BYTES];
};

/* Look; the file system is that of `directory`. Initializes HDF5. */
void machine_look(struct machine *machine, const char *directory);

#endif
