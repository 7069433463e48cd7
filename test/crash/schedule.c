/* SPDX-License-Identifier: MIT */
#include "crash/schedule.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "crash/seen.h"
#include "storage/thread.h"

enum { TASK_COUNT_MAX = 8, PROGRAM = 0 };

struct task {
    bool begun; /* and not yet joined */
    bool over;
    struct thread *thread;
    pthread_cond_t turn_has_come;
};

static struct {
    bool on;
    enum schedule_threads threads;
    uint64_t random;
    uint64_t eagerness; /* in eighths: how often it is another one's turn */
    pthread_mutex_t lock;
    unsigned running;
    struct task task[TASK_COUNT_MAX];
} schedule = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local unsigned self = PROGRAM;

bool __real_thread_start(struct thread *thread, void (*work)(void *context), void *context);
bool __wrap_thread_start(struct thread *thread, void (*work)(void *context), void *context);
void __real_thread_join(struct thread *thread);
void __wrap_thread_join(struct thread *thread);
int __real_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __real_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until);

uint64_t schedule_draw(uint64_t bound)
{
    schedule.random = seen_mix(schedule.random);
    return schedule.random % bound;
}

void schedule_begin(uint64_t seed, enum schedule_threads threads)
{
    schedule.on = true;
    schedule.threads = threads;
    schedule.random = seen_mix(seed);
    schedule.eagerness = (uint64_t[]){4, 1, 7}[seed % 3];
    schedule.running = PROGRAM;
    for (unsigned i = 0; i < TASK_COUNT_MAX; i++)
        schedule.task[i] = (struct task){.begun = i == PROGRAM, .turn_has_come = PTHREAD_COND_INITIALIZER};
}

void schedule_end(void)
{
    schedule.on = false;
}

/* ------------------------------------------------------------------- turns */

/* With the lock held: it is `next`'s turn; comes back when it is the caller's again. */
static void hand_over(unsigned next)
{
    schedule.running = next;
    pthread_cond_signal(&schedule.task[next].turn_has_come);
    while (schedule.running != self && !schedule.task[self].over)
        __real_pthread_cond_wait(&schedule.task[self].turn_has_come, &schedule.lock);
}

/* Another one that has something to do; the caller if there is none. */
static unsigned another(void)
{
    unsigned ready[TASK_COUNT_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < TASK_COUNT_MAX; i++)
        if (i != self && schedule.task[i].begun && !schedule.task[i].over)
            ready[count++] = i;
    return count == 0 ? self : ready[count == 1 ? 0 : schedule_draw(count)];
}

static void give_turn_away(void)
{
    pthread_mutex_lock(&schedule.lock);
    hand_over(another());
    pthread_mutex_unlock(&schedule.lock);
}

void schedule_yield(void)
{
    if (schedule.on && another() != self && schedule_draw(8) < schedule.eagerness)
        give_turn_away();
}

void schedule_let_run(unsigned turn_count)
{
    for (unsigned i = 0; schedule.on && i < turn_count && another() != self; i++)
        give_turn_away();
}

/* ----------------------------------------------------------------- threads */

static void *run_task(void *argument)
{
    struct task *task = argument;

    self = (unsigned)(task - schedule.task);
    pthread_mutex_lock(&schedule.lock);
    while (schedule.running != self)
        __real_pthread_cond_wait(&task->turn_has_come, &schedule.lock);
    pthread_mutex_unlock(&schedule.lock);
    task->thread->work(task->thread->context);
    pthread_mutex_lock(&schedule.lock);
    task->over = true;
    hand_over(another());
    pthread_mutex_unlock(&schedule.lock);
    return NULL;
}

bool __wrap_thread_start(struct thread *thread, void (*work)(void *context), void *context)
{
    struct task *task = schedule.task;

    if (!schedule.on)
        return __real_thread_start(thread, work, context);
    if (schedule.threads == SCHEDULE_NO_THREADS)
        return false;
    while (task->begun)
        if (++task == schedule.task + TASK_COUNT_MAX)
            return false;
    task->begun = true;
    task->over = false;
    task->thread = thread;
    thread->work = work;
    thread->context = context;
    if (pthread_create(&thread->id, NULL, run_task, task) != 0) {
        fputs("schedule: no thread\n", stderr);
        abort();
    }
    return true;
}

void __wrap_thread_join(struct thread *thread)
{
    struct task *task = schedule.task;

    if (!schedule.on) {
        __real_thread_join(thread);
        return;
    }
    while (task->thread != thread || !task->begun)
        task++;
    while (!task->over)
        give_turn_away();
    pthread_join(thread->id, NULL);
    task->begun = false;
}

/* -------------------------------------------------------------- conditions */

/* It wakes for no reason, which it may, and looks again. */
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    if (!schedule.on)
        return __real_pthread_cond_wait(condition, mutex);
    pthread_mutex_unlock(mutex);
    give_turn_away();
    pthread_mutex_lock(mutex);
    return 0;
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until)
{
    if (!schedule.on)
        return __real_pthread_cond_timedwait(condition, mutex, until);
    return __wrap_pthread_cond_wait(condition, mutex);
}
