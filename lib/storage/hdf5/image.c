/* SPDX-License-Identifier: MIT */
#include "storage/hdf5/image.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_CAPACITY_FIRST = 64 };

struct image *image_new(void)
{
    struct image *image = calloc(1, sizeof *image);

    if (image != NULL) {
        image->page_count_max = SIZE_MAX / sizeof *image->page;
        image->owner_count = 1;
    }
    return image;
}

void image_share(struct image *image)
{
    image->owner_count++;
}

static void image_drop_pages(struct image *image, size_t first)
{
    for (size_t i = first; i < image->page_count; i++)
        free(image->page[i].bytes);
    image->page_count = first;
}

void image_release(struct image *image)
{
    if (image == NULL || --image->owner_count > 0)
        return;
    image_drop_pages(image, 0);
    free(image->page);
    free(image);
}

/* Index of the first page at or after `offset`. HDF5 writes mostly ascending: try the end first. */
static size_t image_search(const struct image *image, uint64_t offset)
{
    size_t low = 0;
    size_t high = image->page_count;

    if (high == 0 || image->page[high - 1].offset < offset)
        return high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (image->page[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool image_grow(struct image *image)
{
    size_t capacity = image->page_capacity == 0 ? PAGE_CAPACITY_FIRST : 2 * image->page_capacity;
    struct image_page *page;

    if (image->page_count < image->page_capacity)
        return true;
    page = realloc(image->page, capacity * sizeof *page);
    if (page == NULL)
        return false;
    image->page = page;
    image->page_capacity = capacity;
    return true;
}

/* The page at `offset`, which is made if missing; NULL when out of memory. */
static struct image_page *image_page_at(struct image *image, uint64_t offset)
{
    size_t index = image_search(image, offset);
    unsigned char *bytes;

    if (index < image->page_count && image->page[index].offset == offset)
        return &image->page[index];
    if (image->page_count >= image->page_count_max || !image_grow(image))
        return NULL;
    bytes = calloc(1, IMAGE_PAGE_BYTES);
    if (bytes == NULL)
        return NULL;
    memmove(image->page + index + 1, image->page + index, (image->page_count - index) * sizeof *image->page);
    image->page[index] = (struct image_page){.offset = offset, .bytes = bytes, .written_begin = IMAGE_PAGE_BYTES};
    image->page_count++;
    return &image->page[index];
}

/* How many of `byte_count` bytes at `offset` lie in the page where they begin. */
static size_t bytes_in_page(uint64_t offset, size_t byte_count)
{
    size_t rest = IMAGE_PAGE_BYTES - (size_t)(offset % IMAGE_PAGE_BYTES);

    return byte_count < rest ? byte_count : rest;
}

static void page_write(struct image_page *page, size_t begin, const unsigned char *bytes, size_t byte_count)
{
    memcpy(page->bytes + begin, bytes, byte_count);
    if (page->written_begin > begin)
        page->written_begin = begin;
    if (page->written_end < begin + byte_count)
        page->written_end = begin + byte_count;
}

void image_write(struct image *image, uint64_t offset, const unsigned char *bytes, size_t byte_count)
{
    while (byte_count > 0) {
        size_t begin = (size_t)(offset % IMAGE_PAGE_BYTES);
        size_t part = bytes_in_page(offset, byte_count);
        struct image_page *page = image_page_at(image, offset - begin);

        if (page == NULL)
            image->failed = true; /* (1) */
        else
            page_write(page, begin, bytes, part);
        offset += part;
        bytes += part;
        byte_count -= part;
    }
    if (image->end < offset)
        image->end = offset;
}

void image_read(const struct image *image, uint64_t offset, unsigned char *bytes, size_t byte_count)
{
    while (byte_count > 0) {
        size_t part = bytes_in_page(offset, byte_count);
        uint64_t page_offset = offset - offset % IMAGE_PAGE_BYTES;
        size_t index = image_search(image, page_offset);

        if (index < image->page_count && image->page[index].offset == page_offset)
            memcpy(bytes, image->page[index].bytes + (offset - page_offset), part);
        else
            memset(bytes, 0, part);
        offset += part;
        bytes += part;
        byte_count -= part;
    }
}

static void page_truncate(struct image_page *page, size_t end)
{
    memset(page->bytes + end, 0, IMAGE_PAGE_BYTES - end);
    if (page->written_end > end)
        page->written_end = end;
    if (page->written_begin > end)
        page->written_begin = end;
}

void image_truncate(struct image *image, uint64_t end)
{
    size_t kept = image_search(image, end);

    image_drop_pages(image, kept);
    if (kept > 0 && end - image->page[kept - 1].offset < IMAGE_PAGE_BYTES)
        page_truncate(&image->page[kept - 1], (size_t)(end - image->page[kept - 1].offset));
    image->end = end;
}
