/* SPDX-License-Identifier: MIT */
/*
 * injector: the calls of support/simfs.h, numbered, with one of them failing in one of the ways in which the kernel's
 * can, once or from then on. It knows every call of lib/storage/system.h that can fail at all, counts descriptors, and
 * lets threads in one at a time.
 */
#ifndef H5CKPT_TEST_INJECTOR_H
#define H5CKPT_TEST_INJECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/simfs.h"

enum call {
    CALL_OPEN,
    CALL_CREATE, /* open_at with O_CREAT */
    CALL_CLOSE,
    CALL_READ,
    CALL_WRITE,
    CALL_FLUSH, /* of a file; of a directory: */
    CALL_FLUSH_DIRECTORY,
    CALL_ALLOCATE,
    CALL_TRUNCATE,
    CALL_STATUS,
    CALL_STATUS_AT,
    CALL_LINK,
    CALL_RENAME,
    CALL_REMOVE,
    CALL_MAKE_DIRECTORY,
    CALL_REMOVE_DIRECTORY,
    CALL_READ_NAMES,
    CALL_LOCK,
    CALL_ASK_LOCK, /* F_OFD_GETLK */
    CALL_VOLUME,
    CALL_IS_DIRECT,
    CALL_RANDOM,
    CALL_BOOT_ID,
    CALL_RUN_CHILD,
    CALL_AWAIT_CHILD,
    CALL_CHILD_WRITE, /* by the child that is awaited; done all the same: instead of which it is killed */
    CALL_READ_MAPPINGS,
    CALL_KIND_COUNT,
};

const char *call_name(enum call call);

/*
 * The errnos that a call can give, by the manual pages of section 2, by what network file systems add to them, and one
 * that nobody knows; ends with 0. A call that cannot fail, but answer "no", has the one errno NO_ERRNO.
 */
enum { UNKNOWN_ERRNO = 3000, NO_ERRNO = -1 };
const int *call_errnos(enum call call);

/* Does it change what is on disk? */
bool call_changes(enum call call);

enum manner {
    MANNER_ONCE,
    MANNER_FEW_TIMES,    /* this call and the next two of its kind on the same file */
    MANNER_SAME_FILE,    /* from then on, of its kind, on files of that name */
    MANNER_SAME_KIND,    /* from then on, of its kind */
    MANNER_EVERYTHING,   /* from then on, whatever it is */
    MANNER_DONE,         /* once; what was asked for has been done all the same */
    MANNER_SHORT_BYTE,   /* a transfer moves one byte, once: a page where the page cache is passed by */
    MANNER_SHORT_HALF,   /* about half, once */
    MANNER_SHORT_EVER,   /* about half, from then on: at least a byte, or a page */
    MANNER_NOTHING,      /* a transfer moves nothing and says so, once */
    MANNER_NOTHING_EVER, /* from then on, on files of that name */
    MANNER_DROPPED,      /* a flush fails once: nothing gets to the device, and the next flush has nothing to do */
    MANNER_DROPPED_SOME, /* … some of it does */
    MANNER_STORM,        /* every call from then on with one chance in `at` */
    MANNER_COUNT,
};

const char *manner_name(enum manner manner);

/*
 * May this call fail in this manner? Only those of MANNER_ONCE to MANNER_DONE, the flushes' and MANNER_STORM come with
 * an errno.
 */
bool manner_fits(enum manner manner, enum call call);
bool manner_has_errno(enum manner manner);

struct fault {
    size_t at; /* number of the call, from 0 */
    enum manner manner;
    int error;
    uint64_t seed; /* MANNER_STORM */
    bool lies;     /* may say that a file is not there that is, as no kernel does: what reads loses nothing by it */
};

struct noted_call {
    enum call call;
    bool direct; /* past the page cache */
    char name[SIMFS_NAME_BYTES];
};

/* A call that was made to fail, or to fall short. */
struct strike {
    enum call call;
    enum manner manner;
    int error;
    char name[SIMFS_NAME_BYTES];
};

extern const struct system_calls injector_calls;

/* The descriptors of a machine's one process. */
struct descriptors {
    struct {
        bool open;
        bool direct;
        char name[SIMFS_NAME_BYTES];
    } at[SIMFS_DESCRIPTOR_COUNT_MAX];
    unsigned misused_count; /* times that one was used, or closed, that was not open */
};

unsigned descriptors_open_count(const struct descriptors *descriptors);

/* As simfs_use(); the calls go there from now on. */
void injector_use(struct simfs *fs, struct descriptors *descriptors);

/* Count from now on, and let `fault` happen; NULL: only count. injector_rest() ends both. */
void injector_arm(const struct fault *fault);
void injector_rest(void);

/* Since injector_arm(). */
enum { NOTED_MAX = 4096, STRIKES_MAX = 64 };
size_t injector_call_count(void);
const struct noted_call *injector_call(size_t index);
size_t injector_strike_count(void); /* of which only so many as STRIKES_MAX are kept */
const struct strike *injector_strike(size_t index);

/* Where the file system has no hard links for files whose name begins so; NULL: it has. */
void injector_refuse_links(const char *prefix);

#endif
