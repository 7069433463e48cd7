/* SPDX-License-Identifier: MIT */
#include "storage/view.h"

#include <string.h>

#include "bytes.h"
#include "storage/file.h"
#include "storage/hdf5/structure.h"
#include "storage/slot.h"

#define VIEW_NEW_NAME FORMAT_VIEW_NAME FORMAT_NEW_SUFFIX

static const unsigned char VIEW_MAGIC[8] = {0x89, 'H', '5', 'V', 'I', 'E', 'W', '\n'};

enum { /* docs/format.md 4 */
       AT_MAGIC = 0,
       AT_VERSION = 8,
       AT_DIRECTORY_ID = 16,
       AT_CURRENT = 32,
       AT_PREVIOUS = 36,
       HEAD_BYTES = 40,
       VIEW_BYTES_MAX = 1 << 16, /* ours has about 5,000 */
};

enum view_owner { VIEW_ABSENT, VIEW_OURS, VIEW_TORN, VIEW_STRANGERS };

static int slot_from_u32(uint32_t number)
{
    return number < FORMAT_SLOT_COUNT_MAX ? (int)number : VIEW_NO_SLOT;
}

/* Never flushed, a view may be empty or all zeros after a power cut. Whoever's it was, nothing is in it. */
static bool is_all_zeros(const struct file *file)
{
    static const unsigned char ZEROS[FORMAT_USER_BLOCK_BYTES];
    struct error ignored = ERROR_NONE;
    unsigned char bytes[FORMAT_USER_BLOCK_BYTES];
    struct entry entry = {.byte_count = VIEW_BYTES_MAX + 1};
    bool zeros = file_look(file, &entry, &ignored) == H5CKPT_OK && entry.byte_count <= VIEW_BYTES_MAX;

    for (uint64_t at = 0; zeros && at < entry.byte_count; at += sizeof bytes) {
        const uint64_t left = entry.byte_count - at;
        const size_t length = left < sizeof bytes ? (size_t)left : sizeof bytes;
        zeros = file_read(file, bytes, length, at, &ignored) == H5CKPT_OK && memcmp(bytes, ZEROS, length) == 0;
    }
    error_clear(&ignored);
    return zeros;
}

static bool is_ours(const unsigned char head[HEAD_BYTES], const unsigned char directory_id[FORMAT_ID_BYTES])
{
    return memcmp(head + AT_MAGIC, VIEW_MAGIC, sizeof VIEW_MAGIC) == 0 &&
           memcmp(head + AT_DIRECTORY_ID, directory_id, FORMAT_ID_BYTES) == 0;
}

static enum view_owner look(const struct directory *directory, const unsigned char directory_id[FORMAT_ID_BYTES],
                            unsigned char head[HEAD_BYTES])
{
    struct error ignored = ERROR_NONE;
    struct file file = FILE_NONE;
    enum view_owner owner = VIEW_STRANGERS;
    h5ckpt_status status = file_open(&file, directory, FORMAT_VIEW_NAME, FILE_READ, &ignored);

    if (status == H5CKPT_NO_CHECKPOINT)
        owner = VIEW_ABSENT;
    else if (status == H5CKPT_OK && is_all_zeros(&file))
        owner = VIEW_TORN;
    else if (status == H5CKPT_OK && file_read(&file, head, HEAD_BYTES, 0, &ignored) == H5CKPT_OK &&
             is_ours(head, directory_id))
        owner = VIEW_OURS;
    file_close(&file);
    error_clear(&ignored);
    return owner;
}

void view_read(struct view *view, const struct directory *directory, const unsigned char directory_id[FORMAT_ID_BYTES])
{
    unsigned char head[HEAD_BYTES];

    view->current = view->previous = VIEW_NO_SLOT;
    if (look(directory, directory_id, head) != VIEW_OURS)
        return;
    view->current = slot_from_u32(bytes_get_u32(head + AT_CURRENT));
    view->previous = slot_from_u32(bytes_get_u32(head + AT_PREVIOUS));
}

static h5ckpt_status fill(const struct directory *directory, const unsigned char *head,
                          const struct structure *structure, mode_t mode, struct error *error)
{
    unsigned char user_block[FORMAT_USER_BLOCK_BYTES] = {0};
    struct file file = FILE_NONE;
    bool reserved;
    h5ckpt_status status;

    memcpy(user_block, head, HEAD_BYTES);
    status = directory_remove(directory, VIEW_NEW_NAME, error);
    if (status == H5CKPT_OK)
        status = file_create(&file, directory, VIEW_NEW_NAME, mode, error);
    if (status == H5CKPT_OK)
        status = file_allocate(&file, structure->end, &reserved, error);
    if (status == H5CKPT_OK)
        status = file_write(&file, user_block, sizeof user_block, 0, error);
    for (size_t i = 0; i < structure->run_count && status == H5CKPT_OK; i++)
        status =
            file_write(&file, structure->run[i].bytes, structure->run[i].byte_count, structure->run[i].offset, error);
    file_close(&file);
    return status;
}

void view_free(struct view *view)
{
    for (unsigned current = 0; current < FORMAT_SLOT_COUNT_MAX + 1; current++)
        for (unsigned previous = 0; previous < FORMAT_SLOT_COUNT_MAX + 1; previous++)
            structure_free(&view->image[current][previous]);
}

static unsigned image_index(int slot)
{
    return slot == VIEW_NO_SLOT ? FORMAT_SLOT_COUNT_MAX : (unsigned)slot;
}

static const char *name_of(int slot)
{
    return slot == VIEW_NO_SLOT ? NULL : slot_name((unsigned)slot);
}

/* HDF5 takes longer than the rest of a small save: each image is built once. */
static h5ckpt_status find_image(struct view *view, int current, int previous, const struct structure **image,
                                struct error *error)
{
    struct structure *kept = &view->image[image_index(current)][image_index(previous)];

    *image = kept;
    return kept->run_count != 0 ? H5CKPT_OK : structure_build_view(kept, name_of(current), name_of(previous), error);
}

h5ckpt_status view_write(struct view *view, const struct directory *directory,
                         const unsigned char directory_id[FORMAT_ID_BYTES], int current, int previous, mode_t mode,
                         struct error *error)
{
    const struct structure *image;
    struct error ignored = ERROR_NONE;
    unsigned char head[HEAD_BYTES] = {0};
    h5ckpt_status status;

    if ((view->current == current && view->previous == previous) ||
        look(directory, directory_id, head) == VIEW_STRANGERS)
        return H5CKPT_OK;
    memset(head, 0, sizeof head);
    memcpy(head + AT_MAGIC, VIEW_MAGIC, sizeof VIEW_MAGIC);
    bytes_put_u32(head + AT_VERSION, FORMAT_VERSION);
    memcpy(head + AT_DIRECTORY_ID, directory_id, FORMAT_ID_BYTES);
    bytes_put_u32(head + AT_CURRENT, (uint32_t)current);
    bytes_put_u32(head + AT_PREVIOUS, (uint32_t)previous);
    status = find_image(view, current, previous, &image, error);
    if (status == H5CKPT_OK)
        status = fill(directory, head, image, mode, error);
    if (status == H5CKPT_OK)
        status = directory_rename(directory, VIEW_NEW_NAME, FORMAT_VIEW_NAME, error);
    if (status == H5CKPT_OK) {
        view->current = current;
        view->previous = previous;
    } else {
        directory_remove(directory, VIEW_NEW_NAME, &ignored);
    }
    error_clear(&ignored);
    return status;
}

h5ckpt_status view_remove(const struct directory *directory, const unsigned char directory_id[FORMAT_ID_BYTES],
                          struct error *error)
{
    unsigned char head[HEAD_BYTES];

    const enum view_owner owner = look(directory, directory_id, head);

    if (owner != VIEW_OURS && owner != VIEW_TORN)
        return H5CKPT_OK;
    return directory_remove(directory, FORMAT_VIEW_NAME, error);
}
