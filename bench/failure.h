/* SPDX-License-Identifier: MIT */
/*
 * failure: what cannot be measured ends the program. No figure is better than a wrong one.
 */
#ifndef FAILURE_H
#define FAILURE_H

enum { EXIT_UNMEASURED = 1, EXIT_USAGE = 64 };

/* Say so on standard error, behind the program's name, and exit with EXIT_UNMEASURED. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As fail(); errno's reason is added. */
_Noreturn void fail_system(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
