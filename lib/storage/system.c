/* SPDX-License-Identifier: MIT */
#include "storage/system.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "format.h"

/* Where a program runs with standard streams closed, what it prints must not go into one of our files. */
static int above_standard_streams(int descriptor)
{
    int moved;
    int reason;

    if (descriptor < 0 || descriptor > STDERR_FILENO)
        return descriptor;
    moved = fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    reason = errno;
    close(descriptor);
    errno = reason;
    return moved;
}

static int kernel_open_at(int directory, const char *name, int flags, mode_t mode)
{
    return above_standard_streams(openat(directory, name, flags, mode));
}

/*
 * Where RLIMIT_FSIZE is in the way the kernel sends SIGXFSZ, which ends the process, beside the error that we want. It
 * is held back for the length of the call and taken away, unless one of the program's own was waiting.
 */
struct size_signal {
    sigset_t only;
    sigset_t before;
    bool pending_before;
};

static struct size_signal hold_size_signal(void)
{
    struct size_signal held;
    sigset_t pending;

    sigemptyset(&held.only);
    sigaddset(&held.only, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &held.only, &held.before);
    held.pending_before =
        sigismember(&held.before, SIGXFSZ) && sigpending(&pending) == 0 && sigismember(&pending, SIGXFSZ);
    return held;
}

static void release_size_signal(const struct size_signal *held, bool failed)
{
    const int reason = errno;

    if (failed && reason == EFBIG && !held->pending_before)
        sigtimedwait(&held->only, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &held->before, NULL);
    errno = reason;
}

static ssize_t kernel_write_at(int descriptor, const void *bytes, size_t byte_count, off_t offset)
{
    const struct size_signal held = hold_size_signal();
    const ssize_t put = pwrite(descriptor, bytes, byte_count, offset);

    release_size_signal(&held, put < 0);
    return put;
}

static int kernel_allocate(int descriptor, off_t offset, off_t byte_count)
{
    const struct size_signal held = hold_size_signal();
    const int result = fallocate(descriptor, 0, offset, byte_count);

    release_size_signal(&held, result < 0);
    return result;
}

static int kernel_truncate(int descriptor, off_t byte_count)
{
    const struct size_signal held = hold_size_signal();
    const int result = ftruncate(descriptor, byte_count);

    release_size_signal(&held, result < 0);
    return result;
}

static int kernel_status_at(int directory, const char *name, struct stat *status)
{
    return fstatat(directory, name, status, AT_SYMLINK_NOFOLLOW);
}

static int kernel_link_at(int directory, const char *from, const char *to)
{
    return linkat(directory, from, directory, to, 0);
}

static int kernel_rename_at(int directory, const char *from, const char *to)
{
    return renameat(directory, from, directory, to);
}

static int kernel_remove_at(int directory, const char *name)
{
    return unlinkat(directory, name, 0);
}

static int kernel_read_names(int directory, void (*take)(void *context, const char *name), void *context)
{
    const int descriptor = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = descriptor < 0 ? NULL : fdopendir(descriptor);
    const struct dirent *entry;
    int failed;

    if (stream == NULL) {
        failed = errno;
        if (descriptor >= 0)
            close(descriptor);
        errno = failed;
        return -1;
    }
    while (errno = 0, (entry = readdir(stream)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            take(context, entry->d_name);
    failed = errno;
    closedir(stream);
    errno = failed;
    return failed == 0 ? 0 : -1;
}

static int kernel_lock(int descriptor, int command, struct flock *range)
{
    return fcntl(descriptor, command, range);
}

/*
 * Opening with O_DIRECT succeeds where the kernel then reads through the page cache all the same (tmpfs, ext4 with
 * data=journal, encrypted files). statx(2) tells since Linux 6.1, for file systems that fill it in.
 */
static int kernel_is_direct(int descriptor)
{
    struct statfs volume;
#ifdef STATX_DIOALIGN
    struct statx file;

    if (statx(descriptor, "", AT_EMPTY_PATH, STATX_DIOALIGN, &file) == 0 && file.stx_mask & STATX_DIOALIGN)
        return file.stx_dio_offset_align != 0 && file.stx_dio_offset_align <= FORMAT_ALIGN_BYTES &&
               file.stx_dio_mem_align <= FORMAT_ALIGN_BYTES;
#endif
    return fstatfs(descriptor, &volume) == 0 && volume.f_type != TMPFS_MAGIC && volume.f_type != RAMFS_MAGIC &&
           volume.f_type != OVERLAYFS_SUPER_MAGIC; /* what is below it does not tell */
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now = {0};

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t kernel_wall_time_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

static int64_t kernel_monotonic_time_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

static int kernel_random_bytes(void *bytes, size_t byte_count)
{
    ssize_t got;

    do
        got = getrandom(bytes, byte_count, 0); /* never short for so few bytes (getrandom(2)) */
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)byte_count ? 0 : -1;
}

static void kernel_boot_id(char text[SYSTEM_BOOT_ID_BYTES])
{
    int descriptor = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t got = descriptor < 0 ? 0 : read(descriptor, text, SYSTEM_BOOT_ID_BYTES - 1);

    memset(text + (got > 0 ? got : 0), 0, SYSTEM_BOOT_ID_BYTES - (size_t)(got > 0 ? got : 0));
    text[strcspn(text, "\n")] = '\0';
    if (descriptor >= 0)
        close(descriptor);
}

static uint64_t kernel_process_id(void)
{
    return (uint64_t)getpid();
}

static uint64_t kernel_memory_available(void)
{
    unsigned long long kibibytes = 0;
    uint64_t available = UINT64_MAX;
    char line[128];
    FILE *file = fopen("/proc/meminfo", "re");

    if (file == NULL)
        return UINT64_MAX;
    while (available == UINT64_MAX && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "MemAvailable: %llu kB", &kibibytes) == 1)
            available = (uint64_t)kibibytes * 1024;
    fclose(file);
    return available;
}

static bool is_cpu(int cpu)
{
    return cpu >= 0 && cpu < CPU_SETSIZE;
}

/* Linux gives a thread, not a process, its own priority (setpriority(2), "C library/kernel differences"). */
static void kernel_stand_back(const struct system_manners *manners)
{
    cpu_set_t cpus;

    if (manners->nice != 0)
        setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + manners->nice);
    CPU_ZERO(&cpus);
    if (is_cpu(manners->cpu))
        CPU_SET(manners->cpu, &cpus);
    else if (is_cpu(manners->not_cpu) && sched_getaffinity(0, sizeof cpus, &cpus) == 0)
        CPU_CLR(manners->not_cpu, &cpus);
    if (CPU_COUNT(&cpus) != 0)
        sched_setaffinity(0, sizeof cpus, &cpus);
}

static void close_between(int first, int last)
{
#ifdef SYS_close_range
    if (first <= last)
        syscall(SYS_close_range, (unsigned)first, (unsigned)last,
                0); /* since Linux 5.9; else they stay open until it ends */
#else
    (void)first;
    (void)last;
#endif
}

static _Noreturn void be_child(const struct system_child *child)
{
    const struct rlimit no_core = {1, 1}; /* so small that none is made; 0 would not hold for pipes: core(5) */

    setrlimit(RLIMIT_CORE, &no_core); /* its death is no news of the program's */
    close_between(0, child->keep[0] - 1);
    close_between(child->keep[0] + 1, child->keep[1] - 1);
    close_between(child->keep[1] + 1, INT_MAX);
    child->body(child->context);
    for (;;)
        syscall(SYS_exit_group, 0); /* no handlers of the program's, no buffers flushed */
}

/*
 * fork() would run the program's handlers and leave SIGCHLD. A clone without a signal is met only by who asks for it
 * (clone(2), waitpid(2): __WALL).
 */
static int64_t kernel_run_child(const struct system_child *child)
{
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before); /* the child keeps them blocked */
    const long id = syscall(SYS_clone, child->beside ? (long)CLONE_PARENT : 0L, NULL, NULL, NULL, NULL);
    if (id == 0)
        be_child(child);
    const int reason = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = reason;
    return id;
}

static int kernel_await_child(int64_t id, int *wait_status)
{
    pid_t got;

    do
        got = waitpid((pid_t)id, wait_status, __WALL);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -1 : 0;
}

static void kernel_end_child(int64_t id)
{
    kill((pid_t)id, SIGKILL);
}

static bool kernel_is_orphan(uint64_t parent)
{
    return (uint64_t)getppid() != parent;
}

static int kernel_read_mappings(bool (*take)(void *context, const char *bytes, size_t byte_count), void *context)
{
    const int descriptor = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
    int failed = descriptor < 0 ? errno : 0;
    char bytes[4096];

    while (!failed) {
        const ssize_t got = read(descriptor, bytes, sizeof bytes);
        if (got < 0 && errno != EINTR)
            failed = errno;
        if (got == 0 || (got > 0 && !take(context, bytes, (size_t)got)))
            break;
    }
    if (descriptor >= 0)
        close(descriptor);
    return failed;
}

const struct system_calls system_kernel = {
    .open_at = kernel_open_at,
    .close = close,
    .read_at = pread,
    .write_at = kernel_write_at,
    .flush = fsync,
    .flush_data = fdatasync,
    .allocate = kernel_allocate,
    .truncate = kernel_truncate,
    .status = fstat,
    .status_at = kernel_status_at,
    .link_at = kernel_link_at,
    .rename_at = kernel_rename_at,
    .remove_at = kernel_remove_at,
    .make_directory = mkdir,
    .read_names = kernel_read_names,
    .remove_directory = rmdir,
    .lock = kernel_lock,
    .volume = fstatvfs,
    .is_direct = kernel_is_direct,
    .wall_time_ns = kernel_wall_time_ns,
    .monotonic_time_ns = kernel_monotonic_time_ns,
    .random_bytes = kernel_random_bytes,
    .boot_id = kernel_boot_id,
    .process_id = kernel_process_id,
    .memory_available = kernel_memory_available,
    .current_cpu = sched_getcpu,
    .stand_back = kernel_stand_back,
    .run_child = kernel_run_child,
    .await_child = kernel_await_child,
    .end_child = kernel_end_child,
    .is_orphan = kernel_is_orphan,
    .read_mappings = kernel_read_mappings,
};

const struct system_calls *system_calls = &system_kernel;
