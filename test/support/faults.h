/* SPDX-License-Identifier: MIT */
/*
 * faults: the kernel's system calls with chosen ones failing, or with something done before them. No call waits
 * for the device: a flush succeeds at once, and reads past the cache come from it.
 */
#ifndef TEST_FAULTS_H
#define TEST_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

enum fault_call { /* bits */
                  FAULT_OPEN = 1,
                  FAULT_READ = 2,
                  FAULT_WRITE = 4,
                  FAULT_FLUSH = 8,
                  FAULT_ALLOCATE = 16,
                  FAULT_LINK = 32,
                  FAULT_RENAME = 64,
                  FAULT_REMOVE = 128,
                  FAULT_DIRECT = 256, /* only opening past the page cache */
                  FAULT_CREATE = 512, /* only making a file */
};

enum { FAULTS_FOR_EVER = 1000000000 };

struct faults {
    unsigned calls;                /* bits of enum fault_call */
    const char *name;              /* only of files whose name begins so; NULL: of all, the directory too */
    long first;                    /* the matching call to fail first, counted from 0 */
    long count;                    /* that many of them from there on */
    int error;                     /* errno; 0: no failure, only `before` */
    void (*before)(void *context); /* called before each of these; may use the library (no fault hits it then) */
    void *context;
    uint64_t room; /* only writes that reach beyond this byte, and the file system cannot allocate ahead; 0: any */
    bool no_time_passes; /* by the monotonic clock: what fails took no time */
};

void faults_set(struct faults faults);
void faults_clear(void); /* also at a test's beginning, for calls that do not wait */

/* Since faults_set(). */
long faults_seen(void);                          /* matching calls */
bool faults_hit(void);                           /* has any failed, or had something done before it */
uint64_t faults_written_bytes(const char *name); /* written to files whose name begins so */

#endif
