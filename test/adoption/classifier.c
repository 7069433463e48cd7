/* SPDX-License-Identifier: MIT */
/*
 * A small multi-layer perceptron learns to tell the three arms of a noisy spiral apart: minibatch gradient descent with
 * momentum and dropout; the learning rate is halved when the validation loss is on a plateau, and training stops when
 * that loss has not improved for a while. Its last line tells a digest of all that it ended with.
 *
 *     classifier                  just trains
 *     classifier DIRECTORY        keeps a checkpoint there, and goes on from what it finds
 *     classifier DIRECTORY check  the same, and checks that a resumed run is the same run (check_resume)
 *
 * Of h5ckpt it uses
 * - the callback with its hooks, for this is a training loop: it restores, counts, saves and deletes by itself;
 * - save_freq as a number of batches, for an epoch may be longer than one likes to lose. So a run may begin within an
 *   epoch: what an epoch begins with (the shuffle, a loss of zero) is not done again then, and the sum is registered;
 * - names with slashes, for three layers that have the same variables, each in memory of its own;
 * - H5CKPT_STOPPED_EARLY: stopping by its own rule is the regular end, after which the checkpoint is not needed.
 *
 * Not registered: the data (made anew from the seed, before the restore sets the generator to where it was), gradients
 * and activations (of one batch, and no save falls within a batch), the epoch's number (the callback keeps it).
 */
#include <h5ckpt.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 2, CLASSES = 3, LAYERS = 3, BATCH = 20 };
enum { TRAIN = 1200, VALID = 600, EPOCHS_MAX = 400 };
enum { RATE_PATIENCE = 6, STOP_PATIENCE = 25, SAVE_BATCHES = 25, LINE_BYTES = 80 };

struct sample {
    double x[INPUTS];
    int label;
};

struct layer {
    int in, out;
    double *w, *b;           /* weights (out x in) and biases */
    double *vw, *vb;         /* their momentum */
    double *best_w, *best_b; /* as they were when the validation loss was best */
    double *gw, *gb;         /* the gradient of the current batch */
    double *a, *d;           /* activations and deltas of the current sample */
    double drop;             /* dropout probability of its outputs */
    uint64_t rng;            /* the generator its dropout draws from */
};

struct schedule {
    double rate, best_loss;
    int bad_epochs;
};

struct stopper {
    double best_loss;
    int best_epoch;
};

struct history {
    char text[EPOCHS_MAX * LINE_BYTES]; /* room for all: a registered variable does not grow */
    uint64_t length;
};

/* All that changes while it trains. */
struct training {
    struct layer *net[LAYERS];
    int order[TRAIN]; /* of the samples, shuffled in each epoch */
    uint64_t rng;     /* of the shuffle */
    double loss;      /* of the running epoch so far */
    struct schedule schedule;
    struct stopper stopper;
    struct history history;
};

static uint64_t next_u64(uint64_t *s)
{
    uint64_t z = (*s += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double uniform(uint64_t *s)
{
    return (double)(next_u64(s) >> 11) * 0x1p-53;
}

static double normal(uint64_t *s)
{
    double u = 1.0 - uniform(s), v = uniform(s);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

static void *checked(void *p)
{
    if (!p) {
        perror("memory");
        exit(1);
    }
    return p;
}

static double *reals(int n)
{
    return checked(calloc((size_t)n, sizeof(double)));
}

static void make_spiral(struct sample *s, int n, uint64_t *rng)
{
    for (int i = 0; i < n; i++) {
        int label = i % CLASSES;
        double r = sqrt(uniform(rng));
        double phi = 5.0 * r + 6.283185307179586 * label / CLASSES + 0.3 * normal(rng);
        s[i] = (struct sample){{2.0 * r * cos(phi), 2.0 * r * sin(phi)}, label};
    }
}

static struct layer *new_layer(int in, int out, double drop, uint64_t *rng)
{
    struct layer *l = checked(malloc(sizeof *l));
    *l = (struct layer){.in = in, .out = out, .drop = drop, .rng = next_u64(rng)};
    l->w = reals(in * out), l->vw = reals(in * out), l->gw = reals(in * out);
    l->b = reals(out), l->vb = reals(out), l->gb = reals(out);
    l->a = reals(out), l->d = reals(out);
    l->best_w = reals(in * out), l->best_b = reals(out);
    for (int i = 0; i < in * out; i++)
        l->w[i] = normal(rng) * sqrt(2.0 / in);
    return l;
}

static void free_layer(struct layer *l)
{
    free(l->w), free(l->vw), free(l->gw), free(l->b), free(l->vb), free(l->gb), free(l->a), free(l->d);
    free(l->best_w), free(l->best_b), free(l);
}

/* The loss of one sample; the activations stay in the layers. Dropout only in training. */
static double forward(struct layer **net, const struct sample *s, int training)
{
    const double *x = s->x;
    for (int k = 0; k < LAYERS; k++) {
        struct layer *l = net[k];
        for (int j = 0; j < l->out; j++) {
            double z = l->b[j];
            for (int i = 0; i < l->in; i++)
                z += l->w[j * l->in + i] * x[i];
            if (k < LAYERS - 1) {
                z = z > 0.0 ? z : 0.0;
                if (training)
                    z = uniform(&l->rng) < l->drop ? 0.0 : z / (1.0 - l->drop);
            }
            l->a[j] = z;
        }
        x = l->a;
    }
    double *p = net[LAYERS - 1]->a, top = fmax(p[0], fmax(p[1], p[2])), sum = 0.0;
    for (int c = 0; c < CLASSES; c++)
        sum += p[c] = exp(p[c] - top);
    for (int c = 0; c < CLASSES; c++)
        p[c] /= sum;
    return -log(p[s->label] + 1e-12);
}

/* Adds the gradient of the sample that forward() has just seen. */
static void backward(struct layer **net, const struct sample *s)
{
    for (int c = 0; c < CLASSES; c++)
        net[LAYERS - 1]->d[c] = net[LAYERS - 1]->a[c] - (c == s->label);
    for (int k = LAYERS - 1; k >= 0; k--) {
        struct layer *l = net[k], *below = k ? net[k - 1] : NULL;
        const double *x = below ? below->a : s->x;
        if (below)
            memset(below->d, 0, (size_t)below->out * sizeof(double));
        for (int j = 0; j < l->out; j++) {
            l->gb[j] += l->d[j];
            for (int i = 0; i < l->in; i++) {
                l->gw[j * l->in + i] += l->d[j] * x[i];
                if (below && x[i] > 0.0)
                    below->d[i] += l->d[j] * l->w[j * l->in + i] / (1.0 - below->drop);
            }
        }
    }
}

static void descend(double *w, double *v, double *g, int n, double rate)
{
    for (int i = 0; i < n; i++) {
        v[i] = 0.9 * v[i] - rate * g[i] / BATCH;
        w[i] += v[i];
        g[i] = 0.0;
    }
}

static double train_batch(struct layer **net, const struct sample *data, const int *order, double rate)
{
    double loss = 0.0;
    for (int i = 0; i < BATCH; i++) {
        loss += forward(net, &data[order[i]], 1);
        backward(net, &data[order[i]]);
    }
    for (int k = 0; k < LAYERS; k++) {
        descend(net[k]->w, net[k]->vw, net[k]->gw, net[k]->in * net[k]->out, rate);
        descend(net[k]->b, net[k]->vb, net[k]->gb, net[k]->out, rate);
    }
    return loss;
}

static void shuffle(int *order, int n, uint64_t *rng)
{
    for (int i = n - 1; i > 0; i--) {
        int j = (int)(next_u64(rng) % (uint64_t)(i + 1)), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

static double validate(struct layer **net, const struct sample *data)
{
    double loss = 0.0;
    for (int i = 0; i < VALID; i++)
        loss += forward(net, &data[i], 0);
    return loss / VALID;
}

static void adjust_rate(struct schedule *s, double loss)
{
    if (loss < s->best_loss - 1e-4) {
        s->best_loss = loss;
        s->bad_epochs = 0;
    } else if (++s->bad_epochs > RATE_PATIENCE) {
        s->rate *= 0.5;
        s->bad_epochs = 0;
    }
}

static void keep_best(struct stopper *s, struct layer **net, int epoch, double loss)
{
    if (loss >= s->best_loss)
        return;
    s->best_loss = loss;
    s->best_epoch = epoch;
    for (int k = 0; k < LAYERS; k++) {
        memcpy(net[k]->best_w, net[k]->w, (size_t)(net[k]->in * net[k]->out) * sizeof(double));
        memcpy(net[k]->best_b, net[k]->b, (size_t)net[k]->out * sizeof(double));
    }
}

static void note(struct history *h, const char *line)
{
    size_t n = strlen(line);
    memcpy(h->text + h->length, line, n);
    h->length += n;
}

static void fnv(uint64_t *h, const void *p, size_t n)
{
    for (const unsigned char *c = p; n--; c++)
        *h = (*h ^ *c) * UINT64_C(0x100000001b3);
}

/*
 * The rule is asked before an epoch, not after it: a run that was killed past its last epoch shall not train one more.
 */
static bool goes_on(const struct stopper *s, int epoch)
{
    return epoch < EPOCHS_MAX && epoch - s->best_epoch <= STOP_PATIENCE;
}

/* Everything that a later batch, an epoch's end, the stopping rule or the digest depends on. */
static h5ckpt_state *register_variables(struct training *t)
{
    h5ckpt_state *state = checked(h5ckpt_state_new());
    for (int k = 0; k < LAYERS; k++) {
        struct layer *l = t->net[k];
        const uint64_t out_in[] = {(uint64_t)l->out, (uint64_t)l->in};
        const struct {
            const char *name;
            int rank;
            double *values;
        } part[] = {
            {"weights", 2, l->w},           {"biases", 1, l->b},
            {"momentum/weights", 2, l->vw}, {"momentum/biases", 1, l->vb},
            {"best/weights", 2, l->best_w}, {"best/biases", 1, l->best_b},
        };
        char name[64];
        for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
            snprintf(name, sizeof name, "layer%d/%s", k, part[i].name);
            h5ckpt_add(state, name, H5CKPT_FLOAT64, part[i].rank, out_in, part[i].values);
        }
        snprintf(name, sizeof name, "layer%d/random", k);
        h5ckpt_add(state, name, H5CKPT_UINT64, 0, NULL, &l->rng);
    }
    h5ckpt_add(state, "order", H5CKPT_INT32, 1, (const uint64_t[]){TRAIN}, t->order);
    h5ckpt_add(state, "random", H5CKPT_UINT64, 0, NULL, &t->rng);
    h5ckpt_add(state, "loss", H5CKPT_FLOAT64, 0, NULL, &t->loss);
    h5ckpt_add(state, "schedule/rate", H5CKPT_FLOAT64, 0, NULL, &t->schedule.rate);
    h5ckpt_add(state, "schedule/best_loss", H5CKPT_FLOAT64, 0, NULL, &t->schedule.best_loss);
    h5ckpt_add(state, "schedule/bad_epochs", H5CKPT_INT32, 0, NULL, &t->schedule.bad_epochs);
    h5ckpt_add(state, "stopper/best_loss", H5CKPT_FLOAT64, 0, NULL, &t->stopper.best_loss);
    h5ckpt_add(state, "stopper/best_epoch", H5CKPT_INT32, 0, NULL, &t->stopper.best_epoch);
    h5ckpt_add(state, "history/text", H5CKPT_STRING(sizeof t->history.text), 0, NULL, t->history.text);
    h5ckpt_add(state, "history/length", H5CKPT_UINT64, 0, NULL, &t->history.length);
    return state; /* had an add failed, h5ckpt_callback_new() would say so */
}

/* The callback, and where to go on. Never trains after a failure: what began anew would pass for what went on. */
static h5ckpt_callback *begin(const char *directory, bool check, h5ckpt_state *state, struct h5ckpt_progress *next)
{
    struct h5ckpt_callback_options options = h5ckpt_callback_options_default();
    options.backup_dir = directory;
    options.save_freq = SAVE_BATCHES;
    options.check_resume = check;
    h5ckpt_callback *callback;
    h5ckpt_status status = h5ckpt_callback_new(&callback, state, &options);
    if (status >= 0)
        status = h5ckpt_on_train_begin(callback, next, NULL);
    if (status != H5CKPT_OK)
        fprintf(stderr, "classifier: %s\n", h5ckpt_callback_message(callback));
    if (status < 0)
        exit(1);
    return callback;
}

/* What a hook had to say. Training goes on after a save that failed: the checkpoint before it is still there. */
static void heed(const h5ckpt_callback *callback, h5ckpt_status status)
{
    if (status != H5CKPT_OK)
        fprintf(stderr, "classifier: %s: %s\n", h5ckpt_status_name(status), h5ckpt_callback_message(callback));
}

static uint64_t digest(const struct training *t)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (int k = 0; k < LAYERS; k++) {
        const struct layer *l = t->net[k];
        size_t nw = (size_t)(l->in * l->out) * sizeof(double), nb = (size_t)l->out * sizeof(double);
        fnv(&h, l->w, nw), fnv(&h, l->b, nb), fnv(&h, l->vw, nw), fnv(&h, l->vb, nb), fnv(&h, &l->rng, sizeof l->rng);
        fnv(&h, l->best_w, nw), fnv(&h, l->best_b, nb);
    }
    fnv(&h, t->order, sizeof t->order), fnv(&h, t->history.text, t->history.length), fnv(&h, &t->rng, sizeof t->rng);
    return h;
}

int main(int argc, char **argv)
{
    static struct sample train[TRAIN], valid[VALID];
    static const int width[LAYERS + 1] = {INPUTS, 48, 32, CLASSES};
    static const double drop[LAYERS] = {0.1, 0.05, 0.0};
    static struct training t = {
        .rng = 20240607,
        .schedule = {.rate = 0.05, .best_loss = INFINITY},
        .stopper = {.best_loss = INFINITY, .best_epoch = -1},
    };

    setvbuf(stdout, NULL, _IOLBF, 0);
    make_spiral(train, TRAIN, &t.rng);
    make_spiral(valid, VALID, &t.rng);
    for (int i = 0; i < TRAIN; i++)
        t.order[i] = i;
    for (int k = 0; k < LAYERS; k++)
        t.net[k] = new_layer(width[k], width[k + 1], drop[k], &t.rng);

    h5ckpt_state *state = register_variables(&t);
    struct h5ckpt_progress next = {0};
    h5ckpt_callback *callback = argc > 1 ? begin(argv[1], argc > 2 && !strcmp(argv[2], "check"), state, &next) : NULL;

    int epoch = (int)next.epoch;
    for (; goes_on(&t.stopper, epoch); epoch++, next.batch = 0) {
        if (callback)
            heed(callback, h5ckpt_on_epoch_begin(callback, (uint64_t)epoch));
        if (next.batch == 0) { /* else it was done before the state was saved */
            shuffle(t.order, TRAIN, &t.rng);
            t.loss = 0.0;
        }
        for (uint64_t batch = next.batch; batch < TRAIN / BATCH; batch++) {
            t.loss += train_batch(t.net, train, t.order + batch * BATCH, t.schedule.rate);
            if (callback)
                heed(callback, h5ckpt_on_train_batch_end(callback, batch));
        }

        double valid_loss = validate(t.net, valid);
        keep_best(&t.stopper, t.net, epoch, valid_loss);
        adjust_rate(&t.schedule, valid_loss);
        char line[LINE_BYTES];
        snprintf(line, sizeof line, "epoch %3d  loss %.6f  valid %.6f  rate %.5f%s\n", epoch, t.loss / TRAIN,
                 valid_loss, t.schedule.rate, t.stopper.best_epoch == epoch ? "  *" : "");
        note(&t.history, line);
        fputs(line, stdout);
        if (callback)
            heed(callback, h5ckpt_on_epoch_end(callback, (uint64_t)epoch));
    }
    printf("best epoch %d, valid %.6f\n", t.stopper.best_epoch, t.stopper.best_loss);
    printf("end %016llx\n", (unsigned long long)digest(&t));

    /* Last of all, for it deletes the checkpoint: by now the result is out. */
    enum h5ckpt_reason reason = epoch < EPOCHS_MAX ? H5CKPT_STOPPED_EARLY : H5CKPT_FINISHED;
    if (callback)
        heed(callback, h5ckpt_on_train_end(callback, reason));
    h5ckpt_callback_free(callback);
    h5ckpt_state_free(state);
    for (int k = 0; k < LAYERS; k++)
        free_layer(t.net[k]);
    return 0;
}
