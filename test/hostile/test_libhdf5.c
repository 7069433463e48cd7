/* SPDX-License-Identifier: MIT */
/*
 * test_libhdf5: what libhdf5 makes of slots whose metadata is damaged under checksums that are right, and what a
 * restore makes of them, which hands HDF5 none of it: the state, every time.
 *
 * A bit or a byte of HDF5's own part is changed, the slot sealed, and all of it read by libhdf5 in a child process with
 * a time limit. What comes of that is no failure of h5ckpt's and is only counted, for docs/reliability.md; what the
 * restore gives is the test.
 */
#include <check.h>
#include <hdf5.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checksum.h"
#include "format.h"
#include "hostile/program.h"
#include "hostile/sanitizer.h"
#include "support/form.h"
#include "support/suite.h"

#define must(condition)         \
    do {                        \
        if (!(condition)) {     \
            perror(#condition); \
            abort();            \
        }                       \
    } while (0)

enum { HANG_SECONDS = 5, DATASET_BYTES_MAX = 1 << 20, MEMORY_MIB = 1024, CASE_TIMEOUT_SECONDS = 36000 };

/* ---------------------------------------------------------------- reading with libhdf5 */

struct reading {
    struct checksum_stream digest; /* of names, types, shapes and values */
    bool failed;                   /* libhdf5 has said so */
};

static void add(struct reading *reading, const void *bytes, size_t byte_count)
{
    checksum_update(&reading->digest, bytes, byte_count);
}

static void read_values(struct reading *reading, hid_t dataset, hid_t type, hid_t space)
{
    static unsigned char values[DATASET_BYTES_MAX];
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    const size_t element = H5Tget_size(type);

    if (count < 0 || element == 0 || (uint64_t)count > DATASET_BYTES_MAX / element) {
        reading->failed = true;
        return;
    }
    reading->failed |= count != 0 && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0;
    add(reading, values, (size_t)count * element);
}

static void read_dataset(struct reading *reading, hid_t dataset)
{
    const hid_t type = H5Dget_type(dataset);
    const hid_t space = H5Dget_space(dataset);
    hsize_t extent[H5S_MAX_RANK] = {0};
    const int rank = H5Sget_simple_extent_dims(space, extent, NULL);
    const H5T_class_t class = H5Tget_class(type);

    if (type < 0 || space < 0 || rank < 0) {
        reading->failed = true;
        return;
    }
    add(reading, extent, (size_t)rank * sizeof *extent);
    add(reading, &class, sizeof class);
    read_values(reading, dataset, type, space);
    H5Sclose(space);
    H5Tclose(type);
}

static herr_t read_object(hid_t root, const char *name, const H5O_info_t *info, void *context)
{
    struct reading *reading = context;

    add(reading, name, strlen(name) + 1);
    add(reading, &info->type, sizeof info->type);
    if (info->type != H5O_TYPE_DATASET)
        return 0;
    const hid_t dataset = H5Dopen2(root, name, H5P_DEFAULT);
    if (dataset < 0)
        reading->failed = true;
    else
        read_dataset(reading, dataset);
    H5Dclose(dataset);
    return 0;
}

/* As h5dump does, or a program that opens whatever there is. */
static struct checksum read_all(const char *path, bool *failed)
{
    struct reading reading = {.failed = false};

    checksum_begin(&reading.digest);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    reading.failed |= file < 0 || H5Ovisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, read_object, &reading) < 0;
    H5Fclose(file);
    *failed = reading.failed;
    return checksum_end(&reading.digest);
}

/* ---------------------------------------------------------------------- what came of it */

enum outcome { FINE, FAILED, SILENT, CRASHED, HUNG, OUTCOME_COUNT };

static struct checksum expected;

/* In a child: a crash or a hang ends only that. */
static enum outcome outcome_of_reading(const char *path)
{
    int status;

    fflush(NULL);
    const pid_t child = fork();
    must(child >= 0);
    if (child == 0) {
        bool failed;
#ifndef HAVE_ADDRESS_SANITIZER
        const rlim_t limit = (rlim_t)MEMORY_MIB << 20;
        setrlimit(RLIMIT_AS, &(struct rlimit){limit, limit});
#endif
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        for (int number = 1; number < NSIG; number++)
            signal(number, SIG_DFL); /* libcheck's would only delay a crash */
        alarm(HANG_SECONDS);
        const struct checksum digest = read_all(path, &failed);
        _exit(failed ? FAILED : checksum_equal(&digest, &expected) ? FINE : SILENT);
    }
    must(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) <= SILENT)
        return (enum outcome)WEXITSTATUS(status);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? HUNG : CRASHED;
}

/* --------------------------------------------------------------------------- damage */

static struct specimen pristine[PROGRAM_FILE_COUNT];
static struct specimen damaged;
static uint32_t metadata[SPECIMEN_BYTES_MAX]; /* where HDF5's own bytes are … */
static size_t metadata_count;                 /* … and how many that are not zero, or near one that is not */

/* Gaps are zeros, which nobody reads. */
static bool is_near_metadata(const struct specimen *specimen, size_t at)
{
    for (size_t i = at - 16; i < at + 16; i++)
        if (specimen->bytes[i] != 0)
            return true;
    return false;
}

static bool belongs_to_variable(const struct specimen *specimen, size_t at)
{
    static size_t entry[SPECIMEN_ENTRIES_MAX];
    const size_t count = specimen_entries(specimen, entry);

    for (size_t i = 0; i < count; i++)
        if (at - specimen_get(specimen, entry[i] + ENTRY_AT_OFFSET, 8) <
            specimen_get(specimen, entry[i] + ENTRY_AT_BYTE_COUNT, 8))
            return true;
    return false;
}

static void find_metadata(const struct specimen *specimen)
{
    const size_t end = (size_t)specimen_get(specimen, RECORD_AT_INDEX_OFFSET, 8);

    for (size_t at = FORMAT_USER_BLOCK_BYTES; at < end; at++)
        if (!belongs_to_variable(specimen, at) && is_near_metadata(specimen, at))
            metadata[metadata_count++] = (uint32_t)at;
}

static uint64_t mixed(uint64_t number)
{
    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

/* A bit, or in one case of four a byte; which, follows from the number. */
static void damage(uint64_t number)
{
    const uint64_t chance = mixed(number + UINT64_C(0x9e3779b97f4a7c15));
    const size_t at = metadata[chance % metadata_count];

    damaged = pristine[SLOT_B];
    if (number % 4 == 0)
        damaged.bytes[at] ^= (unsigned char)(1 + (chance >> 32) % 255);
    else
        damaged.bytes[at] ^= (unsigned char)(1u << (chance >> 32) % 8);
    specimen_seal(&damaged);
    specimen_write(&damaged, program_path(SLOT_B));
}

static struct program newest; /* what was saved last */

static void check_restore(uint64_t number)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *store;

    options.mode = H5CKPT_READ_ONLY;
    program_spoil();
    ck_assert_int_eq(h5ckpt_open(&store, program_directory, program_state, &options), H5CKPT_OK);
    ck_assert_msg(h5ckpt_restore(store, NULL, NULL) == H5CKPT_OK, "case %" PRIu64 ": %s", number,
                  h5ckpt_message(store));
    h5ckpt_close(store);
    ck_assert_msg(program_equals(&newest), "case %" PRIu64 ": OK with another state", number);
}

START_TEST(a_restore_does_not_depend_on_what_hdf5_would_read)
{
    const uint64_t count = form_count(20, 150, 8000);
    uint64_t outcome_count[OUTCOME_COUNT] = {0};
    bool failed;

    expected = read_all(program_path(SLOT_B), &failed);
    ck_assert(!failed);
    ck_assert_int_eq(outcome_of_reading(program_path(SLOT_B)), FINE);
    for (uint64_t number = 0; number < count; number++) {
        damage(number);
        outcome_count[outcome_of_reading(program_path(SLOT_B))]++;
        check_restore(number);
    }
    printf("%" PRIu64 " changes of HDF5's %zu bytes, sealed: every restore right; libhdf5: %" PRIu64 " fine, %" PRIu64
           " errors, %" PRIu64 " other content without an error, %" PRIu64 " crashes, %" PRIu64 " hangs\n",
           count, metadata_count, outcome_count[FINE], outcome_count[FAILED], outcome_count[SILENT],
           outcome_count[CRASHED], outcome_count[HUNG]);
}
END_TEST

static void setup(void)
{
    program_begin();
    newest = program;
    for (enum program_file file = 0; file < PROGRAM_FILE_COUNT; file++)
        specimen_read(&pristine[file], program_path(file));
    find_metadata(&pristine[SLOT_B]);
}

int main(void)
{
    Suite *suite = suite_create("libhdf5");
    TCase *tests = tcase_create("sealed damage");

    tcase_add_unchecked_fixture(tests, setup, program_end);
    tcase_set_timeout(tests, CASE_TIMEOUT_SECONDS);
    tcase_add_test(tests, a_restore_does_not_depend_on_what_hdf5_would_read);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
