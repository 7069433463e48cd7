/* SPDX-License-Identifier: MIT */
/*
 * Looking without restoring: what an inspection reports at every depth, which variables a slot holds, and which of its
 * blocks are damaged.
 */
#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format.h"
#include "state/state.h"
#include "storage/record.h"
#include "storage/system.h"
#include "support/assert_h5ckpt.h"
#include "support/fail_malloc.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum {
    CALLS_MAX = 400,
    SLOTS = H5CKPT_SLOT_COUNT_MAX,
    BLOCK = FORMAT_BLOCK_BYTES,
    MANY = 10000,
    LISTED_MAX = MANY + 16,
    NAME_BYTES = 64,
    RUNS_MAX = 64,
    DEPTHS = H5CKPT_DEVICE + 1,
};

static const char *const SLOT_NAME[] = {FORMAT_SLOT_A, FORMAT_SLOT_B, FORMAT_SLOT_C};

static struct standard standard;
static struct standard writer_standard; /* of a second store */
static struct h5ckpt_report report;
static char before[SNAPSHOT_BYTES];
static char after[SNAPSHOT_BYTES];

static void setup(void)
{
    faults_clear();
    fixture_setup();
    standard_make(&standard);
    standard_make(&writer_standard);
    standard_spoil(&standard);
    memset(&report, 0xee, sizeof report);
}

static void teardown(void)
{
    faults_clear();
    standard_free(&standard);
    standard_free(&writer_standard);
    fixture_teardown();
}

static h5ckpt_status inspect(h5ckpt_store *store, enum h5ckpt_depth depth)
{
    struct h5ckpt_inspect_options options = h5ckpt_inspect_options_default();

    options.depth = depth;
    return h5ckpt_inspect(store, &options, &report);
}

#define assert_inspects(store, depth, expected) \
    assert_status_message(inspect(store, depth), expected, h5ckpt_message(store))

static unsigned slot_number_of_epoch(uint64_t epoch)
{
    const char *name = slot_of_epoch(epoch);
    unsigned number = 0;

    while (strcmp(SLOT_NAME[number], name) != 0)
        number++;
    return number;
}

/* What the file itself says. */
static struct record record_of_slot(unsigned slot)
{
    unsigned char bytes[FORMAT_RECORD_BYTES];
    struct error error = ERROR_NONE;
    struct record record;

    file_read_bytes(in_backup(SLOT_NAME[slot]), bytes, sizeof bytes, 0);
    assert_status_message(record_decode(&record, bytes, &error), H5CKPT_OK, error_message(&error));
    return record;
}

static uint64_t covered_bytes(unsigned slot)
{
    return record_of_slot(slot).table_offset - FORMAT_USER_BLOCK_BYTES;
}

static void flip(unsigned slot, uint64_t offset)
{
    file_flip_bit(in_backup(SLOT_NAME[slot]), 8 * offset);
}

/* ------------------------------------------------------------- listed things */

/* The variables of a slot, as they were listed. */
static struct listing {
    size_t count;
    struct listed {
        char name[NAME_BYTES];
        char type_name[NAME_BYTES];
        int rank;
        uint64_t shape[4];
        uint64_t byte_count;
        uint64_t offset;
    } variable[LISTED_MAX];
} listing;

static void list_one(void *context, const struct h5ckpt_stored *variable)
{
    struct listing *to = context;
    struct listed *listed = &to->variable[to->count++];

    ck_assert_uint_le(to->count, LISTED_MAX);
    ck_assert_int_lt(snprintf(listed->name, NAME_BYTES, "%s", variable->name), NAME_BYTES);
    ck_assert_int_lt(snprintf(listed->type_name, NAME_BYTES, "%s", variable->type_name), NAME_BYTES);
    listed->rank = variable->rank;
    ck_assert(variable->rank >= 0 && variable->rank <= (int)COUNT(listed->shape));
    for (int i = 0; i < variable->rank; i++)
        listed->shape[i] = variable->shape[i];
    listed->byte_count = variable->byte_count;
    listed->offset = variable->offset;
}

static h5ckpt_status list_variables(h5ckpt_store *store, unsigned slot)
{
    listing.count = 0;
    return h5ckpt_list_variables(store, slot, list_one, &listing);
}

static void assert_lists_nothing(h5ckpt_store *store, unsigned slot, h5ckpt_status expected)
{
    assert_status_message(list_variables(store, slot), expected, h5ckpt_message(store));
    ck_assert_uint_eq(listing.count, 0);
    ck_assert_str_ne(h5ckpt_message(store), "");
}

/* The damaged runs of a slot, as they were listed. */
static struct runs {
    size_t count;
    struct h5ckpt_damage run[RUNS_MAX]; /* names point into `text` */
    const char *name[LISTED_MAX];
    size_t name_count;
    char text[LISTED_MAX * 24];
    size_t text_length;
} damage;

static void list_run(void *context, const struct h5ckpt_damage *run)
{
    struct runs *to = context;
    struct h5ckpt_damage *kept = &to->run[to->count++];

    ck_assert_uint_le(to->count, RUNS_MAX);
    *kept = *run;
    kept->names = to->name + to->name_count;
    for (size_t i = 0; i < run->name_count; i++) {
        ck_assert_uint_lt(to->name_count, LISTED_MAX);
        ck_assert_uint_lt(to->text_length + strlen(run->names[i]) + 1, sizeof to->text);
        to->name[to->name_count++] = strcpy(to->text + to->text_length, run->names[i]);
        to->text_length += strlen(run->names[i]) + 1;
    }
}

static h5ckpt_status list_damage(h5ckpt_store *store, unsigned slot)
{
    damage.count = 0;
    damage.name_count = 0;
    damage.text_length = 0;
    return h5ckpt_list_damage(store, slot, list_run, &damage);
}

static void assert_no_damage(h5ckpt_store *store, unsigned slot)
{
    assert_status_message(list_damage(store, slot), H5CKPT_OK, h5ckpt_message(store));
    ck_assert_msg(damage.count == 0, "%s: %zu damaged runs", SLOT_NAME[slot], damage.count);
    ck_assert_str_eq(h5ckpt_message(store), "");
}

/* -------------------------------------------------------------------- depths */

START_TEST(a_slot_is_committed_by_its_record_and_intact_by_all_its_bytes)
{
    const unsigned slots = 1 + (unsigned)_i / DEPTHS;
    const enum h5ckpt_depth depth = (enum h5ckpt_depth)(_i % DEPTHS);

    standard_history(slots, 1, 4);
    h5ckpt_store *store = standard_open_slots(&standard, slots);
    directory_snapshot(fixture_backup, before);
    assert_inspects(store, depth, H5CKPT_OK);
    for (uint64_t epoch = 4; epoch > 4 - slots; epoch--)
        ck_assert_int_eq(report.slot[slot_number_of_epoch(epoch)].state,
                         depth == H5CKPT_RECORDS ? H5CKPT_SLOT_COMMITTED : H5CKPT_SLOT_INTACT);
    ck_assert_int_eq(report.restored, (int)slot_number_of_epoch(4));
    ck_assert_uint_eq(report.progress.epoch, 4);
    ck_assert_str_eq(h5ckpt_message(store), "");
    ck_assert(standard_is_spoilt(&standard));
    directory_snapshot(fixture_backup, after);
    ck_assert_str_eq(after, before);
    h5ckpt_close(store);
}
END_TEST

START_TEST(an_inspection_restores_nothing_and_allows_no_save)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_inspects(store, (enum h5ckpt_depth)_i, H5CKPT_OK);
    ck_assert(standard_is_spoilt(&standard));
    ck_assert_uint_eq(h5ckpt_progress(store).epoch, 0);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_NOT_RESTORED);
    h5ckpt_close(store);
}
END_TEST

START_TEST(the_default_is_to_read_records)
{
    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    ck_assert_int_eq(h5ckpt_inspect_options_default().depth, H5CKPT_RECORDS);
    ck_assert(h5ckpt_inspect_options_default().progress == NULL);
    assert_status(h5ckpt_inspect(store, NULL, &report), H5CKPT_OK);
    ck_assert_int_eq(report.slot[0].state, H5CKPT_SLOT_COMMITTED);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_depth_that_names_nothing_is_refused)
{
    static const int NONSENSE[] = {-1, H5CKPT_DEVICE + 1, 1000000};

    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_inspects(store, (enum h5ckpt_depth)NONSENSE[_i], H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), "h5ckpt_inspect");
    assert_inspects(store, H5CKPT_DEVICE, H5CKPT_OK);
    h5ckpt_close(store);
}
END_TEST

START_TEST(an_inspection_needs_a_store_and_a_report)
{
    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_inspect(NULL, NULL, &report), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_inspect(store, NULL, NULL), H5CKPT_E_ARGUMENT);
    ck_assert_str_ne(h5ckpt_message(store), "");
    h5ckpt_close(store);
}
END_TEST

START_TEST(every_damaged_slot_is_found_not_only_those_that_a_restore_would_meet)
{
    standard_history(3, 1, 3);
    h5ckpt_store *store = standard_open_slots(&standard, 3);
    for (uint64_t epoch = 1; epoch <= 3; epoch++)
        if (_i >> (epoch - 1) & 1)
            flip(slot_number_of_epoch(epoch), 100000);
    h5ckpt_status status = inspect(store, H5CKPT_ALL_BYTES);
    for (uint64_t epoch = 1; epoch <= 3; epoch++)
        ck_assert_int_eq(report.slot[slot_number_of_epoch(epoch)].state,
                         _i >> (epoch - 1) & 1 ? H5CKPT_SLOT_DAMAGED : H5CKPT_SLOT_INTACT);
    assert_status(status, _i == 7 ? H5CKPT_E_LOST : _i >= 4 ? H5CKPT_FELL_BACK : H5CKPT_OK);
    h5ckpt_close(store);
}
END_TEST

/* ------------------------------------------------------------ past the cache */

enum { DESCRIPTORS_MAX = 256 };

/* A device whose content, or cache, is not what was written; behind the calls of faults_clear(). */
static struct device {
    struct system_calls calls;
    const struct system_calls *below;
    bool direct[DESCRIPTORS_MAX]; /* was it opened past the cache? */
    bool refuses_direct;          /* by an errno, as open(2) says EINVAL */
    bool says_cached;             /* is_direct() denies it */
    ino_t inode;                  /* of the file with … */
    uint64_t offset[8];           /* … bytes that cannot be read, or read otherwise; 0: none */
    bool fails;                   /* EIO, else a flipped bit */
    bool past_cache_only;
    bool cached_only;
    long direct_reads;
    long cached_reads;
    long unaligned_reads;
} device;

static int device_open_at(int directory, const char *name, int flags, mode_t mode)
{
    const bool direct = (flags & O_DIRECT) != 0;

    if (direct && device.refuses_direct) {
        errno = EINVAL;
        return -1;
    }
    int descriptor = device.below->open_at(directory, name, flags, mode);
    if (descriptor >= 0 && descriptor < DESCRIPTORS_MAX)
        device.direct[descriptor] = direct;
    return descriptor;
}

static int device_is_direct(int descriptor)
{
    return !device.says_cached && device.below->is_direct(descriptor);
}

static bool device_is_bad(int descriptor, uint64_t offset, uint64_t end, uint64_t bad)
{
    struct stat status;

    if (bad == 0 || bad < offset || bad >= end || fstat(descriptor, &status) != 0 || status.st_ino != device.inode)
        return false;
    return device.direct[descriptor] ? !device.cached_only : !device.past_cache_only;
}

static ssize_t device_read_at(int descriptor, void *bytes, size_t byte_count, off_t offset)
{
    const uint64_t begin = (uint64_t)offset;
    ssize_t got = device.below->read_at(descriptor, bytes, byte_count, offset);

    ck_assert_int_lt(descriptor, DESCRIPTORS_MAX);
    if (device.direct[descriptor]) {
        device.direct_reads++;
        device.unaligned_reads += ((uintptr_t)bytes | byte_count | begin) % FORMAT_ALIGN_BYTES != 0;
    } else {
        device.cached_reads++;
    }
    for (unsigned i = 0; got > 0 && i < COUNT(device.offset); i++) {
        if (!device_is_bad(descriptor, begin, begin + (uint64_t)got, device.offset[i]))
            continue;
        if (device.fails) {
            errno = EIO;
            return -1;
        }
        ((unsigned char *)bytes)[device.offset[i] - begin] ^= 1;
    }
    return got;
}

static void device_begin(void)
{
    device = (struct device){.below = system_calls, .calls = *system_calls};
    device.calls.open_at = device_open_at;
    device.calls.read_at = device_read_at;
    device.calls.is_direct = device_is_direct;
    system_calls = &device.calls;
}

static void device_of_slot(unsigned slot)
{
    device.inode = file_inode(in_backup(SLOT_NAME[slot]));
}

START_TEST(a_slot_is_from_the_device_exactly_if_that_was_asked_for)
{
    standard_history(3, 1, 3);
    h5ckpt_store *store = standard_open_slots(&standard, 3);
    assert_inspects(store, (enum h5ckpt_depth)_i, H5CKPT_OK);
    for (unsigned i = 0; i < SLOTS; i++)
        ck_assert_int_eq(report.slot[i].from_device, _i == H5CKPT_DEVICE);
    h5ckpt_close(store);
}
END_TEST

START_TEST(what_was_read_from_the_device_is_not_said_of_the_next_inspection)
{
    standard_history(2, 1, 3);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_inspects(store, H5CKPT_DEVICE, H5CKPT_OK);
    assert_inspects(store, (enum h5ckpt_depth)_i, H5CKPT_OK);
    ck_assert(!report.slot[0].from_device);
    assert_status(h5ckpt_restore(store, NULL, &report), H5CKPT_OK);
    ck_assert(!report.slot[0].from_device && !report.slot[1].from_device);
    h5ckpt_close(store);
}
END_TEST

START_TEST(every_block_is_read_past_the_cache)
{
    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    device_begin();
    assert_inspects(store, H5CKPT_DEVICE, H5CKPT_OK);
    const uint64_t blocks = record_block_count(
        &(struct record){.table_offset = record_of_slot(0).table_offset, .block_bytes = record_of_slot(0).block_bytes});
    ck_assert_int_ge(device.direct_reads, 2 * (long)blocks);
    device.cached_reads = device.direct_reads = 0;
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_OK);
    ck_assert_int_eq(device.direct_reads, 0);
    h5ckpt_close(store);
}
END_TEST

START_TEST(reads_past_the_cache_are_aligned)
{
    standard_history(3, 1, 3);
    h5ckpt_store *store = standard_open_slots(&standard, 3);
    if (_i != 0)
        flip(0, 100000); /* then its variables are looked up as well */
    device_begin();
    inspect(store, H5CKPT_DEVICE);
    ck_assert_int_gt(device.direct_reads, 0);
    ck_assert_int_eq(device.unaligned_reads, 0);
    h5ckpt_close(store);
}
END_TEST

/* How reading past the cache is denied. */
static void deny(int how)
{
    device_begin();
    device.refuses_direct = how == 1;
    device.says_cached = how == 2;
}

START_TEST(where_the_device_cannot_be_read_the_cache_is_and_the_slot_says_so)
{
    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    deny(_i);
    assert_inspects(store, H5CKPT_DEVICE, H5CKPT_OK);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(report.slot[i].state, H5CKPT_SLOT_INTACT);
        ck_assert(!report.slot[i].from_device);
    }
    ck_assert_int_eq(device.direct_reads, 0);
    ck_assert_str_eq(h5ckpt_message(store), "");
    h5ckpt_close(store);
}
END_TEST

/* _i: how it is denied, 0 not at all; which of two slots is damaged, as bits */
START_TEST(the_verdict_does_not_depend_on_where_the_bytes_were_read)
{
    static struct h5ckpt_report cached;
    const unsigned damaged = (unsigned)_i % 4;

    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    for (unsigned i = 0; i < 2; i++)
        if (damaged >> i & 1)
            flip(i, 4096 + BLOCK + 17);
    h5ckpt_status expected = inspect(store, H5CKPT_ALL_BYTES);
    cached = report;
    deny(_i / 4);
    assert_inspects(store, H5CKPT_DEVICE, expected);
    ck_assert_int_eq(report.restored, cached.restored);
    for (unsigned i = 0; i < SLOTS; i++) {
        ck_assert_int_eq(report.slot[i].state, cached.slot[i].state);
        ck_assert_int_eq(report.slot[i].role, cached.slot[i].role);
        ck_assert_str_eq(report.slot[i].reason, cached.slot[i].reason);
        assert_status(list_damage(store, i), H5CKPT_OK);
        ck_assert_uint_eq(damage.count, damaged >> i & 1);
        ck_assert(damage.count == 0 || damage.run[0].first_block == 1);
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(damage_that_only_the_device_holds_is_found_past_the_cache_only)
{
    standard_history(2, 1, 2);
    const unsigned newest = slot_number_of_epoch(2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    device_begin();
    device_of_slot(newest);
    device.offset[0] = 100000;
    device.past_cache_only = true;
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_OK);
    assert_inspects(store, H5CKPT_DEVICE, H5CKPT_FELL_BACK);
    ck_assert_int_eq(report.slot[newest].state, H5CKPT_SLOT_DAMAGED);
    ck_assert(report.slot[newest].from_device);
    h5ckpt_close(store);
}
END_TEST

START_TEST(damage_that_only_the_cache_holds_is_not_found_past_it)
{
    standard_history(2, 1, 2);
    const unsigned newest = slot_number_of_epoch(2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    device_begin();
    device_of_slot(newest);
    device.offset[0] = 100000;
    device.cached_only = true;
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
    assert_inspects(store, H5CKPT_DEVICE, H5CKPT_OK);
    ck_assert_int_eq(report.slot[newest].state, H5CKPT_SLOT_INTACT);
    h5ckpt_close(store);
}
END_TEST

/* --------------------------------------------------- on a file system as it is */

static char place[PATH_BYTES];

/* Made and removed outside the tests, so that a failing one leaves nothing behind. */
static void make_place(void)
{
    strcpy(place, "/var/tmp/h5ckpt-test-XXXXXX");
    if (mkdtemp(place) == NULL)
        place[0] = '\0';
}

static void remove_place(void)
{
    strcpy(fixture_backup, place);
    if (place[0] != '\0')
        fixture_clear_backup();
}

static bool kernel_reads_past_cache(const char *path)
{
    int descriptor = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
    const bool direct = descriptor >= 0 && system_kernel.is_direct(descriptor);

    if (descriptor >= 0)
        close(descriptor);
    return direct;
}

/* _i: the directory of the other tests, often in memory, and one that is often on a disk; damaged or not */
START_TEST(on_a_real_file_system_the_slot_says_where_it_was_read)
{
    if (_i / 2 == 1 && place[0] != '\0')
        ck_assert_int_lt(snprintf(fixture_backup, PATH_BYTES, "%.*s/backup%d", PATH_BYTES - 16, place, _i), PATH_BYTES);
    standard_history(2, 1, 2);
    const unsigned newest = slot_number_of_epoch(2);
    if (_i % 2 == 1)
        flip(newest, 100000);
    h5ckpt_store *store = standard_open(&standard, NULL);
    system_calls = &system_kernel;
    assert_inspects(store, H5CKPT_DEVICE, _i % 2 == 1 ? H5CKPT_FELL_BACK : H5CKPT_OK);
    for (unsigned i = 0; i < 2; i++)
        ck_assert_int_eq(report.slot[i].from_device, kernel_reads_past_cache(in_backup(SLOT_NAME[i])));
    ck_assert_int_eq(report.slot[newest].state, _i % 2 == 1 ? H5CKPT_SLOT_DAMAGED : H5CKPT_SLOT_INTACT);
    h5ckpt_close(store);
}
END_TEST

/* ------------------------------------------------------------------ progress */

static struct told {
    long call_count;
    long restart_count; /* how often it went back */
    uint64_t bytes_done;
    uint64_t bytes_total;
} told;

static void note_progress(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
    struct told *to = context;

    ck_assert_uint_le(bytes_done, bytes_total);
    if (to->call_count++ > 0) {
        to->restart_count += bytes_done <= to->bytes_done || bytes_total != to->bytes_total;
    }
    to->bytes_done = bytes_done;
    to->bytes_total = bytes_total;
}

static h5ckpt_status inspect_told(h5ckpt_store *store, enum h5ckpt_depth depth)
{
    struct h5ckpt_inspect_options options = h5ckpt_inspect_options_default();

    options.depth = depth;
    options.progress = note_progress;
    options.progress_context = &told;
    told = (struct told){0};
    return h5ckpt_inspect(store, &options, &report);
}

/* _i: slots; depth; a damaged block or none */
START_TEST(progress_grows_slot_by_slot_up_to_the_bytes_of_all_committed_slots)
{
    const unsigned slots = 1 + (unsigned)_i % 3;
    uint64_t bytes_total = 0;

    standard_history(slots, 1, 4);
    for (uint64_t epoch = 4; epoch > 4 - slots; epoch--) {
        struct record record = record_of_slot(slot_number_of_epoch(epoch));
        bytes_total += record.table_offset - FORMAT_USER_BLOCK_BYTES;
    }
    if (_i / 6 == 1)
        flip(slot_number_of_epoch(4), 70000);
    h5ckpt_store *store = standard_open_slots(&standard, slots);
    inspect_told(store, _i / 3 % 2 == 0 ? H5CKPT_ALL_BYTES : H5CKPT_DEVICE);
    ck_assert_int_eq(told.restart_count, 0);
    ck_assert_int_ge(told.call_count, (long)slots);
    ck_assert_uint_eq(told.bytes_done, told.bytes_total);
    ck_assert_uint_eq(told.bytes_total, bytes_total);
    h5ckpt_close(store);
}
END_TEST

START_TEST(progress_leaves_out_a_slot_whose_record_is_damaged)
{
    standard_history(2, 1, 2);
    const unsigned newest = slot_number_of_epoch(2);
    const uint64_t bytes_total = covered_bytes(slot_number_of_epoch(1));
    flip(newest, 100);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(inspect_told(store, H5CKPT_ALL_BYTES), H5CKPT_FELL_BACK);
    ck_assert_uint_eq(told.bytes_total, bytes_total);
    ck_assert_uint_eq(told.bytes_done, bytes_total);
    h5ckpt_close(store);
}
END_TEST

START_TEST(progress_is_not_told_where_nothing_but_records_is_read)
{
    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(inspect_told(store, H5CKPT_RECORDS), H5CKPT_OK);
    ck_assert_int_eq(told.call_count, 0);
    h5ckpt_close(store);
}
END_TEST

START_TEST(progress_is_not_told_of_a_directory_without_states)
{
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(inspect_told(store, H5CKPT_ALL_BYTES), H5CKPT_NO_CHECKPOINT);
    ck_assert_int_eq(told.call_count, 0);
    h5ckpt_close(store);
}
END_TEST

START_TEST(progress_does_not_go_back_without_a_writer_beside_it)
{
    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    faults_set((struct faults){.calls = FAULT_READ, .name = "slot", .first = 8, .count = 1, .error = EIO});
    h5ckpt_status status = inspect_told(store, H5CKPT_ALL_BYTES);
    const bool hit = faults_hit();
    faults_clear();
    ck_assert(hit);
    assert_status(status, H5CKPT_OK);
    ck_assert_int_eq(told.restart_count, 0);
    h5ckpt_close(store);
}
END_TEST

struct beside {
    h5ckpt_store *store;
    uint64_t number; /* of the state saved last */
};

static void save_beside(void *context)
{
    struct beside *beside = context;

    assert_status_message(standard_save(beside->store, &writer_standard, ++beside->number), H5CKPT_OK,
                          h5ckpt_message(beside->store));
}

static void save_twice_beside(void *context)
{
    save_beside(context);
    save_beside(context);
}

static void save_thrice_beside(void *context)
{
    save_twice_beside(context);
    save_beside(context);
}

static struct beside begin_beside(unsigned slots, uint64_t saved)
{
    struct beside beside = {standard_open_slots(&writer_standard, slots), 0};

    while (beside.number < saved)
        save_beside(&beside);
    return beside;
}

START_TEST(progress_beside_a_writer_that_saves_still_ends_at_its_total)
{
    struct beside beside = begin_beside(2, 4);
    h5ckpt_store *reader = standard_open_reader(&standard);
    long restarts = 0;
    bool hit = true;

    for (long call = 0; hit; call++) {
        faults_set((struct faults){.calls = FAULT_OPEN | FAULT_READ,
                                   .first = call,
                                   .count = 1,
                                   .before = save_twice_beside,
                                   .context = &beside});
        h5ckpt_status status = inspect_told(reader, H5CKPT_ALL_BYTES);
        hit = faults_hit();
        faults_clear();
        ck_assert_int_lt(call, CALLS_MAX);
        assert_status_message(status, H5CKPT_OK, h5ckpt_message(reader));
        ck_assert_uint_eq(told.bytes_done, told.bytes_total);
        restarts += told.restart_count;
    }
    ck_assert_int_gt(restarts, 0); /* else the writer was never faster */
    h5ckpt_close(reader);
    h5ckpt_close(beside.store);
}
END_TEST

/* --------------------------------------------------------------------- roles */

static void assert_role(uint64_t epoch, enum h5ckpt_role expected)
{
    const unsigned slot = slot_number_of_epoch(epoch);

    ck_assert_msg(report.slot[slot].role == expected, "epoch %d, in %s, is \"%s\", not \"%s\"", (int)epoch,
                  SLOT_NAME[slot], h5ckpt_role_name(report.slot[slot].role), h5ckpt_role_name(expected));
}

static unsigned count_role(enum h5ckpt_role role)
{
    unsigned count = 0;

    for (unsigned i = 0; i < report.slot_count; i++)
        count += report.slot[i].role == role;
    return count;
}

/* _i: slots; depth */
START_TEST(states_are_current_previous_and_older_as_many_as_there_are)
{
    static const enum h5ckpt_role ROLE[] = {H5CKPT_ROLE_CURRENT, H5CKPT_ROLE_PREVIOUS, H5CKPT_ROLE_OLDER};
    const unsigned slots = 1 + (unsigned)_i % 3;

    standard_history(slots, 1, 5);
    h5ckpt_store *store = standard_open_slots(&standard, slots);
    assert_inspects(store, (enum h5ckpt_depth)(_i / 3), H5CKPT_OK);
    for (unsigned age = 0; age < slots; age++)
        assert_role(5 - age, ROLE[age]);
    ck_assert_uint_eq(count_role(H5CKPT_ROLE_NONE), SLOTS - slots);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_reserved_or_absent_slot_has_no_role)
{
    standard_history(2, 1, 1);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_OK);
    assert_role(1, H5CKPT_ROLE_CURRENT);
    const unsigned other = 1 - slot_number_of_epoch(1);
    ck_assert_int_eq(report.slot[other].state, H5CKPT_SLOT_RESERVED);
    ck_assert_int_eq(report.slot[other].role, H5CKPT_ROLE_NONE);
    ck_assert_int_eq(report.slot[2].state, H5CKPT_SLOT_ABSENT);
    ck_assert_int_eq(report.slot[2].role, H5CKPT_ROLE_NONE);
    h5ckpt_close(store);
}
END_TEST

START_TEST(before_anything_is_saved_no_slot_has_a_role)
{
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_inspects(store, (enum h5ckpt_depth)_i, H5CKPT_NO_CHECKPOINT);
    ck_assert_uint_eq(count_role(H5CKPT_ROLE_NONE), SLOTS);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_damaged_newest_state_leaves_its_role_to_the_one_before)
{
    standard_history(3, 1, 3);
    flip(slot_number_of_epoch(3), 100000);
    h5ckpt_store *store = standard_open_slots(&standard, 3);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
    assert_role(3, H5CKPT_ROLE_NONE);
    assert_role(2, H5CKPT_ROLE_CURRENT);
    assert_role(1, H5CKPT_ROLE_PREVIOUS);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_damaged_previous_state_leaves_its_role_to_the_one_before)
{
    standard_history(3, 1, 3);
    flip(slot_number_of_epoch(2), 100000);
    h5ckpt_store *store = standard_open_slots(&standard, 3);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_OK);
    assert_role(3, H5CKPT_ROLE_CURRENT);
    assert_role(2, H5CKPT_ROLE_NONE);
    assert_role(1, H5CKPT_ROLE_PREVIOUS);
    h5ckpt_close(store);
}
END_TEST

static const struct h5ckpt_restore_options PREVIOUS = {.which = H5CKPT_PREVIOUS};

START_TEST(until_the_next_save_a_state_that_was_rolled_back_from_stays_current)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, &PREVIOUS, &report), H5CKPT_OK);
    assert_role(4, H5CKPT_ROLE_CURRENT);
    assert_role(3, H5CKPT_ROLE_PREVIOUS);
    ck_assert_int_eq(report.slot[report.restored].role, H5CKPT_ROLE_PREVIOUS);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_OK);
    assert_role(4, H5CKPT_ROLE_CURRENT);
    h5ckpt_close(store);
}
END_TEST

START_TEST(after_rolling_back_and_saving_the_state_rolled_back_to_is_the_previous)
{
    standard_history(2, 1, 4);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, &PREVIOUS, NULL), H5CKPT_OK);
    assert_status(standard_save(store, &standard, 10), H5CKPT_OK);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_OK);
    assert_role(10, H5CKPT_ROLE_CURRENT);
    assert_role(3, H5CKPT_ROLE_PREVIOUS);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_state_that_was_rolled_back_from_is_abandoned)
{
    standard_history(3, 1, 3);
    flip(slot_number_of_epoch(2), 100000); /* so that the save below takes its place, and not that of 3 */
    h5ckpt_store *store = standard_open_slots(&standard, 3);
    assert_status(h5ckpt_restore(store, &PREVIOUS, NULL), H5CKPT_FELL_BACK);
    ck_assert(standard_is(&standard, 1));
    assert_status(standard_save(store, &standard, 10), H5CKPT_OK);
    assert_inspects(store, (enum h5ckpt_depth)_i, H5CKPT_OK);
    assert_role(10, H5CKPT_ROLE_CURRENT);
    assert_role(1, H5CKPT_ROLE_PREVIOUS);
    assert_role(3, H5CKPT_ROLE_ABANDONED);
    h5ckpt_close(store);
}
END_TEST

START_TEST(the_slot_that_a_restore_would_give_is_the_current_one)
{
    standard_history(3, 1, 3);
    for (uint64_t epoch = 1; epoch <= 3; epoch++)
        if (_i >> (epoch - 1) & 1)
            flip(slot_number_of_epoch(epoch), 100000);
    h5ckpt_store *store = standard_open_slots(&standard, 3);
    h5ckpt_status status = inspect(store, H5CKPT_ALL_BYTES);
    ck_assert_uint_eq(count_role(H5CKPT_ROLE_CURRENT), status >= 0);
    ck_assert_int_eq(report.restored == -1, status < 0);
    if (status >= 0)
        ck_assert_int_eq(report.slot[report.restored].role, H5CKPT_ROLE_CURRENT);
    h5ckpt_close(store);
}
END_TEST

START_TEST(every_role_has_a_name_of_its_own)
{
    for (int a = H5CKPT_ROLE_NONE; a <= H5CKPT_ROLE_ABANDONED; a++)
        for (int b = H5CKPT_ROLE_NONE; b < a; b++)
            ck_assert_str_ne(h5ckpt_role_name((enum h5ckpt_role)a), h5ckpt_role_name((enum h5ckpt_role)b));
    ck_assert_str_eq(h5ckpt_role_name(H5CKPT_ROLE_NONE), "");
    ck_assert_str_eq(h5ckpt_role_name(H5CKPT_ROLE_CURRENT), "current");
    ck_assert_ptr_nonnull(h5ckpt_role_name((enum h5ckpt_role)99));
}
END_TEST

START_TEST(of_a_directory_that_is_gone_no_slot_is_reported)
{
    standard_history(2, 1, 2);
    h5ckpt_store *reader = standard_open_reader(&standard);
    assert_inspects(reader, H5CKPT_ALL_BYTES, H5CKPT_OK);
    fixture_clear_backup();
    assert_inspects(reader, (enum h5ckpt_depth)_i, H5CKPT_NO_CHECKPOINT);
    ck_assert_int_eq(report.restored, -1);
    for (unsigned i = 0; i < report.slot_count; i++)
        ck_assert_msg(report.slot[i].state == H5CKPT_SLOT_ABSENT && report.slot[i].role == H5CKPT_ROLE_NONE &&
                          report.slot[i].sequence == 0,
                      "%s is said to be %s, %s", report.slot[i].name, h5ckpt_slot_state_name(report.slot[i].state),
                      h5ckpt_role_name(report.slot[i].role));
    h5ckpt_close(reader);
}
END_TEST

START_TEST(an_inspection_that_could_not_look_does_not_repeat_what_was_seen_before)
{
    standard_history(2, 1, 2);
    h5ckpt_store *reader = standard_open_reader(&standard);
    assert_inspects(reader, H5CKPT_ALL_BYTES, H5CKPT_OK);
    faults_set((struct faults){.calls = FAULT_OPEN, .name = "lock", .count = FAULTS_FOR_EVER, .error = EACCES});
    h5ckpt_status status = inspect(reader, H5CKPT_ALL_BYTES);
    faults_clear();
    assert_status(status, H5CKPT_E_PERMISSION);
    ck_assert_int_eq(report.restored, -1);
    for (unsigned i = 0; i < report.slot_count; i++)
        ck_assert_int_ne(report.slot[i].state, H5CKPT_SLOT_INTACT);
    ck_assert_uint_eq(count_role(H5CKPT_ROLE_CURRENT), 0);
    h5ckpt_close(reader);
}
END_TEST

/* -------------------------------------------------------------- writer_alive */

struct writer { /* another process that holds the directory */
    pid_t process;
    int said;
    int told;
};

static void writer_main(int said, int goes)
{
    h5ckpt_store *store;
    char go;

    if (h5ckpt_open(&store, fixture_backup, writer_standard.state, NULL) != H5CKPT_OK || write(said, "o", 1) != 1 ||
        read(goes, &go, 1) != 1)
        _exit(1);
    h5ckpt_close(store);
    _exit(write(said, "c", 1) == 1 && read(goes, &go, 1) == 1 ? 0 : 2);
}

static struct writer writer_start(void)
{
    int said[2];
    int goes[2];
    char opened;

    ck_assert_int_eq(pipe(said), 0);
    ck_assert_int_eq(pipe(goes), 0);
    const pid_t process = fork();
    ck_assert_int_ge(process, 0);
    if (process == 0) {
        close(said[0]);
        close(goes[1]);
        writer_main(said[1], goes[0]);
    }
    close(said[1]);
    close(goes[0]);
    ck_assert_int_eq(read(said[0], &opened, 1), 1);
    return (struct writer){process, said[0], goes[1]};
}

/* It closes its store, and lives on. */
static void writer_closes(const struct writer *writer)
{
    char closed;

    ck_assert_int_eq(write(writer->told, "g", 1), 1);
    ck_assert_int_eq(read(writer->said, &closed, 1), 1);
}

static void writer_end(const struct writer *writer, int signal_number)
{
    int status;

    if (signal_number == 0)
        ck_assert_int_eq(write(writer->told, "g", 1), 1);
    else
        ck_assert_int_eq(kill(writer->process, signal_number), 0);
    ck_assert_int_eq(waitpid(writer->process, &status, 0), writer->process);
    ck_assert_int_eq(status, signal_number);
    close(writer->said);
    close(writer->told);
}

START_TEST(a_reader_sees_the_writer_while_it_holds_the_directory)
{
    const enum h5ckpt_depth depth = (enum h5ckpt_depth)_i;

    standard_history(2, 1, 2);
    h5ckpt_store *reader = standard_open_reader(&standard);
    assert_inspects(reader, depth, H5CKPT_OK);
    ck_assert(!report.writer_alive);
    struct writer writer = writer_start();
    assert_inspects(reader, depth, H5CKPT_OK);
    ck_assert(report.writer_alive);
    assert_status(h5ckpt_restore(reader, NULL, &report), H5CKPT_OK);
    ck_assert(report.writer_alive);
    writer_closes(&writer);
    assert_inspects(reader, depth, H5CKPT_OK);
    ck_assert(!report.writer_alive);
    writer_end(&writer, 0);
    h5ckpt_close(reader);
}
END_TEST

START_TEST(a_killed_writer_is_no_longer_seen)
{
    standard_history(2, 1, 2);
    h5ckpt_store *reader = standard_open_reader(&standard);
    struct writer writer = writer_start();
    writer_end(&writer, SIGKILL);
    assert_inspects(reader, H5CKPT_RECORDS, H5CKPT_OK);
    ck_assert(!report.writer_alive);
    h5ckpt_close(reader);
}
END_TEST

START_TEST(a_writer_is_seen_where_nothing_was_saved_yet)
{
    struct writer writer = writer_start();
    h5ckpt_store *reader = standard_open_reader(&standard);
    assert_inspects(reader, H5CKPT_RECORDS, H5CKPT_NO_CHECKPOINT);
    ck_assert(report.writer_alive);
    writer_closes(&writer);
    assert_inspects(reader, H5CKPT_RECORDS, H5CKPT_NO_CHECKPOINT);
    ck_assert(!report.writer_alive);
    writer_end(&writer, 0);
    h5ckpt_close(reader);
}
END_TEST

START_TEST(the_writer_does_not_see_itself)
{
    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_inspects(store, H5CKPT_RECORDS, H5CKPT_OK);
    ck_assert(!report.writer_alive);
    h5ckpt_close(store);
}
END_TEST

START_TEST(of_a_directory_that_is_gone_no_writer_is_reported)
{
    h5ckpt_store *writer = standard_open(&writer_standard, NULL);
    assert_status(standard_save(writer, &writer_standard, 1), H5CKPT_OK);
    h5ckpt_store *reader = standard_open_reader(&standard);
    assert_inspects(reader, H5CKPT_RECORDS, H5CKPT_OK);
    ck_assert(report.writer_alive);
    assert_status(h5ckpt_delete(writer), H5CKPT_OK);
    h5ckpt_close(writer);
    fixture_clear_backup();
    assert_inspects(reader, H5CKPT_RECORDS, H5CKPT_NO_CHECKPOINT);
    ck_assert(!report.writer_alive);
    h5ckpt_close(reader);
}
END_TEST

/* ----------------------------------------------------------------- variables */

enum { KIND_BYTES_MAX = 400 };

/* A variable of each kind, registered in this order. */
static const struct kind {
    const char *name;
    h5ckpt_type type;
    const char *type_name; /* NULL: see below */
    int rank;
    uint64_t shape[3];
} KIND[] = {
    {"zeta", H5CKPT_INT8, "int8", 1, {7}},
    {"i/16", H5CKPT_INT16, "int16", 2, {2, 3}},
    {"i/32", H5CKPT_INT32, "int32", 3, {2, 1, 4}},
    {"i/64", H5CKPT_INT64, "int64", 0, {0}},
    {"u8", H5CKPT_UINT8, "uint8", 0, {0}},
    {"u16", H5CKPT_UINT16, "uint16", 1, {1}},
    {"u32", H5CKPT_UINT32, "uint32", 1, {5}},
    {"u64", H5CKPT_UINT64, "uint64", 2, {3, 2}},
    {"empty/first", H5CKPT_FLOAT64, "float64", 2, {0, 7}},
    {"f16", H5CKPT_FLOAT16, "float16", 1, {9}},
    {"f32", H5CKPT_FLOAT32, "float32", 2, {4, 5}},
    {"f64", H5CKPT_FLOAT64, "float64", 1, {6}},
    {"long double", H5CKPT_LONG_DOUBLE, NULL, 1, {3}},
    {"flags", H5CKPT_BOOL, NULL, 1, {4}},
    {"c64", H5CKPT_COMPLEX64, "complex64", 1, {2}},
    {"c128", H5CKPT_COMPLEX128, "complex128", 0, {0}},
    {"opaque", H5CKPT_OPAQUE(37), "opaque of 37 bytes", 1, {2}},
    {"byte", H5CKPT_OPAQUE(1), "opaque of 1 byte", 0, {0}},
    {"text", H5CKPT_STRING(12), "string of 12 bytes", 1, {3}},
    {"empty/last", H5CKPT_INT8, "int8", 3, {4, 5, 0}},
    {"gr\xc3\xb6\xc3\x9f\x65", H5CKPT_INT32, "int32", 0, {0}},
    {"progress/epoch", H5CKPT_UINT64, "uint64", 0, {0}}, /* the program's own, not h5ckpt's */
    {"alpha", H5CKPT_INT8, "int8", 0, {0}},
};

static unsigned char kind_memory[2][COUNT(KIND)][KIND_BYTES_MAX]; /* by state, 1 and 2 */
static unsigned char kind_now[COUNT(KIND)][KIND_BYTES_MAX];

static uint64_t kind_bytes(const struct kind *kind)
{
    uint64_t byte_count = H5CKPT_TYPE_BYTES(kind->type);

    for (int i = 0; i < kind->rank; i++)
        byte_count *= kind->shape[i];
    ck_assert_uint_le(byte_count, KIND_BYTES_MAX);
    return byte_count;
}

static void fill_kinds(unsigned state)
{
    for (unsigned k = 0; k < COUNT(KIND); k++) {
        unsigned char *bytes = kind_memory[state][k];
        for (unsigned i = 0; i < KIND_BYTES_MAX; i++)
            bytes[i] = (unsigned char)(1 + state * 101 + k * 31 + i * 7);
        if (KIND[k].type == H5CKPT_LONG_DOUBLE && LDBL_MANT_DIG == 64) /* what is padding is stored as zeros */
            for (unsigned i = 0; i < KIND_BYTES_MAX; i++)
                bytes[i] = i % sizeof(long double) < 10 ? bytes[i] : 0;
    }
}

static h5ckpt_state *state_of_kinds(void)
{
    h5ckpt_state *state = h5ckpt_state_new();

    for (unsigned k = 0; k < COUNT(KIND); k++)
        h5ckpt_add(state, KIND[k].name, KIND[k].type, KIND[k].rank, KIND[k].shape,
                   kind_bytes(&KIND[k]) == 0 ? NULL : kind_now[k]);
    ck_assert_str_eq(h5ckpt_state_message(state), "");
    return state;
}

/* Two states, the newer one of sequence 2. */
static h5ckpt_store *save_kinds(h5ckpt_state *state)
{
    h5ckpt_store *store;

    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    for (unsigned i = 0; i < 2; i++) {
        fill_kinds(i);
        memcpy(kind_now, kind_memory[i], sizeof kind_now);
        assert_status_message(h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = i + 1}), H5CKPT_OK,
                              h5ckpt_message(store));
    }
    return store;
}

START_TEST(variables_are_listed_in_the_order_of_registration)
{
    h5ckpt_state *state = state_of_kinds();
    h5ckpt_store *store = save_kinds(state);
    assert_inspects(store, H5CKPT_RECORDS, H5CKPT_OK);
    for (unsigned slot = 0; slot < 2; slot++) {
        assert_status_message(list_variables(store, slot), H5CKPT_OK, h5ckpt_message(store));
        ck_assert_uint_eq(listing.count, COUNT(KIND));
        for (unsigned k = 0; k < COUNT(KIND); k++)
            ck_assert_str_eq(listing.variable[k].name, KIND[k].name);
    }
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(a_variable_is_listed_with_its_type)
{
    const struct kind *kind = &KIND[_i];
    char of_bool[NAME_BYTES];
    h5ckpt_state *state = state_of_kinds();
    h5ckpt_store *store = save_kinds(state);
    assert_inspects(store, H5CKPT_RECORDS, H5CKPT_OK);
    assert_status(list_variables(store, 0), H5CKPT_OK);
    const char *type_name = listing.variable[_i].type_name;
    snprintf(of_bool, sizeof of_bool, "bool of %zu byte%s", sizeof(bool), sizeof(bool) == 1 ? "" : "s");
    if (kind->type == H5CKPT_LONG_DOUBLE) /* what that is depends on the machine */
        assert_mentions(type_name, "long double");
    else
        ck_assert_str_eq(type_name, kind->type == H5CKPT_BOOL ? of_bool : kind->type_name);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(a_variable_is_listed_with_its_shape_and_size)
{
    const struct kind *kind = &KIND[_i];
    h5ckpt_state *state = state_of_kinds();
    h5ckpt_store *store = save_kinds(state);
    assert_inspects(store, H5CKPT_RECORDS, H5CKPT_OK);
    assert_status(list_variables(store, 0), H5CKPT_OK);
    ck_assert_int_eq(listing.variable[_i].rank, kind->rank);
    for (int i = 0; i < kind->rank; i++)
        ck_assert_uint_eq(listing.variable[_i].shape[i], kind->shape[i]);
    ck_assert_uint_eq(listing.variable[_i].byte_count, kind_bytes(kind));
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(a_variables_bytes_lie_where_they_are_listed)
{
    unsigned char bytes[KIND_BYTES_MAX];
    h5ckpt_state *state = state_of_kinds();
    h5ckpt_store *store = save_kinds(state);
    assert_inspects(store, H5CKPT_RECORDS, H5CKPT_OK);
    for (unsigned saved = 0; saved < 2; saved++) {
        const unsigned slot = slot_number_of_epoch(saved + 1);
        assert_status(list_variables(store, slot), H5CKPT_OK);
        for (unsigned k = 0; k < COUNT(KIND); k++) {
            const struct listed *listed = &listing.variable[k];
            if (listed->byte_count == 0)
                continue;
            file_read_bytes(in_backup(SLOT_NAME[slot]), bytes, listed->byte_count, listed->offset);
            ck_assert_msg(memcmp(bytes, kind_memory[saved][k], listed->byte_count) == 0, "'%s'", listed->name);
        }
    }
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(a_variable_without_bytes_has_offset_0)
{
    h5ckpt_state *state = state_of_kinds();
    h5ckpt_store *store = save_kinds(state);
    assert_inspects(store, H5CKPT_RECORDS, H5CKPT_OK);
    assert_status(list_variables(store, 1), H5CKPT_OK);
    for (unsigned k = 0; k < COUNT(KIND); k++)
        ck_assert_int_eq(listing.variable[k].offset == 0, kind_bytes(&KIND[k]) == 0);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(the_other_byte_order_is_named)
{
    int16_t value = 1;
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    h5ckpt_add(state, "x", H5CKPT_INT16, 0, NULL, &value);
    state->entry[0].element.order = /* as if a machine of that order had saved it */
        state->entry[0].element.order == ELEMENT_ORDER_LITTLE ? ELEMENT_ORDER_BIG : ELEMENT_ORDER_LITTLE;
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    assert_inspects(store, H5CKPT_RECORDS, H5CKPT_OK);
    assert_status(list_variables(store, 0), H5CKPT_OK);
    assert_mentions(listing.variable[0].type_name, "-endian int16");
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(a_state_without_variables_lists_none)
{
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_store *store;

    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    assert_inspects(store, H5CKPT_RECORDS, H5CKPT_OK);
    assert_status(list_variables(store, 0), H5CKPT_OK);
    ck_assert_uint_eq(listing.count, 0);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

static uint32_t many_memory[MANY];

static h5ckpt_state *state_of_many(void)
{
    h5ckpt_state *state = h5ckpt_state_new();

    for (uint32_t i = 0; i < MANY; i++) {
        char name[NAME_BYTES];
        snprintf(name, sizeof name, "layer %u/%u", (unsigned)(i * 7919u % 97), (unsigned)i);
        many_memory[i] = i * 2654435761u;
        h5ckpt_add(state, name, H5CKPT_UINT32, 0, NULL, &many_memory[i]);
    }
    ck_assert_str_eq(h5ckpt_state_message(state), "");
    return state;
}

START_TEST(ten_thousand_variables_are_listed_in_order_and_where_they_lie)
{
    h5ckpt_state *state = state_of_many();
    h5ckpt_store *store;

    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    h5ckpt_close(store);
    store = standard_open_reader(&standard);
    assert_inspects(store, H5CKPT_RECORDS, H5CKPT_OK);
    assert_status(list_variables(store, 0), H5CKPT_OK);
    ck_assert_uint_eq(listing.count, MANY);
    int descriptor = open(in_backup(SLOT_NAME[0]), O_RDONLY | O_CLOEXEC);
    for (uint32_t i = 0; i < MANY; i++) {
        char name[NAME_BYTES];
        uint32_t value;
        snprintf(name, sizeof name, "layer %u/%u", (unsigned)(i * 7919u % 97), (unsigned)i);
        ck_assert_str_eq(listing.variable[i].name, name);
        ck_assert_int_eq(pread(descriptor, &value, sizeof value, (off_t)listing.variable[i].offset), sizeof value);
        ck_assert_uint_eq(value, many_memory[i]);
    }
    close(descriptor);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(a_slot_is_listed_whatever_the_program_has_registered)
{
    int8_t other = 0;
    h5ckpt_state *state = h5ckpt_state_new();
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *store;

    standard_history(2, 1, 2);
    h5ckpt_add(state, "other", H5CKPT_INT8, 0, NULL, &other);
    options.mode = _i == 0 ? H5CKPT_READ_WRITE : H5CKPT_READ_ONLY;
    assert_status(h5ckpt_open(&store, fixture_backup, state, &options), H5CKPT_OK);
    assert_inspects(store, H5CKPT_RECORDS, H5CKPT_OK);
    assert_status(list_variables(store, 0), H5CKPT_OK);
    ck_assert_uint_eq(listing.count, STANDARD_VARIABLE_COUNT);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(the_variables_of_a_damaged_slot_are_listed_while_its_index_can_be_read)
{
    standard_history(2, 1, 2);
    const unsigned newest = slot_number_of_epoch(2);
    const uint64_t block_count =
        record_block_count(&(struct record){.table_offset = record_of_slot(newest).table_offset, .block_bytes = BLOCK});
    h5ckpt_store *store = standard_open(&standard, NULL);
    for (uint64_t block = 0; block + 1 < block_count; block++) {
        flip(newest, 4096 + block * BLOCK + 11);
        assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
        ck_assert_int_eq(report.slot[newest].state, H5CKPT_SLOT_DAMAGED);
        assert_status_message(list_variables(store, newest), H5CKPT_OK, h5ckpt_message(store));
        ck_assert_uint_eq(listing.count, STANDARD_VARIABLE_COUNT);
        ck_assert_str_eq(listing.variable[0].name, "weights");
        ck_assert_str_eq(h5ckpt_message(store), "");
        flip(newest, 4096 + block * BLOCK + 11);
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(variables_whose_index_is_damaged_are_not_listed)
{
    standard_history(2, 1, 2);
    const unsigned newest = slot_number_of_epoch(2);
    const struct record record = record_of_slot(newest);
    h5ckpt_store *store = standard_open(&standard, NULL);
    for (uint64_t at = 0; at < record.index_bytes; at += 61) {
        flip(newest, record.index_offset + at);
        assert_inspects(store, _i == 0 ? H5CKPT_RECORDS : H5CKPT_ALL_BYTES, _i == 0 ? H5CKPT_OK : H5CKPT_FELL_BACK);
        assert_lists_nothing(store, newest, H5CKPT_E_DAMAGED);
        flip(newest, record.index_offset + at);
    }
    h5ckpt_close(store);
}
END_TEST

static void replace_by_garbage(const char *path)
{
    file_replace(path, "garbage", 7);
}

static void flip_a_bit_of_the_record(const char *path)
{
    file_flip_bit(path, 8 * 100);
}

static void flip_a_bit_of_the_table(const char *path)
{
    file_flip_bit(path, 8 * (file_bytes(path) - 4096));
}

static void cut_in_half(const char *path)
{
    file_cut(path, file_bytes(path) / 2);
}

/* So that no block can be told. */
static void (*const RUIN[])(const char *path) = {
    replace_by_garbage,
    flip_a_bit_of_the_record,
    flip_a_bit_of_the_table,
    cut_in_half,
};

START_TEST(the_variables_of_a_slot_that_cannot_be_read_at_all_are_not_listed)
{
    standard_history(2, 1, 2);
    const unsigned newest = slot_number_of_epoch(2);
    RUIN[_i](in_backup(SLOT_NAME[newest]));
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
    assert_lists_nothing(store, newest, H5CKPT_E_DAMAGED);
    h5ckpt_close(store);
}
END_TEST

START_TEST(an_absent_or_reserved_slot_holds_no_variables)
{
    standard_history(2, 1, 1);
    const unsigned other = 1 - slot_number_of_epoch(1);
    h5ckpt_store *store = _i == 0 ? standard_open(&standard, NULL) : standard_open_reader(&standard);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_OK);
    assert_lists_nothing(store, other, H5CKPT_NO_CHECKPOINT);
    assert_lists_nothing(store, 2, H5CKPT_NO_CHECKPOINT);
    h5ckpt_close(store);
}
END_TEST

START_TEST(before_the_first_save_no_slot_holds_variables)
{
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_inspects(store, H5CKPT_RECORDS, H5CKPT_NO_CHECKPOINT);
    for (unsigned i = 0; i < SLOTS; i++)
        assert_lists_nothing(store, i, H5CKPT_NO_CHECKPOINT);
    h5ckpt_close(store);
}
END_TEST

START_TEST(in_a_directory_that_is_gone_no_slot_holds_variables)
{
    standard_history(2, 1, 2);
    h5ckpt_store *reader = standard_open_reader(&standard);
    assert_inspects(reader, H5CKPT_RECORDS, H5CKPT_OK);
    fixture_clear_backup();
    assert_inspects(reader, H5CKPT_RECORDS, H5CKPT_NO_CHECKPOINT);
    h5ckpt_status status = list_variables(reader, 0);
    ck_assert_msg(status == H5CKPT_NO_CHECKPOINT || status == H5CKPT_E_ARGUMENT, "%s: %s", h5ckpt_status_name(status),
                  h5ckpt_message(reader));
    h5ckpt_close(reader);
}
END_TEST

START_TEST(a_slot_number_that_is_in_no_report_is_refused)
{
    static const unsigned NONSENSE[] = {SLOTS, SLOTS + 1, 1000, UINT32_MAX};

    standard_history(3, 1, 3);
    h5ckpt_store *store = standard_open_slots(&standard, 3);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_OK);
    assert_lists_nothing(store, NONSENSE[_i], H5CKPT_E_ARGUMENT);
    assert_status(list_damage(store, NONSENSE[_i]), H5CKPT_E_ARGUMENT);
    ck_assert_str_ne(h5ckpt_message(store), "");
    h5ckpt_close(store);
}
END_TEST

/* _i: a writer, a reader */
START_TEST(before_any_report_a_slot_is_listed_as_it_was_when_the_store_was_opened)
{
    standard_history(2, 1, 2);
    h5ckpt_store *store = _i == 0 ? standard_open(&standard, NULL) : standard_open_reader(&standard);
    assert_status(list_variables(store, 0), H5CKPT_OK);
    ck_assert_uint_eq(listing.count, STANDARD_VARIABLE_COUNT);
    assert_lists_nothing(store, 2, H5CKPT_NO_CHECKPOINT);
    assert_no_damage(store, 0);
    h5ckpt_close(store);
}
END_TEST

START_TEST(before_any_report_a_directory_that_is_not_there_has_no_slots)
{
    h5ckpt_store *store = standard_open_reader(&standard);
    for (unsigned i = 0; i < SLOTS; i++) {
        assert_lists_nothing(store, i, H5CKPT_E_ARGUMENT);
        assert_status(list_damage(store, i), H5CKPT_E_ARGUMENT);
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(listing_needs_a_store_and_a_function)
{
    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_OK);
    assert_status(h5ckpt_list_variables(NULL, 0, list_one, &listing), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_list_damage(NULL, 0, list_run, &damage), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_list_variables(store, 0, NULL, NULL), H5CKPT_E_ARGUMENT);
    ck_assert_str_ne(h5ckpt_message(store), "");
    assert_status(h5ckpt_list_damage(store, 0, NULL, NULL), H5CKPT_E_ARGUMENT);
    ck_assert_str_ne(h5ckpt_message(store), "");
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_child_process_cannot_look_through_its_parents_store)
{
    int status;

    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_OK);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(inspect(store, H5CKPT_RECORDS) == H5CKPT_E_ARGUMENT && list_variables(store, 0) == H5CKPT_E_ARGUMENT &&
                      list_damage(store, 0) == H5CKPT_E_ARGUMENT
                  ? 0
                  : 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    assert_status(list_variables(store, 0), H5CKPT_OK);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_store_whose_checkpoint_was_deleted_lists_nothing)
{
    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_OK);
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    assert_lists_nothing(store, 0, H5CKPT_E_ARGUMENT);
    assert_status(list_damage(store, 0), H5CKPT_E_ARGUMENT);
    h5ckpt_close(store);
}
END_TEST

/* Put slot-a.h5 of another directory in the place of ours. */
static void replace_by_foreign(unsigned slot)
{
    char own[PATH_BYTES];
    char foreign[2 * PATH_BYTES];
    unsigned char *bytes;

    strcpy(own, fixture_backup);
    ck_assert_int_lt(snprintf(fixture_backup, PATH_BYTES, "%.*s/foreign", PATH_BYTES - 16, fixture_directory),
                     PATH_BYTES);
    standard_history(2, 1, 2);
    strcpy(foreign, in_backup(FORMAT_SLOT_A));
    strcpy(fixture_backup, own);
    const size_t byte_count = (size_t)file_bytes(foreign);
    bytes = malloc(byte_count);
    ck_assert_ptr_nonnull(bytes);
    file_read_bytes(foreign, bytes, byte_count, 0);
    file_replace(in_backup(SLOT_NAME[slot]), bytes, byte_count);
    free(bytes);
}

static void put_foreign_slot_b(void *context)
{
    (void)context;
    replace_by_foreign(1);
}

/* Without a lock, the slots say whose they are; one that changes hands meanwhile has no say. */
START_TEST(a_foreign_slot_that_appears_at_any_instant_does_not_name_the_directory)
{
    char id[sizeof report.directory_id] = "";
    bool hit = true;

    for (long call = 0; hit; call++) {
        fixture_clear_backup();
        standard_history(2, 1, 2);
        file_remove(in_backup("lock"));
        h5ckpt_store *reader = standard_open_reader(&standard);
        assert_inspects(reader, H5CKPT_RECORDS, H5CKPT_OK);
        strcpy(id, report.directory_id);
        ck_assert_uint_gt(strlen(id), 0);
        faults_set((struct faults){
            .calls = FAULT_OPEN, .name = FORMAT_SLOT_B, .first = call, .count = 1, .before = put_foreign_slot_b});
        const h5ckpt_status status = inspect(reader, H5CKPT_RECORDS);
        hit = faults_hit();
        faults_clear();
        ck_assert_msg(status == (hit ? H5CKPT_E_FOREIGN : H5CKPT_OK), "call %ld: %s", call, h5ckpt_message(reader));
        ck_assert(report.directory_id[0] == '\0' || strcmp(report.directory_id, id) == 0);
        h5ckpt_close(reader);
    }
}
END_TEST

/* Everything that the second directory holds takes the place of what is in the first. */
static void exchange(void *second)
{
    const char *const names[] = {"lock", FORMAT_SLOT_A, FORMAT_SLOT_B};
    char path[2 * PATH_BYTES];

    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", (const char *)second, names[i]);
        ck_assert_int_eq(rename(path, in_backup(names[i])), 0);
    }
}

/* As many saves as the first has seen, by another process or by the same. */
static void make_second(char second[PATH_BYTES], bool by_another_process)
{
    char own[PATH_BYTES];
    const pid_t child = by_another_process ? fork() : 0;

    strcpy(own, fixture_backup);
    ck_assert_int_lt(snprintf(second, PATH_BYTES, "%.*s/second", PATH_BYTES - 16, fixture_directory), PATH_BYTES);
    if (child == 0) {
        strcpy(fixture_backup, second);
        standard_history(2, 1, 4);
        strcpy(fixture_backup, own);
    }
    if (by_another_process && child == 0)
        _exit(0);
    if (by_another_process)
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

/* _i: which of the two locks is told from the other by its process alone, and which by its directory's id alone */
START_TEST(damage_is_looked_at_again_where_another_lock_is_there_by_then)
{
    char second[PATH_BYTES];

    make_second(second, _i == 0);
    standard_history(2, 1, 4);
    file_flip_bit(in_backup(slot_of_epoch(4)), 8 * 100); /* of its record */
    h5ckpt_store *reader = standard_open_reader(&standard);
    assert_inspects(reader, H5CKPT_RECORDS, H5CKPT_FELL_BACK);
    faults_set((struct faults){
        .calls = FAULT_OPEN, .name = "lock", .first = 1, .count = 1, .before = exchange, .context = second});
    assert_inspects(reader, H5CKPT_RECORDS, H5CKPT_OK);
    ck_assert(faults_hit());
    ck_assert_uint_eq(report.progress.epoch, 4);
    h5ckpt_close(reader);
}
END_TEST

START_TEST(the_variables_of_a_foreign_slot_are_not_listed)
{
    standard_history(2, 1, 2);
    replace_by_foreign(1);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_inspects(store, (enum h5ckpt_depth)_i, H5CKPT_E_FOREIGN);
    ck_assert_int_eq(report.slot[1].state, H5CKPT_SLOT_FOREIGN);
    assert_lists_nothing(store, 1, H5CKPT_E_FOREIGN);
    assert_status(list_variables(store, 0), H5CKPT_OK);
    list_damage(store, 1);
    ck_assert_uint_eq(damage.count, 0);
    h5ckpt_close(store);
}
END_TEST

/* It said three, of which none had a name, and none could be listed. Found by fuzz_slot. */
START_TEST(a_directory_of_a_newer_version_is_reported_without_slots)
{
    standard_history(2, 1, 2);
    file_write_bytes(in_backup("lock"), &(unsigned char){FORMAT_VERSION + 1}, 1, 8);
    file_seal_sector(in_backup("lock"), 0);
    h5ckpt_store *store = standard_open_reader(&standard);
    assert_status(h5ckpt_inspect(store, NULL, &report), H5CKPT_E_VERSION);
    ck_assert_uint_eq(report.slot_count, 0);
    h5ckpt_close(store);
}
END_TEST

START_TEST(the_variables_of_a_version_yet_to_come_are_not_listed)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    const char *parent = getenv("H5CKPT_GOLDEN");
    char directory[4096];
    h5ckpt_store *store;

    ck_assert_msg(parent != NULL, "H5CKPT_GOLDEN names the parent of the golden directories");
    snprintf(directory, sizeof directory, "%s/v1-newer", parent);
    options.mode = H5CKPT_READ_ONLY;
    assert_status(h5ckpt_open(&store, directory, standard.state, &options), H5CKPT_OK);
    assert_inspects(store, (enum h5ckpt_depth)_i, H5CKPT_E_VERSION);
    ck_assert_int_eq(report.slot[1].state, H5CKPT_SLOT_NEWER_VERSION);
    ck_assert_int_eq(report.slot[1].role, H5CKPT_ROLE_NONE);
    assert_lists_nothing(store, 1, H5CKPT_E_VERSION);
    assert_status(list_variables(store, 0), H5CKPT_OK);
    ck_assert_uint_eq(listing.count, 12);
    list_damage(store, 1);
    ck_assert_uint_eq(damage.count, 0);
    h5ckpt_close(store);
}
END_TEST

START_TEST(the_damaged_golden_directory_has_one_damaged_block)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    const char *parent = getenv("H5CKPT_GOLDEN");
    char directory[4096];
    h5ckpt_store *store;

    ck_assert_msg(parent != NULL, "H5CKPT_GOLDEN names the parent of the golden directories");
    snprintf(directory, sizeof directory, "%s/v1-damaged", parent);
    options.mode = H5CKPT_READ_ONLY;
    assert_status(h5ckpt_open(&store, directory, standard.state, &options), H5CKPT_OK);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
    assert_no_damage(store, 0);
    assert_status(list_damage(store, 1), H5CKPT_OK);
    ck_assert_uint_eq(damage.count, 1);
    ck_assert_uint_eq(damage.run[0].first_block, 0);
    ck_assert_uint_eq(damage.run[0].name_count, 11); /* all but the one without bytes */
    h5ckpt_close(store);
}
END_TEST

static const struct passing {
    int error;
    h5ckpt_status status;
} PASSING[] = {{EACCES, H5CKPT_E_PERMISSION}, {EMFILE, H5CKPT_E_SYSTEM}, {ENOMEM, H5CKPT_E_MEMORY}, {EIO, H5CKPT_E_IO}};

START_TEST(a_passing_error_while_listing_is_reported_as_itself)
{
    const struct passing *passing = &PASSING[_i];
    bool hit = true;

    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_inspects(store, H5CKPT_RECORDS, H5CKPT_OK);
    for (long call = 0; hit; call++) {
        faults_set((struct faults){
            .calls = FAULT_OPEN | FAULT_READ, .name = "slot", .first = call, .count = 1, .error = passing->error});
        h5ckpt_status status = list_variables(store, 1);
        hit = faults_hit();
        faults_clear();
        ck_assert_int_lt(call, CALLS_MAX);
        /* An EIO may be tried again. */
        ck_assert_msg(status == passing->status || (status == H5CKPT_OK && (!hit || passing->error == EIO)),
                      "call %ld: %s: %s", call, h5ckpt_status_name(status), h5ckpt_message(store));
        ck_assert_uint_eq(listing.count, status == H5CKPT_OK ? STANDARD_VARIABLE_COUNT : 0);
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_slot_that_could_not_be_read_for_now_gives_that_reason)
{
    const struct passing *passing = &PASSING[_i];

    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    faults_set(
        (struct faults){.calls = FAULT_OPEN, .name = FORMAT_SLOT_B, .count = FAULTS_FOR_EVER, .error = passing->error});
    assert_inspects(store, H5CKPT_RECORDS, passing->status);
    faults_clear();
    ck_assert_int_eq(report.slot[1].state, H5CKPT_SLOT_UNREADABLE);
    assert_lists_nothing(store, 1, passing->status);
    assert_status(list_variables(store, 0), H5CKPT_OK);
    h5ckpt_close(store);
}
END_TEST

/* _i: saves since the report; with one, the newest state is still there */
START_TEST(a_slot_that_was_written_since_the_report_is_overtaken)
{
    struct beside beside = begin_beside(2, 4);
    h5ckpt_store *reader = standard_open_reader(&standard);
    const unsigned previous = slot_number_of_epoch(3);
    assert_inspects(reader, H5CKPT_RECORDS, H5CKPT_OK);
    for (int i = 0; i < _i; i++)
        save_beside(&beside);
    for (unsigned slot = 0; slot < 2; slot++) {
        const bool overtaken = _i >= 2 || (_i == 1 && slot == previous);
        assert_status_message(list_variables(reader, slot), overtaken ? H5CKPT_E_OVERTAKEN : H5CKPT_OK,
                              h5ckpt_message(reader));
        ck_assert_uint_eq(listing.count, overtaken ? 0 : STANDARD_VARIABLE_COUNT);
    }
    assert_inspects(reader, H5CKPT_RECORDS, H5CKPT_OK);
    assert_status(list_variables(reader, previous), H5CKPT_OK);
    h5ckpt_close(reader);
    h5ckpt_close(beside.store);
}
END_TEST

START_TEST(a_slot_that_was_written_with_the_same_content_is_overtaken_all_the_same)
{
    struct beside beside = begin_beside(2, 4);
    h5ckpt_store *reader = standard_open_reader(&standard);
    const struct h5ckpt_progress at = standard_progress(4);

    for (unsigned i = 0; i < 2; i++) /* now both states are state 4 */
        assert_status(h5ckpt_save(beside.store, &at), H5CKPT_OK);
    assert_inspects(reader, H5CKPT_RECORDS, H5CKPT_OK);
    for (unsigned i = 0; i < 2; i++)
        assert_status(h5ckpt_save(beside.store, &at), H5CKPT_OK);
    for (unsigned slot = 0; slot < 2; slot++)
        assert_lists_nothing(reader, slot, H5CKPT_E_OVERTAKEN);
    h5ckpt_close(reader);
    h5ckpt_close(beside.store);
}
END_TEST

/* From a copy of the directory that went on otherwise: same identity, same sequence. */
START_TEST(a_slot_that_was_replaced_by_another_state_of_the_same_sequence_is_overtaken)
{
    char own[PATH_BYTES];
    char other[2 * PATH_BYTES];
    unsigned char *bytes;

    standard_history(2, 1, 3);
    strcpy(own, fixture_backup);
    ck_assert_int_lt(snprintf(fixture_backup, PATH_BYTES, "%.*s/copy", PATH_BYTES - 16, fixture_directory), PATH_BYTES);
    directory_copy(own, fixture_backup);
    standard_history(2, 10, 10);
    const unsigned newest = slot_number_of_epoch(10);
    strcpy(other, in_backup(SLOT_NAME[newest]));
    strcpy(fixture_backup, own);
    standard_history(2, 4, 4);
    h5ckpt_store *reader = standard_open_reader(&standard);
    assert_inspects(reader, H5CKPT_ALL_BYTES, H5CKPT_OK);
    const size_t byte_count = (size_t)file_bytes(other);
    bytes = malloc(byte_count);
    ck_assert_ptr_nonnull(bytes);
    file_read_bytes(other, bytes, byte_count, 0);
    file_replace(in_backup(SLOT_NAME[newest]), bytes, byte_count);
    free(bytes);
    assert_lists_nothing(reader, newest, H5CKPT_E_OVERTAKEN);
    h5ckpt_close(reader);
}
END_TEST

/* The save has been noted, but nothing written: the slot still looks whole. Then it no longer does. */
static void report_then_list(void *context)
{
    h5ckpt_store *reader = context;

    assert_inspects(reader, H5CKPT_RECORDS, H5CKPT_OK);
    ck_assert_int_eq(report.slot[0].state, H5CKPT_SLOT_COMMITTED);
    file_flip_bit(in_backup(FORMAT_SLOT_A), 8 * 100);
    assert_lists_nothing(reader, 0, H5CKPT_E_OVERTAKEN);
}

START_TEST(a_slot_that_a_save_has_just_begun_to_fill_is_overtaken_and_not_damaged)
{
    struct beside beside = begin_beside(2, 4);
    h5ckpt_store *reader = standard_open_reader(&standard);

    faults_set((struct faults){
        .calls = FAULT_WRITE, .name = FORMAT_SLOT_A, .count = 1, .before = report_then_list, .context = reader});
    save_beside(&beside);
    ck_assert(faults_hit());
    faults_clear();
    h5ckpt_close(reader);
    h5ckpt_close(beside.store);
    assert_restores(H5CKPT_OK, 5);
}
END_TEST

START_TEST(a_slot_that_vanished_since_the_report_is_overtaken)
{
    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open_reader(&standard);
    assert_inspects(store, H5CKPT_RECORDS, H5CKPT_OK);
    file_remove(in_backup(SLOT_NAME[0]));
    assert_lists_nothing(store, 0, H5CKPT_E_OVERTAKEN);
    h5ckpt_close(store);
}
END_TEST

START_TEST(after_a_restore_the_slots_of_its_report_can_be_listed)
{
    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status(h5ckpt_restore(store, NULL, &report), H5CKPT_OK);
    assert_status(list_variables(store, (unsigned)report.restored), H5CKPT_OK);
    ck_assert_uint_eq(listing.count, STANDARD_VARIABLE_COUNT);
    h5ckpt_close(store);
}
END_TEST

/* _i: slots; with one, every save goes to a new file. So many saves that the newest state's slot is written, too. */
START_TEST(saves_at_any_instant_of_a_listing_are_no_damage)
{
    struct beside beside = begin_beside(1 + (unsigned)_i, 4);
    h5ckpt_store *reader = standard_open_reader(&standard);
    bool hit = true;

    for (long call = 0; hit; call++) {
        assert_inspects(reader, H5CKPT_RECORDS, H5CKPT_OK);
        faults_set((struct faults){.calls = FAULT_OPEN | FAULT_READ,
                                   .first = call,
                                   .count = 1,
                                   .before = _i == 2 ? save_thrice_beside : save_twice_beside,
                                   .context = &beside});
        h5ckpt_status status = list_variables(reader, (unsigned)report.restored);
        hit = faults_hit();
        faults_clear();
        ck_assert_int_lt(call, CALLS_MAX);
        ck_assert_msg(status == H5CKPT_OK || status == H5CKPT_E_OVERTAKEN, "call %ld: %s: %s", call,
                      h5ckpt_status_name(status), h5ckpt_message(reader));
    }
    h5ckpt_close(reader);
    h5ckpt_close(beside.store);
}
END_TEST

/* -------------------------------------------------------------------- damage */

/* Variables that fill blocks, share blocks, and end within them. */
static struct {
    double head[5];
    unsigned char large[3 * BLOCK];
    unsigned char larger[2 * BLOCK + 12345];
    int32_t tail[7];
} few_memory;

static h5ckpt_state *state_of_few(void)
{
    h5ckpt_state *state = h5ckpt_state_new();

    h5ckpt_add(state, "head", H5CKPT_FLOAT64, 1, (const uint64_t[]){5}, few_memory.head);
    h5ckpt_add(state, "large", H5CKPT_UINT8, 1, (const uint64_t[]){sizeof few_memory.large}, few_memory.large);
    h5ckpt_add(state, "none", H5CKPT_FLOAT64, 1, (const uint64_t[]){0}, NULL);
    h5ckpt_add(state, "group/larger", H5CKPT_OPAQUE(5), 1, (const uint64_t[]){sizeof few_memory.larger / 5},
               few_memory.larger);
    h5ckpt_add(state, "tail", H5CKPT_INT32, 1, (const uint64_t[]){7}, few_memory.tail);
    ck_assert_str_eq(h5ckpt_state_message(state), "");
    for (size_t i = 0; i < sizeof few_memory; i++)
        ((unsigned char *)&few_memory)[i] = (unsigned char)(i * 2654435761u >> 24);
    return state;
}

static h5ckpt_state *(*const DAMAGE_STATE[])(void) = {state_of_few, state_of_many};

enum { FEW, MANY_SMALL };

static h5ckpt_state *damage_state;

/* Two states of these variables; the newest, in slot 1, is the one to damage. */
static h5ckpt_store *open_to_damage(int which)
{
    h5ckpt_store *store;

    damage_state = DAMAGE_STATE[which]();
    assert_status(h5ckpt_open(&store, fixture_backup, damage_state, NULL), H5CKPT_OK);
    for (unsigned i = 0; i < 2; i++)
        assert_status_message(h5ckpt_save(store, NULL), H5CKPT_OK, h5ckpt_message(store));
    return store;
}

static void close_damaged(h5ckpt_store *store)
{
    h5ckpt_close(store);
    h5ckpt_state_free(damage_state);
}

/* What lies where in slot 1. */
static void learn(h5ckpt_store *store)
{
    assert_inspects(store, H5CKPT_RECORDS, H5CKPT_OK);
    assert_status(list_variables(store, 1), H5CKPT_OK);
}

static int compare_names(const void *a, const void *b)
{
    const char *const *first = a;
    const char *const *second = b;

    return strcmp(*first, *second);
}

/* The run names each variable of which it has a byte, once, and no other. */
static void assert_names(const struct h5ckpt_damage *run)
{
    static const char *expected[LISTED_MAX];
    static const char *named[LISTED_MAX];
    size_t count = 0;

    for (size_t i = 0; i < listing.count; i++) {
        const struct listed *variable = &listing.variable[i];
        if (variable->byte_count != 0 && variable->offset < run->offset + run->byte_count &&
            variable->offset + variable->byte_count > run->offset)
            expected[count++] = variable->name;
    }
    ck_assert_uint_eq(run->name_count, count);
    memcpy(named, run->names, count * sizeof *named);
    qsort(expected, count, sizeof *expected, compare_names);
    qsort(named, count, sizeof *named, compare_names);
    for (size_t i = 0; i < count; i++)
        ck_assert_str_eq(named[i], expected[i]);
}

static void assert_run(const struct h5ckpt_damage *run, const struct record *record, uint64_t first_block,
                       uint64_t block_count)
{
    const uint64_t begin = FORMAT_USER_BLOCK_BYTES + first_block * BLOCK;
    const uint64_t whole = block_count * BLOCK;

    ck_assert_uint_eq(run->first_block, first_block);
    ck_assert_uint_eq(run->block_count, block_count);
    ck_assert_uint_eq(run->offset, begin);
    ck_assert_uint_eq(run->byte_count, begin + whole > record->table_offset ? record->table_offset - begin : whole);
}

static bool is_in_index(const struct record *record, uint64_t offset)
{
    return offset >= record->index_offset && offset < record->index_offset + record->index_bytes;
}

/* _i: few or many variables; the first or the last byte of the block */
START_TEST(a_damaged_block_is_listed_once_with_the_variables_that_have_bytes_there)
{
    unsigned without_names = 0;
    unsigned within_index = 0;
    h5ckpt_store *store = open_to_damage(_i / 2);
    const struct record record = record_of_slot(1);

    learn(store);
    for (uint64_t block = 0; block < record_block_count(&record); block++) {
        const uint64_t begin = FORMAT_USER_BLOCK_BYTES + block * BLOCK;
        const uint64_t end = begin + BLOCK < record.table_offset ? begin + BLOCK : record.table_offset;
        const uint64_t at = _i % 2 == 0 ? begin : end - 1;
        flip(1, at);
        assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
        assert_status_message(list_damage(store, 1), H5CKPT_OK, h5ckpt_message(store));
        ck_assert_uint_eq(damage.count, 1);
        assert_run(&damage.run[0], &record, block, 1);
        ck_assert_int_eq(damage.run[0].names_known, !is_in_index(&record, at));
        if (damage.run[0].names_known)
            assert_names(&damage.run[0]);
        else
            ck_assert_uint_eq(damage.run[0].name_count, 0);
        without_names += damage.run[0].names_known && damage.run[0].name_count == 0;
        within_index += !damage.run[0].names_known;
        assert_no_damage(store, 0);
        assert_no_damage(store, 2);
        flip(1, at);
    }
    if (_i / 2 == MANY_SMALL) { /* else this showed little */
        ck_assert_uint_gt(without_names, 0);
        ck_assert_uint_gt(within_index, 0);
    }
    close_damaged(store);
}
END_TEST

START_TEST(every_set_of_damaged_blocks_is_listed_as_its_runs)
{
    h5ckpt_store *store = open_to_damage(FEW);
    const struct record record = record_of_slot(1);
    const unsigned block_count = (unsigned)record_block_count(&record);
    const h5ckpt_status expected_status = H5CKPT_FELL_BACK;

    learn(store);
    ck_assert_uint_ge(block_count, 6);
    ck_assert_uint_le(block_count, 8);
    for (unsigned set = 1; set < 1u << block_count; set++) {
        for (unsigned block = 0; block < block_count; block++)
            if (set >> block & 1)
                flip(1, FORMAT_USER_BLOCK_BYTES + (uint64_t)block * BLOCK + 5);
        assert_inspects(store, H5CKPT_ALL_BYTES, expected_status);
        assert_status(list_damage(store, 1), H5CKPT_OK);
        unsigned run = 0;
        for (unsigned block = 0; block < block_count; block++) {
            unsigned length = 0;
            while (set >> (block + length) & 1)
                length++;
            if (length == 0)
                continue;
            ck_assert_uint_lt(run, damage.count);
            assert_run(&damage.run[run], &record, block, length);
            if (damage.run[run].names_known)
                assert_names(&damage.run[run]);
            run++;
            block += length;
        }
        ck_assert_msg(run == damage.count, "set %x: %zu runs", set, damage.count);
        for (unsigned block = 0; block < block_count; block++)
            if (set >> block & 1)
                flip(1, FORMAT_USER_BLOCK_BYTES + (uint64_t)block * BLOCK + 5);
    }
    close_damaged(store);
}
END_TEST

START_TEST(two_blocks_with_one_between_are_two_runs)
{
    h5ckpt_store *store = open_to_damage(FEW);
    const struct record record = record_of_slot(1);
    flip(1, FORMAT_USER_BLOCK_BYTES + 1 * BLOCK);
    flip(1, FORMAT_USER_BLOCK_BYTES + 3 * BLOCK);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
    assert_status(list_damage(store, 1), H5CKPT_OK);
    ck_assert_uint_eq(damage.count, 2);
    assert_run(&damage.run[0], &record, 1, 1);
    assert_run(&damage.run[1], &record, 3, 1);
    close_damaged(store);
}
END_TEST

START_TEST(blocks_next_to_each_other_are_one_run)
{
    h5ckpt_store *store = open_to_damage(FEW);
    const struct record record = record_of_slot(1);
    flip(1, FORMAT_USER_BLOCK_BYTES + 2 * BLOCK);
    flip(1, FORMAT_USER_BLOCK_BYTES + 3 * BLOCK + 77);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
    assert_status(list_damage(store, 1), H5CKPT_OK);
    ck_assert_uint_eq(damage.count, 1);
    assert_run(&damage.run[0], &record, 2, 2);
    close_damaged(store);
}
END_TEST

START_TEST(the_last_block_is_listed_as_short_as_it_is)
{
    h5ckpt_store *store = open_to_damage(FEW);
    const struct record record = record_of_slot(1);
    const uint64_t last = record_block_count(&record) - 1;
    ck_assert_uint_lt(record_block_length(&record, last), BLOCK); /* else this shows nothing */
    flip(1, record.table_offset - 1);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
    assert_status(list_damage(store, 1), H5CKPT_OK);
    ck_assert_uint_eq(damage.count, 1);
    ck_assert_uint_eq(damage.run[0].first_block, last);
    ck_assert_uint_eq(damage.run[0].offset + damage.run[0].byte_count, record.table_offset);
    close_damaged(store);
}
END_TEST

START_TEST(where_the_index_is_damaged_as_well_no_names_are_known)
{
    h5ckpt_store *store = open_to_damage(FEW);
    const struct record record = record_of_slot(1);
    flip(1, FORMAT_USER_BLOCK_BYTES);
    flip(1, record.index_offset + record.index_bytes / 2);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
    assert_status(list_damage(store, 1), H5CKPT_OK);
    ck_assert_uint_eq(damage.count, 2);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert(!damage.run[i].names_known);
        ck_assert_uint_eq(damage.run[i].name_count, 0);
    }
    ck_assert_str_eq(h5ckpt_message(store), "");
    close_damaged(store);
}
END_TEST

START_TEST(damage_in_hdf5s_own_bytes_has_known_names_and_none)
{
    h5ckpt_store *store = open_to_damage(MANY_SMALL);
    uint64_t block = 0;

    learn(store);
    for (bool holds_variables = true; holds_variables; block++) { /* the first block without variables */
        const uint64_t begin = FORMAT_USER_BLOCK_BYTES + block * BLOCK;
        holds_variables = is_in_index(&(struct record){.index_offset = record_of_slot(1).index_offset,
                                                       .index_bytes = record_of_slot(1).index_bytes},
                                      begin + BLOCK - 1);
        for (size_t i = 0; i < listing.count; i++)
            holds_variables |= listing.variable[i].offset + listing.variable[i].byte_count > begin &&
                               listing.variable[i].offset < begin + BLOCK;
        ck_assert_uint_lt(begin, record_of_slot(1).table_offset);
    }
    flip(1, FORMAT_USER_BLOCK_BYTES + (block - 1) * BLOCK + 1234);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
    assert_status(list_damage(store, 1), H5CKPT_OK);
    ck_assert_uint_eq(damage.count, 1);
    ck_assert(damage.run[0].names_known);
    ck_assert_uint_eq(damage.run[0].name_count, 0);
    close_damaged(store);
}
END_TEST

static unsigned char edge_memory[4 * BLOCK];

/* Two variables, the first of `byte_count` bytes. */
static h5ckpt_state *state_with_edge(uint64_t byte_count)
{
    h5ckpt_state *state = h5ckpt_state_new();

    h5ckpt_add(state, "first", H5CKPT_UINT8, 1, &byte_count, edge_memory);
    h5ckpt_add(state, "second", H5CKPT_UINT8, 1, (const uint64_t[]){BLOCK}, edge_memory);
    return state;
}

/* The first variable ends where a block does, and the second one begins there. */
START_TEST(a_variable_that_ends_or_begins_at_a_blocks_edge_is_not_in_the_block_beyond_it)
{
    uint64_t byte_count = 2 * BLOCK;
    h5ckpt_state *state;
    h5ckpt_store *store;

    for (unsigned attempt = 0;; attempt++) {
        state = state_with_edge(byte_count);
        assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_OK);
        for (unsigned i = 0; i < 2; i++)
            assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
        learn(store);
        const struct listed *first = &listing.variable[0];
        if ((first->offset + first->byte_count) % BLOCK == FORMAT_USER_BLOCK_BYTES)
            break;
        byte_count = FORMAT_USER_BLOCK_BYTES + (first->offset + byte_count) / BLOCK * BLOCK - first->offset;
        h5ckpt_close(store);
        h5ckpt_state_free(state);
        fixture_clear_backup();
        ck_assert_uint_lt(attempt, 2);
    }
    ck_assert_uint_eq(listing.variable[0].offset + byte_count, listing.variable[1].offset);
    const uint64_t beyond = (listing.variable[1].offset - FORMAT_USER_BLOCK_BYTES) / BLOCK;
    for (uint64_t block = beyond - 1; block <= beyond; block++) {
        flip(1, FORMAT_USER_BLOCK_BYTES + block * BLOCK);
        assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
        assert_status(list_damage(store, 1), H5CKPT_OK);
        ck_assert_uint_eq(damage.count, 1);
        ck_assert_uint_eq(damage.run[0].name_count, 1);
        ck_assert_str_eq(damage.run[0].names[0], block == beyond ? "second" : "first");
        flip(1, FORMAT_USER_BLOCK_BYTES + block * BLOCK);
    }
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

static bool is_named(const char *name)
{
    bool found = false;

    for (size_t i = 0; i < damage.run[0].name_count; i++)
        found |= strcmp(damage.run[0].names[i], name) == 0;
    return found;
}

START_TEST(damaged_variables_have_the_names_that_the_program_gave_them)
{
    h5ckpt_state *state = state_of_kinds();
    h5ckpt_store *store = save_kinds(state);
    flip(1, record_of_slot(1).index_offset - 1);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
    assert_status(list_damage(store, 1), H5CKPT_OK);
    ck_assert_uint_eq(damage.count, 1);
    ck_assert_uint_eq(damage.run[0].block_count, 1);
    for (unsigned k = 0; k < COUNT(KIND); k++)
        ck_assert_msg(is_named(KIND[k].name) == (kind_bytes(&KIND[k]) != 0), "'%s' (the first name is '%s')",
                      KIND[k].name, damage.run[0].names[0]);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

/* The block has epoch, batch and step in it, too; the program's own "progress/epoch" counts once. */
START_TEST(h5ckpts_own_numbers_are_not_named)
{
    unsigned with_bytes = 0;
    h5ckpt_state *state = state_of_kinds();
    h5ckpt_store *store = save_kinds(state);
    flip(1, record_of_slot(1).index_offset - 1);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
    assert_status(list_damage(store, 1), H5CKPT_OK);
    for (unsigned k = 0; k < COUNT(KIND); k++)
        with_bytes += kind_bytes(&KIND[k]) != 0;
    ck_assert_uint_eq(damage.run[0].name_count, with_bytes);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
}
END_TEST

START_TEST(an_intact_slot_has_no_damage)
{
    h5ckpt_store *store = open_to_damage(FEW);
    assert_inspects(store, (enum h5ckpt_depth)_i, H5CKPT_OK);
    for (unsigned i = 0; i < SLOTS; i++)
        assert_no_damage(store, i);
    close_damaged(store);
}
END_TEST

START_TEST(bytes_that_nobody_reads_are_no_damage)
{
    h5ckpt_store *store = open_to_damage(FEW);
    for (uint64_t at = FORMAT_RECORD_BYTES; at < FORMAT_USER_BLOCK_BYTES; at += 512)
        flip(1, at);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_OK);
    assert_no_damage(store, 1);
    close_damaged(store);
}
END_TEST

START_TEST(a_slot_so_damaged_that_blocks_cannot_be_told_lists_none)
{
    standard_history(2, 1, 2);
    const unsigned newest = slot_number_of_epoch(2);
    RUIN[_i](in_backup(SLOT_NAME[newest]));
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
    ck_assert_int_eq(report.slot[newest].state, H5CKPT_SLOT_DAMAGED);
    assert_no_damage(store, newest);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_slot_without_a_state_has_no_damage)
{
    standard_history(2, 1, 1);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_OK);
    for (unsigned i = 0; i < SLOTS; i++)
        assert_no_damage(store, i);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_missing_slot_has_no_damage)
{
    standard_history(2, 1, 2);
    file_remove(in_backup(SLOT_NAME[0]));
    h5ckpt_store *store = standard_open(&standard, NULL);
    inspect(store, H5CKPT_ALL_BYTES);
    ck_assert_int_eq(report.slot[0].state, H5CKPT_SLOT_MISSING);
    assert_no_damage(store, 0);
    h5ckpt_close(store);
}
END_TEST

static h5ckpt_status inspect_records(h5ckpt_store *store)
{
    return inspect(store, H5CKPT_RECORDS);
}

static h5ckpt_status restore(h5ckpt_store *store)
{
    return h5ckpt_restore(store, NULL, NULL);
}

static h5ckpt_status compare(h5ckpt_store *store)
{
    return h5ckpt_compare(store, H5CKPT_PREVIOUS);
}

/* Calls that look at the slots anew. */
static h5ckpt_status (*const LOOK[])(h5ckpt_store *store) = {inspect_records, restore, compare};

START_TEST(before_all_bytes_were_inspected_no_damage_is_listed)
{
    standard_history(2, 1, 2);
    flip(slot_number_of_epoch(2), 100000);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_inspects(store, H5CKPT_RECORDS, H5CKPT_OK);
    LOOK[_i](store);
    for (unsigned i = 0; i < SLOTS; i++)
        assert_no_damage(store, i);
    h5ckpt_close(store);
}
END_TEST

START_TEST(damage_is_forgotten_when_the_slots_are_looked_at_anew)
{
    standard_history(2, 1, 2);
    const unsigned newest = slot_number_of_epoch(2);
    flip(newest, 100000);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
    assert_status(list_damage(store, newest), H5CKPT_OK);
    ck_assert_uint_eq(damage.count, 1);
    LOOK[_i](store);
    assert_no_damage(store, newest);
    h5ckpt_close(store);
}
END_TEST

START_TEST(damage_that_is_gone_is_not_found_again)
{
    h5ckpt_store *store = open_to_damage(FEW);
    flip(1, 100000);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
    flip(1, 100000);
    assert_inspects(store, _i == 0 ? H5CKPT_ALL_BYTES : H5CKPT_DEVICE, H5CKPT_OK);
    assert_no_damage(store, 1);
    close_damaged(store);
}
END_TEST

START_TEST(damage_can_be_listed_again_and_again)
{
    h5ckpt_store *store = open_to_damage(FEW);
    flip(0, 100000);
    flip(1, 300000);
    inspect(store, H5CKPT_ALL_BYTES);
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned slot = 0; slot < 2; slot++) {
            assert_status(list_damage(store, slot), H5CKPT_OK);
            ck_assert_uint_eq(damage.count, 1);
            ck_assert_uint_eq(damage.run[0].first_block, slot == 0 ? 1 : 4);
        }
    }
    close_damaged(store);
}
END_TEST

START_TEST(a_save_into_a_damaged_slot_leaves_no_damage_listed)
{
    h5ckpt_store *store = open_to_damage(FEW);
    flip(0, 100000);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_OK);
    assert_status(list_damage(store, 0), H5CKPT_OK);
    ck_assert_uint_eq(damage.count, 1);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    assert_no_damage(store, 0);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_OK);
    close_damaged(store);
}
END_TEST

static int flush_no_directory(int descriptor)
{
    struct stat status;

    if (fstat(descriptor, &status) == 0 && !S_ISDIR(status.st_mode))
        return 0;
    errno = EIO;
    return -1;
}

/* The new file has taken the slot's name, but the save cannot say that it is durable. */
START_TEST(a_save_that_fails_after_replacing_a_damaged_slot_leaves_no_damage_listed)
{
    static unsigned char added[40 * BLOCK];
    struct system_calls calls = *system_calls;
    h5ckpt_store *store = open_to_damage(FEW);

    flip(0, 100000);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_OK);
    h5ckpt_add(damage_state, "added", H5CKPT_UINT8, 1, (const uint64_t[]){sizeof added}, added);
    calls.flush = flush_no_directory;
    const struct system_calls *usual = system_calls;
    system_calls = &calls;
    h5ckpt_status status = h5ckpt_save(store, NULL);
    system_calls = usual;
    assert_status(status, H5CKPT_E_IO);
    list_damage(store, 0);
    ck_assert_uint_eq(damage.count, 0);
    close_damaged(store);
}
END_TEST

START_TEST(a_damaged_slot_that_a_save_removed_has_no_damage)
{
    standard_history(3, 1, 3);
    flip(2, 100000);
    h5ckpt_store *store = standard_open_slots(&standard, 2);
    inspect(store, H5CKPT_ALL_BYTES);
    assert_status(h5ckpt_start_over(store), H5CKPT_OK);
    assert_status(list_damage(store, 2), H5CKPT_OK);
    ck_assert_uint_eq(damage.count, 1);
    for (uint64_t number = 4; number <= 6; number++)
        assert_status(standard_save(store, &standard, number), H5CKPT_OK);
    ck_assert(!file_exists(in_backup(SLOT_NAME[2]))); /* else this shows nothing */
    assert_no_damage(store, 2);
    assert_lists_nothing(store, 2, H5CKPT_NO_CHECKPOINT);
    h5ckpt_close(store);
}
END_TEST

START_TEST(the_damage_of_a_slot_that_was_written_since_is_overtaken)
{
    struct beside beside = begin_beside(2, 4);
    h5ckpt_store *reader = standard_open_reader(&standard);
    const unsigned previous = slot_number_of_epoch(3);
    flip(previous, 100000);
    assert_inspects(reader, H5CKPT_ALL_BYTES, H5CKPT_OK);
    save_beside(&beside);
    assert_status(list_damage(reader, previous), H5CKPT_E_OVERTAKEN);
    ck_assert_uint_eq(damage.count, 0);
    ck_assert_str_ne(h5ckpt_message(reader), "");
    h5ckpt_close(reader);
    h5ckpt_close(beside.store);
}
END_TEST

START_TEST(a_save_at_any_instant_of_listing_damage_does_not_hide_the_index)
{
    bool hit = true;

    for (long call = 0; hit; call++) {
        fixture_clear_backup();
        struct beside beside = begin_beside(2, 4);
        h5ckpt_store *reader = standard_open_reader(&standard);
        const unsigned previous = slot_number_of_epoch(3);
        flip(previous, 100000);
        assert_inspects(reader, H5CKPT_ALL_BYTES, H5CKPT_OK);
        faults_set((struct faults){
            .calls = FAULT_OPEN | FAULT_READ, .first = call, .count = 1, .before = save_beside, .context = &beside});
        h5ckpt_status status = list_damage(reader, previous);
        hit = faults_hit();
        faults_clear();
        ck_assert_int_lt(call, CALLS_MAX);
        ck_assert_msg(status == H5CKPT_E_OVERTAKEN
                          ? damage.count == 0
                          : status == H5CKPT_OK && damage.count == 1 && damage.run[0].names_known,
                      "call %ld: %s, %zu runs, names %s", call, h5ckpt_status_name(status), damage.count,
                      damage.run[0].names_known ? "known" : "not known: the index is said to be damaged");
        h5ckpt_close(reader);
        h5ckpt_close(beside.store);
    }
}
END_TEST

/* ---------------------------------------------------------- unreadable blocks */

static void open_bad_device(unsigned slot)
{
    device_begin();
    device_of_slot(slot);
    device.fails = true;
}

/* _i: depth */
START_TEST(a_block_that_stays_unreadable_is_listed_as_damaged)
{
    const enum h5ckpt_depth depth = _i == 0 ? H5CKPT_ALL_BYTES : H5CKPT_DEVICE;
    h5ckpt_store *store = open_to_damage(FEW);
    const struct record record = record_of_slot(1);
    const uint64_t pages_begin = record.index_offset / 4096 * 4096; /* the index is read by pages */

    learn(store);
    open_bad_device(1);
    for (uint64_t block = 0; block < record_block_count(&record); block++) {
        device.offset[0] = FORMAT_USER_BLOCK_BYTES + block * BLOCK;
        assert_inspects(store, depth, H5CKPT_FELL_BACK);
        ck_assert_int_eq(report.slot[1].state, H5CKPT_SLOT_DAMAGED);
        assert_status_message(list_damage(store, 1), H5CKPT_OK, h5ckpt_message(store));
        ck_assert_uint_eq(damage.count, 1);
        assert_run(&damage.run[0], &record, block, 1);
        ck_assert_int_eq(damage.run[0].names_known, device.offset[0] < pages_begin);
        if (damage.run[0].names_known)
            assert_names(&damage.run[0]);
        assert_no_damage(store, 0);
    }
    close_damaged(store);
}
END_TEST

START_TEST(where_the_index_stays_unreadable_no_names_are_known)
{
    h5ckpt_store *store = open_to_damage(FEW);
    const struct record record = record_of_slot(1);

    open_bad_device(1);
    device.offset[0] = record.index_offset;
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
    assert_status_message(list_damage(store, 1), H5CKPT_OK, h5ckpt_message(store));
    ck_assert_uint_eq(damage.count, 1);
    assert_run(&damage.run[0], &record, (record.index_offset - FORMAT_USER_BLOCK_BYTES) / BLOCK, 1);
    ck_assert(!damage.run[0].names_known);
    ck_assert_uint_eq(damage.run[0].name_count, 0);
    close_damaged(store);
}
END_TEST

START_TEST(blocks_that_are_unreadable_and_blocks_that_are_damaged_are_listed_together)
{
    h5ckpt_store *store = open_to_damage(FEW);
    const struct record record = record_of_slot(1);

    open_bad_device(1);
    flip(1, FORMAT_USER_BLOCK_BYTES + 0 * BLOCK);
    device.offset[0] = FORMAT_USER_BLOCK_BYTES + 1 * BLOCK + 9;
    device.offset[1] = FORMAT_USER_BLOCK_BYTES + 3 * BLOCK + 9;
    flip(1, FORMAT_USER_BLOCK_BYTES + 4 * BLOCK);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
    assert_status(list_damage(store, 1), H5CKPT_OK);
    ck_assert_uint_eq(damage.count, 2);
    assert_run(&damage.run[0], &record, 0, 2);
    assert_run(&damage.run[1], &record, 3, 2);
    close_damaged(store);
}
END_TEST

START_TEST(where_every_block_is_unreadable_all_are_listed)
{
    h5ckpt_store *store = open_to_damage(FEW);
    const struct record record = record_of_slot(1);

    open_bad_device(1);
    for (uint64_t block = 0; block < record_block_count(&record); block++)
        device.offset[block] = FORMAT_USER_BLOCK_BYTES + block * BLOCK + 4095;
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
    assert_status(list_damage(store, 1), H5CKPT_OK);
    ck_assert_uint_eq(damage.count, 1);
    assert_run(&damage.run[0], &record, 0, record_block_count(&record));
    close_damaged(store);
}
END_TEST

START_TEST(an_unreadable_block_does_not_keep_later_slots_from_being_verified)
{
    standard_history(3, 1, 3);
    h5ckpt_store *store = standard_open_slots(&standard, 3);
    open_bad_device(0);
    device.offset[0] = 70000;
    flip(2, 140000);
    inspect(store, H5CKPT_ALL_BYTES);
    ck_assert_int_eq(report.slot[0].state, H5CKPT_SLOT_DAMAGED);
    ck_assert_int_eq(report.slot[1].state, H5CKPT_SLOT_INTACT);
    ck_assert_int_eq(report.slot[2].state, H5CKPT_SLOT_DAMAGED);
    h5ckpt_close(store);
}
END_TEST

/* _i: depth */
START_TEST(an_eio_that_does_not_persist_is_no_damage)
{
    const enum h5ckpt_depth depth = _i == 0 ? H5CKPT_ALL_BYTES : H5CKPT_DEVICE;
    bool hit = true;

    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    for (long call = 0; hit; call++) {
        faults_set(
            (struct faults){.calls = FAULT_OPEN | FAULT_READ, .name = "slot", .first = call, .count = 1, .error = EIO});
        h5ckpt_status status = inspect(store, depth);
        hit = faults_hit();
        faults_clear();
        ck_assert_int_lt(call, CALLS_MAX);
        ck_assert_msg(status == H5CKPT_OK, "call %ld: %s: %s", call, h5ckpt_status_name(status), h5ckpt_message(store));
        for (unsigned i = 0; i < 2; i++) {
            ck_assert_int_eq(report.slot[i].state, H5CKPT_SLOT_INTACT);
            assert_no_damage(store, i);
        }
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(an_eio_that_does_not_persist_adds_no_block_to_the_damaged_ones)
{
    bool hit = true;
    h5ckpt_store *store = open_to_damage(FEW);
    const struct record record = record_of_slot(1);

    flip(1, FORMAT_USER_BLOCK_BYTES + 3 * BLOCK);
    for (long call = 0; hit; call++) {
        faults_set((struct faults){
            .calls = FAULT_OPEN | FAULT_READ, .name = FORMAT_SLOT_B, .first = call, .count = 1, .error = EIO});
        h5ckpt_status status = inspect(store, H5CKPT_ALL_BYTES);
        hit = faults_hit();
        faults_clear();
        ck_assert_int_lt(call, CALLS_MAX);
        assert_status_message(status, H5CKPT_FELL_BACK, h5ckpt_message(store));
        assert_status(list_damage(store, 1), H5CKPT_OK);
        ck_assert_msg(damage.count == 1, "call %ld: %zu runs", call, damage.count);
        assert_run(&damage.run[0], &record, 3, 1);
    }
    close_damaged(store);
}
END_TEST

/* From any call on; what could not be told block by block is not listed. */
START_TEST(an_eio_that_persists_is_damage_of_the_slot)
{
    bool hit = true;

    standard_history(2, 1, 2);
    const unsigned newest = slot_number_of_epoch(2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    for (long call = 0; hit; call++) {
        faults_set((struct faults){
            .calls = FAULT_READ, .name = SLOT_NAME[newest], .first = call, .count = FAULTS_FOR_EVER, .error = EIO});
        h5ckpt_status status = inspect(store, H5CKPT_ALL_BYTES);
        hit = faults_hit();
        faults_clear();
        ck_assert_int_lt(call, CALLS_MAX);
        ck_assert_msg(status == (hit ? H5CKPT_FELL_BACK : H5CKPT_OK), "call %ld: %s: %s", call,
                      h5ckpt_status_name(status), h5ckpt_message(store));
        ck_assert_int_eq(report.slot[newest].state, hit ? H5CKPT_SLOT_DAMAGED : H5CKPT_SLOT_INTACT);
        assert_status(list_damage(store, newest), H5CKPT_OK);
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_passing_eio_while_damage_is_listed_does_not_hide_the_names)
{
    bool hit = true;
    h5ckpt_store *store = open_to_damage(FEW);

    flip(1, 100000);
    for (long call = 0; hit; call++) {
        assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
        faults_set(
            (struct faults){.calls = FAULT_OPEN | FAULT_READ, .name = "slot", .first = call, .count = 1, .error = EIO});
        h5ckpt_status status = list_damage(store, 1);
        hit = faults_hit();
        faults_clear();
        ck_assert_int_lt(call, CALLS_MAX);
        ck_assert_msg(status == H5CKPT_E_IO ? damage.count == 0
                                            : status == H5CKPT_OK && damage.count == 1 && damage.run[0].names_known,
                      "call %ld: %s, names %s", call, h5ckpt_status_name(status),
                      damage.run[0].names_known ? "known" : "not known: the index is said to be damaged");
    }
    close_damaged(store);
}
END_TEST

/* _i: but for EIO, which is told apart above */
START_TEST(a_passing_error_while_damage_is_listed_is_reported_as_itself)
{
    const struct passing *passing = &PASSING[_i];
    bool hit = true;
    h5ckpt_store *store = open_to_damage(FEW);

    flip(1, 100000);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
    for (long call = 0; hit; call++) {
        faults_set((struct faults){
            .calls = FAULT_OPEN | FAULT_READ, .name = "slot", .first = call, .count = 1, .error = passing->error});
        h5ckpt_status status = list_damage(store, 1);
        hit = faults_hit();
        faults_clear();
        ck_assert_int_lt(call, CALLS_MAX);
        assert_status_message(status, hit ? passing->status : H5CKPT_OK, h5ckpt_message(store));
        ck_assert_uint_eq(damage.count, hit ? 0 : 1);
    }
    close_damaged(store);
}
END_TEST

/* _i: error; depth */
START_TEST(a_passing_error_while_inspecting_is_reported_as_itself_and_is_no_damage)
{
    const struct passing *passing = &PASSING[_i / 2];
    const enum h5ckpt_depth depth = _i % 2 == 0 ? H5CKPT_ALL_BYTES : H5CKPT_DEVICE;
    bool hit = true;

    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    for (long call = 0; hit; call++) {
        faults_set((struct faults){
            .calls = FAULT_OPEN | FAULT_READ, .name = "slot", .first = call, .count = 1, .error = passing->error});
        h5ckpt_status status = inspect(store, depth);
        hit = faults_hit();
        faults_clear();
        ck_assert_int_lt(call, CALLS_MAX);
        /* The first opening past the cache only asks whether that can be done. */
        ck_assert_msg(status == passing->status || (status == H5CKPT_OK && (!hit || depth == H5CKPT_DEVICE)),
                      "call %ld: %s: %s", call, h5ckpt_status_name(status), h5ckpt_message(store));
        for (unsigned i = 0; i < 2; i++)
            ck_assert_int_ne(report.slot[i].state, H5CKPT_SLOT_DAMAGED);
        assert_inspects(store, depth, H5CKPT_OK);
    }
    h5ckpt_close(store);
}
END_TEST

/* -------------------------------------------------------------------- memory */

/* Run `call` with each of its allocations failing once; whether it was one that matters is told by `*failed`. */
static h5ckpt_status with_failing_allocation(long which, h5ckpt_status (*call)(h5ckpt_store *store),
                                             h5ckpt_store *store, bool *failed)
{
    malloc_fail_in = which;
    h5ckpt_status status = call(store);
    *failed = malloc_fail_in == 0;
    malloc_fail_in = 0;
    return status;
}

static h5ckpt_status inspect_all(h5ckpt_store *store)
{
    return inspect(store, H5CKPT_ALL_BYTES);
}

static h5ckpt_status inspect_device(h5ckpt_store *store)
{
    return inspect(store, H5CKPT_DEVICE);
}

/* Visits that allocate nothing. */
static unsigned visit_count;

static void count_variable(void *context, const struct h5ckpt_stored *variable)
{
    (void)variable;
    ++*(unsigned *)context;
}

static void count_run(void *context, const struct h5ckpt_damage *run)
{
    (void)run;
    ++*(unsigned *)context;
}

static h5ckpt_status count_variables(h5ckpt_store *store)
{
    visit_count = 0;
    return h5ckpt_list_variables(store, 1, count_variable, &visit_count);
}

static h5ckpt_status count_runs(h5ckpt_store *store)
{
    visit_count = 0;
    return h5ckpt_list_damage(store, 1, count_run, &visit_count);
}

static h5ckpt_status (*const INSPECT[])(h5ckpt_store *store) = {inspect_records, inspect_all, inspect_device};

START_TEST(an_inspection_without_memory_says_so_and_calls_nothing_damaged)
{
    bool failed = true;
    long live_count = 0;

    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_OK);
    for (long which = 1; failed; which++) {
        h5ckpt_status status = with_failing_allocation(which, INSPECT[_i], store, &failed);
        ck_assert_msg(status == (failed ? H5CKPT_E_MEMORY : H5CKPT_OK) ||
                          (INSPECT[_i] == inspect_device && status == H5CKPT_OK),
                      "allocation %ld: %s: %s", which, h5ckpt_status_name(status), h5ckpt_message(store));
        for (unsigned i = 0; i < 2; i++)
            ck_assert_int_ne(report.slot[i].state, H5CKPT_SLOT_DAMAGED);
        assert_status(INSPECT[_i](store), H5CKPT_OK);
        assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_OK);
        ck_assert(which == 1 || malloc_live_count == live_count);
        live_count = malloc_live_count;
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(listing_variables_without_memory_says_so)
{
    bool failed = true;

    standard_history(2, 1, 2);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_OK);
    const long live_count = malloc_live_count;
    for (long which = 1; failed; which++) {
        h5ckpt_status status = with_failing_allocation(which, count_variables, store, &failed);
        ck_assert_msg(status == (failed ? H5CKPT_E_MEMORY : H5CKPT_OK), "allocation %ld: %s: %s", which,
                      h5ckpt_status_name(status), h5ckpt_message(store));
        ck_assert_uint_eq(visit_count, failed ? 0 : STANDARD_VARIABLE_COUNT);
        ck_assert_int_eq(malloc_live_count, live_count);
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(listing_damage_without_memory_says_so)
{
    bool failed = true;
    h5ckpt_store *store = open_to_damage(FEW);

    flip(1, 100000);
    assert_inspects(store, H5CKPT_ALL_BYTES, H5CKPT_FELL_BACK);
    count_runs(store); /* and the message of the inspection is freed */
    const long live_count = malloc_live_count;
    for (long which = 1; failed; which++) {
        h5ckpt_status status = with_failing_allocation(which, count_runs, store, &failed);
        ck_assert_msg(status == (failed ? H5CKPT_E_MEMORY : H5CKPT_OK), "allocation %ld: %s: %s", which,
                      h5ckpt_status_name(status), h5ckpt_message(store));
        ck_assert_uint_eq(visit_count, failed ? 0 : 1);
        ck_assert_int_eq(malloc_live_count, live_count);
    }
    close_damaged(store);
}
END_TEST

START_TEST(a_reason_does_not_call_an_index_damaged_that_there_was_no_memory_to_read)
{
    bool failed = true;
    h5ckpt_store *store = open_to_damage(FEW);

    flip(1, 100000);
    for (long which = 1; failed; which++) {
        with_failing_allocation(which, inspect_all, store, &failed);
        ck_assert_msg(strstr(report.slot[1].reason, "index is damaged") == NULL, "allocation %ld: %s", which,
                      report.slot[1].reason);
    }
    close_damaged(store);
}
END_TEST

/* --------------------------------------------------------------------- main */

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    return tcase;
}

static void add_depths(Suite *suite)
{
    TCase *tcase = add_case(suite, "depths");
    TCase *real = add_case(suite, "on a real file system");

    tcase_add_loop_test(tcase, a_slot_is_committed_by_its_record_and_intact_by_all_its_bytes, 0, 3 * DEPTHS);
    tcase_add_loop_test(tcase, an_inspection_restores_nothing_and_allows_no_save, 0, DEPTHS);
    tcase_add_test(tcase, the_default_is_to_read_records);
    tcase_add_loop_test(tcase, a_depth_that_names_nothing_is_refused, 0, 3);
    tcase_add_test(tcase, an_inspection_needs_a_store_and_a_report);
    tcase_add_loop_test(tcase, every_damaged_slot_is_found_not_only_those_that_a_restore_would_meet, 0, 8);
    tcase_add_loop_test(tcase, a_slot_is_from_the_device_exactly_if_that_was_asked_for, 0, DEPTHS);
    tcase_add_loop_test(tcase, what_was_read_from_the_device_is_not_said_of_the_next_inspection, 0, 2);
    tcase_add_test(tcase, every_block_is_read_past_the_cache);
    tcase_add_loop_test(tcase, reads_past_the_cache_are_aligned, 0, 2);
    tcase_add_loop_test(tcase, where_the_device_cannot_be_read_the_cache_is_and_the_slot_says_so, 1, 3);
    tcase_add_loop_test(tcase, the_verdict_does_not_depend_on_where_the_bytes_were_read, 0, 12);
    tcase_add_test(tcase, damage_that_only_the_device_holds_is_found_past_the_cache_only);
    tcase_add_test(tcase, damage_that_only_the_cache_holds_is_not_found_past_it);

    tcase_add_unchecked_fixture(real, make_place, remove_place);
    tcase_add_loop_test(real, on_a_real_file_system_the_slot_says_where_it_was_read, 0, 4);
}

static void add_progress(Suite *suite)
{
    TCase *tcase = add_case(suite, "progress");

    tcase_add_loop_test(tcase, progress_grows_slot_by_slot_up_to_the_bytes_of_all_committed_slots, 0, 12);
    tcase_add_test(tcase, progress_leaves_out_a_slot_whose_record_is_damaged);
    tcase_add_test(tcase, progress_is_not_told_where_nothing_but_records_is_read);
    tcase_add_test(tcase, progress_is_not_told_of_a_directory_without_states);
    tcase_add_test(tcase, progress_does_not_go_back_without_a_writer_beside_it);
    tcase_add_test(tcase, progress_beside_a_writer_that_saves_still_ends_at_its_total);
}

static void add_roles(Suite *suite)
{
    TCase *tcase = add_case(suite, "roles");

    tcase_add_loop_test(tcase, states_are_current_previous_and_older_as_many_as_there_are, 0, 3 * DEPTHS);
    tcase_add_test(tcase, a_reserved_or_absent_slot_has_no_role);
    tcase_add_loop_test(tcase, before_anything_is_saved_no_slot_has_a_role, 0, DEPTHS);
    tcase_add_test(tcase, a_damaged_newest_state_leaves_its_role_to_the_one_before);
    tcase_add_test(tcase, a_damaged_previous_state_leaves_its_role_to_the_one_before);
    tcase_add_test(tcase, until_the_next_save_a_state_that_was_rolled_back_from_stays_current);
    tcase_add_test(tcase, after_rolling_back_and_saving_the_state_rolled_back_to_is_the_previous);
    tcase_add_loop_test(tcase, a_state_that_was_rolled_back_from_is_abandoned, 0, DEPTHS);
    tcase_add_loop_test(tcase, the_slot_that_a_restore_would_give_is_the_current_one, 0, 8);
    tcase_add_test(tcase, every_role_has_a_name_of_its_own);
    tcase_add_loop_test(tcase, of_a_directory_that_is_gone_no_slot_is_reported, 0, DEPTHS);
    tcase_add_test(tcase, an_inspection_that_could_not_look_does_not_repeat_what_was_seen_before);
    tcase_add_loop_test(tcase, a_reader_sees_the_writer_while_it_holds_the_directory, 0, DEPTHS);
    tcase_add_test(tcase, a_killed_writer_is_no_longer_seen);
    tcase_add_test(tcase, a_writer_is_seen_where_nothing_was_saved_yet);
    tcase_add_test(tcase, the_writer_does_not_see_itself);
    tcase_add_test(tcase, of_a_directory_that_is_gone_no_writer_is_reported);
}

static void add_variables(Suite *suite)
{
    TCase *tcase = add_case(suite, "variables");

    tcase_add_test(tcase, variables_are_listed_in_the_order_of_registration);
    tcase_add_loop_test(tcase, a_variable_is_listed_with_its_type, 0, COUNT(KIND));
    tcase_add_loop_test(tcase, a_variable_is_listed_with_its_shape_and_size, 0, COUNT(KIND));
    tcase_add_test(tcase, a_variables_bytes_lie_where_they_are_listed);
    tcase_add_test(tcase, a_variable_without_bytes_has_offset_0);
    tcase_add_test(tcase, the_other_byte_order_is_named);
    tcase_add_test(tcase, a_state_without_variables_lists_none);
    tcase_add_test(tcase, ten_thousand_variables_are_listed_in_order_and_where_they_lie);
    tcase_add_loop_test(tcase, a_slot_is_listed_whatever_the_program_has_registered, 0, 2);
    tcase_add_test(tcase, the_variables_of_a_damaged_slot_are_listed_while_its_index_can_be_read);
    tcase_add_loop_test(tcase, variables_whose_index_is_damaged_are_not_listed, 0, 2);
    tcase_add_loop_test(tcase, the_variables_of_a_slot_that_cannot_be_read_at_all_are_not_listed, 0, COUNT(RUIN));
    tcase_add_loop_test(tcase, an_absent_or_reserved_slot_holds_no_variables, 0, 2);
    tcase_add_test(tcase, before_the_first_save_no_slot_holds_variables);
    tcase_add_test(tcase, in_a_directory_that_is_gone_no_slot_holds_variables);
    tcase_add_loop_test(tcase, a_slot_number_that_is_in_no_report_is_refused, 0, 4);
    tcase_add_loop_test(tcase, before_any_report_a_slot_is_listed_as_it_was_when_the_store_was_opened, 0, 2);
    tcase_add_test(tcase, before_any_report_a_directory_that_is_not_there_has_no_slots);
    tcase_add_test(tcase, listing_needs_a_store_and_a_function);
    tcase_add_test(tcase, a_child_process_cannot_look_through_its_parents_store);
    tcase_add_test(tcase, a_store_whose_checkpoint_was_deleted_lists_nothing);
    tcase_add_test(tcase, a_foreign_slot_that_appears_at_any_instant_does_not_name_the_directory);
    tcase_add_loop_test(tcase, damage_is_looked_at_again_where_another_lock_is_there_by_then, 0, 2);
    tcase_add_loop_test(tcase, the_variables_of_a_foreign_slot_are_not_listed, 0, DEPTHS);
    tcase_add_loop_test(tcase, the_variables_of_a_version_yet_to_come_are_not_listed, 0, DEPTHS);
    tcase_add_test(tcase, a_directory_of_a_newer_version_is_reported_without_slots);
    tcase_add_loop_test(tcase, a_passing_error_while_listing_is_reported_as_itself, 0, COUNT(PASSING));
    tcase_add_loop_test(tcase, a_slot_that_could_not_be_read_for_now_gives_that_reason, 0, COUNT(PASSING) - 1);
    tcase_add_loop_test(tcase, a_slot_that_was_written_since_the_report_is_overtaken, 0, 3);
    tcase_add_test(tcase, a_slot_that_was_written_with_the_same_content_is_overtaken_all_the_same);
    tcase_add_test(tcase, a_slot_that_was_replaced_by_another_state_of_the_same_sequence_is_overtaken);
    tcase_add_test(tcase, a_slot_that_a_save_has_just_begun_to_fill_is_overtaken_and_not_damaged);
    tcase_add_test(tcase, a_slot_that_vanished_since_the_report_is_overtaken);
    tcase_add_test(tcase, after_a_restore_the_slots_of_its_report_can_be_listed);
    tcase_add_loop_test(tcase, saves_at_any_instant_of_a_listing_are_no_damage, 0, 3);
}

static void add_damage(Suite *suite)
{
    TCase *tcase = add_case(suite, "damage");

    tcase_add_loop_test(tcase, a_damaged_block_is_listed_once_with_the_variables_that_have_bytes_there, 0, 4);
    tcase_add_test(tcase, every_set_of_damaged_blocks_is_listed_as_its_runs);
    tcase_add_test(tcase, two_blocks_with_one_between_are_two_runs);
    tcase_add_test(tcase, blocks_next_to_each_other_are_one_run);
    tcase_add_test(tcase, the_last_block_is_listed_as_short_as_it_is);
    tcase_add_test(tcase, where_the_index_is_damaged_as_well_no_names_are_known);
    tcase_add_test(tcase, damage_in_hdf5s_own_bytes_has_known_names_and_none);
    tcase_add_test(tcase, a_variable_that_ends_or_begins_at_a_blocks_edge_is_not_in_the_block_beyond_it);
    tcase_add_test(tcase, damaged_variables_have_the_names_that_the_program_gave_them);
    tcase_add_test(tcase, h5ckpts_own_numbers_are_not_named);
    tcase_add_test(tcase, the_damaged_golden_directory_has_one_damaged_block);
    tcase_add_loop_test(tcase, an_intact_slot_has_no_damage, 0, DEPTHS);
    tcase_add_test(tcase, bytes_that_nobody_reads_are_no_damage);
    tcase_add_loop_test(tcase, a_slot_so_damaged_that_blocks_cannot_be_told_lists_none, 0, COUNT(RUIN));
    tcase_add_test(tcase, a_slot_without_a_state_has_no_damage);
    tcase_add_test(tcase, a_missing_slot_has_no_damage);
    tcase_add_loop_test(tcase, before_all_bytes_were_inspected_no_damage_is_listed, 0, COUNT(LOOK));
    tcase_add_loop_test(tcase, damage_is_forgotten_when_the_slots_are_looked_at_anew, 0, COUNT(LOOK));
    tcase_add_loop_test(tcase, damage_that_is_gone_is_not_found_again, 0, 2);
    tcase_add_test(tcase, damage_can_be_listed_again_and_again);
    tcase_add_test(tcase, a_save_into_a_damaged_slot_leaves_no_damage_listed);
    tcase_add_test(tcase, a_save_that_fails_after_replacing_a_damaged_slot_leaves_no_damage_listed);
    tcase_add_test(tcase, a_damaged_slot_that_a_save_removed_has_no_damage);
    tcase_add_test(tcase, the_damage_of_a_slot_that_was_written_since_is_overtaken);
    tcase_add_test(tcase, a_save_at_any_instant_of_listing_damage_does_not_hide_the_index);
}

static void add_errors(Suite *suite)
{
    TCase *tcase = add_case(suite, "unreadable blocks");

    tcase_add_loop_test(tcase, a_block_that_stays_unreadable_is_listed_as_damaged, 0, 2);
    tcase_add_test(tcase, where_the_index_stays_unreadable_no_names_are_known);
    tcase_add_test(tcase, blocks_that_are_unreadable_and_blocks_that_are_damaged_are_listed_together);
    tcase_add_test(tcase, where_every_block_is_unreadable_all_are_listed);
    tcase_add_test(tcase, an_unreadable_block_does_not_keep_later_slots_from_being_verified);
    tcase_add_loop_test(tcase, an_eio_that_does_not_persist_is_no_damage, 0, 2);
    tcase_add_test(tcase, an_eio_that_does_not_persist_adds_no_block_to_the_damaged_ones);
    tcase_add_test(tcase, an_eio_that_persists_is_damage_of_the_slot);
    tcase_add_test(tcase, a_passing_eio_while_damage_is_listed_does_not_hide_the_names);
    tcase_add_loop_test(tcase, a_passing_error_while_damage_is_listed_is_reported_as_itself, 0, COUNT(PASSING) - 1);
    tcase_add_loop_test(tcase, a_passing_error_while_inspecting_is_reported_as_itself_and_is_no_damage, 0,
                        2 * (COUNT(PASSING) - 1));
}

static void add_memory(Suite *suite)
{
    TCase *tcase = add_case(suite, "memory");

    if (!malloc_is_ours())
        return;
    tcase_add_loop_test(tcase, an_inspection_without_memory_says_so_and_calls_nothing_damaged, 0, DEPTHS);
    tcase_add_test(tcase, listing_variables_without_memory_says_so);
    tcase_add_test(tcase, listing_damage_without_memory_says_so);
    tcase_add_test(tcase, a_reason_does_not_call_an_index_damaged_that_there_was_no_memory_to_read);
}

int main(void)
{
    Suite *suite = suite_create("inspect");

    signal(SIGPIPE, SIG_IGN);
    add_depths(suite);
    add_progress(suite);
    add_roles(suite);
    add_variables(suite);
    add_damage(suite);
    add_errors(suite);
    add_memory(suite);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
