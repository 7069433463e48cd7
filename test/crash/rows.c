/* SPDX-License-Identifier: MIT */
/*
 * rows.c: what the program logs: one row for each state, with its number; and another log from some number on. The rows
 * of a state are those of the states that it came from: none is missing, and none of a branch that was left.
 *
 * Linked with -Wl,--wrap=history_capacity_for: there is room for two rows at first, so that a few saves make it grow.
 */
#include <inttypes.h>

#include "crash/internal.h"
#include "storage/store.h"

enum { CAPACITY_FIRST = 2, SECOND_LOG_FROM = 4 };

uint64_t __wrap_history_capacity_for(uint64_t row_count);

uint64_t __wrap_history_capacity_for(uint64_t row_count)
{
    uint64_t capacity = CAPACITY_FIRST;

    while (capacity < row_count)
        capacity *= 2;
    return capacity;
}

void rows_log(struct crash *crash, uint64_t number)
{
    struct history *history = &crash->store->history;
    const struct h5ckpt_progress at = model_progress(number);
    struct error error = ERROR_NONE;

    if (!crash->logs)
        return;
    crash->row_before[number] = crash->last_row;
    crash->last_row = number;
    history_log(history, "first", (double)number, &error);
    if (number >= SECOND_LOG_FROM)
        history_log(history, "second", -(double)number, &error);
    history_end_row(history, &at);
    error_clear(&error);
}

void rows_restored(struct crash *crash, uint64_t number)
{
    crash->last_row = number;
}

static bool is_row(const struct crash *crash, const struct history *history, uint64_t row, uint64_t number)
{
    const struct h5ckpt_progress at = model_progress(number);

    if (history->position[0][row] != at.epoch || history->position[1][row] != at.batch ||
        history->position[2][row] != number || history->value[0][row] != (double)number)
        return false;
    if (history->log_count < 2 || !h5ckpt_was_logged(history->value[1][row]))
        return number < SECOND_LOG_FROM || crash->may_be_full;
    return number >= SECOND_LOG_FROM && history->value[1][row] == -(double)number;
}

bool rows_are(const struct crash *crash, uint64_t number)
{
    const struct history *history = &crash->store->history;
    uint64_t row = history->row_count;

    if (!crash->logs)
        return true;
    for (; number != 0; number = crash->row_before[number]) {
        const bool there = row > 0 && history->position[2][row - 1] == number;
        if (there && !is_row(crash, history, row - 1, number))
            return false;
        if (!there && !crash->may_be_full)
            return false;
        row -= there;
    }
    return row == 0;
}
