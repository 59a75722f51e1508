/* IKE's derivations through the module: what a key is where the template is silent, the keys that the parameter names, and what closed keys
 * pass on. What comes out is test_ike's and test_module_rows's to say. */
#include <string.h>

#include "proto/limits.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { VALUE_BYTES = 32 };

static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_BYTE nonce[16] = "sixteen bytes...";

static void setup(void)
{
    s = token_alice_under(POLICY_COMPATIBLE);
}

/* ---- keys */

struct kind {
    CK_KEY_TYPE type;
    CK_ULONG bytes;
    bool open, derives;
};

static CK_OBJECT_HANDLE import_with(struct kind k, CK_ATTRIBUTE *more, CK_ULONG more_n)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_BYTE value[VALUE_BYTES];
    CK_ATTRIBUTE t[8] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &k.type, sizeof k.type}, {CKA_VALUE, value, k.bytes},
                         {CKA_DERIVE, k.derives ? &yes : &no, 1}, {CKA_SENSITIVE, k.open ? &no : &yes, 1},
                         {CKA_EXTRACTABLE, k.open ? &yes : &no, 1}};
    CK_OBJECT_HANDLE key = 0;

    for (CK_ULONG i = 0; i < k.bytes; i++)
        value[i] = (CK_BYTE)(i + 1);
    memcpy(t + 6, more, more_n * sizeof *more);
    ck_ok(f->C_CreateObject(s, t, 6 + more_n, &key));
    return key;
}

static CK_OBJECT_HANDLE import(CK_KEY_TYPE type, bool open)
{
    CK_ATTRIBUTE none[1];

    return import_with((struct kind){type, VALUE_BYTES, open, true}, none, 0);
}

/* ---- parameters */

static CK_MECHANISM prf(CK_MECHANISM_TYPE mac, bool data_as_key, CK_OBJECT_HANDLE new_key)
{
    static struct pkcs11_ike_prf_params p;

    p = (struct pkcs11_ike_prf_params){mac,   data_as_key ? CK_TRUE : CK_FALSE, new_key != 0 ? CK_TRUE : CK_FALSE, nonce, sizeof nonce,
                                       nonce, sizeof nonce,                     new_key};
    return (CK_MECHANISM){CKM_IKE_PRF_DERIVE, &p, sizeof p};
}

static CK_MECHANISM prf1(CK_MECHANISM_TYPE mac, CK_OBJECT_HANDLE common, CK_OBJECT_HANDLE before)
{
    static struct pkcs11_ike1_prf_params p;

    p = (struct pkcs11_ike1_prf_params){mac, before != 0 ? CK_TRUE : CK_FALSE, common, before, nonce, 8, nonce + 8, 8, 1};
    return (CK_MECHANISM){CKM_IKE1_PRF_DERIVE, &p, sizeof p};
}

static CK_MECHANISM extended(CK_MECHANISM_TYPE mac, CK_OBJECT_HANDLE common, CK_ULONG data_n)
{
    static struct pkcs11_ike1_extended_params p;

    p = (struct pkcs11_ike1_extended_params){mac, common != 0 ? CK_TRUE : CK_FALSE, common, data_n > 0 ? nonce : NULL, data_n};
    return (CK_MECHANISM){CKM_IKE1_EXTENDED_DERIVE, &p, sizeof p};
}

static CK_MECHANISM plus(CK_MECHANISM_TYPE mac, CK_OBJECT_HANDLE seed, CK_ULONG data_n)
{
    static struct pkcs11_ike2_prf_plus_params p;

    p = (struct pkcs11_ike2_prf_plus_params){mac, seed != 0 ? CK_TRUE : CK_FALSE, seed, data_n > 0 ? nonce : NULL, data_n};
    return (CK_MECHANISM){CKM_IKE2_PRF_PLUS_DERIVE, &p, sizeof p};
}

/* ---- calls */

static CK_OBJECT_HANDLE last;

static CK_RV derive(CK_MECHANISM m, CK_OBJECT_HANDLE base, CK_ATTRIBUTE *t, CK_ULONG n)
{
    last = 0;
    return f->C_DeriveKey(s, &m, base, t, n, &last);
}

static CK_ULONG bytes = 32;
static CK_KEY_TYPE type = CKK_GENERIC_SECRET;
static CK_ATTRIBUTE length[] = {{CKA_VALUE_LEN, &bytes, sizeof bytes}}, typed[] = {{CKA_KEY_TYPE, &type, sizeof type}},
                    both[] = {{CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE_LEN, &bytes, sizeof bytes}};

static CK_RV derive_bytes(CK_MECHANISM m, CK_OBJECT_HANDLE base, CK_ULONG n)
{
    bytes = n;
    return derive(m, base, both, 2);
}

/* ---- tests */

/* PKCS#11 v3.1 sections 6.64.3 to 6.64.6. */
START_TEST(test_a_silent_template_makes_what_the_standard_says)
{
    CK_OBJECT_HANDLE base, common;
    CK_KEY_TYPE aes = CKK_AES;
    CK_ATTRIBUTE as_aes[] = {{CKA_KEY_TYPE, &aes, sizeof aes}};

    setup();
    base = import(CKK_SHA384_HMAC, true);
    common = import(CKK_GENERIC_SECRET, true);
    ck_ok(derive(prf(CKM_SHA384_HMAC, false, 0), base, NULL, 0));
    ck_assert_uint_eq(token_number(s, last, CKA_KEY_TYPE), CKK_SHA384_HMAC);
    ck_assert_uint_eq(token_number(s, last, CKA_VALUE_LEN), 48);
    ck_ok(derive(prf(CKM_AES_XCBC_MAC, true, 0), common, NULL, 0));
    ck_assert_uint_eq(token_number(s, last, CKA_KEY_TYPE), CKK_AES);
    ck_assert_uint_eq(token_number(s, last, CKA_VALUE_LEN), 16);
    ck_rv(derive_bytes(prf(CKM_SHA384_HMAC, false, 0), base, 32), CKR_KEY_SIZE_RANGE);
    ck_ok(derive_bytes(prf(CKM_SHA384_HMAC, false, 0), base, 48));

    ck_rv(derive(prf1(CKM_SHA384_HMAC, common, 0), base, NULL, 0), CKR_TEMPLATE_INCOMPLETE);
    ck_ok(derive(prf1(CKM_SHA384_HMAC, common, 0), base, typed, 1));
    ck_assert_uint_eq(token_number(s, last, CKA_VALUE_LEN), 48);
    ck_ok(derive_bytes(prf1(CKM_SHA384_HMAC, common, base), base, 20));
    ck_rv(derive_bytes(prf1(CKM_SHA384_HMAC, common, 0), base, 49), CKR_KEY_SIZE_RANGE);
    ck_ok(derive(prf1(CKM_SHA_1_HMAC, common, 0), common, typed, 1));
    ck_assert_uint_eq(token_number(s, last, CKA_VALUE_LEN), 20);
    ck_rv(derive(prf1(CKM_SHA_1_HMAC, common, 0), common, as_aes, 1), CKR_TEMPLATE_INCONSISTENT);

    ck_rv(derive(plus(CKM_SHA384_HMAC, 0, 16), base, NULL, 0), CKR_TEMPLATE_INCOMPLETE);
    ck_rv(derive(extended(CKM_SHA384_HMAC, common, 16), base, typed, 1), CKR_TEMPLATE_INCOMPLETE);
    bytes = 100;
    ck_ok(derive(plus(CKM_SHA384_HMAC, common, 0), base, length, 1));
    ck_assert_uint_eq(token_number(s, last, CKA_KEY_TYPE), CKK_GENERIC_SECRET);
    ck_ok(derive(extended(CKM_SHA384_HMAC, common, 0), base, length, 1));
    ck_assert_uint_eq(token_number(s, last, CKA_VALUE_LEN), 100);
    ck_rv(derive_bytes(plus(CKM_SHA384_HMAC, common, 0), base, SECRET_BYTES_MAX + 1), CKR_TEMPLATE_INCONSISTENT); /* no such keys */
    ck_ok(derive_bytes(plus(CKM_AES_CMAC, common, 0), common, 255 * 16));
    ck_rv(derive_bytes(plus(CKM_AES_CMAC, common, 0), common, 255 * 16 + 1), CKR_KEY_SIZE_RANGE);
    ck_rv(derive_bytes(plus(CKM_SHA384_HMAC, 0, 0), base, 32), CKR_MECHANISM_PARAM_INVALID);
    token_stop();
}
END_TEST

/* The way of a client: what both sides agree on, then a seed, then all keys, then one of them. */
START_TEST(test_a_client_of_version_two_has_its_keys)
{
    CK_BYTE all[100], one[VALUE_BYTES];
    CK_ATTRIBUTE open[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}, {CKA_VALUE_LEN, &bytes, sizeof bytes}},
                 value = {CKA_VALUE, all, sizeof all};
    CK_ULONG bit = 8 * 40;
    CK_MECHANISM extract = {CKM_EXTRACT_KEY_FROM_KEY, &bit, sizeof bit};
    CK_OBJECT_HANDLE common;

    setup();
    common = import(CKK_GENERIC_SECRET, false);
    ck_ok(derive(prf(CKM_SHA256_HMAC, true, 0), common, open, 2));
    ck_ok(f->C_SetAttributeValue(s, last, &(CK_ATTRIBUTE){CKA_DERIVE, &yes, 1}, 1));
    bytes = sizeof all;
    ck_ok(derive(plus(CKM_SHA256_HMAC, 0, 16), last, open, 3));
    ck_ok(f->C_GetAttributeValue(s, last, &value, 1));
    ck_ok(f->C_SetAttributeValue(s, last, &(CK_ATTRIBUTE){CKA_DERIVE, &yes, 1}, 1));
    bytes = sizeof one;
    ck_ok(derive(extract, last, open, 3));
    value = (CK_ATTRIBUTE){CKA_VALUE, one, sizeof one};
    ck_ok(f->C_GetAttributeValue(s, last, &value, 1));
    ck_assert_mem_eq(one, all + 40, sizeof one);
    token_stop();
}
END_TEST

/* Each of them, in each place of a parameter. */
static CK_MECHANISM naming(size_t place, CK_OBJECT_HANDLE good, CK_OBJECT_HANDLE key)
{
    switch (place) {
    case 0: return prf(CKM_SHA256_HMAC, false, key);
    case 1: return prf1(CKM_SHA256_HMAC, key, 0);
    case 2: return prf1(CKM_SHA256_HMAC, good, key);
    case 3: return extended(CKM_SHA256_HMAC, key, 8);
    default: return plus(CKM_SHA256_HMAC, key, 8);
    }
}

enum { PLACES = 5 };

START_TEST(test_every_named_key_has_to_be_there_and_to_derive)
{
    CK_ATTRIBUTE none[1];
    CK_OBJECT_HANDLE base, good, mute;

    setup();
    base = import(CKK_SHA256_HMAC, true);
    good = import(CKK_GENERIC_SECRET, true);
    mute = import_with((struct kind){CKK_GENERIC_SECRET, VALUE_BYTES, true, false}, none, 0);
    for (size_t i = 0; i < PLACES; i++) {
        ck_ok(derive_bytes(naming(i, good, good), base, 32));
        ck_rv(derive_bytes(naming(i, good, mute), base, 32), CKR_KEY_FUNCTION_NOT_PERMITTED);
        ck_rv(derive_bytes(naming(i, good, 12345), base, 32), CKR_KEY_HANDLE_INVALID);
    }
    token_stop();
}
END_TEST

/* Under the modern policy one closed key is enough. */
START_TEST(test_what_any_closed_key_has_a_part_in_is_closed)
{
    CK_ATTRIBUTE open[] = {{CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE_LEN, &bytes, sizeof bytes}, {CKA_SENSITIVE, &no, 1},
                           {CKA_EXTRACTABLE, &yes, 1}};
    CK_OBJECT_HANDLE base, good, closed;

    s = token_alice_under(POLICY_MODERN);
    base = import(CKK_SHA256_HMAC, true);
    good = import(CKK_GENERIC_SECRET, true);
    closed = import(CKK_GENERIC_SECRET, false);
    for (size_t i = 0; i < PLACES; i++) {
        bytes = 32;
        ck_ok(derive(naming(i, good, good), base, open, 4));
        ck_rv(derive(naming(i, good, closed), base, open, 4), CKR_TEMPLATE_INCONSISTENT);
        ck_rv(derive(naming(i, good, good), closed, open, 4), CKR_TEMPLATE_INCONSISTENT);
        ck_ok(derive_bytes(naming(i, good, closed), base, 32));
        ck_assert(token_flag(s, last, CKA_SENSITIVE) && !token_flag(s, last, CKA_EXTRACTABLE));
        if (i > 0) /* whose length is the PRF's anyway */
            ck_rv(derive_bytes(naming(i, good, closed), base, 15), CKR_KEY_SIZE_RANGE);
    }
    token_stop();
}
END_TEST

START_TEST(test_a_named_keys_own_template_is_obeyed)
{
    CK_ATTRIBUTE closes[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}},
                 own[] = {{CKA_DERIVE_TEMPLATE, closes, sizeof closes}},
                 open[] = {{CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE_LEN, &bytes, sizeof bytes}, {CKA_EXTRACTABLE, &yes, 1}};
    CK_OBJECT_HANDLE base, good, templated;

    setup();
    base = import(CKK_SHA256_HMAC, true);
    good = import(CKK_GENERIC_SECRET, true);
    templated = import_with((struct kind){CKK_GENERIC_SECRET, VALUE_BYTES, true, true}, own, 1);
    for (size_t i = 0; i < PLACES; i++) {
        bytes = 32;
        ck_ok(derive(naming(i, good, good), base, open, 3));
        ck_rv(derive(naming(i, good, templated), base, open, 3), CKR_TEMPLATE_INCONSISTENT);
        ck_ok(derive_bytes(naming(i, good, templated), base, 32));
        ck_assert(token_flag(s, last, CKA_SENSITIVE) && !token_flag(s, last, CKA_EXTRACTABLE));
    }
    token_stop();
}
END_TEST

/* Whoever knows a block cipher's key undoes the last block: under both policies its PRFs hand flags down. */
START_TEST(test_a_block_ciphers_prf_shows_what_it_was_fed)
{
    static const CK_MECHANISM_TYPE macs[] = {CKM_AES_CMAC, CKM_AES_XCBC_MAC};
    CK_ATTRIBUTE readable[] = {{CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE_LEN, &bytes, sizeof bytes}, {CKA_SENSITIVE, &no, 1}};
    CK_OBJECT_HANDLE own, closed;

    setup();
    own = import(CKK_GENERIC_SECRET, true);
    closed = import(CKK_GENERIC_SECRET, false);
    for (size_t i = 0; i < 2; i++) {
        bytes = 16;
        ck_rv(derive(prf(macs[i], true, 0), closed, readable, 3), CKR_TEMPLATE_INCONSISTENT);
        ck_rv(derive(prf(macs[i], false, closed), own, readable, 3), CKR_TEMPLATE_INCONSISTENT);
        ck_rv(derive(prf1(macs[i], closed, 0), own, readable, 3), CKR_TEMPLATE_INCONSISTENT);
        ck_rv(derive(prf1(macs[i], own, closed), own, readable, 3), CKR_TEMPLATE_INCONSISTENT);
        ck_rv(derive(extended(macs[i], closed, 8), own, readable, 3), CKR_TEMPLATE_INCONSISTENT);
        ck_rv(derive(plus(macs[i], closed, 8), own, readable, 3), CKR_TEMPLATE_INCONSISTENT);
        ck_rv(derive_bytes(plus(macs[i], closed, 8), own, 15), CKR_KEY_SIZE_RANGE);
        ck_rv(derive_bytes(prf1(macs[i], closed, 0), own, 15), CKR_KEY_SIZE_RANGE);
        ck_ok(derive_bytes(plus(macs[i], closed, 8), own, 100));
        ck_assert(token_flag(s, last, CKA_SENSITIVE) && !token_flag(s, last, CKA_EXTRACTABLE));
        bytes = 16;
        ck_ok(derive(plus(macs[i], own, 8), own, readable, 3));
    }
    bytes = 32;
    ck_ok(derive(plus(CKM_SHA256_HMAC, closed, 8), own, readable, 3)); /* which is one-way */
    token_stop();
}
END_TEST

/* RFC 2409 appendix B's short key is the front of the base key: a part of a closed one is not made a key (docs/decisions/009). */
START_TEST(test_no_key_is_cut_off_a_closed_key)
{
    CK_ATTRIBUTE readable[] = {{CKA_VALUE_LEN, &bytes, sizeof bytes}, {CKA_SENSITIVE, &no, 1}};
    CK_OBJECT_HANDLE closed, open;

    for (enum policy p = POLICY_MODERN; p <= POLICY_COMPATIBLE; p++) {
        s = token_alice_under(p);
        closed = import(CKK_GENERIC_SECRET, false);
        open = import(CKK_GENERIC_SECRET, true);
        for (CK_ULONG n = 1; n < VALUE_BYTES; n += 15) {
            ck_rv(derive_bytes(extended(CKM_SHA256_HMAC, 0, 0), closed, n), CKR_KEY_SIZE_RANGE);
            ck_ok(derive_bytes(extended(CKM_SHA256_HMAC, 0, 0), open, n));
        }
        bytes = VALUE_BYTES;
        ck_rv(derive(extended(CKM_SHA256_HMAC, 0, 0), closed, readable, 2), CKR_TEMPLATE_INCONSISTENT);
        ck_ok(derive_bytes(extended(CKM_SHA256_HMAC, 0, 0), closed, VALUE_BYTES));
        ck_assert(token_flag(s, last, CKA_SENSITIVE) && !token_flag(s, last, CKA_EXTRACTABLE));
        ck_ok(derive_bytes(extended(CKM_SHA256_HMAC, 0, 0), closed, 2 * VALUE_BYTES));
        ck_ok(derive_bytes(extended(CKM_SHA256_HMAC, 0, 8), closed, 16));
        token_stop();
    }
}
END_TEST

/* As clients of NSS ask for RFC 2409's appendix B. */
START_TEST(test_an_extended_key_of_nothing_needs_the_prf_alone)
{
    CK_MECHANISM_TYPE mac = CKM_SHA256_HMAC;
    CK_MECHANISM alone = {CKM_IKE1_EXTENDED_DERIVE, &mac, sizeof mac};
    CK_ATTRIBUTE open[] = {{CKA_VALUE_LEN, &bytes, sizeof bytes}, {CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};
    CK_BYTE a[48], b[48];
    CK_ATTRIBUTE of_a = {CKA_VALUE, a, sizeof a}, of_b = {CKA_VALUE, b, sizeof b};
    CK_OBJECT_HANDLE base;

    setup();
    base = import(CKK_GENERIC_SECRET, true);
    for (bytes = 24; bytes <= 48; bytes += 24) { /* cut off, and made */
        ck_ok(derive(alone, base, open, 3));
        ck_ok(f->C_GetAttributeValue(s, last, &of_a, 1));
        ck_ok(derive(extended(mac, 0, 0), base, open, 3));
        ck_ok(f->C_GetAttributeValue(s, last, &of_b, 1));
        ck_assert(of_a.ulValueLen == bytes && memcmp(a, b, bytes) == 0);
        of_a.ulValueLen = of_b.ulValueLen = sizeof a;
    }
    token_stop();
}
END_TEST

START_TEST(test_a_prf_is_in_the_policy_if_its_mac_is)
{
    CK_OBJECT_HANDLE base;

    s = token_alice_under(POLICY_MODERN);
    base = import(CKK_GENERIC_SECRET, true);
    ck_rv(derive(prf(CKM_MD5_HMAC, true, 0), base, NULL, 0), CKR_MECHANISM_PARAM_INVALID);
    ck_ok(derive(prf(CKM_SHA_1_HMAC, true, 0), base, NULL, 0));
    token_stop();
    setup();
    base = import(CKK_GENERIC_SECRET, true);
    ck_ok(derive(prf(CKM_MD5_HMAC, true, 0), base, NULL, 0));
    ck_assert_uint_eq(token_number(s, last, CKA_VALUE_LEN), 16);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_a_silent_template_makes_what_the_standard_says,
        &test_a_client_of_version_two_has_its_keys,
        &test_every_named_key_has_to_be_there_and_to_derive,
        &test_what_any_closed_key_has_a_part_in_is_closed,
        &test_a_named_keys_own_template_is_obeyed,
        &test_a_block_ciphers_prf_shows_what_it_was_fed,
        &test_no_key_is_cut_off_a_closed_key,
        &test_an_extended_key_of_nothing_needs_the_prf_alone,
        &test_a_prf_is_in_the_policy_if_its_mac_is,
        NULL,
    };

    return suite_of("module_ike", 60, tests);
}
