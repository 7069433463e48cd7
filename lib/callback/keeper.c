/* SPDX-License-Identifier: MIT */
#include "callback/keeper.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "recovery/kept_best.h"
#include "storage/milestone.h"
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

struct keeper keeper_of(const struct h5ckpt_callback_options *options, const char *monitor)
{
    return (struct keeper){.options = options->milestones, .monitor = monitor, .better = options->monitor_better};
}

/* --------------------------------------------------------------------------- wishes */

static bool beats(const struct keeper *keeper, double value)
{
    if (isnan(value) || !keeper->to_beat.known)
        return !isnan(value);
    return keeper->better == H5CKPT_LARGER_IS_BETTER ? value > keeper->to_beat.value : value < keeper->to_beat.value;
}

struct keeper_wish keeper_wish(const struct keeper *keeper, const struct history *history,
                               const struct h5ckpt_progress *at)
{
    const uint64_t every = keeper->options.every_epochs;
    const bool epoch_ended = at->epoch != 0 && at->batch == 0;
    struct keeper_wish wish = {.epoch = every != 0 && epoch_ended && at->epoch % every == 0};

    if (keeper->options.best && history_value_at(history, keeper->monitor, at, &wish.value))
        wish.best = beats(keeper, wish.value);
    return wish;
}

void keeper_prepare(h5ckpt_store *store)
{
    save_settle(store);
}

static h5ckpt_status keep_as(h5ckpt_store *store, const struct h5ckpt_progress *at, const char *name)
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

/* A name that keep_epoch() gives. */
static bool is_of_epoch(const char *name)
{
    const size_t prefix = sizeof EPOCH_PREFIX - 1;

    return strncmp(name, EPOCH_PREFIX, prefix) == 0 && name[prefix] != '\0' &&
           strspn(name + prefix, "0123456789") == strlen(name + prefix);
}

enum { EPOCH_NAME_BYTES = sizeof EPOCH_PREFIX "18446744073709551615" };

static const char *epoch_name(const struct h5ckpt_progress *at, char name[EPOCH_NAME_BYTES])
{
    snprintf(name, EPOCH_NAME_BYTES, EPOCH_PREFIX "%" PRIu64, at->epoch);
    return name;
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
    char name[EPOCH_NAME_BYTES];
    h5ckpt_status status = keep_as(store, at, epoch_name(at, name));

    return status == H5CKPT_OK && options->keep_last != 0 ? remove_oldest(store, options->keep_last) : status;
}

/* ---------------------------------------------------------------------- as wished */

static h5ckpt_status keep_best(struct keeper *keeper, double value, h5ckpt_store *store,
                               const struct h5ckpt_progress *at)
{
    h5ckpt_status status = keep_as(store, at, BEST);

    if (status == H5CKPT_OK)
        keeper->to_beat = (struct h5ckpt_best){.known = true, .value = value, .at = *at};
    return status;
}

h5ckpt_status keeper_keep(struct keeper *keeper, struct keeper_wish wish, h5ckpt_store *store,
                          const struct h5ckpt_progress *at)
{
    struct error first = ERROR_NONE;
    h5ckpt_status status = wish.best ? keep_best(keeper, wish.value, store, at) : H5CKPT_OK;

    if (status < 0)
        error_move(&first, &store->error);
    if (wish.epoch)
        status = keep_epoch(&keeper->options, store, at);
    if (first.status == H5CKPT_OK)
        return status;
    error_move(&store->error, &first);
    return store->error.status;
}

/* ---------------------------------------------------------------------------- begin */

/* Is there a newer state, or the same, under that epoch's name, or the one that was gone back to? */
static bool is_epoch_kept(const h5ckpt_store *store, const struct h5ckpt_progress *at)
{
    const uint64_t before = store->base == PLAN_NO_BASE ? 0 : store->survey.slot[store->base].record.base_sequence;
    char name[EPOCH_NAME_BYTES];
    struct milestone milestone;

    milestone_examine(&milestone, &store->directory, epoch_name(at, name), store->lock.directory_id);
    return milestone.slot.record_readable &&
           (milestone.slot.record.sequence >= store->base_sequence || milestone.slot.record.sequence == before);
}

h5ckpt_status keeper_begin(struct keeper *keeper, h5ckpt_store *store, const struct h5ckpt_progress *at)
{
    struct error told = ERROR_NONE;
    struct keeper_wish wish;
    h5ckpt_status status = H5CKPT_OK;

    if (keeper->options.best)
        status = kept_best(store, BEST, keeper->monitor, keeper->better, &keeper->to_beat, &store->error);
    if (status < 0)
        return status;
    wish = keeper_wish(keeper, &store->history, at);
    wish.epoch &= !is_epoch_kept(store, at);
    if (keeper->options.best && !keeper->to_beat.known) {
        keeper->to_beat = history_best(&store->history, keeper->monitor, keeper->better);
        wish.best &= is_same_place(&keeper->to_beat.at, at);
    }
    if (!wish.epoch && !wish.best)
        return H5CKPT_OK;
    error_move(&told, &store->error); /* of the restore */
    keeper_keep(keeper, wish, store, at);
    error_move(&store->error, &told);
    return H5CKPT_OK;
}
