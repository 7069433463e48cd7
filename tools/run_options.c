/* SPDX-License-Identifier: MIT */
#include "run_options.h"

#include <argp.h>

#include "directory_argument.h"
#include "quantity.h"
#include "signals.h"

enum { NS_PER_S = 1000000000, IDLE_DEFAULT = 2, BACKOFF_DEFAULT_S = 1, BACKOFF_MAX_DEFAULT_S = 60 };

enum { /* no short options */
       OPTION_MAX_RESTARTS = 256,
       OPTION_MAX_IDLE,
       OPTION_BACKOFF,
       OPTION_BACKOFF_MAX,
       OPTION_KILL_AFTER,
       OPTION_JOURNAL,
};

static const struct argp_option OPTIONS[] = {
    {.name = "max-restarts", .key = OPTION_MAX_RESTARTS, .arg = "N", .doc = "start it again at most N times"},
    {.name = "max-idle",
     .key = OPTION_MAX_IDLE,
     .arg = "N",
     .doc = "give up after N lives in a row that saved nothing new (default 2)"},
    {.name = "backoff",
     .key = OPTION_BACKOFF,
     .arg = "SECONDS",
     .doc = "wait so long before starting it again, twice as long after each life that saved nothing new (default 1)"},
    {.name = "backoff-max",
     .key = OPTION_BACKOFF_MAX,
     .arg = "SECONDS",
     .doc = "but no longer than this (default 60); so long also for a writer that is still there to end"},
    {.name = "kill-after",
     .key = OPTION_KILL_AFTER,
     .arg = "SECONDS",
     .doc = "kill it so long after it was first asked to end by a signal (default: never)"},
    {.name = "journal", .key = OPTION_JOURNAL, .arg = "FILE", .doc = "append a JSON object for each life to FILE"},
    {0},
};

static void take_argument(struct run_options *options, char *argument, struct argp_state *state)
{
    const int at = state->next - 1;

    if (state->quoted != 0 && at >= state->quoted) {
        options->arguments = state->argv + at;
        state->next = state->argc;
    } else if (options->directory != NULL) {
        argp_error(state, "the program must stand behind `--'");
    } else {
        directory_argument_take(&options->directory, argument, state);
    }
}

static void check(const struct run_options *options, struct argp_state *state)
{
    directory_argument_check(options->directory, state);
    if (options->arguments == NULL)
        argp_error(state, "no program is given; it stands behind `--'");
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct run_options *options = state->input;

    switch (key) {
    case OPTION_MAX_RESTARTS:
        options->restart_max = quantity_count(state, "--max-restarts", argument, 0);
        return 0;
    case OPTION_MAX_IDLE:
        options->idle_max = quantity_count(state, "--max-idle", argument, 1);
        return 0;
    case OPTION_BACKOFF:
        options->backoff_ns = quantity_seconds_ns(state, "--backoff", argument, 0);
        return 0;
    case OPTION_BACKOFF_MAX:
        options->backoff_max_ns = quantity_seconds_ns(state, "--backoff-max", argument, 0);
        return 0;
    case OPTION_KILL_AFTER:
        options->kill_after_ns = quantity_seconds_ns(state, "--kill-after", argument, 0);
        return 0;
    case OPTION_JOURNAL:
        options->journal = argument;
        return 0;
    case ARGP_KEY_ARG:
        take_argument(options, argument, state);
        return 0;
    case ARGP_KEY_END:
        check(options, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp ARGP = {
    .options = OPTIONS,
    .parser = parse,
    .args_doc = "DIR -- PROGRAM [ARGUMENT...]",
    .doc = "Start PROGRAM, which keeps its checkpoint in the backup directory DIR, and start it again when it crashes "
           "or is preempted, until it finishes or saves nothing new any more.\v"
           "Exit status: the program's last one, 128 and the signal's number if a signal ended it; 125 if it cannot "
           "be looked after, 126 or 127 if it cannot be executed, 64 wrong usage. h5ckpt(1) tells more.",
};

struct run_options run_options_parse(int argc, char **argv)
{
    struct run_options options = {
        .restart_max = UINT64_MAX,
        .idle_max = IDLE_DEFAULT,
        .backoff_ns = BACKOFF_DEFAULT_S * (int64_t)NS_PER_S,
        .backoff_max_ns = BACKOFF_MAX_DEFAULT_S * (int64_t)NS_PER_S,
        .kill_after_ns = SIGNALS_NO_END,
    };

    argp_parse(&ARGP, argc, argv, ARGP_IN_ORDER, NULL, &options);
    return options;
}
