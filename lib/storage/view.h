/* SPDX-License-Identifier: MIT */
/*
 * view: checkpoint.h5, which leads people and tools to the current and the previous state (docs/format.md 4). Nothing
 * depends on it; whatever goes wrong here fails no save.
 */
#ifndef H5CKPT_VIEW_H
#define H5CKPT_VIEW_H

#include "format.h"
#include "storage/directory.h"
#include "storage/hdf5/structure.h"

enum { VIEW_NO_SLOT = -1 };

struct view {
    int current; /* slot numbers that the file names; VIEW_NO_SLOT */
    int previous;
    struct structure image[FORMAT_SLOT_COUNT_MAX + 1]
                          [FORMAT_SLOT_COUNT_MAX + 1]; /* by these two; what HDF5 has built is kept */
};

#define VIEW_NONE ((struct view){.current = VIEW_NO_SLOT, .previous = VIEW_NO_SLOT})

void view_free(struct view *view);

/* What the directory's view names now. */
void view_read(struct view *view, const struct directory *directory, const unsigned char directory_id[FORMAT_ID_BYTES]);

/*
 * Make the view name these slots (VIEW_NO_SLOT: none), unless it does already or checkpoint.h5 is a stranger's.
 * H5CKPT_E_HDF5, or the system's errors.
 */
h5ckpt_status view_write(struct view *view, const struct directory *directory,
                         const unsigned char directory_id[FORMAT_ID_BYTES], int current, int previous, mode_t mode,
                         struct error *error);

/* Remove the view, unless checkpoint.h5 is a stranger's. */
h5ckpt_status view_remove(const struct directory *directory, const unsigned char directory_id[FORMAT_ID_BYTES],
                          struct error *error);

#endif
