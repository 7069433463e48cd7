/* SPDX-License-Identifier: MIT */
/*
 * fixture: a temporary directory for each test, a small standard state whose content follows from a number, and what
 * tests do to files. Every function asserts that it succeeds.
 */
#ifndef TEST_FIXTURE_H
#define TEST_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "h5ckpt.h"

enum { PATH_BYTES = 512, SNAPSHOT_BYTES = 16384 };

/* ---------------------------------------------------------------- directory */

extern char fixture_directory[PATH_BYTES]; /* fresh and empty for each test */
extern char fixture_backup[PATH_BYTES];    /* a name in it for the backup directory; not made */

/* In main(), around suite_run(): what failed tests leave behind is removed too. */
void fixture_begin(void);
void fixture_end(void);

/* Of each test. */
void fixture_setup(void);
void fixture_teardown(void);

/* Remove the backup directory and everything in it, so that a test can begin anew. */
void fixture_clear_backup(void);

/* ----------------------------------------------------------- standard state */

/* More than two blocks, several types, all three kinds of access to memory. */
struct standard {
    h5ckpt_state *state;
    float weights[160][256];
    double bias[5];
    int64_t step;
    unsigned char generator[40];
    char label[2][16];
    bool flag[3];
    uint16_t *moved; /* freed and allocated anew by standard_fill() */
    int32_t device[7];
    int get_fails; /* what the get and put functions of `device` return */
    int put_fails;
};

enum { STANDARD_VARIABLE_COUNT = 8 };

void standard_make(struct standard *standard);
void standard_free(struct standard *standard);

/* Memory becomes state `number`; standard_spoil() makes it no state at all. */
void standard_fill(struct standard *standard, uint64_t number);
void standard_spoil(struct standard *standard);
bool standard_is(const struct standard *standard, uint64_t number);
bool standard_is_spoilt(const struct standard *standard);

/* What is saved with state `number`. */
struct h5ckpt_progress standard_progress(uint64_t number);

/* Open the backup directory; `options` NULL for the defaults. */
h5ckpt_store *standard_open(struct standard *standard, const struct h5ckpt_options *options);

/* As the writer with so many slots, and read-only. */
h5ckpt_store *standard_open_slots(struct standard *standard, unsigned slots);
h5ckpt_store *standard_open_reader(struct standard *standard);

/* Fill, save. */
h5ckpt_status standard_save(h5ckpt_store *store, struct standard *standard, uint64_t number);

/* In a new directory or after what is there: open, restore, save states first … last, close. */
void standard_history(unsigned slots, uint64_t first, uint64_t last);

/* Spoil, restore, close; asserts the status and, if a state was expected, that memory is state `number`. */
void assert_restores(h5ckpt_status expected, uint64_t number);
void assert_restores_previous(h5ckpt_status expected, uint64_t number);

/* States that are intact, verified to the last byte, by a store that only reads. */
unsigned intact_count(void);

/* -------------------------------------------------------------------- files */

/* "<backup directory>/<name>", in one of a few buffers used in turn. */
const char *in_backup(const char *name);

bool file_exists(const char *path);
uint64_t file_bytes(const char *path);
uint64_t file_disk_bytes(const char *path);
ino_t file_inode(const char *path);
unsigned file_permissions(const char *path);
void file_flip_bit(const char *path, uint64_t bit);
void file_cut(const char *path, uint64_t byte_count);
void file_replace(const char *path, const void *bytes, size_t byte_count); /* a new file; what was there is removed */
void file_remove(const char *path);
void file_read_bytes(const char *path, void *bytes, size_t byte_count, uint64_t offset);
void file_write_bytes(const char *path, const void *bytes, size_t byte_count, uint64_t offset);
bool file_holds(const char *path, const char *text); /* exactly that */

/* Copy what is in a directory (regular files) to a new one. */
void directory_copy(const char *from, const char *to);

/* Everything about a directory that must not change, as text: names, kinds, permissions, lengths, contents. */
void directory_snapshot(const char *path, char text[SNAPSHOT_BYTES]);

/* The backup directory as it is now; and that nothing of it has changed since. */
void snapshot_before(void);
void assert_unchanged(void);

/* Names in a directory; it may be missing. */
unsigned directory_entry_count(const char *path);

/* The slot, "slot-a.h5" …, that holds the state of this epoch by its record; asserts that there is one. */
const char *slot_of_epoch(uint64_t epoch);

/* Make the checksums of a slot's record or of a lock's identity right again after bytes of it were changed. */
void file_seal_sector(const char *path, uint64_t offset);

#endif
