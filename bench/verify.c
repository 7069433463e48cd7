/* SPDX-License-Identifier: MIT */
/*
 * verify: h5ckpt_inspect() of every byte past the page cache, against reading the device.
 */
#include "cache.h"
#include "commands.h"
#include "failure.h"
#include "stage.h"
#include "subject.h"
#include "yardstick.h"

enum { SLOTS = 1 };

struct contest {
    struct stage stage;
    struct yardstick device;
    struct subject saved;
};

static void prepare(struct contest *contest, const struct settings *settings)
{
    stage_make(&contest->stage, settings);
    yardstick_make_read(&contest->device, &contest->stage.file);
    subject_open(&contest->saved, "saved", &contest->stage.workload, SLOTS);
    subject_save(&contest->saved, 1);
}

static void finish(struct contest *contest)
{
    subject_close(&contest->saved);
    yardstick_free(&contest->device);
    stage_free(&contest->stage);
}

static struct h5ckpt_report inspect(struct subject *subject)
{
    struct h5ckpt_inspect_options options = h5ckpt_inspect_options_default();
    struct h5ckpt_report report;

    options.depth = H5CKPT_DEVICE;
    if (h5ckpt_inspect(subject->store, &options, &report) != H5CKPT_OK)
        fail("h5ckpt_inspect: %s", h5ckpt_message(subject->store));
    return report;
}

static struct sample run(void *context)
{
    struct subject *subject = context;
    struct stopwatch watch;

    subject_reopen(subject);
    cache_make(CACHE_COLD, subject->directory);
    watch = stopwatch_start();
    inspect(subject);
    return stopwatch_read(&watch);
}

static size_t add_verify(struct subject *subject, struct measure *measure)
{
    const struct h5ckpt_report report = inspect(subject);
    const char *settings =
        report.slot[report.restored].from_device
            ? "h5ckpt_inspect, H5CKPT_DEVICE: from the device"
            : "h5ckpt_inspect, H5CKPT_DEVICE: through the page cache, the file system offers no more";

    return measure_add(measure, "verify", settings, subject->workload->byte_count, run, subject);
}

void command_verify(const struct settings *settings, struct report *report)
{
    struct contest contest;
    struct measure measure;

    prepare(&contest, settings);
    report_make_measure(report, &measure);
    const size_t device = yardstick_add(&contest.device, &measure, "device read");
    const size_t verify = add_verify(&contest.saved, &measure);
    measure_compare(&measure, verify, device, 1);
    measure_run(&measure);
    finish(&contest);
    report_add(report, &measure);
}
