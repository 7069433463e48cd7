/* SPDX-License-Identifier: MIT */
/*
 * logs_text.c: as a table for people, and as CSV (RFC 4180) for programs.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "logs.h"
#include "memory.h"
#include "table.h"
#include "text.h"

enum { POSITION_COUNT = 3, ROWS_IN_TABLE = 10000 /* then a new one: a table is laid out as a whole */ };

static const char *position(char room[TEXT_BYTES], uint64_t number)
{
    snprintf(room, TEXT_BYTES, "%" PRIu64, number);
    return room;
}

/* Nothing, where nothing was logged. */
static const char *number(char room[TEXT_BYTES], double value, int digits)
{
    if (!h5ckpt_was_logged(value))
        return "";
    if (isnan(value)) /* whatever its sign */
        return "nan";
    snprintf(room, TEXT_BYTES, "%.*g", digits, value);
    return room;
}

/* With as few digits as give the same number when it is read. */
static const char *exact_number(char room[TEXT_BYTES], double value)
{
    enum { DIGITS_MIN = 15, DIGITS_MAX = 17 };
    const char *text = "";

    for (int digits = DIGITS_MIN; digits <= DIGITS_MAX; digits++) {
        text = number(room, value, digits);
        if (text != room || strtod(text, NULL) == value)
            break;
    }
    return text;
}

/* ----------------------------------------------------------------------- table */

static void print_rows(const struct logs *logs, size_t begin, size_t end)
{
    const size_t count = POSITION_COUNT + logs->log_count;
    char(*room)[TEXT_BYTES] = memory_check(calloc(count, sizeof *room));
    const char **cell = memory_check(calloc(count, sizeof *cell));
    struct table table = table_make();

    table_add_column(&table, "EPOCH", true);
    table_add_column(&table, "BATCH", true);
    table_add_column(&table, "STEP", true);
    for (size_t i = 0; i < logs->log_count; i++)
        table_add_column(&table, logs->name[i], true);
    for (size_t row = begin; row < end; row++) {
        cell[0] = position(room[0], logs->epoch[row]);
        cell[1] = position(room[1], logs->batch[row]);
        cell[2] = position(room[2], logs->step[row]);
        for (size_t i = 0; i < logs->log_count; i++)
            cell[POSITION_COUNT + i] = number(room[POSITION_COUNT + i], logs->value[i][row], 6);
        table_add_row(&table, cell, count);
    }
    table_print(&table);
    table_free(&table);
    free(cell);
    free(room);
}

void logs_as_table(const struct logs *logs)
{
    if (logs->row_count == 0)
        text_line(stdout, "'%s' holds no history: nothing was logged up to its newest state.", logs->directory);
    for (size_t begin = 0; begin < logs->row_count; begin += ROWS_IN_TABLE) {
        const size_t left = logs->row_count - begin;
        if (begin > 0)
            putchar('\n');
        print_rows(logs, begin, begin + (left < ROWS_IN_TABLE ? left : ROWS_IN_TABLE));
    }
}

/* ------------------------------------------------------------------------- CSV */

/* In quotes where a comma or a quote wants them. What a terminal gets is escaped, what a file gets is the name. */
static void print_heading(const char *name)
{
    char *text = isatty(STDOUT_FILENO) ? text_escape(name) : memory_check(strdup(name));
    const bool quoted = strpbrk(text, ",\"") != NULL;

    fputs(quoted ? ",\"" : ",", stdout);
    for (const char *byte = text; *byte != '\0'; byte++) {
        if (*byte == '"')
            putchar('"');
        putchar(*byte);
    }
    if (quoted)
        putchar('"');
    free(text);
}

void logs_as_csv(const struct logs *logs)
{
    char room[TEXT_BYTES];

    fputs("epoch,batch,step", stdout);
    for (size_t i = 0; i < logs->log_count; i++)
        print_heading(logs->name[i]);
    fputs("\r\n", stdout);
    for (size_t row = 0; row < logs->row_count; row++) {
        printf("%" PRIu64 ",%" PRIu64 ",%" PRIu64, logs->epoch[row], logs->batch[row], logs->step[row]);
        for (size_t i = 0; i < logs->log_count; i++)
            printf(",%s", exact_number(room, logs->value[i][row]));
        fputs("\r\n", stdout);
    }
}
