/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failure.h"
#include "memory.h"

extern char **environ;

struct ends {
    int read;
    int write;
};

static struct ends make_pipe(void)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        fail_system("cannot make a pipe");
    return (struct ends){ends[0], ends[1]};
}

/* What is not duplicated here closes in the child by itself. */
static int spawn(pid_t *pid, const char *const *argv, int input, int output)
{
    posix_spawn_file_actions_t actions;
    int error;

    errno = posix_spawn_file_actions_init(&actions);
    if (errno == 0)
        errno = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (errno == 0)
        errno = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (errno != 0)
        fail_system("cannot start '%s'", argv[0]);
    error = posix_spawnp(pid, argv[0], &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

int child_start(struct child *child, const char *const *argv, int output)
{
    const struct ends input = make_pipe();
    const struct ends answer = output == CHILD_OUTPUT_PIPE ? make_pipe() : (struct ends){-1, output};
    const int error = spawn(&child->pid, argv, input.read, answer.write);

    close(input.read);
    if (output == CHILD_OUTPUT_PIPE)
        close(answer.write);
    if (error != 0) {
        close(input.write);
        if (output == CHILD_OUTPUT_PIPE)
            close(answer.read);
        return error;
    }
    child->to = memory_check(fdopen(input.write, "w"));
    child->from = output == CHILD_OUTPUT_PIPE ? memory_check(fdopen(answer.read, "r")) : NULL;
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
