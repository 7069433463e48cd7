/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <h5ckpt.h>
#include <stdlib.h>

#include "glance.h"
#include "run_options.h"
#include "run_tell.h"
#include "terminal.h"
#include "text.h"
#include "verdict.h"

enum { POLL_NS = 50000000 }; /* how often it is asked whether a writer has gone, which nobody is told */

static const char JOB_END_TIME[] = "SLURM_JOB_END_TIME";

struct supervision {
    struct run_options options;
    struct signals signals;
    struct terminal terminal;
    struct run_tell tell;
    struct run_place place; /* as it was last seen */
    uint64_t idle_count;
    uint64_t restart_count;
    int status;   /* of the last life */
    int asked_by; /* the signal that ended a wait; 0: none */
};

/* ------------------------------------------------------------------------- waits */

/* Without a program, until then. False: a signal has asked for the end. */
static bool wait_until(struct supervision *supervision, int64_t end_ns)
{
    int number;

    while ((number = signals_wait(&supervision->signals, end_ns, NULL)) != 0) {
        if (number == SIGCHLD) /* somebody else's that has become ours: the next life's look takes it */
            continue;
        run_tell_signal(number, run_life_asks_for_end(number));
        if (run_life_asks_for_end(number)) {
            supervision->asked_by = number;
            supervision->status = H5CKPT_EXIT_PREEMPTED; /* whoever asked may start it again: nothing is lost by that */
            return false;
        }
    }
    return true;
}

/*
 * What a program leaves behind, a child that was saving for it or one that loads data, may hold the directory for a
 * moment. False: a signal has asked for the end.
 */
static bool wait_until_free(struct supervision *supervision)
{
    const int64_t end_ns = signals_clock_ns() + supervision->options.backoff_max_ns;

    supervision->place = run_place_now(supervision->options.directory);
    if (supervision->place.held)
        run_tell_held(&supervision->tell);
    while (supervision->place.held && signals_clock_ns() < end_ns) {
        if (!wait_until(supervision, signals_clock_ns() + POLL_NS))
            return false;
        supervision->place = run_place_now(supervision->options.directory);
    }
    return true;
}

/* ------------------------------------------------------------------------- lives */

/* After the waits that have followed it. */
static int64_t now_wall_ns(const struct run_life *life)
{
    return life->ended_wall_ns + (signals_clock_ns() - life->ended_ns);
}

static enum run_verdict judge(struct supervision *supervision, struct run_record *record)
{
    const struct run_options *options = &supervision->options;
    struct run_past past = {
        .end = record->life.end,
        .asked = record->life.asked,
        .held = record->after.held,
        .deleted = run_place_was_deleted(&record->before, &record->after),
        .progress = run_place_progress(&record->before, &record->after),
        .idle_before = supervision->idle_count,
        .idle_max = options->idle_max,
        .restart_count = supervision->restart_count,
        .restart_max = options->restart_max,
    };

    record->idle_count = supervision->idle_count = run_idle_count(&past);
    record->backoff_ns = run_backoff_ns(supervision->idle_count, options->backoff_ns, options->backoff_max_ns);
    past.time_is_up = run_time_is_up(getenv(JOB_END_TIME), now_wall_ns(&record->life), record->backoff_ns);
    return run_decide(&past);
}

/* One life, and the wait that follows it. */
static enum run_verdict live(struct supervision *supervision)
{
    struct run_record record = {.number = supervision->tell.count + 1};
    bool go_on = true;

    record.before = run_place_now(supervision->options.directory);
    if (!wait_until(supervision, signals_clock_ns())) /* what has come by now would never reach it */
        return RUN_STOP_ASKED;
    run_tell_begin(&supervision->tell, record.number, &record.before);
    record.life = run_life(supervision->options.arguments, &supervision->signals, supervision->options.kill_after_ns);
    supervision->status = record.life.status;
    terminal_put_back(&supervision->terminal);
    if (record.life.asked == RUN_ASKED_END)
        supervision->place = run_place_now(supervision->options.directory);
    else
        go_on = wait_until_free(supervision);
    record.after = supervision->place;
    record.verdict = judge(supervision, &record);
    if (!go_on)
        record.verdict = RUN_STOP_ASKED;
    run_tell_end(&supervision->tell, &record);
    if (record.verdict != RUN_RESTART)
        return record.verdict;
    supervision->restart_count++;
    return wait_until(supervision, signals_clock_ns() + record.backoff_ns) ? RUN_RESTART : RUN_STOP_ASKED;
}

static int supervise(struct supervision *supervision)
{
    enum run_verdict verdict = RUN_RESTART;

    if (!wait_until_free(supervision))
        verdict = RUN_STOP_ASKED;
    else if (supervision->place.held)
        verdict = RUN_STOP_HELD;
    while (verdict == RUN_RESTART)
        verdict = live(supervision);
    run_tell_verdict(&supervision->tell, verdict, supervision->asked_by, &supervision->place);
    if (supervision->tell.count > 1)
        run_tell_summary(&supervision->tell);
    return run_exit_status(verdict, supervision->status);
}

/* What can never be a backup directory is a mistake in the call. */
static bool is_possible(const char *directory)
{
    struct glance glance = glance_at(directory);
    const bool possible = glance.status != H5CKPT_E_ARGUMENT;

    if (!possible)
        text_complain("%s", glance.message);
    glance_free(&glance);
    return possible;
}

int run(int argc, char **argv)
{
    struct supervision supervision = {.options = run_options_parse(argc, argv), .terminal = terminal_note()};
    struct run_tell *tell = &supervision.tell;

    tell->directory = supervision.options.directory;
    tell->arguments = supervision.options.arguments;
    tell->journal = -1;
    if (!is_possible(tell->directory))
        return VERDICT_USAGE;
    if (supervision.options.journal != NULL && !run_tell_open_journal(tell, supervision.options.journal))
        return RUN_EXIT_FAILED;
    signals_take(&supervision.signals, RUN_LIFE_SIGNALS);
    signals_survive_pipe(&supervision.signals);
    return supervise(&supervision);
}
