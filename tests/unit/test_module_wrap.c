/* C_WrapKey and C_UnwrapKey through the module and the real vault: every row, every form of key, and what must be
 * refused. */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "proto/cipher_mode.h"
#include "proto/mechanism.h"
#include "proto/policy.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_mechanism.h"
#include "tests/unit/token.h"

enum { ROOM = 8192 };

static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY, private_class = CKO_PRIVATE_KEY;
static CK_BYTE value[32] = "a value of exactly 32 bytes ...";

static void setup(void)
{
    s = token_alice_under(POLICY_COMPATIBLE);
}

/* ---- keys */

static CK_OBJECT_HANDLE import(CK_KEY_TYPE type, const CK_BYTE *bytes, CK_ULONG n, CK_ATTRIBUTE *more, CK_ULONG more_n)
{
    CK_ATTRIBUTE t[12] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                          {CKA_KEY_TYPE, &type, sizeof type},
                          {CKA_VALUE, (void *)(uintptr_t)bytes, n}};
    CK_OBJECT_HANDLE key = 0;

    for (CK_ULONG i = 0; i < more_n; i++)
        t[3 + i] = more[i];
    ck_ok(f->C_CreateObject(s, t, 3 + more_n, &key));
    return key;
}

static CK_OBJECT_HANDLE target(void)
{
    CK_ATTRIBUTE more[] = {{CKA_EXTRACTABLE, &yes, 1}, {CKA_SENSITIVE, &yes, 1}};

    return import(CKK_GENERIC_SECRET, value, sizeof value, more, 2);
}

struct ends {
    CK_OBJECT_HANDLE wraps, unwraps;
};

static struct ends aes(void)
{
    CK_ATTRIBUTE more[] = {{CKA_WRAP, &yes, 1}, {CKA_UNWRAP, &yes, 1}};
    CK_OBJECT_HANDLE key = import(CKK_AES, (const CK_BYTE *)"0123456789abcdef", 16, more, 2);

    return (struct ends){key, key};
}

static struct ends rsa(void)
{
    CK_MECHANISM m = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ULONG bits = 2048;
    CK_ATTRIBUTE pub[] = {{CKA_MODULUS_BITS, &bits, sizeof bits}, {CKA_WRAP, &yes, 1}},
                 priv[] = {{CKA_UNWRAP, &yes, 1}};
    struct ends e;

    ck_ok(f->C_GenerateKeyPair(s, &m, pub, 2, priv, 1, &e.wraps, &e.unwraps));
    return e;
}

static struct ends curve(const struct mechanism *row)
{
    static CK_BYTE p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}, x448[] = {0x06, 0x03, 0x2b, 0x65, 0x6f};
    CK_MECHANISM m = {row->key_type == CKK_EC ? CKM_EC_KEY_PAIR_GEN : CKM_EC_MONTGOMERY_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE pub[] = {{CKA_EC_PARAMS, p384, sizeof p384}, {CKA_WRAP, &yes, 1}}, priv[] = {{CKA_UNWRAP, &yes, 1}};
    struct ends e;

    if (row->key_type != CKK_EC)
        pub[0] = (CK_ATTRIBUTE){CKA_EC_PARAMS, x448, sizeof x448};
    ck_ok(f->C_GenerateKeyPair(s, &m, pub, 2, priv, 1, &e.wraps, &e.unwraps));
    return e;
}

static struct ends chacha(void)
{
    CK_ATTRIBUTE more[] = {{CKA_WRAP, &yes, 1}, {CKA_UNWRAP, &yes, 1}};
    CK_OBJECT_HANDLE key = import(CKK_CHACHA20, value, 32, more, 2);

    return (struct ends){key, key};
}

static struct ends rsa_pair;

static struct ends ends_for(const struct mechanism *row)
{
    if (row->key_type == CKK_EC || row->key_type == CKK_EC_MONTGOMERY)
        return curve(row);
    if (row->key_type != CKK_RSA)
        return row->key_type == CKK_CHACHA20 ? chacha() : aes();
    if (rsa_pair.wraps == 0)
        rsa_pair = rsa();
    return rsa_pair;
}

static CK_MECHANISM mechanism_for(const struct mechanism *row)
{
    static CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
    static CK_RSA_AES_KEY_WRAP_PARAMS both = {256, &oaep};

    static CK_ECDH_AES_KEY_WRAP_PARAMS agreed = {192, CKD_SHA256_KDF, sizeof value, value};

    if (row->param == PARAM_ECDH_AES)
        return (CK_MECHANISM){row->type, &agreed, sizeof agreed};
    return row->param == PARAM_RSA_AES ? (CK_MECHANISM){row->type, &both, sizeof both} : sample_mechanism(row, 0);
}

static const struct mechanism *row_at(size_t *i)
{
    const struct mechanism *row;

    while ((row = mechanism_at((*i)++)) != NULL && !mechanism_does(row, CKF_WRAP)) {
    }
    return row;
}

static CK_RV unwrap_as(CK_MECHANISM *m, CK_OBJECT_HANDLE with, CK_BYTE *wrapped, CK_ULONG n, CK_ATTRIBUTE *more,
                       CK_ULONG more_n, CK_OBJECT_HANDLE *key)
{
    static CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE t[8] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type}};

    for (CK_ULONG i = 0; i < more_n; i++)
        t[2 + i] = more[i];
    return f->C_UnwrapKey(s, m, with, wrapped, n, t, 2 + more_n, key);
}

static CK_ULONG value_of(CK_OBJECT_HANDLE key, CK_BYTE *out, CK_ULONG room)
{
    CK_ATTRIBUTE a = {CKA_VALUE, out, room};

    ck_ok(f->C_GetAttributeValue(s, key, &a, 1));
    return a.ulValueLen;
}

/* Such a wrapped key may have any length. */
static bool tagged(const struct mechanism *row)
{
    return cipher_mode_of(row) != NULL && cipher_mode_of(row)->tagged;
}

/* ---- tests */

START_TEST(test_every_row_wraps_and_unwraps)
{
    CK_ATTRIBUTE readable[] = {{CKA_SENSITIVE, &no, 1}};
    const struct mechanism *row;
    unsigned tried = 0;
    size_t i = 0;

    setup();
    rsa_pair = (struct ends){0, 0};
    while ((row = row_at(&i)) != NULL) {
        struct ends e = ends_for(row);
        CK_MECHANISM m = mechanism_for(row);
        CK_OBJECT_HANDLE key = target(), again = 0;
        CK_BYTE wrapped[ROOM], read[ROOM];
        CK_ULONG asked = 0, n = sizeof wrapped, little = 1;
        ck_assert_msg(f->C_WrapKey(s, &m, e.wraps, key, NULL, &asked) == CKR_OK, "%s: size", row->name);
        ck_rv(f->C_WrapKey(s, &m, e.wraps, key, wrapped, &little), CKR_BUFFER_TOO_SMALL);
        ck_assert_uint_eq(little, asked);
        ck_assert_msg(f->C_WrapKey(s, &m, e.wraps, key, wrapped, &n) == CKR_OK, "%s: wrap", row->name);
        ck_assert_uint_eq(n, asked);
        ck_assert_msg(unwrap_as(&m, e.unwraps, wrapped, n, readable, 1, &again) == CKR_OK, "%s: unwrap", row->name);
        ck_assert_uint_eq(value_of(again, read, sizeof read), sizeof value);
        ck_assert_mem_eq(read, value, sizeof value);
        wrapped[n / 2] ^= 1;
        if (row->family != FAMILY_CBC_PAD && row->family != FAMILY_RSA_PKCS) /* which do not authenticate */
            ck_assert_msg(unwrap_as(&m, e.unwraps, wrapped, n, NULL, 0, &again) == CKR_WRAPPED_KEY_INVALID, "%s: bent",
                          row->name);
        ck_assert_msg(unwrap_as(&m, e.unwraps, wrapped, n - 1, NULL, 0, &again) ==
                          (tagged(row) ? CKR_WRAPPED_KEY_INVALID : CKR_WRAPPED_KEY_LEN_RANGE),
                      "%s: cut", row->name);
        tried++;
    }
    ck_assert_uint_ge(tried, 14);
    token_stop();
}
END_TEST

START_TEST(test_each_row_refuses_what_is_not_permitted)
{
    CK_ATTRIBUTE closed[] = {{CKA_EXTRACTABLE, &no, 1}},
                 careful[] = {{CKA_EXTRACTABLE, &yes, 1}, {CKA_WRAP_WITH_TRUSTED, &yes, 1}};
    const struct mechanism *row;
    size_t i = 0;

    setup();
    rsa_pair = (struct ends){0, 0};
    while ((row = row_at(&i)) != NULL) {
        struct ends e = ends_for(row);
        CK_MECHANISM m = mechanism_for(row), wrong = {row->type, value, 3};
        CK_OBJECT_HANDLE key = target(), unextractable = import(CKK_GENERIC_SECRET, value, 32, closed, 1), again = 0;
        CK_OBJECT_HANDLE trusting = import(CKK_GENERIC_SECRET, value, 32, careful, 2),
                         mute = import(CKK_AES, value, 16, NULL, 0);
        CK_ATTRIBUTE more[] = {{CKA_WRAP, &yes, 1}, {CKA_UNWRAP, &yes, 1}};
        CK_OBJECT_HANDLE strange = import(CKK_GENERIC_SECRET, value, 16, more, 2);
        CK_BYTE wrapped[ROOM] = {0};
        CK_ULONG n = sizeof wrapped;
        ck_rv(f->C_WrapKey(s, &m, e.wraps, unextractable, wrapped, &n), CKR_KEY_UNEXTRACTABLE);
        ck_rv(f->C_WrapKey(s, &m, e.wraps, trusting, wrapped, &n), CKR_KEY_NOT_WRAPPABLE);
        ck_rv(f->C_WrapKey(s, &m, mute, key, wrapped, &n), CKR_KEY_FUNCTION_NOT_PERMITTED);
        ck_rv(f->C_WrapKey(s, &m, strange, key, wrapped, &n), CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
        ck_rv(f->C_WrapKey(s, &m, 0, key, wrapped, &n), CKR_WRAPPING_KEY_HANDLE_INVALID);
        ck_rv(f->C_WrapKey(s, &m, e.wraps, 0, wrapped, &n), CKR_KEY_HANDLE_INVALID);
        ck_rv(f->C_WrapKey(s, &wrong, e.wraps, key, wrapped, &n), CKR_MECHANISM_PARAM_INVALID);
        ck_rv(unwrap_as(&m, mute, wrapped, 256, NULL, 0, &again), CKR_KEY_FUNCTION_NOT_PERMITTED);
        ck_rv(unwrap_as(&m, strange, wrapped, 256, NULL, 0, &again), CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
        ck_rv(unwrap_as(&m, 0, wrapped, 256, NULL, 0, &again), CKR_UNWRAPPING_KEY_HANDLE_INVALID);
        ck_rv(unwrap_as(&m, e.unwraps, wrapped, 0, NULL, 0, &again), CKR_WRAPPED_KEY_LEN_RANGE);
        f->C_DestroyObject(s, key);
    }
    token_stop();
}
END_TEST

/* A private key goes out as PKCS #8, which OpenSSL reads, and comes back as the same key. */
START_TEST(test_private_keys_travel_as_pkcs8)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_MECHANISM gen = {CKM_EC_KEY_PAIR_GEN, NULL, 0}, m = {CKM_AES_KEY_WRAP_KWP, NULL, 0},
                 ecdsa = {CKM_ECDSA, NULL, 0};
    CK_ATTRIBUTE pub[] = {{CKA_EC_PARAMS, p256, sizeof p256}}, priv[] = {{CKA_EXTRACTABLE, &yes, 1}};
    CK_KEY_TYPE ec = CKK_EC, rsa_type = CKK_RSA;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &private_class, sizeof private_class}, {CKA_KEY_TYPE, &ec, sizeof ec}};
    CK_OBJECT_HANDLE public_key, private_key, again;
    CK_BYTE wrapped[ROOM], plain[ROOM], signature[64];
    const CK_BYTE *at = plain;
    CK_ULONG n = sizeof wrapped, signature_n = sizeof signature;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    EVP_PKEY *key;
    int plain_n = 0;
    struct ends e;

    setup();
    e = aes();
    ck_ok(f->C_GenerateKeyPair(s, &gen, pub, 1, priv, 1, &public_key, &private_key));
    ck_ok(f->C_WrapKey(s, &m, e.wraps, private_key, wrapped, &n));
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    ck_assert_int_eq(EVP_DecryptInit_ex(ctx, EVP_aes_128_wrap_pad(), NULL, (const CK_BYTE *)"0123456789abcdef", NULL),
                     1);
    ck_assert_int_eq(EVP_DecryptUpdate(ctx, plain, &plain_n, wrapped, (int)n), 1);
    key = d2i_AutoPrivateKey(NULL, &at, plain_n);
    ck_assert(key != NULL && EVP_PKEY_is_a(key, "EC"));
    EVP_PKEY_free(key);
    EVP_CIPHER_CTX_free(ctx);
    ck_ok(f->C_UnwrapKey(s, &m, e.unwraps, wrapped, n, t, 2, &again));
    ck_ok(f->C_SignInit(s, &ecdsa, again));
    ck_ok(f->C_Sign(s, value, 32, signature, &signature_n));
    ck_ok(f->C_VerifyInit(s, &ecdsa, public_key));
    ck_ok(f->C_Verify(s, value, 32, signature, signature_n));
    t[1].pValue = &rsa_type;
    ck_rv(f->C_UnwrapKey(s, &m, e.unwraps, wrapped, n, t, 2, &again), CKR_WRAPPED_KEY_INVALID);
    ck_rv(f->C_UnwrapKey(s, &m, e.unwraps, wrapped, n, t, 1, &again), CKR_TEMPLATE_INCOMPLETE);
    ck_rv(f->C_WrapKey(s, &m, e.wraps, public_key, wrapped, &n), CKR_KEY_NOT_WRAPPABLE);
    token_stop();
}
END_TEST

/* What PKCS #1 v1.5 unwraps shows nobody whether it was padded: a random block gives a key, always the same. */
START_TEST(test_a_block_without_padding_gives_a_key_like_any_other)
{
    CK_MECHANISM m = {CKM_RSA_PKCS, NULL, 0};
    CK_ATTRIBUTE readable[] = {{CKA_SENSITIVE, &no, 1}};
    CK_BYTE block[256], first[ROOM], second[ROOM];
    CK_OBJECT_HANDLE key;
    struct ends e;
    unsigned given = 0;

    setup();
    e = rsa();
    for (int i = 0; i < 20; i++) {
        CK_RV rv;
        memset(block, i + 1, sizeof block);
        block[0] = 0;
        rv = unwrap_as(&m, e.unwraps, block, sizeof block, readable, 1, &key);
        if (rv == CKR_WRAPPED_KEY_INVALID)
            continue; /* no bytes at all: one of the lengths that it may be */
        ck_rv(rv, CKR_OK);
        CK_ULONG n = value_of(key, first, sizeof first);
        ck_ok(unwrap_as(&m, e.unwraps, block, sizeof block, readable, 1, &key));
        ck_assert_uint_eq(value_of(key, second, sizeof second), n);
        ck_assert_mem_eq(first, second, n);
        given++;
    }
    ck_assert_uint_ge(given, 15);
    token_stop();
}
END_TEST

/* A public key that is nowhere but in this process wraps as well; nobody trusts it. */
START_TEST(test_a_public_key_of_this_process_wraps)
{
    CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = CKK_RSA;
    CK_BYTE modulus[512], exponent[8], wrapped[ROOM], read[ROOM];
    CK_ATTRIBUTE parts[] = {{CKA_MODULUS, modulus, sizeof modulus}, {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}};
    CK_ATTRIBUTE readable[] = {{CKA_SENSITIVE, &no, 1}};
    CK_MECHANISM m = mechanism_for(mechanism_find(CKM_RSA_PKCS_OAEP));
    CK_OBJECT_HANDLE own = 0, again;
    CK_ULONG n = sizeof wrapped;
    struct ends e;

    setup();
    e = rsa();
    ck_ok(f->C_GetAttributeValue(s, e.wraps, parts, 2));
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &public_class, sizeof public_class},
                        {CKA_KEY_TYPE, &type, sizeof type},
                        parts[0],
                        parts[1],
                        {CKA_WRAP, &yes, 1}};
    ck_ok(f->C_CreateObject(s, t, 5, &own));
    ck_ok(f->C_WrapKey(s, &m, own, target(), wrapped, &n));
    ck_ok(unwrap_as(&m, e.unwraps, wrapped, n, readable, 1, &again));
    ck_assert_uint_eq(value_of(again, read, sizeof read), sizeof value);
    t[4].pValue = &no;
    ck_ok(f->C_CreateObject(s, t, 5, &own));
    ck_rv(f->C_WrapKey(s, &m, own, target(), wrapped, &n), CKR_KEY_FUNCTION_NOT_PERMITTED);
    token_stop();
}
END_TEST

START_TEST(test_the_modern_policy_keeps_what_is_unwrapped_closed)
{
    CK_ATTRIBUTE readable[] = {{CKA_SENSITIVE, &no, 1}}, extractable[] = {{CKA_EXTRACTABLE, &yes, 1}};
    CK_MECHANISM m = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_BYTE wrapped[ROOM];
    CK_ULONG n = sizeof wrapped;
    CK_OBJECT_HANDLE again;
    struct ends e;

    s = token_alice_under(POLICY_MODERN);
    e = aes();
    ck_ok(f->C_WrapKey(s, &m, e.wraps, target(), wrapped, &n));
    ck_rv(unwrap_as(&m, e.unwraps, wrapped, n, readable, 1, &again), CKR_TEMPLATE_INCONSISTENT);
    ck_rv(unwrap_as(&m, e.unwraps, wrapped, n, extractable, 1, &again), CKR_TEMPLATE_INCONSISTENT);
    ck_ok(unwrap_as(&m, e.unwraps, wrapped, n, NULL, 0, &again));
    ck_rv(f->C_WrapKey(s, &m, e.wraps, again, wrapped, &n), CKR_KEY_UNEXTRACTABLE);
    token_stop();
}
END_TEST

START_TEST(test_templates_of_the_keys_are_obeyed)
{
    CK_BYTE fits[] = "fits", other[] = "other";
    CK_ATTRIBUTE inner[] = {{CKA_LABEL, fits, 4}}, forced[] = {{CKA_EXTRACTABLE, &no, 1}, {CKA_DERIVE, &yes, 1}};
    CK_ATTRIBUTE more[] = {{CKA_WRAP, &yes, 1},
                           {CKA_UNWRAP, &yes, 1},
                           {CKA_WRAP_TEMPLATE, inner, sizeof inner},
                           {CKA_UNWRAP_TEMPLATE, forced, sizeof forced}};
    CK_ATTRIBUTE good[] = {{CKA_EXTRACTABLE, &yes, 1}, {CKA_LABEL, fits, 4}},
                 bad[] = {{CKA_EXTRACTABLE, &yes, 1}, {CKA_LABEL, other, 5}}, against[] = {{CKA_EXTRACTABLE, &yes, 1}},
                 same[] = {{CKA_EXTRACTABLE, &no, 1}};
    CK_ULONG one = 1;
    CK_ATTRIBUTE part[] = {{CKA_VALUE_LEN, &one, sizeof one}};
    CK_BBOOL derives = CK_FALSE, extractable = CK_TRUE;
    CK_ATTRIBUTE ask[] = {{CKA_DERIVE, &derives, 1}, {CKA_EXTRACTABLE, &extractable, 1}};
    CK_MECHANISM m = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_OBJECT_HANDLE with, again;
    CK_BYTE wrapped[ROOM];
    CK_ULONG n = sizeof wrapped;

    setup();
    with = import(CKK_AES, value, 16, more, 4);
    ck_rv(f->C_WrapKey(s, &m, with, import(CKK_GENERIC_SECRET, value, 32, bad, 2), wrapped, &n), CKR_KEY_NOT_WRAPPABLE);
    ck_ok(f->C_WrapKey(s, &m, with, import(CKK_GENERIC_SECRET, value, 32, good, 2), wrapped, &n));
    ck_rv(unwrap_as(&m, with, wrapped, n, against, 1, &again), CKR_TEMPLATE_INCONSISTENT);
    ck_rv(unwrap_as(&m, with, wrapped, n, part, 1, &again), CKR_WRAPPED_KEY_INVALID); /* it could be tried out */
    ck_ok(unwrap_as(&m, with, wrapped, n, same, 1, &again));
    ck_ok(unwrap_as(&m, with, wrapped, n, NULL, 0, &again));
    ck_ok(f->C_GetAttributeValue(s, again, ask, 2));
    ck_assert(derives == CK_TRUE && extractable == CK_FALSE);
    token_stop();
}
END_TEST

/* Whether a key is wrapped tells nothing of what is not shown of it: else one could guess, and ask. */
START_TEST(test_a_template_asks_for_nothing_that_is_not_shown)
{
    CK_BYTE secret[] = {42};
    CK_ATTRIBUTE inner[] = {{CKA_VALUE, secret, sizeof secret}};
    CK_ATTRIBUTE more[] = {{CKA_WRAP, &yes, 1}, {CKA_WRAP_TEMPLATE, inner, sizeof inner}};
    CK_ATTRIBUTE hidden[] = {{CKA_EXTRACTABLE, &yes, 1}, {CKA_SENSITIVE, &yes, 1}},
                 shown[] = {{CKA_EXTRACTABLE, &yes, 1}, {CKA_SENSITIVE, &no, 1}};
    CK_MECHANISM m = {CKM_AES_KEY_WRAP_PAD, NULL, 0};
    CK_OBJECT_HANDLE with;
    CK_BYTE wrapped[ROOM];
    CK_ULONG n = sizeof wrapped;

    setup();
    with = import(CKK_AES, value, 16, more, 2);
    ck_rv(f->C_WrapKey(s, &m, with, import(CKK_GENERIC_SECRET, secret, 1, hidden, 2), wrapped, &n), CKR_KEY_NOT_WRAPPABLE);
    ck_ok(f->C_WrapKey(s, &m, with, import(CKK_GENERIC_SECRET, secret, 1, shown, 2), wrapped, &n));
    token_stop();
}
END_TEST

static CK_OBJECT_HANDLE trusted(void)
{
    CK_OBJECT_HANDLE key = token_wrapping_key(s);

    ck_ok(token_trust(s, key));
    return key;
}

/* What goes out under a trusted key comes back no more open than it went, and through no padding oracle. */
START_TEST(test_what_a_trusted_key_unwraps_stays_closed)
{
    CK_ATTRIBUTE careful[] = {{CKA_EXTRACTABLE, &yes, 1}, {CKA_WRAP_WITH_TRUSTED, &yes, 1}};
    CK_ATTRIBUTE readable[] = {{CKA_SENSITIVE, &no, 1}}, loose[] = {{CKA_WRAP_WITH_TRUSTED, &no, 1}};
    CK_MECHANISM m = {CKM_AES_KEY_WRAP, NULL, 0}, cbc = {CKM_AES_CBC_PAD, value, 16};
    CK_OBJECT_HANDLE with, again;
    CK_BYTE wrapped[ROOM];
    CK_ULONG n = sizeof wrapped;

    setup();
    with = trusted();
    ck_ok(f->C_WrapKey(s, &m, with, import(CKK_GENERIC_SECRET, value, 32, careful, 2), wrapped, &n));
    ck_rv(unwrap_as(&m, with, wrapped, n, readable, 1, &again), CKR_TEMPLATE_INCONSISTENT);
    ck_rv(unwrap_as(&m, with, wrapped, n, loose, 1, &again), CKR_TEMPLATE_INCONSISTENT);
    ck_rv(unwrap_as(&cbc, with, wrapped, 32, NULL, 0, &again), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_ok(unwrap_as(&m, with, wrapped, n, NULL, 0, &again));
    ck_rv(f->C_WrapKey(s, &m, aes().wraps, again, wrapped, &n), CKR_KEY_NOT_WRAPPABLE);
    token_stop();
}
END_TEST

/* Two keys under one vector of GCM are each other's cipher; a block that CBC wraps under a vector that is given can be guessed. */
START_TEST(test_a_trusted_key_wraps_only_where_the_caller_has_no_say)
{
    CK_BYTE iv[12] = {1}, wrapped[ROOM];
    CK_ULONG n = sizeof wrapped;
    CK_GCM_PARAMS plain = {iv, sizeof iv, 96, NULL, 0, 128};
    CK_GCM_WRAP_PARAMS own = {iv, sizeof iv, 0, CKG_GENERATE, NULL, 0, 128}, given = own, few = own;
    CK_CCM_WRAP_PARAMS ccm = {0, iv, sizeof iv, 0, CKG_GENERATE_RANDOM, NULL, 0, 16};
    CK_MECHANISM m = {CKM_AES_GCM, &plain, sizeof plain}, cbc = {CKM_AES_CBC_PAD, value, 16}, kw = {CKM_AES_KEY_WRAP, NULL, 0},
                 pkcs7 = {CKM_AES_KEY_WRAP_PKCS7, NULL, 0}, vector = {CKM_AES_KEY_WRAP, value, 8};
    CK_OBJECT_HANDLE with, key, again;

    setup();
    with = trusted();
    key = target();
    given.ivGenerator = CKG_NO_GENERATE;
    few.ulTagBits = 32;
    ck_rv(f->C_WrapKey(s, &cbc, with, key, wrapped, &n), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_rv(f->C_WrapKey(s, &m, with, key, wrapped, &n), CKR_KEY_FUNCTION_NOT_PERMITTED);
    m = (CK_MECHANISM){CKM_AES_GCM, &given, sizeof given};
    ck_rv(f->C_WrapKey(s, &m, with, key, wrapped, &n), CKR_KEY_FUNCTION_NOT_PERMITTED);
    m.pParameter = &few;
    ck_rv(f->C_WrapKey(s, &m, with, key, wrapped, &n), CKR_KEY_FUNCTION_NOT_PERMITTED);
    m = (CK_MECHANISM){CKM_AES_CCM, &ccm, sizeof ccm};
    ck_ok(f->C_WrapKey(s, &m, with, key, wrapped, &n));
    n = sizeof wrapped;
    ck_ok(f->C_WrapKey(s, &kw, with, key, wrapped, &n));
    /* What one format authenticates, the other takes for its padding. */
    ck_rv(unwrap_as(&pkcs7, with, wrapped, n, NULL, 0, &again), CKR_KEY_FUNCTION_NOT_PERMITTED);
    n = sizeof wrapped;
    ck_rv(f->C_WrapKey(s, &pkcs7, with, key, wrapped, &n), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_rv(f->C_WrapKey(s, &vector, with, key, wrapped, &n), CKR_KEY_FUNCTION_NOT_PERMITTED);
    n = sizeof wrapped;
    m = (CK_MECHANISM){CKM_AES_GCM, &own, sizeof own};
    ck_ok(f->C_WrapKey(s, &m, with, key, wrapped, &n));
    ck_ok(unwrap_as(&m, with, wrapped, n, NULL, 0, &again));
    m.pParameter = &few;
    ck_rv(unwrap_as(&m, with, wrapped, n - 12, NULL, 0, &again), CKR_KEY_FUNCTION_NOT_PERMITTED);
    token_stop();
}
END_TEST

/* Else a key that was wrapped by CBC before would show what GCM's tags are made with, and an admin would trust one whose tags
 * are forged; a copy of the key, or a key that only trusted ones wrap and that has come back, would open what it wraps. */
START_TEST(test_a_key_that_is_to_be_trusted_is_held_to_it_from_the_beginning)
{
    CK_BYTE zeros[16] = {0}, wrapped[ROOM];
    CK_ULONG n = sizeof wrapped;
    CK_MECHANISM cbc = {CKM_AES_CBC_PAD, zeros, sizeof zeros}, kw = {CKM_AES_KEY_WRAP, NULL, 0}, ecb = {CKM_AES_ECB, NULL, 0};
    CK_ATTRIBUTE opens = {CKA_ENCRYPT, &yes, 1}, closes = {CKA_ENCRYPT, &no, 1};
    CK_OBJECT_HANDLE with, key;

    setup();
    with = token_wrapping_key(s);
    key = target();
    ck_rv(f->C_WrapKey(s, &cbc, with, key, wrapped, &n), CKR_KEY_FUNCTION_NOT_PERMITTED);
    n = sizeof wrapped;
    ck_ok(f->C_WrapKey(s, &kw, with, key, wrapped, &n));
    ck_ok(f->C_SetAttributeValue(s, with, &opens, 1)); /* then it is a key like any other, for ever */
    n = sizeof wrapped;
    ck_ok(f->C_WrapKey(s, &cbc, with, key, wrapped, &n));
    ck_ok(f->C_EncryptInit(s, &ecb, with));
    n = sizeof wrapped;
    ck_ok(f->C_Encrypt(s, zeros, sizeof zeros, wrapped, &n));
    ck_ok(f->C_SetAttributeValue(s, with, &closes, 1));
    ck_rv(token_trust(s, with), CKR_ACTION_PROHIBITED);
    token_stop();
}
END_TEST

/* Of a part of it, a byte long, the value could be guessed byte by byte. */
START_TEST(test_what_is_closed_is_unwrapped_whole)
{
    CK_MECHANISM m = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_ULONG one = 1, all = sizeof value, n = ROOM;
    CK_ATTRIBUTE part[] = {{CKA_VALUE_LEN, &one, sizeof one}, {CKA_SIGN, &yes, 1}}, whole[] = {{CKA_VALUE_LEN, &all, sizeof all}};
    CK_OBJECT_HANDLE with, again;
    CK_BYTE wrapped[ROOM];

    setup();
    with = trusted();
    ck_ok(f->C_WrapKey(s, &m, with, target(), wrapped, &n));
    ck_rv(unwrap_as(&m, with, wrapped, n, part, 2, &again), CKR_WRAPPED_KEY_INVALID);
    ck_ok(unwrap_as(&m, with, wrapped, n, whole, 1, &again));
    with = aes().wraps;
    n = sizeof wrapped;
    ck_ok(f->C_WrapKey(s, &m, with, target(), wrapped, &n));
    ck_ok(unwrap_as(&m, with, wrapped, n, part, 2, &again)); /* which is nobody's secret here */
    token_stop();
    s = token_alice_under(POLICY_MODERN);
    with = aes().wraps;
    n = sizeof wrapped;
    ck_ok(f->C_WrapKey(s, &m, with, target(), wrapped, &n));
    ck_rv(unwrap_as(&m, with, wrapped, n, part, 2, &again), CKR_WRAPPED_KEY_INVALID);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_every_row_wraps_and_unwraps,
        &test_each_row_refuses_what_is_not_permitted,
        &test_private_keys_travel_as_pkcs8,
        &test_a_block_without_padding_gives_a_key_like_any_other,
        &test_a_public_key_of_this_process_wraps,
        &test_templates_of_the_keys_are_obeyed,
        &test_a_template_asks_for_nothing_that_is_not_shown,
        &test_what_a_trusted_key_unwraps_stays_closed,
        &test_a_trusted_key_wraps_only_where_the_caller_has_no_say,
        &test_a_key_that_is_to_be_trusted_is_held_to_it_from_the_beginning,
        &test_what_is_closed_is_unwrapped_whole,
        &test_the_modern_policy_keeps_what_is_unwrapped_closed,
        NULL,
    };

    return suite_of("module_wrap", 120, tests);
}
