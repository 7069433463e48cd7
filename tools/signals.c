/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_S = 1000000000, SIGNAL_STATUS = 128 };

static bool is_ignored(int number)
{
    struct sigaction action;

    return sigaction(number, NULL, &action) == 0 && (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_IGN;
}

void signals_take(struct signals *signals, const int *numbers)
{
    const struct sigaction by_default = {.sa_handler = SIG_DFL};

    sigaction(SIGCHLD, &by_default, &signals->child_before); /* ignored, it would take the children's ends away */
    sigaction(SIGPIPE, NULL, &signals->pipe_before);
    sigemptyset(&signals->taken);
    for (; *numbers != 0; numbers++)
        if (!is_ignored(*numbers))
            sigaddset(&signals->taken, *numbers);
    sigprocmask(SIG_BLOCK, &signals->taken, &signals->mask_before);
}

void signals_survive_pipe(struct signals *signals)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGPIPE, &ignore, &signals->pipe_before);
}

void signals_give_back(const struct signals *signals)
{
    sigaction(SIGCHLD, &signals->child_before, NULL);
    sigaction(SIGPIPE, &signals->pipe_before, NULL);
    sigprocmask(SIG_SETMASK, &signals->mask_before, NULL);
}

void signals_die_of(int number)
{
    const struct sigaction by_default = {.sa_handler = SIG_DFL};
    sigset_t one;

    sigemptyset(&one);
    sigaddset(&one, number);
    sigaction(number, &by_default, NULL);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    raise(number);
    _exit(SIGNAL_STATUS + number); /* process 1 of a container dies of no signal of its own */
}

int64_t signals_clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* One that is pending is taken even if no time is left. */
static int wait_for(const struct signals *signals, int64_t end_ns, siginfo_t *information)
{
    const int64_t left_ns = end_ns - signals_clock_ns();
    const int64_t wait_ns = left_ns > 0 ? left_ns : 0;
    const struct timespec left = {.tv_sec = wait_ns / NS_PER_S, .tv_nsec = wait_ns % NS_PER_S};

    return sigtimedwait(&signals->taken, information, end_ns == SIGNALS_NO_END ? NULL : &left);
}

int signals_wait(const struct signals *signals, int64_t end_ns, bool *from_keyboard)
{
    siginfo_t information = {0};
    int number;

    do
        number = wait_for(signals, end_ns, &information);
    while (number < 0 && errno == EINTR); /* stopped and continued */
    if (from_keyboard != NULL)
        *from_keyboard = information.si_code == SI_KERNEL && (number == SIGINT || number == SIGQUIT);
    return number < 0 ? 0 : number;
}

const char *signals_name(char room[SIGNALS_NAME_BYTES], int number)
{
    const char *name = sigabbrev_np(number);

    if (name == NULL)
        snprintf(room, SIGNALS_NAME_BYTES, "signal %d", number);
    else
        snprintf(room, SIGNALS_NAME_BYTES, "SIG%s", name);
    return room;
}
