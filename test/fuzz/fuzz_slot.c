/* SPDX-License-Identifier: MIT */
/*
 * fuzz_slot: a whole small directory (two slots, lock, view, milestone) in memory, changed as the input says, with
 * checksums made right again: as somebody would who forges, or a save by a version that has a bug. Readers look at all
 * of it, a writer goes on from there.
 *
 * An input is a list of changes behind three bytes: which checksums are mended; how it is restored; how it is looked
 * at.
 *
 *   (1) A call gives a status that its contract names.
 *   (2) Readers change nothing.
 *   (3) What is restored is what the slot's bytes say, or memory is untouched; with no checksum mended it is a state
 *       that was saved.
 *   (4) A writer that may save saves, and what it saved is what is restored then.
 */
#include <fcntl.h>

#include "bytes.h"
#include "fuzz/fuzz.h"
#include "fuzz/slot_bytes.h"
#include "h5ckpt.h"
#include "support/simfs.h"

#define DIRECTORY "backup"
#define MILESTONE "m"

enum { GENERATION_COUNT = 4, GENERATION_AFTER = 99, CHANGE_COUNT_MAX = 24, SPOILT = 0xa5 };

/* ------------------------------------------------------------------ the program */

/* Its variables, and their type where it has changed since: to be converted. */
static struct variables {
    double weights[3][5];
    int32_t counts[7];
    char label[2][12];
    bool flags[3];
    float _Complex wave[2];
    unsigned char generator[40];
    float narrow_weights[3][5];
    int64_t wide_counts[7];
} variables;

static const struct variable {
    const char *name;
    h5ckpt_type type;
    int rank;
    uint64_t shape[2];
    void *memory;
    size_t byte_count;
    bool in_now;   /* the program as it saved, … */
    bool in_later; /* … and changed */
} VARIABLE[] = {
    {"weights", H5CKPT_FLOAT64, 2, {3, 5}, variables.weights, sizeof variables.weights, true, false},
    {"counts", H5CKPT_INT32, 1, {7, 0}, variables.counts, sizeof variables.counts, true, false},
    {"text/label", 0x08000000 | 12, 1, {2, 0}, variables.label, sizeof variables.label, true, true},
    {"flags", H5CKPT_BOOL, 1, {3, 0}, variables.flags, sizeof variables.flags, true, false},
    {"wave", H5CKPT_COMPLEX64, 1, {2, 0}, variables.wave, sizeof variables.wave, true, true},
    {"generator", 0x07000000 | 40, 0, {0, 0}, variables.generator, sizeof variables.generator, true, true},
    {"weights", H5CKPT_FLOAT32, 2, {3, 5}, variables.narrow_weights, sizeof variables.narrow_weights, false, true},
    {"counts", H5CKPT_INT64, 1, {7, 0}, variables.wide_counts, sizeof variables.wide_counts, false, true},
};

enum { VARIABLE_COUNT = sizeof VARIABLE / sizeof *VARIABLE };

static h5ckpt_state *state_now;
static h5ckpt_state *state_later;

static h5ckpt_state *make_state(bool later)
{
    h5ckpt_state *state = h5ckpt_state_new();

    for (size_t i = 0; i < VARIABLE_COUNT; i++)
        if (later ? VARIABLE[i].in_later : VARIABLE[i].in_now)
            h5ckpt_add(state, VARIABLE[i].name, VARIABLE[i].type, VARIABLE[i].rank, VARIABLE[i].shape,
                       VARIABLE[i].memory);
    h5ckpt_add_setting(state, "rate", H5CKPT_FLOAT64, 0, NULL, &(double){0.125});
    h5ckpt_add_setting(state, "name", H5CKPT_STRING(8), 0, NULL, later ? "later\0\0" : "now\0\0\0\0");
    fuzz_must(*h5ckpt_state_message(state) == '\0', "%s", h5ckpt_state_message(state));
    return state;
}

static void fill(int generation)
{
    memset(&variables, 0, sizeof variables);
    for (int i = 0; i < 15; i++)
        variables.weights[i / 5][i % 5] = 1.0 / (i + 1 + 100 * generation);
    for (int i = 0; i < 7; i++)
        variables.counts[i] = generation * 1000 + i;
    snprintf(variables.label[0], sizeof variables.label[0], "state %d", generation);
    variables.flags[generation % 3] = true;
    variables.wave[1] = (float)generation;
    memset(variables.generator, generation, sizeof variables.generator);
}

static bool is_filled(int generation)
{
    const struct variables found = variables;

    fill(generation);
    for (size_t i = 0; i < VARIABLE_COUNT; i++)
        if (VARIABLE[i].in_now &&
            memcmp(VARIABLE[i].memory, (const char *)&found + ((char *)VARIABLE[i].memory - (char *)&variables),
                   VARIABLE[i].byte_count) != 0)
            return false;
    return true;
}

static void spoil(void)
{
    memset(&variables, SPOILT, sizeof variables);
}

static bool is_spoilt(void)
{
    const unsigned char *bytes = (const unsigned char *)&variables;

    return bytes[0] == SPOILT && memcmp(bytes, bytes + 1, sizeof variables - 1) == 0;
}

/* --------------------------------------------------------------- the directory */

enum file_id { SLOT_A, SLOT_B, MILESTONE_FILE, LOCK, VIEW, FILE_COUNT };

static const char *const FILE_NAME[FILE_COUNT] = {"slot-a.h5", "slot-b.h5", "milestone-" MILESTONE ".h5", "lock",
                                                  "checkpoint.h5"};

static struct simfs *pristine_fs;
static struct simfs *fs; /* of one input */
static struct slot_bytes pristine[FILE_COUNT];
static struct slot_bytes changed[FILE_COUNT];

static const char *path_of(enum file_id file)
{
    static char path[64];

    snprintf(path, sizeof path, DIRECTORY "/%s", FILE_NAME[file]);
    return path;
}

static bool read_file(enum file_id file, struct slot_bytes *bytes)
{
    const int descriptor = simfs_calls.open_at(AT_FDCWD, path_of(file), O_RDONLY, 0);
    const ssize_t got = descriptor < 0 ? -1 : simfs_calls.read_at(descriptor, bytes->bytes, sizeof bytes->bytes, 0);

    bytes->byte_count = got < 0 ? 0 : (size_t)got;
    simfs_calls.close(descriptor);
    return got >= 0;
}

static void write_file(enum file_id file)
{
    const int descriptor = simfs_calls.open_at(AT_FDCWD, path_of(file), O_RDWR, 0);

    simfs_calls.truncate(descriptor, (off_t)changed[file].byte_count);
    simfs_calls.write_at(descriptor, changed[file].bytes, changed[file].byte_count, 0);
    simfs_calls.flush(descriptor);
    simfs_calls.close(descriptor);
}

static void remove_file(enum file_id file)
{
    const int directory = simfs_calls.open_at(AT_FDCWD, DIRECTORY, O_RDONLY | O_DIRECTORY, 0);

    simfs_calls.remove_at(directory, FILE_NAME[file]);
    simfs_calls.close(directory);
}

/* Four saves with a history; the second state is the milestone. */
static void make_pristine(void)
{
    struct h5ckpt_callback_options options = h5ckpt_callback_options_default();
    h5ckpt_callback *callback;
    struct h5ckpt_progress next;

    pristine_fs = simfs_new(1);
    simfs_use(pristine_fs);
    options.backup_dir = DIRECTORY;
    options.save_freq = 1;
    fuzz_must(h5ckpt_callback_new(&callback, state_now, &options) == H5CKPT_OK, "%s",
              h5ckpt_callback_message(callback));
    h5ckpt_on_train_begin(callback, &next, NULL);
    for (int step = 1; step <= GENERATION_COUNT; step++) {
        fill(step);
        h5ckpt_log(callback, "loss", 1.0 / step);
        fuzz_must(h5ckpt_step(callback, (uint64_t)step - 1) == H5CKPT_OK, "%s", h5ckpt_callback_message(callback));
        if (step == 2)
            h5ckpt_keep(h5ckpt_callback_store(callback), MILESTONE);
    }
    h5ckpt_on_train_end(callback, H5CKPT_FAILED);
    h5ckpt_callback_free(callback);
    for (unsigned file = 0; file < FILE_COUNT; file++)
        fuzz_must(read_file((enum file_id)file, &pristine[file]) && pristine[file].byte_count < SLOT_BYTES_MAX,
                  "cannot read '%s'", FILE_NAME[file]);
}

/* -------------------------------------------------------------------- changes */

/* A number near what is there, or one at the edge of something, or any. */
static uint64_t take_number(struct input *input, uint64_t now)
{
    const uint64_t EDGE[] = {
        0,         1, 2, 4095, 4096, 8192, 1 << 16, UINT32_MAX, UINT64_C(1) << 60, UINT64_C(1) << 62, UINT64_C(1) << 63,
        UINT64_MAX};
    const unsigned how = (unsigned)input_take(input, 1);

    if (how < 64)
        return now + how - 32;
    if (how < 128)
        return EDGE[how % (sizeof EDGE / sizeof *EDGE)] + how / 16 - 6;
    if (how < 160)
        return now + 4096 * (uint64_t)(how - 144);
    return input_take(input, how < 208 ? 2 : 8);
}

static void change_number(struct input *input, struct slot_bytes *file, size_t at, size_t byte_count)
{
    unsigned char number[8] = {0};

    if (at > file->byte_count || byte_count > file->byte_count - at)
        return;
    memcpy(number, file->bytes + at, byte_count);
    bytes_put_u64(number, take_number(input, bytes_get_u64(number)));
    memcpy(file->bytes + at, number, byte_count);
}

static void change_record(struct input *input, struct slot_bytes *file)
{
    static const struct {
        unsigned char at, byte_count;
    } FIELD[] = {{8, 4},   {12, 4},  {16, 8},  {24, 8},  {32, 8},  {40, 8},  {48, 8},  {56, 8},
                 {64, 8},  {72, 8},  {80, 1},  {96, 8},  {112, 4}, {116, 4}, {120, 8}, {128, 8},
                 {136, 8}, {144, 8}, {152, 8}, {160, 8}, {168, 8}, {184, 8}, {200, 8}, {216, 8}};
    const unsigned field = input_take(input, 1) % (sizeof FIELD / sizeof *FIELD);

    change_number(input, file, FIELD[field].at, FIELD[field].byte_count);
}

/* Of the i-th entry of the index, counted as the bytes say. */
static void change_entry(struct input *input, struct slot_bytes *file)
{
    static const struct {
        unsigned char at, byte_count;
    } FIELD[] = {{0, 8}, {8, 8}, {16, 4}, {20, 1}, {21, 1}, {22, 1}, {23, 1}, {24, 2}, {32, 8}, {40, 8}};
    unsigned entry = (unsigned)input_take(input, 1);
    const unsigned field = input_take(input, 1) % (sizeof FIELD / sizeof *FIELD + 2);
    size_t offset, byte_count, at = 16;

    if (!slot_bytes_part(file, PART_INDEX, &offset, &byte_count) || byte_count < 16)
        return;
    const uint64_t count = bytes_get_u64(file->bytes + offset + 8);
    for (entry %= count > 0 && count < 64 ? (unsigned)count : 16; entry > 0 && at + 32 <= byte_count; entry--)
        at += 32 + 8 * (size_t)file->bytes[offset + at + 23] +
              (bytes_get_u16(file->bytes + offset + at + 24) + 7u) / 8 * 8;
    if (at + 48 > byte_count)
        return;
    if (field < sizeof FIELD / sizeof *FIELD)
        change_number(input, file, offset + at + FIELD[field].at, FIELD[field].byte_count);
    else /* the name */
        change_number(input, file,
                      offset + at + 32 + 8 * (size_t)file->bytes[offset + at + 23] + input_take(input, 1) % 16, 1);
}

/* Bytes anywhere in a part, as the input has them, or all alike. */
static void change_bytes(struct input *input, struct slot_bytes *file)
{
    const unsigned part = input_take(input, 1) % (PART_COUNT + 1);
    size_t offset = 0, byte_count = file->byte_count;
    const size_t at = (size_t)input_take(input, 3);
    const unsigned how = (unsigned)input_take(input, 1);
    size_t length = how % 64 + 1;

    if (part < PART_COUNT && !slot_bytes_part(file, (enum slot_part)part, &offset, &byte_count))
        return;
    if (byte_count == 0)
        return;
    offset += at % byte_count;
    if (length > file->byte_count - offset)
        length = file->byte_count - offset;
    for (size_t i = 0; i < length; i++)
        file->bytes[offset + i] = (unsigned char)(how < 128 ? input_take(input, 1) : how < 192 ? 0 : 0xff);
}

static void change_length(struct input *input, struct slot_bytes *file)
{
    const size_t length = (size_t)(take_number(input, file->byte_count) % (SLOT_BYTES_MAX + 1));

    if (length > file->byte_count)
        memset(file->bytes + file->byte_count, 0, length - file->byte_count);
    file->byte_count = length;
}

/* One value of the data: the first bytes of a variable, or of a history's column. */
static void change_value(struct input *input, struct slot_bytes *file)
{
    const unsigned entry = (unsigned)input_take(input, 1);
    size_t offset, byte_count, at = 16;

    if (!slot_bytes_part(file, PART_INDEX, &offset, &byte_count))
        return;
    for (unsigned i = 0; i < entry % 24 && at + 32 <= byte_count; i++)
        at += 32 + 8 * (size_t)file->bytes[offset + at + 23] +
              (bytes_get_u16(file->bytes + offset + at + 24) + 7u) / 8 * 8;
    if (at + 32 <= byte_count && bytes_get_u64(file->bytes + offset + at) < SLOT_BYTES_MAX)
        change_number(input, file, (size_t)bytes_get_u64(file->bytes + offset + at), 8);
}

static void apply_changes(struct input *input, unsigned mend)
{
    enum { CHANGE_RECORD, CHANGE_ENTRY, CHANGE_BYTES, CHANGE_LENGTH, CHANGE_VALUE, CHANGE_COPY, CHANGE_REMOVE };
    bool touched[FILE_COUNT] = {false};
    bool removed[FILE_COUNT] = {false};

    for (unsigned i = 0; i < CHANGE_COUNT_MAX && input->byte_count > 0; i++) {
        const unsigned what = (unsigned)input_take(input, 1);
        const unsigned file = what / 8 % FILE_COUNT;
        if (!touched[file])
            changed[file] = pristine[file];
        touched[file] = true;
        if (what % 8 == CHANGE_RECORD)
            change_record(input, &changed[file]);
        else if (what % 8 == CHANGE_ENTRY)
            change_entry(input, &changed[file]);
        else if (what % 8 == CHANGE_BYTES)
            change_bytes(input, &changed[file]);
        else if (what % 8 == CHANGE_LENGTH)
            change_length(input, &changed[file]);
        else if (what % 8 == CHANGE_VALUE)
            change_value(input, &changed[file]);
        else if (what % 8 == CHANGE_COPY)
            changed[file] = pristine[input_take(input, 1) % FILE_COUNT];
        else if (what % 8 == CHANGE_REMOVE)
            removed[file] = true;
    }
    for (unsigned file = 0; file < FILE_COUNT; file++) {
        if (!touched[file])
            continue;
        if (file == LOCK && mend & MEND_RECORD)
            lock_bytes_mend(&changed[file]);
        else if (file != LOCK && file != VIEW)
            slot_bytes_mend(&changed[file], mend);
        write_file((enum file_id)file);
        if (removed[file])
            remove_file((enum file_id)file);
    }
}

/* ------------------------------------------------------------ what must hold */

/* (1) */
static void allow(h5ckpt_status status, uint64_t allowed, const char *call, const h5ckpt_store *store)
{
    fuzz_must(allowed >> (status + 32) & 1, "%s: %s: %s", call, h5ckpt_status_name(status), h5ckpt_message(store));
    fuzz_must(status >= 0 || *h5ckpt_message(store) != '\0', "%s: %s without a message", call,
              h5ckpt_status_name(status));
}

#define BIT(status) (UINT64_C(1) << ((int)(status) + 32))

static const uint64_t ALLOWED_OPEN = BIT(H5CKPT_OK) | BIT(H5CKPT_E_FOREIGN) | BIT(H5CKPT_E_VERSION);
static const uint64_t ALLOWED_RESTORE = BIT(H5CKPT_OK) | BIT(H5CKPT_FELL_BACK) | BIT(H5CKPT_NO_CHECKPOINT) |
                                        BIT(H5CKPT_E_LOST) | BIT(H5CKPT_E_FOREIGN) | BIT(H5CKPT_E_VERSION) |
                                        BIT(H5CKPT_E_SCHEMA) | BIT(H5CKPT_E_SETTINGS);
static const uint64_t ALLOWED_LIST =
    BIT(H5CKPT_OK) | BIT(H5CKPT_NO_CHECKPOINT) | BIT(H5CKPT_E_DAMAGED) | BIT(H5CKPT_E_FOREIGN) | BIT(H5CKPT_E_VERSION);

static size_t sum_of_lengths; /* of all texts that were handed out: they are read to their ends */

static void take_text(const char *text)
{
    fuzz_must(text != NULL, "no text");
    sum_of_lengths += strlen(text);
}

/* (3): registered memory is what the file holds. */
struct restored {
    const struct slot_bytes *file;
    bool later;
};

static void compare_stored(void *context, const struct h5ckpt_stored *stored)
{
    const struct restored *restored = context;

    take_text(stored->type_name);
    for (size_t i = 0; restored != NULL && i < VARIABLE_COUNT; i++) {
        const struct variable *variable = &VARIABLE[i];
        if (!variable->in_now || strcmp(variable->name, stored->name) != 0)
            continue;
        fuzz_must(stored->byte_count == variable->byte_count && stored->offset < restored->file->byte_count &&
                      stored->byte_count <= restored->file->byte_count - stored->offset,
                  "'%s' was restored from impossible bytes", stored->name);
        fuzz_must(memcmp(variable->memory, restored->file->bytes + stored->offset, variable->byte_count) == 0,
                  "'%s' was restored with other bytes", stored->name);
    }
}

static void take_setting(void *context, const struct h5ckpt_stored_setting *setting)
{
    (void)context;
    take_text(setting->name);
    take_text(setting->text);
    for (uint64_t i = 0; i < setting->byte_count; i++)
        sum_of_lengths += ((const unsigned char *)setting->bytes)[i];
}

static void take_damage(void *context, const struct h5ckpt_damage *damage)
{
    (void)context;
    fuzz_must(damage->block_count > 0 && damage->offset >= 4096 && damage->byte_count > 0, "damage of nothing");
    for (size_t i = 0; i < damage->name_count; i++)
        take_text(damage->names[i]);
}

static void take_history(void *context, const struct h5ckpt_history *history)
{
    (void)context;
    for (size_t log = 0; log < history->log_count; log++) {
        take_text(history->name[log]);
        for (uint64_t row = 0; row < history->row_count; row++)
            sum_of_lengths += h5ckpt_was_logged(history->value[log][row]);
    }
    for (uint64_t row = 0; row < history->row_count; row++)
        sum_of_lengths += history->epoch[row] + history->batch[row] + history->step[row];
}

static void take_milestone(void *context, const struct h5ckpt_milestone *milestone)
{
    (void)context;
    take_text(milestone->name);
    take_text(milestone->reason);
}

static void take_report(const struct h5ckpt_report *report)
{
    take_text(report->directory_id);
    fuzz_must(report->slot_count <= H5CKPT_SLOT_COUNT_MAX && report->restored < (int)report->slot_count, "slots");
    for (unsigned i = 0; i < report->slot_count; i++) {
        take_text(report->slot[i].reason);
        take_text(report->slot[i].run_id);
        fuzz_must(*h5ckpt_slot_state_name(report->slot[i].state) != '\0', "a slot without a state");
    }
}

/* ------------------------------------------------------------------ a reader */

enum how_restored { /* the second byte */
                    HOW_MEMORY = 3,
                    HOW_INTERSECTION = 4,
                    HOW_CONVERT = 8,
                    HOW_ACCEPT = 16,
                    HOW_PREVIOUS = 32,
                    HOW_LATER = 64, /* by a program that has changed */
};

enum how_looked_at { /* the third byte */
                     HOW_DEPTH = 3,
                     HOW_NO_DIRECT = 4,
                     HOW_LISTED = 8,
                     HOW_WRITER = 112, /* all of them: it takes ten times as long */
                     HOW_ROLLS_BACK = 128,
};

static struct h5ckpt_restore_options restore_options(unsigned how)
{
    struct h5ckpt_restore_options options = h5ckpt_restore_options_default();

    options.memory = (enum h5ckpt_memory)((how & HOW_MEMORY) % 3);
    options.match = how & HOW_INTERSECTION ? H5CKPT_INTERSECTION : H5CKPT_EXACT;
    options.convert = how & HOW_CONVERT ? H5CKPT_CONVERT : H5CKPT_SAME_TYPE;
    options.settings = how & HOW_ACCEPT ? H5CKPT_SETTINGS_ACCEPT : H5CKPT_SETTINGS_REFUSE;
    options.which = how & HOW_PREVIOUS ? H5CKPT_PREVIOUS : H5CKPT_CURRENT;
    return options;
}

/* (3) */
static void judge_restore(h5ckpt_store *store, h5ckpt_status status, const struct h5ckpt_report *report, unsigned how,
                          unsigned mend)
{
    static struct slot_bytes file;
    const bool converted = how & (HOW_CONVERT | HOW_LATER);
    struct restored restored = {&file, how & HOW_LATER};

    take_report(report);
    fuzz_must((report->restored >= 0) == (status == H5CKPT_OK || status == H5CKPT_FELL_BACK), "restored %d",
              report->restored);
    if (report->restored < 0) {
        fuzz_must(is_spoilt() || (status == H5CKPT_E_MEMORY_CHANGED && (how & HOW_MEMORY) % 3 == H5CKPT_BLOCKWISE),
                  "%s, but memory was touched", h5ckpt_status_name(status));
        return;
    }
    if (mend == 0 && !converted)
        fuzz_must(report->progress.step >= 1 && report->progress.step <= GENERATION_COUNT &&
                      is_filled((int)report->progress.step),
                  "no state that was saved, as %" PRIu64, report->progress.step);
    if (converted || how & HOW_INTERSECTION || report->restored > 1)
        return;
    read_file((enum file_id)report->restored, &file);
    fuzz_must(report->progress.step == bytes_get_u64(file.bytes + 64) &&
                  report->sequence == bytes_get_u64(file.bytes + 16),
              "another state's progress");
    h5ckpt_list_variables(store, (unsigned)report->restored, compare_stored, &restored);
}

static void look_at_all(h5ckpt_store *store, unsigned how)
{
    const struct h5ckpt_inspect_options options = {.depth = (enum h5ckpt_depth)((how & HOW_DEPTH) % 3)};
    struct h5ckpt_report report;

    allow(h5ckpt_inspect(store, &options, &report), ALLOWED_RESTORE & ~BIT(H5CKPT_E_SCHEMA) & ~BIT(H5CKPT_E_SETTINGS),
          "inspect", store);
    take_report(&report);
    for (unsigned slot = 0; slot < report.slot_count; slot++) {
        allow(h5ckpt_list_variables(store, slot, compare_stored, NULL), ALLOWED_LIST, "list variables", store);
        allow(h5ckpt_list_settings(store, slot, take_setting, NULL), ALLOWED_LIST, "list settings", store);
        allow(h5ckpt_list_damage(store, slot, take_damage, NULL), ALLOWED_LIST, "list damage", store);
        allow(h5ckpt_read_history(store, slot, take_history, NULL), ALLOWED_LIST, "read history", store);
    }
    allow(h5ckpt_list_milestones(store, options.depth, take_milestone, NULL), BIT(H5CKPT_OK) | BIT(H5CKPT_E_VERSION),
          "list milestones", store);
}

static void be_reader(unsigned mend, unsigned how_restored, unsigned how_looked_at)
{
    const struct h5ckpt_restore_options restoring = restore_options(how_restored);
    struct h5ckpt_options options = h5ckpt_options_default();
    const size_t op_count = simfs_op_count(fs);
    struct h5ckpt_report report;
    h5ckpt_store *store;

    options.mode = H5CKPT_READ_ONLY;
    h5ckpt_status status = h5ckpt_open(&store, DIRECTORY, how_restored & HOW_LATER ? state_later : state_now, &options);
    allow(status, ALLOWED_OPEN, "open", store);
    if (how_looked_at & HOW_LISTED && status == H5CKPT_OK)
        look_at_all(store, how_looked_at);
    if (status == H5CKPT_OK) {
        spoil();
        status = h5ckpt_restore(store, &restoring, &report);
        allow(status, ALLOWED_RESTORE | (restoring.memory == H5CKPT_BLOCKWISE ? BIT(H5CKPT_E_MEMORY_CHANGED) : 0),
              "restore", store);
        judge_restore(store, status, &report, how_restored, mend);
        if (status == H5CKPT_OK && restoring.which == H5CKPT_CURRENT && restoring.match == H5CKPT_EXACT &&
            restoring.convert == H5CKPT_SAME_TYPE)
            allow(h5ckpt_compare(store, H5CKPT_CURRENT), BIT(H5CKPT_OK), "compare", store);
    }
    h5ckpt_close(store);
    for (size_t i = op_count; i < simfs_op_count(fs); i++) /* (2) */
        fuzz_must(simfs_op_at(fs, i)->kind == SIMFS_WRITE_BACK, "a reader changed something: %s",
                  simfs_op_name(simfs_op_at(fs, i)->kind));
}

/* ------------------------------------------------------------------- a writer */

static void check_saved(void)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *store;

    options.mode = H5CKPT_READ_ONLY;
    allow(h5ckpt_open(&store, DIRECTORY, state_now, &options), BIT(H5CKPT_OK), "open after the save", store);
    spoil();
    allow(h5ckpt_restore(store, NULL, NULL), BIT(H5CKPT_OK) | BIT(H5CKPT_FELL_BACK), "restore after the save", store);
    fuzz_must(is_filled(GENERATION_AFTER), "another state than the one that was saved");
    h5ckpt_close(store);
}

/* Does a record or the lock's note leave no sequence for another save? */
static bool no_sequence_is_left(void)
{
    static struct slot_bytes file;
    uint64_t highest = 0;

    for (unsigned i = 0; i <= LOCK; i++) {
        const size_t at = i == LOCK ? 520 : 16;
        if (!read_file((enum file_id)i, &file) || file.byte_count < 1024)
            continue;
        for (size_t field = at; field <= at + (i == LOCK ? 56 : 0); field += 56) {
            const uint64_t sequence = bytes_get_u64(file.bytes + field);
            highest = sequence <= UINT64_C(1) << 62 && sequence > highest ? sequence : highest;
        }
    }
    return highest > (UINT64_C(1) << 62) - 8;
}

/* (4) */
static void be_writer(unsigned how_restored, unsigned how_looked_at)
{
    const uint64_t may_roll_back = ALLOWED_LIST | BIT(H5CKPT_E_ARGUMENT);
    const struct h5ckpt_restore_options restoring = restore_options(how_restored & ~(unsigned)HOW_LATER);
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *store;

    if (no_sequence_is_left())
        return;
    options.slots = 1 + how_restored % 3;
    h5ckpt_status status = h5ckpt_open(&store, DIRECTORY, state_now, &options);
    allow(status, ALLOWED_OPEN, "open as the writer", store);
    if (status == H5CKPT_OK && how_looked_at & HOW_ROLLS_BACK)
        allow(h5ckpt_roll_back(store, MILESTONE), may_roll_back, "roll back", store);
    if (status == H5CKPT_OK) {
        spoil();
        status = h5ckpt_restore(store, &restoring, NULL);
        if (status < 0 || status == H5CKPT_NO_CHECKPOINT)
            status = h5ckpt_start_over(store);
        allow(status, ALLOWED_RESTORE, "start over", store);
    }
    if (status >= 0) {
        fill(GENERATION_AFTER);
        status = h5ckpt_save(store, &(struct h5ckpt_progress){.step = GENERATION_AFTER});
        allow(status, BIT(H5CKPT_OK) | BIT(H5CKPT_E_FOREIGN) | BIT(H5CKPT_E_VERSION), "save", store);
    }
    if (status == H5CKPT_OK) {
        allow(h5ckpt_keep(store, MILESTONE), ALLOWED_LIST, "keep", store);
        check_saved();
    }
    h5ckpt_close(store);
}

/* ---------------------------------------------------------------------- target */

int LLVMFuzzerInitialize(int *argument_count, char ***arguments)
{
    (void)argument_count, (void)arguments;
    system_calls = &simfs_calls;
    state_now = make_state(false);
    state_later = make_state(true);
    make_pristine();
    fs = simfs_new(2);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    struct input input = {bytes, byte_count};
    const unsigned mend = (unsigned)input_take(&input, 1);
    const unsigned how_restored = (unsigned)input_take(&input, 1);
    const unsigned how_looked_at = (unsigned)input_take(&input, 1);

    simfs_image_after_kill(fs, pristine_fs);
    simfs_use(fs);
    simfs_set_direct(fs, how_looked_at & HOW_NO_DIRECT ? SIMFS_DIRECT_NO : SIMFS_DIRECT_YES);
    apply_changes(&input, mend);
    be_reader(mend, how_restored, how_looked_at);
    if ((how_looked_at & HOW_WRITER) == HOW_WRITER)
        be_writer(how_restored, how_looked_at);
    return 0;
}
