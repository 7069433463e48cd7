/* SPDX-License-Identifier: MIT */
/*
 * Two-dimensional Ising model by Metropolis sweeps, with parallel tempering: one replica per temperature, neighbours in
 * temperature may swap. The temperatures are adapted while the replicas thermalise; then sums and energy histograms are
 * taken. Sweeps come in blocks of unequal length.
 *
 *     lattice          computes; a line per sweep and per block, the last line is a digest of everything
 *     lattice DIR      does the same, and keeps a checkpoint in DIR: killed and started again, it goes on from there
 *
 * It uses h5ckpt's callback, because its loops are those of a training: blocks are epochs, sweeps are batches, and it
 * saves every SAVE_EVERY sweeps, wherever in a block that is. h5ckpt_progress.step then is the number of the sweep.
 * Spins, flip counts and sums are members of structs with other things between them, so h5ckpt_add_access() gathers
 * and scatters them. What can be had from them (fields, acceptance thresholds) is not saved but made anew.
 */
#include <h5ckpt.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { L = 64, N = L * L, REPLICAS = 8, PASSES = 10, BINS = 64, SAVE_EVERY = 5 };

/* Sweeps in each block; the first THERMAL blocks are thermalisation. */
static const int32_t block_length[] = {24, 40, 16, 60, 33, 60, 7};
enum { BLOCKS = sizeof block_length / sizeof block_length[0], THERMAL = 3 };

struct site {
    int8_t spin;    /* +1 or -1 */
    int8_t field;   /* sum of the four neighbours' spins */
    uint16_t flips; /* flips in the measurement phase, modulo 2^16 */
};

struct rng {
    uint64_t s[4];
    uint32_t half; /* the half of the last 64 bits not used yet ... */
    uint8_t have;  /* ... if there is one */
};

struct replica {
    struct rng rng;
    int32_t energy, magnet;
};

struct sums {
    long double e, e2, m, m2, m4;
    int64_t n;
};

static struct site (*site)[N]; /* [REPLICAS] */
static struct replica replica[REPLICAS];
static int32_t at[REPLICAS];         /* the replica that has temperature t */
static double beta[REPLICAS];        /* inverse temperatures, falling */
static uint32_t accept[REPLICAS][2]; /* exp(-4 beta), exp(-8 beta) * 2^32 */
static int64_t tried[REPLICAS], swapped[REPLICAS];
static struct sums sums[REPLICAS];
static long double block_e[REPLICAS]; /* sum of the energies of this block */
static int64_t histogram[REPLICAS][BINS];

static uint64_t next64(struct rng *r) /* xoshiro256** */
{
    uint64_t *s = r->s, x = s[1] * 5, t = s[1] << 17;

    x = ((x << 7) | (x >> 57)) * 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return x;
}

static uint32_t next32(struct rng *r)
{
    uint64_t x;

    if (r->have) {
        r->have = 0;
        return r->half;
    }
    x = next64(r);
    r->half = (uint32_t)(x >> 32);
    r->have = 1;
    return (uint32_t)x;
}

static void neighbours(int i, int nb[4])
{
    int x = i % L, y = i / L;

    nb[0] = y * L + (x + 1) % L;
    nb[1] = y * L + (x + L - 1) % L;
    nb[2] = (y + 1) % L * L + x;
    nb[3] = (y + L - 1) % L * L + x;
}

static void make_fields(void)
{
    int nb[4];

    for (int r = 0; r < REPLICAS; r++)
        for (int i = 0; i < N; i++) {
            struct site *s = site[r];

            neighbours(i, nb);
            s[i].field = (int8_t)(s[nb[0]].spin + s[nb[1]].spin + s[nb[2]].spin + s[nb[3]].spin);
        }
}

static void make_accept(void)
{
    for (int t = 0; t < REPLICAS; t++)
        for (int k = 0; k < 2; k++)
            accept[t][k] = (uint32_t)(exp(-4 * (k + 1) * beta[t]) * 0x1p32);
}

static void start(uint64_t seed)
{
    for (int r = 0; r < REPLICAS; r++) {
        struct rng *rng = &replica[r].rng;

        for (int k = 0; k < 4; k++)
            rng->s[k] = (seed += 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
        for (int k = 0; k < 64; k++)
            next64(rng);
        for (int i = 0; i < N; i++) {
            site[r][i].spin = next32(rng) & 1 ? 1 : -1;
            replica[r].magnet += site[r][i].spin;
        }
        at[r] = r;
        beta[r] = 0.47 - 0.01 * r;
    }
    make_fields();
    make_accept();
    for (int r = 0; r < REPLICAS; r++) {
        for (int i = 0; i < N; i++)
            replica[r].energy -= site[r][i].spin * site[r][i].field;
        replica[r].energy /= 2;
    }
}

static void metropolis(int t, int measuring)
{
    struct replica *p = &replica[at[t]];
    struct site *s = site[at[t]];
    int nb[4];

    for (int i = 0; i < N; i++) {
        int h = s[i].spin * s[i].field; /* a flip costs 2 h */

        if (h > 0 && next32(&p->rng) >= accept[t][h / 2 - 1])
            continue;
        s[i].spin = (int8_t)-s[i].spin;
        s[i].flips = (uint16_t)(s[i].flips + measuring);
        neighbours(i, nb);
        for (int k = 0; k < 4; k++)
            s[nb[k]].field = (int8_t)(s[nb[k]].field + 2 * s[i].spin);
        p->energy += 2 * h;
        p->magnet += 2 * s[i].spin;
    }
}

/* Offer swaps between temperatures t and t + 1; even and odd pairs in turn. */
static void temper(int parity)
{
    for (int t = parity; t + 1 < REPLICAS; t += 2) {
        struct replica *a = &replica[at[t]], *b = &replica[at[t + 1]];
        double d = (beta[t] - beta[t + 1]) * (a->energy - b->energy);
        int32_t held = at[t];

        tried[t]++;
        if (d < 0 && (double)(next64(&a->rng) >> 11) * 0x1p-53 >= exp(d))
            continue;
        swapped[t]++;
        at[t] = at[t + 1];
        at[t + 1] = held;
    }
}

/* Narrow the gaps between temperatures that rarely swap, widen the others. */
static void adapt(void)
{
    double gap[REPLICAS], sum = 0, span = beta[0] - beta[REPLICAS - 1];

    for (int t = 0; t + 1 < REPLICAS; t++) {
        double rate = (double)(swapped[t] + 1) / (double)(tried[t] + 2);

        sum += gap[t] = (beta[t] - beta[t + 1]) * (0.5 + rate);
        tried[t] = swapped[t] = 0;
    }
    for (int t = 0; t + 2 < REPLICAS; t++)
        beta[t + 1] = beta[t] - gap[t] * span / sum;
    make_accept();
}

static void measure(void)
{
    for (int t = 0; t < REPLICAS; t++) {
        long double e = (long double)replica[at[t]].energy / N;
        long double m = fabsl((long double)replica[at[t]].magnet / N);

        sums[t].e += e;
        sums[t].e2 += e * e;
        sums[t].m += m;
        sums[t].m2 += m * m;
        sums[t].m4 += m * m * m * m;
        sums[t].n++;
        histogram[t][(int)((e + 2) * BINS / 4.0001L)]++;
    }
}

static void one_sweep(int sweep, int block)
{
    for (int t = 0; t < REPLICAS; t++)
        for (int k = 0; k < PASSES; k++)
            metropolis(t, block >= THERMAL);
    temper(sweep & 1);
    if (block >= THERMAL)
        measure();
    for (int t = 0; t < REPLICAS; t++)
        block_e[t] += (long double)replica[at[t]].energy / N;
    printf("sweep %d cold %" PRId32 " %" PRId32 " %" PRId32 " hot %" PRId32 " %" PRId32 "\n", sweep, at[0],
           replica[at[0]].energy, replica[at[0]].magnet, at[REPLICAS - 1], replica[at[REPLICAS - 1]].energy);
}

static void end_block(int block)
{
    printf("block %d %s", block, block < THERMAL ? "thermal" : "measure");
    for (int t = 0; t < REPLICAS; t++) {
        printf(" %.4f:%.5Lf", beta[t], block_e[t] / block_length[block]);
        block_e[t] = 0;
    }
    printf("\n");
    if (block < THERMAL)
        adapt();
}

static void mix(uint64_t *h, const void *data, size_t n) /* FNV-1a */
{
    for (const unsigned char *p = data; n--; p++)
        *h = (*h ^ *p) * 0x100000001b3;
}

static uint64_t digest(void)
{
    uint64_t h = 0xcbf29ce484222325;

    for (int r = 0; r < REPLICAS; r++) {
        const struct sums *s = &sums[r];
        double mean[] = {(double)s->e, (double)s->e2, (double)s->m, (double)s->m2, (double)s->m4};

        mix(&h, site[r], sizeof site[r]);
        mix(&h, replica[r].rng.s, sizeof replica[r].rng.s);
        mix(&h, &replica[r].energy, sizeof replica[r].energy);
        mix(&h, &replica[r].magnet, sizeof replica[r].magnet);
        mix(&h, mean, sizeof mean);
        mix(&h, &s->n, sizeof s->n);
    }
    mix(&h, at, sizeof at);
    mix(&h, beta, sizeof beta);
    mix(&h, tried, sizeof tried);
    mix(&h, swapped, sizeof swapped);
    mix(&h, histogram, sizeof histogram);
    return h;
}

/* A member of every struct of an array, for h5ckpt, which wants the values side by side. */
struct member {
    char *first;
    size_t stride, bytes;
};

static int get_member(void *context, void *bytes, size_t byte_count)
{
    const struct member *m = context;

    for (size_t i = 0; i < byte_count / m->bytes; i++)
        memcpy((char *)bytes + i * m->bytes, m->first + i * m->stride, m->bytes);
    return 0;
}

static int put_member(void *context, const void *bytes, size_t byte_count)
{
    const struct member *m = context;

    for (size_t i = 0; i < byte_count / m->bytes; i++)
        memcpy(m->first + i * m->stride, (const char *)bytes + i * m->bytes, m->bytes);
    return 0;
}

/* All that the next sweep or the final result depends on. A failure is kept for h5ckpt_callback_new() to tell. */
static void register_variables(h5ckpt_state *state, int32_t schedule[BLOCKS])
{
    static struct member spin, flips, moments, count; /* must live as long as the state */
    const uint64_t lattice[] = {REPLICAS, L, L}, moment[] = {REPLICAS, 5}, bins[] = {REPLICAS, BINS};
    const uint64_t each[] = {REPLICAS}, blocks[] = {BLOCKS};

    spin = (struct member){(char *)&site[0][0].spin, sizeof(struct site), sizeof(int8_t)};
    flips = (struct member){(char *)&site[0][0].flips, sizeof(struct site), sizeof(uint16_t)};
    moments = (struct member){(char *)sums, sizeof(struct sums), 5 * sizeof(long double)}; /* e ... m4 */
    count = (struct member){(char *)&sums[0].n, sizeof(struct sums), sizeof(int64_t)};
    h5ckpt_add_access(state, "site/spin", H5CKPT_INT8, 3, lattice,
                      &(struct h5ckpt_access){get_member, put_member, &spin});
    h5ckpt_add_access(state, "site/flips", H5CKPT_UINT16, 3, lattice,
                      &(struct h5ckpt_access){get_member, put_member, &flips});
    h5ckpt_add_access(state, "sums/moments", H5CKPT_LONG_DOUBLE, 2, moment,
                      &(struct h5ckpt_access){get_member, put_member, &moments});
    h5ckpt_add_access(state, "sums/n", H5CKPT_INT64, 1, each, &(struct h5ckpt_access){get_member, put_member, &count});
    h5ckpt_add(state, "replica", H5CKPT_OPAQUE(sizeof(struct replica)), 1, each, replica); /* with the generators */
    h5ckpt_add(state, "at", H5CKPT_INT32, 1, each, at);
    h5ckpt_add(state, "beta", H5CKPT_FLOAT64, 1, each, beta);
    h5ckpt_add(state, "tried", H5CKPT_INT64, 1, each, tried);
    h5ckpt_add(state, "swapped", H5CKPT_INT64, 1, each, swapped);
    h5ckpt_add(state, "block_e", H5CKPT_LONG_DOUBLE, 1, each, block_e);
    h5ckpt_add(state, "histogram", H5CKPT_INT64, 2, bins, histogram);
    h5ckpt_add(state, "schedule", H5CKPT_INT32, 1, blocks, schedule);
}

/* Say what h5ckpt has to say of a hook, if anything. */
static void tell(const h5ckpt_callback *callback, h5ckpt_status status)
{
    if (status != H5CKPT_OK)
        fprintf(stderr, "lattice: %s\n", h5ckpt_callback_message(callback));
}

/* Go on from what is in the directory; false if that cannot be, and computing from the start would be wrong. */
static bool resume(const char *directory, h5ckpt_state *state, h5ckpt_callback **callback, struct h5ckpt_progress *next)
{
    static int32_t schedule[BLOCKS]; /* the checkpoint's: a position among other blocks would mean another sweep */
    struct h5ckpt_callback_options options = h5ckpt_callback_options_default();
    h5ckpt_status status;

    memcpy(schedule, block_length, sizeof schedule);
    register_variables(state, schedule);
    options.backup_dir = directory;
    options.save_freq = SAVE_EVERY;
    status = h5ckpt_callback_new(callback, state, &options);
    if (status >= 0)
        status = h5ckpt_on_train_begin(*callback, next, NULL);
    tell(*callback, status);
    if (status < 0)
        return false;
    if (memcmp(schedule, block_length, sizeof schedule) != 0) {
        fprintf(stderr, "lattice: the checkpoint in %s was made with other blocks\n", directory);
        return false;
    }
    make_fields();
    make_accept();
    return true;
}

static void run(h5ckpt_callback *callback, struct h5ckpt_progress next)
{
    int sweep = (int)next.step;

    for (int block = (int)next.epoch; block < BLOCKS; block++, next.batch = 0) {
        if (callback)
            tell(callback, h5ckpt_on_epoch_begin(callback, (uint64_t)block));
        for (int k = (int)next.batch; k < block_length[block]; k++) {
            one_sweep(sweep++, block);
            if (callback)
                tell(callback, h5ckpt_on_train_batch_end(callback, (uint64_t)k));
        }
        end_block(block);
        if (callback)
            tell(callback, h5ckpt_on_epoch_end(callback, (uint64_t)block));
    }
    printf("end %016" PRIx64 "\n", digest());
    if (callback) /* last: it deletes the checkpoint, so the result must be out */
        tell(callback, h5ckpt_on_train_end(callback, H5CKPT_FINISHED));
}

int main(int argc, char **argv)
{
    h5ckpt_state *state = h5ckpt_state_new();
    h5ckpt_callback *callback = NULL;
    struct h5ckpt_progress next = {0};
    bool ready;

    setvbuf(stdout, NULL, _IOLBF, 0);
    site = calloc(REPLICAS, sizeof *site);
    ready = site && state;
    if (ready) {
        start(20240607);
        ready = argc < 2 || resume(argv[1], state, &callback, &next);
    }
    if (ready)
        run(callback, next);
    h5ckpt_callback_free(callback);
    h5ckpt_state_free(state);
    free(site);
    return ready ? EXIT_SUCCESS : EXIT_FAILURE;
}
