/* SPDX-License-Identifier: MIT */
#include "restoration.h"

#include <stdio.h>

#include "failure.h"

const char *restoration_memory_name(enum h5ckpt_memory memory)
{
    static const char *const NAME[] = {
        [H5CKPT_VERIFY_FIRST] = "verify first", [H5CKPT_STAGED] = "staged", [H5CKPT_BLOCKWISE] = "blockwise"};

    return NAME[memory];
}

static struct sample run(void *context)
{
    const struct restoration *restoration = context;
    struct subject *subject = restoration->subject;
    struct h5ckpt_restore_options options = h5ckpt_restore_options_default();
    struct stopwatch watch;
    struct sample sample;

    options.memory = restoration->memory;
    workload_renew(subject->workload);
    subject_reopen(subject);
    cache_make(restoration->cache, subject->directory);
    watch = stopwatch_start();
    if (h5ckpt_restore(subject->store, &options, NULL) != H5CKPT_OK)
        fail("h5ckpt_restore: %s", h5ckpt_message(subject->store));
    sample = stopwatch_read(&watch);
    if (!workload_holds(subject->workload, subject->saved))
        fail("h5ckpt_restore: the arrays do not hold what was saved");
    return sample;
}

size_t restoration_add(struct restoration *restoration, struct measure *measure, const char *name)
{
    const char *directory = restoration->subject->directory;
    const char *cache = "page cache holding the file";
    char settings[96];

    if (restoration->cache == CACHE_COLD) {
        cache_make(CACHE_COLD, directory);
        cache = cache_is_cold(directory) ? "page cache emptied" : "page cache could NOT be emptied here";
    }
    snprintf(settings, sizeof settings, "h5ckpt_restore, %s, %s", restoration_memory_name(restoration->memory), cache);
    return measure_add(measure, name, settings, restoration->subject->workload->byte_count, run, restoration);
}
