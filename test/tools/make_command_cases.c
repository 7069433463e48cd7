/* SPDX-License-Identifier: MIT */
/*
 * make_command_cases DIR ACTION SAVES [SLOTS [EXTRAS]]: a directory to look at, and, if wanted, a writer that stays.
 *
 * It goes on from what is there, an epoch with each of its SAVES saves, with EXTRAS small variables more than its own.
 * Then ACTION
 *     save   ends;
 *     again  saves the last state once more, and ends;
 *     keep   keeps the last state as milestone "best", and ends;
 *     hold   says "ready" and keeps the directory until its standard input ends;
 *     stall  begins one more save, says "saving" when half of it is written, and goes on when its standard input ends;
 *     obey   says "ready", and then does what each line of its standard input says, and says that it has: "save" or
 *            "delete".
 * With ACTION "log" it makes SAVES steps instead, and logs, also under the name that may follow; it saves after each
 * tenth. ACTION "log-epochs" calls only the hooks of epochs, ACTION "log-late" begins behind 2e10 steps; both log
 * values that are alike in nine digits. With ACTION "states" it only prints the names of a slot's states.
 *
 * How to stop in the middle of a save: the last page of the largest array is taken away, and given back by the handler
 * of the signal that reading it raises.
 */
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <h5ckpt.h>

enum { ROWS = 4096, COLUMNS = 256, PAGE_BYTES = 4096 }; /* so many that a save is stopped half-way by its last page */

static float (*weights)[COLUMNS]; /* 256 KiB: four blocks, or parts of five */
static int16_t bias[10];
static double scalar;
static unsigned char *last_page;

static void fail(const char *what)
{
    fprintf(stderr, "make_command_cases: %s\n", what);
    exit(EXIT_FAILURE);
}

static void say(const char *line)
{
    if (write(STDOUT_FILENO, line, strlen(line)) < 0)
        _exit(EXIT_FAILURE);
}

static void wait_for_end_of_input(void)
{
    char byte;

    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
}

static void give_back_last_page(int signal)
{
    (void)signal;
    say("saving\n");
    wait_for_end_of_input();
    if (mprotect(last_page, PAGE_BYTES, PROT_READ | PROT_WRITE) < 0)
        _exit(EXIT_FAILURE);
}

static void make_variables(h5ckpt_state *state, unsigned extra_count)
{
    weights = mmap(NULL, sizeof(float[ROWS][COLUMNS]), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (weights == MAP_FAILED)
        fail("no memory");
    last_page = (unsigned char *)weights + sizeof(float[ROWS][COLUMNS]) - PAGE_BYTES;
    h5ckpt_add(state, "weights", H5CKPT_FLOAT32, 2, (const uint64_t[]){ROWS, COLUMNS}, weights);
    h5ckpt_add(state, "layer/bias", H5CKPT_INT16, 1, (const uint64_t[]){10}, bias);
    h5ckpt_add(state, "größe", H5CKPT_FLOAT64, 0, NULL, &scalar);
    h5ckpt_add(state, "nothing", H5CKPT_UINT8, 2, (const uint64_t[]){3, 0}, NULL);
    for (unsigned i = 0; i < extra_count; i++) {
        static uint64_t extra;
        char name[32];
        snprintf(name, sizeof name, "extra/%u", i);
        h5ckpt_add(state, name, H5CKPT_UINT64, 0, NULL, &extra);
    }
}

static void save(h5ckpt_store *store, uint64_t epoch)
{
    const struct h5ckpt_progress at = {.epoch = epoch, .batch = 3, .step = UINT64_MAX - epoch};

    scalar = (double)epoch;
    weights[0][0] = (float)epoch;
    if (h5ckpt_save(store, &at) != H5CKPT_OK)
        fail(h5ckpt_message(store));
}

static void obey(h5ckpt_store *store, uint64_t epoch)
{
    char line[16];

    say("ready\n");
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strcmp(line, "save\n") == 0)
            save(store, epoch++);
        else if (strcmp(line, "delete\n") != 0 || h5ckpt_delete(store) != H5CKPT_OK)
            fail(h5ckpt_message(store));
        say(line);
    }
}

static void act(const char *action, h5ckpt_store *store, uint64_t epoch)
{
    if (strcmp(action, "hold") == 0) {
        say("ready\n");
        wait_for_end_of_input();
    } else if (strcmp(action, "stall") == 0) {
        const struct sigaction stall = {.sa_handler = give_back_last_page};
        sigaction(SIGSEGV, &stall, NULL);
        mprotect(last_page, PAGE_BYTES, PROT_NONE);
        save(store, epoch);
    } else if (strcmp(action, "keep") == 0) {
        if (h5ckpt_keep(store, "best") != H5CKPT_OK)
            fail(h5ckpt_message(store));
    } else if (strcmp(action, "again") == 0) {
        save(store, epoch - 1);
    } else if (strcmp(action, "obey") == 0) {
        obey(store, epoch);
    } else if (strcmp(action, "save") != 0) {
        fail("no such action");
    }
}

/* Of every step the loss, which is spiked once; of each fifth an accuracy; and a log whose name wants to be quoted. */
static int log_steps(const char *directory, uint64_t step_count, const char *more)
{
    struct h5ckpt_callback_options options = h5ckpt_callback_options_default();
    h5ckpt_state *state = h5ckpt_state_new();
    struct h5ckpt_progress next;
    h5ckpt_callback *callback;

    options.backup_dir = directory;
    options.save_freq = 10;
    h5ckpt_add(state, "scalar", H5CKPT_FLOAT64, 0, NULL, &scalar);
    if (h5ckpt_callback_new(&callback, state, &options) < 0 || h5ckpt_on_train_begin(callback, &next, NULL) < 0)
        fail(h5ckpt_callback_message(callback));
    for (uint64_t step = next.step; step < step_count; step++) {
        h5ckpt_log(callback, "loss", step == 3 ? 1000 : 1.0 / (double)(step + 1));
        if (step % 5 == 4)
            h5ckpt_log(callback, "val/größe", step == 4 ? NAN : (double)step);
        if (more != NULL)
            h5ckpt_log(callback, more, 1);
        if (step == 8)
            h5ckpt_log(callback, "a \"name\", quoted", -INFINITY);
        if (h5ckpt_step(callback, step) < 0)
            fail(h5ckpt_callback_message(callback));
    }
    h5ckpt_callback_free(callback);
    h5ckpt_state_free(state);
    return EXIT_SUCCESS;
}

/* By hooks of epochs; the first one may be of so many batches. */
static int log_epochs(const char *directory, uint64_t epoch_count, uint64_t batch_count)
{
    struct h5ckpt_callback_options options = h5ckpt_callback_options_default();
    h5ckpt_state *state = h5ckpt_state_new();
    struct h5ckpt_progress next;
    h5ckpt_callback *callback;

    options.backup_dir = directory;
    options.delete_checkpoint = false;
    h5ckpt_add(state, "scalar", H5CKPT_FLOAT64, 0, NULL, &scalar);
    if (h5ckpt_callback_new(&callback, state, &options) < 0 || h5ckpt_on_train_begin(callback, &next, NULL) < 0)
        fail(h5ckpt_callback_message(callback));
    for (uint64_t epoch = next.epoch; epoch < epoch_count; epoch++) {
        h5ckpt_on_epoch_begin(callback, epoch);
        if (batch_count != 0 && h5ckpt_on_train_batch_end(callback, epoch == 0 ? batch_count - 1 : 0) < 0)
            fail(h5ckpt_callback_message(callback));
        h5ckpt_log(callback, "loss", 0.69314718056 + 1e-12 * (double)epoch);
        if (h5ckpt_on_epoch_end(callback, epoch) < 0)
            fail(h5ckpt_callback_message(callback));
    }
    h5ckpt_callback_free(callback);
    h5ckpt_state_free(state);
    return EXIT_SUCCESS;
}

static int print_states(void)
{
    for (int state = H5CKPT_SLOT_ABSENT; state <= H5CKPT_SLOT_UNREADABLE; state++)
        puts(h5ckpt_slot_state_name((enum h5ckpt_slot_state)state));
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct h5ckpt_options options = h5ckpt_options_default();
    struct h5ckpt_report found = {0};
    h5ckpt_state *state;
    h5ckpt_store *store;
    uint64_t save_count;

    if (argc < 4)
        fail("usage: make_command_cases DIR ACTION SAVES [SLOTS [EXTRAS]]");
    if (strcmp(argv[2], "states") == 0)
        return print_states();
    if (strcmp(argv[2], "log") == 0)
        return log_steps(argv[1], strtoull(argv[3], NULL, 10), argc > 4 ? argv[4] : NULL);
    if (strcmp(argv[2], "log-epochs") == 0)
        return log_epochs(argv[1], strtoull(argv[3], NULL, 10), 0);
    if (strcmp(argv[2], "log-late") == 0)
        return log_epochs(argv[1], strtoull(argv[3], NULL, 10), UINT64_C(20000000000));
    state = h5ckpt_state_new();
    save_count = strtoull(argv[3], NULL, 10);
    if (argc > 4)
        options.slots = (unsigned)strtoul(argv[4], NULL, 10);
    make_variables(state, argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : 0);
    if (h5ckpt_open(&store, argv[1], state, &options) != H5CKPT_OK || h5ckpt_restore(store, NULL, &found) < 0)
        fail(h5ckpt_message(store));
    for (uint64_t i = 1; i <= save_count; i++)
        save(store, found.progress.epoch + i);
    act(argv[2], store, found.progress.epoch + save_count + 1);
    h5ckpt_close(store);
    h5ckpt_state_free(state);
    munmap(weights, sizeof(float[ROWS][COLUMNS]));
    return EXIT_SUCCESS;
}
