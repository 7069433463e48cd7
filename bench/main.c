/* SPDX-License-Identifier: MIT */
/*
 * h5ckpt-bench COMMAND: what h5ckpt takes, as ratios to named yardsticks that take turns with it in the same run.
 */
#include <argp.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "failure.h"
#include "scratch.h"
#include "show.h"
#include "workload.h"

/* --------------------------------------------------------------------- commands */

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

enum { ONE_EACH_64_BYTES = 0, ARRAYS_MAX = 100000, REPEAT_MIN = 5, REPEAT_MAX = 1000 };

struct command {
    const char *name;
    const char *doc;
    uint64_t byte_count; /* unless --bytes is given */
    size_t array_count;  /* unless --arrays is given */
    command_function *run;
};

static const struct command COMMAND[] = {
    {"save", "saves against writing the device, and against what people use", GIB, 64, command_save},
    {"restore", "restores against reading the device, and against memcpy", GIB, 64, command_restore},
    {"verify", "verifying every byte against reading the device", GIB, 64, command_verify},
    {"async", "saves in the background: stalls, steps, until durable", GIB, 64, command_async},
    {"incremental", "saves of which a part has changed, against saves of all of it", GIB, 64, command_incremental},
    {"small", "saves of 4 KiB against one write, and against what people use", 4 * KIB, 8, command_small},
    {"many", "100,000 variables of 64 bytes against the same bytes as one", UINT64_C(64) * ARRAYS_MAX,
     ONE_EACH_64_BYTES, command_many},
    {"scaling", "saves from 1 MiB up to --bytes, and of 1 to 100,000 variables", GIB, 64, command_scaling},
    {"budget", "time spent in saving against the share of run time that is allowed", MIB, 8, command_budget},
    {"overhead", "memory beyond the state, of saves and restores", GIB, 64, command_overhead},
};

enum { COMMAND_COUNT = sizeof COMMAND / sizeof *COMMAND };

/* ----------------------------------------------------------------- command line */

struct command_line {
    const struct command *command;
    struct settings settings;
};

enum {
    OPTION_DIR = 256,
    OPTION_BYTES,
    OPTION_ARRAYS,
    OPTION_REPEAT,
    OPTION_UNALIGNED,
    OPTION_JSON,
    OPTION_PLOT,
    OPTION_PYTHON,
}; /* no short options */

static const struct argp_option OPTIONS[] = {
    {.name = "dir",
     .key = OPTION_DIR,
     .arg = "DIR",
     .doc = "measure the device that holds DIR, in a fresh directory there that is removed at the end; default ."},
    {.name = "bytes",
     .key = OPTION_BYTES,
     .arg = "SIZE",
     .doc = "of the state, such as 4K, 256M or 1G; for scaling, of the largest, which --max may name as well"},
    {.name = "max", .key = OPTION_BYTES, .flags = OPTION_ALIAS},
    {.name = "arrays", .key = OPTION_ARRAYS, .arg = "N", .doc = "that the state consists of, at most 100000"},
    {.name = "repeat", .key = OPTION_REPEAT, .arg = "N", .doc = "repetitions, 5 (default) to 1000"},
    {.name = "unaligned", .key = OPTION_UNALIGNED, .doc = "let arrays begin eight bytes behind a page"},
    {.name = "json", .key = OPTION_JSON, .doc = "print one JSON document instead of tables"},
    {.name = "plot", .key = OPTION_PLOT, .arg = "FILE", .doc = "draw the ratios as an SVG image as well, by gnuplot"},
    {.name = "python",
     .key = OPTION_PYTHON,
     .arg = "PROGRAM",
     .doc = "the interpreter that has h5py and torch; default " BENCH_PYTHON},
    {0},
};

/* A number and perhaps K, M or G. 0 is none. */
static uint64_t parse_size(const char *text)
{
    static const char SUFFIX[] = "KMG";
    char *end;
    const char *suffix;
    uint64_t size;

    if (*text < '0' || *text > '9')
        return 0;
    errno = 0;
    size = strtoull(text, &end, 10);
    if (errno != 0 || size > UINT64_C(1) << 40)
        return 0;
    if (*end == '\0')
        return size;
    suffix = strchr(SUFFIX, *end);
    return suffix != NULL && end[1] == '\0' ? size << 10 * (suffix - SUFFIX + 1) : 0;
}

/* A number from `min` to `max`, or the end. */
static unsigned parse_count(const char *text, unsigned min, unsigned max, struct argp_state *state, const char *what)
{
    const uint64_t number = parse_size(text);

    if (number < min || number > max)
        argp_error(state, "%s: not a number from %u to %u", what, min, max);
    return (unsigned)number;
}

static const struct command *find_command(const char *name, struct argp_state *state)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(name, COMMAND[i].name) == 0)
            return &COMMAND[i];
    argp_error(state, "unknown command '%s'", name); /* does not return */
    return NULL;
}

/* What was not given is the command's. */
static void complete(struct command_line *line, struct argp_state *state)
{
    struct settings *settings = &line->settings;

    if (line->command == NULL)
        argp_error(state, "no command is given");
    if (settings->byte_count == 0)
        settings->byte_count = line->command->byte_count;
    if (settings->array_count == 0)
        settings->array_count = line->command->array_count;
    if (settings->array_count == ONE_EACH_64_BYTES)
        settings->array_count = settings->byte_count / 64 < ARRAYS_MAX ? settings->byte_count / 64 : ARRAYS_MAX;
    if (settings->array_count == 0 || settings->byte_count / settings->array_count < WORKLOAD_ARRAY_BYTES_MIN)
        argp_error(state, "--bytes: too few; an array has at least %d", WORKLOAD_ARRAY_BYTES_MIN);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct command_line *line = state->input;
    struct settings *settings = &line->settings;

    switch (key) {
    case OPTION_DIR:
        settings->directory = argument;
        return 0;
    case OPTION_BYTES:
        settings->byte_count = parse_size(argument);
        if (settings->byte_count == 0)
            argp_error(state, "--bytes: not a size such as 4K, 256M or 1G");
        return 0;
    case OPTION_ARRAYS:
        settings->array_count = parse_count(argument, 1, ARRAYS_MAX, state, "--arrays");
        return 0;
    case OPTION_REPEAT:
        settings->repeat_count = parse_count(argument, REPEAT_MIN, REPEAT_MAX, state, "--repeat");
        return 0;
    case OPTION_UNALIGNED:
        settings->unaligned = true;
        return 0;
    case OPTION_JSON:
        settings->json = true;
        return 0;
    case OPTION_PLOT:
        settings->plot = argument;
        return 0;
    case OPTION_PYTHON:
        settings->python = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (line->command != NULL)
            argp_error(state, "more than one command is given");
        line->command = find_command(argument, state);
        return 0;
    case ARGP_KEY_END:
        complete(line, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The table of commands is the help. */
static char *help_filter(int key, const char *text, void *input)
{
    char *help = NULL;
    size_t byte_count;
    FILE *stream;

    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)text;
    stream = open_memstream(&help, &byte_count);
    if (stream == NULL)
        return NULL;
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(stream, "  %-12s %s\n", COMMAND[i].name, COMMAND[i].doc);
    fputs("\n`h5ckpt-bench COMMAND --help' tells the options. Exit status: 0 measured, 1 it could not be measured, 64 "
          "wrong "
          "usage.",
          stream);
    fclose(stream);
    return help; /* argp frees it */
}

static const struct argp ARGP = {
    .options = OPTIONS,
    .parser = parse,
    .args_doc = "COMMAND",
    .doc = "Measure h5ckpt against the device, memory and what people use today, in turns, as ratios.\v",
    .help_filter = help_filter,
};

/* ------------------------------------------------------------------------- work */

static void show(const struct report *report)
{
    if (report->settings->json)
        show_json(report);
    else
        show_text(report);
    if (fflush(stdout) != 0 || ferror(stdout))
        fail_system("cannot write to standard output");
    if (report->settings->plot != NULL)
        show_plot(report, report->settings->plot);
}

/* The machine is looked at last: overhead wants a process in which HDF5 has not been at work. */
static void run(const struct command_line *line)
{
    struct report report = {.command = line->command->name, .settings = &line->settings};

    if (line->settings.plot != NULL)
        show_plot_check();
    scratch_make(line->settings.directory);
    line->command->run(&line->settings, &report);
    machine_look(&report.machine, scratch_directory());
    show(&report);
    report_free(&report);
}

int main(int argc, char **argv)
{
    static char name[] = "h5ckpt-bench"; /* whatever it was called by */
    struct command_line line = {.settings = {.directory = ".", .repeat_count = REPEAT_MIN, .python = BENCH_PYTHON}};

    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C"); /* peers, gnuplot and JSON write 0.5 */
    signal(SIGPIPE, SIG_IGN);   /* a child that ended is told by the write */
    if (argc > 0)
        argv[0] = name;
    if (argp_parse(&ARGP, argc, argv, 0, NULL, &line) != 0)
        return EXIT_USAGE;
    run(&line);
    return EXIT_SUCCESS;
}
