/* SPDX-License-Identifier: MIT */
/*
 * checksum: XXH3-128 (libxxhash) in its canonical byte order, the one checksum of the format.
 */
#ifndef H5CKPT_CHECKSUM_H
#define H5CKPT_CHECKSUM_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>

enum { CHECKSUM_BYTES = 16, CHECKSUM_TEXT_BYTES = 2 * CHECKSUM_BYTES + 1 };

struct checksum {
    unsigned char byte[CHECKSUM_BYTES];
};

struct checksum checksum_of(const void *bytes, size_t byte_count);

/* The same of bytes that come piece by piece. */
struct checksum_stream {
    alignas(64) unsigned char state[576]; /* libxxhash's own */
};

void checksum_begin(struct checksum_stream *stream);
void checksum_update(struct checksum_stream *stream, const void *bytes, size_t byte_count);
struct checksum checksum_end(const struct checksum_stream *stream);

bool checksum_equal(const struct checksum *a, const struct checksum *b);

/* 32 hexadecimal digits, for messages. */
void checksum_text(const struct checksum *checksum, char text[CHECKSUM_TEXT_BYTES]);

#endif
