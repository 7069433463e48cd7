/* SPDX-License-Identifier: MIT */
#include "storage/file.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "format.h"
#include "storage/system.h"

static void file_name(struct file *file, const struct directory *directory, const char *name)
{
    assert(strlen(name) < sizeof file->name);
    *file = FILE_NONE;
    file->directory = directory;
    strcpy(file->name, name);
}

static h5ckpt_status refuse_unless_regular(struct file *file, struct error *error)
{
    struct entry entry = {.kind = ENTRY_ABSENT};
    h5ckpt_status status = file_look(file, &entry, error);

    if (status == H5CKPT_OK && entry.kind != ENTRY_FILE)
        status = error_set(error, H5CKPT_E_DAMAGED, "'%s/%s' is not a regular file", file->directory->path, file->name);
    if (status < 0)
        file_close(file);
    return status;
}

h5ckpt_status file_open(struct file *file, const struct directory *directory, const char *name, enum file_access access,
                        struct error *error)
{
    /* O_NONBLOCK: opening a FIFO that someone put in our place must not wait for its other end. */
    const bool writes = access == FILE_WRITE || access == FILE_WRITE_PAST_CACHE;
    const bool past_cache = access == FILE_READ_PAST_CACHE || access == FILE_WRITE_PAST_CACHE;
    const int flags =
        O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (writes ? O_RDWR : O_RDONLY) | (past_cache ? O_DIRECT : 0);

    file_name(file, directory, name);
    file->descriptor = system_calls->open_at(directory->descriptor, name, flags, 0);
    if (file->descriptor >= 0 && past_cache && !system_calls->is_direct(file->descriptor)) {
        file_close(file);
        return error_set(error, H5CKPT_E_SYSTEM, "'%s/%s' cannot be reached past the page cache on this file system",
                         directory->path, name);
    }
    if (file->descriptor >= 0)
        return refuse_unless_regular(file, error);
    if (errno == ENOENT)
        return error_set(error, H5CKPT_NO_CHECKPOINT, "there is no '%s/%s'", directory->path, name);
    if (errno == ELOOP || errno == ENXIO || errno == EISDIR)
        return error_set(error, H5CKPT_E_DAMAGED, "'%s/%s' is not a regular file", directory->path, name);
    return error_set_errno(error, errno, "cannot open '%s/%s'", directory->path, name);
}

h5ckpt_status file_create(struct file *file, const struct directory *directory, const char *name, mode_t mode,
                          struct error *error)
{
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

    file_name(file, directory, name);
    file->descriptor = system_calls->open_at(directory->descriptor, name, flags, mode);
    if (file->descriptor >= 0)
        return H5CKPT_OK;
    if (errno == EEXIST)
        return error_set(error, H5CKPT_E_FOREIGN, "'%s/%s' is there already and not ours: move it away",
                         directory->path, name);
    return error_set_errno(error, errno, "cannot make '%s/%s'", directory->path, name);
}

void file_close(struct file *file)
{
    if (file->descriptor >= 0)
        system_calls->close(file->descriptor); /* nothing is lost by a failing close: file_flush() came before */
    *file = FILE_NONE;
}

h5ckpt_status file_look(const struct file *file, struct entry *entry, struct error *error)
{
    struct stat status;

    if (system_calls->status(file->descriptor, &status) < 0)
        return error_set_errno(error, errno, "cannot look at '%s/%s'", file->directory->path, file->name);
    *entry = entry_of_status(&status);
    return H5CKPT_OK;
}

/* A timer that interrupts may be faster than the call; but no call of ours waits for ever. */
static bool is_only_interrupted(unsigned *times_in_a_row)
{
    enum { TIMES_MAX = 100 };

    return errno == EINTR && ++*times_in_a_row <= TIMES_MAX;
}

h5ckpt_status file_read(const struct file *file, void *bytes, size_t byte_count, uint64_t offset, struct error *error)
{
    unsigned char *to = bytes;
    unsigned interrupted = 0;
    size_t done = 0;

    while (done < byte_count) {
        ssize_t got = system_calls->read_at(file->descriptor, to + done, byte_count - done, (off_t)(offset + done));
        if (got < 0 && is_only_interrupted(&interrupted))
            continue;
        if (got < 0)
            return error_set_errno(error, errno, "cannot read '%s/%s' at offset %" PRIu64, file->directory->path,
                                   file->name, offset + done);
        if (got == 0)
            return error_set(error, H5CKPT_E_DAMAGED, "'%s/%s' ends at %" PRIu64 "; expected bytes up to %" PRIu64,
                             file->directory->path, file->name, offset + done, offset + byte_count);
        interrupted = 0;
        done += (size_t)got;
    }
    return H5CKPT_OK;
}

int file_put(const struct file *file, const void *bytes, size_t byte_count, uint64_t offset, uint64_t *failed_at)
{
    const unsigned char *from = bytes;
    unsigned interrupted = 0;
    size_t done = 0;

    while (done < byte_count) {
        ssize_t put = system_calls->write_at(file->descriptor, from + done, byte_count - done, (off_t)(offset + done));
        if (put < 0 && is_only_interrupted(&interrupted))
            continue;
        if (put <= 0) {
            *failed_at = offset + done;
            return put < 0 ? errno : EIO;
        }
        interrupted = 0;
        done += (size_t)put;
    }
    return 0;
}

h5ckpt_status file_say_unwritten(const struct file *file, int system_errno, uint64_t offset, struct error *error)
{
    return error_set_errno(error, system_errno, "cannot write '%s/%s' at offset %" PRIu64, file->directory->path,
                           file->name, offset);
}

h5ckpt_status file_write(const struct file *file, const void *bytes, size_t byte_count, uint64_t offset,
                         struct error *error)
{
    uint64_t failed_at;
    const int failed = file_put(file, bytes, byte_count, offset, &failed_at);

    return failed ? file_say_unwritten(file, failed, failed_at, error) : H5CKPT_OK;
}

h5ckpt_status file_flush(const struct file *file, struct error *error)
{
    if (system_calls->flush_data(file->descriptor) == 0)
        return H5CKPT_OK;
    return error_set_errno(error, errno, "cannot flush '%s/%s'", file->directory->path, file->name);
}

h5ckpt_status file_allocate(const struct file *file, uint64_t byte_count, bool *reserved, struct error *error)
{
    unsigned interrupted = 0;
    int failed;

    do
        failed = system_calls->allocate(file->descriptor, 0, (off_t)byte_count);
    while (failed && is_only_interrupted(&interrupted));
    *reserved = !failed;
    if (failed && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL || errno == EINTR))
        failed = system_calls->truncate(file->descriptor, (off_t)byte_count);
    if (failed)
        return error_set_errno(error, errno, "cannot reserve %" PRIu64 " bytes for '%s/%s'", byte_count,
                               file->directory->path, file->name);
    return H5CKPT_OK;
}

h5ckpt_status file_lock(const struct file *file, bool *taken, struct error *error)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    *taken = system_calls->lock(file->descriptor, F_OFD_SETLK, &whole) == 0;
    if (*taken || errno == EAGAIN || errno == EACCES)
        return H5CKPT_OK;
    return error_set_errno(error, errno, "cannot lock '%s/%s'", file->directory->path, file->name);
}

h5ckpt_status file_is_locked(const struct file *file, bool *locked, struct error *error)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    *locked = false;
    if (system_calls->lock(file->descriptor, F_OFD_GETLK, &whole) < 0)
        return error_set_errno(error, errno, "cannot ask who holds '%s/%s'", file->directory->path, file->name);
    *locked = whole.l_type != F_UNLCK;
    return H5CKPT_OK;
}
