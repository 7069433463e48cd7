/* SPDX-License-Identifier: MIT */
#include "storage/slot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

static const char *const SLOT_NAME[FORMAT_SLOT_COUNT_MAX] = {FORMAT_SLOT_A, FORMAT_SLOT_B, FORMAT_SLOT_C};

const char *slot_name(unsigned number)
{
    return SLOT_NAME[number];
}

const char *slot_new_name(unsigned number)
{
    static const char *const NEW_NAME[FORMAT_SLOT_COUNT_MAX] = {
        FORMAT_SLOT_A FORMAT_NEW_SUFFIX, FORMAT_SLOT_B FORMAT_NEW_SUFFIX, FORMAT_SLOT_C FORMAT_NEW_SUFFIX};

    return NEW_NAME[number];
}

/* ------------------------------------------------------------------ reading */

/* Name directory and slot in front of a reason that record_decode() and record_check() give. */
static h5ckpt_status in_slot(const struct file *file, struct error *error)
{
    struct error reason = ERROR_NONE;
    h5ckpt_status status = error->status;

    error_move(&reason, error);
    error_set(error, status, "'%s/%s': %s", file->directory->path, file->name, error_message(&reason));
    error_clear(&reason);
    return status;
}

static h5ckpt_status read_record(const struct file *file, struct record *record, struct buffer *buffer,
                                 struct error *error)
{
    struct entry entry;
    h5ckpt_status status;

    /* A whole 4096 bytes, because reads past the cache must be aligned. */
    status = buffer_reserve(buffer, FORMAT_USER_BLOCK_BYTES, error);
    if (status < 0)
        return status;
    status = file_read(file, buffer->bytes, FORMAT_USER_BLOCK_BYTES, 0, error);
    if (status < 0)
        return status;
    status = record_decode(record, buffer->bytes, error);
    if (status < 0)
        return in_slot(file, error);
    if (record->kind == RECORD_VOID)
        return H5CKPT_OK;
    status = file_look(file, &entry, error);
    if (status < 0)
        return status;
    status = record_check(record, entry.byte_count, error);
    return status < 0 ? in_slot(file, error) : H5CKPT_OK;
}

/* The table, checked against the record's digest. Its memory is bounded by the file's own length. */
static h5ckpt_status read_table(const struct file *file, const struct record *record, struct checksum **table,
                                struct error *error)
{
    const size_t byte_count = (size_t)(record->file_bytes - record->table_offset);
    struct checksum digest;
    h5ckpt_status status;
    void *bytes;

    *table = NULL;
    if (posix_memalign(&bytes, FORMAT_ALIGN_BYTES, byte_count) != 0)
        return error_set(error, H5CKPT_E_MEMORY, "'%s/%s': no memory for a block table of %zu bytes",
                         file->directory->path, file->name, byte_count);
    status = file_read(file, bytes, byte_count, record->table_offset, error);
    if (status == H5CKPT_OK) {
        digest = checksum_of(bytes, byte_count);
        if (!checksum_equal(&digest, &record->table_digest))
            status = error_set(error, H5CKPT_E_DAMAGED,
                               "'%s/%s': the block table at %" PRIu64
                               " does not match the digest in the commit record (sequence %" PRIu64 ")",
                               file->directory->path, file->name, record->table_offset, record->sequence);
    }
    if (status < 0)
        free(bytes);
    else
        *table = bytes;
    return status;
}

h5ckpt_status slot_reader_open(struct slot_reader *reader, const struct directory *directory, const char *name,
                               enum file_access access, struct error *error)
{
    struct buffer buffer = BUFFER_NONE;
    h5ckpt_status status;

    *reader = SLOT_READER_NONE;
    status = file_open(&reader->file, directory, name, access, error);
    if (status != H5CKPT_OK)
        return status;
    status = read_record(&reader->file, &reader->record, &buffer, error);
    if (status == H5CKPT_OK && reader->record.kind == RECORD_STATE)
        status = read_table(&reader->file, &reader->record, &reader->table, error);
    buffer_free(&buffer);
    if (status < 0)
        slot_reader_close(reader);
    return status;
}

void slot_reader_close(struct slot_reader *reader)
{
    file_close(&reader->file);
    free(reader->table);
    *reader = SLOT_READER_NONE;
}

bool slot_reader_holds(const struct slot_reader *reader, const struct record *record)
{
    return reader->record.kind == RECORD_STATE && reader->record.sequence == record->sequence &&
           checksum_equal(&reader->record.table_digest, &record->table_digest);
}

h5ckpt_status slot_reader_index(const struct slot_reader *reader, struct index *index, struct error *error)
{
    const struct record *record = &reader->record;
    /* Aligned, for reads past the cache; bounded by the file's length: record_check(). */
    const uint64_t begin = bytes_round_down(record->index_offset, FORMAT_ALIGN_BYTES);
    const uint64_t end = bytes_round_up(record->index_offset + record->index_bytes, FORMAT_ALIGN_BYTES);
    const unsigned char *bytes;
    struct checksum digest;
    h5ckpt_status status;
    void *memory;

    *index = INDEX_NONE;
    if (posix_memalign(&memory, FORMAT_ALIGN_BYTES, (size_t)(end - begin)) != 0)
        return error_set(error, H5CKPT_E_MEMORY, "'%s/%s': no memory for a variable index of %" PRIu64 " bytes",
                         reader->file.directory->path, reader->file.name, record->index_bytes);
    status = file_read(&reader->file, memory, (size_t)(end - begin), begin, error);
    bytes = (const unsigned char *)memory + (record->index_offset - begin);
    if (status == H5CKPT_OK) {
        digest = checksum_of(bytes, record->index_bytes);
        if (checksum_equal(&digest, &record->index_digest))
            status = index_decode(index, bytes, record->index_bytes, record->index_offset, error);
        else
            status = error_set(error, H5CKPT_E_DAMAGED,
                               "the variable index at %" PRIu64 " does not match its digest in the commit record",
                               record->index_offset);
        if (status < 0)
            in_slot(&reader->file, error);
    }
    free(memory);
    return status;
}

/* --------------------------------------------------------------- examination */

/* What does not fit is cut at a character, and marked. */
static void cut_reason(struct slot *slot, int length)
{
    static const char CUT[] = "…";
    size_t end = sizeof slot->reason - sizeof CUT;

    if (length < (int)sizeof slot->reason)
        return;
    while (end > 0 && ((unsigned char)slot->reason[end] & 0xc0) == 0x80)
        end--;
    memcpy(slot->reason + end, CUT, sizeof CUT);
}

void slot_set_reason(struct slot *slot, const struct directory *directory, const char *message)
{
    const size_t path_length = strlen(directory->path);
    const char *path = strstr(message, directory->path);
    char in_front[FORMAT_FILE_NAME_BYTES_MAX + sizeof "'': "];
    int length;

    if (path != NULL &&
        path[path_length] == '/') /* the reader knows the directory, and a long one would fill the room */
        length = snprintf(slot->reason, sizeof slot->reason, "%.*s%s", (int)(path - message), message,
                          path + path_length + 1);
    else
        length = snprintf(slot->reason, sizeof slot->reason, "%s", message);
    cut_reason(slot, length);
    length = snprintf(in_front, sizeof in_front, "'%s': ", slot->name);
    if (strncmp(slot->reason, in_front, (size_t)length) == 0)
        memmove(slot->reason, slot->reason + length, strlen(slot->reason + length) + 1);
}

h5ckpt_status slot_say(const struct slot *slot, const struct directory *directory, h5ckpt_status status,
                       struct error *error)
{
    return error_set(error, status, "'%s/%s': %s", directory->path, slot->name, slot->reason);
}

static void conclude(struct slot *slot, const struct directory *directory, enum h5ckpt_slot_state state,
                     const struct error *why)
{
    slot->state = state;
    slot->status = why->status;
    slot_set_reason(slot, directory, error_message(why));
}

static enum h5ckpt_slot_state state_of_failure(h5ckpt_status status)
{
    switch (status) {
    case H5CKPT_E_DAMAGED:
    case H5CKPT_E_IO:
        return H5CKPT_SLOT_DAMAGED;
    case H5CKPT_E_VERSION:
        return H5CKPT_SLOT_NEWER_VERSION;
    default:
        return H5CKPT_SLOT_UNREADABLE;
    }
}

bool slot_is_untold(const struct slot *slot)
{
    return slot->state == H5CKPT_SLOT_UNREADABLE && !slot->record_readable && slot->status != H5CKPT_E_PERMISSION;
}

void slot_examine(struct slot *slot, const struct directory *directory, unsigned number,
                  const unsigned char *directory_id)
{
    slot_examine_file(slot, directory, slot_name(number), directory_id);
    slot->number = number;
}

void slot_examine_file(struct slot *slot, const struct directory *directory, const char *name,
                       const unsigned char *directory_id)
{
    struct buffer buffer = BUFFER_NONE;
    struct error error = ERROR_NONE;
    struct file file = FILE_NONE;
    struct checksum *table = NULL;
    struct entry entry = {0};
    h5ckpt_status status;

    *slot = (struct slot){.name = name};
    for (int attempt = 0; attempt < 2; attempt++) { /* an EIO must persist after reopening (P7) */
        error_clear(&error);
        file_close(&file);
        status = file_open(&file, directory, slot->name, FILE_READ, &error);
        if (status == H5CKPT_OK)
            status = file_look(&file, &entry, &error);
        if (status == H5CKPT_OK)
            status = read_record(&file, &slot->record, &buffer, &error);
        /* What the record itself says is believed once its checksum matches, whatever the rest is like. */
        slot->record_readable = slot->record.readable;
        if (status == H5CKPT_OK && slot->record.kind == RECORD_STATE)
            status = read_table(&file, &slot->record, &table, &error);
        if (status != H5CKPT_E_IO)
            break;
    }
    slot->file_bytes = entry.byte_count;
    slot->overwritable = entry.kind == ENTRY_FILE && entry.link_count == 1;
    if (slot->record_readable && directory_id != NULL &&
        memcmp(slot->record.directory_id, directory_id, FORMAT_ID_BYTES) != 0) {
        error_set(&error, H5CKPT_E_FOREIGN,
                  "'%s/%s': belongs to another backup directory: move it away; nothing was changed", directory->path,
                  slot->name);
        conclude(slot, directory, H5CKPT_SLOT_FOREIGN, &error);
    } else if (status != H5CKPT_OK && status != H5CKPT_NO_CHECKPOINT) {
        conclude(slot, directory, state_of_failure(status), &error);
    } else if (status == H5CKPT_OK) {
        slot->committed = slot->record.kind == RECORD_STATE;
        slot->state = slot->committed ? H5CKPT_SLOT_COMMITTED : H5CKPT_SLOT_RESERVED;
    }
    free(table);
    file_close(&file);
    buffer_free(&buffer);
    error_clear(&error);
}

/* -------------------------------------------------------------- verification */

/* A variable as its owner calls it: 'weights'; h5ckpt's own are /progress/epoch and the like. */
static const char *in_quotes(const char *path, char text[FORMAT_NAME_BYTES_MAX + 16])
{
    const char *name = schema_program_name(path);

    snprintf(text, FORMAT_NAME_BYTES_MAX + 16, name == NULL ? "/%s" : "'%s'", name == NULL ? path : name);
    return text;
}

/* Append which variables have bytes in the first damaged block, as far as the index can still be read. */
static void name_variables(const struct slot_reader *reader, uint64_t block, struct error *error)
{
    enum { NAMED_MAX = 8 };
    const uint64_t begin = record_block_offset(&reader->record, block);
    const uint64_t end = begin + record_block_length(&reader->record, block);
    struct error ignored = ERROR_NONE;
    char text[FORMAT_NAME_BYTES_MAX + 16];
    struct index index;
    size_t named = 0;

    if (slot_reader_index(reader, &index, &ignored) == H5CKPT_OK) {
        for (size_t i = 0; i < index.entry_count; i++)
            if (index_has_bytes_between(&index, i, begin, end) && ++named <= NAMED_MAX)
                error_append(error, "%s%s", named == 1 ? ", with bytes of " : ", ",
                             in_quotes(index.entry[i].name, text));
        if (named > NAMED_MAX)
            error_append(error, " and %zu more", named - NAMED_MAX);
    } else {
        error_append(error, ", whose variables cannot be told: %s", error_message(&ignored));
    }
    index_free(&index);
    error_clear(&ignored);
}

static h5ckpt_status report_damage(const struct slot_reader *reader, const struct transfer_damage *damage,
                                   struct error *error)
{
    char stored[CHECKSUM_TEXT_BYTES];
    char actual[CHECKSUM_TEXT_BYTES];

    checksum_text(&damage->stored, stored);
    checksum_text(&damage->actual, actual);
    error_set(error, H5CKPT_E_DAMAGED,
              "'%s/%s': sequence %" PRIu64 ": %" PRIu64 " of %" PRIu64 " blocks damaged, the first is block %" PRIu64
              " (offset %" PRIu64 ")",
              reader->file.directory->path, reader->file.name, reader->record.sequence, damage->block_count,
              record_block_count(&reader->record), damage->first_block,
              record_block_offset(&reader->record, damage->first_block));
    name_variables(reader, damage->first_block, error);
    error_append(error, "; stored checksum %s, bytes give %s", stored, actual);
    return H5CKPT_E_DAMAGED;
}

static h5ckpt_status verify_once(const struct directory *directory, const char *name, const struct record *record,
                                 enum file_access access, const struct transfer_watch *watch, struct buffer *buffer,
                                 struct error *error)
{
    struct slot_reader reader;
    struct transfer_damage damage;
    struct index index = INDEX_NONE;
    h5ckpt_status status;

    status = slot_reader_open(&reader, directory, name, access, error);
    if (status == H5CKPT_NO_CHECKPOINT)
        return error_set(error, H5CKPT_E_DAMAGED, "'%s/%s' has vanished", directory->path, name);
    if (status < 0)
        return status;
    if (!slot_reader_holds(&reader, record)) {
        status = error_set(error, H5CKPT_E_OVERTAKEN, "'%s/%s' no longer holds sequence %" PRIu64, directory->path,
                           name, record->sequence);
        goto out;
    }
    if (watch != NULL)
        memset(watch->damaged, 0, transfer_damaged_byte_count(record));
    status = transfer_verify(&reader.file, &reader.record, reader.table, &damage, watch, buffer, error);
    if (status == H5CKPT_OK && damage.block_count != 0)
        status = report_damage(&reader, &damage, error);
    if (status == H5CKPT_OK)
        status = slot_reader_index(&reader, &index, error);
out:
    index_free(&index);
    slot_reader_close(&reader);
    return status;
}

h5ckpt_status slot_verify(const struct directory *directory, const char *name, const struct record *record,
                          enum file_access access, const struct transfer_watch *watch, struct buffer *buffer,
                          struct error *error)
{
    h5ckpt_status status = verify_once(directory, name, record, access, watch, buffer, error);

    if (status == H5CKPT_E_IO)
        status = verify_once(directory, name, record, access, watch, buffer, error);
    if (status == H5CKPT_E_IO)
        error->status = status = H5CKPT_E_DAMAGED; /* it persisted after reopening and rereading (P7) */
    return status;
}

bool slot_is_readable_past_cache(const struct directory *directory, const char *name)
{
    struct buffer buffer = BUFFER_NONE;
    struct error ignored = ERROR_NONE;
    struct file file = FILE_NONE;
    bool readable = file_open(&file, directory, name, FILE_READ_PAST_CACHE, &ignored) == H5CKPT_OK &&
                    buffer_reserve(&buffer, FORMAT_USER_BLOCK_BYTES, &ignored) == H5CKPT_OK;

    if (readable) /* some file systems take the flag and then refuse to read */
        readable = file_read(&file, buffer.bytes, FORMAT_USER_BLOCK_BYTES, 0, &ignored) == H5CKPT_OK ||
                   ignored.system_errno != EINVAL;
    file_close(&file);
    buffer_free(&buffer);
    error_clear(&ignored);
    return readable;
}
