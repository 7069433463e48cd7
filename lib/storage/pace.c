/* SPDX-License-Identifier: MIT */
#include "storage/pace.h"

int64_t pace_due_ns(const struct pace *pace, uint64_t bytes_done)
{
    const double delay_ns = pace->bytes_per_second == 0 ? 0 : 1e9 * (double)bytes_done / (double)pace->bytes_per_second;

    if (delay_ns >= (double)INT64_MAX - (double)pace->begun_ns)
        return INT64_MAX;
    return pace->begun_ns + (int64_t)delay_ns;
}
