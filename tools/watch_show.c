/* SPDX-License-Identifier: MIT */
#include "watch_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "document.h"
#include "memory.h"
#include "text.h"

/* ---------------------------------------------------------------------- figures */

static double now_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

const struct h5ckpt_account *watch_account(const struct glance *glance)
{
    const struct h5ckpt_report *report = &glance->report;

    return report->account.sequence != 0 && report->account.sequence == report->sequence ? &report->account : NULL;
}

static double bytes_per_second(const struct h5ckpt_account *account)
{
    return account->save_seconds > 0 ? (double)account->bytes_written / account->save_seconds : 0;
}

static double share_of_time(const struct h5ckpt_account *account)
{
    return account->open_seconds > 0 ? account->stall_seconds / account->open_seconds : 0;
}

/* ---------------------------------------------------------------------- sentences */

static void say_place(FILE *stream, const struct watched *watched)
{
    const struct h5ckpt_progress *at = &watched->glance.report.progress;

    fprintf(stream, "epoch %" PRIu64 ", batch %" PRIu64 ", step %" PRIu64, at->epoch, at->batch, at->step);
}

static void say_cost(FILE *stream, const struct watched *watched)
{
    const struct h5ckpt_account *account = watch_account(&watched->glance);
    char size[TEXT_BYTES];
    char duration[TEXT_BYTES];
    char rate[TEXT_BYTES];

    if (account == NULL) {
        fprintf(stream, ", %s", text_size(size, glance_restorable(&watched->glance)->file_bytes));
        return;
    }
    fprintf(stream, ", %s in %s (%s), %.1f%% of the time", text_size(size, account->bytes_written),
            text_duration(duration, account->save_seconds), text_rate(rate, bytes_per_second(account)),
            100 * share_of_time(account));
}

/* Names in it may be anything: ASCII only, so that a byte is a column. */
static void say_fall_back(FILE *stream, const struct watched *watched)
{
    if (watched->glance.status != H5CKPT_FELL_BACK)
        return;
    fputs(", ", stream);
    for (const char *byte = watched->glance.message; *byte != '\0'; byte++)
        fputc(*byte >= ' ' && *byte <= '~' ? *byte : '?', stream);
}

static const char *kind_text(const struct watched *watched)
{
    switch (watched->follow.last.kind) {
    case SIGHT_NOTHING:
        return watched->follow.writer ? "nothing saved yet; a writer is at work" : "nothing saved yet; no writer";
    case SIGHT_LOST:
        return "there was a checkpoint, and no state of it can be read";
    case SIGHT_UNTOLD:
        return "cannot be told now";
    case SIGHT_STATE:
        break;
    }
    return "";
}

/* The newest things first: a narrow terminal cuts the others. */
static void say_live(FILE *stream, const struct watched *watched)
{
    const double next = (double)follow_next_ns(&watched->follow) / 1e9 - now_seconds();
    char duration[TEXT_BYTES];

    if (watched->follow.last.kind != SIGHT_STATE) {
        fputs(kind_text(watched), stream);
        return;
    }
    say_place(stream, watched);
    fprintf(stream, ", saved %s ago", text_duration(duration, watched->glance.report.age_seconds));
    if (!watched->follow.writer)
        fputs(", no writer", stream);
    say_cost(stream, watched);
    if (follow_next_ns(&watched->follow) != 0 && next >= 0)
        fprintf(stream, ", next in about %s", text_duration(duration, next));
    else if (follow_next_ns(&watched->follow) != 0)
        fprintf(stream, ", next was due %s ago", text_duration(duration, -next));
    say_fall_back(stream, watched);
}

char *watch_live_text(const struct watched *watched)
{
    size_t length;
    char *text = NULL;
    FILE *stream = memory_check(open_memstream(&text, &length));

    say_live(stream, watched);
    if (fclose(stream) != 0)
        memory_exhausted();
    return text;
}

static void print_state(const struct watched *watched)
{
    const int64_t next_ns = follow_next_ns(&watched->follow);
    char saved[TEXT_BYTES];
    char next[TEXT_BYTES];

    printf("%s sequence %" PRIu64 ": ", text_local_time(saved, watched->follow.saved_ns), watched->follow.sequence);
    say_place(stdout, watched);
    say_cost(stdout, watched);
    if (next_ns != 0)
        printf(", next about %s", text_local_time(next, next_ns));
    say_fall_back(stdout, watched);
    putchar('\n');
}

void watch_print_lines(const struct watched *watched)
{
    const unsigned news = watched->news;
    const enum sight_kind kind = watched->follow.last.kind;

    if (news & NEWS_DELETED) {
        text_line(stdout, "The checkpoint in '%s' was deleted: its work is done.", watched->directory);
        return;
    }
    if (kind != SIGHT_STATE && news & (NEWS_FIRST | NEWS_KIND | NEWS_WRITER))
        text_line(stdout, "'%s': %s%s%s", watched->directory, kind_text(watched),
                  watched->glance.message[0] == '\0' || kind == SIGHT_NOTHING ? "" : ": ",
                  kind == SIGHT_NOTHING ? "" : watched->glance.message);
    if (kind == SIGHT_STATE && news & NEWS_SAVED)
        print_state(watched);
    if (kind == SIGHT_STATE && (news & NEWS_WRITER || (news & NEWS_FIRST && !watched->follow.writer)))
        text_line(stdout, "%s is at work in '%s'.", watched->follow.writer ? "A writer" : "No writer",
                  watched->directory);
}

/* ------------------------------------------------------------------------- JSON */

static json_t *number_if(bool known, uint64_t value)
{
    return known ? document_number(value) : json_null();
}

static json_t *real_if(bool known, double value)
{
    return known ? json_real(value) : json_null();
}

static json_t *time_if(int64_t unix_ns)
{
    char room[TEXT_BYTES];

    return unix_ns == 0 ? json_null() : json_string(text_utc_time(room, unix_ns));
}

static const char *kind_name(const struct watched *watched)
{
    static const char *const NAME[] = {"nothing", "state", "lost", "untold"};

    return watched->news & NEWS_DELETED ? "deleted" : NAME[watched->follow.last.kind];
}

static void set_account(json_t *object, const struct h5ckpt_account *account)
{
    const bool known = account != NULL;

    document_set(object, "save_seconds", real_if(known, known ? account->save_seconds : 0));
    document_set(object, "bytes_written", number_if(known, known ? account->bytes_written : 0));
    document_set(object, "bytes_per_second", real_if(known, known ? bytes_per_second(account) : 0));
    document_set(object, "share_of_time", real_if(known, known ? share_of_time(account) : 0));
}

void watch_print_json(const struct watched *watched)
{
    const struct h5ckpt_report *report = &watched->glance.report;
    const bool state = watched->follow.last.kind == SIGHT_STATE;
    json_t *object = json_object();

    document_set(object, "directory", document_text(watched->directory));
    document_set(object, "seen", json_string(kind_name(watched)));
    document_set(object, "status", json_string(h5ckpt_status_name(watched->glance.status)));
    document_set(object, "message", document_text(watched->glance.message));
    document_set(object, "writer_alive", json_boolean(watched->follow.writer));
    document_set(object, "sequence", number_if(state, report->sequence));
    document_set(object, "epoch", number_if(state, report->progress.epoch));
    document_set(object, "batch", number_if(state, report->progress.batch));
    document_set(object, "step", number_if(state, report->progress.step));
    document_set(object, "saved", time_if(state ? glance_restorable(&watched->glance)->wall_time_ns : 0));
    document_set(object, "age_seconds", real_if(state, report->age_seconds));
    document_set(object, "bytes", number_if(state, state ? glance_restorable(&watched->glance)->file_bytes : 0));
    set_account(object, state ? watch_account(&watched->glance) : NULL);
    document_set(object, "next", time_if(follow_next_ns(&watched->follow)));
    document_print_line(object, stdout);
}
