#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "tools/bench.h"

struct raw {
    struct subject base;
    EVP_PKEY *key;
};

/* A context a thread, kept: the fairest that OpenSSL can be used. */
struct raw_worker {
    EVP_PKEY_CTX *ctx;
    uint8_t digest[32];
};

static bool failed(const char *what, struct diag *why)
{
    ERR_clear_error();
    diag_set(why, "OpenSSL: %s failed", what);
    return false;
}

static bool prepare(struct subject *s, enum token_kind kind, struct diag *why)
{
    struct raw *r = (struct raw *)s;

    r->key = kind == TOKEN_P256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
    return r->key != NULL || failed("making a key", why);
}

static void discard(struct subject *s)
{
    struct raw *r = (struct raw *)s;

    EVP_PKEY_free(r->key);
    r->key = NULL;
}

static void worker_end(void *worker)
{
    struct raw_worker *w = worker;

    if (w != NULL)
        EVP_PKEY_CTX_free(w->ctx);
    free(w);
}

static bool worker_begin(struct subject *s, void **out, struct diag *why)
{
    struct raw *r = (struct raw *)s;
    struct raw_worker *w = calloc(1, sizeof *w);
    bool ok = w != NULL && (w->ctx = EVP_PKEY_CTX_new(r->key, NULL)) != NULL && EVP_PKEY_sign_init(w->ctx) == 1 &&
              (!EVP_PKEY_is_a(r->key, "RSA") || EVP_PKEY_CTX_set_rsa_padding(w->ctx, RSA_PKCS1_PADDING) == 1) &&
              EVP_PKEY_CTX_set_signature_md(w->ctx, EVP_sha256()) == 1;

    if (!ok) {
        worker_end(w);
        return failed("a signing context", why);
    }
    memset(w->digest, 0x5a, sizeof w->digest);
    *out = w;
    return true;
}

static bool sign(void *worker, struct diag *why)
{
    struct raw_worker *w = worker;
    uint8_t signature[512];
    size_t n = sizeof signature;

    return EVP_PKEY_sign(w->ctx, signature, &n, w->digest, sizeof w->digest) == 1 || failed("a signature", why);
}

static void raw_free(struct subject *s)
{
    free(s);
}

static const struct subject_ops ops = {.prepare = prepare, .discard = discard, .worker_begin = worker_begin, .sign = sign,
    .worker_end = worker_end, .free = raw_free};

struct subject *subject_raw_new(void)
{
    struct raw *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    r->base = (struct subject){.ops = &ops, .name = "openssl"};
    return &r->base;
}
