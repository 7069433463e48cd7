/* SPDX-License-Identifier: MIT */
/*
 * terminal: how wide it is, and its settings, noted and put back. A program that dies while it has changed them leaves
 * them so to whoever comes next.
 */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stddef.h>
#include <termios.h>

struct terminal {
    int descriptor; /* of ours; -1: there is none */
    struct termios settings;
};

/* The one that standard input, output or error is. */
struct terminal terminal_note(void);

/* If we are in its foreground: in the background it belongs to others. */
void terminal_put_back(const struct terminal *terminal);

/* All columns but the last, into which many terminals write only to begin a new line. 79 where it cannot be told. */
size_t terminal_columns(int descriptor);

#endif
