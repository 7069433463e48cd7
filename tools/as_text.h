/* SPDX-License-Identifier: MIT */
/*
 * as_text: a finding for people, on standard output. What kept it from being told goes to standard error.
 */
#ifndef AS_TEXT_H
#define AS_TEXT_H

#include "finding.h"

void as_text(const struct finding *finding);

#endif
