/* SPDX-License-Identifier: MIT */
/*
 * small_and_fast: HDF5's part of each file is built once per schema, which always gives the same bytes (structure.h),
 * and copied from then on: libhdf5 would take more time than all the rest. And a history has room for four rows at
 * first, so that slots are small. The linker leads the library's calls here.
 */
#include "fuzz/fuzz.h"
#include "storage/hdf5/structure.h"
#include "storage/index.h"

enum { KEPT_COUNT_MAX = 1 << 12 };

static struct kept {
    struct checksum key;
    struct structure structure;
} kept[KEPT_COUNT_MAX];

static size_t kept_count;

h5ckpt_status __real_structure_build(struct structure *structure, const struct schema *schema, struct error *error);
h5ckpt_status __wrap_structure_build(struct structure *structure, const struct schema *schema, struct error *error);
h5ckpt_status __real_structure_build_view(struct structure *structure, const char *current, const char *previous,
                                          struct error *error);
h5ckpt_status __wrap_structure_build_view(struct structure *structure, const char *current, const char *previous,
                                          struct error *error);

static void *copy_of(const void *bytes, size_t byte_count)
{
    void *copy = malloc(byte_count + 1);

    fuzz_must(copy != NULL, "no memory");
    return byte_count == 0 ? copy : memcpy(copy, bytes, byte_count);
}

static struct structure structure_copy(const struct structure *from)
{
    struct structure to = *from;

    to.variable_offset = copy_of(from->variable_offset, from->variable_count * sizeof *from->variable_offset);
    to.run = copy_of(from->run, from->run_count * sizeof *from->run);
    for (size_t i = 0; i < from->run_count; i++)
        to.run[i].bytes = copy_of(from->run[i].bytes, from->run[i].byte_count);
    return to;
}

static bool find(const struct checksum *key, struct structure *structure)
{
    for (size_t i = 0; i < kept_count; i++)
        if (checksum_equal(&kept[i].key, key)) {
            *structure = structure_copy(&kept[i].structure);
            return true;
        }
    return false;
}

static void keep(const struct checksum *key, const struct structure *structure)
{
    if (kept_count < KEPT_COUNT_MAX)
        kept[kept_count++] = (struct kept){*key, structure_copy(structure)};
}

h5ckpt_status __wrap_structure_build(struct structure *structure, const struct schema *schema, struct error *error)
{
    unsigned char *bytes;
    size_t byte_count;

    fuzz_must(index_encode(schema, NULL, &bytes, &byte_count, error) == H5CKPT_OK, "no memory");
    const struct checksum key = checksum_of(bytes, byte_count);
    free(bytes);
    if (find(&key, structure))
        return H5CKPT_OK;
    const h5ckpt_status status = __real_structure_build(structure, schema, error);
    if (status == H5CKPT_OK)
        keep(&key, structure);
    return status;
}

h5ckpt_status __wrap_structure_build_view(struct structure *structure, const char *current, const char *previous,
                                          struct error *error)
{
    char names[64] = "";

    snprintf(names, sizeof names, "%s %s", current == NULL ? "" : current, previous == NULL ? "" : previous);
    const struct checksum key = checksum_of(names, strlen(names));
    if (find(&key, structure))
        return H5CKPT_OK;
    const h5ckpt_status status = __real_structure_build_view(structure, current, previous, error);
    if (status == H5CKPT_OK)
        keep(&key, structure);
    return status;
}

uint64_t __wrap_history_capacity_for(uint64_t row_count);

uint64_t __wrap_history_capacity_for(uint64_t row_count)
{
    uint64_t capacity = 4;

    while (capacity < row_count)
        capacity *= 2;
    return capacity;
}
