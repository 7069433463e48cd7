/* SPDX-License-Identifier: MIT */
/*
 * open: who becomes the writer, what an open cleans up, and what a close leaves.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "storage/milestone.h"
#include "storage/rotation.h"
#include "storage/show.h"
#include "storage/system.h"

enum {
    OPEN_ATTEMPTS_MAX = 8, /* how often another process may be faster before we say so */
    REWRITE_EVERY_MAX = 1000000,
    FILE_MODE_DEFAULT = 0600,
    SLOTS_DEFAULT = 2,
    REWRITE_DEFAULT = 16,
    NICE_MAX = 19,  /* setpriority(2) */
    CPU_MAX = 1024, /* sched_setaffinity(2), CPU_SET(3) */
};

struct h5ckpt_options h5ckpt_options_default(void)
{
    return (struct h5ckpt_options){
        .mode = H5CKPT_READ_WRITE,
        .slots = SLOTS_DEFAULT,
        .file_mode = FILE_MODE_DEFAULT,
        .rewrite_every = REWRITE_DEFAULT,
        .background = {.memory_bytes = UINT64_MAX, .cpu = -1},
    };
}

/* ---------------------------------------------------------------------- open */

static h5ckpt_status check_background(const struct h5ckpt_background *background, struct error *error)
{
    if (background->nice < 0 || background->nice > NICE_MAX)
        return error_set(error, H5CKPT_E_ARGUMENT, "options: background.nice is %d; 0 to %d are possible",
                         background->nice, NICE_MAX);
    if (background->cpu < -1 || background->cpu >= CPU_MAX)
        return error_set(error, H5CKPT_E_ARGUMENT,
                         "options: background.cpu is %d; -1 (any) or a processor's number below %d is possible",
                         background->cpu, CPU_MAX);
    return H5CKPT_OK;
}

static h5ckpt_status check_options(const struct h5ckpt_options *options, struct error *error)
{
    if (options->mode != H5CKPT_READ_WRITE && options->mode != H5CKPT_READ_ONLY)
        return error_set(error, H5CKPT_E_ARGUMENT, "options: %d is not one of enum h5ckpt_mode", (int)options->mode);
    if (options->slots < 1 || options->slots > FORMAT_SLOT_COUNT_MAX)
        return error_set(error, H5CKPT_E_ARGUMENT,
                         "options: %u slots; 1 to %d are possible (start from h5ckpt_options_default())",
                         options->slots, FORMAT_SLOT_COUNT_MAX);
    if ((options->file_mode & 0600) != 0600 || (options->file_mode & ~0666u) != 0)
        return error_set(error, H5CKPT_E_ARGUMENT,
                         "options: file mode %#o; the owner must be able to read and write, and "
                         "only read and write bits are possible",
                         options->file_mode);
    if (options->rewrite_every < 1 || options->rewrite_every > REWRITE_EVERY_MAX)
        return error_set(error, H5CKPT_E_ARGUMENT, "options: rewrite every %u saves; 1 to %d are possible",
                         options->rewrite_every, REWRITE_EVERY_MAX);
    if ((unsigned)options->save_mode > H5CKPT_SAVE_FORKED)
        return error_set(error, H5CKPT_E_ARGUMENT, "options: %d is not one of enum h5ckpt_save_mode",
                         (int)options->save_mode);
    return check_background(&options->background, error);
}

/* Without a lock file, nothing under the names of files being filled can be ours. */
static h5ckpt_status refuse_strangers(const struct directory *directory, struct error *error)
{
    for (unsigned i = 0; i < STORE_LEFTOVER_COUNT; i++) {
        struct entry entry;
        h5ckpt_status status = directory_look(directory, store_leftover_name(i), &entry, error);
        if (status < 0)
            return status;
        if (entry.kind != ENTRY_ABSENT)
            return error_set(error, H5CKPT_E_FOREIGN,
                             "'%s/%s' is there, but no lock file says that it is ours: move it away", directory->path,
                             store_leftover_name(i));
    }
    return H5CKPT_OK;
}

static void tell_repaired(const h5ckpt_store *store, const char *what)
{
    event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_LOCK_REPAIRED, .file = FORMAT_LOCK_NAME},
               "'%s/%s' %s and was made anew: the slots agree on whose they are", store->directory.path,
               FORMAT_LOCK_NAME, what);
}

/* For a directory without slots: the id that milestones agree on, which a deletion has left, or a new one. */
static h5ckpt_status choose_id(h5ckpt_store *store, unsigned char directory_id[FORMAT_ID_BYTES])
{
    struct milestones found;
    h5ckpt_status status = milestones_read(&found, &store->directory, NULL, &store->error);

    if (status == H5CKPT_OK)
        status = milestones_agreed_id(&found, &store->directory, directory_id, &store->error);
    milestones_free(&found);
    if (status != H5CKPT_NO_CHECKPOINT)
        return status;
    if (system_calls->random_bytes(directory_id, FORMAT_ID_BYTES) < 0)
        return error_set(&store->error, H5CKPT_E_SYSTEM, "the system gives no random bytes for a directory id");
    return H5CKPT_OK;
}

/* There is no lock: make one, with the id that copied slots agree on, or another. */
static h5ckpt_status make_lock(h5ckpt_store *store)
{
    unsigned char directory_id[FORMAT_ID_BYTES];
    enum lock_phase phase;
    bool agreed;
    h5ckpt_status status;

    status = survey_agreed_id(&store->directory, &store->lock.note, directory_id, &phase, &store->error);
    agreed = status == H5CKPT_OK;
    if (status >= 0 && refuse_strangers(&store->directory, &store->error) < 0)
        status = store->error.status;
    if (status == H5CKPT_NO_CHECKPOINT)
        status = choose_id(store, directory_id);
    if (status < 0)
        return status;
    status = lock_make(&store->lock, &store->directory, phase, directory_id, store->options.file_mode, &store->error);
    if (status == H5CKPT_OK && agreed)
        tell_repaired(store, "was missing");
    return status;
}

/* We hold a lock file that does not say whose it is: repair it if the slots do, else it is a stranger's. */
static h5ckpt_status repair_lock(h5ckpt_store *store)
{
    struct error reason = ERROR_NONE;
    h5ckpt_status status = H5CKPT_NO_CHECKPOINT;
    enum lock_phase phase = LOCK_EMPTY;

    if (store->lock.repairable)
        status = survey_agreed_id(&store->directory, &store->lock.note, store->lock.directory_id, &phase, &reason);
    if (status == H5CKPT_OK) {
        store->lock.identified = true; /* by the slots: now it can be detached from hard links before it is written */
        store->lock.phase = phase;
        status = lock_detach(&store->lock, store->options.file_mode, &store->error);
        if (status == H5CKPT_OK)
            status = lock_set_phase(&store->lock, phase, &store->error);
        if (status == H5CKPT_OK)
            tell_repaired(store, "was damaged");
    } else {
        status = error_set(&store->error, status == H5CKPT_NO_CHECKPOINT ? H5CKPT_E_FOREIGN : status,
                           "'%s/%s' is not ours, or damaged beyond repair; nothing was touched, and the slots may be "
                           "sound. If no run uses the directory, move the file away: it is made anew from the "
                           "slots%s%s",
                           store->directory.path, FORMAT_LOCK_NAME, status < 0 ? ": " : "", error_message(&reason));
    }
    error_clear(&reason);
    return status;
}

/*
 * Who noted before the machine was restarted that it was saving does so no more: a reader would take damage in that
 * slot for our work. (Under the same boot it would be right that nothing was acknowledged; and where locks do not work,
 * that save may go on.)
 */
static h5ckpt_status end_anothers_save(h5ckpt_store *store)
{
    struct error ignored = ERROR_NONE;
    h5ckpt_status status = H5CKPT_OK;

    if (store->lock.note.activity == LOCK_SAVING && !store->survey.same_boot)
        status = lock_note_failure(&store->lock, &ignored);
    if (status == H5CKPT_E_BUSY)
        error_move(&store->error, &ignored);
    error_clear(&ignored);
    return status == H5CKPT_E_BUSY ? status : H5CKPT_OK;
}

/* It may be in the page cache alone, of a process that died before it flushed: the lock is not to promise what goes. */
static h5ckpt_status flush_what_is_seen(h5ckpt_store *store)
{
    struct error ignored = ERROR_NONE;
    h5ckpt_status status;

    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++) /* those that are there */
        store_flush_slot(store, i, &ignored);
    error_clear(&ignored);
    status = directory_flush(&store->directory, &store->error);
    return status == H5CKPT_OK ? directory_flush_path(&store->directory, &store->error) : status;
}

static h5ckpt_status become_writer(h5ckpt_store *store)
{
    h5ckpt_status status = H5CKPT_OK;

    for (int attempt = 0; attempt < OPEN_ATTEMPTS_MAX; attempt++) {
        status = lock_take(&store->lock, &store->directory, store->options.file_mode, &store->error);
        if (status == H5CKPT_NO_CHECKPOINT)
            status = make_lock(store);
        if (status != H5CKPT_E_OVERTAKEN)
            break;
    }
    if (status == H5CKPT_E_OVERTAKEN)
        status = error_set(&store->error, H5CKPT_E_BUSY, "other processes keep opening '%s'; nothing was changed",
                           store->directory.path);
    memcpy(store->lock.run_id, store->run_id, sizeof store->lock.run_id);
    if (status == H5CKPT_OK && (!store->lock.identified || store->lock.phase == LOCK_EMPTY))
        status = flush_what_is_seen(store);
    if (status == H5CKPT_OK && !store->lock.identified)
        status = repair_lock(store);
    return status;
}

/* What a first save that never succeeded left behind: none of it was ever acknowledged. */
static h5ckpt_status remove_unfinished(h5ckpt_store *store)
{
    h5ckpt_status status = H5CKPT_OK;

    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX && status == H5CKPT_OK; i++)
        if (store->survey.slot[i].state != H5CKPT_SLOT_ABSENT)
            status = store_remove_leftover(store, slot_name(i));
    return status == H5CKPT_OK ? store_survey(store) : status;
}

/*
 * Nothing was acknowledged, and yet there is a state: the first save was complete but for that. Or it was in place,
 * into a reserved slot, and a power cut has torn it: then there is no checkpoint. One that cannot be made durable is
 * given back, but a power cut may take it: it is the next save that says "in use".
 */
static h5ckpt_status finish_first_save(h5ckpt_store *store)
{
    struct error ignored = ERROR_NONE;
    h5ckpt_status status = H5CKPT_OK;
    bool holds_state = false;
    bool may_hold_state = false;
    bool durable = false;

    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX && status == H5CKPT_OK; i++) {
        status = store_verify_slot(store, i);
        const bool holds = plan_holds_state(store->survey.slot[i].state);
        holds_state |= holds;
        may_hold_state |= store->survey.slot[i].state == H5CKPT_SLOT_UNREADABLE;
        durable |= holds && store_make_durable(store, i, &ignored) == H5CKPT_OK;
    }
    error_clear(&ignored);
    if (status == H5CKPT_OK && durable)
        status = lock_set_phase(&store->lock, LOCK_IN_USE, &store->error);
    store->may_save = status == H5CKPT_OK && !holds_state && !may_hold_state;
    return status;
}

/* Rule (f). */
static h5ckpt_status note_milestones(h5ckpt_store *store)
{
    struct milestones found;
    h5ckpt_status status = milestones_read(&found, &store->directory, store->lock.directory_id, &store->error);

    store_know_sequence(store, milestones_sequence(&found));
    milestones_free(&found);
    return status;
}

static h5ckpt_status open_as_writer(h5ckpt_store *store)
{
    h5ckpt_status status;

    status = become_writer(store);
    if (status < 0)
        return status;
    store->may_save = store_survey(store) == H5CKPT_NO_CHECKPOINT;
    if (store_refuse_untouchable(store) < 0) { /* to be said when it is asked to restore or save */
        store->may_save = false;
        return H5CKPT_OK;
    }
    status = end_anothers_save(store);
    if (status == H5CKPT_OK)
        status = store_remove_leftovers(store);
    if (status == H5CKPT_OK)
        status = note_milestones(store);
    if (status < 0)
        return status;
    if (store->lock.phase == LOCK_DELETING) {
        status = lock_set_phase(&store->lock, LOCK_DELETING, &store->error); /* durable, whoever wrote it */
        if (status == H5CKPT_OK)
            status = store_remove_files(store);
        if (status == H5CKPT_OK)
            status = lock_set_phase(&store->lock, LOCK_EMPTY, &store->error);
        if (status == H5CKPT_OK)
            event_tell(&store->events, (struct event){.kind = H5CKPT_EVENT_DELETED},
                       "finished a deletion of the checkpoint in '%s' that had been cut short", store->directory.path);
        return status < 0 ? status : store_survey(store);
    }
    if (!store->may_save && store->lock.phase == LOCK_EMPTY)
        status = finish_first_save(store);
    if (status < 0)
        return status;
    if (store->may_save)
        return remove_unfinished(store);
    view_read(&store->view, &store->directory, store->lock.directory_id);
    show_newest(store);
    return H5CKPT_OK;
}

/* A read-only store looks when it is asked to; all that is needed now is that the directory can be one. */
static h5ckpt_status open_beside_writer(h5ckpt_store *store)
{
    h5ckpt_status status = store_survey(store);

    return status == H5CKPT_E_FOREIGN || status == H5CKPT_E_VERSION || status == H5CKPT_E_OVERTAKEN || status >= 0
               ? H5CKPT_OK
               : status;
}

/* --------------------------------------------------------------------- close */

/*
 * A lock that this handle made says nothing of files that were there before and that no record shows to be ours: its id
 * is none of theirs.
 */
static bool milestones_need_lock(h5ckpt_store *store)
{
    struct error ignored = ERROR_NONE;
    struct milestones found;
    const h5ckpt_status status = milestones_read(&found, &store->directory, store->lock.directory_id, &ignored);
    const bool needed = store->lock.made ? milestones_sequence(&found) != 0 : milestones_any(&found);

    milestones_free(&found);
    error_clear(&ignored);
    return status < 0 || needed;
}

/* Is the lock ours, and is nothing there that was saved under it? Then it goes as well. */
static bool is_unused(h5ckpt_store *store)
{
    const struct slot *slot = store->survey.slot;
    bool unused = store->lock.file.descriptor >= 0 && store->lock.identified && store->lock.phase == LOCK_EMPTY;

    if (slot[0].name == NULL)
        return unused && store->lock.made; /* the open failed before the survey: there was no state when it was made */
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++)
        unused &= slot[i].state == H5CKPT_SLOT_ABSENT;
    return unused && !milestones_need_lock(store);
}

/*
 * What cannot be removed, or may come back after a power cut, needs the lock: without it nobody knows whose a leftover
 * is.
 */
static bool leaves_nothing(h5ckpt_store *store)
{
    struct error kept = ERROR_NONE;

    if (store->lock.made && !store->open)
        return true; /* no state was there, and none was saved */
    error_move(&kept, &store->error);
    const bool nothing =
        store_remove_leftovers(store) == H5CKPT_OK && directory_flush(&store->directory, &store->error) == H5CKPT_OK;
    error_move(&store->error, &kept);
    return nothing;
}

static void give_back(h5ckpt_store *store)
{
    struct error ignored = ERROR_NONE;

    if (store->open && store->options.mode == H5CKPT_READ_WRITE && store->lock.phase == LOCK_EMPTY &&
        !store->lock.phase_uncertain && lock_check(&store->lock, &ignored) == H5CKPT_OK)
        rotation_remove_unsaved(store);
    if (is_unused(store) && lock_check(&store->lock, &ignored) == H5CKPT_OK && leaves_nothing(store))
        lock_remove(&store->lock, &ignored);
    lock_release(&store->lock);
    directory_close(&store->directory);
    error_clear(&ignored);
    store->open = false;
}

h5ckpt_status h5ckpt_open(h5ckpt_store **store_out, const char *backup_dir, h5ckpt_state *state,
                          const struct h5ckpt_options *options)
{
    h5ckpt_store *store;
    h5ckpt_status status;

    if (store_out == NULL)
        return H5CKPT_E_ARGUMENT;
    *store_out = store = calloc(1, sizeof *store);
    if (store == NULL)
        return H5CKPT_E_MEMORY;
    store->options = options == NULL ? h5ckpt_options_default() : *options;
    store->state = state;
    store->directory = DIRECTORY_NONE;
    store->lock = LOCK_NONE;
    store->base = PLAN_NO_BASE;
    store->view = VIEW_NONE;
    store->process_id = system_calls->process_id();
    store->opened_ns = system_calls->monotonic_time_ns();
    system_calls->boot_id(store->boot_id);
    if (state == NULL)
        return error_set(&store->error, H5CKPT_E_ARGUMENT, "h5ckpt_open: the state is NULL");
    status = store_check_state(store);
    if (status == H5CKPT_OK)
        status = check_options(&store->options, &store->error);
    if (status < 0)
        return status;
    const bool writer = store->options.mode == H5CKPT_READ_WRITE;
    const mode_t directory_mode = store->options.file_mode | (store->options.file_mode & 0444) >> 2;
    status = directory_open(&store->directory, backup_dir, writer, directory_mode, &store->error);
    if (status == H5CKPT_NO_CHECKPOINT)
        status = H5CKPT_OK; /* read-only and missing: to be found out when asked */
    store->events = (struct event_sink){store->options.event, store->options.event_context, store->directory.path};
    if (status == H5CKPT_OK && system_calls->random_bytes(store->run_id, sizeof store->run_id) < 0)
        status = error_set(&store->error, H5CKPT_E_SYSTEM, "the system gives no random bytes for a run id");
    if (status == H5CKPT_OK)
        status = writer ? open_as_writer(store) : open_beside_writer(store);
    if (status < 0)
        give_back(store);
    else
        store->open = true;
    if (status >= 0)
        error_clear(&store->error);
    return status < 0 ? status : H5CKPT_OK;
}

void h5ckpt_close(h5ckpt_store *store)
{
    if (store == NULL)
        return;
    const bool own_process = store->process_id == system_calls->process_id();
    if (own_process && store->land != NULL)
        store->land(store);
    if (store->open && own_process && store->options.mode == H5CKPT_READ_WRITE && store->base != PLAN_NO_BASE &&
        lock_check(&store->lock, &store->error) == H5CKPT_OK)
        show_newest(store);
    if (own_process) {
        give_back(store);
    } else { /* a child: what it inherited is closed, nothing is written or removed */
        store->directory.made_from = 0;
        lock_release(&store->lock);
        directory_close(&store->directory);
        if (store->slot_file != NULL)
            file_close(store->slot_file);
    }
    for (unsigned i = 0; i < FORMAT_SLOT_COUNT_MAX; i++)
        free(store->memo[i].table);
    store_forget_damage(store);
    view_free(&store->view);
    layout_free(&store->layout);
    whole_free(&store->whole);
    history_free(&store->history);
    source_free(&store->source);
    buffer_free(&store->buffer);
    snapshot_free_cells(&store->cells);
    free(store->unchanged);
    free(store->flight);
    error_clear(&store->failure);
    error_clear(&store->error);
    free(store);
}
