/* SPDX-License-Identifier: MIT */
/*
 * sanitizer: is this AddressSanitizer's build? Its shadow takes terabytes of addresses, so there memory is limited by
 * itself.
 */
#ifndef TEST_HOSTILE_SANITIZER_H
#define TEST_HOSTILE_SANITIZER_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ADDRESS_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(HAVE_ADDRESS_SANITIZER)
#define HAVE_ADDRESS_SANITIZER 1
#endif

#endif
