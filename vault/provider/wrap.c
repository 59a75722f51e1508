#include "vault/provider/wrap.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "proto/cipher_mode.h"
#include "vault/provider/pkcs1_unpad.h"

enum {
    SEMIBLOCK_BYTES = 8,
    OAEP_OVERHEAD_BYTES = 2,
    PKCS1_OVERHEAD_BYTES = 11,
    TAG_BYTES_MAX = 16,
    AES_KEY_BYTES_MAX = 32
};

/* ---- with AES. The key is plain bytes here, as a fresh one wraps too. */

struct aes {
    OSSL_LIB_CTX *libctx;
    const uint8_t *key;
    size_t key_n;
    const char *mode;              /* "WRAP", "WRAP-PAD", "CBC", "GCM" */
    const ProtobufCBinaryData *iv; /* NULL: none */
    const Hsm__AeadParams *aead;   /* GCM */
    bool pads;
};

static EVP_CIPHER_CTX *aes_begin(const struct aes *a, bool encrypt)
{
    char name[32];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const uint8_t *iv = a->iv != NULL && a->iv->len > 0 ? a->iv->data : NULL;
    size_t iv_n = a->aead != NULL ? a->aead->iv.len : 0;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()};
    EVP_CIPHER *cipher;
    bool ok;

    snprintf(name, sizeof name, "AES-%zu-%s", 8 * a->key_n, a->mode);
    cipher = EVP_CIPHER_fetch(a->libctx, name, NULL);
    if (a->aead != NULL) {
        params[0] = OSSL_PARAM_construct_size_t(OSSL_CIPHER_PARAM_IVLEN, &iv_n);
        iv = a->aead->iv.data;
    }
    if (ctx != NULL)
        EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    ok = ctx != NULL && cipher != NULL && EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, encrypt, params) == 1 &&
         EVP_CipherInit_ex2(ctx, NULL, a->key, iv, encrypt, NULL) == 1 && EVP_CIPHER_CTX_set_padding(ctx, a->pads) == 1;
    EVP_CIPHER_free(cipher);
    if (ok)
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

static bool feed_aad(EVP_CIPHER_CTX *ctx, const struct aes *a)
{
    int n = 0;

    return a->aead == NULL || a->aead->aad.len == 0 ||
           EVP_CipherUpdate(ctx, NULL, &n, a->aead->aad.data, (int)a->aead->aad.len) == 1;
}

static enum err aes_wrap(const struct aes *a, const uint8_t *plain, size_t n, struct buffer *out)
{
    EVP_CIPHER_CTX *ctx = aes_begin(a, true);
    size_t room = n + 2 * TAG_BYTES_MAX, from = out->len;
    uint8_t *to = buffer_extend(out, room), tag[TAG_BYTES_MAX];
    int made = 0, rest = 0;
    bool ok = ctx != NULL && to != NULL && feed_aad(ctx, a) && EVP_CipherUpdate(ctx, to, &made, plain, (int)n) == 1 &&
              EVP_CipherFinal_ex(ctx, to + made, &rest) == 1;

    if (ok && a->aead != NULL)
        ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)a->aead->tag_bytes, tag) == 1;
    out->len = ok ? from + (size_t)(made + rest) : from;
    if (ok && a->aead != NULL)
        ok = buffer_put(out, tag, a->aead->tag_bytes);
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return ok ? ERR_OK : ERR_NO_MEMORY;
}

/* Whatever fails, it is the same error. */
static enum err aes_unwrap(const struct aes *a, const uint8_t *wrapped, size_t n, struct secret *out)
{
    EVP_CIPHER_CTX *ctx = aes_begin(a, false);
    size_t tag_n = a->aead != NULL ? a->aead->tag_bytes : 0;
    struct secret made = {0};
    int first = 0, rest = 0;
    enum err e = ctx != NULL && secret_new(&made, n + 2 * TAG_BYTES_MAX) ? ERR_OK : ERR_NO_MEMORY;

    if (e == ERR_OK) {
        bool ok =
            n > tag_n && feed_aad(ctx, a) && EVP_CipherUpdate(ctx, made.bytes, &first, wrapped, (int)(n - tag_n)) == 1;
        if (ok && a->aead != NULL)
            ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)tag_n,
                                     (void *)(uintptr_t)(wrapped + n - tag_n)) == 1;
        ok = ok && EVP_CipherFinal_ex(ctx, made.bytes + first, &rest) == 1 && first + rest > 0;
        e = ok ? ERR_OK : ERR_WRAPPED_KEY;
    }
    if (e == ERR_OK) {
        made.len = (size_t)(first + rest);
        secret_move(out, &made);
    }
    secret_clear(&made);
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

static struct aes aes_of(const struct wrap *w)
{
    enum mechanism_family f = w->mechanism->family;
    struct aes a = {
        .libctx = w->libctx, .key = key_secret(w->key)->bytes, .key_n = key_secret(w->key)->len, .mode = "WRAP"};

    if (w->given->iv != NULL)
        a.iv = &w->given->iv->iv;
    if (f == FAMILY_GCM) {
        a.mode = "GCM";
        a.aead = w->given->aead;
    } else if (f == FAMILY_CBC_PAD) {
        a.mode = "CBC";
        a.pads = true;
    } else if (f == FAMILY_KEY_WRAP_PAD) {
        a.mode = "WRAP-PAD";
    }
    return a;
}

/* PKCS #7 to whole semiblocks, and RFC 3394 over it. */
static enum err pkcs7_wrap(const struct wrap *w, const struct secret *plain, struct buffer *out)
{
    size_t pad = SEMIBLOCK_BYTES - plain->len % SEMIBLOCK_BYTES;
    struct aes a = aes_of(w);
    struct secret padded = {0};
    enum err e = ERR_NO_MEMORY;

    if (plain->len + pad < 2 * SEMIBLOCK_BYTES)
        return ERR_KEY_SIZE;
    if (secret_new(&padded, plain->len + pad)) {
        memcpy(padded.bytes, plain->bytes, plain->len);
        memset(padded.bytes + plain->len, (int)pad, pad);
        e = aes_wrap(&a, padded.bytes, padded.len, out);
    }
    secret_clear(&padded);
    return e;
}

static enum err pkcs7_unwrap(const struct wrap *w, const uint8_t *wrapped, size_t n, struct secret *out)
{
    struct aes a = aes_of(w);
    struct secret padded = {0};
    enum err e = aes_unwrap(&a, wrapped, n, &padded);
    size_t pad = e == ERR_OK ? padded.bytes[padded.len - 1] : 0;

    /* What comes here has been authenticated, so the padding tells nobody anything. */
    if (e == ERR_OK && (pad == 0 || pad > SEMIBLOCK_BYTES || pad >= padded.len))
        e = ERR_WRAPPED_KEY;
    for (size_t i = 0; e == ERR_OK && i < pad; i++)
        if (padded.bytes[padded.len - 1 - i] != pad)
            e = ERR_WRAPPED_KEY;
    if (e == ERR_OK) {
        padded.len -= pad;
        secret_move(out, &padded);
    }
    secret_clear(&padded);
    return e;
}

/* ---- with RSA */

static EVP_PKEY *rsa_of(const struct wrap *w)
{
    return w->public_key != NULL ? public_key_evp(w->public_key) : key_evp(w->key);
}

static size_t modulus_bytes(const struct wrap *w)
{
    return (size_t)EVP_PKEY_get_size(rsa_of(w));
}

static EVP_PKEY_CTX *rsa_begin(const struct wrap *w, bool encrypt)
{
    const Hsm__OaepParams *oaep = w->given->oaep;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(w->libctx, rsa_of(w), NULL);
    OSSL_PARAM params[5];
    size_t n = 0;

    if (oaep != NULL) {
        const char *hash = mechanism_hash_name(oaep->hash), *mgf = mechanism_mgf_hash(oaep->mgf);
        static uint8_t none;
        params[n++] = OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, (char *)(uintptr_t)hash, 0);
        params[n++] = OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, (char *)(uintptr_t)mgf, 0);
        params[n++] = OSSL_PARAM_construct_octet_string(
            OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, oaep->label.len > 0 ? oaep->label.data : &none, oaep->label.len);
    }
    /* PKCS #1 v1.5 is taken off by pkcs1_unpad. */
    params[n++] = OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE,
                                                   (char *)(uintptr_t)(oaep != NULL ? OSSL_PKEY_RSA_PAD_MODE_OAEP
                                                                       : encrypt    ? OSSL_PKEY_RSA_PAD_MODE_PKCSV15
                                                                                    : OSSL_PKEY_RSA_PAD_MODE_NONE),
                                                   0);
    params[n] = OSSL_PARAM_construct_end();
    if (ctx != NULL && (encrypt ? EVP_PKEY_encrypt_init_ex(ctx, params) : EVP_PKEY_decrypt_init_ex(ctx, params)) == 1)
        return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

static size_t rsa_holds(const struct wrap *w)
{
    size_t k = modulus_bytes(w), overhead = PKCS1_OVERHEAD_BYTES;

    if (w->given->oaep != NULL)
        overhead = 2 * mechanism_hash_bytes(mechanism_hash_name(w->given->oaep->hash)) + OAEP_OVERHEAD_BYTES;
    return k > overhead ? k - overhead : 0;
}

static enum err rsa_wrap(const struct wrap *w, const uint8_t *plain, size_t n, struct buffer *out)
{
    EVP_PKEY_CTX *ctx;
    size_t from = out->len, made = modulus_bytes(w);
    uint8_t *to;
    enum err e = ERR_NO_MEMORY;

    if (n > rsa_holds(w))
        return ERR_KEY_SIZE;
    ctx = rsa_begin(w, true);
    to = buffer_extend(out, made);
    if (ctx != NULL && to != NULL)
        e = EVP_PKEY_encrypt(ctx, to, &made, plain, n) == 1 ? ERR_OK : ERR_BUG;
    out->len = e == ERR_OK ? from + made : from;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

static enum err rsa_unwrap(const struct wrap *w, const uint8_t *wrapped, size_t n, struct secret *out)
{
    EVP_PKEY_CTX *ctx;
    struct secret made = {0};
    size_t made_n = modulus_bytes(w);
    enum err e = ERR_NO_MEMORY;

    if (n != modulus_bytes(w))
        return ERR_WRAPPED_KEY_LEN;
    ctx = rsa_begin(w, false);
    if (ctx != NULL && secret_new(&made, made_n))
        e = EVP_PKEY_decrypt(ctx, made.bytes, &made_n, wrapped, n) == 1 ? ERR_OK : ERR_WRAPPED_KEY;
    if (e == ERR_OK) {
        made.len = made_n;
        if (w->given->oaep == NULL)
            e = pkcs1_unpad(w->libctx, w->key, wrapped, n, &made);
    }
    if (e == ERR_OK)
        secret_move(out, &made);
    secret_clear(&made);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

/* A fresh AES key under OAEP, and the key itself under RFC 5649 behind it (PKCS#11 v3.1 section 6.1.17). */
static struct aes under(const struct wrap *w, const struct secret *fresh)
{
    return (struct aes){.libctx = w->libctx, .key = fresh->bytes, .key_n = fresh->len, .mode = "WRAP-PAD"};
}

static enum err rsa_aes_wrap(const struct wrap *w, const struct secret *plain, struct buffer *out)
{
    struct secret fresh = {0};
    struct aes a;
    enum err e = secret_new(&fresh, w->given->aes_bits / 8) ? ERR_OK : ERR_NO_MEMORY;

    if (e == ERR_OK && RAND_priv_bytes_ex(w->libctx, fresh.bytes, fresh.len, 0) != 1)
        e = ERR_BUG;
    if (e == ERR_OK)
        e = rsa_wrap(w, fresh.bytes, fresh.len, out);
    a = under(w, &fresh);
    if (e == ERR_OK)
        e = aes_wrap(&a, plain->bytes, plain->len, out);
    secret_clear(&fresh);
    ERR_clear_error();
    return e;
}

static enum err rsa_aes_unwrap(const struct wrap *w, const uint8_t *wrapped, size_t n, struct secret *out)
{
    struct secret fresh = {0};
    struct aes a;
    size_t k = modulus_bytes(w);
    enum err e;

    if (n <= k)
        return ERR_WRAPPED_KEY_LEN;
    e = rsa_unwrap(w, wrapped, k, &fresh);
    if (e == ERR_OK && fresh.len != w->given->aes_bits / 8)
        e = ERR_WRAPPED_KEY;
    a = under(w, &fresh);
    if (e == ERR_OK)
        e = aes_unwrap(&a, wrapped + k, n - k, out);
    secret_clear(&fresh);
    return e;
}

/* ---- all of them */

static bool is_rsa(const struct mechanism *m)
{
    return m->family == FAMILY_RSA_PKCS || m->family == FAMILY_RSA_OAEP || m->family == FAMILY_RSA_AES_WRAP;
}

enum err wrap_check(const struct wrap *w)
{
    const struct mechanism *m = w->mechanism;
    CK_KEY_TYPE type = w->public_key != NULL ? public_key_type(w->public_key) : key_type(w->key);
    size_t size = w->public_key != NULL ? public_key_bits(w->public_key) : key_size(w->key), aes = w->given->aes_bits;

    if (!mechanism_does(m, CKF_WRAP) && !mechanism_does(m, CKF_UNWRAP))
        return ERR_MECHANISM;
    if (type != m->key_type)
        return ERR_KEY_TYPE;
    if (size > m->size_max)
        return ERR_KEY_SIZE;
    if (m->family == FAMILY_RSA_AES_WRAP ? aes != 128 && aes != 192 && aes != 256 : aes != 0)
        return ERR_MECHANISM_PARAM;
    return !is_rsa(m) || rsa_holds(w) > 0 ? ERR_OK : ERR_KEY_SIZE;
}

enum err wrap_bytes(const struct wrap *w, const struct secret *plain, struct buffer *out)
{
    enum err e = wrap_check(w);
    enum mechanism_family f = w->mechanism->family;
    struct aes a;

    if (e != ERR_OK)
        return e;
    if (plain->len > WRAP_BYTES_MAX)
        return ERR_KEY_SIZE;
    if (f == FAMILY_RSA_AES_WRAP)
        return rsa_aes_wrap(w, plain, out);
    if (is_rsa(w->mechanism))
        return rsa_wrap(w, plain->bytes, plain->len, out);
    if (f == FAMILY_KEY_WRAP_PKCS7)
        return pkcs7_wrap(w, plain, out);
    if (f == FAMILY_KEY_WRAP && (plain->len % SEMIBLOCK_BYTES != 0 || plain->len < 2 * SEMIBLOCK_BYTES))
        return ERR_KEY_SIZE;
    a = aes_of(w);
    return aes_wrap(&a, plain->bytes, plain->len, out);
}

enum err unwrap_bytes(const struct wrap *w, const uint8_t *wrapped, size_t n, struct secret *out)
{
    enum err e = wrap_check(w);
    enum mechanism_family f = w->mechanism->family;
    struct aes a;

    if (e != ERR_OK)
        return e;
    if (n == 0 || n > WRAP_BYTES_MAX)
        return ERR_WRAPPED_KEY_LEN;
    if (f == FAMILY_RSA_AES_WRAP)
        return rsa_aes_unwrap(w, wrapped, n, out);
    if (is_rsa(w->mechanism))
        return rsa_unwrap(w, wrapped, n, out);
    if (f != FAMILY_GCM && (n % (f == FAMILY_CBC_PAD ? 2 * SEMIBLOCK_BYTES : SEMIBLOCK_BYTES) != 0))
        return ERR_WRAPPED_KEY_LEN;
    if (f != FAMILY_GCM && f != FAMILY_CBC_PAD && n < (f == FAMILY_KEY_WRAP ? 3u : 2u) * SEMIBLOCK_BYTES)
        return ERR_WRAPPED_KEY_LEN;
    if (f == FAMILY_KEY_WRAP_PKCS7)
        return pkcs7_unwrap(w, wrapped, n, out);
    a = aes_of(w);
    return aes_unwrap(&a, wrapped, n, out);
}

/* ---- the form within */

enum err wrap_pack(const struct key *k, struct secret *out)
{
    PKCS8_PRIV_KEY_INFO *info;
    uint8_t *der = NULL;
    int n;
    enum err e = ERR_NO_MEMORY;

    if (key_evp(k) == NULL)
        return secret_copy(out, key_secret(k)->bytes, key_secret(k)->len) ? ERR_OK : ERR_NO_MEMORY;
    info = EVP_PKEY2PKCS8(key_evp(k));
    n = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;
    if (n > 0 && secret_copy(out, der, (size_t)n))
        e = ERR_OK;
    OPENSSL_clear_free(der, n > 0 ? (size_t)n : 0);
    PKCS8_PRIV_KEY_INFO_free(info);
    ERR_clear_error();
    return e;
}

enum err wrap_unpack_private(OSSL_LIB_CTX *libctx, const struct secret *packed, struct key **out)
{
    const uint8_t *at = packed->bytes;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)packed->len);
    EVP_PKEY *evp = info != NULL && at == packed->bytes + packed->len ? EVP_PKCS82PKEY_ex(info, libctx, NULL) : NULL;
    struct key *k = NULL;
    enum err e = ERR_WRAPPED_KEY;

    if (evp != NULL && (e = key_wrap(evp, &k)) == ERR_OK && (e = key_check(libctx, k)) == ERR_OK) {
        *out = k;
        k = NULL; /* transferred */
    }
    key_free(k);
    PKCS8_PRIV_KEY_INFO_free(info);
    ERR_clear_error();
    return e == ERR_OK || e == ERR_NO_MEMORY ? e : ERR_WRAPPED_KEY;
}
