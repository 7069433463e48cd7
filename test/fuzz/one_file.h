/* SPDX-License-Identifier: MIT */
/*
 * one_file: a file system of one small file, for codecs that are reached by reading and writing it only. As fast as can
 * be.
 */
#ifndef H5CKPT_TEST_ONE_FILE_H
#define H5CKPT_TEST_ONE_FILE_H

#include <stdint.h>

#include "storage/system.h"

enum { ONE_FILE_BYTES_MAX = 4096, ONE_FILE_PROCESS = 4711 };

struct one_file {
    unsigned char bytes[ONE_FILE_BYTES_MAX];
    size_t byte_count;
};

extern struct one_file one_file;
extern const struct system_calls one_file_calls;

#endif
