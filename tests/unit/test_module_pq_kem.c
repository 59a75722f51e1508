/* ML-KEM through the module: both sides get the same key, and it is an object as its template says. */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "proto/parameter_set.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { SECRET_BYTES = 32 };

static CK_SESSION_HANDLE s;
static CK_BYTE ciphertext[1568];
static CK_ULONG ciphertext_n;
static CK_OBJECT_HANDLE made;
static CK_MECHANISM kem = {CKM_ML_KEM, NULL, 0};

static bool setup_under(enum policy policy)
{
    s = token_alice_under(policy);
    return parameter_set_makes_here(CKK_ML_KEM);
}

static bool setup(void)
{
    return setup_under(POLICY_COMPATIBLE);
}

static struct token_pair pair_of(CK_ULONG number, bool token)
{
    CK_MECHANISM m = {CKM_ML_KEM_KEY_PAIR_GEN, NULL, 0};
    CK_BBOOL on_token = token;
    CK_ATTRIBUTE public_half[] = {{CKA_PARAMETER_SET, &number, sizeof number}, {CKA_TOKEN, &on_token, 1}};
    CK_ATTRIBUTE private_half[] = {{CKA_TOKEN, &on_token, 1}};
    struct token_pair p;

    ck_ok(f->C_GenerateKeyPair(s, &m, public_half, 2, private_half, 1, &p.public_key, &p.private_key));
    return p;
}

static CK_RV encapsulate(CK_OBJECT_HANDLE key, CK_ATTRIBUTE *t, CK_ULONG n)
{
    ciphertext_n = sizeof ciphertext;
    return f3->C_EncapsulateKey(s, &kem, key, t, n, ciphertext, &ciphertext_n, &made);
}

static CK_RV decapsulate(CK_OBJECT_HANDLE key, CK_ATTRIBUTE *t, CK_ULONG n)
{
    return f3->C_DecapsulateKey(s, &kem, key, t, n, ciphertext, ciphertext_n, &made);
}

static CK_RV value_of(CK_OBJECT_HANDLE key, CK_BYTE out[SECRET_BYTES])
{
    CK_ATTRIBUTE a = {CKA_VALUE, out, SECRET_BYTES};
    CK_RV rv = f->C_GetAttributeValue(s, key, &a, 1);

    ck_assert(rv != CKR_OK || a.ulValueLen == SECRET_BYTES);
    return rv;
}

/* A template of a key that shows its value. */
static CK_BBOOL no = CK_FALSE, yes = CK_TRUE;
static CK_ATTRIBUTE open_key[] = {{CKA_SENSITIVE, &no, 1}, {CKA_TOKEN, &no, 1}};

START_TEST(test_both_sides_get_the_same_secret)
{
    bool here = setup();

    for (CK_ULONG number = CKP_ML_KEM_512; here && number <= CKP_ML_KEM_1024; number++) {
        const struct parameter_set *set = parameter_set_find(CKK_ML_KEM, number);
        struct token_pair p = pair_of(number, number == CKP_ML_KEM_768);
        CK_BYTE first[SECRET_BYTES], second[SECRET_BYTES], third[SECRET_BYTES];
        ck_ok(encapsulate(p.public_key, open_key, 2));
        ck_assert_uint_eq(ciphertext_n, set->output_bytes);
        ck_ok(value_of(made, first));
        ck_ok(decapsulate(p.private_key, open_key, 2));
        ck_ok(value_of(made, second));
        ck_assert_mem_eq(first, second, sizeof first);
        ciphertext[9] ^= 1; /* of another one comes another, and no error */
        ck_ok(decapsulate(p.private_key, open_key, 2));
        ck_ok(value_of(made, third));
        ck_assert_mem_ne(first, third, sizeof first);
    }
    token_stop();
}
END_TEST

START_TEST(test_openssl_decapsulates_and_is_decapsulated)
{
    if (setup()) {
        CK_OBJECT_CLASS object_class = CKO_PRIVATE_KEY;
        CK_KEY_TYPE type = CKK_ML_KEM;
        CK_ULONG number = CKP_ML_KEM_768;
        CK_BYTE seed[64], mine[SECRET_BYTES], theirs[SECRET_BYTES], info[2048];
        size_t n = 0, secret_n = sizeof theirs, out_n = sizeof ciphertext;
        EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ML-KEM-768");
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
        CK_OBJECT_HANDLE private_key;
        struct token_pair p;
        const CK_BYTE *at = info;
        CK_ATTRIBUTE a = {CKA_PUBLIC_KEY_INFO, info, sizeof info};

        ck_assert_int_eq(EVP_PKEY_get_octet_string_param(key, "seed", seed, sizeof seed, &n), 1);
        CK_ATTRIBUTE t[] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &type, sizeof type},
                            {CKA_PARAMETER_SET, &number, sizeof number}, {CKA_SEED, seed, sizeof seed}};
        ck_ok(f->C_CreateObject(s, t, 4, &private_key));
        ck_assert_int_eq(EVP_PKEY_encapsulate_init(ctx, NULL), 1);
        ck_assert_int_eq(EVP_PKEY_encapsulate(ctx, ciphertext, &out_n, theirs, &secret_n), 1);
        ciphertext_n = out_n;
        ck_ok(decapsulate(private_key, open_key, 2));
        ck_ok(value_of(made, mine));
        ck_assert_mem_eq(mine, theirs, sizeof mine);
        EVP_PKEY_CTX_free(ctx);
        EVP_PKEY_free(key);

        p = pair_of(number, false); /* the public key alone is theirs: what they make of it is ours to open */
        ck_ok(f->C_GetAttributeValue(s, p.public_key, &a, 1));
        key = d2i_PUBKEY(NULL, &at, (long)a.ulValueLen);
        ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
        out_n = sizeof ciphertext;
        secret_n = sizeof theirs;
        ck_assert_int_eq(EVP_PKEY_encapsulate_init(ctx, NULL), 1);
        ck_assert_int_eq(EVP_PKEY_encapsulate(ctx, ciphertext, &out_n, theirs, &secret_n), 1);
        ciphertext_n = out_n;
        ck_ok(decapsulate(p.private_key, open_key, 2));
        ck_ok(value_of(made, mine));
        ck_assert_mem_eq(mine, theirs, sizeof mine);
        EVP_PKEY_CTX_free(ctx);
        EVP_PKEY_free(key);
    }
    token_stop();
}
END_TEST

START_TEST(test_new_key_is_as_its_template_says_and_has_no_past)
{
    if (setup()) {
        struct token_pair p = pair_of(CKP_ML_KEM_512, false);
        CK_KEY_TYPE aes = CKK_AES;
        CK_BYTE value[SECRET_BYTES], label[] = "shared";
        CK_ATTRIBUTE on_token[] = {{CKA_TOKEN, &yes, 1}, {CKA_KEY_TYPE, &aes, sizeof aes}, {CKA_LABEL, label, 6}};
        CK_ATTRIBUTE closed[] = {{CKA_EXTRACTABLE, &no, 1}};

        ck_ok(encapsulate(p.public_key, NULL, 0));
        ck_rv(value_of(made, value), CKR_ATTRIBUTE_SENSITIVE);
        ck_assert(token_flag(s, made, CKA_SENSITIVE) && token_flag(s, made, CKA_EXTRACTABLE));
        ck_assert(!token_flag(s, made, CKA_ALWAYS_SENSITIVE) && !token_flag(s, made, CKA_NEVER_EXTRACTABLE));
        ck_assert(!token_flag(s, made, CKA_LOCAL));
        ck_assert_uint_eq(token_number(s, made, CKA_KEY_TYPE), CKK_GENERIC_SECRET);
        ck_ok(decapsulate(p.private_key, closed, 1));
        ck_assert(!token_flag(s, made, CKA_EXTRACTABLE) && !token_flag(s, made, CKA_NEVER_EXTRACTABLE));
        ck_ok(encapsulate(p.public_key, on_token, 3));
        ck_assert_uint_eq(ciphertext_n, 768);
        ck_assert(token_flag(s, made, CKA_TOKEN) && token_flag(s, made, CKA_ENCRYPT));
        ck_assert_uint_eq(token_number(s, made, CKA_VALUE_LEN), SECRET_BYTES);
        ck_assert_uint_eq(token_count(s, "shared"), 1);
        ck_ok(decapsulate(p.private_key, on_token, 3));
        ck_assert_uint_eq(token_count(s, "shared"), 2);
    }
    token_stop();
}
END_TEST

START_TEST(test_template_that_wants_something_else_is_refused)
{
    if (setup()) {
        struct token_pair p = pair_of(CKP_ML_KEM_512, false);
        CK_OBJECT_CLASS data = CKO_DATA;
        CK_KEY_TYPE rsa = CKK_RSA, aes = CKK_AES;
        CK_ULONG bytes = 16;
        CK_BYTE value[SECRET_BYTES] = {0};
        CK_ATTRIBUTE wrong_class = {CKA_CLASS, &data, sizeof data}, wrong_type = {CKA_KEY_TYPE, &rsa, sizeof rsa};
        CK_ATTRIBUTE sixteen[] = {{CKA_KEY_TYPE, &aes, sizeof aes}, {CKA_VALUE_LEN, &bytes, sizeof bytes}};
        CK_ATTRIBUTE given = {CKA_VALUE, value, sizeof value};

        ck_rv(encapsulate(p.public_key, &wrong_class, 1), CKR_TEMPLATE_INCONSISTENT);
        ck_rv(encapsulate(p.public_key, &wrong_type, 1), CKR_ATTRIBUTE_VALUE_INVALID);
        ck_rv(encapsulate(p.public_key, &given, 1), CKR_ATTRIBUTE_READ_ONLY);
        ck_rv(encapsulate(p.public_key, sixteen, 2), CKR_TEMPLATE_INCONSISTENT);
    }
    token_stop();
}
END_TEST

START_TEST(test_wrong_keys_lengths_and_arguments_are_refused)
{
    if (setup()) {
        struct token_pair p = pair_of(CKP_ML_KEM_512, false), ec = token_ec(s, false, "ec"), shut;
        CK_MECHANISM make = {CKM_ML_KEM_KEY_PAIR_GEN, NULL, 0}, other = {CKM_ML_DSA, NULL, 0}, parameter = {CKM_ML_KEM, &no, 1};
        CK_ULONG number = CKP_ML_KEM_512, little = 767;
        CK_ATTRIBUTE public_half[] = {{CKA_PARAMETER_SET, &number, sizeof number}, {CKA_ENCAPSULATE, &no, 1}};
        CK_ATTRIBUTE private_half[] = {{CKA_DECAPSULATE, &no, 1}};

        ck_ok(f->C_GenerateKeyPair(s, &make, public_half, 2, private_half, 1, &shut.public_key, &shut.private_key));
        ck_rv(encapsulate(shut.public_key, NULL, 0), CKR_KEY_FUNCTION_NOT_PERMITTED);
        ck_rv(encapsulate(p.private_key, NULL, 0), CKR_KEY_FUNCTION_NOT_PERMITTED);
        ck_rv(encapsulate(ec.public_key, NULL, 0), CKR_KEY_FUNCTION_NOT_PERMITTED);
        ck_rv(encapsulate(999999, NULL, 0), CKR_KEY_HANDLE_INVALID);
        ck_rv(f3->C_EncapsulateKey(s, &other, p.public_key, NULL, 0, ciphertext, &ciphertext_n, &made), CKR_MECHANISM_INVALID);
        ck_rv(f3->C_EncapsulateKey(s, &parameter, p.public_key, NULL, 0, ciphertext, &ciphertext_n, &made), CKR_MECHANISM_PARAM_INVALID);
        ck_rv(f3->C_EncapsulateKey(s, &kem, p.public_key, NULL, 0, ciphertext, &little, &made), CKR_BUFFER_TOO_SMALL);
        ck_assert_uint_eq(little, 768);
        ck_ok(f3->C_EncapsulateKey(s, &kem, p.public_key, NULL, 0, NULL, &little, NULL));
        ck_rv(f3->C_EncapsulateKey(s, &kem, p.public_key, NULL, 0, ciphertext, NULL, &made), CKR_ARGUMENTS_BAD);
        ck_rv(f3->C_EncapsulateKey(s, &kem, p.public_key, NULL, 0, ciphertext, &little, NULL), CKR_ARGUMENTS_BAD);
        ck_rv(f3->C_EncapsulateKey(s, NULL, p.public_key, NULL, 0, ciphertext, &little, &made), CKR_ARGUMENTS_BAD);
        ck_ok(encapsulate(p.public_key, NULL, 0));
        ck_rv(decapsulate(shut.private_key, NULL, 0), CKR_KEY_FUNCTION_NOT_PERMITTED);
        ck_rv(decapsulate(p.public_key, NULL, 0), CKR_KEY_FUNCTION_NOT_PERMITTED);
        ck_rv(decapsulate(ec.private_key, NULL, 0), CKR_KEY_FUNCTION_NOT_PERMITTED);
        ciphertext_n--;
        ck_rv(decapsulate(p.private_key, NULL, 0), CKR_WRAPPED_KEY_LEN_RANGE);
        ck_rv(f3->C_DecapsulateKey(s, &kem, p.private_key, NULL, 0, NULL, 768, &made), CKR_ARGUMENTS_BAD);
        ck_rv(f3->C_DecapsulateKey(s, &kem, p.private_key, NULL, 0, ciphertext, 768, NULL), CKR_ARGUMENTS_BAD);
        ck_rv(f3->C_DecapsulateKey(s, NULL, p.private_key, NULL, 0, ciphertext, 768, &made), CKR_ARGUMENTS_BAD);
        ck_ok(f->C_Logout(s));
        ck_rv(encapsulate(p.public_key, NULL, 0), CKR_USER_NOT_LOGGED_IN);
    }
    token_stop();
}
END_TEST

START_TEST(test_without_libcrypto_there_is_no_such_mechanism)
{
    if (!setup()) {
        ck_rv(encapsulate(1, NULL, 0), CKR_MECHANISM_INVALID);
        ck_rv(decapsulate(1, NULL, 0), CKR_MECHANISM_INVALID);
    }
    token_stop();
}
END_TEST

/* 3.2 names the two and says no more; the words are those of CKA_DERIVE_TEMPLATE. */
START_TEST(test_templates_of_the_pair_are_obeyed)
{
    CK_MECHANISM m = {CKM_ML_KEM_KEY_PAIR_GEN, NULL, 0};
    CK_ULONG set = CKP_ML_KEM_768;
    CK_ATTRIBUTE forced[] = {{CKA_EXTRACTABLE, &no, 1}, {CKA_DERIVE, &yes, 1}}, against = {CKA_EXTRACTABLE, &yes, 1};
    CK_ATTRIBUTE public_half[] = {{CKA_PARAMETER_SET, &set, sizeof set}, {CKA_ENCAPSULATE_TEMPLATE, forced, sizeof forced}};
    CK_ATTRIBUTE private_half = {CKA_DECAPSULATE_TEMPLATE, forced, sizeof forced};
    struct token_pair p;

    if (setup()) {
        ck_ok(f->C_GenerateKeyPair(s, &m, public_half, 2, &private_half, 1, &p.public_key, &p.private_key));
        ck_assert_uint_eq(encapsulate(p.public_key, &against, 1), CKR_TEMPLATE_INCONSISTENT);
        ck_ok(encapsulate(p.public_key, NULL, 0));
        ck_assert(token_flag(s, made, CKA_DERIVE) && !token_flag(s, made, CKA_EXTRACTABLE));
        ck_assert_uint_eq(decapsulate(p.private_key, &against, 1), CKR_TEMPLATE_INCONSISTENT);
        ck_ok(decapsulate(p.private_key, &forced[1], 1));
        ck_assert(token_flag(s, made, CKA_DERIVE) && !token_flag(s, made, CKA_EXTRACTABLE));
    }
    token_stop();
}
END_TEST

/* Who has the ciphertext decapsulates once more, with another template: so what is made is as closed as the key, as by ECDH. A secret
 * that is encapsulated is new, and as its template says. */
START_TEST(test_what_a_closed_key_decapsulates_is_closed_under_the_modern_policy)
{
    CK_MECHANISM m = {CKM_ML_KEM_KEY_PAIR_GEN, NULL, 0};
    CK_ULONG set = CKP_ML_KEM_512;
    CK_BYTE first[SECRET_BYTES], second[SECRET_BYTES];
    CK_ATTRIBUTE extractable = {CKA_EXTRACTABLE, &yes, 1}, public_half = {CKA_PARAMETER_SET, &set, sizeof set};
    CK_ATTRIBUTE private_half[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};
    struct token_pair p;

    if (setup_under(POLICY_MODERN)) {
        p = pair_of(set, true);
        ck_ok(encapsulate(p.public_key, open_key, 2));
        ck_ok(value_of(made, first));
        ck_rv(decapsulate(p.private_key, open_key, 2), CKR_TEMPLATE_INCONSISTENT);
        ck_rv(decapsulate(p.private_key, &extractable, 1), CKR_TEMPLATE_INCONSISTENT);
        ck_ok(decapsulate(p.private_key, NULL, 0));
        ck_assert(token_flag(s, made, CKA_SENSITIVE) && !token_flag(s, made, CKA_EXTRACTABLE));
        ck_assert(!token_flag(s, made, CKA_ALWAYS_SENSITIVE) && !token_flag(s, made, CKA_NEVER_EXTRACTABLE));
        ck_ok(f->C_GenerateKeyPair(s, &m, &public_half, 1, private_half, 2, &p.public_key, &p.private_key));
        ck_ok(encapsulate(p.public_key, open_key, 2));
        ck_ok(value_of(made, first));
        ck_ok(decapsulate(p.private_key, open_key, 2));
        ck_ok(value_of(made, second));
        ck_assert_mem_eq(first, second, sizeof first);
    }
    token_stop();
}
END_TEST

/* There is no place for the password between the beginning of a decapsulation and its end. */
START_TEST(test_key_that_always_asks_decapsulates_nothing)
{
    CK_MECHANISM m = {CKM_ML_KEM_KEY_PAIR_GEN, NULL, 0};
    CK_ULONG set = CKP_ML_KEM_768;
    CK_ATTRIBUTE public_half = {CKA_PARAMETER_SET, &set, sizeof set}, private_half = {CKA_ALWAYS_AUTHENTICATE, &yes, 1};
    struct token_pair p;

    if (setup()) {
        ck_ok(f->C_GenerateKeyPair(s, &m, &public_half, 1, &private_half, 1, &p.public_key, &p.private_key));
        ck_ok(encapsulate(p.public_key, NULL, 0));
        ck_assert_uint_eq(decapsulate(p.private_key, NULL, 0), CKR_USER_NOT_LOGGED_IN);
    }
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_both_sides_get_the_same_secret,
        &test_openssl_decapsulates_and_is_decapsulated,
        &test_new_key_is_as_its_template_says_and_has_no_past,
        &test_template_that_wants_something_else_is_refused,
        &test_wrong_keys_lengths_and_arguments_are_refused,
        &test_templates_of_the_pair_are_obeyed,
        &test_what_a_closed_key_decapsulates_is_closed_under_the_modern_policy,
        &test_key_that_always_asks_decapsulates_nothing,
        &test_without_libcrypto_there_is_no_such_mechanism,
        NULL,
    };

    return suite_of("module_pq_kem", 120, tests);
}
