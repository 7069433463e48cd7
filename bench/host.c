/* SPDX-License-Identifier: MIT */
#include "host.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "background.h"
#include "failure.h"

enum { SLOTS = 2 };

/* ---------------------------------------------------------------- in its process */

static struct h5ckpt_options options_of(const struct host *host)
{
    struct h5ckpt_options options = h5ckpt_options_default();

    options.slots = SLOTS;
    options.save_mode = host->kind->mode;
    if (host->kind->copies_of_state > 0)
        options.background.memory_bytes = host->settings->byte_count / host->kind->copies_of_state;
    return options;
}

static struct sample obey(struct background *background, const struct host_order *order)
{
    switch (order->deed) {
    case HOST_STALL:
        return background_stall(background, order->window_seconds);
    case HOST_WAIT:
        return background_latency_waiting(background);
    case HOST_COMPUTE:
        return background_latency_computing(background);
    case HOST_STEP_ALONE:
        return background_step_alone(background, &order->step);
    case HOST_STEP_BESIDE:
        return background_step_beside(background, &order->step);
    case HOST_FORK:
        return background_fork(background);
    case HOST_CHECK:
        break;
    }
    background_check(background);
    return (struct sample){NAN, NAN};
}

/* Says what pages it has got, then answers every order with a sample. */
static void live(void *context, int socket)
{
    const struct host *host = context;
    const struct settings *settings = host->settings;
    const struct workload_memory memory =
        workload_memory_make_of(workload_span(settings->byte_count, settings->array_count), host->kind->pages);
    const struct workload workload =
        workload_cut(memory, settings->byte_count, settings->array_count, settings->unaligned);
    const struct h5ckpt_options options = options_of(host);
    const double huge_share = workload_memory_huge_share(memory);
    struct background background;
    struct host_order order;

    background_open(&background, host->kind->name, &memory, &workload, &options);
    process_tell(socket, &huge_share, sizeof huge_share);
    while (process_hear(socket, &order, sizeof order)) {
        const struct sample sample = obey(&background, &order);
        process_tell(socket, &sample, sizeof sample);
    }
    background_close(&background);
}

/* ------------------------------------------------------------------------- in ours */

static void hear(const struct host *host, void *message, size_t byte_count)
{
    if (!process_hear(host->process.socket, message, byte_count))
        fail("the program with saves '%s' failed", host->kind->name);
}

void host_start(struct host *host, const struct host_kind *kind, const struct settings *settings)
{
    *host = (struct host){.kind = kind, .settings = settings};
    process_start(&host->process, live, host);
    hear(host, &host->huge_share, sizeof host->huge_share);
}

void host_end(struct host *host)
{
    process_end(&host->process);
}

struct sample host_do(const struct host *host, const struct host_order *order)
{
    struct sample sample;

    process_tell(host->process.socket, order, sizeof *order);
    hear(host, &sample, sizeof sample);
    return sample;
}

static struct sample run(void *context)
{
    const struct host_task *task = context;

    return host_do(task->host, &task->order);
}

static const char *deed_text(const struct host_order *order, char *room, size_t room_bytes)
{
    switch (order->deed) {
    case HOST_STALL:
        snprintf(room, room_bytes, "the time in h5ckpt_save and h5ckpt_fence, %.0f ms of computing between them",
                 1e3 * order->window_seconds);
        return room;
    case HOST_WAIT:
        return "h5ckpt_save and h5ckpt_wait";
    case HOST_COMPUTE:
        return "from h5ckpt_save to H5CKPT_EVENT_DURABLE, computing on one core; h5ckpt_fence after 50 ms";
    case HOST_STEP_ALONE:
        return "50 ms on one core, no save in flight";
    case HOST_STEP_BESIDE:
        return "the same step while a save is in flight, the mean of all during it";
    case HOST_FORK:
        return "fork(2) and nothing else";
    case HOST_CHECK:
        break;
    }
    return "";
}

/* Only what moves all bytes of the state has a rate. */
static uint64_t byte_count_of(const struct host *host, enum host_deed deed)
{
    return deed == HOST_STALL || deed == HOST_WAIT || deed == HOST_COMPUTE ? host->settings->byte_count : 0;
}

size_t host_add(struct host *host, struct measure *measure, const char *name, const struct host_order *order)
{
    const struct host_kind *kind = host->kind;
    struct host_task *task = &host->tasks[host->task_count];
    char deed[96];
    char pages[48] = "pages of 4 KiB";
    char settings[256];

    assert(host->task_count < HOST_TASKS_MAX);
    host->task_count++;
    *task = (struct host_task){host, *order};
    if (kind->pages == WORKLOAD_PAGES_HUGE)
        snprintf(pages, sizeof pages, "%.0f %% in huge pages (MADV_HUGEPAGE)", 100 * host->huge_share);
    snprintf(settings, sizeof settings, "%s: %s; %s", kind->mode_name, deed_text(order, deed, sizeof deed), pages);
    return measure_add(measure, name, settings, byte_count_of(host, order->deed), run, task);
}
