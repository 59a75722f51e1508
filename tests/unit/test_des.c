/* Keys of DES: that three keys of triple DES stand for one and for two is held against OpenSSL's own single DES
 * (its legacy provider) and its DES-EDE, which take these keys as they are. */
#include "vault/provider/des.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/provider.h>

#include "proto/mechanism.h"
#include "tests/unit/runner.h"
#include "vault/provider/cipher.h"
#include "vault/provider/generate.h"
#include "vault/provider/mac.h"

enum { DATA_BYTES = 64, ROUNDS = 50 };

static uint8_t data[DATA_BYTES], iv[8] = "vector.", mine[DATA_BYTES + 8], theirs[DATA_BYTES + 8];

static void fill(void)
{
    for (size_t i = 0; i < DATA_BYTES; i++)
        data[i] = (uint8_t)(i * 5 + 1);
}

static size_t ours(CK_MECHANISM_TYPE type, const struct key *k, bool encrypt, const uint8_t *in, size_t n, uint8_t *out)
{
    const struct mechanism *row = mechanism_find(type);
    Hsm__Mechanism given = HSM__MECHANISM__INIT;
    Hsm__IvParams vector = HSM__IV_PARAMS__INIT;
    struct cipher c = {.mechanism = row, .given = &given, .key = k, .encrypt = encrypt};
    size_t made = 0;

    vector.iv = (ProtobufCBinaryData){.data = iv, .len = sizeof iv};
    if (row->param == PARAM_IV)
        given.iv = &vector;
    ck_assert_int_eq(cipher_run(&c, in, n, out, &made), ERR_OK);
    return made;
}

static void openssl(OSSL_LIB_CTX *libctx, const char *name, const struct key *k, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(libctx, name, NULL);
    int n = 0;

    ck_assert_msg(cipher != NULL, "%s", name);
    ck_assert_int_eq(EVP_CIPHER_get_key_length(cipher), (int)key_size(k));
    ck_assert_int_eq(EVP_EncryptInit_ex2(ctx, cipher, key_secret(k)->bytes, iv, NULL), 1);
    EVP_CIPHER_CTX_set_padding(ctx, 0);
    ck_assert_int_eq(EVP_EncryptUpdate(ctx, out, &n, data, DATA_BYTES), 1);
    ck_assert_int_eq(n, DATA_BYTES);
    EVP_CIPHER_free(cipher);
    EVP_CIPHER_CTX_free(ctx);
}

/* Our row with fresh keys, and back. */
static void same(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, size_t bytes, CK_MECHANISM_TYPE row, const char *name)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct key *k = NULL;
        ck_assert_int_eq(generate_secret(NULL, type, bytes, &k), ERR_OK);
        ck_assert_uint_eq(ours(row, k, true, data, DATA_BYTES, mine), DATA_BYTES);
        openssl(libctx, name, k, theirs);
        ck_assert_mem_eq(mine, theirs, DATA_BYTES);
        ck_assert_uint_eq(ours(row, k, false, mine, DATA_BYTES, theirs), DATA_BYTES);
        ck_assert_mem_eq(theirs, data, DATA_BYTES);
        key_free(k);
    }
}

START_TEST(test_one_key_three_times_is_single_des)
{
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *legacy = OSSL_PROVIDER_load(libctx, "legacy");

    fill();
    if (legacy == NULL) {
        printf("single DES: skipped, as OpenSSL's legacy provider is not there; NIST's vectors have it (test_cavp_cipher)\n");
    } else {
        same(libctx, CKK_DES, 8, CKM_DES_ECB, "DES-ECB");
        same(libctx, CKK_DES, 8, CKM_DES_CBC, "DES-CBC");
        OSSL_PROVIDER_unload(legacy);
    }
    OSSL_LIB_CTX_free(libctx);
}
END_TEST

START_TEST(test_two_keys_are_openssls_des_ede)
{
    fill();
    same(NULL, CKK_DES2, 16, CKM_DES3_ECB, "DES-EDE-ECB");
    same(NULL, CKK_DES2, 16, CKM_DES3_CBC, "DES-EDE-CBC");
    same(NULL, CKK_DES3, 24, CKM_DES3_ECB, "DES-EDE3-ECB");
}
END_TEST

/* An old example that everybody has: FIPS 81, table B1 ("Now is the time for all "). */
START_TEST(test_single_des_gives_the_published_value)
{
    static const uint8_t bytes[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef},
                         right[] = {0x3f, 0xa4, 0x0e, 0x8a, 0x98, 0x4d, 0x48, 0x15, 0x6a, 0x27, 0x17, 0x87,
                                    0xab, 0x88, 0x83, 0xf9, 0x89, 0x3d, 0x51, 0xec, 0x4b, 0x56, 0x3b, 0x53};
    struct key_part value = {.type = CKA_VALUE, .value = bytes, .n = sizeof bytes};
    struct key *k = NULL;

    ck_assert_int_eq(key_load(NULL, CKK_DES, &value, 1, &k), ERR_OK);
    ck_assert_uint_eq(ours(CKM_DES_ECB, k, true, (const uint8_t *)"Now is the time for all ", 24, mine), 24);
    ck_assert_mem_eq(mine, right, 24);
    key_free(k);
}
END_TEST

START_TEST(test_padding_fills_blocks_of_eight)
{
    struct key *k = NULL;

    fill();
    ck_assert_int_eq(generate_secret(NULL, CKK_DES, 8, &k), ERR_OK);
    for (size_t n = 0; n < 40; n++) {
        size_t sealed = ours(CKM_DES_CBC_PAD, k, true, data, n, mine);
        ck_assert_uint_eq(sealed, (n / 8 + 1) * 8);
        ck_assert_uint_eq(ours(CKM_DES_CBC_PAD, k, false, mine, sealed, theirs), n);
        ck_assert(n == 0 || memcmp(theirs, data, n) == 0);
    }
    key_free(k);
}
END_TEST

START_TEST(test_each_byte_of_a_key_has_an_odd_number_of_ones)
{
    static const struct {
        CK_KEY_TYPE type;
        size_t n;
    } sorts[] = {{CKK_DES, 8}, {CKK_DES2, 16}, {CKK_DES3, 24}};
    uint8_t even[24];

    memset(even, 0x03, sizeof even);
    for (size_t s = 0; s < 3; s++)
        for (int import = 0; import < 2; import++) {
            struct key_part value = {.type = CKA_VALUE, .value = even, .n = sorts[s].n};
            struct key *k = NULL;
            ck_assert_int_eq(import ? key_load(NULL, sorts[s].type, &value, 1, &k) : generate_secret(NULL, sorts[s].type, sorts[s].n, &k),
                             ERR_OK);
            for (size_t i = 0; i < sorts[s].n; i++)
                ck_assert_int_eq(__builtin_popcount(key_secret(k)->bytes[i]) % 2, 1);
            ck_assert(!import || key_secret(k)->bytes[0] == 0x02);
            key_free(k);
        }
}
END_TEST

static void refused(CK_KEY_TYPE type, size_t n, CK_MECHANISM_TYPE row, enum err expected)
{
    Hsm__Mechanism given = HSM__MECHANISM__INIT;
    struct cipher c = {.mechanism = mechanism_find(row), .given = &given, .encrypt = true};
    struct key *k = NULL;
    size_t made;

    ck_assert_int_eq(generate_secret(NULL, type, n, &k), ERR_OK);
    c.key = k;
    ck_assert_int_eq(cipher_run(&c, data, 8, mine, &made), expected);
    key_free(k);
}

START_TEST(test_keys_of_other_sorts_and_lengths_are_refused)
{
    static const size_t wrong[] = {1, 7, 9, 15, 17, 23, 25, 32};
    struct key *k = NULL;

    refused(CKK_DES, 8, CKM_DES3_ECB, ERR_KEY_TYPE);
    refused(CKK_DES2, 16, CKM_DES_ECB, ERR_KEY_TYPE);
    refused(CKK_DES3, 24, CKM_DES_ECB, ERR_KEY_TYPE);
    refused(CKK_GENERIC_SECRET, 8, CKM_DES_ECB, ERR_KEY_TYPE);
    refused(CKK_AES, 16, CKM_DES3_ECB, ERR_KEY_TYPE);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_int_eq(generate_secret(NULL, CKK_DES, wrong[i], &k), ERR_ATTRIBUTE_VALUE);
        ck_assert_int_eq(generate_secret(NULL, CKK_DES2, wrong[i], &k), ERR_ATTRIBUTE_VALUE);
    }
}
END_TEST

START_TEST(test_cmac_with_two_keys_is_the_one_with_the_first_again)
{
    const struct mechanism *row = mechanism_find(CKM_DES3_CMAC);
    Hsm__Mechanism given = HSM__MECHANISM__INIT;
    uint8_t two[MAC_BYTES_MAX], three[MAC_BYTES_MAX], bytes[DES_THREE_KEYS_BYTES];
    struct key_part value = {.type = CKA_VALUE, .value = bytes, .n = sizeof bytes};
    struct key *k = NULL, *long_k = NULL;
    struct mac m = {.mechanism = row, .given = &given};
    size_t n = 0;

    fill();
    ck_assert_int_eq(generate_secret(NULL, CKK_DES2, 16, &k), ERR_OK);
    des_three_keys(key_secret(k)->bytes, 16, bytes);
    ck_assert_mem_eq(bytes, bytes + 16, 8);
    ck_assert_int_eq(key_load(NULL, CKK_DES3, &value, 1, &long_k), ERR_OK);
    m.key = k;
    ck_assert_int_eq(mac_make(&m, data, DATA_BYTES, two, &n), ERR_OK);
    m.key = long_k;
    ck_assert_int_eq(mac_make(&m, data, DATA_BYTES, three, &n), ERR_OK);
    ck_assert_uint_eq(n, 8);
    ck_assert_mem_eq(two, three, n);
    key_free(k);
    key_free(long_k);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_one_key_three_times_is_single_des,
        &test_two_keys_are_openssls_des_ede,
        &test_single_des_gives_the_published_value,
        &test_padding_fills_blocks_of_eight,
        &test_each_byte_of_a_key_has_an_odd_number_of_ones,
        &test_keys_of_other_sorts_and_lengths_are_refused,
        &test_cmac_with_two_keys_is_the_one_with_the_first_again,
        NULL,
    };

    return suite_of("des", 60, tests);
}
