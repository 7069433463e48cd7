/* SPDX-License-Identifier: MIT */
/*
 * scenario: every public operation that makes system calls, in the situations in which it makes different ones, for
 * trial.h to disturb.
 */
#ifndef H5CKPT_TEST_CALLS_SCENARIO_H
#define H5CKPT_TEST_CALLS_SCENARIO_H

#include "calls/trial.h"

extern const struct scenario SCENARIOS[];
extern const size_t SCENARIO_COUNT;

#endif
