/* SPDX-License-Identifier: MIT */
#include "failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char PROGRAM[] = "h5ckpt-bench";

void fail(const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "%s: ", PROGRAM);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(EXIT_UNMEASURED);
}

void fail_system(const char *format, ...)
{
    const char *reason = strerror(errno);
    va_list arguments;

    fprintf(stderr, "%s: ", PROGRAM);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, ": %s\n", reason);
    exit(EXIT_UNMEASURED);
}
