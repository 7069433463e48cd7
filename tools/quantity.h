/* SPDX-License-Identifier: MIT */
/*
 * quantity: numbers on a command line. They do not depend on the locale.
 */
#ifndef QUANTITY_H
#define QUANTITY_H

#include <argp.h>
#include <stdint.h>

/* Both complain of anything else as argp does, which ends the process. `option` is its name, for that. */

/* A number of at least `min`. */
uint64_t quantity_count(struct argp_state *state, const char *option, const char *text, uint64_t min);

/* Seconds from `min` to a day, as nanoseconds. */
int64_t quantity_seconds_ns(struct argp_state *state, const char *option, const char *text, double min);

#endif
