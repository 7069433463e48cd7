/* SPDX-License-Identifier: MIT */
#include "progress_bar.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "terminal.h"
#include "text.h"

enum { REDRAW_NS = 100000000, COLUMNS_MAX = 100, BAR_COLUMNS_MIN = 10 };

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static size_t usable_columns(void)
{
    const size_t columns = terminal_columns(STDERR_FILENO);

    return columns < COLUMNS_MAX ? columns : COLUMNS_MAX - 1;
}

/* "[#####     ]" into `columns` columns. */
static void draw_bar(char *line, size_t columns, double part)
{
    const size_t inside = columns - strlen("[]");

    line[0] = '[';
    memset(line + 1, ' ', inside);
    memset(line + 1, '#', (size_t)(part * (double)inside));
    line[1 + inside] = ']';
    line[columns] = '\0';
}

/* As much of " 42% of 1.5 GiB [####      ]" as there is room for. */
static void compose(char line[COLUMNS_MAX], size_t columns, double part, uint64_t bytes_total)
{
    char size[TEXT_BYTES];
    char text[COLUMNS_MAX];
    size_t length;

    length = (size_t)snprintf(text, sizeof text, "%3.0f%% of %s ", 100 * part, text_size(size, bytes_total));
    snprintf(line, columns + 1, "%-*s", (int)columns, text);
    if (columns >= length + BAR_COLUMNS_MIN)
        draw_bar(line + length, columns - length, part);
}

void progress_bar_show(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
    struct progress_bar *bar = context;
    const double part = bytes_total == 0 ? 1 : (double)bytes_done / (double)bytes_total;
    const int64_t now = now_ns();
    char line[COLUMNS_MAX];

    if (!isatty(STDERR_FILENO) || (bar->drawn_columns != 0 && now - bar->drawn_at_ns < REDRAW_NS))
        return;
    progress_bar_erase(bar); /* the terminal may have another width now */
    bar->drawn_columns = usable_columns();
    bar->drawn_at_ns = now;
    compose(line, bar->drawn_columns, part > 1 ? 1 : part, bytes_total);
    fputs(line, stderr);
    fflush(stderr);
}

void progress_bar_erase(struct progress_bar *bar)
{
    if (bar->drawn_columns == 0)
        return;
    fprintf(stderr, "\r%*s\r", (int)bar->drawn_columns, "");
    bar->drawn_columns = 0;
}
