/*
 * Stands in for libFuzzer in an ordinary build: gives each file of the named folders, and every cut of it, to the
 * target. So the kept corpus is part of `make check` under any compiler, which fails too where nothing of it reaches what it was made for.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/replay.h"

enum { FILE_BYTES_MAX = 1 << 20, CUTS = 64 };

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t n, size_t room)
{
    (void)bytes;
    (void)room;
    return n;
}

/* A copy of exactly n bytes, so that a sanitizer sees a read beyond them. */
static void run(const uint8_t *bytes, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    memcpy(copy, bytes, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static int replay_file(const char *path)
{
    static uint8_t bytes[FILE_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    if (!file)
        return 0;
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    size_t step = n / CUTS + 1;
    for (size_t cut = 0; cut < n; cut += step)
        run(bytes, cut);
    run(bytes, n);
    return 1;
}

int main(int argc, char **argv)
{
    int files = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        struct dirent *entry;
        if (!folder) {
            fprintf(stderr, "replay: no folder %s\n", argv[i]);
            return EXIT_FAILURE;
        }
        while ((entry = readdir(folder))) {
            char path[4096];
            if (entry->d_name[0] == '.')
                continue;
            snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
            files += replay_file(path);
        }
        closedir(folder);
    }
    printf("replay: %d files\n", files);
    if (fuzz_unreached() != NULL) {
        fprintf(stderr, "replay: no input reaches %s\n", fuzz_unreached());
        return EXIT_FAILURE;
    }
    return files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
