/* SPDX-License-Identifier: MIT */
#include "support/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "storage/system.h"

enum { DESCRIPTOR_COUNT_MAX = 256, NAME_BYTES = 64 };

static struct faults current;
static long seen;
static long hits;
static bool inside; /* `before` runs */
static int64_t stopped_ns;
static char name_of[DESCRIPTOR_COUNT_MAX][NAME_BYTES];
static struct {
    char name[NAME_BYTES];
    uint64_t byte_count;
} written[16];

static const char *name_of_descriptor(int descriptor)
{
    return descriptor >= 0 && descriptor < DESCRIPTOR_COUNT_MAX ? name_of[descriptor] : "";
}

static bool fails(unsigned call, const char *name)
{
    if (inside || (current.calls & call) == 0)
        return false;
    if (current.name != NULL && strncmp(name, current.name, strlen(current.name)) != 0)
        return false;
    long number = seen++;
    if (number < current.first || number >= current.first + current.count)
        return false;
    hits++;
    if (current.before != NULL) {
        inside = true;
        current.before(current.context);
        inside = false;
    }
    errno = current.error;
    return current.error != 0;
}

/* No power cut is tested here (test/crash does that): nobody waits for the device … */
static int flush_nothing(int descriptor)
{
    return fcntl(descriptor, F_GETFD) < 0 ? -1 : 0;
}

/* … nor has it write what is in the cache before reading past that. */
static int open_through_cache(int directory, const char *name, int flags, mode_t mode)
{
    return system_kernel.open_at(directory, name, flags & ~O_DIRECT, mode);
}

static int say_direct(int descriptor)
{
    (void)descriptor;
    return 1;
}

static int fault_open_at(int directory, const char *name, int flags, mode_t mode)
{
    unsigned call = FAULT_OPEN;

    if ((flags & O_DIRECT) != 0)
        call |= FAULT_DIRECT;
    if ((flags & O_CREAT) != 0)
        call |= FAULT_CREATE;
    if (fails(call, name))
        return -1;
    int descriptor = open_through_cache(directory, name, flags, mode);
    if (descriptor >= 0 && descriptor < DESCRIPTOR_COUNT_MAX)
        snprintf(name_of[descriptor], NAME_BYTES, "%s", strlen(name) < NAME_BYTES ? name : "");
    return descriptor;
}

static ssize_t fault_read_at(int descriptor, void *bytes, size_t byte_count, off_t offset)
{
    return fails(FAULT_READ, name_of_descriptor(descriptor))
               ? -1
               : system_kernel.read_at(descriptor, bytes, byte_count, offset);
}

static void count_written(const char *name, uint64_t byte_count)
{
    for (unsigned i = 0; i < sizeof written / sizeof *written; i++) {
        if (written[i].name[0] != '\0' && strcmp(written[i].name, name) != 0)
            continue;
        snprintf(written[i].name, NAME_BYTES, "%s", name);
        written[i].byte_count += byte_count;
        return;
    }
}

static ssize_t fault_write_at(int descriptor, const void *bytes, size_t byte_count, off_t offset)
{
    if ((uint64_t)offset + byte_count > current.room && fails(FAULT_WRITE, name_of_descriptor(descriptor)))
        return -1;
    ssize_t put = system_kernel.write_at(descriptor, bytes, byte_count, offset);
    if (put > 0)
        count_written(name_of_descriptor(descriptor), (uint64_t)put);
    return put;
}

static int fault_flush(int descriptor)
{
    return fails(FAULT_FLUSH, name_of_descriptor(descriptor)) ? -1 : flush_nothing(descriptor);
}

static int fault_allocate(int descriptor, off_t offset, off_t byte_count)
{
    if (current.room != 0) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return fails(FAULT_ALLOCATE, name_of_descriptor(descriptor))
               ? -1
               : system_kernel.allocate(descriptor, offset, byte_count);
}

static int fault_link_at(int directory, const char *from, const char *to)
{
    return fails(FAULT_LINK, to) ? -1 : system_kernel.link_at(directory, from, to);
}

static int fault_rename_at(int directory, const char *from, const char *to)
{
    return fails(FAULT_RENAME, to) ? -1 : system_kernel.rename_at(directory, from, to);
}

static int fault_remove_at(int directory, const char *name)
{
    return fails(FAULT_REMOVE, name) ? -1 : system_kernel.remove_at(directory, name);
}

static int64_t stopped_clock(void)
{
    return stopped_ns;
}

void faults_set(struct faults faults)
{
    static struct system_calls faulty;

    faulty = system_kernel;
    faulty.open_at = fault_open_at;
    faulty.read_at = fault_read_at;
    faulty.write_at = fault_write_at;
    faulty.flush = fault_flush;
    faulty.flush_data = fault_flush;
    faulty.is_direct = say_direct;
    faulty.allocate = fault_allocate;
    faulty.link_at = fault_link_at;
    faulty.rename_at = fault_rename_at;
    faulty.remove_at = fault_remove_at;
    stopped_ns = system_kernel.monotonic_time_ns();
    if (faults.no_time_passes)
        faulty.monotonic_time_ns = stopped_clock;
    current = faults;
    seen = 0;
    hits = 0;
    memset(written, 0, sizeof written);
    system_calls = &faulty;
}

void faults_clear(void)
{
    static struct system_calls sound;

    current = (struct faults){0};
    sound = system_kernel;
    sound.flush = flush_nothing;
    sound.flush_data = flush_nothing;
    sound.is_direct = say_direct;
    sound.open_at = open_through_cache;
    system_calls = &sound;
}

long faults_seen(void)
{
    return seen;
}

bool faults_hit(void)
{
    return hits != 0;
}

uint64_t faults_written_bytes(const char *name)
{
    uint64_t byte_count = 0;

    for (unsigned i = 0; i < sizeof written / sizeof *written; i++)
        if (written[i].name[0] != '\0' && strncmp(written[i].name, name, strlen(name)) == 0)
            byte_count += written[i].byte_count;
    return byte_count;
}
