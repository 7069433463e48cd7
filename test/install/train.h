/* SPDX-License-Identifier: MIT */
#ifndef TRAIN_H
#define TRAIN_H

#include <stdint.h>

enum { WEIGHT_COUNT = 8 };

extern double weights[WEIGHT_COUNT];

void train_one_epoch(uint64_t epoch);

#endif
