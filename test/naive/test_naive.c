/* SPDX-License-Identifier: MIT */
/*
 * test_naive: the suites can fail. The usual designs and the library save the same states on the model of page cache
 * and device (support/simfs.h) and are killed, cut off and damaged alike. The library gives back what it should each
 * time; of every other design it is asserted which of its faults is found, and of the best of them, also which are not
 * there to be found.
 */
#include <check.h>
#include <fcntl.h>
#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash/seen.h"
#include "crash/states.h"
#include "h5ckpt.h"
#include "naive/engine.h"
#include "storage/system.h"
#include "support/form.h"
#include "support/suite.h"

enum {
    SAVE_COUNT = 4,
    CRASH_STATE_BYTES = 12 << 10,
    DAMAGE_STATE_BYTES = 192 << 10, /* three of the library's blocks */
    STATE_BYTES_MAX = DAMAGE_STATE_BYTES,
    PIECE_BYTES_MAX = 1 << 16,
    SEED = 20,
    TIMEOUT_SECONDS = 900,
};

/* --------------------------------------------------------------- the program */

/* Its state i: arrays of numbers and, as in any program, stretches of zeros. */
static void fill(unsigned char *state, size_t byte_count, uint64_t number)
{
    for (size_t i = 0; i < byte_count; i += 8) {
        const uint64_t value = i / 64 % 8 == 0 ? 0 : seen_mix(number << 32 | i);
        memcpy(state + i, &value, sizeof value);
    }
}

/* Which of its states is this? 0: none of them. */
static uint64_t number_of(const unsigned char *state, size_t byte_count)
{
    static unsigned char expected[STATE_BYTES_MAX];

    for (uint64_t number = 1; number <= SAVE_COUNT; number++) {
        fill(expected, byte_count, number);
        if (memcmp(state, expected, byte_count) == 0)
            return number;
    }
    return 0;
}

enum mark { MARK_SAVING, MARK_SAVED };

static void run(struct simfs *fs, const struct engine *engine, size_t byte_count)
{
    static unsigned char state[STATE_BYTES_MAX];

    for (uint64_t number = 1; number <= SAVE_COUNT; number++) {
        fill(state, byte_count, number);
        simfs_mark(fs, MARK_SAVING, number);
        ck_assert(engine->save(state, byte_count));
        simfs_mark(fs, MARK_SAVED, number);
    }
}

/* ------------------------------------------------------------------ judgement */

enum verdict {
    RIGHT,  /* the state saved last, or one that was being saved */
    TOLD,   /* that one is gone, and this was said; an older one may have been given back */
    TORN,   /* given back for a state, and none */
    SILENT, /* an older one, or none yet, and nothing was said */
    VERDICT_COUNT,
};

static enum verdict judge(const struct engine *engine, size_t byte_count, uint64_t saved, uint64_t begun)
{
    static unsigned char state[STATE_BYTES_MAX];
    const enum answer answer = engine->restore(state, byte_count);

    if (answer == ANSWER_ERROR)
        return saved == 0 ? RIGHT : TOLD;
    if (answer == ANSWER_NONE)
        return saved == 0 ? RIGHT : SILENT;
    const uint64_t number = number_of(state, byte_count);
    if (number == 0)
        return TORN;
    if (number >= saved && number <= begun)
        return RIGHT;
    return answer == ANSWER_OLDER ? TOLD : SILENT;
}

/* -------------------------------------------------------------------- crashes */

struct tally {
    size_t count[POWER_CUT + 1][VERDICT_COUNT];
};

struct trial { /* one engine's */
    const struct engine *engine;
    struct states states;
    struct tally tally;
    uint64_t random;
    uint64_t saved;
    uint64_t begun;
};

static void found_state(void *context, enum crash_kind kind)
{
    struct trial *trial = context;

    simfs_use(trial->states.image);
    trial->tally.count[kind][judge(trial->engine, CRASH_STATE_BYTES, trial->saved, trial->begun)]++;
}

static void crash_everywhere(struct trial *trial, struct simfs *replica, const struct simfs *log)
{
    for (size_t i = 0; i < simfs_op_count(log); i++) {
        const struct simfs_op *op = simfs_op_at(log, i);
        if (op->kind != SIMFS_MARK) {
            states_of_kill(&trial->states, replica, STATES_CACHE_IS_DEVICE);
            states_of_power_cuts(&trial->states, replica);
        }
        if (op->kind == SIMFS_WRITE)
            states_of_cuts(&trial->states, replica, op);
        if (op->kind == SIMFS_MARK)
            *(op->mark == MARK_SAVED ? &trial->saved : &trial->begun) = op->value;
        simfs_replay(replica, op);
    }
    states_of_power_cuts(&trial->states, replica);
}

static size_t kills(const struct tally *tally, enum verdict verdict)
{
    return tally->count[KILL_BETWEEN_CALLS][verdict] + tally->count[KILL_INSIDE_A_WRITE][verdict];
}

static size_t cuts(const struct tally *tally, enum verdict verdict)
{
    return tally->count[POWER_CUT][verdict];
}

static void print_shares(const struct tally *tally, const char *what, size_t (*of)(const struct tally *, enum verdict))
{
    const double all = (double)(of(tally, RIGHT) + of(tally, TOLD) + of(tally, TORN) + of(tally, SILENT));

    printf("  %6.0f %-11s %5.1f %% torn, %5.1f %% lost and told, %5.1f %% lost in silence\n", all, what,
           100 * (double)of(tally, TORN) / all, 100 * (double)of(tally, TOLD) / all,
           100 * (double)of(tally, SILENT) / all);
}

static struct tally crash(const struct engine *engine)
{
    struct trial trial = {.engine = engine};
    struct simfs *live = simfs_new(SEED), *replica = simfs_new(SEED);

    trial.states = (struct states){.effort = {.combination_count_max = form_count(4, 64, 256),
                                              .single_count_max = form_count(2, 32, 128),
                                              .group_choice_count_max = form_count(4, 16, 64),
                                              .random_count = form_count(2, 32, 256),
                                              .cut_count_max = form_count(2, 32, 128)},
                                   .random = &trial.random,
                                   .found = found_state,
                                   .context = &trial};
    states_begin(&trial.states, SEED);
    system_calls = &simfs_calls;
    simfs_use(live);
    run(live, engine, CRASH_STATE_BYTES);
    simfs_kill(live);
    if (engine->end != NULL)
        engine->end();
    crash_everywhere(&trial, replica, live);
    states_end(&trial.states);
    simfs_free(replica);
    simfs_free(live);
    printf("%s\n", engine->name);
    print_shares(&trial.tally, "kills:", kills);
    print_shares(&trial.tally, "power cuts:", cuts);
    fflush(stdout);
    return trial.tally;
}

static void assert_right(const struct tally *tally, size_t (*of)(const struct tally *, enum verdict))
{
    ck_assert_uint_gt(of(tally, RIGHT), 0);
    ck_assert_uint_eq(of(tally, TOLD), 0);
    ck_assert_uint_eq(of(tally, TORN), 0);
    ck_assert_uint_eq(of(tally, SILENT), 0);
}

START_TEST(the_library_is_right_after_every_kill_and_power_cut)
{
    const struct tally tally = crash(&LIBRARY);

    assert_right(&tally, kills);
    assert_right(&tally, cuts);
}
END_TEST

/* What finds fault with everything proves nothing. */
START_TEST(a_flushed_file_that_is_renamed_is_right_after_every_kill_and_power_cut)
{
    const struct tally plain = crash(&RENAMED), summed = crash(&FLETCHER32);

    assert_right(&plain, kills);
    assert_right(&plain, cuts);
    assert_right(&summed, kills);
    assert_right(&summed, cuts);
}
END_TEST

START_TEST(one_file_rewritten_in_place_is_torn_by_kills_and_power_cuts)
{
    const struct tally tally = crash(&IN_PLACE);

    ck_assert_uint_gt(kills(&tally, TORN), 0);
    ck_assert_uint_gt(cuts(&tally, TORN), 0);
}
END_TEST

START_TEST(a_backup_that_is_not_flushed_survives_kills_and_is_lost_or_torn_by_power_cuts)
{
    const struct tally tally = crash(&BACKUP);

    ck_assert_uint_eq(kills(&tally, TORN), 0);
    ck_assert_uint_gt(cuts(&tally, TORN), 0);
    ck_assert_uint_gt(cuts(&tally, SILENT), 0);
}
END_TEST

START_TEST(two_groups_of_one_file_survive_kills_and_are_torn_by_power_cuts)
{
    const struct tally tally = crash(&TWO_GROUPS);

    ck_assert_uint_eq(kills(&tally, TORN), 0);
    ck_assert_uint_gt(cuts(&tally, TORN), 0);
}
END_TEST

/* --------------------------------------------------------------------- damage */

enum damage { BIT_FLIPPED, PIECE_ZEROED, PIECES_SWAPPED, ZEROS_TO_ONES, DAMAGE_COUNT };

static const char *const DAMAGE_NAME[DAMAGE_COUNT] = {"flipped bits", "zeroed blocks", "swapped blocks",
                                                      "zeros that became ones"};

struct file_at { /* what is there now, to be put back */
    int file;
    size_t offset;
    size_t byte_count;
    unsigned char bytes[2 * PIECE_BYTES_MAX];
};

/* False: the file ends before. */
static bool take(struct file_at *at, int file, size_t offset, size_t byte_count)
{
    at->file = file;
    at->offset = offset;
    at->byte_count = byte_count;
    return system_calls->read_at(file, at->bytes, byte_count, (off_t)offset) == (ssize_t)byte_count;
}

static void put(const struct file_at *at, const unsigned char *bytes)
{
    ck_assert_int_eq(system_calls->write_at(at->file, bytes, at->byte_count, (off_t)at->offset),
                     (ssize_t)at->byte_count);
}

/* The damaged bytes; false: these cannot be damaged so, or it changes nothing. */
static bool damage_bytes(enum damage damage, const struct file_at *at, size_t number, unsigned char *bytes)
{
    const size_t half = at->byte_count / 2;
    size_t zeros = 0;

    memcpy(bytes, at->bytes, at->byte_count);
    if (damage == BIT_FLIPPED)
        bytes[0] ^= (unsigned char)(1u << number % 8);
    else if (damage == PIECE_ZEROED)
        memset(bytes, 0, at->byte_count);
    if (damage == PIECES_SWAPPED) {
        memcpy(bytes, at->bytes + half, half);
        memcpy(bytes + half, at->bytes, half);
    }
    while (damage == ZEROS_TO_ONES && zeros < 16 && at->bytes[zeros] == 0)
        bytes[zeros++] = 0xff;
    return memcmp(bytes, at->bytes, at->byte_count) != 0 && (damage != ZEROS_TO_ONES || zeros == 16);
}

/* How far it is from one place that is damaged to the next, and how much is damaged there. */
static size_t stride_of(enum damage damage, const struct engine *engine)
{
    return damage == BIT_FLIPPED ? form_count(997, 97, 13) : damage == ZEROS_TO_ONES ? 64 : engine->piece_bytes;
}

static size_t extent_of(enum damage damage, const struct engine *engine)
{
    return damage == BIT_FLIPPED     ? 1
           : damage == ZEROS_TO_ONES ? 16
                                     : engine->piece_bytes * (damage == PIECES_SWAPPED ? 2 : 1);
}

struct harm {
    size_t count[DAMAGE_COUNT][VERDICT_COUNT];
};

static void damage_file(const struct engine *engine, enum damage damage, int file, struct harm *harm)
{
    static unsigned char bytes[2 * PIECE_BYTES_MAX];
    static struct file_at at;
    const size_t stride = stride_of(damage, engine), extent = extent_of(damage, engine);
    size_t offset = damage == BIT_FLIPPED ? 0 : engine->first_piece;

    for (size_t number = 0; take(&at, file, offset, extent); number++, offset += stride) {
        if (!damage_bytes(damage, &at, number, bytes))
            continue;
        put(&at, bytes);
        harm->count[damage][judge(engine, DAMAGE_STATE_BYTES, SAVE_COUNT, SAVE_COUNT)]++;
        put(&at, at.bytes);
    }
}

static void print_harm(const struct engine *engine, const struct harm *harm)
{
    printf("%s\n", engine->name);
    for (enum damage damage = 0; damage < DAMAGE_COUNT; damage++) {
        const size_t *count = harm->count[damage];
        const size_t all = count[RIGHT] + count[TOLD] + count[TORN] + count[SILENT];
        printf("  %6zu %-23s %5.1f %% silent, %5.1f %% noticed, %5.1f %% harmless\n", all, DAMAGE_NAME[damage],
               100 * (double)(count[TORN] + count[SILENT]) / (double)all, 100 * (double)count[TOLD] / (double)all,
               100 * (double)count[RIGHT] / (double)all);
    }
    fflush(stdout);
}

static struct harm damage_everywhere(const struct engine *engine)
{
    struct simfs *fs = simfs_new(SEED);
    struct harm harm = {0};

    system_calls = &simfs_calls;
    simfs_use(fs);
    run(fs, engine, DAMAGE_STATE_BYTES);
    if (engine->end != NULL)
        engine->end();
    ck_assert_int_eq(judge(engine, DAMAGE_STATE_BYTES, SAVE_COUNT, SAVE_COUNT), RIGHT);
    const int file = system_calls->open_at(AT_FDCWD, engine->newest_file(), O_RDWR, 0);
    ck_assert_int_ge(file, 0);
    for (enum damage damage = 0; damage < DAMAGE_COUNT; damage++)
        damage_file(engine, damage, file, &harm);
    system_calls->close(file);
    simfs_free(fs);
    print_harm(engine, &harm);
    return harm;
}

static size_t silent(const struct harm *harm, enum damage damage)
{
    return harm->count[damage][TORN] + harm->count[damage][SILENT];
}

START_TEST(no_damage_is_silent_to_the_library)
{
    const struct harm harm = damage_everywhere(&LIBRARY);

    for (enum damage damage = 0; damage < DAMAGE_COUNT; damage++) {
        ck_assert_uint_gt(harm.count[damage][TOLD], 0);
        ck_assert_uint_eq(silent(&harm, damage), 0);
    }
}
END_TEST

static const struct engine *const WITHOUT_CHECKSUM[] = {&IN_PLACE, &BACKUP, &TWO_GROUPS, &RENAMED};

enum { WITHOUT_CHECKSUM_COUNT = sizeof WITHOUT_CHECKSUM / sizeof WITHOUT_CHECKSUM[0] };

START_TEST(without_a_checksum_every_damage_is_silent)
{
    const struct harm harm = damage_everywhere(WITHOUT_CHECKSUM[_i]);

    for (enum damage damage = 0; damage < DAMAGE_COUNT; damage++) {
        ck_assert_uint_gt(silent(&harm, damage), 0);
        ck_assert_uint_eq(harm.count[damage][TOLD], 0);
    }
}
END_TEST

START_TEST(fletcher32_notices_a_flipped_bit_but_no_zeroed_or_swapped_chunk_and_no_zeros_that_became_ones)
{
    const struct harm harm = damage_everywhere(&FLETCHER32);

    ck_assert_uint_gt(harm.count[BIT_FLIPPED][TOLD], 0);
    ck_assert_uint_eq(silent(&harm, BIT_FLIPPED), 0);
    ck_assert_uint_gt(silent(&harm, PIECE_ZEROED), 0);
    ck_assert_uint_gt(silent(&harm, PIECES_SWAPPED), 0);
    ck_assert_uint_gt(silent(&harm, ZEROS_TO_ONES), 0);
}
END_TEST

/* ------------------------------------------------------------------ a full disk */

enum { FULL_STATE_BYTES = 1 << 20, FULL_DISK_BYTES = 1 << 16, SAID = 7 };

static unsigned char full_state[FULL_STATE_BYTES];

static const char *path_in(const char *directory, const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

/* No file may grow beyond that. */
static void limit_files(rlim_t byte_count)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = byte_count;
    setrlimit(RLIMIT_FSIZE, &limit);
}

/* What either does there; true: it said that the state is not safe. */
static bool library_says_full(const char *directory)
{
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    h5ckpt_add(state, "state", H5CKPT_UINT8, 1, (const uint64_t[]){sizeof full_state}, full_state);
    const bool open = h5ckpt_open(&store, path_in(directory, "backup"), state, NULL) == H5CKPT_OK;
    limit_files(FULL_DISK_BYTES);
    const bool said = open && h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = 1}) == H5CKPT_E_NO_SPACE;
    h5ckpt_close(store);
    limit_files(RLIM_INFINITY); /* what counts lines for coverage writes files at exit */
    h5ckpt_state_free(state);
    return said;
}

static bool hdf5_says_full(const char *directory)
{
    const hsize_t size = sizeof full_state;

    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    limit_files(FULL_DISK_BYTES);
    const hid_t file = H5Fcreate(path_in(directory, "state.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(1, &size, NULL);
    const hid_t set = H5Dcreate2(file, "state", H5T_NATIVE_UINT8, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const bool written = H5Dwrite(set, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, full_state) >= 0;
    H5Dclose(set);
    H5Sclose(space);
    return H5Fclose(file) < 0 || !written;
}

/* How a process ends that does this and then exits as any does. */
static int status_of(bool (*says_full)(const char *directory))
{
    const char *temporary = getenv("TMPDIR");
    char directory[128];
    int status;

    snprintf(directory, sizeof directory, "%s/h5ckpt-naive-XXXXXX", temporary == NULL ? "/tmp" : temporary);
    ck_assert_ptr_nonnull(mkdtemp(directory));
    system_calls = &system_kernel;
    const pid_t process = fork();
    if (process == 0) {
        const int quiet = open("/dev/null", O_WRONLY);
        dup2(quiet, STDERR_FILENO);
        exit(says_full(directory) ? SAID : EXIT_SUCCESS);
    }
    ck_assert_int_eq(waitpid(process, &status, 0), process);
    unlink(path_in(directory, "state.h5"));
    ck_assert_int_eq(rmdir(directory), 0); /* a first save that failed has left nothing */
    return status;
}

START_TEST(where_the_disk_is_full_the_library_says_so_and_the_process_goes_on)
{
    const int status = status_of(library_says_full);

    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == SAID, "its process ended with %#x", (unsigned)status);
}
END_TEST

/* By which of the two depends on its version: 1.10.8 has a file that it cannot close, and follows it at exit. */
START_TEST(where_the_disk_is_full_hdf5_itself_ends_the_process_or_says_so_at_its_close)
{
    const int status = status_of(hdf5_says_full);

    printf("HDF5 itself, disk full: %s\n", WIFEXITED(status) && WEXITSTATUS(status) == SAID
                                               ? "the process goes on"
                                               : "the process crashes at its exit");
    ck_assert_msg(!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS, "it said nothing");
}
END_TEST

/* ---------------------------------------------------------------------- main */

int main(void)
{
    Suite *suite = suite_create("naive designs");
    TCase *crashes = tcase_create("crashes"), *damages = tcase_create("damage"), *full = tcase_create("full disk");

    tcase_set_timeout(crashes, TIMEOUT_SECONDS);
    tcase_add_test(crashes, the_library_is_right_after_every_kill_and_power_cut);
    tcase_add_test(crashes, a_flushed_file_that_is_renamed_is_right_after_every_kill_and_power_cut);
    tcase_add_test(crashes, one_file_rewritten_in_place_is_torn_by_kills_and_power_cuts);
    tcase_add_test(crashes, a_backup_that_is_not_flushed_survives_kills_and_is_lost_or_torn_by_power_cuts);
    tcase_add_test(crashes, two_groups_of_one_file_survive_kills_and_are_torn_by_power_cuts);
    tcase_set_timeout(damages, TIMEOUT_SECONDS);
    tcase_add_test(damages, no_damage_is_silent_to_the_library);
    tcase_add_loop_test(damages, without_a_checksum_every_damage_is_silent, 0, WITHOUT_CHECKSUM_COUNT);
    tcase_add_test(damages,
                   fletcher32_notices_a_flipped_bit_but_no_zeroed_or_swapped_chunk_and_no_zeros_that_became_ones);
    tcase_add_test(full, where_the_disk_is_full_the_library_says_so_and_the_process_goes_on);
    tcase_add_test(full, where_the_disk_is_full_hdf5_itself_ends_the_process_or_says_so_at_its_close);
    suite_add_tcase(suite, crashes);
    suite_add_tcase(suite, full);
    suite_add_tcase(suite, damages);
    return suite_run(suite);
}
