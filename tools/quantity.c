/* SPDX-License-Identifier: MIT */
#include "quantity.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>

#include "memory.h"
#include "text.h"

static const double SECONDS_MAX = 86400;

uint64_t quantity_count(struct argp_state *state, const char *option, const char *text, uint64_t min)
{
    char *rest;
    uint64_t count;

    errno = 0;
    count = strtoull(text, &rest, 10);
    if (!isdigit((unsigned char)*text) || *rest != '\0' || errno != 0 || count < min)
        argp_error(state, "%s: '%s' is not a number of at least %ju", option, text_escape(text), (uintmax_t)min);
    return count;
}

int64_t quantity_seconds_ns(struct argp_state *state, const char *option, const char *text, double min)
{
    const locale_t neutral = memory_check(newlocale(LC_NUMERIC_MASK, "C", (locale_t)0));
    char *rest;
    const double seconds = strtod_l(text, &rest, neutral);

    freelocale(neutral);
    if (rest == text || *rest != '\0' || !(seconds >= min) || !(seconds <= SECONDS_MAX))
        argp_error(state, "%s: '%s' is not a time from %g to %.0f seconds", option, text_escape(text), min,
                   SECONDS_MAX);
    return (int64_t)(seconds * 1e9);
}
