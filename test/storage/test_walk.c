/* SPDX-License-Identifier: MIT */
/* Walking over blocks by a team: every block once, whatever the size, however many threads there are. */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "storage/system.h"
#include "storage/team.h"
#include "storage/walk.h"
#include "support/assert_h5ckpt.h"
#include "support/fixture.h"
#include "support/suite.h"

/* How many threads the system gives in one call of team_run(); the linker leads calls here (--wrap). */
static _Atomic unsigned threads_left = 1000;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*begin)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*begin)(void *), void *argument);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*begin)(void *), void *argument)
{
    if (threads_left == 0)
        return EAGAIN;
    threads_left--;
    return __real_pthread_create(thread, attributes, begin, argument);
}

static void give_threads(void)
{
    threads_left = 1000;
}

/* --------------------------------------------------------------------- team */

struct roll {
    _Atomic unsigned call_count[TEAM_SIZE_MAX];
    _Atomic bool signals_open; /* in any thread but the caller's */
    _Atomic bool faults_blocked;
    _Atomic bool cancellable; /* the caller's */
};

static void call_the_roll(void *context, unsigned member)
{
    struct roll *roll = context;
    sigset_t blocked;

    roll->call_count[member]++;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    if (member != 0 && (!sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGALRM)))
        roll->signals_open = true;
    if (sigismember(&blocked, SIGSEGV) || sigismember(&blocked, SIGBUS))
        roll->faults_blocked = true;
    if (member == 0) {
        int state;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
        roll->cancellable = state == PTHREAD_CANCEL_ENABLE;
    }
}

/* _i: threads that the system gives */
START_TEST(every_member_works_once_and_there_are_as_many_as_the_system_gives)
{
    for (unsigned size = 1; size <= TEAM_SIZE_MAX + 2; size++) {
        const unsigned wanted = size < TEAM_SIZE_MAX ? size : TEAM_SIZE_MAX;
        struct roll roll = {0};
        unsigned members = 0;
        threads_left = (unsigned)_i;
        team_run(size, call_the_roll, &roll);
        for (unsigned i = 0; i < TEAM_SIZE_MAX; i++) {
            ck_assert_uint_le(roll.call_count[i], 1);
            members += roll.call_count[i];
        }
        ck_assert_uint_eq(members, wanted < (unsigned)_i + 1 ? wanted : (unsigned)_i + 1);
        ck_assert(!roll.signals_open);
        ck_assert(!roll.faults_blocked); /* a handler of the program's may look after its memory */
        ck_assert(!roll.cancellable);    /* the members work on this thread's stack */
    }
}
END_TEST

START_TEST(the_callers_signals_are_as_they_were)
{
    struct roll roll = {0};
    sigset_t before, after;

    pthread_sigmask(SIG_SETMASK, NULL, &before);
    team_run(4, call_the_roll, &roll);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int number = 1; number < SIGRTMAX; number++)
        ck_assert_int_eq(sigismember(&before, number), sigismember(&after, number));
}
END_TEST

/* --------------------------------------------------------------------- walk */

static struct record geometry_of(uint64_t covered_bytes, uint64_t block_bytes)
{
    return (struct record){.block_bytes = block_bytes, .table_offset = FORMAT_USER_BLOCK_BYTES + covered_bytes};
}

struct visits {
    const struct record *geometry;
    _Atomic unsigned char *seen; /* by block */
    _Atomic uint64_t chunk_count;
    uint64_t fail_at; /* block; UINT64_MAX: none */
    bool fail_always;
};

static h5ckpt_status visit(void *context, const struct walk_chunk *chunk, struct error *error)
{
    struct visits *visits = context;
    uint64_t byte_count = 0;

    memset(chunk->bytes, (int)chunk->first_block, chunk->byte_count); /* whose room it is */
    visits->chunk_count++;
    for (uint64_t block = chunk->first_block; block < chunk->first_block + chunk->block_count; block++) {
        visits->seen[block]++;
        byte_count += record_block_length(visits->geometry, block);
        if (block == visits->fail_at || visits->fail_always)
            return error_set(error, H5CKPT_E_IO, "block %d", (int)block);
    }
    ck_assert_uint_eq(byte_count, chunk->byte_count);
    ck_assert_uint_eq(chunk->offset, record_block_offset(visits->geometry, chunk->first_block));
    size_t kept = 0; /* each assertion is a message to the runner: one for all */
    for (size_t i = 0; i < chunk->byte_count; i += 997)
        kept += chunk->bytes[i] == (unsigned char)chunk->first_block;
    ck_assert_uint_eq(kept, (chunk->byte_count + 996) / 997);
    return H5CKPT_OK;
}

static h5ckpt_status walk_over(const struct record *geometry, struct visits *visits, struct error *error)
{
    struct buffer buffer = BUFFER_NONE;
    h5ckpt_status status = walk_reserve(&buffer, geometry, error);

    visits->geometry = geometry;
    visits->seen = calloc(record_block_count(geometry), sizeof *visits->seen);
    ck_assert_ptr_nonnull(visits->seen);
    if (status == H5CKPT_OK)
        status = walk_chunks(geometry, &buffer, WALK_ANY_ORDER, visit, visits, error);
    buffer_free(&buffer);
    return status;
}

static const uint64_t COVERED[] = {
    4096,     65536,    69632,    1 << 20,          (1 << 20) + 4096, 4 << 20, (4 << 20) + 4096,
    15 << 20, 16 << 20, 17 << 20, (20 << 20) + 8192};
static const uint64_t BLOCK[] = {4096, 65536, 1 << 20, 1 << 23};

/* _i: how much; blocks of which size */
START_TEST(every_block_is_visited_once)
{
    const struct record geometry = geometry_of(COVERED[_i / 4], BLOCK[_i % 4]);
    struct visits visits = {.fail_at = UINT64_MAX};
    struct error error = ERROR_NONE;

    assert_status(walk_over(&geometry, &visits, &error), H5CKPT_OK);
    uint64_t seen_once = 0;
    for (uint64_t block = 0; block < record_block_count(&geometry); block++)
        seen_once += visits.seen[block] == 1;
    ck_assert_uint_eq(seen_once, record_block_count(&geometry));
    free((void *)visits.seen);
}
END_TEST

START_TEST(nobody_goes_on_after_a_failure)
{
    const struct record geometry = geometry_of(32 << 20, 65536);
    struct visits visits = {.fail_always = true};
    struct error error = ERROR_NONE;

    assert_status(walk_over(&geometry, &visits, &error), H5CKPT_E_IO);
    ck_assert_uint_le(visits.chunk_count, TEAM_SIZE_MAX);
    error_clear(&error);
    free((void *)visits.seen);
}
END_TEST

START_TEST(a_failure_anywhere_is_returned)
{
    const struct record geometry = geometry_of(32 << 20, 65536);

    for (uint64_t at = 0; at < record_block_count(&geometry); at += 331) {
        struct visits visits = {.fail_at = at};
        struct error error = ERROR_NONE;
        assert_status(walk_over(&geometry, &visits, &error), H5CKPT_E_IO);
        assert_mentions(error_message(&error), "block ");
        error_clear(&error);
        free((void *)visits.seen);
    }
}
END_TEST

/* ------------------------------------------------------------ a large state */

enum { LARGE_COUNT = 5 << 19, LARGE_EXTRA = 3 }; /* 20 MiB of float64, not a multiple of a block */

static double *large;

static h5ckpt_state *large_state(void)
{
    h5ckpt_state *state = h5ckpt_state_new();

    large = malloc((LARGE_COUNT + LARGE_EXTRA) * sizeof *large);
    ck_assert_ptr_nonnull(large);
    for (size_t i = 0; i < LARGE_COUNT + LARGE_EXTRA; i++)
        large[i] = (double)i * 0.5;
    h5ckpt_add(state, "large", H5CKPT_FLOAT64, 1, (const uint64_t[]){LARGE_COUNT + LARGE_EXTRA}, large);
    return state;
}

/* _i: threads that the system gives in all */
START_TEST(a_large_state_comes_back_bit_for_bit)
{
    h5ckpt_state *state = large_state();
    h5ckpt_store *store;
    struct h5ckpt_report report;

    threads_left = (unsigned)_i;
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    for (uint64_t epoch = 1; epoch <= 3; epoch++) {
        large[LARGE_COUNT] = (double)epoch;
        assert_status(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = epoch}), H5CKPT_OK);
    }
    memset(large, 0, (LARGE_COUNT + LARGE_EXTRA) * sizeof *large);
    assert_status(h5ckpt_restore(store, NULL, &report), H5CKPT_OK);
    ck_assert_uint_eq(report.progress.epoch, 3);
    size_t right = 0;
    for (size_t i = 0; i < LARGE_COUNT + LARGE_EXTRA; i++)
        right += large[i] == (i == LARGE_COUNT ? 3.0 : (double)i * 0.5);
    ck_assert_uint_eq(right, LARGE_COUNT + LARGE_EXTRA);
    assert_status(h5ckpt_inspect(store, &(struct h5ckpt_inspect_options){.depth = H5CKPT_DEVICE}, &report), H5CKPT_OK);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
    free(large);
}
END_TEST

/*
 * Two names for one array, of different content in the file: the last one there wins, whole, as if there were no
 * threads.
 */
START_TEST(two_variables_in_one_place_are_restored_in_order)
{
    enum { COUNT = 1 << 20 };
    double *first = calloc(COUNT, sizeof *first), *second = calloc(COUNT, sizeof *second);
    h5ckpt_store *store;

    for (int pass = 0; pass < 2; pass++) { /* saved apart; restored into one */
        h5ckpt_state *state = h5ckpt_state_new();
        h5ckpt_add(state, "first", H5CKPT_FLOAT64, 1, (const uint64_t[]){COUNT}, first);
        h5ckpt_add(state, "second", H5CKPT_FLOAT64, 1, (const uint64_t[]){COUNT}, pass == 0 ? second : first);
        assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
        for (size_t i = 0; i < COUNT && pass == 0; i++) {
            first[i] = 1.0;
            second[i] = 2.0;
        }
        if (pass == 0)
            assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
        for (unsigned again = 0; again < 10 && pass == 1; again++) {
            memset(first, 0, COUNT * sizeof *first);
            assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
            size_t right = 0;
            for (size_t i = 0; i < COUNT; i++)
                right += first[i] == 2.0;
            ck_assert_uint_eq(right, COUNT);
        }
        h5ckpt_close(store);
        h5ckpt_state_free(state);
    }
    free(first);
    free(second);
}
END_TEST

START_TEST(the_first_of_many_damaged_blocks_is_named_whichever_thread_found_it)
{
    h5ckpt_state *state = large_state();
    h5ckpt_store *store;
    struct h5ckpt_report report;

    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    for (uint64_t block = 7; block < 300; block += 31)
        file_flip_bit(in_backup("slot-a.h5"), 8 * (FORMAT_USER_BLOCK_BYTES + block * FORMAT_BLOCK_BYTES));
    assert_status(h5ckpt_inspect(store, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report),
                  H5CKPT_E_LOST);
    assert_mentions(report.slot[0].reason, "10 of ");
    assert_mentions(report.slot[0].reason, "the first is block 7 ");
    h5ckpt_close(store);
    h5ckpt_state_free(state);
    free(large);
}
END_TEST

static _Atomic unsigned later_reads;

/* The first chunk comes last. */
static ssize_t read_first_chunk_last(int descriptor, void *bytes, size_t byte_count, off_t offset)
{
    const bool is_chunk = byte_count >= FORMAT_BLOCK_BYTES;

    for (unsigned ms = 0; is_chunk && offset == FORMAT_USER_BLOCK_BYTES && later_reads < 8 && ms < 5000; ms++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    later_reads += is_chunk && offset != FORMAT_USER_BLOCK_BYTES;
    return system_kernel.read_at(descriptor, bytes, byte_count, offset);
}

static pthread_t inspector;
static uint64_t bytes_told;

static void note_progress(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
    (void)context;
    ck_assert(pthread_equal(pthread_self(), inspector));
    ck_assert_uint_le(bytes_done, bytes_total);
    bytes_told = bytes_done;
}

START_TEST(the_first_damaged_block_is_named_although_it_was_found_last)
{
    const struct h5ckpt_inspect_options options = {.depth = H5CKPT_ALL_BYTES, .progress = note_progress};
    struct system_calls calls = system_kernel;
    h5ckpt_state *state = large_state();
    h5ckpt_store *store;
    struct h5ckpt_report report;

    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    for (uint64_t block = 3; block < 300; block += 16)
        file_flip_bit(in_backup("slot-a.h5"), 8 * (FORMAT_USER_BLOCK_BYTES + block * FORMAT_BLOCK_BYTES));
    calls.read_at = read_first_chunk_last;
    system_calls = &calls;
    inspector = pthread_self();
    assert_status(h5ckpt_inspect(store, &options, &report), H5CKPT_E_LOST);
    system_calls = &system_kernel;
    ck_assert_uint_ge(bytes_told, LARGE_COUNT * sizeof *large);
    ck_assert_uint_ge(later_reads, 8);
    assert_mentions(report.slot[0].reason, "the first is block 3 ");
    h5ckpt_close(store);
    h5ckpt_state_free(state);
    free(large);
}
END_TEST

static _Atomic bool is_cut;

static ssize_t fail_and_cut(int descriptor, void *bytes, size_t byte_count, off_t offset)
{
    if (byte_count > FORMAT_BLOCK_BYTES && !atomic_exchange(&is_cut, true)) {
        ck_assert_int_eq(truncate(in_backup("slot-a.h5"), FORMAT_USER_BLOCK_BYTES), 0);
        errno = EIO;
        return -1;
    }
    return system_kernel.read_at(descriptor, bytes, byte_count, offset);
}

START_TEST(a_slot_that_is_cut_while_it_is_read_block_by_block_is_damaged)
{
    struct system_calls calls = system_kernel;
    h5ckpt_state *state = large_state();
    h5ckpt_store *store;
    struct h5ckpt_report report;

    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    threads_left = 0;
    calls.read_at = fail_and_cut;
    system_calls = &calls;
    assert_status(h5ckpt_inspect(store, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report),
                  H5CKPT_E_LOST);
    system_calls = &system_kernel;
    ck_assert(is_cut);
    ck_assert_int_eq(report.slot[0].state, H5CKPT_SLOT_DAMAGED);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
    free(large);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("walk");
    TCase *team = tcase_create("team"), *walk = tcase_create("walk"), *whole = tcase_create("a large state");

    tcase_add_checked_fixture(team, give_threads, give_threads);
    tcase_add_loop_test(team, every_member_works_once_and_there_are_as_many_as_the_system_gives, 0, TEAM_SIZE_MAX + 1);
    tcase_add_test(team, the_callers_signals_are_as_they_were);
    tcase_set_timeout(walk, 120);
    tcase_add_loop_test(walk, every_block_is_visited_once, 0, 4 * (int)(sizeof COVERED / sizeof *COVERED));
    tcase_add_test(walk, a_failure_anywhere_is_returned);
    tcase_add_test(walk, nobody_goes_on_after_a_failure);
    tcase_set_timeout(whole, 120);
    tcase_add_unchecked_fixture(whole, fixture_begin, fixture_end);
    tcase_add_checked_fixture(whole, fixture_setup, fixture_teardown);
    tcase_add_checked_fixture(whole, give_threads, give_threads);
    tcase_add_loop_test(whole, a_large_state_comes_back_bit_for_bit, 0, 5);
    tcase_add_test(whole, two_variables_in_one_place_are_restored_in_order);
    tcase_add_test(whole, the_first_of_many_damaged_blocks_is_named_whichever_thread_found_it);
    tcase_add_test(whole, the_first_damaged_block_is_named_although_it_was_found_last);
    tcase_add_test(whole, a_slot_that_is_cut_while_it_is_read_block_by_block_is_damaged);
    suite_add_tcase(suite, team);
    suite_add_tcase(suite, walk);
    suite_add_tcase(suite, whole);
    return suite_run(suite);
}
