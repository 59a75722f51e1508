#include "vault/provider/prf.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "vault/provider/xcbc.h"

_Static_assert((int)PRF_BLOCK_BYTES == (int)XCBC_BYTES, "one block for both");

/* HMAC, or CMAC with a key of so many bytes. */
static bool find(CK_MECHANISM_TYPE mac, size_t key_bytes, struct prf *out)
{
    const struct mechanism *row = mechanism_find(mac);

    if (row == NULL || row->param != PARAM_NONE || !row->has_key || (row->family != FAMILY_HMAC && row->family != FAMILY_CMAC))
        return false;
    *out = (struct prf){.key_type = row->key_type, .hash = row->hash};
    if (row->family == FAMILY_HMAC) {
        out->bytes = mechanism_hash_bytes(row->hash);
    } else {
        out->bytes = cipher_block_bytes(row);
        out->key_bytes = key_bytes;
        cipher_name(row, key_bytes, out->cipher);
    }
    return true;
}

bool prf_find_ike(CK_MECHANISM_TYPE mac, struct prf *out)
{
    struct prf found;

    if (mac == CKM_AES_XCBC_MAC) { /* which is no mechanism of its own here */
        *out = (struct prf){.key_type = CKK_AES, .bytes = PRF_BLOCK_BYTES, .key_bytes = PRF_BLOCK_BYTES};
        return true;
    }
    if (!find(mac, PRF_BLOCK_BYTES, &found) || (found.hash == NULL && found.key_type != CKK_AES))
        return false;
    *out = found;
    return true;
}

bool prf_find_kbkdf(CK_MECHANISM_TYPE mac, size_t key_bytes, struct prf *out)
{
    static const struct {
        CK_MECHANISM_TYPE mac;
        size_t key_bytes[3]; /* {0}: any */
    } prfs[] = {
        {CKM_SHA_1_HMAC, {0}},    {CKM_SHA224_HMAC, {0}},   {CKM_SHA256_HMAC, {0}},   {CKM_SHA384_HMAC, {0}},
        {CKM_SHA512_HMAC, {0}},   {CKM_SHA3_224_HMAC, {0}}, {CKM_SHA3_256_HMAC, {0}}, {CKM_SHA3_384_HMAC, {0}},
        {CKM_SHA3_512_HMAC, {0}}, {CKM_DES3_CMAC, {24}},    {CKM_AES_CMAC, {16, 24, 32}},
    };

    for (size_t i = 0; i < sizeof prfs / sizeof prfs[0]; i++) {
        const size_t *sizes = prfs[i].key_bytes;
        if (prfs[i].mac == mac)
            return (key_bytes == 0 || sizes[0] == 0 || key_bytes == sizes[0] || key_bytes == sizes[1] || key_bytes == sizes[2]) &&
                   find(mac, key_bytes, out);
    }
    return false;
}

/* ---- HMAC, and CMAC with a key of its own length */

static enum err mac(OSSL_LIB_CTX *libctx, const struct prf *p, struct kdf_bytes key, const struct kdf_bytes *parts, size_t n,
                    uint8_t out[PRF_BYTES_MAX])
{
    const char *inside = p->hash != NULL ? p->hash : p->cipher;
    EVP_MAC *algorithm = EVP_MAC_fetch(libctx, p->hash != NULL ? "HMAC" : "CMAC", NULL);
    EVP_MAC_CTX *ctx = algorithm != NULL ? EVP_MAC_CTX_new(algorithm) : NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(p->hash != NULL ? OSSL_MAC_PARAM_DIGEST : OSSL_MAC_PARAM_CIPHER, (char *)(uintptr_t)inside, 0),
        OSSL_PARAM_construct_end(),
    };
    size_t out_n = 0;
    bool ok = ctx != NULL && EVP_MAC_init(ctx, key.bytes, key.n, params) == 1;

    for (size_t i = 0; ok && i < n; i++)
        ok = parts[i].n == 0 || EVP_MAC_update(ctx, parts[i].bytes, parts[i].n) == 1;
    ok = ok && EVP_MAC_final(ctx, out, &out_n, PRF_BYTES_MAX) == 1 && out_n == p->bytes;
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(algorithm);
    ERR_clear_error();
    return ok ? ERR_OK : ERR_NO_MEMORY;
}

static enum err by_block(OSSL_LIB_CTX *libctx, const struct prf *p, const uint8_t *key, const struct kdf_bytes *parts, size_t n,
                         uint8_t out[PRF_BYTES_MAX])
{
    return p->cipher[0] == '\0' ? xcbc_mac(libctx, key, parts, n, out)
                                : mac(libctx, p, (struct kdf_bytes){key, p->key_bytes}, parts, n, out);
}

/* IKE's: a key of another length than the cipher's is first made one: RFC 4615 section 3; RFC 4434 section 2, which pads short ones. */
static enum err block_key(OSSL_LIB_CTX *libctx, const struct prf *p, struct kdf_bytes key, uint8_t out[PRF_BYTES_MAX])
{
    static const uint8_t zeros[PRF_BLOCK_BYTES];

    if (p->key_bytes != PRF_BLOCK_BYTES)
        return ERR_BUG;
    if (key.n > PRF_BLOCK_BYTES || p->cipher[0] != '\0')
        return by_block(libctx, p, zeros, &key, 1, out);
    memset(out, 0, PRF_BLOCK_BYTES);
    memcpy(out, key.bytes, key.n);
    return ERR_OK;
}

enum err prf_make(OSSL_LIB_CTX *libctx, const struct prf *p, struct kdf_bytes key, const struct kdf_bytes *parts, size_t n,
                  uint8_t out[PRF_BYTES_MAX])
{
    uint8_t own[PRF_BYTES_MAX];
    enum err e;

    if (p->hash != NULL)
        return mac(libctx, p, key, parts, n, out);
    if (key.n == p->key_bytes)
        return by_block(libctx, p, key.bytes, parts, n, out);
    e = block_key(libctx, p, key, own);
    if (e == ERR_OK)
        e = by_block(libctx, p, own, parts, n, out);
    bytes_wipe(own, sizeof own);
    return e;
}
