/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <libsmartcols.h>

#include "memory.h"

struct table table_make(void)
{
    return (struct table){memory_check(scols_new_table())};
}

void table_add_column(struct table *table, const char *heading, bool right)
{
    memory_check(scols_table_new_column(table->scols, heading, 0, right ? SCOLS_FL_RIGHT : 0));
}

void table_add_row(struct table *table, const char *const *cells, size_t count)
{
    struct libscols_line *line = memory_check(scols_table_new_line(table->scols, NULL));

    for (size_t i = 0; i < count; i++)
        if (scols_line_set_data(line, i, cells[i]) < 0)
            memory_exhausted();
}

void table_use_stream(struct table *table, FILE *stream)
{
    scols_table_set_stream(table->scols, stream);
    scols_table_set_termforce(table->scols, SCOLS_TERMFORCE_NEVER);
}

void table_print(struct table *table)
{
    if (scols_print_table(table->scols) < 0)
        memory_exhausted();
}

void table_free(struct table *table)
{
    scols_unref_table(table->scols);
    *table = (struct table){NULL};
}
