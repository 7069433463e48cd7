/* SPDX-License-Identifier: MIT */
#include "cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failure.h"
#include "memory.h"

enum { PAGE_BYTES = 4096, READ_BYTES = 1024 * 1024, COLD_PERCENT_MAX = 1 };

typedef void visit_file(void *context, int descriptor, size_t byte_count);

/* Every regular file of the directory, open for reading. */
static void visit_files(const char *directory, visit_file *visit, void *context)
{
    DIR *entries = opendir(directory);
    struct stat status;

    if (entries == NULL)
        fail_system("cannot open '%s'", directory);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        const int descriptor = openat(dirfd(entries), entry->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (descriptor >= 0 && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
            visit(context, descriptor, (size_t)status.st_size);
        if (descriptor >= 0)
            close(descriptor);
    }
    closedir(entries);
}

/* Dirty pages would stay. */
static void drop(void *context, int descriptor, size_t byte_count)
{
    (void)context;
    (void)byte_count;
    if (fdatasync(descriptor) < 0)
        fail_system("cannot flush a file");
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
}

static void read_all(void *context, int descriptor, size_t byte_count)
{
    (void)byte_count;
    while (read(descriptor, context, READ_BYTES) > 0)
        ;
}

void cache_make(enum cache_state state, const char *directory)
{
    void *room = memory_check(malloc(READ_BYTES));

    visit_files(directory, state == CACHE_COLD ? drop : read_all, room);
    free(room);
}

struct residence {
    size_t page_count;
    size_t resident_count;
};

static void count_resident(void *context, int descriptor, size_t byte_count)
{
    struct residence *residence = context;
    const size_t page_count = (byte_count + PAGE_BYTES - 1) / PAGE_BYTES;
    unsigned char *resident = memory_check(calloc(page_count, 1));
    void *map = mmap(NULL, byte_count, PROT_READ, MAP_SHARED, descriptor, 0);

    if (map == MAP_FAILED || mincore(map, byte_count, resident) < 0)
        fail_system("cannot ask for a file's pages");
    residence->page_count += page_count;
    for (size_t i = 0; i < page_count; i++)
        residence->resident_count += resident[i] & 1;
    munmap(map, byte_count);
    free(resident);
}

bool cache_is_cold(const char *directory)
{
    struct residence residence = {0};

    visit_files(directory, count_resident, &residence);
    return residence.resident_count * 100 <= residence.page_count * COLD_PERCENT_MAX;
}
