/* SPDX-License-Identifier: MIT */
#include "memory/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/assert_h5ckpt.h"

enum {
    LARGE_BYTES = 9 << 20, /* enough for a team of threads */
    SPOILT = 0x5a,
    FLIPPED_BIT = 8 * 100000, /* in the weights */
    SETTING_COUNT = 12,
};

/* ------------------------------------------------------------------------ world */

static unsigned char large[LARGE_BYTES];

static void world_make(struct world *world, unsigned about)
{
    const double rate = (about & ABOUT_OTHER_SETTINGS) != 0 ? 0.2 : 0.1;
    const int32_t sizes[SETTING_COUNT] = {3, 1, 4, (about & ABOUT_OTHER_SETTINGS) != 0 ? 5 : 1};
    struct standard *standard = &world->standard;

    *world = (struct world){.message = ""};
    standard_make(standard);
    h5ckpt_add_setting(standard->state, "rate", H5CKPT_FLOAT64, 0, NULL, &rate);
    h5ckpt_add_setting(standard->state, "optimizer", H5CKPT_STRING(8), 0, NULL, "adam\0\0\0");
    h5ckpt_add_setting(standard->state, "model/sizes", H5CKPT_INT32, 1, (const uint64_t[]){SETTING_COUNT}, sizes);
    if ((about & ABOUT_LARGE) != 0)
        h5ckpt_add(standard->state, "large", H5CKPT_UINT8, 1, (const uint64_t[]){LARGE_BYTES}, large);
    ck_assert_str_eq(h5ckpt_state_message(standard->state), "");
}

void world_end(struct world *world)
{
    h5ckpt_callback_free(world->callback);
    h5ckpt_close(world->store);
    standard_free(&world->standard);
    h5ckpt_state_free(world->other);
}

static void world_fill(struct world *world, unsigned about, uint64_t number)
{
    standard_fill(&world->standard, number);
    if ((about & ABOUT_LARGE) != 0)
        memset(large, (int)number, sizeof large);
}

static void world_spoil(struct world *world, unsigned about)
{
    standard_spoil(&world->standard);
    memset(world->other_weights, SPOILT, sizeof world->other_weights);
    if ((about & ABOUT_LARGE) != 0)
        memset(large, SPOILT, sizeof large);
}

static bool all_are(const void *bytes, size_t byte_count, unsigned char value)
{
    const unsigned char *byte = bytes;

    return byte[0] == value && memcmp(byte, byte + 1, byte_count - 1) == 0;
}

bool world_is(const struct world *world, unsigned about, uint64_t number)
{
    return standard_is(&world->standard, number) &&
           ((about & ABOUT_LARGE) == 0 || all_are(large, sizeof large, (unsigned char)number));
}

bool world_is_spoilt(const struct world *world, unsigned about)
{
    return standard_is_spoilt(&world->standard) && all_are(world->other_weights, sizeof world->other_weights, SPOILT) &&
           ((about & ABOUT_LARGE) == 0 || all_are(large, sizeof large, SPOILT));
}

/* The call that was made last, on whatever was made last. */
static h5ckpt_status said(struct world *world, h5ckpt_status status)
{
    world->message = world->callback != NULL ? h5ckpt_callback_message(world->callback) : h5ckpt_message(world->store);
    return status;
}

static void note_event(void *context, const struct h5ckpt_event *event)
{
    struct world *world = context;

    world->durable_count += event->kind == H5CKPT_EVENT_DURABLE;
}

static struct h5ckpt_options options_of(struct world *world)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.event = note_event;
    options.event_context = world;
    return options;
}

static void open_with(struct world *world, const struct h5ckpt_options *options)
{
    world->store = standard_open(&world->standard, options);
}

static void restore_first(struct world *world)
{
    ck_assert_msg(h5ckpt_restore(world->store, NULL, NULL) >= 0, "%s", h5ckpt_message(world->store));
}

static void save_number(struct world *world, unsigned about, uint64_t number)
{
    const struct h5ckpt_progress progress = standard_progress(number);

    world_fill(world, about, number);
    assert_status_message(h5ckpt_save(world->store, &progress), H5CKPT_OK, h5ckpt_message(world->store));
}

/* An earlier life. */
static void live(unsigned about, unsigned slots, uint64_t first, uint64_t last)
{
    static struct world past;
    struct h5ckpt_options options = h5ckpt_options_default();

    options.slots = slots;
    world_make(&past, about & ABOUT_LARGE);
    open_with(&past, &options);
    restore_first(&past);
    for (uint64_t number = first; number <= last; number++)
        save_number(&past, about, number);
    world_end(&past);
}

static void open_and_restore(struct world *world, const struct scenario *scenario)
{
    struct h5ckpt_options options = options_of(world);

    options.slots = scenario->slots;
    options.save_mode = scenario->save_mode;
    world->store = standard_open(&world->standard, &options);
    restore_first(world);
}

void world_begin(struct world *world, const struct scenario *scenario)
{
    if (scenario->lived > 0)
        live(scenario->about, scenario->slots, 1, scenario->lived);
    world_make(world, scenario->about);
    if (scenario->prepare != NULL)
        scenario->prepare(world, scenario);
    if (!world->is_saving)
        world->durable_count = 0;
}

static void count_milestone(void *context, const struct h5ckpt_milestone *milestone)
{
    *(unsigned *)context += milestone->state == H5CKPT_SLOT_INTACT || milestone->state == H5CKPT_SLOT_UNREADABLE;
}

static bool found(struct world *world, const struct scenario *scenario, h5ckpt_status status, uint64_t number)
{
    const bool is_that = number == 0 ? status == H5CKPT_NO_CHECKPOINT && world_is_spoilt(world, scenario->about)
                                     : status >= 0 && world_is(world, scenario->about, number);

    if (!is_that)
        fprintf(stderr, "%s: state %u was expected; a restore gives %s (%s) and epoch %u\n", scenario->name,
                (unsigned)number, h5ckpt_status_name(status), h5ckpt_message(world->store),
                (unsigned)h5ckpt_progress(world->store).epoch);
    return is_that;
}

static h5ckpt_status restore_whatever_fits(struct world *world, const struct scenario *scenario)
{
    const struct h5ckpt_restore_options options = {.match = H5CKPT_INTERSECTION, .settings = H5CKPT_SETTINGS_ACCEPT};

    world_spoil(world, scenario->about);
    return h5ckpt_restore(world->store, &options, NULL);
}

bool world_finds(const struct scenario *scenario, uint64_t number, unsigned milestones_min, unsigned milestones_max)
{
    static struct world world;
    unsigned milestones = 0;
    h5ckpt_status status;
    bool is_that;

    world_make(&world, scenario->about);
    world_spoil(&world, scenario->about);
    status = h5ckpt_open(&world.store, fixture_backup, world.standard.state, NULL);
    if (status == H5CKPT_OK)
        status = restore_whatever_fits(&world, scenario);
    is_that = found(&world, scenario, status, number);
    h5ckpt_list_milestones(world.store, H5CKPT_ALL_BYTES, count_milestone, &milestones);
    if (milestones < milestones_min || milestones > milestones_max)
        fprintf(stderr, "%s: there are %u milestones\n", scenario->name, milestones);
    world_end(&world);
    return is_that && milestones >= milestones_min && milestones <= milestones_max;
}

bool world_goes_on(struct world *world, const struct scenario *scenario, uint64_t number)
{
    const struct h5ckpt_progress progress = standard_progress(GONE_ON);
    h5ckpt_status status;

    if (!found(world, scenario, restore_whatever_fits(world, scenario), number))
        return false;
    world_fill(world, scenario->about, GONE_ON);
    status = h5ckpt_save(world->store, &progress);
    if (status == H5CKPT_OK)
        status = h5ckpt_wait(world->store);
    if (status != H5CKPT_OK)
        fprintf(stderr, "%s: and then no save: %s\n", scenario->name, h5ckpt_message(world->store));
    return status == H5CKPT_OK;
}

/* ------------------------------------------------------------------------ state */

static int get_nothing(void *context, void *bytes, size_t byte_count)
{
    (void)context;
    memset(bytes, 0, byte_count);
    return 0;
}

static int put_nothing(void *context, const void *bytes, size_t byte_count)
{
    (void)context, (void)bytes, (void)byte_count;
    return 0;
}

/* Every kind of variable and setting. */
static h5ckpt_status build_state(struct world *world)
{
    static const h5ckpt_type TYPES[] = {H5CKPT_INT8,        H5CKPT_INT64,     H5CKPT_UINT16,     H5CKPT_FLOAT16,
                                        H5CKPT_LONG_DOUBLE, H5CKPT_BOOL,      H5CKPT_COMPLEX128, H5CKPT_OPAQUE(7),
                                        H5CKPT_STRING(5),   H5CKPT_COMPLEX64, H5CKPT_FLOAT64};
    static long double memory[64];
    static void *indirect = memory;
    const struct h5ckpt_access access = {.get = get_nothing, .put = put_nothing};
    h5ckpt_status status = H5CKPT_OK; /* the first failure is kept: the last call need not fail */
    char name[] = "group/a";

    h5ckpt_state_free(world->other);
    world->other = h5ckpt_state_new();
    for (unsigned i = 0; i < sizeof TYPES / sizeof *TYPES; i++, name[6]++) {
        status |= h5ckpt_add(world->other, name, TYPES[i], 1, (const uint64_t[]){2}, &memory[4 * i]);
        status |= h5ckpt_add_setting(world->other, name, TYPES[i], 1, (const uint64_t[]){1}, &memory[4 * i]);
    }
    status |= h5ckpt_add_indirect(world->other, "é/indirect", H5CKPT_UINT8, 0, NULL, (void *const *)&indirect);
    status |= h5ckpt_add_access(world->other, "é/access", H5CKPT_UINT8, 0, NULL, &access);
    status |= h5ckpt_require_finite(world->other, NULL);
    world->message = world->other == NULL ? h5ckpt_message(NULL) : h5ckpt_state_message(world->other);
    return status == H5CKPT_OK ? H5CKPT_OK : H5CKPT_E_MEMORY;
}

/* --------------------------------------------------------------------- opening */

static h5ckpt_status open_as(struct world *world, enum h5ckpt_mode mode)
{
    struct h5ckpt_options options = options_of(world);

    options.mode = mode;
    h5ckpt_close(world->store);
    return said(world, h5ckpt_open(&world->store, fixture_backup, world->standard.state, &options));
}

static h5ckpt_status open_writer(struct world *world)
{
    return open_as(world, H5CKPT_READ_WRITE);
}

static h5ckpt_status open_reader(struct world *world)
{
    return open_as(world, H5CKPT_READ_ONLY);
}

static void lose_lock(struct world *world, const struct scenario *scenario)
{
    (void)world, (void)scenario;
    file_remove(in_backup("lock"));
}

static void be_killed(struct world *world, const struct scenario *scenario)
{
    (void)world, (void)scenario;
    file_replace(in_backup("slot-a.h5.new"), "leftover", 8);
    file_remove(in_backup("checkpoint.h5"));
}

static h5ckpt_status close_store(struct world *world)
{
    h5ckpt_close(world->store);
    world->store = NULL;
    return H5CKPT_OK;
}

/* ---------------------------------------------------------------------- saving */

static h5ckpt_status save(struct world *world)
{
    const struct h5ckpt_progress progress = standard_progress(NEXT);
    h5ckpt_status status = h5ckpt_save(world->store, &progress);

    if (status == H5CKPT_OK)
        status = h5ckpt_wait(world->store);
    return said(world, status);
}

static void about_to_save(struct world *world, const struct scenario *scenario)
{
    open_and_restore(world, scenario);
    world_fill(world, scenario->about, NEXT);
}

/* Once more into the slot that this handle has written already. */
static void about_to_save_in_place(struct world *world, const struct scenario *scenario)
{
    open_and_restore(world, scenario);
    for (uint64_t number = 3; number <= 5; number++) {
        save_number(world, scenario->about, number);
        assert_status(h5ckpt_wait(world->store), H5CKPT_OK);
    }
    world_fill(world, scenario->about, NEXT);
    assert_status(h5ckpt_unchanged(world->store, "step", 0, 0), H5CKPT_OK);
}

static void about_to_save_another_structure(struct world *world, const struct scenario *scenario)
{
    about_to_save_in_place(world, scenario);
    assert_status(h5ckpt_add(world->standard.state, "added", H5CKPT_INT64, 1, (const uint64_t[]){OTHER_COUNT},
                             world->other_number),
                  H5CKPT_OK);
}

static void about_to_save_over_damage(struct world *world, const struct scenario *scenario)
{
    about_to_save_in_place(world, scenario);
    file_flip_bit(in_backup(slot_of_epoch(4)), FLIPPED_BIT);
}

static void about_to_look_for_changes(struct world *world, const struct scenario *scenario)
{
    struct h5ckpt_options options = options_of(world);

    options.save_mode = scenario->save_mode;
    options.background.detect_changes = true;
    options.background.memory_bytes = 1 << 20;
    world->store = standard_open(&world->standard, &options);
    restore_first(world);
    world_fill(world, scenario->about, NEXT);
}

static h5ckpt_status wait_for_save(struct world *world)
{
    return said(world, h5ckpt_wait(world->store));
}

static void saving(struct world *world, const struct scenario *scenario)
{
    about_to_save(world, scenario);
    world->is_saving = true;
    save_number(world, scenario->about, NEXT);
}

static h5ckpt_status reserve(struct world *world)
{
    return said(world, h5ckpt_reserve(world->store));
}

static void reserved(struct world *world, const struct scenario *scenario)
{
    open_and_restore(world, scenario);
    assert_status(reserve(world), H5CKPT_OK);
    world_fill(world, scenario->about, NEXT);
}

static h5ckpt_status ask_for_space(struct world *world)
{
    struct h5ckpt_space space;

    return said(world, h5ckpt_space(world->store, &space));
}

static void only_open(struct world *world, const struct scenario *scenario)
{
    (void)scenario;
    world->store = standard_open(&world->standard, NULL);
}

static h5ckpt_status start_over(struct world *world)
{
    return said(world, h5ckpt_start_over(world->store));
}

static h5ckpt_status delete_all(struct world *world)
{
    return said(world, h5ckpt_delete(world->store));
}

/* ------------------------------------------------------------------- restoring */

static void about_to_restore(struct world *world, const struct scenario *scenario)
{
    world->store = standard_open_slots(&world->standard, scenario->slots);
    world_spoil(world, scenario->about);
}

static void about_to_restore_damaged(struct world *world, const struct scenario *scenario)
{
    file_flip_bit(in_backup(slot_of_epoch(2)), FLIPPED_BIT);
    about_to_restore(world, scenario);
}

static h5ckpt_status restore_with(struct world *world, const struct h5ckpt_restore_options *options)
{
    return said(world, h5ckpt_restore(world->store, options, &world->report));
}

static h5ckpt_status restore(struct world *world)
{
    return restore_with(world, NULL);
}

static h5ckpt_status restore_staged(struct world *world)
{
    return restore_with(world, &(struct h5ckpt_restore_options){.memory = H5CKPT_STAGED});
}

static h5ckpt_status restore_blockwise(struct world *world)
{
    return restore_with(world, &(struct h5ckpt_restore_options){.memory = H5CKPT_BLOCKWISE});
}

static h5ckpt_status restore_previous(struct world *world)
{
    return restore_with(world, &(struct h5ckpt_restore_options){.which = H5CKPT_PREVIOUS});
}

static h5ckpt_status restore_accepting_settings(struct world *world)
{
    return restore_with(world, &(struct h5ckpt_restore_options){.settings = H5CKPT_SETTINGS_ACCEPT});
}

static bool is_weights(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "weights") == 0;
}

static h5ckpt_status restore_weights(struct world *world)
{
    return restore_with(world, &(struct h5ckpt_restore_options){.match = H5CKPT_INTERSECTION, .select = is_weights});
}

/* Its weights are of another type and have another name. */
static void about_to_restore_otherwise(struct world *world, const struct scenario *scenario)
{
    world->other = h5ckpt_state_new();
    assert_status(
        h5ckpt_add(world->other, "other", H5CKPT_FLOAT64, 2, (const uint64_t[]){160, 256}, world->other_weights),
        H5CKPT_OK);
    assert_status(h5ckpt_open(&world->store, fixture_backup, world->other, NULL), H5CKPT_OK);
    world_spoil(world, scenario->about);
}

static h5ckpt_status restore_renamed_and_converted(struct world *world)
{
    return restore_with(world, &(struct h5ckpt_restore_options){
                                   .match = H5CKPT_INTERSECTION,
                                   .convert = H5CKPT_CONVERT,
                                   .renames = &(struct h5ckpt_rename){.stored = "weights", .registered = "other"},
                                   .rename_count = 1,
                               });
}

/* -------------------------------------------------------------------- looking */

static h5ckpt_status inspect_to(struct world *world, enum h5ckpt_depth depth)
{
    return said(world, h5ckpt_inspect(world->store, &(struct h5ckpt_inspect_options){.depth = depth}, &world->report));
}

static h5ckpt_status inspect_records(struct world *world)
{
    return inspect_to(world, H5CKPT_RECORDS);
}

static h5ckpt_status inspect_all_bytes(struct world *world)
{
    return inspect_to(world, H5CKPT_ALL_BYTES);
}

static h5ckpt_status inspect_device(struct world *world)
{
    return inspect_to(world, H5CKPT_DEVICE);
}

static void about_to_list(struct world *world, const struct scenario *scenario)
{
    (void)scenario;
    world->store = standard_open_reader(&world->standard);
    assert_status(inspect_all_bytes(world), H5CKPT_OK);
}

static void about_to_list_damage(struct world *world, const struct scenario *scenario)
{
    (void)scenario;
    file_flip_bit(in_backup(slot_of_epoch(1)), FLIPPED_BIT);
    world->store = standard_open_reader(&world->standard);
    assert_status(inspect_all_bytes(world), H5CKPT_OK);
}

static void visit_variable(void *context, const struct h5ckpt_stored *variable)
{
    (void)variable;
    ++*(unsigned *)context;
}

static void visit_setting(void *context, const struct h5ckpt_stored_setting *setting)
{
    (void)setting;
    ++*(unsigned *)context;
}

static void visit_damage(void *context, const struct h5ckpt_damage *damage)
{
    (void)damage;
    ++*(unsigned *)context;
}

static void visit_history(void *context, const struct h5ckpt_history *history)
{
    *(unsigned *)context += (unsigned)history->log_count;
}

/* What is visited, if the visit succeeds. */
static h5ckpt_status visited(struct world *world, h5ckpt_status status, unsigned count)
{
    said(world, status);
    if (status == H5CKPT_OK && world->visit_count != count)
        status = H5CKPT_E_ARGUMENT;
    world->visit_count = 0;
    return status;
}

static h5ckpt_status list_variables(struct world *world)
{
    return visited(world, h5ckpt_list_variables(world->store, 0, visit_variable, &world->visit_count),
                   STANDARD_VARIABLE_COUNT);
}

static h5ckpt_status list_settings(struct world *world)
{
    return visited(world, h5ckpt_list_settings(world->store, 0, visit_setting, &world->visit_count), 3);
}

static h5ckpt_status list_damage(struct world *world)
{
    return visited(world, h5ckpt_list_damage(world->store, 0, visit_damage, &world->visit_count), 1);
}

static h5ckpt_status compare(struct world *world)
{
    return said(world, h5ckpt_compare(world->store, H5CKPT_CURRENT));
}

static void about_to_differ(struct world *world, const struct scenario *scenario)
{
    open_and_restore(world, scenario);
    world_spoil(world, scenario->about);
}

/* ------------------------------------------------------------------ milestones */

static h5ckpt_status keep(struct world *world)
{
    return said(world, h5ckpt_keep(world->store, "kept"));
}

static void with_milestone(struct world *world, const struct scenario *scenario)
{
    open_and_restore(world, scenario);
    assert_status(keep(world), H5CKPT_OK);
    save_number(world, scenario->about, 3);
}

static h5ckpt_status remove_milestone(struct world *world)
{
    return said(world, h5ckpt_remove_milestone(world->store, "kept"));
}

static h5ckpt_status roll_back(struct world *world)
{
    return said(world, h5ckpt_roll_back(world->store, "kept"));
}

static h5ckpt_status list_milestones(struct world *world)
{
    return visited(world, h5ckpt_list_milestones(world->store, H5CKPT_ALL_BYTES, count_milestone, &world->visit_count),
                   1);
}

/* -------------------------------------------------------------------- callback */

static bool should_stop(void *context)
{
    return ((const struct world *)context)->is_to_stop;
}

static h5ckpt_status new_callback(struct world *world)
{
    struct h5ckpt_callback_options options = h5ckpt_callback_options_default();

    options.backup_dir = fixture_backup;
    options.save_freq = 1;
    options.monitor = "loss";
    options.milestones.best = true;
    if (!world->has_no_epochs) {
        options.milestones.every_epochs = 1;
        options.milestones.keep_last = 1;
    }
    options.save_before_preemption = true;
    options.preemption = (struct h5ckpt_preemption){.should_stop = should_stop, .context = world};
    options.store.event = note_event;
    options.store.event_context = world;
    h5ckpt_callback_free(world->callback);
    return said(world, h5ckpt_callback_new(&world->callback, world->standard.state, &options));
}

static h5ckpt_status begin_training(struct world *world)
{
    struct h5ckpt_progress next;

    return said(world, h5ckpt_on_train_begin(world->callback, &next, &world->report));
}

static void with_callback(struct world *world, const struct scenario *scenario)
{
    assert_status(new_callback(world), H5CKPT_OK);
    world_spoil(world, scenario->about);
}

static void in_training(struct world *world, const struct scenario *scenario)
{
    assert_status(new_callback(world), H5CKPT_OK);
    ck_assert_int_ge(begin_training(world), 0);
    world_fill(world, scenario->about, NEXT);
}

static h5ckpt_status log_loss(struct world *world)
{
    return said(world, h5ckpt_log(world->callback, "loss", 1));
}

static h5ckpt_status end_batch(struct world *world)
{
    return said(world, h5ckpt_on_train_batch_end(world->callback, world->batch++));
}

static h5ckpt_status end_step(struct world *world)
{
    return said(world, h5ckpt_step(world->callback, world->batch++));
}

static h5ckpt_status end_test_batch(struct world *world)
{
    return said(world, h5ckpt_on_test_batch_end(world->callback, 0));
}

static h5ckpt_status end_training(struct world *world)
{
    return said(world, h5ckpt_on_train_end(world->callback, H5CKPT_FINISHED));
}

/* A loss is logged, which no state of this directory has had. */
static void in_epoch(struct world *world, const struct scenario *scenario)
{
    in_training(world, scenario);
    assert_status(h5ckpt_on_epoch_begin(world->callback, 0), H5CKPT_OK);
    assert_status(log_loss(world), H5CKPT_OK);
}

/* Its states have a history, and one is the best. */
static void in_third_batch(struct world *world, const struct scenario *scenario)
{
    in_epoch(world, scenario);
    for (int i = 0; i < 2; i++)
        assert_status_message(end_batch(world), H5CKPT_OK, world->message);
    assert_status(h5ckpt_log(world->callback, "loss", 0.5), H5CKPT_OK);
}

static void about_to_stop_at_once(struct world *world, const struct scenario *scenario)
{
    in_epoch(world, scenario);
    world->is_to_stop = true;
}

static void about_to_stop(struct world *world, const struct scenario *scenario)
{
    in_third_batch(world, scenario);
    world->is_to_stop = true;
}

static void about_to_step(struct world *world, const struct scenario *scenario)
{
    world->has_no_epochs = true;
    in_training(world, scenario);
    assert_status(log_loss(world), H5CKPT_OK);
}

/* After a failure this one is over, and the next one ends. */
static h5ckpt_status end_epoch(struct world *world)
{
    if (world->epoch > 0)
        h5ckpt_on_epoch_begin(world->callback, world->epoch);
    return said(world, h5ckpt_on_epoch_end(world->callback, world->epoch++));
}

static void trained(struct world *world, const struct scenario *scenario)
{
    in_third_batch(world, scenario);
    assert_status_message(end_epoch(world), H5CKPT_OK, world->message);
}

static void with_history(struct world *world, const struct scenario *scenario)
{
    trained(world, scenario);
    h5ckpt_callback_free(world->callback);
    world->callback = NULL;
    world->store = standard_open_reader(&world->standard);
    assert_status(inspect_all_bytes(world), H5CKPT_OK);
}

static h5ckpt_status read_history(struct world *world)
{
    return visited(world, h5ckpt_read_history(world->store, 0, visit_history, &world->visit_count), 1);
}

/* ------------------------------------------------------------------------- all */

#define ALWAYS(number)       .before = {number, 0}, .after = {number, 0}
#define FROM_TO(first, last) .before = {first, 0}, .after = {last, 0}
#define SAVING               .slots = 2, .act = save, .about = ABOUT_SAVING | ABOUT_GOING_ON
#define ABOUT_SAVING_LOOSELY ABOUT_SAVING | ABOUT_GOING_ON | ABOUT_WHAT_CAN_WAIT
#define SAVING_LOOSELY       .slots = 2, .act = save, .about = ABOUT_SAVING_LOOSELY
#define SAVING_MUCH          .slots = 2, .act = save, .about = ABOUT_SAVING_LOOSELY | ABOUT_LARGE
#define LIVED                .lived = 2, .slots = 2
#define READING              LIVED, ALWAYS(2), .about = ABOUT_READING | ABOUT_GOING_ON
#define READING_OTHERWISE    LIVED, ALWAYS(2), .prepare = about_to_restore_otherwise
#define LISTING              LIVED, ALWAYS(2), .prepare = about_to_list
#define KEPT(first, second)  .before = {first, 1}, .after = {second, 1}

/* clang-format off: a table */
const struct scenario scenarios[] = {
    {.name = "build a state", .act = build_state, ALWAYS(0)},

    {.name = "open a new directory", .slots = 2, .act = open_writer, ALWAYS(0), .about = ABOUT_GOING_ON},
    {.name = "open a checkpoint", LIVED, .act = open_writer, ALWAYS(2), .about = ABOUT_WHAT_CAN_WAIT | ABOUT_GOING_ON},
    {.name = "open one without a lock",
     LIVED,
     .prepare = lose_lock,
     .act = open_writer,
     ALWAYS(2),
     .about = ABOUT_WHAT_CAN_WAIT | ABOUT_GOING_ON},
    {.name = "open one with leftovers",
     LIVED,
     .prepare = be_killed,
     .act = open_writer,
     ALWAYS(2),
     .about = ABOUT_WHAT_CAN_WAIT | ABOUT_GOING_ON},
    {.name = "open it to read", LIVED, .act = open_reader, ALWAYS(2), .about = ABOUT_WHAT_CAN_WAIT},
    {.name = "close without a save",
     .slots = 2,
     .prepare = open_and_restore,
     .act = close_store,
     ALWAYS(0),
     .about = ABOUT_ENDING},
    {.name = "close what was reserved",
     .slots = 2,
     .prepare = reserved,
     .act = close_store,
     ALWAYS(0),
     .about = ABOUT_ENDING},
    {.name = "close while a save is in flight",
     .slots = 2,
     .save_mode = H5CKPT_SAVE_STAGED,
     .prepare = saving,
     .act = close_store,
     FROM_TO(0, NEXT),
     .about = ABOUT_ENDING | ABOUT_SAVING | ABOUT_LARGE},
    {.name = "wait for a save",
     .slots = 2,
     .save_mode = H5CKPT_SAVE_FORKED,
     .prepare = saving,
     .act = wait_for_save,
     FROM_TO(0, NEXT),
     .about = ABOUT_SAVING | ABOUT_LARGE | ABOUT_WHAT_CAN_WAIT | ABOUT_GOING_ON},

    {.name = "save first", SAVING_LOOSELY, .prepare = about_to_save, FROM_TO(0, NEXT)},
    {.name = "save where there were states", SAVING_LOOSELY, .lived = 2, .prepare = about_to_save, FROM_TO(2, NEXT)},
    {.name = "save in place", SAVING, .lived = 2, .prepare = about_to_save_in_place, FROM_TO(5, NEXT)},
    {.name = "save another structure", SAVING_LOOSELY, .prepare = about_to_save_another_structure, FROM_TO(5, NEXT)},
    {.name = "save over a damaged slot", SAVING_LOOSELY, .prepare = about_to_save_over_damage, FROM_TO(5, NEXT)},
    {.name = "save into what was reserved", SAVING_LOOSELY, .prepare = reserved, FROM_TO(0, NEXT)},
    {.name = "save with one slot",
     .slots = 1,
     .prepare = about_to_save_in_place,
     .act = save,
     FROM_TO(5, NEXT),
     .about = ABOUT_SAVING | ABOUT_GOING_ON | ABOUT_WHAT_CAN_WAIT},
    {.name = "save with three slots",
     .slots = 3,
     .prepare = about_to_save_in_place,
     .act = save,
     FROM_TO(5, NEXT),
     .about = ABOUT_SAVING | ABOUT_GOING_ON | ABOUT_WHAT_CAN_WAIT},
    {.name = "save, staged",
     SAVING_LOOSELY,
     .save_mode = H5CKPT_SAVE_STAGED,
     .prepare = about_to_save,
     FROM_TO(0, NEXT)},
    {.name = "save, fenced",
     SAVING_LOOSELY,
     .save_mode = H5CKPT_SAVE_FENCED,
     .prepare = about_to_save,
     FROM_TO(0, NEXT)},
    {.name = "save much", SAVING_MUCH, .prepare = about_to_save, FROM_TO(0, NEXT)},
    {.name = "save much in place", SAVING_MUCH, .prepare = about_to_save_in_place, FROM_TO(5, NEXT)},
    {.name = "save much, staged",
     SAVING_MUCH,
     .save_mode = H5CKPT_SAVE_STAGED,
     .prepare = about_to_save,
     FROM_TO(0, NEXT)},
    {.name = "save much, fenced",
     SAVING_MUCH,
     .save_mode = H5CKPT_SAVE_FENCED,
     .prepare = about_to_save,
     FROM_TO(0, NEXT)},
    {.name = "save much, fenced, looking for changes",
     SAVING_MUCH,
     .save_mode = H5CKPT_SAVE_FENCED,
     .prepare = about_to_look_for_changes,
     FROM_TO(0, NEXT)},
    {.name = "save much, forked",
     SAVING_MUCH,
     .save_mode = H5CKPT_SAVE_FORKED,
     .prepare = about_to_save,
     FROM_TO(0, NEXT)},
    {.name = "reserve", .slots = 2, .prepare = open_and_restore, .act = reserve, ALWAYS(0), .about = ABOUT_GOING_ON},
    {.name = "ask for space",
     LIVED,
     .prepare = only_open,
     .act = ask_for_space,
     ALWAYS(2),
     .about = ABOUT_WHAT_CAN_WAIT | ABOUT_GOING_ON},
    {.name = "start over", LIVED, .prepare = only_open, .act = start_over, ALWAYS(2), .about = ABOUT_GOING_ON},
    {.name = "delete",
     LIVED,
     .prepare = open_and_restore,
     .act = delete_all,
     FROM_TO(2, 0),
     .about = ABOUT_WHAT_CAN_WAIT},

    {.name = "restore nothing",
     .slots = 2,
     .prepare = about_to_restore,
     .act = restore,
     .success = H5CKPT_NO_CHECKPOINT,
     ALWAYS(0),
     .about = ABOUT_READING | ABOUT_GOING_ON},
    {.name = "restore", READING, .prepare = about_to_restore, .act = restore},
    {.name = "restore, staged", READING, .prepare = about_to_restore, .act = restore_staged},
    {.name = "restore, blockwise", READING, .prepare = about_to_restore, .act = restore_blockwise},
    {.name = "restore the previous state", READING, .prepare = about_to_restore, .act = restore_previous},
    {.name = "restore much",
     LIVED,
     .prepare = about_to_restore,
     .act = restore,
     ALWAYS(2),
     .about = ABOUT_READING | ABOUT_LARGE | ABOUT_WHAT_CAN_WAIT | ABOUT_GOING_ON},
    {.name = "restore much, staged",
     LIVED,
     .prepare = about_to_restore,
     .act = restore_staged,
     ALWAYS(2),
     .about = ABOUT_READING | ABOUT_LARGE | ABOUT_WHAT_CAN_WAIT | ABOUT_GOING_ON},
    {.name = "restore beside damage",
     LIVED,
     .prepare = about_to_restore_damaged,
     .act = restore,
     .success = H5CKPT_FELL_BACK,
     ALWAYS(1),
     .about = ABOUT_READING | ABOUT_WHAT_CAN_WAIT | ABOUT_GOING_ON},
    {.name = "restore beside damage, blockwise",
     LIVED,
     .prepare = about_to_restore_damaged,
     .act = restore_blockwise,
     .success = H5CKPT_FELL_BACK,
     ALWAYS(1),
     .about = ABOUT_READING | ABOUT_WHAT_CAN_WAIT | ABOUT_GOING_ON},
    {.name = "restore one variable", READING, .prepare = about_to_restore, .act = restore_weights},
    {.name = "restore renamed and converted",
     READING_OTHERWISE,
     .act = restore_renamed_and_converted,
     .about = ABOUT_READING},
    {.name = "restore what does not fit",
     READING_OTHERWISE,
     .act = restore,
     .success = H5CKPT_E_SCHEMA,
     .about = ABOUT_READING | ABOUT_WHAT_CAN_WAIT},
    {.name = "refuse other settings",
     LIVED,
     .prepare = about_to_restore,
     .act = restore,
     .success = H5CKPT_E_SETTINGS,
     ALWAYS(2),
     .about = ABOUT_READING | ABOUT_OTHER_SETTINGS | ABOUT_WHAT_CAN_WAIT | ABOUT_GOING_ON},
    {.name = "accept other settings",
     LIVED,
     .prepare = about_to_restore,
     .act = restore_accepting_settings,
     ALWAYS(2),
     .about = ABOUT_READING | ABOUT_OTHER_SETTINGS | ABOUT_WHAT_CAN_WAIT | ABOUT_GOING_ON},

    {.name = "inspect records", LISTING, .act = inspect_records},
    {.name = "inspect all bytes", LISTING, .act = inspect_all_bytes},
    {.name = "inspect the device", LISTING, .act = inspect_device, .about = ABOUT_WHAT_CAN_WAIT},
    {.name = "list variables", LISTING, .act = list_variables},
    {.name = "list settings", LISTING, .act = list_settings},
    {.name = "list damage", LIVED, .prepare = about_to_list_damage, .act = list_damage, ALWAYS(2)},
    {.name = "compare", LIVED, .prepare = open_and_restore, .act = compare, ALWAYS(2), .about = ABOUT_GOING_ON},
    {.name = "compare what differs",
     LIVED,
     .prepare = about_to_differ,
     .act = compare,
     .success = H5CKPT_E_DIFFERS,
     ALWAYS(2),
     .about = ABOUT_WHAT_CAN_WAIT | ABOUT_GOING_ON},

    {.name = "keep a milestone",
     LIVED,
     .prepare = open_and_restore,
     .act = keep,
     .before = {2, 0},
     .after = {2, 1},
     .about = ABOUT_WHAT_CAN_WAIT | ABOUT_GOING_ON},
    {.name = "keep another in its place",
     LIVED,
     .prepare = with_milestone,
     .act = keep,
     KEPT(3, 3),
     .about = ABOUT_WHAT_CAN_WAIT | ABOUT_GOING_ON},
    {.name = "remove a milestone",
     LIVED,
     .prepare = with_milestone,
     .act = remove_milestone,
     .before = {3, 1},
     .after = {3, 0},
     .about = ABOUT_WHAT_CAN_WAIT | ABOUT_GOING_ON},
    {.name = "roll back",
     LIVED,
     .prepare = with_milestone,
     .act = roll_back,
     KEPT(3, 2),
     .about = ABOUT_WHAT_CAN_WAIT | ABOUT_GOING_ON},
    {.name = "list milestones",
     LIVED,
     .prepare = with_milestone,
     .act = list_milestones,
     KEPT(3, 3),
     .about = ABOUT_WHAT_CAN_WAIT},

    {.name = "make a callback", LIVED, .act = new_callback, ALWAYS(2), .about = ABOUT_WHAT_CAN_WAIT},
    {.name = "begin training",
     LIVED,
     .prepare = with_callback,
     .act = begin_training,
     ALWAYS(2),
     .about = ABOUT_READING | ABOUT_WHAT_CAN_WAIT},
    {.name = "begin training afresh",
     .slots = 2,
     .prepare = with_callback,
     .act = begin_training,
     .success = H5CKPT_NO_CHECKPOINT,
     ALWAYS(0),
     .about = ABOUT_READING | ABOUT_WHAT_CAN_WAIT},
    {.name = "log", .slots = 2, .prepare = in_training, .act = log_loss, ALWAYS(0)},
    {.name = "end a batch",
     .slots = 2,
     .prepare = in_epoch,
     .act = end_batch,
     .before = {0, 0},
     .after = {NEXT, 1},
     .about = ABOUT_WHAT_CAN_WAIT | ABOUT_KEEPING_TOO},
    {.name = "end a later batch",
     .slots = 2,
     .prepare = in_third_batch,
     .act = end_batch,
     KEPT(NEXT, NEXT),
     .about = ABOUT_WHAT_CAN_WAIT},
    {.name = "end a batch of a validation",
     .slots = 2,
     .prepare = in_third_batch,
     .act = end_test_batch,
     KEPT(NEXT, NEXT)},
    {.name = "end an epoch",
     .slots = 2,
     .prepare = in_third_batch,
     .act = end_epoch,
     .before = {NEXT, 1},
     .after = {NEXT, 2},
     .about = ABOUT_WHAT_CAN_WAIT | ABOUT_KEEPING_TOO},
    {.name = "stop before preemption",
     .slots = 2,
     .prepare = about_to_stop,
     .act = end_batch,
     .success = H5CKPT_STOP,
     .failure = H5CKPT_E_STOP_UNSAVED,
     KEPT(NEXT, NEXT),
     .about = ABOUT_WHAT_CAN_WAIT | ABOUT_STOPPING},
    {.name = "stop before the first save",
     .slots = 2,
     .prepare = about_to_stop_at_once,
     .act = end_batch,
     .success = H5CKPT_STOP,
     .failure = H5CKPT_E_STOP_UNSAVED,
     .before = {0, 0},
     .after = {NEXT, 1},
     .about = ABOUT_WHAT_CAN_WAIT | ABOUT_STOPPING | ABOUT_KEEPING_TOO},
    {.name = "end a step",
     .slots = 2,
     .prepare = about_to_step,
     .act = end_step,
     .before = {0, 0},
     .after = {NEXT, 1},
     .about = ABOUT_WHAT_CAN_WAIT | ABOUT_KEEPING_TOO},
    {.name = "end training",
     .slots = 2,
     .prepare = trained,
     .act = end_training,
     .before = {NEXT, 2},
     .after = {0, 2},
     .about = ABOUT_WHAT_CAN_WAIT},
    {.name = "read a history",
     .slots = 2,
     .prepare = with_history,
     .act = read_history,
     .before = {NEXT, 2},
     .after = {NEXT, 2}},
};
/* clang-format on */

const size_t scenario_count = sizeof scenarios / sizeof *scenarios;
