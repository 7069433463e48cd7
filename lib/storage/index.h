/* SPDX-License-Identifier: MIT */
/*
 * index: the variable index of a slot (docs/format.md 2.2): what is stored where, as bytes and as a schema with
 * offsets. Pure: no I/O. The reader trusts no count, length or offset before it is bounded.
 */
#ifndef H5CKPT_INDEX_H
#define H5CKPT_INDEX_H

#include "state/schema.h"

struct index {
    struct schema_entry *entry; /* names and shapes point into memory of this index */
    uint64_t *offset;           /* absolute in the file; 0 for variables without bytes */
    size_t entry_count;
    void *text; /* owned: names and shapes */
};

#define INDEX_NONE ((struct index){0})

/*
 * Encode `schema`, with `offset` by schema index (NULL: all 0, as for the schema digest). The caller frees *bytes.
 * H5CKPT_E_MEMORY.
 */
h5ckpt_status index_encode(const struct schema *schema, const uint64_t *offset, unsigned char **bytes,
                           size_t *byte_count, struct error *error);

/* Decode bytes from a file whose variables must lie before `index_offset`. H5CKPT_E_DAMAGED, H5CKPT_E_MEMORY. */
h5ckpt_status index_decode(struct index *index, const unsigned char *bytes, size_t byte_count, uint64_t index_offset,
                           struct error *error);

/* Does variable `entry` have bytes in [begin, end) of the file? */
bool index_has_bytes_between(const struct index *index, size_t entry, uint64_t begin, uint64_t end);

void index_free(struct index *index);

#endif
