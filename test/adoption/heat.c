/* SPDX-License-Identifier: MIT */
/*
 * heat: nonlinear heat conduction in a square plate,
 *
 *     du/dt = div(k(u) grad u) + S(x, y, t),    k(u) = 1 + BETA u,
 *
 * with u = 0 on the edge. The source S is a hot spot that wanders about the plate at random. The equation is stepped
 * explicitly; the time step follows the largest conductivity of the step before. Four probes record the temperature
 * whenever a sampling time has been passed.
 *
 *     heat            prints a line for every step, and a digest of the final state
 *     heat DIR        the same, with a checkpoint in DIR every SAVE_EVERY steps; goes on from what it finds there
 *     heat DIR check  does the last interval of a run that was killed once more: is everything registered?
 *
 * What it uses of h5ckpt:
 *
 * - The store, not the callback: there are no epochs, and the program knows itself when to save. Its counter is
 *   `progress.step`.
 * - h5ckpt_add_indirect() for the temperature: `now` and `next` change places in every step, so the pointer has to be
 *   looked up in every save. `next` is not registered: each step computes it anew.
 * - Variables that are added while the store is open: shapes are fixed, so the samples of the probes, whose number
 *   grows, are kept in chunks of one size, and each chunk is registered before the first save that it is due in.
 *   Hence two restores: one with H5CKPT_INTERSECTION for the number of samples, which tells the chunks to make and
 *   register, and one for everything.
 * - h5ckpt_restore() with H5CKPT_PREVIOUS, then h5ckpt_compare(): what the callback calls check_resume.
 * - h5ckpt_delete(), once the result has been written.
 */
#include <h5ckpt.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NX = 900, NY = 600, NPROBE = 4, NSPOT = 40, CHUNK = 16, SAVE_EVERY = 10 };

#define LENGTH_X     1.0
#define H            (LENGTH_X / (NX - 1)) /* grid spacing, the same in x and y */
#define BETA         0.35                  /* how fast the conductivity grows with temperature */
#define POWER        1.2e6                 /* of the source */
#define T_END        2.8e-5                /* simulated time at which the run is over */
#define SAMPLE_EVERY 6.0e-7                /* simulated time between two samples of the probes */
#define SAFETY       0.2                   /* fraction of h^2/k_max to step by (0.25 is the stability limit) */

/* xorshift128+, and the second normal deviate of the pair that the polar method makes */
struct rng {
    uint64_t s[2];
    double spare;
    int have_spare;
};

struct source {
    double x, y;   /* position, in grid cells */
    double vx, vy; /* cells per step */
};

struct sample { /* saved as 1 + NPROBE numbers */
    double time;
    double u[NPROBE];
};

/* The samples so far. Chunks never move once they are made, so that they can be registered. */
struct series {
    struct sample **chunk;
    uint64_t chunk_count, count;
};

struct plate {
    double *now, *next; /* NY rows of NX; swapped after every step */
    double time, dt, k_max;
    uint64_t step;
    double next_sample;
    double heat_in; /* put in by the source so far */
    struct rng rng;
    struct source source;
    struct series series;
};

static void *allocate(void *old, size_t size)
{
    void *p = realloc(old, size);
    if (!p) {
        fprintf(stderr, "heat: out of memory\n");
        exit(1);
    }
    return p;
}

static uint64_t rng_next(struct rng *r)
{
    uint64_t a = r->s[0], b = r->s[1];
    r->s[0] = b;
    a ^= a << 23;
    r->s[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
    return r->s[1] + b;
}

static double rng_uniform(struct rng *r)
{
    return (double)(rng_next(r) >> 11) * 0x1p-53;
}

static double rng_normal(struct rng *r)
{
    double a, b, q;
    if (r->have_spare) {
        r->have_spare = 0;
        return r->spare;
    }
    do {
        a = 2 * rng_uniform(r) - 1;
        b = 2 * rng_uniform(r) - 1;
        q = a * a + b * b;
    } while (q >= 1 || q == 0);
    q = sqrt(-2 * log(q) / q);
    r->spare = b * q;
    r->have_spare = 1;
    return a * q;
}

static void plate_init(struct plate *p)
{
    memset(p, 0, sizeof *p);
    p->now = allocate(NULL, sizeof(double) * NX * NY);
    p->next = allocate(NULL, sizeof(double) * NX * NY);
    for (size_t i = 0; i < (size_t)NX * NY; i++)
        p->now[i] = p->next[i] = 0;
    p->rng.s[0] = 0x9e3779b97f4a7c15u;
    p->rng.s[1] = 0xd1b54a32d192ed03u;
    p->source = (struct source){.x = NX / 3.0, .y = NY / 2.0};
    p->k_max = 1;
}

static void plate_free(struct plate *p)
{
    free(p->now);
    free(p->next);
    for (uint64_t n = 0; n < p->series.chunk_count; n++)
        free(p->series.chunk[n]);
    free(p->series.chunk);
}

/* The spot is pushed at random, slowed by friction, and turned back before it reaches the edge. */
static void source_move(struct source *s, struct rng *r)
{
    s->vx = 0.97 * s->vx + 0.6 * rng_normal(r);
    s->vy = 0.97 * s->vy + 0.6 * rng_normal(r);
    if (s->x + s->vx < NSPOT + 1 || s->x + s->vx > NX - NSPOT - 2)
        s->vx = -s->vx;
    if (s->y + s->vy < NSPOT + 1 || s->y + s->vy > NY - NSPOT - 2)
        s->vy = -s->vy;
    s->x += s->vx;
    s->y += s->vy;
}

/* Conduction, from now into next; returns the largest conductivity met. */
static double conduct(const double *now, double *next, double dt)
{
    const double c = dt / (2 * H * H);
    double hottest = 0;
    for (size_t j = 1; j < NY - 1; j++) {
        const double *u = now + j * NX;
        double *v = next + j * NX;
        for (size_t i = 1; i < NX - 1; i++) {
            double k = 1 + BETA * u[i];
            double e = u[i + 1], w = u[i - 1], n = u[i + NX], s = *(u + i - NX);
            double flow = (k + 1 + BETA * e) * (e - u[i]) + (k + 1 + BETA * w) * (w - u[i]) +
                          (k + 1 + BETA * n) * (n - u[i]) + (k + 1 + BETA * s) * (s - u[i]);
            v[i] = u[i] + c * flow;
            if (v[i] > hottest)
                hottest = v[i];
        }
    }
    return 1 + BETA * hottest;
}

/* Adds the source's heat; returns how much it was. */
static double heat_up(double *u, const struct source *s, double dt)
{
    const double width = NSPOT / 3.0;
    const long ci = lround(s->x), cj = lround(s->y);
    double sum = 0;
    for (long j = cj - NSPOT; j <= cj + NSPOT; j++)
        for (long i = ci - NSPOT; i <= ci + NSPOT; i++) {
            if (i < 1 || i > NX - 2 || j < 1 || j > NY - 2)
                continue;
            double dx = ((double)i - s->x) / width, dy = ((double)j - s->y) / width;
            double du = dt * POWER * exp(-0.5 * (dx * dx + dy * dy));
            u[j * NX + i] += du;
            sum += du * H * H;
        }
    return sum;
}

static void series_grow(struct series *s)
{
    s->chunk = allocate(s->chunk, (s->chunk_count + 1) * sizeof *s->chunk);
    s->chunk[s->chunk_count] = allocate(NULL, CHUNK * sizeof **s->chunk);
    memset(s->chunk[s->chunk_count++], 0, CHUNK * sizeof **s->chunk);
}

static struct sample *sample_at(const struct series *s, uint64_t number)
{
    return &s->chunk[number / CHUNK][number % CHUNK];
}

static void record(struct plate *p)
{
    static const size_t at[NPROBE][2] = {{NX / 4, NY / 2}, {NX / 3, NY / 2}, {NX / 2, NY / 3}, {NX / 2, NY / 2}};
    struct series *s = &p->series;
    if (s->count == s->chunk_count * CHUNK)
        series_grow(s);
    struct sample *sample = sample_at(s, s->count++);
    sample->time = p->time;
    for (int k = 0; k < NPROBE; k++)
        sample->u[k] = p->now[at[k][1] * NX + at[k][0]];
    p->next_sample += SAMPLE_EVERY;
}

static void plate_step(struct plate *p)
{
    p->dt = SAFETY * H * H / p->k_max;
    source_move(&p->source, &p->rng);
    p->k_max = conduct(p->now, p->next, p->dt);
    p->heat_in += heat_up(p->next, &p->source, p->dt);

    double *swap = p->now;
    p->now = p->next;
    p->next = swap;

    p->time += p->dt;
    p->step++;
    if (p->time >= p->next_sample)
        record(p);
}

static uint64_t fnv(uint64_t hash, const void *data, size_t size)
{
    for (const unsigned char *c = data; size--; c++)
        hash = (hash ^ *c) * 0x100000001b3u;
    return hash;
}

static uint64_t digest(const struct plate *p)
{
    uint64_t h = 0xcbf29ce484222325u;
    h = fnv(h, p->now, sizeof(double) * NX * NY);
    h = fnv(h, &p->time, sizeof p->time);
    h = fnv(h, &p->step, sizeof p->step);
    h = fnv(h, &p->heat_in, sizeof p->heat_in);
    h = fnv(h, p->rng.s, sizeof p->rng.s);
    h = fnv(h, &p->source, sizeof p->source);
    for (uint64_t n = 0; n < p->series.count; n++)
        h = fnv(h, sample_at(&p->series, n), sizeof(struct sample));
    return h;
}

struct checkpoint {
    h5ckpt_state *state;
    h5ckpt_store *store;
    uint64_t chunk_count; /* chunks of the series that are registered */
};

static void die(const char *message)
{
    fprintf(stderr, "heat: %s\n", message);
    exit(1);
}

static void checkpoint_open(struct checkpoint *c, struct plate *p, const char *dir)
{
    *c = (struct checkpoint){.state = h5ckpt_state_new()};
    h5ckpt_add(c->state, "series/count", H5CKPT_UINT64, 0, NULL, &p->series.count);
    if (h5ckpt_open(&c->store, dir, c->state, NULL) < 0)
        die(h5ckpt_message(c->store));
}

static void checkpoint_close(struct checkpoint *c)
{
    h5ckpt_close(c->store);
    h5ckpt_state_free(c->state);
}

/* Register the chunks that have been made since the last call. */
static void register_chunks(struct checkpoint *c, const struct series *s)
{
    for (; c->chunk_count < s->chunk_count; c->chunk_count++) {
        char name[40];
        snprintf(name, sizeof name, "series/chunk-%" PRIu64, c->chunk_count);
        h5ckpt_add(c->state, name, H5CKPT_FLOAT64, 2, (const uint64_t[]){CHUNK, 1 + NPROBE}, s->chunk[c->chunk_count]);
    }
}

static h5ckpt_status checkpoint_restore(struct checkpoint *c, struct plate *p, enum h5ckpt_which which)
{
    struct h5ckpt_restore_options options = h5ckpt_restore_options_default();
    h5ckpt_status status;

    /* What is registered so far: the number of samples. It tells how many chunks there are to restore. */
    options.which = which;
    options.match = H5CKPT_INTERSECTION;
    if (h5ckpt_restore(c->store, &options, NULL) < 0)
        die(h5ckpt_message(c->store));
    while (p->series.chunk_count * CHUNK < p->series.count)
        series_grow(&p->series);

    h5ckpt_add_indirect(c->state, "temperature", H5CKPT_FLOAT64, 2, (const uint64_t[]){NY, NX}, (void *const *)&p->now);
    h5ckpt_add(c->state, "time", H5CKPT_FLOAT64, 0, NULL, &p->time);
    h5ckpt_add(c->state, "k_max", H5CKPT_FLOAT64, 0, NULL, &p->k_max);
    h5ckpt_add(c->state, "next_sample", H5CKPT_FLOAT64, 0, NULL, &p->next_sample);
    h5ckpt_add(c->state, "heat_in", H5CKPT_FLOAT64, 0, NULL, &p->heat_in);
    h5ckpt_add(c->state, "source", H5CKPT_OPAQUE(sizeof p->source), 0, NULL, &p->source);
    h5ckpt_add(c->state, "random", H5CKPT_OPAQUE(sizeof p->rng), 0, NULL, &p->rng);
    register_chunks(c, &p->series);
    options.match = H5CKPT_EXACT;
    status = h5ckpt_restore(c->store, &options, NULL);
    if (status < 0)
        die(h5ckpt_message(c->store));
    p->step = h5ckpt_progress(c->store).step;
    return status;
}

/* A save that fails leaves the checkpoint before; the next one tries again. */
static void checkpoint_save(struct checkpoint *c, const struct plate *p)
{
    register_chunks(c, &p->series);
    if (h5ckpt_save(c->store, &(struct h5ckpt_progress){.step = p->step}) < 0)
        fprintf(stderr, "heat: step %" PRIu64 " was not saved: %s\n", p->step, h5ckpt_message(c->store));
}

static void run(const char *dir)
{
    struct plate p;
    struct checkpoint c;

    plate_init(&p);
    if (dir) {
        checkpoint_open(&c, &p, dir);
        if (checkpoint_restore(&c, &p, H5CKPT_CURRENT) != H5CKPT_OK)
            fprintf(stderr, "heat: %s\n", h5ckpt_message(c.store));
    }
    while (p.time < T_END) {
        plate_step(&p);
        printf("step %" PRIu64 " t %.6e dt %.3e k_max %.4f source %.1f %.1f samples %" PRIu64 "\n", p.step, p.time,
               p.dt, p.k_max, p.source.x, p.source.y, p.series.count);
        if (dir && p.step % SAVE_EVERY == 0)
            checkpoint_save(&c, &p);
    }
    printf("heat put in %.6f, in %" PRIu64 " steps\n", p.heat_in, p.step);
    printf("end %016" PRIx64 "\n", digest(&p));
    if (dir) {
        if (h5ckpt_delete(c.store) < 0)
            fprintf(stderr, "heat: %s\n", h5ckpt_message(c.store));
        checkpoint_close(&c);
    }
    plate_free(&p);
}

/* From the previous state to the current one once more: 0 if that gives the same variables, else 1. */
static int check(const char *dir)
{
    struct plate p;
    struct checkpoint c;
    struct h5ckpt_report report;
    h5ckpt_status status;

    plate_init(&p);
    checkpoint_open(&c, &p, dir);
    if (h5ckpt_inspect(c.store, NULL, &report) != H5CKPT_OK || checkpoint_restore(&c, &p, H5CKPT_PREVIOUS) != H5CKPT_OK)
        die(h5ckpt_message(c.store));
    printf("from step %" PRIu64 " to step %" PRIu64 "\n", p.step, report.progress.step);
    while (p.step < report.progress.step)
        plate_step(&p);
    register_chunks(&c, &p.series);
    status = h5ckpt_compare(c.store, H5CKPT_CURRENT);
    puts(status == H5CKPT_OK ? "the same variables" : h5ckpt_message(c.store));
    checkpoint_close(&c);
    plate_free(&p);
    return status == H5CKPT_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    if (argc > 3 || (argc == 3 && strcmp(argv[2], "check") != 0))
        die("usage: heat [DIR [check]]");
    if (argc == 3)
        return check(argv[1]);
    run(argc == 2 ? argv[1] : NULL);
    return 0;
}
