/* SPDX-License-Identifier: MIT */
/*
 * layout: where every byte of a slot file comes from: HDF5's own bytes, the variables, the index, zeros between.
 * Made once per schema; a save walks it block by block.
 */
#ifndef H5CKPT_LAYOUT_H
#define H5CKPT_LAYOUT_H

#include "state/state.h"
#include "storage/hdf5/structure.h"
#include "storage/record.h"

enum { LAYOUT_PROGRESS_COUNT = 3 }; /* epoch, batch, step: the schema's last entries */

struct layout_extent {
    uint64_t offset;
    uint64_t byte_count;
    const unsigned char *bytes; /* the same at every save; NULL: the bytes of variable `entry_index` */
    size_t entry_index;
};

struct layout {
    struct schema_entry *entry; /* the state's, then the progress; names and shapes borrowed */
    size_t entry_count;
    struct structure structure;
    unsigned char *index;
    size_t index_bytes;
    struct layout_extent *extent; /* ascending, not overlapping */
    size_t extent_count;
    struct record geometry; /* every record field that depends on the schema alone; the rest zero */
};

#define LAYOUT_NONE ((struct layout){0})

/* H5CKPT_E_HDF5, H5CKPT_E_MEMORY. Borrows names and shapes of `state`. */
h5ckpt_status layout_build(struct layout *layout, const h5ckpt_state *state, struct error *error);

void layout_free(struct layout *layout); /* LAYOUT_NONE is allowed */

/*
 * Fill `bytes` with block `block_index`; `source[entry]` is where each variable's bytes are. Returns whether any
 * byte came from a variable: if not, the block is the same at every save.
 */
bool layout_gather(const struct layout *layout, const unsigned char *const *source, uint64_t block_index,
                   unsigned char *bytes);

/* As that, for `byte_count` bytes at `offset` within the blocks. */
bool layout_gather_piece(const struct layout *layout, const unsigned char *const *source, uint64_t offset,
                         size_t byte_count, unsigned char *bytes);

/* Whether layout_gather() would return true. */
bool layout_block_varies(const struct layout *layout, uint64_t block_index);

#endif
