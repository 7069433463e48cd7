/* SPDX-License-Identifier: MIT */
/*
 * expectation: what a public call may answer when system calls fail in it. Pure: stated before anything is tried.
 *
 *   (1) What it answers where nothing fails: a fault that was dealt with.
 *   (2) The status of the errno, as the kernel gave it: a passing condition is reported as itself, and rolls nothing
 *       back (P7).
 *   (3) What damage makes of it (an older state, nothing left…) only if bytes were gone or wrong: the device failed
 *       (EIO) again after the file was opened anew, a file is not there or is none, or it ends too early.
 *   (4) What an errno says of somebody else: another writer, a stranger's file.
 *   (5) Nothing that the header does not document for the call.
 *   (6) Where memory has begun to change, and a second try fails as well, the state before is better than a half one
 *       (P4); where that cannot be had either, memory holds none.
 *
 * Transfers that fall short, and those that are interrupted, change nothing at all; nor does what only helps (a close,
 * the boot id).
 */
#ifndef H5CKPT_TEST_CALLS_EXPECTATION_H
#define H5CKPT_TEST_CALLS_EXPECTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "calls/injector.h"
#include "h5ckpt.h"

enum operation {
    OPERATION_OPEN,
    OPERATION_ADOPT, /* as that, where no lock says whose the slots are */
    OPERATION_OPEN_READER,
    OPERATION_RESTORE,
    OPERATION_RESTORE_STAGED,    /* H5CKPT_STAGED: memory is never left half changed */
    OPERATION_RESTORE_IN_PIECES, /* not so, and memory has begun to change when the last is read: (6) */
    OPERATION_COMPARE,
    OPERATION_INSPECT,
    OPERATION_LIST, /* variables, settings, damaged blocks, the history */
    OPERATION_LIST_MILESTONES,
    OPERATION_SAVE,
    OPERATION_WAIT,
    OPERATION_START_OVER,
    OPERATION_SPACE,
    OPERATION_RESERVE,
    OPERATION_KEEP,
    OPERATION_FORGET, /* h5ckpt_remove_milestone() */
    OPERATION_ROLL_BACK,
    OPERATION_DELETE,
    OPERATION_COUNT,
};

const char *operation_name(enum operation operation);

/* Does it, whatever happens, change nothing on disk? */
bool operation_only_reads(enum operation operation);

/* A set of statuses. */
typedef uint64_t statuses;
statuses status_bit(h5ckpt_status status);

/* Which it may answer: `normal` is (1). */
statuses expected_statuses(enum operation operation, h5ckpt_status normal, const struct strike *strike, size_t count);

/* (2) alone: for these the message shows the errno's text. */
statuses expected_of_errno(int error);

/* May a state be called a fall-back afterwards, as after a save that failed? Not where only reading was disturbed. */
bool expected_doubt_afterwards(const struct strike *strike, size_t count);

#endif
