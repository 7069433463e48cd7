/* SPDX-License-Identifier: MIT */
#include "gnuplot.h"

int gnuplot_start(struct child *gnuplot, int output)
{
    static const char *const ARGV[] = {"gnuplot", "-", NULL};

    return child_start(gnuplot, ARGV, output);
}

void gnuplot_put_string(FILE *to, const char *text)
{
    putc('\'', to);
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            putc('\'', to);
        putc(*text, to);
    }
    putc('\'', to);
}
