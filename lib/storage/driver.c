/* SPDX-License-Identifier: MIT */
#include "storage/driver.h"

#include <stdlib.h>
#include <string.h>

#include "format.h"

#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
/* Identifies the driver's kind; 256 … 511 are for drivers that are not registered with The HDF Group. */
#define DRIVER_CLASS_BEGIN .version = H5FD_CLASS_VERSION, .value = 411,
#else
#define DRIVER_CLASS_BEGIN
#endif

enum { PAGE_CAPACITY_FIRST = 64 };

struct driver_file {
    H5FD_t base; /* first: HDF5 knows the file by it */
    struct image *image;
    haddr_t end_of_allocation;
};

struct driver_settings { /* in the access property list */
    struct image *image;
};

/* ------------------------------------------------------------------- image */

struct image *image_new(void)
{
    struct image *image = calloc(1, sizeof *image);

    if (image != NULL) {
        image->page_count_max = SIZE_MAX / sizeof *image->page;
        image->owner_count = 1;
    }
    return image;
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

static void image_write(struct image *image, uint64_t offset, const unsigned char *bytes, size_t byte_count)
{
    while (byte_count > 0) {
        size_t begin = (size_t)(offset % IMAGE_PAGE_BYTES);
        size_t part = bytes_in_page(offset, byte_count);
        struct image_page *page = image_page_at(image, offset - begin);

        if (page == NULL)
            image->failed = true; /* (2) */
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

static void image_truncate(struct image *image, uint64_t end)
{
    size_t kept = image_search(image, end);

    image_drop_pages(image, kept);
    if (kept > 0 && end - image->page[kept - 1].offset < IMAGE_PAGE_BYTES)
        page_truncate(&image->page[kept - 1], (size_t)(end - image->page[kept - 1].offset));
    image->end = end;
}

/* --------------------------------------------------------------- callbacks */

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access_list, haddr_t address_max)
{
    const struct driver_settings *settings = H5Pget_driver_info(access_list);
    struct driver_file *file;

    (void)name;
    (void)address_max;
    if (settings == NULL || (file = calloc(1, sizeof *file)) == NULL)
        return NULL;
    file->image = settings->image;
    file->image->owner_count++;
    if (flags & H5F_ACC_TRUNC)
        image_truncate(file->image, 0);
    return &file->base;
}

static herr_t driver_close(H5FD_t *base)
{
    struct driver_file *file = (struct driver_file *)base;

    image_release(file->image);
    free(file);
    return 0;
}

static herr_t driver_query(const H5FD_t *base, unsigned long *flags)
{
    (void)base;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_AGGREGATE_SMALLDATA;
    return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *base, H5FD_mem_t type)
{
    (void)type;
    return ((const struct driver_file *)base)->end_of_allocation;
}

static herr_t driver_set_eoa(H5FD_t *base, H5FD_mem_t type, haddr_t address)
{
    (void)type;
    ((struct driver_file *)base)->end_of_allocation = address;
    return 0;
}

static haddr_t driver_get_eof(const H5FD_t *base, H5FD_mem_t type)
{
    (void)type;
    return ((const struct driver_file *)base)->image->end;
}

static herr_t driver_read(H5FD_t *base, H5FD_mem_t type, hid_t transfer_list, haddr_t address, size_t byte_count,
                          void *bytes)
{
    (void)type;
    (void)transfer_list;
    image_read(((struct driver_file *)base)->image, address, bytes, byte_count);
    return 0;
}

static herr_t driver_write(H5FD_t *base, H5FD_mem_t type, hid_t transfer_list, haddr_t address, size_t byte_count,
                           const void *bytes)
{
    struct image *image = ((struct driver_file *)base)->image;

    (void)transfer_list;
    if (type == H5FD_MEM_DRAW)
        image->raw_data_written = true;
    image_write(image, address, bytes, byte_count);
    return 0; /* (2) */
}

static herr_t driver_truncate(H5FD_t *base, hid_t transfer_list, hbool_t closing)
{
    struct driver_file *file = (struct driver_file *)base;

    (void)transfer_list;
    (void)closing;
    image_truncate(file->image, file->end_of_allocation);
    return 0;
}

static const H5FD_class_t driver_class = {
    DRIVER_CLASS_BEGIN.name = "h5ckpt",
    .maxaddr = FORMAT_FILE_BYTES_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(struct driver_settings),
    .open = driver_open,
    .close = driver_close,
    .query = driver_query,
    .get_eoa = driver_get_eoa,
    .set_eoa = driver_set_eoa,
    .get_eof = driver_get_eof,
    .read = driver_read,
    .write = driver_write,
    .truncate = driver_truncate,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

hid_t driver_access_list(struct image *image)
{
    hid_t access_list = H5Pcreate(H5P_FILE_ACCESS);
    hid_t driver = H5FDregister(&driver_class);
    herr_t selected = -1;

    if (access_list >= 0 && driver >= 0)
        selected = H5Pset_driver(access_list, driver, &(struct driver_settings){image});
    if (selected < 0 && access_list >= 0) {
        H5Pclose(access_list);
        access_list = H5I_INVALID_HID;
    }
    if (driver >= 0)
        H5FDunregister(driver); /* the list holds its own share */
    return access_list;
}
