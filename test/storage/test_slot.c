/* SPDX-License-Identifier: MIT */
/* What is said of a slot. */
#include <check.h>
#include <string.h>

#include "storage/slot.h"
#include "support/suite.h"

static const struct directory DIRECTORY = {.descriptor = -1, .path = "/data/run"};

static const char *reason_of(const char *message)
{
    static struct slot slot;

    slot = (struct slot){.name = "slot-a.h5"};
    slot_set_reason(&slot, &DIRECTORY, message);
    return slot.reason;
}

START_TEST(the_directory_and_the_slot_itself_are_not_named)
{
    ck_assert_str_eq(reason_of("'/data/run/slot-a.h5': block 7 is damaged"), "block 7 is damaged");
    ck_assert_str_eq(reason_of("'/data/run/slot-b.h5' is newer"), "'slot-b.h5' is newer");
    ck_assert_str_eq(reason_of("block 7 is damaged"), "block 7 is damaged");
}
END_TEST

START_TEST(a_longer_path_that_begins_so_is_named_whole)
{
    ck_assert_str_eq(reason_of("'/data/run-2' is another"), "'/data/run-2' is another");
}
END_TEST

/* _i: bytes of a character that are in front of where it is cut */
START_TEST(a_reason_that_is_too_long_is_cut_at_a_character)
{
    static const char CHARACTER[] = "\xe2\x82\xac", CUT[] = "…";
    char message[3 * H5CKPT_REASON_BYTES] = "xx";

    message[_i] = '\0';
    for (size_t i = strlen(message); i + sizeof CHARACTER < sizeof message; i += strlen(CHARACTER))
        strcat(message, CHARACTER);
    const char *reason = reason_of(message);
    const size_t length = strlen(reason) - strlen(CUT);
    ck_assert_uint_lt(strlen(reason), H5CKPT_REASON_BYTES);
    ck_assert_uint_gt(strlen(reason), H5CKPT_REASON_BYTES - 8);
    ck_assert_str_eq(reason + length, CUT);
    ck_assert_mem_eq(reason, message, length);
    ck_assert_uint_eq((length - (size_t)_i) % strlen(CHARACTER), 0);
}
END_TEST

START_TEST(of_a_reason_without_a_character_nothing_but_the_cut_is_left)
{
    char message[2 * H5CKPT_REASON_BYTES];

    memset(message, 0x80, sizeof message - 1);
    message[sizeof message - 1] = '\0';
    ck_assert_str_eq(reason_of(message), "…");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slot");
    TCase *tcase = tcase_create("reason");

    tcase_add_test(tcase, the_directory_and_the_slot_itself_are_not_named);
    tcase_add_test(tcase, a_longer_path_that_begins_so_is_named_whole);
    tcase_add_loop_test(tcase, a_reason_that_is_too_long_is_cut_at_a_character, 0, 3);
    tcase_add_test(tcase, of_a_reason_without_a_character_nothing_but_the_cut_is_left);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
