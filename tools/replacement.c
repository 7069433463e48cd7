/* SPDX-License-Identifier: MIT */
#include "replacement.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

static void forget(struct replacement *replacement)
{
    free(replacement->path);
    free(replacement->beside);
}

/* With the permissions of the file that is there, which must be one that may be written to. */
static int open_beside(struct replacement *replacement, const char *path, const struct stat *there)
{
    if (there != NULL && access(path, W_OK) < 0)
        return errno;
    replacement->path = there == NULL ? memory_check(strdup(path)) : realpath(path, NULL);
    if (replacement->path == NULL)
        return errno;
    if (asprintf(&replacement->beside, "%s.new-%ld", replacement->path, (long)getpid()) < 0)
        memory_exhausted();
    replacement->output = open(replacement->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (replacement->output < 0)
        return errno;
    if (there != NULL)
        fchmod(replacement->output, there->st_mode & 0777); /* at worst they are those of a new one */
    return 0;
}

int replacement_begin(struct replacement *replacement, const char *path)
{
    struct stat found;
    const bool there = stat(path, &found) == 0;
    int error;

    *replacement = (struct replacement){.output = -1};
    if (!there || S_ISREG(found.st_mode)) {
        error = open_beside(replacement, path, there ? &found : NULL);
    } else {
        replacement->output = open(path, O_WRONLY | O_CLOEXEC);
        error = replacement->output < 0 ? errno : 0;
    }
    if (error != 0)
        forget(replacement);
    return error;
}

int replacement_end(struct replacement *replacement, bool whole)
{
    int error = 0;

    if (whole && replacement->beside != NULL && fsync(replacement->output) < 0)
        error = errno;
    close(replacement->output);
    if (whole && error == 0 && replacement->beside != NULL && rename(replacement->beside, replacement->path) < 0)
        error = errno;
    if (replacement->beside != NULL && (!whole || error != 0))
        unlink(replacement->beside);
    forget(replacement);
    return error;
}
