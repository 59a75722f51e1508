/* Signatures and MACs by requests: every row of the mechanism table, judged by OpenSSL alone; and what a key must
 * not do. */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "crypto/public_key.h"
#include "proto/limits.h"
#include "tests/unit/object_stage.h"
#include "tests/unit/opinion.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_mechanism.h"
#include "vault/object/key_cache.h"
#include "vault/provider/sign.h"

static const char message[] = "what is to be signed";
static struct sample_template t;

static const Hsm__Object *import(enum who who, const EVP_PKEY *key, bool token)
{
    sample_private(&t, key, true);
    sample_bool(&t, CKA_TOKEN, token);
    return stage_one(stage_create(who, &t, ERR_OK));
}

static const Hsm__Object *make_secret(bool token)
{
    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_SECRET_KEY);
    sample_ulong(&t, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
    sample_bool(&t, CKA_TOKEN, token);
    sample_text(&t, CKA_VALUE, "0123456789abcdef");
    return stage_one(stage_create(ALICE, &t, ERR_OK));
}

/* ---- OpenSSL's opinion, from the public key that the object tells */

static EVP_PKEY *public_of(const Hsm__Object *o)
{
    const ProtobufCBinaryData *info = stage_value(o, CKA_PUBLIC_KEY_INFO);
    const uint8_t *at = info->data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)info->len);

    ck_assert_ptr_nonnull(key);
    return key;
}

/* ---- every row */

static size_t size_of(const EVP_PKEY *key)
{
    return public_key_curve_of(key) != NULL ? public_key_curve_of(key)->bits : (size_t)EVP_PKEY_get_bits(key);
}

static void try_row(const struct mechanism *m, const Hsm__Object *object, EVP_PKEY *public_key)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t n = 32;
    CK_RSA_PKCS_PSS_PARAMS pss = sample_pss(m);
    struct stage_use use = {.key = stage_key(object), .mechanism = m->type, .data = digest};
    struct opinion opinion = {.row = m, .pss = &pss, .hashed = true, .data = digest};
    ProtobufCBinaryData signature;

    if (m->param == PARAM_PSS)
        use.pss = &pss;
    if (m->hash != NULL)
        ck_assert_int_eq(EVP_Q_digest(NULL, m->hash, NULL, message, sizeof message, digest, &n), 1);
    else
        memset(digest, 0x21, n);
    use.n = opinion.n = n;
    signature = stage_sign(ALICE, &use, ERR_OK);
    ck_assert_uint_eq(signature.len, mechanism_signature_bytes(m, size_of(public_key)));
    ck_assert_msg(opinion_accepts(&opinion, public_key, signature.data, signature.len), "%s", m->name);
    signature.data[signature.len - 1] ^= 1;
    ck_assert_msg(!opinion_accepts(&opinion, public_key, signature.data, signature.len), "%s", m->name);
    if (m->where == WHERE_HASH_IN_MODULE) {
        use.n = n - 1;
        stage_sign(ALICE, &use, ERR_DATA_LEN);
    }
}

static unsigned try_rows(CK_KEY_TYPE type, const Hsm__Object *object)
{
    EVP_PKEY *public_key = public_of(object);
    unsigned tried = 0;

    for (size_t i = 0; mechanism_at(i) != NULL; i++)
        if (mechanism_does(mechanism_at(i), CKF_SIGN) && mechanism_at(i)->key_type == type) {
            try_row(mechanism_at(i), object, public_key);
            tried++;
        }
    EVP_PKEY_free(public_key);
    return tried;
}

START_TEST(test_every_rsa_row_signs_what_openssl_accepts)
{
    EVP_PKEY *key = sample_rsa();
    stage_open();
    ck_assert_uint_ge(try_rows(CKK_RSA, import(ALICE, key, true)), 9);
    ck_assert_uint_ge(try_rows(CKK_RSA, import(ALICE, key, false)), 9);
    EVP_PKEY_free(key);
    stage_close();
}
END_TEST

START_TEST(test_every_ec_row_signs_what_openssl_accepts)
{
    stage_open();
    for (size_t i = 0; curve_at(i) != NULL; i++) {
        EVP_PKEY *key = sample_on_curve(curve_at(i));
        CK_KEY_TYPE type = curve_at(i)->key_type;
        ck_assert(try_rows(type, import(ALICE, key, true)) > 0 || type == CKK_EC_MONTGOMERY);
        ck_assert(try_rows(type, import(ALICE, key, false)) > 0 || type == CKK_EC_MONTGOMERY);
        EVP_PKEY_free(key);
    }
    stage_close();
}
END_TEST

START_TEST(test_generated_keys_sign_too)
{
    static const uint8_t p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
    struct sample_template private_template;
    stage_open();
    for (int token = 0; token < 2; token++) {
        sample_start(&t);
        sample_bool(&t, CKA_TOKEN, token);
        sample_bytes(&t, CKA_EC_PARAMS, p384, sizeof p384);
        sample_start(&private_template);
        sample_bool(&private_template, CKA_TOKEN, token);
        try_rows(CKK_EC, stage_pair(ALICE, CKM_EC_KEY_PAIR_GEN, &t, &private_template, ERR_OK)->objects->objects[1]);
    }
    stage_close();
}
END_TEST

START_TEST(test_rsa_key_of_every_size_signs)
{
    static const unsigned sizes[] = {2048, 3072, 4096};
    stage_open();
    for (size_t i = 0; i < 3; i++) {
        EVP_PKEY *key = EVP_RSA_gen(sizes[i]);
        const Hsm__Object *o = import(ALICE, key, true);
        EVP_PKEY *public_key = public_of(o);
        try_row(mechanism_find(CKM_SHA256_RSA_PKCS), o, public_key);
        EVP_PKEY_free(public_key);
        EVP_PKEY_free(key);
    }
    stage_close();
}
END_TEST

START_TEST(test_every_mac_row_makes_and_checks_macs)
{
    unsigned tried = 0;
    stage_open();
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *m = mechanism_at(i);
        for (int token = 0; token < 2 && m->family == FAMILY_HMAC && m->param == PARAM_NONE; token++) {
            struct stage_use use = {.key = stage_key(make_secret(token)), .mechanism = m->type,
                                    .data = (const uint8_t *)message, .n = sizeof message};
            ProtobufCBinaryData mac = stage_sign(ALICE, &use, ERR_OK);
            uint8_t right[EVP_MAX_MD_SIZE];
            size_t n = 0;
            ck_assert_ptr_nonnull(EVP_Q_mac(NULL, "HMAC", NULL, m->hash, NULL, "0123456789abcdef", 16,
                                            (const uint8_t *)message, sizeof message, right, sizeof right, &n));
            ck_assert_uint_eq(mac.len, n);
            ck_assert_mem_eq(mac.data, right, n);
            stage_verify(ALICE, &use, mac, ERR_OK);
            mac.len--;
            stage_verify(ALICE, &use, mac, ERR_SIGNATURE_LEN);
            mac.len++;
            mac.data[0] ^= 1;
            stage_verify(ALICE, &use, mac, ERR_SIGNATURE);
            use.n = 0;
            use.data = NULL;
            stage_sign(ALICE, &use, ERR_OK);
            tried++;
        }
    }
    ck_assert_uint_ge(tried, 2);
    stage_close();
}
END_TEST

/* ---- what must not be */

static void ck_signs(enum who who, Hsm__KeyRef key, enum err expected)
{
    static const uint8_t digest[32] = {1};
    struct stage_use use = {.key = key, .mechanism = CKM_ECDSA, .data = digest, .n = sizeof digest};
    stage_sign(who, &use, expected);
}

START_TEST(test_anothers_key_is_not_there)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    const Hsm__Object *token, *session;
    Hsm__KeyRef wrong = HSM__KEY_REF__INIT;
    stage_open();
    token = import(ALICE, key, true);
    session = import(ALICE, key, false);
    ck_signs(ALICE, stage_key(token), ERR_OK);
    ck_signs(ALICE, stage_key(session), ERR_OK);
    ck_signs(BOB, stage_key(token), ERR_KEY_HANDLE);
    ck_signs(BOB, stage_key(session), ERR_KEY_HANDLE);
    ck_signs(ADMIN, stage_key(token), ERR_PERMISSION);
    ck_signs(NOBODY, stage_key(token), ERR_NOT_LOGGED_IN);
    ck_signs(ALICE, wrong, ERR_KEY_HANDLE);
    wrong.id = 1; /* the cluster's record */
    ck_signs(ALICE, wrong, ERR_KEY_HANDLE);
    wrong = stage_key(session);
    wrong.id = token->id; /* one or the other */
    ck_signs(ALICE, wrong, ERR_KEY_HANDLE);
    EVP_PKEY_free(key);
    stage_close();
}
END_TEST

START_TEST(test_bent_session_key_is_not_there)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    Hsm__KeyRef ref;
    size_t n;
    stage_open();
    ref = stage_key(import(ALICE, key, false));
    ck_signs(ALICE, ref, ERR_OK);
    n = ref.sealed.len;
    for (size_t i = 0; i < n; i += 41) {
        ref.sealed.data[i] ^= 1;
        ck_signs(ALICE, ref, ERR_KEY_HANDLE);
        ref.sealed.data[i] ^= 1;
        ref.sealed.len = i;
        ck_signs(ALICE, ref, ERR_KEY_HANDLE);
        ref.sealed.len = n;
    }
    EVP_PKEY_free(key);
    stage_close();
}
END_TEST

START_TEST(test_destroyed_key_signs_no_more)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct key_cache *cache;
    const Hsm__Object *o;
    stage_open();
    cache = local_node_vault(stage_node())->key_cache;
    o = import(ALICE, key, true);
    ck_signs(ALICE, stage_key(o), ERR_OK);
    ck_signs(ALICE, stage_key(o), ERR_OK);
    ck_assert_uint_eq(key_cache_count(cache), 1);
    stage_destroy(ALICE, o->id, ERR_OK);
    ck_assert_uint_eq(key_cache_count(cache), 0);
    ck_signs(ALICE, stage_key(o), ERR_KEY_HANDLE);
    EVP_PKEY_free(key);
    stage_close();
}
END_TEST

START_TEST(test_key_signs_only_if_its_attributes_permit)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct stage_use mac = {.mechanism = CKM_SHA256_HMAC, .data = (const uint8_t *)message, .n = sizeof message};
    ProtobufCBinaryData any = {.data = (uint8_t *)message, .len = sizeof message};
    const Hsm__Object *o;
    stage_open();
    sample_private(&t, key, true);
    sample_bool(&t, CKA_TOKEN, true);
    sample_bool(&t, CKA_SIGN, false);
    ck_signs(ALICE, stage_key(stage_one(stage_create(ALICE, &t, ERR_OK))), ERR_KEY_FUNCTION);
    sample_public(&t, key);
    sample_bool(&t, CKA_TOKEN, true);
    ck_signs(ALICE, stage_key(stage_one(stage_create(ALICE, &t, ERR_OK))), ERR_KEY_FUNCTION);
    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_DATA);
    sample_bool(&t, CKA_TOKEN, true);
    ck_signs(ALICE, stage_key(stage_one(stage_create(ALICE, &t, ERR_OK))), ERR_KEY_HANDLE);
    sample_start(&t);
    sample_ulong(&t, CKA_CLASS, CKO_SECRET_KEY);
    sample_ulong(&t, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
    sample_text(&t, CKA_VALUE, "0123456789abcdef");
    sample_bool(&t, CKA_SIGN, true);
    o = stage_one(stage_create(ALICE, &t, ERR_OK));
    mac.key = stage_key(o);
    stage_sign(ALICE, &mac, ERR_OK);
    stage_verify(ALICE, &mac, any, ERR_KEY_FUNCTION);
    EVP_PKEY_free(key);
    stage_close();
}
END_TEST

/* PKCS#11 v3.1 section 4.7.2: the dates are for people. */
START_TEST(test_key_signs_outside_its_dates)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    stage_open();
    sample_private(&t, key, true);
    sample_text(&t, CKA_START_DATE, "19990101");
    sample_text(&t, CKA_END_DATE, "19991231");
    ck_signs(ALICE, stage_key(stage_one(stage_create(ALICE, &t, ERR_OK))), ERR_OK);
    EVP_PKEY_free(key);
    stage_close();
}
END_TEST

START_TEST(test_mechanism_must_fit_the_key)
{
    static uint8_t data[SIGN_DATA_BYTES_MAX + 1];
    EVP_PKEY *rsa = sample_rsa();
    CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, 32};
    struct stage_use use = {.data = data, .n = 32};
    ProtobufCBinaryData any = {.data = data, .len = 32};
    static const struct {
        CK_MECHANISM_TYPE type;
        bool pss;
        enum err error;
    } wrong[] = {
        {CKM_ECDSA, false, ERR_KEY_TYPE},          {CKM_SHA256_HMAC, false, ERR_KEY_TYPE},
        {CKM_SHA256, false, ERR_MECHANISM},        {CKM_RSA_PKCS_KEY_PAIR_GEN, false, ERR_MECHANISM},
        {CKM_VENDOR_DEFINED, false, ERR_MECHANISM}, {CKM_RSA_PKCS_PSS, false, ERR_MECHANISM_PARAM},
        {CKM_RSA_PKCS, true, ERR_MECHANISM_PARAM}, {CKM_SHA384_RSA_PKCS_PSS, true, ERR_MECHANISM_PARAM},
    };
    stage_open();
    use.key = stage_key(import(ALICE, rsa, true));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        use.mechanism = wrong[i].type;
        use.pss = wrong[i].pss ? &pss : NULL;
        stage_sign(ALICE, &use, wrong[i].error);
    }
    use.pss = &pss;
    use.mechanism = CKM_RSA_PKCS_PSS;
    pss.sLen = 4000;
    stage_sign(ALICE, &use, ERR_MECHANISM_PARAM);
    use.pss = NULL;
    use.mechanism = CKM_RSA_X_509;
    use.n = 257;
    stage_sign(ALICE, &use, ERR_DATA_LEN);
    use.mechanism = CKM_SHA256_HMAC;
    use.key = stage_key(make_secret(true));
    use.n = SIGN_DATA_BYTES_MAX;
    stage_sign(ALICE, &use, ERR_OK);
    use.n++;
    stage_sign(ALICE, &use, ERR_TOO_LARGE);
    stage_verify(ALICE, &use, any, ERR_TOO_LARGE);
    use.n = 32;
    use.mechanism = CKM_AES_CMAC;
    stage_verify(ALICE, &use, any, ERR_KEY_TYPE);
    use.mechanism = CKM_RSA_PKCS;
    stage_verify(ALICE, &use, any, ERR_MECHANISM);
    EVP_PKEY_free(rsa);
    stage_close();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_every_rsa_row_signs_what_openssl_accepts,
        &test_every_ec_row_signs_what_openssl_accepts,
        &test_generated_keys_sign_too,
        &test_rsa_key_of_every_size_signs,
        &test_every_mac_row_makes_and_checks_macs,
        &test_anothers_key_is_not_there,
        &test_bent_session_key_is_not_there,
        &test_destroyed_key_signs_no_more,
        &test_key_signs_only_if_its_attributes_permit,
        &test_key_signs_outside_its_dates,
        &test_mechanism_must_fit_the_key,
        NULL,
    };

    return suite_of("op_sign", 120, tests);
}
