/* SPDX-License-Identifier: MIT */
#include "peer_program.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "memory.h"
#include "scratch.h"

enum { DIGITS_BYTES = 32 };

/* The next line that it says, without its newline; NULL if it has ended. Free it. */
static char *hear(struct peer_program *peer)
{
    char *line = NULL;
    size_t room = 0;
    const ssize_t length = getline(&line, &room, peer->child.from);

    if (length < 0) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\n")] = '\0';
    return line;
}

/* The rest of `line` behind `word` and a blank, or NULL. */
static const char *after(const char *word, const char *line)
{
    const size_t length = strlen(word);

    return line != NULL && strncmp(line, word, length) == 0 && line[length] == ' ' ? line + length + 1 : NULL;
}

/* "ready SETTINGS" or "skip REASON" */
static void greet(struct peer_program *peer)
{
    char *line = hear(peer);
    const char *settings = after("ready", line);
    const char *reason = after("skip", line);

    peer->running = settings != NULL;
    if (settings != NULL)
        peer->answer = memory_check(strdup(settings));
    else
        peer->answer = memory_check(strdup(reason != NULL ? reason : "its program ended at once"));
    free(line);
    if (!peer->running)
        child_end(&peer->child);
}

void peer_program_start(struct peer_program *peer, const char *name, const char *python,
                        const struct workload *workload)
{
    char *path = scratch_path(name);
    char byte_count[DIGITS_BYTES];
    char array_count[DIGITS_BYTES];
    const char *const argv[] = {python, BENCH_PEERS, name, path, byte_count, array_count, NULL};
    int error;

    *peer = (struct peer_program){.name = name, .byte_count = workload->byte_count};
    snprintf(byte_count, sizeof byte_count, "%" PRIu64, workload->byte_count);
    snprintf(array_count, sizeof array_count, "%zu", workload->array_count);
    error = child_start(&peer->child, argv, CHILD_OUTPUT_PIPE);
    free(path);
    if (error == 0)
        greet(peer);
    else if (asprintf(&peer->answer, "cannot start %s: %s", python, strerror(error)) < 0)
        memory_exhausted();
}

void peer_program_stop(struct peer_program *peer)
{
    if (peer->running)
        child_end(&peer->child);
    free(peer->answer);
}

/* "took WALL_SECONDS CPU_SECONDS" or "failed REASON"; nothing, if it was killed: the wait ends with the program. */
static struct sample run(void *context)
{
    struct peer_program *peer = context;
    struct sample sample;

    fputs("save\n", peer->child.to);
    fflush(peer->child.to);
    char *line = hear(peer);
    const char *took = after("took", line);
    const char *reason = after("failed", line);

    if (took == NULL || sscanf(took, "%lf %lf", &sample.value, &sample.cpu_seconds) != 2)
        fail("%s: %s", peer->name, reason != NULL ? reason : "its program ended");
    free(line);
    return sample;
}

size_t peer_program_add(struct peer_program *peer, struct measure *measure)
{
    if (!peer->running)
        return measure_add_skipped(measure, peer->name, peer->answer);
    return measure_add(measure, peer->name, peer->answer, peer->byte_count, run, peer);
}
