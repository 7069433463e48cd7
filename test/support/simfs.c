/* SPDX-License-Identifier: MIT */
/*
 * simfs.c: see simfs.h for the model; its numbers are cited here.
 *
 * Bytes of sectors never change once made: a write makes new ones. So an image shares them with its source, and copies
 * a file's list of sectors only when it writes to the file. Everything but a few tables lives in the file system's
 * arena, which is emptied when it becomes another image.
 *
 * Every change goes through simfs_replay(): what the library does is first checked, then noted as an operation, then
 * replayed on the file system itself.
 */
#include "support/simfs.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    ROOT_INODE = 1,
    FIRST_DESCRIPTOR = 1000, /* far from the kernel's: mixing them up fails */
    ARENA_CHUNK_BYTES = 1 << 20,
    BLOCK_BYTES = 4096,
};

/* ------------------------------------------------------------------- arena */

struct chunk {
    struct chunk *next;
    size_t byte_count;
    unsigned char bytes[];
};

struct arena {
    struct chunk *first;
    struct chunk *current;
    size_t used;
};

static void *allocate_or_abort(size_t byte_count)
{
    void *memory = malloc(byte_count);

    if (memory == NULL) {
        fputs("simfs: out of memory\n", stderr);
        abort();
    }
    return memory;
}

/* Uninitialized memory, until the arena is emptied. */
static void *arena_take(struct arena *arena, size_t byte_count)
{
    byte_count = (byte_count + 15) & ~(size_t)15;
    while (arena->current == NULL || arena->used + byte_count > arena->current->byte_count) {
        struct chunk **next = arena->current == NULL ? &arena->first : &arena->current->next;
        if (*next == NULL) {
            size_t chunk_bytes = byte_count > ARENA_CHUNK_BYTES ? byte_count : ARENA_CHUNK_BYTES;
            *next = allocate_or_abort(sizeof **next + chunk_bytes);
            **next = (struct chunk){.byte_count = chunk_bytes};
        }
        arena->current = *next;
        arena->used = 0;
    }
    arena->used += byte_count;
    return arena->current->bytes + arena->used - byte_count;
}

static void arena_empty(struct arena *arena)
{
    arena->current = arena->first;
    arena->used = 0;
}

static void arena_free(struct arena *arena)
{
    for (struct chunk *chunk = arena->first; chunk != NULL;) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

/* Room for one more element of an array in the arena: a larger copy when it is full. */
static void *arena_grow(struct arena *arena, void *array, size_t count, size_t *capacity, size_t element_bytes)
{
    if (count < *capacity)
        return array;
    *capacity = count < 8 ? 8 : 2 * count;
    void *larger = arena_take(arena, *capacity * element_bytes);
    if (count > 0)
        memcpy(larger, array, count * element_bytes);
    return larger;
}

/* ------------------------------------------------------------------- tables */

struct content {
    uint64_t digest;
    const unsigned char *bytes; /* of one sector */
};

/* What a sector holds; NULL stands for zeros. Never changed once made. */
typedef const struct content *sector_content;

struct sector_version {
    sector_content content;
    const struct sector_version *older;
};

struct sector {
    sector_content cached;
    sector_content visible;
    sector_content durable;
    const struct sector_version *in_flight; /* newest first; never the durable one */
    unsigned in_flight_count;
    bool dirty; /* the cached bytes are still to be written to the device */
};

struct size_version {
    uint64_t size;
    const struct size_version *older;
};

struct entry {
    char name[SIMFS_NAME_BYTES];
    uint64_t inode;
};

struct inode {
    uint64_t number;
    mode_t mode;
    nlink_t link_count;  /* entries in the cache that name it */
    bool sectors_shared; /* with the image's source: copy before writing */
    uint64_t size;       /* cached */
    uint64_t revision;   /* of the content: what it shows as times */
    uint64_t durable_size;
    const struct size_version *size_in_flight; /* newest first */
    unsigned size_in_flight_count;
    struct sector *sector;
    size_t sector_count, sector_capacity;
    struct entry *entry; /* of a directory, cached */
    size_t entry_count, entry_capacity;
    struct entry *durable_entry;
    size_t durable_entry_count;
    const struct simfs_op **change; /* of a directory, in flight, oldest first */
    size_t change_count, change_capacity;
    unsigned lock_owner; /* open file description, or 0; a write lock */
};

struct description { /* an open file; index + FIRST_DESCRIPTOR is the descriptor */
    unsigned id;     /* 0: unused */
    uint64_t inode;
    int flags;
    char name[SIMFS_NAME_BYTES];
};

struct simfs {
    struct arena arena;
    struct inode **inode; /* by number; NULL: gone. In the arena */
    size_t inode_count, inode_capacity;
    struct simfs_op **op; /* in the arena */
    size_t op_count, op_capacity;
    struct description description[SIMFS_DESCRIPTOR_COUNT_MAX];
    unsigned description_count; /* ever opened */
    bool process_dead;
    uint64_t process_number;
    uint64_t boot_number;
    uint64_t seed;
    uint64_t random_state;
    int64_t time_ns;
    enum simfs_direct direct;
    unsigned lies;
    const char *lie_prefix;
    bool fault_set;
    struct simfs_fault fault;
};

static struct simfs *in_use;
static void (*before_change)(void);

static uint64_t mix(uint64_t value) /* splitmix64's finalizer */
{
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

static struct inode *inode_of(const struct simfs *fs, uint64_t number)
{
    return number < fs->inode_count ? fs->inode[number] : NULL;
}

static struct inode *inode_new(struct simfs *fs, uint64_t number, mode_t mode)
{
    struct inode *inode = arena_take(&fs->arena, sizeof *inode);

    while (fs->inode_count <= number) {
        fs->inode = arena_grow(&fs->arena, fs->inode, fs->inode_count, &fs->inode_capacity, sizeof(struct inode *));
        fs->inode[fs->inode_count++] = NULL;
    }
    *inode = (struct inode){.number = number, .mode = mode};
    fs->inode[number] = inode;
    return inode;
}

static struct entry *find_entry(struct entry *entry, size_t entry_count, const char *name)
{
    for (size_t i = 0; i < entry_count; i++)
        if (strcmp(entry[i].name, name) == 0)
            return &entry[i];
    return NULL;
}

static struct inode *look_up(const struct simfs *fs, const struct inode *directory, const char *name)
{
    const struct entry *entry = find_entry(directory->entry, directory->entry_count, name);

    return entry == NULL ? NULL : inode_of(fs, entry->inode);
}

/* --------------------------------------------------------- one entry's change */

static void set_entry(struct entry *entry, size_t *entry_count, const char *name, uint64_t inode)
{
    struct entry *found = find_entry(entry, *entry_count, name);

    if (found == NULL) {
        found = &entry[(*entry_count)++];
        strcpy(found->name, name);
    }
    found->inode = inode;
}

static void remove_entry(struct entry *entry, size_t *entry_count, const char *name, uint64_t inode)
{
    struct entry *found = find_entry(entry, *entry_count, name);

    if (found != NULL && found->inode == inode)
        *found = entry[--*entry_count];
}

/* Do a name operation to a list of entries, which has room for one more. */
static void change_entries(struct entry *entry, size_t *entry_count, const struct simfs_op *op)
{
    switch (op->kind) {
    case SIMFS_CREATE:
    case SIMFS_MAKE_DIRECTORY:
        set_entry(entry, entry_count, op->name, op->target);
        break;
    case SIMFS_LINK:
        set_entry(entry, entry_count, op->to, op->target);
        break;
    case SIMFS_RENAME:
        remove_entry(entry, entry_count, op->name, op->target);
        set_entry(entry, entry_count, op->to, op->target);
        break;
    case SIMFS_REMOVE:
        remove_entry(entry, entry_count, op->name, op->target);
        break;
    default:
        assert(!"not a name operation");
    }
}

static void count_links(struct simfs *fs)
{
    for (size_t i = 0; i < fs->inode_count; i++)
        if (fs->inode[i] != NULL)
            fs->inode[i]->link_count = i == ROOT_INODE;
    for (size_t i = 0; i < fs->inode_count; i++)
        for (size_t j = 0; fs->inode[i] != NULL && j < fs->inode[i]->entry_count; j++)
            fs->inode[fs->inode[i]->entry[j].inode]->link_count++;
}

static void replay_name(struct simfs *fs, const struct simfs_op *op)
{
    struct inode *directory = inode_of(fs, op->inode);

    if (op->kind == SIMFS_CREATE || op->kind == SIMFS_MAKE_DIRECTORY)
        inode_new(fs, op->target, op->mode);
    directory->entry = arena_grow(&fs->arena, directory->entry, directory->entry_count, &directory->entry_capacity,
                                  sizeof *directory->entry);
    change_entries(directory->entry, &directory->entry_count, op);
    directory->change = arena_grow(&fs->arena, directory->change, directory->change_count, &directory->change_capacity,
                                   sizeof *directory->change);
    directory->change[directory->change_count++] = op;
    count_links(fs);
}

/* -------------------------------------------------------- sectors of one file */

/* Make the sectors writable and at least `count`. */
static void own_sectors(struct simfs *fs, struct inode *inode, size_t count)
{
    if (inode->sectors_shared || count > inode->sector_capacity) {
        size_t capacity = count > inode->sector_count ? count + count / 4 : inode->sector_count;
        struct sector *sector = arena_take(&fs->arena, capacity * sizeof *sector);
        if (inode->sector_count > 0)
            memcpy(sector, inode->sector, inode->sector_count * sizeof *sector);
        inode->sector = sector;
        inode->sector_capacity = capacity;
        inode->sectors_shared = false;
    }
    for (; inode->sector_count < count; inode->sector_count++)
        inode->sector[inode->sector_count] = (struct sector){0};
}

static sector_content content_of(struct simfs *fs, const unsigned char *bytes)
{
    struct content *content = arena_take(&fs->arena, sizeof *content);

    *content = (struct content){.digest = XXH3_64bits(bytes, SIMFS_SECTOR_BYTES), .bytes = bytes};
    return content;
}

/* A copy of a sector's bytes, to be changed. */
static unsigned char *copy_of(struct simfs *fs, sector_content content)
{
    unsigned char *copy = arena_take(&fs->arena, SIMFS_SECTOR_BYTES);

    if (content != NULL)
        memcpy(copy, content->bytes, SIMFS_SECTOR_BYTES);
    else
        memset(copy, 0, SIMFS_SECTOR_BYTES);
    return copy;
}

static void put_in_flight(struct simfs *fs, struct sector *sector, sector_content content)
{
    struct sector_version *version = arena_take(&fs->arena, sizeof *version);

    *version = (struct sector_version){.content = content, .older = sector->in_flight};
    sector->in_flight = version;
    sector->in_flight_count++;
    sector->cached = content;
}

static void set_size(struct simfs *fs, struct inode *inode, uint64_t size)
{
    struct size_version *version;

    if (size == inode->size)
        return;
    version = arena_take(&fs->arena, sizeof *version);
    *version = (struct size_version){.size = size, .older = inode->size_in_flight};
    inode->size_in_flight = version;
    inode->size_in_flight_count++;
    inode->size = size;
}

static void replay_write(struct simfs *fs, const struct simfs_op *op, size_t byte_count)
{
    struct inode *inode = inode_of(fs, op->inode);
    const uint64_t end = op->offset + byte_count;

    if (byte_count == 0)
        return;
    inode->revision++;
    own_sectors(fs, inode, (end + SIMFS_SECTOR_BYTES - 1) / SIMFS_SECTOR_BYTES);
    for (uint64_t at = op->offset; at < end;) {
        struct sector *sector = &inode->sector[at / SIMFS_SECTOR_BYTES];
        size_t from = at % SIMFS_SECTOR_BYTES;
        size_t count = end - at < SIMFS_SECTOR_BYTES - from ? end - at : SIMFS_SECTOR_BYTES - from;
        const unsigned char *bytes = op->bytes + (at - op->offset);
        if (count < SIMFS_SECTOR_BYTES) {
            unsigned char *merged = copy_of(fs, sector->cached);
            memcpy(merged + from, bytes, count);
            bytes = merged;
        }
        put_in_flight(fs, sector, content_of(fs, bytes));
        sector->dirty = !op->direct;
        if (op->direct)
            sector->visible = sector->cached;
        at += count;
    }
    if (end > inode->size)
        set_size(fs, inode, end);
}

static void replay_resize(struct simfs *fs, const struct simfs_op *op)
{
    struct inode *inode = inode_of(fs, op->inode);
    const uint64_t size = op->offset;

    inode->revision++;
    if (size < inode->size) { /* what is cut off must read as zeros should the file grow again */
        own_sectors(fs, inode, inode->sector_count);
        for (size_t i = size / SIMFS_SECTOR_BYTES; i < inode->sector_count; i++) {
            struct sector *sector = &inode->sector[i];
            sector_content kept = NULL;
            if (sector->cached == NULL)
                continue;
            if (i == size / SIMFS_SECTOR_BYTES && size % SIMFS_SECTOR_BYTES > 0) {
                unsigned char *bytes = copy_of(fs, sector->cached);
                memset(bytes + size % SIMFS_SECTOR_BYTES, 0, SIMFS_SECTOR_BYTES - size % SIMFS_SECTOR_BYTES);
                kept = content_of(fs, bytes);
            }
            put_in_flight(fs, sector, kept);
            sector->dirty = true;
        }
    }
    set_size(fs, inode, size);
}

static void flush_directory(struct simfs *fs, struct inode *directory)
{
    directory->durable_entry = arena_take(&fs->arena, directory->entry_count * sizeof *directory->entry);
    if (directory->entry_count > 0)
        memcpy(directory->durable_entry, directory->entry, directory->entry_count * sizeof *directory->entry);
    directory->durable_entry_count = directory->entry_count;
    directory->change = NULL; /* an image may share the array: leave it alone */
    directory->change_count = directory->change_capacity = 0;
}

/* Model (3). Sectors that a failed flush made clean are not in flight, and stay as they are (4). */
static void replay_flush(struct simfs *fs, const struct simfs_op *op)
{
    struct inode *inode = inode_of(fs, op->inode);

    if (S_ISDIR(inode->mode)) {
        flush_directory(fs, inode);
        return;
    }
    own_sectors(fs, inode, inode->sector_count);
    for (size_t i = 0; i < inode->sector_count; i++) {
        struct sector *sector = &inode->sector[i];
        if (sector->dirty)
            sector->visible = sector->cached;
        if (sector->in_flight_count > 0)
            sector->durable = sector->visible;
        sector->in_flight = NULL;
        sector->in_flight_count = 0;
        sector->dirty = false;
    }
    inode->durable_size = inode->size;
    inode->size_in_flight = NULL;
    inode->size_in_flight_count = 0;
}

static bool survives(const struct simfs_op *op, size_t sector_index)
{
    switch (op->survivors) {
    case SIMFS_SURVIVE_NONE:
        return false;
    case SIMFS_SURVIVE_ALL:
        return true;
    case SIMFS_SURVIVE_SOME:
        break;
    }
    return (mix(op->seed ^ mix(sector_index)) & 1) != 0;
}

/* Model (4). */
static void replay_flush_failed(struct simfs *fs, const struct simfs_op *op)
{
    struct inode *inode = inode_of(fs, op->inode);

    if (S_ISDIR(inode->mode))
        return;
    own_sectors(fs, inode, inode->sector_count);
    for (size_t i = 0; i < inode->sector_count; i++) {
        struct sector *sector = &inode->sector[i];
        if (!sector->dirty)
            continue;
        if (survives(op, i))
            sector->visible = sector->durable = sector->cached;
        sector->in_flight = NULL;
        sector->in_flight_count = 0;
        sector->dirty = false;
    }
}

static void replay_write_back(struct simfs *fs, const struct simfs_op *op)
{
    struct inode *inode = inode_of(fs, op->inode);
    const size_t first = op->offset / SIMFS_SECTOR_BYTES;
    const size_t end = (op->offset + op->byte_count + SIMFS_SECTOR_BYTES - 1) / SIMFS_SECTOR_BYTES;

    own_sectors(fs, inode, inode->sector_count);
    for (size_t i = first; i < end && i < inode->sector_count; i++)
        if (inode->sector[i].dirty) {
            inode->sector[i].visible = inode->sector[i].cached;
            inode->sector[i].dirty = false;
        }
}

static void replay_evict(struct simfs *fs, const struct simfs_op *op)
{
    for (size_t n = 0; n < fs->inode_count; n++) {
        struct inode *inode = fs->inode[n];
        if (inode == NULL || inode->sector_count == 0)
            continue;
        own_sectors(fs, inode, inode->sector_count);
        for (size_t i = 0; i < inode->sector_count; i++)
            if (!inode->sector[i].dirty && !survives(op, i))
                inode->sector[i].cached = inode->sector[i].visible;
    }
}

static void replay_damage(struct simfs *fs, const struct simfs_op *op)
{
    struct inode *inode = inode_of(fs, op->inode);
    const uint64_t end = op->offset + op->byte_count;

    inode->revision++;
    own_sectors(fs, inode, (end + SIMFS_SECTOR_BYTES - 1) / SIMFS_SECTOR_BYTES);
    for (uint64_t at = op->offset; at < end;) {
        struct sector *sector = &inode->sector[at / SIMFS_SECTOR_BYTES];
        unsigned char *bytes = copy_of(fs, sector->cached);
        do
            bytes[at % SIMFS_SECTOR_BYTES] ^= 0xff;
        while (++at < end && at % SIMFS_SECTOR_BYTES != 0);
        sector_content content = content_of(fs, bytes);
        *sector = (struct sector){.cached = content, .visible = content, .durable = content};
    }
}

static void drop_process(struct simfs *fs)
{
    memset(fs->description, 0, sizeof fs->description);
    for (size_t i = 0; i < fs->inode_count; i++)
        if (fs->inode[i] != NULL)
            fs->inode[i]->lock_owner = 0;
}

void simfs_replay(struct simfs *fs, const struct simfs_op *op)
{
    fs->time_ns = op->time_ns;
    switch (op->kind) {
    case SIMFS_WRITE:
        replay_write(fs, op, op->byte_count);
        break;
    case SIMFS_RESIZE:
        replay_resize(fs, op);
        break;
    case SIMFS_CREATE:
    case SIMFS_LINK:
    case SIMFS_RENAME:
    case SIMFS_REMOVE:
    case SIMFS_MAKE_DIRECTORY:
        replay_name(fs, op);
        break;
    case SIMFS_FLUSH:
        replay_flush(fs, op);
        break;
    case SIMFS_FLUSH_FAILED:
        replay_flush_failed(fs, op);
        break;
    case SIMFS_WRITE_BACK:
        replay_write_back(fs, op);
        break;
    case SIMFS_EVICT:
        replay_evict(fs, op);
        break;
    case SIMFS_DAMAGE:
        replay_damage(fs, op);
        break;
    case SIMFS_MARK:
        break;
    case SIMFS_RESTART:
        drop_process(fs);
        fs->process_number++;
        break;
    }
}

void simfs_replay_part(struct simfs *fs, const struct simfs_op *op, size_t byte_count)
{
    assert(op->kind == SIMFS_WRITE && byte_count <= op->byte_count);
    replay_write(fs, op, byte_count);
}

/* ----------------------------------------------------------------- recorder */

/* Note an operation and do it. */
static void perform(struct simfs *fs, struct simfs_op op)
{
    struct simfs_op *noted = arena_take(&fs->arena, sizeof *noted);

    *noted = op;
    noted->time_ns = fs->time_ns;
    fs->op = arena_grow(&fs->arena, fs->op, fs->op_count, &fs->op_capacity, sizeof(struct simfs_op *));
    fs->op[fs->op_count++] = noted;
    simfs_replay(fs, noted);
}

size_t simfs_op_count(const struct simfs *fs)
{
    return fs->op_count;
}

const struct simfs_op *simfs_op_at(const struct simfs *fs, size_t index)
{
    return fs->op[index];
}

const char *simfs_op_name(enum simfs_op_kind kind)
{
    static const char *const name[] = {
        [SIMFS_WRITE] = "write",
        [SIMFS_RESIZE] = "resize",
        [SIMFS_CREATE] = "create",
        [SIMFS_LINK] = "link",
        [SIMFS_RENAME] = "rename",
        [SIMFS_REMOVE] = "remove",
        [SIMFS_MAKE_DIRECTORY] = "make directory",
        [SIMFS_FLUSH] = "flush",
        [SIMFS_FLUSH_FAILED] = "failed flush",
        [SIMFS_WRITE_BACK] = "write back",
        [SIMFS_EVICT] = "evict",
        [SIMFS_DAMAGE] = "damage",
        [SIMFS_MARK] = "mark",
        [SIMFS_RESTART] = "restart",
    };

    return name[kind];
}

void simfs_mark(struct simfs *fs, int mark, uint64_t value)
{
    perform(fs, (struct simfs_op){.kind = SIMFS_MARK, .mark = mark, .value = value});
}

/* -------------------------------------------------------------- life, images */

static void start_empty(struct simfs *fs)
{
    arena_empty(&fs->arena);
    fs->inode = NULL;
    fs->inode_count = fs->inode_capacity = 0;
    fs->op = NULL;
    fs->op_count = fs->op_capacity = 0;
    memset(fs->description, 0, sizeof fs->description);
    fs->fault_set = false;
    fs->process_dead = false;
}

struct simfs *simfs_new(uint64_t seed)
{
    struct simfs *fs = allocate_or_abort(sizeof *fs);

    *fs = (struct simfs){.seed = seed, .random_state = mix(seed), .time_ns = INT64_C(1700000000000000000)};
    start_empty(fs);
    inode_new(fs, ROOT_INODE, S_IFDIR | 0755)->link_count = 1;
    return fs;
}

void simfs_free(struct simfs *fs)
{
    if (fs == NULL)
        return;
    if (in_use == fs)
        in_use = NULL;
    arena_free(&fs->arena);
    free(fs);
}

void simfs_use(struct simfs *fs)
{
    in_use = fs;
}

void simfs_kill(struct simfs *fs)
{
    drop_process(fs);
    fs->process_dead = true;
}

void simfs_restart(struct simfs *fs)
{
    fs->process_dead = false;
    perform(fs, (struct simfs_op){.kind = SIMFS_RESTART});
}

/* Which inodes can a name still lead to: in the cache, on the device, or by a change in flight? */
enum reach { REACH_ON_DEVICE, REACH_IN_CACHE_TOO };

static bool *find_reachable(const struct simfs *fs, enum reach reach)
{
    bool *reachable = allocate_or_abort(fs->inode_count * sizeof *reachable);

    memset(reachable, 0, fs->inode_count * sizeof *reachable);
    reachable[ROOT_INODE] = true;
    for (size_t n = 0; n < fs->inode_count; n++) {
        const struct inode *inode = fs->inode[n];
        if (inode == NULL)
            continue;
        for (size_t i = 0; reach == REACH_IN_CACHE_TOO && i < inode->entry_count; i++)
            reachable[inode->entry[i].inode] = true;
        for (size_t i = 0; i < inode->durable_entry_count; i++)
            reachable[inode->durable_entry[i].inode] = true;
        for (size_t i = 0; i < inode->change_count; i++)
            reachable[inode->change[i]->target] = true;
    }
    return reachable;
}

static void begin_image(struct simfs *image, const struct simfs *source)
{
    assert(image != source);
    start_empty(image);
    image->process_number = source->process_number + 1;
    image->boot_number = source->boot_number;
    image->random_state = mix(source->random_state ^ image->process_number);
    image->seed = source->seed;
    image->time_ns = source->time_ns;
    image->direct = source->direct;
    image->lies = source->lies;
    image->lie_prefix = source->lie_prefix;
    image->description_count = source->description_count;
}

/* The numbers of new inodes go on where the source's end. */
static void end_image(struct simfs *image, const struct simfs *source, bool *reachable)
{
    inode_new(image, source->inode_count, 0);
    image->inode[source->inode_count] = NULL;
    free(reachable);
}

void simfs_image_after_kill(struct simfs *image, const struct simfs *source)
{
    bool *reachable = find_reachable(source, REACH_IN_CACHE_TOO);

    begin_image(image, source);
    for (size_t n = 0; n < source->inode_count; n++) {
        struct inode *inode;
        if (!reachable[n])
            continue;
        inode = inode_new(image, n, 0);
        *inode = *source->inode[n];
        inode->sectors_shared = true;
        inode->lock_owner = 0;
        inode->change_capacity = 0; /* grow into the image's own arena */
        inode->entry_capacity = inode->entry_count;
        inode->entry = arena_take(&image->arena, inode->entry_count * sizeof *inode->entry);
        if (inode->entry_count > 0)
            memcpy(inode->entry, source->inode[n]->entry, inode->entry_count * sizeof *inode->entry);
    }
    end_image(image, source, reachable);
}

size_t simfs_units_in_flight(const struct simfs *fs, struct simfs_unit *unit, size_t unit_count_max)
{
    bool *reachable = find_reachable(fs, REACH_ON_DEVICE);
    size_t count = 0;

    for (size_t n = 0; n < fs->inode_count; n++) {
        const struct inode *inode = fs->inode[n];
        if (!reachable[n] || inode == NULL)
            continue;
        for (size_t i = 0; i < inode->change_count; i++, count++)
            if (count < unit_count_max)
                unit[count] = (struct simfs_unit){SIMFS_UNIT_NAME, n, i, 2};
        if (inode->size_in_flight_count > 0 && count++ < unit_count_max)
            unit[count - 1] = (struct simfs_unit){SIMFS_UNIT_SIZE, n, 0, inode->size_in_flight_count + 1};
        for (size_t i = 0; i < inode->sector_count; i++)
            if (inode->sector[i].in_flight_count > 0 && count++ < unit_count_max)
                unit[count - 1] = (struct simfs_unit){SIMFS_UNIT_SECTOR, n, i, inode->sector[i].in_flight_count + 1};
    }
    free(reachable);
    return count;
}

static sector_content chosen_content(const struct sector *sector, unsigned version)
{
    const struct sector_version *chosen = sector->in_flight;

    if (version == 0)
        return sector->durable;
    for (unsigned newer = sector->in_flight_count - version; newer > 0; newer--)
        chosen = chosen->older;
    return chosen->content;
}

static uint64_t chosen_size(const struct inode *inode, unsigned version)
{
    const struct size_version *chosen = inode->size_in_flight;

    if (version == 0)
        return inode->durable_size;
    for (unsigned newer = inode->size_in_flight_count - version; newer > 0; newer--)
        chosen = chosen->older;
    return chosen->size;
}

static void power_cut_file(struct simfs *image, struct inode *inode, const struct inode *source,
                           const struct simfs_unit *unit, const unsigned *version, size_t unit_count)
{
    size_t at = 0;

    inode->size = source->durable_size;
    if (at < unit_count && unit[at].kind == SIMFS_UNIT_SIZE)
        inode->size = chosen_size(source, version[at++]);
    inode->durable_size = inode->size;
    inode->sector_count = inode->sector_capacity = source->sector_count;
    inode->sector = arena_take(&image->arena, source->sector_count * sizeof *inode->sector);
    for (size_t i = 0; i < source->sector_count; i++) {
        bool in_flight = at < unit_count && unit[at].index == i;
        sector_content content =
            in_flight ? chosen_content(&source->sector[i], version[at++]) : source->sector[i].durable;
        inode->sector[i] = (struct sector){.cached = content, .visible = content, .durable = content};
    }
    assert(at == unit_count);
}

static void power_cut_directory(struct simfs *image, struct inode *inode, const struct inode *source,
                                const struct simfs_unit *unit, const unsigned *version, size_t unit_count)
{
    const size_t entry_count_max = source->durable_entry_count + source->change_count;

    inode->entry = arena_take(&image->arena, entry_count_max * sizeof *inode->entry);
    inode->entry_capacity = entry_count_max;
    inode->entry_count = source->durable_entry_count;
    if (inode->entry_count > 0)
        memcpy(inode->entry, source->durable_entry, inode->entry_count * sizeof *inode->entry);
    for (size_t i = 0; i < unit_count; i++)
        if (version[i] > 0)
            change_entries(inode->entry, &inode->entry_count, source->change[unit[i].index]);
    flush_directory(image, inode);
}

void simfs_image_after_power_cut(struct simfs *image, const struct simfs *source, const struct simfs_unit *unit,
                                 const unsigned *version, size_t unit_count)
{
    bool *reachable = find_reachable(source, REACH_ON_DEVICE);
    size_t at = 0;

    begin_image(image, source);
    image->boot_number++;
    for (size_t n = 0; n < source->inode_count; n++) {
        size_t end = at;
        if (!reachable[n] || source->inode[n] == NULL)
            continue;
        while (end < unit_count && unit[end].inode == n)
            end++;
        struct inode *inode = inode_new(image, n, source->inode[n]->mode);
        if (S_ISDIR(inode->mode))
            power_cut_directory(image, inode, source->inode[n], unit + at, version + at, end - at);
        else
            power_cut_file(image, inode, source->inode[n], unit + at, version + at, end - at);
        at = end;
    }
    assert(at == unit_count);
    end_image(image, source, reachable);
    count_links(image);
}

/* ------------------------------------------------------------- fingerprint */

static uint64_t digest_of_sector(size_t index, bool cached, sector_content content)
{
    return content == NULL ? 0 : mix(content->digest ^ mix(2 * index + cached));
}

static uint64_t digest_of_file(const struct inode *inode)
{
    uint64_t digest = mix(inode->size);

    for (size_t i = 0; i < inode->sector_count && (uint64_t)i * SIMFS_SECTOR_BYTES < inode->size; i++) {
        const struct sector *sector = &inode->sector[i];
        digest += digest_of_sector(i, true, sector->cached);
        if (!sector->dirty && sector->visible != sector->cached)
            digest += digest_of_sector(i, false, sector->visible);
    }
    return digest;
}

uint64_t simfs_fingerprint(const struct simfs *fs)
{
    uint64_t fingerprint = 0;

    for (size_t n = 0; n < fs->inode_count; n++) {
        const struct inode *directory = fs->inode[n];
        for (size_t i = 0; directory != NULL && i < directory->entry_count; i++) {
            const struct entry *entry = &directory->entry[i];
            const struct inode *inode = fs->inode[entry->inode];
            uint64_t digest = XXH3_64bits_withSeed(entry->name, strlen(entry->name), mix(n) ^ inode->link_count);
            if (S_ISREG(inode->mode))
                digest ^= digest_of_file(inode);
            fingerprint += mix(digest); /* whatever the order of names */
        }
    }
    return fingerprint;
}

/* ------------------------------------------------------------ faults, damage */

void simfs_set_fault(struct simfs *fs, const struct simfs_fault *fault)
{
    fs->fault_set = fault != NULL;
    if (fault != NULL)
        fs->fault = *fault;
}

void simfs_set_direct(struct simfs *fs, enum simfs_direct direct)
{
    fs->direct = direct;
}

void simfs_set_lies(struct simfs *fs, unsigned lies, const char *name_prefix)
{
    fs->lies = lies;
    fs->lie_prefix = name_prefix;
}

static bool begins_with(const char *name, const char *prefix)
{
    return prefix == NULL || strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Is this the call that is to fail? Then errno is set. */
static bool strikes(struct simfs *fs, enum simfs_call call, const char *name)
{
    struct simfs_fault *fault = &fs->fault;

    if (!fs->fault_set || fault->call != call || !begins_with(name, fault->name_prefix))
        return false;
    if (fault->skip_count > 0) {
        fault->skip_count--;
        return false;
    }
    if (fault->fail_count == 0)
        return false;
    fault->fail_count--;
    errno = fault->error;
    return true;
}

/* The inode of a path's directory part, and its last component; NULL with errno. "/" and "." have the component ".". */
static struct inode *resolve_parent(const struct simfs *fs, const struct inode *start, const char *path,
                                    char last[SIMFS_NAME_BYTES])
{
    const struct inode *directory = *path == '/' ? inode_of(fs, ROOT_INODE) : start;

    if (*path == '\0') {
        errno = ENOENT;
        return NULL;
    }
    strcpy(last, ".");
    for (;;) {
        size_t length;
        path += strspn(path, "/");
        length = strcspn(path, "/");
        if (length == 0)
            return (struct inode *)directory;
        if (length >= SIMFS_NAME_BYTES) {
            errno = ENAMETOOLONG;
            return NULL;
        }
        if (strcmp(last, ".") != 0) { /* what came before is a directory on the way */
            directory = look_up(fs, directory, last);
            if (directory == NULL || !S_ISDIR(directory->mode)) {
                errno = directory == NULL ? ENOENT : ENOTDIR;
                return NULL;
            }
        }
        memcpy(last, path, length);
        last[length] = '\0';
        path += length;
    }
}

/* NULL with errno. */
static struct inode *resolve(const struct simfs *fs, const struct inode *start, const char *path)
{
    char last[SIMFS_NAME_BYTES];
    struct inode *directory = resolve_parent(fs, start, path, last);
    struct inode *inode;

    if (directory == NULL || strcmp(last, ".") == 0)
        return directory;
    inode = look_up(fs, directory, last);
    if (inode == NULL)
        errno = ENOENT;
    return inode;
}

void simfs_damage(struct simfs *fs, const char *path, uint64_t offset, size_t byte_count)
{
    const struct inode *inode = resolve(fs, inode_of(fs, ROOT_INODE), path);

    if (inode == NULL || !S_ISREG(inode->mode) || offset + byte_count > inode->size) {
        fprintf(stderr, "simfs: no such bytes to damage: '%s'\n", path);
        abort();
    }
    perform(fs, (struct simfs_op){
                    .kind = SIMFS_DAMAGE, .inode = inode->number, .offset = offset, .byte_count = byte_count});
}

void simfs_set_held(struct simfs *fs, const char *path, enum simfs_held held)
{
    struct inode *inode = resolve(fs, inode_of(fs, ROOT_INODE), path);

    if (inode != NULL)
        inode->lock_owner = held == SIMFS_HELD ? UINT_MAX : 0; /* no description has that id */
}

void simfs_evict(struct simfs *fs, enum simfs_survivors survivors)
{
    perform(fs, (struct simfs_op){.kind = SIMFS_EVICT, .survivors = survivors, .seed = mix(fs->seed ^ fs->op_count)});
}

const char *simfs_name_at(const struct simfs *fs, const char *path, size_t index)
{
    const struct inode *directory = resolve(fs, inode_of(fs, ROOT_INODE), path);

    return directory != NULL && index < directory->entry_count ? directory->entry[index].name : NULL;
}

/* ------------------------------------------------------------ the seam's calls */

/* The open file behind a descriptor, or NULL with errno. */
void simfs_before_change(void (*call)(void))
{
    before_change = call;
}

static void take_turns(void)
{
    if (before_change != NULL)
        before_change();
}

static struct description *description_of(struct simfs *fs, int descriptor)
{
    int index = descriptor - FIRST_DESCRIPTOR;

    if (!fs->process_dead && index >= 0 && index < SIMFS_DESCRIPTOR_COUNT_MAX && fs->description[index].id != 0)
        return &fs->description[index];
    errno = EBADF;
    return NULL;
}

/* The open directory behind a descriptor or AT_FDCWD, or NULL with errno. */
static struct inode *directory_of(struct simfs *fs, int descriptor)
{
    const struct description *description;
    struct inode *inode;

    if (descriptor == AT_FDCWD && !fs->process_dead)
        return inode_of(fs, ROOT_INODE);
    description = description_of(fs, descriptor);
    if (description == NULL)
        return NULL;
    inode = inode_of(fs, description->inode);
    if (S_ISDIR(inode->mode))
        return inode;
    errno = ENOTDIR;
    return NULL;
}

static int fail(int error)
{
    errno = error;
    return -1;
}

static int access_of(const struct description *description)
{
    return description->flags & O_ACCMODE;
}

static int open_inode(struct simfs *fs, const struct inode *inode, const char *name, int flags)
{
    struct description *description = fs->description;

    while (description < fs->description + SIMFS_DESCRIPTOR_COUNT_MAX && description->id != 0)
        description++;
    if (description == fs->description + SIMFS_DESCRIPTOR_COUNT_MAX)
        return fail(EMFILE);
    *description = (struct description){.id = ++fs->description_count, .inode = inode->number, .flags = flags};
    strcpy(description->name, name);
    return FIRST_DESCRIPTOR + (int)(description - fs->description);
}

static void note_name(char to[SIMFS_NAME_BYTES], const char *name)
{
    snprintf(to, SIMFS_NAME_BYTES, "%s", name);
}

static struct inode *create(struct simfs *fs, struct inode *directory, const char *name, mode_t mode,
                            enum simfs_op_kind kind)
{
    struct simfs_op op = {.kind = kind, .inode = directory->number, .target = fs->inode_count, .mode = mode};

    if (directory->link_count == 0) {
        errno = ENOENT; /* it was removed while open */
        return NULL;
    }
    note_name(op.name, name);
    perform(fs, op);
    return inode_of(fs, op.target);
}

static int simfs_open_at(int directory_descriptor, const char *name, int flags, mode_t mode)
{
    struct simfs *fs = in_use;
    struct inode *start = directory_of(fs, directory_descriptor);
    char last[SIMFS_NAME_BYTES];
    struct inode *directory = start == NULL ? NULL : resolve_parent(fs, start, name, last);
    struct inode *inode;

    if (directory == NULL || strikes(fs, SIMFS_CALL_OPEN, last))
        return -1;
    inode = strcmp(last, ".") == 0 ? directory : look_up(fs, directory, last);
    if (inode == NULL && (flags & O_CREAT) == 0)
        return fail(ENOENT);
    if (inode != NULL && (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0)
        return fail(EEXIST);
    if (inode != NULL && S_ISDIR(inode->mode) && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0))
        return fail(EISDIR);
    if (inode != NULL && !S_ISDIR(inode->mode) && (flags & O_DIRECTORY) != 0)
        return fail(ENOTDIR);
    if ((flags & O_DIRECT) != 0 &&
        (fs->direct == SIMFS_DIRECT_NO || (fs->direct == SIMFS_DIRECT_READS_ONLY && (flags & O_ACCMODE) != O_RDONLY)))
        return fail(EINVAL);
    if (inode == NULL)
        inode = create(fs, directory, last, S_IFREG | (mode & 07777), SIMFS_CREATE);
    if (inode == NULL)
        return -1;
    if ((flags & O_TRUNC) != 0 && inode->size > 0)
        perform(fs, (struct simfs_op){.kind = SIMFS_RESIZE, .inode = inode->number});
    return open_inode(fs, inode, last, flags);
}

static int simfs_close(int descriptor)
{
    struct simfs *fs = in_use;
    struct description *description = description_of(fs, descriptor);
    struct inode *inode;

    if (description == NULL)
        return -1;
    inode = inode_of(fs, description->inode);
    if (inode->lock_owner == description->id)
        inode->lock_owner = 0;
    description->id = 0;
    return 0;
}

static void copy_out(const struct inode *inode, unsigned char *to, size_t byte_count, uint64_t offset, bool past_cache)
{
    while (byte_count > 0) {
        size_t index = offset / SIMFS_SECTOR_BYTES;
        size_t from = offset % SIMFS_SECTOR_BYTES;
        size_t count = byte_count < SIMFS_SECTOR_BYTES - from ? byte_count : SIMFS_SECTOR_BYTES - from;
        sector_content content = NULL;
        if (index < inode->sector_count)
            content = past_cache ? inode->sector[index].visible : inode->sector[index].cached;
        if (content != NULL)
            memcpy(to, content->bytes + from, count);
        else
            memset(to, 0, count);
        to += count;
        offset += count;
        byte_count -= count;
    }
}

static bool dirty_in_range(const struct inode *inode, uint64_t offset, size_t byte_count)
{
    for (size_t i = offset / SIMFS_SECTOR_BYTES;
         i < inode->sector_count && (uint64_t)i * SIMFS_SECTOR_BYTES < offset + byte_count; i++)
        if (inode->sector[i].dirty)
            return true;
    return false;
}

static ssize_t simfs_read_at(int descriptor, void *bytes, size_t byte_count, off_t offset)
{
    struct simfs *fs = in_use;
    const struct description *description = description_of(fs, descriptor);
    struct inode *inode;
    bool direct;

    if (description == NULL)
        return -1;
    inode = inode_of(fs, description->inode);
    direct = (description->flags & O_DIRECT) != 0;
    if (access_of(description) == O_WRONLY)
        return fail(EBADF);
    if (S_ISDIR(inode->mode))
        return fail(EISDIR);
    if (offset < 0 || (direct && (((uintptr_t)bytes | byte_count | (size_t)offset) % SIMFS_DIRECT_ALIGN_BYTES) != 0))
        return fail(EINVAL);
    if (strikes(fs, SIMFS_CALL_READ, description->name))
        return -1;
    if ((uint64_t)offset >= inode->size)
        return 0;
    if (inode->size - (uint64_t)offset < byte_count)
        byte_count = inode->size - (uint64_t)offset;
    if ((fs->lies & SIMFS_LIE_DIRECT_READS_SEE_CACHE) != 0)
        direct = false;
    if (direct && dirty_in_range(inode, (uint64_t)offset, byte_count))
        perform(fs, (struct simfs_op){.kind = SIMFS_WRITE_BACK,
                                      .inode = inode->number,
                                      .offset = (uint64_t)offset,
                                      .byte_count = byte_count});
    copy_out(inode, bytes, byte_count, (uint64_t)offset, direct);
    return (ssize_t)byte_count;
}

static ssize_t do_write_at(int descriptor, const void *bytes, size_t byte_count, off_t offset)
{
    struct simfs *fs = in_use;
    const struct description *description = description_of(fs, descriptor);
    unsigned char *copy;
    bool direct;

    if (description == NULL)
        return -1;
    direct = (description->flags & O_DIRECT) != 0;
    if (access_of(description) == O_RDONLY)
        return fail(EBADF);
    if (offset < 0 || (direct && (((uintptr_t)bytes | byte_count | (size_t)offset) % SIMFS_DIRECT_ALIGN_BYTES) != 0))
        return fail(EINVAL);
    if (strikes(fs, SIMFS_CALL_WRITE, description->name)) {
        if (fs->fault.bytes_done == 0 || byte_count <= fs->fault.bytes_done)
            return -1;
        byte_count = fs->fault.bytes_done; /* a short write; the next one fails */
        fs->fault.bytes_done = 0;
        fs->fault.fail_count++;
    }
    if (byte_count == 0)
        return 0;
    copy = arena_take(&fs->arena, byte_count);
    memcpy(copy, bytes, byte_count);
    struct simfs_op op = {.kind = SIMFS_WRITE,
                          .inode = description->inode,
                          .offset = (uint64_t)offset,
                          .byte_count = byte_count,
                          .bytes = copy,
                          .direct = direct};
    note_name(op.name, description->name);
    perform(fs, op);
    return (ssize_t)byte_count;
}

static ssize_t simfs_write_at(int descriptor, const void *bytes, size_t byte_count, off_t offset)
{
    take_turns();
    return do_write_at(descriptor, bytes, byte_count, offset);
}

static int do_flush(int descriptor)
{
    struct simfs *fs = in_use;
    const struct description *description = description_of(fs, descriptor);
    struct simfs_op op = {.kind = SIMFS_FLUSH};
    bool is_directory;

    if (description == NULL)
        return -1;
    op.inode = description->inode;
    note_name(op.name, description->name);
    is_directory = S_ISDIR(inode_of(fs, op.inode)->mode);
    if (strikes(fs, SIMFS_CALL_FLUSH, description->name)) {
        int error = errno;
        op.kind = SIMFS_FLUSH_FAILED;
        op.survivors = fs->fault.survivors;
        op.seed = mix(fs->seed ^ fs->op_count);
        perform(fs, op);
        return fail(error);
    }
    if (is_directory && (fs->lies & SIMFS_LIE_DIRECTORY_FLUSHES) != 0)
        return 0;
    if (!is_directory && (fs->lies & SIMFS_LIE_FILE_FLUSHES) != 0 && begins_with(description->name, fs->lie_prefix))
        return 0;
    perform(fs, op);
    return 0;
}

static int simfs_flush(int descriptor)
{
    take_turns();
    return do_flush(descriptor);
}

static int resize(struct simfs *fs, const struct description *description, uint64_t size)
{
    struct simfs_op op = {.kind = SIMFS_RESIZE, .inode = description->inode, .offset = size};

    note_name(op.name, description->name);
    if (size != inode_of(fs, description->inode)->size)
        perform(fs, op);
    return 0;
}

static int do_allocate(int descriptor, off_t offset, off_t byte_count)
{
    struct simfs *fs = in_use;
    const struct description *description = description_of(fs, descriptor);
    uint64_t size, end = (uint64_t)(offset + byte_count);

    if (description == NULL)
        return -1;
    if (access_of(description) == O_RDONLY)
        return fail(EBADF);
    if (offset < 0 || byte_count <= 0)
        return fail(EINVAL);
    if (strikes(fs, SIMFS_CALL_ALLOCATE, description->name))
        return -1;
    size = inode_of(fs, description->inode)->size;
    return resize(fs, description, end > size ? end : size);
}

static int simfs_allocate(int descriptor, off_t offset, off_t byte_count)
{
    take_turns();
    return do_allocate(descriptor, offset, byte_count);
}

static int do_truncate(int descriptor, off_t byte_count)
{
    struct simfs *fs = in_use;
    const struct description *description = description_of(fs, descriptor);

    if (description == NULL)
        return -1;
    if (access_of(description) == O_RDONLY || byte_count < 0)
        return fail(EINVAL);
    if (strikes(fs, SIMFS_CALL_TRUNCATE, description->name))
        return -1;
    return resize(fs, description, (uint64_t)byte_count);
}

static int simfs_truncate(int descriptor, off_t byte_count)
{
    take_turns();
    return do_truncate(descriptor, byte_count);
}

static int fill_status(const struct inode *inode, struct stat *status)
{
    *status = (struct stat){
        .st_dev = 1,
        .st_ino = inode->number,
        .st_mode = inode->mode,
        .st_nlink = inode->link_count,
        .st_size = (off_t)inode->size,
        .st_mtim = {.tv_sec = 1 + (time_t)inode->revision},
        .st_ctim = {.tv_sec = 1 + (time_t)inode->revision},
        .st_blksize = BLOCK_BYTES,
        .st_blocks = (blkcnt_t)((inode->size + BLOCK_BYTES - 1) / BLOCK_BYTES * (BLOCK_BYTES / 512)),
    };
    return 0;
}

static int simfs_status(int descriptor, struct stat *status)
{
    struct simfs *fs = in_use;
    const struct description *description = description_of(fs, descriptor);

    return description == NULL ? -1 : fill_status(inode_of(fs, description->inode), status);
}

static int simfs_status_at(int directory_descriptor, const char *name, struct stat *status)
{
    struct simfs *fs = in_use;
    const struct inode *directory = directory_of(fs, directory_descriptor);
    const struct inode *inode = directory == NULL ? NULL : resolve(fs, directory, name);

    return inode == NULL ? -1 : fill_status(inode, status);
}

static int do_link_at(int directory_descriptor, const char *from, const char *to)
{
    struct simfs *fs = in_use;
    struct inode *directory = directory_of(fs, directory_descriptor);
    struct simfs_op op = {.kind = SIMFS_LINK};
    const struct inode *inode;

    if (directory == NULL || strikes(fs, SIMFS_CALL_LINK, to))
        return -1;
    inode = look_up(fs, directory, from);
    if (inode == NULL)
        return fail(ENOENT);
    if (S_ISDIR(inode->mode))
        return fail(EPERM);
    if (look_up(fs, directory, to) != NULL)
        return fail(EEXIST);
    op.inode = directory->number;
    op.target = inode->number;
    note_name(op.name, from);
    note_name(op.to, to);
    perform(fs, op);
    return 0;
}

static int simfs_link_at(int directory_descriptor, const char *from, const char *to)
{
    take_turns();
    return do_link_at(directory_descriptor, from, to);
}

static int do_rename_at(int directory_descriptor, const char *from, const char *to)
{
    struct simfs *fs = in_use;
    struct inode *directory = directory_of(fs, directory_descriptor);
    struct simfs_op op = {.kind = SIMFS_RENAME};
    const struct inode *inode, *replaced;

    if (directory == NULL || strikes(fs, SIMFS_CALL_RENAME, to))
        return -1;
    inode = look_up(fs, directory, from);
    replaced = look_up(fs, directory, to);
    if (inode == NULL)
        return fail(ENOENT);
    if (S_ISDIR(inode->mode))
        return fail(EINVAL); /* not modelled */
    if (replaced != NULL && S_ISDIR(replaced->mode))
        return fail(EISDIR);
    if (replaced == inode)
        return 0; /* rename(2): two names of one file stay as they are */
    op.inode = directory->number;
    op.target = inode->number;
    note_name(op.name, from);
    note_name(op.to, to);
    perform(fs, op);
    return 0;
}

static int simfs_rename_at(int directory_descriptor, const char *from, const char *to)
{
    take_turns();
    return do_rename_at(directory_descriptor, from, to);
}

static int remove_name(struct simfs *fs, const struct inode *directory, const char *name, const struct inode *inode)
{
    struct simfs_op op = {.kind = SIMFS_REMOVE, .inode = directory->number, .target = inode->number};

    note_name(op.name, name);
    perform(fs, op);
    return 0;
}

static int do_remove_at(int directory_descriptor, const char *name)
{
    struct simfs *fs = in_use;
    struct inode *directory = directory_of(fs, directory_descriptor);
    const struct inode *inode;

    if (directory == NULL || strikes(fs, SIMFS_CALL_REMOVE, name))
        return -1;
    inode = look_up(fs, directory, name);
    if (inode == NULL)
        return fail(ENOENT);
    if (S_ISDIR(inode->mode))
        return fail(EISDIR);
    return remove_name(fs, directory, name, inode);
}

static int simfs_remove_at(int directory_descriptor, const char *name)
{
    take_turns();
    return do_remove_at(directory_descriptor, name);
}

static int simfs_make_directory(const char *path, mode_t mode)
{
    struct simfs *fs = in_use;
    char last[SIMFS_NAME_BYTES];
    struct inode *directory = directory_of(fs, AT_FDCWD);

    directory = directory == NULL ? NULL : resolve_parent(fs, directory, path, last);
    if (directory == NULL)
        return -1;
    if (strcmp(last, ".") == 0 || look_up(fs, directory, last) != NULL)
        return fail(EEXIST);
    return create(fs, directory, last, S_IFDIR | (mode & 07777), SIMFS_MAKE_DIRECTORY) == NULL ? -1 : 0;
}

static int simfs_remove_directory(const char *path)
{
    struct simfs *fs = in_use;
    char last[SIMFS_NAME_BYTES];
    struct inode *directory = directory_of(fs, AT_FDCWD);
    const struct inode *inode;

    directory = directory == NULL ? NULL : resolve_parent(fs, directory, path, last);
    if (directory == NULL)
        return -1;
    if (strcmp(last, ".") == 0)
        return fail(EBUSY);
    inode = look_up(fs, directory, last);
    if (inode == NULL)
        return fail(ENOENT);
    if (!S_ISDIR(inode->mode))
        return fail(ENOTDIR);
    if (inode->entry_count > 0)
        return fail(ENOTEMPTY);
    return remove_name(fs, directory, last, inode);
}

static int simfs_read_names(int directory_descriptor, void (*take)(void *context, const char *name), void *context)
{
    const struct inode *directory = directory_of(in_use, directory_descriptor);

    if (directory == NULL)
        return -1;
    for (size_t i = 0; i < directory->entry_count; i++)
        take(context, directory->entry[i].name);
    return 0;
}

/* Model (8). */
static int simfs_lock(int descriptor, int command, struct flock *range)
{
    struct simfs *fs = in_use;
    const struct description *description = description_of(fs, descriptor);
    struct inode *inode;
    bool held_by_another;

    if (description == NULL)
        return -1;
    inode = inode_of(fs, description->inode);
    held_by_another = inode->lock_owner != 0 && inode->lock_owner != description->id;
    if (command == F_OFD_GETLK) {
        range->l_type = held_by_another ? F_WRLCK : F_UNLCK;
        range->l_pid = -1;
        return 0;
    }
    if (command != F_OFD_SETLK || range->l_type == F_RDLCK)
        return fail(EINVAL); /* not modelled */
    if (range->l_type == F_UNLCK) {
        inode->lock_owner = held_by_another ? inode->lock_owner : 0;
        return 0;
    }
    if (access_of(description) == O_RDONLY)
        return fail(EBADF);
    if (held_by_another)
        return fail(EAGAIN);
    inode->lock_owner = description->id;
    return 0;
}

static int simfs_volume(int descriptor, struct statvfs *volume)
{
    if (description_of(in_use, descriptor) == NULL)
        return -1;
    *volume = (struct statvfs){
        .f_bsize = BLOCK_BYTES,
        .f_frsize = BLOCK_BYTES,
        .f_blocks = 1 << 20,
        .f_bfree = 1 << 20,
        .f_bavail = 1 << 20,
        .f_namemax = SIMFS_NAME_BYTES - 1,
    };
    return 0;
}

static int64_t simfs_wall_time_ns(void)
{
    return in_use->time_ns += 1000000;
}

static int simfs_random_bytes(void *bytes, size_t byte_count)
{
    unsigned char *to = bytes;

    for (size_t i = 0; i < byte_count; i++) {
        in_use->random_state = mix(in_use->random_state);
        to[i] = (unsigned char)(in_use->random_state >> 56);
    }
    return 0;
}

static void simfs_boot_id(char text[SYSTEM_BOOT_ID_BYTES])
{
    memset(text, 0, SYSTEM_BOOT_ID_BYTES);
    snprintf(text, SYSTEM_BOOT_ID_BYTES, "5113f500-0000-4000-8000-%012llx",
             (unsigned long long)(mix(in_use->seed ^ in_use->boot_number) >> 16));
}

static uint64_t simfs_process_id(void)
{
    return 1000 + in_use->process_number;
}

static uint64_t simfs_memory_available(void)
{
    return UINT64_C(1) << 34;
}

static int sim_is_direct(int descriptor)
{
    (void)descriptor;
    return 1;
}

static int sim_current_cpu(void)
{
    return -1;
}

static void sim_stand_back(const struct system_manners *manners)
{
    (void)manners;
}

/* --------------------------------------------------------------- children */

/* Model (10). What a child asks for, followed by the bytes of a write; and the answer. */
struct request {
    int descriptor;
    size_t byte_count;
    off_t offset;
};

struct answer {
    ssize_t result;
    int error;
};

enum { CHILD_COUNT_MAX = 4 };

static struct child {
    pid_t id; /* 0: none */
    int socket;
} child[CHILD_COUNT_MAX];

static int parent_socket; /* in a child */

/* false: the other side is gone. */
static bool send_all(int socket, const void *bytes, size_t byte_count)
{
    const unsigned char *at = bytes;

    while (byte_count > 0) {
        const ssize_t sent = send(socket, at, byte_count, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        byte_count -= (size_t)sent;
    }
    return true;
}

static bool receive_all(int socket, void *bytes, size_t byte_count)
{
    return byte_count == 0 || recv(socket, bytes, byte_count, MSG_WAITALL) == (ssize_t)byte_count;
}

static ssize_t write_by_parent(int descriptor, const void *bytes, size_t byte_count, off_t offset)
{
    const struct request request = {descriptor, byte_count, offset};
    struct answer answer;

    if (!send_all(parent_socket, &request, sizeof request) || !send_all(parent_socket, bytes, byte_count) ||
        !receive_all(parent_socket, &answer, sizeof answer))
        _exit(EXIT_FAILURE);
    errno = answer.error;
    return answer.result;
}

static _Noreturn void be_child(const struct system_child *what, int socket)
{
    static struct system_calls calls;

    calls = simfs_calls;
    calls.write_at = write_by_parent;
    calls.run_child = NULL; /* states with so many chunks that a child would have siblings are too large for this */
    system_calls = &calls;
    parent_socket = socket;
    what->body(what->context);
    _exit(EXIT_SUCCESS);
}

static struct child *child_with(pid_t id)
{
    for (unsigned i = 0; i < CHILD_COUNT_MAX; i++)
        if (child[i].id == id)
            return &child[i];
    fputs("simfs: no such child, or too many\n", stderr);
    abort();
}

static int64_t sim_run_child(const struct system_child *what)
{
    struct child *made = child_with(0);
    int ends[2];

    if (in_use->process_dead)
        return fail(ESRCH);
    if (strikes(in_use, SIMFS_CALL_RUN_CHILD, ""))
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 || (made->id = fork()) < 0) {
        fputs("simfs: no child\n", stderr);
        abort();
    }
    if (made->id == 0) {
        close(ends[0]);
        be_child(what, ends[1]);
    }
    close(ends[1]);
    made->socket = ends[0];
    return made->id;
}

/* Do a child's next write; false: it has ended, or was killed. */
static bool serve(const struct child *who)
{
    struct request request;
    struct answer answer;
    void *bytes;

    if (!receive_all(who->socket, &request, sizeof request))
        return false;
    bytes = aligned_alloc(SIMFS_DIRECT_ALIGN_BYTES,
                          (request.byte_count / SIMFS_DIRECT_ALIGN_BYTES + 1) * SIMFS_DIRECT_ALIGN_BYTES);
    if (bytes == NULL || !receive_all(who->socket, bytes, request.byte_count))
        abort();
    take_turns();
    const bool killed = in_use->process_dead || strikes(in_use, SIMFS_CALL_CHILD_WRITE, "");
    if (killed) {
        kill(who->id, SIGKILL);
    } else {
        errno = 0;
        answer.result = do_write_at(request.descriptor, bytes, request.byte_count, request.offset);
        answer.error = errno;
        send_all(who->socket, &answer, sizeof answer);
    }
    free(bytes);
    return !killed;
}

static int sim_await_child(int64_t id, int *wait_status)
{
    struct child *who = child_with((pid_t)id);

    while (serve(who))
        ;
    close(who->socket);
    who->id = 0;
    return waitpid((pid_t)id, wait_status, 0) < 0 ? -1 : 0;
}

static void sim_end_child(int64_t id)
{
    (void)id;
}

static bool sim_is_orphan(uint64_t parent)
{
    (void)parent;
    return false;
}

/* All memory is a program's own. What the kernel has to tell of this process takes longer than the rest of a save. */
static int sim_read_mappings(bool (*take)(void *context, const char *bytes, size_t byte_count), void *context)
{
    static const char ALL[] = "0-ffffffffffffffff rw-p 00000000 00:00 0\nVmFlags: rd wr mr mw me ac\n";

    take(context, ALL, sizeof ALL - 1);
    return 0;
}

const struct system_calls simfs_calls = {
    .open_at = simfs_open_at,
    .close = simfs_close,
    .read_at = simfs_read_at,
    .write_at = simfs_write_at,
    .flush = simfs_flush,
    .flush_data = simfs_flush,
    .allocate = simfs_allocate,
    .truncate = simfs_truncate,
    .status = simfs_status,
    .status_at = simfs_status_at,
    .link_at = simfs_link_at,
    .rename_at = simfs_rename_at,
    .remove_at = simfs_remove_at,
    .make_directory = simfs_make_directory,
    .remove_directory = simfs_remove_directory,
    .read_names = simfs_read_names,
    .lock = simfs_lock,
    .volume = simfs_volume,
    .is_direct = sim_is_direct,
    .wall_time_ns = simfs_wall_time_ns,
    .monotonic_time_ns = simfs_wall_time_ns,
    .random_bytes = simfs_random_bytes,
    .boot_id = simfs_boot_id,
    .process_id = simfs_process_id,
    .memory_available = simfs_memory_available,
    .current_cpu = sim_current_cpu,
    .stand_back = sim_stand_back,
    .run_child = sim_run_child,
    .await_child = sim_await_child,
    .end_child = sim_end_child,
    .is_orphan = sim_is_orphan,
    .read_mappings = sim_read_mappings,
};
