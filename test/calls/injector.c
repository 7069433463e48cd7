/* SPDX-License-Identifier: MIT */
#include "calls/injector.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash/seen.h"

/* --------------------------------------------------------------------- the kinds */

/* Of every call on a file that another machine may hold. */
#define FAR ESTALE, ETIMEDOUT, UNKNOWN_ERRNO, 0

static const struct {
    const char *name;
    bool changes;
    const int *errnos;
} KIND[CALL_KIND_COUNT] = {
    [CALL_OPEN] = {"open", false,
                   (const int[]){EACCES, EAGAIN,       EBUSY,  EINTR,      EINVAL,  EIO,       EISDIR, ELOOP,
                                 EMFILE, ENAMETOOLONG, ENFILE, ENODEV,     ENOENT,  ENOLCK,    ENOMEM, ENOTDIR,
                                 ENXIO,  EPERM,        EROFS,  EOPNOTSUPP, ETXTBSY, EOVERFLOW, FAR}},
    [CALL_CREATE] = {"create", true,
                     (const int[]){EACCES, EDQUOT, EEXIST, EINTR, EINVAL, EIO, ELOOP, EMFILE, ENFILE, ENOENT, ENOMEM,
                                   ENOSPC, ENOTDIR, EPERM, EROFS, EOPNOTSUPP, FAR}},
    [CALL_CLOSE] = {"close", false, (const int[]){EINTR, EIO, ENOSPC, EDQUOT, 0}},
    [CALL_READ] = {"read", false,
                   (const int[]){EAGAIN, EACCES, EINTR, EINVAL, EIO, EISDIR, ENOMEM, ENOBUFS, ECONNRESET, FAR}},
    [CALL_WRITE] = {"write", true,
                    (const int[]){EAGAIN, EACCES, EDQUOT, EFBIG, EINTR, EINVAL, EIO, ENOMEM, ENOSPC, EPERM, EROFS,
                                  EOPNOTSUPP, FAR}},
    [CALL_FLUSH] = {"flush", true, (const int[]){EDQUOT, EINTR, EINVAL, EIO, ENOMEM, ENOSPC, EROFS, FAR}},
    [CALL_FLUSH_DIRECTORY] = {"flush directory", true,
                              (const int[]){EDQUOT, EINTR, EINVAL, EIO, ENOMEM, ENOSPC, EROFS, FAR}},
    [CALL_ALLOCATE] = {"allocate", true,
                       (const int[]){EDQUOT, EFBIG, EINTR, EINVAL, EIO, ENODEV, ENOMEM, ENOSPC, ENOSYS, EOPNOTSUPP,
                                     EPERM, ETXTBSY, FAR}},
    [CALL_TRUNCATE] = {"truncate", true,
                       (const int[]){EACCES, EDQUOT, EFBIG, EINTR, EINVAL, EIO, ENOSPC, EPERM, EROFS, FAR}},
    [CALL_STATUS] = {"status", false, (const int[]){EACCES, EIO, ENOMEM, EOVERFLOW, FAR}},
    [CALL_STATUS_AT] = {"status at", false,
                        (const int[]){EACCES, EIO, ELOOP, ENAMETOOLONG, ENOMEM, ENOTDIR, EOVERFLOW, FAR}},
    [CALL_LINK] = {"link", true,
                   (const int[]){EACCES, EDQUOT, EEXIST, EINVAL, EIO, ELOOP, EMLINK, ENOENT, ENOMEM, ENOSPC, ENOSYS,
                                 ENOTDIR, EOPNOTSUPP, EPERM, EROFS, EXDEV, FAR}},
    [CALL_RENAME] = {"rename", true,
                     (const int[]){EACCES, EBUSY, EDQUOT, EINVAL, EIO, EISDIR, ELOOP, EMLINK, ENOENT, ENOMEM, ENOSPC,
                                   ENOTDIR, ENOTEMPTY, EPERM, EROFS, EXDEV, FAR}},
    [CALL_REMOVE] = {"remove", true,
                     (const int[]){EACCES, EBUSY, EIO, EISDIR, ELOOP, ENOENT, ENOMEM, ENOTDIR, EPERM, EROFS, FAR}},
    [CALL_MAKE_DIRECTORY] = {"make directory", true,
                             (const int[]){EACCES, EDQUOT, EEXIST, EINVAL, EIO, ELOOP, EMLINK, ENOENT, ENOMEM, ENOSPC,
                                           ENOTDIR, EPERM, EROFS, FAR}},
    [CALL_REMOVE_DIRECTORY] = {"remove directory", true,
                               (const int[]){EACCES, EBUSY, EINVAL, EIO, ENOENT, ENOMEM, ENOTDIR, ENOTEMPTY, EPERM,
                                             EROFS, FAR}},
    [CALL_READ_NAMES] = {"read names", false, (const int[]){EACCES, EIO, EMFILE, ENFILE, ENOENT, ENOMEM, FAR}},
    [CALL_LOCK] = {"lock", false, (const int[]){EACCES, EAGAIN, EDEADLK, EINTR, EINVAL, EIO, ENOLCK, FAR}},
    [CALL_ASK_LOCK] = {"ask for the lock", false, (const int[]){EACCES, EAGAIN, EINTR, EINVAL, EIO, ENOLCK, FAR}},
    [CALL_VOLUME] = {"volume", false, (const int[]){EACCES, EINTR, EIO, ENOMEM, ENOSYS, EOVERFLOW, FAR}},
    [CALL_IS_DIRECT] = {"is direct", false, (const int[]){NO_ERRNO, 0}},
    [CALL_RANDOM] = {"random", false, (const int[]){EAGAIN, EINTR, EIO, ENOSYS, UNKNOWN_ERRNO, 0}},
    [CALL_BOOT_ID] = {"boot id", false, (const int[]){NO_ERRNO, 0}},
    [CALL_RUN_CHILD] = {"run child", false, (const int[]){EAGAIN, ENOMEM, ENOSYS, EPERM, UNKNOWN_ERRNO, 0}},
    [CALL_AWAIT_CHILD] = {"await child", false, (const int[]){ECHILD, EINVAL, UNKNOWN_ERRNO, 0}},
    [CALL_CHILD_WRITE] = {"write in a child", true,
                          (const int[]){EDQUOT, EFBIG, EINTR, EINVAL, EIO, ENOMEM, ENOSPC, EROFS, EOPNOTSUPP, FAR}},
    [CALL_READ_MAPPINGS] = {"read mappings", false,
                            (const int[]){EACCES, EINTR, EIO, EMFILE, ENFILE, ENOENT, ENOMEM, UNKNOWN_ERRNO, 0}},
};

const char *call_name(enum call call)
{
    return KIND[call].name;
}

const int *call_errnos(enum call call)
{
    return KIND[call].errnos;
}

bool call_changes(enum call call)
{
    return KIND[call].changes;
}

const char *manner_name(enum manner manner)
{
    static const char *const NAME[MANNER_COUNT] = {
        [MANNER_ONCE] = "once",
        [MANNER_FEW_TIMES] = "three times",
        [MANNER_SAME_FILE] = "on this file from then on",
        [MANNER_SAME_KIND] = "with all of its kind from then on",
        [MANNER_EVERYTHING] = "with all calls from then on",
        [MANNER_DONE] = "once, though it was done",
        [MANNER_SHORT_BYTE] = "one byte",
        [MANNER_SHORT_HALF] = "half",
        [MANNER_SHORT_EVER] = "half, from then on",
        [MANNER_NOTHING] = "nothing",
        [MANNER_NOTHING_EVER] = "nothing on this file from then on",
        [MANNER_DROPPED] = "once, all dropped",
        [MANNER_DROPPED_SOME] = "once, some dropped",
        [MANNER_STORM] = "storm",
    };

    return NAME[manner];
}

bool manner_has_errno(enum manner manner)
{
    return manner <= MANNER_DONE || manner >= MANNER_DROPPED;
}

bool manner_fits(enum manner manner, enum call call)
{
    switch (manner) {
    case MANNER_DONE: /* a close always is */
        return (call_changes(call) && call != CALL_FLUSH) || call == CALL_LOCK;
    case MANNER_SHORT_BYTE:
    case MANNER_SHORT_HALF:
    case MANNER_SHORT_EVER:
    case MANNER_NOTHING:
    case MANNER_NOTHING_EVER:
        return call == CALL_READ || call == CALL_WRITE;
    case MANNER_DROPPED:
    case MANNER_DROPPED_SOME:
        return call == CALL_FLUSH;
    case MANNER_STORM:
        return false; /* it is about no one call */
    default:
        return true;
    }
}

/* -------------------------------------------------------------------- what is known */

enum { FIRST_DESCRIPTOR = 1000, FEW = 3, CALLS_MAX = 1000000 };

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static bool armed;
static bool fault_set;
static struct fault fault;
static unsigned hit_count; /* of the fault */
static enum call hit_call; /* the first of them … */
static char hit_name[SIMFS_NAME_BYTES];
static size_t call_count;
static struct noted_call noted[NOTED_MAX];
static size_t strike_count;
static struct strike struck[STRIKES_MAX];
static const char *no_links;
static struct simfs *fs;
static struct descriptors *descriptors;

static bool is_known(int descriptor)
{
    const int index = descriptor - FIRST_DESCRIPTOR;

    return index >= 0 && index < SIMFS_DESCRIPTOR_COUNT_MAX && descriptors->at[index].open;
}

static const char *name_of(int descriptor)
{
    return is_known(descriptor) ? descriptors->at[descriptor - FIRST_DESCRIPTOR].name : "";
}

static bool is_direct(int descriptor)
{
    return is_known(descriptor) && descriptors->at[descriptor - FIRST_DESCRIPTOR].direct;
}

/* A descriptor that nobody has open is a mistake of the library's, and a danger in a program with threads. */
static void check_descriptor(int descriptor)
{
    descriptors->misused_count += descriptor != AT_FDCWD && !is_known(descriptor);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* ------------------------------------------------------------------------- striking */

static int storm_errno(enum call call, uint64_t drawn)
{
    const int *errnos = call_errnos(call);
    size_t count = 0;

    while (errnos[count] != 0)
        count++;
    return errnos[drawn % count];
}

static bool can_give(enum call call, int error)
{
    const int *errnos = call_errnos(call);

    while (*errnos != 0 && *errnos != error)
        errnos++;
    return *errnos != 0;
}

static bool is_hit(size_t number, enum call call, const char *name)
{
    if (number < fault.at)
        return false;
    switch (fault.manner) {
    case MANNER_FEW_TIMES:
        return hit_count == 0 || (hit_count < FEW && call == hit_call && strcmp(name, hit_name) == 0);
    case MANNER_SAME_FILE:
    case MANNER_NOTHING_EVER:
        return hit_count == 0 || (call == hit_call && strcmp(name, hit_name) == 0);
    case MANNER_SAME_KIND:
    case MANNER_SHORT_EVER:
        return hit_count == 0 || call == hit_call;
    case MANNER_EVERYTHING:
        return can_give(call, fault.error);
    default:
        return hit_count == 0;
    }
}

/* Is this the call? Then the strike is noted. */
static const struct strike *strikes(enum call call, const char *name, bool direct)
{
    static struct strike now;
    const size_t number = call_count++;

    if (number == CALLS_MAX) {
        fprintf(stderr, "after %d calls still no end: %s '%s', %s\n", (int)CALLS_MAX, call_name(call), name,
                fault_set ? manner_name(fault.manner) : "though nothing fails");
        abort();
    }

    if (number < NOTED_MAX) {
        noted[number] = (struct noted_call){.call = call, .direct = direct};
        snprintf(noted[number].name, sizeof noted[number].name, "%s", name);
    }
    if (!fault_set)
        return NULL;
    now = (struct strike){.call = call, .manner = fault.manner, .error = fault.error};
    if (fault.manner == MANNER_STORM) {
        const uint64_t drawn = seen_mix(fault.seed ^ seen_mix(number));
        if (drawn % fault.at != 0)
            return NULL;
        now.error = storm_errno(call, drawn >> 32);
    } else if (!is_hit(number, call, name)) {
        return NULL;
    }
    if (call == CALL_OPEN && now.error == ENOENT && !fault.lies)
        return NULL;
    snprintf(now.name, sizeof now.name, "%s", name);
    if (hit_count++ == 0) {
        hit_call = call;
        strcpy(hit_name, now.name);
    }
    if (strike_count < STRIKES_MAX)
        struck[strike_count] = now;
    strike_count++;
    return &now;
}

/* Take one's turn, and find out what is to happen to the call. */
static const struct strike *enter(enum call call, const char *name, bool direct)
{
    pthread_mutex_lock(&turn);
    return armed ? strikes(call, name, direct) : NULL;
}

static int leave(int result)
{
    const int reason = errno;

    pthread_mutex_unlock(&turn);
    errno = reason;
    return result;
}

static int fail(int error)
{
    errno = error;
    return -1;
}

static bool is_done_all_the_same(const struct strike *strike)
{
    return strike->manner == MANNER_DONE;
}

/* The result of a call that was not made, or was made and is said to have failed. */
#define STRUCK(strike, made) \
    (is_done_all_the_same(strike) ? ((void)(made), fail((strike)->error)) : fail((strike)->error))

/* -------------------------------------------------------------------- the calls */

static void note_open(int descriptor, const char *name, int flags)
{
    const int index = descriptor - FIRST_DESCRIPTOR;

    if (index < 0 || index >= SIMFS_DESCRIPTOR_COUNT_MAX)
        return;
    descriptors->at[index].open = true;
    descriptors->at[index].direct = (flags & O_DIRECT) != 0;
    snprintf(descriptors->at[index].name, sizeof descriptors->at[index].name, "%s", name);
}

static int forget_open(int descriptor)
{
    if (is_known(descriptor))
        descriptors->at[descriptor - FIRST_DESCRIPTOR].open = false;
    return simfs_calls.close(descriptor);
}

static int injected_open_at(int directory, const char *name, int flags, mode_t mode)
{
    const enum call call = (flags & O_CREAT) != 0 ? CALL_CREATE : CALL_OPEN;
    const struct strike *strike = enter(call, last_part(name), (flags & O_DIRECT) != 0);
    int descriptor = -1;

    check_descriptor(directory);
    if (strike == NULL || is_done_all_the_same(strike))
        descriptor = simfs_calls.open_at(directory, name, flags, mode);
    if (strike != NULL) {
        if (descriptor >= 0)
            simfs_calls.close(descriptor);
        return leave(fail(strike->error));
    }
    note_open(descriptor, last_part(name), flags);
    return leave(descriptor);
}

static int injected_close(int descriptor)
{
    const struct strike *strike = enter(CALL_CLOSE, name_of(descriptor), is_direct(descriptor));

    check_descriptor(descriptor);
    const int result = forget_open(descriptor); /* as Linux does, whatever it says: close(2) */
    return leave(strike == NULL ? result : fail(strike->error));
}

/* How many bytes of them a transfer moves; -1: it fails. */
static ssize_t transferred(const struct strike *strike, int descriptor, size_t byte_count)
{
    const size_t least = is_direct(descriptor) ? SIMFS_DIRECT_ALIGN_BYTES : 1;
    const size_t half = byte_count / 2 / least * least;
    size_t moved = half < least ? least : half;

    switch (strike->manner) {
    case MANNER_NOTHING:
    case MANNER_NOTHING_EVER:
        return 0;
    case MANNER_SHORT_BYTE:
        moved = least;
        break;
    case MANNER_SHORT_HALF:
    case MANNER_SHORT_EVER:
        break;
    default:
        return -1;
    }
    return (ssize_t)(moved < byte_count ? moved : byte_count);
}

static ssize_t injected_read_at(int descriptor, void *bytes, size_t byte_count, off_t offset)
{
    const struct strike *strike = enter(CALL_READ, name_of(descriptor), is_direct(descriptor));
    ssize_t moved = (ssize_t)byte_count;

    check_descriptor(descriptor);
    if (strike != NULL)
        moved = transferred(strike, descriptor, byte_count);
    if (moved > 0)
        moved = simfs_calls.read_at(descriptor, bytes, (size_t)moved, offset);
    else if (moved < 0)
        errno = strike->error;
    leave(0);
    return moved;
}

static ssize_t injected_write_at(int descriptor, const void *bytes, size_t byte_count, off_t offset)
{
    const struct strike *strike = enter(CALL_WRITE, name_of(descriptor), is_direct(descriptor));
    ssize_t moved = (ssize_t)byte_count;

    check_descriptor(descriptor);
    if (strike != NULL && is_done_all_the_same(strike))
        simfs_calls.write_at(descriptor, bytes, byte_count, offset);
    if (strike != NULL)
        moved = transferred(strike, descriptor, byte_count);
    if (moved > 0)
        moved = simfs_calls.write_at(descriptor, bytes, (size_t)moved, offset);
    else if (moved < 0)
        errno = strike->error;
    leave(0);
    return moved;
}

/* A file's flush that fails lets its pages go (simfs.h, (4)); but not one that did not even begin. */
static int flush_in_vain(int descriptor, const struct strike *strike)
{
    const struct simfs_fault in_vain = {.call = SIMFS_CALL_FLUSH,
                                        .fail_count = 1,
                                        .error = strike->error,
                                        .survivors = strike->manner == MANNER_DROPPED_SOME ? SIMFS_SURVIVE_SOME
                                                                                           : SIMFS_SURVIVE_NONE};

    simfs_set_fault(fs, &in_vain);
    const int result = simfs_calls.flush(descriptor);
    const int reason = errno;
    simfs_set_fault(fs, NULL);
    errno = reason;
    return result;
}

static int flush_as(int descriptor, enum call call)
{
    const struct strike *strike = enter(call, name_of(descriptor), is_direct(descriptor));

    check_descriptor(descriptor);
    if (strike == NULL)
        return leave(simfs_calls.flush(descriptor));
    if (strike->manner == MANNER_DROPPED || strike->manner == MANNER_DROPPED_SOME)
        return leave(flush_in_vain(descriptor, strike));
    if (call == CALL_FLUSH_DIRECTORY && strike->error == EINVAL) /* whose directories need none say so */
        simfs_calls.flush(descriptor);
    return leave(STRUCK(strike, simfs_calls.flush(descriptor)));
}

static int injected_flush(int descriptor)
{
    return flush_as(descriptor, CALL_FLUSH_DIRECTORY);
}

static int injected_flush_data(int descriptor)
{
    return flush_as(descriptor, CALL_FLUSH);
}

static int injected_allocate(int descriptor, off_t offset, off_t byte_count)
{
    const struct strike *strike = enter(CALL_ALLOCATE, name_of(descriptor), false);

    check_descriptor(descriptor);
    if (strike == NULL)
        return leave(simfs_calls.allocate(descriptor, offset, byte_count));
    return leave(STRUCK(strike, simfs_calls.allocate(descriptor, offset, byte_count)));
}

static int injected_truncate(int descriptor, off_t byte_count)
{
    const struct strike *strike = enter(CALL_TRUNCATE, name_of(descriptor), false);

    check_descriptor(descriptor);
    if (strike == NULL)
        return leave(simfs_calls.truncate(descriptor, byte_count));
    return leave(STRUCK(strike, simfs_calls.truncate(descriptor, byte_count)));
}

static int injected_status(int descriptor, struct stat *status)
{
    const struct strike *strike = enter(CALL_STATUS, name_of(descriptor), false);

    check_descriptor(descriptor);
    return leave(strike == NULL ? simfs_calls.status(descriptor, status) : fail(strike->error));
}

static int injected_status_at(int directory, const char *name, struct stat *status)
{
    const struct strike *strike = enter(CALL_STATUS_AT, last_part(name), false);

    check_descriptor(directory);
    return leave(strike == NULL ? simfs_calls.status_at(directory, name, status) : fail(strike->error));
}

static int injected_link_at(int directory, const char *from, const char *to)
{
    const struct strike *strike = enter(CALL_LINK, to, false);

    check_descriptor(directory);
    if (no_links != NULL && strncmp(to, no_links, strlen(no_links)) == 0)
        return leave(fail(EPERM));
    if (strike == NULL)
        return leave(simfs_calls.link_at(directory, from, to));
    return leave(STRUCK(strike, simfs_calls.link_at(directory, from, to)));
}

static int injected_rename_at(int directory, const char *from, const char *to)
{
    const struct strike *strike = enter(CALL_RENAME, to, false);

    check_descriptor(directory);
    if (strike == NULL)
        return leave(simfs_calls.rename_at(directory, from, to));
    return leave(STRUCK(strike, simfs_calls.rename_at(directory, from, to)));
}

static int injected_remove_at(int directory, const char *name)
{
    const struct strike *strike = enter(CALL_REMOVE, name, false);

    check_descriptor(directory);
    if (strike == NULL)
        return leave(simfs_calls.remove_at(directory, name));
    if (strike->error == ENOENT) /* somebody else, or a try whose answer got lost, was faster: no kernel lies */
        simfs_calls.remove_at(directory, name);
    return leave(STRUCK(strike, simfs_calls.remove_at(directory, name)));
}

static int injected_make_directory(const char *path, mode_t mode)
{
    const struct strike *strike = enter(CALL_MAKE_DIRECTORY, last_part(path), false);

    if (strike == NULL)
        return leave(simfs_calls.make_directory(path, mode));
    return leave(STRUCK(strike, simfs_calls.make_directory(path, mode)));
}

static int injected_remove_directory(const char *path)
{
    const struct strike *strike = enter(CALL_REMOVE_DIRECTORY, last_part(path), false);

    if (strike == NULL)
        return leave(simfs_calls.remove_directory(path));
    return leave(STRUCK(strike, simfs_calls.remove_directory(path)));
}

static void take_no_name(void *context, const char *name)
{
    (void)context;
    (void)name;
}

/* One that fails in its midst has told some names already. */
static int injected_read_names(int directory, void (*take)(void *context, const char *name), void *context)
{
    const struct strike *strike = enter(CALL_READ_NAMES, name_of(directory), false);
    const bool half = strike != NULL && strike->manner == MANNER_FEW_TIMES;

    check_descriptor(directory);
    if (strike == NULL || half)
        simfs_calls.read_names(directory, take, context);
    else
        simfs_calls.read_names(directory, take_no_name, NULL);
    return leave(strike == NULL ? 0 : fail(strike->error));
}

static int injected_lock(int descriptor, int command, struct flock *range)
{
    const enum call call = command == F_OFD_GETLK ? CALL_ASK_LOCK : CALL_LOCK;
    const struct strike *strike = enter(call, name_of(descriptor), false);

    check_descriptor(descriptor);
    if (strike == NULL)
        return leave(simfs_calls.lock(descriptor, command, range));
    return leave(STRUCK(strike, simfs_calls.lock(descriptor, command, range)));
}

static int injected_volume(int descriptor, struct statvfs *volume)
{
    const struct strike *strike = enter(CALL_VOLUME, name_of(descriptor), false);

    check_descriptor(descriptor);
    return leave(strike == NULL ? simfs_calls.volume(descriptor, volume) : fail(strike->error));
}

static int injected_is_direct(int descriptor)
{
    const struct strike *strike = enter(CALL_IS_DIRECT, name_of(descriptor), true);

    check_descriptor(descriptor);
    return leave(strike == NULL ? simfs_calls.is_direct(descriptor) : 0);
}

static int64_t injected_wall_time_ns(void)
{
    pthread_mutex_lock(&turn);
    const int64_t now = simfs_calls.wall_time_ns();
    pthread_mutex_unlock(&turn);
    return now;
}

static int injected_random_bytes(void *bytes, size_t byte_count)
{
    const struct strike *strike = enter(CALL_RANDOM, "", false);

    return leave(strike == NULL ? simfs_calls.random_bytes(bytes, byte_count) : fail(strike->error));
}

static void injected_boot_id(char text[SYSTEM_BOOT_ID_BYTES])
{
    const struct strike *strike = enter(CALL_BOOT_ID, "", false);

    if (strike == NULL)
        simfs_calls.boot_id(text);
    else
        memset(text, 0, SYSTEM_BOOT_ID_BYTES);
    leave(0);
}

static int64_t injected_run_child(const struct system_child *child)
{
    const struct strike *strike = enter(CALL_RUN_CHILD, "", false);
    const int64_t id = strike == NULL ? simfs_calls.run_child(child) : fail(strike->error);

    leave(0);
    return id;
}

/* What becomes of the child's writes, which simfs makes while it is awaited. */
static void strike_child(const struct strike *strike)
{
    const bool killed = strike != NULL && is_done_all_the_same(strike);
    const bool often = strike != NULL && strike->manner != MANNER_ONCE && strike->manner != MANNER_FEW_TIMES;
    const unsigned few = strike != NULL && strike->manner == MANNER_FEW_TIMES ? FEW : 1;
    const struct simfs_fault in_child = {.call = killed ? SIMFS_CALL_CHILD_WRITE : SIMFS_CALL_WRITE,
                                         .fail_count = often && !killed ? UINT_MAX : few,
                                         .error = strike == NULL ? 0 : strike->error};

    simfs_set_fault(fs, strike == NULL ? NULL : &in_child);
}

/* Where that fails the child has ended, and nobody knows how. */
static int injected_await_child(int64_t id, int *wait_status)
{
    const struct strike *strike;

    pthread_mutex_lock(&turn);
    strike_child(armed ? strikes(CALL_CHILD_WRITE, "", false) : NULL);
    strike = armed ? strikes(CALL_AWAIT_CHILD, "", false) : NULL;
    const int result = simfs_calls.await_child(id, wait_status);
    const int reason = errno;
    simfs_set_fault(fs, NULL);
    errno = reason;
    return leave(strike == NULL ? result : fail(strike->error));
}

static int injected_read_mappings(bool (*take)(void *context, const char *bytes, size_t byte_count), void *context)
{
    const struct strike *strike = enter(CALL_READ_MAPPINGS, "", false);

    return leave(strike == NULL ? simfs_calls.read_mappings(take, context) : strike->error);
}

static uint64_t injected_process_id(void)
{
    return simfs_calls.process_id();
}

static uint64_t injected_memory_available(void)
{
    return simfs_calls.memory_available();
}

static int injected_current_cpu(void)
{
    return simfs_calls.current_cpu();
}

static void injected_stand_back(const struct system_manners *manners)
{
    simfs_calls.stand_back(manners);
}

static void injected_end_child(int64_t id)
{
    simfs_calls.end_child(id);
}

static bool injected_is_orphan(uint64_t parent)
{
    return simfs_calls.is_orphan(parent);
}

const struct system_calls injector_calls = {
    .open_at = injected_open_at,
    .close = injected_close,
    .read_at = injected_read_at,
    .write_at = injected_write_at,
    .flush = injected_flush,
    .flush_data = injected_flush_data,
    .allocate = injected_allocate,
    .truncate = injected_truncate,
    .status = injected_status,
    .status_at = injected_status_at,
    .link_at = injected_link_at,
    .rename_at = injected_rename_at,
    .remove_at = injected_remove_at,
    .make_directory = injected_make_directory,
    .remove_directory = injected_remove_directory,
    .read_names = injected_read_names,
    .lock = injected_lock,
    .volume = injected_volume,
    .is_direct = injected_is_direct,
    .wall_time_ns = injected_wall_time_ns,
    .monotonic_time_ns = injected_wall_time_ns,
    .random_bytes = injected_random_bytes,
    .boot_id = injected_boot_id,
    .process_id = injected_process_id,
    .memory_available = injected_memory_available,
    .current_cpu = injected_current_cpu,
    .stand_back = injected_stand_back,
    .run_child = injected_run_child,
    .await_child = injected_await_child,
    .end_child = injected_end_child,
    .is_orphan = injected_is_orphan,
    .read_mappings = injected_read_mappings,
};

/* ------------------------------------------------------------------------ the test's */

void injector_use(struct simfs *which, struct descriptors *its)
{
    simfs_use(which);
    fs = which;
    descriptors = its;
}

unsigned descriptors_open_count(const struct descriptors *its)
{
    unsigned count = 0;

    for (size_t i = 0; i < SIMFS_DESCRIPTOR_COUNT_MAX; i++)
        count += its->at[i].open;
    return count;
}

void injector_arm(const struct fault *what)
{
    fault_set = what != NULL;
    if (what != NULL)
        fault = *what;
    hit_count = 0;
    call_count = strike_count = 0;
    armed = true;
}

void injector_rest(void)
{
    armed = fault_set = false;
}

size_t injector_call_count(void)
{
    return call_count;
}

const struct noted_call *injector_call(size_t index)
{
    return &noted[index];
}

size_t injector_strike_count(void)
{
    return strike_count;
}

const struct strike *injector_strike(size_t index)
{
    return &struck[index];
}

void injector_refuse_links(const char *prefix)
{
    no_links = prefix;
}
