/* SPDX-License-Identifier: MIT */
/*
 * assert_h5ckpt: libcheck assertions that speak of statuses and messages.
 */
#ifndef TEST_ASSERT_H5CKPT_H
#define TEST_ASSERT_H5CKPT_H

#include <check.h>
#include <string.h>

#include "h5ckpt.h"

/* `expression` gives the status `expected`. */
#define assert_status(expression, expected) assert_status_message(expression, expected, "")

/* As assert_status(); a failure also shows `message`, which is evaluated after `expression`. */
#define assert_status_message(expression, expected, message)                                                         \
    do {                                                                                                             \
        h5ckpt_status actual_ = (expression);                                                                        \
        h5ckpt_status expected_ = (expected);                                                                        \
        ck_assert_msg(actual_ == expected_, "%s gave %s (%d), not %s: %s", #expression, h5ckpt_status_name(actual_), \
                      (int)actual_, h5ckpt_status_name(expected_), (message));                                       \
    } while (0)

/* `message` contains `text`. */
#define assert_mentions(message, text)                                                                     \
    do {                                                                                                   \
        const char *message_ = (message);                                                                  \
        const char *text_ = (text);                                                                        \
        ck_assert_msg(strstr(message_, text_) != NULL, "\"%s\" does not mention \"%s\"", message_, text_); \
    } while (0)

#endif
