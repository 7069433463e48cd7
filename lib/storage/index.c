/* SPDX-License-Identifier: MIT */
#include "storage/index.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "format.h"

static const char INDEX_MAGIC[8] = {'H', '5', 'C', 'K', 'I', 'D', 'X', '1'};

enum { /* docs/format.md 2.2 */
       HEADER_BYTES = 16,
       AT_OFFSET = 0,
       AT_BYTE_COUNT = 8,
       AT_ELEMENT_BYTES = 16,
       AT_CLASS = 20,
       AT_ORDER = 21,
       AT_LONG_DOUBLE = 22,
       AT_RANK = 23,
       AT_NAME_LENGTH = 24,
       ENTRY_HEAD_BYTES = 32,
       /* "settings/" and the like come before what the program chose. */
       STORED_NAME_BYTES_MAX = FORMAT_NAME_BYTES_MAX + 16,
};

static size_t entry_bytes(unsigned rank, size_t name_length)
{
    return ENTRY_HEAD_BYTES + 8 * (size_t)rank + bytes_round_up(name_length, 8);
}

static unsigned char *entry_encode(unsigned char *to, const struct schema_entry *entry, uint64_t offset)
{
    size_t name_length = strlen(entry->name);

    bytes_put_u64(to + AT_OFFSET, offset);
    bytes_put_u64(to + AT_BYTE_COUNT, entry->byte_count);
    bytes_put_u32(to + AT_ELEMENT_BYTES, entry->element.byte_count);
    to[AT_CLASS] = (unsigned char)entry->element.class;
    to[AT_ORDER] = (unsigned char)entry->element.order;
    to[AT_LONG_DOUBLE] = (unsigned char)entry->element.format;
    to[AT_RANK] = (unsigned char)entry->rank;
    bytes_put_u16(to + AT_NAME_LENGTH, (uint16_t)name_length);
    for (unsigned i = 0; i < entry->rank; i++)
        bytes_put_u64(to + ENTRY_HEAD_BYTES + 8 * i, entry->shape[i]);
    memcpy(to + ENTRY_HEAD_BYTES + 8 * entry->rank, entry->name, name_length);
    return to + entry_bytes(entry->rank, name_length);
}

h5ckpt_status index_encode(const struct schema *schema, const uint64_t *offset, unsigned char **bytes,
                           size_t *byte_count, struct error *error)
{
    *byte_count = HEADER_BYTES;
    for (size_t i = 0; i < schema->entry_count; i++)
        *byte_count += entry_bytes(schema->entry[i].rank, strlen(schema->entry[i].name));
    *bytes = calloc(1, *byte_count);
    if (*bytes == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory for the index of %zu variables (%zu bytes)",
                         schema->entry_count, *byte_count);
    memcpy(*bytes, INDEX_MAGIC, sizeof INDEX_MAGIC);
    bytes_put_u64(*bytes + 8, schema->entry_count);
    unsigned char *to = *bytes + HEADER_BYTES;
    for (size_t i = 0; i < schema->entry_count; i++)
        to = entry_encode(to, &schema->entry[i], offset == NULL ? 0 : offset[i]);
    return H5CKPT_OK;
}

/* One pass over the bytes: entries are whole, and how much memory names and shapes will take. */
static h5ckpt_status measure(const unsigned char *bytes, size_t byte_count, size_t *entry_count, size_t *text_bytes,
                             struct error *error)
{
    size_t at = HEADER_BYTES;

    if (byte_count < HEADER_BYTES || memcmp(bytes, INDEX_MAGIC, sizeof INDEX_MAGIC) != 0)
        return error_set(error, H5CKPT_E_DAMAGED, "variable index: it does not begin as one");
    uint64_t claimed = bytes_get_u64(bytes + 8);
    if (claimed > FORMAT_VARIABLE_COUNT_MAX || claimed > (byte_count - HEADER_BYTES) / ENTRY_HEAD_BYTES)
        return error_set(error, H5CKPT_E_DAMAGED, "variable index: %" PRIu64 " entries cannot fit in %zu bytes",
                         claimed, byte_count);
    *entry_count = (size_t)claimed;
    *text_bytes = 0;
    for (size_t i = 0; i < *entry_count; i++) {
        if (byte_count - at < ENTRY_HEAD_BYTES)
            return error_set(error, H5CKPT_E_DAMAGED, "variable index: entry %zu is cut off", i);
        unsigned rank = bytes[at + AT_RANK];
        size_t name_length = bytes_get_u16(bytes + at + AT_NAME_LENGTH);
        if (rank > FORMAT_RANK_MAX || name_length == 0 || name_length > STORED_NAME_BYTES_MAX ||
            byte_count - at < entry_bytes(rank, name_length) ||
            memchr(bytes + at + ENTRY_HEAD_BYTES + 8 * (size_t)rank, '\0', name_length) != NULL)
            return error_set(error, H5CKPT_E_DAMAGED,
                             "variable index: entry %zu (rank %u, name of %zu bytes) is impossible", i, rank,
                             name_length);
        *text_bytes += 8 * (size_t)rank + bytes_round_up(name_length + 1, 8);
        at += entry_bytes(rank, name_length);
    }
    if (at != byte_count)
        return error_set(error, H5CKPT_E_DAMAGED, "variable index: %zu bytes after the last entry", byte_count - at);
    return H5CKPT_OK;
}

/* Shape, then name, into `text`; both stay 8-aligned. */
static unsigned char *entry_decode(struct schema_entry *entry, uint64_t *offset, const unsigned char *from,
                                   unsigned char *text)
{
    size_t name_length = bytes_get_u16(from + AT_NAME_LENGTH);
    uint64_t *shape = (uint64_t *)(void *)text;
    char *name = (char *)text + 8 * (size_t)from[AT_RANK];

    *offset = bytes_get_u64(from + AT_OFFSET);
    *entry = (struct schema_entry){
        .name = name,
        .element = {from[AT_CLASS], from[AT_ORDER], from[AT_LONG_DOUBLE], bytes_get_u32(from + AT_ELEMENT_BYTES)},
        .rank = from[AT_RANK],
        .shape = shape,
        .byte_count = bytes_get_u64(from + AT_BYTE_COUNT),
    };
    for (unsigned i = 0; i < entry->rank; i++)
        shape[i] = bytes_get_u64(from + ENTRY_HEAD_BYTES + 8 * i);
    memcpy(name, from + ENTRY_HEAD_BYTES + 8 * entry->rank, name_length);
    name[name_length] = '\0';
    return (unsigned char *)name + bytes_round_up(name_length + 1, 8);
}

static h5ckpt_status entry_check(const struct schema_entry *entry, uint64_t offset, uint64_t index_offset, size_t at,
                                 struct error *error)
{
    struct error reason = ERROR_NONE;
    uint64_t byte_count;
    h5ckpt_status status = H5CKPT_OK;

    if (schema_check_path(entry->name, &reason) < 0)
        status = error_set(error, H5CKPT_E_DAMAGED, "variable index: entry %zu: %s", at, error_message(&reason));
    else if (!element_is_known(&entry->element))
        status = error_set(error, H5CKPT_E_DAMAGED, "variable index: '%s' has an unknown element type", entry->name);
    else if (schema_byte_count(&byte_count, &entry->element, entry->rank, entry->shape, &reason) < 0 ||
             byte_count != entry->byte_count)
        status = error_set(error, H5CKPT_E_DAMAGED,
                           "variable index: '%s' claims %" PRIu64 " bytes, its shape gives another number", entry->name,
                           entry->byte_count);
    else if (byte_count == 0
                 ? offset != 0
                 : offset < FORMAT_USER_BLOCK_BYTES || offset > index_offset || byte_count > index_offset - offset)
        status = error_set(error, H5CKPT_E_DAMAGED, "variable index: '%s' does not lie within the file", entry->name);
    error_clear(&reason);
    return status;
}

struct extent {
    uint64_t begin;
    uint64_t end;
};

static int compare_extents(const void *a, const void *b)
{
    const struct extent *first = a;
    const struct extent *second = b;

    return (first->begin > second->begin) - (first->begin < second->begin);
}

/*
 * Bytes of its own for each: so all of them together are no more than the file has, and each is found by where it ends.
 */
static h5ckpt_status check_apart(const struct index *index, struct error *error)
{
    struct extent *extent = calloc(index->entry_count + 1, sizeof *extent);
    h5ckpt_status status = H5CKPT_OK;
    size_t count = 0;

    if (extent == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory for the places of %zu variables", index->entry_count);
    for (size_t i = 0; i < index->entry_count; i++)
        if (index->entry[i].byte_count != 0)
            extent[count++] = (struct extent){index->offset[i], index->offset[i] + index->entry[i].byte_count};
    qsort(extent, count, sizeof *extent, compare_extents);
    for (size_t i = 1; i < count && status == H5CKPT_OK; i++)
        if (extent[i].begin < extent[i - 1].end)
            status =
                error_set(error, H5CKPT_E_DAMAGED,
                          "variable index: two variables share the bytes from offset %" PRIu64 " on", extent[i].begin);
    free(extent);
    return status;
}

h5ckpt_status index_decode(struct index *index, const unsigned char *bytes, size_t byte_count, uint64_t index_offset,
                           struct error *error)
{
    size_t text_bytes = 0;
    h5ckpt_status status;

    *index = INDEX_NONE;
    status = measure(bytes, byte_count, &index->entry_count, &text_bytes, error);
    if (status < 0)
        goto out;
    index->entry = calloc(index->entry_count + 1, sizeof *index->entry);
    index->offset = calloc(index->entry_count + 1, sizeof *index->offset);
    index->text = calloc(1, text_bytes + 1);
    if (index->entry == NULL || index->offset == NULL || index->text == NULL) {
        status = error_set(error, H5CKPT_E_MEMORY, "no memory for an index of %zu variables", index->entry_count);
        goto out;
    }
    const unsigned char *from = bytes + HEADER_BYTES;
    unsigned char *text = index->text;
    for (size_t i = 0; i < index->entry_count && status == H5CKPT_OK; i++) {
        text = entry_decode(&index->entry[i], &index->offset[i], from, text);
        from += entry_bytes(index->entry[i].rank, bytes_get_u16(from + AT_NAME_LENGTH));
        status = entry_check(&index->entry[i], index->offset[i], index_offset, i, error);
    }
    if (status == H5CKPT_OK)
        status = check_apart(index, error);
out:
    if (status < 0)
        index_free(index);
    return status;
}

bool index_has_bytes_between(const struct index *index, size_t entry, uint64_t begin, uint64_t end)
{
    return index->entry[entry].byte_count != 0 && index->offset[entry] < end &&
           index->offset[entry] + index->entry[entry].byte_count > begin;
}

void index_free(struct index *index)
{
    free(index->entry);
    free(index->offset);
    free(index->text);
    *index = INDEX_NONE;
}
