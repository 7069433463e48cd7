/* SPDX-License-Identifier: MIT */
/*
 * fuzz_record: the sectors of fixed layout: a slot's commit record with the geometry of its block table, the lock's
 * identity and note, the view's head.
 *
 * The first byte says which, and what is mended before it is read; the rest is the sector. What is accepted must be
 * what docs/format.md permits, written here a second time, must lie within its bounds, and must be written back as the
 * same bytes.
 */
#include "bytes.h"
#include "fuzz/fuzz.h"
#include "fuzz/one_file.h"
#include "storage/lock.h"
#include "storage/record.h"
#include "storage/view.h"

enum { SECTOR_BYTES = 512, AT_CHECKSUM = 496, AT_NOTE = 512 };

enum how { /* the first byte */
           HOW_WHAT = 3,
           HOW_SEALED = 4,        /* its checksums are made right */
           HOW_FITTED = 8,        /* lengths are made to fit the offsets; a lock, a view has its usual length */
           HOW_OTHER_LENGTH = 16, /* the file is longer than its record says */
};

static void seal(unsigned char sector[SECTOR_BYTES])
{
    const struct checksum checksum = checksum_of(sector, AT_CHECKSUM);

    memcpy(sector + AT_CHECKSUM, checksum.byte, CHECKSUM_BYTES);
}

static bool is_sealed(const unsigned char sector[SECTOR_BYTES])
{
    const struct checksum checksum = checksum_of(sector, AT_CHECKSUM);

    return memcmp(sector + AT_CHECKSUM, checksum.byte, CHECKSUM_BYTES) == 0;
}

/* A refusal says why. */
static void check_refusal(const struct error *error, h5ckpt_status status)
{
    fuzz_must(status == H5CKPT_E_DAMAGED || status == H5CKPT_E_VERSION, "%s", h5ckpt_status_name(status));
    fuzz_must(error->status == status && *error_message(error) != '\0', "no reason");
}

/* -------------------------------------------------------------- commit record */

__extension__ typedef unsigned __int128 wide; /* no sum and no product of what a record holds overflows */

static wide expected_table_bytes(const struct record *record)
{
    return ((wide)record->table_offset - 4096 + record->block_bytes - 1) / record->block_bytes * 16;
}

/* Rule 3 of "valid if and only if". */
static bool geometry_holds(const struct record *record, uint64_t file_bytes)
{
    const struct record *r = record;
    const wide limit = (wide)1 << 62;
    const bool powers =
        r->block_bytes >= 4096 && r->block_bytes <= 1 << 30 && (r->block_bytes & (r->block_bytes - 1)) == 0;

    return r->file_bytes == file_bytes && r->sequence > r->base_sequence && r->sequence <= limit && powers &&
           r->file_bytes <= limit && r->file_bytes % 4096 == 0 && r->table_offset % 4096 == 0 &&
           r->table_offset > 4096 && r->table_bytes == expected_table_bytes(r) &&
           ((wide)r->table_offset + r->table_bytes + 4095) / 4096 * 4096 == r->file_bytes && r->index_offset % 8 == 0 &&
           r->index_offset > 4096 && (wide)r->index_offset + r->index_bytes <= r->table_offset;
}

/*
 * Blocks tile what lies between user block and table. Looked at: the first ones, the last ones, those around the
 * middle.
 */
static void check_blocks(const struct record *record)
{
    const uint64_t count = record_block_count(record);

    fuzz_must((wide)count * CHECKSUM_BYTES == record->table_bytes && count > 0, "%" PRIu64 " blocks", count);
    for (unsigned place = 0; place < 9; place++) {
        const uint64_t block = place % 3 + (place < 3 ? 0 : place < 6 ? count / 2 : count - (count < 3 ? count : 3));
        if (block >= count)
            continue;
        const uint64_t begin = record_block_offset(record, block);
        const uint64_t length = record_block_length(record, block);
        fuzz_must(begin == 4096 + block * record->block_bytes, "block %" PRIu64 " at %" PRIu64, block, begin);
        fuzz_must(length > 0 && length <= record->block_bytes, "block %" PRIu64 " of %" PRIu64, block, length);
        fuzz_must(block + 1 < count ? begin + length == record_block_offset(record, block + 1)
                                    : begin + length == record->table_offset,
                  "block %" PRIu64 " ends at %" PRIu64, block, begin + length);
    }
}

static void fit(struct record *record)
{
    const uint64_t block_bytes = UINT64_C(4096) << record->block_bytes % 19;

    record->block_bytes = block_bytes;
    record->table_offset = record->table_offset % (UINT64_C(1) << 61) / 4096 * 4096 + 8192;
    record->table_bytes = (uint64_t)expected_table_bytes(record);
    record->file_bytes = (record->table_offset + record->table_bytes + 4095) / 4096 * 4096;
}

static void check_round_trip(const struct record *record, const unsigned char bytes[SECTOR_BYTES])
{
    unsigned char expected[SECTOR_BYTES];
    unsigned char written[SECTOR_BYTES];

    memcpy(expected, bytes, SECTOR_BYTES);
    memset(expected + 232, 0, AT_CHECKSUM - 232); /* which no reader looks at */
    seal(expected);
    record_encode(record, written);
    fuzz_must(memcmp(written, expected, SECTOR_BYTES) == 0, "the record is written otherwise than it was read");
}

static void try_record(unsigned how, unsigned char bytes[SECTOR_BYTES])
{
    struct error error = ERROR_NONE;
    char text[PROGRESS_TEXT_BYTES];
    struct record record;
    h5ckpt_status status;

    if (how & HOW_SEALED)
        seal(bytes);
    status = record_decode(&record, bytes, &error);
    if (status < 0) {
        check_refusal(&error, status);
        fuzz_must(status == H5CKPT_E_VERSION || !is_sealed(bytes) || memcmp(bytes, "\x89H5CKPT\n", 8) != 0 ||
                      bytes_get_u32(bytes + 8) == 0 || bytes_get_u32(bytes + 12) > 1 ||
                      bytes_get_u64(bytes + 16) > UINT64_C(1) << 62,
                  "a whole record was refused: %s", error_message(&error));
        return;
    }
    check_round_trip(&record, bytes);
    progress_text(&record.progress, text);
    if (how & HOW_FITTED)
        fit(&record);
    const uint64_t file_bytes = record.file_bytes + (how & HOW_OTHER_LENGTH ? 4096 : 0);
    status = record_check(&record, file_bytes, &error);
    fuzz_must((status == H5CKPT_OK) == geometry_holds(&record, file_bytes), "geometry: %s", error_message(&error));
    if (status < 0)
        check_refusal(&error, status);
    else
        check_blocks(&record);
}

/* ------------------------------------------------------------------------ lock */

/* The note is written back as it was read, but for who writes it, that its save failed, and what no reader looks at. */
static void check_note(struct lock *lock, const unsigned char sector[SECTOR_BYTES])
{
    const struct lock_note *note = &lock->note;
    const bool readable = is_sealed(sector) && bytes_get_u32(sector) <= 2 && bytes_get_u32(sector + 4) < 3 &&
                          bytes_get_u64(sector + 8) <= UINT64_C(1) << 62 &&
                          bytes_get_u64(sector + 64) <= UINT64_C(1) << 62;
    unsigned char expected[SECTOR_BYTES] = {0};
    struct error error = ERROR_NONE;

    fuzz_must((unsigned)note->activity <= 2 && note->slot < FORMAT_SLOT_COUNT_MAX, "an impossible note");
    fuzz_must(memchr(note->boot_id, '\0', sizeof note->boot_id) != NULL, "a boot id without an end");
    if (readable)
        memcpy(expected, sector, 112);
    bytes_put_u32(expected, LOCK_GAVE_UP);
    bytes_put_u64(expected + 16, ONE_FILE_PROCESS);
    expected[24 + SYSTEM_BOOT_ID_BYTES - 1] = '\0';
    seal(expected);
    fuzz_must(lock_note_failure(lock, &error) == H5CKPT_OK, "%s", error_message(&error));
    fuzz_must(memcmp(one_file.bytes + AT_NOTE, expected, SECTOR_BYTES) == 0, "the note is written otherwise");
}

static void try_lock(unsigned how, const unsigned char *bytes, size_t byte_count)
{
    const struct directory directory = {.path = "d"};
    unsigned char content[ONE_FILE_BYTES_MAX] = {0};
    struct error error = ERROR_NONE;
    struct lock lock;
    bool held;

    memcpy(content, bytes, byte_count);
    if (how & HOW_SEALED) {
        seal(content);
        seal(content + AT_NOTE);
    }
    memcpy(one_file.bytes, content, sizeof content);
    one_file.byte_count = how & HOW_FITTED ? FORMAT_LOCK_BYTES : byte_count;
    memset(content + one_file.byte_count, 0, sizeof content - one_file.byte_count); /* a lock that was cut */
    const h5ckpt_status status = lock_peek(&lock, &directory, &held, &error);
    const bool whole = memcmp(content, "\x89H5LOCK\n", 8) == 0 && is_sealed(content);
    fuzz_must((status == H5CKPT_E_VERSION) == (whole && bytes_get_u32(content + 8) > FORMAT_VERSION), "%s",
              h5ckpt_status_name(status));
    if (status < 0) {
        check_refusal(&error, status);
        return;
    }
    const bool known = bytes_get_u32(content + 8) == FORMAT_VERSION && bytes_get_u32(content + 12) <= LOCK_DELETING;
    fuzz_must(lock.identified == (whole && known), "identified");
    if (!lock.identified)
        return;
    fuzz_must(memcmp(lock.directory_id, content + 16, FORMAT_ID_BYTES) == 0, "another directory's id");
    file_open(&lock.file, &directory, FORMAT_LOCK_NAME, FILE_WRITE, &error);
    check_note(&lock, content + AT_NOTE);
    fuzz_must(lock_set_phase(&lock, lock.phase, &error) == H5CKPT_OK, "%s", error_message(&error));
    memset(content + 32, 0, AT_CHECKSUM - 32);
    bytes_put_u32(content + 8, FORMAT_VERSION);
    seal(content);
    fuzz_must(memcmp(one_file.bytes, content, SECTOR_BYTES) == 0, "the identity is written otherwise");
    lock_release(&lock);
}

/* ------------------------------------------------------------------------ view */

static int slot_named(const unsigned char *bytes)
{
    const uint32_t number = bytes_get_u32(bytes);

    return number < FORMAT_SLOT_COUNT_MAX ? (int)number : VIEW_NO_SLOT;
}

static void try_view(unsigned how, const unsigned char *bytes, size_t byte_count)
{
    const struct directory directory = {.path = "d"};
    unsigned char head[40] = {0};
    struct view view = VIEW_NONE;

    memset(&one_file, 0, sizeof one_file);
    memcpy(one_file.bytes, bytes, byte_count);
    one_file.byte_count = how & HOW_FITTED ? ONE_FILE_BYTES_MAX : byte_count;
    memcpy(head, one_file.bytes, sizeof head);
    const bool ours = one_file.byte_count >= sizeof head && memcmp(head, "\x89H5VIEW\n", 8) == 0;
    view_read(&view, &directory, head + 16);
    fuzz_must(view.current == (ours ? slot_named(head + 32) : VIEW_NO_SLOT), "current %d", view.current);
    fuzz_must(view.previous == (ours ? slot_named(head + 36) : VIEW_NO_SLOT), "previous %d", view.previous);
}

/* ---------------------------------------------------------------------- target */

int LLVMFuzzerInitialize(int *argument_count, char ***arguments)
{
    (void)argument_count, (void)arguments;
    system_calls = &one_file_calls;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    enum { WHAT_RECORD, WHAT_LOCK, WHAT_VIEW };
    struct input input = {bytes, byte_count};
    const unsigned how = (unsigned)input_take(&input, 1);
    unsigned char sector[SECTOR_BYTES] = {0};

    if (input.byte_count > 2 * SECTOR_BYTES)
        input.byte_count = 2 * SECTOR_BYTES;
    switch (how & HOW_WHAT) {
    case WHAT_LOCK:
        try_lock(how, input.bytes, input.byte_count);
        break;
    case WHAT_VIEW:
        try_view(how, input.bytes, input.byte_count);
        break;
    default:
        memcpy(sector, input.bytes, input.byte_count < sizeof sector ? input.byte_count : sizeof sector);
        try_record(how, sector);
    }
    return 0;
}
