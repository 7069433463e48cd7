/* SPDX-License-Identifier: MIT */
#include "as_json.h"

#include "document.h"
#include "text.h"

/* ------------------------------------------------------------------------ parts */

static json_t *variables_of(const struct finding *finding)
{
    json_t *array = json_array();

    for (size_t i = 0; i < finding->variable_count; i++) {
        const struct h5ckpt_stored *variable = &finding->variables[i];
        json_t *object = json_object();
        json_t *shape = json_array();

        for (int j = 0; j < variable->rank; j++)
            document_append(shape, document_number(variable->shape[j]));
        document_set(object, "name", document_text(variable->name));
        document_set(object, "type", document_text(variable->type_name));
        document_set(object, "shape", shape);
        document_set(object, "bytes", document_number(variable->byte_count));
        document_set(object, "offset", variable->offset == 0 ? json_null() : document_number(variable->offset));
        document_append(array, object);
    }
    return array;
}

static json_t *settings_of(const struct finding *finding)
{
    json_t *array = json_array();

    for (size_t i = 0; i < finding->setting_count; i++) {
        const struct h5ckpt_stored_setting *setting = &finding->settings[i];
        json_t *object = json_object();
        json_t *shape = json_array();

        for (int j = 0; j < setting->rank; j++)
            document_append(shape, document_number(setting->shape[j]));
        document_set(object, "name", document_text(setting->name));
        document_set(object, "type", document_text(setting->type_name));
        document_set(object, "shape", shape);
        document_set(object, "bytes", document_number(setting->byte_count));
        document_set(object, "value", setting->text[0] == '\0' ? json_null() : document_text(setting->text));
        document_append(array, object);
    }
    return array;
}

static json_t *names_in(const struct h5ckpt_damage *damage)
{
    json_t *array = json_array();

    for (size_t i = 0; i < damage->name_count; i++)
        document_append(array, document_text(damage->names[i]));
    return array;
}

static json_t *damage_of(const struct finding_slot *slot)
{
    json_t *array = json_array();

    for (size_t i = 0; i < slot->damage_count; i++) {
        const struct h5ckpt_damage *damage = &slot->damage[i];
        json_t *object = json_object();

        document_set(object, "first_block", document_number(damage->first_block));
        document_set(object, "block_count", document_number(damage->block_count));
        document_set(object, "offset", document_number(damage->offset));
        document_set(object, "bytes", document_number(damage->byte_count));
        document_set(object, "variables", damage->names_known ? names_in(damage) : json_null());
        document_append(array, object);
    }
    return array;
}

/* What only a readable record tells is null without one: then the sequence is 0. */
static void set_record(json_t *object, uint64_t sequence, const struct h5ckpt_progress *progress, int64_t wall_time_ns)
{
    const bool readable = sequence != 0;
    char saved[TEXT_BYTES];

    document_set(object, "sequence", readable ? document_number(sequence) : json_null());
    document_set(object, "epoch", readable ? document_number(progress->epoch) : json_null());
    document_set(object, "batch", readable ? document_number(progress->batch) : json_null());
    document_set(object, "step", readable ? document_number(progress->step) : json_null());
    document_set(object, "saved", readable ? json_string(text_utc_time(saved, wall_time_ns)) : json_null());
    document_set(object, "saved_unix_ns", readable ? json_integer(wall_time_ns) : json_null());
}

static json_t *slot_of(const struct finding *finding, unsigned i)
{
    const struct h5ckpt_slot_report *report = &finding->report.slot[i];
    const struct finding_slot *slot = &finding->slot[i];
    json_t *object = json_object();

    document_set(object, "name", json_string(report->name));
    document_set(object, "role",
                 report->role == H5CKPT_ROLE_NONE ? json_null() : json_string(h5ckpt_role_name(report->role)));
    document_set(object, "state", json_string(h5ckpt_slot_state_name(report->state)));
    set_record(object, report->sequence, &report->progress, report->wall_time_ns);
    document_set(object, "run_id", report->sequence != 0 ? json_string(report->run_id) : json_null());
    document_set(object, "bytes", document_number(report->file_bytes));
    document_set(object, "variable_count",
                 slot->counted == H5CKPT_OK ? document_number(slot->variable_count) : json_null());
    document_set(object, "reason", document_text(finding_reason(finding, i)));
    if (finding->depth == H5CKPT_RECORDS)
        return object;
    document_set(object, "from_device", finding_was_read(finding, i) ? json_boolean(report->from_device) : json_null());
    document_set(object, "damage", damage_of(slot));
    return object;
}

static json_t *milestones_of(const struct finding *finding)
{
    json_t *array = json_array();

    for (size_t i = 0; i < finding->milestone_count; i++) {
        const struct h5ckpt_milestone *milestone = &finding->milestones[i];
        json_t *object = json_object();
        document_set(object, "name", json_string(milestone->name));
        document_set(object, "state", json_string(h5ckpt_slot_state_name(milestone->state)));
        set_record(object, milestone->sequence, &milestone->progress, milestone->wall_time_ns);
        document_set(object, "bytes", document_number(milestone->file_bytes));
        document_set(object, "reason", document_text(milestone->reason));
        if (finding->depth != H5CKPT_RECORDS)
            document_set(object, "from_device", json_boolean(milestone->from_device));
        document_append(array, object);
    }
    return array;
}

/* --------------------------------------------------------------------- document */

static json_t *document(const struct finding *finding, bool with_variables, bool with_settings)
{
    const struct h5ckpt_slot_report *restorable = finding_restorable(finding);
    json_t *object = json_object();
    json_t *slots = json_array();

    for (unsigned i = 0; i < finding->report.slot_count; i++)
        if (finding_is_present(finding, i))
            document_append(slots, slot_of(finding, i));
    document_set(object, "directory", document_text(finding->directory));
    document_set(object, "directory_id",
                 finding->report.directory_id[0] == '\0' ? json_null() : json_string(finding->report.directory_id));
    document_set(object, "status", json_string(h5ckpt_status_name(finding->status)));
    document_set(object, "message", document_text(finding->message));
    document_set(object, "exit_status", json_integer(finding->verdict));
    document_set(object, "writer_alive", json_boolean(finding->report.writer_alive));
    document_set(object, "lock_damaged", json_boolean(finding->report.lock_damaged));
    document_set(object, "restorable", restorable == NULL ? json_null() : json_string(restorable->name));
    document_set(object, "slots", slots);
    document_set(object, "milestones", milestones_of(finding));
    if (with_variables)
        document_set(object, "variables", restorable == NULL ? json_null() : variables_of(finding));
    if (with_settings)
        document_set(object, "settings", restorable == NULL ? json_null() : settings_of(finding));
    return object;
}

void as_json(const struct finding *finding, bool with_variables, bool with_settings)
{
    document_print(document(finding, with_variables, with_settings));
}
