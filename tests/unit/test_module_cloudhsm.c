/* What programs that were written for AWS CloudHSM's library give to its own ids, and what must come of it, by OpenSSL alone. */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "proto/mechanism.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

/* The structures and numbers of AWS's public header (cloudhsm_pkcs11_vendor_defs.h). */
struct counter_format {
    CK_ULONG bits;
};

struct length_format {
    CK_ULONG method, bits;
};

struct kdf_params {
    CK_ULONG prf, fields_n;
    CK_PRF_DATA_PARAM *fields;
};

enum { COUNTER = 4, LABEL, CONTEXT, LENGTH, BYTES };

enum { KEY_BYTES = 32, ROOM = 100 };

static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_BYTE label[] = {1, 0xab, 0xe1}, context[] = {0xc, 9, 0x7e, 7}, zero[1];
static struct counter_format counter = {32};
static struct length_format length = {CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, 32};

static CK_OBJECT_HANDLE base(void)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_BYTE value[KEY_BYTES];
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, value, sizeof value},
                        {CKA_DERIVE, &yes, 1}, {CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};
    CK_OBJECT_HANDLE key = 0;

    memset(value, 0x5a, sizeof value);
    ck_ok(f->C_CreateObject(s, t, 6, &key));
    return key;
}

static void setup(void)
{
    token_start_with_users();
    s = token_alice();
}

static CK_RV derive(CK_MECHANISM m, CK_OBJECT_HANDLE from, CK_BYTE out[KEY_BYTES])
{
    CK_KEY_TYPE type = CKK_AES;
    CK_ULONG bytes = KEY_BYTES;
    CK_ATTRIBUTE t[] = {{CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE_LEN, &bytes, sizeof bytes}, {CKA_SENSITIVE, &no, 1},
                        {CKA_EXTRACTABLE, &yes, 1}};
    CK_ATTRIBUTE value = {CKA_VALUE, out, KEY_BYTES};
    CK_OBJECT_HANDLE key = 0;
    CK_RV rv = f->C_DeriveKey(s, &m, from, t, 4, &key);

    if (rv == CKR_OK)
        ck_ok(f->C_GetAttributeValue(s, key, &value, 1));
    return rv;
}

static CK_RV derive_fields(CK_ULONG prf, CK_PRF_DATA_PARAM *fields, CK_ULONG n, CK_OBJECT_HANDLE from, CK_BYTE out[KEY_BYTES])
{
    struct kdf_params p = {prf, n, fields};

    return derive((CK_MECHANISM){CKM_CLOUDHSM_SP800_108_COUNTER_KDF, &p, sizeof p}, from, out);
}

static void by_openssl(const char *mac, const char *algorithm, CK_BYTE out[KEY_BYTES])
{
    CK_BYTE key[KEY_BYTES];
    const char *name = strcmp(mac, "HMAC") == 0 ? OSSL_KDF_PARAM_DIGEST : OSSL_KDF_PARAM_CIPHER;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, (char *)(uintptr_t)mac, 0),
        OSSL_PARAM_construct_utf8_string(name, (char *)(uintptr_t)algorithm, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, sizeof key),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, label, sizeof label),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, context, sizeof context),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "KBKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

    memset(key, 0x5a, sizeof key);
    ck_assert_int_eq(EVP_KDF_derive(ctx, out, KEY_BYTES, params), 1);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

static CK_PRF_DATA_PARAM field(CK_ULONG type, void *value, CK_ULONG n)
{
    return (CK_PRF_DATA_PARAM){type, value, n};
}

/* ---- tests */

/* AWS's sample hmac_kdf.c. */
START_TEST(test_published_fields_stand_in_the_order_of_sp_800_108_whatever_their_own_is)
{
    CK_PRF_DATA_PARAM fields[4] = {field(COUNTER, &counter, sizeof counter), field(LENGTH, &length, sizeof length),
                                   field(LABEL, label, sizeof label), field(CONTEXT, context, sizeof context)};
    CK_BYTE ours[KEY_BYTES], theirs[KEY_BYTES];
    CK_OBJECT_HANDLE key;

    setup();
    key = base();
    ck_ok(derive_fields(CKM_SHA512_HMAC, fields, 4, key, ours));
    by_openssl("HMAC", "SHA512", theirs);
    ck_assert_mem_eq(ours, theirs, KEY_BYTES);
    fields[1] = fields[0];
    fields[0] = field(LENGTH, &length, sizeof length);
    ck_ok(derive_fields(CKM_SHA512_HMAC, fields, 4, key, ours));
    ck_assert_mem_eq(ours, theirs, KEY_BYTES);
    token_stop();
}
END_TEST

/* AWS's sample aes_cmac_kdf.c: the standard's names, and the order that the caller gives. */
START_TEST(test_fields_of_the_standard_stand_as_they_are_given)
{
    CK_PRF_DATA_PARAM fields[] = {field(CK_SP800_108_ITERATION_VARIABLE, &counter, sizeof counter),
                                  field(CK_SP800_108_BYTE_ARRAY, label, sizeof label),
                                  field(CK_SP800_108_BYTE_ARRAY, zero, sizeof zero),
                                  field(CK_SP800_108_BYTE_ARRAY, context, sizeof context),
                                  field(CK_SP800_108_DKM_LENGTH, &length, sizeof length)};
    CK_SP800_108_COUNTER_FORMAT standard_counter = {CK_FALSE, 32};
    CK_SP800_108_DKM_LENGTH_FORMAT standard_length = {CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, CK_FALSE, 32};
    CK_SP800_108_KDF_PARAMS whole = {CKM_AES_CMAC, 5, fields, 0, NULL};
    CK_BYTE ours[KEY_BYTES], theirs[KEY_BYTES];
    CK_PRF_DATA_PARAM other[5];
    CK_OBJECT_HANDLE key;

    setup();
    key = base();
    ck_ok(derive_fields(CKM_AES_CMAC, fields, 5, key, ours));
    by_openssl("CMAC", "AES256", theirs);
    ck_assert_mem_eq(ours, theirs, KEY_BYTES);
    memcpy(other, fields, sizeof fields);
    other[0] = fields[1];
    other[1] = fields[0];
    ck_ok(derive_fields(CKM_AES_CMAC, other, 5, key, ours));
    ck_assert_mem_ne(ours, theirs, KEY_BYTES);
    /* The standard's formats and its whole parameter are taken as well. */
    fields[0] = field(CK_SP800_108_ITERATION_VARIABLE, &standard_counter, sizeof standard_counter);
    fields[4] = field(CK_SP800_108_DKM_LENGTH, &standard_length, sizeof standard_length);
    ck_ok(derive_fields(CKM_AES_CMAC, fields, 5, key, ours));
    ck_assert_mem_eq(ours, theirs, KEY_BYTES);
    ck_ok(derive((CK_MECHANISM){CKM_CLOUDHSM_SP800_108_COUNTER_KDF, &whole, sizeof whole}, key, ours));
    ck_assert_mem_eq(ours, theirs, KEY_BYTES);
    token_stop();
}
END_TEST

START_TEST(test_fields_that_are_none_are_refused)
{
    struct counter_format odd = {12};
    CK_PRF_DATA_PARAM good = field(COUNTER, &counter, sizeof counter), text = field(LABEL, label, sizeof label);
    CK_PRF_DATA_PARAM bad[][2] = {
        {text, text},
        {good, good},
        {good, field(BYTES, label, sizeof label)}, /* what it stands for is not published */
        {good, field(3, label, sizeof label)},
        {good, field(~0UL, label, sizeof label)},
        {field(COUNTER, &odd, sizeof odd), text},
        {field(COUNTER, NULL, sizeof counter), text},
        {field(COUNTER, &counter, 3), text},
        {good, field(LABEL, NULL, 5)},
        {good, field(LENGTH, label, sizeof label)},
    };
    struct kdf_params p = {CKM_SHA256_HMAC, 2, NULL};
    CK_MECHANISM m = {CKM_CLOUDHSM_SP800_108_COUNTER_KDF, &p, sizeof p};
    CK_BYTE out[KEY_BYTES];
    CK_OBJECT_HANDLE key;

    setup();
    key = base();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(derive_fields(CKM_SHA256_HMAC, bad[i], 2, key, out) == CKR_MECHANISM_PARAM_INVALID, "row %zu", i);
    ck_rv(derive(m, key, out), CKR_MECHANISM_PARAM_INVALID);
    p.fields = bad[0];
    p.fields_n = 1000000;
    ck_rv(derive(m, key, out), CKR_MECHANISM_PARAM_INVALID);
    p.fields_n = 0;
    ck_rv(derive(m, key, out), CKR_MECHANISM_PARAM_INVALID);
    m.ulParameterLen--;
    ck_rv(derive(m, key, out), CKR_MECHANISM_PARAM_INVALID);
    ck_rv(derive((CK_MECHANISM){m.mechanism, NULL, 0}, key, out), CKR_MECHANISM_PARAM_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_cloudhsms_gcm_makes_its_own_vector_and_takes_none)
{
    CK_BYTE iv[12] = {0}, first[12];
    CK_GCM_PARAMS p = {.pIv = iv, .ulIvLen = sizeof iv, .ulTagBits = 128};
    CK_MECHANISM m = {CKM_CLOUDHSM_AES_GCM, &p, sizeof p};
    CK_MECHANISM_INFO info;
    CK_OBJECT_HANDLE key;
    CK_BYTE text[40] = "text", sealed[ROOM], again[ROOM];
    CK_ULONG n = ROOM, got = ROOM;

    setup();
    key = token_secret_key(s, CKK_AES, 32);
    ck_rv(f->C_EncryptInit(s, &m, key), CKR_MECHANISM_PARAM_INVALID);
    p.pIv = NULL; /* no vector, whatever length it would have had */
    ck_ok(f->C_EncryptInit(s, &m, key));
    ck_ok(f->C_Encrypt(s, text, sizeof text, sealed, &n));
    ck_assert_uint_eq(n, 12 + 40 + 16);
    memcpy(first, sealed, 12);
    n = ROOM;
    ck_ok(f->C_EncryptInit(s, &m, key));
    ck_ok(f->C_Encrypt(s, text, sizeof text, sealed, &n));
    ck_assert_mem_ne(first, sealed, 12);
    p = (CK_GCM_PARAMS){.ulTagBits = 128};
    ck_ok(f->C_DecryptInit(s, &m, key));
    ck_ok(f->C_Decrypt(s, sealed, n, again, &got));
    ck_assert_uint_eq(got, 40);
    ck_assert_mem_eq(again, text, 40);
    p.ulTagBits = 20;
    ck_rv(f->C_EncryptInit(s, &m, key), CKR_MECHANISM_PARAM_INVALID);
    /* Messages have their vector beside them. */
    ck_ok(f->C_GetMechanismInfo(0, CKM_CLOUDHSM_AES_GCM, &info));
    ck_assert_uint_eq(info.flags & (CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT), 0);
    ck_rv(f3->C_MessageEncryptInit(s, &m, key), CKR_MECHANISM_INVALID);
    token_stop();
}
END_TEST

/* A key under GCM with the vector in front, as any program with the wrapping key would read it. */
START_TEST(test_a_wrapped_key_begins_with_its_vector)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE aes = CKK_AES, generic = CKK_GENERIC_SECRET;
    CK_BYTE kek[KEY_BYTES], value[KEY_BYTES], wrapped[ROOM], plain[ROOM], aad[] = "data";
    CK_ATTRIBUTE wrapping[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &aes, sizeof aes}, {CKA_VALUE, kek, sizeof kek},
                               {CKA_WRAP, &yes, 1}, {CKA_UNWRAP, &yes, 1}};
    CK_ATTRIBUTE target[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &generic, sizeof generic},
                             {CKA_VALUE, value, sizeof value}, {CKA_EXTRACTABLE, &yes, 1}};
    CK_ATTRIBUTE made[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &generic, sizeof generic}};
    CK_GCM_PARAMS p = {.pAAD = aad, .ulAADLen = 4, .ulTagBits = 96};
    CK_MECHANISM m = {CKM_CLOUDHSM_AES_GCM, &p, sizeof p};
    CK_OBJECT_HANDLE kek_key, key, again;
    CK_ULONG n = sizeof wrapped;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int got = 0, rest = 0;

    setup();
    memset(kek, 1, sizeof kek);
    memset(value, 2, sizeof value);
    ck_ok(f->C_CreateObject(s, wrapping, 5, &kek_key));
    ck_ok(f->C_CreateObject(s, target, 4, &key));
    ck_ok(f->C_WrapKey(s, &m, kek_key, key, wrapped, &n));
    ck_assert_uint_eq(n, 12 + KEY_BYTES + 12);
    ck_assert_int_eq(EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, kek, wrapped), 1);
    ck_assert_int_eq(EVP_DecryptUpdate(ctx, NULL, &got, aad, 4), 1);
    ck_assert_int_eq(EVP_DecryptUpdate(ctx, plain, &got, wrapped + 12, KEY_BYTES), 1);
    ck_assert_int_eq(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 12, wrapped + 12 + KEY_BYTES), 1);
    ck_assert_int_eq(EVP_DecryptFinal_ex(ctx, plain + got, &rest), 1);
    EVP_CIPHER_CTX_free(ctx);
    ck_assert_mem_eq(plain, value, KEY_BYTES);
    ck_ok(f->C_UnwrapKey(s, &m, kek_key, wrapped, n, made, 2, &again));
    ck_rv(f->C_UnwrapKey(s, &m, kek_key, wrapped, 23, made, 2, &again), CKR_WRAPPED_KEY_LEN_RANGE);
    wrapped[3] ^= 1;
    ck_rv(f->C_UnwrapKey(s, &m, kek_key, wrapped, n, made, 2, &again), CKR_WRAPPED_KEY_INVALID);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_published_fields_stand_in_the_order_of_sp_800_108_whatever_their_own_is,
        &test_fields_of_the_standard_stand_as_they_are_given,
        &test_fields_that_are_none_are_refused,
        &test_cloudhsms_gcm_makes_its_own_vector_and_takes_none,
        &test_a_wrapped_key_begins_with_its_vector,
        NULL,
    };

    return suite_of("module_cloudhsm", 60, tests);
}
