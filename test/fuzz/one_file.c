/* SPDX-License-Identifier: MIT */
#include "fuzz/one_file.h"

#include <errno.h>
#include <string.h>

struct one_file one_file;

enum { DESCRIPTOR = 1000 };

static int open_it(int directory, const char *name, int flags, mode_t mode)
{
    (void)directory, (void)name, (void)flags, (void)mode;
    return DESCRIPTOR;
}

static int do_nothing(int descriptor)
{
    (void)descriptor;
    return 0;
}

static ssize_t read_it(int descriptor, void *bytes, size_t byte_count, off_t offset)
{
    const size_t left = (size_t)offset < one_file.byte_count ? one_file.byte_count - (size_t)offset : 0;
    const size_t length = byte_count < left ? byte_count : left;

    (void)descriptor;
    memcpy(bytes, one_file.bytes + (left == 0 ? 0 : offset), length);
    return (ssize_t)length;
}

static ssize_t write_it(int descriptor, const void *bytes, size_t byte_count, off_t offset)
{
    (void)descriptor;
    if ((size_t)offset > sizeof one_file.bytes || byte_count > sizeof one_file.bytes - (size_t)offset) {
        errno = EFBIG;
        return -1;
    }
    memcpy(one_file.bytes + offset, bytes, byte_count);
    return (ssize_t)byte_count;
}

static int look_at_it(int descriptor, struct stat *status)
{
    (void)descriptor;
    *status = (struct stat){.st_mode = S_IFREG | 0600, .st_nlink = 1, .st_size = (off_t)one_file.byte_count};
    return 0;
}

static int ask_for_lock(int descriptor, int command, struct flock *range)
{
    (void)descriptor, (void)command;
    range->l_type = F_UNLCK;
    return 0;
}

static uint64_t process_id(void)
{
    return ONE_FILE_PROCESS;
}

const struct system_calls one_file_calls = {
    .open_at = open_it,
    .close = do_nothing,
    .read_at = read_it,
    .write_at = write_it,
    .flush_data = do_nothing,
    .status = look_at_it,
    .lock = ask_for_lock,
    .process_id = process_id,
};
