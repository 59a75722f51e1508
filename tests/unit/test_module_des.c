/* Keys of DES as programs make and use them, and what they are not made of: a key of 56 bits must never be a way to another key
 * (docs/decisions/009). */
#include <string.h>

#include "proto/policy.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE des = CKK_DES, des2 = CKK_DES2, des3 = CKK_DES3, generic = CKK_GENERIC_SECRET;
static CK_BYTE bytes[32] = "so many bytes of a value, 32 all", wrapped[256];

static void setup(void)
{
    s = token_alice_under(POLICY_COMPATIBLE);
}

/* A secret key of these bytes. */
static CK_OBJECT_HANDLE import(CK_KEY_TYPE type, CK_ULONG n, CK_ATTRIBUTE *more, CK_ULONG more_n)
{
    CK_ATTRIBUTE t[12] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, bytes, n}};
    CK_OBJECT_HANDLE key = 0;

    memcpy(t + 3, more, more_n * sizeof *more);
    ck_ok(f->C_CreateObject(s, t, 3 + more_n, &key));
    return key;
}

static CK_OBJECT_HANDLE base(CK_KEY_TYPE type, CK_ULONG n, bool closed)
{
    CK_ATTRIBUTE more[] = {{CKA_SENSITIVE, closed ? &yes : &no, 1}, {CKA_EXTRACTABLE, closed ? &no : &yes, 1}, {CKA_DERIVE, &yes, 1}};

    return import(type, n, more, 3);
}

static CK_RV derive(CK_MECHANISM m, CK_OBJECT_HANDLE from, CK_KEY_TYPE type)
{
    CK_ATTRIBUTE t[] = {{CKA_KEY_TYPE, &type, sizeof type}, {CKA_ENCRYPT, &yes, 1}};
    CK_OBJECT_HANDLE made;

    return f->C_DeriveKey(s, &m, from, t, 2, &made);
}

/* What a program of the old days does with them. */
START_TEST(test_keys_of_one_and_two_parts_are_made_and_encrypt)
{
    static const struct {
        CK_MECHANISM_TYPE generates, cbc;
        CK_KEY_TYPE type;
        CK_ULONG n;
    } sorts[] = {{CKM_DES_KEY_GEN, CKM_DES_CBC_PAD, CKK_DES, 8}, {CKM_DES2_KEY_GEN, CKM_DES3_CBC_PAD, CKK_DES2, 16}};
    CK_BYTE iv[8] = "8 bytes", text[] = "a text of some length", sealed[64], again[64], check[3];

    setup();
    for (size_t i = 0; i < 2; i++) {
        CK_MECHANISM m = {sorts[i].generates, NULL, 0}, cbc = {sorts[i].cbc, iv, sizeof iv};
        CK_ATTRIBUTE t[] = {{CKA_ENCRYPT, &yes, 1}, {CKA_DECRYPT, &yes, 1}}, kcv = {CKA_CHECK_VALUE, check, sizeof check};
        CK_OBJECT_HANDLE key;
        CK_ULONG n = sizeof sealed, again_n = sizeof again;
        ck_ok(f->C_GenerateKey(s, &m, t, 2, &key));
        ck_assert_uint_eq(token_number(s, key, CKA_KEY_TYPE), sorts[i].type);
        ck_assert_uint_eq(token_number(s, key, CKA_VALUE_LEN), sorts[i].n);
        ck_ok(f->C_EncryptInit(s, &cbc, key));
        ck_ok(f->C_Encrypt(s, text, sizeof text, sealed, &n));
        ck_ok(f->C_DecryptInit(s, &cbc, key));
        ck_ok(f->C_Decrypt(s, sealed, n, again, &again_n));
        ck_assert_uint_eq(again_n, sizeof text);
        ck_assert_mem_eq(again, text, sizeof text);
        /* Of so few bytes three of a check would help to find them. */
        ck_rv(f->C_GetAttributeValue(s, key, &kcv, 1), sorts[i].n == 8 ? CKR_ATTRIBUTE_TYPE_INVALID : CKR_OK);
    }
    token_stop();
}
END_TEST

START_TEST(test_check_value_of_two_parts_is_a_block_of_zeros_encrypted)
{
    CK_ATTRIBUTE more[] = {{CKA_ENCRYPT, &yes, 1}};
    CK_MECHANISM ecb = {CKM_DES3_ECB, NULL, 0};
    CK_BYTE zeros[8] = {0}, sealed[8], check[3];
    CK_ATTRIBUTE kcv = {CKA_CHECK_VALUE, check, sizeof check};
    CK_ULONG n = sizeof sealed;
    CK_OBJECT_HANDLE key;

    setup();
    key = import(CKK_DES2, 16, more, 1);
    ck_ok(f->C_EncryptInit(s, &ecb, key));
    ck_ok(f->C_Encrypt(s, zeros, sizeof zeros, sealed, &n));
    ck_ok(f->C_GetAttributeValue(s, key, &kcv, 1));
    ck_assert_mem_eq(check, sealed, 3);
    token_stop();
}
END_TEST

/* Joined with something, cut out, XORed: the same bytes, or a part of them, that could be searched by parts. */
START_TEST(test_bytes_of_a_closed_key_become_no_key_of_des)
{
    static const struct {
        CK_KEY_TYPE type;
        CK_ULONG n;
    } sorts[] = {{CKK_DES, 8}, {CKK_DES2, 16}, {CKK_DES3, 24}};
    CK_ULONG bit = 0;

    setup();
    for (size_t i = 0; i < 3; i++) {
        CK_ULONG n = sorts[i].n;
        CK_KEY_DERIVATION_STRING_DATA text = {bytes, n};
        CK_OBJECT_HANDLE more = base(CKK_GENERIC_SECRET, 8, true), open_more = base(CKK_GENERIC_SECRET, 8, false);
        const CK_MECHANISM xor = {CKM_XOR_BASE_AND_DATA, &text, sizeof text}, extract = {CKM_EXTRACT_KEY_FROM_KEY, &bit, sizeof bit},
                           join = {CKM_CONCATENATE_BASE_AND_KEY, &more, sizeof more},
                           open_join = {CKM_CONCATENATE_BASE_AND_KEY, &open_more, sizeof open_more};
        for (int closed = 0; closed < 2; closed++) {
            CK_OBJECT_HANDLE from = base(CKK_GENERIC_SECRET, n, closed), joined = base(CKK_GENERIC_SECRET, n > 8 ? n - 8 : 8, closed);
            ck_rv(derive(xor, from, sorts[i].type), closed ? CKR_TEMPLATE_INCONSISTENT : CKR_OK);
            ck_rv(derive(extract, from, sorts[i].type), closed ? CKR_TEMPLATE_INCONSISTENT : CKR_OK);
            ck_rv(derive(open_join, joined, sorts[i].type), closed ? CKR_TEMPLATE_INCONSISTENT : CKR_OK);
            ck_rv(derive(join, joined, sorts[i].type), CKR_TEMPLATE_INCONSISTENT);
            ck_rv(derive(xor, from, CKK_GENERIC_SECRET), CKR_OK);
        }
        /* Nor by way of its own type: what differs by known bits is a related key. */
        ck_rv(derive(xor, base(sorts[i].type, n, true), sorts[i].type), CKR_TEMPLATE_INCONSISTENT);
    }
    ck_rv(derive((CK_MECHANISM){CKM_EXTRACT_KEY_FROM_KEY, &bit, sizeof bit}, base(CKK_AES, 32, true), CKK_DES),
          CKR_TEMPLATE_INCONSISTENT);
    token_stop();
}
END_TEST

/* One way, as this policy leaves it to the template whether the outcome can be read; but not where a template of the base
 * key's own closes it and leaves open what it is. */
START_TEST(test_what_a_kdf_gives_may_be_a_key_of_des)
{
    CK_HKDF_PARAMS hkdf = {.bExtract = CK_TRUE, .bExpand = CK_TRUE, .prfHashMechanism = CKM_SHA256, .ulSaltType = CKF_HKDF_SALT_NULL};
    const CK_MECHANISM m = {CKM_HKDF_DERIVE, &hkdf, sizeof hkdf};
    CK_ATTRIBUTE closes[] = {{CKA_SENSITIVE, &yes, 1}}, closes_des2[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_KEY_TYPE, &des2, sizeof des2}};
    CK_ATTRIBUTE open[] = {{CKA_DERIVE, &yes, 1}, {CKA_DERIVE_TEMPLATE, closes, sizeof closes}},
                 says[] = {{CKA_DERIVE, &yes, 1}, {CKA_DERIVE_TEMPLATE, closes_des2, sizeof closes_des2}};
    CK_OBJECT_HANDLE key;

    setup();
    ck_rv(derive(m, base(CKK_GENERIC_SECRET, 32, true), CKK_DES), CKR_OK);
    ck_rv(derive(m, base(CKK_GENERIC_SECRET, 32, true), CKK_DES2), CKR_OK);
    key = import(CKK_GENERIC_SECRET, 32, open, 2);
    ck_rv(derive(m, key, CKK_DES), CKR_TEMPLATE_INCONSISTENT);
    ck_rv(derive(m, key, CKK_DES2), CKR_TEMPLATE_INCONSISTENT);
    ck_rv(derive(m, key, CKK_DES3), CKR_OK);
    key = import(CKK_GENERIC_SECRET, 32, says, 2);
    ck_rv(derive(m, key, CKK_DES2), CKR_OK);
    ck_rv(derive(m, key, CKK_AES), CKR_TEMPLATE_INCONSISTENT);
    token_stop();
}
END_TEST

static CK_ULONG wrap(CK_OBJECT_HANDLE with, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM m = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_ULONG n = sizeof wrapped;

    ck_ok(f->C_WrapKey(s, &m, with, key, wrapped, &n));
    return n;
}

static CK_RV unwrap(CK_OBJECT_HANDLE with, CK_ULONG n, CK_KEY_TYPE *type)
{
    CK_MECHANISM m = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, type, sizeof *type}, {CKA_ENCRYPT, &no, 1}};
    CK_OBJECT_HANDLE made;

    return f->C_UnwrapKey(s, &m, with, wrapped, n, t, 3, &made);
}

START_TEST(test_what_a_trusted_key_unwraps_becomes_no_key_that_can_be_searched)
{
    CK_ATTRIBUTE goes[] = {{CKA_EXTRACTABLE, &yes, 1}, {CKA_WRAP_WITH_TRUSTED, &yes, 1}};
    CK_OBJECT_HANDLE with;
    CK_ULONG n;

    setup();
    with = token_wrapping_key(s);
    ck_ok(token_trust(s, with));
    n = wrap(with, import(CKK_AES, 16, goes, 2)); /* AES-128 */
    ck_rv(unwrap(with, n, &des2), CKR_TEMPLATE_INCONSISTENT);
    ck_rv(unwrap(with, n, &generic), CKR_OK);
    n = wrap(with, import(CKK_DES3, 24, goes, 2));
    ck_rv(unwrap(with, n, &des3), CKR_OK);
    token_stop();
}
END_TEST

START_TEST(test_what_others_unwrap_may_be_a_key_of_des_unless_a_template_closes_it)
{
    CK_ATTRIBUTE wraps[] = {{CKA_WRAP, &yes, 1}, {CKA_UNWRAP, &yes, 1}, {CKA_UNWRAP_TEMPLATE, NULL, 0}},
                 goes[] = {{CKA_EXTRACTABLE, &yes, 1}},
                 closes[] = {{CKA_SENSITIVE, &yes, 1}}, closes_des2[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_KEY_TYPE, &des2, sizeof des2}};
    CK_ULONG n;

    setup();
    n = wrap(import(CKK_AES, 32, wraps, 2), import(CKK_DES2, 16, goes, 1));
    ck_rv(unwrap(import(CKK_AES, 32, wraps, 2), n, &des2), CKR_OK);
    wraps[2] = (CK_ATTRIBUTE){CKA_UNWRAP_TEMPLATE, closes, sizeof closes};
    ck_rv(unwrap(import(CKK_AES, 32, wraps, 3), n, &des2), CKR_TEMPLATE_INCONSISTENT);
    wraps[2] = (CK_ATTRIBUTE){CKA_UNWRAP_TEMPLATE, closes_des2, sizeof closes_des2};
    ck_rv(unwrap(import(CKK_AES, 32, wraps, 3), n, &des2), CKR_OK);
    n = wrap(import(CKK_AES, 32, wraps, 2), import(CKK_GENERIC_SECRET, 16, goes, 1));
    ck_rv(unwrap(import(CKK_AES, 32, wraps, 2), n, &des), CKR_WRAPPED_KEY_INVALID); /* not the half of it */
    token_stop();
}
END_TEST

START_TEST(test_keys_of_des_wrap_nothing)
{
    CK_ATTRIBUTE wraps[] = {{CKA_WRAP, &yes, 1}, {CKA_UNWRAP, &yes, 1}}, goes[] = {{CKA_EXTRACTABLE, &yes, 1}};
    CK_MECHANISM ecb = {CKM_DES_ECB, NULL, 0}, ecb3 = {CKM_DES3_ECB, NULL, 0}, kw = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_OBJECT_HANDLE key;
    CK_ULONG n = sizeof wrapped;

    setup();
    key = import(CKK_GENERIC_SECRET, 32, goes, 1);
    ck_rv(f->C_WrapKey(s, &ecb, import(CKK_DES, 8, wraps, 2), key, wrapped, &n), CKR_MECHANISM_INVALID);
    ck_rv(f->C_WrapKey(s, &ecb3, import(CKK_DES2, 16, wraps, 2), key, wrapped, &n), CKR_MECHANISM_INVALID);
    ck_rv(f->C_WrapKey(s, &kw, import(CKK_DES2, 16, wraps, 2), key, wrapped, &n), CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
    token_stop();
}
END_TEST

START_TEST(test_modern_policy_has_no_keys_of_des)
{
    CK_KEY_TYPE types[] = {CKK_DES, CKK_DES2, CKK_DES3};
    CK_MECHANISM gen = {CKM_DES_KEY_GEN, NULL, 0};
    CK_OBJECT_HANDLE key;

    s = token_alice_under(POLICY_MODERN);
    for (size_t i = 0; i < 3; i++) {
        CK_ATTRIBUTE t[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &types[i], sizeof types[i]},
                            {CKA_VALUE, bytes, 8 * (i + 1)}};
        ck_rv(f->C_CreateObject(s, t, 3, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    }
    ck_rv(f->C_GenerateKey(s, &gen, NULL, 0, &key), CKR_MECHANISM_INVALID);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_keys_of_one_and_two_parts_are_made_and_encrypt,
        &test_check_value_of_two_parts_is_a_block_of_zeros_encrypted,
        &test_bytes_of_a_closed_key_become_no_key_of_des,
        &test_what_a_kdf_gives_may_be_a_key_of_des,
        &test_what_a_trusted_key_unwraps_becomes_no_key_that_can_be_searched,
        &test_what_others_unwrap_may_be_a_key_of_des_unless_a_template_closes_it,
        &test_keys_of_des_wrap_nothing,
        &test_modern_policy_has_no_keys_of_des,
        NULL,
    };

    return suite_of("module_des", 120, tests);
}
