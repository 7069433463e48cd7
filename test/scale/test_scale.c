/* SPDX-License-Identifier: MIT */
/*
 * test_scale: very many variables, and one very large one. The large one wants more than 4 GiB of memory and of disk:
 * it is left out, with a reason, where those are missing or in a tenth of the short form (support/form.h). Choose by
 * CK_RUN_CASE=many or CK_RUN_CASE=large; TMPDIR says where.
 */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "support/assert_h5ckpt.h"
#include "support/form.h"
#include "support/suite.h"

enum {
    MANY = 100000,
    GROUP_COUNT = 100, /* groups that they lie in */
    WORDS_EACH = 8,    /* of 64 bits: 64 bytes */
    MANY_TIMEOUT_SECONDS = 300,
    LARGE_TIMEOUT_SECONDS = 1200,
};

#define LARGE_BYTES         ((UINT64_C(4) << 30) + 4096)
#define LARGE_COUNT         (LARGE_BYTES / sizeof(double))
#define MEMORY_BYTES_NEEDED (UINT64_C(10) << 30)
#define DISK_BYTES_NEEDED   (UINT64_C(12) << 30)

static char directory[64];
static h5ckpt_state *state;
static h5ckpt_store *store;

/* In the process that outlives the tests, so that nothing is left behind by one that fails. */
static void make_directory(void)
{
    const char *temporary = getenv("TMPDIR");

    ck_assert_int_lt(
        snprintf(directory, sizeof directory, "%s/h5ckpt-scale-XXXXXX", temporary == NULL ? "/tmp" : temporary),
        (int)sizeof directory);
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void remove_directory(void)
{
    DIR *entries = opendir(directory);

    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;)
        unlinkat(dirfd(entries), entry->d_name, 0);
    closedir(entries);
    rmdir(directory);
}

static void setup(void)
{
    state = h5ckpt_state_new();
    store = NULL;
}

static void teardown(void)
{
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}

/* Print how long it took since the last call. */
static void print_time(const char *what)
{
    static double before_seconds;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    double now_seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    if (what != NULL)
        printf("%s: %.2f s\n", what, now_seconds - before_seconds);
    fflush(stdout);
    before_seconds = now_seconds;
}

static void open_store(unsigned slots)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.slots = slots;
    h5ckpt_close(store);
    assert_status_message(h5ckpt_open(&store, directory, state, &options), H5CKPT_OK, h5ckpt_message(store));
}

/* Word `index` of what save number `save` saves: never twice the same. */
static uint64_t word(uint64_t index, uint64_t save)
{
    return (index + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ save << 56;
}

/* ---------------------------------------------------------------------- many */

static void add_many(uint64_t (*words)[WORDS_EACH])
{
    const uint64_t shape[] = {WORDS_EACH};
    char name[64];

    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "layer%02d/dropout%05d/rng", i % GROUP_COUNT, i);
        ck_assert_int_eq(h5ckpt_add(state, name, H5CKPT_UINT64, 1, shape, words[i]), H5CKPT_OK);
    }
}

START_TEST(a_hundred_thousand_variables_come_back_bit_for_bit)
{
    uint64_t(*words)[WORDS_EACH] = malloc(MANY * sizeof *words);
    struct h5ckpt_report report;

    ck_assert_ptr_nonnull(words);
    print_time(NULL);
    add_many(words);
    open_store(2);
    print_time("many: add and open");
    for (uint64_t save = 1; save <= 3; save++) {
        for (uint64_t i = 0; i < MANY * WORDS_EACH; i++)
            words[i / WORDS_EACH][i % WORDS_EACH] = word(i, save);
        print_time(NULL);
        assert_status_message(h5ckpt_save(store, NULL), H5CKPT_OK, h5ckpt_message(store));
        print_time(save == 1 ? "many: first save" : "many: save");
    }
    memset(words, 0, MANY * sizeof *words);
    open_store(2);
    print_time("many: open again");
    assert_status_message(h5ckpt_restore(store, NULL, &report), H5CKPT_OK, h5ckpt_message(store));
    print_time("many: restore");
    ck_assert_uint_eq(report.variable_count, MANY);
    for (uint64_t i = 0; i < MANY * WORDS_EACH; i++)
        if (words[i / WORDS_EACH][i % WORDS_EACH] != word(i, 3))
            ck_abort_msg("variable %" PRIu64 ", word %" PRIu64 " is not what was saved", i / WORDS_EACH,
                         i % WORDS_EACH);
    free(words);
}
END_TEST

/* --------------------------------------------------------------------- large */

static uint64_t memory_available(void)
{
    unsigned long long kibibytes = 0;
    char line[128];
    FILE *file = fopen("/proc/meminfo", "r");

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "MemAvailable: %llu kB", &kibibytes) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return (uint64_t)kibibytes * 1024;
}

static uint64_t disk_available(void)
{
    struct statvfs volume;

    return statvfs(directory, &volume) == 0 ? (uint64_t)volume.f_bavail * volume.f_frsize : 0;
}

/* Why the large array cannot be tried here, or NULL. */
static const char *why_not_large(void)
{
    if (form_now() == FORM_TENTH)
        return "H5CKPT_TEST_FORM is tenth";
    if (memory_available() < MEMORY_BYTES_NEEDED)
        return "less than 10 GiB of memory are available";
    if (disk_available() < DISK_BYTES_NEEDED)
        return "less than 12 GiB of disk are available";
    return NULL;
}

/* The bits of a double that is a number: exponents stay in the middle. */
static uint64_t large_bits(uint64_t index)
{
    return (word(index, 0) & UINT64_C(0x800fffffffffffff)) | UINT64_C(0x3ff0000000000000);
}

START_TEST(an_array_of_more_than_four_gibibytes_comes_back_bit_for_bit)
{
    const uint64_t shape[] = {LARGE_COUNT};
    const char *reason = why_not_large();
    struct h5ckpt_space space;
    uint64_t *bits;

    if (reason != NULL) {
        printf("large: skipped: %s\n", reason);
        return;
    }
    bits = malloc(LARGE_BYTES); /* as integers: a comparison of doubles would not be one of bits */
    ck_assert_ptr_nonnull(bits);
    ck_assert_int_eq(h5ckpt_add(state, "large", H5CKPT_FLOAT64, 1, shape, bits), H5CKPT_OK);
    print_time(NULL);
    for (uint64_t i = 0; i < LARGE_COUNT; i++)
        bits[i] = large_bits(i);
    print_time("large: fill");
    open_store(1);
    assert_status_message(h5ckpt_space(store, &space), H5CKPT_OK, h5ckpt_message(store));
    ck_assert_uint_eq(space.variable_bytes, LARGE_BYTES);
    ck_assert_uint_gt(space.slot_bytes, LARGE_BYTES);
    ck_assert_uint_lt(space.memory_bytes_needed, LARGE_BYTES / 100);
    assert_status_message(h5ckpt_save(store, NULL), H5CKPT_OK, h5ckpt_message(store));
    print_time("large: save");
    memset(bits, 0, LARGE_BYTES);
    open_store(1);
    print_time(NULL);
    assert_status_message(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK, h5ckpt_message(store));
    print_time("large: restore");
    for (uint64_t i = 0; i < LARGE_COUNT; i++)
        if (bits[i] != large_bits(i))
            ck_abort_msg("element %" PRIu64 " is not what was saved", i);
    free(bits);
}
END_TEST

/* ---------------------------------------------------------------------- main */

static void add_case(Suite *suite, const char *name, const TTest *test, int timeout_seconds)
{
    TCase *tests = tcase_create(name);

    tcase_add_unchecked_fixture(tests, make_directory, remove_directory);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, timeout_seconds);
    tcase_add_test(tests, test);
    suite_add_tcase(suite, tests);
}

int main(void)
{
    Suite *suite = suite_create("scale");

    add_case(suite, "many", a_hundred_thousand_variables_come_back_bit_for_bit, MANY_TIMEOUT_SECONDS);
    add_case(suite, "large", an_array_of_more_than_four_gibibytes_comes_back_bit_for_bit, LARGE_TIMEOUT_SECONDS);
    return suite_run(suite);
}
