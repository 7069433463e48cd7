/* SPDX-License-Identifier: MIT */
/*
 * table: rows of short texts under headings, aligned by libsmartcols, which also escapes what the terminal must not
 * see.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct libscols_table;

struct table {
    struct libscols_table *scols;
};

struct table table_make(void);
void table_add_column(struct table *table, const char *heading, bool right);
/* One text for each column; they are copied. */
void table_add_row(struct table *table, const char *const *cells, size_t count);
/* On standard output … */
void table_print(struct table *table);
/* … unless another stream was named, to which each row goes as wide as it is. */
void table_use_stream(struct table *table, FILE *stream);
void table_free(struct table *table);

#endif
