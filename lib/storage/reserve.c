/* SPDX-License-Identifier: MIT */
/*
 * reserve: all slots made beforehand, at leisure (h5ckpt_reserve()).
 */
#include "storage/rotation.h"

static h5ckpt_status make_slots(h5ckpt_store *store)
{
    h5ckpt_status status = store_prepare(store);

    if (status == H5CKPT_OK)
        status = store_prepare_copies(store);
    if (status == H5CKPT_OK)
        status = lock_check(&store->lock, &store->error);
    if (status == H5CKPT_OK)
        status = rotation_reserve(store, FORMAT_SLOT_COUNT_MAX, SLOT_WRITTEN);
    if (status == H5CKPT_OK)
        status = directory_flush(&store->directory, &store->error);
    if (status < 0)
        rotation_give_back(store);
    return status;
}

h5ckpt_status h5ckpt_reserve(h5ckpt_store *store)
{
    h5ckpt_status status;

    if (store == NULL)
        return H5CKPT_E_ARGUMENT;
    status = store_enter(store, "h5ckpt_reserve");
    if (status < 0)
        return status;
    if (store->options.mode != H5CKPT_READ_WRITE)
        return error_set(&store->error, H5CKPT_E_ARGUMENT, "the store of '%s' is read-only", store->directory.path);
    if (store->lock.phase != LOCK_EMPTY) /* slots have been there: if none is now, that is for a restore to say */
        return H5CKPT_OK;
    return rotation_is_unmade(store) ? make_slots(store) : H5CKPT_OK;
}
