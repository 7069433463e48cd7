/* SPDX-License-Identifier: MIT */
/*
 * puppet SIGNAL STATUS: a program that says which signals it gets, and does nothing else. It ends with STATUS when it
 * gets SIGNAL; 0: only SIGKILL ends it.
 *
 * First it says "ready" and its process id; then the name of each signal, once for each time it comes. It ends as well
 * where nobody reads that, and after a signal that finds it without its parent: it does not outlive a test.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const int end = argc == 3 ? atoi(argv[1]) : 0;
    const pid_t parent = getppid();
    sigset_t all;
    int number = 0;

    if (argc != 3) {
        fputs("usage: puppet SIGNAL STATUS\n", stderr);
        return EXIT_FAILURE;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigfillset(&all);
    sigdelset(&all, SIGTSTP); /* which stops it, as any program … */
    sigdelset(&all, SIGPIPE); /* … or ends it */
    sigprocmask(SIG_BLOCK, &all, NULL);
    printf("ready %d\n", (int)getpid());
    while (number == 0 || number != end) {
        sigwait(&all, &number);
        printf("SIG%s\n", sigabbrev_np(number));
        if (getppid() != parent)
            return EXIT_FAILURE;
    }
    return atoi(argv[2]);
}
