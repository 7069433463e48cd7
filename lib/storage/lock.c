/* SPDX-License-Identifier: MIT */
#include "storage/lock.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checksum.h"

#define LOCK_NEW_NAME FORMAT_LOCK_NAME FORMAT_NEW_SUFFIX

static const unsigned char LOCK_MAGIC[8] = {0x89, 'H', '5', 'L', 'O', 'C', 'K', '\n'};

enum { /* docs/format.md 3 */
       SECTOR_BYTES = 512,
       AT_MAGIC = 0,
       AT_VERSION = 8,
       AT_PHASE = 12,
       AT_DIRECTORY_ID = 16,
       AT_NOTE = 512,
       NOTE_AT_ACTIVITY = 0, /* these within their sector */
       NOTE_AT_SLOT = 4,
       NOTE_AT_SEQUENCE = 8,
       NOTE_AT_PROCESS = 16,
       NOTE_AT_BOOT_ID = 24,
       NOTE_AT_ACKNOWLEDGED = 64,
       NOTE_AT_ACCOUNT_SEQUENCE = 72,
       NOTE_AT_SAVE_NS = 80,
       NOTE_AT_BYTES_WRITTEN = 88,
       NOTE_AT_STALL_NS = 96,
       NOTE_AT_OPEN_NS = 104,
       NOTE_AT_RUN_ID = 112,
       AT_CHECKSUM = 496, /* within each sector */
};

static void seal(unsigned char sector[SECTOR_BYTES])
{
    struct checksum checksum = checksum_of(sector, AT_CHECKSUM);

    memcpy(sector + AT_CHECKSUM, checksum.byte, CHECKSUM_BYTES);
}

static bool is_sealed(const unsigned char sector[SECTOR_BYTES])
{
    struct checksum checksum = checksum_of(sector, AT_CHECKSUM);

    return memcmp(sector + AT_CHECKSUM, checksum.byte, CHECKSUM_BYTES) == 0;
}

static void identity_encode(const struct lock *lock, unsigned char sector[SECTOR_BYTES])
{
    memset(sector, 0, SECTOR_BYTES);
    memcpy(sector + AT_MAGIC, LOCK_MAGIC, sizeof LOCK_MAGIC);
    bytes_put_u32(sector + AT_VERSION, FORMAT_VERSION);
    bytes_put_u32(sector + AT_PHASE, lock->phase);
    memcpy(sector + AT_DIRECTORY_ID, lock->directory_id, FORMAT_ID_BYTES);
    seal(sector);
}

static void account_encode(const struct lock_account *account, unsigned char sector[SECTOR_BYTES])
{
    bytes_put_u64(sector + NOTE_AT_ACCOUNT_SEQUENCE, account->sequence);
    bytes_put_u64(sector + NOTE_AT_SAVE_NS, account->save_ns);
    bytes_put_u64(sector + NOTE_AT_BYTES_WRITTEN, account->bytes_written);
    bytes_put_u64(sector + NOTE_AT_STALL_NS, account->stall_ns);
    bytes_put_u64(sector + NOTE_AT_OPEN_NS, account->open_ns);
}

static struct lock_account account_decode(const unsigned char sector[SECTOR_BYTES])
{
    return (struct lock_account){
        .sequence = bytes_get_u64(sector + NOTE_AT_ACCOUNT_SEQUENCE),
        .save_ns = bytes_get_u64(sector + NOTE_AT_SAVE_NS),
        .bytes_written = bytes_get_u64(sector + NOTE_AT_BYTES_WRITTEN),
        .stall_ns = bytes_get_u64(sector + NOTE_AT_STALL_NS),
        .open_ns = bytes_get_u64(sector + NOTE_AT_OPEN_NS),
    };
}

static void note_encode(const struct lock_note *note, unsigned char sector[SECTOR_BYTES])
{
    memset(sector, 0, SECTOR_BYTES);
    bytes_put_u32(sector + NOTE_AT_ACTIVITY, note->activity);
    bytes_put_u32(sector + NOTE_AT_SLOT, note->slot);
    bytes_put_u64(sector + NOTE_AT_SEQUENCE, note->sequence);
    bytes_put_u64(sector + NOTE_AT_PROCESS, note->process_id);
    memcpy(sector + NOTE_AT_BOOT_ID, note->boot_id, sizeof note->boot_id);
    bytes_put_u64(sector + NOTE_AT_ACKNOWLEDGED, note->acknowledged);
    account_encode(&note->account, sector);
    memcpy(sector + NOTE_AT_RUN_ID, note->run_id, FORMAT_ID_BYTES);
    seal(sector);
}

static struct lock_note note_decode(const unsigned char sector[SECTOR_BYTES])
{
    struct lock_note note = {0};

    if (!is_sealed(sector) || bytes_get_u32(sector + NOTE_AT_ACTIVITY) > LOCK_GAVE_UP ||
        bytes_get_u32(sector + NOTE_AT_SLOT) >= FORMAT_SLOT_COUNT_MAX ||
        bytes_get_u64(sector + NOTE_AT_SEQUENCE) > FORMAT_SEQUENCE_MAX ||
        bytes_get_u64(sector + NOTE_AT_ACKNOWLEDGED) > FORMAT_SEQUENCE_MAX)
        return note;
    note.activity = bytes_get_u32(sector + NOTE_AT_ACTIVITY);
    note.slot = bytes_get_u32(sector + NOTE_AT_SLOT);
    note.sequence = bytes_get_u64(sector + NOTE_AT_SEQUENCE);
    note.acknowledged = bytes_get_u64(sector + NOTE_AT_ACKNOWLEDGED);
    note.process_id = bytes_get_u64(sector + NOTE_AT_PROCESS);
    memcpy(note.boot_id, sector + NOTE_AT_BOOT_ID, sizeof note.boot_id);
    note.boot_id[sizeof note.boot_id - 1] = '\0';
    note.account = account_decode(sector);
    memcpy(note.run_id, sector + NOTE_AT_RUN_ID, FORMAT_ID_BYTES);
    return note;
}

/* A damaged lock file of ours still begins with the magic, or has the length and the zeros of one. */
static bool resembles_lock(const unsigned char content[FORMAT_LOCK_BYTES], uint64_t byte_count)
{
    static const unsigned char ZEROS[FORMAT_LOCK_BYTES - 2 * SECTOR_BYTES];

    if (byte_count >= sizeof LOCK_MAGIC && memcmp(content, LOCK_MAGIC, sizeof LOCK_MAGIC) == 0)
        return true;
    return byte_count == FORMAT_LOCK_BYTES && memcmp(content + 2 * SECTOR_BYTES, ZEROS, sizeof ZEROS) == 0;
}

/* Read identity and note of the open file; leaves `identified` false if it is no lock file. */
static h5ckpt_status read_content(struct lock *lock, struct error *error)
{
    unsigned char content[FORMAT_LOCK_BYTES] = {0};
    struct entry entry;
    h5ckpt_status status;

    lock->identified = false;
    lock->note = (struct lock_note){0};
    status = file_look(&lock->file, &entry, error);
    if (status < 0)
        return status;
    const size_t byte_count = entry.byte_count < sizeof content ? (size_t)entry.byte_count : sizeof content;
    status = file_read(&lock->file, content, byte_count, 0, error);
    if (status == H5CKPT_E_DAMAGED)
        return error_set(error, H5CKPT_E_OVERTAKEN, "'%s/%s' became shorter while it was read: try again",
                         lock->file.directory->path, FORMAT_LOCK_NAME);
    if (status < 0)
        return status;
    lock->repairable = resembles_lock(content, entry.byte_count);
    lock->note = note_decode(content + AT_NOTE); /* it has a checksum of its own */
    if (memcmp(content, LOCK_MAGIC, sizeof LOCK_MAGIC) != 0 || !is_sealed(content))
        return H5CKPT_OK;
    if (bytes_get_u32(content + AT_VERSION) > FORMAT_VERSION)
        return error_set(error, H5CKPT_E_VERSION,
                         "directory '%s' is of format version %" PRIu32 "; this h5ckpt knows up to %d",
                         lock->file.directory->path, bytes_get_u32(content + AT_VERSION), FORMAT_VERSION);
    if (bytes_get_u32(content + AT_VERSION) != FORMAT_VERSION || bytes_get_u32(content + AT_PHASE) > LOCK_DELETING)
        return H5CKPT_OK;
    lock->identified = true;
    lock->phase = bytes_get_u32(content + AT_PHASE);
    memcpy(lock->directory_id, content + AT_DIRECTORY_ID, FORMAT_ID_BYTES);
    return H5CKPT_OK;
}

/* Does `name` still lead to the open file? */
static h5ckpt_status names_same_file(const struct file *file, const char *name, bool *same, struct error *error)
{
    struct entry open;
    struct entry named;
    h5ckpt_status status;

    status = file_look(file, &open, error);
    if (status < 0)
        return status;
    status = directory_look(file->directory, name, &named, error);
    if (status < 0)
        return status;
    *same = named.kind == ENTRY_FILE && named.inode == open.inode && named.device == open.device;
    return H5CKPT_OK;
}

static h5ckpt_status busy(const struct lock *lock, struct error *error)
{
    unsigned char content[2 * SECTOR_BYTES] = {0};
    struct error ignored = ERROR_NONE;
    struct lock_note note = {0};

    if (file_read(&lock->file, content, sizeof content, 0, &ignored) == H5CKPT_OK)
        note = note_decode(content + AT_NOTE);
    error_clear(&ignored);
    if (note.process_id != 0)
        return error_set(error, H5CKPT_E_BUSY,
                         "directory '%s' has a writer already (process %" PRIu64 " saved last); nothing was changed",
                         lock->file.directory->path, note.process_id);
    return error_set(error, H5CKPT_E_BUSY, "directory '%s' has a writer already; nothing was changed",
                     lock->file.directory->path);
}

static h5ckpt_status being_opened(const struct directory *directory, struct error *error)
{
    return error_set(error, H5CKPT_E_OVERTAKEN, "'%s' is being opened by another process", directory->path);
}

static h5ckpt_status fill(struct lock *lock, struct error *error)
{
    unsigned char content[FORMAT_LOCK_BYTES] = {0};

    identity_encode(lock, content);
    note_encode(&lock->note, content + AT_NOTE);
    h5ckpt_status status = file_write(&lock->file, content, sizeof content, 0, error);
    return status < 0 ? status : file_flush(&lock->file, error);
}

/*
 * The lock file has another name: `cp -al` made a copy of the directory, say. Nothing is written through it (P9): a
 * file of the same content takes its place here. Held all the time, by the old file and then by the new one.
 */
static h5ckpt_status break_link(struct lock *lock, mode_t mode, struct error *error)
{
    const struct directory *directory = lock->file.directory;
    struct lock fresh = *lock;
    struct error ignored = ERROR_NONE;
    bool taken = false;
    h5ckpt_status status;

    status = directory_remove(directory, LOCK_NEW_NAME, error);
    if (status == H5CKPT_OK)
        status = file_create(&fresh.file, directory, LOCK_NEW_NAME, mode, error);
    if (status < 0)
        return status;
    status = file_lock(&fresh.file, &taken, error);
    if (status == H5CKPT_OK && !taken)
        status = being_opened(directory, error);
    if (status == H5CKPT_OK)
        status = fill(&fresh, error);
    if (status == H5CKPT_OK)
        status = directory_rename(directory, LOCK_NEW_NAME, FORMAT_LOCK_NAME, error);
    if (status < 0) {
        directory_remove(directory, LOCK_NEW_NAME, &ignored);
        error_clear(&ignored);
        file_close(&fresh.file);
        return status;
    }
    file_close(&lock->file); /* from here on the new file is the lock, whatever comes */
    *lock = fresh;
    strcpy(lock->file.name, FORMAT_LOCK_NAME);
    return directory_flush(directory, error);
}

/* A crash between linking and unlinking leaves our own lock.new as the other name. */
h5ckpt_status lock_detach(struct lock *lock, mode_t mode, struct error *error)
{
    struct entry entry;
    bool leftover = false;
    h5ckpt_status status = file_look(&lock->file, &entry, error);

    if (status < 0 || entry.link_count <= 1)
        return status;
    status = names_same_file(&lock->file, LOCK_NEW_NAME, &leftover, error);
    if (status == H5CKPT_OK && leftover)
        status = directory_remove(lock->file.directory, LOCK_NEW_NAME, error);
    if (status == H5CKPT_OK && leftover)
        status = file_look(&lock->file, &entry, error);
    if (status == H5CKPT_OK && entry.link_count > 1 && lock->identified)
        status = break_link(lock, mode, error);
    return status;
}

h5ckpt_status lock_take(struct lock *lock, const struct directory *directory, mode_t mode, struct error *error)
{
    h5ckpt_status status;
    bool taken;
    bool same;

    *lock = LOCK_NONE;
    status = file_open(&lock->file, directory, FORMAT_LOCK_NAME, FILE_WRITE, error);
    if (status == H5CKPT_E_DAMAGED)
        return error_set(error, H5CKPT_E_FOREIGN, "'%s/%s' is not a regular file: not ours, left alone",
                         directory->path, FORMAT_LOCK_NAME);
    if (status != H5CKPT_OK)
        return status;
    status = file_lock(&lock->file, &taken, error);
    if (status == H5CKPT_OK && !taken)
        status = busy(lock, error);
    if (status == H5CKPT_OK)
        status = names_same_file(&lock->file, FORMAT_LOCK_NAME, &same, error);
    /* The holder before us deleted the checkpoint while we waited at its file: start again, with what is there now. */
    if (status == H5CKPT_OK && !same)
        status = being_opened(directory, error);
    if (status == H5CKPT_OK)
        status = read_content(lock, error);
    if (status == H5CKPT_OK)
        status = lock_detach(lock, mode, error);
    if (status != H5CKPT_OK)
        file_close(&lock->file);
    lock->found = status == H5CKPT_OK;
    lock->phase_uncertain = lock->phase == LOCK_IN_USE; /* it may be in the page cache alone */
    return status;
}

/*
 * A lock.new is in the way: of a process that is making the lock just now (it holds it), or of one that died doing so.
 */
static h5ckpt_status clear_new_file(const struct directory *directory, struct error *error)
{
    unsigned char head[sizeof LOCK_MAGIC] = {0};
    struct file file = FILE_NONE;
    struct entry entry;
    h5ckpt_status status;
    bool taken = false;
    bool same = false;

    status = file_open(&file, directory, LOCK_NEW_NAME, FILE_WRITE, error);
    if (status == H5CKPT_NO_CHECKPOINT)
        return error_set(error, H5CKPT_E_OVERTAKEN, "'%s' is being opened by another process", directory->path);
    if (status == H5CKPT_OK)
        status = file_lock(&file, &taken, error);
    if (status == H5CKPT_OK && !taken)
        status =
            error_set(error, H5CKPT_E_BUSY,
                      "another process is becoming the writer of directory '%s'; nothing was changed", directory->path);
    if (status == H5CKPT_OK)
        status = names_same_file(&file, LOCK_NEW_NAME, &same, error);
    if (status == H5CKPT_OK)
        status = file_look(&file, &entry, error);
    if (status == H5CKPT_OK && entry.byte_count >= sizeof head)
        status = file_read(&file, head, sizeof head, 0, error);
    /* One of ours that was cut short is empty, zero or begins with the magic. */
    if (status == H5CKPT_OK && memcmp(head, LOCK_MAGIC, sizeof head) != 0 &&
        (entry.byte_count > FORMAT_LOCK_BYTES || memcmp(head, (unsigned char[sizeof head]){0}, sizeof head) != 0))
        status = H5CKPT_E_DAMAGED;
    if (status == H5CKPT_OK && same)
        status = directory_remove(directory, LOCK_NEW_NAME, error);
    file_close(&file);
    if (status == H5CKPT_E_DAMAGED)
        return error_set(error, H5CKPT_E_FOREIGN, "'%s/%s' is not ours: move it away", directory->path, LOCK_NEW_NAME);
    return status < 0
               ? status
               : error_set(error, H5CKPT_E_OVERTAKEN, "a leftover of a crash was removed from '%s'", directory->path);
}

h5ckpt_status lock_make(struct lock *lock, const struct directory *directory, enum lock_phase phase,
                        const unsigned char directory_id[FORMAT_ID_BYTES], mode_t mode, struct error *error)
{
    struct error ignored = ERROR_NONE;
    h5ckpt_status status;
    bool taken = false;
    bool same = false;

    *lock = LOCK_NONE;
    lock->phase = phase;
    memcpy(lock->directory_id, directory_id, FORMAT_ID_BYTES);
    status = file_create(&lock->file, directory, LOCK_NEW_NAME, mode, error);
    if (status == H5CKPT_E_FOREIGN)
        return clear_new_file(directory, error);
    if (status < 0)
        return status;
    status = file_lock(&lock->file, &taken, error); /* before it appears: nobody finds it unheld */
    const bool refused = status < 0;                /* as where there are no locks: then nobody else holds it either */
    /* Until it was held, another opener may have taken it for a leftover, and even made its own. */
    if (names_same_file(&lock->file, LOCK_NEW_NAME, &same, refused ? &ignored : error) < 0 && !refused)
        status = error->status;
    const bool ours = same && (taken || refused);
    if (status == H5CKPT_OK && !ours)
        status = being_opened(directory, error);
    if (status == H5CKPT_OK)
        status = fill(lock, error);
    if (status == H5CKPT_OK)
        status = directory_link(directory, LOCK_NEW_NAME, FORMAT_LOCK_NAME, error);
    if (status < 0 && error->system_errno == EEXIST)
        status = being_opened(directory, error);
    if (ours)
        directory_remove(directory, LOCK_NEW_NAME, &ignored); /* if it stays, the next open removes it */
    if (status == H5CKPT_OK) {
        status = directory_flush(directory, error);
        if (status < 0)
            directory_remove(directory, FORMAT_LOCK_NAME, &ignored); /* we hold it: nobody else has used it */
    }
    error_clear(&ignored);
    if (status < 0) {
        lock_release(lock);
        return status;
    }
    strcpy(lock->file.name, FORMAT_LOCK_NAME);
    lock->identified = true;
    lock->made = true;
    return H5CKPT_OK;
}

h5ckpt_status lock_peek(struct lock *lock, const struct directory *directory, bool *held, struct error *error)
{
    h5ckpt_status status;

    *held = false;
    *lock = LOCK_NONE;
    status = file_open(&lock->file, directory, FORMAT_LOCK_NAME, FILE_READ, error);
    if (status == H5CKPT_E_DAMAGED)
        return error_set(error, H5CKPT_E_FOREIGN, "'%s/%s' is not a regular file: not ours", directory->path,
                         FORMAT_LOCK_NAME);
    if (status != H5CKPT_OK)
        return status;
    status = read_content(lock, error);
    if (status == H5CKPT_OK)
        status = file_is_locked(&lock->file, held, error);
    lock->found = status == H5CKPT_OK;
    file_close(&lock->file);
    return status;
}

static bool notes_equal(const struct lock_note *a, const struct lock_note *b)
{
    unsigned char sector_of_a[SECTOR_BYTES];
    unsigned char sector_of_b[SECTOR_BYTES];

    note_encode(a, sector_of_a);
    note_encode(b, sector_of_b);
    return memcmp(sector_of_a, sector_of_b, SECTOR_BYTES) == 0;
}

/*
 * Where a lock is given to whoever asks, the note is what gives another writer away: every save leaves one, with the id
 * of its run. One that cannot be read says nothing; one of ours may be another than we know of, if writing it failed.
 */
static h5ckpt_status check_note(const struct lock *lock, struct error *error)
{
    unsigned char sector[SECTOR_BYTES];
    struct error ignored = ERROR_NONE;

    if (file_read(&lock->file, sector, sizeof sector, AT_NOTE, &ignored) < 0) {
        error_clear(&ignored);
        return H5CKPT_OK;
    }
    const struct lock_note note = note_decode(sector);
    if (!is_sealed(sector) || memcmp(note.run_id, lock->run_id, FORMAT_ID_BYTES) == 0 ||
        notes_equal(&note, &lock->note))
        return H5CKPT_OK;
    return error_set(error, H5CKPT_E_BUSY,
                     "another run (process %" PRIu64
                     ") has written to '%s', although this handle holds its lock: locks do not "
                     "work on this file system; this handle writes and removes nothing there any more",
                     note.process_id, lock->file.directory->path);
}

h5ckpt_status lock_check(const struct lock *lock, struct error *error)
{
    h5ckpt_status status;
    bool same;

    status = names_same_file(&lock->file, FORMAT_LOCK_NAME, &same, error);
    if (status < 0)
        return status;
    if (same)
        return check_note(lock, error);
    return error_set(error, H5CKPT_E_BUSY,
                     "'%s/%s' is no longer the file that this handle locked: the directory was "
                     "deleted or taken over; this handle writes and removes nothing there any more",
                     lock->file.directory->path, FORMAT_LOCK_NAME);
}

h5ckpt_status lock_set_phase(struct lock *lock, enum lock_phase phase, struct error *error)
{
    unsigned char sector[SECTOR_BYTES];
    h5ckpt_status status;
    enum lock_phase before = lock->phase;

    lock->phase = phase;
    lock->phase_uncertain = true;
    identity_encode(lock, sector);
    status = file_write(&lock->file, sector, sizeof sector, 0, error);
    if (status == H5CKPT_OK)
        status = file_flush(&lock->file, error);
    if (status < 0) {
        lock->phase = before;
    } else {
        lock->phase_uncertain = false;
        lock->identified = true;
    }
    return status;
}

static h5ckpt_status write_note(struct lock *lock, struct lock_note note, const char *boot_id, struct error *error)
{
    unsigned char sector[SECTOR_BYTES];
    h5ckpt_status status = check_note(lock, error);

    if (status < 0)
        return status;
    note.process_id = system_calls->process_id();
    memmove(note.boot_id, boot_id, sizeof note.boot_id);
    memcpy(note.run_id, lock->run_id, sizeof note.run_id);
    note_encode(&note, sector);
    status = file_write(&lock->file, sector, sizeof sector, AT_NOTE, error);
    if (status == H5CKPT_OK)
        lock->note = note; /* what could not be noted was not acknowledged */
    return status;
}

h5ckpt_status lock_note_begin(struct lock *lock, unsigned slot, uint64_t sequence, uint64_t base_sequence,
                              const char *boot_id, struct error *error)
{
    const struct lock_note note = {.activity = LOCK_SAVING,
                                   .slot = slot,
                                   .sequence = sequence,
                                   .acknowledged = base_sequence,
                                   .account = lock->note.account};

    return write_note(lock, note, boot_id, error);
}

h5ckpt_status lock_note_failure(struct lock *lock, struct error *error)
{
    struct lock_note note = lock->note;

    note.activity = LOCK_GAVE_UP;
    return write_note(lock, note, lock->note.boot_id, error);
}

h5ckpt_status lock_note_success(struct lock *lock, unsigned slot, const struct lock_account *account,
                                const char *boot_id, struct error *error)
{
    const struct lock_note note = {
        .slot = slot, .sequence = account->sequence, .acknowledged = account->sequence, .account = *account};

    return write_note(lock, note, boot_id, error);
}

h5ckpt_status lock_note_roll_back(struct lock *lock, unsigned slot, uint64_t sequence, const char *boot_id,
                                  struct error *error)
{
    const struct lock_note note = {
        .slot = slot, .sequence = sequence, .acknowledged = sequence, .account = lock->note.account};

    return write_note(lock, note, boot_id, error);
}

h5ckpt_status lock_remove(struct lock *lock, struct error *error)
{
    const struct directory *directory = lock->file.directory;
    h5ckpt_status status = lock->removed ? H5CKPT_OK : lock_check(lock, error);

    if (status == H5CKPT_OK && !lock->removed)
        status = directory_remove(directory, FORMAT_LOCK_NAME, error);
    lock->removed |= status == H5CKPT_OK;
    if (status == H5CKPT_OK)
        status = directory_flush(directory, error);
    return status;
}

void lock_release(struct lock *lock)
{
    file_close(&lock->file);
    *lock = LOCK_NONE;
}
