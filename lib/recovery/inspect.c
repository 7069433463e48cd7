/* SPDX-License-Identifier: MIT */
/*
 * inspect: what a restore would give back, without giving it; and starting over beside it.
 */
#include "recovery/examine.h"
#include "recovery/report.h"

enum { INSPECT_ATTEMPTS_MAX = 16 };

struct h5ckpt_inspect_options h5ckpt_inspect_options_default(void)
{
    return (struct h5ckpt_inspect_options){.depth = H5CKPT_RECORDS};
}

static h5ckpt_status inspect_once(h5ckpt_store *store, const struct h5ckpt_inspect_options *options, int *slot)
{
    unsigned number;
    h5ckpt_status status;

    status = examine_begin(store);
    if (status == H5CKPT_OK && options->depth != H5CKPT_RECORDS)
        status = examine_all(store, options);
    if (status == H5CKPT_OK)
        status = examine_next(store, H5CKPT_CURRENT, options->depth, 0, &number);
    if (status == H5CKPT_OK || status == H5CKPT_FELL_BACK)
        *slot = (int)number;
    return status;
}

static h5ckpt_status inspect(h5ckpt_store *store, const struct h5ckpt_inspect_options *options, int *slot)
{
    h5ckpt_status status = H5CKPT_E_OVERTAKEN;

    *slot = REPORT_NO_SLOT;
    for (int attempt = 0; attempt < INSPECT_ATTEMPTS_MAX && status == H5CKPT_E_OVERTAKEN; attempt++)
        status = inspect_once(store, options, slot);
    if (status == H5CKPT_OK)
        error_clear(&store->error);
    return status;
}

h5ckpt_status h5ckpt_inspect(h5ckpt_store *store, const struct h5ckpt_inspect_options *options,
                             struct h5ckpt_report *report)
{
    const struct h5ckpt_inspect_options defaults = h5ckpt_inspect_options_default();
    h5ckpt_status status;
    int slot;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = store_enter(store, "h5ckpt_inspect");
    if (status == H5CKPT_OK && report == NULL)
        status = error_set(&store->error, H5CKPT_E_ARGUMENT, "h5ckpt_inspect: the report to fill is NULL");
    if (options == NULL)
        options = &defaults;
    if (status == H5CKPT_OK && (unsigned)options->depth > H5CKPT_DEVICE)
        status = error_set(&store->error, H5CKPT_E_ARGUMENT,
                           "h5ckpt_inspect: %d is not one of enum h5ckpt_depth (start from "
                           "h5ckpt_inspect_options_default())",
                           (int)options->depth);
    if (status < 0)
        return status;
    status = inspect(store, options, &slot);
    report_fill(report, store, status, slot, 0);
    return status;
}

h5ckpt_status h5ckpt_start_over(h5ckpt_store *store)
{
    const struct h5ckpt_inspect_options every_byte = {.depth = H5CKPT_ALL_BYTES};
    h5ckpt_status status;
    int slot;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = store_enter(store, "h5ckpt_start_over");
    if (status < 0)
        return status;
    if (store->options.mode != H5CKPT_READ_WRITE)
        return error_set(&store->error, H5CKPT_E_ARGUMENT, "the store of '%s' is read-only", store->directory.path);
    status = inspect(store, &every_byte, &slot);
    if (status < 0 && status != H5CKPT_E_LOST)
        return status;
    error_clear(&store->error);
    if (slot != REPORT_NO_SLOT)
        store_set_base(store, (unsigned)slot);
    store->may_save = true;
    store->memory_changed = false;
    return H5CKPT_OK;
}
