/* SPDX-License-Identifier: MIT */
/*
 * Saves that go on while the program does: staged, fenced, forked. What is in flight is held up by a gate in front of
 * the system calls, so no test depends on who is faster.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "format.h"
#include "storage/system.h"
#include "support/arrays.h"
#include "support/assert_h5ckpt.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/gate.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* A process that ThreadSanitizer watches cannot go on in a child: its own locks and threads are not there. */
#if defined(__SANITIZE_THREAD__)
#define FORKED_RUNS 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FORKED_RUNS 0
#endif
#endif
#ifndef FORKED_RUNS
#define FORKED_RUNS 1
#endif

/*
 * AddressSanitizer makes no locks of its own safe for fork() before LLVM 17: a child that frees memory may wait for
 * ever.
 */
#if defined(__SANITIZE_ADDRESS__)
#define CHILDREN_CAN_FREE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHILDREN_CAN_FREE 0
#endif
#endif
#ifndef CHILDREN_CAN_FREE
#define CHILDREN_CAN_FREE 1
#endif

enum { MODE_COUNT = 3, EVENT_COUNT_MAX = 512, NOBODY = 65534, PATIENCE_S = 20, MIB = 1 << 20 };

static const enum h5ckpt_save_mode MODE[MODE_COUNT] = {H5CKPT_SAVE_STAGED, H5CKPT_SAVE_FENCED, H5CKPT_SAVE_FORKED};

/* Written as a whole from a copy; by one writer; in several chunks by one; by several. */
static const size_t TINY[] = {8, 40, 1003, 0};
static const size_t SMALL[] = {150000, 70000, 24, 0};
static const size_t MEDIUM[] = {7 * MIB / 4, 200003, 8, 1 << 17, 0};
static const size_t LARGE[] = {6 * MIB + 8, 2 * MIB + 3, 100000, 8, 0};
static const size_t VAST[] = {14 * MIB + 8, 6 * MIB + 3, 100000, 8, 0};

/* The mode of loop test _i, or no test where that cannot run. */
#define begin_mode(i)                                   \
    do {                                                \
        mode = MODE[(i) % MODE_COUNT];                  \
        if (mode == H5CKPT_SAVE_FORKED && !FORKED_RUNS) \
            return;                                     \
    } while (0)

static enum h5ckpt_save_mode mode;
static struct arrays arrays; /* the program's memory */
static struct arrays twin;   /* that of somebody else who restores */

/* ------------------------------------------------------------------- threads */

/* How many threads the system still gives to the library; the linker leads calls here (--wrap). */
static _Atomic unsigned threads_left = 1000000;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*begin)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*begin)(void *), void *argument);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*begin)(void *), void *argument)
{
    if (threads_left == 0)
        return EAGAIN;
    threads_left--;
    return __real_pthread_create(thread, attributes, begin, argument);
}

/* ---------------------------------------------------------------------- events */

/* In memory that child processes share: a call there would be seen. */
struct event_log {
    _Atomic unsigned count;
    _Atomic int inside;
    _Atomic bool overlapped;
    struct {
        _Atomic int kind; /* set last */
        h5ckpt_status status;
        uint64_t epoch;
        uint64_t flush_count; /* of slots, until then */
        pid_t process;
        char message[256];
    } entry[EVENT_COUNT_MAX];
};

static struct event_log *events;

static void note_event(void *context, const struct h5ckpt_event *event)
{
    (void)context;
    if (events->inside++ != 0)
        events->overlapped = true;
    const unsigned i = events->count++;
    ck_assert_uint_lt(i, EVENT_COUNT_MAX);
    events->entry[i].status = event->status;
    events->entry[i].epoch = event->progress.epoch;
    events->entry[i].flush_count = gate_flush_count("slot");
    events->entry[i].process = getpid();
    snprintf(events->entry[i].message, sizeof events->entry[i].message, "%s", event->message);
    events->entry[i].kind = (int)event->kind;
    events->inside--;
}

static void forget_events(void)
{
    for (unsigned i = 0; i < EVENT_COUNT_MAX; i++)
        events->entry[i].kind = -1;
    events->count = 0;
}

static unsigned event_count(enum h5ckpt_event_kind kind)
{
    unsigned count = 0;

    for (unsigned i = 0; i < events->count; i++)
        count += events->entry[i].kind == (int)kind;
    return count;
}

/* The event of this kind about the state of this epoch: its index, or -1; never two. */
static int event_of(enum h5ckpt_event_kind kind, uint64_t epoch)
{
    int found = -1;

    for (unsigned i = 0; i < events->count; i++) {
        if (events->entry[i].kind != (int)kind || events->entry[i].epoch != epoch)
            continue;
        ck_assert_msg(found == -1, "told twice: %s", events->entry[i].message);
        found = (int)i;
    }
    return found;
}

/* -------------------------------------------------------------------- fixture */

static void setup(void)
{
    events = mmap(NULL, sizeof *events, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(events, MAP_FAILED);
    forget_events();
    threads_left = 1000000;
    gate_setup();
    fixture_setup();
}

static void teardown(void)
{
    ck_assert_msg(!events->overlapped, "two events at one time");
    for (unsigned i = 0; i < events->count; i++)
        ck_assert_int_eq(events->entry[i].process, getpid());
    arrays_free(&arrays);
    arrays_free(&twin);
    fixture_teardown();
    gate_teardown();
    munmap(events, sizeof *events);
}

static void make(const size_t *byte_count)
{
    arrays_make(&arrays, byte_count);
    arrays_make_like(&twin, &arrays);
}

static struct h5ckpt_options options_of_mode(void)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.save_mode = mode;
    options.event = note_event;
    return options;
}

static h5ckpt_store *open_with(const struct h5ckpt_options *options)
{
    h5ckpt_store *store;

    assert_status_message(h5ckpt_open(&store, fixture_backup, arrays.state, options), H5CKPT_OK, h5ckpt_message(store));
    return store;
}

static char said[2048]; /* by the last save; a fence clears the store's message */

/* Memory may change as soon as this has returned, whatever it returned. */
static h5ckpt_status save_as_is(h5ckpt_store *store, uint64_t number)
{
    h5ckpt_status status = h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = number, .step = 10 * number});

    snprintf(said, sizeof said, "%s", h5ckpt_message(store));
    if (mode == H5CKPT_SAVE_FENCED)
        assert_status_message(h5ckpt_fence(store), H5CKPT_OK, h5ckpt_message(store));
    return status;
}

static h5ckpt_status begin_save(h5ckpt_store *store, uint64_t number)
{
    arrays_fill(&arrays, number);
    return save_as_is(store, number);
}

#define assert_begun(store, number) assert_status_message(begin_save(store, number), H5CKPT_OK, said)
#define assert_durable(store)       assert_status_message(h5ckpt_wait(store), H5CKPT_OK, h5ckpt_message(store))

/* States 1 … `count`, each durable. */
static h5ckpt_store *open_and_save(const struct h5ckpt_options *options, uint64_t count)
{
    h5ckpt_store *store = open_with(options);

    for (uint64_t number = 1; number <= count; number++) {
        assert_begun(store, number);
        assert_durable(store);
    }
    return store;
}

static h5ckpt_store *open_mode_and_save(uint64_t count)
{
    const struct h5ckpt_options options = options_of_mode();

    return open_and_save(&options, count);
}

#if defined(__clang__)
#define BREAKS_THE_RULES __attribute__((no_sanitize("thread")))
#elif defined(__GNUC__)
#define BREAKS_THE_RULES __attribute__((no_sanitize_thread))
#endif

/* As a program does that has forgotten its fence. */
BREAKS_THE_RULES static void change_byte_too_early(unsigned char *byte)
{
    *(volatile unsigned char *)byte ^= 1;
}

BREAKS_THE_RULES static void fill_too_early(uint64_t number)
{
    arrays_fill(&twin, number);
    for (unsigned i = 0; i < arrays.count; i++)
        for (size_t at = 0; at < arrays.item[i].byte_count; at++)
            ((volatile unsigned char *)arrays.item[i].bytes)[at] = twin.item[i].bytes[at];
}

/* What somebody else would restore now: the state's number. */
static uint64_t stored(enum h5ckpt_which which)
{
    struct h5ckpt_progress progress;
    h5ckpt_status status = arrays_restore(&twin, which, &progress);

    ck_assert_msg(status == H5CKPT_OK || status == H5CKPT_FELL_BACK, "%s", h5ckpt_status_name(status));
    ck_assert_uint_eq(progress.step, 10 * progress.epoch);
    ck_assert_msg(arrays_are(&twin, progress.epoch), "state %ju is stored, but not its bytes",
                  (uintmax_t)progress.epoch);
    return progress.epoch;
}

#define assert_stored(number)          ck_assert_uint_eq(stored(H5CKPT_CURRENT), number)
#define assert_stored_previous(number) ck_assert_uint_eq(stored(H5CKPT_PREVIOUS), number)

/* --------------------------------------------------------------- who waits here */

/*
 * A thread that opens the gate when the thread that made it sleeps, as it does when it waits. A call that comes back
 * before that did not wait.
 */
static struct {
    pthread_t thread;
    pid_t waiter;
    _Atomic bool came_back;
    _Atomic bool did_not_wait;
} releaser;

static bool is_asleep(pid_t thread)
{
    char path[64], line[512] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
    FILE *stream = fopen(path, "re");
    const bool read = stream != NULL && fgets(line, sizeof line, stream) != NULL;
    const char *state = strrchr(line, ')');

    if (stream != NULL)
        fclose(stream);
    return read && state != NULL && state[2] == 'S';
}

static void *release(void *unused)
{
    unsigned asleep_ms = 0;

    for (unsigned ms = 0; ms < 5000 && asleep_ms < 6 && !releaser.did_not_wait; ms++) {
        asleep_ms = is_asleep(releaser.waiter) ? asleep_ms + 1 : 0;
        releaser.did_not_wait = releaser.came_back;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    gate_open();
    return unused;
}

static void release_when_asleep(void)
{
    releaser.waiter = gettid();
    releaser.came_back = false;
    releaser.did_not_wait = false;
    ck_assert_int_eq(__real_pthread_create(&releaser.thread, NULL, release, NULL), 0);
}

static void assert_it_waited(void)
{
    releaser.came_back = true;
    ck_assert_int_eq(pthread_join(releaser.thread, NULL), 0);
    ck_assert_msg(!releaser.did_not_wait, "it did not wait for the save in flight");
}

/* ------------------------------------------------------------------- processes */

static bool is_gone(pid_t process)
{
    char path[64], line[512] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    FILE *stream = fopen(path, "re");

    if (stream == NULL)
        return true;
    const bool read = fgets(line, sizeof line, stream) != NULL;
    const char *state = strrchr(line, ')');
    fclose(stream);
    return !read || state == NULL || state[2] == 'Z' || state[2] == 'X';
}

/* Descriptors of a process in the backup directory. */
static unsigned descriptors_in_backup(pid_t process)
{
    char path[64];
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)process);
    DIR *directory = opendir(path);

    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        char target[2 * PATH_BYTES] = "";
        count += readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1) > 0 &&
                 strncmp(target, fixture_backup, strlen(fixture_backup)) == 0;
    }
    if (directory != NULL)
        closedir(directory);
    return count;
}

/* Other processes than these two that have the directory open; at most so many are listed. */
static unsigned others_in_backup(pid_t one, pid_t two, pid_t *other, unsigned other_count_max)
{
    DIR *directory = opendir("/proc");
    unsigned count = 0;

    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        const pid_t process = (pid_t)strtol(entry->d_name, NULL, 10);
        if (process <= 0 || process == one || process == two || descriptors_in_backup(process) == 0)
            continue;
        if (count < other_count_max)
            other[count] = process;
        count++;
    }
    closedir(directory);
    return count;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* `condition` comes true soon. */
#define assert_soon(condition)                                                       \
    do {                                                                             \
        const int64_t end_ms_ = now_ms() + PATIENCE_S * 1000;                        \
        while (!(condition)) {                                                       \
            ck_assert_msg(now_ms() < end_ms_, "not within a while: %s", #condition); \
            nap();                                                                   \
        }                                                                            \
    } while (0)

/* The exit status of a child of the test, which must end soon. */
static int status_of(pid_t process)
{
    int status = -1;

    assert_soon(waitpid(process, &status, WNOHANG) == process);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int in_child(int (*child)(void))
{
    pid_t process = fork();

    ck_assert_int_ge(process, 0);
    if (process == 0) /* no sanitizer counts threads that are its parent's */
        syscall(SYS_exit_group, child());
    return status_of(process);
}

/* ------------------------------------------ what the program does to its memory */

static const uint64_t MEMORY_CAP[] = {UINT64_MAX, 0, MIB, 10 * MIB};

/* _i: mode, cap of memory */
START_TEST(a_large_state_is_saved_as_it_was_whatever_the_program_does_then)
{
    begin_mode(_i);
    if (mode == H5CKPT_SAVE_FORKED && _i / MODE_COUNT != 0)
        return; /* it makes no copies */
    make(VAST);
    struct h5ckpt_options options = options_of_mode();
    options.background.memory_bytes = MEMORY_CAP[_i / MODE_COUNT];
    h5ckpt_store *store = open_with(&options);

    for (uint64_t number = 1; number <= 3; number++) {
        assert_begun(store, number);
        arrays_spoil(&arrays);
        assert_durable(store);
        assert_stored(number);
    }
    assert_stored_previous(2);
    h5ckpt_close(store);
    assert_stored(3);
}
END_TEST

/* _i: mode, cap of memory */
START_TEST(a_tiny_state_is_saved_as_it_was_many_times)
{
    begin_mode(_i);
    make(TINY);
    struct h5ckpt_options options = options_of_mode();
    options.background.memory_bytes = MEMORY_CAP[_i / MODE_COUNT];
    options.event = NULL;
    h5ckpt_store *store = open_with(&options);

    for (uint64_t number = 1; number <= 60; number++) {
        assert_begun(store, number);
        arrays_spoil(&arrays);
        if (number % 3 != 0) /* else the next save waits for this one */
            assert_durable(store);
        if (number % 3 == 1)
            assert_stored(number);
    }
    h5ckpt_close(store);
    assert_stored(60);
    assert_stored_previous(59);
}
END_TEST

/* _i: mode. Nothing is written before memory has changed. */
START_TEST(what_is_written_later_is_the_state_as_it_was)
{
    begin_mode(_i);
    make(LARGE);
    h5ckpt_store *store = open_mode_and_save(2);

    for (uint64_t number = 3; number <= 4; number++) {
        gate_shut(GATE_WRITE, "slot");
        assert_begun(store, number);
        arrays_spoil(&arrays);
        gate_open();
        assert_durable(store);
        assert_stored(number);
    }
    h5ckpt_close(store);
}
END_TEST

/* _i: staged or fenced. Memory may go away, too. */
START_TEST(memory_is_not_even_read_later)
{
    begin_mode(_i);
    make(LARGE);
    h5ckpt_store *store = open_mode_and_save(2);

    gate_shut(GATE_WRITE, "slot");
    assert_begun(store, 3);
    arrays_forbid(&arrays);
    gate_open();
    assert_durable(store);
    assert_stored(3);
    h5ckpt_close(store);
    arrays_allow(&arrays);
}
END_TEST

/* _i: mode, whether changes are looked for. Freed and allocated anew, and what a get function gives. */
START_TEST(indirect_memory_and_get_functions_are_saved_as_they_were)
{
    static struct standard standard;

    begin_mode(_i);
    struct h5ckpt_options options = options_of_mode();
    options.background.detect_changes = _i / MODE_COUNT == 1;
    standard_make(&standard);
    h5ckpt_store *store = standard_open(&standard, &options);
    for (uint64_t number = 1; number <= 12; number++) {
        assert_status_message(standard_save(store, &standard, number), H5CKPT_OK, h5ckpt_message(store));
        standard.get_fails = 1; /* too late to matter */
        if (mode == H5CKPT_SAVE_FENCED)
            assert_status(h5ckpt_fence(store), H5CKPT_OK);
        standard_fill(&standard, 1000 + number);
        standard_spoil(&standard);
        assert_durable(store);
        standard.get_fails = 0;
        assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
        ck_assert(standard_is(&standard, number));
    }
    h5ckpt_close(store);
    standard_free(&standard);
    assert_restores(H5CKPT_OK, 12);
    assert_restores_previous(H5CKPT_OK, 11);
}
END_TEST

/* _i: mode */
START_TEST(a_failing_get_function_fails_the_save_at_once)
{
    static struct standard standard;

    begin_mode(_i);
    const struct h5ckpt_options options = options_of_mode();
    standard_make(&standard);
    h5ckpt_store *store = standard_open(&standard, &options);
    for (uint64_t number = 1; number <= 2; number++) {
        assert_status(standard_save(store, &standard, number), H5CKPT_OK);
        assert_durable(store);
    }
    forget_events();
    standard.get_fails = 17;
    assert_status(standard_save(store, &standard, 3), H5CKPT_E_CALLBACK);
    assert_mentions(h5ckpt_message(store), "device");
    standard.get_fails = 0;
    assert_durable(store); /* nothing is in flight, and it was said already */
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 2);
    ck_assert_uint_eq(event_count(H5CKPT_EVENT_SAVE_FAILED), 1);
    ck_assert_uint_eq(event_count(H5CKPT_EVENT_DURABLE), 0);
    assert_status_message(standard_save(store, &standard, 4), H5CKPT_OK, h5ckpt_message(store));
    assert_durable(store);
    h5ckpt_close(store);
    standard_free(&standard);
    assert_restores(H5CKPT_OK, 4);
}
END_TEST

/* --------------------------------------------------------------- a limit of speed */

/* Which call is not to be held up: each of them has to come back before the suite's patience ends. */
enum hurried { HURRIED_WAIT, HURRIED_SAVE, HURRIED_RESTORE, HURRIED_CLOSE, HURRIED_COUNT };

/* _i: mode, which call. At one byte a second the state would take most of a year. */
START_TEST(nobody_who_waits_is_held_up_by_a_limit_of_speed)
{
    begin_mode(_i);
    make(MEDIUM);
    struct h5ckpt_options options = options_of_mode();
    options.background.bytes_per_second = 1;
    h5ckpt_store *store = open_and_save(&options, 2);

    gate_shut(GATE_WRITE, "slot"); /* a fence that is under way lifts the limit: nothing is written before its end */
    assert_begun(store, 3);
    gate_open();
    ck_assert_int_eq(event_of(H5CKPT_EVENT_DURABLE, 3), -1);
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 2);
    arrays_spoil(&arrays);
    switch (_i / MODE_COUNT) {
    case HURRIED_WAIT:
        assert_durable(store);
        break;
    case HURRIED_SAVE:
        assert_begun(store, 4);
        ck_assert_int_ge(event_of(H5CKPT_EVENT_DURABLE, 3), 0);
        ck_assert_uint_ge(stored(H5CKPT_CURRENT), 3);
        assert_durable(store);
        assert_stored(4);
        break;
    case HURRIED_RESTORE:
        assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
        ck_assert(arrays_are(&arrays, 3));
        break;
    default:
        h5ckpt_close(store);
        store = NULL;
    }
    if (_i / MODE_COUNT != HURRIED_SAVE)
        assert_stored(3);
    h5ckpt_close(store);
}
END_TEST

/* _i: staged or fenced, cap of memory: what does not fit is waited for */
START_TEST(no_save_or_fence_is_held_up_by_a_limit_of_speed)
{
    begin_mode(_i % 2);
    make(MEDIUM);
    struct h5ckpt_options options = options_of_mode();
    options.background.bytes_per_second = 1;
    options.background.memory_bytes = (const uint64_t[]){0, 100000, MIB}[_i / 2];
    h5ckpt_store *store = open_with(&options);

    for (uint64_t number = 1; number <= 3; number++) {
        assert_begun(store, number);
        arrays_spoil(&arrays);
        assert_durable(store);
        assert_stored(number);
    }
    h5ckpt_close(store);
}
END_TEST

/* _i: mode. A lower bound only: a busy machine may take longer. */
START_TEST(a_limit_of_speed_is_kept_where_nobody_waits)
{
    begin_mode(_i);
    make(MEDIUM);
    struct h5ckpt_options options = options_of_mode();
    options.background.bytes_per_second = 6 * MIB; /* 0.35 s; some of it may come at once */
    h5ckpt_store *store = open_and_save(&options, 2);

    const int64_t begun_ms = now_ms();
    gate_shut(GATE_WRITE, "slot"); /* see above */
    assert_begun(store, 3);
    gate_open();
    assert_soon(event_of(H5CKPT_EVENT_DURABLE, 3) >= 0);
    ck_assert_int_ge(now_ms() - begun_ms, 150);
    assert_durable(store);
    h5ckpt_close(store);
}
END_TEST

/* _i: mode */
START_TEST(the_background_is_as_nice_and_where_it_was_asked_to_be)
{
    const int as_the_caller = getpriority(PRIO_PROCESS, 0);
    cpu_set_t allowed, mine;

    begin_mode(_i);
    make(MEDIUM);
    struct h5ckpt_options options = options_of_mode();
    ck_assert_int_eq(sched_getaffinity(0, sizeof mine, &mine), 0);
    size_t cpu = 0;
    while (!CPU_ISSET(cpu, &mine))
        cpu++;
    options.background.nice = 7;
    options.background.cpu = (int)cpu;
    h5ckpt_store *store = open_and_save(&options, 2);
    gate_shut(GATE_WRITE, "slot");
    assert_begun(store, 3);
    gate_await();
    ck_assert_int_ne(gate_held_thread(), gettid());
    ck_assert_int_eq(getpriority(PRIO_PROCESS, (id_t)gate_held_thread()), as_the_caller + 7);
    ck_assert_int_eq(sched_getaffinity(gate_held_thread(), sizeof allowed, &allowed), 0);
    ck_assert_int_eq(CPU_COUNT(&allowed), 1);
    ck_assert(CPU_ISSET(cpu, &allowed));
    gate_open();
    assert_durable(store);
    ck_assert_int_eq(getpriority(PRIO_PROCESS, 0), as_the_caller);
    ck_assert_int_eq(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    ck_assert(CPU_EQUAL(&allowed, &mine));
    h5ckpt_close(store);
    assert_stored(3);
}
END_TEST

/* _i: mode */
START_TEST(the_background_keeps_off_the_processor_that_the_program_is_on)
{
    cpu_set_t allowed, mine, both;

    begin_mode(_i);
    make(MEDIUM);
    ck_assert_int_eq(sched_getaffinity(0, sizeof mine, &mine), 0);
    h5ckpt_store *store = open_mode_and_save(2);
    gate_shut(GATE_WRITE, "slot");
    assert_begun(store, 3);
    gate_await();
    ck_assert_int_eq(sched_getaffinity(gate_held_thread(), sizeof allowed, &allowed), 0);
    CPU_AND(&both, &allowed, &mine);
    ck_assert(CPU_EQUAL(&both, &allowed));
    ck_assert_int_eq(CPU_COUNT(&allowed), CPU_COUNT(&mine) > 1 ? CPU_COUNT(&mine) - 1 : 1);
    gate_open();
    assert_durable(store);
    ck_assert_int_eq(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    ck_assert(CPU_EQUAL(&allowed, &mine));
    h5ckpt_close(store);
}
END_TEST

/* -------------------------------------------------------------- taken over */

static void empty_backup(void)
{
    static const char *const NAME[] = {"lock",          "slot-a.h5",     "slot-b.h5", "slot-a.h5.new",
                                       "slot-b.h5.new", "checkpoint.h5", "lock.new",  "checkpoint.h5.new"};

    for (size_t i = 0; i < COUNT(NAME); i++)
        unlink(in_backup(NAME[i]));
}

static h5ckpt_store *open_twin(unsigned slots)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *store;

    options.slots = slots;
    assert_status_message(h5ckpt_open(&store, fixture_backup, twin.state, &options), H5CKPT_OK, h5ckpt_message(store));
    return store;
}

static void save_twin(h5ckpt_store *store, uint64_t number)
{
    arrays_fill(&twin, number);
    assert_status_message(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = number, .step = 10 * number}),
                          H5CKPT_OK, h5ckpt_message(store));
}

/* _i: mode. Somebody empties the directory under a first save, and another writer begins there. */
START_TEST(a_save_in_flight_leaves_alone_what_another_writer_has_saved_since)
{
    begin_mode(_i);
    make(MEDIUM);
    struct h5ckpt_options options = options_of_mode();
    options.background.bytes_per_second = 1; /* under way until somebody waits for it */
    h5ckpt_store *store = open_with(&options);

    assert_begun(store, 1);
    empty_backup();
    h5ckpt_store *other = open_twin(2);
    save_twin(other, 6);
    save_twin(other, 7);
    assert_status(h5ckpt_wait(store), H5CKPT_E_BUSY);
    assert_mentions(h5ckpt_message(store), "no longer the file that this handle locked");
    h5ckpt_close(store);
    h5ckpt_close(other);
    assert_stored(7);
    assert_stored_previous(6);
}
END_TEST

/* _i: mode. A state of a single slot is durable, but nobody has asked yet; only the lock was removed. */
START_TEST(a_save_that_is_over_leaves_alone_what_another_writer_has_saved_since)
{
    begin_mode(_i);
    make(MEDIUM);
    struct h5ckpt_options options = options_of_mode();
    options.slots = 1;
    h5ckpt_store *store = open_and_save(&options, 1);

    assert_begun(store, 2);
    assert_soon(event_of(H5CKPT_EVENT_DURABLE, 2) >= 0);
    ck_assert_int_eq(unlink(in_backup("lock")), 0);
    h5ckpt_store *other = open_twin(1);
    assert_status(h5ckpt_restore(other, NULL, NULL), H5CKPT_OK);
    save_twin(other, 3);
    assert_durable(store); /* as it was */
    h5ckpt_close(store);
    h5ckpt_close(other);
    assert_stored(3);
}
END_TEST

/* -------------------------------------------------------------- one is in flight */

/* _i: mode */
START_TEST(a_save_is_in_flight_until_it_is_durable)
{
    begin_mode(_i);
    make(SMALL);
    h5ckpt_store *store = open_mode_and_save(2);

    gate_shut(GATE_FLUSH, "slot");
    assert_begun(store, 3);
    ck_assert_str_eq(said, "");
    gate_await();
    ck_assert_int_ge(event_of(H5CKPT_EVENT_SAVE_BEGUN, 3), 0);
    ck_assert_int_eq(event_of(H5CKPT_EVENT_DURABLE, 3), -1);
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 2);
    ck_assert_uint_ge(stored(H5CKPT_CURRENT), 2); /* or the third, by what the cache has */
    release_when_asleep();
    assert_durable(store);
    assert_it_waited();
    ck_assert_int_ge(event_of(H5CKPT_EVENT_DURABLE, 3), 0);
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 3);
    assert_stored(3);
    assert_durable(store); /* its result was returned */
    h5ckpt_close(store);
}
END_TEST

/* _i: mode. The first save of a directory, up to its file's final name. */
START_TEST(the_first_save_of_all_is_in_flight_as_well)
{
    struct h5ckpt_progress progress;

    begin_mode(_i);
    make(SMALL);
    const struct h5ckpt_options options = options_of_mode();
    h5ckpt_store *store = open_with(&options);
    gate_shut(GATE_RENAME, FORMAT_SLOT_A);
    assert_begun(store, 1);
    arrays_spoil(&arrays);
    gate_await();
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 0);
    assert_status(arrays_restore(&twin, H5CKPT_CURRENT, &progress), H5CKPT_NO_CHECKPOINT);
    gate_open();
    assert_durable(store);
    assert_stored(1);
    h5ckpt_close(store);
}
END_TEST

/* _i: mode */
START_TEST(a_second_save_waits_for_the_first)
{
    begin_mode(_i);
    make(SMALL);
    h5ckpt_store *store = open_mode_and_save(2);

    gate_shut(GATE_FLUSH, "slot");
    assert_begun(store, 3);
    gate_await();
    arrays_fill(&arrays, 4);
    release_when_asleep();
    h5ckpt_status status = h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 4, .step = 40});
    assert_it_waited();
    assert_status_message(status, H5CKPT_OK, h5ckpt_message(store));
    ck_assert_uint_ge(h5ckpt_progress(store).epoch, 3);
    assert_durable(store); /* a fence, too */
    ck_assert_int_lt(event_of(H5CKPT_EVENT_DURABLE, 3), event_of(H5CKPT_EVENT_SAVE_BEGUN, 4));
    ck_assert_int_lt(event_of(H5CKPT_EVENT_SAVE_BEGUN, 4), event_of(H5CKPT_EVENT_DURABLE, 4));
    assert_stored(4);
    assert_stored_previous(3);
    h5ckpt_close(store);
}
END_TEST

/* _i: mode */
START_TEST(a_second_save_is_skipped_where_that_was_asked_for)
{
    begin_mode(_i);
    make(SMALL);
    struct h5ckpt_options options = options_of_mode();
    options.background.skip_if_busy = true;
    h5ckpt_store *store = open_and_save(&options, 2);

    gate_shut(GATE_FLUSH, "slot");
    assert_begun(store, 3);
    for (uint64_t number = 4; number <= 6; number++) {
        assert_status(begin_save(store, number), H5CKPT_SKIPPED);
        ck_assert_uint_eq(h5ckpt_progress(store).epoch, 2);
        ck_assert_int_eq(event_of(H5CKPT_EVENT_SAVE_BEGUN, number), -1);
    }
    gate_open();
    assert_durable(store);
    assert_stored(3);
    assert_stored_previous(2);
    ck_assert_uint_eq(event_count(H5CKPT_EVENT_DURABLE), 3);
    ck_assert_uint_eq(event_count(H5CKPT_EVENT_SAVE_FAILED), 0);
    assert_begun(store, 7); /* nothing is in flight */
    assert_durable(store);
    assert_stored(7);
    assert_stored_previous(3);
    h5ckpt_close(store);
}
END_TEST

/* _i: mode */
START_TEST(every_save_is_told_once_and_durable_only_after_its_flush)
{
    begin_mode(_i);
    make(SMALL);
    h5ckpt_store *store = open_mode_and_save(0);

    for (uint64_t number = 1; number <= 6; number++) {
        assert_begun(store, number);
        if (number % 2 == 0)
            assert_durable(store);
    }
    h5ckpt_close(store);
    for (uint64_t number = 1; number <= 6; number++) {
        const int begun = event_of(H5CKPT_EVENT_SAVE_BEGUN, number);
        const int durable = event_of(H5CKPT_EVENT_DURABLE, number);
        ck_assert_int_ge(begun, 0);
        ck_assert_int_gt(durable, begun);
        ck_assert_uint_gt(events->entry[durable].flush_count, events->entry[begun].flush_count);
        ck_assert_int_eq(events->entry[durable].status, H5CKPT_OK);
    }
    ck_assert_uint_eq(event_count(H5CKPT_EVENT_SAVE_BEGUN), 6);
    ck_assert_uint_eq(event_count(H5CKPT_EVENT_DURABLE), 6);
    ck_assert_uint_eq(event_count(H5CKPT_EVENT_SAVE_FAILED), 0);
}
END_TEST

/* Calls that wait for the save in flight and then have the right answer. */
enum later_call {
    LATER_RESTORE,
    LATER_RESTORE_PREVIOUS,
    LATER_INSPECT,
    LATER_COMPARE,
    LATER_COMPARE_DIFFERS,
    LATER_SPACE,
    LATER_START_OVER,
    LATER_LIST,
    LATER_RESERVE,
    LATER_DELETE,
    LATER_CLOSE,
    LATER_COUNT
};

static void count_variable(void *context, const struct h5ckpt_stored *variable)
{
    (void)variable;
    ++*(unsigned *)context;
}

struct later_answer {
    struct h5ckpt_report report;
    struct h5ckpt_space space;
    unsigned variable_count;
};

static h5ckpt_status call_later(h5ckpt_store *store, enum later_call call, struct later_answer *answer)
{
    struct h5ckpt_restore_options previous = h5ckpt_restore_options_default();

    previous.which = H5CKPT_PREVIOUS;
    switch (call) {
    case LATER_RESTORE:
        return h5ckpt_restore(store, NULL, &answer->report);
    case LATER_RESTORE_PREVIOUS:
        return h5ckpt_restore(store, &previous, &answer->report);
    case LATER_INSPECT:
        return h5ckpt_inspect(store, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &answer->report);
    case LATER_COMPARE:
    case LATER_COMPARE_DIFFERS:
        return h5ckpt_compare(store, H5CKPT_CURRENT);
    case LATER_SPACE:
        return h5ckpt_space(store, &answer->space);
    case LATER_START_OVER:
        return h5ckpt_start_over(store);
    case LATER_LIST:
        return h5ckpt_list_variables(store, 0, count_variable, &answer->variable_count);
    case LATER_RESERVE:
        return h5ckpt_reserve(store);
    case LATER_DELETE:
        return h5ckpt_delete(store);
    default:
        h5ckpt_close(store);
        return H5CKPT_OK;
    }
}

/* _i: mode, which call */
START_TEST(every_other_call_waits_for_the_save_in_flight)
{
    const enum later_call call = (enum later_call)(_i / MODE_COUNT);
    struct later_answer answer = {0};

    begin_mode(_i);
    make(SMALL);
    h5ckpt_store *store = open_mode_and_save(2);
    gate_shut(GATE_FLUSH, "slot");
    assert_begun(store, 3);
    gate_await();
    if (call != LATER_COMPARE)
        arrays_spoil(&arrays);
    release_when_asleep();
    const h5ckpt_status status = call_later(store, call, &answer);
    if (call == LATER_CLOSE)
        store = NULL;
    assert_it_waited();
    assert_status_message(status, call == LATER_COMPARE_DIFFERS ? H5CKPT_E_DIFFERS : H5CKPT_OK, h5ckpt_message(store));
    ck_assert_int_ge(event_of(H5CKPT_EVENT_DURABLE, 3), 0);
    switch (call) {
    case LATER_RESTORE:
        ck_assert(arrays_are(&arrays, 3));
        ck_assert_uint_eq(answer.report.progress.epoch, 3);
        break;
    case LATER_RESTORE_PREVIOUS:
        ck_assert(arrays_are(&arrays, 2));
        ck_assert_uint_eq(answer.report.progress.epoch, 2);
        break;
    case LATER_INSPECT:
        ck_assert_uint_eq(answer.report.progress.epoch, 3);
        ck_assert_int_eq(answer.report.slot[0].state, H5CKPT_SLOT_INTACT);
        ck_assert_int_eq(answer.report.slot[1].state, H5CKPT_SLOT_INTACT);
        break;
    case LATER_SPACE:
        ck_assert_uint_eq(answer.space.variable_bytes, arrays_byte_count(&arrays));
        ck_assert_uint_eq(answer.space.disk_bytes_needed, 0);
        break;
    case LATER_LIST:
        ck_assert_uint_eq(answer.variable_count, arrays.count);
        break;
    default:
        break;
    }
    if (call == LATER_DELETE) {
        h5ckpt_close(store);
        ck_assert_uint_eq(directory_entry_count(fixture_backup), 0);
        return;
    }
    assert_stored(3);
    assert_stored_previous(2);
    if (store != NULL) {
        assert_begun(store, 4);
        assert_durable(store);
        assert_stored(4);
    }
    h5ckpt_close(store);
}
END_TEST

/* _i: mode */
START_TEST(closing_without_waiting_leaves_a_complete_state_every_time)
{
    begin_mode(_i);
    make(SMALL);
    const struct h5ckpt_options options = options_of_mode();

    for (uint64_t number = 1; number <= 12; number++) {
        h5ckpt_store *store = open_with(&options);
        ck_assert_int_ge(h5ckpt_restore(store, NULL, NULL), 0);
        assert_begun(store, number);
        arrays_spoil(&arrays);
        h5ckpt_close(store);
        ck_assert_int_ge(event_of(H5CKPT_EVENT_DURABLE, number), 0);
        assert_stored(number);
    }
    assert_stored_previous(11);
}
END_TEST

/* _i: all modes, the synchronous one too */
START_TEST(waiting_and_fencing_with_nothing_in_flight_do_nothing)
{
    make(TINY);
    if (_i < MODE_COUNT)
        begin_mode(_i);
    else
        mode = H5CKPT_SAVE_SYNCHRONOUS;
    const struct h5ckpt_options options = options_of_mode();
    h5ckpt_store *store = open_with(&options);
    for (uint64_t number = 1; number <= 3; number++) {
        for (unsigned again = 0; again < 2; again++) {
            assert_status(h5ckpt_fence(store), H5CKPT_OK);
            assert_durable(store);
            ck_assert_str_eq(h5ckpt_message(store), "");
        }
        ck_assert_uint_eq(h5ckpt_progress(store).epoch, number - 1);
        assert_begun(store, number);
        for (unsigned again = 0; again < 3; again++)
            assert_status(h5ckpt_fence(store), H5CKPT_OK);
        assert_durable(store);
        assert_durable(store);
        ck_assert_uint_eq(h5ckpt_progress(store).epoch, number);
        assert_status(h5ckpt_fence(store), H5CKPT_OK);
    }
    h5ckpt_close(store);
    assert_stored(3);
    ck_assert_uint_eq(event_count(H5CKPT_EVENT_DURABLE), 3);
}
END_TEST

/* _i: mode. The flight has its own idea of what the variables are. */
START_TEST(a_variable_may_be_added_while_a_save_is_in_flight)
{
    static double late[30000];

    begin_mode(_i);
    make(SMALL);
    h5ckpt_store *store = open_mode_and_save(2);
    gate_shut(GATE_WRITE, "slot");
    assert_begun(store, 3);
    for (unsigned i = 0; i < 40; i++) {
        char name[32];
        snprintf(name, sizeof name, "late/%u", i);
        assert_status(h5ckpt_add(arrays.state, name, H5CKPT_FLOAT64, 1, (const uint64_t[]){COUNT(late)}, late),
                      H5CKPT_OK);
    }
    arrays_spoil(&arrays);
    gate_open();
    assert_durable(store);
    assert_stored(3);
    late[12345] = 1.5;
    assert_begun(store, 4);
    late[12345] = 2.5;
    arrays_spoil(&arrays);
    assert_durable(store);
    assert_status_message(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK, h5ckpt_message(store));
    ck_assert(arrays_are(&arrays, 4));
    ck_assert_double_eq(late[12345], 1.5);
    h5ckpt_close(store);
}
END_TEST

/* _i: mode */
START_TEST(two_stores_have_a_save_in_flight_each)
{
    char elsewhere[2 * PATH_BYTES];
    h5ckpt_store *other;

    begin_mode(_i);
    make(SMALL);
    const struct h5ckpt_options options = options_of_mode();
    h5ckpt_store *store = open_and_save(&options, 2);
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", fixture_directory);
    struct h5ckpt_options silent = options;
    silent.event = NULL;
    assert_status(h5ckpt_open(&other, elsewhere, arrays.state, &silent), H5CKPT_OK);
    for (uint64_t number = 11; number <= 12; number++) {
        assert_begun(other, number);
        assert_durable(other);
    }
    gate_shut(GATE_FLUSH, "slot");
    assert_begun(store, 3);
    assert_begun(other, 13);
    arrays_spoil(&arrays);
    assert_soon(gate_held_count() == 2);
    gate_open();
    assert_durable(other);
    assert_durable(store);
    assert_stored(3);
    assert_status(h5ckpt_restore(other, NULL, NULL), H5CKPT_OK);
    ck_assert(arrays_are(&arrays, 13));
    h5ckpt_close(store);
    h5ckpt_close(other);
}
END_TEST

static volatile sig_atomic_t signal_count;

static void count_signal(int number)
{
    (void)number;
    signal_count++;
}

/* _i: mode. A program that has blocked a signal takes it when it likes, not in a thread of h5ckpt. */
START_TEST(no_signal_of_the_programs_is_taken_by_the_background)
{
    sigset_t blocked, before, pending;

    begin_mode(_i);
    make(SMALL);
    signal_count = 0;
    signal(SIGUSR1, count_signal);
    h5ckpt_store *store = open_mode_and_save(2);
    gate_shut(GATE_FLUSH, "slot");
    assert_begun(store, 3);
    gate_await();
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    kill(getpid(), SIGUSR1);
    sigpending(&pending);
    ck_assert(sigismember(&pending, SIGUSR1));
    gate_open();
    assert_durable(store);
    ck_assert_int_eq(signal_count, 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    ck_assert_int_eq(signal_count, 1);
    h5ckpt_close(store);
    assert_stored(3);
}
END_TEST

static struct {
    h5ckpt_store *store;
    _Atomic pid_t thread;
    _Atomic bool returned;
} cancelled;

static void *wait_and_be_cancelled(void *unused)
{
    cancelled.thread = gettid();
    h5ckpt_wait(cancelled.store);
    cancelled.returned = true;
    pthread_testcancel();
    return unused;
}

/* _i: mode. The thread ends when the call is over. */
START_TEST(waiting_for_the_save_in_flight_cannot_be_cancelled)
{
    pthread_t thread;
    void *result;

    begin_mode(_i);
    make(SMALL);
    h5ckpt_store *store = open_mode_and_save(2);
    gate_shut(GATE_FLUSH, "slot");
    assert_begun(store, 3);
    gate_await();
    cancelled.store = store;
    cancelled.thread = 0;
    cancelled.returned = false;
    ck_assert_int_eq(__real_pthread_create(&thread, NULL, wait_and_be_cancelled, NULL), 0);
    for (unsigned asleep = 0; asleep < 5; nap())
        asleep += cancelled.thread != 0 && is_asleep(cancelled.thread);
    pthread_cancel(thread);
    gate_open();
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert(cancelled.returned);
    ck_assert_ptr_eq(result, PTHREAD_CANCELED);
    assert_durable(store);
    assert_stored(3);
    assert_begun(store, 4);
    assert_durable(store);
    h5ckpt_close(store);
    assert_stored(4);
}
END_TEST

/* _i: mode. A relative name is that of the directory in which it was opened. */
START_TEST(the_program_may_go_to_another_directory)
{
    const char *name = strrchr(fixture_backup, '/') + 1;
    h5ckpt_store *store;

    begin_mode(_i);
    make(SMALL);
    const struct h5ckpt_options options = options_of_mode();
    ck_assert_int_eq(chdir(fixture_directory), 0);
    assert_status(h5ckpt_open(&store, name, arrays.state, &options), H5CKPT_OK);
    for (uint64_t number = 1; number <= 4; number++) {
        ck_assert_int_eq(chdir(fixture_directory), 0);
        gate_shut(number == 1 ? GATE_RENAME : GATE_WRITE, number == 1 ? FORMAT_SLOT_A : "slot");
        assert_begun(store, number);
        ck_assert_int_eq(chdir("/"), 0);
        gate_open();
        assert_durable(store);
        assert_stored(number);
    }
    h5ckpt_close(store);
}
END_TEST

static int save_and_exit(void)
{
    const struct h5ckpt_options options = options_of_mode();
    h5ckpt_store *store = open_and_save(&options, 2);

    gate_shut(GATE_WRITE, "slot");
    assert_begun(store, 3);
    gate_await();
    exit(7); /* and never closes it: handlers of the library's and of HDF5's run */
}

/* _i: mode */
START_TEST(a_program_that_ends_without_closing_leaves_a_whole_state)
{
    h5ckpt_store *store;

    begin_mode(_i);
    make(SMALL);
    ck_assert_int_eq(in_child(save_and_exit), 7);
    gate_open();
    forget_events();
    const struct h5ckpt_options options = options_of_mode();
    const int64_t end_ms = now_ms() + PATIENCE_S * 1000;
    while (h5ckpt_open(&store, fixture_backup, arrays.state, &options) == H5CKPT_E_BUSY) {
        h5ckpt_close(store);
        ck_assert_int_lt(now_ms(), end_ms);
        nap();
    }
    ck_assert_int_ge(h5ckpt_restore(store, NULL, NULL), 0);
    ck_assert(arrays_are(&arrays, 2));
    for (uint64_t number = 4; number <= 5; number++) {
        assert_begun(store, number);
        assert_durable(store);
        assert_stored(number);
    }
    h5ckpt_close(store);
}
END_TEST

/* _i: threads that the system gives, mode */
START_TEST(where_the_system_gives_no_thread_the_save_is_synchronous)
{
    begin_mode(_i);
    make(MEDIUM);
    const struct h5ckpt_options options = options_of_mode();
    h5ckpt_store *store = open_with(&options);

    for (uint64_t number = 1; number <= 4; number++) {
        arrays_fill(&arrays, number);
        threads_left = (unsigned)_i / MODE_COUNT;
        const unsigned given = threads_left;
        assert_status_message(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = number, .step = 10 * number}),
                              H5CKPT_OK, h5ckpt_message(store));
        if (given == 0) {
            ck_assert_int_ge(event_of(H5CKPT_EVENT_DURABLE, number), 0);
            ck_assert_uint_eq(h5ckpt_progress(store).epoch, number);
        }
        assert_status(h5ckpt_fence(store), H5CKPT_OK);
        arrays_spoil(&arrays);
        assert_durable(store);
        assert_stored(number);
    }
    ck_assert_uint_eq(event_count(H5CKPT_EVENT_DURABLE), 4);
    h5ckpt_close(store);
}
END_TEST

/* As somebody whom the system gives neither threads nor processes; 77: it gives some all the same. */
static int save_as_nobody(void)
{
    const struct h5ckpt_options options = options_of_mode();
    const struct rlimit none = {0, 0};

    if (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0 ||
        setrlimit(RLIMIT_NPROC, &none) != 0)
        return 77;
    pid_t process = fork();
    if (process == 0)
        _exit(0);
    if (process > 0) {
        waitpid(process, NULL, 0);
        return 77;
    }
    h5ckpt_store *store = open_and_save(&options, 3);
    h5ckpt_close(store);
    return 0;
}

/* _i: mode */
START_TEST(where_the_system_gives_no_process_either_it_is_saved_too)
{
    begin_mode(_i);
    make(SMALL);
    if (geteuid() != 0)
        return; /* the limit binds other users' processes, too */
    ck_assert_int_eq(chown(fixture_directory, NOBODY, NOBODY), 0);
    const int status = in_child(save_as_nobody);
    ck_assert(status == 0 || status == 77);
    if (status == 0)
        assert_stored(3);
    forget_events(); /* another process' */
}
END_TEST

static struct system_calls few_children;
static int64_t (*run_child_really)(const struct system_child *child);
static int child_error;
static bool siblings_only; /* are refused */

static int64_t refuse_child(const struct system_child *child)
{
    if (siblings_only && !child->beside)
        return run_child_really(child);
    errno = child_error;
    return -1;
}

static void refuse_children(int error, bool only_siblings)
{
    few_children = *system_calls;
    run_child_really = few_children.run_child;
    few_children.run_child = refuse_child;
    child_error = error;
    siblings_only = only_siblings;
    system_calls = &few_children;
}

/* _i: errno. Where there are just none left, the save is synchronous. */
START_TEST(where_the_system_refuses_a_child_for_good_the_save_says_so)
{
    static const struct {
        int error;
        h5ckpt_status expected;
    } CASE[] = {{EAGAIN, H5CKPT_OK}, {ENOMEM, H5CKPT_OK}, {EPERM, H5CKPT_E_PERMISSION}, {ENOSYS, H5CKPT_E_SYSTEM}};
    const struct system_calls *before = system_calls;

    mode = H5CKPT_SAVE_FORKED;
    make(MEDIUM);
    const struct h5ckpt_options options = options_of_mode();
    h5ckpt_store *store = open_with(&options);
    refuse_children(CASE[_i].error, false);
    assert_status_message(begin_save(store, 1), CASE[_i].expected, said);
    if (CASE[_i].expected == H5CKPT_OK)
        assert_stored(1);
    else
        assert_mentions(said, "gives no child process");
    system_calls = before;
    assert_status(h5ckpt_wait(store), H5CKPT_OK);
    h5ckpt_close(store);
    ck_assert_int_eq(file_exists(fixture_backup), CASE[_i].expected == H5CKPT_OK);
}
END_TEST

START_TEST(where_the_system_refuses_further_children_one_writes_all)
{
    const struct system_calls *before = system_calls;

    begin_mode(2);
    make(LARGE);
    refuse_children(EAGAIN, true);
    h5ckpt_store *store = open_mode_and_save(2);
    assert_begun(store, 3);
    arrays_spoil(&arrays);
    assert_durable(store);
    system_calls = before;
    assert_stored(3);
    h5ckpt_close(store);
}
END_TEST

/* ------------------------------------------------------------------ it fails */

static const struct failure {
    const char *name;
    enum gate_call call;
    long first; /* that many succeed */
    int error;
    h5ckpt_status status;
} FAILURE[] = {
    {"the first write", GATE_WRITE, 0, ENOSPC, H5CKPT_E_NO_SPACE},
    {"a later write", GATE_WRITE, 2, EIO, H5CKPT_E_IO},
    {"the flush", GATE_FLUSH, 0, EIO, H5CKPT_E_IO},
    {"the rename", GATE_RENAME, 0, EIO, H5CKPT_E_IO},
};

/* Two states; then a third is begun that will fail. */
static h5ckpt_store *begin_failing(const struct failure *failure, const struct h5ckpt_options *options)
{
    h5ckpt_store *store = open_and_save(options, 2);

    if (failure->call == GATE_RENAME) /* a slot with a second name is replaced by a new file */
        ck_assert_int_eq(link(in_backup(slot_of_epoch(1)), in_backup("kept")), 0);
    forget_events();
    gate_fail(failure->call, "slot", failure->first, GATE_FOR_EVER, failure->error);
    assert_status_message(begin_save(store, 3), H5CKPT_OK, failure->name);
    return store;
}

static void end_failing(h5ckpt_store *store, const struct failure *failure)
{
    ck_assert_msg(gate_failed(), "%s was not made", failure->name);
    gate_fail_no_more();
    if (failure->call == GATE_RENAME)
        file_remove(in_backup("kept"));
    h5ckpt_close(store);
}

/*
 * The state before is there. Where only the flush failed, all bytes of the new one are, too, for as long as the cache
 * lasts: somebody else may be given that one, whole.
 */
static void assert_before_is_stored(const struct failure *failure)
{
    const uint64_t number = stored(H5CKPT_CURRENT);

    ck_assert_msg(number == 2 || (failure->call == GATE_FLUSH && number > 2), "%ju is stored", (uintmax_t)number);
}

static void assert_told_failed_once(void)
{
    ck_assert_uint_eq(event_count(H5CKPT_EVENT_SAVE_FAILED), 1);
    ck_assert_int_eq(event_of(H5CKPT_EVENT_DURABLE, 3), -1);
}

/* _i: mode, failure */
START_TEST(waiting_returns_the_failure_once)
{
    begin_mode(_i);
    const struct failure *failure = &FAILURE[_i / MODE_COUNT];
    make(failure->first != 0 ? LARGE : MEDIUM);
    const struct h5ckpt_options options = options_of_mode();
    h5ckpt_store *store = begin_failing(failure, &options);

    assert_before_is_stored(failure);
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 2);
    assert_status_message(h5ckpt_wait(store), failure->status, failure->name);
    ck_assert_str_ne(h5ckpt_message(store), "");
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 2);
    assert_told_failed_once();
    assert_before_is_stored(failure);
    assert_durable(store); /* it was said already */
    ck_assert_str_eq(h5ckpt_message(store), "");
    gate_fail_no_more();
    assert_begun(store, 4);
    assert_durable(store);
    assert_told_failed_once();
    assert_stored(4);
    assert_stored_previous(2);
    end_failing(store, failure);
}
END_TEST

/* _i: mode, failure */
START_TEST(the_next_save_returns_the_failure_and_saves_anew)
{
    begin_mode(_i);
    make(MEDIUM);
    const struct failure *failure = &FAILURE[_i / MODE_COUNT];
    const struct h5ckpt_options options = options_of_mode();
    h5ckpt_store *store = begin_failing(failure, &options);

    assert_soon(event_count(H5CKPT_EVENT_SAVE_FAILED) != 0);
    assert_before_is_stored(failure);
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 2);
    gate_fail_no_more();
    arrays_fill(&arrays, 4);
    assert_status_message(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 4, .step = 40}), failure->status,
                          h5ckpt_message(store));
    assert_mentions(h5ckpt_message(store), "save before");
    assert_status(h5ckpt_fence(store), H5CKPT_OK);
    arrays_spoil(&arrays);
    assert_durable(store);
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 4);
    assert_told_failed_once();
    ck_assert_int_ge(event_of(H5CKPT_EVENT_DURABLE, 4), 0);
    assert_stored(4);
    assert_stored_previous(2);
    assert_begun(store, 5);
    assert_durable(store);
    assert_stored(5);
    assert_stored_previous(4);
    end_failing(store, failure);
}
END_TEST

START_TEST(a_failure_is_returned_by_a_next_save_that_is_durable_already)
{
    mode = H5CKPT_SAVE_STAGED;
    make(MEDIUM);
    const struct h5ckpt_options options = options_of_mode();
    h5ckpt_store *store = begin_failing(&FAILURE[0], &options);

    assert_soon(event_count(H5CKPT_EVENT_SAVE_FAILED) != 0);
    gate_fail_no_more();
    threads_left = 0;
    ck_assert_int_eq(begin_save(store, 4), FAILURE[0].status);
    assert_mentions(said, "this one is durable");
    assert_stored(4);
    threads_left = 1000000;
    assert_durable(store);
    end_failing(store, &FAILURE[0]);
}
END_TEST

/* Two writers: the other's write is under way, or not begun because of a limit of speed. _i: that */
START_TEST(a_failing_write_ends_the_other_writers_too)
{
    mode = H5CKPT_SAVE_FENCED;
    make(LARGE);
    struct h5ckpt_options options = options_of_mode();
    options.background.bytes_per_second = _i == 0 ? 0 : 1;
    h5ckpt_store *store = open_and_save(&options, 2);
    forget_events();
    arrays_fill(&arrays, 3);
    gate_shut(GATE_WRITE, "slot");
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    if (_i == 0)
        assert_soon(gate_held_count() >= 2);
    else
        gate_await();
    gate_fail(GATE_WRITE, "slot", 0, GATE_FOR_EVER, EIO);
    for (unsigned i = 0; i < 10 && _i != 0; i++)
        nap(); /* time for the other to come to where it waits */
    gate_open();
    assert_soon(event_count(H5CKPT_EVENT_SAVE_FAILED) == 1);
    assert_status(h5ckpt_wait(store), H5CKPT_E_IO);
    gate_fail_no_more();
    h5ckpt_close(store);
    assert_stored(2);
}
END_TEST

/* _i: mode, failure: it is not skipped over, nor does it keep the next from being saved */
START_TEST(a_failure_is_returned_where_busy_saves_are_skipped_too)
{
    begin_mode(_i);
    make(MEDIUM);
    const struct failure *failure = &FAILURE[_i / MODE_COUNT];
    struct h5ckpt_options options = options_of_mode();
    options.background.skip_if_busy = true;
    h5ckpt_store *store = begin_failing(failure, &options);

    assert_soon(event_count(H5CKPT_EVENT_SAVE_FAILED) != 0);
    gate_fail_no_more();
    h5ckpt_status status;
    assert_soon((status = begin_save(store, 4)) != H5CKPT_SKIPPED); /* told, but perhaps not over */
    assert_status(status, failure->status);
    assert_durable(store);
    assert_stored(4);
    end_failing(store, failure);
}
END_TEST

/* _i: mode, failure */
START_TEST(every_save_that_fails_is_told_and_returned_and_the_state_before_is_there)
{
    begin_mode(_i);
    make(MEDIUM);
    const struct failure *failure = &FAILURE[_i / MODE_COUNT];
    const struct h5ckpt_options options = options_of_mode();
    h5ckpt_store *store = begin_failing(failure, &options);

    for (uint64_t number = 4; number <= 6 && failure->call != GATE_RENAME; number++) {
        assert_status_message(begin_save(store, number), failure->status, said);
        assert_before_is_stored(failure);
        ck_assert_uint_eq(h5ckpt_progress(store).epoch, 2);
    }
    assert_status(h5ckpt_wait(store), failure->status);
    ck_assert_uint_eq(event_count(H5CKPT_EVENT_SAVE_FAILED), failure->call != GATE_RENAME ? 4 : 1);
    ck_assert_uint_eq(event_count(H5CKPT_EVENT_DURABLE), 0);
    assert_before_is_stored(failure);
    end_failing(store, failure);
    assert_before_is_stored(failure);
}
END_TEST

/* _i: mode, failure */
START_TEST(closing_after_a_failure_leaves_the_state_before)
{
    begin_mode(_i);
    make(MEDIUM);
    const struct failure *failure = &FAILURE[_i / MODE_COUNT];
    const struct h5ckpt_options options = options_of_mode();
    h5ckpt_store *store = begin_failing(failure, &options);

    assert_soon(gate_failed());
    end_failing(store, failure);
    ck_assert_uint_eq(event_count(H5CKPT_EVENT_SAVE_FAILED), 1);
    assert_before_is_stored(failure);
}
END_TEST

/* _i: mode, failure. A restore answers for itself. */
START_TEST(a_restore_after_a_failure_gives_the_state_before)
{
    begin_mode(_i);
    make(MEDIUM);
    const struct failure *failure = &FAILURE[_i / MODE_COUNT];
    const struct h5ckpt_options options = options_of_mode();
    h5ckpt_store *store = begin_failing(failure, &options);

    arrays_spoil(&arrays);
    ck_assert_int_ge(h5ckpt_restore(store, NULL, NULL), 0);
    const uint64_t number = h5ckpt_progress(store).epoch;
    ck_assert(number == 2 || (failure->call == GATE_FLUSH && number == 3));
    ck_assert(arrays_are(&arrays, number));
    assert_told_failed_once();
    gate_fail_no_more();
    begin_save(store, 4); /* may say what became of the third */
    assert_durable(store);
    assert_stored(4);
    assert_stored_previous(number);
    end_failing(store, failure);
}
END_TEST

/* _i: staged or fenced, failure. What has no room in memory is written while the program waits. */
START_TEST(a_failure_while_the_program_waits_is_returned_once_too)
{
    begin_mode(_i % 2);
    make(LARGE);
    const struct failure *failure = &FAILURE[_i / 2];
    struct h5ckpt_options options = options_of_mode();
    options.background.memory_bytes = 0;
    h5ckpt_store *store = open_and_save(&options, 2);
    forget_events();
    gate_fail(failure->call, "slot", failure->first, GATE_FOR_EVER, failure->error);
    const h5ckpt_status status = begin_save(store, 3);
    arrays_spoil(&arrays);
    const h5ckpt_status waited = h5ckpt_wait(store);
    ck_assert(status == H5CKPT_OK || waited == H5CKPT_OK);
    assert_status(status == H5CKPT_OK ? waited : status, failure->status);
    assert_told_failed_once();
    assert_before_is_stored(failure);
    gate_fail_no_more();
    assert_begun(store, 4);
    arrays_spoil(&arrays);
    assert_durable(store);
    assert_stored(4);
    assert_stored_previous(2);
    h5ckpt_close(store);
}
END_TEST

/*
 * A first save that fails; then close, with nothing left behind, or another save. false: there is no such call to fail.
 */
static bool fail_first_save(const struct failure *failure, bool reserved, bool saves_again)
{
    const struct h5ckpt_options options = options_of_mode();
    struct h5ckpt_progress progress;
    h5ckpt_store *store = open_with(&options);

    if (reserved)
        assert_status(h5ckpt_reserve(store), H5CKPT_OK);
    gate_fail(failure->call, "slot", failure->first, GATE_FOR_EVER, failure->error);
    h5ckpt_status status = begin_save(store, 1); /* making the slots may fail at once */
    status = status == H5CKPT_OK ? h5ckpt_wait(store) : status;
    const bool failed = gate_failed();
    gate_fail_no_more();
    assert_status(status, failed ? failure->status : H5CKPT_OK);
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, failed ? 0 : 1);
    if (failed && failure->call != GATE_FLUSH)
        assert_status(arrays_restore(&twin, H5CKPT_CURRENT, &progress), H5CKPT_NO_CHECKPOINT);
    if (saves_again) {
        assert_begun(store, 2);
        assert_durable(store);
    }
    h5ckpt_close(store);
    if (saves_again)
        assert_stored(2);
    return failed;
}

/* _i: mode, failure */
START_TEST(a_first_save_that_fails_leaves_nothing)
{
    begin_mode(_i);
    make(SMALL);
    ck_assert(fail_first_save(&FAILURE[_i / MODE_COUNT], false, false));
    ck_assert(!file_exists(fixture_backup));
    fail_first_save(&FAILURE[_i / MODE_COUNT], false, true);
}
END_TEST

/* _i: mode, failure; nothing is renamed there */
START_TEST(a_first_save_that_fails_in_a_reserved_slot_leaves_nothing)
{
    begin_mode(_i);
    make(SMALL);
    ck_assert(fail_first_save(&FAILURE[_i / MODE_COUNT], true, false));
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

/* _i: mode, failure */
START_TEST(a_first_save_that_fails_in_a_reserved_slot_is_made_up_for_by_the_next)
{
    begin_mode(_i);
    make(SMALL);
    ck_assert(fail_first_save(&FAILURE[_i / MODE_COUNT], true, true));
}
END_TEST

static const struct sweep {
    unsigned calls;
    int error;
    bool again; /* another save follows without waiting */
    bool fresh; /* the handle has not saved before */
} SWEEP[] = {
    {GATE_WRITE | GATE_ALLOCATE, ENOSPC, false, false},
    {GATE_WRITE | GATE_FLUSH, EIO, false, false},
    {GATE_WRITE | GATE_FLUSH, EIO, true, false},
    {GATE_OPEN | GATE_RENAME | GATE_LINK, EACCES, false, false},
    {GATE_OPEN | GATE_RENAME | GATE_LINK, EACCES, false, true},
};

/* Whatever came of it, it was returned once and told once; a whole state is there; and the handle goes on. */
static bool fail_at(const struct sweep *sweep, long call)
{
    const struct h5ckpt_options options = options_of_mode();
    unsigned failed = 0;
    uint64_t acknowledged = 2;

    fixture_clear_backup();
    h5ckpt_store *store = open_and_save(&options, 2);
    if (sweep->fresh) {
        h5ckpt_close(store);
        store = open_with(&options);
        assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    }
    forget_events();
    gate_fail(sweep->calls, NULL, call, 1, sweep->error);
    h5ckpt_status status = begin_save(store, 4);
    arrays_spoil(&arrays);
    failed += status < 0;
    if (sweep->again) {
        status = begin_save(store, 5);
        arrays_spoil(&arrays);
        failed += status < 0;
    }
    failed += h5ckpt_wait(store) < 0;
    gate_fail_no_more();
    ck_assert_uint_le(failed, 1);
    ck_assert_uint_eq(event_count(H5CKPT_EVENT_SAVE_FAILED), failed);
    if (event_of(H5CKPT_EVENT_DURABLE, 4) >= 0)
        acknowledged = 4;
    if (event_of(H5CKPT_EVENT_DURABLE, 5) >= 0)
        acknowledged = 5;
    if (failed == 0)
        ck_assert_uint_eq(acknowledged, sweep->again ? 5 : 4);
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, acknowledged);
    const uint64_t there = stored(H5CKPT_CURRENT);
    ck_assert_msg(there == acknowledged || (failed != 0 && there > acknowledged), "call %ld: %ju is there, not %ju",
                  call, (uintmax_t)there, (uintmax_t)acknowledged);
    assert_durable(store);
    if (call % 2 == 0) {
        assert_begun(store, 6);
        assert_durable(store);
        assert_stored(6);
        assert_stored_previous(acknowledged);
    }
    h5ckpt_close(store);
    ck_assert_uint_ge(stored(H5CKPT_CURRENT), acknowledged);
    return gate_failed();
}

/* _i: mode, sweep */
START_TEST(a_save_that_fails_at_any_call_is_returned_once_and_leaves_a_whole_state)
{
    begin_mode(_i);
    make(SMALL);
    long call = 0;

    while (fail_at(&SWEEP[_i / MODE_COUNT], call))
        ck_assert_int_lt(call++, 400);
    ck_assert_int_gt(call, 1); /* else this shows nothing */
}
END_TEST

/* ---------------------------------------------------------------------- fences */

START_TEST(a_save_without_a_fence_is_given_up_by_the_next)
{
    mode = H5CKPT_SAVE_FENCED;
    make(SMALL);
    h5ckpt_store *store = open_mode_and_save(2);

    forget_events();
    arrays_fill(&arrays, 3);
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 3, .step = 30}), H5CKPT_OK);
    fill_too_early(4);
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 4, .step = 40}), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), "fence");
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 2);
    assert_status(h5ckpt_wait(store), H5CKPT_OK);
    ck_assert_int_eq(event_of(H5CKPT_EVENT_DURABLE, 3), -1);
    ck_assert_uint_eq(event_count(H5CKPT_EVENT_SAVE_FAILED), 1);
    const uint64_t there = h5ckpt_progress(store).epoch; /* the fourth may have been saved, or not; not the third */
    ck_assert(there == 2 || there == 4);
    assert_stored(there);
    assert_begun(store, 5);
    assert_durable(store);
    assert_stored(5);
    assert_stored_previous(there);
    h5ckpt_close(store);
}
END_TEST

/* A save without a fence, and somebody else; everything is on disk long since, but for the commit. */
START_TEST(a_save_without_a_fence_is_not_durable_by_itself)
{
    mode = H5CKPT_SAVE_FENCED;
    make(SMALL);
    h5ckpt_store *store = open_mode_and_save(2);

    arrays_fill(&arrays, 3);
    gate_forget();
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 3, .step = 30}), H5CKPT_OK);
    const int64_t begun_ms = now_ms();
    while (now_ms() - begun_ms < 100 || (gate_written_bytes("slot") < arrays_byte_count(&arrays) &&
                                         now_ms() - begun_ms < 500)) { /* a library that does commit has the time */
        ck_assert_int_eq(event_of(H5CKPT_EVENT_DURABLE, 3), -1);
        ck_assert_uint_eq(h5ckpt_progress(store).epoch, 2);
        nap();
    }
    assert_stored(2);
    assert_status(h5ckpt_fence(store), H5CKPT_OK);
    arrays_spoil(&arrays);
    assert_soon(event_of(H5CKPT_EVENT_DURABLE, 3) >= 0); /* now it is by itself */
    assert_stored(3);
    assert_durable(store);
    h5ckpt_close(store);
}
END_TEST

/* Nothing says that memory has changed: only the next save, or hook, does. */
START_TEST(close_is_a_fence_too)
{
    mode = H5CKPT_SAVE_FENCED;
    make(SMALL);

    for (unsigned round = 0; round < 5; round++) {
        fixture_clear_backup();
        forget_events();
        h5ckpt_store *store = open_mode_and_save(2);
        arrays_fill(&arrays, 3);
        assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 3, .step = 30}), H5CKPT_OK);
        h5ckpt_close(store);
        ck_assert_int_ge(event_of(H5CKPT_EVENT_DURABLE, 3), 0);
        assert_stored(3);
    }
}
END_TEST

/* Whoever forgets fences may forget the last one, too: then close must not call memory what it was at the save. */
START_TEST(after_a_forgotten_fence_only_one_that_is_asked_for_counts)
{
    mode = H5CKPT_SAVE_FENCED;
    make(SMALL);
    h5ckpt_store *store = open_mode_and_save(2);

    for (uint64_t number = 3; number <= 4; number++) {
        fill_too_early(number);
        assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = number, .step = 10 * number}),
                      number == 3 ? H5CKPT_OK : H5CKPT_E_ARGUMENT);
    }
    fill_too_early(5);
    h5ckpt_close(store);
    ck_assert_int_eq(event_of(H5CKPT_EVENT_DURABLE, 4), -1);
    assert_stored(2);

    store = open_with(&(struct h5ckpt_options){.slots = 2,
                                               .file_mode = 0600,
                                               .rewrite_every = 16,
                                               .save_mode = H5CKPT_SAVE_FENCED,
                                               .background = {.memory_bytes = UINT64_MAX, .cpu = -1}});
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    for (uint64_t number = 6; number <= 7; number++) {
        fill_too_early(number);
        h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = number, .step = 10 * number});
    }
    assert_durable(store);
    assert_stored(7);
    fill_too_early(8);
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 8, .step = 80}), H5CKPT_OK);
    h5ckpt_close(store);
    assert_stored(8);
}
END_TEST

/* No write has failed: the disk need not have room for a third file. */
START_TEST(a_forgotten_fence_costs_no_new_file)
{
    mode = H5CKPT_SAVE_FENCED;
    make(MEDIUM);
    h5ckpt_store *store = open_mode_and_save(2);
    const ino_t a = file_inode(in_backup(FORMAT_SLOT_A)), b = file_inode(in_backup(FORMAT_SLOT_B));

    fill_too_early(3);
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 3, .step = 30}), H5CKPT_OK);
    fill_too_early(4);
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 4, .step = 40}), H5CKPT_E_ARGUMENT);
    assert_durable(store);
    assert_stored(4);
    assert_stored_previous(2);
    assert_begun(store, 5);
    assert_durable(store);
    assert_stored(5);
    assert_stored_previous(4);
    ck_assert_uint_eq(file_inode(in_backup(FORMAT_SLOT_A)), a);
    ck_assert_uint_eq(file_inode(in_backup(FORMAT_SLOT_B)), b);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_restore_is_a_fence_too)
{
    mode = H5CKPT_SAVE_FENCED;
    make(SMALL);
    h5ckpt_store *store = open_mode_and_save(2);

    arrays_fill(&arrays, 3);
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 3, .step = 30}), H5CKPT_OK);
    ck_assert_int_ge(h5ckpt_restore(store, NULL, NULL), 0);
    ck_assert(arrays_are(&arrays, 3));
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 3);
    ck_assert_int_ge(event_of(H5CKPT_EVENT_DURABLE, 3), 0);
    assert_begun(store, 5);
    assert_durable(store);
    assert_stored(5);
    h5ckpt_close(store);
}
END_TEST

/* _i: which call; see every_other_call_waits_for_the_save_in_flight */
START_TEST(every_call_but_a_save_is_a_fence_too)
{
    struct later_answer answer = {0};

    mode = H5CKPT_SAVE_FENCED;
    make(SMALL);
    h5ckpt_store *store = open_mode_and_save(2);
    gate_shut(GATE_WRITE, "slot");
    arrays_fill(&arrays, 3);
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 3, .step = 30}), H5CKPT_OK);
    gate_await();
    release_when_asleep();
    const h5ckpt_status status = call_later(store, (enum later_call)_i, &answer);
    assert_it_waited();
    assert_status_message(status, H5CKPT_OK, h5ckpt_message(store));
    ck_assert_int_ge(event_of(H5CKPT_EVENT_DURABLE, 3), 0);
    arrays_spoil(&arrays);
    assert_stored(3);
    assert_begun(store, 4);
    assert_durable(store);
    assert_stored(4);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_forgotten_fence_is_no_busy_save)
{
    mode = H5CKPT_SAVE_FENCED;
    make(SMALL);
    struct h5ckpt_options options = options_of_mode();
    options.background.skip_if_busy = true;
    h5ckpt_store *store = open_and_save(&options, 2);

    arrays_fill(&arrays, 3);
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 3, .step = 30}), H5CKPT_OK);
    fill_too_early(4);
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 4, .step = 40}), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), "fence");
    assert_durable(store);
    ck_assert_int_eq(event_of(H5CKPT_EVENT_DURABLE, 3), -1);
    const uint64_t there = h5ckpt_progress(store).epoch;
    ck_assert(there == 2 || there == 4);
    assert_stored(there);
    h5ckpt_close(store);
}
END_TEST

/* A save every other batch: the batch without one changes memory as well. _i: whether it is the next that saves */
/* _i: every how many batches; why training ends */
START_TEST(a_batch_without_a_fence_gives_up_the_save_before_it)
{
    struct h5ckpt_progress next;
    h5ckpt_callback *callback;

    mode = H5CKPT_SAVE_FENCED;
    make(SMALL);
    struct h5ckpt_callback_options options = h5ckpt_callback_options_default();
    options.backup_dir = fixture_backup;
    options.store = options_of_mode();
    options.save_freq = _i % 2 == 0 ? 2 : 1;
    assert_status(h5ckpt_callback_new(&callback, arrays.state, &options), H5CKPT_OK);
    assert_status(h5ckpt_on_train_begin(callback, &next, NULL), H5CKPT_NO_CHECKPOINT);
    assert_status(h5ckpt_on_epoch_begin(callback, 0), H5CKPT_OK);
    arrays_fill(&arrays, 2);
    assert_status(h5ckpt_on_train_batch_end(callback, 1), H5CKPT_OK); /* saves */
    fill_too_early(3);
    assert_status(h5ckpt_on_train_batch_end(callback, 2), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_callback_message(callback), "fence");
    fill_too_early(4); /* after the save of the third batch, which has no fence either */
    h5ckpt_status status = h5ckpt_on_train_end(callback, _i / 2 == 0 ? H5CKPT_FAILED : H5CKPT_PREEMPTED);
    assert_status_message(status, _i % 2 == 1 ? H5CKPT_E_ARGUMENT : H5CKPT_OK, h5ckpt_callback_message(callback));
    h5ckpt_callback_free(callback);
    ck_assert_uint_eq(event_count(H5CKPT_EVENT_DURABLE), 0);
    assert_status(arrays_restore(&twin, H5CKPT_CURRENT, &next), H5CKPT_NO_CHECKPOINT);
}
END_TEST

START_TEST(a_first_save_without_a_fence_leaves_no_checkpoint)
{
    struct h5ckpt_progress progress;
    const struct h5ckpt_options options = (mode = H5CKPT_SAVE_FENCED, options_of_mode());

    make(SMALL);
    h5ckpt_store *store = open_with(&options);
    arrays_fill(&arrays, 1);
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 1, .step = 10}), H5CKPT_OK);
    gate_shut(GATE_WRITE, "slot-"); /* nor does the second get there */
    gate_fail(GATE_WRITE, "slot-", 0, GATE_FOR_EVER, EIO);
    gate_open();
    ck_assert_int_lt(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 2, .step = 20}), 0);
    h5ckpt_close(store);
    gate_fail_no_more();
    assert_status(arrays_restore(&twin, H5CKPT_CURRENT, &progress), H5CKPT_NO_CHECKPOINT);
    store = open_and_save(&options, 2);
    h5ckpt_close(store);
    assert_stored(2);
}
END_TEST

START_TEST(waiting_is_a_fence_too)
{
    mode = H5CKPT_SAVE_FENCED;
    make(LARGE);
    const struct h5ckpt_options options = options_of_mode();
    h5ckpt_store *store = open_with(&options);

    for (uint64_t number = 1; number <= 4; number++) {
        arrays_fill(&arrays, number);
        assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = number, .step = 10 * number}), H5CKPT_OK);
        assert_durable(store);
        arrays_spoil(&arrays);
        ck_assert_int_ge(event_of(H5CKPT_EVENT_DURABLE, number), 0);
        assert_stored(number);
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_fence_waits_until_everything_was_read_where_there_is_no_memory_for_copies)
{
    mode = H5CKPT_SAVE_FENCED;
    make(MEDIUM);
    struct h5ckpt_options options = options_of_mode();
    options.background.memory_bytes = 0;
    h5ckpt_store *store = open_and_save(&options, 2);

    arrays_fill(&arrays, 3);
    gate_shut(GATE_WRITE, "slot");
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 3, .step = 30}), H5CKPT_OK);
    gate_await();
    release_when_asleep();
    assert_status(h5ckpt_fence(store), H5CKPT_OK);
    assert_it_waited();
    arrays_forbid(&arrays);
    assert_durable(store);
    assert_stored(3);
    h5ckpt_close(store);
    arrays_allow(&arrays);
}
END_TEST

/* The byte that changes: which array, and where in it, from its end if negative; is its block that array's alone? */
static const struct change {
    unsigned item;
    long at;
    bool alone;
} CHANGE[] = {{0, 0, false},    {0, -1, false}, {0, MIB - 1, true}, {0, MIB, true}, {0, 1500001, true}, {1, 0, false},
              {1, 70000, true}, {1, -1, false}, {2, 0, false},      {2, 7, false},  {3, 99999, false}};

static unsigned char *byte_of(const struct change *change)
{
    return arrays.item[change->item].bytes +
           (change->at < 0 ? (long)arrays.item[change->item].byte_count + change->at : change->at);
}

/*
 * The fence has found that memory is not what it was when state 3 was begun; state 2 is there and the program goes on.
 */
static void assert_change_found(h5ckpt_store *store, const struct change *change)
{
    assert_status(h5ckpt_fence(store), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), arrays.item[change->item].name);
    for (unsigned i = 0; i < arrays.count && change->alone; i++)
        ck_assert_msg(i == change->item || strstr(h5ckpt_message(store), arrays.item[i].name) == NULL, "%s did not: %s",
                      arrays.item[i].name, h5ckpt_message(store));
    ck_assert_msg(strstr(h5ckpt_message(store), "progress/") == NULL, "no variable of the program's: %s",
                  h5ckpt_message(store));
    assert_status(h5ckpt_fence(store), H5CKPT_OK);
    assert_durable(store); /* nothing more is returned for it */
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 2);
    ck_assert_int_eq(event_of(H5CKPT_EVENT_DURABLE, 3), -1);
    ck_assert_uint_eq(event_count(H5CKPT_EVENT_SAVE_FAILED), 1);
    assert_stored(2);
    assert_begun(store, 4);
    assert_durable(store);
    assert_stored(4);
    assert_stored_previous(2);
    h5ckpt_close(store);
}

static h5ckpt_store *open_to_detect(void)
{
    mode = H5CKPT_SAVE_FENCED;
    make(MEDIUM);
    struct h5ckpt_options options = options_of_mode();
    options.background.detect_changes = true;
    h5ckpt_store *store = open_and_save(&options, 2);
    forget_events();
    gate_forget();
    arrays_fill(&arrays, 3);
    return store;
}

/* _i: change */
START_TEST(a_change_before_the_fence_is_found_where_that_was_asked_for)
{
    h5ckpt_store *store = open_to_detect();

    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 3, .step = 30}), H5CKPT_OK);
    assert_soon(gate_written_bytes("slot") >= arrays_byte_count(&arrays)); /* so it has been read */
    change_byte_too_early(byte_of(&CHANGE[_i]));
    assert_change_found(store, &CHANGE[_i]);
}
END_TEST

/* _i: change, whether anything has been read. Since the save, whenever the library comes to read what has changed. */
START_TEST(a_change_before_it_was_read_is_found_as_well)
{
    const struct change *change = &CHANGE[_i / 2];
    h5ckpt_store *store = open_to_detect();

    gate_shut(GATE_WRITE, "slot");
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 3, .step = 30}), H5CKPT_OK);
    if (_i % 2 == 1)
        gate_await();
    change_byte_too_early(byte_of(change));
    gate_open();
    assert_change_found(store, change);
}
END_TEST

static unsigned times_said(const char *text)
{
    unsigned count = 0;

    for (const char *at = said; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

START_TEST(every_variable_that_changed_is_named_once)
{
    h5ckpt_store *store = open_to_detect();

    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    assert_soon(gate_written_bytes("slot") >= arrays_byte_count(&arrays));
    change_byte_too_early(arrays.item[1].bytes + 10000);
    change_byte_too_early(arrays.item[1].bytes + 100000);
    change_byte_too_early(arrays.item[3].bytes + 70000);
    assert_status(h5ckpt_fence(store), H5CKPT_E_ARGUMENT);
    snprintf(said, sizeof said, "%s", h5ckpt_message(store));
    ck_assert_uint_eq(times_said("'beta'"), 1);
    assert_mentions(h5ckpt_message(store), "delta");
    ck_assert_ptr_null(strstr(h5ckpt_message(store), "gamma"));
    h5ckpt_close(store);
    assert_stored(2);
}
END_TEST

/* At one byte a second nobody would live to see its end. */
START_TEST(a_save_that_was_given_up_is_not_held_up_by_a_limit_of_speed)
{
    mode = H5CKPT_SAVE_FENCED;
    make(LARGE);
    struct h5ckpt_options options = options_of_mode();
    options.background.detect_changes = true;
    options.background.bytes_per_second = 1;
    h5ckpt_store *store = open_and_save(&options, 2);

    forget_events();
    arrays_fill(&arrays, 3);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    change_byte_too_early(arrays.item[0].bytes + MIB);
    assert_status(h5ckpt_fence(store), H5CKPT_E_ARGUMENT);
    assert_soon(event_count(H5CKPT_EVENT_SAVE_FAILED) == 1);
    h5ckpt_close(store);
    assert_stored(2);
}
END_TEST

/* What was written is not what memory was, although memory is so again. */
START_TEST(a_change_that_was_read_and_put_back_is_found)
{
    h5ckpt_store *store = open_to_detect();
    unsigned char *byte = arrays.item[3].bytes + 70000; /* in the last chunk */

    gate_shut(GATE_WRITE, "slot");
    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 3, .step = 30}), H5CKPT_OK);
    gate_await();
    change_byte_too_early(byte);
    gate_open();
    assert_soon(gate_written_bytes("slot") >= arrays_byte_count(&arrays));
    change_byte_too_early(byte);
    assert_status(h5ckpt_fence(store), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), "delta");
    h5ckpt_close(store);
    assert_stored(2);
}
END_TEST

START_TEST(a_change_that_another_call_finds_is_returned_by_the_next_wait)
{
    h5ckpt_store *store = open_to_detect();
    struct h5ckpt_report report;

    assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 3, .step = 30}), H5CKPT_OK);
    assert_soon(gate_written_bytes("slot") >= arrays_byte_count(&arrays));
    change_byte_too_early(arrays.item[1].bytes + 100000);
    ck_assert_int_ge(h5ckpt_inspect(store, NULL, &report), 0);
    ck_assert_uint_eq(report.progress.epoch, 2);
    assert_status(h5ckpt_wait(store), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), "memory changed");
    assert_mentions(h5ckpt_message(store), "'beta'");
    assert_durable(store);
    h5ckpt_close(store);
    assert_stored(2);
}
END_TEST

/* Their names take more than a block of the file, which is the same in every save. */
START_TEST(of_many_variables_that_changed_only_some_are_named)
{
    enum { MANY = 1000 };
    static double small[MANY];
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    options.save_mode = H5CKPT_SAVE_FENCED;
    options.background.detect_changes = true;
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, "small%d", i);
        h5ckpt_add(state, name, H5CKPT_FLOAT64, 0, NULL, &small[i]);
    }
    assert_status(h5ckpt_open(&store, fixture_backup, state, &options), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    change_byte_too_early((unsigned char *)&small[MANY / 2]);
    assert_status(h5ckpt_fence(store), H5CKPT_E_ARGUMENT);
    snprintf(said, sizeof said, "%s", h5ckpt_message(store));
    ck_assert_uint_eq(times_said("'small"), 8);
    assert_mentions(said, " and others");
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

/* _i: cap of memory, and a bit that is put back */
START_TEST(nothing_is_found_where_nothing_changed)
{
    mode = H5CKPT_SAVE_FENCED;
    make(MEDIUM);
    struct h5ckpt_options options = options_of_mode();
    options.background.detect_changes = true;
    options.background.memory_bytes = _i == 0 ? UINT64_MAX : 0;
    h5ckpt_store *store = open_with(&options);

    for (uint64_t number = 1; number <= 5; number++) {
        assert_begun(store, number);
        arrays_spoil(&arrays);
        assert_durable(store);
        assert_stored(number);
    }
    h5ckpt_close(store);
}
END_TEST

/* _i: staged, forked. It is for the fenced mode only. */
START_TEST(looking_for_changes_does_nothing_in_the_other_modes)
{
    begin_mode(_i == 0 ? 0 : 2);
    make(SMALL);
    struct h5ckpt_options options = options_of_mode();
    options.background.detect_changes = true;
    h5ckpt_store *store = open_and_save(&options, 2);

    assert_begun(store, 3);
    arrays_spoil(&arrays);
    assert_status(h5ckpt_fence(store), H5CKPT_OK);
    assert_durable(store);
    assert_stored(3);
    h5ckpt_close(store);
}
END_TEST

/* ----------------------------------------------------------- the program forks */

static h5ckpt_store *forked_store;

static int use_and_close(void)
{
    unsigned wrong = 0;

    wrong += h5ckpt_save(forked_store, NULL) != H5CKPT_E_ARGUMENT;
    wrong += h5ckpt_wait(forked_store) != H5CKPT_E_ARGUMENT;
    wrong += h5ckpt_fence(forked_store) != H5CKPT_E_ARGUMENT;
    wrong += h5ckpt_unchanged(forked_store, "alpha", 0, UINT64_MAX) != H5CKPT_E_ARGUMENT;
    wrong += h5ckpt_restore(forked_store, NULL, NULL) != H5CKPT_E_ARGUMENT;
    wrong += h5ckpt_compare(forked_store, H5CKPT_CURRENT) != H5CKPT_E_ARGUMENT;
    wrong += h5ckpt_delete(forked_store) != H5CKPT_E_ARGUMENT;
    h5ckpt_close(forked_store);
    return (int)wrong;
}

static int only_close(void)
{
    h5ckpt_close(forked_store);
    return 0;
}

/* _i: mode, which calls are held */
START_TEST(a_child_of_the_program_is_refused_and_closes_without_harm)
{
    begin_mode(_i);
    make(SMALL);
    forked_store = open_mode_and_save(2);
    gate_shut(_i / MODE_COUNT == 0 ? GATE_FLUSH : GATE_WRITE, "slot");
    assert_begun(forked_store, 3);
    gate_await();
    ck_assert_int_eq(in_child(use_and_close), 0);
    ck_assert_int_eq(in_child(only_close), 0);
    ck_assert_uint_ge(stored(H5CKPT_CURRENT), 2);
    gate_open();
    assert_durable(forked_store);
    assert_stored(3);
    assert_begun(forked_store, 4);
    assert_durable(forked_store);
    h5ckpt_close(forked_store);
    assert_stored(4);
}
END_TEST

/* _i: mode. At any moment of a save. */
START_TEST(a_child_of_the_program_closes_at_any_moment)
{
    if (!CHILDREN_CAN_FREE)
        return;
    begin_mode(_i);
    make(MEDIUM);
    forked_store = open_mode_and_save(0);
    for (uint64_t number = 1; number <= 25; number++) {
        assert_begun(forked_store, number);
        for (volatile unsigned spin = 0; spin < number * 4000; spin++)
            continue;
        ck_assert_int_eq(in_child(only_close), 0);
        if (number % 5 != 0)
            continue;
        assert_durable(forked_store);
        assert_stored(number);
    }
    h5ckpt_close(forked_store);
    assert_stored(25);
}
END_TEST

static _Atomic bool hammer_stops;

static void *hammer(void *unused)
{
    char text[64];

    while (!hammer_stops) {
        void *volatile block = malloc(1 + (size_t)rand() % 5000);
        free(block);
        snprintf(text, sizeof text, "%f", 0.1);
    }
    return unused;
}

/* _i: mode. A lock of the C library's that a thread of the program holds is held for ever in a child. */
START_TEST(threads_of_the_program_that_allocate_do_not_hold_up_a_save)
{
    pthread_t thread[2];

    begin_mode(_i);
    make(SMALL);
    hammer_stops = false;
    for (unsigned i = 0; i < COUNT(thread); i++)
        ck_assert_int_eq(__real_pthread_create(&thread[i], NULL, hammer, NULL), 0);
    h5ckpt_store *store = open_mode_and_save(40);
    hammer_stops = true;
    for (unsigned i = 0; i < COUNT(thread); i++)
        pthread_join(thread[i], NULL);
    h5ckpt_close(store);
    assert_stored(40);
}
END_TEST

/* ----------------------------------------------------- the child of a forked save */

static _Atomic int *handled; /* shared: signals handled by the program, and by another process */
static pid_t program;

static void handle(int number)
{
    (void)number;
    handled[getpid() == program ? 0 : 1]++;
}

static void setup_forked(void)
{
    setup();
    mode = H5CKPT_SAVE_FORKED;
    program = getpid();
    handled = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(handled, MAP_FAILED);
}

static void teardown_forked(void)
{
    signal(SIGCHLD, SIG_DFL);
    munmap(handled, 4096);
    teardown();
}

/* Save `number`, and hold the child that writes it. */
static pid_t save_and_hold(h5ckpt_store *store, uint64_t number)
{
    gate_shut(GATE_WRITE, "slot");
    assert_begun(store, number);
    gate_await();
    ck_assert_int_ne(gate_held_process(), getpid());
    return gate_held_process();
}

static void assert_no_child_is_seen(void)
{
    siginfo_t info;

    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
    ck_assert_int_eq(waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WCONTINUED | WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

START_TEST(the_programs_waitpid_and_sigchld_never_see_the_child)
{
    make(LARGE);
    signal(SIGCHLD, handle);
    h5ckpt_store *store = open_mode_and_save(2);
    save_and_hold(store, 3);
    assert_no_child_is_seen();
    gate_open();
    assert_soon(event_of(H5CKPT_EVENT_DURABLE, 3) >= 0);
    assert_no_child_is_seen();
    assert_durable(store);
    assert_no_child_is_seen();
    ck_assert_int_eq(handled[0], 0);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1); /* nor is a zombie left */
    ck_assert_int_eq(errno, ECHILD);
    h5ckpt_close(store);
    assert_stored(3);
}
END_TEST

static int exit_with_7(void)
{
    return 7;
}

START_TEST(the_programs_own_children_are_still_seen)
{
    int status = 0;

    make(SMALL);
    signal(SIGCHLD, handle);
    h5ckpt_store *store = open_mode_and_save(2);
    save_and_hold(store, 3);
    pid_t own = fork();
    if (own == 0)
        _exit(exit_with_7());
    assert_soon(handled[0] == 1);
    ck_assert_int_eq(waitpid(-1, &status, 0), own);
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    own = fork();
    if (own == 0)
        _exit(exit_with_7());
    gate_open();
    assert_durable(store); /* takes no child of the program's */
    ck_assert_int_eq(waitpid(-1, &status, 0), own);
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    ck_assert_int_eq(handled[0], 2);
    assert_no_child_is_seen();
    h5ckpt_close(store);
    assert_stored(3);
}
END_TEST

/* _i: how */
START_TEST(a_program_that_ignores_its_children_can_save)
{
    make(SMALL);
    if (_i == 0)
        signal(SIGCHLD, SIG_IGN);
    else
        sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT}, NULL);
    h5ckpt_store *store = open_mode_and_save(6);
    for (uint64_t number = 7; number <= 8; number++) {
        kill(save_and_hold(store, number), SIGKILL); /* its death is noticed all the same */
        gate_open();
        ck_assert_int_lt(h5ckpt_wait(store), 0);
        assert_stored(6);
    }
    assert_begun(store, 9);
    assert_durable(store);
    h5ckpt_close(store);
    assert_stored(9);
}
END_TEST

static int signalled_as_a_group(void)
{
    program = getpid();
    setpgid(0, 0);
    signal(SIGTERM, handle);
    signal(SIGINT, handle);
    signal(SIGUSR1, handle);
    h5ckpt_store *store = open_mode_and_save(2);
    save_and_hold(store, 3);
    kill(0, SIGTERM);
    kill(0, SIGINT);
    kill(0, SIGUSR1);
    gate_open();
    h5ckpt_status status = h5ckpt_wait(store);
    h5ckpt_close(store);
    return status == H5CKPT_OK ? 0 : 1;
}

START_TEST(signals_to_the_process_group_run_no_handler_of_the_programs_in_the_child)
{
    make(LARGE);
    const int status = in_child(signalled_as_a_group);
    ck_assert_int_eq(handled[0], 3);
    ck_assert_int_eq(handled[1], 0);
    ck_assert_msg(status == 0, "the save that was in flight is lost"); /* the last one before a job's end, perhaps */
    assert_stored(3);
    forget_events();
}
END_TEST

enum { CHILD_COUNT_MAX = 16 };

/* _i: which of the processes that write, in the order of their ids; once more for those that there are not */
START_TEST(a_child_that_was_killed_is_a_failed_save)
{
    pid_t child[CHILD_COUNT_MAX];

    make(LARGE);
    h5ckpt_store *store = open_mode_and_save(2);
    forget_events();
    save_and_hold(store, 3);
    assert_soon(others_in_backup(getpid(), 0, child, CHILD_COUNT_MAX) == gate_held_count());
    const unsigned count = gate_held_count();
    ck_assert_uint_le(count, CHILD_COUNT_MAX);
    kill(child[(unsigned)_i % count], SIGKILL);
    gate_open();
    ck_assert_int_lt(h5ckpt_wait(store), 0);
    ck_assert_str_ne(h5ckpt_message(store), "");
    assert_durable(store);
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 2);
    ck_assert_int_eq(event_of(H5CKPT_EVENT_DURABLE, 3), -1);
    ck_assert_uint_eq(event_count(H5CKPT_EVENT_SAVE_FAILED), 1);
    assert_no_child_is_seen();
    assert_stored(2);
    assert_begun(store, 4);
    arrays_spoil(&arrays);
    assert_durable(store);
    assert_stored(4);
    assert_stored_previous(2);
    assert_soon(others_in_backup(getpid(), 0, NULL, 0) == 0);
    h5ckpt_close(store);
    assert_stored(4);
}
END_TEST

/*
 * What is left of a save that failed writes on for a while; whoever opens the directory next must not be written over
 * by it. _i: which process was killed
 */
START_TEST(what_a_killed_child_leaves_behind_does_no_harm_to_the_next_handle)
{
    pid_t child[CHILD_COUNT_MAX];
    const struct h5ckpt_options options = options_of_mode();

    make(LARGE);
    h5ckpt_store *store = open_with(&options);
    for (uint64_t number = 1; number <= 2; number++) {
        assert_begun(store, number);
        assert_durable(store);
    }
    save_and_hold(store, 3);
    assert_soon(others_in_backup(getpid(), 0, child, CHILD_COUNT_MAX) == gate_held_count());
    kill(child[(unsigned)_i % gate_held_count()], SIGKILL);
    if (_i == 0) { /* the one that the others are children of, by the order of ids */
        ck_assert_int_lt(h5ckpt_wait(store), 0);
        h5ckpt_close(store);
        h5ckpt_status status = h5ckpt_open(&store, fixture_backup, arrays.state, &options);
        ck_assert(status == H5CKPT_OK || status == H5CKPT_E_BUSY);
        ck_assert_msg(status == H5CKPT_E_BUSY || others_in_backup(getpid(), 0, NULL, 0) == 0,
                      "opened, while somebody else can still write there");
    }
    gate_open();
    h5ckpt_close(store);
    const int64_t end_ms = now_ms() + PATIENCE_S * 1000;
    while (h5ckpt_open(&store, fixture_backup, arrays.state, &options) == H5CKPT_E_BUSY) {
        h5ckpt_close(store);
        ck_assert_int_lt(now_ms(), end_ms);
        nap();
    }
    ck_assert_int_ge(h5ckpt_restore(store, NULL, NULL), 0);
    ck_assert(arrays_are(&arrays, 2));
    for (uint64_t number = 4; number <= 5; number++) {
        assert_begun(store, number);
        assert_durable(store);
        assert_stored(number);
    }
    h5ckpt_close(store);
    assert_stored(5);
    assert_stored_previous(4);
}
END_TEST

START_TEST(after_a_killed_child_the_next_save_says_so_and_saves_anew)
{
    make(SMALL);
    h5ckpt_store *store = open_mode_and_save(2);
    kill(save_and_hold(store, 3), SIGKILL);
    gate_open();
    ck_assert_int_lt(begin_save(store, 4), 0);
    assert_mentions(said, "save before");
    assert_durable(store);
    assert_stored(4);
    assert_stored_previous(2);
    h5ckpt_close(store);
}
END_TEST

/* A stopped child holds nobody up who does not wait, and goes on. */
START_TEST(a_child_that_was_stopped_goes_on)
{
    make(LARGE);
    h5ckpt_store *store = open_mode_and_save(2);
    pid_t child = save_and_hold(store, 3);
    kill(child, SIGSTOP);
    gate_open();
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 2);
    assert_no_child_is_seen();
    kill(child, SIGCONT);
    assert_durable(store);
    assert_stored(3);
    h5ckpt_close(store);
}
END_TEST

static _Atomic bool *in_flight; /* shared */

static int save_for_ever(void)
{
    struct h5ckpt_options options = options_of_mode();

    options.background.bytes_per_second = in_flight[1] ? 1 : 0;
    h5ckpt_store *store = open_and_save(&options, 2);
    if (!in_flight[1])
        gate_shut(GATE_WRITE, "slot");
    assert_begun(store, 3);
    in_flight[0] = true;
    for (;;)
        pause();
}

/* _i: what the children are at: held in a write, or keeping to a limit of speed, of which there are several or one */
START_TEST(a_program_that_is_killed_leaves_children_that_end_and_hold_the_lock_until_then)
{
    h5ckpt_store *store;
    pid_t child[CHILD_COUNT_MAX];
    unsigned rounds = 0, held_by_nobody = 0;

    make(_i == 2 ? MEDIUM : LARGE);
    in_flight = (_Atomic bool *)&handled[4];
    in_flight[0] = false;
    in_flight[1] = _i != 0;
    pid_t killed = fork();
    ck_assert_int_ge(killed, 0);
    if (killed == 0)
        _exit(save_for_ever());
    assert_soon(in_flight[0]);
    if (_i == 0)
        gate_await();
    ck_assert_uint_ge(others_in_backup(getpid(), killed, child, CHILD_COUNT_MAX), 1);
    ck_assert_int_eq(kill(killed, SIGKILL), 0);
    ck_assert_int_eq(waitpid(killed, NULL, 0), killed);
    for (const int64_t end_ms = now_ms() + PATIENCE_S * 1000;; rounds++) {
        const unsigned other_count = others_in_backup(getpid(), 0, child, CHILD_COUNT_MAX);
        const h5ckpt_status status = h5ckpt_open(&store, fixture_backup, twin.state, NULL);
        if (status == H5CKPT_OK)
            break;
        assert_status_message(status, H5CKPT_E_BUSY, h5ckpt_message(store));
        h5ckpt_close(store);
        held_by_nobody += other_count == 0; /* for a moment, by one that is ending */
        ck_assert_msg(held_by_nobody < 200, "the lock is held by nobody");
        ck_assert_msg(now_ms() < end_ms, "%u processes go on without the program", other_count);
        if (rounds == 3 && _i == 0)
            gate_open();
        nap();
    }
    ck_assert_uint_eq(others_in_backup(getpid(), 0, child, CHILD_COUNT_MAX), 0);
    if (_i == 0)
        gate_open();
    const h5ckpt_status status = h5ckpt_restore(store, NULL, NULL);
    ck_assert_msg(status == H5CKPT_OK || status == H5CKPT_FELL_BACK, "%s", h5ckpt_message(store));
    const uint64_t number = h5ckpt_progress(store).epoch;
    ck_assert(number == 2 || number == 3);
    ck_assert(arrays_are(&twin, number));
    assert_status_message(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = number, .step = 10 * number}),
                          H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
    assert_stored(number);
    forget_events();
}
END_TEST

/* Memory that a child does not have as it was, whole or one page of it. */
enum inheritance { DONT_FORK, WIPE_ON_FORK, SHARED, INHERITANCE_COUNT };

static bool set_inheritance(unsigned char *bytes, size_t byte_count, enum inheritance how, bool undo)
{
    if (how == SHARED)
        return mmap(bytes, byte_count, PROT_READ | PROT_WRITE,
                    MAP_FIXED | MAP_ANONYMOUS | (undo ? MAP_PRIVATE : MAP_SHARED), -1, 0) == bytes;
    if (how == DONT_FORK)
        return madvise(bytes, byte_count, undo ? MADV_DOFORK : MADV_DONTFORK) == 0;
    return madvise(bytes, byte_count, undo ? MADV_KEEPONFORK : MADV_WIPEONFORK) == 0;
}

/*
 * _i: how, which pages: all, the first, one in the middle, the last; whether this handle has saved that memory before
 */
START_TEST(memory_that_a_child_would_not_have_is_refused_by_name)
{
    const enum inheritance how = (enum inheritance)(_i % INHERITANCE_COUNT);
    const int pages = _i / INHERITANCE_COUNT % 4;
    const bool fresh = _i / INHERITANCE_COUNT / 4 == 1;
    const struct h5ckpt_options options = options_of_mode();

    make(MEDIUM);
    h5ckpt_store *store = open_and_save(&options, 2);
    if (fresh) {
        h5ckpt_close(store);
        store = open_with(&options);
        assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    }
    const size_t page_count = (arrays.item[1].byte_count + ARRAYS_PAGE_BYTES - 1) / ARRAYS_PAGE_BYTES;
    const size_t first = (const size_t[]){0, 0, page_count / 2, page_count - 1}[pages];
    unsigned char *bytes = arrays.item[1].bytes + first * ARRAYS_PAGE_BYTES;
    const size_t byte_count = (pages == 0 ? page_count : 1) * ARRAYS_PAGE_BYTES;
    if (!set_inheritance(bytes, byte_count, how, false))
        return;                                  /* an older kernel */
    h5ckpt_status status = begin_save(store, 3); /* now, or by what is in flight */
    if (status == H5CKPT_OK) {
        status = h5ckpt_wait(store);
        snprintf(said, sizeof said, "%s", h5ckpt_message(store));
    }
    assert_status(status, H5CKPT_E_ARGUMENT);
    assert_mentions(said, "'beta'");
    ck_assert_ptr_null(strstr(said, "'alpha'"));
    assert_durable(store); /* it was said */
    ck_assert_int_eq(event_of(H5CKPT_EVENT_DURABLE, 3), -1);
    assert_stored(2);
    ck_assert(set_inheritance(bytes, byte_count, how, true));
    assert_begun(store, 4);
    arrays_spoil(&arrays);
    assert_durable(store);
    assert_stored(4);
    h5ckpt_close(store);
}
END_TEST

static int get_page(void *context, void *bytes, size_t byte_count)
{
    memcpy(bytes, context, byte_count);
    return 0;
}

static int put_page(void *context, const void *bytes, size_t byte_count)
{
    memcpy(context, bytes, byte_count);
    return 0;
}

START_TEST(what_a_get_function_reads_may_be_shared_memory)
{
    enum { BYTES = 300000 };
    unsigned char *page = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const struct h5ckpt_access access = {.get = get_page, .put = put_page, .context = page};
    const struct h5ckpt_options options = options_of_mode();
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    ck_assert_ptr_ne(page, MAP_FAILED);
    h5ckpt_add_access(state, "page", H5CKPT_UINT8, 1, (const uint64_t[]){BYTES}, &access);
    assert_status(h5ckpt_open(&store, fixture_backup, state, &options), H5CKPT_OK);
    for (int value = 1; value <= 4; value++) {
        memset(page, value, BYTES);
        assert_status_message(h5ckpt_save(store, NULL), H5CKPT_OK, h5ckpt_message(store));
        memset(page, 0xee, BYTES);
        assert_durable(store);
        assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
        ck_assert(page[0] == value && memcmp(page, page + 1, BYTES - 1) == 0);
    }
    h5ckpt_close(store);
    h5ckpt_state_free(state);
    munmap(page, BYTES);
}
END_TEST

START_TEST(the_child_keeps_no_descriptor_of_the_programs_open)
{
    int end[2];
    char byte;

    make(LARGE);
    h5ckpt_store *store = open_mode_and_save(2);
    ck_assert_int_eq(pipe(end), 0);
    pid_t child = save_and_hold(store, 3);
    close(end[1]);
    struct pollfd reader = {.fd = end[0], .events = POLLIN};
    ck_assert_int_eq(poll(&reader, 1, PATIENCE_S * 1000 / 2), 1);
    ck_assert_int_eq(read(end[0], &byte, 1), 0);
    ck_assert(!is_gone(child)); /* else this shows nothing */
    ck_assert_uint_gt(gate_held_count(), 0);
    gate_open();
    assert_durable(store);
    close(end[0]);
    h5ckpt_close(store);
    assert_stored(3);
}
END_TEST

/* ------------------------------------------------------------------- the adapter */

static struct h5ckpt_callback_options callback_options(void)
{
    struct h5ckpt_callback_options options = h5ckpt_callback_options_default();

    options.backup_dir = fixture_backup;
    options.store = options_of_mode();
    return options;
}

static h5ckpt_callback *begin_training(const struct h5ckpt_callback_options *options, struct h5ckpt_progress *next)
{
    h5ckpt_callback *callback;

    assert_status_message(h5ckpt_callback_new(&callback, arrays.state, options), H5CKPT_OK,
                          h5ckpt_callback_message(callback));
    ck_assert_msg(h5ckpt_on_train_begin(callback, next, NULL) >= 0, "%s", h5ckpt_callback_message(callback));
    return callback;
}

/* One epoch of one batch; afterwards memory may change. */
static h5ckpt_status train_epoch(h5ckpt_callback *callback, uint64_t epoch)
{
    assert_status(h5ckpt_on_epoch_begin(callback, epoch), H5CKPT_OK);
    arrays_fill(&arrays, epoch + 1);
    h5ckpt_status status = h5ckpt_on_epoch_end(callback, epoch);
    snprintf(said, sizeof said, "%s", h5ckpt_callback_message(callback));
    assert_status(h5ckpt_fence(h5ckpt_callback_store(callback)), H5CKPT_OK);
    return status;
}

/* The state after so many epochs is what a restart gives. */
static void assert_stored_epoch(uint64_t count)
{
    struct h5ckpt_progress progress;

    ck_assert_int_ge(arrays_restore(&twin, H5CKPT_CURRENT, &progress), 0);
    ck_assert_uint_eq(progress.epoch, count);
    ck_assert(arrays_are(&twin, count));
}

/* _i: mode */
START_TEST(a_training_goes_on_where_it_was_left)
{
    struct h5ckpt_progress next;

    begin_mode(_i);
    make(SMALL);
    const struct h5ckpt_callback_options options = callback_options();
    for (uint64_t life = 0; life < 3; life++) {
        h5ckpt_callback *callback = begin_training(&options, &next);
        ck_assert_uint_eq(next.epoch, 3 * life);
        ck_assert(life == 0 || arrays_are(&arrays, 3 * life));
        for (uint64_t epoch = next.epoch; epoch < 3 * life + 3; epoch++) {
            assert_status_message(train_epoch(callback, epoch), H5CKPT_OK, said);
            arrays_spoil(&arrays);
        }
        if (life == 1)
            assert_status(h5ckpt_on_train_end(callback, H5CKPT_PREEMPTED), H5CKPT_OK);
        h5ckpt_callback_free(callback); /* also in flight */
        assert_stored_epoch(3 * life + 3);
    }
}
END_TEST

/* _i: mode, reason */
START_TEST(the_end_of_training_waits_for_the_save_in_flight)
{
    static const enum h5ckpt_reason REASON[] = {H5CKPT_FAILED, H5CKPT_PREEMPTED, H5CKPT_NAN_STOP};
    struct h5ckpt_progress next;

    begin_mode(_i);
    make(SMALL);
    const struct h5ckpt_callback_options options = callback_options();
    h5ckpt_callback *callback = begin_training(&options, &next);
    for (uint64_t epoch = 0; epoch < 2; epoch++)
        assert_status(train_epoch(callback, epoch), H5CKPT_OK);
    assert_status(h5ckpt_wait(h5ckpt_callback_store(callback)), H5CKPT_OK);
    gate_shut(GATE_FLUSH, "slot");
    assert_status(train_epoch(callback, 2), H5CKPT_OK);
    gate_await();
    release_when_asleep();
    h5ckpt_status status = h5ckpt_on_train_end(callback, REASON[_i / MODE_COUNT]);
    assert_it_waited();
    assert_status_message(status, H5CKPT_OK, h5ckpt_callback_message(callback));
    ck_assert_int_ge(event_of(H5CKPT_EVENT_DURABLE, 3), 0);
    assert_stored_epoch(3);
    h5ckpt_callback_free(callback);
}
END_TEST

/* _i: mode */
START_TEST(a_finished_training_deletes_its_checkpoint_with_a_save_in_flight)
{
    struct h5ckpt_progress next;

    begin_mode(_i);
    make(SMALL);
    const struct h5ckpt_callback_options options = callback_options();
    h5ckpt_callback *callback = begin_training(&options, &next);
    for (uint64_t epoch = 0; epoch < 4; epoch++)
        assert_status(train_epoch(callback, epoch), H5CKPT_OK);
    assert_status_message(h5ckpt_on_train_end(callback, H5CKPT_FINISHED), H5CKPT_OK, h5ckpt_callback_message(callback));
    h5ckpt_callback_free(callback);
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 0);
}
END_TEST

/* _i: mode */
START_TEST(a_save_that_failed_is_returned_by_the_next_epochs_end)
{
    struct h5ckpt_progress next;

    begin_mode(_i);
    make(SMALL);
    const struct h5ckpt_callback_options options = callback_options();
    h5ckpt_callback *callback = begin_training(&options, &next);
    for (uint64_t epoch = 0; epoch < 2; epoch++)
        assert_status(train_epoch(callback, epoch), H5CKPT_OK);
    assert_status(h5ckpt_wait(h5ckpt_callback_store(callback)), H5CKPT_OK);
    gate_fail(GATE_WRITE, "slot", 0, 1, EIO);
    assert_status(train_epoch(callback, 2), H5CKPT_OK);
    assert_soon(event_count(H5CKPT_EVENT_SAVE_FAILED) != 0);
    assert_stored_epoch(2);
    assert_status(h5ckpt_on_epoch_begin(callback, 3), H5CKPT_OK);
    arrays_fill(&arrays, 4);
    assert_status(h5ckpt_on_epoch_end(callback, 3), H5CKPT_E_IO);
    assert_mentions(h5ckpt_callback_message(callback), "save before");
    assert_status(h5ckpt_fence(h5ckpt_callback_store(callback)), H5CKPT_OK);
    assert_status_message(train_epoch(callback, 4), H5CKPT_OK, said);
    assert_status_message(h5ckpt_on_train_end(callback, H5CKPT_FAILED), H5CKPT_OK, h5ckpt_callback_message(callback));
    assert_stored_epoch(5);
    h5ckpt_callback_free(callback);
}
END_TEST

/* _i: mode */
START_TEST(a_save_that_failed_is_returned_by_the_next_batchs_end)
{
    struct h5ckpt_progress next;

    begin_mode(_i);
    make(SMALL);
    struct h5ckpt_callback_options options = callback_options();
    options.save_freq = 1;
    h5ckpt_callback *callback = begin_training(&options, &next);
    h5ckpt_store *store = h5ckpt_callback_store(callback);
    assert_status(h5ckpt_on_epoch_begin(callback, 0), H5CKPT_OK);
    for (uint64_t batch = 0; batch < 6; batch++) {
        arrays_fill(&arrays, batch);
        if (batch == 3) {
            assert_status(h5ckpt_wait(store), H5CKPT_OK);
            gate_fail(GATE_WRITE, "slot", 0, 1, EIO);
        }
        assert_status_message(h5ckpt_on_train_batch_end(callback, batch), batch == 4 ? H5CKPT_E_IO : H5CKPT_OK,
                              h5ckpt_callback_message(callback));
        assert_status(h5ckpt_fence(store), H5CKPT_OK);
        if (batch == 3)
            assert_soon(event_count(H5CKPT_EVENT_SAVE_FAILED) != 0);
    }
    assert_status(h5ckpt_on_train_end(callback, H5CKPT_FAILED), H5CKPT_OK);
    h5ckpt_callback_free(callback);
    struct h5ckpt_progress progress;
    assert_status(arrays_restore(&twin, H5CKPT_CURRENT, &progress), H5CKPT_OK);
    ck_assert_uint_eq(progress.batch, 6);
    ck_assert(arrays_are(&twin, 5));
}
END_TEST

/* _i: mode. The last one, which no hook saves after. */
START_TEST(a_last_save_that_failed_is_returned_by_the_end_of_training)
{
    struct h5ckpt_progress next;

    begin_mode(_i);
    make(SMALL);
    const struct h5ckpt_callback_options options = callback_options();
    h5ckpt_callback *callback = begin_training(&options, &next);
    for (uint64_t epoch = 0; epoch < 2; epoch++)
        assert_status(train_epoch(callback, epoch), H5CKPT_OK);
    assert_status(h5ckpt_wait(h5ckpt_callback_store(callback)), H5CKPT_OK);
    gate_fail(GATE_WRITE, "slot", 0, 1, EIO);
    assert_status(train_epoch(callback, 2), H5CKPT_OK);
    assert_status(h5ckpt_on_train_end(callback, H5CKPT_PREEMPTED), H5CKPT_E_IO);
    ck_assert_str_ne(h5ckpt_callback_message(callback), "");
    h5ckpt_callback_free(callback);
    assert_stored_epoch(2);
}
END_TEST

/* --------------------------------------------------------------------- arguments */

START_TEST(the_defaults_are_those_that_the_header_names)
{
    const struct h5ckpt_options options = h5ckpt_options_default();

    make(TINY);
    ck_assert_int_eq(options.save_mode, H5CKPT_SAVE_SYNCHRONOUS);
    ck_assert(!options.background.skip_if_busy);
    ck_assert_uint_eq(options.background.memory_bytes, UINT64_MAX);
    ck_assert_uint_eq(options.background.bytes_per_second, 0);
    ck_assert_int_eq(options.background.nice, 0);
    ck_assert_int_eq(options.background.cpu, -1);
    ck_assert(!options.background.detect_changes);
    ck_assert_str_eq(h5ckpt_status_name(H5CKPT_SKIPPED), "H5CKPT_SKIPPED");
}
END_TEST

START_TEST(bad_options_are_refused)
{
    h5ckpt_store *store;

    make(TINY);
    for (unsigned which = 0; which < 6; which++) {
        mode = H5CKPT_SAVE_STAGED;
        struct h5ckpt_options options = options_of_mode();
        if (which == 0)
            options.save_mode = (enum h5ckpt_save_mode)4;
        if (which == 1)
            options.save_mode = (enum h5ckpt_save_mode)99;
        if (which == 2)
            options.background.nice = 20;
        if (which == 3)
            options.background.nice = -1;
        if (which == 4)
            options.background.cpu = -2;
        if (which == 5)
            options.background.cpu = 1 << 30;
        assert_status(h5ckpt_open(&store, fixture_backup, arrays.state, &options), H5CKPT_E_ARGUMENT);
        ck_assert_str_ne(h5ckpt_message(store), "");
        h5ckpt_close(store);
        ck_assert(!file_exists(fixture_backup));
    }
}
END_TEST

START_TEST(null_is_borne)
{
    make(TINY);
    assert_status(h5ckpt_wait(NULL), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_fence(NULL), H5CKPT_E_ARGUMENT);
}
END_TEST

START_TEST(a_reader_has_nothing_in_flight)
{
    mode = H5CKPT_SAVE_STAGED;
    make(TINY);
    struct h5ckpt_options options = options_of_mode();
    h5ckpt_store *writer = open_and_save(&options, 2);
    h5ckpt_store *reader;
    options.mode = H5CKPT_READ_ONLY;
    assert_status(h5ckpt_open(&reader, fixture_backup, twin.state, &options), H5CKPT_OK);
    assert_status(h5ckpt_wait(reader), H5CKPT_OK);
    assert_status(h5ckpt_fence(reader), H5CKPT_OK);
    assert_status(h5ckpt_save(reader, NULL), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_wait(reader), H5CKPT_OK);
    h5ckpt_close(reader);
    h5ckpt_close(writer);
}
END_TEST

/* --------------------------------------------------------------------------- main */

static TCase *add_case(Suite *suite, const char *name, void (*begin)(void), void (*end)(void))
{
    TCase *test_case = tcase_create(name);

    tcase_add_unchecked_fixture(test_case, fixture_begin, fixture_end);
    tcase_add_checked_fixture(test_case, begin, end);
    tcase_set_timeout(test_case, 120);
    suite_add_tcase(suite, test_case);
    return test_case;
}

int main(void)
{
    enum { FAILURES = MODE_COUNT * (int)COUNT(FAILURE) };
    Suite *suite = suite_create("background");
    TCase *test_case;

    test_case = add_case(suite, "as it was", setup, teardown);
    tcase_add_loop_test(test_case, a_large_state_is_saved_as_it_was_whatever_the_program_does_then, 0,
                        MODE_COUNT * (int)COUNT(MEMORY_CAP));
    tcase_add_loop_test(test_case, a_tiny_state_is_saved_as_it_was_many_times, 0, MODE_COUNT * 2);
    tcase_add_loop_test(test_case, what_is_written_later_is_the_state_as_it_was, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, memory_is_not_even_read_later, 0, 2);
    tcase_add_loop_test(test_case, indirect_memory_and_get_functions_are_saved_as_they_were, 0, MODE_COUNT * 2);
    tcase_add_loop_test(test_case, a_failing_get_function_fails_the_save_at_once, 0, MODE_COUNT);

    test_case = add_case(suite, "speed", setup, teardown);
    tcase_add_loop_test(test_case, nobody_who_waits_is_held_up_by_a_limit_of_speed, 0, MODE_COUNT * HURRIED_COUNT);
    tcase_add_loop_test(test_case, no_save_or_fence_is_held_up_by_a_limit_of_speed, 0, 2 * 3);
    tcase_add_loop_test(test_case, a_limit_of_speed_is_kept_where_nobody_waits, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, the_background_is_as_nice_and_where_it_was_asked_to_be, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, the_background_keeps_off_the_processor_that_the_program_is_on, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, a_save_in_flight_leaves_alone_what_another_writer_has_saved_since, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, a_save_that_is_over_leaves_alone_what_another_writer_has_saved_since, 0, MODE_COUNT);

    test_case = add_case(suite, "in flight", setup, teardown);
    tcase_add_loop_test(test_case, a_save_is_in_flight_until_it_is_durable, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, the_first_save_of_all_is_in_flight_as_well, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, a_second_save_waits_for_the_first, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, a_second_save_is_skipped_where_that_was_asked_for, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, every_save_is_told_once_and_durable_only_after_its_flush, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, every_other_call_waits_for_the_save_in_flight, 0, MODE_COUNT * LATER_COUNT);
    tcase_add_loop_test(test_case, closing_without_waiting_leaves_a_complete_state_every_time, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, waiting_and_fencing_with_nothing_in_flight_do_nothing, 0, MODE_COUNT + 1);
    tcase_add_loop_test(test_case, a_variable_may_be_added_while_a_save_is_in_flight, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, two_stores_have_a_save_in_flight_each, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, no_signal_of_the_programs_is_taken_by_the_background, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, waiting_for_the_save_in_flight_cannot_be_cancelled, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, the_program_may_go_to_another_directory, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, a_program_that_ends_without_closing_leaves_a_whole_state, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, where_the_system_gives_no_thread_the_save_is_synchronous, 0, MODE_COUNT * 3);
    tcase_add_loop_test(test_case, where_the_system_gives_no_process_either_it_is_saved_too, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, where_the_system_refuses_a_child_for_good_the_save_says_so, 0, 4);
    tcase_add_test(test_case, where_the_system_refuses_further_children_one_writes_all);

    test_case = add_case(suite, "failures", setup, teardown);
    tcase_add_loop_test(test_case, waiting_returns_the_failure_once, 0, FAILURES);
    tcase_add_loop_test(test_case, the_next_save_returns_the_failure_and_saves_anew, 0, FAILURES);
    tcase_add_test(test_case, a_failure_is_returned_by_a_next_save_that_is_durable_already);
    tcase_add_loop_test(test_case, a_failing_write_ends_the_other_writers_too, 0, 2);
    tcase_add_loop_test(test_case, a_failure_is_returned_where_busy_saves_are_skipped_too, 0, FAILURES);
    tcase_add_loop_test(test_case, every_save_that_fails_is_told_and_returned_and_the_state_before_is_there, 0,
                        FAILURES);
    tcase_add_loop_test(test_case, closing_after_a_failure_leaves_the_state_before, 0, FAILURES);
    tcase_add_loop_test(test_case, a_restore_after_a_failure_gives_the_state_before, 0, FAILURES);
    tcase_add_loop_test(test_case, a_failure_while_the_program_waits_is_returned_once_too, 0,
                        2 * ((int)COUNT(FAILURE) - 1));
    tcase_add_loop_test(test_case, a_first_save_that_fails_leaves_nothing, 0, FAILURES);
    tcase_add_loop_test(test_case, a_first_save_that_fails_in_a_reserved_slot_leaves_nothing, 0, FAILURES - MODE_COUNT);
    tcase_add_loop_test(test_case, a_first_save_that_fails_in_a_reserved_slot_is_made_up_for_by_the_next, 0,
                        FAILURES - MODE_COUNT);
    tcase_add_loop_test(test_case, a_save_that_fails_at_any_call_is_returned_once_and_leaves_a_whole_state, 0,
                        MODE_COUNT * (int)COUNT(SWEEP));

    test_case = add_case(suite, "fences", setup, teardown);
    tcase_add_test(test_case, a_save_without_a_fence_is_given_up_by_the_next);
    tcase_add_test(test_case, a_save_without_a_fence_is_not_durable_by_itself);
    tcase_add_test(test_case, close_is_a_fence_too);
    tcase_add_test(test_case, after_a_forgotten_fence_only_one_that_is_asked_for_counts);
    tcase_add_test(test_case, a_forgotten_fence_costs_no_new_file);
    tcase_add_test(test_case, a_restore_is_a_fence_too);
    tcase_add_loop_test(test_case, every_call_but_a_save_is_a_fence_too, LATER_INSPECT, LATER_DELETE);
    tcase_add_test(test_case, a_forgotten_fence_is_no_busy_save);
    tcase_add_loop_test(test_case, a_batch_without_a_fence_gives_up_the_save_before_it, 0, 2 * 2);
    tcase_add_test(test_case, a_first_save_without_a_fence_leaves_no_checkpoint);
    tcase_add_test(test_case, waiting_is_a_fence_too);
    tcase_add_test(test_case, a_fence_waits_until_everything_was_read_where_there_is_no_memory_for_copies);
    tcase_add_loop_test(test_case, a_change_before_the_fence_is_found_where_that_was_asked_for, 0, (int)COUNT(CHANGE));
    tcase_add_loop_test(test_case, a_change_before_it_was_read_is_found_as_well, 0, 2 * (int)COUNT(CHANGE));
    tcase_add_test(test_case, every_variable_that_changed_is_named_once);
    tcase_add_test(test_case, a_change_that_was_read_and_put_back_is_found);
    tcase_add_test(test_case, a_change_that_another_call_finds_is_returned_by_the_next_wait);
    tcase_add_test(test_case, of_many_variables_that_changed_only_some_are_named);
    tcase_add_test(test_case, a_save_that_was_given_up_is_not_held_up_by_a_limit_of_speed);
    tcase_add_loop_test(test_case, nothing_is_found_where_nothing_changed, 0, 2);
    tcase_add_loop_test(test_case, looking_for_changes_does_nothing_in_the_other_modes, 0, 2);

    test_case = add_case(suite, "the program forks", setup, teardown);
    tcase_add_loop_test(test_case, a_child_of_the_program_is_refused_and_closes_without_harm, 0, MODE_COUNT * 2);
    tcase_add_loop_test(test_case, a_child_of_the_program_closes_at_any_moment, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, threads_of_the_program_that_allocate_do_not_hold_up_a_save, 0, MODE_COUNT);

    test_case = add_case(suite, "the child", setup_forked, teardown_forked);
    if (FORKED_RUNS) {
        tcase_add_test(test_case, the_programs_waitpid_and_sigchld_never_see_the_child);
        tcase_add_test(test_case, the_programs_own_children_are_still_seen);
        tcase_add_loop_test(test_case, a_program_that_ignores_its_children_can_save, 0, 2);
        tcase_add_test(test_case, signals_to_the_process_group_run_no_handler_of_the_programs_in_the_child);
        tcase_add_loop_test(test_case, a_child_that_was_killed_is_a_failed_save, 0, 4);
        tcase_add_loop_test(test_case, what_a_killed_child_leaves_behind_does_no_harm_to_the_next_handle, 0, 4);
        tcase_add_test(test_case, after_a_killed_child_the_next_save_says_so_and_saves_anew);
        tcase_add_test(test_case, a_child_that_was_stopped_goes_on);
        tcase_add_loop_test(test_case, a_program_that_is_killed_leaves_children_that_end_and_hold_the_lock_until_then,
                            0, 3);
        tcase_add_loop_test(test_case, memory_that_a_child_would_not_have_is_refused_by_name, 0, INHERITANCE_COUNT * 8);
        tcase_add_test(test_case, what_a_get_function_reads_may_be_shared_memory);
        tcase_add_test(test_case, the_child_keeps_no_descriptor_of_the_programs_open);
    }

    test_case = add_case(suite, "the adapter", setup, teardown);
    tcase_add_loop_test(test_case, a_training_goes_on_where_it_was_left, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, the_end_of_training_waits_for_the_save_in_flight, 0, MODE_COUNT * 3);
    tcase_add_loop_test(test_case, a_finished_training_deletes_its_checkpoint_with_a_save_in_flight, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, a_save_that_failed_is_returned_by_the_next_epochs_end, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, a_save_that_failed_is_returned_by_the_next_batchs_end, 0, MODE_COUNT);
    tcase_add_loop_test(test_case, a_last_save_that_failed_is_returned_by_the_end_of_training, 0, MODE_COUNT);

    test_case = add_case(suite, "arguments", setup, teardown);
    tcase_add_test(test_case, the_defaults_are_those_that_the_header_names);
    tcase_add_test(test_case, bad_options_are_refused);
    tcase_add_test(test_case, null_is_borne);
    tcase_add_test(test_case, a_reader_has_nothing_in_flight);

    return suite_run(suite);
}
