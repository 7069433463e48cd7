/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "document.h"
#include "logs.h"

/* JSON has no numbers for these. Null is where nothing was logged. */
static json_t *value_of(double value)
{
    if (!h5ckpt_was_logged(value))
        return json_null();
    if (isnan(value))
        return json_string("nan");
    if (isinf(value))
        return json_string(value < 0 ? "-inf" : "inf");
    return json_real(value);
}

static json_t *positions_of(const uint64_t *position, size_t count)
{
    json_t *array = json_array();

    for (size_t row = 0; row < count; row++)
        document_append(array, document_number(position[row]));
    return array;
}

static json_t *logs_of(const struct logs *logs)
{
    json_t *object = json_object();

    for (size_t i = 0; i < logs->log_count; i++) {
        json_t *array = json_array();
        for (size_t row = 0; row < logs->row_count; row++)
            document_append(array, value_of(logs->value[i][row]));
        document_set(object, logs->name[i], array);
    }
    return object;
}

void logs_as_json(const struct logs *logs)
{
    const struct h5ckpt_report *report = &logs->report;
    const bool known = logs_are_known(logs);
    json_t *object = json_object();

    document_set(object, "directory", document_text(logs->directory));
    document_set(object, "status", json_string(h5ckpt_status_name(logs->status)));
    document_set(object, "message", document_text(logs->message));
    document_set(object, "exit_status", json_integer(logs->verdict));
    document_set(object, "slot", known ? json_string(report->slot[report->restored].name) : json_null());
    document_set(object, "row_count", known ? document_number(logs->row_count) : json_null());
    document_set(object, "epoch", known ? positions_of(logs->epoch, logs->row_count) : json_null());
    document_set(object, "batch", known ? positions_of(logs->batch, logs->row_count) : json_null());
    document_set(object, "step", known ? positions_of(logs->step, logs->row_count) : json_null());
    document_set(object, "logs", known ? logs_of(logs) : json_null());
    document_print(object);
}
