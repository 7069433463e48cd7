/* SPDX-License-Identifier: MIT */
#include "storage/team.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

struct member {
    pthread_t thread;
    unsigned number;
    void (*work)(void *context, unsigned member);
    void *context;
};

/* These are the program's to handle wherever its memory is touched. */
static const int FAULTS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};

static void *begin(void *argument)
{
    const struct member *member = argument;

    member->work(member->context, member->number);
    return NULL;
}

void team_run(unsigned size, void (*work)(void *context, unsigned member), void *context)
{
    struct member member[TEAM_SIZE_MAX];
    unsigned count = 1;
    sigset_t others;
    sigset_t before;
    int cancellable;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable); /* the members work on this thread's stack */
    sigfillset(&others);
    for (size_t i = 0; i < sizeof FAULTS / sizeof *FAULTS; i++)
        sigdelset(&others, FAULTS[i]);
    pthread_sigmask(SIG_BLOCK, &others, &before); /* inherited by what is made now */
    while (count < size && count < TEAM_SIZE_MAX) {
        member[count] = (struct member){.number = count, .work = work, .context = context};
        if (pthread_create(&member[count].thread, NULL, begin, &member[count]) != 0)
            break;
        count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    work(context, 0);
    while (--count > 0)
        pthread_join(member[count].thread, NULL);
    pthread_setcancelstate(cancellable, NULL);
}
