/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <complex.h>
#include <hdf5.h>
#include <limits.h>
#include <malloc.h>
#include <math.h>
#include <time.h>

#include "storage/hdf5/convert.h"
#include "storage/hdf5/datatype.h"
#include "storage/hdf5/driver.h"
#include "storage/hdf5/structure.h"
#include "support/assert_h5ckpt.h"
#include "support/structure_file.h"
#include "support/suite.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE  ELEMENT_ORDER_LITTLE
#define SWAPPED ELEMENT_ORDER_BIG
#else
#define NATIVE  ELEMENT_ORDER_BIG
#define SWAPPED ELEMENT_ORDER_LITTLE
#endif

#if LDBL_MANT_DIG == 64 || defined(__x86_64__) || defined(__i386__)
#define HAVE_X87 1
#else
#define HAVE_X87 0
#endif

#define ELEMENT(class_, order_, bytes_) \
    {                                   \
        class_, order_, 0, bytes_       \
    }
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct element INT8 = ELEMENT(ELEMENT_INT, ELEMENT_ORDER_NONE, 1);
static const struct element INT16 = ELEMENT(ELEMENT_INT, NATIVE, 2);
static const struct element INT16_SWAPPED = ELEMENT(ELEMENT_INT, SWAPPED, 2);
static const struct element INT32 = ELEMENT(ELEMENT_INT, NATIVE, 4);
static const struct element INT64 = ELEMENT(ELEMENT_INT, NATIVE, 8);
static const struct element UINT8 = ELEMENT(ELEMENT_UINT, ELEMENT_ORDER_NONE, 1);
static const struct element UINT64_SWAPPED = ELEMENT(ELEMENT_UINT, SWAPPED, 8);
static const struct element UINT16 = ELEMENT(ELEMENT_UINT, NATIVE, 2);
static const struct element UINT32 = ELEMENT(ELEMENT_UINT, NATIVE, 4);
static const struct element UINT64_ = ELEMENT(ELEMENT_UINT, NATIVE, 8);
static const struct element FLOAT16 = ELEMENT(ELEMENT_FLOAT, NATIVE, 2);
static const struct element FLOAT32 = ELEMENT(ELEMENT_FLOAT, NATIVE, 4);
static const struct element FLOAT64 = ELEMENT(ELEMENT_FLOAT, NATIVE, 8);
static const struct element FLOAT64_SWAPPED = ELEMENT(ELEMENT_FLOAT, SWAPPED, 8);
static const struct element BOOL = ELEMENT(ELEMENT_BOOL, ELEMENT_ORDER_NONE, 1);
static const struct element COMPLEX64 = ELEMENT(ELEMENT_COMPLEX, NATIVE, 8);
static const struct element COMPLEX128 = ELEMENT(ELEMENT_COMPLEX, NATIVE, 16);
static const struct element OPAQUE5 = ELEMENT(ELEMENT_OPAQUE, ELEMENT_ORDER_NONE, 5);
static const struct element STRING12 = ELEMENT(ELEMENT_STRING, ELEMENT_ORDER_NONE, 12);
static const struct element BINARY128 = {ELEMENT_LONG_DOUBLE, NATIVE, ELEMENT_FORMAT_BINARY128, 16};
static const struct element DOUBLE_DOUBLE = {ELEMENT_LONG_DOUBLE, NATIVE, ELEMENT_FORMAT_DOUBLE_DOUBLE, 16};
#if HAVE_X87
static const struct element LONG_DOUBLE = {ELEMENT_LONG_DOUBLE, NATIVE, ELEMENT_FORMAT_X87_EXTENDED,
                                           sizeof(long double)};
#endif

static struct error error;
static struct structure structure;
static char directory[64];

static const char *path_of(const char *name)
{
    static char path[4][256];
    static unsigned next;
    char *chosen = path[next++ % COUNT(path)];

    snprintf(chosen, sizeof path[0], "%s/%s", directory, name);
    return chosen;
}

static void begin(void)
{
    error = ERROR_NONE;
    structure = STRUCTURE_NONE;
    strcpy(directory, "/tmp/h5ckpt-structure-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void end(void)
{
    structure_free(&structure);
    error_clear(&error);
    ck_assert_int_eq(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
    unlink(path_of("slot-a.h5"));
    unlink(path_of("slot-b.h5"));
    unlink(path_of("view.h5"));
    ck_assert_int_eq(rmdir(directory), 0);
}

static struct schema_entry entry_of(const char *name, struct element element, unsigned rank, const uint64_t *shape)
{
    struct schema_entry entry = {name, element, rank, shape, element.byte_count};

    for (unsigned i = 0; i < rank; i++)
        entry.byte_count *= shape[i];
    return entry;
}

static void build(const struct schema *schema)
{
    structure_free(&structure);
    assert_status_message(structure_build(&structure, schema, &error), H5CKPT_OK, error_message(&error));
}

static size_t metadata_byte_count(void)
{
    size_t sum = 0;

    for (size_t i = 0; i < structure.run_count; i++)
        sum += structure.run[i].byte_count;
    return sum;
}

/* Build `entry` alone, write it with `bytes` and open it with plain HDF5. Close both. */
static hid_t build_and_open(const struct schema_entry *entry, const void *bytes, hid_t *file)
{
    struct schema schema = {entry, 1};
    hid_t dataset;

    build(&schema);
    structure_file_write(path_of("slot-a.h5"), &structure, &schema, &bytes);
    *file = H5Fopen(path_of("slot-a.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    ck_assert_int_ge(*file, 0);
    dataset = H5Dopen2(*file, entry->name, H5P_DEFAULT);
    ck_assert_int_ge(dataset, 0);
    return dataset;
}

/* Takes `expected`, unless it is one of HDF5's own. */
static void assert_type(hid_t dataset, hid_t expected)
{
    hid_t type = H5Dget_type(dataset);

    ck_assert_int_gt(H5Tequal(type, expected), 0);
    H5Tclose(type);
}

static void assert_values(hid_t dataset, hid_t memory_type, const void *expected, size_t byte_count)
{
    unsigned char *actual = calloc(1, byte_count);

    ck_assert_int_ge(H5Dread(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, actual), 0);
    ck_assert_mem_eq(actual, expected, byte_count);
    free(actual);
}

static void assert_shape(hid_t dataset, unsigned rank, const uint64_t *shape)
{
    hid_t space = H5Dget_space(dataset);
    hsize_t extent[FORMAT_RANK_MAX] = {0};

    ck_assert_int_eq(H5Sget_simple_extent_ndims(space), (int)rank);
    H5Sget_simple_extent_dims(space, extent, NULL);
    for (unsigned i = 0; i < rank; i++)
        ck_assert_uint_eq(extent[i], shape[i]);
    H5Sclose(space);
}

/* Three elements of `element` with `bytes` are `expected` to plain HDF5. */
static void assert_stored(struct element element, hid_t type, const void *bytes, const void *expected)
{
    uint64_t shape[] = {3};
    struct schema_entry entry = entry_of("state/x", element, 1, shape);
    hid_t file;
    hid_t dataset = build_and_open(&entry, bytes, &file);

    assert_type(dataset, type);
    assert_shape(dataset, 1, shape);
    assert_values(dataset, type, expected, entry.byte_count);
    H5Dclose(dataset);
    H5Fclose(file);
}

/* --------------------------------------------------------------------- types */

START_TEST(every_integer_type_is_stored_as_hdf5_own_type)
{
    const struct {
        struct element element;
        hid_t type;
    } of[] = {{INT8, H5T_NATIVE_INT8},
              {INT16, H5T_NATIVE_INT16},
              {INT32, H5T_NATIVE_INT32},
              {INT64, H5T_NATIVE_INT64},
              {UINT8, H5T_NATIVE_UINT8},
              {UINT16, H5T_NATIVE_UINT16},
              {UINT32, H5T_NATIVE_UINT32},
              {UINT64_, H5T_NATIVE_UINT64},
              {FLOAT32, H5T_NATIVE_FLOAT},
              {FLOAT64, H5T_NATIVE_DOUBLE},
              {ELEMENT(ELEMENT_INT, ELEMENT_ORDER_BIG, 4), H5T_STD_I32BE},
              {ELEMENT(ELEMENT_UINT, ELEMENT_ORDER_LITTLE, 2), H5T_STD_U16LE},
              {ELEMENT(ELEMENT_FLOAT, ELEMENT_ORDER_BIG, 8), H5T_IEEE_F64BE}};
    unsigned char bytes[24];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i + 1);
    assert_stored(of[_i].element, of[_i].type, bytes, bytes);
}
END_TEST

START_TEST(big_endian_integers_read_as_their_numbers)
{
    uint64_t shape[] = {2};
    unsigned char bytes[4] = {0x01, 0x02, 0xff, 0xfe};
    int16_t expected[2] = {0x0102, -2};
    struct schema_entry entry = entry_of("state/x", INT16_SWAPPED, 1, shape);
    hid_t file;
    hid_t dataset;

    entry.element.order = ELEMENT_ORDER_BIG;
    dataset = build_and_open(&entry, bytes, &file);
    assert_values(dataset, H5T_NATIVE_INT16, expected, sizeof expected);
    H5Dclose(dataset);
    H5Fclose(file);
}
END_TEST

START_TEST(float16_reads_as_its_numbers)
{
    uint64_t shape[] = {4};
    uint16_t bytes[4] = {0x3c00, 0xc000, 0x7bff, 0x0001}; /* 1, -2, the largest, the smallest */
    float expected[4] = {1.0f, -2.0f, 65504.0f, 0x1p-24f};
    struct schema_entry entry = entry_of("state/half", FLOAT16, 1, shape);
    hid_t file;
    hid_t dataset = build_and_open(&entry, bytes, &file);

    assert_values(dataset, H5T_NATIVE_FLOAT, expected, sizeof expected);
    H5Dclose(dataset);
    H5Fclose(file);
}
END_TEST

#if HAVE_X87
START_TEST(long_double_is_stored_as_the_native_type)
{
    long double bytes[3];

    memset(bytes, 0, sizeof bytes);
    bytes[0] = 1.0L / 3;
    bytes[1] = -0x1p16000L;
    bytes[2] = INFINITY;
    for (size_t i = 0; i < 3; i++)
        memset((unsigned char *)&bytes[i] + 10, 0, sizeof bytes[i] - 10);
    assert_stored(LONG_DOUBLE, H5T_NATIVE_LDOUBLE, bytes, bytes);
}
END_TEST
#endif

START_TEST(quadruple_precision_reads_as_its_numbers)
{
    uint64_t shape[] = {2};
    unsigned char bytes[2][16] = {{0}};
    double expected[2] = {1.0, -0.75};
    struct schema_entry entry = entry_of("state/quad", BINARY128, 1, shape);
    hid_t file;
    hid_t dataset;

    entry.element.order = ELEMENT_ORDER_LITTLE;
    memcpy(bytes[0] + 14, (unsigned char[]){0xff, 0x3f}, 2);
    memcpy(bytes[1] + 13, (unsigned char[]){0x80, 0xfe, 0xbf}, 3);
    dataset = build_and_open(&entry, bytes, &file);
    assert_values(dataset, H5T_NATIVE_DOUBLE, expected, sizeof expected);
    H5Dclose(dataset);
    H5Fclose(file);
}
END_TEST

START_TEST(double_double_is_a_compound_of_its_halves)
{
    double bytes[3][2] = {{1.0, 0x1p-80}, {2.0, 0}, {-3.0, 0x1p-70}};
    hid_t type = H5Tcreate(H5T_COMPOUND, 16);

    H5Tinsert(type, "high", 0, H5T_NATIVE_DOUBLE);
    H5Tinsert(type, "low", 8, H5T_NATIVE_DOUBLE);
    assert_stored(DOUBLE_DOUBLE, type, bytes, bytes);
    H5Tclose(type);
}
END_TEST

START_TEST(bool_is_the_enumeration_that_h5py_uses)
{
    bool bytes[3] = {true, false, true};
    hid_t type = H5Tenum_create(H5T_STD_I8LE);

    H5Tenum_insert(type, "FALSE", &(int8_t){0});
    H5Tenum_insert(type, "TRUE", &(int8_t){1});
    assert_stored(BOOL, type, bytes, bytes);
    H5Tclose(type);
}
END_TEST

START_TEST(a_bool_of_four_bytes_is_true_in_either_order)
{
    const struct element of[] = {ELEMENT(ELEMENT_BOOL, ELEMENT_ORDER_LITTLE, 4),
                                 ELEMENT(ELEMENT_BOOL, ELEMENT_ORDER_BIG, 4)};
    const hid_t base[] = {H5T_STD_I32LE, H5T_STD_I32BE};
    unsigned char bytes[3][4] = {{0}};
    unsigned char true_value[4] = {0};
    hid_t type = H5Tenum_create(base[_i]);

    true_value[_i == 0 ? 0 : 3] = 1;
    memcpy(bytes[1], true_value, sizeof true_value);
    H5Tenum_insert(type, "FALSE", bytes[0]);
    H5Tenum_insert(type, "TRUE", true_value);
    assert_stored(of[_i], type, bytes, bytes);
    H5Tclose(type);
}
END_TEST

START_TEST(complex_is_the_compound_that_h5py_uses)
{
    float _Complex bytes[3] = {1.5f + 2.5f * I, -1.0f, 3.0f * I};
    hid_t type = H5Tcreate(H5T_COMPOUND, 8);

    H5Tinsert(type, "r", 0, H5T_NATIVE_FLOAT);
    H5Tinsert(type, "i", 4, H5T_NATIVE_FLOAT);
    assert_stored(COMPLEX64, type, bytes, bytes);
    H5Tclose(type);
}
END_TEST

START_TEST(opaque_has_an_empty_tag)
{
    hid_t type = H5Tcreate(H5T_OPAQUE, 5);

    H5Tset_tag(type, "");
    assert_stored(OPAQUE5, type, "abcdefghijklmno", "abcdefghijklmno");
    H5Tclose(type);
}
END_TEST

START_TEST(strings_are_utf8_padded_with_nul)
{
    char bytes[3][12] = {"grün", "", "twelve bytes"};
    hid_t type = H5Tcopy(H5T_C_S1);

    H5Tset_size(type, 12);
    H5Tset_cset(type, H5T_CSET_UTF8);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    assert_stored(STRING12, type, bytes, bytes);
    H5Tclose(type);
}
END_TEST

START_TEST(what_the_format_does_not_know_has_no_type)
{
    const struct element unknown[] = {ELEMENT((enum element_class)99, NATIVE, 8),
                                      ELEMENT(ELEMENT_FLOAT, NATIVE, 16),
                                      ELEMENT(ELEMENT_LONG_DOUBLE, NATIVE, 16),
                                      {ELEMENT_LONG_DOUBLE, NATIVE, (enum element_format)99, 16}};

    for (size_t i = 0; i < COUNT(unknown); i++) {
        ck_assert(!element_is_known(&unknown[i]));
        ck_assert_int_lt(datatype_of_element(&unknown[i]), 0);
    }
    ck_assert(!convert_is_possible(&unknown[0], &unknown[0]));
}
END_TEST

/* -------------------------------------------------------------------- shapes */

START_TEST(scalars_have_no_dimensions)
{
    int32_t value = 7;
    struct schema_entry entry = entry_of("state/step", INT32, 0, NULL);
    hid_t file;
    hid_t dataset = build_and_open(&entry, &value, &file);
    hid_t space = H5Dget_space(dataset);

    ck_assert_int_eq(H5Sget_simple_extent_type(space), H5S_SCALAR);
    assert_values(dataset, H5T_NATIVE_INT32, &value, sizeof value);
    H5Sclose(space);
    H5Dclose(dataset);
    H5Fclose(file);
}
END_TEST

START_TEST(arrays_without_elements_have_their_shape_and_no_offset)
{
    uint64_t shape[] = {3, 0, 5};
    struct schema_entry entry = entry_of("state/empty", FLOAT64, 3, shape);
    hid_t file;
    hid_t dataset = build_and_open(&entry, NULL, &file);

    assert_shape(dataset, 3, shape);
    ck_assert_uint_eq(structure.variable_offset[0], 0);
    H5Dclose(dataset);
    H5Fclose(file);
}
END_TEST

START_TEST(rank_32_is_stored)
{
    uint64_t shape[FORMAT_RANK_MAX];
    int16_t values[16];
    struct schema_entry entry;
    hid_t file;
    hid_t dataset;

    for (size_t i = 0; i < FORMAT_RANK_MAX; i++)
        shape[i] = i % 8 == 3 ? 2 : 1;
    for (size_t i = 0; i < COUNT(values); i++)
        values[i] = (int16_t)(100 * i);
    entry = entry_of("state/x", INT16, FORMAT_RANK_MAX, shape);
    dataset = build_and_open(&entry, values, &file);
    assert_shape(dataset, FORMAT_RANK_MAX, shape);
    assert_values(dataset, H5T_NATIVE_INT16, values, sizeof values);
    H5Dclose(dataset);
    H5Fclose(file);
}
END_TEST

/* --------------------------------------------------------------------- names */

START_TEST(names_of_512_parts_are_stored)
{
    char name[FORMAT_NAME_BYTES_MAX + 16] = "state";
    int64_t value = 42;
    struct schema_entry entry;
    hid_t file;
    hid_t dataset;

    for (size_t i = 0; i < 511; i++)
        strcat(name, "/g");
    entry = entry_of(name, INT64, 0, NULL);
    dataset = build_and_open(&entry, &value, &file);
    assert_values(dataset, H5T_NATIVE_INT64, &value, sizeof value);
    H5Dclose(dataset);
    H5Fclose(file);
}
END_TEST

/* The character set of `link_name` in the group /state, and whether that is a symbol table, when `variable_name` is
 * the only variable. */
static void assert_link_is(const char *variable_name, const char *link_name, H5T_cset_t character_set,
                           bool is_symbol_table)
{
    struct schema_entry entry = entry_of(variable_name, INT8, 0, NULL);
    hid_t file;
    hid_t dataset = build_and_open(&entry, NULL, &file);
    H5L_info_t link;
    H5G_info_t group;

    ck_assert_int_ge(H5Lget_info(file, link_name, &link, H5P_DEFAULT), 0);
    ck_assert_int_ge(H5Gget_info_by_name(file, "state", &group, H5P_DEFAULT), 0);
    ck_assert_int_eq(link.cset, character_set);
    ck_assert_int_eq(group.storage_type == H5G_STORAGE_TYPE_SYMBOL_TABLE, is_symbol_table);
    H5Dclose(dataset);
    H5Fclose(file);
}

START_TEST(names_outside_ascii_are_marked_as_utf8)
{
    assert_link_is("state/größe/重み", "state/größe", H5T_CSET_UTF8, false);
    assert_link_is("state/größe/重み", "state/größe/重み", H5T_CSET_UTF8, false);
}
END_TEST

START_TEST(names_in_ascii_leave_the_group_a_symbol_table)
{
    assert_link_is("state/weights", "state/weights", H5T_CSET_ASCII, true);
}
END_TEST

START_TEST(a_name_that_is_taken_is_an_error_that_names_it_and_hdf5_reason)
{
    struct schema_entry entry[2] = {entry_of("state/x", INT8, 0, NULL), entry_of("state/x", INT8, 0, NULL)};
    struct schema schema = {entry, 2};

    assert_status(structure_build(&structure, &schema, &error), H5CKPT_E_HDF5);
    assert_mentions(error_message(&error), "state/x");
    assert_mentions(error_message(&error), "name already exists");
    ck_assert_ptr_null(structure.run);
}
END_TEST

/* -------------------------------------------------------------------- layout */

/* Two files' worth of variables of many types and sizes, large between small. */
static struct schema mixed_schema(void)
{
    static const uint64_t shape[][2] = {{10, 10}, {100, 1000}, {0, 7}, {1, 1}};
    static struct schema_entry entry[40];
    static char name[COUNT(entry)][32];
    const struct element *element[] = {&FLOAT64, &COMPLEX128, &BOOL, &OPAQUE5, &STRING12, &FLOAT16, &BINARY128};

    for (size_t i = 0; i < COUNT(entry); i++) {
        snprintf(name[i], sizeof name[i], "state/group%zu/x%zu", i % 3, i);
        entry[i] = entry_of(name[i], *element[i % COUNT(element)], (unsigned)(i % 3), shape[i % COUNT(shape)]);
    }
    return (struct schema){entry, COUNT(entry)};
}

static bool runs_spare(uint64_t begin_offset, uint64_t end_offset)
{
    for (size_t i = 0; i < structure.run_count; i++)
        if (structure.run[i].offset < end_offset &&
            structure.run[i].offset + structure.run[i].byte_count > begin_offset)
            return false;
    return true;
}

START_TEST(runs_ascend_and_spare_all_variables)
{
    struct schema schema = mixed_schema();

    build(&schema);
    for (size_t i = 0; i + 1 < structure.run_count; i++)
        ck_assert_uint_lt(structure.run[i].offset + structure.run[i].byte_count, structure.run[i + 1].offset);
    for (size_t i = 0; i < schema.entry_count; i++)
        if (schema.entry[i].byte_count > 0)
            ck_assert(
                runs_spare(structure.variable_offset[i], structure.variable_offset[i] + schema.entry[i].byte_count));
}
END_TEST

START_TEST(the_metadata_is_one_run_behind_the_user_block)
{
    struct schema schema = mixed_schema();

    build(&schema);
    ck_assert_uint_eq(structure.run_count, 1);
    ck_assert_uint_eq(structure.run[0].offset, FORMAT_USER_BLOCK_BYTES);
}
END_TEST

START_TEST(the_metadata_of_long_names_is_one_run_too)
{
    struct schema_entry entry[40];
    char name[COUNT(entry)][512];

    for (size_t i = 0; i < COUNT(entry); i++) {
        snprintf(name[i], sizeof name[i], "state/%0*zu/x%0*zu", 80 + (int)(i % 2) * 300, i % 4, 70, i);
        entry[i] = entry_of(name[i], INT64, 0, NULL);
    }
    build(&(struct schema){entry, COUNT(entry)});
    ck_assert_uint_eq(structure.run_count, 1);
}
END_TEST

START_TEST(the_same_schema_gives_the_same_bytes)
{
    struct schema schema = mixed_schema();
    struct schema other = {schema.entry + 5, 20};
    struct structure first;

    mallopt(M_PERTURB, 0x5a);
    build(&schema);
    first = structure;
    structure = STRUCTURE_NONE;
    build(&other); /* leaves other bytes in memory that HDF5 uses again */
    mallopt(M_PERTURB, 0x33);
    build(&schema);
    mallopt(M_PERTURB, 0);
    ck_assert_uint_eq(structure.end, first.end);
    ck_assert_uint_eq(structure.run_count, first.run_count);
    for (size_t i = 0; i < first.run_count; i++)
        ck_assert_mem_eq(structure.run[i].bytes, first.run[i].bytes, first.run[i].byte_count);
    ck_assert_mem_eq(structure.variable_offset, first.variable_offset,
                     schema.entry_count * sizeof *first.variable_offset);
    structure_free(&first);
}
END_TEST

START_TEST(large_variables_lie_at_multiples_of_4096)
{
    struct schema schema = mixed_schema();
    size_t large_count = 0;

    build(&schema);
    for (size_t i = 0; i < schema.entry_count; i++)
        if (schema.entry[i].byte_count >= FORMAT_ALIGN_THRESHOLD_BYTES) {
            large_count++;
            ck_assert_uint_eq(structure.variable_offset[i] % FORMAT_ALIGN_BYTES, 0);
        }
    ck_assert_uint_gt(large_count, 0);
}
END_TEST

START_TEST(small_variables_lie_together)
{
    struct schema schema = mixed_schema();
    uint64_t first = UINT64_MAX;
    uint64_t last = 0;
    uint64_t sum = 0;

    build(&schema);
    for (size_t i = 0; i < schema.entry_count; i++) {
        uint64_t byte_count = schema.entry[i].byte_count;

        if (byte_count == 0 || byte_count >= FORMAT_ALIGN_THRESHOLD_BYTES)
            continue;
        sum += byte_count;
        first = first < structure.variable_offset[i] ? first : structure.variable_offset[i];
        last = last > structure.variable_offset[i] + byte_count ? last : structure.variable_offset[i] + byte_count;
    }
    ck_assert_uint_eq(last - first, sum);
}
END_TEST

START_TEST(the_end_is_the_one_that_the_superblock_records)
{
    struct schema schema = mixed_schema();
    uint64_t recorded = 0;

    build(&schema);
    for (size_t i = 0; i < sizeof recorded; i++)
        recorded |= (uint64_t)structure.run[0].bytes[40 + i] << (8 * i);
    ck_assert_uint_eq(structure.end, recorded);
}
END_TEST

START_TEST(no_variables_at_all_are_a_file_too)
{
    struct schema schema = {NULL, 0};
    hid_t file;

    build(&schema);
    structure_file_write(path_of("slot-a.h5"), &structure, &schema, NULL);
    file = H5Fopen(path_of("slot-a.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    ck_assert_int_ge(file, 0);
    H5Fclose(file);
}
END_TEST

/* `count` variables of 8 × `extent[0]` × … bytes, in all more than a terabyte, make a structure below a megabyte. */
static void assert_terabyte_is_cheap(size_t count, unsigned rank, const uint64_t *shape)
{
    static struct schema_entry entry[1024];
    static char name[COUNT(entry)][32];
    struct schema schema = {entry, count};

    for (size_t i = 0; i < count; i++) {
        snprintf(name[i], sizeof name[i], "state/x%zu", i);
        entry[i] = entry_of(name[i], FLOAT64, rank, shape);
    }
    build(&schema);
    ck_assert_uint_gt(structure.end, UINT64_C(1) << 40);
    ck_assert_uint_lt(metadata_byte_count(), 1 << 20);
}

START_TEST(a_terabyte_costs_less_than_a_megabyte_of_memory)
{
    assert_terabyte_is_cheap(1, 2, (const uint64_t[]){1 << 20, 1 << 17});
    assert_terabyte_is_cheap(64, 4, (const uint64_t[]){16, 1024, 1024, 128});
    assert_terabyte_is_cheap(1024, 3, (const uint64_t[]){1024, 1024, 128});
}
END_TEST

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

START_TEST(runs_spare_100000_small_variables)
{
    enum { VARIABLE_COUNT = 100000 };
    static const uint64_t shape[] = {8};
    static char name[VARIABLE_COUNT][32];
    struct schema_entry *entry = calloc(VARIABLE_COUNT, sizeof *entry);
    struct schema schema = {entry, VARIABLE_COUNT};
    double started;

    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        snprintf(name[i], sizeof name[i], "state/layer%zu/rng", i);
        if (i % 2 == 0)
            snprintf(name[i], sizeof name[i], "state/w%zu", i);
        entry[i] = entry_of(name[i], FLOAT64, 1, shape);
    }
    started = seconds();
    build(&schema);
    printf(
        "100,000 variables, half of them in groups of their own: %.2f s, %zu bytes of metadata in %zu runs, end %llu\n",
        seconds() - started, metadata_byte_count(), structure.run_count, (unsigned long long)structure.end);
    for (size_t i = 0; i < VARIABLE_COUNT; i++)
        ck_assert(runs_spare(structure.variable_offset[i], structure.variable_offset[i] + 64));
    free(entry);
}
END_TEST

/* ---------------------------------------------------------------------- view */

static void write_slot(const char *name, int32_t value)
{
    struct schema_entry entry = entry_of("state/x", INT32, 0, NULL);
    struct schema schema = {&entry, 1};

    build(&schema);
    structure_file_write(path_of(name), &structure, &schema, (const void *const[]){&value});
}

static hid_t open_view(const char *current, const char *previous)
{
    structure_free(&structure);
    assert_status_message(structure_build_view(&structure, current, previous, &error), H5CKPT_OK,
                          error_message(&error));
    structure_file_write(path_of("view.h5"), &structure, &(struct schema){0}, NULL);
    return H5Fopen(path_of("view.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
}

static void assert_linked(hid_t view, const char *name, int32_t expected)
{
    hid_t dataset = H5Oopen(view, name, H5P_DEFAULT);

    ck_assert_int_ge(dataset, 0);
    assert_values(dataset, H5T_NATIVE_INT32, &expected, sizeof expected);
    H5Oclose(dataset);
}

START_TEST(the_view_leads_to_current_and_previous)
{
    hid_t view;

    write_slot("slot-a.h5", 11);
    write_slot("slot-b.h5", 22);
    view = open_view("slot-b.h5", "slot-a.h5");
    ck_assert_int_ge(view, 0);
    assert_linked(view, "current/state/x", 22);
    assert_linked(view, "previous/state/x", 11);
    H5Fclose(view);
}
END_TEST

START_TEST(the_view_has_no_link_that_was_not_asked_for)
{
    hid_t view = open_view("slot-a.h5", NULL);

    ck_assert_int_ge(view, 0);
    ck_assert_int_gt(H5Lexists(view, "current", H5P_DEFAULT), 0);
    ck_assert_int_eq(H5Lexists(view, "previous", H5P_DEFAULT), 0);
    H5Fclose(view);
}
END_TEST

/* ---------------------------------------------------------------- conversion */

static void convert(void *bytes, size_t count, const struct element *from, const struct element *to)
{
    ck_assert(convert_is_possible(from, to));
    assert_status_message(convert_elements(bytes, count, from, to, &error), H5CKPT_OK, error_message(&error));
}

START_TEST(byte_order_is_converted)
{
    double values[2] = {1.0, -2.5};
    unsigned char bytes[sizeof values];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = ((unsigned char *)values)[i / 8 * 8 + 7 - i % 8];
    convert(bytes, 2, &FLOAT64_SWAPPED, &FLOAT64);
    ck_assert_mem_eq(bytes, values, sizeof values);
}
END_TEST

START_TEST(float32_becomes_float64_in_place)
{
    double expected[3] = {0.5, -1.25, INFINITY};
    double bytes[3];

    memcpy(bytes, (float[]){0.5f, -1.25f, INFINITY}, 3 * sizeof(float));
    convert(bytes, 3, &FLOAT32, &FLOAT64);
    ck_assert_mem_eq(bytes, expected, sizeof expected);
}
END_TEST

START_TEST(float16_becomes_float32)
{
    float expected[2] = {1.0f, 65504.0f};
    float bytes[2];

    memcpy(bytes, (uint16_t[]){0x3c00, 0x7bff}, 2 * sizeof(uint16_t));
    convert(bytes, 2, &FLOAT16, &FLOAT32);
    ck_assert_mem_eq(bytes, expected, sizeof expected);
}
END_TEST

START_TEST(integers_out_of_range_are_clipped)
{
    int64_t bytes[4] = {1000, -1000, 5, INT64_MIN};
    const int8_t *narrow = (const int8_t *)bytes;

    convert(bytes, 4, &INT64, &INT8);
    ck_assert_mem_eq(narrow, ((int8_t[]){127, -128, 5, -128}), 4);
}
END_TEST

START_TEST(negative_integers_become_unsigned_zero)
{
    unsigned char bytes[8] = {(unsigned char)-5, 7};
    uint64_t expected = 0;
    unsigned char seven_swapped[8] = {0};

    seven_swapped[SWAPPED == ELEMENT_ORDER_BIG ? 7 : 0] = 7;
    convert(bytes, 1, &INT8, &UINT64_SWAPPED);
    ck_assert_mem_eq(bytes, &expected, 8);
    bytes[0] = 7;
    convert(bytes, 1, &INT8, &UINT64_SWAPPED);
    ck_assert_mem_eq(bytes, seven_swapped, 8);
}
END_TEST

START_TEST(complex64_becomes_complex128)
{
    double _Complex expected[2] = {1.0 + 2.0 * I, -0.5 * I};
    double _Complex bytes[2];

    memcpy(bytes, (float _Complex[]){1.0f + 2.0f * I, -0.5f * I}, 2 * sizeof(float _Complex));
    convert(bytes, 2, &COMPLEX64, &COMPLEX128);
    ck_assert(creal(bytes[0]) == 1.0 && cimag(bytes[0]) == 2.0 && cimag(bytes[1]) == cimag(expected[1]));
}
END_TEST

#if HAVE_X87
START_TEST(long_double_padding_is_zero_after_a_conversion)
{
    unsigned char bytes[3 * sizeof(long double)];
    long double values[3] = {1.0L, -2.5L, 0.1};

    memset(bytes, 0xee, sizeof bytes);
    memcpy(bytes, (double[]){1.0, -2.5, 0.1}, 3 * sizeof(double));
    convert(bytes, 3, &FLOAT64, &LONG_DOUBLE);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_mem_eq(bytes + i * sizeof(long double), &values[i], 10);
        for (size_t k = 10; k < sizeof(long double); k++)
            ck_assert_uint_eq(bytes[i * sizeof(long double) + k], 0);
    }
}
END_TEST

START_TEST(quadruple_precision_becomes_long_double)
{
    unsigned char bytes[16] = {0};
    struct element from = BINARY128;

    from.order = ELEMENT_ORDER_BIG;
    memcpy(bytes, (unsigned char[]){0xbf, 0xfe, 0x80}, 3);
    convert(bytes, 1, &from, &LONG_DOUBLE);
    ck_assert_mem_eq(bytes, &(long double){-0.75L}, 10);
}
END_TEST
#endif

START_TEST(a_long_double_of_eight_bytes_becomes_any_float)
{
    const struct element from = {ELEMENT_LONG_DOUBLE, SWAPPED, ELEMENT_FORMAT_BINARY64, 8};
    double values[2] = {1.5, -0.1};

    convert(values, 2, &FLOAT64, &from);
    ck_assert_double_ne(values[0], 1.5);
    convert(values, 2, &from, &FLOAT64);
    ck_assert_mem_eq(values, ((double[]){1.5, -0.1}), sizeof values);
}
END_TEST

START_TEST(numbers_of_other_kinds_are_not_converted)
{
    ck_assert(!convert_is_possible(&INT32, &FLOAT32));
    ck_assert(!convert_is_possible(&FLOAT64, &COMPLEX128));
    ck_assert(!convert_is_possible(&STRING12, &INT32));
    ck_assert(!convert_is_possible(&STRING12, &STRING12));
    ck_assert(!convert_is_possible(&BOOL, &INT8));
    ck_assert(!convert_is_possible(&OPAQUE5, &OPAQUE5));
    ck_assert(!convert_is_possible(&DOUBLE_DOUBLE, &FLOAT64));
}
END_TEST

/* ------------------------------------------------------- HDF5's global state */

static int printer_context;
static int printed_count;

static herr_t printer(hid_t stack, void *context)
{
    (void)stack;
    (void)context;
    printed_count++;
    return 0;
}

static void assert_printer_is_ours(void)
{
    H5E_auto2_t function;
    void *context;

    ck_assert_int_ge(H5Eget_auto2(H5E_DEFAULT, &function, &context), 0);
    ck_assert(function == printer && context == &printer_context);
}

/* A success, a failure, a view and a conversion. */
static void use_everything(void)
{
    struct schema schema = mixed_schema();
    struct schema_entry twice[2] = {entry_of("state/x", INT8, 0, NULL), entry_of("state/x", INT8, 0, NULL)};
    double bytes = 0;

    build(&schema);
    structure_free(&structure);
    ck_assert_int_lt(structure_build(&structure, &(struct schema){twice, 2}, &error), 0);
    assert_status(structure_build_view(&structure, "a.h5", "b.h5", &error), H5CKPT_OK);
    structure_free(&structure);
    convert(&bytes, 1, &FLOAT32, &FLOAT64);
}

START_TEST(the_programs_error_printing_is_left_as_it_was)
{
    printed_count = 0;
    H5Eset_auto2(H5E_DEFAULT, printer, &printer_context);
    use_everything();
    assert_printer_is_ours();
    ck_assert_int_eq(printed_count, 0);
}
END_TEST

static herr_t printer_old(void *context)
{
    (void)context;
    printed_count++;
    return 0;
}

START_TEST(old_style_error_printing_is_left_as_it_was)
{
    H5E_auto1_t function;
    void *context;

    printed_count = 0;
    H5Eset_auto1(printer_old, &printer_context);
    use_everything();
    ck_assert_int_ge(H5Eget_auto1(&function, &context), 0);
    ck_assert(function == printer_old && context == &printer_context);
    ck_assert_int_eq(printed_count, 0);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}
END_TEST

START_TEST(no_hdf5_object_is_left_open)
{
    use_everything();
    ck_assert_int_eq(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
}
END_TEST

START_TEST(everything_works_after_the_program_closed_hdf5)
{
    use_everything();
    ck_assert_int_ge(H5close(), 0);
    use_everything();
}
END_TEST

/* -------------------------------------------------------------------- memory */

/* Make datasets in `image` until HDF5 refuses; closing the file must succeed all the same. */
static bool fill_image(struct image *image)
{
    hid_t access_list = driver_access_list(image);
    hid_t file = H5Fcreate("/image", H5F_ACC_TRUNC, H5P_DEFAULT, access_list);
    hid_t space = H5Screate(H5S_SCALAR);
    bool filled = file >= 0;

    ck_assert_int_ge(access_list, 0);
    for (int i = 0; i < 300 && filled; i++) {
        char name[32];
        hid_t dataset;

        snprintf(name, sizeof name, "x%d", i);
        dataset = H5Dcreate2(file, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        filled = dataset >= 0;
        if (filled)
            H5Dclose(dataset);
        if (i % 50 == 49)
            H5Fflush(file, H5F_SCOPE_LOCAL);
    }
    H5Sclose(space);
    if (file >= 0)
        ck_assert_int_ge(H5Fclose(file), 0);
    H5Pclose(access_list);
    return filled;
}

START_TEST(a_write_lost_for_want_of_memory_is_remembered_and_hurts_nobody)
{
    struct image *image = image_new();

    ck_assert_ptr_nonnull(image);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    image->page_count_max = (size_t)_i;
    fill_image(image);
    ck_assert(image->failed);
    ck_assert_uint_le(image->page_count, (size_t)_i);
    image_release(image);
}
END_TEST

START_TEST(an_image_reads_zeros_where_nothing_was_written)
{
    struct image *image = image_new();
    unsigned char bytes[3 * IMAGE_PAGE_BYTES];

    ck_assert(fill_image(image));
    ck_assert(!image->failed);
    memset(bytes, 1, sizeof bytes);
    image_read(image, image->end + 1, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        ck_assert_uint_eq(bytes[i], 0);
    image_release(image);
}
END_TEST

START_TEST(what_an_image_holds_can_be_opened_again)
{
    struct image *image = image_new();
    hid_t access_list;
    hid_t file;

    ck_assert(fill_image(image));
    access_list = driver_access_list(image);
    file = H5Fopen("/image", H5F_ACC_RDONLY, access_list);
    ck_assert_int_ge(file, 0);
    ck_assert_int_gt(H5Lexists(file, "x0", H5P_DEFAULT), 0);
    ck_assert_int_gt(H5Lexists(file, "x299", H5P_DEFAULT), 0);
    H5Fclose(file);
    H5Pclose(access_list);
    image_release(image);
}
END_TEST

static void add_type_tests(TCase *tests)
{
    tcase_add_loop_test(tests, every_integer_type_is_stored_as_hdf5_own_type, 0, 13);
    tcase_add_test(tests, big_endian_integers_read_as_their_numbers);
    tcase_add_test(tests, float16_reads_as_its_numbers);
    tcase_add_test(tests, quadruple_precision_reads_as_its_numbers);
    tcase_add_test(tests, double_double_is_a_compound_of_its_halves);
    tcase_add_test(tests, bool_is_the_enumeration_that_h5py_uses);
    tcase_add_loop_test(tests, a_bool_of_four_bytes_is_true_in_either_order, 0, 2);
    tcase_add_test(tests, complex_is_the_compound_that_h5py_uses);
    tcase_add_test(tests, opaque_has_an_empty_tag);
    tcase_add_test(tests, strings_are_utf8_padded_with_nul);
    tcase_add_test(tests, what_the_format_does_not_know_has_no_type);
#if HAVE_X87
    tcase_add_test(tests, long_double_is_stored_as_the_native_type);
    tcase_add_test(tests, long_double_padding_is_zero_after_a_conversion);
    tcase_add_test(tests, quadruple_precision_becomes_long_double);
#endif
    tcase_add_test(tests, byte_order_is_converted);
    tcase_add_test(tests, float32_becomes_float64_in_place);
    tcase_add_test(tests, float16_becomes_float32);
    tcase_add_test(tests, integers_out_of_range_are_clipped);
    tcase_add_test(tests, negative_integers_become_unsigned_zero);
    tcase_add_test(tests, complex64_becomes_complex128);
    tcase_add_test(tests, a_long_double_of_eight_bytes_becomes_any_float);
    tcase_add_test(tests, numbers_of_other_kinds_are_not_converted);
}

static void add_layout_tests(TCase *tests)
{
    tcase_add_test(tests, scalars_have_no_dimensions);
    tcase_add_test(tests, arrays_without_elements_have_their_shape_and_no_offset);
    tcase_add_test(tests, rank_32_is_stored);
    tcase_add_test(tests, names_of_512_parts_are_stored);
    tcase_add_test(tests, names_outside_ascii_are_marked_as_utf8);
    tcase_add_test(tests, names_in_ascii_leave_the_group_a_symbol_table);
    tcase_add_test(tests, a_name_that_is_taken_is_an_error_that_names_it_and_hdf5_reason);
    tcase_add_test(tests, runs_ascend_and_spare_all_variables);
    tcase_add_test(tests, the_metadata_is_one_run_behind_the_user_block);
    tcase_add_test(tests, the_metadata_of_long_names_is_one_run_too);
    tcase_add_test(tests, the_same_schema_gives_the_same_bytes);
    tcase_add_test(tests, large_variables_lie_at_multiples_of_4096);
    tcase_add_test(tests, small_variables_lie_together);
    tcase_add_test(tests, the_end_is_the_one_that_the_superblock_records);
    tcase_add_test(tests, no_variables_at_all_are_a_file_too);
    tcase_add_test(tests, a_terabyte_costs_less_than_a_megabyte_of_memory);
    tcase_add_test(tests, runs_spare_100000_small_variables);
}

static void add_other_tests(TCase *tests)
{
    tcase_add_test(tests, the_view_leads_to_current_and_previous);
    tcase_add_test(tests, the_view_has_no_link_that_was_not_asked_for);
    tcase_add_test(tests, the_programs_error_printing_is_left_as_it_was);
    tcase_add_test(tests, old_style_error_printing_is_left_as_it_was);
    tcase_add_test(tests, no_hdf5_object_is_left_open);
    tcase_add_test(tests, everything_works_after_the_program_closed_hdf5);
    tcase_add_loop_test(tests, a_write_lost_for_want_of_memory_is_remembered_and_hurts_nobody, 0, 27);
    tcase_add_test(tests, an_image_reads_zeros_where_nothing_was_written);
    tcase_add_test(tests, what_an_image_holds_can_be_opened_again);
}

int main(void)
{
    Suite *suite = suite_create("structure");
    TCase *tests = tcase_create("structure");

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, begin, end);
    add_type_tests(tests);
    add_layout_tests(tests);
    add_other_tests(tests);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
