/* SPDX-License-Identifier: MIT */
#include "crash/model.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash/seen.h"

enum { WEIGHT_COUNT = 384, MOMENT_COUNT = 64, EXTRA_COUNT = 150, FROZEN_COUNT = 5 << 18 };

/* Pieces as large as a block: each lies in two, unless its neighbour changes with it. */
enum { PIECE_BYTES = 64 << 10, PIECE_COUNT = 7 };

static float weights[16][WEIGHT_COUNT / 16];
static double moments[MOMENT_COUNT];
static uint64_t generator[4];
static bool mask[30];
static int32_t extra[EXTRA_COUNT];
static uint8_t frozen[FROZEN_COUNT];
static uint8_t drift[PIECE_COUNT * PIECE_BYTES];
static float device_memory[8];
static enum model_device device;

struct variable {
    const char *name;
    h5ckpt_type type;
    int rank;
    uint64_t shape[2];
    void *memory;
    size_t element_bytes;
    size_t byte_count;
    bool in_schema[MODEL_SCHEMA_COUNT];
    enum { CHANGES_ALWAYS, CHANGES_NEVER, CHANGES_IN_PIECES } changes;
};

#define IN_ALL                 \
    {                          \
        true, true, true, true \
    }

static const struct variable VARIABLE[] = {
    {"weights", H5CKPT_FLOAT32, 2, {16, WEIGHT_COUNT / 16}, weights, 4, sizeof weights, IN_ALL, CHANGES_ALWAYS},
    {"optimizer/m", H5CKPT_FLOAT64, 1, {MOMENT_COUNT, 0}, moments, 8, sizeof moments, IN_ALL, CHANGES_ALWAYS},
    {"rng", H5CKPT_UINT64, 1, {4, 0}, generator, 8, sizeof generator, IN_ALL, CHANGES_ALWAYS},
    {"mask", H5CKPT_BOOL, 1, {sizeof mask, 0}, mask, 1, sizeof mask, IN_ALL, CHANGES_ALWAYS},
    {"extra", H5CKPT_INT32, 1, {EXTRA_COUNT, 0}, extra, 4, sizeof extra, {false, true}, CHANGES_ALWAYS},
    {"frozen", H5CKPT_UINT8, 1, {FROZEN_COUNT, 0}, frozen, 1, sizeof frozen, {false, false, true}, CHANGES_NEVER},
    {"drift", H5CKPT_UINT8, 1, {sizeof drift, 0}, drift, 1, sizeof drift, {[MODEL_DRIFTING] = true}, CHANGES_IN_PIECES},
    {"device",
     H5CKPT_FLOAT32,
     1,
     {8, 0},
     device_memory,
     4,
     sizeof device_memory,
     {[MODEL_DRIFTING] = true},
     CHANGES_ALWAYS},
};

static int get_from_device(void *context, void *bytes, size_t byte_count)
{
    (void)context;
    memcpy(bytes, device_memory, byte_count);
    return device == MODEL_DEVICE_FAILS ? -1 : 0;
}

static int put_to_device(void *context, const void *bytes, size_t byte_count)
{
    (void)context;
    memcpy(device_memory, bytes, byte_count);
    return 0;
}

void model_set_device(enum model_device now)
{
    device = now;
}

enum { VARIABLE_COUNT = sizeof VARIABLE / sizeof *VARIABLE };

h5ckpt_state *model_state(enum model_schema schema)
{
    static h5ckpt_state *state[MODEL_SCHEMA_COUNT];

    if (state[schema] != NULL)
        return state[schema];
    state[schema] = h5ckpt_state_new();
    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        const struct variable *variable = &VARIABLE[i];
        if (variable->in_schema[schema] && variable->memory == device_memory)
            h5ckpt_add_access(state[schema], variable->name, variable->type, variable->rank, variable->shape,
                              &(struct h5ckpt_access){get_from_device, put_to_device, NULL});
        else if (variable->in_schema[schema])
            h5ckpt_add(state[schema], variable->name, variable->type, variable->rank, variable->shape,
                       variable->memory);
    }
    return state[schema];
}

/* The i-th number that belongs to a variable of a state. */
static uint64_t value_of(uint64_t number, size_t variable, size_t i)
{
    uint64_t value = (number << 40) + ((uint64_t)variable << 32) + i + 1;

    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

/* One element's bytes. */
static void element_of(const struct variable *variable, uint64_t number, size_t i, unsigned char element[8])
{
    uint64_t value = value_of(variable->changes == CHANGES_NEVER ? 0 : number, (size_t)(variable - VARIABLE), i);
    float single = (float)(value >> 40);
    double twice = (double)(value >> 11);
    bool flag = (value & 1) != 0;

    if (variable->type == H5CKPT_FLOAT32)
        memcpy(element, &single, sizeof single);
    else if (variable->type == H5CKPT_FLOAT64)
        memcpy(element, &twice, sizeof twice);
    else if (variable->type == H5CKPT_BOOL)
        memcpy(element, &flag, sizeof flag);
    else
        memcpy(element, &value, variable->element_bytes);
}

/* Every variable's content for every state; made when first needed, for constant ones only once. */
static const unsigned char *content_of(size_t index, uint64_t number)
{
    static unsigned char *content[VARIABLE_COUNT][MODEL_NUMBER_MAX + 1];
    const struct variable *variable = &VARIABLE[index];
    unsigned char **bytes = &content[index][variable->changes == CHANGES_NEVER ? 0 : number];

    if (*bytes != NULL)
        return *bytes;
    *bytes = malloc(variable->byte_count);
    if (*bytes == NULL || number > MODEL_NUMBER_MAX) {
        fputs("model: no memory, or too many states\n", stderr);
        abort();
    }
    for (size_t i = 0; i < variable->byte_count / variable->element_bytes; i++) {
        unsigned char element[8];
        element_of(variable, number, i, element);
        memcpy(*bytes + i * variable->element_bytes, element, variable->element_bytes);
    }
    return *bytes;
}

/* Which of its contents a piece has in a state: the same in every other state, for three in a row, or now and again. */
static uint64_t version_of_piece(size_t piece, uint64_t number)
{
    const uint64_t version[] = {number % 2, number / 3, seen_mix(number / 2) % 2, number};

    return 1 + version[piece / 2];
}

static const unsigned char *content_of_piece(size_t piece, uint64_t number)
{
    static unsigned char *content[PIECE_COUNT][MODEL_NUMBER_MAX + 2];
    const uint64_t version = version_of_piece(piece, number);
    unsigned char **bytes = &content[piece][version];

    if (*bytes != NULL)
        return *bytes;
    *bytes = zeroed_or_abort(PIECE_BYTES, 1);
    for (size_t i = 0; i < PIECE_BYTES; i += sizeof(uint64_t)) {
        const uint64_t value = value_of(version, VARIABLE_COUNT + piece, i);
        memcpy(*bytes + i, &value, sizeof value);
    }
    return *bytes;
}

/* The content of a variable in a state, run by run: where it begins, and how long it is. */
static size_t run_count(size_t index)
{
    return VARIABLE[index].changes == CHANGES_IN_PIECES ? PIECE_COUNT : 1;
}

static size_t run_bytes(size_t index)
{
    return VARIABLE[index].byte_count / run_count(index);
}

static const unsigned char *run_of(size_t index, size_t run, uint64_t number)
{
    return VARIABLE[index].changes == CHANGES_IN_PIECES ? content_of_piece(run, number) : content_of(index, number);
}

void model_set(enum model_schema schema, uint64_t number)
{
    for (size_t i = 0; i < VARIABLE_COUNT; i++)
        for (size_t run = 0; VARIABLE[i].in_schema[schema] && run < run_count(i); run++)
            memcpy((unsigned char *)VARIABLE[i].memory + run * run_bytes(i), run_of(i, run, number), run_bytes(i));
}

bool model_is(enum model_schema schema, uint64_t number)
{
    for (size_t i = 0; i < VARIABLE_COUNT; i++)
        for (size_t run = 0; VARIABLE[i].in_schema[schema] && run < run_count(i); run++)
            if (memcmp((unsigned char *)VARIABLE[i].memory + run * run_bytes(i), run_of(i, run, number), run_bytes(i)))
                return false;
    return true;
}

void model_compare(enum model_schema schema, uint64_t one, uint64_t other, model_common *say, void *context)
{
    size_t first = 0;

    if (schema == MODEL_BIG)
        say(context, "frozen", 0, UINT64_MAX);
    for (size_t piece = 0; schema == MODEL_DRIFTING && piece <= PIECE_COUNT; piece++) {
        if (piece < PIECE_COUNT && version_of_piece(piece, one) == version_of_piece(piece, other))
            continue;
        if (piece > first)
            say(context, "drift", first * PIECE_BYTES, (piece - first) * PIECE_BYTES);
        first = piece + 1;
    }
}

void model_spoil(enum model_schema schema)
{
    for (size_t i = 0; i < VARIABLE_COUNT; i++)
        if (VARIABLE[i].in_schema[schema])
            memset(VARIABLE[i].memory, 0xa5, VARIABLE[i].byte_count);
}

bool model_is_spoilt(enum model_schema schema)
{
    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        const unsigned char *bytes = VARIABLE[i].memory;
        if (VARIABLE[i].in_schema[schema] &&
            (bytes[0] != 0xa5 || memcmp(bytes, bytes + 1, VARIABLE[i].byte_count - 1) != 0))
            return false;
    }
    return true;
}

struct h5ckpt_progress model_progress(uint64_t number)
{
    return (struct h5ckpt_progress){
        .epoch = number / MODEL_EPOCH_BATCHES, .batch = number % MODEL_EPOCH_BATCHES, .step = number};
}

bool model_is_progress(const struct h5ckpt_progress *progress, uint64_t number)
{
    return progress->step == number && progress->batch <= MODEL_EPOCH_BATCHES &&
           progress->epoch * MODEL_EPOCH_BATCHES + progress->batch == number;
}
