/* SPDX-License-Identifier: MIT */
/*
 * Failing calls: at every system call of every public operation every errno that it can give, once and from then on;
 * transfers that fall short, calls that are interrupted, flushes that fail and forget. expectation.h says what may come
 * of it, trial.h what is checked.
 *
 * Full form: all of it. Short form: a sample of it, evenly spread. With H5CKPT_CALLS_LOG set violations are printed;
 * with H5CKPT_CALLS_SCENARIO only that scenario is tried.
 *
 * Linked with -Wl,--wrap=choose_past_cache,--wrap=history_capacity_for.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "calls/scenario.h"
#include "crash/seen.h"
#include "support/form.h"
#include "support/suite.h"

enum { TIMEOUT_SECONDS = 7200 };

/* With the processes in which libcheck runs the tests. */
static struct shared {
    size_t case_count;     /* tried, … */
    size_t possible_count; /* … of so many */
    size_t call_count;
    size_t scenario_count;
} * shared;

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ------------------------------------------------------------------------- the cases */

struct run {
    struct beginning *beginning;
    uint64_t key;      /* of scenario and variant */
    uint64_t number;   /* of the next case */
    uint64_t interval; /* one in so many is tried */
    bool lies;
    size_t tried;
};

static void try_case(struct run *run, struct fault fault)
{
    const uint64_t choice = seen_mix(run->key ^ seen_mix(run->number++));

    if (choice % run->interval != 0)
        return;
    fault.seed = choice;
    fault.lies = run->lies;
    trial_run(run->beginning, &fault, choice >> 16);
    run->tried++;
}

static bool is_worth_trying(const struct run *run, enum call call, enum manner manner, int error)
{
    const bool may_pass_at_once = error == EINTR || error == EAGAIN || error == EIO || error == ESTALE;

    if (manner == MANNER_FEW_TIMES)
        return may_pass_at_once;
    if (error == NO_ERRNO) /* "no" is no news of other calls */
        return manner != MANNER_EVERYTHING;
    return run->lies || call != CALL_OPEN || error != ENOENT;
}

static void try_manner(struct run *run, size_t at, enum call call, enum manner manner)
{
    if (!manner_has_errno(manner)) {
        try_case(run, (struct fault){.at = at, .manner = manner});
        return;
    }
    for (const int *error = call_errnos(call); *error != 0; error++)
        if (is_worth_trying(run, call, manner, *error))
            try_case(run, (struct fault){.at = at, .manner = manner, .error = *error});
}

static void try_storms(struct run *run, size_t call_count)
{
    static const size_t ONE_IN[] = {3, 8, 25};

    for (size_t i = 0; i < call_count; i++)
        try_case(run, (struct fault){.at = ONE_IN[i % 3], .manner = MANNER_STORM});
}

static size_t try_variant(const struct scenario *scenario, unsigned variant, struct violations *violations)
{
    struct run run = {.key = seen_mix((uint64_t)(scenario - SCENARIOS) * 64 + variant),
                      .interval = form_count(1250, 125, 1),
                      .lies = (scenario->directory & ONLY_READ) != 0};

    run.beginning = trial_begin(scenario, variant, violations);
    const size_t call_count = trial_count_calls(run.beginning);
    enum call *call = zeroed_or_abort(call_count, sizeof *call);
    for (size_t at = 0; at < call_count; at++)
        call[at] = injector_call(at)->call;
    for (size_t at = 0; at < call_count; at++)
        for (enum manner manner = 0; manner < MANNER_STORM; manner++)
            if (manner_fits(manner, call[at]))
                try_manner(&run, at, call[at], manner);
    try_storms(&run, call_count);
    free(call);
    trial_end(run.beginning);
    shared->case_count += run.tried;
    shared->possible_count += run.number;
    shared->call_count += call_count;
    return run.tried;
}

START_TEST(no_failing_call_costs_an_acknowledged_state_or_goes_unsaid)
{
    const struct scenario *scenario = &SCENARIOS[_i];
    const char *only = getenv("H5CKPT_CALLS_SCENARIO");
    struct violations violations = {0};
    const double begin = seconds_now();
    size_t tried = 0;

    if (only != NULL && strcmp(only, scenario->name) != 0)
        return;
    for (unsigned variant = 0; variant < scenario->variant_count; variant++)
        tried += try_variant(scenario, variant, &violations);
    printf("%s: %zu cases (%.1f s)\n", scenario->name, tried, seconds_now() - begin);
    fflush(stdout);
    shared->scenario_count++;
    ck_assert_msg(violations.count == 0, "%zu violations, the first: %s", violations.count, violations.first);
}
END_TEST

START_TEST(as_many_cases_were_tried_as_the_form_promises)
{
    printf("in all: %zu of %zu cases at %zu calls\n", shared->case_count, shared->possible_count, shared->call_count);
    if (shared->scenario_count == SCENARIO_COUNT) /* and not only those that CK_RUN_CASE chose */
        ck_assert_uint_ge(shared->case_count, form_count(200, 3000, 500000));
}
END_TEST

/* Once for all: settings belong to a state before it is first used. */
static void add_setting(void)
{
    static const double RATE = 0.5;

    h5ckpt_add_setting(model_state(MODEL_SMALL), "rate", H5CKPT_FLOAT64, 0, NULL, &RATE);
    h5ckpt_add_setting(model_state(MODEL_EXTENDED), "rate", H5CKPT_FLOAT64, 0, NULL, &RATE);
}

int main(void)
{
    Suite *suite = suite_create("failing calls");
    TCase *proof = tcase_create("proof"), *total = tcase_create("total");

    add_setting();
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return EXIT_FAILURE;
    tcase_set_timeout(proof, TIMEOUT_SECONDS);
    tcase_add_loop_test(proof, no_failing_call_costs_an_acknowledged_state_or_goes_unsaid, 0, (int)SCENARIO_COUNT);
    tcase_add_test(total, as_many_cases_were_tried_as_the_form_promises);
    suite_add_tcase(suite, proof);
    suite_add_tcase(suite, total);
    return suite_run(suite);
}
