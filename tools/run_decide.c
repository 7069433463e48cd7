/* SPDX-License-Identifier: MIT */
#include "run_decide.h"

#include <h5ckpt.h>
#include <stdlib.h>

uint64_t run_idle_count(const struct run_past *past)
{
    if (past->progress == RUN_PROGRESS_UNKNOWN)
        return past->idle_before;
    return past->progress == RUN_PROGRESSED ? 0 : past->idle_before + 1;
}

/* A notice that the program has obeyed asked for the end. */
static bool was_asked(const struct run_past *past)
{
    return past->asked == RUN_ASKED_END || (past->asked == RUN_NOTICED && past->end == RUN_PREEMPTED);
}

bool run_time_is_up(const char *end_time, int64_t now_wall_ns, int64_t backoff_ns)
{
    static const double LIFE_SECONDS_MIN = 60;
    char *rest;
    double end;

    if (end_time == NULL)
        return false;
    end = strtod(end_time, &rest);
    if (*rest != '\0' || !(end > 0)) /* an empty text is 0 */
        return false;
    return end < (double)now_wall_ns / 1e9 + (double)backoff_ns / 1e9 + LIFE_SECONDS_MIN;
}

enum run_verdict run_decide(const struct run_past *past)
{
    if (past->end == RUN_NOT_EXECUTED)
        return RUN_STOP_NOT_EXECUTED;
    if (past->end == RUN_FINISHED)
        return past->held && !was_asked(past) ? RUN_STOP_HELD : RUN_STOP_FINISHED;
    if (past->deleted && !past->held)
        return RUN_STOP_DELETED;
    if (was_asked(past))
        return RUN_STOP_ASKED;
    if (past->end == RUN_PREEMPTED && past->time_is_up)
        return RUN_STOP_TIME;
    if (past->held)
        return RUN_STOP_HELD;
    if (past->progress == RUN_IDLE && run_idle_count(past) >= past->idle_max)
        return RUN_STOP_IDLE;
    return past->restart_count >= past->restart_max ? RUN_STOP_RESTARTS : RUN_RESTART;
}

int64_t run_backoff_ns(uint64_t idle_count, int64_t first_ns, int64_t max_ns)
{
    int64_t wait_ns = first_ns < max_ns ? first_ns : max_ns;

    for (uint64_t i = 0; i < idle_count && wait_ns < max_ns && wait_ns != 0; i++)
        wait_ns = wait_ns > max_ns / 2 ? max_ns : 2 * wait_ns;
    return wait_ns;
}

int run_exit_status(enum run_verdict verdict, int life_status)
{
    const bool wrong = life_status == 0 ? verdict != RUN_STOP_FINISHED
                                        : life_status == H5CKPT_EXIT_PREEMPTED && verdict != RUN_STOP_ASKED &&
                                              verdict != RUN_STOP_TIME;

    return wrong || verdict == RUN_STOP_HELD ? RUN_EXIT_FAILED : life_status;
}
