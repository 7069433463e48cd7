/* SPDX-License-Identifier: MIT */
/*
 * victim DIR LIFE MODE WEIGHTS: one life of a program that checkpoints, for kill_calls.py to end at any of its system
 * calls.
 *
 * What it says, unbuffered, is what the test may hold the library to:
 *
 *   may N         from now on a restore may give state N (0: that there is none), as well as what it might give before
 *   must N        from now on it gives state N, and nothing that was possible before
 *   best may N, best must N   likewise of the milestone "best" (0: there is none)
 *   slots N       so many there are from now on
 *
 * LIFE "check" is the life after a kill: it looks, restores, saves once more, and says what it found.
 */
#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h5ckpt.h"

enum {
    COUNTER_COUNT = 5,
    EXTRA_COUNT = 700,
    EXTRA_FROM = 1000, /* states from this number on have one variable more */
    NUMBER_SPOILT = 7777777,
};

static const char *directory;
static enum h5ckpt_save_mode mode;
static uint64_t weight_count;
static float *weights;
static uint64_t counters[COUNTER_COUNT]; /* the first is the state's number */
static double extra[EXTRA_COUNT];
static bool has_extra; /* registered */
static h5ckpt_state *state;
static h5ckpt_store *store;

static void say(const char *format, ...)
{
    char line[256];
    va_list arguments;

    va_start(arguments, format);
    const int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (write(STDOUT_FILENO, line, (size_t)length) != length)
        exit(EXIT_FAILURE);
}

static void fail(const char *what)
{
    fprintf(stderr, "victim: %s\n", what);
    exit(EXIT_FAILURE);
}

static void expect(h5ckpt_status actual, h5ckpt_status expected, const char *call)
{
    if (actual == expected)
        return;
    fprintf(stderr, "victim: %s: %s: %s\n", call, h5ckpt_status_name(actual), h5ckpt_message(store));
    exit(EXIT_FAILURE);
}

/* ------------------------------------------------------------------- the state */

static float weight_of(uint64_t number, uint64_t i)
{
    return (float)((number * 2654435761u + i * 40503u) % 16777213u);
}

static void become(uint64_t number)
{
    for (uint64_t i = 0; i < weight_count; i++)
        weights[i] = weight_of(number, i);
    for (uint64_t i = 0; i < COUNTER_COUNT; i++)
        counters[i] = number * (i + 1);
    for (uint64_t i = 0; i < EXTRA_COUNT; i++)
        extra[i] = (double)(number + i);
}

/* Which state memory is, all of it: never a mixture. */
static uint64_t number_in_memory(void)
{
    const uint64_t number = counters[0];

    for (uint64_t i = 0; i < weight_count; i++)
        if (weights[i] != weight_of(number, i))
            fail("a mixture: the weights are not those of the counters");
    for (uint64_t i = 0; i < COUNTER_COUNT; i++)
        if (counters[i] != number * (i + 1))
            fail("a mixture: a counter is not that of the others");
    for (uint64_t i = 0; has_extra && i < EXTRA_COUNT; i++)
        if (extra[i] != (double)(number + i))
            fail("a mixture: what was added is not of the same state");
    if (has_extra != (number >= EXTRA_FROM) || h5ckpt_progress(store).epoch != number)
        fail("a mixture: variables and progress are of different states");
    return number;
}

static void add_extra(void)
{
    h5ckpt_add(state, "extra", H5CKPT_FLOAT64, 1, (const uint64_t[]){EXTRA_COUNT}, extra);
    has_extra = true;
}

static void make_state(void)
{
    has_extra = false;
    state = h5ckpt_state_new();
    h5ckpt_add(state, "layer/weights", H5CKPT_FLOAT32, 1, &weight_count, weights);
    h5ckpt_add(state, "counters", H5CKPT_UINT64, 1, (const uint64_t[]){COUNTER_COUNT}, counters);
    become(NUMBER_SPOILT);
}

/* ------------------------------------------------------------------- its calls */

static void open_slots(unsigned slots)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.slots = slots;
    options.save_mode = mode;
    say("slots %u\n", slots);
    expect(h5ckpt_open(&store, directory, state, &options), H5CKPT_OK, "open");
}

static void open_reader(void)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.mode = H5CKPT_READ_ONLY;
    expect(h5ckpt_open(&store, directory, state, &options), H5CKPT_OK, "open");
}

/* Where state 0 is none. A life before this one may have left either structure. */
static uint64_t restore(h5ckpt_status *status)
{
    become(NUMBER_SPOILT);
    *status = h5ckpt_restore(store, NULL, NULL);
    if (*status == H5CKPT_E_SCHEMA) {
        add_extra();
        *status = h5ckpt_restore(store, NULL, NULL);
    }
    if (*status == H5CKPT_NO_CHECKPOINT) {
        become(0);
        return 0;
    }
    if (*status < 0)
        expect(*status, H5CKPT_OK, "restore");
    return number_in_memory();
}

static uint64_t restore_any(void)
{
    h5ckpt_status status;

    return restore(&status);
}

/*
 * State `number`, durable. In the background memory becomes another one as soon as that is allowed. A child that was
 * killed fails its save.
 */
static void save(uint64_t number)
{
    become(number);
    say("may %ju\n", (uintmax_t)number);
    h5ckpt_status status = h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = number});
    if (status == H5CKPT_OK && mode != H5CKPT_SAVE_SYNCHRONOUS) {
        h5ckpt_fence(store);
        become(NUMBER_SPOILT);
        status = h5ckpt_wait(store);
        become(number);
    }
    if (mode == H5CKPT_SAVE_FORKED && status < 0)
        say("failed %ju: %s\n", (uintmax_t)number, h5ckpt_message(store));
    else
        expect(status, H5CKPT_OK, "save");
    if (status == H5CKPT_OK)
        say("must %ju\n", (uintmax_t)number);
}

static void save_more(uint64_t after, unsigned count)
{
    if (has_extra && after < EXTRA_FROM) /* as after a deletion */
        after += EXTRA_FROM;
    for (uint64_t number = after + 1; number <= after + count; number++)
        save(number);
}

static void note_best(void *context, const struct h5ckpt_milestone *milestone)
{
    uint64_t *number = context;

    if (strcmp(milestone->name, "best") != 0)
        fail("a milestone that nobody made");
    if (milestone->state != H5CKPT_SLOT_INTACT)
        fail("the milestone is not intact");
    *number = milestone->progress.epoch;
}

static uint64_t best(void)
{
    uint64_t number = 0;

    expect(h5ckpt_list_milestones(store, H5CKPT_ALL_BYTES, note_best, &number), H5CKPT_OK, "list milestones");
    return number;
}

static void keep(void)
{
    const uint64_t number = h5ckpt_progress(store).epoch;

    say("best may %ju\n", (uintmax_t)number);
    expect(h5ckpt_keep(store, "best"), H5CKPT_OK, "keep");
    say("best must %ju\n", (uintmax_t)number);
}

static void roll_back(void)
{
    const uint64_t number = best();

    say("may %ju\n", (uintmax_t)number);
    expect(h5ckpt_roll_back(store, "best"), H5CKPT_OK, "roll back");
    say("must %ju\n", (uintmax_t)number);
}

static void close_store(void)
{
    h5ckpt_close(store);
    store = NULL;
}

/* ----------------------------------------------------------------------- lives */

static void live_fresh(void)
{
    open_slots(2);
    save_more(restore_any(), 3);
    close_store();
}

static void live_reserve(void)
{
    open_slots(2);
    restore_any();
    expect(h5ckpt_reserve(store), H5CKPT_OK, "reserve");
    save_more(0, 1);
    close_store();
}

static void live_on(void)
{
    open_slots(2);
    save_more(restore_any(), 2);
    close_store();
}

static void live_keep(void)
{
    open_slots(2);
    const uint64_t number = restore_any();
    keep();
    save_more(number, 1);
    keep();
    save_more(number + 1, 1);
    close_store();
}

static void live_roll_back(void)
{
    open_slots(2);
    roll_back();
    save_more(restore_any(), 1);
    close_store();
}

static void live_slots(void)
{
    static const unsigned SLOTS[] = {3, 1, 2};

    for (unsigned i = 0; i < sizeof SLOTS / sizeof SLOTS[0]; i++) {
        open_slots(SLOTS[i]);
        save_more(restore_any(), 3 - i);
        close_store();
    }
}

static void live_schema(void)
{
    struct h5ckpt_restore_options options = h5ckpt_restore_options_default();

    options.match = H5CKPT_INTERSECTION;
    add_extra();
    open_slots(2);
    expect(h5ckpt_restore(store, &options, NULL), H5CKPT_OK, "restore");
    save_more(counters[0] + EXTRA_FROM, 3);
    close_store();
}

static void live_read(void)
{
    struct h5ckpt_inspect_options options = h5ckpt_inspect_options_default();
    struct h5ckpt_report report;
    unsigned from_device = 0;

    options.depth = H5CKPT_DEVICE;
    open_reader();
    restore_any();
    expect(h5ckpt_inspect(store, &options, &report), H5CKPT_OK, "inspect");
    for (unsigned i = 0; i < report.slot_count; i++)
        from_device += report.slot[i].from_device;
    say("%u slots read past the page cache\n", from_device);
    best();
    close_store();
}

static void live_forget(void)
{
    open_slots(2);
    const uint64_t number = restore_any();
    say("best may 0\n");
    expect(h5ckpt_remove_milestone(store, "best"), H5CKPT_OK, "remove milestone");
    say("best must 0\n");
    save_more(number, 1);
    close_store();
}

static void live_delete(void)
{
    open_slots(2);
    restore_any();
    say("may 0\n");
    expect(h5ckpt_delete(store), H5CKPT_OK, "delete");
    say("must 0\n");
    close_store();
    open_slots(2);
    save_more(restore_any(), 1);
    close_store();
}

/* ----------------------------------------------------------- the life after it */

static unsigned count_intact(void)
{
    struct h5ckpt_inspect_options options = h5ckpt_inspect_options_default();
    struct h5ckpt_report report;
    unsigned count = 0;

    options.depth = H5CKPT_ALL_BYTES;
    h5ckpt_inspect(store, &options, &report);
    for (unsigned i = 0; i < report.slot_count; i++)
        count += report.slot[i].state == H5CKPT_SLOT_INTACT;
    return count;
}

static unsigned count_leftovers(void)
{
    DIR *names = opendir(directory);
    const struct dirent *entry;
    unsigned count = 0;

    while (names != NULL && (entry = readdir(names)) != NULL)
        count += strstr(entry->d_name, ".new") != NULL;
    if (names != NULL)
        closedir(names);
    return count;
}

static void live_check(void)
{
    h5ckpt_status status;

    open_reader();
    const unsigned intact_before = count_intact();
    close_store();
    open_slots(2);
    const unsigned leftovers = count_leftovers();
    const uint64_t restored = restore(&status);
    say("%s %ju intact %u leftovers %u ", h5ckpt_status_name(status), (uintmax_t)restored, intact_before, leftovers);
    save(restored + 1);
    if (restore(&status) != restored + 1)
        fail("what was saved after the kill is not what a restore gives");
    const unsigned intact_after = count_intact();
    const uint64_t kept = best();
    say("then intact %u best %ju\n", intact_after, (uintmax_t)kept);
    if (kept != 0) {
        expect(h5ckpt_roll_back(store, "best"), H5CKPT_OK, "roll back");
        close_store();
        h5ckpt_state_free(state);
        make_state(); /* it may be of the other structure */
        open_slots(2);
        if (restore(&status) != kept)
            fail("what is rolled back to is not the milestone");
    }
    close_store();
}

static const struct life {
    const char *name;
    void (*live)(void);
} LIFE[] = {
    {"fresh", live_fresh},         {"reserve", live_reserve}, {"on", live_on},         {"keep", live_keep},
    {"roll-back", live_roll_back}, {"slots", live_slots},     {"schema", live_schema}, {"read", live_read},
    {"forget", live_forget},       {"delete", live_delete},   {"check", live_check},
};

int main(int argc, char **argv)
{
    static const char *const MODE[] = {"synchronous", "staged", "fenced", "forked"};
    const struct life *life = NULL;

    if (argc != 5)
        fail("usage: victim DIR LIFE MODE WEIGHTS");
    directory = argv[1];
    for (unsigned i = 0; i < sizeof LIFE / sizeof LIFE[0]; i++)
        if (strcmp(LIFE[i].name, argv[2]) == 0)
            life = &LIFE[i];
    for (unsigned i = 0; i < sizeof MODE / sizeof MODE[0]; i++)
        if (strcmp(MODE[i], argv[3]) == 0)
            mode = (enum h5ckpt_save_mode)i;
    weight_count = strtoull(argv[4], NULL, 10);
    if (life == NULL)
        fail("no such life");
    weights = calloc(weight_count, sizeof *weights);
    make_state();
    life->live();
    h5ckpt_state_free(state);
    free(weights);
    return EXIT_SUCCESS;
}
