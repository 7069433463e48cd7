/* SPDX-License-Identifier: MIT */
/*
 * structure_file: a structure and its variables' bytes as a file, for plain HDF5 and its tools to read.
 */
#ifndef TEST_STRUCTURE_FILE_H
#define TEST_STRUCTURE_FILE_H

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
#include "storage/hdf5/structure.h"

enum { STRUCTURE_FILE_TAIL_BYTES = 8192 };

static inline void structure_file_put(int descriptor, const void *bytes, size_t byte_count, uint64_t offset)
{
    ck_assert_int_eq(pwrite(descriptor, bytes, byte_count, (off_t)offset), (ssize_t)byte_count);
}

/* `bytes[i]` holds variable i, or is NULL to leave it as zeros. User block and tail are filled with bytes of no
 * meaning. */
static inline void structure_file_write(const char *path, const struct structure *structure,
                                        const struct schema *schema, const void *const *bytes)
{
    int descriptor = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    unsigned char noise[STRUCTURE_FILE_TAIL_BYTES];

    memset(noise, 0xa5, sizeof noise);
    ck_assert_int_ge(descriptor, 0);
    structure_file_put(descriptor, noise, FORMAT_USER_BLOCK_BYTES, 0);
    for (size_t i = 0; i < structure->run_count; i++)
        structure_file_put(descriptor, structure->run[i].bytes, structure->run[i].byte_count, structure->run[i].offset);
    for (size_t i = 0; i < structure->variable_count; i++)
        if (bytes != NULL && bytes[i] != NULL)
            structure_file_put(descriptor, bytes[i], schema->entry[i].byte_count, structure->variable_offset[i]);
    structure_file_put(descriptor, noise, sizeof noise, structure->end);
    ck_assert_int_eq(close(descriptor), 0);
}

#endif
