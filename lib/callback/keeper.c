/* SPDX-License-Identifier: MIT */
#include "callback/keeper.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "storage/save.h"

#define EPOCH_PREFIX "epoch-"
#define BEST         "best"

h5ckpt_status keeper_check_options(const struct h5ckpt_callback_options *options, struct error *error)
{
    const struct h5ckpt_milestones *milestones = &options->milestones;

    if (milestones->keep_last != 0 && milestones->every_epochs == 0)
        return error_set(error, H5CKPT_E_ARGUMENT,
                         "callback options: milestones.keep_last is %u, but milestones.every_epochs is 0: none would "
                         "ever be kept",
                         milestones->keep_last);
    if (milestones->best && options->monitor == NULL)
        return error_set(error, H5CKPT_E_ARGUMENT,
                         "callback options: milestones.best is set, but monitor names no log to go by");
    return H5CKPT_OK;
}

static bool is_same_place(const struct h5ckpt_progress *a, const struct h5ckpt_progress *b)
{
    return a->epoch == b->epoch && a->batch == b->batch && a->step == b->step;
}

struct keeper_wish keeper_wish(const struct h5ckpt_milestones *options, const struct h5ckpt_best *best,
                               const struct h5ckpt_progress *at)
{
    const bool epoch_ended = at->epoch != 0 && at->batch == 0;

    return (struct keeper_wish){
        .epoch = options->every_epochs != 0 && epoch_ended && at->epoch % options->every_epochs == 0,
        .best = options->best && best->known && is_same_place(&best->at, at),
    };
}

void keeper_prepare(h5ckpt_store *store)
{
    save_settle(store);
}

h5ckpt_status keeper_keep(h5ckpt_store *store, const struct h5ckpt_progress *at, const char *name)
{
    h5ckpt_status status = save_land_own(store);

    if (status < 0)
        return status;
    const struct h5ckpt_progress saved = h5ckpt_progress(store);
    if (!is_same_place(&saved, at))
        return H5CKPT_SKIPPED;
    return h5ckpt_keep(store, name);
}

/* ------------------------------------------------------------------------ by epochs */

/* A name that keeper_keep_epoch() gives. */
static bool is_of_epoch(const char *name)
{
    const size_t prefix = sizeof EPOCH_PREFIX - 1;

    return strncmp(name, EPOCH_PREFIX, prefix) == 0 && name[prefix] != '\0' &&
           strspn(name + prefix, "0123456789") == strlen(name + prefix);
}

struct kept {
    unsigned count;
    char oldest[H5CKPT_MILESTONE_NAME_BYTES_MAX + 1];
};

/* Visited in the order in which they were saved. What is not ours, or cannot be told to be, is not ours to remove. */
static void count_kept(void *context, const struct h5ckpt_milestone *milestone)
{
    struct kept *kept = context;
    const bool ours = milestone->sequence != 0 && milestone->state != H5CKPT_SLOT_FOREIGN &&
                      milestone->state != H5CKPT_SLOT_NEWER_VERSION;

    if (ours && is_of_epoch(milestone->name) && kept->count++ == 0)
        snprintf(kept->oldest, sizeof kept->oldest, "%s", milestone->name);
}

static h5ckpt_status remove_oldest(h5ckpt_store *store, unsigned keep_last)
{
    for (;;) { /* every turn ends, or removes one */
        struct kept kept = {0};
        h5ckpt_status status = h5ckpt_list_milestones(store, H5CKPT_RECORDS, count_kept, &kept);
        if (status < 0 || kept.count <= keep_last)
            return status;
        status = h5ckpt_remove_milestone(store, kept.oldest);
        if (status < 0)
            return status;
    }
}

static h5ckpt_status keep_epoch(const struct h5ckpt_milestones *options, h5ckpt_store *store,
                                const struct h5ckpt_progress *at)
{
    char name[sizeof EPOCH_PREFIX "18446744073709551615"];
    h5ckpt_status status;

    snprintf(name, sizeof name, EPOCH_PREFIX "%" PRIu64, at->epoch);
    status = keeper_keep(store, at, name);
    return status == H5CKPT_OK && options->keep_last != 0 ? remove_oldest(store, options->keep_last) : status;
}

/* ---------------------------------------------------------------------- as wished */

h5ckpt_status keeper_keep_as_wished(const struct h5ckpt_milestones *options, struct keeper_wish wish,
                                    h5ckpt_store *store, const struct h5ckpt_progress *at)
{
    struct error first = ERROR_NONE;
    h5ckpt_status status = wish.best ? keeper_keep(store, at, BEST) : H5CKPT_OK;

    if (status < 0)
        error_move(&first, &store->error);
    if (wish.epoch)
        status = keep_epoch(options, store, at);
    if (first.status == H5CKPT_OK)
        return status;
    error_move(&store->error, &first);
    return store->error.status;
}
