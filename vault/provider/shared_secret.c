#include "vault/provider/shared_secret.h"

#include <openssl/dh.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/public_key.h"

typedef enum err kdf_fn(OSSL_LIB_CTX *libctx, const char *hash, struct kdf_bytes secret, struct kdf_bytes shared,
                        size_t n, struct secret *out);

static const struct {
    CK_ULONG type;
    const char *hash;
    kdf_fn *run;
} kdfs[] = {
#define RAW NULL
#define X963 kdf_x963
#define ONE_STEP kdf_one_step
#define ECDH_KDF(type, hash, form) {type, hash, form},
#include "proto/ecdh_kdf.def"
#undef ECDH_KDF
};

enum { KDFS = sizeof kdfs / sizeof kdfs[0] };

/* RFC 7748 section 6: all zero is refused by OpenSSL. */
static enum err agree(OSSL_LIB_CTX *libctx, const struct key *own, EVP_PKEY *peer, struct secret *out)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(libctx, key_evp(own), NULL);
    struct secret made = {0};
    size_t n = 0;
    enum err e = ERR_NO_MEMORY;

    if (ctx != NULL)
        e = EVP_PKEY_derive_init(ctx) == 1 && (key_type(own) != CKK_DH || EVP_PKEY_CTX_set_dh_pad(ctx, 1) == 1) &&
                    EVP_PKEY_derive_set_peer(ctx, peer) == 1 && EVP_PKEY_derive(ctx, NULL, &n) == 1
                ? ERR_OK
                : ERR_MECHANISM_PARAM;
    if (e == ERR_OK && !secret_new(&made, n))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK && (EVP_PKEY_derive(ctx, made.bytes, &n) != 1 || n != made.len))
        e = ERR_MECHANISM_PARAM;
    if (e == ERR_OK)
        secret_move(out, &made);
    secret_clear(&made);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

enum err shared_secret(OSSL_LIB_CTX *libctx, const struct key *own, struct kdf_bytes peer, struct secret *out)
{
    const struct curve *curve = key_curve(own);
    struct public_key *other = NULL;
    enum err e;

    if (curve == NULL)
        return ERR_KEY_TYPE;
    if (peer.n == 0)
        return ERR_MECHANISM_PARAM;
    e = public_key_ec(libctx, curve->key_type, curve->params, curve->params_bytes, peer.bytes, peer.n, &other);
    if (e == ERR_OK)
        e = agree(libctx, own, public_key_evp(other), out);
    else if (e != ERR_NO_MEMORY)
        e = ERR_MECHANISM_PARAM;
    public_key_free(other);
    return e;
}

enum err shared_secret_field(OSSL_LIB_CTX *libctx, const struct key *own, struct kdf_bytes peer, struct secret *out)
{
    EVP_PKEY *other;
    enum err e = ERR_MECHANISM_PARAM;

    if (key_type(own) != CKK_DH)
        return ERR_KEY_TYPE;
    if (peer.n == 0 || peer.n > (size_t)EVP_PKEY_get_size(key_evp(own)))
        return ERR_MECHANISM_PARAM;
    if ((other = EVP_PKEY_new()) == NULL)
        return ERR_NO_MEMORY;
    if (EVP_PKEY_copy_parameters(other, key_evp(own)) == 1 && EVP_PKEY_set1_encoded_public_key(other, peer.bytes, peer.n) == 1)
        e = agree(libctx, own, other, out);
    EVP_PKEY_free(other);
    ERR_clear_error();
    return e;
}

enum err shared_secret_last(const struct secret *secret, size_t n, struct secret *out)
{
    if (n > secret->len)
        return ERR_KEY_SIZE;
    return secret_copy(out, secret->bytes + secret->len - n, n) ? ERR_OK : ERR_NO_MEMORY;
}

bool shared_secret_has_kdf(uint64_t kdf)
{
    for (size_t i = 0; i < KDFS; i++)
        if (kdfs[i].type == kdf)
            return true;
    return false;
}

enum err shared_secret_kdf(OSSL_LIB_CTX *libctx, const Hsm__EcdhParams *p, const struct secret *secret, size_t n,
                           struct secret *out)
{
    size_t i = 0;

    while (i < KDFS && kdfs[i].type != p->kdf)
        i++;
    if (i == KDFS || (kdfs[i].run == NULL && p->shared.len > 0))
        return ERR_MECHANISM_PARAM;
    if (kdfs[i].run != NULL)
        return kdfs[i].run(libctx, kdfs[i].hash, (struct kdf_bytes){secret->bytes, secret->len},
                           (struct kdf_bytes){p->shared.data, p->shared.len}, n, out);
    return shared_secret_last(secret, n, out);
}
