#include "common/gathered.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/runner.h"

enum { PART_BYTES = 40 };

static const char part[PART_BYTES] = "what is gathered is nobody's business..";
static unsigned freed, freed_unwiped;
static bool watched;

void *__wrap_malloc(size_t n);
void __real_free(void *p);
void __wrap_free(void *p);

/* All of it is looked at when it is given back (linked with --wrap=malloc). */
void *__wrap_malloc(size_t n)
{
    return calloc(1, n);
}

/* What our own code gives back (linked with --wrap=free). */
void __wrap_free(void *p)
{
    if (p != NULL)
        freed++;
    if (p != NULL && watched && memmem(p, malloc_usable_size(p), part + 16, PART_BYTES - 16) != NULL)
        freed_unwiped++;
    __real_free(p);
}

START_TEST(test_gathered_keeps_all_parts_in_order)
{
    struct gathered g = {.bytes = NULL};
    for (unsigned i = 0; i < 100; i++)
        ck_assert(gathered_put(&g, part, i % PART_BYTES) && gathered_put(&g, NULL, 0));
    size_t at = 0;
    for (unsigned i = 0; i < 100; at += i++ % PART_BYTES)
        ck_assert(memcmp(g.bytes + at, part, i % PART_BYTES) == 0);
    ck_assert_uint_eq(g.n, at);
    gathered_clear(&g);
    ck_assert(g.bytes == NULL && g.n == 0 && g.room == 0);
    gathered_clear(&g);
}
END_TEST

START_TEST(test_gathered_leaves_no_copy_behind)
{
    struct gathered g = {.bytes = NULL};
    freed = freed_unwiped = 0;
    watched = true;
    for (unsigned i = 0; i < 1000; i++)
        ck_assert(gathered_put(&g, part, PART_BYTES));
    ck_assert_uint_gt(freed, 5);
    gathered_clear(&g);
    watched = false;
    ck_assert_uint_eq(freed_unwiped, 0);
}
END_TEST

/* AddressSanitizer would end the program where malloc fails. */
const char *__asan_default_options(void) __attribute__((visibility("default")));

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

START_TEST(test_gathered_refuses_more_than_there_is)
{
    struct gathered g = {.bytes = NULL};
    ck_assert(gathered_put(&g, part, PART_BYTES));
    ck_assert(!gathered_put(&g, part, SIZE_MAX - 8));
    ck_assert(!gathered_put(&g, part, SIZE_MAX / 8)); /* no machine has it */
    ck_assert(g.n == PART_BYTES && memcmp(g.bytes, part, PART_BYTES) == 0);
    gathered_clear(&g);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_gathered_keeps_all_parts_in_order, &test_gathered_leaves_no_copy_behind,
                                                &test_gathered_refuses_more_than_there_is, NULL};
    return suite_of("gathered", 20, tests);
}
