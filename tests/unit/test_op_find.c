/* Searches by requests: by what, whose, in which order, in how many pages. */
#include <stdio.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "proto/attribute.h"
#include "proto/limits.h"
#include "tests/unit/certificates.h"
#include "tests/unit/object_stage.h"
#include "tests/unit/runner.h"

enum { IDS_MAX = 512 };

static struct sample_template t, wanted;

static uint64_t make_data(enum who who, const char *label, const char *application, bool is_private)
{
    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_DATA);
    sample_text(&t, CKA_LABEL, label);
    sample_text(&t, CKA_APPLICATION, application);
    sample_bool(&t, CKA_TOKEN, true);
    sample_bool(&t, CKA_PRIVATE, is_private);
    return stage_one(stage_create(who, &t, ERR_OK))->id;
}

/* All pages, each of at most `limit`; ids in the order in which they came. */
static size_t find_all(enum who who, uint32_t limit, uint64_t ids[IDS_MAX], size_t *pages)
{
    uint64_t after = 0;
    size_t n = 0, descents = 0;

    *pages = 0;
    do {
        const Hsm__ObjectsReply *reply = stage_find(who, &wanted, after, limit);
        ck_assert_uint_le(reply->n_objects, limit == 0 ? FIND_IDS_MAX : limit);
        for (size_t i = 0; i < reply->n_objects; i++) {
            ck_assert_uint_lt(n, IDS_MAX);
            ids[n++] = reply->objects[i]->id;
        }
        ck_assert(reply->next_after_id == 0 || reply->next_after_id > after);
        after = reply->next_after_id;
        (*pages)++;
    } while (after != 0);
    for (size_t i = 1; i < n; i++) {
        ck_assert_uint_ne(ids[i - 1], ids[i]);
        descents += ids[i - 1] > ids[i];
    }
    ck_assert_uint_le(descents, 1); /* from the user's own to others' */
    return n;
}

static size_t count(enum who who)
{
    uint64_t ids[IDS_MAX];
    size_t pages;
    return find_all(who, 0, ids, &pages);
}

START_TEST(test_key_is_found_by_each_of_its_values)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    const Hsm__Object *made;
    stage_open();
    sample_private(&t, key, true);
    sample_bool(&t, CKA_TOKEN, true);
    sample_text(&t, CKA_LABEL, "the key");
    sample_text(&t, CKA_ID, "\x01\x02");
    sample_text(&t, CKA_SUBJECT, "a subject");
    made = stage_one(stage_create(ALICE, &t, ERR_OK));
    make_data(ALICE, "another thing", "", true);
    for (size_t i = 0; i < made->n_attributes; i++) {
        const Hsm__Attribute *a = made->attributes[i];
        bool shared = a->type == CKA_TOKEN || a->type == CKA_PRIVATE || a->type == CKA_MODIFIABLE ||
                      a->type == CKA_COPYABLE || a->type == CKA_DESTROYABLE;
        sample_start(&wanted);
        sample_bytes(&wanted, a->type, a->value.data, a->value.len);
        ck_assert_msg(count(ALICE) == (shared ? 2 : 1), "%s", attribute_find(a->type)->name);
        ck_assert_uint_eq(stage_find(ALICE, &wanted, 0, 0)->objects[0]->id, made->id);
    }
    EVP_PKEY_free(key);
    stage_close();
}
END_TEST

START_TEST(test_search_needs_all_values_to_fit)
{
    stage_open();
    make_data(ALICE, "one", "program", true);
    make_data(ALICE, "two", "program", true);
    sample_start(&wanted);
    sample_text(&wanted, CKA_APPLICATION, "program");
    ck_assert_uint_eq(count(ALICE), 2);
    sample_text(&wanted, CKA_LABEL, "two");
    ck_assert_uint_eq(count(ALICE), 1);
    sample_ulong(&wanted, CKA_CLASS, CKO_SECRET_KEY);
    ck_assert_uint_eq(count(ALICE), 0);
    stage_close();
}
END_TEST

START_TEST(test_everybody_finds_what_they_may_see)
{
    stage_open();
    make_data(ALICE, "x", "", true);
    make_data(ALICE, "x", "", false);
    make_data(BOB, "x", "", true);
    make_data(BOB, "x", "", false);
    sample_start(&wanted);
    ck_assert_uint_eq(count(ALICE), 3);
    ck_assert_uint_eq(count(BOB), 3);
    ck_assert_uint_eq(count(ADMIN), 2);
    ck_assert_uint_eq(count(NOBODY), 2);
    sample_text(&wanted, CKA_LABEL, "x");
    ck_assert_uint_eq(count(ALICE), 3);
    sample_bool(&wanted, CKA_PRIVATE, true);
    ck_assert_uint_eq(count(ALICE), 1);
    ck_assert_uint_eq(count(NOBODY), 0);
    sample_start(&wanted);
    sample_bool(&wanted, CKA_PRIVATE, false);
    ck_assert_uint_eq(count(ALICE), 2);
    stage_close();
}
END_TEST

static void make_secret(enum who who, bool is_private)
{
    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_SECRET_KEY);
    sample_ulong(&t, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
    sample_text(&t, CKA_VALUE, "whose else than mine");
    sample_text(&t, CKA_LABEL, "x");
    sample_bool(&t, CKA_TOKEN, true);
    sample_bool(&t, CKA_PRIVATE, is_private);
    stage_create(who, &t, ERR_OK);
}

static void ck_found(size_t alice, size_t bob, size_t nobody)
{
    ck_assert_uint_eq(count(ALICE), alice);
    ck_assert_uint_eq(count(BOB), bob);
    ck_assert_uint_eq(count(NOBODY), nobody);
    ck_assert_uint_eq(count(ADMIN), nobody);
}

/* CKA_PRIVATE is what the template has said of a key, and who sees it is another thing (docs/decisions/011). */
START_TEST(test_keys_that_are_not_private_are_found_by_their_owner)
{
    stage_open();
    make_data(ALICE, "x", "", false);
    make_data(ALICE, "x", "", true);
    make_data(BOB, "x", "", false);
    for (int i = 0; i < 3; i++)
        make_secret(ALICE, i == 0);
    make_secret(BOB, false);
    for (int by_label = 0; by_label < 2; by_label++) {
        static const struct {
            CK_OBJECT_CLASS object_class;
            size_t alice[3], bob[3], nobody[3]; /* CKA_PRIVATE false, true, not said */
        } rows[] = {{CKO_SECRET_KEY, {2, 1, 3}, {1, 0, 1}, {0, 0, 0}},
                    {CKO_DATA, {2, 1, 3}, {2, 0, 2}, {2, 0, 2}},
                    {CK_UNAVAILABLE_INFORMATION, {4, 2, 6}, {3, 0, 3}, {2, 0, 2}}};
        for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
            for (int is_private = 0; is_private < 3; is_private++) {
                sample_start(&wanted);
                if (by_label)
                    sample_text(&wanted, CKA_LABEL, "x");
                if (rows[r].object_class != CK_UNAVAILABLE_INFORMATION)
                    sample_ulong(&wanted, CKA_CLASS, rows[r].object_class);
                if (is_private < 2)
                    sample_bool(&wanted, CKA_PRIVATE, is_private == 1);
                ck_found(rows[r].alice[is_private], rows[r].bob[is_private], rows[r].nobody[is_private]);
            }
        }
    }
    stage_close();
}
END_TEST

static bool is_among(uint64_t id, const uint64_t *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == id)
            return true;
    return false;
}

static const uint32_t limits[] = {0, 1, 7, 63, 64};

/* Own and public objects in a mix, the user's own first, found in order of ids whatever the size of a page, each of them once. */
START_TEST(test_pages_hold_every_object_once_and_in_order)
{
    uint64_t made[WHO_N][200], found[IDS_MAX];
    size_t n[WHO_N] = {0}, pages;
    stage_open();
    for (size_t i = 0; i < 200; i++) {
        bool is_private = i % 3 != 0 && (i < 80 || i > 150);
        enum who owner = i % 5 == 0 ? BOB : ALICE;
        uint64_t id = make_data(owner, "many", "", is_private);
        made[owner][n[owner]++] = id;
        if (!is_private)
            made[NOBODY][n[NOBODY]++] = id;
    }
    sample_start(&wanted);
    sample_text(&wanted, CKA_LABEL, "many");
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        for (enum who who = NOBODY; who < WHO_N; who++) {
            size_t own = who == ALICE || who == BOB ? n[who] : 0, at = own, all = find_all(who, limits[i], found, &pages);
            ck_assert_mem_eq(found, made[who], own * sizeof found[0]);
            for (size_t k = 0; k < n[NOBODY]; k++) /* then those that everybody sees, but for the own ones */
                if (own == 0 || !is_among(made[NOBODY][k], made[who], own))
                    ck_assert_uint_eq(found[at++], made[NOBODY][k]);
            ck_assert_uint_eq(at, all);
        }
    }
    stage_close();
}
END_TEST

/* Whoever has given his objects the same label, and however many: a program that takes the first takes its own. */
START_TEST(test_own_objects_come_before_those_of_others)
{
    static const size_t crowds[] = {1, 40, 63, 64, 65, 150};
    uint64_t found[IDS_MAX], own;
    size_t before, pages;
    for (size_t c = 0; c < sizeof crowds / sizeof crowds[0]; c++) {
        stage_open();
        for (before = 0; before < crowds[c]; before++)
            make_data(BOB, "web", "", false);
        own = make_data(ALICE, "web", "", false);
        make_data(BOB, "web", "", true);
        make_data(BOB, "web", "", false);
        sample_start(&wanted);
        sample_text(&wanted, CKA_LABEL, "web");
        for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
            ck_assert_uint_eq(find_all(ALICE, limits[i], found, &pages), before + 2);
            ck_assert_uint_eq(found[0], own);
        }
        ck_assert_uint_eq(find_all(NOBODY, 0, found, &pages), before + 2);
        stage_close();
    }
}
END_TEST

/* The second way is gone only where the first has met objects of others that fit. */
START_TEST(test_search_that_meets_no_others_is_done_at_once)
{
    uint64_t found[IDS_MAX];
    size_t pages;
    stage_open();
    for (size_t i = 0; i < 130; i++)
        make_data(i % 2 == 0 ? ALICE : BOB, "many", i % 2 == 0 ? "alice's" : "bob's", false);
    sample_start(&wanted);
    sample_text(&wanted, CKA_LABEL, "many");
    sample_text(&wanted, CKA_APPLICATION, "alice's");
    ck_assert_uint_eq(find_all(ALICE, 0, found, &pages), 65);
    ck_assert_uint_eq(pages, 3);
    ck_assert_uint_eq(find_all(BOB, 0, found, &pages), 65);
    ck_assert_uint_eq(pages, 6);
    stage_close();
}
END_TEST

START_TEST(test_search_by_what_is_not_indexed_goes_on_page_by_page)
{
    uint64_t found[IDS_MAX], last = 0;
    size_t pages;
    stage_open();
    for (size_t i = 0; i < 150; i++)
        last = make_data(ALICE, "many", i == 149 ? "rare" : "common", true);
    sample_start(&wanted);
    sample_text(&wanted, CKA_APPLICATION, "rare");
    ck_assert_uint_eq(find_all(ALICE, 0, found, &pages), 1);
    ck_assert_uint_eq(found[0], last);
    ck_assert_uint_eq(pages, 3);
    stage_close();
}
END_TEST

START_TEST(test_page_of_large_objects_fits_a_frame)
{
    static uint8_t large[ATTRIBUTE_BYTES_MAX];
    uint64_t found[IDS_MAX];
    size_t pages;
    stage_open();
    for (size_t i = 0; i < 30; i++) {
        sample_start(&t);
        sample_ulong(&t, CKA_CLASS, CKO_DATA);
        sample_bool(&t, CKA_TOKEN, true);
        sample_bytes(&t, CKA_VALUE, large, sizeof large);
        stage_create(ALICE, &t, ERR_OK);
    }
    sample_start(&wanted);
    ck_assert_uint_eq(find_all(ALICE, 0, found, &pages), 30);
    ck_assert(pages >= 4 && pages <= 5);
    stage_close();
}
END_TEST

START_TEST(test_search_takes_one_round_of_questions)
{
    unsigned before;
    stage_open();
    for (int i = 0; i < 10; i++)
        make_data(ALICE, "ten", "", i % 2 == 0);
    sample_start(&wanted);
    sample_text(&wanted, CKA_LABEL, "ten");
    before = local_node_needs(stage_node());
    ck_assert_uint_eq(stage_find(ALICE, &wanted, 0, 0)->n_objects, 10);
    ck_assert_uint_eq(local_node_needs(stage_node()), before + 1);
    stage_close();
}
END_TEST

START_TEST(test_search_for_what_cannot_be_asks_nothing)
{
    unsigned before;
    stage_open();
    make_data(ALICE, "x", "", false);
    before = local_node_needs(stage_node());
    sample_start(&wanted);
    sample_text(&wanted, 0x80004321, "x");
    ck_assert_uint_eq(count(ALICE), 0);
    sample_start(&wanted);
    sample_bool(&wanted, CKA_TOKEN, false);
    ck_assert_uint_eq(count(ALICE), 0);
    ck_assert_uint_eq(local_node_needs(stage_node()), before);
    sample_start(&wanted);
    sample_ulong(&wanted, CKA_CLASS, CKO_PROFILE);
    ck_assert_uint_eq(count(NOBODY), 0);
    stage_close();
}
END_TEST

START_TEST(test_search_cannot_guess_a_closed_keys_value)
{
    stage_open();
    for (int open = 0; open < 2; open++) {
        sample_start(&t);
        sample_ulong(&t, CKA_CLASS, CKO_SECRET_KEY);
        sample_ulong(&t, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
        sample_bool(&t, CKA_TOKEN, true);
        sample_text(&t, CKA_VALUE, "the very secret");
        sample_bool(&t, CKA_SENSITIVE, !open);
        sample_bool(&t, CKA_EXTRACTABLE, open);
        stage_create(ALICE, &t, ERR_OK);
        sample_start(&wanted);
        sample_text(&wanted, CKA_VALUE, "the very secret");
        ck_assert_uint_eq(count(ALICE), open ? 1 : 0);
    }
    stage_close();
}
END_TEST

START_TEST(test_certificate_is_found_by_issuer_and_serial_number)
{
    EVP_PKEY *key = test_key_new();
    const Hsm__Object *made[3];
    stage_open();
    for (int i = 0; i < 3; i++) {
        X509 *cert = test_certificate_new("somebody", key, NULL, NULL);
        uint8_t *der = NULL;
        int n = i2d_X509(cert, &der);
        sample_start(&t);
        sample_ulong(&t, CKA_CLASS, CKO_CERTIFICATE);
        sample_ulong(&t, CKA_CERTIFICATE_TYPE, CKC_X_509);
        sample_bytes(&t, CKA_VALUE, der, (size_t)n);
        sample_bytes(&t, CKA_SERIAL_NUMBER, (uint8_t[]){2, 1, (uint8_t)(i + 1)}, 3);
        sample_bool(&t, CKA_TOKEN, true);
        made[i] = stage_one(stage_create(ALICE, &t, ERR_OK));
        OPENSSL_free(der);
        X509_free(cert);
    }
    sample_start(&wanted);
    sample_bytes(&wanted, CKA_ISSUER, stage_value(made[1], CKA_ISSUER)->data, stage_value(made[1], CKA_ISSUER)->len);
    ck_assert_uint_eq(count(NOBODY), 3);
    sample_bytes(&wanted, CKA_SERIAL_NUMBER, (uint8_t[]){2, 1, 2}, 3);
    ck_assert_uint_eq(count(NOBODY), 1);
    ck_assert_uint_eq(stage_find(NOBODY, &wanted, 0, 0)->objects[0]->id, made[1]->id);
    EVP_PKEY_free(key);
    stage_close();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_key_is_found_by_each_of_its_values,
        &test_search_needs_all_values_to_fit,
        &test_everybody_finds_what_they_may_see,
        &test_keys_that_are_not_private_are_found_by_their_owner,
        &test_pages_hold_every_object_once_and_in_order,
        &test_own_objects_come_before_those_of_others,
        &test_search_that_meets_no_others_is_done_at_once,
        &test_search_by_what_is_not_indexed_goes_on_page_by_page,
        &test_page_of_large_objects_fits_a_frame,
        &test_search_takes_one_round_of_questions,
        &test_search_for_what_cannot_be_asks_nothing,
        &test_search_cannot_guess_a_closed_keys_value,
        &test_certificate_is_found_by_issuer_and_serial_number,
        NULL,
    };

    return suite_of("op_find", 120, tests);
}
