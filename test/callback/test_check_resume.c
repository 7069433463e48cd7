/* SPDX-License-Identifier: MIT */
/*
 * check_resume: a life that goes on from the previous state reaches the current one again and compares. First whole
 * runs (run.h), killed and checked; then a small program of which every hook's answer is looked at, and which may
 * forget a variable.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "callback/check.h"
#include "callback/run.h"
#include "support/assert_h5ckpt.h"
#include "support/fail_malloc.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum {
    TIMEOUT_SECONDS = 240,
    POINT_COUNT_MAX = 1024,
    SAVE_COUNT_MAX = 64,
    MOMENT_COUNT_MAX = 200,
    CALL_COUNT_MAX = 400,
    ANY_CALL =
        FAULT_OPEN | FAULT_READ | FAULT_WRITE | FAULT_FLUSH | FAULT_ALLOCATE | FAULT_LINK | FAULT_RENAME | FAULT_REMOVE,
};

static struct run_options options;

/* What all lives tell, in whatever process. */
static struct heard {
    unsigned error_count; /* events of that level */
    unsigned checked_count;
    h5ckpt_status checked; /* the last one */
    enum h5ckpt_level level;
    char message[4096];
    uint64_t moment_count; /* come by */
    uint64_t death;        /* the moment to be killed at, counted from 1; 0: none */
} * heard;

static void hear(void *context, const struct h5ckpt_event *event)
{
    (void)context;
    heard->error_count += event->level == H5CKPT_LEVEL_ERROR;
    if (event->kind != H5CKPT_EVENT_CHECKED)
        return;
    heard->checked_count++;
    heard->checked = event->status;
    heard->level = event->level;
    snprintf(heard->message, sizeof heard->message, "%s", event->message);
}

static void *share(size_t byte_count)
{
    void *bytes = mmap(NULL, byte_count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert(bytes != MAP_FAILED);
    return bytes;
}

static void begin_anew(void)
{
    fixture_clear_backup();
    run_forget();
    memset(heard, 0, sizeof *heard);
}

static struct h5ckpt_progress position(uint64_t epoch, uint64_t batch)
{
    return (struct h5ckpt_progress){.epoch = epoch, .batch = batch};
}

static bool is_at(struct h5ckpt_progress a, struct h5ckpt_progress b)
{
    return a.epoch == b.epoch && a.batch == b.batch;
}

/* ------------------------------------------------------------------------ place */

START_TEST(a_place_is_before_the_goal_or_at_it_or_beyond_it_by_epoch_and_then_by_batch)
{
    static const uint64_t NUMBER[] = {0, 1, 2, 3, UINT64_MAX - 1, UINT64_MAX};
    enum { N = COUNT(NUMBER) };

    for (size_t goal = 0; goal < N * N; goal++)
        for (size_t at = 0; at < N * N; at++) {
            const struct check check = {.goal = position(NUMBER[goal / N], NUMBER[goal % N])};
            const struct h5ckpt_progress here = position(NUMBER[at / N], NUMBER[at % N]);
            const enum check_place expected = at == goal ? CHECK_AT_GOAL : at < goal ? CHECK_BEFORE : CHECK_BEYOND;
            ck_assert_msg(check_place(&check, &here) == expected, "(%zu, %zu) from (%zu, %zu)", at / N, at % N,
                          goal / N, goal % N);
        }
}
END_TEST

START_TEST(the_number_of_steps_says_nothing_about_the_place)
{
    const struct check check = {.goal = {2, 3, 11}};

    ck_assert_int_eq(check_place(&check, &(struct h5ckpt_progress){2, 3, 0}), CHECK_AT_GOAL);
    ck_assert_int_eq(check_place(&check, &(struct h5ckpt_progress){2, 2, 99}), CHECK_BEFORE);
    ck_assert_int_eq(check_place(&check, &(struct h5ckpt_progress){2, 4, 0}), CHECK_BEYOND);
}
END_TEST

/* ------------------------------------------------------------------- whole runs */

static struct run_options checked(void)
{
    struct run_options with = options;

    with.callback.check_resume = true;
    return with;
}

static uint64_t ragged(uint64_t epoch)
{
    static const uint64_t BATCHES[] = {4, 1, 0, 3, 2, 0, 5};

    return BATCHES[epoch % COUNT(BATCHES)];
}

static void plain(void)
{
}

static void by_hooks(void)
{
    options.calls = RUN_BY_HOOKS;
}

static void two_at_once(void)
{
    options.steps_per_execution = 2;
    options.batches = 5;
    options.epochs = 3;
}

static void all_at_once(void)
{
    options.steps_per_execution = 1000;
}

static void of_unknown_length(void)
{
    options.batches_unknown = true;
}

static void of_unknown_length_two_at_once(void)
{
    options.batches_unknown = true;
    options.steps_per_execution = 2;
}

static void of_different_lengths(void)
{
    options.epochs = 7;
    options.batches_of = ragged;
}

static void of_different_lengths_three_at_once(void)
{
    options.epochs = 7;
    options.batches_of = ragged;
    options.steps_per_execution = 3;
}

static void of_one_epoch(void)
{
    options.epochs = 1;
    options.batches = 9;
}

static void (*const SHAPES[])(void) = {
    plain,
    by_hooks,
    two_at_once,
    all_at_once,
    of_unknown_length,
    of_unknown_length_two_at_once,
    of_different_lengths,
    of_different_lengths_three_at_once,
    of_one_epoch,
};

static const int64_t FREQS[] = {H5CKPT_EVERY_EPOCH, 1, 2, 3, 5};

enum { WORLD_COUNT = COUNT(SHAPES) * COUNT(FREQS) };

static void enter_world(int number)
{
    SHAPES[(size_t)number / COUNT(FREQS)]();
    options.callback.save_freq = FREQS[(size_t)number % COUNT(FREQS)];
}

/*
 * The second life, checked, after a first one that saved there: it starts at the last save but one, agrees at the last.
 */
static void assert_checked_life(const struct run_life *life, const struct h5ckpt_progress *saved, size_t count)
{
    const struct h5ckpt_progress nowhere = {0};
    const struct h5ckpt_progress *start = count == 0 ? &nowhere : count == 1 ? &saved[0] : &saved[count - 2];

    assert_status_message(life->begin_status, count == 0 ? H5CKPT_NO_CHECKPOINT : H5CKPT_OK, life->message);
    assert_position(life->next, start->epoch, start->batch);
    ck_assert_uint_eq(life->next.step, start->step);
    ck_assert_uint_eq(heard->checked_count, count == 0 ? 0 : 1);
    ck_assert_int_eq(heard->checked, count < 2 ? H5CKPT_OK : H5CKPT_LIVES_AGREE);
    ck_assert_uint_eq(run_count(RUN_BATCH, 1), run_undisturbed_batches(&options) - start->step);
    assert_as_undisturbed(*life, &options);
}

START_TEST(a_run_of_any_kind_killed_anywhere_agrees_once_where_it_had_saved_last_and_ends_the_same)
{
    static struct run_point point[POINT_COUNT_MAX];
    struct h5ckpt_progress saved[SAVE_COUNT_MAX];
    size_t count;

    enter_world(_i);
    const size_t point_count = run_undisturbed_points(&options, point, POINT_COUNT_MAX);
    const struct run_options with = checked();
    for (size_t i = (size_t)_i % 3; i < point_count; i += 3) {
        begin_anew();
        run_until(&options, point[i]);
        const struct h5ckpt_progress *all = run_saves(&count);
        ck_assert_uint_le(count, COUNT(saved));
        memcpy(saved, all, count * sizeof *saved);
        const struct run_life life = run_to_end(&with);
        assert_checked_life(&life, saved, count);
    }
}
END_TEST

static void die_in_time(void *context, struct run_point point)
{
    (void)context, (void)point;
    if (++heard->moment_count == heard->death)
        kill(getpid(), SIGKILL);
}

/* Three epochs are done and saved; a checked life is killed at its moment number `death`. False if it has fewer. */
static bool kill_checked_life(uint64_t death)
{
    struct run_options with = checked();

    begin_anew();
    run_until_moment(&options, RUN_EPOCH_DONE, 3, 0);
    heard->death = death;
    with.visit = die_in_time;
    return !run_anyhow(&with).ended;
}

static const int64_t KILLED_FREQS[] = {H5CKPT_EVERY_EPOCH, 2, 4, 5};

/* _i: how often it saves; and does the life after that check? */
START_TEST(a_checked_life_killed_at_any_moment_loses_nothing)
{
    const bool check_again = _i % 2 != 0;
    size_t count;

    options.callback.save_freq = KILLED_FREQS[_i / 2];
    for (uint64_t death = 1; kill_checked_life(death); death++) {
        const struct h5ckpt_progress *saved = run_saves(&count);
        const struct h5ckpt_progress newest = saved[count - 1];
        struct h5ckpt_progress stored;
        ck_assert_uint_lt(death, MOMENT_COUNT_MAX);
        memset(heard, 0, sizeof *heard);
        assert_status(run_stored(&options, &stored), H5CKPT_OK);
        ck_assert_mem_eq(&stored, &newest, sizeof newest);
        const struct run_options next = check_again ? checked() : options;
        const struct run_life life = run_to_end(&next);
        assert_status_message(life.begin_status, H5CKPT_OK, life.message);
        if (!check_again)
            assert_position(life.next, newest.epoch, newest.batch);
        ck_assert_uint_eq(heard->checked_count, check_again);
        ck_assert_int_eq(heard->checked, check_again ? H5CKPT_LIVES_AGREE : H5CKPT_OK);
        assert_as_undisturbed(life, &options);
    }
}
END_TEST

static bool is_verdict_seen;

/* Until the verdict, and by the verdict itself, nothing is written. */
static void check_untouched(void *context, struct run_point point)
{
    (void)context;
    if (point.moment == RUN_TRAIN_BEGUN)
        snapshot_before();
    if (!is_verdict_seen)
        assert_unchanged();
    is_verdict_seen = heard->checked_count != 0;
}

static const struct {
    int64_t save_freq;
    uint64_t epoch; /* the first position behind (3, 0) where a save is due */
    uint64_t batch;
} OTHER[] = {{H5CKPT_EVERY_EPOCH, 4, 0}, {H5CKPT_NEVER, 0, 0}, {1, 3, 1}, {2, 3, 1}, {11, 3, 2}};

START_TEST(nothing_is_written_before_the_verdict_though_by_another_save_freq_saves_are_due)
{
    size_t count;

    run_until_moment(&options, RUN_EPOCH_TOLD, 2, 0);
    struct run_options with = checked();
    with.callback.save_freq = OTHER[_i].save_freq;
    with.callback.save_before_preemption = OTHER[_i].save_freq == H5CKPT_NEVER;
    with.visit = check_untouched;
    is_verdict_seen = false;
    const struct run_life life = run_here(&with);
    assert_position(life.next, 2, 0);
    ck_assert_int_eq(heard->checked, H5CKPT_LIVES_AGREE);
    assert_as_undisturbed(life, &options);
    const struct h5ckpt_progress *saved = run_saves(&count);
    ck_assert_uint_eq(count > 3, with.callback.save_freq != H5CKPT_NEVER); /* 3 are the first life's */
    if (count > 3)                                                         /* what is due next is saved */
        assert_position(saved[3], OTHER[_i].epoch, OTHER[_i].batch);
}
END_TEST

START_TEST(a_goal_that_is_jumped_over_is_told_as_such_and_the_run_goes_on)
{
    options.callback.save_freq = 1;
    run_until_moment(&options, RUN_BATCH_TOLD, 2, 1);
    struct run_options with = checked();
    with.steps_per_execution = 1000;
    const struct run_life life = run_to_end(&with);
    assert_position(life.next, 2, 1);
    ck_assert_uint_eq(life.failure_count, 1);
    ck_assert_int_eq(life.failure, H5CKPT_E_ARGUMENT);
    assert_mentions(life.message, "epoch 2, batch 2"); /* where it was saved */
    assert_mentions(life.message, fixture_backup);
    ck_assert_uint_eq(heard->checked_count, 1);
    ck_assert_int_eq(heard->checked, H5CKPT_E_ARGUMENT);
    ck_assert_str_eq(heard->message, life.message);
    ck_assert(life.ended);
    ck_assert_uint_eq(life.digest, run_undisturbed_digest(&options));
}
END_TEST

/* by epochs (5, 0) is the last state, by batches (4, 3) */
START_TEST(a_run_that_is_complete_already_does_its_last_interval_again_and_agrees)
{
    options.callback.save_freq = _i == 0 ? H5CKPT_EVERY_EPOCH : 1;
    options.callback.delete_checkpoint = false;
    ck_assert(run_to_end(&options).ended);
    const struct run_options with = checked();
    for (unsigned life = 1; life <= 2; life++) { /* it is kept, so it can be asked again */
        const struct run_life again = run_to_end(&with);
        assert_position(again.next, 4, _i == 0 ? 0 : 2);
        ck_assert_uint_eq(heard->checked_count, life);
        ck_assert_int_eq(heard->checked, H5CKPT_LIVES_AGREE);
        assert_as_undisturbed(again, &options);
        ck_assert_uint_eq(run_count(RUN_BATCH, (int)life), _i == 0 ? 3 : 1);
    }
}
END_TEST

/* ------------------------------------------------ where there is nothing to check */

static void damage_block(const char *path)
{
    file_flip_bit(path, 8 * 4200);
}

static void tear(const char *path)
{
    file_cut(path, 5000);
}

static void (*const HARM[])(const char *path) = {damage_block, tear, file_remove};

/* What a life without the check gives, of a copy of the directory. */
static struct run_life life_of_a_copy(void)
{
    char copy[PATH_BYTES + 8];
    struct run_options without = options;

    snprintf(copy, sizeof copy, "%s-copy", fixture_backup);
    directory_copy(fixture_backup, copy);
    without.callback.backup_dir = copy;
    return run_to_end(&without);
}

/* A checked life that begins as an unchecked one, and says that it is not checked. */
static void assert_resumes_as_usual(void)
{
    const struct run_life usual = life_of_a_copy();
    const struct run_options with = checked();

    memset(heard, 0, sizeof *heard);
    const struct run_life life = run_to_end(&with);
    assert_status_message(life.begin_status, usual.begin_status, life.message);
    ck_assert_mem_eq(&life.next, &usual.next, sizeof life.next);
    ck_assert_int_eq(life.message[0] == '\0', usual.message[0] == '\0');
    ck_assert_uint_eq(heard->checked_count, 1);
    ck_assert_int_eq(heard->checked, H5CKPT_OK);
    ck_assert_int_eq(heard->level, H5CKPT_LEVEL_INFO);
    assert_mentions(heard->message, fixture_backup);
    assert_as_undisturbed(life, &options);
}

START_TEST(one_state_alone_is_resumed_from_as_usual)
{
    run_until_moment(&options, RUN_EPOCH_TOLD, 0, 0);
    assert_resumes_as_usual();
}
END_TEST

START_TEST(the_one_state_of_a_single_checkpoint_is_resumed_from_as_usual)
{
    options.callback.double_checkpoint = false;
    run_until_moment(&options, RUN_EPOCH_TOLD, 2, 0);
    options.callback.double_checkpoint = true;
    assert_resumes_as_usual();
}
END_TEST

/* _i: which state, and what happens to it */
START_TEST(a_state_beside_a_damaged_one_is_resumed_from_as_usual)
{
    run_until_moment(&options, RUN_EPOCH_TOLD, 1, 0);
    HARM[_i / 2](run_slot(&options, _i % 2 == 0 ? H5CKPT_CURRENT : H5CKPT_PREVIOUS));
    assert_resumes_as_usual();
}
END_TEST

START_TEST(no_state_is_a_fresh_start_of_which_nothing_is_said)
{
    const struct run_options with = checked();
    const struct run_life life = run_to_end(&with);

    assert_status(life.begin_status, H5CKPT_NO_CHECKPOINT);
    assert_position(life.next, 0, 0);
    ck_assert_uint_eq(heard->checked_count, 0);
    assert_as_undisturbed(life, &options);
}
END_TEST

START_TEST(two_states_of_which_none_is_readable_are_lost_as_usual)
{
    run_until_moment(&options, RUN_EPOCH_TOLD, 1, 0);
    damage_block(in_backup("slot-a.h5"));
    damage_block(in_backup("slot-b.h5"));
    const struct run_options with = checked();
    const struct run_life life = run_to_end(&with);
    assert_status(life.begin_status, H5CKPT_E_LOST);
    assert_position(life.next, 99, 99); /* untouched */
    ck_assert_uint_eq(heard->checked_count, 0);
}
END_TEST

START_TEST(other_variables_are_a_schema_error_as_usual)
{
    run_until_moment(&options, RUN_EPOCH_TOLD, 1, 0);
    struct run_options with = checked();
    with.moment_count++;
    run_to_end(&with); /* brings the view up to date, as every open does */
    snapshot_before();
    const struct run_life life = run_to_end(&with);
    assert_unchanged();
    assert_status(life.begin_status, H5CKPT_E_SCHEMA);
    assert_mentions(life.message, "optimizer/moments");
    ck_assert_uint_eq(heard->checked_count, 0);
    ck_assert_uint_eq(run_count(RUN_BATCH, 2), 0);
    const struct run_options again = checked();
    assert_as_undisturbed(run_to_end(&again), &options);
    ck_assert_int_eq(heard->checked, H5CKPT_LIVES_AGREE);
}
END_TEST

/* ------------------------------------------------------------- a small program */

enum { WEIGHT_COUNT = 40, ANSWER_COUNT_MAX = 64, BATCHES = 4 };

/* A new process begins with 0. What the weights become depends on it, and a forgetful program does not register it. */
static double momentum;

static struct toy {
    h5ckpt_state *state;
    double weights[WEIGHT_COUNT];
    double average; /* of the weights */
    uint64_t generator;
    uint64_t units; /* of work; asked for by a function */
    int get_fails;
    int put_fails; /* once */
    void (*getting)(void);
} toy;

enum ending { FINISHES, IS_KILLED, STOPS, IS_TOLD };

struct plan {
    struct h5ckpt_callback_options callback;
    uint64_t epochs;
    uint64_t at_once; /* batches before their hook is called */
    bool without_batch_hooks;
    bool forgets;
    struct h5ckpt_progress until; /* behind this hook it ends, if not by finishing: … */
    enum ending ending;           /* … killed; by leaving its loop; or so and with a train end, for `reason` */
    enum h5ckpt_reason reason;
    void (*before)(struct h5ckpt_progress at); /* called around each hook that has work finished up to there */
    void (*after)(struct h5ckpt_progress at);
};

struct answer {
    struct h5ckpt_progress at;
    h5ckpt_status status;
    char message[2048];
    uint64_t digest;              /* of the registered variables, but momentum */
    struct h5ckpt_progress known; /* what the store says of itself behind the hook */
};

struct life {
    h5ckpt_status new_status;
    h5ckpt_status begin_status;
    h5ckpt_status end_status;
    char message[2048]; /* of the last of these that was called */
    struct h5ckpt_progress next;
    size_t answer_count;
    struct answer answer[ANSWER_COUNT_MAX];
};

static struct plan plan;
static struct life first;
static struct life second;
static struct life *shared; /* with a process of its own */

static int get_units(void *context, void *bytes, size_t byte_count)
{
    (void)context;
    memcpy(bytes, &toy.units, byte_count);
    if (toy.getting != NULL)
        toy.getting();
    return toy.get_fails;
}

static int put_units(void *context, const void *bytes, size_t byte_count)
{
    const int failed = toy.put_fails;

    (void)context;
    toy.put_fails = 0;
    memcpy(&toy.units, bytes, byte_count);
    return failed;
}

static void toy_make(void)
{
    const struct h5ckpt_access access = {get_units, put_units, NULL};
    const int put_fails = toy.put_fails;
    h5ckpt_state *state = h5ckpt_state_new();

    toy = (struct toy){.state = state, .generator = 42, .put_fails = put_fails};
    momentum = 0;
    h5ckpt_add(state, "weights", H5CKPT_FLOAT64, 1, (const uint64_t[]){WEIGHT_COUNT}, toy.weights);
    h5ckpt_add(state, "average", H5CKPT_FLOAT64, 0, NULL, &toy.average);
    h5ckpt_add(state, "generator", H5CKPT_UINT64, 0, NULL, &toy.generator);
    h5ckpt_add_access(state, "units", H5CKPT_UINT64, 0, NULL, &access);
    if (!plan.forgets)
        h5ckpt_add(state, "momentum", H5CKPT_FLOAT64, 0, NULL, &momentum);
}

static uint64_t toy_digest(void)
{
    uint64_t digest = toy.generator ^ toy.units << 32;

    for (unsigned i = 0; i < WEIGHT_COUNT; i++) {
        uint64_t bits;
        memcpy(&bits, &toy.weights[i], sizeof bits);
        digest = (digest ^ bits) * UINT64_C(0x9e3779b97f4a7c15);
        digest ^= digest >> 29;
    }
    return digest;
}

static void do_batch(void)
{
    double sum = 0;

    toy.generator = toy.generator * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    momentum = 0.5 * momentum + (double)(toy.generator >> 48);
    for (unsigned i = 0; i < WEIGHT_COUNT; i++)
        sum += toy.weights[i] = 0.5 * toy.weights[i] + momentum * (i + 1);
    toy.average = sum / WEIGHT_COUNT;
    toy.units++;
}

typedef h5ckpt_status hook_function(h5ckpt_callback *callback, uint64_t number);

/* Call a hook with work finished up to `at`, and note its answer. Is there more to do? */
static bool finish(h5ckpt_callback *callback, hook_function *hook, uint64_t number, struct h5ckpt_progress at,
                   struct life *life)
{
    struct answer *answer = &life->answer[life->answer_count++];

    if (life->answer_count > ANSWER_COUNT_MAX)
        abort();
    if (plan.before != NULL)
        plan.before(at);
    answer->status = hook(callback, number);
    if (plan.after != NULL)
        plan.after(at);
    answer->at = at;
    answer->digest = toy_digest();
    answer->known = h5ckpt_progress(h5ckpt_callback_store(callback));
    snprintf(answer->message, sizeof answer->message, "%s", h5ckpt_callback_message(callback));
    if (plan.ending == FINISHES || !is_at(at, plan.until))
        return true;
    if (plan.ending == IS_KILLED)
        kill(getpid(), SIGKILL);
    return false;
}

static bool do_epoch(h5ckpt_callback *callback, struct h5ckpt_progress next, struct life *life)
{
    if (h5ckpt_on_epoch_begin(callback, next.epoch) < 0)
        abort();
    while (next.batch < BATCHES) {
        for (uint64_t i = 0; i < plan.at_once && next.batch < BATCHES; i++, next.batch++)
            do_batch();
        if (!plan.without_batch_hooks &&
            !finish(callback, h5ckpt_on_train_batch_end, next.batch - 1, position(next.epoch, next.batch), life))
            return false;
    }
    toy.units++;
    return finish(callback, h5ckpt_on_epoch_end, next.epoch, position(next.epoch + 1, 0), life);
}

static void train(h5ckpt_callback *callback, struct life *life)
{
    bool more = true;

    life->begin_status = h5ckpt_on_train_begin(callback, &life->next, NULL);
    snprintf(life->message, sizeof life->message, "%s", h5ckpt_callback_message(callback));
    if (life->begin_status < 0)
        return;
    for (struct h5ckpt_progress next = life->next; more && next.epoch < plan.epochs; next.epoch++, next.batch = 0)
        more = do_epoch(callback, next, life);
    if (!more && plan.ending == STOPS)
        return;
    life->end_status = h5ckpt_on_train_end(callback, more ? H5CKPT_FINISHED : plan.reason);
    snprintf(life->message, sizeof life->message, "%s", h5ckpt_callback_message(callback));
}

static void live(struct life *life)
{
    h5ckpt_callback *callback;

    memset(life, 0, sizeof *life);
    toy_make();
    life->new_status = h5ckpt_callback_new(&callback, toy.state, &plan.callback);
    snprintf(life->message, sizeof life->message, "%s", h5ckpt_callback_message(callback));
    if (life->new_status == H5CKPT_OK)
        train(callback, life);
    h5ckpt_callback_free(callback);
    h5ckpt_state_free(toy.state);
}

/* In a process of its own. Was it killed? */
static bool live_apart(struct life *life)
{
    int status;
    pid_t process = fork();

    ck_assert_int_ge(process, 0);
    if (process == 0) {
        live(shared);
        _exit(EXIT_SUCCESS);
    }
    ck_assert_int_eq(waitpid(process, &status, 0), process);
    ck_assert_msg(WIFSIGNALED(status) || WEXITSTATUS(status) == EXIT_SUCCESS, "wait status %d", status);
    *life = *shared;
    return WIFSIGNALED(status);
}

/* The first life: killed behind the hook at `until`. */
static void first_life(struct h5ckpt_progress until)
{
    const struct plan kept = plan;

    plan.until = until;
    plan.ending = IS_KILLED;
    plan.callback.check_resume = false;
    plan.before = plan.after = NULL;
    ck_assert(live_apart(&first));
    plan = kept;
}

/* The second, which checks: in this process, to its end as planned. */
static void second_life(void)
{
    plan.callback.check_resume = true;
    live(&second);
    assert_status_message(second.new_status, H5CKPT_OK, second.message);
    ck_assert_msg(second.begin_status >= 0, "%s", second.message);
}

static const struct answer *answer_at(const struct life *life, struct h5ckpt_progress at)
{
    for (size_t i = 0; i < life->answer_count; i++)
        if (is_at(life->answer[i].at, at))
            return &life->answer[i];
    ck_abort_msg("no hook was called at (%d, %d)", (int)at.epoch, (int)at.batch);
    return NULL;
}

/* The second life's hook at `at` gave this verdict, every other one OK; and that is what the event said. */
static void assert_verdict(h5ckpt_status verdict, struct h5ckpt_progress at)
{
    const struct answer *said = answer_at(&second, at);

    for (size_t i = 0; i < second.answer_count; i++)
        assert_status_message(second.answer[i].status, &second.answer[i] == said ? verdict : H5CKPT_OK,
                              second.answer[i].message);
    ck_assert_uint_eq(heard->checked_count, 1);
    ck_assert_int_eq(heard->checked, verdict);
    ck_assert_int_eq(heard->level, verdict < 0 ? H5CKPT_LEVEL_ERROR : H5CKPT_LEVEL_INFO);
    ck_assert_str_eq(heard->message, said->message);
}

/* Leaves the program as it starts; to be freed. */
static h5ckpt_store *toy_reader(void)
{
    struct h5ckpt_options reader = h5ckpt_options_default();
    h5ckpt_store *store;

    reader.mode = H5CKPT_READ_ONLY;
    toy_make();
    assert_status(h5ckpt_open(&store, fixture_backup, toy.state, &reader), H5CKPT_OK);
    return store;
}

/* Memory and position of a stored state, as anybody restores it. */
static uint64_t restored_digest(enum h5ckpt_which which, struct h5ckpt_progress *at)
{
    h5ckpt_store *reader = toy_reader();

    assert_status_message(h5ckpt_restore(reader, &(struct h5ckpt_restore_options){.which = which}, NULL), H5CKPT_OK,
                          h5ckpt_message(reader));
    *at = h5ckpt_progress(reader);
    h5ckpt_close(reader);
    h5ckpt_state_free(toy.state);
    return toy_digest();
}

/* The state stored is the one that `life` had at `at`. */
static void assert_stored(enum h5ckpt_which which, const struct life *life, struct h5ckpt_progress at)
{
    struct h5ckpt_progress stored;
    const uint64_t digest = restored_digest(which, &stored);

    assert_position(stored, at.epoch, at.batch);
    ck_assert_uint_eq(digest, answer_at(life, at)->digest);
}

/* --------------------------------------------------------------- what a hook says */

static const struct way {
    int64_t save_freq;
    uint64_t at_once;
    bool without_batch_hooks;
    struct h5ckpt_progress until; /* the first life is killed behind this hook */
    struct h5ckpt_progress start;
    struct h5ckpt_progress goal;
} WAYS[] = {
    {H5CKPT_EVERY_EPOCH, 1, false, {3, 0, 0}, {2, 0, 0}, {3, 0, 0}},
    {H5CKPT_EVERY_EPOCH, 1, false, {3, 3, 0}, {2, 0, 0}, {3, 0, 0}},
    {H5CKPT_EVERY_EPOCH, 1, true, {3, 0, 0}, {2, 0, 0}, {3, 0, 0}}, /* no batch hooks at all */
    {H5CKPT_EVERY_EPOCH, 3, false, {3, 0, 0}, {2, 0, 0}, {3, 0, 0}},
    {1, 1, false, {1, 2, 0}, {1, 1, 0}, {1, 2, 0}},
    {1, 1, false, {1, 1, 0}, {0, 4, 0}, {1, 1, 0}}, /* from (epoch, batches) */
    {1, 1, false, {2, 0, 0}, {1, 3, 0}, {1, 4, 0}}, /* to (epoch, batches) */
    {3, 1, false, {2, 2, 0}, {1, 2, 0}, {2, 1, 0}}, /* across epochs */
    {4, 1, false, {1, 4, 0}, {0, 4, 0}, {1, 4, 0}},
    {9, 1, false, {4, 4, 0}, {2, 1, 0}, {4, 2, 0}},
    {2, 2, false, {1, 2, 0}, {0, 4, 0}, {1, 2, 0}},
    {3, 2, false, {1, 2, 0}, {0, 4, 0}, {1, 2, 0}},
    {3, 4, false, {2, 4, 0}, {1, 4, 0}, {2, 4, 0}},
};

static void enter_way(const struct way *way)
{
    plan.callback.save_freq = way->save_freq;
    plan.at_once = way->at_once;
    plan.without_batch_hooks = way->without_batch_hooks;
}

/* What the last life without any callback has in the end. */
static uint64_t undisturbed_digest(void)
{
    toy_make();
    for (uint64_t epoch = 0; epoch < plan.epochs; epoch++, toy.units++)
        for (uint64_t batch = 0; batch < BATCHES; batch++)
            do_batch();
    h5ckpt_state_free(toy.state);
    return toy_digest();
}

/* From where to where, and in which directory. */
static void assert_mentions_way(const char *message, const struct way *way)
{
    char text[64];

    snprintf(text, sizeof text, "epoch %d, batch %d", (int)way->start.epoch, (int)way->start.batch);
    assert_mentions(message, text);
    snprintf(text, sizeof text, "epoch %d, batch %d", (int)way->goal.epoch, (int)way->goal.batch);
    assert_mentions(message, text);
    assert_mentions(message, fixture_backup);
}

START_TEST(the_hook_that_reaches_the_current_states_position_says_that_two_lives_agree)
{
    const struct way *way = &WAYS[_i];

    enter_way(way);
    first_life(way->until);
    second_life();
    assert_position(second.next, way->start.epoch, way->start.batch);
    assert_verdict(H5CKPT_LIVES_AGREE, way->goal);
    assert_mentions_way(answer_at(&second, way->goal)->message, way);
    assert_status(second.end_status, H5CKPT_OK);
    ck_assert_uint_eq(second.answer[second.answer_count - 1].digest, undisturbed_digest());
}
END_TEST

/* _i: agree, or differ. Else what is said there of the state before names an older one than is still there. */
START_TEST(from_the_verdict_on_the_stores_progress_is_that_of_the_current_state)
{
    plan.forgets = _i != 0;
    first_life(position(3, 0));
    second_life();
    assert_verdict(_i == 0 ? H5CKPT_LIVES_AGREE : H5CKPT_E_DIFFERS, position(3, 0));
    assert_position(answer_at(&second, position(2, BATCHES))->known, 2, 0);
    assert_position(answer_at(&second, position(3, 0))->known, 3, 0);
    assert_position(answer_at(&second, position(3, 1))->known, 3, 0);
}
END_TEST

static unsigned count_lines_of_variables(const char *message)
{
    unsigned count = 0;

    while ((message = strstr(message, "\n  '")) != NULL) {
        message++;
        count++;
    }
    return count;
}

START_TEST(a_forgotten_variable_is_found_by_exactly_those_that_depend_on_it)
{
    const struct way *way = &WAYS[_i];

    plan.forgets = true;
    enter_way(way);
    first_life(way->until);
    second_life();
    assert_position(second.next, way->start.epoch, way->start.batch);
    assert_verdict(H5CKPT_E_DIFFERS, way->goal);
    const char *message = answer_at(&second, way->goal)->message;
    ck_assert_uint_eq(count_lines_of_variables(message), 2);
    assert_mentions(message, "\n  'weights'");
    assert_mentions(message, "\n  'average'");
    assert_mentions_way(message, way);
    assert_status(second.end_status, H5CKPT_OK); /* it may go on to its end */
}
END_TEST

/* -------------------------------------------------- after the verdict, whatever it is */

enum outcome { AGREE, DIFFER, JUMP_OVER, NOT_COMPARED, OUTCOME_COUNT };

static const h5ckpt_status VERDICT[OUTCOME_COUNT] = {
    [AGREE] = H5CKPT_LIVES_AGREE,
    [DIFFER] = H5CKPT_E_DIFFERS,
    [JUMP_OVER] = H5CKPT_E_ARGUMENT,
    [NOT_COMPARED] = H5CKPT_E_CALLBACK,
};

static struct h5ckpt_progress goal;
static struct h5ckpt_progress told; /* where the verdict comes */
static struct h5ckpt_progress due;  /* the first save after it */

/* What goes wrong, or is watched, in the second life. */
static struct trouble {
    bool watched;      /* every byte stays as it was, up to the save that is due */
    bool get_fails;    /* at the verdict */
    long malloc_fails; /* at the verdict: that allocation */
    void (*act)(void); /* before the verdict */
    struct faults faults;
    struct h5ckpt_progress faulty; /* in the hook there … */
    struct h5ckpt_progress healed; /* … up to the one there, if that is another one */
    bool hit;
} trouble;

static void before_hook(struct h5ckpt_progress at)
{
    if (trouble.watched && second.answer_count == 1)
        snapshot_before();
    if (trouble.watched)
        assert_unchanged();
    toy.get_fails = trouble.get_fails && is_at(at, told) ? 9 : 0;
    if (trouble.act != NULL && is_at(at, told))
        trouble.act();
    if (is_at(at, trouble.faulty))
        faults_set(trouble.faults);
    if (is_at(at, told))
        malloc_fail_in = trouble.malloc_fails;
}

static void after_hook(struct h5ckpt_progress at)
{
    if (is_at(at, told) && trouble.malloc_fails != 0) {
        trouble.hit = malloc_fail_in == 0;
        malloc_fail_in = 0;
    }
    if (is_at(at, trouble.healed.epoch != 0 ? trouble.healed : trouble.faulty)) {
        trouble.hit = faults_hit();
        faults_clear();
    }
    if (trouble.watched && !is_at(at, due))
        assert_unchanged();
}

/* The first life; and the plan of a second one that comes to this outcome, and leaves its loop behind the next save. */
static void enter_outcome(enum outcome outcome)
{
    plan.forgets = outcome == DIFFER;
    plan.callback.save_freq = outcome == JUMP_OVER ? 1 : H5CKPT_EVERY_EPOCH;
    plan.at_once = 1;
    goal = outcome == JUMP_OVER ? position(1, 3) : position(2, 0);
    told = outcome == JUMP_OVER ? position(1, 4) : goal;
    due = outcome == JUMP_OVER ? position(2, 4) : position(3, 0);
    first_life(goal);
    plan.at_once = outcome == JUMP_OVER ? BATCHES : 1; /* (1, 2) and (1, 3) are stored */
    plan.before = before_hook;
    plan.after = after_hook;
    plan.ending = STOPS;
    plan.until = due;
    plan.callback.check_resume = true;
    trouble.get_fails = outcome == NOT_COMPARED;
}

static const char *slot_in_role(enum h5ckpt_role role)
{
    h5ckpt_store *reader = toy_reader();
    struct h5ckpt_report report;
    unsigned found = 0;

    h5ckpt_inspect(reader, NULL, &report);
    while (found < report.slot_count && report.slot[found].role != role)
        found++;
    ck_assert_uint_lt(found, report.slot_count);
    h5ckpt_close(reader);
    h5ckpt_state_free(toy.state);
    return in_backup(report.slot[found].name);
}

START_TEST(the_next_save_takes_the_older_states_slot_and_spares_the_one_that_was_compared)
{
    char older[2 * PATH_BYTES];

    enter_outcome((enum outcome)_i);
    snprintf(older, sizeof older, "%s", slot_in_role(H5CKPT_ROLE_PREVIOUS));
    second_life();
    assert_verdict(VERDICT[_i], told);
    ck_assert_str_eq(slot_in_role(H5CKPT_ROLE_CURRENT), older);
    assert_stored(H5CKPT_CURRENT, &second, due);
    assert_stored(H5CKPT_PREVIOUS, &first, goal);
}
END_TEST

START_TEST(up_to_the_next_save_every_byte_stays_as_it_was)
{
    enter_outcome((enum outcome)_i);
    trouble.watched = true;
    second_life();
    assert_verdict(VERDICT[_i], told);
}
END_TEST

START_TEST(a_life_that_ends_behind_the_verdict_leaves_every_byte_as_it_was)
{
    enter_outcome((enum outcome)_i);
    trouble.watched = true;
    plan.until = told;
    second_life();
    assert_verdict(VERDICT[_i], told);
    assert_unchanged();
    assert_stored(H5CKPT_CURRENT, &first, goal);
}
END_TEST

/* What is left when the next save was cut short or failed is the state that was compared, or the new one. */
static void assert_neither_is_lost(const struct life *undisturbed, long call)
{
    struct h5ckpt_progress stored;
    const uint64_t digest = restored_digest(H5CKPT_CURRENT, &stored);

    ck_assert_msg(is_at(stored, goal) || is_at(stored, due), "call %ld: (%d, %d) is left", call, (int)stored.epoch,
                  (int)stored.batch);
    ck_assert_uint_eq(digest, answer_at(is_at(stored, goal) ? &first : undisturbed, stored)->digest);
}

static void kill_here(void *context)
{
    (void)context;
    kill(getpid(), SIGKILL);
}

/* Begin anew, up to a second life in whose next save `faults` come. */
static void enter_faulty(enum outcome outcome, struct faults faults)
{
    begin_anew();
    enter_outcome(outcome);
    trouble.faults = faults;
    trouble.faulty = due;
    trouble.hit = false;
}

static void live_undisturbed(enum outcome outcome, struct life *life)
{
    enter_outcome(outcome);
    second_life();
    *life = second;
}

START_TEST(the_next_save_killed_at_any_call_leaves_the_compared_state_or_the_new_one)
{
    static struct life undisturbed;
    bool killed = true;
    long call = 0;

    live_undisturbed((enum outcome)_i, &undisturbed);
    for (; killed; call++) {
        ck_assert_int_lt(call, CALL_COUNT_MAX);
        enter_faulty((enum outcome)_i,
                     (struct faults){.calls = ANY_CALL, .first = call, .count = 1, .before = kill_here});
        killed = live_apart(&second);
        assert_neither_is_lost(&undisturbed, call);
    }
    ck_assert_int_gt(call, 10);
}
END_TEST

/* _i: outcome; does the call fail once or for as long as the save takes; does the life go on after that? */
START_TEST(the_next_save_that_fails_at_any_call_leaves_the_compared_state_and_a_later_one_succeeds)
{
    static struct life undisturbed;
    const enum outcome outcome = (enum outcome)(_i / 4);
    const long count = _i % 2 == 0 ? 1 : FAULTS_FOR_EVER;
    const bool goes_on = _i / 2 % 2 != 0;
    const struct h5ckpt_progress last =
        outcome == JUMP_OVER ? position(plan.epochs - 1, BATCHES) : position(plan.epochs, 0);
    bool hit = true;

    live_undisturbed(outcome, &undisturbed);
    for (long call = 0; hit; call++) {
        ck_assert_int_lt(call, CALL_COUNT_MAX);
        enter_faulty(outcome, (struct faults){.calls = ANY_CALL, .first = call, .count = count, .error = EIO});
        plan.ending = goes_on ? FINISHES : STOPS;
        plan.callback.delete_checkpoint = false;
        second_life();
        hit = trouble.hit;
        if (goes_on)
            assert_stored(H5CKPT_CURRENT, &second, last);
        else if (answer_at(&second, due)->status == H5CKPT_OK)
            assert_stored(H5CKPT_CURRENT, &undisturbed, due);
        else
            assert_neither_is_lost(&undisturbed, call);
    }
}
END_TEST

/* _i: agree, or differ */
START_TEST(a_comparison_for_which_there_is_no_memory_is_told_and_saving_stays_safe)
{
    bool failed = true;
    long which = 0;

    while (failed) {
        ck_assert_int_lt(which, CALL_COUNT_MAX);
        begin_anew();
        enter_outcome((enum outcome)_i);
        trouble.watched = true;
        trouble.malloc_fails = ++which;
        second_life();
        failed = trouble.hit;
        const struct answer *said = answer_at(&second, told);
        ck_assert_msg(said->status == VERDICT[_i] || (failed && said->status == H5CKPT_E_MEMORY),
                      "allocation %ld: %s: %s", which, h5ckpt_status_name(said->status), said->message);
        ck_assert_str_ne(said->message, "");
        assert_status(answer_at(&second, due)->status, H5CKPT_OK);
        assert_stored(H5CKPT_CURRENT, &second, due);
        assert_stored(H5CKPT_PREVIOUS, &first, goal);
    }
    ck_assert_int_gt(which, 5);
}
END_TEST

/* Too many open files, say. */
static struct faults no_slot_opens(void)
{
    return (struct faults){.calls = FAULT_OPEN, .name = "slot", .count = FAULTS_FOR_EVER, .error = EMFILE};
}

/* _i: in that hook only, or up to the one before the next save */
START_TEST(a_state_that_could_not_be_read_where_it_was_due_is_not_said_to_have_been_jumped_over)
{
    enter_outcome(AGREE);
    trouble.watched = true;
    trouble.faults = no_slot_opens();
    trouble.faulty = told;
    trouble.healed = _i == 0 ? told : position(2, BATCHES);
    second_life();
    assert_status(answer_at(&second, told)->status, H5CKPT_E_SYSTEM);
    ck_assert_uint_eq(heard->checked_count, 1);
    ck_assert_int_eq(heard->checked, H5CKPT_E_SYSTEM);
    for (size_t i = 0; i < second.answer_count; i++)
        ck_assert_msg(second.answer[i].status != H5CKPT_E_ARGUMENT, "%s", second.answer[i].message);
    assert_status(answer_at(&second, due)->status, H5CKPT_OK);
    assert_stored(H5CKPT_CURRENT, &second, due);
    assert_stored(H5CKPT_PREVIOUS, &first, goal);
}
END_TEST

/* When the comparison asks for the last variable, it has read the state. */
static void fail_after_reading(void)
{
    toy.getting = NULL;
    faults_set(no_slot_opens());
}

static void fail_when_read(void)
{
    toy.getting = fail_after_reading;
}

START_TEST(a_verdict_is_told_although_the_states_cannot_be_read_behind_it)
{
    enter_outcome((enum outcome)_i);
    trouble.watched = true;
    trouble.faulty = told;
    if (_i == JUMP_OVER)
        trouble.faults = no_slot_opens(); /* nothing is read for that verdict */
    else
        trouble.act = fail_when_read;
    second_life();
    assert_verdict(VERDICT[_i], told);
    if (_i == JUMP_OVER || _i == NOT_COMPARED)
        ck_assert(
            trouble.hit); /* else this shows nothing: the current state was still to be made the one that is spared */
    assert_stored(H5CKPT_CURRENT, &second, due);
    assert_stored(H5CKPT_PREVIOUS, &first, goal);
}
END_TEST

static char current_path[2 * PATH_BYTES];

static void damage_current(void)
{
    damage_block(current_path);
}

START_TEST(a_current_state_that_was_damaged_meanwhile_is_told_and_the_one_before_is_spared)
{
    enter_outcome(AGREE);
    snprintf(current_path, sizeof current_path, "%s", slot_in_role(H5CKPT_ROLE_CURRENT));
    trouble.act = damage_current;
    second_life();
    assert_verdict(H5CKPT_E_DAMAGED, told);
    assert_mentions(answer_at(&second, told)->message, strrchr(current_path, '/') + 1);
    assert_stored(H5CKPT_CURRENT, &second, due);
    assert_stored(H5CKPT_PREVIOUS, &first, position(1, 0));
}
END_TEST

/* -------------------------------------------------------------- how it may begin */

START_TEST(a_rollback_that_fails_half_way_is_made_up_for_by_the_current_state)
{
    first_life(position(3, 0));
    toy.put_fails = 3;
    second_life();
    assert_status(second.begin_status, H5CKPT_OK);
    assert_position(second.next, 3, 0);
    ck_assert_uint_eq(heard->checked_count, 1);
    ck_assert_int_eq(heard->checked, H5CKPT_OK);
    ck_assert_uint_eq(second.answer[second.answer_count - 1].digest, undisturbed_digest());
}
END_TEST

START_TEST(a_beginning_that_the_system_refuses_can_be_repeated_and_is_checked_then)
{
    struct h5ckpt_progress next = {99, 99, 99};
    h5ckpt_callback *callback;

    first_life(position(3, 0));
    toy_make();
    plan.callback.check_resume = true;
    assert_status(h5ckpt_callback_new(&callback, toy.state, &plan.callback), H5CKPT_OK);
    faults_set((struct faults){.calls = FAULT_OPEN, .name = "slot", .count = FAULTS_FOR_EVER, .error = EACCES});
    assert_status(h5ckpt_on_train_begin(callback, &next, NULL), H5CKPT_E_PERMISSION);
    assert_position(next, 99, 99);
    faults_clear();
    assert_status(h5ckpt_on_train_begin(callback, &next, NULL), H5CKPT_OK);
    assert_position(next, 2, 0);
    ck_assert_uint_eq(heard->checked_count, 0); /* it is under way */
    h5ckpt_callback_free(callback);
    h5ckpt_state_free(toy.state);
}
END_TEST

/* One save by hand, after a beginning afresh if `anew`. */
static void save_by_hand(struct h5ckpt_progress at, bool anew)
{
    h5ckpt_store *store;

    toy_make();
    assert_status(h5ckpt_open(&store, fixture_backup, toy.state, NULL), H5CKPT_OK);
    ck_assert_int_ge(anew ? h5ckpt_start_over(store) : h5ckpt_restore(store, NULL, NULL), 0);
    assert_status(h5ckpt_save(store, &at), H5CKPT_OK);
    h5ckpt_close(store);
    h5ckpt_state_free(toy.state);
}

/* _i: a program that began afresh beside an old state; one that saved twice at the same place */
START_TEST(where_no_work_lies_between_the_two_states_the_current_one_is_resumed_from_as_usual)
{
    save_by_hand(_i == 0 ? position(5, 0) : position(1, 0), false);
    save_by_hand(position(1, 0), _i == 0);
    second_life();
    assert_position(second.next, 1, 0);
    for (size_t i = 0; i < second.answer_count; i++)
        assert_status_message(second.answer[i].status, H5CKPT_OK, second.answer[i].message);
    ck_assert_uint_eq(heard->checked_count, 1);
    ck_assert_int_eq(heard->checked, H5CKPT_OK);
}
END_TEST

/* The settings that two lives saved with, the second one accepting what it met; and those of the checked third. */
static const struct {
    double previous, current, now;
} RATES[] = {{0.1, 0.2, 0.1}, {0.1, 0.2, 0.2}, {0.1, 0.1, 0.2}};

static void save_with_rate(double rate, struct h5ckpt_progress at)
{
    const struct h5ckpt_restore_options accepting = {.settings = H5CKPT_SETTINGS_ACCEPT};
    h5ckpt_store *store;

    toy_make();
    assert_status(h5ckpt_add_setting(toy.state, "rate", H5CKPT_FLOAT64, 0, NULL, &rate), H5CKPT_OK);
    assert_status(h5ckpt_open(&store, fixture_backup, toy.state, NULL), H5CKPT_OK);
    ck_assert_int_ge(h5ckpt_restore(store, &accepting, NULL), 0);
    assert_status(h5ckpt_save(store, &at), H5CKPT_OK);
    h5ckpt_close(store);
    h5ckpt_state_free(toy.state);
}

/* A checked life's train begin; `next` stays (99, 99) where it is refused. */
static h5ckpt_status begin_with_rate(double rate, struct h5ckpt_progress *next)
{
    h5ckpt_callback *callback;
    h5ckpt_status status;

    toy_make();
    assert_status(h5ckpt_add_setting(toy.state, "rate", H5CKPT_FLOAT64, 0, NULL, &rate), H5CKPT_OK);
    plan.callback.check_resume = true;
    assert_status(h5ckpt_callback_new(&callback, toy.state, &plan.callback), H5CKPT_OK);
    *next = position(99, 99);
    status = h5ckpt_on_train_begin(callback, next, NULL);
    h5ckpt_callback_free(callback);
    h5ckpt_state_free(toy.state);
    return status;
}

START_TEST(two_states_of_which_one_has_other_settings_are_not_compared_and_the_current_one_decides)
{
    const bool refused = RATES[_i].current != RATES[_i].now;
    struct h5ckpt_progress next;

    save_with_rate(RATES[_i].previous, position(1, 0));
    save_with_rate(RATES[_i].current, position(2, 0));
    heard->error_count = 0;
    assert_status(begin_with_rate(RATES[_i].now, &next), refused ? H5CKPT_E_SETTINGS : H5CKPT_OK);
    assert_position(next, refused ? 99 : 2, refused ? 99 : 0);
    ck_assert_uint_eq(heard->error_count, refused); /* of a start that is fine no error is told */
    ck_assert_uint_eq(heard->checked_count, !refused);
}
END_TEST

START_TEST(two_states_of_the_programs_settings_are_checked)
{
    struct h5ckpt_progress next;

    save_with_rate(0.1, position(1, 0));
    save_with_rate(0.1, position(2, 0));
    assert_status(begin_with_rate(0.1, &next), H5CKPT_OK);
    assert_position(next, 1, 0);
    ck_assert_uint_eq(heard->checked_count, 0); /* it is under way */
}
END_TEST

static bool select_all(void *context, const char *name)
{
    (void)context, (void)name;
    return true;
}

static void without_double_checkpoint(struct h5ckpt_callback_options *with)
{
    with->double_checkpoint = false;
}

static void with_previous(struct h5ckpt_callback_options *with)
{
    with->restore.which = H5CKPT_PREVIOUS;
}

static void with_intersection(struct h5ckpt_callback_options *with)
{
    with->restore.match = H5CKPT_INTERSECTION;
}

static void with_convert(struct h5ckpt_callback_options *with)
{
    with->restore.convert = H5CKPT_CONVERT;
}

static void with_staged(struct h5ckpt_callback_options *with)
{
    with->restore.memory = H5CKPT_STAGED;
}

static void with_renames(struct h5ckpt_callback_options *with)
{
    static const struct h5ckpt_rename RENAME = {"old", "weights"};

    with->restore.renames = &RENAME;
    with->restore.rename_count = 1;
}

static void with_select(struct h5ckpt_callback_options *with)
{
    with->restore.select = select_all;
}

static void (*const REFUSED[])(struct h5ckpt_callback_options *with) = {
    without_double_checkpoint, with_previous, with_intersection, with_convert, with_staged, with_renames, with_select,
};

START_TEST(check_resume_with_what_it_cannot_be_had_with_is_refused_by_name_and_changes_nothing)
{
    struct h5ckpt_progress next;
    h5ckpt_callback *callback;

    first_life(position(3, 0));
    snapshot_before();
    toy_make();
    plan.callback.check_resume = true;
    REFUSED[_i](&plan.callback);
    assert_status(h5ckpt_callback_new(&callback, toy.state, &plan.callback), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_callback_message(callback), "check_resume");
    assert_mentions(h5ckpt_callback_message(callback), _i == 0 ? "double_checkpoint" : "restore");
    assert_status(h5ckpt_on_train_begin(callback, &next, NULL), H5CKPT_E_ARGUMENT);
    h5ckpt_callback_free(callback);
    h5ckpt_state_free(toy.state);
    assert_unchanged();
}
END_TEST

START_TEST(without_check_resume_nothing_of_that_is_refused_for_its_sake)
{
    h5ckpt_callback *callback;

    toy_make();
    REFUSED[_i](&plan.callback);
    assert_status(h5ckpt_callback_new(&callback, toy.state, &plan.callback), H5CKPT_OK);
    h5ckpt_callback_free(callback);
    h5ckpt_state_free(toy.state);
}
END_TEST

/* ---------------------------------------------------------------- how it may end */

/* Every 6 batches: (1, 2) and (2, 4) are stored; the second life ends at (2, 0), between them. */
static void enter_early_end(void)
{
    plan.callback.save_freq = 6;
    first_life(position(2, 4));
    plan.until = position(2, 0);
    due = position(UINT64_MAX, 0);
    plan.before = before_hook;
    plan.after = after_hook;
}

static bool is_done(enum h5ckpt_reason reason)
{
    return reason == H5CKPT_FINISHED || reason == H5CKPT_STOPPED_EARLY;
}

/* _i: reason, and would it be deleted when done? */
START_TEST(a_training_that_is_done_before_the_verdict_differs_and_whatever_ends_it_both_states_stay)
{
    enter_early_end();
    plan.ending = IS_TOLD;
    plan.reason = (enum h5ckpt_reason)(_i % 5);
    plan.callback.delete_checkpoint = _i / 5 == 0;
    second_life();
    assert_status_message(second.end_status, is_done(plan.reason) ? H5CKPT_E_DIFFERS : H5CKPT_OK, second.message);
    ck_assert_uint_eq(heard->checked_count, is_done(plan.reason));
    if (is_done(plan.reason)) {
        ck_assert_int_eq(heard->checked, H5CKPT_E_DIFFERS);
        ck_assert_str_eq(heard->message, second.message);
        assert_mentions(second.message, "epoch 2, batch 0"); /* where it ended */
        assert_mentions(second.message, "epoch 2, batch 4"); /* what it should have come to */
        assert_mentions(second.message, fixture_backup);
    }
    assert_stored(H5CKPT_CURRENT, &first, position(2, 4));
    assert_stored(H5CKPT_PREVIOUS, &first, position(1, 2));
}
END_TEST

/* _i: told for a reason, or not even that */
START_TEST(a_training_that_ends_before_the_verdict_leaves_every_byte_as_it_was)
{
    enter_early_end();
    plan.ending = _i < 5 ? IS_TOLD : STOPS;
    plan.reason = (enum h5ckpt_reason)(_i % 5);
    trouble.watched = true;
    second_life();
    assert_unchanged();
}
END_TEST

/* ------------------------------------------------------------------------- main */

static void setup(void)
{
    faults_clear();
    fixture_setup();
    run_setup();
    heard = share(sizeof *heard);
    shared = share(sizeof *shared);
    trouble = (struct trouble){0};
    toy = (struct toy){0};
    options = run_options_default();
    options.callback.store.event = hear;
    plan = (struct plan){.callback = options.callback, .epochs = 6, .at_once = 1};
}

static void teardown(void)
{
    faults_clear();
    munmap(shared, sizeof *shared);
    munmap(heard, sizeof *heard);
    run_teardown();
    fixture_teardown();
}

static TCase *new_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, TIMEOUT_SECONDS);
    suite_add_tcase(suite, tests);
    return tests;
}

static void add_runs(Suite *suite)
{
    TCase *tests = new_case(suite, "runs");

    tcase_add_test(tests, a_place_is_before_the_goal_or_at_it_or_beyond_it_by_epoch_and_then_by_batch);
    tcase_add_test(tests, the_number_of_steps_says_nothing_about_the_place);
    tcase_add_loop_test(tests, a_run_of_any_kind_killed_anywhere_agrees_once_where_it_had_saved_last_and_ends_the_same,
                        0, WORLD_COUNT);
    tcase_add_loop_test(tests, a_checked_life_killed_at_any_moment_loses_nothing, 0, 2 * COUNT(KILLED_FREQS));
    tcase_add_loop_test(tests, nothing_is_written_before_the_verdict_though_by_another_save_freq_saves_are_due, 0,
                        COUNT(OTHER));
    tcase_add_test(tests, a_goal_that_is_jumped_over_is_told_as_such_and_the_run_goes_on);
    tcase_add_loop_test(tests, a_run_that_is_complete_already_does_its_last_interval_again_and_agrees, 0, 2);
}

static void add_unchecked(Suite *suite)
{
    TCase *tests = new_case(suite, "unchecked");

    tcase_add_test(tests, one_state_alone_is_resumed_from_as_usual);
    tcase_add_test(tests, the_one_state_of_a_single_checkpoint_is_resumed_from_as_usual);
    tcase_add_loop_test(tests, a_state_beside_a_damaged_one_is_resumed_from_as_usual, 0, 2 * COUNT(HARM));
    tcase_add_test(tests, no_state_is_a_fresh_start_of_which_nothing_is_said);
    tcase_add_test(tests, two_states_of_which_none_is_readable_are_lost_as_usual);
    tcase_add_test(tests, other_variables_are_a_schema_error_as_usual);
    tcase_add_test(tests, a_rollback_that_fails_half_way_is_made_up_for_by_the_current_state);
    tcase_add_test(tests, a_beginning_that_the_system_refuses_can_be_repeated_and_is_checked_then);
    tcase_add_loop_test(tests, where_no_work_lies_between_the_two_states_the_current_one_is_resumed_from_as_usual, 0,
                        2);
    tcase_add_loop_test(tests, two_states_of_which_one_has_other_settings_are_not_compared_and_the_current_one_decides,
                        0, COUNT(RATES));
    tcase_add_test(tests, two_states_of_the_programs_settings_are_checked);
    tcase_add_loop_test(tests, check_resume_with_what_it_cannot_be_had_with_is_refused_by_name_and_changes_nothing, 0,
                        COUNT(REFUSED));
    tcase_add_loop_test(tests, without_check_resume_nothing_of_that_is_refused_for_its_sake, 0, COUNT(REFUSED));
}

static void add_verdicts(Suite *suite)
{
    TCase *tests = new_case(suite, "verdicts");

    tcase_add_loop_test(tests, the_hook_that_reaches_the_current_states_position_says_that_two_lives_agree, 0,
                        COUNT(WAYS));
    tcase_add_loop_test(tests, from_the_verdict_on_the_stores_progress_is_that_of_the_current_state, 0, 2);
    tcase_add_loop_test(tests, a_forgotten_variable_is_found_by_exactly_those_that_depend_on_it, 0, COUNT(WAYS));
    tcase_add_loop_test(tests, the_next_save_takes_the_older_states_slot_and_spares_the_one_that_was_compared, 0,
                        OUTCOME_COUNT);
    tcase_add_loop_test(tests, up_to_the_next_save_every_byte_stays_as_it_was, 0, OUTCOME_COUNT);
    tcase_add_loop_test(tests, a_life_that_ends_behind_the_verdict_leaves_every_byte_as_it_was, 0, OUTCOME_COUNT);
    tcase_add_loop_test(tests, the_next_save_killed_at_any_call_leaves_the_compared_state_or_the_new_one, 0,
                        OUTCOME_COUNT);
    tcase_add_loop_test(tests, the_next_save_that_fails_at_any_call_leaves_the_compared_state_and_a_later_one_succeeds,
                        0, 4 * OUTCOME_COUNT);
    if (malloc_is_ours())
        tcase_add_loop_test(tests, a_comparison_for_which_there_is_no_memory_is_told_and_saving_stays_safe, 0, 2);
    tcase_add_loop_test(tests, a_state_that_could_not_be_read_where_it_was_due_is_not_said_to_have_been_jumped_over, 0,
                        2);
    tcase_add_loop_test(tests, a_verdict_is_told_although_the_states_cannot_be_read_behind_it, 0, OUTCOME_COUNT);
    tcase_add_test(tests, a_current_state_that_was_damaged_meanwhile_is_told_and_the_one_before_is_spared);
    tcase_add_loop_test(tests, a_training_that_is_done_before_the_verdict_differs_and_whatever_ends_it_both_states_stay,
                        0, 10);
    tcase_add_loop_test(tests, a_training_that_ends_before_the_verdict_leaves_every_byte_as_it_was, 0, 6);
}

int main(void)
{
    Suite *suite = suite_create("check_resume");

    add_runs(suite);
    add_unchecked(suite);
    add_verdicts(suite);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
