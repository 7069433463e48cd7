/* SPDX-License-Identifier: MIT */
/*
 * Staging memory, and copying out of it by a team.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "recovery/staging.h"
#include "support/assert_h5ckpt.h"
#include "support/suite.h"

enum { ALIGN_BYTES = 16 };

START_TEST(pieces_are_aligned_for_any_element_and_lie_one_behind_the_other)
{
    static const uint64_t BYTES[] = {1, 16, 0, 17, 8};
    struct staging staging = STAGING_NONE;
    struct error error = ERROR_NONE;
    unsigned char *end = NULL;

    for (size_t i = 0; i < sizeof BYTES / sizeof *BYTES; i++)
        staging_plan(&staging, BYTES[i]);
    assert_status(staging_make(&staging, &error), H5CKPT_OK);
    for (size_t i = 0; i < sizeof BYTES / sizeof *BYTES; i++) {
        unsigned char *piece = staging_take(&staging, BYTES[i]);
        ck_assert_uint_eq((uintptr_t)piece % ALIGN_BYTES, 0);
        ck_assert(end == NULL || piece >= end);
        memset(piece, 1, BYTES[i]); /* the sanitizers watch */
        end = piece + BYTES[i];
    }
    staging_free(&staging);
}
END_TEST

START_TEST(more_memory_than_there_can_be_is_said_to_be_missing)
{
    struct staging staging = STAGING_NONE;
    struct error error = ERROR_NONE;

    staging_plan(&staging, UINT64_MAX / 2);
    assert_status(staging_make(&staging, &error), H5CKPT_E_MEMORY);
    staging_free(&staging);
    staging.byte_count = UINT64_MAX; /* and one byte more would be none */
    assert_status(staging_make(&staging, &error), H5CKPT_E_MEMORY);
    staging_free(&staging);
    error_clear(&error);
}
END_TEST

/* Sizes about those of a member's share, so that copies begin and end within one, at its edge, and span several. */
START_TEST(everything_is_copied_once_however_it_is_cut)
{
    enum { COPIES_MAX = 10, MIB = 1 << 20, BYTES_MAX = 48 * MIB };
    static const size_t BYTES[] = {0, 1, 4 * MIB - 1, 4 * MIB, 1, 4 * MIB + 1, 20 * MIB, 7, 0, 3};
    const size_t copy_count = (size_t)_i < sizeof BYTES / sizeof *BYTES ? (size_t)_i : sizeof BYTES / sizeof *BYTES;
    struct staging_copy copy[COPIES_MAX] = {{0}};
    unsigned char *from = malloc(BYTES_MAX);
    unsigned char *to = calloc(1, BYTES_MAX);
    size_t at = 0;

    for (size_t i = 0; i < BYTES_MAX; i++)
        from[i] = (unsigned char)(i % 251 + 1);
    for (size_t i = 0; i < copy_count; at += BYTES[i], i++)
        copy[i] = (struct staging_copy){to + at, from + at, BYTES[i]};
    staging_deliver(copy, copy_count, STAGING_ANY_ORDER);
    ck_assert_mem_eq(to, from, at);
    ck_assert_uint_eq(to[at], 0);
    free(from);
    free(to);
}
END_TEST

/* Then a share is larger than the smallest. */
START_TEST(what_would_be_too_many_shares_is_copied_once_as_well)
{
    enum { BYTES = (64 << 20) + 12345 };
    unsigned char *from = malloc(BYTES);
    unsigned char *to = calloc(1, BYTES + 1);

    for (size_t i = 0; i < BYTES; i++)
        from[i] = (unsigned char)(i % 251 + 1);
    staging_deliver(&(struct staging_copy){to, from, BYTES}, 1, STAGING_ANY_ORDER);
    ck_assert_mem_eq(to, from, BYTES);
    ck_assert_uint_eq(to[BYTES], 0);
    free(from);
    free(to);
}
END_TEST

START_TEST(where_places_overlap_the_last_copy_wins)
{
    enum { BYTES = 12 << 20 };
    unsigned char *from = malloc(2 * BYTES);
    unsigned char *to = malloc(BYTES + BYTES / 2);

    memset(from, 1, BYTES);
    memset(from + BYTES, 2, BYTES);
    staging_deliver((const struct staging_copy[]){{to, from, BYTES}, {to + BYTES / 2, from + BYTES, BYTES}}, 2,
                    STAGING_ASCENDING);
    ck_assert_mem_eq(to, from, BYTES / 2);
    ck_assert_mem_eq(to + BYTES / 2, from + BYTES, BYTES);
    free(from);
    free(to);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("staging");
    TCase *tcase = tcase_create("staging");

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, pieces_are_aligned_for_any_element_and_lie_one_behind_the_other);
    tcase_add_test(tcase, more_memory_than_there_can_be_is_said_to_be_missing);
    tcase_add_loop_test(tcase, everything_is_copied_once_however_it_is_cut, 0, 11);
    tcase_add_test(tcase, what_would_be_too_many_shares_is_copied_once_as_well);
    tcase_add_test(tcase, where_places_overlap_the_last_copy_wins);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
