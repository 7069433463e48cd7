/* SPDX-License-Identifier: MIT */
/*
 * structure.c: an HDF5 file without its content, built in memory through driver.
 *
 * (1) Every HDF5 object is closed on every path; a file that HDF5 fails to close keeps its image alive (driver.h).
 * (2) A lost write (driver.h (2)) is the reason of whatever HDF5 complains about afterwards, so it is reported first.
 * (3) HDF5 writes no dataset content; no byte of a run belongs to a variable. Checked before anybody trusts it.
 *
 * How the file comes to lie as it does: HDF5 takes metadata from one block, small variables from another and large
 * variables from the end of the file. The metadata block is made first and large enough for all of it, the small
 * variables follow together, then the large ones.
 *
 *   user block | metadata | small variables | large variables
 */
#include "storage/hdf5/structure.h"

#include <assert.h>
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "storage/hdf5/datatype.h"
#include "storage/hdf5/driver.h"
#include "storage/hdf5/estimate.h"
#include "storage/hdf5/hdf5_call.h"

enum {
    SMALL_BLOCK_BYTES_MAX = FORMAT_ALIGN_THRESHOLD_BYTES,
    VIEW_METADATA_BYTES = 4096,
};

/* ------------------------------------------------------------ property lists */

static hid_t file_creation_list(void)
{
    hid_t list = H5Pcreate(H5P_FILE_CREATE);

    if (list >= 0 && (H5Pset_userblock(list, FORMAT_USER_BLOCK_BYTES) < 0 || H5Pset_obj_track_times(list, false) < 0)) {
        H5Pclose(list);
        return H5I_INVALID_HID;
    }
    return list;
}

static hid_t file_access_list(struct image *image, const struct estimate *estimate)
{
    hid_t list = driver_access_list(image);
    uint64_t small_block =
        estimate->small_bytes < SMALL_BLOCK_BYTES_MAX ? estimate->small_bytes : SMALL_BLOCK_BYTES_MAX;

    if (list >= 0 && (H5Pset_libver_bounds(list, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST) < 0 ||
                      H5Pset_fclose_degree(list, H5F_CLOSE_STRONG) < 0 ||
                      H5Pset_alignment(list, FORMAT_ALIGN_THRESHOLD_BYTES, FORMAT_ALIGN_BYTES) < 0 ||
                      H5Pset_meta_block_size(list, estimate->metadata_bytes) < 0 ||
                      H5Pset_small_data_block_size(list, small_block) < 0)) {
        H5Pclose(list);
        return H5I_INVALID_HID;
    }
    return list;
}

/*
 * A link marked as UTF-8 turns its group from a symbol table into one of the newer format, which readers survive far
 * worse: of 1,500 files with one flipped bit h5ls 1.10.8 crashed on 248, and on 2 with symbol tables. So, like h5py,
 * we mark only names that need it.
 */
static hid_t link_creation_list(H5T_cset_t character_set)
{
    hid_t list = H5Pcreate(H5P_LINK_CREATE);

    if (list >= 0 && (H5Pset_create_intermediate_group(list, 1) < 0 || H5Pset_char_encoding(list, character_set) < 0)) {
        H5Pclose(list);
        return H5I_INVALID_HID;
    }
    return list;
}

static hid_t dataset_creation_list(void)
{
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);

    if (list >= 0 && (H5Pset_layout(list, H5D_CONTIGUOUS) < 0 || H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY) < 0 ||
                      H5Pset_fill_time(list, H5D_FILL_TIME_NEVER) < 0 || H5Pset_obj_track_times(list, false) < 0)) {
        H5Pclose(list);
        return H5I_INVALID_HID;
    }
    return list;
}

/* ------------------------------------------------------------------ building */

struct content { /* of a file: a slot has variables, the view has links */
    struct schema schema;
    const char *current; /* the slot file that /current leads to, or NULL */
    const char *previous;
    struct estimate estimate;
};

struct builder {
    struct structure *structure;
    struct image *image;
    hid_t access_list;
    hid_t file;
    hid_t link_list_ascii;
    hid_t link_list_utf8;
    hid_t dataset_list;
    struct error *error;
};

static h5ckpt_status builder_error_lost_write(struct builder *builder)
{
    return error_set(builder->error, H5CKPT_E_MEMORY, "no memory for the file structure after %zu pages of %d bytes",
                     builder->image->page_count, IMAGE_PAGE_BYTES);
}

/* Create the empty file. On failure builder_close() tidies up. */
static h5ckpt_status builder_open(struct builder *builder, const struct estimate *estimate)
{
    hid_t creation_list = H5I_INVALID_HID;
    h5ckpt_status status = H5CKPT_OK;

    if ((creation_list = file_creation_list()) < 0 ||
        (builder->access_list = file_access_list(builder->image, estimate)) < 0 ||
        (builder->link_list_ascii = link_creation_list(H5T_CSET_ASCII)) < 0 ||
        (builder->link_list_utf8 = link_creation_list(H5T_CSET_UTF8)) < 0 ||
        (builder->dataset_list = dataset_creation_list()) < 0)
        status = hdf5_error(builder->error, "prepare the file structure");
    if (status >= 0 && (builder->file = H5Fcreate("/h5ckpt", H5F_ACC_TRUNC, creation_list, builder->access_list)) < 0)
        status = hdf5_error(builder->error, "create the file structure");
    hdf5_close(H5Pclose, creation_list);
    return status;
}

/* Close everything; the first failure is the one that counts, but for a lost write. */
static h5ckpt_status builder_close(struct builder *builder, h5ckpt_status status)
{
    bool is_closed;

    hdf5_close(H5Pclose, builder->dataset_list);
    hdf5_close(H5Pclose, builder->link_list_utf8);
    hdf5_close(H5Pclose, builder->link_list_ascii);
    is_closed = builder->file < 0 || H5Fclose(builder->file) >= 0;
    if (!is_closed && status >= 0)
        status = hdf5_error(builder->error, "close the file structure");
    if (is_closed) /* else the list has to stay: driver_access_list() */
        hdf5_close(H5Pclose, builder->access_list);
    return builder->image->failed ? builder_error_lost_write(builder) : status; /* (2) */
}

/* How to link the last part of a path. */
static hid_t builder_link_list(const struct builder *builder, const char *path)
{
    const char *slash = strrchr(path, '/');
    bool is_ascii = estimate_name_is_ascii(slash == NULL ? path : slash);

    return is_ascii ? builder->link_list_ascii : builder->link_list_utf8;
}

/* HDF5 marks groups that it makes on the way as ASCII; so those with other names are made here. */
static h5ckpt_status build_groups(struct builder *builder, const char *name)
{
    char path[FORMAT_NAME_BYTES_MAX + 32];
    size_t length = strlen(name);

    if (estimate_name_is_ascii(name))
        return H5CKPT_OK;
    assert(length < sizeof path);
    memcpy(path, name, length + 1);
    for (char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        hid_t group = H5I_INVALID_HID;
        htri_t exists;

        *slash = '\0';
        exists = H5Lexists(builder->file, path, H5P_DEFAULT);
        if (exists == 0)
            group = H5Gcreate2(builder->file, path, builder_link_list(builder, path), H5P_DEFAULT, H5P_DEFAULT);
        if (exists < 0 || (exists == 0 && group < 0))
            return hdf5_error(builder->error, "create group '%s'", path);
        hdf5_close(H5Gclose, group);
        *slash = '/';
    }
    return H5CKPT_OK;
}

static hid_t space_of_entry(const struct schema_entry *entry)
{
    hsize_t extent[FORMAT_RANK_MAX];

    assert(entry->rank <= FORMAT_RANK_MAX);
    if (entry->rank == 0)
        return H5Screate(H5S_SCALAR);
    for (unsigned i = 0; i < entry->rank; i++)
        extent[i] = entry->shape[i];
    return H5Screate_simple((int)entry->rank, extent, NULL);
}

static h5ckpt_status build_variable(struct builder *builder, const struct schema_entry *entry, uint64_t *offset)
{
    h5ckpt_status status = H5CKPT_OK;
    hid_t type = datatype_of_element(&entry->element);
    hid_t space = type < 0 ? H5I_INVALID_HID : space_of_entry(entry); /* a further call would forget the reason */
    hid_t dataset = H5I_INVALID_HID;
    haddr_t address = 0;

    if (type >= 0 && space >= 0)
        dataset = H5Dcreate2(builder->file, entry->name, type, space, builder_link_list(builder, entry->name),
                             builder->dataset_list, H5P_DEFAULT);
    if (dataset < 0)
        status = hdf5_error(builder->error, "create variable '%s'", entry->name);
    else if (entry->byte_count > 0 && (address = H5Dget_offset(dataset)) == HADDR_UNDEF)
        status = hdf5_error(builder->error, "tell the place of variable '%s'", entry->name);
    *offset = address;
    hdf5_close(H5Dclose, dataset);
    hdf5_close(H5Sclose, space);
    hdf5_close(H5Tclose, type);
    return status;
}

static bool is_large(const struct schema_entry *entry)
{
    return entry->byte_count >= FORMAT_ALIGN_THRESHOLD_BYTES;
}

static h5ckpt_status build_variables(struct builder *builder, const struct schema *schema, bool large)
{
    for (size_t i = 0; i < schema->entry_count; i++) {
        h5ckpt_status status;

        if (is_large(&schema->entry[i]) != large)
            continue;
        status = build_groups(builder, schema->entry[i].name);
        if (status >= 0)
            status = build_variable(builder, &schema->entry[i], &builder->structure->variable_offset[i]);
        if (status < 0)
            return status;
        if (builder->image->failed)
            return builder_error_lost_write(builder);
    }
    return H5CKPT_OK;
}

static h5ckpt_status build_link(struct builder *builder, const char *slot_name, const char *link_name)
{
    if (slot_name == NULL)
        return H5CKPT_OK;
    if (H5Lcreate_external(slot_name, "/", builder->file, link_name, builder->link_list_ascii, H5P_DEFAULT) < 0)
        return hdf5_error(builder->error, "link '%s' to '%s'", link_name, slot_name);
    return H5CKPT_OK;
}

/* ------------------------------------------------------------------ contract */

/* Make the file in `image`; take the places of its variables. */
static h5ckpt_status build_file(struct structure *structure, struct image *image, const struct content *content,
                                struct error *error)
{
    struct builder builder = {.structure = structure,
                              .image = image,
                              .access_list = H5I_INVALID_HID,
                              .file = H5I_INVALID_HID,
                              .link_list_ascii = H5I_INVALID_HID,
                              .link_list_utf8 = H5I_INVALID_HID,
                              .dataset_list = H5I_INVALID_HID,
                              .error = error};
    h5ckpt_status status = builder_open(&builder, &content->estimate);

    if (status >= 0) /* small ones first: they share blocks, between which no large one may come */
        status = build_variables(&builder, &content->schema, false);
    if (status >= 0)
        status = build_variables(&builder, &content->schema, true);
    if (status >= 0)
        status = build_link(&builder, content->current, FORMAT_VIEW_CURRENT);
    if (status >= 0)
        status = build_link(&builder, content->previous, FORMAT_VIEW_PREVIOUS);
    return builder_close(&builder, status);
}

/* Take the file's end and runs from what HDF5 made. */
static h5ckpt_status take_image(struct structure *structure, const struct image *image, const struct schema *schema,
                                struct error *error)
{
    struct runs runs;
    h5ckpt_status status;

    if (image->raw_data_written) /* (3) */
        return error_set(error, H5CKPT_E_HDF5, "HDF5 wrote content of variables, which it was told to leave alone");
    status = runs_take(&runs, image, schema, structure->variable_offset, error);
    structure->end = image->end;
    structure->run = runs.run;
    structure->run_count = runs.run_count;
    return status;
}

static h5ckpt_status build(struct structure *structure, const struct content *content, struct error *error)
{
    struct hdf5_visit visit;
    struct image *image;
    h5ckpt_status status;

    *structure = (struct structure){.variable_count = content->schema.entry_count};
    structure->variable_offset = calloc(structure->variable_count + 1, sizeof *structure->variable_offset);
    image = image_new();
    if (structure->variable_offset == NULL || image == NULL)
        status = error_set(error, H5CKPT_E_MEMORY, "no memory for the file structure of %zu variables",
                           structure->variable_count);
    else
        status = hdf5_enter(&visit, content->estimate.metadata_bytes, error);
    if (status >= 0) {
        status = build_file(structure, image, content, error);
        hdf5_leave(&visit);
    }
    if (status >= 0)
        status = take_image(structure, image, &content->schema, error);
    image_release(image);
    if (status < 0)
        structure_free(structure);
    return status;
}

h5ckpt_status structure_build(struct structure *structure, const struct schema *schema, struct error *error)
{
    struct content content = {.schema = *schema};
    h5ckpt_status status = estimate_schema(&content.estimate, schema, error);

    *structure = STRUCTURE_NONE;
    return status < 0 ? status : build(structure, &content, error);
}

h5ckpt_status structure_build_view(struct structure *structure, const char *current, const char *previous,
                                   struct error *error)
{
    struct content content = {
        .current = current, .previous = previous, .estimate = {.metadata_bytes = VIEW_METADATA_BYTES}};

    return build(structure, &content, error);
}

void structure_free(struct structure *structure)
{
    runs_free(&(struct runs){structure->run, structure->run_count});
    free(structure->variable_offset);
    *structure = STRUCTURE_NONE;
}
