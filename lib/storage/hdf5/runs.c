/* SPDX-License-Identifier: MIT */
#include "storage/hdf5/runs.h"

#include <stdlib.h>
#include <string.h>

#include "format.h"

enum { HOLE_BYTES_MAX = 1 << 20 }; /* so much unused space amid metadata belongs to its run, as zeros */

struct extent { /* where a variable's bytes are */
    uint64_t offset;
    uint64_t end;
    const char *name;
};

struct extents { /* of all variables with bytes, ascending */
    struct extent *extent;
    size_t extent_count;
};

static int compare_extents(const void *a, const void *b)
{
    const struct extent *left = a;
    const struct extent *right = b;

    return (left->offset > right->offset) - (left->offset < right->offset);
}

/* `extents` is to be freed, also after a failure. */
static h5ckpt_status extents_take(struct extents *extents, const struct schema *schema, const uint64_t *variable_offset,
                                  struct error *error)
{
    struct extent *to = calloc(schema->entry_count + 1, sizeof *to);

    *extents = (struct extents){.extent = to};
    if (to == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory for the places of %zu variables", schema->entry_count);
    for (size_t i = 0; i < schema->entry_count; i++) {
        const struct schema_entry *entry = &schema->entry[i];

        if (entry->byte_count > 0)
            *to++ = (struct extent){variable_offset[i], variable_offset[i] + entry->byte_count, entry->name};
    }
    extents->extent_count = (size_t)(to - extents->extent);
    qsort(extents->extent, extents->extent_count, sizeof *to, compare_extents);
    return H5CKPT_OK;
}

/* Do variables lie behind each other and inside the file? */
static h5ckpt_status extents_check(const struct extents *extents, uint64_t file_end, struct error *error)
{
    uint64_t before = FORMAT_USER_BLOCK_BYTES;

    for (size_t i = 0; i < extents->extent_count; i++) {
        const struct extent *extent = &extents->extent[i];

        if (extent->offset < before || extent->end > file_end)
            return error_set(error, H5CKPT_E_HDF5,
                             "HDF5 put variable '%s' at %llu, over another one or outside of the file", extent->name,
                             (unsigned long long)extent->offset);
        before = extent->end;
    }
    return H5CKPT_OK;
}

/* Add the bytes from `begin` to `end`. `free_from`: behind the last variable before `begin`. */
static bool runs_add(struct runs *runs, uint64_t begin, uint64_t end, uint64_t free_from)
{
    struct run *last = runs->run_count == 0 ? NULL : &runs->run[runs->run_count - 1];
    uint64_t last_end = last == NULL ? 0 : last->offset + last->byte_count;
    struct run *run;

    if (last != NULL && free_from <= last_end && begin - last_end <= HOLE_BYTES_MAX) {
        last->byte_count += (size_t)(end - last_end);
        return true;
    }
    run = realloc(runs->run, (runs->run_count + 1) * sizeof *run); /* runs are few, most often one */
    if (run == NULL)
        return false;
    run[runs->run_count++] = (struct run){.offset = begin, .byte_count = (size_t)(end - begin)};
    runs->run = run;
    return true;
}

/* At least one byte. */
static bool is_zero(const unsigned char *bytes, size_t byte_count)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, byte_count - 1) == 0;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Add what was written in one page, without the variables that reach into it. `next` is the first extent that ends
 * behind the page before; kept up to date. */
static h5ckpt_status find_in_page(struct runs *runs, const struct image_page *page, const struct extents *extents,
                                  size_t *next, struct error *error)
{
    const struct extent *extent = extents->extent;
    uint64_t page_end = page->offset + page->written_end;

    for (uint64_t at = page->offset + page->written_begin, end; at < page_end; at = end) {
        while (*next < extents->extent_count && extent[*next].end <= at)
            (*next)++;
        if (*next < extents->extent_count && extent[*next].offset <= at) {
            end = smaller(page_end, extent[*next].end);
            if (!is_zero(page->bytes + (at - page->offset), (size_t)(end - at)))
                return error_set(error, H5CKPT_E_HDF5, "HDF5 wrote its own bytes into variable '%s'",
                                 extent[*next].name);
        } else {
            end = *next < extents->extent_count ? smaller(page_end, extent[*next].offset) : page_end;
            if (!runs_add(runs, at, end, *next == 0 ? 0 : extent[*next - 1].end))
                return error_set(error, H5CKPT_E_MEMORY, "no memory for the file structure's runs");
        }
    }
    return H5CKPT_OK;
}

static h5ckpt_status find(struct runs *runs, const struct image *image, const struct extents *extents,
                          struct error *error)
{
    h5ckpt_status status = H5CKPT_OK;
    size_t next = 0;

    for (size_t i = 0; i < image->page_count && status >= 0; i++)
        status = find_in_page(runs, &image->page[i], extents, &next, error);
    return status;
}

static h5ckpt_status fill(struct runs *runs, const struct image *image, struct error *error)
{
    for (size_t i = 0; i < runs->run_count; i++) {
        struct run *run = &runs->run[i];

        run->bytes = malloc(run->byte_count);
        if (run->bytes == NULL)
            return error_set(error, H5CKPT_E_MEMORY, "no memory for %zu bytes of file structure", run->byte_count);
        image_read(image, run->offset, run->bytes, run->byte_count);
    }
    return H5CKPT_OK;
}

h5ckpt_status runs_take(struct runs *runs, const struct image *image, const struct schema *schema,
                        const uint64_t *variable_offset, struct error *error)
{
    struct extents extents;
    h5ckpt_status status;

    *runs = RUNS_NONE;
    status = extents_take(&extents, schema, variable_offset, error);
    if (status >= 0)
        status = extents_check(&extents, image->end, error);
    if (status >= 0)
        status = find(runs, image, &extents, error);
    if (status >= 0)
        status = fill(runs, image, error);
    if (status < 0)
        runs_free(runs);
    free(extents.extent);
    return status;
}

void runs_free(struct runs *runs)
{
    for (size_t i = 0; i < runs->run_count; i++)
        free(runs->run[i].bytes);
    free(runs->run);
    *runs = RUNS_NONE;
}
