/* SPDX-License-Identifier: MIT */
/*
 * scratch.c: (1) the child ends, and with it the directory, when nobody holds the other end of its pipe any more.
 */
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "failure.h"
#include "memory.h"

enum { DESCRIPTORS_MAX = 16, REMOVALS_MAX = 100 };

static char *directory;
static int held = -1; /* our end of the pipe */
static pid_t remover;

static const int SIGNAL[] = {SIGHUP, SIGINT, SIGTERM};

enum { SIGNAL_COUNT = sizeof SIGNAL / sizeof *SIGNAL };

/* ------------------------------------------------------------------- removing */

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

static int remove_tree(const char *path)
{
    return nftw(path, remove_one, DESCRIPTORS_MAX, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT ? -1 : 0;
}

void scratch_remove(const char *path)
{
    if (remove_tree(path) < 0)
        fail_system("cannot remove '%s'", path);
}

void scratch_settle(void)
{
    const int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (descriptor < 0 || syncfs(descriptor) < 0)
        fail_system("cannot flush '%s'", directory);
    close(descriptor);
}

/* Again if need be: a peer may just be making a file. It ends soon, for its pipe is closed as well. */
static _Noreturn void await_end_and_remove(int end)
{
    const struct timespec pause = {.tv_nsec = 100000000};
    char nothing;

    while (read(end, &nothing, sizeof nothing) < 0 && errno == EINTR) /* (1): at last it reads the end of file */
        ;
    for (int i = 0; i < REMOVALS_MAX && remove_tree(directory) < 0; i++)
        nanosleep(&pause, NULL);
    _exit(access(directory, F_OK) == 0);
}

/* In a session of its own: a signal to our group, kill -9 included, is none to it. */
static _Noreturn void be_remover(int end)
{
    setsid();
    close(held);
    await_end_and_remove(end);
}

/* --------------------------------------------------------------------- ending */

/* Async-signal-safe. In a child made by fork(), which closes its copy only, it waits for nothing. */
static void let_remove(void)
{
    close(held); /* (1) */
    while (waitpid(remover, NULL, 0) < 0 && errno == EINTR)
        ;
}

void scratch_leave(void)
{
    close(held);
    held = -1;
}

/* The signal's default action follows when we return. */
static void on_signal(int number)
{
    let_remove();
    raise(number);
}

static void handle_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

    sigfillset(&action.sa_mask);
    for (int i = 0; i < SIGNAL_COUNT; i++)
        sigaction(SIGNAL[i], &action, NULL);
}

void scratch_make(const char *parent)
{
    int end[2];

    if (asprintf(&directory, "%s/h5ckpt-bench-XXXXXX", parent) < 0)
        memory_exhausted();
    if (mkdtemp(directory) == NULL)
        fail_system("cannot make a directory in '%s'", parent);
    if (pipe2(end, O_CLOEXEC) < 0)
        fail_system("cannot make a pipe; '%s' is left", directory);
    held = end[1];
    remover = fork();
    if (remover < 0)
        fail_system("cannot make a process; '%s' is left", directory);
    if (remover == 0)
        be_remover(end[0]);
    close(end[0]);
    handle_signals();
    atexit(let_remove);
}

/* --------------------------------------------------------------------- asking */

char *scratch_path(const char *name)
{
    char *path;

    if (asprintf(&path, "%s/%s", directory, name) < 0)
        memory_exhausted();
    return path;
}

const char *scratch_directory(void)
{
    return directory;
}
