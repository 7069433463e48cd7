/* SPDX-License-Identifier: MIT */
#include "finding.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum { LOOKS_MAX = 4 }; /* how often a writer may replace what was found before it could be listed */

/* --------------------------------------------------------------------- copies */

/* The strings and the pointers to them in one piece, for free(). */
static const char *const *copy_names(const char *const *names, size_t count)
{
    size_t byte_count = count * sizeof *names;

    for (size_t i = 0; i < count; i++)
        byte_count += strlen(names[i]) + 1;
    const char **copy = memory_check(malloc(byte_count + 1));
    char *text = (char *)(copy + count);
    for (size_t i = 0; i < count; i++) {
        copy[i] = text;
        text = stpcpy(text, names[i]) + 1;
    }
    return copy;
}

static const uint64_t *copy_shape(const uint64_t *shape, int rank)
{
    uint64_t *copy = memory_check(malloc((size_t)rank * sizeof *shape + 1));

    if (rank > 0)
        memcpy(copy, shape, (size_t)rank * sizeof *shape);
    return copy;
}

/* --------------------------------------------------------------------- visits */

static void count_variable(void *context, const struct h5ckpt_stored *variable)
{
    struct finding_slot *slot = context;

    (void)variable;
    slot->variable_count++;
}

static void keep_variable(void *context, const struct h5ckpt_stored *variable)
{
    struct finding *finding = context;
    struct h5ckpt_stored *kept;

    finding->variables = memory_for_one_more(finding->variables, finding->variable_count, sizeof *finding->variables);
    kept = &finding->variables[finding->variable_count++];
    *kept = *variable;
    kept->name = memory_check(strdup(variable->name));
    kept->type_name = memory_check(strdup(variable->type_name));
    kept->shape = copy_shape(variable->shape, variable->rank);
}

static void keep_setting(void *context, const struct h5ckpt_stored_setting *setting)
{
    struct finding *finding = context;
    struct h5ckpt_stored_setting *kept;

    finding->settings = memory_for_one_more(finding->settings, finding->setting_count, sizeof *finding->settings);
    kept = &finding->settings[finding->setting_count++];
    *kept = *setting;
    kept->name = memory_check(strdup(setting->name));
    kept->type_name = memory_check(strdup(setting->type_name));
    kept->shape = copy_shape(setting->shape, setting->rank);
    kept->text = memory_check(strdup(setting->text));
    kept->bytes = NULL;
}

static void keep_damage(void *context, const struct h5ckpt_damage *damage)
{
    struct finding_slot *slot = context;
    struct h5ckpt_damage *kept;

    slot->damage = memory_for_one_more(slot->damage, slot->damage_count, sizeof *slot->damage);
    kept = &slot->damage[slot->damage_count++];
    *kept = *damage;
    kept->names = copy_names(damage->names, damage->name_count);
}

static void keep_milestone(void *context, const struct h5ckpt_milestone *milestone)
{
    struct finding *finding = context;
    struct h5ckpt_milestone *kept;

    finding->milestones =
        memory_for_one_more(finding->milestones, finding->milestone_count, sizeof *finding->milestones);
    kept = &finding->milestones[finding->milestone_count++];
    *kept = *milestone;
    kept->name = memory_check(strdup(milestone->name));
    kept->reason = memory_check(strdup(milestone->reason));
}

static void forget_milestones(struct finding *finding)
{
    for (size_t i = 0; i < finding->milestone_count; i++) {
        free((void *)finding->milestones[i].name);
        free((void *)finding->milestones[i].reason);
    }
    free(finding->milestones);
    finding->milestones = NULL;
    finding->milestone_count = 0;
}

/* Take away what the visits have brought. */
static void forget(struct finding *finding)
{
    forget_milestones(finding);
    for (size_t i = 0; i < finding->variable_count; i++) {
        free((void *)finding->variables[i].name);
        free((void *)finding->variables[i].type_name);
        free((void *)finding->variables[i].shape);
    }
    free(finding->variables);
    finding->variables = NULL;
    finding->variable_count = 0;
    for (size_t i = 0; i < finding->setting_count; i++) {
        free((void *)finding->settings[i].name);
        free((void *)finding->settings[i].type_name);
        free((void *)finding->settings[i].shape);
        free((void *)finding->settings[i].text);
    }
    free(finding->settings);
    finding->settings = NULL;
    finding->setting_count = 0;
    for (unsigned i = 0; i < H5CKPT_SLOT_COUNT_MAX; i++) {
        struct finding_slot *slot = &finding->slot[i];
        for (size_t j = 0; j < slot->damage_count; j++)
            free((void *)slot->damage[j].names);
        free(slot->damage);
        free(slot->uncounted);
        *slot = (struct finding_slot){.counted = H5CKPT_NO_CHECKPOINT};
    }
}

/* -------------------------------------------------------------------- looking */

/* Keep the library's message, which lasts only until its next call. */
static void note(struct finding *finding, h5ckpt_status status, const h5ckpt_store *store)
{
    free(finding->message);
    finding->status = status;
    finding->message = memory_check(strdup(h5ckpt_message(store)));
}

/* May the slot's blocks be called damaged? Those of a save that is not finished are only unfinished. */
static bool may_be_damaged(const struct h5ckpt_slot_report *slot)
{
    return slot->state == H5CKPT_SLOT_DAMAGED || slot->state == H5CKPT_SLOT_INTERRUPTED_OR_DAMAGED;
}

/* A damaged index is something that was found, and no reason not to tell the rest. */
static h5ckpt_status but_for_damage(h5ckpt_status status)
{
    return status == H5CKPT_E_DAMAGED ? H5CKPT_OK : status;
}

static void count_variables(struct finding_slot *slot, h5ckpt_store *store, unsigned number)
{
    slot->counted = h5ckpt_list_variables(store, number, count_variable, slot);
    if (slot->counted != H5CKPT_OK)
        slot->uncounted = memory_check(strdup(h5ckpt_message(store)));
}

/*
 * What the report does not hold. A count that cannot be had is shown as that; damage and the variables asked for must
 * be.
 */
static h5ckpt_status list(struct finding *finding, h5ckpt_store *store, const struct finding_request *request)
{
    const struct h5ckpt_report *report = &finding->report;
    h5ckpt_status status = H5CKPT_OK;

    for (unsigned i = 0; i < report->slot_count && status == H5CKPT_OK; i++) {
        if (report->slot[i].sequence == 0)
            continue;
        count_variables(&finding->slot[i], store, i);
        if (may_be_damaged(&report->slot[i]) && request->depth != H5CKPT_RECORDS)
            status = but_for_damage(h5ckpt_list_damage(store, i, keep_damage, &finding->slot[i]));
    }
    if (status == H5CKPT_OK && report->restored >= 0 && request->variables)
        status = but_for_damage(h5ckpt_list_variables(store, (unsigned)report->restored, keep_variable, finding));
    if (status == H5CKPT_OK && report->restored >= 0 && request->settings)
        status = but_for_damage(h5ckpt_list_settings(store, (unsigned)report->restored, keep_setting, finding));
    return status;
}

/* Was the directory looked at, so that milestones can be told from what is not ours? */
static bool is_ours(h5ckpt_status inspected)
{
    return inspected >= 0 || inspected == H5CKPT_E_LOST;
}

static void look(struct finding *finding, h5ckpt_store *store, const struct finding_request *request)
{
    struct h5ckpt_inspect_options options = h5ckpt_inspect_options_default();
    h5ckpt_status status = H5CKPT_E_OVERTAKEN;

    options.depth = request->depth;
    options.progress = request->progress;
    options.progress_context = request->progress_context;
    for (int i = 0; i < LOOKS_MAX && status == H5CKPT_E_OVERTAKEN; i++) {
        forget(finding);
        note(finding, h5ckpt_inspect(store, &options, &finding->report), store);
        status = list(finding, store, request);
    }
    if (status == H5CKPT_OK && is_ours(finding->status))
        status = h5ckpt_list_milestones(store, request->depth, keep_milestone, finding);
    if (status < 0)
        note(finding, status, store);
}

/* Did a state that its record calls committed fail to list its variables? */
static bool is_index_damaged(const struct finding *finding)
{
    for (unsigned i = 0; i < finding->report.slot_count; i++)
        if (finding->report.slot[i].state == H5CKPT_SLOT_COMMITTED && finding->slot[i].counted == H5CKPT_E_DAMAGED)
            return true;
    return false;
}

/* Of those that are ours, which are counted. */
static enum verdict verdict_of_milestones(const struct finding *finding, size_t *count)
{
    enum verdict worst = VERDICT_SOUND;

    *count = 0;
    for (size_t i = 0; i < finding->milestone_count; i++) {
        const enum verdict one = verdict_of_milestone(finding->milestones[i].state);
        *count += finding->milestones[i].state != H5CKPT_SLOT_FOREIGN;
        if (one > worst)
            worst = one;
    }
    return worst;
}

static enum verdict decide(const struct finding *finding)
{
    size_t milestone_count;
    const enum verdict milestones = verdict_of_milestones(finding, &milestone_count);
    const enum verdict beside = milestones == VERDICT_SOUND && is_index_damaged(finding) ? VERDICT_DAMAGED : milestones;

    return verdict_of_directory(verdict(finding->status, &finding->report, beside), milestones, milestone_count);
}

struct finding finding_make(const struct finding_request *request)
{
    struct finding finding = {.directory = request->directory, .depth = request->depth, .report.restored = -1};
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_state *state = memory_check(h5ckpt_state_new());
    h5ckpt_store *store;
    h5ckpt_status status;

    options.mode = H5CKPT_READ_ONLY;
    status = h5ckpt_open(&store, request->directory, state, &options);
    note(&finding, status, store);
    if (finding.status == H5CKPT_OK)
        look(&finding, store, request);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
    finding.verdict = decide(&finding);
    return finding;
}

void finding_free(struct finding *finding)
{
    forget(finding);
    free(finding->message);
}

/* --------------------------------------------------------------------- asking */

bool finding_is_present(const struct finding *finding, unsigned slot)
{
    return finding->report.slot[slot].state != H5CKPT_SLOT_ABSENT;
}

bool finding_was_read(const struct finding *finding, unsigned slot)
{
    const struct h5ckpt_slot_report *report = &finding->report.slot[slot];

    return report->state == H5CKPT_SLOT_INTACT || report->from_device || finding->slot[slot].damage_count > 0;
}

const char *finding_reason(const struct finding *finding, unsigned slot)
{
    const struct h5ckpt_slot_report *report = &finding->report.slot[slot];

    if (report->reason[0] != '\0')
        return report->reason;
    return finding->slot[slot].uncounted == NULL ? "" : finding->slot[slot].uncounted;
}

const struct h5ckpt_slot_report *finding_restorable(const struct finding *finding)
{
    return finding->report.restored < 0 ? NULL : &finding->report.slot[finding->report.restored];
}
