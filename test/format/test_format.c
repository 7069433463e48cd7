/* SPDX-License-Identifier: MIT */
/*
 * Golden directories: what a released version wrote, every later one reads (P12). The expected values are written out
 * here, not computed by the code under test.
 *
 *   test-format             run the tests (the golden directories' parent is in H5CKPT_GOLDEN)
 *   test-format make DIR    write a golden directory as this version does; for a new format version only
 */
#include <check.h>
#include <complex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h5ckpt.h"
#include "support/assert_h5ckpt.h"
#include "support/suite.h"

struct golden {
    int8_t tiny[3];
    uint16_t counters[2][2];
    int64_t big;
    float weights[2][3];
    double moments[4];
    long double precise;
    bool flags[2];
    float complex spectrum[2];
    unsigned char blob[2][5];
    char names[2][8];
};

/* The state of save number `n`, 1 or 2; every byte that is not a value is zero, so that states compare as bytes. */
static void fill_golden(struct golden *state, int n)
{
    const long double precise = 1.0L / 3.0L + n;

    memset(state, 0, sizeof *state);
    memcpy(state->tiny, (int8_t[]){-1, 0, (int8_t)(100 + n)}, sizeof state->tiny);
    memcpy(state->counters, (uint16_t[]){1, 65535, 300, (uint16_t)n}, sizeof state->counters);
    state->big = INT64_MIN + n;
    memcpy(state->weights, (float[]){0.5f, -1.25f, 1e30f, -0.0f, 3.0f, (float)n}, sizeof state->weights);
    memcpy(state->moments, (double[]){1.0 / 3.0, -2.5, 1e-300, n}, sizeof state->moments);
    memcpy(&state->precise, &precise, 10); /* x87: the rest is padding */
    state->flags[n - 1] = true;
    state->spectrum[1] = (float)n - 2.0f * I;
    memcpy(state->blob, "\x00\xff\x7f\x80\x01\x10\x20\x30\x40\x50", sizeof state->blob);
    memcpy(state->names, n == 1 ? "alpha\0\0\0one\0\0\0\0" : "alpha\0\0\0two\0\0\0\0", sizeof state->names);
}

static h5ckpt_state *register_golden(struct golden *memory)
{
    h5ckpt_state *state = h5ckpt_state_new();

    h5ckpt_add(state, "tiny", H5CKPT_INT8, 1, (const uint64_t[]){3}, memory->tiny);
    h5ckpt_add(state, "counters", H5CKPT_UINT16, 2, (const uint64_t[]){2, 2}, memory->counters);
    h5ckpt_add(state, "nested/group/big", H5CKPT_INT64, 0, NULL, &memory->big);
    h5ckpt_add(state, "weights", H5CKPT_FLOAT32, 2, (const uint64_t[]){2, 3}, memory->weights);
    h5ckpt_add(state, "optimizer/moments", H5CKPT_FLOAT64, 1, (const uint64_t[]){4}, memory->moments);
    h5ckpt_add(state, "precise", H5CKPT_LONG_DOUBLE, 0, NULL, &memory->precise);
    h5ckpt_add(state, "flags", H5CKPT_BOOL, 1, (const uint64_t[]){2}, memory->flags);
    h5ckpt_add(state, "spectrum", H5CKPT_COMPLEX64, 1, (const uint64_t[]){2}, memory->spectrum);
    h5ckpt_add(state, "blob", H5CKPT_OPAQUE(5), 1, (const uint64_t[]){2}, memory->blob);
    h5ckpt_add(state, "names", H5CKPT_STRING(8), 1, (const uint64_t[]){2}, memory->names);
    h5ckpt_add(state, "empty", H5CKPT_FLOAT64, 2, (const uint64_t[]){0, 7}, NULL);
    h5ckpt_add(state, "gr\xc3\xb6\xc3\x9f\x65", H5CKPT_INT8, 0, NULL, &memory->tiny[0]);
    return state;
}

/* The lock's note speaks of the boot of the machine that made the directory: elsewhere it must not matter. */
static void erase_note(const char *directory)
{
    const unsigned char nothing[512] = {0};
    char path[4096];

    snprintf(path, sizeof path, "%s/lock", directory);
    FILE *lock = fopen(path, "r+b");
    if (lock == NULL || fseek(lock, 512, SEEK_SET) != 0 || fwrite(nothing, sizeof nothing, 1, lock) != 1)
        perror(path);
    if (lock != NULL)
        fclose(lock);
}

static int make_golden(const char *directory)
{
    struct golden memory;
    h5ckpt_state *state = register_golden(&memory);
    h5ckpt_store *store;
    h5ckpt_status status = h5ckpt_open(&store, directory, state, NULL);

    for (int n = 1; n <= 2 && status == H5CKPT_OK; n++) {
        fill_golden(&memory, n);
        status = h5ckpt_save(store, &(struct h5ckpt_progress){(uint64_t)n, 10 + (uint64_t)n, 100 + (uint64_t)n});
    }
    if (status != H5CKPT_OK)
        fprintf(stderr, "%s\n", h5ckpt_message(store));
    h5ckpt_close(store);
    h5ckpt_state_free(state);
    if (status == H5CKPT_OK)
        erase_note(directory);
    return status == H5CKPT_OK ? 0 : 1;
}

static void restore_golden(const char *version, enum h5ckpt_which which, struct golden *memory,
                           struct h5ckpt_report *report, h5ckpt_status expected)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    struct h5ckpt_restore_options restore = h5ckpt_restore_options_default();
    const char *parent = getenv("H5CKPT_GOLDEN");
    char directory[4096];
    h5ckpt_state *state = register_golden(memory);
    h5ckpt_store *store;

    ck_assert_msg(parent != NULL, "H5CKPT_GOLDEN names the parent of the golden directories");
    snprintf(directory, sizeof directory, "%s/%s", parent, version);
    options.mode = H5CKPT_READ_ONLY;
    restore.which = which;
    assert_status_message(h5ckpt_open(&store, directory, state, &options), H5CKPT_OK, h5ckpt_message(store));
    assert_status_message(h5ckpt_restore(store, &restore, report), expected, h5ckpt_message(store));
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}

static void assert_golden(const struct golden *memory, int n)
{
    struct golden expected;

    fill_golden(&expected, n);
    ck_assert_mem_eq(memory, &expected, sizeof expected);
}

START_TEST(the_current_state_of_version_1_is_read_bit_for_bit)
{
    struct golden memory;
    struct h5ckpt_report report;

    memset(&memory, 0, sizeof memory);
    restore_golden("v1", H5CKPT_CURRENT, &memory, &report, H5CKPT_OK);
    assert_golden(&memory, 2);
    ck_assert_uint_eq(report.sequence, 2);
    ck_assert_uint_eq(report.progress.epoch, 2);
    ck_assert_uint_eq(report.progress.batch, 12);
    ck_assert_uint_eq(report.progress.step, 102);
}
END_TEST

START_TEST(the_previous_state_of_version_1_is_read_bit_for_bit)
{
    struct golden memory;
    struct h5ckpt_report report;

    memset(&memory, 0, sizeof memory);
    restore_golden("v1", H5CKPT_PREVIOUS, &memory, &report, H5CKPT_OK);
    assert_golden(&memory, 1);
    ck_assert_uint_eq(report.sequence, 1);
}
END_TEST

START_TEST(a_damaged_current_state_of_version_1_falls_back)
{
    struct golden memory;
    struct h5ckpt_report report;

    memset(&memory, 0, sizeof memory);
    restore_golden("v1-damaged", H5CKPT_CURRENT, &memory, &report, H5CKPT_FELL_BACK);
    assert_golden(&memory, 1);
    ck_assert_int_eq(report.slot[1].state, H5CKPT_SLOT_DAMAGED);
    assert_mentions(report.slot[1].reason, "'tiny'");
}
END_TEST

START_TEST(a_slot_of_a_version_yet_to_come_is_not_rolled_back)
{
    struct golden memory;
    struct h5ckpt_report report;

    memset(&memory, 0, sizeof memory);
    restore_golden("v1-newer", H5CKPT_CURRENT, &memory, &report, H5CKPT_E_VERSION);
    ck_assert_int_eq(report.slot[1].state, H5CKPT_SLOT_NEWER_VERSION);
    ck_assert_int_eq(memory.tiny[2], 0);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "make") == 0)
        return make_golden(argv[2]);

    Suite *suite = suite_create("format");
    TCase *golden = tcase_create("golden directories");
    tcase_add_test(golden, the_current_state_of_version_1_is_read_bit_for_bit);
    tcase_add_test(golden, the_previous_state_of_version_1_is_read_bit_for_bit);
    tcase_add_test(golden, a_damaged_current_state_of_version_1_falls_back);
    tcase_add_test(golden, a_slot_of_a_version_yet_to_come_is_not_rolled_back);
    suite_add_tcase(suite, golden);
    return suite_run(suite);
}
