/* Facts are believed as far as their seals go; what is wanted, and how much of it, is bounded. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/runner.h"
#include "vault/facts.h"
#include "vault/record.h"

static struct master *master, *strange_master;
static struct cluster_view view;
static struct facts_proof proof;
static struct facts facts;

static void setup(void)
{
    memset(&view, 0, sizeof view);
    memset(&facts, 0, sizeof facts);
    ck_assert_int_eq(master_new(NULL, &master), ERR_OK);
    ck_assert_int_eq(master_add(master, 1, NULL), ERR_OK);
    ck_assert_int_eq(master_new(NULL, &strange_master), ERR_OK);
    ck_assert_int_eq(master_add(strange_master, 1, NULL), ERR_OK);
    memcpy(view.cluster_id, "the right cluster", sizeof view.cluster_id);
    view.master = master;
    proof = (struct facts_proof){.view = &view, .seen = seen_new(), .cache = record_cache_new()};
}

static void teardown(void)
{
    facts_clear(&facts);
    seen_free(proof.seen);
    record_cache_free(proof.cache);
    master_free(master);
    master_free(strange_master);
}

static struct buffer sealed(const struct master *by, const char *cluster, uint64_t id, uint64_t version, const char *text)
{
    Hsm__RecordHeader header = HSM__RECORD_HEADER__INIT;
    struct buffer packed = {0};

    header.cluster_id = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)cluster, .len = 16};
    header.id = id;
    header.kind = HSM__RECORD_KIND__RECORD_USER;
    header.version = version;
    ck_assert_int_eq(record_seal(by, &header, (const uint8_t *)text, strlen(text), &packed), ERR_OK);
    return packed;
}

static enum err add(struct buffer *record)
{
    ProtobufCBinaryData bytes = {.data = record->data, .len = record->len};
    Hsm__Facts f = HSM__FACTS__INIT;

    f.records = &bytes;
    f.n_records = 1;
    return facts_add(&facts, &f);
}

static enum err add_and_clear(struct buffer record)
{
    enum err e = add(&record);
    buffer_clear(&record);
    return e;
}

static enum err look(uint64_t id)
{
    struct fact *r;
    return facts_record(&facts, &proof, id, &r);
}

START_TEST(test_record_is_asked_for_once_and_then_open)
{
    struct fact *r;

    setup();
    ck_assert(!facts_wants(&facts));
    ck_assert_int_eq(look(5), ERR_NEED);
    ck_assert_int_eq(look(5), ERR_NEED);
    ck_assert_int_eq(look(6), ERR_NEED);
    ck_assert_uint_eq(facts.n_wanted, 2);
    ck_assert_int_eq(add_and_clear(sealed(master, "the right cluster", 5, 3, "text")), ERR_OK);
    facts_unuse(&facts);
    ck_assert_int_eq(facts_record(&facts, &proof, 5, &r), ERR_OK);
    ck_assert(!r->absent && r->used);
    ck_assert_uint_eq(r->version, 3);
    ck_assert_uint_eq(r->record->header->kind, HSM__RECORD_KIND__RECORD_USER);
    ck_assert_mem_eq(r->record->text.bytes, "text", 4);
    teardown();
}
END_TEST

START_TEST(test_record_of_strange_keys_or_another_cluster_is_forged_however_often_it_is_looked_at)
{
    setup();
    ck_assert_int_eq(add_and_clear(sealed(strange_master, "the right cluster", 5, 1, "text")), ERR_OK);
    ck_assert_int_eq(add_and_clear(sealed(master, "another cluster!!", 6, 1, "text")), ERR_OK);
    ck_assert_int_eq(add_and_clear(sealed(master, "the right cluster", 7, 0, "text")), ERR_OK);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(look(5), ERR_FORGED);
        ck_assert_int_eq(look(6), ERR_FORGED);
        ck_assert_int_eq(look(7), ERR_FORGED);
    }
    for (size_t i = 0; i < facts.n_records; i++)
        ck_assert(!facts.records[i].used);
    teardown();
}
END_TEST

/* The seal's last bytes name what was opened before: so one who leaves those alone and alters all else gains nothing. */
START_TEST(test_altered_record_is_not_believed_for_its_tag)
{
    struct buffer genuine, altered = {0};
    struct fact *r;

    setup();
    genuine = sealed(master, "the right cluster", 5, 1, "genuine text");
    ck_assert(buffer_put(&altered, genuine.data, genuine.len));
    altered.data[altered.len - 20] ^= 1;
    ck_assert_int_eq(add(&genuine), ERR_OK);
    ck_assert_int_eq(look(5), ERR_OK);
    facts_clear(&facts);
    ck_assert_int_eq(add(&altered), ERR_OK); /* met in the cache: what is shown is what was opened */
    ck_assert_int_eq(facts_record(&facts, &proof, 5, &r), ERR_OK);
    ck_assert_mem_eq(r->record->text.bytes, "genuine text", 12);
    facts_clear(&facts);
    record_cache_forget(proof.cache, 5);
    ck_assert_int_eq(add(&altered), ERR_OK);
    ck_assert_int_eq(look(5), ERR_FORGED);
    buffer_clear(&genuine);
    buffer_clear(&altered);
    teardown();
}
END_TEST

START_TEST(test_record_that_another_thread_has_overtaken_is_asked_for_again)
{
    setup();
    ck_assert(seen_note(proof.seen, 5, 4));
    ck_assert_int_eq(add_and_clear(sealed(master, "the right cluster", 5, 3, "old")), ERR_OK);
    ck_assert_int_eq(look(5), ERR_NEED);
    ck_assert_uint_eq(facts.n_wanted, 1);
    ck_assert_uint_eq(facts.wanted[0], 5);
    ck_assert_int_eq(add_and_clear(sealed(master, "the right cluster", 5, 4, "new")), ERR_OK);
    ck_assert_int_eq(look(5), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_record_that_is_old_each_time_is_stale)
{
    enum err e = ERR_NEED;
    unsigned rounds = 0;

    setup();
    ck_assert(seen_note(proof.seen, 5, 4));
    while (e == ERR_NEED && rounds++ < 10) {
        facts_unuse(&facts);
        ck_assert_int_eq(add_and_clear(sealed(master, "the right cluster", 5, 3, "old")), ERR_OK);
        e = look(5);
    }
    ck_assert_int_eq(e, ERR_STALE);
    ck_assert_uint_le(rounds, NEED_ROUNDS_MAX);
    teardown();
}
END_TEST

START_TEST(test_what_a_round_said_of_a_record_stays)
{
    struct fact *r;
    uint64_t absent = 5;
    Hsm__Facts f = HSM__FACTS__INIT;

    setup();
    f.absent = &absent;
    f.n_absent = 1;
    ck_assert_int_eq(add_and_clear(sealed(master, "the right cluster", 5, 3, "first")), ERR_OK);
    ck_assert_int_eq(add_and_clear(sealed(master, "the right cluster", 5, 4, "second")), ERR_OK);
    ck_assert_int_eq(facts_add(&facts, &f), ERR_OK);
    ck_assert_int_eq(facts_record(&facts, &proof, 5, &r), ERR_OK);
    ck_assert_uint_eq(r->version, 3);
    facts_drop(&facts, 5);
    ck_assert_int_eq(facts_add(&facts, &f), ERR_OK);
    ck_assert_int_eq(facts_record(&facts, &proof, 5, &r), ERR_OK);
    ck_assert(r->absent && r->used);
    ck_assert_uint_eq(r->version, 0);
    teardown();
}
END_TEST

START_TEST(test_no_more_is_wanted_in_a_round_than_its_limit)
{
    setup();
    for (uint64_t id = 1; id <= NEED_IDS_MAX; id++)
        ck_assert_int_eq(facts_want(&facts, id), ERR_NEED);
    ck_assert_int_eq(facts_want(&facts, NEED_IDS_MAX + 1), ERR_LIMIT);
    ck_assert_int_eq(facts_want(&facts, 1), ERR_NEED);
    teardown();
}
END_TEST

START_TEST(test_no_more_records_are_held_than_can_have_been_asked_for)
{
    uint64_t absent[FACTS_RECORDS_MAX + 1];
    Hsm__Facts f = HSM__FACTS__INIT;

    setup();
    for (size_t i = 0; i < FACTS_RECORDS_MAX + 1; i++)
        absent[i] = i + 1;
    f.absent = absent;
    f.n_absent = FACTS_RECORDS_MAX + 1;
    ck_assert_int_eq(facts_add(&facts, &f), ERR_MALFORMED);
    ck_assert_uint_le(facts.n_records, FACTS_RECORDS_MAX);
    teardown();
}
END_TEST

/* ---- lookups */

static const uint8_t token[INDEX_TOKEN_BYTES] = "fifteen letters";

static enum err answer_lookup(const uint8_t *t, size_t t_bytes, const uint64_t *ids, size_t n)
{
    Hsm__Found found = HSM__FOUND__INIT, *list = &found;
    Hsm__Facts f = HSM__FACTS__INIT;

    found.token = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)t, .len = t_bytes};
    found.ids = (uint64_t *)(uintptr_t)ids;
    found.n_ids = n;
    f.found = &list;
    f.n_found = 1;
    return facts_add(&facts, &f);
}

START_TEST(test_lookup_is_asked_for_and_answered)
{
    static const uint64_t ids[] = {11, 12, 40};
    const struct found *found;

    setup();
    ck_assert_int_eq(facts_lookup(&facts, token, 10, 8, &found), ERR_NEED);
    ck_assert(facts_wants(&facts));
    ck_assert_int_eq(answer_lookup(token, sizeof token, ids, 3), ERR_OK);
    ck_assert(!facts_wants(&facts));
    ck_assert_int_eq(facts_lookup(&facts, token, 10, 8, &found), ERR_OK);
    ck_assert_uint_eq(found->n, 3);
    ck_assert_uint_eq(found->ids[2], 40);
    ck_assert_int_eq(facts_lookup(&facts, token, 40, 8, &found), ERR_NEED); /* the next page is another question */
    teardown();
}
END_TEST

/* What a search finds is of one moment. Were only the record read anew, that was destroyed meanwhile, say, it would be missing in a list
 * that lacks what was made before. */
START_TEST(test_search_of_a_record_that_was_overtaken_is_made_anew)
{
    static const uint64_t ids[] = {5, 6}, later[] = {5, 8};
    const struct found *found;

    setup();
    ck_assert(seen_note(proof.seen, 6, 4));
    ck_assert_int_eq(look(3), ERR_NEED);
    ck_assert_int_eq(facts_lookup(&facts, token, 0, 10, &found), ERR_NEED);
    ck_assert_int_eq(answer_lookup(token, sizeof token, ids, 2), ERR_OK);
    ck_assert_int_eq(add_and_clear(sealed(master, "the right cluster", 3, 1, "no part of it")), ERR_OK);
    ck_assert_int_eq(add_and_clear(sealed(master, "the right cluster", 5, 1, "of then")), ERR_OK);
    ck_assert_int_eq(add_and_clear(sealed(master, "the right cluster", 6, 3, "of then")), ERR_OK);
    facts_unuse(&facts);
    ck_assert_int_eq(facts_lookup(&facts, token, 0, 10, &found), ERR_OK);
    ck_assert_int_eq(look(3), ERR_OK);
    ck_assert_int_eq(look(5), ERR_OK);
    ck_assert_int_eq(look(6), ERR_NEED);
    ck_assert(facts_wants(&facts));
    facts_unuse(&facts);
    ck_assert_int_eq(facts_lookup(&facts, token, 0, 10, &found), ERR_NEED);
    ck_assert_int_eq(look(3), ERR_OK);
    ck_assert_int_eq(answer_lookup(token, sizeof token, later, 2), ERR_OK);
    ck_assert_int_eq(add_and_clear(sealed(master, "the right cluster", 5, 2, "of now")), ERR_OK);
    ck_assert_int_eq(add_and_clear(sealed(master, "the right cluster", 8, 1, "of now")), ERR_OK);
    ck_assert_int_eq(facts_lookup(&facts, token, 0, 10, &found), ERR_OK);
    ck_assert_uint_eq(found->ids[1], 8);
    ck_assert_int_eq(look(5), ERR_OK);
    ck_assert_int_eq(look(8), ERR_OK);
    ck_assert(!facts_wants(&facts));
    teardown();
}
END_TEST

START_TEST(test_answer_that_answers_no_question_is_malformed)
{
    static const uint64_t below[] = {10, 11}, twice[] = {11, 11}, many[] = {11, 12, 13};
    static const uint8_t other[INDEX_TOKEN_BYTES] = "another token!!";
    const struct found *found;

    setup();
    ck_assert_int_eq(answer_lookup(token, sizeof token, many, 3), ERR_MALFORMED);
    ck_assert_int_eq(facts_lookup(&facts, token, 10, 2, &found), ERR_NEED);
    ck_assert_int_eq(answer_lookup(other, sizeof other, many, 1), ERR_MALFORMED);
    ck_assert_int_eq(answer_lookup(token, sizeof token - 1, many, 1), ERR_MALFORMED);
    ck_assert_int_eq(answer_lookup(token, sizeof token, below, 2), ERR_MALFORMED);
    ck_assert_int_eq(answer_lookup(token, sizeof token, twice, 2), ERR_MALFORMED);
    ck_assert_int_eq(answer_lookup(token, sizeof token, many, 3), ERR_MALFORMED);
    ck_assert_int_eq(facts_lookup(&facts, token, 10, 2, &found), ERR_NEED);
    ck_assert_int_eq(answer_lookup(token, sizeof token, many, 2), ERR_OK);
    ck_assert_int_eq(answer_lookup(token, sizeof token, many, 1), ERR_MALFORMED); /* answered already */
    teardown();
}
END_TEST

START_TEST(test_lookups_are_bounded_in_number_and_length)
{
    const struct found *found;

    setup();
    ck_assert_int_eq(facts_lookup(&facts, token, 0, 0, &found), ERR_LIMIT);
    ck_assert_int_eq(facts_lookup(&facts, token, 0, FIND_IDS_MAX + 1, &found), ERR_LIMIT);
    for (uint64_t after = 0; after < FACTS_LOOKUPS_MAX; after++)
        ck_assert_int_eq(facts_lookup(&facts, token, after, FIND_IDS_MAX, &found), ERR_NEED);
    ck_assert_int_eq(facts_lookup(&facts, token, FACTS_LOOKUPS_MAX, FIND_IDS_MAX, &found), ERR_LIMIT);
    teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_record_is_asked_for_once_and_then_open,
        &test_record_of_strange_keys_or_another_cluster_is_forged_however_often_it_is_looked_at,
        &test_altered_record_is_not_believed_for_its_tag, &test_record_that_another_thread_has_overtaken_is_asked_for_again,
        &test_record_that_is_old_each_time_is_stale, &test_search_of_a_record_that_was_overtaken_is_made_anew,
        &test_what_a_round_said_of_a_record_stays,
        &test_no_more_is_wanted_in_a_round_than_its_limit, &test_no_more_records_are_held_than_can_have_been_asked_for,
        &test_lookup_is_asked_for_and_answered, &test_answer_that_answers_no_question_is_malformed,
        &test_lookups_are_bounded_in_number_and_length, NULL};
    return suite_of("facts", 30, tests);
}
