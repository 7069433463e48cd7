/* SPDX-License-Identifier: MIT */
#include "hostile/oracle.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct oracle *oracle;

__attribute__((format(printf, 2, 3))) static void fail(const char *what, const char *format, ...)
{
    char message[2048];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    oracle->fail(what, message);
}

static bool is_control(char character)
{
    return (unsigned char)character < 0x20 || character == 0x7f;
}

/* Names and texts from a stranger's file must not steer the host's terminal. */
static void check_text(const char *what, const char *text, bool lines_allowed)
{
    for (const char *c = text; *c != '\0'; c++)
        if (is_control(*c) && !(lines_allowed && *c == '\n')) {
            fail(what, "control character %#x in '%s'", (unsigned char)*c, text);
            return;
        }
}

/*
 * What any call may say, of which none is our own mistake; memory is there, so its want would be a size that was not
 * bounded.
 */
static void check_status(const char *what, const h5ckpt_store *store, h5ckpt_status status)
{
    check_text(what, h5ckpt_message(store), true);
    switch (status) {
    case H5CKPT_OK:
    case H5CKPT_FELL_BACK:
    case H5CKPT_NO_CHECKPOINT:
    case H5CKPT_HISTORY_FULL:
    case H5CKPT_E_DAMAGED:
    case H5CKPT_E_LOST:
    case H5CKPT_E_SCHEMA:
    case H5CKPT_E_VERSION:
    case H5CKPT_E_FOREIGN:
    case H5CKPT_E_SETTINGS:
    case H5CKPT_E_DIFFERS:
    case H5CKPT_E_NOT_RESTORED:
        if (status < 0 && h5ckpt_message(store)[0] == '\0')
            fail(what, "%s without a message", h5ckpt_status_name(status));
        return;
    default:
        fail(what, "%s: %s", h5ckpt_status_name(status), h5ckpt_message(store));
    }
}

static h5ckpt_store *open_store(enum h5ckpt_mode mode, h5ckpt_status *status)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *store;

    options.mode = mode;
    *status = h5ckpt_open(&store, program_directory, program_state, &options);
    check_status("open", store, *status);
    return store;
}

/* --------------------------------------------------------------------- restore */

/* Ways to restore, of which a program uses one. */
static struct h5ckpt_restore_options options_of(uint64_t number)
{
    struct h5ckpt_restore_options options = h5ckpt_restore_options_default();

    options.settings = number % 2 == 0 ? H5CKPT_SETTINGS_REFUSE : H5CKPT_SETTINGS_ACCEPT;
    options.match = number / 2 % 2 == 0 ? H5CKPT_EXACT : H5CKPT_INTERSECTION;
    options.memory = (enum h5ckpt_memory)(number / 4 % 3);
    options.which = number / 12 % 2 == 0 ? H5CKPT_CURRENT : H5CKPT_PREVIOUS;
    options.convert = number / 24 % 2 == 0 ? H5CKPT_SAME_TYPE : H5CKPT_CONVERT;
    return options;
}

static bool is_untouched(const struct program_variable *variable)
{
    static unsigned char noise[sizeof program];

    memset(noise, 0xa5, sizeof noise);
    return memcmp(variable->bytes, noise, variable->byte_count) == 0;
}

static bool progress_is(const struct specimen *specimen, const struct h5ckpt_progress *progress)
{
    return progress->epoch == specimen_get(specimen, RECORD_AT_EPOCH, 8) &&
           progress->batch == specimen_get(specimen, RECORD_AT_BATCH, 8) &&
           progress->step == specimen_get(specimen, RECORD_AT_STEP, 8);
}

/* Does memory hold what the slot does? A number that was converted holds other bytes. */
static void check_memory(const char *what, const struct specimen *specimen,
                         const struct h5ckpt_restore_options *options)
{
    for (size_t i = 0; i < PROGRAM_VARIABLE_COUNT; i++) {
        const struct program_variable *variable = &program_variables()[i];
        if (judge_holds(specimen, variable->path, variable->bytes, variable->byte_count))
            continue;
        if (options->convert == H5CKPT_CONVERT && judge_names(specimen, variable->path))
            continue;
        if (options->match == H5CKPT_INTERSECTION && !judge_names(specimen, variable->path) && is_untouched(variable))
            continue;
        fail(what, "'%s' is not what is stored", variable->path);
    }
}

static bool is_sound(unsigned slot)
{
    return judge(oracle->specimen[slot], oracle->directory_id) == JUDGED_INTACT;
}

static uint64_t sequence_of(unsigned slot)
{
    return specimen_get(oracle->specimen[slot], RECORD_AT_SEQUENCE, 8);
}

/* As far as anybody may take the other slot's record for readable. */
static bool may_be_abandoned(unsigned slot)
{
    const unsigned other = slot == SLOT_A ? SLOT_B : SLOT_A;

    return specimen_get(oracle->specimen[other], RECORD_AT_BASE_SEQUENCE, 8) < sequence_of(slot) &&
           sequence_of(slot) < sequence_of(other);
}

/* A sound state is what is given back, as long as there is none newer: said to be a fall back or not. */
static void check_newest(const char *what, uint64_t sequence)
{
    for (unsigned slot = SLOT_A; slot <= SLOT_B; slot++)
        if (is_sound(slot) && sequence_of(slot) > sequence && !may_be_abandoned(slot))
            fail(what, "sequence %" PRIu64 " given back, though %s holds a newer one", sequence, PROGRAM_FILE[slot]);
}

/* Is there a sound state, and nothing that forbids to give it back? Then it is not lost, whatever lies beside it. */
static void check_refused(const char *what, h5ckpt_status status)
{
    bool sound = false;
    bool forbidden = !oracle->lock_is_as_written;

    for (unsigned slot = SLOT_A; slot <= SLOT_B; slot++) {
        const enum judged judged = judge(oracle->specimen[slot], oracle->directory_id);
        sound |= judged == JUDGED_INTACT;
        forbidden |= judged == JUDGED_NEWER || judged == JUDGED_FOREIGN;
    }
    if (sound && !forbidden && status != H5CKPT_E_SCHEMA && status != H5CKPT_E_SETTINGS)
        fail(what, "%s, though there is a sound state", h5ckpt_status_name(status));
}

static void check_restored(const char *what, const struct h5ckpt_report *report,
                           const struct h5ckpt_restore_options *options)
{
    if (report->restored < 0 || report->restored > SLOT_B) {
        fail(what, "a success that gave back slot %d", report->restored);
        return;
    }
    const struct specimen *specimen = oracle->specimen[report->restored];
    if (!is_sound((unsigned)report->restored))
        fail(what, "%s was given back, which is not valid", PROGRAM_FILE[report->restored]);
    if (report->sequence != sequence_of((unsigned)report->restored) || !progress_is(specimen, &report->progress))
        fail(what, "the report is not about the state that was given back");
    check_memory(what, specimen, options);
    if (options->which == H5CKPT_CURRENT)
        check_newest(what, report->sequence);
}

static h5ckpt_status restore(const char *what, h5ckpt_store *store, const struct h5ckpt_restore_options *options)
{
    struct h5ckpt_report report;
    h5ckpt_status status;

    program_spoil();
    status = h5ckpt_restore(store, options, &report);
    check_status(what, store, status);
    if (status == H5CKPT_OK || status == H5CKPT_FELL_BACK)
        check_restored(what, &report, options);
    else if (!program_is_spoilt())
        fail(what, "memory was changed, and the answer is %s", h5ckpt_status_name(status));
    else if (options->which == H5CKPT_CURRENT)
        check_refused(what, status);
    return status;
}

/* ------------------------------------------------------------------- inspection */

static void check_slots(const struct h5ckpt_report *report)
{
    for (unsigned i = SLOT_A; i <= SLOT_B; i++) {
        const struct h5ckpt_slot_report *slot = &report->slot[i];
        const bool found = slot->state == H5CKPT_SLOT_INTACT;
        check_text("inspect", slot->reason, false);
        if (found != is_sound(i))
            fail("inspect", "%s is %s, and by docs/format.md %s: %s", slot->name, h5ckpt_slot_state_name(slot->state),
                 is_sound(i) ? "intact" : "not", slot->reason);
        if (slot->state == H5CKPT_SLOT_COMMITTED)
            fail("inspect", "%s was not read", slot->name);
    }
}

struct visit {
    const struct specimen *specimen;
    size_t count;
    double sum; /* so that every value is read */
};

static void see_variable(void *context, const struct h5ckpt_stored *variable)
{
    struct visit *visit = context;

    visit->count++;
    check_text("list", variable->name, false);
    check_text("list", variable->type_name, false);
    for (int i = 0; i < variable->rank; i++)
        visit->sum += (double)variable->shape[i];
    if (variable->byte_count != 0 &&
        (variable->offset < FORMAT_USER_BLOCK_BYTES || variable->offset > visit->specimen->byte_count ||
         variable->byte_count > visit->specimen->byte_count - variable->offset))
        fail("list", "'%s' is said to lie where there is no file", variable->name);
}

static void see_setting(void *context, const struct h5ckpt_stored_setting *setting)
{
    struct visit *visit = context;
    char path[FORMAT_NAME_BYTES_MAX + 32];

    visit->count++;
    check_text("settings", setting->name, false);
    check_text("settings", setting->text, false);
    snprintf(path, sizeof path, FORMAT_SETTINGS_GROUP "/%s", setting->name);
    if (!judge_holds(visit->specimen, path, setting->bytes == NULL ? "" : setting->bytes, (size_t)setting->byte_count))
        fail("settings", "'%s' is not what is stored", setting->name);
}

static void see_damage(void *context, const struct h5ckpt_damage *damage)
{
    struct visit *visit = context;

    visit->count++;
    for (size_t i = 0; i < damage->name_count; i++)
        check_text("damage", damage->names[i], false);
}

static void see_history(void *context, const struct h5ckpt_history *history)
{
    struct visit *visit = context;

    for (size_t log = 0; log < history->log_count; log++) {
        check_text("history", history->name[log], false);
        for (uint64_t row = 0; row < history->row_count; row++)
            visit->sum += history->value[log][row];
    }
    for (uint64_t row = 0; row < history->row_count; row++)
        visit->sum += (double)history->epoch[row] + (double)history->batch[row] + (double)history->step[row];
}

static void see_milestone(void *context, const struct h5ckpt_milestone *milestone)
{
    struct visit *visit = context;
    const bool found = milestone->state == H5CKPT_SLOT_INTACT;
    const bool sound = judge(oracle->specimen[MILESTONE], oracle->directory_id) == JUDGED_INTACT;

    visit->count++;
    check_text("milestones", milestone->reason, false);
    if (found != sound)
        fail("milestones", "'%s' is %s, and by docs/format.md %s: %s", milestone->name,
             h5ckpt_slot_state_name(milestone->state), sound ? "intact" : "not", milestone->reason);
}

static void list_slot(h5ckpt_store *store, unsigned slot)
{
    struct visit visit = {.specimen = oracle->specimen[slot]};
    h5ckpt_status status = h5ckpt_list_variables(store, slot, see_variable, &visit);

    check_status("list", store, status);
    if (status == H5CKPT_OK && visit.count != judge_count(visit.specimen, FORMAT_STATE_GROUP "/"))
        fail("list", "%zu variables of %zu", visit.count, judge_count(visit.specimen, FORMAT_STATE_GROUP "/"));
    visit.count = 0;
    status = h5ckpt_list_settings(store, slot, see_setting, &visit);
    check_status("settings", store, status);
    if (status == H5CKPT_OK && visit.count != judge_count(visit.specimen, FORMAT_SETTINGS_GROUP "/"))
        fail("settings", "%zu settings of %zu", visit.count, judge_count(visit.specimen, FORMAT_SETTINGS_GROUP "/"));
    check_status("damage", store, h5ckpt_list_damage(store, slot, see_damage, &visit));
    check_status("history", store, h5ckpt_read_history(store, slot, see_history, &visit));
}

static void inspect(h5ckpt_store *store)
{
    const struct h5ckpt_inspect_options options = {.depth = H5CKPT_ALL_BYTES};
    struct visit visit = {0};
    struct h5ckpt_report report;
    h5ckpt_status status = h5ckpt_inspect(store, &options, &report);
    check_status("inspect", store, status);
    if (status == H5CKPT_NO_CHECKPOINT || report.slot[SLOT_A].name[0] == '\0')
        return; /* then nothing was looked at */
    if (status >= 0)
        check_slots(&report);
    for (unsigned slot = SLOT_A; slot <= SLOT_B; slot++)
        list_slot(store, slot);
    check_status("milestones", store, h5ckpt_list_milestones(store, H5CKPT_ALL_BYTES, see_milestone, &visit));
}

enum oracle_answer oracle_read(const struct oracle *of)
{
    const struct h5ckpt_restore_options options = options_of(of->number);
    const struct h5ckpt_restore_options defaults = h5ckpt_restore_options_default();
    h5ckpt_status status;

    oracle = of;
    h5ckpt_store *store = open_store(H5CKPT_READ_ONLY, &status);
    if (status == H5CKPT_OK) {
        status = restore("restore", store, &defaults);
        restore("restore with options", store, &options);
        check_status("compare", store, h5ckpt_compare(store, options.which));
        inspect(store);
    }
    h5ckpt_close(store);
    return status == H5CKPT_OK ? ORACLE_RESTORED : status == H5CKPT_FELL_BACK ? ORACLE_FELL_BACK : ORACLE_REFUSED;
}

/* ---------------------------------------------------------------------- writing */

static void check_directory(const char *what)
{
    const char *name = program_strange_file();

    if (name != NULL)
        fail(what, "'%s' was made", name);
}

/* A fresh reader's restore gives exactly that. */
static void check_given(const char *what, const struct program *expected)
{
    const struct h5ckpt_restore_options accept = {.settings = H5CKPT_SETTINGS_ACCEPT};
    struct h5ckpt_report report = {.restored = -1};
    h5ckpt_status status;

    program_spoil();
    h5ckpt_store *store = open_store(H5CKPT_READ_ONLY, &status);
    if (status == H5CKPT_OK)
        status = h5ckpt_restore(store, &accept, &report);
    if ((status != H5CKPT_OK && status != H5CKPT_FELL_BACK) || !program_equals(expected))
        fail(what, "%s, sequence %" PRIu64 ": %s", h5ckpt_status_name(status), report.sequence, h5ckpt_message(store));
    h5ckpt_close(store);
}

/* What was saved is what a restore gives, whatever lies beside it; what could not be saved has harmed nothing. */
static void save(h5ckpt_store *store, bool restored)
{
    enum { SAVED = 77 };
    const struct program before = program;

    program_fill(SAVED);
    const struct program after = program;
    const h5ckpt_status status = h5ckpt_save(store, &(struct h5ckpt_progress){.epoch = SAVED});
    check_status("save", store, status);
    h5ckpt_close(store);
    if (status >= 0)
        check_given("what was saved", &after);
    else if (restored)
        check_given("what was there before a save that failed", &before);
}

void oracle_write(const struct oracle *of)
{
    struct h5ckpt_restore_options options = options_of(of->number);
    h5ckpt_status status;

    oracle = of;
    options.match = H5CKPT_EXACT;
    options.which = H5CKPT_CURRENT;
    options.convert = H5CKPT_SAME_TYPE;
    h5ckpt_store *store = open_store(H5CKPT_READ_WRITE, &status);
    if (status == H5CKPT_OK) {
        status = restore("restore by the writer", store, &options);
        if (status < 0)
            check_status("start over", store, h5ckpt_start_over(store));
        save(store, status == H5CKPT_OK || status == H5CKPT_FELL_BACK);
    } else {
        h5ckpt_close(store);
    }
    check_directory("save");
}

void oracle_roll_back(const struct oracle *of)
{
    const struct h5ckpt_restore_options options = {.settings = H5CKPT_SETTINGS_ACCEPT};
    h5ckpt_status status;

    oracle = of;
    h5ckpt_store *store = open_store(H5CKPT_READ_WRITE, &status);
    if (status == H5CKPT_OK) {
        status = h5ckpt_roll_back(store, MILESTONE_NAME);
        check_status("roll back", store, status);
        const bool sound = judge(of->specimen[MILESTONE], of->directory_id) == JUDGED_INTACT;
        if (status >= 0 && !sound)
            fail("roll back", "to a milestone that is not valid");
        program_spoil();
        if (status >= 0 && h5ckpt_restore(store, &options, NULL) == H5CKPT_OK)
            check_memory("roll back", of->specimen[MILESTONE], &options);
    }
    h5ckpt_close(store);
    check_directory("roll back");
}

/* Wherever a stored position says that training goes on. */
void oracle_train(const struct oracle *of)
{
    struct h5ckpt_callback_options options = h5ckpt_callback_options_default();
    struct h5ckpt_best best;
    struct h5ckpt_progress next;
    h5ckpt_callback *callback;

    oracle = of;
    options.backup_dir = program_directory;
    options.monitor = "loss";
    options.milestones.best = true;
    options.milestones.every_epochs = 1;
    options.milestones.keep_last = 2;
    options.restore.settings = H5CKPT_SETTINGS_ACCEPT;
    program_spoil();
    if (h5ckpt_callback_new(&callback, program_state, &options) == H5CKPT_OK &&
        h5ckpt_on_train_begin(callback, &next, NULL) >= 0) {
        h5ckpt_history_best(callback, "loss", H5CKPT_SMALLER_IS_BETTER, &best);
        h5ckpt_on_epoch_begin(callback, next.epoch);
        h5ckpt_on_train_batch_end(callback, next.batch);
        h5ckpt_log(callback, "loss", -1.0);
        h5ckpt_on_epoch_end(callback, next.epoch);
    }
    check_text("train", h5ckpt_callback_message(callback), true);
    h5ckpt_callback_free(callback);
}
