/* SPDX-License-Identifier: MIT */
/*
 * watch: the command `h5ckpt watch': looks at a directory again and again, and says what is new.
 */
#ifndef WATCH_H
#define WATCH_H

/* The exit status. The arguments are those behind the command's name, which argv[0] holds. */
int watch(int argc, char **argv);

#endif
