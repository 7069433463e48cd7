/* SPDX-License-Identifier: MIT */
#include "support/gate.h"

#include <check.h>
#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "storage/system.h"
#include "support/faults.h"

enum { DESCRIPTOR_COUNT_MAX = 1024, OVERDUE_S = 30, TURN_MS = 500 };

/*
 * Every name that the library uses in the backup directory; the first stands for any other, and the directory itself.
 */
static const char *const NAME[] = {
    "",     "slot-a.h5", "slot-b.h5",     "slot-c.h5",        "slot-a.h5.new", "slot-b.h5.new", "slot-c.h5.new",
    "lock", "lock.new",  "checkpoint.h5", "checkpoint.h5.new"};
enum { NAME_COUNT = sizeof NAME / sizeof *NAME };

/* Shared with all child processes. String constants have the same address there. */
struct shared {
    _Atomic unsigned is_shut; /* futex */
    _Atomic unsigned arrived; /* futex: calls that were held */
    _Atomic unsigned held_calls;
    _Atomic(const char *) held_name;
    _Atomic bool overdue;
    _Atomic pid_t process;
    _Atomic pid_t thread;

    _Atomic unsigned failing_calls;
    _Atomic(const char *) failing_name;
    _Atomic long failing_first;
    _Atomic long failing_count;
    _Atomic int error;
    _Atomic long seen;
    _Atomic long failed;

    _Atomic uint64_t written_bytes[NAME_COUNT];
    _Atomic uint64_t flush_count[NAME_COUNT];
};

static struct shared *shared;
static const struct system_calls *below;
static _Atomic unsigned char name_of[DESCRIPTOR_COUNT_MAX]; /* index of NAME */

static unsigned index_of_name(const char *name)
{
    for (unsigned i = 1; i < NAME_COUNT; i++)
        if (strcmp(NAME[i], name) == 0)
            return i;
    return 0;
}

static unsigned index_of_descriptor(int descriptor)
{
    return descriptor >= 0 && descriptor < DESCRIPTOR_COUNT_MAX ? name_of[descriptor] : 0;
}

static bool begins_so(unsigned index, const char *name)
{
    return name == NULL || strncmp(NAME[index], name, strlen(name)) == 0;
}

static void wait_while(_Atomic unsigned *word, unsigned value)
{
    const struct timespec turn = {.tv_nsec = TURN_MS * 1000000L};

    syscall(SYS_futex, word, FUTEX_WAIT, value, &turn, NULL, 0);
}

static void wake(_Atomic unsigned *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, 1 << 20, NULL, NULL, 0);
}

static time_t now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void hold(unsigned call, unsigned index)
{
    const time_t end_s = now_s() + OVERDUE_S;

    if (!shared->is_shut || (shared->held_calls & call) == 0 || !begins_so(index, shared->held_name))
        return;
    shared->process = getpid();
    shared->thread = gettid();
    shared->arrived++;
    wake(&shared->arrived);
    while (shared->is_shut) {
        wait_while(&shared->is_shut, 1);
        if (now_s() < end_s)
            continue;
        shared->overdue = true;
        shared->is_shut = 0;
        wake(&shared->is_shut);
    }
}

static bool fails(unsigned call, unsigned index)
{
    hold(call, index);
    if ((shared->failing_calls & call) == 0 || !begins_so(index, shared->failing_name))
        return false;
    const long number = shared->seen++ - shared->failing_first;
    if (number < 0 || number >= shared->failing_count)
        return false;
    shared->failed++;
    errno = shared->error;
    return true;
}

/* ---------------------------------------------------------------- the calls */

static int gate_open_at(int directory, const char *name, int flags, mode_t mode)
{
    const unsigned index = index_of_name(name);

    if (fails(GATE_OPEN, index))
        return -1;
    int descriptor = below->open_at(directory, name, flags, mode);
    if (descriptor >= 0 && descriptor < DESCRIPTOR_COUNT_MAX)
        name_of[descriptor] = (unsigned char)index;
    return descriptor;
}

static ssize_t gate_write_at(int descriptor, const void *bytes, size_t byte_count, off_t offset)
{
    const unsigned index = index_of_descriptor(descriptor);

    if (fails(GATE_WRITE, index))
        return -1;
    ssize_t put = below->write_at(descriptor, bytes, byte_count, offset);
    if (put > 0)
        shared->written_bytes[index] += (uint64_t)put;
    return put;
}

static int flush_by(int (*flush)(int descriptor), int descriptor)
{
    const unsigned index = index_of_descriptor(descriptor);

    if (fails(GATE_FLUSH, index) || flush(descriptor) != 0)
        return -1;
    shared->flush_count[index]++;
    return 0;
}

static int gate_flush(int descriptor)
{
    return flush_by(below->flush, descriptor);
}

static int gate_flush_data(int descriptor)
{
    return flush_by(below->flush_data, descriptor);
}

static int gate_rename_at(int directory, const char *from, const char *to)
{
    return fails(GATE_RENAME, index_of_name(to)) ? -1 : below->rename_at(directory, from, to);
}

static int gate_allocate(int descriptor, off_t offset, off_t byte_count)
{
    return fails(GATE_ALLOCATE, index_of_descriptor(descriptor)) ? -1 : below->allocate(descriptor, offset, byte_count);
}

static int gate_link_at(int directory, const char *from, const char *to)
{
    return fails(GATE_LINK, index_of_name(to)) ? -1 : below->link_at(directory, from, to);
}

/* -------------------------------------------------------------- of each test */

void gate_setup(void)
{
    static struct system_calls gated;

    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    faults_clear();
    below = system_calls;
    gated = *below;
    gated.open_at = gate_open_at;
    gated.write_at = gate_write_at;
    gated.flush = gate_flush;
    gated.flush_data = gate_flush_data;
    gated.rename_at = gate_rename_at;
    gated.allocate = gate_allocate;
    gated.link_at = gate_link_at;
    system_calls = &gated;
}

void gate_teardown(void)
{
    faults_clear();
    ck_assert_int_eq(munmap(shared, sizeof *shared), 0);
}

/* ---------------------------------------------------------------- held calls */

void gate_shut(unsigned calls, const char *name)
{
    shared->held_calls = calls;
    shared->held_name = name;
    shared->overdue = false;
    shared->arrived = 0;
    shared->is_shut = 1;
}

void gate_open(void)
{
    shared->is_shut = 0;
    wake(&shared->is_shut);
    ck_assert_msg(!shared->overdue, "somebody waited for a call that the gate held");
}

void gate_await(void)
{
    const time_t end_s = now_s() + OVERDUE_S;

    while (shared->arrived == 0) {
        ck_assert_msg(now_s() < end_s, "no call came to the gate");
        wait_while(&shared->arrived, 0);
    }
}

unsigned gate_held_count(void)
{
    return shared->is_shut ? shared->arrived : 0;
}

pid_t gate_held_process(void)
{
    return shared->process;
}

pid_t gate_held_thread(void)
{
    return shared->thread;
}

/* --------------------------------------------------------- failures, counters */

void gate_fail(unsigned calls, const char *name, long first, long count, int error)
{
    shared->failing_name = name;
    shared->failing_first = first;
    shared->failing_count = count;
    shared->error = error;
    shared->seen = 0;
    shared->failed = 0;
    shared->failing_calls = calls;
}

void gate_fail_no_more(void)
{
    shared->failing_calls = 0;
}

bool gate_failed(void)
{
    return shared->failed != 0;
}

void gate_forget(void)
{
    for (unsigned i = 0; i < NAME_COUNT; i++) {
        shared->written_bytes[i] = 0;
        shared->flush_count[i] = 0;
    }
}

static uint64_t sum(const _Atomic uint64_t count[NAME_COUNT], const char *name)
{
    uint64_t all = 0;

    for (unsigned i = 0; i < NAME_COUNT; i++)
        if (begins_so(i, name))
            all += count[i];
    return all;
}

uint64_t gate_written_bytes(const char *name)
{
    return sum(shared->written_bytes, name);
}

uint64_t gate_flush_count(const char *name)
{
    return sum(shared->flush_count, name);
}
