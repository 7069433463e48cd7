/* SPDX-License-Identifier: MIT */
/*
 * read_history: the history that a slot holds, for tools.
 */
#include "recovery/bring.h"
#include "recovery/examine.h"
#include "recovery/list.h"

static h5ckpt_status load(h5ckpt_store *store, unsigned slot_number, struct bring *bring)
{
    struct slot_reader reader;
    struct index index;
    h5ckpt_status status = examine_open(store, slot_number, FILE_READ, &reader, &index, &store->error);

    if (status != H5CKPT_OK)
        return status;
    status = bring_history(bring, &reader, &index, &store->buffer, &store->error);
    index_free(&index);
    slot_reader_close(&reader);
    return status;
}

static h5ckpt_status read(h5ckpt_store *store, unsigned slot_number, struct bring *bring)
{
    char where[EXAMINE_WHERE_BYTES];
    h5ckpt_status status = load(store, slot_number, bring);

    if (status == H5CKPT_E_IO) { /* it must persist (P7) */
        bring_free(bring);
        status = load(store, slot_number, bring);
    }
    if (status == H5CKPT_E_IO)
        status = store->error.status = H5CKPT_E_DAMAGED;
    status = examine_conclude_read(store, slot_number, status);
    if (status != H5CKPT_OK || bring->left_out.status == H5CKPT_OK)
        return status;
    examine_where(store, slot_number, where);
    return error_set(&store->error, H5CKPT_E_DAMAGED, "%s: %s", where, error_message(&bring->left_out));
}

h5ckpt_status h5ckpt_read_history(h5ckpt_store *store, unsigned slot_number,
                                  void (*visit)(void *context, const struct h5ckpt_history *history), void *context)
{
    struct bring bring = {0};
    h5ckpt_status status;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = list_enter(store, "h5ckpt_read_history", slot_number, visit != NULL);
    if (status == H5CKPT_OK)
        status = list_refuse_stateless(store, slot_number);
    if (status == H5CKPT_OK)
        status = read(store, slot_number, &bring);
    if (status == H5CKPT_OK) {
        const struct h5ckpt_history history = history_show(&bring.history);
        visit(context, &history);
    }
    bring_free(&bring);
    return status;
}
