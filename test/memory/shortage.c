/* SPDX-License-Identifier: MIT */
#include "memory/shortage.h"

#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "storage/hdf5/hdf5_call.h"
#include "storage/system.h"
#include "support/fail_malloc.h"

enum { MANY = 1 << 30 };

static enum shortage_whose watched;
static _Thread_local bool in_hdf5;
static long asked_before;
static long mark;

/* The linker's: where this program, and the library in it, begins, and where its code ends. */
extern const char __executable_start[];
extern const char etext[];

static uintptr_t linker_begin;
static uintptr_t linker_end;

static int find_linker(struct dl_phdr_info *object, size_t byte_count, void *context)
{
    (void)byte_count, (void)context;
    if (object->dlpi_addr != getauxval(AT_BASE))
        return 0;
    linker_begin = linker_end = object->dlpi_addr;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const uintptr_t end = linker_begin + object->dlpi_phdr[i].p_vaddr + object->dlpi_phdr[i].p_memsz;
        if (object->dlpi_phdr[i].p_type == PT_LOAD && end > linker_end)
            linker_end = end;
    }
    return 1;
}

static void (*at_hdf5)(void);
static void (*after_hdf5)(void);

static bool is_watched(const void *caller)
{
    const uintptr_t at = (uintptr_t)caller;
    const bool by_us = at >= (uintptr_t)__executable_start && at < (uintptr_t)etext;
    const bool by_hdf5 = in_hdf5 && !by_us;
    void (*const call)(void) = at_hdf5;

    if (at >= linker_begin && at < linker_end)
        return false;
    if (by_hdf5 && call != NULL) {
        at_hdf5 = NULL;
        call();
    }
    return by_hdf5 == (watched == SHORTAGE_OF_HDF5);
}

void shortage_at_hdf5(void (*begin)(void), void (*end)(void))
{
    at_hdf5 = begin;
    after_hdf5 = end;
}

static int64_t run_child(const struct system_child *child)
{
    if (malloc_fails(MALLOC_CALLER)) {
        errno = EAGAIN;
        return -1;
    }
    return system_kernel.run_child(child);
}

bool shortage_is_possible(void)
{
    return malloc_is_ours();
}

void shortage_watch(enum shortage_whose whose)
{
    static struct system_calls calls;

    watched = whose;
    dl_iterate_phdr(find_linker, NULL);
    malloc_is_counted = is_watched;
    calls = *system_calls;
    calls.run_child = run_child;
    system_calls = &calls;
}

void shortage_begin(long which, bool from_then_on)
{
    asked_before = malloc_asked_count;
    malloc_failed_count = 0;
    malloc_fail_from_on = from_then_on;
    malloc_fail_in = which;
}

long shortage_end(void)
{
    malloc_fail_in = 0;
    return malloc_failed_count;
}

long shortage_seen(void)
{
    return malloc_asked_count - asked_before;
}

long shortage_live_count(void)
{
    return malloc_live_count;
}

void shortage_mark(void)
{
    mark = malloc_asked_count;
}

void shortage_show_live(void)
{
    for (size_t i = 0; i < MALLOC_TABLE_SIZE; i++)
        if (malloc_table[i].bytes != NULL && malloc_table[i].number > mark)
            fprintf(stderr, "  a block lives that was allocated at %#tx\n",
                    (const char *)malloc_table[i].caller - __executable_start);
}

/* --------------------------------------------------------------- the linker's */

h5ckpt_status __real_hdf5_enter(struct hdf5_visit *visit, uint64_t metadata_bytes, struct error *error);
h5ckpt_status __wrap_hdf5_enter(struct hdf5_visit *visit, uint64_t metadata_bytes, struct error *error);
void __real_hdf5_leave(struct hdf5_visit *visit);
void __wrap_hdf5_leave(struct hdf5_visit *visit);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*begin)(void *), void *context);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*begin)(void *), void *context);
void *__real_mmap(void *at, size_t byte_count, int protection, int flags, int descriptor, off_t offset);
void *__wrap_mmap(void *at, size_t byte_count, int protection, int flags, int descriptor, off_t offset);

/*
 * The pieces of the reserve count as one allocation: what comes after it is to be reached in as many cases as it has
 * allocations.
 */
static h5ckpt_status enter_as_one(struct hdf5_visit *visit, uint64_t metadata_bytes, struct error *error)
{
    const long fail_in = malloc_fail_in;
    const long asked_count = malloc_asked_count;

    if (fail_in > 1)
        malloc_fail_in = MANY;
    const h5ckpt_status status = __real_hdf5_enter(visit, metadata_bytes, error);
    if (fail_in > 1)
        malloc_fail_in = fail_in - 1;
    malloc_asked_count = asked_count + 1;
    return status;
}

h5ckpt_status __wrap_hdf5_enter(struct hdf5_visit *visit, uint64_t metadata_bytes, struct error *error)
{
    in_hdf5 = true;
    const h5ckpt_status status = watched == SHORTAGE_OF_OURS ? enter_as_one(visit, metadata_bytes, error)
                                                             : __real_hdf5_enter(visit, metadata_bytes, error);
    in_hdf5 = status >= 0;
    return status;
}

void __wrap_hdf5_leave(struct hdf5_visit *visit)
{
    void (*const call)(void) = after_hdf5;

    __real_hdf5_leave(visit);
    in_hdf5 = false;
    after_hdf5 = NULL;
    if (call != NULL)
        call();
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*begin)(void *), void *context)
{
    return malloc_fails(MALLOC_CALLER) ? EAGAIN : __real_pthread_create(thread, attributes, begin, context);
}

void *__wrap_mmap(void *at, size_t byte_count, int protection, int flags, int descriptor, off_t offset)
{
    return malloc_fails(MALLOC_CALLER) ? MAP_FAILED
                                       : __real_mmap(at, byte_count, protection, flags, descriptor, offset);
}
