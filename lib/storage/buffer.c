/* SPDX-License-Identifier: MIT */
#include "storage/buffer.h"

#include <stdlib.h>

#include "format.h"

h5ckpt_status buffer_reserve(struct buffer *buffer, size_t byte_count, struct error *error)
{
    void *bytes;

    if (buffer->byte_count >= byte_count)
        return H5CKPT_OK;
    if (posix_memalign(&bytes, FORMAT_ALIGN_BYTES, byte_count) != 0)
        return error_set(error, H5CKPT_E_MEMORY, "no memory for %zu bytes between file and program", byte_count);
    free(buffer->bytes);
    *buffer = (struct buffer){bytes, byte_count};
    return H5CKPT_OK;
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->bytes);
    *buffer = BUFFER_NONE;
}
