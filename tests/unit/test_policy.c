/* The cluster's policy: the table's rows under each, who sets it, and what it does to requests. */
#include "proto/policy.h"

#include <string.h>

#include <openssl/evp.h>

#include "proto/mechanism.h"
#include "tests/unit/object_stage.h"
#include "tests/unit/runner.h"

START_TEST(test_policies_have_names)
{
    enum policy p = POLICY_COMPATIBLE;
    ck_assert_str_eq(policy_name(POLICY_MODERN), "modern");
    ck_assert(policy_find("modern", &p) && p == POLICY_MODERN);
    ck_assert(policy_find("compatible", &p) && p == POLICY_COMPATIBLE);
    ck_assert(!policy_find("Modern", &p) && !policy_find("", &p));
    ck_assert_int_eq(policy_from_wire(1), POLICY_COMPATIBLE);
    ck_assert_int_eq(policy_from_wire(99), POLICY_MODERN);
}
END_TEST

START_TEST(test_compatible_policy_has_all_that_the_modern_one_has)
{
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *m = mechanism_at(i);
        ck_assert_msg(policy_allows(POLICY_COMPATIBLE, m), "%s", m->name);
        ck_assert_msg(policy_allows(POLICY_MODERN, m) == !m->compatible_only, "%s", m->name);
        ck_assert_msg(policy_size_min(POLICY_COMPATIBLE, m) <= policy_size_min(POLICY_MODERN, m), "%s", m->name);
        ck_assert_msg(m->size_min <= m->size_modern && m->size_modern <= m->size_max, "%s", m->name);
    }
}
END_TEST

/* What nobody should choose any more, by name: rows that come under such a name are for the compatible policy. */
START_TEST(test_modern_policy_has_nothing_old)
{
    static const char *const old[] = {"CKM_SHA1_RSA_", "CKM_ECDSA_SHA1", "CKM_DES", "CKM_MD5", "CKM_AES_MAC", "CKM_DSA"};
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *m = mechanism_at(i);
        for (size_t k = 0; k < sizeof old / sizeof old[0]; k++)
            ck_assert_msg(strncmp(m->name, old[k], strlen(old[k])) != 0 || m->compatible_only, "%s", m->name);
        ck_assert_msg(m->key_type != CKK_RSA || !m->has_key || m->compatible_only || policy_size_min(POLICY_MODERN, m) >= 2048, "%s",
                      m->name);
    }
    ck_assert(!policy_allows_key(POLICY_MODERN, CKK_RSA, 2047) && policy_allows_key(POLICY_MODERN, CKK_RSA, 2048));
    ck_assert(policy_allows_key(POLICY_MODERN, CKK_VENDOR_DEFINED, 1)); /* no row works with it */
}
END_TEST

static const char *policy_of_reply(enum who who)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__GenerateRandom random = HSM__GENERATE_RANDOM__INIT;
    const Hsm__Reply *reply;

    request.of_case = HSM__REQUEST__OF_GENERATE_RANDOM;
    request.generate_random = &random;
    random.bytes = 1;
    reply = stage_ask(who, &request, ERR_OK);
    return reply->policy > 0 ? policy_name(policy_from_wire(reply->policy - 1)) : "unknown";
}

START_TEST(test_an_admin_sets_the_policy_and_every_reply_tells_it)
{
    stage_open();
    ck_assert_str_eq(policy_of_reply(ALICE), "compatible"); /* a local node's */
    stage_policy(ALICE, "modern", ERR_PERMISSION);
    stage_policy(NOBODY, "modern", ERR_NOT_LOGGED_IN);
    stage_policy(ADMIN, "lenient", ERR_ARGUMENTS);
    ck_assert_str_eq(policy_of_reply(ALICE), "compatible");
    stage_policy(ADMIN, "modern", ERR_OK);
    ck_assert_str_eq(policy_of_reply(ALICE), "modern");
    stage_policy(ADMIN, "modern", ERR_OK);
    stage_policy(ADMIN, "compatible", ERR_OK);
    ck_assert_str_eq(policy_of_reply(BOB), "compatible");
    stage_close();
}
END_TEST

static struct sample_template t, other;

static const Hsm__Object *make_rsa(CK_ULONG bits, enum err expected)
{
    const Hsm__Reply *reply;

    sample_start(&t);
    sample_ulong(&t, CKA_MODULUS_BITS, bits);
    sample_bool(&t, CKA_TOKEN, true);
    sample_start(&other);
    sample_bool(&other, CKA_TOKEN, true);
    reply = stage_pair(ALICE, CKM_RSA_PKCS_KEY_PAIR_GEN, &t, &other, expected);
    return expected == ERR_OK ? reply->objects->objects[1] : NULL;
}

static void sign_with(const Hsm__Object *key, CK_MECHANISM_TYPE mechanism, enum err expected)
{
    static const uint8_t digest[32] = "a digest, as long as the row's";
    struct stage_use use = {.key = stage_key(key), .mechanism = mechanism, .data = digest,
                            .n = mechanism_hash_bytes(mechanism_find(mechanism)->hash)};

    stage_sign(ALICE, &use, expected);
}

START_TEST(test_small_keys_are_neither_made_nor_used_under_the_modern_policy)
{
    const Hsm__Object *small, *large;
    stage_open();
    small = make_rsa(1024, ERR_OK);
    large = make_rsa(2048, ERR_OK);
    sign_with(small, CKM_SHA256_RSA_PKCS, ERR_OK);
    stage_policy(ADMIN, "modern", ERR_OK);
    sign_with(small, CKM_SHA256_RSA_PKCS, ERR_KEY_SIZE);
    sign_with(large, CKM_SHA256_RSA_PKCS, ERR_OK);
    make_rsa(1024, ERR_KEY_SIZE);
    stage_destroy(ALICE, small->id, ERR_OK);
    stage_close();
}
END_TEST

START_TEST(test_small_keys_are_not_imported_under_the_modern_policy)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
    stage_open();
    for (int token = 0; token < 2; token++) {
        stage_policy(ADMIN, "compatible", ERR_OK);
        sample_private(&t, key, true);
        sample_bool(&t, CKA_TOKEN, token == 1);
        stage_create(ALICE, &t, ERR_OK);
        stage_policy(ADMIN, "modern", ERR_OK);
        stage_create(ALICE, &t, ERR_KEY_SIZE);
        sample_public(&t, key);
        sample_bool(&t, CKA_TOKEN, token == 1);
        stage_create(ALICE, &t, ERR_KEY_SIZE);
    }
    EVP_PKEY_free(key);
    stage_close();
}
END_TEST

START_TEST(test_sha_1_signs_under_the_compatible_policy_only)
{
    CK_RSA_PKCS_PSS_PARAMS pss = {.hashAlg = CKM_SHA_1, .mgf = CKG_MGF1_SHA1, .sLen = 20};
    struct stage_use use = {.mechanism = CKM_RSA_PKCS_PSS, .pss = &pss, .data = (const uint8_t *)"twenty bytes of hash", .n = 20};
    const Hsm__Object *key;
    stage_open();
    key = make_rsa(2048, ERR_OK);
    use.key = stage_key(key);
    sign_with(key, CKM_SHA1_RSA_PKCS, ERR_OK);
    stage_sign(ALICE, &use, ERR_OK);
    stage_policy(ADMIN, "modern", ERR_OK);
    sign_with(key, CKM_SHA1_RSA_PKCS, ERR_MECHANISM);
    stage_sign(ALICE, &use, ERR_MECHANISM_PARAM);
    stage_close();
}
END_TEST

/* Whatever the request: before a key is looked for, the row is. */
static void ask_for(const struct mechanism *row, CK_FLAGS use, enum err expected)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Mechanism given = HSM__MECHANISM__INIT;
    Hsm__KeyRef key = HSM__KEY_REF__INIT;
    Hsm__Template nothing = HSM__TEMPLATE__INIT;
    Hsm__Sign sign = HSM__SIGN__INIT;
    Hsm__Verify verify = HSM__VERIFY__INIT;
    Hsm__Encrypt encrypt = HSM__ENCRYPT__INIT;
    Hsm__Decrypt decrypt = HSM__DECRYPT__INIT;
    Hsm__Generate generate = HSM__GENERATE__INIT;
    Hsm__Derive derive = HSM__DERIVE__INIT;

    given.type = row->type;
    key.id = 12345;
    sign.mechanism = verify.mechanism = encrypt.mechanism = decrypt.mechanism = generate.mechanism = derive.mechanism = &given;
    sign.key = verify.key = encrypt.key = decrypt.key = derive.key = &key;
    generate.template_ = derive.template_ = &nothing;
    switch ((int)use) {
    case CKF_SIGN: request.of_case = HSM__REQUEST__OF_SIGN; request.sign = &sign; break;
    case CKF_VERIFY: request.of_case = HSM__REQUEST__OF_VERIFY; request.verify = &verify; break;
    case CKF_ENCRYPT: request.of_case = HSM__REQUEST__OF_ENCRYPT; request.encrypt = &encrypt; break;
    case CKF_DECRYPT: request.of_case = HSM__REQUEST__OF_DECRYPT; request.decrypt = &decrypt; break;
    case CKF_GENERATE: request.of_case = HSM__REQUEST__OF_GENERATE; request.generate = &generate; break;
    case CKF_DERIVE: request.of_case = HSM__REQUEST__OF_DERIVE; request.derive = &derive; break;
    default: ck_abort();
    }
    stage_ask(ALICE, &request, expected);
}

START_TEST(test_the_vault_itself_refuses_what_the_modern_policy_has_not)
{
    static const CK_FLAGS uses[] = {CKF_SIGN, CKF_VERIFY, CKF_ENCRYPT, CKF_DECRYPT, CKF_GENERATE, CKF_DERIVE};
    unsigned tried = 0;

    stage_open();
    stage_policy(ADMIN, "modern", ERR_OK);
    for (size_t i = 0; mechanism_at(i) != NULL; i++)
        for (size_t k = 0; k < sizeof uses / sizeof uses[0]; k++)
            if (mechanism_at(i)->compatible_only && mechanism_does(mechanism_at(i), uses[k])) {
                ask_for(mechanism_at(i), uses[k], ERR_MECHANISM);
                tried++;
            }
    ck_assert_uint_gt(tried, 20);
    stage_close();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_policies_have_names,
        &test_compatible_policy_has_all_that_the_modern_one_has,
        &test_modern_policy_has_nothing_old,
        &test_an_admin_sets_the_policy_and_every_reply_tells_it,
        &test_small_keys_are_neither_made_nor_used_under_the_modern_policy,
        &test_small_keys_are_not_imported_under_the_modern_policy,
        &test_sha_1_signs_under_the_compatible_policy_only,
        &test_the_vault_itself_refuses_what_the_modern_policy_has_not,
        NULL,
    };

    return suite_of("policy", 60, tests);
}
