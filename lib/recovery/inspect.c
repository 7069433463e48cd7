/* SPDX-License-Identifier: MIT */
/*
 * inspect: what a restore would give back, without giving it; and starting over beside it.
 */
#include "recovery/examine.h"
#include "recovery/report.h"

enum { INSPECT_ATTEMPTS_MAX = 16 };

static h5ckpt_status inspect_once(h5ckpt_store *store, enum h5ckpt_depth depth, int *slot)
{
    unsigned number;
    h5ckpt_status status;

    status = examine_begin(store);
    if (status == H5CKPT_OK && depth == H5CKPT_ALL_BYTES)
        status = examine_all(store);
    if (status == H5CKPT_OK)
        status = examine_next(store, H5CKPT_CURRENT, depth, 0, &number);
    if (status == H5CKPT_OK || status == H5CKPT_FELL_BACK)
        *slot = (int)number;
    return status;
}

static h5ckpt_status inspect(h5ckpt_store *store, enum h5ckpt_depth depth, int *slot)
{
    h5ckpt_status status = H5CKPT_E_OVERTAKEN;

    *slot = REPORT_NO_SLOT;
    for (int attempt = 0; attempt < INSPECT_ATTEMPTS_MAX && status == H5CKPT_E_OVERTAKEN; attempt++)
        status = inspect_once(store, depth, slot);
    if (status == H5CKPT_OK)
        error_clear(&store->error);
    return status;
}

h5ckpt_status h5ckpt_inspect(h5ckpt_store *store, enum h5ckpt_depth depth, struct h5ckpt_report *report)
{
    h5ckpt_status status;
    int slot;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = store_enter(store, "h5ckpt_inspect");
    if (status == H5CKPT_OK && report == NULL)
        status = error_set(&store->error, H5CKPT_E_ARGUMENT, "h5ckpt_inspect: the report to fill is NULL");
    if (status < 0)
        return status;
    status = inspect(store, depth, &slot);
    report_fill(report, store, status, slot, 0);
    return status;
}

h5ckpt_status h5ckpt_start_over(h5ckpt_store *store)
{
    h5ckpt_status status;
    int slot;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = store_enter(store, "h5ckpt_start_over");
    if (status < 0)
        return status;
    if (store->options.mode != H5CKPT_READ_WRITE)
        return error_set(&store->error, H5CKPT_E_ARGUMENT, "the store of '%s' is read-only", store->directory.path);
    status = inspect(store, H5CKPT_ALL_BYTES, &slot);
    if (status < 0 && status != H5CKPT_E_LOST)
        return status;
    error_clear(&store->error);
    if (slot != REPORT_NO_SLOT)
        store_set_base(store, (unsigned)slot);
    store->may_save = true;
    store->memory_changed = false;
    return H5CKPT_OK;
}
