/* SPDX-License-Identifier: MIT */
#include "storage/hdf5/driver.h"

#include <stdlib.h>

#include "format.h"

#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
/* Identifies the driver's kind; 256 … 511 are for drivers that are not registered with The HDF Group. */
#define DRIVER_CLASS_BEGIN .version = H5FD_CLASS_VERSION, .value = 411,
#else
#define DRIVER_CLASS_BEGIN
#endif

struct driver_file {
    H5FD_t base; /* first: HDF5 knows the file by it */
    struct image *image;
    haddr_t end_of_allocation;
};

struct driver_settings { /* in the access property list */
    struct image *image;
};

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access_list, haddr_t address_max)
{
    const struct driver_settings *settings = H5Pget_driver_info(access_list);
    struct driver_file *file;

    (void)name;
    (void)address_max;
    if (settings == NULL)
        return NULL;
    file = calloc(1, sizeof *file);
    if (file == NULL) {
        settings->image->failed = true; /* HDF5 would not pass on that it was memory */
        return NULL;
    }
    file->image = settings->image;
    image_share(file->image);
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
