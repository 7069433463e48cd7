/* SPDX-License-Identifier: MIT */
#include "storage/duplicate.h"

#include <string.h>

#include "storage/walk.h"

struct copying {
    const struct slot_reader *from;
    const struct file *to;
};

static h5ckpt_status copy_chunk(void *context, const struct walk_chunk *chunk, struct error *error)
{
    const struct copying *copying = context;
    const struct slot_reader *from = copying->from;
    h5ckpt_status status = transfer_read(&from->file, &from->record, from->table, chunk, error);

    return status == H5CKPT_OK ? file_write(copying->to, chunk->bytes, chunk->byte_count, chunk->offset, error)
                               : status;
}

static h5ckpt_status copy_blocks(const struct slot_reader *from, const struct file *to, struct buffer *buffer,
                                 struct error *error)
{
    struct copying copying = {from, to};
    h5ckpt_status status = walk_reserve(buffer, &from->record, error);

    return status == H5CKPT_OK ? walk_chunks(&from->record, buffer, WALK_ANY_ORDER, copy_chunk, &copying, error)
                               : status;
}

/* What is around the blocks: the table as it is, and the new record. */
static h5ckpt_status write_rest(const struct slot_reader *from, const struct file *to, const struct record *record,
                                struct buffer *buffer, struct error *error)
{
    h5ckpt_status status =
        file_write(to, from->table, (size_t)(record->file_bytes - record->table_offset), record->table_offset, error);

    if (status == H5CKPT_OK)
        status = buffer_reserve(buffer, FORMAT_USER_BLOCK_BYTES, error);
    if (status < 0)
        return status;
    memset(buffer->bytes, 0, FORMAT_USER_BLOCK_BYTES);
    record_encode(record, buffer->bytes);
    return file_write(to, buffer->bytes, FORMAT_USER_BLOCK_BYTES, 0, error);
}

/* Past the page cache both files must be opened so; making one is not. */
static h5ckpt_status make(const struct duplicate *duplicate, const struct directory *directory, struct error *error)
{
    struct file file = FILE_NONE;
    bool reserved;
    h5ckpt_status status = directory_remove(directory, duplicate->to, error);

    if (status == H5CKPT_OK)
        status = file_create(&file, directory, duplicate->to, duplicate->file_mode, error);
    if (status == H5CKPT_OK)
        status = file_allocate(&file, duplicate->record.file_bytes, &reserved, error);
    file_close(&file);
    return status;
}

static h5ckpt_status open_made(struct file *to, const struct duplicate *duplicate, const struct directory *directory,
                               enum file_access access, struct error *error)
{
    h5ckpt_status status = file_open(to, directory, duplicate->to, access, error);

    if (status == H5CKPT_NO_CHECKPOINT)
        status = error_set(error, H5CKPT_E_DAMAGED, "'%s/%s' has vanished", directory->path, duplicate->to);
    return status;
}

enum way { PAST_CACHE, THROUGH_CACHE };

static h5ckpt_status copy_once(const struct duplicate *duplicate, const struct directory *directory, enum way way,
                               struct buffer *buffer, struct error *error)
{
    struct slot_reader from;
    struct file to = FILE_NONE;
    struct index index = INDEX_NONE;
    h5ckpt_status status;

    status = slot_reader_open(&from, directory, duplicate->from, way == PAST_CACHE ? FILE_READ_PAST_CACHE : FILE_READ,
                              error);
    if (status == H5CKPT_NO_CHECKPOINT)
        return error_set(error, H5CKPT_E_OVERTAKEN, "'%s/%s' has vanished", directory->path, duplicate->from);
    if (status < 0)
        return status;
    if (!slot_reader_holds(&from, duplicate->expected))
        status = error_set(error, H5CKPT_E_OVERTAKEN, "'%s/%s' no longer holds the state that was found there",
                           directory->path, duplicate->from);
    if (status == H5CKPT_OK)
        status = slot_reader_index(&from, &index, error);
    if (status == H5CKPT_OK)
        status = make(duplicate, directory, error);
    if (status == H5CKPT_OK)
        status = open_made(&to, duplicate, directory, way == PAST_CACHE ? FILE_WRITE_PAST_CACHE : FILE_WRITE, error);
    if (status == H5CKPT_OK)
        status = copy_blocks(&from, &to, buffer, error);
    if (status == H5CKPT_OK)
        status = write_rest(&from, &to, &duplicate->record, buffer, error);
    if (status == H5CKPT_OK)
        status = file_flush(&to, error);
    file_close(&to);
    index_free(&index);
    slot_reader_close(&from);
    return status;
}

/*
 * May the other way, or a second try, give another answer? The file system may refuse to go past the cache at any call;
 * what another process failed to flush is in the cache only; and an EIO must persist after reopening (P7).
 */
static bool is_worth_another_try(h5ckpt_status status)
{
    return status == H5CKPT_E_SYSTEM || status == H5CKPT_E_DAMAGED || status == H5CKPT_E_OVERTAKEN ||
           status == H5CKPT_E_IO;
}

/* Which variables it is that are damaged, and how much. */
static h5ckpt_status say_damage(const struct duplicate *duplicate, const struct directory *directory,
                                struct buffer *buffer, struct error *error)
{
    struct error found = ERROR_NONE;

    if (slot_verify(directory, duplicate->from, duplicate->expected, FILE_READ, NULL, buffer, &found) ==
        H5CKPT_E_DAMAGED)
        error_move(error, &found);
    error_clear(&found);
    return H5CKPT_E_DAMAGED;
}

h5ckpt_status duplicate_file(const struct duplicate *duplicate, const struct directory *directory,
                             struct buffer *buffer, struct error *error)
{
    struct error ignored = ERROR_NONE;
    h5ckpt_status status = copy_once(
        duplicate, directory, slot_write_is_whole(&duplicate->record) ? THROUGH_CACHE : PAST_CACHE, buffer, error);

    if (is_worth_another_try(status)) {
        error_clear(error);
        status = copy_once(duplicate, directory, THROUGH_CACHE, buffer, error);
    }
    if (status < 0)
        directory_remove(directory, duplicate->to, &ignored); /* if it stays, the next open removes it */
    error_clear(&ignored);
    return status == H5CKPT_E_DAMAGED ? say_damage(duplicate, directory, buffer, error) : status;
}
