/* Groups of DSA in which a private key could be told from its public half: no key comes to be in one, however it is brought
 * (docs/decisions/009). */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "tests/unit/runner.h"
#include "tests/unit/weak_group.h"

static CK_SESSION_HANDLE s;

/* ---- a private key under an AES key whose value is known */

static CK_OBJECT_HANDLE wrapping_key(void)
{
    return token_secret_key(s, CKK_AES, 32);
}

/* Wrapped by C_Encrypt: the same cipher. */
static CK_RV unwrap_packed(EVP_PKEY *key, CK_OBJECT_HANDLE *made)
{
    CK_MECHANISM m = {CKM_AES_KEY_WRAP_KWP, NULL, 0};
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    uint8_t *der = NULL;
    int n = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    CK_BYTE *wrapped = malloc((size_t)n + 16);
    CK_ULONG wrapped_n = (CK_ULONG)n + 16;
    CK_RV rv;

    ck_ok(f->C_EncryptInit(s, &m, wrapping_key()));
    ck_ok(f->C_Encrypt(s, der, (CK_ULONG)n, wrapped, &wrapped_n));
    rv = sample_dsa_unwrap(s, wrapping_key(), wrapped, wrapped_n, CKK_DSA, made);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    free(wrapped);
    return rv;
}

static EVP_PKEY *pair_in(const struct sample_group *in, BN_ULONG x)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    BIGNUM *p = BN_bin2bn(in->p, (int)in->p_n, NULL), *q = BN_bin2bn(in->q, (int)in->q_n, NULL), *g = BN_bin2bn(in->g, (int)in->g_n, NULL);
    BIGNUM *secret = BN_new(), *value = BN_new();
    BN_CTX *bn = BN_CTX_new();
    OSSL_PARAM *params;
    EVP_PKEY *key = NULL;

    ck_assert(BN_set_word(secret, x) == 1 && BN_mod_exp(value, g, secret, p, bn) == 1);
    ck_assert(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_P, p) == 1 &&
              OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_Q, q) == 1 &&
              OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_G, g) == 1 &&
              OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PUB_KEY, value) == 1 &&
              OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, secret) == 1);
    ck_assert_ptr_nonnull(params = OSSL_PARAM_BLD_to_param(build));
    ck_assert(EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) == 1);
    OSSL_PARAM_free(params);
    BN_free(p);
    BN_free(q);
    BN_free(g);
    BN_free(secret);
    BN_free(value);
    BN_CTX_free(bn);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_BLD_free(build);
    return key;
}

START_TEST(test_no_private_key_is_in_a_group_that_is_none)
{
    EVP_PKEY *given = sample_dsa_of(0), *openssl;
    struct sample_group good = sample_group_of(given);
    struct weak_group weak;
    struct token_pair pair;
    CK_OBJECT_HANDLE key;
    size_t i = 0;
    s = token_alice_under(POLICY_COMPATIBLE);
    openssl = pair_in(&good, 0x2345);
    ck_ok(sample_group_import(s, &good));
    ck_ok(unwrap_packed(openssl, &key));
    EVP_PKEY_free(openssl);
    for (; weak_group_at(i, &weak); i++) {
        CK_RV made = sample_group_pair(s, &weak.group, NULL, 0, &pair), created = sample_group_import(s, &weak.group), unwrapped;
        openssl = pair_in(&weak.group, 0x2345);
        unwrapped = unwrap_packed(openssl, &key);
        ck_assert_msg(made == weak.answer, "%s: generated 0x%lx", weak.what, made);
        ck_assert_msg(created == weak.answer, "%s: created 0x%lx", weak.what, created);
        ck_assert_msg(unwrapped == CKR_WRAPPED_KEY_INVALID, "%s: unwrapped 0x%lx", weak.what, unwrapped);
        EVP_PKEY_free(openssl);
    }
    ck_assert_uint_gt(i, 0);
    EVP_PKEY_free(given);
    token_stop();
}
END_TEST

/* A key whose numbers have 32000 bits would keep OpenSSL busy for 14 seconds before anybody has looked at its group. */
START_TEST(test_huge_numbers_are_refused_before_they_are_worked_with)
{
    static CK_BYTE der[16384], wrapped[16384 + 16];
    static const uint8_t dsa[] = {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01};
    CK_MECHANISM m = {CKM_AES_KEY_WRAP_KWP, NULL, 0};
    enum { NUMBER = 4000, HEAD = 4 };
    const size_t parameters = 3 * (HEAD + NUMBER), algorithm = sizeof dsa + HEAD + parameters, private_n = HEAD + NUMBER;
    const size_t whole = 3 + HEAD + algorithm + HEAD + private_n;
    CK_ULONG n = sizeof wrapped;
    CK_OBJECT_HANDLE made;
    CK_BYTE *at = der;
    clock_t began;
    s = token_alice_under(POLICY_COMPATIBLE);
#define PUT_HEAD(tag, length) (*at++ = (tag), *at++ = 0x82, *at++ = (CK_BYTE)((length) >> 8), *at++ = (CK_BYTE)(length))
    PUT_HEAD(0x30, whole);
    memcpy(at, "\x02\x01", 3);
    at += 3;
    PUT_HEAD(0x30, algorithm);
    memcpy(at, dsa, sizeof dsa);
    at += sizeof dsa;
    PUT_HEAD(0x30, parameters);
    for (int i = 0; i < 3; i++) {
        PUT_HEAD(0x02, NUMBER);
        memset(at, 0x7f, NUMBER);
        at += NUMBER;
    }
    PUT_HEAD(0x04, private_n);
    PUT_HEAD(0x02, NUMBER);
    memset(at, 0x7f, NUMBER);
    at += NUMBER;
#undef PUT_HEAD
    ck_ok(f->C_EncryptInit(s, &m, wrapping_key()));
    ck_ok(f->C_Encrypt(s, der, (CK_ULONG)(at - der), wrapped, &n));
    began = clock();
    ck_rv(sample_dsa_unwrap(s, wrapping_key(), wrapped, n, CKK_DSA, &made), CKR_WRAPPED_KEY_INVALID);
    ck_assert_int_lt(clock() - began, 5 * CLOCKS_PER_SEC);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_no_private_key_is_in_a_group_that_is_none,
        &test_huge_numbers_are_refused_before_they_are_worked_with,
        NULL,
    };

    return suite_of("module_dsa_group", 120, tests);
}
