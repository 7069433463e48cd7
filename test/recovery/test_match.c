/* SPDX-License-Identifier: MIT */
/*
 * test_match: which stored variable goes to which registered one, and that every difference is listed.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "format.h"
#include "recovery/match.h"
#include "support/assert_h5ckpt.h"
#include "support/fail_malloc.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { PROGRESS_COUNT = 3, MANY = 100000, NAME_BYTES = 64 };

static const char WHERE[] = "'backup/slot-a.h5' (sequence 7)";
static const uint64_t SHAPE_2_3[] = {2, 3};
static const uint64_t SHAPE_3_2[] = {3, 2};
static const uint64_t SHAPE_6[] = {6};

static h5ckpt_state *registered; /* what the program has now */
static h5ckpt_state *saved;      /* what it had when it saved */
static struct index stored;      /* `saved`, as read from the file */
static struct match match;
static struct h5ckpt_restore_options options;
static struct error error;
static unsigned char memory[4096];

static void setup(void)
{
    registered = h5ckpt_state_new();
    saved = h5ckpt_state_new();
    ck_assert(registered != NULL && saved != NULL);
    stored = INDEX_NONE;
    match = MATCH_NONE;
    options = h5ckpt_restore_options_default();
    error = ERROR_NONE;
}

static void teardown(void)
{
    match_free(&match);
    index_free(&stored);
    h5ckpt_state_free(registered);
    h5ckpt_state_free(saved);
    error_clear(&error);
}

static void add(h5ckpt_state *state, const char *name, h5ckpt_type type, int rank, const uint64_t *shape)
{
    assert_status_message(h5ckpt_add(state, name, type, rank, shape, memory), H5CKPT_OK, h5ckpt_state_message(state));
}

static void add_scalar(h5ckpt_state *state, const char *name)
{
    add(state, name, H5CKPT_FLOAT32, 0, NULL);
}

static void add_both(const char *name)
{
    add_scalar(saved, name);
    add_scalar(registered, name);
}

/* Write `saved` and the progress as a slot's index and read that. */
static void store(void)
{
    static const char *const progress[PROGRESS_COUNT] = {"progress/epoch", "progress/batch", "progress/step"};
    const size_t entry_count = saved->variable_count + PROGRESS_COUNT;
    struct schema_entry *entry = calloc(entry_count, sizeof *entry);
    uint64_t *offset = calloc(entry_count, sizeof *offset);
    unsigned char *bytes = NULL;
    size_t byte_count;

    ck_assert(entry != NULL && offset != NULL);
    for (size_t i = 0; i < entry_count; i++) {
        if (i < saved->variable_count) {
            entry[i] = saved->entry[i];
        } else {
            entry[i] = (struct schema_entry){.name = progress[i - saved->variable_count], .byte_count = 8};
            ck_assert_int_eq(element_of_type(&entry[i].element, H5CKPT_UINT64, &error), H5CKPT_OK);
        }
        offset[i] = entry[i].byte_count == 0 ? 0 : 4096 * (i + 1);
    }
    index_free(&stored);
    assert_status(index_encode(&(struct schema){entry, entry_count}, offset, &bytes, &byte_count, &error), H5CKPT_OK);
    assert_status_message(index_decode(&stored, bytes, byte_count, UINT64_C(1) << 60, &error), H5CKPT_OK,
                          error_message(&error));
    free(bytes);
    free(entry);
    free(offset);
}

static h5ckpt_status match_now(void)
{
    match_free(&match);
    return match_variables(&match, registered, &stored, &options, WHERE, &error);
}

static h5ckpt_status store_and_match(void)
{
    store();
    return match_now();
}

static const char *stored_name_of(const char *registered_name)
{
    for (size_t i = 0; i < match.pair_count; i++)
        if (strcmp(registered->entry[match.pair[i].variable].name + strlen("state/"), registered_name) == 0)
            return stored.entry[match.pair[i].entry].name;
    return NULL;
}

static size_t line_count(void)
{
    size_t count = 1;

    for (const char *at = error_message(&error); (at = strchr(at, '\n')) != NULL; at++)
        count++;
    return count;
}

/* A refusal, whose list has exactly these differences. */
static void assert_differences(size_t difference_count)
{
    assert_status_message(error.status, H5CKPT_E_SCHEMA, error_message(&error));
    ck_assert_uint_eq(line_count(), difference_count + 1);
    ck_assert_ptr_null(match.pair);
    ck_assert_uint_eq(match.pair_count, 0);
}

/* --------------------------------------------------------------------- exact */

START_TEST(the_same_variables_are_paired)
{
    add_both("a");
    add_both("b/c");
    assert_status_message(store_and_match(), H5CKPT_OK, error_message(&error));
    ck_assert_uint_eq(match.pair_count, 2);
    ck_assert_str_eq(stored_name_of("a"), "state/a");
    ck_assert_str_eq(stored_name_of("b/c"), "state/b/c");
}
END_TEST

START_TEST(the_order_does_not_matter)
{
    static const char *const names[] = {"z", "m/z", "a", "m/a", "aa", "a1", "Z"};

    for (size_t i = 0; i < COUNT(names); i++) {
        add_scalar(saved, names[i]);
        add_scalar(registered, names[COUNT(names) - 1 - i]);
    }
    assert_status_message(store_and_match(), H5CKPT_OK, error_message(&error));
    ck_assert_uint_eq(match.pair_count, COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++)
        ck_assert_str_eq(stored_name_of(names[i]) + strlen("state/"), names[i]);
}
END_TEST

START_TEST(a_match_has_no_message)
{
    add_both("a");
    error_set(&error, H5CKPT_E_SCHEMA, "from an earlier call");
    assert_status(store_and_match(), H5CKPT_OK);
    ck_assert_str_eq(error_message(&error), "");
}
END_TEST

START_TEST(no_variables_on_either_side_match)
{
    assert_status_message(store_and_match(), H5CKPT_OK, error_message(&error));
    ck_assert_uint_eq(match.pair_count, 0);
}
END_TEST

START_TEST(a_slot_without_any_entry_matches_a_state_without_variables)
{
    assert_status_message(match_now(), H5CKPT_OK, error_message(&error));
}
END_TEST

START_TEST(progress_is_not_matched)
{
    add_both("a");
    assert_status(store_and_match(), H5CKPT_OK);
    ck_assert_uint_eq(stored.entry_count, 1 + PROGRESS_COUNT);
    ck_assert_uint_eq(match.pair_count, 1);
}
END_TEST

START_TEST(a_variable_called_like_the_progress_is_another_one)
{
    add_both("a");
    add(registered, "progress/epoch", H5CKPT_UINT64, 0, NULL);
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_differences(1);
    assert_mentions(error_message(&error), "'progress/epoch': registered, but not stored");
}
END_TEST

START_TEST(the_progress_cannot_be_reached_by_a_rename)
{
    static const char *const names[] = {"progress/epoch", "../progress/epoch", "/progress/epoch", "epoch"};

    add(registered, "e", H5CKPT_UINT64, 0, NULL);
    options.renames = (const struct h5ckpt_rename[]){{names[_i], "e"}};
    options.rename_count = 1;
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
}
END_TEST

/* One difference between a stored and a registered variable "v". */
static const struct {
    h5ckpt_type stored_type;
    int stored_rank;
    const uint64_t *stored_shape;
    h5ckpt_type registered_type;
    int registered_rank;
    const uint64_t *registered_shape;
    const char *expected;
} DIFFERENCES[] = {
    {H5CKPT_FLOAT32, 0, NULL, H5CKPT_FLOAT64, 0, NULL, "'v': stored as float32, registered as float64"},
    {H5CKPT_INT32, 0, NULL, H5CKPT_UINT32, 0, NULL, "'v': stored as int32, registered as uint32"},
    {H5CKPT_INT32, 0, NULL, H5CKPT_FLOAT32, 0, NULL, "'v': stored as int32, registered as float32"},
    {H5CKPT_STRING(3), 0, NULL, H5CKPT_STRING(4), 0, NULL,
     "stored as string of 3 bytes, registered as string of 4 bytes"},
    {H5CKPT_OPAQUE(4), 0, NULL, H5CKPT_STRING(4), 0, NULL,
     "stored as opaque of 4 bytes, registered as string of 4 bytes"},
    {H5CKPT_FLOAT32, 2, SHAPE_2_3, H5CKPT_FLOAT32, 2, SHAPE_3_2,
     "'v': stored with shape [2, 3], registered with [3, 2]"},
    {H5CKPT_FLOAT32, 2, SHAPE_2_3, H5CKPT_FLOAT32, 1, SHAPE_6, "'v': stored with shape [2, 3], registered with [6]"},
    {H5CKPT_FLOAT32, 0, NULL, H5CKPT_FLOAT32, 1, SHAPE_6, "'v': stored with shape scalar, registered with [6]"},
    {H5CKPT_FLOAT32, 1, SHAPE_6, H5CKPT_FLOAT32, 0, NULL, "'v': stored with shape [6], registered with scalar"},
};

START_TEST(a_difference_is_told_with_both_sides)
{
    add_both("common");
    add(saved, "v", DIFFERENCES[_i].stored_type, DIFFERENCES[_i].stored_rank, DIFFERENCES[_i].stored_shape);
    add(registered, "v", DIFFERENCES[_i].registered_type, DIFFERENCES[_i].registered_rank,
        DIFFERENCES[_i].registered_shape);
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_differences(1);
    assert_mentions(error_message(&error), DIFFERENCES[_i].expected);
}
END_TEST

START_TEST(a_scalar_is_not_an_array_of_one_element)
{
    add(saved, "v", H5CKPT_FLOAT32, 0, NULL);
    add(registered, "v", H5CKPT_FLOAT32, 1, (const uint64_t[]){1});
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
}
END_TEST

START_TEST(empty_arrays_of_different_shapes_differ)
{
    add(saved, "v", H5CKPT_FLOAT32, 2, (const uint64_t[]){0, 3});
    add(registered, "v", H5CKPT_FLOAT32, 2, (const uint64_t[]){3, 0});
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_differences(1);
}
END_TEST

START_TEST(another_byte_order_is_a_difference)
{
    add_both("v");
    store();
    enum element_order *order = &stored.entry[0].element.order;
    *order = *order == ELEMENT_ORDER_LITTLE ? ELEMENT_ORDER_BIG : ELEMENT_ORDER_LITTLE;
    assert_status(match_now(), H5CKPT_E_SCHEMA);
    assert_differences(1);
    assert_mentions(error_message(&error), "-endian float32, registered as float32");
}
END_TEST

START_TEST(type_and_shape_of_one_variable_are_two_differences)
{
    add(saved, "v", H5CKPT_FLOAT32, 2, SHAPE_2_3);
    add(registered, "v", H5CKPT_FLOAT64, 1, SHAPE_6);
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_differences(2);
}
END_TEST

START_TEST(a_variable_that_is_not_stored_is_told)
{
    add_both("a");
    add_scalar(registered, "new");
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_differences(1);
    assert_mentions(error_message(&error), "'new': registered, but not stored");
}
END_TEST

START_TEST(a_variable_that_is_not_registered_is_told)
{
    add_both("a");
    add_scalar(saved, "old");
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_differences(1);
    assert_mentions(error_message(&error), "'old': stored, but not registered");
}
END_TEST

START_TEST(all_differences_are_told_at_once)
{
    add_both("common");
    add(saved, "type", H5CKPT_FLOAT32, 0, NULL);
    add(registered, "type", H5CKPT_INT32, 0, NULL);
    add(saved, "shape", H5CKPT_FLOAT32, 2, SHAPE_2_3);
    add(registered, "shape", H5CKPT_FLOAT32, 2, SHAPE_3_2);
    add_scalar(saved, "old");
    add_scalar(registered, "new");
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_differences(4);
    assert_mentions(error_message(&error), "'type': ");
    assert_mentions(error_message(&error), "'shape': ");
    assert_mentions(error_message(&error), "'old': ");
    assert_mentions(error_message(&error), "'new': ");
}
END_TEST

START_TEST(the_list_begins_with_the_slot)
{
    add_scalar(saved, "old");
    add_scalar(registered, "new");
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    ck_assert_int_eq(strncmp(error_message(&error), WHERE, strlen(WHERE)), 0);
    assert_mentions(error_message(&error), "memory and checkpoint are untouched");
}
END_TEST

START_TEST(a_place_as_long_as_a_path_can_be_leaves_the_list_whole)
{
    char where[PATH_MAX];

    memset(where, 'p', sizeof where - 1);
    where[sizeof where - 1] = '\0';
    add_scalar(saved, "old");
    add_scalar(registered, "new");
    store();
    assert_status(match_variables(&match, registered, &stored, &options, where, &error), H5CKPT_E_SCHEMA);
    assert_mentions(error_message(&error), "'new': registered, but not stored");
    assert_mentions(error_message(&error), "'old': stored, but not registered");
}
END_TEST

START_TEST(names_that_begin_alike_are_told_apart)
{
    add_scalar(saved, "layer/w");
    add_scalar(registered, "layer/w2");
    add_both("layer2/w");
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_differences(2);
}
END_TEST

START_TEST(the_longest_names_are_matched)
{
    char name[FORMAT_NAME_BYTES_MAX + 1];

    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    add_both(name);
    assert_status_message(store_and_match(), H5CKPT_OK, error_message(&error));
    ck_assert_uint_eq(match.pair_count, 1);
}
END_TEST

START_TEST(nothing_stored_differs_by_every_registered_variable)
{
    add_scalar(registered, "a");
    add_scalar(registered, "b");
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_differences(2);
}
END_TEST

START_TEST(nothing_registered_differs_by_every_stored_variable)
{
    add_scalar(saved, "a");
    add_scalar(saved, "b");
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_differences(2);
}
END_TEST

/* -------------------------------------------------------------- intersection */

START_TEST(the_intersection_is_what_both_sides_have)
{
    add_both("a");
    add_scalar(saved, "old");
    add_scalar(registered, "new");
    options.match = H5CKPT_INTERSECTION;
    assert_status_message(store_and_match(), H5CKPT_OK, error_message(&error));
    ck_assert_uint_eq(match.pair_count, 1);
    ck_assert_str_eq(stored_name_of("a"), "state/a");
}
END_TEST

START_TEST(in_the_intersection_a_common_variable_must_still_fit)
{
    add_both("a");
    add(saved, "v", H5CKPT_FLOAT32, 2, SHAPE_2_3);
    add(registered, "v", H5CKPT_FLOAT32, 2, SHAPE_3_2);
    add_scalar(registered, "new");
    options.match = H5CKPT_INTERSECTION;
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_differences(1);
    assert_mentions(error_message(&error), "'v': ");
}
END_TEST

START_TEST(an_empty_intersection_is_refused)
{
    add_scalar(saved, "old");
    add_scalar(registered, "new");
    options.match = H5CKPT_INTERSECTION;
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_mentions(error_message(&error), WHERE);
    assert_mentions(error_message(&error), "none in common");
    ck_assert_ptr_null(match.pair);
}
END_TEST

START_TEST(the_intersection_with_no_registered_variable_is_nothing)
{
    add_scalar(saved, "old");
    options.match = H5CKPT_INTERSECTION;
    assert_status_message(store_and_match(), H5CKPT_OK, error_message(&error));
    ck_assert_uint_eq(match.pair_count, 0);
}
END_TEST

/* -------------------------------------------------------------------- rename */

static void rename_to(const struct h5ckpt_rename *renames, size_t rename_count)
{
    options.renames = renames;
    options.rename_count = rename_count;
}

START_TEST(a_renamed_variable_is_found_under_its_stored_name)
{
    static const struct h5ckpt_rename renames[] = {{.stored = "old/w", .registered = "new/w"}};

    add_both("a");
    add_scalar(saved, "old/w");
    add_scalar(registered, "new/w");
    rename_to(renames, 1);
    assert_status_message(store_and_match(), H5CKPT_OK, error_message(&error));
    ck_assert_uint_eq(match.pair_count, 2);
    ck_assert_str_eq(stored_name_of("new/w"), "state/old/w");
}
END_TEST

START_TEST(two_variables_can_swap_their_names)
{
    static const struct h5ckpt_rename renames[] = {{"a", "b"}, {"b", "a"}};

    add_both("a");
    add_both("b");
    rename_to(renames, 2);
    assert_status_message(store_and_match(), H5CKPT_OK, error_message(&error));
    ck_assert_str_eq(stored_name_of("a"), "state/b");
    ck_assert_str_eq(stored_name_of("b"), "state/a");
}
END_TEST

START_TEST(renames_are_not_applied_to_each_other)
{
    static const struct h5ckpt_rename renames[] = {{"a", "b"}, {"b", "c"}};

    add_scalar(saved, "a");
    add_scalar(saved, "b");
    add_scalar(registered, "b");
    add_scalar(registered, "c");
    rename_to(renames, 2);
    assert_status_message(store_and_match(), H5CKPT_OK, error_message(&error));
    ck_assert_str_eq(stored_name_of("b"), "state/a");
    ck_assert_str_eq(stored_name_of("c"), "state/b");
}
END_TEST

START_TEST(a_rename_leaves_the_stored_variable_of_its_own_name_unclaimed)
{
    static const struct h5ckpt_rename renames[] = {{"old", "w"}};

    add_scalar(saved, "old");
    add_both("w");
    rename_to(renames, 1);
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_differences(1);
    assert_mentions(error_message(&error), "'w': stored, but not registered");
}
END_TEST

START_TEST(two_variables_renamed_to_one_stored_variable_both_get_it)
{
    static const struct h5ckpt_rename renames[] = {{"shared", "left"}, {"shared", "right"}};

    add_scalar(saved, "shared");
    add_scalar(registered, "left");
    add_scalar(registered, "right");
    rename_to(renames, 2);
    assert_status_message(store_and_match(), H5CKPT_OK, error_message(&error));
    ck_assert_uint_eq(match.pair_count, 2);
    ck_assert_str_eq(stored_name_of("left"), "state/shared");
    ck_assert_str_eq(stored_name_of("right"), "state/shared");
}
END_TEST

START_TEST(a_stored_variable_that_was_renamed_does_not_fill_its_old_name_as_well)
{
    static const struct h5ckpt_rename renames[] = {{"a", "x"}};

    add_scalar(saved, "a");
    add_scalar(registered, "x");
    add_scalar(registered, "a");
    rename_to(renames, 1);
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_differences(1);
    assert_mentions(error_message(&error), "'a': registered, but not stored");
}
END_TEST

START_TEST(a_renamed_variable_must_still_fit)
{
    static const struct h5ckpt_rename renames[] = {{"old", "new"}};

    add(saved, "old", H5CKPT_FLOAT32, 2, SHAPE_2_3);
    add(registered, "new", H5CKPT_FLOAT32, 2, SHAPE_3_2);
    rename_to(renames, 1);
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_differences(1);
    assert_mentions(error_message(&error), "'new': stored with shape [2, 3]");
}
END_TEST

START_TEST(a_rename_from_a_variable_that_is_not_stored_is_a_difference)
{
    static const struct h5ckpt_rename renames[] = {{"nowhere", "w"}};

    add_both("a");
    add_scalar(registered, "w");
    rename_to(renames, 1);
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_differences(1);
    assert_mentions(error_message(&error), "'w': registered, but not stored");
}
END_TEST

START_TEST(a_rename_to_a_variable_that_is_not_registered_is_refused)
{
    static const struct h5ckpt_rename renames[] = {{"w", "typo"}};

    add_both("w");
    rename_to(renames, 1);
    assert_status(store_and_match(), H5CKPT_E_ARGUMENT);
    assert_mentions(error_message(&error), "typo");
    ck_assert_ptr_null(match.pair);
}
END_TEST

START_TEST(an_unregistered_rename_is_refused_in_the_intersection_too)
{
    static const struct h5ckpt_rename renames[] = {{"w", "w"}, {"w", "typo"}};

    add_both("w");
    rename_to(renames, 2);
    options.match = H5CKPT_INTERSECTION;
    assert_status(store_and_match(), H5CKPT_E_ARGUMENT);
}
END_TEST

START_TEST(a_rename_without_a_name_is_refused)
{
    static const struct h5ckpt_rename renames[][1] = {{{NULL, "w"}}, {{"w", NULL}}, {{NULL, NULL}}};

    add_both("w");
    rename_to(renames[_i], 1);
    assert_status(store_and_match(), H5CKPT_E_ARGUMENT);
    assert_mentions(error_message(&error), "NULL");
}
END_TEST

START_TEST(a_rename_from_a_name_that_is_too_long_is_a_difference)
{
    static char name[10000];
    const struct h5ckpt_rename renames[] = {{name, "w"}};

    memset(name, 'n', sizeof name - 1);
    name[1023 + (size_t)_i] = '\0';
    add_scalar(saved, "a");
    add_scalar(registered, "w");
    rename_to(renames, 1);
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_mentions(error_message(&error), "'w': registered, but not stored");
}
END_TEST

START_TEST(a_rename_of_a_variable_to_itself_changes_nothing)
{
    static const struct h5ckpt_rename renames[] = {{"w", "w"}};

    add_both("w");
    rename_to(renames, 1);
    assert_status(store_and_match(), H5CKPT_OK);
    ck_assert_str_eq(stored_name_of("w"), "state/w");
}
END_TEST

/* -------------------------------------------------------------------- select */

static bool select_weights(void *context, const char *registered_name)
{
    ++*(unsigned *)context;
    return strncmp(registered_name, "weights/", strlen("weights/")) == 0;
}

static bool select_nothing(void *context, const char *registered_name)
{
    (void)context, (void)registered_name;
    return false;
}

START_TEST(only_selected_variables_are_restored)
{
    unsigned asked_count = 0;

    add_both("weights/a");
    add_both("optimizer/a");
    add_both("weights/b");
    options.select = select_weights;
    options.select_context = &asked_count;
    assert_status_message(store_and_match(), H5CKPT_OK, error_message(&error));
    ck_assert_uint_eq(match.pair_count, 2);
    ck_assert_ptr_null(stored_name_of("optimizer/a"));
    ck_assert_uint_eq(asked_count, 3);
}
END_TEST

START_TEST(what_is_not_selected_may_differ)
{
    unsigned asked_count = 0;

    add_both("weights/a");
    add(saved, "optimizer/a", H5CKPT_FLOAT32, 0, NULL);
    add(registered, "optimizer/a", H5CKPT_INT8, 1, SHAPE_6);
    add_scalar(saved, "optimizer/old");
    add_scalar(registered, "optimizer/new");
    options.select = select_weights;
    options.select_context = &asked_count;
    assert_status_message(store_and_match(), H5CKPT_OK, error_message(&error));
    ck_assert_uint_eq(match.pair_count, 1);
}
END_TEST

START_TEST(a_selected_variable_must_be_stored)
{
    unsigned asked_count = 0;

    add_both("weights/a");
    add_scalar(registered, "weights/new");
    options.select = select_weights;
    options.select_context = &asked_count;
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_differences(1);
    assert_mentions(error_message(&error), "'weights/new': registered, but not stored");
}
END_TEST

START_TEST(a_selected_variable_must_fit)
{
    unsigned asked_count = 0;

    add(saved, "weights/a", H5CKPT_FLOAT32, 0, NULL);
    add(registered, "weights/a", H5CKPT_FLOAT64, 0, NULL);
    options.select = select_weights;
    options.select_context = &asked_count;
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_differences(1);
}
END_TEST

START_TEST(select_is_asked_with_the_registered_name_of_a_renamed_variable)
{
    static const struct h5ckpt_rename renames[] = {{"old/a", "weights/a"}};
    unsigned asked_count = 0;

    add_scalar(saved, "old/a");
    add_scalar(registered, "weights/a");
    rename_to(renames, 1);
    options.select = select_weights;
    options.select_context = &asked_count;
    assert_status_message(store_and_match(), H5CKPT_OK, error_message(&error));
    ck_assert_str_eq(stored_name_of("weights/a"), "state/old/a");
}
END_TEST

START_TEST(selecting_nothing_pairs_nothing)
{
    add_both("a");
    options.select = select_nothing;
    store_and_match();
    ck_assert_uint_eq(match.pair_count, 0);
}
END_TEST

/* ------------------------------------------------------------------- convert */

static const struct {
    h5ckpt_type stored;
    h5ckpt_type registered;
    bool is_converted;
} CONVERSIONS[] = {
    {H5CKPT_FLOAT32, H5CKPT_FLOAT64, true},      {H5CKPT_FLOAT64, H5CKPT_FLOAT16, true},
    {H5CKPT_FLOAT64, H5CKPT_LONG_DOUBLE, true},  {H5CKPT_LONG_DOUBLE, H5CKPT_FLOAT32, true},
    {H5CKPT_INT8, H5CKPT_INT64, true},           {H5CKPT_INT64, H5CKPT_UINT8, true},
    {H5CKPT_UINT8, H5CKPT_INT8, true},           {H5CKPT_COMPLEX64, H5CKPT_COMPLEX128, true},
    {H5CKPT_COMPLEX128, H5CKPT_COMPLEX64, true}, {H5CKPT_INT32, H5CKPT_FLOAT32, false},
    {H5CKPT_FLOAT32, H5CKPT_INT32, false},       {H5CKPT_FLOAT64, H5CKPT_COMPLEX128, false},
    {H5CKPT_COMPLEX64, H5CKPT_FLOAT64, false},   {H5CKPT_BOOL, H5CKPT_UINT8, false},
    {H5CKPT_INT8, H5CKPT_BOOL, false},           {H5CKPT_STRING(4), H5CKPT_STRING(8), false},
    {H5CKPT_OPAQUE(4), H5CKPT_OPAQUE(8), false}, {H5CKPT_OPAQUE(4), H5CKPT_INT32, false},
    {H5CKPT_STRING(1), H5CKPT_INT8, false},
};

START_TEST(numbers_of_one_kind_are_converted_where_asked)
{
    add(saved, "v", CONVERSIONS[_i].stored, 1, SHAPE_6);
    add(registered, "v", CONVERSIONS[_i].registered, 1, SHAPE_6);
    options.convert = H5CKPT_CONVERT;
    assert_status(store_and_match(), CONVERSIONS[_i].is_converted ? H5CKPT_OK : H5CKPT_E_SCHEMA);
}
END_TEST

START_TEST(no_type_is_converted_unasked)
{
    add(saved, "v", CONVERSIONS[_i].stored, 1, SHAPE_6);
    add(registered, "v", CONVERSIONS[_i].registered, 1, SHAPE_6);
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
}
END_TEST

START_TEST(a_converted_variable_must_have_the_same_shape)
{
    add(saved, "v", H5CKPT_FLOAT32, 2, SHAPE_2_3);
    add(registered, "v", H5CKPT_FLOAT64, 1, SHAPE_6);
    options.convert = H5CKPT_CONVERT;
    assert_status(store_and_match(), H5CKPT_E_SCHEMA);
    assert_differences(1);
    assert_mentions(error_message(&error), "shape");
}
END_TEST

START_TEST(the_same_type_of_any_class_needs_no_conversion)
{
    options.convert = H5CKPT_CONVERT;
    add(saved, "v", CONVERSIONS[_i].stored, 1, SHAPE_6);
    add(registered, "v", CONVERSIONS[_i].stored, 1, SHAPE_6);
    assert_status_message(store_and_match(), H5CKPT_OK, error_message(&error));
}
END_TEST

/* ---------------------------------------------------------------------- many */

static void add_many(h5ckpt_state *state, const char *format)
{
    char name[NAME_BYTES];

    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, format, i);
        add_scalar(state, name);
    }
}

/* Whether that takes seconds or minutes is for a profiler; the case's time limit only ends what never would. */
START_TEST(a_hundred_thousand_variables_are_matched)
{
    add_many(saved, "layer%d/weights");
    add_many(registered, "layer%d/weights");
    store();
    assert_status(match_now(), H5CKPT_OK);
    ck_assert_uint_eq(match.pair_count, MANY);
}
END_TEST

START_TEST(a_hundred_thousand_differences_on_either_side_are_listed)
{
    add_many(saved, "old%d");
    add_many(registered, "new%d");
    store();
    assert_status(match_now(), H5CKPT_E_SCHEMA);
    assert_differences(2 * (size_t)MANY);
    assert_mentions(error_message(&error), "'old99999': stored, but not registered");
    assert_mentions(error_message(&error), "'new99999': registered, but not stored");
}
END_TEST

START_TEST(ten_thousand_renames_are_applied)
{
    enum { RENAME_COUNT = 10000 };
    struct h5ckpt_rename *renames = calloc(RENAME_COUNT, sizeof *renames);
    char(*names)[2][NAME_BYTES] = calloc(RENAME_COUNT, sizeof *names);

    ck_assert(renames != NULL && names != NULL);
    for (int i = 0; i < RENAME_COUNT; i++) {
        snprintf(names[i][0], NAME_BYTES, "model/encoder/old%d", i);
        snprintf(names[i][1], NAME_BYTES, "model/encoder/new%d", i);
        add_scalar(saved, names[i][0]);
        add_scalar(registered, names[i][1]);
        renames[i] = (struct h5ckpt_rename){names[i][0], names[i][1]};
    }
    rename_to(renames, RENAME_COUNT);
    store();
    assert_status(match_now(), H5CKPT_OK);
    ck_assert_uint_eq(match.pair_count, RENAME_COUNT);
    free(renames);
    free(names);
}
END_TEST

/* -------------------------------------------------------------------- memory */

START_TEST(without_memory_a_match_is_refused_as_such_and_leaks_nothing)
{
    add_both("a");
    add_both("b");
    store();
    for (long fail_in = 1;; fail_in++) {
        const long live_before = malloc_live_count;

        malloc_fail_in = fail_in;
        const h5ckpt_status status = match_now();
        const bool failed = malloc_fail_in == 0;
        malloc_fail_in = 0;
        if (!failed) {
            assert_status(status, H5CKPT_OK);
            ck_assert_int_gt(fail_in, 2);
            return;
        }
        assert_status(status, H5CKPT_E_MEMORY);
        ck_assert_ptr_null(match.pair);
        error_clear(&error);
        ck_assert_int_eq(malloc_live_count, live_before);
    }
}
END_TEST

static Suite *match_suite(void)
{
    Suite *suite = suite_create("match");
    TCase *exact = tcase_create("exact");
    TCase *intersection = tcase_create("intersection");
    TCase *rename = tcase_create("rename");
    TCase *select = tcase_create("select");
    TCase *convert = tcase_create("convert");
    TCase *many = tcase_create("many");

    tcase_set_timeout(exact, 60);
    tcase_add_checked_fixture(exact, setup, teardown);
    tcase_add_test(exact, the_same_variables_are_paired);
    tcase_add_test(exact, the_order_does_not_matter);
    tcase_add_test(exact, a_match_has_no_message);
    tcase_add_test(exact, no_variables_on_either_side_match);
    tcase_add_test(exact, a_slot_without_any_entry_matches_a_state_without_variables);
    tcase_add_test(exact, progress_is_not_matched);
    tcase_add_test(exact, a_variable_called_like_the_progress_is_another_one);
    tcase_add_loop_test(exact, the_progress_cannot_be_reached_by_a_rename, 0, 4);
    tcase_add_loop_test(exact, a_difference_is_told_with_both_sides, 0, COUNT(DIFFERENCES));
    tcase_add_test(exact, a_scalar_is_not_an_array_of_one_element);
    tcase_add_test(exact, empty_arrays_of_different_shapes_differ);
    tcase_add_test(exact, another_byte_order_is_a_difference);
    tcase_add_test(exact, type_and_shape_of_one_variable_are_two_differences);
    tcase_add_test(exact, a_variable_that_is_not_stored_is_told);
    tcase_add_test(exact, a_variable_that_is_not_registered_is_told);
    tcase_add_test(exact, all_differences_are_told_at_once);
    tcase_add_test(exact, the_list_begins_with_the_slot);
    tcase_add_test(exact, a_place_as_long_as_a_path_can_be_leaves_the_list_whole);
    tcase_add_test(exact, names_that_begin_alike_are_told_apart);
    tcase_add_test(exact, the_longest_names_are_matched);
    tcase_add_test(exact, nothing_stored_differs_by_every_registered_variable);
    tcase_add_test(exact, nothing_registered_differs_by_every_stored_variable);
    suite_add_tcase(suite, exact);

    tcase_set_timeout(intersection, 60);
    tcase_add_checked_fixture(intersection, setup, teardown);
    tcase_add_test(intersection, the_intersection_is_what_both_sides_have);
    tcase_add_test(intersection, in_the_intersection_a_common_variable_must_still_fit);
    tcase_add_test(intersection, an_empty_intersection_is_refused);
    tcase_add_test(intersection, the_intersection_with_no_registered_variable_is_nothing);
    suite_add_tcase(suite, intersection);

    tcase_set_timeout(rename, 60);
    tcase_add_checked_fixture(rename, setup, teardown);
    tcase_add_test(rename, a_renamed_variable_is_found_under_its_stored_name);
    tcase_add_test(rename, two_variables_can_swap_their_names);
    tcase_add_test(rename, renames_are_not_applied_to_each_other);
    tcase_add_test(rename, a_rename_leaves_the_stored_variable_of_its_own_name_unclaimed);
    tcase_add_test(rename, two_variables_renamed_to_one_stored_variable_both_get_it);
    tcase_add_test(rename, a_stored_variable_that_was_renamed_does_not_fill_its_old_name_as_well);
    tcase_add_test(rename, a_renamed_variable_must_still_fit);
    tcase_add_test(rename, a_rename_from_a_variable_that_is_not_stored_is_a_difference);
    tcase_add_test(rename, a_rename_to_a_variable_that_is_not_registered_is_refused);
    tcase_add_test(rename, an_unregistered_rename_is_refused_in_the_intersection_too);
    tcase_add_loop_test(rename, a_rename_without_a_name_is_refused, 0, 3);
    tcase_add_loop_test(rename, a_rename_from_a_name_that_is_too_long_is_a_difference, 0, 3);
    tcase_add_test(rename, a_rename_of_a_variable_to_itself_changes_nothing);
    suite_add_tcase(suite, rename);

    tcase_set_timeout(select, 60);
    tcase_add_checked_fixture(select, setup, teardown);
    tcase_add_test(select, only_selected_variables_are_restored);
    tcase_add_test(select, what_is_not_selected_may_differ);
    tcase_add_test(select, a_selected_variable_must_be_stored);
    tcase_add_test(select, a_selected_variable_must_fit);
    tcase_add_test(select, select_is_asked_with_the_registered_name_of_a_renamed_variable);
    tcase_add_test(select, selecting_nothing_pairs_nothing);
    suite_add_tcase(suite, select);

    tcase_set_timeout(convert, 60);
    tcase_add_checked_fixture(convert, setup, teardown);
    tcase_add_loop_test(convert, numbers_of_one_kind_are_converted_where_asked, 0, COUNT(CONVERSIONS));
    tcase_add_loop_test(convert, no_type_is_converted_unasked, 0, COUNT(CONVERSIONS));
    tcase_add_test(convert, a_converted_variable_must_have_the_same_shape);
    tcase_add_loop_test(convert, the_same_type_of_any_class_needs_no_conversion, 0, COUNT(CONVERSIONS));
    suite_add_tcase(suite, convert);

    tcase_set_timeout(many, 120);
    tcase_add_checked_fixture(many, setup, teardown);
    tcase_add_test(many, a_hundred_thousand_variables_are_matched);
    tcase_add_test(many, a_hundred_thousand_differences_on_either_side_are_listed);
    tcase_add_test(many, ten_thousand_renames_are_applied);
    if (malloc_is_ours())
        tcase_add_test(many, without_memory_a_match_is_refused_as_such_and_leaks_nothing);
    suite_add_tcase(suite, many);
    return suite;
}

int main(void)
{
    return suite_run(match_suite());
}
