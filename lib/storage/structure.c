/* SPDX-License-Identifier: MIT */
/*
 * structure.c: an HDF5 file without its content, built in memory through driver.
 *
 * (1) HDF5 prints nothing in here, and the program's own setting is back when a call returns.
 * (2) Every HDF5 object is closed on every path; a file that HDF5 fails to close keeps its image alive (driver.h).
 * (3) A lost write (driver.h (2)) is the reason of whatever HDF5 complains about afterwards, so it is reported first.
 * (4) HDF5 writes no dataset content; no byte of a run belongs to a variable. Checked before anybody trusts it.
 *
 * How the file comes to lie as it does: HDF5 takes metadata from one block, small variables from another and large
 * variables from the end of the file. The metadata block is made first and large enough for all of it, the small
 * variables follow together, then the large ones.
 *
 *   user block | metadata | small variables | large variables
 */
#include "storage/structure.h"

#include <assert.h>
#include <hdf5.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "storage/driver.h"

enum {
    SMALL_BLOCK_BYTES_MAX = FORMAT_ALIGN_THRESHOLD_BYTES,
    VIEW_METADATA_BYTES = 4096,
    MEMORY_BYTES_MIN = 8 << 20, /* what HDF5 1.10.8 takes while it builds, measured */
    MEMORY_PER_METADATA = 3,
    HOLE_BYTES_MAX = 1 << 20, /* so much unused space amid metadata belongs to its run, as zeros */

    /* What things take in the earliest file format (groups are symbol tables); see estimate_sizes(). */
    SUPERBLOCK_BYTES = 96,
    VARIABLE_HEADER_BYTES = 272,
    HEADER_ROOM_BYTES = 160, /* what fits into that header besides a simple type … */
    DIMENSION_BYTES = 16,    /* … at that much for each dimension … */
    COMPOUND_BYTES = 104,    /* … and that much for a type of two parts or names */
    GROUP_HEADER_BYTES = 40,
    GROUP_NODE_BYTES = 544, /* of its B-tree, for at least GROUP_NODE_LEAVES leaves */
    GROUP_NODE_LEAVES = 16,
    GROUP_LEAF_BYTES = 328, /* for at least GROUP_LEAF_LINKS links; the first one for twice as many */
    GROUP_LEAF_LINKS = 4,
    HEAP_HEADER_BYTES = 32, /* of a group's names */
    HEAP_BYTES_MIN = 88,
    HEAP_OWN_BYTES = 24, /* an empty name, a free block */
    NAME_ROUND_BYTES = 8,
    UTF8_GROUP_BYTES = 2048, /* more for a group that a name outside ASCII turns into one of a newer format */

    DEPTH_MAX = (FORMAT_NAME_BYTES_MAX + 32) / 2, /* parts of a path from the root */
};

/* ------------------------------------------------------------ HDF5's errors */

struct printing { /* the program's setting of HDF5's automatic error printing */
    unsigned is_version_2;
    H5E_auto2_t function_2;
#ifndef H5_NO_DEPRECATED_SYMBOLS
    H5E_auto1_t function_1;
#endif
    void *context;
};

static struct printing printing_stop(void)
{
    struct printing printing = {.is_version_2 = 1};

#ifndef H5_NO_DEPRECATED_SYMBOLS
    H5Eauto_is_v2(H5E_DEFAULT, &printing.is_version_2);
    if (!printing.is_version_2) {
        H5Eget_auto1(&printing.function_1, &printing.context);
        H5Eset_auto1(NULL, NULL);
        return printing;
    }
#endif
    H5Eget_auto2(H5E_DEFAULT, &printing.function_2, &printing.context);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return printing;
}

static void printing_resume(const struct printing *printing)
{
    H5Eclear2(H5E_DEFAULT);
#ifndef H5_NO_DEPRECATED_SYMBOLS
    if (!printing->is_version_2) {
        H5Eset_auto1(printing->function_1, printing->context);
        return;
    }
#endif
    H5Eset_auto2(H5E_DEFAULT, printing->function_2, printing->context);
}

struct complaint { /* HDF5's innermost error */
    char text[256];
    bool out_of_memory;
};

static herr_t complaint_take(unsigned depth, const H5E_error2_t *entry, void *context)
{
    struct complaint *complaint = context;

    if (depth == 0)
        snprintf(complaint->text, sizeof complaint->text, "%s (%s)", entry->desc, entry->func_name);
    if (entry->maj_num == H5E_RESOURCE && (entry->min_num == H5E_NOSPACE || entry->min_num == H5E_CANTALLOC))
        complaint->out_of_memory = true;
    return 0;
}

/* Say what failed, and HDF5's own reason. Call at once: the next HDF5 call forgets the reason. */
__attribute__((format(printf, 2, 3))) static h5ckpt_status hdf5_error(struct error *error, const char *format, ...)
{
    struct complaint complaint = {.text = "no reason given"};
    char what[ERROR_MESSAGE_BYTES / 2];
    va_list arguments;

    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, complaint_take, &complaint);
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return error_set(error, complaint.out_of_memory ? H5CKPT_E_MEMORY : H5CKPT_E_HDF5, "HDF5 cannot %s: %s", what,
                     complaint.text);
}

static void close_id(herr_t (*close)(hid_t), hid_t id)
{
    if (id >= 0)
        close(id);
}

/* ------------------------------------------------------------ element types */

struct float_fields { /* as H5Tset_fields() wants them, mantissa from bit 0 */
    size_t byte_count;
    size_t precision_bits;
    size_t exponent_bits;
    size_t mantissa_bits;
    size_t exponent_bias;
    H5T_norm_t norm;
};

static const struct float_fields BINARY16 = {2, 16, 5, 10, 15, H5T_NORM_IMPLIED};
static const struct float_fields BINARY128 = {16, 128, 15, 112, 16383, H5T_NORM_IMPLIED};

static herr_t type_set_size(hid_t type, const struct float_fields *fields)
{
    if (H5Tset_size(type, fields->byte_count) < 0)
        return -1;
    return H5Tset_precision(type, fields->precision_bits);
}

static herr_t type_set_fields(hid_t type, const struct float_fields *fields)
{
    size_t sign = fields->precision_bits - 1;

    if (H5Tset_fields(type, sign, sign - fields->exponent_bits, fields->exponent_bits, 0, fields->mantissa_bits) < 0)
        return -1;
    if (H5Tset_ebias(type, fields->exponent_bias) < 0)
        return -1;
    return H5Tset_norm(type, fields->norm);
}

/* Fields must fit the size at every step: grow it first, shrink it last. */
static hid_t type_of_fields(const struct float_fields *fields)
{
    hid_t type = H5Tcopy(H5T_IEEE_F64LE);
    bool grows = fields->byte_count > 8;

    if (type < 0)
        return type;
    if ((grows && type_set_size(type, fields) < 0) || type_set_fields(type, fields) < 0 ||
        (!grows && type_set_size(type, fields) < 0)) {
        H5Tclose(type);
        return H5I_INVALID_HID;
    }
    return type;
}

static hid_t type_of_float(uint32_t byte_count)
{
    switch (byte_count) {
    case 2:
        return type_of_fields(&BINARY16);
    case 4:
        return H5Tcopy(H5T_IEEE_F32LE);
    case 8:
        return H5Tcopy(H5T_IEEE_F64LE);
    default:
        return H5I_INVALID_HID;
    }
}

static hid_t type_of_int(bool is_signed, uint32_t byte_count)
{
    hid_t type = H5Tcopy(is_signed ? H5T_STD_I8LE : H5T_STD_U8LE);

    if (type >= 0 && (H5Tset_size(type, byte_count) < 0 || H5Tset_precision(type, 8 * (size_t)byte_count) < 0)) {
        H5Tclose(type);
        return H5I_INVALID_HID;
    }
    return type;
}

static hid_t type_with_order(hid_t type, enum element_order order)
{
    if (type >= 0 && order == ELEMENT_ORDER_BIG && H5Tset_order(type, H5T_ORDER_BE) < 0) {
        H5Tclose(type);
        return H5I_INVALID_HID;
    }
    return type;
}

/* Two floats one after the other, under the names given. Takes `part`. */
static hid_t type_of_pair(hid_t part, const char *first, const char *second)
{
    size_t part_byte_count = part < 0 ? 0 : H5Tget_size(part);
    hid_t type = part < 0 ? part : H5Tcreate(H5T_COMPOUND, 2 * part_byte_count);

    if (type >= 0 && (H5Tinsert(type, first, 0, part) < 0 || H5Tinsert(type, second, part_byte_count, part) < 0)) {
        H5Tclose(type);
        type = H5I_INVALID_HID;
    }
    close_id(H5Tclose, part);
    return type;
}

static hid_t type_of_long_double(const struct element *element)
{
    struct float_fields x87 = {element->byte_count, 80, 15, 64, 16383, H5T_NORM_NONE};

    switch (element->format) {
    case ELEMENT_FORMAT_BINARY64:
        return type_with_order(type_of_float(8), element->order);
    case ELEMENT_FORMAT_X87_EXTENDED:
        return type_with_order(type_of_fields(&x87), element->order);
    case ELEMENT_FORMAT_BINARY128:
        return type_with_order(type_of_fields(&BINARY128), element->order);
    case ELEMENT_FORMAT_DOUBLE_DOUBLE: /* no HDF5 float; its value is the sum of the two */
        return type_of_pair(type_with_order(type_of_float(8), element->order), "high", "low");
    case ELEMENT_FORMAT_NONE:
        break;
    }
    return H5I_INVALID_HID;
}

/* As h5py's bool: an enumeration over integers. Takes `base`. */
static hid_t type_of_bool(hid_t base, const struct element *element)
{
    unsigned char value[sizeof(uint64_t)] = {0};
    hid_t type = base < 0 ? base : H5Tenum_create(base);
    herr_t inserted = type < 0 ? -1 : H5Tenum_insert(type, "FALSE", value);

    value[element->order == ELEMENT_ORDER_BIG ? element->byte_count - 1 : 0] = 1;
    if (inserted >= 0)
        inserted = H5Tenum_insert(type, "TRUE", value);
    if (inserted < 0 && type >= 0) {
        H5Tclose(type);
        type = H5I_INVALID_HID;
    }
    close_id(H5Tclose, base);
    return type;
}

static hid_t type_of_opaque(uint32_t byte_count)
{
    hid_t type = H5Tcreate(H5T_OPAQUE, byte_count);

    if (type >= 0 && H5Tset_tag(type, "") < 0) {
        H5Tclose(type);
        return H5I_INVALID_HID;
    }
    return type;
}

static hid_t type_of_string(uint32_t byte_count)
{
    hid_t type = H5Tcopy(H5T_C_S1);

    if (type >= 0 && (H5Tset_size(type, byte_count) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0 ||
                      H5Tset_strpad(type, H5T_STR_NULLPAD) < 0)) {
        H5Tclose(type);
        return H5I_INVALID_HID;
    }
    return type;
}

/* The HDF5 type of an element, to be closed by the caller; negative if HDF5 fails. */
static hid_t type_of_element(const struct element *element)
{
    switch (element->class) {
    case ELEMENT_INT:
        return type_with_order(type_of_int(true, element->byte_count), element->order);
    case ELEMENT_UINT:
        return type_with_order(type_of_int(false, element->byte_count), element->order);
    case ELEMENT_FLOAT:
        return type_with_order(type_of_float(element->byte_count), element->order);
    case ELEMENT_LONG_DOUBLE:
        return type_of_long_double(element);
    case ELEMENT_BOOL:
        return type_of_bool(type_with_order(type_of_int(true, element->byte_count), element->order), element);
    case ELEMENT_COMPLEX:
        return type_of_pair(type_with_order(type_of_float(element->byte_count / 2), element->order), "r", "i");
    case ELEMENT_OPAQUE:
        return type_of_opaque(element->byte_count);
    case ELEMENT_STRING:
        return type_of_string(element->byte_count);
    }
    return H5I_INVALID_HID;
}

/* --------------------------------------------------- what the metadata takes */

struct sizes {
    uint64_t metadata_bytes; /* an estimate, rather too large */
    uint64_t small_bytes;    /* of all variables below FORMAT_ALIGN_THRESHOLD_BYTES */
};

static int compare_names(const void *a, const void *b)
{
    const struct schema_entry *const *left = a;
    const struct schema_entry *const *right = b;

    return strcmp((*left)->name, (*right)->name);
}

/* A group of which all names are known to follow each other in sorted order. */
struct open_group {
    uint64_t link_count;
    uint64_t name_bytes;
};

struct estimate {
    struct open_group open[DEPTH_MAX + 1]; /* the root, and the groups on the way to the name at hand */
    size_t open_count;
    bool has_utf8;
    struct sizes *sizes;
};

static bool is_ascii(const char *name)
{
    for (; *name != '\0'; name++)
        if ((unsigned char)*name > 0x7f)
            return false;
    return true;
}

/* The heap of a group's names, and the holes it leaves where it was before: a full one is doubled elsewhere. */
static uint64_t name_heap_bytes(const struct open_group *group)
{
    uint64_t name_bytes_mean = group->link_count == 0 ? 0 : group->name_bytes / group->link_count;
    uint64_t heap_bytes = HEAP_BYTES_MIN;
    uint64_t all_heap_bytes = 0;

    if (name_bytes_mean + HEAP_OWN_BYTES > HEAP_BYTES_MIN) { /* the first name does not fit at once */
        all_heap_bytes = HEAP_BYTES_MIN;
        heap_bytes += name_bytes_mean;
    }
    for (; heap_bytes < group->name_bytes + HEAP_OWN_BYTES; heap_bytes *= 2)
        all_heap_bytes += heap_bytes;
    return HEAP_HEADER_BYTES + all_heap_bytes + heap_bytes;
}

static uint64_t group_bytes(const struct open_group *group)
{
    uint64_t leaf_count = 1 + group->link_count / GROUP_LEAF_LINKS;
    uint64_t node_count = 1 + leaf_count / GROUP_NODE_LEAVES + leaf_count / (GROUP_NODE_LEAVES * GROUP_NODE_LEAVES);

    if (group->link_count <= 2 * GROUP_LEAF_LINKS)
        leaf_count = 1;
    return GROUP_HEADER_BYTES + node_count * GROUP_NODE_BYTES + leaf_count * GROUP_LEAF_BYTES + name_heap_bytes(group);
}

static void estimate_close_groups(struct estimate *estimate, size_t left_open)
{
    while (estimate->open_count > left_open) {
        estimate->sizes->metadata_bytes += group_bytes(&estimate->open[--estimate->open_count]);
        if (estimate->has_utf8)
            estimate->sizes->metadata_bytes += UTF8_GROUP_BYTES;
    }
}

/* A link of `name_byte_count` bytes in the innermost open group. */
static void estimate_link(struct estimate *estimate, size_t name_byte_count)
{
    struct open_group *group = &estimate->open[estimate->open_count - 1];

    group->link_count++;
    group->name_bytes += (name_byte_count / NAME_ROUND_BYTES + 1) * NAME_ROUND_BYTES; /* with its NUL */
}

/* Groups and links that come with `name` when `before`, the name before it in sorted order, is there. */
static void estimate_name(struct estimate *estimate, const char *before, const char *name)
{
    size_t same_byte_count = 0;
    size_t same_count = 0;
    const char *slash;

    for (size_t i = 0; before[i] != '\0' && before[i] == name[i]; i++)
        if (name[i] == '/') {
            same_byte_count = i + 1;
            same_count++;
        }
    estimate_close_groups(estimate, 1 + same_count);
    for (name += same_byte_count; (slash = strchr(name, '/')) != NULL; name = slash + 1) {
        estimate_link(estimate, (size_t)(slash - name));
        assert(estimate->open_count <= DEPTH_MAX);
        estimate->open[estimate->open_count++] = (struct open_group){0};
    }
    estimate_link(estimate, strlen(name));
}

static uint64_t variable_bytes(const struct schema_entry *entry)
{
    uint64_t room = entry->rank * (uint64_t)DIMENSION_BYTES;

    if (entry->element.class == ELEMENT_COMPLEX || entry->element.class == ELEMENT_BOOL ||
        entry->element.format == ELEMENT_FORMAT_DOUBLE_DOUBLE)
        room += COMPOUND_BYTES;
    return VARIABLE_HEADER_BYTES + (room > HEADER_ROOM_BYTES ? room - HEADER_ROOM_BYTES : 0);
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

/*
 * Too small an estimate costs another run, too large a one a gap in the file. This one takes every leaf and node for
 * half-filled and no hole for used again, and so is up to a fifth too large.
 */
static h5ckpt_status estimate_sizes(struct sizes *sizes, const struct schema *schema, struct error *error)
{
    const struct schema_entry **sorted = sort_entries(schema);
    struct estimate estimate = {.open_count = 1, .sizes = sizes};

    *sizes = (struct sizes){.metadata_bytes = SUPERBLOCK_BYTES};
    if (sorted == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory to sort %zu variables", schema->entry_count);
    for (size_t i = 0; i < schema->entry_count; i++) {
        estimate.has_utf8 = estimate.has_utf8 || !is_ascii(sorted[i]->name);
        estimate_name(&estimate, i == 0 ? "" : sorted[i - 1]->name, sorted[i]->name);
        sizes->metadata_bytes += variable_bytes(sorted[i]);
        if (sorted[i]->byte_count < FORMAT_ALIGN_THRESHOLD_BYTES)
            sizes->small_bytes += sorted[i]->byte_count;
    }
    estimate_close_groups(&estimate, 0);
    sizes->metadata_bytes += sizes->metadata_bytes / 64; /* headers do not fill every hole */
    free(sorted);
    return H5CKPT_OK;
}

/*
 * HDF5 1.10.8 crashes or calls exit() when one of its own small allocations fails. Where the system tells at all that
 * memory is short (a limit, no overcommit), it shall tell us, before HDF5 begins.
 */
static h5ckpt_status check_memory(const struct sizes *sizes, struct error *error)
{
    uint64_t byte_count = MEMORY_BYTES_MIN + sizes->metadata_bytes * MEMORY_PER_METADATA;
    void *volatile memory = malloc(byte_count); /* volatile: else compilers take the pair of calls away */

    if (memory == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory for the %llu bytes that HDF5 may need to lay out the file",
                         (unsigned long long)byte_count);
    free(memory);
    return H5CKPT_OK;
}

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

static hid_t file_access_list(struct image *image, const struct sizes *sizes)
{
    hid_t list = driver_access_list(image);
    uint64_t small_block = sizes->small_bytes < SMALL_BLOCK_BYTES_MAX ? sizes->small_bytes : SMALL_BLOCK_BYTES_MAX;

    if (list >= 0 && (H5Pset_libver_bounds(list, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST) < 0 ||
                      H5Pset_fclose_degree(list, H5F_CLOSE_STRONG) < 0 ||
                      H5Pset_alignment(list, FORMAT_ALIGN_THRESHOLD_BYTES, FORMAT_ALIGN_BYTES) < 0 ||
                      H5Pset_meta_block_size(list, sizes->metadata_bytes) < 0 ||
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

struct builder {
    struct structure *structure;
    struct image *image;
    hid_t access_list;
    hid_t file;
    hid_t link_list_ascii;
    hid_t link_list_utf8;
    hid_t dataset_list;
    hid_t type; /* of the variable before: most states have few types */
    struct element type_element;
    struct error *error;
};

static h5ckpt_status builder_error_lost_write(struct builder *builder)
{
    return error_set(builder->error, H5CKPT_E_MEMORY, "no memory for the file structure after %zu pages of %d bytes",
                     builder->image->page_count, IMAGE_PAGE_BYTES);
}

/* Create the empty file. On failure builder_close() tidies up. */
static h5ckpt_status builder_open(struct builder *builder, struct structure *structure, const struct sizes *sizes,
                                  struct error *error)
{
    hid_t creation_list = H5I_INVALID_HID;
    h5ckpt_status status = H5CKPT_OK;

    *builder = (struct builder){.structure = structure,
                                .access_list = H5I_INVALID_HID,
                                .file = H5I_INVALID_HID,
                                .link_list_ascii = H5I_INVALID_HID,
                                .link_list_utf8 = H5I_INVALID_HID,
                                .dataset_list = H5I_INVALID_HID,
                                .type = H5I_INVALID_HID,
                                .error = error};
    builder->image = image_new();
    if (builder->image == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory for the file structure");
    if ((creation_list = file_creation_list()) < 0 ||
        (builder->access_list = file_access_list(builder->image, sizes)) < 0 ||
        (builder->link_list_ascii = link_creation_list(H5T_CSET_ASCII)) < 0 ||
        (builder->link_list_utf8 = link_creation_list(H5T_CSET_UTF8)) < 0 ||
        (builder->dataset_list = dataset_creation_list()) < 0)
        status = hdf5_error(error, "prepare the file structure");
    if (status >= 0 && (builder->file = H5Fcreate("/h5ckpt", H5F_ACC_TRUNC, creation_list, builder->access_list)) < 0)
        status = hdf5_error(error, "create the file structure");
    close_id(H5Pclose, creation_list);
    return status;
}

/* Close the file and what it was made with; a failure that there was before is kept. */
static h5ckpt_status builder_close_file(struct builder *builder, h5ckpt_status status)
{
    if (builder->file >= 0 && H5Fclose(builder->file) < 0) /* keep the list: driver_access_list() */
        return status < 0 ? status : hdf5_error(builder->error, "close the file structure");
    close_id(H5Pclose, builder->access_list);
    return status;
}

/* Close everything and take the file's end. */
static h5ckpt_status builder_close(struct builder *builder, h5ckpt_status status)
{
    close_id(H5Tclose, builder->type);
    close_id(H5Pclose, builder->dataset_list);
    close_id(H5Pclose, builder->link_list_utf8);
    close_id(H5Pclose, builder->link_list_ascii);
    status = builder_close_file(builder, status);
    if (builder->image == NULL)
        return status;
    if (builder->image->failed) /* (3) */
        return builder_error_lost_write(builder);
    builder->structure->end = builder->image->end;
    return status;
}

/* How to link the last part of a path. */
static hid_t builder_link_list(const struct builder *builder, const char *path)
{
    const char *slash = strrchr(path, '/');

    return is_ascii(slash == NULL ? path : slash) ? builder->link_list_ascii : builder->link_list_utf8;
}

/* HDF5 marks groups that it makes on the way as ASCII; so those with other names are made here. */
static h5ckpt_status build_groups(struct builder *builder, const char *name)
{
    char path[FORMAT_NAME_BYTES_MAX + 32];
    size_t length = strlen(name);

    if (is_ascii(name))
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
        close_id(H5Gclose, group);
        *slash = '/';
    }
    return H5CKPT_OK;
}

static hid_t builder_type(struct builder *builder, const struct element *element)
{
    if (builder->type >= 0 && element_equal(&builder->type_element, element))
        return builder->type;
    close_id(H5Tclose, builder->type);
    builder->type = type_of_element(element);
    builder->type_element = *element;
    return builder->type;
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
    hid_t type = builder_type(builder, &entry->element);
    hid_t space = space_of_entry(entry);
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
    close_id(H5Dclose, dataset);
    close_id(H5Sclose, space);
    return status;
}

static bool is_large(const struct schema_entry *entry)
{
    return entry->byte_count >= FORMAT_ALIGN_THRESHOLD_BYTES;
}

/* Small variables first: they share blocks, between which no large one may come. */
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

/* ---------------------------------------------------------------------- runs */

struct extent { /* where a variable's bytes are */
    uint64_t offset;
    uint64_t end;
    const char *name;
};

static int compare_extents(const void *a, const void *b)
{
    const struct extent *left = a;
    const struct extent *right = b;

    return (left->offset > right->offset) - (left->offset < right->offset);
}

/* (4), first half: variables lie behind each other and inside the file. */
static h5ckpt_status check_extents(const struct extent *extent, size_t extent_count, uint64_t end, struct error *error)
{
    uint64_t before = FORMAT_USER_BLOCK_BYTES;

    for (size_t i = 0; i < extent_count; i++) {
        if (extent[i].offset < before || extent[i].end > end)
            return error_set(error, H5CKPT_E_HDF5,
                             "HDF5 put variable '%s' at %llu, over another one or outside of the file", extent[i].name,
                             (unsigned long long)extent[i].offset);
        before = extent[i].end;
    }
    return H5CKPT_OK;
}

/* The extents of all variables with bytes, ascending; to be freed. */
static h5ckpt_status take_extents(struct extent **extents, size_t *extent_count, const struct structure *structure,
                                  const struct schema *schema, struct error *error)
{
    struct extent *extent = calloc(schema->entry_count + 1, sizeof *extent);
    size_t count = 0;

    *extents = extent;
    *extent_count = 0;
    if (extent == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory for the places of %zu variables", schema->entry_count);
    for (size_t i = 0; i < schema->entry_count; i++) {
        uint64_t offset = structure->variable_offset[i];

        if (schema->entry[i].byte_count > 0)
            extent[count++] = (struct extent){offset, offset + schema->entry[i].byte_count, schema->entry[i].name};
    }
    qsort(extent, count, sizeof *extent, compare_extents);
    *extent_count = count;
    return check_extents(extent, count, structure->end, error);
}

struct run_list {
    struct structure *structure;
    size_t capacity;
};

/* Where the last run ends, or 0. */
static uint64_t run_list_end(const struct run_list *list)
{
    const struct structure *structure = list->structure;
    const struct structure_run *last;

    if (structure->run_count == 0)
        return 0;
    last = &structure->run[structure->run_count - 1];
    return last->offset + last->byte_count;
}

/* Add the bytes from `begin` to `end`. `free_from`: behind the last variable before `begin`. */
static bool run_list_add(struct run_list *list, uint64_t begin, uint64_t end, uint64_t free_from)
{
    struct structure *structure = list->structure;
    uint64_t last_end = run_list_end(list);

    if (last_end > 0 && free_from <= last_end && begin - last_end <= HOLE_BYTES_MAX) {
        structure->run[structure->run_count - 1].byte_count += (size_t)(end - last_end);
        return true;
    }
    if (structure->run_count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 4 : 2 * list->capacity;
        struct structure_run *run = realloc(structure->run, capacity * sizeof *run);

        if (run == NULL)
            return false;
        structure->run = run;
        list->capacity = capacity;
    }
    structure->run[structure->run_count++] =
        (struct structure_run){.offset = begin, .byte_count = (size_t)(end - begin)};
    return true;
}

static bool is_zero(const unsigned char *bytes, size_t byte_count)
{
    return byte_count == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, byte_count - 1) == 0);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Add what HDF5 wrote in one page, without the variables that reach into it. `next` is the first extent that ends
 * behind the page before; kept up to date. */
static h5ckpt_status find_runs_in_page(struct run_list *list, const struct image_page *page,
                                       const struct extent *extent, size_t extent_count, size_t *next,
                                       struct error *error)
{
    uint64_t page_end = page->offset + page->written_end;

    for (uint64_t at = page->offset + page->written_begin, end; at < page_end; at = end) {
        while (*next < extent_count && extent[*next].end <= at)
            (*next)++;
        if (*next < extent_count && extent[*next].offset <= at) {
            end = smaller(page_end, extent[*next].end);
            if (!is_zero(page->bytes + (at - page->offset), (size_t)(end - at))) /* (4), second half */
                return error_set(error, H5CKPT_E_HDF5, "HDF5 wrote its own bytes into variable '%s'",
                                 extent[*next].name);
        } else {
            end = *next < extent_count ? smaller(page_end, extent[*next].offset) : page_end;
            if (!run_list_add(list, at, end, *next == 0 ? 0 : extent[*next - 1].end))
                return error_set(error, H5CKPT_E_MEMORY, "no memory for the file structure's runs");
        }
    }
    return H5CKPT_OK;
}

static h5ckpt_status find_runs(struct structure *structure, const struct image *image, const struct extent *extent,
                               size_t extent_count, struct error *error)
{
    struct run_list list = {.structure = structure};
    size_t next = 0;

    for (size_t i = 0; i < image->page_count; i++) {
        h5ckpt_status status = find_runs_in_page(&list, &image->page[i], extent, extent_count, &next, error);

        if (status < 0)
            return status;
    }
    return H5CKPT_OK;
}

static h5ckpt_status fill_runs(struct structure *structure, const struct image *image, struct error *error)
{
    for (size_t i = 0; i < structure->run_count; i++) {
        struct structure_run *run = &structure->run[i];

        run->bytes = malloc(run->byte_count);
        if (run->bytes == NULL)
            return error_set(error, H5CKPT_E_MEMORY, "no memory for %zu bytes of file structure", run->byte_count);
        image_read(image, run->offset, run->bytes, run->byte_count);
    }
    return H5CKPT_OK;
}

static h5ckpt_status take_runs(struct structure *structure, const struct image *image, const struct schema *schema,
                               struct error *error)
{
    struct extent *extent = NULL;
    size_t extent_count = 0;
    h5ckpt_status status;

    if (image->raw_data_written)
        return error_set(error, H5CKPT_E_HDF5, "HDF5 wrote content of variables, which it was told to leave alone");
    status = take_extents(&extent, &extent_count, structure, schema, error);
    if (status >= 0)
        status = find_runs(structure, image, extent, extent_count, error);
    if (status >= 0)
        status = fill_runs(structure, image, error);
    free(extent);
    return status;
}

/* ------------------------------------------------------------------ contract */

/* All that can be done, and fail, without HDF5. */
static h5ckpt_status prepare(struct structure *structure, struct sizes *sizes, const struct schema *schema,
                             struct error *error)
{
    h5ckpt_status status;

    structure->variable_offset = calloc(schema->entry_count + 1, sizeof *structure->variable_offset);
    if (structure->variable_offset == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory for the places of %zu variables", schema->entry_count);
    structure->variable_count = schema->entry_count;
    status = estimate_sizes(sizes, schema, error);
    if (status >= 0)
        status = check_memory(sizes, error);
    return status;
}

static h5ckpt_status build(struct structure *structure, const struct sizes *sizes, const struct schema *schema,
                           struct error *error)
{
    struct printing printing = printing_stop();
    struct builder builder;
    h5ckpt_status status;

    status = builder_open(&builder, structure, sizes, error);
    if (status >= 0)
        status = build_variables(&builder, schema, false);
    if (status >= 0)
        status = build_variables(&builder, schema, true);
    status = builder_close(&builder, status);
    if (status >= 0)
        status = take_runs(structure, builder.image, schema, error);
    image_release(builder.image);
    printing_resume(&printing);
    return status;
}

h5ckpt_status structure_build(struct structure *structure, const struct schema *schema, struct error *error)
{
    struct sizes sizes;
    h5ckpt_status status;

    *structure = STRUCTURE_NONE;
    status = prepare(structure, &sizes, schema, error);
    if (status >= 0)
        status = build(structure, &sizes, schema, error);
    if (status < 0)
        structure_free(structure);
    return status;
}

static h5ckpt_status build_link(struct builder *builder, const char *slot_name, const char *link_name)
{
    if (slot_name == NULL)
        return H5CKPT_OK;
    if (H5Lcreate_external(slot_name, "/", builder->file, link_name, builder->link_list_ascii, H5P_DEFAULT) < 0)
        return hdf5_error(builder->error, "link '%s' to '%s'", link_name, slot_name);
    return H5CKPT_OK;
}

static h5ckpt_status build_view(struct structure *structure, const struct sizes *sizes, const char *current,
                                const char *previous, struct error *error)
{
    static const struct schema no_variables = {0};
    struct printing printing = printing_stop();
    struct builder builder;
    h5ckpt_status status;

    status = builder_open(&builder, structure, sizes, error);
    if (status >= 0)
        status = build_link(&builder, current, FORMAT_VIEW_CURRENT);
    if (status >= 0)
        status = build_link(&builder, previous, FORMAT_VIEW_PREVIOUS);
    status = builder_close(&builder, status);
    if (status >= 0)
        status = take_runs(structure, builder.image, &no_variables, error);
    image_release(builder.image);
    printing_resume(&printing);
    return status;
}

h5ckpt_status structure_build_view(struct structure *structure, const char *current, const char *previous,
                                   struct error *error)
{
    static const struct sizes sizes = {.metadata_bytes = VIEW_METADATA_BYTES};
    h5ckpt_status status;

    *structure = STRUCTURE_NONE;
    status = check_memory(&sizes, error);
    if (status >= 0)
        status = build_view(structure, &sizes, current, previous, error);
    if (status < 0)
        structure_free(structure);
    return status;
}

void structure_free(struct structure *structure)
{
    for (size_t i = 0; i < structure->run_count; i++)
        free(structure->run[i].bytes);
    free(structure->run);
    free(structure->variable_offset);
    *structure = STRUCTURE_NONE;
}

/* ---------------------------------------------------------------- conversion */

enum number_kind { NUMBER_NONE, NUMBER_INTEGER, NUMBER_FLOAT, NUMBER_COMPLEX };

static enum number_kind number_kind(const struct element *element)
{
    switch (element->class) {
    case ELEMENT_INT:
    case ELEMENT_UINT:
        return NUMBER_INTEGER;
    case ELEMENT_LONG_DOUBLE:
        return element->format == ELEMENT_FORMAT_DOUBLE_DOUBLE ? NUMBER_NONE : NUMBER_FLOAT;
    case ELEMENT_FLOAT:
        return NUMBER_FLOAT;
    case ELEMENT_COMPLEX:
        return NUMBER_COMPLEX;
    case ELEMENT_BOOL:
    case ELEMENT_OPAQUE:
    case ELEMENT_STRING:
        break;
    }
    return NUMBER_NONE;
}

bool structure_can_convert(const struct element *from, const struct element *to)
{
    return number_kind(from) != NUMBER_NONE && number_kind(from) == number_kind(to);
}

/* A complex number is two floats, and converted as such. */
static struct element part_of(const struct element *element)
{
    struct element part = *element;

    if (element->class == ELEMENT_COMPLEX) {
        part.class = ELEMENT_FLOAT;
        part.byte_count /= 2;
    }
    return part;
}

static void zero_padding(unsigned char *bytes, size_t element_count, const struct element *element)
{
    size_t value_byte_count = element_value_byte_count(element);

    if (value_byte_count == element->byte_count)
        return;
    for (size_t i = 0; i < element_count; i++)
        memset(bytes + i * element->byte_count + value_byte_count, 0, element->byte_count - value_byte_count);
}

static h5ckpt_status convert(void *bytes, size_t element_count, const struct element *from, const struct element *to,
                             struct error *error)
{
    struct printing printing = printing_stop();
    hid_t type_from = type_of_element(from);
    hid_t type_to = type_of_element(to);
    h5ckpt_status status = H5CKPT_OK;

    if (type_from < 0 || type_to < 0 || H5Tconvert(type_from, type_to, element_count, bytes, NULL, H5P_DEFAULT) < 0) {
        char text_from[ELEMENT_TEXT_BYTES];
        char text_to[ELEMENT_TEXT_BYTES];

        element_text(from, text_from);
        element_text(to, text_to);
        status = hdf5_error(error, "convert %s to %s", text_from, text_to);
    }
    close_id(H5Tclose, type_from);
    close_id(H5Tclose, type_to);
    printing_resume(&printing);
    return status;
}

h5ckpt_status structure_convert(void *bytes, size_t element_count, const struct element *from, const struct element *to,
                                struct error *error)
{
    static const struct sizes no_file = {0};
    struct element part_from = part_of(from);
    struct element part_to = part_of(to);
    size_t part_count = element_count * (from->byte_count / part_from.byte_count);
    h5ckpt_status status;

    assert(structure_can_convert(from, to));
    status = check_memory(&no_file, error);
    if (status >= 0)
        status = convert(bytes, part_count, &part_from, &part_to, error);
    if (status >= 0)
        zero_padding(bytes, element_count, to);
    return status;
}
