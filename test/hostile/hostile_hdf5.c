/* SPDX-License-Identifier: MIT */
/*
 * hostile_hdf5: for hostile_hdf5.py, a backup directory whose slots, milestone and view hold an HDF5 file that somebody
 * has made to harm who reads it. Record, table and every checksum are right.
 *
 *   hostile_hdf5 make WORK KIND INDEX   make WORK/backup; what the file names lies in WORK/outside. INDEX is "right"
 *                                       (that of the program's variables), "transaction" (none, as a required feature
 *                                       says), or "none"
 *   hostile_hdf5 use WORK INDEX         restore, inspect, list, save, go back to the milestone, train; the answers must
 *                                       be right
 *   hostile_hdf5 naive FILE             read all of it, as any HDF5 program would
 */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "checksum.h"
#include "hostile/oracle.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define must(condition)         \
    do {                        \
        if (!(condition)) {     \
            perror(#condition); \
            abort();            \
        }                       \
    } while (0)

enum { DEPTH = 300, FILTER_ID = 32123 };

static char work[200];

static const char *outside(const char *name)
{
    static char path[sizeof work + 64];

    snprintf(path, sizeof path, "%s/outside/%s", work, name);
    return path;
}

/* ------------------------------------------------------------------ hostile files */

static hid_t space_of(hsize_t extent)
{
    return H5Screate_simple(1, &extent, NULL);
}

static void write_dataset(hid_t group, const char *name, hid_t type, hid_t space, hid_t creation, const void *bytes)
{
    hid_t dataset = H5Dcreate2(group, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);

    must(dataset >= 0);
    must(bytes == NULL || H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0);
    H5Dclose(dataset);
}

static void external_storage(hid_t group)
{
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);

    must(H5Pset_external(creation, outside("raw"), 0, H5F_UNLIMITED) >= 0);
    write_dataset(group, "weights", H5T_NATIVE_DOUBLE, space_of(15), creation, NULL);
}

static void external_links(hid_t group)
{
    must(H5Lcreate_external(outside("other.h5"), "/x", group, "counts", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    must(H5Lcreate_external("../outside/other.h5", "/x", group, "relative", H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

static void cycles(hid_t group)
{
    must(H5Lcreate_soft("/state/b", group, "a", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    must(H5Lcreate_soft("/state/a", group, "b", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    must(H5Lcreate_hard(group, ".", group, "itself", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    must(H5Lcreate_external("slot-a.h5", "/state/file", group, "file", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    must(H5Lcreate_external("slot-b.h5", "/state/file", group, "other", H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

static void make_virtual(hid_t group, const char *file, const char *source)
{
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);

    must(H5Pset_virtual(creation, space_of(15), file, source, space_of(15)) >= 0);
    write_dataset(group, "weights", H5T_NATIVE_DOUBLE, space_of(15), creation, NULL);
}

static void virtual_dataset(hid_t group)
{
    make_virtual(group, outside("other.h5"), "/x");
}

static void virtual_cycle(hid_t group)
{
    make_virtual(group, ".", "/state/weights");
}

static size_t pass(unsigned flags, size_t count, const unsigned values[], size_t byte_count, size_t *room, void **bytes)
{
    (void)flags, (void)count, (void)values, (void)room, (void)bytes;
    return byte_count;
}

/* Who does not know it looks for it where plugins are. */
static void unknown_filter(hid_t group)
{
    const H5Z_class2_t class = {.version = H5Z_CLASS_T_VERS,
                                .id = FILTER_ID,
                                .encoder_present = 1,
                                .decoder_present = 1,
                                .name = "nobody's",
                                .filter = pass};
    const double values[15] = {0};
    const hsize_t chunk = 5;
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);

    must(H5Zregister(&class) >= 0 && H5Pset_chunk(creation, 1, &chunk) >= 0);
    must(H5Pset_filter(creation, FILTER_ID, 0, 0, NULL) >= 0);
    write_dataset(group, "weights", H5T_NATIVE_DOUBLE, space_of(15), creation, values);
}

static void huge_extents(hid_t group)
{
    const hsize_t chunk = 1 << 20;
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);

    must(H5Pset_chunk(creation, 1, &chunk) >= 0);
    write_dataset(group, "weights", H5T_NATIVE_DOUBLE, space_of((hsize_t)1 << 50), creation, NULL);
}

static void variable_length(hid_t group)
{
    hid_t string = H5Tcopy(H5T_C_S1);
    const char *text[2] = {"one", "and another"};
    int numbers[3] = {1, 2, 3};
    const hvl_t lists[2] = {{3, numbers}, {1, numbers}};

    must(H5Tset_size(string, H5T_VARIABLE) >= 0);
    write_dataset(group, "label", string, space_of(2), H5P_DEFAULT, text);
    write_dataset(group, "counts", H5Tvlen_create(H5T_NATIVE_INT), space_of(2), H5P_DEFAULT, lists);
}

static void references(hid_t group)
{
    const double values[15] = {0};
    hid_t space = space_of(15);
    hdset_reg_ref_t region;
    hobj_ref_t object;

    write_dataset(group, "weights", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, values);
    must(H5Rcreate(&object, group, "weights", H5R_OBJECT, -1) >= 0);
    must(H5Rcreate(&region, group, "weights", H5R_DATASET_REGION, space) >= 0);
    write_dataset(group, "counts", H5T_STD_REF_OBJ, space_of(1), H5P_DEFAULT, &object);
    write_dataset(group, "label", H5T_STD_REF_DSETREG, space_of(1), H5P_DEFAULT, &region);
}

static void deep_nesting(hid_t group)
{
    for (int i = 0; i < DEPTH; i++) {
        group = H5Gcreate2(group, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        must(group >= 0);
    }
    hid_t type = H5T_NATIVE_INT;
    for (int i = 0; i < 30; i++) {
        hid_t around = H5Tcreate(H5T_COMPOUND, H5Tget_size(type));
        must(H5Tinsert(around, "m", 0, type) >= 0);
        type = around;
    }
    write_dataset(group, "counts", type, space_of(7), H5P_DEFAULT, NULL);
}

static void committed_types(hid_t group)
{
    const double values[15] = {0};
    hid_t type = H5Tcopy(H5T_NATIVE_DOUBLE);

    must(H5Tcommit2(group, "type", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT) >= 0);
    write_dataset(group, "weights", type, space_of(15), H5P_DEFAULT, values);
}

static void nothing(hid_t group)
{
    (void)group;
}

static const struct kind {
    const char *name;
    void (*make)(hid_t group);
} KIND[] = {
    {"external-storage", external_storage},
    {"external-links", external_links},
    {"cycles", cycles},
    {"virtual-dataset", virtual_dataset},
    {"virtual-cycle", virtual_cycle},
    {"unknown-filter", unknown_filter},
    {"huge-extents", huge_extents},
    {"variable-length", variable_length},
    {"references", references},
    {"deep-nesting", deep_nesting},
    {"committed-types", committed_types},
    {"superblock-in-user-block", nothing}, /* these two: put_hdf5() */
    {"impossible-superblock", nothing},
};

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < COUNT(KIND); i++)
        if (strcmp(KIND[i].name, name) == 0)
            return &KIND[i];
    fprintf(stderr, "there is no kind '%s'\n", name);
    exit(EXIT_FAILURE);
}

static void make_hdf5(const struct kind *kind, const char *path)
{
    hid_t creation = H5Pcreate(H5P_FILE_CREATE);

    must(H5Pset_userblock(creation, FORMAT_USER_BLOCK_BYTES) >= 0);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, creation, H5P_DEFAULT);
    hid_t group = H5Gcreate2(file, "state", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    must(group >= 0);
    kind->make(group);
    must(H5Fclose(file) >= 0); /* it is open until its last object is */
    must(H5close() >= 0);
}

/* What the hostile files name. */
static void make_outside(void)
{
    const double values[15] = {0};

    must(mkdir(outside(""), 0700) == 0 && mkdir(outside("plugins"), 0700) == 0);
    FILE *raw = fopen(outside("raw"), "w");
    must(raw != NULL && fwrite(values, sizeof values, 1, raw) == 1 && fclose(raw) == 0);
    hid_t file = H5Fcreate(outside("other.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    write_dataset(file, "x", H5T_NATIVE_DOUBLE, space_of(15), H5P_DEFAULT, values);
    must(H5Fclose(file) >= 0);
}

/* --------------------------------------------------------------------- in a slot */

static struct specimen hdf5;
static struct specimen slot[PROGRAM_FILE_COUNT];

/*
 * HDF5 looks for a superblock at 0, 512, 1024, 2048 …: what is found first is the file, here one that fits before ours.
 */
static void put_file_in_user_block(struct specimen *specimen)
{
    enum { AT = 512 };
    static struct specimen little;
    char path[sizeof work + 64];
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);

    snprintf(path, sizeof path, "%s/little.h5", work);
    must(H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST) >= 0);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    external_links(file);
    must(H5Fclose(file) >= 0);
    specimen_read(&little, path);
    must(little.byte_count <= FORMAT_USER_BLOCK_BYTES - AT);
    memcpy(specimen->bytes + AT, little.bytes, little.byte_count);
}

static void spoil_superblock(struct specimen *specimen)
{
    enum { AT_SIZE_OF_OFFSETS = FORMAT_USER_BLOCK_BYTES + 13, AT_END = FORMAT_USER_BLOCK_BYTES + 40 };

    specimen->bytes[AT_SIZE_OF_OFFSETS] = 0xff;
    memset(specimen->bytes + AT_END, 0xff, 8);
}

/* The HDF5 file, then what the slot's own part was, then its index, whose offsets say where that is now. */
static void put_hdf5(const struct kind *kind, struct specimen *specimen, const char *index)
{
    static size_t at[SPECIMEN_ENTRIES_MAX];
    static struct specimen made;
    const size_t old_index = (size_t)specimen_get(specimen, RECORD_AT_INDEX_OFFSET, 8);
    const size_t index_bytes = (size_t)specimen_get(specimen, RECORD_AT_INDEX_BYTES, 8);
    const size_t added = (size_t)bytes_round_up(hdf5.byte_count - FORMAT_USER_BLOCK_BYTES, FORMAT_ALIGN_BYTES);
    const size_t count = specimen_entries(specimen, at);

    for (size_t i = 0; i < count; i++)
        if (specimen_get(specimen, at[i] + ENTRY_AT_BYTE_COUNT, 8) != 0)
            specimen_put(specimen, at[i] + ENTRY_AT_OFFSET, 8,
                         specimen_get(specimen, at[i] + ENTRY_AT_OFFSET, 8) + added);
    memset(made.bytes, 0, sizeof made.bytes);
    memcpy(made.bytes, specimen->bytes, FORMAT_USER_BLOCK_BYTES);
    memcpy(made.bytes + FORMAT_USER_BLOCK_BYTES, hdf5.bytes + FORMAT_USER_BLOCK_BYTES,
           hdf5.byte_count - FORMAT_USER_BLOCK_BYTES);
    memcpy(made.bytes + FORMAT_USER_BLOCK_BYTES + added, specimen->bytes + FORMAT_USER_BLOCK_BYTES,
           old_index - FORMAT_USER_BLOCK_BYTES);
    specimen_put(&made, RECORD_AT_INDEX_OFFSET, 8, old_index + added);
    if (strcmp(kind->name, "superblock-in-user-block") == 0)
        put_file_in_user_block(&made);
    if (strcmp(kind->name, "impossible-superblock") == 0)
        spoil_superblock(&made);
    specimen_compose(&made, specimen->bytes + old_index, index_bytes, FORMAT_BLOCK_BYTES);
    if (strcmp(index, "right") != 0) {
        specimen_put(&made, RECORD_AT_INDEX_OFFSET, 8, 0);
        specimen_put(&made, RECORD_AT_INDEX_BYTES, 8, 0);
        specimen_put(&made, RECORD_AT_FEATURES_REQUIRED, 8, strcmp(index, "transaction") == 0);
        specimen_seal(&made);
    }
    memcpy(specimen, &made, sizeof made);
}

static void make(const struct kind *kind, const char *index)
{
    char path[sizeof work + 64];

    make_outside();
    snprintf(path, sizeof path, "%s/hdf5.h5", work);
    make_hdf5(kind, path);
    specimen_read(&hdf5, path);
    program_train();
    for (enum program_file file = 0; file < PROGRAM_FILE_COUNT; file++) {
        if (file == LOCK)
            continue;
        specimen_read(&slot[file], program_path(file));
        if (file == VIEW) { /* our head, somebody else's file */
            memcpy(hdf5.bytes, slot[VIEW].bytes, FORMAT_USER_BLOCK_BYTES);
            slot[VIEW] = hdf5;
        } else {
            put_hdf5(kind, &slot[file], index);
        }
        specimen_write(&slot[file], program_path(file));
    }
}

/* ----------------------------------------------------------------------------- use */

static int failure_count;

static void note_failure(const char *what, const char *message)
{
    printf("%s: %s\n", what, message);
    failure_count++;
}

static void use(const char *index)
{
    static struct specimen lying[PROGRAM_FILE_COUNT];
    struct oracle oracle = {.number = 1, .fail = note_failure};

    for (enum program_file file = 0; file < PROGRAM_FILE_COUNT; file++) {
        specimen_read(&lying[file], program_path(file));
        oracle.specimen[file] = &lying[file];
    }
    memcpy(oracle.directory_id, lying[LOCK].bytes + 16, sizeof oracle.directory_id);
    const enum oracle_answer answer = oracle_read(&oracle);
    if (answer != (strcmp(index, "right") == 0 ? ORACLE_RESTORED : ORACLE_REFUSED))
        note_failure("restore", "another answer than the record and the index ask for");
    oracle_write(&oracle);
    program_repair(lying);
    oracle_roll_back(&oracle);
    program_repair(lying);
    oracle_train(&oracle);
    program_repair(lying);
}

/* --------------------------------------------------------------------------- naive */

static herr_t read_object(hid_t root, const char *name, const H5O_info_t *info, void *context)
{
    static char bytes[1 << 16];

    (void)context;
    if (info->type != H5O_TYPE_DATASET)
        return 0;
    hid_t dataset = H5Dopen2(root, name, H5P_DEFAULT);
    hid_t space = H5Dget_space(dataset);
    if (H5Sget_simple_extent_npoints(space) <= 1024)
        H5Dread(dataset, H5Dget_type(dataset), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes);
    return 0;
}

static herr_t follow_link(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    (void)info, (void)context;
    H5Oopen(group, name, H5P_DEFAULT);
    return 0;
}

static void read_naively(const char *path)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);

    H5Ovisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, read_object, NULL);
    H5Lvisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, follow_link, NULL);
}

int main(int argc, char **argv)
{
    char backup[sizeof program_directory];

    if (argc == 3 && strcmp(argv[1], "naive") == 0) {
        read_naively(argv[2]);
        return EXIT_SUCCESS;
    }
    if (argc < 4) {
        for (size_t i = 0; i < COUNT(KIND); i++)
            puts(KIND[i].name);
        return EXIT_SUCCESS;
    }
    snprintf(work, sizeof work, "%s", argv[2]);
    snprintf(backup, sizeof backup, "%s/backup", work);
    program_register(backup);
    if (strcmp(argv[1], "make") == 0 && argc == 5)
        make(find_kind(argv[3]), argv[4]);
    else
        use(argv[3]);
    h5ckpt_state_free(program_state);
    return failure_count == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
