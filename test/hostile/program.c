/* SPDX-License-Identifier: MIT */
#include "hostile/program.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format.h"

#define must(condition)         \
    do {                        \
        if (!(condition)) {     \
            perror(#condition); \
            abort();            \
        }                       \
    } while (0)

enum { KEPT = 1, SPOILT = 0xa5 };

const char *const PROGRAM_FILE[PROGRAM_FILE_COUNT] = {FORMAT_SLOT_A, FORMAT_SLOT_B, FORMAT_LOCK_NAME, FORMAT_VIEW_NAME,
                                                      FORMAT_MILESTONE_PREFIX MILESTONE_NAME FORMAT_MILESTONE_SUFFIX};

struct program program;
h5ckpt_state *program_state;
char program_directory[256];

static const struct program_variable VARIABLE[PROGRAM_VARIABLE_COUNT] = {
    {"state/layer/weights", program.weights, sizeof program.weights},
    {"state/counts", program.counts, sizeof program.counts},
    {"state/label", program.label, sizeof program.label},
    {"state/flag", program.flag, sizeof program.flag},
    {"state/wave", program.wave, sizeof program.wave},
    {"state/generator", program.generator, sizeof program.generator},
    {"state/shuffled", program.shuffled, sizeof program.shuffled},
    {"state/empty", program.empty, 0},
};

const struct program_variable *program_variables(void)
{
    return VARIABLE;
}

/* --------------------------------------------------------------------- values */

static struct program value_of(int generation)
{
    struct program p;

    memset(&p, 0, sizeof p); /* what lies between the members is compared, too */
    for (int i = 0; i < 15; i++)
        p.weights[i / 5][i % 5] = 1.0 / (i + 1 + 100 * generation);
    for (int i = 0; i < 7; i++)
        p.counts[i] = (generation + 1) * 1000003 * (i - 3);
    snprintf(p.label, sizeof p.label, "generation %d", generation);
    for (int i = 0; i < 3; i++)
        p.flag[i] = generation >> i & 1;
    p.wave[0] = (float)generation + 1.5F * I;
    for (int i = 0; i < 40; i++)
        p.generator[i] = (unsigned char)(i * 7 + generation);
    for (int i = 0; i < 11; i++)
        p.shuffled[i] = (uint16_t)(i * 5557 + generation);
    return p;
}

void program_fill(int generation)
{
    program = value_of(generation);
}

void program_spoil(void)
{
    memset(&program, SPOILT, sizeof program);
}

bool program_equals(const struct program *other)
{
    for (size_t i = 0; i < PROGRAM_VARIABLE_COUNT; i++) {
        const size_t at = (size_t)((const char *)VARIABLE[i].bytes - (const char *)&program);
        if (memcmp(VARIABLE[i].bytes, (const char *)other + at, VARIABLE[i].byte_count) != 0)
            return false;
    }
    return true;
}

bool program_is_spoilt(void)
{
    struct program expected;

    memset(&expected, SPOILT, sizeof expected);
    return program_equals(&expected);
}

/* ------------------------------------------------------------------ directory */

static void make_state(void)
{
    const double rate = 0.125;
    const int64_t layers[3] = {64, 128, 10};

    program_state = h5ckpt_state_new();
    h5ckpt_add(program_state, "layer/weights", H5CKPT_FLOAT64, 2, (const uint64_t[]){3, 5}, program.weights);
    h5ckpt_add(program_state, "counts", H5CKPT_INT32, 1, (const uint64_t[]){7}, program.counts);
    h5ckpt_add(program_state, "label", H5CKPT_STRING(sizeof program.label), 0, NULL, program.label);
    h5ckpt_add(program_state, "flag", H5CKPT_BOOL, 1, (const uint64_t[]){3}, program.flag);
    h5ckpt_add(program_state, "wave", H5CKPT_COMPLEX64, 1, (const uint64_t[]){2}, program.wave);
    h5ckpt_add(program_state, "generator", H5CKPT_OPAQUE(sizeof program.generator), 0, NULL, program.generator);
    h5ckpt_add(program_state, "shuffled", H5CKPT_UINT16, 1, (const uint64_t[]){11}, program.shuffled);
    h5ckpt_add(program_state, "empty", H5CKPT_FLOAT64, 1, (const uint64_t[]){0}, program.empty);
    h5ckpt_add_setting(program_state, "rate", H5CKPT_FLOAT64, 0, NULL, &rate);
    h5ckpt_add_setting(program_state, "optimizer", H5CKPT_STRING(16), 0, NULL, "adam\0\0\0\0\0\0\0\0\0\0\0");
    h5ckpt_add_setting(program_state, "layers", H5CKPT_INT64, 1, (const uint64_t[]){3}, layers);
    must(h5ckpt_state_message(program_state)[0] == '\0');
}

void program_train(void)
{
    struct h5ckpt_callback_options options = h5ckpt_callback_options_default();
    h5ckpt_callback *callback;
    struct h5ckpt_progress next;

    options.backup_dir = program_directory;
    must(h5ckpt_callback_new(&callback, program_state, &options) == H5CKPT_OK);
    must(h5ckpt_on_train_begin(callback, &next, NULL) == H5CKPT_NO_CHECKPOINT);
    for (int generation = 0; generation < PROGRAM_SAVES; generation++) {
        program_fill(generation);
        must(h5ckpt_on_epoch_begin(callback, (uint64_t)generation) == H5CKPT_OK);
        must(h5ckpt_log(callback, "loss", 1.0 / (generation + 1)) == H5CKPT_OK);
        must(h5ckpt_log(callback, "val/accuracy", 0.5 + 0.1 * generation) == H5CKPT_OK);
        must(h5ckpt_on_epoch_end(callback, (uint64_t)generation) == H5CKPT_OK);
        if (generation == KEPT)
            must(h5ckpt_keep(h5ckpt_callback_store(callback), MILESTONE_NAME) == H5CKPT_OK);
    }
    h5ckpt_callback_free(callback); /* as a kill does */
}

void program_register(const char *directory)
{
    must(snprintf(program_directory, sizeof program_directory, "%s", directory) < (int)sizeof program_directory);
    make_state();
}

void program_begin(void)
{
    const char *temporary = getenv("TMPDIR");
    char directory[sizeof program_directory];

    must(snprintf(directory, sizeof directory, "%s/h5ckpt-hostile-XXXXXX", temporary == NULL ? "/tmp" : temporary) <
         (int)sizeof directory);
    must(mkdtemp(directory) != NULL);
    program_register(directory);
    program_train();
}

const char *program_path(enum program_file file)
{
    static char path[sizeof program_directory + 64];

    snprintf(path, sizeof path, "%s/%s", program_directory, PROGRAM_FILE[file]);
    return path;
}

static bool is_ours(const char *name)
{
    for (enum program_file file = 0; file < PROGRAM_FILE_COUNT; file++)
        if (strcmp(name, PROGRAM_FILE[file]) == 0)
            return true;
    return false;
}

/* Remove what is none of the program's files. */
static void for_others(void (*found)(DIR *directory, const char *name))
{
    DIR *directory = opendir(program_directory);

    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && !is_ours(entry->d_name))
            found(directory, entry->d_name);
    closedir(directory);
}

static void remove_entry(DIR *directory, const char *name)
{
    must(unlinkat(dirfd(directory), name, 0) == 0);
}

void program_repair(const struct specimen pristine[PROGRAM_FILE_COUNT])
{
    for_others(remove_entry);
    for (enum program_file file = 0; file < PROGRAM_FILE_COUNT; file++)
        if (!specimen_is_on_disk(&pristine[file], program_path(file)))
            specimen_write(&pristine[file], program_path(file));
}

static char strange_file[256];

static void note_strange(DIR *directory, const char *name)
{
    (void)directory;
    if (strcmp(name, FORMAT_SLOT_C) != 0)
        snprintf(strange_file, sizeof strange_file, "%s", name);
}

const char *program_strange_file(void)
{
    strange_file[0] = '\0';
    for_others(note_strange);
    return strange_file[0] == '\0' ? NULL : strange_file;
}

void program_end(void)
{
    h5ckpt_state_free(program_state);
    for_others(remove_entry);
    for (enum program_file file = 0; file < PROGRAM_FILE_COUNT; file++)
        unlink(program_path(file));
    rmdir(program_directory);
}
