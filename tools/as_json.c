/* SPDX-License-Identifier: MIT */
#include "as_json.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "text.h"

/* ----------------------------------------------------------------------- values */

/* Takes `value` over; NULL is one for which there was no memory. */
static void set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) < 0)
        memory_exhausted();
}

static void append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) < 0)
        memory_exhausted();
}

/* Beyond what the readers of JSON take for an integer, a string of digits. */
static json_t *number(uint64_t value)
{
    char digits[TEXT_BYTES];

    if (value <= INT64_MAX)
        return json_integer((json_int_t)value);
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    return json_string(digits);
}

/* JSON is UTF-8, and a path need not be: then every byte of it beyond ASCII becomes \xHH. */
static json_t *string(const char *text)
{
    json_t *value = json_string(text);

    if (value != NULL)
        return value;
    char *ascii = memory_check(malloc((sizeof "\\xHH" - 1) * strlen(text) + 1));
    char *end = ascii;
    for (; *text != '\0'; text++)
        end += sprintf(end, (unsigned char)*text < 0x80 ? "%c" : "\\x%02x", (unsigned char)*text);
    *end = '\0';
    value = json_string(ascii);
    free(ascii);
    return value;
}

/* ------------------------------------------------------------------------ parts */

static json_t *variables_of(const struct finding *finding)
{
    json_t *array = json_array();

    for (size_t i = 0; i < finding->variable_count; i++) {
        const struct h5ckpt_stored *variable = &finding->variables[i];
        json_t *object = json_object();
        json_t *shape = json_array();

        for (int j = 0; j < variable->rank; j++)
            append(shape, number(variable->shape[j]));
        set(object, "name", string(variable->name));
        set(object, "type", string(variable->type_name));
        set(object, "shape", shape);
        set(object, "bytes", number(variable->byte_count));
        set(object, "offset", variable->offset == 0 ? json_null() : number(variable->offset));
        append(array, object);
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
            append(shape, number(setting->shape[j]));
        set(object, "name", string(setting->name));
        set(object, "type", string(setting->type_name));
        set(object, "shape", shape);
        set(object, "bytes", number(setting->byte_count));
        set(object, "value", setting->text[0] == '\0' ? json_null() : string(setting->text));
        append(array, object);
    }
    return array;
}

static json_t *names_in(const struct h5ckpt_damage *damage)
{
    json_t *array = json_array();

    for (size_t i = 0; i < damage->name_count; i++)
        append(array, string(damage->names[i]));
    return array;
}

static json_t *damage_of(const struct finding_slot *slot)
{
    json_t *array = json_array();

    for (size_t i = 0; i < slot->damage_count; i++) {
        const struct h5ckpt_damage *damage = &slot->damage[i];
        json_t *object = json_object();

        set(object, "first_block", number(damage->first_block));
        set(object, "block_count", number(damage->block_count));
        set(object, "offset", number(damage->offset));
        set(object, "bytes", number(damage->byte_count));
        set(object, "variables", damage->names_known ? names_in(damage) : json_null());
        append(array, object);
    }
    return array;
}

/* What only a readable record tells is null without one. */
static void set_record(json_t *object, const struct h5ckpt_slot_report *slot)
{
    const bool readable = slot->sequence != 0;
    char saved[TEXT_BYTES];

    set(object, "sequence", readable ? number(slot->sequence) : json_null());
    set(object, "epoch", readable ? number(slot->progress.epoch) : json_null());
    set(object, "batch", readable ? number(slot->progress.batch) : json_null());
    set(object, "step", readable ? number(slot->progress.step) : json_null());
    set(object, "saved", readable ? json_string(text_utc_time(saved, slot->wall_time_ns)) : json_null());
    set(object, "saved_unix_ns", readable ? json_integer(slot->wall_time_ns) : json_null());
    set(object, "run_id", readable ? json_string(slot->run_id) : json_null());
}

static json_t *slot_of(const struct finding *finding, unsigned i)
{
    const struct h5ckpt_slot_report *report = &finding->report.slot[i];
    const struct finding_slot *slot = &finding->slot[i];
    json_t *object = json_object();

    set(object, "name", json_string(report->name));
    set(object, "role", report->role == H5CKPT_ROLE_NONE ? json_null() : json_string(h5ckpt_role_name(report->role)));
    set(object, "state", json_string(h5ckpt_slot_state_name(report->state)));
    set_record(object, report);
    set(object, "bytes", number(report->file_bytes));
    set(object, "variable_count", slot->counted == H5CKPT_OK ? number(slot->variable_count) : json_null());
    set(object, "reason", string(finding_reason(finding, i)));
    if (finding->depth == H5CKPT_RECORDS)
        return object;
    set(object, "from_device", finding_was_read(finding, i) ? json_boolean(report->from_device) : json_null());
    set(object, "damage", damage_of(slot));
    return object;
}

/* --------------------------------------------------------------------- document */

static json_t *document(const struct finding *finding, bool with_variables, bool with_settings)
{
    const struct h5ckpt_slot_report *restorable = finding_restorable(finding);
    json_t *object = json_object();
    json_t *slots = json_array();

    for (unsigned i = 0; i < finding->report.slot_count; i++)
        if (finding_is_present(finding, i))
            append(slots, slot_of(finding, i));
    set(object, "directory", string(finding->directory));
    set(object, "directory_id",
        finding->report.directory_id[0] == '\0' ? json_null() : json_string(finding->report.directory_id));
    set(object, "status", json_string(h5ckpt_status_name(finding->status)));
    set(object, "message", string(finding->message));
    set(object, "exit_status", json_integer(finding->verdict));
    set(object, "writer_alive", json_boolean(finding->report.writer_alive));
    set(object, "lock_damaged", json_boolean(finding->report.lock_damaged));
    set(object, "restorable", restorable == NULL ? json_null() : json_string(restorable->name));
    set(object, "slots", slots);
    if (with_variables)
        set(object, "variables", restorable == NULL ? json_null() : variables_of(finding));
    if (with_settings)
        set(object, "settings", restorable == NULL ? json_null() : settings_of(finding));
    return object;
}

/* DEL is the one control character that JSON allows as it is; a terminal should not get it, either. */
static int write_safely(const char *bytes, size_t byte_count, void *stream)
{
    for (size_t i = 0; i < byte_count; i++)
        if (bytes[i] == '\x7f')
            fputs("\\u007f", stream);
        else
            putc(bytes[i], stream);
    return 0; /* the stream remembers its errors */
}

void as_json(const struct finding *finding, bool with_variables, bool with_settings)
{
    json_t *object = document(finding, with_variables, with_settings);

    if (json_dump_callback(object, write_safely, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII) < 0)
        memory_exhausted();
    putchar('\n');
    json_decref(object);
}
