/* Post-quantum private keys under keys, as PKCS #8: in the form in which OpenSSL writes it, and in all forms that there are of it (RFC 9935
 * section 6, RFC 9881 section 6). Where libcrypto has none there is nothing to be tried. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "proto/limits.h"
#include "proto/parameter_set.h"
#include "proto/policy.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { ROOM = 16384 };

static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY, private_class = CKO_PRIVATE_KEY;
static CK_BYTE kek[16] = "0123456789abcde";
static CK_OBJECT_HANDLE with;
static CK_MECHANISM kwp = {CKM_AES_KEY_WRAP_KWP, NULL, 0};

static void setup(void)
{
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
                        {CKA_VALUE, kek, sizeof kek}, {CKA_WRAP, &yes, 1}, {CKA_UNWRAP, &yes, 1}};

    s = token_alice_under(POLICY_COMPATIBLE);
    ck_ok(f->C_CreateObject(s, t, 5, &with));
}

/* Where making keys takes its time, one of each hash is enough. */
static const struct parameter_set *next(size_t *i)
{
    const struct parameter_set *set;

    while ((set = parameter_set_at((*i)++)) != NULL)
        if (parameter_set_is_here(set) &&
            (set->key_type != CKK_SLH_DSA || set->number == CKP_SLH_DSA_SHA2_128F || set->number == CKP_SLH_DSA_SHAKE_256F ||
             set->number == CKP_SLH_DSA_SHA2_192F))
            return set;
    return NULL;
}

static int under_kek(int encrypt, const CK_BYTE *in, int n, CK_BYTE *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int made = -1;

    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    ck_assert_int_eq(EVP_CipherInit_ex(ctx, EVP_aes_128_wrap_pad(), NULL, kek, NULL, encrypt), 1);
    ck_assert_int_eq(EVP_CipherUpdate(ctx, out, &made, in, n), 1);
    EVP_CIPHER_CTX_free(ctx);
    return made;
}

struct value {
    CK_BYTE bytes[PARAMETER_SET_PRIVATE_BYTES_MAX];
    size_t n; /* 0: there is none */
};

static struct value openssl_value(const EVP_PKEY *key, const char *name)
{
    struct value v = {.n = 0};

    if (EVP_PKEY_get_octet_string_param(key, name, v.bytes, sizeof v.bytes, &v.n) != 1)
        v.n = 0;
    ERR_clear_error();
    return v;
}

static void check_attribute(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type, const struct value *wanted)
{
    static CK_BYTE got[PARAMETER_SET_PRIVATE_BYTES_MAX];
    CK_ATTRIBUTE a = {type, got, sizeof got};

    if (wanted->n == 0)
        return;
    ck_ok(f->C_GetAttributeValue(s, key, &a, 1));
    ck_assert_uint_eq(a.ulValueLen, wanted->n);
    ck_assert_mem_eq(got, wanted->bytes, wanted->n);
}

static CK_RV unwrap(CK_KEY_TYPE type, CK_BYTE *wrapped, CK_ULONG n, CK_OBJECT_HANDLE *key)
{
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &private_class, sizeof private_class}, {CKA_KEY_TYPE, &type, sizeof type},
                        {CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};

    return f->C_UnwrapKey(s, &kwp, with, wrapped, n, t, 4, key);
}

/* The key's PKCS #8 with other bytes within. */
static int pkcs8_of(EVP_PKEY *key, const CK_BYTE *within, size_t n, CK_BYTE *out)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    const ASN1_OBJECT *type = NULL;
    CK_BYTE *copy = OPENSSL_memdup(within, n), *at = out;
    int made;

    ck_assert(info != NULL && PKCS8_pkey_get0(&type, NULL, NULL, NULL, info) == 1);
    ck_assert_int_eq(PKCS8_pkey_set0(info, OBJ_dup(type), 0, V_ASN1_UNDEF, NULL, copy, (int)n), 1);
    made = i2d_PKCS8_PRIV_KEY_INFO(info, &at);
    PKCS8_PRIV_KEY_INFO_free(info);
    return made;
}

static size_t der(CK_BYTE tag, const struct value *v, CK_BYTE *out)
{
    size_t at = 0;

    out[at++] = tag;
    if (v->n > 255) {
        out[at++] = 0x82;
        out[at++] = (CK_BYTE)(v->n >> 8);
    } else if (v->n > 127) {
        out[at++] = 0x81;
    }
    out[at++] = (CK_BYTE)v->n;
    memcpy(out + at, v->bytes, v->n);
    return at + v->n;
}

START_TEST(test_the_token_wraps_what_openssl_reads)
{
    static CK_BYTE wrapped[ROOM], plain[ROOM];
    const struct parameter_set *set;
    size_t i = 0;

    setup();
    while ((set = next(&i)) != NULL) {
        CK_MECHANISM m = {set->key_type == CKK_ML_KEM   ? CKM_ML_KEM_KEY_PAIR_GEN
                          : set->key_type == CKK_ML_DSA ? CKM_ML_DSA_KEY_PAIR_GEN
                                                        : CKM_SLH_DSA_KEY_PAIR_GEN,
                          NULL, 0};
        CK_ULONG number = set->number, n = sizeof wrapped;
        CK_ATTRIBUTE pub[] = {{CKA_PARAMETER_SET, &number, sizeof number}}, priv[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};
        CK_OBJECT_HANDLE public_key, private_key, again;
        struct value seed, value;
        const CK_BYTE *at = plain;
        EVP_PKEY *key;
        ck_ok(f->C_GenerateKeyPair(s, &m, pub, 1, priv, 2, &public_key, &private_key));
        ck_ok(f->C_WrapKey(s, &kwp, with, private_key, wrapped, &n));
        key = d2i_AutoPrivateKey(NULL, &at, under_kek(0, wrapped, (int)n, plain));
        ck_assert_msg(key != NULL && EVP_PKEY_is_a(key, set->name), "%s", set->name);
        seed = openssl_value(key, "seed");
        value = openssl_value(key, "priv");
        check_attribute(private_key, CKA_SEED, &seed);
        check_attribute(private_key, CKA_VALUE, &value);
        ck_assert_int_eq(seed.n > 0, set->seed_bytes > 0);
        ck_ok(unwrap(set->key_type, wrapped, n, &again));
        check_attribute(again, CKA_SEED, &seed);
        check_attribute(again, CKA_VALUE, &value);
        ck_rv(unwrap(CKK_RSA, wrapped, n, &again), CKR_WRAPPED_KEY_INVALID);
        EVP_PKEY_free(key);
    }
    token_stop();
}
END_TEST

/* The seed alone, the private key alone, and both. */
START_TEST(test_every_form_of_pkcs8_is_unwrapped)
{
    static CK_BYTE within[ROOM], info[ROOM], wrapped[ROOM];
    const struct parameter_set *set;
    size_t i = 0;

    setup();
    while ((set = next(&i)) != NULL) {
        EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, set->name);
        struct value seed, value, none = {.n = 0};
        CK_OBJECT_HANDLE again;
        int n;
        ck_assert_ptr_nonnull(key);
        seed = openssl_value(key, "seed");
        value = openssl_value(key, "priv");
        if (set->key_type == CKK_SLH_DSA) {
            n = pkcs8_of(key, value.bytes, value.n, info);
            ck_ok(unwrap(set->key_type, wrapped, (CK_ULONG)under_kek(1, info, n, wrapped), &again));
            check_attribute(again, CKA_VALUE, &value);
        } else {
            CK_ULONG at;
            n = pkcs8_of(key, within, der(0x80, &seed, within), info);
            ck_ok(unwrap(set->key_type, wrapped, (CK_ULONG)under_kek(1, info, n, wrapped), &again));
            check_attribute(again, CKA_SEED, &seed);
            check_attribute(again, CKA_VALUE, &value);
            n = pkcs8_of(key, within, der(4, &value, within), info);
            ck_ok(unwrap(set->key_type, wrapped, (CK_ULONG)under_kek(1, info, n, wrapped), &again));
            check_attribute(again, CKA_SEED, &none);
            check_attribute(again, CKA_VALUE, &value);
            /* Both, of which one is of another key. */
            at = der(4, &seed, within + 4);
            value.bytes[0] ^= 1;
            at += der(4, &value, within + 4 + at);
            within[0] = 0x30;
            within[1] = 0x82;
            within[2] = (CK_BYTE)(at >> 8);
            within[3] = (CK_BYTE)at;
            n = pkcs8_of(key, within, at + 4, info);
            ck_rv(unwrap(set->key_type, wrapped, (CK_ULONG)under_kek(1, info, n, wrapped), &again), CKR_WRAPPED_KEY_INVALID);
        }
        EVP_PKEY_free(key);
    }
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_the_token_wraps_what_openssl_reads,
        &test_every_form_of_pkcs8_is_unwrapped,
        NULL,
    };

    return suite_of("module_pq_wrap", 300, tests);
}
