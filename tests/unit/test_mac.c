/* MACs in the vault: every row against OpenSSL's own, whole and cut short, and what must be refused. */
#include "tests/unit/secret_key.h"
#include "vault/provider/mac.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "proto/cipher_mode.h"
#include "proto/key_kind.h"
#include "tests/unit/runner.h"

static Hsm__Mechanism given;
static Hsm__GeneralParams general;
static Hsm__AeadParams aead;
static uint8_t iv[12] = "a nonce here";
static const uint8_t data[] = "what is to be kept from change";

static struct key *key_of(CK_KEY_TYPE type, size_t n)
{
    static uint8_t bytes[4096];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + n);
    return secret_key(type, bytes, n);
}

/* The row with a parameter that suits it. */
static struct mac mac_of(const struct mechanism *row, const struct key *k, uint32_t bytes)
{
    hsm__mechanism__init(&given);
    hsm__general_params__init(&general);
    hsm__aead_params__init(&aead);
    general.bytes = bytes;
    aead.tag_bytes = bytes;
    aead.iv = (ProtobufCBinaryData){.data = iv, .len = sizeof iv};
    if (row->param == PARAM_GENERAL)
        given.general = &general;
    if (row->param == PARAM_GCM)
        given.aead = &aead;
    return (struct mac){.mechanism = row, .given = &given, .key = k};
}

/* The last block of CBC, as OpenSSL's ciphers have it: all of the data at once. */
static void openssl_cbc_mac(const struct mechanism *row, const struct key *k, const uint8_t *text, size_t text_n, uint8_t *out, size_t *n)
{
    static uint8_t filled[4096], made[4096];
    size_t block = cipher_block_bytes(row), all = text_n == 0 ? block : (text_n + block - 1) / block * block;
    uint8_t zeros[16] = {0};
    char name[CIPHER_NAME_BYTES];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    EVP_CIPHER *cipher;
    int made_n = 0;

    memset(filled, 0, sizeof filled);
    if (text_n > 0)
        memcpy(filled, text, text_n);
    cipher_name(row, key_secret(k)->len, name);
    ck_assert_ptr_nonnull(cipher = EVP_CIPHER_fetch(NULL, name, NULL));
    ck_assert_int_eq(EVP_EncryptInit_ex2(ctx, cipher, key_secret(k)->bytes, zeros, NULL), 1);
    ck_assert_int_eq(EVP_EncryptUpdate(ctx, made, &made_n, filled, (int)all), 1);
    ck_assert_int_eq(made_n, (int)all);
    *n = mechanism_signature_bytes(row, 0);
    memcpy(out, made + all - block, *n);
    EVP_CIPHER_free(cipher);
    EVP_CIPHER_CTX_free(ctx);
}

static void openssl_mac(const struct mechanism *row, const struct key *k, uint8_t *out, size_t *n)
{
    char cipher[CIPHER_NAME_BYTES];
    OSSL_PARAM with_iv[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_IV, iv, sizeof iv), OSSL_PARAM_construct_end()};
    const struct secret *s = key_secret(k);
    const char *name = row->family == FAMILY_HMAC ? "HMAC" : row->family == FAMILY_CMAC ? "CMAC" : "GMAC", *inside = row->hash;

    if (row->family == FAMILY_CBC_MAC) {
        openssl_cbc_mac(row, k, data, sizeof data, out, n);
        return;
    }
    if (inside == NULL) {
        cipher_name(row, s->len, cipher);
        inside = cipher;
    }
    ck_assert_ptr_nonnull(EVP_Q_mac(NULL, name, NULL, inside, row->family == FAMILY_GMAC ? with_iv : NULL, s->bytes, s->len, data,
                                    sizeof data, out, 64, n));
}

START_TEST(test_every_mac_is_openssls_with_keys_of_every_length)
{
    unsigned tried = 0;

    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *row = mechanism_at(i);
        const struct key_kind *kind = key_kind_find(row->key_type);
        if (!mechanism_is_mac(row) || row->family == FAMILY_TLS_MAC) /* which is no MAC of OpenSSL's: test_module_rows */
            continue;
        for (size_t n = kind->bytes_min; n <= 200 && n <= kind->bytes_max; n += kind->bytes_step) {
            struct key *k = key_of(row->key_type, n);
            uint8_t mine[MAC_BYTES_MAX], theirs[64];
            size_t whole = mechanism_signature_bytes(row, n), mine_n = 0, theirs_n = 0;
            uint32_t bytes = row->param == PARAM_NONE ? (uint32_t)whole : row->param == PARAM_GCM ? 12 : (uint32_t)(n % whole + 1);
            struct mac m = mac_of(row, k, bytes);
            openssl_mac(row, k, theirs, &theirs_n);
            ck_assert_msg(mac_make(&m, data, sizeof data, mine, &mine_n) == ERR_OK, "%s", row->name);
            ck_assert_uint_eq(theirs_n, whole);
            ck_assert_uint_eq(mine_n, bytes);
            ck_assert_mem_eq(mine, theirs, mine_n);
            ck_assert_int_eq(mac_verify(&m, data, sizeof data, mine, mine_n), ERR_OK);
            ck_assert_int_eq(mac_verify(&m, data, sizeof data, mine, mine_n - 1), ERR_SIGNATURE_LEN);
            mine[mine_n - 1] ^= 1;
            ck_assert_int_eq(mac_verify(&m, data, sizeof data, mine, mine_n), ERR_SIGNATURE);
            key_free(k);
            tried++;
        }
    }
    ck_assert_uint_gt(tried, 2000);
}
END_TEST

START_TEST(test_mac_of_nothing_is_a_mac)
{
    struct key *k = key_of(CKK_GENERIC_SECRET, 1);
    struct mac m = mac_of(mechanism_find(CKM_SHA256_HMAC), k, 0);
    uint8_t out[MAC_BYTES_MAX];
    size_t n = 0;

    ck_assert_int_eq(mac_make(&m, NULL, 0, out, &n), ERR_OK);
    ck_assert_uint_eq(n, 32);
    key_free(k);
}
END_TEST

/* RFC 4231, test case 1. */
START_TEST(test_hmac_gives_the_published_value)
{
    static const uint8_t right[] = {0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53, 0x5c, 0xa8, 0xaf,
                                    0xce, 0xaf, 0x0b, 0xf1, 0x2b, 0x88, 0x1d, 0xc2, 0x00, 0xc9, 0x83,
                                    0x3d, 0xa7, 0x26, 0xe9, 0x37, 0x6c, 0x2e, 0x32, 0xcf, 0xf7};
    uint8_t bytes[20], out[MAC_BYTES_MAX];
    struct key_part value = {.type = CKA_VALUE, .value = bytes, .n = sizeof bytes};
    struct key *k = NULL;
    struct mac m;
    size_t n = 0;

    memset(bytes, 0x0b, sizeof bytes);
    ck_assert_int_eq(key_load(NULL, CKK_SHA256_HMAC, &value, 1, &k), ERR_OK);
    m = mac_of(mechanism_find(CKM_SHA256_HMAC), k, 0);
    ck_assert_int_eq(mac_make(&m, (const uint8_t *)"Hi There", 8, out, &n), ERR_OK);
    ck_assert_uint_eq(n, sizeof right);
    ck_assert_mem_eq(out, right, n);
    key_free(k);
}
END_TEST

/* FIPS 197 appendix C.1: of one block it is the cipher. */
START_TEST(test_cbc_mac_of_one_block_is_the_cipher)
{
    static const uint8_t plain[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff},
                         right[] = {0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a};
    uint8_t bytes[16], out[MAC_BYTES_MAX];
    struct key_part value = {.type = CKA_VALUE, .value = bytes, .n = sizeof bytes};
    struct key *k = NULL;
    struct mac m;
    size_t n = 0;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    ck_assert_int_eq(key_load(NULL, CKK_AES, &value, 1, &k), ERR_OK);
    m = mac_of(mechanism_find(CKM_AES_MAC_GENERAL), k, 16);
    ck_assert_int_eq(mac_make(&m, plain, sizeof plain, out, &n), ERR_OK);
    ck_assert_uint_eq(n, 16);
    ck_assert_mem_eq(out, right, n);
    m = mac_of(mechanism_find(CKM_AES_MAC), k, 0);
    ck_assert_int_eq(mac_make(&m, plain, sizeof plain, out, &n), ERR_OK);
    ck_assert_uint_eq(n, 8);
    ck_assert_mem_eq(out, right, n);
    key_free(k);
}
END_TEST

START_TEST(test_cbc_mac_is_the_last_block_of_data_of_every_length)
{
    static const size_t lengths[] = {0, 1, 15, 16, 17, 31, 32, 33, 1008, 1023, 1024, 1025, 1040, 2047, 2048, 2049, 4000};
    static uint8_t text[4000];
    struct key *k = key_of(CKK_AES, 24);
    struct mac m = mac_of(mechanism_find(CKM_AES_MAC_GENERAL), k, 16);

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 11 + 3);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint8_t mine[MAC_BYTES_MAX], theirs[64];
        size_t mine_n = 0, theirs_n = 0;
        openssl_cbc_mac(m.mechanism, k, text, lengths[i], theirs, &theirs_n);
        ck_assert_int_eq(mac_make(&m, text, lengths[i], mine, &mine_n), ERR_OK);
        ck_assert_uint_eq(mine_n, theirs_n);
        ck_assert_msg(memcmp(mine, theirs, mine_n) == 0, "%zu bytes", lengths[i]);
    }
    key_free(k);
}
END_TEST

static void refused(CK_MECHANISM_TYPE type, const struct key *k, uint32_t bytes, enum err expected)
{
    struct mac m = mac_of(mechanism_find(type), k, bytes);
    uint8_t out[MAC_BYTES_MAX];
    size_t n = 0;

    ck_assert_msg(mac_make(&m, data, sizeof data, out, &n) == expected, "%s %u", m.mechanism->name, bytes);
}

START_TEST(test_macs_refuse_wrong_keys_and_wrong_lengths)
{
    struct key *generic = key_of(CKK_GENERIC_SECRET, 32), *other = key_of(CKK_SHA384_HMAC, 32), *aes = key_of(CKK_AES, 16);

    refused(CKM_SHA256_HMAC, other, 0, ERR_KEY_TYPE);
    refused(CKM_SHA256_HMAC, aes, 0, ERR_KEY_TYPE);
    refused(CKM_AES_CMAC, generic, 0, ERR_KEY_TYPE);
    refused(CKM_SHA256_HMAC_GENERAL, generic, 0, ERR_MECHANISM_PARAM);
    refused(CKM_SHA256_HMAC_GENERAL, generic, 33, ERR_MECHANISM_PARAM);
    refused(CKM_SHA512_HMAC_GENERAL, generic, 64, ERR_OK);
    refused(CKM_AES_CMAC_GENERAL, aes, 17, ERR_MECHANISM_PARAM);
    refused(CKM_AES_MAC_GENERAL, aes, 0, ERR_MECHANISM_PARAM);
    refused(CKM_AES_MAC_GENERAL, aes, 17, ERR_MECHANISM_PARAM);
    refused(CKM_AES_MAC, generic, 0, ERR_KEY_TYPE);
    refused(CKM_AES_GMAC, aes, 17, ERR_MECHANISM_PARAM);
    refused(CKM_AES_GMAC, aes, 5, ERR_MECHANISM_PARAM);
    refused(CKM_SHA256, aes, 5, ERR_MECHANISM);
    key_free(generic);
    key_free(other);
    key_free(aes);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_every_mac_is_openssls_with_keys_of_every_length,
        &test_mac_of_nothing_is_a_mac,
        &test_hmac_gives_the_published_value,
        &test_cbc_mac_of_one_block_is_the_cipher,
        &test_cbc_mac_is_the_last_block_of_data_of_every_length,
        &test_macs_refuse_wrong_keys_and_wrong_lengths,
        NULL,
    };

    return suite_of("mac", 60, tests);
}
