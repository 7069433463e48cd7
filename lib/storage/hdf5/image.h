/* SPDX-License-Identifier: MIT */
/*
 * image: a file that exists only in memory. It is sparse: pages exist where something was written, everything else
 * reads as zeros, so a terabyte of datasets costs its metadata.
 *
 * (1) Writing returns no error: a write that finds no memory is lost, and `failed` remembers it (why: driver.h (2)).
 * (2) An image lives until its last owner releases it.
 */
#ifndef H5CKPT_IMAGE_H
#define H5CKPT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IMAGE_PAGE_BYTES = 4096 };

struct image_page {
    uint64_t offset; /* a multiple of IMAGE_PAGE_BYTES */
    unsigned char *bytes;
    size_t written_begin; /* what was written lies between these two, within the page */
    size_t written_end;
};

struct image {
    struct image_page *page; /* ascending */
    size_t page_count;
    size_t page_capacity;
    size_t page_count_max; /* more is a failure, as when out of memory */
    uint64_t end;          /* end of file */
    bool failed;           /* a write was lost: (1) */
    bool raw_data_written; /* HDF5 wrote dataset content; set by driver */
    unsigned owner_count;  /* (2): the creator, and every open file */
};

/* An empty image with its creator as owner, or NULL when out of memory. */
struct image *image_new(void);

/* One owner more. */
void image_share(struct image *image);

/* One owner less; freed with the last. NULL is allowed. */
void image_release(struct image *image);

void image_write(struct image *image, uint64_t offset, const unsigned char *bytes, size_t byte_count);

/* `byte_count` bytes from `offset`; zeros where nothing was written. */
void image_read(const struct image *image, uint64_t offset, unsigned char *bytes, size_t byte_count);

/* Let the file end at `end`, forgetting what was behind. */
void image_truncate(struct image *image, uint64_t end);

#endif
