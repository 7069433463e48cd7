/* SPDX-License-Identifier: MIT */
#include "storage/slot_write.h"

#include <errno.h>
#include <string.h>

enum { WHOLE_BYTES_MAX = 128 << 10 };

bool slot_write_is_whole(const struct record *geometry)
{
    return geometry->file_bytes <= WHOLE_BYTES_MAX;
}

static const char *name_to_write(const struct slot_write *write)
{
    return write->in_place ? slot_name(write->number) : slot_new_name(write->number);
}

/* The table's bytes to the file's end, zeros behind the last checksum. */
static size_t table_to_end(const struct slot_write *write)
{
    return (size_t)(write->record.file_bytes - write->record.table_offset);
}

/* --------------------------------------------------------------------- open */

/* A file of the save's length under the name of files being filled. */
static h5ckpt_status make_new(struct slot_write *write, const struct directory *directory, struct error *error)
{
    const char *name = slot_new_name(write->number);
    bool reserved;
    h5ckpt_status status;

    status = directory_remove(directory, name, error); /* of a save that failed and could not take it away */
    if (status == H5CKPT_OK)
        status = file_create(&write->file, directory, name, write->file_mode, error);
    if (status == H5CKPT_OK)
        status = file_allocate(&write->file, write->record.file_bytes, &reserved, error);
    file_close(&write->file);
    return status;
}

static h5ckpt_status check_expected(const struct slot_write *write, struct error *error)
{
    struct entry entry;
    h5ckpt_status status = file_look(&write->file, &entry, error);

    if (status == H5CKPT_OK && !entry_equal(&entry, &write->expected))
        status = error_set(error, H5CKPT_E_BUSY, "'%s/%s' was changed while the save was prepared; it was not written",
                           write->file.directory->path, write->file.name);
    return status;
}

static bool is_refusal(h5ckpt_status status, const struct error *error)
{
    return status == H5CKPT_E_SYSTEM && (error->system_errno == EINVAL || error->system_errno == EOPNOTSUPP);
}

/*
 * Some file systems take O_DIRECT and then refuse to write so. A write where everything is about to be written anyway
 * tells.
 */
static h5ckpt_status try_write(struct slot_write *write, struct error *error)
{
    write->touched |= write->in_place;
    return file_write(&write->file, write->table, FORMAT_ALIGN_BYTES, write->record.table_offset, error);
}

/* A file that was there just now. That it is gone, or something else, is somebody else's doing. */
static h5ckpt_status open_file(struct file *file, const struct directory *directory, const char *name,
                               enum file_access access, struct error *error)
{
    h5ckpt_status status = file_open(file, directory, name, access, error);

    if (status == H5CKPT_NO_CHECKPOINT)
        status = error_set(error, H5CKPT_E_BUSY, "'%s/%s' has vanished", directory->path, name);
    if (status == H5CKPT_E_DAMAGED)
        error->status = status = H5CKPT_E_BUSY;
    return status;
}

static h5ckpt_status open_through_cache(struct slot_write *write, const struct directory *directory,
                                        struct error *error)
{
    file_close(&write->file);
    error_clear(error);
    return open_file(&write->file, directory, name_to_write(write), FILE_WRITE, error);
}

h5ckpt_status slot_write_begin(struct slot_write *write, const struct directory *directory, struct error *error)
{
    h5ckpt_status status = H5CKPT_OK;

    write->file = FILE_NONE;
    write->touched = false;
    if (!write->in_place)
        status = make_new(write, directory, error);
    if (status < 0)
        return status;
    status = open_file(&write->file, directory, name_to_write(write), FILE_WRITE_PAST_CACHE, error);
    const bool past_cache = status == H5CKPT_OK;
    if (status == H5CKPT_E_SYSTEM)
        status = open_through_cache(write, directory, error);
    if (status == H5CKPT_OK && write->in_place)
        status = check_expected(write, error);
    if (status < 0 || !past_cache || write->whole || write->tried)
        return status;
    status = try_write(write, error);
    if (is_refusal(status, error))
        return open_through_cache(write, directory, error);
    write->tried = status == H5CKPT_OK;
    return status;
}

/* ------------------------------------------------------------------ content */

static void complete_record(struct slot_write *write, unsigned char head[FORMAT_USER_BLOCK_BYTES])
{
    write->record.table_digest = checksum_of((const unsigned char *)write->table, table_to_end(write));
    memset(head, 0, FORMAT_USER_BLOCK_BYTES);
    record_encode(&write->record, head);
}

h5ckpt_status slot_write_whole(struct slot_write *write, unsigned char *bytes, struct error *error)
{
    const size_t byte_count = (size_t)write->record.file_bytes;
    const struct directory *directory = write->file.directory;
    h5ckpt_status status;

    memcpy(bytes + write->record.table_offset, write->table, table_to_end(write));
    complete_record(write, bytes);
    write->touched |= write->in_place;
    status = file_write(&write->file, bytes, byte_count, 0, error);
    if (is_refusal(status, error)) {
        status = open_through_cache(write, directory, error);
        if (status == H5CKPT_OK)
            status = file_write(&write->file, bytes, byte_count, 0, error);
    }
    return status;
}

/* The order in which blocks, table and record reach the device does not matter (docs/format.md 6). */
h5ckpt_status slot_write_table(struct slot_write *write, unsigned char *bytes, struct error *error)
{
    h5ckpt_status status;

    status = file_write(&write->file, write->table, table_to_end(write), write->record.table_offset, error);
    if (status < 0)
        return status;
    complete_record(write, bytes);
    return file_write(&write->file, bytes, FORMAT_USER_BLOCK_BYTES, 0, error);
}

/* ------------------------------------------------------------------- commit */

static h5ckpt_status rename_new(struct slot_write *write, const struct directory *directory, struct error *error)
{
    const char *name = slot_name(write->number);
    struct error ignored = ERROR_NONE;
    struct entry named;
    h5ckpt_status status = directory_rename(directory, slot_new_name(write->number), name, error);

    if (status < 0)
        return status;
    write->touched = true;
    if (directory_look(directory, name, &named, &ignored) == H5CKPT_OK && entry_equal_content(&named, &write->left))
        write->left = named;
    else
        write->left.changed_ns = 0; /* not known: the next save takes nothing for granted */
    error_clear(&ignored);
    return directory_flush(directory, error);
}

h5ckpt_status slot_write_commit(struct slot_write *write, struct error *error)
{
    const struct directory *directory = write->file.directory;
    h5ckpt_status status = file_flush(&write->file, error);

    if (status == H5CKPT_OK)
        status = file_look(&write->file, &write->left, error);
    file_close(&write->file);
    if (status == H5CKPT_OK && !write->in_place)
        status = rename_new(write, directory, error);
    return status;
}

void slot_write_abandon(struct slot_write *write, const struct directory *directory)
{
    struct error ignored = ERROR_NONE;

    file_close(&write->file);
    if (!write->in_place && !write->touched)
        directory_remove(directory, slot_new_name(write->number), &ignored); /* if it stays, the next open removes it */
    error_clear(&ignored);
}

/* ------------------------------------------------------------------ reserve */

static h5ckpt_status write_zeros(const struct file *file, uint64_t byte_count, struct buffer *buffer,
                                 struct error *error)
{
    h5ckpt_status status = H5CKPT_OK;

    memset(buffer->bytes, 0, buffer->byte_count);
    for (uint64_t at = 0; at < byte_count && status == H5CKPT_OK; at += buffer->byte_count) {
        const uint64_t left = byte_count - at;
        status =
            file_write(file, buffer->bytes, left < buffer->byte_count ? (size_t)left : buffer->byte_count, at, error);
    }
    return status;
}

/* Past the page cache where that can be, as the saves that follow. */
static h5ckpt_status fill_with_zeros(struct file *file, uint64_t byte_count, struct buffer *buffer, struct error *error)
{
    const struct directory *directory = file->directory;
    char name[sizeof file->name];
    h5ckpt_status status;

    memcpy(name, file->name, sizeof name);
    file_close(file);
    status = open_file(file, directory, name, FILE_WRITE_PAST_CACHE, error);
    if (status == H5CKPT_OK)
        status = write_zeros(file, byte_count, buffer, error);
    if (status != H5CKPT_E_SYSTEM)
        return status;
    file_close(file);
    error_clear(error);
    status = open_file(file, directory, name, FILE_WRITE, error);
    return status == H5CKPT_OK ? write_zeros(file, byte_count, buffer, error) : status;
}

h5ckpt_status slot_reserve(const struct directory *directory, unsigned number, const struct record *record,
                           enum slot_fill fill, mode_t file_mode, struct buffer *buffer, struct error *error)
{
    struct file file = FILE_NONE;
    bool reserved = false;
    h5ckpt_status status;

    status = directory_remove(directory, slot_new_name(number), error);
    if (status == H5CKPT_OK)
        status = file_create(&file, directory, slot_new_name(number), file_mode, error);
    if (status < 0)
        return status;
    status = file_allocate(&file, record->file_bytes, &reserved, error);
    if (status == H5CKPT_OK &&
        (fill == SLOT_WRITTEN || !reserved)) /* where nothing can be reserved, zeros take the space */
        status = fill_with_zeros(&file, record->file_bytes, buffer, error);
    memset(buffer->bytes, 0, FORMAT_USER_BLOCK_BYTES);
    record_encode(record, buffer->bytes);
    if (status == H5CKPT_OK)
        status = file_write(&file, buffer->bytes, FORMAT_USER_BLOCK_BYTES, 0, error);
    if (status == H5CKPT_OK)
        status = file_flush(&file, error);
    file_close(&file);
    if (status == H5CKPT_OK)
        status = directory_rename(directory, slot_new_name(number), slot_name(number), error);
    return status;
}
