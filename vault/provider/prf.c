#include "vault/provider/prf.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "vault/provider/xcbc.h"

_Static_assert((int)PRF_BLOCK_BYTES == (int)XCBC_BYTES, "one block for both");

bool prf_find(CK_MECHANISM_TYPE mac, struct prf *out)
{
    const struct mechanism *row = mechanism_find(mac);

    if (mac == CKM_AES_XCBC_MAC) { /* which is no mechanism of its own here */
        *out = (struct prf){.key_type = CKK_AES, .bytes = PRF_BLOCK_BYTES, .xcbc = true};
        return true;
    }
    if (row == NULL || row->param != PARAM_NONE || !row->has_key)
        return false;
    if (row->family == FAMILY_HMAC)
        *out = (struct prf){.key_type = row->key_type, .bytes = mechanism_hash_bytes(row->hash), .hash = row->hash};
    else if (row->family == FAMILY_CMAC && row->key_type == CKK_AES)
        *out = (struct prf){.key_type = CKK_AES, .bytes = PRF_BLOCK_BYTES};
    else
        return false;
    return true;
}

/* ---- HMAC, and CMAC with a key of its own length */

static enum err mac(OSSL_LIB_CTX *libctx, const char *hash, struct kdf_bytes key, const struct kdf_bytes *parts, size_t n,
                    uint8_t out[PRF_BYTES_MAX])
{
    EVP_MAC *algorithm = EVP_MAC_fetch(libctx, hash != NULL ? "HMAC" : "CMAC", NULL);
    EVP_MAC_CTX *ctx = algorithm != NULL ? EVP_MAC_CTX_new(algorithm) : NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(hash != NULL ? OSSL_MAC_PARAM_DIGEST : OSSL_MAC_PARAM_CIPHER,
                                         (char *)(uintptr_t)(hash != NULL ? hash : "AES-128-CBC"), 0),
        OSSL_PARAM_construct_end(),
    };
    size_t out_n = 0;
    bool ok = ctx != NULL && EVP_MAC_init(ctx, key.bytes, key.n, params) == 1;

    for (size_t i = 0; ok && i < n; i++)
        ok = parts[i].n == 0 || EVP_MAC_update(ctx, parts[i].bytes, parts[i].n) == 1;
    ok = ok && EVP_MAC_final(ctx, out, &out_n, PRF_BYTES_MAX) == 1;
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(algorithm);
    ERR_clear_error();
    return ok ? ERR_OK : ERR_NO_MEMORY;
}

static enum err by_block(OSSL_LIB_CTX *libctx, const struct prf *p, const uint8_t key[PRF_BLOCK_BYTES], const struct kdf_bytes *parts,
                         size_t n, uint8_t out[PRF_BYTES_MAX])
{
    return p->xcbc ? xcbc_mac(libctx, key, parts, n, out) : mac(libctx, NULL, (struct kdf_bytes){key, PRF_BLOCK_BYTES}, parts, n, out);
}

/* A key of another length than the cipher's is first made one: RFC 4615 section 3; RFC 4434 section 2, which pads short ones. */
static enum err block_key(OSSL_LIB_CTX *libctx, const struct prf *p, struct kdf_bytes key, uint8_t out[PRF_BYTES_MAX])
{
    static const uint8_t zeros[PRF_BLOCK_BYTES];

    if (key.n != PRF_BLOCK_BYTES && (key.n > PRF_BLOCK_BYTES || !p->xcbc))
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
        return mac(libctx, p->hash, key, parts, n, out);
    e = block_key(libctx, p, key, own);
    if (e == ERR_OK)
        e = by_block(libctx, p, own, parts, n, out);
    bytes_wipe(own, sizeof own);
    return e;
}
