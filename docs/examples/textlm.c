/* SPDX-License-Identifier: MIT */
/*
 * textlm.c: a small language model that may be killed at any instant and loses nothing it saved.
 *
 * From eight characters of a text it learns to guess the ninth: one hidden layer (tanh), a softmax, Adam
 * on shuffled batches. Its last line, "state <digest>", covers every byte that later training depends
 * on. A run that was killed and resumed ends with the digest of a run that never was: that is what a
 * checkpoint has to achieve, and demo.sh shows it.
 *
 * What h5ckpt asks of a program is list_variables(), the section "Checkpoints", and the hooks in train().
 * The rest would be the same without it.
 */
#include <ctype.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h5ckpt.h"

enum {
    SYMBOL_COUNT = 96, /* printable ASCII and the newline */
    CONTEXT_LENGTH = 8,
    HIDDEN_SIZE = 64,
    BATCH_SIZE = 32,
    EXIT_USAGE = 2,
};

#define FILE_DEFAULT "/usr/share/common-licenses/GPL-3"

struct network {
    float hidden[CONTEXT_LENGTH][SYMBOL_COUNT][HIDDEN_SIZE]; /* a row for each symbol at each place */
    float hidden_bias[HIDDEN_SIZE];
    float output[HIDDEN_SIZE][SYMBOL_COUNT];
    float output_bias[SYMBOL_COUNT];
};

/* A network holds floats and nothing else: Adam treats it as one array of them. */
enum { PARAMETER_COUNT = sizeof(struct network) / sizeof(float) };

/* All that changes while we train. */
struct training {
    struct network weights;
    struct network gradient;         /* the only member not in a checkpoint: every batch computes it anew */
    float mean[PARAMETER_COUNT];     /* Adam's first moments */
    float variance[PARAMETER_COUNT]; /* Adam's second moments, not centred */
    uint64_t adam_step;
    uint64_t random;      /* the generator's whole state */
    double loss_sum;      /* over this epoch's batches */
    uint64_t order_next;  /* the place in `order` of the sample to draw next */
    uint64_t order_count; /* as many samples as the text has: constant */
    uint32_t order[];     /* a permutation of them */
};

struct text {
    unsigned char *symbols; /* each below SYMBOL_COUNT */
    size_t count;
};

struct options {
    uint64_t epochs;
    uint64_t batches;
    struct h5ckpt_callback_options checkpoint; /* backup_dir NULL: train without checkpoints */
    uint64_t kill_epoch;                       /* UINT64_MAX: live */
    uint64_t kill_batch;
    const char *file;
};

/* ------------------------------------------------------------- variables */

enum { VARIABLE_COUNT = 11, RANK_MAX = 3 };

struct variables {
    struct variable {
        const char *name;
        h5ckpt_type type;
        int rank;
        uint64_t shape[RANK_MAX];
        void *memory;
    } list[VARIABLE_COUNT];
};

/* The one list of what a run consists of: the checkpoint and the digest both follow it. */
static struct variables list_variables(struct training *t)
{
    struct network *w = &t->weights;

    return (struct variables){{
        {"weights/hidden", H5CKPT_FLOAT32, 3, {CONTEXT_LENGTH, SYMBOL_COUNT, HIDDEN_SIZE}, w->hidden},
        {"weights/hidden_bias", H5CKPT_FLOAT32, 1, {HIDDEN_SIZE}, w->hidden_bias},
        {"weights/output", H5CKPT_FLOAT32, 2, {HIDDEN_SIZE, SYMBOL_COUNT}, w->output},
        {"weights/output_bias", H5CKPT_FLOAT32, 1, {SYMBOL_COUNT}, w->output_bias},
        {"adam/mean", H5CKPT_FLOAT32, 1, {PARAMETER_COUNT}, t->mean},
        {"adam/variance", H5CKPT_FLOAT32, 1, {PARAMETER_COUNT}, t->variance},
        {"adam/step", H5CKPT_UINT64, 0, {0}, &t->adam_step},
        {"random", H5CKPT_UINT64, 0, {0}, &t->random},
        {"loss_sum", H5CKPT_FLOAT64, 0, {0}, &t->loss_sum},
        {"sampler/next", H5CKPT_UINT64, 0, {0}, &t->order_next},
        {"sampler/order", H5CKPT_UINT32, 1, {t->order_count}, t->order},
    }};
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo; public domain; http://www.isthe.com/chongo/tech/comp/fnv/). */
static const uint64_t DIGEST_OF_NOTHING = UINT64_C(0xcbf29ce484222325);

static uint64_t digest_bytes(uint64_t digest, const void *bytes, size_t byte_count)
{
    for (size_t i = 0; i < byte_count; i++)
        digest = (digest ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
    return digest;
}

static uint64_t digest_variables(struct training *training)
{
    struct variables variables = list_variables(training);
    uint64_t digest = DIGEST_OF_NOTHING;

    for (int v = 0; v < VARIABLE_COUNT; v++) {
        const struct variable *variable = &variables.list[v];
        size_t byte_count = H5CKPT_TYPE_BYTES(variable->type);

        for (int dimension = 0; dimension < variable->rank; dimension++)
            byte_count *= variable->shape[dimension];
        digest = digest_bytes(digest, variable->memory, byte_count);
    }
    return digest;
}

/* ----------------------------------------------------------- checkpoints */

static void register_variables(h5ckpt_state *state, struct training *training)
{
    struct variables variables = list_variables(training);

    for (int v = 0; v < VARIABLE_COUNT; v++) {
        const struct variable *variable = &variables.list[v];

        /* Unchecked, for h5ckpt_open() returns the first failure. */
        h5ckpt_add(state, variable->name, variable->type, variable->rank, variable->shape, variable->memory);
    }
}

/* Continue where the directory's checkpoint left off, if it holds one. After a failure nobody may train:
 * what began anew would pass for what went on. */
static bool resume(h5ckpt_callback **callback, h5ckpt_state *state, const struct options *options,
                   struct h5ckpt_progress *next)
{
    struct h5ckpt_report report;
    h5ckpt_status status = h5ckpt_callback_new(callback, state, &options->checkpoint);

    if (status >= 0)
        status = h5ckpt_on_train_begin(*callback, next, &report);
    if (status < 0) {
        fprintf(stderr, "textlm: cannot resume: %s\n", h5ckpt_callback_message(*callback));
        return false;
    }
    if (status == H5CKPT_FELL_BACK)
        printf("%s\n", h5ckpt_callback_message(*callback));
    if (status == H5CKPT_NO_CHECKPOINT)
        return true;
    printf("resumed at epoch %" PRIu64, next->epoch);
    if (next->batch > 0)
        printf(" batch %" PRIu64, next->batch);
    printf(" from %s\n", report.slot[report.restored].name);
    return true;
}

/* May training go on? A full disk is no reason to throw away a night of it: the last checkpoint is still
 * there, and the next save tries again. A batch system that wants the machine back is one (--preempt). */
static bool check(h5ckpt_callback *callback, h5ckpt_status status)
{
    if (callback && (status < 0 || status == H5CKPT_STOP))
        fprintf(stderr, "textlm: %s\n", h5ckpt_callback_message(callback));
    return status != H5CKPT_STOP && status != H5CKPT_E_STOP_UNSAVED;
}

/* A save in the background may still be reading the variables: wait until it has, or has copied them. */
static void before_change(h5ckpt_callback *callback)
{
    h5ckpt_store *store = callback ? h5ckpt_callback_store(callback) : NULL;

    if (store && h5ckpt_fence(store) < 0)
        fprintf(stderr, "textlm: %s\n", h5ckpt_message(store));
}

/* Rows of all lives: as many as batches, whatever happened in between. */
static void print_history(h5ckpt_callback *callback)
{
    struct h5ckpt_history history;
    uint64_t digest = DIGEST_OF_NOTHING;

    if (!callback || h5ckpt_history(callback, &history) < 0)
        return;
    digest = digest_bytes(digest, history.step, history.row_count * sizeof *history.step);
    for (size_t i = 0; i < history.log_count; i++)
        digest = digest_bytes(digest, history.value[i], history.row_count * sizeof **history.value);
    printf("history %016" PRIx64 ", %" PRIu64 " rows\n", digest, history.row_count);
}

/* ---------------------------------------------------------------- chance */

/* SplitMix64 (Sebastiano Vigna, 2015; public domain; https://prng.di.unimi.it/splitmix64.c). */
static uint64_t random_next(uint64_t *random)
{
    uint64_t z = (*random += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Uniform in ±1/√inputs, so that a layer's outputs begin about as large as its inputs. */
static void random_fill(uint64_t *random, float *weights, size_t count, int inputs)
{
    float limit = 1.0f / sqrtf((float)inputs);

    for (size_t i = 0; i < count; i++)
        weights[i] = limit * ((float)(random_next(random) >> 40) * 0x1p-23f - 1.0f);
}

/* Every sample once, then all of them again in another order (Fisher and Yates' shuffle). */
static uint32_t next_sample(struct training *training)
{
    uint32_t *order = training->order;

    if (training->order_next == training->order_count) {
        for (uint64_t i = training->order_count; i > 1; i--) {
            uint64_t other = random_next(&training->random) % i; /* biased by less than 2^-32: i is 32 bits wide */
            uint32_t sample = order[i - 1];

            order[i - 1] = order[other];
            order[other] = sample;
        }
        training->order_next = 0;
    }
    return order[training->order_next++];
}

/* -------------------------------------------------------------- learning */

struct activations {
    float hidden[HIDDEN_SIZE];
    float probability[SYMBOL_COUNT];
};

static void forward(const struct network *weights, const unsigned char *context, struct activations *a)
{
    float logit_max = -INFINITY, sum = 0.0f;

    memcpy(a->hidden, weights->hidden_bias, sizeof(a->hidden));
    for (int c = 0; c < CONTEXT_LENGTH; c++)
        for (int h = 0; h < HIDDEN_SIZE; h++)
            a->hidden[h] += weights->hidden[c][context[c]][h];
    for (int h = 0; h < HIDDEN_SIZE; h++)
        a->hidden[h] = tanhf(a->hidden[h]);

    memcpy(a->probability, weights->output_bias, sizeof(a->probability));
    for (int h = 0; h < HIDDEN_SIZE; h++)
        for (int s = 0; s < SYMBOL_COUNT; s++)
            a->probability[s] += a->hidden[h] * weights->output[h][s];
    for (int s = 0; s < SYMBOL_COUNT; s++)
        logit_max = fmaxf(logit_max, a->probability[s]);
    for (int s = 0; s < SYMBOL_COUNT; s++)
        sum += a->probability[s] = expf(a->probability[s] - logit_max); /* at most 1: no overflow */
    for (int s = 0; s < SYMBOL_COUNT; s++)
        a->probability[s] /= sum;
}

/* Add one sample's share to the batch's gradient: forward() in reverse, by the chain rule. */
static void backward(const struct network *weights, struct network *gradient, const unsigned char *context,
                     unsigned char target, const struct activations *a)
{
    float d_logit[SYMBOL_COUNT], d_hidden[HIDDEN_SIZE] = {0};

    for (int s = 0; s < SYMBOL_COUNT; s++) {
        d_logit[s] = (a->probability[s] - (s == target ? 1.0f : 0.0f)) / BATCH_SIZE;
        gradient->output_bias[s] += d_logit[s];
    }
    for (int h = 0; h < HIDDEN_SIZE; h++) {
        for (int s = 0; s < SYMBOL_COUNT; s++) {
            gradient->output[h][s] += a->hidden[h] * d_logit[s];
            d_hidden[h] += weights->output[h][s] * d_logit[s];
        }
        d_hidden[h] *= 1.0f - a->hidden[h] * a->hidden[h]; /* tanh's derivative */
        gradient->hidden_bias[h] += d_hidden[h];
        for (int c = 0; c < CONTEXT_LENGTH; c++)
            gradient->hidden[c][context[c]][h] += d_hidden[h];
    }
}

/* Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1. */
static void adam_update(struct training *training)
{
    const float rate = 2e-3f, beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f;
    const float step = (float)++training->adam_step;
    const float mean_scale = 1.0f / (1.0f - powf(beta1, step)), variance_scale = 1.0f / (1.0f - powf(beta2, step));
    const float *gradient = (const float *)&training->gradient;
    float *weight = (float *)&training->weights, *mean = training->mean, *variance = training->variance;

    for (int i = 0; i < PARAMETER_COUNT; i++) {
        mean[i] = beta1 * mean[i] + (1.0f - beta1) * gradient[i];
        variance[i] = beta2 * variance[i] + (1.0f - beta2) * gradient[i] * gradient[i];
        weight[i] -= rate * mean[i] * mean_scale / (sqrtf(variance[i] * variance_scale) + epsilon);
    }
}

/* One step of training; gives the batch's mean loss, in nats a character. */
static double train_batch(struct training *training, const struct text *text)
{
    struct activations activations;
    double loss = 0.0;

    memset(&training->gradient, 0, sizeof(training->gradient));
    for (int b = 0; b < BATCH_SIZE; b++) {
        const unsigned char *context = text->symbols + next_sample(training);
        unsigned char target = context[CONTEXT_LENGTH];

        forward(&training->weights, context, &activations);
        backward(&training->weights, &training->gradient, context, target, &activations);
        loss -= logf(fmaxf(activations.probability[target], 1e-30f));
    }
    adam_update(training);
    return loss / BATCH_SIZE;
}

static bool end_preempted(h5ckpt_callback *callback)
{
    check(callback, h5ckpt_on_train_end(callback, H5CKPT_PREEMPTED));
    return false;
}

/* Without checkpoints the callback is NULL, and the hooks do nothing. False: it was told to stop before its end. */
static bool train(struct training *training, const struct text *text, const struct options *options,
                  h5ckpt_callback *callback, struct h5ckpt_progress next)
{
    bool go_on = true;

    for (uint64_t epoch = next.epoch; go_on && epoch < options->epochs; epoch++, next.batch = 0) {
        check(callback, h5ckpt_on_epoch_begin(callback, epoch));
        before_change(callback);
        if (next.batch == 0)
            training->loss_sum = 0.0;
        for (uint64_t batch = next.batch; batch < options->batches; batch++) {
            if (epoch == options->kill_epoch && batch == options->kill_batch)
                raise(SIGKILL);
            before_change(callback);
            double loss = train_batch(training, text);
            training->loss_sum += loss;
            check(callback, h5ckpt_log(callback, "loss", loss));
            if (!check(callback, h5ckpt_on_train_batch_end(callback, batch)))
                return end_preempted(callback);
        }
        /* Before the line: who has read it may pull the plug. (With --background, who has read the next one.) */
        go_on = check(callback, h5ckpt_on_epoch_end(callback, epoch));
        printf("epoch %" PRIu64 " loss %.4f\n", epoch, training->loss_sum / (double)options->batches);
    }
    if (!go_on)
        return end_preempted(callback);
    print_history(callback);
    check(callback, h5ckpt_on_train_end(callback, H5CKPT_FINISHED));
    return true;
}

/* --------------------------------------------------------- start and end */

/* The file's characters as symbols; what is not ASCII counts as a space. */
static bool text_read(struct text *text, const char *file_name)
{
    FILE *file = fopen(file_name, "r");
    char *bytes = NULL;
    size_t capacity = 0;
    ssize_t count = file ? getdelim(&bytes, &capacity, '\0', file) : -1; /* a text has no NUL: this is all of it */

    if (file)
        fclose(file);
    text->symbols = (unsigned char *)bytes;
    text->count = count < 0 ? 0 : (size_t)count;
    for (size_t i = 0; i < text->count; i++) {
        unsigned char c = text->symbols[i];

        text->symbols[i] = c == '\n' ? SYMBOL_COUNT - 1 : c > ' ' && c <= '~' ? c - ' ' : 0;
    }
    return text->count > CONTEXT_LENGTH && text->count <= UINT32_MAX; /* `order` numbers them by 32 bits */
}

/* A network that knows nothing yet; NULL when out of memory. */
static struct training *training_new(const struct text *text)
{
    uint64_t sample_count = text->count - CONTEXT_LENGTH;
    struct training *training = calloc(1, sizeof(*training) + sample_count * sizeof(training->order[0]));

    if (!training)
        return NULL;
    training->random = 1; /* any seed will do, as long as it stays the same */
    random_fill(&training->random, training->weights.hidden[0][0], CONTEXT_LENGTH * SYMBOL_COUNT * HIDDEN_SIZE,
                CONTEXT_LENGTH);
    random_fill(&training->random, training->weights.output[0], HIDDEN_SIZE * SYMBOL_COUNT, HIDDEN_SIZE);
    training->order_count = training->order_next = sample_count; /* used up: the first draw shuffles */
    for (uint64_t i = 0; i < sample_count; i++)
        training->order[i] = (uint32_t)i;
    return training;
}

static _Noreturn void usage(void)
{
    fputs("usage: textlm [options] [FILE]  (FILE: the text; default " FILE_DEFAULT ")\n"
          "  --epochs N               train until N epochs are finished (default 10)\n"
          "  --batches N              batches in an epoch (default 300)\n"
          "  --backup-dir DIR         save in DIR, and resume from what it holds\n"
          "  --save-freq FREQ         epoch (default), a number of batches, or never\n"
          "  --single                 keep one state, not two\n"
          "  --background MODE        train on while states are saved: staged, fenced or forked\n"
          "  --preempt                on SIGTERM save once more, and exit with status 75: start me again\n"
          "  --keep                   leave the checkpoint when training has finished\n"
          "  --kill-at EPOCH[:BATCH]  die by SIGKILL before this epoch, or this batch of it; both count from 0\n",
          stderr);
    exit(EXIT_USAGE);
}

static uint64_t parse_number(char *digits, char **rest)
{
    if (!isdigit((unsigned char)*digits))
        usage();
    return strtoull(digits, rest, 10);
}

static int64_t parse_save_freq(char *frequency, char **rest)
{
    if (strcmp(frequency, "epoch") == 0)
        return H5CKPT_EVERY_EPOCH;
    if (strcmp(frequency, "never") == 0)
        return H5CKPT_NEVER;
    return (int64_t)parse_number(frequency, rest); /* h5ckpt_callback_new() refuses nonsense */
}

static enum h5ckpt_save_mode parse_save_mode(const char *mode)
{
    if (strcmp(mode, "staged") == 0)
        return H5CKPT_SAVE_STAGED;
    if (strcmp(mode, "fenced") == 0)
        return H5CKPT_SAVE_FENCED;
    if (strcmp(mode, "forked") == 0)
        return H5CKPT_SAVE_FORKED;
    usage();
}

static struct options parse_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"epochs", required_argument, NULL, 'e'},
        {"batches", required_argument, NULL, 'b'},
        {"backup-dir", required_argument, NULL, 'd'},
        {"save-freq", required_argument, NULL, 'f'},
        {"single", no_argument, NULL, 's'},
        {"preempt", no_argument, NULL, 'p'},
        {"keep", no_argument, NULL, 'K'},
        {"kill-at", required_argument, NULL, 'k'},
        {"background", required_argument, NULL, 'g'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {
        .epochs = 10,
        .batches = 300,
        .checkpoint = h5ckpt_callback_options_default(),
        .kill_epoch = UINT64_MAX,
        .file = FILE_DEFAULT,
    };
    char *rest = "";
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'e') {
            options.epochs = parse_number(optarg, &rest);
        } else if (option == 'b') {
            options.batches = parse_number(optarg, &rest);
        } else if (option == 'd') {
            options.checkpoint.backup_dir = optarg;
        } else if (option == 'f') {
            options.checkpoint.save_freq = parse_save_freq(optarg, &rest);
        } else if (option == 's') {
            options.checkpoint.double_checkpoint = false;
        } else if (option == 'p') {
            options.checkpoint.save_before_preemption = true;
        } else if (option == 'K') {
            options.checkpoint.delete_checkpoint = false;
        } else if (option == 'g') {
            options.checkpoint.store.save_mode = parse_save_mode(optarg);
        } else if (option == 'k') {
            options.kill_epoch = parse_number(optarg, &rest);
            if (*rest == ':')
                options.kill_batch = parse_number(rest + 1, &rest);
        } else {
            usage();
        }
        if (*rest)
            usage();
    }
    if (optind < argc)
        options.file = argv[optind++];
    if (optind < argc || options.batches == 0)
        usage();
    return options;
}

int main(int argc, char **argv)
{
    const struct options options = parse_options(argc, argv);
    struct text text = {0};
    struct training *training = NULL;
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_callback *callback = NULL;
    struct h5ckpt_progress next = {0};
    int exit_status = EXIT_FAILURE;

    setvbuf(stdout, NULL, _IOLBF, 0); /* SIGKILL flushes nothing */
    if (!text_read(&text, options.file)) {
        fprintf(stderr, "textlm: cannot read a text from %s\n", options.file);
        goto out;
    }
    training = training_new(&text);
    if (!training || !state) {
        fputs("textlm: out of memory\n", stderr);
        goto out;
    }
    register_variables(state, training);
    if (options.checkpoint.backup_dir && !resume(&callback, state, &options, &next))
        goto out;
    if (!train(training, &text, &options, callback, next)) {
        exit_status = H5CKPT_EXIT_PREEMPTED;
        goto out;
    }
    printf("state %016" PRIx64 "\n", digest_variables(training));
    exit_status = EXIT_SUCCESS;
out:
    h5ckpt_callback_free(callback);
    h5ckpt_state_free(state);
    free(training);
    free(text.symbols);
    return exit_status;
}
