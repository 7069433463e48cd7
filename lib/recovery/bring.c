/* SPDX-License-Identifier: MIT */
#include "recovery/bring.h"

#include <stdlib.h>
#include <string.h>

#include "storage/history_entries.h"

static h5ckpt_status plan_history(struct bring *bring, const struct index *index, uint64_t file_bytes,
                                  struct error *error)
{
    h5ckpt_status status = history_entries_shape(&bring->history, index, file_bytes, &bring->left_out);

    if (status == H5CKPT_E_MEMORY) {
        error_move(error, &bring->left_out);
        return status;
    }
    return H5CKPT_OK;
}

static h5ckpt_status plan_match(struct bring *bring, const struct match *match, const struct index *index,
                                struct error *error)
{
    const size_t column_count = history_column_count(&bring->history);

    bring->match.pair = calloc(match->pair_count + column_count + 1, sizeof *bring->match.pair);
    if (bring->match.pair == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory to load %zu variables", match->pair_count + column_count);
    if (match->pair_count != 0)
        memcpy(bring->match.pair, match->pair, match->pair_count * sizeof *match->pair);
    bring->match.pair_count = match->pair_count;
    for (size_t i = 0; i < column_count; i++)
        bring->match.pair[bring->match.pair_count++] =
            (struct match_pair){bring->whole.program_count + i, history_entries_find(&bring->history, i, index)};
    return H5CKPT_OK;
}

h5ckpt_status bring_plan(struct bring *bring, const h5ckpt_state *program, const struct match *match,
                         const struct index *index, uint64_t file_bytes, struct error *error)
{
    h5ckpt_status status;

    *bring = (struct bring){0};
    status = plan_history(bring, index, file_bytes, error);
    if (status == H5CKPT_OK)
        status = whole_make(&bring->whole, program, &bring->history, error);
    if (status == H5CKPT_OK)
        status = plan_match(bring, match, index, error);
    if (status < 0)
        bring_free(bring);
    return status;
}

h5ckpt_status bring_history(struct bring *bring, const struct slot_reader *reader, const struct index *index,
                            struct buffer *buffer, struct error *error)
{
    const struct h5ckpt_state nothing = {0};
    const struct match none = MATCH_NONE;
    struct load_result ignored = {0};
    h5ckpt_status status = bring_plan(bring, &nothing, &none, index, reader->record.file_bytes, error);

    if (status == H5CKPT_OK)
        status = load_variables(&bring->whole.state, reader, index, &bring->match, H5CKPT_VERIFY_FIRST, &ignored,
                                buffer, error);
    if (status == H5CKPT_OK)
        bring_check(bring);
    return status;
}

void bring_check(struct bring *bring)
{
    if (history_check(&bring->history, &bring->left_out) < 0)
        history_free(&bring->history);
}

void bring_free(struct bring *bring)
{
    match_free(&bring->match);
    whole_free(&bring->whole);
    history_free(&bring->history);
    error_clear(&bring->left_out);
}
