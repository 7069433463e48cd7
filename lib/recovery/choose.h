/* SPDX-License-Identifier: MIT */
/*
 * choose: which slot to give back, decided from what is known of all of them (P6, P7). Pure: no I/O, so that the
 * tests walk every combination.
 *
 * A restore asks, verifies the slot it is told, and, if that one turns out bad, notes so and asks again.
 */
#ifndef H5CKPT_CHOOSE_H
#define H5CKPT_CHOOSE_H

#include "storage/plan.h"

enum { CHOOSE_NONE = -1 };

struct choose_witness {    /* what the lock's note tells */
    uint64_t acknowledged; /* a save of this sequence was reported as a success; 0 if not known */
    bool nothing_newer;    /* and none of a higher one: the note is of this boot */
    bool nothing_at_all;   /* the lock says that no save of this checkpoint ever was */
};

struct choice {
    h5ckpt_status status; /* H5CKPT_OK, H5CKPT_FELL_BACK: restore `slot`; else why nothing is given back */
    int slot;             /* for a failure: the slot that is the reason, or CHOOSE_NONE */
};

/*
 * In this order:
 * - a slot of a newer version, a foreign one, one that cannot be read for a passing reason: that, and nothing is rolled
 *   back;
 * - the newest state of the branch the program was on; then the newest abandoned one;
 * - none left: H5CKPT_NO_CHECKPOINT where there never was one: the first save, into a reserved slot, was cut short;
 *   else H5CKPT_E_OVERTAKEN while a writer fills one, H5CKPT_E_LOST otherwise.
 *
 * H5CKPT_FELL_BACK if a newer state was acknowledged, or, where the witness cannot rule that out, may have existed: a
 * slot that is damaged, missing, or interrupted or damaged, and whose record does not show that it was older. Also for
 * a committed twin of the same sequence, whether its blocks were read or not, and for an abandoned state.
 *
 * H5CKPT_PREVIOUS gives the state next to the newest; where the newest is known to be lost, that is the newest one left
 * (H5CKPT_FELL_BACK). H5CKPT_FELL_BACK also if one between may have been lost, and for a twin or an abandoned state.
 * None: H5CKPT_NO_CHECKPOINT if nothing is wrong, else as above.
 */
struct choice choose_slot(const struct plan_slot *slot, unsigned slot_count, enum h5ckpt_which which,
                          struct choose_witness witness);

/* What each slot is to the next restore. */
void choose_roles(const struct plan_slot *slot, unsigned slot_count, enum h5ckpt_role *role);

/* Is a file of this length worth being read past the page cache? */
bool choose_past_cache(uint64_t file_bytes);

/* Do two slots claim one sequence? (One was copied over the other.) */
bool choose_is_duplicate(const struct plan_slot *slot, unsigned slot_count, unsigned which);

#endif
