/* SPDX-License-Identifier: MIT */
#include "storage/child.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "storage/mapping.h"
#include "storage/team.h"
#include "storage/thread.h"

struct refusal {
    const char *reason; /* NULL: none; static, so that it is the same in both processes */
    size_t entry_index;
    int unknown; /* errno: mappings cannot be told */
};

struct child_shared {
    _Atomic bool hurried;
    _Atomic bool stopped;
    _Atomic size_t next_chunk;
    _Atomic size_t chunks_done;
    _Atomic size_t blocks_written;
    _Atomic int sibling[TEAM_SIZE_MAX]; /* process ids; 0: none */
    struct refusal refusal;
    _Atomic int failed; /* errno of a write … */
    uint64_t failed_at;
    struct checksum table[];
};

static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LONG_LOCK_FREE == 2, "processes share no locks");

/* ------------------------------------------------------------------- memory */

struct look {
    const struct layout *layout;
    const unsigned char *const *source;
    struct refusal refusal;
};

static bool look_at_mapping(void *context, const struct mapping *mapping)
{
    struct look *look = context;
    const char *reason = mapping_refusal(mapping);

    for (size_t i = 0; reason != NULL && i < look->layout->entry_count; i++) {
        const uintptr_t begin = (uintptr_t)look->source[i];
        if (look->layout->entry[i].byte_count == 0 || begin >= mapping->end ||
            begin + look->layout->entry[i].byte_count <= mapping->begin)
            continue;
        look->refusal.reason = reason;
        look->refusal.entry_index = i;
        return false;
    }
    return true;
}

static struct refusal find_refusal(const struct layout *layout, const unsigned char *const *source)
{
    struct look look = {layout, source, {0}};

    look.refusal.unknown = mapping_visit_all(look_at_mapping, &look);
    return look.refusal;
}

/* In the child: what its parent marked MADV_DONTFORK is a hole (msync(2): ENOMEM). */
static struct refusal find_hole(const struct layout *layout, const unsigned char *const *source)
{
    const uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);

    for (size_t i = 0; i < layout->entry_count; i++) {
        const uintptr_t begin = (uintptr_t)source[i] & ~(page_bytes - 1);
        const uintptr_t end = (uintptr_t)source[i] + layout->entry[i].byte_count;
        if (layout->entry[i].byte_count != 0 && msync((void *)begin, end - begin, MS_ASYNC) < 0 && errno == ENOMEM)
            return (struct refusal){.reason = "is not there in a child (MADV_DONTFORK)", .entry_index = i};
    }
    return (struct refusal){0};
}

static h5ckpt_status say_refusal(const struct refusal *refusal, const struct layout *layout, struct error *error)
{
    if (refusal->unknown != 0)
        return error_set_errno(error, refusal->unknown,
                               "H5CKPT_SAVE_FORKED: this system does not tell whether a child would see the variables "
                               "(/proc/self/smaps); use another save mode");
    const char *name = schema_program_name(layout->entry[refusal->entry_index].name);
    return error_set(error, H5CKPT_E_ARGUMENT,
                     "H5CKPT_SAVE_FORKED: memory of variable '%s' %s: use another save mode, or get and put functions",
                     name != NULL ? name : layout->entry[refusal->entry_index].name, refusal->reason);
}

static bool is_refused(const struct refusal *refusal)
{
    return refusal->reason != NULL || refusal->unknown != 0;
}

h5ckpt_status child_check_memory(const struct layout *layout, const unsigned char *const *source, struct error *error)
{
    const struct refusal refusal = find_refusal(layout, source);

    return is_refused(&refusal) ? say_refusal(&refusal, layout, error) : H5CKPT_OK;
}

/* ----------------------------------------------------------------- in the child */

/* Nobody is left to commit what it writes. */
static bool is_left_alone(const struct child *child)
{
    return system_calls->is_orphan(child->parent);
}

static void keep_pace(const struct child *child)
{
    const struct timespec slice = {.tv_nsec = 10000000};
    const int64_t due_ns = pace_due_ns(&child->pace, child_bytes_written(child));

    while (!atomic_load(&child->shared->hurried) && !is_left_alone(child) && system_calls->monotonic_time_ns() < due_ns)
        nanosleep(&slice, NULL);
}

static void write_blocks(const struct child *child, const struct walk_chunk *chunk, uint64_t blocks)
{
    struct child_shared *shared = child->shared;
    unsigned first;
    unsigned count;
    int failed = 0;

    while (!failed && gather_next_run(&blocks, &first, &count)) {
        const struct walk_chunk run = walk_run_of(chunk, &child->gather.layout->geometry, first, count);
        uint64_t failed_at = 0;
        failed = file_put(child->file, run.bytes, run.byte_count, run.offset, &failed_at);
        atomic_fetch_add(&shared->blocks_written, count);
        if (failed) {
            shared->failed_at = failed_at;
            atomic_store(&shared->failed, failed);
        }
    }
}

/* What the child and its siblings do: take chunks on until there are no more. */
static void write_chunks(const struct child *child, unsigned member)
{
    const struct record *geometry = &child->gather.layout->geometry;
    const struct walk_division division = walk_divide(geometry);
    struct child_shared *shared = child->shared;
    size_t index;

    while (!is_left_alone(child) && !atomic_load(&shared->stopped) && !atomic_load(&shared->failed) &&
           (index = atomic_fetch_add(&shared->next_chunk, 1)) < division.chunk_count) {
        struct walk_chunk chunk = walk_chunk_at(geometry, &division, index);
        chunk.bytes = child->buffer->bytes + member * division.chunk_bytes;
        write_blocks(child, &chunk, gather_chunk(&child->gather, &chunk, GATHER_TO_WRITE));
        atomic_fetch_add(&shared->chunks_done, 1);
        if (child->pace.bytes_per_second != 0)
            keep_pace(child);
    }
}

struct sibling {
    const struct child *child;
    unsigned member;
};

static void be_sibling(void *context)
{
    const struct sibling *sibling = context;

    atomic_store(&sibling->child->shared->sibling[sibling->member], (int)system_calls->process_id());
    write_chunks(sibling->child, sibling->member);
}

static struct system_child process(const struct child *child, void (*body)(void *context), void *context, bool beside)
{
    const int file = child->file->descriptor;
    const int lock = child->lock->descriptor;

    return (struct system_child){body, context, {file < lock ? file : lock, file < lock ? lock : file}, beside};
}

/*
 * A device takes several writes at once; a thread would need what a child must not use. They are children of the
 * program, not of this child: it awaits them, and if this one dies nobody inherits them. Where there are fewer, it
 * takes longer.
 */
static void write_with_siblings(const struct child *child)
{
    const unsigned members = walk_divide(&child->gather.layout->geometry).member_count;
    struct sibling sibling[TEAM_SIZE_MAX];

    for (unsigned i = 1; i < members; i++) {
        sibling[i] = (struct sibling){child, i};
        const struct system_child run = process(child, be_sibling, &sibling[i], true);
        const int64_t id = system_calls->run_child(&run);
        if (id > 0)
            atomic_store(&child->shared->sibling[i], (int)id);
    }
    write_chunks(child, 0);
}

static void be_child(void *context)
{
    const struct child *child = context;
    struct refusal *refusal = &child->shared->refusal;

    system_calls->stand_back(&child->manners);
    *refusal = find_refusal(child->gather.layout, child->gather.source);
    if (!is_refused(refusal))
        *refusal = find_hole(child->gather.layout, child->gather.source);
    if (!is_refused(refusal))
        write_with_siblings(child);
}

/* ------------------------------------------------------------------ in the parent */

static size_t table_bytes(const struct child *child)
{
    return (size_t)record_block_count(&child->gather.layout->geometry) * CHECKSUM_BYTES;
}

h5ckpt_status child_start(struct child *child, struct error *error)
{
    struct checksum *table = child->gather.table;
    const struct system_child run = process(child, be_child, child, false);
    int reason;

    child->shared_bytes = sizeof *child->shared + table_bytes(child);
    child->shared = mmap(NULL, child->shared_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (child->shared == MAP_FAILED)
        return error_set(error, H5CKPT_E_MEMORY, "no memory for a block table of %zu bytes", child->shared_bytes);
    memcpy(child->shared->table, table, table_bytes(child));
    child->parent = system_calls->process_id();
    child->gather.table = child->shared->table;
    const int cancel = thread_hold_cancel(); /* or it would act in the child, which inherits it */
    child->id = system_calls->run_child(&run);
    reason = errno;
    thread_release_cancel(cancel);
    child->gather.table = table;
    if (child->id >= 0)
        return H5CKPT_OK;
    munmap(child->shared, child->shared_bytes);
    return error_set_errno(error, reason,
                           "H5CKPT_SAVE_FORKED: the system gives no child process; use another save mode");
}

static h5ckpt_status say_outcome(const struct child *child, int wait_status, struct error *error)
{
    const struct child_shared *shared = child->shared;

    if (is_refused(&shared->refusal))
        return say_refusal(&shared->refusal, child->gather.layout, error);
    if (shared->failed)
        return file_say_unwritten(child->file, shared->failed, shared->failed_at, error);
    if (WIFSIGNALED(wait_status))
        return error_set(error, H5CKPT_E_SYSTEM, "the child process that wrote '%s/%s' was killed by signal %d",
                         child->file->directory->path, child->file->name, WTERMSIG(wait_status));
    return error_set(error, H5CKPT_E_SYSTEM, "the child process that wrote '%s/%s' ended before it was done",
                     child->file->directory->path, child->file->name);
}

static bool is_done(const struct child *child)
{
    return child->shared->failed == 0 &&
           child->shared->chunks_done == walk_divide(&child->gather.layout->geometry).chunk_count;
}

/* What they write is of no use if the child has died; and their chunks are missing if they have. */
static void await_siblings(const struct child *child, bool child_has_died)
{
    for (unsigned i = 1; i < TEAM_SIZE_MAX; i++) {
        const int id = atomic_load(&child->shared->sibling[i]);
        int wait_status;
        if (id != 0 && child_has_died)
            system_calls->end_child(id);
        if (id != 0)
            system_calls->await_child(id, &wait_status);
    }
}

h5ckpt_status child_await(struct child *child, bool *write_failed, struct error *error)
{
    int wait_status = 0;
    h5ckpt_status status = H5CKPT_OK;

    if (system_calls->await_child(child->id, &wait_status) < 0)
        status = error_set_errno(error, errno, "cannot wait for the child process that writes '%s/%s'",
                                 child->file->directory->path, child->file->name);
    atomic_store(&child->shared->stopped, wait_status != 0); /* a sibling that has not said yet that it is there */
    await_siblings(child, wait_status != 0);
    if (status == H5CKPT_OK && !is_done(child))
        status = say_outcome(child, wait_status, error);
    else if (status == H5CKPT_OK)
        memcpy(child->gather.table, child->shared->table, table_bytes(child));
    *write_failed = status < 0 && !is_refused(&child->shared->refusal);
    return status;
}

uint64_t child_bytes_written(const struct child *child)
{
    return (uint64_t)atomic_load(&child->shared->blocks_written) * FORMAT_BLOCK_BYTES;
}

void child_end(struct child *child)
{
    munmap(child->shared, child->shared_bytes);
}

void child_hurry(struct child *child)
{
    atomic_store(&child->shared->hurried, true);
}
