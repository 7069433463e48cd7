/* SPDX-License-Identifier: MIT */
#include "hostile/judge.h"

#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "state/schema.h"

__extension__ typedef unsigned __int128 wide;

static wide get(const struct specimen *specimen, size_t at, unsigned byte_count)
{
    return specimen_get(specimen, at, byte_count);
}

static bool digest_is(const struct specimen *specimen, size_t at, uint64_t begin, uint64_t end)
{
    const struct checksum digest = checksum_of(specimen->bytes + begin, (size_t)(end - begin));

    return memcmp(specimen->bytes + at, digest.byte, sizeof digest.byte) == 0;
}

/* ------------------------------------------------------------------ geometry */

static wide block_count(const struct specimen *specimen)
{
    const wide block = get(specimen, RECORD_AT_BLOCK_BYTES, 8);

    return (get(specimen, RECORD_AT_TABLE_OFFSET, 8) - 4096 + block - 1) / block;
}

/* Rule 3. */
static bool geometry_holds(const struct specimen *specimen)
{
    const wide file = get(specimen, RECORD_AT_FILE_BYTES, 8);
    const wide block = get(specimen, RECORD_AT_BLOCK_BYTES, 8);
    const wide index = get(specimen, RECORD_AT_INDEX_OFFSET, 8);
    const wide index_bytes = get(specimen, RECORD_AT_INDEX_BYTES, 8);
    const wide table = get(specimen, RECORD_AT_TABLE_OFFSET, 8);
    const wide table_bytes = get(specimen, RECORD_AT_TABLE_BYTES, 8);
    const wide sequence = get(specimen, RECORD_AT_SEQUENCE, 8);

    if (sequence <= get(specimen, RECORD_AT_BASE_SEQUENCE, 8) || sequence > (wide)1 << 62)
        return false;
    if (block < 4096 || block > 1 << 30 || (block & (block - 1)) != 0)
        return false;
    if (file != specimen->byte_count || file % 4096 != 0 || table % 4096 != 0 || table <= 4096 || table >= file)
        return false;
    if (table_bytes != 16 * block_count(specimen) || (table + table_bytes + 4095) / 4096 * 4096 != file)
        return false;
    return index % 8 == 0 && index > 4096 && index + index_bytes <= table;
}

/* Rules 4 and 5. */
static bool blocks_match(const struct specimen *specimen)
{
    const uint64_t block = specimen_get(specimen, RECORD_AT_BLOCK_BYTES, 8);
    const uint64_t table = specimen_get(specimen, RECORD_AT_TABLE_OFFSET, 8);

    if (!digest_is(specimen, RECORD_AT_TABLE_DIGEST, table, specimen->byte_count))
        return false;
    for (uint64_t i = 0; i < (uint64_t)block_count(specimen); i++) {
        const uint64_t begin = 4096 + i * block;
        const uint64_t end = table - begin < block ? table : begin + block;
        if (!digest_is(specimen, (size_t)(table + 16 * i), begin, end))
            return false;
    }
    return true;
}

/* ---------------------------------------------------------------------- index */

static bool name_is_possible(const struct specimen *specimen, size_t at)
{
    const size_t length = (size_t)specimen_get(specimen, at + ENTRY_AT_NAME_LENGTH, 2);
    struct error ignored = ERROR_NONE;
    char name[1 << 16];

    memcpy(name, specimen->bytes + entry_name_at(specimen, at), length);
    name[length] = '\0';
    const bool possible = strlen(name) == length && schema_check_path(name, &ignored) == H5CKPT_OK;
    error_clear(&ignored);
    return possible;
}

static bool size_is_right(const struct specimen *specimen, size_t at)
{
    wide product = get(specimen, at + ENTRY_AT_ELEMENT_BYTES, 4);
    bool too_large = false;
    bool empty = false;

    for (size_t i = 0; i < specimen->bytes[at + ENTRY_AT_RANK]; i++) {
        const wide extent = get(specimen, at + ENTRY_HEAD_BYTES + 8 * i, 8);
        if (extent > FORMAT_VARIABLE_BYTES_MAX)
            return false;
        empty |= extent == 0;
        product = too_large ? product : product * extent;
        too_large |= product > FORMAT_VARIABLE_BYTES_MAX;
    }
    return get(specimen, at + ENTRY_AT_BYTE_COUNT, 8) == (empty ? 0 : product) && (empty || !too_large);
}

static bool entry_is_possible(const struct specimen *specimen, size_t at)
{
    const struct element element = {specimen->bytes[at + ENTRY_AT_CLASS], specimen->bytes[at + ENTRY_AT_ORDER],
                                    specimen->bytes[at + ENTRY_AT_LONG_DOUBLE],
                                    (uint32_t)specimen_get(specimen, at + ENTRY_AT_ELEMENT_BYTES, 4)};
    const wide offset = get(specimen, at + ENTRY_AT_OFFSET, 8);
    const wide byte_count = get(specimen, at + ENTRY_AT_BYTE_COUNT, 8);

    if (specimen->bytes[at + ENTRY_AT_RANK] > 32 || !name_is_possible(specimen, at) || !element_is_known(&element) ||
        !size_is_right(specimen, at))
        return false;
    return byte_count == 0 ? offset == 0
                           : offset >= 4096 && offset + byte_count <= get(specimen, RECORD_AT_INDEX_OFFSET, 8);
}

static int compare_extents(const void *a, const void *b)
{
    const uint64_t first = *(const uint64_t *)a;
    const uint64_t second = *(const uint64_t *)b;

    return (first > second) - (first < second);
}

/* Has every variable bytes of its own? */
static bool bytes_are_its_own(const struct specimen *specimen, const size_t *at, size_t count)
{
    static uint64_t extent[SPECIMEN_ENTRIES_MAX][2];
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        extent[used][0] = specimen_get(specimen, at[i] + ENTRY_AT_OFFSET, 8);
        extent[used][1] = extent[used][0] + specimen_get(specimen, at[i] + ENTRY_AT_BYTE_COUNT, 8);
        used += extent[used][0] != extent[used][1];
    }
    qsort(extent, used, sizeof *extent, compare_extents);
    for (size_t i = 1; i < used; i++)
        if (extent[i][0] < extent[i - 1][1])
            return false;
    return true;
}

/* Rule 6. */
static bool index_holds(const struct specimen *specimen)
{
    static size_t at[SPECIMEN_ENTRIES_MAX];
    const uint64_t offset = specimen_get(specimen, RECORD_AT_INDEX_OFFSET, 8);
    const uint64_t end = offset + specimen_get(specimen, RECORD_AT_INDEX_BYTES, 8);
    size_t parsed_to = (size_t)offset + INDEX_HEADER_BYTES;

    if (!digest_is(specimen, RECORD_AT_INDEX_DIGEST, offset, end) || end - offset < INDEX_HEADER_BYTES ||
        memcmp(specimen->bytes + offset, "H5CKIDX1", 8) != 0)
        return false;
    const size_t count = specimen_entries(specimen, at);
    for (size_t i = 0; i < count; i++) {
        if (!entry_is_possible(specimen, at[i]))
            return false;
        parsed_to = at[i] + entry_byte_count(specimen, at[i]);
    }
    return count == specimen_get(specimen, offset + INDEX_AT_COUNT, 8) && parsed_to == end &&
           bytes_are_its_own(specimen, at, count);
}

/* ---------------------------------------------------------------------- all of it */

enum judged judge(const struct specimen *specimen, const unsigned char directory_id[FORMAT_ID_BYTES])
{
    static const unsigned char MAGIC[8] = {0x89, 'H', '5', 'C', 'K', 'P', 'T', '\n'};

    if (specimen->byte_count < 4096 || memcmp(specimen->bytes, MAGIC, sizeof MAGIC) != 0 ||
        !digest_is(specimen, RECORD_AT_CHECKSUM, 0, RECORD_AT_CHECKSUM) ||
        specimen_get(specimen, RECORD_AT_VERSION, 4) == 0)
        return JUDGED_DAMAGED;
    if (specimen_get(specimen, RECORD_AT_VERSION, 4) > 1)
        return JUDGED_NEWER;
    if (memcmp(specimen->bytes + RECORD_AT_DIRECTORY_ID, directory_id, FORMAT_ID_BYTES) != 0)
        return JUDGED_FOREIGN;
    if (specimen_get(specimen, RECORD_AT_FEATURES_REQUIRED, 8) != 0)
        return JUDGED_NEWER;
    if (specimen_get(specimen, RECORD_AT_KIND, 4) == 0)
        return JUDGED_VOID;
    return specimen_get(specimen, RECORD_AT_KIND, 4) == 1 && geometry_holds(specimen) && blocks_match(specimen) &&
                   index_holds(specimen)
               ? JUDGED_INTACT
               : JUDGED_DAMAGED;
}

static bool is_called(const struct specimen *specimen, size_t at, const char *path)
{
    return specimen_get(specimen, at + ENTRY_AT_NAME_LENGTH, 2) == strlen(path) &&
           memcmp(specimen->bytes + entry_name_at(specimen, at), path, strlen(path)) == 0;
}

bool judge_holds(const struct specimen *specimen, const char *path, const void *bytes, size_t byte_count)
{
    static size_t at[SPECIMEN_ENTRIES_MAX];
    const size_t count = specimen_entries(specimen, at);

    for (size_t i = 0; i < count; i++)
        if (is_called(specimen, at[i], path) && specimen_get(specimen, at[i] + ENTRY_AT_BYTE_COUNT, 8) == byte_count &&
            memcmp(specimen->bytes + specimen_get(specimen, at[i] + ENTRY_AT_OFFSET, 8), bytes, byte_count) == 0)
            return true;
    return false;
}

bool judge_names(const struct specimen *specimen, const char *path)
{
    static size_t at[SPECIMEN_ENTRIES_MAX];
    const size_t count = specimen_entries(specimen, at);

    for (size_t i = 0; i < count; i++)
        if (is_called(specimen, at[i], path))
            return true;
    return false;
}

size_t judge_count(const struct specimen *specimen, const char *prefix)
{
    static size_t at[SPECIMEN_ENTRIES_MAX];
    const size_t count = specimen_entries(specimen, at);
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        found += memcmp(specimen->bytes + entry_name_at(specimen, at[i]), prefix, strlen(prefix)) == 0;
    return found;
}
