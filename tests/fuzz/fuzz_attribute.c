/* Any bytes as the value of any attribute, from the wire and from a program: refused, or the same again once it has been brought into the
 * other form. The first byte says which attribute, by its position. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proto/attribute.h"
#include "tests/fuzz/replay.h"

enum { TYPES = ATTRIBUTE_VERSION + 1 };

/* Of all runs: types of values that were taken. */
static bool taken[TYPES];

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* What a program is given, and gives back. */
static void to_and_fro(const struct attribute *a, const uint8_t *value, size_t n)
{
    bool ok = true;
    size_t host_n = attribute_to_host(a, value, n, NULL, SIZE_MAX, &ok), back_n;
    uint8_t *host = malloc(host_n + 1), *back = malloc(n + 1);

    must(ok && host != NULL && back != NULL);
    must(attribute_to_host(a, value, n, host, host_n, &ok) == host_n && ok);
    back_n = attribute_from_host(a, host, host_n, back, n, &ok);
    must(ok && back_n == n && (n == 0 || memcmp(back, value, n) == 0));
    free(back);
    free(host);
}

/* What stands in a template is canonical too, to any depth. */
static void take_apart(const uint8_t *value, size_t n)
{
    CK_ATTRIBUTE_TYPE type;
    const uint8_t *part;
    size_t at = 0, part_n;

    while (attribute_template_next(value, n, &at, &type, &part, &part_n)) {
        const struct attribute *inner = attribute_find(type);
        must(at <= n && part >= value && part_n <= n && part + part_n <= value + n);
        must(inner != NULL && attribute_is_canonical(inner, part, part_n));
        if (inner->value == ATTRIBUTE_TEMPLATE)
            take_apart(part, part_n);
    }
    must(at == n);
}

static void from_program(const struct attribute *a, const uint8_t *value, size_t n)
{
    bool ok = true;
    uint8_t *canonical = malloc(2 * n + 8);
    size_t wanted, canonical_n;

    must(canonical != NULL);
    wanted = attribute_from_host(a, value, n, NULL, SIZE_MAX, &ok);
    if (ok) {
        canonical_n = attribute_from_host(a, value, n, canonical, 2 * n + 8, &ok);
        if (ok)
            must(canonical_n == wanted && attribute_is_canonical(a, canonical, canonical_n));
    }
    free(canonical);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const struct attribute *a;

    if (n < 1 || (a = attribute_at(bytes[0])) == NULL)
        return 0;
    if (a->value != ATTRIBUTE_TEMPLATE) /* a program's has pointers */
        from_program(a, bytes + 1, n - 1);
    if (!attribute_is_canonical(a, bytes + 1, n - 1))
        return 0;
    taken[a->value] = true;
    if (a->value == ATTRIBUTE_TEMPLATE)
        take_apart(bytes + 1, n - 1);
    else
        to_and_fro(a, bytes + 1, n - 1);
    return 0;
}

const char *fuzz_unreached(void)
{
    for (size_t i = 0; attribute_at(i) != NULL; i++)
        if (!taken[attribute_at(i)->value])
            return attribute_at(i)->name;
    return NULL;
}
