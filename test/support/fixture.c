/* SPDX-License-Identifier: MIT */
#include "support/fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checksum.h"
#include "format.h"
#include "storage/record.h"
#include "support/assert_h5ckpt.h"

enum { IN_BACKUP_BUFFERS = 8, SECTOR_BYTES = 512, AT_CHECKSUM = 496, MOVED_COUNT = 33, SPOILT = 0x5a };

char fixture_directory[PATH_BYTES];
char fixture_backup[PATH_BYTES];
static char root[PATH_BYTES / 2];

/* ---------------------------------------------------------------- directory */

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status, (void)where;
    return kind == FTW_DP || kind == FTW_D || kind == FTW_DNR ? rmdir(path) : unlink(path);
}

static void remove_tree(const char *path)
{
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
        fprintf(stderr, "cannot remove %s\n", path);
}

void fixture_begin(void)
{
    const char *place = getenv("TMPDIR");

    snprintf(root, sizeof root, "%s/h5ckpt-test-XXXXXX", place == NULL || place[0] != '/' ? "/tmp" : place);
    if (mkdtemp(root) == NULL || chmod(root, 0755) != 0) {
        perror(root);
        exit(EXIT_FAILURE);
    }
}

void fixture_end(void)
{
    remove_tree(root);
}

void fixture_setup(void)
{
    umask(022);
    snprintf(fixture_directory, sizeof fixture_directory, "%s/XXXXXX", root);
    ck_assert_ptr_nonnull(mkdtemp(fixture_directory));
    ck_assert_int_eq(chmod(fixture_directory, 0755), 0);
    ck_assert_int_lt(snprintf(fixture_backup, sizeof fixture_backup, "%.*s/backup", PATH_BYTES - 8, fixture_directory),
                     PATH_BYTES);
}

void fixture_teardown(void)
{
    remove_tree(fixture_directory);
}

void fixture_clear_backup(void)
{
    if (file_exists(fixture_backup))
        remove_tree(fixture_backup);
}

/* ----------------------------------------------------------- standard state */

static int get_device(void *context, void *bytes, size_t byte_count)
{
    struct standard *standard = context;

    if (byte_count != sizeof standard->device) /* no assertion: libcheck allocates */
        return EINVAL;
    if (standard->get_fails == 0)
        memcpy(bytes, standard->device, byte_count);
    return standard->get_fails;
}

static int put_device(void *context, const void *bytes, size_t byte_count)
{
    struct standard *standard = context;

    if (byte_count != sizeof standard->device)
        return EINVAL;
    if (standard->put_fails == 0)
        memcpy(standard->device, bytes, byte_count);
    return standard->put_fails;
}

void standard_make(struct standard *standard)
{
    const struct h5ckpt_access access = {.get = get_device, .put = put_device, .context = standard};
    h5ckpt_state *state = h5ckpt_state_new();

    memset(standard, 0, sizeof *standard);
    standard->state = state;
    standard->moved = calloc(MOVED_COUNT, sizeof *standard->moved);
    ck_assert_ptr_nonnull(state);
    h5ckpt_add(state, "weights", H5CKPT_FLOAT32, 2, (const uint64_t[]){160, 256}, standard->weights);
    h5ckpt_add(state, "layer/bias", H5CKPT_FLOAT64, 1, (const uint64_t[]){5}, standard->bias);
    h5ckpt_add(state, "step", H5CKPT_INT64, 0, NULL, &standard->step);
    h5ckpt_add(state, "generator", H5CKPT_OPAQUE(40), 0, NULL, standard->generator);
    h5ckpt_add(state, "label", H5CKPT_STRING(16), 1, (const uint64_t[]){2}, standard->label);
    h5ckpt_add(state, "flag", H5CKPT_BOOL, 1, (const uint64_t[]){3}, standard->flag);
    h5ckpt_add_indirect(state, "moved", H5CKPT_UINT16, 1, (const uint64_t[]){MOVED_COUNT},
                        (void *const *)&standard->moved);
    h5ckpt_add_access(state, "device", H5CKPT_INT32, 1, (const uint64_t[]){7}, &access);
    ck_assert_str_eq(h5ckpt_state_message(state), "");
}

void standard_free(struct standard *standard)
{
    h5ckpt_state_free(standard->state);
    free(standard->moved);
}

/* splitmix64: content that differs in every byte range from number to number */
static uint64_t mixed(uint64_t number)
{
    number += UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

static void fill_values(struct standard *standard, uint64_t number)
{
    float *weight = &standard->weights[0][0];

    for (uint64_t i = 0; i < sizeof standard->weights / sizeof *weight; i++)
        weight[i] = (float)(mixed(number * 65536 + i) >> 40);
    for (uint64_t i = 0; i < 5; i++)
        standard->bias[i] = (double)mixed(number ^ i << 32);
    standard->step = (int64_t)mixed(number);
    for (uint64_t i = 0; i < sizeof standard->generator; i++)
        standard->generator[i] = (unsigned char)mixed(number * 3 + i);
    memset(standard->label, 0, sizeof standard->label);
    snprintf(standard->label[0], sizeof standard->label[0], "no %" PRIu64, number);
    snprintf(standard->label[1], sizeof standard->label[1], "%" PRIx64, mixed(number) >> 8);
    for (unsigned i = 0; i < 3; i++)
        standard->flag[i] = (number >> i & 1) != 0;
    for (unsigned i = 0; i < MOVED_COUNT; i++)
        standard->moved[i] = (uint16_t)mixed(number * 5 + i);
    for (unsigned i = 0; i < 7; i++)
        standard->device[i] = (int32_t)mixed(number * 7 + i);
}

void standard_fill(struct standard *standard, uint64_t number)
{
    uint16_t *moved = calloc(MOVED_COUNT, sizeof *moved);

    ck_assert_ptr_nonnull(moved);
    free(standard->moved); /* after the new one is there, so that the address differs */
    standard->moved = moved;
    fill_values(standard, number);
}

/* Where values begin and end: between `weights` and `moved`, but for the pointer itself. */
#define VALUES_BEGIN offsetof(struct standard, weights)
#define VALUES_END   offsetof(struct standard, moved)

void standard_spoil(struct standard *standard)
{
    memset((char *)standard + VALUES_BEGIN, SPOILT, VALUES_END - VALUES_BEGIN);
    memset(standard->moved, SPOILT, MOVED_COUNT * sizeof *standard->moved);
    memset(standard->device, SPOILT, sizeof standard->device);
}

static bool same_values(const struct standard *a, const struct standard *b)
{
    return memcmp(a->weights, b->weights, sizeof a->weights) == 0 && memcmp(a->bias, b->bias, sizeof a->bias) == 0 &&
           a->step == b->step && memcmp(a->generator, b->generator, sizeof a->generator) == 0 &&
           memcmp(a->label, b->label, sizeof a->label) == 0 && memcmp(a->flag, b->flag, sizeof a->flag) == 0 &&
           memcmp(a->moved, b->moved, MOVED_COUNT * sizeof *a->moved) == 0 &&
           memcmp(a->device, b->device, sizeof a->device) == 0;
}

bool standard_is(const struct standard *standard, uint64_t number)
{
    static struct standard expected;
    uint16_t moved[MOVED_COUNT];

    expected.moved = moved;
    fill_values(&expected, number);
    return same_values(standard, &expected);
}

bool standard_is_spoilt(const struct standard *standard)
{
    static struct standard expected;
    uint16_t moved[MOVED_COUNT];

    expected.moved = moved;
    standard_spoil(&expected);
    return same_values(standard, &expected);
}

struct h5ckpt_progress standard_progress(uint64_t number)
{
    return (struct h5ckpt_progress){.epoch = number, .batch = number % 7, .step = number * 100};
}

h5ckpt_store *standard_open(struct standard *standard, const struct h5ckpt_options *options)
{
    h5ckpt_store *store;

    assert_status_message(h5ckpt_open(&store, fixture_backup, standard->state, options), H5CKPT_OK,
                          h5ckpt_message(store));
    return store;
}

h5ckpt_store *standard_open_slots(struct standard *standard, unsigned slots)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.slots = slots;
    return standard_open(standard, &options);
}

h5ckpt_store *standard_open_reader(struct standard *standard)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.mode = H5CKPT_READ_ONLY;
    return standard_open(standard, &options);
}

h5ckpt_status standard_save(h5ckpt_store *store, struct standard *standard, uint64_t number)
{
    const struct h5ckpt_progress progress = standard_progress(number);

    standard_fill(standard, number);
    return h5ckpt_save(store, &progress);
}

void standard_history(unsigned slots, uint64_t first, uint64_t last)
{
    static struct standard standard;

    standard_make(&standard);
    h5ckpt_store *store = standard_open_slots(&standard, slots);
    ck_assert_msg(h5ckpt_restore(store, NULL, NULL) >= 0, "%s", h5ckpt_message(store));
    for (uint64_t number = first; number <= last; number++)
        assert_status_message(standard_save(store, &standard, number), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
    standard_free(&standard);
}

static void check_restore(enum h5ckpt_which which, h5ckpt_status expected, uint64_t number)
{
    static struct standard standard;
    struct h5ckpt_restore_options options = h5ckpt_restore_options_default();
    struct h5ckpt_report report;

    options.which = which;
    standard_make(&standard);
    standard_spoil(&standard);
    h5ckpt_store *store = standard_open(&standard, NULL);
    assert_status_message(h5ckpt_restore(store, &options, &report), expected, h5ckpt_message(store));
    if (expected == H5CKPT_OK || expected == H5CKPT_FELL_BACK) {
        ck_assert_msg(standard_is(&standard, number), "memory is not state %" PRIu64 " (progress says %" PRIu64 ")",
                      number, h5ckpt_progress(store).epoch);
        ck_assert_uint_eq(h5ckpt_progress(store).epoch, number);
        ck_assert_uint_eq(h5ckpt_progress(store).batch, standard_progress(number).batch);
        ck_assert_uint_eq(h5ckpt_progress(store).step, standard_progress(number).step);
        ck_assert_uint_eq(report.progress.epoch, number);
    } else {
        ck_assert(standard_is_spoilt(&standard));
        ck_assert_int_eq(report.restored, -1);
    }
    ck_assert_int_eq(h5ckpt_message(store)[0] == '\0', expected == H5CKPT_OK);
    h5ckpt_close(store);
    standard_free(&standard);
}

void assert_restores(h5ckpt_status expected, uint64_t number)
{
    check_restore(H5CKPT_CURRENT, expected, number);
}

void assert_restores_previous(h5ckpt_status expected, uint64_t number)
{
    check_restore(H5CKPT_PREVIOUS, expected, number);
}

unsigned intact_count(void)
{
    static struct standard standard;
    struct h5ckpt_report report;
    unsigned count = 0;

    standard_make(&standard);
    h5ckpt_store *store = standard_open_reader(&standard);
    h5ckpt_inspect(store, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report);
    for (unsigned i = 0; i < report.slot_count; i++)
        count += report.slot[i].state == H5CKPT_SLOT_INTACT;
    h5ckpt_close(store);
    standard_free(&standard);
    return count;
}

/* -------------------------------------------------------------------- files */

const char *in_backup(const char *name)
{
    static char buffer[IN_BACKUP_BUFFERS][2 * PATH_BYTES];
    static unsigned next;
    char *path = buffer[next++ % IN_BACKUP_BUFFERS];

    snprintf(path, sizeof buffer[0], "%s/%s", fixture_backup, name);
    return path;
}

static struct stat look(const char *path)
{
    struct stat status;

    ck_assert_msg(lstat(path, &status) == 0, "there is no %s", path);
    return status;
}

bool file_exists(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

uint64_t file_bytes(const char *path)
{
    return (uint64_t)look(path).st_size;
}

uint64_t file_disk_bytes(const char *path)
{
    return (uint64_t)look(path).st_blocks * 512;
}

ino_t file_inode(const char *path)
{
    return look(path).st_ino;
}

unsigned file_permissions(const char *path)
{
    return look(path).st_mode & 07777;
}

void file_read_bytes(const char *path, void *bytes, size_t byte_count, uint64_t offset)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);

    ck_assert_msg(descriptor >= 0, "cannot open %s", path);
    ck_assert_int_eq(pread(descriptor, bytes, byte_count, (off_t)offset), (ssize_t)byte_count);
    close(descriptor);
}

void file_write_bytes(const char *path, const void *bytes, size_t byte_count, uint64_t offset)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);

    ck_assert_msg(descriptor >= 0, "cannot open %s", path);
    ck_assert_int_eq(pwrite(descriptor, bytes, byte_count, (off_t)offset), (ssize_t)byte_count);
    close(descriptor);
}

void file_flip_bit(const char *path, uint64_t bit)
{
    unsigned char byte;

    file_read_bytes(path, &byte, 1, bit / 8);
    byte ^= (unsigned char)(1u << bit % 8);
    file_write_bytes(path, &byte, 1, bit / 8);
}

void file_cut(const char *path, uint64_t byte_count)
{
    ck_assert_int_eq(truncate(path, (off_t)byte_count), 0);
}

void file_replace(const char *path, const void *bytes, size_t byte_count)
{
    unlink(path);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    ck_assert_msg(descriptor >= 0, "cannot make %s", path);
    ck_assert_int_eq(write(descriptor, bytes, byte_count), (ssize_t)byte_count);
    close(descriptor);
}

void file_remove(const char *path)
{
    ck_assert_msg(unlink(path) == 0, "cannot remove %s", path);
}

bool file_holds(const char *path, const char *text)
{
    char bytes[SNAPSHOT_BYTES];

    if (!file_exists(path) || file_bytes(path) != strlen(text) || strlen(text) >= sizeof bytes)
        return false;
    file_read_bytes(path, bytes, strlen(text), 0);
    return memcmp(bytes, text, strlen(text)) == 0;
}

static int visible(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

void directory_copy(const char *from, const char *to)
{
    struct dirent **list;
    int count = scandir(from, &list, visible, alphasort);

    ck_assert_int_ge(count, 0);
    ck_assert_int_eq(mkdir(to, 0700), 0);
    for (int i = 0; i < count; i++) {
        char source[2 * PATH_BYTES];
        char target[2 * PATH_BYTES];
        snprintf(source, sizeof source, "%s/%s", from, list[i]->d_name);
        snprintf(target, sizeof target, "%s/%s", to, list[i]->d_name);
        size_t byte_count = (size_t)file_bytes(source);
        char *bytes = malloc(byte_count + 1);
        ck_assert_ptr_nonnull(bytes);
        file_read_bytes(source, bytes, byte_count, 0);
        file_replace(target, bytes, byte_count);
        free(bytes);
        free(list[i]);
    }
    free(list);
}

static void digest_text(const char *path, const struct stat *status, char text[PATH_BYTES])
{
    if (S_ISLNK(status->st_mode)) {
        ssize_t length = readlink(path, text, PATH_BYTES - 1);
        text[length > 0 ? length : 0] = '\0';
    } else if (S_ISREG(status->st_mode)) {
        char *bytes = malloc((size_t)status->st_size + 1);
        ck_assert_ptr_nonnull(bytes);
        file_read_bytes(path, bytes, (size_t)status->st_size, 0);
        struct checksum digest = checksum_of(bytes, (size_t)status->st_size);
        checksum_text(&digest, text);
        free(bytes);
    } else {
        text[0] = '\0';
    }
}

void directory_snapshot(const char *path, char text[SNAPSHOT_BYTES])
{
    struct dirent **list;
    int count = scandir(path, &list, visible, alphasort);
    size_t length = 0;

    text[0] = '\0';
    if (count < 0) {
        strcpy(text, "(not there)");
        return;
    }
    for (int i = 0; i < count; i++) {
        char entry[2 * PATH_BYTES];
        char digest[PATH_BYTES];
        snprintf(entry, sizeof entry, "%s/%s", path, list[i]->d_name);
        struct stat status = look(entry);
        digest_text(entry, &status, digest);
        length += (size_t)snprintf(text + length, SNAPSHOT_BYTES - length, "%s %o %ju %ju %s\n", list[i]->d_name,
                                   (unsigned)status.st_mode, (uintmax_t)status.st_ino,
                                   S_ISREG(status.st_mode) ? (uintmax_t)status.st_size : 0, digest);
        ck_assert_uint_lt(length, SNAPSHOT_BYTES);
        free(list[i]);
    }
    free(list);
}

static char before[SNAPSHOT_BYTES];

void snapshot_before(void)
{
    directory_snapshot(fixture_backup, before);
}

void assert_unchanged(void)
{
    char after[SNAPSHOT_BYTES];

    directory_snapshot(fixture_backup, after);
    ck_assert_str_eq(after, before);
}

unsigned directory_entry_count(const char *path)
{
    struct dirent **list;
    int count = scandir(path, &list, visible, alphasort);

    if (count < 0)
        return 0;
    for (int i = 0; i < count; i++)
        free(list[i]);
    free(list);
    return (unsigned)count;
}

const char *slot_of_epoch(uint64_t epoch)
{
    static const char *const NAME[] = {FORMAT_SLOT_A, FORMAT_SLOT_B, FORMAT_SLOT_C};

    for (unsigned i = 0; i < sizeof NAME / sizeof *NAME; i++) {
        unsigned char bytes[FORMAT_RECORD_BYTES];
        struct error error = ERROR_NONE;
        struct record record;
        if (!file_exists(in_backup(NAME[i])))
            continue;
        file_read_bytes(in_backup(NAME[i]), bytes, sizeof bytes, 0);
        if (record_decode(&record, bytes, &error) == H5CKPT_OK && record.kind == RECORD_STATE &&
            record.progress.epoch == epoch)
            return NAME[i];
        error_clear(&error);
    }
    ck_abort_msg("no slot holds epoch %" PRIu64, epoch);
    return NULL;
}

void file_seal_sector(const char *path, uint64_t offset)
{
    unsigned char sector[SECTOR_BYTES];

    file_read_bytes(path, sector, sizeof sector, offset);
    struct checksum checksum = checksum_of(sector, AT_CHECKSUM);
    file_write_bytes(path, checksum.byte, sizeof checksum.byte, offset + AT_CHECKSUM);
}
