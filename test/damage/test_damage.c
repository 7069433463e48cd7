/* SPDX-License-Identifier: MIT */
/*
 * test_damage: the smallest damage, everywhere. Every bit of every file of a small directory is flipped in turn, every
 * file cut at every length, every sector lost in six ways, and slots are exchanged, also with another directory's.
 * What each of them may give is stated before it is tried:
 *
 *   OK, the newest state        in bytes that docs/format.md says nobody needs for it: the older slot behind its
 *                               record, bytes 512 … 4095 of a slot, the view, the lock (the slots agree on whose
 *                               they are), a milestone
 *   FELL_BACK, the newest state in the older slot's record: that it was the older one cannot be known any more
 *   FELL_BACK, the older state  anywhere else in the newest slot
 *
 * Anything else is a failure; a success with other bytes than it claims is "silent". A damaged milestone must besides
 * be listed as that, and not be gone back to. Sweeps run in a child process, so that a crash is counted, too, and the
 * sweep goes on behind it. Short form: every 13th bit and length, with one way to restore after the other; full form:
 * with each of the three ways.
 */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "format.h"
#include "support/assert_h5ckpt.h"
#include "support/form.h"
#include "support/suite.h"

/* For what cannot fail here; not ck_assert(), whose jump must not leave a sweep's child. */
#define must(condition)         \
    do {                        \
        if (!(condition)) {     \
            perror(#condition); \
            abort();            \
        }                       \
    } while (0)

enum {
    SAVE_COUNT = 4, /* two of each slot: there are older generations */
    KEPT = 1,       /* which of them is a milestone */
    FILE_BYTES_MAX = 1 << 15,
    SECTOR_BYTES = 512,
    WRITER_EVERY = 37, /* a reader restores after each flip, a writer too after one in so many */
    SHORT_STRIDE = 13,
    TENTH_STRIDE = 131,
    EVERY_COUNT_MAX = 100, /* so few cases are all tried */
    HANG_SECONDS = 60,
    FAILURES_SHOWN_MAX = 10,
    NO_STATE = -1,
    MEMORY_COUNT = H5CKPT_BLOCKWISE + 1,
    CASE_TIMEOUT_SECONDS = 900,
};

/* --------------------------------------------------------------- the program */

/* All that the little program checkpoints. */
struct variables {
    double weights[3][5];
    int32_t counts[7];
    char label[24];
};

static struct variables variables;         /* registered */
static struct variables saved[SAVE_COUNT]; /* what each save saved */

static h5ckpt_state *state;
static char directory[64];

static void fill(struct variables *v, int generation)
{
    memset(v, 0, sizeof *v);
    for (int i = 0; i < 15; i++)
        v->weights[i / 5][i % 5] = 1.0 / (i + 1 + 100 * generation);
    for (int i = 0; i < 7; i++)
        v->counts[i] = (generation + 1) * 1000003 * (i - 3);
    snprintf(v->label, sizeof v->label, "generation %d", generation);
}

static bool equals(const struct variables *a, const struct variables *b)
{
    return memcmp(a->weights, b->weights, sizeof a->weights) == 0 &&
           memcmp(a->counts, b->counts, sizeof a->counts) == 0 && memcmp(a->label, b->label, sizeof a->label) == 0;
}

static struct h5ckpt_progress progress_of(int generation)
{
    return (struct h5ckpt_progress){.epoch = 7 * (uint64_t)generation + 1, .batch = 3, .step = (uint64_t)generation};
}

/* --------------------------------------------------------------- the directory */

enum file_id {
    SLOT_A,
    SLOT_B,
    LOCK,
    VIEW,
    MILESTONE,
    FILE_COUNT,
    OLDER = SLOT_A, /* after SAVE_COUNT saves */
    NEWEST = SLOT_B,
};

#define MILESTONE_NAME "kept"

static const char *const FILE_NAME[FILE_COUNT] = {FORMAT_SLOT_A, FORMAT_SLOT_B, FORMAT_LOCK_NAME, FORMAT_VIEW_NAME,
                                                  FORMAT_MILESTONE_PREFIX MILESTONE_NAME FORMAT_MILESTONE_SUFFIX};

struct image {
    size_t byte_count;
    unsigned char bytes[FILE_BYTES_MAX];
};

static struct image pristine[FILE_COUNT];
static struct image generation_before[FILE_COUNT]; /* two saves earlier; there was no milestone */
static struct image elsewhere[FILE_COUNT];         /* of another directory of the same program */

static const char *path_of(enum file_id file)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", directory, FILE_NAME[file]);
    return path;
}

static void image_read(struct image *image, enum file_id file)
{
    int descriptor = open(path_of(file), O_RDONLY);
    ssize_t got = read(descriptor, image->bytes, sizeof image->bytes);

    must(got > 0 && got < FILE_BYTES_MAX);
    close(descriptor);
    image->byte_count = (size_t)got;
}

/* In place, so that it costs no new inode. */
static void image_write(const struct image *image, enum file_id file)
{
    int descriptor = open(path_of(file), O_WRONLY | O_CREAT, 0600);

    must(pwrite(descriptor, image->bytes, image->byte_count, 0) == (ssize_t)image->byte_count);
    must(ftruncate(descriptor, (off_t)image->byte_count) == 0);
    close(descriptor);
}

static bool is_on_disk(const struct image *image, enum file_id file)
{
    unsigned char bytes[FILE_BYTES_MAX];
    int descriptor = open(path_of(file), O_RDONLY);
    ssize_t got = read(descriptor, bytes, sizeof bytes);

    close(descriptor);
    return got == (ssize_t)image->byte_count && memcmp(bytes, image->bytes, image->byte_count) == 0;
}

static void repair_directory(void)
{
    for (enum file_id file = 0; file < FILE_COUNT; file++)
        if (!is_on_disk(&pristine[file], file))
            image_write(&pristine[file], file);
}

static uint64_t table_offset(enum file_id slot) /* docs/format.md 2.1 */
{
    uint64_t offset = 0;

    for (int i = 7; i >= 0; i--)
        offset = offset << 8 | pristine[slot].bytes[152 + i];
    return offset;
}

/* ---------------------------------------------------------------- expectations */

enum outcome {
    NEWEST_OK,       /* the newest state, nothing to report */
    NEWEST_REPORTED, /* the newest state, and that another may have been newer */
    PREVIOUS_REPORTED,
    SILENT,  /* a success with other bytes than it claims, or a step back that is not reported */
    REFUSED, /* an error */
    OUTCOME_COUNT,
};

static const char *const OUTCOME_NAME[OUTCOME_COUNT] = {
    "OK with the newest state",
    "FELL_BACK with the newest state",
    "FELL_BACK with the previous state",
    "SILENT: a success with wrong bytes, or an unreported step back",
    "an error",
};

static char outcome_detail[2048]; /* of the last restore, for a failure's message */
static h5ckpt_status outcome_status;

/* A fresh handle restores; what came of it, judged by the bytes alone. */
static enum outcome restore(enum h5ckpt_mode mode, enum h5ckpt_memory memory)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    struct h5ckpt_restore_options how = h5ckpt_restore_options_default();
    struct variables noise;
    struct h5ckpt_report report = {.restored = NO_STATE};
    h5ckpt_store *store;
    enum outcome outcome = SILENT;
    int given = NO_STATE;

    memset(&noise, 0xa5, sizeof noise);
    variables = noise;
    options.mode = mode;
    how.memory = memory;
    h5ckpt_status status = h5ckpt_open(&store, directory, state, &options);
    if (status == H5CKPT_OK)
        status = h5ckpt_restore(store, &how, &report);
    for (int i = 0; i < SAVE_COUNT; i++)
        if (equals(&variables, &saved[i]))
            given = i;
    const struct h5ckpt_progress got = h5ckpt_progress(store);
    const struct h5ckpt_progress expected = progress_of(given);
    const bool whole = given != NO_STATE && report.sequence == (uint64_t)given + 1 &&
                       memcmp(&got, &expected, sizeof got) == 0 &&
                       memcmp(&report.progress, &expected, sizeof expected) == 0;
    if (status < 0)
        outcome = equals(&variables, &noise) ? REFUSED : SILENT;
    else if (whole && given == SAVE_COUNT - 1 && status == H5CKPT_OK)
        outcome = NEWEST_OK;
    else if (whole && given == SAVE_COUNT - 1 && status == H5CKPT_FELL_BACK)
        outcome = NEWEST_REPORTED;
    else if (whole && given == SAVE_COUNT - 2 && status == H5CKPT_FELL_BACK)
        outcome = PREVIOUS_REPORTED;
    outcome_status = status;
    snprintf(outcome_detail, sizeof outcome_detail, "%s, sequence %" PRIu64 ", %s state: %s",
             h5ckpt_status_name(status), report.sequence,
             given == NO_STATE ? "no"
             : whole           ? "a whole"
                               : "not that",
             h5ckpt_message(store));
    h5ckpt_close(store);
    return outcome;
}

struct region {
    enum file_id file;
    const char *name;
    enum outcome expected;
};

/* What docs/format.md says of byte `offset` of a file. */
static struct region region_of(enum file_id file, size_t offset)
{
    if (file == LOCK)
        return (struct region){file, offset < 512 ? "identity" : offset < 1024 ? "note" : "rest", NEWEST_OK};
    if (file == VIEW)
        return (struct region){file, "view", NEWEST_OK};
    if (file == MILESTONE)
        return (struct region){
            file, offset >= FORMAT_RECORD_BYTES && offset < FORMAT_USER_BLOCK_BYTES ? "unread" : "state", NEWEST_OK};
    if (offset < FORMAT_RECORD_BYTES)
        return (struct region){file, "record", file == NEWEST ? PREVIOUS_REPORTED : NEWEST_OK};
    if (offset < FORMAT_USER_BLOCK_BYTES)
        return (struct region){file, "unread", NEWEST_OK};
    return (struct region){file, offset < table_offset(file) ? "blocks" : "table",
                           file == NEWEST ? PREVIOUS_REPORTED : NEWEST_OK};
}

/* ---------------------------------------------------------------- the milestone */

static void note_milestone_state(void *context, const struct h5ckpt_milestone *milestone)
{
    enum h5ckpt_slot_state *milestone_state = context;

    *milestone_state = milestone->state;
}

static enum h5ckpt_slot_state listed_milestone(void)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    enum h5ckpt_slot_state milestone_state = H5CKPT_SLOT_ABSENT;
    h5ckpt_store *store;

    options.mode = H5CKPT_READ_ONLY;
    if (h5ckpt_open(&store, directory, state, &options) == H5CKPT_OK)
        h5ckpt_list_milestones(store, H5CKPT_ALL_BYTES, note_milestone_state, &milestone_state);
    h5ckpt_close(store);
    return milestone_state;
}

static h5ckpt_status roll_back(void)
{
    h5ckpt_store *store;
    h5ckpt_status status = h5ckpt_open(&store, directory, state, NULL);

    if (status == H5CKPT_OK)
        status = h5ckpt_roll_back(store, MILESTONE_NAME);
    h5ckpt_close(store);
    return status;
}

/* ------------------------------------------------------------------ sweeping */

/* Shared with the child that does the work, so that it survives the child's death. */
struct tally {
    uint64_t next; /* the case that is being tried */
    uint64_t case_count;
    uint64_t outcome_count[OUTCOME_COUNT]; /* of each case, by a reader */
    uint64_t writer_count;                 /* cases that were then tried by the writer, too, with the same outcome */
    uint64_t crash_count;
    uint64_t failure_count;
};

static struct tally *tally;
static double tally_began_seconds;

static uint64_t stride_of(uint64_t count)
{
    return count > EVERY_COUNT_MAX ? form_count(TENTH_STRIDE, SHORT_STRIDE, 1) : 1;
}

static double now_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void fail_case(const char *what, const char *expected, const char *actual)
{
    if (tally->failure_count++ < FAILURES_SHOWN_MAX)
        printf("%s: expected %s, got %s\n", what, expected, actual);
}

/* One after the other. Where nothing is left to restore, one that may have changed memory by then says so: not here. */
static enum h5ckpt_memory next_memory(enum outcome expected, uint64_t number)
{
    return expected == REFUSED ? H5CKPT_VERIFY_FIRST : (enum h5ckpt_memory)(number % MEMORY_COUNT);
}

static enum outcome try_restore(enum h5ckpt_mode mode, enum h5ckpt_memory memory, enum outcome expected,
                                const char *what)
{
    const enum outcome outcome = restore(mode, memory);

    if (outcome != expected)
        fail_case(what, OUTCOME_NAME[expected], outcome_detail);
    return outcome;
}

static void try_reader(enum outcome expected, const char *what)
{
    const uint64_t number = tally->case_count++;

    for (uint64_t more = form_count(1, 1, MEMORY_COUNT) - 1; more > 0; more--)
        try_restore(H5CKPT_READ_ONLY, next_memory(expected, number + more), expected, what);
    tally->outcome_count[try_restore(H5CKPT_READ_ONLY, next_memory(expected, number), expected, what)]++;
}

static void try_writer(enum outcome expected, const char *what)
{
    try_restore(H5CKPT_READ_WRITE, next_memory(expected, tally->writer_count++), expected, what);
}

static void try_both(enum outcome expected, const char *what)
{
    try_reader(expected, what);
    try_writer(expected, what);
}

/* The swept file is a milestone, damaged unless `expected` is INTACT: is it listed so, and not gone back to? */
static void try_milestone(enum h5ckpt_slot_state expected, bool also_back, const char *what)
{
    const enum h5ckpt_slot_state listed = listed_milestone();

    if (listed != expected)
        fail_case(what, h5ckpt_slot_state_name(expected), h5ckpt_slot_state_name(listed));
    if (!also_back || expected == H5CKPT_SLOT_INTACT)
        return;
    const h5ckpt_status status = roll_back();
    if (status != H5CKPT_E_DAMAGED)
        fail_case(what, h5ckpt_status_name(H5CKPT_E_DAMAGED), h5ckpt_status_name(status));
    if (!is_on_disk(&pristine[NEWEST], NEWEST) || !is_on_disk(&pristine[OLDER], OLDER))
        fail_case(what, "no slot changed by a milestone that was refused", "one that changed");
}

/* Call `step` for 0, stride, … below `count`, in a child; after a crash go on behind the case that crashed. */
static void sweep(uint64_t count, void (*step)(uint64_t number))
{
    const uint64_t stride = stride_of(count);

    for (tally->next = 0; tally->next < count;) {
        fflush(stdout);
        pid_t child = fork();
        int status;
        must(child >= 0);
        if (child == 0) {
            for (; tally->next < count; tally->next += stride) {
                alarm(HANG_SECONDS);
                step(tally->next);
            }
            fflush(stdout);
            _exit(EXIT_SUCCESS);
        }
        must(waitpid(child, &status, 0) == child);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS) {
            tally->crash_count++;
            printf("case %" PRIu64 ": the process ended with wait status %d\n", tally->next, status);
            tally->next += stride;
        }
        repair_directory();
    }
}

static void tally_print(const char *what)
{
    const uint64_t *count = tally->outcome_count;

    printf("%" PRIu64 " %s: %" PRIu64 " fell back, %" PRIu64 " harmless (%" PRIu64 " of them reported), %" PRIu64
           " refused, %" PRIu64 " silent, %" PRIu64 " crashes; %" PRIu64 " also by the writer; %.1f s\n",
           tally->case_count, what, count[PREVIOUS_REPORTED], count[NEWEST_OK] + count[NEWEST_REPORTED],
           count[NEWEST_REPORTED], count[REFUSED], count[SILENT], tally->crash_count, tally->writer_count,
           now_seconds() - tally_began_seconds);
    fflush(stdout);
}

static void tally_check(void)
{
    ck_assert_uint_gt(tally->case_count, 0);
    ck_assert_msg(tally->crash_count == 0, "%" PRIu64 " crashes", tally->crash_count);
    ck_assert_msg(tally->failure_count == 0, "%" PRIu64 " of %" PRIu64 " cases did not give what they should",
                  tally->failure_count, tally->case_count);
}

/* ------------------------------------------------------------------ fixtures */

static void make_state(void)
{
    const double rate = 0.125;

    state = h5ckpt_state_new();
    h5ckpt_add(state, "layer/weights", H5CKPT_FLOAT64, 2, (const uint64_t[]){3, 5}, variables.weights);
    h5ckpt_add(state, "counts", H5CKPT_INT32, 1, (const uint64_t[]){7}, variables.counts);
    h5ckpt_add(state, "label", H5CKPT_STRING(sizeof variables.label), 0, NULL, variables.label);
    h5ckpt_add_setting(state, "rate", H5CKPT_FLOAT64, 0, NULL, &rate);
}

static void fill_directory(void)
{
    h5ckpt_store *store;

    assert_status_message(h5ckpt_open(&store, directory, state, NULL), H5CKPT_OK, h5ckpt_message(store));
    for (int i = 0; i < SAVE_COUNT; i++) {
        struct h5ckpt_progress progress = progress_of(i);
        fill(&saved[i], i);
        variables = saved[i];
        assert_status_message(h5ckpt_save(store, &progress), H5CKPT_OK, h5ckpt_message(store));
        if (i == KEPT)
            assert_status_message(h5ckpt_keep(store, MILESTONE_NAME), H5CKPT_OK, h5ckpt_message(store));
        if (i == SAVE_COUNT - 3)
            for (enum file_id file = 0; file < MILESTONE; file++)
                image_read(&generation_before[file], file);
    }
    h5ckpt_close(store);
}

static void empty_directory(void)
{
    DIR *entries = opendir(directory);

    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;)
        unlinkat(dirfd(entries), entry->d_name, 0);
    closedir(entries);
}

/* In the process that outlives the tests, so that nothing is left behind by one that fails. */
static void make_directory(void)
{
    const char *temporary = getenv("TMPDIR");
    must(snprintf(directory, sizeof directory, "%s/h5ckpt-damage-XXXXXX", temporary == NULL ? "/tmp" : temporary) <
         (int)sizeof directory);
    must(mkdtemp(directory) != NULL);
    make_state();
    fill_directory();
    for (enum file_id file = 0; file < FILE_COUNT; file++)
        image_read(&elsewhere[file], file);
    empty_directory();
    fill_directory();
    for (enum file_id file = 0; file < FILE_COUNT; file++)
        image_read(&pristine[file], file);
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(tally != MAP_FAILED);
}

static void begin(void)
{
    repair_directory();
    memset(tally, 0, sizeof *tally);
    tally_began_seconds = now_seconds();
}

static void remove_directory(void)
{
    munmap(tally, sizeof *tally);
    h5ckpt_state_free(state);
    empty_directory();
    rmdir(directory);
}

/* ---------------------------------------------------------------------- bits */

static enum file_id swept_file;

static void put_byte(enum file_id file, uint64_t offset, unsigned char byte)
{
    int descriptor = open(path_of(file), O_WRONLY);

    must(pwrite(descriptor, &byte, 1, (off_t)offset) == 1);
    close(descriptor);
}

static unsigned char flipped_byte(enum file_id file, uint64_t bit)
{
    return pristine[file].bytes[bit / 8] ^ (unsigned char)(1u << bit % 8);
}

/* Files below `end` are as the test made them: with this one bit flipped, and otherwise as saved. */
static bool nothing_was_written(enum file_id end, enum file_id file, uint64_t bit)
{
    struct image flipped = pristine[file];

    flipped.bytes[bit / 8] = flipped_byte(file, bit);
    for (enum file_id i = 0; i < end; i++)
        if (!is_on_disk(i == file ? &flipped : &pristine[i], i))
            return false;
    return true;
}

static void try_bit(uint64_t bit)
{
    const struct region region = region_of(swept_file, bit / 8);
    char what[128];

    snprintf(what, sizeof what, "%s (%s), byte %" PRIu64 ", bit %" PRIu64, FILE_NAME[swept_file], region.name, bit / 8,
             bit % 8);
    put_byte(swept_file, bit / 8, flipped_byte(swept_file, bit));
    try_reader(region.expected, what);
    if (swept_file == MILESTONE)
        try_milestone(strcmp(region.name, "unread") == 0 ? H5CKPT_SLOT_INTACT : H5CKPT_SLOT_DAMAGED,
                      bit % WRITER_EVERY == 0, what);
    if (bit % WRITER_EVERY == 0) {
        if (!nothing_was_written(FILE_COUNT, swept_file, bit))
            fail_case(what, "no byte written by a reader", "a file that changed");
        try_writer(region.expected, what);
        if (!nothing_was_written(LOCK, swept_file, bit))
            fail_case(what, "no slot written by a restore", "a slot that changed");
        if (swept_file == LOCK && bit / 8 < SECTOR_BYTES && !is_on_disk(&pristine[LOCK], LOCK))
            fail_case(what, "a lock that its writer repaired", "another");
        repair_directory();
    } else {
        put_byte(swept_file, bit / 8, pristine[swept_file].bytes[bit / 8]);
    }
}

START_TEST(no_flipped_bit_gives_wrong_bytes_or_a_crash)
{
    static const char *const WHAT[FILE_COUNT] = {
        "bits flipped in the older slot", "bits flipped so far, the newest slot's too",
        "bits flipped so far, the lock's too", "bits flipped so far, the view's too", "bits flipped"};

    for (swept_file = 0; swept_file < FILE_COUNT; swept_file++) {
        sweep(8 * pristine[swept_file].byte_count, try_bit);
        tally_print(WHAT[swept_file]);
    }
    tally_check();
}
END_TEST

/* ------------------------------------------------------------------- lengths */

/* A slot of a wrong length is no state. */
static enum outcome outcome_of_length(enum file_id file)
{
    return file == NEWEST ? PREVIOUS_REPORTED : NEWEST_OK;
}

static void try_length(uint64_t byte_count)
{
    const enum outcome expected = outcome_of_length(swept_file);
    char what[64];

    snprintf(what, sizeof what, "%s cut to %" PRIu64 " bytes", FILE_NAME[swept_file], byte_count);
    must(truncate(path_of(swept_file), (off_t)byte_count) == 0);
    try_reader(expected, what);
    if (swept_file == MILESTONE)
        try_milestone(H5CKPT_SLOT_DAMAGED, byte_count % WRITER_EVERY == 0, what);
    if (byte_count % WRITER_EVERY == 0) /* a lock cut to less than its magic might be anybody's */
        try_writer(swept_file == LOCK && byte_count < 8 ? REFUSED : expected, what);
    repair_directory();
}

START_TEST(no_truncation_gives_wrong_bytes_or_a_crash)
{
    for (swept_file = 0; swept_file < FILE_COUNT; swept_file++)
        sweep(pristine[swept_file].byte_count, try_length);
    tally_print("truncations");
    tally_check();
}
END_TEST

START_TEST(a_slot_that_grew_is_damaged)
{
    must(truncate(path_of(NEWEST), (off_t)pristine[NEWEST].byte_count + 4096) == 0);
    try_both(PREVIOUS_REPORTED, "the newest slot with 4096 more bytes");
    tally_check();
}
END_TEST

/* ------------------------------------------------------------------- sectors */

enum sector_loss { ZEROED, ALL_ONES, FROM_BELOW, FROM_ABOVE, FROM_OTHER_SLOT, FROM_BEFORE, SECTOR_LOSS_COUNT };

static const char *const SECTOR_LOSS_NAME[SECTOR_LOSS_COUNT] = {"zeroed",
                                                                "set to ones",
                                                                "replaced by the one before it (a misdirected write)",
                                                                "replaced by the one behind it",
                                                                "replaced by the other slot's",
                                                                "as two saves before (a lost write)"};

static enum sector_loss loss;

/* The first sector has none before it, the last one none behind: then it is the other one. */
static uint64_t neighbour_of(uint64_t offset)
{
    const bool below = offset + SECTOR_BYTES >= pristine[swept_file].byte_count || (loss == FROM_BELOW && offset > 0);

    return below ? offset - SECTOR_BYTES : offset + SECTOR_BYTES;
}

static void damaged_sector(unsigned char bytes[SECTOR_BYTES], uint64_t offset)
{
    memset(bytes, loss == ALL_ONES ? 0xff : 0, SECTOR_BYTES);
    if (loss == FROM_BELOW || loss == FROM_ABOVE)
        memcpy(bytes, pristine[swept_file].bytes + neighbour_of(offset), SECTOR_BYTES);
    else if (loss == FROM_OTHER_SLOT)
        memcpy(bytes, pristine[swept_file == SLOT_A ? SLOT_B : SLOT_A].bytes + offset, SECTOR_BYTES);
    else if (loss == FROM_BEFORE)
        memcpy(bytes, generation_before[swept_file].bytes + offset, SECTOR_BYTES);
}

/* As for a bit, but: a sector may be as it was, and the older slot's record may be another that can be read. */
static enum outcome outcome_of_sector(const unsigned char bytes[SECTOR_BYTES], uint64_t offset)
{
    if (memcmp(bytes, pristine[swept_file].bytes + offset, SECTOR_BYTES) == 0)
        return NEWEST_OK;
    if (swept_file == OLDER && offset == 0 && (loss == FROM_OTHER_SLOT || loss == FROM_BEFORE))
        return NEWEST_OK;
    return region_of(swept_file, offset).expected;
}

static void try_sector(uint64_t number)
{
    const uint64_t offset = number * SECTOR_BYTES;
    unsigned char bytes[SECTOR_BYTES];
    char what[128];

    snprintf(what, sizeof what, "%s (%s), sector %" PRIu64 " %s", FILE_NAME[swept_file],
             region_of(swept_file, offset).name, number, SECTOR_LOSS_NAME[loss]);
    damaged_sector(bytes, offset);
    int descriptor = open(path_of(swept_file), O_WRONLY);
    must(pwrite(descriptor, bytes, SECTOR_BYTES, (off_t)offset) == SECTOR_BYTES);
    close(descriptor);
    try_both(outcome_of_sector(bytes, offset), what);
    if (swept_file == MILESTONE)
        try_milestone(memcmp(bytes, pristine[MILESTONE].bytes + offset, SECTOR_BYTES) == 0 ||
                              strcmp(region_of(MILESTONE, offset).name, "unread") == 0
                          ? H5CKPT_SLOT_INTACT
                          : H5CKPT_SLOT_DAMAGED,
                      true, what);
    repair_directory();
}

/* Lock and view are the only ones of their kind; a milestone is not written again. */
static bool can_lose(enum file_id file, enum sector_loss how)
{
    return (how != FROM_OTHER_SLOT || file == SLOT_A || file == SLOT_B || file == MILESTONE) &&
           (how != FROM_BEFORE || file != MILESTONE);
}

/* _i: the file */
START_TEST(no_lost_sector_gives_wrong_bytes_or_an_unreported_step_back)
{
    swept_file = (enum file_id)_i;
    for (loss = 0; loss < SECTOR_LOSS_COUNT; loss++) {
        char what[128];
        if (!can_lose(swept_file, loss))
            continue;
        snprintf(what, sizeof what, "sectors of %s so far, each %s", FILE_NAME[swept_file], SECTOR_LOSS_NAME[loss]);
        sweep(pristine[swept_file].byte_count / SECTOR_BYTES, try_sector);
        tally_print(what);
    }
    tally_check();
}
END_TEST

/* --------------------------------------------------------------- whole slots */

START_TEST(slots_that_changed_names_keep_their_roles)
{
    image_write(&pristine[SLOT_A], SLOT_B);
    image_write(&pristine[SLOT_B], SLOT_A);
    try_both(NEWEST_OK, "restores with the slots swapped");
    tally_check();
}
END_TEST

static const char TWO_OF_ONE_SEQUENCE[] = "another slot has the same sequence, so one was copied over the other";

START_TEST(the_newest_slot_copied_over_the_older_is_reported_as_two_of_one_sequence)
{
    image_write(&pristine[NEWEST], OLDER);
    try_reader(NEWEST_REPORTED, "restores with one sequence twice");
    assert_mentions(outcome_detail, TWO_OF_ONE_SEQUENCE);
    try_writer(NEWEST_REPORTED, "restores with one sequence twice");
    assert_mentions(outcome_detail, TWO_OF_ONE_SEQUENCE);
    tally_check();
}
END_TEST

START_TEST(the_older_slot_copied_over_the_newest_is_reported_as_two_of_one_sequence)
{
    image_write(&pristine[OLDER], NEWEST);
    try_reader(PREVIOUS_REPORTED, "restores with one older sequence twice");
    assert_mentions(outcome_detail, TWO_OF_ONE_SEQUENCE);
    try_writer(PREVIOUS_REPORTED, "restores with one older sequence twice");
    assert_mentions(outcome_detail, TWO_OF_ONE_SEQUENCE);
    tally_check();
}
END_TEST

START_TEST(a_milestone_copied_over_the_newest_slot_is_a_step_back_that_is_reported)
{
    image_write(&pristine[MILESTONE], NEWEST);
    try_both(PREVIOUS_REPORTED, "restores with a milestone in the newest slot's place");
    tally_check();
}
END_TEST

START_TEST(a_milestone_copied_over_the_older_slot_is_no_step_back)
{
    image_write(&pristine[MILESTONE], OLDER);
    try_both(NEWEST_OK, "restores with a milestone in the older slot's place");
    tally_check();
}
END_TEST

/* ---------------------------------------------------------------- from elsewhere */

/* Files of another directory in the places of ours, as bits. */
static const unsigned FOREIGN_FILES[] = {1 << OLDER, 1 << NEWEST, 1 << OLDER | 1 << NEWEST, 1 << LOCK};

START_TEST(slots_of_another_directory_are_foreign_and_nothing_is_written)
{
    const struct image *expected[FILE_COUNT];

    for (enum file_id file = 0; file < FILE_COUNT; file++)
        expected[file] = FOREIGN_FILES[_i] >> file & 1 ? &elsewhere[file] : &pristine[file];
    for (enum file_id file = 0; file < FILE_COUNT; file++)
        image_write(expected[file], file);
    try_reader(REFUSED, "restores beside files of another directory");
    ck_assert_int_eq(outcome_status, H5CKPT_E_FOREIGN);
    try_writer(REFUSED, "restores beside files of another directory");
    ck_assert_int_eq(outcome_status, H5CKPT_E_FOREIGN);
    tally_check();
    for (enum file_id file = 0; file < FILE_COUNT; file++)
        ck_assert_msg(is_on_disk(expected[file], file), "%s was changed", FILE_NAME[file]);
}
END_TEST

START_TEST(a_milestone_of_another_directory_is_foreign_and_no_state_to_go_back_to)
{
    image_write(&elsewhere[MILESTONE], MILESTONE);
    try_both(NEWEST_OK, "restores beside another directory's milestone");
    tally_check();
    ck_assert_int_eq(listed_milestone(), H5CKPT_SLOT_FOREIGN);
    ck_assert_int_eq(roll_back(), H5CKPT_E_FOREIGN);
    for (enum file_id slot = SLOT_A; slot <= SLOT_B; slot++)
        ck_assert_msg(is_on_disk(&pristine[slot], slot), "%s was changed", FILE_NAME[slot]);
    ck_assert(is_on_disk(&elsewhere[MILESTONE], MILESTONE));
}
END_TEST

START_TEST(a_missing_newest_slot_is_reported)
{
    must(unlink(path_of(NEWEST)) == 0);
    try_both(PREVIOUS_REPORTED, "restores with the newest slot gone");
    tally_check();
}
END_TEST

START_TEST(a_missing_older_slot_is_no_step_back)
{
    must(unlink(path_of(OLDER)) == 0);
    try_both(NEWEST_OK, "restores with the older slot gone");
    tally_check();
}
END_TEST

/* As after a restart of the machine: nobody knows which save was the last. */
static void erase_note(void)
{
    for (uint64_t offset = SECTOR_BYTES; offset < 2 * SECTOR_BYTES; offset++)
        put_byte(LOCK, offset, 0);
}

START_TEST(without_the_note_a_missing_older_slot_may_have_been_newer)
{
    erase_note();
    must(unlink(path_of(OLDER)) == 0);
    try_both(NEWEST_REPORTED, "restores with the older slot and the note gone");
    tally_check();
}
END_TEST

START_TEST(without_the_note_a_damaged_record_may_have_been_newer)
{
    erase_note();
    put_byte(OLDER, 20, flipped_byte(OLDER, 8 * 20));
    try_both(NEWEST_REPORTED, "restores with the older slot's record damaged and the note gone");
    tally_check();
}
END_TEST

START_TEST(two_damaged_slots_are_a_loss_and_nothing_is_written)
{
    put_byte(OLDER, 5000, flipped_byte(OLDER, 8 * 5000));
    put_byte(NEWEST, 5000, flipped_byte(NEWEST, 8 * 5000));
    try_both(REFUSED, "restores with both slots damaged");
    tally_check();
    for (enum file_id slot = SLOT_A; slot <= SLOT_B; slot++) {
        struct image flipped = pristine[slot];
        flipped.bytes[5000] = flipped_byte(slot, 8 * 5000);
        ck_assert_msg(is_on_disk(&flipped, slot), "%s was changed", FILE_NAME[slot]);
    }
}
END_TEST

/* ---------------------------------------------------------------------- main */

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_unchecked_fixture(tests, make_directory, remove_directory);
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_set_timeout(tests, CASE_TIMEOUT_SECONDS);
    suite_add_tcase(suite, tests);
    return tests;
}

int main(void)
{
    Suite *suite = suite_create("damage");
    TCase *tests;

    tcase_add_test(add_case(suite, "bits"), no_flipped_bit_gives_wrong_bytes_or_a_crash);
    tests = add_case(suite, "lengths");
    tcase_add_test(tests, no_truncation_gives_wrong_bytes_or_a_crash);
    tcase_add_test(tests, a_slot_that_grew_is_damaged);
    tcase_add_loop_test(add_case(suite, "sectors"), no_lost_sector_gives_wrong_bytes_or_an_unreported_step_back, 0,
                        (int)FILE_COUNT);
    tests = add_case(suite, "slots");
    tcase_add_test(tests, slots_that_changed_names_keep_their_roles);
    tcase_add_test(tests, the_newest_slot_copied_over_the_older_is_reported_as_two_of_one_sequence);
    tcase_add_test(tests, the_older_slot_copied_over_the_newest_is_reported_as_two_of_one_sequence);
    tcase_add_test(tests, a_milestone_copied_over_the_newest_slot_is_a_step_back_that_is_reported);
    tcase_add_test(tests, a_milestone_copied_over_the_older_slot_is_no_step_back);
    tcase_add_loop_test(tests, slots_of_another_directory_are_foreign_and_nothing_is_written, 0,
                        sizeof FOREIGN_FILES / sizeof *FOREIGN_FILES);
    tcase_add_test(tests, a_milestone_of_another_directory_is_foreign_and_no_state_to_go_back_to);
    tcase_add_test(tests, a_missing_newest_slot_is_reported);
    tcase_add_test(tests, a_missing_older_slot_is_no_step_back);
    tcase_add_test(tests, without_the_note_a_missing_older_slot_may_have_been_newer);
    tcase_add_test(tests, without_the_note_a_damaged_record_may_have_been_newer);
    tcase_add_test(tests, two_damaged_slots_are_a_loss_and_nothing_is_written);
    return suite_run(suite);
}
