#include "daemon/peer_hash.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

struct peer_hash {
    EVP_MD *md;
    EVP_MD_CTX *ctx;
};

static bool hash_der(OSSL_LIB_CTX *libctx, unsigned char *der, int n, uint8_t *out)
{
    EVP_MD *md = EVP_MD_fetch(libctx, "SHA256", NULL);
    bool ok = md != NULL && n > 0 && EVP_Digest(der, (size_t)n, out, NULL, md, NULL) == 1;

    EVP_MD_free(md);
    OPENSSL_free(der);
    ERR_clear_error();
    return ok;
}

bool peer_hash_key(OSSL_LIB_CTX *libctx, const X509 *certificate, uint8_t out[PEER_HASH_BYTES])
{
    unsigned char *der = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    return hash_der(libctx, der, n, out);
}

bool peer_hash_certificate(OSSL_LIB_CTX *libctx, const X509 *certificate, uint8_t out[PEER_HASH_BYTES])
{
    unsigned char *der = NULL;
    int n = i2d_X509(certificate, &der);
    return hash_der(libctx, der, n, out);
}

struct peer_hash *peer_hash_new(OSSL_LIB_CTX *libctx)
{
    struct peer_hash *h = calloc(1, sizeof *h);

    if (h == NULL)
        return NULL;
    h->md = EVP_MD_fetch(libctx, "SHA256", NULL);
    h->ctx = EVP_MD_CTX_new();
    if (h->md != NULL && h->ctx != NULL && EVP_DigestInit_ex2(h->ctx, h->md, NULL) == 1)
        return h;
    peer_hash_free(h);
    ERR_clear_error();
    return NULL;
}

void peer_hash_free(struct peer_hash *h)
{
    if (h == NULL)
        return;
    EVP_MD_CTX_free(h->ctx);
    EVP_MD_free(h->md);
    free(h);
}

bool peer_hash_update(struct peer_hash *h, const void *bytes, size_t n)
{
    return EVP_DigestUpdate(h->ctx, bytes, n) == 1;
}

bool peer_hash_final(struct peer_hash *h, uint8_t out[PEER_HASH_BYTES])
{
    return EVP_DigestFinal_ex(h->ctx, out, NULL) == 1;
}
