/* SPDX-License-Identifier: MIT */
#include "storage/transfer.h"

#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* Where block `block` lies in the chunk's bytes. */
static unsigned char *block_in(const struct walk_chunk *chunk, const struct record *geometry, uint64_t block)
{
    return chunk->bytes + (record_block_offset(geometry, block) - chunk->offset);
}

/* ------------------------------------------------------------------- verify */

size_t transfer_damaged_byte_count(const struct record *record)
{
    return (size_t)(record_block_count(record) / CHAR_BIT + 1);
}

bool transfer_is_damaged(const unsigned char *damaged, uint64_t block)
{
    return damaged[block / CHAR_BIT] >> block % CHAR_BIT & 1;
}

struct verify {
    const struct file *file;
    const struct record *record;
    const struct checksum *table;
    const struct transfer_watch *watch; /* may be NULL */
    _Atomic uint64_t bytes_done;
    pthread_mutex_t lock; /* of what follows, and of the watch's bits */
    struct transfer_damage *damage;
    struct error unreadable;
};

static void mark(struct verify *verify, uint64_t block)
{
    if (verify->watch != NULL)
        verify->watch->damaged[block / CHAR_BIT] |= (unsigned char)(1u << block % CHAR_BIT);
}

static void count_damage(struct verify *verify, uint64_t block, const struct checksum *actual)
{
    struct transfer_damage *damage = verify->damage;

    pthread_mutex_lock(&verify->lock);
    if (damage->block_count++ == 0 || block < damage->first_block) {
        damage->first_block = block;
        damage->stored = verify->table[block];
        damage->actual = *actual;
    }
    mark(verify, block);
    pthread_mutex_unlock(&verify->lock);
}

static void check_blocks(struct verify *verify, const struct walk_chunk *chunk, uint64_t first, uint64_t count)
{
    for (uint64_t block = first; block < first + count; block++) {
        const unsigned char *bytes = block_in(chunk, verify->record, block);
        const struct checksum actual = checksum_of(bytes, record_block_length(verify->record, block));
        if (!checksum_equal(&actual, &verify->table[block]))
            count_damage(verify, block, &actual);
    }
}

/* The device could not give the chunk: what of it, then? */
static h5ckpt_status check_one_by_one(struct verify *verify, const struct walk_chunk *chunk, struct error *error)
{
    for (uint64_t block = chunk->first_block; block < chunk->first_block + chunk->block_count; block++) {
        h5ckpt_status status =
            file_read(verify->file, block_in(chunk, verify->record, block), record_block_length(verify->record, block),
                      record_block_offset(verify->record, block), error);
        if (status == H5CKPT_OK) {
            check_blocks(verify, chunk, block, 1);
            continue;
        }
        if (status != H5CKPT_E_IO)
            return status;
        pthread_mutex_lock(&verify->lock);
        mark(verify, block);
        if (verify->unreadable.status == H5CKPT_OK)
            error_move(&verify->unreadable, error); /* one is enough to say why */
        pthread_mutex_unlock(&verify->lock);
    }
    return H5CKPT_OK;
}

static h5ckpt_status verify_chunk(void *context, const struct walk_chunk *chunk, struct error *error)
{
    struct verify *verify = context;
    const struct transfer_watch *watch = verify->watch;
    h5ckpt_status status = file_read(verify->file, chunk->bytes, chunk->byte_count, chunk->offset, error);

    if (status == H5CKPT_OK)
        check_blocks(verify, chunk, chunk->first_block, chunk->block_count);
    else if (status == H5CKPT_E_IO && watch != NULL)
        status = check_one_by_one(verify, chunk, error);
    atomic_fetch_add(&verify->bytes_done, chunk->byte_count);
    if (status == H5CKPT_OK && watch != NULL && watch->advance != NULL && chunk->in_caller)
        watch->advance(watch->context, atomic_load(&verify->bytes_done));
    return status;
}

h5ckpt_status transfer_verify(const struct file *file, const struct record *record, const struct checksum *table,
                              struct transfer_damage *damage, const struct transfer_watch *watch, struct buffer *buffer,
                              struct error *error)
{
    struct verify verify = {
        .file = file,
        .record = record,
        .table = table,
        .watch = watch,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .damage = damage,
    };
    h5ckpt_status status;

    *damage = (struct transfer_damage){0};
    status = walk_reserve(buffer, record, error);
    if (status == H5CKPT_OK)
        status = walk_chunks(record, buffer, WALK_ANY_ORDER, verify_chunk, &verify, error);
    if (status == H5CKPT_OK && watch != NULL && watch->advance != NULL)
        watch->advance(watch->context, verify.bytes_done);
    if (status == H5CKPT_OK && verify.unreadable.status < 0) {
        status = verify.unreadable.status;
        error_move(error, &verify.unreadable);
    }
    error_clear(&verify.unreadable);
    pthread_mutex_destroy(&verify.lock);
    return status;
}

/* --------------------------------------------------------------------- load */

struct load {
    const struct file *file;
    const struct record *record;
    const struct checksum *table;
    const struct transfer_plan *plan;
    _Atomic bool handed_over;
};

/* Index of the first target that ends after `offset`. */
static size_t first_target_after(const struct transfer_plan *plan, uint64_t offset)
{
    size_t low = 0;
    size_t high = plan->target_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (plan->target[middle].offset + plan->target[middle].byte_count > offset)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void scatter(const struct transfer_target *target, uint64_t begin, uint64_t end, const unsigned char *bytes)
{
    uint64_t from = target->offset > begin ? target->offset : begin;
    uint64_t to = target->offset + target->byte_count < end ? target->offset + target->byte_count : end;

    if (from < to)
        memcpy(target->bytes + (from - target->offset), bytes + (from - begin), to - from);
}

h5ckpt_status transfer_read(const struct file *file, const struct record *record, const struct checksum *table,
                            const struct walk_chunk *chunk, struct error *error)
{
    h5ckpt_status status = file_read(file, chunk->bytes, chunk->byte_count, chunk->offset, error);

    for (uint64_t i = 0; i < chunk->block_count && status == H5CKPT_OK; i++) {
        const uint64_t block = chunk->first_block + i;
        const struct checksum actual = checksum_of(block_in(chunk, record, block), record_block_length(record, block));
        if (!checksum_equal(&actual, &table[block]))
            status = error_set(error, H5CKPT_E_DAMAGED, "'%s/%s': block %" PRIu64 " no longer matches its checksum",
                               file->directory->path, file->name, block);
    }
    return status;
}

static h5ckpt_status load_chunk(void *context, const struct walk_chunk *chunk, struct error *error)
{
    struct load *load = context;
    const struct transfer_plan *plan = load->plan;
    const uint64_t end = chunk->offset + chunk->byte_count;
    const size_t first = first_target_after(plan, chunk->offset);
    const bool wanted = first < plan->target_count && plan->target[first].offset < end;
    h5ckpt_status status;

    if (!wanted && !plan->every_block)
        return H5CKPT_OK;
    status = transfer_read(load->file, load->record, load->table, chunk, error);
    if (status < 0 || !wanted)
        return status;
    atomic_store(&load->handed_over, true);
    for (size_t i = first; i < plan->target_count && plan->target[i].offset < end; i++)
        scatter(&plan->target[i], chunk->offset, end, chunk->bytes);
    return H5CKPT_OK;
}

h5ckpt_status transfer_load(const struct file *file, const struct record *record, const struct checksum *table,
                            const struct transfer_plan *plan, bool *handed_over, struct buffer *buffer,
                            struct error *error)
{
    struct load load = {file, record, table, plan, false};
    h5ckpt_status status = walk_reserve(buffer, record, error);

    if (status == H5CKPT_OK)
        status = walk_chunks(record, buffer, plan->overlap ? WALK_ASCENDING : WALK_ANY_ORDER, load_chunk, &load, error);
    *handed_over = load.handed_over;
    return status;
}
