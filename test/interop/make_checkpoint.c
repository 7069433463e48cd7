/* SPDX-License-Identifier: MIT */
/*
 * make_checkpoint DIR: two saves of variables of every type, some settings and a history, and, on standard output, what
 * other readers must find.
 *
 * One line per variable and save, fields separated by tabs: "previous" or "current", path in the file, type as NumPy
 * writes it, extents separated by commas ("-" for a scalar), all bytes in hexadecimal.
 */
#include <complex.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h5ckpt.h"
#include "storage/store.h"

enum { RANK_MAX = 3, OPAQUE_BYTES = 5, LABEL_BYTES = 16 };

static int8_t int8[5];
static int16_t int16[2][3];
static int32_t int32[4];
static int64_t int64[3];
static uint8_t uint8[2][2][2];
static uint16_t uint16[3];
static uint32_t uint32[3];
static uint64_t uint64[3];
static uint16_t float16[4]; /* binary16 by its bits: C11 has no such type */
static float float32[2][4];
static double float64[5];
static long double long_double[3];
static bool flags[4];
static float complex complex64[2];
static double complex complex128[2][2];
static unsigned char opaque[3][OPAQUE_BYTES];
static char labels[3][LABEL_BYTES];
static double scalar;
static int32_t unicode[2];
static float deep[2];
static float large[100][300]; /* big enough to be aligned, and for two blocks */

static const struct expected {
    const char *name;
    h5ckpt_type type;
    const char *numpy; /* … of the machine's byte order */
    int rank;
    uint64_t shape[RANK_MAX];
    void *memory;
} VARIABLE[] = {
    {"ints/int8", H5CKPT_INT8, "=i1", 1, {5}, int8},
    {"ints/int16", H5CKPT_INT16, "=i2", 2, {2, 3}, int16},
    {"ints/int32", H5CKPT_INT32, "=i4", 1, {4}, int32},
    {"ints/int64", H5CKPT_INT64, "=i8", 1, {3}, int64},
    {"ints/uint8", H5CKPT_UINT8, "=u1", 3, {2, 2, 2}, uint8},
    {"ints/uint16", H5CKPT_UINT16, "=u2", 1, {3}, uint16},
    {"ints/uint32", H5CKPT_UINT32, "=u4", 1, {3}, uint32},
    {"ints/uint64", H5CKPT_UINT64, "=u8", 1, {3}, uint64},
    {"float16", H5CKPT_FLOAT16, "=f2", 1, {4}, float16},
    {"float32", H5CKPT_FLOAT32, "=f4", 2, {2, 4}, float32},
    {"float64", H5CKPT_FLOAT64, "=f8", 1, {5}, float64},
    {"long double", H5CKPT_LONG_DOUBLE, "longdouble", 1, {3}, long_double},
    {"flags", H5CKPT_BOOL, "?", 1, {4}, flags},
    {"complex64", H5CKPT_COMPLEX64, "=c8", 1, {2}, complex64},
    {"complex128", H5CKPT_COMPLEX128, "=c16", 2, {2, 2}, complex128},
    {"opaque", H5CKPT_OPAQUE(OPAQUE_BYTES), "V5", 1, {3}, opaque},
    {"labels", H5CKPT_STRING(LABEL_BYTES), "S16", 1, {3}, labels},
    {"scalar", H5CKPT_FLOAT64, "=f8", 0, {0}, &scalar},
    {"nothing", H5CKPT_FLOAT32, "=f4", 2, {3, 0}, NULL},
    {"größe/重み", H5CKPT_INT32, "=i4", 1, {2}, unicode},
    {"a/b/c/d e.f", H5CKPT_FLOAT32, "=f4", 1, {2}, deep},
    {"large", H5CKPT_FLOAT32, "=f4", 2, {100, 300}, large},
};

enum { VARIABLE_COUNT = sizeof(VARIABLE) / sizeof(VARIABLE[0]) };

static double rate = 0.1;
static int64_t layers[] = {64, 128, 10};
static bool nesterov = true;
static char recipe[LABEL_BYTES] = "größe";

static const struct expected SETTING[] = {
    {"optimizer/learning rate", H5CKPT_FLOAT64, "=f8", 0, {0}, &rate},
    {"optimizer/nesterov", H5CKPT_BOOL, "?", 0, {0}, &nesterov},
    {"layers", H5CKPT_INT64, "=i8", 1, {3}, layers},
    {"scalar", H5CKPT_STRING(LABEL_BYTES), "S16", 0, {0}, recipe}, /* a variable has this name, too */
};

enum { SETTING_COUNT = sizeof(SETTING) / sizeof(SETTING[0]) };

/* Other values in each save; extremes where a wrong type would show. */
static void set_values(int save)
{
    static const uint16_t HALVES[] = {0x3c00, 0xc170, 0x7bff, 0x0001}; /* 1, -2.71875, the largest, the smallest */

    for (int i = 0; i < 5; i++) {
        int8[i] = (int8_t)(i % 2 ? INT8_MIN + i : INT8_MAX - i - save);
        float64[i] = i % 2 ? DBL_MAX / (i + save) : -DBL_MIN * (i + 1 + save);
    }
    for (int i = 0; i < 6; i++)
        int16[i / 3][i % 3] = (int16_t)(i % 2 ? INT16_MIN + i + save : INT16_MAX - i);
    for (int i = 0; i < 4; i++) {
        int32[i] = i % 2 ? INT32_MIN + i + save : INT32_MAX - i;
        float16[i] = (uint16_t)(HALVES[i] ^ (save << 15)); /* the other sign */
        flags[i] = (i + save) % 2 != 0;
    }
    for (int i = 0; i < 3; i++) {
        int64[i] = i % 2 ? INT64_MIN + i + save : INT64_MAX - i;
        uint16[i] = (uint16_t)(UINT16_MAX - i - save);
        uint32[i] = UINT32_MAX - (uint32_t)(i + save);
        uint64[i] = UINT64_MAX - (uint64_t)(i + save);
        memset(&long_double[i], 0, sizeof long_double[i]); /* its padding, which is stored as zeros */
        long_double[i] = 1.0L / (3 + i + save);
        snprintf(labels[i], sizeof labels[i], "größe %d of %d", i, save);
        for (int j = 0; j < OPAQUE_BYTES; j++)
            opaque[i][j] = (unsigned char)(i * 50 + j * 7 + save);
    }
    for (int i = 0; i < 8; i++) {
        uint8[i / 4][i / 2 % 2][i % 2] = (uint8_t)(UINT8_MAX - i - save);
        float32[i / 4][i % 4] = i % 2 ? FLT_MAX / (float)(i + save) : -FLT_MIN * (float)(i + 1 + save);
    }
    for (int i = 0; i < 2; i++) {
        complex64[i] = 1.5f + (float)save - 0.25f * (float)(i + 1) * I;
        complex128[i][0] = 1.0 / 3 + save * I;
        complex128[i][1] = -i + 1e300 * I;
        unicode[i] = 1000 * save + i;
        deep[i] = (float)(save + i) / 7;
    }
    for (int i = 0; i < 30000; i++)
        large[i / 300][i % 300] = (float)(i * (save + 1)) / 3;
    scalar = 3.14159 * (save + 1);
}

static size_t byte_count(const struct expected *variable)
{
    size_t count = H5CKPT_TYPE_BYTES(variable->type);

    for (int i = 0; i < variable->rank; i++)
        count *= variable->shape[i];
    return count;
}

static void print_bytes(const char *which, const char *group, const struct expected *variable)
{
    const unsigned char *bytes = variable->memory;

    printf("%s\t/%s/%s\t%s\t", which, group, variable->name, variable->numpy);
    for (int i = 0; i < variable->rank; i++)
        printf("%s%" PRIu64, i == 0 ? "" : ",", variable->shape[i]);
    printf("%s\t", variable->rank == 0 ? "-" : "");
    for (size_t i = 0; i < byte_count(variable); i++)
        printf("%02x", bytes[i]);
    putchar('\n');
}

static void print_progress(const char *which, struct h5ckpt_progress at)
{
    const struct expected counter[] = {
        {"epoch", H5CKPT_UINT64, "=u8", 0, {0}, &at.epoch},
        {"batch", H5CKPT_UINT64, "=u8", 0, {0}, &at.batch},
        {"step", H5CKPT_UINT64, "=u8", 0, {0}, &at.step},
    };

    for (int i = 0; i < 3; i++)
        print_bytes(which, "progress", &counter[i]);
}

/* ----------------------------------------------------------------------- history */

enum { CAPACITY = 1024, ROWS_MAX = 3 };

static const char *const LOG[] = {"loss", "val/größe"};

/* docs/format.md 2.5 */
static uint64_t row_count;
static uint64_t position[3][CAPACITY];
static uint64_t logged[2][CAPACITY]; /* as bits */

/* A row with each save, and one more before the first; the second log has a value in the last row only. */
static void log_row(h5ckpt_store *store, int number)
{
    const struct h5ckpt_progress at = {1, (uint64_t)number, UINT64_MAX - (uint64_t)number};
    const double value[] = {number == 1 ? -0.0 : 1.0 / (number + 3), (double)INFINITY};
    struct error error = ERROR_NONE;

    for (int i = 0; i < (number == ROWS_MAX - 1 ? 2 : 1); i++) {
        history_log(&store->history, LOG[i], value[i], &error);
        memcpy(&logged[i][row_count], &value[i], sizeof value[i]);
    }
    history_end_row(&store->history, &at);
    position[0][row_count] = at.epoch;
    position[1][row_count] = at.batch;
    position[2][row_count] = at.step;
    row_count++;
}

static void print_history(const char *which)
{
    static const char *const POSITION[] = {"epoch", "batch", "step"};

    print_bytes(which, "history", &(struct expected){"count", H5CKPT_UINT64, "=u8", 0, {0}, &row_count});
    for (int i = 0; i < 3; i++)
        print_bytes(which, "history",
                    &(struct expected){POSITION[i], H5CKPT_UINT64, "=u8", 1, {CAPACITY}, position[i]});
    for (int i = 0; i < (row_count == ROWS_MAX ? 2 : 1); i++)
        print_bytes(which, "history", &(struct expected){LOG[i], H5CKPT_FLOAT64, "=f8", 1, {CAPACITY}, logged[i]});
}

static void set_not_logged(void)
{
    for (int i = 0; i < CAPACITY; i++)
        logged[0][i] = logged[1][i] = UINT64_C(0x7ff80000000007a2);
}

int main(int argc, char **argv)
{
    static const char *const WHICH[] = {"previous", "current"};
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store = NULL;
    h5ckpt_status status = H5CKPT_OK;

    if (argc != 2) {
        fprintf(stderr, "usage: make_checkpoint DIR\n");
        return EXIT_FAILURE;
    }
    for (int i = 0; i < VARIABLE_COUNT; i++)
        h5ckpt_add(state, VARIABLE[i].name, VARIABLE[i].type, VARIABLE[i].rank, VARIABLE[i].shape, VARIABLE[i].memory);
    set_not_logged();
    recipe[LABEL_BYTES - 1] = '!'; /* behind the string's end: the file shall not hold it */
    for (int i = 0; i < SETTING_COUNT; i++)
        h5ckpt_add_setting(state, SETTING[i].name, SETTING[i].type, SETTING[i].rank, SETTING[i].shape,
                           SETTING[i].memory);
    recipe[LABEL_BYTES - 1] = '\0';
    status = h5ckpt_open(&store, argv[1], state, NULL);
    for (int save = 0; save < 2 && status == H5CKPT_OK; save++) {
        const struct h5ckpt_progress at = {.epoch = 3 + (uint64_t)save, .batch = 17, .step = UINT64_C(1) << 40};
        set_values(save);
        for (int row = save == 0 ? 0 : 2; row < 2 + save; row++)
            log_row(store, row);
        status = h5ckpt_save(store, &at);
        for (int i = 0; i < VARIABLE_COUNT; i++)
            print_bytes(WHICH[save], "state", &VARIABLE[i]);
        for (int i = 0; i < SETTING_COUNT; i++)
            print_bytes(WHICH[save], "settings", &SETTING[i]);
        print_progress(WHICH[save], at);
        print_history(WHICH[save]);
    }
    if (status != H5CKPT_OK)
        fprintf(stderr, "make_checkpoint: %s\n", h5ckpt_message(store));
    h5ckpt_close(store);
    h5ckpt_state_free(state);
    return status == H5CKPT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
