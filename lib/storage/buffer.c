/* SPDX-License-Identifier: MIT */
#include "storage/buffer.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "bytes.h"
#include "format.h"

enum { HUGE_PAGE_BYTES = 2 << 20 }; /* of most machines; elsewhere the advice is worth less */

/*
 * A device moves a piece of memory faster the fewer pages it is scattered over, and the kernel finds fresh memory
 * faster the larger they are: measured, docs/decisions.md.
 */
void *buffer_allocate(size_t byte_count)
{
    const bool huge = byte_count >= HUGE_PAGE_BYTES;
    void *bytes;

    if (byte_count > PTRDIFF_MAX)
        return NULL;
    if (huge)
        byte_count = bytes_round_up(byte_count, HUGE_PAGE_BYTES);
    if (posix_memalign(&bytes, huge ? HUGE_PAGE_BYTES : FORMAT_ALIGN_BYTES, byte_count) != 0)
        return NULL;
    if (huge)
        madvise(bytes, byte_count, MADV_HUGEPAGE); /* advice: where there are none, nothing is lost */
    return bytes;
}

h5ckpt_status buffer_reserve(struct buffer *buffer, size_t byte_count, struct error *error)
{
    void *bytes;

    if (buffer->byte_count >= byte_count)
        return H5CKPT_OK;
    bytes = buffer_allocate(byte_count);
    if (bytes == NULL)
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
