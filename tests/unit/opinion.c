#include "tests/unit/opinion.h"

#include <check.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

enum { BLOCK_BYTES_MAX = 1024, DER_BYTES_MAX = 160 };

static size_t der_of_halves(const uint8_t *signature, size_t n, uint8_t out[DER_BYTES_MAX])
{
    int half = (int)n / 2, der_n;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    uint8_t *at = out;

    ck_assert_int_eq(ECDSA_SIG_set0(pair, BN_bin2bn(signature, half, NULL), BN_bin2bn(signature + half, half, NULL)), 1);
    der_n = i2d_ECDSA_SIG(pair, &at);
    ECDSA_SIG_free(pair);
    return (size_t)der_n;
}

/* What comes out of a raw signature is the data behind zeros. */
static bool accepts_raw(const struct opinion *o, EVP_PKEY *key, const uint8_t *signature, size_t signature_n)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    uint8_t block[BLOCK_BYTES_MAX];
    size_t n = sizeof block;
    bool ok = EVP_PKEY_verify_recover_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
              EVP_PKEY_verify_recover(ctx, block, &n, signature, signature_n) == 1 && n >= o->n &&
              memcmp(block + n - o->n, o->data, o->n) == 0;

    for (size_t i = 0; ok && i < n - o->n; i++)
        ok = block[i] == 0;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static bool accepts_eddsa(const struct opinion *o, EVP_PKEY *key, const uint8_t *signature, size_t signature_n)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok;

    ck_assert_int_eq(EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key), 1);
    ok = EVP_DigestVerify(ctx, signature, signature_n, o->data, o->n) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

bool opinion_accepts(const struct opinion *o, EVP_PKEY *key, const uint8_t *signature, size_t signature_n)
{
    const char *hash = o->row->param == PARAM_PSS ? mechanism_hash_name(o->pss->hashAlg) : o->row->hash;
    uint8_t digest[EVP_MAX_MD_SIZE], der[DER_BYTES_MAX];
    const uint8_t *data = o->data;
    EVP_PKEY_CTX *ctx;
    size_t n = o->n;
    bool ok;

    if (o->row->family == FAMILY_RSA_RAW)
        return accepts_raw(o, key, signature, signature_n);
    if (o->row->family == FAMILY_EDDSA)
        return accepts_eddsa(o, key, signature, signature_n);
    if (o->row->hash != NULL && !o->hashed) {
        ck_assert_int_eq(EVP_Q_digest(NULL, hash, NULL, o->data, o->n, digest, &n), 1);
        data = digest;
    }
    ctx = EVP_PKEY_CTX_new(key, NULL);
    ck_assert_int_eq(EVP_PKEY_verify_init(ctx), 1);
    if (o->row->family == FAMILY_RSA_PSS) {
        ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING), 1);
        ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)o->pss->sLen), 1);
        ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, mechanism_mgf_hash(o->pss->mgf), NULL), 1);
    }
    if (hash != NULL)
        ck_assert_int_eq(EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(hash)), 1);
    if (o->row->family == FAMILY_ECDSA) {
        signature_n = der_of_halves(signature, signature_n, der);
        signature = der;
    }
    ok = EVP_PKEY_verify(ctx, signature, signature_n, data, n) == 1;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

bool opinion_mac(const struct opinion *o, const uint8_t *key, size_t key_n, const uint8_t *mac, size_t mac_n)
{
    uint8_t right[EVP_MAX_MD_SIZE];
    size_t n = 0;

    ck_assert_ptr_nonnull(EVP_Q_mac(NULL, "HMAC", NULL, o->row->hash, NULL, key, key_n, o->data, o->n, right, sizeof right, &n));
    return n == mac_n && memcmp(right, mac, n) == 0;
}
