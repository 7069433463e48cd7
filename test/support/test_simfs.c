/* SPDX-License-Identifier: MIT */
/* The model file system keeps to what simfs.h says; the numbers are those of its model. */
#include "support/simfs.h"
#include "support/suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    SECTOR = SIMFS_SECTOR_BYTES,
    UNIT_COUNT_MAX = 64,
    BIG_BYTES = 4 * SIMFS_DIRECT_ALIGN_BYTES,
};

static struct simfs *fs, *image;
static struct simfs_unit unit[UNIT_COUNT_MAX];
static unsigned version[UNIT_COUNT_MAX];
static unsigned char bytes[BIG_BYTES] __attribute__((aligned(SIMFS_DIRECT_ALIGN_BYTES)));

static void setup(void)
{
    fs = simfs_new(1);
    image = simfs_new(2);
    simfs_use(fs);
    memset(version, 0, sizeof version);
}

static void teardown(void)
{
    simfs_free(image);
    simfs_free(fs);
}

/* ------------------------------------------------------------------- helpers */

static int open_file(const char *name, int flags)
{
    int descriptor = simfs_calls.open_at(AT_FDCWD, name, flags, 0600);

    ck_assert_msg(descriptor >= 0, "cannot open '%s': %s", name, strerror(errno));
    return descriptor;
}

static int create_file(const char *name)
{
    return open_file(name, O_RDWR | O_CREAT | O_EXCL);
}

static void close_file(int descriptor)
{
    ck_assert_int_eq(simfs_calls.close(descriptor), 0);
}

/* `count` sectors full of `letter`. */
static void write_sectors(int descriptor, size_t first, size_t count, char letter)
{
    memset(bytes, letter, count * SECTOR);
    ck_assert_int_eq(simfs_calls.write_at(descriptor, bytes, count * SECTOR, (off_t)(first * SECTOR)),
                     (ssize_t)(count * SECTOR));
}

static void flush_root(void)
{
    int root = open_file("/", O_RDONLY | O_DIRECTORY);

    ck_assert_int_eq(simfs_calls.flush(root), 0);
    close_file(root);
}

/* A flushed file with a flushed name: sectors 0 … `count` - 1 full of `letter`. Returns it open. */
static int make_durable_file(const char *name, size_t count, char letter)
{
    int descriptor = create_file(name);

    write_sectors(descriptor, 0, count, letter);
    ck_assert_int_eq(simfs_calls.flush(descriptor), 0);
    flush_root();
    return descriptor;
}

/* First letters of a file's sectors, '0' for a NUL, "-" if there is no such file. */
static const char *letters_read(const char *name, int flags)
{
    static char letters[BIG_BYTES / SECTOR + 1];
    int descriptor = simfs_calls.open_at(AT_FDCWD, name, O_RDONLY | flags, 0);
    ssize_t got;

    if (descriptor < 0)
        return "-";
    got = simfs_calls.read_at(descriptor, bytes, sizeof bytes, 0);
    ck_assert_int_ge(got, 0);
    close_file(descriptor);
    memset(letters, 0, sizeof letters);
    for (ssize_t i = 0; i < got; i += SECTOR)
        letters[i / SECTOR] = bytes[i] == 0 ? '0' : (char)bytes[i];
    return letters;
}

static const char *letters(const char *name)
{
    return letters_read(name, 0);
}

static const char *letters_past_cache(const char *name)
{
    return letters_read(name, O_DIRECT);
}

static size_t units_in_flight(void)
{
    size_t count = simfs_units_in_flight(fs, unit, UNIT_COUNT_MAX);

    ck_assert_uint_le(count, UNIT_COUNT_MAX);
    return count;
}

static void use_image_after_kill(void)
{
    simfs_image_after_kill(image, fs);
    simfs_use(image);
}

/* The power goes; `version` has been set. */
static void use_image_after_power_cut(void)
{
    simfs_image_after_power_cut(image, fs, unit, version, units_in_flight());
    simfs_use(image);
}

static void set_all_versions(unsigned value)
{
    for (size_t i = 0; i < UNIT_COUNT_MAX; i++)
        version[i] = value;
}

/* The index of the only unit of a kind in flight, or the index-th sector's. */
static size_t unit_of(enum simfs_unit_kind kind, size_t index)
{
    for (size_t i = 0; i < units_in_flight(); i++)
        if (unit[i].kind == kind && unit[i].index == index)
            return i;
    ck_abort_msg("no such unit in flight");
}

static void fail_next(enum simfs_call call, int error)
{
    simfs_set_fault(fs, &(struct simfs_fault){.call = call, .fail_count = 1, .error = error});
}

static void fail_flush(int descriptor, enum simfs_survivors survivors)
{
    simfs_set_fault(
        fs, &(struct simfs_fault){.call = SIMFS_CALL_FLUSH, .fail_count = 1, .error = EIO, .survivors = survivors});
    errno = 0;
    ck_assert_int_eq(simfs_calls.flush(descriptor), -1);
    ck_assert_int_eq(errno, EIO);
}

#define assert_errno(call, expected)       \
    do {                                   \
        errno = 0;                         \
        ck_assert_int_eq((call), -1);      \
        ck_assert_int_eq(errno, expected); \
    } while (0)

/* --------------------------------------------------------------- POSIX calls */

START_TEST(what_was_written_is_read)
{
    write_sectors(create_file("f"), 0, 2, 'a');
    ck_assert_str_eq(letters("f"), "aa");
}
END_TEST

START_TEST(a_write_inside_a_sector_keeps_the_rest)
{
    int file = create_file("f");

    write_sectors(file, 0, 1, 'a');
    ck_assert_int_eq(simfs_calls.write_at(file, "xyz", 3, 100), 3);
    ck_assert_int_eq(simfs_calls.read_at(file, bytes, SECTOR, 0), SECTOR);
    ck_assert_mem_eq(bytes + 98, "aaxyzaa", 7);
}
END_TEST

START_TEST(a_read_ends_where_the_file_does)
{
    int file = create_file("f");

    ck_assert_int_eq(simfs_calls.write_at(file, "abc", 3, 0), 3);
    ck_assert_int_eq(simfs_calls.read_at(file, bytes, 10, 1), 2);
}
END_TEST

START_TEST(a_hole_reads_as_zeros)
{
    write_sectors(create_file("f"), 2, 1, 'a');
    ck_assert_str_eq(letters("f"), "00a");
}
END_TEST

START_TEST(allocation_makes_a_file_longer_but_never_shorter)
{
    int file = create_file("f");

    write_sectors(file, 0, 2, 'a');
    ck_assert_int_eq(simfs_calls.allocate(file, 0, SECTOR), 0);
    ck_assert_str_eq(letters("f"), "aa");
    ck_assert_int_eq(simfs_calls.allocate(file, 0, 3 * SECTOR), 0);
    ck_assert_str_eq(letters("f"), "aa0");
}
END_TEST

START_TEST(what_a_truncation_cut_off_does_not_come_back)
{
    int file = create_file("f");

    write_sectors(file, 0, 2, 'a');
    ck_assert_int_eq(simfs_calls.truncate(file, SECTOR), 0);
    ck_assert_int_eq(simfs_calls.truncate(file, 2 * SECTOR), 0);
    ck_assert_str_eq(letters("f"), "a0");
}
END_TEST

START_TEST(opening_a_missing_file_fails)
{
    assert_errno(simfs_calls.open_at(AT_FDCWD, "f", O_RDONLY, 0), ENOENT);
}
END_TEST

START_TEST(exclusive_creation_fails_where_a_file_is)
{
    create_file("f");
    assert_errno(simfs_calls.open_at(AT_FDCWD, "f", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
}
END_TEST

START_TEST(a_directory_cannot_be_opened_for_writing)
{
    ck_assert_int_eq(simfs_calls.make_directory("d", 0700), 0);
    assert_errno(simfs_calls.open_at(AT_FDCWD, "d", O_RDWR, 0), EISDIR);
}
END_TEST

START_TEST(a_file_is_no_directory)
{
    create_file("f");
    assert_errno(simfs_calls.open_at(AT_FDCWD, "f", O_RDONLY | O_DIRECTORY, 0), ENOTDIR);
}
END_TEST

START_TEST(paths_lead_through_directories)
{
    int directory;

    ck_assert_int_eq(simfs_calls.make_directory("/d", 0700), 0);
    ck_assert_int_eq(simfs_calls.make_directory("d/e", 0700), 0);
    directory = open_file("/d//e/", O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(simfs_calls.open_at(directory, "f", O_RDWR | O_CREAT, 0600), 0);
    ck_assert_str_eq(letters("d/e/f"), "");
}
END_TEST

START_TEST(a_directory_needs_its_parent)
{
    assert_errno(simfs_calls.make_directory("d/e", 0700), ENOENT);
}
END_TEST

START_TEST(a_directory_that_holds_a_file_cannot_be_removed)
{
    ck_assert_int_eq(simfs_calls.make_directory("d", 0700), 0);
    create_file("d/f");
    assert_errno(simfs_calls.remove_directory("d"), ENOTEMPTY);
}
END_TEST

START_TEST(a_link_is_the_same_file)
{
    struct stat status;

    write_sectors(create_file("f"), 0, 1, 'a');
    ck_assert_int_eq(simfs_calls.link_at(AT_FDCWD, "f", "g"), 0);
    ck_assert_str_eq(letters("g"), "a");
    ck_assert_int_eq(simfs_calls.status_at(AT_FDCWD, "f", &status), 0);
    ck_assert_uint_eq(status.st_nlink, 2);
}
END_TEST

START_TEST(a_link_replaces_nothing)
{
    create_file("f");
    create_file("g");
    assert_errno(simfs_calls.link_at(AT_FDCWD, "f", "g"), EEXIST);
}
END_TEST

START_TEST(a_rename_replaces)
{
    write_sectors(create_file("f"), 0, 1, 'f');
    write_sectors(create_file("g"), 0, 1, 'g');
    ck_assert_int_eq(simfs_calls.rename_at(AT_FDCWD, "f", "g"), 0);
    ck_assert_str_eq(letters("g"), "f");
    ck_assert_str_eq(letters("f"), "-");
}
END_TEST

START_TEST(a_removed_file_lives_while_it_is_open)
{
    int file = create_file("f");
    struct stat status;

    write_sectors(file, 0, 1, 'a');
    ck_assert_int_eq(simfs_calls.remove_at(AT_FDCWD, "f"), 0);
    ck_assert_int_eq(simfs_calls.read_at(file, bytes, SECTOR, 0), SECTOR);
    ck_assert_int_eq(simfs_calls.status(file, &status), 0);
    ck_assert_uint_eq(status.st_nlink, 0);
}
END_TEST

START_TEST(a_read_only_descriptor_writes_nothing)
{
    close_file(create_file("f"));
    assert_errno(simfs_calls.write_at(open_file("f", O_RDONLY), "a", 1, 0), EBADF);
}
END_TEST

START_TEST(a_closed_descriptor_is_bad)
{
    int file = create_file("f");

    close_file(file);
    assert_errno(simfs_calls.flush(file), EBADF);
}
END_TEST

/* --------------------------------------------------------------------- locks */

static int lock(int descriptor, int command, short type, struct flock *range)
{
    *range = (struct flock){.l_type = type, .l_whence = SEEK_SET};
    return simfs_calls.lock(descriptor, command, range);
}

START_TEST(a_lock_excludes_another_description_of_the_same_process)
{
    struct flock range;

    ck_assert_int_eq(lock(create_file("f"), F_OFD_SETLK, F_WRLCK, &range), 0);
    assert_errno(lock(open_file("f", O_RDWR), F_OFD_SETLK, F_WRLCK, &range), EAGAIN);
}
END_TEST

START_TEST(a_query_finds_the_lock_of_another_description_only)
{
    int file = create_file("f");
    struct flock range;

    ck_assert_int_eq(lock(file, F_OFD_SETLK, F_WRLCK, &range), 0);
    ck_assert_int_eq(lock(file, F_OFD_GETLK, F_WRLCK, &range), 0);
    ck_assert_int_eq(range.l_type, F_UNLCK);
    ck_assert_int_eq(lock(open_file("f", O_RDONLY), F_OFD_GETLK, F_WRLCK, &range), 0);
    ck_assert_int_eq(range.l_type, F_WRLCK);
}
END_TEST

START_TEST(closing_gives_up_the_lock)
{
    int file = create_file("f");
    struct flock range;

    ck_assert_int_eq(lock(file, F_OFD_SETLK, F_WRLCK, &range), 0);
    close_file(file);
    ck_assert_int_eq(lock(open_file("f", O_RDWR), F_OFD_SETLK, F_WRLCK, &range), 0);
}
END_TEST

START_TEST(closing_another_description_keeps_the_lock)
{
    struct flock range;

    ck_assert_int_eq(lock(create_file("f"), F_OFD_SETLK, F_WRLCK, &range), 0);
    close_file(open_file("f", O_RDWR));
    assert_errno(lock(open_file("f", O_RDWR), F_OFD_SETLK, F_WRLCK, &range), EAGAIN);
}
END_TEST

START_TEST(a_lock_can_be_held_by_another_process)
{
    struct flock range;

    create_file("f");
    simfs_set_held(fs, "f", SIMFS_HELD);
    assert_errno(lock(open_file("f", O_RDWR), F_OFD_SETLK, F_WRLCK, &range), EAGAIN);
    simfs_set_held(fs, "f", SIMFS_NOT_HELD);
    ck_assert_int_eq(lock(open_file("f", O_RDWR), F_OFD_SETLK, F_WRLCK, &range), 0);
}
END_TEST

START_TEST(a_killed_process_gives_up_its_locks)
{
    struct flock range;

    ck_assert_int_eq(lock(create_file("f"), F_OFD_SETLK, F_WRLCK, &range), 0);
    simfs_kill(fs);
    simfs_restart(fs);
    ck_assert_int_eq(lock(open_file("f", O_RDWR), F_OFD_SETLK, F_WRLCK, &range), 0);
}
END_TEST

/* ----------------------------------------------------------------- processes */

START_TEST(the_calls_of_a_dead_process_change_nothing)
{
    int file = create_file("f");
    size_t op_count = simfs_op_count(fs);

    simfs_kill(fs);
    assert_errno(simfs_calls.write_at(file, "a", 1, 0), EBADF);
    assert_errno(simfs_calls.remove_at(AT_FDCWD, "f"), EBADF);
    ck_assert_uint_eq(simfs_op_count(fs), op_count);
}
END_TEST

START_TEST(the_next_process_has_another_id_and_the_same_boot)
{
    uint64_t process_id = simfs_calls.process_id();
    char boot_id[SYSTEM_BOOT_ID_BYTES], boot_id_then[SYSTEM_BOOT_ID_BYTES];

    simfs_calls.boot_id(boot_id);
    simfs_kill(fs);
    simfs_restart(fs);
    simfs_calls.boot_id(boot_id_then);
    ck_assert_uint_ne(simfs_calls.process_id(), process_id);
    ck_assert_str_eq(boot_id_then, boot_id);
}
END_TEST

START_TEST(a_power_cut_changes_the_boot_id)
{
    char boot_id[SYSTEM_BOOT_ID_BYTES], boot_id_then[SYSTEM_BOOT_ID_BYTES];

    simfs_calls.boot_id(boot_id);
    use_image_after_power_cut();
    simfs_calls.boot_id(boot_id_then);
    ck_assert_str_ne(boot_id_then, boot_id);
}
END_TEST

START_TEST(random_bytes_repeat_with_the_seed)
{
    unsigned char first[8], second[8];
    struct simfs *twin = simfs_new(1);

    simfs_calls.random_bytes(first, sizeof first);
    simfs_use(twin);
    simfs_calls.random_bytes(second, sizeof second);
    simfs_free(twin);
    ck_assert_mem_eq(first, second, sizeof first);
}
END_TEST

START_TEST(an_image_has_random_bytes_of_its_own)
{
    unsigned char first[8], second[8];

    simfs_image_after_kill(image, fs);
    simfs_calls.random_bytes(first, sizeof first);
    simfs_use(image);
    simfs_calls.random_bytes(second, sizeof second);
    ck_assert_mem_ne(first, second, sizeof first);
}
END_TEST

/* ------------------------------------------------------- page cache and device */

START_TEST(a_kill_keeps_the_cache)
{
    write_sectors(create_file("f"), 0, 2, 'a');
    use_image_after_kill();
    ck_assert_str_eq(letters("f"), "aa");
}
END_TEST

START_TEST(a_power_cut_can_lose_whatever_was_not_flushed)
{
    int file = make_durable_file("f", 2, 'a');

    write_sectors(file, 0, 3, 'b');
    use_image_after_power_cut();
    ck_assert_str_eq(letters("f"), "aa");
}
END_TEST

START_TEST(a_power_cut_can_keep_whatever_was_written)
{
    int file = make_durable_file("f", 2, 'a');

    write_sectors(file, 0, 3, 'b');
    set_all_versions(1);
    use_image_after_power_cut();
    ck_assert_str_eq(letters("f"), "bbb");
}
END_TEST

START_TEST(a_power_cut_can_keep_any_sector_without_the_others)
{
    int file = make_durable_file("f", 3, 'a');

    write_sectors(file, 0, 3, 'b');
    version[unit_of(SIMFS_UNIT_SECTOR, 1)] = 1;
    use_image_after_power_cut();
    ck_assert_str_eq(letters("f"), "aba");
}
END_TEST

START_TEST(a_sector_written_twice_can_be_on_the_device_in_either_version)
{
    int file = make_durable_file("f", 1, 'a');

    write_sectors(file, 0, 1, 'b');
    write_sectors(file, 0, 1, 'c');
    ck_assert_uint_eq(units_in_flight(), 1);
    ck_assert_uint_eq(unit[0].version_count, 3);
    version[0] = 1;
    use_image_after_power_cut();
    ck_assert_str_eq(letters("f"), "b");
}
END_TEST

START_TEST(a_flushed_file_has_nothing_in_flight)
{
    int file = make_durable_file("f", 2, 'a');

    write_sectors(file, 0, 3, 'b');
    ck_assert_int_eq(simfs_calls.flush(file), 0);
    ck_assert_uint_eq(units_in_flight(), 0);
    use_image_after_power_cut();
    ck_assert_str_eq(letters("f"), "bbb");
}
END_TEST

START_TEST(a_size_can_reach_the_device_without_its_data)
{
    int file = make_durable_file("f", 1, 'a');

    write_sectors(file, 1, 1, 'b');
    version[unit_of(SIMFS_UNIT_SIZE, 0)] = 1;
    use_image_after_power_cut();
    ck_assert_str_eq(letters("f"), "a0");
}
END_TEST

START_TEST(data_can_reach_the_device_without_its_size)
{
    int file = make_durable_file("f", 1, 'a');

    write_sectors(file, 1, 1, 'b');
    version[unit_of(SIMFS_UNIT_SECTOR, 1)] = 1;
    use_image_after_power_cut();
    ck_assert_str_eq(letters("f"), "a");
}
END_TEST

START_TEST(a_truncation_can_be_lost)
{
    int file = make_durable_file("f", 2, 'a');

    ck_assert_int_eq(simfs_calls.truncate(file, SECTOR), 0);
    use_image_after_power_cut();
    ck_assert_str_eq(letters("f"), "aa");
}
END_TEST

START_TEST(a_replaced_file_that_no_name_can_reach_is_not_in_flight)
{
    int file = make_durable_file("f", 1, 'a');

    write_sectors(file, 0, 1, 'b');
    ck_assert_int_eq(simfs_calls.remove_at(AT_FDCWD, "f"), 0);
    ck_assert_uint_eq(units_in_flight(), 2);
    flush_root();
    ck_assert_uint_eq(units_in_flight(), 0);
}
END_TEST

START_TEST(memory_of_the_cache_is_gone_after_a_power_cut)
{
    int file = make_durable_file("f", 1, 'a');

    write_sectors(file, 0, 1, 'b');
    version[0] = 1;
    use_image_after_power_cut();
    ck_assert_uint_eq(simfs_units_in_flight(image, unit, UNIT_COUNT_MAX), 0);
}
END_TEST

START_TEST(what_was_in_flight_at_a_kill_still_is_for_the_next_process)
{
    int file = make_durable_file("f", 1, 'a');
    struct simfs *second = simfs_new(3);

    write_sectors(file, 0, 1, 'b');
    use_image_after_kill();
    ck_assert_uint_eq(simfs_units_in_flight(image, unit, UNIT_COUNT_MAX), 1);
    simfs_image_after_power_cut(second, image, unit, version, 1);
    simfs_use(second);
    ck_assert_str_eq(letters("f"), "a");
    simfs_free(second);
}
END_TEST

START_TEST(the_next_process_can_flush_what_the_killed_one_wrote)
{
    int file = make_durable_file("f", 1, 'a');

    write_sectors(file, 0, 1, 'b');
    use_image_after_kill();
    ck_assert_int_eq(simfs_calls.flush(open_file("f", O_RDONLY)), 0);
    ck_assert_uint_eq(simfs_units_in_flight(image, unit, UNIT_COUNT_MAX), 0);
}
END_TEST

START_TEST(an_image_changes_without_its_source)
{
    make_durable_file("f", 2, 'a');
    use_image_after_kill();
    write_sectors(open_file("f", O_RDWR), 1, 1, 'b');
    ck_assert_int_eq(simfs_calls.remove_at(AT_FDCWD, "g") + simfs_calls.link_at(AT_FDCWD, "f", "g"), -1);
    simfs_use(fs);
    ck_assert_str_eq(letters("f"), "aa");
    ck_assert_str_eq(letters("g"), "-");
}
END_TEST

/* ------------------------------------------------------------------ O_DIRECT */

START_TEST(a_direct_read_sees_what_was_written)
{
    write_sectors(create_file("f"), 0, 2, 'a');
    ck_assert_str_eq(letters_past_cache("f"), "aa");
}
END_TEST

START_TEST(a_direct_read_makes_nothing_durable)
{
    int file = make_durable_file("f", 1, 'a');

    write_sectors(file, 0, 1, 'b');
    ck_assert_str_eq(letters_past_cache("f"), "b");
    use_image_after_power_cut();
    ck_assert_str_eq(letters("f"), "a");
}
END_TEST

START_TEST(a_flush_makes_durable_what_a_direct_read_wrote_back)
{
    int file = make_durable_file("f", 1, 'a');

    write_sectors(file, 0, 1, 'b');
    ck_assert_str_eq(letters_past_cache("f"), "b");
    ck_assert_int_eq(simfs_calls.flush(file), 0);
    use_image_after_power_cut();
    ck_assert_str_eq(letters("f"), "b");
}
END_TEST

START_TEST(a_direct_read_must_be_aligned)
{
    int file = make_durable_file("f", 8, 'a');

    close_file(file);
    assert_errno(simfs_calls.read_at(open_file("f", O_RDONLY | O_DIRECT), bytes, SECTOR, 0), EINVAL);
}
END_TEST

START_TEST(direct_access_can_be_switched_off)
{
    create_file("f");
    simfs_set_direct(fs, SIMFS_DIRECT_NO);
    assert_errno(simfs_calls.open_at(AT_FDCWD, "f", O_RDONLY | O_DIRECT, 0), EINVAL);
}
END_TEST

/* ------------------------------------------------------------- failing flushes */

START_TEST(after_a_failed_flush_the_cache_has_the_new_bytes_and_the_device_the_old)
{
    int file = make_durable_file("f", 2, 'a');

    write_sectors(file, 0, 2, 'b');
    fail_flush(file, SIMFS_SURVIVE_NONE);
    ck_assert_str_eq(letters("f"), "bb");
    ck_assert_str_eq(letters_past_cache("f"), "aa");
}
END_TEST

START_TEST(a_flush_after_a_failed_one_succeeds_and_does_nothing)
{
    int file = make_durable_file("f", 2, 'a');

    write_sectors(file, 0, 2, 'b');
    fail_flush(file, SIMFS_SURVIVE_NONE);
    ck_assert_int_eq(simfs_calls.flush(file), 0);
    use_image_after_power_cut();
    ck_assert_str_eq(letters("f"), "aa");
}
END_TEST

START_TEST(the_next_process_does_not_learn_of_a_failed_flush_from_a_flush)
{
    int file = make_durable_file("f", 2, 'a');

    write_sectors(file, 0, 2, 'b');
    fail_flush(file, SIMFS_SURVIVE_NONE);
    use_image_after_kill();
    ck_assert_int_eq(simfs_calls.flush(open_file("f", O_RDONLY)), 0);
    ck_assert_str_eq(letters("f"), "bb");
    ck_assert_str_eq(letters_past_cache("f"), "aa");
}
END_TEST

START_TEST(a_failed_flush_can_have_written_everything)
{
    int file = make_durable_file("f", 2, 'a');

    write_sectors(file, 0, 2, 'b');
    fail_flush(file, SIMFS_SURVIVE_ALL);
    use_image_after_power_cut();
    ck_assert_str_eq(letters("f"), "bb");
}
END_TEST

START_TEST(a_failed_flush_can_have_written_some_sectors)
{
    int file = make_durable_file("f", 16, 'a');
    const char *on_device;

    write_sectors(file, 0, 16, 'b');
    fail_flush(file, SIMFS_SURVIVE_SOME);
    on_device = letters_past_cache("f");
    ck_assert_ptr_nonnull(strchr(on_device, 'a'));
    ck_assert_ptr_nonnull(strchr(on_device, 'b'));
}
END_TEST

START_TEST(writing_again_after_a_failed_flush_makes_a_sector_dirty_again)
{
    int file = make_durable_file("f", 2, 'a');

    write_sectors(file, 0, 2, 'b');
    fail_flush(file, SIMFS_SURVIVE_NONE);
    write_sectors(file, 1, 1, 'c');
    ck_assert_int_eq(simfs_calls.flush(file), 0);
    ck_assert_str_eq(letters_past_cache("f"), "ac");
}
END_TEST

START_TEST(eviction_shows_what_a_failed_flush_lost)
{
    int file = make_durable_file("f", 2, 'a');

    write_sectors(file, 0, 2, 'b');
    fail_flush(file, SIMFS_SURVIVE_NONE);
    write_sectors(file, 1, 1, 'c');
    simfs_evict(fs, SIMFS_SURVIVE_NONE);
    ck_assert_str_eq(letters("f"), "ac");
}
END_TEST

START_TEST(eviction_can_leave_some_sectors_in_the_cache)
{
    int file = make_durable_file("f", 16, 'a');

    write_sectors(file, 0, 16, 'b');
    fail_flush(file, SIMFS_SURVIVE_NONE);
    simfs_evict(fs, SIMFS_SURVIVE_SOME);
    ck_assert_ptr_nonnull(strchr(letters("f"), 'a'));
    ck_assert_ptr_nonnull(strchr(letters("f"), 'b'));
}
END_TEST

START_TEST(a_failed_flush_of_a_directory_forgets_nothing)
{
    int root = open_file("/", O_RDONLY);

    create_file("f");
    fail_flush(root, SIMFS_SURVIVE_NONE);
    ck_assert_uint_eq(units_in_flight(), 1);
    ck_assert_int_eq(simfs_calls.flush(root), 0);
    ck_assert_uint_eq(units_in_flight(), 0);
}
END_TEST

/* --------------------------------------------------------------------- names */

START_TEST(flushing_a_file_does_not_make_its_name_durable)
{
    int file = create_file("f");

    write_sectors(file, 0, 1, 'a');
    ck_assert_int_eq(simfs_calls.flush(file), 0);
    use_image_after_power_cut();
    ck_assert_str_eq(letters("f"), "-");
}
END_TEST

START_TEST(flushing_a_directory_does_not_make_its_files_durable)
{
    write_sectors(create_file("f"), 0, 1, 'a');
    flush_root();
    use_image_after_power_cut();
    ck_assert_str_eq(letters("f"), "");
}
END_TEST

START_TEST(a_rename_that_is_lost_leaves_the_old_file_under_the_name)
{
    make_durable_file("f", 1, 'f');
    make_durable_file("g", 1, 'g');
    ck_assert_int_eq(simfs_calls.rename_at(AT_FDCWD, "f", "g"), 0);
    use_image_after_power_cut();
    ck_assert_str_eq(letters("g"), "g");
    ck_assert_str_eq(letters("f"), "f");
}
END_TEST

START_TEST(a_rename_that_is_kept_is_kept_whole)
{
    make_durable_file("f", 1, 'f');
    make_durable_file("g", 1, 'g');
    ck_assert_int_eq(simfs_calls.rename_at(AT_FDCWD, "f", "g"), 0);
    version[0] = 1;
    use_image_after_power_cut();
    ck_assert_str_eq(letters("g"), "f");
    ck_assert_str_eq(letters("f"), "-");
}
END_TEST

START_TEST(a_later_name_can_be_durable_before_an_earlier_one)
{
    create_file("f");
    create_file("g");
    version[unit_of(SIMFS_UNIT_NAME, 1)] = 1;
    use_image_after_power_cut();
    ck_assert_str_eq(letters("f"), "-");
    ck_assert_str_eq(letters("g"), "");
}
END_TEST

START_TEST(a_removal_can_be_lost)
{
    make_durable_file("f", 1, 'f');
    ck_assert_int_eq(simfs_calls.remove_at(AT_FDCWD, "f"), 0);
    use_image_after_power_cut();
    ck_assert_str_eq(letters("f"), "f");
}
END_TEST

START_TEST(a_directory_flush_orders_names)
{
    create_file("f");
    flush_root();
    create_file("g");
    ck_assert_uint_eq(units_in_flight(), 1);
    use_image_after_power_cut();
    ck_assert_str_eq(letters("f"), "");
    ck_assert_str_eq(letters("g"), "-");
}
END_TEST

START_TEST(links_are_counted_anew_after_a_power_cut)
{
    struct stat status;

    make_durable_file("f", 1, 'f');
    ck_assert_int_eq(simfs_calls.link_at(AT_FDCWD, "f", "g"), 0);
    use_image_after_power_cut();
    ck_assert_int_eq(simfs_calls.status_at(AT_FDCWD, "f", &status), 0);
    ck_assert_uint_eq(status.st_nlink, 1);
}
END_TEST

START_TEST(a_new_directory_that_was_not_flushed_can_be_lost_with_its_files)
{
    int directory;

    ck_assert_int_eq(simfs_calls.make_directory("d", 0700), 0);
    create_file("d/f");
    directory = open_file("d", O_RDONLY);
    ck_assert_int_eq(simfs_calls.flush(directory), 0);
    use_image_after_power_cut();
    assert_errno(simfs_calls.open_at(AT_FDCWD, "d", O_RDONLY, 0), ENOENT);
}
END_TEST

/* ------------------------------------------------------------------ recorder */

START_TEST(replaying_the_log_gives_the_same_file_system)
{
    struct simfs *replica = simfs_new(1);
    int file = make_durable_file("f", 3, 'a');

    write_sectors(file, 1, 4, 'b');
    fail_flush(file, SIMFS_SURVIVE_SOME);
    ck_assert_int_eq(simfs_calls.truncate(file, 4 * SECTOR), 0);
    ck_assert_int_eq(simfs_calls.rename_at(AT_FDCWD, "f", "g"), 0);
    simfs_damage(fs, "g", 10, 1);
    for (size_t i = 0; i < simfs_op_count(fs); i++)
        simfs_replay(replica, simfs_op_at(fs, i));
    ck_assert_uint_eq(simfs_fingerprint(replica), simfs_fingerprint(fs));
    ck_assert_uint_eq(simfs_units_in_flight(replica, unit, UNIT_COUNT_MAX), units_in_flight());
    simfs_free(replica);
}
END_TEST

START_TEST(a_write_can_be_cut_at_a_sector)
{
    struct simfs *replica = simfs_new(1);

    write_sectors(create_file("f"), 0, 3, 'a');
    simfs_replay(replica, simfs_op_at(fs, 0));
    simfs_replay_part(replica, simfs_op_at(fs, 1), SECTOR);
    simfs_use(replica);
    ck_assert_str_eq(letters("f"), "a");
    simfs_free(replica);
}
END_TEST

START_TEST(reading_is_not_logged)
{
    size_t op_count;

    make_durable_file("f", 1, 'a');
    op_count = simfs_op_count(fs);
    ck_assert_str_eq(letters("f"), "a");
    ck_assert_uint_eq(simfs_op_count(fs), op_count);
}
END_TEST

START_TEST(a_mark_is_found_in_the_log)
{
    simfs_mark(fs, 7, 8);
    ck_assert_int_eq(simfs_op_at(fs, 0)->kind, SIMFS_MARK);
    ck_assert_int_eq(simfs_op_at(fs, 0)->mark, 7);
    ck_assert_uint_eq(simfs_op_at(fs, 0)->value, 8);
}
END_TEST

START_TEST(an_image_has_a_log_of_its_own)
{
    create_file("f");
    use_image_after_kill();
    ck_assert_uint_eq(simfs_op_count(image), 0);
    create_file("g");
    ck_assert_uint_eq(simfs_op_count(image), 1);
}
END_TEST

START_TEST(fingerprints_tell_contents_apart)
{
    int file = make_durable_file("f", 1, 'a');
    uint64_t fingerprint = simfs_fingerprint(fs);

    write_sectors(file, 0, 1, 'b');
    ck_assert_uint_ne(simfs_fingerprint(fs), fingerprint);
    write_sectors(file, 0, 1, 'a');
    ck_assert_uint_eq(simfs_fingerprint(fs), fingerprint);
}
END_TEST

START_TEST(fingerprints_tell_apart_what_only_a_direct_read_sees)
{
    int file = make_durable_file("f", 1, 'a');
    uint64_t fingerprint;

    write_sectors(file, 0, 1, 'b');
    fingerprint = simfs_fingerprint(fs);
    fail_flush(file, SIMFS_SURVIVE_NONE);
    ck_assert_uint_ne(simfs_fingerprint(fs), fingerprint);
}
END_TEST

/* ------------------------------------------------------- faults, damage, lies */

START_TEST(a_fault_strikes_after_as_many_calls_as_it_skips)
{
    int file = create_file("f");

    simfs_set_fault(fs,
                    &(struct simfs_fault){.call = SIMFS_CALL_WRITE, .skip_count = 1, .fail_count = 1, .error = ENOSPC});
    ck_assert_int_eq(simfs_calls.write_at(file, "a", 1, 0), 1);
    assert_errno(simfs_calls.write_at(file, "a", 1, 0), ENOSPC);
    ck_assert_int_eq(simfs_calls.write_at(file, "a", 1, 0), 1);
}
END_TEST

START_TEST(a_fault_strikes_only_names_that_begin_so)
{
    int f = create_file("f"), g = create_file("g");

    simfs_set_fault(
        fs, &(struct simfs_fault){.call = SIMFS_CALL_WRITE, .name_prefix = "g", .fail_count = 1, .error = ENOSPC});
    ck_assert_int_eq(simfs_calls.write_at(f, "a", 1, 0), 1);
    assert_errno(simfs_calls.write_at(g, "a", 1, 0), ENOSPC);
}
END_TEST

START_TEST(a_failing_write_can_be_short_first)
{
    int file = create_file("f");

    simfs_set_fault(
        fs, &(struct simfs_fault){.call = SIMFS_CALL_WRITE, .fail_count = 1, .error = ENOSPC, .bytes_done = SECTOR});
    memset(bytes, 'a', 2 * SECTOR);
    ck_assert_int_eq(simfs_calls.write_at(file, bytes, 2 * SECTOR, 0), SECTOR);
    assert_errno(simfs_calls.write_at(file, bytes, SECTOR, SECTOR), ENOSPC);
    ck_assert_str_eq(letters("f"), "a");
}
END_TEST

START_TEST(a_failed_name_operation_changes_nothing)
{
    create_file("f");
    fail_next(SIMFS_CALL_RENAME, EIO);
    assert_errno(simfs_calls.rename_at(AT_FDCWD, "f", "g"), EIO);
    ck_assert_str_eq(letters("f"), "");
}
END_TEST

START_TEST(an_image_has_no_faults)
{
    fail_next(SIMFS_CALL_OPEN, EIO);
    use_image_after_kill();
    create_file("f");
}
END_TEST

START_TEST(damage_reaches_every_layer)
{
    make_durable_file("f", 2, 'a');
    simfs_damage(fs, "f", SECTOR, 1);
    ck_assert_str_ne(letters("f"), "aa");
    ck_assert_str_ne(letters_past_cache("f"), "aa");
    use_image_after_power_cut();
    ck_assert_str_ne(letters("f"), "aa");
}
END_TEST

START_TEST(the_lie_about_direct_reads_shows_the_cache)
{
    int file = make_durable_file("f", 1, 'a');

    simfs_set_lies(fs, SIMFS_LIE_DIRECT_READS_SEE_CACHE, NULL);
    write_sectors(file, 0, 1, 'b');
    fail_flush(file, SIMFS_SURVIVE_NONE);
    ck_assert_str_eq(letters_past_cache("f"), "b");
}
END_TEST

START_TEST(the_lie_about_file_flushes_leaves_them_in_flight)
{
    int file = create_file("f");

    flush_root();
    simfs_set_lies(fs, SIMFS_LIE_FILE_FLUSHES, "f");
    write_sectors(file, 0, 1, 'a');
    ck_assert_int_eq(simfs_calls.flush(file), 0);
    ck_assert_uint_eq(units_in_flight(), 2);
}
END_TEST

START_TEST(the_lie_about_directory_flushes_leaves_names_in_flight)
{
    create_file("f");
    simfs_set_lies(fs, SIMFS_LIE_DIRECTORY_FLUSHES, NULL);
    flush_root();
    ck_assert_uint_eq(units_in_flight(), 1);
}
END_TEST

START_TEST(the_names_in_a_directory_can_be_listed)
{
    ck_assert_int_eq(simfs_calls.make_directory("d", 0700), 0);
    create_file("d/f");
    ck_assert_str_eq(simfs_name_at(fs, "d", 0), "f");
    ck_assert_ptr_null(simfs_name_at(fs, "d", 1));
}
END_TEST

/* ------------------------------------------------------------------- program */

static TCase *add_tests(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, setup, teardown);
    suite_add_tcase(suite, tests);
    return tests;
}

static void add_posix_tests(TCase *tests)
{
    tcase_add_test(tests, what_was_written_is_read);
    tcase_add_test(tests, a_write_inside_a_sector_keeps_the_rest);
    tcase_add_test(tests, a_read_ends_where_the_file_does);
    tcase_add_test(tests, a_hole_reads_as_zeros);
    tcase_add_test(tests, allocation_makes_a_file_longer_but_never_shorter);
    tcase_add_test(tests, what_a_truncation_cut_off_does_not_come_back);
    tcase_add_test(tests, opening_a_missing_file_fails);
    tcase_add_test(tests, exclusive_creation_fails_where_a_file_is);
    tcase_add_test(tests, a_directory_cannot_be_opened_for_writing);
    tcase_add_test(tests, a_file_is_no_directory);
    tcase_add_test(tests, paths_lead_through_directories);
    tcase_add_test(tests, a_directory_needs_its_parent);
    tcase_add_test(tests, a_directory_that_holds_a_file_cannot_be_removed);
    tcase_add_test(tests, a_link_is_the_same_file);
    tcase_add_test(tests, a_link_replaces_nothing);
    tcase_add_test(tests, a_rename_replaces);
    tcase_add_test(tests, a_removed_file_lives_while_it_is_open);
    tcase_add_test(tests, a_read_only_descriptor_writes_nothing);
    tcase_add_test(tests, a_closed_descriptor_is_bad);
}

static void add_lock_tests(TCase *tests)
{
    tcase_add_test(tests, a_lock_excludes_another_description_of_the_same_process);
    tcase_add_test(tests, a_query_finds_the_lock_of_another_description_only);
    tcase_add_test(tests, closing_gives_up_the_lock);
    tcase_add_test(tests, closing_another_description_keeps_the_lock);
    tcase_add_test(tests, a_lock_can_be_held_by_another_process);
    tcase_add_test(tests, a_killed_process_gives_up_its_locks);
}

static void add_process_tests(TCase *tests)
{
    tcase_add_test(tests, the_calls_of_a_dead_process_change_nothing);
    tcase_add_test(tests, the_next_process_has_another_id_and_the_same_boot);
    tcase_add_test(tests, a_power_cut_changes_the_boot_id);
    tcase_add_test(tests, random_bytes_repeat_with_the_seed);
    tcase_add_test(tests, an_image_has_random_bytes_of_its_own);
}

static void add_layer_tests(TCase *tests)
{
    tcase_add_test(tests, a_kill_keeps_the_cache);
    tcase_add_test(tests, a_power_cut_can_lose_whatever_was_not_flushed);
    tcase_add_test(tests, a_power_cut_can_keep_whatever_was_written);
    tcase_add_test(tests, a_power_cut_can_keep_any_sector_without_the_others);
    tcase_add_test(tests, a_sector_written_twice_can_be_on_the_device_in_either_version);
    tcase_add_test(tests, a_flushed_file_has_nothing_in_flight);
    tcase_add_test(tests, a_size_can_reach_the_device_without_its_data);
    tcase_add_test(tests, data_can_reach_the_device_without_its_size);
    tcase_add_test(tests, a_truncation_can_be_lost);
    tcase_add_test(tests, a_replaced_file_that_no_name_can_reach_is_not_in_flight);
    tcase_add_test(tests, memory_of_the_cache_is_gone_after_a_power_cut);
    tcase_add_test(tests, what_was_in_flight_at_a_kill_still_is_for_the_next_process);
    tcase_add_test(tests, the_next_process_can_flush_what_the_killed_one_wrote);
    tcase_add_test(tests, an_image_changes_without_its_source);
}

static void add_direct_tests(TCase *tests)
{
    tcase_add_test(tests, a_direct_read_sees_what_was_written);
    tcase_add_test(tests, a_direct_read_makes_nothing_durable);
    tcase_add_test(tests, a_flush_makes_durable_what_a_direct_read_wrote_back);
    tcase_add_test(tests, a_direct_read_must_be_aligned);
    tcase_add_test(tests, direct_access_can_be_switched_off);
}

static void add_failing_flush_tests(TCase *tests)
{
    tcase_add_test(tests, after_a_failed_flush_the_cache_has_the_new_bytes_and_the_device_the_old);
    tcase_add_test(tests, a_flush_after_a_failed_one_succeeds_and_does_nothing);
    tcase_add_test(tests, the_next_process_does_not_learn_of_a_failed_flush_from_a_flush);
    tcase_add_test(tests, a_failed_flush_can_have_written_everything);
    tcase_add_test(tests, a_failed_flush_can_have_written_some_sectors);
    tcase_add_test(tests, writing_again_after_a_failed_flush_makes_a_sector_dirty_again);
    tcase_add_test(tests, eviction_shows_what_a_failed_flush_lost);
    tcase_add_test(tests, eviction_can_leave_some_sectors_in_the_cache);
    tcase_add_test(tests, a_failed_flush_of_a_directory_forgets_nothing);
}

static void add_name_tests(TCase *tests)
{
    tcase_add_test(tests, flushing_a_file_does_not_make_its_name_durable);
    tcase_add_test(tests, flushing_a_directory_does_not_make_its_files_durable);
    tcase_add_test(tests, a_rename_that_is_lost_leaves_the_old_file_under_the_name);
    tcase_add_test(tests, a_rename_that_is_kept_is_kept_whole);
    tcase_add_test(tests, a_later_name_can_be_durable_before_an_earlier_one);
    tcase_add_test(tests, a_removal_can_be_lost);
    tcase_add_test(tests, a_directory_flush_orders_names);
    tcase_add_test(tests, links_are_counted_anew_after_a_power_cut);
    tcase_add_test(tests, a_new_directory_that_was_not_flushed_can_be_lost_with_its_files);
}

static void add_recorder_tests(TCase *tests)
{
    tcase_add_test(tests, replaying_the_log_gives_the_same_file_system);
    tcase_add_test(tests, a_write_can_be_cut_at_a_sector);
    tcase_add_test(tests, reading_is_not_logged);
    tcase_add_test(tests, a_mark_is_found_in_the_log);
    tcase_add_test(tests, an_image_has_a_log_of_its_own);
    tcase_add_test(tests, fingerprints_tell_contents_apart);
    tcase_add_test(tests, fingerprints_tell_apart_what_only_a_direct_read_sees);
}

static void add_fault_tests(TCase *tests)
{
    tcase_add_test(tests, a_fault_strikes_after_as_many_calls_as_it_skips);
    tcase_add_test(tests, a_fault_strikes_only_names_that_begin_so);
    tcase_add_test(tests, a_failing_write_can_be_short_first);
    tcase_add_test(tests, a_failed_name_operation_changes_nothing);
    tcase_add_test(tests, an_image_has_no_faults);
    tcase_add_test(tests, damage_reaches_every_layer);
    tcase_add_test(tests, the_lie_about_direct_reads_shows_the_cache);
    tcase_add_test(tests, the_lie_about_file_flushes_leaves_them_in_flight);
    tcase_add_test(tests, the_lie_about_directory_flushes_leaves_names_in_flight);
    tcase_add_test(tests, the_names_in_a_directory_can_be_listed);
}

int main(void)
{
    Suite *suite = suite_create("simfs");

    add_posix_tests(add_tests(suite, "POSIX"));
    add_lock_tests(add_tests(suite, "locks"));
    add_process_tests(add_tests(suite, "processes"));
    add_layer_tests(add_tests(suite, "layers"));
    add_direct_tests(add_tests(suite, "O_DIRECT"));
    add_failing_flush_tests(add_tests(suite, "failing flushes"));
    add_name_tests(add_tests(suite, "names"));
    add_recorder_tests(add_tests(suite, "recorder"));
    add_fault_tests(add_tests(suite, "faults"));
    return suite_run(suite);
}
