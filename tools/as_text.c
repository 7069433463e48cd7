/* SPDX-License-Identifier: MIT */
#include "as_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "table.h"
#include "text.h"

/* ---------------------------------------------------------------- table of slots */

static const char NOTHING[] = "-";

static const char *decimal(char room[TEXT_BYTES], uint64_t number)
{
    snprintf(room, TEXT_BYTES, "%" PRIu64, number);
    return room;
}

/* A cell of slot `i`; `room` is for a text that has to be made. */
typedef const char *cell(const struct finding *finding, unsigned i, char room[TEXT_BYTES]);

static const char *cell_name(const struct finding *finding, unsigned i, char room[TEXT_BYTES])
{
    (void)room;
    return finding->report.slot[i].name;
}

static const char *cell_role(const struct finding *finding, unsigned i, char room[TEXT_BYTES])
{
    (void)room;
    const enum h5ckpt_role role = finding->report.slot[i].role;
    return role == H5CKPT_ROLE_NONE ? NOTHING : h5ckpt_role_name(role);
}

static const char *cell_state(const struct finding *finding, unsigned i, char room[TEXT_BYTES])
{
    (void)room;
    return h5ckpt_slot_state_name(finding->report.slot[i].state);
}

/* Without a sequence there is no record that could tell this and the next ones. */
static const char *cell_sequence(const struct finding *finding, unsigned i, char room[TEXT_BYTES])
{
    const struct h5ckpt_slot_report *slot = &finding->report.slot[i];
    return slot->sequence == 0 ? NOTHING : decimal(room, slot->sequence);
}

static const char *cell_epoch(const struct finding *finding, unsigned i, char room[TEXT_BYTES])
{
    const struct h5ckpt_slot_report *slot = &finding->report.slot[i];
    return slot->sequence == 0 ? NOTHING : decimal(room, slot->progress.epoch);
}

static const char *cell_batch(const struct finding *finding, unsigned i, char room[TEXT_BYTES])
{
    const struct h5ckpt_slot_report *slot = &finding->report.slot[i];
    return slot->sequence == 0 ? NOTHING : decimal(room, slot->progress.batch);
}

static const char *cell_step(const struct finding *finding, unsigned i, char room[TEXT_BYTES])
{
    const struct h5ckpt_slot_report *slot = &finding->report.slot[i];
    return slot->sequence == 0 ? NOTHING : decimal(room, slot->progress.step);
}

static const char *cell_saved(const struct finding *finding, unsigned i, char room[TEXT_BYTES])
{
    const struct h5ckpt_slot_report *slot = &finding->report.slot[i];
    return slot->sequence == 0 ? NOTHING : text_local_time(room, slot->wall_time_ns);
}

static const char *cell_variables(const struct finding *finding, unsigned i, char room[TEXT_BYTES])
{
    if (finding->report.slot[i].sequence == 0)
        return NOTHING;
    return finding->slot[i].uncounted != NULL ? "?" : decimal(room, finding->slot[i].variable_count);
}

static const char *cell_size(const struct finding *finding, unsigned i, char room[TEXT_BYTES])
{
    const struct h5ckpt_slot_report *slot = &finding->report.slot[i];
    return slot->state == H5CKPT_SLOT_MISSING ? NOTHING : text_size(room, slot->file_bytes);
}

static const char *cell_read_from(const struct finding *finding, unsigned i, char room[TEXT_BYTES])
{
    (void)room;
    if (!finding_was_read(finding, i))
        return NOTHING;
    return finding->report.slot[i].from_device ? "device" : "page cache";
}

enum { COLUMNS_MAX = 10 };

struct column {
    const char *heading;
    bool right;
    cell *cell;
};

static const struct column INFO_COLUMN[COLUMNS_MAX] = {
    {"SLOT", false, cell_name},          {"ROLE", false, cell_role},   {"STATE", false, cell_state},
    {"SEQUENCE", true, cell_sequence},   {"EPOCH", true, cell_epoch},  {"BATCH", true, cell_batch},
    {"STEP", true, cell_step},           {"SAVED", false, cell_saved}, {"SIZE", true, cell_size},
    {"VARIABLES", true, cell_variables},
};

static const struct column VERIFY_COLUMN[COLUMNS_MAX] = {
    {"SLOT", false, cell_name},        {"ROLE", false, cell_role},  {"STATE", false, cell_state},
    {"SEQUENCE", true, cell_sequence}, {"EPOCH", true, cell_epoch}, {"BATCH", true, cell_batch},
    {"STEP", true, cell_step},         {"SIZE", true, cell_size},   {"READ FROM", false, cell_read_from},
};

static void print_slots(const struct finding *finding)
{
    const struct column *column = finding->depth == H5CKPT_RECORDS ? INFO_COLUMN : VERIFY_COLUMN;
    char room[COLUMNS_MAX][TEXT_BYTES];
    const char *cells[COLUMNS_MAX];
    struct table table = table_make();
    size_t count;

    for (count = 0; count < COLUMNS_MAX && column[count].heading != NULL; count++)
        table_add_column(&table, column[count].heading, column[count].right);
    for (unsigned i = 0; i < finding->report.slot_count; i++) {
        if (!finding_is_present(finding, i))
            continue;
        for (size_t j = 0; j < count; j++)
            cells[j] = column[j].cell(finding, i, room[j]);
        table_add_row(&table, cells, count);
    }
    table_print(&table);
    table_free(&table);
}

/* ----------------------------------------------------------- table of milestones */

static void print_milestones(const struct finding *finding)
{
    struct table table = table_make();

    table_add_column(&table, "MILESTONE", false);
    table_add_column(&table, "STATE", false);
    table_add_column(&table, "SEQUENCE", true);
    table_add_column(&table, "EPOCH", true);
    table_add_column(&table, "BATCH", true);
    table_add_column(&table, "STEP", true);
    table_add_column(&table, "SAVED", false);
    table_add_column(&table, "SIZE", true);
    for (size_t i = 0; i < finding->milestone_count; i++) {
        const struct h5ckpt_milestone *milestone = &finding->milestones[i];
        const bool readable = milestone->sequence != 0;
        char room[6][TEXT_BYTES];
        const char *const cells[] = {
            milestone->name,
            h5ckpt_slot_state_name(milestone->state),
            readable ? decimal(room[0], milestone->sequence) : NOTHING,
            readable ? decimal(room[1], milestone->progress.epoch) : NOTHING,
            readable ? decimal(room[2], milestone->progress.batch) : NOTHING,
            readable ? decimal(room[3], milestone->progress.step) : NOTHING,
            readable ? text_local_time(room[4], milestone->wall_time_ns) : NOTHING,
            text_size(room[5], milestone->file_bytes),
        };
        table_add_row(&table, cells, sizeof cells / sizeof *cells);
    }
    table_print(&table);
    table_free(&table);
}

static void print_milestone_reasons(const struct finding *finding)
{
    for (size_t i = 0; i < finding->milestone_count; i++) {
        const struct h5ckpt_milestone *milestone = &finding->milestones[i];
        if (milestone->reason[0] != '\0')
            text_line(stdout, "milestone-%s.h5 (%s): %s", milestone->name, h5ckpt_slot_state_name(milestone->state),
                      milestone->reason);
    }
}

/* ------------------------------------------------------------ table of variables */

static void print_variables(const struct finding *finding)
{
    struct table table = table_make();
    char size[TEXT_BYTES];
    char offset[TEXT_BYTES];

    table_add_column(&table, "NAME", false);
    table_add_column(&table, "TYPE", false);
    table_add_column(&table, "SHAPE", false);
    table_add_column(&table, "SIZE", true);
    table_add_column(&table, "OFFSET", true);
    for (size_t i = 0; i < finding->variable_count; i++) {
        const struct h5ckpt_stored *variable = &finding->variables[i];
        char *shape = text_shape(variable->rank, variable->shape);
        const char *const cells[] = {
            variable->name,
            variable->type_name,
            shape,
            text_size(size, variable->byte_count),
            variable->offset == 0 ? NOTHING : decimal(offset, variable->offset),
        };
        table_add_row(&table, cells, sizeof cells / sizeof *cells);
        free(shape);
    }
    table_print(&table);
    table_free(&table);
}

/* ------------------------------------------------------------- table of settings */

static void print_settings(const struct finding *finding)
{
    struct table table = table_make();

    table_add_column(&table, "SETTING", false);
    table_add_column(&table, "TYPE", false);
    table_add_column(&table, "SHAPE", false);
    table_add_column(&table, "VALUE", false);
    for (size_t i = 0; i < finding->setting_count; i++) {
        const struct h5ckpt_stored_setting *setting = &finding->settings[i];
        char *shape = text_shape(setting->rank, setting->shape);
        const char *const cells[] = {setting->name, setting->type_name, shape,
                                     setting->text[0] == '\0' ? NOTHING : setting->text};
        table_add_row(&table, cells, sizeof cells / sizeof *cells);
        free(shape);
    }
    table_print(&table);
    table_free(&table);
}

/* -------------------------------------------------------------------- sentences */

/* Whose bytes lie in the blocks. Free it. */
static char *owners(const struct h5ckpt_damage *damage)
{
    size_t byte_count;
    char *text;

    if (!damage->names_known)
        return memory_check(strdup("variables that cannot be named: the index is damaged as well"));
    if (damage->name_count == 0)
        return memory_check(strdup("settings, h5ckpt's or HDF5's own bytes, or padding"));
    FILE *stream = memory_check(open_memstream(&text, &byte_count));
    for (size_t i = 0; i < damage->name_count; i++)
        fprintf(stream, "%s'%s'", i == 0 ? "" : ", ", damage->names[i]);
    if (fclose(stream) != 0)
        memory_exhausted();
    return text;
}

static void print_damage(const char *slot_name, const struct h5ckpt_damage *damage)
{
    const uint64_t last_block = damage->first_block + damage->block_count - 1;
    const uint64_t last_byte = damage->offset + damage->byte_count - 1;
    char *text = owners(damage);

    if (damage->block_count == 1)
        text_line(stdout, "%s, block %" PRIu64 " (bytes %" PRIu64 " to %" PRIu64 "): %s", slot_name,
                  damage->first_block, damage->offset, last_byte, text);
    else
        text_line(stdout, "%s, blocks %" PRIu64 " to %" PRIu64 " (bytes %" PRIu64 " to %" PRIu64 "): %s", slot_name,
                  damage->first_block, last_block, damage->offset, last_byte, text);
    free(text);
}

/* The message tells the reasons of most slots already. */
static void print_slot_details(const struct finding *finding, unsigned i)
{
    const struct h5ckpt_slot_report *slot = &finding->report.slot[i];
    const char *reason = finding_reason(finding, i);

    if (strstr(finding->message, reason) == NULL)
        text_line(stdout, "%s (%s): %s", slot->name, h5ckpt_slot_state_name(slot->state), reason);
    for (size_t j = 0; j < finding->slot[i].damage_count; j++)
        print_damage(slot->name, &finding->slot[i].damage[j]);
}

static bool any_present(const struct finding *finding)
{
    for (unsigned i = 0; i < finding->report.slot_count; i++)
        if (finding_is_present(finding, i))
            return true;
    return false;
}

/* What was done, so that nobody takes "committed" for "intact". */
static void print_method(const struct finding *finding)
{
    bool any_read = false;
    bool from_device = true;

    for (unsigned i = 0; i < finding->report.slot_count; i++) {
        const bool was_read = finding_was_read(finding, i);
        any_read |= was_read;
        from_device &= !was_read || finding->report.slot[i].from_device;
    }
    if (finding->depth == H5CKPT_RECORDS)
        text_line(stdout, "Only records and tables were read: `h5ckpt verify' reads every byte.");
    else if (any_read && finding->verdict != VERDICT_UNKNOWN)
        text_line(stdout, "The states found were read in full, %s.",
                  from_device ? "from the device" : "through the page cache (this file system does not offer more)");
}

/* Is it the run, and the life of it, that I think of? */
static void print_identity(const struct finding *finding)
{
    const struct h5ckpt_slot_report *slot = finding_restorable(finding);

    if (finding->depth != H5CKPT_RECORDS || finding->report.directory_id[0] == '\0')
        return;
    if (slot == NULL)
        text_line(stdout, "The directory's id is %s.", finding->report.directory_id);
    else
        text_line(stdout, "The directory's id is %s; %s was saved by run %s.", finding->report.directory_id, slot->name,
                  slot->run_id);
}

static void print_restore(const struct finding *finding)
{
    const struct h5ckpt_slot_report *slot = finding_restorable(finding);
    char saved[TEXT_BYTES];

    if (finding->verdict == VERDICT_UNKNOWN || finding->verdict == VERDICT_USAGE)
        return; /* main() complains */
    if (finding->message[0] != '\0')
        text_line(stdout, "%s%s", slot == NULL ? "" : "A restore would say: ", finding->message);
    else if (slot != NULL)
        text_line(stdout,
                  "A restore would %s %s: sequence %" PRIu64 ", epoch %" PRIu64 ", batch %" PRIu64 ", step %" PRIu64
                  ", saved %s.",
                  finding->depth == H5CKPT_RECORDS ? "try" : "give", slot->name, slot->sequence, slot->progress.epoch,
                  slot->progress.batch, slot->progress.step, text_local_time(saved, slot->wall_time_ns));
}

void as_text(const struct finding *finding)
{
    if (any_present(finding)) {
        print_slots(finding);
        putchar('\n');
    }
    if (finding->milestone_count > 0) {
        print_milestones(finding);
        putchar('\n');
    }
    if (finding->variable_count > 0) {
        print_variables(finding);
        putchar('\n');
    }
    if (finding->setting_count > 0) {
        print_settings(finding);
        putchar('\n');
    }
    for (unsigned i = 0; i < finding->report.slot_count; i++)
        print_slot_details(finding, i);
    print_milestone_reasons(finding);
    if (any_present(finding)) {
        text_line(stdout, "%s is at work in the directory.", finding->report.writer_alive ? "A writer" : "No writer");
        print_identity(finding);
        print_method(finding);
    }
    if (finding->report.lock_damaged)
        text_line(stdout,
                  "The file `lock' is damaged: the next run may refuse the directory. If no run uses it, move that "
                  "file away: it is made anew from the slots.");
    print_restore(finding);
}
