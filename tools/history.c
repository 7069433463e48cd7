/* SPDX-License-Identifier: MIT */
#include "history.h"

#include <argp.h>
#include <locale.h>
#include <stdlib.h>

#include "directory_argument.h"
#include "logs.h"
#include "memory.h"
#include "text.h"
#include "verdict.h"

struct history_request {
    const char *directory;
    enum { HISTORY_TABLE, HISTORY_CSV, HISTORY_JSON, HISTORY_DRAWING } form;
    const char *plot; /* a file; NULL */
    const char **logs;
    size_t log_count; /* 0: all */
};

enum { OPTION_CSV = 256, OPTION_JSON, OPTION_DRAW, OPTION_PLOT, OPTION_LOG }; /* no short options */

static const struct argp_option OPTIONS[] = {
    {.name = "csv", .key = OPTION_CSV, .doc = "print comma-separated values instead of a table"},
    {.name = "json", .key = OPTION_JSON, .doc = "print one JSON document instead of a table"},
    {.name = "draw", .key = OPTION_DRAW, .doc = "draw in the terminal instead of printing a table, by gnuplot"},
    {.name = "plot",
     .key = OPTION_PLOT,
     .arg = "FILE",
     .doc = "draw into the file FILE, an SVG image, and print nothing"},
    {.name = "log", .key = OPTION_LOG, .arg = "NAME", .doc = "only this log; may be given again"},
    {0},
};

static error_t take_form(struct history_request *request, int form, struct argp_state *state)
{
    if (request->form != HISTORY_TABLE)
        argp_error(state, "--csv, --json and --draw exclude each other");
    request->form = form;
    return 0;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct history_request *request = state->input;

    switch (key) {
    case OPTION_CSV:
        return take_form(request, HISTORY_CSV, state);
    case OPTION_JSON:
        return take_form(request, HISTORY_JSON, state);
    case OPTION_DRAW:
        return take_form(request, HISTORY_DRAWING, state);
    case OPTION_PLOT:
        request->plot = argument;
        return 0;
    case OPTION_LOG:
        request->logs = memory_for_one_more(request->logs, request->log_count, sizeof *request->logs);
        request->logs[request->log_count++] = argument;
        return 0;
    case ARGP_KEY_ARG:
        return directory_argument_take(&request->directory, argument, state);
    case ARGP_KEY_END:
        directory_argument_check(request->directory, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp ARGP = {
    .options = OPTIONS,
    .parser = parse,
    .args_doc = "DIR",
    .doc = "Show what a program has logged up to the state in the backup directory DIR that a restore would "
           "give.\v" VERDICT_DOC,
};

static bool show(const struct logs *logs, const struct history_request *request)
{
    switch (request->form) {
    case HISTORY_CSV:
        logs_as_csv(logs);
        return true;
    case HISTORY_JSON:
        logs_as_json(logs);
        return true;
    case HISTORY_DRAWING:
        return logs_draw_text(logs);
    case HISTORY_TABLE:
        if (request->plot == NULL)
            logs_as_table(logs);
        return true;
    }
    return true;
}

static enum verdict show_history(struct history_request *request)
{
    setlocale(LC_NUMERIC, "C"); /* numbers are for gnuplot and other programs, too */
    struct logs logs = logs_read(request->directory, request->logs, request->log_count);
    enum verdict verdict = logs.verdict;

    if (logs.message[0] != '\0')
        text_complain("%s", logs.message);
    if (logs_are_known(&logs)) {
        if (!show(&logs, request) || (request->plot != NULL && !logs_draw_svg(&logs, request->plot)))
            verdict = VERDICT_UNKNOWN;
    } else if (request->form == HISTORY_JSON) {
        logs_as_json(&logs);
    }
    logs_free(&logs);
    free(request->logs);
    return verdict;
}

int history(int argc, char **argv)
{
    struct history_request request = {0};

    argp_parse(&ARGP, argc, argv, 0, NULL, &request);
    return show_history(&request);
}
