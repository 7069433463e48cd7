/* SPDX-License-Identifier: MIT */
/*
 * form: how much a long suite tries. The environment's H5CKPT_TEST_FORM says it: "tenth" (about a tenth of the short
 * form: builds in which every instruction is checked), "short" (the default), or "full" (every case there is, or as
 * many as docs/reliability.md names; meson -Dexhaustive=true). Python's tests have form.py.
 */
#ifndef TEST_FORM_H
#define TEST_FORM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum form { FORM_TENTH, FORM_SHORT, FORM_FULL, FORM_COUNT };

static inline enum form form_now(void)
{
    static const char *const NAME[FORM_COUNT] = {"tenth", "short", "full"};
    const char *text = getenv("H5CKPT_TEST_FORM");

    if (text == NULL)
        return FORM_SHORT;
    for (unsigned i = 0; i < FORM_COUNT; i++)
        if (strcmp(text, NAME[i]) == 0)
            return (enum form)i;
    fprintf(stderr, "H5CKPT_TEST_FORM is '%s', none of tenth, short, full\n", text);
    abort();
}

static inline uint64_t form_count(uint64_t in_tenth, uint64_t in_short, uint64_t in_full)
{
    const uint64_t count[FORM_COUNT] = {in_tenth, in_short, in_full};

    return count[form_now()];
}

#endif
