/* SPDX-License-Identifier: MIT */
/* The usual designs, each as its description says and no worse. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "bytes.h"
#include "naive/engine.h"
#include "storage/system.h"

enum {
    PIECE_BYTES = 4096, /* HDF5 writes chunk by chunk */
    SUM_BYTES = 4,
    HEAD_BYTES = 512,
};

#define STATE_NAME  "state"
#define NEW_NAME    "state.new"
#define BACKUP_NAME "state.bak"

static const char *state_file(void)
{
    return STATE_NAME;
}

static int open_file(const char *name, int flags)
{
    return system_calls->open_at(AT_FDCWD, name, flags | O_CLOEXEC, 0600);
}

static bool put(int file, const unsigned char *bytes, size_t byte_count, size_t offset)
{
    bool done = true;

    for (size_t at = 0; at < byte_count && done; at += PIECE_BYTES) {
        const size_t count = byte_count - at < PIECE_BYTES ? byte_count - at : PIECE_BYTES;
        done = system_calls->write_at(file, bytes + at, count, (off_t)(offset + at)) == (ssize_t)count;
    }
    return done;
}

static bool get(int file, unsigned char *bytes, size_t byte_count, size_t offset)
{
    return system_calls->read_at(file, bytes, byte_count, (off_t)offset) == (ssize_t)byte_count;
}

static enum answer get_file(const char *name, unsigned char *state, size_t byte_count, size_t offset)
{
    const int file = open_file(name, O_RDONLY);

    if (file < 0)
        return errno == ENOENT ? ANSWER_NONE : ANSWER_ERROR;
    const bool got = get(file, state, byte_count, offset);
    system_calls->close(file);
    return got ? ANSWER_STATE : ANSWER_ERROR;
}

/* ------------------------------------------------------------------ in place */

static bool save_in_place(const unsigned char *state, size_t byte_count)
{
    const int file = open_file(STATE_NAME, O_RDWR | O_CREAT);
    const bool saved = put(file, state, byte_count, 0) && system_calls->flush_data(file) == 0;

    system_calls->close(file);
    return saved;
}

static enum answer restore_one_file(unsigned char *state, size_t byte_count)
{
    return get_file(STATE_NAME, state, byte_count, 0);
}

const struct engine IN_PLACE = {.name = "one file, rewritten in place",
                                .save = save_in_place,
                                .restore = restore_one_file,
                                .newest_file = state_file,
                                .piece_bytes = PIECE_BYTES};

/* -------------------------------------------------------------------- backup */

static bool write_anew(const char *name, const unsigned char *bytes, size_t byte_count)
{
    const int file = open_file(name, O_RDWR | O_CREAT | O_TRUNC);
    const bool written = put(file, bytes, byte_count, 0);

    system_calls->close(file);
    return written;
}

static bool save_with_backup(const unsigned char *state, size_t byte_count)
{
    static unsigned char before[1 << 18];

    if (byte_count > sizeof before)
        return false;
    if (get_file(STATE_NAME, before, byte_count, 0) == ANSWER_STATE && !write_anew(BACKUP_NAME, before, byte_count))
        return false;
    return write_anew(STATE_NAME, state, byte_count);
}

static enum answer restore_with_backup(unsigned char *state, size_t byte_count)
{
    const enum answer newest = restore_one_file(state, byte_count);
    const enum answer backup = newest == ANSWER_STATE ? newest : get_file(BACKUP_NAME, state, byte_count, 0);

    if (newest == ANSWER_STATE || (newest == ANSWER_NONE && backup == ANSWER_NONE))
        return newest;
    return backup == ANSWER_STATE ? ANSWER_OLDER : ANSWER_ERROR;
}

const struct engine BACKUP = {.name = "a backup copy, nothing flushed",
                              .save = save_with_backup,
                              .restore = restore_with_backup,
                              .newest_file = state_file,
                              .piece_bytes = PIECE_BYTES};

/* ---------------------------------------------------------------- two groups */

static size_t group_offset(unsigned group, size_t byte_count)
{
    return HEAD_BYTES + group * bytes_round_up(byte_count, HEAD_BYTES);
}

static bool save_in_group(const unsigned char *state, size_t byte_count)
{
    unsigned char head[HEAD_BYTES] = {0};
    const int file = open_file(STATE_NAME, O_RDWR | O_CREAT);
    bool saved;

    head[0] = get(file, head, sizeof head, 0) && head[0] == 0;
    saved = put(file, state, byte_count, group_offset(head[0], byte_count)) && put(file, head, sizeof head, 0) &&
            system_calls->flush_data(file) == 0;
    system_calls->close(file);
    return saved;
}

static enum answer restore_from_group(unsigned char *state, size_t byte_count)
{
    unsigned char head[HEAD_BYTES];
    const enum answer answer = get_file(STATE_NAME, head, sizeof head, 0);

    return answer == ANSWER_STATE ? get_file(STATE_NAME, state, byte_count, group_offset(head[0], byte_count)) : answer;
}

const struct engine TWO_GROUPS = {.name = "two groups of one file, by turns",
                                  .save = save_in_group,
                                  .restore = restore_from_group,
                                  .newest_file = state_file,
                                  .first_piece = HEAD_BYTES,
                                  .piece_bytes = PIECE_BYTES};

/* ------------------------------------------------------------------- renamed */

static bool flush_directory(void)
{
    const int directory = open_file(".", O_RDONLY | O_DIRECTORY);
    const bool flushed = system_calls->flush(directory) == 0;

    system_calls->close(directory);
    return flushed;
}

static bool finish_renamed(int file, bool written)
{
    const bool flushed = written && system_calls->flush_data(file) == 0;

    system_calls->close(file);
    return flushed && system_calls->rename_at(AT_FDCWD, NEW_NAME, STATE_NAME) == 0 && flush_directory();
}

static bool save_renamed(const unsigned char *state, size_t byte_count)
{
    const int file = open_file(NEW_NAME, O_RDWR | O_CREAT | O_TRUNC);

    return finish_renamed(file, put(file, state, byte_count, 0));
}

const struct engine RENAMED = {.name = "a flushed file renamed, no checksum",
                               .save = save_renamed,
                               .restore = restore_one_file,
                               .newest_file = state_file,
                               .piece_bytes = PIECE_BYTES};

/* ---------------------------------------------------------------- Fletcher32 */

/* As HDF5's filter computes it: sums modulo 65535 of big-endian 16-bit words. */
static uint32_t fletcher32(const unsigned char *bytes, size_t byte_count)
{
    uint32_t one = 0;
    uint32_t two = 0;

    for (size_t i = 0; i < byte_count; i += 2) {
        one = (one + ((uint32_t)bytes[i] << 8 | bytes[i + 1])) % 65535;
        two = (two + one) % 65535;
    }
    return two << 16 | one;
}

static bool save_with_fletcher32(const unsigned char *state, size_t byte_count)
{
    const int file = open_file(NEW_NAME, O_RDWR | O_CREAT | O_TRUNC);
    unsigned char chunk[PIECE_BYTES + SUM_BYTES];
    bool written = true;

    for (size_t i = 0; i < byte_count / PIECE_BYTES && written; i++) {
        memcpy(chunk, state + i * PIECE_BYTES, PIECE_BYTES);
        bytes_put_u32(chunk + PIECE_BYTES, fletcher32(chunk, PIECE_BYTES));
        written = put(file, chunk, sizeof chunk, i * sizeof chunk);
    }
    return finish_renamed(file, written);
}

static enum answer restore_with_fletcher32(unsigned char *state, size_t byte_count)
{
    unsigned char chunk[PIECE_BYTES + SUM_BYTES];
    enum answer answer = ANSWER_STATE;

    for (size_t i = 0; i < byte_count / PIECE_BYTES && answer == ANSWER_STATE; i++) {
        answer = get_file(STATE_NAME, chunk, sizeof chunk, i * sizeof chunk);
        if (answer == ANSWER_STATE && bytes_get_u32(chunk + PIECE_BYTES) != fletcher32(chunk, PIECE_BYTES))
            answer = ANSWER_ERROR;
        memcpy(state + i * PIECE_BYTES, chunk, PIECE_BYTES);
    }
    return answer;
}

const struct engine FLETCHER32 = {.name = "a flushed file renamed, Fletcher32",
                                  .save = save_with_fletcher32,
                                  .restore = restore_with_fletcher32,
                                  .newest_file = state_file,
                                  .piece_bytes = PIECE_BYTES + SUM_BYTES};
