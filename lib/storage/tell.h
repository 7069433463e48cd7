/* SPDX-License-Identifier: MIT */
/*
 * tell: what happens to a save, to the program's logger, in sentences.
 */
#ifndef H5CKPT_TELL_H
#define H5CKPT_TELL_H

#include "storage/store.h"

void tell_begun(const h5ckpt_store *store, const struct record *record, unsigned slot_number);
void tell_durable(const h5ckpt_store *store, const struct record *record, unsigned slot_number, uint64_t save_ns);

/* And what is still safe, at the end of the message. */
void tell_failure(const h5ckpt_store *store, struct error *error);

#endif
