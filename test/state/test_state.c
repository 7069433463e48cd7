/* SPDX-License-Identifier: MIT */
#include <search.h>
#include <stdio.h>
#include <stdlib.h>

#include "format.h"
#include "state/state.h"
#include "support/assert_h5ckpt.h"
#include "support/fail_malloc.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define assert_add(name, expected) assert_status_message(add(name), expected, h5ckpt_state_message(state))

enum { MANY = 100000, NAME_BYTES = 64 };

static h5ckpt_state *state;
static struct error error;
static float weights[6];
static const uint64_t SHAPE[] = {2, 3};

static void setup(void)
{
    state = h5ckpt_state_new();
    ck_assert_ptr_nonnull(state);
    error = ERROR_NONE;
}

static void teardown(void)
{
    h5ckpt_state_free(state);
    error_clear(&error);
}

static h5ckpt_status add(const char *name)
{
    return h5ckpt_add(state, name, H5CKPT_FLOAT32, 2, SHAPE, weights);
}

static int get_nothing(void *context, void *bytes, size_t byte_count)
{
    (void)context, (void)bytes, (void)byte_count;
    return 0;
}

static int put_nothing(void *context, const void *bytes, size_t byte_count)
{
    (void)context, (void)bytes, (void)byte_count;
    return 0;
}

static const struct h5ckpt_access ACCESS = {.get = get_nothing, .put = put_nothing, .context = &error};

/* ---------------------------------------------------------------- successes */

START_TEST(a_new_state_has_no_variables_and_no_message)
{
    ck_assert_uint_eq(state->variable_count, 0);
    ck_assert_uint_eq(state->byte_count, 0);
    ck_assert_str_eq(h5ckpt_state_message(state), "");
}
END_TEST

START_TEST(freeing_no_state_is_allowed)
{
    h5ckpt_state_free(NULL);
}
END_TEST

START_TEST(a_variable_is_kept_as_it_was_described)
{
    assert_add("layer/weights", H5CKPT_OK);
    ck_assert_uint_eq(state->variable_count, 1);
    ck_assert_str_eq(state->entry[0].name, "state/layer/weights");
    ck_assert_int_eq(state->entry[0].element.class, ELEMENT_FLOAT);
    ck_assert_uint_eq(state->entry[0].element.byte_count, 4);
    ck_assert_uint_eq(state->entry[0].rank, 2);
    ck_assert_mem_eq(state->entry[0].shape, SHAPE, sizeof SHAPE);
    ck_assert_uint_eq(state->entry[0].byte_count, sizeof weights);
    ck_assert_int_eq(state->variable[0].source, VARIABLE_POINTER);
    ck_assert_ptr_eq(state->variable[0].memory, weights);
}
END_TEST

START_TEST(the_name_and_the_shape_are_copied)
{
    char name[] = "weights";
    uint64_t shape[] = {2, 3};

    assert_status(h5ckpt_add(state, name, H5CKPT_FLOAT32, 2, shape, weights), H5CKPT_OK);
    memset(name, 'x', sizeof name - 1);
    memset(shape, 0, sizeof shape);
    ck_assert_str_eq(state->entry[0].name, "state/weights");
    ck_assert_mem_eq(state->entry[0].shape, SHAPE, sizeof SHAPE);
}
END_TEST

START_TEST(variables_keep_the_order_in_which_they_were_added)
{
    static const char *const names[] = {"z", "a", "m/z", "m/a", "b"};

    for (size_t i = 0; i < COUNT(names); i++)
        assert_add(names[i], H5CKPT_OK);
    ck_assert_uint_eq(state->variable_count, COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++)
        ck_assert_str_eq(state->entry[i].name + strlen("state/"), names[i]);
}
END_TEST

START_TEST(the_state_sums_the_bytes_of_its_variables)
{
    double scalar = 0;

    assert_add("weights", H5CKPT_OK);
    assert_status(h5ckpt_add(state, "scalar", H5CKPT_FLOAT64, 0, NULL, &scalar), H5CKPT_OK);
    assert_status(h5ckpt_add(state, "empty", H5CKPT_FLOAT64, 1, (const uint64_t[]){0}, NULL), H5CKPT_OK);
    ck_assert_uint_eq(state->byte_count, sizeof weights + sizeof scalar);
}
END_TEST

START_TEST(a_scalar_needs_no_shape)
{
    int64_t epoch = 7;

    assert_status(h5ckpt_add(state, "epoch", H5CKPT_INT64, 0, NULL, &epoch), H5CKPT_OK);
    ck_assert_uint_eq(state->entry[0].rank, 0);
    ck_assert_uint_eq(state->entry[0].byte_count, 8);
}
END_TEST

static const h5ckpt_type TYPES[] = {
    H5CKPT_INT8,
    H5CKPT_INT16,
    H5CKPT_INT32,
    H5CKPT_INT64,
    H5CKPT_UINT8,
    H5CKPT_UINT16,
    H5CKPT_UINT32,
    H5CKPT_UINT64,
    H5CKPT_FLOAT16,
    H5CKPT_FLOAT32,
    H5CKPT_FLOAT64,
    H5CKPT_LONG_DOUBLE,
    H5CKPT_BOOL,
    H5CKPT_COMPLEX64,
    H5CKPT_COMPLEX128,
    H5CKPT_OPAQUE(1),
    H5CKPT_OPAQUE(16777215),
    H5CKPT_STRING(16),
    H5CKPT_STRING(16777215),
};

START_TEST(variables_of_every_type_are_taken)
{
    h5ckpt_type type = TYPES[_i];

    assert_status_message(h5ckpt_add(state, "x", type, 1, (const uint64_t[]){3}, weights), H5CKPT_OK,
                          h5ckpt_state_message(state));
    ck_assert_uint_eq(state->entry[0].byte_count, 3 * (uint64_t)(type & 0xffffff));
}
END_TEST

START_TEST(a_name_of_1023_bytes_is_taken_and_one_of_1024_is_not)
{
    char name[1025];

    memset(name, 'n', sizeof name);
    name[1024] = '\0';
    assert_add(name + 1, H5CKPT_OK);
    ck_assert_uint_eq(strlen(state->entry[0].name), strlen("state/") + 1023);
    assert_status(schema_check_path(state->entry[0].name, &error), H5CKPT_OK);
    assert_add(name, H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_state_message(state), "the name is longer than 1023 bytes");
}
END_TEST

START_TEST(rank_32_is_taken_and_33_is_not)
{
    uint64_t shape[33];

    for (size_t i = 0; i < COUNT(shape); i++)
        shape[i] = 1;
    assert_status(h5ckpt_add(state, "x32", H5CKPT_INT8, 32, shape, weights), H5CKPT_OK);
    assert_status(h5ckpt_add(state, "x33", H5CKPT_INT8, 33, shape, weights), H5CKPT_E_ARGUMENT);
    ck_assert_str_eq(h5ckpt_state_message(state), "variable 'x33': the rank is 33, at most 32 is possible");
}
END_TEST

/* ----------------------------------------------------------------- refusals */

static h5ckpt_status add_shaped(h5ckpt_type type, int rank, const uint64_t *shape)
{
    return h5ckpt_add(state, "x", type, rank, shape, weights);
}

START_TEST(no_state_is_an_argument_error)
{
    void *memory = weights;

    assert_status(h5ckpt_add(NULL, "x", H5CKPT_INT8, 0, NULL, weights), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_add_indirect(NULL, "x", H5CKPT_INT8, 0, NULL, &memory), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_add_access(NULL, "x", H5CKPT_INT8, 0, NULL, &ACCESS), H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_state_message(NULL), "NULL");
}
END_TEST

START_TEST(no_name_is_an_argument_error)
{
    assert_add(NULL, H5CKPT_E_ARGUMENT);
    ck_assert_str_eq(h5ckpt_state_message(state), "a variable was added without a name (NULL)");
}
END_TEST

START_TEST(a_bad_name_is_refused)
{
    assert_add("a//b", H5CKPT_E_ARGUMENT);
    ck_assert_str_eq(h5ckpt_state_message(state), "variable 'a//b': the name has an empty part");
}
END_TEST

START_TEST(a_name_that_is_no_utf8_is_refused_by_a_message_that_is)
{
    assert_add("a\xff", H5CKPT_E_ARGUMENT);
    ck_assert_str_eq(h5ckpt_state_message(state), "variable 'a\\xff': the name is not valid UTF-8");
}
END_TEST

START_TEST(a_bad_type_is_refused)
{
    assert_status(add_shaped(0x01000003, 0, NULL), H5CKPT_E_ARGUMENT);
    ck_assert_str_eq(h5ckpt_state_message(state), "variable 'x': 0x01000003 is not an element type");
}
END_TEST

START_TEST(a_negative_rank_is_refused)
{
    assert_status(add_shaped(H5CKPT_INT8, -1, SHAPE), H5CKPT_E_ARGUMENT);
    ck_assert_str_eq(h5ckpt_state_message(state), "variable 'x': the rank is -1, at least 0 is needed");
}
END_TEST

START_TEST(the_lowest_and_highest_int_are_no_ranks)
{
    assert_status(add_shaped(H5CKPT_INT8, INT32_MIN, SHAPE), H5CKPT_E_ARGUMENT);
    assert_status(add_shaped(H5CKPT_INT8, INT32_MAX, SHAPE), H5CKPT_E_ARGUMENT);
}
END_TEST

START_TEST(a_missing_shape_is_refused)
{
    assert_status(add_shaped(H5CKPT_INT8, 1, NULL), H5CKPT_E_ARGUMENT);
    ck_assert_str_eq(h5ckpt_state_message(state), "variable 'x': the rank is 1, but the shape is NULL");
}
END_TEST

START_TEST(a_shape_that_overflows_is_refused)
{
    assert_status(add_shaped(H5CKPT_FLOAT64, 2, (const uint64_t[]){UINT64_C(1) << 32, UINT64_C(1) << 29}),
                  H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_state_message(state),
                    "variable 'x': [4294967296, 536870912] elements of 8 bytes are too large");
}
END_TEST

START_TEST(no_memory_is_refused_for_an_array_with_elements)
{
    assert_status(h5ckpt_add(state, "x", H5CKPT_INT8, 0, NULL, NULL), H5CKPT_E_ARGUMENT);
    ck_assert_str_eq(h5ckpt_state_message(state), "variable 'x': its memory is NULL");
}
END_TEST

START_TEST(no_memory_is_taken_for_an_array_without_elements)
{
    assert_status(h5ckpt_add(state, "x", H5CKPT_INT8, 2, (const uint64_t[]){5, 0}, NULL), H5CKPT_OK);
    ck_assert_uint_eq(state->entry[0].byte_count, 0);
    ck_assert_uint_eq(state->entry[0].shape[0], 5);
}
END_TEST

START_TEST(no_address_of_a_pointer_is_refused_even_without_elements)
{
    assert_status(h5ckpt_add_indirect(state, "x", H5CKPT_INT8, 1, (const uint64_t[]){0}, NULL), H5CKPT_E_ARGUMENT);
    ck_assert_str_eq(h5ckpt_state_message(state), "variable 'x': the address of its pointer is NULL");
}
END_TEST

START_TEST(access_needs_both_functions)
{
    const struct h5ckpt_access access[] = {{.get = get_nothing}, {.put = put_nothing}, {.context = weights}};

    for (size_t i = 0; i < COUNT(access); i++)
        assert_status(h5ckpt_add_access(state, "x", H5CKPT_INT8, 0, NULL, &access[i]), H5CKPT_E_ARGUMENT);
    assert_status(h5ckpt_add_access(state, "x", H5CKPT_INT8, 0, NULL, NULL), H5CKPT_E_ARGUMENT);
    ck_assert_str_eq(h5ckpt_state_message(state), "variable 'x': a get and a put function are both needed");
}
END_TEST

START_TEST(one_variable_more_than_the_format_holds_is_refused)
{
    size_t count;

    assert_add("x", H5CKPT_OK);
    count = state->variable_count;
    state->variable_count = FORMAT_VARIABLE_COUNT_MAX;
    assert_add("y", H5CKPT_E_ARGUMENT);
    state->variable_count = count;
    ck_assert_str_eq(h5ckpt_state_message(state),
                     "variable 'y': there are 16777216 variables already, the most possible");
}
END_TEST

START_TEST(variables_beyond_the_largest_file_are_refused)
{
    const uint64_t shape[] = {FORMAT_VARIABLE_BYTES_MAX};

    for (char name[] = "a"; name[0] <= 'd'; name[0]++)
        assert_status(h5ckpt_add_access(state, name, H5CKPT_INT8, 1, shape, &ACCESS), H5CKPT_OK);
    ck_assert_uint_eq(state->byte_count, FORMAT_FILE_BYTES_MAX);
    assert_status(h5ckpt_add_access(state, "e", H5CKPT_INT8, 0, NULL, &ACCESS), H5CKPT_E_ARGUMENT);
    ck_assert_str_eq(h5ckpt_state_message(state), "variable 'e': with it, all variables are too large for one file");
}
END_TEST

/* --------------------------------------------------------------- collisions */

static const struct {
    const char *first;
    const char *second;
    const char *said; /* NULL: both are taken */
} PAIRS[] = {
    {"a", "a", "variable 'a': there is a variable of this name already"},
    {"a/b", "a/b", "variable 'a/b': there is a variable of this name already"},
    {"a", "a/b", "variable 'a/b': 'a' is a variable, so it cannot be a group"},
    {"a/b", "a", "variable 'a': the name is a group, that of variable 'a/b'"},
    {"a", "a/b/c/d", "variable 'a/b/c/d': 'a' is a variable, so it cannot be a group"},
    {"a/b/c/d", "a", "variable 'a': the name is a group, that of variable 'a/b/c/d'"},
    {"a/b", "a/b/c/d", "variable 'a/b/c/d': 'a/b' is a variable, so it cannot be a group"},
    {"a/b/c/d", "a/b", "variable 'a/b': the name is a group, that of variable 'a/b/c/d'"},
    {"a/b", "a/c", NULL},
    {"a", "ab", NULL},
    {"ab", "a", NULL},
    {"a", "b/a", NULL},
    {"b/a", "a", NULL},
    {"a", "A", NULL},
    {"a", "a ", NULL},
    {"a-b", "a/b", NULL}, /* '-' sorts before '/' */
    {"a/b", "a-b", NULL},
    {"a.b", "a/b", NULL},
    {"a0", "a/0", NULL}, /* '0' sorts after '/' */
    {"a/b/c", "a/bc", NULL},
    {"state", "state/a", "variable 'state/a': 'state' is a variable, so it cannot be a group"},
};

START_TEST(two_names_collide_only_if_equal_or_group_and_member)
{
    assert_add(PAIRS[_i].first, H5CKPT_OK);
    assert_add(PAIRS[_i].second, PAIRS[_i].said == NULL ? H5CKPT_OK : H5CKPT_E_ARGUMENT);
    ck_assert_str_eq(h5ckpt_state_message(state), PAIRS[_i].said == NULL ? "" : PAIRS[_i].said);
}
END_TEST

START_TEST(a_message_about_two_long_names_still_says_why)
{
    char name[1024];

    memset(name, 'n', sizeof name);
    name[1023] = '\0';
    name[1021] = '/';
    assert_add(name, H5CKPT_OK);
    name[1021] = '\0';
    assert_add(name, H5CKPT_E_ARGUMENT);
    assert_mentions(h5ckpt_state_message(state), "…': the name is a group, that of variable 'nnn");
}
END_TEST

/* Walk every set of up to three names over a small alphabet of paths, against a naive rule. */
static const char *const PATHS[] = {"a", "b", "a/a", "a/b", "a/a/a", "a/b/a", "b/a", "b/a/b", "aa", "a/aa"};

static bool collide(const char *a, const char *b)
{
    size_t a_length = strlen(a);
    size_t b_length = strlen(b);
    size_t shorter = a_length < b_length ? a_length : b_length;

    if (strncmp(a, b, shorter) != 0)
        return false;
    return a_length == b_length || (a_length < b_length ? b[shorter] : a[shorter]) == '/';
}

START_TEST(any_three_names_are_taken_or_refused_as_the_rule_says)
{
    size_t n = COUNT(PATHS);

    for (size_t code = 0; code < n * n * n; code++) {
        const char *name[] = {PATHS[code / n / n], PATHS[code / n % n], PATHS[code % n]};
        const char *taken[3];
        size_t taken_count = 0;

        for (size_t i = 0; i < COUNT(name); i++) {
            bool is_free = true;

            for (size_t j = 0; j < taken_count; j++)
                is_free = is_free && !collide(name[i], taken[j]);
            ck_assert_msg(add(name[i]) == (is_free ? H5CKPT_OK : H5CKPT_E_ARGUMENT), "'%s', '%s', '%s': number %zu",
                          name[0], name[1], name[2], i);
            if (is_free)
                taken[taken_count++] = name[i];
        }
        ck_assert_uint_eq(state->variable_count, taken_count);
        teardown();
        setup();
    }
}
END_TEST

/* ------------------------------------------------------------ after failures */

START_TEST(a_failed_add_leaves_the_variables_as_they_were)
{
    const struct schema_entry *entry;

    assert_add("a/b", H5CKPT_OK);
    entry = &state->entry[0];
    assert_add("a", H5CKPT_E_ARGUMENT);
    assert_add("a/b/c", H5CKPT_E_ARGUMENT);
    ck_assert_uint_eq(state->variable_count, 1);
    ck_assert_uint_eq(state->byte_count, sizeof weights);
    ck_assert_ptr_eq(&state->entry[0], entry);
    ck_assert_str_eq(entry->name, "state/a/b");
}
END_TEST

START_TEST(a_failed_add_leaves_its_name_free)
{
    assert_status(h5ckpt_add(state, "new/group/x", H5CKPT_INT8, 0, NULL, NULL), H5CKPT_E_ARGUMENT);
    assert_add("new/group", H5CKPT_OK); /* neither a variable nor a group of this name was left */
}
END_TEST

START_TEST(adding_goes_on_after_a_failure)
{
    assert_add("a", H5CKPT_OK);
    assert_add("a", H5CKPT_E_ARGUMENT);
    assert_add("b", H5CKPT_OK);
    ck_assert_uint_eq(state->variable_count, 2);
}
END_TEST

START_TEST(the_first_failure_is_the_one_kept)
{
    assert_add("a", H5CKPT_OK);
    assert_add("a//b", H5CKPT_E_ARGUMENT);
    assert_add("a", H5CKPT_E_ARGUMENT);
    assert_add("b", H5CKPT_OK);
    ck_assert_int_eq(state->first_error.status, H5CKPT_E_ARGUMENT);
    ck_assert_str_eq(h5ckpt_state_message(state), "variable 'a//b': the name has an empty part");
}
END_TEST

START_TEST(the_message_stays_where_it_is)
{
    const char *message;

    assert_add("a//b", H5CKPT_E_ARGUMENT);
    message = h5ckpt_state_message(state);
    for (int i = 0; i < 100; i++) {
        char name[NAME_BYTES];

        snprintf(name, sizeof name, "v%d", i / 2); /* every other one fails */
        add(name);
    }
    ck_assert_ptr_eq(h5ckpt_state_message(state), message);
    ck_assert_str_eq(message, "variable 'a//b': the name has an empty part");
}
END_TEST

/* ------------------------------------------------------------ out of memory */

static size_t path_count;

static void path_count_visit(const void *node, VISIT visit, int depth)
{
    (void)node, (void)depth;
    path_count += visit == postorder || visit == leaf;
}

static size_t count_paths(void)
{
    path_count = 0;
    twalk(state->path_tree, path_count_visit);
    return path_count;
}

/* A state whose arrays are full, so that the next add needs every kind of allocation. */
static void fill(void)
{
    char name[NAME_BYTES];

    do {
        snprintf(name, sizeof name, "g/v%zu", state->variable_count);
        assert_add(name, H5CKPT_OK);
    } while (state->variable_count < state->variable_capacity);
}

/* Add with its allocation number `which` failing; false if it has no such allocation. */
static bool add_fails_without_memory(const char *name, long which)
{
    h5ckpt_status status;

    malloc_fail_in = which;
    status = add(name);
    if (malloc_fail_in > 0) {
        malloc_fail_in = 0;
        assert_status_message(status, H5CKPT_OK, h5ckpt_state_message(state));
        return false;
    }
    assert_status(status, H5CKPT_E_MEMORY);
    return true;
}

/* Two arrays, the name, the shape; a node of ours and one of tsearch's for each of three paths. */
enum { ALLOCATION_COUNT = 4 + 2 * 3 };

START_TEST(an_add_that_runs_out_of_memory_anywhere_changes_nothing)
{
    size_t count;
    size_t paths;

    fill();
    count = state->variable_count;
    paths = count_paths();
    ck_assert(add_fails_without_memory("g/new/deep/x", _i));
    ck_assert_uint_eq(state->variable_count, count);
    ck_assert_uint_eq(state->byte_count, count * sizeof weights);
    ck_assert_uint_eq(count_paths(), paths);
    ck_assert_str_eq(h5ckpt_state_message(state), "variable 'g/new/deep/x': out of memory");
}
END_TEST

START_TEST(an_add_that_ran_out_of_memory_can_be_repeated)
{
    size_t paths;

    fill();
    paths = count_paths();
    ck_assert(add_fails_without_memory("g/new/deep/x", _i));
    assert_add("g/new/deep/x", H5CKPT_OK);
    ck_assert_uint_eq(count_paths(), paths + 3);
}
END_TEST

START_TEST(a_name_that_ran_out_of_memory_takes_no_other_name)
{
    fill();
    ck_assert(add_fails_without_memory("g/new/deep/x", _i));
    assert_add("g/new", H5CKPT_OK);
}
END_TEST

START_TEST(running_out_of_memory_leaks_none)
{
    long live_count;

    teardown();
    live_count = malloc_live_count;
    setup();
    fill();
    ck_assert(add_fails_without_memory("g/new/deep/x", _i));
    teardown();
    ck_assert_int_eq(malloc_live_count, live_count);
    setup();
}
END_TEST

START_TEST(an_add_makes_no_more_allocations_than_were_failed)
{
    fill();
    ck_assert(!add_fails_without_memory("g/new/deep/x", ALLOCATION_COUNT + 1));
}
END_TEST

START_TEST(no_memory_for_a_state_gives_no_state)
{
    h5ckpt_state *none;

    malloc_fail_in = 1;
    none = h5ckpt_state_new();
    malloc_fail_in = 0;
    ck_assert_ptr_null(none);
}
END_TEST

/* ------------------------------------------------------------------- memory */

START_TEST(the_memory_of_a_pointer_is_the_pointer)
{
    void *memory = NULL;

    assert_add("x", H5CKPT_OK);
    assert_status(state_memory(state, 0, &memory, &error), H5CKPT_OK);
    ck_assert_ptr_eq(memory, weights);
}
END_TEST

START_TEST(the_memory_behind_a_pointer_is_looked_up_each_time)
{
    float other[6];
    void *pointer = NULL; /* not there yet when it is registered */
    void *memory;

    assert_status(h5ckpt_add_indirect(state, "x", H5CKPT_FLOAT32, 2, SHAPE, &pointer), H5CKPT_OK);
    pointer = weights;
    assert_status(state_memory(state, 0, &memory, &error), H5CKPT_OK);
    ck_assert_ptr_eq(memory, weights);
    pointer = other;
    assert_status(state_memory(state, 0, &memory, &error), H5CKPT_OK);
    ck_assert_ptr_eq(memory, other);
}
END_TEST

START_TEST(a_pointer_that_is_null_when_needed_is_named)
{
    void *pointer = NULL;
    void *memory = weights;

    assert_status(h5ckpt_add_indirect(state, "a/x", H5CKPT_FLOAT32, 2, SHAPE, &pointer), H5CKPT_OK);
    assert_status(state_memory(state, 0, &memory, &error), H5CKPT_E_ARGUMENT);
    ck_assert_ptr_null(memory);
    ck_assert_str_eq(error_message(&error), "variable 'a/x': the program's pointer to it is NULL");
}
END_TEST

START_TEST(a_variable_without_bytes_has_no_memory)
{
    const uint64_t shape[] = {0};
    void *pointer = weights;
    void *memory;

    assert_status(h5ckpt_add(state, "a", H5CKPT_FLOAT32, 1, shape, weights), H5CKPT_OK);
    assert_status(h5ckpt_add_indirect(state, "b", H5CKPT_FLOAT32, 1, shape, &pointer), H5CKPT_OK);
    assert_status(h5ckpt_add_access(state, "c", H5CKPT_FLOAT32, 1, shape, &ACCESS), H5CKPT_OK);
    for (size_t i = 0; i < 3; i++) {
        memory = weights;
        assert_status(state_memory(state, i, &memory, &error), H5CKPT_OK);
        ck_assert_ptr_null(memory);
    }
}
END_TEST

START_TEST(a_null_pointer_to_an_array_without_bytes_is_no_error)
{
    void *pointer = NULL;
    void *memory = weights;

    assert_status(h5ckpt_add_indirect(state, "x", H5CKPT_FLOAT32, 1, (const uint64_t[]){0}, &pointer), H5CKPT_OK);
    assert_status(state_memory(state, 0, &memory, &error), H5CKPT_OK);
    ck_assert_ptr_null(memory);
}
END_TEST

START_TEST(access_functions_are_copied_and_have_no_memory)
{
    struct h5ckpt_access access = ACCESS;
    void *memory = weights;

    assert_status(h5ckpt_add_access(state, "x", H5CKPT_FLOAT32, 2, SHAPE, &access), H5CKPT_OK);
    memset(&access, 0, sizeof access);
    ck_assert_int_eq(state->variable[0].source, VARIABLE_ACCESS);
    ck_assert(state->variable[0].access.get == get_nothing);
    ck_assert(state->variable[0].access.put == put_nothing);
    ck_assert_ptr_eq(state->variable[0].access.context, &error);
    assert_status(state_memory(state, 0, &memory, &error), H5CKPT_OK);
    ck_assert_ptr_null(memory);
}
END_TEST

/* --------------------------------------------------------------------- many */

static void add_many(const char *format)
{
    char name[NAME_BYTES];

    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, format, i, i);
        if (add(name) != H5CKPT_OK)
            ck_abort_msg("%s: %s", name, h5ckpt_state_message(state));
    }
}

/* In order (a plain tree would become a list), with long common beginnings, and each with a group of its own. */
static const char *const FORMATS[] = {
    "v%06u",
    "model/encoder/dropout_%u/rng",
    "%u/%u",
};

START_TEST(a_hundred_thousand_variables_are_added)
{
    add_many(FORMATS[_i]);
    ck_assert_uint_eq(state->variable_count, MANY);
    ck_assert_uint_eq(state->byte_count, MANY * sizeof weights);
}
END_TEST

START_TEST(among_a_hundred_thousand_variables_a_collision_is_found)
{
    add_many("%u/%u");
    assert_add("77777", H5CKPT_E_ARGUMENT);
    assert_add("77777/77777", H5CKPT_E_ARGUMENT);
    assert_add("77777/77777/x", H5CKPT_E_ARGUMENT);
    assert_add("77777/x", H5CKPT_OK);
    ck_assert_str_eq(h5ckpt_state_message(state),
                     "variable '77777': the name is a group, that of variable '77777/77777'");
}
END_TEST

static void add_success_tests(Suite *suite)
{
    TCase *tests = tcase_create("success");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_new_state_has_no_variables_and_no_message);
    tcase_add_test(tests, freeing_no_state_is_allowed);
    tcase_add_test(tests, a_variable_is_kept_as_it_was_described);
    tcase_add_test(tests, the_name_and_the_shape_are_copied);
    tcase_add_test(tests, variables_keep_the_order_in_which_they_were_added);
    tcase_add_test(tests, the_state_sums_the_bytes_of_its_variables);
    tcase_add_test(tests, a_scalar_needs_no_shape);
    tcase_add_loop_test(tests, variables_of_every_type_are_taken, 0, COUNT(TYPES));
    tcase_add_test(tests, a_name_of_1023_bytes_is_taken_and_one_of_1024_is_not);
    tcase_add_test(tests, rank_32_is_taken_and_33_is_not);
    suite_add_tcase(suite, tests);
}

static void add_refusal_tests(Suite *suite)
{
    TCase *tests = tcase_create("refusal");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, no_state_is_an_argument_error);
    tcase_add_test(tests, no_name_is_an_argument_error);
    tcase_add_test(tests, a_bad_name_is_refused);
    tcase_add_test(tests, a_name_that_is_no_utf8_is_refused_by_a_message_that_is);
    tcase_add_test(tests, a_bad_type_is_refused);
    tcase_add_test(tests, a_negative_rank_is_refused);
    tcase_add_test(tests, the_lowest_and_highest_int_are_no_ranks);
    tcase_add_test(tests, a_missing_shape_is_refused);
    tcase_add_test(tests, a_shape_that_overflows_is_refused);
    tcase_add_test(tests, no_memory_is_refused_for_an_array_with_elements);
    tcase_add_test(tests, no_memory_is_taken_for_an_array_without_elements);
    tcase_add_test(tests, no_address_of_a_pointer_is_refused_even_without_elements);
    tcase_add_test(tests, access_needs_both_functions);
    tcase_add_test(tests, one_variable_more_than_the_format_holds_is_refused);
    tcase_add_test(tests, variables_beyond_the_largest_file_are_refused);
    tcase_add_loop_test(tests, two_names_collide_only_if_equal_or_group_and_member, 0, COUNT(PAIRS));
    tcase_add_test(tests, a_message_about_two_long_names_still_says_why);
    tcase_add_test(tests, any_three_names_are_taken_or_refused_as_the_rule_says);
    suite_add_tcase(suite, tests);
}

static void add_failure_tests(Suite *suite)
{
    TCase *tests = tcase_create("after a failure");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_failed_add_leaves_the_variables_as_they_were);
    tcase_add_test(tests, a_failed_add_leaves_its_name_free);
    tcase_add_test(tests, adding_goes_on_after_a_failure);
    tcase_add_test(tests, the_first_failure_is_the_one_kept);
    tcase_add_test(tests, the_message_stays_where_it_is);
    suite_add_tcase(suite, tests);
}

static void add_out_of_memory_tests(Suite *suite)
{
    TCase *tests = tcase_create("out of memory");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, an_add_that_runs_out_of_memory_anywhere_changes_nothing, 1, ALLOCATION_COUNT + 1);
    tcase_add_loop_test(tests, an_add_that_ran_out_of_memory_can_be_repeated, 1, ALLOCATION_COUNT + 1);
    tcase_add_loop_test(tests, a_name_that_ran_out_of_memory_takes_no_other_name, 1, ALLOCATION_COUNT + 1);
    tcase_add_loop_test(tests, running_out_of_memory_leaks_none, 1, ALLOCATION_COUNT + 1);
    tcase_add_test(tests, an_add_makes_no_more_allocations_than_were_failed);
    tcase_add_test(tests, no_memory_for_a_state_gives_no_state);
    suite_add_tcase(suite, tests);
}

static void add_memory_tests(Suite *suite)
{
    TCase *tests = tcase_create("memory");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_memory_of_a_pointer_is_the_pointer);
    tcase_add_test(tests, the_memory_behind_a_pointer_is_looked_up_each_time);
    tcase_add_test(tests, a_pointer_that_is_null_when_needed_is_named);
    tcase_add_test(tests, a_variable_without_bytes_has_no_memory);
    tcase_add_test(tests, a_null_pointer_to_an_array_without_bytes_is_no_error);
    tcase_add_test(tests, access_functions_are_copied_and_have_no_memory);
    suite_add_tcase(suite, tests);
}

static void add_many_tests(Suite *suite)
{
    TCase *tests = tcase_create("many");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_hundred_thousand_variables_are_added, 0, COUNT(FORMATS));
    tcase_add_test(tests, among_a_hundred_thousand_variables_a_collision_is_found);
    suite_add_tcase(suite, tests);
}

int main(void)
{
    Suite *suite = suite_create("state");

    add_success_tests(suite);
    add_refusal_tests(suite);
    add_failure_tests(suite);
    if (malloc_is_ours())
        add_out_of_memory_tests(suite);
    add_memory_tests(suite);
    add_many_tests(suite);
    return suite_run(suite);
}
