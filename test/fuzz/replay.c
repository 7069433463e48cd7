/* SPDX-License-Identifier: MIT */
/*
 * replay: the main() of a fuzz target where there is no libFuzzer. Each argument is a file, or a directory of files;
 * each is an input.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"

static size_t input_count;

static void replay_file(const char *path, size_t byte_count)
{
    /* Of its own length, so that the sanitizers see what is read behind its end. */
    uint8_t *bytes = malloc(byte_count + (byte_count == 0));
    FILE *file = fopen(path, "rb");

    fuzz_must(bytes != NULL && file != NULL && fread(bytes, 1, byte_count, file) == byte_count, "cannot read '%s'",
              path);
    fclose(file);
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(bytes, byte_count);
    free(bytes);
    input_count++;
}

static void replay_path(const char *path)
{
    struct dirent **name;
    struct stat status;

    fuzz_must(stat(path, &status) == 0, "there is no '%s'", path);
    if (!S_ISDIR(status.st_mode)) {
        replay_file(path, (size_t)status.st_size);
        return;
    }
    const int count = scandir(path, &name, NULL, alphasort);
    fuzz_must(count >= 0, "cannot list '%s'", path);
    for (int i = 0; i < count; i++) {
        char inner[4096];
        snprintf(inner, sizeof inner, "%s/%s", path, name[i]->d_name);
        if (*name[i]->d_name != '.')
            replay_path(inner);
        free(name[i]);
    }
    free(name);
}

int main(int argument_count, char **arguments)
{
    LLVMFuzzerInitialize(&argument_count, &arguments);
    for (int i = 1; i < argument_count; i++)
        replay_path(arguments[i]);
    printf("%zu inputs\n", input_count);
    return input_count > 0 ? 0 : 1;
}
