/* SPDX-License-Identifier: MIT */
#include "directory_argument.h"

error_t directory_argument_take(const char **directory, char *argument, struct argp_state *state)
{
    if (*directory != NULL)
        argp_error(state, "more than one directory is given");
    if (*argument == '\0')
        argp_error(state, "the directory's name is empty");
    *directory = argument;
    return 0;
}

void directory_argument_check(const char *directory, struct argp_state *state)
{
    if (directory == NULL)
        argp_error(state, "no directory is given");
}
