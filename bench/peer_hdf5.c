/* SPDX-License-Identifier: MIT */
#include "peer_hdf5.h"

#include <fcntl.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "failure.h"
#include "memory.h"
#include "scratch.h"

enum { CHUNK_BYTES = 1024 * 1024, NAME_BYTES = 32 };

void peer_hdf5_make(struct peer_hdf5 *peer, enum peer_hdf5_layout layout, const struct workload *workload)
{
    *peer = (struct peer_hdf5){.layout = layout, .workload = workload};
    peer->path = scratch_path(layout == PEER_HDF5_CHUNKED ? "chunked.h5" : "contiguous.h5");
    if (asprintf(&peer->path_aside, "%s.new", peer->path) < 0)
        memory_exhausted();
}

void peer_hdf5_free(struct peer_hdf5 *peer)
{
    free(peer->path_aside);
    free(peer->path);
}

/* ---------------------------------------------------------------------- arrays */

/* HDF5 has said why on standard error. */
static void check(hid_t answer, const char *what)
{
    if (answer < 0)
        fail("plain HDF5: %s failed", what);
}

static hid_t creation_properties(enum peer_hdf5_layout layout, hsize_t element_count)
{
    const hsize_t chunk = CHUNK_BYTES / WORKLOAD_ELEMENT_BYTES;
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);

    check(properties, "H5Pcreate");
    if (layout == PEER_HDF5_CHUNKED) {
        check(H5Pset_chunk(properties, 1, element_count < chunk ? &element_count : &chunk), "H5Pset_chunk");
        check(H5Pset_fletcher32(properties), "H5Pset_fletcher32");
    }
    return properties;
}

static void write_array(hid_t file, const char *name, const struct workload_array *array, enum peer_hdf5_layout layout)
{
    const hsize_t element_count = array->byte_count / WORKLOAD_ELEMENT_BYTES;
    const hid_t properties = creation_properties(layout, element_count);
    const hid_t space = H5Screate_simple(1, &element_count, NULL);
    const hid_t dataset = H5Dcreate2(file, name, H5T_NATIVE_FLOAT, space, H5P_DEFAULT, properties, H5P_DEFAULT);

    check(dataset, "H5Dcreate2");
    check(H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, array->bytes), "H5Dwrite");
    check(H5Dclose(dataset), "H5Dclose");
    H5Sclose(space);
    H5Pclose(properties);
}

/* --------------------------------------------------------------------- saving */

/* A file or a directory. */
static void flush(const char *path)
{
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);

    if (descriptor < 0 || fsync(descriptor) < 0)
        fail_system("cannot flush '%s'", path);
    close(descriptor);
}

static void write_aside(const struct peer_hdf5 *peer)
{
    const hid_t file = H5Fcreate(peer->path_aside, H5F_ACC_EXCL, H5P_DEFAULT, H5P_DEFAULT);
    char name[NAME_BYTES];

    check(file, "H5Fcreate");
    for (size_t i = 0; i < peer->workload->array_count; i++) {
        snprintf(name, sizeof name, "array%zu", i);
        write_array(file, name, &peer->workload->arrays[i], peer->layout);
    }
    check(H5Fclose(file), "H5Fclose");
}

/* A crash at any moment leaves the old state or the new one. */
static void save(const struct peer_hdf5 *peer)
{
    write_aside(peer);
    flush(peer->path_aside);
    if (rename(peer->path_aside, peer->path) < 0)
        fail_system("cannot rename '%s'", peer->path_aside);
    flush(scratch_directory());
}

/* ----------------------------------------------------------------- taking part */

static struct sample run(void *context)
{
    const struct peer_hdf5 *peer = context;
    struct stopwatch watch;

    workload_renew(peer->workload);
    watch = stopwatch_start();
    save(peer);
    return stopwatch_read(&watch);
}

size_t peer_hdf5_add(struct peer_hdf5 *peer, struct measure *measure)
{
    const bool chunked = peer->layout == PEER_HDF5_CHUNKED;
    char settings[192];

    snprintf(
        settings, sizeof settings,
        "new file beside the old one, %s, H5Dwrite of each array, H5Fclose, fsync, renamed over the old one, directory "
        "fsynced%s",
        chunked ? "chunks of 1 MiB" : "contiguous", chunked ? "" : "; no checksums");
    return measure_add(measure, chunked ? "HDF5, chunked + Fletcher32" : "plain HDF5", settings,
                       peer->workload->byte_count, run, peer);
}
