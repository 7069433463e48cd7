/* SPDX-License-Identifier: MIT */
/*
 * driver: our HDF5 file driver, through which HDF5 sees a file that exists only in memory. The image is sparse:
 * pages exist where HDF5 wrote, everything else reads as zeros, so a terabyte of datasets costs its metadata.
 *
 * (1) No callback makes a system call.
 * (2) No callback fails for want of memory: a failed H5Fclose() makes the process crash at its exit (HDF5 1.10.8).
 *     The image remembers the failure in `failed`, HDF5 is told that all is well, and whoever owns the image
 *     looks there after H5Fclose().
 * (3) An image outlives every HDF5 file that is open on it, also one that HDF5 failed to close.
 */
#ifndef H5CKPT_DRIVER_H
#define H5CKPT_DRIVER_H

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IMAGE_PAGE_BYTES = 4096 };

struct image_page {
    uint64_t offset; /* a multiple of IMAGE_PAGE_BYTES */
    unsigned char *bytes;
    size_t written_begin; /* what HDF5 wrote lies between these two, within the page */
    size_t written_end;
};

struct image {
    struct image_page *page; /* ascending */
    size_t page_count;
    size_t page_capacity;
    size_t page_count_max; /* more is a failure, as when out of memory */
    uint64_t end;          /* end of file */
    bool failed;           /* a write was lost: (2) */
    bool raw_data_written; /* HDF5 wrote dataset content */
    unsigned owner_count;  /* (3): the creator, and every open file */
};

/* An empty image, or NULL when out of memory. */
struct image *image_new(void);

/* `byte_count` bytes from `offset`; zeros where nothing was written. */
void image_read(const struct image *image, uint64_t offset, unsigned char *bytes, size_t byte_count);

/* Give up the creator's share; freed with its last owner. NULL is allowed. */
void image_release(struct image *image);

/*
 * A file access property list whose files are `image`, whatever their name; negative if HDF5 fails. The driver is
 * registered anew for each list and lives as long as it: H5close() by the program can leave no stale id behind, and
 * nothing of ours is left when HDF5 terminates.
 *
 * Close the list after its files, and not at all when one could not be closed: H5Fclose() gives up its share of the
 * driver, and with the last share the class, before it calls the driver's close (HDF5 1.10.8).
 */
hid_t driver_access_list(struct image *image);

#endif
