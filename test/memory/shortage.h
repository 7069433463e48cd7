/* SPDX-License-Identifier: MIT */
/*
 * shortage: allocations that fail, told apart by whose they are.
 *
 * HDF5's are those made between hdf5_enter() and hdf5_leave() by code outside of this program (libhdf5, and libc on its
 * behalf). All others are ours: also those that libc makes for us (tsearch, opendir, vasprintf), those of our file
 * driver, which HDF5 calls, and what takes memory without malloc: threads, child processes, shared mappings. Nobody's
 * are those of the dynamic linker: a thread's stack, which libc keeps for the next one.
 */
#ifndef TEST_SHORTAGE_H
#define TEST_SHORTAGE_H

#include <stdbool.h>

enum shortage_whose {
    SHORTAGE_OF_OURS,    /* the reserve made for HDF5 counts as one */
    SHORTAGE_OF_RESERVE, /* and here by its pieces */
    SHORTAGE_OF_HDF5,
};

/* Can allocations be made to fail at all? Not under valgrind. */
bool shortage_is_possible(void);

/* From now on count these, and what of them lives. After whatever replaces the system calls. */
void shortage_watch(enum shortage_whose whose);

/*
 * Of those watched, the allocation `which` from now on fails (1: the next), and all after it. 0: they are only counted.
 */
void shortage_begin(long which, bool from_then_on);

/* There is memory again. How many have failed? */
long shortage_end(void);

/* To be called once, before HDF5's next allocation, and after it was left; may be NULL. */
void shortage_at_hdf5(void (*begin)(void), void (*end)(void));

/* How many were asked for since shortage_begin(). */
long shortage_seen(void);

/*
 * Blocks allocated and not freed; and, to standard error, where those since shortage_mark() were (offsets into this
 * program).
 */
long shortage_live_count(void);
void shortage_mark(void);
void shortage_show_live(void);

#endif
