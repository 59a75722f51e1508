#include "tests/unit/opinion.h"

#include <check.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "crypto/digest.h"

enum { BLOCK_BYTES_MAX = 1024, DER_BYTES_MAX = 160 }; /* DSA has the same DER as ECDSA */

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

/* ---- post-quantum */

/* The number that ends the hash's object identifier. */
static unsigned char id_of(const char *hash)
{
    static const struct {
        const char *hash;
        unsigned char last;
    } ids[] = {{"SHA224", 4}, {"SHA256", 1}, {"SHA384", 2}, {"SHA512", 3}, {"SHA3-224", 7}, {"SHA3-256", 8}, {"SHA3-384", 9},
               {"SHA3-512", 10}, {"SHAKE128", 11}, {"SHAKE256", 12}};
    size_t i = 0;

    while (strcmp(ids[i].hash, hash) != 0)
        i++;
    return ids[i].last;
}

/* The message as FIPS 204 has it for a hash: domain, context, the hash's identifier, the hash. */
static size_t encode_hashed(const struct opinion *o, const CK_HASH_SIGN_ADDITIONAL_CONTEXT *p, uint8_t *out)
{
    const char *hash = o->row->hash != NULL ? o->row->hash : mechanism_hash_name(p->hash);
    size_t n = 2 + p->ulContextLen, digest_n = o->n;

    out[0] = 1;
    out[1] = (uint8_t)p->ulContextLen;
    memcpy(out + 2, p->pContext, p->ulContextLen);
    memcpy(out + n, "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02", 10);
    out[n + 10] = id_of(hash);
    n += 11;
    if (o->row->hash == NULL)
        memcpy(out + n, o->data, o->n);
    else
        ck_assert_int_eq(digest_once(NULL, hash, o->data, o->n, out + n, &digest_n), ERR_OK);
    return n + digest_n;
}

static bool accepts_pq(const struct opinion *o, EVP_PKEY *key, const uint8_t *signature, size_t signature_n)
{
    const CK_HASH_SIGN_ADDITIONAL_CONTEXT *p = o->pq->pParameter; /* begins as CK_SIGN_ADDITIONAL_CONTEXT does */
    bool hashed = o->row->family == FAMILY_PQ_HASH;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t encoded[BLOCK_BYTES_MAX];
    int raw = 0, mu = 1;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string("context-string", p->pContext, p->ulContextLen), OSSL_PARAM_construct_end()};
    bool ok;

    if (hashed)
        params[0] = OSSL_PARAM_construct_int("message-encoding", &raw);
    else if (o->row->family == FAMILY_PQ_MU)
        params[0] = OSSL_PARAM_construct_int("mu", &mu);
    ck_assert_int_eq(EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key, params), 1);
    ok = hashed ? EVP_DigestVerify(ctx, signature, signature_n, encoded, encode_hashed(o, p, encoded)) == 1
                : EVP_DigestVerify(ctx, signature, signature_n, o->data, o->n) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

/* ---- */

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
    if (o->row->family == FAMILY_PQ_PURE || o->row->family == FAMILY_PQ_HASH || o->row->family == FAMILY_PQ_MU)
        return accepts_pq(o, key, signature, signature_n);
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
    if (o->row->family == FAMILY_ECDSA || o->row->family == FAMILY_DSA) {
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

static const CK_RSA_PKCS_OAEP_PARAMS *oaep_of(const CK_MECHANISM *m)
{
    const CK_RSA_AES_KEY_WRAP_PARAMS *both = m->pParameter;

    if (mechanism_find(m->mechanism)->param == PARAM_RSA_AES)
        return both->pOAEPParams;
    return mechanism_find(m->mechanism)->param == PARAM_OAEP ? m->pParameter : NULL;
}

size_t opinion_decrypts(const CK_MECHANISM *m, EVP_PKEY *key, const uint8_t *ciphertext, size_t n, uint8_t *out, size_t room)
{
    const CK_RSA_PKCS_OAEP_PARAMS *oaep = oaep_of(m);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    size_t out_n = room;

    ck_assert_int_eq(EVP_PKEY_decrypt_init(ctx), 1);
    ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(ctx, oaep != NULL                      ? RSA_PKCS1_OAEP_PADDING
                                                       : m->mechanism == CKM_RSA_X_509 ? RSA_NO_PADDING
                                                                                       : RSA_PKCS1_PADDING),
                     1);
    if (oaep != NULL) {
        ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, mechanism_hash_name(oaep->hashAlg), NULL), 1);
        ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, mechanism_mgf_hash(oaep->mgf), NULL), 1);
        if (oaep->ulSourceDataLen > 0)
            ck_assert_int_eq(EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, OPENSSL_memdup(oaep->pSourceData, oaep->ulSourceDataLen),
                                                              (int)oaep->ulSourceDataLen),
                             1);
    }
    ck_assert_int_eq(EVP_PKEY_decrypt(ctx, out, &out_n, ciphertext, n), 1);
    EVP_PKEY_CTX_free(ctx);
    return out_n;
}

size_t opinion_agrees(EVP_PKEY *mine, EVP_PKEY *theirs, uint8_t *out, size_t room)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(mine, NULL);
    size_t n = room;

    ck_assert_int_eq(EVP_PKEY_derive_init(ctx), 1);
    ck_assert_int_eq(EVP_PKEY_derive_set_peer(ctx, theirs), 1);
    ck_assert_int_eq(EVP_PKEY_derive(ctx, out, &n), 1);
    EVP_PKEY_CTX_free(ctx);
    return n;
}

bool opinion_accepts_domain(EVP_PKEY *domain)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(domain, NULL), *again = EVP_PKEY_CTX_new(domain, NULL);
    EVP_PKEY *pair = NULL;
    bool ok = EVP_PKEY_param_check(ctx) == 1 && EVP_PKEY_keygen_init(again) == 1 && EVP_PKEY_generate(again, &pair) == 1 &&
              EVP_PKEY_parameters_eq(domain, pair) == 1;

    EVP_PKEY_free(pair);
    EVP_PKEY_CTX_free(again);
    EVP_PKEY_CTX_free(ctx);
    return ok;
}
