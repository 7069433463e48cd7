/* SPDX-License-Identifier: MIT */
#include "callback/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/assert_h5ckpt.h"
#include "support/fixture.h"

enum {
    ROW_COUNT = 24,
    COLUMN_COUNT = 16,
    MOMENT_COUNT = 24,
    MOMENT_COUNT_MAX = 64,
    ORDER_COUNT = 40,
    UNKNOWN_BATCHES_MAX = 4,
    TEST_BATCHES = 2,
    UNIT_COUNT_MAX = 1 << 14,
    SAVE_COUNT_MAX = 1 << 12,
};

/* What all lives write and the test reads. */
struct book {
    unsigned life_count;
    size_t unit_count;
    size_t save_count;
    struct run_unit unit[UNIT_COUNT_MAX];
    struct h5ckpt_progress save[SAVE_COUNT_MAX];
    struct run_life life; /* the last one */
};

static struct book *book;

/* -------------------------------------------------------------------- model */

struct model {
    h5ckpt_state *state;
    float weights[ROW_COUNT][COLUMN_COUNT];
    double moments[MOMENT_COUNT_MAX];
    uint64_t generator[2];
    uint64_t units_done[3]; /* by kind */
    uint64_t chain;         /* everything done so far, in its order */
    uint64_t data_left;     /* in the epoch that is running */
    uint32_t *order;        /* of the data; allocated anew in every epoch */
    size_t moment_count;
};

static uint64_t mixed(uint64_t number)
{
    number += UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

static uint64_t draw(struct model *model)
{
    model->generator[0] += UINT64_C(0x9e3779b97f4a7c15);
    model->generator[1] ^= mixed(model->generator[0]);
    return mixed(model->generator[0] ^ model->generator[1]);
}

static uint32_t *new_order(void)
{
    uint32_t *order = calloc(ORDER_COUNT, sizeof *order);

    if (order == NULL)
        abort();
    for (uint32_t i = 0; i < ORDER_COUNT; i++)
        order[i] = i;
    return order;
}

/* As a program starts: initial values everywhere. */
static void model_make(struct model *model, const struct run_options *options)
{
    h5ckpt_state *state = h5ckpt_state_new();

    memset(model, 0, sizeof *model);
    model->state = state;
    model->generator[0] = 42;
    model->moment_count = options->moment_count;
    model->order = new_order();
    for (unsigned row = 0; row < ROW_COUNT; row++)
        for (unsigned column = 0; column < COLUMN_COUNT; column++)
            model->weights[row][column] = (float)(draw(model) >> 40);
    h5ckpt_add(state, "weights", H5CKPT_FLOAT32, 2, (const uint64_t[]){ROW_COUNT, COLUMN_COUNT}, model->weights);
    h5ckpt_add(state, "optimizer/moments", H5CKPT_FLOAT64, 1, (const uint64_t[]){options->moment_count},
               model->moments);
    h5ckpt_add(state, "generator", H5CKPT_OPAQUE(sizeof model->generator), 0, NULL, model->generator);
    h5ckpt_add(state, "units_done", H5CKPT_UINT64, 1, (const uint64_t[]){3}, model->units_done);
    h5ckpt_add(state, "chain", H5CKPT_UINT64, 0, NULL, &model->chain);
    h5ckpt_add(state, "data/left", H5CKPT_UINT64, 0, NULL, &model->data_left);
    h5ckpt_add_indirect(state, "data/order", H5CKPT_UINT32, 1, (const uint64_t[]){ORDER_COUNT},
                        (void *const *)&model->order);
}

static void model_free(struct model *model)
{
    h5ckpt_state_free(model->state);
    free(model->order);
}

static uint64_t digest_bytes(uint64_t digest, const void *bytes, size_t byte_count)
{
    const unsigned char *byte = bytes;

    for (size_t i = 0; i < byte_count; i++)
        digest = (digest ^ byte[i]) * UINT64_C(0x100000001b3);
    return digest;
}

static uint64_t model_digest(const struct model *model)
{
    uint64_t digest = UINT64_C(0xcbf29ce484222325);

    digest = digest_bytes(digest, model->weights, sizeof model->weights);
    digest = digest_bytes(digest, model->moments, model->moment_count * sizeof *model->moments);
    digest = digest_bytes(digest, model->generator, sizeof model->generator);
    digest = digest_bytes(digest, model->units_done, sizeof model->units_done);
    digest = digest_bytes(digest, &model->chain, sizeof model->chain);
    digest = digest_bytes(digest, &model->data_left, sizeof model->data_left);
    return digest_bytes(digest, model->order, ORDER_COUNT * sizeof *model->order);
}

static void note_unit(struct model *model, enum run_unit_kind kind, uint64_t epoch, uint64_t batch)
{
    if (book->unit_count == UNIT_COUNT_MAX)
        abort();
    book->unit[book->unit_count++] = (struct run_unit){kind, book->life_count, epoch, batch};
    model->units_done[kind]++;
    model->chain = mixed(model->chain ^ mixed(epoch << 32 ^ batch << 2 ^ (uint64_t)kind));
}

static void do_epoch_begin(struct model *model, uint64_t epoch)
{
    uint32_t *order = new_order();

    note_unit(model, RUN_EPOCH_BEGIN, epoch, 0);
    for (unsigned i = ORDER_COUNT - 1; i > 0; i--) {
        unsigned other = (unsigned)(draw(model) % (i + 1));
        uint32_t moved = order[i];
        order[i] = order[other];
        order[other] = moved;
    }
    free(model->order); /* after the new one is there: the address differs */
    model->order = order;
    model->data_left = 1 + draw(model) % UNKNOWN_BATCHES_MAX;
}

static void do_batch(struct model *model, uint64_t epoch, uint64_t batch)
{
    const uint32_t datum = model->order[batch % ORDER_COUNT];

    note_unit(model, RUN_BATCH, epoch, batch);
    model->data_left -= model->data_left > 0;
    for (unsigned row = 0; row < ROW_COUNT; row++) {
        double *moment = &model->moments[(row + datum) % model->moment_count];
        float *weight = &model->weights[row][(datum + batch) % COLUMN_COUNT];
        *moment = 0.75 * *moment + (double)(draw(model) >> 44);
        *weight = 0.5f * *weight + (float)*moment;
    }
}

static void do_epoch_end(struct model *model, uint64_t epoch)
{
    note_unit(model, RUN_EPOCH_END, epoch, 0);
    for (unsigned i = 0; i < model->moment_count; i++)
        model->moments[i] *= 0.5;
}

/* --------------------------------------------------------------- the hooks used */

static h5ckpt_status function_train_begin(void *self, struct h5ckpt_progress *next)
{
    struct h5ckpt_report report;

    return h5ckpt_on_train_begin(self, next, &report);
}

static h5ckpt_status function_epoch_begin(void *self, uint64_t epoch)
{
    return h5ckpt_on_epoch_begin(self, epoch);
}

static h5ckpt_status function_batch_begin(void *self, uint64_t batch)
{
    return h5ckpt_on_train_batch_begin(self, batch);
}

static h5ckpt_status function_batch_end(void *self, uint64_t batch)
{
    return h5ckpt_on_train_batch_end(self, batch);
}

static h5ckpt_status function_test_batch_end(void *self, uint64_t batch)
{
    return h5ckpt_on_test_batch_end(self, batch);
}

static h5ckpt_status function_epoch_end(void *self, uint64_t epoch)
{
    return h5ckpt_on_epoch_end(self, epoch);
}

static h5ckpt_status function_train_end(void *self, enum h5ckpt_reason reason)
{
    return h5ckpt_on_train_end(self, reason);
}

static h5ckpt_status none_train_begin(void *self, struct h5ckpt_progress *next)
{
    (void)self;
    *next = (struct h5ckpt_progress){0};
    return H5CKPT_NO_CHECKPOINT;
}

static h5ckpt_status none_number(void *self, uint64_t number)
{
    (void)self, (void)number;
    return H5CKPT_OK;
}

static h5ckpt_status none_train_end(void *self, enum h5ckpt_reason reason)
{
    (void)self, (void)reason;
    return H5CKPT_OK;
}

static struct h5ckpt_hooks hooks_of(const struct run_options *options, h5ckpt_callback *callback)
{
    if (options->calls == RUN_BY_HOOKS)
        return h5ckpt_callback_hooks(callback);
    if (options->calls == RUN_BY_FUNCTIONS)
        return (struct h5ckpt_hooks){
            .self = callback,
            .on_train_begin = function_train_begin,
            .on_epoch_begin = function_epoch_begin,
            .on_train_batch_begin = function_batch_begin,
            .on_train_batch_end = function_batch_end,
            .on_test_batch_end = function_test_batch_end,
            .on_epoch_end = function_epoch_end,
            .on_train_end = function_train_end,
        };
    return (struct h5ckpt_hooks){
        .on_train_begin = none_train_begin,
        .on_epoch_begin = none_number,
        .on_train_batch_begin = none_number,
        .on_train_batch_end = none_number,
        .on_test_batch_end = none_number,
        .on_epoch_end = none_number,
        .on_train_end = none_train_end,
    };
}

/* ------------------------------------------------------------------ one life */

struct living {
    const struct run_options *options;
    struct run_point death;
    struct model model;
    h5ckpt_callback *callback;
    struct h5ckpt_hooks hooks;
    struct h5ckpt_progress saved;
    struct run_life *life;
};

static void come_by(const struct living *living, enum run_moment moment, uint64_t epoch, uint64_t batch)
{
    const struct run_point *death = &living->death;

    if (living->options->visit != NULL)
        living->options->visit(living->options->context, (struct run_point){moment, epoch, batch});
    if (death->moment == moment && death->epoch == epoch && death->batch == batch)
        kill(getpid(), SIGKILL);
}

/* The program looks at what a hook answers, and goes on unless it is told to stop. */
static void heed(struct living *living, h5ckpt_status status)
{
    struct h5ckpt_progress now = h5ckpt_progress(h5ckpt_callback_store(living->callback));

    if (status == H5CKPT_LIVES_AGREE || status == H5CKPT_E_DIFFERS)
        living->saved = now; /* compared, not saved */
    if (memcmp(&now, &living->saved, sizeof now) != 0) {
        if (book->save_count == SAVE_COUNT_MAX)
            abort();
        living->saved = book->save[book->save_count++] = now;
    }
    if (status == H5CKPT_STOP || status == H5CKPT_E_STOP_UNSAVED)
        living->life->stop_status = status;
    if (status >= 0)
        return;
    if (living->life->failure_count++ == 0) {
        living->life->failure = status;
        snprintf(living->life->message, sizeof living->life->message, "%s", h5ckpt_callback_message(living->callback));
    }
}

/* Is there a batch number `batch` in this epoch? */
static bool has_batch(const struct living *living, uint64_t epoch, uint64_t batch)
{
    const struct run_options *options = living->options;

    if (options->batches_unknown)
        return living->model.data_left > 0;
    return batch < (options->batches_of != NULL ? options->batches_of(epoch) : options->batches);
}

static bool is_stopped(struct living *living, enum run_moment moment, uint64_t epoch, uint64_t batch)
{
    if (living->life->stop_status != H5CKPT_OK)
        living->life->stopped = (struct run_point){moment, epoch, batch};
    return living->life->stop_status != H5CKPT_OK;
}

static void do_batches(struct living *living, uint64_t epoch, uint64_t first)
{
    void *self = living->hooks.self;
    uint64_t batch = first;

    while (has_batch(living, epoch, batch)) {
        heed(living, living->hooks.on_train_batch_begin(self, batch));
        for (uint64_t i = 0; i < living->options->steps_per_execution && has_batch(living, epoch, batch); i++)
            do_batch(&living->model, epoch, batch++);
        come_by(living, RUN_BATCH_DONE, epoch, batch - 1);
        heed(living, living->hooks.on_train_batch_end(self, batch - 1));
        if (is_stopped(living, RUN_BATCH_TOLD, epoch, batch - 1))
            return;
        come_by(living, RUN_BATCH_TOLD, epoch, batch - 1);
    }
}

static void do_epoch(struct living *living, uint64_t epoch, uint64_t first_batch)
{
    void *self = living->hooks.self;

    heed(living, living->hooks.on_epoch_begin(self, epoch));
    if (first_batch == 0)
        do_epoch_begin(&living->model, epoch);
    come_by(living, RUN_EPOCH_BEGUN, epoch, 0);
    do_batches(living, epoch, first_batch);
    for (uint64_t i = 0; i < TEST_BATCHES && living->life->stop_status == H5CKPT_OK; i++) {
        heed(living, living->hooks.on_test_batch_end(self, i));
        is_stopped(living, RUN_TEST_TOLD, epoch, i);
    }
    if (living->life->stop_status != H5CKPT_OK)
        return;
    do_epoch_end(&living->model, epoch);
    come_by(living, RUN_EPOCH_DONE, epoch, 0);
    heed(living, living->hooks.on_epoch_end(self, epoch));
    if (is_stopped(living, RUN_EPOCH_TOLD, epoch, 0))
        return;
    come_by(living, RUN_EPOCH_TOLD, epoch, 0);
}

static void train(struct living *living)
{
    const struct run_options *options = living->options;
    struct run_life *life = living->life;
    struct h5ckpt_progress next = {99, 99, 99};
    enum h5ckpt_reason reason = H5CKPT_FINISHED;

    life->begin_status = living->hooks.on_train_begin(living->hooks.self, &next);
    life->next = next;
    if (living->callback != NULL)
        snprintf(life->message, sizeof life->message, "%s", h5ckpt_callback_message(living->callback));
    if (life->begin_status < 0)
        return;
    living->saved = h5ckpt_progress(h5ckpt_callback_store(living->callback));
    come_by(living, RUN_TRAIN_BEGUN, 0, 0);
    for (uint64_t epoch = next.epoch; epoch < options->epochs; epoch++, next.batch = 0) {
        if (options->end_after_epochs != 0 && epoch >= options->end_after_epochs) {
            reason = options->end_reason;
            break;
        }
        do_epoch(living, epoch, next.batch);
        if (life->stop_status != H5CKPT_OK) {
            reason = H5CKPT_PREEMPTED;
            break;
        }
    }
    come_by(living, RUN_TRAIN_DONE, 0, 0);
    life->end_status = living->hooks.on_train_end(living->hooks.self, reason);
    heed(living, life->end_status);
    life->digest = model_digest(&living->model);
    life->ended = true;
}

static void live(const struct run_options *options, struct run_point death, struct run_life *life)
{
    struct living living = {.options = options, .death = death, .life = life};

    *life = (struct run_life){0};
    model_make(&living.model, options);
    if (options->calls != RUN_WITHOUT_CALLBACK)
        life->new_status = h5ckpt_callback_new(&living.callback, living.model.state, &options->callback);
    living.hooks = hooks_of(options, living.callback);
    if (life->new_status < 0)
        snprintf(life->message, sizeof life->message, "%s", h5ckpt_callback_message(living.callback));
    else
        train(&living);
    h5ckpt_callback_free(living.callback);
    model_free(&living.model);
}

/* ------------------------------------------------------------------- lives */

struct run_options run_options_default(void)
{
    struct run_options options = {
        .epochs = 5,
        .batches = 3,
        .steps_per_execution = 1,
        .moment_count = MOMENT_COUNT,
        .callback = h5ckpt_callback_options_default(),
    };

    options.callback.backup_dir = fixture_backup;
    return options;
}

void run_setup(void)
{
    book = mmap(NULL, sizeof *book, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(book != MAP_FAILED);
}

void run_teardown(void)
{
    munmap(book, sizeof *book);
    book = NULL;
}

void run_forget(void)
{
    book->life_count = 0;
    book->unit_count = 0;
    book->save_count = 0;
}

/* Returns how the process ended, as waitpid() says it. */
static int run_life_in_process(const struct run_options *options, struct run_point death)
{
    int status = 0;
    pid_t process = fork();

    ck_assert_int_ge(process, 0);
    if (process == 0) {
        live(options, death, &book->life);
        _exit(EXIT_SUCCESS);
    }
    while (waitpid(process, &status, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
    book->life_count++;
    return status;
}

static bool was_killed(int status)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static bool ended_well(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

struct run_life run_to_end(const struct run_options *options)
{
    int status = run_life_in_process(options, (struct run_point){RUN_AT_NO_TIME, 0, 0});

    ck_assert_msg(ended_well(status), "a life ended with wait status %d", status);
    return book->life;
}

struct run_life run_until(const struct run_options *options, struct run_point point)
{
    int status = run_life_in_process(options, point);

    ck_assert_msg(was_killed(status), "a life did not come to moment %d of (%ju, %ju): %s", (int)point.moment,
                  (uintmax_t)point.epoch, (uintmax_t)point.batch, book->life.message);
    ck_assert_msg(book->life.failure_count == 0, "before it was killed, a hook failed: %s", book->life.message);
    return book->life;
}

struct run_life run_until_moment(const struct run_options *options, enum run_moment moment, uint64_t epoch,
                                 uint64_t batch)
{
    return run_until(options, (struct run_point){moment, epoch, batch});
}

struct run_life run_anyhow(const struct run_options *options)
{
    int status = run_life_in_process(options, (struct run_point){RUN_AT_NO_TIME, 0, 0});

    ck_assert_msg(was_killed(status) || ended_well(status), "a life ended with wait status %d", status);
    return book->life;
}

struct run_life run_here(const struct run_options *options)
{
    struct run_life life;

    live(options, (struct run_point){RUN_AT_NO_TIME, 0, 0}, &life);
    book->life_count++;
    return life;
}

/* --------------------------------------------------------------- undisturbed */

struct points {
    struct run_point *point;
    size_t count;
    size_t count_max;
    uint64_t batch_count;
};

static void note_point(void *context, struct run_point point)
{
    struct points *points = context;

    if (point.moment == RUN_TRAIN_BEGUN || points->point == NULL)
        return;
    ck_assert_uint_lt(points->count, points->count_max);
    points->point[points->count++] = point;
}

/* A life of which the book says nothing. */
static struct run_life undisturbed(const struct run_options *options, struct points *points)
{
    struct run_options alone = *options;
    const size_t unit_count = book->unit_count;
    struct run_life life;

    alone.calls = RUN_WITHOUT_CALLBACK;
    alone.visit = note_point;
    alone.context = points;
    live(&alone, (struct run_point){RUN_AT_NO_TIME, 0, 0}, &life);
    ck_assert(life.ended);
    for (size_t i = unit_count; i < book->unit_count; i++)
        points->batch_count += book->unit[i].kind == RUN_BATCH;
    book->unit_count = unit_count;
    return life;
}

uint64_t run_undisturbed_digest(const struct run_options *options)
{
    struct points points = {0};

    return undisturbed(options, &points).digest;
}

uint64_t run_undisturbed_batches(const struct run_options *options)
{
    struct points points = {0};

    undisturbed(options, &points);
    return points.batch_count;
}

size_t run_undisturbed_points(const struct run_options *options, struct run_point *point, size_t count_max)
{
    struct points points = {.point = point, .count_max = count_max};

    undisturbed(options, &points);
    return points.count;
}

/* ------------------------------------------------------------------ the book */

uint64_t run_count(enum run_unit_kind kind, int life)
{
    uint64_t count = 0;

    for (size_t i = 0; i < book->unit_count; i++)
        count += book->unit[i].kind == kind && (life == RUN_ALL_LIVES || book->unit[i].life == (unsigned)life);
    return count;
}

const struct run_unit *run_units(size_t *count)
{
    *count = book->unit_count;
    return book->unit;
}

const struct h5ckpt_progress *run_saves(size_t *count)
{
    *count = book->save_count;
    return book->save;
}

static h5ckpt_status inspect(const struct run_options *options, struct h5ckpt_report *report)
{
    struct h5ckpt_options store_options = h5ckpt_options_default();
    struct model model;
    h5ckpt_store *store;
    h5ckpt_status status;

    store_options.mode = H5CKPT_READ_ONLY;
    model_make(&model, options);
    assert_status(h5ckpt_open(&store, options->callback.backup_dir, model.state, &store_options), H5CKPT_OK);
    status = h5ckpt_inspect(store, &(struct h5ckpt_inspect_options){.depth = H5CKPT_ALL_BYTES}, report);
    h5ckpt_close(store);
    model_free(&model);
    return status;
}

h5ckpt_status run_stored(const struct run_options *options, struct h5ckpt_progress *position)
{
    struct h5ckpt_report report;
    h5ckpt_status status = inspect(options, &report);

    *position = report.progress;
    return status;
}

const char *run_slot(const struct run_options *options, enum h5ckpt_which which)
{
    struct h5ckpt_report report;

    inspect(options, &report);
    ck_assert_int_ge(report.restored, 0);
    if (which == H5CKPT_CURRENT)
        return in_backup(report.slot[report.restored].name);
    for (int i = 0; i < H5CKPT_SLOT_COUNT_MAX; i++)
        if (i != report.restored && report.slot[i].state == H5CKPT_SLOT_INTACT)
            return in_backup(report.slot[i].name);
    ck_abort_msg("there is no previous state");
    return NULL;
}
