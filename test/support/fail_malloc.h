/* SPDX-License-Identifier: MIT */
/*
 * fail_malloc: a program that includes this (once) has every allocation counted and can have one fail, those inside
 * libc (tsearch) too. Not under sanitizers and valgrind, which bring an allocator of their own, nor without glibc:
 * ask malloc_is_ours() before adding tests that need it.
 */
#ifndef TEST_FAIL_MALLOC_H
#define TEST_FAIL_MALLOC_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define HAVE_FAIL_MALLOC 0
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#undef HAVE_FAIL_MALLOC
#define HAVE_FAIL_MALLOC 0
#endif
#ifndef HAVE_FAIL_MALLOC
#define HAVE_FAIL_MALLOC 1
#endif

/* volatile: compilers know malloc() and think that it changes no variable */
static volatile long malloc_fail_in;    /* the allocation to fail: 1 is the next one; 0 or less: none */
static volatile long malloc_live_count; /* blocks allocated and not freed */

static bool malloc_is_ours(void)
{
    long live_count = malloc_live_count;
    void *volatile block = malloc(1);
    bool is_counted = malloc_live_count == live_count + 1;

    free(block);
    return is_counted;
}

#if HAVE_FAIL_MALLOC

void *__libc_malloc(size_t byte_count);
void *__libc_calloc(size_t count, size_t byte_count);
void *__libc_realloc(void *bytes, size_t byte_count);
void __libc_free(void *bytes);

static bool malloc_fails(void)
{
    if (malloc_fail_in <= 0 || --malloc_fail_in > 0)
        return false;
    errno = ENOMEM;
    return true;
}

static void *malloc_counted(void *bytes)
{
    malloc_live_count += bytes != NULL;
    return bytes;
}

void *malloc(size_t byte_count)
{
    return malloc_fails() ? NULL : malloc_counted(__libc_malloc(byte_count));
}

void *calloc(size_t count, size_t byte_count)
{
    return malloc_fails() ? NULL : malloc_counted(__libc_calloc(count, byte_count));
}

void *realloc(void *bytes, size_t byte_count)
{
    void *moved = malloc_fails() ? NULL : __libc_realloc(bytes, byte_count);

    return bytes == NULL ? malloc_counted(moved) : moved;
}

void free(void *bytes)
{
    malloc_live_count -= bytes != NULL;
    __libc_free(bytes);
}

#endif
#endif
