/* SPDX-License-Identifier: MIT */
#include "calls/expectation.h"

#include <errno.h>
#include <string.h>

#define SET(status) (UINT64_C(1) << (32 + (status)))

statuses status_bit(h5ckpt_status status)
{
    return SET(status);
}

/* What every call that uses the system may say of it … */
#define OF_SYSTEM \
    (SET(H5CKPT_OK) | SET(H5CKPT_E_PERMISSION) | SET(H5CKPT_E_MEMORY) | SET(H5CKPT_E_SYSTEM) | SET(H5CKPT_E_IO))
/* … and of what it finds in the directory. */
#define OF_STRANGERS (SET(H5CKPT_E_FOREIGN) | SET(H5CKPT_E_VERSION))
#define OF_RESTORE                                                                                       \
    (OF_SYSTEM | OF_STRANGERS | SET(H5CKPT_FELL_BACK) | SET(H5CKPT_NO_CHECKPOINT) | SET(H5CKPT_E_LOST) | \
     SET(H5CKPT_E_OVERTAKEN))
#define OF_LIST (OF_SYSTEM | OF_STRANGERS | SET(H5CKPT_NO_CHECKPOINT) | SET(H5CKPT_E_DAMAGED) | SET(H5CKPT_E_OVERTAKEN))
#define OF_SAVE                                                                                            \
    (OF_SYSTEM | OF_STRANGERS | SET(H5CKPT_E_NO_SPACE) | SET(H5CKPT_E_BUSY) | SET(H5CKPT_E_NOT_RESTORED) | \
     SET(H5CKPT_E_MEMORY_CHANGED))

/* (5), include/h5ckpt.h */
static const struct {
    const char *name;
    statuses documented;
} OPERATION[OPERATION_COUNT] = {
    [OPERATION_OPEN] = {"open", OF_SYSTEM | OF_STRANGERS | SET(H5CKPT_E_ARGUMENT) | SET(H5CKPT_E_BUSY) |
                                    SET(H5CKPT_E_NO_SPACE)},
    [OPERATION_ADOPT] = {"open without a lock", OF_SYSTEM | OF_STRANGERS | SET(H5CKPT_E_ARGUMENT) | SET(H5CKPT_E_BUSY) |
                                                    SET(H5CKPT_E_NO_SPACE)},
    [OPERATION_OPEN_READER] = {"open to read",
                               OF_SYSTEM | OF_STRANGERS | SET(H5CKPT_E_ARGUMENT) | SET(H5CKPT_E_NO_SPACE)},
    [OPERATION_RESTORE] = {"restore", OF_RESTORE | SET(H5CKPT_E_MEMORY_CHANGED)},
    [OPERATION_RESTORE_STAGED] = {"restore staged", OF_RESTORE},
    [OPERATION_RESTORE_IN_PIECES] = {"restore in pieces", OF_RESTORE | SET(H5CKPT_E_MEMORY_CHANGED)},
    [OPERATION_COMPARE] = {"compare", OF_RESTORE | SET(H5CKPT_E_DAMAGED)},
    [OPERATION_INSPECT] = {"inspect", OF_RESTORE},
    [OPERATION_LIST] = {"list", OF_LIST},
    [OPERATION_LIST_MILESTONES] = {"list milestones", OF_SYSTEM | OF_STRANGERS | SET(H5CKPT_E_OVERTAKEN)},
    [OPERATION_SAVE] = {"save", OF_SAVE | SET(H5CKPT_HISTORY_FULL)},
    [OPERATION_WAIT] = {"wait", OF_SAVE},
    [OPERATION_START_OVER] = {"start over", OF_RESTORE},
    [OPERATION_SPACE] = {"space", OF_SYSTEM},
    [OPERATION_RESERVE] = {"reserve", OF_SAVE},
    [OPERATION_KEEP] = {"keep",
                        OF_SYSTEM | OF_STRANGERS | SET(H5CKPT_E_NO_SPACE) | SET(H5CKPT_E_DAMAGED) | SET(H5CKPT_E_BUSY)},
    [OPERATION_FORGET] = {"remove milestone", OF_SYSTEM | OF_STRANGERS | SET(H5CKPT_E_ARGUMENT) | SET(H5CKPT_E_BUSY) |
                                                  SET(H5CKPT_E_NO_SPACE)},
    [OPERATION_ROLL_BACK] = {"roll back", OF_SYSTEM | OF_STRANGERS | SET(H5CKPT_E_ARGUMENT) | SET(H5CKPT_E_DAMAGED) |
                                              SET(H5CKPT_E_OVERTAKEN) | SET(H5CKPT_E_NO_SPACE) | SET(H5CKPT_E_BUSY)},
    [OPERATION_DELETE] = {"delete", OF_SYSTEM | OF_STRANGERS | SET(H5CKPT_E_BUSY) | SET(H5CKPT_E_NO_SPACE)},
};

const char *operation_name(enum operation operation)
{
    return OPERATION[operation].name;
}

bool operation_only_reads(enum operation operation)
{
    return operation >= OPERATION_OPEN_READER && operation <= OPERATION_LIST_MILESTONES;
}

/* (2) */
statuses expected_of_errno(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return SET(H5CKPT_E_NO_SPACE);
    case EACCES:
    case EPERM:
    case EROFS:
        return SET(H5CKPT_E_PERMISSION);
    case ENOMEM:
        return SET(H5CKPT_E_MEMORY);
    case EIO:
        return SET(H5CKPT_E_IO);
    default:
        return SET(H5CKPT_E_SYSTEM);
    }
}

/* (3) What a state that cannot be had makes of any call. */
#define OF_DAMAGE                                                                                        \
    (SET(H5CKPT_FELL_BACK) | SET(H5CKPT_E_LOST) | SET(H5CKPT_E_DAMAGED) | SET(H5CKPT_E_MEMORY_CHANGED) | \
     SET(H5CKPT_E_IO))
/* What a file that is not there, or is something else, makes of it: no directory, no milestone, a lock that is gone. */
#define OF_ABSENCE                                                                                                   \
    (OF_DAMAGE | SET(H5CKPT_NO_CHECKPOINT) | SET(H5CKPT_E_ARGUMENT) | SET(H5CKPT_E_BUSY) | SET(H5CKPT_E_OVERTAKEN) | \
     SET(H5CKPT_E_FOREIGN) | SET(H5CKPT_E_SYSTEM))

static bool is_slot(const char *name)
{
    return strncmp(name, "slot-", 5) == 0 || strncmp(name, "milestone", 9) == 0;
}

/* Did a device fail that was asked only once? Then whoever asks again gets its bytes. */
static bool is_single(const struct strike *strike, size_t count)
{
    size_t same = 0;

    for (size_t i = 0; i < count; i++)
        same += strike[i].error == EIO;
    return same == 1;
}

static bool is_transfer(enum call call)
{
    return call == CALL_READ || call == CALL_WRITE || call == CALL_CHILD_WRITE;
}

static statuses of_short_transfer(const struct strike *strike)
{
    if (strike->manner != MANNER_NOTHING && strike->manner != MANNER_NOTHING_EVER)
        return 0;
    /* Nothing read: the file ends there. Nothing written, again and again: no errno says why. */
    return strike->call == CALL_READ ? OF_ABSENCE : OF_DAMAGE;
}

static statuses of_open(const struct strike *strike)
{
    switch (strike->error) {
    case ENOENT:
    case EISDIR:
    case ENXIO:
    case ELOOP:
        return OF_ABSENCE;
    case ENOTDIR:
    case ENAMETOOLONG: /* the directory's path is no path */
        return SET(H5CKPT_E_ARGUMENT) | expected_of_errno(strike->error);
    default:
        return expected_of_errno(strike->error);
    }
}

/* (4) */
static statuses of_others(const struct strike *strike)
{
    const int error = strike->error;

    switch (strike->call) {
    case CALL_CREATE:
        return error == EEXIST ? SET(H5CKPT_E_FOREIGN) | SET(H5CKPT_E_BUSY) : 0;
    case CALL_LINK:
        return error == EEXIST ? SET(H5CKPT_E_BUSY) | SET(H5CKPT_E_FOREIGN) : 0;
    case CALL_RENAME:
        return error == EISDIR || error == ENOTEMPTY ? SET(H5CKPT_E_FOREIGN) : 0;
    case CALL_LOCK:
        return error == EAGAIN || error == EACCES ? SET(H5CKPT_E_BUSY) : 0;
    case CALL_MAKE_DIRECTORY:
        return error == ENOTDIR || error == ENAMETOOLONG || error == ELOOP ? SET(H5CKPT_E_ARGUMENT) : 0;
    case CALL_STATUS_AT:
        return error == ENOENT ? OF_ABSENCE : 0;
    case CALL_AWAIT_CHILD:
    case CALL_CHILD_WRITE: /* nobody knows what the child had still to do, or why it died */
        return SET(H5CKPT_E_SYSTEM);
    default:
        return 0;
    }
}

static statuses of_strike(const struct strike *strike, bool single)
{
    const enum call call = strike->call;

    if (!manner_has_errno(strike->manner))
        return of_short_transfer(strike);
    if (call == CALL_BOOT_ID || call == CALL_CLOSE)
        return 0;
    if (strike->error == EINTR && is_transfer(call) &&
        (strike->manner == MANNER_ONCE || strike->manner == MANNER_FEW_TIMES))
        return 0;
    if (call == CALL_RUN_CHILD && (strike->error == EAGAIN || strike->error == ENOMEM))
        return 0;                                      /* the save is synchronous then */
    if (call == CALL_RANDOM || call == CALL_IS_DIRECT) /* the latter where it has been said before that it is */
        return SET(H5CKPT_E_SYSTEM);
    if (strike->error == EIO && (call == CALL_OPEN || call == CALL_READ || call == CALL_STATUS)) {
        if (is_slot(strike->name) && single)
            return 0; /* (3): it did not persist */
        return OF_DAMAGE;
    }
    return (call == CALL_OPEN ? of_open(strike) : expected_of_errno(strike->error)) | of_others(strike);
}

/* A file that is so damaged that nobody can tell whose it is is nobody's. */
static bool needs_an_owner(enum operation operation)
{
    return operation == OPERATION_ADOPT || operation == OPERATION_KEEP || operation == OPERATION_FORGET;
}

statuses expected_statuses(enum operation operation, h5ckpt_status normal, const struct strike *strike, size_t count)
{
    const bool single = operation_only_reads(operation) && is_single(strike, count);
    statuses set = 0;

    for (size_t i = 0; i < count; i++) {
        set |= of_strike(&strike[i], single);
        if (!call_changes(strike[i].call) && strike[i].manner != MANNER_STORM && set != 0)
            set |= SET(H5CKPT_E_MEMORY_CHANGED); /* a restore that had begun to hand bytes over */
    }
    if (operation == OPERATION_RESTORE_IN_PIECES && count > 1 && set != 0) /* (6) */
        set |= SET(H5CKPT_FELL_BACK) | SET(H5CKPT_E_MEMORY_CHANGED);
    if (operation == OPERATION_SAVE && (set & (SET(H5CKPT_E_NO_SPACE) | SET(H5CKPT_E_MEMORY))) != 0)
        set |= SET(H5CKPT_HISTORY_FULL); /* saved, but for what there was no room for */
    if (needs_an_owner(operation) && (set & SET(H5CKPT_E_DAMAGED)) != 0)
        set |= SET(H5CKPT_E_FOREIGN);
    return (set & OPERATION[operation].documented) | SET(normal);
}

bool expected_doubt_afterwards(const struct strike *strike, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (call_changes(strike[i].call))
            return true;
    return false;
}
