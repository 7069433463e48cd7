/* SPDX-License-Identifier: MIT */
#include "run_tell.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "document.h"
#include "memory.h"
#include "table.h"
#include "text.h"

enum { PLACE_BYTES = 160, END_BYTES = 96 };

static const char NOTHING[] = "-";

/* ---------------------------------------------------------------------- figures */

static double seconds_of(int64_t ns)
{
    return (double)ns / 1e9;
}

static double life_seconds(const struct run_record *record)
{
    return seconds_of(record->life.ended_ns - record->life.begun_ns);
}

static uint64_t save_count(const struct run_record *record)
{
    return run_place_save_count(&record->before, &record->after);
}

static bool counts_saves(const struct run_record *record)
{
    return run_place_counts_saves(&record->before, &record->after, record->life.end);
}

/* What it did after its last save: all of it, if it made none. */
static double lost_seconds(const struct run_record *record)
{
    const double whole = life_seconds(record);
    const double since = seconds_of(record->life.ended_wall_ns) - seconds_of(record->after.saved_wall_ns);

    if (record->life.end == RUN_FINISHED)
        return 0;
    if (save_count(record) == 0 || !record->after.restorable || since > whole)
        return whole;
    return since < 0 ? 0 : since; /* the clock on the wall may have been set */
}

/* --------------------------------------------------------------------- sentences */

static const char *place_text(char room[PLACE_BYTES], const struct run_place *place)
{
    if (!place->known)
        return "what cannot be told now";
    if (!place->restorable)
        return place->nothing ? "no checkpoint" : "no state that can be restored";
    snprintf(room, PLACE_BYTES, "epoch %" PRIu64 ", batch %" PRIu64 ", step %" PRIu64 " (sequence %" PRIu64 ")",
             place->progress.epoch, place->progress.batch, place->progress.step, place->restorable_sequence);
    return room;
}

static const char *end_text(char room[END_BYTES], const struct run_life *life)
{
    char name[SIGNALS_NAME_BYTES];

    switch (life->end) {
    case RUN_FINISHED:
        return "finished";
    case RUN_PREEMPTED:
        return "stopped to be started again (status 75)";
    case RUN_NOT_EXECUTED:
        return "could not be executed";
    case RUN_NOT_STARTED:
        return "could not be started";
    case RUN_CRASHED:
        break;
    }
    if (life->died_of != 0)
        snprintf(room, END_BYTES, "was killed by %s", signals_name(name, life->died_of));
    else
        snprintf(room, END_BYTES, "failed with status %d", life->status);
    return room;
}

void run_tell_begin(const struct run_tell *tell, uint64_t number, const struct run_place *before)
{
    char place[PLACE_BYTES];

    text_complain("life %" PRIu64 " begins; '%s' holds %s", number, tell->directory, place_text(place, before));
}

static void tell_life(const struct run_tell *tell, const struct run_record *record)
{
    char end[END_BYTES];
    char place[PLACE_BYTES];
    char whole[TEXT_BYTES];
    char lost[TEXT_BYTES];

    if (record->life.start_errno != 0) {
        text_complain("'%s' %s: %s", tell->arguments[0], end_text(end, &record->life),
                      strerror(record->life.start_errno));
        return;
    }
    if (record->life.end == RUN_FINISHED) {
        text_complain("life %" PRIu64 " finished after %s", record->number, text_duration(whole, life_seconds(record)));
        return;
    }
    text_complain("life %" PRIu64 " %s after %s; %" PRIu64 " %s, %s of work lost; '%s' holds %s", record->number,
                  end_text(end, &record->life), text_duration(whole, life_seconds(record)), save_count(record),
                  save_count(record) == 1 ? "save" : "saves", text_duration(lost, lost_seconds(record)),
                  tell->directory, place_text(place, &record->after));
    if (record->after.saves_lost > 0)
        text_complain("newer than that, %" PRIu64 " cannot be given back: `h5ckpt verify' tells why",
                      record->after.saves_lost);
}

void run_tell_held(const struct run_tell *tell)
{
    text_complain("a process still has '%s' as its writer: waiting for it to end", tell->directory);
}

void run_tell_signal(int number, bool ends)
{
    char name[SIGNALS_NAME_BYTES];

    text_complain("%s while no program was running: %s", signals_name(name, number),
                  ends ? "the end" : "nobody to pass it on to");
}

/* The end was asked for, and has not reached who writes. */
static void tell_writer_stays(const struct run_tell *tell)
{
    text_complain("but a process that is still there has '%s' as its writer, and may go on for long: if '%s' is a "
                  "script, it must `exec' the "
                  "program, or the signal reaches the script alone. End that process before you start it again",
                  tell->directory, tell->arguments[0]);
}

void run_tell_verdict(const struct run_tell *tell, enum run_verdict verdict, int asked_by,
                      const struct run_place *place)
{
    const struct run_record *last = tell->count == 0 ? NULL : &tell->last[(tell->count - 1) % RUN_TELL_LIVES_MAX];
    char room[PLACE_BYTES];
    char name[SIGNALS_NAME_BYTES];
    char end[END_BYTES];
    const char *holds = place_text(room, place);

    switch (verdict) {
    case RUN_STOP_FINISHED:
        if (place->held)
            tell_writer_stays(tell);
        return;
    case RUN_RESTART:
    case RUN_STOP_NOT_EXECUTED:
        return; /* all has been said */
    case RUN_STOP_DELETED:
        text_complain("not started again: the checkpoint in '%s' was deleted: its work is done, though the program %s",
                      tell->directory, end_text(end, &last->life));
        return;
    case RUN_STOP_ASKED:
        text_complain("not started again: %s asked for the end. '%s' holds %s%s",
                      signals_name(name, asked_by != 0 ? asked_by : last->life.asked_by), tell->directory, holds,
                      place->held || !place->restorable ? "" : ": the same command goes on from there");
        if (place->held)
            tell_writer_stays(tell);
        return;
    case RUN_STOP_TIME:
        text_complain("not started again: the job's time ends (SLURM_JOB_END_TIME). '%s' holds %s: the same command "
                      "goes on from there",
                      tell->directory, holds);
        return;
    case RUN_STOP_HELD:
        text_complain("not started%s: a process that is still there has '%s' as its writer, and a second one would be "
                      "refused. End it, or, if the program goes into the background by itself, have it stay in front",
                      last == NULL ? "" : " again", tell->directory);
        return;
    case RUN_STOP_IDLE:
        text_complain("not started again: %" PRIu64
                      " lives in a row got no further than the one before, and the next would fare no "
                      "better; what the program said tells why. '%s' holds %s%s",
                      last->idle_count, tell->directory, holds,
                      place->nothing ? ": does the program save in that directory?" : "");
        return;
    case RUN_STOP_RESTARTS:
        text_complain("not started again: no more restarts are allowed. '%s' holds %s", tell->directory, holds);
        return;
    }
}

/* ------------------------------------------------------------------------- table */

static const char *decimal(char room[TEXT_BYTES], uint64_t number)
{
    snprintf(room, TEXT_BYTES, "%" PRIu64, number);
    return room;
}

static const char *place_cell(char room[TEXT_BYTES], const struct run_place *place)
{
    if (!place->restorable)
        return NOTHING;
    snprintf(room, TEXT_BYTES, "%" PRIu64 ":%" PRIu64, place->progress.epoch, place->progress.batch);
    return room;
}

static const char *end_cell(char room[TEXT_BYTES], const struct run_life *life)
{
    char name[SIGNALS_NAME_BYTES];

    if (life->died_of != 0)
        snprintf(room, TEXT_BYTES, "%s", signals_name(name, life->died_of));
    else
        snprintf(room, TEXT_BYTES, "status %d", life->status);
    return room;
}

enum { COLUMN_COUNT = 7 };

static void add_row(struct table *table, const struct run_record *record)
{
    char room[COLUMN_COUNT][TEXT_BYTES];
    const char *const cells[COLUMN_COUNT] = {
        decimal(room[0], record->number),
        end_cell(room[1], &record->life),
        text_duration(room[2], life_seconds(record)),
        place_cell(room[3], &record->before),
        place_cell(room[4], &record->after),
        counts_saves(record) ? decimal(room[5], save_count(record)) : NOTHING,
        record->life.end == RUN_FINISHED ? NOTHING : text_duration(room[6], lost_seconds(record)),
    };

    table_add_row(table, cells, COLUMN_COUNT);
}

void run_tell_summary(const struct run_tell *tell)
{
    static const struct {
        const char *heading;
        bool right;
    } COLUMN[COLUMN_COUNT] = {{"LIFE", true}, {"ENDED BY", false}, {"AFTER", true}, {"FROM", true},
                              {"TO", true},   {"SAVES", true},     {"LOST", true}};
    struct table table = table_make();
    const uint64_t first = tell->count > RUN_TELL_LIVES_MAX ? tell->count - RUN_TELL_LIVES_MAX : 0;

    table_use_stream(&table, stderr);
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        table_add_column(&table, COLUMN[i].heading, COLUMN[i].right);
    for (uint64_t i = first; i < tell->count; i++)
        add_row(&table, &tell->last[i % RUN_TELL_LIVES_MAX]);
    table_print(&table);
    table_free(&table);
}

/* --------------------------------------------------------------------------- journal */

bool run_tell_open_journal(struct run_tell *tell, const char *path)
{
    enum { MODE = 0666 }; /* less what the umask takes */

    tell->journal = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, MODE);
    if (tell->journal < 0)
        text_complain("cannot open '%s': %s", path, strerror(errno));
    return tell->journal >= 0;
}

static const char *verdict_name(enum run_verdict verdict)
{
    static const char *const NAME[RUN_VERDICT_COUNT] = {"restart",      "finished", "deleted", "asked",   "time",
                                                        "not executed", "held",     "idle",    "restarts"};
    return NAME[verdict];
}

static json_t *journal_entry(const struct run_tell *tell, const struct run_record *record)
{
    const struct run_place *after = &record->after;
    json_t *object = json_object();
    char ended[TEXT_BYTES];

    document_set(object, "directory", document_text(tell->directory));
    document_set(object, "life", document_number(record->number));
    document_set(object, "ended", json_string(text_utc_time(ended, record->life.ended_wall_ns)));
    document_set(object, "exit_status", json_integer(record->life.status));
    document_set(object, "signal", record->life.died_of == 0 ? json_null() : json_integer(record->life.died_of));
    document_set(object, "seconds", json_real(life_seconds(record)));
    document_set(object, "saves", counts_saves(record) ? document_number(save_count(record)) : json_null());
    document_set(object, "lost_seconds", json_real(lost_seconds(record)));
    document_set(object, "sequence", after->restorable ? document_number(after->restorable_sequence) : json_null());
    document_set(object, "epoch", after->restorable ? document_number(after->progress.epoch) : json_null());
    document_set(object, "batch", after->restorable ? document_number(after->progress.batch) : json_null());
    document_set(object, "step", after->restorable ? document_number(after->progress.step) : json_null());
    document_set(object, "saves_lost", document_number(after->saves_lost));
    document_set(object, "verdict", json_string(verdict_name(record->verdict)));
    return object;
}

/* One write: entries of several runs do not mix. That it fails is no reason to leave the program alone. */
static void write_journal(const struct run_tell *tell, const struct run_record *record)
{
    size_t length = 0;
    char *line = NULL;
    FILE *stream = memory_check(open_memstream(&line, &length));

    document_print_line(journal_entry(tell, record), stream);
    if (fclose(stream) != 0)
        memory_exhausted();
    if (write(tell->journal, line, length) != (ssize_t)length)
        text_complain("cannot write to the journal: %s", strerror(errno));
    free(line);
}

void run_tell_end(struct run_tell *tell, const struct run_record *record)
{
    char wait[TEXT_BYTES];

    tell->last[tell->count++ % RUN_TELL_LIVES_MAX] = *record;
    tell_life(tell, record);
    if (tell->journal >= 0)
        write_journal(tell, record);
    if (record->verdict == RUN_RESTART)
        text_complain("starting again in %s", text_duration(wait, seconds_of(record->backoff_ns)));
}
