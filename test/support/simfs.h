/* SPDX-License-Identifier: MIT */
/*
 * simfs: a POSIX file system in memory, behind the seam of lib/storage/system.h, that can be killed and cut off.
 *
 * A test puts `system_calls = &simfs_calls`, makes a file system and chooses it with simfs_use(). Everything that
 * the library does to it is logged; from the log, images are built of what the next process can find after a crash
 * at any operation.
 *
 * The model
 * ---------
 * (1) Page cache and device are two layers. Per 512-byte sector there are: the cached bytes; the visible bytes, which
 *     the device returns when asked; the durable bytes, which survive a power cut; and the versions in flight, written
 *     to the cache but not known to be durable. An ordinary read sees the cache.
 * (2) write, truncate and allocate change the cache. A sector is written to the device whole or not at all (the atomic
 *     unit of disks: one logical block; NVMe 1.4, AWUN/AWUPF). Nothing larger is atomic.
 * (3) A successful flush of a file makes its newest content and size durable. It says nothing about its name: "Calling
 *     fsync() does not necessarily ensure that the entry in the directory containing the file has also reached disk"
 *     (fsync(2)). A successful flush of a directory makes all its entries durable, and nothing else.
 * (4) A flush of a file that fails (EIO) reports once and then forgets, as Linux does since 4.16 (fsync(2), BUGS and
 *     NOTES; Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020, for ext4 and XFS): its
 *     dirty sectors are clean afterwards, the cache keeps the new bytes, the device has them for none or some sectors,
 *     and the next flush succeeds with nothing to do. The size is metadata and stays in flight. A flush of a directory
 *     that fails leaves its changes in flight: directories are journalled metadata, whose loss stops the whole file
 *     system (ext4's journal abort, XFS' shutdown) instead of being forgotten.
 * (5) A read through O_DIRECT writes dirty sectors of its range to the device first, then returns the visible bytes
 *     (filemap_write_and_wait_range() in the kernel's direct read path). What it wrote is visible but, for want of a
 *     flush of the device's own cache, still in flight. Sectors that (4) made clean are read as the device has them, so
 *     this is the read that finds out. Offset, length and memory must be 4096-aligned. Can be switched off, as some
 *     file systems have no O_DIRECT.
 * (6) A kill ends the process at any operation, or inside a write after any whole number of sectors
 *     (generic_perform_write() looks for a fatal signal between pages). The cache survives whole; descriptors and locks
 *     go. Clean sectors may have been evicted: then their visible bytes are the cached ones.
 * (7) A power cut keeps the durable bytes, and for each sector in flight, independently, any one of its versions or
 *     none; for each file in flight any one of its sizes since the last flush (a size without its data shows zeros);
 *     and, for each directory, any subset of the changes of entries in flight, applied in their order. No order between
 *     files, between a file and its name, or between names is assumed (ALICE's freest model: Pillai et al., "All File
 *     Systems Are Not Created Equal", OSDI 2014), ext4's data=ordered included. One change is atomic: a rename has
 *     taken away the old name and set the new one, or has done neither (rename(2)). Cache, descriptors and locks go;
 *     the boot id changes.
 * (8) Locks are open-file-description locks over whole files (fcntl_locking(2)); they go with their description.
 * (9) Clocks, random bytes, process and boot ids follow from the seed and the calls made: a run repeats exactly.
 * (10) A child is a real one, so that it has the memory as it was; its writes are made by the parent, when it awaits
 *      it.
 * (11) Of its memory a process is told that all of it is its own.
 *
 * Not modelled: symbolic links, owners, renaming of directories, reuse of inode numbers, mmap, a device that lies.
 */
#ifndef H5CKPT_TEST_SIMFS_H
#define H5CKPT_TEST_SIMFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/system.h"

enum {
    SIMFS_SECTOR_BYTES = 512,
    SIMFS_DIRECT_ALIGN_BYTES = 4096,
    SIMFS_NAME_BYTES = 40, /* of one path component, terminator included */
    SIMFS_DESCRIPTOR_COUNT_MAX = 32,
};

struct simfs;

/* The seam's table; works on the file system that simfs_use() named last. */
extern const struct system_calls simfs_calls;

/* A file system with an empty root directory, which is also the working directory. Aborts when out of memory. */
struct simfs *simfs_new(uint64_t seed);
void simfs_free(struct simfs *fs); /* NULL is allowed */
void simfs_use(struct simfs *fs);

/* Called before each change of any file system, by the library's thread that is about to make it; NULL: nothing is. */
void simfs_before_change(void (*call)(void));

/* ----------------------------------------------------------------- processes */

/* The process dies: descriptors and locks are gone. Until simfs_restart(), all its calls fail and change nothing, so
 * that a test can free what the library holds in memory. */
void simfs_kill(struct simfs *fs);

/* The next process, with a new id, starts. */
void simfs_restart(struct simfs *fs);

/* ---------------------------------------------------------------- recorder */

enum simfs_op_kind {
    SIMFS_WRITE,
    SIMFS_RESIZE, /* truncate or allocate */
    SIMFS_CREATE,
    SIMFS_LINK,
    SIMFS_RENAME,
    SIMFS_REMOVE, /* of a file or directory */
    SIMFS_MAKE_DIRECTORY,
    SIMFS_FLUSH,
    SIMFS_FLUSH_FAILED,
    SIMFS_WRITE_BACK, /* by an O_DIRECT read */
    SIMFS_EVICT,      /* clean sectors left the cache */
    SIMFS_DAMAGE,     /* by the test, in all layers */
    SIMFS_MARK,       /* by the test; changes nothing */
    SIMFS_RESTART,
};

/* Of a flush that fails: which sectors reached the device all the same? Of an eviction: which stayed in the cache? */
enum simfs_survivors {
    SIMFS_SURVIVE_NONE,
    SIMFS_SURVIVE_ALL,
    SIMFS_SURVIVE_SOME,
};

struct simfs_op {
    enum simfs_op_kind kind;
    uint64_t inode;  /* the file; for names, the directory */
    uint64_t target; /* the inode that a name refers to */
    uint64_t offset; /* of a write, a write-back or damage; the new size of a resize */
    size_t byte_count;
    const unsigned char *bytes; /* SIMFS_WRITE */
    bool direct;                /* SIMFS_WRITE: past the cache */
    mode_t mode;
    enum simfs_survivors survivors; /* SIMFS_FLUSH_FAILED, SIMFS_EVICT */
    uint64_t seed;                  /* … for SIMFS_SURVIVE_SOME */
    int64_t time_ns;                /* by the wall clock */
    int mark;                       /* SIMFS_MARK: the test's meaning … */
    uint64_t value;                 /* … and number */
    char name[SIMFS_NAME_BYTES];    /* of a name operation; where a file was opened, for messages */
    char to[SIMFS_NAME_BYTES];      /* SIMFS_LINK, SIMFS_RENAME */
};

/* What was done since the file system was made or became an image; valid as long as it. */
size_t simfs_op_count(const struct simfs *fs);
const struct simfs_op *simfs_op_at(const struct simfs *fs, size_t index);
const char *simfs_op_name(enum simfs_op_kind kind);

/* Note an event of the test's in the log. */
void simfs_mark(struct simfs *fs, int mark, uint64_t value);

/* ------------------------------------------------------------------ images */

/*
 * Images share bytes with what they were made of: the source must outlive them and not change before they are dropped.
 * `image` may be used again and again; its former content and log are dropped.
 */

/* Do again what another file system's log says, to `fs` that was equal to it then. */
void simfs_replay(struct simfs *fs, const struct simfs_op *op);

/* As simfs_replay() for the first `byte_count` bytes of a write. */
void simfs_replay_part(struct simfs *fs, const struct simfs_op *op, size_t byte_count);

/* What the next process finds after the running one was killed here. */
void simfs_image_after_kill(struct simfs *image, const struct simfs *source);

enum simfs_unit_kind { SIMFS_UNIT_SECTOR, SIMFS_UNIT_SIZE, SIMFS_UNIT_NAME };

/* One thing in flight; a power cut makes of it version 0 (as durable now), 1, … or `version_count` - 1 (the newest). */
struct simfs_unit {
    enum simfs_unit_kind kind;
    uint64_t inode;
    size_t index;           /* of the sector, or of the change in its directory */
    unsigned version_count; /* at least 2 */
};

/* All that is in flight and could matter: files that no name can refer to are left out. Writes at most `unit_count_max`
 * units and returns how many there are. The order is by inode, then size before sectors. */
size_t simfs_units_in_flight(const struct simfs *fs, struct simfs_unit *unit, size_t unit_count_max);

/* What the machine finds when the power is back: `version[i]` says what became of unit i. */
void simfs_image_after_power_cut(struct simfs *image, const struct simfs *source, const struct simfs_unit *unit,
                                 const unsigned *version, size_t unit_count);

/* A number that is equal for file systems that look equal to a reader: names, sizes, bytes, and what O_DIRECT sees. */
uint64_t simfs_fingerprint(const struct simfs *fs);

/* ------------------------------------------------------------ faults, damage */

enum simfs_call {
    SIMFS_CALL_OPEN,
    SIMFS_CALL_READ,
    SIMFS_CALL_WRITE,
    SIMFS_CALL_FLUSH,
    SIMFS_CALL_ALLOCATE,
    SIMFS_CALL_TRUNCATE,
    SIMFS_CALL_LINK,
    SIMFS_CALL_RENAME,
    SIMFS_CALL_REMOVE,
    SIMFS_CALL_RUN_CHILD,
    SIMFS_CALL_CHILD_WRITE, /* instead of which the child is killed */
};

struct simfs_fault {
    enum simfs_call call;
    const char *name_prefix; /* only where the file was opened, or the name begins, so; NULL: any */
    unsigned skip_count;     /* calls that still succeed */
    unsigned fail_count;     /* calls that fail then */
    int error;
    size_t bytes_done;              /* a write first writes so many bytes, then fails */
    enum simfs_survivors survivors; /* a flush of a file */
};

/* The one fault in force; NULL for none. Images begin without. */
void simfs_set_fault(struct simfs *fs, const struct simfs_fault *fault);

/*
 * May files be opened with O_DIRECT? At first: yes. Images inherit it. Reads only: as if whoever writes used the page
 * cache.
 */
enum simfs_direct { SIMFS_DIRECT_YES, SIMFS_DIRECT_READS_ONLY, SIMFS_DIRECT_NO };
void simfs_set_direct(struct simfs *fs, enum simfs_direct direct);

/* A file system that lies, to show that a test would find out. Bits; images inherit them. */
enum simfs_lie {
    SIMFS_LIE_DIRECT_READS_SEE_CACHE = 1, /* against (5) */
    SIMFS_LIE_FILE_FLUSHES = 2,           /* succeed and do nothing, against (3) */
    SIMFS_LIE_DIRECTORY_FLUSHES = 4,
};

/* `name_prefix` limits the flushes of files to those opened under such a name; NULL: all. */
void simfs_set_lies(struct simfs *fs, unsigned lies, const char *name_prefix);

/* Invert the bytes at `offset` in every layer, as a decaying disk does. */
void simfs_damage(struct simfs *fs, const char *path, uint64_t offset, size_t byte_count);

/* As if another process held, or no longer held, the lock on a file; nothing happens if there is no such file. */
enum simfs_held { SIMFS_HELD, SIMFS_NOT_HELD };
void simfs_set_held(struct simfs *fs, const char *path, enum simfs_held held);

/* Clean sectors leave the cache, see (6): but for those that `survivors` names, here of the eviction. */
void simfs_evict(struct simfs *fs, enum simfs_survivors survivors);

/* The names in a directory, as the cache has them: the index-th in no order, or NULL. */
const char *simfs_name_at(const struct simfs *fs, const char *path, size_t index);

#endif
