/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failure.h"
#include "scratch.h"

/* It goes when we go; what it leaves on the disk is not its to keep or remove. */
static _Noreturn void be_process(void (*live)(void *context, int socket), void *context, int socket)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    scratch_leave();
    live(context, socket);
    _exit(EXIT_SUCCESS);
}

void process_start(struct process *process, void (*live)(void *context, int socket), void *context)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 || (process->pid = fork()) < 0)
        fail_system("cannot make a process");
    if (process->pid == 0) {
        close(ends[0]);
        be_process(live, context, ends[1]);
    }
    close(ends[1]);
    process->socket = ends[0];
}

/* Not just closed: processes made later hold a copy. */
void process_end(struct process *process)
{
    shutdown(process->socket, SHUT_RDWR);
    close(process->socket);
    while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

void process_tell(int socket, const void *message, size_t byte_count)
{
    if (send(socket, message, byte_count, MSG_NOSIGNAL) != (ssize_t)byte_count)
        fail_system("cannot speak to a process of the benchmark");
}

bool process_hear(int socket, void *message, size_t byte_count)
{
    ssize_t length;

    do
        length = recv(socket, message, byte_count, 0);
    while (length < 0 && errno == EINTR);
    return length == (ssize_t)byte_count;
}
