/* SPDX-License-Identifier: MIT */
#include "milestone.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <h5ckpt.h>

#include "memory.h"
#include "text.h"
#include "verdict.h"

/* ----------------------------------------------------------------- command line */

struct line {
    const char *directory;
    const char *name;
    bool quiet;
};

enum { OPTION_QUIET = 256 }; /* no short option */

static const struct argp_option OPTIONS[] = {
    {.name = "quiet", .key = OPTION_QUIET, .doc = "print nothing on success: the exit status tells"},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct line *line = state->input;

    switch (key) {
    case OPTION_QUIET:
        line->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        if (*argument == '\0')
            argp_error(state, "the %s's name is empty", line->directory == NULL ? "directory" : "milestone");
        if (line->name != NULL)
            argp_error(state, "more than a directory and a milestone are given");
        if (line->directory == NULL)
            line->directory = argument;
        else
            line->name = argument;
        return 0;
    case ARGP_KEY_END:
        if (line->name == NULL)
            argp_error(state, "no %s is given", line->directory == NULL ? "directory" : "milestone");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

#define DOC_STATUS                                                                                                     \
    "Exit status: 0 done, 1 the milestone is damaged, 3 there is none of that name, 4 it could not be done, 64 wrong " \
    "usage. h5ckpt(1) tells more."

static const struct argp ROLL_BACK_ARGP = {
    .options = OPTIONS,
    .parser = parse,
    .args_doc = "DIR NAME",
    .doc = "Make the state of milestone NAME in the backup directory DIR the newest one, durably: the program that is "
           "started next goes on from there. The milestone stays.\v" DOC_STATUS,
};

static const struct argp FORGET_ARGP = {
    .options = OPTIONS,
    .parser = parse,
    .args_doc = "DIR NAME",
    .doc = "Remove milestone NAME from the backup directory DIR, durably.\v" DOC_STATUS,
};

/* ------------------------------------------------------------------------ looking */

/* What the directory is like, so that nothing of it changes but what is asked for. */
struct place {
    const char *name;
    bool found;
    unsigned slots;
    unsigned file_mode;
};

static void look_for_name(void *context, const struct h5ckpt_milestone *milestone)
{
    struct place *place = context;

    place->found |= strcmp(milestone->name, place->name) == 0;
}

static void look_at_slots(struct place *place, h5ckpt_store *store)
{
    struct h5ckpt_report report;

    h5ckpt_inspect(store, NULL, &report); /* whatever it answers: which slots there are is in the report */
    place->slots = report.slot[H5CKPT_SLOT_COUNT_MAX - 1].state == H5CKPT_SLOT_ABSENT ? 2 : H5CKPT_SLOT_COUNT_MAX;
}

static void look_at_file(struct place *place, const char *directory)
{
    struct stat status;
    char *path = memory_check(malloc(strlen(directory) + sizeof "/milestone-.h5" + strlen(place->name)));

    sprintf(path, "%s/milestone-%s.h5", directory, place->name);
    if (lstat(path, &status) == 0 && S_ISREG(status.st_mode))
        place->file_mode = (status.st_mode & 0666) | 0600;
    free(path);
}

/*
 * Reading only: the writer would make a directory that is not there. H5CKPT_OK, or what keeps it from being told,
 * complained of.
 */
static h5ckpt_status look(struct place *place, const char *directory, h5ckpt_state *state)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *store;
    h5ckpt_status status;

    options.mode = H5CKPT_READ_ONLY;
    place->file_mode = options.file_mode;
    status = h5ckpt_open(&store, directory, state, &options);
    if (status == H5CKPT_OK)
        look_at_slots(place, store);
    if (status == H5CKPT_OK)
        status = h5ckpt_list_milestones(store, H5CKPT_RECORDS, look_for_name, place);
    if (status < 0)
        text_complain("%s", h5ckpt_message(store));
    h5ckpt_close(store);
    if (status == H5CKPT_OK && place->found)
        look_at_file(place, directory);
    return status;
}

/* -------------------------------------------------------------------------- doing */

static int exit_status_of(h5ckpt_status status)
{
    switch (status) {
    case H5CKPT_OK:
        return EXIT_SUCCESS;
    case H5CKPT_E_DAMAGED:
        return VERDICT_DAMAGED;
    case H5CKPT_E_ARGUMENT:
        return VERDICT_USAGE;
    default:
        return VERDICT_UNKNOWN;
    }
}

typedef h5ckpt_status action(h5ckpt_store *store, const char *name);

static h5ckpt_status act(const struct line *line, const struct place *place, h5ckpt_state *state, action *call)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *store;
    h5ckpt_status status;

    options.slots = place->slots;
    options.file_mode = place->file_mode;
    status = h5ckpt_open(&store, line->directory, state, &options);
    if (status == H5CKPT_OK)
        status = call(store, line->name);
    if (status < 0)
        text_complain("%s", h5ckpt_message(store));
    h5ckpt_close(store);
    return status;
}

static int run(const struct argp *argp, int argc, char **argv, action *call, const char *done)
{
    struct line line = {0};
    h5ckpt_state *state = memory_check(h5ckpt_state_new());
    h5ckpt_status status;

    argp_parse(argp, argc, argv, 0, NULL, &line);
    struct place place = {.name = line.name};
    status = look(&place, line.directory, state);
    if (status == H5CKPT_OK && !place.found)
        text_complain("there is no milestone '%s' in '%s'", line.name, line.directory);
    else if (status == H5CKPT_OK)
        status = act(&line, &place, state, call);
    h5ckpt_state_free(state);
    if (status == H5CKPT_OK && !place.found)
        return VERDICT_NO_CHECKPOINT;
    if (status == H5CKPT_OK && !line.quiet)
        text_line(stdout, "%s milestone %s.", done, line.name);
    return exit_status_of(status);
}

int milestone_roll_back(int argc, char **argv)
{
    return run(&ROLL_BACK_ARGP, argc, argv, h5ckpt_roll_back, "The next restore gives the state of");
}

int milestone_forget(int argc, char **argv)
{
    return run(&FORGET_ARGP, argc, argv, h5ckpt_remove_milestone, "Removed");
}
