/* SPDX-License-Identifier: MIT */
#include "hostile/specimen.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "checksum.h"
#include "format.h"

#define must(condition)         \
    do {                        \
        if (!(condition)) {     \
            perror(#condition); \
            abort();            \
        }                       \
    } while (0)

/* --------------------------------------------------------------------- files */

void specimen_read(struct specimen *specimen, const char *path)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = read(descriptor, specimen->bytes, sizeof specimen->bytes);

    must(got >= 0 && got < SPECIMEN_BYTES_MAX);
    close(descriptor);
    specimen->byte_count = (size_t)got;
}

void specimen_write(const struct specimen *specimen, const char *path)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    must(pwrite(descriptor, specimen->bytes, specimen->byte_count, 0) == (ssize_t)specimen->byte_count);
    must(ftruncate(descriptor, (off_t)specimen->byte_count) == 0);
    close(descriptor);
}

bool specimen_is_on_disk(const struct specimen *specimen, const char *path)
{
    static unsigned char bytes[SPECIMEN_BYTES_MAX];
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = descriptor < 0 ? -1 : read(descriptor, bytes, sizeof bytes);

    close(descriptor);
    return got == (ssize_t)specimen->byte_count && memcmp(bytes, specimen->bytes, specimen->byte_count) == 0;
}

/* -------------------------------------------------------------------- fields */

uint64_t specimen_get(const struct specimen *specimen, size_t at, unsigned byte_count)
{
    uint64_t value = 0;

    for (unsigned i = byte_count; i-- > 0;)
        value = value << 8 | specimen->bytes[at + i];
    return value;
}

void specimen_put(struct specimen *specimen, size_t at, unsigned byte_count, uint64_t value)
{
    for (unsigned i = 0; i < byte_count; i++, value >>= 8)
        specimen->bytes[at + i] = (unsigned char)value;
}

/* Is [offset, offset + byte_count) there? */
static bool is_within(const struct specimen *specimen, uint64_t offset, uint64_t byte_count)
{
    return offset <= specimen->byte_count && byte_count <= specimen->byte_count - offset;
}

size_t entry_name_at(const struct specimen *specimen, size_t entry_at)
{
    return entry_at + ENTRY_HEAD_BYTES + 8 * (size_t)specimen->bytes[entry_at + ENTRY_AT_RANK];
}

size_t entry_byte_count(const struct specimen *specimen, size_t entry_at)
{
    return entry_name_at(specimen, entry_at) - entry_at +
           bytes_round_up(specimen_get(specimen, entry_at + ENTRY_AT_NAME_LENGTH, 2), 8);
}

size_t specimen_entries(const struct specimen *specimen, size_t at[SPECIMEN_ENTRIES_MAX])
{
    const uint64_t offset = specimen_get(specimen, RECORD_AT_INDEX_OFFSET, 8);
    const uint64_t byte_count = specimen_get(specimen, RECORD_AT_INDEX_BYTES, 8);
    size_t count = 0;

    if (!is_within(specimen, offset, byte_count) || byte_count < INDEX_HEADER_BYTES)
        return 0;
    const uint64_t claimed = specimen_get(specimen, offset + INDEX_AT_COUNT, 8);
    const size_t end = (size_t)(offset + byte_count);
    for (size_t next = (size_t)offset + INDEX_HEADER_BYTES;
         count < claimed && count < SPECIMEN_ENTRIES_MAX && end - next >= ENTRY_HEAD_BYTES &&
         end - next >= entry_byte_count(specimen, next);
         next += entry_byte_count(specimen, next))
        at[count++] = next;
    return count;
}

/* ------------------------------------------------------------------- sealing */

static void put_digest(struct specimen *specimen, size_t at, const void *bytes, size_t byte_count)
{
    const struct checksum digest = checksum_of(bytes, byte_count);

    memcpy(specimen->bytes + at, digest.byte, sizeof digest.byte);
}

static void seal_index(struct specimen *specimen)
{
    static size_t at[SPECIMEN_ENTRIES_MAX];
    static struct specimen without_offsets;
    const uint64_t offset = specimen_get(specimen, RECORD_AT_INDEX_OFFSET, 8);
    const uint64_t byte_count = specimen_get(specimen, RECORD_AT_INDEX_BYTES, 8);

    if (!is_within(specimen, offset, byte_count))
        return;
    put_digest(specimen, RECORD_AT_INDEX_DIGEST, specimen->bytes + offset, (size_t)byte_count);
    memcpy(without_offsets.bytes + offset, specimen->bytes + offset, (size_t)byte_count);
    const size_t count = specimen_entries(specimen, at);
    for (size_t i = 0; i < count; i++)
        memset(without_offsets.bytes + at[i] + ENTRY_AT_OFFSET, 0, 8);
    put_digest(specimen, RECORD_AT_SCHEMA_DIGEST, without_offsets.bytes + offset, (size_t)byte_count);
}

static void seal_blocks(struct specimen *specimen)
{
    const uint64_t block_bytes = specimen_get(specimen, RECORD_AT_BLOCK_BYTES, 8);
    const uint64_t table = specimen_get(specimen, RECORD_AT_TABLE_OFFSET, 8);
    const uint64_t table_bytes = specimen_get(specimen, RECORD_AT_TABLE_BYTES, 8);

    if (!is_within(specimen, table, 0))
        return;
    for (uint64_t i = 0; block_bytes != 0 && i < table_bytes / CHECKSUM_BYTES; i++) {
        const uint64_t begin = FORMAT_USER_BLOCK_BYTES + i * block_bytes;
        if (begin >= table || begin < FORMAT_USER_BLOCK_BYTES ||
            !is_within(specimen, table + i * CHECKSUM_BYTES, CHECKSUM_BYTES))
            break;
        put_digest(specimen, (size_t)(table + i * CHECKSUM_BYTES), specimen->bytes + begin,
                   (size_t)(table - begin < block_bytes ? table - begin : block_bytes));
    }
    put_digest(specimen, RECORD_AT_TABLE_DIGEST, specimen->bytes + table, specimen->byte_count - (size_t)table);
}

void specimen_seal_record(struct specimen *specimen)
{
    put_digest(specimen, RECORD_AT_CHECKSUM, specimen->bytes, RECORD_AT_CHECKSUM);
}

void specimen_seal(struct specimen *specimen)
{
    seal_index(specimen);
    seal_blocks(specimen);
    specimen_seal_record(specimen);
}

/* ----------------------------------------------------------------- composing */

void specimen_compose(struct specimen *specimen, const unsigned char *index, size_t index_bytes, uint64_t block_bytes)
{
    const uint64_t index_offset = specimen_get(specimen, RECORD_AT_INDEX_OFFSET, 8);
    const uint64_t table = bytes_round_up(index_offset + index_bytes, FORMAT_ALIGN_BYTES);
    const uint64_t covered = table - FORMAT_USER_BLOCK_BYTES;
    const uint64_t table_bytes = (covered / block_bytes + (covered % block_bytes != 0)) * CHECKSUM_BYTES;
    const uint64_t end = bytes_round_up(table + table_bytes, FORMAT_ALIGN_BYTES);

    must(end <= SPECIMEN_BYTES_MAX);
    memmove(specimen->bytes + index_offset, index, index_bytes);
    memset(specimen->bytes + index_offset + index_bytes, 0, (size_t)(end - index_offset - index_bytes));
    specimen->byte_count = (size_t)end;
    specimen_put(specimen, RECORD_AT_INDEX_BYTES, 8, index_bytes);
    specimen_put(specimen, RECORD_AT_BLOCK_BYTES, 8, block_bytes);
    specimen_put(specimen, RECORD_AT_TABLE_OFFSET, 8, table);
    specimen_put(specimen, RECORD_AT_TABLE_BYTES, 8, table_bytes);
    specimen_put(specimen, RECORD_AT_FILE_BYTES, 8, end);
    specimen_seal(specimen);
}

void specimen_seal_lock(struct specimen *specimen)
{
    for (size_t sector = 0; sector < 2 * (size_t)FORMAT_RECORD_BYTES; sector += FORMAT_RECORD_BYTES)
        put_digest(specimen, sector + RECORD_AT_CHECKSUM, specimen->bytes + sector, RECORD_AT_CHECKSUM);
}
