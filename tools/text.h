/* SPDX-License-Identifier: MIT */
/*
 * text: what is put before people's eyes. Names come from files and command lines, so nothing is printed that the
 * locale does not call printable: no byte of a name ever steers a terminal.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { TEXT_BYTES = 64 }; /* room for any of the short texts below */

/* A copy in which every byte that is not part of a printable character is written as \xHH. Free it. */
char *text_escape(const char *text);

/* Is there a control character in it? Whatever the locale knows: a name in UTF-8 has none. */
bool text_steers_a_terminal(const char *text);

/* Print one line: formatted, escaped, and a newline. */
void text_line(FILE *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One line on standard error, behind the program's name. */
void text_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* All return `room`. */
const char *text_size(char room[TEXT_BYTES], uint64_t byte_count);     /* "1.5 MiB" */
const char *text_rate(char room[TEXT_BYTES], double bytes_per_second); /* "1.5 MiB/s" */
const char *text_local_time(char room[TEXT_BYTES], int64_t unix_ns);   /* "2026-11-21 23:12:56" */
const char *text_utc_time(char room[TEXT_BYTES], int64_t unix_ns);     /* "2026-11-21T23:12:56.000000000Z" */
const char *text_duration(char room[TEXT_BYTES], double seconds); /* "420 ms", "12.3 s", "4 min 10 s", "2 h 3 min" */

/* A shape as h5ls writes it: "{256, 64}", "{SCALAR}". Free it. */
char *text_shape(int rank, const uint64_t *shape);

#endif
