/* SPDX-License-Identifier: MIT */
/*
 * training.c: a process that trains by the callback's hooks.
 */
#include "crash/internal.h"
#include "crash/schedule.h"

struct trainer {
    struct crash *crash;
    const struct crash_training *training;
    struct h5ckpt_progress at;
    bool validating;
    bool stopped;
};

static bool is_taken_away(void *context)
{
    const struct trainer *trainer = context;
    const struct crash_training *training = trainer->training;

    return !training->finishes && trainer->at.step >= training->batch_count &&
           trainer->validating == training->in_validation;
}

static void begin(struct trainer *trainer)
{
    const struct crash_training *training = trainer->training;
    struct crash *crash = trainer->crash;
    struct h5ckpt_callback_options options = h5ckpt_callback_options_default();
    h5ckpt_status status;

    crash->slots = training->slots;
    simfs_mark(crash->fs, MARK_BEGIN, training->slots);
    options.backup_dir = CRASH_DIRECTORY;
    options.save_freq = training->save_freq;
    options.double_checkpoint = training->slots == 2;
    options.save_before_preemption = true;
    options.preemption = (struct h5ckpt_preemption){.should_stop = is_taken_away, .context = trainer};
    options.store = begin_process(crash, H5CKPT_READ_WRITE, training->schema);
    status = h5ckpt_callback_new(&crash->callback, model_state(training->schema), &options);
    crash->store = h5ckpt_callback_store(crash->callback);
    must(crash, status == H5CKPT_OK, "the making of a callback");
    if (crash->broken)
        return;
    model_spoil(training->schema);
    status = h5ckpt_on_train_begin(crash->callback, &trainer->at, NULL);
    must(crash, status == H5CKPT_OK || status == H5CKPT_NO_CHECKPOINT, "on_train_begin");
    must(crash, trainer->at.step == 0 || model_is(training->schema, trainer->at.step), "restore, of other bytes");
}

/* The variables are those of the batches done so far, until the hook has returned (fenced: until the fence). */
static void set_variables(struct trainer *trainer)
{
    struct crash *crash = trainer->crash;
    const uint64_t number = trainer->at.step;

    crash->schema_of[number] = crash->schema;
    crash->last_asked = crash->last_number = number;
    model_set(crash->schema, number);
}

static void after_hook(struct trainer *trainer, h5ckpt_status status, const char *hook)
{
    enum { TURNS_MAX = 12 };
    struct crash *crash = trainer->crash;

    trainer->stopped = status == H5CKPT_STOP;
    must(crash, status == H5CKPT_OK || status == H5CKPT_STOP, hook);
    must(crash, !trainer->stopped || crash->last_saved == trainer->at.step, "a stop, whose save is not durable");
    if (crash->way->mode == H5CKPT_SAVE_FENCED) {
        schedule_let_run((unsigned)schedule_draw(TURNS_MAX));
        must(crash, h5ckpt_fence(crash->store) == H5CKPT_OK, "fence");
    }
    model_spoil(crash->schema);
    schedule_let_run((unsigned)schedule_draw(TURNS_MAX));
}

static void do_batch(struct trainer *trainer)
{
    trainer->at.batch++;
    trainer->at.step++;
    set_variables(trainer);
    after_hook(trainer, h5ckpt_on_train_batch_end(trainer->crash->callback, trainer->at.batch - 1),
               "on_train_batch_end");
}

static void end_epoch(struct trainer *trainer)
{
    h5ckpt_callback *callback = trainer->crash->callback;

    set_variables(trainer);
    trainer->validating = true;
    after_hook(trainer, h5ckpt_on_test_batch_end(callback, 0), "on_test_batch_end");
    trainer->validating = false;
    if (trainer->stopped)
        return;
    set_variables(trainer);
    after_hook(trainer, h5ckpt_on_epoch_end(callback, trainer->at.epoch), "on_epoch_end");
    trainer->at.epoch++;
    trainer->at.batch = 0;
}

static bool goes_on(const struct trainer *trainer)
{
    const struct crash_training *training = trainer->training;
    const bool done = training->finishes && trainer->at.step >= training->batch_count && trainer->at.batch == 0;

    return !trainer->crash->broken && !trainer->stopped && !done;
}

static void end(struct trainer *trainer)
{
    const struct crash_training *training = trainer->training;
    struct crash *crash = trainer->crash;

    if (training->killed) {
        crash_kill_in_flight(crash);
        return;
    }
    if (training->finishes)
        simfs_mark(crash->fs, MARK_DELETING, 0);
    must(crash,
         h5ckpt_on_train_end(crash->callback, training->finishes ? H5CKPT_FINISHED : H5CKPT_PREEMPTED) == H5CKPT_OK,
         "on_train_end");
    if (training->finishes)
        simfs_mark(crash->fs, MARK_DELETED, 0);
    crash_end(crash);
}

void crash_train(struct crash *crash, const struct crash_training *training)
{
    struct trainer trainer = {.crash = crash, .training = training};

    if (crash->broken)
        return;
    begin(&trainer);
    while (goes_on(&trainer)) {
        must(crash, h5ckpt_on_epoch_begin(crash->callback, trainer.at.epoch) == H5CKPT_OK, "on_epoch_begin");
        while (goes_on(&trainer) && trainer.at.batch < MODEL_EPOCH_BATCHES)
            do_batch(&trainer);
        if (goes_on(&trainer))
            end_epoch(&trainer);
    }
    if (!crash->broken)
        end(&trainer);
}
