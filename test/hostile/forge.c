/* SPDX-License-Identifier: MIT */
#include "hostile/forge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "format.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ------------------------------------------------------------------- chance */

static uint64_t chance_state;

static uint64_t chance(void) /* splitmix64 */
{
    uint64_t z = chance_state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t chance_below(uint64_t bound)
{
    return bound == 0 ? 0 : chance() % bound;
}

static char *text;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    const size_t length = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text + length, FORGE_TEXT_BYTES - length, format, arguments);
    va_end(arguments);
}

/* ------------------------------------------------------------------- numbers */

/* Where counts, sizes, products and sums go wrong. */
static const uint64_t HOSTILE[] = {
    0,
    1,
    2,
    3,
    7,
    8,
    15,
    16,
    17,
    31,
    32,
    33,
    64,
    255,
    256,
    511,
    512,
    1024,
    4095,
    4096,
    4097,
    8192,
    65535,
    65536,
    65537,
    0xffffff,
    0x1000000,
    0x1000001,
    1 << 30,
    UINT64_C(1) << 31,
    UINT32_MAX,
    UINT64_C(1) << 32,
    (UINT64_C(1) << 32) + 1,
    UINT64_C(1) << 53,
    FORMAT_VARIABLE_BYTES_MAX - 1,
    FORMAT_VARIABLE_BYTES_MAX,
    FORMAT_VARIABLE_BYTES_MAX + 1,
    UINT64_C(1) << 61,
    FORMAT_SEQUENCE_MAX - 1,
    FORMAT_SEQUENCE_MAX,
    FORMAT_SEQUENCE_MAX + 1,
    INT64_MAX - 1,
    INT64_MAX,
    UINT64_C(1) << 63,
    (UINT64_C(1) << 63) + 1,
    UINT64_MAX - 4096,
    UINT64_MAX - 4095,
    UINT64_MAX - 15,
    UINT64_MAX - 7,
    UINT64_MAX - 1,
    UINT64_MAX,
};

static const int64_t STEP[] = {-4096, -512, -16, -8, -1, 1, 8, 16, 512, 4096};

static uint64_t hostile_number(const struct specimen *specimen, uint64_t now)
{
    switch (chance_below(8)) {
    case 0:
        return now + (uint64_t)STEP[chance_below(COUNT(STEP))];
    case 1:
        return specimen->byte_count + (uint64_t)STEP[chance_below(COUNT(STEP))];
    case 2:
        return chance_below(specimen->byte_count);
    case 3:
        return chance() >> chance_below(64);
    case 4:
        return now ^ UINT64_C(1) << chance_below(64);
    default:
        return HOSTILE[chance_below(COUNT(HOSTILE))];
    }
}

struct field {
    const char *name;
    size_t at;
    unsigned byte_count;
};

static void spoil_field(struct specimen *specimen, size_t begin, const struct field *field)
{
    const uint64_t now = specimen_get(specimen, begin + field->at, field->byte_count);
    const uint64_t then = hostile_number(specimen, now);

    specimen_put(specimen, begin + field->at, field->byte_count, then);
    say("%s %" PRIu64 " -> %" PRIu64 "; ", field->name, now,
        specimen_get(specimen, begin + field->at, field->byte_count));
}

/* --------------------------------------------------------------------- record */

static const struct field RECORD_FIELD[] = {
    {"version", RECORD_AT_VERSION, 4},
    {"kind", RECORD_AT_KIND, 4},
    {"sequence", RECORD_AT_SEQUENCE, 8},
    {"base sequence", RECORD_AT_BASE_SEQUENCE, 8},
    {"features", RECORD_AT_FEATURES_REQUIRED, 8},
    {"epoch", RECORD_AT_EPOCH, 8},
    {"batch", RECORD_AT_BATCH, 8},
    {"step", RECORD_AT_STEP, 8},
    {"wall time", RECORD_AT_WALL_TIME, 8},
    {"directory id", RECORD_AT_DIRECTORY_ID, 8},
    {"slot count", RECORD_AT_SLOT_COUNT, 4},
    {"twins", RECORD_AT_TWINS, 4},
    {"file length", RECORD_AT_FILE_BYTES, 8},
    {"block size", RECORD_AT_BLOCK_BYTES, 8},
    {"index offset", RECORD_AT_INDEX_OFFSET, 8},
    {"index length", RECORD_AT_INDEX_BYTES, 8},
    {"table offset", RECORD_AT_TABLE_OFFSET, 8},
    {"table length", RECORD_AT_TABLE_BYTES, 8},
    {"structure digest", RECORD_AT_STRUCTURE_DIGEST, 8},
};

static void spoil_record(struct specimen *specimen)
{
    spoil_field(specimen, 0, &RECORD_FIELD[chance_below(COUNT(RECORD_FIELD))]);
}

uint64_t forge_field_count(void)
{
    return COUNT(RECORD_FIELD) * COUNT(HOSTILE);
}

void forge_field(struct specimen *specimen, uint64_t number, char what[FORGE_TEXT_BYTES])
{
    const struct field *field = &RECORD_FIELD[number % COUNT(RECORD_FIELD)];
    const uint64_t value = HOSTILE[number / COUNT(RECORD_FIELD)];

    specimen_put(specimen, field->at, field->byte_count, value);
    specimen_seal(specimen);
    snprintf(what, FORGE_TEXT_BYTES, "%s is %" PRIu64, field->name, value);
}

/* Digests that the last seal made right: without another one they stay so. */
static void spoil_digest(struct specimen *specimen)
{
    static const struct field DIGEST[] = {{"schema digest", RECORD_AT_SCHEMA_DIGEST, 8},
                                          {"table digest", RECORD_AT_TABLE_DIGEST, 8},
                                          {"index digest", RECORD_AT_INDEX_DIGEST, 8}};

    specimen_seal(specimen);
    spoil_field(specimen, 0, &DIGEST[chance_below(COUNT(DIGEST))]);
}

/* ---------------------------------------------------------------------- index */

static const struct field ENTRY_FIELD[] = {
    {"offset", ENTRY_AT_OFFSET, 8},
    {"byte count", ENTRY_AT_BYTE_COUNT, 8},
    {"element size", ENTRY_AT_ELEMENT_BYTES, 4},
    {"class", ENTRY_AT_CLASS, 1},
    {"order", ENTRY_AT_ORDER, 1},
    {"long double", ENTRY_AT_LONG_DOUBLE, 1},
    {"rank", ENTRY_AT_RANK, 1},
    {"name length", ENTRY_AT_NAME_LENGTH, 2},
};

/* 0: the index has no entry. */
static size_t any_entry(const struct specimen *specimen)
{
    static size_t at[SPECIMEN_ENTRIES_MAX];
    const size_t count = specimen_entries(specimen, at);

    return count == 0 ? 0 : at[chance_below(count)];
}

static void spoil_entry(struct specimen *specimen)
{
    const size_t at = any_entry(specimen);

    if (at == 0)
        return;
    say("entry at %zu: ", at);
    spoil_field(specimen, at, &ENTRY_FIELD[chance_below(COUNT(ENTRY_FIELD))]);
}

static void spoil_count(struct specimen *specimen)
{
    static const struct field COUNT_FIELD = {"entry count", INDEX_AT_COUNT, 8};
    const uint64_t index = specimen_get(specimen, RECORD_AT_INDEX_OFFSET, 8);

    if (index < SPECIMEN_BYTES_MAX - INDEX_HEADER_BYTES)
        spoil_field(specimen, (size_t)index, &COUNT_FIELD);
}

/* A name that is no UTF-8, steers a terminal, has parts that are none, or is another's. */
static void spoil_name(struct specimen *specimen)
{
    static const unsigned char BYTE[] = {'/', '\0', 0xff, 0xc0, 0x80, 0x1b, '.', '\n', 0x7f, ' '};
    const size_t at = any_entry(specimen);
    const size_t other = any_entry(specimen);
    const size_t length = at == 0 ? 0 : (size_t)specimen_get(specimen, at + ENTRY_AT_NAME_LENGTH, 2);
    const size_t other_length = other == 0 ? 0 : (size_t)specimen_get(specimen, other + ENTRY_AT_NAME_LENGTH, 2);

    if (length == 0 || other_length == 0)
        return;
    if (chance_below(2) == 0 && length == other_length) {
        memcpy(specimen->bytes + entry_name_at(specimen, at), specimen->bytes + entry_name_at(specimen, other), length);
        say("a name twice; ");
        return;
    }
    const size_t where = (size_t)chance_below(length);
    specimen->bytes[entry_name_at(specimen, at) + where] = BYTE[chance_below(COUNT(BYTE))];
    say("name byte %zu of entry at %zu is %#x; ", where, at, specimen->bytes[entry_name_at(specimen, at) + where]);
}

/* Over, within or just beside another's bytes. */
static void spoil_place(struct specimen *specimen)
{
    const size_t at = any_entry(specimen);
    const size_t other = any_entry(specimen);

    if (at == 0)
        return;
    const uint64_t offset = specimen_get(specimen, other + ENTRY_AT_OFFSET, 8);
    specimen_put(specimen, at + ENTRY_AT_OFFSET, 8,
                 chance_below(2) == 0 ? offset : offset + (uint64_t)STEP[chance_below(COUNT(STEP))]);
    say("entry at %zu over the one at %zu; ", at, other);
}

/* Extents whose product is small, or right, only where it overflows. */
static void spoil_shape(struct specimen *specimen)
{
    static const uint64_t PAIR[][2] = {{UINT64_C(1) << 32, UINT64_C(1) << 32},
                                       {UINT64_C(1) << 31, UINT64_C(1) << 33},
                                       {UINT64_C(1) << 60, 16},
                                       {UINT64_MAX, UINT64_MAX},
                                       {0, UINT64_C(1) << 60},
                                       {0, UINT64_MAX},
                                       {3, UINT64_C(0xaaaaaaaaaaaaaaab)},
                                       {1, 1}};
    const uint64_t *pair = PAIR[chance_below(COUNT(PAIR))];
    const size_t at = any_entry(specimen);
    const unsigned rank = at == 0 ? 0 : specimen->bytes[at + ENTRY_AT_RANK];

    for (unsigned i = 0; i < rank && i < FORMAT_RANK_MAX; i++)
        specimen_put(specimen, at + ENTRY_HEAD_BYTES + 8 * (size_t)i, 8, pair[i % 2]);
    if (rank != 0 && chance_below(2) == 0) { /* consistent, if sums may overflow */
        uint64_t product = specimen_get(specimen, at + ENTRY_AT_ELEMENT_BYTES, 4);
        for (unsigned i = 0; i < rank; i++)
            product *= pair[i % 2];
        specimen_put(specimen, at + ENTRY_AT_BYTE_COUNT, 8, product);
    }
    say("shape of entry at %zu is %" PRIu64 " x %" PRIu64 "; ", at, pair[0], pair[1]);
}

/* Of one size: a history's capacity, or an array's length, with the bytes that it then has. */
static void resize(struct specimen *specimen)
{
    const size_t at = any_entry(specimen);

    if (at == 0 || specimen->bytes[at + ENTRY_AT_RANK] == 0)
        return;
    const uint64_t extent = chance_below(2) == 0 ? chance_below(5000) : hostile_number(specimen, 1024);
    specimen_put(specimen, at + ENTRY_HEAD_BYTES, 8, extent);
    specimen_put(specimen, at + ENTRY_AT_BYTE_COUNT, 8,
                 extent * specimen_get(specimen, at + ENTRY_AT_ELEMENT_BYTES, 4));
    if (extent == 0)
        specimen_put(specimen, at + ENTRY_AT_OFFSET, 8, 0);
    say("entry at %zu has %" PRIu64 " elements; ", at, extent);
}

/* ---------------------------------------------------------------- a whole index */

struct draft {
    unsigned char bytes[1 << 18];
    size_t byte_count;
    uint64_t entry_count;
};

static struct draft draft;

static void put(size_t at, unsigned byte_count, uint64_t value)
{
    for (unsigned i = 0; i < byte_count; i++, value >>= 8)
        draft.bytes[at + i] = (unsigned char)value;
}

static void draft_begin(void)
{
    memset(&draft, 0, sizeof draft);
    memcpy(draft.bytes, "H5CKIDX1", 8);
    draft.byte_count = INDEX_HEADER_BYTES;
}

static void draft_end(struct specimen *specimen, uint64_t block_bytes)
{
    put(INDEX_AT_COUNT, 8, draft.entry_count);
    specimen_compose(specimen, draft.bytes, draft.byte_count, block_bytes);
}

static void draft_copy(const struct specimen *specimen, size_t at)
{
    const size_t byte_count = entry_byte_count(specimen, at);

    if (byte_count > sizeof draft.bytes - draft.byte_count)
        return;
    memcpy(draft.bytes + draft.byte_count, specimen->bytes + at, byte_count);
    draft.byte_count += byte_count;
    draft.entry_count++;
}

static void draft_entry(const char *path, uint64_t offset, unsigned rank, uint64_t extent)
{
    const size_t at = draft.byte_count;
    const size_t length = strlen(path);
    const size_t byte_count = ENTRY_HEAD_BYTES + 8 * (size_t)rank + (length + 7) / 8 * 8;
    uint64_t product = 8;

    if (byte_count > sizeof draft.bytes - at)
        return;
    for (unsigned i = 0; i < rank; i++) {
        put(at + ENTRY_HEAD_BYTES + 8 * (size_t)i, 8, i == 0 ? extent : 1);
        product *= i == 0 ? extent : 1;
    }
    put(at + ENTRY_AT_OFFSET, 8, product == 0 ? 0 : offset);
    put(at + ENTRY_AT_BYTE_COUNT, 8, product);
    put(at + ENTRY_AT_ELEMENT_BYTES, 4, 8);
    put(at + ENTRY_AT_CLASS, 1, 3);
    put(at + ENTRY_AT_ORDER, 1, 1);
    put(at + ENTRY_AT_RANK, 1, rank);
    put(at + ENTRY_AT_NAME_LENGTH, 2, length);
    memcpy(draft.bytes + at + ENTRY_HEAD_BYTES + 8 * (size_t)rank, path, length);
    draft.byte_count += byte_count;
    draft.entry_count++;
}

/* Many entries, of which many may be of one group, one name or one place. */
static void invent_index(struct specimen *specimen)
{
    static const char *const GROUP[] = {"state", "settings", "history", "progress"};
    const uint64_t count = chance_below(4) == 0 ? chance_below(4000) : chance_below(40);
    const char *group = GROUP[chance_below(COUNT(GROUP))];
    const uint64_t end = specimen_get(specimen, RECORD_AT_INDEX_OFFSET, 8);
    const bool apart = chance_below(2) == 0;

    if (end <= FORMAT_USER_BLOCK_BYTES + 8 || end > SPECIMEN_BYTES_MAX / 2)
        return;
    draft_begin();
    for (uint64_t i = 0; i < count; i++) {
        char path[64];
        const uint64_t room = end - FORMAT_USER_BLOCK_BYTES;
        const uint64_t offset = FORMAT_USER_BLOCK_BYTES + (apart ? i % (room / 8) * 8 : chance_below(room) / 8 * 8);
        snprintf(path, sizeof path, "%s/v%" PRIu64, group, chance_below(8) == 0 ? chance_below(4) : i);
        draft_entry(path, offset, (unsigned)chance_below(4), apart ? 1 : chance_below((end - offset) / 8 + 1));
    }
    draft_end(specimen, FORMAT_BLOCK_BYTES);
    say("%" PRIu64 " entries %s/, %s; ", count, group, apart ? "apart" : "anywhere");
}

/* Entries left out, twice, or in another order. */
static void shuffle_index(struct specimen *specimen)
{
    static size_t at[SPECIMEN_ENTRIES_MAX];
    const size_t count = specimen_entries(specimen, at);
    const uint64_t index = specimen_get(specimen, RECORD_AT_INDEX_OFFSET, 8);

    if (count == 0 || index > SPECIMEN_BYTES_MAX / 2)
        return;
    draft_begin();
    for (size_t i = 0; i < count; i++) {
        const uint64_t what = chance_below(8);
        if (what != 0)
            draft_copy(specimen, at[what == 1 ? chance_below(count) : i]);
        if (what == 2)
            draft_copy(specimen, at[i]);
    }
    draft_end(specimen, FORMAT_BLOCK_BYTES);
    say("%" PRIu64 " of %zu entries, some twice; ", draft.entry_count, count);
}

/* The same state in blocks of another size is as good. */
static void change_blocks(struct specimen *specimen)
{
    const uint64_t block_bytes = UINT64_C(1) << (12 + chance_below(19));
    const uint64_t index = specimen_get(specimen, RECORD_AT_INDEX_OFFSET, 8);
    const uint64_t index_bytes = specimen_get(specimen, RECORD_AT_INDEX_BYTES, 8);

    if (index > SPECIMEN_BYTES_MAX / 2 || index < FORMAT_USER_BLOCK_BYTES || index_bytes > sizeof draft.bytes)
        return;
    memcpy(draft.bytes, specimen->bytes + index, (size_t)index_bytes);
    specimen_compose(specimen, draft.bytes, (size_t)index_bytes, block_bytes);
    say("blocks of %" PRIu64 "; ", block_bytes);
}

/* ---------------------------------------------------------------------- bytes */

static void spoil_bytes(struct specimen *specimen)
{
    const size_t count = 1 + (size_t)chance_below(16);
    const size_t at = FORMAT_RECORD_BYTES + (size_t)chance_below(specimen->byte_count - FORMAT_RECORD_BYTES - count);

    for (size_t i = 0; i < count; i++)
        specimen->bytes[at + i] = (unsigned char)chance();
    say("%zu bytes at %zu; ", count, at);
}

/* A row count, a position, a mark: what history and settings are made of. */
static void spoil_value(struct specimen *specimen)
{
    static const struct field VALUE = {"value", 0, 8};
    const size_t at = any_entry(specimen);
    const uint64_t offset = at == 0 ? 0 : specimen_get(specimen, at + ENTRY_AT_OFFSET, 8);

    if (offset >= FORMAT_USER_BLOCK_BYTES && offset < specimen->byte_count - 8)
        spoil_field(specimen, (size_t)offset, &VALUE);
}

static void change_length(struct specimen *specimen)
{
    const size_t before = specimen->byte_count;
    const size_t then = chance_below(2) == 0 ? (size_t)chance_below(2 * before) : before + 4096;

    if (then > SPECIMEN_BYTES_MAX / 2)
        return;
    if (then > before)
        memset(specimen->bytes + before, 0, then - before);
    specimen->byte_count = then < 512 ? 512 : then;
    if (chance_below(2) == 0)
        specimen_put(specimen, RECORD_AT_FILE_BYTES, 8, specimen->byte_count);
    say("%zu bytes long; ", specimen->byte_count);
}

/* ------------------------------------------------------------------------ all */

void forge(struct specimen *specimen, uint64_t number, char what[FORGE_TEXT_BYTES])
{
    static void (*const CHANGE[])(struct specimen *) = {
        spoil_record, spoil_record, spoil_entry, spoil_entry,  spoil_entry,   spoil_count,   spoil_name,
        spoil_name,   spoil_place,  spoil_shape, invent_index, shuffle_index, change_blocks, spoil_bytes,
        spoil_value,  spoil_value,  resize,      resize,       spoil_digest,  change_length,
    };
    /* Only the record, or everything: what is left unsealed is damage, and must be told. */
    chance_state = number * UINT64_C(0xd1342543de82ef95) + 1;
    text = what;
    *what = '\0';
    const unsigned count = 1 + (unsigned)chance_below(4);
    for (unsigned i = 0; i < count; i++)
        CHANGE[chance_below(COUNT(CHANGE))](specimen);
    if (chance_below(16) == 0) {
        say("only the record sealed");
        specimen_seal_record(specimen);
    } else {
        specimen_seal(specimen);
    }
    if (chance_below(16) == 0) { /* of what was right, one more thing, with nothing but the record's checksum mended */
        say("; then ");
        spoil_digest(specimen);
        specimen_seal_record(specimen);
    }
}

void forge_lock(struct specimen *lock, uint64_t number, char what[FORGE_TEXT_BYTES])
{
    static const struct field FIELD[] = {
        {"version", 8, 4},
        {"phase", 12, 4},
        {"directory id", 16, 8},
        {"activity", 512, 4},
        {"slot", 516, 4},
        {"sequence", 520, 8},
        {"process", 528, 8},
        {"boot id", 536, 8},
        {"boot id's end", 568, 8},
        {"acknowledged", 576, 8},
        {"account sequence", 584, 8},
        {"save time", 592, 8},
        {"bytes written", 600, 8},
        {"held up", 608, 8},
        {"open", 616, 8},
    };

    chance_state = number * UINT64_C(0xd1342543de82ef95) + 2;
    text = what;
    *what = '\0';
    const unsigned count = 1 + (unsigned)chance_below(3);
    for (unsigned i = 0; i < count; i++)
        spoil_field(lock, 0, &FIELD[chance_below(COUNT(FIELD))]);
    specimen_seal_lock(lock);
}
