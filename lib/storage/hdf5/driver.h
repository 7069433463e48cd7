/* SPDX-License-Identifier: MIT */
/*
 * driver: our HDF5 file driver, through which HDF5 reads and writes an image instead of a file.
 *
 * (1) No callback makes a system call.
 * (2) No callback fails for want of memory: a failed H5Fclose() makes the process crash at its exit (HDF5 1.10.8).
 *     The image remembers the failure in `failed`, HDF5 is told that all is well, and whoever owns the image
 *     looks there after H5Fclose().
 * (3) Every open file is an owner of its image, also one that HDF5 failed to close.
 */
#ifndef H5CKPT_DRIVER_H
#define H5CKPT_DRIVER_H

#include <hdf5.h>

#include "storage/hdf5/image.h"

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
