#include "vault/provider/kdf.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

enum { PARAMS_MAX = 8 };

struct list {
    size_t n;
    OSSL_PARAM params[PARAMS_MAX];
};

static void add(struct list *l, OSSL_PARAM param)
{
    l->params[l->n++] = param;
}

static void add_text(struct list *l, const char *name, const char *value)
{
    add(l, OSSL_PARAM_construct_utf8_string(name, (char *)(uintptr_t)value, 0));
}

/* OpenSSL takes an empty string for one that was not given, but wants a pointer. */
static void add_bytes(struct list *l, const char *name, struct kdf_bytes value)
{
    static const uint8_t none;

    add(l, OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)(value.n > 0 ? value.bytes : &none), value.n));
}

static enum err run(OSSL_LIB_CTX *libctx, const char *name, struct list *l, size_t n, struct secret *out)
{
    EVP_KDF *kdf = EVP_KDF_fetch(libctx, name, NULL);
    EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    struct secret made = {0};
    enum err e = ctx != NULL && secret_new(&made, n) ? ERR_OK : ERR_NO_MEMORY;

    add(l, OSSL_PARAM_construct_end());
    if (e == ERR_OK && EVP_KDF_derive(ctx, made.bytes, n, l->params) != 1)
        e = ERR_MECHANISM_PARAM;
    if (e == ERR_OK)
        secret_move(out, &made);
    secret_clear(&made);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    ERR_clear_error();
    return e;
}

enum err kdf_hkdf(OSSL_LIB_CTX *libctx, const struct kdf_hkdf *h, struct kdf_bytes key, size_t n, struct secret *out)
{
    struct list l = {.n = 0};

    add_text(&l, OSSL_KDF_PARAM_DIGEST, h->hash);
    add_text(&l, OSSL_KDF_PARAM_MODE,
             h->extract && h->expand ? "EXTRACT_AND_EXPAND"
             : h->extract            ? "EXTRACT_ONLY"
                                     : "EXPAND_ONLY");
    add_bytes(&l, OSSL_KDF_PARAM_KEY, key);
    if (h->extract && h->salt.n > 0)
        add_bytes(&l, OSSL_KDF_PARAM_SALT, h->salt);
    if (h->expand && h->info.n > 0)
        add_bytes(&l, OSSL_KDF_PARAM_INFO, h->info);
    return run(libctx, "HKDF", &l, n, out);
}

static enum err concatenating(OSSL_LIB_CTX *libctx, const char *name, const char *hash, struct kdf_bytes secret,
                              struct kdf_bytes shared, size_t n, struct secret *out)
{
    struct list l = {.n = 0};

    add_text(&l, OSSL_KDF_PARAM_DIGEST, hash);
    add_bytes(&l, OSSL_KDF_PARAM_KEY, secret);
    if (shared.n > 0)
        add_bytes(&l, OSSL_KDF_PARAM_INFO, shared);
    return run(libctx, name, &l, n, out);
}

enum err kdf_x963(OSSL_LIB_CTX *libctx, const char *hash, struct kdf_bytes secret, struct kdf_bytes shared, size_t n,
                  struct secret *out)
{
    return concatenating(libctx, "X963KDF", hash, secret, shared, n, out);
}

enum err kdf_one_step(OSSL_LIB_CTX *libctx, const char *hash, struct kdf_bytes secret, struct kdf_bytes shared,
                      size_t n, struct secret *out)
{
    return concatenating(libctx, "SSKDF", hash, secret, shared, n, out);
}

enum err kdf_pbkdf2(OSSL_LIB_CTX *libctx, const struct kdf_pbkdf2 *p, size_t n, struct secret *out)
{
    struct list l = {.n = 0};
    uint64_t iterations = p->iterations;
    int any = 1; /* SP 800-132's least lengths are the caller's policy, not a rule of RFC 8018 */

    add_text(&l, OSSL_KDF_PARAM_DIGEST, p->hash);
    add_bytes(&l, OSSL_KDF_PARAM_PASSWORD, p->password);
    add_bytes(&l, OSSL_KDF_PARAM_SALT, p->salt);
    add(&l, OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_ITER, &iterations));
    add(&l, OSSL_PARAM_construct_int(OSSL_KDF_PARAM_PKCS5, &any));
    return run(libctx, "PBKDF2", &l, n, out);
}

enum err kdf_tls12(OSSL_LIB_CTX *libctx, const struct kdf_tls12 *t, struct kdf_bytes key, size_t n, struct secret *out)
{
    struct list l = {.n = 0};

    add_text(&l, OSSL_KDF_PARAM_DIGEST, t->hash);
    add_bytes(&l, OSSL_KDF_PARAM_SECRET, key);
    add_bytes(&l, OSSL_KDF_PARAM_SEED, t->label);
    for (size_t i = 0; i < KDF_SEEDS_MAX; i++)
        if (t->seeds[i].n > 0)
            add_bytes(&l, OSSL_KDF_PARAM_SEED, t->seeds[i]);
    return run(libctx, "TLS1-PRF", &l, n, out);
}

enum err kdf_sshkdf(OSSL_LIB_CTX *libctx, const struct kdf_sshkdf *s, struct kdf_bytes key, size_t n, struct secret *out)
{
    const char type[] = {s->letter, 0};
    struct list l = {.n = 0};

    add_text(&l, OSSL_KDF_PARAM_DIGEST, s->hash);
    add_text(&l, OSSL_KDF_PARAM_SSHKDF_TYPE, type);
    add_bytes(&l, OSSL_KDF_PARAM_KEY, key);
    add_bytes(&l, OSSL_KDF_PARAM_SSHKDF_XCGHASH, s->exchange_hash);
    add_bytes(&l, OSSL_KDF_PARAM_SSHKDF_SESSION_ID, s->session_id);
    return run(libctx, "SSHKDF", &l, n, out);
}
