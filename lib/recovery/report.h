/* SPDX-License-Identifier: MIT */
/*
 * report: what the program is told of a directory after a restore or an inspection.
 */
#ifndef H5CKPT_REPORT_H
#define H5CKPT_REPORT_H

#include "storage/store.h"

enum { REPORT_NO_SLOT = -1 };

/* Fill `report` from what is known of the slots; `restored` is the slot given back, or REPORT_NO_SLOT. */
void report_fill(struct h5ckpt_report *report, const h5ckpt_store *store, h5ckpt_status status, int restored,
                 size_t variable_count);

#endif
