/* Every row of the mechanism table that verifies with a public key: good signatures made by OpenSSL, and bent ones. */
#include "crypto/verify.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/digest.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_mechanism.h"
#include "tests/unit/sample_template.h"

static EVP_PKEY *private_key;
static struct public_key *key;
static struct buffer info;

static void make(EVP_PKEY *made)
{
    ck_assert_ptr_nonnull(private_key = made);
    uint8_t *der = NULL;
    int n = i2d_PUBKEY(private_key, &der);
    ck_assert_int_gt(n, 0);
    ck_assert_int_eq(public_key_read(NULL, der, (size_t)n, &key), ERR_OK);
    OPENSSL_free(der);
}

static void drop(void)
{
    public_key_free(key);
    EVP_PKEY_free(private_key);
    key = NULL;
}

static size_t sign_eddsa(const uint8_t *data, size_t n, uint8_t *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = 600;

    ck_assert_int_eq(EVP_DigestSignInit(ctx, NULL, NULL, NULL, private_key), 1);
    ck_assert_int_eq(EVP_DigestSign(ctx, out, &len, data, n), 1);
    EVP_MD_CTX_free(ctx);
    return len;
}

/* Signs with OpenSSL as the row says; r || s of full length for ECDSA. */
static size_t sign(const struct mechanism *m, const Hsm__PssParams *pss, const uint8_t *data, size_t n, uint8_t *out)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(private_key, NULL);
    const char *hash = pss ? mechanism_hash_name(pss->hash) : m->hash;
    size_t len = 600;

    if (m->family == FAMILY_EDDSA) {
        EVP_PKEY_CTX_free(ctx);
        return sign_eddsa(data, n, out);
    }
    ck_assert_int_eq(EVP_PKEY_sign_init(ctx), 1);
    if (m->family == FAMILY_RSA_RAW)
        ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
    if (m->family == FAMILY_RSA_PSS) {
        ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING), 1);
        ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)pss->salt_bytes), 1);
        ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_get_digestbyname(mechanism_mgf_hash(pss->mgf))), 1);
    }
    if (hash)
        ck_assert_int_eq(EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(hash)), 1);
    ck_assert_int_eq(EVP_PKEY_sign(ctx, out, &len, data, n), 1);
    EVP_PKEY_CTX_free(ctx);
    if (m->family == FAMILY_ECDSA) {
        const uint8_t *at = out;
        ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)len);
        int field = (int)public_key_curve(key)->field_bytes;
        ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, field), field);
        ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + field, field), field);
        ECDSA_SIG_free(pair);
        len = 2 * (size_t)field;
    }
    return len;
}

static void try_row(const struct mechanism *m)
{
    uint8_t data[64], signature[600];
    CK_RSA_PKCS_PSS_PARAMS params = sample_pss(m);
    Hsm__PssParams pss = sample_pss_wire(&params);
    struct verify v = {.mechanism = m, .pss = m->param == PARAM_PSS ? &pss : NULL, .key = key};
    size_t n = m->hash ? mechanism_hash_bytes(m->hash) : 32;

    memset(data, 0x5a, sizeof data);
    if (m->family == FAMILY_RSA_RAW) {
        n = 64;
        uint8_t padded[256] = {0};
        memcpy(padded + 192, data, 64);
        ck_assert_uint_eq(sign(m, NULL, padded, sizeof padded, signature), 256);
    }
    size_t len = m->family == FAMILY_RSA_RAW ? 256 : sign(m, v.pss, data, n, signature);

    ck_assert_uint_eq(len, mechanism_signature_bytes(m, public_key_bits(key)));
    ck_assert_msg(verify_signature(&v, data, n, signature, len) == ERR_OK, "%s refuses a good signature", m->name);
    signature[len / 2] ^= 1;
    ck_assert_msg(verify_signature(&v, data, n, signature, len) == ERR_SIGNATURE, "%s takes a bent signature", m->name);
    signature[len / 2] ^= 1;
    data[0] ^= 1;
    ck_assert_msg(verify_signature(&v, data, n, signature, len) == ERR_SIGNATURE, "%s takes other data", m->name);
    ck_assert_int_eq(verify_signature(&v, data, n, signature, len - 1), ERR_SIGNATURE_LEN);
    ck_assert_int_eq(verify_signature(&v, data, n, signature, len + 2), ERR_SIGNATURE_LEN);
    if (m->hash)
        ck_assert_int_eq(verify_signature(&v, data, n - 1, signature, len), ERR_DATA_LEN);
}

static unsigned try_rows(CK_KEY_TYPE type)
{
    unsigned tried = 0;
    for (size_t i = 0; mechanism_at(i); i++)
        if (mechanism_does(mechanism_at(i), CKF_VERIFY) && mechanism_at(i)->key_type == type) {
            try_row(mechanism_at(i));
            tried++;
        }
    return tried;
}

START_TEST(test_every_rsa_row_verifies_and_refuses)
{
    make(sample_rsa());
    ck_assert_uint_gt(try_rows(CKK_RSA), 20);
    drop();
}
END_TEST

START_TEST(test_every_ec_row_verifies_and_refuses_on_every_curve)
{
    for (size_t i = 0; curve_at(i); i++) {
        make(sample_on_curve(curve_at(i)));
        ck_assert((try_rows(curve_at(i)->key_type) > 0) == (curve_at(i)->key_type != CKK_EC_MONTGOMERY));
        drop();
    }
}
END_TEST

START_TEST(test_pss_takes_any_salt_and_another_mask_hash)
{
    static const CK_ULONG salts[] = {0, 20, 64, 190}; /* 190: the most that SHA-512 leaves of 2048 bits */
    CK_RSA_PKCS_PSS_PARAMS params = {.hashAlg = CKM_SHA512, .mgf = CKG_MGF1_SHA256};
    Hsm__PssParams pss = sample_pss_wire(&params);
    struct verify v = {.mechanism = mechanism_find(CKM_RSA_PKCS_PSS), .pss = &pss};
    uint8_t data[64] = {1}, signature[600];

    make(EVP_RSA_gen(2048));
    v.key = key;
    for (size_t i = 0; i < 4; i++) {
        pss.salt_bytes = salts[i];
        size_t len = sign(v.mechanism, &pss, data, 64, signature);
        ck_assert_int_eq(verify_signature(&v, data, 64, signature, len), ERR_OK);
        pss.salt_bytes = salts[(i + 1) % 4];
        ck_assert_int_eq(verify_signature(&v, data, 64, signature, len), ERR_SIGNATURE);
    }
    pss.salt_bytes = 191;
    ck_assert_int_eq(verify_check(&v), ERR_MECHANISM_PARAM);
    pss.salt_bytes = ~0UL;
    ck_assert_int_eq(verify_check(&v), ERR_MECHANISM_PARAM);
    pss.salt_bytes = 0;
    v.mechanism = mechanism_find(CKM_SHA256_RSA_PKCS_PSS);
    ck_assert_int_eq(verify_check(&v), ERR_MECHANISM_PARAM); /* the parameter says SHA-512 */
    v.mechanism = mechanism_find(CKM_ECDSA);
    ck_assert_int_eq(verify_check(&v), ERR_KEY_TYPE);
    v.mechanism = mechanism_find(CKM_SHA256);
    ck_assert_int_eq(verify_check(&v), ERR_MECHANISM);
    drop();
}
END_TEST

/* A signature with r and s of 31 bytes: the first nonce with a short r, s = 7, and the digest that this is the signature of. */
static void make_short(uint8_t digest[32], uint8_t signature[62])
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    const BIGNUM *n = EC_GROUP_get0_order(group);
    EC_POINT *point = EC_POINT_new(group);
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *k = BN_new(), *r = BN_new(), *z = BN_new(), *s = BN_new(), *d = NULL;

    BN_set_word(s, 7);
    for (BN_ULONG i = 1; BN_num_bits(r) == 0 || BN_num_bits(r) > 248; i++) {
        BN_set_word(k, i);
        ck_assert_int_eq(EC_POINT_mul(group, point, k, NULL, NULL, ctx), 1);
        ck_assert_int_eq(EC_POINT_get_affine_coordinates(group, point, r, NULL, ctx), 1);
    }
    ck_assert_int_eq(EVP_PKEY_get_bn_param(private_key, OSSL_PKEY_PARAM_PRIV_KEY, &d), 1);
    ck_assert_int_eq(BN_mod_mul(z, r, d, n, ctx), 1); /* s = (z + r d) / k */
    ck_assert_int_eq(BN_mul(k, s, k, ctx), 1);
    ck_assert_int_eq(BN_mod_sub(z, k, z, n, ctx), 1);
    ck_assert_int_eq(BN_bn2binpad(z, digest, 32), 32);
    ck_assert_int_eq(BN_bn2binpad(r, signature, 31), 31);
    ck_assert_int_eq(BN_bn2binpad(s, signature + 31, 31), 31);
    BN_free(d);
    BN_free(k);
    BN_free(r);
    BN_free(z);
    BN_free(s);
    BN_CTX_free(ctx);
    EC_POINT_free(point);
    EC_GROUP_free(group);
}

START_TEST(test_ecdsa_signature_shorter_than_the_curve_verifies)
{
    uint8_t data[32], cut[62], zero[64] = {0};
    struct verify v = {.mechanism = mechanism_find(CKM_ECDSA)};

    make(EVP_EC_gen("P-256"));
    v.key = key;
    make_short(data, cut);
    ck_assert_int_eq(verify_signature(&v, data, 32, cut, 62), ERR_OK);
    ck_assert_int_eq(verify_signature(&v, data, 32, cut, 61), ERR_SIGNATURE_LEN);
    ck_assert_int_eq(verify_signature(&v, data, 32, cut, 0), ERR_SIGNATURE_LEN);
    ck_assert_int_eq(verify_signature(&v, data, 32, zero, 64), ERR_SIGNATURE);
    drop();
}
END_TEST

START_TEST(test_point_raw_or_wrapped_gives_the_same_key_and_a_bent_one_none)
{
    uint8_t point[CURVE_POINT_BYTES_MAX + 1];
    size_t n = 0;
    struct buffer wrapped = {0}, again = {0};
    struct public_key *k = NULL;

    for (size_t i = 0; curve_at(i); i++) {
        const struct curve *c = curve_at(i);
        make(sample_on_curve(c));
        ck_assert_int_eq(EVP_PKEY_get_octet_string_param(private_key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &n), 1);
        ck_assert_int_eq(curve_point_write(point, n, &wrapped), ERR_OK);
        ck_assert_int_eq(public_key_info(key, &info), ERR_OK);
        ck_assert_int_eq(public_key_ec(NULL, c->key_type, c->params, c->params_bytes, point, n, &k), ERR_OK);
        public_key_free(k);
        ck_assert_int_eq(public_key_ec(NULL, c->key_type, c->params, c->params_bytes, wrapped.data, wrapped.len, &k), ERR_OK);
        ck_assert_int_eq(public_key_info(k, &again), ERR_OK);
        ck_assert_uint_eq(again.len, info.len);
        ck_assert_mem_eq(again.data, info.data, info.len);
        ck_assert_uint_eq(public_key_bits(k), c->bits);
        ck_assert_uint_eq(public_key_type(k), c->key_type);
        public_key_free(k);
        k = NULL;
        ck_assert_int_eq(public_key_ec(NULL, c->key_type == CKK_EC ? CKK_EC_EDWARDS : CKK_EC, c->params, c->params_bytes, point, n, &k),
                         ERR_CURVE);
        point[n - 1] ^= 1;
        if (c->key_type == CKK_EC) /* elsewhere any string may be a point */
            ck_assert_int_eq(public_key_ec(NULL, CKK_EC, c->params, c->params_bytes, point, n, &k), ERR_ATTRIBUTE_VALUE);
        ck_assert_int_eq(public_key_ec(NULL, c->key_type, c->params, c->params_bytes, point, n - 1, &k), ERR_ATTRIBUTE_VALUE);
        ck_assert_int_eq(public_key_ec(NULL, c->key_type, c->params, c->params_bytes - 1, point, n, &k), ERR_CURVE);
        ck_assert_int_eq(public_key_read(NULL, info.data, info.len - 1, &k), ERR_ATTRIBUTE_VALUE);
        ck_assert_ptr_null(k);
        buffer_clear(&wrapped);
        buffer_clear(&again);
        buffer_clear(&info);
        drop();
    }
}
END_TEST

START_TEST(test_rsa_attributes_that_are_no_key_are_refused)
{
    uint8_t n[256], e[] = {1, 0, 1}, even[] = {2}, one[] = {1}, huge[9] = {1, 0, 0, 0, 0, 0, 0, 0, 1};
    struct public_key *k = NULL;

    memset(n, 0xff, sizeof n);
    ck_assert_int_eq(public_key_rsa(NULL, n, sizeof n, even, 1, &k), ERR_ATTRIBUTE_VALUE);
    ck_assert_int_eq(public_key_rsa(NULL, n, sizeof n, one, 1, &k), ERR_ATTRIBUTE_VALUE);
    ck_assert_int_eq(public_key_rsa(NULL, n, sizeof n, huge, sizeof huge, &k), ERR_ATTRIBUTE_VALUE);
    ck_assert_int_eq(public_key_rsa(NULL, n, 127, e, sizeof e, &k), ERR_KEY_SIZE);
    n[255] = 0xfe;
    ck_assert_int_eq(public_key_rsa(NULL, n, sizeof n, e, sizeof e, &k), ERR_ATTRIBUTE_VALUE);
    ck_assert_ptr_null(k);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_every_rsa_row_verifies_and_refuses,
        &test_every_ec_row_verifies_and_refuses_on_every_curve, &test_pss_takes_any_salt_and_another_mask_hash,
        &test_ecdsa_signature_shorter_than_the_curve_verifies,
        &test_point_raw_or_wrapped_gives_the_same_key_and_a_bent_one_none,
        &test_rsa_attributes_that_are_no_key_are_refused, NULL};
    return suite_of("verify", 60, tests);
}
