/* SPDX-License-Identifier: MIT */
/*
 * fuzz_calls: sequences of calls of the whole API, as the input says, in every save mode, with system calls that fail,
 * kills at any change of the file system, power cuts, and bytes that decay; on the model file system of
 * support/simfs.h. judge.h says what must hold; whatever has happened, at the end the next process restores, and saves.
 *
 * An input is a list of operations of one byte, each with the bytes it takes. Threads take turns (crash/schedule.h).
 */
#include <errno.h>
#include <fcntl.h>

#include "crash/schedule.h"
#include "crash/seen.h"
#include "fuzz/fuzz.h"
#include "fuzz/judge.h"

enum { IMAGE_COUNT = 8, OPERATION_COUNT_MAX = 48, UNIT_COUNT_MAX = 1 << 18, MASK_COUNT_MAX = 8, TURNS_MAX = 12 };

/* The machine: one image after another, from crash to crash. */
static struct {
    struct simfs *empty;
    struct simfs *image[IMAGE_COUNT];
    unsigned now;
    size_t operations_seen; /* of its log */
    bool fault_is_set;
    bool device_fails;
    uint64_t last_number;
    unsigned mask[MASK_COUNT_MAX]; /* of all states so far */
    unsigned mask_count;
} world;

/* The process that runs. */
static struct {
    h5ckpt_store *store;       /* NULL: there is none */
    h5ckpt_callback *callback; /* whose it is */
    struct program program;
    enum h5ckpt_save_mode save_mode;
    bool training; /* between train begin and train end */
    bool killed;
    bool troubled; /* a system call may have failed */
    bool deletes;  /* its checkpoint, when training has finished */
    bool deleted;  /* it can only be closed */
    uint64_t next_step;
    uint64_t held;     /* restored, or durable */
    uint64_t base;     /* what is kept as a milestone: that one, or the one gone back to or left behind … */
    uint64_t perhaps;  /* … or this one, if going back failed */
    bool base_unsure;  /* whatever was looked for may not have been found: it may be any state */
    bool without_base; /* started over: no slot is spared for what was read there */
    uint64_t begun;    /* saved last: its bytes are on their way, or were */
    uint64_t durable;
} life;

static unsigned dies_in; /* changes of the file system; 0: it does not */

static struct simfs *fs(void)
{
    return world.image[world.now];
}

static bool is_ok(h5ckpt_status status)
{
    return status == H5CKPT_OK || status == H5CKPT_HISTORY_FULL;
}

/* ------------------------------------------------------------------ what happens */

static void watch_log(void)
{
    for (; world.operations_seen < simfs_op_count(fs()); world.operations_seen++)
        expect_after(&judge.expected, simfs_op_at(fs(), world.operations_seen));
}

/* In trouble it may have taken a slot for replaceable that it could not read: so many are what it knows of. */
static void expect_at_most(unsigned intact_count)
{
    if (life.troubled && judge.expected.acknowledged_in_a_row > intact_count)
        judge.expected.acknowledged_in_a_row = intact_count;
}

static void hear(void *context, const struct h5ckpt_event *event)
{
    const uint64_t number = event->progress.step;

    (void)context;
    if (life.killed)
        return;
    watch_log();
    if (event->kind == H5CKPT_EVENT_SAVE_BEGUN) {
        if (life.held != 0)
            judge_mark(MARK_ROLLED_BACK, life.held); /* what it saves upon */
        judge_mark(MARK_SAVING, life.begun = number);
        judge.expected.fall_back_permitted |= life.troubled; /* likewise below */
    }
    if (event->kind == H5CKPT_EVENT_DURABLE) {
        judge_mark(MARK_SAVED, life.held = life.base = life.durable = number);
        life.perhaps = 0;
        life.base_unsure = false;
        judge.expected.fall_back_permitted |=
            life.troubled; /* it may expect a slot that could not be opened, and is not there */
        expect_at_most(life.without_base ? 1 : 2);
        life.without_base = false;
    }
    if (event->kind == H5CKPT_EVENT_SAVE_FAILED)
        judge_mark(MARK_FAILED, 0);
}

static void before_change(void)
{
    if (dies_in > 0 && --dies_in == 0) {
        watch_log();
        life.killed = true;
        simfs_kill(fs());
    }
    schedule_yield();
}

/* Memory may change from here on. */
static void fence(void)
{
    if (life.store != NULL)
        h5ckpt_fence(life.store);
}

/* The next state: memory is filled, and what it consists of is noted. */
static void become(uint64_t number)
{
    const unsigned mask = life.program.mask;
    unsigned i = 0;

    fence();
    program_fill(number);
    judge.mask_differs[number] |= judge.mask_of[number] != 0 && judge.mask_of[number] != mask;
    judge.mask_of[number] = mask;
    if (number > world.last_number)
        world.last_number = number;
    while (i < world.mask_count && world.mask[i] != mask)
        i++;
    if (i == world.mask_count && i < MASK_COUNT_MAX)
        world.mask[world.mask_count++] = mask;
}

static struct h5ckpt_progress progress_of(uint64_t number)
{
    return (struct h5ckpt_progress){.epoch = number / 7, .batch = number % 7, .step = number};
}

/*
 * Without trouble, a call gives one of these. After a flush that failed in an earlier process, its note may leave the
 * cache under the eyes of this one, and the one before that comes back: as if another writer had written it.
 */
static void allow(h5ckpt_status status, const h5ckpt_status *allowed, const char *call)
{
    bool found =
        life.troubled || life.killed || is_ok(status) || (status == H5CKPT_E_BUSY && judge.expected.flush_failed);

    for (size_t i = 0; allowed[i] != H5CKPT_OK; i++)
        found |= status == allowed[i];
    fuzz_must(found, "%s: %s: %s", call, h5ckpt_status_name(status), h5ckpt_message(life.store));
}

#define ALLOW(status, call, ...) allow(status, (const h5ckpt_status[]){__VA_ARGS__, H5CKPT_OK}, call)

/* ----------------------------------------------------------------- open and close */

static void end_life(void)
{
    bool killed;

    if (life.callback != NULL)
        h5ckpt_callback_free(life.callback);
    else
        h5ckpt_close(life.store);
    watch_log();
    program_free(&life.program);
    killed = life.killed; /* by the last change, perhaps */
    memset(&life, 0, sizeof life);
    life.killed = killed;
}

static struct h5ckpt_options take_options(struct input *input)
{
    static const enum h5ckpt_save_mode MODE[] = {H5CKPT_SAVE_SYNCHRONOUS, H5CKPT_SAVE_SYNCHRONOUS, H5CKPT_SAVE_STAGED,
                                                 H5CKPT_SAVE_FENCED};
    const unsigned how = (unsigned)input_take(input, 1);
    const unsigned more = (unsigned)input_take(input, 1);
    struct h5ckpt_options options = h5ckpt_options_default();

    options.slots = 1 + how % 3;
    options.save_mode = how >= 250 ? H5CKPT_SAVE_FORKED : MODE[how / 4 % 4];
    options.rewrite_every = (unsigned[]){16, 1, 2, 3}[more % 4];
    options.background.skip_if_busy = more & 4;
    options.background.memory_bytes = more & 8 ? 65536 : UINT64_MAX;
    options.event = hear;
    return options;
}

static void open_life(struct input *input)
{
    const struct h5ckpt_options options = take_options(input);
    const unsigned mask = (unsigned)input_take(input, 1) % PROGRAM_MASK_ALL + 1;
    const unsigned how = (unsigned)input_take(input, 1);
    struct h5ckpt_callback_options training = h5ckpt_callback_options_default();
    h5ckpt_status status;

    if (life.store != NULL)
        return;
    life.troubled = world.fault_is_set;
    life.save_mode = options.save_mode;
    program_make(&life.program, mask, how & 64 ? 2 : 1);
    judge_mark(MARK_BEGIN, how & 1 && options.slots == 3 ? 2 : options.slots);
    training.backup_dir = JUDGE_DIRECTORY;
    training.save_freq = 1 + how / 2 % 3;
    training.double_checkpoint = options.slots > 1;
    training.delete_checkpoint = life.deletes = how & 8;
    training.store = options;
    if (how & 1) {
        status = h5ckpt_callback_new(&life.callback, life.program.state, &training);
        life.store = h5ckpt_callback_store(life.callback);
    } else {
        status = h5ckpt_open(&life.store, JUDGE_DIRECTORY, life.program.state, &options);
    }
    fuzz_must(status == H5CKPT_OK || life.troubled || life.killed ||
                  (status == H5CKPT_E_FOREIGN && judge_permits_foreign()),
              "open: %s: %s", h5ckpt_status_name(status), h5ckpt_message(life.store));
    if (status != H5CKPT_OK && !life.killed)
        end_life();
    else if (status == H5CKPT_OK)
        judge.lock_damaged = false;
}

/* ----------------------------------------------------------------------- restore */

static struct judged_restore judged(void)
{
    return (struct judged_restore){.store = life.store,
                                   .program = &life.program,
                                   .options = h5ckpt_restore_options_default(),
                                   .system_fails = life.troubled,
                                   .device_fails = world.device_fails};
}

static void conclude_restore(const struct judged_restore *restore)
{
    if (life.killed)
        return;
    watch_log();
    const uint64_t number = judge_restore(restore);
    if (number == 0)
        return;
    life.held = life.base = number;
    life.perhaps = 0;
    life.base_unsure = life.without_base = false;
}

static void restore_life(struct input *input)
{
    const unsigned how = (unsigned)input_take(input, 1);
    struct judged_restore restore = judged();

    if (life.store == NULL || life.callback != NULL || life.deleted)
        return;
    restore.options.which = how & 1 ? H5CKPT_PREVIOUS : H5CKPT_CURRENT;
    restore.options.match = how & 2 ? H5CKPT_INTERSECTION : H5CKPT_EXACT;
    restore.options.settings = how & 4 ? H5CKPT_SETTINGS_ACCEPT : H5CKPT_SETTINGS_REFUSE;
    restore.options.memory = (enum h5ckpt_memory)(how / 8 % 3);
    restore.options.convert = how & 128 ? H5CKPT_CONVERT : H5CKPT_SAME_TYPE;
    h5ckpt_wait(life.store);
    program_spoil();
    restore.status = h5ckpt_restore(life.store, &restore.options, &restore.report);
    conclude_restore(&restore);
}

/* -------------------------------------------------------------------------- save */

static void conclude_save(h5ckpt_status status, uint64_t number)
{
    if (life.save_mode == H5CKPT_SAVE_SYNCHRONOUS && !life.killed && life.callback == NULL)
        fuzz_must(!is_ok(status) || life.durable == number, "a save that was not said to be durable");
    schedule_let_run((unsigned)schedule_draw(TURNS_MAX));
    fence();
    program_spoil();
    schedule_let_run((unsigned)schedule_draw(TURNS_MAX));
}

static void save_life(struct input *input)
{
    const unsigned how = (unsigned)input_take(input, 1);
    const uint64_t number = world.last_number + 1;
    const struct h5ckpt_progress progress = progress_of(number);

    if (life.store == NULL || life.callback != NULL || life.deleted || number > JUDGE_NUMBER_MAX)
        return;
    become(number);
    if (how & 1 && life.begun != 0)
        program_promise(&life.program, life.store);
    const h5ckpt_status status = h5ckpt_save(life.store, &progress);
    ALLOW(status, "save", H5CKPT_SKIPPED, H5CKPT_E_NOT_RESTORED, H5CKPT_E_MEMORY_CHANGED,
          life.program.get_fails ? H5CKPT_E_CALLBACK : H5CKPT_SKIPPED);
    conclude_save(status, number);
}

static void wait_life(void)
{
    if (life.store == NULL || life.deleted)
        return;
    const h5ckpt_status status = h5ckpt_wait(life.store);
    ALLOW(status, "wait", life.program.get_fails ? H5CKPT_E_CALLBACK : H5CKPT_OK);
    fuzz_must(life.troubled || life.killed || life.durable == life.begun, "waited, and it is not durable");
}

/* ---------------------------------------------------------------------- training */

static void begin_training(void)
{
    struct judged_restore restore = judged();
    struct h5ckpt_progress next;
    struct h5ckpt_history history;

    program_spoil();
    restore.status = h5ckpt_on_train_begin(life.callback, &next, &restore.report);
    conclude_restore(&restore);
    if (restore.status < 0 || life.killed)
        return;
    life.training = true;
    life.next_step = next.step;
    fuzz_must(next.step == (restore.status == H5CKPT_NO_CHECKPOINT ? 0 : life.held), "the next step is %" PRIu64,
              next.step);
    fuzz_must(h5ckpt_history(life.callback, &history) == H5CKPT_OK, "no history");
    for (uint64_t row = 0; row < history.row_count; row++) /* of this state, and of none that it did not come from */
        fuzz_must(history.step[row] <= next.step && (row == 0 || history.step[row - 1] < history.step[row]) &&
                      (history.log_count == 0 || history.value[0][row] == (double)history.step[row]),
                  "row %" PRIu64 " of step %" PRIu64, row, history.step[row]);
}

static void train(struct input *input)
{
    const unsigned how = (unsigned)input_take(input, 1);
    h5ckpt_status status;

    if (life.callback == NULL || life.deleted)
        return;
    if (!life.training) {
        begin_training();
    } else if (how < 240 && life.next_step < JUDGE_NUMBER_MAX) {
        const uint64_t number = life.next_step + 1;
        become(number);
        h5ckpt_log(life.callback, "loss", (double)number);
        status = h5ckpt_step(life.callback, life.next_step++);
        ALLOW(status, "step", H5CKPT_SKIPPED, life.program.get_fails ? H5CKPT_E_CALLBACK : H5CKPT_SKIPPED);
        conclude_save(status, number);
    } else {
        const enum h5ckpt_reason reason = (enum h5ckpt_reason)(how % 5);
        const bool deletes = life.deletes && reason <= H5CKPT_STOPPED_EARLY;
        if (deletes)
            judge_mark(MARK_DELETING, 0);
        status = h5ckpt_on_train_end(life.callback, reason);
        watch_log();
        if (deletes && status == H5CKPT_OK && !life.killed)
            judge_mark(MARK_DELETED, 0);
        life.training = false;
        life.deleted = true; /* or has ended: nothing more is done with it */
        ALLOW(status, "train end", life.program.get_fails ? H5CKPT_E_CALLBACK : H5CKPT_OK);
    }
}

/* -------------------------------------------------------------------- milestones */

struct named {
    const char *name;
    uint64_t number;
};

static void note_number(void *context, const struct h5ckpt_milestone *milestone)
{
    struct named *named = context;

    if (strcmp(milestone->name, named->name) == 0)
        named->number = milestone->progress.step;
}

/* The milestone's state, as its record has it; 0: there is none, or it cannot be read. */
static uint64_t number_of(const char *name)
{
    struct named named = {name, 0};

    h5ckpt_list_milestones(life.store, H5CKPT_RECORDS, note_number, &named);
    return named.number > JUDGE_NUMBER_MAX ? 0 : named.number;
}

static void expect_kept(struct judged_milestone *milestone)
{
    milestone->is[life.base] = milestone->is[life.perhaps] = true;
    for (uint64_t number = 1; number <= JUDGE_NUMBER_MAX && life.base_unsure; number++)
        milestone->is[number] |= judge.begun[number];
}

static void keep(unsigned which)
{
    struct judged_milestone *milestone = &judge.milestone[which];

    h5ckpt_wait(life.store);
    expect_kept(milestone);
    const h5ckpt_status status = h5ckpt_keep(life.store, JUDGE_MILESTONE[which]);
    ALLOW(status, "keep", life.base == 0 ? H5CKPT_E_ARGUMENT : H5CKPT_E_DAMAGED,
          judge.ever_damaged ? H5CKPT_E_DAMAGED : H5CKPT_E_ARGUMENT,
          judge.ever_damaged ? H5CKPT_E_FOREIGN : H5CKPT_E_ARGUMENT);
    if (status != H5CKPT_OK || life.killed)
        return;
    *milestone = (struct judged_milestone){.may_be_damaged = judge.ever_damaged};
    expect_kept(milestone);
}

static void forget(unsigned which)
{
    judge.milestone[which].may_be_absent = true;
    const h5ckpt_status status = h5ckpt_remove_milestone(life.store, JUDGE_MILESTONE[which]);
    ALLOW(status, "remove a milestone", H5CKPT_E_ARGUMENT, judge.ever_damaged ? H5CKPT_E_FOREIGN : H5CKPT_E_ARGUMENT);
    if (status == H5CKPT_OK && !life.killed)
        judge.milestone[which] = (struct judged_milestone){.may_be_absent = true};
}

/* To state `number`; 0: its record could not be read just now, so it is any that the milestone may hold. */
static void mark_way_back(unsigned which, uint64_t number, enum mark mark)
{
    for (uint64_t may_be = 1; may_be <= JUDGE_NUMBER_MAX; may_be++)
        if (number != 0 ? may_be == number : judge.milestone[which].is[may_be]) {
            judge_mark(mark, may_be);
            mark = MARK_GOING_BACK; /* the others are permitted, too */
        }
}

static void roll_back(unsigned which)
{
    h5ckpt_wait(life.store);
    const uint64_t number = number_of(JUDGE_MILESTONE[which]);
    mark_way_back(which, number, MARK_GOING_BACK);
    life.perhaps = number;
    life.base_unsure |= number == 0;
    const h5ckpt_status status = h5ckpt_roll_back(life.store, JUDGE_MILESTONE[which]);
    ALLOW(status, "roll back", H5CKPT_E_ARGUMENT, judge.ever_damaged ? H5CKPT_E_DAMAGED : H5CKPT_E_ARGUMENT,
          judge.ever_damaged ? H5CKPT_E_FOREIGN : H5CKPT_E_ARGUMENT);
    if (status != H5CKPT_OK || life.killed)
        return;
    watch_log();
    mark_way_back(which, number, MARK_WENT_BACK);
    expect_at_most(1);
    judge.damaged = false;
    life.held = 0;
    life.base = number;
}

static void use_milestone(struct input *input)
{
    const unsigned how = (unsigned)input_take(input, 1);
    const unsigned which = how / 4 % JUDGE_MILESTONE_COUNT;

    if (life.store == NULL || life.deleted)
        return;
    fence();
    if (how % 4 < 2)
        keep(which);
    else if (how % 4 == 2)
        forget(which);
    else if (life.callback == NULL)
        roll_back(which);
}

/* ------------------------------------------------------------------------- others */

static void delete (void)
{
    if (life.store == NULL || life.callback != NULL || life.deleted)
        return;
    judge_mark(MARK_DELETING, 0);
    const h5ckpt_status status = h5ckpt_delete(life.store);
    ALLOW(status, "delete", H5CKPT_E_ARGUMENT);
    life.deleted = true;
    watch_log();
    if (status == H5CKPT_OK && !life.killed)
        judge_mark(MARK_DELETED, 0);
}

/* What is left behind: a crash during the next save leads back to it. */
static void start_over(void)
{
    struct h5ckpt_report report;

    if (life.callback != NULL)
        return;
    if (h5ckpt_inspect(life.store, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, &report) < 0)
        report.restored = -1;
    life.base_unsure |= life.troubled;
    const h5ckpt_status status = h5ckpt_start_over(life.store);
    ALLOW(status, "start over", judge_permits_foreign() ? H5CKPT_E_FOREIGN : H5CKPT_OK);
    life.without_base |= status == H5CKPT_OK;
    if (status == H5CKPT_OK)
        life.held = life.base =
            report.restored < 0 || report.progress.step > JUDGE_NUMBER_MAX ? 0 : report.progress.step;
}

/* What saves spare from then on is what a milestone is made of. */
static void compare(void)
{
    struct h5ckpt_report report;
    h5ckpt_status status;

    if (life.callback != NULL)
        return;
    life.base_unsure |= life.troubled;
    status = h5ckpt_compare(life.store, H5CKPT_CURRENT);
    if (life.killed)
        return;
    if (status == H5CKPT_OK)
        life.held = life.base = h5ckpt_progress(life.store).step;
    if (status != H5CKPT_E_DIFFERS || h5ckpt_inspect(life.store, NULL, &report) < 0 ||
        report.progress.step > JUDGE_NUMBER_MAX)
        return;
    if (life.held != 0) /* so it may save */
        life.base = report.progress.step;
    else
        life.perhaps = report.progress.step;
}

static void do_something_else(struct input *input)
{
    enum { START_OVER, ADD, INSPECT, COMPARE, SPACE, RESERVE, GET_FAILS, PUT_FAILS, LET_RUN, EVICT, WHAT_COUNT };
    const unsigned what = (unsigned)input_take(input, 1);
    struct h5ckpt_report report;
    struct h5ckpt_space space;

    if (life.store == NULL || life.deleted)
        return;
    switch (what % WHAT_COUNT) {
    case START_OVER:
        start_over();
        break;
    case ADD:
        fence();
        program_add(&life.program, what / WHAT_COUNT % PROGRAM_VARIABLE_COUNT);
        break;
    case INSPECT:
        h5ckpt_inspect(life.store, &(struct h5ckpt_inspect_options){.depth = (enum h5ckpt_depth)(what % 3)}, &report);
        break;
    case COMPARE:
        compare();
        break;
    case SPACE:
        h5ckpt_space(life.store, &space);
        break;
    case RESERVE:
        h5ckpt_reserve(life.store);
        break;
    case GET_FAILS:
        life.program.get_fails = !life.program.get_fails;
        break;
    case PUT_FAILS:
        life.program.put_fails = !life.program.put_fails;
        break;
    case LET_RUN:
        schedule_let_run(TURNS_MAX);
        break;
    case EVICT:
        simfs_evict(fs(), SIMFS_SURVIVE_NONE);
        break;
    }
}

/* ------------------------------------------------------------------------ readers */

/* Somebody restores, with the variables that fit. Returns the state's number. */
static uint64_t restore_as(enum h5ckpt_mode mode, struct program *program, h5ckpt_store **store)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    struct judged_restore restore = {.options = h5ckpt_restore_options_default(),
                                     .beside_writer = life.store != NULL,
                                     .system_fails = life.store != NULL && life.troubled};

    options.mode = mode;
    options.event = hear;
    restore.options.settings = H5CKPT_SETTINGS_ACCEPT;
    restore.status = H5CKPT_E_SCHEMA;
    for (unsigned i = world.mask_count == 0 ? 0 : world.mask_count - 1; restore.status == H5CKPT_E_SCHEMA; i--) {
        h5ckpt_close(*store);
        program_free(program);
        program_make(program, world.mask_count == 0 ? 1 : world.mask[i], 1);
        h5ckpt_status status = h5ckpt_open(store, JUDGE_DIRECTORY, program->state, &options);
        fuzz_must(status == H5CKPT_OK || (status == H5CKPT_E_FOREIGN && judge_permits_foreign()), "open: %s: %s",
                  h5ckpt_status_name(status), h5ckpt_message(*store));
        if (status != H5CKPT_OK)
            return 0;
        program_spoil();
        restore.store = *store;
        restore.program = program;
        restore.status = h5ckpt_restore(*store, &restore.options, &restore.report);
        if (i == 0)
            break;
    }
    return judge_restore(&restore);
}

static void read_beside(void)
{
    const bool killed = life.killed;
    struct program program = {0};
    h5ckpt_store *store = NULL;

    if (world.fault_is_set || killed)
        return;
    fence();
    restore_as(H5CKPT_READ_ONLY, &program, &store);
    if (life.store == NULL && !judge.lock_damaged)
        judge_milestones(store);
    h5ckpt_close(store);
    program_free(&program);
}

/* -------------------------------------------------------------------- misfortunes */

static void set_fault(struct input *input)
{
    static const int ERROR[] = {EIO, ENOSPC, EACCES, ENOMEM, EMFILE, EINTR, ESTALE, EROFS};
    static const char *const PREFIX[] = {NULL, NULL, "slot", "lock", "milestone", "checkpoint"};
    const unsigned how = (unsigned)input_take(input, 1);
    const unsigned where = (unsigned)input_take(input, 1);
    const unsigned when = (unsigned)input_take(input, 1);
    struct simfs_fault fault = {.call = (enum simfs_call)(how % (SIMFS_CALL_CHILD_WRITE + 1)),
                                .name_prefix = PREFIX[where % 6],
                                .skip_count = when % 16,
                                .fail_count = when >= 240 ? 1000 : 1 + when / 64,
                                .error = ERROR[how / 16 % 8],
                                .bytes_done = where / 8 * 512,
                                .survivors = (enum simfs_survivors)(where / 32 % 3)};

    if (fault.error == EINTR && fault.call != SIMFS_CALL_READ && fault.call != SIMFS_CALL_WRITE)
        fault.error = EIO;
    simfs_set_fault(fs(), &fault);
    world.fault_is_set = life.troubled = true;
    world.device_fails = fault.error == EIO || fault.error == ESTALE;
}

static void clear_fault(void)
{
    if (life.store != NULL)
        h5ckpt_wait(life.store);
    simfs_set_fault(fs(), NULL);
    world.fault_is_set = world.device_fails = false;
}

/* A disk decays while nobody uses it. */
static void decay(struct input *input)
{
    const size_t which = (size_t)input_take(input, 1);
    const uint64_t where = input_take(input, 3);
    const size_t length = 1 + (size_t)input_take(input, 1) % 32;
    char path[SIMFS_NAME_BYTES + sizeof JUDGE_DIRECTORY];
    size_t name_count = 0;
    struct stat status;

    if (life.store != NULL)
        end_life();
    while (simfs_name_at(fs(), JUDGE_DIRECTORY, name_count) != NULL)
        name_count++;
    if (name_count == 0 || life.killed)
        return;
    const char *name = simfs_name_at(fs(), JUDGE_DIRECTORY, which % name_count);
    snprintf(path, sizeof path, JUDGE_DIRECTORY "/%s", name);
    if (simfs_calls.status_at(AT_FDCWD, path, &status) != 0 || status.st_size <= (off_t)length)
        return;
    judge_damage(name);
    simfs_damage(fs(), path, where % ((uint64_t)status.st_size - length), length);
}

/* The process ends here, whatever it does; perhaps with the machine. */
static void crash(struct input *input)
{
    static struct simfs_unit unit[UNIT_COUNT_MAX];
    static unsigned version[UNIT_COUNT_MAX];
    const unsigned how = (unsigned)input_take(input, 1);
    uint64_t random = input_take(input, 2);

    watch_log();
    dies_in = 0;
    life.killed = true;
    simfs_kill(fs());
    end_life();
    life.killed = false;
    world.operations_seen = 0;
    world.fault_is_set = world.device_fails = false;
    struct simfs *const next = world.image[world.now + 1];
    if (how % 2 == 0) {
        simfs_image_after_kill(next, fs());
    } else {
        const size_t count = simfs_units_in_flight(fs(), unit, UNIT_COUNT_MAX);
        fuzz_must(count <= UNIT_COUNT_MAX, "too much in flight");
        for (size_t i = 0; i < count; i++) {
            random = seen_mix(random);
            version[i] = how / 2 % 3 == 0   ? (unsigned)(random % unit[i].version_count)
                         : how / 2 % 3 == 1 ? 0
                                            : unit[i].version_count - 1;
        }
        simfs_image_after_power_cut(next, fs(), unit, version, count);
        expect_power_cut(&judge.expected);
    }
    world.now++;
    simfs_use(fs());
}

/* ---------------------------------------------------------------------- target */

static void do_operation(struct input *input)
{
    enum {
        OPEN,
        RESTORE,
        SAVE,
        TRAIN,
        SAVE_AGAIN,
        TRAIN_MORE,
        WAIT,
        MILESTONE,
        DELETE,
        CLOSE,
        OTHER,
        READER,
        FAULT,
        NO_FAULT,
        DECAY,
        DIE,
        OPERATION_COUNT
    };
    const unsigned what = (unsigned)input_take(input, 1);

    switch (what % OPERATION_COUNT) {
    case OPEN:
        open_life(input);
        break;
    case RESTORE:
        restore_life(input);
        break;
    case SAVE:
    case SAVE_AGAIN:
        save_life(input);
        break;
    case TRAIN:
    case TRAIN_MORE:
        train(input);
        break;
    case WAIT:
        wait_life();
        break;
    case MILESTONE:
        use_milestone(input);
        break;
    case DELETE:
        delete ();
        break;
    case CLOSE:
        if (life.store != NULL)
            end_life();
        break;
    case OTHER:
        do_something_else(input);
        break;
    case READER:
        read_beside();
        break;
    case FAULT:
        set_fault(input);
        break;
    case NO_FAULT:
        clear_fault();
        break;
    case DECAY:
        decay(input);
        break;
    case DIE:
        dies_in = (unsigned)input_take(input, 1);
        if (dies_in == 0)
            life.killed = true;
        break;
    }
}

/* The next process restores what a reader restores, and can save. */
static void go_on(void)
{
    const uint64_t number = world.last_number + 1;
    const struct h5ckpt_progress progress = progress_of(number);
    struct program program = {0};
    h5ckpt_store *store = NULL;
    const uint64_t seen = restore_as(H5CKPT_READ_ONLY, &program, &store);

    if (!judge.lock_damaged) {
        judge_milestones(store);
        judge_intact_count(store);
    }
    h5ckpt_close(store);
    store = NULL;
    judge_mark(MARK_BEGIN, 2);
    const uint64_t restored = restore_as(H5CKPT_READ_WRITE, &program, &store);
    if (restored == 0 && judge_permits_foreign()) {
        h5ckpt_close(store);
        program_free(&program);
        return;
    }
    fuzz_must(restored == seen, "a reader restored %" PRIu64 ", a writer %" PRIu64 ": %s", seen, restored,
              h5ckpt_message(store));
    judge_names(fs());
    life.program = program;
    become(number);
    life.program = (struct program){0};
    h5ckpt_status status = restored == 0 ? h5ckpt_start_over(store) : H5CKPT_OK;
    if (status == H5CKPT_OK)
        status = h5ckpt_save(store, &progress);
    fuzz_must(is_ok(status) && life.durable == number, "the next save: %s: %s", h5ckpt_status_name(status),
              h5ckpt_message(store));
    h5ckpt_close(store);
    store = NULL;
    const uint64_t after = restore_as(H5CKPT_READ_ONLY, &program, &store);
    fuzz_must(after == number, "state %" PRIu64 " after the save of %" PRIu64, after, number);
    h5ckpt_close(store);
    program_free(&program);
    memset(&life, 0, sizeof life);
}

int LLVMFuzzerInitialize(int *argument_count, char ***arguments)
{
    (void)argument_count, (void)arguments;
    system_calls = &simfs_calls;
    world.empty = simfs_new(1);
    for (unsigned i = 0; i < IMAGE_COUNT; i++)
        world.image[i] = simfs_new(2 + i);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    struct input input = {bytes, byte_count};

    world.now = world.mask_count = 0;
    world.operations_seen = 0;
    world.last_number = 0;
    simfs_image_after_kill(fs(), world.empty);
    simfs_use(fs());
    judge_begin();
    simfs_before_change(before_change);
    schedule_begin(input_take(&input, 1), SCHEDULE_THREADS);
    for (unsigned i = 0; i < OPERATION_COUNT_MAX && input.byte_count > 0 && world.now + 2 < IMAGE_COUNT; i++) {
        do_operation(&input);
        if (life.killed)
            crash(&input);
    }
    crash(&input);
    go_on();
    schedule_end();
    simfs_before_change(NULL);
    return 0;
}
