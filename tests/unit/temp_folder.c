#include "tests/unit/temp_folder.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATH_BYTES_MAX = 512 };

char *temp_folder_new(const char *name)
{
    const char *base = getenv("TMPDIR");
    char *path = malloc(PATH_BYTES_MAX);
    ck_assert_ptr_nonnull(path);
    snprintf(path, PATH_BYTES_MAX, "%s/clusterhsm-%s-XXXXXX", base != NULL ? base : "/tmp", name);
    ck_assert_ptr_nonnull(mkdtemp(path));
    return path;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st;
    (void)flag;
    (void)at;
    return remove(path);
}

void temp_folder_free(char *path)
{
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(path);
}

static char *of_test;
static pid_t owner;

static void remove_of_test(void)
{
    if (getpid() == owner && of_test != NULL)
        temp_folder_free(of_test);
    of_test = NULL;
}

const char *temp_folder_of_test(const char *name)
{
    remove_of_test();
    of_test = temp_folder_new(name);
    owner = getpid();
    atexit(remove_of_test);
    return of_test;
}
