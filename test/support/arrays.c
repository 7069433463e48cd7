/* SPDX-License-Identifier: MIT */
#include "support/arrays.h"

#include <string.h>
#include <sys/mman.h>

#include "support/assert_h5ckpt.h"
#include "support/fixture.h"

static const char *const NAME[ARRAYS_COUNT_MAX] = {"alpha", "beta", "gamma", "delta", "epsilon", "zeta"};

static size_t mapped_bytes(size_t byte_count)
{
    return (byte_count + ARRAYS_PAGE_BYTES - 1) / ARRAYS_PAGE_BYTES * ARRAYS_PAGE_BYTES;
}

void arrays_make(struct arrays *arrays, const size_t *byte_count)
{
    memset(arrays, 0, sizeof *arrays);
    arrays->state = h5ckpt_state_new();
    for (; byte_count[arrays->count] != 0; arrays->count++) {
        const unsigned i = arrays->count;
        const size_t bytes = byte_count[i];
        const bool words = bytes % 8 == 0;
        ck_assert_uint_lt(i, ARRAYS_COUNT_MAX);
        arrays->item[i].name = NAME[i];
        arrays->item[i].byte_count = bytes;
        arrays->item[i].element_bytes = words ? 8 : 1;
        arrays->item[i].bytes =
            mmap(NULL, mapped_bytes(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(arrays->item[i].bytes, MAP_FAILED);
        h5ckpt_add(arrays->state, NAME[i], words ? H5CKPT_FLOAT64 : H5CKPT_UINT8, 1,
                   (const uint64_t[]){words ? bytes / 8 : bytes}, arrays->item[i].bytes);
    }
    ck_assert_str_eq(h5ckpt_state_message(arrays->state), "");
}

void arrays_make_like(struct arrays *arrays, const struct arrays *other)
{
    size_t byte_count[ARRAYS_COUNT_MAX + 1] = {0};

    for (unsigned i = 0; i < other->count; i++)
        byte_count[i] = other->item[i].byte_count;
    arrays_make(arrays, byte_count);
}

void arrays_free(struct arrays *arrays)
{
    h5ckpt_state_free(arrays->state);
    for (unsigned i = 0; i < arrays->count; i++)
        ck_assert_int_eq(munmap(arrays->item[i].bytes, mapped_bytes(arrays->item[i].byte_count)), 0);
    memset(arrays, 0, sizeof *arrays);
}

/* Every word of every state differs from its neighbours and from itself in another state. */
static uint64_t word_of(uint64_t number, unsigned item, size_t index)
{
    uint64_t word = (number << 44) + ((uint64_t)item << 40) + index + 1;

    word *= UINT64_C(0x9e3779b97f4a7c15);
    return word ^ word >> 29;
}

/* Page `page` of an array of state `number`. */
static void make_page(unsigned char page_bytes[ARRAYS_PAGE_BYTES], uint64_t number, unsigned item, size_t page)
{
    uint64_t word[ARRAYS_PAGE_BYTES / sizeof(uint64_t)];

    for (size_t i = 0; i < ARRAYS_PAGE_BYTES / sizeof *word; i++)
        word[i] = word_of(number, item, page * ARRAYS_PAGE_BYTES + i);
    memcpy(page_bytes, word, sizeof word);
}

static size_t page_bytes_at(size_t byte_count, size_t at)
{
    return byte_count - at < ARRAYS_PAGE_BYTES ? byte_count - at : ARRAYS_PAGE_BYTES;
}

void arrays_fill(struct arrays *arrays, uint64_t number)
{
    unsigned char page[ARRAYS_PAGE_BYTES];

    for (unsigned i = 0; i < arrays->count; i++) {
        const size_t byte_count = arrays->item[i].byte_count;
        for (size_t at = 0; at < byte_count; at += ARRAYS_PAGE_BYTES) {
            make_page(page, number, i, at / ARRAYS_PAGE_BYTES);
            memcpy(arrays->item[i].bytes + at, page, page_bytes_at(byte_count, at));
        }
    }
}

void arrays_spoil(struct arrays *arrays)
{
    for (unsigned i = 0; i < arrays->count; i++)
        memset(arrays->item[i].bytes, 0xee, arrays->item[i].byte_count);
}

bool arrays_are(const struct arrays *arrays, uint64_t number)
{
    unsigned char page[ARRAYS_PAGE_BYTES];

    for (unsigned i = 0; i < arrays->count; i++) {
        const size_t byte_count = arrays->item[i].byte_count;
        for (size_t at = 0; at < byte_count; at += ARRAYS_PAGE_BYTES) {
            make_page(page, number, i, at / ARRAYS_PAGE_BYTES);
            if (memcmp(arrays->item[i].bytes + at, page, page_bytes_at(byte_count, at)) != 0)
                return false;
        }
    }
    return true;
}

void arrays_copy(struct arrays *to, const struct arrays *from)
{
    ck_assert_uint_eq(to->count, from->count);
    for (unsigned i = 0; i < from->count; i++)
        memcpy(to->item[i].bytes, from->item[i].bytes, from->item[i].byte_count);
}

bool arrays_equal(const struct arrays *a, const struct arrays *b)
{
    ck_assert_uint_eq(a->count, b->count);
    for (unsigned i = 0; i < a->count; i++)
        if (memcmp(a->item[i].bytes, b->item[i].bytes, a->item[i].byte_count) != 0)
            return false;
    return true;
}

size_t arrays_byte_count(const struct arrays *arrays)
{
    size_t byte_count = 0;

    for (unsigned i = 0; i < arrays->count; i++)
        byte_count += arrays->item[i].byte_count;
    return byte_count;
}

static void protect(struct arrays *arrays, int protection)
{
    for (unsigned i = 0; i < arrays->count; i++)
        ck_assert_int_eq(mprotect(arrays->item[i].bytes, mapped_bytes(arrays->item[i].byte_count), protection), 0);
}

void arrays_forbid(struct arrays *arrays)
{
    protect(arrays, PROT_NONE);
}

void arrays_allow(struct arrays *arrays)
{
    protect(arrays, PROT_READ | PROT_WRITE);
}

h5ckpt_status arrays_restore(struct arrays *arrays, enum h5ckpt_which which, struct h5ckpt_progress *progress)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    struct h5ckpt_restore_options restore = h5ckpt_restore_options_default();
    h5ckpt_store *store;

    options.mode = H5CKPT_READ_ONLY;
    restore.which = which;
    arrays_spoil(arrays);
    assert_status_message(h5ckpt_open(&store, fixture_backup, arrays->state, &options), H5CKPT_OK,
                          h5ckpt_message(store));
    h5ckpt_status status = h5ckpt_restore(store, &restore, NULL);
    *progress = h5ckpt_progress(store);
    h5ckpt_close(store);
    return status;
}
