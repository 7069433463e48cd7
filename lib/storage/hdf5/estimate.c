/* SPDX-License-Identifier: MIT */
/*
 * estimate.c: the names are walked in sorted order, so that all names of a group follow each other. Every leaf and
 * node of a group is taken for half-filled, as when they split, and no hole for used again.
 */
#include "storage/hdf5/estimate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

/*
 * What things take in HDF5's earliest file format, which HDF5 chooses for what we make: see the sections of the "HDF5
 * File Format Specification" that are named, with offsets and lengths of 8 bytes and HDF5's own defaults.
 */
enum {
    SUPERBLOCK_BYTES = 56 + 40, /* II.A version 0; its root group's entry (III.C) */

    /* A dataset: IV.A.1.a, version 1. HDF5 reserves 256 bytes for its messages, of which a simple type, a scalar
     * space, the fill value and the layout take 96. */
    VARIABLE_HEADER_BYTES = 16 + 256,
    HEADER_ROOM_BYTES = 256 - 96,
    DIMENSION_BYTES = 8 + 8,                /* IV.A.2.b: extent and greatest extent */
    COMPOUND_BYTES = 8 + 2 * (8 + 52) - 24, /* IV.A.2.d: what two members take more than one number; bool takes less */

    /* A group: III.A.1, III.B. A node has up to 32 leaves, a leaf up to 8 links. */
    GROUP_HEADER_BYTES = 16 + 24, /* IV.A.1.a, and the symbol table message (IV.A.2.r) */
    GROUP_NODE_BYTES = 24 + 32 * 8 + 33 * 8,
    GROUP_NODE_LEAVES = 16, /* at least; as half-filled */
    GROUP_LEAF_BYTES = 8 + 8 * 40,
    GROUP_LEAF_LINKS = 4, /* at least; as half-filled */

    /* The heap of a group's names: III.D. HDF5 begins with room for four names of 8 bytes and doubles it. */
    HEAP_HEADER_BYTES = 32,
    HEAP_OWN_BYTES = 8 + 16, /* an empty name, a free block */
    HEAP_BYTES_MIN = HEAP_OWN_BYTES + 4 * 16,
    NAME_ROUND_BYTES = 8,

    UTF8_GROUP_BYTES = 2048, /* more for a group that a name outside ASCII turns into a newer one; roughly */

    DEPTH_MAX = (FORMAT_NAME_BYTES_MAX + 32) / 2, /* parts of a path from the root */
};

struct group {
    uint64_t link_count;
    uint64_t name_bytes;
};

struct walk {
    struct group open[DEPTH_MAX + 1]; /* the root, and the groups on the way to the name at hand */
    size_t open_count;
    bool has_utf8;
    uint64_t metadata_bytes;
};

bool estimate_name_is_ascii(const char *name)
{
    for (; *name != '\0'; name++)
        if ((unsigned char)*name > 0x7f)
            return false;
    return true;
}

/* With the holes that the heap leaves where it was before: a full one is doubled elsewhere. */
static uint64_t name_heap_bytes(const struct group *group)
{
    uint64_t name_bytes_mean = group->link_count == 0 ? 0 : group->name_bytes / group->link_count;
    uint64_t heap_bytes = HEAP_BYTES_MIN;
    uint64_t hole_bytes = 0;

    if (name_bytes_mean + HEAP_OWN_BYTES > HEAP_BYTES_MIN) { /* the first name does not fit at once */
        hole_bytes = HEAP_BYTES_MIN;
        heap_bytes += name_bytes_mean;
    }
    for (; heap_bytes < group->name_bytes + HEAP_OWN_BYTES; heap_bytes *= 2)
        hole_bytes += heap_bytes;
    return HEAP_HEADER_BYTES + hole_bytes + heap_bytes;
}

static uint64_t group_bytes(const struct group *group)
{
    uint64_t leaf_count = 1 + group->link_count / GROUP_LEAF_LINKS;
    uint64_t node_count = 1 + leaf_count / GROUP_NODE_LEAVES + leaf_count / (GROUP_NODE_LEAVES * GROUP_NODE_LEAVES);

    if (group->link_count <= 2 * GROUP_LEAF_LINKS) /* the only leaf has not split */
        leaf_count = 1;
    return GROUP_HEADER_BYTES + node_count * GROUP_NODE_BYTES + leaf_count * GROUP_LEAF_BYTES + name_heap_bytes(group);
}

static uint64_t variable_bytes(const struct schema_entry *entry)
{
    uint64_t room = entry->rank * (uint64_t)DIMENSION_BYTES;

    if (entry->element.class == ELEMENT_COMPLEX || entry->element.class == ELEMENT_BOOL ||
        entry->element.format == ELEMENT_FORMAT_DOUBLE_DOUBLE)
        room += COMPOUND_BYTES;
    return VARIABLE_HEADER_BYTES + (room > HEADER_ROOM_BYTES ? room - HEADER_ROOM_BYTES : 0);
}

static void walk_close_groups(struct walk *walk, size_t left_open)
{
    while (walk->open_count > left_open) {
        walk->metadata_bytes += group_bytes(&walk->open[--walk->open_count]);
        if (walk->has_utf8)
            walk->metadata_bytes += UTF8_GROUP_BYTES;
    }
}

/* A link of `name_byte_count` bytes in the innermost open group. */
static void walk_link(struct walk *walk, size_t name_byte_count)
{
    struct group *group = &walk->open[walk->open_count - 1];

    group->link_count++;
    group->name_bytes += (name_byte_count / NAME_ROUND_BYTES + 1) * NAME_ROUND_BYTES; /* with its NUL */
}

/* Groups and links that come with `name` when `before`, the name before it in sorted order, is there. */
static void walk_name(struct walk *walk, const char *before, const char *name)
{
    size_t same_byte_count = 0;
    size_t same_count = 0;
    const char *slash;

    for (size_t i = 0; before[i] != '\0' && before[i] == name[i]; i++)
        if (name[i] == '/') {
            same_byte_count = i + 1;
            same_count++;
        }
    walk_close_groups(walk, 1 + same_count);
    for (name += same_byte_count; (slash = strchr(name, '/')) != NULL; name = slash + 1) {
        walk_link(walk, (size_t)(slash - name));
        assert(walk->open_count <= DEPTH_MAX);
        walk->open[walk->open_count++] = (struct group){0};
    }
    walk_link(walk, strlen(name));
}

static int compare_names(const void *a, const void *b)
{
    const struct schema_entry *const *left = a;
    const struct schema_entry *const *right = b;

    return strcmp((*left)->name, (*right)->name);
}

static const struct schema_entry **sort_entries(const struct schema *schema)
{
    const struct schema_entry **sorted = calloc(schema->entry_count + 1, sizeof *sorted);

    if (sorted == NULL)
        return NULL;
    for (size_t i = 0; i < schema->entry_count; i++)
        sorted[i] = &schema->entry[i];
    qsort(sorted, schema->entry_count, sizeof *sorted, compare_names);
    return sorted;
}

h5ckpt_status estimate_schema(struct estimate *estimate, const struct schema *schema, struct error *error)
{
    const struct schema_entry **sorted = sort_entries(schema);
    struct walk walk = {.open_count = 1, .metadata_bytes = SUPERBLOCK_BYTES};

    *estimate = (struct estimate){0};
    if (sorted == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory to sort %zu variables", schema->entry_count);
    for (size_t i = 0; i < schema->entry_count; i++) {
        walk.has_utf8 = walk.has_utf8 || !estimate_name_is_ascii(sorted[i]->name);
        walk_name(&walk, i == 0 ? "" : sorted[i - 1]->name, sorted[i]->name);
        walk.metadata_bytes += variable_bytes(sorted[i]);
        if (sorted[i]->byte_count < FORMAT_ALIGN_THRESHOLD_BYTES)
            estimate->small_bytes += sorted[i]->byte_count;
    }
    walk_close_groups(&walk, 0);
    estimate->metadata_bytes = walk.metadata_bytes + walk.metadata_bytes / 64; /* headers do not fill every hole */
    free(sorted);
    return H5CKPT_OK;
}
