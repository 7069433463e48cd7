/* SPDX-License-Identifier: MIT */
/*
 * process: a part of the benchmark that needs a process of its own, for what is resident, mapped or forked there is to
 * be its own. It is spoken to by messages.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct process {
    pid_t pid;
    int socket; /* our end */
};

/*
 * Make it, as a copy of this process while that has one thread. It calls `live` with its end of the socket and exits
 * when that returns; a signal that ends us ends it as well. To be made before any child with pipes: it would hold their
 * ends.
 */
void process_start(struct process *process, void (*live)(void *context, int socket), void *context);

/* Let its next process_hear() say that there is nothing more, and wait until it has exited. */
void process_end(struct process *process);

/* From either side. One message, whole; to one that has ended, ends us as well. */
void process_tell(int socket, const void *message, size_t byte_count);

/* Wait for a message of that size. False: the other side has no more, or has ended. */
bool process_hear(int socket, void *message, size_t byte_count);

#endif
