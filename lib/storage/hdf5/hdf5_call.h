/* SPDX-License-Identifier: MIT */
/*
 * hdf5_call: what goes around every use of HDF5: silence, enough memory, its reason when a call fails.
 *
 *   hdf5_enter() … calls, hdf5_error() for one that fails, hdf5_close() … hdf5_leave()
 *
 * (1) Between entering and leaving HDF5 prints nothing; afterwards the program's own setting is back.
 * (2) What HDF5 is going to allocate in between, in the same thread, has been had from the system before: it does not
 *     survive a refusal.
 */
#ifndef H5CKPT_HDF5_CALL_H
#define H5CKPT_HDF5_CALL_H

#include <hdf5.h>

#include "error.h"

struct reserve;

struct hdf5_visit {
    struct reserve *reserve; /* of memory */
    unsigned is_version_2;   /* the program's setting of HDF5's automatic error printing … */
    H5E_auto2_t function_2;
#ifndef H5_NO_DEPRECATED_SYMBOLS
    H5E_auto1_t function_1;
#endif
    void *context;
};

/*
 * Begin to use HDF5, for a file of about `metadata_bytes` (0: for no file). After H5CKPT_OK call hdf5_leave();
 * after H5CKPT_E_MEMORY neither that nor HDF5.
 */
h5ckpt_status hdf5_enter(struct hdf5_visit *visit, uint64_t metadata_bytes, struct error *error);

void hdf5_leave(struct hdf5_visit *visit);

/*
 * "HDF5 cannot …", with the innermost reason that HDF5 gives. Call at once: the next HDF5 call forgets the reason.
 * Returns H5CKPT_E_HDF5, or H5CKPT_E_MEMORY where that is the reason.
 */
h5ckpt_status hdf5_error(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Close `id` by the H5…close() of its kind; an invalid id is nothing to close. */
void hdf5_close(herr_t (*close)(hid_t), hid_t id);

#endif
