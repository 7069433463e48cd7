/* SPDX-License-Identifier: MIT */
/*
 * format: the only home of on-disk names, offsets, versions and limits. docs/format.md explains them.
 */
#ifndef H5CKPT_FORMAT_H
#define H5CKPT_FORMAT_H

#include <stdint.h>

/* Names in the backup directory. */
#define FORMAT_LOCK_NAME  "lock"
#define FORMAT_VIEW_NAME  "checkpoint.h5"
#define FORMAT_NEW_SUFFIX ".new" /* a file being filled, before its rename */
#define FORMAT_SLOT_A     "slot-a.h5"
#define FORMAT_SLOT_B     "slot-b.h5"
#define FORMAT_SLOT_C     "slot-c.h5"

#define FORMAT_MILESTONE_PREFIX "milestone-" /* then its name … */
#define FORMAT_MILESTONE_SUFFIX ".h5"        /* … and this */
#define FORMAT_MILESTONE_NEW    "milestone.h5" FORMAT_NEW_SUFFIX

/* Names in the HDF5 file. */
#define FORMAT_STATE_GROUP    "state"
#define FORMAT_PROGRESS_GROUP "progress"
#define FORMAT_SETTINGS_GROUP "settings"
#define FORMAT_HISTORY_GROUP  "history"
#define FORMAT_VIEW_CURRENT   "current"
#define FORMAT_VIEW_PREVIOUS  "previous"

enum {
    FORMAT_VERSION = 1,
    FORMAT_SLOT_COUNT_MAX = 3,
    FORMAT_MILESTONE_NAME_BYTES_MAX = 64,
    FORMAT_FILE_NAME_BYTES_MAX = 77,
    FORMAT_NAME_BYTES_MAX = 1023, /* of a variable or setting, relative to its group */
    FORMAT_RANK_MAX = 32,         /* HDF5's own */
    FORMAT_ELEMENT_BYTES_MAX = 0xffffff,
    FORMAT_VARIABLE_COUNT_MAX = 1 << 24,
    FORMAT_USER_BLOCK_BYTES = 4096,
    FORMAT_ALIGN_BYTES = 4096,
    FORMAT_ALIGN_THRESHOLD_BYTES = 65536,
    FORMAT_RECORD_BYTES = 512,        /* one sector: written whole or not at all */
    FORMAT_BLOCK_BYTES = 1 << 16,     /* what this version writes; readers take any power of two … */
    FORMAT_BLOCK_BYTES_MIN = 1 << 12, /* … from this … */
    FORMAT_BLOCK_BYTES_MAX = 1 << 30, /* … to this */
    FORMAT_ID_BYTES = 16,
    FORMAT_LOCK_BYTES = 4096,
    FORMAT_HISTORY_LOG_COUNT_MAX = 1024,
    FORMAT_HISTORY_CAPACITY_FIRST = 1024, /* rows; what this version begins with: readers take any */
};

#define FORMAT_SEQUENCE_MAX       (UINT64_C(1) << 62)
#define FORMAT_FILE_BYTES_MAX     (UINT64_C(1) << 62)
#define FORMAT_VARIABLE_BYTES_MAX (UINT64_C(1) << 60)

/* The bits of the NaN in a row that has no value of a log; one that was logged has others. R shows this one as NA. */
#define FORMAT_HISTORY_NOT_LOGGED UINT64_C(0x7ff80000000007a2)

#endif
