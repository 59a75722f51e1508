/* Another vendor's numbers, as the configuration says what they mean. The numbers are made up. */
#include <string.h>

#include "proto/alias.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

#define MY_ECDSA 0x8000F001UL
#define MY_LABEL 0x8000F002UL
#define MY_GENERIC 0x8000F003UL
#define MY_KDF 0x8000F004UL
#define MY_ML_DSA_PAIR 0x8000F005UL
#define MY_ML_DSA 0x8000F006UL
#define MY_MU 0x8000F007UL
#define MY_SET 0x8000F008UL
#define MY_44 0x8000F009UL
#define MY_ALLOWED 0x8000F00AUL
#define MY_ID MY_ECDSA /* the same number, of another kind */

static const char yaml[] =
    "aliases:\n  - 0x8000F001 = CKM_ECDSA\n  - 0x8000f002 = CKA_LABEL\n  - 0x8000F003 = CKK_GENERIC_SECRET\n"
    "  - 0x8000F004=CKD_SHA256_KDF\n  - 0x8000F005 = CKM_ML_DSA_KEY_PAIR_GEN\n  - 0x8000F006 = CKM_ML_DSA\n"
    "  - 0x8000F007 = CKM_ML_DSA_EXTERNAL_MU\n  - 0x8000F008 = CKA_PARAMETER_SET\n  - 0x8000F009 = CKP_ML_DSA_44\n"
    "  - 0x8000F00A = CKA_ALLOWED_MECHANISMS\n  - 0x8000F001 = CKA_ID\n";

static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static void setup(void)
{
    token_start_with_users_and(yaml);
    s = token_alice();
}

static bool is_listed(CK_MECHANISM_TYPE type)
{
    CK_MECHANISM_TYPE list[400];
    CK_ULONG n = 400;

    ck_ok(f->C_GetMechanismList(0, list, &n));
    for (CK_ULONG i = 0; i < n; i++)
        if (list[i] == type)
            return true;
    return false;
}

static void sign_and_verify(CK_MECHANISM_TYPE by, CK_MECHANISM_TYPE verifier, struct token_pair pair, CK_BYTE *data, CK_ULONG n)
{
    CK_MECHANISM m = {by, NULL, 0}, v = {verifier, NULL, 0};
    CK_BYTE signature[5000];
    CK_ULONG signature_n = sizeof signature;

    ck_ok(f->C_SignInit(s, &m, pair.private_key));
    ck_ok(f->C_Sign(s, data, n, signature, &signature_n));
    ck_ok(f->C_VerifyInit(s, &v, pair.public_key));
    ck_ok(f->C_Verify(s, data, n, signature, signature_n));
}

/* ---- mechanisms */

START_TEST(test_alias_of_a_mechanism_signs_like_its_target)
{
    CK_BYTE hash[32] = {1};

    setup();
    sign_and_verify(MY_ECDSA, CKM_ECDSA, token_ec(s, false, "a"), hash, sizeof hash);
    token_stop();
}
END_TEST

START_TEST(test_alias_of_a_mechanism_is_listed_and_described_where_its_target_is)
{
    CK_MECHANISM_INFO ours, theirs;

    setup();
    ck_assert(is_listed(MY_ECDSA));
    ck_assert(!is_listed(MY_LABEL));
    ck_ok(f->C_GetMechanismInfo(0, CKM_ECDSA, &ours));
    ck_ok(f->C_GetMechanismInfo(0, MY_ECDSA, &theirs));
    ck_assert_mem_eq(&ours, &theirs, sizeof ours);
    ck_assert_int_eq(is_listed(MY_ML_DSA), is_listed(CKM_ML_DSA));
    ck_rv(f->C_GetMechanismInfo(0, MY_ML_DSA, &theirs), is_listed(CKM_ML_DSA) ? CKR_OK : CKR_MECHANISM_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_without_an_alias_its_number_means_nothing)
{
    CK_MECHANISM m = {MY_ECDSA, NULL, 0};

    token_start_with_users();
    s = token_alice();
    ck_assert(!is_listed(MY_ECDSA));
    ck_rv(f->C_SignInit(s, &m, token_ec(s, false, "a").private_key), CKR_MECHANISM_INVALID);
    token_stop();
}
END_TEST

/* ---- attributes and their values */

static CK_OBJECT_HANDLE secret_key(CK_ATTRIBUTE *more, CK_ULONG n)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = MY_GENERIC;
    CK_BYTE value[32] = {7};
    CK_ATTRIBUTE t[10] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, value, sizeof value}};
    CK_OBJECT_HANDLE key = 0;

    memcpy(t + 3, more, n * sizeof *more);
    ck_ok(f->C_CreateObject(s, t, 3 + n, &key));
    return key;
}

START_TEST(test_alias_of_an_attribute_keeps_the_callers_type)
{
    char hello[] = "hello", me[] = "me";
    CK_ATTRIBUTE given[] = {{MY_LABEL, hello, 5}, {MY_ID, me, 2}};
    CK_BYTE label[5], id[2];
    CK_ATTRIBUTE asked[] = {{MY_LABEL, label, sizeof label}, {CKA_LABEL, NULL, 0}, {MY_ID, id, sizeof id}};
    CK_OBJECT_HANDLE key, found = 0;
    CK_ULONG n = 0;

    setup();
    key = secret_key(given, 2);
    ck_ok(f->C_GetAttributeValue(s, key, asked, 3));
    ck_assert_uint_eq(asked[0].type, MY_LABEL);
    ck_assert_uint_eq(asked[2].type, MY_ID);
    ck_assert_mem_eq(label, "hello", 5);
    ck_assert_mem_eq(id, "me", 2);
    ck_assert_uint_eq(asked[1].ulValueLen, 5);
    ck_ok(f->C_FindObjectsInit(s, given, 2));
    ck_ok(f->C_FindObjects(s, &found, 1, &n));
    ck_ok(f->C_FindObjectsFinal(s));
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(found, key);
    token_stop();
}
END_TEST

START_TEST(test_alias_of_a_key_type_is_one_in_a_template_and_is_answered_as_the_standards)
{
    CK_KEY_TYPE type = MY_GENERIC;
    char inner_label[] = "inner";
    CK_ATTRIBUTE inner[] = {{CKA_KEY_TYPE, &type, sizeof type}, {MY_LABEL, inner_label, 5}};
    CK_ATTRIBUTE given[] = {{CKA_WRAP, &yes, 1}, {CKA_WRAP_TEMPLATE, inner, sizeof inner}};
    CK_KEY_TYPE in_type;
    CK_BYTE in_label[5];
    CK_ATTRIBUTE got[] = {{0, &in_type, sizeof in_type}, {0, in_label, sizeof in_label}};
    CK_ATTRIBUTE asked = {CKA_WRAP_TEMPLATE, got, sizeof got};
    CK_OBJECT_HANDLE key;

    setup();
    key = secret_key(given, 2);
    ck_assert_uint_eq(token_number(s, key, CKA_KEY_TYPE), CKK_GENERIC_SECRET);
    ck_ok(f->C_GetAttributeValue(s, key, &asked, 1));
    ck_assert_uint_eq(got[0].type, CKA_KEY_TYPE);
    ck_assert_uint_eq(in_type, CKK_GENERIC_SECRET);
    ck_assert_uint_eq(got[1].type, CKA_LABEL);
    ck_assert_mem_eq(in_label, "inner", 5);
    ck_assert_uint_eq(inner[1].type, MY_LABEL);
    token_stop();
}
END_TEST

START_TEST(test_alias_among_allowed_mechanisms_allows_its_target)
{
    CK_MECHANISM_TYPE allowed[] = {MY_ECDSA}, got[1];
    CK_ATTRIBUTE given[] = {{MY_ALLOWED, allowed, sizeof allowed}}, asked = {CKA_ALLOWED_MECHANISMS, got, sizeof got};
    CK_OBJECT_HANDLE key;

    setup();
    key = secret_key(given, 1);
    ck_ok(f->C_GetAttributeValue(s, key, &asked, 1));
    ck_assert_uint_eq(got[0], CKM_ECDSA);
    token_stop();
}
END_TEST

static struct token_pair pair_with(CK_MECHANISM_TYPE by, CK_ATTRIBUTE_TYPE type, void *value, CK_ULONG n, CK_ATTRIBUTE_TYPE use)
{
    CK_MECHANISM m = {by, NULL, 0};
    CK_ATTRIBUTE public[] = {{type, value, n}, {CKA_VERIFY, use == CKA_SIGN ? &yes : &no, 1}}, private[] = {{use, &yes, 1}};
    struct token_pair pair = {0};

    ck_ok(f->C_GenerateKeyPair(s, &m, public, 2, private, 1, &pair.public_key, &pair.private_key));
    return pair;
}

/* ---- parameters */

START_TEST(test_alias_of_a_kdf_derives_the_same_bytes)
{
    CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, point[100], values[2][32];
    CK_ULONG kdfs[] = {CKD_SHA256_KDF, MY_KDF};
    CK_ATTRIBUTE peer = {CKA_EC_POINT, point, sizeof point}, value = {CKA_VALUE, NULL, 32};
    CK_KEY_TYPE type = MY_GENERIC;
    CK_ULONG bytes = 32;
    CK_ATTRIBUTE t[] = {{CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE_LEN, &bytes, sizeof bytes}, {CKA_SENSITIVE, &no, 1},
                        {CKA_EXTRACTABLE, &yes, 1}};
    struct token_pair pair;

    setup();
    pair = pair_with(CKM_EC_KEY_PAIR_GEN, CKA_EC_PARAMS, p256, sizeof p256, CKA_DERIVE);
    ck_ok(f->C_GetAttributeValue(s, pair.public_key, &peer, 1));
    for (size_t i = 0; i < 2; i++) {
        CK_ECDH1_DERIVE_PARAMS p = {kdfs[i], 0, NULL, peer.ulValueLen, point};
        CK_MECHANISM m = {CKM_ECDH1_DERIVE, &p, sizeof p};
        CK_OBJECT_HANDLE key = 0;
        ck_ok(f->C_DeriveKey(s, &m, pair.private_key, t, 4, &key));
        value.pValue = values[i];
        ck_ok(f->C_GetAttributeValue(s, key, &value, 1));
    }
    ck_assert_mem_eq(values[0], values[1], 32);
    token_stop();
}
END_TEST

START_TEST(test_aliases_of_ml_dsa_make_a_pair_and_sign_where_libcrypto_has_it)
{
    CK_ULONG set = MY_44;
    CK_BYTE data[64] = {3};
    struct token_pair pair;

    setup();
    if (is_listed(CKM_ML_DSA)) {
        pair = pair_with(MY_ML_DSA_PAIR, MY_SET, &set, sizeof set, CKA_SIGN);
        ck_assert_uint_eq(token_number(s, pair.private_key, CKA_PARAMETER_SET), CKP_ML_DSA_44);
        ck_assert_uint_eq(token_number(s, pair.private_key, MY_SET), CKP_ML_DSA_44);
        sign_and_verify(MY_ML_DSA, CKM_ML_DSA, pair, data, sizeof data);
        sign_and_verify(MY_MU, MY_MU, pair, data, sizeof data);
    }
    token_stop();
}
END_TEST

/* ---- the configuration */

static void refused(const char *first, const char *second, const char *says)
{
    struct aliases a = {.n = 0};
    struct diag why = {{0}, {0}, {0}, 0};
    char text[sizeof why];

    if (first != NULL)
        ck_assert_msg(aliases_add(&a, first, &why), "%s", why.what);
    ck_assert(!aliases_add(&a, second, &why));
    diag_text(&why, text, sizeof text);
    ck_assert_msg(strstr(text, says) != NULL && strstr(text, second) != NULL, "%s", text);
    ck_assert_str_ne(why.remedy, "");
}

START_TEST(test_alias_with_a_standard_number_is_a_configuration_error)
{
    refused(NULL, "0x00001041 = CKM_EDDSA", "no vendor's");
    refused(NULL, "0x180000000 = CKM_EDDSA", "no vendor's");
    refused(NULL, "0x80001087 = CKM_AES_GCM", "already"); /* CKM_CLOUDHSM_AES_GCM */
}
END_TEST

START_TEST(test_alias_of_an_unknown_name_is_a_configuration_error)
{
    refused(NULL, "0x8000F001 = CKM_NOTHING", "no such name");
    refused(NULL, "0x8000F001 = CKP_ML_DSA_4", "no such name");
    refused(NULL, "0x8000F001 = CKP_", "no such name");
    refused(NULL, "0x8000F001 = ECDSA", "beginning");
    refused(NULL, "0x8000F001", "no alias");
    refused(NULL, "CKM_ECDSA = 0x8000F001", "no alias");
}
END_TEST

START_TEST(test_same_number_twice_is_a_configuration_error_but_once_for_each_kind_is_none)
{
    struct aliases a = {.n = 0};

    refused("0x8000F001 = CKM_ECDSA", "0x8000f001 = CKM_EDDSA", "twice");
    ck_assert(aliases_add(&a, "0x8000F001 = CKM_ECDSA", NULL));
    ck_assert(aliases_add(&a, "0x8000F001 = CKA_LABEL", NULL));
}
END_TEST

START_TEST(test_names_of_parameter_sets_are_the_standards)
{
    struct aliases a = {.n = 0};

    ck_assert(aliases_add(&a, "0x8000F001 = CKP_ML_DSA_87", NULL));
    ck_assert(aliases_add(&a, "0x8000F002 = CKP_SLH_DSA_SHA2_128S", NULL));
    ck_assert_uint_eq(alias_meaning(&a, ALIAS_SET, 0x8000F001), CKP_ML_DSA_87);
    ck_assert_uint_eq(alias_meaning(&a, ALIAS_SET, 0x8000F002), CKP_SLH_DSA_SHA2_128S);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_alias_of_a_mechanism_signs_like_its_target,
        &test_alias_of_a_mechanism_is_listed_and_described_where_its_target_is,
        &test_without_an_alias_its_number_means_nothing,
        &test_alias_of_an_attribute_keeps_the_callers_type,
        &test_alias_of_a_key_type_is_one_in_a_template_and_is_answered_as_the_standards,
        &test_alias_among_allowed_mechanisms_allows_its_target,
        &test_alias_of_a_kdf_derives_the_same_bytes,
        &test_aliases_of_ml_dsa_make_a_pair_and_sign_where_libcrypto_has_it,
        &test_alias_with_a_standard_number_is_a_configuration_error,
        &test_alias_of_an_unknown_name_is_a_configuration_error,
        &test_same_number_twice_is_a_configuration_error_but_once_for_each_kind_is_none,
        &test_names_of_parameter_sets_are_the_standards,
        NULL,
    };

    return suite_of("module_alias", 60, tests);
}
