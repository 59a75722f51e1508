/* Key pairs by requests: token and session objects in every mix, also where replies are lost and others are faster. */
#include <string.h>

#include "proto/limits.h"
#include "tests/unit/object_stage.h"
#include "tests/unit/runner.h"

static struct sample_template public_template, private_template;
static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

static void start(bool public_token, bool private_token)
{
    sample_start(&public_template);
    sample_bool(&public_template, CKA_TOKEN, public_token);
    sample_text(&public_template, CKA_LABEL, "a pair");
    sample_start(&private_template);
    sample_bool(&private_template, CKA_TOKEN, private_token);
    sample_text(&private_template, CKA_LABEL, "a pair");
}

static const Hsm__ObjectsReply *ask_ec(enum err expected)
{
    const Hsm__Reply *reply;
    sample_bytes(&public_template, CKA_EC_PARAMS, p256, sizeof p256);
    reply = stage_pair(ALICE, CKM_EC_KEY_PAIR_GEN, &public_template, &private_template, expected);
    return expected == ERR_OK ? reply->objects : NULL;
}

static void ck_pair(const Hsm__ObjectsReply *r)
{
    const ProtobufCBinaryData *a, *b;
    ck_assert_uint_eq(r->n_objects, 2);
    a = stage_value(r->objects[0], CKA_PUBLIC_KEY_INFO);
    b = stage_value(r->objects[1], CKA_PUBLIC_KEY_INFO);
    ck_assert(a != NULL && b != NULL && a->len == b->len && memcmp(a->data, b->data, a->len) == 0);
    ck_assert_uint_eq(stage_value(r->objects[0], CKA_CLASS)->data[7], CKO_PUBLIC_KEY);
    ck_assert_uint_eq(stage_value(r->objects[1], CKA_CLASS)->data[7], CKO_PRIVATE_KEY);
}

/* How many token objects of the label there are. */
static size_t stored(void)
{
    struct sample_template t;
    sample_start(&t);
    sample_text(&t, CKA_LABEL, "a pair");
    return stage_find(ALICE, &t, 0, 0)->n_objects;
}

START_TEST(test_rsa_pair_is_stored_and_whole)
{
    const Hsm__Reply *reply;
    stage_open();
    start(true, true);
    sample_ulong(&public_template, CKA_MODULUS_BITS, 2048);
    reply = stage_pair(ALICE, CKM_RSA_PKCS_KEY_PAIR_GEN, &public_template, &private_template, ERR_OK);
    ck_pair(reply->objects);
    ck_assert_uint_eq(stage_value(reply->objects->objects[1], CKA_MODULUS)->len, 256);
    ck_assert(stage_hides(reply->objects->objects[1], CKA_PRIVATE_EXPONENT));
    ck_assert_uint_eq(stored(), 2);
    stage_close();
}
END_TEST

START_TEST(test_pair_in_every_allowed_mix)
{
    static const bool mixes[][2] = {{true, true}, {false, false}, {false, true}};
    stage_open();
    for (size_t i = 0; i < 3; i++) {
        const Hsm__ObjectsReply *r;
        size_t before = stored();
        start(mixes[i][0], mixes[i][1]);
        ck_pair(r = ask_ec(ERR_OK));
        for (size_t half = 0; half < 2; half++) {
            ck_assert((r->objects[half]->id != 0) == mixes[i][half]);
            ck_assert((r->objects[half]->sealed.len == 0) == mixes[i][half]);
        }
        ck_assert_uint_eq(stored(), before + mixes[i][0] + mixes[i][1]);
    }
    start(true, false);
    ask_ec(ERR_TEMPLATE_INCONSISTENT);
    stage_close();
}
END_TEST

START_TEST(test_session_pair_changes_nothing_in_the_cluster)
{
    unsigned before;
    stage_open();
    before = local_node_proposals(stage_node());
    start(false, false);
    ask_ec(ERR_OK);
    ck_assert_uint_eq(local_node_proposals(stage_node()), before);
    stage_close();
}
END_TEST

START_TEST(test_pair_whose_reply_is_lost_is_made_once)
{
    stage_open();
    start(true, true);
    local_node_faults(stage_node())->lose_replies = 1;
    ck_pair(ask_ec(ERR_OK));
    ck_assert_uint_eq(stored(), 2);
    start(false, true); /* the session half is made again from the stored one */
    local_node_faults(stage_node())->lose_replies = 1;
    ck_pair(ask_ec(ERR_OK));
    ck_assert_uint_eq(stored(), 3);
    stage_close();
}
END_TEST

START_TEST(test_pair_outlives_conflicts_up_to_the_limit)
{
    stage_open();
    start(true, true);
    local_node_faults(stage_node())->conflicts = CONFLICT_RETRIES_MAX;
    ck_pair(ask_ec(ERR_OK));
    ck_assert_uint_eq(stored(), 2);
    stage_close();
}
END_TEST

START_TEST(test_pair_that_is_refused_says_why)
{
    const Hsm__Reply *reply;
    stage_open();
    start(true, true);
    reply = stage_pair(ALICE, CKM_EC_KEY_PAIR_GEN, &public_template, &private_template, ERR_TEMPLATE_INCOMPLETE);
    ck_assert_ptr_nonnull(strstr(reply->detail, "CKA_EC_PARAMS"));
    stage_pair(ALICE, CKM_ECDSA, &public_template, &private_template, ERR_MECHANISM);
    stage_pair(ADMIN, CKM_EC_KEY_PAIR_GEN, &public_template, &private_template, ERR_PERMISSION);
    stage_pair(NOBODY, CKM_EC_KEY_PAIR_GEN, &public_template, &private_template, ERR_NOT_LOGGED_IN);
    ck_assert_uint_eq(stored(), 0);
    stage_close();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_rsa_pair_is_stored_and_whole,
        &test_pair_in_every_allowed_mix,
        &test_session_pair_changes_nothing_in_the_cluster,
        &test_pair_whose_reply_is_lost_is_made_once,
        &test_pair_outlives_conflicts_up_to_the_limit,
        &test_pair_that_is_refused_says_why,
        NULL,
    };

    return suite_of("op_pair", 60, tests);
}
