/* SPDX-License-Identifier: MIT */
/*
 * test_environment: too little room, no right to write, a directory that goes away, and things under our names that are
 * no files of ours. Whatever happens: each call says how it went; what a restore gives is the state acknowledged last,
 * or an older one and said to be (H5CKPT_FELL_BACK); what is not ours is as it was; and where the trouble is over, the
 * same handle saves again.
 *
 * File systems are mounted in a name space of each test's own. Where that is not permitted these tests are left out,
 * and that is said.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/system.h"
#include "support/assert_h5ckpt.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/form.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum {
    MODES = H5CKPT_SAVE_FORKED + 1,
    PAGE_BYTES = 4096,
    SIZES = 200, /* pages, or inodes, or a limit in pages: up to twice what is needed; a test asserts that */
    INODES = 16,
    PLENTY_BYTES = 16 << 20,
    NOBODY = 65534,
};

static struct standard standard;
static unsigned mounts; /* over the backup directory */

static void setup(void)
{
    fixture_setup();
    standard_make(&standard);
    mounts = 0;
    ck_assert_int_eq(mkdir(fixture_backup, 0700), 0);
}

static void unmount(void)
{
    ck_assert_int_eq(umount2(fixture_backup, MNT_DETACH), 0);
    mounts--;
}

static void teardown(void)
{
    while (mounts > 0)
        unmount();
    standard_free(&standard);
    system_calls = &system_kernel;
    fixture_teardown();
}

/* ------------------------------------------------------------------------ mounts */

/* Why this process may not mount; "" if it may. */
static const char *mounting_refused(void)
{
    static char reason[128];
    int status;
    const pid_t process = fork();

    if (process == 0) {
        if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount("none", "/tmp", "tmpfs", 0, "size=64k") != 0)
            _exit(errno);
        _exit(0);
    }
    waitpid(process, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        snprintf(reason, sizeof reason, "%s", strerror(WEXITSTATUS(status)));
    return reason;
}

/* What is mounted from here on goes with this process, whatever comes. */
static void enter_name_space(void)
{
    ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
    ck_assert_int_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
}

static void mount_memory(const char *options)
{
    ck_assert_msg(mount("none", fixture_backup, "tmpfs", 0, options) == 0, "mount of a tmpfs with %s: %s", options,
                  strerror(errno));
    mounts++;
}

/* The backup directory over itself, so that it can be made read-only. */
static void mount_itself(void)
{
    ck_assert_int_eq(mount(fixture_backup, fixture_backup, NULL, MS_BIND, NULL), 0);
    mounts++;
}

static void remount(unsigned long flags)
{
    ck_assert_int_eq(mount("none", fixture_backup, NULL, MS_REMOUNT | MS_BIND | flags, NULL), 0);
}

/* ------------------------------------------------------------------------- stores */

static rlim_t file_limit = RLIM_INFINITY; /* in force within the library's calls only: libcheck writes files, too */

static void limit_files(rlim_t byte_count)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = byte_count;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static h5ckpt_status open_mode(h5ckpt_store **store, int mode)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.save_mode = (enum h5ckpt_save_mode)mode;
    limit_files(file_limit);
    const h5ckpt_status status = h5ckpt_open(store, fixture_backup, standard.state, &options);
    limit_files(RLIM_INFINITY);
    return status;
}

static h5ckpt_store *must_open_mode(int mode)
{
    h5ckpt_store *store;

    assert_status_message(open_mode(&store, mode), H5CKPT_OK, h5ckpt_message(store));
    return store;
}

/* Durable, or why not. */
static h5ckpt_status save(h5ckpt_store *store, uint64_t number)
{
    const struct h5ckpt_progress progress = standard_progress(number);

    standard_fill(&standard, number);
    limit_files(file_limit);
    h5ckpt_status status = h5ckpt_save(store, &progress);
    if (status == H5CKPT_OK)
        status = h5ckpt_wait(store);
    limit_files(RLIM_INFINITY);
    ck_assert_msg(status >= 0 || h5ckpt_message(store)[0] != '\0', "a save failed without a word");
    return status;
}

static h5ckpt_status keep(h5ckpt_store *store)
{
    limit_files(file_limit);
    const h5ckpt_status status = h5ckpt_keep(store, "kept");
    limit_files(RLIM_INFINITY);
    return status;
}

#define assert_save(store, number) assert_status_message(save(store, number), H5CKPT_OK, h5ckpt_message(store))

static h5ckpt_store *open_and_save_three(int mode)
{
    h5ckpt_store *store = must_open_mode(mode);

    for (uint64_t number = 1; number <= 3; number++)
        assert_save(store, number);
    return store;
}

/*
 * What a reader is given, which changes nothing and needs no right to; 0: that there is none. Of whichever structure.
 */
static void assert_gives_which(enum h5ckpt_which which, uint64_t number)
{
    static struct standard seen;
    struct h5ckpt_restore_options options = h5ckpt_restore_options_default();

    options.which = which;
    options.match = H5CKPT_INTERSECTION;
    standard_make(&seen);
    standard_spoil(&seen);
    h5ckpt_store *store = standard_open_reader(&seen);
    const h5ckpt_status status = h5ckpt_restore(store, &options, NULL);
    assert_status_message(status, number == 0 ? H5CKPT_NO_CHECKPOINT : H5CKPT_OK, h5ckpt_message(store));
    ck_assert_msg(number == 0 || standard_is(&seen, number), "restored state %" PRIu64 ", not %" PRIu64,
                  h5ckpt_progress(store).epoch, number);
    h5ckpt_close(store);
    standard_free(&seen);
}

static void assert_gives(uint64_t number)
{
    assert_gives_which(H5CKPT_CURRENT, number);
}

/* ---------------------------------------------------------------- too little room */

/* What there is too little of, and how there comes to be enough. */
struct scarcity {
    const char *format; /* of the mount's options; NULL: a limit of the process */
    unsigned long unit;
    const char *plenty;
};

static const struct scarcity SPACE = {"size=%lu", PAGE_BYTES, "size=16m"};
static const struct scarcity INODE = {"size=16m,nr_inodes=%lu", 1, "size=16m,nr_inodes=1000"};
static const struct scarcity FILE_SIZE = {NULL, PAGE_BYTES, NULL};

static void make_scarce(const struct scarcity *what, unsigned long count)
{
    char options[64];

    if (what->format == NULL) {
        file_limit = count * what->unit;
        return;
    }
    snprintf(options, sizeof options, what->format, count * what->unit);
    mount_memory(options);
}

static void make_plenty(const struct scarcity *what)
{
    if (what->format == NULL)
        file_limit = RLIM_INFINITY;
    else
        ck_assert_int_eq(mount("none", fixture_backup, "tmpfs", MS_REMOUNT, what->plenty), 0);
}

#define assert_done_or_no_room(status)                                                             \
    do {                                                                                           \
        const h5ckpt_status done_ = (status);                                                      \
        ck_assert_msg(done_ == H5CKPT_OK || done_ == H5CKPT_E_NO_SPACE, "%s gave %s: %s", #status, \
                      h5ckpt_status_name(done_), h5ckpt_message(store));                           \
    } while (0)

/*
 * Open (again, where there is room at last), save, keep, save on. The state that was acknowledged last is there at any
 * time.
 */
static void save_where_room_is_short(const struct scarcity *what, int mode)
{
    uint64_t newest = 0;
    h5ckpt_store *store;
    h5ckpt_status status = open_mode(&store, mode);

    assert_done_or_no_room(status);
    for (uint64_t number = 1; number <= 5 && status == H5CKPT_OK; number++) {
        const h5ckpt_status saved = save(store, number);
        assert_done_or_no_room(saved);
        if (saved == H5CKPT_OK)
            newest = number;
        assert_gives(newest);
        if (number == 3 && newest != 0)
            assert_done_or_no_room(keep(store));
    }
    make_plenty(what);
    if (status < 0) {
        h5ckpt_close(store);
        store = must_open_mode(mode);
    }
    for (uint64_t number = 6; number <= 7; number++)
        assert_save(store, number);
    h5ckpt_close(store);
    assert_gives(7);
    ck_assert_uint_eq(intact_count(), 2);
}

/* In every save mode where everything is tried, else in one after the other. */
static void try_scarcity(const struct scarcity *what, unsigned long count)
{
    const int modes = (int)form_count(1, 1, MODES);

    for (int i = 0; i < modes; i++) {
        const int mode = (int)((count + (unsigned)i) % MODES);
        make_scarce(what, count);
        save_where_room_is_short(what, mode);
        if (what->format != NULL)
            unmount();
        else
            fixture_clear_backup();
    }
}

START_TEST(on_a_file_system_of_any_size_a_save_works_or_says_that_there_is_no_room)
{
    enter_name_space();
    try_scarcity(&SPACE, 1 + (unsigned long)_i * form_count(15, 3, 1));
}
END_TEST

START_TEST(without_inodes_a_save_works_or_says_that_there_is_no_room)
{
    enter_name_space();
    try_scarcity(&INODE, 1 + (unsigned long)_i);
}
END_TEST

/* Its signal would end the process: here, in a thread, or in the child that saves. */
START_TEST(under_any_limit_of_file_size_a_save_works_or_says_that_there_is_no_room)
{
    try_scarcity(&FILE_SIZE, (unsigned long)_i * form_count(15, 5, 1));
}
END_TEST

/* Else the sizes tried above would not reach from nothing to twice the need. */
START_TEST(the_sizes_that_are_tried_reach_to_twice_the_need)
{
    struct h5ckpt_space space;
    h5ckpt_store *store = must_open_mode(H5CKPT_SAVE_SYNCHRONOUS);

    assert_status(h5ckpt_space(store, &space), H5CKPT_OK);
    h5ckpt_close(store);
    ck_assert_uint_ge((uint64_t)SIZES * PAGE_BYTES, 2 * (2 * space.slot_bytes + 2 * PAGE_BYTES));
}
END_TEST

/* _i: pages free beside the two slots, the lock and the view. A schema change writes new files. */
START_TEST(where_there_is_no_room_for_another_structure_the_state_before_stays)
{
    double added[3000] = {0};
    uint64_t newest = 3;
    h5ckpt_store *store;
    char filler[2 * PATH_BYTES];

    enter_name_space();
    mount_memory("size=2m");
    standard_history(2, 1, 3);
    snprintf(filler, sizeof filler, "%s/filler", fixture_backup);
    const int descriptor = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    char page[PAGE_BYTES] = {1};
    while (write(descriptor, page, sizeof page) > 0)
        ;
    const off_t end = lseek(descriptor, 0, SEEK_END);
    ck_assert_int_eq(ftruncate(descriptor, end > 2 * _i * PAGE_BYTES ? end - 2 * _i * PAGE_BYTES : 0), 0);
    close(descriptor);
    h5ckpt_add(standard.state, "added", H5CKPT_FLOAT64, 1, (const uint64_t[]){COUNT(added)}, added);
    store = must_open_mode(_i % MODES);
    struct h5ckpt_restore_options options = h5ckpt_restore_options_default();
    options.match = H5CKPT_INTERSECTION;
    assert_status(h5ckpt_restore(store, &options, NULL), H5CKPT_OK);
    for (uint64_t number = 4; number <= 6; number++) {
        const h5ckpt_status status = save(store, number);
        assert_done_or_no_room(status);
        newest = status == H5CKPT_OK ? number : newest;
        assert_status(h5ckpt_restore(store, &options, NULL), H5CKPT_OK);
        ck_assert(standard_is(&standard, newest));
    }
    file_remove(filler);
    assert_save(store, 7);
    h5ckpt_close(store);
    assert_gives(7);
}
END_TEST

/* ---------------------------------------------------------------- no right to write */

START_TEST(on_a_read_only_mount_readers_work_and_a_writer_is_told)
{
    struct h5ckpt_inspect_options all = h5ckpt_inspect_options_default();
    struct h5ckpt_report report;
    h5ckpt_store *store;

    enter_name_space();
    standard_history(2, 1, 3);
    mount_itself();
    remount(MS_RDONLY);
    snapshot_before();
    assert_status_message(open_mode(&store, _i), H5CKPT_E_PERMISSION, h5ckpt_message(store));
    assert_mentions(h5ckpt_message(store), "Read-only file system");
    h5ckpt_close(store);
    assert_gives(3);
    assert_gives_which(H5CKPT_PREVIOUS, 2);
    store = standard_open_reader(&standard);
    all.depth = H5CKPT_DEVICE;
    assert_status(h5ckpt_inspect(store, &all, &report), H5CKPT_OK);
    h5ckpt_close(store);
    assert_unchanged();
}
END_TEST

START_TEST(an_empty_read_only_mount_has_no_checkpoint_and_makes_none)
{
    h5ckpt_store *store;

    enter_name_space();
    mount_itself();
    remount(MS_RDONLY);
    assert_gives(0);
    assert_status_message(open_mode(&store, _i), H5CKPT_E_PERMISSION, h5ckpt_message(store));
    h5ckpt_close(store);
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 0);
}
END_TEST

/*
 * _i: save mode. As a file system that has found an error in itself (one that is asked to refuses while we hold files
 * of it).
 */
START_TEST(a_file_system_that_turns_read_only_fails_saves_until_it_is_writable_again)
{
    h5ckpt_store *store = open_and_save_three(_i);

    faults_set(
        (struct faults){.calls = FAULT_WRITE | FAULT_CREATE | FAULT_ALLOCATE | FAULT_LINK | FAULT_RENAME | FAULT_REMOVE,
                        .count = FAULTS_FOR_EVER,
                        .error = EROFS});
    for (uint64_t number = 4; number <= 5; number++) {
        assert_status_message(save(store, number), H5CKPT_E_PERMISSION, h5ckpt_message(store));
        assert_gives(3);
    }
    assert_status(h5ckpt_keep(store, "kept"), H5CKPT_E_PERMISSION);
    assert_status(h5ckpt_delete(store), H5CKPT_E_PERMISSION);
    assert_gives(3);
    system_calls = &system_kernel;
    for (uint64_t number = 6; number <= 8; number++)
        assert_save(store, number);
    h5ckpt_close(store);
    assert_gives(8);
    assert_gives_which(H5CKPT_PREVIOUS, 7);
}
END_TEST

static const char *const OWN_FILE[] = {"lock", "slot-a.h5", "slot-b.h5", "checkpoint.h5", "."};

static void set_read_only(const char *name, bool read_only)
{
    const bool directory = strcmp(name, ".") == 0;

    ck_assert_int_eq(chmod(in_backup(name), read_only ? (directory ? 0500 : 0400) : (directory ? 0700 : 0600)), 0);
}

/* As somebody who is not root, whose files they are. */
static void become_nobody(void)
{
    ck_assert_int_eq(chown(fixture_backup, NOBODY, NOBODY), 0);
    ck_assert_int_eq(seteuid(NOBODY), 0);
}

/* _i: which file. Between two lives. */
START_TEST(a_file_or_directory_made_read_only_is_a_matter_of_permission_and_nothing_is_rolled_back)
{
    uint64_t newest = 3;
    h5ckpt_store *store;

    become_nobody();
    standard_history(2, 1, 3);
    set_read_only(OWN_FILE[_i], true);
    assert_gives(3);
    h5ckpt_status status = open_mode(&store, H5CKPT_SAVE_SYNCHRONOUS);
    if (status == H5CKPT_OK)
        assert_status_message(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK, h5ckpt_message(store));
    for (uint64_t number = 4; number <= 5 && status == H5CKPT_OK; number++) {
        status = save(store, number);
        newest = status == H5CKPT_OK ? number : newest;
    }
    ck_assert_msg(status == H5CKPT_OK || status == H5CKPT_E_PERMISSION, "%s: %s", h5ckpt_status_name(status),
                  h5ckpt_message(store));
    assert_gives(newest);
    set_read_only(OWN_FILE[_i], false);
    h5ckpt_close(store);
    store = must_open_mode(H5CKPT_SAVE_SYNCHRONOUS);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    assert_save(store, 6);
    h5ckpt_close(store);
    assert_gives(6);
    ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

/* _i: which file, save mode. Under the open store. */
START_TEST(what_becomes_read_only_during_the_run_fails_saves_until_it_is_writable_again)
{
    const char *name = OWN_FILE[_i / MODES];
    uint64_t newest = 3;

    become_nobody();
    h5ckpt_store *store = must_open_mode(_i % MODES);
    for (uint64_t number = 1; number <= 3; number++)
        assert_save(store, number);
    set_read_only(name, true);
    for (uint64_t number = 4; number <= 6; number++) {
        const h5ckpt_status status = save(store, number);
        ck_assert_msg(status == H5CKPT_OK || status == H5CKPT_E_PERMISSION, "%s: %s", h5ckpt_status_name(status),
                      h5ckpt_message(store));
        newest = status == H5CKPT_OK ? number : newest;
        assert_gives(newest);
    }
    set_read_only(name, false);
    assert_save(store, 7);
    assert_save(store, 8);
    h5ckpt_close(store);
    assert_gives(8);
    ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

/* -------------------------------------------------- a directory that goes away */

static char elsewhere[2 * PATH_BYTES];

static void move_away(void)
{
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", fixture_directory);
    ck_assert_int_eq(rename(fixture_backup, elsewhere), 0);
}

/* From here on the fixture's functions mean the directory where it is now. */
static void follow(void)
{
    snprintf(fixture_backup, PATH_BYTES, "%.*s", PATH_BYTES - 1, elsewhere);
}

/* _i: save mode. */
START_TEST(a_directory_that_was_removed_is_not_made_again_and_every_save_says_so)
{
    struct h5ckpt_report report;
    h5ckpt_store *reader;
    h5ckpt_store *store = open_and_save_three(_i);

    reader = standard_open_reader(&standard);
    fixture_clear_backup();
    for (uint64_t number = 4; number <= 5; number++)
        assert_status_message(save(store, number), H5CKPT_E_BUSY, h5ckpt_message(store));
    assert_status(h5ckpt_keep(store, "kept"), H5CKPT_E_BUSY);
    ck_assert_int_lt(h5ckpt_restore(store, NULL, NULL), 0);
    ck_assert_int_lt(h5ckpt_delete(store), 0);
    h5ckpt_close(store);
    assert_status(h5ckpt_restore(reader, NULL, NULL), H5CKPT_NO_CHECKPOINT);
    assert_status(h5ckpt_inspect(reader, NULL, &report), H5CKPT_NO_CHECKPOINT);
    h5ckpt_close(reader);
    ck_assert_uint_eq(directory_entry_count(fixture_directory), 0);
}
END_TEST

/* _i: save mode. Another run has begun anew. */
START_TEST(a_directory_made_again_under_the_same_name_is_not_touched)
{
    h5ckpt_store *store = open_and_save_three(_i);

    fixture_clear_backup();
    standard_history(2, 11, 13);
    snapshot_before();
    ck_assert_int_lt(save(store, 4), 0);
    ck_assert_int_lt(save(store, 5), 0);
    h5ckpt_close(store);
    assert_unchanged();
    assert_gives(13);
}
END_TEST

START_TEST(a_directory_that_was_moved_is_saved_to_where_it_is)
{
    h5ckpt_store *store = open_and_save_three(_i);

    move_away();
    for (uint64_t number = 4; number <= 6; number++)
        assert_save(store, number);
    assert_status(h5ckpt_restore(store, NULL, NULL), H5CKPT_OK);
    assert_status(h5ckpt_keep(store, "kept"), H5CKPT_OK);
    h5ckpt_close(store);
    ck_assert(!file_exists(fixture_backup));
    follow();
    assert_gives(6);
}
END_TEST

START_TEST(what_takes_the_name_of_a_directory_that_was_moved_is_not_touched)
{
    h5ckpt_store *store = open_and_save_three(_i);

    move_away();
    standard_history(2, 11, 13);
    snapshot_before();
    for (uint64_t number = 4; number <= 6; number++)
        assert_save(store, number);
    assert_status(h5ckpt_delete(store), H5CKPT_OK);
    h5ckpt_close(store);
    assert_unchanged();
    follow();
    assert_gives(0);
}
END_TEST

START_TEST(a_file_system_mounted_over_the_directory_is_not_touched)
{
    enter_name_space();
    h5ckpt_store *store = open_and_save_three(_i);
    mount_memory("size=4m");
    for (uint64_t number = 4; number <= 6; number++)
        assert_save(store, number);
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 0);
    assert_gives(0); /* whoever looks at the name sees what is mounted there */
    h5ckpt_close(store);
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 0);
    unmount();
    assert_gives(6);
}
END_TEST

/* It is there as long as the store has it open. */
START_TEST(a_file_system_unmounted_under_the_store_leaves_what_was_below_untouched)
{
    enter_name_space();
    mount_memory("size=4m");
    h5ckpt_store *store = open_and_save_three(_i);
    unmount();
    snapshot_before();
    for (uint64_t number = 4; number <= 6; number++)
        assert_save(store, number);
    h5ckpt_close(store);
    assert_unchanged();
    ck_assert_uint_eq(directory_entry_count(fixture_backup), 0);
}
END_TEST

/* ------------------------------------------------ things in place of our files */

static const char *const NAME[] = {
    "lock",          "slot-a.h5",     "slot-b.h5",         "checkpoint.h5",    "milestone-kept.h5",
    "slot-a.h5.new", "slot-b.h5.new", "checkpoint.h5.new", "milestone.h5.new", "lock.new"};

enum {
    STATE_NAMES = 3,   /* the first of these: what a restore needs */
    LASTING_NAMES = 5, /* the first of these: no files being filled */
};

static char victim[2 * PATH_BYTES]; /* a stranger's file, outside */
static char folder[2 * PATH_BYTES]; /* and folder, with a file in it */
static const char VICTIM_TEXT[] = "this is somebody else's";

static void place_link_to_file(const char *path)
{
    ck_assert_int_eq(symlink(victim, path), 0);
}

static void place_link_to_folder(const char *path)
{
    ck_assert_int_eq(symlink(folder, path), 0);
}

static void place_link_to_nothing(const char *path)
{
    ck_assert_int_eq(symlink("../nothing", path), 0);
}

static void place_hard_link(const char *path)
{
    ck_assert_int_eq(link(victim, path), 0);
}

static void place_fifo(const char *path)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void place_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    /* A socket's name has room for 107 bytes only. */
    const int back = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(chdir(fixture_backup), 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", strrchr(path, '/') + 1);
    ck_assert_int_eq(bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(fchdir(back), 0);
    close(back);
    close(descriptor);
}

static void place_folder(const char *path)
{
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void place_full_folder(const char *path)
{
    char inside[3 * PATH_BYTES];

    place_folder(path);
    snprintf(inside, sizeof inside, "%s/mine", path);
    file_replace(inside, VICTIM_TEXT, sizeof VICTIM_TEXT - 1);
}

static void place_zero_device(const char *path)
{
    ck_assert_int_eq(mknod(path, S_IFCHR | 0600, makedev(1, 5)), 0);
}

static void place_full_device(const char *path)
{
    ck_assert_int_eq(mknod(path, S_IFCHR | 0600, makedev(1, 7)), 0);
}

static void place_block_device(const char *path)
{
    ck_assert_int_eq(mknod(path, S_IFBLK | 0600, makedev(7, 255)), 0);
}

static const struct thing {
    const char *name;
    void (*place)(const char *path);
    bool device;
} THING[] = {
    {"a link to a file", place_link_to_file, false},
    {"a link to a folder", place_link_to_folder, false},
    {"a link to nothing", place_link_to_nothing, false},
    {"a hard link", place_hard_link, false},
    {"a FIFO", place_fifo, false},
    {"a socket", place_socket, false},
    {"a folder", place_folder, false},
    {"a folder with a file", place_full_folder, false},
    {"an endless device", place_zero_device, true},
    {"a full device", place_full_device, true},
    {"a block device", place_block_device, true},
};

enum moment { BEFORE_FIRST_USE, BETWEEN_LIVES, DURING_THE_RUN, MOMENTS };
enum { THING_CASES = (int)(COUNT(NAME) * COUNT(THING)) * MOMENTS };

static bool devices_allowed; /* by mknod, and by a file system of our own */

static void make_victims(void)
{
    char inside[3 * PATH_BYTES];

    snprintf(victim, sizeof victim, "%s/victim", fixture_directory);
    snprintf(folder, sizeof folder, "%s/folder", fixture_directory);
    file_replace(victim, VICTIM_TEXT, sizeof VICTIM_TEXT - 1);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    snprintf(inside, sizeof inside, "%s/mine", folder);
    file_replace(inside, VICTIM_TEXT, sizeof VICTIM_TEXT - 1);
}

static void assert_victims_unharmed(const struct thing *thing, const char *path)
{
    char inside[3 * PATH_BYTES];

    ck_assert_msg(file_holds(victim, VICTIM_TEXT), "the file was changed");
    snprintf(inside, sizeof inside, "%s/mine", folder);
    ck_assert_msg(file_holds(inside, VICTIM_TEXT) && directory_entry_count(folder) == 1, "the folder was changed");
    if (thing->place == place_full_folder) {
        snprintf(inside, sizeof inside, "%s/mine", path);
        ck_assert_msg(file_holds(inside, VICTIM_TEXT), "the folder in the place was emptied");
    }
    snprintf(inside, sizeof inside, "%s/nothing", fixture_directory);
    ck_assert_msg(!file_exists(inside), "a link to nothing was followed");
}

static void put_thing(const struct thing *thing, const char *path)
{
    if (file_exists(path))
        file_remove(path);
    thing->place(path);
}

/* A restore gives what was acknowledged last, or something else and says so. */
static void assert_honest(h5ckpt_status status, unsigned name, uint64_t newest, const char *message)
{
    if (name >= STATE_NAMES)
        assert_status_message(status, newest == 0 ? H5CKPT_NO_CHECKPOINT : H5CKPT_OK, message);
    if (status == H5CKPT_OK)
        ck_assert_msg(standard_is(&standard, newest), "OK, and not the newest state");
    else if (status == H5CKPT_FELL_BACK)
        ck_assert_msg(standard_is(&standard, newest) || standard_is(&standard, newest - 1), "fell back to no state");
    else if (status == H5CKPT_NO_CHECKPOINT)
        ck_assert_msg(newest == 0, "a checkpoint is silently gone");
    else
        ck_assert_str_ne(message, "");
}

static void restore_honestly(h5ckpt_store *store, unsigned name, uint64_t newest)
{
    standard_spoil(&standard);
    const h5ckpt_status status = h5ckpt_restore(store, NULL, NULL);
    assert_honest(status, name, newest, h5ckpt_message(store));
}

static void count_milestone(void *context, const struct h5ckpt_milestone *milestone)
{
    ck_assert_str_eq(milestone->name, "kept");
    ++*(unsigned *)context;
}

/* Whoever reads changes nothing. */
static void read_all(unsigned name, uint64_t newest)
{
    struct h5ckpt_inspect_options all = h5ckpt_inspect_options_default();
    struct h5ckpt_options options = h5ckpt_options_default();
    struct h5ckpt_report report;
    unsigned count = 0;
    h5ckpt_store *store;

    snapshot_before();
    options.mode = H5CKPT_READ_ONLY;
    all.depth = H5CKPT_DEVICE;
    const h5ckpt_status status = h5ckpt_open(&store, fixture_backup, standard.state, &options);
    if (status == H5CKPT_OK) {
        restore_honestly(store, name, newest);
        h5ckpt_inspect(store, &all, &report);
        h5ckpt_list_milestones(store, H5CKPT_ALL_BYTES, count_milestone, &count);
    }
    h5ckpt_close(store);
    assert_unchanged();
}

static uint64_t save_honestly(h5ckpt_store *store, uint64_t newest)
{
    for (uint64_t number = newest + 1, end = newest + 3; number <= end; number++)
        if (save(store, number) == H5CKPT_OK)
            newest = number;
    const h5ckpt_status kept = h5ckpt_keep(store, "kept");
    ck_assert(kept == H5CKPT_OK || h5ckpt_message(store)[0] != '\0');
    return newest;
}

/*
 * Must all saves work? Not where a slot or the lock is something else; nor, in a process that has not saved yet, where
 * a stranger has the name of a file to be filled.
 */
static bool saves_work(unsigned name, enum moment moment)
{
    return name >= STATE_NAMES && (name < LASTING_NAMES || moment == DURING_THE_RUN);
}

/* A whole life around it. Gives the newest acknowledged state. */
static uint64_t live_with(const struct thing *thing, unsigned name, const char *path, enum moment moment)
{
    const uint64_t before = moment == BEFORE_FIRST_USE ? 0 : 3;
    uint64_t newest = before;
    h5ckpt_store *store;

    if (moment == BETWEEN_LIVES)
        standard_history(2, 1, 3);
    if (moment == DURING_THE_RUN)
        store = open_and_save_three(H5CKPT_SAVE_SYNCHRONOUS);
    put_thing(thing, path);
    read_all(name, newest);
    if (moment != DURING_THE_RUN && open_mode(&store, H5CKPT_SAVE_SYNCHRONOUS) == H5CKPT_OK)
        restore_honestly(store, name, newest);
    newest = save_honestly(store, newest);
    if (saves_work(name, moment))
        ck_assert_uint_eq(newest, before + 3);
    h5ckpt_close(store);
    return newest;
}

START_TEST(whatever_lies_in_place_of_our_files_is_not_followed_and_hangs_nothing)
{
    const unsigned number = (unsigned)_i * (unsigned)form_count(23, 5, 1);
    const struct thing *thing = &THING[number / MOMENTS % COUNT(THING)];
    const unsigned name = number / MOMENTS / COUNT(THING) % COUNT(NAME);
    const enum moment moment = (enum moment)(number % MOMENTS);
    char path[2 * PATH_BYTES];

    if (number >= THING_CASES || (thing->device && !devices_allowed))
        return;
    if (thing->device) { /* most places where tests lie allow none */
        enter_name_space();
        mount_memory("size=16m");
    }
    make_victims();
    snprintf(path, sizeof path, "%s/%s", fixture_backup, NAME[name]);
    const uint64_t newest = live_with(thing, name, path, moment);
    assert_victims_unharmed(thing, path);
    read_all(name, newest);
    assert_victims_unharmed(thing, path);
}
END_TEST

/* ----------------------------------------------------------------------------- main */

static int test_count(uint64_t in_tenth, uint64_t in_short, uint64_t in_full)
{
    return (int)form_count(in_tenth, in_short, in_full);
}

static int add_mounted(TCase *tcase)
{
    const int sizes = test_count(SIZES / 15, SIZES / 3, SIZES);
    const int inodes = test_count(4, INODES, INODES);
    const int fillings = test_count(6, 20, 60);

    tcase_add_loop_test(tcase, on_a_file_system_of_any_size_a_save_works_or_says_that_there_is_no_room, 0, sizes);
    tcase_add_loop_test(tcase, without_inodes_a_save_works_or_says_that_there_is_no_room, 0, inodes);
    tcase_add_loop_test(tcase, where_there_is_no_room_for_another_structure_the_state_before_stays, 0, fillings);
    tcase_add_loop_test(tcase, on_a_read_only_mount_readers_work_and_a_writer_is_told, 0, MODES);
    tcase_add_loop_test(tcase, an_empty_read_only_mount_has_no_checkpoint_and_makes_none, 0, MODES);
    tcase_add_loop_test(tcase, a_file_system_mounted_over_the_directory_is_not_touched, 0, MODES);
    tcase_add_loop_test(tcase, a_file_system_unmounted_under_the_store_leaves_what_was_below_untouched, 0, MODES);
    return sizes + inodes + fillings + 4 * MODES;
}

static int add_others(TCase *tcase)
{
    const int limits = test_count(SIZES / 15, SIZES / 5, SIZES);
    const int things = test_count(THING_CASES / 23, THING_CASES / 5, THING_CASES);
    const int files = (int)COUNT(OWN_FILE);

    tcase_add_test(tcase, the_sizes_that_are_tried_reach_to_twice_the_need);
    tcase_add_loop_test(tcase, under_any_limit_of_file_size_a_save_works_or_says_that_there_is_no_room, 0, limits);
    tcase_add_loop_test(tcase, a_file_system_that_turns_read_only_fails_saves_until_it_is_writable_again, 0, MODES);
    tcase_add_loop_test(tcase, a_directory_that_was_removed_is_not_made_again_and_every_save_says_so, 0, MODES);
    tcase_add_loop_test(tcase, a_directory_made_again_under_the_same_name_is_not_touched, 0, MODES);
    tcase_add_loop_test(tcase, a_directory_that_was_moved_is_saved_to_where_it_is, 0, MODES);
    tcase_add_loop_test(tcase, what_takes_the_name_of_a_directory_that_was_moved_is_not_touched, 0, MODES);
    tcase_add_loop_test(tcase, whatever_lies_in_place_of_our_files_is_not_followed_and_hangs_nothing, 0, things);
    if (geteuid() != 0)
        return 1 + limits + 5 * MODES + things;
    tcase_add_loop_test(tcase, a_file_or_directory_made_read_only_is_a_matter_of_permission_and_nothing_is_rolled_back,
                        0, files);
    tcase_add_loop_test(tcase, what_becomes_read_only_during_the_run_fails_saves_until_it_is_writable_again, 0,
                        files * MODES);
    return 1 + limits + 5 * MODES + things + files + files * MODES;
}

int main(void)
{
    Suite *suite = suite_create("environment");
    TCase *tcase = tcase_create("environment");
    const char *refused = mounting_refused();

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60); /* a hang */
    int cases = add_others(tcase);
    devices_allowed = refused[0] == '\0';
    if (devices_allowed)
        cases += add_mounted(tcase);
    else
        printf("left out: file systems of any size, read-only mounts, devices (this process may not mount: %s)\n",
               refused);
    if (geteuid() != 0)
        printf("left out: read-only files and directories (only root can become somebody else)\n");
    printf("%d environments\n", cases);
    fflush(stdout);
    suite_add_tcase(suite, tcase);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
