/* SPDX-License-Identifier: MIT */
/*
 * as_json: a finding for programs, as one JSON document on standard output: h5ckpt(1) describes it.
 */
#ifndef AS_JSON_H
#define AS_JSON_H

#include "finding.h"

void as_json(const struct finding *finding, bool with_variables, bool with_settings);

#endif
