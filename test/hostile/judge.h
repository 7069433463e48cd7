/* SPDX-License-Identifier: MIT */
/*
 * judge: docs/format.md 2.4, "valid if and only if", once more and as plainly as it can be said, to be compared with
 * what the library finds. Its sums are made in 128 bits, where none can overflow.
 */
#ifndef TEST_HOSTILE_JUDGE_H
#define TEST_HOSTILE_JUDGE_H

#include "format.h"
#include "hostile/specimen.h"

enum judged { JUDGED_INTACT, JUDGED_DAMAGED, JUDGED_NEWER, JUDGED_FOREIGN, JUDGED_VOID };

enum judged judge(const struct specimen *specimen, const unsigned char directory_id[FORMAT_ID_BYTES]);

/* Is there, in an intact specimen, an entry of this path whose bytes are these? */
bool judge_holds(const struct specimen *specimen, const char *path, const void *bytes, size_t byte_count);

/* Is there an entry of this path? */
bool judge_names(const struct specimen *specimen, const char *path);

/* Entries whose path begins so. */
size_t judge_count(const struct specimen *specimen, const char *prefix);

#endif
