/* SP 800-108 against OpenSSL's own, as far as that goes, and by hand; and what must be refused. */
#include "vault/provider/kbkdf.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "proto/pkcs11.h"
#include "tests/unit/runner.h"

enum { OUT_MAX = 512 };

static struct secret made;
static struct kdf_bytes base;

static ProtobufCBinaryData wire(const void *bytes, size_t n)
{
    return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)bytes, .len = n};
}

static void derives(enum kbkdf_mode mode, const Hsm__KbkdfParams *p, size_t n)
{
    ck_assert_int_eq(kbkdf_derive(NULL, mode, p, base, (struct kbkdf_bytes){n, n}, &made), ERR_OK);
    ck_assert_uint_eq(made.len, n);
}

static void refuses(const Hsm__KbkdfParams *p, size_t n, enum err expected)
{
    ck_assert_int_eq(kbkdf_derive(NULL, KBKDF_COUNTER, p, base, (struct kbkdf_bytes){n, n}, &made), expected);
}

static Hsm__KbkdfField number_field(uint64_t type, uint64_t bits)
{
    Hsm__KbkdfField f = HSM__KBKDF_FIELD__INIT;

    f.type = type;
    f.bits = bits;
    f.method = CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS;
    return f;
}

static Hsm__KbkdfField bytes_field(const char *text)
{
    Hsm__KbkdfField f = HSM__KBKDF_FIELD__INIT;

    f.type = CK_SP800_108_BYTE_ARRAY;
    f.value = wire(text, strlen(text) > 0 ? strlen(text) : 1);
    return f;
}

static void openssl_kbkdf(const char *mode, const char *mac, const char *algorithm, const void *key, size_t key_n,
                          const char *seed, size_t n, uint8_t *out)
{
    bool hmac = strcmp(mac, "HMAC") == 0;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, (char *)(uintptr_t)mode, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, (char *)(uintptr_t)mac, 0),
        OSSL_PARAM_construct_utf8_string(hmac ? OSSL_KDF_PARAM_DIGEST : OSSL_KDF_PARAM_CIPHER,
                                         (char *)(uintptr_t)algorithm, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, key_n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t) "label", 5),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t) "context", 7),
        OSSL_PARAM_construct_end(),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "KBKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

    if (seed != NULL)
        params[6] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)(uintptr_t)seed, strlen(seed));
    ck_assert_int_eq(EVP_KDF_derive(ctx, out, n, params), 1);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

static const struct {
    CK_MECHANISM_TYPE prf;
    const char *mac, *algorithm;
    size_t key_n;
} prfs[] = {{CKM_SHA_1_HMAC, "HMAC", "SHA1", 20},    {CKM_SHA256_HMAC, "HMAC", "SHA256", 32},
            {CKM_SHA512_HMAC, "HMAC", "SHA512", 40}, {CKM_SHA3_256_HMAC, "HMAC", "SHA3-256", 16},
            {CKM_AES_CMAC, "CMAC", "AES128", 16},    {CKM_AES_CMAC, "CMAC", "AES256", 32}};

enum { PRFS = sizeof prfs / sizeof prfs[0] };

/* counter || label || 0 || context || length, the order that OpenSSL knows. */
START_TEST(test_counter_and_feedback_agree_with_openssl)
{
    static const size_t lengths[] = {1, 16, 32, 33, 100, 300};
    uint8_t key[64], out[OUT_MAX];

    memset(key, 0x5a, sizeof key);
    for (size_t i = 0; i < PRFS; i++) {
        base = (struct kdf_bytes){key, prfs[i].key_n};
        for (size_t j = 0; j < sizeof lengths / sizeof lengths[0]; j++) {
            Hsm__KbkdfField counter = number_field(CK_SP800_108_ITERATION_VARIABLE, 32),
                            length = number_field(CK_SP800_108_DKM_LENGTH, 32), label = bytes_field("label"),
                            zero = bytes_field(""), context = bytes_field("context"),
                            second = number_field(CK_SP800_108_OPTIONAL_COUNTER, 32);
            Hsm__KbkdfField *fields[] = {&counter, &label, &zero, &context, &length},
                            *chain[] = {&counter, &second, &label, &zero, &context, &length};
            Hsm__KbkdfParams p = HSM__KBKDF_PARAMS__INIT;
            p.prf = prfs[i].prf;
            p.fields = fields;
            p.n_fields = 5;
            derives(KBKDF_COUNTER, &p, lengths[j]);
            openssl_kbkdf("COUNTER", prfs[i].mac, prfs[i].algorithm, key, prfs[i].key_n, NULL, lengths[j], out);
            ck_assert_mem_eq(made.bytes, out, lengths[j]);
            p.fields = chain;
            p.n_fields = 6;
            if (kbkdf_block_bytes(&p) == 20) /* OpenSSL wants an IV of the PRF's length here */
                p.iv = wire("01234567890123456789", 20);
            else
                continue;
            derives(KBKDF_FEEDBACK, &p, lengths[j]);
            openssl_kbkdf("FEEDBACK", prfs[i].mac, prfs[i].algorithm, key, prfs[i].key_n, "01234567890123456789",
                          lengths[j], out);
            ck_assert_mem_eq(made.bytes, out, lengths[j]);
        }
    }
}
END_TEST

static void hmac(const void *data, size_t n, uint8_t out[32])
{
    uint8_t key[32];

    memset(key, 0x5a, sizeof key);
    ck_assert_ptr_nonnull(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, sizeof key, data, n, out, 32, NULL));
}

/* SP 800-108 section 5.3, by hand: A(1) = PRF(x), A(2) = PRF(A(1)); K(i) = PRF(A(i) || i || x). */
START_TEST(test_the_double_pipeline_is_as_written)
{
    uint8_t key[32], a[33 + 1], block[64];
    Hsm__KbkdfField link = number_field(CK_SP800_108_ITERATION_VARIABLE, 0),
                    counter = number_field(CK_SP800_108_OPTIONAL_COUNTER, 8), x = bytes_field("x");
    Hsm__KbkdfField *fields[] = {&link, &counter, &x};
    Hsm__KbkdfParams p = HSM__KBKDF_PARAMS__INIT;

    memset(key, 0x5a, sizeof key);
    base = (struct kdf_bytes){key, sizeof key};
    p.prf = CKM_SHA256_HMAC;
    p.fields = fields;
    p.n_fields = 3;
    derives(KBKDF_PIPELINE, &p, 64);
    hmac("x", 1, a);
    for (int i = 1; i <= 2; i++) {
        a[32] = (uint8_t)i;
        a[33] = 'x';
        hmac(a, 34, block + 32 * (i - 1));
        hmac(a, 32, a);
    }
    ck_assert_mem_eq(made.bytes, block, 64);
}
END_TEST

START_TEST(test_what_no_mode_of_sp800_108_has_is_refused)
{
    Hsm__KbkdfField counter = number_field(CK_SP800_108_ITERATION_VARIABLE, 8),
                    second = number_field(CK_SP800_108_OPTIONAL_COUNTER, 8),
                    odd = number_field(CK_SP800_108_ITERATION_VARIABLE, 12), key = number_field(5, 8),
                    length = number_field(CK_SP800_108_DKM_LENGTH, 72);
    Hsm__KbkdfField *with_second[] = {&counter, &second}, *twice[] = {&counter, &counter}, *none[] = {&length},
                    *wide[] = {&counter, &length}, *half[] = {&odd}, *keys[] = {&counter, &key}, *good[] = {&counter};
    const struct {
        Hsm__KbkdfField **fields;
        size_t n;
    } wrong[] = {{with_second, 2}, {twice, 2}, {none, 1}, {wide, 2}, {half, 1}, {keys, 2}, {good, 0}};
    Hsm__KbkdfParams p = HSM__KBKDF_PARAMS__INIT;

    base = (struct kdf_bytes){(const uint8_t *)"12345678", 8};
    p.prf = CKM_SHA256_HMAC;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        p.fields = wrong[i].fields;
        p.n_fields = wrong[i].n;
        refuses(&p, 32, ERR_MECHANISM_PARAM);
    }
    p.fields = good;
    p.n_fields = 1;
    derives(KBKDF_COUNTER, &p, 32);
    p.prf = CKM_SHA_1_HMAC;
    derives(KBKDF_COUNTER, &p, 255 * 16);
    p.prf = CKM_SHA256;
    refuses(&p, 32, ERR_MECHANISM_PARAM);
    p.prf = CKM_AES_CMAC;
    refuses(&p, 32, ERR_KEY_SIZE);
    base = (struct kdf_bytes){(const uint8_t *)"0123456789abcdef", 16};
    refuses(&p, 4096, ERR_MECHANISM_PARAM); /* 256 blocks do not fit a counter of one byte */
    derives(KBKDF_COUNTER, &p, 4080);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_counter_and_feedback_agree_with_openssl,
        &test_the_double_pipeline_is_as_written,
        &test_what_no_mode_of_sp800_108_has_is_refused,
        NULL,
    };

    return suite_of("kbkdf", 60, tests);
}
