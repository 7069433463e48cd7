/* SPDX-License-Identifier: MIT */
/*
 * fail_malloc: a program that includes this (once) has every allocation counted and can have one fail, or all from one
 * on, those inside libc (tsearch) too. Not under sanitizers and valgrind, which bring an allocator of their own, nor
 * without glibc: ask malloc_is_ours() before adding tests that need it.
 */
#ifndef TEST_FAIL_MALLOC_H
#define TEST_FAIL_MALLOC_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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
static volatile long malloc_fail_in;      /* the allocation to fail: 1 is the next one; 0: none, or it has failed */
static volatile bool malloc_fail_from_on; /* and all after it: then it stays 1 */
static volatile long malloc_live_count;   /* blocks allocated and not freed */

/* Of whose allocations all this is, by the address to which malloc() will return; NULL: of everybody's. */
static bool (*malloc_is_counted)(const void *caller);

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
void *__libc_memalign(size_t alignment, size_t byte_count);
void __libc_free(void *bytes);

enum { MALLOC_TABLE_SIZE = 1 << 18 };

/*
 * Where not everybody's are counted: the live blocks that are, by their address. A hash table; what follows one that
 * goes moves up.
 */
static struct malloc_block {
    void *bytes;
    const void *caller;
    long number; /* of all that were asked for by then */
} malloc_table[MALLOC_TABLE_SIZE];
static size_t malloc_table_count;
static atomic_flag malloc_busy = ATOMIC_FLAG_INIT; /* a mutex could allocate */
static volatile long malloc_asked_count;           /* allocations that were asked for … */
static volatile long malloc_failed_count;          /* … and that failed */

static void malloc_lock(void)
{
    while (atomic_flag_test_and_set(&malloc_busy))
        ;
}

static void malloc_unlock(void)
{
    atomic_flag_clear(&malloc_busy);
}

static size_t malloc_home(const void *bytes)
{
    return (size_t)((uint64_t)(uintptr_t)bytes * UINT64_C(0x9e3779b97f4a7c15) >> 46) % MALLOC_TABLE_SIZE;
}

static size_t malloc_place(const void *bytes)
{
    size_t at = malloc_home(bytes);

    while (malloc_table[at].bytes != NULL && malloc_table[at].bytes != bytes)
        at = (at + 1) % MALLOC_TABLE_SIZE;
    return at;
}

/* An allocation of the caller's begins; it fails if this is true. Also for what allocates in another way (threads). */
static bool malloc_fails(const void *caller)
{
    bool fails = false;

    if (malloc_is_counted != NULL && !malloc_is_counted(caller))
        return false;
    malloc_lock();
    malloc_asked_count++;
    if (malloc_fail_in > 1) {
        malloc_fail_in--;
    } else if (malloc_fail_in == 1) {
        malloc_fail_in = malloc_fail_from_on;
        malloc_failed_count++;
        fails = true;
    }
    malloc_unlock();
    if (fails)
        errno = ENOMEM;
    return fails;
}

static void *malloc_note(void *bytes, const void *caller)
{
    if (bytes == NULL || (malloc_is_counted != NULL && !malloc_is_counted(caller)))
        return bytes;
    malloc_lock();
    malloc_live_count++;
    if (malloc_is_counted != NULL) {
        if (++malloc_table_count > MALLOC_TABLE_SIZE / 2)
            abort();
        malloc_table[malloc_place(bytes)] = (struct malloc_block){bytes, caller, malloc_asked_count};
    }
    malloc_unlock();
    return bytes;
}

/* false: it was not counted. */
static bool malloc_take(const void *bytes)
{
    size_t hole = malloc_place(bytes);

    if (malloc_table[hole].bytes == NULL)
        return malloc_is_counted == NULL;
    for (size_t at = (hole + 1) % MALLOC_TABLE_SIZE; malloc_table[at].bytes != NULL;
         at = (at + 1) % MALLOC_TABLE_SIZE) {
        const size_t home = malloc_home(malloc_table[at].bytes);
        if ((at - home) % MALLOC_TABLE_SIZE < (at - hole) % MALLOC_TABLE_SIZE)
            continue;
        malloc_table[hole] = malloc_table[at];
        hole = at;
    }
    malloc_table[hole].bytes = NULL;
    malloc_table_count--;
    return true;
}

static void malloc_forget(const void *bytes)
{
    if (bytes == NULL)
        return;
    malloc_lock();
    malloc_live_count -= malloc_take(bytes);
    malloc_unlock();
}

#define MALLOC_CALLER __builtin_return_address(0)

void *malloc(size_t byte_count)
{
    return malloc_fails(MALLOC_CALLER) ? NULL : malloc_note(__libc_malloc(byte_count), MALLOC_CALLER);
}

void *calloc(size_t count, size_t byte_count)
{
    return malloc_fails(MALLOC_CALLER) ? NULL : malloc_note(__libc_calloc(count, byte_count), MALLOC_CALLER);
}

void *realloc(void *bytes, size_t byte_count)
{
    void *moved;

    if (malloc_fails(MALLOC_CALLER))
        return NULL;
    malloc_forget(bytes); /* now: once it is free, another thread may be given its address */
    moved = __libc_realloc(bytes, byte_count);
    malloc_note(moved == NULL && byte_count > 0 ? bytes : moved, MALLOC_CALLER);
    return moved;
}

int posix_memalign(void **bytes, size_t alignment, size_t byte_count)
{
    void *aligned = malloc_fails(MALLOC_CALLER) ? NULL : __libc_memalign(alignment, byte_count);

    if (aligned == NULL)
        return ENOMEM;
    *bytes = malloc_note(aligned, MALLOC_CALLER);
    return 0;
}

void *aligned_alloc(size_t alignment, size_t byte_count)
{
    return malloc_fails(MALLOC_CALLER) ? NULL : malloc_note(__libc_memalign(alignment, byte_count), MALLOC_CALLER);
}

void free(void *bytes)
{
    malloc_forget(bytes);
    __libc_free(bytes);
}

#endif
#endif
