/* SPDX-License-Identifier: MIT */
/* What /proc/self/smaps says of memory, and what a child would see of it. */
#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "storage/mapping.h"
#include "storage/system.h"
#include "support/suite.h"

static struct mapping read_lines(const char *head, const char *flags)
{
    struct mapping mapping = {0};

    ck_assert(!mapping_read_line(&mapping, head));
    ck_assert(!mapping_read_line(&mapping, "Size:                  8 kB"));
    ck_assert(!mapping_read_line(&mapping, "Rss:                   4 kB"));
    ck_assert(mapping_read_line(&mapping, flags));
    return mapping;
}

START_TEST(private_memory_is_seen_by_a_child)
{
    const struct mapping mapping =
        read_lines("7f0a00000000-7f0a00021000 rw-p 00000000 00:00 0  [heap]", "VmFlags: rd wr mr mw me ac sd");

    ck_assert_uint_eq(mapping.begin, (uintptr_t)UINT64_C(0x7f0a00000000));
    ck_assert_uint_eq(mapping.end, (uintptr_t)UINT64_C(0x7f0a00021000));
    ck_assert_ptr_null(mapping_refusal(&mapping));
}
END_TEST

static const struct {
    const char *head;
    const char *flags;
    const char *reason;
} REFUSED[] = {
    {"1000-2000 rw-s 00000000 00:01 7 /dev/zero (deleted)", "VmFlags: rd wr sh mr mw me ms sd", "MAP_SHARED"},
    {"1000-2000 rw-p 00000000 00:00 0", "VmFlags: rd wr mr mw me wf sd", "MADV_WIPEONFORK"},
    {"1000-2000 rw-p 00000000 00:00 0", "VmFlags: rd wr mr mw me dc ac", "MADV_DONTFORK"},
};

START_TEST(memory_that_a_child_would_not_see_is_refused_with_the_reason)
{
    const struct mapping mapping = read_lines(REFUSED[_i].head, REFUSED[_i].flags);

    ck_assert_ptr_nonnull(mapping_refusal(&mapping));
    ck_assert_ptr_nonnull(strstr(mapping_refusal(&mapping), REFUSED[_i].reason));
}
END_TEST

START_TEST(one_mapping_says_nothing_about_the_next)
{
    struct mapping mapping = read_lines(REFUSED[1].head, REFUSED[1].flags);

    ck_assert(!mapping_read_line(&mapping, "3000-4000 rw-p 00000000 00:00 0"));
    ck_assert(mapping_read_line(&mapping, "VmFlags: rd wr"));
    ck_assert_ptr_null(mapping_refusal(&mapping));
}
END_TEST

static const char *const NONSENSE[] = {
    "", "-", "1000", "1000-", "1000-2000", "1000-2000 rw", "1000-2000xrw-p", "x-y rw-p", "VmFlag:"};

START_TEST(other_lines_change_nothing)
{
    struct mapping mapping = read_lines("1000-2000 rw-p 00000000 00:00 0", "VmFlags: rd wr");

    ck_assert(!mapping_read_line(&mapping, NONSENSE[_i]));
    ck_assert_uint_eq(mapping.begin, 0x1000);
    ck_assert_uint_eq(mapping.end, 0x2000);
}
END_TEST

/* ------------------------------------------------------------- of this process */

struct search {
    uintptr_t address;
    bool found;
    const char *reason;
};

static bool look_for(void *context, const struct mapping *mapping)
{
    struct search *search = context;

    if (search->address < mapping->begin || search->address >= mapping->end)
        return true;
    search->found = true;
    search->reason = mapping_refusal(mapping);
    return false;
}

enum { MAPPED_BYTES = 1 << 20 };

static const struct {
    int flags;
    int advice; /* -1: none */
    bool refused;
} MAPPED[] = {{MAP_PRIVATE, -1, false},
              {MAP_SHARED, -1, true},
              {MAP_PRIVATE, MADV_DONTFORK, true},
              {MAP_PRIVATE, MADV_WIPEONFORK, true}};

START_TEST(the_kernel_tells_it_of_this_process)
{
    unsigned char *memory = mmap(NULL, MAPPED_BYTES, PROT_READ | PROT_WRITE, MAPPED[_i].flags | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(memory, MAP_FAILED);
    if (MAPPED[_i].advice >= 0)
        ck_assert_int_eq(madvise(memory, MAPPED_BYTES, MAPPED[_i].advice), 0);
    struct search search = {.address = (uintptr_t)memory + MAPPED_BYTES / 2};
    ck_assert_int_eq(mapping_visit_all(look_for, &search), 0);
    ck_assert(search.found);
    ck_assert_int_eq(search.reason != NULL, MAPPED[_i].refused);
    munmap(memory, MAPPED_BYTES);
}
END_TEST

static int nothing_told(bool (*take)(void *context, const char *bytes, size_t byte_count), void *context)
{
    static const char OLD_KERNEL[] = "1000-2000 rw-p 00000000 00:00 0\nSize: 4 kB\n";

    take(context, OLD_KERNEL, sizeof OLD_KERNEL - 1);
    return 0;
}

START_TEST(a_kernel_without_flags_is_not_believed)
{
    struct system_calls old = system_kernel;
    struct search search = {0};

    old.read_mappings = nothing_told;
    system_calls = &old;
    ck_assert_int_eq(mapping_visit_all(look_for, &search), ENODATA);
    system_calls = &system_kernel;
}
END_TEST

static const char LONG_PATH_HEAD[] = "1000-2000 rw-s 00000000 00:01 7 ";

/* A path of more than any line has room for. */
static int tell_long_path(bool (*take)(void *context, const char *bytes, size_t byte_count), void *context)
{
    static const char FLAGS[] = "\nVmFlags: rd wr\n";
    char path[2000];

    memset(path, 'p', sizeof path);
    take(context, LONG_PATH_HEAD, sizeof LONG_PATH_HEAD - 1);
    take(context, path, sizeof path);
    take(context, FLAGS, sizeof FLAGS - 1);
    return 0;
}

START_TEST(a_line_of_any_length_is_one_line)
{
    struct system_calls calls = system_kernel;
    struct search search = {.address = 0x1800};

    calls.read_mappings = tell_long_path;
    system_calls = &calls;
    ck_assert_int_eq(mapping_visit_all(look_for, &search), 0);
    ck_assert(search.found);
    ck_assert_ptr_nonnull(search.reason);
    system_calls = &system_kernel;
}
END_TEST

static int refuse(bool (*take)(void *context, const char *bytes, size_t byte_count), void *context)
{
    (void)take;
    (void)context;
    return EACCES;
}

START_TEST(mappings_that_cannot_be_read_give_the_systems_reason)
{
    struct system_calls calls = system_kernel;
    struct search search = {0};

    calls.read_mappings = refuse;
    system_calls = &calls;
    ck_assert_int_eq(mapping_visit_all(look_for, &search), EACCES);
    ck_assert(!search.found);
    system_calls = &system_kernel;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mapping");
    TCase *tcase = tcase_create("mapping");

    tcase_add_test(tcase, private_memory_is_seen_by_a_child);
    tcase_add_loop_test(tcase, memory_that_a_child_would_not_see_is_refused_with_the_reason, 0,
                        sizeof REFUSED / sizeof *REFUSED);
    tcase_add_test(tcase, one_mapping_says_nothing_about_the_next);
    tcase_add_loop_test(tcase, other_lines_change_nothing, 0, sizeof NONSENSE / sizeof *NONSENSE);
    tcase_add_loop_test(tcase, the_kernel_tells_it_of_this_process, 0, sizeof MAPPED / sizeof *MAPPED);
    tcase_add_test(tcase, a_kernel_without_flags_is_not_believed);
    tcase_add_test(tcase, a_line_of_any_length_is_one_line);
    tcase_add_test(tcase, mappings_that_cannot_be_read_give_the_systems_reason);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
