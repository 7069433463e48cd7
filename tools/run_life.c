/* SPDX-License-Identifier: MIT */
#include "run_life.h"

#include <errno.h>
#include <h5ckpt.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const int RUN_LIFE_SIGNALS[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXCPU, SIGUSR1, SIGUSR2, SIGCHLD, 0};

enum { SIGNAL_STATUS = 128 };

/* ----------------------------------------------------------------------- start */

/*
 * A child inherits no pending signals. So what is pending for the parent when it has been made, the parent passes on;
 * and where that has reached the child as well, it is dropped here, before it can be taken. Each key comes once, at
 * whatever instant it is pressed.
 */
static sigset_t hand_over(const struct signals *signals, int channel)
{
    sigset_t missed;

    sigpending(&missed);
    sigandset(&missed, &missed, &signals->taken);
    if (write(channel, &missed, sizeof missed) < 0)
        sigemptyset(&missed); /* it is over, which is what will be heard of next */
    return missed;
}

static void drop_what_is_passed_on(int channel)
{
    const struct timespec now = {0};
    sigset_t missed;

    if (read(channel, &missed, sizeof missed) != sizeof missed)
        _exit(EXIT_FAILURE); /* the parent is no more */
    while (sigtimedwait(&missed, NULL, &now) > 0)
        ;
}

/*
 * In the child. If we are killed, nobody would look after the program, and its lock would keep a new run away: SIGTERM
 * lets it save and end. (Whoever is killed before that is in force has another parent by then.)
 */
static _Noreturn void be_program(char **arguments, const struct signals *signals, pid_t parent, int channel)
{
    int reason;

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    drop_what_is_passed_on(channel);
    signals_give_back(signals);
    execvp(arguments[0], arguments);
    reason = errno;
    if (write(channel, &reason, sizeof reason) < 0)
        _exit(EXIT_FAILURE);
    _exit(RUN_EXIT_NOT_FOUND);
}

/* The other end closes when the program is executed; before that, it says why it could not be. */
static int read_report(int channel)
{
    int reason = 0;
    ssize_t count;

    do
        count = read(channel, &reason, sizeof reason);
    while (count < 0 && errno == EINTR);
    return count == sizeof reason ? reason : 0;
}

/*
 * The process, or -1 with errno. `exec_errno`: it could not be executed. `missed`: signals that came too early for it.
 */
static pid_t start(char **arguments, const struct signals *signals, int *exec_errno, sigset_t *missed)
{
    const pid_t parent = getpid();
    int channel[2];
    pid_t child;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0)
        return -1;
    child = fork();
    if (child == 0) {
        close(channel[0]);
        be_program(arguments, signals, parent, channel[1]);
    }
    const int reason = errno;
    close(channel[1]);
    *missed = hand_over(signals, channel[0]);
    *exec_errno = child < 0 ? 0 : read_report(channel[0]);
    close(channel[0]);
    errno = reason;
    return child;
}

/* ----------------------------------------------------------------------- watch */

bool run_life_asks_for_end(int number)
{
    return number != SIGUSR1 && number != SIGUSR2 && number != SIGCHLD && number != 0;
}

/* What the terminal sends it sends to all of our process group, which the program may have left (timeout, setsid). */
static bool has_got_key(pid_t process)
{
    return getpgid(process) == getpgrp();
}

static void pass_on(struct run_life *life, pid_t process, int number, bool had_by_program)
{
    const enum run_asked asked = run_life_asks_for_end(number) ? RUN_ASKED_END : RUN_NOTICED;

    if (!had_by_program)
        kill(process, number);
    if (asked > life->asked) {
        life->asked = asked;
        life->asked_by = number;
    }
}

/* Take every child that has ended; true: the program is among them. */
static bool reap(pid_t process, int *wait_status)
{
    bool over = false;
    int status;
    pid_t child;

    while ((child = waitpid(-1, &status, WNOHANG)) > 0)
        if (child == process) {
            *wait_status = status;
            over = true;
        }
    return over;
}

/* `missed`: what came too early for it. */
static int await(struct run_life *life, pid_t process, const struct signals *signals, sigset_t missed,
                 int64_t kill_after_ns)
{
    int64_t kill_ns = SIGNALS_NO_END;
    bool from_keyboard;
    int wait_status = 0;

    while (!reap(process, &wait_status)) {
        const int number = signals_wait(signals, kill_ns, &from_keyboard);
        if (number == 0) {
            kill(process, SIGKILL);
            kill_ns = SIGNALS_NO_END;
            kill_after_ns = SIGNALS_NO_END;
        } else if (number != SIGCHLD) {
            pass_on(life, process, number, from_keyboard && sigismember(&missed, number) == 0 && has_got_key(process));
            sigdelset(&missed, number);
        }
        if (life->asked == RUN_ASKED_END && kill_ns == SIGNALS_NO_END && kill_after_ns != SIGNALS_NO_END)
            kill_ns = signals_clock_ns() + kill_after_ns;
    }
    return wait_status;
}

/* ------------------------------------------------------------------------ judge */

static void judge(struct run_life *life, int wait_status)
{
    if (WIFSIGNALED(wait_status)) {
        life->died_of = WTERMSIG(wait_status);
        life->status = SIGNAL_STATUS + life->died_of;
        life->end = RUN_CRASHED;
        if (life->asked == RUN_NOTICED && (life->died_of == SIGUSR1 || life->died_of == SIGUSR2))
            life->asked = RUN_ASKED_END; /* it did not know the notice: that was the end */
        return;
    }
    life->status = WEXITSTATUS(wait_status);
    life->end = life->status == 0 ? RUN_FINISHED : life->status == H5CKPT_EXIT_PREEMPTED ? RUN_PREEMPTED : RUN_CRASHED;
}

static void judge_start(struct run_life *life, pid_t process, int reason)
{
    life->start_errno = reason;
    life->end = process < 0 ? RUN_NOT_STARTED : RUN_NOT_EXECUTED;
    life->status = process < 0 ? RUN_EXIT_FAILED : reason == ENOENT ? RUN_EXIT_NOT_FOUND : RUN_EXIT_NOT_EXECUTABLE;
}

struct run_life run_life(char **arguments, const struct signals *signals, int64_t kill_after_ns)
{
    struct run_life life = {.begun_ns = signals_clock_ns()};
    struct timespec now;
    int exec_errno = 0;
    sigset_t missed;
    const pid_t process = start(arguments, signals, &exec_errno, &missed);

    if (process < 0)
        judge_start(&life, process, errno);
    else
        judge(&life, await(&life, process, signals, missed, kill_after_ns));
    if (exec_errno != 0)
        judge_start(&life, process, exec_errno);
    clock_gettime(CLOCK_REALTIME, &now);
    life.ended_ns = signals_clock_ns();
    life.ended_wall_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
    return life;
}
