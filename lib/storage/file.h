/* SPDX-License-Identifier: MIT */
/*
 * file: one open file of the backup directory. Whole reads and writes (short ones and EINTR are gone on with), and
 * errors that name directory, file and offset.
 */
#ifndef H5CKPT_FILE_H
#define H5CKPT_FILE_H

#include "format.h"
#include "storage/directory.h"

struct file {
    int descriptor;                    /* -1: not open */
    const struct directory *directory; /* borrowed */
    char name[FORMAT_FILE_NAME_BYTES_MAX + 1];
};

#define FILE_NONE ((struct file){.descriptor = -1})

enum file_access {
    FILE_READ,
    FILE_WRITE,            /* read and write */
    FILE_READ_PAST_CACHE,  /* these two: offsets, lengths and memory FORMAT_ALIGN_BYTES-aligned; … */
    FILE_WRITE_PAST_CACHE, /* … H5CKPT_E_SYSTEM where it cannot be */
};

/* Open a regular file; a symbolic link, FIFO, device… is H5CKPT_E_DAMAGED, absence H5CKPT_NO_CHECKPOINT. */
h5ckpt_status file_open(struct file *file, const struct directory *directory, const char *name, enum file_access access,
                        struct error *error);

/* Make a file that must not exist yet. */
h5ckpt_status file_create(struct file *file, const struct directory *directory, const char *name, mode_t mode,
                          struct error *error);

void file_close(struct file *file); /* FILE_NONE is allowed */

/* What the open file is now. */
h5ckpt_status file_look(const struct file *file, struct entry *entry, struct error *error);

/* Read exactly `byte_count` bytes; a file that ends before is H5CKPT_E_DAMAGED. */
h5ckpt_status file_read(const struct file *file, void *bytes, size_t byte_count, uint64_t offset, struct error *error);

h5ckpt_status file_write(const struct file *file, const void *bytes, size_t byte_count, uint64_t offset,
                         struct error *error);

/* As that in two steps, for who must not make a message: 0, or the errno and where; and the message. */
int file_put(const struct file *file, const void *bytes, size_t byte_count, uint64_t offset, uint64_t *failed_at);
h5ckpt_status file_say_unwritten(const struct file *file, int system_errno, uint64_t offset, struct error *error);

/* Make the content durable. A failure is final for this file: rule (e) of docs/format.md. */
h5ckpt_status file_flush(const struct file *file, struct error *error);

/* Take `byte_count` bytes of disk from the file's start; where the file system cannot reserve, only set its length. */
h5ckpt_status file_allocate(const struct file *file, uint64_t byte_count, bool *reserved, struct error *error);

/* Take, or ask for, the open-file-description write lock on the whole file. */
h5ckpt_status file_lock(const struct file *file, bool *taken, struct error *error);
h5ckpt_status file_is_locked(const struct file *file, bool *locked, struct error *error);

#endif
