/* SPDX-License-Identifier: MIT */
/*
 * child: a copy-on-write child of this process, which gathers, checksums and writes the blocks of one save from the
 * memory as it was. It allocates nothing and takes no lock: other threads of the program may have held any.
 */
#ifndef H5CKPT_CHILD_H
#define H5CKPT_CHILD_H

#include "storage/buffer.h"
#include "storage/file.h"
#include "storage/gather.h"
#include "storage/pace.h"
#include "storage/system.h"

struct child_shared;

struct child {
    struct gather gather;
    const struct file *file;     /* that it writes … */
    const struct file *lock;     /* … and that it keeps open: nobody else becomes the writer while it lives */
    const struct buffer *buffer; /* room for a chunk */
    struct pace pace;
    struct system_manners manners;

    uint64_t parent; /* process id */
    int64_t id;
    struct child_shared *shared; /* what it says; the table is at its end */
    size_t shared_bytes;
};

/*
 * Would a child see every variable? H5CKPT_E_ARGUMENT names the first that it would not; H5CKPT_E_SYSTEM: that cannot
 * be told.
 */
h5ckpt_status child_check_memory(const struct layout *layout, const unsigned char *const *source, struct error *error);

/*
 * The fields above `parent` have been set. On success it runs, and must be awaited. H5CKPT_E_MEMORY,
 * H5CKPT_E_PERMISSION, H5CKPT_E_SYSTEM.
 */
h5ckpt_status child_start(struct child *child, struct error *error);

/*
 * Wait for its end and take over its table: all blocks are written. H5CKPT_E_SYSTEM: it died; H5CKPT_E_ARGUMENT as
 * above; the errors of its writes. `write_failed`: a write has, or who knows who still writes.
 */
h5ckpt_status child_await(struct child *child, bool *write_failed, struct error *error);

/* Somebody waits: it keeps no pace from now on. */
void child_hurry(struct child *child);

/* What it has written, in whole blocks. */
uint64_t child_bytes_written(const struct child *child);

/* When it has been awaited and nobody is going to hurry it. */
void child_end(struct child *child);

#endif
