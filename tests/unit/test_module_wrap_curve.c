/* Wrapping by an agreement on a curve (PKCS #11 3.1 section 6.3.21, 3.2 sections 6.3.22 to 6.3.24), against OpenSSL alone: what the token
 * wraps is opened here by hand, and what is wrapped here by hand the token opens. */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/objects.h>

#include "crypto/curve.h"
#include "proto/policy.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { ROOM = 1024, SHARED_BYTES_MAX = 66 };

static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY, public_class = CKO_PUBLIC_KEY;
static CK_BYTE value[40] = "a value that is no multiple of eight ..", shared[] = "both know this";

static void setup(void)
{
    s = token_alice_under(POLICY_COMPATIBLE);
}

/* ---- the token's side */

struct pair {
    const struct curve *curve;
    CK_OBJECT_HANDLE public_key, private_key;
    CK_BYTE point[CURVE_POINT_BYTES_MAX]; /* raw */
    size_t point_n;
};

static struct pair pair_on(const struct curve *c)
{
    CK_MECHANISM m = {c->key_type == CKK_EC ? CKM_EC_KEY_PAIR_GEN : CKM_EC_MONTGOMERY_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE pub[] = {{CKA_EC_PARAMS, (void *)(uintptr_t)c->params, c->params_bytes}, {CKA_WRAP, &yes, 1}},
                 priv[] = {{CKA_UNWRAP, &yes, 1}};
    CK_BYTE got[CURVE_POINT_BYTES_MAX + 3];
    CK_ATTRIBUTE ask = {CKA_EC_POINT, got, sizeof got};
    struct pair p = {.curve = c};
    const uint8_t *raw;

    ck_ok(f->C_GenerateKeyPair(s, &m, pub, 2, priv, 1, &p.public_key, &p.private_key));
    ck_ok(f->C_GetAttributeValue(s, p.public_key, &ask, 1));
    ck_assert_int_eq(curve_point_read(c, got, ask.ulValueLen, &raw, &p.point_n), ERR_OK);
    memcpy(p.point, raw, p.point_n);
    return p;
}

static CK_OBJECT_HANDLE target(void)
{
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
                        {CKA_VALUE, value, sizeof value - 1}, {CKA_EXTRACTABLE, &yes, 1}};
    CK_OBJECT_HANDLE key = 0;

    ck_ok(f->C_CreateObject(s, t, 4, &key));
    return key;
}

static CK_RV unwrap(CK_MECHANISM *m, CK_OBJECT_HANDLE with, CK_BYTE *wrapped, CK_ULONG n, CK_OBJECT_HANDLE *key)
{
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
                        {CKA_SENSITIVE, &no, 1}};

    return f->C_UnwrapKey(s, m, with, wrapped, n, t, 3, key);
}

static void check_value(CK_OBJECT_HANDLE key)
{
    CK_BYTE got[ROOM];
    CK_ATTRIBUTE a = {CKA_VALUE, got, sizeof got};

    ck_ok(f->C_GetAttributeValue(s, key, &a, 1));
    ck_assert_uint_eq(a.ulValueLen, sizeof value - 1);
    ck_assert_mem_eq(got, value, sizeof value - 1);
}

/* ---- by hand */

static EVP_PKEY *own_key(const struct curve *c)
{
    return c->key_type == CKK_EC ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", c->name) : EVP_PKEY_Q_keygen(NULL, NULL, c->name);
}

static EVP_PKEY *public_of(const struct curve *c, const CK_BYTE *point, size_t n)
{
    EVP_PKEY_CTX *ctx;
    EVP_PKEY *key = NULL;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)c->name, 0),
                           OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point, n),
                           OSSL_PARAM_construct_end()};

    if (c->key_type != CKK_EC)
        return EVP_PKEY_new_raw_public_key_ex(NULL, c->name, NULL, point, n);
    ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    ck_assert(EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* The AES key that own's half and peer's point give. */
static void agree(EVP_PKEY *own, EVP_PKEY *peer, const CK_ECDH_AES_KEY_WRAP_PARAMS *p, CK_BYTE *aes)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
    CK_BYTE secret[SHARED_BYTES_MAX];
    size_t n = sizeof secret, aes_n = p->ulAESKeyBits / 8;
    bool sp800 = p->kdf == CKD_SHA512_KDF_SP800;
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, sp800 ? "SSKDF" : "X963KDF", NULL);
    EVP_KDF_CTX *derive = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[4], *at = params;

    ck_assert(EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1);
    ck_assert(EVP_PKEY_derive(ctx, secret, &n) == 1);
    *at++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)(sp800 ? "SHA512" : "SHA384"), 0);
    *at++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, n);
    if (p->ulSharedDataLen > 0)
        *at++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, p->pSharedData, p->ulSharedDataLen);
    *at = OSSL_PARAM_construct_end();
    if (p->kdf == CKD_NULL)
        memcpy(aes, secret + n - aes_n, aes_n);
    else
        ck_assert_int_eq(EVP_KDF_derive(derive, aes, aes_n, params), 1);
    EVP_KDF_CTX_free(derive);
    EVP_KDF_free(kdf);
    EVP_PKEY_CTX_free(ctx);
}

static int kwp(const CK_BYTE *aes, CK_ULONG bits, int encrypt, const CK_BYTE *in, int n, CK_BYTE *out)
{
    const EVP_CIPHER *cipher = bits == 128 ? EVP_aes_128_wrap_pad() : bits == 192 ? EVP_aes_192_wrap_pad() : EVP_aes_256_wrap_pad();
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int made = -1;

    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_CipherInit_ex(ctx, cipher, NULL, aes, NULL, encrypt) != 1 || EVP_CipherUpdate(ctx, out, &made, in, n) != 1)
        made = -1;
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return made;
}

/* The point as it stands in front. */
static size_t put_point(const CK_MECHANISM *m, const CK_BYTE *point, size_t n, CK_BYTE *out)
{
    size_t at = 0;

    if (m->mechanism == CKM_ECDH_COF_AES_KEY_WRAP) {
        out[at++] = 4;
        if (n > 127)
            out[at++] = 0x81;
        out[at++] = (CK_BYTE)n;
    }
    memcpy(out + at, point, n);
    return at + n;
}

static size_t head_bytes(const CK_MECHANISM *m, const struct curve *c)
{
    return m->mechanism != CKM_ECDH_COF_AES_KEY_WRAP ? 0 : c->point_bytes > 127 ? 3 : 2;
}

static CK_ULONG wrap_by_hand(const CK_MECHANISM *m, const struct pair *p, CK_BYTE *out)
{
    const CK_ECDH_AES_KEY_WRAP_PARAMS *params = m->pParameter;
    EVP_PKEY *transport = own_key(p->curve), *peer = public_of(p->curve, p->point, p->point_n);
    CK_BYTE aes[32], point[CURVE_POINT_BYTES_MAX];
    size_t n = 0;
    int made;

    ck_assert_int_eq(EVP_PKEY_get_octet_string_param(transport, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &n), 1);
    agree(transport, peer, params, aes);
    n = put_point(m, point, n, out);
    made = kwp(aes, params->ulAESKeyBits, 1, value, sizeof value - 1, out + n);
    ck_assert_int_gt(made, 0);
    EVP_PKEY_free(transport);
    EVP_PKEY_free(peer);
    return n + (CK_ULONG)made;
}

/* What the token has wrapped for a key whose private half is here. */
static void open_by_hand(const CK_MECHANISM *m, const struct curve *c, EVP_PKEY *own, const CK_BYTE *wrapped, CK_ULONG n)
{
    const CK_ECDH_AES_KEY_WRAP_PARAMS *params = m->pParameter;
    size_t head = head_bytes(m, c);
    EVP_PKEY *transport = public_of(c, wrapped + head, c->point_bytes);
    CK_BYTE aes[32], plain[ROOM];
    size_t first = head + c->point_bytes;

    agree(own, transport, params, aes);
    ck_assert_int_eq(kwp(aes, params->ulAESKeyBits, 0, wrapped + first, (int)(n - first), plain), sizeof value - 1);
    ck_assert_mem_eq(plain, value, sizeof value - 1);
    EVP_PKEY_free(transport);
}

static CK_OBJECT_HANDLE import_public(const struct curve *c, EVP_PKEY *key)
{
    CK_KEY_TYPE type = c->key_type;
    CK_BYTE point[CURVE_POINT_BYTES_MAX];
    size_t n = 0;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &public_class, sizeof public_class},
                        {CKA_KEY_TYPE, &type, sizeof type},
                        {CKA_EC_PARAMS, (void *)(uintptr_t)c->params, c->params_bytes},
                        {CKA_EC_POINT, point, 0},
                        {CKA_WRAP, &yes, 1}};
    CK_OBJECT_HANDLE out = 0;

    ck_assert_int_eq(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &n), 1);
    t[3].ulValueLen = n;
    ck_ok(f->C_CreateObject(s, t, 5, &out));
    return out;
}

/* ---- tests */

/* Every curve with what it may have of these. */
static bool is_for(CK_MECHANISM_TYPE type, const struct curve *c)
{
    return c->key_type == CKK_EC ? type != CKM_ECDH_X_AES_KEY_WRAP
                                 : c->key_type == CKK_EC_MONTGOMERY && type != CKM_ECDH_COF_AES_KEY_WRAP;
}

static const CK_MECHANISM_TYPE types[] = {CKM_ECDH_AES_KEY_WRAP, CKM_ECDH_X_AES_KEY_WRAP, CKM_ECDH_COF_AES_KEY_WRAP};

START_TEST(test_the_token_and_openssl_open_what_the_other_wraps)
{
    static CK_ECDH_AES_KEY_WRAP_PARAMS params[] = {{128, CKD_NULL, 0, NULL}, {192, CKD_SHA384_KDF, sizeof shared, shared},
                                                   {256, CKD_SHA512_KDF_SP800, 0, NULL}};
    const struct curve *c;
    unsigned tried = 0;

    setup();
    for (size_t i = 0; (c = curve_at(i)) != NULL; i++) {
        struct pair p;
        EVP_PKEY *own;
        CK_OBJECT_HANDLE theirs, key = target();
        if (c->key_type == CKK_EC_EDWARDS)
            continue;
        p = pair_on(c);
        own = own_key(c);
        theirs = import_public(c, own);
        for (size_t t = 0; t < 3; t++)
            for (size_t k = 0; is_for(types[t], c) && k < 3; k++) {
                CK_MECHANISM m = {types[t], &params[k], sizeof params[k]};
                CK_BYTE wrapped[ROOM];
                CK_ULONG n = sizeof wrapped;
                CK_OBJECT_HANDLE again = 0;
                ck_ok(f->C_WrapKey(s, &m, theirs, key, wrapped, &n));
                open_by_hand(&m, c, own, wrapped, n);
                n = wrap_by_hand(&m, &p, wrapped);
                ck_assert_msg(unwrap(&m, p.private_key, wrapped, n, &again) == CKR_OK, "%s, %lx", c->name, types[t]);
                check_value(again);
                f->C_DestroyObject(s, again);
                tried++;
            }
        EVP_PKEY_free(own);
    }
    ck_assert_uint_eq(tried, 8 * 2 * 3 + 2 * 2 * 3);
    token_stop();
}
END_TEST

/* A point that is none, or of small order, gives no key, and the same error as anything else that is wrong. */
START_TEST(test_points_off_the_curve_are_refused)
{
    static CK_ECDH_AES_KEY_WRAP_PARAMS params = {128, CKD_SHA384_KDF, 0, NULL};
    const struct curve *c;

    setup();
    for (size_t i = 0; (c = curve_at(i)) != NULL; i++)
        for (size_t t = 0; t < 3; t++) {
            CK_MECHANISM m = {types[t], &params, sizeof params};
            struct pair p;
            CK_BYTE wrapped[ROOM], bent[ROOM];
            CK_ULONG n;
            CK_OBJECT_HANDLE again = 0;
            size_t at;
            if (!is_for(types[t], c))
                continue;
            p = pair_on(c);
            n = wrap_by_hand(&m, &p, wrapped);
            memcpy(bent, wrapped, n);
            at = head_bytes(&m, c);
            bent[at + c->point_bytes - 1] ^= 1; /* off the curve; of Montgomery's, another one */
            ck_rv(unwrap(&m, p.private_key, bent, n, &again), CKR_WRAPPED_KEY_INVALID);
            memset(bent + at, 0, c->point_bytes); /* infinity, or order one */
            ck_rv(unwrap(&m, p.private_key, bent, n, &again), CKR_WRAPPED_KEY_INVALID);
            bent[at] = c->key_type == CKK_EC ? 4 : 1; /* (0, 0), or order two */
            ck_rv(unwrap(&m, p.private_key, bent, n, &again), CKR_WRAPPED_KEY_INVALID);
            memcpy(bent, wrapped, n);
            bent[0] ^= 6; /* compressed, or no OCTET STRING, or another point */
            ck_rv(unwrap(&m, p.private_key, bent, n, &again), CKR_WRAPPED_KEY_INVALID);
            ck_rv(unwrap(&m, p.private_key, wrapped, at + c->point_bytes, &again), CKR_WRAPPED_KEY_LEN_RANGE);
            ck_rv(unwrap(&m, p.private_key, wrapped, 8, &again), CKR_WRAPPED_KEY_LEN_RANGE);
            wrapped[n - 1] ^= 1;
            ck_rv(unwrap(&m, p.private_key, wrapped, n, &again), CKR_WRAPPED_KEY_INVALID);
        }
    token_stop();
}
END_TEST

START_TEST(test_parameters_and_keys_that_do_not_fit_are_refused)
{
    static CK_ECDH_AES_KEY_WRAP_PARAMS bad[] = {{64, CKD_NULL, 0, NULL}, {0, CKD_NULL, 0, NULL}, {128, 99, 0, NULL},
                                                {128, CKD_NULL, sizeof shared, shared}, {128, CKD_SHA256_KDF, 3, NULL},
                                                {(1UL << 32) + 128, CKD_NULL, 0, NULL}};
    CK_ECDH_AES_KEY_WRAP_PARAMS good = {128, CKD_SHA256_KDF, 0, NULL}, long_key = {256, CKD_NULL, 0, NULL};
    struct pair p256, p224, x25519;
    CK_MECHANISM m = {CKM_ECDH_AES_KEY_WRAP, &good, sizeof good};
    CK_BYTE wrapped[ROOM];
    CK_ULONG n = sizeof wrapped;
    CK_OBJECT_HANDLE key;

    setup();
    key = target();
    p256 = pair_on(curve_by_name("P-256"));
    p224 = pair_on(curve_by_name("P-224"));
    x25519 = pair_on(curve_by_name("X25519"));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        m.pParameter = &bad[i];
        ck_rv(f->C_WrapKey(s, &m, p256.public_key, key, wrapped, &n), CKR_MECHANISM_PARAM_INVALID);
    }
    m.pParameter = &long_key; /* more than the secret has */
    ck_rv(f->C_WrapKey(s, &m, p224.public_key, key, wrapped, &n), CKR_MECHANISM_PARAM_INVALID);
    ck_ok(f->C_WrapKey(s, &m, p256.public_key, key, wrapped, &n));
    m = (CK_MECHANISM){CKM_ECDH_AES_KEY_WRAP, &good, sizeof good - 1};
    ck_rv(f->C_WrapKey(s, &m, p256.public_key, key, wrapped, &n), CKR_MECHANISM_PARAM_INVALID);
    m = (CK_MECHANISM){CKM_ECDH_X_AES_KEY_WRAP, &good, sizeof good};
    ck_rv(f->C_WrapKey(s, &m, p256.public_key, key, wrapped, &n), CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
    m.mechanism = CKM_ECDH_COF_AES_KEY_WRAP;
    ck_rv(f->C_WrapKey(s, &m, x25519.public_key, key, wrapped, &n), CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
    ck_rv(unwrap(&m, x25519.private_key, wrapped, 200, &key), CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_the_token_and_openssl_open_what_the_other_wraps,
        &test_points_off_the_curve_are_refused,
        &test_parameters_and_keys_that_do_not_fit_are_refused,
        NULL,
    };

    return suite_of("module_wrap_curve", 120, tests);
}
