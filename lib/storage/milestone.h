/* SPDX-License-Identifier: MIT */
/*
 * milestone: states kept under a name, outside the rotation: their names, and what is there (docs/format.md 1). Reads
 * only.
 */
#ifndef H5CKPT_MILESTONE_H
#define H5CKPT_MILESTONE_H

#include "storage/slot.h"

struct milestone {
    char name[FORMAT_MILESTONE_NAME_BYTES_MAX + 1];
    char file_name[FORMAT_FILE_NAME_BYTES_MAX + 1];
    struct slot slot; /* names `file_name`: a milestone is not copied */
};

/* May a milestone be called so? H5CKPT_E_ARGUMENT says what may. */
h5ckpt_status milestone_check_name(const char *name, struct error *error);

/* The milestone's name in a file's name; false: it is no milestone's. Pure. */
bool milestone_name_of_file(const char *file_name, char name[FORMAT_MILESTONE_NAME_BYTES_MAX + 1]);

/*
 * Look at the milestone of that name, which may be called so. As slot_examine(); what is no regular file, or a slot of
 * another directory, is FOREIGN.
 */
void milestone_examine(struct milestone *milestone, const struct directory *directory, const char *name,
                       const unsigned char *directory_id);

/* Is its file, by its record, one that this directory's writer made, and may remove? */
bool milestone_is_ours(const struct milestone *milestone);

/*
 * What is wrong with it as a sentence, by the status that follows from its state; H5CKPT_OK: it is there and looks
 * whole.
 */
h5ckpt_status milestone_refuse(const struct milestone *milestone, const struct directory *directory,
                               struct error *error);

struct milestones {
    struct milestone *milestone;
    size_t count;
};

#define MILESTONES_NONE ((struct milestones){0})

/* Every file under a milestone's name, ours or not, the oldest state first. H5CKPT_E_MEMORY, or the system's errors. */
h5ckpt_status milestones_read(struct milestones *found, const struct directory *directory,
                              const unsigned char *directory_id, struct error *error);
void milestones_free(struct milestones *found);

/* Is there any that may be ours: one that is not known to be foreign? */
bool milestones_any(const struct milestones *found);

/* The highest sequence in any readable record of ours (rule (f)); 0: there is none. */
uint64_t milestones_sequence(const struct milestones *found);

/*
 * The one directory id that all readable records carry. H5CKPT_NO_CHECKPOINT: there is none; H5CKPT_E_FOREIGN: more
 * than one; H5CKPT_E_VERSION; the system's errors, of one that cannot be read for the moment.
 */
h5ckpt_status milestones_agreed_id(const struct milestones *found, const struct directory *directory,
                                   unsigned char directory_id[FORMAT_ID_BYTES], struct error *error);

#endif
