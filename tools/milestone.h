/* SPDX-License-Identifier: MIT */
/*
 * milestone: the commands that change a directory: h5ckpt roll-back DIR NAME, h5ckpt forget DIR NAME. h5ckpt(1)
 * describes them.
 */
#ifndef MILESTONE_H
#define MILESTONE_H

/* `argv[0]` is the command's name. The exit status; wrong usage ends the process. */
int milestone_roll_back(int argc, char **argv);
int milestone_forget(int argc, char **argv);

#endif
