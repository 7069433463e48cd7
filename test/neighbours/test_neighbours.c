/* SPDX-License-Identifier: MIT */
/*
 * test_neighbours: four processes on one directory. Each, over and over, is a writer that restores and saves, or a
 * reader that restores, compares, inspects and lists; now and then one is killed and another takes its place.
 *
 *   (1) There is one writer at a time. Another is told H5CKPT_E_BUSY.
 *   (2) What is restored is one whole state, and never older than the newest that was acknowledged when the restore
 *       began.
 *   (3) Nobody sees damage, a loss or a fall back: a save in progress is none, nor is a kill.
 *   (4) Where locks are given to whoever asks and four writers meet all the time, states are lost. What is restored is
 *       one whole state all the same, or an error: test_no_locks.c says what else is left. Older ones that are not said
 *       to be (docs/decisions.md) are counted.
 *
 * What all of them know is in memory that they share. Environment: H5CKPT_SEED.
 */
#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "storage/system.h"
#include "support/fixture.h"
#include "support/form.h"
#include "support/suite.h"

enum {
    NEIGHBOUR_COUNT = 4,
    WEIGHT_COUNT = 40000, /* more than is written in one piece */
    SAVES_MAX = 20,       /* of a writer before it closes */
    LOOKS_MAX = 4,        /* of a reader */
    KILL_EVERY_MS = 70,
    MESSAGE_BYTES = 512,
    PATIENCE_S = 60,
    NOBODY = -1,
};

/* ------------------------------------------------------------ what all of them know */

enum count { OPENS, BUSY, SAVES, UNSAVED, RESTORES, FALLS, UNSAID, PASSING, LOOKS, KILLS, COUNTS };

static const char *const COUNT_NAME[COUNTS] = {"opens",
                                               "busy",
                                               "saves",
                                               "saves refused",
                                               "restores",
                                               "falls back",
                                               "older without a word",
                                               "refused or overtaken",
                                               "other looks",
                                               "kills"};

struct shared {
    _Atomic bool stop;
    _Atomic bool failed;
    char message[MESSAGE_BYTES];   /* of who failed first */
    _Atomic uint64_t acknowledged; /* the newest state of which a save, or the wait for it, has returned H5CKPT_OK */
    _Atomic int writer;            /* who has the directory open as such; NOBODY */
    _Atomic bool doomed[NEIGHBOUR_COUNT]; /* it is being killed: what it had is free */
    _Atomic uint64_t count[COUNTS];
};

static struct shared *shared;
static bool locks_work;

/* --------------------------------------------------------------------- a neighbour */

static int me;
static uint64_t random_state;
static h5ckpt_state *state;
static h5ckpt_store *store;
static float weights[WEIGHT_COUNT];
static uint64_t number_in_memory;

static void count_one(enum count what)
{
    atomic_fetch_add(&shared->count[what], 1);
}

static _Noreturn void complain(const char *format, ...)
{
    va_list arguments;
    bool first = false;

    if (atomic_compare_exchange_strong(&shared->failed, &first, true)) {
        va_start(arguments, format);
        vsnprintf(shared->message, sizeof shared->message, format, arguments);
        va_end(arguments);
    }
    _exit(EXIT_FAILURE);
}

static unsigned draw(unsigned below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % below;
}

static float weight_of(uint64_t number, unsigned i)
{
    return (float)((number * 2654435761u + i * 40503u) % 16777213u);
}

static void become(uint64_t number)
{
    number_in_memory = number;
    for (unsigned i = 0; i < WEIGHT_COUNT; i++)
        weights[i] = weight_of(number, i);
}

static void check_whole(void)
{
    if (h5ckpt_progress(store).step != number_in_memory)
        complain("restored state %" PRIu64 " with the progress of another", number_in_memory);
    for (unsigned i = 0; i < WEIGHT_COUNT; i++)
        if (weights[i] != weight_of(number_in_memory, i))
            complain("restored a mixture: weight %u is not of state %" PRIu64, i, number_in_memory);
}

static void make_state(void)
{
    state = h5ckpt_state_new();
    h5ckpt_add(state, "weights", H5CKPT_FLOAT32, 1, (const uint64_t[]){WEIGHT_COUNT}, weights);
    h5ckpt_add(state, "number", H5CKPT_UINT64, 0, NULL, &number_in_memory);
}

/* ------------------------------------------------------------------------- writers */

static void claim_directory(void)
{
    int before = NOBODY;

    if (!atomic_compare_exchange_strong(&shared->writer, &before, me) && locks_work) {
        if (!atomic_load(&shared->doomed[before]))
            complain("two writers: %d and %d", before, me);
        atomic_store(&shared->writer, me);
    }
}

static void release_directory(void)
{
    int before = me;

    atomic_compare_exchange_strong(&shared->writer, &before, NOBODY);
}

static void acknowledge(uint64_t number)
{
    uint64_t newest = atomic_load(&shared->acknowledged);

    while (number > newest && !atomic_compare_exchange_weak(&shared->acknowledged, &newest, number))
        ;
    count_one(SAVES);
}

/* Durable. In the background memory is another one as soon as it may be. */
static bool save(uint64_t number, enum h5ckpt_save_mode mode)
{
    become(number);
    h5ckpt_status status = h5ckpt_save(store, &(struct h5ckpt_progress){.step = number});
    if (status == H5CKPT_OK && mode != H5CKPT_SAVE_SYNCHRONOUS) {
        h5ckpt_fence(store);
        become(0);
        status = h5ckpt_wait(store);
    }
    if (status == H5CKPT_OK) {
        acknowledge(number);
        return true;
    }
    if (locks_work)
        complain("a save: %s", h5ckpt_message(store));
    count_one(UNSAVED);
    return false;
}

static void keep_or_forget(void)
{
    const bool keeps = draw(2) == 0;
    const h5ckpt_status status = keeps ? h5ckpt_keep(store, "kept") : h5ckpt_remove_milestone(store, "kept");

    if (locks_work && status < 0 && !(status == H5CKPT_E_ARGUMENT && !keeps)) /* there is none to remove */
        complain("a milestone: %s", h5ckpt_message(store));
}

/* What a restore of a store may say, begun when state `oldest` had been acknowledged. */
static bool take_restored(h5ckpt_status status, uint64_t oldest)
{
    if (status == H5CKPT_NO_CHECKPOINT && oldest == 0)
        return false;
    if (status == H5CKPT_OK || (status == H5CKPT_FELL_BACK && !locks_work)) {
        check_whole();
        if (locks_work && number_in_memory < oldest)
            complain("restored state %" PRIu64 ", though %" PRIu64 " had been acknowledged", number_in_memory, oldest);
        count_one(status != H5CKPT_OK ? FALLS : number_in_memory < oldest ? UNSAID : RESTORES);
        return true;
    }
    if (locks_work)
        complain("a restore: %s: %s", h5ckpt_status_name(status), h5ckpt_message(store));
    count_one(PASSING);
    return false;
}

static void write_for_a_while(enum h5ckpt_save_mode mode)
{
    const uint64_t oldest = atomic_load(&shared->acknowledged);

    become(0);
    const h5ckpt_status status = h5ckpt_restore(store, NULL, NULL);
    const uint64_t number = take_restored(status, oldest) ? number_in_memory : 0;
    if (status < 0)
        return;
    for (unsigned i = 1; i <= 1 + draw(SAVES_MAX); i++)
        if (!save(number + i, mode))
            return;
    if (draw(4) == 0)
        keep_or_forget();
}

static void be_writer(void)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.save_mode = (enum h5ckpt_save_mode)draw(H5CKPT_SAVE_FORKED + 1);
    const h5ckpt_status status = h5ckpt_open(&store, fixture_backup, state, &options);
    if (status == H5CKPT_OK) {
        count_one(OPENS);
        claim_directory();
        write_for_a_while(options.save_mode);
        release_directory();
    } else if (status == H5CKPT_E_BUSY) {
        count_one(BUSY);
    } else if (locks_work) {
        complain("a writer's open: %s: %s", h5ckpt_status_name(status), h5ckpt_message(store));
    }
    h5ckpt_close(store);
}

/* ------------------------------------------------------------------------- readers */

static void restore_beside(void)
{
    struct h5ckpt_restore_options options = h5ckpt_restore_options_default();
    const uint64_t oldest = atomic_load(&shared->acknowledged);

    options.memory = (enum h5ckpt_memory)draw(H5CKPT_BLOCKWISE + 1);
    become(0);
    const h5ckpt_status status = h5ckpt_restore(store, &options, NULL);
    if (status == H5CKPT_E_OVERTAKEN || status == H5CKPT_E_MEMORY_CHANGED)
        count_one(PASSING);
    else
        take_restored(status, oldest);
}

static void compare_beside(void)
{
    const h5ckpt_status status = h5ckpt_compare(store, H5CKPT_CURRENT);

    if (locks_work && status != H5CKPT_OK && status != H5CKPT_E_DIFFERS && status != H5CKPT_E_OVERTAKEN &&
        status != H5CKPT_NO_CHECKPOINT)
        complain("a comparison: %s: %s", h5ckpt_status_name(status), h5ckpt_message(store));
}

static bool is_sound(enum h5ckpt_slot_state slot)
{
    return slot != H5CKPT_SLOT_DAMAGED && slot != H5CKPT_SLOT_MISSING && slot != H5CKPT_SLOT_FOREIGN &&
           slot != H5CKPT_SLOT_NEWER_VERSION && slot != H5CKPT_SLOT_UNREADABLE &&
           slot != H5CKPT_SLOT_INTERRUPTED_OR_DAMAGED;
}

static void inspect_beside(void)
{
    struct h5ckpt_inspect_options options = h5ckpt_inspect_options_default();
    const uint64_t oldest = atomic_load(&shared->acknowledged);
    struct h5ckpt_report report;

    options.depth = draw(2) == 0 ? H5CKPT_RECORDS : H5CKPT_ALL_BYTES;
    const h5ckpt_status status = h5ckpt_inspect(store, &options, &report);
    if (!locks_work || status == H5CKPT_E_OVERTAKEN || (status == H5CKPT_NO_CHECKPOINT && oldest == 0))
        return;
    if (status != H5CKPT_OK)
        complain("an inspection: %s: %s", h5ckpt_status_name(status), h5ckpt_message(store));
    if (report.progress.step < oldest)
        complain("an inspection says %" PRIu64 ", though %" PRIu64 " had been acknowledged", report.progress.step,
                 oldest);
    for (unsigned i = 0; i < report.slot_count; i++)
        if (!is_sound(report.slot[i].state))
            complain("an inspection calls %s %s: %s", report.slot[i].name, h5ckpt_slot_state_name(report.slot[i].state),
                     report.slot[i].reason);
}

static void check_milestone(void *context, const struct h5ckpt_milestone *milestone)
{
    (void)context;
    if (locks_work && milestone->state != H5CKPT_SLOT_INTACT)
        complain("milestone '%s' is %s: %s", milestone->name, h5ckpt_slot_state_name(milestone->state),
                 milestone->reason);
}

static void list_beside(void)
{
    const h5ckpt_status status = h5ckpt_list_milestones(store, H5CKPT_ALL_BYTES, check_milestone, NULL);

    if (status < 0 && locks_work)
        complain("a list of milestones: %s: %s", h5ckpt_status_name(status), h5ckpt_message(store));
}

static void be_reader(void)
{
    static void (*const LOOK[])(void) = {restore_beside, restore_beside, compare_beside, inspect_beside, list_beside};
    struct h5ckpt_options options = h5ckpt_options_default();

    options.mode = H5CKPT_READ_ONLY;
    const h5ckpt_status status = h5ckpt_open(&store, fixture_backup, state, &options);
    if (status < 0 && locks_work)
        complain("a reader's open: %s: %s", h5ckpt_status_name(status), h5ckpt_message(store));
    for (unsigned i = 0; status == H5CKPT_OK && i < 1 + draw(LOOKS_MAX); i++) {
        LOOK[draw(sizeof LOOK / sizeof LOOK[0])]();
        count_one(LOOKS);
    }
    h5ckpt_close(store);
}

static _Noreturn void be_neighbour(int index, uint64_t seed)
{
    me = index;
    random_state = seed;
    alarm(2 * PATIENCE_S); /* nobody waits for ever */
    make_state();
    while (!atomic_load(&shared->stop) && !atomic_load(&shared->failed)) {
        if (draw(2) == 0)
            be_writer();
        else
            be_reader();
    }
    h5ckpt_state_free(state);
    _exit(EXIT_SUCCESS);
}

/* ----------------------------------------------------------------------- all of them */

static pid_t start_neighbour(int index, uint64_t seed)
{
    const pid_t process = fork();

    ck_assert_int_ge(process, 0);
    if (process == 0)
        be_neighbour(index, seed);
    return process;
}

static void end_neighbour(pid_t process, bool killed)
{
    int status;

    ck_assert_int_eq(waitpid(process, &status, 0), process);
    if (killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return;
    ck_assert_msg(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || atomic_load(&shared->failed)),
                  "a neighbour ended with wait status %#x", status);
}

static int64_t now_ms(void)
{
    return system_kernel.monotonic_time_ns() / 1000000;
}

/* It is gone: what it had open is free, and its place is another one's. */
static void bury(int index)
{
    int before = index;

    atomic_compare_exchange_strong(&shared->writer, &before, NOBODY);
    atomic_store(&shared->doomed[index], false);
}

/* On a machine that is busy with other things it takes a while until each of these has happened. */
static bool enough_happened(void)
{
    return atomic_load(&shared->count[KILLS]) > 0 &&
           atomic_load(&shared->count[SAVES]) + atomic_load(&shared->count[UNSAVED]) > 0 &&
           (!locks_work || (atomic_load(&shared->count[RESTORES]) > 0 && atomic_load(&shared->count[BUSY]) > 0));
}

static void live_together(uint64_t seed)
{
    const int64_t end_ms = now_ms() + (int64_t)form_count(400, 2000, 30000);
    pid_t process[NEIGHBOUR_COUNT];

    random_state = seed;
    for (int i = 0; i < NEIGHBOUR_COUNT; i++)
        process[i] = start_neighbour(i, seed + (uint64_t)i + 1);
    while ((now_ms() < end_ms || !enough_happened()) && now_ms() < end_ms + 1000 * PATIENCE_S / 2 &&
           !atomic_load(&shared->failed)) {
        const int victim = (int)draw(NEIGHBOUR_COUNT);
        nanosleep(&(struct timespec){.tv_nsec = 1000 * (long)draw(2 * KILL_EVERY_MS * 1000)}, NULL);
        atomic_store(&shared->doomed[victim], true);
        kill(process[victim], SIGKILL);
        end_neighbour(process[victim], true);
        count_one(KILLS);
        bury(victim);
        process[victim] = start_neighbour(victim, seed + 17 * (uint64_t)atomic_load(&shared->count[KILLS]));
    }
    atomic_store(&shared->stop, true);
    for (int i = 0; i < NEIGHBOUR_COUNT; i++)
        end_neighbour(process[i], false);
}

static uint64_t seed_of_run(void)
{
    const char *text = getenv("H5CKPT_SEED");

    return text != NULL ? strtoull(text, NULL, 10) : (uint64_t)system_kernel.wall_time_ns() % 1000000007;
}

static void tell_counts(void)
{
    for (int i = 0; i < COUNTS; i++)
        printf("%s%" PRIu64 " %s", i == 0 ? "" : ", ", (uint64_t)atomic_load(&shared->count[i]), COUNT_NAME[i]);
    printf("\n");
    fflush(stdout);
}

static void setup(void)
{
    fixture_setup();
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    atomic_store(&shared->writer, NOBODY);
    locks_work = true;
}

static void teardown(void)
{
    munmap(shared, sizeof *shared);
    system_calls = &system_kernel;
    fixture_teardown();
}

static void run_neighbours(const char *name)
{
    const uint64_t seed = seed_of_run();

    printf("%s: seed %" PRIu64 "\n", name, seed);
    fflush(stdout);
    live_together(seed);
    tell_counts();
    ck_assert_msg(!atomic_load(&shared->failed), "seed %" PRIu64 ": %s", seed, shared->message);
    ck_assert_msg(enough_happened(), "too little happened");
}

START_TEST(four_processes_on_one_directory_see_whole_states_and_none_older_than_acknowledged)
{
    run_neighbours("neighbours");
}
END_TEST

/* ------------------------------------------------------------- where locks do not work */

static int give_to_all(int descriptor, int command, struct flock *range)
{
    (void)descriptor;
    if (command == F_OFD_GETLK)
        range->l_type = F_UNLCK;
    return 0;
}

START_TEST(four_processes_whose_locks_do_not_work_never_see_a_mixture)
{
    static struct system_calls calls;

    calls = system_kernel;
    calls.lock = give_to_all;
    system_calls = &calls;
    locks_work = false;
    run_neighbours("neighbours without locks");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("neighbours");
    TCase *tcase = tcase_create("neighbours");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 300);
    tcase_add_test(tcase, four_processes_on_one_directory_see_whole_states_and_none_older_than_acknowledged);
    tcase_add_test(tcase, four_processes_whose_locks_do_not_work_never_see_a_mixture);
    suite_add_tcase(suite, tcase);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
