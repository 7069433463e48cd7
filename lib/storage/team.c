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
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before); /* inherited by what is made now */
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
}
