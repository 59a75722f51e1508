#include "tests/unit/opinion_secret.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "proto/cipher_mode.h"
#include "tests/unit/recipe.h"

enum { SEED_BYTES_MAX = 256, THREE_KEYS_BYTES = 24 };

/* OpenSSL's DES-EDE3 takes three keys: a single one stands for all of them, and of two the first comes again. (What
 * single DES and DES-EDE make of the keys themselves: test_des.) */
static struct opinion_key keys_for(const struct mechanism *row, struct opinion_key key)
{
    static uint8_t three[THREE_KEYS_BYTES];

    if (row->key_type != CKK_DES && row->key_type != CKK_DES3)
        return key;
    for (size_t i = 0; i < sizeof three; i++)
        three[i] = key.bytes[i % key.n];
    return (struct opinion_key){three, sizeof three};
}

/* ---- ciphers */

struct given {
    const uint8_t *iv, *aad;
    size_t iv_n, aad_n;
    int tag;
};

/* `ours`: what the vault has made, which may begin with the vector. */
static struct given given_of(const struct mechanism *row, const CK_MECHANISM *m, const uint8_t *ours)
{
    const CK_GCM_PARAMS *gcm = m->pParameter;
    const CK_CCM_PARAMS *ccm = m->pParameter;
    const CK_SALSA20_CHACHA20_POLY1305_PARAMS *chacha = m->pParameter;
    const CK_AES_CTR_PARAMS *ctr = m->pParameter;

    if (row->param == PARAM_GCM)
        return (struct given){gcm->pIv, gcm->pAAD, gcm->ulIvLen, gcm->ulAADLen, (int)gcm->ulTagBits / 8};
    if (row->param == PARAM_GCM_NO_IV)
        return (struct given){ours, gcm->pAAD, cipher_mode_of(row)->iv_first, gcm->ulAADLen, (int)gcm->ulTagBits / 8};
    if (row->param == PARAM_CCM)
        return (struct given){ccm->pNonce, ccm->pAAD, ccm->ulNonceLen, ccm->ulAADLen, (int)ccm->ulMACLen};
    if (row->param == PARAM_CHACHA)
        return (struct given){chacha->pNonce, chacha->pAAD, 12, chacha->ulAADLen, 16};
    if (row->param == PARAM_CHACHA20) {
        const CK_CHACHA20_PARAMS *p = m->pParameter;
        static uint8_t state[16]; /* as OpenSSL has it */
        memcpy(state, p->pBlockCounter, p->blockCounterBits / 8);
        memcpy(state + p->blockCounterBits / 8, p->pNonce, p->ulNonceBits / 8);
        return (struct given){.iv = state, .iv_n = sizeof state};
    }
    if (row->param == PARAM_CTR)
        return (struct given){.iv = ctr->cb, .iv_n = sizeof ctr->cb};
    return (struct given){.iv = m->pParameter, .iv_n = m->ulParameterLen};
}

size_t opinion_encrypts(const CK_MECHANISM *m, struct opinion_key key, const uint8_t *data, size_t n, uint8_t *out)
{
    const struct mechanism *row = mechanism_find(m->mechanism);
    const struct given g = given_of(row, m, out);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    char name[CIPHER_NAME_BYTES];
    EVP_CIPHER *cipher;
    int a = 0, b = 0, first = (int)cipher_mode_of(row)->iv_first;

    key = keys_for(row, key);
    cipher_name(row, key.n, name);
    ck_assert_ptr_nonnull(cipher = EVP_CIPHER_fetch(NULL, name, NULL));
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    ck_assert_int_eq(EVP_EncryptInit_ex2(ctx, cipher, NULL, NULL, NULL), 1);
    if (g.tag > 0)
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)g.iv_n, NULL);
    if (row->param == PARAM_CCM)
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, g.tag, NULL);
    ck_assert_int_eq(EVP_EncryptInit_ex2(ctx, NULL, key.bytes, g.iv, NULL), 1);
    EVP_CIPHER_CTX_set_padding(ctx, cipher_mode_of(row)->pads);
    if (row->param == PARAM_CCM)
        EVP_EncryptUpdate(ctx, NULL, &a, NULL, (int)n);
    if (g.aad_n > 0)
        EVP_EncryptUpdate(ctx, NULL, &a, g.aad, (int)g.aad_n);
    out += first;
    ck_assert_int_eq(EVP_EncryptUpdate(ctx, out, &a, data, (int)n), 1);
    ck_assert_int_eq(EVP_EncryptFinal_ex(ctx, out + a, &b), 1);
    if (g.tag > 0)
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, g.tag, out + a + b);
    EVP_CIPHER_free(cipher);
    EVP_CIPHER_CTX_free(ctx);
    return (size_t)(first + a + b + g.tag);
}

/* ---- what OpenSSL derives */

static void kdf(const char *name, const OSSL_PARAM *params, uint8_t *out, size_t n)
{
    EVP_KDF *algorithm = EVP_KDF_fetch(NULL, name, NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(algorithm);

    ck_assert_msg(EVP_KDF_derive(ctx, out, n, params) == 1, "%s", name);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(algorithm);
}

static OSSL_PARAM octets(const char *name, const void *bytes, size_t n)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)bytes, n);
}

static OSSL_PARAM text(const char *name, const char *value)
{
    return OSSL_PARAM_construct_utf8_string(name, (char *)(uintptr_t)value, 0);
}

/* ---- MACs */

static size_t tls_mac(const struct pkcs11_tls_mac_params *p, struct opinion_key key, const uint8_t *data, size_t n, uint8_t *out)
{
    const char *label = p->ulServerOrClient == 1 ? "server finished" : "client finished";
    const OSSL_PARAM params[] = {text(OSSL_KDF_PARAM_DIGEST, "SHA256"), octets(OSSL_KDF_PARAM_SECRET, key.bytes, key.n),
                                 octets(OSSL_KDF_PARAM_SEED, label, strlen(label)), octets(OSSL_KDF_PARAM_SEED, data, n),
                                 OSSL_PARAM_construct_end()};

    kdf("TLS1-PRF", params, out, p->ulMacLength);
    return p->ulMacLength;
}

/* Of CBC the last block, filled up with zeros. */
static size_t cbc_mac(const CK_MECHANISM *m, struct opinion_key key, const uint8_t *data, size_t n, uint8_t *out)
{
    const struct mechanism *row = mechanism_find(m->mechanism);
    CK_BYTE zeros[16] = {0}, text[1024] = {0}, made[1024];
    const CK_MECHANISM cbc = {CKM_AES_CBC, zeros, sizeof zeros};
    size_t all = (n + 15) / 16 * 16, wanted = row->param == PARAM_GENERAL ? *(CK_ULONG *)m->pParameter : 8;

    memcpy(text, data, n);
    ck_assert_uint_eq(opinion_encrypts(&cbc, key, text, all, made), all);
    memcpy(out, made + all - 16, wanted);
    return wanted;
}

size_t opinion_macs(const CK_MECHANISM *m, struct opinion_key key, const uint8_t *data, size_t n, uint8_t *out)
{
    const struct mechanism *row = mechanism_find(m->mechanism);
    const char *name = row->family == FAMILY_HMAC ? "HMAC" : row->family == FAMILY_CMAC ? "CMAC" : "GMAC", *inside = row->hash;
    OSSL_PARAM with_iv[] = {OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()};
    char cipher[CIPHER_NAME_BYTES];
    size_t out_n = 0;

    if (row->family == FAMILY_TLS_MAC)
        return tls_mac(m->pParameter, key, data, n, out);
    if (row->family == FAMILY_CBC_MAC)
        return cbc_mac(m, key, data, n, out);
    key = keys_for(row, key);
    if (inside == NULL) {
        cipher_name(row, key.n, cipher);
        inside = cipher;
    }
    if (row->family == FAMILY_GMAC) {
        const CK_GCM_PARAMS *p = m->pParameter;
        with_iv[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_IV, p->pIv, p->ulIvLen);
    }
    ck_assert_ptr_nonnull(EVP_Q_mac(NULL, name, NULL, inside, with_iv, key.bytes, key.n, data, n, out, EVP_MAX_MD_SIZE, &out_n));
    return row->param == PARAM_GENERAL ? *(CK_ULONG *)m->pParameter : out_n;
}

void opinion_one_time(struct opinion_key key, const uint8_t *counter, unsigned digits, uint8_t *out)
{
    uint8_t mac[20], *at = mac;
    uint32_t number;
    size_t n = 0;

    ck_assert_ptr_nonnull(EVP_Q_mac(NULL, "HMAC", NULL, "SHA1", NULL, key.bytes, key.n, counter, 8, mac, sizeof mac, &n));
    at += mac[19] & 15;
    number = (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    while (digits-- > 0) {
        out[digits] = (uint8_t)('0' + number % 10);
        number /= 10;
    }
}

/* ---- derivations */

void opinion_x963(struct opinion_key secret, const uint8_t *shared, size_t shared_n, uint8_t *out, size_t n)
{
    const OSSL_PARAM params[] = {text(OSSL_KDF_PARAM_DIGEST, "SHA256"), octets(OSSL_KDF_PARAM_SECRET, secret.bytes, secret.n),
                                 octets(OSSL_KDF_PARAM_INFO, shared, shared_n), OSSL_PARAM_construct_end()};

    kdf("X963KDF", params, out, n);
}

static void hkdf(const CK_HKDF_PARAMS *p, struct opinion_key base, uint8_t *out, size_t n)
{
    const OSSL_PARAM params[] = {text(OSSL_KDF_PARAM_DIGEST, "SHA256"), octets(OSSL_KDF_PARAM_KEY, base.bytes, base.n),
                                 octets(OSSL_KDF_PARAM_SALT, p->pSalt, p->ulSaltLen), octets(OSSL_KDF_PARAM_INFO, p->pInfo, p->ulInfoLen),
                                 text(OSSL_KDF_PARAM_MODE, p->bExpand ? "EXTRACT_AND_EXPAND" : "EXTRACT_ONLY"), OSSL_PARAM_construct_end()};

    kdf("HKDF", params, out, n);
}

/* The recipe's fields are a counter of 32 bits and recipe_data. */
static void kbkdf(bool feedback, struct opinion_key base, uint8_t *out, size_t n)
{
    int no = 0;
    const OSSL_PARAM params[] = {text(OSSL_KDF_PARAM_MODE, feedback ? "FEEDBACK" : "COUNTER"), text(OSSL_KDF_PARAM_MAC, "HMAC"),
                                 text(OSSL_KDF_PARAM_DIGEST, "SHA256"), octets(OSSL_KDF_PARAM_KEY, base.bytes, base.n),
                                 octets(OSSL_KDF_PARAM_SALT, recipe_data, RECIPE_DATA_BYTES),
                                 OSSL_PARAM_construct_int(OSSL_KDF_PARAM_KBKDF_USE_L, &no),
                                 OSSL_PARAM_construct_int(OSSL_KDF_PARAM_KBKDF_USE_SEPARATOR, &no),
                                 feedback ? octets(OSSL_KDF_PARAM_SEED, recipe_data, RECIPE_DATA_BYTES) : OSSL_PARAM_construct_end(),
                                 OSSL_PARAM_construct_end()};

    kdf("KBKDF", params, out, n);
}

static void hmac_sha256(struct opinion_key key, const uint8_t *data, size_t n, uint8_t out[32])
{
    ck_assert_ptr_nonnull(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key.bytes, key.n, data, n, out, 32, NULL));
}

/* Of this mode OpenSSL has the MAC only: one block is PRF(A(1) || x), where A(1) is PRF(x) (SP 800-108 section 5.3). */
static void pipeline(struct opinion_key base, uint8_t *out, size_t n)
{
    uint8_t block[32 + RECIPE_DATA_BYTES];

    ck_assert_uint_eq(n, 32);
    hmac_sha256(base, recipe_data, RECIPE_DATA_BYTES, block);
    memcpy(block + 32, recipe_data, RECIPE_DATA_BYTES);
    hmac_sha256(base, block, sizeof block, out);
}

static void tls(const struct mechanism *row, struct opinion_key base, uint8_t *out, size_t n)
{
    bool keys = row->family == FAMILY_TLS12_KEYS, own = row->family == FAMILY_TLS12_KDF;
    const char *label = keys ? "key expansion" : "master secret";
    size_t label_n = own ? 5 : strlen(label);
    uint8_t seed[SEED_BYTES_MAX], *at = seed;
    const uint8_t *first = keys ? recipe_server_random : recipe_data, *second = keys ? recipe_data : recipe_server_random;

    memcpy(at, own ? (const char *)recipe_data : label, label_n);
    at += label_n;
    memcpy(at, first, RECIPE_DATA_BYTES);
    memcpy(at + RECIPE_DATA_BYTES, second, RECIPE_DATA_BYTES);
    at += 2 * RECIPE_DATA_BYTES;
    const OSSL_PARAM params[] = {text(OSSL_KDF_PARAM_DIGEST, "SHA256"), octets(OSSL_KDF_PARAM_SECRET, base.bytes, base.n),
                                 octets(OSSL_KDF_PARAM_SEED, seed, (size_t)(at - seed)), OSSL_PARAM_construct_end()};
    kdf("TLS1-PRF", params, out, n);
}

/* The session's hash is recipe_data. */
static void tls_extended(struct opinion_key base, uint8_t *out, size_t n)
{
    static const char label[] = "extended master secret";
    const OSSL_PARAM params[] = {text(OSSL_KDF_PARAM_DIGEST, "SHA256"), octets(OSSL_KDF_PARAM_SECRET, base.bytes, base.n),
                                 octets(OSSL_KDF_PARAM_SEED, label, sizeof label - 1),
                                 octets(OSSL_KDF_PARAM_SEED, recipe_data, RECIPE_DATA_BYTES),
                                 OSSL_PARAM_construct_end()};

    kdf("TLS1-PRF", params, out, n);
}

static void hashed(const char *hash, struct opinion_key base, uint8_t *out, size_t n)
{
    EVP_MD *md = EVP_MD_fetch(NULL, hash, NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool any = (EVP_MD_get_flags(md) & EVP_MD_FLAG_XOF) != 0;

    ck_assert_int_eq(EVP_DigestInit_ex2(ctx, md, NULL), 1);
    ck_assert_int_eq(EVP_DigestUpdate(ctx, base.bytes, base.n), 1);
    ck_assert_int_eq(any ? EVP_DigestFinalXOF(ctx, out, n) : EVP_DigestFinal_ex(ctx, out, NULL), 1);
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
}

/* The recipe's further key and data, as each mechanism orders them: one block of 32 bytes. */
static void ike(const struct mechanism *row, struct opinion_key base, struct opinion_key other, uint8_t *out, size_t n)
{
    uint8_t message[SEED_BYTES_MAX], *at = message;
    size_t times = row->family == FAMILY_IKE1_PRF ? 2 : 1; /* it is the key before this one, too */

    ck_assert_uint_eq(n, 32);
    for (size_t i = 0; i < times; i++, at += other.n)
        memcpy(at, other.bytes, other.n);
    memcpy(at, recipe_data, RECIPE_DATA_BYTES);
    at += RECIPE_DATA_BYTES;
    if (row->family == FAMILY_IKE1_PRF)
        *at++ = RECIPE_NUMBER;
    if (row->family == FAMILY_IKE2_PRF_PLUS)
        *at++ = 1;
    hmac_sha256(base, message, (size_t)(at - message), out);
}

static void sshkdf(struct opinion_key base, uint8_t *out, size_t n)
{
    uint8_t message[SEED_BYTES_MAX], *at = message;
    size_t made;

    ck_assert_uint_eq(n, 32);
    ck_assert_uint_le(base.n + 2 * RECIPE_DATA_BYTES + 1, sizeof message);
    memcpy(at, base.bytes, base.n);
    at += base.n;
    memcpy(at, recipe_data, RECIPE_DATA_BYTES);
    at += RECIPE_DATA_BYTES;
    *at++ = 'C';
    memcpy(at, recipe_data, RECIPE_DATA_BYTES);
    at += RECIPE_DATA_BYTES;
    ck_assert_int_eq(EVP_Q_digest(NULL, "SHA256", NULL, message, (size_t)(at - message), out, &made), 1);
}

static void encrypted(bool cbc, size_t block, const uint8_t *iv, struct opinion_key base, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    EVP_CIPHER *cipher;
    char name[32];
    int a = 0;

    if (block == 16)
        snprintf(name, sizeof name, "AES-%zu-%s", base.n * 8, cbc ? "CBC" : "ECB");
    else
        snprintf(name, sizeof name, "DES-EDE3%s", cbc ? "-CBC" : "");
    ck_assert_ptr_nonnull(cipher = EVP_CIPHER_fetch(NULL, name, NULL));
    ck_assert_int_eq(EVP_EncryptInit_ex2(ctx, cipher, base.bytes, iv, NULL), 1);
    EVP_CIPHER_CTX_set_padding(ctx, 0);
    ck_assert_int_eq(EVP_EncryptUpdate(ctx, out, &a, recipe_data, RECIPE_DATA_BYTES), 1);
    EVP_CIPHER_free(cipher);
    EVP_CIPHER_CTX_free(ctx);
}

static void joined(const void *a, size_t a_n, const void *b, size_t b_n, uint8_t *out, size_t n)
{
    ck_assert_uint_eq(a_n + b_n, n);
    memcpy(out, a, a_n);
    memcpy(out + a_n, b, b_n);
}

/* From the recipe's bit on, and around. */
static void turned(struct opinion_key base, uint8_t *out, size_t n)
{
    memset(out, 0, n);
    for (size_t i = 0; i < 8 * n; i++) {
        size_t from = (i + RECIPE_BIT) % (8 * base.n);
        out[i / 8] = (uint8_t)(out[i / 8] | (base.bytes[from / 8] >> (7 - from % 8) & 1) << (7 - i % 8));
    }
}

void opinion_derives(const CK_MECHANISM *m, struct opinion_key base, struct opinion_key other, uint8_t *out, size_t n)
{
    const struct mechanism *row = mechanism_find(m->mechanism);
    const CK_AES_CBC_ENCRYPT_DATA_PARAMS *cbc = m->pParameter;

    switch ((int)row->family) {
    case FAMILY_HKDF:
    case FAMILY_HKDF_DATA: hkdf(m->pParameter, base, out, n); return;
    case FAMILY_KBKDF_COUNTER: kbkdf(false, base, out, n); return;
    case FAMILY_KBKDF_FEEDBACK: kbkdf(true, base, out, n); return;
    case FAMILY_KBKDF_PIPELINE: pipeline(base, out, n); return;
    case FAMILY_TLS12_EXTENDED:
    case FAMILY_TLS12_EXTENDED_DH: tls_extended(base, out, n); return;
    case FAMILY_TLS12_MASTER:
    case FAMILY_TLS12_MASTER_DH:
    case FAMILY_TLS12_KEYS:
    case FAMILY_TLS12_KDF: tls(row, base, out, n); return;
    case FAMILY_BASE_AND_KEY: joined(base.bytes, base.n, other.bytes, other.n, out, n); return;
    case FAMILY_BASE_AND_DATA: joined(base.bytes, base.n, recipe_data, RECIPE_DATA_BYTES, out, n); return;
    case FAMILY_DATA_AND_BASE: joined(recipe_data, RECIPE_DATA_BYTES, base.bytes, base.n, out, n); return;
    case FAMILY_XOR:
        for (size_t i = 0; i < n; i++)
            out[i] = base.bytes[i] ^ recipe_data[i];
        return;
    case FAMILY_EXTRACT: turned(base, out, n); return;
    case FAMILY_HASH_KEY: hashed(row->hash, base, out, n); return;
    case FAMILY_ECB_DATA: encrypted(false, cipher_block_bytes(row), NULL, keys_for(row, base), out); return;
    case FAMILY_CBC_DATA: encrypted(true, cipher_block_bytes(row), cbc->iv, keys_for(row, base), out); return;
    case FAMILY_IKE_PRF:
    case FAMILY_IKE1_PRF:
    case FAMILY_IKE1_EXTENDED:
    case FAMILY_IKE2_PRF_PLUS: ike(row, base, other, out, n); return;
    case FAMILY_SSHKDF: sshkdf(base, out, n); return;
    default: ck_abort_msg("%s: there is no second opinion on it", row->name);
    }
}
