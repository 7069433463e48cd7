/* SPDX-License-Identifier: MIT */
#include "recovery/kept_best.h"

#include <math.h>

#include "recovery/bring.h"
#include "storage/milestone.h"

static h5ckpt_status load(h5ckpt_store *store, const struct milestone *milestone, struct bring *bring,
                          struct error *error)
{
    struct slot_reader reader;
    struct index index = INDEX_NONE;
    h5ckpt_status status = slot_reader_open(&reader, &store->directory, milestone->file_name, FILE_READ, error);

    if (status != H5CKPT_OK)
        return status;
    status = slot_reader_index(&reader, &index, error);
    if (status == H5CKPT_OK)
        status = bring_history(bring, &reader, &index, &store->buffer, error);
    index_free(&index);
    slot_reader_close(&reader);
    return status;
}

/* An earlier row may be better, of a state that could not be kept. */
static struct h5ckpt_best best_of(const struct history *history, const char *log, enum h5ckpt_better better,
                                  const struct h5ckpt_progress *at)
{
    double value;

    if (history_value_at(history, log, at, &value) && !isnan(value))
        return (struct h5ckpt_best){.known = true, .value = value, .at = *at};
    return history_best(history, log, better);
}

h5ckpt_status kept_best(h5ckpt_store *store, const char *name, const char *log, enum h5ckpt_better better,
                        struct h5ckpt_best *best, struct error *error)
{
    struct error why = ERROR_NONE;
    struct bring bring = {0};
    struct milestone milestone;
    h5ckpt_status status;

    *best = (struct h5ckpt_best){0};
    milestone_examine(&milestone, &store->directory, name, store->lock.directory_id);
    if (!plan_holds_state(milestone.slot.state))
        return H5CKPT_OK;
    status = load(store, &milestone, &bring, &why);
    if (status == H5CKPT_E_IO) { /* it must persist (P7) */
        bring_free(&bring);
        status = load(store, &milestone, &bring, &why);
    }
    if (status == H5CKPT_OK)
        *best = best_of(&bring.history, log, better, &milestone.slot.record.progress);
    if (status == H5CKPT_E_DAMAGED || status == H5CKPT_E_IO || status == H5CKPT_NO_CHECKPOINT)
        status = H5CKPT_OK;
    if (status < 0)
        error_move(error, &why);
    error_clear(&why);
    bring_free(&bring);
    return status;
}
