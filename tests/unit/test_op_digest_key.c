/* Digests of keys by requests, whatever the module would let through: which keys, whose, how short, how many. */
#include <string.h>

#include <openssl/evp.h>

#include "proto/limits.h"
#include "tests/unit/object_stage.h"
#include "tests/unit/runner.h"

static struct sample_template t;
static const char value[] = "sixteen bytes!!!";

static const Hsm__Object *make(enum who who, const void *bytes, size_t n, bool token, bool derive)
{
    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_SECRET_KEY);
    sample_ulong(&t, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
    sample_bool(&t, CKA_TOKEN, token);
    sample_bool(&t, CKA_DERIVE, derive);
    sample_bytes(&t, CKA_VALUE, bytes, n);
    return stage_one(stage_create(who, &t, ERR_OK));
}

/* Up to so many parts: bytes, or keys where there are no bytes. */
struct part {
    const void *bytes;
    size_t n;
    const Hsm__Object *key;
};
enum { PARTS_MAX = 16 };

static ProtobufCBinaryData digest(enum who who, CK_MECHANISM_TYPE type, const struct part *parts, size_t n, enum err expected)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__DigestKey digest_key = HSM__DIGEST_KEY__INIT;
    Hsm__Mechanism mechanism = HSM__MECHANISM__INIT;
    Hsm__DigestPart wire[PARTS_MAX], *list[PARTS_MAX];
    Hsm__KeyRef refs[PARTS_MAX];
    const Hsm__Reply *reply;

    for (size_t i = 0; i < n; i++) {
        list[i] = &wire[i];
        hsm__digest_part__init(&wire[i]);
        wire[i].data = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)parts[i].bytes, .len = parts[i].n};
        if (parts[i].key != NULL) {
            refs[i] = stage_key(parts[i].key);
            wire[i].key = &refs[i];
        }
    }
    mechanism.type = type;
    digest_key.mechanism = &mechanism;
    digest_key.parts = list;
    digest_key.n_parts = n;
    request.of_case = HSM__REQUEST__OF_DIGEST_KEY;
    request.digest_key = &digest_key;
    reply = stage_ask(who, &request, expected);
    if (expected != ERR_OK)
        return (ProtobufCBinaryData){0};
    ck_assert_int_eq(reply->of_case, HSM__REPLY__OF_BYTES);
    return reply->bytes->value;
}

static void check_digest(const char *name, const void *text, size_t n, ProtobufCBinaryData got)
{
    uint8_t wanted[EVP_MAX_MD_SIZE];
    size_t wanted_n = 0;

    ck_assert_int_eq(EVP_Q_digest(NULL, name, NULL, text, n, wanted, &wanted_n), 1);
    ck_assert_uint_eq(got.len, wanted_n);
    ck_assert_mem_eq(got.data, wanted, wanted_n);
}

START_TEST(test_keys_and_bytes_are_digested_one_behind_the_other)
{
    const Hsm__Object *token, *session;

    stage_open();
    token = make(ALICE, value, 16, true, false);
    session = make(ALICE, "another of 16 b.", 16, false, false);
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *m = mechanism_at(i);
        struct part parts[] = {{"<", 1, NULL}, {NULL, 0, token}, {"-", 1, NULL}, {NULL, 0, session}, {">", 1, NULL}};
        if (mechanism_does(m, CKF_DIGEST))
            check_digest(m->hash, "<sixteen bytes!!!-another of 16 b.>", 35, digest(ALICE, m->type, parts, 5, ERR_OK));
    }
    check_digest("SHA256", value, 16, digest(ALICE, CKM_SHA256, &(struct part){NULL, 0, token}, 1, ERR_OK));
    stage_close();
}
END_TEST

START_TEST(test_a_key_that_its_digest_would_give_away_is_refused)
{
    const Hsm__Object *o;

    stage_open();
    for (size_t n = 1; n < DIGEST_KEY_BYTES_MIN; n++) {
        o = make(ALICE, value, n, false, false);
        digest(ALICE, CKM_SHA256, &(struct part){NULL, 0, o}, 1, ERR_KEY_SIZE);
    }
    o = make(ALICE, value, DIGEST_KEY_BYTES_MIN, false, false);
    digest(ALICE, CKM_SHA256, &(struct part){NULL, 0, o}, 1, ERR_OK);
    o = make(ALICE, value, 16, false, true);
    digest(ALICE, CKM_SHA256, &(struct part){NULL, 0, o}, 1, ERR_KEY_INDIGESTIBLE);
    stage_close();
}
END_TEST

START_TEST(test_only_ones_own_secret_keys_are_digested)
{
    const Hsm__Object *token, *session, *rsa;
    EVP_PKEY *key;

    stage_open();
    token = make(ALICE, value, 16, true, false);
    session = make(ALICE, value, 16, false, false);
    key = sample_rsa();
    sample_private(&t, key, true);
    rsa = stage_one(stage_create(ALICE, &t, ERR_OK));
    EVP_PKEY_free(key);
    digest(BOB, CKM_SHA256, &(struct part){NULL, 0, token}, 1, ERR_KEY_HANDLE);
    digest(BOB, CKM_SHA256, &(struct part){NULL, 0, session}, 1, ERR_KEY_HANDLE);
    digest(ADMIN, CKM_SHA256, &(struct part){NULL, 0, token}, 1, ERR_PERMISSION);
    digest(NOBODY, CKM_SHA256, &(struct part){NULL, 0, token}, 1, ERR_NOT_LOGGED_IN);
    digest(ALICE, CKM_SHA256, &(struct part){NULL, 0, rsa}, 1, ERR_KEY_INDIGESTIBLE);
    digest(ALICE, CKM_SHA256_HMAC, &(struct part){NULL, 0, token}, 1, ERR_MECHANISM);
    digest(ALICE, 0x7777, &(struct part){NULL, 0, token}, 1, ERR_MECHANISM);
    stage_close();
}
END_TEST

START_TEST(test_what_one_request_digests_is_bounded)
{
    static uint8_t many[SIGN_DATA_BYTES_MAX];
    struct part parts[PARTS_MAX] = {{many, sizeof many, NULL}, {NULL, 0, NULL}};
    const Hsm__Object *o;

    stage_open();
    o = make(ALICE, value, 16, true, false);
    parts[1].key = o;
    digest(ALICE, CKM_SHA256, parts, 2, ERR_OK);
    parts[2] = (struct part){many, 1, NULL};
    digest(ALICE, CKM_SHA256, parts, 3, ERR_TOO_LARGE);
    for (size_t i = 0; i < PARTS_MAX; i++)
        parts[i] = (struct part){NULL, 0, o};
    digest(ALICE, CKM_SHA256, parts, DIGEST_KEYS_MAX, ERR_OK);
    digest(ALICE, CKM_SHA256, parts, DIGEST_KEYS_MAX + 1, ERR_TOO_LARGE);
    stage_close();
}
END_TEST

/* Else CKA_DERIVE could be switched off after CKM_SHA256_KEY_DERIVATION, and the digest be the derived key. */
START_TEST(test_under_the_modern_policy_a_digest_tells_nothing_of_a_hidden_key)
{
    const Hsm__Object *token, *session;

    stage_open();
    token = make(ALICE, value, 16, true, false);
    session = make(ALICE, value, 16, false, false);
    stage_policy(ADMIN, "modern", ERR_OK);
    digest(ALICE, CKM_SHA256, &(struct part){NULL, 0, token}, 1, ERR_KEY_INDIGESTIBLE);
    digest(ALICE, CKM_SHA256, &(struct part){NULL, 0, session}, 1, ERR_KEY_INDIGESTIBLE);
    stage_policy(ADMIN, "compatible", ERR_OK);
    digest(ALICE, CKM_SHA256, &(struct part){NULL, 0, token}, 1, ERR_OK);
    stage_close();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_keys_and_bytes_are_digested_one_behind_the_other,
        &test_a_key_that_its_digest_would_give_away_is_refused,
        &test_only_ones_own_secret_keys_are_digested,
        &test_what_one_request_digests_is_bounded,
        &test_under_the_modern_policy_a_digest_tells_nothing_of_a_hidden_key,
        NULL,
    };
    return suite_of("op_digest_key", 60, tests);
}
