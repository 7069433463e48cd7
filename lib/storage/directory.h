/* SPDX-License-Identifier: MIT */
/*
 * directory: the backup directory as a place: opening, making, listing, flushing, and what happens to names
 * in it. No symbolic link inside it is followed; the directory itself may be one.
 */
#ifndef H5CKPT_DIRECTORY_H
#define H5CKPT_DIRECTORY_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include <sys/stat.h>

#include "error.h"

struct directory {
    int descriptor;      /* -1: not open */
    size_t made_from;    /* length of the shortest part of `path` that this open made; 0: none */
    char path[PATH_MAX]; /* as the program named it */
};

#define DIRECTORY_NONE ((struct directory){.descriptor = -1})

/*
 * Open `path`; with `make`, missing directories are made with `mode` and their parents flushed.
 * H5CKPT_E_ARGUMENT (empty, over-long, not a directory), H5CKPT_NO_CHECKPOINT (missing, and not to be made),
 * or the system's errors.
 */
h5ckpt_status directory_open(struct directory *directory, const char *path, bool make, mode_t mode,
                             struct error *error);

/* Close, and take away again what this open made and is still empty. */
void directory_close(struct directory *directory);

/* The open directory may have been removed, and another made under its name: then close it, keeping its path. */
void directory_forget_if_removed(struct directory *directory);

/* Make every name in it durable. */
h5ckpt_status directory_flush(const struct directory *directory, struct error *error);

/* Make the path to it durable, whoever made its parts: one that died before it could, perhaps. */
h5ckpt_status directory_flush_path(const struct directory *directory, struct error *error);

enum entry_kind { ENTRY_ABSENT, ENTRY_FILE, ENTRY_OTHER };

struct entry {
    enum entry_kind kind;
    dev_t device;
    ino_t inode;
    nlink_t link_count;
    uint64_t byte_count;
    int64_t modified_ns; /* content */
    int64_t changed_ns;  /* content, name or links; 0: the file system does not tell */
};

/* The same file, and nothing done to it between the two looks, as far as its file system's clock can tell? */
bool entry_equal(const struct entry *a, const struct entry *b);

/* The same, but for its name and its links. */
bool entry_equal_content(const struct entry *a, const struct entry *b);

struct entry entry_of_status(const struct stat *status);

/* What `name` is, links not followed. */
h5ckpt_status directory_look(const struct directory *directory, const char *name, struct entry *entry,
                             struct error *error);

h5ckpt_status directory_rename(const struct directory *directory, const char *from, const char *to,
                               struct error *error);
h5ckpt_status directory_link(const struct directory *directory, const char *from, const char *to, struct error *error);

/* Remove a file; one that is not there is no error, something that is not a regular file is left (and no error). */
h5ckpt_status directory_remove(const struct directory *directory, const char *name, struct error *error);

/* Show `take` every name in it, in no order; names that come or go meanwhile, or not. */
h5ckpt_status directory_list(const struct directory *directory, void (*take)(void *context, const char *name),
                             void *context, struct error *error);

/* Bytes that this user may still write to the file system. */
h5ckpt_status directory_available(const struct directory *directory, uint64_t *byte_count, struct error *error);

#endif
