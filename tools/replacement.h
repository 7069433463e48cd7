/* SPDX-License-Identifier: MIT */
/*
 * replacement: a file is written beside the one of that name, and takes its place when it is whole.
 */
#ifndef REPLACEMENT_H
#define REPLACEMENT_H

#include <stdbool.h>

struct replacement {
    char *path;   /* behind symbolic links; NULL: it is no regular file, and written to as it is */
    char *beside; /* where its contents are until they are whole */
    int output;   /* the descriptor to write to */
};

/*
 * Begin to write what shall be the file `path`. Returns 0, or why that cannot be done (an errno); then there is nothing
 * to end.
 */
int replacement_begin(struct replacement *replacement, const char *path);

/*
 * It is whole, or else forgotten: then the file is as it was. Returns 0, or why it could not take its place (an errno).
 */
int replacement_end(struct replacement *replacement, bool whole);

#endif
