/* SPDX-License-Identifier: MIT */
/*
 * test_memory_hdf5: memory runs out inside HDF5. HDF5 does not survive that: it crashes, calls exit(), or is of no use
 * afterwards. So h5ckpt sees to it that it does not happen (hdf5_call.c), which is proven here; and that no structure
 * is ever taken for right that is not. What else comes of it is only counted.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checksum.h"
#include "memory/shortage.h"
#include "storage/hdf5/structure.h"
#include "support/assert_h5ckpt.h"
#include "support/form.h"
#include "support/suite.h"

enum {
    FEW = 8,
    VARIABLE_COUNT_MAX = 5000,
    NAME_BYTES = 32,
    MESSAGE_BYTES = 256,
    HANG_SECONDS = 30,
    TIMEOUT_SECONDS = 3600,
    PIECE_COUNT_MAX = 1000,
};

/* ------------------------------------------------------------------- structures */

static struct schema_entry entry[VARIABLE_COUNT_MAX];

/* Small and large ones, five to a group, and some names that need a group of the newer form. */
static struct schema schema_of(size_t count)
{
    static char name[VARIABLE_COUNT_MAX][NAME_BYTES];
    static const uint64_t shape[2] = {160, 256};

    for (size_t i = 0; i < count; i++) {
        const bool large = i % 3 == 0;
        snprintf(name[i], NAME_BYTES, "state/%s%zu/v%zu", i % 10 < 5 ? "group" : "größe", i / 5, i);
        entry[i] = (struct schema_entry){name[i],
                                         {.class = ELEMENT_FLOAT, .byte_count = 4, .order = ELEMENT_ORDER_LITTLE},
                                         large ? 2 : 1,
                                         shape,
                                         large ? 4 * shape[0] * shape[1] : 4 * shape[0]};
    }
    return (struct schema){entry, count};
}

static uint64_t mixed(uint64_t so_far, const void *bytes, size_t byte_count)
{
    const struct checksum digest = checksum_of(bytes, byte_count);
    uint64_t part;

    memcpy(&part, &digest, sizeof part);
    return so_far * 31 + part;
}

static uint64_t digest_of(const struct structure *structure)
{
    uint64_t digest = mixed(structure->end, structure->variable_offset,
                            structure->variable_count * sizeof *structure->variable_offset);

    for (size_t i = 0; i < structure->run_count; i++)
        digest = mixed(digest ^ structure->run[i].offset, structure->run[i].bytes, structure->run[i].byte_count);
    return digest;
}

/* ------------------------------------------------------------------------ a life */

enum { AT_BEGIN, IN_BUILD, AT_END }; /* of a life */

/* What a process that builds a structure leaves behind. */
struct life {
    int stage;
    int wait_status;
    h5ckpt_status status;
    h5ckpt_status again; /* with memory */
    uint64_t digest;
    uint64_t digest_again;
    char message[MESSAGE_BYTES];
    long seen_count;
    long failed_count;
    long live_count; /* blocks that stay */
};

static struct life *life; /* shared with the process */

static h5ckpt_status build(size_t variable_count, uint64_t *digest)
{
    const struct schema schema = schema_of(variable_count);
    struct structure structure = STRUCTURE_NONE;
    struct error error = ERROR_NONE;
    const h5ckpt_status status = structure_build(&structure, &schema, &error);

    *digest = status == H5CKPT_OK ? digest_of(&structure) : 0;
    snprintf(life->message, sizeof life->message, "%s", error_message(&error));
    structure_free(&structure);
    error_clear(&error);
    return status;
}

struct plan {
    size_t variable_count;
    bool warm; /* HDF5 has been used before */
    enum shortage_whose whose;
    long which;
    bool from_then_on;
    void (*at_hdf5)(void);
};

/* Nothing more is to be had from the system: somebody else has taken it. */
static void take_the_rest(void)
{
    setrlimit(RLIMIT_AS, &(struct rlimit){0, RLIM_INFINITY});
}

static void give_it_back(void)
{
    setrlimit(RLIMIT_AS, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
}

static void be_quiet(void)
{
    const int null = open("/dev/null", O_WRONLY);

    if (null >= 0)
        dup2(null, STDERR_FILENO);
}

static void live(const struct plan *plan)
{
    char message[MESSAGE_BYTES];
    uint64_t ignored;

    be_quiet();
    alarm(HANG_SECONDS);
    shortage_watch(plan->whose);
    if (plan->warm)
        build(plan->variable_count, &ignored);
    const long live_count = shortage_live_count();
    life->stage = IN_BUILD;
    shortage_at_hdf5(plan->at_hdf5, give_it_back);
    shortage_begin(plan->which, plan->from_then_on);
    life->status = build(plan->variable_count, &life->digest);
    memcpy(message, life->message, sizeof message);
    life->seen_count = shortage_seen();
    life->failed_count = shortage_end();
    life->live_count = shortage_live_count() - live_count;
    life->again = build(plan->variable_count, &life->digest_again);
    memcpy(life->message, message, sizeof message);
    life->stage = AT_END;
}

static void run(const struct plan *plan)
{
    *life = (struct life){.stage = AT_BEGIN};
    fflush(NULL);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        live(plan);
        exit(EXIT_SUCCESS); /* HDF5 cleans up */
    }
    ck_assert_int_eq(waitpid(child, &life->wait_status, 0), child);
}

static uint64_t right_digest(size_t variable_count)
{
    run(&(struct plan){.variable_count = variable_count, .whose = SHORTAGE_OF_HDF5});
    ck_assert_int_eq(life->stage, AT_END);
    ck_assert_int_eq(life->wait_status, 0);
    ck_assert_int_eq(life->status, H5CKPT_OK);
    ck_assert_uint_eq(life->digest, life->digest_again);
    return life->digest;
}

/* -------------------------------------------------------------------- contained */

static const size_t COUNTS[] = {1, FEW, 300, 2000, VARIABLE_COUNT_MAX};

/* _i: how many variables; has HDF5 been used before? */
START_TEST(hdf5_does_with_what_was_reserved_for_it_where_no_more_is_to_be_had)
{
    const size_t count = COUNTS[_i / 2];
    const uint64_t digest = right_digest(count);
    const struct plan plan = {
        .variable_count = count, .warm = _i % 2 != 0, .whose = SHORTAGE_OF_HDF5, .at_hdf5 = take_the_rest};

    run(&plan);
    ck_assert_msg(life->stage == AT_END && life->wait_status == 0, "it ended with %#x: %s: %s",
                  (unsigned)life->wait_status, h5ckpt_status_name(life->status), life->message);
    assert_status_message(life->status, H5CKPT_OK, life->message);
    ck_assert_uint_eq(life->digest, digest);
}
END_TEST

START_TEST(a_reserve_that_cannot_be_had_whole_is_given_back_and_hdf5_is_not_called)
{
    struct plan plan = {.variable_count = FEW, .whose = SHORTAGE_OF_RESERVE, .warm = true};
    long last;

    run(&plan);
    last = life->seen_count;
    ck_assert_int_gt(last, 30);
    ck_assert_int_lt(last, PIECE_COUNT_MAX);
    for (plan.which = 1; plan.which <= last; plan.which++) {
        run(&plan);
        ck_assert_msg(life->stage == AT_END && life->wait_status == 0, "allocation %ld: it ended with %#x", plan.which,
                      (unsigned)life->wait_status);
        assert_status(life->status, H5CKPT_E_MEMORY);
        ck_assert_str_ne(life->message, "");
        ck_assert_int_eq(life->live_count, 0);
        assert_status(life->again, H5CKPT_OK);
    }
}
END_TEST

/* ---------------------------------------------------------------------- measured */

enum outcome {
    RIGHT,       /* it did without */
    NO_MEMORY,   /* H5CKPT_E_MEMORY, and works again afterwards */
    HDF5_FAILED, /* H5CKPT_E_HDF5, likewise */
    OF_NO_USE,   /* an error, and every call afterwards fails as well */
    CRASH_LATER, /* an error, and a crash when it is used again or the process ends */
    CRASH,
    EXIT,
    HANG,
    WRONG, /* called right */
    OUTCOME_COUNT
};

static const char *const OUTCOME_NAME[] = {"right",          "H5CKPT_E_MEMORY", "H5CKPT_E_HDF5", "of no use afterwards",
                                           "crash later on", "crash",           "exit()",        "hang",
                                           "wrong"};

static enum outcome outcome_of_end(void)
{
    const bool is_killed = WIFSIGNALED(life->wait_status);

    if (is_killed && WTERMSIG(life->wait_status) == SIGALRM)
        return HANG;
    if (life->stage == IN_BUILD && life->status == H5CKPT_OK && life->digest == 0)
        return is_killed ? CRASH : EXIT;
    return CRASH_LATER;
}

static enum outcome outcome_now(uint64_t digest)
{
    if ((life->digest != 0 && life->digest != digest) || (life->digest_again != 0 && life->digest_again != digest))
        return WRONG;
    if (life->stage != AT_END || life->wait_status != 0)
        return outcome_of_end();
    if (life->status < 0 && life->again < 0)
        return OF_NO_USE;
    return life->status == H5CKPT_OK ? RIGHT : life->status == H5CKPT_E_MEMORY ? NO_MEMORY : HDF5_FAILED;
}

/* _i: has HDF5 been used before; does one allocation fail, or all from one on? */
START_TEST(no_structure_is_taken_for_right_that_hdf5_built_without_memory)
{
    const uint64_t digest = right_digest(FEW);
    struct plan plan = {
        .variable_count = FEW, .warm = _i / 2 != 0, .whose = SHORTAGE_OF_HDF5, .from_then_on = _i % 2 != 0};
    const long stride = (long)(plan.warm ? form_count(37, 4, 1) : form_count(370, 37, 1));
    size_t count[OUTCOME_COUNT] = {0};
    size_t total = 0;
    long last;

    run(&plan);
    last = life->seen_count;
    ck_assert_int_gt(last, 100);
    for (plan.which = 1; plan.which <= last; plan.which += stride, total++) {
        run(&plan);
        const enum outcome outcome = outcome_now(digest);
        count[outcome]++;
        ck_assert_msg(outcome != WRONG && outcome != HANG, "allocation %ld: %s", plan.which, OUTCOME_NAME[outcome]);
        ck_assert_msg(life->stage != AT_END || life->status == H5CKPT_OK || life->message[0] != '\0',
                      "allocation %ld: no word", plan.which);
    }
    printf("HDF5 %s, %s, %zu of its %ld allocations:", plan.warm ? "used before" : "for the first time",
           plan.from_then_on ? "all from one on fail" : "one fails", total, last);
    for (unsigned i = 0; i < OUTCOME_COUNT; i++)
        if (count[i] > 0)
            printf(" %s %zu;", OUTCOME_NAME[i], count[i]);
    printf("\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory-hdf5");
    TCase *contained = tcase_create("contained"), *measured = tcase_create("measured");

    if (!shortage_is_possible()) {
        printf("left out: this process has an allocator that cannot be made to fail\n");
        return 77;
    }
    life = mmap(NULL, sizeof *life, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    tcase_set_timeout(contained, TIMEOUT_SECONDS);
    tcase_add_loop_test(contained, hdf5_does_with_what_was_reserved_for_it_where_no_more_is_to_be_had, 0,
                        2 * (int)form_count(3, 4, sizeof COUNTS / sizeof *COUNTS));
    tcase_add_test(contained, a_reserve_that_cannot_be_had_whole_is_given_back_and_hdf5_is_not_called);
    suite_add_tcase(suite, contained);
    tcase_set_timeout(measured, TIMEOUT_SECONDS);
    tcase_add_loop_test(measured, no_structure_is_taken_for_right_that_hdf5_built_without_memory, 0, 4);
    suite_add_tcase(suite, measured);
    return suite_run(suite);
}
