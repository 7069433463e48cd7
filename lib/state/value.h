/* SPDX-License-Identifier: MIT */
/*
 * value: an element as text for people. Pure.
 */
#ifndef H5CKPT_VALUE_H
#define H5CKPT_VALUE_H

#include "state/schema.h"

enum { VALUE_TEXT_BYTES = NAME_TEXT_BYTES + sizeof "''" };

/* Is it a number, a boolean or a string, as this machine holds them? */
bool value_is_showable(const struct element *element);

/*
 * 0.1, -3, true, 'adam', 1+2i: of a number as few digits as tell it from every other one of its type; a string is cut
 * with "…" when long.
 */
void value_text(const struct element *element, const void *bytes, char text[VALUE_TEXT_BYTES]);

/* A number as printf's %g writes it in some locale: as in the C locale, "0,1" as "0.1". */
void value_point(char *text);

enum { VALUE_NEAR_BYTES = VALUE_TEXT_BYTES + sizeof "…" };

/* Of a string the part that begins shortly before byte `at`, which is not behind its end. */
void value_string_near(const struct element *element, const void *bytes, size_t at, char text[VALUE_NEAR_BYTES]);

enum { VALUES_TEXT_BYTES = 2 * VALUE_TEXT_BYTES };

/*
 * Of a whole variable: a scalar as that, an array as "[64, 128, 10]" in row-major order, cut with "…" when long; "" if
 * its elements are not shown.
 */
void values_text(const struct schema_entry *entry, const void *bytes, char text[VALUES_TEXT_BYTES]);

/* Bytes of a string up to its padding. */
size_t value_string_length(const struct element *element, const void *bytes);

#endif
