/* SPDX-License-Identifier: MIT */
#include "callback/signal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_POINTER_LOCK_FREE == 2, "a handler must not wait for a lock");

/*
 * A handler that was installed over ours may keep ours and call it for ever. Installed again above that one, ours must
 * be another function, or the two would call each other without end: hence layers.
 */
enum { NUMBER_COUNT = NSIG, LAYER_COUNT = 4 };

struct layer {
    bool buried;             /* another handler was installed over it: not to be used again */
    struct sigaction before; /* to be put back */
    /*
     * What it passes signals on to; both NULL: there was the default action. Atomic, for any thread may be in a
     * handler.
     */
    void (*_Atomic plain)(int number);
    void (*_Atomic informed)(int number, siginfo_t *information, void *machine);
    atomic_bool once; /* SA_RESETHAND: only the first is passed on */
};

static struct kind {
    atomic_uint count;
    atomic_uint watch_count;
    struct layer *top; /* the installed one; NULL: none is, or the signal is ignored */
    struct layer layer[LAYER_COUNT];
} kinds[NUMBER_COUNT];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of everything but what a handler reads */
static _Atomic pid_t watching_process;

/* --------------------------------------------------------------- in the handler */

static bool pass_on(struct layer *layer, int number, siginfo_t *information, void *machine)
{
    void (*plain)(int) = atomic_load(&layer->plain);
    void (*informed)(int, siginfo_t *, void *) = atomic_load(&layer->informed);

    if (plain == NULL && informed == NULL)
        return false;
    if (atomic_exchange(&layer->once, false)) {
        atomic_store(&layer->plain, NULL);
        atomic_store(&layer->informed, NULL);
    }
    if (informed != NULL)
        informed(number, information, machine);
    else
        plain(number);
    return true;
}

static int layer_of(const struct sigaction *action);

/* (3) The handler was left behind: by fork(), or by one who put it back after its time. */
static bool is_left_behind(int number)
{
    struct sigaction now;

    if (atomic_load(&watching_process) == getpid() && atomic_load(&kinds[number].watch_count) > 0)
        return false;
    return sigaction(number, NULL, &now) == 0 && layer_of(&now) >= 0; /* else another handler has called us */
}

static void handle(unsigned layer_number, int number, siginfo_t *information, void *machine)
{
    const int reason = errno;

    atomic_fetch_add(&kinds[number].count, 1);
    if (!pass_on(&kinds[number].layer[layer_number], number, information, machine) && is_left_behind(number)) {
        signal(number, SIG_DFL);
        raise(number); /* it is blocked until we return */
    }
    errno = reason;
}

#define LAYER_HANDLER(layer)                                                      \
    static void handle_##layer(int number, siginfo_t *information, void *machine) \
    {                                                                             \
        handle(layer, number, information, machine);                              \
    }
LAYER_HANDLER(0)
LAYER_HANDLER(1)
LAYER_HANDLER(2)
LAYER_HANDLER(3)

static void (*const HANDLER[LAYER_COUNT])(int, siginfo_t *, void *) = {handle_0, handle_1, handle_2, handle_3};

/* Which layer's handler is this? -1: it is not ours. */
static int layer_of(const struct sigaction *action)
{
    if ((action->sa_flags & SA_SIGINFO) != 0)
        for (int i = 0; i < LAYER_COUNT; i++)
            if (action->sa_sigaction == HANDLER[i])
                return i;
    return -1;
}

/* ------------------------------------------------------------- install, put back */

static bool is_plain(const struct sigaction *action, void (*handler)(int))
{
    return (action->sa_flags & SA_SIGINFO) == 0 && action->sa_handler == handler;
}

/* As the earlier handler was installed, so that the program's system calls are interrupted, or not, as before. */
static struct sigaction action_over(const struct sigaction *before, unsigned layer_number)
{
    const int kept = is_plain(before, SIG_DFL) ? SA_RESTART : before->sa_flags & (SA_RESTART | SA_NODEFER);
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | kept, .sa_mask = before->sa_mask};

    action.sa_sigaction = HANDLER[layer_number];
    return action;
}

static void fill_layer(struct layer *layer, const struct sigaction *before)
{
    const bool informed = (before->sa_flags & SA_SIGINFO) != 0;

    layer->before = *before;
    atomic_store(&layer->once, (before->sa_flags & SA_RESETHAND) != 0);
    atomic_store(&layer->informed, informed ? before->sa_sigaction : NULL);
    atomic_store(&layer->plain, informed || is_plain(before, SIG_DFL) ? NULL : before->sa_handler);
}

static h5ckpt_status install(int number, struct error *error)
{
    struct kind *kind = &kinds[number];
    struct sigaction before;
    unsigned i = 0;

    if (sigaction(number, NULL, &before) != 0)
        return error_set_errno(error, errno, "cannot watch %s (%d)", signal_name(number), number);
    if (is_plain(&before, SIG_IGN))
        return H5CKPT_OK; /* (2) */
    if (layer_of(&before) >= 0) {
        kind->top = &kind->layer[layer_of(&before)];
        kind->top->buried = false;
        return H5CKPT_OK;
    }
    if (kind->top != NULL)
        kind->top->buried = true;
    while (i < LAYER_COUNT && kind->layer[i].buried)
        i++;
    if (i == LAYER_COUNT)
        return error_set(error, H5CKPT_E_SYSTEM,
                         "cannot watch %s (%d): its handler has been replaced %d times while it was watched",
                         signal_name(number), number, LAYER_COUNT);
    const struct sigaction ours = action_over(&before, i);
    fill_layer(&kind->layer[i], &before);
    kind->top = &kind->layer[i];
    if (sigaction(number, &ours, NULL) != 0)
        return error_set_errno(error, errno, "cannot watch %s (%d)", signal_name(number), number);
    return H5CKPT_OK;
}

static void put_back(int number)
{
    struct kind *kind = &kinds[number];
    struct sigaction now;

    if (kind->top == NULL || sigaction(number, NULL, &now) != 0)
        return;
    if (layer_of(&now) >= 0 && &kind->layer[layer_of(&now)] == kind->top)
        sigaction(number, &kind->top->before, NULL);
    else
        kind->top->buried = true; /* (1) */
    kind->top = NULL;
}

/* In a child process the watchers are the parent's. */
static void enter_process(void)
{
    if (atomic_load(&watching_process) == getpid())
        return;
    for (int number = 1; number < NUMBER_COUNT; number++) {
        if (atomic_exchange(&kinds[number].watch_count, 0) > 0)
            put_back(number);
        kinds[number].top = NULL;
    }
    atomic_store(&watching_process, getpid());
}

/* ------------------------------------------------------------------------ watch */

static void end(struct signal_watch *watch)
{
    for (int i = 0; i < SIGNAL_WATCH_MAX; i++) {
        const int number = watch->signal[i].number;
        if (number != 0 && atomic_fetch_sub(&kinds[number].watch_count, 1) == 1)
            put_back(number);
    }
    watch->process = 0;
}

static h5ckpt_status begin(struct signal_watch *watch, const int number[SIGNAL_WATCH_MAX], struct error *error)
{
    h5ckpt_status status = H5CKPT_OK;

    for (int i = 0; i < SIGNAL_WATCH_MAX && number[i] != 0 && status == H5CKPT_OK; i++) {
        watch->signal[i].number = number[i];
        watch->signal[i].count_before = atomic_load(&kinds[number[i]].count);
        atomic_fetch_add(&kinds[number[i]].watch_count, 1);
        status = install(number[i], error);
    }
    if (status < 0)
        end(watch);
    return status;
}

h5ckpt_status signal_watch_begin(struct signal_watch *watch, const int number[SIGNAL_WATCH_MAX], struct error *error)
{
    h5ckpt_status status;

    *watch = (struct signal_watch){.process = getpid()};
    pthread_mutex_lock(&lock);
    enter_process();
    status = begin(watch, number, error);
    pthread_mutex_unlock(&lock);
    return status;
}

void signal_watch_end(struct signal_watch *watch)
{
    if (watch->process == 0 || watch->process != getpid())
        return;
    pthread_mutex_lock(&lock);
    end(watch);
    pthread_mutex_unlock(&lock);
}

int signal_watch_caught(const struct signal_watch *watch)
{
    for (int i = 0; watch->process != 0 && i < SIGNAL_WATCH_MAX; i++) {
        const int number = watch->signal[i].number;
        if (number != 0 && atomic_load(&kinds[number].count) != watch->signal[i].count_before)
            return number;
    }
    return 0;
}

/* ------------------------------------------------------------------------- names */

h5ckpt_status signal_check(int number, struct error *error)
{
    static const int FAULTS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}; /* training cannot go on */
    struct sigaction now;

    for (size_t i = 0; i < sizeof FAULTS / sizeof *FAULTS; i++)
        if (number == FAULTS[i])
            return error_set(error, H5CKPT_E_ARGUMENT,
                             "callback options: preemption.signals has %d, which tells of a fault, not of preemption",
                             number);
    if (number <= 0 || number >= NUMBER_COUNT || number == SIGKILL || number == SIGSTOP ||
        sigaction(number, NULL, &now) != 0)
        return error_set(error, H5CKPT_E_ARGUMENT,
                         "callback options: preemption.signals has %d, which is no signal that can be caught", number);
    return H5CKPT_OK;
}

const char *signal_name(int number)
{
    static const struct {
        int number;
        const char *name;
    } KNOWN[] = {
        {SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"},   {SIGUSR1, "SIGUSR1"}, {SIGUSR2, "SIGUSR2"},
        {SIGXCPU, "SIGXCPU"}, {SIGHUP, "SIGHUP"},   {SIGCONT, "SIGCONT"}, {SIGQUIT, "SIGQUIT"},
        {SIGALRM, "SIGALRM"}, {SIGTSTP, "SIGTSTP"}, {SIGPWR, "SIGPWR"},
    };

    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
        if (KNOWN[i].number == number)
            return KNOWN[i].name;
    return "a signal";
}
