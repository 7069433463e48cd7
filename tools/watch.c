/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "directory_argument.h"
#include "live_line.h"
#include "quantity.h"
#include "signals.h"
#include "text.h"
#include "verdict.h"
#include "watch_show.h"

struct options {
    const char *directory;
    int64_t interval_ns;
    bool json;
    bool once;
};

/* ----------------------------------------------------------------- command line */

enum { INTERVAL_DEFAULT_NS = 1000000000 };

static const double INTERVAL_MIN_SECONDS = 0.01;

enum { OPTION_INTERVAL = 256, OPTION_JSON, OPTION_ONCE }; /* no short options */

static const struct argp_option OPTIONS[] = {
    {.name = "interval", .key = OPTION_INTERVAL, .arg = "SECONDS", .doc = "look so often (default 1)"},
    {.name = "json", .key = OPTION_JSON, .doc = "print one JSON object a line for whatever is new"},
    {.name = "once", .key = OPTION_ONCE, .doc = "look once; the exit status is that of info"},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case OPTION_INTERVAL:
        options->interval_ns = quantity_seconds_ns(state, "--interval", argument, INTERVAL_MIN_SECONDS);
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case OPTION_ONCE:
        options->once = true;
        return 0;
    case ARGP_KEY_ARG:
        return directory_argument_take(&options->directory, argument, state);
    case ARGP_KEY_END:
        directory_argument_check(options->directory, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp ARGP = {
    .options = OPTIONS,
    .parser = parse,
    .args_doc = "DIR",
    .doc = "Show, until its checkpoint is deleted, what is saved in the backup directory DIR: in a line that is "
           "written anew if standard output is a terminal, else in a line for each state. A directory that is not "
           "there yet is waited for.\v"
           "Exit status: 0 the checkpoint was deleted, as a program does when it has finished; with --once, that of "
           "info. h5ckpt(1) tells more.",
};

/* ------------------------------------------------------------------------- looks */

static const int SIGNALS[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, 0};

static enum sight_kind kind_of(h5ckpt_status status)
{
    switch (status) {
    case H5CKPT_OK:
    case H5CKPT_FELL_BACK:
        return SIGHT_STATE;
    case H5CKPT_NO_CHECKPOINT:
        return SIGHT_NOTHING;
    case H5CKPT_E_LOST:
        return SIGHT_LOST;
    default:
        return SIGHT_UNTOLD;
    }
}

static struct sight sight_of(const struct glance *glance)
{
    const struct h5ckpt_slot_report *slot = glance_restorable(glance);
    struct sight sight = {
        .kind = kind_of(glance->status), .writer = glance->report.writer_alive, .leavings = glance->only_milestones};

    if (slot == NULL)
        return sight;
    sight.sequence = slot->sequence;
    sight.saved_ns = slot->wall_time_ns;
    sight.unnoted = watch_account(glance) == NULL;
    for (unsigned i = 0; i < glance->report.slot_count; i++)
        if (glance->report.slot[i].role == H5CKPT_ROLE_PREVIOUS) {
            sight.previous_sequence = glance->report.slot[i].sequence;
            sight.previous_saved_ns = glance->report.slot[i].wall_time_ns;
        }
    return sight;
}

static void show(const struct options *options, const struct watched *watched, struct live_line *line, bool live)
{
    if (live && !(watched->news & NEWS_DELETED)) {
        char *text = watch_live_text(watched);
        live_line_draw(line, text);
        free(text);
        return;
    }
    live_line_end(line);
    if (options->json && watched->news != NEWS_NONE)
        watch_print_json(watched);
    else if (!options->json)
        watch_print_lines(watched);
    if (fflush(stdout) != 0)
        exit(VERDICT_UNKNOWN); /* which says why */
}

static bool refuse(const struct glance *glance)
{
    if (glance->status == H5CKPT_E_ARGUMENT)
        text_complain("%s", glance->message);
    return glance->status == H5CKPT_E_ARGUMENT;
}

/* ------------------------------------------------------------------------- watch */

static enum verdict look(const struct options *options, struct watched *watched, struct live_line *line, bool live)
{
    enum verdict status;

    watched->glance = glance_at(options->directory);
    const struct sight sight = sight_of(&watched->glance);
    status = verdict(watched->glance.status, &watched->glance.report, false);
    if (!refuse(&watched->glance)) {
        watched->news = follow_see(&watched->follow, &sight);
        show(options, watched, line, live);
    }
    glance_free(&watched->glance);
    return status;
}

int watch(int argc, char **argv)
{
    struct options options = {.interval_ns = INTERVAL_DEFAULT_NS};
    struct live_line line = {0};
    struct signals signals;
    enum verdict status;

    argp_parse(&ARGP, argc, argv, 0, NULL, &options);
    const bool live = !options.json && !options.once && isatty(STDOUT_FILENO);
    struct watched watched = {.directory = options.directory};
    if (options.once)
        return (int)look(&options, &watched, &line, live);
    signals_take(&signals, SIGNALS);
    while ((status = look(&options, &watched, &line, live)) != VERDICT_USAGE && !(watched.news & NEWS_DELETED)) {
        const int number = signals_wait(&signals, signals_clock_ns() + options.interval_ns, NULL);
        if (number == 0)
            continue;
        live_line_end(&line);
        signals_die_of(number);
    }
    return status == VERDICT_USAGE ? VERDICT_USAGE : 0;
}
