/* SPDX-License-Identifier: MIT */
/*
 * team: a few threads that do one thing together. They live for one call, so nothing of them is left to a fork, a
 * signal handler or an idle program; making one costs some 20 µs, which is nothing beside the megabytes it is made for.
 */
#ifndef H5CKPT_TEAM_H
#define H5CKPT_TEAM_H

enum { TEAM_SIZE_MAX = 8 };

/*
 * Run `work(context, member)` in up to `size` threads at once, member 0 in the caller's, and return when all have
 * returned. Where the system gives fewer threads there are fewer members.
 */
void team_run(unsigned size, void (*work)(void *context, unsigned member), void *context);

#endif
