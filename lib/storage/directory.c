/* SPDX-License-Identifier: MIT */
#include "storage/directory.h"

#include <errno.h>
#include <string.h>

#include "storage/system.h"

/* Flush the directory that holds `path`, so that a directory just made in it survives a power cut. */
static h5ckpt_status flush_parent(const char *path, struct error *error)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    struct directory directory = DIRECTORY_NONE;
    h5ckpt_status status;

    memcpy(parent, path, length);
    parent[length] = '\0';
    status = directory_open(&directory, length == 0 ? "." : parent, false, 0, error);
    if (status == H5CKPT_NO_CHECKPOINT)
        return error_set(error, H5CKPT_E_SYSTEM, "'%s' has vanished from where it was", path);
    if (status < 0)
        return status;
    status = directory_flush(&directory, error);
    directory_close(&directory);
    return status;
}

/* Is it the path itself that can never be a directory? */
static bool is_unusable_path(int system_errno)
{
    return system_errno == ENOTDIR || system_errno == ENAMETOOLONG || system_errno == ELOOP;
}

static h5ckpt_status refuse_path(const char *path, int system_errno, struct error *error)
{
    error_set_errno(error, system_errno, "cannot use '%s' as a backup directory", path);
    if (is_unusable_path(system_errno))
        error->status = H5CKPT_E_ARGUMENT;
    return error->status;
}

/* The length of `path` without slashes at its end. */
static size_t trimmed_length(const char *path)
{
    size_t length = strlen(path);

    while (length > 1 && path[length - 1] == '/')
        length--;
    return length;
}

/* The first `length` bytes of `path` as a path of their own, if a part of it ends there. */
static bool part_of_path(char part[PATH_MAX], const char *path, size_t length)
{
    if (length < trimmed_length(path) && path[length] != '/')
        return false;
    memcpy(part, path, length);
    part[length] = '\0';
    return true;
}

/* mkdir -p. */
static h5ckpt_status make_path(struct directory *directory, mode_t mode, struct error *error)
{
    const char *path = directory->path;
    const size_t length = trimmed_length(path);
    char part[PATH_MAX];
    int reason = 0; /* of the first part that could not be made: the later ones only follow from it */

    for (size_t end = 1; end <= length; end++) {
        if (!part_of_path(part, path, end))
            continue;
        if (system_calls->make_directory(part, mode) == 0) {
            if (directory->made_from == 0)
                directory->made_from = end;
        } else if (errno != EEXIST) {
            reason = reason != 0 ? reason : errno;
            if (end == length)
                return refuse_path(path, reason, error);
        }
    }
    return H5CKPT_OK;
}

h5ckpt_status directory_flush_path(const struct directory *directory, struct error *error)
{
    const size_t length = trimmed_length(directory->path);
    char part[PATH_MAX];

    for (size_t end = 1; end <= length; end++) {
        if (!part_of_path(part, directory->path, end))
            continue;
        h5ckpt_status status = flush_parent(part, error);
        const bool made = directory->made_from != 0 && end >= directory->made_from;
        /* A directory that we may not read is hardly one that a process of ours made; but one may be made in it. */
        if (status < 0 && (made || status != H5CKPT_E_PERMISSION))
            return status;
    }
    return H5CKPT_OK;
}

/* Take away what make_path() made, from the leaf up, as far as it is empty. */
static void remove_made(const struct directory *directory)
{
    char path[PATH_MAX];
    size_t length = trimmed_length(directory->path);

    strcpy(path, directory->path);
    while (directory->made_from != 0 && length >= directory->made_from) {
        path[length] = '\0';
        system_calls->remove_directory(path); /* fails where it is not empty, and so will those above */
        while (length > 0 && path[length - 1] != '/')
            length--;
        while (length > 0 && path[length - 1] == '/')
            length--;
    }
}

h5ckpt_status directory_open(struct directory *directory, const char *path, bool make, mode_t mode, struct error *error)
{
    struct directory named = DIRECTORY_NONE;
    h5ckpt_status status;

    if (path == NULL || *path == '\0')
        return error_set(error, H5CKPT_E_ARGUMENT, "the backup directory's name is %s",
                         path == NULL ? "NULL" : "empty");
    if (strlen(path) >= sizeof named.path)
        return error_set(error, H5CKPT_E_ARGUMENT,
                         "the backup directory's name has %zu bytes; at most %zu are possible", strlen(path),
                         sizeof named.path - 1);
    strcpy(named.path, path);
    *directory = named; /* `path` may be directory->path itself: opened again, kept when that fails */
    path = directory->path;
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    directory->descriptor = system_calls->open_at(AT_FDCWD, path, flags, 0);
    if (directory->descriptor < 0 && errno == ENOENT && make) {
        status = make_path(directory, mode, error);
        if (status < 0) {
            remove_made(directory);
            return status;
        }
        directory->descriptor = system_calls->open_at(AT_FDCWD, path, flags, 0);
    }
    if (directory->descriptor >= 0)
        return H5CKPT_OK;
    if (errno == ENOENT && !make)
        return error_set(error, H5CKPT_NO_CHECKPOINT, "there is no directory '%s'", path);
    status = refuse_path(path, errno, error);
    remove_made(directory);
    return status;
}

/* A relative path leads elsewhere once the program has changed its working directory. */
static bool is_still_named(const struct directory *directory)
{
    struct stat open;
    struct stat named;

    return system_calls->status(directory->descriptor, &open) == 0 &&
           system_calls->status_at(AT_FDCWD, directory->path, &named) == 0 && open.st_ino == named.st_ino &&
           open.st_dev == named.st_dev;
}

void directory_close(struct directory *directory)
{
    if (directory->descriptor < 0)
        return;
    if (directory->made_from != 0 && !is_still_named(directory))
        directory->made_from = 0;
    system_calls->close(directory->descriptor);
    remove_made(directory);
    directory->descriptor = -1; /* the path stays: messages and events may still name it */
    directory->made_from = 0;
}

void directory_forget_if_removed(struct directory *directory)
{
    struct stat status;

    if (directory->descriptor < 0 || system_calls->status(directory->descriptor, &status) < 0 || status.st_nlink != 0)
        return;
    system_calls->close(directory->descriptor);
    directory->descriptor = -1;
}

h5ckpt_status directory_flush(const struct directory *directory, struct error *error)
{
    if (system_calls->flush(directory->descriptor) == 0)
        return H5CKPT_OK;
    if (errno == EINVAL) /* a file system whose directories need no flush says so with EINVAL */
        return H5CKPT_OK;
    return error_set_errno(error, errno, "cannot flush directory '%s'", directory->path);
}

static int64_t nanoseconds(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

struct entry entry_of_status(const struct stat *status)
{
    return (struct entry){
        .kind = S_ISREG(status->st_mode) ? ENTRY_FILE : ENTRY_OTHER,
        .device = status->st_dev,
        .inode = status->st_ino,
        .link_count = status->st_nlink,
        .byte_count = (uint64_t)status->st_size,
        .modified_ns = nanoseconds(&status->st_mtim),
        .changed_ns = nanoseconds(&status->st_ctim),
    };
}

bool entry_equal_content(const struct entry *a, const struct entry *b)
{
    return a->kind == b->kind && a->device == b->device && a->inode == b->inode && a->byte_count == b->byte_count &&
           a->modified_ns == b->modified_ns;
}

bool entry_equal(const struct entry *a, const struct entry *b)
{
    return entry_equal_content(a, b) && a->link_count == b->link_count && a->changed_ns == b->changed_ns;
}

h5ckpt_status directory_look(const struct directory *directory, const char *name, struct entry *entry,
                             struct error *error)
{
    struct stat status;

    *entry = (struct entry){.kind = ENTRY_ABSENT};
    if (system_calls->status_at(directory->descriptor, name, &status) == 0) {
        *entry = entry_of_status(&status);
        return H5CKPT_OK;
    }
    if (errno == ENOENT)
        return H5CKPT_OK;
    return error_set_errno(error, errno, "cannot look at '%s/%s'", directory->path, name);
}

h5ckpt_status directory_rename(const struct directory *directory, const char *from, const char *to, struct error *error)
{
    if (system_calls->rename_at(directory->descriptor, from, to) == 0)
        return H5CKPT_OK;
    if (errno == EISDIR || errno == ENOTEMPTY)
        return error_set(error, H5CKPT_E_FOREIGN, "'%s/%s' is a directory, not a file of ours: move it away",
                         directory->path, to);
    return error_set_errno(error, errno, "cannot rename '%s/%s' to '%s'", directory->path, from, to);
}

h5ckpt_status directory_link(const struct directory *directory, const char *from, const char *to, struct error *error)
{
    if (system_calls->link_at(directory->descriptor, from, to) == 0)
        return H5CKPT_OK;
    return error_set_errno(error, errno, "cannot link '%s/%s' to '%s'", directory->path, from, to);
}

h5ckpt_status directory_remove(const struct directory *directory, const char *name, struct error *error)
{
    struct entry entry;
    h5ckpt_status status = directory_look(directory, name, &entry, error);

    if (status < 0 || entry.kind != ENTRY_FILE)
        return status;
    if (system_calls->remove_at(directory->descriptor, name) == 0 || errno == ENOENT)
        return H5CKPT_OK;
    return error_set_errno(error, errno, "cannot remove '%s/%s'", directory->path, name);
}

h5ckpt_status directory_list(const struct directory *directory, void (*take)(void *context, const char *name),
                             void *context, struct error *error)
{
    if (system_calls->read_names(directory->descriptor, take, context) == 0)
        return H5CKPT_OK;
    return error_set_errno(error, errno, "cannot list '%s'", directory->path);
}

h5ckpt_status directory_available(const struct directory *directory, uint64_t *byte_count, struct error *error)
{
    struct statvfs volume;

    if (system_calls->volume(directory->descriptor, &volume) < 0)
        return error_set_errno(error, errno, "cannot ask how much space '%s' has", directory->path);
    *byte_count = (uint64_t)volume.f_bavail * volume.f_frsize;
    return H5CKPT_OK;
}
