/* SPDX-License-Identifier: MIT */
/*
 * child: another program, spoken to through pipes. Who uses it ignores SIGPIPE: that it has ended is told by the write,
 * and by child_end().
 */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    FILE *to;   /* its standard input */
    FILE *from; /* its standard output; NULL if that goes elsewhere */
};

enum { CHILD_OUTPUT_PIPE = -1 };

/*
 * Start argv[0], looked up in PATH, with its standard output into the descriptor `output` or, for CHILD_OUTPUT_PIPE,
 * into `from`. Returns 0, or why it could not be started (an errno); then there is nothing to end.
 */
int child_start(struct child *child, const char *const *argv, int output);

/* Close the pipes and wait for it, which is expected to end when its input does. Did it exit with status 0? */
bool child_end(struct child *child);

#endif
