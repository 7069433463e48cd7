/* SPDX-License-Identifier: MIT */
#include "storage/team.h"

#include "storage/thread.h"

struct member {
    struct thread thread;
    unsigned number;
    void (*work)(void *context, unsigned member);
    void *context;
};

static void begin(void *argument)
{
    const struct member *member = argument;

    member->work(member->context, member->number);
}

void team_run(unsigned size, void (*work)(void *context, unsigned member), void *context)
{
    struct member member[TEAM_SIZE_MAX];
    unsigned count = 1;
    const int cancel = thread_hold_cancel(); /* the members work on this thread's stack */

    while (count < size && count < TEAM_SIZE_MAX) {
        member[count] = (struct member){.number = count, .work = work, .context = context};
        if (!thread_start(&member[count].thread, begin, &member[count]))
            break;
        count++;
    }
    work(context, 0);
    while (--count > 0)
        thread_join(&member[count].thread);
    thread_release_cancel(cancel);
}
