/* Objects by requests: made, looked at, destroyed; by their owner, by others, by nobody. */
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "proto/attribute.h"
#include "proto/limits.h"
#include "tests/unit/object_stage.h"
#include "tests/unit/runner.h"

static struct sample_template t;

static void start_data(const char *label, bool token, bool is_private)
{
    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_DATA);
    sample_text(&t, CKA_LABEL, label);
    sample_bool(&t, CKA_TOKEN, token);
    sample_bool(&t, CKA_PRIVATE, is_private);
}

static void start_ec_key(bool token)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    sample_private(&t, key, true);
    sample_bool(&t, CKA_TOKEN, token);
    EVP_PKEY_free(key);
}

static size_t seen(enum who who, uint64_t id)
{
    const Hsm__Reply *reply = stage_get(who, &id, 1, ERR_OK);
    return reply->objects->n_objects;
}

START_TEST(test_token_object_is_made_once_and_read_again)
{
    const Hsm__Object *made, *got;
    stage_open();
    start_data("a thing", true, true);
    made = stage_one(stage_create(ALICE, &t, ERR_OK));
    ck_assert(made->id != 0 && made->id < OBJECT_ID_LIMIT);
    ck_assert_uint_eq(made->version, 1);
    ck_assert_uint_eq(made->sealed.len, 0);
    got = stage_one(stage_get(ALICE, &made->id, 1, ERR_OK));
    ck_assert_uint_eq(got->n_attributes, made->n_attributes);
    ck_assert_mem_eq(stage_value(got, CKA_LABEL)->data, "a thing", 7);
    stage_close();
}
END_TEST

START_TEST(test_session_object_changes_nothing_in_the_cluster)
{
    const Hsm__Object *made;
    unsigned before;
    stage_open();
    before = local_node_proposals(stage_node());
    start_ec_key(false);
    made = stage_one(stage_create(ALICE, &t, ERR_OK));
    ck_assert_uint_eq(made->id, 0);
    ck_assert_uint_gt(made->sealed.len, 0);
    ck_assert_uint_eq(local_node_proposals(stage_node()), before);
    stage_close();
}
END_TEST

START_TEST(test_private_object_is_there_for_its_owner_alone)
{
    uint64_t id;
    stage_open();
    start_ec_key(true);
    id = stage_one(stage_create(ALICE, &t, ERR_OK))->id;
    ck_assert_uint_eq(seen(ALICE, id), 1);
    ck_assert_uint_eq(seen(BOB, id), 0);
    ck_assert_uint_eq(seen(ADMIN, id), 0);
    ck_assert_uint_eq(seen(NOBODY, id), 0);
    stage_close();
}
END_TEST

/* docs/decisions/011 */
START_TEST(test_key_is_its_owners_whatever_its_private_flag)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    stage_open();
    for (int secret = 0; secret < 2; secret++) {
        const Hsm__Object *made;
        if (!secret) {
            sample_private(&t, key, true);
        } else {
            sample_start(&t);
            sample_ulong(&t, CKA_CLASS, CKO_SECRET_KEY);
            sample_ulong(&t, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
            sample_text(&t, CKA_VALUE, "everybody could use this");
            sample_bool(&t, CKA_SENSITIVE, false);
            sample_bool(&t, CKA_EXTRACTABLE, true);
        }
        sample_bool(&t, CKA_TOKEN, true);
        sample_bool(&t, CKA_PRIVATE, false);
        made = stage_one(stage_create(ALICE, &t, ERR_OK));
        ck_assert_uint_eq(stage_value(made, CKA_PRIVATE)->data[0], 0);
        ck_assert_uint_eq(seen(ALICE, made->id), 1);
        ck_assert_uint_eq(seen(BOB, made->id), 0);
        ck_assert_uint_eq(seen(ADMIN, made->id), 0);
        ck_assert_uint_eq(seen(NOBODY, made->id), 0);
        stage_destroy(BOB, made->id, ERR_OBJECT_HANDLE);
        stage_destroy(ALICE, made->id, ERR_OK);
    }
    EVP_PKEY_free(key);
    stage_close();
}
END_TEST

START_TEST(test_public_object_is_there_for_everybody)
{
    uint64_t id;
    stage_open();
    start_data("for all", true, false);
    id = stage_one(stage_create(ALICE, &t, ERR_OK))->id;
    for (int who = NOBODY; who < WHO_N; who++)
        ck_assert_uint_eq(seen((enum who)who, id), 1);
    stage_close();
}
END_TEST

START_TEST(test_no_reply_holds_a_closed_keys_secret)
{
    static const CK_ATTRIBUTE_TYPE parts[] = {CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2, CKA_EXPONENT_1,
                                              CKA_EXPONENT_2,
                                              CKA_COEFFICIENT};
    EVP_PKEY *key = sample_rsa();
    const Hsm__Object *made, *got;
    stage_open();
    for (int open = 0; open < 2; open++) {
        sample_private(&t, key, true);
        sample_bool(&t, CKA_TOKEN, true);
        sample_bool(&t, CKA_SENSITIVE, !open);
        sample_bool(&t, CKA_EXTRACTABLE, open);
        made = stage_one(stage_create(ALICE, &t, ERR_OK));
        got = stage_one(stage_get(ALICE, &made->id, 1, ERR_OK));
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
            ck_assert((stage_value(made, parts[i]) != NULL) == !!open &&
                      (stage_value(got, parts[i]) != NULL) == !!open);
            ck_assert(stage_hides(made, parts[i]) == !open && stage_hides(got, parts[i]) == !open);
        }
        ck_assert_ptr_nonnull(stage_value(got, CKA_MODULUS));
        ck_assert_ptr_nonnull(stage_value(got, CKA_PUBLIC_KEY_INFO));
    }
    EVP_PKEY_free(key);
    stage_close();
}
END_TEST

START_TEST(test_refused_template_is_told_by_its_attribute)
{
    const Hsm__Reply *reply;
    stage_open();
    start_ec_key(true);
    sample_bool(&t, CKA_LOCAL, true);
    reply = stage_create(ALICE, &t, ERR_ATTRIBUTE_READ_ONLY);
    ck_assert_ptr_nonnull(strstr(reply->detail, "CKA_LOCAL"));
    stage_close();
}
END_TEST

START_TEST(test_only_crypto_users_make_objects)
{
    stage_open();
    start_data("x", true, false);
    stage_create(ADMIN, &t, ERR_PERMISSION);
    stage_create(NOBODY, &t, ERR_NOT_LOGGED_IN);
    stage_destroy(ADMIN, stage_one(stage_create(ALICE, &t, ERR_OK))->id, ERR_PERMISSION);
    stage_close();
}
END_TEST

START_TEST(test_creation_whose_reply_is_lost_makes_one_object)
{
    uint64_t id;
    stage_open();
    start_data("once", true, true);
    local_node_faults(stage_node())->lose_replies = 1;
    id = stage_one(stage_create(ALICE, &t, ERR_OK))->id;
    sample_start(&t);
    ck_assert_uint_eq(stage_find(ALICE, &t, 0, 0)->n_objects, 1);
    ck_assert_uint_eq(stage_find(ALICE, &t, 0, 0)->objects[0]->id, id);
    stage_close();
}
END_TEST

START_TEST(test_creation_outlives_conflicts)
{
    EVP_PKEY *key = sample_rsa();
    stage_open();
    sample_private(&t, key, true);
    sample_bool(&t, CKA_TOKEN, true);
    local_node_faults(stage_node())->conflicts = CONFLICT_RETRIES_MAX;
    ck_assert_uint_ne(stage_one(stage_create(ALICE, &t, ERR_OK))->id, 0);
    sample_start(&t);
    ck_assert_uint_eq(stage_find(ALICE, &t, 0, 0)->n_objects, 1);
    EVP_PKEY_free(key);
    stage_close();
}
END_TEST

START_TEST(test_destroyed_object_is_gone_for_good)
{
    uint64_t id;
    stage_open();
    start_data("short", true, true);
    id = stage_one(stage_create(ALICE, &t, ERR_OK))->id;
    stage_destroy(ALICE, id, ERR_OK);
    ck_assert_uint_eq(seen(ALICE, id), 0);
    stage_destroy(ALICE, id, ERR_OBJECT_HANDLE);
    sample_start(&t);
    ck_assert_uint_eq(stage_find(ALICE, &t, 0, 0)->n_objects, 0);
    stage_close();
}
END_TEST

START_TEST(test_destruction_whose_reply_is_lost_is_no_error)
{
    uint64_t id;
    stage_open();
    start_data("short", true, true);
    id = stage_one(stage_create(ALICE, &t, ERR_OK))->id;
    local_node_faults(stage_node())->lose_replies = 1;
    stage_destroy(ALICE, id, ERR_OK);
    ck_assert_uint_eq(seen(ALICE, id), 0);
    stage_close();
}
END_TEST

/* The same answer as for an object that never was, also where the object can be seen. */
START_TEST(test_anothers_object_cannot_be_destroyed)
{
    uint64_t mine, everybodys;
    stage_open();
    start_data("mine", true, true);
    mine = stage_one(stage_create(ALICE, &t, ERR_OK))->id;
    start_data("everybody's", true, false);
    everybodys = stage_one(stage_create(ALICE, &t, ERR_OK))->id;
    stage_destroy(BOB, mine, ERR_OBJECT_HANDLE);
    stage_destroy(BOB, everybodys, ERR_OBJECT_HANDLE);
    stage_destroy(BOB, everybodys + 100, ERR_OBJECT_HANDLE);
    stage_destroy(BOB, 1, ERR_OBJECT_HANDLE); /* the cluster's own record */
    ck_assert_uint_eq(seen(ALICE, mine) + seen(ALICE, everybodys), 2);
    stage_close();
}
END_TEST

START_TEST(test_object_that_is_not_destroyable_stays)
{
    uint64_t id;
    stage_open();
    start_data("stays", true, true);
    sample_bool(&t, CKA_DESTROYABLE, false);
    id = stage_one(stage_create(ALICE, &t, ERR_OK))->id;
    stage_destroy(ALICE, id, ERR_ACTION_PROHIBITED);
    ck_assert_uint_eq(seen(ALICE, id), 1);
    stage_close();
}
END_TEST

START_TEST(test_get_leaves_out_what_is_not_there_and_what_does_not_fit)
{
    static uint8_t large[ATTRIBUTE_BYTES_MAX];
    uint64_t ids[FIND_IDS_MAX + 1] = {0};
    const Hsm__ObjectsReply *reply;
    size_t got;
    stage_open();
    for (size_t i = 0; i < 12; i++) {
        start_data("large", true, true);
        sample_bytes(&t, CKA_VALUE, large, sizeof large);
        ids[i] = stage_one(stage_create(ALICE, &t, ERR_OK))->id;
    }
    ids[12] = ids[0] + 1000;
    reply = stage_get(ALICE, ids, FIND_IDS_MAX, ERR_OK)->objects;
    got = reply->n_objects;
    ck_assert(got >= 7 && got < 12);
    ck_assert_uint_eq(reply->next_after_id, ids[got - 1]);
    reply = stage_get(ALICE, ids + got, FIND_IDS_MAX - got, ERR_OK)->objects;
    ck_assert_uint_eq(got + reply->n_objects, 12);
    ck_assert_uint_eq(reply->next_after_id, 0);
    stage_get(ALICE, ids, FIND_IDS_MAX + 1, ERR_LIMIT);
    stage_close();
}
END_TEST

START_TEST(test_object_as_large_as_can_be_is_kept_and_a_larger_one_not)
{
    static uint8_t large[ATTRIBUTE_BYTES_MAX], text[ATTRIBUTE_BYTES_MAX];
    stage_open();
    memset(text, 'x', sizeof text);
    start_data("large", true, true);
    sample_bytes(&t, CKA_VALUE, large, sizeof large);
    sample_bytes(&t, CKA_APPLICATION, text, sizeof text - 1024);
    stage_create(ALICE, &t, ERR_OK);
    sample_bytes(&t, CKA_OBJECT_ID, large, 2048);
    stage_create(ALICE, &t, ERR_TOO_LARGE);
    stage_close();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_token_object_is_made_once_and_read_again,
        &test_session_object_changes_nothing_in_the_cluster,
        &test_private_object_is_there_for_its_owner_alone,
        &test_key_is_its_owners_whatever_its_private_flag,
        &test_public_object_is_there_for_everybody,
        &test_no_reply_holds_a_closed_keys_secret,
        &test_refused_template_is_told_by_its_attribute,
        &test_only_crypto_users_make_objects,
        &test_creation_whose_reply_is_lost_makes_one_object,
        &test_creation_outlives_conflicts,
        &test_destroyed_object_is_gone_for_good,
        &test_destruction_whose_reply_is_lost_is_no_error,
        &test_anothers_object_cannot_be_destroyed,
        &test_object_that_is_not_destroyable_stays,
        &test_get_leaves_out_what_is_not_there_and_what_does_not_fit,
        &test_object_as_large_as_can_be_is_kept_and_a_larger_one_not,
        NULL,
    };

    return suite_of("op_objects", 60, tests);
}
