/* SPDX-License-Identifier: MIT */
/*
 * A stream of shuffled, augmented data that goes on within an epoch exactly where it was, bit for bit, after any crash.
 *
 *     stream                    just trains
 *     stream DIRECTORY          keeps a checkpoint there, and goes on from what it finds
 *     stream DIRECTORY BATCHES  the same, and dies after so many batches
 *
 * What belongs to the position in the data:
 * - the order: the permutation of the running epoch, and the generator that shuffled it, which shuffles the next one;
 * - the place in that order: the number of batches finished, which the callback keeps (next.batch);
 * - the generator of the augmentation (flips, shifts, noise) *as of the last batch that was used for training*. The
 *   loader works ahead: when a state is saved, its generator has long drawn the numbers of batches that nobody has used
 *   yet. So each prepared batch carries the generator as it was after it, and that becomes the registered one when the
 *   batch is used.
 *
 * Not registered: the prepared batches, which are prepared again; the samples, which are read anew (here: made from the
 * seed).
 *
 * It prints a line for each batch, with a digest of all batches so far, to the last bit of the augmentation.
 */
#include <h5ckpt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIDE = 8, /* of an image */
    PIXELS = SIDE * SIDE,
    SAMPLES = 480,
    BATCH = 16,
    BATCHES = SAMPLES / BATCH,
    EPOCHS = 4,
    AHEAD = 3,      /* batches that the loader prepares before they are asked for */
    SAVE_FREQ = 7,  /* batches: nearly every save falls within an epoch */
    NOISE_BITS = 6, /* of a pixel's 16 */
};

/* --------------------------------------------------------------------- samples */

struct sample {
    uint16_t pixel[SIDE][SIDE];
    uint16_t label;
};

/* SplitMix64 (Sebastiano Vigna, 2015; public domain; https://prng.di.unimi.it/splitmix64.c). */
static uint64_t draw(uint64_t *generator)
{
    uint64_t z = (*generator += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void make_samples(struct sample *sample, uint64_t seed)
{
    for (int i = 0; i < SAMPLES; i++) {
        sample[i].label = (uint16_t)(draw(&seed) % 2);
        for (int p = 0; p < PIXELS; p++)
            sample[i].pixel[p / SIDE][p % SIDE] = (uint16_t)(draw(&seed) >> (49 + sample[i].label * (p % 2)));
    }
}

/* ---------------------------------------------------------------------- stream */

struct batch {
    struct sample sample[BATCH];
    uint64_t augment; /* the generator, after this batch was drawn from it */
};

struct stream {
    const struct sample *samples;
    uint64_t shuffle;        /* registered: the generator that orders the samples */
    uint64_t augment;        /* registered: the other one, as of the last batch that was used */
    uint32_t order[SAMPLES]; /* registered: of the running epoch */
    struct batch ready[AHEAD];
    uint64_t next_used; /* batch of the epoch */
    uint64_t next_ready;
};

static void begin_epoch(struct stream *stream)
{
    for (uint32_t i = 0; i < SAMPLES; i++)
        stream->order[i] = i;
    for (uint32_t i = SAMPLES - 1; i > 0; i--) {
        const uint32_t j = (uint32_t)(draw(&stream->shuffle) % (i + 1));
        const uint32_t moved = stream->order[i];
        stream->order[i] = stream->order[j];
        stream->order[j] = moved;
    }
}

/* Begin to prepare at this batch of the epoch, which is the one after the last that was used. */
static void seek(struct stream *stream, uint64_t batch)
{
    stream->next_used = stream->next_ready = batch;
}

/* Flipped or not, shifted by -1 … 1 in both directions, and noisy. */
static struct sample augmented(const struct sample *from, uint64_t *generator)
{
    struct sample to = {.label = from->label};
    const bool flip = draw(generator) % 2 != 0;
    const int down = (int)(draw(generator) % 3) - 1;
    const int right = (int)(draw(generator) % 3) - 1;

    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            const int column = (x + right + SIDE) % SIDE;
            const uint16_t pixel = from->pixel[(y + down + SIDE) % SIDE][flip ? SIDE - 1 - column : column];
            to.pixel[y][x] = (uint16_t)(pixel + (draw(generator) >> (64 - NOISE_BITS)));
        }
    return to;
}

/* What a loader's threads would do meanwhile: prepare as many as there is room for. */
static void work_ahead(struct stream *stream)
{
    uint64_t generator = stream->next_ready == stream->next_used
                             ? stream->augment
                             : stream->ready[(stream->next_ready - 1) % AHEAD].augment;

    while (stream->next_ready < BATCHES && stream->next_ready < stream->next_used + AHEAD) {
        struct batch *batch = &stream->ready[stream->next_ready % AHEAD];
        for (uint64_t i = 0; i < BATCH; i++)
            batch->sample[i] = augmented(&stream->samples[stream->order[stream->next_ready * BATCH + i]], &generator);
        batch->augment = generator;
        stream->next_ready++;
    }
}

static const struct batch *take(struct stream *stream)
{
    work_ahead(stream);
    const struct batch *batch = &stream->ready[stream->next_used++ % AHEAD];
    stream->augment = batch->augment;
    return batch;
}

/* -------------------------------------------------------------------- training */

struct training {
    double weight[PIXELS];
    uint64_t digest; /* FNV-1a of everything that was trained on, in that order */
};

static void add_to_digest(struct training *training, const void *bytes, size_t byte_count)
{
    const unsigned char *byte = bytes;

    for (size_t i = 0; i < byte_count; i++)
        training->digest = (training->digest ^ byte[i]) * UINT64_C(0x100000001b3);
}

/* A perceptron: what it learns depends on the order and on every pixel. */
static void train(struct training *training, const struct batch *batch)
{
    for (int i = 0; i < BATCH; i++) {
        const struct sample *sample = &batch->sample[i];
        double sum = 0;
        for (int p = 0; p < PIXELS; p++)
            sum += training->weight[p] * sample->pixel[p / SIDE][p % SIDE];
        const double error = (double)sample->label - (sum > 0 ? 1 : 0);
        for (int p = 0; p < PIXELS; p++)
            training->weight[p] += 1e-5 * error * sample->pixel[p / SIDE][p % SIDE];
        add_to_digest(training, sample, sizeof *sample);
    }
}

/* ------------------------------------------------------------------------ main */

static h5ckpt_callback *callback; /* NULL: nothing is kept */
static uint64_t lifetime;         /* batches; 0: it lives to the end */

/* A line for the batch; perhaps the last one. */
static void tell(uint64_t epoch, uint64_t batch, uint64_t digest)
{
    printf("epoch %" PRIu64 ", batch %" PRIu64 ": %016" PRIx64 "\n", epoch, batch, digest);
    fflush(stdout);
    if (lifetime > 0 && --lifetime == 0)
        raise(SIGKILL);
}

static void check(h5ckpt_status status)
{
    if (status < 0)
        fprintf(stderr, "stream: %s\n", h5ckpt_callback_message(callback));
}

static h5ckpt_state *register_all(struct stream *stream, struct training *training, uint64_t seed)
{
    const uint64_t batch_size = BATCH;
    h5ckpt_state *state = h5ckpt_state_new();

    h5ckpt_add(state, "stream/shuffle", H5CKPT_UINT64, 0, NULL, &stream->shuffle);
    h5ckpt_add(state, "stream/augment", H5CKPT_UINT64, 0, NULL, &stream->augment);
    h5ckpt_add(state, "stream/order", H5CKPT_UINT32, 1, (const uint64_t[]){SAMPLES}, stream->order);
    h5ckpt_add(state, "weights", H5CKPT_FLOAT64, 1, (const uint64_t[]){PIXELS}, training->weight);
    h5ckpt_add(state, "digest", H5CKPT_UINT64, 0, NULL, &training->digest);
    /* With another one of these, batch 7 is another batch. */
    h5ckpt_add_setting(state, "seed", H5CKPT_UINT64, 0, NULL, &seed);
    h5ckpt_add_setting(state, "batch_size", H5CKPT_UINT64, 0, NULL, &batch_size);
    return state; /* what failed is told by h5ckpt_callback_new() */
}

static bool resume(const char *directory, h5ckpt_state *state, struct h5ckpt_progress *next)
{
    struct h5ckpt_callback_options options = h5ckpt_callback_options_default();

    options.backup_dir = directory;
    options.save_freq = SAVE_FREQ;
    if (h5ckpt_callback_new(&callback, state, &options) >= 0 && h5ckpt_on_train_begin(callback, next, NULL) >= 0)
        return true;
    fprintf(stderr, "stream: cannot resume: %s\n", h5ckpt_callback_message(callback));
    return false;
}

static void train_all(struct stream *stream, struct training *training, struct h5ckpt_progress next)
{
    for (uint64_t epoch = next.epoch; epoch < EPOCHS; epoch++, next.batch = 0) {
        if (callback != NULL)
            check(h5ckpt_on_epoch_begin(callback, epoch));
        if (next.batch == 0) /* else the epoch's order is the one that was restored */
            begin_epoch(stream);
        seek(stream, next.batch);
        for (uint64_t batch = next.batch; batch < BATCHES; batch++) {
            train(training, take(stream));
            tell(epoch, batch, training->digest);
            if (callback != NULL)
                check(h5ckpt_on_train_batch_end(callback, batch));
        }
        if (callback != NULL)
            check(h5ckpt_on_epoch_end(callback, epoch));
    }
}

int main(int argc, char **argv)
{
    static struct sample samples[SAMPLES];
    static struct stream stream = {.samples = samples, .shuffle = 1, .augment = 2};
    static struct training training = {.digest = UINT64_C(0xcbf29ce484222325)};
    const uint64_t seed = 42;
    struct h5ckpt_progress next = {0};
    h5ckpt_state *state = register_all(&stream, &training, seed);

    make_samples(samples, seed);
    if (argc > 2)
        lifetime = strtoull(argv[2], NULL, 10);
    if (argc > 1 && !resume(argv[1], state, &next))
        return EXIT_FAILURE;
    train_all(&stream, &training, next);
    add_to_digest(&training, training.weight, sizeof training.weight);
    printf("end %016" PRIx64 "\n", training.digest);
    fflush(stdout);
    if (callback != NULL)
        check(h5ckpt_on_train_end(callback, H5CKPT_FINISHED));
    h5ckpt_callback_free(callback);
    h5ckpt_state_free(state);
    return EXIT_SUCCESS;
}
