/* SPDX-License-Identifier: MIT */
/*
 * history: the command `h5ckpt history'.
 */
#ifndef HISTORY_H
#define HISTORY_H

/* The exit status. The arguments are those behind the command's name, which argv[0] holds. */
int history(int argc, char **argv);

#endif
