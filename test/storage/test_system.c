/* SPDX-License-Identifier: MIT */
/*
 * The seam to the kernel: what its calls give where a call of libc's fails, is interrupted, or is asked something odd.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/system.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ----------------------------------------------------- libc, which fails (--wrap) */

enum libc_call { NO_CALL, OPEN, FOPEN, FDOPENDIR, READDIR, READ, GETRANDOM, WAITPID, STATX, FSTATFS, GETAFFINITY };

static enum libc_call failing;
static int failing_errno;
static unsigned failing_count;

static const struct statx *file_told; /* instead of what the kernel says; NULL: that */
static const struct statfs *volume_told;
static const char *file_instead; /* of the one that fopen() is asked for */
static ssize_t random_bytes_max = SSIZE_MAX;

static void make_fail(enum libc_call call, int error, unsigned count)
{
    failing = call;
    failing_errno = error;
    failing_count = count;
}

static bool fails(enum libc_call call)
{
    if (failing != call || failing_count == 0)
        return false;
    failing_count--;
    errno = failing_errno;
    return true;
}

static void teardown(void)
{
    make_fail(NO_CALL, 0, 0);
    file_told = NULL;
    volume_told = NULL;
    file_instead = NULL;
    random_bytes_max = SSIZE_MAX;
}

#define WRAPPED(type, name, parameters) \
    type __real_##name parameters;      \
    type __wrap_##name parameters;      \
    type __wrap_##name parameters

WRAPPED(int, open64, (const char *path, int flags, mode_t mode))
{
    return fails(OPEN) ? -1 : __real_open64(path, flags, mode);
}

WRAPPED(FILE *, fopen64, (const char *path, const char *mode))
{
    return fails(FOPEN) ? NULL : __real_fopen64(file_instead != NULL ? file_instead : path, mode);
}

WRAPPED(DIR *, fdopendir, (int descriptor))
{
    return fails(FDOPENDIR) ? NULL : __real_fdopendir(descriptor);
}

WRAPPED(struct dirent *, readdir64, (DIR * stream))
{
    return fails(READDIR) ? NULL : __real_readdir64(stream);
}

WRAPPED(ssize_t, read, (int descriptor, void *bytes, size_t byte_count))
{
    return fails(READ) ? -1 : __real_read(descriptor, bytes, byte_count);
}

WRAPPED(ssize_t, getrandom, (void *bytes, size_t byte_count, unsigned flags))
{
    const ssize_t got = fails(GETRANDOM) ? -1 : __real_getrandom(bytes, byte_count, flags);

    return got < random_bytes_max ? got : random_bytes_max;
}

WRAPPED(pid_t, waitpid, (pid_t process, int *wait_status, int options))
{
    return fails(WAITPID) ? -1 : __real_waitpid(process, wait_status, options);
}

WRAPPED(int, statx, (int directory, const char *path, int flags, unsigned mask, struct statx *file))
{
    if (fails(STATX))
        return -1;
    if (file_told == NULL)
        return __real_statx(directory, path, flags, mask, file);
    *file = *file_told;
    return 0;
}

WRAPPED(int, fstatfs64, (int descriptor, struct statfs *volume))
{
    if (fails(FSTATFS))
        return -1;
    if (volume_told == NULL)
        return __real_fstatfs64(descriptor, volume);
    *volume = *volume_told;
    return 0;
}

WRAPPED(int, sched_getaffinity, (pid_t process, size_t byte_count, cpu_set_t *cpus))
{
    return fails(GETAFFINITY) ? -1 : __real_sched_getaffinity(process, byte_count, cpus);
}

/* ------------------------------------------------------------------ directories */

static void count_name(void *context, const char *name)
{
    (void)name;
    ++*(unsigned *)context;
}

/* The number that the next descriptor gets: if it is the same afterwards, none was left open. */
static int next_descriptor(void)
{
    const int next = dup(STDIN_FILENO);

    close(next);
    return next;
}

static const struct {
    enum libc_call call;
    int error;
} UNLISTED[] = {{NO_CALL, EBADF}, {FDOPENDIR, ENOMEM}, {READDIR, EIO}};

START_TEST(names_that_cannot_be_read_are_an_error_and_not_an_empty_directory)
{
    const int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int next = next_descriptor();
    unsigned count = 0;

    make_fail(UNLISTED[_i].call, UNLISTED[_i].error, 1);
    ck_assert_int_eq(system_kernel.read_names(UNLISTED[_i].call == NO_CALL ? -1 : root, count_name, &count), -1);
    ck_assert_int_eq(errno, UNLISTED[_i].error);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(next_descriptor(), next);
    ck_assert_int_eq(system_kernel.read_names(root, count_name, &count), 0);
    ck_assert_uint_gt(count, 0);
    close(root);
}
END_TEST

/* --------------------------------------------------------------- past the cache */

START_TEST(a_descriptor_that_cannot_be_asked_does_not_go_past_the_cache)
{
    ck_assert_int_eq(system_kernel.is_direct(-1), 0);
}
END_TEST

#ifdef STATX_DIOALIGN
static const struct {
    uint32_t offset_align;
    uint32_t memory_align;
    int is_direct;
} ALIGN[] = {{0, 0, 0}, {512, 4, 1}, {4096, 4096, 1}, {8192, 4, 0}, {512, 8192, 0}};

START_TEST(a_file_goes_past_the_cache_if_its_alignment_is_one_that_ours_has)
{
    const struct statx file = {.stx_mask = STATX_DIOALIGN,
                               .stx_dio_offset_align = ALIGN[_i].offset_align,
                               .stx_dio_mem_align = ALIGN[_i].memory_align};

    file_told = &file;
    ck_assert_int_eq(system_kernel.is_direct(STDIN_FILENO), ALIGN[_i].is_direct);
}
END_TEST
#endif

static const struct {
    long type;
    int is_direct;
} VOLUME[] = {{EXT4_SUPER_MAGIC, 1}, {TMPFS_MAGIC, 0}, {RAMFS_MAGIC, 0}, {OVERLAYFS_SUPER_MAGIC, 0}};

/* _i: the file system; the kernel does not know the question, or the file system gives no answer */
START_TEST(where_the_alignment_is_not_told_the_file_system_says_whether_it_goes_past_the_cache)
{
    const struct statx nothing = {0};
    const struct statfs volume = {.f_type = VOLUME[_i / 2].type};

    volume_told = &volume;
    if (_i % 2 == 0)
        make_fail(STATX, ENOSYS, 1);
    else
        file_told = &nothing;
    ck_assert_int_eq(system_kernel.is_direct(STDIN_FILENO), VOLUME[_i / 2].is_direct);
}
END_TEST

/* ---------------------------------------------------------------- random, boot id */

START_TEST(random_bytes_are_asked_for_again_when_a_signal_interrupts)
{
    static const unsigned char none[16];
    unsigned char bytes[sizeof none] = {0};

    make_fail(GETRANDOM, EINTR, 3);
    ck_assert_int_eq(system_kernel.random_bytes(bytes, sizeof bytes), 0);
    ck_assert_mem_ne(bytes, none, sizeof none);
}
END_TEST

START_TEST(random_bytes_that_are_not_given_or_too_few_are_an_error)
{
    unsigned char bytes[16];

    if (_i == 0)
        make_fail(GETRANDOM, ENOSYS, 1);
    else
        random_bytes_max = sizeof bytes - 1;
    ck_assert_int_eq(system_kernel.random_bytes(bytes, sizeof bytes), -1);
}
END_TEST

/* _i: it is there; it cannot be opened; it cannot be read */
START_TEST(a_boot_id_that_cannot_be_read_is_empty)
{
    static const enum libc_call CALL[] = {NO_CALL, OPEN, READ};
    char id[SYSTEM_BOOT_ID_BYTES];

    memset(id, 'x', sizeof id);
    make_fail(CALL[_i], EACCES, 1);
    system_kernel.boot_id(id);
    ck_assert_uint_eq(strlen(id), _i == 0 ? 36 : 0);
    ck_assert_int_eq(id[sizeof id - 1], '\0');
}
END_TEST

/* ------------------------------------------------------------------------ memory */

/* _i: there is no /proc; it does not say; it says */
START_TEST(memory_of_which_the_system_says_nothing_is_unknown)
{
    if (_i == 0)
        make_fail(FOPEN, ENOENT, 1);
    if (_i == 1)
        file_instead = "/dev/null";
    if (_i == 2)
        ck_assert_uint_lt(system_kernel.memory_available(), UINT64_MAX);
    else
        ck_assert_uint_eq(system_kernel.memory_available(), UINT64_MAX);
}
END_TEST

static bool count_bytes(void *context, const char *bytes, size_t byte_count)
{
    (void)bytes;
    *(size_t *)context += byte_count;
    return true;
}

/* _i: opening, reading */
START_TEST(mappings_that_cannot_be_read_give_the_reason)
{
    const int next = next_descriptor();
    size_t byte_count = 0;

    make_fail(_i == 0 ? OPEN : READ, EACCES, 1);
    ck_assert_int_eq(system_kernel.read_mappings(count_bytes, &byte_count), EACCES);
    ck_assert_uint_eq(byte_count, 0);
    ck_assert_int_eq(next_descriptor(), next);
}
END_TEST

START_TEST(mappings_are_read_on_when_a_signal_interrupts)
{
    size_t byte_count = 0;

    make_fail(READ, EINTR, 3);
    ck_assert_int_eq(system_kernel.read_mappings(count_bytes, &byte_count), 0);
    ck_assert_uint_gt(byte_count, 0);
}
END_TEST

static bool take_no_more(void *context, const char *bytes, size_t byte_count)
{
    (void)bytes;
    (void)byte_count;
    return ++*(unsigned *)context < 1;
}

START_TEST(mappings_are_read_until_enough_was_seen)
{
    unsigned taken = 0;

    ck_assert_int_eq(system_kernel.read_mappings(take_no_more, &taken), 0);
    ck_assert_uint_eq(taken, 1);
}
END_TEST

/* -------------------------------------------------------------------- processors */

static cpu_set_t processors(void)
{
    cpu_set_t cpus;

    ck_assert_int_eq(__real_sched_getaffinity(0, sizeof cpus, &cpus), 0);
    return cpus;
}

static int first_of(const cpu_set_t *cpus)
{
    int cpu = 0;

    while (!CPU_ISSET(cpu, cpus))
        cpu++;
    return cpu;
}

static const struct system_manners NO_PROCESSOR[] = {{0, -1, -1}, {0, CPU_SETSIZE, -1}, {0, -1, CPU_SETSIZE}};

START_TEST(a_processor_that_there_cannot_be_changes_nothing)
{
    const cpu_set_t before = processors();

    system_kernel.stand_back(&NO_PROCESSOR[_i]);
    const cpu_set_t after = processors();
    ck_assert(CPU_EQUAL(&before, &after));
}
END_TEST

START_TEST(a_thread_that_has_one_processor_only_keeps_it)
{
    const cpu_set_t all = processors();
    const int cpu = first_of(&all);
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    system_kernel.stand_back(&(struct system_manners){0, -1, cpu});
    const cpu_set_t after = processors();
    ck_assert(CPU_EQUAL(&one, &after));
}
END_TEST

START_TEST(a_thread_that_does_not_learn_its_processors_keeps_them)
{
    const cpu_set_t before = processors();

    make_fail(GETAFFINITY, EPERM, 1);
    system_kernel.stand_back(&(struct system_manners){0, -1, first_of(&before)});
    const cpu_set_t after = processors();
    ck_assert(CPU_EQUAL(&before, &after));
}
END_TEST

/* ---------------------------------------------------------------------- children */

static void do_nothing(void *context)
{
    (void)context;
}

START_TEST(a_child_is_awaited_on_when_a_signal_interrupts)
{
    const struct system_child child = {.body = do_nothing, .keep = {STDIN_FILENO, STDERR_FILENO}};
    const int64_t id = system_kernel.run_child(&child);
    int wait_status = -1;

    ck_assert_int_gt(id, 0);
    make_fail(WAITPID, EINTR, 3);
    ck_assert_int_eq(system_kernel.await_child(id, &wait_status), 0);
    ck_assert_int_eq(wait_status, 0);
}
END_TEST

START_TEST(a_child_that_is_none_is_an_error)
{
    int wait_status;

    ck_assert_int_eq(system_kernel.await_child(getpid(), &wait_status), -1);
    ck_assert_int_eq(errno, ECHILD);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("system");
    TCase *tcase = tcase_create("system");

    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_loop_test(tcase, names_that_cannot_be_read_are_an_error_and_not_an_empty_directory, 0,
                        (int)COUNT(UNLISTED));
    tcase_add_test(tcase, a_descriptor_that_cannot_be_asked_does_not_go_past_the_cache);
#ifdef STATX_DIOALIGN
    tcase_add_loop_test(tcase, a_file_goes_past_the_cache_if_its_alignment_is_one_that_ours_has, 0, (int)COUNT(ALIGN));
#endif
    tcase_add_loop_test(tcase, where_the_alignment_is_not_told_the_file_system_says_whether_it_goes_past_the_cache, 0,
                        2 * (int)COUNT(VOLUME));
    tcase_add_test(tcase, random_bytes_are_asked_for_again_when_a_signal_interrupts);
    tcase_add_loop_test(tcase, random_bytes_that_are_not_given_or_too_few_are_an_error, 0, 2);
    tcase_add_loop_test(tcase, a_boot_id_that_cannot_be_read_is_empty, 0, 3);
    tcase_add_loop_test(tcase, memory_of_which_the_system_says_nothing_is_unknown, 0, 3);
    tcase_add_loop_test(tcase, mappings_that_cannot_be_read_give_the_reason, 0, 2);
    tcase_add_test(tcase, mappings_are_read_on_when_a_signal_interrupts);
    tcase_add_test(tcase, mappings_are_read_until_enough_was_seen);
    tcase_add_loop_test(tcase, a_processor_that_there_cannot_be_changes_nothing, 0, (int)COUNT(NO_PROCESSOR));
    tcase_add_test(tcase, a_thread_that_has_one_processor_only_keeps_it);
    tcase_add_test(tcase, a_thread_that_does_not_learn_its_processors_keeps_them);
    tcase_add_test(tcase, a_child_is_awaited_on_when_a_signal_interrupts);
    tcase_add_test(tcase, a_child_that_is_none_is_an_error);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
