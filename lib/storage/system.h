/* SPDX-License-Identifier: MIT */
/*
 * system: every call that h5ckpt makes to the operating system about files, processes and clocks, as one table. File
 * and directory wrap what is about files; tests put a recorder, a model of a failing disk or faults in its place.
 *
 * The calls have the meaning, results and errno of their POSIX or Linux namesakes.
 */
#ifndef H5CKPT_SYSTEM_H
#define H5CKPT_SYSTEM_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

enum { SYSTEM_BOOT_ID_BYTES = 40 };

/* How a thread or a child leaves the processors to the program: setpriority, sched_setaffinity. */
struct system_manners {
    int nice;
    int cpu;     /* the only one it may use; -1: any … */
    int not_cpu; /* … but this one, where there is another; -1: unknown */
};

/*
 * A copy-on-write child that runs `body` and ends. No wait() of the program's for any child meets it, nor does it send
 * SIGCHLD; no signal that can be blocked reaches it; of the program's descriptors it keeps only these.
 */
struct system_child {
    void (*body)(void *context); /* must allocate nothing: another thread may have held malloc's lock */
    void *context;
    int keep[2]; /* ascending */
    bool beside; /* made by a child, as a child of its parent */
};

struct system_calls {
    int (*open_at)(int directory, const char *name, int flags, mode_t mode); /* openat */
    int (*close)(int descriptor);
    ssize_t (*read_at)(int descriptor, void *bytes, size_t byte_count, off_t offset);        /* pread */
    ssize_t (*write_at)(int descriptor, const void *bytes, size_t byte_count, off_t offset); /* pwrite */
    int (*flush)(int descriptor);                                                            /* fsync: directories */
    int (*flush_data)(int descriptor);                                      /* fdatasync: files; all but their times */
    int (*allocate)(int descriptor, off_t offset, off_t byte_count);        /* fallocate, mode 0 */
    int (*truncate)(int descriptor, off_t byte_count);                      /* ftruncate */
    int (*status)(int descriptor, struct stat *status);                     /* fstat */
    int (*status_at)(int directory, const char *name, struct stat *status); /* fstatat, links not followed */
    int (*link_at)(int directory, const char *from, const char *to);        /* linkat */
    int (*rename_at)(int directory, const char *from, const char *to);      /* renameat */
    int (*remove_at)(int directory, const char *name);                      /* unlinkat, files only */
    int (*make_directory)(const char *path, mode_t mode);                   /* mkdir */
    /* readdir, from the beginning: every name but "." and "..", in no order. 0 or -1. */
    int (*read_names)(int directory, void (*take)(void *context, const char *name), void *context);
    int (*remove_directory)(const char *path);                     /* rmdir */
    int (*lock)(int descriptor, int command, struct flock *range); /* fcntl, F_OFD_… */
    int (*volume)(int descriptor, struct statvfs *volume);         /* fstatvfs */
    int (*is_direct)(int descriptor); /* does this O_DIRECT descriptor go past the page cache? */
    int64_t (*wall_time_ns)(void);
    int64_t (*monotonic_time_ns)(void);
    int (*random_bytes)(void *bytes, size_t byte_count); /* getrandom; 0 or -1 */
    void (*boot_id)(char text[SYSTEM_BOOT_ID_BYTES]);    /* "" if the system has none */
    uint64_t (*process_id)(void);
    uint64_t (*memory_available)(void);                       /* bytes; UINT64_MAX if unknown */
    int (*current_cpu)(void);                                 /* sched_getcpu; -1 if unknown */
    void (*stand_back)(const struct system_manners *manners); /* of the calling thread, as far as can be */
    int64_t (*run_child)(const struct system_child *child);   /* its id; -1 */
    int (*await_child)(int64_t id, int *wait_status);         /* waitpid */
    void (*end_child)(int64_t id);                            /* kill, SIGKILL */
    bool (*is_orphan)(uint64_t parent);                       /* in a child: is the parent gone? */
    /*
     * /proc/self/smaps piece by piece, until `take` is false. 0, or the errno for which it cannot be read. Allocates
     * nothing.
     */
    int (*read_mappings)(bool (*take)(void *context, const char *bytes, size_t byte_count), void *context);
};

/* The table in force: the kernel's unless a test replaced it. */
extern const struct system_calls *system_calls;

/* The kernel's own. */
extern const struct system_calls system_kernel;

#endif
