/* SPDX-License-Identifier: MIT */
/*
 * "In use" is durable before a state is acknowledged (docs/format.md 3): also where the process that wrote it died
 * before its flush, or the flush failed, and the next one finds it in the page cache. On the model of page cache and
 * device of support/simfs.h. Were it not, a power cut and damage would turn a loss into "no checkpoint yet". Nor is it
 * said of what only the page cache holds: a power cut would turn a save that was never acknowledged into a loss.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "format.h"
#include "storage/system.h"
#include "support/assert_h5ckpt.h"
#include "support/simfs.h"
#include "support/suite.h"

#define DIRECTORY "backup"

enum {
    SEED = 11,
    SLOTS_MAX = 2,
    CHANGES_MAX = 64, /* of the first process; more than it makes */
    UNIT_COUNT_MAX = 4096,
};

static struct simfs *fs;
static h5ckpt_state *state;
static double value[5];
static unsigned changes_left; /* until the process is killed */
static unsigned changes;      /* that there were */

static void count_change(void)
{
    changes++;
    if (changes_left > 0 && --changes_left == 0)
        simfs_kill(fs);
}

static void setup(void)
{
    system_calls = &simfs_calls;
    fs = simfs_new(SEED);
    simfs_use(fs);
    changes = changes_left = 0;
    state = h5ckpt_state_new();
    h5ckpt_add(state, "value", H5CKPT_FLOAT64, 1, (const uint64_t[]){5}, value);
}

static void teardown(void)
{
    simfs_before_change(NULL);
    h5ckpt_state_free(state);
    simfs_free(fs);
    system_calls = &system_kernel;
}

static h5ckpt_store *open_store(unsigned slots, enum h5ckpt_mode mode)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *store;

    options.slots = slots;
    options.mode = mode;
    h5ckpt_open(&store, DIRECTORY, state, &options); /* it may have been killed */
    return store;
}

static h5ckpt_status save(h5ckpt_store *store, double number)
{
    value[0] = number;
    return h5ckpt_save(store, &(struct h5ckpt_progress){.step = (uint64_t)number});
}

enum way { SAVED, RESERVED, FLUSH_FAILED, LOCK_DAMAGED, WAYS };

/* The process that dies during its first save, or has it fail. */
static h5ckpt_status begin(unsigned slots, enum way way)
{
    static const struct simfs_fault no_flush = {.call = SIMFS_CALL_FLUSH,
                                                .name_prefix = "slot-",
                                                .fail_count = 1,
                                                .error = EIO,
                                                .survivors = SIMFS_SURVIVE_NONE};
    h5ckpt_store *store = open_store(slots, H5CKPT_READ_WRITE);

    h5ckpt_restore(store, NULL, NULL);
    if (way == RESERVED || way == FLUSH_FAILED)
        h5ckpt_reserve(store);
    if (way == FLUSH_FAILED) { /* what is in the page cache then counts as written */
        simfs_set_direct(fs, SIMFS_DIRECT_READS_ONLY);
        simfs_set_fault(fs, &no_flush);
    }
    const h5ckpt_status status = save(store, 1);
    simfs_kill(fs);
    h5ckpt_close(store);
    simfs_restart(fs);
    simfs_set_fault(fs, NULL);
    return status;
}

/* The next one, which saves twice and says so. */
static void go_on(unsigned slots)
{
    h5ckpt_store *store = open_store(slots, H5CKPT_READ_WRITE);

    ck_assert_msg(h5ckpt_restore(store, NULL, NULL) >= 0, "%s", h5ckpt_message(store));
    assert_status_message(save(store, 2), H5CKPT_OK, h5ckpt_message(store));
    assert_status_message(save(store, 3), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
}

/* Nothing survives that was not flushed. */
static struct simfs *after_power_cut(void)
{
    static struct simfs_unit unit[UNIT_COUNT_MAX];
    static const unsigned version[UNIT_COUNT_MAX];
    struct simfs *image = simfs_new(SEED + 1);
    const size_t count = simfs_units_in_flight(fs, unit, UNIT_COUNT_MAX);

    ck_assert_uint_le(count, UNIT_COUNT_MAX);
    simfs_image_after_power_cut(image, fs, unit, version, count);
    simfs_use(image);
    return image;
}

static unsigned damage_slots(struct simfs *image)
{
    unsigned count = 0;
    const char *name;

    for (size_t i = 0; (name = simfs_name_at(image, DIRECTORY, i)) != NULL; i++) {
        char path[sizeof DIRECTORY + SIMFS_NAME_BYTES];
        if (strncmp(name, "slot-", 5) != 0)
            continue;
        snprintf(path, sizeof path, DIRECTORY "/%s", name);
        simfs_damage(image, path, 0, 16);
        count++;
    }
    return count;
}

/* Both a reader and a writer say that what was acknowledged is lost, and the writer leaves what there is. */
static void assert_lost(unsigned slots)
{
    struct simfs *image = after_power_cut();
    const unsigned slot_count = damage_slots(image);

    ck_assert_uint_ge(slot_count, 1);
    for (enum h5ckpt_mode mode = H5CKPT_READ_WRITE; mode <= H5CKPT_READ_ONLY; mode++) {
        h5ckpt_store *store = open_store(slots, mode);
        assert_status_message(h5ckpt_restore(store, NULL, NULL), H5CKPT_E_LOST, h5ckpt_message(store));
        h5ckpt_close(store);
    }
    ck_assert_uint_eq(damage_slots(image), slot_count);
    simfs_use(fs);
    simfs_free(image);
}

/* _i: slots, and the change of the file system before which the first process is killed */
START_TEST(where_the_process_before_was_killed_at_any_change)
{
    const unsigned slots = 1 + (unsigned)_i % SLOTS_MAX;

    simfs_before_change(count_change);
    changes_left = 1 + (unsigned)_i / SLOTS_MAX;
    begin(slots, SAVED);
    ck_assert_uint_lt(changes, CHANGES_MAX); /* else not every one of them has been tried */
    changes_left = 0;
    go_on(slots);
    assert_lost(slots);
}
END_TEST

/* _i: slots, and which flush of the lock fails */
START_TEST(where_a_flush_of_the_process_before_failed)
{
    const unsigned slots = 1 + (unsigned)_i % SLOTS_MAX;
    const struct simfs_fault fault = {.call = SIMFS_CALL_FLUSH,
                                      .name_prefix = FORMAT_LOCK_NAME,
                                      .skip_count = (unsigned)_i / SLOTS_MAX,
                                      .fail_count = 1,
                                      .error = EIO,
                                      .survivors = SIMFS_SURVIVE_NONE};

    simfs_set_fault(fs, &fault);
    ck_assert_int_lt(begin(slots, SAVED), 0);
    go_on(slots);
    assert_lost(slots);
}
END_TEST

/* What was never acknowledged is either there or not, but not lost; whatever it was that the next process saw of it. */
static void assert_not_lost(unsigned slots, enum way way)
{
    struct simfs *image = after_power_cut();
    h5ckpt_store *store = open_store(slots, H5CKPT_READ_ONLY);
    const h5ckpt_status status = h5ckpt_restore(store, NULL, NULL);

    ck_assert_msg(status >= 0 || (way == LOCK_DAMAGED && status == H5CKPT_E_FOREIGN), "%s: %s",
                  h5ckpt_status_name(status), h5ckpt_message(store));
    h5ckpt_close(store);
    simfs_use(fs);
    simfs_free(image);
}

static bool damage_lock(void)
{
    struct stat status;

    if (simfs_calls.status_at(AT_FDCWD, DIRECTORY "/" FORMAT_LOCK_NAME, &status) != 0)
        return false;
    simfs_damage(fs, DIRECTORY "/" FORMAT_LOCK_NAME, 330, 1);
    return true;
}

/* _i: slots, how it was begun, and the change before which the first process is killed. The next opens, and no more. */
START_TEST(what_was_not_acknowledged_is_not_lost_after_another_process_saw_it)
{
    const unsigned slots = 1 + (unsigned)_i % SLOTS_MAX;
    const enum way way = (enum way)((unsigned)_i / SLOTS_MAX % WAYS);

    simfs_before_change(count_change);
    changes_left = 1 + (unsigned)_i / SLOTS_MAX / WAYS;
    const bool killed = begin(slots, way) < 0;
    changes_left = 0;
    if (!killed)
        return;
    if (way == LOCK_DAMAGED && !damage_lock())
        return;
    h5ckpt_store *store = open_store(slots, H5CKPT_READ_WRITE);
    h5ckpt_restore(store, NULL, NULL);
    simfs_kill(fs);
    h5ckpt_close(store);
    simfs_restart(fs);
    assert_not_lost(slots, way);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("in-use");
    TCase *tcase = tcase_create("in-use");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, where_the_process_before_was_killed_at_any_change, 0, SLOTS_MAX * CHANGES_MAX);
    tcase_add_loop_test(tcase, where_a_flush_of_the_process_before_failed, 0, SLOTS_MAX * 2);
    tcase_add_loop_test(tcase, what_was_not_acknowledged_is_not_lost_after_another_process_saw_it, 0,
                        SLOTS_MAX * WAYS * CHANGES_MAX);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
