/* SPDX-License-Identifier: MIT */
/*
 * scratch: the one fresh directory that everything is written to, and that is gone when the program is, however it
 * ended.
 */
#ifndef SCRATCH_H
#define SCRATCH_H

/*
 * Make it below `parent`. From then on a child of ours waits for our end, be it by exit(), a signal or kill -9, and
 * removes it. To be called first, while there is one thread.
 */
void scratch_make(const char *parent);

/* In a child made by fork() that lives on: the directory goes with its parent, not with it. */
void scratch_leave(void);

/* The path of `name` in it. Free it. */
char *scratch_path(const char *name);

/* The directory itself. */
const char *scratch_directory(void);

/* Remove what is in the directory at `path`, and it; nothing there is fine. */
void scratch_remove(const char *path);

/* Wait until what was removed is off the disk's journal, so that no later run pays for it. */
void scratch_settle(void);

#endif
