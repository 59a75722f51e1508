#include "vault/node/kem.h"

#include <string.h>

#include "vault/hkdf.h"

enum { KEY_BYTES = 32 };

static enum err derive(OSSL_LIB_CTX *libctx, const struct secret *private_key, const uint8_t other[AGREE_KEY_BYTES],
                       const uint8_t ephemeral[AGREE_KEY_BYTES], const uint8_t kem_public[AGREE_KEY_BYTES], struct gcm_aad context,
                       struct secret *key)
{
    static const char label[] = "clusterhsm kem 1"; /* with its terminating zero */
    struct secret shared = {0};
    struct buffer info = {0};
    enum err e = agree_derive(libctx, private_key, other, &shared);

    if (e == ERR_OK && (!buffer_put(&info, label, sizeof label) || !buffer_put(&info, ephemeral, AGREE_KEY_BYTES) ||
                        !buffer_put(&info, kem_public, AGREE_KEY_BYTES) || !buffer_put(&info, context.bytes, context.n)))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK)
        e = hkdf_derive(libctx, &shared, (struct hkdf_bytes){0}, (struct hkdf_bytes){info.data, info.len}, KEY_BYTES, key);
    secret_clear(&shared);
    buffer_clear(&info);
    return e;
}

enum err kem_seal(OSSL_LIB_CTX *libctx, const uint8_t kem_public[AGREE_KEY_BYTES], struct gcm_aad context, const struct secret *text,
                  struct buffer *out)
{
    struct secret own = {0}, key = {0};
    size_t before = out->len;
    uint8_t *to = buffer_extend(out, KEM_SEAL_BYTES + text->len);
    enum err e = to != NULL ? agree_generate(libctx, &own) : ERR_NO_MEMORY;

    if (e == ERR_OK)
        e = agree_public(libctx, &own, to);
    if (e == ERR_OK)
        e = derive(libctx, &own, kem_public, to, kem_public, context, &key);
    if (e == ERR_OK)
        e = gcm_seal(libctx, &key, context, text->bytes, text->len, to + AGREE_KEY_BYTES);
    if (e != ERR_OK)
        out->len = before;
    secret_clear(&own);
    secret_clear(&key);
    return e;
}

enum err kem_open(OSSL_LIB_CTX *libctx, const struct secret *kem_private, struct gcm_aad context, const uint8_t *sealed, size_t n,
                  struct secret *text)
{
    uint8_t kem_public[AGREE_KEY_BYTES];
    struct secret key = {0};
    enum err e = n >= KEM_SEAL_BYTES ? agree_public(libctx, kem_private, kem_public) : ERR_FORGED;

    if (e == ERR_OK)
        e = derive(libctx, kem_private, sealed, sealed, kem_public, context, &key);
    if (e == ERR_OK)
        e = gcm_open(libctx, &key, context, sealed + AGREE_KEY_BYTES, n - AGREE_KEY_BYTES, text);
    secret_clear(&key);
    return e;
}
