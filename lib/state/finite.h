/* SPDX-License-Identifier: MIT */
/*
 * finite: is every number of a variable finite? Pure.
 */
#ifndef H5CKPT_FINITE_H
#define H5CKPT_FINITE_H

#include "state/schema.h"

/* Can elements of this type be anything else? */
bool finite_applies_to(const struct element *element);

struct finite_exception {
    uint64_t element;  /* its index, row-major */
    const char *value; /* "nan", "inf", "-inf"; of a complex number, its first part that is not finite */
};

/* The first element that is not finite, of a variable as this machine holds it; false: there is none. */
bool finite_find_exception(const struct schema_entry *entry, const void *bytes, struct finite_exception *exception);

#endif
