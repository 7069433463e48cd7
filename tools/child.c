/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"

extern char **environ;

struct ends {
    int read;
    int write;
};

static const struct ends NO_PIPE = {-1, -1};

static int make_pipe(struct ends *ends)
{
    int pair[2];

    if (pipe2(pair, O_CLOEXEC) < 0)
        return errno;
    *ends = (struct ends){pair[0], pair[1]};
    return 0;
}

static void close_end(int descriptor)
{
    if (descriptor >= 0)
        close(descriptor);
}

/* What is not duplicated here closes in the child by itself. */
static int spawn(pid_t *pid, const char *const *argv, int input, int output)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);

    if (error != 0)
        return error;
    error = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (error == 0)
        error = posix_spawnp(pid, argv[0], &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

int child_start(struct child *child, const char *const *argv, int output)
{
    const bool answers = output == CHILD_OUTPUT_PIPE;
    struct ends input = NO_PIPE;
    struct ends answer = NO_PIPE;
    int error = make_pipe(&input);

    if (error == 0 && answers)
        error = make_pipe(&answer);
    if (error == 0)
        error = spawn(&child->pid, argv, input.read, answers ? answer.write : output);
    close_end(input.read);
    close_end(answer.write);
    if (error != 0) {
        close_end(input.write);
        close_end(answer.read);
        return error;
    }
    child->to = memory_check(fdopen(input.write, "w"));
    child->from = answers ? memory_check(fdopen(answer.read, "r")) : NULL;
    return 0;
}

bool child_end(struct child *child)
{
    int status = 0;

    fclose(child->to);
    if (child->from != NULL)
        fclose(child->from);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
