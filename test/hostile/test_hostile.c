/* SPDX-License-Identifier: MIT */
/*
 * test_hostile: damage that passes the checksums. Bits of the record, the index, the blocks and the lock are flipped,
 * files cut, sectors lost, fields set to numbers with which sums, products and counts go wrong, names and places to
 * what they must not be; then every checksum is made right again, so that what reaches the parsers is hostile. Then
 * everything that reads a directory is called (oracle.h), in a child process with little memory, so that a crash, a
 * hang and an allocation of a size that a file chose are counted, and the sweep goes on behind them.
 *
 * Short form: one bit in some, and a few thousand forgeries; full: every bit of what says where things are, one in five
 * of the rest, and 50,000. A case that failed is tried again alone by H5CKPT_HOSTILE_CASE=number, with CK_RUN_CASE.
 */
#include <check.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checksum.h"
#include "hostile/forge.h"
#include "hostile/oracle.h"
#include "hostile/sanitizer.h"
#include "support/form.h"
#include "support/suite.h"

#define must(condition)         \
    do {                        \
        if (!(condition)) {     \
            perror(#condition); \
            abort();            \
        }                       \
    } while (0)

enum {
    MEMORY_MIB = 256, /* more than any of this needs, less than what a count in a file can ask for */
    HANG_SECONDS = 60,
    FAILURES_SHOWN_MAX = 10,
    WRITER_EVERY = 3,
    ROLL_BACK_EVERY = 7,
    TRAIN_EVERY = 11,
    CASE_TIMEOUT_SECONDS = 36000,
    LOCK_AT_VERSION = 8,
    LOCK_AT_PHASE = 12,
    LOCK_AT_DIRECTORY_ID = 16,
    LOCK_PHASE_MAX = 2,
};

#ifdef HAVE_ADDRESS_SANITIZER
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "max_allocation_size_mb=256:allocator_may_return_null=1";
}
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
    return "halt_on_error=1:print_stacktrace=1";
}
int __lsan_do_recoverable_leak_check(void);
#endif

/* ------------------------------------------------------------------------ sweep */

/* Shared with the child that does the work, so that it survives the child's death. */
struct tally {
    uint64_t next; /* the case that is being tried */
    uint64_t case_count;
    uint64_t intact_count; /* forgeries after which the slot is valid: what they say is to be given back */
    uint64_t answer_count[ORACLE_ANSWER_COUNT];
    uint64_t command_count;
    uint64_t crash_count;
    uint64_t failure_count;
    char what[FORGE_TEXT_BYTES + 64];
};

static struct tally *tally;
static struct specimen pristine[PROGRAM_FILE_COUNT];
static struct specimen forged[PROGRAM_FILE_COUNT];

static void fail_case(const char *what, const char *message)
{
    if (tally->failure_count++ < FAILURES_SHOWN_MAX)
        printf("case %" PRIu64 " (%s): %s: %s\n", tally->next, tally->what, what, message);
}

static void limit_memory(void)
{
#ifndef HAVE_ADDRESS_SANITIZER
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    must(file != NULL && fscanf(file, "%lu", &pages) == 1);
    fclose(file);
    const rlim_t limit = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + ((rlim_t)MEMORY_MIB << 20);
    must(setrlimit(RLIMIT_AS, &(struct rlimit){limit, limit}) == 0);
#endif
}

static void run_child(uint64_t count, uint64_t stride, void (*step)(uint64_t number))
{
    limit_memory();
    for (; tally->next < count; tally->next += stride) {
        alarm(HANG_SECONDS);
        tally->case_count++;
        step(tally->next);
        program_repair(pristine);
    }
#ifdef HAVE_ADDRESS_SANITIZER
    alarm(0);
    if (__lsan_do_recoverable_leak_check() != 0)
        fail_case("all of them", "memory leaks");
#endif
    fflush(stdout);
    _exit(EXIT_SUCCESS);
}

/* Call `step` for 0, stride, … below `count`, in a child; after a crash go on behind the case that crashed. */
static void sweep(uint64_t count, uint64_t stride, void (*step)(uint64_t number))
{
    const char *only = getenv("H5CKPT_HOSTILE_CASE");

    tally->next = only == NULL ? 0 : strtoull(only, NULL, 10);
    if (only != NULL)
        count = tally->next + 1;
    while (tally->next < count) {
        int status;
        fflush(stdout);
        const pid_t child = fork();
        must(child >= 0);
        if (child == 0)
            run_child(count, stride, step);
        must(waitpid(child, &status, 0) == child);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS) {
            tally->crash_count++;
            printf("case %" PRIu64 " (%s): the process ended with wait status %#x\n", tally->next, tally->what,
                   (unsigned)status);
            tally->next += stride;
        }
        program_repair(pristine);
    }
}

static void conclude(const char *what)
{
    printf("%" PRIu64 " %s: %" PRIu64 " restored, %" PRIu64 " fell back, %" PRIu64 " refused; %" PRIu64
           " forged states were valid; %" PRIu64 " calls of the command; %" PRIu64 " crashes, %" PRIu64 " failures\n",
           tally->case_count, what, tally->answer_count[ORACLE_RESTORED], tally->answer_count[ORACLE_FELL_BACK],
           tally->answer_count[ORACLE_REFUSED], tally->intact_count, tally->command_count, tally->crash_count,
           tally->failure_count);
    fflush(stdout);
    ck_assert_uint_gt(tally->case_count, 0);
    ck_assert_msg(tally->crash_count == 0, "%" PRIu64 " crashes", tally->crash_count);
    ck_assert_msg(tally->failure_count == 0, "%" PRIu64 " failures", tally->failure_count);
}

/* ---------------------------------------------------------------------- the command */

/* What it prints reaches a terminal: no control characters but those that end lines, whatever a name in the file is. */
static void check_output(const char *command, FILE *output)
{
    int character;

    rewind(output);
    while ((character = getc(output)) != EOF)
        if ((character < 0x20 && character != '\n' && character != '\r') || character == 0x7f) {
            fail_case(command, "it printed a control character");
            return;
        }
}

static void run_command(const char *const *argument)
{
    FILE *output = tmpfile();
    int status;

    must(output != NULL);
    const pid_t child = fork();
    must(child >= 0);
    if (child == 0) { /* what a sanitizer finds must not look like damage */
        setenv("ASAN_OPTIONS", "exitcode=86", 1);
        setenv("UBSAN_OPTIONS", "halt_on_error=1:exitcode=86", 1);
        dup2(fileno(output), STDOUT_FILENO);
        dup2(fileno(output), STDERR_FILENO);
        execv(argument[0], (char *const *)argument);
        _exit(127);
    }
    must(waitpid(child, &status, 0) == child);
    tally->command_count++;
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 4) { /* h5ckpt.1, "Exit status" */
        char line[512] = "";
        rewind(output);
        while (fgets(line, sizeof line, output) != NULL)
            fputs(line, stdout);
        fail_case(argument[1], "it crashed, or ended with a status of no meaning");
    }
    check_output(argument[1], output);
    fclose(output);
}

/* All that the command can do here, in the order in which it changes least. */
static void run_commands(void)
{
    const char *command = getenv("H5CKPT_COMMAND");
    const char *const CALL[][8] = {
        {command, "info", "--variables", "--settings", program_directory},
        {command, "info", "--json", "--variables", "--settings", program_directory},
        {command, "verify", program_directory},
        {command, "verify", "--json", program_directory},
        {command, "history", program_directory},
        {command, "history", "--csv", program_directory},
        {command, "history", "--json", program_directory},
        {command, "watch", "--once", program_directory},
        {command, "watch", "--once", "--json", program_directory},
        {command, "roll-back", program_directory, MILESTONE_NAME},
        {command, "forget", program_directory, MILESTONE_NAME},
    };

    for (size_t i = 0; command != NULL && i < sizeof CALL / sizeof *CALL; i++)
        run_command(CALL[i]);
}

/* ------------------------------------------------------------------------- cases */

static void put_forged(void)
{
    for (enum program_file file = 0; file < PROGRAM_FILE_COUNT; file++)
        if (forged[file].byte_count != pristine[file].byte_count ||
            memcmp(forged[file].bytes, pristine[file].bytes, pristine[file].byte_count) != 0)
            specimen_write(&forged[file], program_path(file));
}

static void copy_specimen(struct specimen *to, const struct specimen *from)
{
    to->byte_count = from->byte_count;
    memcpy(to->bytes, from->bytes, from->byte_count);
}

static void begin_case(void)
{
    for (enum program_file file = 0; file < PROGRAM_FILE_COUNT; file++)
        copy_specimen(&forged[file], &pristine[file]);
}

/* The lock's; if that is none, the slots agree on theirs. */
static const unsigned char *directory_id(void)
{
    const bool is_lock = specimen_get(&forged[LOCK], LOCK_AT_VERSION, 4) == 1 &&
                         specimen_get(&forged[LOCK], LOCK_AT_PHASE, 4) <= LOCK_PHASE_MAX;

    return (is_lock ? forged : pristine)[LOCK].bytes + LOCK_AT_DIRECTORY_ID;
}

static void try_case(uint64_t number, bool with_commands)
{
    struct oracle oracle = {.number = number, .fail = fail_case};

    oracle.lock_is_as_written = memcmp(forged[LOCK].bytes, pristine[LOCK].bytes, pristine[LOCK].byte_count) == 0;
    for (enum program_file file = 0; file < PROGRAM_FILE_COUNT; file++)
        oracle.specimen[file] = &forged[file];
    memcpy(oracle.directory_id, directory_id(), sizeof oracle.directory_id);
    for (enum program_file file = 0; file < PROGRAM_FILE_COUNT; file++)
        tally->intact_count += memcmp(forged[file].bytes, pristine[file].bytes, pristine[file].byte_count) != 0 &&
                               judge(&forged[file], oracle.directory_id) == JUDGED_INTACT;
    put_forged();
    tally->answer_count[oracle_read(&oracle)]++;
    if (with_commands) {
        run_commands();
        program_repair(forged);
    }
    if (number % WRITER_EVERY == 0)
        oracle_write(&oracle);
    if (number % ROLL_BACK_EVERY == 0) {
        program_repair(forged);
        oracle_roll_back(&oracle);
    }
    if (number % TRAIN_EVERY == 0) {
        program_repair(forged);
        oracle_train(&oracle);
    }
}

/* ------------------------------------------------------------------- single bits */

#define NEWEST SLOT_B

struct part {
    const char *name;
    enum program_file file;
    size_t begin;
    size_t end;
    uint64_t stride_tenth, stride_short, stride_full;
};

static struct part part;

static void flip(struct specimen *specimen, uint64_t bit)
{
    specimen->bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
}

static void seal(enum program_file file)
{
    if (file == LOCK)
        specimen_seal_lock(&forged[file]);
    else
        specimen_seal(&forged[file]);
}

static void try_bit(uint64_t number)
{
    begin_case();
    snprintf(tally->what, sizeof tally->what, "%s: %s, byte %" PRIu64 ", bit %" PRIu64, PROGRAM_FILE[part.file],
             part.name, part.begin + number / 8, number % 8);
    flip(&forged[part.file], 8 * (uint64_t)part.begin + number);
    seal(part.file);
    try_case(number, false);
}

enum { PART_COUNT = 9 };

static struct part part_of(int i)
{
    const size_t index = (size_t)specimen_get(&pristine[NEWEST], RECORD_AT_INDEX_OFFSET, 8);
    const size_t index_bytes = (size_t)specimen_get(&pristine[NEWEST], RECORD_AT_INDEX_BYTES, 8);
    const struct part PART[PART_COUNT] = {
        {"record", NEWEST, 0, RECORD_AT_CHECKSUM, 101, 11, 1},
        {"index", NEWEST, index, index + index_bytes, 307, 31, 1},
        {"HDF5's part and the variables", NEWEST, FORMAT_USER_BLOCK_BYTES, index, 10007, 1009, 5},
        {"record", SLOT_A, 0, RECORD_AT_CHECKSUM, 307, 53, 1},
        {"index", SLOT_A, index, index + index_bytes, 1009, 101, 1},
        {"record", MILESTONE, 0, RECORD_AT_CHECKSUM, 307, 53, 1},
        {"index", MILESTONE, index, index + index_bytes, 1009, 101, 1},
        {"identity", LOCK, 0, RECORD_AT_CHECKSUM, 307, 53, 1},
        {"note", LOCK, FORMAT_RECORD_BYTES, FORMAT_RECORD_BYTES + RECORD_AT_CHECKSUM, 307, 53, 1},
    };

    return PART[i];
}

/* _i: the part */
START_TEST(a_sealed_bit_is_refused_or_given_back_as_it_is)
{
    part = part_of(_i);
    sweep(8 * (uint64_t)(part.end - part.begin), form_count(part.stride_tenth, part.stride_short, part.stride_full),
          try_bit);
    conclude(part.name);
}
END_TEST

/* ---------------------------------------------------------- lengths and sectors */

/* The files with a record. */
static const enum program_file RECORDED[] = {SLOT_A, SLOT_B, MILESTONE};

enum { RECORDED_COUNT = sizeof RECORDED / sizeof *RECORDED, SECTOR_BYTES = 512 };

static enum program_file swept;

/* Cut, and the record says so. */
static void try_length(uint64_t byte_count)
{
    begin_case();
    snprintf(tally->what, sizeof tally->what, "%s cut to %" PRIu64 " bytes", PROGRAM_FILE[swept], byte_count);
    forged[swept].byte_count = (size_t)byte_count;
    if (byte_count >= FORMAT_RECORD_BYTES) {
        specimen_put(&forged[swept], RECORD_AT_FILE_BYTES, 8, byte_count);
        seal(swept);
    }
    try_case(byte_count, false);
}

/* _i: the file */
START_TEST(a_sealed_slot_that_was_cut_is_refused)
{
    swept = RECORDED[_i];
    sweep(pristine[swept].byte_count, form_count(2003, 211, 1), try_length);
    conclude("lengths");
}
END_TEST

enum sector_loss { ZEROED, ALL_ONES, FROM_BELOW, FROM_ABOVE, FROM_OTHER_SLOT, FROM_BEFORE, SECTOR_LOSS_COUNT };

static void lose_sector(unsigned char *sector, const unsigned char *other, enum sector_loss loss, bool last)
{
    switch (loss) {
    case ZEROED:
    case ALL_ONES:
        memset(sector, loss == ZEROED ? 0 : 0xff, SECTOR_BYTES);
        break;
    case FROM_BELOW:
        memcpy(sector, sector - SECTOR_BYTES, SECTOR_BYTES);
        break;
    case FROM_ABOVE:
        memcpy(sector, last ? sector - SECTOR_BYTES : sector + SECTOR_BYTES, SECTOR_BYTES);
        break;
    default:
        memcpy(sector, other, SECTOR_BYTES);
    }
}

static void try_sector(uint64_t number)
{
    const uint64_t offset = number / SECTOR_LOSS_COUNT * SECTOR_BYTES;
    const enum sector_loss loss = number % SECTOR_LOSS_COUNT;
    const enum program_file other = loss == FROM_BEFORE ? MILESTONE : swept == SLOT_A ? SLOT_B : SLOT_A;

    begin_case();
    snprintf(tally->what, sizeof tally->what, "%s, sector at %" PRIu64 ", lost in way %d", PROGRAM_FILE[swept], offset,
             (int)loss);
    if (offset > 0 || loss != FROM_BELOW) /* there is nothing below the first */
        lose_sector(forged[swept].bytes + offset, pristine[other].bytes + offset, loss,
                    offset + SECTOR_BYTES >= forged[swept].byte_count);
    seal(swept);
    try_case(number, false);
}

/* _i: the file */
START_TEST(a_sealed_slot_that_lost_a_sector_is_refused_or_given_back_as_it_is)
{
    swept = RECORDED[_i];
    sweep(pristine[swept].byte_count / SECTOR_BYTES * SECTOR_LOSS_COUNT, form_count(23, 3, 1), try_sector);
    conclude("sectors");
}
END_TEST

/* ---------------------------------------------------------------------- numbers */

static void try_field(uint64_t number)
{
    begin_case();
    forge_field(&forged[NEWEST], number, tally->what);
    try_case(number, number % form_count(331, 53, 29) == 0);
}

START_TEST(a_hostile_number_in_any_field_of_the_record_is_refused_or_told_as_it_is)
{
    sweep(forge_field_count(), form_count(23, 3, 1), try_field);
    conclude("fields");
}
END_TEST

/* ------------------------------------------------------------------- sequences */

/*
 * In one slot or both, of a state, of none, or of one that cannot be: what is saved next must be newer, or be refused.
 */
static const struct sequence_case {
    const char *name;
    uint64_t sequence;
    unsigned files;
    uint32_t kind;
    bool is_possible; /* else the record's length is not the file's */
} SEQUENCE_CASE[] = {
    {"a state with the last sequence there can be", FORMAT_SEQUENCE_MAX, 1 << SLOT_B, 1, true},
    {"two states, one with the last sequence", FORMAT_SEQUENCE_MAX, 1 << SLOT_A, 1, true},
    {"a state with the last sequence but one", FORMAT_SEQUENCE_MAX - 1, 1 << SLOT_B, 1, true},
    {"a state beyond the last sequence", FORMAT_SEQUENCE_MAX + 1, 1 << SLOT_A, 1, true},
    {"a damaged state with the last sequence", FORMAT_SEQUENCE_MAX, 1 << SLOT_A, 1, false},
    {"a damaged state with the largest number", UINT64_MAX, 1 << SLOT_A, 1, false},
    {"a reserved slot with the largest number", UINT64_MAX, 1 << SLOT_A, 0, true},
    {"a reserved slot with the last sequence", FORMAT_SEQUENCE_MAX, 1 << SLOT_A, 0, true},
    {"a milestone with the last sequence", FORMAT_SEQUENCE_MAX, 1 << MILESTONE, 1, true},
    {"a damaged milestone with the largest number", UINT64_MAX, 1 << MILESTONE, 1, false},
};

static void try_sequence(uint64_t number)
{
    const struct sequence_case *one = &SEQUENCE_CASE[number];

    begin_case();
    snprintf(tally->what, sizeof tally->what, "%s", one->name);
    for (enum program_file file = 0; file < PROGRAM_FILE_COUNT; file++) {
        if ((one->files >> file & 1) == 0)
            continue;
        specimen_put(&forged[file], RECORD_AT_SEQUENCE, 8, one->sequence);
        specimen_put(&forged[file], RECORD_AT_KIND, 4, one->kind);
        if (!one->is_possible)
            specimen_put(&forged[file], RECORD_AT_FILE_BYTES, 8, forged[file].byte_count + 4096);
        specimen_seal_record(&forged[file]);
    }
    try_case(0, false);
}

START_TEST(no_save_is_lost_behind_a_sequence_that_nothing_can_follow)
{
    sweep(sizeof SEQUENCE_CASE / sizeof *SEQUENCE_CASE, 1, try_sequence);
    conclude("sequences");
}
END_TEST

/* --------------------------------------------------------------------- forgeries */

/* Which files: the newest state, the older one, both, the milestone. */
static const unsigned FORGED_FILES[] = {1 << SLOT_B, 1 << SLOT_A, 1 << SLOT_A | 1 << SLOT_B, 1 << MILESTONE};

static void try_forgery(uint64_t number)
{
    const unsigned files = FORGED_FILES[number % 4 == 3 && number % 8 != 3 ? 0 : number % 4];

    begin_case();
    for (enum program_file file = 0; file < PROGRAM_FILE_COUNT; file++) {
        char what[FORGE_TEXT_BYTES];
        if ((files >> file & 1) == 0)
            continue;
        forge(&forged[file], number * PROGRAM_FILE_COUNT + file, what);
        snprintf(tally->what, sizeof tally->what, "%s: %s", PROGRAM_FILE[file], what);
    }
    try_case(number, number % form_count(97, 139, 199) == 0);
}

START_TEST(a_forged_slot_is_refused_or_given_back_as_it_says)
{
    sweep(form_count(60, 700, 50000), 1, try_forgery);
    conclude("forged slots");
}
END_TEST

enum { RATE_BEYOND_64_BITS = 8159 }; /* a lock that `watch` did not survive: in every form */

static void try_lock(uint64_t number)
{
    begin_case();
    forge_lock(&forged[LOCK], number, tally->what);
    try_case(number, number % form_count(41, 61, 199) == 0 || number == RATE_BEYOND_64_BITS);
}

START_TEST(a_forged_lock_is_refused_or_believed)
{
    sweep(form_count(20, 200, 10000), 1, try_lock);
    try_lock(RATE_BEYOND_64_BITS);
    conclude("forged locks");
}
END_TEST

/* ---------------------------------------------------------------------- main */

static void setup(void)
{
    program_begin();
    for (enum program_file file = 0; file < PROGRAM_FILE_COUNT; file++)
        specimen_read(&pristine[file], program_path(file));
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(tally != MAP_FAILED);
}

static void teardown(void)
{
    munmap(tally, sizeof *tally);
    program_end();
}

static void begin(void)
{
    program_repair(pristine);
    memset(tally, 0, sizeof *tally);
}

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_unchecked_fixture(tests, setup, teardown);
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_set_timeout(tests, CASE_TIMEOUT_SECONDS);
    suite_add_tcase(suite, tests);
    return tests;
}

int main(void)
{
    Suite *suite = suite_create("hostile");

    tcase_add_loop_test(add_case(suite, "bits"), a_sealed_bit_is_refused_or_given_back_as_it_is, 0, PART_COUNT);
    tcase_add_loop_test(add_case(suite, "lengths"), a_sealed_slot_that_was_cut_is_refused, 0, RECORDED_COUNT);
    tcase_add_loop_test(add_case(suite, "sectors"), a_sealed_slot_that_lost_a_sector_is_refused_or_given_back_as_it_is,
                        0, RECORDED_COUNT);
    tcase_add_test(add_case(suite, "fields"), a_hostile_number_in_any_field_of_the_record_is_refused_or_told_as_it_is);
    tcase_add_test(add_case(suite, "sequences"), no_save_is_lost_behind_a_sequence_that_nothing_can_follow);
    tcase_add_test(add_case(suite, "slots"), a_forged_slot_is_refused_or_given_back_as_it_says);
    tcase_add_test(add_case(suite, "locks"), a_forged_lock_is_refused_or_believed);
    return suite_run(suite);
}
