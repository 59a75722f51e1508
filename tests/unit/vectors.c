#include "tests/unit/vectors.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "common/hex.h"

enum { REASONS_MAX = 16 };

static unsigned held, skipped;
static struct {
    const char *text;
    unsigned n;
} reasons[REASONS_MAX];

const char *vectors_folder(void)
{
    static char path[512];
    const char *given = getenv("WYCHEPROOF_DIR"), *source = getenv("top_srcdir");

    if (given != NULL)
        return given;
    snprintf(path, sizeof path, "%s/../shared/wycheproof", source != NULL ? source : ".");
    return path;
}

json_t *vectors_open(const char *name)
{
    char path[1024];
    json_error_t why;
    json_t *file;
    DIR *there = opendir(vectors_folder());

    if (there == NULL) {
        printf("wycheproof: %s is not there: %s skipped\n", vectors_folder(), name);
        return NULL;
    }
    closedir(there);
    snprintf(path, sizeof path, "%s/%s", vectors_folder(), name);
    file = json_load_file(path, 0, &why);
    ck_assert_msg(file != NULL, "%s: %s", path, why.text);
    return file;
}

const char *vector_text(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));

    ck_assert_msg(text != NULL, "no field %s", name);
    return text;
}

void vector_bytes(const json_t *o, const char *name, struct vector_bytes *out)
{
    ck_assert_msg(hex_decode(vector_text(o, name), out->at, sizeof out->at, &out->n), "%s is no hexadecimal text", name);
}

size_t vector_number(const json_t *o, const char *name)
{
    const json_t *number = json_object_get(o, name);

    ck_assert_msg(json_is_integer(number), "no number %s", name);
    return (size_t)json_integer_value(number);
}

bool vector_has_flag(const json_t *test, const char *flag)
{
    size_t i;
    json_t *f;

    json_array_foreach(json_object_get(test, "flags"), i, f)
        if (strcmp(json_string_value(f), flag) == 0)
            return true;
    return false;
}

const char *vector_hash(const char *theirs)
{
    static const struct {
        const char *theirs, *ours;
    } names[] = {
        {"SHA-1", "SHA1"},         {"SHA-224", "SHA224"},         {"SHA-256", "SHA256"},   {"SHA-384", "SHA384"},
        {"SHA-512", "SHA512"},     {"SHA-512/224", "SHA512-224"}, {"SHA3-224", "SHA3-224"}, {"SHA3-256", "SHA3-256"},
        {"SHA-512/256", "SHA512-256"}, {"SHA3-384", "SHA3-384"},  {"SHA3-512", "SHA3-512"},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i].theirs, theirs) == 0)
            return names[i].ours;
    ck_abort_msg("unknown hash %s", theirs);
    return NULL;
}

void vector_judge(const json_t *test, const char *how, bool accepted)
{
    const char *result = vector_text(test, "result");

    if (strcmp(result, "acceptable") != 0)
        ck_assert_msg(accepted == (strcmp(result, "valid") == 0), "%s: case %d (%s) is %s and was %s", how,
                      (int)vector_number(test, "tcId"), vector_text(test, "comment"), result, accepted ? "accepted" : "refused");
    held++;
}

void vector_skip(const char *reason, size_t n)
{
    size_t i = 0;

    while (i < REASONS_MAX && reasons[i].text != NULL && strcmp(reasons[i].text, reason) != 0)
        i++;
    ck_assert_uint_lt(i, REASONS_MAX);
    reasons[i].text = reason;
    reasons[i].n += (unsigned)n;
    skipped += (unsigned)n;
}

void vectors_report(const char *what)
{
    printf("wycheproof: %s: %u held, %u skipped\n", what, held, skipped);
    for (size_t i = 0; i < REASONS_MAX && reasons[i].text != NULL; i++)
        printf("    %u: %s\n", reasons[i].n, reasons[i].text);
    fflush(stdout);
}
