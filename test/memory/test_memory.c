/* SPDX-License-Identifier: MIT */
/*
 * test_memory: memory runs out, everywhere. In every scenario each allocation of ours fails, in three ways: it alone;
 * it and all after it until the call returns; and until everything has been closed and freed as well.
 *
 *   the call         says H5CKPT_E_MEMORY, with a sentence; or it could do without (docs/decisions.md says what can)
 *   the program      is alive, its memory as it was where a restore failed, and its handle usable: the same call
 *                    succeeds once there is memory again
 *   the next process finds the last state that was acknowledged, and as many milestones as there were
 *   nothing          stays allocated
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory/scenario.h"
#include "memory/shortage.h"
#include "support/assert_h5ckpt.h"
#include "support/faults.h"
#include "support/form.h"
#include "support/suite.h"

enum {
    CALL_BYTES_MAX = 4096, /* of a message that is kept */
    ALLOCATIONS_MAX = 100000,
    TIMEOUT_SECONDS = 3600,
};

enum shortage_length { FOR_ONE, FOR_THE_CALL, TO_THE_END, LENGTH_COUNT };

static const char *const LENGTH_NAME[] = {"alone", "and all after it", "and all after it, to the end"};

struct counts {
    size_t cases;
    size_t failures;  /* of calls */
    size_t successes; /* of calls that could do without */
};

static struct counts *all; /* shared: each test is a process */
static struct world world;

struct shortage {
    const struct scenario *scenario;
    long which; /* 0: none */
    enum shortage_length length;
    /* what came of it */
    h5ckpt_status status;
    char message[CALL_BYTES_MAX];
    bool untouched; /* the program's memory */
    bool again;     /* it succeeded when there was memory again */
    long failed_count;
    long seen_count;
};

#define must(shortage, condition) must_(shortage, condition, #condition)

static void must_(const struct shortage *shortage, bool holds, const char *condition)
{
    ck_assert_msg(holds, "%s: allocation %ld %s: %s, \"%s\": %s does not hold", shortage->scenario->name,
                  shortage->which, LENGTH_NAME[shortage->length], h5ckpt_status_name(shortage->status),
                  shortage->message, condition);
}

static bool has_succeeded(const struct shortage *shortage)
{
    return shortage->status == shortage->scenario->success || shortage->status == H5CKPT_HISTORY_FULL;
}

static void check_answer(const struct shortage *shortage)
{
    const struct scenario *scenario = shortage->scenario;
    const h5ckpt_status failure = scenario->failure != 0 ? scenario->failure : H5CKPT_E_MEMORY;

    if (shortage->failed_count == 0)
        must(shortage, shortage->status == scenario->success);
    else if ((scenario->about & (ABOUT_WHAT_CAN_WAIT | ABOUT_ENDING)) != 0)
        must(shortage, shortage->status == failure || has_succeeded(shortage));
    else
        must(shortage, shortage->status == failure);
    must(shortage, shortage->status >= 0 || shortage->message[0] != '\0');
    if ((scenario->about & ABOUT_SAVING) != 0 && (scenario->about & ABOUT_ENDING) == 0)
        must(shortage, (shortage->status >= 0) == (world.durable_count == 1));
    if ((scenario->about & ABOUT_READING) != 0 && shortage->status < 0)
        must(shortage, shortage->untouched);
}

static void act(struct shortage *shortage)
{
    shortage->status = shortage->scenario->act(&world);
    snprintf(shortage->message, sizeof shortage->message, "%s", world.message);
}

static bool is_done(const struct shortage *shortage)
{
    const unsigned about = shortage->scenario->about;

    return (about & (ABOUT_SAVING | ABOUT_KEEPING_TOO)) != 0 ? world.durable_count > 0 : has_succeeded(shortage);
}

/* It starts while this one, which has closed everything, lives. */
static bool next_process_finds(const struct shortage *shortage, uint64_t number)
{
    const struct scenario *scenario = shortage->scenario;
    const unsigned before = scenario->before.milestones, after = scenario->after.milestones;
    unsigned min = is_done(shortage) || shortage->again ? after : before, max = min;
    int wait_status;

    if ((scenario->about & ABOUT_KEEPING_TOO) != 0 && shortage->failed_count > 0) {
        min = before < after ? before : after;
        max = before < after ? after : before;
    }
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0)
        _exit(world_finds(scenario, number, min, max) ? EXIT_SUCCESS : EXIT_FAILURE);
    return child > 0 && waitpid(child, &wait_status, 0) == child && wait_status == 0;
}

/* There is memory again. */
static void act_again(struct shortage *shortage)
{
    struct shortage second = *shortage;

    act(&second);
    ck_assert_msg(has_succeeded(&second), "%s: allocation %ld %s: %s; and then, with memory: %s, \"%s\"",
                  shortage->scenario->name, shortage->which, LENGTH_NAME[shortage->length], shortage->message,
                  h5ckpt_status_name(second.status), second.message);
    shortage->again = true;
}

/* Whatever the program does next with its handles. */
static uint64_t go_on(struct shortage *shortage)
{
    const struct scenario *scenario = shortage->scenario;
    uint64_t number;

    if (!has_succeeded(shortage) && (scenario->about & ABOUT_STOPPING) == 0)
        act_again(shortage);
    number = is_done(shortage) || shortage->again ? scenario->after.state : scenario->before.state;
    if ((scenario->about & ABOUT_GOING_ON) != 0) {
        must(shortage, world_goes_on(&world, scenario, number));
        number = GONE_ON;
    }
    world_end(&world);
    return number;
}

static void run(struct shortage *shortage)
{
    const struct scenario *scenario = shortage->scenario;
    const long live_count = shortage_live_count();
    uint64_t number;

    shortage_mark();
    world_begin(&world, scenario);
    shortage_begin(shortage->which, shortage->length != FOR_ONE);
    act(shortage);
    shortage->seen_count = shortage_seen();
    shortage->untouched = world_is_spoilt(&world, scenario->about);
    if (shortage->length == TO_THE_END)
        world_end(&world);
    shortage->failed_count = shortage_end();
    check_answer(shortage);
    number = is_done(shortage) ? scenario->after.state : scenario->before.state;
    if (shortage->length != TO_THE_END)
        number = go_on(shortage);
    if (shortage_live_count() != live_count)
        shortage_show_live();
    must(shortage, shortage_live_count() == live_count);
    must(shortage, next_process_finds(shortage, number));
    fixture_clear_backup();
}

static void count(const struct shortage *shortage)
{
    all->cases++;
    all->failures += shortage->failed_count > 0 && shortage->status < 0;
    all->successes += shortage->failed_count > 0 && shortage->status >= 0;
}

/* The short forms take every so many, and begin elsewhere in each scenario; the first and the last are among them. */
static long next_allocation(long which, long last, long stride)
{
    return which < last && which + stride > last ? last : which + stride;
}

/* _i: scenario */
START_TEST(a_call_without_memory_says_so_and_harms_nothing)
{
    struct shortage none = {.scenario = &scenarios[_i]};
    const bool is_large = (scenarios[_i].about & ABOUT_LARGE) != 0;
    const long stride = (long)(is_large ? form_count(60, 20, 1) : form_count(60, 6, 1));
    size_t cases = all->cases;

    run(&none); /* what libc keeps from a first time is not a leak */
    run(&none);
    ck_assert_int_lt(none.seen_count, ALLOCATIONS_MAX);
    for (int length = 0; length < LENGTH_COUNT; length++) {
        for (long which = 1; which <= none.seen_count; which = next_allocation(which, none.seen_count, stride)) {
            struct shortage shortage = {.scenario = none.scenario, .which = which, .length = length};
            run(&shortage);
            count(&shortage);
        }
    }
    printf("%s: %ld allocations, %zu cases\n", none.scenario->name, none.seen_count, all->cases - cases);
}
END_TEST

START_TEST(a_save_in_place_allocates_nothing)
{
    for (size_t i = 0; i < scenario_count; i++) {
        struct shortage none = {.scenario = &scenarios[i]};
        if (strcmp(none.scenario->name, "save in place") != 0)
            continue;
        run(&none);
        ck_assert_int_eq(none.seen_count, 0);
        return;
    }
    ck_abort_msg("there is no such scenario");
}
END_TEST

/* ------------------------------------------------------------------- strangers */

static struct standard standard;
static char other_directory[2 * PATH_BYTES];

static void make_other_directory(void)
{
    standard_history(2, 1, 4);
    snprintf(other_directory, sizeof other_directory, "%s/other", fixture_directory);
    ck_assert_int_eq(rename(fixture_backup, other_directory), 0);
}

/* The other directory's first slot comes under this name. */
static void put_foreign_slot(const char *name)
{
    static char path[sizeof other_directory + 16];

    snprintf(path, sizeof path, "%s/slot-a.h5", other_directory);
    if (file_exists(in_backup(name)))
        file_remove(in_backup(name));
    ck_assert_int_eq(link(path, in_backup(name)), 0);
}

static h5ckpt_status save_standard(h5ckpt_store *store)
{
    return h5ckpt_save(store, NULL);
}

/*
 * What a stranger's slot takes the place of while the store is open, and the call that would write over it or remove
 * it.
 */
static const struct intrusion {
    const char *name;
    unsigned slots_before; /* of the checkpoint; 0: there is none */
    h5ckpt_status (*act)(h5ckpt_store *store);
    bool can_succeed; /* without touching it */
} INTRUSIONS[] = {
    {"slot-a.h5", 2, save_standard, false},
    {"slot-b.h5", 0, save_standard, false},
    {"slot-c.h5", 3, save_standard, true},
    {"slot-c.h5", 2, h5ckpt_delete, false},
};

static h5ckpt_store *open_for(const struct intrusion *intrusion)
{
    if (intrusion->slots_before > 0)
        standard_history(intrusion->slots_before, 11, intrusion->slots_before == 3 ? 16 : 14);
    standard_make(&standard);
    h5ckpt_store *store = standard_open_slots(&standard, 2);
    ck_assert_int_ge(h5ckpt_restore(store, NULL, NULL), 0);
    if (intrusion->slots_before == 3) /* the rotation of two is about to be whole */
        assert_status(standard_save(store, &standard, 17), H5CKPT_OK);
    put_foreign_slot(intrusion->name);
    return store;
}

/* _i: what is intruded upon */
START_TEST(a_slot_of_another_directory_is_not_written_over_for_want_of_memory)
{
    const struct intrusion *intrusion = &INTRUSIONS[_i];
    long failed_count = 1;

    make_other_directory();
    for (long which = 1; failed_count > 0; which++) {
        h5ckpt_store *store = open_for(intrusion);
        const ino_t inode = file_inode(in_backup(intrusion->name));
        shortage_begin(which, false);
        const h5ckpt_status status = intrusion->act(store);
        failed_count = shortage_end();
        ck_assert_msg(status == H5CKPT_E_FOREIGN || (failed_count > 0 && status == H5CKPT_E_MEMORY) ||
                          (intrusion->can_succeed && status == H5CKPT_OK),
                      "allocation %ld: %s: %s", which, h5ckpt_status_name(status), h5ckpt_message(store));
        ck_assert_msg(file_exists(in_backup(intrusion->name)) && file_inode(in_backup(intrusion->name)) == inode,
                      "allocation %ld: %s is gone", which, intrusion->name);
        h5ckpt_close(store);
        standard_free(&standard);
        fixture_clear_backup();
        all->cases++;
    }
}
END_TEST

START_TEST(every_kind_of_outcome_was_met)
{
    printf("in all: %zu cases, %zu calls failed, %zu could do without\n", all->cases, all->failures, all->successes);
    ck_assert_uint_gt(all->failures, 100);
    ck_assert_uint_gt(all->successes, 10);
}
END_TEST

static void setup(void)
{
    fixture_setup();
    faults_clear();
    shortage_watch(SHORTAGE_OF_OURS);
}

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tests = tcase_create("ours"), *total = tcase_create("total");

    if (!shortage_is_possible()) {
        printf("left out: this process has an allocator that cannot be made to fail\n");
        return 77;
    }
    all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fixture_begin();
    tcase_add_checked_fixture(tests, setup, fixture_teardown);
    tcase_set_timeout(tests, TIMEOUT_SECONDS);
    tcase_add_loop_test(tests, a_call_without_memory_says_so_and_harms_nothing, 0, (int)scenario_count);
    tcase_add_test(tests, a_save_in_place_allocates_nothing);
    tcase_add_loop_test(tests, a_slot_of_another_directory_is_not_written_over_for_want_of_memory, 0,
                        (int)(sizeof INTRUSIONS / sizeof *INTRUSIONS));
    suite_add_tcase(suite, tests);
    tcase_add_test(total, every_kind_of_outcome_was_met);
    suite_add_tcase(suite, total);
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
