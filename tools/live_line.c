/* SPDX-License-Identifier: MIT */
#include "live_line.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "terminal.h"

void live_line_draw(struct live_line *line, const char *text)
{
    const size_t columns = terminal_columns(STDOUT_FILENO);
    const size_t length = strnlen(text, columns);
    const size_t before = line->drawn_columns < columns ? line->drawn_columns : columns;
    const size_t rest = before > length ? before - length : 0;

    printf("\r%.*s%*s", (int)length, text, (int)rest, "");
    for (size_t i = 0; i < rest; i++)
        putchar('\b'); /* the cursor stands behind the text */
    fflush(stdout);
    line->drawn_columns = length;
}

void live_line_end(struct live_line *line)
{
    if (line->drawn_columns != 0)
        putchar('\n');
    fflush(stdout);
    line->drawn_columns = 0;
}
