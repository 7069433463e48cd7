/* SPDX-License-Identifier: MIT */
#include "fuzz/program.h"

#include <stddef.h>
#include <string.h>

#include "fuzz/fuzz.h"

enum { SPOILT = 0xa5, CONSTANT_VARIABLE = 3, ACCESS_VARIABLE = 4 };

static struct memory {
    double weights[40];
    int32_t small[3];
    unsigned char large[70000]; /* more than a block: parts of it change */
    float constant[20000];      /* the same in every state */
    uint16_t device[9];
    char label[12];
} memory;

static struct memory content[256]; /* by number, made when first needed */
static bool made[256];

static const struct {
    const char *name;
    h5ckpt_type type;
    uint64_t count;
    void *memory;
    size_t byte_count;
} VARIABLE[PROGRAM_VARIABLE_COUNT] = {
    {"weights", H5CKPT_FLOAT64, 40, memory.weights, sizeof memory.weights},
    {"group/small", H5CKPT_INT32, 3, memory.small, sizeof memory.small},
    {"large", H5CKPT_UINT8, sizeof memory.large, memory.large, sizeof memory.large},
    {"constant", H5CKPT_FLOAT32, 20000, memory.constant, sizeof memory.constant},
    {"group/device", H5CKPT_UINT16, 9, memory.device, sizeof memory.device},
    {"label", 0x08000000 | 12, 1, memory.label, sizeof memory.label},
};

static int get(void *context, void *bytes, size_t byte_count)
{
    const struct program *program = context;

    memcpy(bytes, memory.device, byte_count);
    return program->get_fails ? 7 : 0;
}

static int put(void *context, const void *bytes, size_t byte_count)
{
    const struct program *program = context;

    memcpy(memory.device, bytes, byte_count);
    return program->put_fails ? 7 : 0;
}

void program_add(struct program *program, unsigned variable)
{
    if (program->mask >> variable & 1)
        return;
    program->mask |= 1u << variable;
    if (variable == ACCESS_VARIABLE)
        h5ckpt_add_access(program->state, VARIABLE[variable].name, VARIABLE[variable].type, 1,
                          &VARIABLE[variable].count, &(struct h5ckpt_access){get, put, program});
    else
        h5ckpt_add(program->state, VARIABLE[variable].name, VARIABLE[variable].type, 1, &VARIABLE[variable].count,
                   VARIABLE[variable].memory);
}

void program_make(struct program *program, unsigned mask, double setting)
{
    *program = (struct program){.state = h5ckpt_state_new()};
    for (unsigned i = 0; i < PROGRAM_VARIABLE_COUNT; i++)
        if (mask >> i & 1)
            program_add(program, i);
    h5ckpt_add_setting(program->state, "rate", H5CKPT_FLOAT64, 0, NULL, &setting);
    fuzz_must(*h5ckpt_state_message(program->state) == '\0', "%s", h5ckpt_state_message(program->state));
}

void program_free(struct program *program)
{
    h5ckpt_state_free(program->state);
    *program = (struct program){0};
}

/* Of the large variable the first byte always changes, the rest every third state, and back. */
static void make_content(uint64_t number)
{
    struct memory *m = &content[number];

    for (unsigned i = 0; i < 40; i++)
        m->weights[i] = (double)number + i / 64.0;
    for (int i = 0; i < 3; i++)
        m->small[i] = (int32_t)number * 3 + i;
    memset(m->large, (int)(number / 3 % 2) + 1, sizeof m->large);
    m->large[0] = (unsigned char)number;
    for (unsigned i = 0; i < 20000; i++)
        m->constant[i] = (float)i;
    for (unsigned i = 0; i < 9; i++)
        m->device[i] = (uint16_t)(number * 9 + i);
    snprintf(m->label, sizeof m->label, "%u", (unsigned)number);
    made[number] = true;
}

void program_fill(uint64_t number)
{
    fuzz_must(number < sizeof made, "too many states");
    if (!made[number])
        make_content(number);
    memory = content[number];
}

void program_spoil(void)
{
    memset(&memory, SPOILT, sizeof memory);
}

bool program_is(unsigned mask, uint64_t number)
{
    for (unsigned i = 0; i < PROGRAM_VARIABLE_COUNT; i++) {
        const size_t at = (size_t)((char *)VARIABLE[i].memory - (char *)&memory);
        if (mask >> i & 1 && (number >= sizeof made || !made[number] ||
                              memcmp(VARIABLE[i].memory, (char *)&content[number] + at, VARIABLE[i].byte_count) != 0))
            return false;
    }
    return true;
}

bool program_is_spoilt(unsigned mask)
{
    for (unsigned i = 0; i < PROGRAM_VARIABLE_COUNT; i++) {
        const unsigned char *bytes = VARIABLE[i].memory;
        if (mask >> i & 1 && (bytes[0] != SPOILT || memcmp(bytes, bytes + 1, VARIABLE[i].byte_count - 1) != 0))
            return false;
    }
    return true;
}

void program_promise(const struct program *program, h5ckpt_store *store)
{
    if (program->mask >> CONSTANT_VARIABLE & 1)
        h5ckpt_unchanged(store, VARIABLE[CONSTANT_VARIABLE].name, 0, UINT64_MAX);
}
