/* CKM_PUB_KEY_FROM_PRIV_KEY: the public key of a private one, of every type that there is, with what it takes over of it. That it is the
 * same key as OpenSSL has is test_module_rows's to say too. */
#include <string.h>

#include <openssl/evp.h>

#include "proto/key_kind.h"
#include "tests/unit/recipe_key.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"
#include "tests/unit/token_key.h"

static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_HANDLE last;
static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, subject[] = {0x30, 0x00};
static CK_BYTE id[] = "an id", first[] = "20260101", end[] = "20270101";
static CK_MECHANISM_TYPE allowed[] = {CKM_ECDSA_SHA256, CKM_PUB_KEY_FROM_PRIV_KEY};

static void setup(void)
{
    s = token_alice_under(POLICY_MODERN);
}

static CK_RV half(CK_OBJECT_HANDLE key, CK_ATTRIBUTE *t, CK_ULONG n)
{
    CK_MECHANISM m = {CKM_PUB_KEY_FROM_PRIV_KEY, NULL, 0};

    last = 0;
    return f->C_DeriveKey(s, &m, key, t, n, &last);
}

static struct token_pair pair(CK_ATTRIBUTE *t, CK_ULONG n)
{
    CK_MECHANISM m = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE params[] = {{CKA_EC_PARAMS, p256, sizeof p256}};
    struct token_pair p;

    ck_ok(f->C_GenerateKeyPair(s, &m, params, 1, t, n, &p.public_key, &p.private_key));
    return p;
}

static CK_ULONG attribute(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type, CK_BYTE *out, CK_ULONG room)
{
    CK_ATTRIBUTE a = {type, out, room};

    ck_ok(f->C_GetAttributeValue(s, key, &a, 1));
    return a.ulValueLen;
}

static bool same(CK_OBJECT_HANDLE a, CK_OBJECT_HANDLE b, CK_ATTRIBUTE_TYPE type)
{
    CK_BYTE x[4096], y[4096];
    CK_ULONG n = attribute(a, type, x, sizeof x);

    return attribute(b, type, y, sizeof y) == n && memcmp(x, y, n) == 0;
}

START_TEST(test_every_type_of_private_key_gives_its_public_half)
{
    CK_KEY_TYPE type;
    unsigned tried = 0;

    s = token_alice_under(POLICY_COMPATIBLE); /* which has all types */
    for (size_t i = 0; recipe_key_type_at(i, &type); i++) {
        struct recipe_key k;
        if (!key_kind_is_pair(key_kind_find(type)))
            continue;
        k = recipe_key_make(s, type, 32, (struct recipe_uses){CK_FALSE, NULL, 0}); /* for nothing at all */
        ck_assert_msg(half(k.handles.private_key, NULL, 0) == CKR_OK, "0x%lx", type);
        ck_assert_uint_eq(token_number(s, last, CKA_CLASS), CKO_PUBLIC_KEY);
        ck_assert_uint_eq(token_number(s, last, CKA_KEY_TYPE), type);
        ck_assert(same(last, k.handles.private_key, CKA_PUBLIC_KEY_INFO));
        ck_assert(same(last, k.handles.public_key, CKA_PUBLIC_KEY_INFO));
        recipe_key_clear(&k);
        tried++;
    }
    ck_assert_uint_ge(tried, 4);
    token_stop();
}
END_TEST

/* PKCS#11 v3.2 section 6.43, the table of the mechanism. */
START_TEST(test_a_silent_template_takes_over_what_the_private_key_has)
{
    CK_ATTRIBUTE t[] = {{CKA_SIGN, &yes, 1}, {CKA_DERIVE, &yes, 1}, {CKA_DECRYPT, &no, 1}, {CKA_ID, id, sizeof id},
                        {CKA_LABEL, id, sizeof id}, {CKA_SUBJECT, subject, sizeof subject}, {CKA_START_DATE, first, 8},
                        {CKA_END_DATE, end, 8}, {CKA_ALLOWED_MECHANISMS, allowed, sizeof allowed}};
    static const CK_ATTRIBUTE_TYPE over[] = {CKA_ID,       CKA_SUBJECT,           CKA_START_DATE,         CKA_END_DATE,
                                             CKA_DERIVE,   CKA_KEY_GEN_MECHANISM, CKA_ALLOWED_MECHANISMS, CKA_PUBLIC_KEY_INFO,
                                             CKA_EC_PARAMS, CKA_EC_POINT};
    CK_BYTE label[16];
    struct token_pair p;

    setup();
    p = pair(t, sizeof t / sizeof t[0]);
    ck_ok(half(p.private_key, NULL, 0));
    for (size_t i = 0; i < sizeof over / sizeof over[0]; i++)
        ck_assert_msg(same(last, p.private_key, over[i]), "0x%lx", over[i]);
    ck_assert(token_flag(s, last, CKA_VERIFY) && !token_flag(s, last, CKA_ENCRYPT) && !token_flag(s, last, CKA_WRAP));
    ck_assert(!token_flag(s, last, CKA_TOKEN) && !token_flag(s, last, CKA_PRIVATE) && !token_flag(s, last, CKA_LOCAL) &&
              !token_flag(s, last, CKA_TRUSTED));
    ck_assert(token_flag(s, last, CKA_MODIFIABLE) && token_flag(s, last, CKA_COPYABLE) && token_flag(s, last, CKA_DESTROYABLE));
    ck_assert_uint_eq(attribute(last, CKA_LABEL, label, sizeof label), 0);
    token_stop();
}
END_TEST

START_TEST(test_a_template_says_otherwise_as_of_any_public_key)
{
    CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY, private_class = CKO_PRIVATE_KEY;
    CK_KEY_TYPE ec = CKK_EC, rsa = CKK_RSA;
    CK_ATTRIBUTE signs[] = {{CKA_SIGN, &yes, 1}},
                 t[] = {{CKA_CLASS, &public_class, sizeof public_class}, {CKA_KEY_TYPE, &ec, sizeof ec}, {CKA_TOKEN, &yes, 1},
                        {CKA_PRIVATE, &yes, 1}, {CKA_VERIFY, &no, 1}, {CKA_LABEL, id, sizeof id}},
                 wrong[] = {{CKA_CLASS, &private_class, sizeof private_class}}, of_rsa[] = {{CKA_KEY_TYPE, &rsa, sizeof rsa}},
                 trusted[] = {{CKA_TRUSTED, &yes, 1}}, sensitive[] = {{CKA_SENSITIVE, &yes, 1}}, local[] = {{CKA_LOCAL, &yes, 1}};
    struct token_pair p;

    setup();
    p = pair(signs, 1);
    ck_ok(half(p.private_key, t, 6));
    ck_assert(token_flag(s, last, CKA_TOKEN) && token_flag(s, last, CKA_PRIVATE) && !token_flag(s, last, CKA_VERIFY));
    ck_rv(half(p.private_key, wrong, 1), CKR_TEMPLATE_INCONSISTENT);
    ck_rv(half(p.private_key, of_rsa, 1), CKR_TEMPLATE_INCONSISTENT);
    ck_rv(half(p.private_key, trusted, 1), CKR_ATTRIBUTE_READ_ONLY);
    ck_rv(half(p.private_key, local, 1), CKR_ATTRIBUTE_READ_ONLY);
    ck_rv(half(p.private_key, sensitive, 1), CKR_ATTRIBUTE_TYPE_INVALID);
    token_stop();
}
END_TEST

/* What is refused: keys that have no half, and what the key's own list of mechanisms leaves out. */
START_TEST(test_only_private_keys_have_a_public_half)
{
    CK_MECHANISM_TYPE only[] = {CKM_ECDSA};
    CK_ATTRIBUTE list[] = {{CKA_ALLOWED_MECHANISMS, only, sizeof only}};
    struct token_pair p;

    setup();
    p = pair(NULL, 0);
    ck_rv(half(p.public_key, NULL, 0), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_rv(half(token_secret_key(s, CKK_AES, 16), NULL, 0), CKR_KEY_TYPE_INCONSISTENT);
    ck_rv(half(12345, NULL, 0), CKR_KEY_HANDLE_INVALID);
    p = pair(list, 1);
    ck_rv(half(p.private_key, NULL, 0), CKR_MECHANISM_INVALID);
    token_stop();
}
END_TEST

/* Nobody is asked for a password for what CKA_PUBLIC_KEY_INFO tells anyway; and it is the half that verifies. */
START_TEST(test_a_key_that_always_asks_gives_its_half_and_the_half_verifies)
{
    CK_ATTRIBUTE asks[] = {{CKA_ALWAYS_AUTHENTICATE, &yes, 1}, {CKA_SIGN, &yes, 1}}, signs[] = {{CKA_SIGN, &yes, 1}},
                 kept[] = {{CKA_TOKEN, &yes, 1}};
    CK_MECHANISM m = {CKM_ECDSA_SHA256, NULL, 0};
    CK_BYTE data[] = "data", signature[64];
    CK_ULONG n = sizeof signature;
    struct token_pair p;

    setup();
    p = pair(asks, 2);
    ck_ok(half(p.private_key, NULL, 0));
    p = pair(signs, 1);
    ck_ok(f->C_SignInit(s, &m, p.private_key));
    ck_ok(f->C_Sign(s, data, sizeof data, signature, &n));
    for (CK_ULONG i = 0; i < 2; i++) {
        ck_ok(half(p.private_key, kept, i));
        ck_ok(f->C_VerifyInit(s, &m, last));
        ck_ok(f->C_Verify(s, data, sizeof data, signature, n));
    }
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_every_type_of_private_key_gives_its_public_half,
        &test_a_silent_template_takes_over_what_the_private_key_has,
        &test_a_template_says_otherwise_as_of_any_public_key,
        &test_only_private_keys_have_a_public_half,
        &test_a_key_that_always_asks_gives_its_half_and_the_half_verifies,
        NULL,
    };

    return suite_of("module_public_half", 60, tests);
}
