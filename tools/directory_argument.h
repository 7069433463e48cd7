/* SPDX-License-Identifier: MIT */
/*
 * directory_argument: the one argument of the commands that look at a backup directory. Complaints end the program.
 */
#ifndef DIRECTORY_ARGUMENT_H
#define DIRECTORY_ARGUMENT_H

#include <argp.h>

error_t directory_argument_take(const char **directory, char *argument, struct argp_state *state);
void directory_argument_check(const char *directory, struct argp_state *state); /* was there one? */

#endif
