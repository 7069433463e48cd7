/* SPDX-License-Identifier: MIT */
#include "recovery/staging.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "storage/buffer.h"
#include "storage/team.h"

enum {
    ELEMENT_ALIGN_BYTES = 16,  /* enough for any */
    SHARE_BYTES_MIN = 4 << 20, /* copied sooner than a thread is made */
    SHARE_COUNT_MAX = 16,
    MEMBERS_MAX = 4,
};

/* ------------------------------------------------------------------- memory */

static uint64_t piece_bytes(uint64_t byte_count)
{
    return bytes_round_up(byte_count, ELEMENT_ALIGN_BYTES);
}

void staging_plan(struct staging *staging, uint64_t byte_count)
{
    staging->byte_count += piece_bytes(byte_count);
}

unsigned char *staging_take(struct staging *staging, uint64_t byte_count)
{
    unsigned char *bytes = staging->bytes + staging->taken_bytes;

    staging->taken_bytes += piece_bytes(byte_count);
    assert(staging->taken_bytes <= staging->byte_count);
    return bytes;
}

h5ckpt_status staging_make(struct staging *staging, struct error *error)
{
    staging->bytes = staging->byte_count < SIZE_MAX ? buffer_allocate((size_t)staging->byte_count + 1) : NULL;
    if (staging->bytes == NULL)
        return error_set(error, H5CKPT_E_MEMORY, "no memory for a copy of %" PRIu64 " bytes", staging->byte_count);
    return H5CKPT_OK;
}

void staging_free(struct staging *staging)
{
    free(staging->bytes);
    *staging = STAGING_NONE;
}

/* ------------------------------------------------------------------ deliver */

struct delivery {
    const struct staging_copy *copy;
    size_t copy_count;
    uint64_t byte_count;  /* of all copies, one behind the other … */
    uint64_t share_bytes; /* … which are cut in so many for each turn of a member */
    _Atomic uint64_t next_share;
};

/* Bytes `begin` to `end` of all copies. */
static void copy_between(const struct delivery *delivery, uint64_t begin, uint64_t end)
{
    uint64_t at = 0; /* where the copy begins */

    for (size_t i = 0; i < delivery->copy_count && at < end; i++) {
        const struct staging_copy *copy = &delivery->copy[i];
        const uint64_t from = begin > at ? begin - at : 0;
        const uint64_t to = end - at < copy->byte_count ? end - at : copy->byte_count;
        if (from < to)
            memcpy((unsigned char *)copy->to + from, (const unsigned char *)copy->from + from, (size_t)(to - from));
        at += copy->byte_count;
    }
}

static void deliver_as_member(void *context, unsigned member)
{
    struct delivery *delivery = context;
    uint64_t begin;

    (void)member;
    while ((begin = atomic_fetch_add(&delivery->next_share, 1) * delivery->share_bytes) < delivery->byte_count)
        copy_between(delivery, begin, begin + delivery->share_bytes);
}

void staging_deliver(const struct staging_copy *copy, size_t copy_count, enum staging_order order)
{
    struct delivery delivery = {.copy = copy, .copy_count = copy_count};

    for (size_t i = 0; i < copy_count; i++)
        delivery.byte_count += copy[i].byte_count;
    delivery.share_bytes = delivery.byte_count / SHARE_COUNT_MAX + 1;
    if (delivery.share_bytes < SHARE_BYTES_MIN)
        delivery.share_bytes = SHARE_BYTES_MIN;
    team_run(order == STAGING_ASCENDING || delivery.byte_count <= SHARE_BYTES_MIN ? 1 : MEMBERS_MAX, deliver_as_member,
             &delivery);
}
