/* SPDX-License-Identifier: MIT */
/*
 * h5ckpt COMMAND DIR: what is in a backup directory, for people and for programs. h5ckpt(1) describes it.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "as_json.h"
#include "as_text.h"
#include "directory_argument.h"
#include "finding.h"
#include "history.h"
#include "milestone.h"
#include "progress_bar.h"
#include "run.h"
#include "text.h"
#include "watch.h"

#define DIGITS_(number) #number
#define DIGITS(number)  DIGITS_(number)

const char *argp_program_version =
    "h5ckpt " DIGITS(H5CKPT_VERSION_MAJOR) "." DIGITS(H5CKPT_VERSION_MINOR) "." DIGITS(H5CKPT_VERSION_PATCH);

/* -------------------------------------------------------------------- command line */

struct command {
    const char *name;
    const struct argp *argp;
    enum h5ckpt_depth depth;
    int (*main)(int argc, char **argv); /* of one that is not about a finding: it does all by itself; else NULL */
};

struct command_line {
    const struct command *command;
    int argc; /* from the command's name on */
    char **argv;
    const char *directory;
    bool json;
    bool quiet;
    bool variables;
    bool settings;
};

enum { OPTION_JSON = 256, OPTION_QUIET, OPTION_VARIABLES, OPTION_SETTINGS }; /* no short options */

#define DOC_JSON "print one JSON document instead of text"

static const struct argp_option INFO_OPTIONS[] = {
    {.name = "variables", .key = OPTION_VARIABLES, .doc = "list the variables of the state that a restore would give"},
    {.name = "settings", .key = OPTION_SETTINGS, .doc = "list the settings that it was saved with"},
    {.name = "json", .key = OPTION_JSON, .doc = DOC_JSON},
    {0},
};

static const struct argp_option VERIFY_OPTIONS[] = {
    {.name = "json", .key = OPTION_JSON, .doc = DOC_JSON},
    {.name = "quiet", .key = OPTION_QUIET, .doc = "print nothing: the exit status tells"},
    {0},
};

static error_t parse_of_command(int key, char *argument, struct argp_state *state)
{
    struct command_line *line = state->input;

    switch (key) {
    case OPTION_JSON:
        line->json = true;
        return 0;
    case OPTION_QUIET:
        line->quiet = true;
        return 0;
    case OPTION_VARIABLES:
        line->variables = true;
        return 0;
    case OPTION_SETTINGS:
        line->settings = true;
        return 0;
    case ARGP_KEY_ARG:
        return directory_argument_take(&line->directory, argument, state);
    case ARGP_KEY_END:
        directory_argument_check(line->directory, state);
        if (line->json && line->quiet)
            argp_error(state, "--json and --quiet exclude each other");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp INFO_ARGP = {
    .options = INFO_OPTIONS,
    .parser = parse_of_command,
    .args_doc = "DIR",
    .doc = "Show what is in the backup directory DIR, from records and tables only.\v" VERDICT_DOC,
};

static const struct argp VERIFY_ARGP = {
    .options = VERIFY_OPTIONS,
    .parser = parse_of_command,
    .args_doc = "DIR",
    .doc =
        "Read and verify every byte of every state in the backup directory DIR, from the device where the file system "
        "can, and name the variables in damaged blocks.\v" VERDICT_DOC,
};

static const struct command COMMAND[] = {
    {.name = "info", .argp = &INFO_ARGP, .depth = H5CKPT_RECORDS},
    {.name = "verify", .argp = &VERIFY_ARGP, .depth = H5CKPT_DEVICE},
    {.name = "history", .main = history},
    {.name = "watch", .main = watch},
    {.name = "run", .main = run},
    {.name = "roll-back", .main = milestone_roll_back},
    {.name = "forget", .main = milestone_forget},
};

enum { COMMAND_COUNT = sizeof COMMAND / sizeof *COMMAND };

/* Leave what follows the command's name to the command's own parser, which says "h5ckpt info" of itself. */
static void take_command(struct command_line *line, const struct command *command, struct argp_state *state)
{
    static char full_name[32];

    snprintf(full_name, sizeof full_name, "h5ckpt %s", command->name);
    line->command = command;
    line->argc = state->argc - state->next + 1;
    line->argv = state->argv + state->next - 1;
    line->argv[0] = full_name;
    state->next = state->argc;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct command_line *line = state->input;

    switch (key) {
    case ARGP_KEY_ARG:
        for (int i = 0; i < COMMAND_COUNT; i++)
            if (strcmp(argument, COMMAND[i].name) == 0) {
                take_command(line, &COMMAND[i], state);
                return 0;
            }
        argp_error(state, "unknown command '%s'", text_escape(argument)); /* does not return */
        return EINVAL;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "no command is given");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp ARGP = {
    .parser = parse,
    .args_doc = "info DIR\nverify DIR\nhistory DIR\nwatch DIR\nrun DIR -- PROGRAM [ARGUMENT...]\n"
                "roll-back DIR NAME\nforget DIR NAME",
    .doc = "Look at checkpoints that h5ckpt saved, changing nothing; go back to milestones; keep a program running.\v"
           "  info       show what is in DIR, from records and tables only\n"
           "  verify     read and verify every byte of it\n"
           "  history    show what the program has logged\n"
           "  watch      show what is saved, as it is saved\n"
           "  run        start PROGRAM, and start it again when it crashes or is preempted\n"
           "  roll-back  make the state of milestone NAME the newest one\n"
           "  forget     remove milestone NAME\n\n"
           "`h5ckpt COMMAND --help' tells a command's options.\n" VERDICT_DOC,
};

/* getopt would complain of such an option as it is, escape sequences and all. None of ours looks like that. */
static void refuse_control_characters(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (argv[i][0] != '-' || !text_steers_a_terminal(argv[i]))
            continue;
        text_complain("unrecognized option '%s'", argv[i]);
        text_line(stderr, "Try `h5ckpt --help' for more information.");
        exit(VERDICT_USAGE);
    }
}

/* --------------------------------------------------------------------------- work */

/* At exit, whoever calls it: an answer that did not arrive was none. */
static void flush_output(void)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return;
    text_complain("cannot write to standard output%s%s", errno == 0 ? "" : ": ", errno == 0 ? "" : strerror(errno));
    _exit(VERDICT_UNKNOWN);
}

static void show(const struct finding *finding, const struct command_line *line)
{
    const bool is_answer = finding->verdict != VERDICT_UNKNOWN && finding->verdict != VERDICT_USAGE;

    if (line->json)
        as_json(finding, line->variables, line->settings);
    else if (!line->quiet)
        as_text(finding);
    if (!is_answer && finding->message[0] != '\0')
        text_complain("%s", finding->message);
    else if (!is_answer)
        text_complain("not every slot in '%s' can be read now", finding->directory);
}

static enum verdict look(const struct command_line *line)
{
    struct progress_bar bar = {0};
    const struct finding_request request = {
        .directory = line->directory,
        .depth = line->command->depth,
        .variables = line->variables,
        .settings = line->settings,
        .progress = line->quiet || line->json ? NULL : progress_bar_show,
        .progress_context = &bar,
    };
    struct finding finding = finding_make(&request);
    enum verdict verdict = finding.verdict;

    progress_bar_erase(&bar);
    show(&finding, line);
    finding_free(&finding);
    return verdict;
}

/* What is opened later must not take a closed stream's place: messages would go into it. */
static void open_closed_streams(void)
{
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
        if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", O_RDWR) != stream)
            exit(VERDICT_UNKNOWN);
}

int main(int argc, char **argv)
{
    static char name[] = "h5ckpt"; /* whatever it was called by */
    struct command_line line = {0};

    open_closed_streams();
    setlocale(LC_ALL, "");
    atexit(flush_output);
    refuse_control_characters(argc, argv);
    if (argc > 0)
        argv[0] = name;
    argp_parse(&ARGP, argc, argv, ARGP_IN_ORDER, NULL, &line); /* what is wrong ends the process */
    if (line.command->main != NULL)
        return line.command->main(line.argc, line.argv);
    argp_parse(line.command->argp, line.argc, line.argv, 0, NULL, &line);
    return look(&line);
}
