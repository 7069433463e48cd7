/* SPDX-License-Identifier: MIT */
/*
 * What the host's logger is told: each call's events in their order, what they say, and that the library itself says
 * nothing.
 *
 * What was told is written as text: "SAVE_BEGUN(slot-a.h5) DURABLE(slot-a.h5)", with the file in brackets where there
 * is one.
 */
#include "storage/event.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/assert_h5ckpt.h"
#include "support/fail_malloc.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define assert_save(store, number) \
    assert_status_message(standard_save(store, &standard, number), H5CKPT_OK, h5ckpt_message(store))

/* Since the last time this was asked. */
#define assert_told(expected)             \
    do {                                  \
        assert_events_are_sound();        \
        ck_assert_str_eq(told, expected); \
        forget_told();                    \
    } while (0)

enum {
    EVENT_COUNT_MAX = 64,
    ARENA_BYTES = 1 << 17,
    TOLD_BYTES = 4096,
    CALLS_MAX = 400,
    KIND_COUNT = H5CKPT_EVENT_DELETED + 1,
    ANY_CALL =
        FAULT_OPEN | FAULT_READ | FAULT_WRITE | FAULT_FLUSH | FAULT_ALLOCATE | FAULT_LINK | FAULT_RENAME | FAULT_REMOVE,
};

static const char *const KIND_NAME[KIND_COUNT] = {
    [H5CKPT_EVENT_SAVE_BEGUN] = "SAVE_BEGUN",
    [H5CKPT_EVENT_DURABLE] = "DURABLE",
    [H5CKPT_EVENT_SAVE_FAILED] = "SAVE_FAILED",
    [H5CKPT_EVENT_RESTORED] = "RESTORED",
    [H5CKPT_EVENT_FELL_BACK] = "FELL_BACK",
    [H5CKPT_EVENT_RESTORE_FAILED] = "RESTORE_FAILED",
    [H5CKPT_EVENT_SETTINGS_CHANGED] = "SETTINGS_CHANGED",
    [H5CKPT_EVENT_SLOT_REJECTED] = "SLOT_REJECTED",
    [H5CKPT_EVENT_SLOT_REMOVED] = "SLOT_REMOVED",
    [H5CKPT_EVENT_KEPT] = "KEPT",
    [H5CKPT_EVENT_FORGOTTEN] = "FORGOTTEN",
    [H5CKPT_EVENT_ROLLED_BACK] = "ROLLED_BACK",
    [H5CKPT_EVENT_LEFTOVER_REMOVED] = "LEFTOVER_REMOVED",
    [H5CKPT_EVENT_LOCK_REPAIRED] = "LOCK_REPAIRED",
    [H5CKPT_EVENT_VIEW_FAILED] = "VIEW_FAILED",
    [H5CKPT_EVENT_CHECKED] = "CHECKED",
    [H5CKPT_EVENT_HOOK_REFUSED] = "HOOK_REFUSED",
    [H5CKPT_EVENT_PREEMPTION] = "PREEMPTION",
    [H5CKPT_EVENT_GIVEN_UP] = "GIVEN_UP",
    [H5CKPT_EVENT_HISTORY] = "HISTORY",
    [H5CKPT_EVENT_DELETED] = "DELETED",
};

static struct standard standard;

/* ---------------------------------------------------------------- what is told */

static struct h5ckpt_event event[EVENT_COUNT_MAX]; /* with texts of our own */
static size_t event_count;
static char told[TOLD_BYTES];
static char arena[ARENA_BYTES]; /* of the texts: malloc() may be made to fail */
static size_t arena_used;

static void forget_told(void)
{
    event_count = 0;
    arena_used = 0;
    told[0] = '\0';
}

static const char *copy_text(const char *text)
{
    const size_t length = strlen(text) + 1;
    char *copy = arena + arena_used;

    if (length > sizeof arena - arena_used)
        abort();
    arena_used += length;
    return memcpy(copy, text, length);
}

/* Add a word to what was told; the same one over and over counts once. */
static void tell(const char *word)
{
    const size_t length = strlen(told);
    const size_t word_length = strlen(word);

    if (length >= word_length && strcmp(told + length - word_length, word) == 0)
        return;
    snprintf(told + length, sizeof told - length, "%s%s", length == 0 ? "" : " ", word);
}

/* The program's event function. No assertion is made here: it must not leave by longjmp(). */
static void note(void *context, const struct h5ckpt_event *happened)
{
    const size_t length = strlen(told);

    if (event_count == EVENT_COUNT_MAX || context != &standard)
        abort();
    event[event_count] = *happened;
    event[event_count].backup_dir = copy_text(happened->backup_dir);
    event[event_count].file = copy_text(happened->file);
    event[event_count++].message = copy_text(happened->message);
    snprintf(told + length, sizeof told - length, "%s%s", length == 0 ? "" : " ",
             (unsigned)happened->kind < KIND_COUNT ? KIND_NAME[happened->kind] : "?");
    if (happened->file[0] != '\0')
        snprintf(told + strlen(told), sizeof told - strlen(told), "(%s)", happened->file);
}

static unsigned count_told(enum h5ckpt_event_kind kind)
{
    unsigned count = 0;

    for (size_t i = 0; i < event_count; i++)
        count += event[i].kind == kind;
    return count;
}

/* The only one of its kind. */
static const struct h5ckpt_event *told_once(enum h5ckpt_event_kind kind)
{
    ck_assert_msg(count_told(kind) == 1, "%s is not told once: %s", KIND_NAME[kind], told);
    for (size_t i = 0;; i++)
        if (event[i].kind == kind)
            return &event[i];
}

static enum h5ckpt_level expected_level(enum h5ckpt_event_kind kind, h5ckpt_status status)
{
    switch (kind) {
    case H5CKPT_EVENT_SAVE_FAILED:
    case H5CKPT_EVENT_RESTORE_FAILED:
    case H5CKPT_EVENT_HOOK_REFUSED:
    case H5CKPT_EVENT_GIVEN_UP:
        return H5CKPT_LEVEL_ERROR;
    case H5CKPT_EVENT_CHECKED:
    case H5CKPT_EVENT_KEPT:
        return status < 0 ? H5CKPT_LEVEL_ERROR : H5CKPT_LEVEL_INFO;
    case H5CKPT_EVENT_PREEMPTION:
        return status < 0 ? H5CKPT_LEVEL_ERROR : H5CKPT_LEVEL_WARNING;
    case H5CKPT_EVENT_FELL_BACK:
    case H5CKPT_EVENT_SETTINGS_CHANGED:
    case H5CKPT_EVENT_SLOT_REJECTED:
    case H5CKPT_EVENT_LOCK_REPAIRED:
    case H5CKPT_EVENT_VIEW_FAILED:
    case H5CKPT_EVENT_HISTORY:
        return H5CKPT_LEVEL_WARNING;
    default:
        return H5CKPT_LEVEL_INFO;
    }
}

static bool is_timed(enum h5ckpt_event_kind kind)
{
    return kind == H5CKPT_EVENT_DURABLE || kind == H5CKPT_EVENT_RESTORED || kind == H5CKPT_EVENT_FELL_BACK;
}

static bool is_about_a_state(enum h5ckpt_event_kind kind)
{
    return kind == H5CKPT_EVENT_SAVE_BEGUN || is_timed(kind) || kind == H5CKPT_EVENT_SLOT_REJECTED ||
           kind == H5CKPT_EVENT_SLOT_REMOVED || kind == H5CKPT_EVENT_KEPT || kind == H5CKPT_EVENT_FORGOTTEN ||
           kind == H5CKPT_EVENT_ROLLED_BACK;
}

/* What holds for every event. */
static void assert_events_are_sound(void)
{
    for (size_t i = 0; i < event_count; i++) {
        const struct h5ckpt_event *one = &event[i];
        ck_assert_uint_lt((unsigned)one->kind, KIND_COUNT);
        ck_assert_int_eq(one->level, expected_level(one->kind, one->status));
        ck_assert_str_eq(one->backup_dir, fixture_backup);
        ck_assert_str_ne(one->message, "");
        ck_assert_int_ne(one->message[strlen(one->message) - 1], '\n');
        if (one->file[0] != '\0') {
            assert_mentions(one->message, fixture_backup);
            assert_mentions(one->message, one->file);
        }
        ck_assert_double_ge(one->seconds, 0);
        if (!is_timed(one->kind))
            ck_assert_double_eq(one->seconds, 0);
        ck_assert_msg(is_about_a_state(one->kind) == (one->sequence != 0), "%s: sequence %d", KIND_NAME[one->kind],
                      (int)one->sequence);
    }
}

static void assert_is_about(const struct h5ckpt_event *one, uint64_t sequence, uint64_t number)
{
    const struct h5ckpt_progress progress = standard_progress(number);

    ck_assert_uint_eq(one->sequence, sequence);
    ck_assert_mem_eq(&one->progress, &progress, sizeof progress);
}

/* -------------------------------------------------------------------- helpers */

static void setup(void)
{
    faults_clear();
    fixture_setup();
    standard_make(&standard);
    forget_told();
}

static void teardown(void)
{
    faults_clear();
    standard_free(&standard);
    fixture_teardown();
}

static struct h5ckpt_options noted(void)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.event = note;
    options.event_context = &standard;
    return options;
}

static h5ckpt_store *open_slots(unsigned slots)
{
    struct h5ckpt_options options = noted();

    options.slots = slots;
    return standard_open(&standard, &options);
}

static h5ckpt_store *open_noted(void)
{
    return open_slots(2);
}

static h5ckpt_store *open_reader(void)
{
    struct h5ckpt_options options = noted();

    options.mode = H5CKPT_READ_ONLY;
    return standard_open(&standard, &options);
}

/* Opened, restored, and what that told is forgotten. */
static h5ckpt_store *open_and_restore(unsigned slots)
{
    h5ckpt_store *store = open_slots(slots);

    ck_assert_int_ge(h5ckpt_restore(store, NULL, NULL), 0);
    forget_told();
    return store;
}

/* Damage that only reading every byte finds. */
static void damage_block(const char *name)
{
    file_flip_bit(in_backup(name), 8 * 70000);
}

static void kill_here(void *context)
{
    (void)context;
    kill(getpid(), SIGKILL);
}

/* Do it in a process of its own, killed before its system call number `call`. False if it made fewer. */
static bool killed_at(long call, void (*work)(void))
{
    int status;
    pid_t process = fork();

    ck_assert_int_ge(process, 0);
    if (process == 0) {
        faults_set((struct faults){.calls = ANY_CALL, .first = call, .count = 1, .before = kill_here});
        work();
        _exit(EXIT_SUCCESS);
    }
    ck_assert_int_eq(waitpid(process, &status, 0), process);
    ck_assert_msg(WIFSIGNALED(status) || WEXITSTATUS(status) == EXIT_SUCCESS, "wait status %d", status);
    return WIFSIGNALED(status);
}

/* -------------------------------------------------------------------- one life */

START_TEST(a_life_from_the_first_save_to_the_deletion_tells_this_and_nothing_else)
{
    h5ckpt_store *store = open_noted();

    assert_told("");
    assert_save(store, 1);
    assert_told("SAVE_BEGUN(slot-a.h5) DURABLE(slot-a.h5)");
    assert_save(store, 2);
    assert_told("SAVE_BEGUN(slot-b.h5) DURABLE(slot-b.h5)");
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    assert_told("RESTORED(slot-b.h5)");
    h5ckpt_close(store);
    assert_told("");
    store = open_noted();
    assert_told("");
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    assert_told("DELETED");
    h5ckpt_close(store);
    assert_told("");
}
END_TEST

START_TEST(what_asks_and_changes_nothing_tells_nothing)
{
    struct h5ckpt_report report;
    struct h5ckpt_space space;

    standard_history(2, 1, 2);
    h5ckpt_store *store = open_and_restore(2);
    assert_status(h5ckpt_space(store, &space), H5CKPT_OK);
    assert_status(h5ckpt_inspect(store, NULL, &report), H5CKPT_OK);
    assert_status(h5ckpt_inspect(store, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report),
                  H5CKPT_OK);
    assert_status(h5ckpt_compare(store, H5CKPT_CURRENT), H5CKPT_OK);
    assert_status(h5ckpt_start_over(store), H5CKPT_OK);
    assert_told("");
    h5ckpt_close(store);
}
END_TEST

/* _i: the first save, a later one into a new file, a later one in place */
START_TEST(both_events_of_a_save_are_about_the_state_that_is_saved)
{
    const uint64_t number = 1 + (uint64_t)_i;
    h5ckpt_store *store = open_slots(_i == 1 ? 1 : 2);

    for (uint64_t earlier = 1; earlier < number; earlier++)
        assert_save(store, earlier);
    forget_told();
    assert_save(store, number);
    assert_is_about(told_once(H5CKPT_EVENT_SAVE_BEGUN), number, number);
    assert_is_about(told_once(H5CKPT_EVENT_DURABLE), number, number);
    ck_assert_str_eq(told_once(H5CKPT_EVENT_DURABLE)->file, slot_of_epoch(number));
    ck_assert_str_eq(told_once(H5CKPT_EVENT_SAVE_BEGUN)->file, slot_of_epoch(number));
    assert_events_are_sound();
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_program_without_an_event_function_lives_the_same)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.event_context = &standard;
    options.slots = 3;
    h5ckpt_store *store = standard_open(&standard, &options);
    for (uint64_t number = 1; number <= 4; number++)
        assert_save(store, number);
    h5ckpt_close(store);
    damage_block(slot_of_epoch(4));
    file_replace(in_backup("slot-a.h5.new"), "torn", 4);
    file_flip_bit(in_backup("lock"), 8 * 20);
    options.slots = 1;
    store = standard_open(&standard, &options);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_FELL_BACK);
    assert_save(store, 5);
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    h5ckpt_close(store);
    assert_told("");
}
END_TEST

/* --------------------------------------------------------------------- the level */

START_TEST(every_kind_of_event_has_the_level_that_its_header_says)
{
    static const h5ckpt_status STATUS[] = {H5CKPT_OK,         H5CKPT_FELL_BACK,      H5CKPT_LIVES_AGREE,
                                           H5CKPT_E_ARGUMENT, H5CKPT_E_DAMAGED,      H5CKPT_E_DIFFERS,
                                           H5CKPT_STOP,       H5CKPT_E_STOP_UNSAVED, H5CKPT_HISTORY_FULL};

    for (int kind = 0; kind < KIND_COUNT; kind++)
        for (unsigned i = 0; i < COUNT(STATUS); i++)
            ck_assert_msg(event_level((enum h5ckpt_event_kind)kind, STATUS[i]) ==
                              expected_level((enum h5ckpt_event_kind)kind, STATUS[i]),
                          "%s with %s", KIND_NAME[kind], h5ckpt_status_name(STATUS[i]));
    ck_assert_int_eq(event_level((enum h5ckpt_event_kind)KIND_COUNT, H5CKPT_E_IO), H5CKPT_LEVEL_INFO); /* a later one */
}
END_TEST

START_TEST(an_event_of_no_file_and_no_state_has_an_empty_name_and_zeros)
{
    const struct event_sink sink = {note, &standard, fixture_backup};

    event_tell(&sink, (struct event){.kind = H5CKPT_EVENT_DELETED}, "%s", "done");
    ck_assert_str_eq(event[0].file, "");
    ck_assert_uint_eq(event[0].sequence, 0);
    ck_assert_mem_eq(&event[0].progress, &(struct h5ckpt_progress){0}, sizeof event[0].progress);
    ck_assert_str_eq(event[0].message, "done");
}
END_TEST

/* _i: a short message, or one that is longer than any room kept for it */
START_TEST(an_event_for_whose_message_there_is_no_memory_still_says_what_happened)
{
    const struct event_sink sink = {note, &standard, fixture_backup};

    malloc_fail_in = 1;
    event_tell(&sink, (struct event){.kind = H5CKPT_EVENT_DURABLE}, "saved '%s/%s'%*s", fixture_backup, "slot-a.h5",
               _i == 0 ? 1 : 60000, ".");
    malloc_fail_in = 0;
    ck_assert_str_eq(told, "DURABLE");
    assert_mentions(event[0].message, fixture_backup);
    assert_mentions(event[0].message, "slot-a.h5");
}
END_TEST

/* -------------------------------------------------------------- when it is told */

static struct {
    h5ckpt_state *state;
    unsigned char bytes[2][64];
} asked;

static int get_asked(void *context, void *bytes, size_t byte_count)
{
    tell("get");
    memcpy(bytes, context, byte_count);
    return 0;
}

static int put_asked(void *context, const void *bytes, size_t byte_count)
{
    memcpy(context, bytes, byte_count);
    return 0;
}

/* Open for two variables that are asked for by functions. */
static h5ckpt_store *open_asked(void)
{
    const struct h5ckpt_options options = noted();
    h5ckpt_store *store;

    asked.state = h5ckpt_state_new();
    for (unsigned i = 0; i < 2; i++)
        h5ckpt_add_access(asked.state, i == 0 ? "first" : "last", H5CKPT_UINT8, 1,
                          (const uint64_t[]){sizeof asked.bytes[i]},
                          &(struct h5ckpt_access){get_asked, put_asked, asked.bytes[i]});
    assert_status(h5ckpt_open(&store, fixture_backup, asked.state, &options), H5CKPT_OK);
    return store;
}

static void tell_write(void *context)
{
    (void)context;
    tell("write");
}

static void tell_flush(void *context)
{
    (void)context;
    tell("flush");
}

static void close_asked(h5ckpt_store *store)
{
    h5ckpt_close(store);
    h5ckpt_state_free(asked.state);
}

/* _i: the first save, or one in place */
START_TEST(a_save_begins_after_every_get_function_and_before_its_slots_first_byte)
{
    h5ckpt_store *store = open_asked();

    for (int i = 0; i < 2 * _i; i++)
        assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    forget_told();
    faults_set((struct faults){
        .calls = FAULT_WRITE | FAULT_CREATE, .name = "slot-a", .count = FAULTS_FOR_EVER, .before = tell_write});
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    faults_clear();
    assert_told("get SAVE_BEGUN(slot-a.h5) write DURABLE(slot-a.h5)");
    close_asked(store);
}
END_TEST

START_TEST(a_state_is_called_durable_after_every_flush)
{
    h5ckpt_store *store = open_asked();

    for (int i = 0; i < 2 * _i; i++)
        assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    forget_told();
    faults_set((struct faults){.calls = FAULT_FLUSH, .count = FAULTS_FOR_EVER, .before = tell_flush});
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    faults_clear();
    if (_i == 0) /* the other slot is made first */
        assert_told("get flush SAVE_BEGUN(slot-a.h5) flush DURABLE(slot-a.h5)");
    else
        assert_told("get SAVE_BEGUN(slot-a.h5) flush DURABLE(slot-a.h5)");
    close_asked(store);
}
END_TEST

/* ------------------------------------------------------------- saves that fail */

/* A save that gave `status` told the one event or the other. */
static void assert_save_told(h5ckpt_store *store, h5ckpt_status status, long call)
{
    const unsigned durable = count_told(H5CKPT_EVENT_DURABLE);
    const unsigned failed = count_told(H5CKPT_EVENT_SAVE_FAILED);

    assert_events_are_sound();
    ck_assert_msg(durable == (status == H5CKPT_OK) && failed == (status != H5CKPT_OK), "call %ld gave %s and told: %s",
                  call, h5ckpt_status_name(status), told);
    ck_assert_uint_le(count_told(H5CKPT_EVENT_SAVE_BEGUN), 1);
    if (status == H5CKPT_OK)
        return;
    const struct h5ckpt_event *failure = told_once(H5CKPT_EVENT_SAVE_FAILED);
    ck_assert_ptr_eq(failure, &event[event_count - 1]);
    ck_assert_int_eq(failure->status, status);
    assert_mentions(failure->message, h5ckpt_message(store));
}

static const int SAVE_ERRNO[] = {ENOSPC, EIO, EACCES, ENOMEM, EMFILE};

/* A save that comes after `earlier` others fails at system call `call`, once or from there on. */
static bool fail_save(unsigned slots, uint64_t earlier, int error, long call, long count)
{
    fixture_clear_backup();
    h5ckpt_store *store = open_slots(slots);
    for (uint64_t number = 1; number <= earlier; number++)
        assert_save(store, number);
    forget_told();
    faults_set((struct faults){.calls = ANY_CALL, .first = call, .count = count, .error = error});
    const h5ckpt_status status = standard_save(store, &standard, earlier + 1);
    const bool hit = faults_hit();
    faults_clear();
    assert_save_told(store, status, call);
    forget_told();
    assert_save(store, earlier + 2);
    assert_save_told(store, H5CKPT_OK, call);
    h5ckpt_close(store);
    return hit;
}

/* _i: slots, and errno */
START_TEST(whichever_system_call_fails_a_save_tells_durable_or_failed_once_as_its_status_says)
{
    const unsigned slots = 1 + (unsigned)_i % 3;
    const int error = SAVE_ERRNO[_i / 3];

    for (uint64_t earlier = 0; earlier <= 3; earlier += earlier == 0 ? 2 : 1)
        for (unsigned once = 0; once < 2; once++) {
            long call = 0;
            while (fail_save(slots, earlier, error, call, once ? 1 : FAULTS_FOR_EVER))
                ck_assert_int_lt(++call, CALLS_MAX);
            ck_assert_int_gt(call, 3);
        }
}
END_TEST

START_TEST(a_failed_flush_is_never_told_as_durable)
{
    standard_history(2, 1, 3);
    h5ckpt_store *store = open_and_restore(2);

    faults_set((struct faults){.calls = FAULT_FLUSH, .name = "slot-b.h5", .count = FAULTS_FOR_EVER, .error = EIO});
    assert_status(standard_save(store, &standard, 4), H5CKPT_E_IO);
    ck_assert(faults_hit());
    faults_clear();
    assert_told("SAVE_BEGUN(slot-b.h5) SAVE_FAILED");
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_get_function_that_fails_fails_the_save_before_it_is_called_begun)
{
    h5ckpt_store *store = open_noted();

    standard.get_fails = 17;
    assert_status(standard_save(store, &standard, 1), H5CKPT_E_CALLBACK);
    assert_save_told(store, H5CKPT_E_CALLBACK, 0);
    assert_told("SAVE_FAILED");
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_save_that_is_refused_because_nothing_was_restored_is_told)
{
    standard_history(2, 1, 2);
    h5ckpt_store *store = open_noted();

    assert_status(standard_save(store, &standard, 3), H5CKPT_E_NOT_RESTORED);
    assert_save_told(store, H5CKPT_E_NOT_RESTORED, 0);
    assert_told("SAVE_FAILED");
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_save_of_a_reader_is_told_as_failed)
{
    standard_history(2, 1, 2);
    h5ckpt_store *reader = open_reader();

    assert_status(standard_save(reader, &standard, 3), H5CKPT_E_ARGUMENT);
    assert_save_told(reader, H5CKPT_E_ARGUMENT, 0);
    assert_told("SAVE_FAILED");
    h5ckpt_close(reader);
}
END_TEST

START_TEST(a_handle_that_is_not_open_tells_nothing)
{
    h5ckpt_store *store = open_noted();

    assert_save(store, 1);
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    forget_told();
    assert_status(standard_save(store, &standard, 2), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_delete(store), H5CKPT_E_ARGUMENT);
    assert_told("");
    h5ckpt_close(store);
}
END_TEST

/* -------------------------------------------------------------------- restores */

START_TEST(a_restore_is_told_with_the_state_that_it_gave)
{
    standard_history(2, 1, 5);
    h5ckpt_store *store = open_noted();

    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    assert_is_about(told_once(H5CKPT_EVENT_RESTORED), 5, 5);
    ck_assert_str_eq(told_once(H5CKPT_EVENT_RESTORED)->file, slot_of_epoch(5));
    ck_assert_int_eq(told_once(H5CKPT_EVENT_RESTORED)->status, H5CKPT_OK);
    assert_told("RESTORED(slot-a.h5)");
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_restore_of_the_previous_state_on_purpose_is_no_fall_back)
{
    standard_history(2, 1, 5);
    h5ckpt_store *store = open_noted();

    assert_status(h5ckpt_restore(store, &(struct h5ckpt_restore_options){.which = H5CKPT_PREVIOUS}, NULL), H5CKPT_OK);
    assert_is_about(told_once(H5CKPT_EVENT_RESTORED), 4, 4);
    assert_told("RESTORED(slot-b.h5)");
    h5ckpt_close(store);
}
END_TEST

START_TEST(nothing_is_told_where_there_is_no_checkpoint)
{
    h5ckpt_store *store = open_noted();

    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_NO_CHECKPOINT);
    assert_save(store, 1);
    forget_told();
    assert_status(h5ckpt_restore(store, &(struct h5ckpt_restore_options){.which = H5CKPT_PREVIOUS}, NULL),
                  H5CKPT_NO_CHECKPOINT);
    assert_told("");
    h5ckpt_close(store);
}
END_TEST

/* _i: as the writer, or beside one */
START_TEST(a_damaged_state_is_told_as_rejected_before_the_fall_back_to_the_other)
{
    standard_history(2, 1, 5);
    damage_block("slot-a.h5");
    h5ckpt_store *store = _i == 0 ? open_noted() : open_reader();

    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_FELL_BACK);
    const struct h5ckpt_event *rejected = told_once(H5CKPT_EVENT_SLOT_REJECTED);
    const struct h5ckpt_event *fell_back = told_once(H5CKPT_EVENT_FELL_BACK);
    ck_assert_int_eq(rejected->status, H5CKPT_E_DAMAGED);
    assert_is_about(rejected, 5, 5);
    assert_mentions(rejected->message, "weights"); /* what lies there */
    ck_assert_int_eq(fell_back->status, H5CKPT_FELL_BACK);
    assert_is_about(fell_back, 4, 4);
    assert_mentions(fell_back->message, h5ckpt_message(store));
    assert_told("SLOT_REJECTED(slot-a.h5) FELL_BACK(slot-b.h5)");
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_slot_that_never_looked_whole_is_not_told_as_rejected)
{
    standard_history(2, 1, 5);
    file_cut(in_backup("slot-a.h5"), 5000);
    h5ckpt_store *store = open_noted();

    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_FELL_BACK);
    assert_mentions(told_once(H5CKPT_EVENT_FELL_BACK)->message, "slot-a.h5");
    assert_told("FELL_BACK(slot-b.h5)");
    h5ckpt_close(store);
}
END_TEST

START_TEST(two_damaged_states_are_told_before_the_restore_that_failed)
{
    standard_history(2, 1, 5);
    damage_block("slot-a.h5");
    damage_block("slot-b.h5");
    h5ckpt_store *store = open_noted();

    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_LOST);
    ck_assert_int_eq(told_once(H5CKPT_EVENT_RESTORE_FAILED)->status, H5CKPT_E_LOST);
    assert_mentions(told_once(H5CKPT_EVENT_RESTORE_FAILED)->message, h5ckpt_message(store));
    assert_told("SLOT_REJECTED(slot-a.h5) SLOT_REJECTED(slot-b.h5) RESTORE_FAILED");
    h5ckpt_close(store);
}
END_TEST

START_TEST(an_inspection_of_every_byte_tells_of_a_damaged_state_too)
{
    struct h5ckpt_report report;

    standard_history(2, 1, 5);
    damage_block("slot-b.h5");
    h5ckpt_store *store = open_noted();
    assert_status(h5ckpt_inspect(store, NULL, &report), H5CKPT_OK);
    assert_told("");
    h5ckpt_inspect(store, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report);
    assert_is_about(told_once(H5CKPT_EVENT_SLOT_REJECTED), 4, 4);
    assert_told("SLOT_REJECTED(slot-b.h5)");
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_save_that_finds_a_state_damaged_that_it_relies_on_tells_so)
{
    h5ckpt_store *store = open_slots(3);

    for (uint64_t number = 1; number <= 3; number++)
        assert_save(store, number);
    h5ckpt_close(store);
    damage_block(slot_of_epoch(2));
    store = open_and_restore(3);
    assert_save(store, 4);
    assert_is_about(told_once(H5CKPT_EVENT_SLOT_REJECTED), 2, 2);
    assert_told("SLOT_REJECTED(slot-b.h5) SAVE_BEGUN(slot-b.h5) DURABLE(slot-b.h5)");
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_restore_refused_by_the_system_is_told_as_failed)
{
    standard_history(2, 1, 3);
    h5ckpt_store *store = open_noted();

    faults_set((struct faults){.calls = FAULT_OPEN, .name = "slot", .count = FAULTS_FOR_EVER, .error = EACCES});
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_PERMISSION);
    faults_clear();
    ck_assert_int_eq(told_once(H5CKPT_EVENT_RESTORE_FAILED)->status, H5CKPT_E_PERMISSION);
    assert_mentions(told_once(H5CKPT_EVENT_RESTORE_FAILED)->message, h5ckpt_message(store));
    assert_told("RESTORE_FAILED");
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_restore_that_failed_half_way_is_told_as_failed)
{
    standard_history(2, 1, 3);
    h5ckpt_store *store = open_noted();

    standard.put_fails = 3;
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_MEMORY_CHANGED);
    ck_assert_int_eq(told_once(H5CKPT_EVENT_RESTORE_FAILED)->status, H5CKPT_E_MEMORY_CHANGED);
    assert_told("RESTORE_FAILED");
    assert_status(standard_save(store, &standard, 4), H5CKPT_E_MEMORY_CHANGED);
    assert_told("SAVE_FAILED");
    h5ckpt_close(store);
}
END_TEST

START_TEST(whichever_allocation_fails_a_restore_tells_its_status_once)
{
    h5ckpt_store *store = open_asked();
    h5ckpt_status status;
    bool failed;
    long which = 0;

    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    do {
        forget_told();
        malloc_fail_in = ++which;
        status = h5ckpt_restore(store, NULL, NULL);
        failed = malloc_fail_in == 0;
        malloc_fail_in = 0;
        ck_assert_uint_eq(count_told(H5CKPT_EVENT_RESTORED), status == H5CKPT_OK);
        ck_assert_uint_eq(count_told(H5CKPT_EVENT_RESTORE_FAILED), status < 0);
        ck_assert_int_lt(which, CALLS_MAX);
    } while (failed);
    assert_status(status, H5CKPT_OK);
    ck_assert_int_gt(which, 1);
    close_asked(store);
}
END_TEST

enum { MANY = 600 };

/* A state of many variables that nothing else has in common with another prefix. */
static h5ckpt_state *make_many(const char *prefix, float *values)
{
    h5ckpt_state *state = h5ckpt_state_new();

    for (unsigned i = 0; i < MANY; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/of a rather long name/%u", prefix, i);
        assert_status(h5ckpt_add(state, name, H5CKPT_FLOAT32, 0, NULL, &values[i]), H5CKPT_OK);
    }
    return state;
}

START_TEST(a_message_of_hundreds_of_differences_is_told_whole)
{
    static float values[MANY];
    const struct h5ckpt_options options = noted();
    h5ckpt_state *stored = make_many("stored", values);
    h5ckpt_state *registered = make_many("registered", values);
    h5ckpt_store *store;

    assert_status(h5ckpt_open(&store, fixture_backup, stored, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    h5ckpt_close(store);
    assert_status(h5ckpt_open(&store, fixture_backup, registered, &options), H5CKPT_OK);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_SCHEMA);
    const char *message = told_once(H5CKPT_EVENT_RESTORE_FAILED)->message;
    ck_assert(strstr(message, h5ckpt_message(store)) != NULL);
    for (unsigned i = 0; i < MANY; i++) {
        char name[64];
        snprintf(name, sizeof name, "stored/of a rather long name/%u'", i);
        ck_assert_msg(strstr(message, name) != NULL, "%s is missing", name);
    }
    assert_told("RESTORE_FAILED");
    h5ckpt_close(store);
    h5ckpt_state_free(stored);
    h5ckpt_state_free(registered);
}
END_TEST

/* ----------------------------------------------------------------- cleaning up */

START_TEST(going_from_two_slots_to_one_tells_of_the_slot_that_is_removed)
{
    standard_history(2, 1, 4); /* a 3, b 4 */
    h5ckpt_store *store = open_and_restore(1);

    assert_save(store, 5);
    assert_is_about(told_once(H5CKPT_EVENT_SLOT_REMOVED), 4, 4);
    ck_assert(!file_exists(in_backup("slot-b.h5")));
    assert_told("SAVE_BEGUN(slot-a.h5) DURABLE(slot-a.h5) SLOT_REMOVED(slot-b.h5)");
    h5ckpt_close(store);
}
END_TEST

START_TEST(going_from_three_slots_to_two_tells_of_the_third_when_it_goes)
{
    standard_history(3, 1, 3); /* a 1, b 2, c 3 */
    h5ckpt_store *store = open_and_restore(2);

    assert_save(store, 4);
    ck_assert_uint_eq(count_told(H5CKPT_EVENT_SLOT_REMOVED), 0);
    assert_save(store, 5);
    assert_is_about(told_once(H5CKPT_EVENT_SLOT_REMOVED), 3, 3);
    assert_told("SAVE_BEGUN(slot-a.h5) DURABLE(slot-a.h5) SAVE_BEGUN(slot-b.h5) DURABLE(slot-b.h5) "
                "SLOT_REMOVED(slot-c.h5)");
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_slot_that_cannot_be_removed_is_not_told_as_removed)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = open_and_restore(1);

    faults_set((struct faults){.calls = FAULT_REMOVE, .name = "slot-b.h5", .count = FAULTS_FOR_EVER, .error = EACCES});
    assert_save(store, 5);
    ck_assert(faults_hit());
    faults_clear();
    assert_told("SAVE_BEGUN(slot-a.h5) DURABLE(slot-a.h5)");
    h5ckpt_close(store);
}
END_TEST

static const char *const LEFTOVER[] = {"slot-a.h5.new", "slot-b.h5.new", "slot-c.h5.new", "checkpoint.h5.new",
                                       "lock.new"};

START_TEST(a_leftover_is_told_by_name_when_it_is_removed)
{
    char expected[64];

    standard_history(2, 1, 3);
    file_replace(in_backup(LEFTOVER[_i]), "torn", 4);
    h5ckpt_store *store = open_noted();
    ck_assert(!file_exists(in_backup(LEFTOVER[_i])));
    snprintf(expected, sizeof expected, "LEFTOVER_REMOVED(%s)", LEFTOVER[_i]);
    assert_told(expected);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_leftover_that_cannot_be_removed_is_not_told)
{
    const struct h5ckpt_options options = noted();
    h5ckpt_store *store;

    standard_history(2, 1, 3);
    file_replace(in_backup(LEFTOVER[_i]), "torn", 4);
    faults_set((struct faults){.calls = FAULT_REMOVE, .name = LEFTOVER[_i], .count = FAULTS_FOR_EVER, .error = EACCES});
    assert_status(h5ckpt_open(&store, fixture_backup, standard.state, &options), H5CKPT_E_PERMISSION);
    faults_clear();
    ck_assert(file_exists(in_backup(LEFTOVER[_i])));
    assert_told("");
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_deletion_tells_of_the_leftovers_that_it_removes)
{
    standard_history(2, 1, 3);
    h5ckpt_store *store = open_noted();

    file_replace(in_backup("slot-b.h5.new"), "torn", 4);
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    assert_told("LEFTOVER_REMOVED(slot-b.h5.new) DELETED");
    h5ckpt_close(store);
}
END_TEST

/* _i: the name, and what is there: a directory, a symbolic link to a file, one to nowhere */
START_TEST(what_is_no_file_under_a_leftovers_name_is_neither_removed_nor_told)
{
    char target[2 * PATH_BYTES];
    const char *path = in_backup(LEFTOVER[_i / 3]);

    standard_history(2, 1, 3);
    snprintf(target, sizeof target, "%s/target", fixture_directory);
    file_replace(target, "mine", 4);
    if (_i % 3 == 0)
        ck_assert_int_eq(mkdir(path, 0700), 0);
    else
        ck_assert_int_eq(symlink(_i % 3 == 1 ? "../target" : "../nowhere", path), 0);
    h5ckpt_store *store = open_noted();
    assert_told("");
    ck_assert(file_exists(path));
    ck_assert(file_holds(target, "mine"));
    h5ckpt_close(store);
}
END_TEST

static unsigned begun_slots; /* of the save that is cut short */
static uint64_t begun_number;

static void open_and_save(void)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *store;

    options.slots = begun_slots;
    if (h5ckpt_open(&store, fixture_backup, standard.state, &options) != H5CKPT_OK)
        _exit(EXIT_FAILURE);
    if (h5ckpt_restore(store, NULL, NULL) < 0 || h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 1}) < 0)
        _exit(EXIT_FAILURE);
    h5ckpt_close(store);
}

/* Files of our names that are cleaned up, as opposed to those of a checkpoint. */
static unsigned names_in_backup(char name[32][32])
{
    DIR *directory = opendir(fixture_backup);
    struct dirent *entry;
    unsigned count = 0;

    ck_assert_ptr_nonnull(directory);
    while ((entry = readdir(directory)) != NULL) {
        ck_assert_uint_lt(count, 32);
        snprintf(name[count++], sizeof name[0], "%.31s", entry->d_name);
    }
    closedir(directory);
    return count;
}

/* An open tells of every file that it removes, and of no other. */
static void assert_every_removal_is_told(long call)
{
    char name[32][32];
    char expected[64];
    const unsigned count = names_in_backup(name);
    unsigned removed = 0;

    h5ckpt_store *store = open_noted();
    for (unsigned i = 0; i < count; i++) {
        const bool is_gone = !file_exists(in_backup(name[i]));
        snprintf(expected, sizeof expected, "LEFTOVER_REMOVED(%.31s)", name[i]);
        ck_assert_msg((strstr(told, expected) != NULL) == is_gone, "call %ld: %s is %s; told: %s", call, name[i],
                      is_gone ? "gone" : "there", told);
        removed += is_gone;
    }
    ck_assert_uint_eq(count_told(H5CKPT_EVENT_LEFTOVER_REMOVED), removed);
    ck_assert_uint_eq(event_count, removed);
    assert_events_are_sound();
    forget_told();
    h5ckpt_close(store);
}

/* _i: slots, and how many states there were: of the first save that never finished the slots go too */
START_TEST(after_a_save_killed_at_any_call_the_open_tells_of_every_file_that_it_removes)
{
    unsigned told_of = 0;
    long call = 0;

    begun_slots = 1 + (unsigned)_i % 3;
    begun_number = (uint64_t)_i / 3;
    for (;; call++) {
        ck_assert_int_lt(call, CALLS_MAX);
        fixture_clear_backup();
        if (begun_number > 0)
            standard_history(begun_slots, 1, begun_number);
        else
            h5ckpt_close(open_noted());
        if (!killed_at(call, open_and_save))
            break;
        if (!file_exists(fixture_backup) || !file_exists(in_backup("lock")) || file_exists(in_backup("lock.new")))
            continue; /* cut short while opening: no save had begun */
        told_of += directory_entry_count(fixture_backup);
        assert_every_removal_is_told(call);
    }
    ck_assert_uint_gt(told_of, 0);
}
END_TEST

/* _i: missing, damaged in its identity, all zeros */
START_TEST(a_lock_that_is_made_anew_from_what_the_slots_say_is_told)
{
    static const char ZEROS[4096];

    standard_history(2, 1, 3);
    if (_i == 0)
        file_remove(in_backup("lock"));
    else if (_i == 1)
        file_flip_bit(in_backup("lock"), 8 * 20);
    else
        file_replace(in_backup("lock"), ZEROS, sizeof ZEROS);
    h5ckpt_store *store = open_noted();
    ck_assert_int_eq(told_once(H5CKPT_EVENT_LOCK_REPAIRED)->status, H5CKPT_OK);
    assert_told("LOCK_REPAIRED(lock)");
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    h5ckpt_close(store);
    forget_told();
    h5ckpt_close(open_noted());
    assert_told(""); /* it is right again */
}
END_TEST

START_TEST(a_lock_that_cannot_be_repaired_is_not_told_as_repaired)
{
    const struct h5ckpt_options options = noted();
    h5ckpt_store *store;

    standard_history(2, 1, 3);
    file_flip_bit(in_backup("lock"), 8 * 20);
    faults_set((struct faults){.calls = FAULT_FLUSH, .name = "lock", .count = FAULTS_FOR_EVER, .error = EIO});
    assert_status(h5ckpt_open(&store, fixture_backup, standard.state, &options), H5CKPT_E_IO);
    faults_clear();
    assert_told("");
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_foreign_lock_is_no_repair)
{
    const struct h5ckpt_options options = noted();
    h5ckpt_store *store;

    standard_history(2, 1, 3);
    file_replace(in_backup("lock"), "mine", 4);
    assert_status(h5ckpt_open(&store, fixture_backup, standard.state, &options), H5CKPT_E_FOREIGN);
    assert_told("");
    h5ckpt_close(store);
}
END_TEST

/* --------------------------------------------------------------------- the view */

START_TEST(a_view_that_cannot_be_written_is_told_and_fails_no_save)
{
    h5ckpt_store *store = open_noted();

    faults_set((struct faults){.calls = _i == 0 ? FAULT_CREATE : FAULT_RENAME,
                               .name = "checkpoint",
                               .count = FAULTS_FOR_EVER,
                               .error = ENOSPC});
    assert_save(store, 1);
    ck_assert_str_eq(h5ckpt_message(store), "");
    ck_assert_int_eq(told_once(H5CKPT_EVENT_VIEW_FAILED)->status, H5CKPT_E_NO_SPACE);
    assert_told("SAVE_BEGUN(slot-a.h5) DURABLE(slot-a.h5) VIEW_FAILED(checkpoint.h5)");
    h5ckpt_close(store);
    assert_told("VIEW_FAILED(checkpoint.h5)");
    store = open_noted();
    assert_told("VIEW_FAILED(checkpoint.h5)");
    faults_clear();
    h5ckpt_close(store);
    assert_told("");
}
END_TEST

START_TEST(a_view_that_is_a_strangers_has_not_failed)
{
    ck_assert_int_eq(mkdir(fixture_backup, 0700), 0);
    file_replace(in_backup("checkpoint.h5"), "weights of mine", 15);
    h5ckpt_store *store = open_noted();
    assert_save(store, 1);
    assert_told("SAVE_BEGUN(slot-a.h5) DURABLE(slot-a.h5)");
    h5ckpt_close(store);
    assert_told("");
}
END_TEST

/* --------------------------------------------------------------------- deletion */

static void open_and_delete(void)
{
    h5ckpt_store *store;

    if (h5ckpt_open(&store, fixture_backup, standard.state, NULL) != H5CKPT_OK || h5ckpt_delete(store) != H5CKPT_OK)
        _exit(EXIT_FAILURE);
    h5ckpt_close(store);
}

START_TEST(a_deletion_killed_at_any_call_is_told_by_the_open_that_finishes_it)
{
    unsigned finished = 0;
    long call = 0;

    for (;; call++) {
        ck_assert_int_lt(call, CALLS_MAX);
        fixture_clear_backup();
        standard_history(2, 1, 3);
        if (!killed_at(call, open_and_delete))
            break;
        const bool something = file_exists(in_backup("lock"));
        h5ckpt_store *store = open_noted();
        const h5ckpt_status status = h5ckpt_restore(store, NULL, NULL);
        if (status == H5CKPT_OK) {
            assert_told("RESTORED(slot-a.h5)");
        } else {
            assert_status(status, H5CKPT_NO_CHECKPOINT);
            finished += something;
            assert_told(something ? "DELETED" : "");
        }
        h5ckpt_close(store);
    }
    ck_assert_uint_gt(finished, 5);
}
END_TEST

START_TEST(a_deletion_that_fails_is_not_told_and_the_one_that_succeeds_is)
{
    for (long call = 0;; call++) {
        ck_assert_int_lt(call, CALLS_MAX);
        fixture_clear_backup();
        standard_history(2, 1, 3);
        h5ckpt_store *store = open_and_restore(2);
        faults_set((struct faults){
            .calls = FAULT_WRITE | FAULT_FLUSH | FAULT_REMOVE, .first = call, .count = 1, .error = EIO});
        const h5ckpt_status status = h5ckpt_delete(store);
        const bool hit = faults_hit();
        faults_clear();
        assert_told(status == H5CKPT_OK ? "DELETED" : "");
        h5ckpt_close(store);
        forget_told();
        if (!hit)
            break;
    }
}
END_TEST

/* --------------------------------------------------------------------- a reader */

START_TEST(a_reader_cleans_and_repairs_nothing_and_tells_of_no_such_thing)
{
    standard_history(2, 1, 3);
    file_replace(in_backup("slot-a.h5.new"), "torn", 4);
    file_remove(in_backup("checkpoint.h5"));
    file_remove(in_backup("lock"));
    snapshot_before();
    h5ckpt_store *reader = open_reader();
    assert_told("");
    assert_status(h5ckpt_restore(reader, NULL, NULL), H5CKPT_OK);
    assert_told("RESTORED(slot-a.h5)");
    h5ckpt_close(reader);
    assert_told("");
    assert_unchanged();
}
END_TEST

START_TEST(a_reader_of_a_missing_directory_tells_nothing)
{
    h5ckpt_store *reader = open_reader();

    assert_status(h5ckpt_restore(reader, NULL, NULL), H5CKPT_NO_CHECKPOINT);
    h5ckpt_close(reader);
    assert_told("");
}
END_TEST

/* ------------------------------------------------------------------- a callback */

static h5ckpt_callback *new_callback(h5ckpt_status expected)
{
    struct h5ckpt_callback_options options = h5ckpt_callback_options_default();
    h5ckpt_callback *callback;

    options.backup_dir = fixture_backup;
    options.store = noted();
    assert_status(h5ckpt_callback_new(&callback, standard.state, &options), expected);
    return callback;
}

static struct h5ckpt_progress next;

START_TEST(a_callbacks_store_tells_the_function_that_its_options_name)
{
    h5ckpt_callback *callback = new_callback(H5CKPT_OK);

    assert_status(h5ckpt_on_train_begin(callback, &next, NULL), H5CKPT_NO_CHECKPOINT);
    assert_told("");
    for (uint64_t epoch = 0; epoch < 2; epoch++) {
        standard_fill(&standard, epoch);
        assert_status(h5ckpt_on_epoch_begin(callback, epoch), H5CKPT_OK);
        assert_status(h5ckpt_on_train_batch_end(callback, 0), H5CKPT_OK);
        assert_told("");
        assert_status(h5ckpt_on_epoch_end(callback, epoch), H5CKPT_OK);
        ck_assert_uint_eq(told_once(H5CKPT_EVENT_DURABLE)->progress.epoch, epoch + 1);
        assert_told(epoch == 0 ? "SAVE_BEGUN(slot-a.h5) DURABLE(slot-a.h5)"
                               : "SAVE_BEGUN(slot-b.h5) DURABLE(slot-b.h5)");
    }
    assert_status(h5ckpt_on_train_end(callback, H5CKPT_FINISHED), H5CKPT_OK);
    assert_told("DELETED");
    h5ckpt_callback_free(callback);
    assert_told("");
}
END_TEST

static h5ckpt_status begin_again(h5ckpt_callback *callback)
{
    return h5ckpt_on_train_begin(callback, &next, NULL);
}

static h5ckpt_status begin_another_epoch(h5ckpt_callback *callback)
{
    return h5ckpt_on_epoch_begin(callback, 7);
}

static h5ckpt_status begin_another_batch(h5ckpt_callback *callback)
{
    return h5ckpt_on_train_batch_begin(callback, 7);
}

static h5ckpt_status end_a_batch(h5ckpt_callback *callback)
{
    return h5ckpt_on_train_batch_end(callback, 0);
}

static h5ckpt_status end_a_test_batch(h5ckpt_callback *callback)
{
    return h5ckpt_on_test_batch_end(callback, 0);
}

static h5ckpt_status end_another_epoch(h5ckpt_callback *callback)
{
    return h5ckpt_on_epoch_end(callback, 7);
}

static h5ckpt_status finish(h5ckpt_callback *callback)
{
    return h5ckpt_on_train_end(callback, H5CKPT_FINISHED);
}

static const struct {
    bool in_epoch; /* else between epochs */
    h5ckpt_status (*call)(h5ckpt_callback *callback);
} NOT_DUE[] = {
    {false, begin_again}, {false, begin_another_epoch}, {false, begin_another_batch},
    {false, end_a_batch}, {false, end_a_test_batch},    {false, end_another_epoch},
    {true, begin_again},  {true, begin_another_epoch},  {true, begin_another_batch},
    {true, end_a_batch},  {true, end_another_epoch},    {true, finish},
};

START_TEST(a_hook_that_is_not_due_is_told_as_refused_in_the_words_of_its_message)
{
    h5ckpt_callback *callback = new_callback(H5CKPT_OK);

    assert_status(h5ckpt_on_train_begin(callback, &next, NULL), H5CKPT_NO_CHECKPOINT);
    if (NOT_DUE[_i].in_epoch) {
        assert_status(h5ckpt_on_epoch_begin(callback, 0), H5CKPT_OK);
        assert_status(h5ckpt_on_train_batch_end(callback, 0), H5CKPT_OK);
    }
    assert_told("");
    assert_status(NOT_DUE[_i].call(callback), H5CKPT_E_ARGUMENT);
    ck_assert_int_eq(told_once(H5CKPT_EVENT_HOOK_REFUSED)->status, H5CKPT_E_ARGUMENT);
    ck_assert_str_eq(told_once(H5CKPT_EVENT_HOOK_REFUSED)->message, h5ckpt_callback_message(callback));
    assert_told("HOOK_REFUSED");
    h5ckpt_callback_free(callback);
}
END_TEST

START_TEST(a_hook_after_the_checkpoint_was_deleted_is_refused_in_its_directorys_name)
{
    h5ckpt_callback *callback = new_callback(H5CKPT_OK);

    assert_status(h5ckpt_on_train_begin(callback, &next, NULL), H5CKPT_NO_CHECKPOINT);
    assert_status(h5ckpt_on_train_end(callback, H5CKPT_FINISHED), H5CKPT_OK);
    forget_told();
    assert_status(h5ckpt_on_epoch_begin(callback, 0), H5CKPT_E_ARGUMENT);
    assert_told("HOOK_REFUSED");
    h5ckpt_callback_free(callback);
}
END_TEST

START_TEST(a_hook_of_a_callback_that_could_not_open_is_refused_in_its_directorys_name)
{
    h5ckpt_callback *holder = new_callback(H5CKPT_OK);
    h5ckpt_callback *callback = new_callback(H5CKPT_E_BUSY);

    assert_status(h5ckpt_on_train_begin(callback, &next, NULL), H5CKPT_E_ARGUMENT);
    assert_told("HOOK_REFUSED");
    h5ckpt_callback_free(callback);
    h5ckpt_callback_free(holder);
}
END_TEST

/* --------------------------------------------------------------------- silence */

/* Everything that is told, with a function or without one. */
static void live_loudly(const struct h5ckpt_options *options)
{
    struct h5ckpt_options reader = *options;
    h5ckpt_store *store;

    h5ckpt_open(&store, fixture_backup, standard.state, options);
    for (uint64_t number = 1; number <= 4; number++)
        standard_save(store, &standard, number);
    standard.get_fails = 1;
    standard_save(store, &standard, 5);
    standard.get_fails = 0;
    h5ckpt_close(store);
    damage_block(slot_of_epoch(4));
    reader.mode = H5CKPT_READ_ONLY;
    h5ckpt_open(&store, fixture_backup, standard.state, &reader);
    h5ckpt_restore(store, NULL, NULL);
    standard_save(store, &standard, 6);
    h5ckpt_close(store);
    file_flip_bit(in_backup("lock"), 8 * 20);
    file_replace(in_backup("slot-a.h5.new"), "torn", 4);
    h5ckpt_open(&store, fixture_backup, standard.state, options);
    h5ckpt_restore(store, NULL, NULL);
    faults_set((struct faults){.calls = FAULT_CREATE, .name = "check", .count = FAULTS_FOR_EVER, .error = ENOSPC});
    standard_save(store, &standard, 7);
    faults_clear();
    damage_block("slot-a.h5");
    damage_block("slot-b.h5");
    h5ckpt_restore(store, NULL, NULL);
    h5ckpt_delete(store);
    h5ckpt_close(store);
}

/* _i: with an event function, or without one */
START_TEST(the_library_itself_prints_nothing)
{
    char output[2 * PATH_BYTES];
    int status;

    snprintf(output, sizeof output, "%s/output", fixture_directory);
    fflush(NULL);
    pid_t process = fork();
    ck_assert_int_ge(process, 0);
    if (process == 0) {
        const struct h5ckpt_options silent = h5ckpt_options_default();
        const struct h5ckpt_options loud = noted();
        if (freopen(output, "w", stdout) == NULL || dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
            _exit(EXIT_FAILURE);
        live_loudly(_i == 0 ? &loud : &silent);
        fflush(NULL);
        _exit(_i == 0 && event_count < 10 ? EXIT_FAILURE : EXIT_SUCCESS); /* else this shows nothing */
    }
    ck_assert_int_eq(waitpid(process, &status, 0), process);
    ck_assert_int_eq(status, 0);
    ck_assert(file_holds(output, ""));
}
END_TEST

/* ------------------------------------------------------------------------- main */

static TCase *new_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return tests;
}

static void add_told(Suite *suite)
{
    TCase *tests = new_case(suite, "told");

    tcase_add_test(tests, a_life_from_the_first_save_to_the_deletion_tells_this_and_nothing_else);
    tcase_add_test(tests, what_asks_and_changes_nothing_tells_nothing);
    tcase_add_loop_test(tests, both_events_of_a_save_are_about_the_state_that_is_saved, 0, 3);
    tcase_add_test(tests, a_program_without_an_event_function_lives_the_same);
    tcase_add_test(tests, every_kind_of_event_has_the_level_that_its_header_says);
    tcase_add_test(tests, an_event_of_no_file_and_no_state_has_an_empty_name_and_zeros);
    if (malloc_is_ours())
        tcase_add_loop_test(tests, an_event_for_whose_message_there_is_no_memory_still_says_what_happened, 0, 2);
    tcase_add_loop_test(tests, a_save_begins_after_every_get_function_and_before_its_slots_first_byte, 0, 2);
    tcase_add_loop_test(tests, a_state_is_called_durable_after_every_flush, 0, 2);
    tcase_add_loop_test(tests, the_library_itself_prints_nothing, 0, 2);
}

static void add_callback(Suite *suite)
{
    TCase *tests = new_case(suite, "callback");

    tcase_add_test(tests, a_callbacks_store_tells_the_function_that_its_options_name);
    tcase_add_loop_test(tests, a_hook_that_is_not_due_is_told_as_refused_in_the_words_of_its_message, 0,
                        COUNT(NOT_DUE));
    tcase_add_test(tests, a_hook_after_the_checkpoint_was_deleted_is_refused_in_its_directorys_name);
    tcase_add_test(tests, a_hook_of_a_callback_that_could_not_open_is_refused_in_its_directorys_name);
}

static void add_failures(Suite *suite)
{
    TCase *tests = new_case(suite, "failures");

    tcase_add_loop_test(tests, whichever_system_call_fails_a_save_tells_durable_or_failed_once_as_its_status_says, 0,
                        3 * COUNT(SAVE_ERRNO));
    tcase_add_test(tests, a_failed_flush_is_never_told_as_durable);
    tcase_add_test(tests, a_get_function_that_fails_fails_the_save_before_it_is_called_begun);
    tcase_add_test(tests, a_save_that_is_refused_because_nothing_was_restored_is_told);
    tcase_add_test(tests, a_save_of_a_reader_is_told_as_failed);
    tcase_add_test(tests, a_handle_that_is_not_open_tells_nothing);
}

static void add_restores(Suite *suite)
{
    TCase *tests = new_case(suite, "restores");

    tcase_add_test(tests, a_restore_is_told_with_the_state_that_it_gave);
    tcase_add_test(tests, a_restore_of_the_previous_state_on_purpose_is_no_fall_back);
    tcase_add_test(tests, nothing_is_told_where_there_is_no_checkpoint);
    tcase_add_loop_test(tests, a_damaged_state_is_told_as_rejected_before_the_fall_back_to_the_other, 0, 2);
    tcase_add_test(tests, a_slot_that_never_looked_whole_is_not_told_as_rejected);
    tcase_add_test(tests, two_damaged_states_are_told_before_the_restore_that_failed);
    tcase_add_test(tests, an_inspection_of_every_byte_tells_of_a_damaged_state_too);
    tcase_add_test(tests, a_save_that_finds_a_state_damaged_that_it_relies_on_tells_so);
    tcase_add_test(tests, a_restore_refused_by_the_system_is_told_as_failed);
    tcase_add_test(tests, a_restore_that_failed_half_way_is_told_as_failed);
    if (malloc_is_ours())
        tcase_add_test(tests, whichever_allocation_fails_a_restore_tells_its_status_once);
    tcase_add_test(tests, a_message_of_hundreds_of_differences_is_told_whole);
}

static void add_cleaning(Suite *suite)
{
    TCase *tests = new_case(suite, "cleaning");

    tcase_add_test(tests, going_from_two_slots_to_one_tells_of_the_slot_that_is_removed);
    tcase_add_test(tests, going_from_three_slots_to_two_tells_of_the_third_when_it_goes);
    tcase_add_test(tests, a_slot_that_cannot_be_removed_is_not_told_as_removed);
    tcase_add_loop_test(tests, a_leftover_is_told_by_name_when_it_is_removed, 0, COUNT(LEFTOVER));
    tcase_add_loop_test(tests, a_leftover_that_cannot_be_removed_is_not_told, 0, COUNT(LEFTOVER));
    tcase_add_test(tests, a_deletion_tells_of_the_leftovers_that_it_removes);
    tcase_add_loop_test(tests, what_is_no_file_under_a_leftovers_name_is_neither_removed_nor_told, 0,
                        3 * COUNT(LEFTOVER));
    tcase_add_loop_test(tests, after_a_save_killed_at_any_call_the_open_tells_of_every_file_that_it_removes, 0, 9);
    tcase_add_loop_test(tests, a_lock_that_is_made_anew_from_what_the_slots_say_is_told, 0, 3);
    tcase_add_test(tests, a_lock_that_cannot_be_repaired_is_not_told_as_repaired);
    tcase_add_test(tests, a_foreign_lock_is_no_repair);
    tcase_add_loop_test(tests, a_view_that_cannot_be_written_is_told_and_fails_no_save, 0, 2);
    tcase_add_test(tests, a_view_that_is_a_strangers_has_not_failed);
    tcase_add_test(tests, a_deletion_killed_at_any_call_is_told_by_the_open_that_finishes_it);
    tcase_add_test(tests, a_deletion_that_fails_is_not_told_and_the_one_that_succeeds_is);
    tcase_add_test(tests, a_reader_cleans_and_repairs_nothing_and_tells_of_no_such_thing);
    tcase_add_test(tests, a_reader_of_a_missing_directory_tells_nothing);
}

int main(void)
{
    Suite *suite = suite_create("event");

    add_told(suite);
    add_callback(suite);
    add_failures(suite);
    add_restores(suite);
    add_cleaning(suite);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
