/* SPDX-License-Identifier: MIT */
/*
 * cache: the page cache of the files in a directory, empty or full, before the clock starts.
 */
#ifndef CACHE_H
#define CACHE_H

#include <stdbool.h>

enum cache_state { CACHE_COLD, CACHE_WARM };

/* Drop every page of the directory's files, or read them all. */
void cache_make(enum cache_state state, const char *directory);

/* Did dropping work? Some file systems live in the cache. */
bool cache_is_cold(const char *directory);

#endif
