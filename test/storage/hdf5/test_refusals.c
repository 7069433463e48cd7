/* SPDX-License-Identifier: MIT */
/*
 * Any call of HDF5 that fails is an error and leaves nothing open: the linker leads the library's calls through here,
 * where each one in turn is refused, alone or with all that follow.
 */
#include <check.h>
#include <hdf5.h>
#include <stdlib.h>

#include "storage/hdf5/convert.h"
#include "storage/hdf5/driver.h"
#include "storage/hdf5/structure.h"
#include "support/assert_h5ckpt.h"
#include "support/fixture.h"
#include "support/suite.h"

#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

enum { REFUSE_ONE, REFUSE_FROM_THERE_ON };

static struct {
    bool on; /* the library is at work: the calls are its own */
    bool from_there_on;
    long first;
    long seen;
    bool refused;       /* any */
    bool close_refused; /* H5Fclose(): its file stays open, and that is to be so */
    hid_t file_list;    /* the last file's access property list */
    long open_count;    /* ids that were made and not closed */
} hdf5;

static bool refused(void)
{
    const long number = hdf5.on ? hdf5.seen++ : -1;
    const bool refuses = hdf5.on && (hdf5.from_there_on ? number >= hdf5.first : number == hdf5.first);

    hdf5.refused |= refuses;
    return refuses;
}

static void refuse(long first, bool from_there_on)
{
    hdf5.on = true;
    hdf5.from_there_on = from_there_on;
    hdf5.first = first;
    hdf5.seen = 0;
    hdf5.refused = hdf5.close_refused = false;
}

/* HDF5 itself tells of files, groups and datasets only. */
static hid_t made(hid_t id)
{
    hdf5.open_count += id >= 0;
    return id;
}

static herr_t closed(herr_t result)
{
    ck_assert_int_ge(result, 0);
    hdf5.open_count--;
    return result;
}

#define CALL_AND(type, failure, name, parameters, arguments, then)  \
    type __real_##name parameters;                                  \
    type __wrap_##name parameters;                                  \
    type __wrap_##name parameters                                   \
    {                                                               \
        return refused() ? failure : then(__real_##name arguments); \
    }
#define CALL(type, failure, name, parameters, arguments) CALL_AND(type, failure, name, parameters, arguments, )

/* One that makes an id, and one that closes it. */
#define MAKING_CALL(name, parameters, arguments) CALL_AND(hid_t, H5I_INVALID_HID, name, parameters, arguments, made)
#define CLOSING_CALL(name)                \
    herr_t __real_##name(hid_t id);       \
    herr_t __wrap_##name(hid_t id);       \
    herr_t __wrap_##name(hid_t id)        \
    {                                     \
        return closed(__real_##name(id)); \
    }

CLOSING_CALL(H5Dclose)
CLOSING_CALL(H5FDunregister)
CLOSING_CALL(H5Gclose)
CLOSING_CALL(H5Pclose)
CLOSING_CALL(H5Sclose)
CLOSING_CALL(H5Tclose)
MAKING_CALL(H5Tcopy, (hid_t type), (type))
MAKING_CALL(H5Tcreate, (H5T_class_t class, size_t size), (class, size))
MAKING_CALL(H5Tenum_create, (hid_t base), (base))
CALL(size_t, 0, H5Tget_size, (hid_t type), (type))
CALL(herr_t, -1, H5Tset_size, (hid_t type, size_t size), (type, size))
CALL(herr_t, -1, H5Tset_precision, (hid_t type, size_t bits), (type, bits))
CALL(herr_t, -1, H5Tset_fields,
     (hid_t type, size_t sign, size_t exponent, size_t exponent_bits, size_t mantissa, size_t mantissa_bits),
     (type, sign, exponent, exponent_bits, mantissa, mantissa_bits))
CALL(herr_t, -1, H5Tset_ebias, (hid_t type, size_t bias), (type, bias))
CALL(herr_t, -1, H5Tset_norm, (hid_t type, H5T_norm_t norm), (type, norm))
CALL(herr_t, -1, H5Tset_order, (hid_t type, H5T_order_t order), (type, order))
CALL(herr_t, -1, H5Tset_tag, (hid_t type, const char *tag), (type, tag))
CALL(herr_t, -1, H5Tset_cset, (hid_t type, H5T_cset_t set), (type, set))
CALL(herr_t, -1, H5Tset_strpad, (hid_t type, H5T_str_t padding), (type, padding))
CALL(herr_t, -1, H5Tinsert, (hid_t type, const char *name, size_t offset, hid_t member), (type, name, offset, member))
CALL(herr_t, -1, H5Tenum_insert, (hid_t type, const char *name, const void *value), (type, name, value))
CALL(herr_t, -1, H5Tconvert, (hid_t from, hid_t to, size_t count, void *bytes, void *background, hid_t list),
     (from, to, count, bytes, background, list))
MAKING_CALL(H5Pcreate, (hid_t class), (class))
CALL(herr_t, -1, H5Pset_userblock, (hid_t list, hsize_t size), (list, size))
CALL(herr_t, -1, H5Pset_obj_track_times, (hid_t list, hbool_t track), (list, track))
CALL(herr_t, -1, H5Pset_libver_bounds, (hid_t list, H5F_libver_t low, H5F_libver_t high), (list, low, high))
CALL(herr_t, -1, H5Pset_fclose_degree, (hid_t list, H5F_close_degree_t degree), (list, degree))
CALL(herr_t, -1, H5Pset_alignment, (hid_t list, hsize_t threshold, hsize_t alignment), (list, threshold, alignment))
CALL(herr_t, -1, H5Pset_meta_block_size, (hid_t list, hsize_t size), (list, size))
CALL(herr_t, -1, H5Pset_small_data_block_size, (hid_t list, hsize_t size), (list, size))
CALL(herr_t, -1, H5Pset_create_intermediate_group, (hid_t list, unsigned create), (list, create))
CALL(herr_t, -1, H5Pset_char_encoding, (hid_t list, H5T_cset_t set), (list, set))
CALL(herr_t, -1, H5Pset_layout, (hid_t list, H5D_layout_t layout), (list, layout))
CALL(herr_t, -1, H5Pset_alloc_time, (hid_t list, H5D_alloc_time_t time), (list, time))
CALL(herr_t, -1, H5Pset_fill_time, (hid_t list, H5D_fill_time_t time), (list, time))
CALL(herr_t, -1, H5Pset_driver, (hid_t list, hid_t driver, const void *settings), (list, driver, settings))
CALL(const void *, NULL, H5Pget_driver_info, (hid_t list), (list))
MAKING_CALL(H5FDregister, (const H5FD_class_t *class), (class))
MAKING_CALL(H5Gcreate2, (hid_t file, const char *name, hid_t links, hid_t creation, hid_t access),
            (file, name, links, creation, access))
CALL(htri_t, -1, H5Lexists, (hid_t file, const char *name, hid_t list), (file, name, list))
CALL(herr_t, -1, H5Lcreate_external,
     (const char *to_file, const char *to, hid_t file, const char *name, hid_t creation, hid_t access),
     (to_file, to, file, name, creation, access))
MAKING_CALL(H5Screate, (H5S_class_t class), (class))
MAKING_CALL(H5Screate_simple, (int rank, const hsize_t *extent, const hsize_t *extent_max), (rank, extent, extent_max))
CALL(haddr_t, HADDR_UNDEF, H5Dget_offset, (hid_t dataset), (dataset))

hid_t __real_H5Fcreate(const char *name, unsigned flags, hid_t creation, hid_t access);
hid_t __wrap_H5Fcreate(const char *name, unsigned flags, hid_t creation, hid_t access);
hid_t __wrap_H5Fcreate(const char *name, unsigned flags, hid_t creation, hid_t access)
{
    hdf5.file_list = access;
    return refused() ? H5I_INVALID_HID : made(__real_H5Fcreate(name, flags, creation, access));
}

herr_t __real_H5Fclose(hid_t file);
herr_t __wrap_H5Fclose(hid_t file);
herr_t __wrap_H5Fclose(hid_t file)
{
    if (!refused())
        return closed(__real_H5Fclose(file));
    hdf5.close_refused = true;
    return -1;
}

/* A fault of HDF5: it writes content, though it was told to leave that alone. */
static bool dataset_writes;

hid_t __real_H5Dcreate2(hid_t file, const char *name, hid_t type, hid_t space, hid_t links, hid_t creation,
                        hid_t access);
hid_t __wrap_H5Dcreate2(hid_t file, const char *name, hid_t type, hid_t space, hid_t links, hid_t creation,
                        hid_t access);
hid_t __wrap_H5Dcreate2(hid_t file, const char *name, hid_t type, hid_t space, hid_t links, hid_t creation,
                        hid_t access)
{
    static const unsigned char content[4096];
    const hid_t dataset =
        refused() ? H5I_INVALID_HID : made(__real_H5Dcreate2(file, name, type, space, links, creation, access));

    if (dataset_writes)
        ck_assert_int_ge(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, content), 0);
    return dataset;
}

/* Memory is short after so many pages of an image. */
static size_t page_count_max = SIZE_MAX;

struct image *__real_image_new(void);
struct image *__wrap_image_new(void);
struct image *__wrap_image_new(void)
{
    struct image *image = __real_image_new();

    if (image != NULL && page_count_max < image->page_count_max)
        image->page_count_max = page_count_max;
    return image;
}

/* ----------------------------------------------------------------- what is open */

static void assert_nothing_is_open(void)
{
    ck_assert_msg(hdf5.open_count == 0, "call %ld refused: %ld ids are left open", hdf5.first, hdf5.open_count);
    ck_assert_int_eq(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
}

/* What HDF5 would not close, with its image and the list that goes after it. */
static void close_what_was_refused(void)
{
    hid_t file;

    ck_assert_int_eq(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 1);
    ck_assert_int_eq(H5Fget_obj_ids((hid_t)H5F_OBJ_ALL, H5F_OBJ_FILE, 1, &file), 1);
    ck_assert_int_ge(H5Fclose(file), 0);
    ck_assert_int_ge(H5Pclose(hdf5.file_list), 0);
}

/* ------------------------------------------------------------------ what is done */

#define ELEMENT(class_, order_, bytes_)             \
    {                                               \
        class_, order_, ELEMENT_FORMAT_NONE, bytes_ \
    }
#define LONG_DOUBLE(order_, format_)             \
    {                                            \
        ELEMENT_LONG_DOUBLE, order_, format_, 16 \
    }

/* All that takes another way, in both orders. */
static const struct element ELEMENTS[] = {ELEMENT(ELEMENT_INT, ELEMENT_ORDER_BIG, 4),
                                          ELEMENT(ELEMENT_UINT, ELEMENT_ORDER_LITTLE, 8),
                                          ELEMENT(ELEMENT_FLOAT, ELEMENT_ORDER_LITTLE, 2),
                                          ELEMENT(ELEMENT_FLOAT, ELEMENT_ORDER_BIG, 4),
                                          ELEMENT(ELEMENT_FLOAT, ELEMENT_ORDER_LITTLE, 8),
                                          ELEMENT(ELEMENT_COMPLEX, ELEMENT_ORDER_BIG, 16),
                                          ELEMENT(ELEMENT_BOOL, ELEMENT_ORDER_NONE, 1),
                                          ELEMENT(ELEMENT_OPAQUE, ELEMENT_ORDER_NONE, 5),
                                          ELEMENT(ELEMENT_STRING, ELEMENT_ORDER_NONE, 12),
                                          LONG_DOUBLE(ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_X87_EXTENDED),
                                          LONG_DOUBLE(ELEMENT_ORDER_BIG, ELEMENT_FORMAT_BINARY128),
                                          LONG_DOUBLE(ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_DOUBLE_DOUBLE)};

enum { ELEMENT_COUNT = sizeof ELEMENTS / sizeof *ELEMENTS };

static struct error error;
static struct structure structure;

/* One variable of each, the first ones outside ASCII, in groups, and with dimensions. */
static h5ckpt_status build_variables(void)
{
    static const uint64_t shape[] = {2, 3};
    static char name[ELEMENT_COUNT][32];
    struct schema_entry entry[ELEMENT_COUNT];

    for (size_t i = 0; i < ELEMENT_COUNT; i++) {
        const unsigned rank = i % 3 == 0 ? 2 : 0;

        snprintf(name[i], sizeof name[i], i < 2 ? "state/größe/x%zu" : "state/x%zu", i);
        entry[i] =
            (struct schema_entry){name[i], ELEMENTS[i], rank, shape, ELEMENTS[i].byte_count * (rank == 0 ? 1 : 6)};
    }
    return structure_build(&structure, &(struct schema){entry, ELEMENT_COUNT}, &error);
}

static h5ckpt_status build_view(void)
{
    return structure_build_view(&structure, "slot-a.h5", "slot-b.h5", &error);
}

static h5ckpt_status convert_numbers(void)
{
    unsigned char bytes[64] = {0};

    return convert_elements(bytes, 2, &ELEMENTS[3], &ELEMENTS[4], &error);
}

static h5ckpt_status (*const WORK[])(void) = {build_variables, build_view, convert_numbers};

enum { WORK_COUNT = sizeof WORK / sizeof *WORK };

/* Do it with call number `first` refused; is there such a call? */
static bool work_with_refusal(h5ckpt_status (*work)(void), long first, bool from_there_on, h5ckpt_status *status)
{
    error_clear(&error);
    structure_free(&structure);
    refuse(first, from_there_on);
    *status = work();
    hdf5.on = false;
    return hdf5.refused;
}

/* -------------------------------------------------------------------------- tests */

START_TEST(a_refused_call_is_an_error_and_leaves_nothing_open)
{
    h5ckpt_status (*const work)(void) = WORK[_i / 2];
    const bool from_there_on = _i % 2 == REFUSE_FROM_THERE_ON;
    h5ckpt_status status;
    long first = 0;

    ck_assert(!work_with_refusal(work, -1, false, &status));
    assert_status(status, H5CKPT_OK);
    assert_nothing_is_open();
    for (; work_with_refusal(work, first, from_there_on, &status); first++) {
        assert_status(status, H5CKPT_E_HDF5);
        assert_mentions(error_message(&error), "HDF5 cannot ");
        ck_assert_ptr_null(structure.run);
        ck_assert_ptr_null(structure.variable_offset);
        if (hdf5.close_refused)
            close_what_was_refused();
        assert_nothing_is_open();
    }
    assert_status(status, H5CKPT_OK); /* after all that */
    ck_assert_int_gt(first, 2);
}
END_TEST

static h5ckpt_store *open_numbers(h5ckpt_type type, void *first, void *second, h5ckpt_state **state)
{
    h5ckpt_store *store;

    *state = h5ckpt_state_new();
    h5ckpt_add(*state, "first", type, 1, (const uint64_t[]){2}, first);
    h5ckpt_add(*state, "second", type, 1, (const uint64_t[]){2}, second);
    assert_status(h5ckpt_open(&store, fixture_backup, *state, NULL), H5CKPT_OK);
    return store;
}

/* As doubles: 1, 2 and 3, 4. */
static void save_numbers(void)
{
    double first[] = {1, 2};
    double second[] = {3, 4};
    h5ckpt_state *state;
    h5ckpt_store *store = open_numbers(H5CKPT_FLOAT64, first, second, &state);

    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}

/* _i: how it is restored */
START_TEST(a_conversion_that_hdf5_refuses_leaves_memory_as_it_was)
{
    const struct h5ckpt_restore_options options = {.convert = H5CKPT_CONVERT, .memory = (enum h5ckpt_memory)_i};
    float first[] = {9, 9};
    float second[] = {9, 9};
    h5ckpt_state *state;

    fixture_setup();
    save_numbers();
    h5ckpt_store *store = open_numbers(H5CKPT_FLOAT32, first, second, &state);
    for (long call = 0;; call++) {
        refuse(call, false);
        const h5ckpt_status status = h5ckpt_restore(store, &options, NULL);
        hdf5.on = false;
        if (!hdf5.refused) {
            assert_status(status, H5CKPT_OK);
            break;
        }
        assert_status(status, H5CKPT_E_HDF5);
        assert_mentions(h5ckpt_message(store), "convert float64 to float32");
        ck_assert_float_eq(first[0], 9);
        ck_assert_float_eq(second[1], 9);
    }
    ck_assert_float_eq(first[0], 1);
    ck_assert_float_eq(second[1], 4);
    assert_nothing_is_open();
    h5ckpt_close(store);
    h5ckpt_state_free(state);
    fixture_teardown();
}
END_TEST

START_TEST(content_that_hdf5_writes_is_an_error)
{
    dataset_writes = true;
    assert_status(build_variables(), H5CKPT_E_HDF5);
    assert_mentions(error_message(&error), "HDF5 wrote content of variables");
    dataset_writes = false;
    assert_status(build_variables(), H5CKPT_OK);
}
END_TEST

/* So many variables that HDF5 writes the first ones' metadata while it makes the others. */
START_TEST(a_write_lost_while_variables_are_made_ends_the_making)
{
    enum { VARIABLE_COUNT = 20000 };
    struct schema_entry *entry = calloc(VARIABLE_COUNT, sizeof *entry);
    char(*name)[32] = calloc(VARIABLE_COUNT, sizeof *name);

    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        snprintf(name[i], sizeof name[i], "state/x%zu", i);
        entry[i] = (struct schema_entry){name[i], ELEMENTS[0], 0, NULL, 4};
    }
    page_count_max = 16;
    refuse(-1, false);
    assert_status(structure_build(&structure, &(struct schema){entry, VARIABLE_COUNT}, &error), H5CKPT_E_MEMORY);
    ck_assert_int_lt(hdf5.seen, 7 * VARIABLE_COUNT / 2); /* calls: it takes seven for each */
    assert_mentions(error_message(&error), "no memory for the file structure after 16 pages");
    assert_nothing_is_open();
    free(entry);
    free(name);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("refusals");
    TCase *tests = tcase_create("refusals");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, a_refused_call_is_an_error_and_leaves_nothing_open, 0, 2 * WORK_COUNT);
    tcase_add_loop_test(tests, a_conversion_that_hdf5_refuses_leaves_memory_as_it_was, 0, H5CKPT_BLOCKWISE + 1);
    tcase_add_test(tests, content_that_hdf5_writes_is_an_error);
    tcase_add_test(tests, a_write_lost_while_variables_are_made_ends_the_making);
    suite_add_tcase(suite, tests);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
