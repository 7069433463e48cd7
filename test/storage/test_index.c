/* SPDX-License-Identifier: MIT */
/*
 * test_index: the variable index against the table in docs/format.md 2.2, and against hostile bytes: whatever they
 * are, decoding gives a schema that keeps every rule, or refuses.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "storage/index.h"
#include "support/assert_h5ckpt.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { FILE_END = 1 << 20, PREFIX_BYTES = sizeof "state/" - 1 };

static struct error error;
static struct index index_;
static unsigned char *bytes;
static size_t byte_count;

static void setup(void)
{
    error = ERROR_NONE;
    index_ = INDEX_NONE;
    bytes = NULL;
    byte_count = 0;
}

static void teardown(void)
{
    index_free(&index_);
    error_clear(&error);
    free(bytes);
    bytes = NULL;
}

static struct schema_entry entry_of(const char *name, struct element element, unsigned rank, const uint64_t *shape)
{
    uint64_t total = element.byte_count;

    for (unsigned i = 0; i < rank; i++)
        total *= shape[i];
    return (struct schema_entry){name, element, rank, shape, total};
}

static const struct element INT8 = {ELEMENT_INT, ELEMENT_ORDER_NONE, ELEMENT_FORMAT_NONE, 1};
static const struct element FLOAT32 = {ELEMENT_FLOAT, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 4};

static void encode(const struct schema_entry *entry, size_t entry_count, const uint64_t *offset)
{
    const struct schema schema = {entry, entry_count};

    free(bytes);
    assert_status_message(index_encode(&schema, offset, &bytes, &byte_count, &error), H5CKPT_OK, error_message(&error));
}

/* Decode exactly the first `length` bytes, in memory of exactly that size, so that ASan sees any byte too far. */
static h5ckpt_status decode_cut(size_t length, uint64_t index_offset)
{
    unsigned char *exact = malloc(length == 0 ? 1 : length);
    h5ckpt_status status;

    ck_assert_ptr_nonnull(exact);
    memcpy(exact, bytes, length);
    index_free(&index_);
    error_clear(&error);
    status = index_decode(&index_, length == 0 ? exact + 1 : exact, length, index_offset, &error);
    free(exact);
    return status;
}

static h5ckpt_status decode(void)
{
    return decode_cut(byte_count, FILE_END);
}

/* Everything that docs/format.md 2.2 says of one entry, in other words than the decoder's. */
static bool entry_holds(const struct schema_entry *entry, uint64_t offset, uint64_t index_offset)
{
    uint64_t total = entry->element.byte_count;
    bool empty = false;

    if (schema_check_path(entry->name, &error) < 0 || !element_is_known(&entry->element) || entry->rank > 32)
        return false;
    for (unsigned i = 0; i < entry->rank; i++)
        empty |= entry->shape[i] == 0;
    for (unsigned i = 0; i < entry->rank && !empty; i++)
        if (__builtin_mul_overflow(total, entry->shape[i], &total))
            return false;
    if (empty)
        return entry->byte_count == 0 && offset == 0;
    return entry->byte_count == total && offset >= 4096 && offset <= index_offset && total <= index_offset - offset;
}

static void assert_refused_or_valid(h5ckpt_status status, uint64_t index_offset)
{
    if (status == H5CKPT_E_DAMAGED)
        return;
    assert_status_message(status, H5CKPT_OK, error_message(&error));
    for (size_t i = 0; i < index_.entry_count; i++)
        ck_assert_msg(entry_holds(&index_.entry[i], index_.offset[i], index_offset), "entry %zu, '%s'", i,
                      index_.entry[i].name);
}

static void put(size_t at, size_t count, uint64_t value)
{
    ck_assert_uint_le(at + count, byte_count);
    for (size_t i = 0; i < count; i++)
        bytes[at + i] = (unsigned char)(value >> (8 * i));
}

/* ------------------------------------------------------------------ byte map */

static const unsigned char EXPECTED[] = {
    'H',  '5',  'C',  'K', 'I', 'D', 'X', '1', /* 0: magic */
    3,    0,    0,    0,   0,   0,   0,   0,   /* 8: number of entries */
    0x00, 0x20, 0,    0,   0,   0,   0,   0,   /* entry 0: file offset 8192 */
    0x00, 0x60, 0,    0,   0,   0,   0,   0,   /* + 8: byte count 24576 = 4 x 3 x 2048 */
    4,    0,    0,    0,                       /* + 16: element size */
    3,    1,    0,    2,                       /* + 20: float, little-endian, no long double, rank 2 */
    7,    0,                                   /* + 24: name length */
    0,    0,    0,    0,   0,   0,             /* + 26: zero */
    3,    0,    0,    0,   0,   0,   0,   0,   /* + 32: shape, slowest first */
    0x00, 0x08, 0,    0,   0,   0,   0,   0,   /* + 40 */
    's',  't',  'a',  't', 'e', '/', 'w', 0,   /* + 48: name, zeros to a multiple of 8 */
    0,    0,    0,    0,   0,   0,   0,   0,   /* entry 1: no bytes, so no offset */
    0,    0,    0,    0,   0,   0,   0,   0,   /* its byte count */
    16,   0,    0,    0,                       /* element size */
    4,    2,    3,    1,                       /* long double, big-endian, binary128, rank 1 */
    8,    0,                                   /* a name that needs no zeros */
    0,    0,    0,    0,   0,   0,             /* zero */
    0,    0,    0,    0,   0,   0,   0,   0,   /* shape: 0 */
    's',  't',  'a',  't', 'e', '/', 'a', 'b', /* name */
    0xf8, 0xff, 0x0e, 0,   0,   0,   0,   0,   /* entry 2: file offset 983032 */
    8,    0,    0,    0,   0,   0,   0,   0,   /* byte count */
    8,    0,    0,    0,                       /* element size */
    2,    1,    0,    0,                       /* uint, little-endian, scalar */
    14,   0,                                   /* name length */
    0,    0,    0,    0,   0,   0,             /* zero */
    'p',  'r',  'o',  'g', 'r', 'e', 's', 's', /* name */
    '/',  'e',  'p',  'o', 'c', 'h', 0,   0,   /* and two zeros */
};

static const uint64_t SHAPE_3_2048[] = {3, 2048};
static const uint64_t SHAPE_0[] = {0};
static const uint64_t SHAPE_1[] = {1};
static const uint64_t SAMPLE_OFFSET[] = {8192, 0, 983032};
static const struct schema_entry SAMPLE[] = {
    {"state/w", {ELEMENT_FLOAT, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 4}, 2, SHAPE_3_2048, 24576},
    {"state/ab", {ELEMENT_LONG_DOUBLE, ELEMENT_ORDER_BIG, ELEMENT_FORMAT_BINARY128, 16}, 1, SHAPE_0, 0},
    {"progress/epoch", {ELEMENT_UINT, ELEMENT_ORDER_LITTLE, ELEMENT_FORMAT_NONE, 8}, 0, NULL, 8},
};

enum { /* in the sample, by hand */
       ENTRY_0 = 16,
       SHAPE_0_AT = 48,
       NAME_0 = 64,
       ENTRY_1 = 72,
       NAME_1 = 112,
       ENTRY_2 = 120,
       NAME_2 = 152,
       SAMPLE_BYTES = 168,
};

START_TEST(the_sample_is_encoded_byte_for_byte_as_the_format_says)
{
    encode(SAMPLE, COUNT(SAMPLE), SAMPLE_OFFSET);
    ck_assert_uint_eq(sizeof EXPECTED, SAMPLE_BYTES);
    ck_assert_uint_eq(byte_count, SAMPLE_BYTES);
    ck_assert_mem_eq(bytes, EXPECTED, SAMPLE_BYTES);
}
END_TEST

START_TEST(without_offsets_every_file_offset_is_0)
{
    encode(SAMPLE, COUNT(SAMPLE), NULL);
    unsigned char expected[SAMPLE_BYTES];

    memcpy(expected, EXPECTED, sizeof expected);
    memset(expected + ENTRY_0, 0, 8);
    memset(expected + ENTRY_1, 0, 8);
    memset(expected + ENTRY_2, 0, 8);
    ck_assert_uint_eq(byte_count, SAMPLE_BYTES);
    ck_assert_mem_eq(bytes, expected, SAMPLE_BYTES);
}
END_TEST

START_TEST(bytes_written_by_hand_decode_to_the_sample)
{
    encode(SAMPLE, COUNT(SAMPLE), SAMPLE_OFFSET);
    memcpy(bytes, EXPECTED, SAMPLE_BYTES);
    assert_status_message(decode(), H5CKPT_OK, error_message(&error));
    ck_assert_uint_eq(index_.entry_count, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert(schema_entry_equal(&index_.entry[i], &SAMPLE[i]));
        ck_assert_uint_eq(index_.entry[i].byte_count, SAMPLE[i].byte_count);
        ck_assert_uint_eq(index_.offset[i], SAMPLE_OFFSET[i]);
    }
}
END_TEST

START_TEST(an_index_of_nothing_is_its_header)
{
    static const unsigned char expected[16] = "H5CKIDX1";

    encode(NULL, 0, NULL);
    ck_assert_uint_eq(byte_count, 16);
    ck_assert_mem_eq(bytes, expected, 16);
    assert_status_message(decode(), H5CKPT_OK, error_message(&error));
    ck_assert_uint_eq(index_.entry_count, 0);
}
END_TEST

START_TEST(freeing_no_index_is_allowed)
{
    index_free(&index_);
    index_free(&index_);
}
END_TEST

/* ---------------------------------------------------------------- round trip */

static void assert_comes_back(const struct schema_entry *entry, size_t entry_count, const uint64_t *offset)
{
    encode(entry, entry_count, offset);
    ck_assert_uint_eq(byte_count % 8, 0);
    assert_status_message(decode_cut(byte_count, FORMAT_FILE_BYTES_MAX), H5CKPT_OK, error_message(&error));
    ck_assert_uint_eq(index_.entry_count, entry_count);
    for (size_t i = 0; i < entry_count; i++) {
        ck_assert(schema_entry_equal(&index_.entry[i], &entry[i]));
        ck_assert_uint_eq(index_.entry[i].byte_count, entry[i].byte_count);
        ck_assert_uint_eq(index_.offset[i], offset[i]);
    }
}

static void assert_one_comes_back(struct schema_entry entry)
{
    const uint64_t offset = entry.byte_count == 0 ? 0 : 4096;

    assert_comes_back(&entry, 1, &offset);
}

START_TEST(every_element_that_the_format_knows_comes_back)
{
    unsigned known_count = 0;

    for (unsigned class = 0; class < 16; class ++)
        for (unsigned order = 0; order < 4; order++)
            for (unsigned format = 0; format < 8; format++)
                for (uint32_t size = 0; size <= 33; size++) {
                    struct element element = {class, order, format, size};

                    if (!element_is_known(&element))
                        continue;
                    assert_one_comes_back(entry_of("state/x", element, 1, (const uint64_t[]){3}));
                    known_count++;
                }
    ck_assert_uint_gt(known_count, 50);
}
END_TEST

START_TEST(every_element_that_the_format_does_not_know_is_refused)
{
    for (unsigned class = 0; class < 256; class ++)
        for (unsigned order = 0; order < 4; order++)
            for (unsigned format = 0; format < 8; format++) {
                struct element element = {class, order, format, 4};

                encode((const struct schema_entry[]){{"state/x", FLOAT32, 0, NULL, 4}}, 1, (const uint64_t[]){4096});
                put(16 + 20, 1, class);
                put(16 + 21, 1, order);
                put(16 + 22, 1, format);
                assert_status(decode(), element_is_known(&element) ? H5CKPT_OK : H5CKPT_E_DAMAGED);
            }
}
END_TEST

START_TEST(a_scalar_comes_back)
{
    assert_one_comes_back(entry_of("state/s", FLOAT32, 0, NULL));
}
END_TEST

START_TEST(an_empty_variable_comes_back)
{
    assert_one_comes_back(entry_of("state/e", FLOAT32, 3, (const uint64_t[]){7, 0, 9}));
}
END_TEST

START_TEST(a_variable_of_rank_32_comes_back)
{
    uint64_t shape[32];

    for (unsigned i = 0; i < 32; i++)
        shape[i] = 1 + i % 2;
    assert_one_comes_back(entry_of("state/r", INT8, 32, shape));
}
END_TEST

START_TEST(the_largest_variable_comes_back)
{
    assert_one_comes_back(entry_of("state/l", INT8, 1, (const uint64_t[]){UINT64_C(1) << 60}));
}
END_TEST

START_TEST(a_name_of_every_length_comes_back)
{
    static const char *const groups[] = {"state/", "settings/", "progress/", "history/"};
    char name[16 + FORMAT_NAME_BYTES_MAX + 1];

    for (size_t g = 0; g < COUNT(groups); g++)
        for (size_t length = 1; length <= 1023; length++) {
            strcpy(name, groups[g]);
            memset(name + strlen(groups[g]), 'n', length);
            name[strlen(groups[g]) + length] = '\0';
            assert_one_comes_back(entry_of(name, INT8, 0, NULL));
        }
}
END_TEST

START_TEST(a_utf8_name_comes_back)
{
    assert_one_comes_back(entry_of("state/Gewichte/Ä/重み/🦉 x", FLOAT32, 0, NULL));
}
END_TEST

START_TEST(entries_keep_their_order)
{
    const struct schema_entry entry[] = {
        entry_of("state/z", INT8, 0, NULL),         entry_of("state/a/b", FLOAT32, 0, NULL),
        entry_of("history/loss", FLOAT32, 0, NULL), entry_of("state/a/a", INT8, 1, (const uint64_t[]){5}),
        entry_of("progress/step", INT8, 0, NULL),
    };

    assert_comes_back(entry, COUNT(entry), (const uint64_t[]){9000, 5000, 4096, 20000, 4200});
}
END_TEST

START_TEST(names_and_shapes_outlive_the_bytes)
{
    encode(SAMPLE, COUNT(SAMPLE), SAMPLE_OFFSET);
    assert_status(decode(), H5CKPT_OK);
    memset(bytes, 0xff, byte_count);
    ck_assert_str_eq(index_.entry[0].name, "state/w");
    ck_assert_uint_eq(index_.entry[0].shape[1], 2048);
}
END_TEST

START_TEST(a_hundred_thousand_entries_come_back)
{
    enum { MANY = 100000 };
    struct schema_entry *entry = calloc(MANY, sizeof *entry);
    uint64_t *offset = calloc(MANY, sizeof *offset);
    char(*name)[24] = calloc(MANY, sizeof *name);

    ck_assert(entry != NULL && offset != NULL && name != NULL);
    for (size_t i = 0; i < MANY; i++) {
        snprintf(name[i], sizeof name[i], "state/layer%zu/w", i);
        entry[i] = entry_of(name[i], FLOAT32, 1, SHAPE_1);
        offset[i] = 4096 + 4 * i;
    }
    encode(entry, MANY, offset);
    assert_status_message(decode(), H5CKPT_OK, error_message(&error));
    ck_assert_uint_eq(index_.entry_count, MANY);
    ck_assert_str_eq(index_.entry[MANY - 1].name, "state/layer99999/w");
    free(entry);
    free(offset);
    free(name);
}
END_TEST

/* ------------------------------------------------------------- hostile bytes */

START_TEST(an_index_cut_off_anywhere_is_damage)
{
    encode(SAMPLE, COUNT(SAMPLE), SAMPLE_OFFSET);
    for (size_t length = 0; length < byte_count; length++) {
        assert_status_message(decode_cut(length, FILE_END), H5CKPT_E_DAMAGED, error_message(&error));
        ck_assert_str_ne(error_message(&error), "");
        assert_refused_or_valid(error.status, FILE_END);
    }
}
END_TEST

START_TEST(an_index_that_is_refused_is_empty)
{
    encode(SAMPLE, COUNT(SAMPLE), SAMPLE_OFFSET);
    for (size_t length = 0; length < byte_count; length++) {
        assert_status(decode_cut(length, FILE_END), H5CKPT_E_DAMAGED);
        ck_assert_ptr_null(index_.entry);
        ck_assert_ptr_null(index_.text);
        ck_assert_uint_eq(index_.entry_count, 0);
    }
}
END_TEST

START_TEST(an_index_with_bytes_after_its_last_entry_is_damage)
{
    encode(SAMPLE, COUNT(SAMPLE), SAMPLE_OFFSET);
    for (size_t extra = 1; extra <= 256; extra++) {
        unsigned char *longer = calloc(1, byte_count + extra);

        memcpy(longer, bytes, byte_count);
        assert_status(index_decode(&index_, longer, byte_count + extra, FILE_END, &error), H5CKPT_E_DAMAGED);
        free(longer);
    }
}
END_TEST

START_TEST(any_flipped_bit_gives_a_valid_index_or_damage)
{
    unsigned refused_count = 0;

    encode(SAMPLE, COUNT(SAMPLE), SAMPLE_OFFSET);
    for (size_t bit = 0; bit < 8 * byte_count; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        h5ckpt_status status = decode();
        refused_count += status != H5CKPT_OK;
        assert_refused_or_valid(status, FILE_END);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    ck_assert_uint_gt(refused_count, 0);
}
END_TEST

START_TEST(any_two_flipped_bits_give_a_valid_index_or_damage)
{
    encode(SAMPLE, COUNT(SAMPLE), SAMPLE_OFFSET);
    for (size_t a = 0; a < 8 * byte_count; a++)
        for (size_t b = a + 1; b < 8 * byte_count; b += 1 + b % 7) {
            bytes[a / 8] ^= (unsigned char)(1 << a % 8);
            bytes[b / 8] ^= (unsigned char)(1 << b % 8);
            assert_refused_or_valid(decode(), FILE_END);
            bytes[a / 8] ^= (unsigned char)(1 << a % 8);
            bytes[b / 8] ^= (unsigned char)(1 << b % 8);
        }
}
END_TEST

START_TEST(any_byte_of_any_value_gives_a_valid_index_or_damage)
{
    encode(SAMPLE, COUNT(SAMPLE), SAMPLE_OFFSET);
    for (size_t at = 0; at < byte_count; at++) {
        const unsigned char before = bytes[at];
        for (unsigned value = 0; value < 256; value++) {
            bytes[at] = (unsigned char)value;
            assert_refused_or_valid(decode(), FILE_END);
        }
        bytes[at] = before;
    }
}
END_TEST

/* Where a number of so many bytes lies, and values that must be refused there. */
static const struct {
    const char *what;
    size_t at;
    size_t byte_count;
    uint64_t value;
} IMPOSSIBLE[] = {
    {"no entry", 8, 8, 0},
    {"one entry less", 8, 8, 2},
    {"one entry more", 8, 8, 4},
    {"2^24 entries", 8, 8, 1 << 24},
    {"more than 2^24 entries", 8, 8, (1 << 24) + 1},
    {"2^32 entries", 8, 8, UINT64_C(1) << 32},
    {"2^59 entries: times 32 wraps to 0", 8, 8, UINT64_C(1) << 59},
    {"2^63 entries", 8, 8, UINT64_C(1) << 63},
    {"2^64 - 1 entries", 8, 8, UINT64_MAX},
    {"offset of a variable with bytes is 0", ENTRY_0, 8, 0},
    {"offset in the user block", ENTRY_0, 8, 4095},
    {"offset too near to the index", ENTRY_0, 8, FILE_END - 24575},
    {"offset of the index", ENTRY_0, 8, FILE_END},
    {"offset behind the index", ENTRY_0, 8, FILE_END + 1},
    {"offset 2^63", ENTRY_0, 8, UINT64_C(1) << 63},
    {"offset that wraps with the length", ENTRY_0, 8, UINT64_MAX - 24575},
    {"offset 2^64 - 1", ENTRY_0, 8, UINT64_MAX},
    {"offset of a variable without bytes", ENTRY_1, 8, 4096},
    {"offset 1 of a variable without bytes", ENTRY_1, 8, 1},
    {"byte count 0", ENTRY_0 + 8, 8, 0},
    {"byte count one less", ENTRY_0 + 8, 8, 24575},
    {"byte count one more", ENTRY_0 + 8, 8, 24577},
    {"byte count 2^63", ENTRY_0 + 8, 8, UINT64_C(1) << 63},
    {"byte count 2^64 - 1", ENTRY_0 + 8, 8, UINT64_MAX},
    {"byte count of an empty variable", ENTRY_1 + 8, 8, 16},
    {"element size 0", ENTRY_0 + 16, 4, 0},
    {"element size 2", ENTRY_0 + 16, 4, 2},
    {"element size 3", ENTRY_0 + 16, 4, 3},
    {"element size 2^24", ENTRY_0 + 16, 4, 1 << 24},
    {"element size 2^32 - 1", ENTRY_0 + 16, 4, UINT32_MAX},
    {"class 0", ENTRY_0 + 20, 1, 0},
    {"class 9", ENTRY_0 + 20, 1, 9},
    {"class 255", ENTRY_0 + 20, 1, 255},
    {"no byte order", ENTRY_0 + 21, 1, 0},
    {"byte order 3", ENTRY_0 + 21, 1, 3},
    {"a long double format for a float", ENTRY_0 + 22, 1, 1},
    {"no long double format for a long double", ENTRY_1 + 22, 1, 0},
    {"long double format 5", ENTRY_1 + 22, 1, 5},
    {"rank 0", ENTRY_0 + 23, 1, 0},
    {"rank 1", ENTRY_0 + 23, 1, 1},
    {"rank 3", ENTRY_0 + 23, 1, 3},
    {"rank 33", ENTRY_0 + 23, 1, 33},
    {"rank 255", ENTRY_0 + 23, 1, 255},
    {"rank 255 at the end", ENTRY_2 + 23, 1, 255},
    {"name of 0 bytes", ENTRY_0 + 24, 2, 0},
    {"name of 8 bytes, one of them NUL", ENTRY_0 + 24, 2, 8},
    {"name of 9 bytes", ENTRY_0 + 24, 2, 9},
    {"name of 1039 bytes", ENTRY_2 + 24, 2, 1039},
    {"name of 1040 bytes", ENTRY_2 + 24, 2, 1040},
    {"name of 32768 bytes", ENTRY_2 + 24, 2, 32768},
    {"name of 65535 bytes", ENTRY_2 + 24, 2, 65535},
    {"name that is only its group", ENTRY_0 + 24, 2, 6},
    {"extent 0", SHAPE_0_AT, 8, 0},
    {"extent 2^52: the product wraps to a right-looking one", SHAPE_0_AT, 8, (UINT64_C(1) << 51) + 3},
    {"extent 2^60", SHAPE_0_AT, 8, UINT64_C(1) << 60},
    {"extent 2^63", SHAPE_0_AT, 8, UINT64_C(1) << 63},
    {"extent 2^64 - 1", SHAPE_0_AT, 8, UINT64_MAX},
    {"NUL in a name", NAME_0 + 2, 1, 0},
    {"control character in a name", NAME_0 + 6, 1, '\n'},
    {"no UTF-8 in a name", NAME_0 + 6, 1, 0xff},
    {"an empty last part", NAME_0 + 6, 1, '/'},
    {"a part '.'", NAME_0 + 6, 1, '.'},
    {"no group", NAME_0 + 5, 1, 'x'},
    {"another group", NAME_0, 1, 'S'},
    {"an absolute name", NAME_2, 1, '/'},
    {"another magic", 0, 1, 'h'},
    {"another version of the index", 7, 1, '2'},
};

START_TEST(an_impossible_number_is_damage)
{
    encode(SAMPLE, COUNT(SAMPLE), SAMPLE_OFFSET);
    put(IMPOSSIBLE[_i].at, IMPOSSIBLE[_i].byte_count, IMPOSSIBLE[_i].value);
    ck_assert_msg(decode() == H5CKPT_E_DAMAGED, "%s passed", IMPOSSIBLE[_i].what);
    ck_assert_str_ne(error_message(&error), "");
    assert_refused_or_valid(error.status, FILE_END);
}
END_TEST

static const char *const BAD_NAMES[] = {
    "../x",
    "..",
    "/",
    "x",
    "state",
    "state/",
    "states/x",
    "stat/x",
    "/state/x",
    "state//x",
    "state/x/",
    "state/.",
    "state/..",
    "state/../x",
    "state/x/.",
    "state/x/../y",
    "State/x",
    "progress",
    "progress/",
    "history/",
    "current/x",
    "state/\n",
    "state/\x7f",
    "state/\xff",
    "state/\xc3",
    "state/\xc0\xaf",
    "state/\xed\xa0\x80",
    "./state/x",
    "\\state\\x",
    "state\\x",
    "state/../../../etc/passwd",
};

START_TEST(a_name_that_the_format_does_not_allow_is_damage)
{
    encode((const struct schema_entry[]){{BAD_NAMES[_i], FLOAT32, 0, NULL, 4}}, 1, (const uint64_t[]){4096});
    ck_assert_msg(decode() == H5CKPT_E_DAMAGED, "\"%s\" passed", BAD_NAMES[_i]);
    assert_refused_or_valid(error.status, FILE_END);
}
END_TEST

START_TEST(a_name_one_byte_too_long_is_damage)
{
    static const char *const groups[] = {"state/", "settings/", "progress/", "history/"};
    char name[16 + FORMAT_NAME_BYTES_MAX + 2];

    strcpy(name, groups[_i]);
    memset(name + strlen(groups[_i]), 'n', 1024);
    name[strlen(groups[_i]) + 1024] = '\0';
    encode((const struct schema_entry[]){{name, FLOAT32, 0, NULL, 4}}, 1, (const uint64_t[]){4096});
    assert_status(decode(), H5CKPT_E_DAMAGED);
}
END_TEST

START_TEST(a_rank_of_33_is_damage_even_if_its_bytes_are_there)
{
    uint64_t shape[33];

    for (unsigned i = 0; i < 33; i++)
        shape[i] = 1;
    encode((const struct schema_entry[]){{"state/x", FLOAT32, 33, shape, 4}}, 1, (const uint64_t[]){4096});
    assert_status(decode(), H5CKPT_E_DAMAGED);
}
END_TEST

START_TEST(a_shape_beyond_the_limits_is_damage_even_with_its_own_byte_count)
{
    static const struct {
        unsigned rank;
        uint64_t shape[3];
        uint64_t byte_count;
    } shapes[] = {
        {1, {(UINT64_C(1) << 60) + 1}, (UINT64_C(1) << 60) + 1},
        {1, {UINT64_C(1) << 61}, UINT64_C(1) << 61},
        {1, {UINT64_MAX}, UINT64_MAX},
        {2, {UINT64_C(1) << 32, UINT64_C(1) << 32}, 0},
        {2, {(UINT64_C(1) << 32) + 1, UINT64_C(1) << 32}, UINT64_C(1) << 32},
        {3, {UINT64_C(1) << 40, UINT64_C(1) << 40, UINT64_C(1) << 40}, 0},
        {2, {0, UINT64_MAX}, 0},
    };
    const struct schema_entry entry = {"state/x", INT8, shapes[_i].rank, shapes[_i].shape, shapes[_i].byte_count};

    encode(&entry, 1, (const uint64_t[]){shapes[_i].byte_count == 0 ? 0 : 4096});
    assert_status(decode_cut(byte_count, UINT64_MAX), H5CKPT_E_DAMAGED);
}
END_TEST

START_TEST(a_variable_may_begin_at_4096_and_end_at_the_index)
{
    encode((const struct schema_entry[]){{"state/x", FLOAT32, 0, NULL, 4}}, 1, (const uint64_t[]){4096});
    assert_status(decode_cut(byte_count, 4100), H5CKPT_OK);
    assert_status(decode_cut(byte_count, 4099), H5CKPT_E_DAMAGED);
    assert_status(decode_cut(byte_count, 4095), H5CKPT_E_DAMAGED);
    assert_status(decode_cut(byte_count, 0), H5CKPT_E_DAMAGED);
}
END_TEST

START_TEST(a_variable_whose_end_wraps_around_is_damage)
{
    const uint64_t shape[] = {UINT64_C(1) << 60};
    const struct schema_entry entry = entry_of("state/x", INT8, 1, shape);

    encode(&entry, 1, (const uint64_t[]){UINT64_MAX - 4096});
    assert_status(decode_cut(byte_count, UINT64_MAX), H5CKPT_E_DAMAGED);
}
END_TEST

START_TEST(variables_may_touch)
{
    const struct schema_entry entry[] = {{"state/x", FLOAT32, 0, NULL, 4}, {"state/y", FLOAT32, 0, NULL, 4}};

    encode(entry, 2, (const uint64_t[]){4100, 4096});
    assert_status_message(decode(), H5CKPT_OK, error_message(&error));
}
END_TEST

/*
 * Where the second of three variables of 64 bytes begins, the others being at 4096 and 4352: as far as the first one,
 * or the last, reaches.
 */
static const struct {
    uint64_t offset;
    h5ckpt_status expected;
} SHARED[] = {{4096, H5CKPT_E_DAMAGED}, {4096 + 63, H5CKPT_E_DAMAGED}, {4096 + 64, H5CKPT_OK},
              {4352 - 64, H5CKPT_OK},   {4352 - 63, H5CKPT_E_DAMAGED}, {4352, H5CKPT_E_DAMAGED},
              {4352 + 64, H5CKPT_OK}};

START_TEST(two_variables_that_share_a_byte_are_damage)
{
    const uint64_t shape[] = {64};
    const struct schema_entry entry[] = {entry_of("state/a", INT8, 1, shape), entry_of("settings/b", INT8, 1, shape),
                                         entry_of("state/c", INT8, 1, shape)};
    const uint64_t offset[] = {4096, SHARED[_i].offset, 4352};

    encode(entry, COUNT(entry), offset);
    assert_status_message(decode(), SHARED[_i].expected, error_message(&error));
}
END_TEST

START_TEST(a_variable_within_another_is_damage)
{
    const uint64_t shape[] = {3};
    const uint64_t large[] = {FILE_END - 4096};
    const struct schema_entry entry[] = {entry_of("state/a", INT8, 1, large), entry_of("state/b", INT8, 1, shape)};
    const uint64_t offset[] = {4096, 5000};

    encode(entry, COUNT(entry), offset);
    assert_status(decode(), H5CKPT_E_DAMAGED);
    assert_mentions(error_message(&error), "5000");
}
END_TEST

START_TEST(a_variable_without_bytes_shares_none)
{
    const uint64_t shape[] = {64};
    const uint64_t none[] = {0};
    const struct schema_entry entry[] = {entry_of("state/a", INT8, 1, shape), entry_of("state/b", INT8, 1, none),
                                         entry_of("state/c", INT8, 1, none)};
    const uint64_t offset[] = {4096, 0, 0};

    encode(entry, COUNT(entry), offset);
    assert_status_message(decode(), H5CKPT_OK, error_message(&error));
}
END_TEST

START_TEST(bytes_that_the_format_calls_zero_are_ignored)
{
    encode(SAMPLE, COUNT(SAMPLE), SAMPLE_OFFSET);
    put(ENTRY_0 + 26, 6, UINT64_MAX);
    put(NAME_0 + 7, 1, 0xff);
    put(NAME_2 + 14, 2, 0xffff);
    assert_status_message(decode(), H5CKPT_OK, error_message(&error));
    ck_assert_str_eq(index_.entry[0].name, "state/w");
    ck_assert_str_eq(index_.entry[2].name, "progress/epoch");
}
END_TEST

START_TEST(an_entry_count_that_the_bytes_cannot_hold_takes_no_memory)
{
    /* 2^24 entries would be 1.5 GB: refused before anything is allocated. */
    encode(NULL, 0, NULL);
    put(8, 8, 1 << 24);
    assert_status(decode(), H5CKPT_E_DAMAGED);
    assert_mentions(error_message(&error), "16777216");
}
END_TEST

START_TEST(random_entries_behind_a_right_header_are_valid_or_damage)
{
    uint64_t random = 88172645463325252u;

    byte_count = 4096;
    bytes = malloc(byte_count);
    for (unsigned round = 0; round < 20000; round++) {
        for (size_t i = 0; i < byte_count; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            bytes[i] = (unsigned char)(random % 3 == 0 ? random >> 32 : random >> 62);
        }
        memcpy(bytes, "H5CKIDX1", 8);
        put(8, 8, random % 5);
        assert_refused_or_valid(decode_cut(16 + random % 4000, FILE_END), FILE_END);
    }
}
END_TEST

START_TEST(a_refused_index_names_the_entry)
{
    encode(SAMPLE, COUNT(SAMPLE), SAMPLE_OFFSET);
    put(ENTRY_2, 8, FILE_END);
    assert_status(decode(), H5CKPT_E_DAMAGED);
    assert_mentions(error_message(&error), "progress/epoch");
}
END_TEST

START_TEST(a_hostile_name_reaches_the_message_only_escaped)
{
    encode((const struct schema_entry[]){{"state/\x1b[2J", FLOAT32, 0, NULL, 4}}, 1, (const uint64_t[]){4096});
    assert_status(decode(), H5CKPT_E_DAMAGED);
    ck_assert_ptr_null(strchr(error_message(&error), '\x1b'));
}
END_TEST

static Suite *index_suite(void)
{
    Suite *suite = suite_create("index");
    TCase *map = tcase_create("byte map");
    TCase *trip = tcase_create("round trip");
    TCase *hostile = tcase_create("hostile bytes");

    tcase_set_timeout(map, 60);
    tcase_add_checked_fixture(map, setup, teardown);
    tcase_add_test(map, the_sample_is_encoded_byte_for_byte_as_the_format_says);
    tcase_add_test(map, without_offsets_every_file_offset_is_0);
    tcase_add_test(map, bytes_written_by_hand_decode_to_the_sample);
    tcase_add_test(map, an_index_of_nothing_is_its_header);
    tcase_add_test(map, freeing_no_index_is_allowed);
    suite_add_tcase(suite, map);

    tcase_set_timeout(trip, 120);
    tcase_add_checked_fixture(trip, setup, teardown);
    tcase_add_test(trip, every_element_that_the_format_knows_comes_back);
    tcase_add_test(trip, every_element_that_the_format_does_not_know_is_refused);
    tcase_add_test(trip, a_scalar_comes_back);
    tcase_add_test(trip, an_empty_variable_comes_back);
    tcase_add_test(trip, a_variable_of_rank_32_comes_back);
    tcase_add_test(trip, the_largest_variable_comes_back);
    tcase_add_test(trip, a_name_of_every_length_comes_back);
    tcase_add_test(trip, a_utf8_name_comes_back);
    tcase_add_test(trip, entries_keep_their_order);
    tcase_add_test(trip, names_and_shapes_outlive_the_bytes);
    tcase_add_test(trip, a_hundred_thousand_entries_come_back);
    suite_add_tcase(suite, trip);

    tcase_set_timeout(hostile, 300);
    tcase_add_checked_fixture(hostile, setup, teardown);
    tcase_add_test(hostile, an_index_cut_off_anywhere_is_damage);
    tcase_add_test(hostile, an_index_that_is_refused_is_empty);
    tcase_add_test(hostile, an_index_with_bytes_after_its_last_entry_is_damage);
    tcase_add_test(hostile, any_flipped_bit_gives_a_valid_index_or_damage);
    tcase_add_test(hostile, any_two_flipped_bits_give_a_valid_index_or_damage);
    tcase_add_test(hostile, any_byte_of_any_value_gives_a_valid_index_or_damage);
    tcase_add_loop_test(hostile, an_impossible_number_is_damage, 0, COUNT(IMPOSSIBLE));
    tcase_add_loop_test(hostile, a_name_that_the_format_does_not_allow_is_damage, 0, COUNT(BAD_NAMES));
    tcase_add_loop_test(hostile, a_name_one_byte_too_long_is_damage, 0, 3);
    tcase_add_test(hostile, a_rank_of_33_is_damage_even_if_its_bytes_are_there);
    tcase_add_loop_test(hostile, a_shape_beyond_the_limits_is_damage_even_with_its_own_byte_count, 0, 7);
    tcase_add_test(hostile, a_variable_may_begin_at_4096_and_end_at_the_index);
    tcase_add_test(hostile, a_variable_whose_end_wraps_around_is_damage);
    tcase_add_test(hostile, variables_may_touch);
    tcase_add_loop_test(hostile, two_variables_that_share_a_byte_are_damage, 0, COUNT(SHARED));
    tcase_add_test(hostile, a_variable_within_another_is_damage);
    tcase_add_test(hostile, a_variable_without_bytes_shares_none);
    tcase_add_test(hostile, bytes_that_the_format_calls_zero_are_ignored);
    tcase_add_test(hostile, an_entry_count_that_the_bytes_cannot_hold_takes_no_memory);
    tcase_add_test(hostile, random_entries_behind_a_right_header_are_valid_or_damage);
    tcase_add_test(hostile, a_refused_index_names_the_entry);
    tcase_add_test(hostile, a_hostile_name_reaches_the_message_only_escaped);
    suite_add_tcase(suite, hostile);
    return suite;
}

int main(void)
{
    return suite_run(index_suite());
}
