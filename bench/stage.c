/* SPDX-License-Identifier: MIT */
#include "stage.h"

void stage_make(struct stage *stage, const struct settings *settings)
{
    const size_t byte_count = settings->byte_count;

    stage->memory = workload_memory_make(workload_span(byte_count, settings->array_count));
    stage->workload = workload_cut(stage->memory, byte_count, settings->array_count, settings->unaligned);
    yardstick_file_make(&stage->file, "device", &stage->memory, byte_count, YARDSTICK_PAST_CACHE);
}

void stage_free(struct stage *stage)
{
    yardstick_file_free(&stage->file);
    workload_free(&stage->workload);
    workload_memory_free(&stage->memory);
}
