/* SPDX-License-Identifier: MIT */
/*
 * stage: what every subcommand begins with: the arrays that the settings ask for, and a file of as many bytes for the
 * device.
 */
#ifndef STAGE_H
#define STAGE_H

#include "settings.h"
#include "workload.h"
#include "yardstick.h"

struct stage {
    struct workload_memory memory;
    struct workload workload; /* in that memory */
    struct yardstick_file file;
};

void stage_make(struct stage *stage, const struct settings *settings);
void stage_free(struct stage *stage);

#endif
