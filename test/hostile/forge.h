/* SPDX-License-Identifier: MIT */
/*
 * forge: changes of a slot that its checksums do not show, because they are made right again. What is changed follows
 * from a number alone, so that a case that failed can be tried again.
 */
#ifndef TEST_HOSTILE_FORGE_H
#define TEST_HOSTILE_FORGE_H

#include "hostile/specimen.h"

enum { FORGE_TEXT_BYTES = 512 };

/* Change one to four things; `what` says which. */
void forge(struct specimen *specimen, uint64_t number, char what[FORGE_TEXT_BYTES]);

/* Of every field of the record every number that is hostile, one after the other; how many that are. */
uint64_t forge_field_count(void);
void forge_field(struct specimen *specimen, uint64_t number, char what[FORGE_TEXT_BYTES]);

/* A field of a lock, set to something that is hostile. */
void forge_lock(struct specimen *lock, uint64_t number, char what[FORGE_TEXT_BYTES]);

#endif
