/* SPDX-License-Identifier: MIT */
/*
 * commands: the subcommands, one file each. Every one measures and adds what it found to the report.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "report.h"
#include "settings.h"

typedef void command_function(const struct settings *settings, struct report *report);

command_function command_async;
command_function command_budget;
command_function command_incremental;
command_function command_many;
command_function command_overhead;
command_function command_restore;
command_function command_save;
command_function command_scaling;
command_function command_small;
command_function command_verify;

#endif
