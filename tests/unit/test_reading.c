/* Facts from one transaction: what a search finds comes with its records. */
#include "daemon/reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/draft.h"
#include "tests/unit/local_store.h"
#include "tests/unit/runner.h"

static struct local_store s;
static struct reading r;
static const char token_a[] = "token-aaaaaaaaaa", token_b[] = "token-bbbbbbbbbb";

static void apply(const struct draft *d)
{
    uint8_t packed[8192];
    struct buffer outcome = {0};
    local_store_apply(&s, packed, draft_pack(d, packed), true, 1, &outcome);
    buffer_clear(&outcome);
}

static void put(uint64_t id, const char *token)
{
    char name[16];
    struct draft d;
    snprintf(name, sizeof name, "put-%u", (unsigned)id);
    d = draft_new(s.index, name);
    draft_put(&d, id, 1, HSM__RECORD_KIND__RECORD_GRANT, 0, token);
    apply(&d);
}

static void begin(void)
{
    memset(&r, 0, sizeof r);
    hsm__facts__init(&r.facts);
    r.facts.records = r.records;
    r.facts.absent = r.absent;
    r.reader.store = &s.store;
    ck_assert_int_eq(store_read(&s.store, &r.reader.txn), ERR_OK);
}

static void setup(void)
{
    struct draft claim;
    local_store_open(&s);
    claim = draft_new(s.index, "claim");
    claim.lease = ID_BLOCK;
    draft_put(&claim, 1, 1, HSM__RECORD_KIND__RECORD_CLUSTER, 0, NULL);
    apply(&claim);
}

static void teardown(void)
{
    free(r.founds);
    free(r.found_list);
    free(r.found_ids);
    mdb_txn_abort(r.reader.txn);
    local_store_close(&s);
}

static void look_up(Hsm__Lookup *l, const char *token)
{
    hsm__lookup__init(l);
    l->token = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)token, .len = STORE_TOKEN_BYTES};
    l->limit = FIND_IDS_MAX;
}

START_TEST(test_what_two_lookups_find_comes_along_once_in_order)
{
    Hsm__Lookup a, b, *both[] = {&a, &b};
    setup();
    put(5, token_b);
    put(3, token_a);
    put(9, token_a);
    begin();
    look_up(&a, token_a);
    look_up(&b, token_b);
    ck_assert_int_eq(reading_lookups(&r, both, 2), ERR_OK);
    ck_assert_int_eq(reading_found_records(&r), ERR_OK);
    ck_assert_uint_eq(r.facts.n_found, 2);
    ck_assert_uint_eq(r.facts.n_records, 3);
    ck_assert_uint_eq(r.facts.n_absent, 0);
    teardown();
}
END_TEST

START_TEST(test_more_than_there_is_room_for_is_left_to_be_asked_for)
{
    Hsm__Lookup a, *one[] = {&a};
    setup();
    for (uint64_t id = 2; id < 2 + FIND_IDS_MAX; id++)
        put(id, token_a);
    begin();
    look_up(&a, token_a);
    ck_assert_int_eq(reading_records(&r, (const uint64_t[]){1, 4000}, 2), ERR_OK);
    ck_assert_int_eq(reading_lookups(&r, one, 1), ERR_OK);
    ck_assert_int_eq(reading_found_records(&r), ERR_OK);
    ck_assert_uint_eq(r.facts.found[0]->n_ids, FIND_IDS_MAX);
    ck_assert_uint_eq(r.facts.n_records + r.facts.n_absent, NEED_IDS_MAX);
    teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_what_two_lookups_find_comes_along_once_in_order,
        &test_more_than_there_is_room_for_is_left_to_be_asked_for, NULL};
    return suite_of("reading", 30, tests);
}
