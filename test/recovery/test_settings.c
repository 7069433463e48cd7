/* SPDX-License-Identifier: MIT */
/*
 * The fingerprint of the program's settings: every change is named, refused or accepted before memory changes.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recovery/compare.h"
#include "support/assert_h5ckpt.h"
#include "support/fail_malloc.h"
#include "support/faults.h"
#include "support/fixture.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum {
    WEIGHT_COUNT = 40000, /* more than two blocks */
    SPOILT_WEIGHT = -1,
    TABLE_BYTES = 1 << 20,
    SLOT_BYTES_MAX = 8 << 20,
    CALLS_MAX = 200,
    CHUNK_WEIGHTS = 1 << 20, /* more than one chunk of a read */
};

static const enum h5ckpt_memory MEMORY[] = {H5CKPT_VERIFY_FIRST, H5CKPT_STAGED, H5CKPT_BLOCKWISE};

/* ---------------------------------------------------------------------- lives */

static h5ckpt_state *state; /* of the life that begins */
static float weights[WEIGHT_COUNT];
static char before[SNAPSHOT_BYTES];
static char after[SNAPSHOT_BYTES];

static struct {
    unsigned count;
    enum h5ckpt_level level;
    uint64_t sequence;
    char message[4096];
} changed; /* what the event function heard of settings */

static void hear(void *context, const struct h5ckpt_event *event)
{
    (void)context;
    if (event->kind != H5CKPT_EVENT_SETTINGS_CHANGED)
        return;
    changed.count++;
    changed.level = event->level;
    changed.sequence = event->sequence;
    snprintf(changed.message, sizeof changed.message, "%s", event->message);
}

static void begin_life(void)
{
    h5ckpt_state_free(state);
    state = h5ckpt_state_new();
    ck_assert_ptr_nonnull(state);
    assert_status(h5ckpt_add(state, "weights", H5CKPT_FLOAT32, 1, (const uint64_t[]){WEIGHT_COUNT}, weights),
                  H5CKPT_OK);
    changed.count = 0;
}

static void setup(void)
{
    faults_clear();
    fixture_setup();
    begin_life();
}

static void teardown(void)
{
    faults_clear();
    h5ckpt_state_free(state);
    state = NULL;
    fixture_teardown();
}

static void fill(float number)
{
    for (size_t i = 0; i < WEIGHT_COUNT; i++)
        weights[i] = number + (float)(i % 100);
}

static bool weights_are(float number)
{
    for (size_t i = 0; i < WEIGHT_COUNT; i++)
        if (weights[i] != number + (float)(i % 100))
            return false;
    return true;
}

static void add_rate(double rate)
{
    assert_status(h5ckpt_add_setting(state, "learning_rate", H5CKPT_FLOAT64, 0, NULL, &rate), H5CKPT_OK);
}

static h5ckpt_store *open_as(enum h5ckpt_mode mode)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *store;

    options.mode = mode;
    options.event = hear;
    assert_status_message(h5ckpt_open(&store, fixture_backup, state, &options), H5CKPT_OK, h5ckpt_message(store));
    return store;
}

static struct h5ckpt_restore_options with(enum h5ckpt_settings settings, enum h5ckpt_memory memory)
{
    struct h5ckpt_restore_options options = h5ckpt_restore_options_default();

    options.settings = settings;
    options.memory = memory;
    return options;
}

/* What was registered by now goes on, whatever the settings were, saves state `number` and ends. */
static void save_and_die(float number)
{
    const struct h5ckpt_restore_options accept = with(H5CKPT_SETTINGS_ACCEPT, H5CKPT_VERIFY_FIRST);
    const struct h5ckpt_progress progress = {.epoch = (uint64_t)number};
    h5ckpt_store *store = open_as(H5CKPT_READ_WRITE);

    ck_assert_msg(h5ckpt_restore(store, &accept, NULL) >= 0, "%s", h5ckpt_message(store));
    fill(number);
    assert_status_message(h5ckpt_save(store, &progress), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
    begin_life();
}

static void save_with_rate(double rate, float number)
{
    add_rate(rate);
    save_and_die(number);
}

static void assert_restore(h5ckpt_store *store, struct h5ckpt_restore_options options, h5ckpt_status expected)
{
    struct h5ckpt_report report;

    fill(SPOILT_WEIGHT);
    assert_status_message(h5ckpt_restore(store, &options, &report), expected, h5ckpt_message(store));
    if (expected >= 0)
        return;
    ck_assert(weights_are(SPOILT_WEIGHT));
    ck_assert_int_eq(report.restored, -1);
}

/* What is registered by now is refused, and exactly `lines` are said of it. */
static void assert_refused(const char *lines)
{
    static const char END[] = "or use another directory:";
    h5ckpt_store *store = open_as(H5CKPT_READ_ONLY);

    assert_restore(store, h5ckpt_restore_options_default(), H5CKPT_E_SETTINGS);
    assert_mentions(h5ckpt_message(store), END);
    ck_assert_str_eq(strstr(h5ckpt_message(store), END) + strlen(END), lines);
    h5ckpt_close(store);
}

static void assert_taken(float number)
{
    h5ckpt_store *store = open_as(H5CKPT_READ_ONLY);

    assert_restore(store, h5ckpt_restore_options_default(), H5CKPT_OK);
    ck_assert_str_eq(h5ckpt_message(store), "");
    ck_assert_uint_eq(changed.count, 0);
    ck_assert(weights_are(number));
    h5ckpt_close(store);
}

/* --------------------------------------------------------- refused or accepted */

START_TEST(the_same_settings_restore_without_a_word)
{
    save_with_rate(0.1, 1);
    save_with_rate(0.1, 2);
    add_rate(0.1);
    h5ckpt_store *store = open_as(H5CKPT_READ_WRITE);
    assert_restore(store, with(H5CKPT_SETTINGS_REFUSE, MEMORY[_i]), H5CKPT_OK);
    ck_assert_str_eq(h5ckpt_message(store), "");
    ck_assert(weights_are(2));
    ck_assert_uint_eq(changed.count, 0);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_changed_setting_is_refused_by_name_with_memory_and_checkpoint_untouched)
{
    save_with_rate(0.1, 1);
    save_with_rate(0.1, 2);
    add_rate(0.01);
    directory_snapshot(fixture_backup, before);
    h5ckpt_store *store = open_as(H5CKPT_READ_WRITE);
    assert_restore(store, with(H5CKPT_SETTINGS_REFUSE, MEMORY[_i]), H5CKPT_E_SETTINGS);
    assert_mentions(h5ckpt_message(store), "/slot-b.h5' (sequence 2)");
    assert_mentions(h5ckpt_message(store), "; memory and checkpoint are untouched. Set them back");
    assert_mentions(h5ckpt_message(store), "H5CKPT_SETTINGS_ACCEPT");
    assert_mentions(h5ckpt_message(store), "\n  'learning_rate': stored 0.1, now 0.01");
    ck_assert_uint_eq(changed.count, 0);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_NOT_RESTORED);
    h5ckpt_close(store);
    directory_snapshot(fixture_backup, after);
    ck_assert_str_eq(after, before);
}
END_TEST

START_TEST(a_changed_setting_that_is_accepted_is_named_and_saved_from_then_on)
{
    save_with_rate(0.1, 1);
    save_with_rate(0.1, 2);
    add_rate(0.01);
    h5ckpt_store *store = open_as(H5CKPT_READ_WRITE);
    assert_restore(store, with(H5CKPT_SETTINGS_ACCEPT, MEMORY[_i]), H5CKPT_OK);
    ck_assert(weights_are(2));
    assert_mentions(h5ckpt_message(store), "/slot-b.h5' (sequence 2) was saved with other settings");
    assert_mentions(h5ckpt_message(store), "\n  'learning_rate': stored 0.1, now 0.01");
    ck_assert_uint_eq(changed.count, 1);
    ck_assert_int_eq(changed.level, H5CKPT_LEVEL_WARNING);
    ck_assert_uint_eq(changed.sequence, 2);
    ck_assert_str_eq(changed.message, h5ckpt_message(store));
    fill(3);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    h5ckpt_close(store);

    begin_life();
    add_rate(0.01);
    assert_taken(3);
    begin_life();
    add_rate(0.1);
    assert_refused("\n  'learning_rate': stored 0.01, now 0.1");
}
END_TEST

START_TEST(a_handle_that_was_refused_can_accept)
{
    save_with_rate(0.1, 1);
    add_rate(0.01);
    h5ckpt_store *store = open_as(H5CKPT_READ_WRITE);
    assert_restore(store, with(H5CKPT_SETTINGS_REFUSE, H5CKPT_VERIFY_FIRST), H5CKPT_E_SETTINGS);
    assert_restore(store, with(H5CKPT_SETTINGS_ACCEPT, H5CKPT_VERIFY_FIRST), H5CKPT_OK);
    ck_assert(weights_are(1));
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_state_of_a_time_without_settings_is_restored_and_all_are_named_as_new)
{
    save_and_die(1);
    add_rate(0.1);
    h5ckpt_store *store = open_as(H5CKPT_READ_WRITE);
    assert_restore(store, with(H5CKPT_SETTINGS_REFUSE, MEMORY[_i]), H5CKPT_OK);
    ck_assert(weights_are(1));
    assert_mentions(h5ckpt_message(store), "was saved by a program without settings");
    assert_mentions(h5ckpt_message(store), "\n  'learning_rate': new (0.1)");
    ck_assert_uint_eq(changed.count, 1);
    fill(2);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    h5ckpt_close(store);
    begin_life();
    add_rate(0.2);
    assert_refused("\n  'learning_rate': stored 0.1, now 0.2");
}
END_TEST

START_TEST(a_program_without_settings_does_not_ask)
{
    save_with_rate(0.1, 1);
    assert_taken(1);
}
END_TEST

START_TEST(a_state_of_settings_alone_is_one)
{
    for (int life = 0; life < 2; life++) {
        h5ckpt_state_free(state);
        state = h5ckpt_state_new();
        add_rate(0.1 + life);
        h5ckpt_store *store = open_as(H5CKPT_READ_WRITE);
        assert_restore(store, h5ckpt_restore_options_default(), life == 0 ? H5CKPT_NO_CHECKPOINT : H5CKPT_E_SETTINGS);
        if (life == 0)
            assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
        h5ckpt_close(store);
    }
}
END_TEST

/* --------------------------------------------------------------- what is said */

static const double TENTH = 0.1, HUNDREDTH = 0.01, ZERO = 0.0, MINUS_ZERO = -0.0, NOT_A_NUMBER = NAN;
static const int32_t SEVEN = 7, MINUS_EIGHT = -8;
static const uint64_t LARGEST = UINT64_MAX;
static const bool YES = true, NO = false;
static const int64_t LAYERS[] = {64, 64, 10}, WIDER[] = {64, 128, 10}, OTHERS[] = {64, 32, 20};
static const char RECIPES[2][8] = {"first", "second"}, OTHER_RECIPES[2][8] = {"first", "third"};
static const float PAIR[] = {0.9f, 0.999f};
static const char ADAM[16] = "adam\0left over", SGD[4] = "sgd", ESCAPE[] = "\x1b[2J";

struct value {
    h5ckpt_type type;
    int rank;
    uint64_t shape[2];
    const void *bytes;
};

#define NONE            \
    {                   \
        0, 0, {0}, NULL \
    }

static const struct {
    struct value stored;
    struct value now;
    const char *said; /* NULL: they are the same */
} CHANGES[] = {
    {{H5CKPT_FLOAT64, 0, {0}, &TENTH}, {H5CKPT_FLOAT64, 0, {0}, &HUNDREDTH}, "stored 0.1, now 0.01"},
    {{H5CKPT_FLOAT64, 0, {0}, &ZERO}, {H5CKPT_FLOAT64, 0, {0}, &MINUS_ZERO}, "stored 0, now -0"},
    {{H5CKPT_FLOAT64, 0, {0}, &NOT_A_NUMBER}, {H5CKPT_FLOAT64, 0, {0}, &NOT_A_NUMBER}, NULL},
    {{H5CKPT_INT32, 0, {0}, &SEVEN}, {H5CKPT_INT32, 0, {0}, &MINUS_EIGHT}, "stored 7, now -8"},
    {{H5CKPT_UINT64, 0, {0}, &LARGEST}, {H5CKPT_UINT64, 0, {0}, &LARGEST}, NULL},
    {{H5CKPT_BOOL, 0, {0}, &YES}, {H5CKPT_BOOL, 0, {0}, &NO}, "stored true, now false"},
    {{H5CKPT_STRING(16), 0, {0}, ADAM}, {H5CKPT_STRING(16), 0, {0}, "sgd\0............"}, "stored 'adam', now 'sgd'"},
    {{H5CKPT_STRING(16), 0, {0}, ADAM}, {H5CKPT_STRING(4), 0, {0}, SGD}, "stored 'adam', now 'sgd'"},
    {{H5CKPT_STRING(16), 0, {0}, ADAM}, {H5CKPT_STRING(4), 0, {0}, "adam"}, NULL},
    {{H5CKPT_STRING(4), 0, {0}, SGD}, {H5CKPT_STRING(4), 0, {0}, ESCAPE}, "stored 'sgd', now '\\x1b[2J'"},
    {{H5CKPT_INT64, 1, {3}, LAYERS},
     {H5CKPT_INT64, 1, {3}, WIDER},
     "1 of 3 elements changed, the first is [1]: stored 64, now 128"},
    {{H5CKPT_INT64, 1, {3}, LAYERS},
     {H5CKPT_INT64, 1, {3}, OTHERS},
     "2 of 3 elements changed, the first is [1]: stored 64, now 32"},
    {{H5CKPT_STRING(4), 0, {0}, SGD}, {H5CKPT_INT32, 0, {0}, &SEVEN}, "stored as string of 4 bytes, now int32"},
    {{H5CKPT_INT32, 0, {0}, &SEVEN}, {H5CKPT_STRING(4), 0, {0}, SGD}, "stored as int32, now string of 4 bytes"},
    {{H5CKPT_INT64, 1, {3}, LAYERS}, {H5CKPT_INT64, 1, {2}, LAYERS}, "stored with shape [3], now [2]"},
    {{H5CKPT_INT64, 1, {1}, LAYERS}, {H5CKPT_INT64, 0, {0}, LAYERS}, "stored with shape [1], now scalar"},
    {{H5CKPT_INT64, 1, {3}, LAYERS}, {H5CKPT_UINT64, 1, {3}, LAYERS}, "stored as int64, now uint64"},
    {{H5CKPT_INT64, 2, {3, 0}, NULL}, {H5CKPT_INT64, 2, {3, 0}, NULL}, NULL},
    {{H5CKPT_STRING(8), 1, {2}, RECIPES},
     {H5CKPT_STRING(8), 1, {2}, OTHER_RECIPES},
     "1 of 2 elements changed, the first is [1]: stored 'second', now 'third'"},
    {{H5CKPT_OPAQUE(24), 0, {0}, LAYERS}, {H5CKPT_OPAQUE(24), 0, {0}, WIDER}, "changed"},
    {{H5CKPT_OPAQUE(8), 1, {3}, LAYERS},
     {H5CKPT_OPAQUE(8), 1, {3}, WIDER},
     "1 of 3 elements changed, the first is [1]: changed"},
    {{H5CKPT_COMPLEX64, 0, {0}, PAIR}, {H5CKPT_COMPLEX64, 0, {0}, LAYERS}, "stored 0.9+0.999i, now 9e-44+0i"},
    {NONE, {H5CKPT_FLOAT64, 0, {0}, &TENTH}, "new (0.1)"},
    {NONE, {H5CKPT_INT64, 1, {3}, LAYERS}, "new"},
    {{H5CKPT_STRING(4), 0, {0}, SGD}, NONE, "no longer there ('sgd')"},
    {{H5CKPT_OPAQUE(24), 0, {0}, LAYERS}, NONE, "no longer there"},
};

static void add_value(const char *name, const struct value *value)
{
    if (value->type != 0)
        assert_status_message(h5ckpt_add_setting(state, name, value->type, value->rank, value->shape, value->bytes),
                              H5CKPT_OK, h5ckpt_state_message(state));
}

START_TEST(every_kind_of_change_is_said_in_its_own_words)
{
    char line[256];

    add_rate(0.1);
    add_value("it", &CHANGES[_i].stored);
    save_and_die(1);
    add_rate(0.1);
    add_value("it", &CHANGES[_i].now);
    if (CHANGES[_i].said == NULL) {
        assert_taken(1);
        return;
    }
    snprintf(line, sizeof line, "\n  'it': %s", CHANGES[_i].said);
    assert_refused(line);
}
END_TEST

static void add_config(const char *prefix, const char *end)
{
    char text[400];

    snprintf(text, sizeof text, "%s%s", prefix, end);
    assert_status(h5ckpt_add_setting(state, "config", H5CKPT_STRING(sizeof text), 0, NULL, text), H5CKPT_OK);
}

START_TEST(long_strings_that_begin_alike_are_shown_from_where_they_differ)
{
    char prefix[301] = "";

    memset(prefix, 'x', sizeof prefix - 1);
    add_config(prefix, _i == 0 ? "rate=0.1" : _i == 1 ? "" : "rate=0.2");
    save_and_die(1);
    add_config(prefix, _i == 2 ? "" : "rate=0.2");
    assert_refused(_i == 0 ? "\n  'config': stored '…xxxxxxxxxxxxxxxxxrate=0.1', now '…xxxxxxxxxxxxxxxxxrate=0.2' "
                             "(they differ from byte 307 on, counted from 0)"
                   : _i == 1 ? "\n  'config': stored '…xxxxxxxxxxxxxxxxxxxxxxxx', now "
                               "'…xxxxxxxxxxxxxxxxxxxxxxxxrate=0.2' (they differ from byte 300 on, counted from 0)"
                             : "\n  'config': stored '…xxxxxxxxxxxxxxxxxxxxxxxxrate=0.2', now "
                               "'…xxxxxxxxxxxxxxxxxxxxxxxx' (they differ from byte 300 on, counted from 0)");
}
END_TEST

START_TEST(all_changes_are_said_in_the_order_of_their_names)
{
    static const char *const NAMES[] = {"seed", "b/a", "z", "batch", "b-a"};

    for (size_t i = 0; i < COUNT(NAMES); i++)
        assert_status(h5ckpt_add_setting(state, NAMES[i], H5CKPT_INT32, 0, NULL, &SEVEN), H5CKPT_OK);
    save_and_die(1);
    for (size_t i = COUNT(NAMES); i-- > 0;)
        assert_status(h5ckpt_add_setting(state, NAMES[i], H5CKPT_INT32, 0, NULL, i % 2 == 0 ? &MINUS_EIGHT : &SEVEN),
                      H5CKPT_OK);
    assert_status(h5ckpt_add_setting(state, "m", H5CKPT_INT32, 0, NULL, &SEVEN), H5CKPT_OK);
    assert_refused("\n  'b-a': stored 7, now -8\n  'm': new (7)\n  'seed': stored 7, now -8\n  'z': stored 7, now -8");
}
END_TEST

START_TEST(a_thousand_changes_are_all_named)
{
    char name[32];
    const char *line;
    unsigned count = 0;

    for (int life = 0; life < 2; life++) {
        if (life > 0)
            save_and_die(1);
        for (int i = 0; i < 1000; i++) {
            snprintf(name, sizeof name, "group %d/it", i);
            assert_status(h5ckpt_add_setting(state, name, H5CKPT_INT32, 0, NULL, life == 0 ? &SEVEN : &MINUS_EIGHT),
                          H5CKPT_OK);
        }
    }
    h5ckpt_store *store = open_as(H5CKPT_READ_ONLY);
    assert_restore(store, h5ckpt_restore_options_default(), H5CKPT_E_SETTINGS);
    for (line = h5ckpt_message(store); (line = strstr(line, "/it': stored 7, now -8")) != NULL; line++)
        count++;
    ck_assert_uint_eq(count, 1000);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_setting_of_a_megabyte_is_compared_to_the_last_byte)
{
    static unsigned char table[TABLE_BYTES];
    const uint64_t shape[] = {TABLE_BYTES};

    memset(table, 0, sizeof table);
    assert_status(h5ckpt_add_setting(state, "table", H5CKPT_UINT8, 1, shape, table), H5CKPT_OK);
    save_and_die(1);
    assert_status(h5ckpt_add_setting(state, "table", H5CKPT_UINT8, 1, shape, table), H5CKPT_OK);
    assert_taken(1);
    begin_life();
    table[TABLE_BYTES - 1] = 1;
    assert_status(h5ckpt_add_setting(state, "table", H5CKPT_UINT8, 1, shape, table), H5CKPT_OK);
    assert_refused("\n  'table': 1 of 1048576 elements changed, the first is [1048575]: stored 0, now 1");
}
END_TEST

START_TEST(variables_that_do_not_fit_are_said_first_and_the_settings_with_them)
{
    save_with_rate(0.1, 1);
    add_rate(0.2);
    assert_status(h5ckpt_add(state, "more", H5CKPT_FLOAT32, 0, NULL, weights), H5CKPT_OK);
    h5ckpt_store *store = open_as(H5CKPT_READ_ONLY);
    assert_restore(store, with(H5CKPT_SETTINGS_ACCEPT, MEMORY[_i]), H5CKPT_E_SCHEMA);
    assert_mentions(h5ckpt_message(store), "\n  'more': registered, but not stored");
    assert_mentions(h5ckpt_message(store), "\nIts settings differ, too:\n  'learning_rate': stored 0.1, now 0.2");
    h5ckpt_close(store);
}
END_TEST

/* --------------------------------------------------------- damage, fall backs */

/* Where the last byte of the weights of state `number` is in its slot. */
static void damage_weights(float number)
{
    static float bytes[SLOT_BYTES_MAX / sizeof(float)];
    const char *path = in_backup(slot_of_epoch((uint64_t)number));
    const size_t byte_count = (size_t)file_bytes(path);

    ck_assert_uint_le(byte_count, sizeof bytes);
    file_read_bytes(path, bytes, byte_count, 0);
    fill(number);
    const char *found = memmem(bytes, byte_count, weights, sizeof weights);
    ck_assert_ptr_nonnull(found);
    file_flip_bit(path, 8 * (uint64_t)(found - (const char *)bytes + (long)sizeof weights - 1));
}

START_TEST(a_fall_back_to_a_state_with_other_settings_is_refused_and_says_why_that_state)
{
    save_with_rate(0.1, 1);
    save_with_rate(0.2, 2);
    damage_weights(2);
    add_rate(0.2);
    h5ckpt_store *store = open_as(H5CKPT_READ_WRITE);
    assert_restore(store, with(H5CKPT_SETTINGS_REFUSE, MEMORY[_i]), H5CKPT_E_SETTINGS);
    assert_mentions(h5ckpt_message(store), "/slot-a.h5' (sequence 1)");
    assert_mentions(h5ckpt_message(store), "\n  'learning_rate': stored 0.1, now 0.2");
    assert_mentions(h5ckpt_message(store), "\nIt is not the newest state: fell back to slot-a.h5");
    assert_restore(store, with(H5CKPT_SETTINGS_ACCEPT, MEMORY[_i]), H5CKPT_FELL_BACK);
    ck_assert(weights_are(1));
    assert_mentions(h5ckpt_message(store), "fell back to slot-a.h5");
    assert_mentions(h5ckpt_message(store), "\n  'learning_rate': stored 0.1, now 0.2");
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_fall_back_to_a_state_with_the_same_settings_is_one)
{
    save_with_rate(0.1, 1);
    save_with_rate(0.2, 2);
    damage_weights(2);
    add_rate(0.1);
    h5ckpt_store *store = open_as(H5CKPT_READ_WRITE);
    assert_restore(store, with(H5CKPT_SETTINGS_REFUSE, MEMORY[_i]), H5CKPT_FELL_BACK);
    ck_assert(weights_are(1));
    ck_assert_uint_eq(changed.count, 0);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_newest_state_with_other_settings_is_refused_and_no_older_one_given_instead)
{
    save_with_rate(0.1, 1);
    save_with_rate(0.2, 2);
    add_rate(0.1);
    h5ckpt_store *store = open_as(H5CKPT_READ_WRITE);
    assert_restore(store, with(H5CKPT_SETTINGS_REFUSE, MEMORY[_i]), H5CKPT_E_SETTINGS);
    struct h5ckpt_restore_options previous = with(H5CKPT_SETTINGS_REFUSE, MEMORY[_i]);
    previous.which = H5CKPT_PREVIOUS;
    assert_restore(store, previous, H5CKPT_OK); /* on purpose */
    ck_assert(weights_are(1));
    h5ckpt_close(store);
}
END_TEST

/* Wherever a bit of it is. */
START_TEST(a_damaged_setting_is_damage_and_no_change)
{
    static unsigned char bytes[SLOT_BYTES_MAX];
    static unsigned char table[TABLE_BYTES];
    const h5ckpt_type opaque = H5CKPT_OPAQUE(TABLE_BYTES);

    for (size_t i = 0; i < sizeof table; i++)
        table[i] = (unsigned char)(i * 7 + i / 251);
    for (float number = 1; number <= 2; number++) {
        assert_status(h5ckpt_add_setting(state, "table", opaque, 0, NULL, table), H5CKPT_OK);
        save_and_die(number);
    }
    const char *path = in_backup(slot_of_epoch(2));
    const size_t byte_count = (size_t)file_bytes(path);
    ck_assert_uint_le(byte_count, sizeof bytes);
    file_read_bytes(path, bytes, byte_count, 0);
    const unsigned char *found = memmem(bytes, byte_count, table, sizeof table);
    ck_assert_ptr_nonnull(found);
    assert_status(h5ckpt_add_setting(state, "table", opaque, 0, NULL, table), H5CKPT_OK);
    for (size_t at = 0; at < sizeof table; at += 130003) {
        file_flip_bit(path, 8 * ((uint64_t)(found - bytes) + at));
        h5ckpt_store *store = open_as(H5CKPT_READ_WRITE);
        assert_restore(store, with(H5CKPT_SETTINGS_REFUSE, MEMORY[_i]), H5CKPT_FELL_BACK);
        ck_assert(weights_are(1));
        ck_assert_uint_eq(changed.count, 0);
        assert_mentions(h5ckpt_message(store), "/settings/table");
        h5ckpt_close(store);
        file_flip_bit(path, 8 * ((uint64_t)(found - bytes) + at));
    }
}
END_TEST

START_TEST(a_call_that_fails_while_settings_are_read_refuses_none)
{
    static const int ERRORS[] = {EIO, EACCES, ENOMEM};

    save_with_rate(0.1, 1);
    save_with_rate(0.1, 2);
    add_rate(0.1);
    for (size_t e = 0; e < COUNT(ERRORS); e++)
        for (long call = 0; call < CALLS_MAX; call++) {
            h5ckpt_store *store = open_as(H5CKPT_READ_ONLY);
            const struct h5ckpt_restore_options options = with(H5CKPT_SETTINGS_REFUSE, MEMORY[_i]);
            fill(SPOILT_WEIGHT);
            faults_set(
                (struct faults){.calls = FAULT_READ | FAULT_OPEN, .first = call, .count = 1, .error = ERRORS[e]});
            const h5ckpt_status status = h5ckpt_restore(store, &options, NULL);
            const bool hit = faults_hit();
            faults_clear();
            ck_assert_msg(status != H5CKPT_E_SETTINGS, "%s", h5ckpt_message(store));
            ck_assert(status < 0 ? weights_are(SPOILT_WEIGHT) : weights_are(2) || weights_are(1));
            h5ckpt_close(store);
            if (!hit)
                break;
        }
}
END_TEST

START_TEST(running_out_of_memory_refuses_none)
{
    save_with_rate(0.1, 1);
    add_rate(0.1);
    for (long allocation = 1;; allocation++) {
        h5ckpt_store *store = open_as(H5CKPT_READ_ONLY);
        const struct h5ckpt_restore_options options = with(H5CKPT_SETTINGS_REFUSE, MEMORY[_i]);
        fill(SPOILT_WEIGHT);
        malloc_fail_in = allocation;
        const h5ckpt_status status = h5ckpt_restore(store, &options, NULL);
        const bool failed = malloc_fail_in == 0;
        malloc_fail_in = 0;
        ck_assert_msg(status == H5CKPT_E_MEMORY || status == H5CKPT_OK, "%s", h5ckpt_message(store));
        ck_assert(weights_are(status == H5CKPT_OK ? 1 : SPOILT_WEIGHT));
        h5ckpt_close(store);
        if (!failed)
            break;
    }
}
END_TEST

/*
 * Blocks of the newest state have been handed over when a later one proves damaged; the state before has other
 * settings.
 */
START_TEST(blockwise_a_fall_back_that_is_refused_leaves_memory_that_must_not_be_saved)
{
    static float many[CHUNK_WEIGHTS];
    const uint64_t shape[] = {CHUNK_WEIGHTS};

    for (float number = 1; number <= 2; number++) {
        assert_status(h5ckpt_add(state, "many", H5CKPT_FLOAT32, 1, shape, many), H5CKPT_OK);
        many[0] = number;
        save_with_rate(0.1 * (double)number, number);
    }
    const char *path = in_backup(slot_of_epoch(2));
    file_flip_bit(path, 8 * (file_bytes(path) / 16 * 15));
    assert_status(h5ckpt_add(state, "many", H5CKPT_FLOAT32, 1, shape, many), H5CKPT_OK);
    add_rate(0.2);
    h5ckpt_store *store = open_as(H5CKPT_READ_WRITE);
    struct h5ckpt_restore_options options = with(H5CKPT_SETTINGS_REFUSE, H5CKPT_BLOCKWISE);
    assert_status_message(h5ckpt_restore(store, &options, NULL), H5CKPT_E_MEMORY_CHANGED, h5ckpt_message(store));
    assert_mentions(h5ckpt_message(store), "'learning_rate': stored 0.1, now 0.2");
    assert_mentions(h5ckpt_message(store), "; the checkpoint is untouched. Set them back");
    assert_status(h5ckpt_save(store, NULL), H5CKPT_E_MEMORY_CHANGED);
    options.settings = H5CKPT_SETTINGS_ACCEPT;
    assert_status(h5ckpt_restore(store, &options, NULL), H5CKPT_FELL_BACK);
    ck_assert(weights_are(1));
    h5ckpt_close(store);
}
END_TEST

/* ------------------------------------------------------ what settings are not */

START_TEST(the_value_is_copied_when_it_is_registered_and_never_written)
{
    double rate = 0.1;

    save_with_rate(0.5, 1);
    assert_status(h5ckpt_add_setting(state, "learning_rate", H5CKPT_FLOAT64, 0, NULL, &rate), H5CKPT_OK);
    rate = 0.3;
    h5ckpt_store *store = open_as(H5CKPT_READ_WRITE);
    assert_restore(store, with(H5CKPT_SETTINGS_ACCEPT, MEMORY[_i]), H5CKPT_OK);
    assert_mentions(h5ckpt_message(store), "stored 0.5, now 0.1");
    ck_assert(rate == 0.3);
    h5ckpt_close(store);
}
END_TEST

START_TEST(in_every_save_mode_the_settings_are_in_the_state)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    h5ckpt_store *store;

    add_rate(0.1);
    options.save_mode = (enum h5ckpt_save_mode)_i;
    assert_status(h5ckpt_open(&store, fixture_backup, state, &options), H5CKPT_OK);
    fill(1);
    assert_status_message(h5ckpt_save(store, NULL), H5CKPT_OK, h5ckpt_message(store));
    assert_status_message(h5ckpt_wait(store), H5CKPT_OK, h5ckpt_message(store));
    h5ckpt_close(store);
    begin_life();
    add_rate(0.1);
    assert_taken(1);
    begin_life();
    add_rate(0.2);
    assert_refused("\n  'learning_rate': stored 0.1, now 0.2");
}
END_TEST

START_TEST(another_value_is_no_other_structure)
{
    enum { STRUCTURE_DIGEST_OFFSET = 184, DIGEST_BYTES = 16 }; /* docs/format.md 2.1 */
    unsigned char digest[2][DIGEST_BYTES];

    save_with_rate(0.1, 1);
    save_with_rate(0.2, 2);
    for (unsigned i = 0; i < 2; i++)
        file_read_bytes(in_backup(slot_of_epoch(1 + i)), digest[i], DIGEST_BYTES, STRUCTURE_DIGEST_OFFSET);
    ck_assert_mem_eq(digest[0], digest[1], DIGEST_BYTES);
}
END_TEST

static void refuse_visit(void *context, const struct h5ckpt_stored *variable)
{
    (void)context;
    ck_assert_str_eq(variable->name, "weights");
}

static bool refuse_select(void *context, const char *name)
{
    (void)context;
    ck_assert_str_eq(name, "weights");
    return true;
}

START_TEST(nothing_that_speaks_of_variables_means_a_setting)
{
    const struct h5ckpt_rename rename = {"learning_rate", "learning_rate"};
    struct h5ckpt_restore_options options = h5ckpt_restore_options_default();
    struct h5ckpt_report report;

    add_rate(INFINITY);
    assert_status(h5ckpt_require_finite(state, NULL), H5CKPT_OK);
    save_and_die(1);
    add_rate(INFINITY);
    h5ckpt_store *store = open_as(H5CKPT_READ_WRITE);
    options.match = H5CKPT_INTERSECTION;
    options.select = refuse_select;
    assert_status_message(h5ckpt_restore(store, &options, &report), H5CKPT_OK, h5ckpt_message(store));
    ck_assert_uint_eq(report.variable_count, 1);
    assert_status(h5ckpt_list_variables(store, (unsigned)report.restored, refuse_visit, NULL), H5CKPT_OK);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    assert_status(h5ckpt_unchanged(store, "learning_rate", 0, 1), H5CKPT_E_ARGUMENT);
    options = h5ckpt_restore_options_default();
    options.renames = &rename;
    options.rename_count = 1;
    assert_status(h5ckpt_restore(store, &options, NULL), H5CKPT_E_ARGUMENT);
    h5ckpt_close(store);
    assert_status(h5ckpt_require_finite(state, "learning_rate"), H5CKPT_E_ARGUMENT);
}
END_TEST

/* The question there is whether memory is that of the state. */
START_TEST(a_comparison_of_memory_does_not_ask_for_settings)
{
    save_with_rate(0.1, 1);
    add_rate(0.2);
    h5ckpt_store *store = open_as(H5CKPT_READ_WRITE);
    fill(1);
    assert_status_message(h5ckpt_compare(store, H5CKPT_CURRENT), H5CKPT_OK, h5ckpt_message(store));
    weights[7] = 0;
    assert_status(h5ckpt_compare(store, H5CKPT_CURRENT), H5CKPT_E_DIFFERS);
    ck_assert_ptr_null(strstr(h5ckpt_message(store), "learning_rate"));
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_warm_start_is_asked_for_its_settings_as_well)
{
    struct h5ckpt_restore_options options = h5ckpt_restore_options_default();

    save_with_rate(0.1, 1);
    add_rate(0.2);
    h5ckpt_store *store = open_as(H5CKPT_READ_ONLY);
    options.match = H5CKPT_INTERSECTION;
    assert_restore(store, options, H5CKPT_E_SETTINGS);
    options.settings = H5CKPT_SETTINGS_ACCEPT;
    assert_restore(store, options, H5CKPT_OK);
    ck_assert(weights_are(1));
    h5ckpt_close(store);
}
END_TEST

/* ------------------------------------------------------------ nonsense, names */

static const struct {
    const char *name;
    h5ckpt_type type;
    int rank;
    const uint64_t *shape;
    const void *value;
    const char *said;
} NONSENSE[] = {
    {NULL, H5CKPT_FLOAT64, 0, NULL, &TENTH, "a setting was added without a name (NULL)"},
    {"", H5CKPT_FLOAT64, 0, NULL, &TENTH, "setting '': the name is empty"},
    {"a//b", H5CKPT_FLOAT64, 0, NULL, &TENTH, "setting 'a//b': the name has an empty part"},
    {"it", H5CKPT_FLOAT64, 0, NULL, NULL, "setting 'it': its value is NULL"},
    {"it", 0, 0, NULL, &TENTH, "setting 'it': 0x00000000 is not an element type"},
    {"it", H5CKPT_STRING(0), 0, NULL, "", "setting 'it': 0x08000000 is not an element type"},
    {"it", H5CKPT_FLOAT64, -1, NULL, &TENTH, "setting 'it': the rank is -1, at least 0 is needed"},
    {"it", H5CKPT_FLOAT64, 1, NULL, &TENTH, "setting 'it': the rank is 1, but the shape is NULL"},
    {"taken", H5CKPT_FLOAT64, 0, NULL, &TENTH, "setting 'taken': there is a setting of this name already"},
    {"taken/it", H5CKPT_FLOAT64, 0, NULL, &TENTH, "setting 'taken/it': 'taken' is a setting, so it cannot be a group"},
    {"group", H5CKPT_FLOAT64, 0, NULL, &TENTH, "setting 'group': the name is a group, that of setting 'group/it'"},
};

START_TEST(nonsense_is_refused_with_the_name_and_the_reason)
{
    h5ckpt_store *store;

    assert_status(h5ckpt_add_setting(state, "taken", H5CKPT_FLOAT64, 0, NULL, &TENTH), H5CKPT_OK);
    assert_status(h5ckpt_add_setting(state, "group/it", H5CKPT_FLOAT64, 0, NULL, &TENTH), H5CKPT_OK);
    assert_status(h5ckpt_add_setting(state, NONSENSE[_i].name, NONSENSE[_i].type, NONSENSE[_i].rank, NONSENSE[_i].shape,
                                     NONSENSE[_i].value),
                  H5CKPT_E_ARGUMENT);
    ck_assert_str_eq(h5ckpt_state_message(state), NONSENSE[_i].said);
    assert_status(h5ckpt_open(&store, fixture_backup, state, NULL), H5CKPT_E_ARGUMENT);
    ck_assert_str_eq(h5ckpt_message(store), NONSENSE[_i].said);
    h5ckpt_close(store);
    ck_assert(!file_exists(fixture_backup));
}
END_TEST

START_TEST(without_a_state_nothing_is_added)
{
    assert_status(h5ckpt_add_setting(NULL, "it", H5CKPT_FLOAT64, 0, NULL, &TENTH), H5CKPT_E_ARGUMENT);
}
END_TEST

START_TEST(an_option_that_names_nothing_is_refused)
{
    save_with_rate(0.1, 1);
    add_rate(0.1);
    h5ckpt_store *store = open_as(H5CKPT_READ_WRITE);
    const struct h5ckpt_restore_options options = with((enum h5ckpt_settings)2, H5CKPT_VERIFY_FIRST);
    assert_status(h5ckpt_restore(store, &options, NULL), H5CKPT_E_ARGUMENT);
    h5ckpt_close(store);
}
END_TEST

START_TEST(a_setting_and_a_variable_may_have_one_name)
{
    const double rate = 0.1;

    assert_status(h5ckpt_add_setting(state, "weights", H5CKPT_FLOAT64, 0, NULL, &rate), H5CKPT_OK);
    save_and_die(1);
    assert_status(h5ckpt_add_setting(state, "weights", H5CKPT_FLOAT64, 0, NULL, &rate), H5CKPT_OK);
    assert_taken(1);
}
END_TEST

START_TEST(a_setting_may_be_added_to_an_open_store)
{
    h5ckpt_store *store = open_as(H5CKPT_READ_WRITE);

    fill(1);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    add_rate(0.1);
    assert_status(h5ckpt_save(store, NULL), H5CKPT_OK);
    h5ckpt_close(store);
    begin_life();
    add_rate(0.2);
    assert_refused("\n  'learning_rate': stored 0.1, now 0.2");
}
END_TEST

/* ------------------------------------------------------------------------ list */

static char listed[1024];

static void note_setting(void *context, const struct h5ckpt_stored_setting *setting)
{
    ck_assert_ptr_eq(context, listed);
    snprintf(listed + strlen(listed), sizeof listed - strlen(listed), "%s (%s, rank %d, %d bytes): %s\n", setting->name,
             setting->type_name, setting->rank, (int)setting->byte_count, setting->text);
    if (strcmp(setting->name, "layers") == 0)
        ck_assert_mem_eq(setting->bytes, LAYERS, sizeof LAYERS);
}

static h5ckpt_status list(h5ckpt_store *store, unsigned slot)
{
    listed[0] = '\0';
    return h5ckpt_list_settings(store, slot, note_setting, listed);
}

static void add_some(double rate)
{
    add_rate(rate);
    assert_status(h5ckpt_add_setting(state, "layers", H5CKPT_INT64, 1, (const uint64_t[]){3}, LAYERS), H5CKPT_OK);
    assert_status(h5ckpt_add_setting(state, "a/name", H5CKPT_STRING(16), 0, NULL, ADAM), H5CKPT_OK);
    assert_status(h5ckpt_add_setting(state, "none", H5CKPT_INT64, 1, (const uint64_t[]){0}, NULL), H5CKPT_OK);
    assert_status(h5ckpt_add_setting(state, "key", H5CKPT_OPAQUE(24), 0, NULL, LAYERS), H5CKPT_OK);
}

START_TEST(the_settings_of_each_slot_are_listed_in_the_order_of_their_registration)
{
    add_some(0.1);
    save_and_die(1);
    add_some(0.2);
    save_and_die(2);
    h5ckpt_store *store = open_as(H5CKPT_READ_ONLY);
    for (unsigned slot = 0; slot < 2; slot++) {
        assert_status_message(list(store, slot), H5CKPT_OK, h5ckpt_message(store));
        ck_assert_str_eq(listed, slot == 0 ? "learning_rate (float64, rank 0, 8 bytes): 0.1\n"
                                             "layers (int64, rank 1, 24 bytes): [64, 64, 10]\n"
                                             "a/name (string of 16 bytes, rank 0, 16 bytes): 'adam'\n"
                                             "none (int64, rank 1, 0 bytes): []\n"
                                             "key (opaque of 24 bytes, rank 0, 24 bytes): \n"
                                           : "learning_rate (float64, rank 0, 8 bytes): 0.2\n"
                                             "layers (int64, rank 1, 24 bytes): [64, 64, 10]\n"
                                             "a/name (string of 16 bytes, rank 0, 16 bytes): 'adam'\n"
                                             "none (int64, rank 1, 0 bytes): []\n"
                                             "key (opaque of 24 bytes, rank 0, 24 bytes): \n");
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(where_there_are_no_settings_none_are_listed)
{
    save_and_die(1);
    h5ckpt_store *store = open_as(H5CKPT_READ_ONLY);
    assert_status(list(store, 0), H5CKPT_OK);
    ck_assert_str_eq(listed, "");
    assert_status(list(store, 1), H5CKPT_NO_CHECKPOINT); /* reserved */
    h5ckpt_close(store);
}
END_TEST

START_TEST(settings_in_a_damaged_block_are_not_listed)
{
    static unsigned char bytes[SLOT_BYTES_MAX];

    add_some(0.1);
    save_and_die(1);
    const char *path = in_backup("slot-a.h5");
    const size_t byte_count = (size_t)file_bytes(path);
    ck_assert_uint_le(byte_count, sizeof bytes);
    file_read_bytes(path, bytes, byte_count, 0);
    const unsigned char *found = memmem(bytes, byte_count, LAYERS, sizeof LAYERS);
    ck_assert_ptr_nonnull(found);
    file_flip_bit(path, 8 * (uint64_t)(found - bytes));
    h5ckpt_store *store = open_as(H5CKPT_READ_ONLY);
    assert_status(list(store, 0), H5CKPT_E_DAMAGED);
    assert_mentions(h5ckpt_message(store), "slot-a.h5");
    ck_assert_str_eq(listed, "");
    faults_set((struct faults){.calls = FAULT_READ, .name = "lock", .count = 1, .error = EACCES});
    assert_status(list(store, 0), H5CKPT_E_PERMISSION); /* it may be a writer's work: that could not be told */
    ck_assert(faults_hit());
    ck_assert_str_eq(listed, "");
    h5ckpt_close(store);
}
END_TEST

/* _i: for ever? */
START_TEST(only_an_eio_that_persists_keeps_settings_from_being_listed)
{
    bool hit = true;

    add_some(0.1);
    save_and_die(1);
    h5ckpt_store *store = open_as(H5CKPT_READ_ONLY);
    for (long call = 0; hit; call++) {
        ck_assert_int_lt(call, CALLS_MAX);
        faults_set((struct faults){
            .calls = FAULT_READ, .name = "slot-a.h5", .first = call, .count = _i ? FAULTS_FOR_EVER : 1, .error = EIO});
        const h5ckpt_status status = list(store, 0);
        hit = faults_hit();
        faults_clear();
        ck_assert_msg(status == (hit && _i ? H5CKPT_E_DAMAGED : H5CKPT_OK), "call %ld: %s", call,
                      h5ckpt_message(store));
        ck_assert_int_eq(strstr(listed, "learning_rate") == NULL, status < 0);
    }
    h5ckpt_close(store);
}
END_TEST

/* Allocates nothing, as libcheck would. */
static void count_setting(void *context, const struct h5ckpt_stored_setting *setting)
{
    (void)setting;
    ++*(unsigned *)context;
}

START_TEST(listing_settings_without_memory_says_so)
{
    bool failed = true;

    add_some(0.1);
    save_and_die(1);
    h5ckpt_store *store = open_as(H5CKPT_READ_ONLY);
    for (long allocation = 1; failed; allocation++) {
        unsigned count = 0;
        malloc_fail_in = allocation;
        const h5ckpt_status status = h5ckpt_list_settings(store, 0, count_setting, &count);
        failed = malloc_fail_in == 0;
        malloc_fail_in = 0;
        ck_assert_msg(status == (failed ? H5CKPT_E_MEMORY : H5CKPT_OK), "allocation %ld: %s", allocation,
                      h5ckpt_message(store));
        ck_assert_uint_eq(count, failed ? 0 : 5);
    }
    h5ckpt_close(store);
}
END_TEST

START_TEST(settings_of_a_slot_that_cannot_be_opened_are_neither_the_same_nor_refused)
{
    bool refused = false;

    save_with_rate(0.1, 1);
    add_rate(0.2);
    h5ckpt_store *store = open_as(H5CKPT_READ_WRITE);
    assert_status(h5ckpt_inspect(store, NULL, &(struct h5ckpt_report){0}), H5CKPT_OK);
    faults_set((struct faults){.calls = FAULT_OPEN, .name = "slot-a.h5", .count = 1, .error = EACCES});
    assert_status(compare_settings(store, 0, &refused), H5CKPT_E_PERMISSION);
    ck_assert(!refused);
    assert_status(compare_settings(store, 0, &refused), H5CKPT_OK);
    ck_assert(refused);
    h5ckpt_close(store);
}
END_TEST

START_TEST(nonsense_lists_nothing)
{
    save_with_rate(0.1, 1);
    h5ckpt_store *store = open_as(H5CKPT_READ_ONLY);
    assert_status(h5ckpt_list_settings(NULL, 0, note_setting, listed), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_list_settings(store, 0, NULL, listed), H5CKPT_E_ARGUMENT);
    assert_status(list(store, 77), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_message(store), "h5ckpt_list_settings");
    h5ckpt_close(store);
}
END_TEST

/* ------------------------------------------------------------------- callback */

START_TEST(training_does_not_begin_with_other_settings_unless_they_are_accepted)
{
    struct h5ckpt_callback_options options = h5ckpt_callback_options_default();
    struct h5ckpt_progress next = {.epoch = 99};
    h5ckpt_callback *callback;

    save_with_rate(0.1, 1);
    add_rate(0.01);
    options.backup_dir = fixture_backup;
    assert_status(h5ckpt_callback_new(&callback, state, &options), H5CKPT_OK);
    assert_status(h5ckpt_on_train_begin(callback, &next, NULL), H5CKPT_E_SETTINGS);
    ck_assert_uint_eq(next.epoch, 99);
    assert_mentions(h5ckpt_callback_message(callback), "\n  'learning_rate': stored 0.1, now 0.01");
    assert_status(h5ckpt_on_epoch_begin(callback, 1), H5CKPT_E_ARGUMENT);
    h5ckpt_callback_free(callback);

    options.restore.settings = H5CKPT_SETTINGS_ACCEPT;
    assert_status(h5ckpt_callback_new(&callback, state, &options), H5CKPT_OK);
    assert_status(h5ckpt_on_train_begin(callback, &next, NULL), H5CKPT_OK);
    ck_assert_uint_eq(next.epoch, 1);
    assert_mentions(h5ckpt_callback_message(callback), "\n  'learning_rate': stored 0.1, now 0.01");
    h5ckpt_callback_free(callback);
}
END_TEST

START_TEST(two_lives_are_not_checked_under_settings_that_differ)
{
    struct h5ckpt_callback_options options = h5ckpt_callback_options_default();
    h5ckpt_callback *callback;

    options.backup_dir = fixture_backup;
    options.check_resume = true;
    options.restore.settings = H5CKPT_SETTINGS_ACCEPT;
    assert_status(h5ckpt_callback_new(&callback, state, &options), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_callback_message(callback), "check_resume");
    h5ckpt_callback_free(callback);
}
END_TEST

/* The previous state was saved before a change that was accepted: no work under these settings lies between. */
START_TEST(a_check_needs_two_states_with_these_settings)
{
    struct h5ckpt_callback_options options = h5ckpt_callback_options_default();
    struct h5ckpt_progress next;
    h5ckpt_callback *callback;

    save_with_rate(0.1, 1);
    save_with_rate(0.2, 2);
    add_rate(0.2);
    options.backup_dir = fixture_backup;
    options.check_resume = true;
    assert_status(h5ckpt_callback_new(&callback, state, &options), H5CKPT_OK);
    assert_status(h5ckpt_on_train_begin(callback, &next, NULL), H5CKPT_OK);
    ck_assert_uint_eq(next.epoch, 2);
    h5ckpt_callback_free(callback);
}
END_TEST

/* ----------------------------------------------------------------------- suite */

static void add_verdict_tests(Suite *suite)
{
    TCase *tests = tcase_create("verdict");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, the_same_settings_restore_without_a_word, 0, COUNT(MEMORY));
    tcase_add_loop_test(tests, a_changed_setting_is_refused_by_name_with_memory_and_checkpoint_untouched, 0,
                        COUNT(MEMORY));
    tcase_add_loop_test(tests, a_changed_setting_that_is_accepted_is_named_and_saved_from_then_on, 0, COUNT(MEMORY));
    tcase_add_test(tests, a_handle_that_was_refused_can_accept);
    tcase_add_loop_test(tests, a_state_of_a_time_without_settings_is_restored_and_all_are_named_as_new, 0,
                        COUNT(MEMORY));
    tcase_add_test(tests, a_program_without_settings_does_not_ask);
    tcase_add_test(tests, a_state_of_settings_alone_is_one);
    suite_add_tcase(suite, tests);
}

static void add_message_tests(Suite *suite)
{
    TCase *tests = tcase_create("message");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, every_kind_of_change_is_said_in_its_own_words, 0, COUNT(CHANGES));
    tcase_add_loop_test(tests, long_strings_that_begin_alike_are_shown_from_where_they_differ, 0, 3);
    tcase_add_test(tests, all_changes_are_said_in_the_order_of_their_names);
    tcase_add_test(tests, a_thousand_changes_are_all_named);
    tcase_add_test(tests, a_setting_of_a_megabyte_is_compared_to_the_last_byte);
    tcase_add_loop_test(tests, variables_that_do_not_fit_are_said_first_and_the_settings_with_them, 0, COUNT(MEMORY));
    suite_add_tcase(suite, tests);
}

static void add_damage_tests(Suite *suite)
{
    TCase *tests = tcase_create("damage");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_fall_back_to_a_state_with_other_settings_is_refused_and_says_why_that_state, 0,
                        COUNT(MEMORY));
    tcase_add_loop_test(tests, a_fall_back_to_a_state_with_the_same_settings_is_one, 0, COUNT(MEMORY));
    tcase_add_loop_test(tests, a_newest_state_with_other_settings_is_refused_and_no_older_one_given_instead, 0,
                        COUNT(MEMORY));
    tcase_add_loop_test(tests, a_damaged_setting_is_damage_and_no_change, 0, COUNT(MEMORY));
    tcase_add_loop_test(tests, a_call_that_fails_while_settings_are_read_refuses_none, 0, COUNT(MEMORY));
    if (malloc_is_ours())
        tcase_add_loop_test(tests, running_out_of_memory_refuses_none, 0, COUNT(MEMORY));
    tcase_add_test(tests, blockwise_a_fall_back_that_is_refused_leaves_memory_that_must_not_be_saved);
    suite_add_tcase(suite, tests);
}

static void add_other_tests(Suite *suite)
{
    TCase *tests = tcase_create("other");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, the_value_is_copied_when_it_is_registered_and_never_written, 0, COUNT(MEMORY));
    tcase_add_loop_test(tests, in_every_save_mode_the_settings_are_in_the_state, 0, H5CKPT_SAVE_FORKED + 1);
    tcase_add_test(tests, another_value_is_no_other_structure);
    tcase_add_test(tests, nothing_that_speaks_of_variables_means_a_setting);
    tcase_add_test(tests, a_comparison_of_memory_does_not_ask_for_settings);
    tcase_add_test(tests, a_warm_start_is_asked_for_its_settings_as_well);
    tcase_add_loop_test(tests, nonsense_is_refused_with_the_name_and_the_reason, 0, COUNT(NONSENSE));
    tcase_add_test(tests, without_a_state_nothing_is_added);
    tcase_add_test(tests, an_option_that_names_nothing_is_refused);
    tcase_add_test(tests, a_setting_and_a_variable_may_have_one_name);
    tcase_add_test(tests, a_setting_may_be_added_to_an_open_store);
    tcase_add_test(tests, the_settings_of_each_slot_are_listed_in_the_order_of_their_registration);
    tcase_add_test(tests, where_there_are_no_settings_none_are_listed);
    tcase_add_test(tests, settings_in_a_damaged_block_are_not_listed);
    tcase_add_loop_test(tests, only_an_eio_that_persists_keeps_settings_from_being_listed, 0, 2);
    if (malloc_is_ours())
        tcase_add_test(tests, listing_settings_without_memory_says_so);
    tcase_add_test(tests, settings_of_a_slot_that_cannot_be_opened_are_neither_the_same_nor_refused);
    tcase_add_test(tests, nonsense_lists_nothing);
    tcase_add_test(tests, training_does_not_begin_with_other_settings_unless_they_are_accepted);
    tcase_add_test(tests, two_lives_are_not_checked_under_settings_that_differ);
    tcase_add_test(tests, a_check_needs_two_states_with_these_settings);
    suite_add_tcase(suite, tests);
}

int main(void)
{
    Suite *suite = suite_create("settings");

    add_verdict_tests(suite);
    add_message_tests(suite);
    add_damage_tests(suite);
    add_other_tests(suite);
    fixture_begin();
    const int status = suite_run(suite);
    fixture_end();
    return status;
}
