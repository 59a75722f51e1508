/* Searches among many objects: what one request costs does not grow with them, pages go on where they ended, and objects that come and go
 * meanwhile neither hide nor double those that stay. By hand among 100,000: FIND_OBJECTS=100000 tests/unit/test_find_many */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/limits.h"
#include "tests/unit/object_stage.h"
#include "tests/unit/runner.h"

enum { OBJECTS = 1500, NEEDS_MAX = 2, KINDS = 7 };

static struct sample_template t;
static unsigned objects;
static bool mixed; /* every third is another user's, and seen by everybody; of the rest every other one is */
static uint64_t *ids;

static double now_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

static void label_of(char label[32], unsigned i)
{
    snprintf(label, 32, "object %u", i);
}

static enum who owner_of(unsigned i)
{
    return mixed && i % 3 == 0 ? BOB : ALICE;
}

static uint64_t make(unsigned i)
{
    char label[32], kind[2] = {(char)('a' + i % KINDS), '\0'};
    uint64_t id;

    label_of(label, i);
    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_DATA);
    sample_bool(&t, CKA_TOKEN, true);
    sample_text(&t, CKA_LABEL, label);
    sample_text(&t, CKA_OBJECT_ID, kind); /* not indexed */
    if (mixed)
        sample_bool(&t, CKA_PRIVATE, i % 3 != 0 && i % 2 == 0);
    id = stage_one(stage_create(owner_of(i), &t, ERR_OK))->id;
    stage_forget();
    return id;
}

static void start(void)
{
    const char *wanted = getenv("FIND_OBJECTS");
    double begun = now_ms();

    stage_open();
    objects = wanted != NULL ? (unsigned)strtoul(wanted, NULL, 10) : OBJECTS;
    ids = calloc(objects, sizeof *ids);
    for (unsigned i = 0; i < objects; i++)
        ids[i] = make(i);
    if (wanted != NULL)
        printf("%u objects made in %.0f s\n", objects, (now_ms() - begun) / 1e3);
}

static void end(void)
{
    free(ids);
    stage_close();
}

struct pages {
    unsigned requests, found;
    double longest_ms;
};

/* Pages until there are no more; `each` (may be NULL) is called after each. Every id once, and in order: the user's own, then others'. */
static struct pages find_all(uint32_t limit, void (*each)(unsigned page), bool *seen)
{
    struct pages p = {0};
    uint64_t after = 0, last = 0;
    unsigned at = 0, ways = 1;

    do {
        unsigned needs = local_node_needs(stage_node());
        double begun = now_ms(), took;
        const Hsm__ObjectsReply *r = stage_find(ALICE, &t, after, limit);
        took = now_ms() - begun;
        p.longest_ms = took > p.longest_ms ? took : p.longest_ms;
        ck_assert_uint_le(local_node_needs(stage_node()) - needs, NEEDS_MAX);
        ck_assert_uint_le(r->n_objects, FIND_IDS_MAX);
        for (size_t i = 0; i < r->n_objects; i++) {
            if (r->objects[i]->id < last) {
                ck_assert(mixed && ++ways == 2);
                at = 0;
            }
            ck_assert_uint_ne(r->objects[i]->id, last);
            last = r->objects[i]->id;
            while (seen != NULL && at < objects && ids[at] < last) /* gone ones are 0 */
                at++;
            if (seen != NULL && at < objects && ids[at] == last) {
                ck_assert(!seen[at] && (owner_of(at) == ALICE) == (ways == 1));
                seen[at] = true;
            }
        }
        p.requests++;
        p.found += (unsigned)r->n_objects;
        ck_assert(r->next_after_id == 0 || r->next_after_id > after);
        after = r->next_after_id;
        stage_forget();
        if (each != NULL) {
            struct sample_template kept = t;
            each(p.requests);
            t = kept;
            t.message.attributes = t.list;
            for (size_t i = 0; i < t.message.n_attributes; i++)
                t.list[i] = &t.attributes[i];
        }
    } while (after != 0);
    return p;
}

static void tell(const char *what, struct pages p)
{
    if (getenv("FIND_OBJECTS") != NULL)
        printf("%-28s %7u found, %5u requests, the longest took %.2f ms\n", what, p.found, p.requests, p.longest_ms);
}

START_TEST(test_work_of_a_request_does_not_grow_with_the_objects)
{
    char label[32];
    struct pages p;

    start();
    for (unsigned i = 0; i < 5; i++) {
        label_of(label, i * (objects / 5));
        sample_start(&t);
        sample_text(&t, CKA_LABEL, label);
        p = find_all(0, NULL, NULL);
        ck_assert(p.found == 1 && p.requests == 1);
    }
    tell("by label", p);
    sample_ulong(&t, CKA_CLASS, CKO_DATA);
    sample_bool(&t, CKA_PRIVATE, true);
    sample_text(&t, CKA_OBJECT_ID, "z");
    p = find_all(0, NULL, NULL);
    ck_assert(p.found == 0 && p.requests == 1);
    tell("by label and all else", p);
    sample_start(&t);
    sample_text(&t, CKA_LABEL, "nobody has it");
    p = find_all(0, NULL, NULL);
    ck_assert(p.found == 0 && p.requests == 1);
    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_DATA);
    sample_text(&t, CKA_OBJECT_ID, "c");
    p = find_all(0, NULL, NULL);
    ck_assert_uint_eq(p.found, (objects - 3) / KINDS + 1);
    ck_assert_uint_le(p.requests, objects / FIND_IDS_MAX + 1);
    tell("by what is not indexed", p);
    sample_start(&t);
    p = find_all(0, NULL, NULL);
    ck_assert_uint_eq(p.found, objects);
    ck_assert_uint_le(p.requests, objects / FIND_IDS_MAX + 1);
    tell("all", p);
    end();
}
END_TEST

/* After each page two objects of those that were there at first go, one before the cursor and one behind it, and one comes. */
static void come_and_go(unsigned page)
{
    unsigned before = page * 2, behind = objects - page * 2;

    if (page > 20)
        return;
    stage_destroy(owner_of(before), ids[before], ERR_OK);
    stage_destroy(owner_of(behind), ids[behind], ERR_OK);
    ids[before] = ids[behind] = 0;
    make(objects + page);
}

static void ck_come_and_go(void)
{
    bool *seen;
    unsigned lost = 0;

    start();
    seen = calloc(objects, sizeof *seen);
    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_DATA);
    find_all(30, come_and_go, seen);
    for (unsigned i = 0; i < objects; i++)
        lost += ids[i] != 0 && !seen[i];
    ck_assert_uint_eq(lost, 0);
    free(seen);
    end();
}

START_TEST(test_objects_that_come_and_go_hide_none_that_stays)
{
    mixed = false;
    ck_come_and_go();
}
END_TEST

START_TEST(test_nor_do_those_of_others_beside_ones_own)
{
    mixed = true;
    ck_come_and_go();
    mixed = false;
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_work_of_a_request_does_not_grow_with_the_objects,
        &test_objects_that_come_and_go_hide_none_that_stays,
        &test_nor_do_those_of_others_beside_ones_own,
        NULL,
    };

    return suite_of("find_many", 1200, tests);
}
