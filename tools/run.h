/* SPDX-License-Identifier: MIT */
/*
 * run: the command `h5ckpt run': starts a program, and starts it again for as long as that helps.
 */
#ifndef RUN_H
#define RUN_H

/* The exit status. The arguments are those behind the command's name, which argv[0] holds. */
int run(int argc, char **argv);

#endif
