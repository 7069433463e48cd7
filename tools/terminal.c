/* SPDX-License-Identifier: MIT */
#include "terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_DEFAULT = 80 };

struct terminal terminal_note(void)
{
    struct terminal terminal = {.descriptor = -1};

    for (int i = STDIN_FILENO; i <= STDERR_FILENO && terminal.descriptor < 0; i++)
        if (tcgetattr(i, &terminal.settings) == 0)
            terminal.descriptor = i;
    return terminal;
}

void terminal_put_back(const struct terminal *terminal)
{
    if (terminal->descriptor >= 0 && tcgetpgrp(terminal->descriptor) == getpgrp())
        tcsetattr(terminal->descriptor, TCSANOW, &terminal->settings);
}

size_t terminal_columns(int descriptor)
{
    struct winsize size = {0};

    if (ioctl(descriptor, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return COLUMNS_DEFAULT - 1;
    return size.ws_col - 1u;
}
